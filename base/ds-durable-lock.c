/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One process, and one context in it, uses a durable directory.  The lock belongs to the
 * open file (F_OFD_SETLK), so it also keeps two contexts of one process apart, goes when
 * the process ends in whatever way, and works on NFS as far as the server keeps its word.
 * What the file says is for people: the kernel decides, never the text. */

#include "base/ds-durable-file-private.h"
#include "base/ds-durable-parts-private.h"
#include "base/ds-error.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define DS_LOCK_FILE "lock"
#define DS_LOCK_MAX_TEXT 1024

static char *
ds_durable_lock_read_line (const char *path)
{
  char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return g_strdup ("unknown");
  return g_strstrip (text);
}

/* "process 42 (word-count) on host since 2026-01-01T10:00:00Z, boot 1f..." */
static char *
ds_durable_lock_describe_self (void)
{
  g_autofree char *boot = ds_durable_lock_read_line ("/proc/sys/kernel/random/boot_id");
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree char *since = g_date_time_format_iso8601 (now);
  const char *program = g_get_prgname ();

  return g_strdup_printf ("process %ld (%s) on host %s since %s, boot %s\n",
                          (long) getpid (), program != NULL ? program : "unnamed",
                          g_get_host_name (), since, boot);
}

static void
ds_durable_lock_tell (int fd, const char *directory, const char *what, GError **error)
{
  char text[DS_LOCK_MAX_TEXT + 1];
  gssize n = ds_durable_file_read_at (fd, directory, text, DS_LOCK_MAX_TEXT, 0, NULL);

  text[MAX (n, 0)] = '\0';
  g_strdelimit (text, "\n", '\0');
  if (text[0] == '\0' || !g_utf8_validate (text, -1, NULL))
    g_strlcpy (text, "a process that has not said yet who it is", sizeof text);
  g_set_error (error, DS_ERROR, DS_ERROR_LOCKED,
               "%s \"%s\" is in use by %s; nothing was changed: stop that one, or give "
               "another directory",
               what, directory, text);
}

/* The text of before may be longer. */
static gboolean
ds_durable_lock_sign (int fd, const char *path, GError **error)
{
  g_autofree char *text = ds_durable_lock_describe_self ();
  gsize n_bytes = MIN (strlen (text), DS_LOCK_MAX_TEXT);

  return ds_durable_file_cut (fd, path, 0, error) &&
         ds_durable_file_write (fd, path, text, n_bytes, error);
}

int
ds_durable_lock_take (int directory_fd,
                      const char *directory,
                      const char *what,
                      gboolean is_shared,
                      GError **error)
{
  struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  g_autofree char *path = g_build_filename (directory, DS_LOCK_FILE, NULL);
  int fd = ds_durable_file_open_at (directory_fd, directory, DS_LOCK_FILE,
                                    O_RDWR | O_CREAT | O_NONBLOCK, 0600, error);
  gboolean is_taken;

  if (fd < 0)
    return -1;
  if (!ds_durable_check_file (fd, path, is_shared, NULL, error))
    {
      close (fd);
      return -1;
    }

  is_taken = fcntl (fd, F_OFD_SETLK, &whole) == 0;
  if (!is_taken && (errno == EAGAIN || errno == EACCES))
    ds_durable_lock_tell (fd, directory, what, error);
  else if (!is_taken)
    g_set_error (error, DS_ERROR, DS_ERROR_IO,
                 "\"%s\" cannot be locked: %s; this needs a file system with locks "
                 "(F_OFD_SETLK): give a directory on another one",
                 path, g_strerror (errno));
  else
    is_taken = ds_durable_lock_sign (fd, path, error);

  if (is_taken)
    return fd;
  close (fd);
  return -1;
}
