/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The conformance program itself: that it can fail, that it says what it did not run and
 * why, and that nothing malformed passes. */

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>

typedef struct
{
  int status;
  char *output;
  char *errors;
  char **lines; /* of the output */
} Result;

static void
result_clear (Result *self)
{
  g_free (self->output);
  g_free (self->errors);
  g_strfreev (self->lines);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Result, result_clear)

static void
run_program (const char *directory, Result *result)
{
  g_autofree char *program =
      g_test_build_filename (G_TEST_BUILT, "conformance", "ds-conformance-dstream", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE,
                        &error, program, "--timeout", "60", directory, NULL);

  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (process, NULL, NULL, &result->output, &result->errors,
                                 &error);
  g_assert_no_error (error);
  g_test_message ("%s%s", result->output, result->errors);
  g_assert_true (g_subprocess_get_if_exited (process));
  result->status = g_subprocess_get_exit_status (process);
  result->lines = g_strsplit (result->output, "\n", -1);
}

static void
run_fixtures (const char *name, Result *result)
{
  g_autofree char *directory =
      g_test_build_filename (G_TEST_DIST, "conformance", "fixtures", name, NULL);

  run_program (directory, result);
}

/* The cases of a fixture file. */
static JsonArray *
load_cases (JsonParser *parser, const char *name, const char *file_name)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "conformance", "fixtures",
                                                 name, file_name, NULL);
  g_autoptr (GError) error = NULL;

  json_parser_load_from_file (parser, path, &error);
  g_assert_no_error (error);
  return json_node_get_array (json_parser_get_root (parser));
}

static const char *
find_line (Result *result, const char *prefix)
{
  for (guint i = 0; result->lines[i] != NULL; i++)
    if (g_str_has_prefix (result->lines[i], prefix))
      return result->lines[i];
  return NULL;
}

static guint
count_lines (Result *result, const char *prefix)
{
  guint n_lines = 0;

  for (guint i = 0; result->lines[i] != NULL; i++)
    n_lines += g_str_has_prefix (result->lines[i], prefix) ? 1 : 0;
  return n_lines;
}

static void
test_right_expectations_pass (void)
{
  g_auto (Result) result = { 0 };
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonArray *cases = load_cases (parser, "right", "right.json");

  g_test_summary ("What is as expected is ok, one line a case, with status 0");
  run_fixtures ("right", &result);
  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      const char *name =
          json_object_get_string_member (json_array_get_object_element (cases, i),
                                         "name");
      g_autofree char *line = g_strdup_printf ("ok %s", name);

      if (find_line (&result, line) == NULL)
        g_test_fail_printf ("no line \"%s\"", line);
    }
  g_assert_cmpint (result.status, ==, 0);
  g_assert_cmpuint (count_lines (&result, "ok "), ==, json_array_get_length (cases));
  g_assert_cmpuint (count_lines (&result, "not ok "), ==, 0);
  g_assert_cmpuint (count_lines (&result, "skip "), ==, 0);
}

static void
test_wrong_expectations_do_not_pass (void)
{
  g_auto (Result) result = { 0 };
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonArray *cases = load_cases (parser, "wrong", "wrong.json");

  g_test_summary ("Each wrong expectation is not ok, names the difference, status 1");
  run_fixtures ("wrong", &result);
  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      const char *name =
          json_object_get_string_member (json_array_get_object_element (cases, i),
                                         "name");
      g_autofree char *line = g_strdup_printf ("not ok %s # ", name);

      if (find_line (&result, line) == NULL)
        g_test_fail_printf ("no line \"%s\"", line);
    }
  g_assert_cmpint (result.status, ==, 1);
  g_assert_cmpuint (count_lines (&result, "ok "), ==, 0);
  g_assert_cmpuint (count_lines (&result, "skip "), ==, 0);
}

static void
test_unknown_things_are_skipped_with_their_name (void)
{
  g_auto (Result) result = { 0 };
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonArray *cases = load_cases (parser, "unknown", "unknown.json");

  g_test_summary ("What is not known is a skip whose reason names it");
  run_fixtures ("unknown", &result);
  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      JsonObject *test_case = json_array_get_object_element (cases, i);
      g_autofree char *prefix =
          g_strdup_printf ("skip %s # ",
                           json_object_get_string_member (test_case, "name"));
      const char *line = find_line (&result, prefix);

      if (line == NULL ||
          strstr (line, json_object_get_string_member (test_case, "note")) == NULL)
        g_test_fail_printf ("no line \"%s...%s\"", prefix,
                            json_object_get_string_member (test_case, "note"));
    }
  g_assert_cmpint (result.status, ==, 0);
  g_assert_cmpuint (count_lines (&result, "skip "), ==, json_array_get_length (cases));
  g_assert_cmpuint (count_lines (&result, "ok "), ==, 0);
}

static void
test_malformed_cases_do_not_pass (void)
{
  g_auto (Result) result = { 0 };
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonArray *cases = load_cases (parser, "malformed", "cases.json");

  g_test_summary ("Malformed files and cases are not ok, and the next one is run");
  run_fixtures ("malformed", &result);
  for (guint i = 1; i < json_array_get_length (cases); i++)
    {
      g_autofree char *line =
          g_strdup_printf ("not ok %s # ",
                           json_object_get_string_member (
                               json_array_get_object_element (cases, i), "name"));

      if (find_line (&result, line) == NULL)
        g_test_fail_printf ("no line \"%s\"", line);
    }
  g_assert_nonnull (find_line (&result, "not ok case 1 # "));
  g_assert_nonnull (find_line (&result, "not ok cut-off.json # "));
  g_assert_nonnull (find_line (&result, "not ok not-a-list.json # "));
  g_assert_nonnull (find_line (&result, "not ok nothing.json # "));
  g_assert_cmpint (result.status, ==, 1);
  g_assert_cmpuint (count_lines (&result, "ok "), ==, 0);
  g_assert_cmpuint (count_lines (&result, "skip "), ==, 0);
}

static void
test_nothing_to_run_is_an_error (void)
{
  g_auto (Result) empty = { 0 };
  g_auto (Result) missing = { 0 };
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = g_dir_make_tmp ("test-runner-XXXXXX", &error);
  g_autofree char *absent = NULL;

  g_test_summary ("An empty or missing directory has status 2 and a message");
  g_assert_no_error (error);
  absent = g_build_filename (directory, "absent", NULL);
  run_program (directory, &empty);
  run_program (absent, &missing);
  g_rmdir (directory);

  g_assert_cmpint (empty.status, ==, 2);
  g_assert_nonnull (strstr (empty.errors, directory));
  g_assert_cmpint (missing.status, ==, 2);
  g_assert_nonnull (strstr (missing.errors, absent));
}

static void
test_totals_are_counted_by_file (void)
{
  g_auto (Result) result = { 0 };
  g_autoptr (JsonParser) parser = json_parser_new ();
  guint n_cases = json_array_get_length (load_cases (parser, "unknown", "unknown.json"));
  g_autofree char *of_file =
      g_strdup_printf ("# unknown.json: 0 ok, 0 not ok, %u skipped", n_cases);
  g_autofree char *of_all =
      g_strdup_printf ("# total: 0 ok, 0 not ok, %u skipped", n_cases);

  g_test_summary ("A line after each file and one at the end count the results");
  run_fixtures ("unknown", &result);
  g_assert_nonnull (find_line (&result, of_file));
  g_assert_nonnull (find_line (&result, of_all));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/conformance/runner/right-expectations-pass",
                   test_right_expectations_pass);
  g_test_add_func ("/conformance/runner/wrong-expectations-do-not-pass",
                   test_wrong_expectations_do_not_pass);
  g_test_add_func ("/conformance/runner/unknown-things-are-skipped-with-their-name",
                   test_unknown_things_are_skipped_with_their_name);
  g_test_add_func ("/conformance/runner/malformed-cases-do-not-pass",
                   test_malformed_cases_do_not_pass);
  g_test_add_func ("/conformance/runner/nothing-to-run-is-an-error",
                   test_nothing_to_run_is_an_error);
  g_test_add_func ("/conformance/runner/totals-are-counted-by-file",
                   test_totals_are_counted_by_file);
  return g_test_run ();
}
