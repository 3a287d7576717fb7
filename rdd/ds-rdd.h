/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include "rdd/ds-context.h"
#include "rdd/ds-partitioner.h"

G_BEGIN_DECLS

/**
 * DsRdd:
 *
 * An immutable partitioned dataset: how to compute it, not its values.  GObject,
 * any thread.
 *
 * Operators return a new RDD (transfer full), never NULL, and take no GError: an RDD
 * built wrongly carries its error to the action.  Parents are kept by their children:
 * unref them at will. Actions run a job and wait; they end with GError.  In the driver
 * only: an action inside a function that has a DsTask fails that task with
 * %DS_ERROR_INVALID_STATE.
 *
 * A function triple (func, user_data, destroy) belongs to the RDD; all functions of one
 * operator share one user_data.  Actions borrow their function for the call and have no
 * destroy.
 */
#define DS_TYPE_RDD (ds_rdd_get_type ())
struct _DsRddClass
{
  GObjectClass parent_class;
  /*< private >*/
  gconstpointer ops; /* DsRddOps, rdd/ds-rdd-private.h */
  gpointer padding[15];
};
DS_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (DsRdd, ds_rdd, DS, RDD, GObject)

/**
 * DsOrder:
 * @DS_ASCENDING: the smallest first
 * @DS_DESCENDING: the largest first
 *
 * The direction of sorting.
 */
typedef enum
{
  DS_ASCENDING,
  DS_DESCENDING
} DsOrder;

/**
 * DsStorageLevel:
 * @DS_STORAGE_NONE: nowhere; they are computed whenever they are wanted
 * @DS_STORAGE_MEMORY: in memory; what has no room there is computed again
 * @DS_STORAGE_MEMORY_AND_DISK: in memory; what has no room there, in a file
 * @DS_STORAGE_DISK: in a file
 *
 * Where the values of an RDD are kept between jobs.
 */
typedef enum
{
  DS_STORAGE_NONE,
  DS_STORAGE_MEMORY,
  DS_STORAGE_MEMORY_AND_DISK,
  DS_STORAGE_DISK
} DsStorageLevel;

/* ---- Options: properties of what an operator returned, to be set before it is first
 * used ---- */

DS_AVAILABLE_IN_ALL
void ds_rdd_set_name (DsRdd *self, const char *name);
/* Of a shuffling operator or a file source (there: at least); 0: the default parallelism.
 */
DS_AVAILABLE_IN_ALL
void ds_rdd_set_n_partitions (DsRdd *self, guint n_partitions);
DS_AVAILABLE_IN_ALL
void ds_rdd_set_partitioner (DsRdd *self, DsPartitioner *partitioner);
/* Of map_partitions and map_chunks: TRUE promises that keys stay as they are. */
DS_AVAILABLE_IN_ALL
void ds_rdd_set_preserves_partitioning (DsRdd *self, gboolean preserves);
/* These at any time. */
DS_AVAILABLE_IN_ALL
void ds_rdd_persist (DsRdd *self, DsStorageLevel level);
DS_AVAILABLE_IN_ALL
void ds_rdd_cache (DsRdd *self); /* persist in memory */
DS_AVAILABLE_IN_ALL
void ds_rdd_unpersist (DsRdd *self);

DS_AVAILABLE_IN_ALL
DsContext *ds_rdd_get_context (DsRdd *self); /* (transfer none) */
DS_AVAILABLE_IN_ALL
const char *ds_rdd_get_name (DsRdd *self);
DS_AVAILABLE_IN_ALL
guint64 ds_rdd_get_id (DsRdd *self);
DS_AVAILABLE_IN_ALL
guint ds_rdd_get_n_partitions (DsRdd *self);
DS_AVAILABLE_IN_ALL
DsStorageLevel ds_rdd_get_storage_level (DsRdd *self);
DS_AVAILABLE_IN_ALL
const GError *ds_rdd_get_error (DsRdd *self); /* (nullable) the latched error */
DS_AVAILABLE_IN_ALL
char *ds_rdd_to_debug_string (DsRdd *self);
/* ---- Element by element (narrow) ---- */

DS_AVAILABLE_IN_ALL
DsRdd *
ds_rdd_map (DsRdd *self, DsMapFunc func, gpointer user_data, GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_flat_map (DsRdd *self,
                        DsFlatMapFunc func,
                        gpointer user_data,
                        GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_filter (DsRdd *self,
                      DsFilterFunc func,
                      gpointer user_data,
                      GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_map_chunks (DsRdd *self,
                          DsMapChunkFunc func,
                          gpointer user_data,
                          GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_map_partitions (DsRdd *self,
                              DsMapPartitionFunc func,
                              gpointer user_data,
                              GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_glom (DsRdd *self); /* one list a partition */
DS_AVAILABLE_IN_ALL
DsRdd *
ds_rdd_key_by (DsRdd *self, DsMapFunc func, gpointer user_data, GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsRdd *
ds_rdd_sample (DsRdd *self, gboolean with_replacement, double fraction, guint64 seed);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_zip_with_index (DsRdd *self); /* (value, index) */
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_zip_with_unique_id (DsRdd *self);

/* Line in, line out; exit status checked. */
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_pipe (DsRdd *self, const char *const *argv);

/* ---- Several RDDs, other partitions ---- */

DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_union (DsRdd *self, DsRdd *other);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_cartesian (DsRdd *self, DsRdd *other);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_zip (DsRdd *self, DsRdd *other);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_intersection (DsRdd *self, DsRdd *other);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_subtract (DsRdd *self, DsRdd *other);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_distinct (DsRdd *self);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_coalesce (DsRdd *self, guint n_partitions); /* only fewer, no shuffle */
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_repartition (DsRdd *self, guint n_partitions);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_sort (DsRdd *self, DsOrder order); /* by the value itself */
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_sort_by (DsRdd *self,
                       DsOrder order,
                       DsMapFunc func,
                       gpointer user_data,
                       GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_group_by (DsRdd *self,
                        DsMapFunc func,
                        gpointer user_data,
                        GDestroyNotify destroy); /* (key, list) */

/* ---- Pairs ---- */

DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_keys (DsRdd *self);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_values (DsRdd *self);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_map_values (DsRdd *self,
                          DsMapFunc func,
                          gpointer user_data,
                          GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_flat_map_values (DsRdd *self,
                               DsFlatMapFunc func,
                               gpointer user_data,
                               GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_partition_by (DsRdd *self, DsPartitioner *partitioner);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_sort_by_key (DsRdd *self, DsOrder order);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_group_by_key (DsRdd *self); /* (key, list) */
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_reduce_by_key (DsRdd *self,
                             DsReduceFunc func,
                             gpointer user_data,
                             GDestroyNotify destroy);
/* @zero is copied. */
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_fold_by_key (DsRdd *self,
                           DsValue zero,
                           DsReduceFunc func,
                           gpointer user_data,
                           GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_aggregate_by_key (DsRdd *self,
                                DsValue zero,
                                DsReduceFunc merge_value,
                                DsReduceFunc merge_combiners,
                                gpointer user_data,
                                GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_combine_by_key (DsRdd *self,
                              DsMapFunc create,
                              DsReduceFunc merge_value,
                              DsReduceFunc merge_combiners,
                              gpointer user_data,
                              GDestroyNotify destroy);

DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_cogroup (DsRdd *self, DsRdd *other); /* (key, (list, list)) */
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_cogroup_many (DsRdd *self, DsRdd **others, gsize n_others);
/* (key, (a, b)); a missing side of the outer ones is null */
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_join (DsRdd *self, DsRdd *other);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_left_outer_join (DsRdd *self, DsRdd *other);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_right_outer_join (DsRdd *self, DsRdd *other);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_full_outer_join (DsRdd *self, DsRdd *other);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_subtract_by_key (DsRdd *self, DsRdd *other);

/* ---- Twins for other languages: DsBlockFunc, (scope notified) (closure) (destroy) ----
 */

/* Pieces of a partition in order, none empty: for what map, flat_map and filter do. */
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_map_blocks (DsRdd *self,
                          DsBlockFunc func,
                          gpointer user_data,
                          GDestroyNotify destroy);
/* The whole partition in one block, also an empty one. */
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_map_partition_blocks (DsRdd *self,
                                    DsBlockFunc func,
                                    gpointer user_data,
                                    GDestroyNotify destroy);
/* Gets pairs in which a key may occur often, returns pairs in which it occurs once. */
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_reduce_by_key_blocks (DsRdd *self,
                                    DsBlockFunc func,
                                    gpointer user_data,
                                    GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsRdd *ds_rdd_reduce_by_key_op (DsRdd *self, DsReduction reduction); /* at full speed */

/* ---- Actions ----
 * Values come back in a block (transfer full), NULL with error; numbers in their own
 * type. Honour g_cancellable_get_current (). */

DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_collect (DsRdd *self, GError **error);
DS_AVAILABLE_IN_ALL
gint64 ds_rdd_count (DsRdd *self, GError **error); /* -1 with error */
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_first (DsRdd *self, GError **error); /* a block of one; %DS_ERROR_EMPTY */
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_take (DsRdd *self, gsize n, GError **error);
/* DsValue * to DsValue *; the last one of a key wins. */
DS_AVAILABLE_IN_ALL
GHashTable *ds_rdd_collect_as_map (DsRdd *self, GError **error);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_take_sample (DsRdd *self,
                             gboolean with_replacement,
                             gsize n,
                             guint64 seed,
                             GError **error);
/* By @func's result, NULL: by the value; top the largest, take_ordered the smallest
 * first.
 */
DS_AVAILABLE_IN_ALL
DsBlock *
ds_rdd_top (DsRdd *self, gsize n, DsMapFunc func, gpointer user_data, GError **error);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_take_ordered (DsRdd *self,
                              gsize n,
                              DsMapFunc func,
                              gpointer user_data,
                              GError **error);
/* Blocks of one value; reduce, min and max of nothing are %DS_ERROR_EMPTY. */
DS_AVAILABLE_IN_ALL
DsBlock *
ds_rdd_reduce (DsRdd *self, DsReduceFunc func, gpointer user_data, GError **error);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_fold (DsRdd *self,
                      DsValue zero,
                      DsReduceFunc func,
                      gpointer user_data,
                      GError **error);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_aggregate (DsRdd *self,
                           DsValue zero,
                           DsReduceFunc merge_value,
                           DsReduceFunc merge_combiners,
                           gpointer user_data,
                           GError **error);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_tree_aggregate (DsRdd *self,
                                DsValue zero,
                                DsReduceFunc merge_value,
                                DsReduceFunc merge_combiners,
                                guint depth,
                                gpointer user_data,
                                GError **error);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_min (DsRdd *self, GError **error);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_max (DsRdd *self, GError **error);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_sum (DsRdd *self, GError **error); /* int 0 of nothing */
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_count_by_key (DsRdd *self, GError **error); /* pairs (key, n) */
DS_AVAILABLE_IN_ALL
DsBlock *
ds_rdd_lookup (DsRdd *self, DsValue key, GError **error); /* the values of @key */
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_count_by_value (DsRdd *self, GError **error);
DS_AVAILABLE_IN_ALL
gboolean ds_rdd_is_empty (DsRdd *self, gboolean *is_empty, GError **error); /* (out) */

/**
 * DsStats:
 * @count: how many numbers
 * @mean: their mean
 * @variance: their variance, as a whole population
 * @min: the least
 * @max: the largest
 *
 * What ds_rdd_stats () finds out.  All but the count are NaN when it is 0.
 */
typedef struct
{
  gint64 count;
  double mean;
  double variance;
  double min;
  double max;
} DsStats;
DS_AVAILABLE_IN_ALL
gboolean ds_rdd_stats (DsRdd *self, DsStats *stats, GError **error);
/* @edges ascending, n of them; counts of n - 1 ranges, the last one closed. */
DS_AVAILABLE_IN_ALL
gboolean ds_rdd_histogram (DsRdd *self,
                           const double *edges,
                           gsize n_edges,
                           gint64 *counts,
                           GError **error);

DS_AVAILABLE_IN_ALL
gboolean
ds_rdd_foreach (DsRdd *self, DsForeachFunc func, gpointer user_data, GError **error);
DS_AVAILABLE_IN_ALL
gboolean ds_rdd_foreach_partition (DsRdd *self,
                                   DsForeachPartitionFunc func,
                                   gpointer user_data,
                                   GError **error);
/* The twin: each partition as one block.  (scope call) */
DS_AVAILABLE_IN_ALL
gboolean ds_rdd_foreach_partition_block (DsRdd *self,
                                         DsForeachBlockFunc func,
                                         gpointer user_data,
                                         GError **error);

/* A directory of part-00000 ... and _SUCCESS, written aside and renamed; an existing one
 * is an error. */
DS_AVAILABLE_IN_ALL
gboolean ds_rdd_save_as_text_file (DsRdd *self, const char *path, GError **error);
DS_AVAILABLE_IN_ALL
gboolean ds_rdd_save_as_binary_file (DsRdd *self, const char *path, GError **error);
DS_AVAILABLE_IN_ALL
gboolean ds_rdd_save_as_msgpack_file (DsRdd *self, const char *path, GError **error);

/**
 * DsRddIterator:
 *
 * An RDD brought to the caller one partition at a time.  One thread.
 */
typedef struct _DsRddIterator DsRddIterator;
#define DS_TYPE_RDD_ITERATOR (ds_rdd_iterator_get_type ())
DS_AVAILABLE_IN_ALL
GType ds_rdd_iterator_get_type (void);
DS_AVAILABLE_IN_ALL
DsRddIterator *ds_rdd_to_local_iterator (DsRdd *self);
/* NULL at the end and with error. */
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_iterator_next_partition (DsRddIterator *self, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_iterator_free (DsRddIterator *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsRddIterator, ds_rdd_iterator_free)

/* Every action above also has a GIO pair: rdd/ds-rdd-async.h. */

G_END_DECLS
