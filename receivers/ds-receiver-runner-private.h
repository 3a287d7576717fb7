/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a supervisor.  ds-receiver-supervisor.c is what others see of it,
 * ds-receiver-runner.c what happens in the receiver's thread. */

#include "receivers/ds-backoff-private.h"
#include "receivers/ds-poll-threads-private.h"
#include "receivers/ds-receiver-private.h"

G_BEGIN_DECLS

struct _DsReceiverSupervisor
{
  gint ref_count;       /* owner, receiver, and whatever still runs or is queued */
  DsReceiver *receiver; /* strong until let go; a receiver holds its supervisor, too */
  DsReceiverSettings settings;
  DsReceiverEvents events;
  gpointer owner;
  DsBlockGenerator *generator;
  DsRateLimiter *limiter;
  gboolean is_attached;
  gboolean has_own_thread;
  gboolean stores_until_stopped; /* it has a stop function of its own */

  gint stopping;    /* atomic: this run is to end */
  gint is_closed;   /* atomic: nothing more is stored */
  gint64 n_records; /* atomic */
  gint64 n_dropped; /* atomic */

  GMutex event_lock;  /* one event at a time; held across the owner's functions */
  gboolean is_silent; /* guarded by event_lock */

  GMutex lock; /* guards all below up to the next comment; nothing is called with it */
  GCond changed;
  gboolean is_started;
  gboolean is_over;
  gboolean is_freed;
  gboolean wants_end;     /* stop or finish */
  gboolean wants_restart; /* only of the present run */
  GError *request_error;  /* (nullable): of whichever is wanted */
  GCancellable *cancellable;
  GArray *tokens;   /* (nullable) guint64: what the receiver is to hear of */
  GArray *storing;  /* (nullable): tokens of stores that are under way */
  guint n_heard;    /* of them */
  gboolean is_deaf; /* at its end: it hears of no more */
  DsPollThread *poll_thread;
  GThread *thread; /* (nullable): the receiver's own */

  /* Thread: receiver. */
  gboolean is_running; /* start was called and stop was not, since */
  DsPollWatch *pause;  /* (nullable): until it is due, with a reference of ours */
  guint n_operations;  /* whose callback is still to come */
  gboolean is_ending;  /* and only waits for those */
  GError *end_error;   /* (nullable) */
  DsBackoff backoff;
  gboolean has_backoff;
  gint64 run_start; /* monotonic µs */
  gint64 run_n_records;
};

/* Starts the receiver in its thread.  FALSE with @error when there is no thread. */
gboolean ds_receiver_runner_start (DsReceiverSupervisor *self, GError **error);
/* Something is wanted: the receiver's thread looks at it. */
void ds_receiver_runner_wake (DsReceiverSupervisor *self);
/* Runs @func once on the receiver's poll thread, never at once; not at all when that was
 * given back. */
void ds_receiver_runner_invoke (DsReceiverSupervisor *self,
                                GSourceFunc func,
                                gpointer data,
                                GDestroyNotify destroy);
/* The store with @token begins, which is not 0; from now on it is known. */
void ds_receiver_supervisor_begin_storing (DsReceiverSupervisor *self, guint64 token);
/* What it stands for was added, or, without @is_stored, is not going to be. */
void ds_receiver_supervisor_note_token (DsReceiverSupervisor *self,
                                        guint64 token,
                                        gboolean is_stored);
/* Tells the receiver of all tokens that it has not heard of yet, for the last time.
 * Thread: poll.  Returns %G_SOURCE_REMOVE. */
gboolean ds_receiver_supervisor_acknowledge_rest (gpointer self);
/* Gives back what a supervisor that is over and freed still has. */
void ds_receiver_supervisor_let_go (DsReceiverSupervisor *self);

G_END_DECLS
