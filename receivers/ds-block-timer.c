/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Thousands of receivers share a poll thread, and each main loop iteration costs time for
 * every source in it.  So there is one source a thread for all block intervals: an array
 * of what is armed, and a ready time that is the earliest of it.  Due times are multiples
 * of the block interval, hence most fall together and cost one wake-up. */

#include "receivers/ds-block-timer-private.h"

#include "base/ds-macros.h"

typedef struct
{
  gint64 due;
  DsBlockTimerFunc func;
  gpointer data;
  GDestroyNotify destroy;
} DsBlockTimerEntry;

struct _DsBlockTimer
{
  GSource source;
  GMutex lock;
  GArray *entries; /* of DsBlockTimerEntry, in no order */
  gint64 ready_time;
};

static void
ds_block_timer_clear_entry (gpointer data)
{
  DsBlockTimerEntry *entry = data;

  entry->destroy (entry->data);
}

static GArray *
ds_block_timer_new_entries (void)
{
  GArray *entries = g_array_new (FALSE, FALSE, sizeof (DsBlockTimerEntry));

  g_array_set_clear_func (entries, ds_block_timer_clear_entry);
  return entries;
}

/* Thread: poll.  Locks: takes self->lock, not held while calling out. */
static gboolean
ds_block_timer_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  DsBlockTimer *self = (DsBlockTimer *) source;
  gint64 now = g_get_monotonic_time ();
  g_autoptr (GArray) due = ds_block_timer_new_entries ();
  guint n_kept = 0;

  g_mutex_lock (&self->lock);
  self->ready_time = -1;
  for (guint i = 0; i < self->entries->len; i++)
    {
      DsBlockTimerEntry entry = g_array_index (self->entries, DsBlockTimerEntry, i);

      if (entry.due <= now)
        {
          g_array_append_val (due, entry);
          continue;
        }
      g_array_index (self->entries, DsBlockTimerEntry, n_kept++) = entry;
      if (self->ready_time < 0 || entry.due < self->ready_time)
        self->ready_time = entry.due;
    }
  /* What was moved to @due must not be cleared here as well. */
  g_array_set_clear_func (self->entries, NULL);
  g_array_set_size (self->entries, n_kept);
  g_array_set_clear_func (self->entries, ds_block_timer_clear_entry);
  g_source_set_ready_time (source, self->ready_time);
  g_mutex_unlock (&self->lock);

  for (guint i = 0; i < due->len; i++)
    {
      DsBlockTimerEntry *entry = &g_array_index (due, DsBlockTimerEntry, i);

      entry->func (entry->data);
    }
  return G_SOURCE_CONTINUE;
}

static void
ds_block_timer_finalize (GSource *source)
{
  DsBlockTimer *self = (DsBlockTimer *) source;

  g_clear_pointer (&self->entries, g_array_unref);
  g_mutex_clear (&self->lock);
}

static GSourceFuncs ds_block_timer_funcs = {
  .dispatch = ds_block_timer_dispatch,
  .finalize = ds_block_timer_finalize,
};

DsBlockTimer *
ds_block_timer_new (GMainContext *context)
{
  GSource *source = g_source_new (&ds_block_timer_funcs, sizeof (DsBlockTimer));
  DsBlockTimer *self = (DsBlockTimer *) source;

  g_mutex_init (&self->lock);
  self->entries = ds_block_timer_new_entries ();
  self->ready_time = -1;
  g_source_set_static_name (source, "DsBlockTimer");
  g_source_attach (source, context);
  return self;
}

void
ds_block_timer_arm (DsBlockTimer *self,
                    gint64 due,
                    DsBlockTimerFunc func,
                    gpointer data,
                    GDestroyNotify destroy)
{
  DsBlockTimerEntry entry = { due, func, data, destroy };

  g_mutex_lock (&self->lock);
  g_array_append_val (self->entries, entry);
  if (self->ready_time < 0 || due < self->ready_time)
    {
      self->ready_time = due;
      g_source_set_ready_time (&self->source, due);
    }
  g_mutex_unlock (&self->lock);
}

void
ds_block_timer_free (DsBlockTimer *self)
{
  g_source_destroy (&self->source);
  g_source_unref (&self->source);
}
