/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names and headers of checkpoints. */

#include "base/ds-checkpoint-format-private.h"

#include "base/ds-durable-file-private.h"
#include "base/ds-durable-parts-private.h"
#include "base/ds-error.h"

#include <unistd.h>
#include <xxhash.h>

#define DS_CHECKPOINT_PREFIX "ckpt-"
#define DS_CHECKPOINT_DIGITS 20

static const guint8 ds_checkpoint_magic[8] = {
  0x89, 'D', 'S', 'C', '\r', '\n', 0x1a, '\n'
};

char *
ds_checkpoint_make_name (DsTime batch_time)
{
  return g_strdup_printf (DS_CHECKPOINT_PREFIX "%0*" G_GINT64_MODIFIER "d",
                          DS_CHECKPOINT_DIGITS, batch_time / DS_MILLISECOND);
}

gboolean
ds_checkpoint_parse_name (const char *name, DsTime *batch_time)
{
  const char *digits = name + strlen (DS_CHECKPOINT_PREFIX);
  guint64 ms;

  if (!g_str_has_prefix (name, DS_CHECKPOINT_PREFIX) ||
      strlen (digits) != DS_CHECKPOINT_DIGITS ||
      strspn (digits, "0123456789") != DS_CHECKPOINT_DIGITS ||
      !g_ascii_string_to_unsigned (digits, 10, 0, G_MAXINT64 / DS_MILLISECOND, &ms, NULL))
    return FALSE;
  *batch_time = (DsTime) ms * DS_MILLISECOND;
  return TRUE;
}

void
ds_checkpoint_set_damaged (GError **error,
                           DsDurableDirectory *directory,
                           const char *name,
                           const char *format,
                           ...)
{
  g_autofree char *path = ds_durable_directory_get_file_path (directory, name);
  g_autofree char *what = NULL;
  va_list arguments;

  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT, "checkpoint \"%s\" is damaged: %s",
               path, what);
}

void
ds_checkpoint_encode_head (const DsCheckpointOutline *outline,
                           const guint8 *application_id,
                           guint8 bytes[DS_CHECKPOINT_HEAD_BYTES])
{
  const DsCheckpointHead *head = &outline->head;
  gboolean has_base = head->base_time != DS_TIME_NONE;

  memcpy (bytes, ds_checkpoint_magic, sizeof ds_checkpoint_magic);
  ds_put_u16 (bytes + 8, DS_DURABLE_MAJOR);
  ds_put_u16 (bytes + 10, DS_DURABLE_MINOR);
  ds_put_u32 (bytes + 12, DS_CHECKPOINT_HEAD_BYTES);
  memcpy (bytes + 16, application_id, DS_APPLICATION_ID_BYTES);
  ds_put_u64 (bytes + 32, (guint64) (head->batch_time / DS_MILLISECOND));
  ds_put_u64 (bytes + 40, head->wal_sequence);
  ds_put_u64 (bytes + 48, head->fingerprint);
  ds_put_u64 (bytes + 56, outline->body_bytes);
  ds_put_u64 (bytes + 64, outline->body_hash);
  ds_put_u32 (bytes + 72, outline->n_pieces);
  ds_put_u32 (bytes + 76, has_base ? DS_CHECKPOINT_HAS_BASE : 0);
  ds_put_u64 (bytes + 80, has_base ? (guint64) (head->base_time / DS_MILLISECOND) : 0);
  ds_put_u64 (bytes + 88, XXH3_64bits (bytes, 88));
}

/* What the header says, once its hash is known to be right. */
static gboolean
ds_checkpoint_decode_whole_head (DsCheckpointOutline *outline,
                                 const guint8 *bytes,
                                 DsDurableDirectory *directory,
                                 const char *name,
                                 GError **error)
{
  DsCheckpointHead *head = &outline->head;
  guint32 flags = ds_get_u32 (bytes + 76);
  guint64 ms = ds_get_u64 (bytes + 32);
  guint64 base_ms = ds_get_u64 (bytes + 80);
  gboolean has_base = (flags & DS_CHECKPOINT_HAS_BASE) != 0;

  if (ds_get_u32 (bytes + 12) != DS_CHECKPOINT_HEAD_BYTES ||
      ms > G_MAXINT64 / DS_MILLISECOND || (has_base && base_ms >= ms))
    {
      ds_checkpoint_set_damaged (error, directory, name,
                                 "its header says %u bytes, time %" G_GUINT64_FORMAT
                                 " ms and base time %" G_GUINT64_FORMAT
                                 " ms, which fit neither format nor each other",
                                 ds_get_u32 (bytes + 12), ms, base_ms);
      return FALSE;
    }
  if ((flags & DS_CHECKPOINT_COMPRESSION) != 0)
    {
      g_autofree char *path = ds_durable_directory_get_file_path (directory, name);

      g_set_error (error, DS_ERROR, DS_ERROR_VERSION,
                   "\"%s\" is compressed (kind %u), which this library does not read; "
                   "nothing was changed: use the library that wrote it",
                   path, flags & DS_CHECKPOINT_COMPRESSION);
      return FALSE;
    }
  head->batch_time = (DsTime) ms * DS_MILLISECOND;
  head->base_time = has_base ? (DsTime) base_ms * DS_MILLISECOND : DS_TIME_NONE;
  head->wal_sequence = ds_get_u64 (bytes + 40);
  head->fingerprint = ds_get_u64 (bytes + 48);
  outline->body_bytes = ds_get_u64 (bytes + 56);
  outline->body_hash = ds_get_u64 (bytes + 64);
  outline->n_pieces = ds_get_u32 (bytes + 72);
  return TRUE;
}

/* Load order: header hash, version, whose it is, lengths. */
static gboolean
ds_checkpoint_decode_bytes (DsCheckpointOutline *outline,
                            const guint8 *bytes,
                            DsDurableDirectory *directory,
                            const char *name,
                            guint64 n_bytes,
                            GError **error)
{
  const guint8 *application_id = ds_durable_directory_get_application_id (directory);
  guint64 hash = XXH3_64bits (bytes, 88);
  DsTime name_time;

  if (memcmp (bytes, ds_checkpoint_magic, sizeof ds_checkpoint_magic) != 0 ||
      ds_get_u64 (bytes + 88) != hash)
    {
      ds_checkpoint_set_damaged (error, directory, name,
                                 "its header has the checksum %016" G_GINT64_MODIFIER
                                 "x, but says %016" G_GINT64_MODIFIER "x",
                                 hash, ds_get_u64 (bytes + 88));
      return FALSE;
    }
  if (ds_get_u16 (bytes + 8) > DS_DURABLE_MAJOR)
    {
      g_autofree char *path = ds_durable_directory_get_file_path (directory, name);

      ds_durable_refuse_version (ds_get_u16 (bytes + 8), ds_get_u16 (bytes + 10), path,
                                 error);
      return FALSE;
    }
  if (application_id != NULL &&
      memcmp (bytes + 16, application_id, DS_APPLICATION_ID_BYTES) != 0)
    {
      ds_checkpoint_set_damaged (error, directory, name,
                                 "it was written by another application than the rest of "
                                 "the directory");
      return FALSE;
    }
  if (!ds_checkpoint_decode_whole_head (outline, bytes, directory, name, error))
    return FALSE;
  if (!ds_checkpoint_parse_name (name, &name_time) ||
      name_time != outline->head.batch_time)
    {
      ds_checkpoint_set_damaged (error, directory, name,
                                 "it is of batch time %" G_GINT64_FORMAT
                                 " ms, which is not what its name says",
                                 outline->head.batch_time / DS_MILLISECOND);
      return FALSE;
    }
  if (outline->body_bytes != n_bytes - DS_CHECKPOINT_HEAD_BYTES)
    {
      ds_checkpoint_set_damaged (error, directory, name,
                                 "its body has %" G_GUINT64_FORMAT
                                 " bytes, but should have %" G_GUINT64_FORMAT,
                                 n_bytes - DS_CHECKPOINT_HEAD_BYTES, outline->body_bytes);
      return FALSE;
    }
  return TRUE;
}

gboolean
ds_checkpoint_decode_head (DsCheckpointOutline *outline,
                           DsDurableDirectory *directory,
                           const char *name,
                           int fd,
                           guint64 n_bytes,
                           GError **error)
{
  g_autofree char *path = ds_durable_directory_get_file_path (directory, name);
  guint8 bytes[DS_CHECKPOINT_HEAD_BYTES];
  gssize n_read;

  if (n_bytes < DS_CHECKPOINT_HEAD_BYTES || n_bytes > DS_CHECKPOINT_MAX_BYTES)
    {
      ds_checkpoint_set_damaged (error, directory, name,
                                 "it has %" G_GUINT64_FORMAT
                                 " bytes, and its header alone has %d",
                                 n_bytes, DS_CHECKPOINT_HEAD_BYTES);
      return FALSE;
    }
  n_read = ds_durable_file_read_at (fd, path, bytes, sizeof bytes, 0, error);
  if (n_read < 0)
    return FALSE;
  if (n_read < DS_CHECKPOINT_HEAD_BYTES)
    {
      ds_checkpoint_set_damaged (error, directory, name, "it ends within its header");
      return FALSE;
    }
  return ds_checkpoint_decode_bytes (outline, bytes, directory, name, n_bytes, error);
}

gboolean
ds_checkpoint_read_head (DsDurableDirectory *directory,
                         const char *name,
                         DsCheckpointHead *head,
                         GError **error)
{
  DsCheckpointOutline outline;
  guint64 n_bytes;
  int fd = ds_durable_directory_open_file (directory, name, &n_bytes, error);
  gboolean is_read;

  if (fd < 0)
    return FALSE;
  is_read = ds_checkpoint_decode_head (&outline, directory, name, fd, n_bytes, error);
  close (fd);
  if (is_read)
    *head = outline.head;
  return is_read;
}
