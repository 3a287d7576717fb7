/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* C3: servers that send a byte a second hold up nobody.  The row speaks of a source that
 * has a rate and keeps it, so this one sends by a timetable: a MiB each 10 ms, with 10 of
 * the 1,000 dribblers sending their byte in between.  Who is late catches up, so other
 * work on the machine is not held against the receiver as long as it ends in time.
 *
 * At full speed the sender, the dribblers' sender and two poll threads fight for the
 * processors, and the clock measures the scheduler; that is told, not asserted.  What the
 * poll threads themselves spend is. */

#include "tests/receivers/ds-test-server.h"

#include "base/ds-sanitizer-private.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#if DS_HAS_ASAN
#define IS_SLOW 1
#else
#define IS_SLOW 0
#endif

#define MIN_ROUNDS 3
#define MAX_ROUNDS 9
#define TICK (10 * 1000 * 1000) /* ns */
#define TICKS 100               /* of a round: a second */

/* How long a transfer took, and how much processor time the poll threads spent on it. */
typedef struct
{
  double wall;
  double poll;
} Cost;

/* Receivers of servers that seldom send. */
typedef struct
{
  guint n;
  guint next;
  DsTestRecorder *recorder;
  DsReceiverSupervisor **supervisors;
  GPtrArray *connections;
} Dribblers;

static double
read_clock (clockid_t clock)
{
  struct timespec time;

  g_assert_cmpint (clock_gettime (clock, &time), ==, 0);
  return (double) time.tv_sec + (double) time.tv_nsec * 1e-9;
}

/* As many as the limit of open files has room for, each with two. */
static guint
get_n_dribblers (void)
{
  const guint n_wanted = 1000;
  struct rlimit limit;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  return limit.rlim_cur >= 2 * n_wanted + 200 ? n_wanted
                                              : (guint) (limit.rlim_cur - 200) / 2;
}

/* In bytes. */
static double
read_resident_memory (void)
{
  g_autofree char *text = NULL;
  guint64 n_pages = 0;

  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  g_assert_cmpint (sscanf (text, "%*u %" G_GUINT64_FORMAT, &n_pages), ==, 1);
  return (double) n_pages * (double) sysconf (_SC_PAGESIZE);
}

static void
dribblers_send (Dribblers *self, guint n)
{
  for (guint i = 0; i < n; i++)
    send_text (g_ptr_array_index (self->connections, self->next++ % self->n), "x");
}

static void
dribblers_start (Dribblers *self, Fixture *fixture)
{
  for (guint i = 0; i < self->n; i++)
    {
      g_autoptr (DsReceiver) receiver =
          ds_socket_receiver_new ("127.0.0.1", fixture->port);

      self->supervisors[i] = ds_test_recorder_supervise (self->recorder, receiver);
      ds_test_assert_start (self->supervisors[i]);
      g_ptr_array_add (self->connections, accept_one (fixture));
    }
  dribblers_send (self, self->n);
}

/* Once the line of each has ended and come. */
static void
dribblers_stop (Dribblers *self)
{
  for (guint i = 0; i < self->n; i++)
    send_text (g_ptr_array_index (self->connections, i), "\n");
  for (guint i = 0; i < self->n; i++)
    while (ds_receiver_supervisor_get_n_records (self->supervisors[i]) < 1)
      ds_receiver_supervisor_cut (self->supervisors[i]);
  for (guint i = 0; i < self->n; i++)
    ds_receiver_supervisor_stop_async (self->supervisors[i]);
  for (guint i = 0; i < self->n; i++)
    {
      ds_test_assert_join (self->supervisors[i]);
      ds_receiver_supervisor_free (self->supervisors[i]);
    }
  g_ptr_array_set_size (self->connections, 0);
}

/* A MiB and @n_dribbles bytes a tick, for TICKS ticks.  Only this thread and the poll
 * threads run, so what this one does not spend is theirs. */
static Cost
send_by_timetable (Fixture *fixture,
                   Sender *sender,
                   Dribblers *dribblers,
                   guint n_dribbles)
{
  gsize n_before = (gsize) ds_receiver_supervisor_get_n_records (fixture->supervisor);
  double wall = read_clock (CLOCK_MONOTONIC);
  double process = read_clock (CLOCK_PROCESS_CPUTIME_ID);
  double own = read_clock (CLOCK_THREAD_CPUTIME_ID);
  struct timespec due;
  Cost cost;

  g_assert_cmpint (clock_gettime (CLOCK_MONOTONIC, &due), ==, 0);
  for (guint i = 0; i < TICKS; i++)
    {
      due.tv_nsec += TICK;
      due.tv_sec += due.tv_nsec / 1000000000;
      due.tv_nsec %= 1000000000;
      /* The one test in which time must pass: a rate is something a second. */
      while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
        ;
      send_many (sender);
      dribblers_send (dribblers, n_dribbles);
    }
  wait_for_records (fixture, n_before + TICKS * LINES_PER_MIB);
  cost.wall = read_clock (CLOCK_MONOTONIC) - wall;
  cost.poll = read_clock (CLOCK_PROCESS_CPUTIME_ID) - process -
              (read_clock (CLOCK_THREAD_CPUTIME_ID) - own);
  return cost;
}

static gpointer
send_many_and_tell_time (gpointer data)
{
  double *cpu = g_new (double, 1);

  send_many (data);
  *cpu = read_clock (CLOCK_THREAD_CPUTIME_ID);
  return cpu;
}

/* All at once, while @n_dribbles send a byte. */
static Cost
send_at_full_speed (Fixture *fixture,
                    Sender *sender,
                    Dribblers *dribblers,
                    guint n_dribbles)
{
  gsize n_before = (gsize) ds_receiver_supervisor_get_n_records (fixture->supervisor);
  double wall = read_clock (CLOCK_MONOTONIC);
  double process = read_clock (CLOCK_PROCESS_CPUTIME_ID);
  double own = read_clock (CLOCK_THREAD_CPUTIME_ID);
  GThread *thread = g_thread_new ("sender", send_many_and_tell_time, sender);
  g_autofree double *of_sender = NULL;
  Cost cost;

  dribblers_send (dribblers, n_dribbles);
  of_sender = g_thread_join (thread);
  wait_for_records (fixture, n_before + sender->n_mib * LINES_PER_MIB);
  cost.wall = read_clock (CLOCK_MONOTONIC) - wall;
  cost.poll = read_clock (CLOCK_PROCESS_CPUTIME_ID) - process - *of_sender -
              (read_clock (CLOCK_THREAD_CPUTIME_ID) - own);
  return cost;
}

static gint
compare_doubles (gconstpointer a, gconstpointer b)
{
  const double *x = a;
  const double *y = b;

  return *x < *y ? -1 : *x > *y;
}

static double
get_median (const double *values, guint n)
{
  double sorted[MAX_ROUNDS];

  memcpy (sorted, values, n * sizeof *values);
  qsort (sorted, n, sizeof *sorted, compare_doubles);
  return sorted[n / 2];
}

typedef struct
{
  Fixture *fixture;
  Dribblers dribblers;
  GSocketConnection *fast;
} Setting;

static void
setting_init (Setting *self, Fixture *fixture)
{
  *self = (Setting){ .fixture = fixture };
  self->dribblers.n = get_n_dribblers ();
  self->dribblers.recorder = ds_test_recorder_new (1 << 30, TRUE);
  self->dribblers.supervisors = g_new0 (DsReceiverSupervisor *, self->dribblers.n);
  self->dribblers.connections = g_ptr_array_new_with_free_func (g_object_unref);
  fixture->recorder->forgets = TRUE;
  start (fixture);
  self->fast = accept_one (fixture);
}

static void
setting_clear (Setting *self, guint n_rounds)
{
  g_assert_cmpuint (self->dribblers.recorder->n_records, ==,
                    n_rounds * self->dribblers.n);
  g_assert_cmpuint (self->dribblers.recorder->errors->len, ==, 0);
  g_ptr_array_unref (self->dribblers.connections);
  g_free (self->dribblers.supervisors);
  ds_test_recorder_free (self->dribblers.recorder);
  g_object_unref (self->fast);
}

static void
test_rate_is_kept (Fixture *fixture, gconstpointer user_data)
{
  Setting setting;
  double rates[MAX_ROUNDS];
  double shares[MAX_ROUNDS];
  double memory = 0;
  guint n = 0;

  g_test_summary ("A source of 105 MB a second keeps 95 % of its rate beside 1,000 "
                  "servers that send a byte a second, and these take at most 5 % of the "
                  "time of one poll thread");

#ifdef __SANITIZE_THREAD__
  g_test_skip ("GLib's own tables grow on both poll threads under locks not seen");
  return;
#endif
  setting_init (&setting, fixture);
  Sender sender = { setting.fast, 1 };
  send_by_timetable (fixture, &sender, &setting.dribblers, 0); /* memory is there now */

  /* In turn, since the machine may have other work; medians of all rounds.  At least
   * three; as long as it does not look like 95 %, more. */
  while (n < MIN_ROUNDS || (n < MAX_ROUNDS && (get_median (rates, n) < 0.95 ||
                                               get_median (shares, n) > 0.05)))
    {
      Cost alone = send_by_timetable (fixture, &sender, &setting.dribblers, 0);
      double resident = read_resident_memory ();
      Cost beside;

      dribblers_start (&setting.dribblers, fixture);
      beside = send_by_timetable (fixture, &sender, &setting.dribblers,
                                  setting.dribblers.n / TICKS);
      /* Most in the first round: what is given back is used again. */
      memory = MAX (memory, (read_resident_memory () - resident) / setting.dribblers.n);
      dribblers_stop (&setting.dribblers);
      rates[n] = alone.wall / beside.wall;
      shares[n] = (beside.poll - alone.poll) / beside.wall;
      n++;
      g_test_message ("C3: round %u: %.1f MB/s alone, %.1f beside; poll threads %.1f ms "
                      "and %.1f ms",
                      n, TICKS * 1.048576 / alone.wall, TICKS * 1.048576 / beside.wall,
                      alone.poll * 1e3, beside.poll * 1e3);
    }
  g_test_message ("C3: beside %u dribblers, which send a byte a second, a source with a "
                  "rate keeps %.3f of it, medians of %u rounds (the row asks for .95); "
                  "they take %.3f of a poll thread, %.1f us a byte",
                  setting.dribblers.n, get_median (rates, n), n, get_median (shares, n),
                  get_median (shares, n) * 1e6 / setting.dribblers.n);
  g_test_message ("C3: a dribbler with an open line takes %.1f KiB of memory, both ends "
                  "of its connection (a line may have 1024 KiB)",
                  memory / 1024);
  if (!IS_SLOW)
    {
      g_assert_cmpfloat (get_median (rates, n), >=, 0.95);
      g_assert_cmpfloat (get_median (shares, n), <=, 0.05);
      g_assert_cmpfloat (memory, <=, 1 << 20);
    }
  setting_clear (&setting, n);
}

static void
test_full_speed (Fixture *fixture, gconstpointer user_data)
{
  Setting setting;
  double alone_wall[MAX_ROUNDS];
  double beside_wall[MAX_ROUNDS];
  double alone_poll[MAX_ROUNDS];
  double beside_poll[MAX_ROUNDS];
  double rate = 0;
  guint n = 0;

  g_test_summary (
      "What the poll threads spend on a source at full speed does not grow by "
      "1,000 servers beside it; 70 % of the rate are held against noise");

#ifdef __SANITIZE_THREAD__
  g_test_skip ("GLib's own tables grow on both poll threads under locks not seen");
  return;
#endif
  setting_init (&setting, fixture);
  Sender sender = { setting.fast, IS_SLOW ? 16 : 256 };
  send_at_full_speed (fixture, &sender, &setting.dribblers, 0);

  while (n < MIN_ROUNDS || (n < MAX_ROUNDS && rate < 0.9))
    {
      Cost alone = send_at_full_speed (fixture, &sender, &setting.dribblers, 0);
      Cost beside;

      dribblers_start (&setting.dribblers, fixture);
      /* It takes less than 1/4 s when the machine is free. */
      beside = send_at_full_speed (fixture, &sender, &setting.dribblers,
                                   setting.dribblers.n / 4);
      dribblers_stop (&setting.dribblers);
      alone_wall[n] = alone.wall;
      beside_wall[n] = beside.wall;
      alone_poll[n] = alone.poll;
      beside_poll[n] = beside.poll;
      n++;
      rate = get_median (alone_poll, n) / get_median (beside_poll, n);
    }
  g_test_message ("C3: %" G_GSIZE_FORMAT " MiB at full speed: the poll threads spend "
                  "%.3f s alone, %.3f s beside %u dribblers, medians of %u rounds: %.3f "
                  "of the rate; by the clock %.3f of it",
                  sender.n_mib, get_median (alone_poll, n), get_median (beside_poll, n),
                  setting.dribblers.n, n, rate,
                  get_median (alone_wall, n) / get_median (beside_wall, n));
  if (!IS_SLOW)
    g_assert_cmpfloat (rate, >=, 0.70); /* it was .3 with a GSource for each socket */
  setting_clear (&setting, n);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/receivers/socket-dribblers/c3-a-source-keeps-its-rate", Fixture, NULL,
              set_up, test_rate_is_kept, tear_down);
  g_test_add ("/receivers/socket-dribblers/c3-full-speed-costs-the-same", Fixture, NULL,
              set_up, test_full_speed, tear_down);
  return g_test_run ();
}
