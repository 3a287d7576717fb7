/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Makes GLib's locks and hand-overs visible to ThreadSanitizer: in a build with
 * -Db_sanitize=thread every file includes this first; in any other it is empty.
 *
 * GLib itself is not instrumented.  GMutex and GCond are futexes inside of it, its
 * atomics are plain instructions, so a correct program would be reported.  Here each such
 * function gets another name while GLib's headers are read, so that every call of ours,
 * those in GLib's inline functions and macros too, lands in a wrapper which tells the
 * sanitizer what happened and calls the real one.
 *
 * What goes from one thread to another is told by its own address: a queue's item, a
 * source's callback data, a task.  A lock of a wider kind (one address for all) would
 * make programs look ordered that are not.  A new kind of hand-over is added here. */

#if defined(__SANITIZE_THREAD__)
#define DS_HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define DS_HAS_TSAN 1
#endif
#endif

#ifdef DS_HAS_TSAN

/* GLib declares these; the files below define them. */
#define g_mutex_init ds_tsan_mutex_init
#define g_mutex_clear ds_tsan_mutex_clear
#define g_mutex_lock ds_tsan_mutex_lock
#define g_mutex_trylock ds_tsan_mutex_trylock
#define g_mutex_unlock ds_tsan_mutex_unlock
#define g_cond_wait ds_tsan_cond_wait
#define g_cond_wait_until ds_tsan_cond_wait_until
#define g_rec_mutex_lock ds_tsan_rec_mutex_lock
#define g_rec_mutex_trylock ds_tsan_rec_mutex_trylock
#define g_rec_mutex_unlock ds_tsan_rec_mutex_unlock
#define g_rw_lock_writer_lock ds_tsan_rw_lock_writer_lock
#define g_rw_lock_writer_trylock ds_tsan_rw_lock_writer_trylock
#define g_rw_lock_writer_unlock ds_tsan_rw_lock_writer_unlock
#define g_rw_lock_reader_lock ds_tsan_rw_lock_reader_lock
#define g_rw_lock_reader_trylock ds_tsan_rw_lock_reader_trylock
#define g_rw_lock_reader_unlock ds_tsan_rw_lock_reader_unlock
#define g_bit_lock ds_tsan_bit_lock
#define g_bit_trylock ds_tsan_bit_trylock
#define g_bit_unlock ds_tsan_bit_unlock
#define g_once_impl ds_tsan_once_impl

#define g_async_queue_push ds_tsan_async_queue_push
#define g_async_queue_push_unlocked ds_tsan_async_queue_push_unlocked
#define g_async_queue_push_front ds_tsan_async_queue_push_front
#define g_async_queue_push_sorted ds_tsan_async_queue_push_sorted
#define g_async_queue_pop ds_tsan_async_queue_pop
#define g_async_queue_pop_unlocked ds_tsan_async_queue_pop_unlocked
#define g_async_queue_try_pop ds_tsan_async_queue_try_pop
#define g_async_queue_try_pop_unlocked ds_tsan_async_queue_try_pop_unlocked
#define g_async_queue_timeout_pop ds_tsan_async_queue_timeout_pop
#define g_async_queue_timeout_pop_unlocked ds_tsan_async_queue_timeout_pop_unlocked
#define g_async_queue_lock ds_tsan_async_queue_lock
#define g_async_queue_unlock ds_tsan_async_queue_unlock

#define g_object_new ds_tsan_object_new
#define g_object_unref ds_tsan_object_unref
#define g_weak_ref_get ds_tsan_weak_ref_get
#define g_atomic_rc_box_release ds_tsan_atomic_rc_box_release
#define g_atomic_rc_box_release_full ds_tsan_atomic_rc_box_release_full
#define g_bytes_new_with_free_func ds_tsan_bytes_new_with_free_func
#define g_bytes_unref ds_tsan_bytes_unref

#define g_thread_pool_new ds_tsan_thread_pool_new
#define g_thread_pool_new_full ds_tsan_thread_pool_new_full
#define g_thread_pool_push ds_tsan_thread_pool_push
#define g_thread_pool_free ds_tsan_thread_pool_free

#define g_source_new ds_tsan_source_new
#define g_source_attach ds_tsan_source_attach
#define g_source_set_callback ds_tsan_source_set_callback
#define g_source_set_ready_time ds_tsan_source_set_ready_time
#define g_source_destroy ds_tsan_source_destroy
#define g_source_unref ds_tsan_source_unref
#define g_idle_add ds_tsan_idle_add
#define g_idle_add_full ds_tsan_idle_add_full
#define g_idle_add_once ds_tsan_idle_add_once
#define g_timeout_add ds_tsan_timeout_add
#define g_timeout_add_full ds_tsan_timeout_add_full
#define g_timeout_add_once ds_tsan_timeout_add_once
#define g_timeout_add_seconds ds_tsan_timeout_add_seconds
#define g_main_context_invoke ds_tsan_main_context_invoke
#define g_main_context_invoke_full ds_tsan_main_context_invoke_full
#define g_main_context_acquire ds_tsan_main_context_acquire
#define g_main_context_release ds_tsan_main_context_release
#define g_main_context_iteration ds_tsan_main_context_iteration
#define g_main_context_wakeup ds_tsan_main_context_wakeup
#define g_main_loop_run ds_tsan_main_loop_run
#define g_main_loop_quit ds_tsan_main_loop_quit
#define g_main_loop_is_running ds_tsan_main_loop_is_running

#define g_task_run_in_thread ds_tsan_task_run_in_thread
#define g_task_run_in_thread_sync ds_tsan_task_run_in_thread_sync
#define g_task_return_pointer ds_tsan_task_return_pointer
#define g_task_return_boolean ds_tsan_task_return_boolean
#define g_task_return_int ds_tsan_task_return_int
#define g_task_return_error ds_tsan_task_return_error
#define g_task_propagate_pointer ds_tsan_task_propagate_pointer
#define g_task_propagate_boolean ds_tsan_task_propagate_boolean
#define g_task_propagate_int ds_tsan_task_propagate_int
#define g_cancellable_cancel ds_tsan_cancellable_cancel
#define g_cancellable_is_cancelled ds_tsan_cancellable_is_cancelled
#define g_cancellable_set_error_if_cancelled ds_tsan_cancellable_set_error_if_cancelled

#define g_strerror ds_tsan_strerror
#define g_intern_string ds_tsan_intern_string
#define g_quark_to_string ds_tsan_quark_to_string

#include <gio/gio.h>
#include <sanitizer/tsan_interface.h>
#include <unistd.h>

/* Each file that includes this brings the wrappers; the linker keeps one. */
#define DS_TSAN_WRAPPER __attribute__ ((weak))
/* GLib's own function of a name that was taken over. */
#define DS_TSAN_REAL(result, name, ...) \
  extern result ds_real_##name (__VA_ARGS__) __asm__("g_" #name)

static inline void
ds_tsan_acquire (gconstpointer address)
{
  __tsan_acquire ((gpointer) (gsize) address);
}

static inline void
ds_tsan_release (gconstpointer address)
{
  __tsan_release ((gpointer) (gsize) address);
}

/* In between, what GLib does to lists and tables of its own, under locks of its own, is
 * not looked at. */
void AnnotateIgnoreReadsBegin (const char *file, int line);
void AnnotateIgnoreReadsEnd (const char *file, int line);
void AnnotateIgnoreWritesBegin (const char *file, int line);
void AnnotateIgnoreWritesEnd (const char *file, int line);

extern __thread guint ds_tsan_n_away; /* calls of GLib within each other */
DS_TSAN_WRAPPER __thread guint ds_tsan_n_away;

static inline void
ds_tsan_go_away (guint n_away)
{
  if (n_away == 0)
    return;
  ds_tsan_n_away = n_away;
  AnnotateIgnoreReadsBegin (__FILE__, __LINE__);
  AnnotateIgnoreWritesBegin (__FILE__, __LINE__);
}

/* Around a function of ours that GLib calls meanwhile. */
static inline guint
ds_tsan_come_back (void)
{
  guint n_away = ds_tsan_n_away;

  if (n_away == 0)
    return 0;
  AnnotateIgnoreWritesEnd (__FILE__, __LINE__);
  AnnotateIgnoreReadsEnd (__FILE__, __LINE__);
  ds_tsan_n_away = 0;
  return n_away;
}

static inline void
ds_tsan_look_away (void)
{
  ds_tsan_go_away (ds_tsan_come_back () + 1);
}

static inline void
ds_tsan_look_again (void)
{
  ds_tsan_go_away (ds_tsan_come_back () - 1);
}

#include "base/ds-tsan-locks-private.h"
#include "base/ds-tsan-references-private.h"
#include "base/ds-tsan-loops-private.h"
#include "base/ds-tsan-tasks-private.h"

#endif /* DS_HAS_TSAN */
