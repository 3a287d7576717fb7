/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The joins and the set operations: what is made of a key and the lists of values that it
 * has in two RDDs, which a cogrouped node below brings together. */

#include "rdd/ds-cogrouped-rdd-private.h"
#include "rdd/ds-narrow-private.h"

typedef enum
{
  DS_JOIN_INNER,
  DS_JOIN_LEFT,
  DS_JOIN_RIGHT,
  DS_JOIN_FULL,
  DS_JOIN_SUBTRACT_KEYS, /* pairs of the left whose key is not in the right */
  DS_JOIN_SUBTRACT,      /* the same for keys that are the values */
  DS_JOIN_INTERSECT      /* keys that are in both, once */
} DsJoinKind;

typedef struct
{
  DsFunctionSink function_sink;
  DsJoinKind kind;
} DsJoinSink;

/* ---- One key ---- */

/* All of @left with all of @right.  FALSE: enough. */
static gboolean
ds_join_sink_emit_product (DsTask *task, DsValue key, DsValue left, DsValue right)
{
  for (guint32 i = 0; i < left.size; i++)
    for (guint32 j = 0; j < right.size; j++)
      {
        ds_task_emit_pair (task, key,
                           ds_pair (task, left.as.items[i], right.as.items[j]));
        if (!ds_emitter_between_calls (task->emitter))
          return FALSE;
      }
  return TRUE;
}

/* @n_times the key, or, when there is a list, the key with each of its values. */
static gboolean
ds_join_sink_emit_key (DsTask *task, DsValue key, guint32 n_times, const DsValue *list)
{
  for (guint32 i = 0; i < n_times; i++)
    {
      if (list != NULL)
        ds_task_emit_pair (task, key, list->as.items[i]);
      else
        ds_task_emit (task, key);
      if (!ds_emitter_between_calls (task->emitter))
        return FALSE;
    }
  return TRUE;
}

static gboolean
ds_join_sink_emit (DsJoinKind kind, DsTask *task, DsValue key, DsValue lists)
{
  const DsValue nothing = ds_value_null ();
  const DsValue missing = ds_value_list (&nothing, 1);
  DsValue left = lists.as.items[0];
  DsValue right = lists.as.items[1];

  switch (kind)
    {
    case DS_JOIN_SUBTRACT_KEYS:
      return right.size > 0 || ds_join_sink_emit_key (task, key, left.size, &left);
    case DS_JOIN_SUBTRACT:
      return right.size > 0 || ds_join_sink_emit_key (task, key, left.size, NULL);
    case DS_JOIN_INTERSECT:
      return left.size == 0 || right.size == 0 ||
             ds_join_sink_emit_key (task, key, 1, NULL);
    case DS_JOIN_INNER:
      break;
    case DS_JOIN_LEFT:
    case DS_JOIN_RIGHT:
    case DS_JOIN_FULL:
      if (right.size == 0 && kind != DS_JOIN_RIGHT)
        right = missing;
      else if (left.size == 0 && kind != DS_JOIN_LEFT)
        left = missing;
      break;
    default:
      g_assert_not_reached ();
    }
  return ds_join_sink_emit_product (task, key, left, right);
}

/* ---- The node ---- */

static gboolean
ds_join_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsJoinSink *self = (DsJoinSink *) sink;
  DsEmitter *emitter = self->function_sink.emitter;
  DsTask *task = sink->task;
  DsTaskFrame frame = ds_task_enter (task, sink->operator_name, emitter->arena, emitter);
  gboolean wants_more = TRUE;

  for (gsize i = 0; wants_more && i < chunk->n_values; i++)
    wants_more =
        ds_join_sink_emit (self->kind, task, chunk->values[i], chunk->pair_values[i]) &&
        task->error == NULL;
  ds_task_leave (task, &frame);
  /* What was emitted may point into this chunk. */
  return wants_more && ds_emitter_flush_and_reset (emitter);
}

static DsSink *
ds_joined_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  DsJoinSink *self = ds_sink_alloc (sizeof *self, task, next);
  DsSink *sink = &self->function_sink.sink;

  sink->push = ds_join_sink_push;
  sink->finish = ds_sink_finish_next;
  sink->free = ds_function_sink_free;
  sink->accepts = DS_ACCEPTS_PAIRS;
  self->function_sink.emitter = ds_emitter_new (ds_task_get_arena_pool (task), next);
  self->kind = GPOINTER_TO_INT (((DsNarrowRdd *) rdd)->closure.user_data);
  return sink;
}

static DsRdd *
ds_joined_rdd_get_cogrouped (DsRdd *rdd)
{
  guint n_dependencies;

  return ds_rdd_get_dependencies (rdd, &n_dependencies)[0].parent;
}

static void
ds_joined_rdd_update_partitioner (DsRdd *rdd)
{
  const DsJoinKind kind = GPOINTER_TO_INT (((DsNarrowRdd *) rdd)->closure.user_data);

  if (kind <= DS_JOIN_SUBTRACT_KEYS)
    ds_rdd_set_node_partitioner (rdd, ds_rdd_get_partitioner (
                                          ds_joined_rdd_get_cogrouped (rdd)));
}

static gboolean
ds_joined_rdd_set_n_partitions (DsRdd *rdd, guint n_partitions)
{
  DsRdd *cogrouped = ds_joined_rdd_get_cogrouped (rdd);

  ds_rdd_get_ops (cogrouped)->set_n_partitions (cogrouped, n_partitions);
  ds_joined_rdd_update_partitioner (rdd);
  return TRUE;
}

static gboolean
ds_joined_rdd_set_partitioner (DsRdd *rdd, DsPartitioner *partitioner)
{
  DsRdd *cogrouped = ds_joined_rdd_get_cogrouped (rdd);

  ds_rdd_get_ops (cogrouped)->set_partitioner (cogrouped, partitioner);
  ds_joined_rdd_update_partitioner (rdd);
  return TRUE;
}

static const DsRddOps ds_joined_rdd_ops = {
  .make_sink = ds_joined_rdd_make_sink,
  .set_n_partitions = ds_joined_rdd_set_n_partitions,
  .set_partitioner = ds_joined_rdd_set_partitioner,
};

DS_DEFINE_NARROW_RDD (DsJoinedRdd, ds_joined_rdd, &ds_joined_rdd_ops)

static DsRdd *
ds_joined_rdd_new (DsRdd *self, DsRdd *other, const char *name, DsJoinKind kind)
{
  DsRdd *parents[] = { self, other };
  g_autoptr (DsRdd) cogrouped =
      ds_cogrouped_rdd_new (parents, G_N_ELEMENTS (parents), name);
  DsRdd *rdd = ds_narrow_rdd_new (ds_joined_rdd_get_type (), cogrouped, name, FALSE, NULL,
                                  GINT_TO_POINTER (kind), NULL);

  ds_joined_rdd_update_partitioner (rdd);
  return rdd;
}

/* ---- Joins ---- */

/**
 * ds_rdd_join:
 * @self: an RDD of pairs
 * @other: another one of the same context
 *
 * A pair (key, (a, b)) for each value a of @self and each value b of @other that have the
 * same key.
 *
 * A key with m values here and n there gives m times n pairs; no more than the values of
 * one key and a chunk of results is in memory for that.  Order, cost, partitions and
 * failures are those of ds_rdd_cogroup_many ().
 *
 * Returns: (transfer full): the RDD of pairs
 */
DsRdd *
ds_rdd_join (DsRdd *self, DsRdd *other)
{
  g_return_val_if_fail (DS_IS_RDD (self) && DS_IS_RDD (other), NULL);

  return ds_joined_rdd_new (self, other, "join", DS_JOIN_INNER);
}

/**
 * ds_rdd_left_outer_join:
 * @self: an RDD of pairs
 * @other: another one of the same context
 *
 * What ds_rdd_join () gives, and (key, (a, null)) for each value of @self whose key
 * @other does not have.
 *
 * Returns: (transfer full): the RDD of pairs
 */
DsRdd *
ds_rdd_left_outer_join (DsRdd *self, DsRdd *other)
{
  g_return_val_if_fail (DS_IS_RDD (self) && DS_IS_RDD (other), NULL);

  return ds_joined_rdd_new (self, other, "left_outer_join", DS_JOIN_LEFT);
}

/**
 * ds_rdd_right_outer_join:
 * @self: an RDD of pairs
 * @other: another one of the same context
 *
 * What ds_rdd_join () gives, and (key, (null, b)) for each value of @other whose key
 * @self does not have.
 *
 * Returns: (transfer full): the RDD of pairs
 */
DsRdd *
ds_rdd_right_outer_join (DsRdd *self, DsRdd *other)
{
  g_return_val_if_fail (DS_IS_RDD (self) && DS_IS_RDD (other), NULL);

  return ds_joined_rdd_new (self, other, "right_outer_join", DS_JOIN_RIGHT);
}

/**
 * ds_rdd_full_outer_join:
 * @self: an RDD of pairs
 * @other: another one of the same context
 *
 * What ds_rdd_join () gives, and what ds_rdd_left_outer_join () and
 * ds_rdd_right_outer_join () add to it.
 *
 * Returns: (transfer full): the RDD of pairs
 */
DsRdd *
ds_rdd_full_outer_join (DsRdd *self, DsRdd *other)
{
  g_return_val_if_fail (DS_IS_RDD (self) && DS_IS_RDD (other), NULL);

  return ds_joined_rdd_new (self, other, "full_outer_join", DS_JOIN_FULL);
}

/* ---- Set operations ---- */

/**
 * ds_rdd_subtract_by_key:
 * @self: an RDD of pairs
 * @other: an RDD of pairs, of the same context; its values do not matter
 *
 * The pairs of @self whose key @other does not have.  Order, cost, partitions and
 * failures are those of ds_rdd_cogroup_many ().
 *
 * Returns: (transfer full): the RDD of pairs
 */
DsRdd *
ds_rdd_subtract_by_key (DsRdd *self, DsRdd *other)
{
  g_return_val_if_fail (DS_IS_RDD (self) && DS_IS_RDD (other), NULL);

  return ds_joined_rdd_new (self, other, "subtract_by_key", DS_JOIN_SUBTRACT_KEYS);
}

static DsValue
ds_pair_with_null (DsValue value, DsTask *task, gpointer unused)
{
  return ds_pair (task, value, ds_value_null ());
}

static DsRdd *
ds_joined_rdd_new_of_values (DsRdd *self, DsRdd *other, const char *name, DsJoinKind kind)
{
  g_autoptr (DsRdd) left = ds_rdd_map (self, ds_pair_with_null, NULL, NULL);
  g_autoptr (DsRdd) right = ds_rdd_map (other, ds_pair_with_null, NULL, NULL);

  return ds_joined_rdd_new (left, right, name, kind);
}

/**
 * ds_rdd_subtract:
 * @self: an RDD
 * @other: another one of the same context
 *
 * The values of @self that @other does not have; a value that @self has several times
 * stays so.  The order changes; cost and partitions are those of ds_rdd_cogroup_many ().
 *
 * Returns: (transfer full): the RDD of values
 */
DsRdd *
ds_rdd_subtract (DsRdd *self, DsRdd *other)
{
  g_return_val_if_fail (DS_IS_RDD (self) && DS_IS_RDD (other), NULL);

  return ds_joined_rdd_new_of_values (self, other, "subtract", DS_JOIN_SUBTRACT);
}

/**
 * ds_rdd_intersection:
 * @self: an RDD
 * @other: another one of the same context
 *
 * The values that both have, each once.  The order changes; cost and partitions are those
 * of ds_rdd_cogroup_many ().
 *
 * Returns: (transfer full): the RDD of values
 */
DsRdd *
ds_rdd_intersection (DsRdd *self, DsRdd *other)
{
  g_return_val_if_fail (DS_IS_RDD (self) && DS_IS_RDD (other), NULL);

  return ds_joined_rdd_new_of_values (self, other, "intersection", DS_JOIN_INTERSECT);
}
