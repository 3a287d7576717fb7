/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dstream/ds-dstream-private.h"
#include "tests/dstream/ds-test-window.h"

static void
test_slides_by_one_batch (void)
{
  DsTestWindow fixture;

  g_test_summary ("A 2 s window that slides by 1 s sees each value twice");
  ds_test_window_set_up (&fixture, "local[2]", "1|2 3|4");
  ds_test_window_assert_gives (&fixture,
                               ds_dstream_window (fixture.stream, 2 * DS_SECOND, 0), 5,
                               "1|1 2 3|2 3 4|4|");
}

static void
test_tumbles (void)
{
  DsTestWindow fixture;

  g_test_summary ("A tumbling window gives each value once, and nothing in between");
  ds_test_window_set_up (&fixture, "local", "1|2|3|4|5");
  ds_test_window_assert_gives (&fixture,
                               ds_dstream_tumbling_window (fixture.stream, 2 * DS_SECOND),
                               6, "-|1 2|-|3 4|-|5");
}

static void
test_leaves_gaps (void)
{
  DsTestWindow fixture;

  g_test_summary ("With a slide longer than the window some batches are in no result");
  ds_test_window_set_up (&fixture, "local", "1|2|3|4|5|6");
  ds_test_window_assert_gives (&fixture,
                               ds_dstream_window (fixture.stream, 2 * DS_SECOND,
                                                  3 * DS_SECOND),
                               6, "-|-|2 3|-|-|5 6");
}

static void
test_window_need_not_be_a_multiple_of_its_slide (void)
{
  DsTestWindow fixture;

  g_test_summary ("A window of 3 s may slide by 2 s");
  ds_test_window_set_up (&fixture, "local", "1|2|3|4|5|6");
  ds_test_window_assert_gives (&fixture,
                               ds_dstream_window (fixture.stream, 3 * DS_SECOND,
                                                  2 * DS_SECOND),
                               6, "-|1 2|-|2 3 4|-|4 5 6");
}

static void
test_source_gives_each_batch_what_came_in_it (void)
{
  DsTestWindow fixture;
  DsOutput *output;

  g_test_summary ("What waits goes into the batch in which it came, not into the first "
                  "one that a window asks for");
  ds_test_window_set_up (&fixture, "local", "1");
  ds_dstream_set_one_at_a_time (fixture.stream, FALSE);
  output = ds_dstream_collect (
      ds_dstream_window (fixture.stream, 1 * DS_SECOND, 3 * DS_SECOND));
  ds_test_stream_start (&fixture.test);
  ds_test_stream_run (&fixture.test, 1);
  ds_test_window_push (fixture.stream, "2", FALSE);
  ds_test_window_push (fixture.stream, "3", FALSE);
  ds_test_stream_run (&fixture.test, 1);
  ds_test_window_push (fixture.stream, "4", FALSE);
  ds_test_stream_run (&fixture.test, 1);
  ds_test_window_assert_output (output, 3, "-|-|4");
  ds_test_stream_tear_down (&fixture.test);
}

static void
test_windows_nest_and_remember (void)
{
  DsTestWindow fixture;
  DsDStream *inner;
  DsDStream *outer;

  g_test_summary ("Windows of windows work, and each remembers for the ones below it");
  ds_test_window_set_up (&fixture, "local", "1|2|3|4|5|6");
  ds_streaming_context_remember (fixture.test.ssc, 3 * DS_SECOND);
  inner = ds_dstream_window (fixture.stream, 2 * DS_SECOND, DS_SECOND);
  outer = ds_dstream_window (inner, 4 * DS_SECOND, 2 * DS_SECOND);
  ds_test_window_assert_gives (&fixture, outer, 6,
                               "-|1 1 2|-|1 1 2 2 3 3 4|-|2 3 3 4 4 5 5 6");

  ds_test_window_set_up (&fixture, "local", "1|2|3|4|5|6");
  ds_streaming_context_remember (fixture.test.ssc, 3 * DS_SECOND);
  inner = ds_dstream_window (fixture.stream, 2 * DS_SECOND, DS_SECOND);
  outer = ds_dstream_window (inner, 4 * DS_SECOND, DS_SECOND);
  ds_dstream_collect (outer);
  ds_test_stream_start (&fixture.test);
  g_assert_cmpint (ds_dstream_get_node (outer)->remember, ==, 3 * DS_SECOND);
  g_assert_cmpint (ds_dstream_get_node (inner)->remember, ==, 7 * DS_SECOND);
  g_assert_cmpint (ds_dstream_get_node (fixture.stream)->remember, ==, 9 * DS_SECOND);
  ds_test_stream_run (&fixture.test, 20);
  g_assert_cmpuint (ds_dstream_get_n_remembered (outer), ==, 3);
  g_assert_cmpuint (ds_dstream_get_n_remembered (inner), ==, 7);
  g_assert_cmpuint (ds_dstream_get_n_remembered (fixture.stream), ==, 9);
  ds_test_stream_tear_down (&fixture.test);
}

static void
test_slices_of_windows (void)
{
  DsTestWindow fixture;
  DsDStream *window;
  g_autoptr (GPtrArray) rdds = NULL;
  g_autoptr (DsBlock) block = NULL;
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A slice below a window has an RDD for each slide");
  ds_test_window_set_up (&fixture, "local", "1|2|3|4|5|6");
  ds_streaming_context_remember (fixture.test.ssc, DS_MINUTE);
  window = ds_dstream_window (fixture.stream, 3 * DS_SECOND, 2 * DS_SECOND);
  ds_dstream_collect (window);
  ds_test_stream_start (&fixture.test);
  ds_test_stream_run (&fixture.test, 6);
  rdds = ds_dstream_slice (window, DS_SECOND, 5 * DS_SECOND, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (rdds->len, ==, 2); /* 2 s, 4 s */
  block = ds_rdd_collect (g_ptr_array_index (rdds, 1), &error);
  text = ds_block_to_string (block);
  g_assert_cmpstr (text, ==, "2\n3\n4\n");
  ds_test_stream_tear_down (&fixture.test);
}

static void
test_unions_of_windows_need_one_slide (void)
{
  DsTestWindow fixture;
  DsDStream *fast;
  DsDStream *slow;

  g_test_summary ("Windows that slide alike unite, others are a mistake");
  ds_test_window_set_up (&fixture, "local", "1|2|3|4");
  fast = ds_dstream_window (fixture.stream, DS_SECOND, 2 * DS_SECOND);
  slow = ds_dstream_window (fixture.stream, 2 * DS_SECOND, 2 * DS_SECOND);
  ds_test_window_assert_gives (&fixture, ds_dstream_union (fast, slow), 4,
                               "-|1 2 2|-|3 4 4");

  ds_test_window_set_up (&fixture, "local", "1");
  fast = ds_dstream_window (fixture.stream, 2 * DS_SECOND, DS_SECOND);
  slow = ds_dstream_window (fixture.stream, 2 * DS_SECOND, 2 * DS_SECOND);
  ds_dstream_union (fast, slow);
  g_assert_error (ds_streaming_context_get_build_error (fixture.test.ssc), DS_ERROR,
                  DS_ERROR_INVALID_INTERVAL);
  ds_test_stream_tear_down (&fixture.test);
}

typedef DsDStream *(*WindowFunc) (DsDStream *self, DsDuration window, DsDuration slide);

static void
assert_refuses (WindowFunc func,
                DsDuration window,
                DsDuration slide,
                const char *expected)
{
  DsTestWindow fixture;
  const GError *error;

  ds_test_window_set_up (&fixture, "local", "a:1");
  g_assert_nonnull (func (fixture.stream, window, slide));
  error = ds_streaming_context_get_build_error (fixture.test.ssc);
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_INTERVAL);
  g_assert_cmpstr (error->message, ==, expected);
  ds_test_stream_tear_down (&fixture.test);
}

static void
test_wrong_lengths_latch (void)
{
  DsTestWindow fixture;
  guint n_destroyed = 0;

  g_test_summary ("A length that is no multiple of the slide is latched where it stands");
  assert_refuses (ds_dstream_window, 1500 * DS_MILLISECOND, 0,
                  "window: a window of 1.500 s over the stream queue stream, which "
                  "slides by 1.000 s; it must be a positive multiple of that");
  assert_refuses (ds_dstream_window, 2 * DS_SECOND, 700 * DS_MILLISECOND,
                  "window: a slide of 0.700 s over the stream queue stream, which "
                  "slides by 1.000 s; it must be a positive multiple of that");
  assert_refuses (ds_dstream_window, 0, DS_SECOND,
                  "window: a window of 0.000 s over the stream queue stream, which "
                  "slides by 1.000 s; it must be a positive multiple of that");
  assert_refuses (ds_dstream_window, 2 * DS_SECOND, -DS_SECOND,
                  "window: a slide of -1.000 s over the stream queue stream, which "
                  "slides by 1.000 s; it must be a positive multiple of that");
  assert_refuses (ds_dstream_window, 30, 10,
                  "window: a window of 30 us over the stream queue stream, which slides "
                  "by 1.000 s; it must be a positive multiple of that; times are in "
                  "microseconds: write 30 * DS_SECOND for 30 s");
  assert_refuses (ds_dstream_window, -1, 0,
                  "window: a window of -1 us over the stream queue stream, which slides "
                  "by 1.000 s; it must be a positive multiple of that");
  assert_refuses (ds_dstream_count_by_value_and_window, 1, 0,
                  "count_by_value_and_window: a window of 1 us over the stream queue "
                  "stream, which slides by 1.000 s; it must be a positive multiple of "
                  "that; times are in microseconds: write 1 * DS_SECOND for 1 s");
  assert_refuses (ds_dstream_group_by_key_and_window, 1, 0,
                  "group_by_key_and_window: a window of 1 us over the stream queue "
                  "stream, which slides by 1.000 s; it must be a positive multiple of "
                  "that; times are in microseconds: write 1 * DS_SECOND for 1 s");

  ds_test_window_set_up (&fixture, "local", "a:1");
  ds_dstream_reduce_by_key_and_window (fixture.stream, 1, 0, ds_add, &n_destroyed,
                                       ds_test_window_count_destroyed);
  g_assert_cmpuint (n_destroyed, ==, 1);
  g_assert_error (ds_streaming_context_get_build_error (fixture.test.ssc), DS_ERROR,
                  DS_ERROR_INVALID_INTERVAL);
  ds_test_stream_tear_down (&fixture.test);
}

static void
test_multiples_are_of_the_parents_slide (void)
{
  DsTestWindow fixture;
  DsDStream *window;

  g_test_summary ("A window over a window counts in slides of that window");
  ds_test_window_set_up (&fixture, "local", "1");
  window = ds_dstream_window (fixture.stream, 2 * DS_SECOND, 2 * DS_SECOND);
  ds_dstream_window (window, 3 * DS_SECOND, 2 * DS_SECOND);
  g_assert_error (ds_streaming_context_get_build_error (fixture.test.ssc), DS_ERROR,
                  DS_ERROR_INVALID_INTERVAL);
  ds_test_stream_tear_down (&fixture.test);
}

static void
test_groups_the_window (void)
{
  DsTestWindow fixture;

  g_test_summary ("group_by_key_and_window has a key's values oldest first");
  ds_test_window_set_up (&fixture, "local[2]", "a:1 b:7|a:2|a:3");
  ds_test_window_assert_gives (
      &fixture, ds_dstream_group_by_key_and_window (fixture.stream, 2 * DS_SECOND, 0), 5,
      "(a,[1]) (b,[7])|(a,[1, 2]) (b,[7])|(a,[2, 3])|(a,[3])|");
}

static void
test_bounds_of_windows (void)
{
  DsTestWindow fixture;

  g_test_summary ("window_bounds gives start and end, also of what is made of a window");
  ds_test_window_set_up (&fixture, "local", "5|6");
  ds_test_window_assert_gives (&fixture,
                               ds_dstream_window_bounds (ds_dstream_count (
                                   ds_dstream_window (fixture.stream, 2 * DS_SECOND,
                                                      2 * DS_SECOND))),
                               2, "-|(0,2000000,2)");

  ds_test_window_set_up (&fixture, "local", "5|6");
  ds_test_window_assert_gives (&fixture, ds_dstream_window_bounds (fixture.stream), 2,
                               "(0,1000000,5)|(1000000,2000000,6)");

  ds_test_window_set_up (&fixture, "local", "5|6");
  ds_dstream_window_bounds (
      ds_dstream_union (ds_dstream_window (fixture.stream, 2 * DS_SECOND, 0),
                        ds_dstream_window (fixture.stream, 3 * DS_SECOND, 0)));
  g_assert_error (ds_streaming_context_get_build_error (fixture.test.ssc), DS_ERROR,
                  DS_ERROR_INVALID_INTERVAL);
  ds_test_stream_tear_down (&fixture.test);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/window/slides-by-one-batch", test_slides_by_one_batch);
  g_test_add_func ("/dstream/window/tumbles", test_tumbles);
  g_test_add_func ("/dstream/window/leaves-gaps", test_leaves_gaps);
  g_test_add_func ("/dstream/window/window-need-not-be-a-multiple-of-its-slide",
                   test_window_need_not_be_a_multiple_of_its_slide);
  g_test_add_func ("/dstream/window/source-gives-each-batch-what-came-in-it",
                   test_source_gives_each_batch_what_came_in_it);
  g_test_add_func ("/dstream/window/windows-nest-and-remember",
                   test_windows_nest_and_remember);
  g_test_add_func ("/dstream/window/slices-of-windows", test_slices_of_windows);
  g_test_add_func ("/dstream/window/unions-of-windows-need-one-slide",
                   test_unions_of_windows_need_one_slide);
  g_test_add_func ("/dstream/window/wrong-lengths-latch", test_wrong_lengths_latch);
  g_test_add_func ("/dstream/window/multiples-are-of-the-parents-slide",
                   test_multiples_are_of_the_parents_slide);
  g_test_add_func ("/dstream/window/groups-the-window", test_groups_the_window);
  g_test_add_func ("/dstream/window/bounds-of-windows", test_bounds_of_windows);
  return g_test_run ();
}
