/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The heads of segments, and which ones there are. */

#include "base/ds-durable-file-private.h"
#include "base/ds-durable-parts-private.h"
#include "base/ds-error.h"
#include "base/ds-log-format-private.h"

#include <unistd.h>
#include <xxhash.h>

#define DS_LOG_NAME_PREFIX "wal-"
#define DS_LOG_NAME_DIGITS 16

static const guint8 ds_log_magic[8] = { 0x89, 'D', 'S', 'W', '\r', '\n', 0x1a, '\n' };

void
ds_log_segment_name (guint64 number, char name[24])
{
  g_snprintf (name, 24, DS_LOG_NAME_PREFIX "%0*" G_GINT64_MODIFIER "u",
              DS_LOG_NAME_DIGITS, number);
}

void
ds_log_encode_head (const DsLogSegmentHead *head,
                    const guint8 *application_id,
                    guint8 bytes[DS_LOG_HEAD_BYTES])
{
  memcpy (bytes, ds_log_magic, sizeof ds_log_magic);
  ds_put_u16 (bytes + 8, DS_DURABLE_MAJOR);
  ds_put_u16 (bytes + 10, DS_DURABLE_MINOR);
  ds_put_u32 (bytes + 12, DS_LOG_HEAD_BYTES);
  memcpy (bytes + 16, application_id, DS_APPLICATION_ID_BYTES);
  ds_put_u64 (bytes + 32, head->number);
  ds_put_u64 (bytes + 40, head->first_sequence);
  ds_put_u64 (bytes + 48, head->salt);
  ds_put_u64 (bytes + 56, XXH3_64bits (bytes, 56));
}

/* FALSE without error: nothing is known of it. */
static gboolean
ds_log_decode_head (DsLogSegmentFile *self,
                    const guint8 *bytes,
                    DsDurableDirectory *directory,
                    GError **error)
{
  const guint8 *application_id = ds_durable_directory_get_application_id (directory);
  g_autofree char *path = ds_durable_directory_get_file_path (directory, self->name);

  if (memcmp (bytes, ds_log_magic, sizeof ds_log_magic) != 0 ||
      ds_get_u64 (bytes + 56) != XXH3_64bits (bytes, 56))
    return FALSE;
  if (ds_get_u16 (bytes + 8) > DS_DURABLE_MAJOR)
    {
      ds_durable_refuse_version (ds_get_u16 (bytes + 8), ds_get_u16 (bytes + 10), path,
                                 error);
      return FALSE;
    }
  if (ds_get_u32 (bytes + 12) != DS_LOG_HEAD_BYTES)
    return FALSE;
  self->head.number = ds_get_u64 (bytes + 32);
  self->head.first_sequence = ds_get_u64 (bytes + 40);
  self->head.salt = ds_get_u64 (bytes + 48);
  if (application_id != NULL &&
      memcmp (bytes + 16, application_id, DS_APPLICATION_ID_BYTES) != 0)
    {
      g_set_error (
          error, DS_ERROR, DS_ERROR_CORRUPT,
          "Segment \"%s\" of the log was written by another application than the "
          "rest of the directory; nothing was changed: take it away, and put the "
          "one that belongs there in its place",
          path);
      return FALSE;
    }
  if (self->head.number != self->number)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
                   "Segment \"%s\" of the log is number %" G_GUINT64_FORMAT
                   " by what it says itself; nothing was changed: give it its name back",
                   path, self->head.number);
      return FALSE;
    }
  return self->head.first_sequence > 0 && self->head.first_sequence <= DS_LOG_MAX_NUMBER;
}

int
ds_log_segment_open (DsDurableDirectory *directory,
                     const char *name,
                     DsLogSegmentFile *file,
                     GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autofree char *path = ds_durable_directory_get_file_path (directory, name);
  guint8 bytes[DS_LOG_HEAD_BYTES];
  int fd = ds_durable_directory_open_file (directory, name, &file->n_bytes, error);
  gssize n_read;

  if (fd < 0)
    return -1;
  g_strlcpy (file->name, name, sizeof file->name);
  file->is_whole = FALSE;
  n_read = ds_durable_file_read_at (fd, path, bytes, sizeof bytes, 0, &local_error);
  if (n_read == DS_LOG_HEAD_BYTES)
    file->is_whole = ds_log_decode_head (file, bytes, directory, &local_error);
  if (local_error == NULL)
    return fd;
  close (fd);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return -1;
}

gboolean
ds_log_segment_is_void (const DsLogSegmentFile *file)
{
  return !file->is_whole && file->n_bytes <= DS_LOG_HEAD_BYTES;
}

static gboolean
ds_log_parse_name (const char *name, guint64 *number)
{
  const char *digits = name + strlen (DS_LOG_NAME_PREFIX);

  return strlen (digits) == DS_LOG_NAME_DIGITS &&
         strspn (digits, "0123456789") == DS_LOG_NAME_DIGITS &&
         g_ascii_string_to_unsigned (digits, 10, 1, DS_LOG_MAX_NUMBER, number, NULL);
}

GArray *
ds_log_list_segments (DsDurableDirectory *directory, GError **error)
{
  g_autoptr (GArray) segments = g_array_new (FALSE, TRUE, sizeof (DsLogSegmentFile));
  g_autoptr (GPtrArray) names =
      ds_durable_directory_list (directory, DS_LOG_NAME_PREFIX, error);

  for (guint i = 0; names != NULL && i < names->len; i++)
    {
      DsLogSegmentFile file = { 0 };
      int fd;

      /* Somebody's own file, or a copy that he made. */
      if (!ds_log_parse_name (names->pdata[i], &file.number))
        continue;
      fd = ds_log_segment_open (directory, names->pdata[i], &file, error);
      if (fd < 0)
        return NULL;
      close (fd);
      g_array_append_val (segments, file);
    }
  return names != NULL ? g_steal_pointer (&segments) : NULL;
}
