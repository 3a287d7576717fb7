/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What arguments of public functions are made of, and what is done with results. */

#include "tests/behaviour/api-calls.h"

#define API_TYPE_INPUT (api_input_dstream_get_type ())
G_DECLARE_FINAL_TYPE (ApiInput, api_input_dstream, API, INPUT, DsInputDStream)

struct _ApiInput
{
  DsInputDStream parent_instance;
};

G_DEFINE_FINAL_TYPE (ApiInput, api_input_dstream, DS_TYPE_INPUT_DSTREAM)

static void
api_input_dstream_class_init (ApiInputClass *klass)
{
}

static void
api_input_dstream_init (ApiInput *self)
{
}

DsInputDStream *
api_new_input (void)
{
  return g_object_new (API_TYPE_INPUT, NULL);
}

/* A receiver that has nothing to say. */
static gboolean
run_idle (DsReceiver *receiver, GCancellable *cancellable, gpointer unused)
{
  while (ds_receiver_sleep (receiver, DS_HOUR))
    continue;
  return TRUE;
}

static void
keep_state (DsValue key, DsValue value, DsState *state, DsTask *task, gpointer unused)
{
  ds_state_update (state, value);
}

static gboolean
remember_batch (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  ApiObjects *self = user_data;

  if (g_atomic_pointer_get (&self->batch) == NULL)
    g_atomic_pointer_set (&self->batch, ds_batch_ref (batch));
  return TRUE;
}

static DsBlock *
new_pairs (void)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();

  for (gint64 i = 0; i < 10; i++)
    ds_block_builder_add_pair (builder, ds_value_int (i % 3), ds_value_int (i));
  return ds_block_builder_end (builder);
}

void
api_objects_init (ApiObjects *self, CallbackSite *site)
{
  g_autoptr (DsBlockBuilder) empty = ds_block_builder_new ();
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);

  *self = (ApiObjects){ .site = site };
  self->pairs = new_pairs ();
  self->strings = ds_block_new_strings ("x", "y", NULL);
  self->empty = ds_block_builder_end (empty);
  self->partitioner = ds_partitioner_new_hash (3);
  self->clock = ds_manual_clock_new (0);
  self->cancelled = g_cancellable_new ();
  g_cancellable_cancel (self->cancelled);
  self->bytes = g_bytes_new_static ("some\nlines\n", 11);
  self->msgpack = ds_block_to_msgpack (self->pairs);
  self->error = g_error_new (DS_ERROR, DS_ERROR_FAILED, "an error");
  self->long_string = g_strnfill (API_LONG, 'x');

  self->rdd = ds_context_parallelize (site->engine, self->pairs, 2);
  g_assert_cmpint (ds_rdd_count (self->rdd, NULL), ==, 10);
  self->receiver = test_receiver_new (run_idle, NULL);
  self->receiver_stream =
      ds_streaming_context_receiver_stream (site->ssc, self->receiver);
  ds_dstream_foreach_rdd (self->receiver_stream, remember_batch, self, NULL);

  callback_site_need_checkpoints (site);
  self->stateful = ds_dstream_map_with_state (site->pairs, keep_state, NULL, NULL);
  ds_dstream_collect (self->stateful);
  self->window = ds_dstream_window (site->pairs, 2 * DS_SECOND, DS_SECOND);
  ds_dstream_collect (self->window);

  self->other_ssc = ds_streaming_context_new ("local[2]", "other", DS_SECOND);
  ds_streaming_context_set_clock (self->other_ssc, DS_CLOCK (clock));
  self->other_engine = ds_streaming_context_get_context (self->other_ssc);
  self->other_stream = ds_streaming_context_queue_stream (self->other_ssc);
  self->other_operator = ds_dstream_window (self->other_stream, 2 * DS_SECOND, DS_SECOND);
  self->other_output = ds_dstream_collect (self->other_operator);
  self->other_receiver = test_receiver_new (run_idle, NULL);
  self->other_rdd = ds_context_parallelize (self->other_engine, self->pairs, 2);
  self->wrong_rdd = ds_rdd_union (self->rdd, self->other_rdd);
}

/* ---- Results ---- */

void
api_use_block (ApiCall *call, DsBlock *block)
{
  if (block != NULL)
    ds_block_unref (ds_block_sort (block));
}

/* An action, where that is allowed; not over billions of partitions. */
void
api_use_rdd (ApiCall *call, DsRdd *rdd)
{
  g_autoptr (GError) error = NULL;

  if (rdd != NULL && ds_rdd_get_n_partitions (rdd) < 100)
    api_use_block (call, ds_rdd_take (rdd, 3, &error));
}

void
api_use_text (ApiCall *call, const char *text)
{
  if (text != NULL)
    call->out = (gint64) strlen (text);
}

void
api_use_value (ApiCall *call, DsValue value)
{
  call->out = (gint64) ds_value_hash (value);
}
