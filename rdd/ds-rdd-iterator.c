/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DsRddIterator: an RDD brought to the caller partition by partition. */

#include "rdd/ds-action-private.h"

struct _DsRddIterator
{
  DsRdd *rdd;
  guint next_partition;
};

static DsRddIterator *
ds_rdd_iterator_copy (DsRddIterator *self)
{
  DsRddIterator *copy = g_new (DsRddIterator, 1);

  *copy = (DsRddIterator){ g_object_ref (self->rdd), self->next_partition };
  return copy;
}

G_DEFINE_BOXED_TYPE (DsRddIterator,
                     ds_rdd_iterator,
                     ds_rdd_iterator_copy,
                     ds_rdd_iterator_free)

/**
 * ds_rdd_to_local_iterator:
 * @self: an RDD
 *
 * Makes an iterator over the partitions, for an RDD that does not fit in memory as a
 * whole.  Nothing is computed yet.
 *
 * Returns: (transfer full): the iterator, in front of the first partition
 */
DsRddIterator *
ds_rdd_to_local_iterator (DsRdd *self)
{
  DsRddIterator *iterator;

  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  iterator = g_new (DsRddIterator, 1);
  *iterator = (DsRddIterator){ .rdd = g_object_ref (self) };
  return iterator;
}

/**
 * ds_rdd_iterator_next_partition:
 * @self: an iterator
 * @error: return location for an error
 *
 * Brings the next partition to the caller.
 *
 * Runs a job for this one partition and waits for it; honours g_cancellable_get_current
 * ().  After a failure the next call tries the same partition again.  One thread at a
 * time.
 *
 * Returns: (transfer full) (nullable): a block of its values, empty for an empty one;
 *   %NULL at the end, and with @error
 */
DsBlock *
ds_rdd_iterator_next_partition (DsRddIterator *self, GError **error)
{
  DsBlock *block;

  g_return_val_if_fail (self != NULL, NULL);

  if (!ds_rdd_prepare (self->rdd, error) ||
      self->next_partition == ds_rdd_get_n_partitions (self->rdd))
    return NULL;
  block =
      ds_rdd_collect_partitions (self->rdd, &self->next_partition, 1, G_MAXSIZE, error);
  if (block != NULL)
    self->next_partition++;
  return block;
}

/**
 * ds_rdd_iterator_free:
 * @self: (transfer full): an iterator
 *
 * Ends an iteration, wherever it is.
 */
void
ds_rdd_iterator_free (DsRddIterator *self)
{
  g_return_if_fail (self != NULL);

  g_object_unref (self->rdd);
  g_free (self);
}
