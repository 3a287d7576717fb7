/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SIGINT and SIGTERM, for programs that ask for it: the library installs no handlers by
 * itself.  The signals are watched in a thread of their own, since the main thread
 * usually sleeps in ds_streaming_context_await_termination ().  The first signal stops
 * gracefully, the next at once; when the context is stopped the handlers are gone, so
 * that a further one ends the program as usual. */

#include "dstream/ds-streaming-context-private.h"
#include "receivers/ds-poll-threads-private.h"

#include <glib-unix.h>
#include <signal.h>
#include <unistd.h>

struct _DsSignalWatch
{
  GWeakRef target; /* DsStreamingContext */
  GMainContext *main_context;
  GMainLoop *loop;
  GThread *thread;
  guint n_seen; /* up to 2.  Thread: the watch's */
};

static void
ds_signal_watch_clear (gpointer data)
{
  DsSignalWatch *self = data;

  g_weak_ref_clear (&self->target);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->main_context);
}

/* Thread: the watch's. */
static gboolean
ds_signal_watch_caught (gpointer data)
{
  DsSignalWatch *self = data;
  g_autoptr (DsStreamingContext) context = g_weak_ref_get (&self->target);

  if (context == NULL)
    return G_SOURCE_REMOVE;
  /* Some who mean one send two, such as timeout. */
  if (self->n_seen == 1)
    g_message ("A second signal came: the streaming context stops at once, and does not "
               "wait for batches that have not run");
  ds_streaming_context_ask_to_stop (context,
                                    self->n_seen > 0 ? DS_STOP_NOW : DS_STOP_GRACEFULLY);
  self->n_seen = MIN (self->n_seen + 1, 2);
  return G_SOURCE_CONTINUE;
}

static void
ds_signal_watch_attach (DsSignalWatch *self, int signal_number)
{
  g_autoptr (GSource) source = g_unix_signal_source_new (signal_number);

  g_source_set_callback (source, ds_signal_watch_caught, self, NULL);
  g_source_attach (source, self->main_context);
}

static gpointer
ds_signal_watch_run (gpointer data)
{
  DsSignalWatch *self = data;

  g_main_context_push_thread_default (self->main_context);
  g_main_loop_run (self->loop);
  g_main_context_pop_thread_default (self->main_context);
  g_atomic_rc_box_release_full (self, ds_signal_watch_clear);
  return NULL;
}

static gboolean
ds_signal_watch_quit (gpointer data)
{
  DsSignalWatch *self = data;

  g_main_loop_quit (self->loop);
  return G_SOURCE_REMOVE;
}

void
ds_signal_watch_free (DsSignalWatch *self)
{
  g_autoptr (GSource) quit = g_idle_source_new ();

  /* Through the loop: before it runs, g_main_loop_quit () would be forgotten; and not by
   * g_main_context_invoke (), which would call it here then. */
  g_source_set_priority (quit, G_PRIORITY_DEFAULT);
  g_source_set_callback (quit, ds_signal_watch_quit, self, NULL);
  g_source_attach (quit, self->main_context);
  if (self->thread == g_thread_self ())
    g_thread_unref (self->thread);
  else
    g_thread_join (self->thread);
  g_atomic_rc_box_release_full (self, ds_signal_watch_clear);
}

static gboolean
ds_streaming_context_wants_watch_locked (DsStreamingContext *self)
{
  return self->signal_watch == NULL && self->state != DS_STREAMING_STOPPED;
}

/**
 * ds_streaming_context_stop_on_signals:
 * @self: a context
 *
 * Makes SIGINT and SIGTERM stop the context: the first gracefully, the second at once.
 * After the stop, signals do again what they do by default.  For programs; a second call
 * changes nothing.
 *
 * Works while the main thread waits in ds_streaming_context_await_termination (), and
 * replaces handlers that the program has for these two signals.
 *
 * Latches %DS_ERROR_FAILED or %DS_ERROR_LIMIT when there is no thread or file descriptor
 * left for it.
 */
void
ds_streaming_context_stop_on_signals (DsStreamingContext *self)
{
  DsSignalWatch *watch;
  GMainContext *main_context;
  gboolean is_wanted;
  g_autoptr (GError) error = NULL;

  g_return_if_fail (DS_IS_STREAMING_CONTEXT (self));

  if (!ds_streaming_context_check_process (self, NULL))
    return;
  g_mutex_lock (&self->lock);
  is_wanted = ds_streaming_context_wants_watch_locked (self);
  g_mutex_unlock (&self->lock);
  if (!is_wanted)
    return;

  main_context = ds_main_context_try_new (&error);
  if (main_context == NULL)
    {
      ds_streaming_context_latch (self, DS_ERROR_LIMIT, "stop_on_signals: %s",
                                  error->message);
      return;
    }
  watch = g_atomic_rc_box_new0 (DsSignalWatch);
  g_weak_ref_init (&watch->target, self);
  watch->main_context = main_context;
  watch->loop = g_main_loop_new (watch->main_context, FALSE);
  ds_signal_watch_attach (watch, SIGINT);
  ds_signal_watch_attach (watch, SIGTERM);
  g_atomic_rc_box_acquire (watch); /* of the thread */
  watch->thread = g_thread_try_new ("ds-signals", ds_signal_watch_run, watch, &error);
  if (watch->thread == NULL)
    {
      ds_streaming_context_latch (self, DS_ERROR_FAILED,
                                  "stop_on_signals: cannot start a thread: %s; the limit "
                                  "of threads (ulimit -u) may be reached",
                                  error->message);
      g_atomic_rc_box_release_full (watch, ds_signal_watch_clear);
      g_atomic_rc_box_release_full (watch, ds_signal_watch_clear);
      return;
    }

  /* It may have been stopped meanwhile, or another thread was quicker. */
  g_mutex_lock (&self->lock);
  is_wanted = ds_streaming_context_wants_watch_locked (self);
  if (is_wanted)
    self->signal_watch = watch;
  g_mutex_unlock (&self->lock);
  if (!is_wanted)
    ds_signal_watch_free (watch);
}

void
ds_streaming_context_look_for_stop_file (DsStreamingContext *self)
{
  if (self->stop_file == NULL || access (self->stop_file, F_OK) != 0)
    return;
  g_mutex_lock (&self->lock);
  if (!self->is_asked_to_stop)
    g_message ("\"%s\" is there: the streaming context stops gracefully",
               self->stop_file);
  g_mutex_unlock (&self->lock);
  ds_streaming_context_ask_to_stop (self, DS_STOP_GRACEFULLY);
}

/**
 * ds_streaming_context_stop_on_file:
 * @self: a context that is not started
 * @path: (type filename): the name of a file, which need not exist
 *
 * Stops gracefully when a file of that name exists, whatever is in it: for deployments
 * that can't send a signal.  It is looked for after each batch, so that the stop comes
 * within a batch interval; a file that is there at start stops the context after its
 * first batch.  The file is left where it is: remove it before the next start.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for an empty name and %DS_ERROR_INVALID_STATE after
 * start.
 */
void
ds_streaming_context_stop_on_file (DsStreamingContext *self, const char *path)
{
  g_return_if_fail (DS_IS_STREAMING_CONTEXT (self));
  g_return_if_fail (path != NULL);

  if (!ds_streaming_context_may_build (self, "stop_on_file"))
    return;
  if (*path == '\0')
    {
      ds_streaming_context_latch (self, DS_ERROR_INVALID_ARGUMENT,
                                  "stop_on_file: the file has no name; give a path, as "
                                  "\"run/stop\"");
      return;
    }
  g_free (self->stop_file);
  self->stop_file = g_canonicalize_filename (path, NULL);
}
