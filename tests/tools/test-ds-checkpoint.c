/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ds-checkpoint as its users see it.  $DS_CHECKPOINT names the program; the directory is
 * that of the format's test, as it is and damaged. */

#include "tests/base/ds-test-durable-private.h"

#include <gio/gio.h>

#define OLD_NAME "ckpt-00000001600000000000"
#define NEW_NAME "ckpt-00000001600000001000"
#define FIRST_SEGMENT "wal-0000000000000001"
#define LAST_SEGMENT "wal-0000000000000002"

typedef DsTestDurable Fixture;

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  const char *const names[] = { "app", OLD_NAME, NEW_NAME, FIRST_SEGMENT, LAST_SEGMENT };

  ds_test_durable_set_up (fixture, NULL);
  g_assert_cmpint (g_mkdir (fixture->path, 0700), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_test_build_filename (G_TEST_DIST, "base", "data",
                                                     "format-1.0", names[i], NULL);
      g_autofree char *bytes = NULL;
      gsize n_bytes;

      g_assert_true (g_file_get_contents (path, &bytes, &n_bytes, NULL));
      ds_test_durable_write (fixture, names[i], bytes, n_bytes);
    }
}

/* Runs the program; output and complaints together. */
static char *
run (Fixture *fixture, int expected_status, const char *command, const char *more)
{
  const char *arguments[] = { g_getenv ("DS_CHECKPOINT"), command,
                              command != NULL ? fixture->path : NULL, more, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process =
      g_subprocess_newv (arguments,
                         G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE,
                         &error);
  char *output = NULL;

  g_assert_no_error (error);
  g_assert_true (
      g_subprocess_communicate_utf8 (process, NULL, NULL, &output, NULL, &error));
  if (g_subprocess_get_exit_status (process) != expected_status)
    g_error ("status %d: %s", g_subprocess_get_exit_status (process), output);
  return output;
}

static void
flip (Fixture *fixture, const char *name, gsize offset)
{
  gsize n_bytes;
  g_autofree char *bytes = ds_test_durable_read (fixture, name, &n_bytes);

  g_assert_cmpuint (offset, <, n_bytes);
  bytes[offset] ^= 1;
  ds_test_durable_write (fixture, name, bytes, n_bytes);
}

static void
assert_has (const char *output, const char *words)
{
  if (strstr (output, words) == NULL)
    g_error ("\"%s\" is not in: %s", words, output);
}

static void
test_lists (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Checkpoints with their times, and the segments of the log");

  g_autofree char *output = run (fixture, 0, "list", NULL);

  g_assert_cmpstr (output, ==,
                   OLD_NAME "  2020-09-13T12:26:40.000Z  log from 1\n" NEW_NAME
                            "  2020-09-13T12:26:41.000Z  log from 4  adds to " OLD_NAME
                            "\n" FIRST_SEGMENT "\n" LAST_SEGMENT "\n");
}

static void
test_inspects (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("The parts of the newest, or of one that is named");

  g_autofree char *newest = run (fixture, 0, "inspect", NULL);
  g_autofree char *old = run (fixture, 0, "inspect", OLD_NAME);

  assert_has (newest, "188 bytes, graph 0123456789abcdef\n"
                      "  state \"counts\", flags 1: 2 bytes\n"
                      "  source \"lines\": 5 bytes\n"
                      "log: records 4 to 5, 9 bytes, 1 plan, 1 attempt\n");
  assert_has (old,
              "  meta: 12 bytes\n"
              "  state \"counts\": 4 bytes\n"
              "log: records 1 to 5, 27 bytes, 2 plan, 1 attempt, 1 commit, 1 block\n");
}

static void
test_verifies (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A whole directory is said to be whole");

  g_autofree char *output = run (fixture, 0, "verify", NULL);

  g_assert_cmpstr (output, ==,
                   OLD_NAME ": whole\n" NEW_NAME
                            ": whole\nlog: records 4 to 5, 9 bytes, 1 plan, 1 attempt\n"
                            "recovery starts from " NEW_NAME "\n");
}

static void
test_tells_damage (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("What is damaged is told, the rest is shown, and nothing is changed");

  flip (fixture, NEW_NAME, 150);
  flip (fixture, FIRST_SEGMENT, 90);
  {
    g_autofree char *output = run (fixture, 1, "verify", NULL);
    g_autofree char *list = run (fixture, 0, "list", NULL);

    assert_has (output, OLD_NAME ": whole\n");
    assert_has (output, NEW_NAME ": damaged: ");
    assert_has (output, "log: damaged: ");
    assert_has (output, "damaged at byte 64, where record 1 should be");
    assert_has (output, "whole records of the log: records 2 to 5");
    assert_has (output, "recovery starts from " OLD_NAME);
    assert_has (list, NEW_NAME "  2020");
  }
  g_assert_true (ds_test_durable_has (fixture, NEW_NAME));
  g_assert_false (ds_test_durable_has (fixture, "unused-" NEW_NAME));

  flip (fixture, "app", 3);
  flip (fixture, OLD_NAME, 10);
  {
    g_autofree char *output = run (fixture, 1, "verify", NULL);
    g_autofree char *inspected = run (fixture, 1, "inspect", NULL);
    g_autofree char *list = run (fixture, 0, "list", NULL);

    assert_has (output, "app: damaged: ");
    assert_has (output, OLD_NAME ": damaged: ");
    assert_has (output, "No checkpoint in");
    assert_has (inspected, "No checkpoint in");
    assert_has (list, OLD_NAME "  damaged: ");
  }
}

static void
test_is_told_wrong (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Commands that are none end with 2, directories that are none with 1");

  g_autofree char *nothing = run (fixture, 2, NULL, NULL);
  g_autofree char *other = run (fixture, 2, "destroy", NULL);
  g_autofree char *more = run (fixture, 2, "list", "more");
  g_autofree char *option = run (fixture, 2, "list", "--keys");
  g_autofree char *format = run (fixture, 2, "export-state", "--format=xml");
  g_autofree char *help = run (fixture, 0, "--help", NULL);
  g_autofree char *unknown = run (fixture, 1, "inspect", "ckpt-1");
  g_autofree char *missing = NULL;

  ds_test_remove_tree (fixture->path);
  missing = run (fixture, 1, "list", NULL);
  assert_has (nothing, "list, inspect, verify, diff, export-state and drop-state");
  assert_has (other, "list, inspect, verify, diff, export-state and drop-state");
  assert_has (more, "list wants 1 argument, not 2; see --help");
  assert_has (option, "list has no option --keys");
  assert_has (format, "json and msgpack");
  assert_has (help, "drop-state DIR NAME");
  assert_has (unknown, "ckpt-1");
  assert_has (missing, fixture->path);
}

static void
test_finds_nothing (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A folder without checkpoints is said to be one, by every command");

  const char *const commands[] = { "list", "inspect", "verify", "export-state" };

  ds_test_remove_tree (fixture->path);
  g_assert_cmpint (g_mkdir (fixture->path, 0700), ==, 0);
  ds_test_durable_write (fixture, "letter", "Dear", 4);
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    {
      g_autofree char *output = run (fixture, 1, commands[i], NULL);

      assert_has (output, "there is no checkpoint, and no log, in \"");
      assert_has (output, fixture->path);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                  \
  g_test_add ("/tools/ds-checkpoint/" name, Fixture, NULL, set_up, func, \
              ds_test_durable_tear_down)
  ADD ("lists", test_lists);
  ADD ("inspects", test_inspects);
  ADD ("verifies", test_verifies);
  ADD ("tells-damage", test_tells_damage);
  ADD ("is-told-wrong", test_is_told_wrong);
  ADD ("finds-nothing", test_finds_nothing);
#undef ADD
  return g_test_run ();
}
