/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Random lineages, computed twice: plainly by one worker, and with some of their RDDs
 * persisted at random, now and then unpersisted, with little memory, by several.  What is
 * kept must change no value and no order. */

#include "tests/rdd/ds-test-shuffle.h"

#define MAX_NODES 14
#define MAX_VALUES 3000

typedef enum
{
  NODE_SOURCE,
  NODE_MAP_VALUES,
  NODE_FILTER,
  NODE_REDUCE_BY_KEY,
  NODE_GROUP_BY_KEY,
  NODE_COALESCE,
  NODE_REPARTITION,
  NODE_SORT_BY_KEY,
  NODE_ZIP_WITH_INDEX,
  NODE_SAMPLE,
  NODE_DISTINCT,
  NODE_UNION,
  NODE_JOIN,
  NODE_SUBTRACT_BY_KEY,
  N_KINDS
} NodeKind;

typedef struct
{
  NodeKind kind;
  guint parents[2];
  guint n_partitions;
  guint64 seed;
  gsize n_values; /* at most */
} Node;

typedef struct
{
  Node nodes[MAX_NODES];
  guint n_nodes;
} Plan;

/* ---- Pairs of ints, from pairs of ints ---- */

static DsValue
next_int (DsValue value, DsTask *task, gpointer unused)
{
  return ds_value_int (ds_value_get_int (value) + 1);
}

static gboolean
has_odd_key (DsValue pair, DsTask *task, gpointer unused)
{
  return ds_value_get_int (ds_pair_key (pair)) % 2 != 0;
}

static DsValue
count_items (DsValue list, DsTask *task, gpointer unused)
{
  return ds_value_int ((gint64) ds_value_get_n_items (list));
}

/* ((key, value), index) becomes (index modulo 50, key). */
static DsValue
index_as_key (DsValue pair, DsTask *task, gpointer unused)
{
  return ds_pair (task, ds_value_int (ds_value_get_int (ds_pair_value (pair)) % 50),
                  ds_pair_key (ds_pair_key (pair)));
}

static DsValue
add_items (DsValue both, DsTask *task, gpointer unused)
{
  return ds_value_int ((ds_value_get_int (ds_value_get_item (both, 0)) +
                        ds_value_get_int (ds_value_get_item (both, 1))) %
                       1000);
}

static DsValue
add_cut (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  return ds_value_int ((ds_value_get_int (a) + ds_value_get_int (b)) % 1000);
}

static DsRdd *
make_source (DsContext *context, const Node *node)
{
  g_autoptr (GRand) random = g_rand_new_with_seed ((guint32) node->seed);
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) block = NULL;

  for (gsize i = 0; i < node->n_values; i++)
    ds_block_builder_add_pair (builder, ds_value_int (g_rand_int_range (random, 0, 50)),
                               ds_value_int (g_rand_int_range (random, 0, 1000)));
  block = ds_block_builder_end (builder);
  return ds_context_parallelize (context, block, node->n_partitions);
}

static DsRdd *
make_node (DsContext *context, const Node *node, DsRdd **rdds)
{
  DsRdd *parent = rdds[node->parents[0]];
  DsRdd *other = rdds[node->parents[1]];
  DsRdd *rdd = NULL;
  g_autoptr (DsRdd) step = NULL;
  g_autoptr (DsRdd) reduced = NULL;

  switch (node->kind)
    {
    case NODE_SOURCE:
      return make_source (context, node);
    case NODE_MAP_VALUES:
      return ds_rdd_map_values (parent, next_int, NULL, NULL);
    case NODE_FILTER:
      return ds_rdd_filter (parent, has_odd_key, NULL, NULL);
    case NODE_REDUCE_BY_KEY:
      rdd = ds_rdd_reduce_by_key (parent, add_cut, NULL, NULL);
      ds_rdd_set_n_partitions (rdd, node->n_partitions);
      return rdd;
    case NODE_GROUP_BY_KEY:
      step = ds_rdd_group_by_key (parent);
      return ds_rdd_map_values (step, count_items, NULL, NULL);
    case NODE_COALESCE:
      return ds_rdd_coalesce (parent, node->n_partitions);
    case NODE_REPARTITION:
      return ds_rdd_repartition (parent, node->n_partitions);
    case NODE_SORT_BY_KEY:
      rdd = ds_rdd_sort_by_key (parent, node->seed % 2 ? DS_ASCENDING : DS_DESCENDING);
      ds_rdd_set_n_partitions (rdd, node->n_partitions);
      return rdd;
    case NODE_ZIP_WITH_INDEX:
      step = ds_rdd_zip_with_index (parent);
      return ds_rdd_map (step, index_as_key, NULL, NULL);
    case NODE_SAMPLE:
      return ds_rdd_sample (parent, FALSE, 0.7, node->seed);
    case NODE_DISTINCT:
      return ds_rdd_distinct (parent);
    case NODE_UNION:
      return ds_rdd_union (parent, other);
    case NODE_JOIN:
      reduced = ds_rdd_reduce_by_key (other, add_cut, NULL, NULL);
      step = ds_rdd_join (parent, reduced);
      return ds_rdd_map_values (step, add_items, NULL, NULL);
    case NODE_SUBTRACT_BY_KEY:
      return ds_rdd_subtract_by_key (parent, other);
    case N_KINDS:
    default:
      g_assert_not_reached ();
    }
}

/* ---- Plans ---- */

static void
plan_node (Plan *plan, guint i)
{
  Node *node = &plan->nodes[i];
  const Node *parent;
  const Node *other;

  *node = (Node){ .kind = i == 0 ? NODE_SOURCE
                                 : (NodeKind) g_test_rand_int_range (0, N_KINDS),
                  .n_partitions = (guint) g_test_rand_int_range (1, 6),
                  .seed = (guint64) g_test_rand_int () & G_MAXINT32 };
  if (node->kind == NODE_SOURCE)
    {
      node->n_values = (gsize) g_test_rand_int_range (0, 400);
      return;
    }
  node->parents[0] = (guint) g_test_rand_int_range (0, (gint32) i);
  node->parents[1] = (guint) g_test_rand_int_range (0, (gint32) i);
  parent = &plan->nodes[node->parents[0]];
  other = &plan->nodes[node->parents[1]];
  node->n_values = parent->n_values;
  if (node->kind == NODE_UNION && parent->n_values + other->n_values > MAX_VALUES)
    node->kind = NODE_REPARTITION;
  else if (node->kind == NODE_UNION)
    node->n_values += other->n_values;
}

static DsContext *
make_context (const char *master, guint64 memory_budget)
{
  DsContext *context = ds_test_context_new (master);

  g_object_set (context, "default-parallelism", 3, "memory-budget", memory_budget, NULL);
  return context;
}

static void
make_all (const Plan *plan, DsContext *context, DsRdd **rdds)
{
  for (guint i = 0; i < plan->n_nodes; i++)
    rdds[i] = make_node (context, &plan->nodes[i], rdds);
}

static void
free_all (const Plan *plan, DsRdd **rdds)
{
  for (guint i = 0; i < plan->n_nodes; i++)
    g_clear_object (&rdds[i]);
}

/* Reads some of them in any order, others at the same time, and persists meanwhile. */
static void
compare (const Plan *plan, DsRdd **rdds, char *const *expected)
{
  for (guint round = 0; round < 2 * plan->n_nodes; round++)
    {
      const guint i = (guint) g_test_rand_int_range (0, (gint32) plan->n_nodes);
      const guint changed = (guint) g_test_rand_int_range (0, (gint32) plan->n_nodes);

      ds_rdd_persist (rdds[changed], (DsStorageLevel) g_test_rand_int_range (0, 4));
      ds_test_assert_collects (rdds[i], expected[i]);
    }
}

static void
test_persist_random_lineages (void)
{
  g_test_summary ("What is kept, and where, changes no value and no order");

  for (guint round = 0; round < 150; round++)
    {
      Plan plan = { .n_nodes = (guint) g_test_rand_int_range (2, MAX_NODES + 1) };
      DsRdd *rdds[MAX_NODES] = { NULL };
      char *expected[MAX_NODES] = { NULL };
      g_autoptr (DsTestContext) plain = make_context ("local[1]", G_MAXUINT32);
      g_autoptr (DsTestContext) context =
          make_context (ds_test_masters[round % G_N_ELEMENTS (ds_test_masters)],
                        g_test_rand_bit () ? G_MAXUINT32 : 20000);

      for (guint i = 0; i < plan.n_nodes; i++)
        plan_node (&plan, i);
      make_all (&plan, plain, rdds);
      for (guint i = 0; i < plan.n_nodes; i++)
        expected[i] = ds_test_collect (rdds[i]);
      free_all (&plan, rdds);

      make_all (&plan, context, rdds);
      compare (&plan, rdds, expected);
      free_all (&plan, rdds);
      for (guint i = 0; i < plan.n_nodes; i++)
        g_free (expected[i]);
    }
}

/* ---- The same from several threads ---- */

typedef struct
{
  DsRdd *rdd;
  const char *expected;
} Reader;

static gpointer
read_in_thread (gpointer data)
{
  const Reader *self = data;

  for (guint i = 0; i < 3; i++)
    ds_test_assert_collects (self->rdd, self->expected);
  return NULL;
}

typedef struct
{
  DsRdd **rdds;
  guint32 seed;
  gint is_over; /* atomic */
} Meddler;

/* Says yes and no without an end, so that what a job counts on is taken away. */
static gpointer
meddle_in_thread (gpointer data)
{
  Meddler *self = data;
  g_autoptr (GRand) random = g_rand_new_with_seed (self->seed);

  while (!g_atomic_int_get (&self->is_over))
    ds_rdd_persist (self->rdds[g_rand_int_range (random, 0, MAX_NODES)],
                    (DsStorageLevel) g_rand_int_range (random, 0, 4));
  return NULL;
}

static void
test_persist_random_lineages_side_by_side (void)
{
  g_test_summary ("The same while others read and persist");

  for (guint round = 0; round < 40; round++)
    {
      Plan plan = { .n_nodes = MAX_NODES };
      DsRdd *rdds[MAX_NODES] = { NULL };
      char *expected[MAX_NODES] = { NULL };
      Reader readers[3];
      GThread *threads[G_N_ELEMENTS (readers)];
      Meddler meddler = { .rdds = rdds, .seed = (guint32) g_test_rand_int () };
      GThread *meddling;
      g_autoptr (DsTestContext) plain = make_context ("local[1]", G_MAXUINT32);
      g_autoptr (DsTestContext) context =
          make_context ("local[2]", g_test_rand_bit () ? G_MAXUINT32 : 20000);

      for (guint i = 0; i < plan.n_nodes; i++)
        plan_node (&plan, i);
      make_all (&plan, plain, rdds);
      for (guint i = 0; i < plan.n_nodes; i++)
        expected[i] = ds_test_collect (rdds[i]);
      free_all (&plan, rdds);

      make_all (&plan, context, rdds);
      for (guint i = 0; i < G_N_ELEMENTS (readers); i++)
        {
          const guint node = (guint) g_test_rand_int_range (MAX_NODES / 2, MAX_NODES);

          readers[i] = (Reader){ rdds[node], expected[node] };
          threads[i] = g_thread_new ("reader", read_in_thread, &readers[i]);
        }
      meddling = g_thread_new ("meddler", meddle_in_thread, &meddler);
      compare (&plan, rdds, expected);
      for (guint i = 0; i < G_N_ELEMENTS (readers); i++)
        g_thread_join (threads[i]);
      g_atomic_int_set (&meddler.is_over, TRUE);
      g_thread_join (meddling);
      free_all (&plan, rdds);
      for (guint i = 0; i < plan.n_nodes; i++)
        g_free (expected[i]);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/persist-random/lineages", test_persist_random_lineages);
  g_test_add_func ("/rdd/persist-random/lineages-side-by-side",
                   test_persist_random_lineages_side_by_side);

  return g_test_run ();
}
