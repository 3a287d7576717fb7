/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sources that hold their values: blocks, one or several neighbours a partition (what
 * received data and collected results are), a block cut into slices, nothing at all. */

#include "base/ds-error.h"
#include "rdd/ds-job-private.h"

typedef struct
{
  DsRdd parent_instance;
  DsBlock **blocks;
  guint n_blocks;
  guint
      *first_blocks; /* (nullable) of each partition, then n_blocks; NULL: one a block */
  guint n_slices;    /* > 0: the only block is cut into these */
  guint64 n_bytes;
} DsBlockRdd;

typedef struct
{
  DsRddClass parent_class;
} DsBlockRddClass;

static GType ds_block_rdd_get_type (void);
G_DEFINE_FINAL_TYPE (DsBlockRdd, ds_block_rdd, DS_TYPE_RDD)

/* Pushes a block as it arrives at the place of @partition.  FALSE: enough, or the task
 * failed. */
static gboolean
ds_block_rdd_push (DsTask *task, guint partition, DsSink *sink, DsBlock *block)
{
  DsBackend *backend = ds_context_get_backend (task->context);
  GError *error = NULL;
  g_autoptr (DsBlock) arrived =
      ds_backend_move (backend, block, DS_PLACE_DRIVER,
                       ds_backend_place_of (backend, partition), &error);

  if (arrived == NULL)
    {
      ds_task_take_error (task, error);
      return FALSE;
    }
  return ds_sink_push_block (sink, arrived);
}

/* FALSE: enough, or the task failed. */
static gboolean
ds_block_rdd_push_slice (DsBlockRdd *self, DsTask *task, guint partition, DsSink *sink)
{
  DsBlock *block = self->blocks[0];
  const DsValue *values;
  const DsValue *pair_values = NULL;
  gsize n_values;
  gsize begin;
  gsize end;

  if (ds_block_get_form (block) == DS_FORM_TEXT)
    values = ds_block_get_values (block, &n_values);
  else
    ds_block_get_columns (block, &values, &pair_values, &n_values);
  begin = (gsize) ((unsigned __int128) n_values * partition / self->n_slices);
  end = (gsize) ((unsigned __int128) n_values * (partition + 1) / self->n_slices);

  if (ds_backend_get_n_places (ds_context_get_backend (task->context)) > 1)
    {
      g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
      g_autoptr (DsBlock) slice = NULL;

      ds_block_builder_add_columns (builder, values + begin,
                                    pair_values != NULL ? pair_values + begin : NULL,
                                    end - begin);
      slice = ds_block_builder_end (builder);
      return ds_block_rdd_push (task, partition, sink, slice);
    }
  return ds_sink_push_columns (sink, values + begin,
                               pair_values != NULL ? pair_values + begin : NULL,
                               end - begin, block);
}

static gboolean
ds_block_rdd_compute (DsRdd *rdd, guint partition, DsTask *task, DsSink *sink)
{
  DsBlockRdd *self = (DsBlockRdd *) rdd;
  guint begin = partition;
  guint end = partition + 1;

  if (self->n_slices > 0)
    {
      ds_block_rdd_push_slice (self, task, partition, sink);
      return task->error == NULL;
    }
  if (self->first_blocks != NULL)
    {
      begin = self->first_blocks[partition];
      end = self->first_blocks[partition + 1];
    }
  for (guint i = begin; i < end; i++)
    if (!ds_block_rdd_push (task, partition, sink, self->blocks[i]))
      break;
  return task->error == NULL;
}

static guint64
ds_block_rdd_estimate_bytes (DsRdd *rdd)
{
  return ((DsBlockRdd *) rdd)->n_bytes;
}

static const DsRddOps ds_block_rdd_ops = { .compute = ds_block_rdd_compute,
                                           .estimate_bytes = ds_block_rdd_estimate_bytes,
                                           .has_values = TRUE };

static void
ds_block_rdd_finalize (GObject *object)
{
  DsBlockRdd *self = (DsBlockRdd *) object;

  for (guint i = 0; i < self->n_blocks; i++)
    ds_block_unref (self->blocks[i]);
  g_free (self->blocks);
  g_free (self->first_blocks);

  G_OBJECT_CLASS (ds_block_rdd_parent_class)->finalize (object);
}

static void
ds_block_rdd_class_init (DsBlockRddClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_block_rdd_finalize;
  klass->parent_class.ops = &ds_block_rdd_ops;
}

static void
ds_block_rdd_init (DsBlockRdd *self)
{
}

static DsRdd *
ds_block_rdd_new_of_kind (DsContext *context,
                          const char *kind,
                          DsBlock **blocks,
                          guint n_blocks,
                          guint n_slices)
{
  DsBlockRdd *self = g_object_new (ds_block_rdd_get_type (), NULL);

  self->blocks = g_new (DsBlock *, MAX (n_blocks, 1));
  self->n_blocks = n_blocks;
  self->n_slices = n_slices;
  for (guint i = 0; i < n_blocks; i++)
    {
      self->blocks[i] = ds_block_ref (blocks[i]);
      self->n_bytes += ds_block_get_n_bytes (blocks[i]);
    }
  ds_rdd_init_node (&self->parent_instance, context, kind,
                    n_slices > 0 ? n_slices : n_blocks);
  return &self->parent_instance;
}

/* What a block weighs.  Not the memory that it takes: a block that was read back from the
 * log takes other memory than the one that was received, and its batch has to be dealt
 * out the same way, or what was saved of it already would not be the same again. */
static gsize
ds_block_rdd_weigh (DsBlock *block)
{
  gboolean strip_cr;
  gsize n_bytes;

  if (ds_block_get_form (block) != DS_FORM_TEXT)
    return ds_block_get_length (block);
  ds_block_get_text (block, &n_bytes, &strip_cr);
  return n_bytes;
}

/* A block belongs to the partition in whose share of all that they weigh it begins. */
static void
ds_block_rdd_share_partitions (DsBlockRdd *self, guint max_partitions)
{
  unsigned __int128 n_before = 0;
  guint64 n_all = 0;
  guint n_partitions = 0;
  guint64 last_share = G_MAXUINT64;

  for (guint i = 0; i < self->n_blocks; i++)
    n_all += ds_block_rdd_weigh (self->blocks[i]);
  self->first_blocks = g_new (guint, max_partitions + 1);
  for (guint i = 0; i < self->n_blocks; i++)
    {
      guint64 share = (guint64) (n_before * max_partitions / MAX (n_all, 1));

      /* Empty blocks may come after the last share. */
      share = MIN (share, max_partitions - 1);
      if (share != last_share)
        self->first_blocks[n_partitions++] = i;
      last_share = share;
      n_before += ds_block_rdd_weigh (self->blocks[i]);
    }
  self->first_blocks[n_partitions] = self->n_blocks;
  ds_rdd_set_node_n_partitions (&self->parent_instance, n_partitions);
}

DsRdd *
ds_block_rdd_new (DsContext *context,
                  DsBlock **blocks,
                  guint n_blocks,
                  guint max_partitions)
{
  DsRdd *rdd = ds_block_rdd_new_of_kind (context, "blocks", blocks, n_blocks, 0);

  if (n_blocks > max_partitions)
    ds_block_rdd_share_partitions ((DsBlockRdd *) rdd, max_partitions);
  return rdd;
}

/**
 * ds_context_parallelize:
 * @self: the engine
 * @block: values; a reference is taken, nothing is copied
 * @n_partitions: into how many slices; 0: the default parallelism
 *
 * The values of a block.
 *
 * Partition i of p holds the values from floor (i n / p) to floor ((i + 1) n / p) - 1.
 * More than %G_MAXINT partitions latch %DS_ERROR_INVALID_ARGUMENT.
 *
 * Returns: (transfer full): the RDD of the values
 */
DsRdd *
ds_context_parallelize (DsContext *self, DsBlock *block, guint n_partitions)
{
  DsRdd *rdd;

  g_return_val_if_fail (DS_IS_CONTEXT (self) && block != NULL, NULL);

  rdd = ds_block_rdd_new_of_kind (self, "parallelize", &block, 1,
                                  n_partitions > 0
                                      ? n_partitions
                                      : ds_context_get_default_parallelism (self));
  if (n_partitions > G_MAXINT)
    ds_rdd_latch_error (rdd, g_error_new (DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                                          "parallelize: %u partitions were asked for: at "
                                          "most %d are possible",
                                          n_partitions, G_MAXINT));
  return rdd;
}

/**
 * ds_context_empty:
 * @self: the engine
 *
 * Makes an RDD of nothing.
 *
 * Returns: (transfer full): an RDD without values and without partitions
 */
DsRdd *
ds_context_empty (DsContext *self)
{
  g_return_val_if_fail (DS_IS_CONTEXT (self), NULL);

  return ds_block_rdd_new_of_kind (self, "empty", NULL, 0, 0);
}
