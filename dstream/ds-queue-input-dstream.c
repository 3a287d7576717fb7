/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A stream of what the program puts into a queue, for tests and for programs that have
 * their data already: one item a batch, or all that wait.  An empty queue gives the
 * default RDD, else an empty one, so that unions with other streams keep working.  The
 * queue has a lock of its own and may be filled at any time. */

#include "dstream/ds-input-recovery-private.h"
#include "dstream/ds-streaming-context-private.h"

#define DS_TYPE_QUEUE_INPUT_DSTREAM (ds_queue_input_dstream_get_type ())
G_DECLARE_FINAL_TYPE (DsQueueInputDStream,
                      ds_queue_input_dstream,
                      DS,
                      QUEUE_INPUT_DSTREAM,
                      DsInputDStream)

typedef struct
{
  DsRdd *rdd;
  gint64 n_records; /* 0 when not known */
} DsQueuedRdd;

struct _DsQueueInputDStream
{
  DsInputDStream parent_instance;
  gboolean one_at_a_time;
  DsRdd *default_rdd; /* (nullable) */
  GMutex lock;        /* guards queue */
  GQueue queue;       /* DsQueuedRdd */
};

G_DEFINE_FINAL_TYPE (DsQueueInputDStream, ds_queue_input_dstream, DS_TYPE_INPUT_DSTREAM)

static void
ds_queued_rdd_free (DsQueuedRdd *queued)
{
  g_object_unref (queued->rdd);
  g_free (queued);
}

/* All that is to go into one batch.  (transfer full) */
static GPtrArray *
ds_queue_input_dstream_take (DsQueueInputDStream *self, gint64 *n_records)
{
  GPtrArray *rdds = g_ptr_array_new_with_free_func (g_object_unref);
  DsQueuedRdd *queued;

  g_mutex_lock (&self->lock);
  while ((rdds->len == 0 || !self->one_at_a_time) &&
         (queued = g_queue_pop_head (&self->queue)) != NULL)
    {
      *n_records += queued->n_records;
      g_ptr_array_add (rdds, g_steal_pointer (&queued->rdd));
      g_free (queued);
    }
  g_mutex_unlock (&self->lock);
  return rdds;
}

static DsRdd *
ds_queue_input_dstream_compute (DsDStream *dstream, DsBatch *batch, GError **error)
{
  DsQueueInputDStream *self = DS_QUEUE_INPUT_DSTREAM (dstream);
  DsStreamingContext *context = ds_dstream_get_node (dstream)->context;
  gint64 n_records = 0;
  g_autoptr (GPtrArray) rdds = ds_queue_input_dstream_take (self, &n_records);

  if (!ds_receiver_tracker_report (context->receivers, ds_batch_get_time (batch),
                                   ds_dstream_get_id (dstream), n_records, error))
    return NULL;
  if (rdds->len == 1)
    return g_ptr_array_steal_index (rdds, 0);
  if (rdds->len > 1)
    return ds_context_union (context->context, (DsRdd **) rdds->pdata, rdds->len);
  if (self->default_rdd != NULL)
    return g_object_ref (self->default_rdd);
  return ds_context_empty (context->context);
}

/* What is in a queue exists in this process only: batches of it are in no log. */
static gboolean
ds_queue_input_dstream_check_recovery (DsInputDStream *self, GError **error)
{
  g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
               "queueStream doesn't support checkpointing: what was in the queue of "
               "stream %u when the checkpoint was written is gone, so the batches after "
               "it cannot run again; use a source that can be read again, or "
               "ds_streaming_context_input_stream () with one of your own",
               ds_dstream_get_id (DS_DSTREAM (self)));
  return FALSE;
}

static void
ds_queue_input_dstream_save_nothing (DsInputDStream *self, DsTime time, GByteArray *bytes)
{
}

static const DsInputRecovery ds_queue_input_dstream_recovery = {
  .check = ds_queue_input_dstream_check_recovery,
  .save_plan = ds_queue_input_dstream_save_nothing,
  .save_position = ds_queue_input_dstream_save_nothing,
};

static const DsDStreamOps ds_queue_input_dstream_ops = {
  .kind = "queue stream",
  .recovery = &ds_queue_input_dstream_recovery,
  .compute = ds_queue_input_dstream_compute,
};

static void
ds_queue_input_dstream_finalize (GObject *object)
{
  DsQueueInputDStream *self = DS_QUEUE_INPUT_DSTREAM (object);

  g_queue_clear_full (&self->queue, (GDestroyNotify) ds_queued_rdd_free);
  g_clear_object (&self->default_rdd);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (ds_queue_input_dstream_parent_class)->finalize (object);
}

static void
ds_queue_input_dstream_class_init (DsQueueInputDStreamClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_queue_input_dstream_finalize;
  DS_DSTREAM_CLASS (klass)->ops = &ds_queue_input_dstream_ops;
}

static void
ds_queue_input_dstream_init (DsQueueInputDStream *self)
{
  self->one_at_a_time = TRUE;
  g_mutex_init (&self->lock);
  g_queue_init (&self->queue);
}

DsInputDStream *
ds_queue_input_dstream_new (void)
{
  return g_object_new (DS_TYPE_QUEUE_INPUT_DSTREAM, NULL);
}

gboolean
ds_queue_input_dstream_is_idle (DsInputDStream *input)
{
  DsQueueInputDStream *self;
  gboolean is_idle;

  if (!DS_IS_QUEUE_INPUT_DSTREAM (input))
    return FALSE;
  self = DS_QUEUE_INPUT_DSTREAM (input);
  g_mutex_lock (&self->lock);
  is_idle = g_queue_is_empty (&self->queue) && self->default_rdd == NULL;
  g_mutex_unlock (&self->lock);
  return is_idle;
}

static void
ds_queue_input_dstream_push (DsQueueInputDStream *self, DsRdd *rdd, gint64 n_records)
{
  DsQueuedRdd *queued = g_new (DsQueuedRdd, 1);

  queued->rdd = rdd;
  queued->n_records = n_records;
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->queue, queued);
  g_mutex_unlock (&self->lock);
}

/* NULL: @self is none, which is latched or, after start, said. */
static DsQueueInputDStream *
ds_queue_input_dstream_cast (DsDStream *self, const char *what)
{
  if (DS_IS_QUEUE_INPUT_DSTREAM (self))
    return DS_QUEUE_INPUT_DSTREAM (self);
  if (!ds_dstream_get_node (self)->is_inert)
    ds_dstream_latch_lacks (self, what, "queue streams");
  return NULL;
}

/**
 * ds_dstream_push_block:
 * @self: a queue stream
 * @block: the records; a reference is taken
 *
 * Appends a block to the queue: cut into the default number of partitions, it becomes the
 * RDD of a batch.
 *
 * Any thread, before and after start.  Latches %DS_ERROR_INVALID_ARGUMENT for any other
 * stream.
 */
void
ds_dstream_push_block (DsDStream *self, DsBlock *block)
{
  DsQueueInputDStream *queue;
  DsStreamingContext *context;

  g_return_if_fail (DS_IS_DSTREAM (self));
  g_return_if_fail (block != NULL);

  context = ds_dstream_get_node (self)->context;
  g_return_if_fail (context != NULL);
  queue = ds_queue_input_dstream_cast (self, "push_block");
  if (queue == NULL)
    return;
  ds_queue_input_dstream_push (queue, ds_context_parallelize (context->context, block, 0),
                               (gint64) ds_block_get_length (block));
}

/**
 * ds_dstream_push_rdd:
 * @self: a queue stream
 * @rdd: an RDD of the same engine; a reference is taken
 *
 * Appends an RDD to the queue.  Its records are not counted as received: how many there
 * are is not known before it is computed.
 *
 * Any thread, before and after start.  Latches %DS_ERROR_INVALID_ARGUMENT for any other
 * stream; an RDD of another engine fails the batch that takes it.
 */
void
ds_dstream_push_rdd (DsDStream *self, DsRdd *rdd)
{
  DsQueueInputDStream *queue;

  g_return_if_fail (DS_IS_DSTREAM (self));
  g_return_if_fail (DS_IS_RDD (rdd));

  queue = ds_queue_input_dstream_cast (self, "push_rdd");
  if (queue != NULL)
    ds_queue_input_dstream_push (queue, g_object_ref (rdd), 0);
}

/**
 * ds_dstream_set_one_at_a_time:
 * @self: a queue stream
 * @one_at_a_time: %TRUE: one item a batch; %FALSE: a batch takes all that wait, as the
 *   union of them
 *
 * Sets how much of the queue a batch takes; %TRUE by default.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for any other stream.
 */
void
ds_dstream_set_one_at_a_time (DsDStream *self, gboolean one_at_a_time)
{
  DsQueueInputDStream *queue;

  g_return_if_fail (DS_IS_DSTREAM (self));

  if (!ds_dstream_may_set (self, "set_one_at_a_time"))
    return;
  queue = ds_queue_input_dstream_cast (self, "set_one_at_a_time");
  if (queue != NULL)
    queue->one_at_a_time = one_at_a_time;
}

/**
 * ds_dstream_set_default_rdd:
 * @self: a queue stream
 * @rdd: (nullable): the RDD of a batch for which nothing waits; a reference is taken.
 *   %NULL: an empty one
 *
 * Sets what a queue that has run dry gives.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for any other stream.
 */
void
ds_dstream_set_default_rdd (DsDStream *self, DsRdd *rdd)
{
  DsQueueInputDStream *queue;

  g_return_if_fail (DS_IS_DSTREAM (self));
  g_return_if_fail (rdd == NULL || DS_IS_RDD (rdd));

  if (!ds_dstream_may_set (self, "set_default_rdd"))
    return;
  queue = ds_queue_input_dstream_cast (self, "set_default_rdd");
  if (queue != NULL)
    g_set_object (&queue->default_rdd, rdd);
}
