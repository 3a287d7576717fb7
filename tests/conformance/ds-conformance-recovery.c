/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cases with a restart: the same graph is built twice over one checkpoint directory.  The
 * first context is stopped at once after its last batch; the second one has a clock that
 * stands at that batch, which therefore comes again, and goes on with the ones after it.
 */

#include "tests/conformance/ds-conformance-private.h"

typedef struct
{
  DsConformanceCase *test_case;
  DsConformanceSession *session; /* of which the set-up function makes the context */
  DsConformanceRecorder *recorder;
  gint64 batch_ms;
  DsTime zero;
  const char *prefix; /* where save_files saves */
  gboolean saves;
  GError *error; /* (nullable): why the graph could not be built */
} DsConformanceRestart;

/* A step "save_files": what comes before it is saved, and looked at. */
static gboolean
ds_conformance_restart_strip_saving (DsConformanceRestart *self,
                                     JsonObject *json,
                                     GError **error)
{
  JsonArray *steps;

  if (!ds_conformance_has (json, "pipeline"))
    return TRUE;
  steps = ds_conformance_read_array (json, "pipeline", error);
  if (steps == NULL)
    return FALSE;
  for (guint i = json_array_get_length (steps); i > 0; i--)
    {
      JsonObject *step = json_array_get_object_element (steps, i - 1);

      if (g_strcmp0 (json_object_get_string_member (step, "op"), "save_files") != 0)
        continue;
      json_array_remove_element (steps, i - 1);
      self->saves = TRUE;
    }
  return TRUE;
}

static gboolean
ds_conformance_restart_build (DsConformanceRestart *self, GError **error)
{
  g_auto (DsConformanceGraph) graph = { 0 };
  DsDStream *result;

  ds_conformance_graph_init (&graph, self->test_case, self->session);
  if (!ds_conformance_graph_add_sources (&graph, error))
    return FALSE;
  result = ds_conformance_graph_build (&graph, error);
  if (result == NULL)
    return FALSE;
  ds_conformance_recorder_attach (self->recorder, result);
  if (self->saves)
    ds_dstream_save_as_msgpack_files (result, self->prefix, NULL);
  return TRUE;
}

/* DsSetupFunc */
static DsStreamingContext *
ds_conformance_restart_set_up (gpointer user_data, GError **error)
{
  DsConformanceRestart *self = user_data;
  char *directory = g_steal_pointer (&self->session->directory);

  ds_conformance_session_init (self->session, self->test_case->engine, self->batch_ms,
                               self->zero / DS_MILLISECOND);
  self->session->directory = directory;
  if (ds_conformance_restart_build (self, &self->error))
    return g_object_ref (self->session->streaming);
  g_propagate_error (error, g_error_copy (self->error));
  return NULL;
}

/* Makes the context, with its clock at @now, and starts it. */
static gboolean
ds_conformance_restart_start (DsConformanceRestart *self,
                              gboolean is_recovery,
                              DsTime now,
                              GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (DsStreamingContext) made =
      ds_streaming_context_get_or_create (self->session->directory,
                                          ds_conformance_restart_set_up, self,
                                          &local_error);

  if (self->error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&self->error));
      return FALSE;
    }
  if (made == NULL)
    return ds_conformance_differ (error, "get_or_create failed: %s",
                                  local_error->message);
  if (ds_streaming_context_is_recovered (made) != is_recovery)
    return ds_conformance_differ (error, "The context %s from a checkpoint",
                                  is_recovery ? "does not go on" : "goes on");
  ds_manual_clock_set_time (self->session->clock, now);
  return ds_conformance_session_start (self->session, error);
}

/* What was saved for each of the batches from number @first on. */
static gboolean
ds_conformance_restart_check_files (DsConformanceRestart *self,
                                    JsonArray *expected,
                                    gint64 first,
                                    GError **error)
{
  g_autoptr (GPtrArray) blocks =
      g_ptr_array_new_with_free_func ((GDestroyNotify) ds_block_unref);

  if (!self->saves)
    return TRUE;
  for (guint i = 0; i < json_array_get_length (expected); i++)
    {
      g_autofree char *path =
          g_strdup_printf ("%s-%" G_GINT64_FORMAT, self->prefix,
                           self->zero / DS_MILLISECOND + (first + i) * self->batch_ms);
      g_autoptr (DsRdd) files = ds_context_msgpack_file (self->test_case->engine, path);
      DsBlock *block = ds_rdd_collect (files, error);

      if (block == NULL)
        return FALSE;
      g_ptr_array_add (blocks, block);
    }
  return ds_conformance_compare_blocks (expected, blocks,
                                        ds_conformance_get_order (self->test_case),
                                        error);
}

static gboolean
ds_conformance_restart_compare (DsConformanceRestart *self,
                                const char *member,
                                gint64 first,
                                GError **error)
{
  JsonArray *expected = ds_conformance_read_array (self->test_case->json, member, error);
  g_autoptr (GPtrArray) blocks = ds_conformance_recorder_dup_blocks (self->recorder);

  if (expected != NULL &&
      ds_conformance_compare_blocks (expected, blocks,
                                     ds_conformance_get_order (self->test_case), error) &&
      ds_conformance_restart_check_files (self, expected, first, error))
    return TRUE;
  g_prefix_error (error, "%s: ", member);
  return FALSE;
}

static gboolean
ds_conformance_restart_run_before (DsConformanceRestart *self,
                                   gint64 n_batches,
                                   GError **error)
{
  if (!ds_conformance_restart_start (self, FALSE, self->zero, error))
    return FALSE;
  for (gint64 i = 0; i < n_batches; i++)
    if (!ds_conformance_session_tick (self->session, error))
      return FALSE;
  return ds_streaming_context_stop (self->session->streaming,
                                    DS_STOP_NOW | DS_STOP_KEEP_CONTEXT, error) &&
         ds_conformance_restart_compare (self, "expected_before", 1, error);
}

static gboolean
ds_conformance_restart_run_after (DsConformanceRestart *self,
                                  gint64 n_batches,
                                  GError **error)
{
  DsTime last = self->zero + n_batches * self->batch_ms * DS_MILLISECOND;
  JsonArray *expected =
      ds_conformance_read_array (self->test_case->json, "expected_after_restart", error);

  if (expected == NULL || !ds_conformance_restart_start (self, TRUE, last, error) ||
      !ds_streaming_context_await_batch (self->session->streaming, last, error))
    return FALSE;
  for (guint i = 1; i < json_array_get_length (expected); i++)
    if (!ds_conformance_session_tick (self->session, error))
      return FALSE;
  return ds_conformance_restart_compare (self, "expected_after_restart", n_batches,
                                         error);
}

gboolean
ds_conformance_run_recovery (DsConformanceCase *test_case, GError **error)
{
  g_autoptr (DsConformanceRecorder) before = ds_conformance_recorder_new ();
  g_autoptr (DsConformanceRecorder) after = ds_conformance_recorder_new ();
  g_auto (DsConformanceSession) first = { 0 };
  g_auto (DsConformanceSession) second = { 0 };
  g_autofree char *files = g_dir_make_tmp ("ds-conformance-XXXXXX", error);
  g_autofree char *prefix =
      files != NULL ? g_build_filename (files, "saved", NULL) : NULL;
  DsConformanceRestart self = {
    .test_case = test_case, .session = &first, .recorder = before, .prefix = prefix
  };
  gint64 n_batches = 0;
  gboolean ok;

  if (files == NULL ||
      !ds_conformance_read_int (test_case->json, "batch_ms", &self.batch_ms, error) ||
      !ds_conformance_read_int (test_case->json, "batches_before_stop", &n_batches,
                                error) ||
      !ds_conformance_restart_strip_saving (&self, test_case->json, error))
    return FALSE;
  first.directory = g_dir_make_tmp ("ds-conformance-XXXXXX", error);
  ok = first.directory != NULL &&
       ds_conformance_restart_run_before (&self, n_batches, error);
  if (ok)
    {
      second.directory = g_steal_pointer (&first.directory);
      ds_conformance_session_clear (&first);
      self.session = &second;
      self.recorder = after;
      ok = ds_conformance_restart_run_after (&self, n_batches, error);
    }
  ds_test_try_remove_tree (files);
  return ok;
}
