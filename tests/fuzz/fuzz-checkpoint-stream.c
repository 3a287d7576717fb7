/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as what a checkpoint holds of something that lasts; the first of them says of
 * what.  Refused, or loaded; and then what is saved of it is loaded and saved as the same
 * bytes again. */

#include "base/ds-value-private.h"
#include "rdd/ds-checkpoint-stream-private.h"
#include "rdd/ds-functions.h"
#include "rdd/ds-state-table-private.h"
#include "tests/fuzz/ds-fuzz-private.h"
#include "tests/rdd/ds-test-save.h"

#define N_PARTITIONS 3

static DsTestReader
make_reader (GByteArray *bytes)
{
  return ds_test_reader_make (bytes->data, bytes->len);
}

/* ---- States ---- */

static GByteArray *
save_states (DsStateStore *store)
{
  DsTestWriter writer = ds_test_writer_make ();
  DsTime time = ds_state_table_get_oldest_time (ds_state_store_get_table (store, 0));

  g_assert_true (ds_state_store_save (store, DS_TIME_NONE, time, &writer.writer, NULL));
  return writer.bytes;
}

static DsStateStore *
make_store (void)
{
  g_autoptr (DsPartitioner) partitioner = ds_partitioner_new_hash (N_PARTITIONS);

  return ds_state_store_new (partitioner, TRUE);
}

/* One in full, then what changed. */
static void
fuzz_states (DsStateReader *reader)
{
  g_autoptr (DsStateStore) store = make_store ();
  g_autoptr (DsStateStore) again = make_store ();
  g_autoptr (GByteArray) bytes = NULL;
  g_autoptr (GByteArray) same = NULL;
  DsTestReader saved;

  if (!ds_state_store_load (store, reader, NULL))
    return;
  while (reader->n_bytes > ((DsTestReader *) reader)->at)
    if (!ds_state_store_load (store, reader, NULL))
      return;
  bytes = save_states (store);
  saved = make_reader (bytes);
  g_assert_true (ds_state_store_load (again, &saved.reader, NULL));
  same = save_states (again);
  g_assert_cmpmem (same->data, same->len, bytes->data, bytes->len);
}

/* ---- Windows ---- */

static gboolean
keep (DsValue pair, DsTask *task, gpointer unused)
{
  return TRUE;
}

static DsWindowStepper *
make_stepper (gboolean has_inverse, gboolean has_filter)
{
  const DsWindowPlan plan = { .kind = "reduce_by_key_and_window",
                              .window = DS_SECOND,
                              .func = ds_add,
                              .inverse = has_inverse ? ds_subtract : NULL,
                              .filter = has_filter ? keep : NULL,
                              .can_be_captured = TRUE };
  g_autoptr (DsPartitioner) partitioner = ds_partitioner_new_hash (N_PARTITIONS);

  return ds_window_stepper_new (&plan, partitioner);
}

/* In which steps are taken again. */
static DsContext *
get_context (void)
{
  static DsContext *context;

  if (context == NULL)
    context = ds_context_new ("local", "fuzz");
  return context;
}

static GByteArray *
save_window (DsWindowStepper *stepper)
{
  g_autoptr (DsWindowSnapshot) snapshot = ds_window_stepper_capture (stepper, TRUE);
  DsTestWriter writer = ds_test_writer_make ();

  g_assert_true (ds_window_snapshot_save (snapshot, &writer.writer, NULL));
  return writer.bytes;
}

static void
fuzz_window (DsStateReader *reader, gboolean has_inverse, gboolean has_filter)
{
  g_autoptr (DsWindowStepper) stepper = make_stepper (has_inverse, has_filter);
  g_autoptr (DsWindowStepper) again = make_stepper (has_inverse, has_filter);
  g_autoptr (GByteArray) bytes = NULL;
  g_autoptr (GByteArray) same = NULL;
  DsTestReader saved;

  if (!ds_window_stepper_load (stepper, get_context (), reader, NULL))
    return;
  bytes = save_window (stepper);
  saved = make_reader (bytes);
  g_assert_true (ds_window_stepper_load (again, get_context (), &saved.reader, NULL));
  same = save_window (again);
  g_assert_cmpmem (same->data, same->len, bytes->data, bytes->len);
}

/* ---- Results ---- */

static GByteArray *
save_results (DsTime time, DsBlock *const *blocks)
{
  DsTestWriter writer = ds_test_writer_make ();

  g_assert_true (ds_results_save (time, blocks, N_PARTITIONS, &writer.writer, NULL));
  return writer.bytes;
}

static void
fuzz_results (DsStateReader *reader)
{
  g_autoptr (GByteArray) bytes = NULL;
  g_autoptr (GByteArray) same = NULL;
  DsTestReader saved;
  DsTime time;
  DsBlock **blocks = ds_results_load (N_PARTITIONS, &time, reader, NULL);

  if (blocks == NULL)
    return;
  bytes = save_results (time, blocks);
  ds_results_free (blocks);
  saved = make_reader (bytes);
  blocks = ds_results_load (N_PARTITIONS, &time, &saved.reader, NULL);
  g_assert_nonnull (blocks);
  same = save_results (time, blocks);
  ds_results_free (blocks);
  g_assert_cmpmem (same->data, same->len, bytes->data, bytes->len);
}

int
LLVMFuzzerTestOneInput (const guint8 *bytes, gsize n_bytes)
{
  DsTestReader reader =
      ds_test_reader_make (bytes + MIN (n_bytes, 1), n_bytes - MIN (n_bytes, 1));

  switch (n_bytes > 0 ? bytes[0] : 0)
    {
    case 's':
      fuzz_states (&reader.reader);
      break;
    case 'i':
      fuzz_window (&reader.reader, TRUE, FALSE);
      break;
    case 'f':
      fuzz_window (&reader.reader, TRUE, TRUE);
      break;
    case 'q':
      fuzz_window (&reader.reader, FALSE, TRUE);
      break;
    case 'r':
      fuzz_results (&reader.reader);
      break;
    default:
      break;
    }
  return 0;
}
