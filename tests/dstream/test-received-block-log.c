/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Blocks in the log and back, and the four ways in which another system lost or doubled
 * some; the names of those tests begin with the row of the list of faults. */

#include "base/ds-error.h"
#include "tests/dstream/ds-test-block-log.h"

/* ---- One block ---- */

static DsBlock *
write_and_read (DsTestBlockLog *test, DsBlock *block)
{
  DsReceivedBlockHead head = { "clicks", 12, G_MAXUINT64 - 5, 34 * DS_SECOND,
                               (gint64) ds_block_get_length (block) };
  DsReceivedBlockHead found;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) payload = NULL;
  g_autofree char *name = NULL;
  DsLogRecord record;
  DsBlock *read;

  g_assert_cmpuint (ds_received_block_log_append (test->log, &head, block, &error), >, 0);
  g_assert_no_error (error);
  ds_write_ahead_log_close (test->log, &error);
  test->log = NULL;
  g_assert_no_error (error);

  g_array_set_size (test->records, 0);
  ds_log_read (test->directory, 1, DS_LOG_DAMAGE_FAIL, ds_test_block_log_read_one, test,
               NULL, NULL, &error);
  g_assert_no_error (error);
  record = g_array_index (test->records, DsLogRecord, 0);
  payload = ds_log_read_payload (test->directory, &record, &error);
  g_assert_no_error (error);
  ds_received_block_log_read_head (g_bytes_get_data (payload, NULL),
                                   MIN (g_bytes_get_size (payload),
                                        DS_RECEIVED_BLOCK_MAX_HEAD),
                                   &found, &name, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (name, ==, "clicks");
  g_assert_cmpuint (found.stream_id, ==, 12);
  g_assert_cmpuint (found.fingerprint, ==, G_MAXUINT64 - 5);
  g_assert_cmpint (found.arrival_time, ==, 34 * DS_SECOND);
  g_assert_cmpint (found.n_records, ==, (gint64) ds_block_get_length (block));
  read = ds_received_block_log_read (payload, NULL, &error);
  g_assert_no_error (error);
  return read;
}

static void
test_values_come_back (void)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  const DsValue items[] = { ds_value_int (1), ds_value_string ("two"), ds_value_null () };
  g_autoptr (DsBlock) block = NULL;
  g_autoptr (DsBlock) read = NULL;
  DsTestBlockLog test;

  g_test_summary ("Values of every type are the same after the log");

  ds_test_block_log_set_up (&test);
  ds_block_builder_add (builder, ds_value_null ());
  ds_block_builder_add (builder, ds_value_bool (TRUE));
  ds_block_builder_add (builder, ds_value_int (G_MININT64));
  ds_block_builder_add (builder, ds_value_double (0.1));
  ds_block_builder_add (builder, ds_value_string ("a\nb"));
  ds_block_builder_add (builder, ds_value_list (items, 3));
  ds_block_builder_add (builder, ds_value_tuple (items, 3));
  block = ds_block_builder_end (builder);
  read = write_and_read (&test, block);
  g_assert_true (ds_block_equal (block, read));
  ds_test_block_log_tear_down (&test);
}

static void
test_text_comes_back (void)
{
  static const char text[] = "one\r\n\ntw\0o\nlast";
  DsArena *arena = ds_arena_new_sized (NULL, sizeof text);
  char *copy = ds_arena_alloc (arena, sizeof text - 1);
  g_autoptr (DsBlock) block = NULL;
  g_autoptr (DsBlock) read = NULL;
  const char *found;
  gboolean strip_cr = FALSE;
  gsize n_bytes = 0;
  DsTestBlockLog test;

  g_test_summary ("Text is in the log as it came, and lines are cut as they were");

  memcpy (copy, text, sizeof text - 1);
  block = ds_block_new_take_text (arena, copy, sizeof text - 1, 4, TRUE);
  ds_test_block_log_set_up (&test);
  read = write_and_read (&test, block);
  found = ds_block_get_text (read, &n_bytes, &strip_cr);
  g_assert_cmpmem (found, (int) n_bytes, text, sizeof text - 1);
  g_assert_true (strip_cr);
  g_assert_true (ds_block_equal (block, read));
  ds_test_block_log_tear_down (&test);
}

static void
test_what_cannot_be_read_is_refused (void)
{
  DsReceivedBlockHead head = { "", 0, 0, 0, 1 };
  DsValue nested[40];
  g_autoptr (DsBlock) deep = NULL;
  g_autoptr (GError) error = NULL;
  DsTestBlockLog test;

  g_test_summary ("A value that is nested too deep to be read back is not stored");

  ds_test_block_log_set_up (&test);
  nested[0] = ds_value_int (1);
  for (guint i = 1; i < G_N_ELEMENTS (nested); i++)
    nested[i] = ds_value_list (&nested[i - 1], 1);
  deep = ds_block_new (&nested[G_N_ELEMENTS (nested) - 1], 1);
  g_assert_cmpuint (ds_received_block_log_append (test.log, &head, deep, &error), ==, 0);
  g_assert_error (error, DS_ERROR, DS_ERROR_TOO_DEEP);
  ds_test_block_log_tear_down (&test);
}

static void
test_damaged_payloads (void)
{
  static const guint8 *const payloads[] = {
    (const guint8 *) "",
    (const guint8 *) "\x01",
    (const guint8 *) "\xff\xff\xff\xff\x95",
    (const guint8 *) "\x01\x00\x00\x00\xc0",
    (const guint8 *) "\x07\x00\x00\x00\x96\xa0\x00\x00\x00\x00\x03",
    (const guint8 *) "\x07\x00\x00\x00\x96\xa0\xff\x00\x00\x00\x00",
    (const guint8 *) "\x07\x00\x00\x00\x96\xa0\x00\x00\x00\xff\x00",
    (const guint8 *) "\x07\x00\x00\x00\x96\xa0\x00\x00\x00\x02\x01one\n",
  };
  static const gsize n_bytes[] = { 0, 1, 5, 5, 11, 11, 11, 15 };

  g_test_summary ("Payloads without a good head, or with other records than it names");

  for (guint i = 0; i < G_N_ELEMENTS (payloads); i++)
    {
      g_autoptr (GBytes) payload = g_bytes_new (payloads[i], n_bytes[i]);
      g_autoptr (GError) error = NULL;

      g_assert_null (ds_received_block_log_read (payload, NULL, &error));
      g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
    }
}

static void
test_positions_come_back (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  DsBlockPosition position;
  DsBlockPosition read;

  g_test_summary ("A position is the same after it was written; damage is told");

  ds_block_position_init (&position);
  position.end = 4711;
  for (guint64 left = 3; left < 4000; left *= 7)
    g_array_append_val (position.left, left);
  for (guint64 sequence = 10; sequence < 13; sequence++)
    g_array_append_val (ds_block_position_get_plan (&position, 5 * DS_SECOND)->sequences,
                        sequence);
  ds_block_position_get_plan (&position, 6 * DS_SECOND);
  ds_block_position_encode (&position, bytes);

  ds_block_position_init (&read);
  ds_block_position_decode (&read, bytes->data, bytes->len, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (read.end, ==, 4711);
  g_assert_cmpuint (read.left->len, ==, position.left->len);
  for (guint i = 0; i < read.left->len; i++)
    g_assert_cmpuint (g_array_index (read.left, guint64, i), ==,
                      g_array_index (position.left, guint64, i));
  g_assert_cmpuint (read.remembered->len, ==, 2);
  g_assert_cmpuint (
      g_array_index (ds_block_position_get_plan (&read, 5 * DS_SECOND)->sequences,
                     guint64, 2),
      ==, 12);
  ds_block_position_clear (&read);

  for (gsize i = 0; i < bytes->len; i++)
    {
      ds_block_position_init (&read);
      g_clear_error (&error);
      g_assert_false (ds_block_position_decode (&read, bytes->data, i, &error));
      g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
      ds_block_position_clear (&read);
    }
  ds_block_position_clear (&position);
}

static void
test_missing_block (void)
{
  DsTestBlockLog test;
  g_autoptr (GError) error = NULL;

  g_test_summary (
      "A batch whose block is not in the log cannot be run again, and says so");

  ds_test_block_log_set_up (&test);
  ds_test_block_log_add (&test, "a", 10);
  g_assert_true (ds_test_block_log_plan (&test, 2000 * DS_MILLISECOND));
  ds_test_block_log_close (&test);
  test.position_sequence = 2; /* as if the log began behind it */
  g_assert_false (ds_test_block_log_open (&test, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, "block 1"));
  g_assert_nonnull (strstr (error->message, "batch 2000 ms"));
  ds_test_block_log_tear_down (&test);
}

static void
test_windows_keep_their_blocks (void)
{
  DsTestBlockLog test;

  g_test_summary ("Batches that are looked back at are part of a checkpoint, with their "
                  "blocks");

  ds_test_block_log_set_up (&test);
  ds_test_block_log_add (&test, "a", 10);
  ds_test_block_log_plan (&test, 1000);
  ds_test_block_log_add (&test, "b", 1010);
  ds_test_block_log_plan (&test, 2000);
  ds_test_block_log_add (&test, "c", 2010);
  ds_test_block_log_plan (&test, 3000);
  ds_test_block_log_add (&test, "d", 3010);
  ds_received_block_tracker_cleanup (test.tracker, 2000);
  ds_test_block_log_checkpoint (&test, 2000);
  ds_test_block_log_clean (&test);

  ds_test_block_log_restart (&test);
  ds_test_block_log_assert_batch (&test, 1000, "");
  ds_test_block_log_assert_batch (&test, 2000, "b");
  ds_test_block_log_assert_batch (&test, 3000, "c");
  ds_test_block_log_assert_unallocated (&test, 1);
  g_assert_true (ds_test_block_log_plan (&test, 4000));
  ds_test_block_log_assert_batch (&test, 4000, "d");
  ds_test_block_log_tear_down (&test);
}

static void
test_first_behind_the_end (void)
{
  DsTestBlockLog test;

  g_test_summary ("The block right behind the last that was in a batch waits for one, "
                  "though no plan lies between them");

  ds_test_block_log_set_up (&test);
  ds_test_block_log_add (&test, "a", 10);
  ds_test_block_log_add (&test, "b", 1010);
  ds_test_block_log_plan (&test, 1000);
  ds_test_block_log_checkpoint (&test, 1000);
  ds_test_block_log_restart (&test);
  ds_test_block_log_assert_batch (&test, 1000, "a");
  ds_test_block_log_assert_unallocated (&test, 1);
  ds_test_block_log_tear_down (&test);
}

/* ---- C10 ---- */

static void
test_spark_23438 (void)
{
  const guint n_rounds = 50;
  guint n_lost = 0;

  g_test_summary ("Recovery took every block before the plan of a batch for one of that "
                  "batch, and dropped those that were not");

  for (guint round = 0; round < n_rounds; round++)
    {
      guint n_planned = (guint) g_test_rand_int_range (0, 6);
      guint n_late = (guint) g_test_rand_int_range (1, 6);
      DsTestBlockLog test;

      ds_test_block_log_set_up (&test);
      for (guint i = 0; i < n_planned; i++)
        ds_test_block_log_add (&test, "early", 999);
      for (guint i = 0; i < n_late; i++)
        ds_test_block_log_add (&test, "late", 1001);
      ds_test_block_log_plan (&test, 1000);
      ds_test_block_log_restart (&test);
      n_lost += n_late - (guint) ds_received_block_tracker_get_n_unallocated_records (
                             test.tracker);
      g_assert_cmpint (ds_received_block_tracker_get_n_records (test.tracker, 1000,
                                                                DS_TEST_STREAM),
                       ==, n_planned);
      ds_test_block_log_tear_down (&test);
    }
  g_assert_cmpuint (n_lost, ==, 0);
  g_test_message ("%u recoveries with blocks behind the newest plan: 0 lost", n_rounds);
}

static void
test_spark_23991 (void)
{
  DsTestBlockLog test;

  g_test_summary (
      "Blocks left the queue before the log had the plan; when that could not "
      "be written they were in no batch and not in the queue");

  ds_test_block_log_set_up (&test);
  ds_test_block_log_add (&test, "a", 10);
  ds_test_block_log_add (&test, "b", 20);
  /* The batch gets its blocks, and the plan never reaches the disk. */
  ds_write_ahead_log_await (test.log, test.last, NULL);
  g_assert_true (ds_received_block_tracker_allocate (test.tracker, 1000));
  g_assert_cmpuint (ds_received_block_tracker_get_oldest_sequence (test.tracker), ==, 1);

  /* A checkpoint that was due does not let go of them, either. */
  ds_test_block_log_checkpoint (&test, 0);
  ds_test_block_log_clean (&test);
  ds_test_block_log_restart (&test);
  ds_test_block_log_assert_unallocated (&test, 2);
  g_assert_true (ds_test_block_log_plan (&test, 1000));
  ds_test_block_log_assert_batch (&test, 1000, "a b");
  ds_test_block_log_restart (&test);
  ds_test_block_log_assert_batch (&test, 1000, "a b");
  ds_test_block_log_assert_unallocated (&test, 0);
  g_test_message ("a plan that was not written: 0 of 2 blocks lost, 0 doubled");
  ds_test_block_log_tear_down (&test);
}

static void
test_spark_5233 (void)
{
  DsTestBlockLog test;

  g_test_summary ("Blocks of batches that were over, whose plan the log did not have any "
                  "more, were taken for new ones");

  ds_test_block_log_set_up (&test);
  ds_test_block_log_add (&test, "old", 10);
  ds_test_block_log_add (&test, "left", 1010); /* between them, and in no batch yet */
  ds_test_block_log_add (&test, "old2", 20);
  g_assert_true (ds_test_block_log_plan (&test, 1000));
  ds_received_block_tracker_cleanup (test.tracker, 1001);
  ds_test_block_log_checkpoint (&test, 1000);
  ds_test_block_log_add (&test, "new", 1020);

  /* Only blocks are left of the time before the checkpoint; nothing was removed. */
  test.position_sequence = 1;
  ds_test_block_log_restart (&test);
  ds_test_block_log_assert_unallocated (&test, 2);
  ds_test_block_log_assert_batch (&test, 1000, "");
  /* A batch that was planned before is not given new blocks. */
  g_assert_true (ds_test_block_log_plan (&test, 2000));
  ds_test_block_log_assert_batch (&test, 2000, "left new");
  ds_test_block_log_add (&test, "later", 10);
  g_assert_false (ds_received_block_tracker_allocate (test.tracker, 2000));
  g_assert_false (ds_received_block_tracker_allocate (test.tracker, 1000));
  ds_test_block_log_restart (&test);
  ds_test_block_log_assert_batch (&test, 2000, "left new");
  ds_test_block_log_assert_unallocated (&test, 1);
  g_test_message ("blocks of a batch that was over: 0 of 2 came a second time");
  ds_test_block_log_tear_down (&test);
}

static void
test_spark_6222 (void)
{
  const DsTime n_batches = 20;
  DsTestBlockLog test;

  g_test_summary ("A checkpoint that was written when a batch began removed the log of "
                  "batches that were still waiting");

  ds_test_block_log_set_up (&test);
  for (DsTime time = 1; time <= n_batches; time++)
    {
      g_autofree char *name = g_strdup_printf ("block%d", (int) time);

      ds_test_block_log_add (&test, name, time);
      g_assert_true (ds_test_block_log_plan (&test, time));
      ds_test_block_log_checkpoint (&test, 0); /* none is over */
      ds_test_block_log_clean (&test);
    }
  ds_test_block_log_restart (&test);
  for (DsTime time = 1; time <= n_batches; time++)
    {
      g_autofree char *name = g_strdup_printf ("block%d", (int) time);

      ds_test_block_log_assert_batch (&test, time, name);
    }
  g_test_message ("%d checkpoints while %d batches waited: 0 blocks lost",
                  (int) n_batches, (int) n_batches);
  ds_test_block_log_tear_down (&test);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/received-block-log/values-come-back", test_values_come_back);
  g_test_add_func ("/dstream/received-block-log/text-comes-back", test_text_comes_back);
  g_test_add_func ("/dstream/received-block-log/what-cannot-be-read-is-refused",
                   test_what_cannot_be_read_is_refused);
  g_test_add_func ("/dstream/received-block-log/damaged-payloads-are-told",
                   test_damaged_payloads);
  g_test_add_func ("/dstream/received-block-log/positions-come-back",
                   test_positions_come_back);
  g_test_add_func ("/dstream/received-block-log/a-missing-block-is-an-error",
                   test_missing_block);
  g_test_add_func ("/dstream/received-block-log/windows-keep-their-blocks",
                   test_windows_keep_their_blocks);
  g_test_add_func ("/dstream/received-block-log/the-first-behind-the-end-waits",
                   test_first_behind_the_end);
  g_test_add_func ("/dstream/received-block-log/"
                   "c10-spark-23438-blocks-behind-a-plan-are-not-lost",
                   test_spark_23438);
  g_test_add_func ("/dstream/received-block-log/"
                   "c10-spark-23991-a-plan-that-fails-loses-no-block",
                   test_spark_23991);
  g_test_add_func ("/dstream/received-block-log/"
                   "c10-spark-5233-blocks-of-old-batches-do-not-come-again",
                   test_spark_5233);
  g_test_add_func ("/dstream/received-block-log/"
                   "c10-spark-6222-waiting-batches-keep-their-log",
                   test_spark_6222);
  return g_test_run ();
}
