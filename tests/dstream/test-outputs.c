/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dstream/ds-dstream-private.h"
#include "tests/dstream/ds-test-stream.h"

#include <glib/gstdio.h>

static void
assert_file (const char *directory, const char *name, const char *expected)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (text, ==, expected);
  g_unlink (path);
}

static void
test_text_files_are_named_by_batch (void)
{
  static const struct
  {
    const char *prefix;
    const char *suffix;
    const char *expected;
  } cases[] = {
    { "out", "", "out-1431637480000" },
    { "out", NULL, "out-1431637480000" },
    { "", "", "1431637480000" },
    { "out", "txt", "out-1431637480000.txt" },
    { "a/b", "x.y", "a/b-1431637480000.x.y" },
  };

  g_test_summary ("prefix-milliseconds.suffix, without what is empty");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path =
          ds_text_files_output_get_path (cases[i].prefix, cases[i].suffix,
                                         G_GINT64_CONSTANT (1431637480000000));

      g_assert_cmpstr (path, ==, cases[i].expected);
    }
}

static void
test_text_files_hold_each_partition (void)
{
  DsTestStream test;
  DsDStream *stream;
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = g_dir_make_tmp ("ds-test-XXXXXX", &error);
  g_autofree char *prefix = g_build_filename (directory, "out", NULL);
  g_autofree char *first = g_strconcat (prefix, "-1000.txt", NULL);
  g_autofree char *second = g_strconcat (prefix, "-2000.txt", NULL);

  g_test_summary ("A directory a batch, a file a partition, and _SUCCESS; also if empty");

  g_assert_no_error (error);
  ds_test_stream_set_up (&test, "local[2]");
  stream = ds_streaming_context_queue_stream (test.ssc);
  ds_dstream_save_as_text_files (stream, prefix, "txt");
  ds_test_stream_push (stream, "x", "y", "z", NULL);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 2);
  ds_test_stream_tear_down (&test);

  assert_file (first, "part-00000", "x\n");
  assert_file (first, "part-00001", "y\nz\n");
  assert_file (first, "_SUCCESS", "");
  assert_file (second, "_SUCCESS", "");
  g_assert_cmpint (g_rmdir (first), ==, 0);
  g_assert_cmpint (g_rmdir (second), ==, 0);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

static gboolean
fail_once (DsRdd *rdd, DsBatch *batch, gpointer n_calls, GError **error)
{
  if ((*(guint *) n_calls)++ > 0)
    return TRUE;
  g_set_error (error, DS_ERROR, DS_ERROR_FAILED, "once");
  return FALSE;
}

static void
note_key (DsPartition *partition, DsTask *task, gpointer keys)
{
  static GMutex lock;
  gsize n_values;

  while (ds_partition_next (partition, &n_values) != NULL)
    {
    }
  g_mutex_lock (&lock);
  g_string_append_printf (keys, "%s%s ", ds_task_get_output_key (task),
                          ds_task_is_replay (task) ? "!" : "");
  g_mutex_unlock (&lock);
}

/* Fails after its action, the first time. */
static gboolean
note_and_fail_once (DsRdd *rdd, DsBatch *batch, gpointer keys, GError **error)
{
  static guint n_calls;

  return ds_rdd_foreach_partition (rdd, note_key, keys, error) &&
         ds_rdd_foreach_partition (rdd, note_key, keys, error) &&
         fail_once (rdd, batch, &n_calls, error);
}

static void
test_output_keys_are_stable (void)
{
  DsTestStream test;
  g_autoptr (GString) keys = g_string_new (NULL);
  DsDStream *stream;

  g_test_summary ("A replay has the output keys of the first run, and says it is one");

  ds_test_stream_set_up (&test, "local");
  g_object_set (test.ssc, "failure-policy", DS_FAILURE_POLICY_RETRY, NULL);
  stream = ds_streaming_context_queue_stream (test.ssc);
  ds_test_stream_push (stream, "x", NULL);
  ds_output_set_name (ds_dstream_foreach_rdd (stream, note_and_fail_once, keys, NULL),
                      "table");
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 1);
  g_assert_cmpstr (keys->str, ==,
                   "test/table/1000/0/0 test/table/1000/1/0 "
                   "test/table/1000/0/0! test/table/1000/1/0! ");
  ds_test_stream_tear_down (&test);
}

typedef struct
{
  GString *order;
  char letter;
} Letter;

static gboolean
note_letter (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  Letter *letter = user_data;

  g_string_append_c (letter->order, letter->letter);
  return TRUE;
}

static void
test_bodies_run_in_order_of_registration (void)
{
  DsTestStream test;
  g_autoptr (GString) order = g_string_new (NULL);
  Letter first = { order, 'a' };
  Letter second = { order, 'b' };
  Letter third = { order, 'c' };
  DsDStream *stream;
  DsDStream *lists;

  g_test_summary ("Outputs of a batch run one at a time, as they were registered");

  ds_test_stream_set_up (&test, "local[2]");
  stream = ds_streaming_context_queue_stream (test.ssc);
  lists = ds_dstream_glom (stream);
  ds_dstream_foreach_rdd (lists, note_letter, &first, NULL);
  ds_dstream_foreach_rdd (stream, note_letter, &second, NULL);
  ds_dstream_foreach_rdd (lists, note_letter, &third, NULL);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 3);
  g_assert_cmpstr (order->str, ==, "abcabcabc");
  ds_test_stream_tear_down (&test);
}

static void
test_names_are_unique (void)
{
  DsTestStream test;
  DsDStream *stream;
  DsOutput *printed;
  DsOutput *collected;

  g_test_summary (
      "An output is named by kind and number, or by a unique name of its own");

  ds_test_stream_set_up (&test, "local");
  stream = ds_streaming_context_queue_stream (test.ssc);
  printed = ds_dstream_print (stream, 10);
  collected = ds_dstream_collect (stream);
  g_assert_cmpstr (ds_output_get_name (printed), ==, "print-0");
  g_assert_cmpstr (ds_output_get_name (collected), ==, "collect-1");
  g_assert_cmpuint (ds_output_get_id (collected), ==, 1);
  ds_output_set_name (printed, "seen");
  g_assert_cmpstr (ds_output_get_name (printed), ==, "seen");
  g_assert_null (ds_streaming_context_get_build_error (test.ssc));
  ds_output_set_name (collected, "seen");
  g_assert_error (ds_streaming_context_get_build_error (test.ssc), DS_ERROR,
                  DS_ERROR_INVALID_ARGUMENT);
  ds_test_stream_tear_down (&test);
}

static void
test_blocks_are_of_collect_only (void)
{
  g_test_summary ("Asking another output for its values is a programming error");

  if (g_test_subprocess ())
    {
      DsTestStream test;

      ds_test_stream_set_up (&test, "local");
      ds_output_get_block (ds_dstream_print (ds_streaming_context_queue_stream (test.ssc),
                                             10),
                           DS_SECOND);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*ds_collect_output_ops*");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/outputs/text-files-are-named-by-batch",
                   test_text_files_are_named_by_batch);
  g_test_add_func ("/dstream/outputs/text-files-hold-each-partition",
                   test_text_files_hold_each_partition);
  g_test_add_func ("/dstream/outputs/output-keys-are-stable",
                   test_output_keys_are_stable);
  g_test_add_func ("/dstream/outputs/bodies-run-in-order-of-registration",
                   test_bodies_run_in_order_of_registration);
  g_test_add_func ("/dstream/outputs/names-are-unique", test_names_are_unique);
  g_test_add_func ("/dstream/outputs/blocks-are-of-collect-only",
                   test_blocks_are_of_collect_only);
  return g_test_run ();
}
