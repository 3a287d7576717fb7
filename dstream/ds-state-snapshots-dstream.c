/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* All states of a map_with_state stream after each batch.  The RDDs read the tables when
 * they are asked for; making one costs nothing. */

#include "dstream/ds-input-recovery-private.h"
#include "dstream/ds-state-stepper-private.h"
#include "dstream/ds-streaming-context-private.h"

static DsRdd *
ds_state_snapshots_dstream_compute (DsDStream *self, DsBatch *batch, GError **error)
{
  DsDStream *mapped = ds_dstream_get_node (self)->parents[0];
  DsRdd *step = ds_dstream_get_parent_rdd (self, batch, error);
  DsStateStore *store;

  if (step == NULL)
    return NULL;
  store = ds_state_mapped_dstream_get_stepper (mapped)->store;
  return ds_state_rdd_new (step, "state_snapshots", store,
                           ds_state_store_get_partitioner (store));
}

/* It keeps nothing itself, but nobody can look at earlier states again. */
static gpointer
ds_state_snapshots_dstream_capture (DsDStream *self,
                                    DsTime time,
                                    DsTime since,
                                    gboolean *is_full)
{
  return NULL;
}

static guint
ds_state_snapshots_dstream_count_partitions (DsDStream *self)
{
  DsStateStepper *stepper =
      ds_state_mapped_dstream_get_stepper (ds_dstream_get_node (self)->parents[0]);

  return stepper != NULL ? ds_state_stepper_count_partitions (stepper) : 0;
}

static DsRdd *
ds_state_snapshots_dstream_make_result (DsDStream *self, DsTime time, DsBlock **blocks)
{
  DsStateStepper *stepper =
      ds_state_mapped_dstream_get_stepper (ds_dstream_get_node (self)->parents[0]);

  return ds_state_stepper_make_result (stepper, self, time,
                                       ds_state_store_get_partitioner (stepper->store),
                                       blocks);
}

static const DsStateKeeping ds_state_snapshots_dstream_keeping = {
  .capture = ds_state_snapshots_dstream_capture,
  .count_partitions = ds_state_snapshots_dstream_count_partitions,
  .make_result = ds_state_snapshots_dstream_make_result,
};

static const DsDStreamOps ds_state_snapshots_dstream_ops = {
  .kind = "state_snapshots",
  .compute = ds_state_snapshots_dstream_compute,
  .keeping = &ds_state_snapshots_dstream_keeping,
};

DS_DEFINE_DSTREAM (DsStateSnapshotsDStream,
                   ds_state_snapshots_dstream,
                   &ds_state_snapshots_dstream_ops)

/**
 * ds_dstream_state_snapshots:
 * @self: a stream made by ds_dstream_map_with_state ()
 *
 * All pairs (key, state) after each batch, in the order in which the keys came.
 *
 * An RDD of it costs nothing until it is read; reading it goes over all keys.  Who holds
 * one makes the engine keep what later batches replace.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for any other stream.
 *
 * Returns: (transfer none): the stream of pairs, owned by the context
 */
DsDStream *
ds_dstream_state_snapshots (DsDStream *self)
{
  DsDStreamNode *node;
  DsDStream *snapshots;

  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  node = ds_dstream_get_node (self);
  if (node->context != NULL && !node->is_inert && !ds_dstream_is_state_mapped (self))
    {
      ds_streaming_context_latch (node->context, DS_ERROR_INVALID_ARGUMENT,
                                  "state_snapshots: the stream %s has none; only what "
                                  "map_with_state made has",
                                  ds_dstream_describe (self));
      return ds_dstream_new_inert (node->context);
    }
  snapshots =
      ds_dstream_derive (self, ds_state_snapshots_dstream_get_type (), NULL, NULL, NULL);
  /* Not for one that comes too late: @self may be at work. */
  if (snapshots != NULL && !ds_dstream_get_node (snapshots)->is_inert)
    ds_state_mapped_dstream_need_snapshots (self);
  return snapshots;
}
