/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Listing a directory of the machine.
 *
 * Names come in large portions and with their kinds, which costs little (0.2 us each);
 * size and time cost a call into the system for each entry (1.2 us).  So a portion goes
 * through three steps: the caller selects by name and kind, the status of what is left is
 * asked for, and the caller is told.  The middle step is shared with other threads when a
 * portion has many entries: the system answers several at once, and a remote disk even
 * more so.  Nothing is allocated for an entry. */

#include "base/ds-local-file-system-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Of names, 24 to 280 bytes each. */
#define DS_LOCAL_LISTING_BUFFER_SIZE (1024 * 1024)
/* Waking a thread costs as much as some 40 entries. */
#define DS_LOCAL_LISTING_MIN_SHARED 1024
#define DS_LOCAL_LISTING_SHARE 128 /* entries that a thread takes at once */
#define DS_LOCAL_LISTING_MAX_THREADS 4

typedef struct
{
  const char *name; /* in the buffer */
  DsFileStatus status;
  DsFileKind kind;
  gboolean has_kind; /* as not all file systems tell it */
  int error_number;  /* of asking for the status */
} DsLocalEntry;

typedef struct
{
  int fd;
  DsFileSystemSelectFunc select;
  DsFileSystemListFunc func;
  gpointer user_data;
  char *buffer;
  GArray *entries; /* DsLocalEntry: those of the buffer that are selected */
  GThreadPool *threads;
  guint n_helpers; /* at most */
  GMutex lock;     /* of all below */
  GCond is_done;
  guint n_shared;  /* entries that are asked for together */
  guint next;      /* of them, that nobody has taken */
  guint n_working; /* threads, with entries that they have taken */
  guint n_helping; /* helpers that were called and have not ended */
} DsLocalListing;

static gboolean
ds_local_listing_get_kind (unsigned char type, DsFileKind *kind)
{
  switch (type)
    {
    case DT_REG:
      *kind = DS_FILE_REGULAR;
      return TRUE;
    case DT_DIR:
      *kind = DS_FILE_DIRECTORY;
      return TRUE;
    case DT_LNK:
      *kind = DS_FILE_SYMLINK;
      return TRUE;
    case DT_FIFO:
    case DT_SOCK:
    case DT_CHR:
    case DT_BLK:
      *kind = DS_FILE_SPECIAL;
      return TRUE;
    default:
      return FALSE;
    }
}

/* ---- The status of the entries ---- */

/* Thread: the caller's or a helper. */
static void
ds_local_listing_ask (DsLocalListing *self, guint first, guint end)
{
  for (guint i = first; i < end; i++)
    {
      DsLocalEntry *entry = &g_array_index (self->entries, DsLocalEntry, i);
      struct stat found;

      entry->error_number = 0;
      if (fstatat (self->fd, entry->name, &found, AT_SYMLINK_NOFOLLOW) == 0)
        ds_local_file_system_fill_status (&entry->status, &found);
      else
        entry->error_number = errno;
    }
}

/* FALSE: all entries have been taken. */
static gboolean
ds_local_listing_take_share_locked (DsLocalListing *self, guint *first, guint *end)
{
  *first = self->next;
  self->next = MIN (self->next + DS_LOCAL_LISTING_SHARE, self->n_shared);
  *end = self->next;
  return *first < *end;
}

/* Returns with the lock taken. */
static void
ds_local_listing_ask_shares (DsLocalListing *self)
{
  guint first;
  guint end;

  g_mutex_lock (&self->lock);
  while (ds_local_listing_take_share_locked (self, &first, &end))
    {
      self->n_working++;
      g_mutex_unlock (&self->lock);
      ds_local_listing_ask (self, first, end);
      g_mutex_lock (&self->lock);
      self->n_working--;
    }
}

/* Thread: helper.  One that comes late finds nothing left, or helps with the next
 * portion. */
static void
ds_local_listing_help (gpointer item, gpointer user_data)
{
  DsLocalListing *self = item;

  ds_local_listing_ask_shares (self);
  self->n_helping--;
  if (self->n_working == 0)
    g_cond_signal (&self->is_done);
  g_mutex_unlock (&self->lock);
}

/* Helpers are threads that GLib has left over, or new ones.  Who comes is not waited for,
 * only who has begun: without any, the caller does all. */
static void
ds_local_listing_ask_all (DsLocalListing *self)
{
  guint n_called = 0;

  if (self->entries->len < DS_LOCAL_LISTING_MIN_SHARED || self->n_helpers == 0)
    {
      ds_local_listing_ask (self, 0, self->entries->len);
      return;
    }
  if (self->threads == NULL)
    self->threads = g_thread_pool_new (ds_local_listing_help, NULL,
                                       (gint) self->n_helpers, FALSE, NULL);
  g_mutex_lock (&self->lock);
  self->next = 0;
  self->n_shared = self->entries->len;
  n_called = self->n_helpers - self->n_helping;
  self->n_helping = self->n_helpers;
  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < n_called; i++)
    g_thread_pool_push (self->threads, self, NULL);

  ds_local_listing_ask_shares (self);
  while (self->n_working > 0)
    g_cond_wait (&self->is_done, &self->lock);
  g_mutex_unlock (&self->lock);
}

/* ---- Portions ---- */

/* Of the @n_bytes of names in the buffer. */
static void
ds_local_listing_select (DsLocalListing *self, gsize n_bytes)
{
  g_array_set_size (self->entries, 0);
  for (gsize offset = 0; offset < n_bytes;)
    {
      const struct dirent64 *found =
          (const struct dirent64 *) (gconstpointer) (self->buffer + offset);
      DsLocalEntry entry = { .name = found->d_name };
      const char *name = found->d_name;

      offset += found->d_reclen;
      if (name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0')))
        continue;
      entry.has_kind = ds_local_listing_get_kind (found->d_type, &entry.kind);
      if (!entry.has_kind || self->select == NULL ||
          self->select (name, entry.kind, self->user_data))
        g_array_append_val (self->entries, entry);
    }
}

/* FALSE: enough, or with @error_number the directory may not be searched. */
static gboolean
ds_local_listing_tell (DsLocalListing *self, int *error_number)
{
  for (guint i = 0; i < self->entries->len; i++)
    {
      const DsLocalEntry *entry = &g_array_index (self->entries, DsLocalEntry, i);

      if (entry->error_number == EACCES)
        {
          /* And so it will be with all other entries. */
          *error_number = EACCES;
          return FALSE;
        }
      if (entry->error_number != 0)
        continue;
      if (entry->has_kind
              ? entry->status.kind != entry->kind
              : self->select != NULL &&
                    !self->select (entry->name, entry->status.kind, self->user_data))
        continue;
      if (!self->func (entry->name, &entry->status, self->user_data))
        return FALSE;
    }
  return TRUE;
}

/* 0, or what went wrong. */
static int
ds_local_listing_run (DsLocalListing *self)
{
  int error_number = 0;
  gssize n_bytes;

  while ((n_bytes = getdents64 (self->fd, self->buffer, DS_LOCAL_LISTING_BUFFER_SIZE)) >
         0)
    {
      ds_local_listing_select (self, (gsize) n_bytes);
      ds_local_listing_ask_all (self);
      if (!ds_local_listing_tell (self, &error_number))
        return error_number;
    }
  return n_bytes < 0 ? errno : 0;
}

gboolean
ds_local_file_system_list (DsFileSystem *file_system,
                           const char *path,
                           DsFileSystemSelectFunc select,
                           DsFileSystemListFunc func,
                           gpointer user_data,
                           GError **error)
{
  DsLocalListing self = { .select = select, .func = func, .user_data = user_data };
  int error_number;

  do
    self.fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
  while (self.fd < 0 && errno == EINTR);
  if (self.fd < 0)
    {
      ds_local_file_system_set_error (error, "list", path, errno);
      return FALSE;
    }

  self.buffer = g_malloc (DS_LOCAL_LISTING_BUFFER_SIZE);
  self.entries = g_array_new (FALSE, FALSE, sizeof (DsLocalEntry));
  self.n_helpers = MIN (g_get_num_processors (), DS_LOCAL_LISTING_MAX_THREADS) - 1;
  g_mutex_init (&self.lock);
  g_cond_init (&self.is_done);
  error_number = ds_local_listing_run (&self);
  if (self.threads != NULL)
    g_thread_pool_free (self.threads, TRUE, TRUE);
  g_cond_clear (&self.is_done);
  g_mutex_clear (&self.lock);
  g_array_unref (self.entries);
  g_free (self.buffer);
  close (self.fd);

  if (error_number != 0)
    ds_local_file_system_set_error (error, "list", path, error_number);
  return error_number == 0;
}
