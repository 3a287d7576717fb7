/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the library does to files, in front of the calls themselves: each is noted for the
 * model of the disk, may fail or be cut short, and may be the one at which the run ends,
 * before it, after it or, of a write, in the middle. */

#include "tests/simulation/ds-sim-wrap-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DS_SIM_MAX_FDS 4096
/* How long a disk is full, in calls that find it so. */
#define DS_SIM_MAX_FULL 40
/* One of so many calls, of those that can: */
#define DS_SIM_FULL_ONE_OF 400
#define DS_SIM_ERROR_ONE_OF 500

typedef struct
{
  guint64 handle; /* 0: not watched */
  gboolean is_directory;
  char place[DS_SIM_PATH_BYTES]; /* when it was opened */
} DsSimFile;

static DsSimFile files[DS_SIM_MAX_FDS];
static char *root_path;
static DsSimPlan *plan;
static DsSimTrouble trouble;
static guint64 n_calls;
static guint64 last_handle;
static guint n_full;
static gboolean is_half; /* the write that is going on is the last thing that happens */

void
ds_sim_calls_begin (const char *root,
                    DsSimPlan *the_plan,
                    const DsSimTrouble *the_trouble)
{
  root_path = g_strconcat (root, "/", NULL);
  plan = the_plan;
  trouble = *the_trouble;
}

/* Without "." and double slashes. */
static void
tidy (char *path)
{
  char *to = path;

  for (const char *from = path; *from != '\0'; from++)
    {
      if (*from == '/' && (to == path || to[-1] == '/'))
        continue;
      if (*from == '.' && (to == path || to[-1] == '/') &&
          (from[1] == '/' || from[1] == '\0'))
        continue;
      *to++ = *from;
    }
  while (to > path && to[-1] == '/')
    to--;
  *to = '\0';
}

gboolean
ds_sim_find_place (int directory_fd, const char *path, char *place)
{
  gsize n_root;

  if (!ds_sim_is_on () || root_path == NULL)
    return FALSE;
  n_root = strlen (root_path);
  if (path[0] == '/')
    {
      gsize n = strlen (path);

      /* The root itself, too. */
      if (strncmp (path, root_path, n_root) != 0 &&
          !(n == n_root - 1 && strncmp (path, root_path, n) == 0))
        return FALSE;
      g_strlcpy (place, path + MIN (n, n_root), DS_SIM_PATH_BYTES);
    }
  else
    {
      if (directory_fd < 0 || directory_fd >= DS_SIM_MAX_FDS ||
          files[directory_fd].handle == 0 || !files[directory_fd].is_directory)
        return FALSE;
      g_snprintf (place, DS_SIM_PATH_BYTES, "%s/%s", files[directory_fd].place, path);
    }
  tidy (place);
  return TRUE;
}

/* ---- What comes in between ---- */

static gboolean
chance (guint percent)
{
  return ds_property_random_percent (ds_sim_get_random (), percent);
}

static gboolean
one_of (guint n)
{
  return ds_property_random_below (ds_sim_get_random (), n) == 0;
}

static G_GNUC_NORETURN void
end_run (const char *when, DsSimCallType type, const char *place)
{
  ds_sim_note ("# %s %s call %" G_GUINT64_FORMAT ", %c %s; trace %016" G_GINT64_MODIFIER
               "x\n",
               trouble.crash == DS_SIM_POWER_CUT ? "power cut" : "killed", when, n_calls,
               (char) type, place, ds_sim_get_trace ());
  _exit ((int) trouble.crash);
}

static gboolean
needs_room (DsSimCallType type)
{
  return type == DS_SIM_WRITE || type == DS_SIM_OPEN || type == DS_SIM_MAKE_DIRECTORY;
}

static int
choose_error (DsSimCallType type)
{
  if (type == DS_SIM_READ)
    return plan->has_read_errors && one_of (DS_SIM_ERROR_ONE_OF) ? EIO : 0;
  if (plan->has_full_disk && needs_room (type))
    {
      if (n_full == 0 && one_of (DS_SIM_FULL_ONE_OF))
        n_full = 1 + ds_property_random_below (ds_sim_get_random (), DS_SIM_MAX_FULL);
      if (n_full > 0)
        {
          n_full--;
          return ENOSPC;
        }
    }
  if (plan->has_io_errors &&
      (type == DS_SIM_WRITE || type == DS_SIM_SYNC || type == DS_SIM_SYNC_DIRECTORY ||
       type == DS_SIM_RENAME || type == DS_SIM_CUT) &&
      one_of (DS_SIM_ERROR_ONE_OF))
    return EIO;
  return 0;
}

gboolean
ds_sim_begin_call (DsSimCallType type, const char *place, gsize *n_bytes)
{
  int error_number = 0;

  ds_sim_yield ();
  if (type != DS_SIM_READ)
    {
      n_calls++;
      ds_sim_world->n_file_calls++;
    }
  is_half = FALSE;
  if (trouble.crash_at > 0 && n_calls >= trouble.crash_at)
    {
      guint when = ds_property_random_below (ds_sim_get_random (), 3);

      if (when == 0)
        end_run ("before", type, place);
      is_half = when == 1 && n_bytes != NULL && *n_bytes > 1;
      if (is_half)
        *n_bytes = 1 + ds_property_random_below (ds_sim_get_random (),
                                                 (guint) MIN (*n_bytes - 1, 1 << 20));
      return TRUE;
    }
  if (!trouble.has_faults)
    return TRUE;
  if (chance (plan->percent_interrupted) &&
      (type == DS_SIM_READ || type == DS_SIM_WRITE || type == DS_SIM_OPEN))
    error_number = EINTR;
  else
    error_number = choose_error (type);
  if (error_number == 0)
    {
      if (n_bytes != NULL && *n_bytes > 1 && chance (plan->percent_short))
        *n_bytes = 1 + ds_property_random_below (ds_sim_get_random (),
                                                 (guint) MIN (*n_bytes - 1, 1 << 20));
      return TRUE;
    }
  ds_sim_world->n_faults++;
  ds_sim_trace ("call %" G_GUINT64_FORMAT " %c %s fails: %d", n_calls, (char) type, place,
                error_number);
  if (type == DS_SIM_SYNC)
    {
      /* The model has to know that nothing of it will last. */
      errno = error_number;
      return FALSE;
    }
  errno = error_number;
  return FALSE;
}

static void
record_call (DsSimCallType type,
             int error_number,
             guint64 handle,
             guint64 offset,
             const char *place,
             const char *to,
             const void *data,
             gsize n_data)
{
  DsSimCall *call = (gpointer) (ds_sim_world->calls + ds_sim_world->n_calls);
  guint8 *rest = (guint8 *) (call + 1);
  gsize n_path = strlen (place);
  gsize n_to = to != NULL ? strlen (to) : 0;
  gsize n_bytes = (sizeof *call + n_path + 1 + n_to + 1 + n_data + 1 + 7) & ~(gsize) 7;

  g_assert (ds_sim_world->n_calls + n_bytes <= DS_SIM_CALLS_BYTES);
  *call = (DsSimCall){ .type = type,
                       .error = error_number,
                       .handle = handle,
                       .offset = offset,
                       .n_path = (guint32) n_path,
                       .n_to = (guint32) n_to,
                       .n_data = (guint32) n_data,
                       .n_bytes = (guint32) n_bytes };
  memcpy (rest, place, n_path + 1);
  memcpy (rest + n_path + 1, to != NULL ? to : "", n_to + 1);
  if (n_data > 0)
    memcpy (rest + n_path + 1 + n_to + 1, data, n_data);
  ds_sim_world->n_calls += n_bytes;
}

void
ds_sim_end_call (DsSimCallType type,
                 int result,
                 guint64 handle,
                 guint64 offset,
                 const char *place,
                 const char *to,
                 const void *data,
                 gsize n_data)
{
  int error_number = result < 0 ? errno : 0;

  ds_sim_trace ("call %" G_GUINT64_FORMAT " %c %s %s %" G_GUINT64_FORMAT
                "+%" G_GSIZE_FORMAT " %d",
                n_calls, (char) type, place, to != NULL ? to : "", offset, n_data,
                error_number);
  if (type != DS_SIM_READ && (error_number == 0 || type == DS_SIM_SYNC))
    record_call (type, error_number, handle, offset, place, to, data, n_data);
  if (trouble.crash_at > 0 && n_calls >= trouble.crash_at && type != DS_SIM_READ)
    end_run (is_half ? "inside" : "after", type, place);
  errno = error_number;
}

/* ---- Opening and closing ---- */

static int
open_file (int directory_fd, const char *path, int flags, mode_t mode)
{
  char place[DS_SIM_PATH_BYTES];
  struct stat status;
  gboolean is_there;
  int fd = -1;

  if (!ds_sim_find_place (directory_fd, path, place))
    return __real_openat64 (directory_fd, path, flags, mode);
  is_there = fstatat (directory_fd, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
  if ((flags & O_CREAT) == 0 || is_there || ds_sim_begin_call (DS_SIM_OPEN, place, NULL))
    fd = __real_openat64 (directory_fd, path, flags, mode);
  if (fd >= 0)
    {
      g_assert (fd < DS_SIM_MAX_FDS && fstat (fd, &status) == 0);
      files[fd].handle = ++last_handle;
      files[fd].is_directory = S_ISDIR (status.st_mode);
      g_strlcpy (files[fd].place, place, DS_SIM_PATH_BYTES);
    }
  if ((flags & O_CREAT) != 0 && !is_there)
    ds_sim_end_call (DS_SIM_OPEN, fd, last_handle, DS_SIM_CREATED, place, NULL, NULL, 0);
  else if (fd >= 0 && !files[fd].is_directory)
    record_call (DS_SIM_OPEN, 0, last_handle,
                 (flags & O_TRUNC) != 0 ? DS_SIM_TRUNCATED : 0, place, NULL, NULL, 0);
  return fd;
}

int
__wrap_openat64 (int directory_fd, const char *path, int flags, ...)
{
  mode_t mode = 0;
  va_list arguments;

  if ((flags & O_CREAT) != 0)
    {
      va_start (arguments, flags);
      mode = va_arg (arguments, mode_t);
      va_end (arguments);
    }
  return open_file (directory_fd, path, flags, mode);
}

int
__wrap_open64 (const char *path, int flags, ...)
{
  mode_t mode = 0;
  va_list arguments;

  if ((flags & O_CREAT) != 0)
    {
      va_start (arguments, flags);
      mode = va_arg (arguments, mode_t);
      va_end (arguments);
    }
  return open_file (AT_FDCWD, path, flags, mode);
}

int
__wrap_close (int fd)
{
  if (ds_sim_is_on () && fd >= 0 && fd < DS_SIM_MAX_FDS)
    files[fd].handle = 0;
  return __real_close (fd);
}

static DsSimFile *
find_file (int fd)
{
  if (!ds_sim_is_on () || fd < 0 || fd >= DS_SIM_MAX_FDS || files[fd].handle == 0)
    return NULL;
  return &files[fd];
}

/* ---- Data ---- */

/* @offset -1: where the file's own position is. */
static ssize_t
write_file (DsSimFile *file, int fd, const void *bytes, size_t n_bytes, off_t offset)
{
  char place[DS_SIM_PATH_BYTES];
  guint64 handle = file->handle;
  gsize n_now = n_bytes;
  ssize_t n_written = -1;
  off_t at = offset;

  memcpy (place, file->place, sizeof place);
  if (ds_sim_begin_call (DS_SIM_WRITE, place, &n_now))
    {
      if (offset < 0)
        at = lseek (fd, 0, SEEK_CUR);
      n_written = offset < 0 ? __real_write (fd, bytes, n_now)
                             : __real_pwrite64 (fd, bytes, n_now, offset);
    }
  ds_sim_end_call (DS_SIM_WRITE, n_written < 0 ? -1 : 0, handle, (guint64) MAX (at, 0),
                   place, NULL, bytes, (gsize) MAX (n_written, 0));
  return n_written;
}

ssize_t
__wrap_write (int fd, const void *bytes, size_t n_bytes)
{
  DsSimFile *file = find_file (fd);

  return file != NULL ? write_file (file, fd, bytes, n_bytes, -1)
                      : __real_write (fd, bytes, n_bytes);
}

ssize_t
__wrap_pwrite64 (int fd, const void *bytes, size_t n_bytes, off_t offset)
{
  DsSimFile *file = find_file (fd);

  return file != NULL ? write_file (file, fd, bytes, n_bytes, offset)
                      : __real_pwrite64 (fd, bytes, n_bytes, offset);
}

ssize_t
__wrap_writev (int fd, const struct iovec *pieces, int n_pieces)
{
  DsSimFile *file = find_file (fd);
  g_autoptr (GByteArray) all = NULL;

  if (file == NULL)
    return __real_writev (fd, pieces, n_pieces);
  all = g_byte_array_new ();
  for (int i = 0; i < n_pieces; i++)
    g_byte_array_append (all, pieces[i].iov_base, (guint) pieces[i].iov_len);
  return write_file (file, fd, all->data, all->len, -1);
}

ssize_t
__wrap_pread64 (int fd, void *room, size_t n_bytes, off_t offset)
{
  DsSimFile *file = find_file (fd);
  gsize n_now = n_bytes;

  if (file != NULL && !ds_sim_begin_call (DS_SIM_READ, file->place, &n_now))
    return -1;
  return __real_pread64 (fd, room, n_now, offset);
}

int
__wrap_ftruncate64 (int fd, off_t length)
{
  DsSimFile *file = find_file (fd);
  guint64 handle = file != NULL ? file->handle : 0;
  char place[DS_SIM_PATH_BYTES];
  int result = -1;

  if (file == NULL)
    return __real_ftruncate64 (fd, length);
  memcpy (place, file->place, sizeof place);
  if (ds_sim_begin_call (DS_SIM_CUT, place, NULL))
    result = __real_ftruncate64 (fd, length);
  ds_sim_end_call (DS_SIM_CUT, result, handle, (guint64) length, place, NULL, NULL, 0);
  return result;
}

/* The disk is the model's, so that nothing has to be waited for. */
static int
sync_file (DsSimFile *file)
{
  char place[DS_SIM_PATH_BYTES];
  DsSimCallType type = file->is_directory ? DS_SIM_SYNC_DIRECTORY : DS_SIM_SYNC;
  guint64 handle = file->handle;
  int result;

  memcpy (place, file->place, sizeof place);
  result = ds_sim_begin_call (type, place, NULL) ? 0 : -1;
  ds_sim_end_call (type, result, handle, 0, place, NULL, NULL, 0);
  return result;
}

int
__wrap_fsync (int fd)
{
  DsSimFile *file = find_file (fd);

  return file != NULL ? sync_file (file) : __real_fsync (fd);
}

int
__wrap_fdatasync (int fd)
{
  DsSimFile *file = find_file (fd);

  return file != NULL ? sync_file (file) : __real_fdatasync (fd);
}

/* How much room there is of the real disk is no part of what happens. */
int
__wrap_fstatvfs64 (int fd, struct statvfs *room)
{
  if (!ds_sim_is_on ())
    return __real_fstatvfs64 (fd, room);
  *room = (struct statvfs){ .f_frsize = 1, .f_bavail = 17 };
  return 0;
}
