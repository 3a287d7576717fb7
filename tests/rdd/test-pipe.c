/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pipe: partitions through other programs. */

#include "tests/rdd/ds-test-shuffle.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sys/wait.h>

/* No process is left behind, running or not. */
static void
assert_no_children (void)
{
  g_assert_cmpint (waitpid (-1, NULL, WNOHANG), ==, -1);
}

static void
test_pipe_lines_in_lines_out (void)
{
  static const char *const words[] = { "pear", "apple", "quince", NULL };
  static const char *const upper[] = { "tr", "a-z", "A-Z", NULL };
  static const char *const count[] = { "sh", "-c", "wc -l | tr -d ' '", NULL };
  static const char *const no_end[] = { "sh", "-c", "cat >/dev/null; printf 'a\\n\\nb'",
                                        NULL };

  g_test_summary ("A line a value, in order; every partition has a program of its own");

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) texts =
          ds_test_parallelize (context, ds_block_new_from_strv (words), 2);
      g_autoptr (DsRdd) integers = ds_test_integers (context, 5, 7);
      g_autoptr (DsRdd) capitals = ds_rdd_pipe (texts, upper);
      g_autoptr (DsRdd) counts = ds_rdd_pipe (integers, count);
      g_autoptr (DsRdd) last = ds_rdd_pipe (texts, no_end);

      ds_test_assert_collects (capitals, "PEAR\nAPPLE\nQUINCE\n");
      ds_test_assert_collects (counts, "0\n1\n1\n0\n1\n1\n1\n");
      ds_test_assert_collects (last, "a\n\nb\na\n\nb\n");
    }
  assert_no_children ();
}

static void
test_pipe_much_both_ways (void)
{
  static const char *const cat[] = { "cat", NULL };
  static const char *const backwards[] = { "tac", NULL };
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, 300000, 3);
  g_autoptr (DsRdd) copied = ds_rdd_pipe (integers, cat);
  g_autoptr (DsRdd) turned = ds_rdd_pipe (copied, backwards);
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) block = ds_rdd_collect (turned, &error);

  g_test_summary (
      "More than any pipe holds goes in and comes out, at once or at the end");

  g_assert_no_error (error);
  g_assert_cmpuint (ds_block_get_length (block), ==, 300000);
  for (gint64 i = 0; i < 300000; i++)
    {
      const gint64 expected = i / 100000 * 100000 + 99999 - i % 100000;
      char text[24];

      g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, expected);
      g_assert_true (ds_value_equals_string (ds_block_get (block, (gsize) i), text));
    }
  assert_no_children ();
}

static void
test_pipe_who_has_enough (void)
{
  static const char *const head[] = { "head", "-n", "2", NULL };
  static const char *const endless[] = { "yes", NULL };
  static const char *const deaf[] = { "sh", "-c", "exec <&-; echo deaf", NULL };
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, 1000000, 2);
  g_autoptr (DsRdd) heads = ds_rdd_pipe (integers, head);
  g_autoptr (DsRdd) many = ds_rdd_pipe (integers, endless);
  g_autoptr (DsRdd) none = ds_rdd_pipe (integers, deaf);
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) few = NULL;

  g_test_summary (
      "A program that reads no further, a reader that does not: both are fine");

  ds_test_assert_collects (heads, "0\n1\n500000\n500001\n");
  ds_test_assert_collects (none, "deaf\ndeaf\n");
  few = ds_rdd_take (many, 3, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ds_block_get_length (few), ==, 3);
  g_assert_true (ds_value_equals_string (ds_block_get (few, 2), "y"));
  assert_no_children ();
}

static void
test_pipe_without_output (void)
{
  g_autofree char *directory = g_dir_make_tmp ("ds-pipe-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "count", NULL);
  const char *const counts[] = { "sh", "-c", "exec >&-; exec wc -l >\"$0\"", path, NULL };
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, 300000, 1);
  g_autoptr (DsRdd) counted = ds_rdd_pipe (integers, counts);
  g_autofree char *count = NULL;

  g_test_summary ("A program that closes its output is told everything all the same");

  ds_test_assert_collects (counted, "");
  g_assert_true (g_file_get_contents (path, &count, NULL, NULL));
  g_assert_cmpstr (g_strstrip (count), ==, "300000");
  g_remove (path);
  g_rmdir (directory);
  assert_no_children ();
}

static void
test_pipe_failures (void)
{
  static const char *const fails[] = { "sh", "-c", "cat; exit 3", NULL };
  static const char *const killed[] = { "sh", "-c", "kill -9 $$", NULL };
  static const char *const missing[] = { "no-such-program-anywhere", NULL };
  static const char *const empty[] = { NULL };
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, 100, 2);
  g_autoptr (DsRdd) failing = ds_rdd_pipe (integers, fails);
  g_autoptr (DsRdd) dying = ds_rdd_pipe (integers, killed);
  g_autoptr (DsRdd) not_there = ds_rdd_pipe (integers, missing);
  g_autoptr (DsRdd) nothing = ds_rdd_pipe (integers, empty);

  g_test_summary ("The exit status counts, however good the output looks");

  ds_test_assert_fails (failing, DS_ERROR_USER_FUNCTION, "pipe", "sh", "3", NULL);
  ds_test_assert_fails (dying, DS_ERROR_USER_FUNCTION, "pipe", "signal", NULL);
  ds_test_assert_fails (not_there, DS_ERROR_NOT_FOUND, "no-such-program-anywhere", NULL);
  ds_test_assert_fails (nothing, DS_ERROR_INVALID_ARGUMENT, "argv is empty", NULL);
  assert_no_children ();
}

static gpointer
cancel_when_told (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return NULL;
}

static DsValue
cancel_in_a_thread (DsValue value, DsTask *task, gpointer cancellable)
{
  g_thread_unref (g_thread_new ("cancel", cancel_when_told, cancellable));
  return value;
}

static void
test_pipe_is_cancelled (void)
{
  static const char *const hangs[] = { "sh", "-c", "exec sleep 1000", NULL };
  static const char *const closes[] = { "sh", "-c", "exec >&-; exec sleep 1000", NULL };
  const char *const *const programs[] = { hangs, closes };

  g_test_summary ("A program that goes on for ever ends with its job");

  for (gsize i = 0; i < G_N_ELEMENTS (programs); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      g_autoptr (DsRdd) integers = ds_test_integers (context, 2, 2);
      g_autoptr (DsRdd) cancelling =
          ds_rdd_map (integers, cancel_in_a_thread, cancellable, NULL);
      g_autoptr (DsRdd) piped = ds_rdd_pipe (cancelling, programs[i]);

      g_cancellable_push_current (cancellable);
      ds_test_assert_fails (piped, DS_ERROR_CANCELLED, NULL);
      g_cancellable_pop_current (cancellable);
    }
  assert_no_children ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* Whatever started us may ignore it; then nothing would be shown. */
  signal (SIGPIPE, SIG_DFL);

  g_test_add_func ("/rdd/pipe/lines-in-lines-out", test_pipe_lines_in_lines_out);
  g_test_add_func ("/rdd/pipe/much-both-ways", test_pipe_much_both_ways);
  g_test_add_func ("/rdd/pipe/who-has-enough", test_pipe_who_has_enough);
  g_test_add_func ("/rdd/pipe/without-output", test_pipe_without_output);
  g_test_add_func ("/rdd/pipe/failures", test_pipe_failures);
  g_test_add_func ("/rdd/pipe/is-cancelled", test_pipe_is_cancelled);

  return g_test_run ();
}
