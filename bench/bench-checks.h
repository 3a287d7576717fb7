/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What programs that measure check on the way: they end with 1 when it is not so. */

#include "dstream/dstream.h"

#include <errno.h>
#include <stdlib.h>

static inline void
bench_fail_if (const GError *error)
{
  if (error == NULL)
    return;
  g_printerr ("%s: %s\n", program_invocation_short_name, error->message);
  exit (1);
}

static inline void
bench_expect (const char *what, gint64 found, gint64 expected)
{
  if (found == expected)
    return;
  g_printerr ("%s: %" G_GINT64_FORMAT " %s instead of %" G_GINT64_FORMAT "\n",
              program_invocation_short_name, found, what, expected);
  exit (1);
}

/* DsForeachRddFunc */
static inline gboolean
bench_ignore (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  return TRUE;
}
