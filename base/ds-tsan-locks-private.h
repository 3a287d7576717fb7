/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For ThreadSanitizer, see ds-tsan-private.h: locks, conditions, once, queues.
 * Threads are pthreads, whose start and end the sanitizer sees by itself. */

/* ---- GMutex: known to the sanitizer as a mutex, so it sees inversions too ---- */

DS_TSAN_REAL (void, mutex_init, GMutex *mutex);
DS_TSAN_REAL (void, mutex_clear, GMutex *mutex);
DS_TSAN_REAL (void, mutex_lock, GMutex *mutex);
DS_TSAN_REAL (gboolean, mutex_trylock, GMutex *mutex);
DS_TSAN_REAL (void, mutex_unlock, GMutex *mutex);
DS_TSAN_REAL (gboolean, cond_wait_until, GCond *cond, GMutex *mutex, gint64 end_time);

DS_TSAN_WRAPPER void
ds_tsan_mutex_init (GMutex *mutex)
{
  ds_real_mutex_init (mutex);
  __tsan_mutex_create (mutex, __tsan_mutex_not_static);
}

DS_TSAN_WRAPPER void
ds_tsan_mutex_clear (GMutex *mutex)
{
  __tsan_mutex_destroy (mutex, __tsan_mutex_not_static);
  ds_real_mutex_clear (mutex);
}

DS_TSAN_WRAPPER void
ds_tsan_mutex_lock (GMutex *mutex)
{
  __tsan_mutex_pre_lock (mutex, 0);
  ds_real_mutex_lock (mutex);
  __tsan_mutex_post_lock (mutex, 0, 0);
}

DS_TSAN_WRAPPER gboolean
ds_tsan_mutex_trylock (GMutex *mutex)
{
  gboolean is_locked;

  __tsan_mutex_pre_lock (mutex, __tsan_mutex_try_lock);
  is_locked = ds_real_mutex_trylock (mutex);
  __tsan_mutex_post_lock (mutex,
                          is_locked ? __tsan_mutex_try_lock
                                    : __tsan_mutex_try_lock_failed,
                          0);
  return is_locked;
}

DS_TSAN_WRAPPER void
ds_tsan_mutex_unlock (GMutex *mutex)
{
  __tsan_mutex_pre_unlock (mutex, 0);
  ds_real_mutex_unlock (mutex);
  __tsan_mutex_post_unlock (mutex, 0);
}

/* Waiting is unlocking and locking; nobody can lock between what is told and what is
 * done.
 *
 * The sanitizer keeps a signal back until the thread that got it calls a function that it
 * intercepts, which a thread that waits for ever never does: it wakes up from time to
 * time, as waits may. */
DS_TSAN_WRAPPER void
ds_tsan_cond_wait (GCond *cond, GMutex *mutex)
{
  __tsan_mutex_pre_unlock (mutex, 0);
  __tsan_mutex_post_unlock (mutex, 0);
  ds_real_cond_wait_until (cond, mutex, g_get_monotonic_time () + G_USEC_PER_SEC / 10);
  __tsan_mutex_pre_lock (mutex, 0);
  __tsan_mutex_post_lock (mutex, 0, 0);
  usleep (0);
}

DS_TSAN_WRAPPER gboolean
ds_tsan_cond_wait_until (GCond *cond, GMutex *mutex, gint64 end_time)
{
  gboolean is_signalled;

  __tsan_mutex_pre_unlock (mutex, 0);
  __tsan_mutex_post_unlock (mutex, 0);
  is_signalled = ds_real_cond_wait_until (cond, mutex, end_time);
  __tsan_mutex_pre_lock (mutex, 0);
  __tsan_mutex_post_lock (mutex, 0, 0);
  return is_signalled;
}

/* ---- GRecMutex, GRWLock: pthreads inside today, which the sanitizer sees by itself;
 * told all the same, so that nothing depends on that ---- */

DS_TSAN_REAL (void, rec_mutex_lock, GRecMutex *mutex);
DS_TSAN_REAL (gboolean, rec_mutex_trylock, GRecMutex *mutex);
DS_TSAN_REAL (void, rec_mutex_unlock, GRecMutex *mutex);
DS_TSAN_REAL (void, rw_lock_writer_lock, GRWLock *lock);
DS_TSAN_REAL (gboolean, rw_lock_writer_trylock, GRWLock *lock);
DS_TSAN_REAL (void, rw_lock_writer_unlock, GRWLock *lock);
DS_TSAN_REAL (void, rw_lock_reader_lock, GRWLock *lock);
DS_TSAN_REAL (gboolean, rw_lock_reader_trylock, GRWLock *lock);
DS_TSAN_REAL (void, rw_lock_reader_unlock, GRWLock *lock);

DS_TSAN_WRAPPER void
ds_tsan_rec_mutex_lock (GRecMutex *mutex)
{
  ds_real_rec_mutex_lock (mutex);
  ds_tsan_acquire (mutex);
}

DS_TSAN_WRAPPER gboolean
ds_tsan_rec_mutex_trylock (GRecMutex *mutex)
{
  gboolean is_locked = ds_real_rec_mutex_trylock (mutex);

  if (is_locked)
    ds_tsan_acquire (mutex);
  return is_locked;
}

DS_TSAN_WRAPPER void
ds_tsan_rec_mutex_unlock (GRecMutex *mutex)
{
  ds_tsan_release (mutex);
  ds_real_rec_mutex_unlock (mutex);
}

/* Two addresses: what readers did is before the next writer, not before other readers. */
static inline gconstpointer
ds_tsan_readers_of (GRWLock *lock)
{
  return (const char *) lock + 1;
}

DS_TSAN_WRAPPER void
ds_tsan_rw_lock_writer_lock (GRWLock *lock)
{
  ds_real_rw_lock_writer_lock (lock);
  ds_tsan_acquire (lock);
  ds_tsan_acquire (ds_tsan_readers_of (lock));
}

DS_TSAN_WRAPPER gboolean
ds_tsan_rw_lock_writer_trylock (GRWLock *lock)
{
  gboolean is_locked = ds_real_rw_lock_writer_trylock (lock);

  if (is_locked)
    {
      ds_tsan_acquire (lock);
      ds_tsan_acquire (ds_tsan_readers_of (lock));
    }
  return is_locked;
}

DS_TSAN_WRAPPER void
ds_tsan_rw_lock_writer_unlock (GRWLock *lock)
{
  ds_tsan_release (lock);
  ds_real_rw_lock_writer_unlock (lock);
}

DS_TSAN_WRAPPER void
ds_tsan_rw_lock_reader_lock (GRWLock *lock)
{
  ds_real_rw_lock_reader_lock (lock);
  ds_tsan_acquire (lock);
}

DS_TSAN_WRAPPER gboolean
ds_tsan_rw_lock_reader_trylock (GRWLock *lock)
{
  gboolean is_locked = ds_real_rw_lock_reader_trylock (lock);

  if (is_locked)
    ds_tsan_acquire (lock);
  return is_locked;
}

DS_TSAN_WRAPPER void
ds_tsan_rw_lock_reader_unlock (GRWLock *lock)
{
  ds_tsan_release (ds_tsan_readers_of (lock));
  ds_real_rw_lock_reader_unlock (lock);
}

/* ---- Bit locks ---- */

DS_TSAN_REAL (void, bit_lock, volatile gint *address, gint bit);
DS_TSAN_REAL (gboolean, bit_trylock, volatile gint *address, gint bit);
DS_TSAN_REAL (void, bit_unlock, volatile gint *address, gint bit);

DS_TSAN_WRAPPER void
ds_tsan_bit_lock (volatile gint *address, gint bit)
{
  ds_real_bit_lock (address, bit);
  ds_tsan_acquire ((gconstpointer) (gsize) address);
}

DS_TSAN_WRAPPER gboolean
ds_tsan_bit_trylock (volatile gint *address, gint bit)
{
  gboolean is_locked = ds_real_bit_trylock (address, bit);

  if (is_locked)
    ds_tsan_acquire ((gconstpointer) (gsize) address);
  return is_locked;
}

DS_TSAN_WRAPPER void
ds_tsan_bit_unlock (volatile gint *address, gint bit)
{
  ds_tsan_release ((gconstpointer) (gsize) address);
  ds_real_bit_unlock (address, bit);
}

/* ---- Once ---- */

DS_TSAN_REAL (gpointer, once_impl, GOnce *once, GThreadFunc func, gpointer data);

typedef struct
{
  GOnce *once;
  GThreadFunc func;
  gpointer data;
} DsTsanOnce;

static inline gpointer
ds_tsan_once_run (gpointer data)
{
  DsTsanOnce *call = data;
  gpointer result = call->func (call->data);

  ds_tsan_release (call->once);
  return result;
}

DS_TSAN_WRAPPER gpointer
ds_tsan_once_impl (GOnce *once, GThreadFunc func, gpointer data)
{
  DsTsanOnce call = { once, func, data };
  gpointer result = ds_real_once_impl (once, ds_tsan_once_run, &call);

  ds_tsan_acquire (once);
  return result;
}

static inline gboolean
ds_tsan_once_init_enter (volatile void *location)
{
  gboolean is_first = (g_once_init_enter) (location);

  if (!is_first)
    ds_tsan_acquire ((gconstpointer) (gsize) location);
  return is_first;
}

static inline void
ds_tsan_once_init_leave (volatile void *location, gsize result)
{
  ds_tsan_release ((gconstpointer) (gsize) location);
  (g_once_init_leave) (location, result);
}

/* GLib's macros look first without a call. */
#undef g_once
#undef g_once_init_enter
#undef g_once_init_leave
#define g_once(once, func, data) ds_tsan_once_impl ((once), (func), (data))
#define g_once_init_enter(location) ds_tsan_once_init_enter (location)
#define g_once_init_leave(location, result) \
  ds_tsan_once_init_leave ((location), (gsize) (result))

/* ---- GAsyncQueue: by item ---- */

DS_TSAN_REAL (void, async_queue_push, GAsyncQueue *queue, gpointer item);
DS_TSAN_REAL (void, async_queue_push_unlocked, GAsyncQueue *queue, gpointer item);
DS_TSAN_REAL (void, async_queue_push_front, GAsyncQueue *queue, gpointer item);
DS_TSAN_REAL (void,
              async_queue_push_sorted,
              GAsyncQueue *queue,
              gpointer item,
              GCompareDataFunc compare,
              gpointer data);
DS_TSAN_REAL (gpointer, async_queue_pop, GAsyncQueue *queue);
DS_TSAN_REAL (gpointer, async_queue_pop_unlocked, GAsyncQueue *queue);
DS_TSAN_REAL (gpointer, async_queue_try_pop, GAsyncQueue *queue);
DS_TSAN_REAL (gpointer, async_queue_try_pop_unlocked, GAsyncQueue *queue);
DS_TSAN_REAL (gpointer, async_queue_timeout_pop, GAsyncQueue *queue, guint64 timeout);
DS_TSAN_REAL (gpointer,
              async_queue_timeout_pop_unlocked,
              GAsyncQueue *queue,
              guint64 timeout);
DS_TSAN_REAL (void, async_queue_lock, GAsyncQueue *queue);
DS_TSAN_REAL (void, async_queue_unlock, GAsyncQueue *queue);

static inline gpointer
ds_tsan_acquire_item (gpointer item)
{
  if (item != NULL)
    ds_tsan_acquire (item);
  return item;
}

DS_TSAN_WRAPPER void
ds_tsan_async_queue_push (GAsyncQueue *queue, gpointer item)
{
  ds_tsan_release (item);
  ds_tsan_look_away ();
  ds_real_async_queue_push (queue, item);
  ds_tsan_look_again ();
}

DS_TSAN_WRAPPER void
ds_tsan_async_queue_push_unlocked (GAsyncQueue *queue, gpointer item)
{
  ds_tsan_release (item);
  ds_tsan_look_away ();
  ds_real_async_queue_push_unlocked (queue, item);
  ds_tsan_look_again ();
}

DS_TSAN_WRAPPER void
ds_tsan_async_queue_push_front (GAsyncQueue *queue, gpointer item)
{
  ds_tsan_release (item);
  ds_tsan_look_away ();
  ds_real_async_queue_push_front (queue, item);
  ds_tsan_look_again ();
}

DS_TSAN_WRAPPER void
ds_tsan_async_queue_push_sorted (GAsyncQueue *queue,
                                 gpointer item,
                                 GCompareDataFunc compare,
                                 gpointer data)
{
  ds_tsan_release (item);
  ds_real_async_queue_push_sorted (queue, item, compare, data);
}

DS_TSAN_WRAPPER gpointer
ds_tsan_async_queue_pop (GAsyncQueue *queue)
{
  gpointer item;

  ds_tsan_look_away ();
  item = ds_real_async_queue_pop (queue);
  ds_tsan_look_again ();
  return ds_tsan_acquire_item (item);
}

DS_TSAN_WRAPPER gpointer
ds_tsan_async_queue_pop_unlocked (GAsyncQueue *queue)
{
  gpointer item;

  ds_tsan_look_away ();
  item = ds_real_async_queue_pop_unlocked (queue);
  ds_tsan_look_again ();
  return ds_tsan_acquire_item (item);
}

DS_TSAN_WRAPPER gpointer
ds_tsan_async_queue_try_pop (GAsyncQueue *queue)
{
  gpointer item;

  ds_tsan_look_away ();
  item = ds_real_async_queue_try_pop (queue);
  ds_tsan_look_again ();
  return ds_tsan_acquire_item (item);
}

DS_TSAN_WRAPPER gpointer
ds_tsan_async_queue_try_pop_unlocked (GAsyncQueue *queue)
{
  gpointer item;

  ds_tsan_look_away ();
  item = ds_real_async_queue_try_pop_unlocked (queue);
  ds_tsan_look_again ();
  return ds_tsan_acquire_item (item);
}

DS_TSAN_WRAPPER gpointer
ds_tsan_async_queue_timeout_pop (GAsyncQueue *queue, guint64 timeout)
{
  gpointer item;

  ds_tsan_look_away ();
  item = ds_real_async_queue_timeout_pop (queue, timeout);
  ds_tsan_look_again ();
  return ds_tsan_acquire_item (item);
}

DS_TSAN_WRAPPER gpointer
ds_tsan_async_queue_timeout_pop_unlocked (GAsyncQueue *queue, guint64 timeout)
{
  gpointer item;

  ds_tsan_look_away ();
  item = ds_real_async_queue_timeout_pop_unlocked (queue, timeout);
  ds_tsan_look_again ();
  return ds_tsan_acquire_item (item);
}

DS_TSAN_WRAPPER void
ds_tsan_async_queue_lock (GAsyncQueue *queue)
{
  ds_real_async_queue_lock (queue);
  ds_tsan_acquire (queue);
}

DS_TSAN_WRAPPER void
ds_tsan_async_queue_unlock (GAsyncQueue *queue)
{
  ds_tsan_release (queue);
  ds_real_async_queue_unlock (queue);
}
