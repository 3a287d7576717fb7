/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading a checkpoint: the whole body is hashed before anything in it is looked at, then
 * its pieces are found, then each is read when somebody asks for it, and hashed again:
 * what comes from the disk a second time need not be what came the first time. */

#include "base/ds-checkpoint-format-private.h"

#include "base/ds-durable-file-private.h"
#include "base/ds-error.h"
#include "base/ds-hash-state-private.h"

#include <unistd.h>

#define DS_CHECKPOINT_READ_BYTES (256 * 1024)

typedef struct
{
  guint64 offset; /* of the payload in the file */
  guint64 start;  /* of the payload in its section, the name counted */
  guint64 hash;
  guint32 n_bytes;
} DsPiece;

typedef struct
{
  guint32 type;
  guint32 flags;
  char *name;
  guint n_head; /* what the name takes in the first piece */
  guint first_piece;
  guint n_pieces;
  guint64 n_bytes; /* the name counted */
} DsSection;

struct _DsCheckpointReader
{
  DsDurableDirectory *directory;
  char *name;
  char *path;
  int fd;
  guint64 n_bytes;
  DsCheckpointOutline outline;
  GArray *pieces;   /* of DsPiece */
  GArray *sections; /* of DsSection */

  guint8 *room; /* the piece that was read last */
  gsize n_room;
  guint at_hand; /* which one; G_MAXUINT: none */
};

static void
ds_section_clear (gpointer section)
{
  g_free (((DsSection *) section)->name);
}

void
ds_checkpoint_reader_free (DsCheckpointReader *self)
{
  if (self->fd >= 0)
    close (self->fd);
  g_array_unref (self->pieces);
  g_array_unref (self->sections);
  g_free (self->room);
  g_free (self->path);
  g_free (self->name);
  g_free (self);
}

/* All of it or an error. */
static gboolean
ds_checkpoint_reader_read_at (DsCheckpointReader *self,
                              guint8 *room,
                              gsize n_bytes,
                              guint64 offset,
                              GError **error)
{
  gssize n_read =
      ds_durable_file_read_at (self->fd, self->path, room, n_bytes, offset, error);

  if (n_read >= 0 && (gsize) n_read < n_bytes)
    ds_checkpoint_set_damaged (
        error, self->directory, self->name,
        "it became shorter while it was read, at byte %" G_GUINT64_FORMAT,
        offset + (guint64) n_read);
  return n_read >= 0 && (gsize) n_read == n_bytes;
}

/* ---- The body as a whole ---- */

static gboolean
ds_checkpoint_reader_check_body (DsCheckpointReader *self, GError **error)
{
  g_autofree guint8 *room = g_malloc (DS_CHECKPOINT_READ_BYTES);
  XXH3_state_t *hash = ds_hash_state_new ();
  guint64 offset = DS_CHECKPOINT_HEAD_BYTES;
  guint64 found;

  while (offset < self->n_bytes)
    {
      gsize n_bytes = (gsize) MIN (self->n_bytes - offset, DS_CHECKPOINT_READ_BYTES);

      if (!ds_checkpoint_reader_read_at (self, room, n_bytes, offset, error))
        {
          XXH3_freeState (hash);
          return FALSE;
        }
      XXH3_64bits_update (hash, room, n_bytes);
      offset += n_bytes;
    }
  found = XXH3_64bits_digest (hash);
  XXH3_freeState (hash);
  if (found == self->outline.body_hash)
    return TRUE;
  ds_checkpoint_set_damaged (error, self->directory, self->name,
                             "its body of %" G_GUINT64_FORMAT
                             " bytes has the checksum %016" G_GINT64_MODIFIER
                             "x, but its header says %016" G_GINT64_MODIFIER "x",
                             self->outline.body_bytes, found, self->outline.body_hash);
  return FALSE;
}

/* ---- Sections ---- */

static gboolean
ds_checkpoint_reader_refuse (DsCheckpointReader *self,
                             guint64 offset,
                             const char *what,
                             GError **error)
{
  ds_checkpoint_set_damaged (error, self->directory, self->name,
                             "at byte %" G_GUINT64_FORMAT " %s", offset, what);
  return FALSE;
}

/* The name before the payload, a msgpack str. */
static gboolean
ds_checkpoint_reader_read_name (DsCheckpointReader *self,
                                DsSection *section,
                                const DsPiece *piece,
                                GError **error)
{
  guint8 bytes[2 + DS_SECTION_MAX_NAME];
  gsize n_bytes = MIN (piece->n_bytes, sizeof bytes);
  gsize n_name;

  if (!ds_checkpoint_reader_read_at (self, bytes, n_bytes, piece->offset, error))
    return FALSE;
  if (n_bytes >= 1 && (bytes[0] & 0xe0) == 0xa0)
    {
      n_name = bytes[0] & 0x1f;
      section->n_head = 1;
    }
  else if (n_bytes >= 2 && bytes[0] == 0xd9)
    {
      n_name = bytes[1];
      section->n_head = 2;
    }
  else
    return ds_checkpoint_reader_refuse (self, piece->offset, "a section has no name",
                                        error);
  if (section->n_head + n_name > n_bytes ||
      !g_utf8_validate_len ((const char *) bytes + section->n_head, n_name, NULL))
    return ds_checkpoint_reader_refuse (self, piece->offset,
                                        "a section's name is cut off or no UTF-8", error);
  section->name = g_strndup ((const char *) bytes + section->n_head, n_name);
  section->n_head += (guint) n_name;
  return TRUE;
}

static gboolean
ds_checkpoint_reader_begin_section (DsCheckpointReader *self,
                                    guint32 type,
                                    guint32 flags,
                                    const DsPiece *piece,
                                    GError **error)
{
  DsSection section = { type, flags & ~DS_PIECE_CONTINUED, NULL, 0, self->pieces->len, 0,
                        0 };

  if (!ds_checkpoint_reader_read_name (self, &section, piece, error))
    return FALSE;
  g_array_append_val (self->sections, section);
  return TRUE;
}

/* The piece at *@offset, which moves behind it.  *@is_continued: the one before is to be
 * continued. */
static gboolean
ds_checkpoint_reader_add_piece (DsCheckpointReader *self,
                                guint64 *offset,
                                gboolean *is_continued,
                                gboolean *is_end,
                                GError **error)
{
  guint8 head[DS_PIECE_HEAD_BYTES];
  guint64 n_left = self->n_bytes - *offset;
  DsPiece piece = { 0 };
  DsSection *section;
  guint32 type, flags;
  guint64 n_bytes;

  if (n_left < sizeof head)
    return ds_checkpoint_reader_refuse (self, *offset, "it ends without an end section",
                                        error);
  if (!ds_checkpoint_reader_read_at (self, head, sizeof head, *offset, error))
    return FALSE;
  type = ds_get_u32 (head);
  flags = ds_get_u32 (head + 4);
  n_bytes = ds_get_u64 (head + 8);
  if (n_bytes > DS_PIECE_MAX_BYTES || n_bytes > n_left - sizeof head)
    return ds_checkpoint_reader_refuse (self, *offset,
                                        "a section is longer than it can be", error);
  *is_end = type == DS_SECTION_END;
  if (*is_end)
    {
      *offset += sizeof head;
      return (n_bytes == 0 && !*is_continued) ||
             ds_checkpoint_reader_refuse (self, *offset, "the end section is none",
                                          error);
    }

  piece.offset = *offset + sizeof head;
  piece.hash = ds_get_u64 (head + 16);
  piece.n_bytes = (guint32) n_bytes;
  if (!*is_continued &&
      !ds_checkpoint_reader_begin_section (self, type, flags, &piece, error))
    return FALSE;
  section = &g_array_index (self->sections, DsSection, self->sections->len - 1);
  if (section->type != type || section->flags != (flags & ~DS_PIECE_CONTINUED))
    return ds_checkpoint_reader_refuse (self, *offset,
                                        "a section is continued by another one", error);
  piece.start = section->n_bytes;
  section->n_bytes += n_bytes;
  section->n_pieces++;
  g_array_append_val (self->pieces, piece);
  *is_continued = (flags & DS_PIECE_CONTINUED) != 0;
  *offset = piece.offset + n_bytes;
  return TRUE;
}

static gboolean
ds_checkpoint_reader_find_sections (DsCheckpointReader *self, GError **error)
{
  guint64 offset = DS_CHECKPOINT_HEAD_BYTES;
  gboolean is_continued = FALSE;
  gboolean is_end = FALSE;

  while (!is_end)
    if (!ds_checkpoint_reader_add_piece (self, &offset, &is_continued, &is_end, error))
      return FALSE;
  if (offset != self->n_bytes)
    return ds_checkpoint_reader_refuse (self, offset, "something follows the end section",
                                        error);
  if (self->outline.n_pieces != self->pieces->len + 1)
    return ds_checkpoint_reader_refuse (self, 72, "the number of sections is another one",
                                        error);
  return TRUE;
}

/* ---- Opening ---- */

DsCheckpointReader *
ds_checkpoint_reader_open (DsDurableDirectory *directory,
                           const char *name,
                           GError **error)
{
  g_autoptr (DsCheckpointReader) self = g_new0 (DsCheckpointReader, 1);

  self->directory = directory;
  self->name = g_strdup (name);
  self->path = ds_durable_directory_get_file_path (directory, name);
  self->pieces = g_array_new (FALSE, FALSE, sizeof (DsPiece));
  self->sections = g_array_new (FALSE, FALSE, sizeof (DsSection));
  g_array_set_clear_func (self->sections, ds_section_clear);
  self->at_hand = G_MAXUINT;
  self->fd = ds_durable_directory_open_file (directory, name, &self->n_bytes, error);
  if (self->fd < 0 ||
      !ds_checkpoint_decode_head (&self->outline, directory, name, self->fd,
                                  self->n_bytes, error) ||
      !ds_checkpoint_reader_check_body (self, error) ||
      !ds_checkpoint_reader_find_sections (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

const char *
ds_checkpoint_reader_get_name (DsCheckpointReader *self)
{
  return self->name;
}

const DsCheckpointHead *
ds_checkpoint_reader_get_head (DsCheckpointReader *self)
{
  return &self->outline.head;
}

guint64
ds_checkpoint_reader_get_n_bytes (DsCheckpointReader *self)
{
  return self->n_bytes;
}

guint
ds_checkpoint_reader_n_sections (DsCheckpointReader *self)
{
  return self->sections->len;
}

void
ds_checkpoint_reader_get_section (DsCheckpointReader *self,
                                  guint i,
                                  DsSectionType *type,
                                  const char **name,
                                  guint *flags,
                                  guint64 *n_bytes)
{
  const DsSection *section = &g_array_index (self->sections, DsSection, i);

  g_assert (i < self->sections->len);
  if (type != NULL)
    *type = (DsSectionType) section->type;
  if (name != NULL)
    *name = section->name;
  if (flags != NULL)
    *flags = section->flags;
  if (n_bytes != NULL)
    *n_bytes = section->n_bytes - section->n_head;
}

/* ---- Reading ---- */

/* The piece of @section in which byte @offset lies. */
static guint
ds_checkpoint_reader_find_piece (DsCheckpointReader *self,
                                 const DsSection *section,
                                 guint64 offset)
{
  guint low = section->first_piece;
  guint high = low + section->n_pieces;

  while (high - low > 1)
    {
      guint middle = low + (high - low) / 2;

      if (g_array_index (self->pieces, DsPiece, middle).start <= offset)
        low = middle;
      else
        high = middle;
    }
  return low;
}

static gboolean
ds_checkpoint_reader_fetch (DsCheckpointReader *self, guint i, GError **error)
{
  const DsPiece *piece = &g_array_index (self->pieces, DsPiece, i);

  if (self->at_hand == i)
    return TRUE;
  self->at_hand = G_MAXUINT;
  if (piece->n_bytes > self->n_room)
    {
      self->room = g_realloc (self->room, piece->n_bytes);
      self->n_room = piece->n_bytes;
    }
  if (!ds_checkpoint_reader_read_at (self, self->room, piece->n_bytes, piece->offset,
                                     error))
    return FALSE;
  if (XXH3_64bits (self->room, piece->n_bytes) != piece->hash)
    return ds_checkpoint_reader_refuse (self, piece->offset,
                                        "a section does not have the checksum it names",
                                        error);
  self->at_hand = i;
  return TRUE;
}

gssize
ds_checkpoint_reader_read (DsCheckpointReader *self,
                           guint i,
                           guint64 offset,
                           guint8 *room,
                           gsize n_room,
                           GError **error)
{
  const DsSection *section = &g_array_index (self->sections, DsSection, i);
  gsize n_read = 0;

  g_assert (i < self->sections->len);
  if (offset >= section->n_bytes - section->n_head)
    return 0;
  offset += section->n_head;
  for (guint k = ds_checkpoint_reader_find_piece (self, section, offset);
       k < section->first_piece + section->n_pieces && n_read < n_room; k++)
    {
      const DsPiece *piece = &g_array_index (self->pieces, DsPiece, k);
      gsize from = (gsize) (offset - piece->start);
      gsize n_now = MIN (piece->n_bytes - from, n_room - n_read);

      if (!ds_checkpoint_reader_fetch (self, k, error))
        return -1;
      memcpy (room + n_read, self->room + from, n_now);
      n_read += n_now;
      offset += n_now;
    }
  return (gssize) n_read;
}
