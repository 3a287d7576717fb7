/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What does the log take, beyond writing and syncing the same bytes? And a checkpoint of
 * 1 MiB with all of its syncs?
 *
 * usage: bench-log FOLDER N_RUNS
 *
 * In turn, N_RUNS times: records of 200 bytes that are awaited one at a time (level
 * every-record), and a loop of write and fdatasync; 200,000 records of 100 bytes appended
 * as fast as they are taken and awaited at the end (level group), and the same bytes
 * written 1 MiB at a time, each with fdatasync; a checkpoint.  What the log wrote is read
 * back and counted.  Prints "name value" lines, medians in us. */

#include "base/ds-checkpoint-file-private.h"
#include "base/ds-log-reader-private.h"
#include "base/ds-write-ahead-log-private.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define N_EVERY 200
#define EVERY_BYTES 200
#define N_GROUP 200000
#define GROUP_BYTES 100
#define FRAME_BYTES 32
#define MEBIBYTE (1024 * 1024)

typedef struct
{
  DsDurableDirectory *directory;
  char *path;
  guint64 next_segment;
  guint64 next_sequence;
  DsTime time;
  guint8 *bytes;
} Bench;

static void
fail_if (const GError *error)
{
  if (error == NULL)
    return;
  g_printerr ("bench-log: %s\n", error->message);
  exit (1);
}

static void
insist (gboolean is_true, const char *what)
{
  if (is_true)
    return;
  g_printerr ("bench-log: %s\n", what);
  exit (1);
}

static gboolean
count_record (const DsLogRecord *record,
              const guint8 *payload,
              gpointer n_records,
              GError **error)
{
  ++*(guint *) n_records;
  return TRUE;
}

/* Appends @n records of @n_bytes, each awaited or only the last; us. */
static gint64
append (Bench *self, guint n, gsize n_bytes, gboolean awaits_each)
{
  g_autoptr (GError) error = NULL;
  DsWriteAheadLog *log = ds_write_ahead_log_new (self->directory, self->next_segment,
                                                 self->next_sequence, NULL, &error);
  guint64 first = self->next_sequence;
  DsLogPart part = { self->bytes, n_bytes };
  guint n_read = 0;
  gint64 us;

  fail_if (error);
  us = g_get_monotonic_time ();
  for (guint i = 0; i < n; i++)
    {
      guint64 sequence =
          ds_write_ahead_log_append (log, DS_LOG_BLOCK, &part, 1, NULL, NULL, &error);

      if (awaits_each || i + 1 == n)
        ds_write_ahead_log_await (log, sequence, &error);
      fail_if (error);
    }
  us = g_get_monotonic_time () - us;
  ds_write_ahead_log_close (log, &error);
  fail_if (error);
  ds_log_read (self->directory, first, DS_LOG_DAMAGE_FAIL, count_record, &n_read,
               &self->next_segment, &self->next_sequence, &error);
  fail_if (error);
  insist (n_read == n, "records are missing");
  return us;
}

/* @n writes of @n_bytes to a new file, each synced; us. */
static gint64
write_plainly (Bench *self, guint n, gsize n_bytes)
{
  g_autofree char *path = g_build_filename (self->path, "plain", NULL);
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  gint64 us;

  insist (fd >= 0 && fsync (fd) == 0, "no file");
  us = g_get_monotonic_time ();
  for (guint i = 0; i < n; i++)
    insist (write (fd, self->bytes, n_bytes) == (gssize) n_bytes && fdatasync (fd) == 0,
            "a write failed");
  us = g_get_monotonic_time () - us;
  close (fd);
  unlink (path);
  return us;
}

static gint64
write_checkpoint (Bench *self)
{
  g_autoptr (GError) error = NULL;
  DsCheckpointHead head = { .base_time = DS_TIME_NONE, .wal_sequence = 1 };
  g_autofree char *name = NULL;
  DsCheckpointWriter *writer;
  gint64 us = g_get_monotonic_time ();

  self->time += DS_SECOND;
  writer = ds_checkpoint_writer_new (self->directory, self->time, &error);
  fail_if (error);
  if (ds_checkpoint_writer_begin_section (writer, DS_SECTION_STATE, "state", 0, &error) &&
      ds_checkpoint_writer_append (writer, self->bytes, MEBIBYTE, &error) &&
      ds_checkpoint_writer_end_section (writer, &error))
    ds_checkpoint_writer_finish (writer, &head, &error);
  fail_if (error);
  ds_checkpoint_writer_free (writer);
  us = g_get_monotonic_time () - us;
  name = ds_checkpoint_make_name (self->time);
  ds_durable_directory_remove_file (self->directory, name, &error);
  fail_if (error);
  return us;
}

/* The same bytes and syncs by hand; us. */
static gint64
write_checkpoint_plainly (Bench *self)
{
  g_autofree char *from = g_build_filename (self->path, "plain-from", NULL);
  g_autofree char *to = g_build_filename (self->path, "plain-to", NULL);
  gint64 us = g_get_monotonic_time ();
  int fd = open (from, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  gboolean is_well = fd >= 0 && write (fd, self->bytes, MEBIBYTE) == MEBIBYTE &&
                     fsync (fd) == 0 && close (fd) == 0 && rename (from, to) == 0 &&
                     fsync (ds_durable_directory_get_fd (self->directory)) == 0;

  us = g_get_monotonic_time () - us;
  insist (is_well, "a write failed");
  unlink (to);
  return us;
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *) a;
  gint64 y = *(const gint64 *) b;

  return x < y ? -1 : x > y;
}

static void
print_median (const char *name, GArray *times)
{
  g_array_sort (times, compare_times);
  g_print ("%s %" G_GINT64_FORMAT "\n", name,
           g_array_index (times, gint64, times->len / 2));
  g_array_unref (times);
}

static void
add_time (GArray *times, gint64 us)
{
  g_array_append_val (times, us);
}

static void
remove_files (Bench *self)
{
  g_autoptr (GPtrArray) names = ds_durable_directory_list (self->directory, "wal-", NULL);

  for (guint i = 0; i < names->len; i++)
    ds_durable_directory_remove_file (self->directory, names->pdata[i], NULL);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Bench self = { NULL, NULL, 1, 1, 0, NULL };
  guint n_runs = argc == 3 ? (guint) atoi (argv[2]) : 0;
  gsize n_group_bytes = N_GROUP * (gsize) ((GROUP_BYTES + 7) / 8 * 8 + FRAME_BYTES);
  const char *const names[] = {
    "every_us",       "every_plain_us", "group_us",
    "group_plain_us", "checkpoint_us",  "checkpoint_plain_us"
  };
  GArray *times[G_N_ELEMENTS (names)];

  if (n_runs == 0)
    {
      g_printerr ("usage: bench-log FOLDER N_RUNS\n");
      return 2;
    }
  self.path = argv[1];
  self.directory =
      ds_durable_directory_open (self.path, DS_DURABLE_DIRECTORY_CREATE, &error);
  fail_if (error);
  self.bytes = g_malloc (MEBIBYTE);
  for (gsize i = 0; i < MEBIBYTE; i++)
    self.bytes[i] = (guint8) (i * 2654435761u >> 11);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    times[i] = g_array_new (FALSE, FALSE, sizeof (gint64));

  for (guint i = 0; i <= n_runs; i++)
    {
      gint64 us[] = { append (&self, N_EVERY, EVERY_BYTES, TRUE),
                      write_plainly (&self, N_EVERY, EVERY_BYTES + FRAME_BYTES),
                      append (&self, N_GROUP, GROUP_BYTES, FALSE),
                      write_plainly (&self, (guint) (n_group_bytes / MEBIBYTE), MEBIBYTE),
                      write_checkpoint (&self),
                      write_checkpoint_plainly (&self) };

      remove_files (&self);
      self.next_segment = self.next_sequence = 1;
      /* The first round warms up. */
      for (guint k = 0; i > 0 && k < G_N_ELEMENTS (names); k++)
        add_time (times[k], us[k]);
    }
  g_print ("every_records %d\nevery_bytes %d\ngroup_records %d\ngroup_bytes %d\n",
           N_EVERY, N_EVERY * EVERY_BYTES, N_GROUP, N_GROUP * GROUP_BYTES);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    print_median (names[i], times[i]);
  ds_durable_directory_close (self.directory);
  g_free (self.bytes);
  return 0;
}
