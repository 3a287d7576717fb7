/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DsPartitioner: the partition of a key is its hash modulo their number, or what a
 * function says.  The hash is ds_value_hash (), the same on every machine and run, since
 * what it decides may be written down; the hash of tables is another one, so that the
 * keys of one partition do not crowd into one part of a table. */

#include "rdd/ds-partitioner-private.h"

#include "base/ds-error.h"
#include "base/ds-value-private.h"
#include "rdd/ds-sink-private.h"
#include "rdd/ds-task-private.h"

struct _DsPartitioner
{
  guint n_partitions;
  DsPartitionFunc func; /* (nullable): by hash */
  gpointer user_data;
  GDestroyNotify destroy;
};

G_DEFINE_BOXED_TYPE (DsPartitioner,
                     ds_partitioner,
                     ds_partitioner_ref,
                     ds_partitioner_unref)

/**
 * ds_partitioner_new_hash:
 * @n_partitions: how many partitions, at least 1
 *
 * Keys by their hash, which is the same on every machine and in every run.  Null goes to
 * partition 0.  Two such partitioners of one size are the same rule.
 *
 * Returns: (transfer full): the partitioner
 */
DsPartitioner *
ds_partitioner_new_hash (guint n_partitions)
{
  DsPartitioner *self;

  g_return_val_if_fail (n_partitions > 0, NULL);

  self = g_atomic_rc_box_new0 (DsPartitioner);
  self->n_partitions = n_partitions;
  return self;
}

/**
 * ds_partitioner_new: (skip)
 * @n_partitions: how many partitions, at least 1
 * @func: (scope notified) (closure user_data) (destroy destroy): the partition of a key,
 *   below @n_partitions; must say the same whenever it is asked
 * @user_data: for @func
 * @destroy: (nullable): frees @user_data with the partitioner
 *
 * Keys by a function.  A number that is none of the partitions fails the task that asked,
 * naming key and number.
 *
 * Returns: (transfer full): the partitioner; the same rule as itself only
 */
DsPartitioner *
ds_partitioner_new (guint n_partitions,
                    DsPartitionFunc func,
                    gpointer user_data,
                    GDestroyNotify destroy)
{
  DsPartitioner *self;

  g_return_val_if_fail (n_partitions > 0 && func != NULL, NULL);

  self = ds_partitioner_new_hash (n_partitions);
  self->func = func;
  self->user_data = user_data;
  self->destroy = destroy;
  return self;
}

/**
 * ds_partitioner_ref:
 * @self: a partitioner
 *
 * Takes a reference.  Any thread.
 *
 * Returns: (transfer full): @self
 */
DsPartitioner *
ds_partitioner_ref (DsPartitioner *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_atomic_rc_box_acquire (self);
}

static void
ds_partitioner_clear (gpointer partitioner)
{
  DsPartitioner *self = partitioner;

  if (self->destroy != NULL)
    self->destroy (self->user_data);
}

/**
 * ds_partitioner_unref:
 * @self: (transfer full): a partitioner
 *
 * Gives a reference back.
 */
void
ds_partitioner_unref (DsPartitioner *self)
{
  g_return_if_fail (self != NULL);

  g_atomic_rc_box_release_full (self, ds_partitioner_clear);
}

/**
 * ds_partitioner_get_n_partitions:
 * @self: a partitioner
 *
 * Gets the number of partitions.
 *
 * Returns: how many partitions it tells apart
 */
guint
ds_partitioner_get_n_partitions (DsPartitioner *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->n_partitions;
}

gboolean
ds_partitioner_is_single (DsPartitioner *self)
{
  return self->n_partitions == 1 && self->func == NULL;
}

static void
ds_partitioner_fail_range (DsPartitioner *self,
                           DsTask *task,
                           DsValue key,
                           guint partition)
{
  g_autofree char *described = ds_value_describe (key, 200);

  ds_task_take_error (
      task,
      g_error_new (DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                   "The partitioner's function put key %s into partition %u; "
                   "there are %u, from 0 to %u",
                   described, partition, self->n_partitions, self->n_partitions - 1));
}

gboolean
ds_partitioner_get_partitions (DsPartitioner *self,
                               const DsValue *keys,
                               gsize n_keys,
                               DsTask *task,
                               guint32 *partitions)
{
  const guint n_partitions = self->n_partitions;

  if (ds_partitioner_is_single (self))
    {
      memset (partitions, 0, n_keys * sizeof *partitions);
      return TRUE;
    }
  for (gsize i = 0; i < n_keys; i++)
    {
      if (self->func == NULL)
        {
          partitions[i] = ds_value_is_null (keys[i])
                              ? 0
                              : (guint32) (ds_value_hash (keys[i]) % n_partitions);
          continue;
        }
      task->current = &keys[i];
      task->current_pair_value = NULL;
      partitions[i] = self->func (keys[i], n_partitions, task, self->user_data);
      if (G_UNLIKELY (task->error == NULL && partitions[i] >= n_partitions))
        ds_partitioner_fail_range (self, task, keys[i], partitions[i]);
      if (G_UNLIKELY (task->error != NULL))
        return FALSE;
    }
  task->current = NULL;
  return TRUE;
}

gboolean
ds_partitioner_equal (DsPartitioner *a, DsPartitioner *b)
{
  if (a == NULL || b == NULL)
    return FALSE;
  return a == b ||
         (a->func == NULL && b->func == NULL && a->n_partitions == b->n_partitions);
}

gboolean
ds_partitioner_has_func (DsPartitioner *self)
{
  return self->func != NULL;
}

static gboolean
ds_partitioner_fail_saved (DsValue key, guint saved, guint found, GError **error)
{
  g_autofree char *described = ds_value_describe (key, 200);

  g_set_error (
      error, DS_ERROR, DS_ERROR_GRAPH_MISMATCH,
      "key %s was saved in partition %u, and the partitioner has it in partition "
      "%u now, where it would not be found.  Nothing was changed.  Ways out: the "
      "partitioner that it was saved with, or, in the set-up function, "
      "ds_streaming_context_drop_state ()",
      described, saved, found);
  return FALSE;
}

gboolean
ds_partitioner_check_saved (DsPartitioner *self,
                            const DsValue *keys,
                            gsize n_keys,
                            guint partition,
                            GError **error)
{
  guint32 found[DS_CHUNK_MAX_VALUES];
  DsTaskFrame frame;
  DsTask *task;
  gboolean ok;

  if (self->func == NULL)
    return TRUE;
  task = ds_task_new (NULL, partition, 0);
  ds_task_begin (task);
  frame = ds_task_enter (task, "partition_by", NULL, NULL);
  ok = ds_partitioner_get_partitions (self, keys, n_keys, task, found);
  ds_task_leave (task, &frame);
  ds_task_end (task);
  if (!ok)
    ds_task_propagate_error (task, error);
  ds_task_free (task);
  for (gsize i = 0; ok && i < n_keys; i++)
    if (found[i] != partition)
      ok = ds_partitioner_fail_saved (keys[i], partition, found[i], error);
  return ok;
}
