/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* pipe: each partition through a program of its own, lines in and lines out.
 *
 * The task writes and reads by turns, whatever the program is ready for: writing all of
 * the input first would wait for ever for a program that waits for its output to be read.
 */

#include "base/ds-durable-file-private.h"
#include "base/ds-error.h"
#include "base/ds-splitter-private.h"
#include "base/ds-value-private.h"
#include "rdd/ds-narrow-private.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define DS_PIPE_BUFFER_BYTES (64 * 1024)
/* How soon a task that waits for the program sees that its job has ended. */
#define DS_PIPE_WAIT_MS 10

typedef struct
{
  DsSink sink;
  char **argv;     /* of the node */
  GPid pid;        /* 0: not started, or ended */
  int input_fd;    /* -1: not open */
  int output_fd;   /* -1: not open */
  GString *input;  /* to be written */
  gsize n_written; /* of it */
  GString *output; /* read, and no line yet */
  gboolean has_enough;
} DsPipeSink;

/* FALSE. @error (transfer full) */
static gboolean
ds_pipe_sink_fail (DsPipeSink *self, GError *error)
{
  DsTask *task = self->sink.task;
  DsTaskFrame frame = ds_task_enter (task, self->sink.operator_name, NULL, NULL);

  ds_task_take_error (task, error);
  ds_task_leave (task, &frame);
  return FALSE;
}

static gboolean
ds_pipe_sink_fail_errno (DsPipeSink *self, const char *what)
{
  GError *error = NULL;

  ds_set_error_from_errno (&error, errno, what, self->argv[0]);
  return ds_pipe_sink_fail (self, error);
}

static void
ds_pipe_close (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static gboolean
ds_pipe_sink_start (DsPipeSink *self)
{
  g_autoptr (GError) error = NULL;
  const gboolean success =
      g_spawn_async_with_pipes (NULL, self->argv, NULL,
                                G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD |
                                    G_SPAWN_CLOEXEC_PIPES,
                                NULL, NULL, &self->pid, &self->input_fd, &self->output_fd,
                                NULL, &error);

  if (!success)
    {
      const gboolean is_missing =
          g_error_matches (error, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT);

      self->pid = 0;
      return ds_pipe_sink_fail (
          self, g_error_new (DS_ERROR, is_missing ? DS_ERROR_NOT_FOUND : DS_ERROR_IO,
                             "starting \"%s\": %s", self->argv[0], error->message));
    }
  if (!g_unix_set_fd_nonblocking (self->input_fd, TRUE, &error) ||
      !g_unix_set_fd_nonblocking (self->output_fd, TRUE, &error))
    return ds_pipe_sink_fail (self, g_steal_pointer (&error));
  return TRUE;
}

/* ---- Writing ---- */

/* write () without the signal that ends a program whose reader has gone. */
static gssize
ds_pipe_write (int fd, const char *bytes, gsize n_bytes)
{
  sigset_t broken_pipe;
  sigset_t before;
  sigset_t pending;
  gboolean was_pending;
  gssize n_written;
  int error_number;

  sigemptyset (&broken_pipe);
  sigaddset (&broken_pipe, SIGPIPE);
  sigemptyset (&pending);
  sigpending (&pending);
  was_pending = sigismember (&pending, SIGPIPE) == 1;
  pthread_sigmask (SIG_BLOCK, &broken_pipe, &before);
  n_written = write (fd, bytes, n_bytes);
  error_number = errno;
  if (n_written < 0 && error_number == EPIPE && !was_pending)
    {
      int number;

      sigpending (&pending);
      if (sigismember (&pending, SIGPIPE) == 1)
        sigwait (&broken_pipe, &number);
    }
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  errno = error_number;
  return n_written;
}

/* FALSE: the task failed. */
static gboolean
ds_pipe_sink_write (DsPipeSink *self)
{
  const gssize n = ds_pipe_write (self->input_fd, self->input->str + self->n_written,
                                  self->input->len - self->n_written);

  if (n >= 0)
    self->n_written += (gsize) n;
  else if (errno == EPIPE) /* it wants no more, as head does */
    ds_pipe_close (&self->input_fd);
  else if (errno != EAGAIN && errno != EINTR)
    return ds_pipe_sink_fail_errno (self, "Writing to the program");
  return TRUE;
}

/* ---- Reading ---- */

/* Hands on the first @n_bytes, whole lines.  FALSE: enough, or the task failed. */
static gboolean
ds_pipe_sink_push_lines (DsPipeSink *self, gsize n_bytes)
{
  if (n_bytes > 0 &&
      !ds_sink_push_text (self->sink.next, self->output->str, n_bytes, FALSE, NULL))
    {
      self->has_enough = TRUE;
      return FALSE;
    }
  g_string_erase (self->output, 0, (gssize) n_bytes);
  return TRUE;
}

static gboolean
ds_pipe_sink_read (DsPipeSink *self)
{
  const gsize n_before = self->output->len;
  gsize n_lines;
  gssize n;

  g_string_set_size (self->output, n_before + DS_PIPE_BUFFER_BYTES);
  n = read (self->output_fd, self->output->str + n_before, DS_PIPE_BUFFER_BYTES);
  g_string_set_size (self->output, n_before + (gsize) MAX (n, 0));
  if (n < 0 && errno != EAGAIN && errno != EINTR)
    return ds_pipe_sink_fail_errno (self, "Reading from the program");
  if (n < 0)
    return TRUE;
  if (n == 0)
    {
      ds_pipe_close (&self->output_fd);
      return ds_pipe_sink_push_lines (self, n_before); /* a last line without its end */
    }
  n_lines = ds_find_last_line_end (self->output->str + n_before, (gsize) n);
  return n_lines == 0 || ds_pipe_sink_push_lines (self, n_before + n_lines);
}

/* ---- Both ---- */

/* Writes what is there to be written and reads meanwhile; @to_end: also what comes until
 * the program closes its output.  A program that has closed it may want its input all the
 * same.  FALSE: enough, or the task failed. */
static gboolean
ds_pipe_sink_exchange (DsPipeSink *self, gboolean to_end)
{
  for (;;)
    {
      const gboolean writes = self->input_fd >= 0 && self->n_written < self->input->len;
      struct pollfd fds[] = { { .fd = self->output_fd, .events = POLLIN },
                              { .fd = writes ? self->input_fd : -1, .events = POLLOUT } };

      if (!writes && to_end)
        ds_pipe_close (&self->input_fd);
      if (!writes && (!to_end || self->output_fd < 0))
        break;
      if (!ds_task_may_go_on (self->sink.task))
        return FALSE;
      if (poll (fds, G_N_ELEMENTS (fds), DS_PIPE_WAIT_MS) < 0 && errno != EINTR)
        return ds_pipe_sink_fail_errno (self, "Waiting for the program");
      if ((fds[1].revents != 0 && !ds_pipe_sink_write (self)) ||
          (fds[0].revents != 0 && !ds_pipe_sink_read (self)))
        return FALSE;
    }
  g_string_truncate (self->input, 0);
  self->n_written = 0;
  /* Nobody reads any more: what would come is not wanted. */
  return to_end || self->input_fd >= 0;
}

static gboolean
ds_pipe_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsPipeSink *self = (DsPipeSink *) sink;

  if (self->pid == 0 && !ds_pipe_sink_start (self))
    return FALSE;
  for (gsize i = 0; i < chunk->n_values; i++)
    {
      ds_value_append_to_string (chunk->values[i], self->input, FALSE);
      g_string_append_c (self->input, '\n');
      if (self->input->len >= DS_PIPE_BUFFER_BYTES &&
          !ds_pipe_sink_exchange (self, FALSE))
        return FALSE;
    }
  return TRUE;
}

/* ---- The end ---- */

static void
ds_pipe_sink_kill (DsPipeSink *self)
{
  ds_pipe_close (&self->input_fd);
  ds_pipe_close (&self->output_fd);
  if (self->pid == 0)
    return;
  kill (self->pid, SIGKILL);
  while (waitpid (self->pid, NULL, 0) < 0 && errno == EINTR)
    ;
  self->pid = 0;
}

/* FALSE: the task failed. */
static gboolean
ds_pipe_sink_wait (DsPipeSink *self)
{
  g_autoptr (GError) error = NULL;
  int status = 0;
  pid_t ended;

  while ((ended = waitpid (self->pid, &status, WNOHANG)) == 0 ||
         (ended < 0 && errno == EINTR))
    {
      if (!ds_task_may_go_on (self->sink.task))
        return FALSE;
      poll (NULL, 0, 1);
    }
  self->pid = 0;
  if (ended < 0)
    return ds_pipe_sink_fail_errno (self, "Asking for the exit status of");
  if (g_spawn_check_wait_status (status, &error))
    return TRUE;
  return ds_pipe_sink_fail (self, g_error_new (DS_ERROR, DS_ERROR_USER_FUNCTION,
                                               "\"%s\": %s; its output is not used",
                                               self->argv[0], error->message));
}

static gboolean
ds_pipe_sink_finish (DsSink *sink)
{
  DsPipeSink *self = (DsPipeSink *) sink;

  if (sink->task->error != NULL || (self->pid == 0 && !ds_pipe_sink_start (self)))
    return FALSE;
  if (!self->has_enough && ds_pipe_sink_exchange (self, TRUE) &&
      !ds_pipe_sink_wait (self))
    return FALSE;
  ds_pipe_sink_kill (self);
  return sink->task->error == NULL && ds_sink_finish_next (sink);
}

static void
ds_pipe_sink_free (DsSink *sink)
{
  DsPipeSink *self = (DsPipeSink *) sink;

  ds_pipe_sink_kill (self);
  g_string_free (self->input, TRUE);
  g_string_free (self->output, TRUE);
  g_free (self);
}

static DsSink *
ds_piped_rdd_make_sink (DsRdd *rdd, guint partition, DsTask *task, DsSink *next)
{
  DsPipeSink *self = ds_sink_alloc (sizeof *self, task, next);

  self->sink.push = ds_pipe_sink_push;
  self->sink.finish = ds_pipe_sink_finish;
  self->sink.free = ds_pipe_sink_free;
  self->sink.accepts = DS_ACCEPTS_VALUES;
  self->argv = ((DsNarrowRdd *) rdd)->closure.user_data;
  self->input_fd = -1;
  self->output_fd = -1;
  self->input = g_string_sized_new (DS_PIPE_BUFFER_BYTES);
  self->output = g_string_sized_new (DS_PIPE_BUFFER_BYTES);
  return &self->sink;
}

static const DsRddOps ds_piped_rdd_ops = { .make_sink = ds_piped_rdd_make_sink };

DS_DEFINE_NARROW_RDD (DsPipedRdd, ds_piped_rdd, &ds_piped_rdd_ops)

static void
ds_piped_argv_free (gpointer argv)
{
  g_strfreev (argv);
}

/**
 * ds_rdd_pipe:
 * @self: an RDD
 * @argv: (array zero-terminated=1): a program, looked for in `PATH`, and its arguments;
 *   copied
 *
 * The lines that the program writes when it reads the values of a partition, printed, a
 * line each.  A value that has line ends in it is read as several lines.
 *
 * Each partition, also an empty one, runs the program once for each attempt of its task;
 * what it writes to its standard error goes where that of this process goes.  A program
 * that stops reading is told no more; one whose output nobody wants any more is killed,
 * as when the job is cancelled.
 *
 * A program that ends with another status than 0, or by a signal, fails the task with
 * %DS_ERROR_USER_FUNCTION; one that is not there with %DS_ERROR_NOT_FOUND.  An empty
 * @argv latches %DS_ERROR_INVALID_ARGUMENT.
 *
 * Returns: (transfer full): the RDD of lines
 */
DsRdd *
ds_rdd_pipe (DsRdd *self, const char *const *argv)
{
  GPtrArray *copy;
  DsRdd *rdd;

  g_return_val_if_fail (DS_IS_RDD (self) && argv != NULL, NULL);

  copy = g_ptr_array_new ();
  for (gsize i = 0; argv[i] != NULL; i++)
    g_ptr_array_add (copy, g_strdup (argv[i]));
  g_ptr_array_add (copy, NULL);
  rdd = ds_narrow_rdd_new (ds_piped_rdd_get_type (), self, "pipe", FALSE, NULL,
                           g_ptr_array_free (copy, FALSE), ds_piped_argv_free);
  if (argv[0] == NULL)
    ds_rdd_latch_error (rdd, g_error_new (DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                                          "pipe: argv is empty: its first string is the "
                                          "program"));
  return rdd;
}
