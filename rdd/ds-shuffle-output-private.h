/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a shuffle, shared by its files. */

#include "rdd/ds-shuffle-private.h"
#include "rdd/ds-spill-buffer-private.h"

G_BEGIN_DECLS

/* What one map partition wrote: for each reduce partition a block of combiners, or a
 * buffer of values as they came.  Immutable once committed. */
typedef struct
{
  guint n_reduces;
  DsBlock **blocks;        /* (nullable): each nullable, nothing for that partition */
  DsSpillBuffer **buffers; /* (nullable): sealed */
  DsMemoryBudget *budget;  /* (nullable): what blocks were taken from */
  gsize n_bytes;
} DsShuffleOutput;

struct _DsShuffle
{
  gint ref_count;

  /* Fixed once the first writer is made. */
  DsCombine combine;
  gboolean combines;
  DsShuffleInput input;
  DsPartitioner *partitioner; /* (nullable) */
  guint n_reduces;
  gboolean sorts;
  gboolean is_descending;
  DsShuffleHint *hint; /* (nullable) */
  DsShuffleNameFunc name;
  gpointer name_data;

  GMutex lock;               /* guards all below */
  DsSpillFile *spill_file;   /* (nullable): of all outputs that are dealt out */
  DsShuffleOutput **outputs; /* of each map partition; NULL: not written yet */
  guint n_maps;
  guint n_missing;
  gboolean has_n_maps;
  guint64 n_bytes;
};

struct _DsShuffleHint
{
  gint ref_count;
  gsize n_map_keys;    /* atomic */
  gsize n_reduce_keys; /* atomic */
};

/* What every writer begins with. */
typedef struct
{
  DsSink sink;
  guint map_partition;
  DsShuffleOutput *output; /* (nullable): of most after finish */
} DsShuffleWriterHead;

DsShuffleOutput *ds_shuffle_output_new (guint n_reduces);
void ds_shuffle_output_free (DsShuffleOutput *self);
/* Where the buffers of all outputs spill. (transfer full) */
DsSpillFile *ds_shuffle_get_spill_file (DsShuffle *self, const char *local_directory);
/* Takes effect only when the partition has no output yet. @output (transfer full) */
void
ds_shuffle_take_output (DsShuffle *self, guint map_partition, DsShuffleOutput *output);
/* (nullable) (transfer none): stays as long as the shuffle. */
const DsShuffleOutput *ds_shuffle_get_output (DsShuffle *self, guint map_partition);
/* The block of @map_partition as it arrives in @reduce_partition.  NULL when the task
 * failed. (transfer full) */
DsBlock *ds_shuffle_fetch (DsBlock *block,
                           guint map_partition,
                           guint reduce_partition,
                           DsTask *task);

/* ---- ds-shuffle-sort.c ---- */

DsSink *ds_shuffle_make_sorter (DsShuffle *self, guint map_partition, DsTask *task);
gboolean ds_shuffle_read_sorted (DsShuffle *self,
                                 guint reduce_partition,
                                 DsTask *task,
                                 DsSink *sink);

/* A table for this shuffle's values; its operator's name is the one of now. */
DsTable *ds_shuffle_make_table (DsShuffle *self, DsTask *task, gsize n_keys_hint);

static inline gsize
ds_shuffle_hint_get (const gsize *n_keys)
{
  return __atomic_load_n (n_keys, __ATOMIC_RELAXED);
}

static inline void
ds_shuffle_hint_set (gsize *n_keys, gsize n)
{
  __atomic_store_n (n_keys, n, __ATOMIC_RELAXED);
}

G_END_DECLS
