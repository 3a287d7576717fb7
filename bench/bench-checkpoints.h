/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A checkpoint directory in memory, for cases that need one and measure something else:
 * syncs cost nothing there, and no checkpoint comes due. */

#include "dstream/dstream.h"

#include <ftw.h>
#include <stdio.h>

/* Longer than any case. */
#define BENCH_NO_CHECKPOINTS (1000 * DS_HOUR)

static char *bench_checkpoints;

static int
bench_remove_entry (const char *path,
                    const struct stat *status,
                    int kind,
                    struct FTW *where)
{
  return remove (path);
}

static void
bench_remove_checkpoints (void)
{
  if (bench_checkpoints != NULL)
    nftw (bench_checkpoints, bench_remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  g_clear_pointer (&bench_checkpoints, g_free);
}

/* One context at a time; removed by bench_remove_checkpoints (). */
static void
bench_set_checkpoints (DsStreamingContext *ssc)
{
  bench_remove_checkpoints ();
  bench_checkpoints = g_strdup ("/dev/shm/ds-bench-XXXXXX");
  if (g_mkdtemp (bench_checkpoints) == NULL)
    {
      g_free (bench_checkpoints);
      bench_checkpoints = g_dir_make_tmp ("ds-bench-XXXXXX", NULL);
    }
  ds_streaming_context_checkpoint (ssc, bench_checkpoints);
}
