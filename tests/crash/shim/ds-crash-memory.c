/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Memory that runs out.  All that takes memory is counted, in whatever thread; which one
 * is number N differs from run to run where threads take turns, but each is a real one.
 * libc's own functions, such as strdup (), come by here, too.  Stacks do not. */

#undef _FILE_OFFSET_BITS

#include "tests/crash/shim/ds-crash-shim-private.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* What is replaced here, under the names by which glibc has it as well. */
extern void *__libc_malloc (size_t n_bytes);
extern void *__libc_calloc (size_t n, size_t n_bytes);
extern void *__libc_realloc (void *memory, size_t n_bytes);
extern void *__libc_memalign (size_t alignment, size_t n_bytes);

void *
ds_crash_take_memory (size_t n_bytes)
{
  return __libc_malloc (n_bytes);
}

static bool
ds_crash_lacks_memory (void)
{
  if (!ds_crash_runs_out_of_memory ())
    return false;
  errno = ENOMEM;
  return true;
}

DS_CRASH_PUBLIC void *
malloc (size_t n_bytes)
{
  return ds_crash_lacks_memory () ? NULL : __libc_malloc (n_bytes);
}

DS_CRASH_PUBLIC void *
calloc (size_t n, size_t n_bytes)
{
  return ds_crash_lacks_memory () ? NULL : __libc_calloc (n, n_bytes);
}

DS_CRASH_PUBLIC void *
realloc (void *memory, size_t n_bytes)
{
  /* That of no bytes gives back. */
  if ((memory == NULL || n_bytes > 0) && ds_crash_lacks_memory ())
    return NULL;
  return __libc_realloc (memory, n_bytes);
}

DS_CRASH_PUBLIC void *
reallocarray (void *memory, size_t n, size_t n_bytes)
{
  size_t n_all;

  if (__builtin_mul_overflow (n, n_bytes, &n_all))
    {
      errno = ENOMEM;
      return NULL;
    }
  return realloc (memory, n_all);
}

DS_CRASH_PUBLIC void *
memalign (size_t alignment, size_t n_bytes)
{
  return ds_crash_lacks_memory () ? NULL : __libc_memalign (alignment, n_bytes);
}

DS_CRASH_PUBLIC void *
aligned_alloc (size_t alignment, size_t n_bytes)
{
  return memalign (alignment, n_bytes);
}

DS_CRASH_PUBLIC int
posix_memalign (void **memory, size_t alignment, size_t n_bytes)
{
  int error_number = errno;

  if (alignment % sizeof (void *) != 0 || alignment == 0 ||
      (alignment & (alignment - 1)) != 0)
    return EINVAL;
  *memory = memalign (alignment, n_bytes);
  errno = error_number;
  return *memory != NULL ? 0 : ENOMEM;
}

/* ---- Mappings ---- */

static void *
ds_crash_map (void *start, size_t n, int protection, int flags, int fd, off_t offset)
{
  if (ds_crash_is_written (ds_crash_get_handle (fd)) && (protection & PROT_WRITE) != 0 &&
      (flags & MAP_SHARED) != 0)
    ds_crash_refuse ("a watched file is written through memory, which is not seen here");
  if ((flags & MAP_ANONYMOUS) != 0 && ds_crash_lacks_memory ())
    return MAP_FAILED;
  return (void *) syscall (SYS_mmap, start, n, protection, flags, fd, offset);
}

DS_CRASH_PUBLIC void *
mmap (void *start, size_t n, int protection, int flags, int fd, off_t offset)
{
  return ds_crash_map (start, n, protection, flags, fd, offset);
}

DS_CRASH_PUBLIC void *
mmap64 (void *start, size_t n, int protection, int flags, int fd, off_t offset)
{
  return ds_crash_map (start, n, protection, flags, fd, offset);
}
