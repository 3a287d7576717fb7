/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Plans and ends of batches go to the log from the driver's threads; checkpoints are
 * captured there and written by a thread of their own, one at a time: while one is being
 * written no other is taken.  After each, what no kept checkpoint needs any longer goes:
 * older checkpoints first, then the log before the oldest that is kept. */

#include "dstream/ds-checkpointer-private.h"

#include "base/ds-codec-private.h"
#include "base/ds-planted-fault-private.h"
#include "dstream/ds-checkpoint-capture-private.h"
#include "dstream/ds-checkpoint-pace-private.h"
#include "dstream/ds-checkpoint-shelf-private.h"
#include "dstream/ds-input-recovery-private.h"

#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* A tenth of what a thread of a batch gets beside it. */
#define DS_CHECKPOINT_NICENESS 10
/* Without streams that say how often, in µs. */
#define DS_CHECKPOINT_DEFAULT_INTERVAL (10 * DS_SECOND)
/* How long a full disk is waited for at the end, in µs. */
#define DS_CHECKPOINT_PATIENCE DS_SECOND

typedef struct
{
  DsTime time;
  guint64 sequence;
} DsLoggedPlan;

struct _DsCheckpointer
{
  DsDurableDirectory *directory; /* (nullable): NULL once finished */
  guint8 application_id[DS_APPLICATION_ID_BYTES];
  char *path;
  DsRecovery *recovery;        /* (nullable) */
  DsStreamingContext *context; /* not owned */
  DsWriteAheadLog *log;        /* (nullable): from start on */
  DsDuration interval;
  guint64 fingerprint;
  GThread *thread;     /* (nullable) */
  GPtrArray *unneeded; /* names of files; whoever writes checkpoints has it */

  GMutex lock; /* guards what follows */
  GCond changed;
  GArray *plans; /* DsLoggedPlan, of batches after the last one that is over */
  DsTime done_time;
  DsTime captured_time;         /* of the last checkpoint taken, written or not */
  gboolean is_owed;             /* one is due as soon as there is something new */
  DsCheckpointCapture *capture; /* (nullable): to be written, or being written */
  DsCheckpointPace pace;
  guint n_written;
  DsCheckpointShelf *shelf; /* what lies in the directory */
  guint64 durable_sequence;
  GError *log_error;       /* (nullable): the log has failed for good */
  guint n_in_log;          /* threads that append just now */
  gboolean is_interrupted; /* nobody waits for the disk any longer */
  gboolean is_ending;
  gboolean is_finished;
};

static void
ds_checkpointer_note_application (DsCheckpointer *self)
{
  memcpy (self->application_id, ds_durable_directory_get_application_id (self->directory),
          sizeof self->application_id);
}

DsCheckpointer *
ds_checkpointer_open (const char *directory,
                      DsDurableDirectoryFlags flags,
                      GError **error)
{
  g_autoptr (DsCheckpointer) self = g_new0 (DsCheckpointer, 1);

  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->path = g_strdup (directory);
  self->plans = g_array_new (FALSE, FALSE, sizeof (DsLoggedPlan));
  self->captured_time = DS_TIME_NONE;
  self->unneeded = g_ptr_array_new_with_free_func (g_free);
  self->shelf = ds_checkpoint_shelf_new ();
  self->directory =
      ds_durable_directory_open (directory, flags | DS_DURABLE_DIRECTORY_CREATE, error);
  if (self->directory == NULL)
    return NULL;
  ds_checkpointer_note_application (self);
  return g_steal_pointer (&self);
}

void
ds_checkpointer_free (DsCheckpointer *self)
{
  ds_checkpointer_finish (self, FALSE, NULL);
  g_clear_pointer (&self->recovery, ds_recovery_free);
  g_clear_pointer (&self->directory, ds_durable_directory_close);
  ds_checkpoint_shelf_free (self->shelf);
  g_ptr_array_unref (self->unneeded);
  g_clear_error (&self->log_error);
  g_array_unref (self->plans);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self->path);
  g_free (self);
}

const guint8 *
ds_checkpointer_get_application_id (DsCheckpointer *self)
{
  return self->application_id;
}

DsDurableDirectory *
ds_checkpointer_get_directory (DsCheckpointer *self)
{
  return self->directory;
}

DsWriteAheadLog *
ds_checkpointer_get_log (DsCheckpointer *self)
{
  return self->log;
}

DsRecovery *
ds_checkpointer_get_recovery (DsCheckpointer *self)
{
  return self->recovery;
}

gboolean
ds_checkpointer_is_fresh (DsCheckpointer *self)
{
  return ds_durable_directory_is_fresh (self->directory);
}

gboolean
ds_checkpointer_discard (DsCheckpointer *self, GError **error)
{
  g_clear_pointer (&self->recovery, ds_recovery_free);
  if (!ds_durable_directory_discard (self->directory, error))
    return FALSE;
  ds_checkpointer_note_application (self);
  return TRUE;
}

gboolean
ds_checkpointer_read (DsCheckpointer *self, gboolean allows_fresh_start, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  self->recovery = ds_recovery_read (self->directory, &local_error);
  if (local_error == NULL)
    return TRUE;
  if (allows_fresh_start && g_error_matches (local_error, DS_ERROR, DS_ERROR_CORRUPT))
    {
      g_message ("Beginning anew, as the program allows: %s", local_error->message);
      return ds_checkpointer_discard (self, error);
    }
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

/* ---- Waiting for the log ---- */

/* Thread: the log's. */
static void
ds_checkpointer_log_is_durable (guint64 sequence, const GError *error, gpointer user_data)
{
  DsCheckpointer *self = user_data;

  g_mutex_lock (&self->lock);
  self->durable_sequence = sequence;
  if (error != NULL && self->log_error == NULL)
    self->log_error = g_error_copy (error);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  ds_receiver_tracker_log_is_durable (self->context->receivers, sequence, error);
}

/* Thread: the log's. */
static void
ds_checkpointer_log_waits (const GError *error, gpointer user_data)
{
  DsCheckpointer *self = user_data;

  ds_receiver_tracker_note_trouble (self->context->receivers, error);
  g_atomic_int_add (&self->context->n_held_back, error != NULL ? 1 : -1);
  if (error != NULL)
    g_message ("Batches and receivers wait, and go on by themselves: %s", error->message);
  else
    g_message ("The log in \"%s\" is written again", self->path);
}

/* Not ds_write_ahead_log_await (): a stop must be able to end it. */
static gboolean
ds_checkpointer_await (DsCheckpointer *self, guint64 sequence, GError **error)
{
  gboolean is_durable;

  g_mutex_lock (&self->lock);
  if (self->durable_sequence < sequence && !self->is_finished)
    ds_write_ahead_log_request_sync (self->log, sequence);
  while (self->durable_sequence < sequence && self->log_error == NULL &&
         !self->is_interrupted && !self->is_finished)
    g_cond_wait (&self->changed, &self->lock);
  is_durable = self->durable_sequence >= sequence;
  if (!is_durable && self->log_error != NULL)
    g_propagate_error (error, g_error_copy (self->log_error));
  else if (!is_durable)
    g_set_error (error, DS_ERROR, DS_ERROR_STOPPED,
                 "the context was stopped before the log in \"%s\" could be written",
                 self->path);
  g_mutex_unlock (&self->lock);
  return is_durable;
}

void
ds_checkpointer_interrupt (DsCheckpointer *self)
{
  g_mutex_lock (&self->lock);
  self->is_interrupted = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

void
ds_checkpointer_give_up_at (DsCheckpointer *self, gint64 deadline)
{
  if (self->log != NULL)
    ds_write_ahead_log_give_up_at (self->log, deadline);
}

/* ---- Writing checkpoints ---- */

/* Removing may take as long as the disk likes: without the lock, which batches wait for.
 * What could not be removed is tried again the next time. */
static void
ds_checkpointer_put_away (DsCheckpointer *self)
{
  g_autoptr (GError) error = NULL;
  guint64 sequence;
  gboolean ok = TRUE;

  g_mutex_lock (&self->lock);
  ds_checkpoint_shelf_take_unneeded (self->shelf, self->unneeded, &sequence);
  g_mutex_unlock (&self->lock);
  while (ok && self->unneeded->len > 0)
    {
      ok = ds_durable_directory_remove_file (self->directory, self->unneeded->pdata[0],
                                             &error);
      if (ok)
        g_ptr_array_remove_index (self->unneeded, 0);
    }
  if (!ok || !ds_write_ahead_log_remove_before (self->log, sequence, &error))
    g_message ("Checkpoints in \"%s\": what is not needed any longer could not be "
               "removed: %s",
               self->path, error->message);
}

/* FALSE with an error; the next one is tried all the same. */
static gboolean
ds_checkpointer_write (DsCheckpointer *self, DsCheckpointCapture *capture, GError **error)
{
  guint64 n_bytes;
  g_autoptr (DsCheckpointWriter) file =
      ds_checkpoint_capture_write (capture, self->directory, &n_bytes, error);
  /* The log has to have what the checkpoint relies on; the first one comes before it. */
  gboolean ok =
      file != NULL &&
      (self->log == NULL ||
       ds_checkpointer_await (self, ds_checkpoint_capture_get_wal_sequence (capture) - 1,
                              error)) &&
      ds_checkpoint_capture_finish (capture, file, error) &&
      (self->log == NULL || ds_write_ahead_log_rotate (self->log, error) != 0);

  if (!ok)
    {
      g_prefix_error (error,
                      "Checkpoint of batch %" G_GINT64_FORMAT
                      " ms was not written; the one before it and the log are whole: ",
                      ds_checkpoint_capture_get_time (capture) / DS_MILLISECOND);
      return FALSE;
    }
  g_mutex_lock (&self->lock);
  self->n_written++;
  ds_checkpoint_shelf_add (self->shelf, ds_checkpoint_capture_get_time (capture),
                           ds_checkpoint_capture_get_base_time (capture),
                           ds_checkpoint_capture_get_wal_sequence (capture), n_bytes);
  g_mutex_unlock (&self->lock);
  if (self->log != NULL)
    ds_checkpointer_put_away (self);
  return TRUE;
}

/* Batches come first: when they have need of every processor, checkpoints take longer,
 * and the next one is taken when that is written. */
static void
ds_checkpointer_stand_back (void)
{
#ifdef __linux__
  /* There it is the calling thread's alone.  Where it cannot be, all are equal. */
  setpriority (PRIO_PROCESS, 0, DS_CHECKPOINT_NICENESS);
#endif
}

/* Of the calling thread, in µs. */
static gint64
ds_checkpointer_get_cpu_time (void)
{
  struct timespec time = { 0 };

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (gint64) time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

static gpointer
ds_checkpointer_thread (gpointer data)
{
  DsCheckpointer *self = data;

  ds_checkpointer_stand_back ();
  g_mutex_lock (&self->lock);
  while (!self->is_ending || self->capture != NULL)
    {
      g_autoptr (GError) error = NULL;
      DsCheckpointCapture *capture = self->capture;
      gint64 cost;
      gboolean ok;

      if (capture == NULL)
        {
          g_cond_wait (&self->changed, &self->lock);
          continue;
        }
      g_mutex_unlock (&self->lock);
      cost = ds_checkpointer_get_cpu_time ();
      ok = ds_checkpointer_write (self, capture, &error);
      if (!ok && g_error_matches (error, DS_ERROR, DS_ERROR_STOPPED))
        g_debug ("%s", error->message); /* the stop did not wait for it */
      else if (!ok)
        g_message ("%s", error->message);
      ds_checkpoint_capture_free (capture, ok);
      cost = ds_checkpointer_get_cpu_time () - cost;
      g_mutex_lock (&self->lock);
      self->capture = NULL;
      ds_checkpoint_pace_note (&self->pace, g_get_monotonic_time (), cost);
      g_cond_broadcast (&self->changed);
    }
  g_mutex_unlock (&self->lock);
  return NULL;
}

/* ---- Plans and ends of batches ---- */

static void
ds_byte_array_release (gpointer bytes)
{
  g_byte_array_unref (bytes);
}

/* FALSE with error: the log is closed.  Not with the lock held, which the log's thread
 * takes: an append waits for that while the disk is full. */
static gboolean
ds_checkpointer_enter_log (DsCheckpointer *self, GError **error)
{
  gboolean is_open;

  g_mutex_lock (&self->lock);
  is_open = !self->is_finished && self->log != NULL;
  if (is_open)
    self->n_in_log++;
  else
    g_set_error (error, DS_ERROR, DS_ERROR_STOPPED,
                 "the log of \"%s\" is closed: the context was stopped", self->path);
  g_mutex_unlock (&self->lock);
  return is_open;
}

static void
ds_checkpointer_leave_log (DsCheckpointer *self)
{
  g_mutex_lock (&self->lock);
  if (--self->n_in_log == 0)
    g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

/* Takes over @payload. */
static guint64
ds_checkpointer_append (DsCheckpointer *self,
                        DsLogRecordType type,
                        GByteArray *payload,
                        GError **error)
{
  const DsLogPart part = { payload->data, payload->len };
  guint64 sequence;

  if (!ds_checkpointer_enter_log (self, error))
    {
      g_byte_array_unref (payload);
      return 0;
    }
  sequence = ds_write_ahead_log_append (self->log, type, &part, 1, payload,
                                        ds_byte_array_release, error);
  if (sequence > 0 && type == DS_LOG_PLAN)
    ds_write_ahead_log_request_sync (self->log, sequence);
  ds_checkpointer_leave_log (self);
  return sequence;
}

/* The end of a batch is not waited for: without it the batch is only run once more.  An
 * attempt is, or one that ends the process would not be counted. */
static void
ds_checkpointer_mark (DsCheckpointer *self, DsLogRecordType type, DsTime time, int result)
{
  GByteArray *payload = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  guint64 sequence;

  ds_codec_encode (ds_value_int (time), payload);
  if (type == DS_LOG_COMMIT)
    ds_codec_encode (ds_value_int (result), payload);
  sequence = ds_checkpointer_append (self, type, payload, &error);
  if (sequence == 0 ||
      (type == DS_LOG_ATTEMPT && !ds_checkpointer_await (self, sequence, &error)))
    g_debug ("Batch %" G_GINT64_FORMAT " ms: %s", time / DS_MILLISECOND, error->message);
}

static GByteArray *
ds_checkpointer_encode_plan (DsCheckpointer *self, DsTime time)
{
  DsGraph *graph = self->context->graph;
  GByteArray *payload = g_byte_array_new ();
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  ds_codec_encode (ds_value_int (time), payload);
  ds_codec_encode (ds_value_int ((gint64) self->fingerprint), payload);
  ds_graph_lock (graph);
  for (guint i = 0; i < ds_graph_get_n_inputs (graph); i++)
    {
      DsInputDStream *input = ds_graph_get_input (graph, i);
      const DsDStreamNode *node = ds_dstream_get_node (DS_DSTREAM (input));
      DsValue fields[3] = { ds_value_int (i) };

      if (node->remember == 0 || node->ops->recovery == NULL)
        continue;
      g_byte_array_set_size (bytes, 0);
      node->ops->recovery->save_plan (input, time, bytes);
      fields[1] = ds_value_bytes (bytes->data, bytes->len);
      fields[2] = ds_value_string (node->name != NULL ? node->name : "");
      ds_codec_encode (ds_value_tuple (fields, G_N_ELEMENTS (fields)), payload);
    }
  ds_graph_unlock (graph);
  return payload;
}

DsReplay
ds_checkpointer_get_replay (DsCheckpointer *self, DsTime time)
{
  return self->recovery != NULL ? ds_recovery_get_replay (self->recovery, time)
                                : DS_REPLAY_NOT;
}

gboolean
ds_checkpointer_plan (DsCheckpointer *self,
                      DsTime time,
                      guint64 *sequence,
                      GError **error)
{
  DsLoggedPlan plan = { time, 0 };

  if (self->recovery != NULL)
    plan.sequence = ds_recovery_get_plan_sequence (self->recovery, time);
  *sequence = 0; /* it is durable, or it would not have been found */
  if (plan.sequence == 0)
    {
      plan.sequence =
          ds_checkpointer_append (self, DS_LOG_PLAN,
                                  ds_checkpointer_encode_plan (self, time), error);
      if (plan.sequence == 0)
        return FALSE;
      *sequence = plan.sequence;
    }
  g_mutex_lock (&self->lock);
  g_array_append_val (self->plans, plan);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

gboolean
ds_checkpointer_await_plan (DsCheckpointer *self, guint64 sequence, GError **error)
{
  return sequence == 0 || DS_PLANTED ("plan-not-awaited") ||
         ds_checkpointer_await (self, sequence, error);
}

void
ds_checkpointer_end_batch (DsCheckpointer *self, DsTime time, DsBatchResult result)
{
  g_mutex_lock (&self->lock);
  self->done_time = time;
  while (self->plans->len > 0 &&
         g_array_index (self->plans, DsLoggedPlan, 0).time <= time)
    g_array_remove_index (self->plans, 0);
  g_mutex_unlock (&self->lock);
  ds_checkpointer_mark (self, DS_LOG_COMMIT, time, (int) result);
}

guint64
ds_checkpointer_get_fingerprint (DsCheckpointer *self)
{
  return self->fingerprint;
}

/* ---- Taking them ---- */

/* From where on the log is needed with a checkpoint after @time. */
static guint64
ds_checkpointer_find_sequence (DsCheckpointer *self, DsTime time)
{
  /* First: what is appended from here on has this number or a higher one. */
  guint64 sequence =
      self->log != NULL ? ds_write_ahead_log_get_next_sequence (self->log) : 1;

  sequence =
      MIN (sequence, ds_receiver_tracker_get_oldest_sequence (self->context->receivers));
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->plans->len; i++)
    {
      const DsLoggedPlan *plan = &g_array_index (self->plans, DsLoggedPlan, i);

      if (plan->time > time)
        sequence = MIN (sequence, plan->sequence);
    }
  g_mutex_unlock (&self->lock);
  return sequence;
}

static DsCheckpointCapture *
ds_checkpointer_capture (DsCheckpointer *self, DsTime time)
{
  DsTime base_time;

  g_mutex_lock (&self->lock);
  base_time = ds_checkpoint_shelf_get_base_time (self->shelf);
  self->captured_time = time;
  self->is_owed = FALSE;
  g_mutex_unlock (&self->lock);
  return ds_checkpoint_capture_new (self->context, time, base_time,
                                    ds_checkpointer_find_sequence (self, time));
}

/* Whether one of the times at which checkpoints are due lies in (the last one, @time].
 * Locks: self->lock. */
static gboolean
ds_checkpointer_is_due_locked (DsCheckpointer *self, DsTime time, gboolean is_behind)
{
  DsTime zero_time = ds_driver_get_zero_time (self->context->driver);

  if (self->capture != NULL || time <= self->captured_time)
    return FALSE;
  if (!ds_checkpoint_pace_allows (&self->pace, g_get_monotonic_time (), is_behind))
    return FALSE;
  if (self->captured_time == DS_TIME_NONE || self->is_owed)
    return TRUE;
  return (time - zero_time) / self->interval >
         (self->captured_time - zero_time) / self->interval;
}

void
ds_checkpointer_begin_batch (DsCheckpointer *self, DsTime time, gboolean is_behind)
{
  DsReplay replay = ds_checkpointer_get_replay (self, time);
  DsCheckpointCapture *capture;
  DsTime done_time;
  gboolean is_due;

  g_mutex_lock (&self->lock);
  done_time = self->done_time;
  is_due = !self->is_finished && replay == DS_REPLAY_NOT &&
           ds_checkpointer_is_due_locked (self, done_time, is_behind);
  g_mutex_unlock (&self->lock);
  if (replay != DS_REPLAY_NOT)
    ds_checkpointer_mark (self, DS_LOG_ATTEMPT, time, -1);
  if (!is_due)
    return;

  capture = ds_checkpointer_capture (self, done_time);
  g_mutex_lock (&self->lock);
  self->capture = capture;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

DsTime
ds_checkpointer_get_oldest_time (DsCheckpointer *self)
{
  DsTime time;

  g_mutex_lock (&self->lock);
  time = ds_checkpoint_shelf_get_oldest_time (self->shelf);
  g_mutex_unlock (&self->lock);
  return time;
}

guint
ds_checkpointer_get_n_written (DsCheckpointer *self)
{
  guint n_written;

  g_mutex_lock (&self->lock);
  n_written = self->n_written;
  g_mutex_unlock (&self->lock);
  return n_written;
}

/* ---- Start and end ---- */

/* As often as the stream that wants it most often does. */
static DsDuration
ds_checkpointer_find_interval (DsStreamingContext *context)
{
  DsDuration found = G_MAXINT64;

  for (guint i = 0; i < ds_graph_get_n_streams (context->graph); i++)
    {
      DsDStream *stream = ds_graph_get_stream (context->graph, i);
      DsDuration interval = ds_dstream_get_checkpoint_interval (stream);

      if (interval > 0 && ds_dstream_get_node (stream)->remember > 0)
        found = MIN (found, interval);
    }
  if (found < G_MAXINT64)
    return found;
  return ds_default_checkpoint_interval (context->interval);
}

static gboolean
ds_checkpointer_write_first (DsCheckpointer *self, GError **error)
{
  DsCheckpointCapture *capture = ds_checkpointer_capture (self, self->done_time);
  gboolean ok = ds_checkpointer_write (self, capture, error);

  ds_checkpoint_capture_free (capture, ok);
  return ok;
}

static guint64
ds_checkpointer_find_fingerprint (DsStreamingContext *context)
{
  g_autoptr (DsGraphSignature) signature =
      ds_graph_signature_new (context->graph, context->interval);

  return ds_graph_signature_get_fingerprint (signature);
}

gboolean
ds_checkpointer_start (DsCheckpointer *self, DsStreamingContext *context, GError **error)
{
  const DsLogSettings settings = { .rolling_interval = context->wal_rolling_interval };
  DsRecovery *recovery = self->recovery;

  self->context = context;
  self->interval = ds_checkpointer_find_interval (context);
  self->fingerprint = ds_checkpointer_find_fingerprint (context);
  self->done_time = recovery != NULL ? ds_recovery_get_time (recovery)
                                     : ds_driver_get_zero_time (context->driver);
  self->durable_sequence =
      recovery != NULL ? ds_recovery_get_next_sequence (recovery) - 1 : 0;
  /* A log without a checkpoint is damage, so the checkpoint comes first. */
  if (recovery == NULL && !ds_checkpointer_write_first (self, error))
    return FALSE;
  if (recovery != NULL)
    {
      /* There is one of that time; what was replayed since need not be once more, and
       * the graph may be another one. */
      self->captured_time = self->done_time;
      self->is_owed = TRUE;
    }
  self->log = ds_write_ahead_log_new (
      self->directory, recovery != NULL ? ds_recovery_get_next_segment (recovery) : 1,
      recovery != NULL ? ds_recovery_get_next_sequence (recovery) : 1, &settings, error);
  if (self->log == NULL)
    return FALSE;
  ds_write_ahead_log_set_durable_func (self->log, ds_checkpointer_log_is_durable, self);
  ds_write_ahead_log_set_trouble_func (self->log, ds_checkpointer_log_waits, self);
  if (recovery != NULL && !ds_checkpoint_shelf_read (self->shelf, self->directory, error))
    return FALSE;
  self->thread = g_thread_try_new ("ds-checkpoint", ds_checkpointer_thread, self, error);
  return self->thread != NULL;
}

gboolean
ds_checkpointer_finish (DsCheckpointer *self, gboolean is_graceful, GError **error)
{
  GThread *thread;
  DsWriteAheadLog *log;
  gboolean ok = TRUE;

  /* Whoever is waited for below may be waiting for a full disk. */
  ds_checkpointer_give_up_at (self, g_get_monotonic_time () + DS_CHECKPOINT_PATIENCE);
  g_mutex_lock (&self->lock);
  self->is_ending = TRUE;
  thread = g_steal_pointer (&self->thread);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  if (thread != NULL)
    g_thread_join (thread);

  if (is_graceful && thread != NULL && self->done_time != self->captured_time)
    ok = ds_checkpointer_write_first (self, error);
  g_mutex_lock (&self->lock);
  self->is_finished = TRUE;
  g_cond_broadcast (&self->changed);
  while (self->n_in_log > 0)
    g_cond_wait (&self->changed, &self->lock);
  log = g_steal_pointer (&self->log);
  g_mutex_unlock (&self->lock);
  if (log != NULL && !ds_write_ahead_log_close (log, ok ? error : NULL))
    ok = FALSE;
  g_clear_pointer (&self->directory, ds_durable_directory_close);
  return ok;
}
