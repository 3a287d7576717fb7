/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The file behind spill buffers: each piece is its length in 8 bytes, then its bytes.
 * Nothing in it outlives the process, so it is never synced.
 *
 * A writer reserves its place first and writes there without the lock, so that tasks
 * write side by side.  A write that fails leaves a gap, which nobody reads. */

#include "rdd/ds-spill-file-private.h"

#include "base/ds-durable-file-private.h"
#include "base/ds-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

struct _DsSpillFile
{
  gint ref_count;
  char *directory;

  GMutex lock;     /* guards all below; path and fd stay once they are set */
  char *path;      /* (nullable): for messages only */
  int fd;          /* -1: nothing came yet */
  guint64 n_bytes; /* written, or being written */
};

DsSpillFile *
ds_spill_file_new (const char *local_directory)
{
  DsSpillFile *self = g_new0 (DsSpillFile, 1);

  self->ref_count = 1;
  self->directory = g_strdup (local_directory);
  self->fd = -1;
  g_mutex_init (&self->lock);
  return self;
}

DsSpillFile *
ds_spill_file_ref (DsSpillFile *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

void
ds_spill_file_unref (DsSpillFile *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;
  /* Nobody reads this file any more: a failure to close it loses nothing. */
  if (self->fd >= 0)
    close (self->fd);
  g_mutex_clear (&self->lock);
  g_free (self->directory);
  g_free (self->path);
  g_free (self);
}

const char *
ds_spill_file_get_path (DsSpillFile *self)
{
  const char *path;

  g_mutex_lock (&self->lock);
  path = self->path;
  g_mutex_unlock (&self->lock);
  return path;
}

/* Locks: needs self->lock. */
static gboolean
ds_spill_file_open_locked (DsSpillFile *self, GError **error)
{
  g_autofree char *path = g_build_filename (self->directory, "ds-spill-XXXXXX", NULL);
  int fd = g_mkstemp_full (path, O_RDWR | O_CLOEXEC, 0600);

  if (fd < 0)
    {
      ds_set_error_from_errno (error, errno, "Creating the spill file", path);
      g_prefix_error (error, "The directory is the context's local-directory: ");
      return FALSE;
    }
  if (g_unlink (path) != 0)
    {
      ds_set_error_from_errno (error, errno, "Unlinking the spill file", path);
      close (fd);
      return FALSE;
    }
  self->path = g_steal_pointer (&path);
  self->fd = fd;
  return TRUE;
}

/* Where @n_bytes more go; -1 with error. */
static int
ds_spill_file_reserve (DsSpillFile *self, gsize n_bytes, guint64 *offset, GError **error)
{
  int fd;

  g_mutex_lock (&self->lock);
  if (self->fd >= 0 || ds_spill_file_open_locked (self, error))
    {
      *offset = self->n_bytes;
      self->n_bytes += n_bytes;
    }
  fd = self->fd;
  g_mutex_unlock (&self->lock);
  return fd;
}

gboolean
ds_spill_file_write (DsSpillFile *self,
                     gconstpointer bytes,
                     gsize n_bytes,
                     guint64 *offset,
                     GError **error)
{
  const guint64 prefix = GUINT64_TO_LE ((guint64) n_bytes);
  int fd = ds_spill_file_reserve (self, sizeof prefix + n_bytes, offset, error);

  if (fd < 0)
    return FALSE;
  if (ds_durable_file_write_at (fd, self->path, &prefix, sizeof prefix, *offset, error) &&
      ds_durable_file_write_at (fd, self->path, bytes, n_bytes, *offset + sizeof prefix,
                                error))
    return TRUE;
  g_prefix_error (error,
                  "Spilling %" G_GSIZE_FORMAT " bytes behind %" G_GUINT64_FORMAT
                  " others (the directory is the context's local-directory): ",
                  n_bytes, *offset);
  return FALSE;
}

static gboolean
ds_spill_file_read_bytes (DsSpillFile *self,
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
          ds_set_error_from_errno (error, errno, "Reading the spill file", self->path);
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

gboolean
ds_spill_file_read (DsSpillFile *self,
                    gpointer bytes,
                    gsize n_bytes,
                    guint64 offset,
                    GError **error)
{
  guint64 prefix;

  if (!ds_spill_file_read_bytes (self, &prefix, sizeof prefix, offset, error))
    return FALSE;
  if (GUINT64_FROM_LE (prefix) != n_bytes)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
                   "Spill file \"%s\" holds length %" G_GUINT64_FORMAT
                   " at offset %" G_GUINT64_FORMAT ", expected %" G_GSIZE_FORMAT
                   ": another program has changed it",
                   self->path, GUINT64_FROM_LE (prefix), offset, n_bytes);
      return FALSE;
    }
  return ds_spill_file_read_bytes (self, bytes, n_bytes, offset + sizeof prefix, error);
}
