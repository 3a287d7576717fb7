/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The lock of a process that is on its way out: a watchdog that starts the next one right
 * after SIGKILL must not find the directory in use. */

#include "base/ds-durable-parts-private.h"
#include "tests/base/ds-test-durable-private.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

typedef DsTestDurable Fixture;

static void
assert_locked (Fixture *fixture, const char *const *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (ds_durable_directory_open (fixture->path, 0, &error));
  ds_test_assert_told (error, DS_ERROR_LOCKED, words);
}

/* A child takes the lock and is killed; one of its own, which has inherited its files,
 * holds it until it is told to go. */
typedef struct
{
  pid_t child;
  int go;    /* closed: let go */
  int owner; /* of the files: a pidfd, which is told when it has none left */
  guint n_pauses;
} DyingHolder;

static void
dying_holder_init (DyingHolder *self, Fixture *fixture)
{
  int ready[2], go[2];
  pid_t owner = 0; /* as the child says; 0: it did not get the lock */

  g_assert_cmpint (pipe (ready), ==, 0);
  g_assert_cmpint (pipe (go), ==, 0);
  self->n_pauses = 0;
  self->child = fork ();
  g_assert_cmpint (self->child, >=, 0);
  if (self->child == 0)
    {
      gboolean has_lock;

      close (go[1]);
      has_lock = ds_durable_directory_open (fixture->path, DS_DURABLE_DIRECTORY_CREATE,
                                            NULL) != NULL;
      if (fork () == 0)
        {
          char byte;

          owner = has_lock ? getpid () : 0;
          if (write (ready[1], &owner, sizeof owner) == sizeof owner &&
              read (go[0], &byte, 1) == 0)
            _exit (0);
          _exit (1);
        }
      for (;;)
        pause ();
    }
  close (go[0]);
  g_assert_cmpint (read (ready[0], &owner, sizeof owner), ==, sizeof owner);
  g_assert_cmpint (owner, >, 0);
  close (ready[0]);
  close (ready[1]);
  self->go = go[1];
  self->owner = (int) syscall (SYS_pidfd_open, owner, 0);
  g_assert_cmpint (self->owner, >=, 0);
}

static void
dying_holder_let_go (DyingHolder *self)
{
  GPollFD ended = { .fd = self->owner, .events = G_IO_IN };

  close (self->go);
  g_assert_cmpint (g_poll (&ended, 1, -1), ==, 1);
  close (self->owner);
}

static void
count_pause (gpointer holder)
{
  ((DyingHolder *) holder)->n_pauses++;
}

static void
let_go_at_third_pause (gpointer user_data)
{
  DyingHolder *holder = user_data;

  if (++holder->n_pauses == 3)
    dying_holder_let_go (holder);
}

static void
test_a_process_that_is_dying (Fixture *fixture, gconstpointer is_reaped)
{
  g_test_summary ("The lock of a process that was killed and still has its files is "
                  "waited for; of one that lives it is not");

  DyingHolder holder;
  DsDurableDirectory *directory;

  dying_holder_init (&holder, fixture);
  ds_durable_lock_set_pause_func (count_pause, &holder);
  {
    g_autofree char *process =
        g_strdup_printf ("is in use by process %ld (", (long) holder.child);
    const char *words[] = { process, "; nothing was changed", NULL };

    assert_locked (fixture, words);
  }
  g_assert_cmpuint (holder.n_pauses, ==, 0);

  kill (holder.child, SIGKILL);
  if (is_reaped != NULL)
    g_assert_cmpint (waitpid (holder.child, NULL, 0), ==, holder.child);
  else /* a zombie */
    {
      siginfo_t info;

      g_assert_cmpint (waitid (P_PID, (id_t) holder.child, &info, WEXITED | WNOWAIT), ==,
                       0);
    }
  {
    const char *words[] = { "that one has ended, but still has its files", "(fork)",
                            NULL };

    assert_locked (fixture, words);
  }
  g_assert_cmpuint (holder.n_pauses, ==, 200); /* of 10 ms */

  holder.n_pauses = 0;
  ds_durable_lock_set_pause_func (let_go_at_third_pause, &holder);
  directory = ds_test_durable_open (fixture);
  ds_durable_directory_close (directory);
  g_assert_cmpuint (holder.n_pauses, ==, 3);
  ds_durable_lock_set_pause_func (NULL, NULL);
  if (is_reaped == NULL)
    waitpid (holder.child, NULL, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, is_reaped)                                                    \
  g_test_add ("/base/durable-lock/" name, Fixture, GINT_TO_POINTER (is_reaped), \
              ds_test_durable_set_up, test_a_process_that_is_dying,             \
              ds_test_durable_tear_down)
  ADD ("a-zombie-is-waited-for", FALSE);
  ADD ("a-process-that-is-gone-is-waited-for", TRUE);
#undef ADD
  return g_test_run ();
}
