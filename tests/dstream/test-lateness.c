/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rows D3 and A14: a function that hangs, or a batch that is slower than others come, is
 * seen in the log, with the place where the time goes. */

#include "dstream/ds-lateness-private.h"
#include "tests/dstream/ds-test-stream.h"

static DsTestGate entered;
static DsTestGate told;
static DsTestGate released;
static GString *messages;

/* Lets the function go once it has been told. */
static void
note_message (const char *domain,
              GLogLevelFlags level,
              const char *message,
              gpointer user_data)
{
  if (strstr (message, " is not over after ") == NULL)
    return;
  g_string_append (messages, message);
  ds_test_gate_add (&told, 1);
  ds_test_gate_add (&released, 1);
}

static void
wait_for_release (void)
{
  ds_test_gate_add (&entered, 1);
  ds_test_gate_await (&released, 1);
}

static DsValue
hang (DsValue value, DsTask *task, gpointer user_data)
{
  wait_for_release ();
  return value;
}

static gboolean
hang_in_output (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  wait_for_release ();
  return TRUE;
}

static DsRdd *
hang_in_transform (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  wait_for_release ();
  return g_object_ref (rdd);
}

static gboolean
ignore (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  return TRUE;
}

typedef void (*BuildFunc) (DsDStream *words);

static void
build_map (DsDStream *words)
{
  DsDStream *parsed = ds_dstream_map (words, hang, NULL, NULL);

  ds_dstream_set_name (parsed, "parse");
  ds_output_set_name (ds_dstream_collect (parsed), "all");
}

static void
build_output (DsDStream *words)
{
  ds_output_set_name (ds_dstream_foreach_rdd (words, hang_in_output, NULL, NULL), "send");
}

static void
build_transform (DsDStream *words)
{
  ds_dstream_foreach_rdd (ds_dstream_transform (words, hang_in_transform, NULL, NULL),
                          ignore, NULL, NULL);
}

/* The first of twenty batches hangs until that is told. */
static void
check_is_told (BuildFunc build, const char *place)
{
  DsTestStream test;
  DsDStream *words;
  g_autofree char *expected = NULL;
  g_autoptr (GError) error = NULL;

  entered.value = 0;
  told.value = 0;
  released.value = 0;
  messages = g_string_new (NULL);
  g_log_set_handler ("DStream", G_LOG_LEVEL_MESSAGE, note_message, NULL);
  ds_test_stream_set_up (&test, "local[1]");
  words = ds_streaming_context_queue_stream (test.ssc);
  build (words);
  ds_test_stream_push (words, "a", NULL);
  ds_test_stream_start (&test);
  ds_manual_clock_advance (test.clock, DS_SECOND);
  ds_test_gate_await (&entered, 1);
  ds_manual_clock_advance (test.clock, 19 * DS_SECOND + 26); /* told to the ms */
  ds_test_gate_await (&told, 1);
  ds_streaming_context_await_batch (test.ssc, 20 * DS_SECOND, &error);
  g_assert_no_error (error);
  ds_test_stream_tear_down (&test);
  g_log_set_handler ("DStream", G_LOG_LEVEL_MESSAGE, g_log_default_handler, NULL);

  expected = g_strdup_printf ("Batch 1000 ms is not over after 19.000 s, 19 batch "
                              "intervals, of which it was at work for 19.000 s: %s. A "
                              "function hangs, ",
                              place);
  g_test_message ("%s", messages->str);
  g_assert_true (g_str_has_prefix (messages->str, expected));
  g_string_free (messages, TRUE);
}

static void
test_names_the_operator (void)
{
  g_test_summary ("A function that hangs in a task is named by output, operator and "
                  "partition");
  check_is_told (build_map, "\"all\" is at parse, partition 0");
}

static void
test_names_the_output (void)
{
  g_test_summary ("An output whose own function hangs is named");
  check_is_told (build_output, "\"send\" is at work");
}

static void
test_tells_of_generation (void)
{
  g_test_summary ("So is a batch that is not even generated");
  check_is_told (build_transform, "it is being generated, by the functions of transforms "
                                  "among others");
}

/* Generation is ahead by then: the second batch has begun, at 10 s, and is late at once.
 */
static DsRdd *
move_clock (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  if (ds_batch_get_time (batch) == 4 * DS_SECOND)
    {
      ds_test_gate_await (&entered, 2);
      ds_manual_clock_advance (user_data, 2 * DS_SECOND + 500 * DS_MILLISECOND);
    }
  return g_object_ref (rdd);
}

static gboolean
take_turns (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  ds_test_gate_add (&entered, 1);
  ds_test_gate_await (&released, 1);
  if (ds_batch_get_time (batch) == 2 * DS_SECOND)
    ds_test_gate_await (&told, 1);
  return TRUE;
}

static void
test_those_before_it_took_the_time (void)
{
  DsTestStream test;
  DsDStream *words;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A batch that waited for the one before it is not said to hang");

  entered.value = 0;
  told.value = 0;
  released.value = 0;
  messages = g_string_new (NULL);
  g_log_set_handler ("DStream", G_LOG_LEVEL_MESSAGE, note_message, NULL);
  ds_test_stream_set_up (&test, "local[1]");
  words = ds_streaming_context_queue_stream (test.ssc);
  words = ds_dstream_transform (words, move_clock, test.clock, NULL);
  ds_output_set_name (ds_dstream_foreach_rdd (words, take_turns, NULL, NULL), "send");
  ds_test_stream_start (&test);
  ds_manual_clock_advance (test.clock, DS_SECOND);
  ds_test_gate_await (&entered, 1);
  ds_manual_clock_advance (test.clock, 9 * DS_SECOND);
  ds_test_gate_add (&released, 1);
  ds_streaming_context_await_batch (test.ssc, 12 * DS_SECOND, &error);
  g_assert_no_error (error);
  ds_test_stream_tear_down (&test);
  g_log_set_handler ("DStream", G_LOG_LEVEL_MESSAGE, g_log_default_handler, NULL);

  g_test_message ("%s", messages->str);
  g_assert_true (g_str_has_prefix (
      messages->str,
      "Batch 2000 ms is not over after 10.500 s, 10 batch intervals, of "
      "which it was at work for 2.500 s: \"send\" is at work. Batches come "
      "faster than they are done"));
  g_string_free (messages, TRUE);
}

static void
test_is_told_now_and_then (void)
{
  DsLateness lateness;

  g_test_summary (
      "Ten intervals are late, and at least 5 s; then twice as much; and once "
      "batches were in time, ten again");

  ds_lateness_init (&lateness, DS_SECOND);
  g_assert_false (ds_lateness_look (&lateness, 9999999));
  g_assert_true (ds_lateness_look (&lateness, 10000000));
  g_assert_false (ds_lateness_look (&lateness, 10000001));
  g_assert_false (ds_lateness_look (&lateness, 19999999));
  g_assert_true (ds_lateness_look (&lateness, 25000000));
  g_assert_false (ds_lateness_look (&lateness, 49999999));
  g_assert_false (ds_lateness_look (&lateness, 1000000)); /* not in time */
  g_assert_false (ds_lateness_look (&lateness, 10000000));
  g_assert_false (ds_lateness_look (&lateness, 999999)); /* in time */
  g_assert_true (ds_lateness_look (&lateness, 10000000));

  ds_lateness_init (&lateness, DS_MILLISECOND);
  g_assert_false (ds_lateness_look (&lateness, 4999999));
  g_assert_true (ds_lateness_look (&lateness, 5000000));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/lateness/d3-names-the-operator", test_names_the_operator);
  g_test_add_func ("/dstream/lateness/d3-names-the-output", test_names_the_output);
  g_test_add_func ("/dstream/lateness/d3-tells-of-generation", test_tells_of_generation);
  g_test_add_func ("/dstream/lateness/a14-those-before-it-took-the-time",
                   test_those_before_it_took_the_time);
  g_test_add_func ("/dstream/lateness/a14-is-told-now-and-then",
                   test_is_told_now_and_then);
  return g_test_run ();
}
