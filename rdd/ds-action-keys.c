/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Actions on pairs: count_by_key, lookup, collect_as_map. */

#include "rdd/ds-action-private.h"
#include "rdd/ds-partitioner-private.h"
#include "rdd/ds-shuffled-rdd-private.h"

/**
 * ds_rdd_count_by_key:
 * @self: an RDD of pairs
 * @error: return location for an error
 *
 * How many pairs each key has.
 *
 * Runs a job and waits for it; honours g_cancellable_get_current ().
 *
 * Returns: (transfer full): a block of pairs (key, n) in no defined order, the same at
 *   each run; %NULL with @error
 */
DsBlock *
ds_rdd_count_by_key (DsRdd *self, GError **error)
{
  const DsCombine combine = { .kind = DS_COMBINE_COUNT };
  const DsShuffledPlan plan = { .kind = "count_by_key",
                                .combine = &combine,
                                .input = DS_SHUFFLE_PAIRS,
                                .result_is_keyed = TRUE };
  g_autoptr (DsRdd) counts = NULL;

  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  counts = ds_shuffled_rdd_new (self, &plan, NULL);
  return ds_rdd_collect (counts, error);
}

/* ---- lookup ---- */

static gboolean
ds_lookup_is_key (DsValue pair, DsTask *task, gpointer key)
{
  return ds_value_equal (ds_pair_key (pair), *(const DsValue *) key);
}

/* Where @key lies when there is a rule for that; FALSE with error when a function of the
 * program gave none. */
static gboolean
ds_rdd_find_partition (DsRdd *self, DsValue key, guint *partition, GError **error)
{
  guint32 found = 0;
  gboolean success;
  DsTask task;

  ds_task_init (&task, ds_rdd_get_context (self), 0, 0);
  ds_task_begin (&task);
  task.operator_name = "lookup";
  success = ds_partitioner_get_partitions (ds_rdd_get_partitioner (self), &key, 1, &task,
                                           &found);
  ds_task_end (&task);
  if (!success)
    ds_task_propagate_error (&task, error);
  ds_task_clear (&task);
  *partition = found;
  return success;
}

/**
 * ds_rdd_lookup: (skip)
 * @self: an RDD of pairs
 * @key: the key to look for
 * @error: return location for an error
 *
 * Brings the values of a key to the caller.  Where the RDD has a partitioner, as after an
 * operator that shuffles by key, only the partition of @key is read.
 *
 * Runs a job and waits for it; honours g_cancellable_get_current ().
 *
 * Returns: (transfer full): a block of the values, in their order, empty when there is no
 *   such key; %NULL with @error
 */
DsBlock *
ds_rdd_lookup (DsRdd *self, DsValue key, GError **error)
{
  g_autoptr (DsRdd) pairs = NULL;
  g_autoptr (DsRdd) values = NULL;
  guint partition;

  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  pairs = ds_rdd_filter (self, ds_lookup_is_key, &key, NULL);
  ds_rdd_set_name (pairs, "lookup");
  values = ds_rdd_values (pairs);
  if (!ds_rdd_prepare (values, error))
    return NULL;
  if (ds_rdd_get_partitioner (self) == NULL)
    return ds_rdd_collect (values, error);
  if (!ds_rdd_find_partition (self, key, &partition, error))
    return NULL;
  return ds_rdd_collect_partitions (values, &partition, 1, G_MAXSIZE, error);
}

/* ---- collect_as_map ---- */

typedef struct _DsMapEntries DsMapEntries;

typedef struct
{
  DsValue key; /* first: what the table calls key is the entry */
  DsValue value;
  DsMapEntries *all;
} DsMapEntry;

/* What all entries of a map lie in, until the last one goes. */
struct _DsMapEntries
{
  DsBlock *block; /* holds the bytes of all */
  gsize n_left;
  DsMapEntry entries[];
};

static void
ds_map_entry_free (gpointer key)
{
  DsMapEntries *all = ((DsMapEntry *) key)->all;

  if (--all->n_left > 0)
    return;
  ds_block_unref (all->block);
  g_free (all);
}

static guint
ds_map_hash (gconstpointer key)
{
  const guint64 hash = ds_value_hash (*(const DsValue *) key);

  return (guint) (hash ^ (hash >> 32));
}

static gboolean
ds_map_equal (gconstpointer a, gconstpointer b)
{
  return ds_value_equal (*(const DsValue *) a, *(const DsValue *) b);
}

/* @block (transfer full), of pairs. */
static GHashTable *
ds_map_new (DsBlock *block)
{
  GHashTable *map =
      g_hash_table_new_full (ds_map_hash, ds_map_equal, ds_map_entry_free, NULL);
  const gsize n_pairs = ds_block_get_length (block);
  DsMapEntries *all = g_malloc (sizeof *all + n_pairs * sizeof (DsMapEntry));

  all->block = block;
  /* One more while it is being filled: an entry that is replaced goes at once. */
  all->n_left = n_pairs + 1;
  for (gsize i = 0; i < n_pairs; i++)
    {
      DsMapEntry *entry = &all->entries[i];

      entry->all = all;
      ds_block_get_pair (block, i, &entry->key, &entry->value);
      g_hash_table_replace (map, &entry->key, &entry->value);
    }
  if (--all->n_left == 0)
    {
      ds_block_unref (block);
      g_free (all);
    }
  return map;
}

static DsValue
ds_as_pair (DsValue value, DsTask *task, gpointer unused)
{
  if (!ds_value_is_pair (value))
    ds_task_fail_no_pair (task, NULL, value);
  return value;
}

/**
 * ds_rdd_collect_as_map: (skip)
 * @self: an RDD of pairs
 * @error: return location for an error
 *
 * Brings all pairs to the caller as a hash table.  Of several values of a key the last
 * one stays.
 *
 * Runs a job and waits for it; honours g_cancellable_get_current ().
 *
 * Returns: (transfer full) (element-type DsValue DsValue): keys and values, both pointers
 *   to #DsValue that are valid as long as the table and their entry; %NULL with @error
 */
GHashTable *
ds_rdd_collect_as_map (DsRdd *self, GError **error)
{
  g_autoptr (DsRdd) pairs = NULL;
  DsBlock *block;

  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  pairs = ds_rdd_map (self, ds_as_pair, NULL, NULL);
  ds_rdd_set_name (pairs, "collect_as_map");
  block = ds_rdd_collect (pairs, error);
  return block != NULL ? ds_map_new (block) : NULL;
}
