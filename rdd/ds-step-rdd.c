/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A step is two nodes.  The one that streams hand on has no parents and gives the blocks
 * that it keeps; the other, which nobody else sees, has the inputs for parents, and its
 * partitions are what moves on whatever lasts.  When all of them have run it is let go,
 * and the inputs with it. */

#include "rdd/ds-step-rdd-private.h"

#include "base/ds-error.h"
#include "rdd/ds-checkpoint-stream-private.h"
#include "rdd/ds-job-private.h"
#include "rdd/ds-partitioner-private.h"

typedef struct _DsStepRdd DsStepRdd;

typedef struct
{
  DsRdd parent_instance;
  DsStepRdd *step; /* not owned: it owns this */
} DsStepRunRdd;

typedef struct
{
  DsRddClass parent_class;
} DsStepRunRddClass;

struct _DsStepRdd
{
  DsRdd parent_instance;
  const DsStepOps *ops;
  gpointer stepper; /* (nullable): NULL once the step is settled */
  GDestroyNotify unref_stepper;
  gpointer data;
  GDestroyNotify destroy_data;
  DsTime time;
  DsRdd *runner; /* (nullable): NULL once all partitions have run */
  guint n_inputs;
  gint is_given_up; /* atomic */

  GMutex lock;      /* guards what follows */
  DsBlock **blocks; /* of each partition; NULL: has not run */
  GError *failure;  /* (nullable): why it can't be read */
};

typedef struct
{
  DsRddClass parent_class;
} DsStepRddClass;

static GType ds_step_run_rdd_get_type (void);
G_DEFINE_FINAL_TYPE (DsStepRunRdd, ds_step_run_rdd, DS_TYPE_RDD)
static GType ds_step_rdd_get_type (void);
G_DEFINE_FINAL_TYPE (DsStepRdd, ds_step_rdd, DS_TYPE_RDD)

/* ---- Running ---- */

/* (transfer full) (nullable) */
static DsBlock *
ds_step_rdd_ref_block (DsStepRdd *self, guint partition)
{
  DsBlock *block;

  g_mutex_lock (&self->lock);
  block = self->blocks[partition] != NULL ? ds_block_ref (self->blocks[partition]) : NULL;
  g_mutex_unlock (&self->lock);
  return block;
}

static gboolean
ds_step_run_rdd_compute (DsRdd *rdd, guint partition, DsTask *task, DsSink *sink)
{
  DsStepRdd *step = ((DsStepRunRdd *) rdd)->step;
  DsBlock *block = step->ops->run (step->stepper, (DsRdd *) step, partition, task);

  if (block == NULL)
    return FALSE;
  g_mutex_lock (&step->lock);
  step->blocks[partition] = block;
  g_mutex_unlock (&step->lock);
  return TRUE;
}

static const DsRddOps ds_step_run_rdd_ops = { .compute = ds_step_run_rdd_compute };

static void
ds_step_run_rdd_class_init (DsStepRunRddClass *klass)
{
  klass->parent_class.ops = &ds_step_run_rdd_ops;
}

static void
ds_step_run_rdd_init (DsStepRunRdd *self)
{
}

static const char *
ds_step_run_rdd_get_name (gpointer rdd)
{
  return ds_rdd_get_operator_name (rdd);
}

static DsRdd *
ds_step_run_rdd_new (DsStepRdd *step,
                     DsContext *context,
                     const char *kind,
                     DsPartitioner *partitioner,
                     DsRdd *const *inputs,
                     guint n_inputs)
{
  const DsShufflePlan plan = { .input = DS_SHUFFLE_PAIRS, .partitioner = partitioner };
  DsStepRunRdd *self = g_object_new (ds_step_run_rdd_get_type (), NULL);
  DsRdd *rdd = (DsRdd *) self;

  self->step = step;
  ds_rdd_init_node (rdd, context, kind, ds_partitioner_get_n_partitions (partitioner));
  for (guint i = 0; i < n_inputs; i++)
    {
      g_autoptr (DsShuffle) shuffle = NULL;

      if (!ds_partitioner_equal (partitioner, ds_rdd_get_partitioner (inputs[i])))
        shuffle = ds_shuffle_new (&plan, ds_step_run_rdd_get_name, self);
      ds_rdd_add_parent (rdd, inputs[i], shuffle);
    }
  return rdd;
}

gboolean
ds_step_rdd_read_input (DsRdd *step,
                        guint index,
                        guint partition,
                        DsTask *task,
                        DsSink *sink)
{
  return ds_rdd_read_parent (((DsStepRdd *) step)->runner, index, partition, task, sink);
}

/* ---- Reading ---- */

static void
ds_step_rdd_fail (DsStepRdd *self, DsTask *task)
{
  GError *error = NULL;

  g_mutex_lock (&self->lock);
  if (self->failure != NULL)
    error = g_error_copy (self->failure);
  g_mutex_unlock (&self->lock);
  if (error == NULL)
    error =
        g_error_new (DS_ERROR, DS_ERROR_INVALID_STATE,
                     "its batch of %" G_GINT64_FORMAT
                     " ms has not run yet; read it in an output of the batch, or when "
                     "the batch is completed",
                     self->time / DS_MILLISECOND);
  ds_task_take_error (task, error);
}

gboolean
ds_step_rdd_check (DsRdd *step, guint partition, DsTask *task)
{
  DsStepRdd *self = (DsStepRdd *) step;
  g_autoptr (DsBlock) block = ds_step_rdd_ref_block (self, partition);

  if (block == NULL)
    ds_step_rdd_fail (self, task);
  return block != NULL;
}

static gboolean
ds_step_rdd_compute (DsRdd *rdd, guint partition, DsTask *task, DsSink *sink)
{
  DsStepRdd *self = (DsStepRdd *) rdd;
  g_autoptr (DsBlock) block = ds_step_rdd_ref_block (self, partition);

  if (block == NULL)
    {
      ds_step_rdd_fail (self, task);
      return FALSE;
    }
  ds_sink_push_block (sink, block);
  return task->error == NULL;
}

static guint64
ds_step_rdd_estimate_bytes (DsRdd *rdd)
{
  DsStepRdd *self = (DsStepRdd *) rdd;
  guint n_partitions = ds_rdd_get_n_partitions (rdd);
  guint64 n_bytes = 0;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < n_partitions; i++)
    if (self->blocks[i] != NULL)
      n_bytes += ds_block_get_n_bytes (self->blocks[i]);
  g_mutex_unlock (&self->lock);
  return n_bytes;
}

static const DsRddOps ds_step_rdd_ops = { .compute = ds_step_rdd_compute,
                                          .estimate_bytes = ds_step_rdd_estimate_bytes,
                                          .has_values = TRUE };

static void
ds_step_rdd_let_go (DsStepRdd *self)
{
  gpointer stepper = g_steal_pointer (&self->stepper);

  g_clear_object (&self->runner);
  if (stepper != NULL && self->unref_stepper != NULL)
    self->unref_stepper (stepper);
}

static void
ds_step_rdd_finalize (GObject *object)
{
  DsStepRdd *self = (DsStepRdd *) object;
  guint n_partitions = ds_rdd_get_n_partitions ((DsRdd *) self);

  ds_step_rdd_let_go (self);
  if (self->destroy_data != NULL)
    self->destroy_data (self->data);
  for (guint i = 0; i < n_partitions; i++)
    g_clear_pointer (&self->blocks[i], ds_block_unref);
  g_free (self->blocks);
  g_clear_error (&self->failure);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (ds_step_rdd_parent_class)->finalize (object);
}

static void
ds_step_rdd_class_init (DsStepRddClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_step_rdd_finalize;
  klass->parent_class.ops = &ds_step_rdd_ops;
}

static void
ds_step_rdd_init (DsStepRdd *self)
{
  g_mutex_init (&self->lock);
}

/* ---- For the streams ---- */

DsRdd *
ds_step_rdd_new (DsContext *context,
                 const char *kind,
                 DsTime time,
                 DsPartitioner *partitioner,
                 DsRdd *const *inputs,
                 guint n_inputs,
                 const DsStepOps *ops,
                 gpointer stepper,
                 GDestroyNotify unref)
{
  DsStepRdd *self = g_object_new (ds_step_rdd_get_type (), NULL);
  guint n_partitions = ds_partitioner_get_n_partitions (partitioner);
  DsRdd *rdd = (DsRdd *) self;

  self->ops = ops;
  self->stepper = stepper;
  self->unref_stepper = unref;
  self->time = time;
  self->n_inputs = n_inputs;
  self->blocks = g_new0 (DsBlock *, n_partitions);
  ds_rdd_init_node (rdd, context, kind, n_partitions);
  self->runner = ds_step_run_rdd_new (self, context, kind, partitioner, inputs, n_inputs);
  return rdd;
}

DsRdd *
ds_step_rdd_new_restored (DsContext *context,
                          const char *kind,
                          DsTime time,
                          DsPartitioner *partitioner,
                          DsBlock *const *blocks)
{
  DsStepRdd *self = g_object_new (ds_step_rdd_get_type (), NULL);
  guint n_partitions = ds_partitioner_get_n_partitions (partitioner);

  self->time = time;
  self->blocks = g_new (DsBlock *, n_partitions);
  for (guint i = 0; i < n_partitions; i++)
    self->blocks[i] = ds_block_ref (blocks[i]);
  ds_rdd_init_node ((DsRdd *) self, context, kind, n_partitions);
  return (DsRdd *) self;
}

DsBlock **
ds_step_rdd_ref_blocks (DsRdd *step)
{
  guint n_partitions = ds_rdd_get_n_partitions (step);
  DsBlock **blocks = g_new0 (DsBlock *, n_partitions + 1);

  for (guint i = 0; i < n_partitions; i++)
    {
      blocks[i] = ds_step_rdd_ref_block ((DsStepRdd *) step, i);
      if (blocks[i] != NULL)
        continue;
      ds_results_free (blocks);
      return NULL;
    }
  return blocks;
}

gboolean
ds_rdd_is_step (DsRdd *rdd)
{
  return G_OBJECT_TYPE (rdd) == ds_step_rdd_get_type ();
}

void
ds_step_rdd_set_data (DsRdd *step, gpointer data, GDestroyNotify destroy)
{
  DsStepRdd *self = (DsStepRdd *) step;

  self->data = data;
  self->destroy_data = destroy;
}

gpointer
ds_step_rdd_get_data (DsRdd *step)
{
  return ((DsStepRdd *) step)->data;
}

DsTime
ds_step_rdd_get_time (DsRdd *step)
{
  return ((DsStepRdd *) step)->time;
}

guint
ds_step_rdd_get_n_inputs (DsRdd *step)
{
  return ((DsStepRdd *) step)->n_inputs;
}

/* ---- For the job scheduler ---- */

static gboolean
ds_step_null_push (DsSink *sink, const DsChunk *chunk)
{
  return TRUE;
}

static gboolean
ds_step_null_finish (DsSink *sink)
{
  return TRUE;
}

static void
ds_step_null_free (DsSink *sink)
{
  g_free (sink);
}

static DsSink *
ds_step_make_sink (DsTask *task, guint index, gpointer data)
{
  DsSink *sink = ds_sink_alloc (sizeof *sink, task, NULL);

  sink->push = ds_step_null_push;
  sink->finish = ds_step_null_finish;
  sink->free = ds_step_null_free;
  sink->accepts = DS_ACCEPTS_VALUES | DS_ACCEPTS_PAIRS | DS_ACCEPTS_TEXT;
  return sink;
}

static void
ds_step_commit_task (DsTask *task, guint index, DsSink *sink, gpointer data)
{
}

static void
ds_step_rdd_set_failure (DsStepRdd *self, GError *failure)
{
  g_mutex_lock (&self->lock);
  g_clear_error (&self->failure);
  self->failure = failure;
  g_mutex_unlock (&self->lock);
}

gboolean
ds_step_rdd_run (DsRdd *step, GError **error)
{
  static const DsJobFuncs funcs = { ds_step_make_sink, ds_step_commit_task };
  DsStepRdd *self = (DsStepRdd *) step;
  guint n_partitions = ds_rdd_get_n_partitions (step);
  g_autofree guint *missing = g_new (guint, n_partitions);
  guint n_missing = 0;
  g_autoptr (GError) failure = NULL;
  const char *name = ds_rdd_get_operator_name (step);

  if (self->runner == NULL)
    return TRUE;
  for (guint i = 0; i < n_partitions; i++)
    if (self->blocks[i] == NULL)
      missing[n_missing++] = i;

  if (!g_str_equal (name, ds_rdd_get_operator_name (self->runner)))
    ds_rdd_set_name (self->runner, name);
  if (!ds_context_run_job (ds_rdd_get_context (step), self->runner, missing, n_missing,
                           &funcs, NULL, &failure))
    {
      ds_step_rdd_set_failure (self, g_error_copy (failure));
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  ds_step_rdd_set_failure (self, NULL);
  g_clear_object (&self->runner);
  return TRUE;
}

gboolean
ds_rdd_was_given_up (DsRdd *rdd)
{
  guint n_dependencies;
  const DsDependency *dependencies = ds_rdd_get_dependencies (rdd, &n_dependencies);

  if (ds_rdd_is_step (rdd))
    return g_atomic_int_get (&((DsStepRdd *) rdd)->is_given_up);
  for (guint i = 0; i < n_dependencies; i++)
    if (ds_rdd_was_given_up (dependencies[i].parent))
      return TRUE;
  return FALSE;
}

static void
ds_step_rdd_give_up (DsStepRdd *self)
{
  guint n_partitions = ds_rdd_get_n_partitions ((DsRdd *) self);

  g_atomic_int_set (&self->is_given_up, TRUE);
  for (guint i = 0; i < n_partitions; i++)
    {
      DsBlock *block;

      g_mutex_lock (&self->lock);
      block = g_steal_pointer (&self->blocks[i]);
      g_mutex_unlock (&self->lock);
      if (block != NULL)
        self->ops->roll_back (self->stepper, (DsRdd *) self, i);
      g_clear_pointer (&block, ds_block_unref);
    }
  if (self->failure == NULL)
    ds_step_rdd_set_failure (self, g_error_new (DS_ERROR, DS_ERROR_INVALID_STATE,
                                                "its batch of %" G_GINT64_FORMAT
                                                " ms was given up before it was complete",
                                                self->time / DS_MILLISECOND));
}

void
ds_step_rdd_settle (DsRdd *step)
{
  DsStepRdd *self = (DsStepRdd *) step;

  if (self->stepper == NULL)
    return;
  if (self->runner != NULL)
    ds_step_rdd_give_up (self);
  else if (self->ops->commit != NULL)
    self->ops->commit (self->stepper, step);
  ds_step_rdd_let_go (self);
}
