/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A context on a manual clock that stands at 0, with 1 s batches: batch k has the time
 * k * DS_SECOND. */

#include "dstream/dstream.h"

typedef struct
{
  DsManualClock *clock;
  DsStreamingContext *ssc;
} DsTestStream;

static inline void
ds_test_stream_set_up (DsTestStream *self, const char *master)
{
  self->clock = ds_manual_clock_new (0);
  self->ssc = ds_streaming_context_new (master, "test", DS_SECOND);
  ds_streaming_context_set_clock (self->ssc, DS_CLOCK (self->clock));
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

/* Stops, if need be, and checks that nothing is held. */
static inline void
ds_test_stream_tear_down (DsTestStream *self)
{
  g_autoptr (GError) error = NULL;

  if (ds_streaming_context_get_state (self->ssc) == DS_STREAMING_ACTIVE)
    ds_streaming_context_stop (self->ssc, DS_STOP_NOW, &error);
  g_assert_no_error (error);
  g_assert_finalize_object (self->ssc);
  g_assert_finalize_object (self->clock);
}
