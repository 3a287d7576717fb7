/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the behaviour tests share. */

#include "tests/behaviour/behaviour.h"

#include "tests/base/ds-test-master.h"

DsStreamingContext *
behaviour_new_streaming (DsManualClock **clock)
{
  DsStreamingContext *streaming =
      ds_streaming_context_new (ds_test_choose_master ("local[2]"), "behaviour",
                                DS_SECOND);

  *clock = ds_manual_clock_new (0);
  ds_streaming_context_set_clock (streaming, DS_CLOCK (*clock));
  return streaming;
}

void
behaviour_tick (DsStreamingContext *streaming, DsManualClock *clock)
{
  DsDuration interval = ds_streaming_context_get_batch_interval (streaming);
  g_autoptr (GError) error = NULL;
  DsTime batch_time =
      ds_time_floor (ds_clock_get_time (DS_CLOCK (clock)) + interval, interval, 0);

  ds_manual_clock_advance (clock, interval);
  ds_streaming_context_await_batch (streaming, batch_time, &error);
  g_assert_no_error (error);
}

gboolean
behaviour_ignore_rdd (DsRdd *rdd, DsBatch *batch, gpointer unused, GError **error)
{
  return TRUE;
}

void
behaviour_stop (DsStreamingContext *streaming)
{
  g_autoptr (GError) error = NULL;

  ds_streaming_context_stop (streaming, DS_STOP_NOW | DS_STOP_KEEP_CONTEXT, &error);
  g_assert_no_error (error);
}

gboolean
behaviour_engine_runs (DsContext *engine)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) block = ds_block_new_ints (1, 2, 3);
  g_autoptr (DsRdd) rdd = ds_context_parallelize (engine, block, 2);

  if (ds_rdd_count (rdd, &error) == 3)
    return TRUE;
  g_assert_error (error, DS_ERROR, DS_ERROR_STOPPED);
  return FALSE;
}

/* ---- Gate ---- */

void
gate_init (Gate *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->value = 0;
}

void
gate_clear (Gate *self)
{
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
}

void
gate_add (Gate *self, gint64 n)
{
  g_mutex_lock (&self->lock);
  self->value += n;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

gint64
gate_get (Gate *self)
{
  gint64 value = 0;

  g_mutex_lock (&self->lock);
  value = self->value;
  g_mutex_unlock (&self->lock);
  return value;
}

void
gate_await (Gate *self, gint64 value)
{
  gint64 deadline = g_get_monotonic_time () + 30 * DS_SECOND;
  gboolean in_time = TRUE;
  gint64 found = 0;

  g_mutex_lock (&self->lock);
  while (self->value < value && in_time)
    in_time = g_cond_wait_until (&self->changed, &self->lock, deadline);
  found = self->value;
  g_mutex_unlock (&self->lock);
  g_assert_cmpint (found, >=, value);
}

/* ---- Receiver ---- */

#define TEST_TYPE_RECEIVER (test_receiver_get_type ())
G_DECLARE_FINAL_TYPE (TestReceiver, test_receiver, TEST, RECEIVER, DsReceiver)

struct _TestReceiver
{
  DsReceiver parent_instance;
  TestReceiverRun run;
  gpointer user_data;
};

G_DEFINE_TYPE (TestReceiver, test_receiver, DS_TYPE_RECEIVER)

static gboolean
test_receiver_run (DsReceiver *receiver, GCancellable *cancellable, GError **error)
{
  TestReceiver *self = TEST_RECEIVER (receiver);

  return self->run (receiver, cancellable, self->user_data);
}

static void
test_receiver_class_init (TestReceiverClass *klass)
{
  DS_RECEIVER_CLASS (klass)->run = test_receiver_run;
}

static void
test_receiver_init (TestReceiver *self)
{
}

DsReceiver *
test_receiver_new (TestReceiverRun run, gpointer user_data)
{
  TestReceiver *self = g_object_new (TEST_TYPE_RECEIVER, NULL);

  self->run = run;
  self->user_data = user_data;
  return DS_RECEIVER (self);
}
