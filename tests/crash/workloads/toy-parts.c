/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What counting and checking share: values, hashes, reading. */

#include "tests/crash/workloads/toy-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

long
value_of (int record)
{
  return record * 7L + 1;
}

long
sum_until (int record)
{
  long sum = 0;

  for (int i = 1; i <= record; i++)
    sum += value_of (i);
  return sum;
}

uint32_t
hash_of (const char *text, size_t n)
{
  uint32_t hash = 2166136261u;

  for (size_t i = 0; i < n; i++)
    hash = (hash ^ (uint8_t) text[i]) * 16777619u;
  return hash;
}

/* The whole file, NULL when it is not there or cannot be read. */
char *
read_file (const char *path, size_t *n)
{
  static char text[4096];
  int fd;
  ssize_t n_read;

  do
    fd = open (path, O_RDONLY | O_CLOEXEC);
  while (fd < 0 && errno == EINTR);
  *n = 0;
  if (fd < 0)
    return NULL;
  do
    {
      n_read = read (fd, text + *n, sizeof text - 1 - *n);
      if (n_read > 0)
        *n += (size_t) n_read;
    }
  while (n_read > 0 || (n_read < 0 && errno == EINTR));
  close (fd);
  if (n_read < 0)
    return NULL;
  text[*n] = '\0';
  return text;
}

bool
load_checkpoint (const char *path, State *state)
{
  size_t n;
  const char *text = read_file (path, &n);
  unsigned hash = 0;
  State found = { 0 };

  if (text == NULL || n < 9 ||
      sscanf (text, "%8x %ld %d %d %d", &hash, &found.sum, &found.last, &found.batch,
              &found.segment) != 5 ||
      text[n - 1] != '\n' || hash_of (text + 9, n - 9) != hash)
    return false;
  if (found.batch >= state->batch)
    *state = found;
  return true;
}

/* Calls @func with all names that begin with @prefix and the number behind it. */
int
for_each (const char *directory,
          const char *prefix,
          void (*func) (const char *path, int number, void *data),
          void *data)
{
  DIR *names = opendir (directory);
  struct dirent *entry;
  char path[300];
  int n = 0;

  /* Nothing seen is not nothing there. */
  if (names == NULL && errno != ENOENT)
    fail ("cannot list", directory);
  while (names != NULL && (entry = readdir (names)) != NULL)
    if (strncmp (entry->d_name, prefix, strlen (prefix)) == 0)
      {
        snprintf (path, sizeof path, "%s/%s", directory, entry->d_name);
        if (func != NULL)
          func (path, atoi (entry->d_name + strlen (prefix)), data);
        n++;
      }
  if (names != NULL)
    closedir (names);
  return n;
}

void
load_one (const char *path, int number, void *data)
{
  Load *load = data;

  if (!load_checkpoint (path, load->state))
    load->n_damaged++;
}

void
format_record (char *text, int record)
{
  char body[64], line[80];

  snprintf (body, sizeof body, "%04d %05ld\n", record, value_of (record));
  snprintf (line, sizeof line, "%08x %s", hash_of (body, strlen (body)), body);
  memcpy (text, line, RECORD_BYTES);
  text[RECORD_BYTES] = '\0';
}

/* The record behind @last at @text, or 0. */
int
parse_record (const char *text, size_t n, long *value, bool checks)
{
  unsigned hash = 0;
  int record = 0;

  if (n < RECORD_BYTES)
    return 0;
  *value = 0;
  sscanf (text, "%8x %d %ld", &hash, &record, value);
  if (checks && (hash_of (text + 9, RECORD_BYTES - 9) != hash || record <= 0))
    return 0;
  return record;
}
