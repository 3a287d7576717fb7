/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsUndoLog: memory of something that lasts from batch to batch, all of whose changes
 * since the last commit can be taken back.
 *
 * Whoever changes memory that was there before saves it first; what is allocated since is
 * given back when the changes are taken back, and what is given back since is kept until
 * they are committed.  Pieces come from powers of two with free lists, so memory in which
 * values come and go for ever stays as large as it was when it was fullest.  One thread
 * at a time. */

#include "base/ds-arena-private.h"
#include "base/ds-value.h"

#include <string.h>

G_BEGIN_DECLS

#define DS_UNDO_LOG_N_CLASSES 12 /* powers of two, 16 bytes to 32 KiB */
#define DS_UNDO_LOG_N_LARGE 128  /* larger ones: four to a power of two, malloc's */

typedef struct
{
  gpointer memory;
  gsize n_bytes;
} DsUndoPiece;

typedef struct
{
  /*< private >*/
  DsArena *arena;                              /* where small pieces are cut from */
  gpointer free_pieces[DS_UNDO_LOG_N_CLASSES]; /* each begins with the next */
  gpointer free_large[DS_UNDO_LOG_N_LARGE];    /* the same */
  GHashTable *large;                           /* of all large pieces: set */
  gsize n_bytes;                               /* in pieces that are in use */
  gsize n_large_bytes;                         /* of them, in large ones */
  gsize n_free_large_bytes;
  char *saved; /* what memory was, newest last */
  gsize n_saved;
  gsize n_max_saved;
  gsize n_idle;    /* how often most of saved was not needed, since it was */
  GArray *made;    /* DsUndoPiece, since the last commit */
  GArray *dropped; /* the same */
} DsUndoLog;

void ds_undo_log_init (DsUndoLog *self);
/* Frees all pieces, too. */
void ds_undo_log_clear (DsUndoLog *self);

/* 16-byte aligned, not cleared. */
gpointer ds_undo_log_alloc (DsUndoLog *self, gsize n_bytes)
    __attribute__ ((returns_nonnull));
/* @n_bytes: as it was allocated. */
void ds_undo_log_drop (DsUndoLog *self, gpointer memory, gsize n_bytes);
/* A deep copy in one piece, if it needs one. */
DsValue ds_undo_log_copy_value (DsUndoLog *self, DsValue value);
void ds_undo_log_drop_value (DsUndoLog *self, DsValue value);

gpointer ds_undo_log_save_slow (DsUndoLog *self, gconstpointer memory, gsize n_bytes);

/* Before @memory is changed; @n_bytes: a multiple of 8. */
static inline void
ds_undo_log_save (DsUndoLog *self, gconstpointer memory, gsize n_bytes)
{
  DsUndoPiece *end;

  if (G_UNLIKELY (self->n_saved + n_bytes + sizeof *end > self->n_max_saved))
    {
      ds_undo_log_save_slow (self, memory, n_bytes);
      return;
    }
  memcpy (self->saved + self->n_saved, memory, n_bytes);
  end = (DsUndoPiece *) (gpointer) (self->saved + self->n_saved + n_bytes);
  end->memory = (gpointer) (guintptr) memory;
  end->n_bytes = n_bytes;
  self->n_saved += n_bytes + sizeof *end;
}

/* TRUE: something has changed since the last commit. */
static inline gboolean
ds_undo_log_is_open (const DsUndoLog *self)
{
  return self->n_saved > 0 || self->made->len > 0 || self->dropped->len > 0;
}

void ds_undo_log_take_back (DsUndoLog *self);
void ds_undo_log_commit (DsUndoLog *self);

/* What it holds of the system, without what it remembers since the last commit. */
gsize ds_undo_log_get_n_bytes (const DsUndoLog *self);

G_END_DECLS
