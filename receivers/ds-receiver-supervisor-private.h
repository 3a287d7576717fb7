/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsReceiverSupervisor: runs one receiver: starts it on a shared poll thread (or, when it
 * has a blocking run (), on a thread of its own), cuts what it stores into blocks, stops
 * reading while the memory budget is used up, and starts it again with back-off and
 * jitter after a failure.  It knows nothing of streams: whoever owns it gets blocks. */

#include "base/ds-block-private.h"
#include "base/ds-clock-private.h"
#include "base/ds-memory-budget-private.h"
#include "receivers/ds-receiver.h"

G_BEGIN_DECLS

typedef struct _DsReceiverSupervisor DsReceiverSupervisor;

/* 0 or NULL is the default that is named. */
typedef struct
{
  guint stream_id;
  DsDuration block_interval; /* 200 ms, on monotonic time whatever the clock */
  gsize max_block_bytes;     /* 1 MiB: a full buffer becomes a block at once */
  DsDuration restart_delay;  /* 2 s: the first pause; doubles up to 30 s, +- 20 % */
  gsize max_record_bytes;    /* 1 MiB, of a line */
  DsClock *clock;            /* the system's; ds_receiver_sleep () waits on it */
  DsArenaPool *pool;         /* the process-wide one */
  gboolean cuts_at_once;     /* each store and each read is a block, and has been handed
                              * over when it returns */
  guint64 max_rate;          /* records a second; 0: no limit */
  guint64 initial_rate;      /* until another is published; 0: @max_rate */
  DsDuration batch_interval; /* of ds_receiver_supervisor_begin_batch (), for that of a
                              * batch; 0: none */
  DsMemoryBudget *budget;    /* (transfer none), needed: the bytes of handed-over blocks
                              * stay taken until the owner releases them */
} DsReceiverSettings;

/* Thread: any of the receiver's, and whoever cuts; one at a time per receiver.  None is
 * called after stopped (), or after ds_receiver_supervisor_free () returned.  They may
 * call stop_async (), never join (), cut () or free (); locks that they take must not be
 * held while calling those. */
typedef struct
{
  /* A block of @n_records, taken over by the callee (transfer full); @n_bytes were taken
   * from the budget.  FALSE with @error: it could not be kept; that fails the store, and
   * the supervisor gives the bytes back. */
  gboolean (*add_block) (gpointer owner,
                         DsBlock *block,
                         gsize n_records,
                         gsize n_bytes,
                         GError **error);
  /* (nullable) Everything that was stored with a token up to @token has been added; once
   * that is safe call ds_receiver_supervisor_acknowledge ().  NULL: it is safe as soon as
   * it is added.  Calls ds_receiver_supervisor_end_storing () as soon as it knows it. */
  void (*note_token) (gpointer owner, guint64 token);
  /* With note_token: the store with the token has failed; as above. */
  void (*drop_token) (gpointer owner, guint64 token);
  /* At each start, also after a pause. */
  void (*started) (gpointer owner, const char *location);
  /* Already logged with g_message ().  @is_down: the receiver is started again after a
   * pause, and the message says when; else it goes on. */
  void (*error) (gpointer owner, const GError *error, gboolean is_down);
  void (*stopped) (gpointer owner, const GError *error); /* (nullable) error; for good */
} DsReceiverEvents;

DsReceiverSupervisor *ds_receiver_supervisor_new (DsReceiver *receiver,
                                                  const DsReceiverSettings *settings,
                                                  const DsReceiverEvents *events,
                                                  gpointer owner);
/* Returns at once; starting goes on in the receiver's thread. */
gboolean ds_receiver_supervisor_start (DsReceiverSupervisor *self, GError **error);
/* What was stored so far becomes a block now.  Any thread; does not wait for the
 * receiver.
 */
void ds_receiver_supervisor_cut (DsReceiverSupervisor *self);
/* The same at a batch tick, so that a batch holds everything stored before it; until the
 * next batch begins nothing more passes a rate limit. */
void ds_receiver_supervisor_end_batch (DsReceiverSupervisor *self);
/* With @n_waiting records that were handed over and belong to a later batch than the one
 * that has ended; those count in its rate limit. */
void ds_receiver_supervisor_begin_batch (DsReceiverSupervisor *self, guint64 n_waiting);
/* Asks the receiver to stop.  A receiver with a stop function of its own may store until
 * that has returned, however long it takes; from any other nothing more is accepted.  All
 * that was stored is handed over before stopped () is called.  Returns at once. */
void ds_receiver_supervisor_stop_async (DsReceiverSupervisor *self);
/* The same, when its source is at its end, or with why nothing can be kept of it any
 * more: stopped () gets that.  @error (transfer full) (nullable) */
void ds_receiver_supervisor_finish (DsReceiverSupervisor *self, GError *error);
/* Waits for that, until @deadline (steady monotonic µs, g_get_monotonic_time ()); FALSE
 * when it was not over. */
gboolean ds_receiver_supervisor_join (DsReceiverSupervisor *self, gint64 deadline);
gboolean ds_receiver_supervisor_is_active (DsReceiverSupervisor *self);
/* What was stored with a token up to @token is safe: the receiver hears of it, soon and
 * on a poll thread.  Any thread. */
void ds_receiver_supervisor_acknowledge (DsReceiverSupervisor *self, guint64 token);
/* The smallest token whose store is under way, and was not noted or dropped;
 * %G_MAXUINT64: none is.  Until then no larger one may be acknowledged.  Any thread. */
guint64 ds_receiver_supervisor_get_first_storing (DsReceiverSupervisor *self);
void ds_receiver_supervisor_end_storing (DsReceiverSupervisor *self, guint64 token);
/* Waits, until @deadline (g_get_monotonic_time ()), until the receiver has heard of all
 * of that; it hears of nothing more.  Thread: none that runs receivers. */
void ds_receiver_supervisor_hush (DsReceiverSupervisor *self, gint64 deadline);
/* From now on @rate records a second, up to the maximum; see ds_rate_limiter_publish ().
 */
void ds_receiver_supervisor_publish_rate (DsReceiverSupervisor *self, double rate);
/* 0: no limit. */
guint64 ds_receiver_supervisor_get_rate (DsReceiverSupervisor *self);
gint64 ds_receiver_supervisor_get_n_records (DsReceiverSupervisor *self);
gint64 ds_receiver_supervisor_get_n_dropped (
    DsReceiverSupervisor *self); /* overlong, unterminated */
/* TRUE on a thread that runs receivers: whoever waited there for a receiver to stop would
 * wait for itself. */
gboolean ds_receiver_supervisor_is_inside (void);
/* For tests: the jitter of the pauses.  Before start. */
void ds_receiver_supervisor_set_seed (DsReceiverSupervisor *self, guint32 seed);
/* After join, also one that was not over in time: a receiver that still hangs then goes
 * on alone, and nothing of it is heard again. */
void ds_receiver_supervisor_free (DsReceiverSupervisor *self);

G_END_DECLS
