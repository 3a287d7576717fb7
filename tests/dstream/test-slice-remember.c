/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dstream/ds-dstream-private.h"
#include "tests/dstream/ds-test-stream.h"

typedef struct
{
  DsTestStream test;
  DsDStream *stream;
} Fixture;

/* Four batches of the values 1, 2, 3 and 4. */
static void
set_up (Fixture *fixture, DsDuration remember)
{
  static const char *const values[] = { "1", "2", "3", "4" };

  ds_test_stream_set_up (&fixture->test, "local");
  if (remember > 0)
    ds_streaming_context_remember (fixture->test.ssc, remember);
  fixture->stream = ds_streaming_context_queue_stream (fixture->test.ssc);
  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    ds_test_stream_push (fixture->stream, values[i], NULL);
  ds_dstream_foreach_rdd (fixture->stream, ds_test_ignore_rdd, NULL, NULL);
}

static void
assert_slice (DsDStream *stream, gint64 from_ms, gint64 to_ms, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) found = g_string_new (NULL);
  g_autoptr (GPtrArray) rdds =
      ds_dstream_slice (stream, from_ms * DS_MILLISECOND, to_ms * DS_MILLISECOND, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < rdds->len; i++)
    {
      g_autoptr (DsBlock) block = ds_rdd_collect (g_ptr_array_index (rdds, i), &error);
      g_autofree char *text = NULL;

      g_assert_no_error (error);
      text = ds_block_to_string (block);
      g_string_append_printf (found, "%s ", g_strchomp (text));
    }
  g_assert_cmpstr (g_strchomp (found->str), ==, expected);
}

static void
test_slice_includes_both_ends (void)
{
  Fixture fixture;

  g_test_summary ("A slice has both its ends, floored to the slide, and none before 0");

  set_up (&fixture, DS_MINUTE);
  ds_test_stream_start (&fixture.test);
  ds_test_stream_run (&fixture.test, 4);
  assert_slice (fixture.stream, 0, 1000, "1");
  assert_slice (fixture.stream, 0, 2000, "1 2");
  assert_slice (fixture.stream, 1000, 2000, "1 2");
  assert_slice (fixture.stream, 1500, 2999, "1 2");
  assert_slice (fixture.stream, 900, 3100, "1 2 3");
  assert_slice (fixture.stream, -5000, 500, "");
  assert_slice (fixture.stream, 3000, 2000, "");
  ds_test_stream_tear_down (&fixture.test);
}

static void
test_slice_is_the_remembered_rdd (void)
{
  Fixture fixture;
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) second = NULL;

  g_test_summary ("A second request for a time gives the same RDD, not a second one");

  set_up (&fixture, DS_MINUTE);
  ds_test_stream_start (&fixture.test);
  ds_test_stream_run (&fixture.test, 2);
  first = ds_dstream_slice (fixture.stream, DS_SECOND, DS_SECOND, NULL);
  second = ds_dstream_slice (fixture.stream, DS_SECOND, DS_SECOND, NULL);
  g_assert_true (g_ptr_array_index (first, 0) == g_ptr_array_index (second, 0));
  g_clear_pointer (&first, g_ptr_array_unref);
  g_clear_pointer (&second, g_ptr_array_unref);
  ds_test_stream_tear_down (&fixture.test);
}

static void
test_slice_needs_a_start (void)
{
  Fixture fixture;
  g_autoptr (GError) error = NULL;

  g_test_summary ("Before start a stream has no RDDs: has not been initialized");

  set_up (&fixture, 0);
  g_assert_null (ds_dstream_slice (fixture.stream, 0, DS_SECOND, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (error->message, "has not been initialized"));
  ds_test_stream_tear_down (&fixture.test);
}

static void
test_slice_computes_on_demand (void)
{
  Fixture fixture;
  DsDStream *lists;

  g_test_summary ("A stream that no output reaches is computed when a slice asks");

  set_up (&fixture, DS_MINUTE);
  lists = ds_dstream_glom (fixture.stream);
  ds_test_stream_start (&fixture.test);
  ds_test_stream_run (&fixture.test, 2);
  g_assert_cmpuint (ds_dstream_get_n_remembered (lists), ==, 0);
  assert_slice (lists, 1000, 2000, "[1] [2]");
  ds_test_stream_tear_down (&fixture.test);
}

static void
test_forgets_what_is_too_old (void)
{
  Fixture fixture;
  DsDStream *filtered;

  g_test_summary ("After batch t, RDDs of t - remember and before are gone");

  set_up (&fixture, 3 * DS_SECOND);
  filtered = ds_dstream_filter (fixture.stream, ds_is_not_empty, NULL, NULL);
  ds_dstream_foreach_rdd (filtered, ds_test_ignore_rdd, NULL, NULL);
  ds_test_stream_start (&fixture.test);
  for (guint k = 1; k <= 6; k++)
    {
      ds_test_stream_run (&fixture.test, 1);
      g_assert_cmpuint (ds_dstream_get_n_remembered (filtered), ==, MIN (k, 3));
      g_assert_cmpuint (ds_dstream_get_n_remembered (fixture.stream), ==, MIN (k, 3));
    }
  ds_test_stream_tear_down (&fixture.test);
}

static void
test_remembers_one_slide_by_default (void)
{
  Fixture fixture;

  g_test_summary ("Without remember only the newest RDD is kept");

  set_up (&fixture, 0);
  ds_test_stream_start (&fixture.test);
  ds_test_stream_run (&fixture.test, 3);
  g_assert_cmpuint (ds_dstream_get_n_remembered (fixture.stream), ==, 1);
  ds_test_stream_tear_down (&fixture.test);
}

static void
test_a_window_may_be_of_all_batches (void)
{
  const DsDuration longest = G_MAXINT64 / DS_SECOND * DS_SECOND;
  Fixture fixture;
  DsDStream *window;

  g_test_summary ("A window may be as long as anything");

  set_up (&fixture, 0);
  window = ds_dstream_window (fixture.stream, longest, 0);
  ds_dstream_foreach_rdd (window, ds_test_ignore_rdd, NULL, NULL);
  ds_test_stream_start (&fixture.test);
  ds_test_stream_run (&fixture.test, 3);
  assert_slice (window, 3000, 3000, "1\n2\n3");
  ds_test_stream_tear_down (&fixture.test);
}

static void
assert_remember_latches (DsDuration first, DsDuration second, DsError code)
{
  Fixture fixture;
  const GError *error;

  set_up (&fixture, 0);
  ds_streaming_context_remember (fixture.test.ssc, first);
  if (second != 0)
    ds_streaming_context_remember (fixture.test.ssc, second);
  error = ds_streaming_context_get_build_error (fixture.test.ssc);
  g_assert_error (error, DS_ERROR, (int) code);
  ds_test_stream_tear_down (&fixture.test);
}

static void
test_remember_is_set_once (void)
{
  g_test_summary ("remember takes a duration above 0, once");

  assert_remember_latches (-1, 0, DS_ERROR_INVALID_ARGUMENT);
  assert_remember_latches (DS_SECOND, DS_MINUTE, DS_ERROR_INVALID_STATE);
}

static void
test_slice_leaves_the_future_alone (void)
{
  Fixture fixture;
  DsOutput *values;

  g_test_summary ("A slice has nothing of batches to come and takes nothing from them");

  set_up (&fixture, DS_MINUTE);
  values = ds_dstream_collect (fixture.stream);
  ds_test_stream_start (&fixture.test);
  assert_slice (fixture.stream, 0, 4000, "");
  ds_test_stream_run (&fixture.test, 2);
  assert_slice (fixture.stream, 2000, G_MAXINT64 / DS_MILLISECOND, "2");
  assert_slice (fixture.stream, 2500, 3500, "2");
  assert_slice (fixture.stream, 3000, 4000, "");
  assert_slice (fixture.stream, G_MININT64 / DS_MILLISECOND, -1, "");
  ds_test_stream_run (&fixture.test, 2);
  ds_assert_block (ds_output_get_block (values, 3 * DS_SECOND), "3", NULL);
  ds_assert_block (ds_output_get_block (values, 4 * DS_SECOND), "4", NULL);
  ds_test_stream_tear_down (&fixture.test);
}

static void
test_slice_takes_nothing_from_later_batches (void)
{
  Fixture fixture;
  DsOutput *values;

  g_test_summary ("A source that has forgotten a batch gives none of a later one for it");

  set_up (&fixture, 0);
  values = ds_dstream_collect (fixture.stream);
  ds_test_stream_start (&fixture.test);
  ds_test_stream_run (&fixture.test, 2);
  assert_slice (fixture.stream, 1000, 2000, "2");
  ds_test_stream_run (&fixture.test, 2);
  ds_assert_block (ds_output_get_block (values, 3 * DS_SECOND), "3", NULL);
  ds_assert_block (ds_output_get_block (values, 4 * DS_SECOND), "4", NULL);
  ds_test_stream_tear_down (&fixture.test);
}

static DsRdd *
look_at_itself (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  DsDStream *const *stream = user_data;
  DsTime time = ds_batch_get_time (batch);
  g_autoptr (GPtrArray) rdds = ds_dstream_slice (*stream, time, time, error);

  return rdds != NULL ? g_object_ref (rdd) : NULL;
}

static void
test_transform_cannot_wait_for_itself (void)
{
  Fixture fixture;
  DsDStream *transformed = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary (
      "A transform that slices its own batch fails; it does not go on for ever");

  set_up (&fixture, 0);
  transformed = ds_dstream_transform (fixture.stream, look_at_itself, &transformed, NULL);
  ds_dstream_collect (transformed);
  ds_test_stream_start (&fixture.test);
  ds_manual_clock_advance (fixture.test.clock, DS_SECOND);
  g_assert_false (ds_streaming_context_await_termination (fixture.test.ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (error->message, "that very RDD"));
  ds_test_stream_tear_down (&fixture.test);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/slice-remember/slice-includes-both-ends",
                   test_slice_includes_both_ends);
  g_test_add_func ("/dstream/slice-remember/slice-is-the-remembered-rdd",
                   test_slice_is_the_remembered_rdd);
  g_test_add_func ("/dstream/slice-remember/slice-needs-a-start",
                   test_slice_needs_a_start);
  g_test_add_func ("/dstream/slice-remember/slice-computes-on-demand",
                   test_slice_computes_on_demand);
  g_test_add_func ("/dstream/slice-remember/forgets-what-is-too-old",
                   test_forgets_what_is_too_old);
  g_test_add_func ("/dstream/slice-remember/remembers-one-slide-by-default",
                   test_remembers_one_slide_by_default);
  g_test_add_func ("/dstream/slice-remember/remember-is-set-once",
                   test_remember_is_set_once);
  g_test_add_func ("/dstream/slice-remember/slice-leaves-the-future-alone",
                   test_slice_leaves_the_future_alone);
  g_test_add_func ("/dstream/slice-remember/slice-takes-nothing-from-later-batches",
                   test_slice_takes_nothing_from_later_batches);
  g_test_add_func ("/dstream/slice-remember/transform-cannot-wait-for-itself",
                   test_transform_cannot_wait_for_itself);
  g_test_add_func ("/dstream/slice-remember/a-window-may-be-of-all-batches",
                   test_a_window_may_be_of_all_batches);
  return g_test_run ();
}
