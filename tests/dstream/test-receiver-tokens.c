/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a receiver hears when several of its threads store with tokens at once.  Another
 * thread that is amid a store is played by its two ends: the supervisor knows of the
 * token, and later that it was noted, or not. */

#include "dstream/ds-streaming-context-private.h"
#include "dstream/ds-tracked-receiver-private.h"
#include "receivers/ds-receiver-runner-private.h"
#include "tests/dstream/ds-test-stream.h"

/* ---- A receiver that keeps what it hears ---- */

#define DS_TYPE_TEST_HEARER (ds_test_hearer_get_type ())
G_DECLARE_FINAL_TYPE (DsTestHearer, ds_test_hearer, DS, TEST_HEARER, DsReceiver)

struct _DsTestHearer
{
  DsReceiver parent_instance;
  DsTestGate starts;
  GString *heard; /* "2 5 " */
};

G_DEFINE_FINAL_TYPE (DsTestHearer, ds_test_hearer, DS_TYPE_RECEIVER)

static gboolean
ds_test_hearer_start (DsReceiver *receiver, GError **error)
{
  ds_test_gate_add (&DS_TEST_HEARER (receiver)->starts, 1);
  return TRUE;
}

static void
ds_test_hearer_acknowledged (DsReceiver *receiver, guint64 token)
{
  g_string_append_printf (DS_TEST_HEARER (receiver)->heard, "%" G_GUINT64_FORMAT " ",
                          token);
}

static void
ds_test_hearer_finalize (GObject *object)
{
  g_string_free (DS_TEST_HEARER (object)->heard, TRUE);
  G_OBJECT_CLASS (ds_test_hearer_parent_class)->finalize (object);
}

static void
ds_test_hearer_class_init (DsTestHearerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_test_hearer_finalize;
  DS_RECEIVER_CLASS (klass)->start = ds_test_hearer_start;
  DS_RECEIVER_CLASS (klass)->acknowledged = ds_test_hearer_acknowledged;
}

static void
ds_test_hearer_init (DsTestHearer *self)
{
  g_mutex_init (&self->starts.lock);
  g_cond_init (&self->starts.changed);
  self->heard = g_string_new (NULL);
}

/* ---- A program ---- */

typedef struct
{
  char *directory; /* (nullable): of a durable stream */
  DsManualClock *clock;
  DsStreamingContext *ssc;
  DsTestHearer *hearer;
  DsTrackedReceiver *tracked;
} Program;

static void
program_set_up (Program *self, gboolean is_durable)
{
  g_autoptr (GError) error = NULL;
  DsDStream *stream;

  memset (self, 0, sizeof *self);
  self->clock = ds_manual_clock_new (0);
  self->ssc = ds_streaming_context_new ("local[2]", "test", DS_SECOND);
  ds_streaming_context_set_clock (self->ssc, DS_CLOCK (self->clock));
  self->hearer = g_object_new (DS_TYPE_TEST_HEARER, NULL);
  stream = ds_streaming_context_receiver_stream (self->ssc, DS_RECEIVER (self->hearer));
  ds_dstream_collect (stream);
  if (is_durable)
    {
      self->directory = g_dir_make_tmp ("ds-tokens-XXXXXX", &error);
      g_assert_no_error (error);
      ds_streaming_context_checkpoint (self->ssc, self->directory);
      ds_dstream_set_durability (stream, DS_DURABILITY_GROUP);
    }
  ds_streaming_context_start (self->ssc, &error);
  g_assert_no_error (error);
  ds_test_gate_await (&self->hearer->starts, 1);
  self->tracked = ds_receiver_tracker_get_receiver (self->ssc->receivers, 0);
}

static void
program_tear_down (Program *self)
{
  g_autoptr (GError) error = NULL;

  ds_streaming_context_stop (self->ssc, DS_STOP_NOW, &error);
  g_assert_no_error (error);
  g_clear_object (&self->ssc);
  g_clear_object (&self->hearer);
  g_clear_object (&self->clock);
  if (self->directory != NULL)
    {
      g_autofree char *quoted = g_shell_quote (self->directory);
      g_autofree char *command = g_strdup_printf ("rm -rf %s", quoted);

      g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
    }
  g_free (self->directory);
}

static void
program_store (Program *self, guint64 token)
{
  g_autoptr (GBytes) text = g_bytes_new_static ("a\n", 2);
  g_autoptr (GError) error = NULL;

  ds_receiver_store_text (DS_RECEIVER (self->hearer), text, token, &error);
  g_assert_no_error (error);
}

/* Another thread's call begins, and ends. */
static void
program_begin (Program *self, guint64 token)
{
  ds_receiver_supervisor_begin_storing (self->tracked->supervisor, token);
}

static void
program_end (Program *self, guint64 token, gboolean is_stored)
{
  ds_receiver_supervisor_note_token (self->tracked->supervisor, token, is_stored);
}

static void
program_await_durable (Program *self)
{
  DsReceiverTracker *tracker = self->ssc->receivers;

  g_mutex_lock (&tracker->lock);
  while (tracker->durable_sequence < self->tracked->last_sequence)
    g_cond_wait (&tracker->log_changed, &tracker->lock);
  g_mutex_unlock (&tracker->lock);
}

static void
program_run_until (Program *self, DsTime time)
{
  g_autoptr (GError) error = NULL;

  ds_manual_clock_set_time (self->clock, time);
  ds_streaming_context_await_batch (self->ssc, time, &error);
  g_assert_no_error (error);
}

typedef struct
{
  DsTestHearer *hearer;
  DsTestGate gate;
  char *heard;
} Look;

/* Thread: poll. */
static gboolean
look (gpointer data)
{
  Look *self = data;

  self->heard = g_strdup (self->hearer->heard->str);
  ds_test_gate_add (&self->gate, 1);
  return G_SOURCE_REMOVE;
}

/* Behind all acknowledgements that are on their way. */
static void
program_assert_heard (Program *self, const char *expected)
{
  Look own = { .hearer = self->hearer };

  g_mutex_init (&own.gate.lock);
  g_cond_init (&own.gate.changed);
  ds_receiver_runner_invoke (self->tracked->supervisor, look, &own, NULL);
  ds_test_gate_await (&own.gate, 1);
  g_assert_cmpstr (own.heard, ==, expected);
  g_free (own.heard);
  g_mutex_clear (&own.gate.lock);
  g_cond_clear (&own.gate.changed);
}

/* ---- Tests ---- */

static void
test_a_smaller_one_holds_back (void)
{
  Program self;

  g_test_summary (
      "A token that is on the disk is not acknowledged while a thread is "
      "still storing with a smaller one, which the source would take for safe");

  program_set_up (&self, TRUE);
  program_begin (&self, 1);
  program_store (&self, 2);
  program_store (&self, 3);
  program_await_durable (&self);
  program_assert_heard (&self, "");
  program_end (&self, 1, TRUE); /* nothing of it waits for the disk */
  program_assert_heard (&self, "3 ");
  program_store (&self, 4);
  program_await_durable (&self);
  program_assert_heard (&self, "3 4 ");
  program_tear_down (&self);
}

static void
test_a_failed_one_lets_go (void)
{
  Program self;

  g_test_summary ("When that store fails the larger tokens are acknowledged: whoever "
                  "called it knows");

  program_set_up (&self, TRUE);
  program_begin (&self, 1);
  program_store (&self, 2);
  program_begin (&self, 3);
  program_store (&self, 4);
  program_await_durable (&self);
  program_assert_heard (&self, "");
  program_end (&self, 1, FALSE);
  program_assert_heard (&self, "2 ");
  program_end (&self, 3, FALSE);
  program_assert_heard (&self, "2 4 ");
  program_tear_down (&self);
}

static void
test_batches (void)
{
  Program self;

  g_test_summary ("Without a log a token waits for the batches of its own and of all "
                  "smaller ones, in whichever order they were noted");

  program_set_up (&self, FALSE);
  program_begin (&self, 1);
  program_store (&self, 2);
  program_run_until (&self, DS_SECOND);
  program_assert_heard (&self, "");
  program_end (&self, 1, TRUE); /* in the next batch */
  program_assert_heard (&self, "");
  program_run_until (&self, 2 * DS_SECOND);
  program_assert_heard (&self, "2 ");

  program_store (&self, 9);
  program_store (&self, 8);
  program_run_until (&self, 3 * DS_SECOND);
  program_assert_heard (&self, "2 9 ");
  program_tear_down (&self);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add_func ("/dstream/receiver-tokens/" name, func)
  ADD ("a-smaller-one-holds-back", test_a_smaller_one_holds_back);
  ADD ("a-failed-one-lets-go", test_a_failed_one_lets_go);
  ADD ("batches-of-smaller-ones-come-first", test_batches);
#undef ADD
  return g_test_run ();
}
