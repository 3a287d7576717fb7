/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the preloaded calls share.  Settings come from the environment:
 *
 *   DS_CRASH_ROOT   the directory that is watched, a real path
 *   DS_CRASH_ACKS   a file outside of it: what is appended to it has been acknowledged
 *   DS_CRASH_LOG    where each call goes, see ds_crash_log ()
 *   DS_CRASH_PLAN   what befalls which call, joined by commas:
 *                   kill-before:N  kill-inside:N  kill-after:N
 *                   fail:N:ERRNO:TIMES        TIMES 0: for ever
 *                   half-fail:N:ERRNO:TIMES   a write: half of its bytes first
 *                   read-fail:N:ERRNO:TIMES   counts reads instead
 *                   no-memory:N:ENOMEM:TIMES  counts what takes memory instead
 *                   random:SEED               EINTR, short reads and short writes
 *
 * Calls that change something below the root are counted from 1, in the order in which
 * they get the one lock, which is held during the call: so the log is what happened. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DS_CRASH_PUBLIC __attribute__ ((visibility ("default")))
#define DS_CRASH_N_FDS 65536

/* Types of records in the log. */
typedef enum
{
  DS_CRASH_OPEN = 'O',     /* offset: DS_CRASH_CREATED, DS_CRASH_TRUNCATED */
  DS_CRASH_WRITE = 'W',    /* with data */
  DS_CRASH_SYNC = 'S',     /* fsync and fdatasync */
  DS_CRASH_RENAME = 'R',   /* offset: 1 exchanges */
  DS_CRASH_UNLINK = 'U',   /* files */
  DS_CRASH_TRUNCATE = 'T', /* offset: the new size */
  DS_CRASH_MKDIR = 'M',
  DS_CRASH_RMDIR = 'X',
  DS_CRASH_LINK = 'L', /* from a path, or from a handle when the path is empty */
  DS_CRASH_CLOSE = 'C',
  DS_CRASH_ACKNOWLEDGE = 'A',
  DS_CRASH_END = 'E' /* offset: how often memory was taken */
} DsCrashType;

#define DS_CRASH_CREATED 1
#define DS_CRASH_TRUNCATED 2

typedef struct
{
  DsCrashType type;
  bool is_counted;
  uint32_t handle; /* of the open file, 0: none */
  uint64_t offset;
  const char *path; /* (nullable) below the root */
  const char *to;   /* (nullable) likewise */
  const void *data; /* (nullable) */
  size_t n_data;
} DsCrashCall;

/* What is to happen to a call. */
typedef enum
{
  DS_CRASH_GO_ON,
  DS_CRASH_FAIL, /* errno is set */
  DS_CRASH_HALF  /* a write: only so many bytes as *n_data says now; an ENOSPC may follow
                  */
} DsCrashFate;

/* ---- All between lock and unlock ---- */

void ds_crash_lock (void);
void ds_crash_unlock (void);
/* Counts the call, and kills, or says what becomes of it. */
DsCrashFate ds_crash_begin (DsCrashCall *call);
/* Logs it, with errno when it @failed, and kills when that is to be.  errno stays. */
void ds_crash_end (const DsCrashCall *call, bool failed);
/* For reads of watched files: they are not logged. */
DsCrashFate ds_crash_begin_read (size_t *n_bytes);

/* ---- Memory; any thread, without the lock ---- */

/* Counts, and says whether it is to fail. */
bool ds_crash_runs_out_of_memory (void);
/* For the shim itself, not counted; to be freed by free (). */
void *ds_crash_take_memory (size_t n_bytes);

/* ---- Which files are watched ---- */

/* Handle of an open file, 0: not watched.  Any thread, without the lock. */
uint32_t ds_crash_get_handle (int fd);
/* True for the acknowledgement file. */
bool ds_crash_is_acknowledgement (uint32_t handle);
/* Whether it was opened for writing. */
bool ds_crash_is_written (uint32_t handle);
uint32_t ds_crash_watch (int fd, bool is_written);
void ds_crash_watch_as (int fd, uint32_t handle);
void ds_crash_forget (int fd);

typedef enum
{
  DS_CRASH_ELSEWHERE,
  DS_CRASH_BELOW_ROOT,
  DS_CRASH_ACKS
} DsCrashPlace;

/* Where @path lies; @found gets it as seen from the root.  The last part of it need not
 * exist, and no link is followed there.  errno stays. */
DsCrashPlace ds_crash_place (int dirfd, const char *path, char *found, size_t n_found);
/* The same for an open file. */
DsCrashPlace ds_crash_place_fd (int fd, char *found, size_t n_found);
/* Says that the program does what is not seen here, and ends it. */
void ds_crash_refuse (const char *what) __attribute__ ((noreturn));
