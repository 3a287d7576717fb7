/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Changes are saved as bytes, newest last, each behind the bytes followed by where they
 * belong: copied back from the end, memory is what it was, in whatever order it was
 * changed.  Nothing of what was saved moves meanwhile, since a piece that was given up is
 * given back only when the changes are committed. */

#include "rdd/ds-undo-log-private.h"

#include <sys/mman.h>

#define DS_UNDO_LOG_MIN_BITS 4
#define DS_UNDO_LOG_HUGE_PAGE ((gsize) 2 * 1024 * 1024)
#define DS_UNDO_LOG_MAX_PIECE \
  ((gsize) 1 << (DS_UNDO_LOG_MIN_BITS + DS_UNDO_LOG_N_CLASSES - 1))
/* More than this is given back when most of it was not needed so many times. */
#define DS_UNDO_LOG_KEPT_BYTES ((gsize) 64 * 1024)
#define DS_UNDO_LOG_MAX_IDLE 16

void
ds_undo_log_init (DsUndoLog *self)
{
  memset (self, 0, sizeof *self);
  self->arena = ds_arena_new (NULL);
  self->large = g_hash_table_new_full (NULL, NULL, g_aligned_free, NULL);
  self->made = g_array_new (FALSE, FALSE, sizeof (DsUndoPiece));
  self->dropped = g_array_new (FALSE, FALSE, sizeof (DsUndoPiece));
}

void
ds_undo_log_clear (DsUndoLog *self)
{
  g_clear_pointer (&self->arena, ds_arena_unref);
  g_clear_pointer (&self->large, g_hash_table_unref);
  g_clear_pointer (&self->saved, g_free);
  g_clear_pointer (&self->made, g_array_unref);
  g_clear_pointer (&self->dropped, g_array_unref);
}

/* ---- Pieces ---- */

/* Of a piece that is not large. */
static guint
ds_undo_log_get_class (gsize n_bytes)
{
  return n_bytes <= 16 ? 0 : g_bit_storage (n_bytes - 1) - DS_UNDO_LOG_MIN_BITS;
}

/* Of a large piece, which is rounded up to @n_rounded. */
static guint
ds_undo_log_get_large_class (gsize n_bytes, gsize *n_rounded)
{
  guint n_bits = g_bit_storage (n_bytes - 1); /* at least 16 */
  gsize quarter = (gsize) 1 << (n_bits - 3);
  gsize n_quarters = (n_bytes + quarter - 1) / quarter; /* 5 to 8 */

  *n_rounded = n_quarters * quarter;
  return MIN ((n_bits - 16) * 4 + (guint) n_quarters - 5, DS_UNDO_LOG_N_LARGE - 1);
}

static gpointer
ds_undo_log_pop (gpointer *first)
{
  gpointer piece = *first;

  if (piece != NULL)
    memcpy (first, piece, sizeof piece);
  return piece;
}

static void
ds_undo_log_push (gpointer *first, gpointer piece)
{
  memcpy (piece, first, sizeof piece);
  *first = piece;
}

/* Pieces of several megabytes are looked into here and there: on pages of the usual size
 * each look would cost another one in the table of pages. */
static gpointer
ds_undo_log_alloc_large (gsize n_bytes)
{
  gpointer piece;

  if (n_bytes < DS_UNDO_LOG_HUGE_PAGE)
    return g_aligned_alloc (1, n_bytes, 16);
  piece = g_aligned_alloc (1, n_bytes, DS_UNDO_LOG_HUGE_PAGE);
  /* Advice: without it the memory is as good, only slower. */
  madvise (piece, n_bytes & ~(DS_UNDO_LOG_HUGE_PAGE - 1), MADV_HUGEPAGE);
  return piece;
}

static gpointer
ds_undo_log_take_large_piece (DsUndoLog *self, gsize n_bytes)
{
  gsize n_rounded;
  guint size_class = ds_undo_log_get_large_class (n_bytes, &n_rounded);
  gpointer piece = ds_undo_log_pop (&self->free_large[size_class]);

  self->n_bytes += n_rounded;
  self->n_large_bytes += n_rounded;
  if (piece != NULL)
    {
      self->n_free_large_bytes -= n_rounded;
      return piece;
    }
  piece = ds_undo_log_alloc_large (n_rounded + DS_ARENA_PADDING);
  g_hash_table_add (self->large, piece);
  return piece;
}

static gpointer
ds_undo_log_take_piece (DsUndoLog *self, gsize n_bytes)
{
  guint size_class;
  gpointer piece;

  if (n_bytes > DS_UNDO_LOG_MAX_PIECE)
    return ds_undo_log_take_large_piece (self, n_bytes);
  size_class = ds_undo_log_get_class (n_bytes);
  self->n_bytes += (gsize) 16 << size_class;
  piece = ds_undo_log_pop (&self->free_pieces[size_class]);
  return piece != NULL ? piece : ds_arena_alloc (self->arena, (gsize) 16 << size_class);
}

/* As much as is in use is kept for the next ones. */
static void
ds_undo_log_give_back_large (DsUndoLog *self, const DsUndoPiece *piece)
{
  gsize n_rounded;
  guint size_class = ds_undo_log_get_large_class (piece->n_bytes, &n_rounded);

  self->n_bytes -= n_rounded;
  self->n_large_bytes -= n_rounded;
  if (self->n_free_large_bytes + n_rounded <= self->n_large_bytes)
    {
      self->n_free_large_bytes += n_rounded;
      ds_undo_log_push (&self->free_large[size_class], piece->memory);
    }
  else
    g_hash_table_remove (self->large, piece->memory);
}

static void
ds_undo_log_give_back (DsUndoLog *self, const DsUndoPiece *piece)
{
  guint size_class;

  if (piece->n_bytes > DS_UNDO_LOG_MAX_PIECE)
    {
      ds_undo_log_give_back_large (self, piece);
      return;
    }
  size_class = ds_undo_log_get_class (piece->n_bytes);
  self->n_bytes -= (gsize) 16 << size_class;
  ds_undo_log_push (&self->free_pieces[size_class], piece->memory);
}

gpointer
ds_undo_log_alloc (DsUndoLog *self, gsize n_bytes)
{
  DsUndoPiece piece = { ds_undo_log_take_piece (self, n_bytes), n_bytes };

  g_array_append_val (self->made, piece);
  return piece.memory;
}

void
ds_undo_log_drop (DsUndoLog *self, gpointer memory, gsize n_bytes)
{
  DsUndoPiece piece = { memory, n_bytes };

  g_array_append_val (self->dropped, piece);
}

/* ---- Values ---- */

static gsize
ds_undo_log_align (gsize n_bytes)
{
  return (n_bytes + 15) & ~(gsize) 15;
}

/* What a copy of @value takes behind the value itself. */
static gsize
ds_undo_log_measure (DsValue value)
{
  gsize n_bytes = 0;

  if (value.type == DS_VALUE_TYPE_STRING || value.type == DS_VALUE_TYPE_BYTES)
    return ds_undo_log_align (value.size);
  if (value.type != DS_VALUE_TYPE_TUPLE && value.type != DS_VALUE_TYPE_LIST)
    return 0;
  for (guint32 i = 0; i < value.size; i++)
    n_bytes += ds_undo_log_measure (value.as.items[i]);
  return n_bytes + value.size * sizeof (DsValue);
}

/* Copies to @cursor, which moves on. */
static DsValue
ds_undo_log_lay_out (DsValue value, char **cursor)
{
  if (value.type == DS_VALUE_TYPE_STRING || value.type == DS_VALUE_TYPE_BYTES)
    {
      char *bytes = *cursor;

      *cursor += ds_undo_log_align (value.size);
      if (value.size > 0)
        memcpy (bytes, value.as.bytes, value.size);
      value.as.bytes = bytes;
    }
  else if (value.type == DS_VALUE_TYPE_TUPLE || value.type == DS_VALUE_TYPE_LIST)
    {
      DsValue *items = (DsValue *) (gpointer) *cursor;

      *cursor += value.size * sizeof *items;
      for (guint32 i = 0; i < value.size; i++)
        items[i] = ds_undo_log_lay_out (value.as.items[i], cursor);
      value.as.items = items;
    }
  return value;
}

DsValue
ds_undo_log_copy_value (DsUndoLog *self, DsValue value)
{
  gsize n_bytes;
  char *cursor;

  if (G_LIKELY (value.type <= DS_VALUE_TYPE_DOUBLE))
    return value;
  n_bytes = ds_undo_log_measure (value);
  if (n_bytes == 0) /* nothing in it */
    {
      value.as.integer = 0;
      return value;
    }
  cursor = ds_undo_log_alloc (self, n_bytes);
  return ds_undo_log_lay_out (value, &cursor);
}

void
ds_undo_log_drop_value (DsUndoLog *self, DsValue value)
{
  gsize n_bytes;

  if (G_LIKELY (value.type <= DS_VALUE_TYPE_DOUBLE))
    return;
  n_bytes = ds_undo_log_measure (value);
  if (n_bytes > 0) /* the copy begins with the bytes or the items */
    ds_undo_log_drop (self, (gpointer) (guintptr) value.as.bytes, n_bytes);
}

/* ---- Changes ---- */

gpointer
ds_undo_log_save_slow (DsUndoLog *self, gconstpointer memory, gsize n_bytes)
{
  gsize n_needed = self->n_saved + n_bytes + sizeof (DsUndoPiece);

  self->n_max_saved = MAX (2 * self->n_max_saved, MAX (n_needed, 4096));
  self->saved = g_realloc (self->saved, self->n_max_saved);
  ds_undo_log_save (self, memory, n_bytes);
  return self->saved;
}

/* @n_used: how much of saved was needed. */
static void
ds_undo_log_close (DsUndoLog *self, GArray *to_give_back, gsize n_used)
{
  for (guint i = 0; i < to_give_back->len; i++)
    ds_undo_log_give_back (self, &g_array_index (to_give_back, DsUndoPiece, i));
  g_array_set_size (self->made, 0);
  g_array_set_size (self->dropped, 0);
  self->n_saved = 0;
  self->n_idle = n_used < self->n_max_saved / 4 ? self->n_idle + 1 : 0;
  if (self->n_idle > DS_UNDO_LOG_MAX_IDLE && self->n_max_saved > DS_UNDO_LOG_KEPT_BYTES)
    {
      g_clear_pointer (&self->saved, g_free);
      self->n_max_saved = 0;
    }
}

void
ds_undo_log_take_back (DsUndoLog *self)
{
  gsize n_used = self->n_saved;

  while (self->n_saved > 0)
    {
      DsUndoPiece end;

      self->n_saved -= sizeof end;
      memcpy (&end, self->saved + self->n_saved, sizeof end);
      self->n_saved -= end.n_bytes;
      memcpy (end.memory, self->saved + self->n_saved, end.n_bytes);
    }
  ds_undo_log_close (self, self->made, n_used);
}

void
ds_undo_log_commit (DsUndoLog *self)
{
  ds_undo_log_close (self, self->dropped, self->n_saved);
}

gsize
ds_undo_log_get_n_bytes (const DsUndoLog *self)
{
  return ds_arena_get_n_bytes (self->arena) + self->n_large_bytes +
         self->n_free_large_bytes;
}
