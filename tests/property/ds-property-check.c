/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Checks a graph on several engines, and looks for the smallest part of it that still
 * shows what went wrong: the streams that the output needs, the batches up to the one
 * that differs, the records without which nothing differs. */

#include "tests/property/ds-property-private.h"

#define DS_PROPERTY_MAX_SHRINKING_RUNS 400

static void
ds_property_find_first (DsPropertyGraph *graph,
                        const DsPropertyEngine *engine,
                        DsPropertyRun *first,
                        DsPropertyRun *run,
                        DsPropertyFault *fault)
{
  for (guint id = 0; fault->message == NULL && id < graph->nodes->len; id++)
    {
      DsPropertyNode *node = ds_property_graph_get (graph, id);
      g_autofree char *difference = NULL;

      if (!node->is_output)
        continue;
      fault->node = node;
      difference = first != NULL
                       ? ds_property_compare_runs (node, first, run, &fault->batch)
                       : ds_property_compare_with_model (node, run, &fault->batch);
      if (difference != NULL)
        fault->message = g_strdup_printf ("on %s, %s", engine->name, difference);
    }
  if (fault->message == NULL)
    {
      g_autofree char *difference = ds_property_compare_slice_with_model (graph, run);

      fault->node = NULL;
      if (difference != NULL)
        fault->message = g_strdup_printf ("on %s, %s", engine->name, difference);
    }
}

gboolean
ds_property_check (DsPropertyGraph *graph,
                   const DsPropertyEngine *engines,
                   guint n_engines,
                   DsPropertyFault *fault)
{
  g_autoptr (DsPropertyRun) first = NULL;

  *fault = (DsPropertyFault){ 0 };
  for (guint i = 0; fault->message == NULL && i < n_engines; i++)
    {
      g_autofree char *error = NULL;
      DsPropertyRun *run = ds_property_run (graph, &engines[i], &error);

      if (run == NULL)
        fault->message = g_strdup_printf ("on %s, %s", engines[i].name, error);
      else if (first == NULL)
        {
          first = run;
          ds_property_find_first (graph, &engines[i], NULL, first, fault);
        }
      else
        {
          ds_property_find_first (graph, &engines[i], first, run, fault);
          ds_property_run_free (run);
        }
    }
  return fault->message == NULL;
}

/* ---- Shrinking ---- */

typedef struct
{
  DsPropertyGraph *graph;
  const DsPropertyEngine *engines;
  guint n_engines;
  DsPropertyFault *fault;
  guint n_runs;
} DsPropertyShrinking;

/* TRUE: it still goes wrong; @fault then says how. */
static gboolean
ds_property_still_fails (DsPropertyShrinking *self)
{
  DsPropertyFault fault = { 0 };

  self->n_runs++;
  ds_property_graph_run_model (self->graph);
  if (ds_property_check (self->graph, self->engines, self->n_engines, &fault))
    return FALSE;
  g_free (self->fault->message);
  *self->fault = fault;
  return TRUE;
}

/* Records @from to @to of a batch of a source: gone, if that changes nothing. */
static void
ds_property_try_without (DsPropertyShrinking *self,
                         DsPropertyNode *source,
                         guint batch,
                         guint from,
                         guint n_records)
{
  GArray *list = g_ptr_array_index (source->results, batch);
  g_autoptr (GArray) whole = g_array_copy (list);

  g_array_remove_range (list, from, n_records);
  if (ds_property_still_fails (self))
    return;
  g_array_set_size (list, 0);
  g_array_append_vals (list, whole->data, whole->len);
}

static void
ds_property_shrink_source (DsPropertyShrinking *self, DsPropertyNode *source)
{
  for (guint batch = 0; batch < self->graph->n_batches; batch++)
    {
      GArray *list = g_ptr_array_index (source->results, batch);

      if (list->len > 0 && self->n_runs < DS_PROPERTY_MAX_SHRINKING_RUNS)
        ds_property_try_without (self, source, batch, 0, list->len);
      for (guint i = list->len; i-- > 0 && list->len > 1;)
        if (self->n_runs < DS_PROPERTY_MAX_SHRINKING_RUNS)
          ds_property_try_without (self, source, batch, i, 1);
    }
}

/* To what @node needs; FALSE: then nothing goes wrong, and all is as it was. */
static gboolean
ds_property_try_only (DsPropertyShrinking *self, DsPropertyNode *node)
{
  g_autofree gboolean *is_output = g_new0 (gboolean, self->graph->nodes->len);

  for (guint id = 0; id < self->graph->nodes->len; id++)
    is_output[id] = ds_property_graph_get (self->graph, id)->is_output;
  ds_property_graph_keep_only (self->graph, node);
  if (ds_property_still_fails (self))
    return TRUE;
  for (guint id = 0; id < self->graph->nodes->len; id++)
    {
      ds_property_graph_get (self->graph, id)->is_dropped = FALSE;
      ds_property_graph_get (self->graph, id)->is_output = is_output[id];
    }
  return FALSE;
}

/* When a run failed nobody said at which stream: the first that fails alone. */
static gboolean
ds_property_try_each (DsPropertyShrinking *self)
{
  for (guint id = 0; id < self->graph->nodes->len; id++)
    if (ds_property_try_only (self, ds_property_graph_get (self->graph, id)))
      return TRUE;
  return FALSE;
}

void
ds_property_shrink (DsPropertyGraph *graph,
                    const DsPropertyEngine *engines,
                    guint n_engines,
                    DsPropertyFault *fault)
{
  DsPropertyShrinking self = { graph, engines, n_engines, fault, 0 };
  guint n_batches = graph->n_batches;
  gboolean has_slice = graph->has_slice;

  graph->has_slice = FALSE;
  if (!ds_property_still_fails (&self))
    {
      graph->has_slice = has_slice;
      return;
    }
  if (fault->node != NULL)
    graph->n_batches = fault->batch + 1;
  if (!ds_property_still_fails (&self))
    graph->n_batches = n_batches;
  if (fault->node != NULL ? !ds_property_try_only (&self, fault->node)
                          : !ds_property_try_each (&self))
    return;
  for (guint id = 0; id < graph->nodes->len; id++)
    {
      DsPropertyNode *node = ds_property_graph_get (graph, id);

      if (node->kind == DS_PROPERTY_SOURCE && !node->is_dropped)
        ds_property_shrink_source (&self, node);
    }
}
