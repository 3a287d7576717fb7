/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For ThreadSanitizer, see ds-tsan-private.h: what runs in threads that GLib makes by
 * itself (pools, tasks), and cancellables. */

/* ---- Threads of GLib's own: between two functions of ours nothing is looked at ---- */

static inline void
ds_tsan_end_of_thread (gpointer data)
{
  ds_tsan_come_back ();
}

/* The sanitizer wants a thread back before it ends. */
extern GPrivate ds_tsan_pool_thread;
DS_TSAN_WRAPPER GPrivate ds_tsan_pool_thread = G_PRIVATE_INIT (ds_tsan_end_of_thread);

static inline void
ds_tsan_pool_enter (void)
{
  ds_tsan_come_back ();
}

static inline void
ds_tsan_pool_leave (void)
{
  g_private_set (&ds_tsan_pool_thread, &ds_tsan_pool_thread);
  ds_tsan_go_away (1);
}

/* ---- Thread pools: by item ---- */

DS_TSAN_REAL (GThreadPool *,
              thread_pool_new_full,
              GFunc func,
              gpointer data,
              GDestroyNotify item_free,
              gint max_threads,
              gboolean exclusive,
              GError **error);
DS_TSAN_REAL (gboolean,
              thread_pool_push,
              GThreadPool *pool,
              gpointer item,
              GError **error);

static inline void
ds_tsan_thread_pool_run (gpointer item, gpointer call)
{
  DsTsanCall *self = call;

  ds_tsan_pool_enter ();
  ds_tsan_acquire (self);
  ds_tsan_acquire (item);
  ((GFunc) self->func) (item, self->data);
  ds_tsan_release (self);
  ds_tsan_pool_leave ();
}

DS_TSAN_WRAPPER GThreadPool *
ds_tsan_thread_pool_new_full (GFunc func,
                              gpointer data,
                              GDestroyNotify item_free,
                              gint max_threads,
                              gboolean exclusive,
                              GError **error)
{
  DsTsanCall *call = ds_tsan_call_new ((GCallback) func, data, NULL);

  GThreadPool *pool;

  ds_tsan_look_away ();
  pool = ds_real_thread_pool_new_full (ds_tsan_thread_pool_run, call, item_free,
                                       max_threads, exclusive, error);
  ds_tsan_look_again ();
  return pool;
}

DS_TSAN_WRAPPER GThreadPool *
ds_tsan_thread_pool_new (GFunc func,
                         gpointer data,
                         gint max_threads,
                         gboolean exclusive,
                         GError **error)
{
  return ds_tsan_thread_pool_new_full (func, data, NULL, max_threads, exclusive, error);
}

DS_TSAN_WRAPPER gboolean
ds_tsan_thread_pool_push (GThreadPool *pool, gpointer item, GError **error)
{
  gboolean is_pushed;

  ds_tsan_release (item);
  ds_tsan_look_away ();
  is_pushed = ds_real_thread_pool_push (pool, item, error);
  ds_tsan_look_again ();
  return is_pushed;
}

DS_TSAN_REAL (void,
              thread_pool_free,
              GThreadPool *pool,
              gboolean immediate,
              gboolean wait);

/* Whoever waits sees what was done; otherwise the threads go on with the call. */
DS_TSAN_WRAPPER void
ds_tsan_thread_pool_free (GThreadPool *pool, gboolean immediate, gboolean wait)
{
  DsTsanCall *call;

  ds_tsan_look_away ();
  call = pool->user_data;
  ds_real_thread_pool_free (pool, immediate, wait);
  ds_tsan_look_again ();
  if (wait)
    ds_tsan_call_unref (call);
}

/* ---- GTask ---- */

DS_TSAN_REAL (void, task_run_in_thread, GTask *task, GTaskThreadFunc func);
DS_TSAN_REAL (void, task_run_in_thread_sync, GTask *task, GTaskThreadFunc func);
DS_TSAN_REAL (void,
              task_return_pointer,
              GTask *task,
              gpointer result,
              GDestroyNotify destroy);
DS_TSAN_REAL (void, task_return_boolean, GTask *task, gboolean result);
DS_TSAN_REAL (void, task_return_int, GTask *task, gssize result);
DS_TSAN_REAL (void, task_return_error, GTask *task, GError *error);
DS_TSAN_REAL (gpointer, task_propagate_pointer, GTask *task, GError **error);
DS_TSAN_REAL (gboolean, task_propagate_boolean, GTask *task, GError **error);
DS_TSAN_REAL (gssize, task_propagate_int, GTask *task, GError **error);

#define DS_TSAN_TASK_FUNC "ds-tsan-task-func"

static inline void
ds_tsan_task_run (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GTaskThreadFunc func;

  ds_tsan_pool_enter ();
  ds_tsan_acquire (task);
  func = (GTaskThreadFunc) (GCallback) g_object_get_data (G_OBJECT (task),
                                                          DS_TSAN_TASK_FUNC);
  func (task, source, data, cancellable);
  ds_tsan_release (task);
  ds_tsan_pool_leave ();
}

static inline void
ds_tsan_task_set_func (GTask *task, GTaskThreadFunc func)
{
  g_object_set_data (G_OBJECT (task), DS_TSAN_TASK_FUNC, (gpointer) (GCallback) func);
  ds_tsan_release (task);
}

DS_TSAN_WRAPPER void
ds_tsan_task_run_in_thread (GTask *task, GTaskThreadFunc func)
{
  ds_tsan_task_set_func (task, func);
  ds_tsan_look_away ();
  ds_real_task_run_in_thread (task, ds_tsan_task_run);
  ds_tsan_look_again ();
}

DS_TSAN_WRAPPER void
ds_tsan_task_run_in_thread_sync (GTask *task, GTaskThreadFunc func)
{
  ds_tsan_task_set_func (task, func);
  ds_real_task_run_in_thread_sync (task, ds_tsan_task_run);
  ds_tsan_acquire (task);
}

/* Another thread's context gets a source; our own may call back at once. */
static inline gboolean
ds_tsan_task_leave (GTask *task)
{
  gboolean is_foreign = !g_main_context_is_owner (g_task_get_context (task));

  ds_tsan_release (task);
  if (is_foreign)
    ds_tsan_look_away ();
  return is_foreign;
}

static inline void
ds_tsan_task_left (gboolean is_foreign)
{
  if (is_foreign)
    ds_tsan_look_again ();
}

DS_TSAN_WRAPPER void
ds_tsan_task_return_pointer (GTask *task, gpointer result, GDestroyNotify destroy)
{
  gboolean is_foreign = ds_tsan_task_leave (task);

  ds_real_task_return_pointer (task, result, destroy);
  ds_tsan_task_left (is_foreign);
}

DS_TSAN_WRAPPER void
ds_tsan_task_return_boolean (GTask *task, gboolean result)
{
  gboolean is_foreign = ds_tsan_task_leave (task);

  ds_real_task_return_boolean (task, result);
  ds_tsan_task_left (is_foreign);
}

DS_TSAN_WRAPPER void
ds_tsan_task_return_int (GTask *task, gssize result)
{
  gboolean is_foreign = ds_tsan_task_leave (task);

  ds_real_task_return_int (task, result);
  ds_tsan_task_left (is_foreign);
}

DS_TSAN_WRAPPER void
ds_tsan_task_return_error (GTask *task, GError *error)
{
  gboolean is_foreign = ds_tsan_task_leave (task);

  ds_real_task_return_error (task, error);
  ds_tsan_task_left (is_foreign);
}

DS_TSAN_WRAPPER gpointer
ds_tsan_task_propagate_pointer (GTask *task, GError **error)
{
  ds_tsan_acquire (task);
  return ds_real_task_propagate_pointer (task, error);
}

DS_TSAN_WRAPPER gboolean
ds_tsan_task_propagate_boolean (GTask *task, GError **error)
{
  ds_tsan_acquire (task);
  return ds_real_task_propagate_boolean (task, error);
}

DS_TSAN_WRAPPER gssize
ds_tsan_task_propagate_int (GTask *task, GError **error)
{
  ds_tsan_acquire (task);
  return ds_real_task_propagate_int (task, error);
}

/* Its arguments are a message's. */
#define g_task_return_new_error(task, ...) \
  (ds_tsan_release (task), (g_task_return_new_error) ((task), __VA_ARGS__))

/* ---- GCancellable ---- */

DS_TSAN_REAL (void, cancellable_cancel, GCancellable *cancellable);
DS_TSAN_REAL (gboolean, cancellable_is_cancelled, GCancellable *cancellable);
DS_TSAN_REAL (gboolean,
              cancellable_set_error_if_cancelled,
              GCancellable *cancellable,
              GError **error);

DS_TSAN_WRAPPER void
ds_tsan_cancellable_cancel (GCancellable *cancellable)
{
  if (cancellable != NULL)
    ds_tsan_release (cancellable);
  ds_real_cancellable_cancel (cancellable);
}

DS_TSAN_WRAPPER gboolean
ds_tsan_cancellable_is_cancelled (GCancellable *cancellable)
{
  gboolean is_cancelled = ds_real_cancellable_is_cancelled (cancellable);

  if (is_cancelled)
    ds_tsan_acquire (cancellable);
  return is_cancelled;
}

DS_TSAN_WRAPPER gboolean
ds_tsan_cancellable_set_error_if_cancelled (GCancellable *cancellable, GError **error)
{
  gboolean is_cancelled = ds_real_cancellable_set_error_if_cancelled (cancellable, error);

  if (is_cancelled)
    ds_tsan_acquire (cancellable);
  return is_cancelled;
}
