/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The list of all kinds of callback, and the stream in which one of them is called. */

#include "tests/behaviour/callbacks.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#define N_BATCHES 5

/* ---- Handlers of signals: a kind each, found at run time ---- */

static void
on_signal (GClosure *closure,
           GValue *return_value,
           guint n_values,
           const GValue *values,
           gpointer hint,
           gpointer unused)
{
  CallbackVisit visit = { 0 };

  for (guint i = 1; i < n_values; i++)
    if (G_VALUE_HOLDS (&values[i], DS_TYPE_BATCH))
      visit.batch = g_value_get_boxed (&values[i]);
  callback_site_visit (closure->data, visit);
}

static void
build_handler (CallbackSite *site)
{
  GClosure *closure = g_closure_new_simple (sizeof (GClosure), site);

  /* A stream in which everything happens that is told of. */
  for (const CallbackKind *kind = callback_source_kinds; kind->name != NULL; kind++)
    if (g_str_equal (kind->name, "receiver-run"))
      kind->build (site);
  site->collected = ds_dstream_collect (site->pairs);
  if (g_str_equal (site->kind->name, "file-passed-over"))
    ds_dstream_collect (
        ds_streaming_context_text_file_stream (site->ssc,
                                               callback_site_need_files (site)));
  g_closure_set_marshal (closure, on_signal);
  g_signal_connect_closure (site->ssc, site->kind->name, closure, FALSE);
}

/* The same while the program iterates its main context, where they are called then. */
static void
on_batch_completed (DsStreamingContext *ssc, DsBatch *batch, gpointer site)
{
  CallbackVisit visit = { .batch = batch };

  callback_site_visit (site, visit);
}

static void
build_main_loop (CallbackSite *site)
{
  site->collected = ds_dstream_collect (site->pairs);
  g_signal_connect (site->ssc, "batch-completed", G_CALLBACK (on_batch_completed), site);
}

static void
add_kinds (GArray *kinds, const CallbackKind *added)
{
  for (; added->name != NULL; added++)
    g_array_append_vals (kinds, added, 1);
}

static GArray *
list_kinds (void)
{
  GArray *kinds = g_array_new (FALSE, FALSE, sizeof (CallbackKind));
  const CallbackKind main_loop = { "handler-in-the-main-loop", "signal",
                                   CALLBACK_LISTENER, build_main_loop, NULL };
  gpointer class = g_type_class_ref (DS_TYPE_STREAMING_CONTEXT);
  guint n_signals;
  g_autofree guint *signals = g_signal_list_ids (DS_TYPE_STREAMING_CONTEXT, &n_signals);

  add_kinds (kinds, callback_driver_kinds);
  add_kinds (kinds, callback_task_kinds);
  add_kinds (kinds, callback_operator_kinds);
  add_kinds (kinds, callback_state_kinds);
  add_kinds (kinds, callback_source_kinds);
  add_kinds (kinds, callback_elsewhere_kinds);
  for (guint i = 0; i < n_signals; i++)
    {
      CallbackKind kind = { g_signal_name (signals[i]), "signal", CALLBACK_LISTENER,
                            build_handler, NULL };

      g_array_append_val (kinds, kind);
    }
  g_array_append_val (kinds, main_loop);
  g_type_class_unref (class);
  return kinds;
}

const CallbackKind *
callback_kinds_get (guint *n_kinds)
{
  static GArray *kinds;

  if (g_once_init_enter (&kinds))
    g_once_init_leave (&kinds, list_kinds ());
  *n_kinds = kinds->len;
  return (const CallbackKind *) (gpointer) kinds->data;
}

/* ---- Sites ---- */

static DsBlock *
new_pairs (void)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();

  ds_block_builder_add_pair (builder, ds_value_string ("a"), ds_value_int (1));
  ds_block_builder_add_pair (builder, ds_value_string ("b"), ds_value_int (2));
  ds_block_builder_add_pair (builder, ds_value_string ("a"), ds_value_int (3));
  return ds_block_builder_end (builder);
}

void
callback_site_set_up (CallbackSite *self,
                      const CallbackKind *kind,
                      CallbackVisitFunc visit,
                      gpointer visit_data)
{
  g_autoptr (DsBlock) pairs = new_pairs ();

  *self = (CallbackSite){ .kind = kind, .visit = visit, .visit_data = visit_data };
  gate_init (&self->visits);
  gate_init (&self->borrowed);
  gate_init (&self->stored);
  self->clock = ds_manual_clock_new (0);
  self->ssc = ds_streaming_context_new ("local[2]", "callbacks", DS_SECOND);
  ds_streaming_context_set_clock (self->ssc, DS_CLOCK (self->clock));
  g_object_set (self->ssc, "stop-context", FALSE, NULL);
  self->engine = g_object_ref (ds_streaming_context_get_context (self->ssc));
  self->pairs = ds_streaming_context_queue_stream (self->ssc);
  for (guint i = 0; i < N_BATCHES; i++)
    ds_dstream_push_block (self->pairs, pairs);
  kind->build (self);
}

static gboolean
go_on (gpointer unused)
{
  return G_SOURCE_CONTINUE;
}

/* Wakes up now and then: handlers may be called elsewhere, before this begins. */
static void
iterate_until_visited (CallbackSite *self)
{
  guint tick = g_timeout_add (10, go_on, NULL);

  while (gate_get (&self->visits) == 0)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (tick);
}

gboolean
callback_site_run (CallbackSite *self, GError **error)
{
  if (!ds_streaming_context_start (self->ssc, error))
    return FALSE;
  ds_manual_clock_advance (self->clock, 3 * DS_SECOND);
  if (self->kind->provoke != NULL)
    self->kind->provoke (self);
  if (g_str_equal (self->kind->type, "GAsyncReadyCallback") ||
      g_str_has_suffix (self->kind->name, "main-loop"))
    iterate_until_visited (self);
  gate_await (&self->visits, 1);
  return TRUE;
}

static void
on_gone (gpointer gone, GObject *unused)
{
  gate_add (gone, 1);
}

static char *
get_file_path (const char *directory, guint index)
{
  g_autofree char *name =
      index < N_BATCHES ? g_strdup_printf ("%u", index) : g_strdup (".hidden");

  return g_build_filename (directory, name, NULL);
}

static void
remove_files (const char *directory)
{
  for (guint i = 0; i <= N_BATCHES; i++)
    {
      g_autofree char *path = get_file_path (directory, i);

      g_unlink (path);
    }
  g_rmdir (directory);
}

void
callback_site_tear_down (CallbackSite *self)
{
  g_auto (Gate) gone = { 0 };

  gate_init (&gone);
  g_clear_pointer (&self->thread, g_thread_join);
  if (self->ssc != NULL)
    {
      /* The thread of a stop that was asked for may be the last to hold it. */
      g_object_weak_ref (G_OBJECT (self->ssc), on_gone, &gone);
      g_clear_object (&self->ssc);
      gate_await (&gone, 1);
    }
  gate_await (&self->borrowed, 0);
  g_clear_object (&self->receiver);
  ds_context_stop (self->engine);
  g_clear_object (&self->engine);
  g_clear_object (&self->clock);
  if (self->directory != NULL)
    g_rmdir (self->directory);
  g_clear_pointer (&self->directory, g_free);
  if (self->files != NULL)
    remove_files (self->files);
  g_clear_pointer (&self->files, g_free);
  gate_clear (&self->visits);
  gate_clear (&self->borrowed);
  gate_clear (&self->stored);
}

void
callback_site_need_checkpoints (CallbackSite *self)
{
  g_autoptr (GError) error = NULL;

  if (self->directory != NULL)
    return;
  self->directory = g_dir_make_tmp ("dstream-callbacks-XXXXXX", &error);
  g_assert_no_error (error);
  ds_streaming_context_checkpoint (self->ssc, self->directory);
}

const char *
callback_site_need_files (CallbackSite *self)
{
  g_autoptr (GError) error = NULL;

  self->files = g_dir_make_tmp ("dstream-callbacks-XXXXXX", &error);
  g_assert_no_error (error);
  for (guint i = 0; i <= N_BATCHES; i++)
    {
      g_autofree char *path = get_file_path (self->files, i);
      struct timespec times[2] = { { i, 1000 }, { i, 1000 } };

      g_assert_true (g_file_set_contents (path, "line\n", -1, NULL));
      g_assert_cmpint (utimensat (AT_FDCWD, path, times, 0), ==, 0);
    }
  return self->files;
}

gboolean
callback_site_visit (CallbackSite *self, CallbackVisit visit)
{
  gboolean ok;

  visit.site = self;
  if (visit.task != NULL)
    visit.batch_time = ds_task_get_batch_time (visit.task);
  else if (visit.batch != NULL)
    visit.batch_time = ds_batch_get_time (visit.batch);
  else if (visit.batch_time == 0)
    visit.batch_time = DS_TIME_NONE;
  ok = self->visit (&visit, self->visit_data);
  gate_add (&self->visits, 1);
  return ok;
}

gboolean
callback_site_visit_driver (CallbackSite *self, CallbackVisit visit, GError **error)
{
  if (callback_site_visit (self, visit))
    return TRUE;
  g_set_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION, "bad luck in %s",
               self->kind->name);
  return FALSE;
}

gpointer
callback_site_lend (CallbackSite *self)
{
  gate_add (&self->borrowed, -1);
  return self;
}

void
callback_site_destroyed (gpointer site)
{
  CallbackSite *self = site;

  callback_site_visit (self, (CallbackVisit){ 0 });
  gate_add (&self->borrowed, 1);
}
