/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Checkpoints as files: written, read, chosen. */

#include "base/ds-durable-file-private.h"
#include "tests/base/ds-test-checkpoint-private.h"

#include <errno.h>

typedef DsTestDurable Fixture;

static void
write_one (DsDurableDirectory *directory, DsTime time, DsTime base_time, gsize n_bytes)
{
  g_autoptr (GError) error = NULL;

  ds_test_checkpoint_write (directory, time, base_time, n_bytes, &error);
  g_assert_no_error (error);
}

static DsCheckpointReader *
find_newest (DsDurableDirectory *directory, GPtrArray *damaged)
{
  g_autoptr (GError) error = NULL;
  DsCheckpointReader *reader = NULL;

  ds_checkpoint_find_newest (directory, &reader, damaged, &error);
  g_assert_no_error (error);
  return reader;
}

static void
test_reads_what_was_written (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Sections of any length come back, in pieces or in one");

  const gsize lengths[] = { 0, 1, 100, 262000, 262144, 262145, 1048576, 3000001 };
  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autoptr (DsCheckpointReader) reader = NULL;
      DsTime time = (DsTime) (i + 1) * DS_SECOND;

      write_one (directory, time, DS_TIME_NONE, lengths[i]);
      reader = find_newest (directory, NULL);
      g_assert_cmpint (ds_checkpoint_reader_get_head (reader)->batch_time, ==, time);
      g_assert_cmpint (ds_checkpoint_reader_get_head (reader)->base_time, ==,
                       DS_TIME_NONE);
      ds_test_checkpoint_check (reader, lengths[i]);
      ds_test_checkpoint_check_section (reader, 1, lengths[i], 7777777);
    }
}

static void
test_nothing_is_no_checkpoint (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("An empty directory has no checkpoint; one with a log should have");

  g_autoptr (GError) error = NULL;
  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);
  DsCheckpointReader *reader = NULL;
  const char *words[] = { fixture->path, "log", "no checkpoint", "nothing was changed",
                          NULL };

  g_assert_null (find_newest (directory, NULL));
  ds_test_durable_write (fixture, "wal-0000000000000001", "x", 1);
  g_assert_false (ds_checkpoint_find_newest (directory, &reader, NULL, &error));
  ds_test_assert_told (error, DS_ERROR_CORRUPT, words);
  g_assert_null (reader);
}

static void
test_an_abandoned_one_leaves_nothing (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A checkpoint that is not finished is not there, and its file goes");

  g_autoptr (GError) error = NULL;
  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);
  DsCheckpointWriter *writer = ds_checkpoint_writer_new (directory, DS_SECOND, &error);
  g_autoptr (GPtrArray) names = NULL;

  g_assert_no_error (error);
  g_assert_true (
      ds_checkpoint_writer_begin_section (writer, DS_SECTION_META, "a", 0, &error));
  g_assert_true (ds_test_checkpoint_append (writer, DS_SECOND, 0, 600000, &error));
  ds_checkpoint_writer_free (writer);
  names = ds_durable_directory_list (directory, "", &error);
  for (guint i = 0; i < names->len; i++)
    g_assert_false (g_str_has_prefix (names->pdata[i], ".tmp-"));
  g_assert_null (find_newest (directory, NULL));
}

static void
test_times_are_refused (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Times before 1970 or within a millisecond are no names of files");

  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);
  const DsTime times[] = { -1, -DS_SECOND, 1, DS_SECOND + 999 };

  for (guint i = 0; i < G_N_ELEMENTS (times); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (ds_checkpoint_writer_new (directory, times[i], &error));
      g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
    }
}

/* ---- The disk fails ---- */

typedef struct
{
  int error_number;
  guint at; /* the call that fails, from 1 on */
  guint n_calls;
  gboolean is_for_ever;
} Fault;

static int
fail (const char *call, const char *path, gsize *n_bytes, gpointer user_data)
{
  Fault *fault = user_data;

  if (g_str_equal (call, "pread"))
    return 0;
  fault->n_calls++;
  return fault->n_calls == fault->at || (fault->is_for_ever && fault->n_calls > fault->at)
             ? fault->error_number
             : 0;
}

static void
test_each_call_fails (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary (
      "Each call fails: an error, the one before is used, the next is written");

  const int error_numbers[] = { EIO, ENOSPC, EDQUOT, EFBIG };
  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);
  DsTime time = DS_SECOND;
  guint n_failures = 0;

  write_one (directory, time, DS_TIME_NONE, 300000);
  for (guint i = 0; i < 2 * G_N_ELEMENTS (error_numbers); i++)
    for (guint at = 1;; at++)
      {
        g_autoptr (GError) error = NULL;
        g_autoptr (DsCheckpointReader) reader = NULL;
        g_autoptr (GPtrArray) begun = NULL;
        Fault fault = { error_numbers[i / 2], at, 0, i % 2 == 1 };
        gboolean is_written;

        ds_durable_file_set_fault_func (fail, &fault);
        is_written = ds_test_checkpoint_write (directory, time + DS_SECOND, DS_TIME_NONE,
                                               300000, &error);
        ds_durable_file_set_fault_func (NULL, NULL);
        reader = find_newest (directory, NULL);
        ds_test_checkpoint_check (reader, 300000);
        if (is_written)
          {
            g_assert_cmpuint (fault.n_calls, <, at);
            g_assert_cmpint (ds_checkpoint_reader_get_head (reader)->batch_time, ==,
                             time + DS_SECOND);
            time += DS_SECOND;
            break;
          }
        n_failures++;
        g_assert_nonnull (error);
        g_assert_nonnull (strstr (error->message, fixture->path));
        /* It is there when only its name could not be synced: a whole state, too. */
        if (ds_checkpoint_reader_get_head (reader)->batch_time != time)
          {
            g_assert_true (g_error_matches (error, DS_ERROR, DS_ERROR_FSYNC_FAILED) ||
                           g_error_matches (error, DS_ERROR, DS_ERROR_NO_SPACE));
            time += DS_SECOND;
          }
        begun = ds_durable_directory_list (directory, ".tmp-", NULL);
        /* Where nothing works it cannot be removed either, but by the next to open. */
        g_assert_cmpuint (begun->len, <=, fault.is_for_ever ? 1 : 0);
        for (guint k = 0; k < begun->len; k++)
          ds_durable_directory_remove_file (directory, begun->pdata[k], NULL);
      }
  g_assert_cmpuint (n_failures, >=, 40);
  g_test_message ("%u calls fail: the one before each time", n_failures);
}

static int
interrupt (const char *call, const char *path, gsize *n_bytes, gpointer user_data)
{
  guint *n_calls = user_data;

  if (++*n_calls % 2 == 0)
    return EINTR;
  *n_bytes = MIN (*n_bytes, 1000);
  return 0;
}

static void
test_interrupted_and_short (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Interrupted and short writes and reads: the same bytes");

  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);
  g_autoptr (DsCheckpointReader) reader = NULL;
  guint n_calls = 0;

  ds_durable_file_set_fault_func (interrupt, &n_calls);
  write_one (directory, DS_SECOND, DS_TIME_NONE, 600000);
  reader = find_newest (directory, NULL);
  ds_test_checkpoint_check (reader, 600000);
  ds_durable_file_set_fault_func (NULL, NULL);
  g_assert_cmpuint (n_calls, >, 2400);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                             \
  g_test_add ("/base/checkpoint-file/" name, Fixture, NULL, ds_test_durable_set_up, \
              func, ds_test_durable_tear_down)
  ADD ("reads-what-was-written", test_reads_what_was_written);
  ADD ("nothing-is-no-checkpoint", test_nothing_is_no_checkpoint);
  ADD ("an-abandoned-one-leaves-nothing", test_an_abandoned_one_leaves_nothing);
  ADD ("times-are-refused", test_times_are_refused);
  ADD ("each-call-fails", test_each_call_fails);
  ADD ("interrupted-and-short", test_interrupted_and_short);
#undef ADD
  return g_test_run ();
}
