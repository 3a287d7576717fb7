/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsTable: keys to values by hash, for aggregation and shuffles.  Open addressing over
 * slots that hold keys of up to 16 bytes inline (32 bytes, or 16 while all keys are
 * ints); keys and values lie densely in two columns in insertion order, so iteration is
 * deterministic and costs nothing. Hashes of a whole chunk are computed and buckets
 * prefetched before the first probe.  A per-process seed goes into the slots' hash (never
 * into partitioning).  Past the cache's size it turns into radix partitions; the order of
 * iteration stays that of first insertion.  One thread. */

#include "base/ds-arena-private.h"
#include "base/ds-block.h"
#include "base/ds-value.h"
#include "rdd/ds-functions.h"
#include "rdd/ds-task-private.h"

G_BEGIN_DECLS

typedef struct _DsTable DsTable;

/* How values meet under a key. */
typedef enum
{
  DS_COMBINE_COUNT,  /* values are ignored: each key counts 1 (or, merging: adds ints) */
  DS_COMBINE_ADD,    /* ds_add () */
  DS_COMBINE_REDUCE, /* create (nullable), merge_value, merge_combiners: functions of the
                        program */
  DS_COMBINE_GROUP,  /* lists; with n_sides tuples of so many lists */
  DS_COMBINE_FIRST   /* the first value stays: distinct */
} DsCombineKind;

typedef struct
{
  DsCombineKind kind;
  DsMapFunc create; /* NULL: the value itself */
  DsReduceFunc merge_value;
  DsReduceFunc merge_combiners;
  gpointer user_data;
  guint n_sides; /* of groups that keep apart where values come from; 0: one list */
  const char *operator_name;
  gboolean is_keyless; /* all keys are null: messages show values only */
} DsCombine;

/* @n_keys_hint: of the last batch, 0 unknown. */
DsTable *ds_table_new (const DsCombine *combine, DsTask *task, gsize n_keys_hint);
void ds_table_free (DsTable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsTable, ds_table_free)

/* @values NULL: nulls (count, first).  FALSE when the task failed. */
gboolean ds_table_add_values (DsTable *self,
                              const DsValue *keys,
                              const DsValue *values,
                              gsize n_values);
/* The same with combiners made by another table. */
gboolean ds_table_merge (DsTable *self,
                         const DsValue *keys,
                         const DsValue *combiners,
                         gsize n_values);
/* Of a table with n_sides: to which list values go from now on.  The first one is 0. */
void ds_table_set_side (DsTable *self, guint side);
gsize ds_table_get_n_keys (DsTable *self);
gsize ds_table_get_n_bytes (DsTable *self);
/* The two columns in insertion order, as a block that takes over the table's memory; one
 * column when first was given keys only.  Ends the table's use; it is still to be freed.
 * (transfer full), NULL when the task failed. */
DsBlock *ds_table_end (DsTable *self);

/* What to pass as @n_keys_hint for the next run on data like this. */
gsize ds_table_get_n_keys_hint (DsTable *self);

/* ---- For tests and benchmarks, before the first value ---- */

/* Seeds of 0 make keys that begin with eight zero bytes collide, and small ints. */
void ds_table_set_seeds (DsTable *self, guint64 seed0, guint64 seed1);
/* From @n_keys on, 2^@n_bits radix partitions, aggregated each time @n_buffer_bytes of
 * records have gathered. */
void ds_table_set_radix (DsTable *self, gsize n_keys, guint n_bits, gsize n_buffer_bytes);
gboolean ds_table_is_radix (DsTable *self);
/* All keys so far were ints, and lie in slots of their own kind. */
gboolean ds_table_is_for_ints (DsTable *self);

G_END_DECLS
