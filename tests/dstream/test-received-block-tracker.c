/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "base/ds-error.h"
#include "dstream/ds-input-info-tracker-private.h"
#include "dstream/ds-received-block-tracker-private.h"

#define STREAM 3

/* Adds a block of one string. */
static void
add_at (DsReceivedBlockTracker *tracker, const char *text, DsTime arrival_time)
{
  ds_received_block_tracker_add (tracker, STREAM, ds_block_new_strings (text, NULL), 1,
                                 100, arrival_time);
}

static void
add_five (DsReceivedBlockTracker *tracker)
{
  add_at (tracker, "b0", 0);
  add_at (tracker, "b1", 0);
  add_at (tracker, "b2", 0);
  add_at (tracker, "b3", 0);
  add_at (tracker, "b4", 0);
}

static void
assert_blocks (GPtrArray *blocks, const char *expected)
{
  g_autoptr (GPtrArray) owned = blocks;
  g_autoptr (GString) found = g_string_new (NULL);

  for (guint i = 0; i < owned->len; i++)
    {
      g_autofree char *text = ds_block_to_string (g_ptr_array_index (owned, i));

      g_string_append_printf (found, "%s ", g_strchomp (text));
    }
  g_assert_cmpstr (g_strchomp (found->str), ==, expected);
}

static void
assert_batch (DsReceivedBlockTracker *tracker, DsTime batch_time, const char *expected)
{
  gint64 n_records;

  assert_blocks (ds_received_block_tracker_get_blocks (tracker, batch_time, STREAM,
                                                       &n_records),
                 expected);
  g_assert_cmpint (n_records, ==, (gint64) (strlen (expected) + 1) / 3);
}

static void
assert_unallocated (DsReceivedBlockTracker *tracker, const char *expected)
{
  assert_blocks (ds_received_block_tracker_get_unallocated (tracker, STREAM), expected);
  g_assert_cmpint (ds_received_block_tracker_get_n_unallocated_records (tracker), ==,
                   (gint64) (strlen (expected) + 1) / 3);
}

static void
test_allocates_each_block_once (void)
{
  g_autoptr (DsReceivedBlockTracker) tracker = ds_received_block_tracker_new (NULL);

  g_test_summary ("Blocks go to the first batch after them; an old batch is left alone");

  add_five (tracker);
  assert_unallocated (tracker, "b0 b1 b2 b3 b4");
  g_assert_true (ds_received_block_tracker_allocate (tracker, 1));
  assert_batch (tracker, 1, "b0 b1 b2 b3 b4");
  assert_unallocated (tracker, "");
  g_assert_true (ds_received_block_tracker_allocate (tracker, 2));
  assert_batch (tracker, 2, "");
  g_assert_false (ds_received_block_tracker_allocate (tracker, 1));
  assert_batch (tracker, 1, "b0 b1 b2 b3 b4");
  add_five (tracker);
  g_assert_false (ds_received_block_tracker_allocate (tracker, 2));
  assert_batch (tracker, 2, "");
  assert_unallocated (tracker, "b0 b1 b2 b3 b4");
}

static void
test_goes_by_arrival_time (void)
{
  g_autoptr (DsReceivedBlockTracker) tracker = ds_received_block_tracker_new (NULL);

  g_test_summary ("A block belongs to the first batch at or after its arrival");

  add_at (tracker, "c0", 10);
  add_at (tracker, "c2", 21);
  add_at (tracker, "c1", 20);
  g_assert_cmpint (ds_received_block_tracker_get_first_unallocated_time (tracker), ==,
                   10);
  g_assert_cmpint (ds_received_block_tracker_get_n_waiting_records (tracker, STREAM), ==,
                   3);
  g_assert_cmpint (ds_received_block_tracker_get_n_waiting_records (tracker, STREAM + 1),
                   ==, 0);
  ds_received_block_tracker_allocate (tracker, 20);
  g_assert_cmpint (ds_received_block_tracker_get_n_waiting_records (tracker, STREAM), ==,
                   1);
  g_assert_cmpint (ds_received_block_tracker_get_first_unallocated_time (tracker), ==,
                   21);
  assert_batch (tracker, 20, "c0 c1");
  assert_unallocated (tracker, "c2");
  ds_received_block_tracker_allocate (tracker, 30);
  g_assert_cmpint (ds_received_block_tracker_get_first_unallocated_time (tracker), ==,
                   G_MAXINT64);
  assert_batch (tracker, 30, "c2");
}

static void
test_keeps_streams_apart (void)
{
  g_autoptr (DsReceivedBlockTracker) tracker = ds_received_block_tracker_new (NULL);
  g_autoptr (GPtrArray) others = NULL;
  gint64 n_records;

  g_test_summary ("A batch asks for the blocks of one stream");

  add_at (tracker, "d0", 0);
  ds_received_block_tracker_add (tracker, STREAM + 1, ds_block_new_ints (7, 8), 2, 100,
                                 0);
  ds_received_block_tracker_allocate (tracker, 5);
  assert_batch (tracker, 5, "d0");
  others = ds_received_block_tracker_get_blocks (tracker, 5, STREAM + 1, &n_records);
  g_assert_cmpuint (others->len, ==, 1);
  g_assert_cmpint (n_records, ==, 2);
}

static void
test_cleanup_gives_bytes_back (void)
{
  g_autoptr (DsMemoryBudget) budget = ds_memory_budget_new (1000);
  DsReceivedBlockTracker *tracker = ds_received_block_tracker_new (budget);

  g_test_summary ("Bytes stay taken until the batch is forgotten, or the tracker goes");

  ds_memory_budget_take (budget, 300);
  add_at (tracker, "e0", 1);
  ds_received_block_tracker_allocate (tracker, 1000);
  add_at (tracker, "e1", 1001);
  ds_received_block_tracker_allocate (tracker, 2000);
  add_at (tracker, "e2", 2001);

  ds_received_block_tracker_cleanup (tracker, 1000); /* strictly older: none */
  g_assert_cmpuint (ds_memory_budget_get_n_bytes (budget), ==, 300);
  ds_received_block_tracker_cleanup (tracker, 2000);
  g_assert_cmpuint (ds_memory_budget_get_n_bytes (budget), ==, 200);
  assert_batch (tracker, 1000, "");
  assert_batch (tracker, 2000, "e1");
  assert_unallocated (tracker, "e2");
  ds_received_block_tracker_free (tracker);
  g_assert_cmpuint (ds_memory_budget_get_n_bytes (budget), ==, 0);
}

static void
test_input_is_reported_once (void)
{
  g_autoptr (DsInputInfoTracker) infos = ds_input_info_tracker_new ();
  g_autoptr (GError) error = NULL;
  g_autofree DsInputInfo *found = NULL;
  guint n_found;

  g_test_summary ("A stream that reports twice for a batch is an illegal state");

  g_assert_true (ds_input_info_tracker_report (infos, 0, 0, 100, &error));
  g_assert_true (ds_input_info_tracker_report (infos, 0, 1, 300, &error));
  g_assert_no_error (error);
  found = ds_input_info_tracker_get (infos, 0, &n_found);
  g_assert_cmpuint (n_found, ==, 2);
  g_assert_cmpint (found[0].n_records, ==, 100);
  g_assert_cmpint (found[1].n_records, ==, 300);

  g_assert_false (ds_input_info_tracker_report (infos, 0, 1, 300, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
}

static guint
count_infos (DsInputInfoTracker *infos, DsTime batch_time)
{
  guint n;

  g_free (ds_input_info_tracker_get (infos, batch_time, &n));
  return n;
}

static void
test_input_infos_are_cleaned_strictly_below (void)
{
  g_autoptr (DsInputInfoTracker) infos = ds_input_info_tracker_new ();

  g_test_summary ("Infos go that are strictly older than the threshold");

  ds_input_info_tracker_report (infos, 0, 0, 1, NULL);
  ds_input_info_tracker_report (infos, 1, 0, 1, NULL);
  ds_input_info_tracker_cleanup (infos, 0);
  g_assert_cmpuint (count_infos (infos, 0), ==, 1);
  g_assert_cmpuint (count_infos (infos, 1), ==, 1);
  ds_input_info_tracker_cleanup (infos, 1);
  g_assert_cmpuint (count_infos (infos, 0), ==, 0);
  g_assert_cmpuint (count_infos (infos, 1), ==, 1);
}

static void
test_a_batch_has_no_more_than_its_plan_can_name (void)
{
  g_autoptr (DsReceivedBlockTracker) tracker = ds_received_block_tracker_new (NULL);
  g_autoptr (DsBlock) block = ds_block_new_strings ("a", NULL);
  g_autoptr (GArray) sequences = g_array_new (FALSE, FALSE, sizeof (guint64));
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  g_test_summary ("Blocks of the log beyond 1.5 million wait for the next batch");

  /* Numbers that take nine bytes each, as far apart as no log has them. */
  for (guint64 i = 1; i <= 1500003; i++)
    ds_received_block_tracker_add_logged (tracker, STREAM, ds_block_ref (block), 1, 0, 0,
                                          i << 33);
  g_assert_true (ds_received_block_tracker_allocate (tracker, 1));
  ds_received_block_tracker_get_plan (tracker, 1, STREAM, sequences);
  g_assert_cmpuint (sequences->len, ==, 1500000);
  ds_block_plan_encode (sequences, bytes);
  g_assert_cmpuint (bytes->len, <=, 16 * 1024 * 1024);
  g_assert_cmpint (ds_received_block_tracker_get_n_unallocated_records (tracker), ==, 3);

  g_array_set_size (sequences, 0);
  g_assert_true (ds_received_block_tracker_allocate (tracker, 2));
  ds_received_block_tracker_get_plan (tracker, 2, STREAM, sequences);
  g_assert_cmpuint (sequences->len, ==, 3);
  g_assert_cmpuint (g_array_index (sequences, guint64, 0), ==,
                    G_GUINT64_CONSTANT (1500001) << 33);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dstream/received-block-tracker/allocates-each-block-once",
                   test_allocates_each_block_once);
  g_test_add_func ("/dstream/received-block-tracker/goes-by-arrival-time",
                   test_goes_by_arrival_time);
  g_test_add_func ("/dstream/received-block-tracker/keeps-streams-apart",
                   test_keeps_streams_apart);
  g_test_add_func ("/dstream/received-block-tracker/cleanup-gives-bytes-back",
                   test_cleanup_gives_bytes_back);
  g_test_add_func ("/dstream/received-block-tracker/input-is-reported-once",
                   test_input_is_reported_once);
  g_test_add_func (
      "/dstream/received-block-tracker/input-infos-are-cleaned-strictly-below",
      test_input_infos_are_cleaned_strictly_below);
  g_test_add_func (
      "/dstream/received-block-tracker/a-batch-has-no-more-than-its-plan-can-name",
      test_a_batch_has_no_more_than_its_plan_can_name);
  return g_test_run ();
}
