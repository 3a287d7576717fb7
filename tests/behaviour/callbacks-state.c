/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kinds of callback that move state on: on executors, once a batch, before its
 * outputs. */

#include "tests/behaviour/callbacks.h"

static void
visit_state (gpointer site, DsTask *task, DsState *state)
{
  CallbackSite *self = site;
  CallbackVisit visit = { .task = task, .state = state };

  if (!callback_site_visit (self, visit))
    ds_task_fail (task, "bad luck in %s", self->kind->name);
}

static void
on_record (DsValue key, DsValue value, DsState *state, DsTask *task, gpointer site)
{
  visit_state (site, task, state);
  /* The visitor may have removed it, and then it cannot be written. */
  if (!ds_task_has_failed (task) && !ds_state_exists (state))
    ds_state_update (state, value);
  ds_task_emit_pair (task, key, value);
}

static void
on_timeout (DsValue key, DsValue value, DsState *state, DsTask *task, gpointer site)
{
  if (ds_state_is_timing_out (state))
    visit_state (site, task, state);
  else
    ds_state_update (state, value);
}

static DsValue
on_key (DsValue key,
        const DsValue *values,
        gsize n_values,
        DsValue state,
        DsTask *task,
        gpointer site)
{
  visit_state (site, task, NULL);
  return ds_value_int (ds_value_get_int_or (state, 0) + (gint64) n_values);
}

static void
on_partition (const DsStateUpdate *updates, gsize n_updates, DsTask *task, gpointer site)
{
  visit_state (site, task, NULL);
  for (gsize i = 0; i < n_updates; i++)
    ds_task_emit_pair (task, updates[i].key, ds_value_int ((gint64) updates[i].n_values));
}

/* Leaves all states as they are. */
static DsBlock *
on_block (DsBlock *block, DsTask *task, gpointer site, GError **error)
{
  CallbackVisit visit = { .task = task };

  return callback_site_visit_driver (site, visit, error) ? ds_block_new (NULL, 0) : NULL;
}

/* ---- Streams that call them ---- */

static void
collect (CallbackSite *site, DsDStream *stream)
{
  callback_site_need_checkpoints (site);
  site->collected = ds_dstream_collect (stream);
}

static void
build_map_with_state (CallbackSite *site)
{
  collect (site, ds_dstream_map_with_state (site->pairs, on_record, site, NULL));
}

static DsValue
pair_with_time (DsValue value, DsTask *task, gpointer unused)
{
  return ds_pair (task, ds_value_int (ds_task_get_batch_time (task)), value);
}

/* A key a batch, none of which comes again. */
static void
build_timeout (CallbackSite *site)
{
  DsDStream *stream =
      ds_dstream_map_with_state (ds_dstream_map (site->pairs, pair_with_time, NULL, NULL),
                                 on_timeout, site, NULL);

  ds_dstream_set_state_timeout (stream, DS_SECOND);
  collect (site, stream);
}

static void
build_update_state (CallbackSite *site)
{
  collect (site, ds_dstream_update_state_by_key (site->pairs, on_key, site, NULL));
}

static void
build_update_partition (CallbackSite *site)
{
  collect (site,
           ds_dstream_update_state_by_partition (site->pairs, on_partition, site, NULL));
}

static void
build_map_with_state_blocks (CallbackSite *site)
{
  collect (site, ds_dstream_map_with_state_blocks (site->pairs, on_block, site, NULL));
}

const CallbackKind callback_state_kinds[] = {
  { "map-with-state", "DsMapWithStateFunc", CALLBACK_TASK, build_map_with_state, NULL },
  { "state-timeout", "DsMapWithStateFunc", CALLBACK_TASK, build_timeout, NULL },
  { "map-with-state-blocks", "DsBlockFunc", CALLBACK_TASK, build_map_with_state_blocks,
    NULL },
  { "update-state-by-key", "DsUpdateStateFunc", CALLBACK_TASK, build_update_state, NULL },
  { "update-state-by-partition", "DsUpdateStatePartitionFunc", CALLBACK_TASK,
    build_update_partition, NULL },
  { NULL, NULL, CALLBACK_TASK, NULL, NULL },
};
