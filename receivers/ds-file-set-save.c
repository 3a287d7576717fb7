/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* File sets in checkpoints: how many files, then a tuple for each.  The first file of a
 * directory brings its path, to which the others refer by number; the first versions did
 * not save directories.
 *
 * Names are mixed with a set's own number and mean nothing to another one: they are not
 * saved, and told once more after a recovery. */

#include "receivers/ds-file-set-private.h"

#include "base/ds-codec-private.h"

#include <string.h>

enum
{
  DS_SAVED_DEVICE,
  DS_SAVED_INODE,
  DS_SAVED_N_BYTES,
  DS_SAVED_MODIFIED,
  DS_SAVED_SINCE,
  DS_SAVED_STATE,
  DS_SAVED_IS_TOLD,
  DS_N_SAVED_AT_FIRST,
  DS_SAVED_DIRECTORY = DS_N_SAVED_AT_FIRST, /* -1: any */
  DS_SAVED_DIRECTORY_PATH,
  DS_N_SAVED
};

void
ds_file_set_save (DsFileSet *self, GByteArray *bytes)
{
  DsListedDirectories *directories = ds_file_set_get_directories (self);
  guint n_directories = ds_listed_directories_get_length (directories);
  guint n_known = (guint) ds_file_set_get_length (self);
  g_autofree gint64 *saved_as = g_new (gint64, MAX (n_directories, 1));
  gint64 n_saved_directories = 0;
  gint64 n_files = 0;

  for (guint i = 0; i < n_directories; i++)
    saved_as[i] = -1;
  for (guint i = 0; i < n_known; i++)
    n_files += !ds_file_set_is_name (self, ds_file_set_get (self, i));
  ds_codec_encode (ds_value_int (n_files), bytes);
  for (guint i = 0; i < n_known; i++)
    {
      const DsKnownFile *file = ds_file_set_get (self, i);
      guint64 device = ds_file_set_get_device_number (self, file);
      gboolean has_directory = file->directory != DS_LISTED_DIRECTORY_ANY;
      gboolean is_first = has_directory && saved_as[file->directory] < 0;
      DsValue fields[DS_N_SAVED] = {
        [DS_SAVED_DEVICE] = ds_value_int ((gint64) device),
        [DS_SAVED_INODE] = ds_value_int ((gint64) file->inode),
        [DS_SAVED_N_BYTES] = ds_value_int ((gint64) file->n_bytes),
        [DS_SAVED_MODIFIED] = ds_value_int (file->modified_ns),
        [DS_SAVED_SINCE] = ds_value_int (file->since),
        [DS_SAVED_STATE] = ds_value_int (file->state),
        [DS_SAVED_IS_TOLD] = ds_value_int (file->is_told),
        [DS_SAVED_DIRECTORY] = ds_value_int (-1),
      };

      if (ds_file_set_is_name (self, file))
        continue;
      if (is_first)
        {
          const char *path =
              ds_listed_directories_get_path (directories, file->directory);

          saved_as[file->directory] = n_saved_directories++;
          fields[DS_SAVED_DIRECTORY_PATH] =
              ds_value_bytes (path, (guint32) strlen (path));
        }
      if (has_directory)
        fields[DS_SAVED_DIRECTORY] = ds_value_int (saved_as[file->directory]);
      ds_codec_encode (ds_value_tuple (fields,
                                       is_first ? DS_N_SAVED : DS_SAVED_DIRECTORY_PATH),
                       bytes);
    }
}

/* FALSE: it does not have the form. */
static gboolean
ds_file_set_load_directory (DsFileSet *self, DsValue value, guint32 *directory)
{
  DsListedDirectories *directories = ds_file_set_get_directories (self);
  gint64 number = -1;

  if (value.size > DS_SAVED_DIRECTORY)
    {
      if (!ds_value_is (value.as.items[DS_SAVED_DIRECTORY], DS_VALUE_TYPE_INT))
        return FALSE;
      number = value.as.items[DS_SAVED_DIRECTORY].as.integer;
    }
  *directory = DS_LISTED_DIRECTORY_ANY;
  if (number == -1)
    return TRUE;
  if (value.size > DS_SAVED_DIRECTORY_PATH)
    {
      DsValue bytes = value.as.items[DS_SAVED_DIRECTORY_PATH];
      g_autofree char *path = NULL;

      if (!ds_value_is (bytes, DS_VALUE_TYPE_BYTES))
        return FALSE;
      path = g_strndup (bytes.as.bytes, bytes.size);
      if (ds_listed_directories_add (directories, path) != number)
        return FALSE;
    }
  if (number < 0 || number >= ds_listed_directories_get_length (directories))
    return FALSE;
  *directory = (guint32) number;
  return TRUE;
}

static gboolean
ds_file_set_load_file (DsFileSet *self, DsValue value)
{
  DsFileStatus status = { .kind = DS_FILE_REGULAR };
  DsKnownFile *file;
  guint32 directory;

  if (!ds_value_is (value, DS_VALUE_TYPE_TUPLE) || value.size < DS_N_SAVED_AT_FIRST)
    return FALSE;
  for (guint i = 0; i < DS_N_SAVED_AT_FIRST; i++)
    if (!ds_value_is (value.as.items[i], DS_VALUE_TYPE_INT))
      return FALSE;
  if (value.as.items[DS_SAVED_STATE].as.integer < DS_KNOWN_FILE_SEEN ||
      value.as.items[DS_SAVED_STATE].as.integer > DS_KNOWN_FILE_TAKEN ||
      !ds_file_set_load_directory (self, value, &directory))
    return FALSE;
  status.device = (guint64) value.as.items[DS_SAVED_DEVICE].as.integer;
  status.inode = (guint64) value.as.items[DS_SAVED_INODE].as.integer;
  status.n_bytes = (guint64) value.as.items[DS_SAVED_N_BYTES].as.integer;
  status.modified_ns = value.as.items[DS_SAVED_MODIFIED].as.integer;
  file =
      ds_file_set_note_saved (self, &status, value.as.items[DS_SAVED_SINCE].as.integer);
  file->directory = directory;
  file->state = (guint8) value.as.items[DS_SAVED_STATE].as.integer;
  file->is_told = value.as.items[DS_SAVED_IS_TOLD].as.integer != 0;
  return TRUE;
}

gsize
ds_file_set_load (DsFileSet *self, const DsValue *values, gsize n_values)
{
  gsize n_files;

  if (n_values == 0 || !ds_value_is (values[0], DS_VALUE_TYPE_INT) ||
      values[0].as.integer < 0 || (guint64) values[0].as.integer > n_values - 1)
    return 0;
  n_files = (gsize) values[0].as.integer;
  for (gsize i = 1; i <= n_files; i++)
    if (!ds_file_set_load_file (self, values[i]))
      return 0;
  return n_files + 1;
}
