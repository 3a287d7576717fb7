/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A small durable counter: the reference program of the contract in ../README.md.
 *
 * Records 1, 2, 3 ... are logged, synced and acknowledged one by one.  Each third one
 * ends a batch: out/part-<batch> with the sum so far, then out/done-<batch>, which
 * commits it. Each second batch ends with a checkpoint, ckpt-<batch>, a new segment of
 * the log, and the removal of what is behind the checkpoint before.  Start is recovery.
 *
 * DS_CRASH_PLANTED names a fault to be made; "toy planted" lists them.  They are what
 * proves that the harness finds something. */

#include "tests/crash/workloads/toy-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const faults[] = { "ack-before-write",
                                      "no-log-sync",
                                      "no-segment-directory-sync",
                                      "no-output-sync",
                                      "no-output-directory-sync",
                                      "no-checkpoint-sync",
                                      "prune-before-rename",
                                      "checkpoint-in-place",
                                      "append-to-final-name",
                                      "skip-checksum",
                                      "keep-torn-tail",
                                      "sync-again-after-failure",
                                      "ignore-short-writes",
                                      "give-up-at-eintr",
                                      "fresh-start-when-damaged",
                                      "output-names-the-run",
                                      "rewrite-outputs",
                                      "commit-before-output",
                                      "ignore-write-errors",
                                      NULL };

static const char *planted;
static int acks_fd = -1;

static bool
is_planted (const char *fault)
{
  return planted != NULL && strcmp (planted, fault) == 0;
}

void
fail (const char *what, const char *path)
{
  fprintf (stderr, "toy: %s %s: %s\n", what, path, strerror (errno));
  exit (1);
}

/* ---- Files ---- */

static void
write_all (int fd, const char *path, const char *text, size_t n)
{
  while (n > 0)
    {
      ssize_t n_written = write (fd, text, n);

      if (n_written < 0 && errno == EINTR && !is_planted ("give-up-at-eintr"))
        continue;
      if (n_written < 0 && is_planted ("ignore-write-errors"))
        return;
      if (n_written < 0)
        fail ("cannot write", path);
      if (is_planted ("ignore-short-writes"))
        return;
      text += n_written;
      n -= (size_t) n_written;
    }
}

/* After a failure the kernel has dropped what it could not write: asking again proves
 * nothing. */
static void
sync_file (int fd, const char *path)
{
  int result;
  bool again = is_planted ("sync-again-after-failure");

  do
    {
      result = fsync (fd);
      if (result < 0 && errno == EIO && again)
        {
          again = false;
          errno = EINTR;
        }
    }
  while (result < 0 && errno == EINTR);
  if (result < 0)
    fail ("cannot sync", path);
}

static int
open_file (const char *path, int flags)
{
  int fd;

  do
    fd = open (path, flags | O_CLOEXEC, 0600);
  while (fd < 0 && errno == EINTR);
  if (fd < 0)
    fail ("cannot open", path);
  return fd;
}

static void
sync_directory (const char *path)
{
  int fd = open_file (path, O_RDONLY | O_DIRECTORY);

  sync_file (fd, path);
  close (fd);
}

static void
write_directly (const char *path, int flags, const char *text, bool syncs)
{
  int fd = open_file (path, O_WRONLY | O_CREAT | flags);

  write_all (fd, path, text, strlen (text));
  if (syncs)
    sync_file (fd, path);
  if (close (fd) < 0)
    fail ("cannot close", path);
}

static void
move (const char *from, const char *to)
{
  if (rename (from, to) < 0)
    fail ("cannot rename to", to);
}

static void
acknowledge (const char *what, int number)
{
  char line[32];
  int n = snprintf (line, sizeof line, "%s %d\n", what, number);

  if (write (acks_fd, line, (size_t) n) != n)
    fail ("cannot write", "acknowledgements");
}

/* ---- Checkpoints ---- */

static void
remove_before (const char *path, int number, void *data)
{
  if (number < *(int *) data)
    unlink (path);
}

static void
remove_one (const char *path, int number, void *data)
{
  unlink (path);
}

static void
prune (int checkpoint, int segment)
{
  for_each (".", "ckpt-", remove_before, &checkpoint);
  for_each (".", "log-", remove_before, &segment);
}

static int log_fd = -1;

static void
start_segment (int segment)
{
  char path[32];

  if (log_fd >= 0)
    close (log_fd);
  snprintf (path, sizeof path, "log-%d", segment);
  log_fd = open_file (path, O_RDWR | O_CREAT | O_APPEND);
  if (!is_planted ("no-segment-directory-sync"))
    sync_directory (".");
}

static void
write_checkpoint (State *state)
{
  char body[80], text[100], path[32];

  state->segment++;
  snprintf (body, sizeof body, "%ld %d %d %d\n", state->sum, state->last, state->batch,
            state->segment);
  snprintf (text, sizeof text, "%08x %s", hash_of (body, strlen (body)), body);
  snprintf (path, sizeof path, "ckpt-%d", state->batch);
  if (is_planted ("prune-before-rename"))
    prune (state->batch, state->segment);
  if (is_planted ("checkpoint-in-place"))
    {
      for_each (".", "ckpt-", remove_before, &(int){ state->batch });
      write_directly (path, O_TRUNC, text, true);
    }
  else
    {
      write_directly (".tmp-ckpt", O_TRUNC, text, !is_planted ("no-checkpoint-sync"));
      move (".tmp-ckpt", path);
    }
  sync_directory (".");
  start_segment (state->segment);
  /* Only what the checkpoint before this one does not need either. */
  prune (state->batch - BATCHES_A_CHECKPOINT, state->segment - 1);
}

/* ---- Batches ---- */

static bool
has_file (const char *path)
{
  return access (path, F_OK) == 0;
}

static void
write_output (const char *path, const char *temporary, const char *text)
{
  if (has_file (path) && !is_planted ("rewrite-outputs"))
    return;
  if (is_planted ("append-to-final-name") || is_planted ("rewrite-outputs"))
    {
      write_directly (path, is_planted ("rewrite-outputs") ? O_TRUNC : O_APPEND, text,
                      true);
      return;
    }
  write_directly (temporary, O_TRUNC, text, !is_planted ("no-output-sync"));
  move (temporary, path);
}

static void
run_batch (const State *state, int run)
{
  char part[32], done[32], text[64], commit[64];

  snprintf (part, sizeof part, "out/part-%d", state->batch);
  snprintf (done, sizeof done, "out/done-%d", state->batch);
  snprintf (text, sizeof text, "sum %ld of %d\n", state->sum, state->last);
  if (is_planted ("output-names-the-run"))
    snprintf (text + strlen (text) - 1, 16, " by %d\n", run);
  snprintf (commit, sizeof commit, "%08x\n", hash_of (text, strlen (text)));
  if (has_file (done) && !is_planted ("rewrite-outputs"))
    return;
  if (is_planted ("commit-before-output"))
    write_output (done, "out/.tmp-done", commit);
  write_output (part, "out/.tmp-part", text);
  if (!is_planted ("no-output-directory-sync"))
    sync_directory ("out");
  write_output (done, "out/.tmp-done", commit);
  if (!is_planted ("no-output-directory-sync"))
    sync_directory ("out");
}

static void
take_record (State *state, int record, long value, int run)
{
  state->last = record;
  state->sum += value;
  if (record % RECORDS_A_BATCH != 0)
    return;
  state->batch++;
  run_batch (state, run);
  acknowledge ("batch", state->batch);
}

/* ---- The log ---- */

static void
log_record (int record)
{
  char text[RECORD_BYTES + 1];

  format_record (text, record);
  if (is_planted ("ack-before-write"))
    acknowledge ("record", record);
  write_all (log_fd, "log", text, RECORD_BYTES);
  if (!is_planted ("no-log-sync"))
    sync_file (log_fd, "log");
  acknowledge ("record", record);
}

/* Takes what the log holds behind the state.  A torn tail is cut off, or what is
 * appended behind it would never be found. */
static void
replay (State *state, int run)
{
  State start = *state;
  bool checks = !is_planted ("skip-checksum");
  char path[32];

  for (int segment = start.segment;; segment++)
    {
      char log[4096];
      size_t n, at = 0;
      const char *text;
      long value;

      snprintf (path, sizeof path, "log-%d", segment);
      text = read_file (path, &n);
      if (text == NULL && errno != ENOENT)
        fail ("cannot read", path);
      if (text == NULL)
        return;
      memcpy (log, text, n);
      for (; at + RECORD_BYTES <= n; at += RECORD_BYTES)
        {
          int record = parse_record (log + at, n - at, &value, checks);

          if (!checks && record == 0)
            record = state->last + 1;
          if (record == 0)
            break;
          if (record <= state->last)
            continue;
          if (record != state->last + 1)
            {
              errno = EILSEQ;
              fail ("a record is missing in", path);
            }
          take_record (state, record, value, run);
        }
      state->segment = segment;
      if (at < n && !is_planted ("keep-torn-tail"))
        {
          int fd = open_file (path, O_RDWR);
          int result;

          do
            result = ftruncate (fd, (off_t) at);
          while (result < 0 && errno == EINTR);
          if (result < 0)
            fail ("cannot cut", path);
          sync_file (fd, path);
          close (fd);
        }
    }
}

/* Its end may be in the page cache only, after a sync that failed: the kernel has dropped
 * it, and another sync of that file proves nothing. */
static void
save_segment (int segment)
{
  char path[32];
  size_t n;
  const char *text;

  snprintf (path, sizeof path, "log-%d", segment);
  text = read_file (path, &n);
  if (text == NULL && errno != ENOENT)
    fail ("cannot read", path);
  if (text == NULL || n == 0 || is_planted ("keep-torn-tail"))
    return;
  write_directly (".tmp-log", O_TRUNC, text, true);
  move (".tmp-log", path);
  sync_directory (".");
}

static void
recover (State *state, int run)
{
  Load load = { state, 0 };
  int n_checkpoints;

  for_each (".", ".tmp", remove_one, NULL);
  for_each ("out", ".tmp", remove_one, NULL);
  n_checkpoints = for_each (".", "ckpt-", load_one, &load);
  if ((n_checkpoints > 0 && load.n_damaged == n_checkpoints) ||
      (n_checkpoints == 0 && !has_file ("log-0") &&
       for_each (".", "log-", NULL, NULL) > 0))
    {
      errno = EILSEQ;
      if (!is_planted ("fresh-start-when-damaged") && !is_planted ("prune-before-rename"))
        fail ("no checkpoint can be read", ".");
      for_each (".", "ckpt-", remove_one, NULL);
      for_each (".", "log-", remove_one, NULL);
    }
  replay (state, run);
  save_segment (state->segment);
}

/* The sender goes on behind what was acknowledged to him; what he sends twice is known by
 * its number. */
static int
first_to_send (const char *acks)
{
  FILE *lines = fopen (acks, "r");
  char line[64];
  int number, last = 0;

  while (lines != NULL && fgets (line, sizeof line, lines) != NULL)
    if (sscanf (line, "record %d", &number) == 1 && number > last)
      last = number;
  if (lines != NULL)
    fclose (lines);
  return last + 1;
}

static int
run_toy (const char *acks)
{
  State state = { 0 };
  int run = (int) getpid ();

  if (mkdir ("out", 0700) < 0 && errno != EEXIST)
    fail ("cannot make", "out");
  /* What is there may be so in the page cache only: whoever made it was killed before it
   * was synced. */
  sync_directory (".");
  sync_directory ("out");
  recover (&state, run);
  start_segment (state.segment);
  for (int record = first_to_send (acks); record <= N_RECORDS; record++)
    {
      int batch = state.batch;

      if (record <= state.last)
        continue;
      log_record (record);
      take_record (&state, record, value_of (record), run);
      if (state.batch > batch && state.batch % BATCHES_A_CHECKPOINT == 0)
        write_checkpoint (&state);
    }
  return 0;
}

int
main (int argc, char *argv[])
{
  planted = getenv ("DS_CRASH_PLANTED");
  if (argc == 2 && strcmp (argv[1], "planted") == 0)
    {
      for (int i = 0; faults[i] != NULL; i++)
        puts (faults[i]);
      return 0;
    }
  if (argc < 3 || chdir (argv[2]) < 0)
    {
      fprintf (stderr, "Usage: toy prepare ROOT | run ROOT ACKS | check ROOT ACKS "
                       "crashed|finished | planted\n");
      return 2;
    }
  if (strcmp (argv[1], "prepare") == 0)
    return 0;
  if (strcmp (argv[1], "check") == 0 && argc == 5)
    return check_toy (argv[3], strcmp (argv[4], "finished") == 0);
  acks_fd = open_file (argv[3], O_WRONLY | O_CREAT | O_APPEND);
  return run_toy (argv[3]);
}
