/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which batches came in which step since a window was last saved.  Whoever has the window
 * as it was then, and these batches, can take the steps again and comes to the same
 * bytes; so that is all that a later capture has to hold.  A batch that has left the
 * window is not there any more: steps in which such a one came are forgotten, and with
 * them whatever builds on a save before them. */

#include "rdd/ds-window-stepper-private.h"

static void
ds_window_step_note_free (gpointer note)
{
  g_array_unref (note);
}

static DsTime
ds_window_step_note_get (const GArray *note, guint index)
{
  return g_array_index (note, DsTime, index);
}

void
ds_window_history_init (DsWindowHistory *self)
{
  *self = (DsWindowHistory){ .since = DS_TIME_NONE, .newest = DS_TIME_NONE };
  g_queue_init (&self->steps);
}

void
ds_window_history_clear (DsWindowHistory *self)
{
  g_queue_clear_full (&self->steps, ds_window_step_note_free);
}

/* Steps that began before @window_start, or of which a batch has left. */
static gboolean
ds_window_step_note_is_old (const GArray *note, DsTime window_start)
{
  return ds_window_step_note_get (note, note->len > 1 ? 1 : 0) <= window_start;
}

static void
ds_window_history_drop_first (DsWindowHistory *self)
{
  GArray *note = g_queue_pop_head (&self->steps);

  self->since = ds_window_step_note_get (note, 0);
  g_array_unref (note);
}

void
ds_window_history_add (DsWindowHistory *self,
                       DsTime time,
                       DsTime window_start,
                       const DsTime *times,
                       guint n_times)
{
  GArray *note = g_array_new (FALSE, FALSE, sizeof (DsTime));

  g_array_append_val (note, time);
  for (guint i = 0; i < n_times; i++)
    if (times[i] > window_start && times[i] > self->newest)
      {
        g_array_append_val (note, times[i]);
        self->newest = times[i];
      }
  g_queue_push_tail (&self->steps, note);
  while (!g_queue_is_empty (&self->steps) &&
         ds_window_step_note_is_old (g_queue_peek_head (&self->steps), window_start))
    ds_window_history_drop_first (self);
}

void
ds_window_history_set_base (DsWindowHistory *self, DsTime time)
{
  self->has_base = TRUE;
  self->base = time;
  while (!g_queue_is_empty (&self->steps) &&
         ds_window_step_note_get (g_queue_peek_head (&self->steps), 0) <= time)
    ds_window_history_drop_first (self);
}

gboolean
ds_window_history_has_base (const DsWindowHistory *self)
{
  return self->has_base && self->since <= self->base;
}

GPtrArray *
ds_window_history_ref_steps (const DsWindowHistory *self)
{
  GPtrArray *steps = g_ptr_array_new_with_free_func (ds_window_step_note_free);

  for (const GList *item = self->steps.head; item != NULL; item = item->next)
    if (ds_window_step_note_get (item->data, 0) > self->base)
      g_ptr_array_add (steps, g_array_ref (item->data));
  return steps;
}
