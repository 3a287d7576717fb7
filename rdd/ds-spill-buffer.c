/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A run of values that fits wherever there is room.
 *
 * Values gather in a block; when it is large enough, or another form of values comes, it
 * becomes a piece.  While the memory budget has room a piece stays what it is, afterwards
 * it goes to a file: values as msgpack, text as it is. */

#include "rdd/ds-spill-buffer-private.h"

#include "base/ds-block-private.h"
#include "base/ds-codec-private.h"
#include "base/ds-splitter-private.h"
#include "rdd/ds-task-private.h"

#include <string.h>

#define DS_SPILL_MAX_PIECE_BYTES ((gsize) 512 * 1024)
#define DS_SPILL_MIN_PIECE_BYTES ((gsize) 16 * 1024)
/* Of the pieces in work of all buffers that fill at the same time. */
#define DS_SPILL_ALL_PIECES_BYTES ((gsize) 64 * 1024 * 1024)

typedef struct
{
  DsBlock *block; /* NULL: in the file */
  DsForm form;
  gboolean strip_cr;
  gsize n_values;
  guint64 offset; /* in the file */
  gsize n_bytes;  /* in the file, or taken from the budget */
} DsSpillPiece;

struct _DsSpillBuffer
{
  DsMemoryBudget *budget;
  DsSpillFile *file;
  gsize piece_bytes; /* from here on the piece in work is large enough */
  guint64 n_spilled_bytes;
  GArray *pieces; /* DsSpillPiece */
  guint64 n_values;
  gboolean is_sealed;
  gboolean lasts;
  gboolean is_on_disk;

  DsBlockBuilder *builder; /* (nullable): the piece in work */
  DsForm builder_form;
};

struct _DsSpillReader
{
  DsSpillBuffer *buffer;
  guint next_piece;
  DsBlock *block; /* (nullable): the piece in work */
  DsForm form;
  const DsValue *values;
  const DsValue *pair_values;
  gsize n_values;
  gsize n_done;
};

static void
ds_spill_piece_clear (gpointer piece)
{
  DsSpillPiece *self = piece;

  g_clear_pointer (&self->block, ds_block_unref);
}

DsSpillBuffer *
ds_spill_buffer_new_in_file (DsMemoryBudget *budget, DsSpillFile *file, guint n_buffers)
{
  DsSpillBuffer *self = g_new0 (DsSpillBuffer, 1);

  self->budget = ds_memory_budget_ref (budget);
  self->file = ds_spill_file_ref (file);
  self->piece_bytes = CLAMP (DS_SPILL_ALL_PIECES_BYTES / MAX (n_buffers, 1),
                             DS_SPILL_MIN_PIECE_BYTES, DS_SPILL_MAX_PIECE_BYTES);
  self->pieces = g_array_new (FALSE, TRUE, sizeof (DsSpillPiece));
  g_array_set_clear_func (self->pieces, ds_spill_piece_clear);
  return self;
}

DsSpillBuffer *
ds_spill_buffer_new (DsMemoryBudget *budget, const char *local_directory)
{
  g_autoptr (DsSpillFile) file = ds_spill_file_new (local_directory);

  return ds_spill_buffer_new_in_file (budget, file, 1);
}

void
ds_spill_buffer_free (DsSpillBuffer *self)
{
  gsize n_bytes = 0;

  for (guint i = 0; i < self->pieces->len; i++)
    {
      const DsSpillPiece *piece = &g_array_index (self->pieces, DsSpillPiece, i);

      if (piece->block != NULL)
        n_bytes += piece->n_bytes;
    }
  g_array_unref (self->pieces);
  if (n_bytes > 0)
    ds_memory_budget_release (self->budget, n_bytes);
  g_clear_pointer (&self->builder, ds_block_builder_unref);
  ds_spill_file_unref (self->file);
  ds_memory_budget_unref (self->budget);
  g_free (self);
}

/* ---- Filling ---- */

static gboolean
ds_spill_buffer_write (DsSpillBuffer *self,
                       gconstpointer bytes,
                       gsize n_bytes,
                       DsSpillPiece *piece,
                       GError **error)
{
  if (!ds_spill_file_write (self->file, bytes, n_bytes, &piece->offset, error))
    return FALSE;
  piece->n_bytes = n_bytes;
  self->n_spilled_bytes += n_bytes;
  return TRUE;
}

static gboolean
ds_spill_buffer_spill (DsSpillBuffer *self,
                       DsBlock *block,
                       DsSpillPiece *piece,
                       GError **error)
{
  g_autoptr (GByteArray) encoded = NULL;

  if (piece->form == DS_FORM_TEXT)
    {
      gsize n_bytes;
      gboolean strip_cr;
      const char *text = ds_block_get_text (block, &n_bytes, &strip_cr);

      return ds_spill_buffer_write (self, text, n_bytes, piece, error);
    }
  encoded = g_byte_array_new ();
  ds_codec_encode_block (block, encoded);
  return ds_spill_buffer_write (self, encoded->data, encoded->len, piece, error);
}

/* @block (transfer full) */
static gboolean
ds_spill_buffer_take_piece (DsSpillBuffer *self,
                            DsBlock *block,
                            gboolean strip_cr,
                            GError **error)
{
  g_autoptr (DsBlock) owned = block;
  DsSpillPiece piece = { .form = ds_block_get_form (owned),
                         .strip_cr = strip_cr,
                         .n_values = ds_block_get_length (owned) };

  if (self->is_on_disk || !ds_memory_budget_has_room (self->budget))
    {
      if (!ds_spill_buffer_spill (self, owned, &piece, error))
        return FALSE;
    }
  else
    {
      if (self->lasts)
        {
          g_autoptr (DsBlock) loose = g_steal_pointer (&owned);

          owned = ds_block_compact (loose);
        }
      piece.n_bytes = ds_block_get_n_bytes (owned);
      ds_memory_budget_take (self->budget, piece.n_bytes);
      piece.block = g_steal_pointer (&owned);
    }
  g_array_append_val (self->pieces, piece);
  return TRUE;
}

static gboolean
ds_spill_buffer_close_piece (DsSpillBuffer *self, GError **error)
{
  g_autoptr (DsBlockBuilder) builder = g_steal_pointer (&self->builder);

  if (builder == NULL)
    return TRUE;
  return ds_spill_buffer_take_piece (self, ds_block_builder_end (builder), FALSE, error);
}

static gboolean
ds_spill_buffer_add_text (DsSpillBuffer *self, const DsChunk *chunk, GError **error)
{
  gsize n_lines = ds_count_lines (chunk->text, chunk->n_text_bytes);
  DsArena *arena;
  char *text;

  if (!ds_spill_buffer_close_piece (self, error))
    return FALSE;
  if (n_lines == 0)
    return TRUE;
  arena = ds_arena_new_sized (NULL, chunk->n_text_bytes);
  text = ds_arena_alloc (arena, chunk->n_text_bytes);
  memcpy (text, chunk->text, chunk->n_text_bytes);
  self->n_values += n_lines;
  return ds_spill_buffer_take_piece (self,
                                     ds_block_new_take_text (arena, text,
                                                             chunk->n_text_bytes, n_lines,
                                                             chunk->strip_cr),
                                     chunk->strip_cr, error);
}

gboolean
ds_spill_buffer_add (DsSpillBuffer *self, const DsChunk *chunk, GError **error)
{
  g_assert (!self->is_sealed);

  if (chunk->form == DS_FORM_TEXT)
    return ds_spill_buffer_add_text (self, chunk, error);
  if (chunk->n_values == 0)
    return TRUE;
  if (self->builder != NULL &&
      (self->builder_form != chunk->form ||
       ds_block_builder_get_n_bytes (self->builder) >= self->piece_bytes) &&
      !ds_spill_buffer_close_piece (self, error))
    return FALSE;
  if (self->builder == NULL)
    {
      self->builder = ds_block_builder_new ();
      self->builder_form = chunk->form;
    }
  ds_block_builder_add_columns (self->builder, chunk->values,
                                chunk->form == DS_FORM_PAIRS ? chunk->pair_values : NULL,
                                chunk->n_values);
  self->n_values += chunk->n_values;
  return TRUE;
}

gboolean
ds_spill_buffer_seal (DsSpillBuffer *self, GError **error)
{
  self->is_sealed = TRUE;
  return ds_spill_buffer_close_piece (self, error);
}

void
ds_spill_buffer_set_lasts (DsSpillBuffer *self, gboolean on_disk)
{
  self->lasts = TRUE;
  self->is_on_disk = on_disk;
}

guint64
ds_spill_buffer_get_n_bytes (DsSpillBuffer *self)
{
  guint64 n_bytes = 0;

  for (guint i = 0; i < self->pieces->len; i++)
    n_bytes += g_array_index (self->pieces, DsSpillPiece, i).n_bytes;
  return n_bytes;
}

guint64
ds_spill_buffer_get_n_values (DsSpillBuffer *self)
{
  return self->n_values;
}

guint64
ds_spill_buffer_get_n_spilled_bytes (DsSpillBuffer *self)
{
  return self->n_spilled_bytes;
}

/* ---- Reading ---- */

DsSpillReader *
ds_spill_reader_new (DsSpillBuffer *self)
{
  DsSpillReader *reader = g_new0 (DsSpillReader, 1);

  g_assert (self->is_sealed);
  reader->buffer = self;
  return reader;
}

void
ds_spill_reader_free (DsSpillReader *self)
{
  g_clear_pointer (&self->block, ds_block_unref);
  g_free (self);
}

static DsBlock *
ds_spill_buffer_read_piece (DsSpillBuffer *self,
                            const DsSpillPiece *piece,
                            GError **error)
{
  g_autoptr (DsArena) arena = ds_arena_new_sized (NULL, piece->n_bytes);
  char *bytes = ds_arena_alloc (arena, piece->n_bytes);
  DsBlock *block;

  if (!ds_spill_file_read (self->file, bytes, piece->n_bytes, piece->offset, error))
    return NULL;
  if (piece->form == DS_FORM_TEXT)
    return ds_block_new_take_text (g_steal_pointer (&arena), bytes, piece->n_bytes,
                                   piece->n_values, piece->strip_cr);

  block = ds_codec_decode_block ((const guint8 *) bytes, piece->n_bytes, 0, error);
  if (block == NULL)
    g_prefix_error (error, "Spill file \"%s\": ", ds_spill_file_get_path (self->file));
  return block;
}

static gboolean
ds_spill_reader_open_piece (DsSpillReader *self, GError **error)
{
  const DsSpillPiece *piece =
      &g_array_index (self->buffer->pieces, DsSpillPiece, self->next_piece);

  g_clear_pointer (&self->block, ds_block_unref);
  self->block = piece->block != NULL
                    ? ds_block_ref (piece->block)
                    : ds_spill_buffer_read_piece (self->buffer, piece, error);
  if (self->block == NULL)
    return FALSE;
  self->next_piece++;
  self->n_done = 0;
  self->form = piece->form;
  if (piece->form == DS_FORM_TEXT)
    self->n_values = 1;
  else if (piece->form == DS_FORM_PAIRS)
    ds_block_get_columns (self->block, &self->values, &self->pair_values,
                          &self->n_values);
  else /* a column of tuples may have been decoded as pairs */
    self->values = ds_block_get_values (self->block, &self->n_values);
  return TRUE;
}

gboolean
ds_spill_reader_next (DsSpillReader *self,
                      DsChunk *chunk,
                      gboolean *at_end,
                      GError **error)
{
  *chunk = (DsChunk){ .form = DS_FORM_VALUES };
  *at_end = FALSE;
  if (self->block == NULL || self->n_done == self->n_values)
    {
      if (self->next_piece == self->buffer->pieces->len)
        {
          *at_end = TRUE;
          return TRUE;
        }
      if (!ds_spill_reader_open_piece (self, error))
        return FALSE;
    }

  chunk->form = self->form;
  chunk->block = self->block;
  if (self->form == DS_FORM_TEXT)
    {
      chunk->text =
          ds_block_get_text (self->block, &chunk->n_text_bytes, &chunk->strip_cr);
      self->n_done = 1;
      return TRUE;
    }
  chunk->n_values = MIN (self->n_values - self->n_done, DS_CHUNK_MAX_VALUES);
  chunk->values = self->values + self->n_done;
  if (self->form == DS_FORM_PAIRS)
    chunk->pair_values = self->pair_values + self->n_done;
  self->n_done += chunk->n_values;
  return TRUE;
}

/* ---- The sink ---- */

typedef struct
{
  DsSink sink;
  DsSpillBuffer *buffer;
} DsSpillSink;

static gboolean
ds_spill_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsSpillSink *self = (DsSpillSink *) sink;
  GError *error = NULL;

  if (ds_spill_buffer_add (self->buffer, chunk, &error))
    return TRUE;
  ds_task_take_error (sink->task, error);
  return FALSE;
}

static gboolean
ds_spill_sink_finish (DsSink *sink)
{
  return sink->task->error == NULL;
}

static void
ds_spill_sink_free (DsSink *sink)
{
  g_free (sink);
}

DsSink *
ds_spill_sink_new (DsTask *task, DsSpillBuffer *buffer)
{
  DsSpillSink *self = ds_sink_alloc (sizeof *self, task, NULL);

  self->sink.push = ds_spill_sink_push;
  self->sink.finish = ds_spill_sink_finish;
  self->sink.free = ds_spill_sink_free;
  self->sink.accepts = DS_ACCEPTS_VALUES | DS_ACCEPTS_PAIRS | DS_ACCEPTS_TEXT;
  self->buffer = buffer;
  return &self->sink;
}
