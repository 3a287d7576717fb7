/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Going on where another process was.  The program's own set-up function builds the
 * graph, as it does without a checkpoint; what a checkpoint has is data, which start
 * gives to the streams of that graph. */

#include "dstream/ds-checkpointer-private.h"
#include "dstream/ds-streaming-context-private.h"
#include "rdd/ds-context-private.h"

DsRecovery *
ds_streaming_context_get_recovery (DsStreamingContext *self)
{
  return self->checkpointer != NULL ? ds_checkpointer_get_recovery (self->checkpointer)
                                    : NULL;
}

/* What the program allows of a directory beyond the usual. */
static DsDurableDirectoryFlags
ds_streaming_context_get_allowances (DsStreamingContext *self)
{
  return (self->allow_shared_directory ? DS_DURABLE_DIRECTORY_ALLOW_SHARED : 0) |
         (self->best_effort_durability ? DS_DURABLE_DIRECTORY_BEST_EFFORT : 0) |
         (self->allows_fresh_start ? DS_DURABLE_DIRECTORY_BEGIN_ANEW : 0);
}

/* ---- At start ---- */

gboolean
ds_streaming_context_open_checkpoints (DsStreamingContext *self, GError **error)
{
  DsRecovery *recovery = ds_streaming_context_get_recovery (self);

  /* Partitions are part of what a batch gives, whatever machine this is.  Streams ask how
   * many there are when the graph is frozen. */
  if (recovery != NULL)
    self->context->default_parallelism = ds_recovery_get_parallelism (recovery);
  if (self->checkpoint_directory == NULL || self->checkpointer != NULL)
    return TRUE;
  self->checkpointer =
      ds_checkpointer_open (self->checkpoint_directory,
                            ds_streaming_context_get_allowances (self), error);
  if (self->checkpointer == NULL)
    return FALSE;
  if (ds_checkpointer_is_fresh (self->checkpointer))
    return TRUE;
  if (self->allows_fresh_start)
    return ds_checkpointer_discard (self->checkpointer, error);
  g_set_error (
      error, DS_ERROR, DS_ERROR_INVALID_STATE,
      "\"%s\" holds checkpoints of an earlier run, and this context was not made "
      "to go on from them.  Nothing was changed.  Make it with "
      "ds_streaming_context_get_or_create () to go on, give another directory, "
      "or begin anew: ds_streaming_context_allow_fresh_start () puts what is "
      "there aside",
      self->checkpoint_directory);
  return FALSE;
}

/* A function of the program that ends the process would do so for ever. */
static gboolean
ds_streaming_context_check_attempts (DsStreamingContext *self, GError **error)
{
  DsTime time = 0;
  guint n_attempts =
      ds_recovery_get_max_attempts (ds_streaming_context_get_recovery (self), &time);

  if (self->max_batch_attempts == 0 || n_attempts < self->max_batch_attempts)
    return TRUE;
  g_set_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION,
               "batch %" G_GINT64_FORMAT " ms was begun %u times, and each time the "
               "process ended before it was over; it is not begun again.  Nothing "
               "was changed.  If a function of the program crashes on its input, "
               "mend that, and set \"max-batch-attempts\" to 0 for the next start",
               time / DS_MILLISECOND, n_attempts);
  return FALSE;
}

/* What is whole and yet cannot be used.  It is too late for a fresh start: streams may
 * have been given a part of it. */
static gboolean
ds_streaming_context_apply_recovery (DsStreamingContext *self, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (ds_recovery_apply (ds_streaming_context_get_recovery (self), self, &local_error))
    return TRUE;
  if (!g_error_matches (local_error, DS_ERROR, DS_ERROR_CORRUPT))
    g_propagate_error (error, g_steal_pointer (&local_error));
  else
    g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
                 "%s.  Nothing was changed.  Ways out: put back a copy of the directory, "
                 "with the saved files of that time, or begin anew in another one",
                 local_error->message);
  return FALSE;
}

gboolean
ds_streaming_context_start_checkpoints (DsStreamingContext *self, GError **error)
{
  DsRecovery *recovery = ds_streaming_context_get_recovery (self);

  if (self->checkpointer == NULL)
    return TRUE;
  ds_streaming_context_set_application_id (self, ds_checkpointer_get_application_id (
                                                     self->checkpointer));
  ds_receiver_tracker_set_log (self->receivers, NULL,
                               ds_checkpointer_get_directory (self->checkpointer));
  if (recovery != NULL)
    {
      if (!ds_recovery_match (recovery, self, self->dropped_states,
                              self->accepts_new_streams, error) ||
          !ds_streaming_context_check_attempts (self, error) ||
          !ds_streaming_context_apply_recovery (self, error))
        {
          g_prefix_error (error, "Recovering from \"%s\": ", self->checkpoint_directory);
          return FALSE;
        }
      ds_recovery_tell_needless (recovery, self, self->dropped_states);
    }
  if (!ds_checkpointer_start (self->checkpointer, self, error))
    return FALSE;
  ds_receiver_tracker_set_log (self->receivers,
                               ds_checkpointer_get_log (self->checkpointer),
                               ds_checkpointer_get_directory (self->checkpointer));
  return TRUE;
}

/* ---- Public ---- */

/* What the set-up function builds.  (transfer full) */
static DsStreamingContext *
ds_streaming_context_set_up (DsSetupFunc setup,
                             gpointer user_data,
                             const char *caller,
                             GError **error)
{
  g_autoptr (GError) local_error = NULL;
  DsStreamingContext *made = setup (user_data, &local_error);

  if (made == NULL && local_error == NULL)
    g_set_error (&local_error, DS_ERROR, DS_ERROR_USER_FUNCTION,
                 "%s: the set-up function returned no context, without saying why",
                 caller);
  if (made == NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  return made;
}

/* The directory, opened before the set-up function was called. */
static gboolean
ds_streaming_context_take_directory (DsStreamingContext *self,
                                     const char *directory,
                                     DsCheckpointer *checkpointer,
                                     GError **error)
{
  if (ds_streaming_context_get_state (self) != DS_STREAMING_INITIALIZED)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
                   "get_or_create: the set-up function has started the context; it must "
                   "only build it");
      return FALSE;
    }
  if (self->checkpoint_directory != NULL &&
      !ds_durable_directory_is_at (ds_checkpointer_get_directory (checkpointer),
                                   self->checkpoint_directory))
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                   "get_or_create: the set-up function has set the checkpoint directory "
                   "\"%s\", and get_or_create was given \"%s\"; leave it to "
                   "get_or_create",
                   self->checkpoint_directory, directory);
      return FALSE;
    }
  ds_streaming_context_checkpoint (self, directory);
  return ds_checkpointer_read (checkpointer, self->allows_fresh_start, error);
}

/* @directory could not be opened because of @refusal, taken over: once more, if the
 * set-up function allows what it may be about. */
static DsCheckpointer *
ds_streaming_context_open_again (DsStreamingContext *self,
                                 const char *directory,
                                 GError *refusal,
                                 GError **error)
{
  DsDurableDirectoryFlags flags = ds_streaming_context_get_allowances (self);

  if (flags == 0)
    {
      g_propagate_error (error, refusal);
      return NULL;
    }
  g_error_free (refusal);
  return ds_checkpointer_open (directory, flags, error);
}

/* Whether a program may allow it. */
static gboolean
ds_streaming_context_may_be_allowed (const GError *refusal)
{
  return g_error_matches (refusal, DS_ERROR, DS_ERROR_BAD_FILE) ||
         g_error_matches (refusal, DS_ERROR, DS_ERROR_FSYNC_FAILED) ||
         g_error_matches (refusal, DS_ERROR, DS_ERROR_CORRUPT);
}

/* A graph that does not fit is told here, not at start. */
static gboolean
ds_streaming_context_check_graph (DsStreamingContext *self, GError **error)
{
  DsRecovery *recovery = ds_streaming_context_get_recovery (self);

  return recovery == NULL || ds_streaming_context_get_build_error (self) != NULL ||
         ds_recovery_match (recovery, self, self->dropped_states,
                            self->accepts_new_streams, error);
}

/**
 * ds_streaming_context_get_or_create:
 * @directory: (type filename): the checkpoint directory; made if it is not there
 * @setup: (scope call): builds a context and does not start it; called once, now
 * @user_data: (closure): passed to @setup
 * @error: return location for an error
 *
 * Builds a context that goes on where the last one with this checkpoint directory ended,
 * however it ended: what its streams kept is given back by start, batches that were
 * planned and not completed run again with the same input, and those that were missed
 * follow, as "catch-up-policy" says.  Unless the last run stopped gracefully the newest
 * batch runs again, with ds_batch_is_replay (), so that outputs are called at least once;
 * files that ds_dstream_save_as_text_files () and its like wrote are not written again.
 * An empty directory is a fresh start.
 *
 * @setup runs at every start, so that functions may change from one version of the
 * program to the next.  What was kept is found again by the names that
 * ds_dstream_set_name () and ds_output_set_name () gave, without those only while the
 * whole graph has the same form.  No setting is taken from a checkpoint but the number of
 * partitions (the default parallelism), so that the batches are the same on any machine.
 *
 * Fails with what @setup fails with; %DS_ERROR_LOCKED while another process or context
 * uses the directory; %DS_ERROR_BAD_FILE when others can write to it, and
 * %DS_ERROR_FSYNC_FAILED when it lies where names of files cannot be made durable, unless
 * #DsStreamingContext:allow-shared-directory and
 * #DsStreamingContext:best-effort-durability allow it; %DS_ERROR_CORRUPT when there is
 * something in it, and none of it can be used (damage of the newest checkpoint alone
 * makes the one before it be used); %DS_ERROR_GRAPH_MISMATCH with what was added, removed
 * and changed, and the ways out; %DS_ERROR_VERSION for checkpoints of a newer library.
 * Never is an empty state made of one that cannot be read.
 *
 * Returns: (transfer full) (nullable): the context, not started; %NULL with @error
 */
DsStreamingContext *
ds_streaming_context_get_or_create (const char *directory,
                                    DsSetupFunc setup,
                                    gpointer user_data,
                                    GError **error)
{
  g_autoptr (DsCheckpointer) checkpointer = NULL;
  g_autoptr (DsStreamingContext) made = NULL;
  g_autoptr (GError) refusal = NULL;

  g_return_val_if_fail (directory != NULL, NULL);
  g_return_val_if_fail (setup != NULL, NULL);

  checkpointer = ds_checkpointer_open (directory, 0, &refusal);
  if (checkpointer == NULL && !ds_streaming_context_may_be_allowed (refusal))
    {
      g_propagate_error (error, g_steal_pointer (&refusal));
      return NULL;
    }
  made = ds_streaming_context_set_up (setup, user_data, "get_or_create", error);
  if (made != NULL && checkpointer == NULL)
    checkpointer = ds_streaming_context_open_again (made, directory,
                                                    g_steal_pointer (&refusal), error);
  if (made == NULL || checkpointer == NULL ||
      !ds_streaming_context_take_directory (made, directory, checkpointer, error))
    return NULL;
  made->checkpointer = g_steal_pointer (&checkpointer);
  return ds_streaming_context_check_graph (made, error) ? g_steal_pointer (&made) : NULL;
}

/**
 * ds_streaming_context_get_active_or_create:
 * @directory: (nullable) (type filename): the checkpoint directory; %NULL: nothing is
 *   recovered
 * @setup: (scope call): builds a context, when none is active
 * @user_data: (closure): passed to @setup
 * @error: return location for an error
 *
 * Returns the active context, whatever @directory is; else what
 * ds_streaming_context_get_or_create () gives, and without @directory what @setup builds.
 * That is not started.
 *
 * Fails as ds_streaming_context_get_or_create ().
 *
 * Returns: (transfer full) (nullable): the context; %NULL with @error
 */
DsStreamingContext *
ds_streaming_context_get_active_or_create (const char *directory,
                                           DsSetupFunc setup,
                                           gpointer user_data,
                                           GError **error)
{
  DsStreamingContext *active = ds_streaming_context_get_active ();

  g_return_val_if_fail (setup != NULL, NULL);

  if (active != NULL)
    return active;
  if (directory != NULL)
    return ds_streaming_context_get_or_create (directory, setup, user_data, error);
  return ds_streaming_context_set_up (setup, user_data, "get_active_or_create", error);
}

/**
 * ds_streaming_context_is_recovered:
 * @self: a context
 *
 * Whether the context goes on from a checkpoint.
 *
 * Returns: %TRUE when ds_streaming_context_get_or_create () found one
 */
gboolean
ds_streaming_context_is_recovered (DsStreamingContext *self)
{
  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), FALSE);

  return ds_streaming_context_get_recovery (self) != NULL;
}

/**
 * ds_streaming_context_drop_state:
 * @self: a context, in its set-up function
 * @stream_name: the name of a stream or output, as %DS_ERROR_GRAPH_MISMATCH lists it
 *
 * Leaves out what a checkpoint has of an operator that is gone or has changed.  One of
 * that name begins empty.  Without such an operator in the checkpoint it does nothing;
 * start then says which names there are, for this one may be a slip of the pen.
 *
 * Latches %DS_ERROR_INVALID_STATE after start.
 */
void
ds_streaming_context_drop_state (DsStreamingContext *self, const char *stream_name)
{
  g_return_if_fail (DS_IS_STREAMING_CONTEXT (self));
  g_return_if_fail (stream_name != NULL);

  if (ds_streaming_context_may_build (self, "drop_state"))
    g_ptr_array_add (self->dropped_states, g_strdup (stream_name));
}

/**
 * ds_streaming_context_accept_new_streams:
 * @self: a context, in its set-up function
 *
 * Lets sources, streams with state and outputs that a checkpoint does not know begin
 * empty, instead of failing with %DS_ERROR_GRAPH_MISMATCH.
 *
 * Latches %DS_ERROR_INVALID_STATE after start.
 */
void
ds_streaming_context_accept_new_streams (DsStreamingContext *self)
{
  g_return_if_fail (DS_IS_STREAMING_CONTEXT (self));

  if (ds_streaming_context_may_build (self, "accept_new_streams"))
    self->accepts_new_streams = TRUE;
}

/**
 * ds_streaming_context_allow_fresh_start:
 * @self: a context, in its set-up function
 *
 * Lets the context begin anew when nothing in the checkpoint directory can be used, be it
 * checkpoints, log or the file "app" that says whose they are, or
 * when it was not made by ds_streaming_context_get_or_create () and the directory holds
 * checkpoints.  What is there is not deleted: it is moved into a directory
 * "discarded-..." within it.  Spark's `createOnError`.
 *
 * Latches %DS_ERROR_INVALID_STATE after start.
 */
void
ds_streaming_context_allow_fresh_start (DsStreamingContext *self)
{
  g_return_if_fail (DS_IS_STREAMING_CONTEXT (self));

  if (ds_streaming_context_may_build (self, "allow_fresh_start"))
    self->allows_fresh_start = TRUE;
}
