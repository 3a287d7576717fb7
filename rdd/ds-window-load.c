/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading what ds-window-save.c wrote into the tables of a stepper.  Keys get the places
 * of their numbers, so live ones lie in their order.  What steps rely on is checked: keys
 * are there once, stretches of queues fit each other, and a key is in as many batches as
 * it has values. */

#include "rdd/ds-window-save-private.h"

#include "base/ds-error.h"
#include "rdd/ds-partitioner-private.h"
#include "rdd/ds-sink-private.h"

/* Keys, and entries of a batch, that are added at a time. */
#define DS_WINDOW_LOAD_RUN 1024
G_STATIC_ASSERT (DS_WINDOW_LOAD_RUN <= DS_CHUNK_MAX_VALUES);

typedef struct
{
  DsWindowStepper *stepper;
  gboolean has_queues;
  gboolean has_filter;
  gboolean is_keyless;
  guint n_partitions;
  DsFrameReader frames;
  DsTime time;
  DsTime newest;     /* batch of all partitions */
  gboolean is_steps; /* that follow what is there */

  /* Of the partition that is read. */
  DsWindowTable *table;
  guint32 n_live;
  guint32 n_keys;
  guint32 *n_batches; /* of each key: that have it */
  DsArena *arena;     /* decoded values, until they are copied */
} DsWindowLoad;

/* ---- Keys ---- */

/* As ds-window-queue.c has it between two of its operations. */
static gboolean
ds_window_stretches_are_sound (const DsWindowStretches *self)
{
  guint32 n_front, n_middle;

  if (self->n_cells == 0 || self->left > self->right || self->right > self->turn ||
      self->turn > self->back || self->back > self->n_cells ||
      self->right - self->left != self->turn - self->right)
    return FALSE;
  n_front = self->back - (self->n_cells - self->back);
  n_middle = self->back - self->left;
  return self->back >= self->n_cells - self->back && n_front == n_middle + 1;
}

static gboolean
ds_window_load_take_cells (DsWindowLoad *self, DsWindowQueue *queue, GError **error)
{
  DsUndoLog *log = &self->table->log;
  guint32 n_cells = queue->end;

  for (guint32 i = 0; i < n_cells; i++)
    {
      DsWindowCell *cell;
      DsValue value;
      gint64 follows;

      /* As many cells as have come so far, or twice that: the number is not believed. */
      if (i == queue->n_cells)
        {
          DsWindowCell *old = queue->cells;

          queue->n_cells = MAX (1, 2 * i);
          queue->cells = ds_undo_log_alloc (log, queue->n_cells * sizeof *queue->cells);
          if (i > 0)
            {
              memcpy (queue->cells, old, i * sizeof *old);
              ds_undo_log_drop (log, old, i * sizeof *old);
            }
        }
      cell = &queue->cells[i];
      if (!ds_window_load_take_value (&self->frames, self->arena, &value, error))
        return FALSE;
      cell->value = ds_undo_log_copy_value (log, value);
      cell->aggregate = cell->value;
      if (ds_frame_reader_take_null (&self->frames))
        continue;
      if (!ds_frame_reader_take_int (&self->frames, "the mark of an aggregate", 1, 1,
                                     &follows, error) ||
          !ds_window_load_take_value (&self->frames, self->arena, &value, error))
        return FALSE;
      cell->aggregate = ds_undo_log_copy_value (log, value);
    }
  return TRUE;
}

static gboolean
ds_window_load_take_queue (DsWindowLoad *self, guint32 index, GError **error)
{
  const char *name = "a stretch of a queue";
  DsWindowStretches stretches;
  DsWindowQueue queue = { 0 };

  if (!ds_window_load_take_number (&self->frames, name, 0, G_MAXINT32, &stretches.left,
                                   error) ||
      !ds_window_load_take_number (&self->frames, name, 0, G_MAXINT32, &stretches.right,
                                   error) ||
      !ds_window_load_take_number (&self->frames, name, 0, G_MAXINT32, &stretches.turn,
                                   error) ||
      !ds_window_load_take_number (&self->frames, name, 0, G_MAXINT32, &stretches.back,
                                   error) ||
      !ds_window_load_take_number (&self->frames, name, 0, G_MAXINT32, &stretches.n_cells,
                                   error))
    return FALSE;
  if (!ds_window_stretches_are_sound (&stretches))
    return ds_frame_reader_fail (
        &self->frames, error, "the stretches of a queue are %u, %u, %u, %u of %u values",
        stretches.left, stretches.right, stretches.turn, stretches.back,
        stretches.n_cells);
  queue.left = stretches.left;
  queue.right = stretches.right;
  queue.turn = stretches.turn;
  queue.back = stretches.back;
  queue.end = stretches.n_cells;
  if (!ds_window_load_take_cells (self, &queue, error))
    return FALSE;
  self->table->state.queues[index] = queue;
  return TRUE;
}

static gboolean
ds_window_load_take_key (DsWindowLoad *self, guint32 number, GError **error)
{
  DsWindowTable *table = self->table;
  guint32 is_hidden = 0;
  DsValue key, value;
  guint32 index;

  if (!ds_window_load_begin_row (&self->frames, error) ||
      !ds_window_load_take_value (&self->frames, self->arena, &key, error))
    return FALSE;
  ds_window_table_find (table, &key, 1, &index);
  if (index != number)
    return ds_frame_reader_fail (&self->frames, error, "key %u is key %u already", number,
                                 index);
  if (number < self->n_live)
    {
      /* With an inverse, what the filter drops is not live. */
      if (!ds_window_load_take_number (&self->frames, "whether a key is hidden", 0,
                                       self->has_queues ? 1 : 0, &is_hidden, error) ||
          !ds_window_load_take_value (&self->frames, self->arena, &value, error))
        return FALSE;
      ds_window_table_set_value (table, index, value);
      ds_window_table_link (table, index);
      ds_window_table_set_hidden (table, index, is_hidden != 0);
    }
  ds_arena_reset (self->arena);
  return !self->has_queues || ds_window_load_take_queue (self, index, error);
}

static gboolean
ds_window_load_take_keys (DsWindowLoad *self, GError **error)
{
  for (guint32 i = 0; i < self->n_keys; i++)
    {
      if (!ds_window_load_take_key (self, i, error))
        return FALSE;
      /* Nothing will be taken back. */
      if (i % DS_WINDOW_LOAD_RUN == 0)
        ds_undo_log_commit (&self->table->log);
    }
  self->n_batches = g_new0 (guint32, MAX (self->n_keys, 1));
  return TRUE;
}

/* ---- Batches ---- */

/* Some entries of a batch, at most @n_entries.  Values lie in the frame until they are
 * added, so its end is also theirs. */
static gboolean
ds_window_load_take_run (DsWindowLoad *self,
                         guint32 n_entries,
                         guint32 *n_taken,
                         GError **error)
{
  guint32 indices[DS_WINDOW_LOAD_RUN];
  DsValue values[DS_WINDOW_LOAD_RUN];
  guint32 n = 0;

  if (!ds_window_load_begin_row (&self->frames, error))
    return FALSE;
  do
    {
      if (!ds_window_load_take_number (&self->frames, "the number of a key", 0,
                                       self->n_keys - 1, &indices[n], error) ||
          (!self->has_queues &&
           !ds_window_load_take_value (&self->frames, self->arena, &values[n], error)))
        return FALSE;
      self->n_batches[indices[n++]]++;
    }
  while (n < MIN (n_entries, DS_WINDOW_LOAD_RUN) &&
         !ds_frame_reader_is_at_end (&self->frames));
  ds_window_table_restore_entries (self->table, indices, values, n);
  ds_undo_log_commit (&self->table->log);
  ds_arena_reset (self->arena);
  *n_taken = n;
  return TRUE;
}

static gboolean
ds_window_load_take_batch (DsWindowLoad *self,
                           DsTime *last,
                           DsTime newest,
                           GError **error)
{
  guint32 n_entries;
  DsTime time;

  if (!ds_window_load_begin_row (&self->frames, error) ||
      !ds_frame_reader_take_int (&self->frames, "the time of a batch", *last + 1, newest,
                                 &time, error) ||
      !ds_window_load_take_number (&self->frames, "the entries of a batch", 1,
                                   G_MAXUINT32, &n_entries, error))
    return FALSE;
  if (self->n_keys == 0)
    return ds_frame_reader_fail (&self->frames, error, "a batch has keys that are none");
  *last = time;
  ds_window_table_begin_batch (self->table, time);
  while (n_entries > 0)
    {
      guint32 n_taken;

      if (!ds_window_load_take_run (self, n_entries, &n_taken, error))
        return FALSE;
      n_entries -= n_taken;
    }
  ds_window_table_end_batch (self->table);
  return TRUE;
}

/* How many batches have a key is what it stays for. */
static gboolean
ds_window_load_check_keys (DsWindowLoad *self, GError **error)
{
  DsWindowState *state = &self->table->state;

  for (guint32 i = 0; i < self->n_keys; i++)
    {
      guint32 n_batches = self->n_batches[i];

      if (self->has_queues ? n_batches != ds_window_queue_get_length (&state->queues[i])
                           : i >= self->n_live && n_batches == 0)
        return ds_frame_reader_fail (&self->frames, error, "key %u is in %u batches", i,
                                     n_batches);
      if (!self->has_queues && self->has_filter)
        state->entries[i].n_batches = n_batches;
    }
  return TRUE;
}

/* ---- Partitions ---- */

static gboolean
ds_window_load_take_contents (DsWindowLoad *self, GError **error)
{
  guint32 n_others, n_batches;
  DsTime newest;
  DsTime last = -1;

  if (!ds_window_load_take_time (&self->frames, &newest, error) ||
      !ds_window_load_take_number (&self->frames, "the number of keys", 0, G_MAXINT32,
                                   &self->n_live, error) ||
      !ds_window_load_take_number (&self->frames, "the number of other keys", 0,
                                   self->has_queues ? 0 : G_MAXINT32, &n_others, error) ||
      !ds_window_load_take_number (&self->frames, "the number of batches", 0, G_MAXINT32,
                                   &n_batches, error))
    return FALSE;
  self->n_keys = self->n_live + n_others;
  if (!ds_window_load_take_keys (self, error))
    return FALSE;
  for (guint32 i = 0; i < n_batches; i++)
    if (!ds_window_load_take_batch (self, &last, newest, error))
      return FALSE;
  self->table->state.time = newest;
  self->newest = MAX (self->newest, newest);
  return ds_window_load_check_keys (self, error);
}

static gboolean
ds_window_load_take_partition (DsWindowLoad *self, guint partition, GError **error)
{
  gboolean ok;

  self->table = &ds_window_stepper_use_partition (self->stepper, partition)->table;
  self->arena = ds_arena_new (NULL);
  ok = ds_window_load_take_contents (self, error);
  if (ok && self->table->can_be_captured)
    {
      ds_window_table_forget_values (self->table, self->has_queues
                                                      ? self->table->state.time
                                                      : DS_TIME_NONE);
      ds_block_unref (ds_window_table_make_block (self->table, self->is_keyless, NULL));
    }
  ds_undo_log_commit (&self->table->log);
  g_ptr_array_set_size (self->table->old_columns, 0);
  g_clear_pointer (&self->arena, ds_arena_unref);
  g_clear_pointer (&self->n_batches, g_free);
  return ok;
}

static gboolean
ds_window_load_take_partitions (DsWindowLoad *self, GError **error)
{
  gint64 next = 0;
  gint64 partition;

  for (;;)
    {
      if (!ds_window_load_begin_row (&self->frames, error) ||
          !ds_frame_reader_take_int (&self->frames, "a partition", next,
                                     self->n_partitions, &partition, error))
        return FALSE;
      if (partition == self->n_partitions)
        break;
      if (!ds_window_load_take_partition (self, (guint) partition, error))
        return FALSE;
      next = partition + 1;
    }
  return ds_frame_reader_is_at_end (&self->frames)
             ? TRUE
             : ds_frame_reader_fail (&self->frames, error, "there is more than that");
}

static gboolean
ds_window_load_check_plan (DsWindowLoad *self,
                           gboolean has_queues,
                           gint64 n_partitions,
                           GError **error)
{
  if (has_queues != self->has_queues)
    g_set_error (
        error, DS_ERROR, DS_ERROR_GRAPH_MISMATCH,
        "The saved window is of a function %s an inverse, but the stream has %s. "
        "Give it the functions that it had, or leave out what was saved with "
        "ds_streaming_context_drop_state ()",
        has_queues ? "without" : "with", has_queues ? "one" : "none");
  else if (n_partitions != self->n_partitions)
    g_set_error (
        error, DS_ERROR, DS_ERROR_GRAPH_MISMATCH,
        "The saved window lies in %" G_GINT64_FORMAT
        " partitions, but the stream has %u. Give it as many as it had, or leave "
        "out what was saved with ds_streaming_context_drop_state ()",
        n_partitions, self->n_partitions);
  else
    return TRUE;
  return FALSE;
}

/* Whether what is there is what the steps follow. */
static gboolean
ds_window_load_check_base (DsWindowLoad *self, GError **error)
{
  DsTime base;

  if (!ds_window_load_take_time (&self->frames, &base, error))
    return FALSE;
  return base == ds_window_stepper_get_time (self->stepper)
             ? TRUE
             : ds_frame_reader_fail (&self->frames, error,
                                     "it follows another window than the one before it");
}

static gboolean
ds_window_load_check_unused (DsWindowLoad *self, GError **error)
{
  for (guint i = 0; i < self->n_partitions; i++)
    if (ds_window_stepper_get_partition (self->stepper, i) != NULL)
      return ds_frame_reader_fail (&self->frames, error, "the window is in use already");
  return TRUE;
}

static gboolean
ds_window_load_take_head (DsWindowLoad *self, GError **error)
{
  DsFrameReader *frames = &self->frames;
  gint64 form, n_partitions;

  if (!ds_frame_reader_next (frames, error) ||
      !ds_frame_reader_take_name (frames, DS_WINDOW_SAVE_NAME, DS_WINDOW_SAVE_VERSION,
                                  error) ||
      !ds_frame_reader_take_int (frames, "whether it has queues", 0,
                                 DS_WINDOW_SAVE_STEPS + 1, &form, error) ||
      !ds_window_load_take_time (frames, &self->time, error) ||
      !ds_frame_reader_take_int (frames, "the number of partitions", 1, G_MAXUINT32,
                                 &n_partitions, error))
    return FALSE;
  self->is_steps = (form & DS_WINDOW_SAVE_STEPS) != 0;
  if (!ds_window_load_check_plan (self, form % 2 != 0, n_partitions, error) ||
      !(self->is_steps ? ds_window_load_check_base (self, error)
                       : ds_window_load_check_unused (self, error)))
    return FALSE;
  return ds_frame_reader_is_at_end (frames)
             ? TRUE
             : ds_frame_reader_fail (frames, error, "there is more than its head");
}

gboolean
ds_window_stepper_load (DsWindowStepper *self,
                        DsContext *context,
                        DsStateReader *reader,
                        GError **error)
{
  const DsWindowPlan *plan = ds_window_stepper_get_plan (self);
  DsWindowLoad load = { .stepper = self,
                        .has_queues = plan->inverse == NULL,
                        .has_filter = plan->filter != NULL,
                        .is_keyless = plan->is_keyless,
                        .n_partitions = ds_window_stepper_get_n_partitions (self),
                        .newest = DS_TIME_NONE };
  gboolean ok;

  ds_frame_reader_init (&load.frames, reader, "saved window");
  ok = ds_window_load_take_head (&load, error);
  if (ok && load.is_steps && context == NULL)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
                   "The window was not saved in full, but as the batches that came since "
                   "the checkpoint before: only the functions of the program know what "
                   "they come to. Let the program go on from it, or look at a checkpoint "
                   "that has it in full");
      ok = FALSE;
    }
  else if (ok && load.is_steps)
    ok = ds_window_load_take_steps (self, context, &load.frames, load.time, error);
  else if (ok && (ok = ds_window_load_take_partitions (&load, error)))
    {
      ds_window_stepper_set_time (self, load.time);
      ds_window_stepper_begin_history (self, load.newest);
    }
  ds_frame_reader_clear (&load.frames);
  return ok;
}

/* Live ones are enough: what is not live has no batch that comes back. */
gboolean
ds_window_stepper_check_partitions (DsWindowStepper *self, GError **error)
{
  DsPartitioner *partitioner = ds_window_stepper_get_partitioner (self);

  if (ds_window_stepper_get_plan (self)->is_keyless ||
      !ds_partitioner_has_func (partitioner))
    return TRUE;
  for (guint i = 0; i < ds_window_stepper_get_n_partitions (self); i++)
    {
      DsWindowPartition *used = ds_window_stepper_get_partition (self, i);
      const DsWindowTable *table = used != NULL ? &used->table : NULL;
      guint32 next = table != NULL ? table->state.first_live : 0;

      while (next > 0)
        {
          DsValue keys[DS_WINDOW_LOAD_RUN];
          gsize n = 0;

          for (; next > 0 && n < DS_WINDOW_LOAD_RUN;
               next = table->state.entries[next - 1].next)
            keys[n++] = table->state.keys[next - 1];
          if (!ds_partitioner_check_saved (partitioner, keys, n, i, error))
            return FALSE;
        }
    }
  return TRUE;
}
