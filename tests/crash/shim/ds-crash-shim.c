/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The plan of what befalls which call, and the log.  Everything is done by system calls:
 * the functions of libc are those that are replaced.  What the log holds outlives a kill,
 * since it was handed to the kernel before the call returned. */

#include "tests/crash/shim/ds-crash-shim-private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* A program that waits for better times is killed after so many failures, as by an
 * operator who has had enough. */
#define MAX_FAILURES 4

typedef enum
{
  AT_BEFORE,
  AT_INSIDE,
  AT_AFTER,
  AT_FAIL,
  AT_HALF_FAIL,
  AT_READ_FAIL,
  AT_NO_MEMORY
} DsCrashEvent;

static const char *const event_names[] = { "kill-before", "kill-inside", "kill-after",
                                           "fail",        "half-fail",   "read-fail",
                                           "no-memory" };

#define N_EVENTS (sizeof event_names / sizeof event_names[0])

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long event_calls[N_EVENTS]; /* 0: not planned */
static int event_errno[N_EVENTS];
static unsigned long event_times[N_EVENTS];
static bool is_random;
static uint64_t random_state;
static unsigned long n_calls, n_reads, n_failures, n_memories;
static bool kills_inside;
static int log_fd = -1;
static char root[PATH_MAX], acks[PATH_MAX];
static size_t n_root;
static uint32_t handles[DS_CRASH_N_FDS];
static uint8_t handle_flags[1 << 20];
static uint32_t n_handles;

void
ds_crash_lock (void)
{
  pthread_mutex_lock (&lock);
}

void
ds_crash_unlock (void)
{
  pthread_mutex_unlock (&lock);
}

/* ---- Settings ---- */

static int
ds_crash_parse_errno (const char *name)
{
  static const struct
  {
    const char *name;
    int number;
  } known[] = { { "ENOSPC", ENOSPC }, { "EIO", EIO },     { "EINTR", EINTR },
                { "EDQUOT", EDQUOT }, { "EFBIG", EFBIG }, { "EROFS", EROFS } };

  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (strcmp (name, known[i].name) == 0)
      return known[i].number;
  return EIO;
}

static void
ds_crash_parse_plan (const char *plan)
{
  char part[64], name[32], error[16];
  unsigned long n, times;

  while (*plan != '\0')
    {
      size_t n_part = strcspn (plan, ",");

      if (n_part >= sizeof part)
        ds_crash_refuse ("part of DS_CRASH_PLAN is too long");
      memcpy (part, plan, n_part);
      part[n_part] = '\0';
      plan += n_part + (plan[n_part] == ',');
      strcpy (error, "EIO");
      times = 1;
      if (sscanf (part, "%31[^:]:%lu:%15[^:]:%lu", name, &n, error, &times) < 2)
        ds_crash_refuse ("DS_CRASH_PLAN is not EVENT:NUMBER...");
      if (strcmp (name, "random") == 0)
        {
          is_random = true;
          random_state = n * 2 + 1;
        }
      for (size_t i = 0; i < N_EVENTS; i++)
        if (strcmp (name, event_names[i]) == 0)
          {
            event_calls[i] = n;
            event_errno[i] = ds_crash_parse_errno (error);
            event_times[i] = times == 0 ? ULONG_MAX : times;
          }
    }
}

__attribute__ ((constructor)) static void
ds_crash_load (void)
{
  const char *setting = getenv ("DS_CRASH_ROOT");

  if (setting == NULL || *setting != '/' || strlen (setting) >= sizeof root)
    return;
  strcpy (root, setting);
  n_root = strlen (root);
  setting = getenv ("DS_CRASH_ACKS");
  if (setting != NULL && strlen (setting) < sizeof acks)
    strcpy (acks, setting);
  setting = getenv ("DS_CRASH_LOG");
  if (setting != NULL)
    {
      int fd = (int) syscall (SYS_openat, AT_FDCWD, setting,
                              O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

      /* Out of the way of the program's own numbers. */
      log_fd = (int) syscall (SYS_fcntl, fd, F_DUPFD_CLOEXEC, 900);
      syscall (SYS_close, fd);
      if (log_fd < 0)
        ds_crash_refuse ("DS_CRASH_LOG cannot be written");
    }
  setting = getenv ("DS_CRASH_PLAN");
  if (setting != NULL)
    ds_crash_parse_plan (setting);
  /* What was taken before is that of the loader and of this. */
  __atomic_store_n (&n_memories, 0, __ATOMIC_RELAXED);
}

__attribute__ ((destructor)) static void
ds_crash_unload (void)
{
  DsCrashCall call = { .type = DS_CRASH_END,
                       .offset = __atomic_load_n (&n_memories, __ATOMIC_RELAXED) };

  ds_crash_lock ();
  ds_crash_end (&call, false);
  ds_crash_unlock ();
}

void
ds_crash_refuse (const char *what)
{
  char text[256];
  int n = snprintf (text, sizeof text, "crash shim: %s\n", what);

  if (n > 0)
    syscall (SYS_write, 2, text, (size_t) n);
  syscall (SYS_exit_group, 99);
  __builtin_unreachable ();
}

/* ---- Fates ---- */

static void
ds_crash_kill (void)
{
  syscall (SYS_kill, getpid (), SIGKILL);
  for (;;)
    pause ();
}

/* xorshift64*, so that a seed is a seed everywhere. */
static unsigned
ds_crash_random (unsigned below)
{
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (unsigned) ((random_state * 0x2545f4914f6cdd1dULL) >> 33) % below;
}

/* Disks do not fill up by taking names away, and closing takes no room. */
static bool
ds_crash_can_fail (DsCrashType type, int error_number)
{
  bool is_interrupted = error_number == EINTR;
  bool is_full =
      error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;

  switch ((int) type)
    {
    case DS_CRASH_UNLINK:
    case DS_CRASH_RMDIR:
    case DS_CRASH_CLOSE:
      return !is_full && !is_interrupted;
    case DS_CRASH_RENAME:
    case DS_CRASH_MKDIR:
    case DS_CRASH_LINK:
      return !is_interrupted;
    default:
      return true;
    }
}

static bool
ds_crash_is_failing (DsCrashEvent event, unsigned long n)
{
  if (event_calls[event] == 0 || n < event_calls[event] || event_times[event] == 0)
    return false;
  event_times[event]--;
  if (++n_failures > MAX_FAILURES)
    ds_crash_kill ();
  errno = event_errno[event];
  return true;
}

bool
ds_crash_runs_out_of_memory (void)
{
  unsigned long n = __atomic_add_fetch (&n_memories, 1, __ATOMIC_RELAXED);
  unsigned long first = event_calls[AT_NO_MEMORY];

  return first != 0 && n >= first && n - first < event_times[AT_NO_MEMORY];
}

static DsCrashFate
ds_crash_begin_random (DsCrashType type, size_t *n_data)
{
  bool can_interrupt = ds_crash_can_fail (type, EINTR);

  if (can_interrupt && ds_crash_random (8) == 0)
    {
      errno = EINTR;
      return DS_CRASH_FAIL;
    }
  if (type == DS_CRASH_WRITE && *n_data > 1 && ds_crash_random (3) == 0)
    {
      *n_data = 1 + ds_crash_random ((unsigned) *n_data - 1);
      return DS_CRASH_HALF;
    }
  return DS_CRASH_GO_ON;
}

DsCrashFate
ds_crash_begin (DsCrashCall *call)
{
  if (!call->is_counted)
    return DS_CRASH_GO_ON;
  n_calls++;
  if (n_calls == event_calls[AT_BEFORE])
    ds_crash_kill ();
  if (n_calls == event_calls[AT_INSIDE])
    {
      if (call->type != DS_CRASH_WRITE || call->n_data < 2)
        ds_crash_kill ();
      kills_inside = true;
      call->n_data /= 2;
      return DS_CRASH_HALF;
    }
  if (n_calls == event_calls[AT_HALF_FAIL] && call->type == DS_CRASH_WRITE &&
      call->n_data > 1)
    {
      /* The file system takes what it has room for; the next call hears of it. */
      event_calls[AT_FAIL] = n_calls + 1;
      event_errno[AT_FAIL] = event_errno[AT_HALF_FAIL];
      event_times[AT_FAIL] = event_times[AT_HALF_FAIL];
      call->n_data /= 2;
      return DS_CRASH_HALF;
    }
  if (ds_crash_can_fail (call->type, event_errno[AT_FAIL]) &&
      ds_crash_is_failing (AT_FAIL, n_calls))
    return DS_CRASH_FAIL;
  if (is_random)
    return ds_crash_begin_random (call->type, &call->n_data);
  return DS_CRASH_GO_ON;
}

DsCrashFate
ds_crash_begin_read (size_t *n_bytes)
{
  n_reads++;
  if (ds_crash_is_failing (AT_READ_FAIL, n_reads))
    return DS_CRASH_FAIL;
  if (!is_random)
    return DS_CRASH_GO_ON;
  if (ds_crash_random (8) == 0)
    {
      errno = EINTR;
      return DS_CRASH_FAIL;
    }
  if (*n_bytes > 1 && ds_crash_random (3) == 0)
    *n_bytes = 1 + ds_crash_random ((unsigned) (*n_bytes < 4096 ? *n_bytes : 4096) - 1);
  return DS_CRASH_GO_ON;
}

/* ---- Log ---- */

/* Host byte order: it is read on the same machine. */
typedef struct
{
  uint8_t type, is_counted;
  uint16_t error_number;
  uint32_t handle;
  uint64_t offset;
  uint32_t n_path, n_to, n_data, call;
} DsCrashRecord;

void
ds_crash_end (const DsCrashCall *call, bool failed)
{
  int error_number = errno;
  size_t n_path = call->path != NULL ? strlen (call->path) : 0;
  size_t n_to = call->to != NULL ? strlen (call->to) : 0;
  size_t n_data = call->data != NULL && !failed ? call->n_data : 0;
  DsCrashRecord record = { .type = (uint8_t) call->type,
                           .is_counted = call->is_counted,
                           .error_number = failed ? (uint16_t) error_number : 0,
                           .handle = call->handle,
                           .offset = call->offset,
                           .n_path = (uint32_t) n_path,
                           .n_to = (uint32_t) n_to,
                           .n_data = (uint32_t) n_data,
                           .call = call->is_counted ? (uint32_t) n_calls : 0 };
  struct iovec parts[4] = { { &record, sizeof record },
                            { (void *) (uintptr_t) call->path, n_path },
                            { (void *) (uintptr_t) call->to, n_to },
                            { (void *) (uintptr_t) call->data, n_data } };

  if (log_fd >= 0 && syscall (SYS_writev, log_fd, parts, 4) !=
                         (long) (sizeof record + n_path + n_to + n_data))
    ds_crash_refuse ("DS_CRASH_LOG could not be written");
  if (kills_inside || (call->is_counted && n_calls == event_calls[AT_AFTER]))
    ds_crash_kill ();
  errno = error_number;
}

/* ---- Which files ---- */

uint32_t
ds_crash_get_handle (int fd)
{
  if (fd < 0 || fd >= DS_CRASH_N_FDS)
    return 0;
  return __atomic_load_n (&handles[fd], __ATOMIC_RELAXED);
}

bool
ds_crash_is_acknowledgement (uint32_t handle)
{
  return handle == UINT32_MAX;
}

bool
ds_crash_is_written (uint32_t handle)
{
  return handle < sizeof handle_flags && handle_flags[handle] != 0;
}

void
ds_crash_watch_as (int fd, uint32_t handle)
{
  if (fd >= 0 && fd < DS_CRASH_N_FDS)
    __atomic_store_n (&handles[fd], handle, __ATOMIC_RELAXED);
}

uint32_t
ds_crash_watch (int fd, bool is_written)
{
  uint32_t handle = ++n_handles;

  if (handle >= sizeof handle_flags || fd >= DS_CRASH_N_FDS)
    ds_crash_refuse ("more files are opened than are counted here");
  handle_flags[handle] = is_written;
  ds_crash_watch_as (fd, handle);
  return handle;
}

void
ds_crash_forget (int fd)
{
  ds_crash_watch_as (fd, 0);
}

/* ---- Where they lie ---- */

static DsCrashPlace
ds_crash_place_real (const char *path, char *found, size_t n_found)
{
  if (n_root > 0 && strncmp (path, root, n_root) == 0 &&
      (path[n_root] == '/' || path[n_root] == '\0'))
    {
      const char *below = path[n_root] == '/' ? path + n_root + 1 : path + n_root;

      if (strlen (below) >= n_found)
        ds_crash_refuse ("a path is too long");
      strcpy (found, below);
      return DS_CRASH_BELOW_ROOT;
    }
  return *acks != '\0' && strcmp (path, acks) == 0 ? DS_CRASH_ACKS : DS_CRASH_ELSEWHERE;
}

static bool
ds_crash_read_link (int fd, char *path, size_t n_path)
{
  char name[64];
  long n;

  snprintf (name, sizeof name, "/proc/self/fd/%d", fd);
  n = syscall (SYS_readlinkat, AT_FDCWD, name, path, n_path - 1);
  path[n > 0 ? n : 0] = '\0';
  return n > 0;
}

DsCrashPlace
ds_crash_place_fd (int fd, char *found, size_t n_found)
{
  char path[PATH_MAX];
  int error_number = errno;
  bool is_read = n_root > 0 && ds_crash_read_link (fd, path, sizeof path);

  errno = error_number;
  return is_read ? ds_crash_place_real (path, found, n_found) : DS_CRASH_ELSEWHERE;
}

DsCrashPlace
ds_crash_place (int dirfd, const char *path, char *found, size_t n_found)
{
  char parent[PATH_MAX], real[2 * PATH_MAX];
  size_t n = strlen (path);
  int error_number = errno;
  const char *base;
  int fd;

  if (n_root == 0 || n == 0 || n >= sizeof parent)
    return DS_CRASH_ELSEWHERE;
  strcpy (parent, path);
  while (n > 1 && parent[n - 1] == '/')
    parent[--n] = '\0';
  base = strrchr (parent, '/');
  base = base != NULL ? base + 1 : parent;
  strcpy (real, base);
  if (base == parent)
    strcpy (parent, ".");
  else
    parent[base - parent] = '\0';

  fd = (int) syscall (SYS_openat, dirfd, parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    {
      errno = error_number;
      return DS_CRASH_ELSEWHERE;
    }

  char name[PATH_MAX];
  size_t n_parent;

  strcpy (name, real);
  if (!ds_crash_read_link (fd, real, PATH_MAX))
    *real = '\0';
  syscall (SYS_close, fd);
  n_parent = strlen (real);
  if (n_parent > 0 && real[n_parent - 1] != '/')
    real[n_parent++] = '/';
  strcpy (real + n_parent, name);
  errno = error_number;
  return ds_crash_place_real (real, found, n_found);
}
