/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* count_by_value, as an RDD and as an action. */

#include "tests/rdd/ds-test-shuffle.h"

#include "rdd/ds-rdd-private.h"

static void
test_count_by_value_on_every_backend (void)
{
  enum
  {
    N_VALUES = 3000,
    N_REDUCES = 4
  };
  g_autoptr (DsBlock) words = ds_test_make_words (N_VALUES);
  g_autofree char *expected = NULL;
  DsTestModel model;

  g_test_summary ("Counts come in the same order and bytes on every backend");

  ds_test_model_init (&model, N_VALUES);
  for (gsize i = 0; i < N_VALUES; i++)
    {
      DsValue *count = ds_test_model_find (&model, ds_block_get (words, i));

      *count = ds_value_int (ds_value_get_int_or (*count, 0) + 1);
    }
  expected = ds_test_model_print (&model, N_REDUCES, TRUE);

  for (gsize i = 0; i < G_N_ELEMENTS (ds_test_masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (ds_test_masters[i]);
      g_autoptr (DsRdd) all = ds_context_parallelize (context, words, 6);
      g_autoptr (DsRdd) counts = ds_counted_rdd_new (all, N_REDUCES);

      ds_test_assert_collects (counts, expected);
    }
  ds_test_model_clear (&model);
}

static void
test_count_by_value_of_text (void)
{
  g_test_summary ("Words of lines are counted, with one partition and with several");

  for (guint n_partitions = 1; n_partitions <= 3; n_partitions++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
      g_autoptr (GError) error = NULL;
      g_autoptr (DsRdd) lines =
          ds_test_parallelize (context,
                               ds_block_new_strings ("to be or", "not to be", "",
                                                     " that is ", NULL),
                               n_partitions);
      g_autoptr (DsRdd) words = ds_rdd_flat_map (lines, ds_split_words, NULL, NULL);
      g_autoptr (DsBlock) counts = ds_rdd_count_by_value (words, &error);

      g_assert_no_error (error);
      ds_assert_block (counts, "(to,2)", "(be,2)", "(or,1)", "(not,1)", "(that,1)",
                       "(is,1)", NULL);
    }
}

static void
test_count_by_value_of_many (void)
{
  enum
  {
    N_VALUES = 700000
  };
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) integers = ds_test_integers (context, N_VALUES, 1);
  g_autoptr (DsRdd) twice = ds_rdd_union (integers, integers);
  g_autoptr (DsRdd) one = ds_rdd_repartition (twice, 1);
  g_autoptr (DsRdd) counts = ds_counted_rdd_new (one, 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) block = NULL;

  g_test_summary ("700,000 keys, more than one table takes, keep counts and order");

  block = ds_rdd_collect (counts, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ds_block_get_length (block), ==, N_VALUES);
  for (gint64 i = 0; i < N_VALUES; i++)
    {
      DsValue key;
      DsValue count;

      ds_block_get_pair (block, (gsize) i, &key, &count);
      g_assert_cmpint (key.as.integer, ==, i);
      g_assert_cmpint (count.as.integer, ==, 2);
    }
}

/* Row D10 has 10^6, against twice the time: too near to each other on a machine with
 * other work.  With lists in place of slots these would take a minute. */
#define N_PAIRS 17
#define N_COLLIDING (1 << N_PAIRS)

/* Key @i: a pair of letters for each bit, "Ab" or @other. */
static void
write_key (char *key, guint i, const char *other)
{
  for (guint k = 0; k < N_PAIRS; k++)
    memcpy (key + 2 * k, (i >> k & 1) != 0 ? other : "Ab", 2);
  key[2 * N_PAIRS] = '\0';
}

/* Counts such keys, each of which comes twice.  Returns how long that took, in us. */
static gint64
count_keys (DsContext *context, const char *other)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) keys = NULL;
  g_autoptr (DsBlock) counts = NULL;
  g_autoptr (DsRdd) rdd = NULL;
  g_autoptr (GError) error = NULL;
  char key[2 * N_PAIRS + 1];
  gint64 began;

  for (guint i = 0; i < 2 * N_COLLIDING; i++)
    {
      write_key (key, i % N_COLLIDING, other);
      ds_block_builder_add_string (builder, key);
    }
  keys = ds_block_builder_end (builder);
  rdd = ds_context_parallelize (context, keys, 1);
  began = g_get_monotonic_time ();
  counts = ds_rdd_count_by_value (rdd, &error);
  began = g_get_monotonic_time () - began;
  g_assert_no_error (error);
  g_assert_cmpuint (ds_block_get_length (counts), ==, N_COLLIDING);
  for (guint i = 0; i < N_COLLIDING; i++)
    {
      DsValue pair = ds_block_get (counts, i);
      gsize n_bytes;
      const char *text = ds_value_get_string (ds_pair_key (pair), &n_bytes);

      write_key (key, i, other);
      g_assert_cmpuint (n_bytes, ==, 2 * N_PAIRS);
      g_assert_true (memcmp (text, key, n_bytes) == 0);
      g_assert_cmpint (ds_value_get_int (ds_pair_value (pair)), ==, 2);
    }
  return began;
}

static void
test_count_by_value_of_keys_that_collide (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[1]");
  char first[2 * N_PAIRS + 1];
  gint64 plain, colliding;

  g_test_summary ("131,072 keys that are all the same to g_str_hash () are counted about "
                  "as fast as others, in the order in which they came");

  write_key (first, 0, "BA");
  for (guint i = 1; i < N_COLLIDING; i++)
    {
      char key[2 * N_PAIRS + 1];

      write_key (key, i, "BA");
      g_assert_cmpuint (g_str_hash (key), ==, g_str_hash (first));
    }
  plain = count_keys (context, "Zz");
  colliding = count_keys (context, "BA");
  g_test_message ("%.3f s, others %.3f s", (double) colliding / G_USEC_PER_SEC,
                  (double) plain / G_USEC_PER_SEC);
  g_assert_cmpint (colliding, <, 2 * plain + 3 * G_USEC_PER_SEC);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/count-by-value/on-every-backend",
                   test_count_by_value_on_every_backend);
  g_test_add_func ("/rdd/count-by-value/of-text", test_count_by_value_of_text);
  g_test_add_func ("/rdd/count-by-value/of-many", test_count_by_value_of_many);
  g_test_add_func ("/rdd/count-by-value/d10-of-keys-that-collide",
                   test_count_by_value_of_keys_that_collide);
  return g_test_run ();
}
