/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A durable directory for targets that read files: bytes are put into it as files, and
 * nothing waits for the disk. */

#include "base/ds-durable-file-private.h"
#include "tests/base/ds-test-durable-private.h"

#include <stdlib.h>

static DsTestDurable ds_fuzz_durable;
static DsDurableDirectory *ds_fuzz_directory; /* holds the lock */
static DsDurableDirectory *ds_fuzz_reader;    /* reads only */

static inline int
ds_fuzz_pretend_to_sync (const char *call,
                         const char *path,
                         gsize *n_bytes,
                         gpointer user_data)
{
  return g_str_has_suffix (call, "sync") ? DS_DURABLE_PRETEND : 0;
}

static inline void
ds_fuzz_directory_end (void)
{
  ds_durable_directory_close (ds_fuzz_reader);
  ds_durable_directory_close (ds_fuzz_directory);
  ds_test_durable_tear_down (&ds_fuzz_durable, NULL);
}

/* Once a process. */
static inline void
ds_fuzz_directory_begin (void)
{
  if (ds_fuzz_directory != NULL)
    return;
  ds_test_hush ();
  ds_durable_file_set_fault_func (ds_fuzz_pretend_to_sync, NULL);
  ds_test_durable_set_up (&ds_fuzz_durable, NULL);
  ds_fuzz_directory = ds_test_durable_open (&ds_fuzz_durable);
  ds_fuzz_reader = ds_durable_directory_open (ds_fuzz_durable.path,
                                              DS_DURABLE_DIRECTORY_READ_ONLY, NULL);
  g_assert_nonnull (ds_fuzz_reader);
  atexit (ds_fuzz_directory_end);
}

/* All files whose names begin with @prefix. */
static inline void
ds_fuzz_directory_remove (const char *prefix)
{
  g_autoptr (GPtrArray) names = ds_durable_directory_list (ds_fuzz_reader, prefix, NULL);

  for (guint i = 0; i < names->len; i++)
    ds_durable_directory_remove_file (ds_fuzz_directory, names->pdata[i], NULL);
}
