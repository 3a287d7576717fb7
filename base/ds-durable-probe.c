/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What checkpoints need of a file system is tried at start, once (RELIABILITY B16): some
 * that are mounted over networks or from user space do not rename over a file, do not
 * sync directories, or give back something else than was written.  Later it would be a
 * riddle. */

#include "base/ds-durable-file-private.h"
#include "base/ds-durable-parts-private.h"
#include "base/ds-error.h"

#include <fcntl.h>
#include <unistd.h>

#define DS_PROBE_FROM ".tmp-probe-from"
#define DS_PROBE_TO ".tmp-probe-to"

static const char ds_probe_text[] = "What is written here must be read again.\n";

static gboolean
ds_durable_probe_write (int directory_fd,
                        const char *directory,
                        const char *name,
                        const char *text,
                        gsize n_bytes,
                        GError **error)
{
  int fd = ds_durable_file_open_at (directory_fd, directory, name,
                                    O_WRONLY | O_CREAT | O_EXCL, 0600, error);

  if (fd < 0)
    return FALSE;
  if (ds_durable_file_write (fd, name, text, n_bytes, error))
    return ds_durable_file_sync_and_close (fd, name, error);
  close (fd);
  return FALSE;
}

static gboolean
ds_durable_probe_read (int directory_fd, const char *directory, GError **error)
{
  char text[2 * sizeof ds_probe_text];
  int fd =
      ds_durable_file_open_at (directory_fd, directory, DS_PROBE_TO, O_RDONLY, 0, error);
  gssize n_read;

  if (fd < 0)
    return FALSE;
  n_read = ds_durable_file_read_at (fd, DS_PROBE_TO, text, sizeof text, 0, error);
  close (fd);
  if (n_read == sizeof ds_probe_text &&
      memcmp (text, ds_probe_text, sizeof ds_probe_text) == 0)
    return TRUE;
  if (n_read >= 0)
    g_set_error_literal (error, DS_ERROR, DS_ERROR_IO,
                         "what was read is not what was written");
  return FALSE;
}

static gboolean
ds_durable_probe_all (int directory_fd,
                      const char *directory,
                      gboolean is_best_effort,
                      const char **what,
                      GError **error)
{
  *what = "creating, writing and syncing a file";
  if (!ds_durable_file_remove_at (directory_fd, directory, DS_PROBE_FROM, error) ||
      !ds_durable_file_remove_at (directory_fd, directory, DS_PROBE_TO, error) ||
      !ds_durable_probe_write (directory_fd, directory, DS_PROBE_FROM, ds_probe_text,
                               sizeof ds_probe_text, error) ||
      !ds_durable_probe_write (directory_fd, directory, DS_PROBE_TO, "old", 3, error))
    return FALSE;
  *what = "renaming over a file";
  if (!ds_durable_file_rename_at (directory_fd, directory, DS_PROBE_FROM, directory_fd,
                                  DS_PROBE_TO, error))
    return FALSE;
  *what = "syncing the directory";
  if (!ds_durable_directory_sync_fd (directory_fd, directory, is_best_effort, error))
    return FALSE;
  *what = "reading back";
  return ds_durable_probe_read (directory_fd, directory, error);
}

gboolean
ds_durable_probe (int directory_fd,
                  const char *directory,
                  gboolean is_best_effort,
                  GError **error)
{
  g_autoptr (GError) local_error = NULL;
  const char *what;
  gboolean is_able =
      ds_durable_probe_all (directory_fd, directory, is_best_effort, &what, &local_error);
  /* What there is no such call for, as against one that failed. */
  gboolean is_lacking =
      !is_able && !is_best_effort &&
      !ds_durable_directory_sync_fd (directory_fd, directory, FALSE, NULL) &&
      ds_durable_directory_sync_fd (directory_fd, directory, TRUE, NULL);

  ds_durable_file_remove_at (directory_fd, directory, DS_PROBE_FROM, NULL);
  ds_durable_file_remove_at (directory_fd, directory, DS_PROBE_TO, NULL);
  if (is_able)
    return TRUE;

  g_set_error (error, DS_ERROR, local_error->code,
               "Checkpoint directory \"%s\" does not do what checkpoints need, %s: %s "
               "(or give a directory on another file system%s)",
               directory, what, local_error->message,
               is_lacking ? ", or set \"best-effort-durability\" of the streaming "
                            "context, which takes what a power cut does to the names "
                            "of files"
                          : "");
  return FALSE;
}
