/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Row A8: a program that may have few more file descriptors than are open already either
 * starts or gets an error, wherever they run out; nothing aborts, and nothing is lost.
 * Row A17: none of them goes on to programs that this one starts. */

#include "tests/dstream/ds-test-stream.h"

#include "tests/base/ds-test-tree.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_FILES 3
#define MOST_SPARE 20
#define UNLIMITED G_MAXUINT

/* How a program ends; anything else is a crash. */
enum
{
  ENDED_WELL,
  NOT_STARTED,
  BATCH_FAILED
};

typedef struct
{
  char *root;
  char *checkpoints;
  char *input;
  char *output;
  DsManualClock *clock; /* of the program */
} Fixture;

static void
set_up (Fixture *self, gconstpointer unused)
{
  self->root = ds_test_tree_new ();
  self->checkpoints = g_build_filename (self->root, "checkpoints", NULL);
  self->input = g_build_filename (self->root, "in", NULL);
  self->output = g_build_filename (self->root, "out", NULL);
  g_assert_cmpint (g_mkdir (self->input, 0700), ==, 0);
  for (guint i = 1; i <= N_FILES; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%u.txt", self->input, i);
      g_autofree char *text = g_strdup_printf ("line %u\n", i);

      g_assert_true (g_file_set_contents (path, text, -1, NULL));
    }
}

static void
tear_down (Fixture *self, gconstpointer unused)
{
  ds_test_tree_free (self->root);
  g_free (self->checkpoints);
  g_free (self->input);
  g_free (self->output);
}

/* ---- The program, in a process of its own ---- */

static DsStreamingContext *
build (gpointer user_data, GError **error)
{
  Fixture *self = user_data;
  DsStreamingContext *ssc = ds_streaming_context_new ("local[2]", "few", DS_SECOND);
  DsDStream *lines = ds_streaming_context_text_file_stream (ssc, self->input);
  DsDStream *received = ds_streaming_context_socket_text_stream (ssc, "127.0.0.1", 1);

  ds_streaming_context_set_clock (ssc, DS_CLOCK (self->clock));
  ds_streaming_context_stop_on_signals (ssc);
  ds_dstream_set_file_selection (lines, DS_FILES_ALL);
  ds_dstream_set_max_files_per_batch (lines, 1);
  ds_dstream_set_durability (received, DS_DURABILITY_GROUP); /* nobody is there */
  ds_dstream_save_as_text_files (ds_dstream_union (lines, received), self->output, NULL);
  return ssc;
}

static gboolean was_open[1024]; /* descriptors that are not the library's */
static guint n_looked_at;

/* While the context runs: each of its descriptors is closed by exec (). */
static void
look_at_descriptors (void)
{
  g_autoptr (GDir) open_ones = g_dir_open ("/proc/self/fd", 0, NULL);
  const char *name;

  while (open_ones != NULL && (name = g_dir_read_name (open_ones)) != NULL)
    {
      int fd = atoi (name);
      int flags = fcntl (fd, F_GETFD);

      g_autofree char *link = g_strdup_printf ("/proc/self/fd/%d", fd);
      g_autofree char *path = g_file_read_link (link, NULL);

      /* Sanitizers keep /dev/null open. */
      if (flags < 0 || (fd < (int) G_N_ELEMENTS (was_open) && was_open[fd]) ||
          g_strcmp0 (path, "/dev/null") == 0)
        continue;
      n_looked_at++;
      if ((flags & FD_CLOEXEC) == 0)
        g_error ("Descriptor %d (%s) would be open in programs that are started", fd,
                 path);
    }
}

/* Of each of two runs. */
#define N_BATCHES (N_FILES + 1)

static gboolean
run_batches (Fixture *self, DsStreamingContext *ssc, GError **error)
{
  ds_manual_clock_advance (self->clock, N_BATCHES * DS_SECOND);
  if (!ds_streaming_context_await_batch (ssc, ds_clock_get_time (DS_CLOCK (self->clock)),
                                         error))
    return FALSE;
  if (ds_streaming_context_get_state (ssc) != DS_STREAMING_ACTIVE)
    return ds_streaming_context_await_termination (ssc, error);
  look_at_descriptors ();
  return ds_streaming_context_stop (ssc, DS_STOP_NOW, error);
}

static int
run_program (Fixture *self, DsTime now)
{
  g_autoptr (GError) error = NULL;
  DsStreamingContext *ssc;
  int status = ENDED_WELL;

  self->clock = ds_manual_clock_new (now);
  ssc = ds_streaming_context_get_or_create (self->checkpoints, build, self, &error);
  if (ssc == NULL || !ds_streaming_context_start (ssc, &error))
    status = NOT_STARTED;
  else if (!run_batches (self, ssc, &error))
    status = BATCH_FAILED;
  if (error != NULL)
    g_printerr ("# %s\n", error->message);
  /* An error is not only a word, and nobody is left waiting. */
  g_assert_true ((error == NULL) == (status == ENDED_WELL));
  g_assert_true (error == NULL || strlen (error->message) > 10);
  if (ssc != NULL && ds_streaming_context_get_state (ssc) == DS_STREAMING_ACTIVE)
    ds_streaming_context_stop (ssc, DS_STOP_NOW, NULL);
  return status;
}

static guint
find_next_descriptor (void)
{
  int next = open ("/dev/null", O_RDONLY | O_CLOEXEC);

  close (next);
  return (guint) next;
}

static void
leave_spare (guint n_spare)
{
  struct rlimit limit = { 0 };

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  limit.rlim_cur = (rlim_t) find_next_descriptor () + n_spare;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);
}

/* How the program ended with @n_spare descriptors, UNLIMITED: as many as it likes. */
static int
run_with (Fixture *self, guint n_spare)
{
  int status;
  pid_t pid = fork ();

  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      if (n_spare != UNLIMITED)
        leave_spare (n_spare);
      /* A leak checker could not open a file. */
      _exit (run_program (self, n_spare != UNLIMITED ? 0 : N_BATCHES * DS_SECOND));
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  if (!WIFEXITED (status) || WEXITSTATUS (status) > BATCH_FAILED)
    g_error ("With %u descriptors to spare the program ended with status %x", n_spare,
             (guint) status);
  return WEXITSTATUS (status);
}

/* ---- What came of it ---- */

/* All lines of all batches, in their order. */
static char *
read_output (Fixture *self)
{
  GString *text = g_string_new (NULL);

  for (guint batch = 1; batch <= 2 * N_BATCHES; batch++)
    for (guint part = 0; part < 4; part++)
      {
        g_autofree char *path =
            g_strdup_printf ("%s-%u/part-%05u", self->output, batch * 1000, part);
        g_autofree char *lines = NULL;

        if (g_file_get_contents (path, &lines, NULL, NULL))
          g_string_append (text, lines);
      }
  return g_string_free (text, FALSE);
}

static void
test_starts_or_says_why_not (void)
{
  guint n_of[BATCH_FAILED + 1] = { 0 };

  g_test_summary (
      "With 0 to 20 descriptors to spare a program starts or gets an error; none aborts, "
      "and the next run, which has enough, has every line once");

  for (guint n_spare = 0; n_spare <= MOST_SPARE; n_spare++)
    {
      Fixture fixture;
      g_autofree char *text = NULL;

      set_up (&fixture, NULL);
      n_of[run_with (&fixture, n_spare)]++;
      g_assert_cmpint (run_with (&fixture, UNLIMITED), ==, ENDED_WELL);
      text = read_output (&fixture);
      g_assert_cmpstr (text, ==, "line 1\nline 2\nline 3\n");
      tear_down (&fixture, NULL);
    }
  g_test_message ("0 to %u descriptors to spare: %u did not start, %u failed later, %u "
                  "ran, 0 aborted",
                  MOST_SPARE, n_of[NOT_STARTED], n_of[BATCH_FAILED], n_of[ENDED_WELL]);
  g_assert_cmpuint (n_of[NOT_STARTED], >, 0);
  g_assert_cmpuint (n_of[ENDED_WELL], >, 0);
}

static void
test_closed_by_exec (Fixture *fixture, gconstpointer unused)
{
  int status;
  pid_t pid;

  g_test_summary ("All descriptors of a running context are closed by exec ()");

  pid = fork ();
  if (pid == 0)
    {
      int result = run_program (fixture, 0);

      /* Directories, locks, the log, main loops. */
      _exit (result == ENDED_WELL && n_looked_at >= 5 ? 0 : 1);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (guint fd = 0; fd < G_N_ELEMENTS (was_open); fd++)
    was_open[fd] = fcntl ((int) fd, F_GETFD) >= 0;
  g_test_add_func ("/dstream/descriptor-limit/a8-starts-or-says-why-not",
                   test_starts_or_says_why_not);
  g_test_add ("/dstream/descriptor-limit/a17-closed-by-exec", Fixture, NULL, set_up,
              test_closed_by_exec, tear_down);
  return g_test_run ();
}
