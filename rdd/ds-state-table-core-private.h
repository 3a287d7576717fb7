/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of DsStateTable, shared by its files.
 *
 * Slots (open addressing, linear probing) lead to entries, which lie in the order in
 * which keys came; an entry leads to a record in the log: length of the key, key, state.
 * A state is overwritten where it lies if the new one has room there, else the record
 * moves to the end of the log.  24 bytes an entry, 8 a slot, 8 more for the order of last
 * change in a timed table. */

#include "base/ds-arena-private.h"
#include "rdd/ds-state-table-private.h"

#include <string.h>

G_BEGIN_DECLS

/* The log is addressed in units of so many bytes. */
#define DS_STATE_UNIT 8
#define DS_STATE_SEGMENT_UNITS (1u << 14)
#define DS_STATE_NO_UNDO G_MAXUINT32

typedef struct
{
  DsTime updated_at;
  guint32 at;          /* of the record in the log */
  guint32 n_state;     /* or %DS_STATE_ABSENT */
  guint32 undo;        /* in the delta of updated_at, if there still is one; always: the
                        * how manieth change of its batch it was */
  guint32 predecessor; /* an entry of the same key that lost its state before */
} DsStateEntry;

G_STATIC_ASSERT (sizeof (DsStateEntry) == 24);

typedef struct
{
  guint32 hash;
  guint32 entry_plus_1; /* 0: empty */
} DsStateSlot;

typedef struct
{
  guint32 previous;
  guint32 next;
} DsStateLink;

/* What an entry was before its batch changed it. */
typedef struct
{
  guint32 entry;
  guint32 n_state;   /* or %DS_STATE_ABSENT */
  DsTime updated_at; /* %DS_TIME_NONE: the batch made the entry */
  guint32 undo;
  guint32 previous; /* of a timed table: behind which entry it stood */
  union
  {
    guint8 inlined[8]; /* a state that is no longer than this */
    const guint8 *bytes;
  } state;
} DsStateUndo;

typedef struct
{
  DsTime time;
  DsArena *arena; /* (nullable): of longer old states */
  DsStateUndo *undos;
  guint32 n_undos;
  guint32 n_max_undos;
} DsStateDelta;

typedef struct
{
  guint8 *memory;
  gboolean is_first; /* of what was allocated in one piece */
} DsStateSegment;

struct _DsStateTable
{
  GMutex lock; /* guards all that follows against readers */

  DsStateSlot *slots;
  guint32 slot_mask;
  guint32 n_slots_used;
  DsStateEntry *entries;
  guint32 n_entries;
  guint32 n_max_entries;
  guint32 n_present;
  guint32 n_droppable; /* without state, and no delta knows them */

  gboolean is_timed;
  DsStateLink *links; /* of a timed table: [n_max_entries] */
  guint32 oldest;
  guint32 newest;

  DsStateSegment *segments;
  guint32 n_segments;
  guint64 next_unit; /* where the next record goes */
  guint64 n_dead_units;

  GPtrArray *deltas;     /* DsStateDelta, oldest first */
  guint32 n_deltas_gone; /* forgotten: their running numbers were lower */
  DsTime forgotten;      /* states as of earlier batches cannot be read */
  guint n_holds;
  guint64 n_compactions;
  GArray *restored; /* (nullable): guint32, entries that are not linked yet */
};

/* ---- ds-state-log.c ---- */

static inline guint8 *
ds_state_log_get (const DsStateTable *self, guint32 at)
{
  return self->segments[at / DS_STATE_SEGMENT_UNITS].memory +
         (gsize) (at % DS_STATE_SEGMENT_UNITS) * DS_STATE_UNIT;
}

static inline gsize
ds_state_record_get_n_head (gsize n_key)
{
  return n_key < 0xff ? 1 : 1 + sizeof (guint32);
}

/* Units that a record takes. */
static inline guint32
ds_state_record_get_n_units (gsize n_key, guint32 n_state)
{
  gsize n_bytes = ds_state_record_get_n_head (n_key) + n_key +
                  (n_state != DS_STATE_ABSENT ? n_state : 0);

  return (guint32) ((n_bytes + DS_STATE_UNIT - 1) / DS_STATE_UNIT);
}

/* The key of a record; what follows it is the state. */
static inline const guint8 *
ds_state_record_get_key (const guint8 *record, guint32 *n_key)
{
  *n_key = record[0];
  if (G_LIKELY (*n_key < 0xff))
    return record + 1;
  memcpy (n_key, record + 1, sizeof *n_key);
  return record + 1 + sizeof *n_key;
}
/* Room for a record; it is written with ds_state_record_write (). */
guint32 ds_state_log_alloc (DsStateTable *self, guint32 n_units);
void ds_state_record_write (guint8 *record,
                            const guint8 *key,
                            guint32 n_key,
                            const guint8 *state,
                            guint32 n_state);
void ds_state_log_free_segments (DsStateSegment *segments, guint32 n_segments);
/* Entries and records without those that nobody needs. */
void ds_state_table_compact (DsStateTable *self);

/* ---- ds-state-delta.c ---- */

DsStateDelta *ds_state_delta_new (DsTime time);
void ds_state_delta_free (gpointer delta);
/* The undo of @entry as it is now; its index. */
guint32 ds_state_delta_add (DsStateDelta *self,
                            const DsStateTable *table,
                            guint32 entry,
                            gboolean is_new);
DsStateDelta *ds_state_table_find_delta (const DsStateTable *self,
                                         DsTime time); /* (nullable) */
static inline const guint8 *
ds_state_undo_get_state (const DsStateUndo *self)
{
  return self->n_state <= sizeof self->state.inlined ? self->state.inlined
                                                     : self->state.bytes;
}

/* ---- ds-state-table.c ---- */

void ds_state_table_insert_slot (DsStateTable *self, guint32 hash, guint32 entry);
void ds_state_table_make_slots (DsStateTable *self, guint32 n_keys);
/* NULL: there is none. */
DsStateSlot *ds_state_table_find_slot (DsStateTable *self, const DsStateKey *key);
/* A new one at the end, with its record; @slot (nullable): that of the key.  The caller
 * sets updated_at and undo, and links it. */
guint32 ds_state_table_make_entry (DsStateTable *self,
                                   DsStateSlot *slot,
                                   const DsStateKey *key,
                                   const guint8 *state,
                                   guint32 n_state);
/* The state of an entry, or %DS_STATE_ABSENT. */
void ds_state_table_write (DsStateTable *self,
                           guint32 entry,
                           const guint8 *state,
                           guint32 n_state);
/* Of a timed table. */
void ds_state_table_unlink (DsStateTable *self, guint32 entry);
/* @previous %DS_STATE_NO_ENTRY: to the front. */
void ds_state_table_link_behind (DsStateTable *self, guint32 entry, guint32 previous);

G_END_DECLS
