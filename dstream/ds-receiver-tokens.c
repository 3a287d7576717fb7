/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A source that can send again keeps what it sent until it hears that it is safe.  Of a
 * stream without log that is when the batch of its block is done; of a durable one, when
 * the block lies on the disk.  Once something was lost no later token is acknowledged:
 * the source would take it for everything before.
 *
 * It would, too, while another thread is still storing something with a smaller token.
 * So the supervisor knows a token from the moment that its store begins, and one that is
 * safe is held back until no smaller one is left that is not. */

#include "dstream/ds-job-set-private.h"
#include "dstream/ds-tracked-receiver-private.h"

static DsNotedToken *
ds_tracked_receiver_get_token (DsTrackedReceiver *self, guint index)
{
  return &g_array_index (self->tokens, DsNotedToken, index);
}

/* Acknowledges the largest token that is safe and before all that are not.  With the
 * lock, as acknowledgements would overtake each other otherwise; nothing is called by it.
 */
static void
ds_tracked_receiver_acknowledge_locked (DsTrackedReceiver *self)
{
  guint64 bound;
  guint64 token = 0;
  guint n_kept = 0;

  if (self->tokens->len == 0)
    return;
  bound = ds_receiver_supervisor_get_first_storing (self->supervisor);
  for (guint i = 0; i < self->tokens->len; i++)
    {
      const DsNotedToken *noted = ds_tracked_receiver_get_token (self, i);

      if (!noted->is_safe)
        bound = MIN (bound, noted->token);
    }
  for (guint i = 0; i < self->tokens->len; i++)
    {
      const DsNotedToken noted = *ds_tracked_receiver_get_token (self, i);

      if (noted.is_safe && noted.token < bound)
        token = MAX (token, noted.token);
      else
        *ds_tracked_receiver_get_token (self, n_kept++) = noted;
    }
  g_array_set_size (self->tokens, n_kept);
  if (token > 0)
    ds_receiver_supervisor_acknowledge (self->supervisor, token);
}

void
ds_tracked_receiver_drop_token (gpointer receiver, guint64 token)
{
  DsTrackedReceiver *self = receiver;

  g_mutex_lock (&self->tracker->lock);
  ds_receiver_supervisor_end_storing (self->supervisor, token);
  ds_tracked_receiver_acknowledge_locked (self);
  g_mutex_unlock (&self->tracker->lock);
}

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

  g_mutex_lock (&tracker->lock);
  ds_receiver_supervisor_end_storing (self->supervisor, token);
  if (!self->has_lost)
    {
      noted.number = ++self->n_noted;
      noted.sequence = self->last_sequence;
      noted.is_safe = self->durability != DS_DURABILITY_NONE &&
                      noted.sequence <= tracker->durable_sequence;
      g_array_append_val (self->tokens, noted);
      ds_tracked_receiver_acknowledge_locked (self);
    }
  g_mutex_unlock (&tracker->lock);
}

guint64 *
ds_receiver_tracker_count_tokens (DsReceiverTracker *self)
{
  guint64 *n_noted = g_new (guint64, self->receivers->len);

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->receivers->len; i++)
    n_noted[i] = ds_receiver_tracker_get_receiver (self, i)->n_noted;
  g_mutex_unlock (&self->lock);
  return n_noted;
}

void
ds_tracked_receiver_allocate_tokens (DsTrackedReceiver *self,
                                     guint64 n_noted,
                                     DsTime time)
{
  g_mutex_lock (&self->tracker->lock);
  for (guint i = 0; i < self->tokens->len; i++)
    {
      DsNotedToken *noted = ds_tracked_receiver_get_token (self, i);

      if (noted->number <= n_noted && noted->batch_time == DS_TIME_NONE &&
          noted->arrival_time <= time)
        noted->batch_time = time;
    }
  g_mutex_unlock (&self->tracker->lock);
}

/* The batch of @time is over. */
static void
ds_tracked_receiver_settle (DsTrackedReceiver *self, DsTime time, gboolean is_done)
{
  guint n = 0;

  g_mutex_lock (&self->tracker->lock);
  for (guint i = 0; i < self->tokens->len; i++)
    {
      DsNotedToken *noted = ds_tracked_receiver_get_token (self, i);

      if (noted->is_safe || noted->batch_time == DS_TIME_NONE || noted->batch_time > time)
        continue;
      noted->is_safe = TRUE;
      n++;
    }
  if (n > 0 && is_done)
    ds_tracked_receiver_acknowledge_locked (self);
  else if (n > 0)
    {
      self->has_lost = TRUE;
      g_array_set_size (self->tokens, 0);
    }
  g_mutex_unlock (&self->tracker->lock);
}

void
ds_receiver_tracker_settle (DsReceiverTracker *self, DsTime time, gboolean is_done)
{
  for (guint i = 0; i < self->receivers->len; i++)
    {
      DsTrackedReceiver *tracked = ds_receiver_tracker_get_receiver (self, i);

      if (tracked->durability == DS_DURABILITY_NONE)
        ds_tracked_receiver_settle (tracked, time, is_done);
    }
}

void
ds_receiver_tracker_note_durable (DsReceiverTracker *self, guint64 sequence)
{
  g_mutex_lock (&self->lock);
  self->durable_sequence = MAX (self->durable_sequence, sequence);
  g_cond_broadcast (&self->log_changed);
  for (guint i = 0; i < self->receivers->len; i++)
    {
      DsTrackedReceiver *tracked = ds_receiver_tracker_get_receiver (self, i);

      if (tracked->durability == DS_DURABILITY_NONE)
        continue;
      for (guint j = 0; j < tracked->tokens->len; j++)
        {
          DsNotedToken *noted = ds_tracked_receiver_get_token (tracked, j);

          if (noted->sequence <= sequence)
            noted->is_safe = TRUE;
        }
      ds_tracked_receiver_acknowledge_locked (tracked);
    }
  g_mutex_unlock (&self->lock);
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
