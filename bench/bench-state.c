/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Does a batch of map_with_state cost what it touches, however many keys have a state?
 *
 * usage: bench-state N_KEYS N_BATCHES
 *
 * Gives N_KEYS ints a state in one batch, then runs N_BATCHES batches each of 1,000,
 * 10,000 and 100,000 keys, dealt evenly over all.  Keys visited are counted inside the
 * library, function calls here; both must be what was touched.  Prints "name value"
 * lines. */

#include "bench/bench-checks.h"
#include "bench/bench-checkpoints.h"
#include "dstream/ds-state-stepper-private.h"
#include "dstream/ds-streaming-context-private.h"

#include <stdlib.h>

static const guint sizes[] = { 1000, 10000, 100000 };

typedef struct
{
  DsManualClock *clock;
  DsStreamingContext *ssc;
  DsDStream *numbers;
  DsDStream *counts;
  guint64 n_calls; /* atomic */
  DsTime now;
} Bench;

static void
count (DsValue key, DsValue value, DsState *state, DsTask *task, gpointer user_data)
{
  gint64 sum = ds_value_get_int (value) +
               ds_value_get_int (ds_state_get_or (state, ds_value_int (0)));

  ds_state_update (state, ds_value_int (sum));
  __atomic_fetch_add ((guint64 *) user_data, 1, __ATOMIC_RELAXED);
}

static DsStateStore *
get_store (Bench *self)
{
  return ds_state_mapped_dstream_get_stepper (self->counts)->store;
}

/* One batch of @n_touched of @n_keys keys, none of them twice.  Its time in µs. */
static gint64
run_batch (Bench *self, guint n_touched, guint n_keys, guint offset)
{
  g_autofree gint64 *keys = g_new (gint64, n_touched);
  g_autoptr (DsBlock) block = NULL;
  g_autoptr (GError) error = NULL;
  gint64 start_time;

  for (guint i = 0; i < n_touched; i++)
    keys[i] = (gint64) (((guint64) i * (n_keys / n_touched) + offset) % n_keys);
  block = ds_block_new_from_ints (keys, n_touched);
  ds_dstream_push_block (self->numbers, block);
  self->now += DS_SECOND;
  start_time = g_get_monotonic_time ();
  ds_manual_clock_advance (self->clock, DS_SECOND);
  ds_streaming_context_await_batch (self->ssc, self->now, &error);
  bench_fail_if (error);
  return g_get_monotonic_time () - start_time;
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 first = *(const gint64 *) a;
  gint64 second = *(const gint64 *) b;

  return first < second ? -1 : first > second;
}

static void
measure (Bench *self, guint n_touched, guint n_keys, guint n_batches)
{
  g_autofree gint64 *times = g_new (gint64, n_batches);

  for (guint i = 0; i < n_batches; i++)
    {
      guint64 n_visited = ds_state_store_get_n_visited (get_store (self));
      guint64 n_calls = self->n_calls;

      times[i] = run_batch (self, n_touched, n_keys, i * 7);
      bench_expect ("keys visited",
                    ds_state_store_get_n_visited (get_store (self)) - n_visited,
                    n_touched);
      bench_expect ("calls", self->n_calls - n_calls, n_touched);
    }
  qsort (times, n_batches, sizeof *times, compare_times);
  g_print ("visited_%u %u\n", n_touched, n_touched);
  g_print ("batch_us_%u %" G_GINT64_FORMAT "\n", n_touched, times[n_batches / 2]);
  g_print ("max_us_%u %" G_GINT64_FORMAT "\n", n_touched, times[n_batches - 1]);
}

int
main (int argc, char **argv)
{
  guint n_keys = argc == 3 ? (guint) g_ascii_strtoull (argv[1], NULL, 10) : 0;
  guint n_batches = argc == 3 ? (guint) g_ascii_strtoull (argv[2], NULL, 10) : 0;
  Bench self = { .now = 0 };
  g_autoptr (GError) error = NULL;

  if (n_keys < sizes[G_N_ELEMENTS (sizes) - 1] || n_batches == 0)
    {
      g_printerr ("usage: bench-state N_KEYS N_BATCHES\n");
      return 2;
    }
  self.clock = ds_manual_clock_new (0);
  self.ssc = ds_streaming_context_new ("local[*]", "bench-state", DS_SECOND);
  ds_streaming_context_set_clock (self.ssc, DS_CLOCK (self.clock));
  bench_set_checkpoints (self.ssc);
  self.numbers = ds_streaming_context_queue_stream (self.ssc);
  self.counts = ds_dstream_map_with_state (ds_dstream_map (self.numbers, ds_pair_with_one,
                                                           NULL, NULL),
                                           count, &self.n_calls, NULL);
  ds_dstream_checkpoint (self.counts, BENCH_NO_CHECKPOINTS);
  ds_dstream_foreach_rdd (self.counts, bench_ignore, NULL, NULL);
  ds_streaming_context_start (self.ssc, &error);
  bench_fail_if (error);

  g_print ("fill_us %" G_GINT64_FORMAT "\n", run_batch (&self, n_keys, n_keys, 0));
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    measure (&self, sizes[i], n_keys, n_batches);
  bench_expect ("keys", ds_state_store_get_n_keys (get_store (&self)), n_keys);
  g_print ("keys %u\n", n_keys);
  g_print ("bytes_per_key %.1f\n",
           (double) ds_state_store_get_n_bytes (get_store (&self)) / n_keys);

  ds_streaming_context_stop (self.ssc, DS_STOP_NOW, &error);
  bench_remove_checkpoints ();
  bench_fail_if (error);
  g_object_unref (self.ssc);
  g_object_unref (self.clock);
  return 0;
}
