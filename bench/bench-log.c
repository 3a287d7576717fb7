/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What does the log take, beyond writing and syncing the same bytes? And a checkpoint of
 * 1 MiB with all of its syncs?
 *
 * usage: bench-log FOLDER N_RUNS
 *
 * N_RUNS times: records of 200 bytes that are awaited one at a time (level every-record),
 * and write and fdatasync of each, ten records in turn; 200,000 records of 100 bytes
 * appended as fast as they are taken and awaited at the end (level group), and the same
 * bytes, all that the log wrote, written 1 MiB at a time, each with fdatasync, and once
 * more only those of the records, without frames and hashes; a checkpoint, and the same
 * bytes and syncs by hand, five times in turn.  What the log wrote is read back and
 * counted.
 *
 * A journal that has to be written, or blocks of removed files that have to be given
 * back, would be paid for by whoever syncs next; so after files were removed their
 * directory is synced before anything is measured.
 *
 * Prints "name value" lines: medians in us, and medians of the runs' ratios; "bare" is
 * without frames and hashes. */

#include "base/ds-checkpoint-file-private.h"
#include "base/ds-log-reader-private.h"
#include "base/ds-write-ahead-log-private.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define N_EVERY 200
#define N_IN_TURN 10
#define N_CHECKPOINTS 5
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

static void
settle (Bench *self)
{
  insist (fsync (ds_durable_directory_get_fd (self->directory)) == 0, "a sync failed");
}

static DsWriteAheadLog *
open_log (Bench *self)
{
  g_autoptr (GError) error = NULL;
  DsWriteAheadLog *log = ds_write_ahead_log_new (self->directory, self->next_segment,
                                                 self->next_sequence, NULL, &error);

  fail_if (error);
  return log;
}

/* Closes @log, reads what it wrote, and removes it. */
static void
close_log (Bench *self, DsWriteAheadLog *log, guint n_expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) names = NULL;
  guint n_read = 0;

  ds_write_ahead_log_close (log, &error);
  fail_if (error);
  ds_log_read (self->directory, self->next_sequence, DS_LOG_DAMAGE_FAIL, count_record,
               &n_read, &self->next_segment, &self->next_sequence, &error);
  fail_if (error);
  insist (n_read == n_expected, "records are missing");
  names = ds_durable_directory_list (self->directory, "wal-", NULL);
  for (guint i = 0; i < names->len; i++)
    ds_durable_directory_remove_file (self->directory, names->pdata[i], NULL);
  self->next_segment = self->next_sequence = 1;
  settle (self);
}

/* Appends @n records of @n_bytes, each awaited or only the last; us. */
static gint64
append (Bench *self, DsWriteAheadLog *log, guint n, gsize n_bytes, gboolean awaits_each)
{
  g_autoptr (GError) error = NULL;
  DsLogPart part = { self->bytes, n_bytes };
  gint64 us = g_get_monotonic_time ();

  for (guint i = 0; i < n; i++)
    {
      guint64 sequence =
          ds_write_ahead_log_append (log, DS_LOG_BLOCK, &part, 1, NULL, NULL, &error);

      if (awaits_each || i + 1 == n)
        ds_write_ahead_log_await (log, sequence, &error);
      fail_if (error);
    }
  return g_get_monotonic_time () - us;
}

static int
open_plain (Bench *self)
{
  g_autofree char *path = g_build_filename (self->path, "plain", NULL);
  int fd = open (path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

  insist (fd >= 0 && fsync (fd) == 0, "no file");
  return fd;
}

static void
close_plain (Bench *self, int fd)
{
  g_autofree char *path = g_build_filename (self->path, "plain", NULL);

  close (fd);
  unlink (path);
  settle (self);
}

/* Writes of @n_at_once, the last one of what is left, each synced; us. */
static gint64
write_plainly (Bench *self, int fd, gsize n_bytes, gsize n_at_once)
{
  gint64 us = g_get_monotonic_time ();

  while (n_bytes > 0)
    {
      gsize n = MIN (n_bytes, n_at_once);

      insist (write (fd, self->bytes, n) == (gssize) n && fdatasync (fd) == 0,
              "a write failed");
      n_bytes -= n;
    }
  return g_get_monotonic_time () - us;
}

/* @us gets ours, theirs, and theirs of less; 0: not measured. */
static void
measure_every (Bench *self, gint64 *us)
{
  DsWriteAheadLog *log = open_log (self);
  int fd = open_plain (self);

  settle (self);
  for (guint i = 0; i < N_EVERY; i += N_IN_TURN)
    {
      us[0] += append (self, log, N_IN_TURN, EVERY_BYTES, TRUE);
      us[1] += write_plainly (self, fd, N_IN_TURN * (EVERY_BYTES + FRAME_BYTES),
                              EVERY_BYTES + FRAME_BYTES);
    }
  close_plain (self, fd);
  close_log (self, log, N_EVERY);
}

static gint64
write_mebibytes (Bench *self, gsize n_bytes)
{
  int fd = open_plain (self);
  gint64 us = write_plainly (self, fd, n_bytes, MEBIBYTE);

  close_plain (self, fd);
  return us;
}

static void
measure_group (Bench *self, gint64 *us)
{
  DsWriteAheadLog *log = open_log (self);

  us[0] = append (self, log, N_GROUP, GROUP_BYTES, FALSE);
  close_log (self, log, N_GROUP);
  us[1] =
      write_mebibytes (self, N_GROUP * (gsize) ((GROUP_BYTES + 7) / 8 * 8 + FRAME_BYTES));
  us[2] = write_mebibytes (self, N_GROUP * (gsize) GROUP_BYTES);
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
  settle (self);
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
  settle (self);
  return us;
}

static void
measure_checkpoint (Bench *self, gint64 *us)
{
  for (guint i = 0; i < N_CHECKPOINTS; i++)
    {
      us[0] += write_checkpoint (self);
      us[1] += write_checkpoint_plainly (self);
    }
  us[0] /= N_CHECKPOINTS;
  us[1] /= N_CHECKPOINTS;
}

/* ---- Figures ---- */

static int
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *) a;
  gint64 y = *(const gint64 *) b;

  return x < y ? -1 : x > y;
}

static int
compare_ratios (gconstpointer a, gconstpointer b)
{
  double x = *(const double *) a;
  double y = *(const double *) b;

  return x < y ? -1 : x > y;
}

static const struct
{
  const char *name;
  void (*measure) (Bench *self, gint64 *us);
} cases[] = {
  { "every", measure_every },
  { "group", measure_group },
  { "checkpoint", measure_checkpoint },
};

typedef struct
{
  GArray *ours;
  GArray *plain;
  GArray *ratios;
  GArray *bare_ratios;
} Figures;

static void
print_figures (const char *name, Figures *figures)
{
  guint middle = figures->ours->len / 2;

  g_array_sort (figures->ours, compare_times);
  g_array_sort (figures->plain, compare_times);
  g_array_sort (figures->ratios, compare_ratios);
  g_print ("%s_us %" G_GINT64_FORMAT "\n", name,
           g_array_index (figures->ours, gint64, middle));
  g_print ("%s_plain_us %" G_GINT64_FORMAT "\n", name,
           g_array_index (figures->plain, gint64, middle));
  g_print ("%s_ratio %.4f\n", name, g_array_index (figures->ratios, double, middle));
  if (figures->bare_ratios->len > 0)
    {
      g_array_sort (figures->bare_ratios, compare_ratios);
      g_print ("%s_bare_ratio %.4f\n", name,
               g_array_index (figures->bare_ratios, double, middle));
    }
  g_array_unref (figures->ours);
  g_array_unref (figures->plain);
  g_array_unref (figures->ratios);
  g_array_unref (figures->bare_ratios);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Bench self = { NULL, NULL, 1, 1, 0, NULL };
  guint n_runs = argc == 3 ? (guint) atoi (argv[2]) : 0;

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
  g_print ("every_records %d\nevery_bytes %d\ngroup_records %d\ngroup_bytes %d\n",
           N_EVERY, N_EVERY * EVERY_BYTES, N_GROUP, N_GROUP * GROUP_BYTES);

  for (guint k = 0; k < G_N_ELEMENTS (cases); k++)
    {
      Figures figures = { g_array_new (FALSE, FALSE, sizeof (gint64)),
                          g_array_new (FALSE, FALSE, sizeof (gint64)),
                          g_array_new (FALSE, FALSE, sizeof (double)),
                          g_array_new (FALSE, FALSE, sizeof (double)) };

      /* The first round warms up. */
      for (guint i = 0; i <= n_runs; i++)
        {
          gint64 us[3] = { 0 };
          double ratio;
          double bare_ratio;

          cases[k].measure (&self, us);
          ratio = (double) us[1] / (double) us[0];
          bare_ratio = (double) us[2] / (double) us[0];
          if (i == 0)
            continue;
          g_array_append_val (figures.ours, us[0]);
          g_array_append_val (figures.plain, us[1]);
          g_array_append_val (figures.ratios, ratio);
          if (us[2] > 0)
            g_array_append_val (figures.bare_ratios, bare_ratio);
        }
      print_figures (cases[k].name, &figures);
    }
  ds_durable_directory_close (self.directory);
  g_free (self.bytes);
  return 0;
}
