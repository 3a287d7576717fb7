/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include "dstream/ds-batch.h"
#include "dstream/ds-output.h"
#include "rdd/ds-rdd.h"
#include "rdd/ds-state.h"

G_BEGIN_DECLS

typedef struct _DsStreamingContext DsStreamingContext;

/**
 * DsDStream:
 *
 * A stream: one RDD a batch, made by the same steps each time.
 *
 * Streams and outputs are owned by their streaming context (transfer none) and belong to
 * the thread that builds the graph.  Building never returns %NULL and takes no #GError:
 * the first mistake is latched in the context, ds_streaming_context_start () fails with
 * it, and what the wrong call returned is inert.
 *
 * Argument order everywhere: stream, plain arguments, then function, user data, destroy.
 * The destroy function runs exactly once, also when the call was wrong.
 */
#define DS_TYPE_DSTREAM (ds_dstream_get_type ())
DS_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (DsDStream, ds_dstream, DS, DSTREAM, GObject)

/**
 * DsDStreamClass:
 *
 * Programs derive #DsInputDStream; the operators themselves are the library's.
 */
struct _DsDStreamClass
{
  GObjectClass parent_class;
  /*< private >*/
  gconstpointer ops; /* DsDStreamOps, dstream/ds-dstream-private.h */
  gpointer padding[15];
};

/* ---- Functions that see RDDs: in the driver, with GError; no DsTask ---- */

/**
 * DsTransformFunc:
 * @rdd: the RDD of the batch
 * @batch: the batch
 * @user_data: (closure): what was given with the function
 * @error: where to say why it failed
 *
 * Makes an RDD of another, once a batch, when the batch is generated.  Must be quick: it
 * runs under the lock of the stream graph.
 *
 * Returns: (transfer full) (nullable): the RDD.  **Return @rdd itself as `g_object_ref
 *   (rdd)`**, nothing at all with ds_context_empty ().  %NULL is a failure, with or
 *   without @error
 */
typedef DsRdd *(*DsTransformFunc) (DsRdd *rdd,
                                   DsBatch *batch,
                                   gpointer user_data,
                                   GError **error);

/**
 * DsTransformWithFunc:
 * @rdd: the RDD of the first stream
 * @other: the RDD of the second
 * @batch: the batch
 * @user_data: (closure): what was given with the function
 * @error: where to say why it failed
 *
 * As #DsTransformFunc, over two streams.
 *
 * Returns: (transfer full) (nullable): the RDD; %NULL is a failure
 */
typedef DsRdd *(*DsTransformWithFunc) (DsRdd *rdd,
                                       DsRdd *other,
                                       DsBatch *batch,
                                       gpointer user_data,
                                       GError **error);

/**
 * DsTransformManyFunc:
 * @rdds: (array length=n_rdds): the RDDs, in the order of the streams
 * @n_rdds: how many
 * @batch: the batch
 * @user_data: (closure): what was given with the function
 * @error: where to say why it failed
 *
 * As #DsTransformFunc, over any number of streams.
 *
 * Returns: (transfer full) (nullable): the RDD; %NULL is a failure
 */
typedef DsRdd *(*DsTransformManyFunc) (DsRdd **rdds,
                                       gsize n_rdds,
                                       DsBatch *batch,
                                       gpointer user_data,
                                       GError **error);

/**
 * DsForeachRddFunc:
 * @rdd: the RDD of the batch; it may be empty
 * @batch: the batch
 * @user_data: (closure): what was given with the function
 * @error: where to say why it failed
 *
 * Does something with an RDD, once a batch, when the outputs of the batch run.  May run
 * actions.
 *
 * Returns: %FALSE is a failure, with or without @error; so is %TRUE with @error
 */
typedef gboolean (*DsForeachRddFunc) (DsRdd *rdd,
                                      DsBatch *batch,
                                      gpointer user_data,
                                      GError **error);

/* ---- Options: properties of what an operator or source returned, before start ---- */

DS_AVAILABLE_IN_ALL
void ds_dstream_set_name (DsDStream *self, const char *name);
DS_AVAILABLE_IN_ALL
const char *ds_dstream_get_name (DsDStream *self);
DS_AVAILABLE_IN_ALL
guint ds_dstream_get_id (DsDStream *self);
DS_AVAILABLE_IN_ALL
DsDuration ds_dstream_get_slide_duration (DsDStream *self);
DS_AVAILABLE_IN_ALL
DsStreamingContext *ds_dstream_get_context (DsDStream *self);

DS_AVAILABLE_IN_ALL
void ds_dstream_persist (DsDStream *self, DsStorageLevel level);
DS_AVAILABLE_IN_ALL
void ds_dstream_cache (DsDStream *self);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_n_partitions (DsDStream *self, guint n_partitions);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_partitioner (DsDStream *self, DsPartitioner *partitioner);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_preserves_partitioning (DsDStream *self, gboolean preserves);

DS_AVAILABLE_IN_ALL
void ds_dstream_set_inverse (DsDStream *self,
                             DsReduceFunc func,
                             gpointer user_data,
                             GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_window_filter (DsDStream *self,
                                   DsFilterFunc func,
                                   gpointer user_data,
                                   GDestroyNotify destroy);
/* How often what the stream keeps goes into checkpoints: a multiple of its slide. */
DS_AVAILABLE_IN_ALL
void ds_dstream_checkpoint (DsDStream *self, DsDuration interval);
/* Of the operators on state: pairs (key, state). */
DS_AVAILABLE_IN_ALL
void ds_dstream_set_initial_state (DsDStream *self, DsRdd *pairs);
/* Of map_with_state: a key untouched for longer gets its last call in the batch in which
 * that falls due. */
DS_AVAILABLE_IN_ALL
void ds_dstream_set_state_timeout (DsDStream *self, DsDuration timeout);

/* ---- Each batch by itself ---- */

DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_map (DsDStream *self,
                           DsMapFunc func,
                           gpointer user_data,
                           GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_flat_map (DsDStream *self,
                                DsFlatMapFunc func,
                                gpointer user_data,
                                GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_filter (DsDStream *self,
                              DsFilterFunc func,
                              gpointer user_data,
                              GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_map_chunks (DsDStream *self,
                                  DsMapChunkFunc func,
                                  gpointer user_data,
                                  GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_map_partitions (DsDStream *self,
                                      DsMapPartitionFunc func,
                                      gpointer user_data,
                                      GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_glom (DsDStream *self);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_repartition (DsDStream *self, guint n_partitions);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_count (DsDStream *self);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_count_by_value (DsDStream *self);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_reduce (DsDStream *self,
                              DsReduceFunc func,
                              gpointer user_data,
                              GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_union (DsDStream *self, DsDStream *other);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_transform (DsDStream *self,
                                 DsTransformFunc func,
                                 gpointer user_data,
                                 GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_transform_with (DsDStream *self,
                                      DsDStream *other,
                                      DsTransformWithFunc func,
                                      gpointer user_data,
                                      GDestroyNotify destroy);

/* ---- Pairs ---- */

DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_key_by (DsDStream *self,
                              DsMapFunc func,
                              gpointer user_data,
                              GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_map_values (DsDStream *self,
                                  DsMapFunc func,
                                  gpointer user_data,
                                  GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_flat_map_values (DsDStream *self,
                                       DsFlatMapFunc func,
                                       gpointer user_data,
                                       GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_group_by_key (DsDStream *self);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_reduce_by_key (DsDStream *self,
                                     DsReduceFunc func,
                                     gpointer user_data,
                                     GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_combine_by_key (DsDStream *self,
                                      DsMapFunc create,
                                      DsReduceFunc merge_value,
                                      DsReduceFunc merge_combiners,
                                      gpointer user_data,
                                      GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_partition_by (DsDStream *self, DsPartitioner *partitioner);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_cogroup (DsDStream *self, DsDStream *other);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_join (DsDStream *self, DsDStream *other);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_left_outer_join (DsDStream *self, DsDStream *other);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_right_outer_join (DsDStream *self, DsDStream *other);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_full_outer_join (DsDStream *self, DsDStream *other);

/* ---- Windows: lengths in µs, multiples of the slide of @self; @slide 0: that slide ----
 * The result at t covers (t - window, t]. */

DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_window (DsDStream *self, DsDuration window, DsDuration slide);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_tumbling_window (DsDStream *self, DsDuration window);
DS_AVAILABLE_IN_ALL
DsDStream *
ds_dstream_count_by_window (DsDStream *self, DsDuration window, DsDuration slide);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_count_by_value_and_window (DsDStream *self,
                                                 DsDuration window,
                                                 DsDuration slide);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_reduce_by_window (DsDStream *self,
                                        DsDuration window,
                                        DsDuration slide,
                                        DsReduceFunc func,
                                        gpointer user_data,
                                        GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *
ds_dstream_group_by_key_and_window (DsDStream *self, DsDuration window, DsDuration slide);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_reduce_by_key_and_window (DsDStream *self,
                                                DsDuration window,
                                                DsDuration slide,
                                                DsReduceFunc func,
                                                gpointer user_data,
                                                GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_combine_by_key_and_window (DsDStream *self,
                                                 DsDuration window,
                                                 DsDuration slide,
                                                 DsMapFunc create,
                                                 DsReduceFunc merge_value,
                                                 DsReduceFunc merge_combiners,
                                                 gpointer user_data,
                                                 GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_window_bounds (DsDStream *self);

/* ---- Twins for other languages: see ds-rdd.h for what the blocks are ---- */

DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_map_blocks (DsDStream *self,
                                  DsBlockFunc func,
                                  gpointer user_data,
                                  GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_map_partition_blocks (DsDStream *self,
                                            DsBlockFunc func,
                                            gpointer user_data,
                                            GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_reduce_by_key_blocks (DsDStream *self,
                                            DsBlockFunc func,
                                            gpointer user_data,
                                            GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_reduce_by_key_op (DsDStream *self, DsReduction reduction);

DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_reduce_by_key_and_window_blocks (DsDStream *self,
                                                       DsDuration window,
                                                       DsDuration slide,
                                                       DsBlockFunc func,
                                                       gpointer user_data,
                                                       GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_reduce_by_key_and_window_op (DsDStream *self,
                                                   DsDuration window,
                                                   DsDuration slide,
                                                   DsReduction reduction);

/* ---- State: needs a checkpoint directory ---- */

DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_update_state_by_key (DsDStream *self,
                                           DsUpdateStateFunc func,
                                           gpointer user_data,
                                           GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_update_state_by_partition (DsDStream *self,
                                                 DsUpdateStatePartitionFunc func,
                                                 gpointer user_data,
                                                 GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_map_with_state (DsDStream *self,
                                      DsMapWithStateFunc func,
                                      gpointer user_data,
                                      GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_state_snapshots (DsDStream *self);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_update_state_by_key_blocks (DsDStream *self,
                                                  DsBlockFunc func,
                                                  gpointer user_data,
                                                  GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_map_with_state_blocks (DsDStream *self,
                                             DsBlockFunc func,
                                             gpointer user_data,
                                             GDestroyNotify destroy);

/* Reads state while the stream runs: that of the last completed batch.  Any thread;
 * blocks of pairs. */
DS_AVAILABLE_IN_ALL
DsBlock *ds_dstream_lookup_state (DsDStream *self, DsBlock *keys, GError **error);
DS_AVAILABLE_IN_ALL
DsBlock *ds_dstream_scan_state (DsDStream *self,
                                const char *prefix,
                                gsize max_pairs,
                                GError **error);
DS_AVAILABLE_IN_ALL
DsBlock *ds_dstream_top_state (DsDStream *self, gsize n, GError **error);

/* ---- Outputs ---- */

DS_AVAILABLE_IN_ALL
DsOutput *ds_dstream_print (DsDStream *self, guint n);
DS_AVAILABLE_IN_ALL
DsOutput *ds_dstream_foreach_rdd (DsDStream *self,
                                  DsForeachRddFunc func,
                                  gpointer user_data,
                                  GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsOutput *
ds_dstream_save_as_text_files (DsDStream *self, const char *prefix, const char *suffix);
DS_AVAILABLE_IN_ALL
DsOutput *
ds_dstream_save_as_binary_files (DsDStream *self, const char *prefix, const char *suffix);
DS_AVAILABLE_IN_ALL
DsOutput *ds_dstream_save_as_msgpack_files (DsDStream *self,
                                            const char *prefix,
                                            const char *suffix);
DS_AVAILABLE_IN_ALL
DsOutput *ds_dstream_collect (DsDStream *self);

/* ---- Looking back ---- */

DS_AVAILABLE_IN_ALL
GPtrArray *ds_dstream_slice (DsDStream *self, DsTime from, DsTime to, GError **error);
DS_AVAILABLE_IN_ALL
char *ds_dstream_explain (DsDStream *self);
DS_AVAILABLE_IN_ALL
GVariant *ds_dstream_explain_as_variant (DsDStream *self);

G_END_DECLS
