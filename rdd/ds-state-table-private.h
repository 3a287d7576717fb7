/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsStateTable: the states of the keys of one partition, which last from batch to batch.
 *
 * It knows hash, bytes of the key and bytes of the state, and nothing of what they mean
 * (ds-state-codec-private.h does).  Keys stay in the order in which they came; one that
 * was removed and comes again goes to the end.  A batch costs what it changes: each
 * change leaves the old state in the delta of its batch, so that the batch can be rolled
 * back, and states of earlier batches can be read, until the delta is forgotten.  What
 * replaced states and removed keys occupied is won back as a whole once it is as much as
 * half of the rest.
 *
 * Threads: one at a time changes a table; it may look up and read the present without the
 * lock.  Any others read states as of a batch, under the lock, up to
 * %DS_STATE_SLICE rows at a time. */

#include "base/ds-time.h"

#include <glib.h>

G_BEGIN_DECLS

typedef struct _DsStateTable DsStateTable;

#define DS_STATE_NO_ENTRY G_MAXUINT32
/* As the length of a state: there is none. */
#define DS_STATE_ABSENT G_MAXUINT32
/* As the length in a change: the state stays, but was touched. */
#define DS_STATE_UNCHANGED (G_MAXUINT32 - 1)
/* Changes and rows for which the lock is taken once. */
#define DS_STATE_SLICE 1024

typedef struct
{
  const guint8 *bytes;
  guint32 n_bytes;
  guint32 hash;
} DsStateKey;

typedef struct
{
  const guint8 *bytes;
  guint32 n_bytes;   /* or %DS_STATE_ABSENT */
  guint32 order;     /* which change of that batch was the first of this key */
  DsTime updated_at; /* batch of the last change */
} DsStatePayload;

typedef struct
{
  DsStateKey key;
  guint32 entry; /* where the key lies; %DS_STATE_NO_ENTRY: not known */
  const guint8 *bytes;
  guint32 n_bytes;         /* of the new state; or %DS_STATE_ABSENT, _UNCHANGED */
  gboolean only_if_absent; /* nothing, when the key has a state */
} DsStateChange;

/* @is_timed: keys are also kept in the order of their last change. */
DsStateTable *ds_state_table_new (gboolean is_timed);
void ds_state_table_free (DsStateTable *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsStateTable, ds_state_table_free)

guint32 ds_state_hash (const guint8 *bytes, gsize n_bytes);

/* ---- The present.  Thread: the one that changes it.  Locks: none. ---- */

/* The entry of @key, which may have no state; else %DS_STATE_NO_ENTRY. */
guint32 ds_state_table_find (DsStateTable *self, const DsStateKey *key);
/* FALSE: it has no state. */
gboolean ds_state_table_get (DsStateTable *self, guint32 entry, DsStatePayload *payload);
/* How many changes of batches after @since are remembered, with what they replaced. Costs
 * as much as there are batches. */
guint64 ds_state_table_count_undos (DsStateTable *self, DsTime since);
/* Valid until the table is compacted, in ds_state_table_forget (). */
DsStateKey ds_state_table_get_key (DsStateTable *self, guint32 entry);
const guint8 *ds_state_table_get_key_bytes (DsStateTable *self, guint32 entry);
guint32 ds_state_table_get_n_entries (DsStateTable *self); /* of which some have none */
guint32 ds_state_table_get_n_keys (DsStateTable *self);    /* that have a state */
/* Of a timed table: from the key that was changed longest ago.  %DS_STATE_NO_ENTRY: no
 * more. */
guint32 ds_state_table_get_oldest (DsStateTable *self);
guint32 ds_state_table_get_next_oldest (DsStateTable *self, guint32 entry);

/* ---- Changing ---- */

/* Changes of the batch of @time, which is no earlier than any before.  A key may be
 * changed several times in a batch.  Locks: takes self->lock, for a slice at a time. */
void ds_state_table_apply (DsStateTable *self,
                           DsTime time,
                           const DsStateChange *changes,
                           gsize n_changes);
/* Takes back what was applied for @time, the newest batch, or nothing. */
void ds_state_table_roll_back (DsStateTable *self, DsTime time);
/* Nobody will read states as of a batch before @oldest, nor roll back any. */
void ds_state_table_forget (DsStateTable *self, DsTime oldest);

/* ---- Reading as of a batch.  Any thread.  Locks: takes self->lock. ---- */

/* Rows are copied to @bytes, which they point into by offset. */
typedef struct
{
  gsize key_at;
  guint32 n_key;
  guint32 n_state; /* %DS_STATE_ABSENT: removed */
  gsize state_at;
  DsTime updated_at;
  guint32 order; /* in time, among keys of the same updated_at; of removed ones: no one */
} DsStateRow;

/* While it reads, a reader keeps entries where they are. */
void ds_state_table_hold (DsStateTable *self);
void ds_state_table_release (DsStateTable *self);

/* FALSE: @key had no state as of @time. */
gboolean ds_state_table_read_key (DsStateTable *self,
                                  const DsStateKey *key,
                                  DsTime time,
                                  GByteArray *bytes,
                                  DsStateRow *row);
/* A row where it lies, valid during the visit. */
typedef struct
{
  const guint8 *key;
  const guint8 *state;
  guint32 n_key;
  guint32 n_state; /* %DS_STATE_ABSENT: removed */
  DsTime updated_at;
  guint32 order;
} DsStateView;

/* To be embedded. */
typedef struct _DsStateVisitor DsStateVisitor;
struct _DsStateVisitor
{
  /* Under the lock: batches wait.  FALSE: enough for now. */
  gboolean (*visit) (DsStateVisitor *self, const DsStateView *view);
};

/* Visits the next keys, at most a slice of them, that had a state as of @time, in their
 * order; with @since (else %DS_TIME_NONE) those whose state as of @time is another than
 * as of @since, removed ones included, each once, which costs what was changed.  *@cursor
 * is 0 at first.  FALSE: there are no more. */
gboolean ds_state_table_visit (DsStateTable *self,
                               DsTime since,
                               DsTime time,
                               guint64 *cursor,
                               DsStateVisitor *visitor);
/* Copies the next keys that had a state as of @time, in order; 0: no more.  *@cursor is 0
 * at first. */
gsize ds_state_table_read (DsStateTable *self,
                           DsTime time,
                           guint64 *cursor,
                           GByteArray *bytes,
                           DsStateRow *rows);
/* Whether the state as of @time can still be read, so that changes since then can. */
gboolean ds_state_table_remembers (DsStateTable *self, DsTime time);
/* The first batch as of which the table can be read; G_MININT64: any. */
DsTime ds_state_table_get_oldest_time (DsStateTable *self);
/* No fewer than there were keys as of any batch that can be read. */
guint32 ds_state_table_read_n_entries (DsStateTable *self);

/* ---- Filling it with what was read from one.  Thread: the one that changes it; before
 * the first change. ---- */

typedef struct
{
  DsStateKey key;
  const guint8 *bytes;
  guint32 n_bytes; /* %DS_STATE_ABSENT: removed */
  guint32 order;
  DsTime updated_at;
} DsStateRestored;

/* Of an empty table: room for so many. */
void ds_state_table_reserve (DsStateTable *self, guint32 n_keys);
/* Rows of ds_state_table_visit (), since @since; in their order.  Returns how many fit
 * what is there: fewer than @n_rows when one does not, being there twice, or removed
 * without having been there.  Locks: takes self->lock. */
gsize ds_state_table_restore (DsStateTable *self,
                              DsTime since,
                              const DsStateRestored *rows,
                              gsize n_rows);
/* That were all of them as of @time.  Costs what they were, and 8 bytes of memory for
 * each, if the table is timed and they did not come in the order of time. */
void ds_state_table_end_restore (DsStateTable *self, DsTime time);

/* ---- Numbers, for tests and benchmarks ---- */

gsize ds_state_table_get_n_bytes (DsStateTable *self); /* in all, deltas apart */
gsize ds_state_table_get_n_delta_bytes (DsStateTable *self);
guint64 ds_state_table_get_n_compactions (DsStateTable *self);

G_END_DECLS
