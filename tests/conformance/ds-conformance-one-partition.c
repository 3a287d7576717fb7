/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cases of mapWithState that look at one key: which state and update time it has before,
 * what each record does with it, what is left.  By the public API: the initial state
 * comes with the first batch, whose time is that of the initial state; the records follow
 * at their batch time; and in a batch after those a probe reads the state and when it was
 * touched, before touching it itself. */

#include "tests/conformance/ds-conformance-private.h"

#include <string.h>

#define DS_CONFORMANCE_PROBE "(probe)"

typedef struct
{
  GMutex lock; /* guards all */
  gboolean was_called;
  DsBlockBuilder *timing_out; /* states */
  DsBlockBuilder *removed;    /* states */
  DsBlockBuilder *left;       /* [state, ms] */
} DsConformanceNotes;

static void
ds_conformance_notes_init (DsConformanceNotes *self)
{
  g_mutex_init (&self->lock);
  self->timing_out = ds_block_builder_new ();
  self->removed = ds_block_builder_new ();
  self->left = ds_block_builder_new ();
}

static void
ds_conformance_notes_clear (DsConformanceNotes *self)
{
  if (self->left == NULL)
    return;
  ds_block_builder_unref (self->timing_out);
  ds_block_builder_unref (self->removed);
  ds_block_builder_unref (self->left);
  g_mutex_clear (&self->lock);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DsConformanceNotes, ds_conformance_notes_clear)

static void
ds_conformance_note_left (DsConformanceNotes *self, DsState *state)
{
  DsValue both[2] = { ds_value_null (), ds_value_null () };

  if (!ds_state_exists (state))
    return;
  both[0] = ds_state_get (state);
  both[1] = ds_value_int (ds_state_get_updated_at (state) / DS_MILLISECOND);
  ds_block_builder_add (self->left, ds_value_list (both, 2));
}

/* Which function it is, the record says. */
static void
ds_conformance_do_as_told (DsValue key,
                           DsValue value,
                           DsState *state,
                           DsTask *task,
                           gpointer user_data)
{
  DsConformanceNotes *self = user_data;

  g_mutex_lock (&self->lock);
  if (ds_value_equals_string (value, DS_CONFORMANCE_PROBE))
    ds_conformance_note_left (self, state);
  else
    self->was_called = TRUE;

  if (ds_state_is_timing_out (state))
    ds_block_builder_add (self->timing_out, ds_state_get (state));
  else if (ds_value_equals_string (value, "get-state"))
    ds_task_emit (task, ds_state_get_or (state, ds_value_int (-1)));
  else if (ds_value_equals_string (value, "update-state"))
    ds_state_update (state,
                     ds_state_exists (state)
                         ? ds_add (ds_state_get (state), ds_value_int (1), task, NULL)
                         : ds_value_int (0));
  else if (ds_value_equals_string (value, "remove-state"))
    {
      if (ds_state_exists (state))
        ds_block_builder_add (self->removed, ds_state_get (state));
      ds_state_remove (state);
    }
  g_mutex_unlock (&self->lock);
}

/* ---- The batches ---- */

/* (key, element) of each element. */
static void
ds_conformance_add_keyed (GPtrArray *batches, const char *key, DsBlock *elements)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();

  for (gsize i = 0; i < ds_block_get_length (elements); i++)
    {
      DsValue both[2] = { ds_value_string (key), ds_block_get (elements, i) };

      ds_block_builder_add (builder, ds_value_tuple (both, 2));
    }
  g_ptr_array_add (batches, ds_block_builder_end (builder));
}

/* @n_before without data, what the case says, the probe. */
static GPtrArray *
ds_conformance_make_batches (DsConformanceCase *self,
                             const char *key,
                             gint64 n_before,
                             GError **error)
{
  g_autoptr (GPtrArray) batches =
      g_ptr_array_new_with_free_func ((GDestroyNotify) ds_block_unref);
  JsonArray *input = ds_conformance_read_array (self->json, "input", error);
  DsValue probe = ds_value_string (DS_CONFORMANCE_PROBE);
  g_autoptr (DsBlock) probes = ds_block_new (&probe, 1);
  g_autoptr (GPtrArray) listed = NULL;

  listed = input != NULL ? ds_conformance_read_batches (input, error) : NULL;
  if (listed == NULL)
    return NULL;
  for (gint64 i = 0; i < n_before; i++)
    g_ptr_array_add (batches, ds_block_new (NULL, 0));
  for (guint i = 0; i < listed->len; i++)
    {
      if (g_ptr_array_index (listed, i) == NULL)
        {
          ds_conformance_differ (error, "Batch %u of \"input\" is null", i + 1);
          return NULL;
        }
      ds_conformance_add_keyed (batches, key, g_ptr_array_index (listed, i));
    }
  ds_conformance_add_keyed (batches, key, probes);
  return g_steal_pointer (&batches);
}

static DsRdd *
ds_conformance_make_initial (DsConformanceCase *self, const char *key, GError **error)
{
  JsonArray *states = ds_conformance_read_array (self->json, "initial_states", error);
  g_autoptr (GPtrArray) blocks =
      g_ptr_array_new_with_free_func ((GDestroyNotify) ds_block_unref);
  g_autoptr (DsBlock) listed = NULL;

  if (states == NULL)
    return NULL;
  if (json_array_get_length (states) > 1)
    {
      ds_conformance_differ (error, "One key cannot have %u states",
                             json_array_get_length (states));
      return NULL;
    }
  listed = ds_conformance_read_block (states);
  ds_conformance_add_keyed (blocks, key, listed);
  return ds_context_parallelize (self->engine, g_ptr_array_index (blocks, 0), 1);
}

/* ---- Comparing ---- */

static gboolean
ds_conformance_compare_notes (DsConformanceCase *self,
                              const char *member,
                              DsBlockBuilder *notes,
                              GError **error)
{
  DsConformanceOrder order = { FALSE, TRUE };
  g_autoptr (DsBlock) found = ds_block_builder_end (notes);
  JsonArray *expected = NULL;

  if (!ds_conformance_has (self->json, member))
    return TRUE;
  expected = ds_conformance_read_array (self->json, member, error);
  return expected != NULL &&
         ds_conformance_compare_block (expected, found, order, member, error);
}

static gboolean
ds_conformance_compare_one_partition (DsConformanceCase *self,
                                      DsConformanceRecorder *recorder,
                                      DsConformanceNotes *notes,
                                      gint64 n_before,
                                      GError **error)
{
  JsonArray *expected = ds_conformance_read_array (self->json, "expected", error);
  g_autoptr (GPtrArray) blocks = ds_conformance_recorder_dup_blocks (recorder);
  gboolean is_due = ds_conformance_get_boolean (self->json, "expected_function_called",
                                                notes->was_called);

  if (expected == NULL)
    return FALSE;
  if (blocks->len <= n_before)
    return ds_conformance_differ (error, "Only %u batches gave an RDD", blocks->len);
  g_ptr_array_remove_index (blocks, blocks->len - 1);
  g_ptr_array_remove_range (blocks, 0, (guint) n_before);
  if (is_due != notes->was_called)
    return ds_conformance_differ (error, "Expected the function %sto be called",
                                  is_due ? "" : "not ");
  return ds_conformance_compare_blocks (expected, blocks, ds_conformance_get_order (self),
                                        error) &&
         ds_conformance_compare_notes (self, "expected_states", notes->left, error) &&
         ds_conformance_compare_notes (self, "expected_timing_out", notes->timing_out,
                                       error) &&
         ds_conformance_compare_notes (self, "expected_removed", notes->removed, error);
}

/* The greatest length of which both are multiples. */
static gint64
ds_conformance_get_divisor (gint64 a, gint64 b)
{
  while (b != 0)
    {
      gint64 rest = a % b;

      a = b;
      b = rest;
    }
  return a;
}

gboolean
ds_conformance_run_one_partition (DsConformanceCase *self, GError **error)
{
  g_auto (DsConformanceNotes) notes = { 0 };
  g_autoptr (DsConformanceRecorder) recorder = ds_conformance_recorder_new ();
  g_auto (DsConformanceSession) session = { 0 };
  g_autoptr (GPtrArray) batches = NULL;
  g_autoptr (DsRdd) initial = NULL;
  g_autoptr (GError) batch_error = NULL;
  const char *key = ds_conformance_read_string (self->op, "key", error);
  DsDStream *mapped = NULL;
  gint64 batch_time_ms = 0;
  gint64 initial_ms = 0;
  gint64 threshold_ms = 0;
  gint64 interval_ms = 0;
  gint64 n_before = 0;

  if (key == NULL ||
      !ds_conformance_read_int (self->op, "batch_time_ms", &batch_time_ms, error) ||
      !ds_conformance_read_int (self->op, "initial_state_time_ms", &initial_ms, error) ||
      !ds_conformance_read_int_or (self->op, "timeout_threshold_ms", 0, &threshold_ms,
                                   error))
    return FALSE;
  if (initial_ms <= 0 || initial_ms >= batch_time_ms || threshold_ms < 0 ||
      threshold_ms >= batch_time_ms)
    return ds_conformance_differ (error, "The times of the case contradict each other");
  interval_ms = ds_conformance_get_divisor (batch_time_ms, initial_ms);
  n_before = (batch_time_ms - initial_ms) / interval_ms;
  batches = ds_conformance_make_batches (self, key, n_before, error);
  initial = batches != NULL ? ds_conformance_make_initial (self, key, error) : NULL;
  if (initial == NULL)
    return FALSE;

  ds_conformance_notes_init (&notes);
  ds_conformance_session_init (&session, self->engine, interval_ms,
                               initial_ms - interval_ms);
  mapped = ds_dstream_map_with_state (ds_conformance_source_new (&session, self->engine,
                                                                 batches, 1),
                                      ds_conformance_do_as_told, &notes, NULL);
  ds_dstream_set_initial_state (mapped, initial);
  if (threshold_ms > 0)
    ds_dstream_set_state_timeout (mapped,
                                  (batch_time_ms - threshold_ms) * DS_MILLISECOND);
  ds_conformance_recorder_attach (recorder, mapped);
  ds_conformance_session_allow_checkpoints (&session);

  if (!ds_conformance_session_start (&session, error))
    return FALSE;
  for (guint i = 0; i < batches->len; i++)
    if (!ds_conformance_session_tick (&session, &batch_error))
      return ds_conformance_differ (error, "Batch %u failed: %s", i + 1,
                                    batch_error->message);
  return ds_conformance_compare_one_partition (self, recorder, &notes, n_before, error);
}
