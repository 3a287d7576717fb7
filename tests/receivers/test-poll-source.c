/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "receivers/ds-poll-source-private.h"

#include "receivers/ds-deadline-heap-private.h"

#include "base/ds-error.h"
#include "base/ds-time.h"

#include <fcntl.h>
#include <gio/gio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- Deadlines ---- */

static void
test_deadlines_in_order (void)
{
  enum
  {
    N = 200
  };
  DsDeadlineHeap heap = { 0 };
  DsDeadline deadlines[N] = { 0 };
  gboolean is_there[N] = { FALSE };

  g_test_summary ("The first deadline is the least of those there, after any number that "
                  "were added, moved and removed");

  ds_deadline_heap_init (&heap);
  g_assert_null (ds_deadline_heap_get_first (&heap));
  for (guint step = 0; step < 20000; step++)
    {
      guint i = (guint) g_test_rand_int_range (0, N);
      gint64 least = G_MAXINT64;
      guint n = 0;

      is_there[i] = g_test_rand_int_range (0, 3) > 0;
      if (is_there[i])
        ds_deadline_heap_set (&heap, &deadlines[i], g_test_rand_int_range (0, 1000));
      else
        ds_deadline_heap_remove (&heap, &deadlines[i]);
      for (guint j = 0; j < N; j++)
        if (is_there[j])
          {
            least = MIN (least, deadlines[j].due);
            n++;
          }
      g_assert_cmpuint (ds_deadline_heap_get_length (&heap), ==, n);
      if (n > 0)
        g_assert_cmpint (ds_deadline_heap_get_first (&heap)->due, ==, least);
    }
  ds_deadline_heap_clear (&heap);
}

/* ---- A source, in this thread ---- */

typedef struct
{
  GMainContext *context;
  DsPollSource *source;
  GString *log; /* the names of those that were called */
} Fixture;

typedef struct _User User;
struct _User
{
  Fixture *fixture;
  char name;
  DsPollWatch *watch; /* (nullable) */
  int fds[2];         /* the first one is watched */
  guint n_calls;
  User *victim;     /* (nullable): freed by readable () */
  gint64 again_due; /* set by due (); 0: none */
};

static void
user_free_watch (User *self)
{
  g_clear_pointer (&self->watch, ds_poll_watch_free);
}

static void
user_readable (gpointer owner)
{
  User *self = owner;

  self->n_calls++;
  g_string_append_c (self->fixture->log, self->name);
  if (self->victim != NULL)
    user_free_watch (self->victim);
}

static void
user_due (gpointer owner)
{
  User *self = owner;

  self->n_calls++;
  g_string_append_c (self->fixture->log, self->name);
  if (self->again_due != 0)
    ds_poll_watch_set_deadline (self->watch, self->again_due);
}

static void
user_woken (gpointer owner)
{
  User *self = owner;

  self->n_calls++;
  g_string_append_c (self->fixture->log, self->name);
  if (self->victim != NULL)
    user_free_watch (self->victim);
}

static const DsPollWatchFuncs user_funcs = {
  .readable = user_readable,
  .due = user_due,
  .woken = user_woken,
};

static void
user_init (User *self, Fixture *fixture, char name)
{
  *self = (User){ .fixture = fixture, .name = name, .fds = { -1, -1 } };
  self->watch = ds_poll_watch_new (fixture->source, &user_funcs, self);
}

static void
user_open (User *self)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, self->fds), ==, 0);
  ds_poll_watch_start_reading (self->watch, self->fds[0], &error);
  g_assert_no_error (error);
}

static void
user_clear (User *self)
{
  user_free_watch (self);
  for (guint i = 0; i < 2; i++)
    if (self->fds[i] >= 0)
      close (self->fds[i]);
}

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  fixture->context = g_main_context_new ();
  fixture->source = ds_poll_source_new (fixture->context, &error);
  g_assert_no_error (error);
  fixture->log = g_string_new (NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  ds_poll_source_free (fixture->source);
  g_main_context_unref (fixture->context);
  g_string_free (fixture->log, TRUE);
}

/* One turn, which must not wait; what it called, until the next. */
static const char *
turn (Fixture *fixture)
{
  g_string_truncate (fixture->log, 0);
  g_main_context_iteration (fixture->context, FALSE);
  return fixture->log->str;
}

static void
test_reads_until_all_is_read (Fixture *fixture, gconstpointer user_data)
{
  User user;
  char byte;

  g_test_summary ("Called in each turn while there is something, not while stopped, and "
                  "again for what came meanwhile");

  user_init (&user, fixture, 'a');
  user_open (&user);
  g_assert_cmpstr (turn (fixture), ==, "");
  g_assert_cmpint (write (user.fds[1], "xy", 2), ==, 2);
  g_assert_cmpstr (turn (fixture), ==, "a");
  g_assert_cmpint (read (user.fds[0], &byte, 1), ==, 1);
  g_assert_cmpstr (turn (fixture), ==, "a");
  ds_poll_watch_stop_reading (user.watch);
  ds_poll_watch_stop_reading (user.watch);
  g_assert_cmpstr (turn (fixture), ==, "");
  g_assert_true (ds_poll_watch_start_reading (user.watch, user.fds[0], NULL));
  g_assert_cmpstr (turn (fixture), ==, "a");
  g_assert_cmpint (read (user.fds[0], &byte, 1), ==, 1);
  g_assert_cmpstr (turn (fixture), ==, "");
  user_clear (&user);
}

static void
test_end_is_told_to_who_reads (Fixture *fixture, gconstpointer user_data)
{
  User user;

  g_test_summary ("The end of a connection is something to read; one that pauses does "
                  "not keep the thread busy with it");

  user_init (&user, fixture, 'a');
  user_open (&user);
  ds_poll_watch_stop_reading (user.watch);
  close (user.fds[1]);
  user.fds[1] = -1;
  g_assert_false (g_main_context_iteration (fixture->context, FALSE));
  g_assert_true (ds_poll_watch_start_reading (user.watch, user.fds[0], NULL));
  g_assert_cmpstr (turn (fixture), ==, "a");
  user_clear (&user);
}

static void
test_no_one_starves (Fixture *fixture, gconstpointer user_data)
{
  enum
  {
    N = 100,
    N_CALLS = 16
  };
  User users[N];
  guint n_calls = 0;

  g_test_summary ("Of 100 that always have something, more than fit into a turn, each is "
                  "called as often as any other");

  for (guint i = 0; i < N; i++)
    {
      user_init (&users[i], fixture, 'a');
      user_open (&users[i]);
      g_assert_cmpint (write (users[i].fds[1], "x", 1), ==, 1);
    }
  while (n_calls < N * N_CALLS)
    n_calls += (guint) strlen (turn (fixture));
  for (guint i = 0; i < N; i++)
    {
      g_assert_cmpuint (users[i].n_calls, >=, N_CALLS - 1);
      g_assert_cmpuint (users[i].n_calls, <=, N_CALLS + 1);
      user_clear (&users[i]);
    }
}

static void
test_freed_are_not_called (Fixture *fixture, gconstpointer user_data)
{
  User one;
  User other;

  g_test_summary ("Who is freed in a turn is not called any more in it, whether it was "
                  "readable or woken");

  user_init (&one, fixture, 'a');
  user_init (&other, fixture, 'a');
  one.victim = &other;
  other.victim = &one;
  user_open (&one);
  user_open (&other);
  g_assert_cmpint (write (one.fds[1], "x", 1), ==, 1);
  g_assert_cmpint (write (other.fds[1], "x", 1), ==, 1);
  g_assert_cmpstr (turn (fixture), ==, "a");
  g_assert_true ((one.watch == NULL) != (other.watch == NULL));
  user_clear (&one);
  user_clear (&other);

  user_init (&one, fixture, 'a');
  user_init (&other, fixture, 'b');
  one.victim = &other;
  ds_poll_watch_wake (one.watch);
  ds_poll_watch_wake (other.watch);
  g_assert_cmpstr (turn (fixture), ==, "a");
  g_assert_cmpstr (turn (fixture), ==, "");
  user_clear (&one);
  user_clear (&other);
}

static void
test_may_free_itself (Fixture *fixture, gconstpointer user_data)
{
  User user;

  g_test_summary ("Who is called may free its own watch");

  user_init (&user, fixture, 'a');
  user.victim = &user;
  user_open (&user);
  ds_poll_watch_set_deadline (user.watch, g_get_monotonic_time () + DS_HOUR);
  g_assert_cmpint (write (user.fds[1], "x", 1), ==, 1);
  g_assert_cmpstr (turn (fixture), ==, "a");
  g_assert_null (user.watch);
  g_assert_cmpstr (turn (fixture), ==, "");
  user_clear (&user);
}

static void
test_due_in_order (Fixture *fixture, gconstpointer user_data)
{
  gint64 now = g_get_monotonic_time ();
  User users[4];

  g_test_summary ("Deadlines that are over are told of once, the earliest first, others "
                  "and those taken back not");

  for (guint i = 0; i < G_N_ELEMENTS (users); i++)
    user_init (&users[i], fixture, (char) ('a' + (char) i));
  ds_poll_watch_set_deadline (users[0].watch, now - 1);
  ds_poll_watch_set_deadline (users[1].watch, now - 3);
  ds_poll_watch_set_deadline (users[2].watch, now - 2);
  ds_poll_watch_set_deadline (users[2].watch, -1);
  ds_poll_watch_set_deadline (users[3].watch, now - 4);
  ds_poll_watch_set_deadline (users[3].watch, now + DS_HOUR);
  g_assert_cmpstr (turn (fixture), ==, "ba");
  g_assert_cmpstr (turn (fixture), ==, "");
  for (guint i = 0; i < G_N_ELEMENTS (users); i++)
    user_clear (&users[i]);
}

static void
test_due_again (Fixture *fixture, gconstpointer user_data)
{
  User user;

  g_test_summary ("One that sets a deadline that is over already is called in the next "
                  "turn, so that others have theirs");

  user_init (&user, fixture, 'a');
  user.again_due = 1;
  ds_poll_watch_set_deadline (user.watch, 1);
  g_assert_cmpstr (turn (fixture), ==, "a");
  g_assert_cmpstr (turn (fixture), ==, "a");
  user.again_due = 0;
  g_assert_cmpstr (turn (fixture), ==, "a");
  g_assert_cmpstr (turn (fixture), ==, "");
  user_clear (&user);
}

static gpointer
wake_often (gpointer data)
{
  User *user = data;

  for (guint i = 0; i < 1000; i++)
    ds_poll_watch_wake (user->watch);
  return NULL;
}

static void
test_woken_from_elsewhere (Fixture *fixture, gconstpointer user_data)
{
  User user;
  GThread *thread = NULL;

  g_test_summary ("A wake-up from another thread ends the wait of the main loop; many "
                  "before it has its turn are one");

  user_init (&user, fixture, 'a');
  ds_poll_watch_set_deadline (user.watch, g_get_monotonic_time () + DS_HOUR);
  thread = g_thread_new ("waker", wake_often, &user);
  while (user.n_calls == 0)
    g_main_context_iteration (fixture->context, TRUE);
  g_thread_join (thread);
  while (g_main_context_iteration (fixture->context, FALSE))
    ;
  g_assert_cmpuint (user.n_calls, <=, 1000);

  user.n_calls = 0;
  wake_often (&user);
  g_assert_cmpstr (turn (fixture), ==, "a");
  g_assert_cmpstr (turn (fixture), ==, "");
  user_clear (&user);
}

static void
test_outlives_its_source (Fixture *fixture, gconstpointer user_data)
{
  User user;

  g_test_summary ("A watch may be freed after its source, and is not called meanwhile");

  user_init (&user, fixture, 'a');
  user_open (&user);
  ds_poll_source_free (fixture->source);
  ds_poll_watch_wake (user.watch);
  g_assert_cmpint (write (user.fds[1], "x", 1), ==, 1);
  g_assert_cmpstr (turn (fixture), ==, "");
  user_clear (&user);
  fixture->source = ds_poll_source_new (fixture->context, NULL);
}

static void
test_what_cannot_be_watched (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;
  int fd = open ("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  User user;

  g_test_summary ("A descriptor that cannot be watched is an error");

  g_assert_cmpint (fd, >=, 0);
  user_init (&user, fixture, 'a');
  g_assert_false (ds_poll_watch_start_reading (user.watch, fd, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED);
  g_assert_true (g_str_has_prefix (error->message, "it cannot be watched: "));
  ds_poll_watch_stop_reading (user.watch);
  user_clear (&user);
  close (fd);
}

static void
program_without_descriptors (void)
{
  struct rlimit limit = { 0 };
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GError) error = NULL;
  int next = open ("/dev/null", O_RDONLY);

  close (next);
  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = (rlim_t) next;
  setrlimit (RLIMIT_NOFILE, &limit);
  g_assert_null (ds_poll_source_new (context, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_LIMIT);
  _exit (0); /* a leak checker could not open a file either */
}

static void
test_needs_a_descriptor (void)
{
  g_test_summary ("Without a file descriptor there is an error, and the program goes on");

  if (g_test_subprocess ())
    {
      program_without_descriptors ();
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/receivers/poll-source/deadlines-in-order", test_deadlines_in_order);
#define ADD(name, func) \
  g_test_add ("/receivers/poll-source/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("reads-until-all-is-read", test_reads_until_all_is_read);
  ADD ("the-end-is-told-to-who-reads", test_end_is_told_to_who_reads);
  ADD ("no-one-starves", test_no_one_starves);
  ADD ("freed-are-not-called", test_freed_are_not_called);
  ADD ("may-free-itself", test_may_free_itself);
  ADD ("due-in-order", test_due_in_order);
  ADD ("due-again", test_due_again);
  ADD ("woken-from-elsewhere", test_woken_from_elsewhere);
  ADD ("outlives-its-source", test_outlives_its_source);
  ADD ("what-cannot-be-watched", test_what_cannot_be_watched);
#undef ADD
  g_test_add_func ("/receivers/poll-source/needs-a-descriptor", test_needs_a_descriptor);
  return g_test_run ();
}
