/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DsEmitter: where ds_task_emit () puts values, the output side of an operator's sink.
 *
 * Emissions gather in one or two columns, which go to the next sink when they are full,
 * when their form changes, and when the operator says so.  Flushing in the middle of a
 * call of the user function is fine: what was emitted is consumed before push returns.
 * The scratch arena is another matter, since the function may still hold memory from it:
 * it is reset between two calls only. */

#include "rdd/ds-task-private.h"

/* Fewer are cheaper copied than pushed by themselves. */
#define DS_EMITTER_MIN_RUN 64

DsEmitter *
ds_emitter_new (DsArenaPool *pool, DsSink *next)
{
  DsEmitter *self = g_new0 (DsEmitter, 1);

  self->next = next;
  self->form = DS_FORM_VALUES;
  self->arena = ds_arena_new (pool);
  self->values = ds_scratch_column_take ();
  self->pair_values = ds_scratch_column_take ();
  return self;
}

void
ds_emitter_free (DsEmitter *self)
{
  ds_scratch_column_give (self->values);
  ds_scratch_column_give (self->pair_values);
  ds_arena_unref (self->arena);
  g_free (self);
}

/* What @chunk's sink said is remembered: a source may go on emitting into the void. */
static void
ds_emitter_push (DsEmitter *self, const DsChunk *chunk)
{
  if (!self->enough && chunk->n_values > 0)
    self->enough = !ds_sink_push (self->next, chunk);
}

gboolean
ds_emitter_flush (DsEmitter *self)
{
  DsChunk chunk = { .form = self->form,
                    .n_values = self->n_values,
                    .values = self->values,
                    .pair_values =
                        self->form == DS_FORM_PAIRS ? self->pair_values : NULL };

  self->n_values = 0;
  ds_emitter_push (self, &chunk);
  return !self->enough;
}

gboolean
ds_emitter_flush_and_reset (DsEmitter *self)
{
  gboolean wants_more = ds_emitter_flush (self);

  if (ds_arena_get_n_bytes (self->arena) > 0)
    ds_arena_reset (self->arena);
  return wants_more;
}

/* Makes room for one more emission of @form. */
static inline void
ds_emitter_make_room (DsEmitter *self, DsForm form)
{
  if (G_UNLIKELY (self->form != form || self->n_values == DS_CHUNK_MAX_VALUES))
    {
      ds_emitter_flush (self);
      self->form = form;
    }
}

static inline void
ds_emitter_add_pair (DsEmitter *self, DsValue key, DsValue value)
{
  ds_emitter_make_room (self, DS_FORM_PAIRS);
  self->values[self->n_values] = key;
  self->pair_values[self->n_values++] = value;
}

/* The emitter of the running operator, or a failed task. */
static DsEmitter *
ds_task_get_emitter (DsTask *task)
{
  g_return_val_if_fail (task != NULL, NULL);

  if (task->emitter == NULL)
    ds_task_fail_literal (task, "this function has nowhere to emit to: it returns its "
                                "result, or has none; ds_task_emit () is for flat_map, "
                                "map_chunks and map_partitions");
  return task->emitter;
}

/**
 * ds_task_emit: (skip)
 * @task: the running task
 * @value: a result; its bytes must live until the function returns, as those of the input
 *   and of memory from @task do
 *
 * Adds a result of the running flat_map, flat_map_values, map_chunks, map_partitions or
 * parse function.
 *
 * Costs a store most of the time; every 1,024 results go on to the next operator in one
 * piece.  In a function that returns its result instead, the task fails.
 */
void
ds_task_emit (DsTask *task, DsValue value)
{
  DsEmitter *emitter = task != NULL ? task->emitter : NULL;

  if (G_LIKELY (emitter != NULL && emitter->form == DS_FORM_VALUES &&
                emitter->n_values < DS_CHUNK_MAX_VALUES))
    {
      emitter->values[emitter->n_values++] = value;
      return;
    }

  emitter = ds_task_get_emitter (task);
  if (emitter == NULL)
    return;
  if (emitter->key != NULL)
    {
      ds_emitter_add_pair (emitter, *emitter->key, value);
      return;
    }
  ds_emitter_make_room (emitter, DS_FORM_VALUES);
  emitter->values[emitter->n_values++] = value;
}

/**
 * ds_task_emit_pair: (skip)
 * @task: the running task
 * @key: the key
 * @value: the value
 *
 * Adds a pair to the results; the same as emitting ds_pair () of the two, but cheaper:
 * key and value go into two columns and no tuple is made.
 */
void
ds_task_emit_pair (DsTask *task, DsValue key, DsValue value)
{
  DsEmitter *emitter = task != NULL ? task->emitter : NULL;

  if (G_UNLIKELY (emitter == NULL))
    emitter = ds_task_get_emitter (task);
  if (emitter == NULL)
    return;
  if (G_UNLIKELY (emitter->key != NULL))
    ds_emitter_add_pair (emitter, *emitter->key, ds_pair (task, key, value));
  else
    ds_emitter_add_pair (emitter, key, value);
}

/* Many at once: an array worth it goes to the next sink as it lies. */
static void
ds_emitter_push_columns (DsEmitter *self,
                         const DsValue *values,
                         const DsValue *pair_values,
                         gsize n_values)
{
  ds_emitter_flush (self);
  self->form = pair_values != NULL ? DS_FORM_PAIRS : DS_FORM_VALUES;
  for (gsize i = 0; i < n_values; i += DS_CHUNK_MAX_VALUES)
    {
      DsChunk chunk = { .form = self->form,
                        .n_values = MIN (n_values - i, DS_CHUNK_MAX_VALUES),
                        .values = values + i,
                        .pair_values = pair_values != NULL ? pair_values + i : NULL };

      ds_emitter_push (self, &chunk);
    }
}

/**
 * ds_task_emit_values: (skip)
 * @task: the running task
 * @values: (array length=n_values): results; their bytes must live until the function
 *   returns
 * @n_values: how many
 *
 * Adds many results at once, as that many calls of ds_task_emit () would.  An array of 64
 * or more goes to the next operator as it lies, without being copied.
 */
void
ds_task_emit_values (DsTask *task, const DsValue *values, gsize n_values)
{
  DsEmitter *emitter = ds_task_get_emitter (task);

  g_return_if_fail (values != NULL || n_values == 0);

  if (emitter == NULL)
    return;
  if (n_values >= DS_EMITTER_MIN_RUN && emitter->key == NULL)
    {
      ds_emitter_push_columns (emitter, values, NULL, n_values);
      return;
    }
  for (gsize i = 0; i < n_values; i++)
    ds_task_emit (task, values[i]);
}

/**
 * ds_task_emit_pairs: (skip)
 * @task: the running task
 * @keys: (array length=n_pairs): the keys
 * @values: (array length=n_pairs): the values
 * @n_pairs: how many
 *
 * Adds many pairs at once, as that many calls of ds_task_emit_pair () would.  Columns of
 * 64 or more go to the next operator as they lie: a chunk function that pairs what it got
 * with a constant column copies nothing.
 */
void
ds_task_emit_pairs (DsTask *task,
                    const DsValue *keys,
                    const DsValue *values,
                    gsize n_pairs)
{
  DsEmitter *emitter = ds_task_get_emitter (task);

  g_return_if_fail ((keys != NULL && values != NULL) || n_pairs == 0);

  if (emitter == NULL)
    return;
  if (n_pairs >= DS_EMITTER_MIN_RUN && emitter->key == NULL)
    {
      ds_emitter_push_columns (emitter, keys, values, n_pairs);
      return;
    }
  for (gsize i = 0; i < n_pairs; i++)
    ds_task_emit_pair (task, keys[i], values[i]);
}
