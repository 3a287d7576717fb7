/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsBlockGenerator: records come in one by one or as text, blocks go out: each block
 * interval, when a buffer is full, and when somebody cuts.  Any thread; refcounted. */

#include "base/ds-block-private.h"
#include "base/ds-memory-budget-private.h"
#include "base/ds-time.h"
#include "receivers/ds-block-timer-private.h"

G_BEGIN_DECLS

typedef enum
{
  DS_BLOCK_GENERATOR_INITIALIZED,
  DS_BLOCK_GENERATOR_ACTIVE,
  DS_BLOCK_GENERATOR_STOPPED_ADDING,     /* what was added is still to be cut */
  DS_BLOCK_GENERATOR_STOPPED_GENERATING, /* and that is being handed over */
  DS_BLOCK_GENERATOR_STOPPED
} DsBlockGeneratorState;

typedef struct _DsBlockGenerator DsBlockGenerator;

/* One at a time, in the order of the blocks.  @block (transfer full); @n_bytes were taken
 * from the budget and are given back when it returns FALSE.  @error NULL: nobody waits
 * for the result. */
typedef gboolean (*DsBlockGeneratorPushFunc) (gpointer owner,
                                              DsBlock *block,
                                              gsize n_records,
                                              gsize n_bytes,
                                              GError **error);
/* What somebody keeps in a buffer of its own and wants to be asked for at each cut.
 * (transfer full) (nullable).  Any thread. */
typedef DsBlock *(*DsBlockGeneratorTakeFunc) (gpointer user_data);

DsBlockGenerator *ds_block_generator_new (DsDuration block_interval,
                                          gsize max_block_bytes,
                                          DsMemoryBudget *budget,
                                          DsBlockGeneratorPushFunc push,
                                          gpointer owner);
DsBlockGenerator *ds_block_generator_ref (DsBlockGenerator *self);
void ds_block_generator_unref (DsBlockGenerator *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsBlockGenerator, ds_block_generator_unref)

/* Called with a lock held that the functions below take. */
void ds_block_generator_set_take_func (DsBlockGenerator *self,
                                       DsBlockGeneratorTakeFunc take,
                                       gpointer user_data);
/* What is added becomes a block at once, and adding fails when that could not be pushed.
 * Before start. */
void ds_block_generator_set_cuts_at_once (DsBlockGenerator *self);
/* @timer must live until the generator is stopped. */
void ds_block_generator_start (DsBlockGenerator *self, DsBlockTimer *timer);
DsBlockGeneratorState ds_block_generator_get_state (DsBlockGenerator *self);

/* FALSE with %DS_ERROR_INVALID_STATE unless it is active.  The value is copied. */
gboolean ds_block_generator_add (DsBlockGenerator *self, DsValue value, GError **error);
/* Many at once; with @pair_values, pairs. */
gboolean ds_block_generator_add_columns (DsBlockGenerator *self,
                                         const DsValue *values,
                                         const DsValue *pair_values,
                                         gsize n_values,
                                         GError **error);
/* What was added before goes first.  Also fails with what push said. */
gboolean
ds_block_generator_add_block (DsBlockGenerator *self, DsBlock *block, GError **error);
/* The buffer of the take function has something: cut at the end of the block interval. */
void ds_block_generator_note_pending (DsBlockGenerator *self);
/* Everything so far becomes a block now. */
void ds_block_generator_cut (DsBlockGenerator *self);
/* Takes nothing more; pushes all that was added; returns when that is done.  A second
 * time is a warning. */
void ds_block_generator_stop (DsBlockGenerator *self);

G_END_DECLS
