/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* map_with_state for other languages: the keys that a batch touches or lets time out in
 * one block, what became of them in another, so that a binding is called once a partition
 * and not once a record. */

#include "rdd/ds-state-update-core-private.h"

#include "base/ds-block-private.h"
#include "base/ds-error.h"
#include "base/ds-value-private.h"

/* The keys that are given to the function: their numbers in a table of their own. */
typedef struct
{
  DsStateUpdateRun *run;
  DsStateTable *given; /* entry i: the i-th key, without state */
  guint32 *entries;    /* of each in the table of the run */
  guint32 n_given;
  guint32 n_touched; /* those before are touched, the rest times out */
  DsBlockBuilder *block;
} DsStateBlockMap;

static void
ds_state_block_map_give (DsStateBlockMap *self,
                         DsValue key,
                         DsValue list,
                         guint32 entry,
                         gboolean is_timing_out)
{
  DsStateUpdateRun *run = self->run;
  DsStateChange change = { .key = ds_state_make_key (key, run->scratch),
                           .entry = DS_STATE_NO_ENTRY };
  DsValue items[4] = { key, list, ds_value_null (), ds_value_bool (is_timing_out) };
  DsStatePayload payload;

  if (entry != DS_STATE_NO_ENTRY && ds_state_table_get (run->table, entry, &payload))
    items[2] = ds_state_decode (payload.bytes, run->values);
  ds_state_table_apply (self->given, 0, &change, 1);
  self->entries = g_renew (guint32, self->entries, self->n_given + 1);
  self->entries[self->n_given++] = entry;
  ds_block_builder_add (self->block, ds_value_tuple (items, 4));
  run->n_visited++;
}

static void
ds_state_block_map_give_all (DsStateBlockMap *self, gboolean is_timed, DsTime threshold)
{
  DsStateUpdateRun *run = self->run;

  for (gsize i = 0; i < run->n_groups; i++)
    ds_state_block_map_give (self, run->keys[i], run->lists[i], run->entries[i], FALSE);
  self->n_touched = self->n_given;
  if (!is_timed)
    return;
  for (guint32 entry = ds_state_table_get_oldest (run->table); entry != DS_STATE_NO_ENTRY;
       entry = ds_state_table_get_next_oldest (run->table, entry))
    {
      DsStateKey key = ds_state_table_get_key (run->table, entry);
      DsStatePayload payload;

      ds_state_table_get (run->table, entry, &payload);
      if (payload.updated_at >= threshold)
        break;
      if (ds_state_table_find (self->given, &key) == DS_STATE_NO_ENTRY)
        ds_state_block_map_give (self, ds_state_decode (key.bytes, run->values),
                                 ds_value_list (NULL, 0), entry, TRUE);
    }
}

/* One tuple of the result: (key, state or null, list).  FALSE when the task failed. */
static gboolean
ds_state_block_map_take (DsStateBlockMap *self,
                         DsValue result,
                         DsBlockBuilder *emitted,
                         gboolean *is_taken)
{
  DsStateUpdateRun *run = self->run;
  DsStateKey key;
  guint32 index;

  if (!ds_value_is (result, DS_VALUE_TYPE_TUPLE) || result.size != 3 ||
      !ds_value_is (result.as.items[2], DS_VALUE_TYPE_LIST))
    {
      g_autofree char *shown = ds_value_describe (result, 200);

      ds_task_fail (run->task,
                    "the function returned %s; it has to return tuples of three: the "
                    "key, its state or null, the list of what is emitted",
                    shown);
      return FALSE;
    }
  key = ds_state_make_key (result.as.items[0], run->scratch);
  index = ds_state_table_find (self->given, &key);
  if (index == DS_STATE_NO_ENTRY || is_taken[index])
    {
      g_autofree char *shown = ds_value_describe (result.as.items[0], 200);

      ds_task_fail (run->task,
                    index == DS_STATE_NO_ENTRY
                        ? "the function returned a state for the key %s, which it was "
                          "not given"
                        : "the function returned the key %s twice",
                    shown);
      return FALSE;
    }
  is_taken[index] = TRUE;
  for (guint32 i = 0; i < result.as.items[2].size; i++)
    ds_block_builder_add (emitted, result.as.items[2].as.items[i]);
  if (index < self->n_touched)
    ds_state_update_run_change (run, self->entries[index], result.as.items[0],
                                result.as.items[1]);
  return TRUE;
}

/* Those with values are touched, those that time out go. */
static void
ds_state_block_map_settle (DsStateBlockMap *self, gboolean is_timed)
{
  DsStateUpdateRun *run = self->run;

  for (guint32 i = 0; is_timed && i < self->n_given; i++)
    {
      DsStateChange change = { .entry = self->entries[i],
                               .n_bytes = i < self->n_touched ? DS_STATE_UNCHANGED
                                                              : DS_STATE_ABSENT };

      if (change.entry != DS_STATE_NO_ENTRY)
        g_array_append_val (run->changes, change);
    }
  ds_state_update_run_apply (run);
}

static DsBlock *
ds_state_block_map_run (DsStateBlockMap *self,
                        gboolean is_timed,
                        DsTime threshold,
                        DsBlockFunc func,
                        gpointer user_data)
{
  g_autoptr (DsBlockBuilder) emitted = ds_block_builder_new ();
  g_autoptr (DsBlock) block = NULL;
  g_autoptr (DsBlock) results = NULL;
  g_autofree gboolean *is_taken = NULL;

  ds_state_block_map_give_all (self, is_timed, threshold);
  is_taken = g_new0 (gboolean, self->n_given + 1);
  block = ds_block_builder_end (self->block);
  results = ds_state_update_run_call_block_func (self->run, func, user_data, block);
  if (results == NULL)
    return NULL;
  for (gsize i = 0; i < ds_block_get_length (results); i++)
    if (!ds_state_block_map_take (self, ds_block_get (results, i), emitted, is_taken))
      return NULL;
  ds_state_block_map_settle (self, is_timed);
  return ds_block_builder_end (emitted);
}

DsBlock *
ds_state_update_run_map_block (DsStateUpdateRun *self,
                               gboolean is_timed,
                               DsTime threshold,
                               DsBlockFunc func,
                               gpointer user_data)
{
  DsStateBlockMap map = { .run = self };
  DsBlock *block;

  if (!ds_state_update_run_meet (self))
    return NULL;
  map.given = ds_state_table_new (FALSE);
  map.block = ds_block_builder_new ();
  block = ds_state_block_map_run (&map, is_timed, threshold, func, user_data);
  ds_block_builder_unref (map.block);
  ds_state_table_free (map.given);
  g_free (map.entries);
  return block;
}
