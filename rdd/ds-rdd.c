/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DsRdd: a node of the lineage.  What every node has lies here: parents, partition count,
 * partitioner, name, what is kept of its values, and the latched error. */

#include "rdd/ds-rdd-private.h"

#include "base/ds-error.h"
#include "rdd/ds-context-private.h"
#include "rdd/ds-flow-private.h"
#include "rdd/ds-persistence-private.h"

typedef struct
{
  DsContext *context;
  const char *kind;
  char *name;    /* atomic; (nullable) */
  GSList *names; /* all that were ever set: tasks may still hold one; guarded by lock */
  guint64 id;
  gint n_partitions; /* atomic */
  gint is_prepared;  /* atomic */
  gint is_used;      /* atomic: has a child, or a job looked at it */
  DsPartitioner *partitioner;
  guint n_dependencies;
  DsDependency *dependencies;
  DsDependency first_dependency; /* where the only one of most nodes lies */
  GMutex lock;                   /* children before parents */
  GError *error;                 /* atomic; set once */
  DsPersistence *persistence;    /* atomic; (nullable): set once */
  DsFlowNotes flow;
} DsRddPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (DsRdd, ds_rdd, G_TYPE_OBJECT)

#define DS_RDD_PRIVATE(self) \
  ((DsRddPrivate *) ds_rdd_get_instance_private ((DsRdd *) (self)))

static void
ds_rdd_finalize (GObject *object)
{
  DsRddPrivate *priv = DS_RDD_PRIVATE (object);

  for (guint i = 0; i < priv->n_dependencies; i++)
    {
      g_clear_pointer (&priv->dependencies[i].shuffle, ds_shuffle_unref);
      g_object_unref (priv->dependencies[i].parent);
    }
  if (priv->dependencies != &priv->first_dependency)
    g_free (priv->dependencies);
  g_clear_pointer (&priv->partitioner, ds_partitioner_unref);
  g_slist_free_full (priv->names, g_free);
  g_clear_error (&priv->error);
  g_clear_pointer (&priv->persistence, ds_persistence_free);
  ds_flow_notes_clear (&priv->flow);
  g_mutex_clear (&priv->lock);
  g_clear_object (&priv->context);

  G_OBJECT_CLASS (ds_rdd_parent_class)->finalize (object);
}

static void
ds_rdd_class_init (DsRddClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_rdd_finalize;
}

static void
ds_rdd_init (DsRdd *self)
{
  DsRddPrivate *priv = DS_RDD_PRIVATE (self);

  g_mutex_init (&priv->lock);
  priv->dependencies = &priv->first_dependency;
}

/* ---- For node types ---- */

void
ds_rdd_init_node (DsRdd *self, DsContext *context, const char *kind, guint n_partitions)
{
  DsRddPrivate *priv = DS_RDD_PRIVATE (self);

  priv->context = g_object_ref (context);
  priv->kind = kind;
  priv->id = ds_context_next_rdd_id (context);
  priv->n_partitions = (gint) n_partitions;
}

void
ds_rdd_add_parent (DsRdd *self, DsRdd *parent, DsShuffle *shuffle)
{
  DsRddPrivate *priv = DS_RDD_PRIVATE (self);
  DsRddPrivate *parent_priv = DS_RDD_PRIVATE (parent);
  const GError *error = ds_rdd_get_error (parent);
  DsDependency dependency = { .parent = g_object_ref (parent),
                              .shuffle =
                                  shuffle != NULL ? ds_shuffle_ref (shuffle) : NULL };

  if (priv->n_dependencies == 1)
    {
      priv->dependencies = g_new (DsDependency, 2);
      priv->dependencies[0] = priv->first_dependency;
    }
  else if (priv->n_dependencies > 1 &&
           (priv->n_dependencies & (priv->n_dependencies - 1)) == 0)
    {
      priv->dependencies =
          g_renew (DsDependency, priv->dependencies, 2 * priv->n_dependencies);
    }
  priv->dependencies[priv->n_dependencies++] = dependency;
  g_atomic_int_set (&parent_priv->is_used, TRUE);

  if (error != NULL)
    ds_rdd_latch_error (self, g_error_copy (error));
  else if (parent_priv->context != priv->context)
    ds_rdd_latch_error (
        self, g_error_new (DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                           "%s: its parent %s[%" G_GUINT64_FORMAT "] belongs to another "
                           "context (\"%s\", not \"%s\"); collect it there and bring the "
                           "block over with ds_context_parallelize ()",
                           priv->kind, ds_rdd_get_operator_name (parent), parent_priv->id,
                           ds_context_get_app_name (parent_priv->context),
                           ds_context_get_app_name (priv->context)));
}

void
ds_rdd_set_parent_shuffle (DsRdd *self, guint index, DsShuffle *shuffle)
{
  DsDependency *dependency = &DS_RDD_PRIVATE (self)->dependencies[index];
  DsShuffle *old = dependency->shuffle;

  dependency->shuffle = shuffle != NULL ? ds_shuffle_ref (shuffle) : NULL;
  g_clear_pointer (&old, ds_shuffle_unref);
}

void
ds_rdd_set_node_n_partitions (DsRdd *self, guint n_partitions)
{
  g_atomic_int_set (&DS_RDD_PRIVATE (self)->n_partitions, (gint) n_partitions);
}

void
ds_rdd_latch_error (DsRdd *self, GError *error)
{
  DsRddPrivate *priv = DS_RDD_PRIVATE (self);

  if (!g_atomic_pointer_compare_and_exchange (&priv->error, NULL, error))
    g_error_free (error);
}

void
ds_rdd_set_node_partitioner (DsRdd *self, DsPartitioner *partitioner)
{
  DsRddPrivate *priv = DS_RDD_PRIVATE (self);
  DsPartitioner *old = priv->partitioner;

  priv->partitioner = partitioner != NULL ? ds_partitioner_ref (partitioner) : NULL;
  g_clear_pointer (&old, ds_partitioner_unref);
}

static gboolean
ds_rdd_prepare_locked (DsRdd *self, GError **error)
{
  DsRddPrivate *priv = DS_RDD_PRIVATE (self);
  const DsRddOps *ops = ds_rdd_get_ops (self);

  for (guint i = 0; i < priv->n_dependencies; i++)
    {
      DsDependency *dependency = &priv->dependencies[i];

      if (!ds_rdd_prepare (dependency->parent, error))
        return FALSE;
      if (dependency->shuffle != NULL)
        ds_shuffle_set_n_maps (dependency->shuffle,
                               ds_rdd_get_n_partitions (dependency->parent));
    }
  if (ops->prepare != NULL && !ops->prepare (self, error))
    return FALSE;
  if (ops->make_sink != NULL)
    ds_rdd_set_node_n_partitions (self,
                                  ds_rdd_get_n_partitions (priv->dependencies[0].parent));
  return TRUE;
}

gboolean
ds_rdd_prepare (DsRdd *self, GError **error)
{
  DsRddPrivate *priv = DS_RDD_PRIVATE (self);
  const GError *latched = ds_rdd_get_error (self);
  gboolean success = TRUE;

  if (G_UNLIKELY (latched != NULL))
    {
      g_propagate_error (error, g_error_copy (latched));
      return FALSE;
    }
  if (g_atomic_int_get (&priv->is_prepared))
    return TRUE;

  g_mutex_lock (&priv->lock);
  if (!priv->is_prepared)
    {
      g_atomic_int_set (&priv->is_used, TRUE);
      success = ds_rdd_prepare_locked (self, error);
      if (success)
        ds_flow_notes_prepare (&priv->flow, (guint) priv->n_partitions);
      if (success)
        g_atomic_int_set (&priv->is_prepared, TRUE);
    }
  g_mutex_unlock (&priv->lock);
  return success;
}

const DsRddOps *
ds_rdd_get_ops (DsRdd *self)
{
  return DS_RDD_GET_CLASS (self)->ops;
}

const DsDependency *
ds_rdd_get_dependencies (DsRdd *self, guint *n_dependencies)
{
  DsRddPrivate *priv = DS_RDD_PRIVATE (self);

  *n_dependencies = priv->n_dependencies;
  return priv->dependencies;
}

DsPartitioner *
ds_rdd_get_partitioner (DsRdd *self)
{
  return DS_RDD_PRIVATE (self)->partitioner;
}

const char *
ds_rdd_get_operator_name (DsRdd *self)
{
  DsRddPrivate *priv = DS_RDD_PRIVATE (self);
  const char *name = g_atomic_pointer_get (&priv->name);

  return name != NULL ? name : priv->kind;
}

DsFlowNotes *
ds_rdd_get_flow_notes (DsRdd *self)
{
  return &DS_RDD_PRIVATE (self)->flow;
}

DsPersistence *
ds_rdd_get_persistence (DsRdd *self)
{
  return g_atomic_pointer_get (&DS_RDD_PRIVATE (self)->persistence);
}

DsPersistence *
ds_rdd_make_persistence (DsRdd *self)
{
  DsRddPrivate *priv = DS_RDD_PRIVATE (self);
  DsPersistence *persistence = ds_rdd_get_persistence (self);

  if (persistence != NULL)
    return persistence;
  persistence = ds_persistence_new ();
  if (g_atomic_pointer_compare_and_exchange (&priv->persistence, NULL, persistence))
    return persistence;
  ds_persistence_free (persistence);
  return ds_rdd_get_persistence (self);
}

guint64
ds_rdd_estimate_bytes (DsRdd *self)
{
  DsRddPrivate *priv = DS_RDD_PRIVATE (self);
  const DsRddOps *ops = ds_rdd_get_ops (self);
  DsPersistence *persistence = ds_rdd_get_persistence (self);
  guint64 sum = 0;

  if (persistence != NULL && ds_persistence_get_n_bytes (persistence, &sum))
    return sum;
  if (ops->estimate_bytes != NULL)
    return ops->estimate_bytes (self);
  for (guint i = 0; i < priv->n_dependencies; i++)
    {
      guint64 n_bytes = ds_rdd_estimate_bytes (priv->dependencies[i].parent);

      sum = n_bytes > G_MAXUINT64 - sum ? G_MAXUINT64 : sum + n_bytes;
    }
  return sum;
}

/* ---- Options ---- */

/* An option came; FALSE when it came too late, or nobody wants it. */
static void
ds_rdd_check_option (DsRdd *self,
                     const char *option,
                     const char *operators,
                     gboolean (*apply) (DsRdd *self, gconstpointer value),
                     gconstpointer value)
{
  DsRddPrivate *priv = DS_RDD_PRIVATE (self);

  if (g_atomic_int_get (&priv->is_used))
    ds_rdd_latch_error (
        self, g_error_new (DS_ERROR, DS_ERROR_INVALID_STATE,
                           "%s was set on %s[%" G_GUINT64_FORMAT "], which is in use "
                           "already: set it right after the operator, before another "
                           "operator or an action sees the RDD",
                           option, ds_rdd_get_operator_name (self), priv->id));
  else if (!apply (self, value))
    ds_rdd_latch_error (self, g_error_new (DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                                           "%s was set on %s, which has no such option: "
                                           "it is one of %s",
                                           option, priv->kind, operators));
}

static gboolean
ds_rdd_apply_n_partitions (DsRdd *self, gconstpointer value)
{
  const DsRddOps *ops = ds_rdd_get_ops (self);

  return ops->set_n_partitions != NULL &&
         ops->set_n_partitions (self, *(const guint *) value);
}

static gboolean
ds_rdd_apply_partitioner (DsRdd *self, gconstpointer value)
{
  const DsRddOps *ops = ds_rdd_get_ops (self);

  return ops->set_partitioner != NULL &&
         ops->set_partitioner (self, *(DsPartitioner *const *) value);
}

static gboolean
ds_rdd_apply_preserves_partitioning (DsRdd *self, gconstpointer value)
{
  const DsRddOps *ops = ds_rdd_get_ops (self);

  return ops->set_preserves_partitioning != NULL &&
         ops->set_preserves_partitioning (self, *(const gboolean *) value);
}

/**
 * ds_rdd_set_name:
 * @self: an RDD
 * @name: what it is called in messages, debug strings and listeners
 *
 * Names an RDD.  Without a name it goes by its kind ("map").  At any time.
 */
void
ds_rdd_set_name (DsRdd *self, const char *name)
{
  DsRddPrivate *priv;
  char *copy;

  g_return_if_fail (DS_IS_RDD (self) && name != NULL);

  priv = DS_RDD_PRIVATE (self);
  copy = g_strdup (name);
  g_mutex_lock (&priv->lock);
  priv->names = g_slist_prepend (priv->names, copy);
  g_atomic_pointer_set (&priv->name, copy);
  g_mutex_unlock (&priv->lock);
}

/**
 * ds_rdd_set_n_partitions:
 * @self: what a shuffling operator or a file source returned, not used yet
 * @n_partitions: how many partitions it shall have (a file source: at least); 0: the
 *   default parallelism
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT on an RDD without this option, and
 * %DS_ERROR_INVALID_STATE on one that is in use.
 */
void
ds_rdd_set_n_partitions (DsRdd *self, guint n_partitions)
{
  g_return_if_fail (DS_IS_RDD (self));

  if (n_partitions > G_MAXINT)
    {
      ds_rdd_latch_error (self,
                          g_error_new (DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                                       "%u partitions were asked for: at most %d are "
                                       "possible",
                                       n_partitions, G_MAXINT));
      return;
    }
  ds_rdd_check_option (
      self, "The number of partitions",
      "the sources that read files, range and the operators that shuffle (reduce_by_key, "
      "combine_by_key, fold_by_key, aggregate_by_key, group_by_key, "
      "group_by, distinct, count_by_value, cogroup, the joins, subtract, "
      "intersection, sort, sort_by, sort_by_key)",
      ds_rdd_apply_n_partitions, &n_partitions);
}

/**
 * ds_rdd_set_partitioner:
 * @self: what a shuffling operator returned, not used yet
 * @partitioner: which key goes to which partition
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT on an RDD without this option, and
 * %DS_ERROR_INVALID_STATE on one that is in use.
 */
void
ds_rdd_set_partitioner (DsRdd *self, DsPartitioner *partitioner)
{
  g_return_if_fail (DS_IS_RDD (self) && partitioner != NULL);

  ds_rdd_check_option (self, "A partitioner",
                       "the operators that shuffle by key (reduce_by_key, "
                       "combine_by_key, fold_by_key, aggregate_by_key, group_by_key, "
                       "group_by, cogroup, the joins, subtract_by_key)",
                       ds_rdd_apply_partitioner, &partitioner);
}

/**
 * ds_rdd_set_preserves_partitioning:
 * @self: what map_partitions or map_chunks returned, not used yet
 * @preserves: %TRUE: the function promises to leave keys in their partitions
 *
 * With the promise, a following by-key operator with the same partitioner shuffles
 * nothing.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT on an RDD without this option, and
 * %DS_ERROR_INVALID_STATE on one that is in use.
 */
void
ds_rdd_set_preserves_partitioning (DsRdd *self, gboolean preserves)
{
  g_return_if_fail (DS_IS_RDD (self));

  ds_rdd_check_option (self, "Preserving the partitioning",
                       "map_partitions, map_chunks and their block twins",
                       ds_rdd_apply_preserves_partitioning, &preserves);
}

/* ---- Reading ---- */

/**
 * ds_rdd_get_context:
 * @self: an RDD
 *
 * Gets the engine.
 *
 * Returns: (transfer none): the engine that it belongs to
 */
DsContext *
ds_rdd_get_context (DsRdd *self)
{
  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  return DS_RDD_PRIVATE (self)->context;
}

/**
 * ds_rdd_get_name:
 * @self: an RDD
 *
 * Gets the name of the RDD.
 *
 * Returns: (nullable): what ds_rdd_set_name () said; valid as long as @self
 */
const char *
ds_rdd_get_name (DsRdd *self)
{
  DsRddPrivate *priv;

  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  priv = DS_RDD_PRIVATE (self);
  return g_atomic_pointer_get (&priv->name);
}

/**
 * ds_rdd_get_id:
 * @self: an RDD
 *
 * Gets the number of the RDD.
 *
 * Returns: its number within its context, from 0 in the order of making
 */
guint64
ds_rdd_get_id (DsRdd *self)
{
  g_return_val_if_fail (DS_IS_RDD (self), 0);

  return DS_RDD_PRIVATE (self)->id;
}

/**
 * ds_rdd_get_n_partitions:
 * @self: an RDD
 *
 * Counts the partitions.  A file source lists its files now, when nobody did before; what
 * goes wrong in that, the action will report.
 *
 * Returns: how many partitions there are; 0 also for an RDD that cannot be computed
 */
guint
ds_rdd_get_n_partitions (DsRdd *self)
{
  DsRddPrivate *priv;

  g_return_val_if_fail (DS_IS_RDD (self), 0);

  priv = DS_RDD_PRIVATE (self);
  if (!g_atomic_int_get (&priv->is_prepared) && !ds_rdd_prepare (self, NULL))
    return 0;
  return (guint) g_atomic_int_get (&priv->n_partitions);
}

/**
 * ds_rdd_get_error:
 * @self: an RDD
 *
 * Gets the latched error.
 *
 * Returns: (nullable): what went wrong while it or a parent of it was built: what every
 *   action on it will fail with
 */
const GError *
ds_rdd_get_error (DsRdd *self)
{
  DsRddPrivate *priv;

  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  priv = DS_RDD_PRIVATE (self);
  return g_atomic_pointer_get (&priv->error);
}
