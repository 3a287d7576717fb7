/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which received block belongs to which batch, and how much each stream brought. */

#include "dstream/ds-input-info-tracker-private.h"
#include "dstream/ds-received-block-tracker-private.h"

#include "base/ds-error.h"

#define STREAM 7

static void
add_blocks (DsReceivedBlockTracker *tracker)
{
  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *name = g_strdup_printf ("b%u", i);

      ds_received_block_tracker_add (tracker, STREAM, ds_block_new_strings (name, NULL),
                                     1, 16, 0);
    }
}

/* The names of @blocks, which it drops. */
static char *
join_names (GPtrArray *blocks)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < blocks->len; i++)
    {
      g_autofree char *name =
          ds_value_to_string (ds_block_get (g_ptr_array_index (blocks, i), 0));

      g_string_append_printf (names, "%s%s", i > 0 ? " " : "", name);
    }
  g_ptr_array_unref (blocks);
  return g_string_free (names, FALSE);
}

static void
assert_unallocated (DsReceivedBlockTracker *tracker, const char *expected)
{
  g_autofree char *names =
      join_names (ds_received_block_tracker_get_unallocated (tracker, STREAM));

  g_assert_cmpstr (names, ==, expected);
}

static void
assert_batch (DsReceivedBlockTracker *tracker, DsTime batch_time, const char *expected)
{
  gint64 n_records = -1;
  g_autofree char *names = join_names (
      ds_received_block_tracker_get_blocks (tracker, batch_time, STREAM, &n_records));

  g_assert_cmpstr (names, ==, expected);
  g_assert_cmpint (n_records, ==, expected[0] != '\0' ? 5 : 0);
}

static void
test_addition_and_allocation (void)
{
  g_autoptr (DsReceivedBlockTracker) tracker = ds_received_block_tracker_new (NULL);

  g_test_summary (
      "Blocks go to the next batch that is allocated; a time that is not after "
      "the last one changes nothing");

  add_blocks (tracker);
  assert_unallocated (tracker, "b0 b1 b2 b3 b4");

  g_assert_true (ds_received_block_tracker_allocate (tracker, 1));
  assert_batch (tracker, 1, "b0 b1 b2 b3 b4");
  assert_unallocated (tracker, "");

  g_assert_true (ds_received_block_tracker_allocate (tracker, 2));
  assert_batch (tracker, 2, "");

  g_assert_false (ds_received_block_tracker_allocate (tracker, 1));
  assert_batch (tracker, 1, "b0 b1 b2 b3 b4");

  add_blocks (tracker);
  g_assert_false (ds_received_block_tracker_allocate (tracker, 2));
  assert_batch (tracker, 2, "");
  assert_unallocated (tracker, "b0 b1 b2 b3 b4");
}

/* What stream @id brought at @time, -1 when it has not reported. */
static gint64
get_n_records (DsInputInfoTracker *tracker, DsTime time, guint id)
{
  guint n_infos = 0;
  g_autofree DsInputInfo *infos = ds_input_info_tracker_get (tracker, time, &n_infos);

  for (guint i = 0; i < n_infos; i++)
    if (infos[i].stream_id == id)
      return infos[i].n_records;
  return -1;
}

static void
report (DsInputInfoTracker *tracker, DsTime time, guint id, gint64 n_records)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (ds_input_info_tracker_report (tracker, time, id, n_records, &error));
  g_assert_no_error (error);
}

static void
test_input_info (void)
{
  g_autoptr (DsInputInfoTracker) tracker = ds_input_info_tracker_new ();
  g_autoptr (GError) error = NULL;

  g_test_summary ("Numbers are kept by time and stream, once each; cleaning is strictly "
                  "below the threshold");

  report (tracker, 0, 0, 100);
  report (tracker, 0, 1, 300);
  g_assert_cmpint (get_n_records (tracker, 0, 0), ==, 100);
  g_assert_cmpint (get_n_records (tracker, 0, 1), ==, 300);
  g_assert_cmpint (get_n_records (tracker, 0, 2), ==, -1);

  g_assert_false (ds_input_info_tracker_report (tracker, 0, 0, 5, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_cmpint (get_n_records (tracker, 0, 0), ==, 100);

  report (tracker, 1, 0, 7);
  ds_input_info_tracker_cleanup (tracker, 0);
  g_assert_cmpint (get_n_records (tracker, 0, 0), ==, 100);
  g_assert_cmpint (get_n_records (tracker, 1, 0), ==, 7);
  ds_input_info_tracker_cleanup (tracker, 1);
  g_assert_cmpint (get_n_records (tracker, 0, 0), ==, -1);
  g_assert_cmpint (get_n_records (tracker, 1, 0), ==, 7);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/behaviour/addition-and-allocation", test_addition_and_allocation);
  g_test_add_func ("/behaviour/input-info", test_input_info);
  return g_test_run ();
}
