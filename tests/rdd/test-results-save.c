/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/ds-block-private.h"
#include "base/ds-codec-private.h"
#include "rdd/ds-step-rdd-private.h"
#include "tests/rdd/ds-test-rdd.h"
#include "tests/rdd/ds-test-save.h"

#define N_BLOCKS 4

static GBytes *
save (DsTime time, DsBlock *const *blocks)
{
  DsTestWriter writer = ds_test_writer_make ();
  g_autoptr (GError) error = NULL;

  g_assert_true (ds_results_save (time, blocks, N_BLOCKS, &writer.writer, &error));
  g_assert_no_error (error);
  return g_byte_array_free_to_bytes (writer.bytes);
}

static DsBlock **
try_load (GBytes *bytes, guint n_blocks, DsTime *time, GError **error)
{
  gsize n_bytes;
  const guint8 *data = g_bytes_get_data (bytes, &n_bytes);
  DsTestReader reader = ds_test_reader_make (data, n_bytes);
  DsBlock **blocks;

  reader.n_piece = 13;
  blocks = ds_results_load (n_blocks, time, &reader.reader, error);
  g_assert_true ((blocks != NULL) == (*error == NULL));
  if (blocks != NULL)
    g_assert_cmpuint (reader.at, ==, n_bytes);
  return blocks;
}

/* Pairs, none, values with tuples of two among them, text. */
static void
make_blocks (DsBlock **blocks, gint64 n_pairs)
{
  static const char *const lines[] = { "first", "", "third", NULL };
  DsValue items[3] = { ds_value_double (-0.0), ds_value_bytes ("\0\1", 2),
                       ds_value_null () };
  DsValue values[2] = { ds_value_tuple (items, 2), ds_value_list (items, 3) };
  g_autoptr (DsBlockBuilder) pairs = ds_block_builder_new ();
  g_autoptr (DsBlockBuilder) none = ds_block_builder_new ();

  for (gint64 i = 0; i < n_pairs; i++)
    ds_block_builder_add_pair (pairs, ds_value_int (i), ds_value_string ("state"));
  blocks[0] = ds_block_builder_end (pairs);
  blocks[1] = ds_block_builder_end (none);
  blocks[2] = ds_block_new (values, 2);
  blocks[3] = ds_block_new_from_strv (lines);
  blocks[4] = NULL;
}

static void
test_results_are_read_again (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsPartitioner) partitioner = ds_partitioner_new_hash (N_BLOCKS);
  DsBlock *blocks[N_BLOCKS + 1];
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (DsRdd) step = NULL;
  DsBlock **loaded;
  DsBlock **again;
  DsTime time;

  g_test_summary ("Blocks come back with the same values, and are a step that has run");
  make_blocks (blocks, 300000); /* several frames */
  bytes = save (7 * DS_SECOND, blocks);
  loaded = try_load (bytes, N_BLOCKS, &time, &error);
  g_assert_no_error (error);
  g_assert_cmpint (time, ==, 7 * DS_SECOND);
  for (guint i = 0; i < N_BLOCKS; i++)
    {
      g_autoptr (GByteArray) expected = g_byte_array_new ();
      g_autoptr (GByteArray) found = g_byte_array_new ();

      ds_codec_encode_block (blocks[i], expected);
      ds_codec_encode_block (loaded[i], found);
      g_assert_cmpmem (found->data, found->len, expected->data, expected->len);
      if (i == 0 || i == 2)
        g_assert_cmpint (ds_block_get_form (loaded[i]), ==,
                         ds_block_get_form (blocks[i]));
      ds_block_unref (blocks[i]);
    }

  step = ds_step_rdd_new_restored (context, "window", time, partitioner, loaded);
  ds_results_free (loaded);
  g_assert_true (ds_rdd_is_step (step));
  g_assert_cmpint (ds_step_rdd_get_time (step), ==, time);
  g_assert_false (ds_rdd_was_given_up (step));
  g_assert_true (ds_step_rdd_run (step, &error));
  ds_step_rdd_settle (step);
  g_assert_cmpint (ds_rdd_count (step, &error), ==, 300000 + 2 + 3);
  g_assert_no_error (error);
  again = ds_step_rdd_ref_blocks (step);
  g_assert_cmpuint (ds_block_get_length (again[3]), ==, 3);
  ds_results_free (again);
}

static void
test_damage_is_an_error_and_never_a_crash (void)
{
  DsBlock *blocks[N_BLOCKS + 1];
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) mismatch = NULL;
  const guint8 *data;
  guint n_refused = 0;
  gsize n_bytes;
  DsTime time;

  g_test_summary ("Each bit flipped, each length cut");
  make_blocks (blocks, 3);
  bytes = save (DS_SECOND, blocks);
  for (guint i = 0; i < N_BLOCKS; i++)
    ds_block_unref (blocks[i]);
  g_assert_null (try_load (bytes, N_BLOCKS + 1, &time, &mismatch));
  g_assert_error (mismatch, DS_ERROR, DS_ERROR_GRAPH_MISMATCH);
  data = g_bytes_get_data (bytes, &n_bytes);
  for (gsize i = 0; i < n_bytes; i += DS_TEST_BYTE_STEP)
    for (guint bit = 0; bit <= 8; bit++)
      {
        g_autofree guint8 *copy = g_memdup2 (data, n_bytes);
        g_autoptr (GBytes) damaged = NULL;
        g_autoptr (GError) error = NULL;
        DsBlock **loaded;

        if (bit < 8)
          copy[i] ^= (guint8) (1u << bit);
        damaged = g_bytes_new (copy, bit < 8 ? n_bytes : i);
        loaded = try_load (damaged, N_BLOCKS, &time, &error);
        g_assert_true (bit < 8 || loaded == NULL);
        if (loaded != NULL)
          ds_results_free (loaded);
        else
          {
            g_assert_true (error->domain == DS_ERROR);
            n_refused++;
          }
      }
  g_assert_cmpuint (n_refused * DS_TEST_BYTE_STEP, >, n_bytes);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/results-save/results-are-read-again",
                   test_results_are_read_again);
  g_test_add_func ("/rdd/results-save/damage-is-an-error-and-never-a-crash",
                   test_damage_is_an_error_and_never_a_crash);

  return g_test_run ();
}
