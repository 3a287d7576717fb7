/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include "base/ds-block.h"
#include "base/ds-time.h"

G_BEGIN_DECLS

/* DsTask: the running piece of work, lent to a user function for the length of one call.
 * It is the one thing such a function may ask.  Never kept, never passed to another
 * thread.
 *
 * Functions with a DsTask run on executor threads, several at once; they report failure
 * with ds_task_fail ().  Functions with a GError run in the driver and see whole RDDs
 * (ds-rdd.h). */
typedef struct _DsTask DsTask;

#define DS_TYPE_TASK (ds_task_get_type ())
DS_AVAILABLE_IN_ALL
GType ds_task_get_type (void);

/* ---- Functions of the program (per value and per chunk are (skip)) ---- */

typedef DsValue (*DsMapFunc) (DsValue value, DsTask *task, gpointer user_data);
typedef void (*DsFlatMapFunc) (DsValue value,
                               DsTask *task,
                               gpointer user_data); /* ds_task_emit () */
typedef gboolean (*DsFilterFunc) (DsValue value, DsTask *task, gpointer user_data);
typedef DsValue (*DsReduceFunc) (DsValue a, DsValue b, DsTask *task, gpointer user_data);
typedef void (*DsForeachFunc) (DsValue value, DsTask *task, gpointer user_data);

/* A chunk: up to 1,024 values of a partition, in order; results by ds_task_emit (). */
typedef void (*DsMapChunkFunc) (const DsValue *values,
                                gsize n_values,
                                DsTask *task,
                                gpointer user_data);

/* A whole partition, once, also when it is empty, read chunk by chunk: it never has to
 * fit in memory. */
typedef struct _DsPartition DsPartition;
typedef void (*DsMapPartitionFunc) (DsPartition *partition,
                                    DsTask *task,
                                    gpointer user_data);
typedef void (*DsForeachPartitionFunc) (DsPartition *partition,
                                        DsTask *task,
                                        gpointer user_data);
/* The next chunk, NULL at the end; lent until the next call. */
DS_AVAILABLE_IN_ALL
const DsValue *ds_partition_next (DsPartition *self, gsize *n_values);

/* 0 <= result < @n_partitions. */
typedef guint (*DsPartitionFunc) (DsValue key,
                                  guint n_partitions,
                                  DsTask *task,
                                  gpointer user_data);

/* Cuts a stream of bytes into values: emits what is whole in @bytes and returns how many
 * bytes that took; the rest comes again with more behind it.  @at_end: nothing more will
 * come. */
typedef gsize (*DsParseFunc) (const guint8 *bytes,
                              gsize n_bytes,
                              gboolean at_end,
                              DsTask *task,
                              gpointer user_data);

/* The introspectable twin of all of these: block in, block out; see each "_blocks" verb
 * for what the blocks are.  Returns: (transfer full): NULL is a failure, with or without
 * @error. */
typedef DsBlock *(*DsBlockFunc) (DsBlock *block,
                                 DsTask *task,
                                 gpointer user_data,
                                 GError **error);
typedef gboolean (*DsForeachBlockFunc) (DsBlock *block,
                                        DsTask *task,
                                        gpointer user_data,
                                        GError **error);

/* ---- Results ---- */

DS_AVAILABLE_IN_ALL
void ds_task_emit (DsTask *task, DsValue value);
/* The cheapest way to make pairs: key and value go into two columns. */
DS_AVAILABLE_IN_ALL
void ds_task_emit_pair (DsTask *task, DsValue key, DsValue value);
/* Many at once; nothing is copied when they are many. */
DS_AVAILABLE_IN_ALL
void ds_task_emit_values (DsTask *task, const DsValue *values, gsize n_values);

/* ---- New values, living as long as the results are needed: nobody frees ---- */

DS_AVAILABLE_IN_ALL
DsValue ds_pair (DsTask *task, DsValue key, DsValue value);
DS_AVAILABLE_IN_ALL
DsValue ds_tuple_from_items (DsTask *task, const DsValue *items, guint n_items);
DS_AVAILABLE_IN_ALL
DsValue ds_list_from_items (DsTask *task, const DsValue *items, guint n_items);
#define ds_tuple(task, ...)                                      \
  ds_tuple_from_items ((task), (const DsValue[]){ __VA_ARGS__ }, \
                       G_N_ELEMENTS (((const DsValue[]){ __VA_ARGS__ })))
#define ds_list(task, ...)                                      \
  ds_list_from_items ((task), (const DsValue[]){ __VA_ARGS__ }, \
                      G_N_ELEMENTS (((const DsValue[]){ __VA_ARGS__ })))
DS_AVAILABLE_IN_ALL
DsValue ds_string_printf (DsTask *task, const char *format, ...) G_GNUC_PRINTF (2, 3);
DS_AVAILABLE_IN_ALL
DsValue ds_string_dup (DsTask *task, const char *string);

DS_AVAILABLE_IN_ALL
gpointer ds_task_alloc (DsTask *task, gsize n_bytes); /* 16-byte aligned, not cleared */
DS_AVAILABLE_IN_ALL
char *ds_task_strdup (DsTask *task, DsValue text); /* with a closing NUL */
DS_AVAILABLE_IN_ALL
char *ds_task_strdup_printf (DsTask *task, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* ---- Failure ---- */

/* The first call counts; the task is given up when the function returns, and retried like
 * any failed task.  Returns null, so that a map function can say: return ds_task_fail
 * (task, "...").  (skip) */
DS_AVAILABLE_IN_ALL
DsValue ds_task_fail (DsTask *task, const char *format, ...) G_GNUC_PRINTF (2, 3);
DS_AVAILABLE_IN_ALL
void ds_task_fail_literal (DsTask *task, const char *message);
DS_AVAILABLE_IN_ALL
void ds_task_take_error (DsTask *task, GError *error); /* (transfer full) */
DS_AVAILABLE_IN_ALL
gboolean ds_task_has_failed (DsTask *task);
/* TRUE once the job is cancelled; long loops look now and then. */
DS_AVAILABLE_IN_ALL
gboolean ds_task_is_cancelled (DsTask *task);

/* ---- Where am I? ---- */

DS_AVAILABLE_IN_ALL
DsTime ds_task_get_batch_time (DsTask *task); /* %DS_TIME_NONE outside of a stream */
DS_AVAILABLE_IN_ALL
guint ds_task_get_partition (DsTask *task);
DS_AVAILABLE_IN_ALL
guint ds_task_get_attempt (DsTask *task); /* 0 for the first */
DS_AVAILABLE_IN_ALL
const char *ds_task_get_operator (DsTask *task);
/* TRUE when this batch's outputs may have run before: after a recovery, or a retry. */
DS_AVAILABLE_IN_ALL
gboolean ds_task_is_replay (DsTask *task);
/* The same for every attempt and replay of this output, batch, action (n-th of the
 * output's function) and partition, and for no other: "application/output/batch
 * ms/action/partition".  NULL outside of an output. Valid during the call. */
DS_AVAILABLE_IN_ALL
const char *ds_task_get_output_key (DsTask *task);

/* A named counter, added up over partitions and batches, once per successful task. */
DS_AVAILABLE_IN_ALL
void ds_task_count (DsTask *task, const char *counter, gint64 n);

G_END_DECLS
