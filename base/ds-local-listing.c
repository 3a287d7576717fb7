/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Listing a directory of the machine.
 *
 * Names come in large portions and with their kinds, which costs little (0.2 us each);
 * size and time cost a call into the system for each entry (1.2 us).  So a portion goes
 * through three steps: the caller selects by name and kind, the status of what is left is
 * asked for, and the caller is told.
 *
 * Of a large directory some portions are under way at once: while the caller is told of
 * one and selects from another, helpers ask for the status of those between, as the
 * system answers several threads at once, and a remote disk even more so.  The caller
 * asks, too, for what he would have to wait for.  Portions are told of in the order of
 * the directory, so nothing but time depends on the helpers.  Nothing is allocated for an
 * entry. */

#include "base/ds-local-file-system-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Of names, 24 to 280 bytes each. */
#define DS_LOCAL_LISTING_BUFFER_SIZE (256 * 1024)
#define DS_LOCAL_LISTING_N_PORTIONS 4
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
  char *buffer;
  GArray *entries; /* DsLocalEntry: those of the buffer that are selected */
  guint next;      /* of them, that nobody has taken to ask for; the listing's lock */
  guint n_working; /* threads, with entries that they have taken; the same */
} DsLocalPortion;

typedef struct
{
  int fd;
  DsFileSystemSelectFunc select;
  DsFileSystemListFunc func;
  gpointer user_data;
  DsLocalPortion portions[DS_LOCAL_LISTING_N_PORTIONS]; /* in turn */
  gboolean is_at_end;                                   /* of the directory */
  GThreadPool *threads;
  guint n_helpers; /* at most */
  GMutex lock;     /* of all below */
  GCond is_done;   /* a portion */
  guint64 n_read;  /* portions */
  guint64 n_told;  /* of them */
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

static DsLocalPortion *
ds_local_listing_get_portion (DsLocalListing *self, guint64 number)
{
  return &self->portions[number % DS_LOCAL_LISTING_N_PORTIONS];
}

/* ---- The status of the entries ---- */

/* Thread: the caller's or a helper. */
static void
ds_local_listing_ask (DsLocalListing *self,
                      DsLocalPortion *portion,
                      guint first,
                      guint end)
{
  for (guint i = first; i < end; i++)
    {
      DsLocalEntry *entry = &g_array_index (portion->entries, DsLocalEntry, i);
      struct stat found;

      entry->error_number = 0;
      if (fstatat (self->fd, entry->name, &found, AT_SYMLINK_NOFOLLOW) == 0)
        ds_local_file_system_fill_status (&entry->status, &found);
      else
        entry->error_number = errno;
    }
}

static gboolean
ds_local_portion_is_done_locked (const DsLocalPortion *self)
{
  return self->next == self->entries->len && self->n_working == 0;
}

/* Some of the first entries that nobody asks for.  FALSE: there are none left. */
static gboolean
ds_local_listing_ask_share_locked (DsLocalListing *self)
{
  DsLocalPortion *portion = NULL;
  guint first;

  for (guint64 i = self->n_told; i < self->n_read; i++)
    {
      portion = ds_local_listing_get_portion (self, i);
      if (portion->next < portion->entries->len)
        break;
    }
  if (portion == NULL || portion->next == portion->entries->len)
    return FALSE;

  first = portion->next;
  portion->next = MIN (first + DS_LOCAL_LISTING_SHARE, portion->entries->len);
  portion->n_working++;
  g_mutex_unlock (&self->lock);
  ds_local_listing_ask (self, portion, first,
                        MIN (first + DS_LOCAL_LISTING_SHARE, portion->entries->len));
  g_mutex_lock (&self->lock);
  portion->n_working--;
  if (ds_local_portion_is_done_locked (portion))
    g_cond_signal (&self->is_done);
  return TRUE;
}

/* Thread: helper.  One that comes late finds nothing left. */
static void
ds_local_listing_help (gpointer item, gpointer user_data)
{
  DsLocalListing *self = item;

  g_mutex_lock (&self->lock);
  while (ds_local_listing_ask_share_locked (self))
    ;
  self->n_helping--;
  g_mutex_unlock (&self->lock);
}

/* Helpers are threads that GLib has left over, or new ones.  Who comes is not waited for,
 * only who has begun: without any, the caller does all. */
static void
ds_local_listing_call_helpers (DsLocalListing *self)
{
  guint n_called;

  if (self->threads == NULL)
    self->threads = g_thread_pool_new (ds_local_listing_help, NULL,
                                       (gint) self->n_helpers, FALSE, NULL);
  g_mutex_lock (&self->lock);
  n_called = self->n_helpers - self->n_helping;
  self->n_helping = self->n_helpers;
  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < n_called; i++)
    g_thread_pool_push (self->threads, self, NULL);
}

/* Until the status of all of the next portion to be told is there. */
static void
ds_local_listing_await (DsLocalListing *self)
{
  DsLocalPortion *portion = ds_local_listing_get_portion (self, self->n_told);

  g_mutex_lock (&self->lock);
  while (!ds_local_portion_is_done_locked (portion))
    if (!ds_local_listing_ask_share_locked (self))
      g_cond_wait (&self->is_done, &self->lock);
  g_mutex_unlock (&self->lock);
}

/* ---- Portions ---- */

/* Of the @n_bytes of names in the buffer. */
static void
ds_local_listing_select (DsLocalListing *self, DsLocalPortion *portion, gsize n_bytes)
{
  g_array_set_size (portion->entries, 0);
  for (gsize offset = 0; offset < n_bytes;)
    {
      const struct dirent64 *found =
          (const struct dirent64 *) (gconstpointer) (portion->buffer + offset);
      DsLocalEntry entry = { .name = found->d_name };
      const char *name = found->d_name;

      offset += found->d_reclen;
      if (name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0')))
        continue;
      entry.has_kind = ds_local_listing_get_kind (found->d_type, &entry.kind);
      if (!entry.has_kind || self->select == NULL ||
          self->select (name, entry.kind, self->user_data))
        g_array_append_val (portion->entries, entry);
    }
}

/* The next portion of names, of which the status is to be asked for.  0, or what went
 * wrong. */
static int
ds_local_listing_read (DsLocalListing *self)
{
  DsLocalPortion *portion = ds_local_listing_get_portion (self, self->n_read);
  gssize n_bytes;

  if (portion->buffer == NULL)
    {
      portion->buffer = g_malloc (DS_LOCAL_LISTING_BUFFER_SIZE);
      portion->entries = g_array_new (FALSE, FALSE, sizeof (DsLocalEntry));
    }
  n_bytes = getdents64 (self->fd, portion->buffer, DS_LOCAL_LISTING_BUFFER_SIZE);
  self->is_at_end = n_bytes <= 0;
  if (n_bytes <= 0)
    return n_bytes < 0 ? errno : 0;

  ds_local_listing_select (self, portion, (gsize) n_bytes);
  g_mutex_lock (&self->lock);
  portion->next = 0;
  self->n_read++;
  g_mutex_unlock (&self->lock);
  if (portion->entries->len >= DS_LOCAL_LISTING_MIN_SHARED && self->n_helpers > 0)
    ds_local_listing_call_helpers (self);
  return 0;
}

/* FALSE: enough, or with @error_number the directory may not be searched. */
static gboolean
ds_local_listing_tell (DsLocalListing *self,
                       const DsLocalPortion *portion,
                       int *error_number)
{
  for (guint i = 0; i < portion->entries->len; i++)
    {
      const DsLocalEntry *entry = &g_array_index (portion->entries, DsLocalEntry, i);

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
  int read_error_number = 0;

  for (;;)
    {
      while (!self->is_at_end &&
             self->n_read - self->n_told < DS_LOCAL_LISTING_N_PORTIONS)
        read_error_number = ds_local_listing_read (self);
      if (self->n_told == self->n_read)
        return read_error_number;

      ds_local_listing_await (self);
      if (!ds_local_listing_tell (self, ds_local_listing_get_portion (self, self->n_told),
                                  &error_number))
        return error_number;
      g_mutex_lock (&self->lock);
      self->n_told++;
      g_mutex_unlock (&self->lock);
    }
}

/* Nobody asks any longer. */
static void
ds_local_listing_clear (DsLocalListing *self)
{
  g_mutex_lock (&self->lock);
  self->n_told = self->n_read;
  g_mutex_unlock (&self->lock);
  if (self->threads != NULL)
    g_thread_pool_free (self->threads, TRUE, TRUE);
  for (guint i = 0; i < DS_LOCAL_LISTING_N_PORTIONS; i++)
    {
      g_free (self->portions[i].buffer);
      g_clear_pointer (&self->portions[i].entries, g_array_unref);
    }
  g_cond_clear (&self->is_done);
  g_mutex_clear (&self->lock);
  close (self->fd);
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

  self.n_helpers = MIN (g_get_num_processors (), DS_LOCAL_LISTING_MAX_THREADS) - 1;
  g_mutex_init (&self.lock);
  g_cond_init (&self.is_done);
  error_number = ds_local_listing_run (&self);
  ds_local_listing_clear (&self);

  if (error_number != 0)
    ds_local_file_system_set_error (error, "list", path, error_number);
  return error_number == 0;
}
