/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsReceivedBlockRecovery: which blocks of the log are still to be processed, and in
 * which batch: as the positions of a checkpoint and the plans after it say.  One thread,
 * before the first batch. */

#include "base/ds-time.h"

G_BEGIN_DECLS

/* The blocks of one batch. */
typedef struct
{
  DsTime batch_time;
  GArray *sequences; /* guint64, ascending */
} DsBlockPlan;

/* How far a stream is with the blocks of the log, as of a batch. */
typedef struct
{
  guint64 end;        /* all before it are in a batch, but for ... */
  GArray *left;       /* ... these: guint64, ascending */
  GArray *remembered; /* DsBlockPlan: batches whose blocks are still needed */
} DsBlockPosition;

void ds_block_position_init (DsBlockPosition *self);
void ds_block_position_clear (DsBlockPosition *self);
/* Its plan of @batch_time, made if need be. */
DsBlockPlan *ds_block_position_get_plan (DsBlockPosition *self, DsTime batch_time);

/* As msgpack.  A plan: the sequence numbers, each but the first as the difference to the
 * one before.  A position: end, list of what is left, list of tuples (time, list). */
void ds_block_plan_encode (const GArray *sequences, GByteArray *bytes);
GArray *ds_block_plan_decode (const guint8 *bytes, gsize n_bytes, GError **error);
void ds_block_position_encode (const DsBlockPosition *self, GByteArray *bytes);
gboolean ds_block_position_decode (DsBlockPosition *self,
                                   const guint8 *bytes,
                                   gsize n_bytes,
                                   GError **error);

typedef struct _DsReceivedBlockRecovery DsReceivedBlockRecovery;

DsReceivedBlockRecovery *ds_received_block_recovery_new (void);
void ds_received_block_recovery_free (DsReceivedBlockRecovery *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsReceivedBlockRecovery, ds_received_block_recovery_free)

/* The position of a stream, before its plans. */
gboolean ds_received_block_recovery_add_position (DsReceivedBlockRecovery *self,
                                                  guint stream_id,
                                                  const guint8 *bytes,
                                                  gsize n_bytes,
                                                  GError **error);
/* The plan of a batch after the position. */
gboolean ds_received_block_recovery_add_plan (DsReceivedBlockRecovery *self,
                                              DsTime batch_time,
                                              const guint8 *bytes,
                                              gsize n_bytes,
                                              GError **error);
/* Where the position of a stream ends; 0: it has none. */
guint64 ds_received_block_recovery_get_end (DsReceivedBlockRecovery *self,
                                            guint stream_id);
/* A batch that was planned, not one that is only remembered. */
gboolean ds_received_block_recovery_is_planned (DsReceivedBlockRecovery *self,
                                                DsTime batch_time);
/* A block that is in the log.  FALSE: its batch is over and forgotten.  @batch_time
 * (out): the batch that it is in; %DS_TIME_NONE: in none yet. */
gboolean ds_received_block_recovery_take (DsReceivedBlockRecovery *self,
                                          guint stream_id,
                                          guint64 sequence,
                                          DsTime *batch_time);
/* FALSE with %DS_ERROR_CORRUPT when a batch needs a block that was not there to take. */
gboolean ds_received_block_recovery_check (DsReceivedBlockRecovery *self, GError **error);

G_END_DECLS
