/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsWindowQueue: values in the order of time, of which the oldest can be taken off, a new
 * one added, and all together asked for reduced to one, each with a constant number of
 * calls of the reduction, whatever the length.  The reduction is associative; it need not
 * be commutative and needs no inverse.
 *
 * At most %DS_WINDOW_QUEUE_MAX_PUSH_CALLS calls for a push,
 * %DS_WINDOW_QUEUE_MAX_POP_CALLS for a pop and one for the reduction of all.  All memory
 * is that of an undo log: what was done since its last commit can be taken back, the
 * queue's own struct included when it lies in memory that was saved.  One thread. */

#include "rdd/ds-task-private.h"
#include "rdd/ds-undo-log-private.h"

G_BEGIN_DECLS

#define DS_WINDOW_QUEUE_MAX_PUSH_CALLS 4
#define DS_WINDOW_QUEUE_MAX_POP_CALLS 3

/* What reduces, and where results go. */
typedef struct
{
  DsReduceFunc func;
  gpointer user_data;
  DsTask *task; /* entered by the caller, with an arena for what func allocates */
  DsUndoLog *log;
  guint64 n_calls; /* of func so far */
} DsWindowReducer;

typedef struct
{
  DsValue value;
  DsValue aggregate; /* of which stretch: see ds-window-queue.c */
} DsWindowCell;

/* All zeros: empty. */
typedef struct
{
  /*< private >*/
  DsWindowCell *cells; /* (nullable) */
  guint32 n_cells;     /* a power of two, or 0 */
  /* Running numbers of cells, in this order. */
  guint32 front;
  guint32 left;
  guint32 right;
  guint32 turn;
  guint32 back;
  guint32 end;
  guint32 unused;
} DsWindowQueue;

G_STATIC_ASSERT (sizeof (DsWindowQueue) == 40);

static inline guint32
ds_window_queue_get_length (const DsWindowQueue *self)
{
  return self->end - self->front;
}

/* The same in the same memory.  Empty ones may lie where others begin. */
static inline gboolean
ds_window_cell_is_one_value (const DsWindowCell *self)
{
  return self->aggregate.as.integer == self->value.as.integer &&
         self->aggregate.type == self->value.type &&
         self->aggregate.size == self->value.size;
}

/* A call of the reduction; the result lies wherever func put it. */
static inline DsValue
ds_window_reducer_call (DsWindowReducer *self, DsValue a, DsValue b)
{
  self->n_calls++;
  return self->func (a, b, self->task, self->user_data);
}

/* Copies @value.  After a failure of the task the queue is to be taken back. */
void ds_window_queue_push (DsWindowQueue *self, DsWindowReducer *reducer, DsValue value);
/* Takes off the oldest value; there is one. */
void ds_window_queue_pop (DsWindowQueue *self, DsWindowReducer *reducer);
/* All values reduced to one; there is one.  Valid until the queue is changed, or the
 * task's arena is reset. */
DsValue ds_window_queue_reduce (const DsWindowQueue *self, DsWindowReducer *reducer);
/* Gives back what an empty queue still holds. */
void ds_window_queue_clear (DsWindowQueue *self, DsUndoLog *log);

G_END_DECLS
