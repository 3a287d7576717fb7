/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which fault is planted is read once, from the environment. */

#include "base/ds-planted-fault-private.h"

#ifdef DS_FAILPOINTS

gboolean
ds_planted_fault_is (const char *name)
{
  static const char *planted;
  static gsize is_read;

  if (g_once_init_enter (&is_read))
    {
      planted = g_getenv ("DS_CRASH_PLANTED");
      g_once_init_leave (&is_read, 1);
    }
  return planted != NULL && g_str_equal (planted, name);
}

#endif /* DS_FAILPOINTS */
