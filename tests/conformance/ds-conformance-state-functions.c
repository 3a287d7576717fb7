/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of the vectors for functions that keep state by key: those that get the
 * values of a batch and return the state, and those that get one record and a handle. */

#include "tests/conformance/ds-conformance-private.h"

#define DS_CONFORMANCE_MAX_IDLE 2

/* ---- All values of a key in a batch ---- */

static DsValue
ds_conformance_add_up (const DsValue *values, gsize n_values, DsValue sum, DsTask *task)
{
  for (gsize i = 0; i < n_values; i++)
    sum = ds_add (sum, values[i], task, NULL);
  return sum;
}

static DsValue
ds_conformance_sum_state (DsValue key,
                          const DsValue *values,
                          gsize n_values,
                          DsValue state,
                          DsTask *task,
                          gpointer unused)
{
  DsValue before = ds_value_is_null (state) ? ds_value_int (0) : state;

  return ds_conformance_add_up (values, n_values, before, task);
}

static DsValue
ds_conformance_time_state (DsValue key,
                           const DsValue *values,
                           gsize n_values,
                           DsValue state,
                           DsTask *task,
                           gpointer unused)
{
  DsValue before = ds_value_is_null (state) ? ds_value_int (0) : state;
  gint64 now_ms = ds_task_get_batch_time (task) / DS_MILLISECOND;

  return n_values > 0 ? ds_add (before, ds_value_int (now_ms), task, NULL) : before;
}

/* The state is (counter, batches without values). */
static DsValue
ds_conformance_expire_twice (DsValue key,
                             const DsValue *values,
                             gsize n_values,
                             DsValue state,
                             DsTask *task,
                             gpointer unused)
{
  gboolean is_new = ds_value_is_null (state);
  DsValue counter = is_new ? ds_value_int (0) : ds_value_get_item (state, 0);
  gint64 n_idle = is_new ? 0 : ds_value_get_int (ds_value_get_item (state, 1));

  n_idle = n_values > 0 ? 0 : n_idle + 1;
  if (n_idle == DS_CONFORMANCE_MAX_IDLE)
    return ds_value_null ();
  return ds_pair (task, ds_conformance_add_up (values, n_values, counter, task),
                  ds_value_int (n_idle));
}

static DsValue
ds_conformance_collect_state (DsValue key,
                              const DsValue *values,
                              gsize n_values,
                              DsValue state,
                              DsTask *task,
                              gpointer unused)
{
  guint32 n_before = ds_value_is_null (state) ? 0 : state.size;
  DsValue *items = ds_task_alloc (task, (n_before + n_values) * sizeof (DsValue));

  for (guint32 i = 0; i < n_before; i++)
    items[i] = ds_value_get_item (state, i);
  for (gsize i = 0; i < n_values; i++)
    items[n_before + i] = values[i];
  return ds_value_list (items, (guint32) (n_before + n_values));
}

/* What a state shows of itself. */
static DsValue
ds_conformance_show_counter (DsValue state, DsTask *task, gpointer unused)
{
  return ds_value_get_item (state, 0);
}

DsMapFunc
ds_conformance_get_shown_part (const DsConformanceFunction *update)
{
  return update->func == G_CALLBACK (ds_conformance_expire_twice)
             ? ds_conformance_show_counter
             : NULL;
}

/* ---- One record and a handle ---- */

/* The sum of the value and the state, which it becomes. */
static DsValue
ds_conformance_count_up (DsValue value, DsState *state, DsTask *task)
{
  DsValue sum = ds_add (value, ds_state_get_or (state, ds_value_int (0)), task, NULL);

  ds_state_update (state, sum);
  return sum;
}

static void
ds_conformance_map_count (DsValue key,
                          DsValue value,
                          DsState *state,
                          DsTask *task,
                          gpointer unused)
{
  ds_task_emit (task, ds_conformance_count_up (value, state, task));
}

static void
ds_conformance_map_double_key (DsValue key,
                               DsValue value,
                               DsState *state,
                               DsTask *task,
                               gpointer unused)
{
  g_autofree char *text = ds_value_to_string (key);

  ds_conformance_count_up (value, state, task);
  ds_task_emit (task, ds_string_printf (task, "%s%s", text, text));
}

static void
ds_conformance_map_pair (DsValue key,
                         DsValue value,
                         DsState *state,
                         DsTask *task,
                         gpointer unused)
{
  ds_task_emit_pair (task, key, ds_conformance_count_up (value, state, task));
}

static void
ds_conformance_map_silent (DsValue key,
                           DsValue value,
                           DsState *state,
                           DsTask *task,
                           gpointer unused)
{
  ds_conformance_count_up (value, state, task);
}

static void
ds_conformance_map_timeout (DsValue key,
                            DsValue value,
                            DsState *state,
                            DsTask *task,
                            gpointer unused)
{
  if (!ds_value_is_null (value))
    ds_state_update (state, ds_value_int (1));
  else if (ds_state_is_timing_out (state))
    ds_task_emit (task, key);
}

static void
ds_conformance_map_toggle (DsValue key,
                           DsValue value,
                           DsState *state,
                           DsTask *task,
                           gpointer unused)
{
  if (!ds_state_exists (state))
    {
      ds_state_update (state, value);
      return;
    }
  ds_state_remove (state);
  ds_task_emit (task, key);
}

/* One more, of a state that is not there yet 0. */
static void
ds_conformance_step_up (DsState *state, DsTask *task)
{
  ds_state_update (state, ds_state_exists (state) ? ds_add (ds_state_get (state),
                                                            ds_value_int (1), task, NULL)
                                                  : ds_value_int (0));
}

static void
ds_conformance_by_value (DsValue key,
                         DsValue value,
                         DsState *state,
                         DsTask *task,
                         gpointer unused)
{
  if (ds_value_get_int (value) == 1)
    ds_conformance_step_up (state, task);
  else if (ds_value_get_int (value) == 2)
    ds_state_remove (state);
}

static void
ds_conformance_noop (DsValue key,
                     DsValue value,
                     DsState *state,
                     DsTask *task,
                     gpointer unused)
{
}

static void
ds_conformance_get_state (DsValue key,
                          DsValue value,
                          DsState *state,
                          DsTask *task,
                          gpointer unused)
{
  ds_task_emit (task, ds_state_get_or (state, ds_value_int (-1)));
}

static void
ds_conformance_update_state (DsValue key,
                             DsValue value,
                             DsState *state,
                             DsTask *task,
                             gpointer unused)
{
  ds_conformance_step_up (state, task);
}

static void
ds_conformance_remove_state (DsValue key,
                             DsValue value,
                             DsState *state,
                             DsTask *task,
                             gpointer unused)
{
  ds_state_remove (state);
}

const DsConformanceFunctionRow ds_conformance_state_functions[] = {
  { "collect_state", DS_CONFORMANCE_UPDATE_STATE,
    G_CALLBACK (ds_conformance_collect_state), NULL },
  { "expire_twice", DS_CONFORMANCE_UPDATE_STATE, G_CALLBACK (ds_conformance_expire_twice),
    NULL },
  { "sum", DS_CONFORMANCE_UPDATE_STATE, G_CALLBACK (ds_conformance_sum_state), NULL },
  { "sum_state", DS_CONFORMANCE_UPDATE_STATE, G_CALLBACK (ds_conformance_sum_state),
    NULL },
  { "time_state", DS_CONFORMANCE_UPDATE_STATE, G_CALLBACK (ds_conformance_time_state),
    NULL },
  { "by_value", DS_CONFORMANCE_MAP_WITH_STATE, G_CALLBACK (ds_conformance_by_value),
    NULL },
  { "get-state", DS_CONFORMANCE_MAP_WITH_STATE, G_CALLBACK (ds_conformance_get_state),
    NULL },
  { "map_count", DS_CONFORMANCE_MAP_WITH_STATE, G_CALLBACK (ds_conformance_map_count),
    NULL },
  { "map_double_key", DS_CONFORMANCE_MAP_WITH_STATE,
    G_CALLBACK (ds_conformance_map_double_key), NULL },
  { "map_pair", DS_CONFORMANCE_MAP_WITH_STATE, G_CALLBACK (ds_conformance_map_pair),
    NULL },
  { "map_silent", DS_CONFORMANCE_MAP_WITH_STATE, G_CALLBACK (ds_conformance_map_silent),
    NULL },
  { "map_timeout", DS_CONFORMANCE_MAP_WITH_STATE, G_CALLBACK (ds_conformance_map_timeout),
    NULL },
  { "map_toggle", DS_CONFORMANCE_MAP_WITH_STATE, G_CALLBACK (ds_conformance_map_toggle),
    NULL },
  { "noop", DS_CONFORMANCE_MAP_WITH_STATE, G_CALLBACK (ds_conformance_noop), NULL },
  { "remove-state", DS_CONFORMANCE_MAP_WITH_STATE,
    G_CALLBACK (ds_conformance_remove_state), NULL },
  { "update-state", DS_CONFORMANCE_MAP_WITH_STATE,
    G_CALLBACK (ds_conformance_update_state), NULL },
  { NULL, DS_CONFORMANCE_MAP, NULL, NULL },
};
