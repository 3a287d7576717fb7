/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include "rdd/ds-rdd.h"

G_BEGIN_DECLS

typedef struct _DsStreamingContext DsStreamingContext;

/* DsDStream: a stream, as one RDD a batch.  DsOutput: something done with each of them.
 * Both are owned by their streaming context (transfer none) and belong to the thread that
 * builds the graph.  Building never returns NULL and takes no GError: the first mistake
 * is latched in the context, and start () fails with it.
 *
 * Argument order everywhere: stream, plain arguments (window before slide), function
 * triple. */
#define DS_TYPE_DSTREAM (ds_dstream_get_type ())
DS_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (DsDStream, ds_dstream, DS, DSTREAM, GObject)
struct _DsDStreamClass
{
  GObjectClass parent_class;
  /*< private >*/
  gconstpointer ops; /* DsDStreamOps, dstream/ds-dstream-private.h */
  gpointer padding[15];
};

#define DS_TYPE_OUTPUT (ds_output_get_type ())
DS_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (DsOutput, ds_output, DS, OUTPUT, GObject)

/* A source without receiver: derive it, hand an instance to
 * ds_streaming_context_input_stream (). */
#define DS_TYPE_INPUT_DSTREAM (ds_input_dstream_get_type ())
DS_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (DsInputDStream, ds_input_dstream, DS, INPUT_DSTREAM, DsDStream)
struct _DsInputDStreamClass
{
  DsDStreamClass parent_class;
  gboolean (*start) (DsInputDStream *self, GError **error);
  void (*stop) (DsInputDStream *self);
  /* Thread: driver.  (transfer full) (nullable): NULL without error is "no RDD for this
   * batch". */
  DsRdd *(*compute) (DsInputDStream *self, DsTime batch_time, GError **error);
  gpointer padding[12];
};

/* ---- A batch, as far as it has come; boxed, immutable ---- */

typedef struct _DsBatch DsBatch;
#define DS_TYPE_BATCH (ds_batch_get_type ())
DS_AVAILABLE_IN_ALL
GType ds_batch_get_type (void);
DS_AVAILABLE_IN_ALL
DsBatch *ds_batch_ref (DsBatch *self);
DS_AVAILABLE_IN_ALL
void ds_batch_unref (DsBatch *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsBatch, ds_batch_unref)

DS_AVAILABLE_IN_ALL
DsTime ds_batch_get_time (DsBatch *self);
DS_AVAILABLE_IN_ALL
DsDuration ds_batch_get_interval (DsBatch *self);
/* TRUE when outputs of this batch may have run before: after a recovery, or as a retry.
 */
DS_AVAILABLE_IN_ALL
gboolean ds_batch_is_replay (DsBatch *self);
DS_AVAILABLE_IN_ALL
gint64 ds_batch_get_n_records (DsBatch *self);
/* Not known yet: %DS_TIME_NONE. */
DS_AVAILABLE_IN_ALL
DsTime ds_batch_get_submission_time (DsBatch *self);
DS_AVAILABLE_IN_ALL
DsTime ds_batch_get_processing_start (DsBatch *self);
DS_AVAILABLE_IN_ALL
DsTime ds_batch_get_processing_end (DsBatch *self);
DS_AVAILABLE_IN_ALL
DsDuration ds_batch_get_scheduling_delay (DsBatch *self);
DS_AVAILABLE_IN_ALL
DsDuration ds_batch_get_processing_delay (DsBatch *self);
DS_AVAILABLE_IN_ALL
DsDuration ds_batch_get_total_delay (DsBatch *self);

/* ---- Functions that see RDDs: in the driver, with GError; no DsTask.  Introspectable as
 * they are. ---- */

/* Once a batch when it is generated: (transfer full); NULL is a failure.  Return rdd's
 * own reference with g_object_ref (), nothing at all with ds_context_empty (). */
typedef DsRdd *(*DsTransformFunc) (DsRdd *rdd,
                                   DsBatch *batch,
                                   gpointer user_data,
                                   GError **error);
typedef DsRdd *(*DsTransformWithFunc) (DsRdd *rdd,
                                       DsRdd *other,
                                       DsBatch *batch,
                                       gpointer user_data,
                                       GError **error);
typedef DsRdd *(*DsTransformManyFunc) (DsRdd **rdds,
                                       gsize n_rdds,
                                       DsBatch *batch,
                                       gpointer user_data,
                                       GError **error);
/* Once a batch when its outputs run, also with an empty RDD.  FALSE is a failure. */
typedef gboolean (*DsForeachRddFunc) (DsRdd *rdd,
                                      DsBatch *batch,
                                      gpointer user_data,
                                      GError **error);

/* ---- Options: properties of what an operator or source returned, to be set before start
 * ---- An option that the stream does not have latches %DS_ERROR_INVALID_ARGUMENT. */

/* [A-Za-z0-9._-]{1,64}, unique in the context.  State and checkpoints are found again by
 * it; without a name, by kind and place in the graph. */
DS_AVAILABLE_IN_ALL
void ds_dstream_set_name (DsDStream *self, const char *name);
DS_AVAILABLE_IN_ALL
const char *ds_dstream_get_name (DsDStream *self);
DS_AVAILABLE_IN_ALL
guint ds_dstream_get_id (DsDStream *self); /* input streams: 0, 1, 2 ... */
DS_AVAILABLE_IN_ALL
DsDuration ds_dstream_get_slide_duration (DsDStream *self);
DS_AVAILABLE_IN_ALL
DsStreamingContext *ds_dstream_get_context (DsDStream *self);

/* Of shuffling operators and of state. */
DS_AVAILABLE_IN_ALL
void ds_dstream_set_n_partitions (DsDStream *self, guint n_partitions);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_partitioner (DsDStream *self, DsPartitioner *partitioner);
/* Of map_partitions, map_chunks, update_state_by_key (there TRUE by default). */
DS_AVAILABLE_IN_ALL
void ds_dstream_set_preserves_partitioning (DsDStream *self, gboolean preserves);

/* ---- Each batch by itself; per-value and per-chunk verbs are (skip) ---- */

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
DsDStream *ds_dstream_count (DsDStream *self); /* one value, also 0 */
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_count_by_value (DsDStream *self); /* (value, n) */
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_reduce (DsDStream *self,
                              DsReduceFunc func,
                              gpointer user_data,
                              GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
DsDStream *ds_dstream_union (DsDStream *self,
                             DsDStream *other); /* n: ds_streaming_context_union () */
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

/* ---- Windows: lengths in µs, multiples of the slide of @self; @slide 0: that slide ----
 * The result at t covers (t - window, t]. */

/* ---- State: needs a checkpoint directory ---- */

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
DsDStream *ds_dstream_reduce_by_key_op (DsDStream *self, DsReduction reduction);

/* ---- Outputs ---- */

DS_AVAILABLE_IN_ALL
DsOutput *
ds_dstream_print (DsDStream *self,
                  guint n); /* at most @n values of each batch to standard output */
DS_AVAILABLE_IN_ALL
DsOutput *ds_dstream_foreach_rdd (DsDStream *self,
                                  DsForeachRddFunc func,
                                  gpointer user_data,
                                  GDestroyNotify destroy);
/* "<prefix>-<batch ms>.<suffix>/part-00000": @suffix (nullable). */
DS_AVAILABLE_IN_ALL
DsOutput *
ds_dstream_save_as_text_files (DsDStream *self, const char *prefix, const char *suffix);
/* Keeps each batch's values in memory until cleared: for tests and small programs. */
DS_AVAILABLE_IN_ALL
DsOutput *ds_dstream_collect (DsDStream *self);

DS_AVAILABLE_IN_ALL
void ds_output_set_name (
    DsOutput *self,
    const char
        *name); /* Of collect: what @batch_time gave.  (transfer none) (nullable): NULL
                 * when it gave no RDD, or not yet; kept until ds_output_clear (). */
DS_AVAILABLE_IN_ALL
DsBlock *ds_output_get_block (DsOutput *self, DsTime batch_time);
DS_AVAILABLE_IN_ALL
void ds_output_clear (DsOutput *self);

/* The RDDs of [from, to], both rounded down to the slide.  (transfer full) (element-type
 * DsRdd) */
DS_AVAILABLE_IN_ALL
GPtrArray *ds_dstream_slice (DsDStream *self, DsTime from, DsTime to, GError **error);

/* ---- Options of sources ---- */

typedef enum
{
  DS_ON_BAD_RECORD_FAIL, /* the batch fails, naming path, offset and length */
  DS_ON_BAD_RECORD_SKIP, /* drop it: an overlong line, the remainder of a file; counted */
  DS_ON_BAD_RECORD_SPLIT, /* lines only: hand on the pieces */
  DS_ON_BAD_RECORD_SKIP_FILE
} DsBadRecordPolicy;

/* Text: lines longer than @max_bytes (16 MiB); binary records: the remainder of a file.
 */
DS_AVAILABLE_IN_ALL
void ds_dstream_set_max_record_bytes (DsDStream *self, gsize max_bytes);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_bad_record_policy (DsDStream *self, DsBadRecordPolicy policy);
/* Queue streams: one item a batch (TRUE), or all that wait; the RDD when nothing waits.
 */
DS_AVAILABLE_IN_ALL
void ds_dstream_set_one_at_a_time (DsDStream *self, gboolean one_at_a_time);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_default_rdd (DsDStream *self, DsRdd *rdd);
/* Appends to a queue stream; any thread, before and after start. */
DS_AVAILABLE_IN_ALL
void ds_dstream_push_block (DsDStream *self,
                            DsBlock *block); /* cut into the default partitions */
DS_AVAILABLE_IN_ALL
void ds_dstream_push_rdd (DsDStream *self, DsRdd *rdd);

G_END_DECLS
