/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How what lasts from batch to batch writes itself down and is read back: states of keys,
 * windows that slide, results that are remembered.  It knows streams of bytes, not files;
 * whoever owns the file gives a writer or a reader.
 *
 * Everything is written in frames: msgpack bytes (bin 32) of about 1 MiB, each holding
 * values back to back.  A reader trusts nothing: a frame is scanned before it is decoded,
 * counts are held against bytes that are there, and damage is %DS_ERROR_CORRUPT.  What
 * was being loaded is then to be thrown away.  What can't be read back, values nested
 * deeper than DS_CODEC_MAX_DEPTH, is refused when it is written, with %DS_ERROR_TOO_DEEP.
 * A load reads as far as what was saved goes, and not a byte further. */

#include "rdd/ds-state-store-private.h"
#include "rdd/ds-window-stepper-private.h"

G_BEGIN_DECLS

typedef struct _DsStateWriter DsStateWriter;
typedef struct _DsStateReader DsStateReader;

/* To be embedded.  @bytes are valid during the call. */
struct _DsStateWriter
{
  gboolean (*append) (DsStateWriter *self,
                      const guint8 *bytes,
                      gsize n_bytes,
                      GError **error);
};

/* To be embedded. */
struct _DsStateReader
{
  /* As many bytes as are there and fit; 0: the end; -1 with error. */
  gssize (*read) (DsStateReader *self, gpointer room, gsize n_room, GError **error);
  /* How many bytes are left at most; room is made in advance for no more than they can
   * hold.  0: not known, tables grow as they are filled. */
  guint64 n_bytes;
};

/* ---- State by key ---- */

/* The states of all keys as of @time, or with @since (else %DS_TIME_NONE) what has
 * changed since then, removed keys included.  Any thread; batches go on meanwhile, and
 * wait for a slice of a table at a time.  Keys are streamed: it takes a few MiB of
 * memory, whatever their number.
 *
 * Both times are to be pinned (ds_state_store_pin ()): @time while it is saved, @since
 * from the save of @since on.  What a pin costs: each change of a key in a batch after it
 * is kept with what it replaced, 40 bytes and the old state if that is longer than 8; a
 * key that changes in ten batches is kept ten times.  When @since is not remembered any
 * more, %DS_ERROR_INVALID_STATE: save in full. */
gboolean ds_state_store_save (DsStateStore *self,
                              DsTime since,
                              DsTime time,
                              DsStateWriter *writer,
                              GError **error);
/* What one call of save wrote, into a store that no step has used: one in full, then
 * changes in the order in which they were saved.  Order of keys, time of each key's last
 * change and their order in time are what they were; where a batch had been completed,
 * initial states count as loaded, and that is what readers from outside see until the
 * next one is.
 *
 * %DS_ERROR_GRAPH_MISMATCH when the store has another number of partitions;
 * %DS_ERROR_CORRUPT also when changes do not follow what is there. */
gboolean ds_state_store_load (DsStateStore *self, DsStateReader *reader, GError **error);

/* ---- Windows that slide ---- */

typedef struct _DsWindowSnapshot DsWindowSnapshot;

/* What @self is now, after the last step that was committed or rolled back.  @is_full:
 * everything; else the batches that came since the last one that became a base, if it can
 * go on from there.  Its plan says that it can be captured.  Thread: driver; no step may
 * be running.  It costs as much as there are partitions and batches in the window, with
 * queues also zeroed memory of 8 bytes a key; no key is looked at.  Until it is saved,
 * batches of it that leave the window stay, and a queue that a step changes is copied
 * first.  One at a time.  (transfer full) */
DsWindowSnapshot *ds_window_stepper_capture (DsWindowStepper *self, gboolean is_full);
gboolean ds_window_snapshot_is_full (const DsWindowSnapshot *self);
/* Once.  Any thread; steps go on meanwhile, and wait for a few hundred queues at a time.
 * What was kept for it is given back when it returns. */
gboolean
ds_window_snapshot_save (DsWindowSnapshot *self, DsStateWriter *writer, GError **error);
/* @is_base: later ones that are not in full go on from this one.  Any thread. */
void ds_window_snapshot_release (DsWindowSnapshot *self, gboolean is_base);
void ds_window_snapshot_free (DsWindowSnapshot *self); /* it is no base */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsWindowSnapshot, ds_window_snapshot_free)
/* Into a stepper of the same plan that no step has used, in full first, then those that
 * go on from it, each on the one before: their steps are taken again, with the functions
 * of the plan.  The next steps give the same bytes as they would have given, and want
 * batches from ds_window_stepper_get_time () on.  %DS_ERROR_GRAPH_MISMATCH when it has
 * another number of partitions, or an inverse where the other one had none;
 * %DS_ERROR_CORRUPT also when steps do not follow what is there.
 * @context: (nullable): without it steps are refused with %DS_ERROR_INVALID_STATE. */
gboolean ds_window_stepper_load (DsWindowStepper *self,
                                 DsContext *context,
                                 DsStateReader *reader,
                                 GError **error);
/* After all of that: whether all keys are where the partitioner has them. */
gboolean ds_window_stepper_check_partitions (DsWindowStepper *self, GError **error);

/* ---- Results that are remembered ---- */

/* What the batch of @time gave: a block for each partition; ds_step_rdd_ref_blocks () has
 * those of a step, and ds_step_rdd_new_restored () makes them one again.  Any thread. */
gboolean ds_results_save (DsTime time,
                          DsBlock *const *blocks,
                          guint n_blocks,
                          DsStateWriter *writer,
                          GError **error);
/* The same values in as many blocks, ended by NULL; %DS_ERROR_GRAPH_MISMATCH when they
 * are not @n_blocks.  (transfer full): ds_results_free () */
DsBlock **
ds_results_load (guint n_blocks, DsTime *time, DsStateReader *reader, GError **error);
void ds_results_free (DsBlock **blocks); /* ended by NULL */

G_END_DECLS
