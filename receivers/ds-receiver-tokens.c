/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tokens: what a receiver stores with one it hears of once that is safe.  Here is which
 * stores are under way, and what the receiver is yet to hear; the owner knows what is
 * safe. */

#include "receivers/ds-receiver-runner-private.h"

/* Thread: poll.  Tells the receiver of the oldest token; FALSE when there is none, and
 * with @is_end there will be none any more. */
static gboolean
ds_receiver_supervisor_acknowledge_next (DsReceiverSupervisor *self, gboolean is_end)
{
  g_autoptr (DsReceiver) receiver = NULL;
  guint64 token = 0;

  g_mutex_lock (&self->lock);
  if (self->receiver != NULL)
    receiver = g_object_ref (self->receiver);
  if (self->tokens != NULL && self->n_heard < self->tokens->len)
    token = g_array_index (self->tokens, guint64, self->n_heard++);
  else if (is_end)
    self->is_deaf = TRUE;
  if (self->tokens != NULL && self->n_heard == self->tokens->len)
    {
      g_array_set_size (self->tokens, 0);
      self->n_heard = 0;
    }
  if (self->is_deaf)
    g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);

  if (token != 0 && receiver != NULL)
    DS_RECEIVER_GET_CLASS (receiver)->acknowledged (receiver, token);
  return token != 0;
}

static gboolean
ds_receiver_supervisor_acknowledge_one (gpointer self)
{
  ds_receiver_supervisor_acknowledge_next (self, FALSE);
  return G_SOURCE_REMOVE;
}

gboolean
ds_receiver_supervisor_acknowledge_rest (gpointer self)
{
  while (ds_receiver_supervisor_acknowledge_next (self, TRUE))
    ;
  return G_SOURCE_REMOVE;
}

void
ds_receiver_supervisor_acknowledge (DsReceiverSupervisor *self, guint64 token)
{
  gboolean is_heard = FALSE;

  g_mutex_lock (&self->lock);
  is_heard = !self->is_deaf && self->receiver != NULL &&
             DS_RECEIVER_GET_CLASS (self->receiver)->acknowledged != NULL;
  if (is_heard)
    {
      if (self->tokens == NULL)
        self->tokens = g_array_new (FALSE, FALSE, sizeof token);
      g_array_append_val (self->tokens, token);
    }
  g_mutex_unlock (&self->lock);
  if (is_heard)
    ds_receiver_runner_invoke (self, ds_receiver_supervisor_acknowledge_one,
                               ds_receiver_supervisor_ref (self),
                               (GDestroyNotify) ds_receiver_supervisor_unref);
}

void
ds_receiver_supervisor_hush (DsReceiverSupervisor *self, gint64 deadline)
{
  gboolean is_to_hear = FALSE;

  g_mutex_lock (&self->lock);
  is_to_hear = self->is_started && !self->is_deaf && self->receiver != NULL &&
               DS_RECEIVER_GET_CLASS (self->receiver)->acknowledged != NULL;
  g_mutex_unlock (&self->lock);
  if (!is_to_hear)
    return;

  ds_receiver_runner_invoke (self, ds_receiver_supervisor_acknowledge_rest,
                             ds_receiver_supervisor_ref (self),
                             (GDestroyNotify) ds_receiver_supervisor_unref);
  g_mutex_lock (&self->lock);
  while (!self->is_deaf && g_cond_wait_until (&self->changed, &self->lock, deadline))
    ;
  /* One that hangs in its function hears of no more, either. */
  self->is_deaf = TRUE;
  if (self->tokens != NULL)
    self->n_heard = self->tokens->len;
  g_mutex_unlock (&self->lock);
}

guint64
ds_receiver_supervisor_get_first_storing (DsReceiverSupervisor *self)
{
  guint64 first = G_MAXUINT64;

  g_mutex_lock (&self->lock);
  for (guint i = 0; self->storing != NULL && i < self->storing->len; i++)
    first = MIN (first, g_array_index (self->storing, guint64, i));
  g_mutex_unlock (&self->lock);
  return first;
}

void
ds_receiver_supervisor_end_storing (DsReceiverSupervisor *self, guint64 token)
{
  gboolean is_found = FALSE;

  g_mutex_lock (&self->lock);
  for (guint i = 0; self->storing != NULL && !is_found && i < self->storing->len; i++)
    {
      is_found = g_array_index (self->storing, guint64, i) == token;
      if (is_found)
        g_array_remove_index_fast (self->storing, i);
    }
  g_mutex_unlock (&self->lock);
}

void
ds_receiver_supervisor_begin_storing (DsReceiverSupervisor *self, guint64 token)
{
  g_mutex_lock (&self->lock);
  if (self->storing == NULL)
    self->storing = g_array_new (FALSE, FALSE, sizeof token);
  g_array_append_val (self->storing, token);
  g_mutex_unlock (&self->lock);
}

void
ds_receiver_supervisor_note_token (DsReceiverSupervisor *self,
                                   guint64 token,
                                   gboolean is_stored)
{
  if (self->events.note_token == NULL)
    {
      ds_receiver_supervisor_end_storing (self, token);
      if (is_stored)
        ds_receiver_supervisor_acknowledge (self, token);
      return;
    }

  g_mutex_lock (&self->event_lock);
  if (!self->is_silent && is_stored)
    self->events.note_token (self->owner, token);
  else if (!self->is_silent)
    self->events.drop_token (self->owner, token);
  g_mutex_unlock (&self->event_lock);
}
