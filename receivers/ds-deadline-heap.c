/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A binary heap in an array: place n is above places 2n and 2n + 1.  Each deadline knows
 * its place, so that it is found again when it moves. */

#include "receivers/ds-deadline-heap-private.h"

void
ds_deadline_heap_init (DsDeadlineHeap *self)
{
  self->deadlines = g_ptr_array_new ();
}

void
ds_deadline_heap_clear (DsDeadlineHeap *self)
{
  g_clear_pointer (&self->deadlines, g_ptr_array_unref);
}

static DsDeadline *
ds_deadline_heap_get (DsDeadlineHeap *self, guint place)
{
  return g_ptr_array_index (self->deadlines, place - 1);
}

static void
ds_deadline_heap_put (DsDeadlineHeap *self, guint place, DsDeadline *deadline)
{
  g_ptr_array_index (self->deadlines, place - 1) = deadline;
  deadline->place = place;
}

/* Finds the place for @deadline, which may be wrong where it is, upwards or downwards. */
static void
ds_deadline_heap_settle (DsDeadlineHeap *self, DsDeadline *deadline)
{
  guint length = self->deadlines->len;
  guint place = deadline->place;

  while (place > 1 && ds_deadline_heap_get (self, place / 2)->due > deadline->due)
    {
      ds_deadline_heap_put (self, place, ds_deadline_heap_get (self, place / 2));
      place /= 2;
    }
  while (2 * place <= length)
    {
      guint below = 2 * place;

      if (below < length && ds_deadline_heap_get (self, below + 1)->due <
                                ds_deadline_heap_get (self, below)->due)
        below++;
      if (ds_deadline_heap_get (self, below)->due >= deadline->due)
        break;
      ds_deadline_heap_put (self, place, ds_deadline_heap_get (self, below));
      place = below;
    }
  ds_deadline_heap_put (self, place, deadline);
}

void
ds_deadline_heap_set (DsDeadlineHeap *self, DsDeadline *deadline, gint64 due)
{
  deadline->due = due;
  if (deadline->place == 0)
    {
      g_ptr_array_add (self->deadlines, deadline);
      deadline->place = self->deadlines->len;
    }
  ds_deadline_heap_settle (self, deadline);
}

void
ds_deadline_heap_remove (DsDeadlineHeap *self, DsDeadline *deadline)
{
  guint place = deadline->place;
  DsDeadline *last = NULL;

  if (place == 0)
    return;

  last = ds_deadline_heap_get (self, self->deadlines->len);
  g_ptr_array_set_size (self->deadlines, (gint) self->deadlines->len - 1);
  deadline->place = 0;
  if (last == deadline)
    return;

  ds_deadline_heap_put (self, place, last);
  ds_deadline_heap_settle (self, last);
}

DsDeadline *
ds_deadline_heap_get_first (DsDeadlineHeap *self)
{
  return self->deadlines->len > 0 ? ds_deadline_heap_get (self, 1) : NULL;
}

guint
ds_deadline_heap_get_length (DsDeadlineHeap *self)
{
  return self->deadlines->len;
}
