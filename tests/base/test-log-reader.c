/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Logs that were cut, changed, mixed up: a torn end is cut off, everything else is told
 * (RELIABILITY B4 to B9). */

#include "base/ds-durable-file-private.h"
#include "base/ds-log-format-private.h"
#include "tests/base/ds-test-log-private.h"

#include <errno.h>
#include <xxhash.h>

#define N_SEGMENTS 3
#define N_RECORDS 5
#define FIRST "wal-0000000000000001"
#define MIDDLE "wal-0000000000000002"
#define LAST "wal-0000000000000003"

typedef struct
{
  DsTestDurable durable;
  guint8 *bytes; /* of the last segment */
  gsize n_bytes;
  gsize n_last; /* of its last record */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (DsDurableDirectory) directory = NULL;
  g_autofree char *text = ds_test_log_make_text (N_SEGMENTS * N_RECORDS);

  ds_test_durable_set_up (&fixture->durable, NULL);
  directory = ds_test_durable_open (&fixture->durable);
  ds_test_log_write (directory, N_SEGMENTS, N_RECORDS);
  fixture->bytes =
      (guint8 *) ds_test_durable_read (&fixture->durable, LAST, &fixture->n_bytes);
  fixture->n_last = ds_log_record_size (strlen (text));
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  g_free (fixture->bytes);
  ds_test_durable_tear_down (&fixture->durable, NULL);
}

static DsDurableDirectory *
open_read_only (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  DsDurableDirectory *directory =
      ds_durable_directory_open (fixture->durable.path, DS_DURABLE_DIRECTORY_READ_ONLY,
                                 &error);

  g_assert_no_error (error);
  return directory;
}

/* A segment with record @i first; where the record behind record @n_whole begins. */
static gsize
find_end (guint64 first, guint n_whole)
{
  gsize end = DS_LOG_HEAD_BYTES;

  for (guint i = 0; i < n_whole; i++)
    {
      g_autofree char *text = ds_test_log_make_text (first + i);

      end += ds_log_record_size (strlen (text));
    }
  return end;
}

static guint
count_whole (guint64 first, gsize n_bytes)
{
  guint n = 0;

  while (find_end (first, n + 1) <= n_bytes)
    n++;
  return n;
}

static gboolean
read_with (DsDurableDirectory *directory,
           DsLogDamagePolicy policy,
           DsTestLogReading *reading,
           GError **error)
{
  *reading = (DsTestLogReading){ .may_skip = policy == DS_LOG_DAMAGE_SKIP };
  return ds_log_read (directory, 1, policy, ds_test_log_check_record, reading, NULL, NULL,
                      error);
}

/* ---- Torn ends ---- */

static void
test_every_length (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary (
      "The last segment cut at any length: cut to whole records, and goes on");

  const guint64 first = (N_SEGMENTS - 1) * N_RECORDS + 1;

  for (gsize n = 0; n <= fixture->n_bytes; n++)
    {
      guint n_whole = count_whole (first, n);
      g_autoptr (DsDurableDirectory) directory = NULL;
      g_autoptr (DsDurableDirectory) locked = NULL;
      g_autofree char *rest = NULL;
      guint64 next_segment, next_sequence;
      gsize n_rest;

      ds_test_durable_write (&fixture->durable, LAST, fixture->bytes, n);
      directory = open_read_only (fixture);
      g_assert_cmpuint (ds_test_log_count (directory, 1, NULL, &next_sequence), ==,
                        first - 1 + n_whole);
      g_assert_cmpuint (next_sequence, ==, first + n_whole);
      rest = ds_test_durable_read (&fixture->durable, LAST, &n_rest);
      g_assert_cmpuint (n_rest, ==, n);
      if (n % 48 != 0)
        continue;

      locked = ds_test_durable_open (&fixture->durable);
      ds_test_log_count (locked, 1, &next_segment, &next_sequence);
      g_assert_cmpuint (next_segment, ==, N_SEGMENTS + 1);
      g_free (rest);
      if (n < DS_LOG_HEAD_BYTES)
        {
          rest = NULL;
          g_assert_false (ds_test_durable_has (&fixture->durable, LAST));
          continue;
        }
      rest = ds_test_durable_read (&fixture->durable, LAST, &n_rest);
      g_assert_cmpuint (n_rest, ==, find_end (first, n_whole));
      ds_test_assert_bytes (rest, n_rest, fixture->bytes, n_rest);
    }
  g_test_message ("%" G_GSIZE_FORMAT " lengths: 0 wrong, 0 refused",
                  fixture->n_bytes + 1);
}

static void
test_zeros_behind (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Zeros from any byte on are a torn end, too");

  const guint64 first = (N_SEGMENTS - 1) * N_RECORDS + 1;
  g_autofree guint8 *bytes = g_malloc (fixture->n_bytes + 4096);

  for (gsize n = DS_LOG_HEAD_BYTES; n <= fixture->n_bytes; n++)
    {
      g_autoptr (DsDurableDirectory) directory = NULL;
      guint n_whole = count_whole (first, n);

      memset (bytes, 0, fixture->n_bytes + 4096);
      memcpy (bytes, fixture->bytes, n);
      /* What ends in zeros anyway is whole. */
      while (n_whole < N_RECORDS &&
             memcmp (bytes, fixture->bytes, find_end (first, n_whole + 1)) == 0)
        n_whole++;
      ds_test_durable_write (&fixture->durable, LAST, bytes, fixture->n_bytes + 4096);
      directory = open_read_only (fixture);
      g_assert_cmpuint (ds_test_log_count (directory, 1, NULL, NULL), ==,
                        first - 1 + n_whole);
    }
}

/* ---- Damage ---- */

/* The newest segment but one byte of it, by every policy. */
static void
assert_refused (Fixture *fixture, const char *name, gsize offset, guint64 first)
{
  g_autoptr (DsDurableDirectory) directory = open_read_only (fixture);
  g_autoptr (GError) error = NULL;
  DsTestLogReading reading;
  const char *words[] = { name, "damaged at byte", "whole records", "nothing was changed",
                          NULL };
  const char *head_words[] = { name, "damaged at byte 0", "at risk", NULL };
  guint n_before = (guint) first - 1 + count_whole (first, offset);
  gsize at = find_end (first, count_whole (first, offset));

  g_assert_false (read_with (directory, DS_LOG_DAMAGE_FAIL, &reading, &error));
  if (offset < DS_LOG_HEAD_BYTES)
    ds_test_assert_told (error, DS_ERROR_CORRUPT, head_words);
  else
    {
      g_autofree char *place = g_strdup_printf ("at byte %" G_GSIZE_FORMAT ",", at);

      ds_test_assert_told (error, DS_ERROR_CORRUPT, words);
      g_assert_nonnull (strstr (error->message, place));
    }
  g_clear_error (&error);

  g_assert_true (read_with (directory, DS_LOG_DAMAGE_POINT_IN_TIME, &reading, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (reading.n_records, ==, n_before);

  g_assert_true (read_with (directory, DS_LOG_DAMAGE_SKIP, &reading, &error));
  g_assert_no_error (error);
  if (offset < DS_LOG_HEAD_BYTES)
    g_assert_cmpuint (reading.n_records, ==, (N_SEGMENTS - 1) * N_RECORDS);
  else
    g_assert_cmpuint (reading.n_records, ==, N_SEGMENTS * N_RECORDS - 1);
}

static void
test_every_byte (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary (
      "Any byte that is not in the last record changed: refused, with offset");

  const char *const names[] = { FIRST, MIDDLE, LAST };
  gsize n_refused = 0;

  for (guint s = 0; s < N_SEGMENTS; s++)
    {
      gsize n_bytes;
      g_autofree guint8 *bytes =
          (guint8 *) ds_test_durable_read (&fixture->durable, names[s], &n_bytes);
      gsize end = s + 1 == N_SEGMENTS ? n_bytes - fixture->n_last : n_bytes;

      for (gsize i = 0; i < end; i++)
        {
          const guint8 was = bytes[i];
          const guint8 changes[] = { was ^ 1, was ^ 0x80, 0, 0xff };

          for (guint k = 0; k < G_N_ELEMENTS (changes); k++)
            {
              if (changes[k] == was || (i > 8 && k > 0))
                continue;
              bytes[i] = changes[k];
              ds_test_durable_write (&fixture->durable, names[s], bytes, n_bytes);
              assert_refused (fixture, names[s], i, s * N_RECORDS + 1);
              n_refused++;
            }
          bytes[i] = was;
        }
      ds_test_durable_write (&fixture->durable, names[s], bytes, n_bytes);
    }
  g_test_message ("%" G_GSIZE_FORMAT " changes before the last record: all refused",
                  n_refused);
}

static void
test_the_last_record (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Any byte of the last record changed: that one is torn, no other");

  for (gsize i = fixture->n_bytes - fixture->n_last; i < fixture->n_bytes; i++)
    {
      g_autoptr (DsDurableDirectory) directory = open_read_only (fixture);

      fixture->bytes[i] ^= 0x40;
      ds_test_durable_write (&fixture->durable, LAST, fixture->bytes, fixture->n_bytes);
      g_assert_cmpuint (ds_test_log_count (directory, 1, NULL, NULL), ==,
                        N_SEGMENTS * N_RECORDS - 1);
      fixture->bytes[i] ^= 0x40;
    }
}

static void
test_a_point_in_time_stays (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("After point-in-time the log is whole again, and what was cut is kept");

  g_autoptr (DsDurableDirectory) directory = NULL;
  g_autoptr (GError) error = NULL;
  DsTestLogReading reading;
  gsize n_bytes;
  g_autofree guint8 *bytes =
      (guint8 *) ds_test_durable_read (&fixture->durable, MIDDLE, &n_bytes);
  guint64 next_segment, next_sequence;

  bytes[find_end (N_RECORDS + 1, 2) + 30] ^= 1;
  ds_test_durable_write (&fixture->durable, MIDDLE, bytes, n_bytes);
  directory = ds_test_durable_open (&fixture->durable);
  g_assert_true (read_with (directory, DS_LOG_DAMAGE_POINT_IN_TIME, &reading, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (reading.n_records, ==, N_RECORDS + 2);
  g_assert_true (ds_test_durable_has (&fixture->durable, "unused-" LAST));
  g_assert_cmpuint (ds_test_log_count (directory, 1, &next_segment, &next_sequence), ==,
                    N_RECORDS + 2);
  g_assert_cmpuint (next_sequence, ==, N_RECORDS + 3);
  g_assert_cmpuint (next_segment, ==, 3);
}

/* ---- Segments that are missing, or of somebody else ---- */

static void
test_missing (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A missing segment is a gap, whose numbers are named");

  const char *const names[] = { FIRST, MIDDLE };
  const char *const gaps[] = { "records 1 to 5", "records 6 to 10" };

  for (guint i = 0; i < 2; i++)
    {
      gsize n_bytes;
      g_autofree char *path = g_build_filename (fixture->durable.path, names[i], NULL);
      g_autofree char *bytes =
          ds_test_durable_read (&fixture->durable, names[i], &n_bytes);
      g_autoptr (DsDurableDirectory) directory = open_read_only (fixture);
      g_autoptr (GError) error = NULL;
      DsTestLogReading reading;
      const char *words[] = { "gap", gaps[i], "nothing was changed", NULL };

      g_remove (path);
      g_assert_false (read_with (directory, DS_LOG_DAMAGE_FAIL, &reading, &error));
      ds_test_assert_told (error, DS_ERROR_CORRUPT, words);
      g_clear_error (&error);
      g_assert_true (
          read_with (directory, DS_LOG_DAMAGE_POINT_IN_TIME, &reading, &error));
      g_assert_cmpuint (reading.n_records, ==, i * N_RECORDS);
      g_assert_true (read_with (directory, DS_LOG_DAMAGE_SKIP, &reading, &error));
      g_assert_cmpuint (reading.n_records, ==, 2 * N_RECORDS);
      ds_test_durable_write (&fixture->durable, names[i], bytes, n_bytes);
    }
}

static void
test_the_last_ones_are_missing (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A log that ends before the number from which to read is refused");

  g_autofree char *path = g_build_filename (fixture->durable.path, LAST, NULL);
  g_autoptr (DsDurableDirectory) directory = open_read_only (fixture);
  g_autoptr (GError) error = NULL;
  DsTestLogReading reading = { 0 };
  const char *words[] = { "ends with record 10", "from 13 on", NULL };

  g_remove (path);
  g_assert_false (ds_log_read (directory, 13, DS_LOG_DAMAGE_FAIL,
                               ds_test_log_check_record, &reading, NULL, NULL, &error));
  ds_test_assert_told (error, DS_ERROR_CORRUPT, words);
  g_assert_cmpuint (ds_test_log_count (directory, 11, NULL, NULL), ==, 0);
}

static void
test_foreign (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A segment of another application is refused by every policy");

  DsTestDurable other;
  g_autofree char *bytes = NULL;
  gsize n_bytes;
  g_autoptr (DsDurableDirectory) directory = open_read_only (fixture);
  const char *words[] = { MIDDLE, "another application", NULL };

  ds_test_durable_set_up (&other, NULL);
  {
    g_autoptr (DsDurableDirectory) theirs = ds_test_durable_open (&other);

    ds_test_log_write (theirs, N_SEGMENTS, N_RECORDS);
  }
  bytes = ds_test_durable_read (&other, MIDDLE, &n_bytes);
  ds_test_durable_write (&fixture->durable, MIDDLE, bytes, n_bytes);
  for (DsLogDamagePolicy policy = DS_LOG_DAMAGE_FAIL; policy <= DS_LOG_DAMAGE_SKIP;
       policy++)
    {
      g_autoptr (GError) error = NULL;
      DsTestLogReading reading;

      g_assert_false (read_with (directory, policy, &reading, &error));
      ds_test_assert_told (error, DS_ERROR_CORRUPT, words);
    }
  ds_test_durable_tear_down (&other, NULL);
}

static void
test_renamed (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A segment under the name of another one is refused");

  g_autoptr (DsDurableDirectory) directory = open_read_only (fixture);
  g_autoptr (GError) error = NULL;
  DsTestLogReading reading;
  const char *words[] = { MIDDLE, "number 3", NULL };

  ds_test_durable_write (&fixture->durable, MIDDLE, fixture->bytes, fixture->n_bytes);
  g_assert_false (read_with (directory, DS_LOG_DAMAGE_SKIP, &reading, &error));
  ds_test_assert_told (error, DS_ERROR_CORRUPT, words);
}

static void
test_newer (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A newer major is refused; of a newer minor unknown types are read");

  g_autoptr (DsDurableDirectory) directory = open_read_only (fixture);
  g_autoptr (GError) error = NULL;
  DsTestLogReading reading;
  const char *words[] = { LAST, "2.3", "reads 1.", NULL };

  for (guint8 major = 1; major <= 2; major++)
    {
      guint64 hash;

      fixture->bytes[8] = major;
      fixture->bytes[10] = 3;
      hash = GUINT64_TO_LE (XXH3_64bits (fixture->bytes, 56));
      memcpy (fixture->bytes + 56, &hash, sizeof hash);
      ds_test_durable_write (&fixture->durable, LAST, fixture->bytes, fixture->n_bytes);
      g_assert_cmpint (read_with (directory, DS_LOG_DAMAGE_FAIL, &reading, &error), ==,
                       major == 1);
    }
  ds_test_assert_told (error, DS_ERROR_VERSION, words);
}

/* ---- What was written twice, and what was half written ---- */

static void
test_written_twice (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A damaged end is none when the next segment begins with its numbers");

  /* As when the sync of records 9 and 10 failed: they come again in segment 3. */
  g_autoptr (DsDurableDirectory) directory = NULL;
  g_autoptr (GError) error = NULL;
  DsWriteAheadLog *log;
  gsize n_bytes;
  g_autofree guint8 *bytes =
      (guint8 *) ds_test_durable_read (&fixture->durable, MIDDLE, &n_bytes);
  g_autofree char *path = g_build_filename (fixture->durable.path, LAST, NULL);

  g_remove (path);
  directory = ds_test_durable_open (&fixture->durable);
  log = ds_write_ahead_log_new (directory, 3, 9, NULL, &error);
  for (guint64 i = 9; i <= 13; i++)
    ds_test_log_append (log, i);
  g_assert_true (ds_write_ahead_log_close (log, &error));
  g_assert_cmpuint (ds_test_log_count (directory, 1, NULL, NULL), ==, 13);

  for (gsize n = find_end (6, 3); n < n_bytes; n++)
    {
      bytes[n] ^= 0x10;
      ds_test_durable_write (&fixture->durable, MIDDLE, bytes, n_bytes);
      g_assert_cmpuint (ds_test_log_count (directory, 1, NULL, NULL), ==, 13);
      bytes[n] ^= 0x10;
      ds_test_durable_write (&fixture->durable, MIDDLE, bytes, n);
      g_assert_cmpuint (ds_test_log_count (directory, 1, NULL, NULL), ==, 13);
    }
}

static void
test_older_damage (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Damage before the number from which to read does not matter");

  g_autoptr (DsDurableDirectory) directory = open_read_only (fixture);
  gsize n_bytes;
  g_autofree guint8 *bytes =
      (guint8 *) ds_test_durable_read (&fixture->durable, MIDDLE, &n_bytes);

  ds_test_durable_write (&fixture->durable, FIRST, "nothing", 7);
  bytes[find_end (N_RECORDS + 1, 1) + 30] ^= 1; /* record 7 */
  ds_test_durable_write (&fixture->durable, MIDDLE, bytes, n_bytes);
  g_assert_cmpuint (ds_test_log_count (directory, 8, NULL, NULL), ==, 8);
}

/* ---- Parts of one write ---- */

static void
test_a_hole_in_the_last_write (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary (
      "Sectors of the last write that are zero are a torn end; others are not");

  g_autoptr (DsDurableDirectory) directory = NULL;
  g_autoptr (GError) error = NULL;
  DsLogSettings settings = { .group_bytes = G_MAXINT32, .group_delay = G_MAXINT32 };
  DsWriteAheadLog *log;
  DsTestLogReading reading;
  gsize n_bytes;
  g_autofree guint8 *bytes = NULL;
  g_autofree guint8 *whole = NULL;

  directory = ds_test_durable_open (&fixture->durable);
  log = ds_write_ahead_log_new (directory, 4, 16, &settings, &error);
  ds_test_log_append (log, 16);
  g_assert_true (ds_write_ahead_log_await (log, 16, &error));
  for (guint64 i = 17; i <= 116; i++)
    ds_test_log_append (log, i);
  g_assert_true (ds_write_ahead_log_close (log, &error));

  bytes = (guint8 *) ds_test_durable_read (&fixture->durable, "wal-0000000000000004",
                                           &n_bytes);
  g_assert_cmpuint (n_bytes, >, 8 * 512);
  whole = g_memdup2 (bytes, n_bytes);
  for (gsize sector = 1; sector < n_bytes / 512; sector++)
    {
      gsize n_whole = count_whole (16, sector * 512);

      memset (bytes + sector * 512, 0, 512);
      ds_test_durable_write (&fixture->durable, "wal-0000000000000004", bytes, n_bytes);
      g_clear_pointer (&directory, ds_durable_directory_close);
      directory = open_read_only (fixture);
      g_assert_cmpuint (ds_test_log_count (directory, 1, NULL, NULL), ==, 15 + n_whole);
      memcpy (bytes + sector * 512, whole + sector * 512, 512);
    }

  /* The same behind what an earlier write has in that sector, however short it is. */
  for (guint k = 1; k < 100; k++)
    {
      gsize from = find_end (16, k);
      gsize n_rest = MIN (512 - from % 512, n_bytes - from);

      memset (bytes + from, 0, n_rest);
      ds_test_durable_write (&fixture->durable, "wal-0000000000000004", bytes, n_bytes);
      g_clear_pointer (&directory, ds_durable_directory_close);
      directory = open_read_only (fixture);
      g_assert_cmpuint (ds_test_log_count (directory, 1, NULL, NULL), ==, 15 + k);
      memcpy (bytes + from, whole + from, n_rest);
    }

  /* Zeros in what was known to be durable when the last write was made. */
  memset (bytes + DS_LOG_HEAD_BYTES, 0, find_end (16, 1) - DS_LOG_HEAD_BYTES);
  ds_test_durable_write (&fixture->durable, "wal-0000000000000004", bytes, n_bytes);
  g_assert_false (read_with (directory, DS_LOG_DAMAGE_FAIL, &reading, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
}

/* ---- Payloads again ---- */

static gboolean
keep_record (const DsLogRecord *record,
             const guint8 *payload,
             gpointer records,
             GError **error)
{
  g_array_append_val ((GArray *) records, *record);
  return TRUE;
}

static void
test_payloads (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A payload is read again by its record, unless it has changed");

  g_autoptr (DsDurableDirectory) directory = open_read_only (fixture);
  g_autoptr (GArray) records = g_array_new (FALSE, FALSE, sizeof (DsLogRecord));
  g_autoptr (GError) error = NULL;
  const char *words[] = { LAST, "Record 11", NULL };

  g_assert_true (ds_log_read (directory, 1, DS_LOG_DAMAGE_FAIL, keep_record, records,
                              NULL, NULL, &error));
  g_assert_cmpuint (records->len, ==, 15);
  for (guint i = 0; i < records->len; i++)
    {
      g_autofree char *text = ds_test_log_make_text (i + 1);
      g_autoptr (GBytes) bytes =
          ds_log_read_payload (directory, &g_array_index (records, DsLogRecord, i),
                               &error);

      g_assert_no_error (error);
      ds_test_assert_bytes (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
                            text, strlen (text));
    }
  fixture->bytes[DS_LOG_HEAD_BYTES + 24] ^= 1;
  ds_test_durable_write (&fixture->durable, LAST, fixture->bytes, fixture->n_bytes);
  g_assert_null (
      ds_log_read_payload (directory, &g_array_index (records, DsLogRecord, 10), &error));
  ds_test_assert_told (error, DS_ERROR_CORRUPT, words);
}

/* ---- Functions that fail ---- */

static gboolean
fail_at_seven (const DsLogRecord *record,
               const guint8 *payload,
               gpointer user_data,
               GError **error)
{
  if (record->sequence < 7)
    return TRUE;
  g_set_error_literal (error, DS_ERROR, DS_ERROR_EMPTY, "seven");
  return FALSE;
}

static void
test_a_function_fails (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("The error of the function is the error of reading");

  g_autoptr (DsDurableDirectory) directory = open_read_only (fixture);
  g_autoptr (GError) error = NULL;

  g_assert_false (ds_log_read (directory, 1, DS_LOG_DAMAGE_SKIP, fail_at_seven, NULL,
                               NULL, NULL, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_EMPTY);
}

static int
fail_every_third_read (const char *call,
                       const char *path,
                       gsize *n_bytes,
                       gpointer user_data)
{
  guint *n_reads = user_data;

  if (!g_str_equal (call, "pread"))
    return 0;
  if (++*n_reads % 3 == 0)
    return EINTR;
  *n_bytes = MIN (*n_bytes, 7);
  return 0;
}

static void
test_short_reads (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Interrupted and short reads make no difference");

  g_autoptr (DsDurableDirectory) directory = open_read_only (fixture);
  guint n_reads = 0;

  ds_durable_file_set_fault_func (fail_every_third_read, &n_reads);
  g_assert_cmpuint (ds_test_log_count (directory, 1, NULL, NULL), ==, 15);
  ds_durable_file_set_fault_func (NULL, NULL);
  g_assert_cmpuint (n_reads, >, 100);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ds_test_hush ();
#define ADD(name, func) \
  g_test_add ("/base/log-reader/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("every-length", test_every_length);
  ADD ("zeros-behind", test_zeros_behind);
  ADD ("every-byte", test_every_byte);
  ADD ("the-last-record", test_the_last_record);
  ADD ("a-point-in-time-stays", test_a_point_in_time_stays);
  ADD ("missing", test_missing);
  ADD ("the-last-ones-are-missing", test_the_last_ones_are_missing);
  ADD ("foreign", test_foreign);
  ADD ("renamed", test_renamed);
  ADD ("newer", test_newer);
  ADD ("written-twice", test_written_twice);
  ADD ("older-damage", test_older_damage);
  ADD ("a-hole-in-the-last-write", test_a_hole_in_the_last_write);
  ADD ("payloads", test_payloads);
  ADD ("a-function-fails", test_a_function_fails);
  ADD ("short-reads", test_short_reads);
#undef ADD
  return g_test_run ();
}
