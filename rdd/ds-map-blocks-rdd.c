/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* map_blocks: a function of another language sees pieces of a partition as blocks. */

#include "rdd/ds-narrow-private.h"
#include "rdd/ds-partition-private.h"

static gboolean
ds_map_blocks_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsFunctionSink *self = (DsFunctionSink *) sink;
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) block = NULL;
  DsTaskFrame frame = ds_task_enter (sink->task, sink->operator_name, NULL, NULL);
  gboolean wants_more;

  ds_block_builder_add_columns (builder, chunk->values,
                                chunk->form == DS_FORM_PAIRS ? chunk->pair_values : NULL,
                                chunk->n_values);
  block = ds_block_builder_end (builder);
  wants_more = ds_sink_push_result_of_block_func (sink->next, (DsBlockFunc) self->func,
                                                  self->user_data, block);
  ds_task_leave (sink->task, &frame);
  return wants_more;
}

static DsSink *
ds_map_blocks_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  return &ds_function_sink_new (rdd, task, next, DS_ACCEPTS_VALUES | DS_ACCEPTS_PAIRS,
                                ds_map_blocks_sink_push)
              ->sink;
}

static const DsRddOps ds_map_blocks_rdd_ops = {
  .make_sink = ds_map_blocks_rdd_make_sink,
  .set_preserves_partitioning = ds_narrow_rdd_set_preserves_partitioning
};

DS_DEFINE_NARROW_RDD (DsMapBlocksRdd, ds_map_blocks_rdd, &ds_map_blocks_rdd_ops)

/**
 * ds_rdd_map_blocks:
 * @self: an RDD
 * @func: (scope notified) (closure user_data) (destroy destroy): called with pieces of a
 *   partition, in order, none empty; returns the results of each as a block
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data with the RDD
 *
 * The twin of map, flat_map and filter for other languages.  How values are cut into
 * pieces is not defined.
 *
 * Option: ds_rdd_set_preserves_partitioning ().
 *
 * Returns: (transfer full): the RDD of results
 */
DsRdd *
ds_rdd_map_blocks (DsRdd *self,
                   DsBlockFunc func,
                   gpointer user_data,
                   GDestroyNotify destroy)
{
  g_return_val_if_fail (DS_IS_RDD (self) && func != NULL, NULL);

  return ds_narrow_rdd_new (ds_map_blocks_rdd_get_type (), self, "map_blocks", FALSE,
                            G_CALLBACK (func), user_data, destroy);
}
