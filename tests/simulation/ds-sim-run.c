/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One run of the program: from its start, which may be a recovery, to its end, a crash or
 * an error. */

#include "tests/simulation/ds-sim-private.h"

#include "dstream/ds-streaming-context-private.h"

#include <string.h>
#include <unistd.h>

/* In seconds: more is a hang. */
#define DS_SIM_MAX_SECONDS 120
/* So many looks without anything new: nothing goes on. */
#define DS_SIM_MAX_WAITS 3000
/* So many looks before receivers are asked why. */
#define DS_SIM_PATIENCE 50
/* Records that wait for their acknowledgement: the clock waits for them beyond. */
#define DS_SIM_MAX_BACKLOG 16

typedef struct
{
  DsSimPlan *plan;
  gboolean is_disturbed;
  const char *root;
  char *checkpoints, *output; /* paths */
  DsManualClock *clock;
  DsStreamingContext *streaming;
} DsSimRun;

static DsSimRun *current;

/* ---- The program ---- */

/* DsForeachRddFunc: what came, in one piece. */
static gboolean
note_rdd (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  DsPropertyNode *node = user_data;
  g_autoptr (DsBlock) block = ds_rdd_collect (rdd, error);
  g_autoptr (GString) text = g_string_new (NULL);

  if (block == NULL)
    return FALSE;
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    {
      ds_property_print (text, ds_block_get (block, i));
      g_string_append_c (text, '\n');
    }
  ds_sim_note ("= %" G_GINT64_FORMAT " s%u %d %" G_GSIZE_FORMAT "\n%s",
               ds_batch_get_time (batch) / DS_SECOND, node->id,
               ds_batch_is_replay (batch), ds_block_get_length (block), text->str);
  return TRUE;
}

/* DsMapFunc */
static DsValue
print_value (DsValue value, DsTask *task, gpointer user_data)
{
  g_autoptr (GString) text = g_string_new (NULL);

  ds_property_print (text, value);
  return ds_string_printf (task, "%s", text->str);
}

static DsDStream *
build_source (DsPropertyNode *node, DsStreamingContext *streaming)
{
  if (current->plan->sources[node->id].is_received)
    return ds_sim_network_add (node, streaming, current->plan, current->is_disturbed);
  return ds_sim_source_add (node, streaming);
}

static void
save_output (DsSimRun *self, guint id, DsDStream *stream)
{
  g_autofree char *prefix = g_strdup_printf ("%s/s%u", self->output, id);

  ds_dstream_save_as_text_files (ds_dstream_map (stream, print_value, NULL, NULL), prefix,
                                 NULL);
}

static void
build_outputs (DsSimRun *self, GPtrArray *streams)
{
  DsPropertyGraph *graph = self->plan->graph;
  guint n_to_files = self->plan->n_file_outputs;

  for (guint id = 0; id < graph->nodes->len; id++)
    {
      DsPropertyNode *node = ds_property_graph_get (graph, id);

      if (node->is_output)
        ds_dstream_foreach_rdd (g_ptr_array_index (streams, id), note_rdd, node, NULL);
      if (self->plan->checkpoint_every > 0 && node->kind >= DS_PROPERTY_UPDATE_STATE &&
          node->kind <= DS_PROPERTY_MAP_WITH_STATE)
        ds_dstream_checkpoint (g_ptr_array_index (streams, id),
                               node->slide * self->plan->checkpoint_every);
    }
  for (guint id = graph->nodes->len; id > 0 && n_to_files > 0; id--)
    if (ds_property_graph_get (graph, id - 1)->is_output)
      {
        save_output (self, id - 1, g_ptr_array_index (streams, id - 1));
        n_to_files--;
      }
}

/* DsSetupFunc */
static DsStreamingContext *
set_up (gpointer user_data, GError **error)
{
  DsSimRun *self = user_data;
  g_autofree char *master = g_strdup_printf ("local[%u]", self->plan->n_workers);
  g_autoptr (DsContext) engine =
      g_object_new (DS_TYPE_CONTEXT, "master", master, "app-name", "simulation",
                    "default-parallelism", 3u, NULL);
  DsStreamingContext *streaming =
      ds_streaming_context_new_for_context (engine, DS_SECOND);
  g_autoptr (GPtrArray) streams = NULL;

  ds_streaming_context_set_clock (streaming, DS_CLOCK (self->clock));
  self->plan->graph->build_source = build_source;
  streams = ds_property_build (self->plan->graph, streaming);
  build_outputs (self, streams);
  return streaming;
}

/* ---- Its end ---- */

/* Whether a disturbed disk may lead to it. */
static gboolean
is_expected (DsSimRun *self, const GError *error)
{
  if (!self->is_disturbed || error->domain != DS_ERROR)
    return FALSE;
  switch (error->code)
    {
    case DS_ERROR_NO_SPACE:
    case DS_ERROR_IO:
    case DS_ERROR_FSYNC_FAILED:
      return TRUE;
    case DS_ERROR_TIMEOUT: /* a graceful stop waits for room, and not for ever */
      return self->plan->has_full_disk;
    case DS_ERROR_CORRUPT: /* what cannot be read is as good as damaged */
      return self->plan->has_read_errors;
    default:
      return FALSE;
    }
}

/* Where the disk lies is no part of what happens. (transfer full) */
static char *
cut_root (const char *message)
{
  g_auto (GStrv) parts = g_strsplit (message, current->root, -1);

  return g_strjoinv ("", parts);
}

static G_GNUC_NORETURN void
give_up (DsSimRun *self, GError *error)
{
  g_autofree char *reason = cut_root (error->message);

  ds_sim_note ("# gave up: %s; trace %016" G_GINT64_MODIFIER "x\n", reason,
               ds_sim_get_trace ());
  if (!is_expected (self, error))
    ds_sim_fail ("the program ended with an error that it should not have: %s", reason);
  if (self->streaming != NULL && ds_property_random_percent (ds_sim_get_random (), 50))
    ds_streaming_context_stop (self->streaming, DS_STOP_NOW, NULL);
  _exit (DS_SIM_GAVE_UP);
}

/* What the library says is part of what happens, and it has nothing to warn of. */
static GLogWriterOutput
write_log (GLogLevelFlags level,
           const GLogField *fields,
           gsize n_fields,
           gpointer user_data)
{
  const char *message = "";
  g_autofree char *cut = NULL;

  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "MESSAGE"))
      message = fields[i].value;
  if ((level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL)) != 0 ||
      ((level & G_LOG_LEVEL_WARNING) != 0 && !current->is_disturbed))
    ds_sim_fail ("%s", message);
  cut = cut_root (message);
  ds_sim_trace ("says: %s", cut);
  return G_LOG_WRITER_HANDLED;
}

/* ---- Its course ---- */

static guint
below (guint end)
{
  return ds_property_random_below (ds_sim_get_random (), end);
}

/* How many records the network has not brought yet, at batch @batch. */
static guint
count_backlog (DsSimRun *self, guint batch)
{
  guint n = 0;

  for (guint id = 0; id < DS_SIM_MAX_SOURCES; id++)
    if (self->plan->sources[id].is_received)
      n += ds_sim_network_count_records (ds_property_graph_get (self->plan->graph, id),
                                         batch) -
           MIN (ds_sim_world->n_acked[id],
                ds_sim_network_count_records (ds_property_graph_get (self->plan->graph,
                                                                     id),
                                              batch));
  return n;
}

static void
await_batch (DsSimRun *self, guint batch)
{
  GError *error = NULL;

  if (!ds_streaming_context_await_batch (self->streaming, batch * DS_SECOND, &error))
    give_up (self, error);
}

/* A log that fails for good ends receivers at once, and the stream with its next batch,
 * for which the clock would wait: the program ends by itself. */
static void
look_after_receivers (DsSimRun *self)
{
  DsGraph *graph = self->streaming->graph;

  for (guint i = 0; i < ds_graph_get_n_inputs (graph); i++)
    {
      g_autoptr (DsReceiverInfo) info =
          ds_receiver_tracker_get_info (self->streaming->receivers,
                                        DS_DSTREAM (ds_graph_get_input (graph, i)));

      if (info != NULL && !ds_receiver_info_is_active (info) &&
          ds_receiver_info_get_last_error (info) != NULL)
        give_up (self, g_error_copy (ds_receiver_info_get_last_error (info)));
    }
}

/* The clock waits for the network, when that is behind. */
static void
await_network (DsSimRun *self, guint batch)
{
  guint n_batches = self->plan->graph->n_batches;
  guint n_waits = 0;
  GError *error = NULL;

  for (;;)
    {
      guint n_allowed =
          batch + DS_SIM_QUIET_BATCHES >= n_batches ? 0 : DS_SIM_MAX_BACKLOG;

      if (count_backlog (self, batch) <= n_allowed)
        return;
      ds_sim_sleep (200 * DS_MILLISECOND + below (DS_SECOND));
      if (ds_streaming_context_get_state (self->streaming) != DS_STREAMING_ACTIVE)
        {
          ds_streaming_context_await_termination (self->streaming, &error);
          if (error == NULL)
            ds_sim_fail ("the stream stopped without an error");
          give_up (self, error);
        }
      if (++n_waits == DS_SIM_PATIENCE)
        look_after_receivers (self);
      if (n_waits > DS_SIM_MAX_WAITS)
        ds_sim_fail ("%u records are not acknowledged, however long they wait",
                     count_backlog (self, batch));
    }
}

static void
drive (DsSimRun *self)
{
  guint n_batches = self->plan->graph->n_batches;
  guint batch = (guint) (ds_sim_world->now / DS_SECOND);

  while (batch < n_batches)
    {
      /* Whatever the network has to bring is there some batches before the end. */
      guint end = batch + DS_SIM_QUIET_BATCHES < n_batches
                      ? n_batches - DS_SIM_QUIET_BATCHES
                      : n_batches;

      ds_sim_sleep (1 + below (DS_SECOND));
      await_network (self, batch + 1);
      batch += 1 + (below (3) == 0 ? below (4) : 0);
      batch = MIN (batch, end);
      ds_sim_world->now = batch * DS_SECOND;
      ds_manual_clock_set_time (self->clock, ds_sim_world->now);
      if (below (3) > 0)
        await_batch (self, batch);
    }
  await_network (self, n_batches);
  await_batch (self, n_batches);
}

void
ds_sim_run (DsSimPlan *plan, const char *root, const DsSimTrouble *trouble)
{
  DsSimRun self = { .plan = plan,
                    .root = root,
                    .is_disturbed = trouble->has_faults || trouble->crash_at > 0 };
  GError *error = NULL;

  alarm (DS_SIM_MAX_SECONDS);
  current = &self;
  self.checkpoints = g_build_filename (root, "checkpoints", NULL);
  self.output = g_build_filename (root, "out", NULL);
  self.clock = ds_manual_clock_new (ds_sim_world->now);
  g_log_set_writer_func (write_log, NULL, NULL);
  ds_sim_note ("# run %u at %" G_GINT64_FORMAT " s\n", ds_sim_world->run,
               ds_sim_world->now / DS_SECOND);
  ds_sim_threads_begin (ds_property_mix (plan->seed * 1000 + ds_sim_world->run),
                        plan->is_verbose);
  ds_sim_calls_begin (root, plan, trouble);

  self.streaming =
      ds_streaming_context_get_or_create (self.checkpoints, set_up, &self, &error);
  if (self.streaming == NULL || !ds_streaming_context_start (self.streaming, &error))
    give_up (&self, error);
  drive (&self);
  if (!ds_streaming_context_stop (self.streaming, DS_STOP_GRACEFULLY, &error))
    {
      g_autoptr (GError) cause = NULL;

      /* One that has stopped before says so, and why as text only. */
      if (!ds_streaming_context_await_termination (self.streaming, &cause))
        give_up (&self, g_steal_pointer (&cause));
      give_up (&self, error);
    }
  ds_sim_note ("# finished; trace %016" G_GINT64_MODIFIER "x\n", ds_sim_get_trace ());
  _exit (DS_SIM_FINISHED);
}
