/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading a table from outside while steps go on.  Batches are never written to once they
 * are in; those that leave are kept until nobody reads them.  Queues change: whoever is
 * about to change one puts a copy of it aside, unless it has been read or copied already,
 * so that a reader finds each as it was when it began.  Where they lie changes only under
 * the lock, which is held for a run of keys at a time and never while a function of the
 * program runs. */

#include "rdd/ds-window-table-private.h"

#include "base/ds-value-private.h"

/* In kept: the queue has been read. */
static DsWindowKeptQueue ds_window_queue_was_read;

void
ds_window_table_begin_reading (DsWindowTable *self, gboolean reads_queues)
{
  g_assert (self->can_be_captured && g_atomic_int_get (&self->n_readers) == 0);

  self->n_unread_left = self->left->len;
  self->read_time = self->state.time;
  g_atomic_int_inc (&self->n_readers);
  if (reads_queues && self->has_queues)
    {
      DsWindowReading *reading = g_new (DsWindowReading, 1);

      reading->n_entries = self->state.n_entries;
      reading->kept = g_new0 (DsWindowKeptQueue *, MAX (reading->n_entries, 1));
      reading->arena = ds_arena_new (NULL);
      g_atomic_pointer_set (&self->reading, reading);
    }
}

void
ds_window_table_end_reading (DsWindowTable *self)
{
  DsWindowReading *reading;

  g_mutex_lock (&self->lock);
  reading = self->reading;
  g_atomic_pointer_set (&self->reading, NULL);
  g_mutex_unlock (&self->lock);
  if (reading != NULL)
    {
      ds_arena_unref (reading->arena);
      g_free (reading->kept);
      g_free (reading);
    }
  (void) g_atomic_int_dec_and_test (&self->n_readers);
}

static DsValue
ds_window_reading_copy_value (DsWindowReading *self, DsValue value)
{
  return value.type <= DS_VALUE_TYPE_DOUBLE || ds_window_value_is_nothing (value)
             ? value
             : ds_value_copy (value, self->arena);
}

/* Where an aggregate is the value, it is so in the copy. */
static DsWindowKeptQueue *
ds_window_reading_copy_queue (DsWindowReading *self,
                              const DsWindowQueue *queue,
                              DsValue value)
{
  guint32 n_cells = ds_window_queue_get_length (queue);
  DsWindowKeptQueue *kept = ds_arena_alloc (self->arena, sizeof *kept);

  kept->queue = *queue;
  kept->queue.cells =
      ds_arena_alloc (self->arena, MAX (n_cells, 1) * sizeof *queue->cells);
  kept->queue.n_cells = 0;
  kept->value = ds_window_reading_copy_value (self, value);
  for (guint32 i = 0; i < n_cells; i++)
    {
      DsWindowCell cell = queue->cells[(queue->front + i) & (queue->n_cells - 1)];
      DsWindowCell *copy = &kept->queue.cells[i];

      copy->value = ds_window_reading_copy_value (self, cell.value);
      copy->aggregate = ds_window_cell_is_one_value (&cell)
                            ? copy->value
                            : ds_window_reading_copy_value (self, cell.aggregate);
    }
  return kept;
}

void
ds_window_table_keep_queues_slow (DsWindowTable *self,
                                  const guint32 *indices,
                                  gsize n_indices)
{
  DsWindowReading *reading;

  g_mutex_lock (&self->lock);
  reading = self->reading;
  for (gsize i = 0; reading != NULL && i < n_indices; i++)
    {
      guint32 index = indices[i];

      if (index < reading->n_entries && reading->kept[index] == NULL)
        reading->kept[index] =
            ds_window_reading_copy_queue (reading, &self->state.queues[index],
                                          self->state.values[index]);
    }
  g_mutex_unlock (&self->lock);
}

const DsWindowKeptQueue *
ds_window_table_read_queue_locked (DsWindowTable *self,
                                   guint32 index,
                                   DsWindowKeptQueue *room)
{
  const DsWindowKeptQueue *kept = self->reading->kept[index];

  g_assert (kept != &ds_window_queue_was_read);
  self->reading->kept[index] = &ds_window_queue_was_read;
  if (kept != NULL)
    return kept;
  room->queue = self->state.queues[index];
  room->value = self->state.values[index];
  return room;
}
