/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* save_as_text_file and its like: a directory of part-00000 ... and an empty _SUCCESS,
 * last; or all parts as one file.
 *
 * An action writes aside and renames at the end, so that what it makes is there whole or
 * not at all.  An output of a stream may run again for the same batch: it works in the
 * directory itself and replaces part by part; _SUCCESS is missing meanwhile. */

#include "base/ds-durable-file-private.h"
#include "base/ds-error.h"
#include "rdd/ds-job-private.h"
#include "rdd/ds-save-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define DS_SAVE_COPY_BYTES (256 * 1024)

static DsSink *
ds_save_make_sink (DsTask *task, guint index, gpointer save)
{
  return ds_save_sink_new (task, save);
}

static void
ds_save_commit (DsTask *task, guint index, DsSink *sink, gpointer save)
{
  ds_save_sink_commit (sink);
}

gboolean
ds_save_run (DsSave *self, DsRdd *rdd, GError **error)
{
  static const DsJobFuncs funcs = { ds_save_make_sink, ds_save_commit };

  return ds_context_run_job (ds_rdd_get_context (rdd), rdd, NULL, 0, &funcs, self, error);
}

gboolean
ds_save_has_values (DsSave *self, DsRdd *rdd)
{
  return memchr (self->has_part, TRUE, ds_rdd_get_n_partitions (rdd)) != NULL;
}

/* ---- Directories ---- */

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

static void
ds_save_remove_success (const char *directory)
{
  g_autofree char *path = g_build_filename (directory, "_SUCCESS", NULL);

  g_unlink (path);
}

/* The parts that were skipped for want of values, when others are there. */
static gboolean
ds_save_fill_up (DsSave *self, guint n_parts, GError **error)
{
  for (guint i = 0; i < n_parts; i++)
    {
      char name[32];

      g_snprintf (name, sizeof name, "part-%05u", i);
      if (!self->has_part[i] && !ds_save_make_empty_file (self->directory, name, error))
        return FALSE;
    }
  return TRUE;
}

/* Everything in the directory. */
static gboolean
ds_save_parts (DsSave *self, DsRdd *rdd, GError **error)
{
  guint n_parts = ds_rdd_get_n_partitions (rdd);

  if (!ds_save_run (self, rdd, error))
    return FALSE;
  if (self->plan->skips_empty && !ds_save_has_values (self, rdd))
    return TRUE;
  if (!ds_save_fill_up (self, n_parts, error))
    return FALSE;
  ds_save_remove_leftovers (self->directory, n_parts, FALSE);
  return ds_save_make_empty_file (self->directory, "_SUCCESS", error) &&
         ds_durable_directory_sync (self->directory, error);
}

static gboolean
ds_save_in_place (DsSave *self, DsRdd *rdd, GError **error)
{
  if (!self->plan->skips_empty && !ds_save_make_directory (self->directory, TRUE, error))
    return FALSE;

  ds_save_remove_success (self->directory);
  if (!ds_save_parts (self, rdd, error))
    return FALSE;
  if (self->plan->skips_empty && !ds_save_has_values (self, rdd))
    {
      /* Of an earlier run that had values; what is not ours keeps the directory. */
      ds_save_remove_leftovers (self->directory, 0, FALSE);
      g_rmdir (self->directory);
    }
  return TRUE;
}

/* ---- Written aside ---- */

static char *
ds_save_make_aside_path (const char *path)
{
  static gint n_saves; /* atomic */
  g_autofree char *parent = g_path_get_dirname (path);
  g_autofree char *basename = g_path_get_basename (path);

  return g_strdup_printf ("%s/.tmp-%s-%d-%d", parent, basename, getpid (),
                          g_atomic_int_add (&n_saves, 1));
}

static gboolean
ds_save_append_part (int fd, const char *whole, const char *part, GError **error)
{
  g_autofree char *buffer = g_malloc (DS_SAVE_COPY_BYTES);
  int from = open (part, O_RDONLY | O_CLOEXEC);
  gssize n_read = from < 0 ? -1 : 1;

  while (n_read > 0)
    {
      do
        n_read = read (from, buffer, DS_SAVE_COPY_BYTES);
      while (n_read < 0 && errno == EINTR);
      if (n_read > 0 && !ds_durable_file_write (fd, whole, buffer, (gsize) n_read, error))
        {
          close (from);
          return FALSE;
        }
    }
  if (n_read < 0)
    ds_set_error_from_errno (error, errno, "Reading", part);
  if (from >= 0)
    close (from);
  return n_read == 0;
}

gboolean
ds_save_append_parts (DsSave *self, guint n_parts, char **whole, GError **error)
{
  gboolean ok = TRUE;
  int fd;

  *whole = g_strdup_printf ("%s/%spart-%05u", self->directory, self->part_prefix, 0);
  fd = open (*whole, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  if (fd < 0 || lseek (fd, 0, SEEK_END) < 0)
    {
      ds_set_error_from_errno (error, errno, "Opening", *whole);
      if (fd >= 0)
        close (fd);
      return FALSE;
    }
  for (guint i = 1; ok && i < n_parts; i++)
    {
      g_autofree char *part =
          g_strdup_printf ("%s/%spart-%05u", self->directory, self->part_prefix, i);

      ok = !self->has_part[i] || ds_save_append_part (fd, *whole, part, error);
    }
  if (ok)
    return ds_durable_file_sync_and_close (fd, *whole, error);
  close (fd);
  return FALSE;
}

static gboolean
ds_save_file (DsSave *self, DsRdd *rdd, const char *path, GError **error)
{
  g_autofree char *whole = NULL;

  if (!ds_save_run (self, rdd, error))
    return FALSE;
  if (self->plan->skips_empty && !ds_save_has_values (self, rdd))
    {
      if (self->plan->replaces)
        g_unlink (path);
      return TRUE;
    }
  return ds_save_append_parts (self, ds_rdd_get_n_partitions (rdd), &whole, error) &&
         ds_durable_file_rename (whole, path, error);
}

static gboolean
ds_save_directory (DsSave *self, DsRdd *rdd, const char *path, GError **error)
{
  if (!ds_save_parts (self, rdd, error))
    return FALSE;
  if (self->plan->skips_empty && !ds_save_has_values (self, rdd))
    return TRUE;
  /* An empty directory at @path is replaced by rename: it appeared meanwhile. */
  return ds_durable_file_rename (self->directory, path, error);
}

/* Writes beside @path and gives it that name at the end. */
static gboolean
ds_save_aside (DsSave *self, DsRdd *rdd, const char *path, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (path);
  g_autofree char *aside = ds_save_make_aside_path (path);
  gboolean ok;

  if (!self->plan->replaces && (g_file_test (path, G_FILE_TEST_EXISTS) ||
                                g_file_test (path, G_FILE_TEST_IS_SYMLINK)))
    {
      ds_set_error_from_errno (error, EEXIST, "Saving to", path);
      return FALSE;
    }
  if (!ds_save_make_directory (aside, FALSE, error))
    return FALSE;

  self->directory = aside;
  ok = (self->plan->single_file ? ds_save_file (self, rdd, path, error)
                                : ds_save_directory (self, rdd, path, error)) &&
       ds_durable_directory_sync (parent, error);
  /* Nothing of it is left where all went well. */
  ds_save_remove_leftovers (aside, 0, TRUE);
  g_rmdir (aside);
  return ok;
}

const char *
ds_save_get_operator_name (DsSaveFormat format)
{
  static const char *const names[] = {
    [DS_SAVE_TEXT] = "save_as_text_file",
    [DS_SAVE_BINARY] = "save_as_binary_file",
    [DS_SAVE_MSGPACK] = "save_as_msgpack_file",
  };

  return names[format];
}

gboolean
ds_rdd_save (DsRdd *self, const char *path, const DsSavePlan *plan, GError **error)
{
  g_autofree char *clean = g_strdup (path);
  g_autofree guint8 *has_part = NULL;
  DsSave save = { .plan = plan,
                  .operator_name = ds_save_get_operator_name (plan->format),
                  .directory = clean,
                  .part_prefix = "" };

  /* "out/" is "out". */
  for (gsize length = strlen (clean); length > 1 && clean[length - 1] == '/'; length--)
    clean[length - 1] = '\0';

  if (!ds_rdd_prepare (self, error))
    return FALSE;
  /* One more, since there may be none. */
  has_part = g_new0 (guint8, (gsize) ds_rdd_get_n_partitions (self) + 1);
  save.has_part = has_part;
  if (plan->replaces && !plan->single_file)
    return ds_save_in_place (&save, self, error);
  return ds_save_aside (&save, self, clean, error);
}

/* ---- Public ---- */

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
  static const DsSavePlan plan = { .format = DS_SAVE_TEXT };

  g_return_val_if_fail (DS_IS_RDD (self), FALSE);
  g_return_val_if_fail (path != NULL && *path != '\0', FALSE);

  return ds_rdd_save (self, path, &plan, error);
}

/**
 * ds_rdd_save_as_binary_file:
 * @self: an RDD of bytes or strings
 * @path: (type filename): the directory to make; its parent is made too
 * @error: return location for an error
 *
 * Writes the bytes of the values one behind the other, with nothing between them: what
 * can be read again are records of one length.  Files, cost and failures are those of
 * ds_rdd_save_as_text_file ().  A value of another type fails the job with
 * %DS_ERROR_TYPE; ds_rdd_save_as_msgpack_file () takes every type.
 *
 * Returns: %FALSE with @error
 */
gboolean
ds_rdd_save_as_binary_file (DsRdd *self, const char *path, GError **error)
{
  static const DsSavePlan plan = { .format = DS_SAVE_BINARY };

  g_return_val_if_fail (DS_IS_RDD (self), FALSE);
  g_return_val_if_fail (path != NULL && *path != '\0', FALSE);

  return ds_rdd_save (self, path, &plan, error);
}

/**
 * ds_rdd_save_as_msgpack_file:
 * @self: an RDD
 * @path: (type filename): the directory to make; its parent is made too
 * @error: return location for an error
 *
 * Writes the values one behind the other as msgpack: null, bool, int, float 64, str, bin
 * and array as they are, tuples as extension type 1 around an array.  Each value has one
 * encoding, the shortest, and keeps its type.  Files, cost and failures are those of
 * ds_rdd_save_as_text_file ().
 *
 * Returns: %FALSE with @error
 */
gboolean
ds_rdd_save_as_msgpack_file (DsRdd *self, const char *path, GError **error)
{
  static const DsSavePlan plan = { .format = DS_SAVE_MSGPACK };

  g_return_val_if_fail (DS_IS_RDD (self), FALSE);
  g_return_val_if_fail (path != NULL && *path != '\0', FALSE);

  return ds_rdd_save (self, path, &plan, error);
}
