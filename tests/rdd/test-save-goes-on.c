/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Batches run between any two writes of a save, on the very thread that writes: whoever
 * held a lock while it writes would wait for itself.  What is saved is nevertheless what
 * there was when it began.  Counted is work, not time. */

#include "base/ds-codec-private.h"
#include "rdd/ds-functions.h"
#include "rdd/ds-state-table-private.h"
#include "tests/rdd/ds-test-rdd.h"
#include "tests/rdd/ds-test-save.h"

#define N_PARTITIONS 4
/* What is written at a time, and with it the memory of a save. */
#define MAX_WRITE (2 * 1024 * 1024)

/* Lets something happen with each write. */
typedef struct
{
  DsTestWriter memory;
  guint n_writes;
  gsize n_max_bytes;
  void (*on_write) (gpointer data);
  gpointer data;
} BusyWriter;

static gboolean
busy_append (DsStateWriter *writer, const guint8 *bytes, gsize n_bytes, GError **error)
{
  BusyWriter *self = (BusyWriter *) writer;

  self->n_writes++;
  self->n_max_bytes = MAX (self->n_max_bytes, n_bytes);
  if (self->on_write != NULL)
    self->on_write (self->data);
  return ds_test_writer_append (writer, bytes, n_bytes, error);
}

static BusyWriter
make_writer (void (*on_write) (gpointer data), gpointer data)
{
  BusyWriter writer = { .memory = ds_test_writer_make (),
                        .on_write = on_write,
                        .data = data };

  writer.memory.writer.append = busy_append;
  return writer;
}

/* ---- States of 10^6 keys ---- */

#define N_KEYS 1000000
#define N_CHANGED 1000

typedef struct
{
  DsStateStore *store;
  DsTime time;
  guint n_batches;
} States;

/* @n keys, each to the number of its batch. */
static void
change_states (States *self, gint64 first, gint64 step, gint64 n)
{
  g_autoptr (GByteArray) key = g_byte_array_new ();
  g_autoptr (GByteArray) state = g_byte_array_new ();

  self->time += DS_SECOND;
  ds_state_encode (ds_value_int (self->time / DS_SECOND), state);
  for (guint i = 0; i < N_PARTITIONS; i++)
    ds_state_store_begin (self->store, i);
  for (gint64 i = 0; i < n; i++)
    {
      gint64 number = (first + i * step) % N_KEYS;
      DsStateChange change = { .entry = DS_STATE_NO_ENTRY,
                               .bytes = state->data,
                               .n_bytes = state->len };

      g_byte_array_set_size (key, 0);
      change.key = ds_state_make_key (ds_value_int (number), key);
      ds_state_table_apply (ds_state_store_get_table (self->store,
                                                      (guint) (number % N_PARTITIONS)),
                            self->time, &change, 1);
    }
  ds_state_store_commit (self->store, self->time);
  self->n_batches++;
}

static void
run_states_batch (gpointer data)
{
  States *self = data;

  change_states (self, self->n_batches * 7919, N_KEYS / N_CHANGED, N_CHANGED);
}

static void
test_states_of_a_million_keys (void)
{
  g_autoptr (DsPartitioner) partitioner = ds_partitioner_new_hash (N_PARTITIONS);
  g_autoptr (DsStateStore) store = ds_state_store_new (partitioner, FALSE);
  States states = { .store = store };
  BusyWriter writer = make_writer (run_states_batch, &states);
  BusyWriter quiet = make_writer (NULL, NULL);
  g_autoptr (GError) error = NULL;
  DsTime time;

  g_test_summary ("A batch with each of the frames that 10^6 keys are written in");
  change_states (&states, 0, 1, N_KEYS);
  time = states.time;
  ds_state_store_pin (store, time);
  g_assert_true (
      ds_state_store_save (store, DS_TIME_NONE, time, &quiet.memory.writer, &error));
  states.n_batches = 0;
  g_assert_true (
      ds_state_store_save (store, DS_TIME_NONE, time, &writer.memory.writer, &error));
  g_assert_no_error (error);
  ds_state_store_unpin (store, time);

  g_test_message ("%u bytes in %u writes of %" G_GSIZE_FORMAT " at most, %u batches",
                  writer.memory.bytes->len, writer.n_writes, writer.n_max_bytes,
                  states.n_batches);
  g_assert_cmpuint (states.n_batches, ==, writer.n_writes);
  g_assert_cmpuint (states.n_batches, >, 8);
  g_assert_cmpuint (writer.n_max_bytes, <, MAX_WRITE);
  /* What batches changed meanwhile is not in it. */
  g_assert_cmpmem (writer.memory.bytes->data, writer.memory.bytes->len,
                   quiet.memory.bytes->data, quiet.memory.bytes->len);
  g_byte_array_unref (writer.memory.bytes);
  g_byte_array_unref (quiet.memory.bytes);
}

/* ---- Windows ---- */

#define N_WINDOW_KEYS 100000
#define N_IN_BATCH 20000

typedef struct
{
  DsWindowStepper *stepper;
  DsContext *context;
  DsTime time;
  guint n_steps;
} Window;

static void
run_window_step (gpointer data)
{
  Window *self = data;
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsRdd) input = NULL;
  g_autoptr (DsRdd) step = NULL;
  g_autoptr (GError) error = NULL;

  self->time += DS_SECOND;
  for (gint64 i = 0; i < N_IN_BATCH; i++)
    ds_block_builder_add_pair (builder,
                               ds_value_int ((self->time / DS_SECOND * 7 + i * 3) %
                                             N_WINDOW_KEYS),
                               ds_value_int (i));
  input = ds_test_parallelize (self->context, ds_block_builder_end (builder), 2);
  step = ds_window_stepper_make_step (self->stepper, self->context, self->time, &input,
                                      &self->time, 1);
  g_assert_true (ds_step_rdd_run (step, &error));
  g_assert_no_error (error);
  ds_step_rdd_settle (step);
  self->n_steps++;
}

static void
check_window (DsContext *context, gboolean has_inverse, gboolean is_full)
{
  const DsWindowPlan plan = { .kind = "reduce_by_key_and_window",
                              .window = 12 * DS_SECOND,
                              .func = ds_add,
                              .inverse = has_inverse ? ds_subtract : NULL,
                              .can_be_captured = TRUE };
  g_autoptr (DsPartitioner) partitioner = ds_partitioner_new_hash (N_PARTITIONS);
  g_autoptr (DsWindowStepper) stepper = ds_window_stepper_new (&plan, partitioner);
  Window window = { .stepper = stepper, .context = context };
  BusyWriter writer = make_writer (run_window_step, &window);
  BusyWriter quiet = make_writer (NULL, NULL);
  g_autoptr (GError) error = NULL;
  DsWindowSnapshot *snapshot;

  for (guint i = 0; i < 14; i++)
    run_window_step (&window);
  snapshot = ds_window_stepper_capture (stepper, TRUE);
  g_assert_true (ds_window_snapshot_save (snapshot, &quiet.memory.writer, &error));
  ds_window_snapshot_release (snapshot, TRUE);
  for (guint i = 0; i < (is_full ? 0 : 10); i++)
    run_window_step (&window);
  snapshot = ds_window_stepper_capture (stepper, is_full);
  if (!is_full)
    {
      g_byte_array_set_size (quiet.memory.bytes, 0);
      g_assert_true (ds_window_snapshot_save (snapshot, &quiet.memory.writer, &error));
      ds_window_snapshot_free (snapshot);
      snapshot = ds_window_stepper_capture (stepper, FALSE);
      g_assert_false (ds_window_snapshot_is_full (snapshot));
    }
  window.n_steps = 0;
  g_assert_true (ds_window_snapshot_save (snapshot, &writer.memory.writer, &error));
  g_assert_no_error (error);
  ds_window_snapshot_free (snapshot);

  g_test_message ("%s, %s: %u bytes, %u steps", has_inverse ? "inverse" : "queues",
                  is_full ? "in full" : "what came", writer.memory.bytes->len,
                  window.n_steps);
  g_assert_cmpuint (window.n_steps, ==, writer.n_writes);
  g_assert_cmpuint (window.n_steps, >, 2);
  g_assert_cmpuint (writer.n_max_bytes, <, MAX_WRITE);
  g_assert_cmpmem (writer.memory.bytes->data, writer.memory.bytes->len,
                   quiet.memory.bytes->data, quiet.memory.bytes->len);
  g_byte_array_unref (writer.memory.bytes);
  g_byte_array_unref (quiet.memory.bytes);
}

static void
test_windows (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");

  g_test_summary ("A step with each frame, for both ways, in full and of what came");
  for (guint i = 0; i < 4; i++)
    check_window (context, i % 2 == 0, i / 2 == 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/save-goes-on/states-of-a-million-keys",
                   test_states_of_a_million_keys);
  g_test_add_func ("/rdd/save-goes-on/windows", test_windows);

  return g_test_run ();
}
