/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include "base/ds-block.h"
#include "base/ds-time.h"

G_BEGIN_DECLS

/**
 * DsTask:
 *
 * The running piece of work, lent to a user function for the length of one call.
 * It is the one thing such a function may ask.  Never kept, never passed to another
 * thread.
 *
 * Functions with a DsTask run on executor threads, several at once; they report failure
 * with ds_task_fail ().  Functions with a GError run in the driver and see whole RDDs
 * (ds-rdd.h).
 */
typedef struct _DsTask DsTask;

#define DS_TYPE_TASK (ds_task_get_type ())
DS_AVAILABLE_IN_ALL
GType ds_task_get_type (void);

/* ---- Functions of the program (per value and per chunk are (skip)) ---- */

/**
 * DsMapFunc: (skip)
 * @value: a value, lent for the call
 * @task: the running task
 * @user_data: what was given with the function
 *
 * Makes one value of one.  It may be @value, part of it, or lie in memory of @task.
 *
 * Returns: the result; ds_task_fail () when there is none
 */
typedef DsValue (*DsMapFunc) (DsValue value, DsTask *task, gpointer user_data);

/**
 * DsFlatMapFunc: (skip)
 * @value: a value, lent for the call
 * @task: the running task
 * @user_data: what was given with the function
 *
 * Makes any number of values of one, by ds_task_emit () and ds_task_emit_pair ().
 */
typedef void (*DsFlatMapFunc) (DsValue value, DsTask *task, gpointer user_data);

/**
 * DsFilterFunc: (skip)
 * @value: a value, lent for the call
 * @task: the running task
 * @user_data: what was given with the function
 *
 * Tells which values stay.
 *
 * Returns: %TRUE to keep @value
 */
typedef gboolean (*DsFilterFunc) (DsValue value, DsTask *task, gpointer user_data);

/**
 * DsReduceFunc: (skip)
 * @a: what was reduced so far
 * @b: the next value
 * @task: the running task
 * @user_data: what was given with the function
 *
 * Makes one value of two.  Must be associative, and that is all: values meet in their
 * order, the earlier one as @a, and partial results are merged in the order of their
 * partitions.
 *
 * Returns: the result; ds_task_fail () when there is none
 */
typedef DsValue (*DsReduceFunc) (DsValue a, DsValue b, DsTask *task, gpointer user_data);

/**
 * DsForeachFunc: (skip)
 * @value: a value, lent for the call
 * @task: the running task
 * @user_data: what was given with the function
 *
 * Does something with a value.  Runs again for values of a task that failed.
 */
typedef void (*DsForeachFunc) (DsValue value, DsTask *task, gpointer user_data);

/**
 * DsMapChunkFunc: (skip)
 * @values: (array length=n_values): values of a partition in order, lent for the call
 * @n_values: how many, 1 to 1,024
 * @task: the running task
 * @user_data: what was given with the function
 *
 * Makes any number of values of a chunk, by ds_task_emit () and ds_task_emit_pair ().
 */
typedef void (*DsMapChunkFunc) (const DsValue *values,
                                gsize n_values,
                                DsTask *task,
                                gpointer user_data);

/**
 * DsPartition:
 *
 * A whole partition, read chunk by chunk with ds_partition_next (): it never has to fit
 * in memory.  Lent to a function for one call.
 */
typedef struct _DsPartition DsPartition;

/**
 * DsMapPartitionFunc: (skip)
 * @partition: the partition, lent for the call
 * @task: the running task
 * @user_data: what was given with the function
 *
 * Makes any number of values of a partition, by ds_task_emit ().  Called once a
 * partition, also for an empty one.
 */
typedef void (*DsMapPartitionFunc) (DsPartition *partition,
                                    DsTask *task,
                                    gpointer user_data);

/**
 * DsForeachPartitionFunc: (skip)
 * @partition: the partition, lent for the call
 * @task: the running task
 * @user_data: what was given with the function
 *
 * Does something with a partition, once, also with an empty one: the place for a
 * connection.
 */
typedef void (*DsForeachPartitionFunc) (DsPartition *partition,
                                        DsTask *task,
                                        gpointer user_data);
DS_AVAILABLE_IN_ALL
const DsValue *ds_partition_next (DsPartition *self, gsize *n_values);

/**
 * DsPartitionFunc: (skip)
 * @key: a key, lent for the call
 * @n_partitions: how many partitions there are
 * @task: the running task
 * @user_data: what was given with the function
 *
 * Says where a key belongs.  The same key must always go to the same partition.
 *
 * Returns: 0 to @n_partitions - 1; anything else fails the task
 */
typedef guint (*DsPartitionFunc) (DsValue key,
                                  guint n_partitions,
                                  DsTask *task,
                                  gpointer user_data);

/**
 * DsParseFunc: (skip)
 * @bytes: (array length=n_bytes): what has arrived, lent for the call
 * @n_bytes: how many
 * @at_end: %TRUE when nothing more will come
 * @task: the running task
 * @user_data: what was given with the function
 *
 * Cuts a stream of bytes into values: emits what is whole in @bytes.  The rest comes
 * again with more behind it.
 *
 * Returns: how many bytes the emitted values took
 */
typedef gsize (*DsParseFunc) (const guint8 *bytes,
                              gsize n_bytes,
                              gboolean at_end,
                              DsTask *task,
                              gpointer user_data);

/**
 * DsBlockFunc:
 * @block: values; which ones, each "_blocks" verb says
 * @task: the running task
 * @user_data: what was given with the function
 * @error: where a failure goes
 *
 * What the functions above do, for other languages: block in, block out.
 *
 * Returns: (transfer full): the results; %NULL is a failure, with or without @error
 */
typedef DsBlock *(*DsBlockFunc) (DsBlock *block,
                                 DsTask *task,
                                 gpointer user_data,
                                 GError **error);

/**
 * DsForeachBlockFunc:
 * @block: the values of a partition
 * @task: the running task
 * @user_data: what was given with the function
 * @error: where a failure goes
 *
 * Does something with a partition, for other languages.
 *
 * Returns: %FALSE is a failure, with or without @error
 */
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
DS_AVAILABLE_IN_ALL
void ds_task_emit_pairs (DsTask *task,
                         const DsValue *keys,
                         const DsValue *values,
                         gsize n_pairs);

/* ---- New values, living as long as the results are needed: nobody frees ---- */

DS_AVAILABLE_IN_ALL
DsValue ds_pair_slow (DsTask *task, DsValue key, DsValue value);

#ifndef __GI_SCANNER__
/* The beginning of a task, for ds_pair () only: no part of the interface. */
struct _DsTaskMemory
{
  char *cursor;
  char *limit;
};
struct _DsTaskHead
{
  struct _DsTaskMemory *memory;
};

/**
 * ds_pair: (skip)
 * @task: the running task
 * @key: first item
 * @value: second item
 *
 * Makes a pair.  Costs a few stores into the task's memory; ds_task_emit_pair () costs
 * less.
 *
 * Returns: the tuple of @key and @value, in memory of @task
 */
static inline DsValue
ds_pair (DsTask *task, DsValue key, DsValue value)
{
  struct _DsTaskMemory *memory =
      G_LIKELY (task != NULL) ? ((struct _DsTaskHead *) task)->memory : NULL;
  DsValue *items;

  if (G_UNLIKELY (memory == NULL ||
                  (gsize) (memory->limit - memory->cursor) < 2 * sizeof (DsValue)))
    return ds_pair_slow (task, key, value);

  items = (DsValue *) (gpointer) memory->cursor;
  memory->cursor += 2 * sizeof (DsValue);
  items[0] = key;
  items[1] = value;
  return ds_value_tuple (items, 2);
}
#endif

DS_AVAILABLE_IN_ALL
DsValue ds_tuple_from_items (DsTask *task, const DsValue *items, guint n_items);
DS_AVAILABLE_IN_ALL
DsValue ds_list_from_items (DsTask *task, const DsValue *items, guint n_items);
/**
 * ds_tuple:
 * @task: the running task
 * @...: the items, each a #DsValue
 *
 * Makes a tuple: `ds_tuple (task, a, b, c)`.  It lies in memory of @task; what the items
 * point to is not copied.
 */
#define ds_tuple(task, ...)                                      \
  ds_tuple_from_items ((task), (const DsValue[]){ __VA_ARGS__ }, \
                       G_N_ELEMENTS (((const DsValue[]){ __VA_ARGS__ })))
/**
 * ds_list:
 * @task: the running task
 * @...: the items, each a #DsValue
 *
 * Makes a list, as ds_tuple () makes a tuple.
 */
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
