/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsDeadlineHeap: which of many deadlines is over first.  Deadlines lie in what they are
 * of; one may be moved or taken away at any time.  Each step costs the logarithm of their
 * number.  One thread at a time. */

#include <glib.h>

G_BEGIN_DECLS

/* All 0: of no heap. */
typedef struct
{
  gint64 due;  /* µs */
  guint place; /* in the heap, counted from 1; 0: in none */
} DsDeadline;

typedef struct
{
  GPtrArray *deadlines; /* of DsDeadline, not owned; none is after those below it */
} DsDeadlineHeap;

void ds_deadline_heap_init (DsDeadlineHeap *self);
void ds_deadline_heap_clear (DsDeadlineHeap *self);
/* Adds @deadline, or moves it. */
void ds_deadline_heap_set (DsDeadlineHeap *self, DsDeadline *deadline, gint64 due);
/* Nothing when it is not there. */
void ds_deadline_heap_remove (DsDeadlineHeap *self, DsDeadline *deadline);
/* (nullable) */
DsDeadline *ds_deadline_heap_get_first (DsDeadlineHeap *self);
guint ds_deadline_heap_get_length (DsDeadlineHeap *self);

G_END_DECLS
