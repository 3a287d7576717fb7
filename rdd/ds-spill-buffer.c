/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A run of values that fits wherever there is room.
 *
 * Values gather in a block; when it is large enough, or another form of values comes, it
 * becomes a piece.  While the memory budget has room a piece stays what it is, afterwards
 * it goes to a file: its length in 8 bytes, then its values as msgpack, text as it is.
 * The file has no name, so nothing stays behind however the process ends.  Nothing in it
 * outlives the process either, so it is never synced. */

#include "rdd/ds-spill-buffer-private.h"

#include "base/ds-block-private.h"
#include "base/ds-codec-private.h"
#include "base/ds-durable-file-private.h"
#include "base/ds-error.h"
#include "base/ds-splitter-private.h"
#include "rdd/ds-task-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define DS_SPILL_PIECE_BYTES ((gsize) 512 * 1024)
#define DS_SPILL_PREFIX_BYTES 8

typedef struct
{
  DsBlock *block; /* NULL: in the file */
  DsForm form;
  gboolean strip_cr;
  gsize n_values;
  guint64 offset; /* in the file, of the prefix */
  gsize n_bytes;  /* in the file, or taken from the budget */
} DsSpillPiece;

struct _DsSpillBuffer
{
  DsMemoryBudget *budget;
  char *directory;
  char *path; /* (nullable): for messages only */
  int fd;
  guint64 n_spilled_bytes;
  GArray *pieces; /* DsSpillPiece */
  guint64 n_values;
  gboolean is_sealed;

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
ds_spill_buffer_new (DsMemoryBudget *budget, const char *local_directory)
{
  DsSpillBuffer *self = g_new0 (DsSpillBuffer, 1);

  self->budget = ds_memory_budget_ref (budget);
  self->directory = g_strdup (local_directory);
  self->fd = -1;
  self->pieces = g_array_new (FALSE, TRUE, sizeof (DsSpillPiece));
  g_array_set_clear_func (self->pieces, ds_spill_piece_clear);
  return self;
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
  /* Nobody reads this file any more: a failure to close it loses nothing. */
  if (self->fd >= 0)
    close (self->fd);
  ds_memory_budget_unref (self->budget);
  g_free (self->directory);
  g_free (self->path);
  g_free (self);
}

/* ---- The file ---- */

static gboolean
ds_spill_buffer_open (DsSpillBuffer *self, GError **error)
{
  int error_number;

  self->path = g_build_filename (self->directory, "ds-spill-XXXXXX", NULL);
  self->fd = g_mkstemp_full (self->path, O_RDWR | O_CLOEXEC, 0600);
  if (self->fd < 0)
    {
      error_number = errno;
      ds_set_error_from_errno (error, error_number, "Creating the spill file",
                               self->path);
      g_clear_pointer (&self->path, g_free);
      return FALSE;
    }
  if (g_unlink (self->path) == 0)
    return TRUE;
  error_number = errno;
  ds_set_error_from_errno (error, error_number, "Unlinking the spill file", self->path);
  return FALSE;
}

static gboolean
ds_spill_buffer_write (DsSpillBuffer *self,
                       gconstpointer bytes,
                       gsize n_bytes,
                       DsSpillPiece *piece,
                       GError **error)
{
  const guint64 prefix = GUINT64_TO_LE ((guint64) n_bytes);

  if (self->fd < 0 && !ds_spill_buffer_open (self, error))
    return FALSE;
  if (!ds_durable_file_write (self->fd, self->path, &prefix, sizeof prefix, error) ||
      !ds_durable_file_write (self->fd, self->path, bytes, n_bytes, error))
    {
      g_prefix_error (error,
                      "Spilling %" G_GSIZE_FORMAT " bytes behind %" G_GUINT64_FORMAT
                      " others (the directory is the context's local-directory): ",
                      n_bytes, self->n_spilled_bytes);
      return FALSE;
    }
  piece->offset = self->n_spilled_bytes;
  piece->n_bytes = n_bytes;
  self->n_spilled_bytes += sizeof prefix + n_bytes;
  return TRUE;
}

static gboolean
ds_spill_buffer_read (DsSpillBuffer *self,
                      gpointer bytes,
                      gsize n_bytes,
                      guint64 offset,
                      GError **error)
{
  char *rest = bytes;

  while (n_bytes > 0)
    {
      gssize n_read = pread (self->fd, rest, n_bytes, (off_t) offset);

      if (n_read < 0 && errno == EINTR)
        continue;
      if (n_read < 0)
        {
          int error_number = errno;

          ds_set_error_from_errno (error, error_number, "Reading the spill file",
                                   self->path);
          return FALSE;
        }
      if (n_read == 0)
        {
          g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
                       "Spill file \"%s\" ends %" G_GSIZE_FORMAT
                       " bytes early at offset %" G_GUINT64_FORMAT
                       ": another program has cut it",
                       self->path, n_bytes, offset);
          return FALSE;
        }
      rest += n_read;
      offset += (guint64) n_read;
      n_bytes -= (gsize) n_read;
    }
  return TRUE;
}

/* ---- Filling ---- */

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

  if (!ds_memory_budget_has_room (self->budget))
    {
      if (!ds_spill_buffer_spill (self, owned, &piece, error))
        return FALSE;
    }
  else
    {
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
       ds_block_builder_get_n_bytes (self->builder) >= DS_SPILL_PIECE_BYTES) &&
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
  guint64 prefix;

  if (!ds_spill_buffer_read (self, &prefix, sizeof prefix, piece->offset, error))
    return NULL;
  if (GUINT64_FROM_LE (prefix) != piece->n_bytes)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
                   "Spill file \"%s\" holds length %" G_GUINT64_FORMAT
                   " at offset %" G_GUINT64_FORMAT ", expected %" G_GSIZE_FORMAT
                   ": another program has changed it",
                   self->path, GUINT64_FROM_LE (prefix), piece->offset, piece->n_bytes);
      return NULL;
    }
  if (!ds_spill_buffer_read (self, bytes, piece->n_bytes,
                             piece->offset + DS_SPILL_PREFIX_BYTES, error))
    return NULL;
  if (piece->form == DS_FORM_TEXT)
    return ds_block_new_take_text (g_steal_pointer (&arena), bytes, piece->n_bytes,
                                   piece->n_values, piece->strip_cr);

  block = ds_codec_decode_block ((const guint8 *) bytes, piece->n_bytes, 0, error);
  if (block == NULL)
    g_prefix_error (error, "Spill file \"%s\": ", self->path);
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
