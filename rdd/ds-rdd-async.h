/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The GIO pairs of all actions: the same arguments, a destroy where there is a function,
 * then cancellable, callback, data.  The callback runs in the caller's main context. */

#include "rdd/ds-rdd.h"

G_BEGIN_DECLS

DS_AVAILABLE_IN_ALL
void ds_rdd_collect_async (DsRdd *self,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer data);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_collect_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_collect_as_map_async (DsRdd *self,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer data);
DS_AVAILABLE_IN_ALL
GHashTable *
ds_rdd_collect_as_map_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_first_async (DsRdd *self,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer data);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_first_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_take_async (DsRdd *self,
                        gsize n,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer data);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_take_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_top_async (DsRdd *self,
                       gsize n,
                       DsMapFunc func,
                       gpointer user_data,
                       GDestroyNotify destroy,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer data);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_top_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_take_ordered_async (DsRdd *self,
                                gsize n,
                                DsMapFunc func,
                                gpointer user_data,
                                GDestroyNotify destroy,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer data);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_take_ordered_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_take_sample_async (DsRdd *self,
                               gboolean with_replacement,
                               gsize n,
                               guint64 seed,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer data);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_take_sample_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_lookup_async (DsRdd *self,
                          DsValue key,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer data);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_lookup_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_count_by_key_async (DsRdd *self,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer data);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_count_by_key_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_count_by_value_async (DsRdd *self,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer data);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_count_by_value_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_reduce_async (DsRdd *self,
                          DsReduceFunc func,
                          gpointer user_data,
                          GDestroyNotify destroy,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer data);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_reduce_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_fold_async (DsRdd *self,
                        DsValue zero,
                        DsReduceFunc func,
                        gpointer user_data,
                        GDestroyNotify destroy,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer data);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_fold_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_aggregate_async (DsRdd *self,
                             DsValue zero,
                             DsReduceFunc merge_value,
                             DsReduceFunc merge_combiners,
                             gpointer user_data,
                             GDestroyNotify destroy,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer data);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_aggregate_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_tree_aggregate_async (DsRdd *self,
                                  DsValue zero,
                                  DsReduceFunc merge_value,
                                  DsReduceFunc merge_combiners,
                                  guint depth,
                                  gpointer user_data,
                                  GDestroyNotify destroy,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer data);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_tree_aggregate_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_min_async (DsRdd *self,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer data);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_min_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_max_async (DsRdd *self,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer data);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_max_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_sum_async (DsRdd *self,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer data);
DS_AVAILABLE_IN_ALL
DsBlock *ds_rdd_sum_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_count_async (DsRdd *self,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer data);
DS_AVAILABLE_IN_ALL
gint64 ds_rdd_count_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_is_empty_async (DsRdd *self,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer data);
DS_AVAILABLE_IN_ALL
gboolean ds_rdd_is_empty_finish (DsRdd *self,
                                 GAsyncResult *result,
                                 gboolean *is_empty,
                                 GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_stats_async (DsRdd *self,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer data);
DS_AVAILABLE_IN_ALL
gboolean
ds_rdd_stats_finish (DsRdd *self, GAsyncResult *result, DsStats *stats, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_histogram_async (DsRdd *self,
                             const double *edges,
                             gsize n_edges,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer data);
DS_AVAILABLE_IN_ALL
gboolean ds_rdd_histogram_finish (DsRdd *self,
                                  GAsyncResult *result,
                                  gint64 *counts,
                                  GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_foreach_async (DsRdd *self,
                           DsForeachFunc func,
                           gpointer user_data,
                           GDestroyNotify destroy,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer data);
DS_AVAILABLE_IN_ALL
gboolean ds_rdd_foreach_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_foreach_partition_async (DsRdd *self,
                                     DsForeachPartitionFunc func,
                                     gpointer user_data,
                                     GDestroyNotify destroy,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer data);
DS_AVAILABLE_IN_ALL
gboolean
ds_rdd_foreach_partition_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_foreach_partition_block_async (DsRdd *self,
                                           DsForeachBlockFunc func,
                                           gpointer user_data,
                                           GDestroyNotify destroy,
                                           GCancellable *cancellable,
                                           GAsyncReadyCallback callback,
                                           gpointer data);
DS_AVAILABLE_IN_ALL
gboolean
ds_rdd_foreach_partition_block_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_save_as_text_file_async (DsRdd *self,
                                     const char *path,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer data);
DS_AVAILABLE_IN_ALL
gboolean
ds_rdd_save_as_text_file_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_save_as_binary_file_async (DsRdd *self,
                                       const char *path,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer data);
DS_AVAILABLE_IN_ALL
gboolean
ds_rdd_save_as_binary_file_finish (DsRdd *self, GAsyncResult *result, GError **error);
DS_AVAILABLE_IN_ALL
void ds_rdd_save_as_msgpack_file_async (DsRdd *self,
                                        const char *path,
                                        GCancellable *cancellable,
                                        GAsyncReadyCallback callback,
                                        gpointer data);
DS_AVAILABLE_IN_ALL
gboolean
ds_rdd_save_as_msgpack_file_finish (DsRdd *self, GAsyncResult *result, GError **error);

G_END_DECLS
