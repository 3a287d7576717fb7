/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dstream/ds-dstream-private.h"
#include "tests/dstream/ds-test-window.h"

/* ---- A plain model: batches of words under keys, joined in the order of time ---- */

#define N_KEYS 7

typedef struct
{
  GPtrArray *batches; /* GString *[N_KEYS] */
} Model;

static void
model_free_batch (gpointer batch)
{
  GString **words = batch;

  for (guint key = 0; key < N_KEYS; key++)
    g_string_free (words[key], TRUE);
  g_free (words);
}

/* What a window of @n_batches that ends with batch @last (from 1) holds; keys without a
 * word are left out. */
static char *
model_get_window (Model *self, guint last, guint n_batches)
{
  GString *text = g_string_new (NULL);

  for (guint key = 0; key < N_KEYS; key++)
    {
      g_autoptr (GString) words = g_string_new (NULL);

      for (guint i = last > n_batches ? last - n_batches : 0; i < last; i++)
        if (i < self->batches->len)
          g_string_append (words,
                           ((GString **) g_ptr_array_index (self->batches, i))[key]->str);
      if (words->len > 0)
        g_string_append_printf (text, "(%c,%s) ", 'a' + key, words->str);
    }
  return g_strchomp (g_string_free (text, FALSE));
}

static DsValue
join_words (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  gsize n_a;
  gsize n_b;
  const char *first = ds_value_get_string (a, &n_a);
  const char *second = ds_value_get_string (b, &n_b);

  return ds_string_printf (task, "%.*s%.*s", (int) n_a, first, (int) n_b, second);
}

/* Appends a random batch to the model and the stream. */
static void
push_random_batch (Model *model, DsDStream *stream)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) block = NULL;
  GString **words = g_new (GString *, N_KEYS);
  guint n_words = (guint) g_test_rand_int_range (0, 3) * 3;

  for (guint key = 0; key < N_KEYS; key++)
    words[key] = g_string_new (NULL);
  for (guint i = 0; i < n_words; i++)
    {
      guint key = (guint) g_test_rand_int_range (0, N_KEYS);
      char name[] = { (char) ('a' + key), '\0' };
      char word[3] = { (char) ('A' + model->batches->len % 26), (char) ('0' + i), '\0' };

      g_string_append (words[key], word);
      ds_block_builder_add_pair (builder, ds_value_string (name), ds_value_string (word));
    }
  g_ptr_array_add (model->batches, words);
  block = ds_block_builder_end (builder);
  ds_dstream_push_block (stream, block);
}

/* Random batches through windows of @window batches that slide by @slide. */
static void
assert_joins_like_the_model (const char *master, guint window, guint slide)
{
  const guint n_batches = 40;
  DsTestWindow fixture;
  Model model = { g_ptr_array_new_with_free_func (model_free_batch) };
  DsOutput *output;

  ds_test_stream_set_up (&fixture.test, master);
  fixture.stream = ds_streaming_context_queue_stream (fixture.test.ssc);
  output = ds_dstream_collect (
      ds_dstream_reduce_by_key_and_window (fixture.stream, window * DS_SECOND,
                                           slide * DS_SECOND, join_words, NULL, NULL));
  /* In the end the window runs empty. */
  for (guint i = 0; i < n_batches - window; i++)
    push_random_batch (&model, fixture.stream);
  ds_test_stream_start (&fixture.test);
  ds_test_stream_run (&fixture.test, n_batches);
  for (guint i = 1; i <= n_batches; i++)
    {
      DsBlock *block = ds_output_get_block (output, i * DS_SECOND);
      g_autofree char *expected = model_get_window (&model, i, window);
      g_autofree char *found = block != NULL ? ds_test_window_show (block) : NULL;

      g_assert_cmpstr (found, ==, i % slide == 0 ? expected : NULL);
    }
  ds_test_stream_tear_down (&fixture.test);
  g_ptr_array_unref (model.batches);
}

static void
test_reduces_like_a_plain_loop (void)
{
  g_test_summary ("Values of a key meet in the order of time, whatever window and slide");
  for (guint window = 1; window <= 9; window++)
    for (guint slide = 1; slide <= 5; slide++)
      {
        g_test_message ("window %u, slide %u", window, slide);
        assert_joins_like_the_model ("local", window, slide);
        assert_joins_like_the_model ("local[2]", window, slide);
      }
}

/* ---- */

static void
test_reduces_by_key (void)
{
  DsTestWindow fixture;

  g_test_summary ("reduce_by_key_and_window has a pair for each key in the window");
  ds_test_window_set_up (&fixture, "local[2]", "a:1 b:2 a:3|a:4|b:5");
  ds_test_window_assert_gives (&fixture,
                               ds_dstream_reduce_by_key_and_window (fixture.stream,
                                                                    2 * DS_SECOND, 0,
                                                                    ds_add, NULL, NULL),
                               5, "(a,4) (b,2)|(a,8) (b,2)|(a,4) (b,5)|(b,5)|");
}

static void
test_reduces_by_key_op (void)
{
  DsTestWindow fixture;

  g_test_summary ("reduce_by_key_and_window_op does so by the name of the reduction");
  ds_test_window_set_up (&fixture, "local[2]", "a:1 b:2 a:3|a:4|b:5");
  ds_test_window_assert_gives (&fixture,
                               ds_dstream_reduce_by_key_and_window_op (fixture.stream,
                                                                       2 * DS_SECOND, 0,
                                                                       DS_REDUCTION_MAX),
                               4, "(a,3) (b,2)|(a,4) (b,2)|(a,4) (b,5)|(b,5)");

  ds_test_window_set_up (&fixture, "local", "a:1");
  ds_dstream_reduce_by_key_and_window_op (fixture.stream, DS_SECOND, 0, (DsReduction) 99);
  g_assert_error (ds_streaming_context_get_build_error (fixture.test.ssc), DS_ERROR,
                  DS_ERROR_INVALID_ARGUMENT);
  ds_test_stream_tear_down (&fixture.test);
}

static void
test_reduces_all (void)
{
  DsTestWindow fixture;

  g_test_summary ("reduce_by_window gives one value, none for a window of none");
  ds_test_window_set_up (&fixture, "local[2]", "1 2 3|4 5 6|7 8 9");
  ds_test_window_assert_gives (&fixture,
                               ds_dstream_reduce_by_window (fixture.stream, 2 * DS_SECOND,
                                                            0, ds_add, NULL, NULL),
                               5, "6|21|39|24|");
}

static void
test_counts_values (void)
{
  DsTestWindow fixture;

  g_test_summary ("count_by_value_and_window drops what is no longer there");
  ds_test_window_set_up (&fixture, "local[2]", "1|2 2|1 2");
  ds_test_window_assert_gives (&fixture,
                               ds_dstream_count_by_value_and_window (fixture.stream,
                                                                     2 * DS_SECOND, 0),
                               5, "(1,1)|(1,1) (2,2)|(1,1) (2,3)|(1,1) (2,1)|");

  ds_test_window_set_up (&fixture, "local[2]", "1|2 2|1 2|3|1|1");
  ds_test_window_assert_gives (&fixture,
                               ds_dstream_count_by_value_and_window (fixture.stream,
                                                                     2 * DS_SECOND,
                                                                     3 * DS_SECOND),
                               6, "-|-|(1,1) (2,3)|-|-|(1,2)");

  ds_test_window_set_up (&fixture, "local[2]", "1|2 2|1 2|3|1|1");
  ds_test_window_assert_gives (&fixture,
                               ds_dstream_count_by_value_and_window (fixture.stream,
                                                                     3 * DS_SECOND,
                                                                     2 * DS_SECOND),
                               6, "-|(1,1) (2,2)|-|(1,1) (2,3) (3,1)|-|(1,2) (3,1)");
}

static DsValue
start_list (DsValue value, DsTask *task, gpointer prefix)
{
  return ds_string_printf (task, "%s%d", (const char *) prefix,
                           (int) ds_value_get_int (value));
}

static DsValue
add_to_list (DsValue text, DsValue value, DsTask *task, gpointer unused)
{
  g_autofree char *old = ds_value_to_string (text);

  return ds_string_printf (task, "%s+%d", old, (int) ds_value_get_int (value));
}

static void
test_combines (void)
{
  DsTestWindow fixture;

  g_test_summary ("combine_by_key_and_window creates in each batch and merges over time");
  ds_test_window_set_up (&fixture, "local", "a:1 a:2|a:3|b:4");
  ds_test_window_assert_gives (&fixture,
                               ds_dstream_combine_by_key_and_window (
                                   fixture.stream, 2 * DS_SECOND, 0, start_list,
                                   add_to_list, join_words, g_strdup ("#"), g_free),
                               4, "(a,#1+2)|(a,#1+2#3)|(a,#3) (b,#4)|(b,#4)");
}

static DsValue
add_and_count (DsValue a, DsValue b, DsTask *task, gpointer n_calls)
{
  g_atomic_int_inc ((gint *) n_calls);
  return ds_value_int (ds_value_get_int (a) + ds_value_get_int (b));
}

static void
test_windows_share_what_they_do_first (void)
{
  DsTestWindow fixture;
  gint n_calls = 0;
  DsOutput *first;
  DsOutput *second;

  g_test_summary ("Two windows over one stream reduce each batch once");
  ds_test_window_set_up (&fixture, "local", "a:1 a:2 a:3 a:4|a:5 a:6 a:7 a:8|");
  first = ds_dstream_collect (
      ds_dstream_reduce_by_key_and_window (fixture.stream, 2 * DS_SECOND, 2 * DS_SECOND,
                                           add_and_count, &n_calls, NULL));
  second = ds_dstream_collect (
      ds_dstream_reduce_by_key_and_window (fixture.stream, DS_SECOND, 2 * DS_SECOND,
                                           add_and_count, &n_calls, NULL));
  ds_test_stream_start (&fixture.test);
  ds_test_stream_run (&fixture.test, 2);
  ds_test_window_assert_output (first, 2, "-|(a,36)");
  ds_test_window_assert_output (second, 2, "-|(a,26)");
  /* 3 for each batch, 1 for the two batches of the first window. */
  g_assert_cmpint (g_atomic_int_get (&n_calls), ==, 7);
  ds_test_stream_tear_down (&fixture.test);
}

typedef struct
{
  guint length; /* s; 0: the end */
  guint slide;
} Window;

static gboolean
collect_rdd (DsRdd *rdd, DsBatch *batch, gpointer unused, GError **error)
{
  g_autoptr (DsBlock) block = ds_rdd_collect (rdd, error);

  return block != NULL;
}

/* How often @windows over one stream call their function in batches 2 to 5. */
static gint
count_calls_of_windows (gboolean by_key, const Window *windows)
{
  DsTestWindow fixture;
  DsDStream *stream;
  gint n_calls = 0;
  gint n_before;

  ds_test_window_set_up (&fixture, "local[2]",
                         by_key ? "a:0|a:1 a:2 a:3 a:4 a:5|a:6 a:7 a:8 a:9 a:10"
                                : "0|1 2 3 4 5|6 7 8 9 10");
  stream = ds_dstream_repartition (fixture.stream, 3);
  for (guint i = 0; windows[i].length != 0; i++)
    {
      DsDuration length = windows[i].length * DS_SECOND;
      DsDuration slide = windows[i].slide * DS_SECOND;
      DsDStream *reduced =
          by_key ? ds_dstream_reduce_by_key_and_window (stream, length, slide,
                                                        add_and_count, &n_calls, NULL)
                 : ds_dstream_reduce_by_window (stream, length, slide, add_and_count,
                                                &n_calls, NULL);

      ds_dstream_foreach_rdd (reduced, collect_rdd, NULL, NULL);
    }
  ds_test_stream_start (&fixture.test);
  ds_test_stream_run (&fixture.test, 1);
  n_before = g_atomic_int_get (&n_calls);
  for (guint i = 0; i < 4; i++)
    ds_test_stream_run (&fixture.test, 1);
  ds_test_stream_tear_down (&fixture.test);
  return g_atomic_int_get (&n_calls) - n_before;
}

static void
test_windows_of_all_kinds_share (void)
{
  /* Steps, slides of several batches, windows that are reduced anew. */
  static const Window windows[] = { { 3, 1 }, { 4, 1 }, { 4, 2 }, { 5, 5 }, { 0, 0 } };
  const gint n_before_windows = 2 * 4; /* 5 values each in two batches */

  g_test_summary ("However windows slide, each batch is reduced once for all of them");
  for (guint by_key = 0; by_key < 2; by_key++)
    {
      gint n_alone = 0;

      for (guint i = 0; windows[i].length != 0; i++)
        {
          const Window one[] = { windows[i], { 0, 0 } };

          n_alone += count_calls_of_windows (by_key, one) - n_before_windows;
        }
      g_assert_cmpint (count_calls_of_windows (by_key, windows), ==,
                       n_alone + n_before_windows);
    }
}

static void
test_results_have_their_partitions (void)
{
  DsTestWindow fixture;
  DsDStream *reduced;

  g_test_summary ("set_n_partitions holds for the window and what it reduces first");
  ds_test_window_set_up (&fixture, "local[2]", "a:1|b:2");
  reduced = ds_dstream_reduce_by_key_and_window (fixture.stream, 2 * DS_SECOND, 0, ds_add,
                                                 NULL, NULL);
  ds_dstream_set_n_partitions (reduced, 5);
  ds_test_window_assert_gives (&fixture, ds_dstream_count (ds_dstream_glom (reduced)), 3,
                               "5|5|5");

  ds_test_window_set_up (&fixture, "local[2]", "1|2");
  reduced = ds_dstream_count_by_value_and_window (fixture.stream, DS_SECOND, 0);
  ds_dstream_set_n_partitions (reduced, 5);
  ds_test_window_assert_gives (&fixture, ds_dstream_count (ds_dstream_glom (reduced)), 3,
                               "5|5|5");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/window-reduced/reduces-by-key", test_reduces_by_key);
  g_test_add_func ("/dstream/window-reduced/reduces-by-key-op", test_reduces_by_key_op);
  g_test_add_func ("/dstream/window-reduced/reduces-all", test_reduces_all);
  g_test_add_func ("/dstream/window-reduced/counts-values", test_counts_values);
  g_test_add_func ("/dstream/window-reduced/combines", test_combines);
  g_test_add_func ("/dstream/window-reduced/windows-share-what-they-do-first",
                   test_windows_share_what_they_do_first);
  g_test_add_func ("/dstream/window-reduced/windows-of-all-kinds-share",
                   test_windows_of_all_kinds_share);
  g_test_add_func ("/dstream/window-reduced/results-have-their-partitions",
                   test_results_have_their_partitions);
  g_test_add_func ("/dstream/window-reduced/reduces-like-a-plain-loop",
                   test_reduces_like_a_plain_loop);
  return g_test_run ();
}
