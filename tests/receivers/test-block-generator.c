/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/receivers/ds-test-recorder.h"

#include "base/ds-error.h"
#include "receivers/ds-poll-threads-private.h"

typedef struct
{
  DsTestRecorder *recorder;
  DsPollThread *thread;
  DsBlockGenerator *generator;
} Fixture;

static void
set_up_with (Fixture *fixture, DsDuration block_interval, gsize max_block_bytes)
{
  fixture->recorder = ds_test_recorder_new (1 << 30, TRUE);
  fixture->thread = ds_poll_thread_acquire (NULL);
  fixture->generator =
      ds_block_generator_new (block_interval, max_block_bytes, fixture->recorder->budget,
                              ds_test_recorder_add_block, fixture->recorder);
  ds_block_generator_start (fixture->generator,
                            ds_poll_thread_get_timer (fixture->thread));
}

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  set_up_with (fixture, DS_HOUR, 1 << 20);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  if (ds_block_generator_get_state (fixture->generator) != DS_BLOCK_GENERATOR_STOPPED)
    ds_block_generator_stop (fixture->generator);
  ds_block_generator_unref (fixture->generator);
  ds_poll_thread_release (fixture->thread);
  g_assert_cmpuint (ds_memory_budget_get_n_bytes (fixture->recorder->budget), ==,
                    fixture->recorder->n_bytes);
  ds_test_recorder_free (fixture->recorder);
}

static void
add (Fixture *fixture, const char *string)
{
  g_autoptr (GError) error = NULL;

  ds_block_generator_add (fixture->generator, ds_value_string (string), &error);
  g_assert_no_error (error);
}

static void
test_copies_records (Fixture *fixture, gconstpointer user_data)
{
  char text[] = "before";
  DsValue items[2] = { ds_value_string (text), ds_value_int (7) };

  g_test_summary ("A record is its value at the time of storing, however deep");

  g_assert_true (
      ds_block_generator_add (fixture->generator, ds_value_tuple (items, 2), NULL));
  memcpy (text, "after!", 6);
  items[1] = ds_value_int (8);
  ds_block_generator_cut (fixture->generator);
  ds_test_recorder_assert_text (fixture->recorder, "(before,7)\n");
}

static void
test_cut_makes_one_block (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("What came between two cuts is one block; nothing is no block");

  add (fixture, "a");
  add (fixture, "b");
  ds_block_generator_cut (fixture->generator);
  ds_block_generator_cut (fixture->generator);
  add (fixture, "c");
  ds_block_generator_cut (fixture->generator);
  g_assert_cmpuint (fixture->recorder->blocks->len, ==, 2);
  ds_test_recorder_assert_text (fixture->recorder, "a\nb\nc\n");
}

static void
test_interval_cuts (void)
{
  Fixture fixture = { 0 };

  g_test_summary ("At the end of each block interval there is a block, without a cut");

  set_up_with (&fixture, DS_MILLISECOND, 1 << 20);
  for (gsize i = 1; i <= 20; i++)
    {
      add (&fixture, "again");
      ds_test_recorder_wait_until (fixture.recorder, fixture.recorder->n_records == i);
    }
  g_assert_cmpuint (fixture.recorder->blocks->len, ==, 20);
  tear_down (&fixture, NULL);
}

static void
test_full_buffer_cuts (void)
{
  Fixture fixture = { 0 };
  g_autofree char *kilobyte = g_strnfill (1000, 'x');

  g_test_summary ("A full buffer becomes a block at once");

  set_up_with (&fixture, DS_HOUR, 10000);
  for (guint i = 0; i < 100; i++)
    add (&fixture, kilobyte);
  /* At most 10 records of 1,000 bytes fit into a block, so 100 make 10 blocks or more. */
  g_assert_cmpuint (fixture.recorder->blocks->len, >=, 9);
  g_assert_cmpuint (fixture.recorder->n_records, >=, 90);
  for (guint i = 0; i < fixture.recorder->blocks->len; i++)
    g_assert_cmpuint (ds_block_get_length (
                          g_ptr_array_index (fixture.recorder->blocks, i)),
                      <=, 11);
  ds_block_generator_stop (fixture.generator);
  g_assert_cmpuint (fixture.recorder->n_records, ==, 100);
  tear_down (&fixture, NULL);
}

static void
test_tiny_records_fill_a_block (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Values without bytes of their own fill a block by their number");

  for (guint i = 0; i < 200000; i++)
    g_assert_true (ds_block_generator_add (fixture->generator, ds_value_int (i), NULL));
  g_assert_cmpuint (fixture->recorder->blocks->len, >=, 3);
  g_assert_cmpuint (ds_block_get_length (
                        g_ptr_array_index (fixture->recorder->blocks, 0)),
                    <=, 65536);
}

static void
test_blocks_keep_the_order (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (DsBlock) block = ds_block_new_strings ("b", "c", NULL);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A block that is added comes after what was added before it");

  add (fixture, "a");
  ds_block_generator_add_block (fixture->generator, block, &error);
  g_assert_no_error (error);
  add (fixture, "d");
  ds_block_generator_cut (fixture->generator);
  g_assert_cmpuint (fixture->recorder->blocks->len, ==, 3);
  g_assert_true (g_ptr_array_index (fixture->recorder->blocks, 1) == block);
  ds_test_recorder_assert_text (fixture->recorder, "a\nb\nc\nd\n");
}

static DsBlock *
take_pending (gpointer user_data)
{
  guint *n_pending = user_data;

  if (*n_pending == 0)
    return NULL;

  --*n_pending;
  return ds_block_new_strings ("pending", NULL);
}

static void
test_asks_for_what_is_pending (Fixture *fixture, gconstpointer user_data)
{
  guint n_pending = 2;

  g_test_summary ("Each cut takes what a receiver keeps in a buffer of its own, also the "
                  "last one");

  ds_block_generator_set_take_func (fixture->generator, take_pending, &n_pending);
  ds_block_generator_cut (fixture->generator);
  g_assert_cmpuint (n_pending, ==, 1);
  ds_block_generator_stop (fixture->generator);
  g_assert_cmpuint (n_pending, ==, 0);
  ds_block_generator_cut (fixture->generator);
  ds_test_recorder_assert_text (fixture->recorder, "pending\npending\n");
}

static void
test_adds_only_while_active (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (DsBlock) block = ds_block_new_strings ("late", NULL);
  g_autoptr (GError) early = NULL;
  g_autoptr (GError) late = NULL;
  g_autoptr (GError) late_block = NULL;
  g_autoptr (DsBlockGenerator) fresh =
      ds_block_generator_new (DS_HOUR, 1 << 20, fixture->recorder->budget,
                              ds_test_recorder_add_block, fixture->recorder);

  g_test_summary ("Initialized and stopped generators refuse records with an error");

  g_assert_cmpint (ds_block_generator_get_state (fresh), ==,
                   DS_BLOCK_GENERATOR_INITIALIZED);
  g_assert_false (ds_block_generator_add (fresh, ds_value_int (1), &early));
  g_assert_error (early, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (early->message, "not been started"));

  g_assert_cmpint (ds_block_generator_get_state (fixture->generator), ==,
                   DS_BLOCK_GENERATOR_ACTIVE);
  ds_block_generator_stop (fixture->generator);
  g_assert_cmpint (ds_block_generator_get_state (fixture->generator), ==,
                   DS_BLOCK_GENERATOR_STOPPED);
  g_assert_false (ds_block_generator_add (fixture->generator, ds_value_int (1), &late));
  g_assert_error (late, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (late->message, "been stopped"));
  g_assert_false (ds_block_generator_add_block (fixture->generator, block, &late_block));
  g_assert_error (late_block, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_cmpuint (fixture->recorder->n_records, ==, 0);
}

static void
test_stop_pushes_everything (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("What was added before stop is pushed when stop returns");

  add (fixture, "a");
  add (fixture, "b");
  ds_block_generator_stop (fixture->generator);
  ds_test_recorder_assert_text (fixture->recorder, "a\nb\n");
}

static void
test_second_stop_is_a_warning (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Stopping twice warns and changes nothing");

  ds_block_generator_stop (fixture->generator);
  g_test_expect_message ("DStream", G_LOG_LEVEL_WARNING, "*already been stopped*");
  ds_block_generator_stop (fixture->generator);
  g_test_assert_expected_messages ();
}

static void
test_refused_block_gives_bytes_back (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (DsBlock) block = ds_block_new_strings ("a", NULL);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A block that could not be kept fails the store and costs no memory");

  fixture->recorder->refuses = TRUE;
  g_assert_false (ds_block_generator_add_block (fixture->generator, block, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE);
  g_assert_cmpuint (ds_memory_budget_get_n_bytes (fixture->recorder->budget), ==, 0);
  fixture->recorder->refuses = FALSE;
}

#define N_THREADS 4
#define N_PER_THREAD 2500

typedef struct
{
  Fixture *fixture;
  guint index;
} Adder;

static gpointer
add_many (gpointer data)
{
  Adder *adder = data;

  for (guint i = 0; i < N_PER_THREAD; i++)
    g_assert_true (ds_block_generator_add (adder->fixture->generator,
                                           ds_value_int (adder->index * N_PER_THREAD + i),
                                           NULL));
  return NULL;
}

static void
test_threads_lose_nothing (void)
{
  Fixture fixture = { 0 };
  GThread *threads[N_THREADS];
  Adder adders[N_THREADS];
  g_autofree guint8 *n_seen = g_new0 (guint8, N_THREADS * N_PER_THREAD);

  g_test_summary ("4 threads add 2,500 records each, while blocks are cut all the time");

  set_up_with (&fixture, 100, 2000);
  for (guint i = 0; i < N_THREADS; i++)
    {
      adders[i] = (Adder){ &fixture, i };
      threads[i] = g_thread_new ("adder", add_many, &adders[i]);
    }
  for (guint i = 0; i < 100; i++)
    ds_block_generator_cut (fixture.generator);
  for (guint i = 0; i < N_THREADS; i++)
    g_thread_join (threads[i]);
  ds_block_generator_stop (fixture.generator);

  for (guint i = 0; i < fixture.recorder->blocks->len; i++)
    {
      DsBlock *block = g_ptr_array_index (fixture.recorder->blocks, i);

      for (gsize j = 0; j < ds_block_get_length (block); j++)
        n_seen[ds_value_get_int (ds_block_get (block, j))]++;
    }
  for (guint i = 0; i < N_THREADS * N_PER_THREAD; i++)
    g_assert_cmpuint (n_seen[i], ==, 1);
  tear_down (&fixture, NULL);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) \
  g_test_add ("/receivers/block-generator/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("copies-records", test_copies_records);
  ADD ("cut-makes-one-block", test_cut_makes_one_block);
  g_test_add_func ("/receivers/block-generator/interval-cuts", test_interval_cuts);
  g_test_add_func ("/receivers/block-generator/full-buffer-cuts", test_full_buffer_cuts);
  ADD ("tiny-records-fill-a-block", test_tiny_records_fill_a_block);
  ADD ("blocks-keep-the-order", test_blocks_keep_the_order);
  ADD ("asks-for-what-is-pending", test_asks_for_what_is_pending);
  ADD ("adds-only-while-active", test_adds_only_while_active);
  ADD ("stop-pushes-everything", test_stop_pushes_everything);
  ADD ("second-stop-is-a-warning", test_second_stop_is_a_warning);
  ADD ("refused-block-gives-bytes-back", test_refused_block_gives_bytes_back);
  g_test_add_func ("/receivers/block-generator/threads-lose-nothing",
                   test_threads_lose_nothing);
#undef ADD
  return g_test_run ();
}
