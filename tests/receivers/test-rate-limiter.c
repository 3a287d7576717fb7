/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rate limit of a receiver on a manual clock: how many records pass in what time, by
 * a plain count, and that nobody who waits for it is forgotten. */

#include "tests/receivers/ds-test-receivers.h"
#include "tests/receivers/ds-test-recorder.h"

#include "receivers/ds-rate-limiter-private.h"

#include <math.h>

typedef struct
{
  DsManualClock *clock;
  DsRateLimiter *limiter;
  gint stopping;
} Fixture;

static void
set_up (Fixture *fixture, DsDuration interval, guint64 max_rate, guint64 initial_rate)
{
  fixture->clock = ds_manual_clock_new (1000 * DS_SECOND);
  fixture->limiter =
      ds_rate_limiter_new (DS_CLOCK (fixture->clock), interval, max_rate, initial_rate);
  fixture->stopping = FALSE;
}

static void
tear_down (Fixture *fixture)
{
  ds_rate_limiter_free (fixture->limiter);
  g_assert_finalize_object (fixture->clock);
}

/* As many records as may pass now, one by one. */
static guint
take_all (Fixture *fixture)
{
  guint n = 0;

  for (; ds_rate_limiter_has_room (fixture->limiter); n++)
    {
      gsize n_reserved = 0;

      g_assert_true (
          ds_rate_limiter_reserve (fixture->limiter, 1, &fixture->stopping, &n_reserved));
      g_assert_cmpuint (n_reserved, ==, 1);
      ds_rate_limiter_settle (fixture->limiter, n_reserved);
    }
  return n;
}

static void
advance_and_begin (Fixture *fixture, DsDuration step)
{
  ds_manual_clock_advance (fixture->clock, step);
  ds_rate_limiter_begin_batch (fixture->limiter, 0);
}

static void
test_without_a_limit_all_pass (void)
{
  Fixture fixture;
  gsize n_reserved = 7;

  g_test_summary ("Without a rate nothing waits, and nothing is counted");

  set_up (&fixture, DS_SECOND, 0, 0);
  g_assert_cmpuint (ds_rate_limiter_get_rate (fixture.limiter), ==, 0);
  g_assert_false (ds_rate_limiter_is_limited (fixture.limiter));
  for (guint i = 0; i < 1000; i++)
    g_assert_true (ds_rate_limiter_reserve (fixture.limiter, G_MAXINT, &fixture.stopping,
                                            &n_reserved));
  g_assert_cmpuint (n_reserved, ==, 0);
  g_assert_true (ds_rate_limiter_has_room (fixture.limiter));
  g_assert_cmpuint (ds_rate_limiter_get_read_bytes (fixture.limiter, 4096), ==, 4096);
  tear_down (&fixture);
}

static void
test_holds_from_the_first_record (void)
{
  Fixture fixture;

  g_test_summary ("10 records a second: the first at once, each other 100 ms later");

  set_up (&fixture, DS_SECOND, 10, 0);
  g_assert_cmpuint (take_all (&fixture), ==, 1);
  for (guint i = 0; i < 25; i++)
    {
      ds_manual_clock_advance (fixture.clock, 99 * DS_MILLISECOND);
      g_assert_cmpuint (take_all (&fixture), ==, 0);
      ds_manual_clock_advance (fixture.clock, DS_MILLISECOND);
      g_assert_cmpuint (take_all (&fixture), ==, 1);
      if (i % 9 == 8) /* long before the batch is full */
        ds_rate_limiter_begin_batch (fixture.limiter, 0);
    }
  tear_down (&fixture);
}

static void
test_a_batch_has_no_more_than_its_share (void)
{
  Fixture fixture;

  g_test_summary ("10 a second are at most 5 in a batch of 500 ms, however late its end");

  set_up (&fixture, 500 * DS_MILLISECOND, 10, 0);
  g_assert_cmpuint (take_all (&fixture), ==, 1);
  ds_manual_clock_advance (fixture.clock, 5 * DS_SECOND);
  g_assert_cmpuint (take_all (&fixture), ==, 4);
  ds_manual_clock_advance (fixture.clock, 5 * DS_SECOND);
  g_assert_cmpuint (take_all (&fixture), ==, 0);
  g_assert_cmpint (ds_rate_limiter_get_deadline (fixture.limiter), ==, -1);
  ds_rate_limiter_begin_batch (fixture.limiter, 0);
  g_assert_cmpuint (take_all (&fixture), ==, 5);
  ds_manual_clock_advance (fixture.clock, 5 * DS_SECOND);
  ds_rate_limiter_begin_batch (fixture.limiter, 3); /* are in it already */
  g_assert_cmpuint (take_all (&fixture), ==, 2);
  tear_down (&fixture);
}

static void
test_slow_rates_are_not_none (void)
{
  Fixture fixture;
  guint n = 0;

  g_test_summary ("1 record a second passes although a batch of 100 ms has room for 0.1, "
                  "and so does a rate below 1");

  set_up (&fixture, 100 * DS_MILLISECOND, 1, 0);
  for (guint i = 0; i < 100; i++)
    {
      n += take_all (&fixture);
      advance_and_begin (&fixture, 100 * DS_MILLISECOND);
    }
  g_assert_cmpuint (n, ==, 10);
  ds_rate_limiter_publish (fixture.limiter, 0.001);
  g_assert_cmpuint (ds_rate_limiter_get_rate (fixture.limiter), ==, 1);
  tear_down (&fixture);
}

static void
test_published_rates (void)
{
  const double ignored[] = { 0, -1, -1e300, -INFINITY, NAN };
  Fixture fixture;

  g_test_summary ("What is published counts up to the maximum; 0 and less are ignored");

  set_up (&fixture, DS_SECOND, 100, 250);
  g_assert_cmpuint (ds_rate_limiter_get_rate (fixture.limiter), ==, 100);
  ds_rate_limiter_publish (fixture.limiter, 50.9);
  g_assert_cmpuint (ds_rate_limiter_get_rate (fixture.limiter), ==, 50);
  for (guint i = 0; i < G_N_ELEMENTS (ignored); i++)
    ds_rate_limiter_publish (fixture.limiter, ignored[i]);
  g_assert_cmpuint (ds_rate_limiter_get_rate (fixture.limiter), ==, 50);
  ds_rate_limiter_publish (fixture.limiter, INFINITY);
  g_assert_cmpuint (ds_rate_limiter_get_rate (fixture.limiter), ==, 100);
  tear_down (&fixture);

  set_up (&fixture, DS_SECOND, 0, 20);
  g_assert_cmpuint (ds_rate_limiter_get_rate (fixture.limiter), ==, 20);
  ds_rate_limiter_publish (fixture.limiter, 1e300);
  g_assert_cmpuint (ds_rate_limiter_get_rate (fixture.limiter), ==, 9000000000000000000u);
  tear_down (&fixture);

  set_up (&fixture, DS_SECOND, 0, 0);
  ds_rate_limiter_publish (fixture.limiter, 5);
  g_assert_cmpuint (take_all (&fixture), ==, 1);
  tear_down (&fixture);
}

static void
test_no_time_has_more_than_its_share (void)
{
  guint rate = (guint) g_test_rand_int_range (1, 5000);
  DsDuration interval = g_test_rand_int_range (1, 2000) * DS_MILLISECOND;
  guint64 max_in_batch = ((guint64) rate * (guint64) interval + 999999) / 1000000;
  guint64 n_in_batch = 0;
  guint64 n = 0;
  DsTime now = 0;
  DsTime batch_end = interval;
  Fixture fixture;

  g_test_summary ("After random steps: no batch has more than rate x interval, rounded "
                  "up, and all together no more than rate x time, and a bucket");

  set_up (&fixture, interval, rate, 0);
  for (guint i = 0; i < 2000; i++)
    {
      DsDuration step = g_test_rand_int_range (1, 50000);
      guint n_taken = 0;

      now += step;
      ds_manual_clock_advance (fixture.clock, step);
      if (now >= batch_end)
        {
          ds_rate_limiter_begin_batch (fixture.limiter, 0);
          n_in_batch = 0;
          batch_end = now - now % interval + interval;
        }
      n_taken = g_test_rand_bit () ? take_all (&fixture) : 0;
      n += n_taken;
      n_in_batch += n_taken;
      g_assert_cmpuint (n_in_batch, <=, max_in_batch);
      g_assert_cmpfloat ((double) n, <=,
                         1.0 + (double) rate * (double) now / 1e6 +
                             (double) max_in_batch);
    }
  g_assert_cmpuint (n, >, 0);
  tear_down (&fixture);
}

static void
test_blocks_are_paid_back (void)
{
  Fixture fixture;
  gsize n_reserved = 0;

  g_test_summary ("A block larger than a batch passes alone; then nothing does until the "
                  "rate has caught up");

  set_up (&fixture, DS_SECOND, 10, 0);
  advance_and_begin (&fixture, DS_SECOND);
  g_assert_true (
      ds_rate_limiter_reserve (fixture.limiter, 35, &fixture.stopping, &n_reserved));
  g_assert_cmpuint (n_reserved, ==, 35);
  ds_rate_limiter_settle (fixture.limiter, n_reserved);
  advance_and_begin (&fixture, DS_SECOND); /* of 25 too many 15 are left, then 5 */
  g_assert_cmpuint (take_all (&fixture), ==, 0);
  advance_and_begin (&fixture, DS_SECOND);
  g_assert_cmpuint (take_all (&fixture), ==, 0);
  advance_and_begin (&fixture, DS_SECOND);
  g_assert_cmpuint (take_all (&fixture), ==, 5);
  /* Nothing at all needs no permit. */
  g_assert_true (
      ds_rate_limiter_reserve (fixture.limiter, 0, &fixture.stopping, &n_reserved));
  tear_down (&fixture);
}

static void
test_records_on_their_way_count_in_the_next_batch (void)
{
  Fixture fixture;
  gsize n_reserved = 0;

  g_test_summary ("A record that is being stored while a batch begins may end in it, so "
                  "it has room for one less");

  set_up (&fixture, DS_SECOND, 10, 0);
  g_assert_true (
      ds_rate_limiter_reserve (fixture.limiter, 1, &fixture.stopping, &n_reserved));
  advance_and_begin (&fixture, DS_SECOND);
  ds_rate_limiter_settle (fixture.limiter, n_reserved);
  g_assert_cmpuint (take_all (&fixture), ==, 9);
  advance_and_begin (&fixture, DS_SECOND);
  g_assert_cmpuint (take_all (&fixture), ==, 10);
  tear_down (&fixture);
}

static void
test_nothing_passes_between_batches (void)
{
  Fixture fixture;

  g_test_summary ("While a batch is cut nothing passes, and what was read counts in the "
                  "next one");

  set_up (&fixture, DS_SECOND, 10, 0);
  advance_and_begin (&fixture, DS_SECOND);
  ds_rate_limiter_end_batch (fixture.limiter);
  g_assert_cmpuint (take_all (&fixture), ==, 0);
  g_assert_cmpint (ds_rate_limiter_get_deadline (fixture.limiter), ==, -1);
  ds_rate_limiter_note_read (fixture.limiter, 2, 20, 0);
  ds_rate_limiter_begin_batch (fixture.limiter, 3);
  g_assert_cmpuint (take_all (&fixture), ==, 5);
  tear_down (&fixture);
}

static void
test_clocks_may_go_back (void)
{
  Fixture fixture;

  g_test_summary ("A clock that is set back gives no permits and takes none");

  set_up (&fixture, DS_SECOND, 10, 0);
  g_assert_cmpuint (take_all (&fixture), ==, 1);
  ds_manual_clock_set_time (fixture.clock, 0);
  g_assert_cmpuint (take_all (&fixture), ==, 0);
  ds_manual_clock_advance (fixture.clock, 200 * DS_MILLISECOND);
  g_assert_cmpuint (take_all (&fixture), ==, 2);
  tear_down (&fixture);
}

/* ---- Waiting ---- */

typedef struct
{
  Fixture *fixture;
  gint n_passed; /* atomic */
} Waiter;

/* Until it is stopped. */
static gpointer
wait_and_take (gpointer user_data)
{
  Waiter *waiter = user_data;
  Fixture *fixture = waiter->fixture;
  gsize n_reserved = 0;

  while (ds_rate_limiter_reserve (fixture->limiter, 1, &fixture->stopping, &n_reserved))
    {
      g_atomic_int_inc (&waiter->n_passed);
      ds_rate_limiter_settle (fixture->limiter, n_reserved);
    }
  g_assert_cmpuint (n_reserved, ==, 0);
  return NULL;
}

static void
await_passed (Waiter *waiter, gint n)
{
  gint64 deadline = g_get_monotonic_time () + DS_TEST_PATIENCE;

  while (g_atomic_int_get (&waiter->n_passed) < n)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_thread_yield ();
    }
  g_assert_cmpint (g_atomic_int_get (&waiter->n_passed), ==, n);
}

static void
test_who_waits_is_woken (void)
{
  Fixture fixture;
  Waiter waiter = { &fixture, 0 };
  g_autoptr (GThread) thread = NULL;

  g_test_summary ("A store that waits goes on when the clock moves, when a batch begins, "
                  "when the rate changes, and when it is to stop");

  set_up (&fixture, DS_SECOND, 0, 10);
  thread = g_thread_new ("waiter", wait_and_take, &waiter);
  await_passed (&waiter, 1);
  ds_manual_clock_advance (fixture.clock, 300 * DS_MILLISECOND);
  await_passed (&waiter, 4);
  ds_manual_clock_advance (fixture.clock, DS_SECOND); /* 10 permits, room for 6 */
  await_passed (&waiter, 10);
  ds_rate_limiter_begin_batch (fixture.limiter, 0);
  await_passed (&waiter, 14);
  /* 16 more may come in this batch, and 20 did time make. */
  ds_rate_limiter_publish (fixture.limiter, 20);
  ds_manual_clock_advance (fixture.clock, DS_SECOND);
  await_passed (&waiter, 30);
  g_atomic_int_set (&fixture.stopping, TRUE);
  ds_rate_limiter_wake (fixture.limiter);
  g_thread_join (g_steal_pointer (&thread));
  g_assert_cmpint (waiter.n_passed, ==, 30);
  tear_down (&fixture);
}

static void
count_call (gpointer user_data)
{
  g_atomic_int_inc ((gint *) user_data);
}

static void
test_watches_are_called (void)
{
  Fixture fixture;
  gint n_calls = 0;
  guint id;

  g_test_summary ("Who must not wait is told of the same things, until it goes");

  set_up (&fixture, DS_SECOND, 10, 0);
  id = ds_rate_limiter_add_watch (fixture.limiter, count_call, &n_calls);
  ds_manual_clock_advance (fixture.clock, 1);
  g_assert_cmpint (n_calls, ==, 1);
  ds_rate_limiter_begin_batch (fixture.limiter, 0);
  g_assert_cmpint (n_calls, ==, 2);
  ds_rate_limiter_publish (fixture.limiter, 5);
  g_assert_cmpint (n_calls, ==, 3);
  ds_rate_limiter_remove_watch (fixture.limiter, id);
  ds_rate_limiter_begin_batch (fixture.limiter, 0);
  g_assert_cmpint (n_calls, ==, 3);
  tear_down (&fixture);
}

static void
test_deadlines_on_the_system_clock (void)
{
  g_autoptr (DsClock) clock = ds_clock_new_system ();
  g_autoptr (DsRateLimiter) limiter = ds_rate_limiter_new (clock, DS_SECOND, 1, 0);
  gint64 before = g_get_monotonic_time ();
  gint64 deadline;

  g_test_summary ("On the system's clock it is known when the next record may come");

  g_assert_true (ds_rate_limiter_has_room (limiter));
  ds_rate_limiter_note_read (limiter, 1, 10, 0);
  ds_rate_limiter_begin_batch (limiter, 0);
  deadline = ds_rate_limiter_get_deadline (limiter);
  g_assert_cmpint (deadline, >=, before + DS_SECOND - 1000);
  g_assert_cmpint (deadline, <=, g_get_monotonic_time () + DS_SECOND + 1000);
}

/* ---- Reading ---- */

static void
test_reads_about_as_many_bytes_as_records_may_come (void)
{
  Fixture fixture;

  g_test_summary ("How much to read follows the mean length of what was read before");

  set_up (&fixture, DS_SECOND, 100, 0);
  g_assert_cmpuint (ds_rate_limiter_get_read_bytes (fixture.limiter, 4096), ==, 1);
  ds_rate_limiter_note_read (fixture.limiter, 0, 0, 2); /* no end of a record yet */
  g_assert_cmpuint (ds_rate_limiter_get_read_bytes (fixture.limiter, 4096), ==, 1);
  ds_rate_limiter_note_read (fixture.limiter, 0, 0, 80);
  g_assert_cmpuint (ds_rate_limiter_get_read_bytes (fixture.limiter, 4096), ==, 10);
  ds_rate_limiter_note_read (fixture.limiter, 1, 10, 0);
  advance_and_begin (&fixture, DS_SECOND);
  g_assert_cmpuint (ds_rate_limiter_get_read_bytes (fixture.limiter, 4096), ==, 1000);
  g_assert_cmpuint (ds_rate_limiter_get_read_bytes (fixture.limiter, 512), ==, 512);
  ds_rate_limiter_note_read (fixture.limiter, 130, 1300, 0); /* 30 too many */
  g_assert_false (ds_rate_limiter_has_room (fixture.limiter));
  g_assert_cmpuint (ds_rate_limiter_get_read_bytes (fixture.limiter, 4096), ==, 1);
  advance_and_begin (&fixture, DS_SECOND);
  g_assert_cmpuint (take_all (&fixture), ==, 70);
  tear_down (&fixture);
}

static void
test_the_length_of_records_may_change (void)
{
  Fixture fixture;
  guint n_reads = 0;

  g_test_summary ("After a million records of 100 bytes come some of 1 byte: 20 reads "
                  "later no more than 15 are read where 10 may come");

  set_up (&fixture, DS_SECOND, 10, 0);
  for (guint i = 0; i < 100000; i++)
    ds_rate_limiter_note_read (fixture.limiter, 10, 1000, 0);
  for (gsize n_bytes = G_MAXSIZE; n_bytes > 15; n_reads++)
    {
      while (!ds_rate_limiter_has_room (fixture.limiter))
        advance_and_begin (&fixture, 1000 * DS_SECOND);
      advance_and_begin (&fixture, DS_SECOND);
      n_bytes = ds_rate_limiter_get_read_bytes (fixture.limiter, 1 << 20);
      g_assert_cmpuint (n_bytes, >=, 10);
      ds_rate_limiter_note_read (fixture.limiter, n_bytes, n_bytes, 0);
    }
  g_assert_cmpuint (n_reads, <=, 20);
  tear_down (&fixture);
}

static void
test_long_records_take_few_reads (void)
{
  const gsize n_long = 16 << 20;
  Fixture fixture;
  gsize n_read = 0;
  guint n_reads = 0;

  g_test_summary ("A record of 16 MiB among those of 10 bytes takes less than 200 reads, "
                  "and the last brings an eighth of it too much at most");

  set_up (&fixture, DS_SECOND, 10, 0);
  ds_rate_limiter_note_read (fixture.limiter, 1, 10, 0);
  advance_and_begin (&fixture, DS_SECOND);
  for (; n_read < n_long; n_reads++)
    {
      gsize n_bytes = ds_rate_limiter_get_read_bytes (fixture.limiter, G_MAXSIZE);

      n_read += n_bytes;
      if (n_read < n_long)
        ds_rate_limiter_note_read (fixture.limiter, 0, 0, n_read);
    }
  g_assert_cmpuint (n_reads, <, 200);
  g_assert_cmpuint (n_read, <=, n_long + n_long / 8);
  tear_down (&fixture);
}

/* ---- In a receiver ---- */

/* Stores until it may not. */
static gboolean
store_for_ever (DsReceiver *receiver,
                GCancellable *cancellable,
                gpointer data,
                GError **error)
{
  gint *n_stored = data;

  while (ds_receiver_store (receiver, ds_value_int (*n_stored)))
    g_atomic_int_inc (n_stored);
  return TRUE;
}

static void
await_stored (gint *n_stored, gint n)
{
  gint64 deadline = g_get_monotonic_time () + DS_TEST_PATIENCE;

  while (g_atomic_int_get (n_stored) < n)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_thread_yield ();
    }
}

static void
test_stores_keep_to_it (void)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 20, TRUE);
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  DsReceiverSettings settings = ds_test_recorder_get_settings (recorder);
  gint n_stored = 0;
  g_autoptr (DsReceiver) receiver = test_run_receiver_new (store_for_ever, &n_stored);
  DsReceiverSupervisor *supervisor;

  g_test_summary ("A receiver that stores without pause brings 1, 10, 10, 10 records, "
                  "and stops although it waits");

  settings.clock = DS_CLOCK (clock);
  settings.max_rate = 10;
  settings.batch_interval = DS_SECOND;
  supervisor = ds_receiver_supervisor_new (receiver, &settings, &ds_test_recorder_events,
                                           recorder);
  g_assert_cmpuint (ds_receiver_supervisor_get_rate (supervisor), ==, 10);
  ds_test_assert_start (supervisor);
  await_stored (&n_stored, 1);
  for (gint i = 1; i <= 3; i++)
    {
      ds_receiver_supervisor_end_batch (supervisor);
      ds_receiver_supervisor_begin_batch (supervisor, 0);
      g_assert_cmpuint (recorder->n_records, ==, (gsize) (i * 10 - 9));
      ds_manual_clock_advance (clock, DS_SECOND);
      await_stored (&n_stored, i * 10 + 1);
    }
  ds_receiver_supervisor_end_batch (supervisor);
  ds_test_stop_and_free (supervisor);
  g_assert_cmpint (n_stored, ==, 31);
  g_assert_cmpuint (recorder->n_records, ==, 31);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) g_test_add_func ("/receivers/rate-limiter/" name, func)
  ADD ("without-a-limit-all-pass", test_without_a_limit_all_pass);
  ADD ("holds-from-the-first-record", test_holds_from_the_first_record);
  ADD ("a-batch-has-no-more-than-its-share", test_a_batch_has_no_more_than_its_share);
  ADD ("slow-rates-are-not-none", test_slow_rates_are_not_none);
  ADD ("published-rates", test_published_rates);
  ADD ("no-time-has-more-than-its-share", test_no_time_has_more_than_its_share);
  ADD ("blocks-are-paid-back", test_blocks_are_paid_back);
  ADD ("records-on-their-way-count-in-the-next-batch",
       test_records_on_their_way_count_in_the_next_batch);
  ADD ("nothing-passes-between-batches", test_nothing_passes_between_batches);
  ADD ("clocks-may-go-back", test_clocks_may_go_back);
  ADD ("who-waits-is-woken", test_who_waits_is_woken);
  ADD ("watches-are-called", test_watches_are_called);
  ADD ("deadlines-on-the-system-clock", test_deadlines_on_the_system_clock);
  ADD ("reads-about-as-many-bytes-as-records-may-come",
       test_reads_about_as_many_bytes_as_records_may_come);
  ADD ("the-length-of-records-may-change", test_the_length_of_records_may_change);
  ADD ("long-records-take-few-reads", test_long_records_take_few_reads);
  ADD ("stores-keep-to-it", test_stores_keep_to_it);
#undef ADD

  return g_test_run ();
}
