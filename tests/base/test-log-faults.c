/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The disk fails while the log is written (RELIABILITY A4, A5, A7): what was told to be
 * durable is there, whatever fails, once or for ever. */

#include "base/ds-durable-file-private.h"
#include "tests/base/ds-test-log-private.h"

#include <errno.h>
#include <sys/stat.h>

#define N_RECORDS 12
/* That lets go at once, and tries again at once. */
static const DsLogSettings hasty = { .group_delay = -1,
                                     .retry_delay = -1,
                                     .max_segment_bytes = 600 };

/* That writes when somebody waits, so who waits does it. */
static const DsLogSettings patient = { .group_delay = G_GINT64_CONSTANT (3600000000),
                                       .retry_delay = -1,
                                       .max_segment_bytes = 600 };

typedef struct
{
  const char *call; /* NULL: each */
  int error_number;
  guint at;    /* the call that fails, from 1 on */
  guint until; /* the first one that does not; 0: for ever */
  gint n_calls;
} Fault;

static gboolean
is_of_call (const Fault *fault, const char *call)
{
  const char *const calls[] = { "open", "writev", "write", "fsync", "fdatasync" };

  if (fault->call != NULL)
    return g_str_equal (fault->call, call);
  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    if (g_str_equal (calls[i], call))
      return TRUE;
  return FALSE;
}

static int
fail (const char *call, const char *path, gsize *n_bytes, gpointer user_data)
{
  Fault *fault = user_data;
  guint n;

  if (!is_of_call (fault, call))
    return 0;
  n = (guint) g_atomic_int_add (&fault->n_calls, 1) + 1;
  return n >= fault->at && (fault->until == 0 || n < fault->until) ? fault->error_number
                                                                   : 0;
}

typedef struct
{
  DsTestDurable durable;
  DsDurableDirectory *directory;
  guint64 told; /* durable, by the durable func */
  GError *failure;
  GError *trouble;
  guint n_troubles;
  guint n_trouble_ends;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  ds_test_durable_set_up (&fixture->durable, NULL);
  fixture->directory = ds_test_durable_open (&fixture->durable);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  ds_durable_file_set_fault_func (NULL, NULL);
  ds_durable_directory_close (fixture->directory);
  g_clear_error (&fixture->failure);
  g_clear_error (&fixture->trouble);
  ds_test_durable_tear_down (&fixture->durable, NULL);
}

static void
begin_again (Fixture *fixture)
{
  tear_down (fixture, NULL);
  memset (fixture, 0, sizeof *fixture);
  set_up (fixture, NULL);
}

static void
hear_durable (guint64 sequence, const GError *error, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_assert_null (fixture->failure);
  g_assert_cmpuint (sequence, >=, fixture->told);
  fixture->told = sequence;
  if (error != NULL)
    fixture->failure = g_error_copy (error);
}

static void
hear_trouble (const GError *error, gpointer user_data)
{
  Fixture *fixture = user_data;

  g_clear_error (&fixture->trouble);
  if (error != NULL)
    {
      fixture->trouble = g_error_copy (error);
      fixture->n_troubles++;
    }
  else
    fixture->n_trouble_ends++;
}

static DsWriteAheadLog *
open_log (Fixture *fixture, const DsLogSettings *settings)
{
  g_autoptr (GError) error = NULL;
  DsWriteAheadLog *log =
      ds_write_ahead_log_new (fixture->directory, 1, 1, settings, &error);

  g_assert_no_error (error);
  ds_write_ahead_log_set_durable_func (log, hear_durable, fixture);
  ds_write_ahead_log_set_trouble_func (log, hear_trouble, fixture);
  return log;
}

/* Appends and awaits one at a time until it fails; how many were told to be durable. */
static guint64
write_until_failure (Fixture *fixture,
                     const DsLogSettings *settings,
                     Fault *fault,
                     GError **error)
{
  DsWriteAheadLog *log = open_log (fixture, settings);
  guint64 n_durable = 0;
  g_autoptr (GError) ignored = NULL;

  ds_durable_file_set_fault_func (fail, fault);
  for (guint64 i = 1; i <= N_RECORDS; i++)
    {
      g_autofree char *text = ds_test_log_make_text (i);
      DsLogPart part = { text, strlen (text) };

      if (ds_write_ahead_log_append (log, DS_LOG_PLAN, &part, 1, NULL, NULL, error) !=
              i ||
          !ds_write_ahead_log_await (log, i, error))
        break;
      n_durable = i;
    }
  ds_write_ahead_log_close (log, &ignored);
  ds_durable_file_set_fault_func (NULL, NULL);
  g_assert_cmpuint (fixture->told, >=, n_durable);
  return fixture->told;
}

static void
fail_each_call_once (Fixture *fixture, const DsLogSettings *settings, int error_number)
{
  guint n_points = 0;

  for (guint at = 1;; at++)
    {
      g_autoptr (GError) error = NULL;
      Fault fault = { NULL, error_number, at, at + 1, 0 };

      g_assert_cmpuint (write_until_failure (fixture, settings, &fault, &error), ==,
                        N_RECORDS);
      g_assert_no_error (error);
      g_assert_cmpuint (ds_test_log_count (fixture->directory, 1, NULL, NULL), ==,
                        N_RECORDS);
      if ((guint) fault.n_calls < at)
        break;
      if (fault.error_number != EIO)
        {
          g_assert_cmpuint (fixture->n_troubles, ==, 1);
          g_assert_cmpuint (fixture->n_trouble_ends, ==, 1);
        }
      n_points++;
      begin_again (fixture);
    }
  g_assert_cmpuint (n_points, >, N_RECORDS * 2);
  g_test_message ("%u calls fail once with %s: 0 lost", n_points,
                  g_strerror (error_number));
}

static void
test_each_call_once (Fixture *fixture, gconstpointer error_number)
{
  g_test_summary ("Each call fails once: everything is durable all the same");

  fail_each_call_once (fixture, &hasty, GPOINTER_TO_INT (error_number));
  begin_again (fixture);
  fail_each_call_once (fixture, &patient, GPOINTER_TO_INT (error_number));
}

static void
fail_from_each_call_on (Fixture *fixture, const DsLogSettings *settings)
{
  guint n_points = 0;

  for (guint at = 1;; at++)
    {
      g_autoptr (GError) error = NULL;
      Fault fault = { NULL, EIO, at, 0, 0 };
      guint64 n_durable = write_until_failure (fixture, settings, &fault, &error);
      const char *words[] = { fixture->durable.path, "has failed", "not acknowledged",
                              "start again", NULL };
      guint n_read = ds_test_log_count (fixture->directory, 1, NULL, NULL);

      g_assert_cmpuint (n_read, >=, n_durable);
      g_assert_cmpuint (n_read, <=, n_durable + 1);
      if (n_durable == N_RECORDS)
        break;
      g_assert_nonnull (error);
      ds_test_assert_told (error, error->code, words);
      g_assert_nonnull (fixture->failure);
      g_assert_cmpstr (fixture->failure->message, ==, error->message);
      n_points++;
      begin_again (fixture);
    }
  g_assert_cmpuint (n_points, >, N_RECORDS / 2);
  g_test_message ("%u calls from which on all fail: 0 told and missing", n_points);
}

static void
test_each_call_for_ever (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("From each call on all fail: nothing is told that is not there");

  fail_from_each_call_on (fixture, &hasty);
  begin_again (fixture);
  fail_from_each_call_on (fixture, &patient);
}

/* ---- Who waits ---- */

typedef struct
{
  GThread *self;
  gint n_own;     /* syncs by the thread of the test */
  gint n_others;  /* and by any other */
  gint n_failing; /* how many of them fail yet */
} Syncs;

static int
count_syncs (const char *call, const char *path, gsize *n_bytes, gpointer user_data)
{
  Syncs *syncs = user_data;

  if (!g_str_equal (call, "fdatasync"))
    return 0;
  g_atomic_int_inc (g_thread_self () == syncs->self ? &syncs->n_own : &syncs->n_others);
  return g_atomic_int_add (&syncs->n_failing, -1) > 0 ? ENOSPC : 0;
}

static void
test_who_waits_writes (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Who waits while nobody writes does so; what fails is left to the log");

  const DsLogSettings settings = { .group_delay = patient.group_delay };
  DsWriteAheadLog *log = open_log (fixture, &settings);
  Syncs syncs = { .self = g_thread_self () };
  g_autoptr (GError) error = NULL;

  ds_durable_file_set_fault_func (count_syncs, &syncs);
  for (guint64 i = 1; i <= 5; i++)
    {
      ds_test_log_append (log, i);
      g_assert_true (ds_write_ahead_log_sync (log, i));
      g_assert_cmpuint (ds_write_ahead_log_get_durable_sequence (log), ==, i);
    }
  for (guint64 i = 6; i <= 8; i++)
    ds_test_log_append (log, i);
  g_assert_true (ds_write_ahead_log_await (log, 7, &error));
  /* Those that were there went with it. */
  g_assert_true (ds_write_ahead_log_sync (log, 8));
  g_assert_cmpint (syncs.n_own, ==, 6);
  g_assert_cmpint (syncs.n_others, ==, 0);

  syncs.n_failing = 2;
  ds_test_log_append (log, 9);
  g_assert_false (ds_write_ahead_log_sync (log, 9));
  g_assert_true (ds_write_ahead_log_await (log, 9, &error));
  g_assert_cmpint (syncs.n_own, ==, 7);
  g_assert_cmpint (syncs.n_others, ==, 2);

  g_assert_true (ds_write_ahead_log_close (log, &error));
  ds_durable_file_set_fault_func (NULL, NULL);
  g_assert_no_error (error);
  g_assert_cmpuint (fixture->told, ==, 9);
  g_assert_cmpuint (fixture->n_troubles, ==, 1);
  g_assert_cmpuint (fixture->n_trouble_ends, ==, 1);
  g_assert_cmpuint (ds_test_log_count (fixture->directory, 1, NULL, NULL), ==, 9);
}

static void
test_a_failed_sync_is_not_repeated (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("After a failed sync the group lies in a new segment, numbers twice");

  g_autoptr (GError) error = NULL;
  Fault fault = { "fdatasync", EIO, 3, 4, 0 };
  gsize n_old, n_new;
  g_autofree char *old = NULL;
  g_autofree char *new = NULL;

  g_assert_cmpuint (write_until_failure (fixture, &hasty, &fault, &error), ==, N_RECORDS);
  old = ds_test_durable_read (&fixture->durable, "wal-0000000000000001", &n_old);
  new = ds_test_durable_read (&fixture->durable, "wal-0000000000000002", &n_new);
  /* First numbers of both segments. */
  g_assert_cmpuint ((guint8) old[40], ==, 1);
  g_assert_cmpuint ((guint8) new[40], ==, 3);
  g_assert_cmpuint (n_old, <, 600);
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

typedef struct
{
  Fault fault;
  guint n_begun;
} EarlyFault;

/* DsDurableFaultFunc: no page is begun with that is written once more. */
static int
fail_early (const char *call, const char *path, gsize *n_bytes, gpointer user_data)
{
  EarlyFault *self = user_data;
  struct stat status;

  if (g_str_equal (call, "sync_file_range"))
    {
      g_assert_cmpint (stat (path, &status), ==, 0);
      g_assert_cmpint (status.st_size % 4096, ==, 0);
      self->n_begun++;
    }
  return fail (call, path, n_bytes, &self->fault);
}

/* Two records of 1.5 MiB go out together; the disk is told to begin between them. */
static void
test_large_groups_begin_early (Fixture *fixture, gconstpointer error_number)
{
  g_test_summary ("What fails before the sync is as bad as a sync that fails, unless the "
                  "system has no such call");

  g_autoptr (GError) error = NULL;
  const gsize n_bytes = 1536 * 1024;
  const DsLogSettings settings = { .group_bytes = 16 * 1024 * 1024,
                                   .group_delay = G_GINT64_CONSTANT (3600000000),
                                   .retry_delay = -1 };
  EarlyFault early = { .fault = { "sync_file_range", GPOINTER_TO_INT (error_number), 1, 2,
                                  0 } };
  const Fault *fault = &early.fault;
  gboolean is_lacking = fault->error_number == ENOSYS || fault->error_number == EPERM;
  g_autofree char *text = g_strnfill (n_bytes, 'x');
  g_autoptr (GPtrArray) names = NULL;
  guint n_records = 0;
  DsLogPart part = { text, n_bytes };
  DsWriteAheadLog *log = open_log (fixture, &settings);

  ds_durable_file_set_fault_func (fail_early, &early);
  for (guint64 i = 1; i <= 2; i++)
    g_assert_cmpuint (ds_write_ahead_log_append (log, DS_LOG_PLAN, &part, 1, NULL, NULL,
                                                 &error),
                      ==, i);
  g_assert_true (ds_write_ahead_log_await (log, 2, &error));
  g_assert_true (ds_write_ahead_log_close (log, &error));
  g_assert_no_error (error);
  ds_durable_file_set_fault_func (NULL, NULL);
  /* In a new segment, and begun with once more there. */
  g_assert_cmpuint (early.n_begun, ==, is_lacking ? 1 : 2);
  names = ds_durable_directory_list (fixture->directory, "wal-", NULL);
  g_assert_cmpuint (names->len, ==, is_lacking ? 1 : 2);
  g_assert_true (ds_log_read (fixture->directory, 1, DS_LOG_DAMAGE_FAIL, count_record,
                              &n_records, NULL, NULL, &error));
  g_assert_cmpuint (n_records, ==, 2);
}

static void
test_what_passes_holds_back (Fixture *fixture, gconstpointer error_number)
{
  g_test_summary ("A full disk, or a file server that is away, holds back as long as it "
                  "lasts, and then it goes on");

  const char *const calls[] = { "open", "writev", "write", "fsync", "fdatasync" };

  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    {
      g_autoptr (GError) error = NULL;
      Fault fault = { calls[i], GPOINTER_TO_INT (error_number), 1, 40, 0 };

      g_assert_cmpuint (write_until_failure (fixture, &hasty, &fault, &error), ==,
                        N_RECORDS);
      g_assert_no_error (error);
      g_assert_cmpuint (fixture->n_troubles, ==, 1);
      g_assert_cmpuint (fixture->n_trouble_ends, ==, 1);
      g_assert_cmpuint (ds_test_log_count (fixture->directory, 1, NULL, NULL), ==,
                        N_RECORDS);
      begin_again (fixture);
    }
}

static void
test_a_full_disk_is_told (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("The trouble names path, bytes wanted and free; closing gives up");

  g_autoptr (GError) error = NULL;
  DsLogSettings settings = hasty;
  Fault fault = { "writev", ENOSPC, 1, 0, 0 };
  DsWriteAheadLog *log;
  const char *words[] = { fixture->durable.path,
                          "wal-0000000000000001",
                          "Writing ",
                          " bytes to",
                          "bytes are free",
                          "make room",
                          NULL };

  settings.retry_delay = G_MAXINT32;
  log = open_log (fixture, &settings);
  ds_durable_file_set_fault_func (fail, &fault);
  ds_test_log_append (log, 1);
  while (g_atomic_int_get (&fault.n_calls) < 1)
    g_thread_yield ();
  g_assert_false (ds_write_ahead_log_close (log, &error));
  g_assert_cmpint (fault.n_calls, ==, 2);
  ds_test_assert_told (error, DS_ERROR_NO_SPACE, words);
  ds_test_assert_told (fixture->trouble, DS_ERROR_NO_SPACE, words);
  g_assert_cmpuint (fixture->told, ==, 0);
}

static gpointer
append_one_more (gpointer log)
{
  const DsLogPart part = { "more", 4 };
  GError *error = NULL;

  g_assert_cmpuint (ds_write_ahead_log_append (log, DS_LOG_PLAN, &part, 1, NULL, NULL,
                                               &error),
                    ==, 0);
  return error;
}

static gpointer
rotate_once (gpointer log)
{
  GError *error = NULL;

  g_assert_cmpuint (ds_write_ahead_log_rotate (log, &error), ==, 0);
  return error;
}

static void
assert_given_up (GThread *thread, const char *const *words)
{
  g_autoptr (GError) error = g_thread_join (thread);

  ds_test_assert_told (error, DS_ERROR_NO_SPACE, words);
}

static void
test_a_full_disk_is_given_up (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("From the deadline on a full disk is a failure: appends, waits and "
                  "rotations that hang on it end, and it says how much is left over");

  g_autoptr (GError) error = NULL;
  DsLogSettings settings = hasty;
  Fault fault = { "writev", ENOSPC, 1, 0, 0 };
  const char *words[] = { fixture->durable.path, "has failed",     "after number 0",
                          "which are 1 so far",  "bytes are free", NULL };
  DsWriteAheadLog *log;
  GThread *appends;
  GThread *rotates;

  settings.retry_delay = G_MAXINT32;
  settings.max_waiting_bytes = 1;
  log = open_log (fixture, &settings);
  ds_durable_file_set_fault_func (fail, &fault);
  ds_test_log_append (log, 1);
  while (g_atomic_int_get (&fault.n_calls) < 1)
    g_thread_yield ();
  appends = g_thread_new ("appends", append_one_more, log);
  rotates = g_thread_new ("rotates", rotate_once, log);
  ds_write_ahead_log_give_up_at (log, 0);
  ds_write_ahead_log_give_up_at (log, G_MAXINT64); /* the earliest one counts */
  g_assert_false (ds_write_ahead_log_await (log, 1, &error));
  ds_test_assert_told (error, DS_ERROR_NO_SPACE, words);
  assert_given_up (appends, words);
  assert_given_up (rotates, words);
  g_clear_error (&error);
  g_assert_false (ds_write_ahead_log_close (log, &error));
  ds_test_assert_told (error, DS_ERROR_NO_SPACE, words);
  ds_test_assert_told (fixture->failure, DS_ERROR_NO_SPACE, words);
}

static void
test_a_disk_with_room_is_not_given_up (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("The deadline is of a full disk only");

  g_autoptr (GError) error = NULL;
  DsWriteAheadLog *log = open_log (fixture, &hasty);

  ds_write_ahead_log_give_up_at (log, 0);
  ds_test_log_append (log, 1);
  g_assert_true (ds_write_ahead_log_await (log, 1, &error));
  ds_test_log_append (log, 2);
  g_assert_true (ds_write_ahead_log_close (log, &error));
  g_assert_cmpuint (ds_test_log_count (fixture->directory, 1, NULL, NULL), ==, 2);
}

/* ---- What waits ---- */

#define N_WAITING 40

static int
fail_or_pretend (const char *call, const char *path, gsize *n_bytes, gpointer user_data)
{
  int error_number = fail (call, path, n_bytes, user_data);

  return error_number == 0 && g_str_has_suffix (call, "sync") ? DS_DURABLE_PRETEND
                                                              : error_number;
}

static guint32
size_of_waiting (guint64 sequence)
{
  return sequence % 7 == 0 ? 5000 : (guint32) (sequence * 13 % 200);
}

static gboolean
check_waiting (const DsLogRecord *record,
               const guint8 *payload,
               gpointer n_records,
               GError **error)
{
  g_assert_cmpuint (record->sequence, ==, ++*(guint *) n_records);
  g_assert_cmpuint (record->n_bytes, ==, size_of_waiting (record->sequence));
  for (guint32 i = 0; i < record->n_bytes; i++)
    g_assert_cmpuint (payload[i], ==, (guint8) record->sequence);
  return TRUE;
}

/* Whether the fault was met. */
static gboolean
write_what_waits (Fixture *fixture, const DsLogSettings *settings, Fault *fault)
{
  g_autoptr (GError) error = NULL;
  DsWriteAheadLog *log = open_log (fixture, settings);
  guint n_read = 0;

  ds_durable_file_set_fault_func (fail_or_pretend, fault);
  for (guint64 i = 1; i <= N_WAITING; i++)
    {
      guint8 bytes[5000];
      DsLogPart part = { bytes, size_of_waiting (i) };

      memset (bytes, (int) i, sizeof bytes);
      g_assert_cmpuint (ds_write_ahead_log_append (log, DS_LOG_PLAN, &part, 1, NULL, NULL,
                                                   &error),
                        ==, i);
    }
  if (fault->at % 2 == 0)
    g_assert_true (ds_write_ahead_log_await (log, N_WAITING, &error));
  g_assert_true (ds_write_ahead_log_close (log, &error));
  ds_durable_file_set_fault_func (NULL, NULL);
  g_assert_no_error (error);
  g_assert_cmpuint (fixture->told, ==, N_WAITING);
  g_assert_true (ds_log_read (fixture->directory, 1, DS_LOG_DAMAGE_FAIL, check_waiting,
                              &n_read, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n_read, ==, N_WAITING);
  return (guint) fault->n_calls >= fault->at;
}

static void
test_what_waits_goes_elsewhere (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Each call fails once while many groups wait, for the segment that was "
                  "open when they came: they go to others, whole and in order");

  const DsLogSettings settings = { .group_bytes = 400,
                                   .group_delay = patient.group_delay,
                                   .retry_delay = -1,
                                   .max_segment_bytes = 3000 };
  /* All in one, and the first group that waits is already full. */
  const DsLogSettings one = { .group_bytes = 2000,
                              .group_delay = patient.group_delay,
                              .retry_delay = -1 };
  const int error_numbers[] = { EIO, ENOSPC };

  for (guint i = 0; i < 4; i++)
    for (guint at = 1;; at++)
      {
        Fault fault = { NULL, error_numbers[i % 2], at, at + 1, 0 };
        gboolean is_met = write_what_waits (fixture, i < 2 ? &settings : &one, &fault);

        begin_again (fixture);
        if (is_met)
          continue;
        g_assert_cmpuint (at, >, i < 2 ? 40 : 5);
        break;
      }
}

static void
count_release (gpointer n_released)
{
  g_atomic_int_inc ((gint *) n_released);
}

typedef struct
{
  Fixture *fixture;
  gint n_released;
} Owner;

static void
release_after_failure (gpointer user_data)
{
  Owner *owner = user_data;

  g_assert_nonnull (owner->fixture->failure);
  g_atomic_int_inc (&owner->n_released);
}

static void
test_owners_are_released_on_failure (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary (
      "When the log has failed, which is told first, all owners are released, late ones "
      "at once");

  g_autoptr (GError) error = NULL;
  g_autoptr (GError) closed = NULL;
  DsLogSettings settings = { .group_bytes = G_MAXINT32, .group_delay = G_MAXINT32 };
  Fault fault = { "fdatasync", EIO, 1, 0, 0 };
  DsWriteAheadLog *log = open_log (fixture, &settings);
  DsLogPart part = { "abc", 3 };
  Owner owner = { fixture, 0 };
  gint n_late = 0;

  ds_durable_file_set_fault_func (fail, &fault);
  for (guint i = 1; i <= 10; i++)
    ds_write_ahead_log_append (log, DS_LOG_BLOCK, &part, 1, &owner, release_after_failure,
                               NULL);
  g_assert_false (ds_write_ahead_log_await (log, 10, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_FSYNC_FAILED);
  g_clear_error (&error);
  g_assert_cmpuint (ds_write_ahead_log_append (log, DS_LOG_BLOCK, &part, 1, &n_late,
                                               count_release, &error),
                    ==, 0);
  g_assert_error (error, DS_ERROR, DS_ERROR_FSYNC_FAILED);
  g_assert_cmpuint (ds_write_ahead_log_rotate (log, NULL), ==, 0);
  g_assert_false (ds_write_ahead_log_close (log, &closed));
  g_assert_error (closed, DS_ERROR, DS_ERROR_FSYNC_FAILED);
  g_assert_cmpint (owner.n_released, ==, 10);
  g_assert_cmpint (n_late, ==, 1);
  g_assert_cmpint (fault.n_calls, ==, 2);
}

static int
interrupt (const char *call, const char *path, gsize *n_bytes, gpointer user_data)
{
  gint *n_calls = user_data;

  if (g_atomic_int_add (n_calls, 1) % 2 == 0)
    return EINTR;
  *n_bytes = MIN (*n_bytes, 5);
  return 0;
}

static void
test_interrupted_and_short (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Interrupted and short writes: the same bytes");

  g_autoptr (GError) error = NULL;
  gint n_calls = 0;
  DsWriteAheadLog *log;
  guint64 large_bytes[3000];
  DsLogPart part = { large_bytes, sizeof large_bytes };

  memset (large_bytes, 7, sizeof large_bytes);
  ds_durable_file_set_fault_func (interrupt, &n_calls);
  log = open_log (fixture, NULL);
  for (guint64 i = 1; i <= 50; i++)
    ds_test_log_append (log, i);
  ds_write_ahead_log_append (log, DS_LOG_BLOCK, &part, 1, large_bytes, count_release,
                             &error);
  g_assert_true (ds_write_ahead_log_close (log, &error));
  ds_durable_file_set_fault_func (NULL, NULL);
  g_assert_cmpint (n_calls, >, 5000);
  {
    gsize n_bytes;
    g_autofree char *bytes =
        ds_test_durable_read (&fixture->durable, "wal-0000000000000001", &n_bytes);

    g_assert_cmpuint (n_bytes, >, sizeof large_bytes);
    g_assert_cmpint (bytes[n_bytes - 16], ==, 7);
  }
}

static void
test_no_directory_for_it (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A log that cannot begin leaves nothing behind");

  const char *const calls[] = { "open", "write", "fsync" };

  for (guint i = 0; i < G_N_ELEMENTS (calls); i++)
    for (guint at = 1; at <= (i == 2 ? 2u : 1u); at++)
      {
        g_autoptr (GError) error = NULL;
        g_autoptr (GPtrArray) names = NULL;
        Fault fault = { calls[i], EIO, at, at + 1, 0 };

        ds_durable_file_set_fault_func (fail, &fault);
        g_assert_null (ds_write_ahead_log_new (fixture->directory, 1, 1, NULL, &error));
        g_assert_nonnull (error);
        ds_durable_file_set_fault_func (NULL, NULL);
        names = ds_durable_directory_list (fixture->directory, "wal-", NULL);
        g_assert_cmpuint (names->len, ==, 0);
      }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, argument, func)                                                    \
  g_test_add ("/base/log-faults/" name, Fixture, GINT_TO_POINTER (argument), set_up, \
              func, tear_down)
  ADD ("each-call-once-io", EIO, test_each_call_once);
  ADD ("each-call-once-full", ENOSPC, test_each_call_once);
  ADD ("each-call-once-away", ETIMEDOUT, test_each_call_once);
  ADD ("each-call-once-quota", EDQUOT, test_each_call_once);
  ADD ("each-call-for-ever", 0, test_each_call_for_ever);
  ADD ("who-waits-writes", 0, test_who_waits_writes);
  ADD ("a-failed-sync-is-not-repeated", 0, test_a_failed_sync_is_not_repeated);
  ADD ("large-groups-begin-early-io", EIO, test_large_groups_begin_early);
  ADD ("large-groups-begin-early-not-there", ENOSYS, test_large_groups_begin_early);
  ADD ("large-groups-begin-early-forbidden", EPERM, test_large_groups_begin_early);
  ADD ("a-full-disk-holds-back", ENOSPC, test_what_passes_holds_back);
  ADD ("b17-a-file-server-that-is-away-holds-back", ESTALE, test_what_passes_holds_back);
  ADD ("b17-a-file-system-that-is-cut-off-holds-back", ENOTCONN,
       test_what_passes_holds_back);
  ADD ("a-full-disk-is-told", 0, test_a_full_disk_is_told);
  ADD ("a-full-disk-is-given-up", 0, test_a_full_disk_is_given_up);
  ADD ("a-disk-with-room-is-not-given-up", 0, test_a_disk_with_room_is_not_given_up);
  ADD ("what-waits-goes-elsewhere", 0, test_what_waits_goes_elsewhere);
  ADD ("owners-are-released-on-failure", 0, test_owners_are_released_on_failure);
  ADD ("interrupted-and-short", 0, test_interrupted_and_short);
  ADD ("no-directory-for-it", 0, test_no_directory_for_it);
#undef ADD
  return g_test_run ();
}
