/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dstream/ds-streaming-context-private.h"
#include "tests/dstream/ds-test-stream.h"

#include <glib/gstdio.h>

static DsStreamingContext *
new_context (void)
{
  return ds_streaming_context_new ("local", "test", DS_SECOND);
}

/* What load_settings () makes of a key file of that text; the error is the caller's. */
static gboolean
load (DsStreamingContext *ssc, const char *text, GError **error)
{
  g_autofree char *directory = g_dir_make_tmp ("ds-test-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "settings.ini", NULL);
  gboolean ok;

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  ok = ds_streaming_context_load_settings (ssc, path, error);
  g_assert_true (ok == (error == NULL || *error == NULL));
  g_unlink (path);
  g_rmdir (directory);
  return ok;
}

static void
test_defaults_are_those_of_the_table (void)
{
  g_autoptr (DsStreamingContext) ssc = new_context ();
  g_autofree GParamSpec **specs = NULL;
  guint n_specs;
  guint n_writable = 0;

  g_test_summary ("A new context has the default of each property");

  specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (ssc), &n_specs);
  for (guint i = 0; i < n_specs; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;

      if (!(specs[i]->flags & G_PARAM_WRITABLE) || G_IS_PARAM_SPEC_OBJECT (specs[i]))
        continue;
      g_value_init (&value, specs[i]->value_type);
      g_object_get_property (G_OBJECT (ssc), specs[i]->name, &value);
      g_assert_true (g_param_value_defaults (specs[i], &value));
      n_writable++;
    }
  g_assert_cmpuint (n_writable, >=, 9);
  g_assert_no_error (ds_streaming_context_get_build_error (ssc));
}

static void
test_properties_come_back (void)
{
  g_autoptr (DsStreamingContext) ssc = new_context ();
  gint64 block_interval;
  guint64 max_received_bytes;
  guint max_waiting_batches;
  DsFailurePolicy failure_policy;
  gboolean stop_context;
  double proportional;

  g_test_summary ("What was set is what is read, in the type of the property");

  g_object_set (ssc, "block-interval", 30 * DS_MILLISECOND, "max-received-bytes",
                G_GUINT64_CONSTANT (5000000000), "max-waiting-batches", 7,
                "failure-policy", DS_FAILURE_POLICY_CONTINUE, "stop-context", FALSE,
                "backpressure-pid-proportional", 1.0 / 3.0, NULL);
  g_object_get (ssc, "block-interval", &block_interval, "max-received-bytes",
                &max_received_bytes, "max-waiting-batches", &max_waiting_batches,
                "failure-policy", &failure_policy, "stop-context", &stop_context,
                "backpressure-pid-proportional", &proportional, NULL);
  g_assert_cmpfloat (proportional, ==, 1.0 / 3.0);
  g_assert_cmpint (block_interval, ==, 30000);
  g_assert_cmpuint (max_received_bytes, ==, G_GUINT64_CONSTANT (5000000000));
  g_assert_cmpuint (max_waiting_batches, ==, 7);
  g_assert_cmpint (failure_policy, ==, DS_FAILURE_POLICY_CONTINUE);
  g_assert_false (stop_context);
}

static void
test_directories_have_names (void)
{
  g_autoptr (DsStreamingContext) ssc = new_context ();
  const GError *error;

  g_test_summary ("An empty name is a mistake, also as a property; NULL is none");

  g_object_set (ssc, "checkpoint-directory", "there", NULL);
  g_object_set (ssc, "checkpoint-directory", NULL, NULL);
  g_assert_null (ssc->checkpoint_directory);
  g_assert_null (ds_streaming_context_get_build_error (ssc));
  g_object_set (ssc, "checkpoint-directory", "", NULL);
  g_assert_null (ssc->checkpoint_directory);
  error = ds_streaming_context_get_build_error (ssc);
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "checkpoint-directory"));
}

static void
test_key_files_set_every_kind (void)
{
  g_autoptr (DsStreamingContext) ssc = new_context ();
  g_autoptr (GError) error = NULL;

  g_test_summary ("A key file sets durations, sizes, counts, choices and booleans");

  load (ssc,
        "[other program]\n"
        "colour = blue\n"
        "[streaming]\n"
        "# a comment\n"
        "block-interval = 1.1ms\n"
        "receiver-restart-delay = 1.5 s\n"
        "graceful-stop-timeout=90000000\n"
        "max-received-bytes = 16MiB\n"
        "max-waiting-batches = 3\n"
        "receiver-max-rate = 5000\n"
        "backpressure-enabled = true\n"
        "backpressure-pid-integral = 0.25\n"
        "backpressure-pid-min-rate = 12\n"
        "failure-policy = retry\n"
        "catch-up-policy = skip-empty\n"
        "stop-context = false\n",
        &error);
  g_assert_no_error (error);
  g_assert_cmpint (ssc->block_interval, ==, 1100);
  g_assert_cmpint (ssc->receiver_restart_delay, ==, 1500000);
  g_assert_cmpint (ssc->graceful_stop_timeout, ==, 90000000);
  g_assert_cmpuint (ssc->max_received_bytes, ==, 16777216);
  g_assert_cmpuint (ssc->max_waiting_batches, ==, 3);
  g_assert_cmpuint (ssc->receiver_max_rate, ==, 5000);
  g_assert_true (ssc->backpressure_enabled);
  g_assert_cmpfloat (ssc->backpressure_proportional, ==, 1.0);
  g_assert_cmpfloat (ssc->backpressure_integral, ==, 0.25);
  g_assert_cmpfloat (ssc->backpressure_derivative, ==, 0.0);
  g_assert_cmpfloat (ssc->backpressure_min_rate, ==, 12.0);
  g_assert_cmpuint (ssc->max_batch_retries, ==, 3);
  g_assert_cmpint (ssc->failure_policy, ==, DS_FAILURE_POLICY_RETRY);
  g_assert_cmpint (ssc->catch_up_policy, ==, DS_CATCH_UP_SKIP_EMPTY);
  g_assert_false (ssc->stop_context);
}

static void
test_whole_numbers_are_exact (void)
{
  static const struct
  {
    const char *text;
    guint64 expected; /* 0: refused */
  } cases[] = {
    { "9007199254740993", G_GUINT64_CONSTANT (9007199254740993) },
    { "9223372036854775807", G_GUINT64_CONSTANT (9223372036854775807) },
    { "8589934591 GiB", G_GUINT64_CONSTANT (9223372035781033984) },
    { "9223372036854775808", 0 },
    { "8589934592GiB", 0 },
  };

  g_test_summary ("A number without a point is taken to the last digit, or refused");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (DsStreamingContext) ssc = new_context ();
      g_autoptr (GError) error = NULL;
      g_autofree char *text =
          g_strdup_printf ("[streaming]\nmax-received-bytes = %s\n", cases[i].text);

      load (ssc, text, &error);
      if (cases[i].expected == 0)
        g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
      else
        g_assert_no_error (error);
      g_assert_cmpuint (ssc->max_received_bytes, ==, cases[i].expected);
    }
}

static void
test_mistakes_name_what_is_expected (void)
{
  static const struct
  {
    const char *line;
    const char *names[4];
  } cases[] = {
    { "blok-interval = 50ms",
      { "blok-interval", "block-interval", "failure-policy", "stop-context" } },
    { "block-interval = fast", { "block-interval", "fast", "a duration", "200ms" } },
    { "block-interval = 5 parsecs", { "block-interval", "5 parsecs", "min" } },
    { "block-interval = -1s", { "block-interval", "-1s", "at least 1ms" } },
    { "block-interval = 0.5ms", { "block-interval", "0.5ms", "at least 1ms" } },
    { "block-interval = 0x100000", { "block-interval", "0x100000", "a duration" } },
    { "block-interval = 1e300h", { "block-interval", "1e300h", "a duration" } },
    { "block-interval = 0.0000001s", { "block-interval", "0.0000001s", "a duration" } },
    { "block-interval =", { "block-interval", "\"\"", "a duration" } },
    { "max-received-bytes = 3kB", { "max-received-bytes", "3kB", "64KiB" } },
    { "max-waiting-batches = 0", { "max-waiting-batches", "\"0\"", "at least 1" } },
    { "max-waiting-batches = 2.5", { "max-waiting-batches", "2.5", "a whole number" } },
    { "max-waiting-batches = 4294967296", { "4294967296", "a whole number" } },
    { "failure-policy = ignore",
      { "failure-policy", "ignore", "stop, retry or continue" } },
    { "stop-context = maybe", { "stop-context", "maybe", "true or false" } },
    { "backpressure-pid-integral = -0.2", { "integral", "-0.2", "a number of 0 to" } },
    { "backpressure-pid-integral = 0.0000001", { "0.0000001", "6 decimals" } },
    { "backpressure-pid-integral = 1e10", { "1e10", "1e9" } },
    { "backpressure-pid-min-rate = 0.5", { "min-rate", "0.5", "a number of 1 to" } },
  };

  g_test_summary ("A mistake names the setting, the value and what is expected");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (DsStreamingContext) ssc = new_context ();
      g_autofree char *text =
          g_strdup_printf ("[streaming]\nmax-batch-retries = 9\n%s\n", cases[i].line);
      g_autoptr (GError) error = NULL;

      g_assert_false (load (ssc, text, &error));
      g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
      g_assert_nonnull (strstr (error->message, "settings.ini"));
      for (guint k = 0; k < 4 && cases[i].names[k] != NULL; k++)
        if (strstr (error->message, cases[i].names[k]) == NULL)
          g_error ("%s: no %s in: %s", cases[i].line, cases[i].names[k], error->message);
      /* All or nothing. */
      g_assert_cmpuint (ssc->max_batch_retries, ==, 3);
      /* For who did not look. */
      g_assert_cmpstr (ds_streaming_context_get_build_error (ssc)->message, ==,
                       error->message);
    }
}

static void
test_files_that_are_none (void)
{
  g_autoptr (DsStreamingContext) ssc = new_context ();
  g_autoptr (GError) missing = NULL;
  g_autoptr (GError) malformed = NULL;
  g_autoptr (GError) without = NULL;

  g_test_summary ("A missing file, one that is no key file, one without the group");

  g_assert_false (
      ds_streaming_context_load_settings (ssc, "/nowhere/settings.ini", &missing));
  g_assert_error (missing, DS_ERROR, DS_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (missing->message, "/nowhere/settings.ini"));
  g_assert_false (load (ssc, "just text\n", &malformed));
  g_assert_error (malformed, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  g_assert_false (load (ssc, "[stream]\nblock-interval = 1s\n", &without));
  g_assert_error (without, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (without->message, "[streaming]"));
}

static void
test_a_bad_file_fails_the_start (void)
{
  g_autoptr (DsStreamingContext) ssc = new_context ();
  g_autoptr (GError) error = NULL;

  g_test_summary ("Who does not look at load_settings learns of the mistake from start");

  ds_streaming_context_load_settings (ssc, "/nowhere/settings.ini", NULL);
  ds_dstream_print (ds_streaming_context_queue_stream (ssc), 10);
  g_assert_false (ds_streaming_context_start (ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "/nowhere/settings.ini"));
}

static void
test_the_environment_has_the_last_word (void)
{
  g_test_summary ("A variable beats the default and the file, a property set beats both");

  g_setenv ("DS_STREAMING_MAX_BATCH_RETRIES", "8", TRUE);
  g_setenv ("DS_STREAMING_BLOCK_INTERVAL", "70ms", TRUE);
  {
    g_autoptr (DsStreamingContext) ssc = new_context ();
    g_autoptr (GError) error = NULL;

    g_assert_cmpuint (ssc->max_batch_retries, ==, 8);
    load (ssc, "[streaming]\nmax-batch-retries = 2\nmax-waiting-batches = 5\n", &error);
    g_assert_no_error (error);
    g_assert_cmpuint (ssc->max_batch_retries, ==, 8);
    g_assert_cmpuint (ssc->max_waiting_batches, ==, 5);
    g_object_set (ssc, "max-batch-retries", 1, NULL);
    g_assert_cmpuint (ssc->max_batch_retries, ==, 1);
    g_assert_cmpint (ssc->block_interval, ==, 70000);
  }
  g_unsetenv ("DS_STREAMING_MAX_BATCH_RETRIES");
  g_unsetenv ("DS_STREAMING_BLOCK_INTERVAL");
}

static void
test_mistakes_in_the_environment_fail_the_start (void)
{
  static const char *const cases[][3] = {
    { "DS_STREAMING_BLOCK_INTERVAL", "soon", "a duration" },
    { "DS_STREAMING_BLOCKINTERVAL", "1s", "DS_STREAMING_BLOCK_INTERVAL" },
  };

  g_test_summary ("An unknown or malformed variable is latched, naming what there is");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (DsStreamingContext) ssc = NULL;
      g_autoptr (GError) error = NULL;

      g_setenv (cases[i][0], cases[i][1], TRUE);
      ssc = new_context ();
      g_unsetenv (cases[i][0]);
      ds_dstream_print (ds_streaming_context_queue_stream (ssc), 1);
      g_assert_false (ds_streaming_context_start (ssc, &error));
      g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
      g_assert_nonnull (strstr (error->message, cases[i][0]));
      g_assert_nonnull (strstr (error->message, cases[i][2]));
    }
}

static void
test_settings_are_fixed_by_start (void)
{
  DsTestStream test;
  g_autoptr (GError) error = NULL;

  g_test_summary ("After start a file is refused and changes nothing");

  ds_test_stream_set_up (&test, "local");
  ds_dstream_collect (ds_streaming_context_queue_stream (test.ssc));
  ds_test_stream_start (&test);
  g_test_expect_message ("DStream", G_LOG_LEVEL_WARNING, "*load_settings*");
  g_assert_false (load (test.ssc, "[streaming]\nmax-batch-retries = 2\n", &error));
  g_test_assert_expected_messages ();
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_cmpuint (test.ssc->max_batch_retries, ==, 3);
  ds_test_stream_tear_down (&test);
}

/* With DS_TEST_WRITE=1 it writes the table instead. */
static void
test_documentation_has_the_table (void)
{
  g_autofree char *path =
      g_test_build_filename (G_TEST_DIST, "..", "docs", "settings.md", NULL);
  g_autofree char *table = ds_streaming_context_describe_settings ();
  g_autofree char *text = NULL;

  g_test_summary ("docs/settings.md has the table of the library");

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  if (g_getenv ("DS_TEST_WRITE") != NULL)
    {
      g_auto (GStrv) parts = g_strsplit (text, "| setting |", 2);
      g_autofree char *written = g_strconcat (parts[0], table, NULL);

      g_assert_true (g_file_set_contents (path, written, -1, NULL));
      return;
    }
  g_assert_true (g_str_has_suffix (text, table));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/settings/defaults-are-those-of-the-table",
                   test_defaults_are_those_of_the_table);
  g_test_add_func ("/dstream/settings/properties-come-back", test_properties_come_back);
  g_test_add_func ("/dstream/settings/directories-have-names",
                   test_directories_have_names);
  g_test_add_func ("/dstream/settings/key-files-set-every-kind",
                   test_key_files_set_every_kind);
  g_test_add_func ("/dstream/settings/whole-numbers-are-exact",
                   test_whole_numbers_are_exact);
  g_test_add_func ("/dstream/settings/mistakes-name-what-is-expected",
                   test_mistakes_name_what_is_expected);
  g_test_add_func ("/dstream/settings/files-that-are-none", test_files_that_are_none);
  g_test_add_func ("/dstream/settings/the-environment-has-the-last-word",
                   test_the_environment_has_the_last_word);
  g_test_add_func ("/dstream/settings/mistakes-in-the-environment-fail-the-start",
                   test_mistakes_in_the_environment_fail_the_start);
  g_test_add_func ("/dstream/settings/settings-are-fixed-by-start",
                   test_settings_are_fixed_by_start);
  g_test_add_func ("/dstream/settings/documentation-has-the-table",
                   test_documentation_has_the_table);
  g_test_add_func ("/dstream/settings/a-bad-file-fails-the-start",
                   test_a_bad_file_fails_the_start);
  return g_test_run ();
}
