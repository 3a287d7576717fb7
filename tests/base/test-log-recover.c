/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Going on behind a log whose last sync failed in a process that was killed: what it
 * wrote was read from memory, and may never come to the disk (RELIABILITY A5). */

#include "base/ds-durable-file-private.h"
#include "base/ds-log-format-private.h"
#include "tests/base/ds-test-log-private.h"

#include <errno.h>

typedef DsTestDurable Fixture;

#define FIRST "wal-0000000000000001"

/* A log that begins in segment @segment with record @first, and has @n_records, each
 * written by itself. */
static void
append (DsDurableDirectory *directory, guint64 segment, guint64 first, guint n_records)
{
  g_autoptr (GError) error = NULL;
  DsWriteAheadLog *log = ds_write_ahead_log_new (directory, segment, first, NULL, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < n_records; i++)
    {
      ds_test_log_append (log, first + i);
      g_assert_true (ds_write_ahead_log_await (log, first + i, &error));
    }
  g_assert_true (ds_write_ahead_log_close (log, &error));
}

static gsize
get_size (Fixture *fixture, const char *name)
{
  gsize n_bytes;

  g_free (ds_test_durable_read (fixture, name, &n_bytes));
  return n_bytes;
}

/* As a power cut does it, when the sync of the last write had failed. */
static void
lose_record (Fixture *fixture, const char *name, guint64 sequence)
{
  g_autofree char *text = ds_test_log_make_text (sequence);
  gsize n_bytes;
  g_autofree char *bytes = ds_test_durable_read (fixture, name, &n_bytes);

  ds_test_durable_write (fixture, name, bytes,
                         n_bytes - ds_log_record_size (strlen (text)));
}

static guint
recover (DsDurableDirectory *directory, guint64 *next_segment, guint64 *next_sequence)
{
  g_autoptr (GError) error = NULL;
  DsTestLogReading reading = { 0 };

  ds_log_recover (directory, 1, DS_LOG_DAMAGE_FAIL, ds_test_log_check_record, &reading,
                  next_segment, next_sequence, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (reading.first, ==, 1);
  return reading.n_records;
}

static void
test_the_end_lasts (Fixture *fixture, gconstpointer user_data)
{
  DsDurableDirectory *directory = ds_test_durable_open (fixture);
  guint64 next_segment, next_sequence;

  g_test_summary ("What a failed sync never wrote is there after a power cut");

  append (directory, 1, 1, 3);
  ds_durable_directory_close (directory);

  directory = ds_test_durable_open (fixture);
  g_assert_cmpuint (recover (directory, &next_segment, &next_sequence), ==, 3);
  g_assert_cmpuint (next_segment, ==, 3);
  g_assert_cmpuint (next_sequence, ==, 4);
  append (directory, next_segment, next_sequence, 1);
  ds_durable_directory_close (directory);
  lose_record (fixture, FIRST, 3);

  directory = ds_test_durable_open (fixture);
  g_assert_cmpuint (recover (directory, NULL, &next_sequence), ==, 4);
  g_assert_cmpuint (next_sequence, ==, 5);
  ds_durable_directory_close (directory);
}

static void
test_reading_alone_is_not_enough (Fixture *fixture, gconstpointer user_data)
{
  DsDurableDirectory *directory = ds_test_durable_open (fixture);
  DsTestLogReading reading = { 0 };
  g_autoptr (GError) error = NULL;
  guint64 next_segment, next_sequence;

  g_test_summary ("Without it the next start finds a gap, and says so");

  append (directory, 1, 1, 3);
  ds_test_log_count (directory, 1, &next_segment, &next_sequence);
  g_assert_cmpuint (next_segment, ==, 2);
  append (directory, next_segment, next_sequence, 1);
  lose_record (fixture, FIRST, 3);
  g_assert_false (ds_log_recover (directory, 1, DS_LOG_DAMAGE_FAIL,
                                  ds_test_log_check_record, &reading, NULL, NULL,
                                  &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, "records 3 to 3 are missing"));
  ds_durable_directory_close (directory);
}

static void
test_only_the_end_is_written_again (Fixture *fixture, gconstpointer user_data)
{
  DsDurableDirectory *directory = ds_test_durable_open (fixture);
  g_autofree char *text = ds_test_log_make_text (100);
  guint64 next_segment;

  g_test_summary ("One write, however often the log is read");

  append (directory, 1, 1, 100);
  for (guint i = 0; i < 5; i++)
    {
      char name[24];

      g_assert_cmpuint (recover (directory, &next_segment, NULL), ==, 100);
      g_assert_cmpuint (next_segment, ==, 3 + i);
      ds_log_segment_name (2 + i, name);
      g_assert_cmpuint (get_size (fixture, name), ==,
                        DS_LOG_HEAD_BYTES + ds_log_record_size (strlen (text)));
    }
  ds_durable_directory_close (directory);
}

typedef struct
{
  DsLogRecord record;
  guint64 sequence;
} Wanted;

static gboolean
note_record (const DsLogRecord *record,
             const guint8 *payload,
             gpointer user_data,
             GError **error)
{
  Wanted *wanted = user_data;

  if (record->sequence == wanted->sequence)
    wanted->record = *record;
  return TRUE;
}

static void
test_payloads_are_found (Fixture *fixture, gconstpointer user_data)
{
  DsDurableDirectory *directory = ds_test_durable_open (fixture);
  Wanted wanted = { .sequence = 3 };
  g_autofree char *text = ds_test_log_make_text (3);
  g_autofree char *path = g_build_filename (fixture->path, FIRST, NULL);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  DsWriteAheadLog *log;
  guint64 next_segment, next_sequence;

  g_test_summary ("Also when the segment where they were read has gone since");

  append (directory, 1, 1, 3);
  g_assert_true (ds_log_recover (directory, 1, DS_LOG_DAMAGE_FAIL, note_record, &wanted,
                                 &next_segment, &next_sequence, &error));
  g_assert_cmpuint (wanted.record.segment, ==, 1);
  log = ds_write_ahead_log_new (directory, next_segment, next_sequence, NULL, &error);
  g_assert_true (ds_write_ahead_log_remove_before (log, 3, &error));
  g_assert_true (ds_write_ahead_log_close (log, &error));
  g_assert_false (ds_test_durable_has (fixture, FIRST));
  bytes = ds_log_read_payload (directory, &wanted.record, &error);
  g_assert_no_error (error);
  ds_test_assert_bytes (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), text,
                        strlen (text));
  ds_durable_directory_close (directory);
}

static int
fail_at (const char *call, const char *path, gsize *n_bytes, gpointer user_data)
{
  guint *n_left = user_data;

  return *n_left > 0 && --*n_left == 0 ? EIO : 0;
}

static void
test_interruptions (Fixture *fixture, gconstpointer user_data)
{
  guint n_failed = 0;
  gboolean is_done = FALSE;

  g_test_summary ("Each call fails once: the next start has everything");

  for (guint n_calls = 1; !is_done; n_calls++)
    {
      DsDurableDirectory *directory = ds_test_durable_open (fixture);
      DsTestLogReading reading = { 0 };
      guint64 next_segment, next_sequence;
      guint n_left = n_calls;

      append (directory, 1, 1, 3);
      ds_durable_file_set_fault_func (fail_at, &n_left);
      is_done = ds_log_recover (directory, 1, DS_LOG_DAMAGE_FAIL,
                                ds_test_log_check_record, &reading, NULL, NULL, NULL) &&
                n_left > 0;
      ds_durable_file_set_fault_func (NULL, NULL);
      ds_durable_directory_close (directory);
      n_failed += !is_done;

      directory = ds_test_durable_open (fixture);
      g_assert_cmpuint (recover (directory, &next_segment, &next_sequence), ==, 3);
      append (directory, next_segment, next_sequence, 1);
      lose_record (fixture, FIRST, 3);
      g_assert_cmpuint (recover (directory, NULL, NULL), ==, 4);
      ds_durable_directory_close (directory);
      ds_test_remove_tree (fixture->path);
    }
  g_assert_cmpuint (n_failed, >, 5);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                               \
  g_test_add ("/base/log-recover/" name, Fixture, NULL, ds_test_durable_set_up, func, \
              ds_test_durable_tear_down)
  ADD ("the-end-lasts", test_the_end_lasts);
  ADD ("reading-alone-is-not-enough", test_reading_alone_is_not_enough);
  ADD ("only-the-end-is-written-again", test_only_the_end_is_written_again);
  ADD ("payloads-are-found", test_payloads_are_found);
  ADD ("interruptions", test_interruptions);
#undef ADD
  return g_test_run ();
}
