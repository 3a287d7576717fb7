/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Directory streams whose files change, or may not be read, and batches that are tried
 * again. */

#include "tests/dstream/ds-test-files.h"

static void
test_goes_on_without_permission (DsTestFiles *fixture, gconstpointer user_data)
{
  g_test_summary ("C19: without permission a file is passed over and a directory waits");

  DsDStream *lines = ds_test_files_add_text_stream (fixture);
  DsOutput *output = ds_dstream_collect (lines);
  g_autofree char *secret = ds_test_directory_get_path (&fixture->files, "in/secret");
  gboolean is_root = geteuid () == 0;

  ds_dstream_set_bad_record_policy (lines, DS_ON_BAD_RECORD_SKIP_FILE);
  ds_test_files_listen (fixture);
  g_assert_cmpint (chmod (fixture->files.root, 0755), ==, 0);
  ds_test_directory_write (&fixture->files, "in/open", "1\n", 1);
  ds_test_directory_write (&fixture->files, "in/secret", "2\n", 2);
  ds_test_directory_write (&fixture->files, "in/later", "3\n", DS_SECOND + 1);
  g_assert_cmpint (chmod (secret, 0), ==, 0);
  if (is_root)
    g_assert_cmpint (seteuid (65534), ==, 0);
  ds_test_stream_start (&fixture->stream);
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_files_assert_batch (output, 1, "1");

  if (is_root)
    g_assert_cmpint (seteuid (0), ==, 0);
  g_assert_cmpint (chmod (fixture->directory, 0), ==, 0);
  if (is_root)
    g_assert_cmpint (seteuid (65534), ==, 0);
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_files_assert_batch (output, 2, "");
  {
    g_autofree char *text = ds_dstream_explain (lines);

    g_assert_nonnull (strstr (text, "Permission denied"));
    g_assert_nonnull (strstr (text, fixture->directory));
  }

  if (is_root)
    g_assert_cmpint (seteuid (0), ==, 0);
  g_assert_cmpint (chmod (fixture->directory, 0755), ==, 0);
  ds_test_stream_run (&fixture->stream, 1);
  ds_test_files_assert_batch (output, 3, "3");
  ds_test_files_stop (fixture);
  g_assert_cmpuint (fixture->told->len, ==, 1);
  g_assert_nonnull (strstr (fixture->told->pdata[0], "secret: "));
  g_assert_nonnull (strstr (fixture->told->pdata[0], "Permission denied"));
  g_test_message ("C19: as non-root: 1 file passed over and told, 1 directory waited for "
                  "1 batch, 2 of 2 other files read, 0 exits");
}

static gboolean
append_and_count (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  DsTestFiles *fixture = user_data;

  if (ds_batch_get_n_files_of (batch, 0) > 0)
    ds_test_directory_write (&fixture->files, "in/a", "changed\n", 1);
  return ds_rdd_count (rdd, error) >= 0;
}

static void
test_notices_a_change (DsTestFiles *fixture, gconstpointer user_data)
{
  g_test_summary ("A file that changes between listing and reading fails the batch");

  g_autoptr (GError) error = NULL;

  ds_dstream_foreach_rdd (ds_test_files_add_text_stream (fixture), append_and_count,
                          fixture, NULL);
  ds_test_stream_start (&fixture->stream);
  ds_test_files_drop (fixture, "in/a", "1\n");
  ds_manual_clock_advance (fixture->stream.clock, DS_SECOND);
  g_assert_false (ds_streaming_context_await_termination (fixture->stream.ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_BAD_FILE);
  g_assert_nonnull (strstr (error->message, "/in/a\""));
  g_assert_nonnull (strstr (error->message, "it has 8 bytes, and had 2"));
}

static gboolean
fail_once (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  DsTestFiles *fixture = user_data;
  gint64 n = ds_rdd_count (rdd, error);

  if (n < 0)
    return FALSE;
  fixture->n_records += n;
  if (ds_batch_is_replay (batch) || n == 0)
    return TRUE;
  /* Another one comes meanwhile, which belongs to the next batch. */
  ds_test_directory_write (&fixture->files, "in/b", "3\n", 1);
  g_set_error (error, DS_ERROR, DS_ERROR_FAILED, "the first time");
  return FALSE;
}

static void
test_a_retry_reads_the_same (DsTestFiles *fixture, gconstpointer user_data)
{
  g_test_summary ("A batch that is tried again has the files that it had");

  g_object_set (fixture->stream.ssc, "failure-policy", DS_FAILURE_POLICY_RETRY, NULL);
  ds_dstream_foreach_rdd (ds_test_files_add_text_stream (fixture), fail_once, fixture,
                          NULL);
  ds_test_stream_start (&fixture->stream);
  ds_test_files_drop (fixture, "in/a", "1\n2\n");
  ds_test_stream_run (&fixture->stream, 1);
  g_assert_cmpint (fixture->n_records, ==, 4);
  ds_test_stream_run (&fixture->stream, 1);
  g_assert_cmpint (fixture->n_records, ==, 6);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func)                                                              \
  g_test_add ("/dstream/file-stream/" name, DsTestFiles, NULL, ds_test_files_set_up, \
              func, ds_test_files_tear_down)
  ADD ("c19-goes-on-without-permission", test_goes_on_without_permission);
  ADD ("notices-a-change", test_notices_a_change);
  ADD ("a-retry-reads-the-same", test_a_retry_reads_the_same);
#undef ADD

  return g_test_run ();
}
