/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of the receiver tracker: what its files share.
 *
 *   ds-receiver-tracker.c  receivers and their batches
 *   ds-receiver-tokens.c   what receivers hear of: what they stored is safe
 *   ds-receiver-log.c      blocks of durable streams go into the log
 *   ds-receiver-recovery.c and come back, in the batches that they were in
 */

#include "base/ds-write-ahead-log-private.h"
#include "dstream/ds-rate-controller-private.h"
#include "dstream/ds-received-block-log-private.h"
#include "dstream/ds-receiver-tracker-private.h"
#include "dstream/ds-streaming-context-private.h"
#include "receivers/ds-receiver-supervisor-private.h"

G_BEGIN_DECLS

/* A receiver wants to hear when all that it stored up to here is safe. */
typedef struct
{
  guint64 token;
  guint64 number;   /* of those that were noted */
  gboolean is_safe; /* but a smaller one is not */
  DsTime arrival_time;
  DsTime batch_time; /* of the batch that has it; DS_TIME_NONE: none yet */
  guint64 sequence;  /* in the log, of a durable stream */
} DsNotedToken;

typedef struct
{
  DsReceiverTracker *tracker;
  DsDStream *stream; /* not owned */
  DsDurability durability;
  DsReceiverSupervisor *supervisor;
  DsRateController *controller; /* (nullable): without back-pressure; thread: driver */
  DsReceiverInfo *info;         /* guarded by the tracker's lock, as are the following */
  GArray *tokens;               /* DsNotedToken, as they were noted */
  guint64 n_noted;              /* tokens, so far */
  gboolean has_lost;        /* what a token stood for: no later one may be acknowledged */
  DsTime last_arrival_time; /* of a block of it; G_MININT64: none came */
  guint64 last_sequence;    /* of what it stored, in the log */
  guint64 appending_from; /* a block of it is on its way into the log, and will have this
                           * number or a higher one; 0: none is */
} DsTrackedReceiver;

struct _DsReceiverTracker
{
  DsStreamingContext *context; /* not owned */
  GArray *receivers;           /* DsTrackedReceiver; fixed at start */
  DsMemoryBudget *budget;      /* of what is received and still needed */
  DsReceivedBlockTracker *blocks;
  DsInputInfoTracker *infos;
  DsDurableDirectory *directory;     /* (nullable) not owned: where it lies */
  DsReceivedBlockRecovery *recovery; /* (nullable): until start */
  GArray *recovered_rates;           /* DsRecoveredRate; until start */

  GMutex lock;          /* guards what follows */
  DsWriteAheadLog *log; /* (nullable) not owned: before start, at the end, without one */
  DsTime cutting_time;  /* DS_TIME_NONE: no cut under way */
  gint64 n_received;
  GCond log_changed;
  guint64 durable_sequence; /* the log is durable up to here */
  guint n_log_users;        /* threads that are about to append */
  GError *log_error;        /* (nullable): it has failed for good */
};

static inline DsTrackedReceiver *
ds_receiver_tracker_get_receiver (DsReceiverTracker *self, guint index)
{
  return &g_array_index (self->receivers, DsTrackedReceiver, index);
}

/* How fast a receiver was told to be, by a process before this one. */
typedef struct
{
  guint stream_id;
  DsPidState state;
  double rate; /* 0: it was told nothing */
} DsRecoveredRate;

/* ---- ds-receiver-tracker.c ---- */

/* To the listeners, and into its info.  @is_down: see DsReceiverEvents. */
void ds_tracked_receiver_tell_of_error (gpointer receiver,
                                        const GError *error,
                                        gboolean is_down);

/* ---- ds-receiver-tokens.c ---- */

/* What was to be stored with the token was not. */
void ds_tracked_receiver_drop_token (gpointer receiver, guint64 token);
/* Everything that was stored with the token or before has been added. */
void ds_tracked_receiver_note_token (gpointer receiver, guint64 token);
/* How many tokens each receiver has noted so far.  (transfer full) */
guint64 *ds_receiver_tracker_count_tokens (DsReceiverTracker *self);
/* What the first @n_noted tokens stand for was there before blocks were allocated to
 * @time, so it is in that batch or an earlier one, unless it arrived after it. */
void ds_tracked_receiver_allocate_tokens (DsTrackedReceiver *self,
                                          guint64 n_noted,
                                          DsTime time);
/* The log is durable up to @sequence: receivers of durable streams hear of it. */
void ds_receiver_tracker_note_durable (DsReceiverTracker *self, guint64 sequence);
/* It has failed: they hear of nothing any more. */
void ds_receiver_tracker_lose_tokens (DsReceiverTracker *self, const GError *error);

/* ---- ds-receiver-recovery.c ---- */

/* At start: its controller goes on where that of a process before has ended. */
void ds_tracked_receiver_recover_rate (DsTrackedReceiver *self);

/* ---- ds-receiver-log.c ---- */

/* At start: FALSE when the stream needs a log, and there is none. */
gboolean ds_tracked_receiver_check_durability (DsTrackedReceiver *self, GError **error);
/* At start, when all streams are known: says what is lost of which. */
void ds_receiver_tracker_tell_durability (DsReceiverTracker *self);
/* Until @deadline all that was stored becomes durable; nothing is stored any more, and
 * the log is no longer in use when this returns: see ds_write_ahead_log_give_up_at (). */
void ds_receiver_tracker_release_log (DsReceiverTracker *self, gint64 deadline);
/* Thread: receiver.  Takes over @block: into the log first, if the stream is a durable
 * one.  FALSE with @error: it could not be written, and belongs to no batch. */
gboolean ds_tracked_receiver_add_block (DsTrackedReceiver *self,
                                        DsBlock *block,
                                        gsize n_records,
                                        gsize n_bytes,
                                        DsTime arrival_time,
                                        GError **error);

G_END_DECLS
