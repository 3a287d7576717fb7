/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* $DS_TEST_MASTER runs tests on another backend than their own: "loopback[2]", in
 * ./check --full.  What they say of results holds on each.  The number of places stays
 * the test's own, as partitions go by it. */

#include <glib.h>
#include <string.h>

/* Of "local" and "local[4]"; others stay, and those that are wrong.  Interned. */
static inline const char *
ds_test_choose_master (const char *own)
{
  const char *other = g_getenv ("DS_TEST_MASTER");
  g_autofree char *chosen = NULL;
  gboolean has_number =
      g_str_has_prefix (own, "local[") && own[6] >= '1' && own[6] <= '9' &&
      strspn (own + 6, "0123456789") + 7 == strlen (own) && strlen (own) <= 10;

  if (other == NULL || !(has_number || g_str_equal (own, "local")))
    return own;
  chosen = g_strdup_printf ("%.*s%s", (int) strcspn (other, "["), other,
                            has_number ? own + strlen ("local") : "[1]");
  return g_intern_string (chosen);
}
