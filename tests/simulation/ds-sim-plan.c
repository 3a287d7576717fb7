/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From a seed to all that is drawn before the first run. */

#include "tests/simulation/ds-sim-private.h"

static guint
draw (DsPropertyRandom *random, guint from, guint to)
{
  return from + ds_property_random_below (random, to - from + 1);
}

/* Sites of faults are on or off for a seed, as otherwise all runs are alike. */
static guint
draw_percent (DsPropertyRandom *random, guint max)
{
  return ds_property_random_percent (random, 25) ? draw (random, 1, max) : 0;
}

/* What may be dropped depends on what comes in one batch, and how records come into
 * batches is the network's affair. */
static void
ds_sim_plan_drop_filters (DsPropertyGraph *graph)
{
  for (guint id = 0; id < graph->nodes->len; id++)
    ds_property_graph_get (graph, id)->has_filter = FALSE;
}

/* ---- What comes at once after a pause ---- */

/* So many batches come as one, and a stream may have so many elements then. */
#define DS_SIM_BURST_BATCHES 4
#define DS_SIM_BURST_ELEMENTS 2500

static void
ds_sim_plan_move_list (GPtrArray *lists, guint from, guint to)
{
  GArray *list = g_ptr_array_index (lists, from);

  g_array_append_vals (g_ptr_array_index (lists, to), list->data, list->len);
  g_array_set_size (list, 0);
}

static gboolean
ds_sim_plan_is_small (DsPropertyGraph *graph)
{
  for (guint id = 0; id < graph->nodes->len; id++)
    {
      DsPropertyNode *node = ds_property_graph_get (graph, id);

      for (guint i = 0; i < node->results->len; i++)
        {
          GArray *list = g_ptr_array_index (node->results, i);

          if (list != NULL && list->len > DS_SIM_BURST_ELEMENTS)
            return FALSE;
        }
    }
  return TRUE;
}

/* Whether the graph stays small when its sources have been held up.  Leaves a graph that
 * is to be drawn anew. */
static gboolean
ds_sim_plan_bears_bursts (DsPropertyGraph *graph)
{
  for (guint id = 0; id < graph->nodes->len; id++)
    {
      DsPropertyNode *node = ds_property_graph_get (graph, id);

      for (guint i = 0; node->kind == DS_PROPERTY_SOURCE && i < node->results->len; i++)
        if (i % DS_SIM_BURST_BATCHES != DS_SIM_BURST_BATCHES - 1 &&
            i + 1 < node->results->len)
          ds_sim_plan_move_list (node->results, i, i + 1);
    }
  ds_property_graph_run_model (graph);
  return ds_sim_plan_is_small (graph);
}

static void
ds_sim_plan_draw_sources (DsSimPlan *self, DsPropertyRandom *random)
{
  gboolean has_network = FALSE;

  for (guint id = 0; id < self->graph->nodes->len; id++)
    {
      DsPropertyNode *node = ds_property_graph_get (self->graph, id);
      DsSimSource *source = &self->sources[MIN (id, DS_SIM_MAX_SOURCES - 1)];

      if (node->kind != DS_PROPERTY_SOURCE)
        break;
      g_assert (id < DS_SIM_MAX_SOURCES);
      source->is_received = ds_property_random_percent (random, 45);
      source->durability = ds_property_random_percent (random, 50)
                               ? DS_DURABILITY_GROUP
                               : DS_DURABILITY_EVERY_RECORD;
      if (!source->is_received)
        continue;
      has_network = TRUE;
      node->is_output = TRUE;
      g_assert (ds_sim_network_count_records (node, self->graph->n_batches) <
                DS_SIM_MAX_RECORDS);
    }
  if (has_network)
    ds_sim_plan_drop_filters (self->graph);
}

DsSimPlan *
ds_sim_plan_new (guint64 seed, gboolean is_verbose)
{
  DsSimPlan *self = g_new0 (DsSimPlan, 1);
  DsPropertyRandom random = { ds_property_mix (seed) };
  DsPropertySize size = { 20, 40, 5, 30 };
  guint length = ds_property_random_below (&random, 20);
  gboolean may_receive;
  guint64 graph_seed;

  /* Most are short, as a crash is as likely in them. */
  if (length == 0)
    size.max_batches = 200;
  else if (length < 5)
    size.max_batches = 80;
  self->seed = seed;
  self->is_verbose = is_verbose;
  graph_seed = ds_property_random_next (&random);
  self->graph = ds_property_generate_sized (graph_seed, &size);
  may_receive = ds_sim_plan_bears_bursts (self->graph);
  ds_property_graph_free (self->graph);
  self->graph = ds_property_generate_sized (graph_seed, &size);
  self->graph->has_slice = FALSE;
  self->n_crashes = ds_property_random_below (&random, 11);
  self->n_workers = ds_property_random_percent (&random, 70) ? 1 : draw (&random, 2, 3);
  self->n_file_outputs = ds_property_random_below (&random, 3);
  self->checkpoint_every =
      ds_property_random_percent (&random, 70) ? draw (&random, 1, 5) * DS_SECOND : 0;
  self->percent_interrupted = draw_percent (&random, 30);
  self->percent_short = draw_percent (&random, 60);
  self->has_full_disk = ds_property_random_percent (&random, 25);
  self->has_io_errors = ds_property_random_percent (&random, 25);
  self->has_read_errors = ds_property_random_percent (&random, 15);
  self->percent_lost = draw_percent (&random, 10);
  self->percent_reset = draw_percent (&random, 20);
  self->percent_lost_acknowledgements = draw_percent (&random, 30);
  if (may_receive)
    ds_sim_plan_draw_sources (self, &random);
  return self;
}

void
ds_sim_plan_free (DsSimPlan *self)
{
  ds_property_graph_free (self->graph);
  g_free (self);
}

char *
ds_sim_plan_describe (DsSimPlan *self)
{
  g_autofree char *graph = ds_property_graph_describe (self->graph, FALSE);
  GString *text = g_string_new (NULL);

  g_string_append_printf (
      text,
      "seed %" G_GUINT64_FORMAT ": %u batches, %u runs with a crash, %u workers, %u "
      "outputs to files, checkpoints of state every %" G_GINT64_FORMAT " s\n"
      "faults: %u %% interrupted, %u %% short, full disk %d, errors %d, read errors %d\n"
      "network: %u %% lost, %u %% reset, %u %% of acknowledgements lost; received:",
      self->seed, self->graph->n_batches, self->n_crashes, self->n_workers,
      self->n_file_outputs, self->checkpoint_every / DS_SECOND, self->percent_interrupted,
      self->percent_short, self->has_full_disk, self->has_io_errors,
      self->has_read_errors, self->percent_lost, self->percent_reset,
      self->percent_lost_acknowledgements);
  for (guint id = 0; id < DS_SIM_MAX_SOURCES; id++)
    if (self->sources[id].is_received)
      g_string_append_printf (text, " s%u (%s)", id,
                              self->sources[id].durability == DS_DURABILITY_GROUP
                                  ? "group"
                                  : "every record");
  g_string_append_printf (text, "\n%s", graph);
  return g_string_free (text, FALSE);
}
