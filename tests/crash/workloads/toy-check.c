/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The checker of the toy: it changes nothing, and what it expects it works out by itself.
 */

#include "tests/crash/workloads/toy-private.h"

#include <stdio.h>
#include <string.h>

static bool
is_in_log (int record, int first_segment)
{
  char path[32], wanted[RECORD_BYTES + 1];
  size_t n;

  format_record (wanted, record);
  for (int segment = first_segment;; segment++)
    {
      const char *text;
      long value;

      snprintf (path, sizeof path, "log-%d", segment);
      text = read_file (path, &n);
      if (text == NULL)
        return false;
      for (size_t at = 0; parse_record (text + at, n - at, &value, true) > 0;
           at += RECORD_BYTES)
        if (memcmp (text + at, wanted, RECORD_BYTES) == 0)
          return true;
    }
}

static bool
is_exact (int batch)
{
  char path[32], wanted[64], commit[16];
  size_t n;
  const char *text;

  snprintf (wanted, sizeof wanted, "sum %ld of %d\n", sum_until (batch * RECORDS_A_BATCH),
            batch * RECORDS_A_BATCH);
  snprintf (commit, sizeof commit, "%08x\n", hash_of (wanted, strlen (wanted)));
  snprintf (path, sizeof path, "out/part-%d", batch);
  text = read_file (path, &n);
  if (text == NULL || strcmp (text, wanted) != 0)
    return false;
  snprintf (path, sizeof path, "out/done-%d", batch);
  text = read_file (path, &n);
  return text != NULL && strcmp (text, commit) == 0;
}

static void
print_seen (const char *path, int number, void *data)
{
  size_t n;
  const char *text = read_file (path, &n);

  printf ("see %s %zu:%08x\n", path, n, hash_of (text, n));
}

int
check_toy (const char *acks, bool is_finished)
{
  State state = { 0 };
  Load load = { &state, 0 };
  FILE *lines = fopen (acks, "r");
  char line[64];
  int number;

  for_each (".", "ckpt-", load_one, &load);
  for_each ("out", "part-", print_seen, NULL);
  for_each ("out", "done-", print_seen, NULL);
  while (lines != NULL && fgets (line, sizeof line, lines) != NULL)
    if (sscanf (line, "record %d", &number) == 1 && number > state.last &&
        !is_in_log (number, state.segment))
      printf ("lost record %d\n", number);
    else if (sscanf (line, "batch %d", &number) == 1 && !is_exact (number))
      printf ("lost batch %d\n", number);
  if (lines != NULL)
    fclose (lines);
  for (int batch = 1; is_finished && batch <= N_BATCHES; batch++)
    if (!is_exact (batch))
      printf ("wrong batch %d\n", batch);
  return 0;
}
