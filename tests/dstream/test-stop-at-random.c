/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Row D7: streams that are stopped at random times, in every way, while a receiver brings
 * lines into the log.  What was received is processed or left over, as the report says;
 * what was acknowledged is in a batch, of this process or, after a stop at once, of the
 * next one, exactly once. */

#include "tests/dstream/ds-test-intake.h"

#include "base/ds-durable-file-private.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <unistd.h>

#define N_STOPS 60
#define N_STOPS_SLOW 1000
#define MAX_LINES 200

typedef enum
{
  STOP_BY_CALL,
  STOP_BY_SIGNAL,
  STOP_BY_HANDLER,
  STOP_BY_FILE,
  STOP_BY_SECOND_SIGNAL,
  STOP_NOW,
  N_WAYS
} Way;

static const char *const way_names[] = { "call", "signal",        "handler",
                                         "file", "second-signal", "now" };

/* ---- The program ---- */

typedef struct
{
  Way way;
  DsDurability durability;
  char *directory;
  char *marker;
  DsManualClock *clock;
  DsStreamingContext *ssc;
  DsTestIntake *intake;
  DsTestGate let_go; /* of the body, when a second signal has to come in time */
  gint is_stuck;     /* atomic */
  gint wants_stop;   /* atomic: of the handler */

  GMutex lock;                    /* guards what follows */
  gint64 batch_of[MAX_LINES + 1]; /* 0: in none */
  const char *found;              /* (nullable): what is wrong */
  guint n_stored;                 /* lines 1 ... were stored */
} Program;

/* A batch that runs again has the same lines. */
static gboolean
note_lines (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  Program *self = user_data;
  g_autoptr (DsBlock) block = ds_rdd_collect (rdd, error);
  gint64 time = ds_batch_get_time (batch);

  if (block == NULL)
    return FALSE;
  if (g_atomic_int_get (&self->is_stuck))
    ds_test_gate_await (&self->let_go, 1);
  g_mutex_lock (&self->lock);
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    {
      g_autofree char *text = ds_value_to_string (ds_block_get (block, i));
      guint line = (guint) g_ascii_strtoull (text, NULL, 10);

      if (line < 1 || line > MAX_LINES)
        self->found = "no line of the test";
      else if (self->batch_of[line] != 0 && self->batch_of[line] != time)
        self->found = "a line is in two batches";
      else
        self->batch_of[line] = time;
    }
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static void
stop_in_handler (DsStreamingContext *ssc, DsBatch *batch, gpointer user_data)
{
  Program *self = user_data;

  if (g_atomic_int_get (&self->wants_stop))
    ds_streaming_context_stop (ssc, DS_STOP_GRACEFULLY, NULL);
}

/* DsSetupFunc */
static DsStreamingContext *
build (gpointer user_data, GError **error)
{
  Program *self = user_data;
  DsDStream *lines;

  self->ssc = ds_streaming_context_new ("local", "test", DS_SECOND);
  ds_streaming_context_set_clock (self->ssc, DS_CLOCK (self->clock));
  self->intake = g_object_new (DS_TYPE_TEST_INTAKE, NULL);
  lines = ds_streaming_context_receiver_stream (self->ssc, DS_RECEIVER (self->intake));
  ds_dstream_set_durability (lines, self->durability);
  ds_dstream_foreach_rdd (lines, note_lines, self, NULL);
  if (self->way == STOP_BY_SIGNAL || self->way == STOP_BY_SECOND_SIGNAL)
    ds_streaming_context_stop_on_signals (self->ssc);
  if (self->way == STOP_BY_FILE)
    ds_streaming_context_stop_on_file (self->ssc, self->marker);
  if (self->way == STOP_BY_HANDLER)
    g_signal_connect (self->ssc, "batch-completed", G_CALLBACK (stop_in_handler), self);
  return self->ssc;
}

static void
start (Program *self)
{
  g_autoptr (GError) error = NULL;

  ds_streaming_context_get_or_create (self->directory, build, self, &error);
  g_assert_no_error (error);
  ds_streaming_context_start (self->ssc, &error);
  g_assert_no_error (error);
  ds_test_gate_await (&self->intake->starts, 1);
}

/* Until the stream takes no more. */
static gpointer
feed (gpointer user_data)
{
  Program *self = user_data;

  for (guint line = 1; line <= MAX_LINES; line++)
    {
      g_autofree char *string = g_strdup_printf ("%u\n", line);
      g_autoptr (GBytes) text = g_bytes_new (string, strlen (string));

      if (!ds_receiver_store_text (DS_RECEIVER (self->intake), text, line, NULL))
        break;
      self->n_stored = line;
    }
  return NULL;
}

/* ---- Stopping ---- */

static void
ask_to_stop (Program *self)
{
  g_autoptr (GError) error = NULL;

  switch (self->way)
    {
    case STOP_BY_CALL:
      ds_streaming_context_stop (self->ssc, DS_STOP_GRACEFULLY, &error);
      break;
    case STOP_BY_SIGNAL:
      kill (getpid (), SIGTERM);
      break;
    case STOP_BY_HANDLER:
      g_atomic_int_set (&self->wants_stop, TRUE);
      break;
    case STOP_BY_FILE:
      g_file_set_contents (self->marker, "", 0, &error);
      break;
    case STOP_BY_SECOND_SIGNAL:
      /* The last batch of the graceful stop waits for the second one. */
      g_atomic_int_set (&self->is_stuck, TRUE);
      kill (getpid (), SIGINT);
      kill (getpid (), SIGTERM);
      ds_test_gate_add (&self->let_go, 1);
      break;
    case STOP_NOW:
      ds_streaming_context_stop (self->ssc, DS_STOP_NOW, &error);
      break;
    case N_WAYS:
    default:
      g_assert_not_reached ();
    }
  g_assert_no_error (error);
  /* Both are looked at when a batch is over. */
  if (self->way == STOP_BY_HANDLER || self->way == STOP_BY_FILE)
    ds_manual_clock_advance (self->clock, DS_SECOND);
}

/* Whatever it does until then: batches, or nothing, for some turns of the processor. */
static void
run_for_a_while (Program *self)
{
  gint n_steps = g_test_rand_int_range (0, 12);

  for (gint i = 0; i < n_steps; i++)
    {
      if (g_test_rand_bit ())
        ds_manual_clock_advance (self->clock, DS_SECOND);
      for (gint k = g_test_rand_int_range (0, 200); k > 0; k--)
        g_thread_yield ();
    }
}

static void
check_report (Program *self)
{
  g_autofree char *report = ds_streaming_context_get_stop_report (self->ssc);
  gint64 n_received;
  gint64 n_processed;
  gint64 n_left;

  g_assert_cmpint (sscanf (report,
                           "received %" G_GINT64_FORMAT ", processed %" G_GINT64_FORMAT
                           ", left %" G_GINT64_FORMAT,
                           &n_received, &n_processed, &n_left),
                   ==, 3);
  g_assert_cmpint (n_received, ==, n_processed + n_left);
  g_assert_cmpint (n_received, >=, self->n_stored);
  if (self->way != STOP_NOW && self->way != STOP_BY_SECOND_SIGNAL)
    g_assert_cmpint (n_left, ==, 0);
}

/* Lines up to @n are in a batch each, and no line of two. */
static void
check_lines (Program *self, guint n)
{
  g_mutex_lock (&self->lock);
  g_assert_cmpstr (self->found, ==, NULL);
  for (guint line = 1; line <= n; line++)
    if (self->batch_of[line] == 0)
      g_error ("stopped by %s: line %u of %u was stored, and is in no batch",
               way_names[self->way], line, n);
  g_mutex_unlock (&self->lock);
}

/* The next process: what was left is there. */
static void
check_next (Program *self)
{
  gint64 n_acknowledged = ds_test_gate_get (&self->intake->token);
  DsTime now = ds_clock_get_time (DS_CLOCK (self->clock));
  g_autoptr (GError) error = NULL;

  g_clear_object (&self->ssc);
  g_clear_object (&self->intake);
  g_atomic_int_set (&self->is_stuck, FALSE);
  self->way = STOP_BY_CALL;
  start (self);
  ds_manual_clock_set_time (self->clock, now + 3 * DS_SECOND);
  ds_streaming_context_stop (self->ssc, DS_STOP_GRACEFULLY, &error);
  g_assert_no_error (error);
  check_lines (self, (guint) n_acknowledged);
  if (self->durability == DS_DURABILITY_EVERY_RECORD)
    check_lines (self, self->n_stored);
}

static void
check_stop (Way way)
{
  Program self = { .way = way };
  GThread *feeder;
  g_autoptr (GError) error = NULL;

  self.durability = g_test_rand_bit () ? DS_DURABILITY_GROUP : DS_DURABILITY_EVERY_RECORD;
  self.directory = g_dir_make_tmp ("ds-stops-XXXXXX", NULL);
  self.marker = g_build_filename (self.directory, "stop", NULL);
  self.clock = ds_manual_clock_new (0);
  start (&self);
  feeder = g_thread_new ("feeder", feed, &self);
  run_for_a_while (&self);
  ask_to_stop (&self);
  ds_streaming_context_await_termination (self.ssc, &error);
  g_assert_no_error (error);
  g_thread_join (feeder);
  check_report (&self);
  if (way == STOP_NOW || way == STOP_BY_SECOND_SIGNAL)
    check_next (&self);
  else
    check_lines (&self, self.n_stored);

  g_clear_object (&self.ssc);
  g_clear_object (&self.intake);
  g_clear_object (&self.clock);
  g_mutex_clear (&self.lock);
  g_free (self.marker);
  ds_test_drop_directory (self.directory);
}

static void
test_stops_lose_nothing (gconstpointer way)
{
  guint n_stops = (g_test_slow () ? N_STOPS_SLOW : N_STOPS) / N_WAYS + 1;

  for (guint i = 0; i < n_stops; i++)
    check_stop (GPOINTER_TO_UINT (way));
}

/* Nothing here is about the disk. */
static int
pretend_to_sync (const char *call, const char *path, gsize *n_bytes, gpointer unused)
{
  return g_str_has_suffix (call, "sync") ? DS_DURABLE_PRETEND : 0;
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ds_durable_file_set_fault_func (pretend_to_sync, NULL);
  for (guint way = 0; way < N_WAYS; way++)
    {
      g_autofree char *path =
          g_strdup_printf ("/stop-at-random/%s-loses-nothing", way_names[way]);

      g_test_add_data_func (path, GUINT_TO_POINTER (way), test_stops_lose_nothing);
    }
  return g_test_run ();
}
