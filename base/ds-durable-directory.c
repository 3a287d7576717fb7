/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A directory that is known to be one's own: looked at once when it is opened, and then
 * used by its descriptor only, so that nobody can put another one in its place. */

#include "base/ds-durable-directory-private.h"

#include "base/ds-durable-file-private.h"
#include "base/ds-durable-parts-private.h"
#include "base/ds-error.h"
#include "base/ds-failpoint-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct _DsDurableDirectory
{
  char *path;
  int fd;
  int lock_fd; /* -1: read only */
  DsDurableDirectoryFlags flags;
  gboolean is_fresh;
  gboolean has_application;
  DsDurableApplication application;
  char *damage; /* of app, read only */
};

/* ---- Opening ---- */

/* Ours alone, so this is about mistakes of the library. */
static gboolean
ds_durable_name_is_ours (const char *name)
{
  return ds_durable_name_check (*name == '.' ? name + 1 : name, "File", NULL);
}

static gboolean
ds_durable_directory_make (const char *path, GError **error)
{
  g_autofree char *above = g_path_get_dirname (path);

  if (g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;
  if (!g_str_equal (above, path) && !ds_durable_directory_make (above, error))
    return FALSE;
  if (mkdir (path, 0700) == 0 || errno == EEXIST)
    return TRUE;
  ds_set_error_from_errno (error, errno, "Making checkpoint directory", path);
  return FALSE;
}

static gboolean
ds_durable_directory_open_fd (DsDurableDirectory *self, GError **error)
{
  struct stat info;

  if (lstat (self->path, &info) == 0 && S_ISLNK (info.st_mode))
    return ds_durable_refuse (self->path, "is a symbolic link",
                              "give the directory that it leads to", error);
  self->fd = open (self->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (self->fd < 0)
    {
      ds_set_error_from_errno (error, errno, "Opening checkpoint directory", self->path);
      return FALSE;
    }
  if ((self->flags & DS_DURABLE_DIRECTORY_ALLOW_SHARED) != 0)
    return TRUE;
  if (!ds_durable_file_stat (self->fd, self->path, &info, error))
    return FALSE;
  /* Who looks for damage as root may look at everybody's. */
  if (ds_durable_directory_is_read_only (self) && geteuid () == 0)
    return TRUE;
  return ds_durable_check_owner (
      &info, self->path,
      ds_durable_directory_is_read_only (self)
          ? "chmod go-w"
          : "chmod go-w, or set \"allow-shared-directory\" of the streaming context",
      error);
}

static gboolean
ds_durable_directory_look (DsDurableDirectory *self, GError **error)
{
  g_autoptr (GPtrArray) checkpoints = ds_durable_directory_list (self, "ckpt-", error);
  g_autoptr (GPtrArray) segments = NULL;

  if (checkpoints == NULL)
    return FALSE;
  segments = ds_durable_directory_list (self, "wal-", error);
  if (segments == NULL)
    return FALSE;
  self->is_fresh = checkpoints->len == 0 && segments->len == 0;
  return TRUE;
}

static gboolean
ds_durable_directory_remove_begun (DsDurableDirectory *self, GError **error)
{
  g_autoptr (GPtrArray) names = ds_durable_directory_list (self, ".tmp-", error);

  for (guint i = 0; names != NULL && i < names->len; i++)
    if (!ds_durable_file_remove_at (self->fd, self->path, names->pdata[i], error))
      return FALSE;
  return names != NULL;
}

static gboolean
ds_durable_directory_is_shared (DsDurableDirectory *self)
{
  return (self->flags & DS_DURABLE_DIRECTORY_ALLOW_SHARED) != 0;
}

static gboolean
ds_durable_directory_make_application (DsDurableDirectory *self, GError **error)
{
  ds_durable_application_generate (&self->application);
  self->has_application =
      ds_durable_application_write (&self->application, self->fd, self->path, error);
  return self->has_application;
}

static gboolean
ds_durable_directory_know_application (DsDurableDirectory *self, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  self->has_application =
      ds_durable_application_read (&self->application, self->fd, self->path,
                                   ds_durable_directory_is_shared (self), &local_error);
  if (self->has_application)
    return TRUE;
  if (ds_durable_directory_is_read_only (self))
    {
      self->damage = g_strdup (local_error->message);
      return TRUE;
    }
  if (g_error_matches (local_error, DS_ERROR, DS_ERROR_NOT_FOUND))
    {
      if (self->is_fresh)
        return ds_durable_directory_make_application (self, error);
      g_clear_error (&local_error);
      g_set_error (
          &local_error, DS_ERROR, DS_ERROR_CORRUPT,
          "\"%s/app\", which says whose checkpoints these are, is missing while "
          "there are checkpoints or a log; nothing was changed: put it back from "
          "a copy, or begin anew: "
          "ds_streaming_context_allow_fresh_start () puts what is there aside",
          self->path);
    }
  if ((self->flags & DS_DURABLE_DIRECTORY_BEGIN_ANEW) != 0 &&
      g_error_matches (local_error, DS_ERROR, DS_ERROR_CORRUPT))
    {
      g_message ("Beginning anew, as the program allows: %s", local_error->message);
      return ds_durable_directory_discard (self, error);
    }
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

static gboolean
ds_durable_directory_take (DsDurableDirectory *self, GError **error)
{
  gboolean is_best_effort = (self->flags & DS_DURABLE_DIRECTORY_BEST_EFFORT) != 0;

  self->lock_fd = ds_durable_lock_take (self->fd, self->path, "Checkpoint directory",
                                        ds_durable_directory_is_shared (self), error);
  DS_FP ("directory.locked");
  return self->lock_fd >= 0 && ds_durable_directory_remove_begun (self, error) &&
         ds_durable_probe (self->fd, self->path, is_best_effort, error);
}

/* Without slashes at its end: a link with one would be followed. */
static char *
ds_durable_directory_trim (const char *path)
{
  char *trimmed = g_strdup (path);
  gsize n = strlen (trimmed);

  while (n > 1 && trimmed[n - 1] == '/')
    trimmed[--n] = '\0';
  return trimmed;
}

DsDurableDirectory *
ds_durable_directory_open (const char *path,
                           DsDurableDirectoryFlags flags,
                           GError **error)
{
  g_autoptr (DsDurableDirectory) self = g_new0 (DsDurableDirectory, 1);
  gboolean is_read_only = (flags & DS_DURABLE_DIRECTORY_READ_ONLY) != 0;

  self->path = ds_durable_directory_trim (path);
  self->fd = self->lock_fd = -1;
  self->flags = flags;
  if ((flags & DS_DURABLE_DIRECTORY_CREATE) != 0 && !is_read_only &&
      !(ds_durable_directory_make (self->path, error) &&
        ds_durable_directory_sync_above (self->path, error)))
    return NULL;
  if (!ds_durable_directory_open_fd (self, error))
    return NULL;
  if (!is_read_only && !ds_durable_directory_take (self, error))
    return NULL;
  if (!ds_durable_directory_look (self, error) ||
      !ds_durable_directory_know_application (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
ds_durable_directory_close (DsDurableDirectory *self)
{
  if (self->lock_fd >= 0)
    close (self->lock_fd);
  if (self->fd >= 0)
    close (self->fd);
  g_free (self->damage);
  g_free (self->path);
  g_free (self);
}

/* ---- What it is ---- */

const char *
ds_durable_directory_get_path (DsDurableDirectory *self)
{
  return self->path;
}

int
ds_durable_directory_get_fd (DsDurableDirectory *self)
{
  return self->fd;
}

gboolean
ds_durable_directory_is_at (DsDurableDirectory *self, const char *path)
{
  struct stat own;
  struct stat other;

  return fstat (self->fd, &own) == 0 && stat (path, &other) == 0 &&
         own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

gboolean
ds_durable_directory_is_read_only (DsDurableDirectory *self)
{
  return (self->flags & DS_DURABLE_DIRECTORY_READ_ONLY) != 0;
}

const guint8 *
ds_durable_directory_get_application_id (DsDurableDirectory *self)
{
  return self->has_application ? self->application.id : NULL;
}

const char *
ds_durable_directory_get_application_name (DsDurableDirectory *self)
{
  return self->application.name;
}

const char *
ds_durable_directory_get_damage (DsDurableDirectory *self)
{
  return self->damage;
}

gboolean
ds_durable_directory_is_fresh (DsDurableDirectory *self)
{
  return self->is_fresh;
}

/* ---- Files ---- */

static void
ds_durable_free_name (gpointer name)
{
  g_free (name);
}

static int
ds_durable_compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

GPtrArray *
ds_durable_directory_list (DsDurableDirectory *self, const char *prefix, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (ds_durable_free_name);
  /* An open file of its own, as it has a position. */
  int fd = openat (self->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = fd >= 0 ? fdopendir (fd) : NULL;
  int error_number = errno;

  if (dir == NULL)
    {
      if (fd >= 0)
        close (fd);
      ds_set_error_from_errno (error, error_number, "Listing", self->path);
      return NULL;
    }
  errno = 0;
  for (struct dirent *entry; (entry = readdir (dir)) != NULL; errno = 0)
    if (g_str_has_prefix (entry->d_name, prefix))
      g_ptr_array_add (names, g_strdup (entry->d_name));
  error_number = errno;
  closedir (dir);
  if (error_number != 0)
    {
      ds_set_error_from_errno (error, error_number, "Listing", self->path);
      return NULL;
    }
  g_ptr_array_sort (names, ds_durable_compare_names);
  return g_steal_pointer (&names);
}

char *
ds_durable_directory_get_file_path (DsDurableDirectory *self, const char *name)
{
  return g_build_filename (self->path, name, NULL);
}

int
ds_durable_directory_create_file (DsDurableDirectory *self,
                                  const char *name,
                                  GError **error)
{
  g_assert (!ds_durable_directory_is_read_only (self));
  g_assert (ds_durable_name_is_ours (name));
  return ds_durable_file_open_at (self->fd, self->path, name, O_RDWR | O_CREAT | O_EXCL,
                                  0600, error);
}

static int
ds_durable_directory_open_as (DsDurableDirectory *self,
                              const char *name,
                              int flags,
                              guint64 *n_bytes,
                              GError **error)
{
  /* A FIFO would otherwise wait for a writer. */
  int fd =
      ds_durable_file_open_at (self->fd, self->path, name, flags | O_NONBLOCK, 0, error);
  g_autofree char *path = NULL;
  gboolean is_shared = ds_durable_directory_is_shared (self) ||
                       (ds_durable_directory_is_read_only (self) && geteuid () == 0);

  if (fd < 0)
    return -1;
  path = ds_durable_directory_get_file_path (self, name);
  if (ds_durable_check_file (fd, path, is_shared, n_bytes, error))
    return fd;
  close (fd);
  return -1;
}

int
ds_durable_directory_open_file (DsDurableDirectory *self,
                                const char *name,
                                guint64 *n_bytes,
                                GError **error)
{
  return ds_durable_directory_open_as (self, name, O_RDONLY, n_bytes, error);
}

gboolean
ds_durable_directory_cut_file (DsDurableDirectory *self,
                               const char *name,
                               guint64 length,
                               GError **error)
{
  g_autofree char *path = ds_durable_directory_get_file_path (self, name);
  int fd = ds_durable_directory_open_as (self, name, O_WRONLY, NULL, error);

  if (fd < 0)
    return FALSE;
  if (ds_durable_file_cut (fd, path, length, error))
    return ds_durable_file_sync_and_close (fd, path, error);
  close (fd);
  return FALSE;
}

static gboolean
ds_durable_directory_has (DsDurableDirectory *self, const char *name)
{
  struct stat info;

  return fstatat (self->fd, name, &info, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

gboolean
ds_durable_directory_rename_file (DsDurableDirectory *self,
                                  const char *from,
                                  const char *to,
                                  GError **error)
{
  g_assert (ds_durable_name_is_ours (to));
  if (ds_durable_directory_has (self, to))
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
                   "\"%s/%s\" is there already and is not written over; \"%s\" was not "
                   "renamed: two batches of one time are a mistake of the library",
                   self->path, to, from);
      return FALSE;
    }
  return ds_durable_file_rename_at (self->fd, self->path, from, self->fd, to, error);
}

gboolean
ds_durable_directory_replace_file (DsDurableDirectory *self,
                                   const char *from,
                                   const char *to,
                                   GError **error)
{
  g_assert (ds_durable_name_is_ours (to));
  return ds_durable_file_rename_at (self->fd, self->path, from, self->fd, to, error);
}

char *
ds_durable_directory_set_aside (DsDurableDirectory *self,
                                const char *name,
                                GError **error)
{
  g_autofree char *aside = g_strdup_printf ("unused-%s", name);

  for (guint i = 2; ds_durable_directory_has (self, aside); i++)
    {
      g_free (aside);
      aside = g_strdup_printf ("unused-%s.%u", name, i);
    }
  if (!ds_durable_file_rename_at (self->fd, self->path, name, self->fd, aside, error) ||
      !ds_durable_directory_sync_names (self, error))
    return NULL;
  return g_steal_pointer (&aside);
}

gboolean
ds_durable_directory_remove_file (DsDurableDirectory *self,
                                  const char *name,
                                  GError **error)
{
  g_assert (!ds_durable_directory_is_read_only (self));
  return ds_durable_file_remove_at (self->fd, self->path, name, error);
}

gboolean
ds_durable_directory_sync_names (DsDurableDirectory *self, GError **error)
{
  return ds_durable_directory_sync_fd (
      self->fd, self->path, (self->flags & DS_DURABLE_DIRECTORY_BEST_EFFORT) != 0, error);
}

/* ---- A fresh start ---- */

static gboolean
ds_durable_directory_move_out (DsDurableDirectory *self,
                               const char *prefix,
                               int to_fd,
                               const char *to_path,
                               GError **error)
{
  g_autoptr (GPtrArray) names = ds_durable_directory_list (self, prefix, error);

  if (names == NULL)
    return FALSE;
  /* Checkpoints from the newest on: what is left is an older whole one and all of the
   * log, or a log alone, which nobody takes for a fresh start. */
  for (guint i = names->len; i > 0; i--)
    if (!ds_durable_file_rename_at (self->fd, self->path, names->pdata[i - 1], to_fd,
                                    names->pdata[i - 1], error))
      return FALSE;
  /* Before the log goes: a checkpoint without it would look like a batch just done. */
  return ds_durable_directory_sync_fd (to_fd, to_path, TRUE, error) &&
         ds_durable_directory_sync_names (self, error);
}

/* Where no `app` says whose the files are they do not get among those of others.
 * (transfer full) */
static char *
ds_durable_directory_name_discarded (DsDurableDirectory *self)
{
  char *name =
      g_strdup_printf ("discarded-%s",
                       self->has_application ? self->application.name : "unknown");

  for (guint i = 2; !self->has_application && ds_durable_directory_has (self, name); i++)
    {
      g_free (name);
      name = g_strdup_printf ("discarded-unknown.%u", i);
    }
  return name;
}

/* With the others, as far as it can be read; else as the last one, damaged as it is. */
static gboolean
ds_durable_directory_move_application (DsDurableDirectory *self,
                                       int to_fd,
                                       const char *to_path,
                                       gboolean is_last,
                                       GError **error)
{
  if (self->has_application)
    return is_last ||
           ds_durable_application_write (&self->application, to_fd, to_path, error);
  return !is_last || !ds_durable_directory_has (self, "app") ||
         ds_durable_file_rename_at (self->fd, self->path, "app", to_fd, "app", error);
}

gboolean
ds_durable_directory_discard (DsDurableDirectory *self, GError **error)
{
  g_autofree char *name = ds_durable_directory_name_discarded (self);
  g_autofree char *path = ds_durable_directory_get_file_path (self, name);
  gboolean is_out;
  int fd;

  if (mkdirat (self->fd, name, 0700) < 0 && errno != EEXIST)
    {
      ds_set_error_from_errno (error, errno, "Making directory", path);
      return FALSE;
    }
  fd = ds_durable_file_open_at (self->fd, self->path, name, O_RDONLY | O_DIRECTORY, 0,
                                error);
  if (fd < 0)
    return FALSE;

  is_out = ds_durable_directory_move_application (self, fd, path, FALSE, error) &&
           ds_durable_directory_move_out (self, "ckpt-", fd, path, error) &&
           ds_durable_directory_move_out (self, "wal-", fd, path, error) &&
           ds_durable_directory_move_out (self, "unused-", fd, path, error) &&
           ds_durable_directory_move_application (self, fd, path, TRUE, error);
  close (fd);
  DS_FP ("directory.discarded");
  if (!is_out)
    return FALSE;
  self->is_fresh = TRUE;
  return ds_durable_directory_make_application (self, error);
}
