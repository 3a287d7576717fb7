/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* save_as_text_file: a directory of part-00000 ... and an empty _SUCCESS, last.  A part
 * is written under a temporary name of its attempt, synced, and renamed when its task has
 * succeeded, so that what bears a part's name is whole.
 *
 * The action writes the whole directory aside and renames it at the end.  An output of a
 * stream may run again for the same batch: it works in the directory itself and replaces
 * part by part. */

#include "base/ds-durable-file-private.h"
#include "base/ds-error.h"
#include "base/ds-value-private.h"
#include "rdd/ds-action-private.h"
#include "rdd/ds-job-private.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DS_SAVE_BUFFER_BYTES (64 * 1024)

typedef struct
{
  DsSink sink;
  char *temporary_path;
  int fd; /* -1: not open */
  GString *buffer;
} DsSaveSink;

static gboolean
ds_save_sink_flush (DsSaveSink *self)
{
  g_autoptr (GError) error = NULL;

  if (!ds_durable_file_write (self->fd, self->temporary_path, self->buffer->str,
                              self->buffer->len, &error))
    {
      ds_task_take_error (self->sink.task, g_steal_pointer (&error));
      return FALSE;
    }
  g_string_truncate (self->buffer, 0);
  return TRUE;
}

static gboolean
ds_save_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsSaveSink *self = (DsSaveSink *) sink;

  if (self->fd < 0)
    return FALSE;

  for (gsize i = 0; i < chunk->n_values; i++)
    {
      if (chunk->form == DS_FORM_PAIRS)
        {
          const DsValue items[2] = { chunk->values[i], chunk->pair_values[i] };

          ds_value_append_to_string (ds_value_tuple (items, 2), self->buffer, FALSE);
        }
      else
        {
          ds_value_append_to_string (chunk->values[i], self->buffer, FALSE);
        }
      g_string_append_c (self->buffer, '\n');
      if (self->buffer->len >= DS_SAVE_BUFFER_BYTES && !ds_save_sink_flush (self))
        return FALSE;
    }
  return TRUE;
}

static gboolean
ds_save_sink_finish (DsSink *sink)
{
  DsSaveSink *self = (DsSaveSink *) sink;
  g_autoptr (GError) error = NULL;

  if (self->fd < 0 || !ds_save_sink_flush (self))
    return FALSE;

  if (!ds_durable_file_sync_and_close (self->fd, self->temporary_path, &error))
    ds_task_take_error (sink->task, g_steal_pointer (&error));
  self->fd = -1;
  return !ds_task_has_failed (sink->task);
}

static void
ds_save_sink_free (DsSink *sink)
{
  DsSaveSink *self = (DsSaveSink *) sink;

  if (self->fd >= 0)
    close (self->fd);
  if (self->temporary_path != NULL)
    g_unlink (self->temporary_path);
  g_free (self->temporary_path);
  g_string_free (self->buffer, TRUE);
  g_free (self);
}

static DsSink *
ds_save_make_sink (DsTask *task, guint index, gpointer data)
{
  const char *directory = data;
  DsSaveSink *sink = ds_sink_alloc (sizeof *sink, task, NULL);
  g_autoptr (GError) error = NULL;

  sink->sink.push = ds_save_sink_push;
  sink->sink.finish = ds_save_sink_finish;
  sink->sink.free = ds_save_sink_free;
  sink->sink.accepts = DS_ACCEPTS_VALUES | DS_ACCEPTS_PAIRS;
  sink->sink.operator_name = "save_as_text_file";
  sink->buffer = g_string_sized_new (DS_SAVE_BUFFER_BYTES);
  sink->temporary_path = g_strdup_printf ("%s/.tmp-part-%05u-%u-%d", directory,
                                          task->partition, task->attempt, getpid ());
  /* One that a killed process of the same id left behind. */
  g_unlink (sink->temporary_path);
  sink->fd = ds_durable_file_create (sink->temporary_path, &error);
  if (sink->fd < 0)
    ds_task_take_error (task, g_steal_pointer (&error));
  return &sink->sink;
}

static void
ds_save_commit (DsTask *task, guint index, DsSink *sink, gpointer data)
{
  DsSaveSink *self = (DsSaveSink *) sink;
  g_autoptr (GError) error = NULL;
  g_autofree char *path =
      g_strdup_printf ("%s/part-%05u", (const char *) data, task->partition);

  if (!ds_durable_file_rename (self->temporary_path, path, &error))
    ds_task_take_error (task, g_steal_pointer (&error));
  else
    g_clear_pointer (&self->temporary_path, g_free);
}

/* ---- The directory ---- */

static gboolean
ds_save_make_directory (const char *path, gboolean may_exist, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (path);
  struct stat status;

  if (g_mkdir_with_parents (parent, 0777) < 0)
    {
      ds_set_error_from_errno (error, errno, "Making directory", parent);
      return FALSE;
    }
  if (mkdir (path, 0777) == 0)
    return TRUE;

  int error_number = errno;

  if (error_number == EEXIST && may_exist && stat (path, &status) == 0 &&
      S_ISDIR (status.st_mode))
    return TRUE;
  ds_set_error_from_errno (error, error_number, "Making directory", path);
  return FALSE;
}

/* Removes the parts from number @n_parts on, and what an attempt left: an earlier run had
 * more partitions, or was killed. */
static void
ds_save_remove_leftovers (const char *directory, guint n_parts, gboolean all)
{
  g_autoptr (GDir) names = g_dir_open (directory, 0, NULL);
  const char *name;

  while (names != NULL && (name = g_dir_read_name (names)) != NULL)
    {
      gboolean is_extra_part =
          g_str_has_prefix (name, "part-") &&
          g_ascii_strtoull (name + strlen ("part-"), NULL, 10) >= n_parts;

      if (all || is_extra_part || g_str_has_prefix (name, ".tmp-part-"))
        {
          g_autofree char *path = g_build_filename (directory, name, NULL);

          g_unlink (path);
        }
    }
}

static gboolean
ds_save_mark_success (const char *directory, GError **error)
{
  g_autofree char *temporary = g_build_filename (directory, ".tmp-part-success", NULL);
  g_autofree char *path = g_build_filename (directory, "_SUCCESS", NULL);

  g_unlink (temporary);
  int fd = ds_durable_file_create (temporary, error);

  return fd >= 0 && ds_durable_file_sync_and_close (fd, temporary, error) &&
         ds_durable_file_rename (temporary, path, error) &&
         ds_durable_directory_sync (directory, error);
}

static gboolean
ds_save_parts (DsRdd *self, char *directory, GError **error)
{
  static const DsJobFuncs funcs = { ds_save_make_sink, ds_save_commit };

  if (!ds_context_run_job (ds_rdd_get_context (self), self, NULL, 0, &funcs, directory,
                           error))
    return FALSE;
  ds_save_remove_leftovers (directory, ds_rdd_get_n_partitions (self), FALSE);
  return ds_save_mark_success (directory, error);
}

/* Writes beside @path and gives it that name at the end. */
static gboolean
ds_save_aside (DsRdd *self, const char *path, GError **error)
{
  static gint n_saves; /* atomic */
  g_autofree char *parent = g_path_get_dirname (path);
  g_autofree char *basename = g_path_get_basename (path);
  g_autofree char *aside = g_strdup_printf ("%s/.tmp-%s-%d-%d", parent, basename,
                                            getpid (), g_atomic_int_add (&n_saves, 1));

  if (g_file_test (path, G_FILE_TEST_EXISTS) ||
      g_file_test (path, G_FILE_TEST_IS_SYMLINK))
    {
      ds_set_error_from_errno (error, EEXIST, "Saving to", path);
      return FALSE;
    }
  if (!ds_save_make_directory (aside, FALSE, error))
    return FALSE;

  /* An empty directory at @path is replaced by rename: it appeared meanwhile. */
  if (ds_save_parts (self, aside, error) && ds_durable_file_rename (aside, path, error) &&
      ds_durable_directory_sync (parent, error))
    return TRUE;

  ds_save_remove_leftovers (aside, 0, TRUE);
  g_rmdir (aside);
  return FALSE;
}

gboolean
ds_rdd_save_text (DsRdd *self, const char *path, gboolean replace, GError **error)
{
  g_autofree char *clean = g_strdup (path);

  /* "out/" is "out". */
  for (gsize length = strlen (clean); length > 1 && clean[length - 1] == '/'; length--)
    clean[length - 1] = '\0';

  if (!ds_rdd_prepare (self, error))
    return FALSE;
  if (!replace)
    return ds_save_aside (self, clean, error);
  return ds_save_make_directory (clean, TRUE, error) &&
         ds_save_parts (self, clean, error);
}

/**
 * ds_rdd_save_as_text_file:
 * @self: an RDD
 * @path: (type filename): the directory to make; its parent is made too
 * @error: return location for an error
 *
 * Writes the printed form of each value (strings raw) as a line, each partition to a file
 * `part-00000`, `part-00001` ... of the directory @path, and an empty `_SUCCESS` when all
 * is written.  Empty partitions give empty files.
 *
 * The directory is written aside, synced and renamed: it is there whole or not at all.
 * One that exists is an error.
 *
 * Runs a job and waits for it; honours g_cancellable_get_current ().
 *
 * Returns: %FALSE with @error: %DS_ERROR_IO, %DS_ERROR_NO_SPACE, %DS_ERROR_FSYNC_FAILED,
 * or what the job failed with
 */
gboolean
ds_rdd_save_as_text_file (DsRdd *self, const char *path, GError **error)
{
  g_return_val_if_fail (DS_IS_RDD (self), FALSE);
  g_return_val_if_fail (path != NULL && *path != '\0', FALSE);

  return ds_rdd_save_text (self, path, FALSE, error);
}
