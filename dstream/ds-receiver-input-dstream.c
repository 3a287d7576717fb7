/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The stream of a receiver: the RDD of a batch is the blocks that the tick allocated to
 * it; receiving itself goes on elsewhere (ds-receiver-tracker.c).  A batch without blocks
 * has an RDD without partitions.
 *
 * A partition is what came in a block interval, as in Spark.  Blocks are cut more often
 * when data pours in; then there are still no more partitions than block intervals, or
 * workers when those are more: each would combine and shuffle for itself. */

#include "dstream/ds-file-input-dstream-private.h"
#include "dstream/ds-input-recovery-private.h"
#include "dstream/ds-streaming-context-private.h"
#include "receivers/ds-socket-receiver-private.h"

#define DS_TYPE_RECEIVER_INPUT_DSTREAM (ds_receiver_input_dstream_get_type ())
G_DECLARE_FINAL_TYPE (DsReceiverInputDStream,
                      ds_receiver_input_dstream,
                      DS,
                      RECEIVER_INPUT_DSTREAM,
                      DsInputDStream)

struct _DsReceiverInputDStream
{
  DsInputDStream parent_instance;
  DsReceiver *receiver;
  gsize max_record_bytes; /* 0: the default */
  gboolean has_durability;
  DsDurability durability;
  gboolean has_max_rate;
  guint max_rate; /* 0: no limit */
};

G_DEFINE_FINAL_TYPE (DsReceiverInputDStream,
                     ds_receiver_input_dstream,
                     DS_TYPE_INPUT_DSTREAM)

static guint
ds_receiver_input_dstream_get_max_partitions (DsStreamingContext *context)
{
  DsDuration n_intervals = context->interval / context->block_interval +
                           (context->interval % context->block_interval != 0);

  return MAX ((guint) MIN (n_intervals, G_MAXINT),
              ds_context_get_default_parallelism (context->context));
}

static DsRdd *
ds_receiver_input_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsStreamingContext *context = ds_dstream_get_node (self)->context;
  g_autoptr (GPtrArray) blocks =
      ds_receiver_tracker_load_blocks (context->receivers, self,
                                       ds_batch_get_time (batch), error);

  if (blocks == NULL)
    return NULL;
  if (blocks->len == 0)
    return ds_context_empty (context->context);
  return ds_block_rdd_new (context->context, (DsBlock **) blocks->pdata, blocks->len,
                           ds_receiver_input_dstream_get_max_partitions (context));
}

/* ---- Checkpoints: the tracker knows the blocks ---- */

static DsReceiverTracker *
ds_receiver_input_dstream_get_tracker (DsInputDStream *self)
{
  return ds_dstream_get_node (DS_DSTREAM (self))->context->receivers;
}

static void
ds_receiver_input_dstream_save_plan (DsInputDStream *self, DsTime time, GByteArray *bytes)
{
  ds_receiver_tracker_save_plan (ds_receiver_input_dstream_get_tracker (self),
                                 DS_DSTREAM (self), time, bytes);
}

static gboolean
ds_receiver_input_dstream_load_plan (DsInputDStream *self,
                                     DsTime time,
                                     const guint8 *bytes,
                                     gsize n_bytes,
                                     GError **error)
{
  return ds_receiver_tracker_load_plan (ds_receiver_input_dstream_get_tracker (self),
                                        DS_DSTREAM (self), time, bytes, n_bytes, error);
}

static void
ds_receiver_input_dstream_save_position (DsInputDStream *self,
                                         DsTime time,
                                         GByteArray *bytes)
{
  ds_receiver_tracker_save_position (ds_receiver_input_dstream_get_tracker (self),
                                     DS_DSTREAM (self), time, bytes);
}

static gboolean
ds_receiver_input_dstream_load_position (DsInputDStream *self,
                                         const guint8 *bytes,
                                         gsize n_bytes,
                                         GError **error)
{
  return ds_receiver_tracker_load_position (ds_receiver_input_dstream_get_tracker (self),
                                            DS_DSTREAM (self), bytes, n_bytes, error);
}

static const DsInputRecovery ds_receiver_input_dstream_recovery = {
  .save_plan = ds_receiver_input_dstream_save_plan,
  .load_plan = ds_receiver_input_dstream_load_plan,
  .save_position = ds_receiver_input_dstream_save_position,
  .load_position = ds_receiver_input_dstream_load_position,
};

static const DsDStreamOps ds_receiver_input_dstream_ops = {
  .recovery = &ds_receiver_input_dstream_recovery,
  .kind = "receiver stream",
  .compute = ds_receiver_input_dstream_compute,
};

static void
ds_receiver_input_dstream_finalize (GObject *object)
{
  g_clear_object (&DS_RECEIVER_INPUT_DSTREAM (object)->receiver);

  G_OBJECT_CLASS (ds_receiver_input_dstream_parent_class)->finalize (object);
}

static void
ds_receiver_input_dstream_class_init (DsReceiverInputDStreamClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_receiver_input_dstream_finalize;
  DS_DSTREAM_CLASS (klass)->ops = &ds_receiver_input_dstream_ops;
}

static void
ds_receiver_input_dstream_init (DsReceiverInputDStream *self)
{
}

DsInputDStream *
ds_receiver_input_dstream_new (DsReceiver *receiver)
{
  DsReceiverInputDStream *self = g_object_new (DS_TYPE_RECEIVER_INPUT_DSTREAM, NULL);

  self->receiver = g_object_ref (receiver);
  return DS_INPUT_DSTREAM (self);
}

DsReceiver *
ds_receiver_input_dstream_prepare (DsInputDStream *input, DsReceiverSettings *settings)
{
  DsReceiverInputDStream *self;

  if (!DS_IS_RECEIVER_INPUT_DSTREAM (input))
    return NULL;
  self = DS_RECEIVER_INPUT_DSTREAM (input);
  settings->max_record_bytes = self->max_record_bytes;
  if (self->has_max_rate)
    settings->max_rate = self->max_rate;
  if (self->max_record_bytes == 0 && DS_IS_SOCKET_RECEIVER (self->receiver) &&
      !ds_socket_receiver_has_lines (DS_SOCKET_RECEIVER (self->receiver)))
    settings->max_record_bytes = DS_SOCKET_MAX_PARSED_BYTES;
  return self->receiver;
}

DsReceiver *
ds_receiver_input_dstream_get_receiver (DsDStream *stream)
{
  return DS_IS_RECEIVER_INPUT_DSTREAM (stream)
             ? DS_RECEIVER_INPUT_DSTREAM (stream)->receiver
             : NULL;
}

DsDurability
ds_receiver_input_dstream_get_durability (DsDStream *stream)
{
  DsReceiverInputDStream *self;

  if (!DS_IS_RECEIVER_INPUT_DSTREAM (stream))
    return DS_DURABILITY_NONE;
  self = DS_RECEIVER_INPUT_DSTREAM (stream);
  return self->has_durability ? self->durability
                              : ds_dstream_get_node (stream)->context->durability;
}

/**
 * ds_dstream_set_max_record_bytes:
 * @self: a stream from a socket, or a directory stream of lines or of parsed files
 * @max_bytes: the longest line, in bytes, without its end, block or record; at least 1,
 *   less than 4 GiB
 *
 * Sets how long a line may be, 1 MiB by default, or a block of raw_socket_stream or a
 * record of socket_stream, 16 MiB; of files 64 MiB; so much memory one can take.  What
 * becomes of a longer one is ds_dstream_set_bad_record_policy ().
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for 0, for 4 GiB or more and for any other stream.
 */
void
ds_dstream_set_max_record_bytes (DsDStream *self, gsize max_bytes)
{
  g_return_if_fail (DS_IS_DSTREAM (self));

  if (!ds_dstream_may_set (self, "set_max_record_bytes") ||
      ds_file_input_dstream_set_max_record_bytes (self, max_bytes))
    return;
  if (!DS_IS_RECEIVER_INPUT_DSTREAM (self) ||
      !DS_IS_SOCKET_RECEIVER (DS_RECEIVER_INPUT_DSTREAM (self)->receiver))
    ds_dstream_latch_lacks (self, "set_max_record_bytes",
                            "streams from sockets, text_file_stream and file_stream");
  else if (max_bytes == 0 || max_bytes >= G_MAXUINT32)
    ds_streaming_context_latch (
        ds_dstream_get_context (self), DS_ERROR_INVALID_ARGUMENT,
        "set_max_record_bytes: %" G_GSIZE_FORMAT
        " bytes for the records of stream %u; at least 1 and less than 4 GiB are needed, "
        "the default is 1 MiB for a line, 16 MiB otherwise",
        max_bytes, ds_dstream_get_id (self));
  else
    DS_RECEIVER_INPUT_DSTREAM (self)->max_record_bytes = max_bytes;
}

/**
 * ds_dstream_set_max_rate:
 * @self: a stream of a receiver
 * @records_per_second: how many records may come in a second; 0: no limit
 *
 * Sets how fast the receiver of this stream may be, whatever
 * #DsStreamingContext:receiver-max-rate says.  Back-pressure may slow it further.
 *
 * The limit holds from the first record, and for each batch as well: no more records than
 * the rate times the batch interval, rounded up.  A receiver that stores waits for it; a
 * socket is read no further, so that TCP slows its sender down.  Nothing is dropped.
 * Records that come in one piece, as a block of a receiver's or what one read of a socket
 * gives, may go past the limit; then fewer may follow.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for streams without receiver.
 */
void
ds_dstream_set_max_rate (DsDStream *self, guint records_per_second)
{
  g_return_if_fail (DS_IS_DSTREAM (self));

  if (!ds_dstream_may_set (self, "set_max_rate"))
    return;
  if (!DS_IS_RECEIVER_INPUT_DSTREAM (self))
    {
      ds_dstream_latch_lacks (self, "set_max_rate", "streams of receivers");
      return;
    }
  DS_RECEIVER_INPUT_DSTREAM (self)->has_max_rate = TRUE;
  DS_RECEIVER_INPUT_DSTREAM (self)->max_rate = records_per_second;
}

/**
 * ds_dstream_set_durability:
 * @self: a stream of a receiver
 * @durability: what is lost when the process is killed
 *
 * Sets how safe what the receiver of this stream brings is, whatever
 * #DsStreamingContext:durability says.
 *
 * Beyond %DS_DURABILITY_NONE each block is written to the write-ahead log of the
 * checkpoint directory before a batch can take it, and a token is acknowledged
 * (#DsReceiverClass.acknowledged) as soon as its block lies on the disk.  After the
 * process was killed, a context that is made from that directory goes on with every block
 * that was written: those of batches that were planned in exactly these batches, all
 * others in the first new one.
 *
 * A full disk holds the receiver back until there is room again; nothing is dropped.
 * When the log fails for good the receiver is stopped with the error, and nothing more is
 * acknowledged.  A block may have at most 64 MiB then.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for streams without receiver;
 * ds_streaming_context_start () fails with %DS_ERROR_INVALID_STATE without a checkpoint
 * directory.
 */
void
ds_dstream_set_durability (DsDStream *self, DsDurability durability)
{
  g_return_if_fail (DS_IS_DSTREAM (self));

  if (!ds_dstream_may_set (self, "set_durability"))
    return;
  if (!DS_IS_RECEIVER_INPUT_DSTREAM (self))
    {
      ds_dstream_latch_lacks (self, "set_durability", "streams of receivers");
      return;
    }
  if (durability < DS_DURABILITY_NONE || durability > DS_DURABILITY_EVERY_RECORD)
    {
      ds_streaming_context_latch (ds_dstream_get_context (self),
                                  DS_ERROR_INVALID_ARGUMENT,
                                  "set_durability: there is no level %d of durability; "
                                  "it is none, group or every-record",
                                  (int) durability);
      return;
    }
  DS_RECEIVER_INPUT_DSTREAM (self)->has_durability = TRUE;
  DS_RECEIVER_INPUT_DSTREAM (self)->durability = durability;
}

/**
 * ds_dstream_set_bad_record_policy:
 * @self: a stream from a socket, or a directory stream
 * @policy: what becomes of a record that is too long, or not whole
 *
 * For lines: %DS_ON_BAD_RECORD_SKIP, the default, drops one up to its end and counts it,
 * %DS_ON_BAD_RECORD_SPLIT hands on its pieces, %DS_ON_BAD_RECORD_FAIL stops the receiver
 * for good with an error.
 *
 * Of files: %DS_ON_BAD_RECORD_FAIL, the default, fails the batch;
 * %DS_ON_BAD_RECORD_SKIP drops a line that is too long, or the remainder of binary
 * records; %DS_ON_BAD_RECORD_SPLIT hands on the pieces of a line;
 * %DS_ON_BAD_RECORD_SKIP_FILE passes over a file with a remainder, or one that is gone or
 * not the same any more when it is read, and tells
 * (#DsStreamingContext::file-passed-over).  A file of more than 1 MiB that changes when
 * some of it was read already fails the batch all the same.
 *
 * For the blocks of raw_socket_stream: %DS_ON_BAD_RECORD_SKIP passes over one that is too
 * long or holds no values.  For socket_stream, where nobody knows where the next record
 * begins, it makes the connection anew.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for any other stream, and for
 * %DS_ON_BAD_RECORD_SPLIT where there are no lines.
 */
void
ds_dstream_set_bad_record_policy (DsDStream *self, DsBadRecordPolicy policy)
{
  DsLongLinePolicy line_policy = DS_LONG_LINE_SKIP;
  DsReceiver *receiver;

  g_return_if_fail (DS_IS_DSTREAM (self));

  if (!ds_dstream_may_set (self, "set_bad_record_policy") ||
      ds_file_input_dstream_set_bad_record_policy (self, policy))
    return;
  receiver = ds_receiver_input_dstream_get_receiver (self);
  if (receiver == NULL || !DS_IS_SOCKET_RECEIVER (receiver))
    {
      ds_dstream_latch_lacks (self, "set_bad_record_policy",
                              "streams from sockets and directory streams");
      return;
    }
  switch (policy)
    {
    case DS_ON_BAD_RECORD_FAIL:
      line_policy = DS_LONG_LINE_FAIL;
      break;
    case DS_ON_BAD_RECORD_SPLIT:
      line_policy = DS_LONG_LINE_SPLIT;
      break;
    case DS_ON_BAD_RECORD_SKIP_FILE:
      ds_dstream_latch_lacks (self, "set_bad_record_policy: skip-file",
                              "text_file_stream, binary_records_stream and file_stream");
      break;
    case DS_ON_BAD_RECORD_SKIP:
    default:
      break;
    }
  if (line_policy == DS_LONG_LINE_SPLIT &&
      !ds_socket_receiver_has_lines (DS_SOCKET_RECEIVER (receiver)))
    ds_streaming_context_latch (ds_dstream_get_context (self), DS_ERROR_INVALID_ARGUMENT,
                                "set_bad_record_policy: the records of stream %u cannot "
                                "be split, only lines can; "
                                "skip them, or let the stream fail",
                                ds_dstream_get_id (self));
  else
    ds_socket_receiver_set_long_line_policy (DS_SOCKET_RECEIVER (receiver), line_policy);
}
