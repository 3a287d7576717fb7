/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A context with a checkpoint directory, and a queue of pairs (word, 1). */

#include "tests/dstream/ds-test-stream.h"

#include <glib/gstdio.h>

typedef struct
{
  DsTestStream test;
  char *directory;
  DsDStream *words;
  DsDStream *pairs;
} DsTestState;

static inline void
ds_test_state_set_up (DsTestState *self, const char *master)
{
  ds_test_stream_set_up (&self->test, master);
  self->directory = g_dir_make_tmp ("ds-test-state-XXXXXX", NULL);
  ds_streaming_context_checkpoint (self->test.ssc, self->directory);
  self->words = ds_streaming_context_queue_stream (self->test.ssc);
  self->pairs = ds_dstream_map (self->words, ds_pair_with_one, NULL, NULL);
}

static inline void
ds_test_state_tear_down (DsTestState *self)
{
  ds_test_stream_tear_down (&self->test);
  ds_test_drop_directory (self->directory);
}

/* A batch for each of @batches: letters are words, " " separates batches. */
static inline void
ds_test_state_push (DsTestState *self, const char *batches)
{
  g_auto (GStrv) all = g_strsplit (batches, " ", -1);

  for (guint i = 0; all[i] != NULL; i++)
    {
      g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
      g_autoptr (DsBlock) block = NULL;

      for (const char *letter = all[i]; *letter != '\0'; letter++)
        {
          char word[2] = { *letter, '\0' };

          if (*letter != '-')
            ds_block_builder_add_string (builder, word);
        }
      block = ds_block_builder_end (builder);
      ds_dstream_push_block (self->words, block);
    }
}

/* What @output collected: values of a batch sorted, with " " between them, batches with
 * " | "; "none" for a batch without RDD. */
static inline char *
ds_test_state_read (DsOutput *output, guint n_batches)
{
  GString *text = g_string_new (NULL);

  for (guint i = 1; i <= n_batches; i++)
    {
      DsBlock *block = ds_output_get_block (output, i * DS_SECOND);
      g_autoptr (DsBlock) sorted = block != NULL ? ds_block_sort (block) : NULL;
      g_autofree char *values = sorted != NULL ? ds_block_to_string (sorted) : NULL;

      g_string_append (text, i > 1 ? " | " : "");
      g_string_append (text, values != NULL
                                 ? g_strdelimit (g_strchomp (values), "\n", ' ')
                                 : "none");
    }
  return g_string_free (text, FALSE);
}

static inline void
ds_test_state_assert (DsOutput *output, guint n_batches, const char *expected)
{
  g_autofree char *text = ds_test_state_read (output, n_batches);

  g_assert_cmpstr (text, ==, expected);
}

/* Runs the batches one after the other. */
static inline void
ds_test_state_run (DsTestState *self, guint n_batches)
{
  for (guint i = 0; i < n_batches; i++)
    ds_test_stream_run (&self->test, 1);
}

/* An RDD of pairs: "a5 b10". */
static inline DsRdd *
ds_test_state_pairs (DsTestState *self, const char *text)
{
  g_auto (GStrv) all = g_strsplit (text, " ", -1);
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) block = NULL;

  for (guint i = 0; all[i] != NULL; i++)
    {
      DsValue number = ds_value_parse_int (ds_value_string (all[i] + 1));

      ds_block_builder_add_pair (builder, ds_value_string_sized (all[i], 1), number);
    }
  block = ds_block_builder_end (builder);
  return ds_context_parallelize (ds_streaming_context_get_context (self->test.ssc), block,
                                 3);
}
