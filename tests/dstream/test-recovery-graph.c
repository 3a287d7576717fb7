/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which graph may go on from a checkpoint of which other: names, edits, and the ways out
 * of a mismatch. */

#include "tests/dstream/ds-test-intake.h"
#include "tests/dstream/ds-test-recovery.h"

/* What a version of the program is like. */
typedef struct
{
  gboolean is_named;       /* what lasts has names */
  gboolean is_reordered;   /* the second state is made first */
  gboolean has_third;      /* one more state */
  gboolean lacks_second;   /* one state less */
  gboolean maps_once_more; /* something without state is new */
  DsDuration timeout;
  guint n_partitions;
  DsDuration window;
  DsDuration interval; /* of batches; 0: a second */
  const char *dropped;
  gboolean accepts_new;
  const char *told; /* (nullable): the message when it goes on */
} Version;

static const Version *version;

static DsValue
count (DsValue key,
       const DsValue *values,
       gsize n_values,
       DsValue state,
       DsTask *task,
       gpointer user_data)
{
  return ds_value_int (ds_value_get_int_or (state, 0) + (gint64) n_values);
}

static void
count_with_state (DsValue key,
                  DsValue value,
                  DsState *state,
                  DsTask *task,
                  gpointer user_data)
{
  if (!ds_state_is_timing_out (state))
    ds_state_update (state, ds_value_int (1));
}

static void
name (DsDStream *stream, const char *text)
{
  if (version->is_named)
    ds_dstream_set_name (stream, text);
}

static void
add_count (DsTestProgram *program, DsDStream *pairs, const char *text)
{
  DsDStream *counts = ds_dstream_update_state_by_key (pairs, count, NULL, NULL);
  DsOutput *output;

  ds_dstream_set_n_partitions (counts, version->n_partitions);
  name (counts, text);
  output = ds_dstream_foreach_rdd (counts, ds_test_program_note, program, NULL);
  if (version->is_named)
    {
      g_autofree char *output_name = g_strconcat (text, "-out", NULL);

      ds_output_set_name (output, output_name);
    }
}

static void
add_second (DsTestProgram *program, DsDStream *pairs)
{
  DsDStream *second = ds_dstream_map_with_state (pairs, count_with_state, NULL, NULL);
  DsOutput *output;

  if (version->timeout > 0)
    ds_dstream_set_state_timeout (second, version->timeout);
  name (second, "second");
  output = ds_dstream_foreach_rdd (second, ds_test_program_note, program, NULL);
  if (version->is_named)
    ds_output_set_name (output, "second-out");
}

static void
build_version (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *source = ds_test_source_add (ssc, 1);
  DsDStream *pairs;
  DsDStream *window;
  DsOutput *output;

  name (source, "source");
  pairs = ds_dstream_map (source, ds_pair_with_one, NULL, NULL);
  if (version->maps_once_more)
    pairs = ds_dstream_map (ds_dstream_map (pairs, ds_pair_with_one, NULL, NULL),
                            ds_pair_with_one, NULL, NULL);
  if (version->is_reordered && !version->lacks_second)
    add_second (program, pairs);
  add_count (program, pairs, "first");
  if (!version->is_reordered && !version->lacks_second)
    add_second (program, pairs);
  if (version->has_third)
    add_count (program, pairs, "third");
  window = ds_dstream_count_by_value_and_window (source,
                                                 version->window > 0 ? version->window
                                                                     : 3 * DS_SECOND,
                                                 0);
  name (window, "window");
  output = ds_dstream_foreach_rdd (window, ds_test_program_note, program, NULL);
  if (version->is_named)
    ds_output_set_name (output, "window-out");
  if (version->dropped != NULL)
    {
      g_autofree char *output_name = g_strconcat (version->dropped, "-out", NULL);

      ds_streaming_context_drop_state (ssc, version->dropped);
      ds_streaming_context_drop_state (ssc, output_name);
    }
  if (version->accepts_new)
    ds_streaming_context_accept_new_streams (ssc);
}

/* DsSetupFunc */
static DsStreamingContext *
make_version (gpointer user_data, GError **error)
{
  DsTestProgram *self = user_data;
  DsStreamingContext *ssc =
      ds_streaming_context_new (self->master, "test",
                                version->interval > 0 ? version->interval : DS_SECOND);

  ds_streaming_context_set_clock (ssc, DS_CLOCK (self->clock));
  build_version (self, ssc);
  return ssc;
}

/* Runs three batches of @first, stops it, and tries to go on with @second: NULL, or the
 * error.  (transfer full) */
static GError *
try_edit (const Version *first, const Version *second)
{
  DsTestProgram program;
  GError *error = NULL;

  ds_test_program_set_up (&program, NULL);
  version = first;
  program.ssc = ds_streaming_context_get_or_create (program.directory, make_version,
                                                    &program, &error);
  g_assert_no_error (error);
  g_assert_true (ds_streaming_context_start (program.ssc, &error));
  ds_test_program_run_until (&program, 3);
  ds_test_program_stop (&program, DS_STOP_NOW);

  version = second;
  program.ssc = ds_streaming_context_get_or_create (program.directory, make_version,
                                                    &program, &error);
  if (program.ssc != NULL)
    {
      if (second->told != NULL)
        g_test_expect_message ("DStream", G_LOG_LEVEL_MESSAGE, second->told);
      g_assert_true (ds_streaming_context_start (program.ssc, &error));
      g_test_assert_expected_messages ();
      ds_test_program_run_until (&program, 4);
    }
  ds_test_program_tear_down (&program);
  return error;
}

static void
assert_mismatch (const Version *first, const Version *second, const char *part)
{
  g_autoptr (GError) error = try_edit (first, second);

  g_assert_error (error, DS_ERROR, DS_ERROR_GRAPH_MISMATCH);
  if (strstr (error->message, part) == NULL)
    g_error ("\"%s\" is not in: %s", part, error->message);
}

static void
assert_goes_on (const Version *first, const Version *second)
{
  g_autoptr (GError) error = try_edit (first, second);

  g_assert_no_error (error);
}

/* ---- Tests ---- */

static const Version unnamed = { 0 };
static const Version named = { .is_named = TRUE };

static void
test_the_same_graph_goes_on_without_names (void)
{
  assert_goes_on (&unnamed, &unnamed);
}

static void
test_names_may_be_given_later (void)
{
  assert_goes_on (&unnamed, &named);
}

static void
test_an_unnamed_graph_must_not_change (void)
{
  const Version mapped = { .maps_once_more = TRUE };
  const Version third = { .has_third = TRUE };

  assert_mismatch (&unnamed, &mapped, "Removed: input \"");
  assert_mismatch (&unnamed, &third, "Added: ");
}

static void
test_a_named_graph_may_change_where_nothing_lasts (void)
{
  const Version mapped = { .is_named = TRUE, .maps_once_more = TRUE };
  const Version reordered = { .is_named = TRUE, .is_reordered = TRUE };

  assert_goes_on (&named, &mapped);
  assert_goes_on (&named, &reordered);
}

static void
test_a_new_stream_has_to_be_accepted (void)
{
  const Version third = { .is_named = TRUE, .has_third = TRUE };
  const Version accepted = { .is_named = TRUE, .has_third = TRUE, .accepts_new = TRUE };

  assert_mismatch (&named, &third, "Added: stream \"third\"");
  assert_goes_on (&named, &accepted);
}

static void
test_state_that_is_gone_has_to_be_dropped (void)
{
  const Version less = { .is_named = TRUE, .lacks_second = TRUE };
  const Version dropped = { .is_named = TRUE, .lacks_second = TRUE, .dropped = "second" };

  assert_mismatch (&named, &less, "Removed: stream \"second\"");
  assert_goes_on (&named, &dropped);
}

static void
test_a_slip_of_the_pen_is_told (void)
{
  const Version slip = {
    .is_named = TRUE,
    .dropped = "secnd",
    .told = "*dropped of \"secnd\", \"secnd-out\"; the checkpoint has*\"second\"*"
  };

  assert_goes_on (&named, &slip);
}

static void
test_what_has_changed_is_named (void)
{
  const Version timed = { .is_named = TRUE, .timeout = DS_SECOND };
  const Version partitions = { .is_named = TRUE, .n_partitions = 5 };
  const Version window = { .is_named = TRUE, .window = 5 * DS_SECOND };
  const Version interval = { .is_named = TRUE,
                             .interval = 500 * DS_MILLISECOND,
                             .window = 3 * DS_SECOND };
  const Version dropped = { .is_named = TRUE,
                            .window = 5 * DS_SECOND,
                            .dropped = "window" };

  assert_mismatch (&named, &timed, "Changed: stream \"second\"");
  assert_mismatch (&named, &partitions, "Changed: stream \"first\"");
  assert_mismatch (&named, &window, "Changed: stream \"window\"");
  assert_mismatch (&named, &interval, "of 1.000 s, the context has batches of 0.500 s");
  assert_goes_on (&named, &dropped);
}

/* ---- A receiver that comes later ---- */

static DsTestIntake *intake; /* (nullable): of the second version */
static gboolean has_intake;
static DsTestGate held, released;

/* DsTransformFunc: batch 1, when it runs again. */
static DsRdd *
hold_first (DsRdd *rdd, DsBatch *batch, gpointer unused, GError **error)
{
  if (ds_batch_get_time (batch) == DS_SECOND && ds_batch_is_replay (batch))
    {
      ds_test_gate_add (&held, 1);
      ds_test_gate_await (&released, 1);
    }
  return g_object_ref (rdd);
}

/* DsForeachRddFunc */
static gboolean
ignore_rdd (DsRdd *rdd, DsBatch *batch, gpointer unused, GError **error)
{
  return TRUE;
}

static void
build_later_intake (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *words = ds_test_source_add (ssc, 1);
  DsDStream *stream;

  ds_dstream_set_name (words, "words");
  ds_output_set_name (ds_dstream_foreach_rdd (ds_dstream_transform (words, hold_first,
                                                                    NULL, NULL),
                                              ignore_rdd, NULL, NULL),
                      "words-out");
  if (!has_intake)
    return;
  ds_streaming_context_accept_new_streams (ssc);
  intake = g_object_new (DS_TYPE_TEST_INTAKE, NULL);
  stream = ds_streaming_context_receiver_stream (ssc, DS_RECEIVER (intake));
  ds_dstream_set_name (stream, "intake");
  ds_dstream_set_durability (stream, DS_DURABILITY_GROUP);
  ds_output_set_name (ds_dstream_foreach_rdd (stream, ds_test_program_note, program,
                                              NULL),
                      "intake-out");
}

static void
test_planned_batches_have_nothing_of_a_new_receiver (void)
{
  DsTestProgram program;

  g_test_summary ("What a new receiver stores while planned batches run again is of the "
                  "first that was not planned");

  ds_test_program_set_up (&program, build_later_intake);
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 2);
  ds_test_program_stop (&program, DS_STOP_NOW);
  has_intake = TRUE;
  ds_test_program_start (&program);
  ds_test_gate_await (&held, 1);
  ds_test_gate_await (&intake->starts, 1);
  g_assert_true (ds_receiver_store_string (DS_RECEIVER (intake), "a"));
  ds_test_gate_add (&released, 1);
  ds_test_program_run_until (&program, 3);
  g_assert_cmpstr (program.log->str, ==, "2 again: \n3: a\n");
  ds_test_program_tear_down (&program);
  g_clear_object (&intake);
}

/* ---- Partitioners ---- */

typedef enum
{
  UPDATED,
  MAPPED,
  WINDOWED,
  WINDOWED_WITH_INVERSE,
  N_KINDS
} Kind;

static Kind kind;
static DsPartitioner *partitioner; /* (nullable) */

static guint
by_letter (DsValue key, guint n_partitions, DsTask *task, gpointer user_data)
{
  return (guint) (guchar) ds_value_get_string (key, NULL)[0] % n_partitions;
}

static gint n_asked;

/* Of the thread that starts the context: other ones run batches. */
static GThread *asking;

static guint
by_letter_counted (DsValue key, guint n_partitions, DsTask *task, gpointer user_data)
{
  if (g_thread_self () == asking)
    n_asked++;
  return by_letter (key, n_partitions, task, user_data);
}

static guint
by_next_letter (DsValue key, guint n_partitions, DsTask *task, gpointer user_data)
{
  return ((guint) (guchar) ds_value_get_string (key, NULL)[0] + 1) % n_partitions;
}

static DsValue
add (DsValue a, DsValue b, DsTask *task, gpointer user_data)
{
  return ds_value_int (ds_value_get_int (a) + ds_value_get_int (b));
}

static DsValue
subtract (DsValue a, DsValue b, DsTask *task, gpointer user_data)
{
  return ds_value_int (ds_value_get_int (a) - ds_value_get_int (b));
}

static void
build_partitioned (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *pairs =
      ds_dstream_map (ds_test_source_add (ssc, 1), ds_pair_with_one, NULL, NULL);
  DsDStream *stream;

  switch (kind)
    {
    case UPDATED:
      stream = ds_dstream_update_state_by_key (pairs, count, NULL, NULL);
      break;
    case MAPPED:
      stream = ds_dstream_map_with_state (pairs, count_with_state, NULL, NULL);
      break;
    case WINDOWED:
    case WINDOWED_WITH_INVERSE:
    case N_KINDS:
    default:
      stream =
          ds_dstream_reduce_by_key_and_window (pairs, 9 * DS_SECOND, 0, add, NULL, NULL);
      if (kind == WINDOWED_WITH_INVERSE)
        ds_dstream_set_inverse (stream, subtract, NULL, NULL);
      break;
    }
  if (partitioner != NULL)
    ds_dstream_set_partitioner (stream, partitioner);
  else
    ds_dstream_set_n_partitions (stream, 3);
  ds_dstream_checkpoint (stream, DS_SECOND);
  ds_test_program_record (program, stream);
}

/* Runs with @first, and tries to go on with @second, both taken over: NULL, or the error.
 * (transfer full) */
static GError *
try_partitioners (DsPartitioner *first, DsPartitioner *second)
{
  DsTestProgram program;
  GError *error = NULL;

  ds_test_program_set_up (&program, build_partitioned);
  partitioner = first;
  ds_test_program_start (&program);
  ds_test_program_run_until (&program, 4);
  ds_test_program_stop (&program, DS_STOP_GRACEFULLY);
  g_clear_pointer (&first, ds_partitioner_unref);

  partitioner = second;
  if (ds_test_program_try_start (&program, &error))
    ds_test_program_run_until (&program, 7);
  else
    g_clear_object (&program.ssc);
  ds_test_program_tear_down (&program);
  g_clear_pointer (&second, ds_partitioner_unref);
  return error;
}

static void
test_a_partitioner_that_puts_keys_elsewhere_is_refused (void)
{
  g_test_summary ("Saved keys would not be found, and counted from nothing");

  for (kind = UPDATED; kind < N_KINDS; kind++)
    {
      g_autoptr (GError) same =
          try_partitioners (ds_partitioner_new (3, by_letter, NULL, NULL),
                            ds_partitioner_new (3, by_letter, NULL, NULL));
      g_autoptr (GError) other =
          try_partitioners (ds_partitioner_new (3, by_letter, NULL, NULL),
                            ds_partitioner_new (3, by_next_letter, NULL, NULL));
      g_autoptr (GError) hash =
          try_partitioners (ds_partitioner_new (3, by_letter, NULL, NULL), NULL);
      g_autoptr (GError) function =
          try_partitioners (NULL, ds_partitioner_new (3, by_letter, NULL, NULL));
      g_autoptr (GError) number =
          try_partitioners (ds_partitioner_new_hash (3), ds_partitioner_new_hash (4));
      g_autoptr (GError) written_otherwise =
          try_partitioners (ds_partitioner_new_hash (3), NULL);

      g_assert_no_error (same);
      g_assert_no_error (written_otherwise);
      g_assert_error (other, DS_ERROR, DS_ERROR_GRAPH_MISMATCH);
      g_assert_nonnull (strstr (other->message, "was saved in partition "));
      g_assert_nonnull (strstr (other->message, "ds_streaming_context_drop_state ()"));
      g_assert_error (hash, DS_ERROR, DS_ERROR_GRAPH_MISMATCH);
      g_assert_error (function, DS_ERROR, DS_ERROR_GRAPH_MISMATCH);
      g_assert_error (number, DS_ERROR, DS_ERROR_GRAPH_MISMATCH);
    }
}

static void
test_saved_keys_are_checked_once (void)
{
  g_test_summary ("However many checkpoints what is kept is made of");

  for (kind = UPDATED; kind < N_KINDS; kind++)
    {
      DsTestProgram program;
      DsPartitioner *counted = ds_partitioner_new (3, by_letter_counted, NULL, NULL);
      g_autoptr (GError) error = NULL;

      ds_test_program_set_up (&program, build_partitioned);
      partitioner = counted;
      ds_test_program_start (&program);
      ds_test_program_run_until (&program, 6);
      ds_test_program_stop (&program, DS_STOP_NOW);
      asking = g_thread_self ();
      n_asked = 0;
      g_assert_true (ds_test_program_try_start (&program, &error));
      g_assert_no_error (error);
      g_assert_cmpint (n_asked, >, 0);
      g_assert_cmpint (n_asked, <=, 9); /* "a" to "i" */
      ds_test_program_tear_down (&program);
      ds_partitioner_unref (counted);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/recovery-graph/the-same-graph-goes-on-without-names",
                   test_the_same_graph_goes_on_without_names);
  g_test_add_func ("/recovery-graph/names-may-be-given-later",
                   test_names_may_be_given_later);
  g_test_add_func ("/recovery-graph/an-unnamed-graph-must-not-change",
                   test_an_unnamed_graph_must_not_change);
  g_test_add_func ("/recovery-graph/a-named-graph-may-change-where-nothing-lasts",
                   test_a_named_graph_may_change_where_nothing_lasts);
  g_test_add_func ("/recovery-graph/a-new-stream-has-to-be-accepted",
                   test_a_new_stream_has_to_be_accepted);
  g_test_add_func ("/recovery-graph/state-that-is-gone-has-to-be-dropped",
                   test_state_that_is_gone_has_to_be_dropped);
  g_test_add_func ("/recovery-graph/a-slip-of-the-pen-is-told",
                   test_a_slip_of_the_pen_is_told);
  g_test_add_func ("/recovery-graph/what-has-changed-is-named",
                   test_what_has_changed_is_named);
  g_test_add_func ("/recovery-graph/planned-batches-have-nothing-of-a-new-receiver",
                   test_planned_batches_have_nothing_of_a_new_receiver);
  g_test_add_func ("/recovery-graph/a-partitioner-that-puts-keys-elsewhere-is-refused",
                   test_a_partitioner_that_puts_keys_elsewhere_is_refused);
  g_test_add_func ("/recovery-graph/saved-keys-are-checked-once",
                   test_saved_keys_are_checked_once);
  return g_test_run ();
}
