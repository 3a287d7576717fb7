/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Windows over a function with an inverse: the value of a key is what it was, less what
 * left, with what came:
 *
 *   f (inv (previous, f over what left), f over what came)
 *
 * Where one batch leaves and one comes, which is the usual slide, nothing is to be
 * reduced first, and values change as batches are walked through.
 *
 * A key without a previous value begins with what came.  A key stays, whatever its value,
 * until the filter drops it; the batches of the window may still have it then, which
 * changes nothing when they leave.  Only a filter makes it necessary to know how many
 * batches have a key, and which keys a step has touched. */

#include "rdd/ds-functions.h"
#include "rdd/ds-window-stepper-private.h"

/* Of a batch that leaves: how many entries ahead the values of the table are asked for,
 * and, further, the batch itself, which nobody has looked at since it came. */
#define DS_WINDOW_N_AHEAD 32
#define DS_WINDOW_N_FAR_AHEAD 256

static gboolean
ds_window_inverse_way_has_filter (DsWindowRun *run)
{
  return run->plan->filter != NULL;
}

static guint32
ds_window_inverse_way_touch (DsWindowRun *run, guint32 index)
{
  const DsValue nothing = ds_window_value_nothing ();
  guint32 at;

  if (!ds_window_table_touch (run->table, index, &at) && !run->is_direct)
    {
      g_array_append_val (run->part->old_values, nothing);
      g_array_append_val (run->part->new_values, nothing);
    }
  return at;
}

static void
ds_window_inverse_way_count_batches (DsWindowRun *run, guint32 index, int n)
{
  DsWindowEntry *entry = &run->table->state.entries[index];

  ds_undo_log_save (&run->table->log, entry, sizeof *entry);
  entry->n_batches += (guint) n;
}

/* ---- Sums of ints, which need no call ---- */

/* TRUE: the step adds and subtracts, what values were need not be saved one by one, and
 * nobody wants to know which keys were touched. */
static gboolean
ds_window_inverse_way_is_sum (DsWindowRun *run)
{
  return run->plan->func == ds_add && run->plan->inverse == ds_subtract &&
         run->table->restores_from_before && !ds_window_inverse_way_has_filter (run);
}

/* FALSE: they are no ints, or too large; nothing has changed. */
static inline gboolean
ds_window_inverse_way_subtract (DsValue *sum, const DsValue *left)
{
  gint64 difference;

  if (G_UNLIKELY (
          sum->type != DS_VALUE_TYPE_INT || left->type != DS_VALUE_TYPE_INT ||
          __builtin_sub_overflow (sum->as.integer, left->as.integer, &difference)))
    return FALSE;
  sum->as.integer = difference;
  return TRUE;
}

static inline gboolean
ds_window_inverse_way_add (DsValue *sum, const DsValue *came)
{
  gint64 total;

  if (G_UNLIKELY (sum->type != DS_VALUE_TYPE_INT || came->type != DS_VALUE_TYPE_INT ||
                  __builtin_add_overflow (sum->as.integer, came->as.integer, &total)))
    return FALSE;
  sum->as.integer = total;
  return TRUE;
}

/* ---- The functions ---- */

static DsValue
ds_window_inverse_way_take_out (DsWindowRun *run,
                                guint32 index,
                                DsValue value,
                                DsValue left)
{
  if (run->plan->inverse == ds_subtract && ds_window_inverse_way_subtract (&value, &left))
    return value;
  ds_window_run_set_current (run, index, NULL);
  run->reducer.n_calls++;
  return run->plan->inverse (value, left, run->task, run->plan->inverse_data);
}

static DsValue
ds_window_inverse_way_put_in (DsWindowRun *run,
                              guint32 index,
                              DsValue value,
                              const DsValue *came)
{
  if (run->plan->func == ds_add && ds_window_inverse_way_add (&value, came))
    return value;
  ds_window_run_set_current (run, index, came);
  return ds_window_reducer_call (&run->reducer, value, *came);
}

/* ---- One batch leaves, one comes ---- */

static __attribute__ ((noinline)) void
ds_window_inverse_way_leave_one (DsWindowRun *run, guint32 index, DsValue left)
{
  DsWindowTable *table = run->table;
  DsValue value = table->state.values[index];

  if (ds_window_inverse_way_has_filter (run))
    {
      ds_window_inverse_way_count_batches (run, index, -1);
      ds_window_inverse_way_touch (run, index);
    }
  if (!ds_window_value_is_nothing (value))
    ds_window_table_set_value (table, index,
                               ds_window_inverse_way_take_out (run, index, value, left));
  ds_window_run_reset_scratch (run);
}

static void
ds_window_inverse_way_leave_directly (DsWindowRun *run, const DsWindowBatch *batch)
{
  DsValue *values = run->table->state.values;
  gboolean is_sum = ds_window_inverse_way_is_sum (run);
  gsize last = batch->n_entries - 1; /* there is one */

  for (gsize i = 0; i < batch->n_entries; i++)
    {
      gsize far = MIN (i + DS_WINDOW_N_FAR_AHEAD, last);

      __builtin_prefetch (&batch->entries[far]);
      __builtin_prefetch (&batch->values[far]);
      __builtin_prefetch (&values[batch->entries[MIN (i + DS_WINDOW_N_AHEAD, last)]], 1);
      if (!is_sum ||
          !ds_window_inverse_way_subtract (&values[batch->entries[i]], &batch->values[i]))
        ds_window_inverse_way_leave_one (run, batch->entries[i], batch->values[i]);
    }
}

static __attribute__ ((noinline)) void
ds_window_inverse_way_come_one (DsWindowRun *run, guint32 index, const DsValue *came)
{
  DsWindowTable *table = run->table;
  DsValue value = table->state.values[index];

  if (ds_window_inverse_way_has_filter (run))
    {
      ds_window_inverse_way_count_batches (run, index, 1);
      ds_window_inverse_way_touch (run, index);
    }
  if (ds_window_value_is_nothing (value))
    {
      ds_window_table_set_value (table, index, *came);
      ds_window_table_link (table, index);
      return;
    }
  ds_window_table_set_value (table, index,
                             ds_window_inverse_way_put_in (run, index, value, came));
  ds_window_run_reset_scratch (run);
}

static void
ds_window_inverse_way_come_directly (DsWindowRun *run,
                                     const guint32 *indices,
                                     const DsValue *came,
                                     gsize n_values)
{
  DsValue *values = run->table->state.values;
  gboolean is_sum = ds_window_inverse_way_is_sum (run);

  for (gsize i = 0; i < n_values; i++)
    if (!is_sum || !ds_window_inverse_way_add (&values[indices[i]], &came[i]))
      ds_window_inverse_way_come_one (run, indices[i], &came[i]);
}

/* ---- Any number of them ---- */

/* @value joins what @sums has for a key already. */
static void
ds_window_inverse_way_gather (DsWindowRun *run,
                              GArray *sums,
                              guint32 index,
                              const DsValue *value)
{
  guint32 at = ds_window_inverse_way_touch (run, index);
  DsValue *sum = &g_array_index (sums, DsValue, at);

  if (ds_window_value_is_nothing (*sum))
    {
      *sum = *value;
      return;
    }
  ds_window_run_set_current (run, index, value);
  *sum = ds_window_reducer_call (&run->reducer, *sum, *value);
}

/* The value of a touched key; nothing: it has none. */
static DsValue
ds_window_inverse_way_move_on (DsWindowRun *run, guint32 index, guint at)
{
  DsValue left = g_array_index (run->part->old_values, DsValue, at);
  DsValue came = g_array_index (run->part->new_values, DsValue, at);
  DsValue value = run->table->state.values[index];

  if (ds_window_value_is_nothing (value))
    return came;
  if (!ds_window_value_is_nothing (left))
    value = ds_window_inverse_way_take_out (run, index, value, left);
  if (!ds_window_value_is_nothing (came))
    value = ds_window_inverse_way_put_in (run, index, value, &came);
  ds_window_run_clear_current (run);
  return value;
}

static void
ds_window_inverse_way_settle (DsWindowRun *run, guint32 index, DsValue value)
{
  DsWindowTable *table = run->table;

  if (ds_window_value_is_nothing (value))
    return;
  ds_window_table_set_value (table, index, value);
  if (!table->state.entries[index].is_live)
    ds_window_table_link (table, index);
}

/* ---- Both ---- */

static gboolean
ds_window_inverse_way_leave (DsWindowRun *run, const DsWindowBatch *batch)
{
  if (run->is_direct)
    ds_window_inverse_way_leave_directly (run, batch);
  else
    for (gsize i = 0; i < batch->n_entries; i++)
      {
        if (ds_window_inverse_way_has_filter (run))
          ds_window_inverse_way_count_batches (run, batch->entries[i], -1);
        ds_window_inverse_way_gather (run, run->part->old_values, batch->entries[i],
                                      &batch->values[i]);
      }
  return run->task->error == NULL;
}

static gboolean
ds_window_inverse_way_come (DsWindowRun *run,
                            const guint32 *indices,
                            const DsValue *values,
                            gsize n_values)
{
  if (run->is_direct)
    ds_window_inverse_way_come_directly (run, indices, values, n_values);
  else
    for (gsize i = 0; i < n_values; i++)
      {
        if (ds_window_inverse_way_has_filter (run))
          ds_window_inverse_way_count_batches (run, indices[i], 1);
        ds_window_inverse_way_gather (run, run->part->new_values, indices[i], &values[i]);
      }
  return run->task->error == NULL;
}

/* A key that the filter drops is forgotten. */
static void
ds_window_inverse_way_filter (DsWindowRun *run, guint32 index)
{
  DsWindowTable *table = run->table;
  DsValue value = table->state.values[index];

  if (!ds_window_value_is_nothing (value) && !ds_window_run_filter (run, index, value))
    ds_window_table_unlink (table, index);
  if (!table->state.entries[index].is_live && table->state.entries[index].n_batches == 0)
    ds_window_table_remove (table, index);
}

static gboolean
ds_window_inverse_way_finish (DsWindowRun *run)
{
  for (guint i = 0; i < run->table->touched->len; i++)
    {
      guint32 index = g_array_index (run->table->touched, guint32, i);

      if (!run->is_direct)
        ds_window_inverse_way_settle (run, index,
                                      ds_window_inverse_way_move_on (run, index, i));
      if (ds_window_inverse_way_has_filter (run))
        ds_window_inverse_way_filter (run, index);
      if (run->task->error != NULL)
        return FALSE;
    }
  return TRUE;
}

const DsWindowWay ds_window_inverse_way = { ds_window_inverse_way_leave,
                                            ds_window_inverse_way_come,
                                            ds_window_inverse_way_finish };
