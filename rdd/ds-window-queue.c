/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The de-amortised bankers' aggregator: K. Tangwongsan, M. Hirzel and S. Schneider,
 * "Low-Latency Sliding-Window Aggregation in Worst-Case Constant Time", DEBS 2017.
 *
 * Two stacks give a queue whose reduction is that of both tops; but when the front one is
 * used up the back one has to be turned over at once.  Here the turning goes on a cell an
 * operation and is done when it is needed.  The cells from front to end are five
 * stretches, by what their aggregates reduce:
 *
 *   [front, left)   from the cell up to back     what a pop leaves on top
 *   [left, right)   from the cell up to right    the old front stack, still to be
 *                                                lengthened by what follows it
 *   [right, turn)   from right up to the cell    the old back stack, still to be turned
 *   [turn, back)    from the cell up to back     turned already
 *   [back, end)     from back up to the cell     what pushes add
 *
 * with right - left == turn - right, and back - front - (end - back) one more than the
 * three stretches in the middle together (or no cell at all).  So when front and back
 * stretch have the same length, everything in the middle is done, and the whole back
 * becomes what is to be turned next. */

#include "rdd/ds-window-queue-private.h"

static inline DsWindowCell *
ds_window_queue_cell (const DsWindowQueue *self, guint32 number)
{
  return &self->cells[number & (self->n_cells - 1)];
}

/* Twice the cells, at the places of their running numbers. */
static void
ds_window_queue_grow (DsWindowQueue *self, DsUndoLog *log)
{
  DsWindowQueue old = *self;

  self->n_cells = MAX (1, 2 * old.n_cells);
  self->cells = ds_undo_log_alloc (log, self->n_cells * sizeof *self->cells);
  for (guint32 i = old.front; i != old.end; i++)
    *ds_window_queue_cell (self, i) = *ds_window_queue_cell (&old, i);
  if (old.n_cells > 0)
    ds_undo_log_drop (log, old.cells, old.n_cells * sizeof *old.cells);
}

/* An aggregate of one value is that value, in the same memory. */
static void
ds_window_cell_drop_aggregate (const DsWindowCell *self, DsUndoLog *log)
{
  if (self->aggregate.as.bytes != self->value.as.bytes)
    ds_undo_log_drop_value (log, self->aggregate);
}

static void
ds_window_queue_set_aggregate (DsWindowQueue *self,
                               DsWindowReducer *reducer,
                               guint32 number,
                               DsValue aggregate)
{
  DsWindowCell *cell = ds_window_queue_cell (self, number);

  ds_undo_log_save (reducer->log, cell, sizeof *cell);
  ds_window_cell_drop_aggregate (cell, reducer->log);
  cell->aggregate = ds_undo_log_copy_value (reducer->log, aggregate);
}

/* One step of turning. */
static void
ds_window_queue_move_on (DsWindowQueue *self, DsWindowReducer *reducer)
{
  if (self->front == self->back)
    {
      self->left = self->right = self->turn = self->back = self->end;
      return;
    }
  if (self->left == self->back)
    {
      self->left = self->front;
      self->right = self->back;
      self->turn = self->back = self->end;
    }
  if (self->left == self->right)
    {
      self->left++;
      self->right++;
      self->turn++;
    }
  else
    {
      DsWindowCell *left = ds_window_queue_cell (self, self->left);
      DsWindowCell *last = ds_window_queue_cell (self, self->turn - 1);
      gboolean is_turned = self->turn != self->back;
      DsValue turned =
          is_turned ? ds_window_queue_cell (self, self->turn)->aggregate : (DsValue){ 0 };
      DsValue all = ds_window_reducer_call (reducer, left->aggregate, last->aggregate);
      DsValue next = last->value;

      if (is_turned)
        {
          all = ds_window_reducer_call (reducer, all, turned);
          next = ds_window_reducer_call (reducer, next, turned);
        }
      ds_window_queue_set_aggregate (self, reducer, self->left, all);
      if (is_turned)
        ds_window_queue_set_aggregate (self, reducer, self->turn - 1, next);
      else
        {
          ds_undo_log_save (reducer->log, last, sizeof *last);
          ds_window_cell_drop_aggregate (last, reducer->log);
          last->aggregate = last->value;
        }
      self->left++;
      self->turn--;
    }
}

void
ds_window_queue_push (DsWindowQueue *self, DsWindowReducer *reducer, DsValue value)
{
  gboolean is_alone = self->back == self->end; /* in the back stretch */
  DsWindowCell *cell;

  if (ds_window_queue_get_length (self) == self->n_cells)
    ds_window_queue_grow (self, reducer->log);
  cell = ds_window_queue_cell (self, self->end);
  ds_undo_log_save (reducer->log, cell, sizeof *cell);
  cell->value = ds_undo_log_copy_value (reducer->log, value);
  cell->aggregate =
      is_alone ? cell->value
               : ds_undo_log_copy_value (
                     reducer->log,
                     ds_window_reducer_call (
                         reducer, ds_window_queue_cell (self, self->end - 1)->aggregate,
                         cell->value));
  self->end++;
  ds_window_queue_move_on (self, reducer);
}

void
ds_window_queue_pop (DsWindowQueue *self, DsWindowReducer *reducer)
{
  DsWindowCell *cell = ds_window_queue_cell (self, self->front);

  ds_window_cell_drop_aggregate (cell, reducer->log);
  ds_undo_log_drop_value (reducer->log, cell->value);
  self->front++;
  ds_window_queue_move_on (self, reducer);
}

DsValue
ds_window_queue_reduce (const DsWindowQueue *self, DsWindowReducer *reducer)
{
  DsValue front = ds_window_queue_cell (self, self->front)->aggregate;

  if (self->back == self->end)
    return front;
  return ds_window_reducer_call (reducer, front,
                                 ds_window_queue_cell (self, self->end - 1)->aggregate);
}

void
ds_window_queue_clear (DsWindowQueue *self, DsUndoLog *log)
{
  if (self->n_cells > 0)
    ds_undo_log_drop (log, self->cells, self->n_cells * sizeof *self->cells);
  memset (self, 0, sizeof *self);
}
