/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The log as it is written: groups, segments, what is told to be durable. */

#include "tests/base/ds-test-log-private.h"

typedef DsTestDurable Fixture;

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

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                             \
  g_test_add ("/base/write-ahead-log/" name, Fixture, NULL, ds_test_durable_set_up, \
              func, ds_test_durable_tear_down)
  ADD ("reads-what-was-written", test_reads_what_was_written);
  ADD ("an-empty-directory-has-an-empty-log", test_an_empty_directory_has_an_empty_log);
#undef ADD
  return g_test_run ();
}
