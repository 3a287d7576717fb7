/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A source that can send again keeps what it sent until it hears that it is safe.  Of a
 * stream without log that is when the batch of its block is done; of a durable one, when
 * the block lies on the disk.  Once something was lost no later token is acknowledged:
 * the source would take it for everything before. */

#include "dstream/ds-job-set-private.h"
#include "dstream/ds-tracked-receiver-private.h"

/* The block of the token was added before. */
void
ds_tracked_receiver_note_token (gpointer receiver, guint64 token)
{
  DsTrackedReceiver *self = receiver;
  DsReceiverTracker *tracker = self->tracker;
  DsNotedToken noted = {
    .token = token,
    .arrival_time = ds_driver_get_now (tracker->context->driver),
    .batch_time = DS_TIME_NONE,
  };
  gboolean is_safe = FALSE;

  g_mutex_lock (&tracker->lock);
  noted.sequence = self->last_sequence;
  is_safe = self->durability != DS_DURABILITY_NONE && !self->has_lost &&
            noted.sequence <= tracker->durable_sequence;
  if (!is_safe && !self->has_lost)
    g_array_append_val (self->tokens, noted);
  g_mutex_unlock (&tracker->lock);

  if (is_safe)
    ds_receiver_supervisor_acknowledge (self->supervisor, token);
}

guint64 *
ds_receiver_tracker_count_tokens (DsReceiverTracker *self)
{
  guint64 *n_noted = g_new (guint64, self->receivers->len);

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->receivers->len; i++)
    {
      DsTrackedReceiver *tracked = ds_receiver_tracker_get_receiver (self, i);

      n_noted[i] = tracked->n_settled + tracked->tokens->len;
    }
  g_mutex_unlock (&self->lock);
  return n_noted;
}

void
ds_tracked_receiver_allocate_tokens (DsTrackedReceiver *self,
                                     guint64 n_noted,
                                     DsTime time)
{
  g_mutex_lock (&self->tracker->lock);
  for (guint i = 0; i < self->tokens->len && self->n_settled + i < n_noted; i++)
    {
      DsNotedToken *noted = &g_array_index (self->tokens, DsNotedToken, i);

      if (noted->batch_time == DS_TIME_NONE && noted->arrival_time <= time)
        noted->batch_time = time;
    }
  g_mutex_unlock (&self->tracker->lock);
}

/* Takes the first @n tokens out. */
static void
ds_tracked_receiver_drop_tokens_locked (DsTrackedReceiver *self, guint n)
{
  if (n == 0)
    return;
  self->n_settled += n;
  g_array_remove_range (self->tokens, 0, n);
}

/* Takes the tokens up to the batch of @time out.  How many, the last one in @token. */
static guint
ds_tracked_receiver_take_tokens (DsTrackedReceiver *self,
                                 DsTime time,
                                 gboolean is_done,
                                 guint64 *token)
{
  guint n = 0;

  g_mutex_lock (&self->tracker->lock);
  for (; n < self->tokens->len; n++)
    {
      const DsNotedToken *noted = &g_array_index (self->tokens, DsNotedToken, n);

      if (noted->batch_time == DS_TIME_NONE || noted->batch_time > time)
        break;
      *token = noted->token;
    }
  if (n > 0 && !is_done)
    {
      self->has_lost = TRUE;
      g_array_set_size (self->tokens, 0);
    }
  else
    ds_tracked_receiver_drop_tokens_locked (self, n);
  g_mutex_unlock (&self->tracker->lock);
  return n;
}

void
ds_receiver_tracker_settle (DsReceiverTracker *self, DsTime time, gboolean is_done)
{
  for (guint i = 0; i < self->receivers->len; i++)
    {
      DsTrackedReceiver *tracked = ds_receiver_tracker_get_receiver (self, i);
      guint64 token = 0;

      if (tracked->durability == DS_DURABILITY_NONE &&
          ds_tracked_receiver_take_tokens (tracked, time, is_done, &token) > 0 && is_done)
        ds_receiver_supervisor_acknowledge (tracked->supervisor, token);
    }
}

void
ds_receiver_tracker_note_durable (DsReceiverTracker *self, guint64 sequence)
{
  g_mutex_lock (&self->lock);
  self->durable_sequence = MAX (self->durable_sequence, sequence);
  g_cond_broadcast (&self->log_changed);
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < self->receivers->len; i++)
    {
      DsTrackedReceiver *tracked = ds_receiver_tracker_get_receiver (self, i);
      guint64 token = 0;
      guint n = 0;

      if (tracked->durability == DS_DURABILITY_NONE)
        continue;
      g_mutex_lock (&self->lock);
      for (; n < tracked->tokens->len; n++)
        {
          const DsNotedToken *noted = &g_array_index (tracked->tokens, DsNotedToken, n);

          if (noted->sequence > sequence)
            break;
          token = noted->token;
        }
      ds_tracked_receiver_drop_tokens_locked (tracked, n);
      g_mutex_unlock (&self->lock);
      if (n > 0)
        ds_receiver_supervisor_acknowledge (tracked->supervisor, token);
    }
}

void
ds_receiver_tracker_lose_tokens (DsReceiverTracker *self, const GError *error)
{
  g_mutex_lock (&self->lock);
  if (self->log_error == NULL)
    self->log_error = g_error_copy (error);
  g_cond_broadcast (&self->log_changed);
  for (guint i = 0; i < self->receivers->len; i++)
    {
      DsTrackedReceiver *tracked = ds_receiver_tracker_get_receiver (self, i);

      if (tracked->durability == DS_DURABILITY_NONE)
        continue;
      tracked->has_lost = TRUE;
      g_array_set_size (tracked->tokens, 0);
    }
  g_mutex_unlock (&self->lock);
}
