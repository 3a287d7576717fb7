/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One process, and one context in it, uses a durable directory.  The lock belongs to the
 * open file (F_OFD_SETLK), so it also keeps two contexts of one process apart, goes when
 * the process ends in whatever way, and works on NFS as far as the server keeps its word.
 * What the file says is for people: the kernel decides, never the text.
 *
 * A process that was killed keeps its files while the kernel takes it apart, which may
 * take longer than whoever watches over it takes to start another one.  So when the text
 * names a process of this machine that is dead or dying, the lock is tried for a moment
 * longer; that can do no harm, as the kernel decides about each try. */

#include "base/ds-durable-file-private.h"
#include "base/ds-durable-parts-private.h"
#include "base/ds-error.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DS_LOCK_FILE "lock"
#define DS_LOCK_MAX_TEXT 1024
/* A dying holder is waited for 200 times, 10 ms each. */
#define DS_LOCK_MAX_PAUSES 200
#define DS_LOCK_PAUSE (10 * G_TIME_SPAN_MILLISECOND)
#define DS_LOCK_EXITING 0x4 /* PF_EXITING of the flags in /proc/<pid>/stat */

static DsDurableLockPauseFunc ds_durable_lock_pause_func;
static gpointer ds_durable_lock_pause_data;

void
ds_durable_lock_set_pause_func (DsDurableLockPauseFunc func, gpointer user_data)
{
  ds_durable_lock_pause_func = func;
  ds_durable_lock_pause_data = user_data;
}

static void
ds_durable_lock_pause (void)
{
  if (ds_durable_lock_pause_func != NULL)
    ds_durable_lock_pause_func (ds_durable_lock_pause_data);
  else
    g_usleep (DS_LOCK_PAUSE);
}

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

  if (program == NULL)
    program = program_invocation_short_name;
  return g_strdup_printf ("process %ld (%s) on host %s since %s, boot %s\n",
                          (long) getpid (), program, g_get_host_name (), since, boot);
}

/* The text in the file, "" for none that can be shown. */
static void
ds_durable_lock_read_text (int fd, const char *directory, char *text)
{
  gssize n = ds_durable_file_read_at (fd, directory, text, DS_LOCK_MAX_TEXT, 0, NULL);

  text[MAX (n, 0)] = '\0';
  g_strdelimit (text, "\n", '\0');
  if (!g_utf8_validate (text, -1, NULL))
    text[0] = '\0';
}

/* It has got its SIGKILL, or is on its way out. */
static gboolean
ds_durable_lock_is_dying (long pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%ld/stat", pid);
  g_autofree char *stat = NULL;
  const char *behind_name;
  char state = '\0';
  unsigned flags = 0;

  if (kill ((pid_t) pid, 0) < 0 && errno == ESRCH)
    return TRUE;
  if (!g_file_get_contents (path, &stat, NULL, NULL))
    return FALSE;
  behind_name = strrchr (stat, ')');
  if (behind_name == NULL ||
      sscanf (behind_name + 1, " %c %*d %*d %*d %*d %*d %u", &state, &flags) != 2)
    return FALSE;
  return state == 'Z' || state == 'X' || (flags & DS_LOCK_EXITING) != 0;
}

/* The text is of this host since its last boot, and its process dead or dying. */
static gboolean
ds_durable_lock_has_dying_holder (const char *text)
{
  g_autofree char *boot = ds_durable_lock_read_line ("/proc/sys/kernel/random/boot_id");
  g_autofree char *host = g_strdup_printf (" on host %s since ", g_get_host_name ());
  g_autofree char *end = g_strconcat (", boot ", boot, NULL);
  long pid = 0;

  return g_str_has_suffix (text, end) && strstr (text, host) != NULL &&
         sscanf (text, "process %ld (", &pid) == 1 && pid > 0 &&
         ds_durable_lock_is_dying (pid);
}

static void
ds_durable_lock_tell (const char *text,
                      const char *directory,
                      const char *what,
                      gboolean is_dying,
                      GError **error)
{
  g_set_error (error, DS_ERROR, DS_ERROR_LOCKED,
               "%s \"%s\" is in use by %s; %snothing was changed: stop that one, or give "
               "another directory",
               what, directory,
               text[0] != '\0' ? text : "a process that has not said yet who it is",
               is_dying ? "that one has ended, but still has its files, or another one "
                          "that it started (fork) has them; "
                        : "");
}

/* Once more and again while its holder is dying.  FALSE with errno 0: it is held, as
 * @error says. */
static gboolean
ds_durable_lock_try (int fd, const char *directory, const char *what, GError **error)
{
  struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  char text[DS_LOCK_MAX_TEXT + 1];

  for (guint n_pauses = 0;; n_pauses++)
    {
      gboolean is_dying;

      if (fcntl (fd, F_OFD_SETLK, &whole) == 0)
        return TRUE;
      if (errno != EAGAIN && errno != EACCES)
        return FALSE;
      ds_durable_lock_read_text (fd, directory, text);
      is_dying = ds_durable_lock_has_dying_holder (text);
      if (!is_dying || n_pauses == DS_LOCK_MAX_PAUSES)
        {
          ds_durable_lock_tell (text, directory, what, is_dying, error);
          errno = 0;
          return FALSE;
        }
      ds_durable_lock_pause ();
    }
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

  is_taken = ds_durable_lock_try (fd, directory, what, error);
  if (!is_taken && errno != 0)
    g_set_error (error, DS_ERROR, DS_ERROR_IO,
                 "\"%s\" cannot be locked: %s; this needs a file system with locks "
                 "(F_OFD_SETLK): give a directory on another one",
                 path, g_strerror (errno));
  else if (is_taken)
    is_taken = ds_durable_lock_sign (fd, path, error);

  if (is_taken)
    return fd;
  close (fd);
  return -1;
}
