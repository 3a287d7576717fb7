/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sinks and emitters: chunks of every form reach a sink in the form that it accepts. */

#include "base/ds-error.h"
#include "base/ds-value-private.h"
#include "rdd/ds-task-private.h"

/* Writes down what comes: one line a chunk, "v" or "p" or "t" and the printed values. */
typedef struct
{
  DsSink sink;
  GString *text;
  guint n_chunks;
  gsize n_values;
  gsize n_values_most;
  guint n_wanted; /* chunks, then it has enough */
} Recorder;

static gboolean
recorder_push (DsSink *sink, const DsChunk *chunk)
{
  Recorder *self = (Recorder *) sink;

  self->n_chunks++;
  if (chunk->form == DS_FORM_TEXT)
    {
      g_string_append_printf (self->text, "t<%.*s>\n", (int) chunk->n_text_bytes,
                              chunk->text);
      g_assert_cmpuint (chunk->n_text_bytes, >, 0);
      return self->n_chunks < self->n_wanted;
    }
  self->n_values += chunk->n_values;
  self->n_values_most = MAX (self->n_values_most, chunk->n_values);
  g_assert_cmpuint (chunk->n_values, >, 0);
  g_assert_cmpuint (chunk->n_values, <=, DS_CHUNK_MAX_VALUES);
  if (self->n_values <= 20)
    {
      g_string_append (self->text, chunk->form == DS_FORM_PAIRS ? "p" : "v");
      for (gsize i = 0; i < chunk->n_values; i++)
        {
          g_string_append_c (self->text, ' ');
          ds_value_append_to_string (chunk->values[i], self->text, FALSE);
          if (chunk->form == DS_FORM_PAIRS)
            {
              g_string_append_c (self->text, '=');
              ds_value_append_to_string (chunk->pair_values[i], self->text, FALSE);
            }
        }
      g_string_append_c (self->text, '\n');
    }
  return self->n_chunks < self->n_wanted;
}

static gboolean
recorder_finish (DsSink *sink)
{
  g_string_append (((Recorder *) sink)->text, "end\n");
  return TRUE;
}

static void
recorder_free (DsSink *sink)
{
  g_string_free (((Recorder *) sink)->text, TRUE);
  g_free (sink);
}

static Recorder *
recorder_new (DsTask *task, guint accepts)
{
  Recorder *self = ds_sink_alloc (sizeof *self, task, NULL);

  self->sink.push = recorder_push;
  self->sink.finish = recorder_finish;
  self->sink.free = recorder_free;
  self->sink.accepts = accepts;
  self->sink.operator_name = "recorder";
  self->text = g_string_new (NULL);
  self->n_wanted = G_MAXUINT;
  return self;
}

typedef struct
{
  DsTask task;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  ds_task_init (&fixture->task, NULL, 0, 0);
  ds_task_begin (&fixture->task);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  ds_task_end (&fixture->task);
  ds_task_clear (&fixture->task);
}

static void
test_sink_cuts_text_into_lines (Fixture *fixture, gconstpointer user_data)
{
  static const char text[] = "one two\r\n\nthree\r\nlast";
  Recorder *recorder = recorder_new (&fixture->task, DS_ACCEPTS_VALUES);
  DsChunk chunk = {
    .form = DS_FORM_TEXT, .strip_cr = TRUE, .text = text, .n_text_bytes = strlen (text)
  };

  g_test_summary ("Text becomes lines where lines are wanted, empty ones too");

  g_assert_true (ds_sink_push (&recorder->sink, &chunk));
  g_assert_cmpstr (recorder->text->str, ==, "v one two  three last\n");
  ds_sink_free (&recorder->sink);
}

static void
test_sink_converts_pairs (Fixture *fixture, gconstpointer user_data)
{
  Recorder *values = recorder_new (&fixture->task, DS_ACCEPTS_VALUES);
  Recorder *pairs = recorder_new (&fixture->task, DS_ACCEPTS_PAIRS);
  DsValue keys[] = { ds_value_string ("a"), ds_value_string ("b") };
  DsValue counts[] = { ds_value_int (1), ds_value_int (2) };
  DsValue first[] = { ds_value_int (7), ds_value_int (8) };
  DsValue second[] = { ds_value_int (9), ds_value_null () };
  DsValue tuples[] = { ds_value_tuple (first, 2), ds_value_tuple (second, 2) };
  DsChunk columns = {
    .form = DS_FORM_PAIRS, .n_values = 2, .values = keys, .pair_values = counts
  };
  DsChunk column = { .form = DS_FORM_VALUES, .n_values = 2, .values = tuples };

  g_test_summary ("Two columns become tuples and tuples become two columns, as wanted");

  g_assert_true (ds_sink_push (&values->sink, &columns));
  g_assert_true (ds_sink_push (&pairs->sink, &column));
  g_assert_true (ds_sink_push (&pairs->sink, &columns));
  g_assert_true (ds_sink_push (&values->sink, &column));
  g_assert_cmpstr (values->text->str, ==, "v (a,1) (b,2)\nv (7,8) (9,null)\n");
  g_assert_cmpstr (pairs->text->str, ==, "p 7=8 9=null\np a=1 b=2\n");
  ds_sink_free (&values->sink);
  ds_sink_free (&pairs->sink);
}

static void
test_sink_refuses_what_is_no_pair (Fixture *fixture, gconstpointer user_data)
{
  Recorder *recorder = recorder_new (&fixture->task, DS_ACCEPTS_PAIRS);
  DsChunk chunk = {
    .form = DS_FORM_TEXT, .strip_cr = TRUE, .text = "word\n", .n_text_bytes = 5
  };

  g_test_summary ("A line where pairs are wanted fails the task with a type error");

  g_assert_false (ds_sink_push (&recorder->sink, &chunk));
  g_assert_error (fixture->task.error, DS_ERROR, DS_ERROR_TYPE);
  g_assert_nonnull (strstr (fixture->task.error->message, "recorder, partition 0, "));
  g_assert_nonnull (strstr (fixture->task.error->message, "value word"));
  g_assert_nonnull (strstr (fixture->task.error->message, "string"));
  g_assert_cmpuint (recorder->n_chunks, ==, 0);
  ds_sink_free (&recorder->sink);
}

static void
test_sink_cuts_long_runs (Fixture *fixture, gconstpointer user_data)
{
  g_autofree DsValue *values = g_new (DsValue, 2500);
  Recorder *recorder = recorder_new (&fixture->task, DS_ACCEPTS_VALUES);

  g_test_summary ("2,500 values come as three chunks, none larger than 1,024");

  for (gsize i = 0; i < 2500; i++)
    values[i] = ds_value_int ((gint64) i);
  g_assert_true (ds_sink_push_columns (&recorder->sink, values, NULL, 2500, NULL));
  g_assert_cmpuint (recorder->n_chunks, ==, 3);
  g_assert_cmpuint (recorder->n_values, ==, 2500);
  g_assert_cmpuint (recorder->n_values_most, ==, 1024);
  ds_sink_free (&recorder->sink);
}

static void
test_sink_cuts_long_text_at_line_ends (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GString) text = g_string_new (NULL);
  Recorder *recorder = recorder_new (&fixture->task, DS_ACCEPTS_TEXT);
  g_autoptr (GString) expected = g_string_new (NULL);
  g_autofree char *line = g_strnfill (40 * 1024 - 1, 'a');
  g_autofree char *long_line = g_strnfill (100 * 1024 - 1, 'b');

  g_test_summary ("Chunks of text end at line ends; a line longer than one is whole");

  g_string_append_printf (text, "%s\n%s\n%s\nrest", line, long_line, line);
  g_string_append_printf (expected, "t<%s\n>\nt<%s\n>\nt<%s\nrest>\n", line, long_line,
                          line);
  g_assert_true (ds_sink_push_text (&recorder->sink, text->str, text->len, TRUE, NULL));
  g_assert_cmpstr (recorder->text->str, ==, expected->str);
  ds_sink_free (&recorder->sink);
}

static void
test_sink_stops_when_it_has_enough (Fixture *fixture, gconstpointer user_data)
{
  g_autofree DsValue *values = g_new0 (DsValue, 5000);
  Recorder *recorder = recorder_new (&fixture->task, DS_ACCEPTS_VALUES);

  g_test_summary ("After FALSE nothing more is pushed, and that is no failure");

  recorder->n_wanted = 2;
  g_assert_false (ds_sink_push_columns (&recorder->sink, values, NULL, 5000, NULL));
  g_assert_cmpuint (recorder->n_chunks, ==, 2);
  g_assert_no_error (fixture->task.error);
  ds_sink_free (&recorder->sink);
}

static void
test_sink_pushes_the_form_of_a_block (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (DsBlock) block = ds_block_new_strings ("x", "y", "z", NULL);
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) pairs = NULL;
  Recorder *recorder =
      recorder_new (&fixture->task, DS_ACCEPTS_VALUES | DS_ACCEPTS_PAIRS);

  g_test_summary ("A block of pairs is pushed as two columns");

  ds_block_builder_add_pair (builder, ds_value_string ("k"), ds_value_int (4));
  pairs = ds_block_builder_end (builder);
  g_assert_true (ds_sink_push_block (&recorder->sink, block));
  g_assert_true (ds_sink_push_block (&recorder->sink, pairs));
  g_assert_cmpstr (recorder->text->str, ==, "v x y z\np k=4\n");
  ds_sink_free (&recorder->sink);
}

static void
test_sink_block_sink_keeps_a_copy (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (DsBlock) block = NULL;
  DsSink *sink = ds_block_sink_new (&fixture->task, &block);
  char text[] = "one\ntwo\n";
  DsChunk chunk = { .form = DS_FORM_TEXT, .text = text, .n_text_bytes = strlen (text) };

  g_test_summary ("What a block sink was given may change afterwards");

  g_assert_true (ds_sink_push (sink, &chunk));
  memset (text, '?', strlen (text));
  g_assert_true (ds_sink_finish (sink));
  ds_sink_free (sink);
  ds_assert_block_in_order (block, "one", "two", NULL);
}

/* ---- Emitters ---- */

static void
test_emitter_gathers_chunks (Fixture *fixture, gconstpointer user_data)
{
  DsTask *task = &fixture->task;
  Recorder *recorder =
      recorder_new (&fixture->task, DS_ACCEPTS_VALUES | DS_ACCEPTS_PAIRS);
  DsEmitter *emitter = ds_emitter_new (NULL, &recorder->sink);
  DsTaskFrame frame = ds_task_enter (task, "emits", emitter->arena, emitter);

  g_test_summary ("Emissions go on when their form changes and at the end");

  ds_task_emit (task, ds_value_int (1));
  ds_task_emit (task, ds_value_int (2));
  ds_task_emit_pair (task, ds_value_int (3), ds_value_int (4));
  ds_task_emit (task, ds_value_int (5));
  g_assert_cmpuint (recorder->n_chunks, ==, 2);
  g_assert_true (ds_emitter_flush (emitter));
  g_assert_true (ds_emitter_flush (emitter));
  g_assert_cmpstr (recorder->text->str, ==, "v 1 2\np 3=4\nv 5\n");

  for (gint64 i = 0; i < 3000; i++)
    ds_task_emit (task, ds_value_int (i));
  g_assert_cmpuint (recorder->n_values, ==, 4 + 2048);
  g_assert_true (ds_emitter_flush (emitter));
  g_assert_cmpuint (recorder->n_values, ==, 4 + 3000);

  ds_task_leave (task, &frame);
  ds_emitter_free (emitter);
  ds_sink_free (&recorder->sink);
}

static void
test_emitter_passes_arrays_on (Fixture *fixture, gconstpointer user_data)
{
  DsTask *task = &fixture->task;
  g_autofree DsValue *values = g_new0 (DsValue, 3000);
  Recorder *recorder = recorder_new (&fixture->task, DS_ACCEPTS_VALUES);
  DsEmitter *emitter = ds_emitter_new (NULL, &recorder->sink);
  DsTaskFrame frame = ds_task_enter (task, "emits", emitter->arena, emitter);
  DsValue few[] = { ds_value_int (8), ds_value_int (9) };

  g_test_summary ("A few values are gathered, many go on as they lie, in order");

  ds_task_emit (task, ds_value_int (7));
  ds_task_emit_values (task, few, 2);
  g_assert_cmpuint (recorder->n_chunks, ==, 0);
  ds_task_emit_values (task, values, 3000);
  g_assert_cmpuint (recorder->n_chunks, ==, 4);
  g_assert_cmpuint (recorder->n_values, ==, 3003);
  g_assert_cmpstr (recorder->text->str, ==, "v 7 8 9\n");

  ds_task_leave (task, &frame);
  ds_emitter_free (emitter);
  ds_sink_free (&recorder->sink);
}

static void
test_emitter_keeps_memory_during_a_call (Fixture *fixture, gconstpointer user_data)
{
  DsTask *task = &fixture->task;
  Recorder *recorder = recorder_new (&fixture->task, DS_ACCEPTS_VALUES);
  DsEmitter *emitter = ds_emitter_new (NULL, &recorder->sink);
  DsTaskFrame frame = ds_task_enter (task, "emits", emitter->arena, emitter);
  char *kept = ds_task_strdup (task, ds_value_string ("still here"));

  g_test_summary ("Scratch memory is given back between calls, never during one");

  for (guint i = 0; i < 5000; i++)
    {
      memset (ds_task_alloc (task, 1000), '!', 1000);
      ds_task_emit (task, ds_value_string (kept));
    }
  g_assert_cmpuint (recorder->n_chunks, ==, 4);
  g_assert_cmpstr (kept, ==, "still here");
  g_assert_cmpuint (ds_arena_get_n_bytes (emitter->arena), >=, 5000 * 1000);

  g_assert_true (ds_emitter_between_calls (emitter));
  g_assert_cmpuint (ds_arena_get_n_bytes (emitter->arena), ==, 0);
  g_assert_cmpuint (recorder->n_values, ==, 5000);

  ds_task_leave (task, &frame);
  ds_emitter_free (emitter);
  ds_sink_free (&recorder->sink);
}

static void
test_emitter_ignores_what_nobody_wants (Fixture *fixture, gconstpointer user_data)
{
  DsTask *task = &fixture->task;
  Recorder *recorder = recorder_new (&fixture->task, DS_ACCEPTS_VALUES);
  DsEmitter *emitter = ds_emitter_new (NULL, &recorder->sink);
  DsTaskFrame frame = ds_task_enter (task, "emits", emitter->arena, emitter);

  g_test_summary ("A function may go on emitting after the next sink had enough");

  recorder->n_wanted = 1;
  for (guint i = 0; i < 10000; i++)
    ds_task_emit (task, ds_value_int (i));
  g_assert_cmpuint (recorder->n_chunks, ==, 1);
  g_assert_false (ds_emitter_between_calls (emitter));
  g_assert_false (ds_emitter_flush (emitter));

  ds_task_leave (task, &frame);
  ds_emitter_free (emitter);
  ds_sink_free (&recorder->sink);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) g_test_add ("/rdd/" path, Fixture, NULL, set_up, func, tear_down)
  ADD ("sink/cuts-text-into-lines", test_sink_cuts_text_into_lines);
  ADD ("sink/converts-pairs", test_sink_converts_pairs);
  ADD ("sink/refuses-what-is-no-pair", test_sink_refuses_what_is_no_pair);
  ADD ("sink/cuts-long-runs", test_sink_cuts_long_runs);
  ADD ("sink/cuts-long-text-at-line-ends", test_sink_cuts_long_text_at_line_ends);
  ADD ("sink/stops-when-it-has-enough", test_sink_stops_when_it_has_enough);
  ADD ("sink/pushes-the-form-of-a-block", test_sink_pushes_the_form_of_a_block);
  ADD ("sink/block-sink-keeps-a-copy", test_sink_block_sink_keeps_a_copy);
  ADD ("emitter/gathers-chunks", test_emitter_gathers_chunks);
  ADD ("emitter/passes-arrays-on", test_emitter_passes_arrays_on);
  ADD ("emitter/keeps-memory-during-a-call", test_emitter_keeps_memory_during_a_call);
  ADD ("emitter/ignores-what-nobody-wants", test_emitter_ignores_what_nobody_wants);
#undef ADD
  return g_test_run ();
}
