/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where events are delivered, in which order, and that none is lost. */

#include "base/ds-listener-bus-private.h"

typedef struct
{
  DsListenerBus *bus;
  GMainLoop *loop;
  GArray *seen;      /* guint, in the order of delivery */
  GThread *thread;   /* of the last delivery */
  guint n_destroyed; /* events freed */
  guint quit_at;     /* the loop is left at this event */
} Fixture;

typedef struct
{
  Fixture *fixture;
  guint number;
} Event;

static void
event_deliver (gpointer data)
{
  Event *event = data;
  Fixture *fixture = event->fixture;

  g_array_append_val (fixture->seen, event->number);
  fixture->thread = g_thread_self ();
  g_assert_true (ds_listener_bus_is_delivering (fixture->bus));
  if (fixture->loop != NULL && event->number == fixture->quit_at)
    g_main_loop_quit (fixture->loop);
}

static void
event_destroy (gpointer data)
{
  Event *event = data;

  event->fixture->n_destroyed++;
  g_free (event);
}

static void
post (Fixture *fixture, guint number)
{
  Event *event = g_new (Event, 1);

  event->fixture = fixture;
  event->number = number;
  ds_listener_bus_post (fixture->bus, event_deliver, event, event_destroy);
}

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  fixture->bus = ds_listener_bus_new (NULL);
  fixture->seen = g_array_new (FALSE, FALSE, sizeof (guint));
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  g_array_unref (fixture->seen);
}

static void
assert_all_seen_in_order (Fixture *fixture, guint n)
{
  g_assert_cmpuint (fixture->seen->len, ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_cmpuint (g_array_index (fixture->seen, guint, i), ==, i);
}

static void
test_delivers_in_own_thread_without_a_loop (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("While nobody iterates the context a thread of the bus delivers");

  for (guint i = 0; i < 100; i++)
    post (fixture, i);
  ds_listener_bus_flush (fixture->bus);

  assert_all_seen_in_order (fixture, 100);
  g_assert_true (fixture->thread != g_thread_self ());
  ds_listener_bus_free (fixture->bus);
  g_assert_cmpuint (fixture->n_destroyed, ==, 100);
}

static gboolean
post_from_the_loop (gpointer data)
{
  Fixture *fixture = data;

  for (guint i = 0; i < 100; i++)
    post (fixture, i);
  return G_SOURCE_REMOVE;
}

static void
test_delivers_in_the_thread_that_iterates (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("While a loop runs, its thread gets the events");

  fixture->loop = g_main_loop_new (NULL, FALSE);
  fixture->quit_at = 99;
  g_idle_add (post_from_the_loop, fixture);
  g_main_loop_run (fixture->loop);

  assert_all_seen_in_order (fixture, 100);
  g_assert_true (fixture->thread == g_thread_self ());
  g_clear_pointer (&fixture->loop, g_main_loop_unref);
  ds_listener_bus_free (fixture->bus);
}

static gboolean
post_and_quit (gpointer data)
{
  Fixture *fixture = data;

  for (guint i = 0; i < 100; i++)
    post (fixture, i);
  g_main_loop_quit (fixture->loop);
  return G_SOURCE_REMOVE;
}

static void
test_survives_a_loop_that_quits (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Events posted for a loop that is left meanwhile are still delivered");

  fixture->loop = g_main_loop_new (NULL, FALSE);
  fixture->quit_at = G_MAXUINT;
  g_idle_add (post_and_quit, fixture);
  g_main_loop_run (fixture->loop);
  ds_listener_bus_flush (fixture->bus);

  assert_all_seen_in_order (fixture, 100);
  g_clear_pointer (&fixture->loop, g_main_loop_unref);
  ds_listener_bus_free (fixture->bus);
}

static gboolean
post_and_flush (gpointer data)
{
  Fixture *fixture = data;

  for (guint i = 0; i < 100; i++)
    post (fixture, i);
  ds_listener_bus_flush (fixture->bus);
  assert_all_seen_in_order (fixture, 100);
  g_main_loop_quit (fixture->loop);
  return G_SOURCE_REMOVE;
}

static void
test_flush_inside_the_loop_delivers_there (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A flush by the owner of the context does not wait for itself");

  fixture->loop = g_main_loop_new (NULL, FALSE);
  fixture->quit_at = G_MAXUINT;
  g_idle_add (post_and_flush, fixture);
  g_main_loop_run (fixture->loop);

  g_clear_pointer (&fixture->loop, g_main_loop_unref);
  ds_listener_bus_free (fixture->bus);
}

static void
deliver_posting_one_more (gpointer data)
{
  Fixture *fixture = data;

  post (fixture, 0);
  /* Waiting here for the event just posted would wait for ever. */
  ds_listener_bus_flush (fixture->bus);
  g_assert_cmpuint (fixture->seen->len, ==, 0);
}

static void
test_flush_inside_a_delivery_returns (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A handler may post and flush; what it posts comes after it");

  ds_listener_bus_post (fixture->bus, deliver_posting_one_more, fixture, NULL);
  ds_listener_bus_free (fixture->bus);
  /* free () flushes what was posted before it; the thread ends with an empty queue. */
  assert_all_seen_in_order (fixture, 1);
}

static gpointer
post_many (gpointer data)
{
  for (guint i = 0; i < 1000; i++)
    post (data, i);
  return NULL;
}

static void
test_takes_posts_from_many_threads (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Four threads post a thousand events each: all arrive");

  GThread *threads[4];
  guint sum = 0;

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("poster", post_many, fixture);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  ds_listener_bus_flush (fixture->bus);

  g_assert_cmpuint (fixture->seen->len, ==, 4000);
  for (guint i = 0; i < fixture->seen->len; i++)
    sum += g_array_index (fixture->seen, guint, i);
  g_assert_cmpuint (sum, ==, 4 * (999 * 1000 / 2));
  ds_listener_bus_free (fixture->bus);
}

/* ---- A flush that gives up ---- */

typedef struct
{
  GMutex lock;
  GCond changed;
  gboolean is_open;
} Door;

static void
deliver_behind_the_door (gpointer data)
{
  Door *door = data;

  g_mutex_lock (&door->lock);
  while (!door->is_open)
    g_cond_wait (&door->changed, &door->lock);
  g_mutex_unlock (&door->lock);
}

static void
test_flush_need_not_wait_for_ever (Fixture *fixture, gconstpointer user_data)
{
  Door door = { .is_open = FALSE };
  gint64 now = g_get_monotonic_time ();

  g_test_summary ("A flush gives up at its deadline, and when a handler does not return");

  g_mutex_init (&door.lock);
  g_cond_init (&door.changed);
  ds_listener_bus_post (fixture->bus, deliver_behind_the_door, &door, NULL);
  g_assert_false (ds_listener_bus_flush_until (fixture->bus, now, G_MAXINT64));
  g_assert_false (ds_listener_bus_flush_until (fixture->bus, G_MAXINT64, 1));
  g_mutex_lock (&door.lock);
  door.is_open = TRUE;
  g_cond_broadcast (&door.changed);
  g_mutex_unlock (&door.lock);
  g_assert_true (ds_listener_bus_flush_until (fixture->bus, G_MAXINT64, G_MAXINT64));
  g_assert_true (ds_listener_bus_flush_until (fixture->bus, now, 1));
  ds_listener_bus_free (fixture->bus);
  g_mutex_clear (&door.lock);
  g_cond_clear (&door.changed);
}

static void
test_unused_bus_has_no_thread (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Making and freeing a bus without events is cheap and safe");

  ds_listener_bus_flush (fixture->bus);
  g_assert_false (ds_listener_bus_is_delivering (fixture->bus));
  ds_listener_bus_free (fixture->bus);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) \
  g_test_add ("/base/listener-bus/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("delivers-in-own-thread-without-a-loop",
       test_delivers_in_own_thread_without_a_loop);
  ADD ("delivers-in-the-thread-that-iterates", test_delivers_in_the_thread_that_iterates);
  ADD ("survives-a-loop-that-quits", test_survives_a_loop_that_quits);
  ADD ("flush-inside-the-loop-delivers-there", test_flush_inside_the_loop_delivers_there);
  ADD ("flush-inside-a-delivery-returns", test_flush_inside_a_delivery_returns);
  ADD ("takes-posts-from-many-threads", test_takes_posts_from_many_threads);
  ADD ("flush-need-not-wait-for-ever", test_flush_need_not_wait_for_ever);
  ADD ("unused-bus-has-no-thread", test_unused_bus_has_no_thread);
#undef ADD
  return g_test_run ();
}
