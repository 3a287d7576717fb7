/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each way of GLib's to hand something from one thread to another, with plain memory
 * behind it.  Right everywhere; in a build with ThreadSanitizer it shows besides that the
 * sanitizer sees these ways (no report), and that it still sees a race. */

#include <gio/gio.h>
#include <string.h>

#define N_ROUNDS 2000

#if defined(__SANITIZE_THREAD__)
#define HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAS_TSAN 1
#endif
#endif
#ifndef HAS_TSAN
#define HAS_TSAN 0
#endif

/* ---- Locks ---- */

typedef struct
{
  GMutex mutex;
  GRecMutex rec_mutex;
  GRWLock rw_lock;
  gint bits;
  void (*lock) (gpointer self);
  void (*unlock) (gpointer self);
  int n; /* plain */
} Locked;

static gpointer
count_locked (gpointer data)
{
  Locked *self = data;

  for (int i = 0; i < N_ROUNDS; i++)
    {
      self->lock (self);
      self->n++;
      self->unlock (self);
    }
  return NULL;
}

static void
check_lock (void (*lock) (gpointer self), void (*unlock) (gpointer self))
{
  Locked self = { .lock = lock, .unlock = unlock };
  GThread *threads[3];

  g_mutex_init (&self.mutex);
  g_rec_mutex_init (&self.rec_mutex);
  g_rw_lock_init (&self.rw_lock);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("lock", count_locked, &self);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);

  g_assert_cmpint (self.n, ==, 3 * N_ROUNDS);
  g_mutex_clear (&self.mutex);
  g_rec_mutex_clear (&self.rec_mutex);
  g_rw_lock_clear (&self.rw_lock);
}

static void
lock_mutex (gpointer self)
{
  g_mutex_lock (&((Locked *) self)->mutex);
}

static void
try_mutex (gpointer self)
{
  while (!g_mutex_trylock (&((Locked *) self)->mutex))
    g_thread_yield ();
}

static void
unlock_mutex (gpointer self)
{
  g_mutex_unlock (&((Locked *) self)->mutex);
}

static void
lock_recursively (gpointer self)
{
  g_rec_mutex_lock (&((Locked *) self)->rec_mutex);
  while (!g_rec_mutex_trylock (&((Locked *) self)->rec_mutex))
    g_thread_yield ();
}

static void
unlock_recursively (gpointer self)
{
  g_rec_mutex_unlock (&((Locked *) self)->rec_mutex);
  g_rec_mutex_unlock (&((Locked *) self)->rec_mutex);
}

static void
lock_to_write (gpointer self)
{
  g_rw_lock_writer_lock (&((Locked *) self)->rw_lock);
}

static void
unlock_written (gpointer self)
{
  int n = ((Locked *) self)->n;

  g_rw_lock_writer_unlock (&((Locked *) self)->rw_lock);
  g_rw_lock_reader_lock (&((Locked *) self)->rw_lock);
  g_assert_cmpint (((Locked *) self)->n, >=, n);
  g_rw_lock_reader_unlock (&((Locked *) self)->rw_lock);
}

static void
lock_bit (gpointer self)
{
  g_bit_lock (&((Locked *) self)->bits, 3);
}

static void
unlock_bit (gpointer self)
{
  g_bit_unlock (&((Locked *) self)->bits, 3);
}

static void
test_locks (void)
{
  g_test_summary ("What is done under a lock is done one after the other");

  check_lock (lock_mutex, unlock_mutex);
  check_lock (try_mutex, unlock_mutex);
  check_lock (lock_recursively, unlock_recursively);
  check_lock (lock_to_write, unlock_written);
  check_lock (lock_bit, unlock_bit);
}

static gpointer
count_with_locker (gpointer data)
{
  Locked *self = data;

  for (int i = 0; i < N_ROUNDS; i++)
    {
      g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->mutex);

      g_assert_nonnull (locker);
      self->n++;
    }
  return NULL;
}

static void
test_lockers (void)
{
  Locked self = { .n = 0 };
  GThread *thread;

  g_test_summary ("GLib's inline functions are seen too");

  g_mutex_init (&self.mutex);
  thread = g_thread_new ("locker", count_with_locker, &self);
  count_with_locker (&self);
  g_thread_join (thread);
  g_assert_cmpint (self.n, ==, 2 * N_ROUNDS);
  g_mutex_clear (&self.mutex);
}

typedef struct
{
  GMutex mutex;
  GCond cond;
  gboolean is_full;
  int payload[4];
} Mailbox;

static gpointer
fill_mailbox (gpointer data)
{
  Mailbox *self = data;

  for (int i = 0; i < N_ROUNDS; i++)
    {
      g_mutex_lock (&self->mutex);
      while (self->is_full)
        g_cond_wait (&self->cond, &self->mutex);
      self->payload[i % 4] = i;
      self->is_full = TRUE;
      g_cond_signal (&self->cond);
      g_mutex_unlock (&self->mutex);
    }
  return NULL;
}

static void
test_conditions (void)
{
  Mailbox self = { .is_full = FALSE };
  GThread *thread;

  g_test_summary ("Waiting on a condition gives the lock away and takes it back");

  g_mutex_init (&self.mutex);
  g_cond_init (&self.cond);
  thread = g_thread_new ("mailbox", fill_mailbox, &self);
  for (int i = 0; i < N_ROUNDS; i++)
    {
      g_mutex_lock (&self.mutex);
      while (!self.is_full)
        g_cond_wait_until (&self.cond, &self.mutex,
                           g_get_monotonic_time () + G_TIME_SPAN_SECOND);
      g_assert_cmpint (self.payload[i % 4], ==, i);
      self.is_full = FALSE;
      g_cond_signal (&self.cond);
      g_mutex_unlock (&self.mutex);
    }
  g_thread_join (thread);
  g_cond_clear (&self.cond);
  g_mutex_clear (&self.mutex);
}

/* ---- Once ---- */

static int once_value;
static int once_init_value;

static gpointer
set_once_value (gpointer data)
{
  once_value = 7;
  return data;
}

static gpointer
use_once (gpointer data)
{
  static GOnce once = G_ONCE_INIT;
  static gsize location;

  g_assert_true (g_once (&once, set_once_value, &once_value) == &once_value);
  g_assert_cmpint (once_value, ==, 7);

  if (g_once_init_enter (&location))
    {
      once_init_value = 9;
      g_once_init_leave (&location, 1);
    }
  g_assert_cmpint (once_init_value, ==, 9);
  return NULL;
}

static void
test_once (void)
{
  GThread *threads[4];

  g_test_summary ("What is set up once is seen by whoever comes later");

  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("once", use_once, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

/* ---- Queues, pools ---- */

static gpointer
push_items (gpointer queue)
{
  for (int i = 1; i <= N_ROUNDS; i++)
    {
      int *item = g_new (int, 1);

      *item = i;
      g_async_queue_push (queue, item);
    }
  return NULL;
}

static void
test_queues (void)
{
  g_autoptr (GAsyncQueue) queue = g_async_queue_new ();
  GThread *thread = g_thread_new ("queue", push_items, queue);

  g_test_summary ("An item of a queue is as it was pushed");

  for (int i = 1; i <= N_ROUNDS; i++)
    {
      g_autofree int *item = g_async_queue_try_pop (queue);

      if (item == NULL)
        item = g_async_queue_pop (queue);
      g_assert_cmpint (*item, ==, i);
      (*item)++;
    }
  g_thread_join (thread);
}

static void
double_item (gpointer item, gpointer queue)
{
  *(int *) item *= 2;
  g_async_queue_push (queue, item);
}

static void
test_pools (void)
{
  g_autoptr (GAsyncQueue) queue = g_async_queue_new ();
  GThreadPool *pool = g_thread_pool_new (double_item, queue, 2, TRUE, NULL);
  int sum = 0;

  g_test_summary ("An item of a thread pool is as it was pushed");

  for (int i = 1; i <= 100; i++)
    {
      int *item = g_new (int, 1);

      *item = i;
      g_thread_pool_push (pool, item, NULL);
    }
  for (int i = 1; i <= 100; i++)
    {
      g_autofree int *item = g_async_queue_pop (queue);

      sum += *item;
    }
  g_assert_cmpint (sum, ==, 2 * 5050);
  g_thread_pool_free (pool, FALSE, TRUE);
}

/* ---- References: the last one sees what was done under the others ---- */

#define N_HOLDERS 4

typedef struct
{
  gatomicrefcount ref_count;
  int slots[N_HOLDERS];
} Shared;

typedef struct
{
  gpointer shared;
  int *slot;
  void (*drop) (gpointer shared);
} Holder;

static int n_cleared;

static void
clear_shared (gpointer data)
{
  Shared *self = data;

  for (int i = 0; i < N_HOLDERS; i++)
    g_assert_cmpint (self->slots[i], ==, i + 1);
  g_atomic_int_inc (&n_cleared);
}

static void
clear_slots (gpointer slots)
{
  for (int i = 0; i < N_HOLDERS; i++)
    g_assert_cmpint (((int *) slots)[i], ==, i + 1);
  g_atomic_int_inc (&n_cleared);
  g_free (slots);
}

static gpointer
write_and_drop (gpointer data)
{
  Holder *self = data;

  (*self->slot)++;
  self->drop (self->shared);
  return NULL;
}

/* @shared with a reference for each of the holders. */
static void
drop_on_threads (gpointer shared, int *slots, void (*drop) (gpointer shared))
{
  Holder holders[N_HOLDERS];
  GThread *threads[N_HOLDERS];

  for (int i = 0; i < N_HOLDERS; i++)
    {
      slots[i] = i;
      holders[i] = (Holder){ shared, slots + i, drop };
    }
  for (int i = 0; i < N_HOLDERS; i++)
    threads[i] = g_thread_new ("holder", write_and_drop, holders + i);
  for (int i = 0; i < N_HOLDERS; i++)
    g_thread_join (threads[i]);
}

static void
drop_object (gpointer shared)
{
  g_object_unref (shared);
}

static void
drop_box (gpointer shared)
{
  g_atomic_rc_box_release_full (shared, clear_shared);
}

static void
drop_counted (gpointer shared)
{
  Shared *self = shared;

  if (g_atomic_ref_count_dec (&self->ref_count))
    {
      clear_shared (self);
      g_free (self);
    }
}

static void
drop_bytes (gpointer shared)
{
  g_bytes_unref (shared);
}

static void
test_references (void)
{
  g_test_summary ("Whoever drops the last reference sees what all others did");

  for (int round = 0; round < 50; round++)
    {
      int *slots = g_new (int, N_HOLDERS);
      GObject *object = g_object_new (G_TYPE_OBJECT, NULL);
      Shared *box = g_atomic_rc_box_new0 (Shared);
      Shared *counted = g_new0 (Shared, 1);
      GBytes *bytes;

      g_atomic_int_set (&n_cleared, 0);

      g_object_set_data_full (object, "slots", slots, clear_slots);
      g_atomic_ref_count_init (&counted->ref_count);
      for (int i = 1; i < N_HOLDERS; i++)
        {
          g_object_ref (object);
          g_atomic_rc_box_acquire (box);
          g_atomic_ref_count_inc (&counted->ref_count);
        }
      drop_on_threads (object, slots, drop_object);
      drop_on_threads (box, box->slots, drop_box);
      drop_on_threads (counted, counted->slots, drop_counted);

      slots = g_new (int, N_HOLDERS);
      bytes = g_bytes_new_with_free_func (slots, sizeof (int), clear_slots, slots);
      for (int i = 1; i < N_HOLDERS; i++)
        g_bytes_ref (bytes);
      drop_on_threads (bytes, slots, drop_bytes);

      g_assert_cmpint (g_atomic_int_get (&n_cleared), ==, 4);
    }
}

/* ---- Main contexts ---- */

typedef struct
{
  GMainContext *context;
  GMainLoop *loop;
  int n_calls; /* only the loop's thread, and whoever waits for it */
} Loop;

typedef struct
{
  Loop *loop;
  int payload;
} Message;

static gpointer
run_loop (gpointer data)
{
  Loop *self = data;

  g_main_context_push_thread_default (self->context);
  g_main_loop_run (self->loop);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

static gboolean
receive_message (gpointer data)
{
  Message *message = data;

  g_assert_cmpint (message->payload, ==, 11);
  message->loop->n_calls++;
  return G_SOURCE_REMOVE;
}

static gboolean
quit_loop (gpointer data)
{
  g_main_loop_quit (((Loop *) data)->loop);
  return G_SOURCE_REMOVE;
}

static Message *
new_message (Loop *loop)
{
  Message *message = g_new (Message, 1);

  message->loop = loop;
  message->payload = 11;
  return message;
}

typedef struct
{
  GSource source;
  Message *message;
} MessageSource;

static gboolean
message_source_prepare (GSource *source, gint *timeout)
{
  *timeout = -1;
  return ((MessageSource *) source)->message != NULL;
}

static gboolean
message_source_dispatch (GSource *source, GSourceFunc func, gpointer data)
{
  receive_message (((MessageSource *) source)->message);
  return G_SOURCE_REMOVE;
}

static void
message_source_finalize (GSource *source)
{
  g_free (((MessageSource *) source)->message);
}

static GSourceFuncs message_source_funcs = {
  message_source_prepare,  NULL, message_source_dispatch,
  message_source_finalize, NULL, NULL
};

static void
test_main_contexts (void)
{
  Loop loop = { g_main_context_new (), NULL, 0 };
  GThread *thread;

  g_test_summary ("What a source carries is as it was attached");

  loop.loop = g_main_loop_new (loop.context, FALSE);
  thread = g_thread_new ("loop", run_loop, &loop);
  for (int i = 0; i < 200; i++)
    {
      g_autoptr (GSource) idle = g_idle_source_new ();
      g_autoptr (GSource) own =
          g_source_new (&message_source_funcs, sizeof (MessageSource));

      g_source_set_callback (idle, receive_message, new_message (&loop), g_free);
      g_source_attach (idle, loop.context);
      ((MessageSource *) own)->message = new_message (&loop);
      g_source_attach (own, loop.context);
      g_main_context_invoke_full (loop.context, G_PRIORITY_DEFAULT, receive_message,
                                  new_message (&loop), g_free);
    }
  g_main_context_invoke_full (loop.context, G_PRIORITY_LOW, quit_loop, &loop, NULL);
  g_thread_join (thread);

  g_assert_cmpint (loop.n_calls, ==, 600);
  g_main_loop_unref (loop.loop);
  g_main_context_unref (loop.context);
}

static gpointer
post_to_default (gpointer data)
{
  for (int i = 0; i < 100; i++)
    {
      g_idle_add_full (G_PRIORITY_DEFAULT, receive_message, new_message (data), g_free);
      g_timeout_add_full (G_PRIORITY_DEFAULT, 0, receive_message, new_message (data),
                          g_free);
    }
  g_timeout_add_full (G_PRIORITY_LOW, 1, quit_loop, data, NULL);
  return NULL;
}

static void
test_default_context (void)
{
  Loop loop = { NULL, g_main_loop_new (NULL, FALSE), 0 };
  GThread *thread = g_thread_new ("post", post_to_default, &loop);

  g_test_summary ("Idle functions and timeouts see what was done before they were added");

  g_main_loop_run (loop.loop);
  g_thread_join (thread);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpint (loop.n_calls, ==, 200);
  g_main_loop_unref (loop.loop);
}

static gpointer
own_context (gpointer data)
{
  Loop *self = data;

  for (int i = 0; i < N_ROUNDS; i++)
    {
      while (!g_main_context_acquire (self->context))
        g_thread_yield ();
      self->n_calls++;
      g_main_context_release (self->context);
    }
  return NULL;
}

static void
test_owners (void)
{
  Loop loop = { g_main_context_new (), NULL, 0 };
  GThread *thread = g_thread_new ("owner", own_context, &loop);

  g_test_summary ("Owning a context excludes other owners");

  own_context (&loop);
  g_thread_join (thread);
  g_assert_cmpint (loop.n_calls, ==, 2 * N_ROUNDS);
  g_main_context_unref (loop.context);
}

/* ---- GTask, GCancellable ---- */

static void
run_task (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Message *message = data;

  g_assert_cmpint (message->payload, ==, 11);
  message->payload = 12;
  g_task_return_pointer (task, new_message (NULL), g_free);
}

static void
finish_task (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask *task = G_TASK (result);
  g_autofree Message *message = g_task_propagate_pointer (task, NULL);

  g_assert_cmpint (message->payload, ==, 11);
  g_assert_cmpint (((Message *) g_task_get_task_data (task))->payload, ==, 12);
  g_main_loop_quit (data);
}

static void
test_tasks (void)
{
  g_test_summary ("A task's data goes to its thread, its result comes back");

  for (int i = 0; i < 50; i++)
    {
      g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
      GTask *task = g_task_new (NULL, NULL, finish_task, loop);

      g_task_set_task_data (task, new_message (NULL), g_free);
      g_task_run_in_thread (task, run_task);
      g_object_unref (task);
      g_main_loop_run (loop);
    }
}

typedef struct
{
  GCancellable *cancellable;
  int reason;
} Cancelling;

static gpointer
cancel_with_reason (gpointer data)
{
  Cancelling *self = data;

  self->reason = 3;
  g_cancellable_cancel (self->cancellable);
  return NULL;
}

static void
test_cancellables (void)
{
  Cancelling self = { g_cancellable_new (), 0 };
  GThread *thread = g_thread_new ("cancel", cancel_with_reason, &self);

  g_test_summary ("Who finds a cancellable cancelled sees why");

  while (!g_cancellable_is_cancelled (self.cancellable))
    g_thread_yield ();
  g_assert_cmpint (self.reason, ==, 3);
  g_thread_join (thread);
  g_object_unref (self.cancellable);
}

static gpointer
read_strings (gpointer data)
{
  gsize n_bytes = 0;

  for (int i = 1; i < 40; i++)
    {
      g_autofree char *copy = g_strdup (g_strerror (i));

      n_bytes += strlen (copy) + strlen (g_intern_string (copy));
    }
  return GSIZE_TO_POINTER (n_bytes);
}

static void
test_strings (void)
{
  GThread *threads[3];
  gpointer n_bytes = read_strings (NULL);

  g_test_summary ("Messages of errors and interned strings may be read by all");

  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("strings", read_strings, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_assert_true (g_thread_join (threads[i]) == n_bytes);
}

/* ---- Classes ---- */

typedef struct
{
  GObject parent_instance;
} Fresh;

typedef struct
{
  GObjectClass parent_class;
  int number; /* plain */
} FreshClass;

GType fresh_get_type (void);
G_DEFINE_TYPE (Fresh, fresh, G_TYPE_OBJECT)

static void
fresh_class_init (FreshClass *class)
{
  class->number = 3;
}

static void
fresh_init (Fresh *self)
{
}

static int fresh_is_made; /* atomic, relaxed: it orders nothing */

static gpointer
make_fresh (gpointer waits)
{
  GObject *object;

  while (waits != NULL && !__atomic_load_n (&fresh_is_made, __ATOMIC_RELAXED))
    g_thread_yield ();
  object = g_object_new (fresh_get_type (), NULL);
  __atomic_store_n (&fresh_is_made, TRUE, __ATOMIC_RELAXED);
  g_assert_cmpint (
      G_TYPE_INSTANCE_GET_CLASS (object, fresh_get_type (), FreshClass)->number, ==, 3);
  g_object_unref (object);
  return NULL;
}

static void
test_classes (void)
{
  GThread *first = g_thread_new ("first", make_fresh, NULL);
  GThread *second = g_thread_new ("second", make_fresh, &fresh_is_made);

  g_test_summary ("Whoever makes an object sees its class, whichever thread made that");

  g_thread_join (first);
  g_thread_join (second);
}

/* ---- And a race ---- */

/* Of two accesses at the very same time the sanitizer may miss one, but not of each. */
static int raced[512];

static gpointer
race (gpointer data)
{
  for (gsize i = 0; i < G_N_ELEMENTS (raced); i++)
    raced[i]++;
  return NULL;
}

static void
test_race (void)
{
  GThread *thread;

  g_test_summary ("A program that does race is reported");

  if (!HAS_TSAN)
    {
      g_test_skip ("not built with -Db_sanitize=thread");
      return;
    }
  if (!g_test_subprocess ())
    {
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_failed ();
      g_test_trap_assert_stderr ("*data race*");
      return;
    }

  thread = g_thread_new ("race", race, NULL);
  race (NULL);
  g_thread_join (thread);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/base/tsan/sees-locks", test_locks);
  g_test_add_func ("/base/tsan/sees-lockers", test_lockers);
  g_test_add_func ("/base/tsan/sees-conditions", test_conditions);
  g_test_add_func ("/base/tsan/sees-once", test_once);
  g_test_add_func ("/base/tsan/sees-queues", test_queues);
  g_test_add_func ("/base/tsan/sees-pools", test_pools);
  g_test_add_func ("/base/tsan/sees-last-references", test_references);
  g_test_add_func ("/base/tsan/sees-sources", test_main_contexts);
  g_test_add_func ("/base/tsan/sees-idle-functions", test_default_context);
  g_test_add_func ("/base/tsan/sees-owners-of-contexts", test_owners);
  g_test_add_func ("/base/tsan/sees-tasks", test_tasks);
  g_test_add_func ("/base/tsan/sees-cancellables", test_cancellables);
  g_test_add_func ("/base/tsan/sees-shared-strings", test_strings);
  g_test_add_func ("/base/tsan/sees-classes", test_classes);
  g_test_add_func ("/base/tsan/still-reports-a-race", test_race);

  return g_test_run ();
}
