/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A context on a manual clock that stands at 0, with 1 s batches: batch k has the time
 * k * DS_SECOND. */

#include "dstream/dstream.h"
#include "tests/base/ds-test-master.h"
#include "tests/base/ds-test-remove.h"

#include <stdio.h>
#include <string.h>

/* @path, freed, and all that is in it. */
static inline void
ds_test_drop_directory (char *path)
{
  ds_test_remove_tree (path);
  g_free (path);
}

typedef struct
{
  DsManualClock *clock;
  DsStreamingContext *ssc;
  char *checkpoints; /* (nullable): a directory of its own */
} DsTestStream;

static inline void
ds_test_stream_set_up (DsTestStream *self, const char *master)
{
  self->clock = ds_manual_clock_new (0);
  self->ssc =
      ds_streaming_context_new (ds_test_choose_master (master), "test", DS_SECOND);
  ds_streaming_context_set_clock (self->ssc, DS_CLOCK (self->clock));
  self->checkpoints = NULL;
}

/* For graphs with something that lasts. */
static inline void
ds_test_stream_allow_checkpoints (DsTestStream *self)
{
  self->checkpoints = g_dir_make_tmp ("ds-test-XXXXXX", NULL);
  ds_streaming_context_checkpoint (self->ssc, self->checkpoints);
}

static inline void
ds_test_stream_start (DsTestStream *self)
{
  g_autoptr (GError) error = NULL;

  ds_streaming_context_start (self->ssc, &error);
  g_assert_no_error (error);
  g_assert_cmpint (ds_streaming_context_get_state (self->ssc), ==, DS_STREAMING_ACTIVE);
}

/* Moves the clock on by @n batches and waits for the last of them. */
static inline void
ds_test_stream_run (DsTestStream *self, guint n)
{
  g_autoptr (GError) error = NULL;

  ds_manual_clock_advance (self->clock, n * DS_SECOND);
  ds_streaming_context_await_batch (self->ssc, ds_clock_get_time (DS_CLOCK (self->clock)),
                                    &error);
  g_assert_no_error (error);
}

/* Pushes a block of the strings given, then NULL. */
static inline void
ds_test_stream_push (DsDStream *stream, const char *first, ...)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) block = NULL;
  va_list strings;

  va_start (strings, first);
  for (const char *string = first; string != NULL;
       string = va_arg (strings, const char *))
    ds_block_builder_add_string (builder, string);
  va_end (strings);
  block = ds_block_builder_end (builder);
  ds_dstream_push_block (stream, block);
}

/* For foreach_rdd. */
static inline gboolean
ds_test_ignore_rdd (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  return TRUE;
}

/* A number that threads add to and wait for; more than 20 s fails the test. */
typedef struct
{
  GMutex lock;
  GCond changed;
  gint64 value;
} DsTestGate;

static inline void
ds_test_gate_add (DsTestGate *self, gint64 n)
{
  g_mutex_lock (&self->lock);
  self->value += n;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

static inline void
ds_test_gate_await (DsTestGate *self, gint64 value)
{
  gint64 deadline = g_get_monotonic_time () + 20 * DS_SECOND;
  gboolean in_time = TRUE;

  g_mutex_lock (&self->lock);
  while (in_time && self->value < value)
    in_time = g_cond_wait_until (&self->changed, &self->lock, deadline);
  g_mutex_unlock (&self->lock);
  g_assert_true (in_time);
}

static inline gint64
ds_test_gate_get (DsTestGate *self)
{
  gint64 value;

  g_mutex_lock (&self->lock);
  value = self->value;
  g_mutex_unlock (&self->lock);
  return value;
}

static inline void
ds_test_stream_gone (gpointer gate, GObject *unused)
{
  ds_test_gate_add (gate, 1);
}

/* Stops, if need be, and checks that nothing is held.  The thread of a stop that was
 * asked for may be the last to hold the context, a moment longer than it is active. */
static inline void
ds_test_stream_tear_down (DsTestStream *self)
{
  DsTestGate gone = { 0 };
  g_autoptr (GError) error = NULL;

  if (ds_streaming_context_get_state (self->ssc) == DS_STREAMING_ACTIVE)
    ds_streaming_context_stop (self->ssc, DS_STOP_NOW, &error);
  g_assert_no_error (error);
  g_object_weak_ref (G_OBJECT (self->ssc), ds_test_stream_gone, &gone);
  g_object_unref (self->ssc);
  ds_test_gate_await (&gone, 1);
  g_mutex_clear (&gone.lock);
  g_cond_clear (&gone.changed);
  g_object_unref (self->clock);
  if (self->checkpoints != NULL)
    ds_test_drop_directory (g_steal_pointer (&self->checkpoints));
}
