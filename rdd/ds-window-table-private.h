/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsWindowTable: the keys of a sliding window in one partition, what each of them comes
 * to, and which of them came in which batch.
 *
 * An entry keeps its index as long as a batch of the window has its key, so batches know
 * entries by index and a batch that leaves needs no look-up.  Live entries are linked in
 * the order in which their keys came: walking them costs nothing for those that are gone.
 * All changes go through an undo log (ds-undo-log-private.h); begin, then commit or take
 * back.  One thread at a time. */

#include "base/ds-block.h"
#include "rdd/ds-table-core-private.h"
#include "rdd/ds-window-queue-private.h"

G_BEGIN_DECLS

typedef struct
{
  guint32 previous;  /* live, and its index + 1; 0: it is the first */
  guint32 next;      /* the same; of a free entry: the next free one */
  guint32 n_batches; /* of the window that have it; counted for filters only */
  guint32 is_live : 1;
  guint32 is_hidden : 1; /* live, and the filter keeps it out of the result */
} DsWindowEntry;

/* As the undo log saves them. */
G_STATIC_ASSERT (sizeof (DsWindowEntry) == 16);

/* What came in one batch. */
typedef struct
{
  DsTime time;
  gsize n_entries;
  gsize n_max_entries;
  guint32 *entries;
  DsValue *values;    /* (nullable): where the values don't lie in queues */
  guint64 has_others; /* TRUE: some of the values are no ints */
} DsWindowBatch;

G_STATIC_ASSERT (sizeof (DsWindowBatch) % 8 == 0);

/* What changes, and can be taken back as a whole. */
typedef struct
{
  DsTableSlot *slots;     /* meta 0: empty */
  DsValue *keys;          /* [n_max_entries], in key_column; their bytes in key_arena */
  DsValue *values;        /* [n_max_entries]: what live keys come to; else nothing */
  DsWindowEntry *entries; /* [n_max_entries] */
  DsWindowQueue *queues;  /* [n_max_entries] (nullable) */
  DsWindowBatch *batches; /* [n_max_batches], a ring */
  gsize n_key_bytes;      /* of keys that are there */
  DsTime time;            /* of the newest batch; DS_TIME_NONE: none yet */
  guint32 n_slots;        /* a power of two */
  guint32 n_max_entries;
  guint32 n_entries;  /* ever used: from here on they are new */
  guint32 n_keys;     /* used now */
  guint32 first_free; /* + 1; 0: none */
  guint32 first_live; /* + 1; 0: none */
  guint32 last_live;  /* + 1; 0: none */
  guint32 n_live;
  guint32 n_hidden;      /* of those */
  guint32 n_max_batches; /* a power of two */
  guint32 first_batch;   /* running numbers */
  guint32 end_batch;
  guint32 is_in_order; /* live entries are 0 to n_live - 1, in this order */
  guint32
      has_others; /* FALSE: no value has been more than a number since there were keys */
} DsWindowState;

G_STATIC_ASSERT (sizeof (DsWindowState) % 8 == 0);

/* A queue and what it came to, as they were when somebody began to read the table. */
typedef struct
{
  DsWindowQueue queue; /* n_cells 0: cells begin with the one at front */
  DsValue value;
} DsWindowKeptQueue;

/* Somebody reads the queues of a table while steps change them. */
typedef struct
{
  guint32 n_entries;        /* when it began */
  DsWindowKeptQueue **kept; /* [n_entries]: what has changed since, or been read */
  DsArena *arena;           /* of it */
} DsWindowReading;

typedef struct
{
  DsWindowState state;
  DsUndoLog log;
  gboolean has_queues;
  DsTable prober; /* seeds, and the slots once more: what prepares keys asks for them */
  DsArena *key_arena;
  DsArena *key_column;      /* where state.keys lies */
  GPtrArray *old_columns;   /* DsArena: where it lay since the step began, in order */
  gboolean keys_are_shared; /* blocks have the column, too: it may only be added to */

  /* Results of the step before and of the last one, where live entries were all there
   * are, in order, and of numbers: they have the values, which then need not be saved one
   * by one. */
  DsBlock *before; /* (nullable) */
  DsBlock *last;   /* (nullable) */
  gboolean restores_from_before;

  /* For captures (ds-window-reading.c): what the last step gave, which does not change
   * any more, and what it was before the step under way. */
  gboolean can_be_captured;
  DsBlock *result; /* (nullable): with an inverse */
  DsBlock *result_before;
  GArray *order; /* (nullable): guint32, live entries, DS_WINDOW_HIDDEN added to hidden
                  * ones; NULL: they are 0 to n_live - 1, and none is hidden */
  GArray *order_before;
  guint n_readers;      /* atomic: who reads batches */
  DsTime read_time;     /* up to which */
  GArray *left;         /* DsWindowBatch: have left, and may be read */
  guint n_settled_left; /* of which no step can be taken back any more */
  guint n_unread_left;  /* of which nobody reads any more */
  GMutex lock;          /* guards what follows, and where queues and their values lie */
  DsWindowReading *reading; /* (nullable) atomic */

  /* Of the step under way: entries that are to be looked at in the end. */
  guint32 *marks; /* [n_max_marks]: where in touched, + 1; 0: nowhere */
  gsize n_max_marks;
  GArray *touched; /* guint32 */
} DsWindowTable;

#define DS_WINDOW_HIDDEN (1u << 31)

void ds_window_table_init (DsWindowTable *self, gboolean has_queues);
void ds_window_table_clear (DsWindowTable *self);

/* Commits what is still open, and begins a step. */
void ds_window_table_begin (DsWindowTable *self);
/* Ends a step; what it did can still be taken back. */
void ds_window_table_end (DsWindowTable *self);
void ds_window_table_take_back (DsWindowTable *self);

/* In values, of an entry that is not live. */
#define DS_WINDOW_NOTHING_TYPE G_MAXUINT32

static inline gboolean
ds_window_value_is_nothing (DsValue value)
{
  return value.type == DS_WINDOW_NOTHING_TYPE;
}

static inline DsValue
ds_window_value_nothing (void)
{
  return (DsValue){ .type = DS_WINDOW_NOTHING_TYPE };
}

/* The entries of @keys, to @indices; new ones are not live yet. */
void ds_window_table_find (DsWindowTable *self,
                           const DsValue *keys,
                           gsize n_keys,
                           guint32 *indices);
/* An entry that is not live, of which no batch is left. */
void ds_window_table_remove (DsWindowTable *self, guint32 index);
void ds_window_table_link (DsWindowTable *self, guint32 index);
void ds_window_table_unlink (DsWindowTable *self, guint32 index);
/* A live one: whether it is kept out of results. */
void ds_window_table_set_hidden (DsWindowTable *self, guint32 index, gboolean is_hidden);
void ds_window_table_set_value_slow (DsWindowTable *self, guint32 index, DsValue value);

/* Copies @value. */
static inline void
ds_window_table_set_value (DsWindowTable *self, guint32 index, DsValue value)
{
  DsValue *there = &self->state.values[index];

  if (G_LIKELY (there->type <= DS_VALUE_TYPE_DOUBLE &&
                value.type <= DS_VALUE_TYPE_DOUBLE))
    {
      if (!self->restores_from_before)
        ds_undo_log_save (&self->log, there, sizeof *there);
      *there = value;
    }
  else
    ds_window_table_set_value_slow (self, index, value);
}

/* @array of the log with room for @n_new items of @size instead of @n_old; what is new is
 * not cleared. */
gpointer ds_window_table_grow_array (DsWindowTable *self,
                                     gpointer array,
                                     gsize n_old,
                                     gsize n_new,
                                     gsize size);

/* Where in touched @index is; FALSE: it has just come there. */
gboolean ds_window_table_touch (DsWindowTable *self, guint32 index, guint32 *at);

/* A batch newer than all others comes in. */
void ds_window_table_begin_batch (DsWindowTable *self, DsTime time);
/* The entries of @keys, new ones not live yet; valid until more of the batch comes.  A
 * table without queues keeps copies of *@values, which then are those. */
const guint32 *ds_window_table_add_to_batch (DsWindowTable *self,
                                             const DsValue *keys,
                                             const DsValue **values,
                                             gsize n_entries);
/* The same of entries that are there, for a batch that was saved; they stay as they are.
 */
void ds_window_table_restore_entries (DsWindowTable *self,
                                      const guint32 *indices,
                                      const DsValue *values,
                                      gsize n_entries);
/* How many entries it has. */
gsize ds_window_table_end_batch (DsWindowTable *self);
/* Values of batches up to @time that lie in queues, too, go. */
void ds_window_table_forget_values (DsWindowTable *self, DsTime time);
/* The oldest one; NULL: there is none.  Valid until the step is committed. */
const DsWindowBatch *ds_window_table_peek_batch (DsWindowTable *self);
void ds_window_table_pop_batch (DsWindowTable *self);
/* How many have times up to @time. */
guint ds_window_table_count_batches (DsWindowTable *self, DsTime time);

/* Live entries that are not hidden, in the order in which they became live; as values
 * alone when @is_keyless.  @task: (nullable).  (transfer full) */
DsBlock *
ds_window_table_make_block (DsWindowTable *self, gboolean is_keyless, DsTask *task);

/* ---- Reading from outside: ds-window-reading.c ---- */

/* Thread: driver, between two steps.  Batches up to the last one stay until
 * ds_window_table_end_reading (), and with @reads_queues also the queues that are there
 * now.  One at a time. */
void ds_window_table_begin_reading (DsWindowTable *self, gboolean reads_queues);
/* Any thread. */
void ds_window_table_end_reading (DsWindowTable *self);
/* The queue of an entry that was live when reading began.  Once for each.  Valid while
 * the lock is held.  Any thread.  Locks: self->lock. */
const DsWindowKeptQueue *ds_window_table_read_queue_locked (DsWindowTable *self,
                                                            guint32 index,
                                                            DsWindowKeptQueue *room);
void ds_window_table_keep_queues_slow (DsWindowTable *self,
                                       const guint32 *indices,
                                       gsize n_indices);

/* Queues that are about to change: whoever reads them has them as they were. */
static inline void
ds_window_table_keep_queues (DsWindowTable *self, const guint32 *indices, gsize n_indices)
{
  if (G_UNLIKELY (g_atomic_pointer_get (&self->reading) != NULL))
    ds_window_table_keep_queues_slow (self, indices, n_indices);
}

/* Gives back what batches had that left while somebody read them, if nobody does now.
 * What the last step did is to be committed next. */
void ds_window_table_drop_left (DsWindowTable *self);

/* What it holds of the system; blocks that it made not counted. */
gsize ds_window_table_get_n_bytes (DsWindowTable *self);

G_END_DECLS
