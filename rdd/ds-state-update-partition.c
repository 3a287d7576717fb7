/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* update_state_by_partition, and its twin for other languages: all keys of a partition at
 * once; what comes back are the new states, and what does not is gone. */

#include "rdd/ds-state-update-core-private.h"

#include "base/ds-block-private.h"
#include "base/ds-error.h"
#include "base/ds-value-private.h"

/* ---- What there is ---- */

static GArray *
ds_state_update_run_collect (DsStateUpdateRun *self)
{
  g_autofree guint32 *groups = ds_state_update_run_index_groups (self);
  guint32 n_entries = ds_state_table_get_n_entries (self->table);
  GArray *updates = g_array_new (FALSE, FALSE, sizeof (DsStateUpdate));

  for (guint32 entry = 0; entry < n_entries; entry++)
    {
      DsStateUpdate update = { .values = NULL };
      DsStatePayload payload;

      if (!ds_state_table_get (self->table, entry, &payload))
        continue;
      update.key = ds_state_decode (ds_state_table_get_key_bytes (self->table, entry),
                                    self->values);
      update.state = ds_state_decode (payload.bytes, self->values);
      if (groups[entry] != 0)
        {
          update.values = self->lists[groups[entry] - 1].as.items;
          update.n_values = self->lists[groups[entry] - 1].size;
        }
      g_array_append_val (updates, update);
    }
  for (gsize i = 0; i < self->n_groups; i++)
    {
      DsStateUpdate update = { self->keys[i], self->lists[i].as.items,
                               self->lists[i].size, ds_value_null () };

      if (self->entries[i] == DS_STATE_NO_ENTRY)
        g_array_append_val (updates, update);
    }
  self->n_visited += updates->len;
  return updates;
}

/* ---- What comes back ---- */

/* @block without pairs whose state is null; FALSE when the task failed, as there are
 * values in it that are no pairs. */
static gboolean
ds_state_block_drop_nulls (DsBlock **block, DsTask *task, const char *operator_name)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  gsize n_values = ds_block_get_length (*block);
  gsize n_kept = 0;

  for (gsize i = 0; i < n_values; i++)
    {
      DsValue pair = ds_block_get (*block, i);

      if (!ds_value_is_pair (pair))
        {
          ds_task_fail_no_pair (task, operator_name, pair);
          return FALSE;
        }
      if (ds_value_is_null (pair.as.items[1]))
        continue;
      ds_block_builder_add_pair (builder, pair.as.items[0], pair.as.items[1]);
      n_kept++;
    }
  if (n_kept < n_values)
    {
      ds_block_unref (*block);
      *block = ds_block_builder_end (builder);
    }
  return TRUE;
}

/* The first state of each key.  NULL when the task failed. */
static DsBlock *
ds_state_update_run_find_firsts (DsStateUpdateRun *self, DsBlock *block)
{
  const DsCombine combine = { .kind = DS_COMBINE_FIRST,
                              .operator_name = self->operator_name };
  g_autoptr (DsTable) firsts = ds_table_new (&combine, self->task, 0);
  gsize n_pairs = ds_block_get_length (block);
  DsValue *keys = ds_scratch_column_take ();
  DsValue *states = ds_scratch_column_take ();
  gboolean ok = TRUE;

  for (gsize i = 0; ok && i < n_pairs; i += DS_CHUNK_MAX_VALUES)
    {
      gsize n = MIN (n_pairs - i, DS_CHUNK_MAX_VALUES);

      for (gsize k = 0; k < n; k++)
        ds_block_get_pair (block, i + k, &keys[k], &states[k]);
      ok = ds_table_add_values (firsts, keys, states, n);
    }
  ds_scratch_column_give (states);
  ds_scratch_column_give (keys);
  return ok ? ds_table_end (firsts) : NULL;
}

/* The table has the states of @block, and no others. */
static gboolean
ds_state_update_run_replace (DsStateUpdateRun *self, DsBlock *block)
{
  guint32 n_entries = ds_state_table_get_n_entries (self->table);
  g_autofree gboolean *is_there = g_new0 (gboolean, n_entries + 1);
  g_autoptr (DsBlock) firsts = ds_state_update_run_find_firsts (self, block);
  gsize n_firsts;

  if (firsts == NULL)
    return FALSE;
  n_firsts = ds_block_get_length (firsts);
  for (gsize i = 0; i < n_firsts; i++)
    {
      DsValue key;
      DsValue state;
      guint32 entry;

      ds_block_get_pair (firsts, i, &key, &state);
      entry = ds_state_update_run_find_entry (self, key);
      if (entry != DS_STATE_NO_ENTRY)
        is_there[entry] = TRUE;
      ds_state_update_run_change (self, entry, key, state);
    }
  for (guint32 entry = 0; entry < n_entries; entry++)
    if (!is_there[entry])
      ds_state_update_run_change (self, entry, ds_value_null (), ds_value_null ());
  ds_state_update_run_apply (self);
  return TRUE;
}

/* @block: what came back, or NULL.  (transfer full) */
static DsBlock *
ds_state_update_run_end (DsStateUpdateRun *self, DsBlock *block)
{
  if (block == NULL)
    return NULL;
  if (ds_state_block_drop_nulls (&block, self->task, self->operator_name) &&
      ds_state_update_run_replace (self, block))
    return block;
  ds_block_unref (block);
  return NULL;
}

/* ---- The two calls ---- */

static void
ds_state_update_run_call (DsStateUpdateRun *self,
                          DsUpdateStatePartitionFunc func,
                          gpointer user_data,
                          DsSink *next)
{
  DsTask *task = self->task;
  g_autoptr (GArray) updates = ds_state_update_run_collect (self);
  DsEmitter *emitter = ds_emitter_new (ds_task_get_arena_pool (task), next);
  DsTaskFrame frame = ds_task_enter (task, self->operator_name, emitter->arena, emitter);

  func ((DsStateUpdate *) (gpointer) updates->data, updates->len, task, user_data);
  ds_task_leave (task, &frame);
  if (task->error == NULL)
    ds_emitter_flush (emitter);
  ds_emitter_free (emitter);
}

DsBlock *
ds_state_update_run_by_partition (DsStateUpdateRun *self,
                                  DsUpdateStatePartitionFunc func,
                                  gpointer user_data)
{
  DsBlock *block = NULL;
  DsSink *sink;

  if (!ds_state_update_run_meet (self))
    return NULL;
  sink = ds_block_sink_new (self->task, &block);
  sink->accepts = DS_ACCEPTS_PAIRS;
  sink->operator_name = self->operator_name;
  ds_state_update_run_call (self, func, user_data, sink);
  if (self->task->error == NULL)
    ds_sink_finish (sink);
  ds_sink_free (sink);
  return ds_state_update_run_end (self, block);
}

DsBlock *
ds_state_update_run_call_block_func (DsStateUpdateRun *self,
                                     DsBlockFunc func,
                                     gpointer user_data,
                                     DsBlock *block)
{
  DsTask *task = self->task;
  DsTaskFrame frame = ds_task_enter (task, self->operator_name, NULL, NULL);
  GError *error = NULL;
  DsBlock *result = func (block, task, user_data, &error);

  if (result == NULL && error == NULL)
    error = g_error_new (DS_ERROR, DS_ERROR_USER_FUNCTION,
                         "the function gave no result and no error: it has to return a "
                         "block, an empty one for nothing, or to say what failed");
  if (error != NULL)
    ds_task_take_error (task, error);
  ds_task_leave (task, &frame);
  if (task->error != NULL)
    g_clear_pointer (&result, ds_block_unref);
  return result;
}

DsBlock *
ds_state_update_run_by_block (DsStateUpdateRun *self,
                              DsBlockFunc func,
                              gpointer user_data)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) block = NULL;
  g_autoptr (GArray) updates = NULL;

  if (!ds_state_update_run_meet (self))
    return NULL;
  updates = ds_state_update_run_collect (self);
  for (guint i = 0; i < updates->len; i++)
    {
      const DsStateUpdate *update = &g_array_index (updates, DsStateUpdate, i);
      DsValue items[3] = { update->key,
                           ds_value_list (update->values, (guint32) update->n_values),
                           update->state };

      ds_block_builder_add (builder, ds_value_tuple (items, 3));
    }
  block = ds_block_builder_end (builder);
  return ds_state_update_run_end (self,
                                  ds_state_update_run_call_block_func (self, func,
                                                                       user_data, block));
}
