/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* `app`: which application a directory belongs to.  Checkpoints and segments carry the
 * same 16 random bytes, so that files of another run are recognised whatever their names
 * are.
 *
 *     0  magic 8 | 8 major u16, minor u16 | 12 length u32 = 48 | 16 id 16
 *     32 created, us since 1970, i64 | 40 xxh3 of bytes 0..39 */

#include "base/ds-durable-bytes-private.h"
#include "base/ds-durable-file-private.h"
#include "base/ds-durable-parts-private.h"
#include "base/ds-error.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>
#include <xxhash.h>

#define DS_APPLICATION_FILE "app"
#define DS_APPLICATION_TEMPORARY ".tmp-app"
#define DS_APPLICATION_BYTES 48

static const guint8 ds_application_magic[8] = { 0x89, 'D',  'S',  'A',
                                                '\r', '\n', 0x1a, '\n' };

static void
ds_durable_application_name (DsDurableApplication *self)
{
  for (gsize i = 0; i < sizeof self->id; i++)
    g_snprintf (self->name + 2 * i, 3, "%02x", self->id[i]);
}

void
ds_durable_application_generate (DsDurableApplication *self)
{
  gssize n = getrandom (self->id, sizeof self->id, 0);

  /* Old kernels and strange containers. */
  for (gsize i = (gsize) MAX (n, 0); i < sizeof self->id; i++)
    self->id[i] = (guint8) g_random_int_range (0, 256);
  self->id[6] = (guint8) ((self->id[6] & 0x0f) | 0x40);
  self->id[8] = (guint8) ((self->id[8] & 0x3f) | 0x80);
  self->created = g_get_real_time ();
  ds_durable_application_name (self);
}

void
ds_durable_refuse_version (guint major, guint minor, const char *path, GError **error)
{
  g_set_error (error, DS_ERROR, DS_ERROR_VERSION,
               "\"%s\" was written by format %u.%u, this library reads %u.x; nothing was "
               "changed: use a library that reads %u.x, or another directory",
               path, major, minor, DS_DURABLE_MAJOR, major);
}

static gboolean
ds_durable_application_decode (DsDurableApplication *self,
                               const guint8 *bytes,
                               gssize n_bytes,
                               const char *path,
                               GError **error)
{
  const char *what = NULL;

  if (n_bytes != DS_APPLICATION_BYTES)
    what = "is not 48 bytes long";
  else if (memcmp (bytes, ds_application_magic, sizeof ds_application_magic) != 0)
    what = "does not begin as such a file does";
  else if (ds_get_u64 (bytes + 40) != XXH3_64bits (bytes, 40))
    what = "does not have the checksum that it names";
  if (what != NULL)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
                   "\"%s\", which says whose checkpoints these are, is damaged: it %s; "
                   "nothing was changed: put it back from a copy, or begin "
                   "anew: ds_streaming_context_allow_fresh_start () puts what is there "
                   "aside",
                   path, what);
      return FALSE;
    }
  if (ds_get_u16 (bytes + 8) > DS_DURABLE_MAJOR)
    {
      ds_durable_refuse_version (ds_get_u16 (bytes + 8), ds_get_u16 (bytes + 10), path,
                                 error);
      return FALSE;
    }
  memcpy (self->id, bytes + 16, sizeof self->id);
  self->created = (gint64) ds_get_u64 (bytes + 32);
  ds_durable_application_name (self);
  return TRUE;
}

gboolean
ds_durable_application_read (DsDurableApplication *self,
                             int directory_fd,
                             const char *directory,
                             gboolean is_shared,
                             GError **error)
{
  guint8 bytes[DS_APPLICATION_BYTES + 1];
  g_autofree char *path = g_build_filename (directory, DS_APPLICATION_FILE, NULL);
  int fd = ds_durable_file_open_at (directory_fd, directory, DS_APPLICATION_FILE,
                                    O_RDONLY | O_NONBLOCK, 0, error);
  gssize n_read = -1;

  if (fd < 0)
    return FALSE;
  if (ds_durable_check_file (fd, path, is_shared, NULL, error))
    n_read = ds_durable_file_read_at (fd, path, bytes, sizeof bytes, 0, error);
  close (fd);
  return n_read >= 0 && ds_durable_application_decode (self, bytes, n_read, path, error);
}

gboolean
ds_durable_application_write (const DsDurableApplication *self,
                              int directory_fd,
                              const char *directory,
                              GError **error)
{
  guint8 bytes[DS_APPLICATION_BYTES] = { 0 };
  g_autofree char *path = g_build_filename (directory, DS_APPLICATION_TEMPORARY, NULL);
  gboolean is_written;
  int fd;

  memcpy (bytes, ds_application_magic, sizeof ds_application_magic);
  ds_put_u16 (bytes + 8, DS_DURABLE_MAJOR);
  ds_put_u16 (bytes + 10, DS_DURABLE_MINOR);
  ds_put_u32 (bytes + 12, DS_APPLICATION_BYTES);
  memcpy (bytes + 16, self->id, sizeof self->id);
  ds_put_u64 (bytes + 32, (guint64) self->created);
  ds_put_u64 (bytes + 40, XXH3_64bits (bytes, 40));

  if (!ds_durable_file_remove_at (directory_fd, directory, DS_APPLICATION_TEMPORARY,
                                  error))
    return FALSE;
  fd = ds_durable_file_open_at (directory_fd, directory, DS_APPLICATION_TEMPORARY,
                                O_WRONLY | O_CREAT | O_EXCL, 0600, error);
  if (fd < 0)
    return FALSE;
  is_written = ds_durable_file_write (fd, path, bytes, sizeof bytes, error);
  if (is_written)
    is_written = ds_durable_file_sync_and_close (fd, path, error);
  else
    close (fd);
  return is_written &&
         ds_durable_file_rename_at (directory_fd, directory, DS_APPLICATION_TEMPORARY,
                                    directory_fd, DS_APPLICATION_FILE, error) &&
         ds_durable_directory_sync_fd (directory_fd, directory, TRUE, error);
}
