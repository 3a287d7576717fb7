/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The receiver that users derive.  It is only a face: the supervisor behind it owns the
 * life cycle, the block generator behind that owns the records.  The supervisor is set
 * once and lives as long as the receiver, so storing takes no reference and no lock
 * beyond the one of the block generator. */

#include "receivers/ds-receiver.h"

#include "base/ds-error.h"
#include "base/ds-splitter-private.h"
#include "receivers/ds-receiver-private.h"

#include <string.h>

/**
 * DsReceiver:
 *
 * Brings the outside world into a stream.
 *
 * Derive it and override either `run`, a loop of its own in a thread of its own, or
 * `start` and `stop`, for sources that live on the #GMainContext of one of the few
 * threads that all receivers share (it is the thread default there).  Then call the store
 * functions, from any thread.
 *
 * A receiver that fails is stopped and started again after a pause, which begins at the
 * stream's restart delay (2 s), doubles up to 30 s and is moved by up to 20 % at random.
 * It never takes a compute slot.
 *
 * When the process ends without a graceful stop, what was received since the last batch
 * is lost, unless the stream writes it to a log (ds_dstream_set_durability ()).
 *
 * A `start` or `stop` that takes long holds up the other receivers of its thread.
 */

/**
 * DsReceiverClass:
 * @parent_class: the parent class
 * @run: the receiver's loop, in a thread of its own, until @cancellable is cancelled.
 * FALSE with an error: it failed and is to be started again; TRUE: its source is at the
 * end for good
 * @start: makes it receive, and returns soon; FALSE with an error: it is to be started
 *   again.  The default one calls @run
 * @stop: the opposite.  What is stored until it has returned still counts, also during a
 *   graceful stop
 * @acknowledged: everything that was stored with a token up to the given one is safe: the
 *   batch that it belongs to is done, and the source may forget it.  Called on one of the
 *   threads that receivers share, also for a receiver with @run; in order, but not for
 *   every token; also after @stop, for what was stored until then, but never after the
 *   stream has stopped.  After a batch that failed and was given up nothing stored with
 *   or after it is acknowledged any more
 *
 * What a receiver is made of.  All of it may block only where it says so.
 */

typedef struct
{
  DsReceiverSupervisor *supervisor; /* atomic; set once */
  char *location;
} DsReceiverPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (DsReceiver, ds_receiver, G_TYPE_OBJECT)

static gboolean
ds_receiver_real_start (DsReceiver *self, GError **error)
{
  DsReceiverSupervisor *supervisor = ds_receiver_get_supervisor (self);
  g_autoptr (GCancellable) cancellable =
      ds_receiver_supervisor_ref_cancellable (supervisor);

  return DS_RECEIVER_GET_CLASS (self)->run (self, cancellable, error);
}

static void
ds_receiver_real_stop (DsReceiver *self)
{
}

static void
ds_receiver_finalize (GObject *object)
{
  DsReceiverPrivate *priv = ds_receiver_get_instance_private (DS_RECEIVER (object));

  g_clear_pointer (&priv->supervisor, ds_receiver_supervisor_unref);
  g_clear_pointer (&priv->location, g_free);
  G_OBJECT_CLASS (ds_receiver_parent_class)->finalize (object);
}

static void
ds_receiver_class_init (DsReceiverClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_receiver_finalize;
  klass->start = ds_receiver_real_start;
  klass->stop = ds_receiver_real_stop;
}

static void
ds_receiver_init (DsReceiver *self)
{
}

/* ---- Private ---- */

gboolean
ds_receiver_attach (DsReceiver *self, DsReceiverSupervisor *supervisor)
{
  DsReceiverPrivate *priv = ds_receiver_get_instance_private (self);

  if (!g_atomic_pointer_compare_and_exchange (&priv->supervisor, NULL, supervisor))
    return FALSE;

  ds_receiver_supervisor_ref (supervisor);
  return TRUE;
}

DsReceiverSupervisor *
ds_receiver_get_supervisor (DsReceiver *self)
{
  DsReceiverPrivate *priv = ds_receiver_get_instance_private (self);

  return g_atomic_pointer_get (&priv->supervisor);
}

void
ds_receiver_set_location (DsReceiver *self, const char *location)
{
  DsReceiverPrivate *priv = ds_receiver_get_instance_private (self);

  g_free (priv->location);
  priv->location = g_strdup (location);
}

const char *
ds_receiver_get_location (DsReceiver *self)
{
  DsReceiverPrivate *priv = ds_receiver_get_instance_private (self);

  return priv->location != NULL ? priv->location : G_OBJECT_TYPE_NAME (self);
}

gboolean
ds_receiver_has_own_start (DsReceiver *self)
{
  return DS_RECEIVER_GET_CLASS (self)->start != ds_receiver_real_start;
}

gboolean
ds_receiver_has_own_stop (DsReceiver *self)
{
  return DS_RECEIVER_GET_CLASS (self)->stop != ds_receiver_real_stop;
}

/* ---- Public ---- */

/* The supervisor of a receiver that is in use.  Storing from a receiver that no started
 * stream has is a mistake of the program. */
static DsReceiverSupervisor *
ds_receiver_expect_supervisor (DsReceiver *self, const char *function)
{
  DsReceiverSupervisor *supervisor = ds_receiver_get_supervisor (self);

  if (G_UNLIKELY (supervisor == NULL))
    g_critical ("%s: this %s belongs to no started stream; hand it to "
                "ds_streaming_context_receiver_stream () and start the context",
                function, G_OBJECT_TYPE_NAME (self));
  return supervisor;
}

/**
 * ds_receiver_store: (skip)
 * @self: a receiver
 * @value: one record; copied, with everything in it
 *
 * Adds one record to the current block, which is cut every block interval (200 ms), when
 * it is full, and when a batch begins.
 *
 * Any thread; several at once lose nothing.  Waits while the memory budget of the stream
 * is used up.  Costs one copy and one lock.
 *
 * Returns: TRUE when the record was stored; FALSE, and it was not, once the receiver is
 *   stopping (one with a stop function of its own: once that has returned)
 */
gboolean
ds_receiver_store (DsReceiver *self, DsValue value)
{
  DsReceiverSupervisor *supervisor = NULL;

  g_return_val_if_fail (DS_IS_RECEIVER (self), FALSE);

  supervisor = ds_receiver_expect_supervisor (self, G_STRFUNC);
  return supervisor != NULL && ds_receiver_supervisor_store (supervisor, value);
}

/**
 * ds_receiver_store_string:
 * @self: a receiver
 * @string: one record, meant as UTF-8, shorter than 4 GiB; copied
 *
 * Adds one string to the current block; otherwise as ds_receiver_store ().
 *
 * Returns: TRUE when it was stored; FALSE once the receiver is stopping
 */
gboolean
ds_receiver_store_string (DsReceiver *self, const char *string)
{
  gsize n_bytes = 0;

  g_return_val_if_fail (DS_IS_RECEIVER (self), FALSE);
  g_return_val_if_fail (string != NULL, FALSE);
  n_bytes = strlen (string);
  g_return_val_if_fail (n_bytes <= G_MAXUINT32, FALSE);

  return ds_receiver_store (self, ds_value_string_sized (string, (guint32) n_bytes));
}

/**
 * ds_receiver_store_bytes:
 * @self: a receiver
 * @record: one record, shorter than 4 GiB; copied
 *
 * Adds one value of type bytes to the current block; otherwise as ds_receiver_store ().
 *
 * Returns: TRUE when it was stored; FALSE once the receiver is stopping
 */
gboolean
ds_receiver_store_bytes (DsReceiver *self, GBytes *record)
{
  gconstpointer bytes = NULL;
  gsize n_bytes = 0;

  g_return_val_if_fail (DS_IS_RECEIVER (self), FALSE);
  g_return_val_if_fail (record != NULL, FALSE);
  bytes = g_bytes_get_data (record, &n_bytes);
  g_return_val_if_fail (n_bytes <= G_MAXUINT32, FALSE);

  return ds_receiver_store (self, ds_value_bytes (bytes, (guint32) n_bytes));
}

/**
 * ds_receiver_store_block:
 * @self: a receiver
 * @block: records that stay together in one block; not copied
 * @token: what @self's acknowledged function is called with, growing from call to call,
 * from whichever thread; 0: not at all
 * @error: return location for an error
 *
 * Stores a block of its own, after everything that was stored before it, and waits until
 * that is done, and before that while the memory budget of the stream is used up.
 *
 * With @token, the acknowledged function is called once the block is safe: its batch is
 * done, with all outputs; or, where the stream has a log (ds_dstream_set_durability ()),
 * it lies on the disk.  Until then a source that can send again should keep it: it is
 * lost when the process is killed.
 *
 * An acknowledged token stands for all smaller ones whose call had begun, but for calls
 * that failed, and only the largest of those that become safe together is told of.  So
 * several threads may store at once: one whose call with a smaller token is still under
 * way, or not safe yet, holds larger ones back.  They should begin their calls in the
 * order of their tokens, as what has not begun is not known.
 *
 * Where every record is durable it returns only when the block lies on the disk, and
 * waits while that is full.  With the level group it returns when the block is on its
 * way there; while the disk is full it waits once 64 MiB are, and the token is
 * acknowledged later.
 *
 * Fails with %DS_ERROR_STOPPED once the receiver is stopping, or with what kept the
 * stream from keeping the block: the error of the log, or %DS_ERROR_LIMIT for a block of
 * more than 64 MiB and %DS_ERROR_TOO_DEEP for values that could not be read back from
 * one.
 *
 * Returns: TRUE when it was stored
 */
gboolean
ds_receiver_store_block (DsReceiver *self, DsBlock *block, guint64 token, GError **error)
{
  DsReceiverSupervisor *supervisor = NULL;

  g_return_val_if_fail (DS_IS_RECEIVER (self), FALSE);
  g_return_val_if_fail (block != NULL, FALSE);

  supervisor = ds_receiver_expect_supervisor (self, G_STRFUNC);
  if (supervisor == NULL)
    {
      g_set_error_literal (error, DS_ERROR, DS_ERROR_INVALID_STATE,
                           "The receiver belongs to no started stream");
      return FALSE;
    }
  return ds_receiver_supervisor_store_block (supervisor, self, block, token, error);
}

/**
 * ds_receiver_store_text:
 * @self: a receiver
 * @text: any number of lines; the last may lack its line end.  Copied
 * @token: as for ds_receiver_store_block ()
 * @error: return location for an error
 *
 * Stores the lines of @text as one block, as ds_receiver_store_block () does.  They are
 * cut later, by the tasks of the batch, at `\n`; one `\r` before it goes as well.
 *
 * Fails as ds_receiver_store_block () does, and with %DS_ERROR_LIMIT when @text has 4 GiB
 * or more.
 *
 * Returns: TRUE when it was stored; empty text makes no block
 */
gboolean
ds_receiver_store_text (DsReceiver *self, GBytes *text, guint64 token, GError **error)
{
  g_autoptr (DsArena) arena = NULL;
  g_autoptr (DsBlock) block = NULL;
  DsReceiverSupervisor *supervisor = NULL;
  gconstpointer bytes = NULL;
  char *copy = NULL;
  gsize n_bytes = 0;

  g_return_val_if_fail (DS_IS_RECEIVER (self), FALSE);
  g_return_val_if_fail (text != NULL, FALSE);

  bytes = g_bytes_get_data (text, &n_bytes);
  if (n_bytes > G_MAXUINT32)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_LIMIT,
                   "A text of %" G_GSIZE_FORMAT " bytes was stored at once; less than "
                   "4 GiB (4294967296 bytes) can be: store it in pieces",
                   n_bytes);
      return FALSE;
    }

  supervisor = ds_receiver_get_supervisor (self);
  arena = ds_arena_new_sized (supervisor != NULL
                                  ? ds_receiver_supervisor_get_settings (supervisor)->pool
                                  : NULL,
                              MAX (n_bytes, 1));
  copy = ds_arena_alloc (arena, n_bytes);
  if (n_bytes > 0)
    memcpy (copy, bytes, n_bytes);
  block = ds_block_new_take_text (g_steal_pointer (&arena), copy, n_bytes,
                                  ds_count_lines (copy, n_bytes), TRUE);
  return ds_receiver_store_block (self, block, token, error);
}

/**
 * ds_receiver_restart:
 * @self: a receiver
 * @error: (transfer full) (nullable): why, for the log and the listeners
 *
 * Asks for @self to be stopped and, after a pause, to be started again.
 *
 * For receivers with `start` and `stop`; one with `run` returns FALSE instead.  Any
 * thread; returns at once.
 */
void
ds_receiver_restart (DsReceiver *self, GError *error)
{
  DsReceiverSupervisor *supervisor = NULL;

  g_return_if_fail (DS_IS_RECEIVER (self));

  supervisor = ds_receiver_expect_supervisor (self, G_STRFUNC);
  if (supervisor != NULL)
    ds_receiver_supervisor_restart (supervisor, error);
  else
    g_clear_error (&error);
}

/**
 * ds_receiver_finish:
 * @self: a receiver
 * @error: (transfer full) (nullable): why; %NULL when its source is simply at the end
 *
 * Asks for @self to be stopped for good.  What it stored is still handed over.
 *
 * Any thread; returns at once.
 */
void
ds_receiver_finish (DsReceiver *self, GError *error)
{
  DsReceiverSupervisor *supervisor = NULL;

  g_return_if_fail (DS_IS_RECEIVER (self));

  supervisor = ds_receiver_expect_supervisor (self, G_STRFUNC);
  if (supervisor != NULL)
    ds_receiver_supervisor_finish (supervisor, error);
  else
    g_clear_error (&error);
}

/**
 * ds_receiver_report_error:
 * @self: a receiver
 * @error: what happened
 *
 * Tells the log and the listeners, and nothing more: @self goes on.  Any thread.
 */
void
ds_receiver_report_error (DsReceiver *self, const GError *error)
{
  DsReceiverSupervisor *supervisor = NULL;

  g_return_if_fail (DS_IS_RECEIVER (self));
  g_return_if_fail (error != NULL);

  supervisor = ds_receiver_expect_supervisor (self, G_STRFUNC);
  if (supervisor != NULL)
    ds_receiver_supervisor_report (supervisor, error, FALSE);
}

/**
 * ds_receiver_sleep:
 * @self: a receiver
 * @duration: how long, in µs, on the clock of the streaming context; 0 or less: not at
 * all
 *
 * Waits, for the loop of a `run` function.
 *
 * Returns: TRUE when the time is over; FALSE at once when @self is to stop
 */
gboolean
ds_receiver_sleep (DsReceiver *self, DsDuration duration)
{
  DsReceiverSupervisor *supervisor = NULL;

  g_return_val_if_fail (DS_IS_RECEIVER (self), FALSE);

  supervisor = ds_receiver_expect_supervisor (self, G_STRFUNC);
  return supervisor != NULL && ds_receiver_supervisor_sleep (supervisor, duration);
}

/**
 * ds_receiver_is_stopping:
 * @self: a receiver
 *
 * Whether @self was asked to stop.  Any thread; costs an atomic read.
 *
 * Returns: TRUE when it is to stop, or was never part of a stream
 */
gboolean
ds_receiver_is_stopping (DsReceiver *self)
{
  DsReceiverSupervisor *supervisor = NULL;

  g_return_val_if_fail (DS_IS_RECEIVER (self), TRUE);

  supervisor = ds_receiver_get_supervisor (self);
  return supervisor == NULL || ds_receiver_supervisor_is_stopping (supervisor);
}

/**
 * ds_receiver_get_stream_id:
 * @self: a receiver
 *
 * The number of the input stream that @self belongs to.
 *
 * Returns: the number, from 0 on; %G_MAXUINT while it belongs to none
 */
guint
ds_receiver_get_stream_id (DsReceiver *self)
{
  DsReceiverSupervisor *supervisor = NULL;

  g_return_val_if_fail (DS_IS_RECEIVER (self), G_MAXUINT);

  supervisor = ds_receiver_get_supervisor (self);
  return supervisor != NULL ? ds_receiver_supervisor_get_settings (supervisor)->stream_id
                            : G_MAXUINT;
}
