/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* update_state_by_key: every key with state or new values, in each batch. */

#include "rdd/ds-state-update-core-private.h"

#include "base/ds-block-private.h"
#include "base/ds-value-private.h"

#include <string.h>

/* ---- Input: a table of lists ---- */

typedef struct
{
  DsSink sink;
  DsTable *groups; /* borrowed */
} DsGroupSink;

static gboolean
ds_group_sink_push (DsSink *sink, const DsChunk *chunk)
{
  return ds_table_add_values (((DsGroupSink *) sink)->groups, chunk->values,
                              chunk->pair_values, chunk->n_values);
}

static gboolean
ds_group_sink_finish (DsSink *sink)
{
  return sink->task->error == NULL;
}

static void
ds_group_sink_free (DsSink *sink)
{
  g_free (sink);
}

DsStateUpdateRun *
ds_state_update_run_new (DsStateTable *table,
                         DsTask *task,
                         const char *operator_name,
                         DsTime time)
{
  const DsCombine combine = { .kind = DS_COMBINE_GROUP, .operator_name = operator_name };
  DsStateUpdateRun *self = g_new0 (DsStateUpdateRun, 1);
  DsGroupSink *sink = ds_sink_alloc (sizeof *sink, task, NULL);

  self->table = table;
  self->task = task;
  self->operator_name = operator_name;
  self->time = time;
  self->groups = ds_table_new (&combine, task, 0);
  self->changes = g_array_new (FALSE, FALSE, sizeof (DsStateChange));
  self->bytes = ds_arena_new (ds_task_get_arena_pool (task));
  self->values = ds_arena_new (ds_task_get_arena_pool (task));
  self->scratch = g_byte_array_new ();

  sink->sink.push = ds_group_sink_push;
  sink->sink.finish = ds_group_sink_finish;
  sink->sink.free = ds_group_sink_free;
  sink->sink.accepts = DS_ACCEPTS_PAIRS;
  sink->sink.operator_name = operator_name;
  sink->groups = self->groups;
  self->sink = &sink->sink;
  return self;
}

void
ds_state_update_run_free (DsStateUpdateRun *self)
{
  ds_sink_free (self->sink);
  ds_table_free (self->groups);
  g_clear_pointer (&self->block, ds_block_unref);
  g_free (self->entries);
  g_array_unref (self->changes);
  ds_arena_unref (self->bytes);
  ds_arena_unref (self->values);
  g_byte_array_unref (self->scratch);
  g_free (self);
}

DsSink *
ds_state_update_run_get_sink (DsStateUpdateRun *self)
{
  return self->sink;
}

/* ---- Groups meet states ---- */

/* An entry whose state has been removed has to be made anew, with its key. */
guint32
ds_state_update_run_find_entry (DsStateUpdateRun *self, DsValue key)
{
  DsStateKey bytes = ds_state_make_key (key, self->scratch);
  guint32 entry = ds_state_table_find (self->table, &bytes);
  DsStatePayload payload;

  return entry != DS_STATE_NO_ENTRY && ds_state_table_get (self->table, entry, &payload)
             ? entry
             : DS_STATE_NO_ENTRY;
}

gboolean
ds_state_update_run_meet (DsStateUpdateRun *self)
{
  self->block = ds_table_end (self->groups);
  if (self->block == NULL)
    return FALSE;
  ds_block_get_columns (self->block, &self->keys, &self->lists, &self->n_groups);
  self->entries = g_new (guint32, MAX (self->n_groups, 1));
  for (gsize i = 0; i < self->n_groups; i++)
    self->entries[i] = ds_state_update_run_find_entry (self, self->keys[i]);
  return TRUE;
}

guint32 *
ds_state_update_run_index_groups (DsStateUpdateRun *self)
{
  guint32 *groups = g_new0 (guint32, ds_state_table_get_n_entries (self->table) + 1);

  for (gsize i = 0; i < self->n_groups; i++)
    if (self->entries[i] != DS_STATE_NO_ENTRY)
      groups[self->entries[i]] = (guint32) i + 1;
  return groups;
}

/* ---- Changes ---- */

static const guint8 *
ds_state_update_run_keep (DsStateUpdateRun *self)
{
  guint8 *bytes = ds_arena_alloc (self->bytes, self->scratch->len);

  memcpy (bytes, self->scratch->data, self->scratch->len);
  return bytes;
}

void
ds_state_update_run_change (DsStateUpdateRun *self,
                            guint32 entry,
                            DsValue key,
                            DsValue state)
{
  DsStateChange change = { .entry = entry, .n_bytes = DS_STATE_ABSENT };
  DsStatePayload payload = { .n_bytes = DS_STATE_ABSENT };

  if (entry != DS_STATE_NO_ENTRY)
    ds_state_table_get (self->table, entry, &payload);
  if (!ds_value_is_null (state))
    {
      g_byte_array_set_size (self->scratch, 0);
      ds_state_encode (state, self->scratch);
      change.n_bytes = self->scratch->len;
      if (payload.n_bytes == change.n_bytes &&
          memcmp (payload.bytes, self->scratch->data, change.n_bytes) == 0)
        return;
      change.bytes = ds_state_update_run_keep (self);
    }
  else if (payload.n_bytes == DS_STATE_ABSENT)
    return;

  if (entry == DS_STATE_NO_ENTRY)
    {
      change.key = ds_state_make_key (key, self->scratch);
      change.key.bytes = ds_state_update_run_keep (self);
    }
  g_array_append_val (self->changes, change);
}

void
ds_state_update_run_apply (DsStateUpdateRun *self)
{
  ds_state_table_apply (self->table, self->time,
                        (DsStateChange *) (gpointer) self->changes->data,
                        self->changes->len);
}

gsize
ds_state_update_run_get_n_visited (DsStateUpdateRun *self)
{
  return self->n_visited;
}

/* ---- By key ---- */

typedef struct
{
  DsStateUpdateRun *run;
  DsUpdateStateFunc func;
  gpointer user_data;
  DsArena *scratch; /* of the function */
} DsUpdateCalls;

static gboolean
ds_update_calls_call (DsUpdateCalls *self,
                      guint32 entry,
                      DsValue key,
                      DsValue list,
                      DsValue state)
{
  DsStateUpdateRun *run = self->run;
  DsTask *task = run->task;
  DsValue result;

  task->current = &key;
  task->current_pair_value = &list;
  result = self->func (key, list.as.items, list.size, state, task, self->user_data);
  task->current = NULL;
  task->current_pair_value = NULL;
  if (G_UNLIKELY (task->error != NULL))
    return FALSE;
  run->n_visited++;
  ds_state_update_run_change (run, entry, key, result);
  if (G_UNLIKELY (ds_arena_get_n_bytes (self->scratch) > DS_SCRATCH_HIGH_WATER))
    ds_arena_reset (self->scratch);
  if (G_UNLIKELY (ds_arena_get_n_bytes (run->values) > DS_SCRATCH_HIGH_WATER))
    ds_arena_reset (run->values);
  return TRUE;
}

/* All keys with state, in their order; then those of the batch that have none. */
static gboolean
ds_update_calls_run (DsUpdateCalls *self)
{
  DsStateUpdateRun *run = self->run;
  g_autofree guint32 *groups = ds_state_update_run_index_groups (run);
  guint32 n_entries = ds_state_table_get_n_entries (run->table);
  const DsValue none = ds_value_list (NULL, 0);

  for (guint32 entry = 0; entry < n_entries; entry++)
    {
      DsStatePayload payload;
      DsValue key;

      if (entry % DS_STATE_SLICE == 0 && !ds_task_may_go_on (run->task))
        return FALSE;
      if (!ds_state_table_get (run->table, entry, &payload))
        continue;
      key =
          ds_state_decode (ds_state_table_get_key_bytes (run->table, entry), run->values);
      if (!ds_update_calls_call (self, entry, key,
                                 groups[entry] != 0 ? run->lists[groups[entry] - 1]
                                                    : none,
                                 ds_state_decode (payload.bytes, run->values)))
        return FALSE;
    }
  for (gsize i = 0; i < run->n_groups; i++)
    if (run->entries[i] == DS_STATE_NO_ENTRY &&
        !ds_update_calls_call (self, DS_STATE_NO_ENTRY, run->keys[i], run->lists[i],
                               ds_value_null ()))
      return FALSE;
  return TRUE;
}

gboolean
ds_state_update_run_by_key (DsStateUpdateRun *self,
                            DsUpdateStateFunc func,
                            gpointer user_data)
{
  DsUpdateCalls calls = { .run = self, .func = func, .user_data = user_data };
  DsTaskFrame frame;
  gboolean ok;

  if (!ds_state_update_run_meet (self))
    return FALSE;
  calls.scratch = ds_arena_new (ds_task_get_arena_pool (self->task));
  frame = ds_task_enter (self->task, self->operator_name, calls.scratch, NULL);
  ok = ds_update_calls_run (&calls);
  ds_task_leave (self->task, &frame);
  ds_arena_unref (calls.scratch);
  if (ok)
    ds_state_update_run_apply (self);
  return ok;
}
