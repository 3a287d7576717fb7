/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What do checkpoints cost a program with much state?
 *
 * usage: bench-throughput none|default|each map|update DIRECTORY N_KEYS N_CHANGED
 * N_BATCHES
 *
 * N_KEYS ints get a state in one batch; then come N_BATCHES batches of N_CHANGED keys
 * each, none twice in a batch, dealt evenly over all, and all of them due: how long until
 * the last one is done?  With checkpoints in DIRECTORY as often as the default rule says,
 * or after each batch (when the one before was written); or with no directory at all,
 * neither plans nor log.  The batch after them has all keys and adds nothing: the sum of
 * the states it finds must be right.  Prints "name value" lines. */

#include "bench/bench-checks.h"
#include "dstream/ds-dstream-private.h"
#include "dstream/ds-streaming-context-private.h"
#include "dstream/dstream.h"

#include <stdlib.h>
#include <sys/resource.h>

/* After the one with all keys. */
#define N_WARM_UP 20

typedef struct
{
  DsManualClock *clock;
  DsStreamingContext *ssc;
  DsDStream *numbers;
  DsTime now;
  gboolean is_checking; /* set while no batch runs */
  gint64 sum;           /* atomic; of states found meanwhile */
} Bench;

static gint64
step (Bench *self, gint64 state)
{
  if (!self->is_checking)
    return state + 1;
  __atomic_fetch_add (&self->sum, state, __ATOMIC_RELAXED);
  return state;
}

static void
map_state (DsValue key, DsValue value, DsState *state, DsTask *task, gpointer user_data)
{
  gint64 old = ds_value_get_int (ds_state_get_or (state, ds_value_int (0)));

  ds_state_update (state, ds_value_int (step (user_data, old)));
}

static DsValue
update_state (DsValue key,
              const DsValue *values,
              gsize n_values,
              DsValue state,
              DsTask *task,
              gpointer user_data)
{
  gint64 old = ds_value_is_null (state) ? 0 : ds_value_get_int (state);

  return n_values > 0 ? ds_value_int (step (user_data, old)) : state;
}

/* One of @n_touched keys, none twice, is due. */
static void
push_batch (Bench *self, guint n_touched, guint n_keys, guint offset)
{
  g_autofree gint64 *keys = g_new (gint64, n_touched);
  g_autoptr (DsBlock) block = NULL;

  for (guint i = 0; i < n_touched; i++)
    keys[i] = (gint64) (((guint64) i * (n_keys / n_touched) + offset) % n_keys);
  block = ds_block_new_from_ints (keys, n_touched);
  ds_dstream_push_block (self->numbers, block);
  self->now += DS_SECOND;
}

/* In us, of all threads. */
static gint64
get_cpu_time (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (gint64) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * G_USEC_PER_SEC +
         usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static guint
count_checkpoints (Bench *self)
{
  return self->ssc->checkpointer != NULL
             ? ds_checkpointer_get_n_written (self->ssc->checkpointer)
             : 0;
}

/* Until all that was pushed is done, in us. */
static gint64
run_batches (Bench *self)
{
  g_autoptr (GError) error = NULL;
  gint64 start_time = g_get_monotonic_time ();

  ds_manual_clock_set_time (self->clock, self->now);
  ds_streaming_context_await_batch (self->ssc, self->now, &error);
  bench_fail_if (error);
  return g_get_monotonic_time () - start_time;
}

/* @directory NULL: without checkpoints, which states need; so this looks inside. */
static void
set_up (Bench *self, const char *directory, gboolean after_each, gboolean maps)
{
  DsDStream *pairs;
  DsDStream *counts;

  self->clock = ds_manual_clock_new (0);
  self->ssc = ds_streaming_context_new ("local[*]", "bench-throughput", DS_SECOND);
  ds_streaming_context_set_clock (self->ssc, DS_CLOCK (self->clock));
  if (directory != NULL)
    ds_streaming_context_checkpoint (self->ssc, directory);
  self->numbers = ds_streaming_context_queue_stream (self->ssc);
  ds_dstream_set_one_at_a_time (self->numbers, TRUE);
  pairs = ds_dstream_map (self->numbers, ds_pair_with_one, NULL, NULL);
  counts = maps ? ds_dstream_map_with_state (pairs, map_state, self, NULL)
                : ds_dstream_update_state_by_key (pairs, update_state, self, NULL);
  if (directory == NULL)
    ds_dstream_need_checkpoints (counts, 0);
  else if (after_each)
    ds_dstream_checkpoint (counts, DS_SECOND);
  ds_dstream_foreach_rdd (counts, bench_ignore, NULL, NULL);
}

int
main (int argc, char **argv)
{
  gboolean is_usage = argc == 7;
  const char *directory = is_usage && !g_str_equal (argv[1], "none") ? argv[3] : NULL;
  guint n_keys = is_usage ? (guint) g_ascii_strtoull (argv[4], NULL, 10) : 0;
  guint n_changed = is_usage ? (guint) g_ascii_strtoull (argv[5], NULL, 10) : 0;
  guint n_batches = is_usage ? (guint) g_ascii_strtoull (argv[6], NULL, 10) : 0;
  Bench self = { .now = 0 };
  g_autoptr (GError) error = NULL;
  guint n_checkpoints;
  gint64 cpu_us;
  gint64 us;

  if (n_changed == 0 || n_keys < n_changed || n_batches == 0)
    {
      g_printerr ("usage: bench-throughput none|default|each map|update DIRECTORY N_KEYS "
                  "N_CHANGED N_BATCHES\n");
      return 2;
    }
  set_up (&self, directory, g_str_equal (argv[1], "each"), g_str_equal (argv[2], "map"));
  ds_streaming_context_start (self.ssc, &error);
  bench_fail_if (error);

  push_batch (&self, n_keys, n_keys, 0);
  for (guint i = 0; i < N_WARM_UP; i++)
    push_batch (&self, n_changed, n_keys, i * 7);
  run_batches (&self);
  for (guint i = 0; i < n_batches; i++)
    push_batch (&self, n_changed, n_keys, i * 7);
  n_checkpoints = count_checkpoints (&self);
  cpu_us = get_cpu_time ();
  us = run_batches (&self);
  cpu_us = get_cpu_time () - cpu_us;
  n_checkpoints = count_checkpoints (&self) - n_checkpoints;

  self.is_checking = TRUE;
  push_batch (&self, n_keys, n_keys, 0);
  run_batches (&self);
  bench_expect ("is the sum of the states", self.sum,
                n_keys + (gint64) (N_WARM_UP + n_batches) * n_changed);
  ds_streaming_context_stop (self.ssc, DS_STOP_NOW, &error);
  bench_fail_if (error);
  g_print ("seconds %.6f\n", (double) us / G_USEC_PER_SEC);
  g_print ("cpu_seconds %.6f\n", (double) cpu_us / G_USEC_PER_SEC);
  g_print ("checkpoints %u\n", n_checkpoints);
  g_print ("sum %" G_GINT64_FORMAT "\n", self.sum);
  g_object_unref (self.ssc);
  g_object_unref (self.clock);
  return 0;
}
