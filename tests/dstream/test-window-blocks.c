/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/dstream/ds-test-window.h"

/* The sum of each key's ints; counts its calls. */
static DsBlock *
sum_keys (DsBlock *block, DsTask *task, gpointer n_calls, GError **error)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) sorted = ds_block_sort (block);
  gsize n_pairs = ds_block_get_length (sorted);
  gint64 sum = 0;

  if (n_calls != NULL)
    g_atomic_int_inc ((gint *) n_calls);
  for (gsize i = 0; i < n_pairs; i++)
    {
      DsValue key = ds_pair_key (ds_block_get (sorted, i));

      sum += ds_value_get_int (ds_pair_value (ds_block_get (sorted, i)));
      if (i + 1 < n_pairs &&
          ds_value_equal (ds_pair_key (ds_block_get (sorted, i + 1)), key))
        continue;
      ds_block_builder_add_pair (builder, ds_pair_key (ds_block_get (sorted, i)),
                                 ds_value_int (sum));
      sum = 0;
    }
  return ds_block_builder_end (builder);
}

static void
test_reduces_windows (void)
{
  DsTestWindow fixture;
  guint n_destroyed = 0;
  DsDStream *sums;

  g_test_summary ("reduce_by_key_and_window_blocks gives one pair a key of each window");
  ds_test_window_set_up (&fixture, "local[2]", "a:1 b:2 a:3||b:4|c:5");
  sums = ds_dstream_reduce_by_key_and_window_blocks (fixture.stream, 3 * DS_SECOND, 0,
                                                     sum_keys, NULL, NULL);
  ds_dstream_set_n_partitions (sums, 3);
  ds_test_window_assert_gives (&fixture, sums, 7,
                               "(a,4) (b,2)|(a,4) (b,2)|(a,4) (b,6)|(b,4) (c,5)|(b,4) "
                               "(c,5)|(c,5)|");

  ds_test_window_set_up (&fixture, "local", "a:1|a:2|a:4|a:8|a:16|a:32");
  ds_test_window_assert_gives (
      &fixture,
      ds_dstream_reduce_by_key_and_window_blocks (fixture.stream, 2 * DS_SECOND,
                                                  3 * DS_SECOND, sum_keys, NULL, NULL),
      6, "-|-|(a,6)|-|-|(a,48)");

  ds_test_window_set_up (&fixture, "local", "a:1");
  ds_dstream_reduce_by_key_and_window_blocks (fixture.stream, 1, 0, sum_keys,
                                              &n_destroyed,
                                              ds_test_window_count_destroyed);
  g_assert_cmpuint (n_destroyed, ==, 1);
  g_assert_error (ds_streaming_context_get_build_error (fixture.test.ssc), DS_ERROR,
                  DS_ERROR_INVALID_INTERVAL);
  ds_test_stream_tear_down (&fixture.test);
}

static void
test_each_batch_is_reduced_once (void)
{
  DsTestWindow fixture;
  gint n_calls = 0;
  DsOutput *output;

  g_test_summary ("What a batch came to is kept for the windows that it is in");
  ds_test_window_set_up (&fixture, "local", "a:1 a:2|a:3|a:4|a:5");
  output = ds_dstream_collect (
      ds_dstream_reduce_by_key_and_window_blocks (fixture.stream, 3 * DS_SECOND, 0,
                                                  sum_keys, &n_calls, NULL));
  ds_test_stream_start (&fixture.test);
  ds_test_stream_run (&fixture.test, 4);
  ds_test_window_assert_output (output, 4, "(a,3)|(a,6)|(a,10)|(a,12)");
  /* A batch is reduced before the exchange and after it, a window after it, and before it
   * unless keys lie where they shall. */
  g_assert_cmpint (g_atomic_int_get (&n_calls), <=, 4 * 4);
  ds_test_stream_tear_down (&fixture.test);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/window-blocks/reduces-windows", test_reduces_windows);
  g_test_add_func ("/dstream/window-blocks/each-batch-is-reduced-once",
                   test_each_batch_is_reduced_once);
  return g_test_run ();
}
