/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The log as it is written: groups, segments, owners, what is told to be durable. */

#include "base/ds-durable-file-private.h"
#include "tests/base/ds-test-log-private.h"

#include <errno.h>

typedef DsTestDurable Fixture;

static DsWriteAheadLog *
open_log (DsDurableDirectory *directory, const DsLogSettings *settings)
{
  g_autoptr (GError) error = NULL;
  DsWriteAheadLog *log = ds_write_ahead_log_new (directory, 1, 1, settings, &error);

  g_assert_no_error (error);
  return log;
}

static void
close_log (DsWriteAheadLog *log)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (ds_write_ahead_log_close (log, &error));
  g_assert_no_error (error);
}

/* Nothing is written before somebody asks. */
static const DsLogSettings patient = { .group_bytes = G_MAXINT32,
                                       .group_delay = G_MAXINT32 };

static void
test_reads_what_was_written (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("What was appended is read again, in order, and numbers go on");

  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);
  guint64 next_segment, next_sequence;

  ds_test_log_write (directory, 3, 20);
  g_assert_cmpuint (ds_test_log_count (directory, 1, &next_segment, &next_sequence), ==,
                    60);
  g_assert_cmpuint (next_segment, ==, 4);
  g_assert_cmpuint (next_sequence, ==, 61);
  g_assert_cmpuint (ds_test_log_count (directory, 33, NULL, NULL), ==, 28);
  g_assert_cmpuint (ds_test_log_count (directory, 61, NULL, NULL), ==, 0);
}

static void
test_an_empty_directory_has_an_empty_log (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Without segments the first record is number 1");

  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);
  guint64 next_segment, next_sequence;

  g_assert_cmpuint (ds_test_log_count (directory, 1, &next_segment, &next_sequence), ==,
                    0);
  g_assert_cmpuint (next_segment, ==, 1);
  g_assert_cmpuint (next_sequence, ==, 1);
}

/* ---- Groups ---- */

typedef struct
{
  guint n_writes;
  guint n_syncs;
} Calls;

static int
count_calls (const char *call, const char *path, gsize *n_bytes, gpointer user_data)
{
  Calls *calls = user_data;

  if (strstr (path, "wal-") == NULL)
    return 0;
  calls->n_writes += g_str_equal (call, "writev");
  calls->n_syncs += g_str_equal (call, "fdatasync");
  return 0;
}

static void
test_a_group_is_one_write (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("What waits together is written by one write and synced once");

  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);
  g_autoptr (GError) error = NULL;
  DsWriteAheadLog *log = open_log (directory, &patient);
  Calls calls = { 0 };

  ds_durable_file_set_fault_func (count_calls, &calls);
  for (guint64 i = 1; i <= 1000; i++)
    ds_test_log_append (log, i);
  g_assert_cmpuint (ds_write_ahead_log_get_durable_sequence (log), ==, 0);
  g_assert_true (ds_write_ahead_log_await (log, 1, &error));
  g_assert_cmpuint (ds_write_ahead_log_get_durable_sequence (log), ==, 1000);
  g_assert_true (ds_write_ahead_log_await (log, 1000, &error));
  g_assert_cmpuint (calls.n_writes, ==, 1);
  g_assert_cmpuint (calls.n_syncs, ==, 1);
  close_log (log);
  ds_durable_file_set_fault_func (NULL, NULL);
  g_assert_cmpuint (ds_test_log_count (directory, 1, NULL, NULL), ==, 1000);
}

static void
test_enough_bytes_are_written (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A group that is large enough, or has waited, is written unasked");

  for (guint i = 0; i < 2; i++)
    {
      DsLogSettings settings = patient;
      g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);
      DsWriteAheadLog *log;
      guint64 n = 0;

      if (i == 0)
        settings.group_bytes = 1000;
      else
        settings.group_delay = -1;
      log = open_log (directory, &settings);
      for (n = 0; n < 100; n++)
        ds_test_log_append (log, n + 1);
      while (ds_write_ahead_log_get_durable_sequence (log) < 50)
        g_thread_yield ();
      close_log (log);
      ds_test_remove_tree (fixture->path);
    }
}

typedef struct
{
  guint64 sequence; /* of the last call */
  guint n_calls;
  guint n_released;
  GError *error;
} Told;

static void
hear_durable (guint64 sequence, const GError *error, gpointer user_data)
{
  Told *told = user_data;

  g_assert_cmpuint (sequence, >=, told->sequence);
  told->sequence = sequence;
  told->n_calls++;
  if (error != NULL)
    told->error = g_error_copy (error);
}

typedef struct
{
  Told *told;
  guint64 sequence; /* that it will have */
  char text[10000];
} Owner;

static void
release_owner (gpointer owner)
{
  Owner *self = owner;

  g_assert_cmpuint (self->told->sequence, >=, self->sequence);
  self->told->n_released++;
  memset (self->text, 0xee, sizeof self->text);
  g_free (self);
}

static void
test_owners_are_released (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Parts with an owner are not copied, and let go of once it is told");

  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);
  g_autoptr (GError) error = NULL;
  DsWriteAheadLog *log = open_log (directory, NULL);
  Told told = { 0 };

  ds_write_ahead_log_set_durable_func (log, hear_durable, &told);
  for (guint64 i = 1; i <= 200; i++)
    {
      Owner *owner = g_new0 (Owner, 1);
      DsLogPart parts[3] = { { owner->text, i }, { NULL, 0 }, { owner->text, i * 49 } };

      owner->told = &told;
      owner->sequence = i;
      memset (owner->text, (int) i, sizeof owner->text);
      g_assert_cmpuint (ds_write_ahead_log_append (log, DS_LOG_BLOCK, parts, 3, owner,
                                                   release_owner, &error),
                        ==, i);
    }
  close_log (log);
  g_assert_cmpuint (told.n_released, ==, 200);
  g_assert_cmpuint (told.sequence, ==, 200);
  g_assert_null (told.error);
}

static gboolean
check_filled (const DsLogRecord *record,
              const guint8 *payload,
              gpointer n_records,
              GError **error)
{
  g_assert_cmpuint (record->type, ==, DS_LOG_BLOCK);
  g_assert_cmpuint (record->n_bytes, ==, record->sequence * 50);
  for (guint32 i = 0; i < record->n_bytes; i++)
    g_assert_cmpuint (payload[i], ==, (guint8) record->sequence);
  ++*(guint *) n_records;
  return TRUE;
}

static void
test_large_and_small_records (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Records of all sizes around that from which on none is copied");

  guint n_records = 0;

  test_owners_are_released (fixture, NULL);
  {
    g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);

    g_assert_true (ds_log_read (directory, 1, DS_LOG_DAMAGE_FAIL, check_filled,
                                &n_records, NULL, NULL, NULL));
  }
  g_assert_cmpuint (n_records, ==, 200);
}

static void
count_release (gpointer n_released)
{
  ++*(guint *) n_released;
}

static void
test_too_large (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A record of more than 64 MiB is refused, and its owner released");

  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);
  g_autoptr (GError) error = NULL;
  DsWriteAheadLog *log = open_log (directory, NULL);
  guint n_released = 0;
  /* Never looked at. */
  DsLogPart parts[2] = { { "", DS_LOG_MAX_RECORD_BYTES }, { "", G_MAXSIZE } };

  g_assert_cmpuint (ds_write_ahead_log_append (log, DS_LOG_BLOCK, parts, 2, &n_released,
                                               count_release, &error),
                    ==, 0);
  g_assert_error (error, DS_ERROR, DS_ERROR_LIMIT);
  g_assert_cmpuint (n_released, ==, 1);
  ds_test_log_append (log, 1);
  close_log (log);
  g_assert_cmpuint (ds_test_log_count (directory, 1, NULL, NULL), ==, 1);
}

/* ---- Segments ---- */

static void
test_segments_are_full (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Segments end at their size, whatever the groups are");

  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);
  g_autoptr (GError) error = NULL;
  DsLogSettings settings = patient;
  DsWriteAheadLog *log;
  g_autoptr (GPtrArray) names = NULL;

  settings.max_segment_bytes = 3000;
  log = open_log (directory, &settings);
  for (guint64 i = 1; i <= 300; i++)
    ds_test_log_append (log, i);
  close_log (log);
  g_assert_cmpuint (ds_test_log_count (directory, 1, NULL, NULL), ==, 300);
  names = ds_durable_directory_list (directory, "wal-", &error);
  g_assert_cmpuint (names->len, >=, 10);
  for (guint i = 0; i < names->len; i++)
    {
      gsize n_bytes;

      g_free (ds_test_durable_read (fixture, names->pdata[i], &n_bytes));
      g_assert_cmpuint (n_bytes, <=, 3000);
      if (i + 1 < names->len)
        g_assert_cmpuint (n_bytes, >, 2700);
    }
}

static void
test_old_segments_go (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Segments before a number go, also those of an earlier run");

  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);
  g_autoptr (GError) error = NULL;
  DsWriteAheadLog *log;
  const guint64 before[] = { 1, 5, 6, 11, 12, 16 };
  const char *const first[] = { "wal-0000000000000001", "wal-0000000000000001",
                                "wal-0000000000000002", "wal-0000000000000003",
                                "wal-0000000000000003", "wal-0000000000000004" };

  ds_test_log_write (directory, 3, 5);
  log = ds_write_ahead_log_new (directory, 4, 16, NULL, &error);
  for (guint i = 0; i < G_N_ELEMENTS (before); i++)
    {
      g_autoptr (GPtrArray) names = NULL;

      g_assert_true (ds_write_ahead_log_remove_before (log, before[i], &error));
      names = ds_durable_directory_list (directory, "wal-", &error);
      g_assert_cmpstr (names->pdata[0], ==, first[i]);
      if (before[i] < 16)
        g_assert_cmpuint (ds_test_log_count (directory, before[i], NULL, NULL), ==,
                          16 - before[i]);
    }
  ds_test_log_append (log, 16);
  g_assert_true (ds_write_ahead_log_remove_before (log, 100, &error));
  close_log (log);
  g_assert_cmpuint (ds_test_log_count (directory, 16, NULL, NULL), ==, 1);
}

static void
test_rotation (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A new segment has what comes after; an empty one is used on");

  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);
  g_autoptr (GError) error = NULL;
  DsWriteAheadLog *log = open_log (directory, &patient);

  g_assert_cmpuint (ds_write_ahead_log_rotate (log, &error), ==, 1);
  ds_test_log_append (log, 1);
  ds_test_log_append (log, 2);
  g_assert_cmpuint (ds_write_ahead_log_rotate (log, &error), ==, 2);
  g_assert_cmpuint (ds_write_ahead_log_get_durable_sequence (log), ==, 2);
  g_assert_cmpuint (ds_write_ahead_log_rotate (log, &error), ==, 2);
  ds_test_log_append (log, 3);
  close_log (log);
  g_assert_cmpuint (ds_test_log_count (directory, 1, NULL, NULL), ==, 3);
  {
    g_autofree char *path =
        g_build_filename (fixture->path, "wal-0000000000000001", NULL);

    g_remove (path);
  }
  g_assert_cmpuint (ds_test_log_count (directory, 3, NULL, NULL), ==, 1);
}

static void
test_rolling (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A segment that is old enough is followed by a new one");

  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) names = NULL;
  DsLogSettings settings = { .rolling_interval = 1 };
  DsWriteAheadLog *log = open_log (directory, &settings);

  for (guint64 i = 1; i <= 4; i++)
    {
      gint64 now = g_get_monotonic_time ();

      ds_test_log_append (log, i);
      g_assert_true (ds_write_ahead_log_await (log, i, &error));
      while (g_get_monotonic_time () < now + 2)
        g_thread_yield ();
    }
  close_log (log);
  names = ds_durable_directory_list (directory, "wal-", &error);
  g_assert_cmpuint (names->len, ==, 4);
  g_assert_cmpuint (ds_test_log_count (directory, 1, NULL, NULL), ==, 4);
}

/* ---- Threads ---- */

#define N_THREADS 8
#define N_EACH 500

typedef struct
{
  DsWriteAheadLog *log;
  guint8 number;
} Writer;

static gpointer
write_many (gpointer user_data)
{
  Writer *self = user_data;
  guint64 before = 0;

  for (guint i = 0; i < N_EACH; i++)
    {
      g_autoptr (GError) error = NULL;
      guint8 bytes[3] = { self->number, (guint8) i, (guint8) (i >> 8) };
      DsLogPart part = { bytes, sizeof bytes };
      guint64 sequence = ds_write_ahead_log_append (self->log, DS_LOG_BLOCK, &part, 1,
                                                    NULL, NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpuint (sequence, >, before);
      before = sequence;
      if (i % 100 == 99)
        g_assert_true (ds_write_ahead_log_await (self->log, sequence, &error));
    }
  return NULL;
}

static gboolean
check_order (const DsLogRecord *record,
             const guint8 *payload,
             gpointer user_data,
             GError **error)
{
  guint *n_seen = user_data;

  g_assert_cmpuint (record->n_bytes, ==, 3);
  g_assert_cmpuint (payload[1] + 256u * payload[2], ==, n_seen[payload[0]]);
  n_seen[payload[0]]++;
  return TRUE;
}

static void
test_many_writers (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Eight threads: each one's records are in its order, none is missing");

  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);
  /* Little room, so that they wait for it. */
  DsLogSettings settings = { .max_waiting_bytes = 400, .max_segment_bytes = 20000 };
  DsWriteAheadLog *log = open_log (directory, &settings);
  Writer writers[N_THREADS];
  GThread *threads[N_THREADS];
  guint n_seen[N_THREADS] = { 0 };

  for (guint8 i = 0; i < N_THREADS; i++)
    {
      writers[i] = (Writer){ log, i };
      threads[i] = g_thread_new ("writer", write_many, &writers[i]);
    }
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  close_log (log);
  g_assert_true (ds_log_read (directory, 1, DS_LOG_DAMAGE_FAIL, check_order, n_seen, NULL,
                              NULL, NULL));
  for (guint i = 0; i < N_THREADS; i++)
    g_assert_cmpuint (n_seen[i], ==, N_EACH);
}

static void
test_it_goes_on (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Closed and opened again twenty times, numbers go on");

  guint64 next_segment, next_sequence = 1;

  for (guint i = 0; i < 20; i++)
    {
      g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);
      DsWriteAheadLog *log;

      g_assert_cmpuint (ds_test_log_count (directory, 1, &next_segment, &next_sequence),
                        ==, i * 3);
      log = ds_write_ahead_log_new (directory, next_segment, next_sequence, NULL, NULL);
      for (guint k = 0; k < 3; k++)
        ds_test_log_append (log, next_sequence + k);
      close_log (log);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                             \
  g_test_add ("/base/write-ahead-log/" name, Fixture, NULL, ds_test_durable_set_up, \
              func, ds_test_durable_tear_down)
  ADD ("reads-what-was-written", test_reads_what_was_written);
  ADD ("an-empty-directory-has-an-empty-log", test_an_empty_directory_has_an_empty_log);
  ADD ("a-group-is-one-write", test_a_group_is_one_write);
  ADD ("enough-bytes-are-written", test_enough_bytes_are_written);
  ADD ("owners-are-released", test_owners_are_released);
  ADD ("large-and-small-records", test_large_and_small_records);
  ADD ("too-large", test_too_large);
  ADD ("segments-are-full", test_segments_are_full);
  ADD ("old-segments-go", test_old_segments_go);
  ADD ("rotation", test_rotation);
  ADD ("rolling", test_rolling);
  ADD ("many-writers", test_many_writers);
  ADD ("it-goes-on", test_it_goes_on);
#undef ADD
  return g_test_run ();
}
