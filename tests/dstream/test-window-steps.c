/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Windows that go on from the one before: with an inverse function, and without. */

#include "dstream/ds-window-private.h"
#include "tests/dstream/ds-test-window.h"

/* ---- With an inverse ---- */

static DsDStream *
sum_window (DsTestWindow *fixture, guint window, guint slide)
{
  DsDStream *sums =
      ds_dstream_reduce_by_key_and_window (fixture->stream, window * DS_SECOND,
                                           slide * DS_SECOND, ds_add, NULL, NULL);

  ds_dstream_set_inverse (sums, ds_subtract, NULL, NULL);
  return sums;
}

static gboolean
is_not_zero (DsValue pair, DsTask *task, gpointer unused)
{
  return ds_value_get_int (ds_pair_value (pair)) != 0;
}

static void
test_keys_stay_without_a_filter (void)
{
  DsTestWindow fixture;

  g_test_summary ("With an inverse a key whose value is 0 stays");
  ds_test_window_set_up (&fixture, "local[2]", "a:1|a:2 b:3|b:4");
  ds_test_window_assert_gives (&fixture, sum_window (&fixture, 2, 1), 6,
                               "(a,1)|(a,3) (b,3)|(a,2) (b,7)|(a,0) (b,4)|(a,0) "
                               "(b,0)|(a,0) (b,0)");
}

static void
test_filter_drops_keys (void)
{
  DsTestWindow fixture;
  DsDStream *sums;

  g_test_summary ("With a filter it goes, and may come again");
  ds_test_window_set_up (&fixture, "local[2]", "a:1|a:2 b:3|b:4||a:5");
  sums = sum_window (&fixture, 2, 1);
  ds_dstream_set_window_filter (sums, is_not_zero, NULL, NULL);
  ds_test_window_assert_gives (&fixture, sums, 8,
                               "(a,1)|(a,3) (b,3)|(a,2) (b,7)|(b,4)|(a,5)|(a,5)||");
}

static void
test_slide_longer_than_window (void)
{
  DsTestWindow fixture;

  g_test_summary ("Batches between two windows are in neither");
  ds_test_window_set_up (&fixture, "local", "a:1|a:2|a:4|a:8|a:16|a:32");
  ds_test_window_assert_gives (&fixture, sum_window (&fixture, 2, 3), 9,
                               "-|-|(a,6)|-|-|(a,48)|-|-|(a,0)");
}

static void
test_window_no_multiple_of_slide (void)
{
  DsTestWindow fixture;

  g_test_summary ("A window of 3 batches may slide by 2");
  ds_test_window_set_up (&fixture, "local", "a:1|a:2|a:4|a:8|a:16|a:32");
  ds_test_window_assert_gives (&fixture, sum_window (&fixture, 3, 2), 8,
                               "-|(a,3)|-|(a,14)|-|(a,56)|-|(a,32)");
}

static void
test_reduces_all_with_an_inverse (void)
{
  DsTestWindow fixture;
  DsDStream *sums;

  g_test_summary ("reduce_by_window with an inverse goes on giving the 0 that is left");
  ds_test_window_set_up (&fixture, "local[2]", "|5||");
  sums =
      ds_dstream_reduce_by_window (fixture.stream, 2 * DS_SECOND, 0, ds_add, NULL, NULL);
  ds_dstream_set_inverse (sums, ds_subtract, NULL, NULL);
  ds_test_window_assert_gives (&fixture, sums, 5, "|5|5|0|0");
}

static void
test_counts (void)
{
  DsTestWindow fixture;

  g_test_summary ("count_by_window gives nothing until there was a value, then also 0");
  ds_test_window_set_up (&fixture, "local[2]", "||7 7|||8");
  ds_test_window_assert_gives (&fixture,
                               ds_dstream_count_by_window (fixture.stream, 2 * DS_SECOND,
                                                           0),
                               8, "||2|2|0|1|1|0");

  ds_test_window_set_up (&fixture, "local[2]", "||7 7|||8");
  ds_test_window_assert_gives (&fixture,
                               ds_dstream_count_by_window (fixture.stream, DS_SECOND,
                                                           3 * DS_SECOND),
                               9, "-|-|2|-|-|1|-|-|0");
}

/* ---- The order of calls, against a plain model ---- */

#define N_KEYS 3

static DsValue
show_sum (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  g_autofree char *first = ds_value_to_string (a);
  g_autofree char *second = ds_value_to_string (b);

  return ds_string_printf (task, "{%s+%s}", first, second);
}

static DsValue
show_difference (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  g_autofree char *first = ds_value_to_string (a);
  g_autofree char *second = ds_value_to_string (b);

  return ds_string_printf (task, "{%s-%s}", first, second);
}

/* Short values only, so that keys come and go. */
static gboolean
is_short (DsValue pair, DsTask *task, gpointer max_size)
{
  return ds_pair_value (pair).size <= GPOINTER_TO_UINT (max_size);
}

/* @batches: has batch i + 1 the key?  The reduction of those in (@after, @to] or NULL. */
static char *
model_reduce (const gboolean (*batches)[N_KEYS], guint key, gint after, gint to)
{
  char *sum = NULL;

  for (gint i = MAX (after, 0); i < to; i++)
    if (batches[i][key])
      {
        g_autofree char *value = g_strdup_printf ("%c%d", 'a' + key, i + 1);
        g_autofree char *old = g_steal_pointer (&sum);

        sum = old != NULL ? g_strdup_printf ("{%s+%s}", old, value)
                          : g_steal_pointer (&value);
      }
  return sum;
}

/* What a key comes to at @time, from what it came to at the slide before; NULL: nothing.
 * (transfer full), and @previous is freed. */
static char *
model_slide (const gboolean (*batches)[N_KEYS],
             guint key,
             gint time,
             gint window,
             gint slide,
             guint max_size,
             char *previous)
{
  gint before = time - slide;
  g_autofree char *left =
      model_reduce (batches, key, before - window, MIN (before, time - window));
  g_autofree char *came = model_reduce (batches, key, MAX (before, time - window), time);
  char *sum = previous;

  if (previous != NULL && left != NULL)
    {
      sum = g_strdup_printf ("{%s-%s}", previous, left);
      g_free (previous);
    }
  if (previous != NULL && came != NULL)
    {
      g_autofree char *old = sum;

      sum = g_strdup_printf ("{%s+%s}", old, came);
    }
  else if (previous == NULL)
    sum = g_steal_pointer (&came);
  if (sum != NULL && max_size > 0 && strlen (sum) > max_size)
    g_clear_pointer (&sum, g_free);
  return sum;
}

static void
assert_inverse_is_like_the_model (gint window, gint slide, guint max_size)
{
  enum
  {
    N_BATCHES = 24
  };
  gboolean batches[N_BATCHES][N_KEYS];
  char *sums[N_KEYS] = { NULL };
  DsTestWindow fixture;
  DsDStream *result;
  DsOutput *output;

  ds_test_stream_set_up (&fixture.test, "local[2]");
  ds_test_stream_allow_checkpoints (&fixture.test);
  fixture.stream = ds_streaming_context_queue_stream (fixture.test.ssc);
  for (guint i = 0; i < N_BATCHES; i++)
    {
      g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
      g_autoptr (DsBlock) block = NULL;

      for (guint key = 0; key < N_KEYS; key++)
        {
          char name[] = { (char) ('a' + key), '\0' };
          g_autofree char *value = g_strdup_printf ("%s%u", name, i + 1);

          batches[i][key] = g_test_rand_bit ();
          if (batches[i][key])
            ds_block_builder_add_pair (builder, ds_value_string (name),
                                       ds_value_string (value));
        }
      block = ds_block_builder_end (builder);
      ds_dstream_push_block (fixture.stream, block);
    }
  result = ds_dstream_reduce_by_key_and_window (fixture.stream, window * DS_SECOND,
                                                slide * DS_SECOND, show_sum, NULL, NULL);
  ds_dstream_set_inverse (result, show_difference, NULL, NULL);
  if (max_size > 0)
    ds_dstream_set_window_filter (result, is_short, GUINT_TO_POINTER (max_size), NULL);
  output = ds_dstream_collect (result);
  ds_test_stream_start (&fixture.test);
  ds_test_stream_run (&fixture.test, N_BATCHES);

  for (gint time = slide; time <= N_BATCHES; time += slide)
    {
      g_autoptr (GString) expected = g_string_new (NULL);
      g_autofree char *found =
          ds_test_window_show (ds_output_get_block (output, time * DS_SECOND));

      for (guint key = 0; key < N_KEYS; key++)
        {
          sums[key] = model_slide ((const gboolean (*)[N_KEYS]) batches, key, time,
                                   window, slide, max_size, sums[key]);
          if (sums[key] != NULL)
            g_string_append_printf (expected, "%s(%c,%s)", expected->len > 0 ? " " : "",
                                    'a' + key, sums[key]);
        }
      g_assert_cmpstr (found, ==, expected->str);
    }
  for (guint key = 0; key < N_KEYS; key++)
    g_free (sums[key]);
  ds_test_stream_tear_down (&fixture.test);
}

static void
test_inverse_first_then_what_came (void)
{
  g_test_summary ("What left is reduced and taken out, then what came is reduced and "
                  "added, whatever window and slide; the filter forgets");
  for (gint window = 1; window <= 6; window++)
    for (gint slide = 1; slide <= 4; slide++)
      {
        assert_inverse_is_like_the_model (window, slide, 0);
        assert_inverse_is_like_the_model (window, slide, 12);
      }
}

/* ---- Without ---- */

static gboolean
is_even (DsValue pair, DsTask *task, gpointer unused)
{
  return ds_value_get_int (ds_pair_value (pair)) % 2 == 0;
}

static void
test_filter_without_an_inverse_hides (void)
{
  static const guint slides[] = { 1, 2 };
  static const char *const expected[] = { "|(b,4)|(a,2) (b,10)|(b,6) (c,2)|(c,2)|",
                                          "-|(b,4)|-|(b,6) (c,2)|-|" };

  g_test_summary ("Without an inverse the filter hides a key for as long as it is false");
  for (guint i = 0; i < G_N_ELEMENTS (slides); i++)
    {
      DsTestWindow fixture;
      DsDStream *sums;

      ds_test_window_set_up (&fixture, "local", "a:1|a:2 b:4|b:6|c:2|");
      sums =
          ds_dstream_reduce_by_key_and_window (fixture.stream, 2 * DS_SECOND,
                                               slides[i] * DS_SECOND, ds_add, NULL, NULL);
      ds_dstream_set_window_filter (sums, is_even, NULL, NULL);
      ds_test_window_assert_gives (&fixture, sums, 6, expected[i]);
    }
}

/* A stream of 10,000 batches of random keys over a window of 50. */
static void
test_memory_stays_the_same (void)
{
  const guint n_slides = 10000;
  gsize n_max_bytes = 0;
  DsTestWindow fixture;
  DsDStream *windows[2];
  DsWindowCounts counts;
  gboolean has_inverse[] = { FALSE, TRUE };

  g_test_summary ("10,000 slides hold no more memory than the first 1,000");
  ds_test_stream_set_up (&fixture.test, "local");
  ds_test_stream_allow_checkpoints (&fixture.test);
  fixture.stream = ds_streaming_context_queue_stream (fixture.test.ssc);
  for (guint i = 0; i < 2; i++)
    {
      windows[i] = ds_dstream_reduce_by_key_and_window (fixture.stream, 50 * DS_SECOND, 0,
                                                        has_inverse[i] ? ds_add : ds_max,
                                                        NULL, NULL);
      if (has_inverse[i])
        {
          ds_dstream_set_inverse (windows[i], ds_subtract, NULL, NULL);
          ds_dstream_set_window_filter (windows[i], is_not_zero, NULL, NULL);
        }
      /* Who writes a checkpoint keeps what leaves meanwhile, as much as chance will have
       * it: see /rdd/window-save/memory-is-given-back. */
      ds_dstream_checkpoint (windows[i], 10 * n_slides * DS_SECOND);
      ds_dstream_foreach_rdd (windows[i], ds_test_ignore_rdd, NULL, NULL);
    }
  ds_test_stream_start (&fixture.test);
  for (guint i = 0; i < n_slides; i++)
    {
      g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
      g_autoptr (DsBlock) block = NULL;

      for (guint k = 0; k < 20; k++)
        {
          /* Every key is there for a while and never again. */
          g_autofree char *key =
              g_strdup_printf ("key number %d of this stream",
                               (gint) i + g_test_rand_int_range (0, 60));

          ds_block_builder_add_pair (builder, ds_value_string (key), ds_value_int (1));
        }
      block = ds_block_builder_end (builder);
      ds_dstream_push_block (fixture.stream, block);
      ds_test_stream_run (&fixture.test, 1);
      if (i % 10 == 0)
        for (guint k = 0; k < 2; k++)
          {
            g_assert_true (ds_window_reduced_dstream_get_counts (windows[k], &counts));
            if (i < 1000)
              n_max_bytes = MAX (n_max_bytes, counts.n_bytes);
            else /* how full it gets is a matter of chance */
              g_assert_cmpuint (counts.n_bytes, <=, n_max_bytes * 5 / 4);
          }
    }
  ds_test_stream_tear_down (&fixture.test);
}

/* @window batches of one key each, over and over @n_keys. */
static void
count_calls (guint window, guint64 *n_calls, guint64 *n_touched)
{
  DsTestWindow fixture;
  DsDStream *maxima;
  DsWindowCounts before;
  DsWindowCounts after;

  ds_test_stream_set_up (&fixture.test, "local");
  ds_test_stream_allow_checkpoints (&fixture.test);
  fixture.stream = ds_streaming_context_queue_stream (fixture.test.ssc);
  maxima = ds_dstream_reduce_by_key_and_window (fixture.stream, window * DS_SECOND, 0,
                                                ds_max, NULL, NULL);
  ds_dstream_foreach_rdd (maxima, ds_test_ignore_rdd, NULL, NULL);
  for (guint i = 0; i < 3 * window; i++)
    ds_test_window_push (fixture.stream, "a:1 b:2 c:3", TRUE);
  ds_test_stream_start (&fixture.test);
  ds_test_stream_run (&fixture.test, window);
  ds_window_reduced_dstream_get_counts (maxima, &before);
  for (guint i = 0; i < 2 * window; i++)
    {
      DsWindowCounts now;

      ds_window_reduced_dstream_get_counts (maxima, &now);
      ds_test_stream_run (&fixture.test, 1);
      ds_window_reduced_dstream_get_counts (maxima, &after);
      /* Never more than a push, a pop and a look take. */
      g_assert_cmpuint (after.n_calls - now.n_calls, <=, 3 * 8);
      g_assert_cmpuint (after.n_touched - now.n_touched, ==, 6);
    }
  *n_calls = (after.n_calls - before.n_calls) / (2 * window);
  *n_touched = (after.n_touched - before.n_touched) / (2 * window);
  ds_test_stream_tear_down (&fixture.test);
}

static void
test_work_does_not_grow_with_the_window (void)
{
  static const guint windows[] = { 10, 100, 1000 };

  g_test_summary ("A slide costs the same whatever the window's length, and no slide "
                  "costs more than a bound");
  for (guint i = 0; i < G_N_ELEMENTS (windows); i++)
    {
      guint64 n_calls;
      guint64 n_touched;

      count_calls (windows[i], &n_calls, &n_touched);
      g_test_message ("window of %u: %" G_GUINT64_FORMAT " calls a slide", windows[i],
                      n_calls);
      g_assert_cmpuint (n_touched, ==, 6); /* 3 come, 3 leave */
      g_assert_cmpuint (n_calls, <=, 3 * 8);
    }
}

/* ---- Failures ---- */

typedef struct
{
  gboolean is_lasting;
  gint n_failures; /* still to come, if it is not */
} Trouble;

/* Fails where it sees 1,000. */
static DsValue
add_with_trouble (DsValue a, DsValue b, DsTask *task, gpointer user_data)
{
  Trouble *trouble = user_data;

  if ((ds_value_get_int (a) == 1000 || ds_value_get_int (b) == 1000) &&
      (trouble->is_lasting || g_atomic_int_add (&trouble->n_failures, -1) > 0))
    ds_task_fail (task, "a thousand");
  return ds_value_int (ds_value_get_int (a) + ds_value_get_int (b));
}

static void
assert_survives (gboolean has_inverse,
                 DsFailurePolicy policy,
                 Trouble trouble,
                 const char *expected)
{
  DsTestWindow fixture;
  DsDStream *sums;
  DsOutput *output;

  ds_test_window_set_up (
      &fixture, "local[2]",
      "a:1 b:1 c:1 d:1|a:2 b:2 c:2|a:1000 b:3|a:4 b:4 d:4|a:5|a:6|a:7");
  g_object_set (fixture.test.ssc, "failure-policy", policy, "max-batch-retries", 3, NULL);
  sums = ds_dstream_reduce_by_key_and_window (fixture.stream, 3 * DS_SECOND, 0,
                                              add_with_trouble, &trouble, NULL);
  if (has_inverse)
    ds_dstream_set_inverse (sums, ds_subtract, NULL, NULL);
  output = ds_dstream_collect (sums);
  ds_test_stream_start (&fixture.test);
  for (guint i = 0; i < 8; i++)
    {
      g_autoptr (GError) error = NULL;

      ds_manual_clock_advance (fixture.test.clock, DS_SECOND);
      ds_streaming_context_await_batch (fixture.test.ssc, (i + 1) * DS_SECOND, &error);
    }
  ds_test_window_assert_output (output, 8, expected);
  ds_test_stream_tear_down (&fixture.test);
}

static void
test_retries_give_the_same (void)
{
  const Trouble twice = { FALSE, 2 };

  g_test_summary ("A step that fails and is tried again gives what it would have given");
  assert_survives (FALSE, DS_FAILURE_POLICY_RETRY, twice,
                   "(a,1) (b,1) (c,1) (d,1)|(a,3) (b,3) (c,3) (d,1)|(a,1003) (b,6) (c,3) "
                   "(d,1)|(a,1006) (b,9) (c,2) (d,4)|(a,1009) (b,7) (d,4)|(a,15) (b,4) "
                   "(d,4)|(a,18)|(a,13)");
  assert_survives (TRUE, DS_FAILURE_POLICY_RETRY, twice,
                   "(a,1) (b,1) (c,1) (d,1)|(a,3) (b,3) (c,3) (d,1)|(a,1003) (b,6) (c,3) "
                   "(d,1)|(a,1006) (b,9) (c,2) (d,4)|(a,1009) (b,7) (c,0) (d,4)|(a,15) "
                   "(b,4) (c,0) (d,4)|(a,18) (b,0) (c,0) (d,0)|(a,13) (b,0) (c,0) (d,0)");
}

static void
test_batches_given_up_come_with_the_next (void)
{
  const Trouble once = { FALSE, 1 };
  const Trouble always = { TRUE, 0 };

  g_test_summary ("When a step is given up, the next one brings what it would have "
                  "brought, as long as that is in the window");
  /* Batch 3 fails once, and is given up; its data is in the windows that follow. */
  assert_survives (FALSE, DS_FAILURE_POLICY_CONTINUE, once,
                   "(a,1) (b,1) (c,1) (d,1)|(a,3) (b,3) (c,3) (d,1)|-|(a,1006) (b,9) "
                   "(c,2) (d,4)|(a,1009) (b,7) (d,4)|(a,15) (b,4) (d,4)|(a,18)|(a,13)");
  assert_survives (TRUE, DS_FAILURE_POLICY_CONTINUE, once,
                   "(a,1) (b,1) (c,1) (d,1)|(a,3) (b,3) (c,3) (d,1)|-|(a,1006) (b,9) "
                   "(c,2) (d,4)|(a,1009) (b,7) (c,0) (d,4)|(a,15) (b,4) (c,0) "
                   "(d,4)|(a,18) (b,0) (c,0) (d,0)|(a,13) (b,0) (c,0) (d,0)");
  /* It always fails: as long as batch 3 is in the window, there is no result. */
  assert_survives (FALSE, DS_FAILURE_POLICY_CONTINUE, always,
                   "(a,1) (b,1) (c,1) (d,1)|(a,3) (b,3) (c,3) (d,1)|-|-|-|(a,15) (b,4) "
                   "(d,4)|(a,18)|(a,13)");
}

static void
test_batches_are_not_remembered (void)
{
  DsTestWindow fixture;
  DsDStream *sums;

  g_test_summary ("A window that goes on from step to step keeps no batches");
  ds_test_window_set_up (&fixture, "local", "a:1|a:2|a:3|a:4|a:5|a:6");
  sums = sum_window (&fixture, 50, 1);
  ds_dstream_collect (sums);
  ds_test_stream_start (&fixture.test);
  for (guint i = 0; i < 20; i++)
    {
      ds_test_stream_run (&fixture.test, 1);
      g_assert_cmpuint (ds_dstream_get_n_remembered (fixture.stream), <=, 2);
      g_assert_cmpuint (ds_dstream_get_n_remembered (
                            ds_dstream_get_node (sums)->parents[0]),
                        <=, 2);
    }
  ds_test_stream_tear_down (&fixture.test);
}

/* ---- Options ---- */

static void
assert_lacks (DsDStream *(*make) (DsDStream *stream),
              gboolean inverse,
              const char *option)
{
  DsTestWindow fixture;
  guint n_destroyed = 0;
  const GError *error;

  ds_test_window_set_up (&fixture, "local", "a:1");
  if (inverse)
    ds_dstream_set_inverse (make (fixture.stream), ds_subtract, &n_destroyed,
                            ds_test_window_count_destroyed);
  else
    ds_dstream_set_window_filter (make (fixture.stream), is_even, &n_destroyed,
                                  ds_test_window_count_destroyed);
  g_assert_cmpuint (n_destroyed, ==, 1);
  error = ds_streaming_context_get_build_error (fixture.test.ssc);
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, option));
  ds_test_stream_tear_down (&fixture.test);
}

static DsDStream *
make_window (DsDStream *stream)
{
  return ds_dstream_window (stream, DS_SECOND, 0);
}

static DsDStream *
make_counts (DsDStream *stream)
{
  return ds_dstream_count_by_value_and_window (stream, DS_SECOND, 0);
}

static void
test_options_that_are_lacking_latch (void)
{
  DsTestWindow fixture;
  guint n_destroyed = 0;
  DsDStream *sums;

  g_test_summary ("An inverse or filter for another operator fails the start");
  assert_lacks (make_window, TRUE, "set_inverse");
  assert_lacks (make_counts, TRUE, "set_inverse");
  assert_lacks (make_window, FALSE, "set_window_filter");
  assert_lacks (make_counts, FALSE, "set_window_filter");

  ds_test_window_set_up (&fixture, "local", "a:1|a:2|a:3");
  sums =
      ds_dstream_reduce_by_key_and_window (fixture.stream, 2 * DS_SECOND, 0, ds_add,
                                           &n_destroyed, ds_test_window_count_destroyed);
  ds_dstream_set_inverse (sums, ds_subtract, &n_destroyed,
                          ds_test_window_count_destroyed);
  ds_dstream_set_window_filter (sums, is_not_zero, &n_destroyed,
                                ds_test_window_count_destroyed);
  ds_test_window_assert_gives (&fixture, sums, 4, "(a,1)|(a,3)|(a,5)|(a,3)");
  g_assert_cmpuint (n_destroyed, ==, 3);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/window-steps/keys-stay-without-a-filter",
                   test_keys_stay_without_a_filter);
  g_test_add_func ("/dstream/window-steps/filter-drops-keys", test_filter_drops_keys);
  g_test_add_func ("/dstream/window-steps/slide-longer-than-window",
                   test_slide_longer_than_window);
  g_test_add_func ("/dstream/window-steps/window-no-multiple-of-slide",
                   test_window_no_multiple_of_slide);
  g_test_add_func ("/dstream/window-steps/reduces-all-with-an-inverse",
                   test_reduces_all_with_an_inverse);
  g_test_add_func ("/dstream/window-steps/counts", test_counts);
  g_test_add_func ("/dstream/window-steps/inverse-first-then-what-came",
                   test_inverse_first_then_what_came);
  g_test_add_func ("/dstream/window-steps/filter-without-an-inverse-hides",
                   test_filter_without_an_inverse_hides);
  g_test_add_func ("/dstream/window-steps/work-does-not-grow-with-the-window",
                   test_work_does_not_grow_with_the_window);
  g_test_add_func ("/dstream/window-steps/memory-stays-the-same",
                   test_memory_stays_the_same);
  g_test_add_func ("/dstream/window-steps/retries-give-the-same",
                   test_retries_give_the_same);
  g_test_add_func ("/dstream/window-steps/batches-given-up-come-with-the-next",
                   test_batches_given_up_come_with_the_next);
  g_test_add_func ("/dstream/window-steps/batches-are-not-remembered",
                   test_batches_are_not_remembered);
  g_test_add_func ("/dstream/window-steps/options-that-are-lacking-latch",
                   test_options_that_are_lacking_latch);
  return g_test_run ();
}
