/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the programs over the library share: the contract of ../README.md, with
 *
 *   ROOT/in           files, one a batch, made by prepare
 *   ROOT/checkpoints  the checkpoint directory
 *   ROOT/out          what is saved, ROOT/out/<name>-<batch time in ms>/part-00000 ...
 *
 * A batch is acknowledged ("batch 3") when it is over: then its files are whole. */

#include <dstream/dstream.h>

#define DS_CRASH_N_BATCHES 6

typedef struct
{
  const char *root;
  int acks_fd;
  char *input, *checkpoints, *output; /* paths */
  gboolean is_first;                  /* no run was before this one */
  DsManualClock *clock;
  DsStreamingContext *ssc;
} DsCrashRun;

typedef struct
{
  const char *name;
  /* Faults of the library that it shows, see base/ds-planted-fault-private.h; NULL at the
   * end.  (nullable) */
  const char *const *planted;
  /* The graph; saves below run->output with the prefix "<output>/<name>". */
  void (*build) (DsCrashRun *run, DsStreamingContext *ssc);
  /* Brings it from where it is to its end.  (nullable): waits for all batches */
  gboolean (*drive) (DsCrashRun *run, GError **error);
  /* What batch @batch must have saved, in any order. (nullable) with check */
  void (*expect) (guint batch, GPtrArray *lines);
  /* Prints "lost ..." and, when finished, "wrong ..." and "duplicated ...": instead of
   * comparing batch by batch. (nullable) */
  void (*check) (const char *root, char **acks, gboolean is_finished);
} DsCrashWorkload;

/* The main () of a workload. */
int ds_crash_workload_main (const DsCrashWorkload *self, int argc, char *argv[]);

/* The words of the file of a batch, 1 ..., separated by spaces and line ends. (transfer
 * full) */
char *ds_crash_workload_words (guint batch);
void ds_crash_run_acknowledge (DsCrashRun *run, const char *format, ...)
    G_GNUC_PRINTF (2, 3);
/* Waits for batch @batch and acknowledges it. */
gboolean ds_crash_run_await (DsCrashRun *run, guint batch, GError **error);
/* All lines of the parts in @directory; NULL when it or its _SUCCESS is not there. */
GPtrArray *ds_crash_read_parts (const char *directory);
/* In any order: both are sorted. */
gboolean ds_crash_are_same (GPtrArray *lines, GPtrArray *expected);
/* The numbers of the batches that left a directory, whole or not, in order. */
GArray *ds_crash_list_batches (const char *output);
