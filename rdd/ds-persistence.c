/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kept partitions of one RDD.
 *
 * A partition is computed into a spill buffer first and pushed from there, so that a sink
 * that soon has enough does not leave half a partition, and nobody waits for a task that
 * is busy with its own sinks.  What is kept waits for nothing but its parents; lineage
 * has no circles, so those who wait for each other have none either.
 *
 * A job that begins pins what it may read.  Without that, a partition could be taken away
 * after the job has decided to do without the map stages behind it. */

#include "rdd/ds-persistence-private.h"

#include "base/ds-error.h"
#include "rdd/ds-spill-buffer-private.h"

/* How soon a task that waits for another one's partition sees that its job has ended. */
#define DS_PERSISTENCE_WAIT_US (10 * DS_MILLISECOND)

typedef enum
{
  DS_KEPT_NOT,
  DS_KEPT_IN_WORK,
  DS_KEPT_ALL
} DsKeptState;

typedef struct
{
  DsKeptState state;
  DsSpillBuffer *buffer; /* when all is kept */
} DsKeptPartition;

/* Guarded by the persistence's lock; buffers don't change once they are here. */
typedef struct
{
  guint ref_count;
  DsSpillFile *file;
  guint n_partitions;
  guint n_missing;
  guint64 n_bytes;
  gboolean has_forgotten_inputs;
  DsKeptPartition partitions[];
} DsKept;

struct _DsPersistence
{
  gint is_active; /* atomic: @level says so, or something is kept */

  GMutex lock;   /* guards all below */
  GCond changed; /* a partition is no longer in work */
  DsStorageLevel level;
  DsKept *kept; /* (nullable): made by whoever needs it first */
  guint n_pins;
};

/* ---- What is kept ---- */

static DsKept *
ds_kept_new (DsRdd *rdd)
{
  const guint n_partitions = ds_rdd_get_n_partitions (rdd);
  DsKept *self = g_malloc0 (sizeof *self + n_partitions * sizeof (DsKeptPartition));

  self->ref_count = 1;
  self->file =
      ds_spill_file_new (ds_context_get_local_directory (ds_rdd_get_context (rdd)));
  self->n_partitions = n_partitions;
  self->n_missing = n_partitions;
  return self;
}

/* Locks: needs that of the persistence, so that it is freed by one. */
static void
ds_kept_unref_locked (DsKept *self)
{
  if (--self->ref_count > 0)
    return;
  for (guint i = 0; i < self->n_partitions; i++)
    g_clear_pointer (&self->partitions[i].buffer, ds_spill_buffer_free);
  ds_spill_file_unref (self->file);
  g_free (self);
}

/* ---- The persistence ---- */

DsPersistence *
ds_persistence_new (void)
{
  DsPersistence *self = g_new0 (DsPersistence, 1);

  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  return self;
}

void
ds_persistence_free (DsPersistence *self)
{
  g_clear_pointer (&self->kept, ds_kept_unref_locked);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self);
}

/* Locks: needs self->lock. */
static void
ds_persistence_drop_unwanted_locked (DsPersistence *self)
{
  if (self->level == DS_STORAGE_NONE && self->n_pins == 0)
    {
      g_clear_pointer (&self->kept, ds_kept_unref_locked);
      g_atomic_int_set (&self->is_active, FALSE);
    }
}

void
ds_persistence_set_level (DsPersistence *self, DsStorageLevel level, gboolean has_values)
{
  g_mutex_lock (&self->lock);
  self->level = level;
  if (level != DS_STORAGE_NONE && !has_values)
    g_atomic_int_set (&self->is_active, TRUE);
  ds_persistence_drop_unwanted_locked (self);
  g_mutex_unlock (&self->lock);
}

DsStorageLevel
ds_persistence_get_level (DsPersistence *self)
{
  DsStorageLevel level;

  g_mutex_lock (&self->lock);
  level = self->level;
  g_mutex_unlock (&self->lock);
  return level;
}

gboolean
ds_persistence_is_active (DsPersistence *self)
{
  return g_atomic_int_get (&self->is_active);
}

gboolean
ds_persistence_get_n_bytes (DsPersistence *self, guint64 *n_bytes)
{
  gboolean is_complete;

  g_mutex_lock (&self->lock);
  is_complete = self->kept != NULL && self->kept->n_missing == 0;
  if (is_complete)
    *n_bytes = self->kept->n_bytes;
  g_mutex_unlock (&self->lock);
  return is_complete;
}

/* ---- Jobs ---- */

gboolean
ds_persistence_pin (DsRdd *rdd, gboolean *is_complete)
{
  DsPersistence *self = ds_rdd_get_persistence (rdd);
  gboolean is_active;

  if (self == NULL)
    return FALSE;
  g_mutex_lock (&self->lock);
  is_active = g_atomic_int_get (&self->is_active);
  *is_complete = self->kept != NULL && self->kept->n_missing == 0;
  if (is_active)
    self->n_pins++;
  g_mutex_unlock (&self->lock);
  return is_active;
}

void
ds_persistence_unpin (DsRdd *rdd)
{
  DsPersistence *self = ds_rdd_get_persistence (rdd);

  g_mutex_lock (&self->lock);
  self->n_pins--;
  ds_persistence_drop_unwanted_locked (self);
  g_mutex_unlock (&self->lock);
}

void
ds_persistence_forget_inputs (DsRdd *rdd)
{
  DsPersistence *self = ds_rdd_get_persistence (rdd);
  guint n_dependencies;
  const DsDependency *dependencies = ds_rdd_get_dependencies (rdd, &n_dependencies);
  gboolean forgets;

  g_mutex_lock (&self->lock);
  forgets = self->kept != NULL && self->kept->n_missing == 0 &&
            !self->kept->has_forgotten_inputs;
  if (forgets)
    self->kept->has_forgotten_inputs = TRUE;
  g_mutex_unlock (&self->lock);

  for (guint i = 0; forgets && i < n_dependencies; i++)
    if (dependencies[i].shuffle != NULL)
      ds_shuffle_forget_outputs (dependencies[i].shuffle);
}

/* ---- Reading ---- */

static gboolean
ds_persistence_push (DsSpillBuffer *buffer, DsTask *task, DsSink *sink)
{
  g_autoptr (DsSpillReader) reader = ds_spill_reader_new (buffer);

  while (ds_task_may_go_on (task))
    {
      DsChunk chunk;
      gboolean at_end;
      GError *error = NULL;

      if (!ds_spill_reader_next (reader, &chunk, &at_end, &error))
        {
          ds_task_take_error (task, error);
          return FALSE;
        }
      if (at_end || !ds_sink_push (sink, &chunk))
        break;
    }
  return task->error == NULL;
}

/* All of @partition.  NULL when the task failed. */
static DsSpillBuffer *
ds_persistence_compute (DsRdd *rdd,
                        guint partition,
                        DsTask *task,
                        DsStorageLevel level,
                        DsSpillFile *file)
{
  DsMemoryBudget *budget = ds_context_get_memory_budget (task->context);
  /* A partition that does not fit is not kept: its file goes with it. */
  g_autoptr (DsSpillBuffer) buffer =
      level == DS_STORAGE_MEMORY
          ? ds_spill_buffer_new (budget, ds_context_get_local_directory (task->context))
          : ds_spill_buffer_new_in_file (budget, file, 1);
  DsSink *sink = ds_spill_sink_new (task, buffer);
  GError *error = NULL;
  gboolean success;

  ds_spill_buffer_set_lasts (buffer, level == DS_STORAGE_DISK);
  sink->operator_name = ds_rdd_get_operator_name (rdd);
  success = ds_rdd_compute_anew (rdd, partition, task, sink) && ds_sink_finish (sink);
  ds_sink_free (sink);
  if (!success)
    return NULL;
  if (!ds_spill_buffer_seal (buffer, &error))
    {
      ds_task_take_error (task, error);
      return NULL;
    }
  return g_steal_pointer (&buffer);
}

/* Waits while another task computes @partition.  FALSE: the task is to end. */
static gboolean
ds_persistence_wait_locked (DsPersistence *self, DsKeptPartition *partition, DsTask *task)
{
  while (partition->state == DS_KEPT_IN_WORK)
    {
      if (!ds_task_may_go_on (task))
        return FALSE;
      g_cond_wait_until (&self->changed, &self->lock,
                         g_get_monotonic_time () + DS_PERSISTENCE_WAIT_US);
    }
  return TRUE;
}

/* Whether @buffer, just computed, stays.  NULL: the task failed.
 * Locks: needs self->lock. */
static gboolean
ds_persistence_settle_locked (DsPersistence *self,
                              DsKept *kept,
                              guint partition,
                              DsStorageLevel level,
                              DsSpillBuffer *buffer)
{
  DsKeptPartition *there = &kept->partitions[partition];
  const gboolean stays =
      buffer != NULL &&
      (level != DS_STORAGE_MEMORY || ds_spill_buffer_get_n_spilled_bytes (buffer) == 0);

  there->state = stays ? DS_KEPT_ALL : DS_KEPT_NOT;
  if (stays)
    {
      there->buffer = buffer;
      kept->n_missing--;
      kept->n_bytes += ds_spill_buffer_get_n_bytes (buffer);
    }
  g_cond_broadcast (&self->changed);
  return stays;
}

/* Locks: takes self->lock, not held while values are computed or pushed. */
static gboolean
ds_persistence_read_kept (DsPersistence *self,
                          DsKept *kept,
                          DsRdd *rdd,
                          guint partition,
                          DsTask *task,
                          DsSink *sink)
{
  DsKeptPartition *there = &kept->partitions[partition];
  DsSpillBuffer *buffer;
  DsStorageLevel level;
  gboolean stays;
  gboolean success;

  g_mutex_lock (&self->lock);
  if (!ds_persistence_wait_locked (self, there, task))
    {
      g_mutex_unlock (&self->lock);
      return FALSE;
    }
  buffer = there->buffer;
  level = self->level;
  if (buffer == NULL &&
      (level == DS_STORAGE_NONE ||
       (level == DS_STORAGE_MEMORY &&
        !ds_memory_budget_has_room (ds_context_get_memory_budget (task->context)))))
    {
      g_mutex_unlock (&self->lock);
      return ds_rdd_compute_anew (rdd, partition, task, sink);
    }
  if (buffer == NULL)
    there->state = DS_KEPT_IN_WORK;
  g_mutex_unlock (&self->lock);
  if (buffer != NULL)
    return ds_persistence_push (buffer, task, sink);

  buffer = ds_persistence_compute (rdd, partition, task, level, kept->file);
  g_mutex_lock (&self->lock);
  stays = ds_persistence_settle_locked (self, kept, partition, level, buffer);
  g_mutex_unlock (&self->lock);
  success = buffer != NULL && ds_persistence_push (buffer, task, sink);
  if (!stays)
    g_clear_pointer (&buffer, ds_spill_buffer_free);
  return success;
}

gboolean
ds_persistence_read (DsRdd *rdd, guint partition, DsTask *task, DsSink *sink)
{
  DsPersistence *self = ds_rdd_get_persistence (rdd);
  DsKept *kept = NULL;
  gboolean success;

  g_mutex_lock (&self->lock);
  if (g_atomic_int_get (&self->is_active))
    {
      if (self->kept == NULL)
        self->kept = ds_kept_new (rdd);
      kept = self->kept;
      kept->ref_count++;
    }
  g_mutex_unlock (&self->lock);
  if (kept == NULL) /* taken away just now */
    return ds_rdd_compute_anew (rdd, partition, task, sink);

  success = ds_persistence_read_kept (self, kept, rdd, partition, task, sink);
  g_mutex_lock (&self->lock);
  ds_kept_unref_locked (kept);
  g_mutex_unlock (&self->lock);
  return success;
}

/* ---- Public ---- */

/**
 * ds_rdd_persist:
 * @self: an RDD
 * @level: where its values are kept
 *
 * Keeps the values from now on: each partition is computed by the first task that wants
 * it, and read by all others, also those of jobs that run at the same time.  Once every
 * partition is kept nothing behind the RDD is looked at again, and what its own shuffle
 * has moved goes.
 *
 * What is kept counts against the context's `memory-budget`.  Where there is no room
 * left, %DS_STORAGE_MEMORY does not keep a partition and computes it again the next time;
 * %DS_STORAGE_MEMORY_AND_DISK keeps it in a file in the context's `local-directory`, as
 * %DS_STORAGE_DISK always does.  A partition that is kept already stays where it is when
 * the level changes.  The values of RDDs that have them in memory anyway
 * (ds_context_parallelize (), received data) are not kept twice.
 *
 * At any time.  %DS_STORAGE_NONE is the same as ds_rdd_unpersist (); an unknown level
 * latches %DS_ERROR_INVALID_ARGUMENT.
 */
void
ds_rdd_persist (DsRdd *self, DsStorageLevel level)
{
  g_return_if_fail (DS_IS_RDD (self));

  switch (level)
    {
    case DS_STORAGE_NONE:
    case DS_STORAGE_MEMORY:
    case DS_STORAGE_MEMORY_AND_DISK:
    case DS_STORAGE_DISK:
      ds_persistence_set_level (ds_rdd_make_persistence (self), level,
                                ds_rdd_get_ops (self)->has_values &&
                                    level != DS_STORAGE_DISK);
      break;
    default:
      ds_rdd_latch_error (
          self, g_error_new (DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                             "%s[%" G_GUINT64_FORMAT "] was persisted at level %d: there "
                             "are DS_STORAGE_MEMORY, DS_STORAGE_MEMORY_AND_DISK, "
                             "DS_STORAGE_DISK and DS_STORAGE_NONE",
                             ds_rdd_get_operator_name (self), ds_rdd_get_id (self),
                             (int) level));
    }
}

/**
 * ds_rdd_cache:
 * @self: an RDD
 *
 * ds_rdd_persist () in memory.
 */
void
ds_rdd_cache (DsRdd *self)
{
  g_return_if_fail (DS_IS_RDD (self));

  ds_rdd_persist (self, DS_STORAGE_MEMORY);
}

/**
 * ds_rdd_unpersist:
 * @self: an RDD
 *
 * Drops what is kept, at once, or when the jobs that run now have ended.  Whoever still
 * needs the values computes them again.  At any time; nothing happens to an RDD that is
 * not persisted.
 */
void
ds_rdd_unpersist (DsRdd *self)
{
  g_return_if_fail (DS_IS_RDD (self));

  if (ds_rdd_get_persistence (self) != NULL)
    ds_persistence_set_level (ds_rdd_get_persistence (self), DS_STORAGE_NONE, FALSE);
}

/**
 * ds_rdd_get_storage_level:
 * @self: an RDD
 *
 * Gets where its values are kept.
 *
 * Returns: what ds_rdd_persist () said last; %DS_STORAGE_NONE without it
 */
DsStorageLevel
ds_rdd_get_storage_level (DsRdd *self)
{
  DsPersistence *persistence;

  g_return_val_if_fail (DS_IS_RDD (self), DS_STORAGE_NONE);

  persistence = ds_rdd_get_persistence (self);
  return persistence != NULL ? ds_persistence_get_level (persistence) : DS_STORAGE_NONE;
}
