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

typedef struct
{
  guint stream_id;
  DsDuration block_interval; /* 200 ms */
  gsize max_block_bytes;     /* a full buffer becomes a block at once */
  DsDuration restart_delay;  /* first pause; doubles up to 30 s, +- 20 % */
  gsize max_record_bytes;
  DsClock *clock;    /* (transfer none) */
  DsArenaPool *pool; /* (nullable) */
  DsMemoryBudget
      *budget; /* bytes of handed-over blocks stay taken: the owner releases them */
} DsReceiverSettings;

/* Thread: any of the receiver's; one at a time per receiver.  None is called after
 * ds_receiver_supervisor_stop () returned. */
typedef struct
{
  /* A block of @n_records, taken over by the callee (transfer full); @n_bytes were taken
   * from the budget.  FALSE with @error: it could not be kept (that fails the store). */
  gboolean (*add_block) (gpointer owner,
                         DsBlock *block,
                         gsize n_records,
                         gsize n_bytes,
                         GError **error);
  void (*started) (gpointer owner, const char *location);
  void (*error) (gpointer owner, const GError *error);
  void (*stopped) (gpointer owner, const GError *error); /* (nullable) error; for good */
} DsReceiverEvents;

DsReceiverSupervisor *ds_receiver_supervisor_new (DsReceiver *receiver,
                                                  const DsReceiverSettings *settings,
                                                  const DsReceiverEvents *events,
                                                  gpointer owner);
/* Returns at once; starting goes on in the receiver's thread. */
gboolean ds_receiver_supervisor_start (DsReceiverSupervisor *self, GError **error);
/* What was stored so far becomes a block now: called at each batch tick, so that a batch
 * holds everything stored before it.  Any thread; does not wait for the receiver. */
void ds_receiver_supervisor_cut (DsReceiverSupervisor *self);
/* Asks the receiver to stop; nothing more is accepted, what was stored is handed over.
 * Returns at once. */
void ds_receiver_supervisor_stop_async (DsReceiverSupervisor *self);
/* Waits for that, until @deadline (steady monotonic µs, g_get_monotonic_time ()); FALSE
 * when it was not over. */
gboolean ds_receiver_supervisor_join (DsReceiverSupervisor *self, gint64 deadline);
gboolean ds_receiver_supervisor_is_active (DsReceiverSupervisor *self);
gint64 ds_receiver_supervisor_get_n_records (DsReceiverSupervisor *self);
gint64 ds_receiver_supervisor_get_n_dropped (
    DsReceiverSupervisor *self); /* overlong, unterminated */
/* After join.  */
void ds_receiver_supervisor_free (DsReceiverSupervisor *self);

G_END_DECLS
