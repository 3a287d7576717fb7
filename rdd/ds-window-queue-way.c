/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Windows over a function without an inverse: each key has a queue of what it came to in
 * the batches of the window, and the value that they all reduce to, asked for when the
 * queue has changed.  A key whose queue is empty goes. */

#include "rdd/ds-window-stepper-private.h"

/* Queues that are put aside for a reader at a time. */
#define DS_WINDOW_QUEUE_RUN 256

/* The queue is about to change. */
static DsWindowQueue *
ds_window_queue_way_touch (DsWindowRun *run, guint32 index)
{
  DsWindowQueue *queue = &run->table->state.queues[index];
  guint32 at;

  if (!ds_window_table_touch (run->table, index, &at))
    ds_undo_log_save (&run->table->log, queue, sizeof *queue);
  return queue;
}

/* Between two calls: everything that is to stay has been copied. */
static gboolean
ds_window_queue_way_may_go_on (DsWindowRun *run)
{
  ds_window_run_reset_scratch (run);
  return run->task->error == NULL;
}

static gboolean
ds_window_queue_way_leave (DsWindowRun *run, const DsWindowBatch *batch)
{
  for (gsize i = 0; i < batch->n_entries; i++)
    {
      DsWindowQueue *queue;

      if (i % DS_WINDOW_QUEUE_RUN == 0)
        ds_window_table_keep_queues (run->table, batch->entries + i,
                                     MIN (batch->n_entries - i, DS_WINDOW_QUEUE_RUN));
      queue = ds_window_queue_way_touch (run, batch->entries[i]);

      ds_window_run_set_current (run, batch->entries[i], NULL);
      ds_window_queue_pop (queue, &run->reducer);
      if (!ds_window_queue_way_may_go_on (run))
        return FALSE;
    }
  return TRUE;
}

static gboolean
ds_window_queue_way_come (DsWindowRun *run,
                          const guint32 *indices,
                          const DsValue *values,
                          gsize n_values)
{
  ds_window_table_keep_queues (run->table, indices, n_values);
  for (gsize i = 0; i < n_values; i++)
    {
      DsWindowQueue *queue = ds_window_queue_way_touch (run, indices[i]);

      ds_window_run_set_current (run, indices[i], &values[i]);
      ds_window_queue_push (queue, &run->reducer, values[i]);
      if (!ds_window_queue_way_may_go_on (run))
        return FALSE;
    }
  return TRUE;
}

static gboolean
ds_window_queue_way_finish (DsWindowRun *run)
{
  DsWindowTable *table = run->table;

  for (guint i = 0; i < table->touched->len; i++)
    {
      guint32 index = g_array_index (table->touched, guint32, i);
      const DsWindowQueue *queue = &table->state.queues[index];
      gboolean is_live = table->state.entries[index].is_live;

      if (ds_window_queue_get_length (queue) == 0)
        {
          if (is_live)
            ds_window_table_unlink (table, index);
          ds_window_table_remove (table, index);
          continue;
        }
      ds_window_run_set_current (run, index, NULL);
      ds_window_table_set_value (table, index,
                                 ds_window_queue_reduce (queue, &run->reducer));
      if (!is_live)
        ds_window_table_link (table, index);
      if (run->plan->filter != NULL)
        ds_window_table_set_hidden (table, index,
                                    !ds_window_run_filter (run, index,
                                                           table->state.values[index]));
      if (!ds_window_queue_way_may_go_on (run))
        return FALSE;
    }
  return TRUE;
}

const DsWindowWay ds_window_queue_way = { ds_window_queue_way_leave,
                                          ds_window_queue_way_come,
                                          ds_window_queue_way_finish };
