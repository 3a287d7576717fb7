/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dstream/ds-dstream-private.h"
#include "tests/dstream/ds-test-stream.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define RULE "-------------------------------------------\n"

static void
assert_printed (DsBlock *block, guint n, const char *expected)
{
  g_autoptr (DsBlock) owned = block;
  g_autofree char *text = ds_print_output_format (DS_SECOND, owned, n);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_shows_at_most_n (void)
{
  g_autoptr (DsBlock) none = ds_block_new (NULL, 0);

  g_test_summary ("Up to n values, one a line, and three dots if there are more");

  assert_printed (ds_block_ref (none), 10, RULE "Time: 1000 ms\n" RULE "\n");
  assert_printed (ds_block_new_ints (1, 2, 3), 10,
                  RULE "Time: 1000 ms\n" RULE "1\n2\n3\n\n");
  assert_printed (ds_block_new_ints (1, 2), 2, RULE "Time: 1000 ms\n" RULE "1\n2\n\n");
  assert_printed (ds_block_new_ints (1, 2, 3), 2,
                  RULE "Time: 1000 ms\n" RULE "1\n2\n...\n\n");
  assert_printed (ds_block_new_ints (1), 0, RULE "Time: 1000 ms\n" RULE "...\n\n");
}

static void
test_escapes_control_characters (void)
{
  DsBlock *block = ds_block_new_strings ("a\033[2Jb", "\r\a\b", "x\ty\nz", "\x7f", NULL);
  g_autofree char *text = ds_print_output_format (DS_SECOND, block, 10);

  g_test_summary ("What somebody sends cannot drive the terminal");

  for (const char *c = text; *c != '\0'; c++)
    g_assert_true (*c == '\n' || !g_ascii_iscntrl (*c));
  g_assert_nonnull (strstr (text, "\\x1b[2Jb"));
  g_assert_nonnull (strstr (text, "x\\ty\\nz"));
  ds_block_unref (block);
}

static void
program_prints (void)
{
  DsTestStream test;
  DsDStream *stream;

  ds_test_stream_set_up (&test, "local[2]");
  stream = ds_streaming_context_queue_stream (test.ssc);
  ds_test_stream_push (stream, "a", "b", "c", NULL);
  ds_dstream_print (stream, 2);
  ds_dstream_print (ds_dstream_glom (stream), 5);
  g_print ("before\n");
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 2);
  ds_test_stream_tear_down (&test);
}

static void
test_prints_in_order_of_registration (void)
{
  g_test_summary ("Each output prints each batch, in the order of registration");

  if (g_test_subprocess ())
    {
      program_prints ();
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stdout ("*before\n" RULE "Time: 1000 ms\n" RULE "a\nb\n...\n\n" RULE
                             "Time: 1000 ms\n" RULE "?a?\n?b, c?\n\n" RULE
                             "Time: 2000 ms\n" RULE "\n" RULE "Time: 2000 ms\n" RULE "*");
}

static void
program_has_no_output (void)
{
  DsTestStream test;
  DsDStream *stream;
  g_autoptr (GError) error = NULL;

  signal (SIGPIPE, SIG_IGN);
  ds_test_stream_set_up (&test, "local");
  stream = ds_streaming_context_queue_stream (test.ssc);
  ds_dstream_print (stream, 2);
  fflush (stdout);
  close (STDOUT_FILENO);
  ds_test_stream_start (&test);
  ds_manual_clock_advance (test.clock, DS_SECOND);
  g_assert_false (ds_streaming_context_await_termination (test.ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_IO);
  g_assert_nonnull (strstr (error->message, "standard output"));
  ds_test_stream_tear_down (&test);
  g_printerr ("the batch failed\n");
  _exit (0);
}

static void
test_closed_output_fails_the_batch (void)
{
  g_test_summary ("What cannot be printed is a failed batch, not a silent one");

  if (g_test_subprocess ())
    {
      program_has_no_output ();
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*the batch failed*");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/print/shows-at-most-n", test_shows_at_most_n);
  g_test_add_func ("/dstream/print/escapes-control-characters",
                   test_escapes_control_characters);
  g_test_add_func ("/dstream/print/prints-in-order-of-registration",
                   test_prints_in_order_of_registration);
  g_test_add_func ("/dstream/print/closed-output-fails-the-batch",
                   test_closed_output_fails_the_batch);
  return g_test_run ();
}
