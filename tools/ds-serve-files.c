/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files read piece by piece, so that a client costs a buffer and not a copy of the files.
 * A file whose last line has no end gets one: the next file's first line is not glued to
 * it. */

#include "tools/ds-serve-private.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define SERVE_READ_BYTES (1024 * 1024)

struct _ServeFiles
{
  char *const *paths;
  guint next; /* index of the file to open next */
  int fd;     /* -1: none is open */
  guint8 last_byte;
};

static int
serve_open (const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);

  if (fd < 0)
    {
      int error_number = errno;

      g_set_error (error, G_IO_ERROR, (gint) g_io_error_from_errno (error_number),
                   "cannot read \"%s\": %s", path, g_strerror (error_number));
    }
  return fd;
}

ServeFiles *
serve_files_new (char *const *paths)
{
  ServeFiles *self = g_new0 (ServeFiles, 1);

  self->paths = paths;
  self->fd = -1;
  return self;
}

void
serve_files_rewind (ServeFiles *self)
{
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
  self->next = 0;
}

void
serve_files_free (ServeFiles *self)
{
  serve_files_rewind (self);
  g_free (self);
}

gssize
serve_files_read (ServeFiles *self, GByteArray *text, GError **error)
{
  while (self->fd >= 0 || self->paths[self->next] != NULL)
    {
      guint before = text->len;

      if (self->fd < 0)
        {
          self->fd = serve_open (self->paths[self->next++], error);
          if (self->fd < 0)
            return -1;
          self->last_byte = '\n';
        }

      g_byte_array_set_size (text, before + SERVE_READ_BYTES);
      gssize n_read = read (self->fd, text->data + before, SERVE_READ_BYTES);
      int error_number = errno;

      g_byte_array_set_size (text, before + (n_read > 0 ? (guint) n_read : 0));
      if (n_read > 0)
        {
          self->last_byte = text->data[text->len - 1];
          return n_read;
        }
      if (n_read < 0 && error_number == EINTR)
        continue;
      if (n_read < 0)
        {
          g_set_error (error, G_IO_ERROR, (gint) g_io_error_from_errno (error_number),
                       "cannot read \"%s\": %s", self->paths[self->next - 1],
                       g_strerror (error_number));
          return -1;
        }

      close (self->fd);
      self->fd = -1;
      if (self->last_byte != '\n')
        {
          g_byte_array_append (text, (const guint8 *) "\n", 1);
          return 1;
        }
    }
  return 0;
}

gboolean
serve_files_check (char *const *paths, GError **error)
{
  for (guint i = 0; paths[i] != NULL; i++)
    {
      if (g_file_test (paths[i], G_FILE_TEST_IS_DIR))
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_IS_DIRECTORY,
                       "\"%s\" is a directory: name its files, as %s/*", paths[i],
                       paths[i]);
          return FALSE;
        }

      int fd = serve_open (paths[i], error);

      if (fd < 0)
        return FALSE;
      close (fd);
    }
  return TRUE;
}
