/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The tables of a stream.  A batch's changes are in them when its step has run; whoever
 * reads from outside reads as of the last batch that was completed, until the next one
 * is.  RDDs of states and readers pin the batch that they read, and what is older than
 * the oldest pin is given back at the beginning of the next step, in its tasks.  What
 * changed since the last save is remembered, too, as long as that is worth it. */

#include "rdd/ds-state-store-private.h"

/* With fewer changes to remember, what changed is always told. */
#define DS_STATE_MIN_BASE_UNDOS 4096

typedef struct
{
  DsTime time;
  guint n;
} DsStatePin;

typedef struct
{
  DsStateTable *table;
  DsTime loaded_at; /* %DS_TIME_NONE: initial states are not there yet */
} DsStatePartition;

struct _DsStateStore
{
  gint ref_count;
  DsPartitioner *partitioner;
  DsStatePartition *partitions;
  guint n_partitions;
  guint64 n_visited; /* atomic */

  GMutex lock; /* guards what follows */
  DsTime committed;
  DsTime first_committed;
  GArray *pins; /* DsStatePin */
  DsTime base;  /* what changed since then can be told; DS_TIME_NONE: of no time */
};

DsStateStore *
ds_state_store_new (DsPartitioner *partitioner, gboolean is_timed)
{
  DsStateStore *self = g_new0 (DsStateStore, 1);

  self->ref_count = 1;
  self->partitioner = ds_partitioner_ref (partitioner);
  self->n_partitions = ds_partitioner_get_n_partitions (partitioner);
  self->partitions = g_new (DsStatePartition, self->n_partitions);
  for (guint i = 0; i < self->n_partitions; i++)
    self->partitions[i] =
        (DsStatePartition){ ds_state_table_new (is_timed), DS_TIME_NONE };
  self->committed = DS_TIME_NONE;
  self->first_committed = DS_TIME_NONE;
  self->base = DS_TIME_NONE;
  self->pins = g_array_new (FALSE, FALSE, sizeof (DsStatePin));
  g_mutex_init (&self->lock);
  return self;
}

DsStateStore *
ds_state_store_ref (DsStateStore *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

void
ds_state_store_unref (DsStateStore *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;
  for (guint i = 0; i < self->n_partitions; i++)
    ds_state_table_free (self->partitions[i].table);
  g_free (self->partitions);
  ds_partitioner_unref (self->partitioner);
  g_array_unref (self->pins);
  g_mutex_clear (&self->lock);
  g_free (self);
}

DsPartitioner *
ds_state_store_get_partitioner (DsStateStore *self)
{
  return self->partitioner;
}

DsStateTable *
ds_state_store_get_table (DsStateStore *self, guint partition)
{
  return self->partitions[partition].table;
}

/* ---- Steps ---- */

/* Whether what changed since the last save is worth being remembered: when it is much, a
 * save in full costs about as much, and memory must not be taken for ever. */
static gboolean
ds_state_store_is_base_worth_it_locked (DsStateStore *self, DsStateTable *table)
{
  guint64 n_undos = ds_state_table_count_undos (table, self->base);

  return n_undos <= DS_STATE_MIN_BASE_UNDOS ||
         n_undos <= ds_state_table_get_n_keys (table) / 2;
}

void
ds_state_store_begin (DsStateStore *self, guint partition)
{
  DsStateTable *table = self->partitions[partition].table;
  DsTime oldest;

  g_mutex_lock (&self->lock);
  if (self->base != DS_TIME_NONE && !ds_state_store_is_base_worth_it_locked (self, table))
    self->base = DS_TIME_NONE;
  oldest = self->committed;
  for (guint i = 0; oldest != DS_TIME_NONE && i < self->pins->len; i++)
    oldest = MIN (oldest, g_array_index (self->pins, DsStatePin, i).time);
  if (oldest != DS_TIME_NONE && self->base != DS_TIME_NONE)
    oldest = MIN (oldest, self->base);
  g_mutex_unlock (&self->lock);
  if (oldest != DS_TIME_NONE)
    ds_state_table_forget (table, oldest);
}

gboolean
ds_state_store_is_loaded (DsStateStore *self, guint partition)
{
  return self->partitions[partition].loaded_at != DS_TIME_NONE;
}

void
ds_state_store_set_loaded (DsStateStore *self, guint partition, DsTime time)
{
  self->partitions[partition].loaded_at = time;
}

void
ds_state_store_roll_back (DsStateStore *self, guint partition, DsTime time)
{
  ds_state_table_roll_back (self->partitions[partition].table, time);
  if (self->partitions[partition].loaded_at == time)
    self->partitions[partition].loaded_at = DS_TIME_NONE;
}

void
ds_state_store_commit (DsStateStore *self, DsTime time)
{
  g_mutex_lock (&self->lock);
  self->committed = time;
  if (self->first_committed == DS_TIME_NONE)
    self->first_committed = time;
  g_mutex_unlock (&self->lock);
}

gboolean
ds_state_store_has_begun (DsStateStore *self, DsTime time)
{
  gboolean has_begun;

  g_mutex_lock (&self->lock);
  has_begun = self->first_committed != DS_TIME_NONE && self->first_committed <= time;
  g_mutex_unlock (&self->lock);
  return has_begun;
}

void
ds_state_store_set_restored (DsStateStore *self, DsTime time)
{
  for (guint i = 0; i < self->n_partitions; i++)
    ds_state_store_set_loaded (self, i, time);
  ds_state_store_commit (self, time);
}

DsTime
ds_state_store_get_committed (DsStateStore *self)
{
  DsTime committed;

  g_mutex_lock (&self->lock);
  committed = self->committed;
  g_mutex_unlock (&self->lock);
  return committed;
}

/* ---- Pins ---- */

static void
ds_state_store_pin_locked (DsStateStore *self, DsTime time)
{
  DsStatePin pin = { time, 1 };

  for (guint i = 0; i < self->pins->len; i++)
    if (g_array_index (self->pins, DsStatePin, i).time == time)
      {
        g_array_index (self->pins, DsStatePin, i).n++;
        return;
      }
  g_array_append_val (self->pins, pin);
}

void
ds_state_store_pin (DsStateStore *self, DsTime time)
{
  g_mutex_lock (&self->lock);
  ds_state_store_pin_locked (self, time);
  g_mutex_unlock (&self->lock);
}

static void
ds_state_store_unpin_locked (DsStateStore *self, DsTime time)
{
  for (guint i = 0; i < self->pins->len; i++)
    if (g_array_index (self->pins, DsStatePin, i).time == time &&
        --g_array_index (self->pins, DsStatePin, i).n == 0)
      {
        g_array_remove_index_fast (self->pins, i);
        return;
      }
}

void
ds_state_store_unpin (DsStateStore *self, DsTime time)
{
  g_mutex_lock (&self->lock);
  ds_state_store_unpin_locked (self, time);
  g_mutex_unlock (&self->lock);
}

DsTime
ds_state_store_pin_committed (DsStateStore *self)
{
  DsTime committed;

  g_mutex_lock (&self->lock);
  committed = self->committed;
  if (committed != DS_TIME_NONE)
    ds_state_store_pin_locked (self, committed);
  g_mutex_unlock (&self->lock);
  return committed;
}

/* ---- Saves ---- */

gboolean
ds_state_store_begin_save (DsStateStore *self, DsTime since, DsTime time)
{
  gboolean is_base;

  g_mutex_lock (&self->lock);
  is_base = since != DS_TIME_NONE && since == self->base;
  if (is_base)
    ds_state_store_pin_locked (self, since);
  ds_state_store_pin_locked (self, time);
  g_mutex_unlock (&self->lock);
  return is_base;
}

void
ds_state_store_end_save (DsStateStore *self, DsTime since, DsTime time, gboolean is_base)
{
  g_mutex_lock (&self->lock);
  if (is_base)
    self->base = time;
  if (since != DS_TIME_NONE)
    ds_state_store_unpin_locked (self, since);
  ds_state_store_unpin_locked (self, time);
  g_mutex_unlock (&self->lock);
}

/* ---- Numbers ---- */

void
ds_state_store_add_visited (DsStateStore *self, gsize n_keys)
{
  __atomic_fetch_add (&self->n_visited, n_keys, __ATOMIC_RELAXED);
}

guint64
ds_state_store_get_n_visited (DsStateStore *self)
{
  return __atomic_load_n (&self->n_visited, __ATOMIC_RELAXED);
}

guint
ds_state_store_get_n_partitions (DsStateStore *self)
{
  return self->n_partitions;
}

guint64
ds_state_store_get_n_keys (DsStateStore *self)
{
  guint64 n_keys = 0;

  for (guint i = 0; i < self->n_partitions; i++)
    n_keys += ds_state_table_get_n_keys (self->partitions[i].table);
  return n_keys;
}

gsize
ds_state_store_get_n_bytes (DsStateStore *self)
{
  gsize n_bytes = 0;

  for (guint i = 0; i < self->n_partitions; i++)
    n_bytes += ds_state_table_get_n_bytes (self->partitions[i].table);
  return n_bytes;
}
