/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Windows over a function with an inverse: the value of a key is what it was, less what
 * left, with what came:
 *
 *   f (inv (previous, f over what left), f over what came)
 *
 * A key without a previous value begins with what came.  A key stays, whatever its value,
 * until the filter drops it; the batches of the window may still have it then, which
 * changes nothing when they leave. */

#include "rdd/ds-window-stepper-private.h"

static guint32
ds_window_inverse_way_touch (DsWindowRun *run, guint32 index)
{
  static const DsValue nothing = { .type = G_MAXUINT32 };
  guint32 at;

  if (!ds_window_table_touch (run->table, index, &at))
    {
      g_array_append_val (run->old_values, nothing);
      g_array_append_val (run->new_values, nothing);
    }
  return at;
}

static gboolean
ds_window_inverse_way_is_nothing (DsValue value)
{
  return value.type == G_MAXUINT32;
}

/* @value joins what @sums has for a key already. */
static void
ds_window_inverse_way_gather (DsWindowRun *run,
                              GArray *sums,
                              guint32 index,
                              const DsValue *value)
{
  guint32 at = ds_window_inverse_way_touch (run, index);
  DsValue *sum = &g_array_index (sums, DsValue, at);

  if (ds_window_inverse_way_is_nothing (*sum))
    {
      *sum = *value;
      return;
    }
  ds_window_run_set_current (run, index, value);
  *sum = ds_window_reducer_call (&run->reducer, *sum, *value);
}

static gboolean
ds_window_inverse_way_leave (DsWindowRun *run, const DsWindowBatch *batch)
{
  for (gsize i = 0; i < batch->n_entries; i++)
    {
      guint32 index = batch->entries[i];
      DsWindowEntry *entry = &run->table->state.entries[index];

      ds_undo_log_save (&run->table->log, entry, sizeof *entry);
      entry->n_batches--;
      ds_window_inverse_way_gather (run, run->old_values, index, &batch->values[i]);
    }
  return run->task->error == NULL;
}

static gboolean
ds_window_inverse_way_come (DsWindowRun *run,
                            const guint32 *indices,
                            const DsValue *keys,
                            const DsValue *values,
                            gsize n_values)
{
  for (gsize i = 0; i < n_values; i++)
    {
      DsWindowEntry *entry = &run->table->state.entries[indices[i]];
      DsValue value = ds_undo_log_copy_value (&run->table->log, values[i]);

      ds_undo_log_save (&run->table->log, entry, sizeof *entry);
      entry->n_batches++;
      g_array_append_val (run->values, value);
      ds_window_inverse_way_gather (run, run->new_values, indices[i], &value);
    }
  return run->task->error == NULL;
}

/* The value of a touched key; nothing: it has none. */
static DsValue
ds_window_inverse_way_move_on (DsWindowRun *run, guint32 index, guint at)
{
  const DsWindowPlan *plan = run->plan;
  DsValue left = g_array_index (run->old_values, DsValue, at);
  DsValue came = g_array_index (run->new_values, DsValue, at);
  DsValue value = run->table->state.values[index];

  if (!run->table->state.entries[index].is_live)
    return came;
  ds_window_run_set_current (run, index, &value);
  if (!ds_window_inverse_way_is_nothing (left))
    {
      value = plan->inverse (value, left, run->task, plan->inverse_data);
      run->reducer.n_calls++;
    }
  if (!ds_window_inverse_way_is_nothing (came))
    value = ds_window_reducer_call (&run->reducer, value, came);
  run->task->current = NULL;
  run->task->current_pair_value = NULL;
  return value;
}

static gboolean
ds_window_inverse_way_finish (DsWindowRun *run)
{
  DsWindowTable *table = run->table;

  for (guint i = 0; i < table->touched->len; i++)
    {
      guint32 index = g_array_index (table->touched, guint32, i);
      DsValue value = ds_window_inverse_way_move_on (run, index, i);
      const DsWindowEntry *entry = &table->state.entries[index];
      gboolean stays = !ds_window_inverse_way_is_nothing (value) &&
                       ds_window_run_filter (run, index, value);

      if (run->task->error != NULL)
        return FALSE;
      if (stays)
        {
          ds_window_table_set_value (table, index, value);
          if (!entry->is_live)
            ds_window_table_link (table, index);
        }
      else
        {
          if (entry->is_live)
            ds_window_table_unlink (table, index);
          if (entry->n_batches == 0)
            ds_window_table_remove (table, index);
        }
    }
  return TRUE;
}

const DsWindowWay ds_window_inverse_way = { ds_window_inverse_way_leave,
                                            ds_window_inverse_way_come,
                                            ds_window_inverse_way_finish };
