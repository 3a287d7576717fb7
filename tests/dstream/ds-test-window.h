/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A stream whose batches are written "1 2|3||4" (ints) or "a:1 b:2|a:3" (pairs). */

#include "tests/dstream/ds-test-stream.h"

typedef struct
{
  DsTestStream test;
  DsDStream *stream;
} DsTestWindow;

static inline void
ds_test_window_push (DsDStream *stream, const char *batch, gboolean as_pairs)
{
  g_auto (GStrv) words = g_strsplit (batch, " ", -1);
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) block = NULL;

  for (guint i = 0; words[i] != NULL; i++)
    {
      g_auto (GStrv) parts = g_strsplit (words[i], ":", 2);

      if (*words[i] == '\0')
        continue;
      if (as_pairs)
        ds_block_builder_add_pair (builder, ds_value_string (parts[0]),
                                   ds_value_int (g_ascii_strtoll (parts[1], NULL, 10)));
      else
        ds_block_builder_add (builder,
                              ds_value_int (g_ascii_strtoll (words[i], NULL, 10)));
    }
  block = ds_block_builder_end (builder);
  ds_dstream_push_block (stream, block);
}

/* Ints, or pairs "a:1". */
static inline void
ds_test_window_set_up (DsTestWindow *fixture, const char *master, const char *batches)
{
  g_auto (GStrv) parts = g_strsplit (batches, "|", -1);

  ds_test_stream_set_up (&fixture->test, master);
  ds_test_stream_allow_checkpoints (&fixture->test); /* for inverses */
  fixture->stream = ds_streaming_context_queue_stream (fixture->test.ssc);
  for (guint i = 0; parts[i] != NULL; i++)
    ds_test_window_push (fixture->stream, parts[i], strchr (batches, ':') != NULL);
}

/* The values of @block, sorted.  (transfer full) */
static inline char *
ds_test_window_show (DsBlock *block)
{
  g_autoptr (DsBlock) sorted = ds_block_sort (block);

  return g_strdelimit (g_strchomp (ds_block_to_string (sorted)), "\n", ' ');
}

/* What each of the first @n_batches gave, between "|"; "-" for no RDD. */
static inline void
ds_test_window_assert_output (DsOutput *output, guint n_batches, const char *expected)
{
  g_autoptr (GString) found = g_string_new (NULL);

  for (guint i = 1; i <= n_batches; i++)
    {
      DsBlock *block = ds_output_get_block (output, i * DS_SECOND);
      g_autofree char *text = block != NULL ? ds_test_window_show (block) : NULL;

      if (i > 1)
        g_string_append_c (found, '|');
      g_string_append (found, block == NULL ? "-" : text);
    }
  g_assert_cmpstr (found->str, ==, expected);
}

/* Runs @n_batches and tears down. */
static inline void
ds_test_window_assert_gives (DsTestWindow *fixture,
                             DsDStream *result,
                             guint n_batches,
                             const char *expected)
{
  DsOutput *output = ds_dstream_collect (result);

  ds_test_stream_start (&fixture->test);
  ds_test_stream_run (&fixture->test, n_batches);
  ds_test_window_assert_output (output, n_batches, expected);
  ds_test_stream_tear_down (&fixture->test);
}

/* For destroy functions. */
static inline void
ds_test_window_count_destroyed (gpointer n_destroyed)
{
  ++*(guint *) n_destroyed;
}
