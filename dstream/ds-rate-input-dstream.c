/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A stream of numbers that come evenly, for lessons and tests.  Nothing is received: what
 * a batch has follows from its time and the time at which the stream began, so it is the
 * same however late the batch is made, and however often.
 *
 * By τ µs after the beginning floor (τ * rate / 10^6) records have come; record i,
 * counted from 0, therefore comes ceil ((i + 1) * 10^6 / rate) µs after it. */

#include "dstream/ds-streaming-context-private.h"

#define DS_TYPE_RATE_INPUT_DSTREAM (ds_rate_input_dstream_get_type ())
G_DECLARE_FINAL_TYPE (DsRateInputDStream,
                      ds_rate_input_dstream,
                      DS,
                      RATE_INPUT_DSTREAM,
                      DsInputDStream)

struct _DsRateInputDStream
{
  DsInputDStream parent_instance;
  guint rate; /* records a second */
};

G_DEFINE_FINAL_TYPE (DsRateInputDStream, ds_rate_input_dstream, DS_TYPE_INPUT_DSTREAM)

typedef struct
{
  DsTime zero_time;
  guint rate;
} DsRateClockwork;

static gint64
ds_rate_count_until (DsDuration elapsed, guint rate)
{
  return (gint64) ((__int128) elapsed * rate / DS_SECOND);
}

/* Thread: executor. */
static void
ds_rate_make_pairs (const DsValue *indices,
                    gsize n_values,
                    DsTask *task,
                    gpointer user_data)
{
  const DsRateClockwork *self = user_data;

  for (gsize i = 0; i < n_values; i++)
    {
      __int128 n = (__int128) ds_value_get_int (indices[i]) + 1;
      gint64 after = (gint64) ((n * DS_SECOND + self->rate - 1) / self->rate);

      ds_task_emit_pair (task, indices[i], ds_value_int (self->zero_time + after));
    }
}

static DsRdd *
ds_rate_input_dstream_compute (DsDStream *dstream, DsBatch *batch, GError **error)
{
  DsRateInputDStream *self = DS_RATE_INPUT_DSTREAM (dstream);
  DsDStreamNode *node = ds_dstream_get_node (dstream);
  DsStreamingContext *context = node->context;
  DsDuration elapsed = ds_batch_get_time (batch) - node->zero_time;
  gint64 begin = ds_rate_count_until (elapsed - context->interval, self->rate);
  gint64 end = ds_rate_count_until (elapsed, self->rate);
  g_autoptr (DsRdd) indices = NULL;
  DsRateClockwork *clockwork;

  if (!ds_receiver_tracker_report (context->receivers, ds_batch_get_time (batch),
                                   ds_dstream_get_id (dstream), end - begin, error))
    return NULL;

  clockwork = g_new (DsRateClockwork, 1);
  clockwork->zero_time = node->zero_time;
  clockwork->rate = self->rate;
  indices = ds_context_range (context->context, begin, end, 1);
  return ds_rdd_map_chunks (indices, ds_rate_make_pairs, clockwork, g_free);
}

static const DsDStreamOps ds_rate_input_dstream_ops = {
  .kind = "rate stream",
  .compute = ds_rate_input_dstream_compute,
};

static void
ds_rate_input_dstream_class_init (DsRateInputDStreamClass *klass)
{
  DS_DSTREAM_CLASS (klass)->ops = &ds_rate_input_dstream_ops;
}

static void
ds_rate_input_dstream_init (DsRateInputDStream *self)
{
}

/**
 * ds_streaming_context_rate_stream:
 * @self: a context
 * @records_per_second: how many records come in a second, at least 1
 *
 * Adds a stream of pairs (index, time in µs) that come evenly, for lessons and tests: the
 * indices count from 0, and a batch has those whose time is in it.  The times follow from
 * the start of the stream alone, so nothing is late, lost or doubled when batches are.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for 0 records a second.
 *
 * Returns: (transfer none): the stream, owned by the context
 */
DsDStream *
ds_streaming_context_rate_stream (DsStreamingContext *self, guint records_per_second)
{
  g_autoptr (DsRateInputDStream) input = NULL;

  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), NULL);

  if (records_per_second == 0)
    {
      ds_streaming_context_latch (
          self, DS_ERROR_INVALID_ARGUMENT,
          "rate_stream: 0 records a second; at least 1 is needed, "
          "or a queue stream, which may be empty");
      return ds_dstream_new_inert (self);
    }
  input = g_object_new (DS_TYPE_RATE_INPUT_DSTREAM, NULL);
  input->rate = records_per_second;
  return ds_streaming_context_input_stream (self, DS_INPUT_DSTREAM (input));
}
