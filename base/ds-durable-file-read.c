/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading durable files.  Whoever can write to the directory may have put anything there:
 * a pipe must not hang us, a link must not lead elsewhere, and the size of a file must
 * not choose how much memory is taken. */

#include "base/ds-durable-file-private.h"

#include "base/ds-error.h"
#include "base/ds-hash-state-private.h"

#include <fcntl.h>
#include <unistd.h>

#define DS_DURABLE_READ_BYTES (256 * 1024)

/* A regular file; -1 with error. */
static int
ds_durable_file_open (const char *path, guint64 *n_bytes, GError **error)
{
  struct stat status;
  int fd = ds_durable_file_open_at (AT_FDCWD, "", path, O_RDONLY | O_NONBLOCK, 0, error);

  if (fd < 0)
    return -1;
  if (!ds_durable_file_stat (fd, path, &status, error))
    {
      close (fd);
      return -1;
    }
  if (!S_ISREG (status.st_mode))
    {
      g_set_error (error, DS_ERROR, DS_ERROR_BAD_FILE,
                   "\"%s\" is no regular file; expected one: nothing was read", path);
      close (fd);
      return -1;
    }
  *n_bytes = (guint64) status.st_size;
  return fd;
}

gboolean
ds_durable_file_read (const char *path,
                      gsize max_bytes,
                      guint8 **bytes,
                      gsize *n_bytes,
                      GError **error)
{
  g_autofree guint8 *room = NULL;
  guint64 n_expected;
  gssize n_read;
  int fd = ds_durable_file_open (path, &n_expected, error);

  if (fd < 0)
    return FALSE;
  if (n_expected > max_bytes)
    g_set_error (error, DS_ERROR, DS_ERROR_LIMIT,
                 "\"%s\" has %" G_GUINT64_FORMAT " bytes; at most %" G_GSIZE_FORMAT
                 " are read: it is not ours",
                 path, n_expected, max_bytes);
  else if ((room = g_try_malloc ((gsize) n_expected + 1)) == NULL)
    g_set_error (error, DS_ERROR, DS_ERROR_LIMIT,
                 "Reading \"%s\" needs %" G_GUINT64_FORMAT
                 " bytes of memory, which there are not; nothing was changed: give the "
                 "process more",
                 path, n_expected);
  if (room == NULL)
    {
      close (fd);
      return FALSE;
    }
  n_read = ds_durable_file_read_at (fd, path, room, (gsize) n_expected, 0, error);
  close (fd);
  if (n_read < 0)
    return FALSE;
  room[n_read] = 0;
  *bytes = g_steal_pointer (&room);
  *n_bytes = (gsize) n_read;
  return TRUE;
}

gboolean
ds_durable_file_read_start (const char *path,
                            guint8 *room,
                            gsize n_room,
                            gsize *n_read,
                            guint64 *n_bytes,
                            GError **error)
{
  int fd = ds_durable_file_open (path, n_bytes, error);
  gssize n_filled;

  if (fd < 0)
    return FALSE;
  n_filled = ds_durable_file_read_at (fd, path, room, n_room, 0, error);
  close (fd);
  *n_read = (gsize) MAX (n_filled, 0);
  return n_filled >= 0;
}

gboolean
ds_durable_file_hash (const char *path, guint64 *n_bytes, guint64 *hash, GError **error)
{
  g_autofree guint8 *room = NULL;
  XXH3_state_t *state;
  guint64 n_expected;
  gssize n_read;
  int fd = ds_durable_file_open (path, &n_expected, error);

  if (fd < 0)
    return FALSE;
  room = g_malloc (DS_DURABLE_READ_BYTES);
  state = ds_hash_state_new ();
  *n_bytes = 0;
  while ((n_read = ds_durable_file_read_at (fd, path, room, DS_DURABLE_READ_BYTES,
                                            *n_bytes, error)) > 0)
    {
      XXH3_64bits_update (state, room, (size_t) n_read);
      *n_bytes += (guint64) n_read;
    }
  *hash = XXH3_64bits_digest (state);
  XXH3_freeState (state);
  close (fd);
  return n_read == 0;
}
