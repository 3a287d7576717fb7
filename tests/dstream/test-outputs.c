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
          ds_files_output_get_path (cases[i].prefix, cases[i].suffix,
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

/* The stream has a checkpoint directory, or not. */
static void
check_stays_where_it_was_defined (gboolean has_checkpoints)
{
  DsTestStream test;
  DsDStream *stream;
  g_autofree char *here = g_get_current_dir ();
  g_autofree char *directory = g_dir_make_tmp ("ds-test-XXXXXX", NULL);
  g_autofree char *elsewhere = g_dir_make_tmp ("ds-test-XXXXXX", NULL);
  static const char *const names[] = { "1000.txt", "out-1000", "sub/b-1000" };

  ds_test_stream_set_up (&test, "local[2]");
  if (has_checkpoints)
    ds_test_stream_allow_checkpoints (&test);
  stream = ds_streaming_context_queue_stream (test.ssc);
  g_assert_cmpint (g_chdir (directory), ==, 0);
  ds_output_set_single_file (ds_dstream_save_as_text_files (stream, "", "txt"), TRUE);
  ds_output_set_single_file (ds_dstream_save_as_text_files (stream, "./out", NULL), TRUE);
  ds_output_set_single_file (ds_dstream_save_as_text_files (stream, "sub/b", NULL), TRUE);
  g_assert_cmpint (g_chdir (elsewhere), ==, 0);
  ds_test_stream_push (stream, "x", NULL);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 1);
  ds_test_stream_tear_down (&test);
  g_assert_cmpint (g_chdir (here), ==, 0);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    assert_file (directory, names[i], "x\n");
  g_assert_cmpint (g_rmdir (elsewhere), ==, 0); /* nothing there */
  ds_test_drop_directory (g_steal_pointer (&directory));
}

static void
test_a_relative_prefix_stays_where_it_was_defined (void)
{
  g_test_summary ("Whatever the current directory is later");

  check_stays_where_it_was_defined (FALSE);
  check_stays_where_it_was_defined (TRUE);
}

static void
test_a_relative_prefix_is_known_as_the_absolute_one (void)
{
  DsTestStream test;
  DsDStream *stream;
  g_autofree char *here = g_get_current_dir ();
  g_autofree char *prefix = g_build_filename (here, "out", NULL);
  g_autoptr (GError) error = NULL;

  g_test_summary ("Two outputs at one place are refused, however that is written");

  ds_test_stream_set_up (&test, "local[2]");
  stream = ds_streaming_context_queue_stream (test.ssc);
  ds_dstream_save_as_text_files (stream, "out", NULL);
  ds_dstream_save_as_text_files (stream, prefix, NULL);
  g_assert_false (ds_streaming_context_start (test.ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  ds_test_stream_tear_down (&test);
}

/* A stream of the batches "ab" "c" (two partitions), nothing, "d". */
static DsDStream *
set_up_letters (DsTestStream *test, char **directory, char **prefix)
{
  g_autoptr (GError) error = NULL;
  DsDStream *stream;

  *directory = g_dir_make_tmp ("ds-test-XXXXXX", &error);
  g_assert_no_error (error);
  *prefix = g_build_filename (*directory, "out", NULL);
  ds_test_stream_set_up (test, "local[2]");
  stream = ds_streaming_context_queue_stream (test->ssc);
  ds_test_stream_push (stream, "ab", "c", NULL);
  ds_test_stream_push (stream, NULL);
  ds_test_stream_push (stream, "d", NULL);
  return stream;
}

static void
run_letters (DsTestStream *test)
{
  ds_test_stream_start (test);
  ds_test_stream_run (test, 3);
  ds_test_stream_tear_down (test);
}

static void
test_binary_files_hold_bytes (void)
{
  DsTestStream test;
  g_autofree char *directory = NULL;
  g_autofree char *prefix = NULL;
  DsDStream *stream = set_up_letters (&test, &directory, &prefix);
  static const char *const expected[][2] = { { "ab", "c" }, { "", "" }, { "", "d" } };

  g_test_summary ("save_as_binary_files has the layout of text files, and bytes only");

  g_assert_cmpstr (ds_output_get_name (
                       ds_dstream_save_as_binary_files (stream, prefix, "bin")),
                   ==, "save_as_binary_files-0");
  run_letters (&test);

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s-%u000.bin", prefix, i + 1);

      assert_file (path, "part-00000", expected[i][0]);
      assert_file (path, "part-00001", expected[i][1]);
      assert_file (path, "_SUCCESS", "");
      g_assert_cmpint (g_rmdir (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

static void
test_msgpack_files_hold_types (void)
{
  DsTestStream test;
  g_autofree char *directory = NULL;
  g_autofree char *prefix = NULL;
  DsDStream *stream = set_up_letters (&test, &directory, &prefix);
  DsOutput *output = ds_dstream_save_as_msgpack_files (stream, prefix, NULL);

  g_test_summary ("save_as_msgpack_files keeps strings strings");

  ds_output_set_single_file (output, TRUE);
  ds_output_set_skip_empty (output, TRUE);
  run_letters (&test);

  assert_file (directory, "out-1000",
               "\xa2"
               "ab\xa1"
               "c");
  assert_file (directory, "out-3000",
               "\xa1"
               "d");
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

static void
test_single_files_are_one_a_batch (void)
{
  DsTestStream test;
  g_autofree char *directory = NULL;
  g_autofree char *prefix = NULL;
  DsDStream *stream = set_up_letters (&test, &directory, &prefix);

  g_test_summary ("With single_file a batch is a file, also without values");

  ds_output_set_single_file (ds_dstream_save_as_text_files (stream, prefix, "txt"), TRUE);
  run_letters (&test);

  assert_file (directory, "out-1000.txt", "ab\nc\n");
  assert_file (directory, "out-2000.txt", "");
  assert_file (directory, "out-3000.txt", "d\n");
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

static void
test_empty_batches_can_be_skipped (void)
{
  DsTestStream test;
  g_autofree char *directory = NULL;
  g_autofree char *prefix = NULL;
  DsDStream *stream = set_up_letters (&test, &directory, &prefix);
  g_autofree char *first = g_strconcat (prefix, "-1000", NULL);
  g_autofree char *third = g_strconcat (prefix, "-3000", NULL);

  g_test_summary ("With skip_empty a batch without values leaves nothing");

  ds_output_set_skip_empty (ds_dstream_save_as_text_files (stream, prefix, ""), TRUE);
  run_letters (&test);

  assert_file (first, "part-00000", "ab\n");
  assert_file (first, "part-00001", "c\n");
  assert_file (first, "_SUCCESS", "");
  assert_file (third, "part-00000", "");
  assert_file (third, "part-00001", "d\n");
  assert_file (third, "_SUCCESS", "");
  g_assert_cmpint (g_rmdir (first), ==, 0);
  g_assert_cmpint (g_rmdir (third), ==, 0);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

static void
test_a_directory_of_the_batch_is_replaced (void)
{
  DsTestStream test;
  g_autofree char *directory = NULL;
  g_autofree char *prefix = NULL;
  DsDStream *stream = set_up_letters (&test, &directory, &prefix);
  g_autofree char *first = g_strconcat (prefix, "-1000", NULL);
  g_autofree char *old_part = g_build_filename (first, "part-00007", NULL);
  g_autofree char *old_first = g_build_filename (first, "part-00000", NULL);
  g_autofree char *foreign = g_build_filename (first, "notes", NULL);

  g_test_summary ("What an earlier run of the batch left is replaced, nothing else");

  g_assert_cmpint (g_mkdir (first, 0777), ==, 0);
  g_assert_true (g_file_set_contents (old_part, "old\n", -1, NULL));
  g_assert_true (g_file_set_contents (old_first, "old\n", -1, NULL));
  g_assert_true (g_file_set_contents (foreign, "mine\n", -1, NULL));
  ds_output_set_skip_empty (ds_dstream_save_as_text_files (stream, prefix, NULL), TRUE);
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 1);
  ds_test_stream_tear_down (&test);

  assert_file (first, "part-00000", "ab\n");
  assert_file (first, "part-00001", "c\n");
  assert_file (first, "_SUCCESS", "");
  assert_file (first, "notes", "mine\n");
  g_assert_cmpint (g_rmdir (first), ==, 0);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

static void
test_files_options_are_of_files_only (void)
{
  void (*const setters[]) (DsOutput *, gboolean) = { ds_output_set_skip_empty,
                                                     ds_output_set_single_file };

  g_test_summary ("skip_empty and single_file of another output fail the start");

  for (guint i = 0; i < G_N_ELEMENTS (setters); i++)
    {
      DsTestStream test;
      const GError *error;

      ds_test_stream_set_up (&test, "local");
      setters[i](ds_dstream_print (ds_streaming_context_queue_stream (test.ssc), 10),
                 TRUE);
      error = ds_streaming_context_get_build_error (test.ssc);
      g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
      g_assert_nonnull (strstr (error->message, "print-0"));
      g_assert_nonnull (strstr (error->message, "save_as_text_files"));
      ds_test_stream_tear_down (&test);
    }
}

static void
test_a_failed_output_leaves_no_success (void)
{
  DsTestStream test;
  g_autofree char *directory = NULL;
  g_autofree char *prefix = NULL;
  DsDStream *stream = set_up_letters (&test, &directory, &prefix);
  g_autofree char *first = g_strconcat (prefix, "-1000", NULL);
  g_autofree char *success = g_build_filename (first, "_SUCCESS", NULL);
  g_autoptr (GError) error = NULL;

  g_test_summary (
      "Lengths are no bytes: the output fails, names the batch, and no success");

  ds_dstream_save_as_binary_files (ds_dstream_count (stream), prefix, NULL);
  ds_test_stream_start (&test);
  ds_manual_clock_advance (test.clock, DS_SECOND);
  g_assert_false (ds_streaming_context_await_termination (test.ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_TYPE);
  g_assert_nonnull (strstr (error->message, "save_as_binary_files-0 of batch 1000 ms"));
  g_assert_false (g_file_test (success, G_FILE_TEST_EXISTS));
  ds_test_stream_tear_down (&test);
  {
    g_autoptr (GDir) left = g_dir_open (first, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name (left)) != NULL)
      {
        g_autofree char *path = g_build_filename (first, name, NULL);

        g_assert_true (g_str_has_prefix (name, "part-"));
        g_unlink (path);
      }
  }
  g_assert_cmpint (g_rmdir (first), ==, 0);
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
test_outputs_share_no_place (void)
{
  DsTestStream test;
  DsDStream *stream;
  const GError *error;

  g_test_summary ("Two outputs that would replace each other's files are a mistake");

  ds_test_stream_set_up (&test, "local");
  stream = ds_streaming_context_queue_stream (test.ssc);
  ds_dstream_save_as_text_files (stream, "counts", "txt");
  ds_dstream_save_as_text_files (stream, "counts", "text");
  ds_dstream_save_as_binary_files (stream, "count", "txt");
  ds_dstream_save_as_text_files (stream, "", "txt");
  g_assert_no_error (ds_streaming_context_get_build_error (test.ssc));
  ds_dstream_save_as_msgpack_files (ds_dstream_count (stream), "counts", "txt");
  error = ds_streaming_context_get_build_error (test.ssc);
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "save_as_msgpack_files"));
  g_assert_nonnull (strstr (error->message, "\"counts\" and the suffix \"txt\""));
  g_assert_nonnull (strstr (error->message, "save_as_text_files-0"));
  ds_test_stream_tear_down (&test);

  ds_test_stream_set_up (&test, "local");
  stream = ds_streaming_context_queue_stream (test.ssc);
  ds_dstream_save_as_text_files (stream, "counts", NULL);
  ds_dstream_save_as_text_files (stream, "counts", "");
  g_assert_error (ds_streaming_context_get_build_error (test.ssc), DS_ERROR,
                  DS_ERROR_INVALID_ARGUMENT);
  ds_test_stream_tear_down (&test);
}

static void
test_descriptions_name_the_way (void)
{
  DsTestStream test;
  g_autofree char *description = NULL;
  DsDStream *left;
  DsDStream *right;
  DsOutput *output;

  g_test_summary ("An output is described by the streams that lead to it");

  ds_test_stream_set_up (&test, "local");
  left = ds_streaming_context_queue_stream (test.ssc);
  right = ds_dstream_key_by (ds_streaming_context_queue_stream (test.ssc), ds_to_string,
                             NULL, NULL);
  output = ds_dstream_print (ds_dstream_join (left, right), 10);
  ds_dstream_set_name (left, "clicks");
  description = ds_output_get_description (output);
  g_assert_cmpstr (description, ==, "clicks -> join (with key_by) -> print");
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
  g_test_add_func ("/dstream/outputs/a-relative-prefix-stays-where-it-was-defined",
                   test_a_relative_prefix_stays_where_it_was_defined);
  g_test_add_func ("/dstream/outputs/a-relative-prefix-is-known-as-the-absolute-one",
                   test_a_relative_prefix_is_known_as_the_absolute_one);
  g_test_add_func ("/dstream/outputs/text-files-hold-each-partition",
                   test_text_files_hold_each_partition);
  g_test_add_func ("/dstream/outputs/binary-files-hold-bytes",
                   test_binary_files_hold_bytes);
  g_test_add_func ("/dstream/outputs/msgpack-files-hold-types",
                   test_msgpack_files_hold_types);
  g_test_add_func ("/dstream/outputs/single-files-are-one-a-batch",
                   test_single_files_are_one_a_batch);
  g_test_add_func ("/dstream/outputs/empty-batches-can-be-skipped",
                   test_empty_batches_can_be_skipped);
  g_test_add_func ("/dstream/outputs/a-directory-of-the-batch-is-replaced",
                   test_a_directory_of_the_batch_is_replaced);
  g_test_add_func ("/dstream/outputs/files-options-are-of-files-only",
                   test_files_options_are_of_files_only);
  g_test_add_func ("/dstream/outputs/a-failed-output-leaves-no-success",
                   test_a_failed_output_leaves_no_success);
  g_test_add_func ("/dstream/outputs/output-keys-are-stable",
                   test_output_keys_are_stable);
  g_test_add_func ("/dstream/outputs/bodies-run-in-order-of-registration",
                   test_bodies_run_in_order_of_registration);
  g_test_add_func ("/dstream/outputs/names-are-unique", test_names_are_unique);
  g_test_add_func ("/dstream/outputs/outputs-share-no-place",
                   test_outputs_share_no_place);
  g_test_add_func ("/dstream/outputs/descriptions-name-the-way",
                   test_descriptions_name_the_way);
  g_test_add_func ("/dstream/outputs/blocks-are-of-collect-only",
                   test_blocks_are_of_collect_only);
  return g_test_run ();
}
