/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/dstream/ds-test-stream.h"

/* An input stream of the program's own: has an RDD only in even batches. */
#define TEST_TYPE_EVEN_STREAM (test_even_stream_get_type ())
G_DECLARE_FINAL_TYPE (TestEvenStream, test_even_stream, TEST, EVEN_STREAM, DsInputDStream)

struct _TestEvenStream
{
  DsInputDStream parent_instance;
  guint n_starts;
  guint n_stops;
};

G_DEFINE_FINAL_TYPE (TestEvenStream, test_even_stream, DS_TYPE_INPUT_DSTREAM)

static gboolean
test_even_stream_start (DsInputDStream *self, GError **error)
{
  TEST_EVEN_STREAM (self)->n_starts++;
  return TRUE;
}

static void
test_even_stream_stop (DsInputDStream *self)
{
  TEST_EVEN_STREAM (self)->n_stops++;
}

static DsRdd *
test_even_stream_compute (DsInputDStream *self, DsTime batch_time, GError **error)
{
  DsStreamingContext *ssc = ds_dstream_get_context (DS_DSTREAM (self));
  gint64 second = batch_time / DS_SECOND;

  if (second % 2 == 1)
    return NULL;
  return ds_context_range (ds_streaming_context_get_context (ssc), second, second + 1, 1);
}

static void
test_even_stream_class_init (TestEvenStreamClass *klass)
{
  DsInputDStreamClass *input_class = DS_INPUT_DSTREAM_CLASS (klass);

  input_class->start = test_even_stream_start;
  input_class->stop = test_even_stream_stop;
  input_class->compute = test_even_stream_compute;
}

static void
test_even_stream_init (TestEvenStream *self)
{
}

static DsDStream *
push_each (DsTestStream *test, const char *first, const char *second)
{
  DsDStream *stream = ds_streaming_context_queue_stream (test->ssc);

  ds_test_stream_push (stream, first, NULL);
  ds_test_stream_push (stream, second, NULL);
  return stream;
}

static void
test_union_appends (void)
{
  DsTestStream test;
  DsDStream *streams[3];
  DsOutput *two;
  DsOutput *three;

  g_test_summary ("A union has the values of its streams, in their order");

  ds_test_stream_set_up (&test, "local");
  streams[0] = push_each (&test, "a", "b");
  streams[1] = push_each (&test, "c", "d");
  streams[2] = push_each (&test, "e", "f");
  two = ds_dstream_collect (ds_dstream_union (streams[1], streams[0]));
  three = ds_dstream_collect (ds_streaming_context_union (test.ssc, streams, 3));
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 3);
  ds_assert_block_in_order (ds_output_get_block (two, 1 * DS_SECOND), "c", "a", NULL);
  ds_assert_block_in_order (ds_output_get_block (three, 2 * DS_SECOND), "b", "d", "f",
                            NULL);
  ds_assert_block_in_order (ds_output_get_block (three, 3 * DS_SECOND), NULL);
  ds_test_stream_tear_down (&test);
}

static void
test_no_rdd_is_not_an_empty_one (void)
{
  DsTestStream test;
  g_autoptr (TestEvenStream) even = g_object_new (TEST_TYPE_EVEN_STREAM, NULL);
  DsOutput *values;

  g_test_summary ("A stream without RDD for a batch has no output in that batch");

  ds_test_stream_set_up (&test, "local");
  values = ds_dstream_collect (
      ds_dstream_map (ds_streaming_context_input_stream (test.ssc,
                                                         DS_INPUT_DSTREAM (even)),
                      ds_to_string, NULL, NULL));
  ds_test_stream_start (&test);
  g_assert_cmpuint (even->n_starts, ==, 1);
  ds_test_stream_run (&test, 4);
  g_assert_null (ds_output_get_block (values, 1 * DS_SECOND));
  ds_assert_block (ds_output_get_block (values, 2 * DS_SECOND), "2", NULL);
  g_assert_null (ds_output_get_block (values, 3 * DS_SECOND));
  ds_assert_block (ds_output_get_block (values, 4 * DS_SECOND), "4", NULL);
  g_assert_cmpuint (even->n_stops, ==, 0);
  ds_test_stream_tear_down (&test);
  g_assert_cmpuint (even->n_stops, ==, 1);
  g_assert_null (ds_dstream_get_context (DS_DSTREAM (even)));
}

static DsRdd *
keep_first (DsRdd *rdd, DsBatch *batch, gpointer unused, GError **error)
{
  return g_object_ref (rdd);
}

static DsRdd *
union_with (DsRdd *rdd, DsRdd *other, DsBatch *batch, gpointer unused, GError **error)
{
  return ds_rdd_union (rdd, other);
}

static DsRdd *
union_231 (DsRdd **rdds, gsize n_rdds, DsBatch *batch, gpointer unused, GError **error)
{
  DsRdd *order[] = { rdds[1], rdds[2], rdds[0] };

  g_assert_cmpuint (n_rdds, ==, 3);
  return ds_context_union (ds_rdd_get_context (rdds[0]), order, 3);
}

typedef enum
{
  OVER_UNION,
  OVER_TRANSFORM,
  OVER_TRANSFORM_WITH
} Over;

/* The error of batch 1, for which one stream has no RDD. */
static void
assert_missing_rdd_fails (Over over, const char *operator)
{
  DsTestStream test;
  g_autoptr (TestEvenStream) even = g_object_new (TEST_TYPE_EVEN_STREAM, NULL);
  g_autoptr (GError) error = NULL;
  DsDStream *full;
  DsDStream *gaps;
  DsDStream *result = NULL;

  ds_test_stream_set_up (&test, "local");
  full = ds_streaming_context_queue_stream (test.ssc);
  gaps = ds_streaming_context_input_stream (test.ssc, DS_INPUT_DSTREAM (even));
  if (over == OVER_UNION)
    result = ds_dstream_union (full, gaps);
  else if (over == OVER_TRANSFORM)
    result = ds_dstream_transform (gaps, keep_first, NULL, NULL);
  else
    result = ds_dstream_transform_with (full, gaps, union_with, NULL, NULL);
  ds_dstream_collect (result);
  ds_test_stream_start (&test);
  ds_manual_clock_advance (test.clock, DS_SECOND);
  g_assert_false (ds_streaming_context_await_termination (test.ssc, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, operator));
  g_assert_nonnull (strstr (error->message, "gave no RDD for batch 1000 ms"));
  ds_test_stream_tear_down (&test);
}

static void
test_a_missing_rdd_fails_the_batch (void)
{
  g_test_summary ("union and transform need an RDD of each of their streams");

  assert_missing_rdd_fails (OVER_UNION, "union");
  assert_missing_rdd_fails (OVER_TRANSFORM, "transform");
  assert_missing_rdd_fails (OVER_TRANSFORM_WITH, "transform");
}

static void
test_transform_sees_all_streams (void)
{
  DsTestStream test;
  DsDStream *streams[3];
  DsOutput *many;
  DsOutput *with;

  g_test_summary ("transform gets the RDDs in the order of the streams");

  ds_test_stream_set_up (&test, "local");
  streams[0] = push_each (&test, "a", "b");
  streams[1] = push_each (&test, "c", "d");
  streams[2] = push_each (&test, "e", "f");
  many = ds_dstream_collect (
      ds_streaming_context_transform (test.ssc, streams, 3, union_231, NULL, NULL));
  with = ds_dstream_collect (
      ds_dstream_transform_with (streams[2], streams[0], union_with, NULL, NULL));
  ds_test_stream_start (&test);
  ds_test_stream_run (&test, 2);
  ds_assert_block_in_order (ds_output_get_block (many, 1 * DS_SECOND), "c", "e", "a",
                            NULL);
  ds_assert_block_in_order (ds_output_get_block (with, 2 * DS_SECOND), "f", "b", NULL);
  ds_test_stream_tear_down (&test);
}

static void
test_needs_a_stream (void)
{
  DsTestStream test;
  const GError *error;

  g_test_summary ("A union of no stream is a mistake that start reports");

  ds_test_stream_set_up (&test, "local");
  g_assert_nonnull (ds_streaming_context_union (test.ssc, NULL, 0));
  error = ds_streaming_context_get_build_error (test.ssc);
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "union"));
  ds_test_stream_tear_down (&test);
}

static void
test_an_input_serves_one_context (void)
{
  DsTestStream test;
  g_autoptr (TestEvenStream) even = g_object_new (TEST_TYPE_EVEN_STREAM, NULL);

  g_test_summary ("An input stream cannot be added twice");

  ds_test_stream_set_up (&test, "local");
  ds_streaming_context_input_stream (test.ssc, DS_INPUT_DSTREAM (even));
  g_assert_null (ds_streaming_context_get_build_error (test.ssc));
  ds_streaming_context_input_stream (test.ssc, DS_INPUT_DSTREAM (even));
  g_assert_error (ds_streaming_context_get_build_error (test.ssc), DS_ERROR,
                  DS_ERROR_INVALID_ARGUMENT);
  ds_test_stream_tear_down (&test);
}

static DsRdd *
return_without_reference (DsRdd *rdd, DsBatch *batch, gpointer unused, GError **error)
{
  return rdd;
}

static DsRdd *
return_other_without_reference (DsRdd *rdd,
                                DsRdd *other,
                                DsBatch *batch,
                                gpointer unused,
                                GError **error)
{
  return other;
}

static void
test_a_missing_reference_fails_the_batch (void)
{
  g_test_summary ("An RDD returned as it was given, without a reference, is an error");

  for (guint i = 0; i < 2; i++)
    {
      DsTestStream test;
      DsDStream *stream;
      g_autoptr (GError) error = NULL;

      ds_test_stream_set_up (&test, "local");
      stream = ds_streaming_context_queue_stream (test.ssc);
      ds_test_stream_push (stream, "a", NULL);
      ds_dstream_collect (
          i == 0
              ? ds_dstream_transform (stream, return_without_reference, NULL, NULL)
              : ds_dstream_transform_with (stream,
                                           ds_streaming_context_queue_stream (test.ssc),
                                           return_other_without_reference, NULL, NULL));
      ds_test_stream_start (&test);
      ds_manual_clock_advance (test.clock, DS_SECOND);
      g_assert_false (ds_streaming_context_await_termination (test.ssc, &error));
      g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
      g_assert_nonnull (strstr (error->message, "write return g_object_ref (rdd)"));
      ds_test_stream_tear_down (&test);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/union-transform/union-appends", test_union_appends);
  g_test_add_func ("/dstream/union-transform/no-rdd-is-not-an-empty-one",
                   test_no_rdd_is_not_an_empty_one);
  g_test_add_func ("/dstream/union-transform/a-missing-rdd-fails-the-batch",
                   test_a_missing_rdd_fails_the_batch);
  g_test_add_func ("/dstream/union-transform/transform-sees-all-streams",
                   test_transform_sees_all_streams);
  g_test_add_func ("/dstream/union-transform/needs-a-stream", test_needs_a_stream);
  g_test_add_func ("/dstream/union-transform/an-input-serves-one-context",
                   test_an_input_serves_one_context);
  g_test_add_func ("/dstream/union-transform/missing-reference",
                   test_a_missing_reference_fails_the_batch);
  return g_test_run ();
}
