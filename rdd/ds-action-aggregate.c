/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* fold, aggregate, tree_aggregate: reduce that begins with a value. */

#include "rdd/ds-reduce-job-private.h"

/**
 * ds_rdd_fold: (skip)
 * @self: an RDD
 * @zero: what each partition begins with, and their results once more
 * @func: puts two values together; associative
 * @user_data: for @func
 * @error: return location for an error
 *
 * What @func makes of @zero and all values; @zero when there are none.
 *
 * It is met once by each partition and once more in the end, so it should change nothing,
 * as 0 does in a sum.  Otherwise the same as ds_rdd_reduce ().
 *
 * Returns: (transfer full): a block of one value; %NULL with @error
 */
DsBlock *
ds_rdd_fold (DsRdd *self,
             DsValue zero,
             DsReduceFunc func,
             gpointer user_data,
             GError **error)
{
  DsReduceJob job = { .name = "fold",
                      .merge_value = func,
                      .merge_combiners = func,
                      .user_data = user_data,
                      .zero = &zero };

  g_return_val_if_fail (DS_IS_RDD (self) && func != NULL, NULL);

  return ds_rdd_reduce_to_one (self, &job, error);
}

/**
 * ds_rdd_aggregate: (skip)
 * @self: an RDD
 * @zero: the combiner that each partition begins with, and their results once more
 * @merge_value: combiner and value become a combiner
 * @merge_combiners: combiners of two partitions become one
 * @user_data: for both
 * @error: return location for an error
 *
 * A combiner of all values, which may be of another type than they are; @zero when there
 * are none.  Otherwise the same as ds_rdd_fold ().
 *
 * Returns: (transfer full): a block of one value; %NULL with @error
 */
DsBlock *
ds_rdd_aggregate (DsRdd *self,
                  DsValue zero,
                  DsReduceFunc merge_value,
                  DsReduceFunc merge_combiners,
                  gpointer user_data,
                  GError **error)
{
  DsReduceJob job = { .name = "aggregate",
                      .merge_value = merge_value,
                      .merge_combiners = merge_combiners,
                      .user_data = user_data,
                      .zero = &zero };

  g_return_val_if_fail (DS_IS_RDD (self) && merge_value != NULL &&
                            merge_combiners != NULL,
                        NULL);

  return ds_rdd_reduce_to_one (self, &job, error);
}

/* ---- In a tree ---- */

/* The least number of partitions to bring together at once, so that @depth rounds do. */
static guint
ds_tree_get_width (guint n_partitions, guint depth)
{
  for (guint width = 2;; width++)
    {
      guint64 n_reached = 1;

      for (guint i = 0; i < depth && n_reached < n_partitions; i++)
        n_reached *= width;
      if (n_reached >= n_partitions)
        return width;
    }
}

/* Merges neighbours of @job's blocks into @n_wanted ones, by tasks. */
static gboolean
ds_reduce_job_narrow (DsReduceJob *self,
                      DsContext *context,
                      guint n_wanted,
                      GError **error)
{
  DsReduceJob round = { .name = self->name,
                        .merge_value = self->merge_combiners,
                        .merge_combiners = self->merge_combiners,
                        .user_data = self->user_data };
  g_autoptr (DsRdd) parts =
      ds_block_rdd_new (context, self->blocks, self->n_blocks, self->n_blocks);
  g_autoptr (DsRdd) fewer = ds_rdd_coalesce (parts, n_wanted);
  const gboolean success = ds_reduce_job_run (&round, fewer, error);

  ds_reduce_job_clear (self);
  self->blocks = round.blocks;
  self->n_blocks = round.n_blocks;
  return success;
}

/**
 * ds_rdd_tree_aggregate: (skip)
 * @self: an RDD
 * @zero: the combiner that each partition begins with, and their results once more
 * @merge_value: combiner and value become a combiner
 * @merge_combiners: combiners of two partitions become one
 * @depth: in how many rounds combiners meet; 0: 2
 * @user_data: for both
 * @error: return location for an error
 *
 * ds_rdd_aggregate () for many partitions and large combiners: neighbours are merged by
 * tasks, in rounds, until few enough are left for the caller.  The result is the same
 * when
 * @merge_combiners is associative.
 *
 * Returns: (transfer full): a block of one value; %NULL with @error
 */
DsBlock *
ds_rdd_tree_aggregate (DsRdd *self,
                       DsValue zero,
                       DsReduceFunc merge_value,
                       DsReduceFunc merge_combiners,
                       guint depth,
                       gpointer user_data,
                       GError **error)
{
  DsReduceJob job = { .name = "tree_aggregate",
                      .merge_value = merge_value,
                      .merge_combiners = merge_combiners,
                      .user_data = user_data,
                      .zero = &zero };
  DsBlock *block = NULL;
  DsContext *context;
  gboolean success;

  g_return_val_if_fail (DS_IS_RDD (self) && merge_value != NULL &&
                            merge_combiners != NULL,
                        NULL);

  context = ds_rdd_get_context (self);
  success = ds_reduce_job_run (&job, self, error);
  if (success && job.n_blocks > 1)
    {
      const guint width = ds_tree_get_width (job.n_blocks, depth > 0 ? depth : 2);

      while (success && job.n_blocks > width)
        success = ds_reduce_job_narrow (&job, context, (job.n_blocks + width - 1) / width,
                                        error);
    }
  if (success)
    block = ds_reduce_job_merge (&job, context, error);
  ds_reduce_job_clear (&job);
  return block;
}
