/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cases of the handle that a function of mapWithState gets: "calls" on it, each a word or
 * [word, argument], and as "expected" what each gives, or an object for one that fails.
 * A call that fails is the end of the function that makes it, so each call has a run of
 * its own, behind those before it that do not fail. */

#include "tests/conformance/ds-conformance-private.h"

#include <string.h>

typedef enum
{
  DS_CONFORMANCE_EXISTS,
  DS_CONFORMANCE_GET,
  DS_CONFORMANCE_GET_OPTION,
  DS_CONFORMANCE_IS_TIMING_OUT,
  DS_CONFORMANCE_REMOVE,
  DS_CONFORMANCE_UPDATE
} DsConformanceCallKind;

static const struct
{
  const char *word;
  DsConformanceCallKind kind;
} ds_conformance_call_words[] = {
  { "exists", DS_CONFORMANCE_EXISTS },
  { "get", DS_CONFORMANCE_GET },
  { "getOption", DS_CONFORMANCE_GET_OPTION },
  { "get_option", DS_CONFORMANCE_GET_OPTION },
  { "isTimingOut", DS_CONFORMANCE_IS_TIMING_OUT },
  { "is_timing_out", DS_CONFORMANCE_IS_TIMING_OUT },
  { "remove", DS_CONFORMANCE_REMOVE },
  { "update", DS_CONFORMANCE_UPDATE },
};

typedef struct
{
  DsConformanceCallKind kind;
  DsBlock *argument; /* (nullable) */
  gboolean fails;
} DsConformanceCall;

static void
ds_conformance_call_clear (gpointer call)
{
  g_clear_pointer (&((DsConformanceCall *) call)->argument, ds_block_unref);
}

static gboolean
ds_conformance_read_call (JsonNode *node, DsConformanceCall *call, GError **error)
{
  JsonArray *parts = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  guint n_parts = parts != NULL ? json_array_get_length (parts) : 0;
  JsonNode *word = n_parts > 0 ? json_array_get_element (parts, 0) : node;

  if (!JSON_NODE_HOLDS_VALUE (word) || json_node_get_value_type (word) != G_TYPE_STRING)
    return ds_conformance_skip (error, "a call of a state is not [word, argument]");
  if (n_parts > 1)
    {
      g_autoptr (JsonArray) argument = json_array_new ();

      json_array_add_element (argument,
                              json_node_copy (json_array_get_element (parts, 1)));
      call->argument = ds_conformance_read_block (argument);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (ds_conformance_call_words); i++)
    if (g_str_equal (ds_conformance_call_words[i].word, json_node_get_string (word)))
      {
        call->kind = ds_conformance_call_words[i].kind;
        return call->kind != DS_CONFORMANCE_UPDATE || call->argument != NULL ||
               ds_conformance_differ (error, "update has no argument");
      }
  return ds_conformance_skip (error, "call \"%s\" of a state is not known",
                              json_node_get_string (word));
}

/* ---- A run ---- */

typedef struct
{
  GArray *calls;
  guint last; /* the call that this run is about */
  gboolean is_timing_out;
  DsBlock *result; /* (nullable): what it gave */
} DsConformanceHandleRun;

static DsValue
ds_conformance_make_call (const DsConformanceCall *call, DsState *state)
{
  switch (call->kind)
    {
    case DS_CONFORMANCE_EXISTS:
      return ds_value_bool (ds_state_exists (state));
    case DS_CONFORMANCE_GET:
      return ds_state_get (state);
    case DS_CONFORMANCE_GET_OPTION:
      return ds_state_get_or (state, ds_value_null ());
    case DS_CONFORMANCE_IS_TIMING_OUT:
      return ds_value_bool (ds_state_is_timing_out (state));
    case DS_CONFORMANCE_REMOVE:
      ds_state_remove (state);
      return ds_value_null ();
    case DS_CONFORMANCE_UPDATE:
      ds_state_update (state, ds_block_get (call->argument, 0));
      return ds_value_null ();
    default:
      g_assert_not_reached ();
    }
}

static void
ds_conformance_make_calls (DsValue key,
                           DsValue value,
                           DsState *state,
                           DsTask *task,
                           gpointer user_data)
{
  DsConformanceHandleRun *run = user_data;
  DsValue result = ds_value_null ();

  if (ds_state_is_timing_out (state) != run->is_timing_out)
    return;
  for (guint i = 0; i <= run->last; i++)
    {
      const DsConformanceCall *call = &g_array_index (run->calls, DsConformanceCall, i);

      if (i == run->last || !call->fails)
        result = ds_conformance_make_call (call, state);
    }
  if (!ds_task_has_failed (task))
    run->result = ds_block_new (&result, 1);
}

/* One key with the state of "initial", or none; a record for it in the first batch, or,
 * where the state times out, none ever. */
static gboolean
ds_conformance_run_calls (DsConformanceCase *self,
                          DsConformanceHandleRun *run,
                          JsonObject *owner,
                          GError **error)
{
  g_autoptr (DsConformanceRecorder) recorder = ds_conformance_recorder_new ();
  g_auto (DsConformanceSession) session = { 0 };
  g_autoptr (GPtrArray) batches =
      g_ptr_array_new_with_free_func ((GDestroyNotify) ds_block_unref);
  DsValue record[2] = { ds_value_string ("key"), ds_value_int (0) };
  DsValue pair = ds_value_tuple (record, 2);
  DsDStream *mapped = NULL;

  g_ptr_array_add (batches, ds_block_new (&pair, run->is_timing_out ? 0 : 1));
  ds_conformance_session_init (&session, self->engine, 1000, 0);
  ds_conformance_session_allow_checkpoints (&session);
  mapped = ds_dstream_map_with_state (ds_conformance_source_new (&session, self->engine,
                                                                 batches, 1),
                                      ds_conformance_make_calls, run, NULL);
  if (run->is_timing_out)
    ds_dstream_set_state_timeout (mapped, session.interval);
  if (ds_conformance_has (owner, "initial"))
    {
      g_autoptr (JsonArray) states = json_array_new ();
      g_autoptr (DsBlock) state = NULL;
      g_autoptr (DsBlock) initial = NULL;
      g_autoptr (DsRdd) pairs = NULL;

      json_array_add_element (states, json_object_dup_member (owner, "initial"));
      state = ds_conformance_read_block (states);
      record[1] = ds_block_get (state, 0);
      initial = ds_block_new (&pair, 1);
      pairs = ds_context_parallelize (self->engine, initial, 1);
      ds_dstream_set_initial_state (mapped, pairs);
    }
  ds_conformance_recorder_attach (recorder, mapped);
  if (!ds_conformance_session_start (&session, error))
    return FALSE;
  for (guint i = 0; i < 3; i++)
    if (!ds_conformance_session_tick (&session, NULL))
      break;
  return TRUE;
}

static gboolean
ds_conformance_check_call (DsConformanceCase *self,
                           DsConformanceHandleRun *run,
                           JsonObject *owner,
                           JsonNode *expected,
                           GError **error)
{
  DsConformanceCall *call = &g_array_index (run->calls, DsConformanceCall, run->last);
  g_autofree char *text = ds_conformance_node_to_text (expected);
  g_autofree char *found = NULL;

  g_clear_pointer (&run->result, ds_block_unref);
  if (!ds_conformance_run_calls (self, run, owner, error))
    return FALSE;
  call->fails = run->result == NULL;
  if (JSON_NODE_HOLDS_OBJECT (expected)
          ? call->fails
          : !call->fails &&
                ds_conformance_value_matches (expected, ds_block_get (run->result, 0),
                                              TRUE))
    return TRUE;
  found =
      call->fails ? g_strdup ("a failure") : ds_conformance_block_to_text (run->result);
  return ds_conformance_differ (error, "Call %u: expected %s, found %s", run->last + 1,
                                text, found);
}

gboolean
ds_conformance_run_state_handle (DsConformanceCase *self, GError **error)
{
  g_autoptr (GArray) calls = g_array_new (FALSE, TRUE, sizeof (DsConformanceCall));
  JsonArray *listed = ds_conformance_read_array (self->json, "calls", error);
  JsonArray *expected =
      listed != NULL ? ds_conformance_read_array (self->json, "expected", error) : NULL;
  JsonObject *owner = ds_conformance_has (self->op, "initial") ? self->op : self->json;
  DsConformanceHandleRun run = { .calls = calls };
  gboolean is_equal = TRUE;

  if (expected == NULL)
    return FALSE;
  if (json_array_get_length (listed) == 0 ||
      json_array_get_length (listed) != json_array_get_length (expected))
    return ds_conformance_differ (error, "%u calls, but %u expectations",
                                  json_array_get_length (listed),
                                  json_array_get_length (expected));
  g_array_set_clear_func (calls, ds_conformance_call_clear);
  g_array_set_size (calls, json_array_get_length (listed));
  run.is_timing_out = ds_conformance_get_boolean (self->op, "timing_out", FALSE) ||
                      ds_conformance_get_boolean (self->json, "timing_out", FALSE);
  for (guint i = 0; i < calls->len; i++)
    if (!ds_conformance_read_call (json_array_get_element (listed, i),
                                   &g_array_index (calls, DsConformanceCall, i), error))
      return FALSE;
  for (run.last = 0; is_equal && run.last < calls->len; run.last++)
    is_equal =
        ds_conformance_check_call (self, &run, owner,
                                   json_array_get_element (expected, run.last), error);
  g_clear_pointer (&run.result, ds_block_unref);
  return is_equal;
}
