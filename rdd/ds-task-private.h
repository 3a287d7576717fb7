/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a task: one attempt at one partition of one stage.  One thread. */

#include "base/ds-failure-private.h"
#include "rdd/ds-context.h"
#include "rdd/ds-sink-private.h"
#include "rdd/ds-task.h"

G_BEGIN_DECLS

/* Where ds_task_emit () puts values: the output side of an operator's sink.  Two columns
 * of %DS_CHUNK_MAX_VALUES; flushed to the next sink when full.  The scratch arena is
 * reset between two calls of the user function, never inside one. */
typedef struct _DsEmitter DsEmitter;

struct _DsEmitter
{
  DsSink *next;
  DsForm form; /* values or pairs, as the first emission since the last flush decides */
  guint n_values;
  DsArena *arena;
  DsValue *values;      /* [DS_CHUNK_MAX_VALUES] */
  DsValue *pair_values; /* [DS_CHUNK_MAX_VALUES] */
  gboolean enough;      /* the next sink said FALSE: emissions are ignored */
  const DsValue
      *key; /* (nullable): flat_map_values, every emission goes under this key */
};

/* Between two calls of a user function the emitter is flushed once there are so many
 * values, or so many bytes of scratch memory. */
#define DS_EMITTER_HIGH_WATER (DS_CHUNK_MAX_VALUES * 3 / 4)
#define DS_SCRATCH_HIGH_WATER (256 * 1024)

typedef struct _DsJob DsJob;

struct _DsTask
{
  DsArena
      *arena; /* first, for ds_pair (): of the operator whose function runs just now */
  DsFailureReceiver receiver;
  DsContext *context; /* (nullable) in tests */
  DsJob *job;         /* (nullable): whom to ask whether to go on */
  guint64 job_id;
  guint partition;
  guint attempt;
  DsTime batch_time;
  gboolean is_replay;
  char *output_key;          /* (nullable): made when first asked for */
  GCancellable *cancellable; /* (nullable) */

  /* Of the operator whose function runs just now; saved and restored by ds_task_enter ().
   */
  const char *operator_name;         /* atomic: others look at it */
  DsEmitter *emitter;                /* (nullable): this operator emits nothing */
  const DsValue *current;            /* (nullable): the value in work, for messages */
  const DsValue *current_pair_value; /* (nullable) */

  GError *error; /* the first failure, with its context prefixed */
  GHashTable
      *counters; /* (nullable): name -> gint64 *, added to the context's on success */
  DsArena *own_arena; /* (nullable): for functions that run outside of an operator */
  DsTask *next; /* of the tasks of its job that run; guarded by the lock of the context */
  DsTask *previous;
};

typedef struct
{
  const char *operator_name;
  DsArena *arena;
  DsEmitter *emitter;
  const DsValue *current;
  const DsValue *current_pair_value;
} DsTaskFrame;

static inline void
ds_task_set_operator_name (DsTask *self, const char *operator_name)
{
  __atomic_store_n (&self->operator_name, operator_name, __ATOMIC_RELAXED);
}

DsTask *ds_task_new (DsContext *context, guint partition, guint attempt);
void ds_task_free (DsTask *self);
/* The same for a task that lives in memory of the caller. */
void ds_task_init (DsTask *self, DsContext *context, guint partition, guint attempt);
void ds_task_clear (DsTask *self);
/* Around the whole of a task's work on its thread: pushes and pops it as failure
 * receiver. */
void ds_task_begin (DsTask *self);
void ds_task_end (DsTask *self);
DsTask *ds_task_get_current (void); /* (nullable): of this thread */

/* Around a chunk's worth of calls of one operator's user function. */
static inline DsTaskFrame
ds_task_enter (DsTask *self,
               const char *operator_name,
               DsArena *arena,
               DsEmitter *emitter)
{
  DsTaskFrame frame = { self->operator_name, self->arena, self->emitter, self->current,
                        self->current_pair_value };

  ds_task_set_operator_name (self, operator_name);
  self->arena = arena;
  self->emitter = emitter;
  self->current = NULL;
  self->current_pair_value = NULL;
  return frame;
}

static inline void
ds_task_leave (DsTask *self, const DsTaskFrame *frame)
{
  ds_task_set_operator_name (self, frame->operator_name);
  self->arena = frame->arena;
  self->emitter = frame->emitter;
  self->current = frame->current;
  self->current_pair_value = frame->current_pair_value;
}

/* What sources ask once a chunk: FALSE when the task has failed or its job is to end; in
 * the second case the task fails with %DS_ERROR_CANCELLED or %DS_ERROR_STOPPED. */
gboolean ds_task_may_go_on (DsTask *self);
/* The failure of a value that is no pair, under the name of the operator that wanted one.
 */
void ds_task_fail_no_pair (DsTask *self, const char *operator_name, DsValue value);
DsArenaPool *ds_task_get_arena_pool (DsTask *self); /* (nullable): the default one */

/* The error of a failed task, to the caller.  Always FALSE. */
gboolean ds_task_propagate_error (DsTask *self, GError **error);

DsEmitter *ds_emitter_new (DsArenaPool *pool, DsSink *next);
void ds_emitter_free (DsEmitter *self);
gboolean ds_emitter_flush (DsEmitter *self); /* FALSE: enough */
gboolean ds_emitter_flush_and_reset (DsEmitter *self);

/* Between two calls of the user function: flushes and resets the arena when either is
 * filling up.  FALSE: enough. */
static inline gboolean
ds_emitter_between_calls (DsEmitter *self)
{
  if (G_LIKELY (self->n_values < DS_EMITTER_HIGH_WATER &&
                ds_arena_get_n_bytes (self->arena) < DS_SCRATCH_HIGH_WATER))
    return !self->enough;
  return ds_emitter_flush_and_reset (self);
}

G_END_DECLS
