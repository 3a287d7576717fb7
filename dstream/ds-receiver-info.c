/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A receiver as others see it.  As with batches, each change makes a new snapshot, so
 * that a handler in another thread never sees one change under its eyes. */

#include "dstream/ds-receiver-info-private.h"

struct _DsReceiverInfo
{
  guint stream_id;
  char *name;
  gboolean is_active;
  char *location;     /* (nullable) */
  GError *last_error; /* (nullable) */
  DsTime last_error_time;
  gboolean is_failing;
};

G_DEFINE_BOXED_TYPE (DsReceiverInfo,
                     ds_receiver_info,
                     ds_receiver_info_ref,
                     ds_receiver_info_unref)

DsReceiverInfo *
ds_receiver_info_new (const DsReceiverInfoFields *fields)
{
  DsReceiverInfo *self = g_atomic_rc_box_new (DsReceiverInfo);

  self->stream_id = fields->stream_id;
  self->name = g_strdup (fields->name);
  self->is_active = fields->is_active;
  self->location = g_strdup (fields->location);
  self->last_error =
      fields->last_error != NULL ? g_error_copy (fields->last_error) : NULL;
  self->last_error_time = fields->last_error_time;
  self->is_failing = fields->is_failing;
  return self;
}

gboolean
ds_receiver_info_is_failing (DsReceiverInfo *self)
{
  return self->is_failing;
}

static void
ds_receiver_info_clear (gpointer info)
{
  DsReceiverInfo *self = info;

  g_free (self->name);
  g_free (self->location);
  g_clear_error (&self->last_error);
}

/**
 * ds_receiver_info_ref:
 * @self: a snapshot
 *
 * Takes a reference.  Atomic; any thread.
 *
 * Returns: (transfer full): @self
 */
DsReceiverInfo *
ds_receiver_info_ref (DsReceiverInfo *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_atomic_rc_box_acquire (self);
}

/**
 * ds_receiver_info_unref:
 * @self: (transfer full): a snapshot
 *
 * Gives a reference back; the last one frees the snapshot.  Atomic; any thread.
 */
void
ds_receiver_info_unref (DsReceiverInfo *self)
{
  g_return_if_fail (self != NULL);

  g_atomic_rc_box_release_full (self, ds_receiver_info_clear);
}

/**
 * ds_receiver_info_get_stream_id:
 * @self: a snapshot
 *
 * Gets which stream the receiver feeds.
 *
 * Returns: the ds_dstream_get_id () of that input stream
 */
guint
ds_receiver_info_get_stream_id (DsReceiverInfo *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->stream_id;
}

/**
 * ds_receiver_info_get_name:
 * @self: a snapshot
 *
 * Gets what the stream of the receiver is called.
 *
 * Returns: (transfer none): its ds_dstream_get_name (), valid as long as @self
 */
const char *
ds_receiver_info_get_name (DsReceiverInfo *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->name;
}

/**
 * ds_receiver_info_is_active:
 * @self: a snapshot
 *
 * Whether the receiver was started and has not stopped for good.  One that failed and
 * waits to be started again is active: ds_receiver_info_get_last_error () tells.
 *
 * Returns: %TRUE from its first start to its end
 */
gboolean
ds_receiver_info_is_active (DsReceiverInfo *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->is_active;
}

/**
 * ds_receiver_info_get_location:
 * @self: a snapshot
 *
 * Gets where the data comes from, as "localhost:9999".
 *
 * Returns: (transfer none) (nullable): the location, valid as long as @self; %NULL as
 *   long as the receiver was never started
 */
const char *
ds_receiver_info_get_location (DsReceiverInfo *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->location;
}

/**
 * ds_receiver_info_get_last_error:
 * @self: a snapshot
 *
 * Gets what went wrong last.
 *
 * Returns: (transfer none) (nullable): the error, valid as long as @self; %NULL: nothing
 */
const GError *
ds_receiver_info_get_last_error (DsReceiverInfo *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return self->last_error;
}

/**
 * ds_receiver_info_get_last_error_time:
 * @self: a snapshot
 *
 * Gets when that was, on the context's clock.
 *
 * Returns: µs since 1970, or %DS_TIME_NONE
 */
DsTime
ds_receiver_info_get_last_error_time (DsReceiverInfo *self)
{
  g_return_val_if_fail (self != NULL, DS_TIME_NONE);

  return self->last_error_time;
}
