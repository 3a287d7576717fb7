/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For ThreadSanitizer, see ds-tsan-private.h: main contexts and their sources. */

/* ---- A function with its data, called later by another thread ---- */

typedef struct
{
  gint ref_count;
  GCallback func;
  gpointer data;
  GDestroyNotify destroy; /* (nullable) */
  gpointer source;        /* (nullable): what else must have happened before */
} DsTsanCall;

static inline DsTsanCall *
ds_tsan_call_new (GCallback func, gpointer data, GDestroyNotify destroy)
{
  DsTsanCall *self = g_new0 (DsTsanCall, 1);

  self->ref_count = 1;
  self->func = func;
  self->data = data;
  self->destroy = destroy;
  ds_tsan_release (self);
  return self;
}

static inline void
ds_tsan_call_ref (gpointer call)
{
  DsTsanCall *self = call;

  ds_tsan_acquire (self);
  __atomic_add_fetch (&self->ref_count, 1, __ATOMIC_RELAXED);
}

static inline void
ds_tsan_call_unref (gpointer call)
{
  DsTsanCall *self = call;

  guint n_away;

  if (__atomic_sub_fetch (&self->ref_count, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  n_away = ds_tsan_come_back ();
  ds_tsan_acquire (self);
  if (self->source != NULL)
    ds_tsan_acquire (self->source);
  if (self->destroy != NULL)
    self->destroy (self->data);
  g_free (self);
  ds_tsan_go_away (n_away);
}

/* ---- Sources ---- */

DS_TSAN_REAL (GSource *, source_new, GSourceFuncs *funcs, guint size);
DS_TSAN_REAL (guint, source_attach, GSource *source, GMainContext *context);
DS_TSAN_REAL (void, source_set_ready_time, GSource *source, gint64 ready_time);
DS_TSAN_REAL (void, source_destroy, GSource *source);
DS_TSAN_REAL (void, source_unref, GSource *source);

/* GLib asks for the callback right before it calls it, on the thread that does, whatever
 * the callback's own type is. */
static inline void
ds_tsan_call_get (gpointer call, GSource *source, GSourceFunc *func, gpointer *data)
{
  DsTsanCall *self = call;

  ds_tsan_acquire (self);
  ds_tsan_acquire (source);
  *func = (GSourceFunc) self->func;
  *data = self->data;
}

DS_TSAN_WRAPPER void
ds_tsan_source_set_callback (GSource *source,
                             GSourceFunc func,
                             gpointer data,
                             GDestroyNotify destroy)
{
  static GSourceCallbackFuncs funcs = { ds_tsan_call_ref, ds_tsan_call_unref,
                                        ds_tsan_call_get };
  DsTsanCall *call = ds_tsan_call_new ((GCallback) func, data, destroy);

  call->source = source;
  ds_tsan_release (call);
  g_source_set_callback_indirect (source, call, &funcs);
}

DS_TSAN_WRAPPER guint
ds_tsan_source_attach (GSource *source, GMainContext *context)
{
  guint id;

  ds_tsan_release (source);
  ds_tsan_look_away ();
  id = ds_real_source_attach (source, context);
  ds_tsan_look_again ();
  return id;
}

DS_TSAN_WRAPPER void
ds_tsan_source_set_ready_time (GSource *source, gint64 ready_time)
{
  ds_tsan_release (source);
  ds_tsan_look_away ();
  ds_real_source_set_ready_time (source, ready_time);
  ds_tsan_look_again ();
}

DS_TSAN_WRAPPER void
ds_tsan_source_destroy (GSource *source)
{
  ds_tsan_release (source);
  ds_tsan_look_away ();
  ds_real_source_destroy (source);
  ds_tsan_look_again ();
}

DS_TSAN_WRAPPER void
ds_tsan_source_unref (GSource *source)
{
  ds_tsan_release (source);
  ds_tsan_look_away ();
  ds_real_source_unref (source);
  ds_tsan_look_again ();
}

/* A source of a program's own: its functions are reached through these, which are found
 * by the table that lies in front. */
typedef struct
{
  GSourceFuncs funcs;
  GSourceFuncs *real;
} DsTsanSourceFuncs;

static inline GSourceFuncs *
ds_tsan_source_enter (GSource *source)
{
  ds_tsan_acquire (source);
  return ((DsTsanSourceFuncs *) (gsize) source->source_funcs)->real;
}

static inline gboolean
ds_tsan_source_prepare (GSource *source, gint *timeout)
{
  return ds_tsan_source_enter (source)->prepare (source, timeout);
}

static inline gboolean
ds_tsan_source_check (GSource *source)
{
  return ds_tsan_source_enter (source)->check (source);
}

static inline gboolean
ds_tsan_source_dispatch (GSource *source, GSourceFunc func, gpointer data)
{
  gboolean goes_on = ds_tsan_source_enter (source)->dispatch (source, func, data);

  ds_tsan_release (source);
  return goes_on;
}

static inline void
ds_tsan_source_finalize (GSource *source)
{
  guint n_away = ds_tsan_come_back ();
  GSourceFuncs *real = ds_tsan_source_enter (source);

  if (real->finalize != NULL)
    real->finalize (source);
  ds_tsan_go_away (n_away);
  g_free ((gpointer) (gsize) source->source_funcs);
}

DS_TSAN_WRAPPER GSource *
ds_tsan_source_new (GSourceFuncs *funcs, guint size)
{
  DsTsanSourceFuncs *table = g_new0 (DsTsanSourceFuncs, 1);

  table->funcs = *funcs;
  table->real = funcs;
  if (funcs->prepare != NULL)
    table->funcs.prepare = ds_tsan_source_prepare;
  if (funcs->check != NULL)
    table->funcs.check = ds_tsan_source_check;
  table->funcs.dispatch = ds_tsan_source_dispatch;
  table->funcs.finalize = ds_tsan_source_finalize;
  return ds_real_source_new (&table->funcs, size);
}

/* ---- Sources that GLib makes by itself ---- */

static inline guint
ds_tsan_source_add (GSource *source,
                    GMainContext *context,
                    gint priority,
                    GSourceFunc func,
                    gpointer data,
                    GDestroyNotify destroy)
{
  guint id;

  g_source_set_priority (source, priority);
  ds_tsan_source_set_callback (source, func, data, destroy);
  id = ds_tsan_source_attach (source, context);
  g_source_unref (source);
  return id;
}

/* For functions that want no answer: they are called from a call of their own. */
static inline gboolean
ds_tsan_call_run_once (gpointer call)
{
  DsTsanCall *self = call;

  ((GSourceOnceFunc) self->func) (self->data);
  return G_SOURCE_REMOVE;
}

DS_TSAN_WRAPPER guint
ds_tsan_idle_add_full (gint priority,
                       GSourceFunc func,
                       gpointer data,
                       GDestroyNotify destroy)
{
  return ds_tsan_source_add (g_idle_source_new (), NULL, priority, func, data, destroy);
}

DS_TSAN_WRAPPER guint
ds_tsan_idle_add (GSourceFunc func, gpointer data)
{
  return ds_tsan_idle_add_full (G_PRIORITY_DEFAULT_IDLE, func, data, NULL);
}

DS_TSAN_WRAPPER guint
ds_tsan_idle_add_once (GSourceOnceFunc func, gpointer data)
{
  return ds_tsan_idle_add_full (G_PRIORITY_DEFAULT_IDLE, ds_tsan_call_run_once,
                                ds_tsan_call_new ((GCallback) func, data, NULL),
                                ds_tsan_call_unref);
}

DS_TSAN_WRAPPER guint
ds_tsan_timeout_add_full (gint priority,
                          guint interval,
                          GSourceFunc func,
                          gpointer data,
                          GDestroyNotify destroy)
{
  return ds_tsan_source_add (g_timeout_source_new (interval), NULL, priority, func, data,
                             destroy);
}

DS_TSAN_WRAPPER guint
ds_tsan_timeout_add (guint interval, GSourceFunc func, gpointer data)
{
  return ds_tsan_timeout_add_full (G_PRIORITY_DEFAULT, interval, func, data, NULL);
}

DS_TSAN_WRAPPER guint
ds_tsan_timeout_add_once (guint interval, GSourceOnceFunc func, gpointer data)
{
  return ds_tsan_timeout_add_full (G_PRIORITY_DEFAULT, interval, ds_tsan_call_run_once,
                                   ds_tsan_call_new ((GCallback) func, data, NULL),
                                   ds_tsan_call_unref);
}

DS_TSAN_WRAPPER guint
ds_tsan_timeout_add_seconds (guint interval, GSourceFunc func, gpointer data)
{
  return ds_tsan_source_add (g_timeout_source_new_seconds (interval), NULL,
                             G_PRIORITY_DEFAULT, func, data, NULL);
}

/* ---- Contexts and loops: owning a context is like holding a lock ---- */

DS_TSAN_REAL (gboolean, main_context_acquire, GMainContext *context);
DS_TSAN_REAL (void, main_context_release, GMainContext *context);
DS_TSAN_REAL (gboolean,
              main_context_iteration,
              GMainContext *context,
              gboolean may_block);
DS_TSAN_REAL (void, main_context_wakeup, GMainContext *context);
DS_TSAN_REAL (void, main_loop_run, GMainLoop *loop);
DS_TSAN_REAL (void, main_loop_quit, GMainLoop *loop);
DS_TSAN_REAL (gboolean, main_loop_is_running, GMainLoop *loop);

static inline GMainContext *
ds_tsan_context (GMainContext *context)
{
  return context != NULL ? context : g_main_context_default ();
}

DS_TSAN_WRAPPER gboolean
ds_tsan_main_context_acquire (GMainContext *context)
{
  gboolean is_owner = ds_real_main_context_acquire (context);

  if (is_owner)
    ds_tsan_acquire (ds_tsan_context (context));
  return is_owner;
}

DS_TSAN_WRAPPER void
ds_tsan_main_context_release (GMainContext *context)
{
  ds_tsan_release (ds_tsan_context (context));
  ds_real_main_context_release (context);
}

DS_TSAN_WRAPPER gboolean
ds_tsan_main_context_iteration (GMainContext *context, gboolean may_block)
{
  gboolean was_dispatched;

  ds_tsan_acquire (ds_tsan_context (context));
  was_dispatched = ds_real_main_context_iteration (context, may_block);
  ds_tsan_acquire (ds_tsan_context (context)); /* what was before a wake-up */
  ds_tsan_release (ds_tsan_context (context));
  return was_dispatched;
}

DS_TSAN_WRAPPER void
ds_tsan_main_context_wakeup (GMainContext *context)
{
  ds_tsan_release (ds_tsan_context (context));
  ds_tsan_look_away ();
  ds_real_main_context_wakeup (context);
  ds_tsan_look_again ();
}

/* At once where the context is owned or can be, else by a source: as GLib does. */
DS_TSAN_WRAPPER void
ds_tsan_main_context_invoke_full (GMainContext *context,
                                  gint priority,
                                  GSourceFunc func,
                                  gpointer data,
                                  GDestroyNotify destroy)
{
  gboolean is_owner = g_main_context_is_owner (ds_tsan_context (context));
  gboolean is_acquired = !is_owner &&
                         ds_tsan_context (g_main_context_get_thread_default ()) ==
                             ds_tsan_context (context) &&
                         ds_tsan_main_context_acquire (context);

  if (!is_owner && !is_acquired)
    {
      ds_tsan_source_add (g_idle_source_new (), context, priority, func, data, destroy);
      return;
    }

  while (func (data))
    ;
  if (destroy != NULL)
    destroy (data);
  if (is_acquired)
    ds_tsan_main_context_release (context);
}

DS_TSAN_WRAPPER void
ds_tsan_main_context_invoke (GMainContext *context, GSourceFunc func, gpointer data)
{
  ds_tsan_main_context_invoke_full (context, G_PRIORITY_DEFAULT, func, data, NULL);
}

DS_TSAN_WRAPPER void
ds_tsan_main_loop_run (GMainLoop *loop)
{
  GMainContext *context = g_main_loop_get_context (loop);

  ds_tsan_acquire (context);
  ds_real_main_loop_run (loop);
  ds_tsan_acquire (loop); /* what was before it was quit */
  ds_tsan_release (context);
}

DS_TSAN_WRAPPER void
ds_tsan_main_loop_quit (GMainLoop *loop)
{
  ds_tsan_release (loop);
  ds_tsan_look_away ();
  ds_real_main_loop_quit (loop);
  ds_tsan_look_again ();
}

DS_TSAN_WRAPPER gboolean
ds_tsan_main_loop_is_running (GMainLoop *loop)
{
  gboolean is_running = ds_real_main_loop_is_running (loop);

  ds_tsan_acquire (loop);
  return is_running;
}
