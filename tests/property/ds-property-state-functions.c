/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The functions of the programs that keep state by key: values of a batch and the state
 * before to the state after, and record by record with a handle. */

#include "tests/property/ds-property-private.h"

#define I DS_PROPERTY_INT
#define T DS_PROPERTY_TEXT

/* ---- Once a batch ---- */

/* A key whose sum ends in 3 or 8 goes, whatever its sign. */
static DsValue
ds_property_keep_sum (const DsValue *values,
                      gsize n_values,
                      DsValue state,
                      DsPropertyCall *call)
{
  gint64 sum = 0;

  for (gsize i = 0; i < n_values; i++)
    sum += values[i].as.integer;
  if (state.type == DS_VALUE_TYPE_INT)
    sum += state.as.integer;
  return ABS (sum) % 5 == 3 ? ds_value_null () : ds_value_int (sum);
}

/* Goes after as many batches without values as it had values. */
static DsValue
ds_property_fade (const DsValue *values,
                  gsize n_values,
                  DsValue state,
                  DsPropertyCall *call)
{
  gint64 left = state.type == DS_VALUE_TYPE_INT ? state.as.integer : 0;

  left += n_values > 0 ? (gint64) n_values : -1;
  return left > 0 ? ds_value_int (left) : ds_value_null ();
}

static DsValue
ds_property_keep_tail (const DsValue *values,
                       gsize n_values,
                       DsValue state,
                       DsPropertyCall *call)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (state.type == DS_VALUE_TYPE_STRING)
    g_string_append_len (text, state.as.bytes, state.size);
  for (gsize i = 0; i < n_values; i++)
    g_string_append_len (text, values[i].as.bytes, values[i].size);
  if (text->len > 6)
    g_string_erase (text, 0, (gssize) text->len - 6);
  return ds_property_text (call, text);
}

const DsPropertyUpdate ds_property_updates[] = {
  { "keep_sum", { I, -1 }, FALSE, ds_property_keep_sum },
  { "fade", { I, I }, FALSE, ds_property_fade },
  { "keep_tail", { -1, T }, TRUE, ds_property_keep_tail },
  { NULL, { 0 }, FALSE, NULL },
};

/* ---- Once a record ---- */

static void
ds_property_track (DsValue key,
                   gboolean emits,
                   gint64 number,
                   DsPropertyState *state,
                   DsPropertyCall *call)
{
  state->value = ds_value_int (number);
  state->is_updated = TRUE;
  if (emits)
    ds_property_emit (call, ds_property_pair (call, key, state->value));
}

/* Whatever is called: the last call tells what the state was. */
static gboolean
ds_property_takes_leave (DsValue key, DsPropertyState *state, DsPropertyCall *call)
{
  if (state->is_timing_out)
    ds_property_emit (call, ds_property_pair (call, key, state->value));
  return state->is_timing_out;
}

static void
ds_property_run_sum (DsValue key,
                     DsValue value,
                     DsPropertyState *state,
                     DsPropertyCall *call)
{
  if (!ds_property_takes_leave (key, state, call))
    ds_property_track (key, TRUE, state->value.as.integer + value.as.integer, state,
                       call);
}

static void
ds_property_run_count (DsValue key,
                       DsValue value,
                       DsPropertyState *state,
                       DsPropertyCall *call)
{
  if (!ds_property_takes_leave (key, state, call))
    ds_property_track (key, TRUE, state->value.as.integer + 1, state, call);
}

static void
ds_property_toggle (DsValue key,
                    DsValue value,
                    DsPropertyState *state,
                    DsPropertyCall *call)
{
  if (ds_property_takes_leave (key, state, call))
    return;
  if (state->value.type == DS_VALUE_TYPE_NULL)
    ds_property_track (key, FALSE, 1, state, call);
  else
    {
      ds_property_emit (call, ds_property_pair (call, key, state->value));
      state->is_removed = TRUE;
    }
}

/* Silent, and not touched by what is no more than the state. */
static void
ds_property_peak (DsValue key,
                  DsValue value,
                  DsPropertyState *state,
                  DsPropertyCall *call)
{
  if (ds_property_takes_leave (key, state, call))
    return;
  if (state->value.type == DS_VALUE_TYPE_NULL ||
      state->value.as.integer < value.as.integer)
    ds_property_track (key, FALSE, value.as.integer, state, call);
}

const DsPropertyTracker ds_property_trackers[] = {
  { "run_sum", { I, -1 }, TRUE, ds_property_run_sum },
  { "run_count", { I, I }, FALSE, ds_property_run_count },
  { "toggle", { I, I }, FALSE, ds_property_toggle },
  { "peak", { I, -1 }, FALSE, ds_property_peak },
  { NULL, { 0 }, FALSE, NULL },
};
