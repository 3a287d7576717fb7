/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One batch of one partition against its table of states; see ds-state-run-private.h. */

#include "rdd/ds-state-run-core-private.h"

#include "base/ds-value-private.h"
#include "rdd/ds-state-codec-private.h"

#include <stdlib.h>
#include <string.h>

#define DS_STATE_RUN_MIN_SLOTS 64
/* Fewer bytes of replaced values are left where they are. */
#define DS_STATE_RUN_MIN_BYTES (1024 * 1024)

DsStateRun *
ds_state_run_new (const DsStateRunPlan *plan,
                  DsStateTable *table,
                  DsTask *task,
                  DsSink *next)
{
  DsStateRun *self = g_new0 (DsStateRun, 1);

  self->plan = plan;
  self->table = table;
  self->task = task;
  self->emitter = ds_emitter_new (ds_task_get_arena_pool (task), next);
  self->slots = g_new0 (guint32, DS_STATE_RUN_MIN_SLOTS);
  self->slot_mask = DS_STATE_RUN_MIN_SLOTS - 1;
  self->keys = ds_arena_new (ds_task_get_arena_pool (task));
  self->values = ds_arena_new (ds_task_get_arena_pool (task));
  self->scratch = g_byte_array_new ();
  return self;
}

void
ds_state_run_free (DsStateRun *self)
{
  ds_emitter_free (self->emitter);
  ds_arena_unref (self->keys);
  ds_arena_unref (self->values);
  g_byte_array_unref (self->scratch);
  g_free (self->slots);
  g_free (self->works);
  g_free (self);
}

/* ---- The states that were met ---- */

static void
ds_state_run_grow (DsStateRun *self)
{
  self->n_max_works = MAX (DS_STATE_RUN_MIN_SLOTS / 2, self->n_max_works * 2);
  self->works = g_renew (DsStateWork, self->works, self->n_max_works);
  self->slot_mask = self->n_max_works * 2 - 1;
  g_free (self->slots);
  self->slots = g_new0 (guint32, self->n_max_works * 2);
  for (guint32 i = 0; i < self->n_works; i++)
    {
      guint32 at = self->works[i].key.hash & self->slot_mask;

      while (self->slots[at] != 0)
        at = (at + 1) & self->slot_mask;
      self->slots[at] = i + 1;
    }
}

/* Where @key is, or where it would go. */
static guint32 *
ds_state_run_find_slot (DsStateRun *self, const DsStateKey *key)
{
  for (guint32 at = key->hash & self->slot_mask;; at = (at + 1) & self->slot_mask)
    {
      const DsStateWork *work;

      if (self->slots[at] == 0)
        return &self->slots[at];
      work = &self->works[self->slots[at] - 1];
      if (work->key.hash == key->hash && work->key.n_bytes == key->n_bytes &&
          memcmp (work->key.bytes, key->bytes, key->n_bytes) == 0)
        return &self->slots[at];
    }
}

/* What the table has of @key, which lies in scratch memory. */
static void
ds_state_run_load (DsStateRun *self, DsStateWork *work, const DsStateKey *key)
{
  DsStatePayload payload;

  *work = (DsStateWork){ .key = *key,
                         .entry = ds_state_table_find (self->table, key),
                         .value = ds_value_null (),
                         .updated_at = DS_TIME_NONE };
  if (work->entry == DS_STATE_NO_ENTRY)
    {
      guint8 *bytes = ds_arena_alloc (self->keys, key->n_bytes);

      memcpy (bytes, key->bytes, key->n_bytes);
      work->key.bytes = bytes;
      return;
    }
  work->key.bytes = ds_state_table_get_key_bytes (self->table, work->entry);
  if (ds_state_table_get (self->table, work->entry, &payload))
    {
      work->exists = TRUE;
      work->value = ds_state_decode (payload.bytes, self->values);
      work->updated_at = payload.updated_at;
    }
}

static DsStateWork *
ds_state_run_meet (DsStateRun *self, DsValue value)
{
  DsStateKey key = ds_state_make_key (value, self->scratch);
  guint32 *slot = ds_state_run_find_slot (self, &key);

  if (*slot == 0)
    {
      if (self->n_works == self->n_max_works)
        {
          ds_state_run_grow (self);
          slot = ds_state_run_find_slot (self, &key);
        }
      ds_state_run_load (self, &self->works[self->n_works], &key);
      *slot = ++self->n_works;
      self->n_visited++;
    }
  return &self->works[*slot - 1];
}

/* Between two calls: values that were replaced over and over leave. */
static void
ds_state_run_compact_values (DsStateRun *self)
{
  gsize n_bytes = ds_arena_get_n_bytes (self->values);
  DsArena *old_values;

  if (G_LIKELY (n_bytes < DS_STATE_RUN_MIN_BYTES || n_bytes < 2 * self->n_live_bytes))
    return;
  ds_emitter_flush_and_reset (self->emitter); /* may point at them */
  old_values = self->values;
  self->values = ds_arena_new (ds_task_get_arena_pool (self->task));
  for (guint32 i = 0; i < self->n_works; i++)
    self->works[i].value = ds_value_copy (self->works[i].value, self->values);
  self->n_live_bytes = ds_arena_get_n_bytes (self->values);
  ds_arena_unref (old_values);
}

/* ---- Calling ---- */

static gboolean
ds_state_run_call (DsStateRun *self, DsState *state, const DsValue *key, DsValue value)
{
  DsTask *task = self->task;

  task->current = key;
  task->current_pair_value = &value;
  self->plan->func (*key, value, state, task, self->plan->user_data);
  task->current = NULL;
  task->current_pair_value = NULL;
  if (G_UNLIKELY (task->error != NULL))
    return FALSE;
  ds_emitter_between_calls (self->emitter);
  return task->error == NULL;
}

gboolean
ds_state_run_push (DsStateRun *self,
                   const DsValue *keys,
                   const DsValue *values,
                   gsize n_values)
{
  DsTaskFrame frame = ds_task_enter (self->task, self->plan->operator_name,
                                     self->emitter->arena, self->emitter);
  gboolean ok = TRUE;

  for (gsize i = 0; ok && i < n_values; i++)
    {
      DsStateWork *work = ds_state_run_meet (self, keys[i]);
      DsState state = { .run = self, .work = work };

      ok = ds_state_run_call (self, &state, &keys[i], values[i]);
      if (self->plan->is_timed && work->exists)
        {
          work->is_touched = TRUE;
          work->updated_at = self->plan->time;
        }
      ds_state_run_compact_values (self);
    }
  ds_task_leave (self->task, &frame);
  /* What was emitted may point into this chunk. */
  ds_emitter_flush_and_reset (self->emitter);
  return self->task->error == NULL;
}

/* ---- Timing out ---- */

typedef struct
{
  DsTime updated_at;
  guint32 entry;
} DsStateDue;

static int
ds_state_due_compare (gconstpointer a, gconstpointer b)
{
  const DsStateDue *first = a;
  const DsStateDue *second = b;

  if (first->updated_at != second->updated_at)
    return first->updated_at < second->updated_at ? -1 : 1;
  return first->entry < second->entry ? -1 : first->entry > second->entry;
}

/* By their last touch, then in the order of the table: the same when the table was
 * written to a checkpoint and read again. */
static GArray *
ds_state_run_find_due (DsStateRun *self, DsTime threshold)
{
  GArray *all = g_array_new (FALSE, FALSE, sizeof (DsStateDue));

  for (guint32 entry = ds_state_table_get_oldest (self->table);
       entry != DS_STATE_NO_ENTRY;
       entry = ds_state_table_get_next_oldest (self->table, entry))
    {
      DsStateDue due = { .entry = entry };
      DsStatePayload payload;
      DsStateKey key;

      ds_state_table_get (self->table, entry, &payload);
      if (payload.updated_at >= threshold)
        break;
      self->n_visited++;
      key = ds_state_table_get_key (self->table, entry);
      due.updated_at = payload.updated_at;
      if (*ds_state_run_find_slot (self, &key) == 0)
        g_array_append_val (all, due);
    }
  if (all->len > 0) /* there may be no array of none */
    qsort (all->data, all->len, sizeof (DsStateDue), ds_state_due_compare);
  return all;
}

gboolean
ds_state_run_time_out (DsStateRun *self, DsTime threshold)
{
  g_autoptr (GArray) all = ds_state_run_find_due (self, threshold);
  DsTaskFrame frame = ds_task_enter (self->task, self->plan->operator_name,
                                     self->emitter->arena, self->emitter);
  gboolean ok = TRUE;

  for (guint i = 0; ok && i < all->len; i++)
    {
      DsStateKey bytes =
          ds_state_table_get_key (self->table, g_array_index (all, DsStateDue, i).entry);
      DsValue key = ds_state_decode (bytes.bytes, self->values);
      DsStateWork *work = ds_state_run_meet (self, key);
      DsState state = { .run = self, .work = work, .is_timing_out = TRUE };

      ok = ds_state_run_call (self, &state, &key, ds_value_null ());
      work->exists = FALSE;
      work->is_touched = TRUE;
      work->is_changed = TRUE;
    }
  ds_task_leave (self->task, &frame);
  ds_emitter_flush_and_reset (self->emitter);
  return self->task->error == NULL;
}

/* ---- The end ---- */

/* The changes of works from *@at on, at most a slice. */
static gsize
ds_state_run_make_changes (DsStateRun *self, guint32 *at, DsStateChange *changes)
{
  gsize n_changes = 0;
  gsize offset = 0;

  g_byte_array_set_size (self->scratch, 0);
  for (; *at < self->n_works && n_changes < DS_STATE_SLICE; (*at)++)
    {
      const DsStateWork *work = &self->works[*at];
      DsStateChange change = { work->key, work->entry, NULL, DS_STATE_ABSENT, FALSE };

      if (!work->is_touched)
        continue;
      if (work->exists && work->is_changed)
        {
          guint n_before = self->scratch->len;

          ds_state_encode (work->value, self->scratch);
          change.n_bytes = self->scratch->len - n_before;
        }
      else if (work->exists)
        change.n_bytes = DS_STATE_UNCHANGED;
      changes[n_changes++] = change;
    }

  /* The bytes lie still now. */
  for (gsize i = 0; i < n_changes; i++)
    if (changes[i].n_bytes < DS_STATE_UNCHANGED)
      {
        changes[i].bytes = self->scratch->data + offset;
        offset += changes[i].n_bytes;
      }
  return n_changes;
}

void
ds_state_run_apply (DsStateRun *self)
{
  g_autofree DsStateChange *changes = g_new (DsStateChange, DS_STATE_SLICE);
  guint32 at = 0;
  gsize n_changes;

  while ((n_changes = ds_state_run_make_changes (self, &at, changes)) > 0)
    ds_state_table_apply (self->table, self->plan->time, changes, n_changes);
}

gsize
ds_state_run_get_n_visited (DsStateRun *self)
{
  return self->n_visited;
}

/* ---- The sink ---- */

typedef struct
{
  DsSink sink;
  DsStateRun *run; /* borrowed */
} DsStateRunSink;

static gboolean
ds_state_run_sink_push (DsSink *sink, const DsChunk *chunk)
{
  return ds_state_run_push (((DsStateRunSink *) sink)->run, chunk->values,
                            chunk->pair_values, chunk->n_values);
}

static gboolean
ds_state_run_sink_finish (DsSink *sink)
{
  return sink->task->error == NULL;
}

static void
ds_state_run_sink_free (DsSink *sink)
{
  g_free (sink);
}

DsSink *
ds_state_run_sink_new (DsStateRun *run)
{
  DsStateRunSink *self = ds_sink_alloc (sizeof *self, run->task, NULL);

  self->sink.push = ds_state_run_sink_push;
  self->sink.finish = ds_state_run_sink_finish;
  self->sink.free = ds_state_run_sink_free;
  self->sink.accepts = DS_ACCEPTS_PAIRS;
  self->sink.operator_name = run->plan->operator_name;
  self->run = run;
  return &self->sink;
}
