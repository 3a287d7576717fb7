/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two threads take turns.  Whoever a tick wakes generates the batch and runs it, if no
 * batch is running; the other one sleeps until the tick after, when it does the same, or,
 * if the first is still busy, generates the next batch beside it.  So the common case, a
 * batch that is shorter than its interval, costs one wake-up and no hand-over: waking a
 * parked thread costs tens of microseconds, several times what an empty batch does.  In
 * the other case generation and jobs overlap as if each had a thread of its own.
 *
 * At most one thread generates, at most one runs, and both go by the order of ticks; so
 * the graph and the program's functions see one batch after the other, if not always on
 * the same thread. */

#include "dstream/ds-driver-private.h"

#include "dstream/ds-batch-log-private.h"
#include "dstream/ds-file-input-dstream-private.h"
#include "dstream/ds-batch-timer-private.h"
#include "dstream/ds-job-set-private.h"
#include "dstream/ds-lateness-private.h"
#include "dstream/ds-missed-batches-private.h"
#include "dstream/ds-streaming-context-private.h"
#include "rdd/ds-step-rdd-private.h"

#include <string.h>

#define DS_N_DRIVER_THREADS 2
/* How long a thread that found ticks overdue leaves them to the other one, in µs; twice
 * as long each time that it finds nothing to do, up to the second. */
#define DS_DRIVER_PATIENCE 1000
#define DS_DRIVER_MAX_PATIENCE 64000
/* A batch that took longer than this, in µs, is worth waking the other thread for. */
#define DS_DRIVER_LONG_BATCH 200
/* Failed batches whose times are known: the last ones. */
#define DS_DRIVER_MAX_FAILED_TIMES 100
/* How long await_batch looks before it sleeps, in µs. */
#define DS_DRIVER_SPIN 20

typedef struct
{
  DsDriver *driver;
  guint index;
  GThread *thread;
  DsTime rests_until; /* steady time; DS_TIME_NONE: awake.  Guarded by the lock */
  gint64 patience;    /* µs */
  gint is_called;     /* atomic: leave the clock */
} DsDriverSeat;

struct _DsDriver
{
  DsStreamingContext *context; /* not owned: each thread holds a reference */
  GCancellable *cancellable;

  GMutex lock; /* guards what follows */
  GCond changed;
  DsBatchTimer timer;
  GQueue waiting; /* DsJobSet, in the order of time */
  DsDriverSeat seats[DS_N_DRIVER_THREADS];
  guint n_threads; /* that have not ended */
  gboolean is_generating;
  gboolean is_running;
  gboolean is_interrupted;
  gboolean is_cut_short;      /* the same, by a stop from inside, which may say why */
  gboolean is_abandoned;      /* nobody waits for the threads any more */
  gboolean has_failed;        /* by policy, no batch comes after a failed one */
  gboolean generation_failed; /* the same, seen before that batch had its turn */
  guint n_parked;             /* seats that wait for room in the queue */
  gint64 last_turn;           /* monotonic: when the last batch was begun */
  DsTime running_time;        /* of the batch that runs, or DS_TIME_NONE */
  DsTime generating_time;     /* of the one that is generated, or DS_TIME_NONE */
  DsTime running_since;       /* wall time, as the timer has it */
  DsTime generating_since;
  DsLateness lateness;
  GArray *failed_times;   /* DsTime */
  gint64 n_failed_before; /* those */
  GError *error;          /* (nullable): why await_batch fails */
  DsTime awaited;         /* the earliest that someone waits for; or G_MAXINT64 */
  gint64 n_processed;     /* records */
  DsTime done;            /* atomic: everything up to here is over */
};

static _Thread_local DsDriver *ds_current_driver;

/* Of a context that goes on from a checkpoint: where that was. */
static void
ds_driver_init_timer (DsDriver *self)
{
  DsStreamingContext *context = self->context;
  DsRecovery *recovery = ds_streaming_context_get_recovery (context);
  DsDuration set_back;
  DsTime last_time;

  if (recovery == NULL)
    {
      ds_batch_timer_init (&self->timer, context->clock, context->interval);
      self->done = self->timer.zero_time;
      return;
    }
  last_time = ds_recovery_get_last_time (recovery);
  self->done = ds_recovery_get_time (recovery);
  ds_batch_timer_init_restored (&self->timer, context->clock, context->interval,
                                ds_recovery_get_zero_time (recovery), self->done,
                                last_time, &set_back);
  if (set_back > 0)
    g_message ("The clock is %.3f s behind batch %" G_GINT64_FORMAT
               " ms, the last one before the restart: batches go on after that one, and "
               "are that much ahead of the clock",
               (double) set_back / DS_SECOND, last_time / DS_MILLISECOND);
  else
    ds_missed_batches_tell (&self->timer, self->context, last_time);
}

DsDriver *
ds_driver_new (DsStreamingContext *context)
{
  DsDriver *self = g_new0 (DsDriver, 1);

  self->context = context;
  self->cancellable = g_cancellable_new ();
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  ds_driver_init_timer (self);
  g_queue_init (&self->waiting);
  self->running_time = DS_TIME_NONE;
  self->generating_time = DS_TIME_NONE;
  ds_lateness_init (&self->lateness, context->interval);
  self->failed_times = g_array_new (FALSE, FALSE, sizeof (DsTime));
  self->awaited = G_MAXINT64;
  for (guint i = 0; i < DS_N_DRIVER_THREADS; i++)
    {
      self->seats[i].driver = self;
      self->seats[i].index = i;
      self->seats[i].rests_until = DS_TIME_NONE;
      self->seats[i].patience = DS_DRIVER_PATIENCE;
    }
  return self;
}

void
ds_driver_free (DsDriver *self)
{
  g_queue_clear_full (&self->waiting, (GDestroyNotify) ds_job_set_free);
  ds_batch_timer_clear (&self->timer);
  g_array_unref (self->failed_times);
  g_clear_error (&self->error);
  g_object_unref (self->cancellable);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self);
}

/* ---- Turns.  Thread: driver.  Locks: needs self->lock, gives it up meanwhile. ---- */

static gboolean
ds_driver_is_at_end_locked (DsDriver *self)
{
  if (self->is_interrupted || self->has_failed)
    return TRUE;
  return ds_batch_timer_is_over (&self->timer) && !self->is_generating &&
         !self->is_running && g_queue_is_empty (&self->waiting);
}

static gboolean
ds_driver_has_room_locked (DsDriver *self)
{
  return self->waiting.length < MAX (self->context->max_waiting_batches, 1);
}

static void
ds_driver_generate_locked (DsDriver *self)
{
  DsJobSet *set;
  DsTime time;

  self->is_generating = TRUE;
  ds_missed_batches_give_up (&self->timer, self->context);
  time = ds_batch_timer_fire (&self->timer);
  self->generating_time = time;
  self->generating_since = ds_batch_timer_get_now (&self->timer);
  g_mutex_unlock (&self->lock);

  set = ds_job_generator_generate (self->context, time);

  g_mutex_lock (&self->lock);
  self->is_generating = FALSE;
  self->generating_time = DS_TIME_NONE;
  if (set->error != NULL && self->context->failure_policy != DS_FAILURE_POLICY_CONTINUE)
    self->generation_failed = TRUE;
  g_queue_push_tail (&self->waiting, set);
}

/* Everything up to @time is over. */
static void
ds_driver_set_done_locked (DsDriver *self, DsTime time)
{
  __atomic_store_n (&self->done, time, __ATOMIC_RELEASE);
  if (time >= self->awaited)
    {
      self->awaited = G_MAXINT64;
      g_cond_broadcast (&self->changed);
    }
}

static void
ds_driver_fail_locked (DsDriver *self, DsTime time, const GError *error)
{
  if (self->failed_times->len == DS_DRIVER_MAX_FAILED_TIMES)
    {
      g_array_remove_index (self->failed_times, 0);
      self->n_failed_before++;
    }
  g_array_append_val (self->failed_times, time);
  if (self->context->failure_policy == DS_FAILURE_POLICY_CONTINUE)
    {
      ds_driver_set_done_locked (self, time);
      return;
    }
  self->has_failed = TRUE;
  self->error = g_error_copy (error);
  g_cond_broadcast (&self->changed);
}

/* A replay of one that was given up: so it is once more. */
static void
ds_driver_give_up_set (DsJobSet *set)
{
  for (guint i = 0; i < set->steps->len; i++)
    ds_step_rdd_settle (g_ptr_array_index (set->steps, i));
}

static gboolean
ds_driver_try_set (DsDriver *self, DsJobSet *set, GError **error)
{
  if (set->is_given_up)
    {
      ds_driver_give_up_set (set);
      return TRUE;
    }
  if (set->error != NULL)
    {
      /* Where the next batches are run all the same, what this one brought is not missing
       * in the state: its own error comes after this one. */
      if (set->steps->len > 0 &&
          self->context->failure_policy == DS_FAILURE_POLICY_CONTINUE)
        ds_job_scheduler_run (self->context, set, NULL);
      g_propagate_error (error, g_error_copy (set->error));
      return FALSE;
    }
  return (set->jobs->len == 0 && set->steps->len == 0) ||
         ds_job_scheduler_run (self->context, set, error);
}

/* How the batch ended, for the log. */
static DsBatchResult
ds_driver_get_result (DsJobSet *set, gboolean ok)
{
  if (set->is_given_up)
    return DS_BATCH_GIVEN_UP;
  if (ok)
    return DS_BATCH_COMPLETE;
  for (guint i = 0; i < set->steps->len; i++)
    if (ds_rdd_was_given_up (g_ptr_array_index (set->steps, i)))
      return DS_BATCH_GIVEN_UP;
  return DS_BATCH_OUTPUTS_FAILED;
}

/* Runs a batch, without the lock.  FALSE with why it failed. */
static gboolean
ds_driver_run_set (DsDriver *self, DsJobSet *set, gboolean is_behind, GError **error)
{
  DsCheckpointer *checkpointer = self->context->checkpointer;
  g_autoptr (GError) local_error = NULL;
  DsBatchResult result;
  gboolean ok;

  if (checkpointer != NULL)
    ds_checkpointer_begin_batch (checkpointer, set->time, is_behind);
  ok = ds_driver_try_set (self, set, &local_error);
  result = ds_driver_get_result (set, ok);

  /* What a stop cut off did not fail. */
  if (ok || !g_cancellable_is_cancelled (self->cancellable))
    ds_batch_log_add (self->context->log, self->context->graph, set, local_error);
  g_array_set_size (set->jobs, 0);
  g_ptr_array_set_size (set->steps, 0);
  ds_receiver_tracker_settle (self->context->receivers, set->time, ok);
  if (!ok)
    g_propagate_error (error, g_steal_pointer (&local_error));
  if (!ok && self->context->failure_policy != DS_FAILURE_POLICY_CONTINUE)
    return FALSE;

  /* One that failed, too, when others follow: it is not run again, and an output that
   * fails in each batch must not fill the memory. */
  if (checkpointer != NULL && (ok || !g_cancellable_is_cancelled (self->cancellable)))
    ds_checkpointer_end_batch (checkpointer, set->time, result);
  ds_graph_forget (self->context->graph, set->time);
  ds_receiver_tracker_forget (self->context->receivers, set->time);
  for (guint i = 0; i < ds_graph_get_n_inputs (self->context->graph); i++)
    ds_file_input_dstream_end_batch (ds_graph_get_input (self->context->graph, i),
                                     set->time, ok);
  ds_arena_pool_end_batch (ds_context_get_arena_pool (self->context->context));
  ds_streaming_context_look_for_stop_file (self->context);
  return ok;
}

/* What a stop cut off did not fail.  Who stops the stream and then fails does: that error
 * is its own. */
static gboolean
ds_driver_was_cut_off_locked (DsDriver *self, const GError *error)
{
  return self->is_interrupted &&
         (!self->is_cut_short || g_error_matches (error, DS_ERROR, DS_ERROR_STOPPED) ||
          g_error_matches (error, DS_ERROR, DS_ERROR_CANCELLED) ||
          g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
}

static void
ds_driver_run_locked (DsDriver *self)
{
  g_autoptr (DsJobSet) set = g_queue_pop_head (&self->waiting);
  g_autoptr (GError) error = NULL;
  gint64 now = g_get_monotonic_time ();
  gboolean is_behind =
      self->context->checkpointer != NULL &&
      (!g_queue_is_empty (&self->waiting) || ds_batch_timer_is_due (&self->timer, 0));
  gboolean failed;

  self->is_running = TRUE;
  self->running_time = set->time;
  self->running_since = ds_batch_timer_get_now (&self->timer);
  if (self->n_parked > 0 && now - self->last_turn > DS_DRIVER_LONG_BATCH)
    g_cond_broadcast (&self->changed);
  self->last_turn = now;
  g_mutex_unlock (&self->lock);

  failed = !ds_driver_run_set (self, set, is_behind, &error);

  g_mutex_lock (&self->lock);
  self->is_running = FALSE;
  self->running_time = DS_TIME_NONE;
  if (failed && ds_driver_was_cut_off_locked (self, error))
    {
      g_array_append_val (self->failed_times, set->time); /* for the report */
      return;
    }
  if (!failed)
    {
      self->n_processed += set->n_records;
      ds_driver_set_done_locked (self, set->time);
      return;
    }

  ds_driver_fail_locked (self, set->time, error);
  g_mutex_unlock (&self->lock);
  ds_streaming_context_take_error (self->context, g_steal_pointer (&error));
  g_mutex_lock (&self->lock);
}

/* Says it when the batch that runs, or is generated, has been on its way for too long;
 * then the lock was given up meanwhile, and the result is 0.  Otherwise that is how long
 * it may still take, in us; G_MAXINT64: as long as it likes. */
static DsDuration
ds_driver_look_at_lateness_locked (DsDriver *self)
{
  gboolean is_generated = self->running_time == DS_TIME_NONE;
  DsTime time = is_generated ? self->generating_time : self->running_time;
  DsTime since = is_generated ? self->generating_since : self->running_since;
  DsTime now;
  DsDuration late;

  if (time == DS_TIME_NONE || self->timer.hurries)
    return G_MAXINT64;
  now = ds_batch_timer_get_now (&self->timer);
  late = now - MAX (time, self->timer.started);
  if (!ds_lateness_look (&self->lateness, late))
    return self->lateness.limit - late;
  g_mutex_unlock (&self->lock);
  ds_lateness_tell (self->context, time, late, now - since, is_generated);
  g_mutex_lock (&self->lock);
  return 0;
}

/* Nothing to do: until the next tick that the other thread does not wait for. */
static void
ds_driver_rest_locked (DsDriver *self, DsDriverSeat *seat)
{
  DsDriverSeat *other = &self->seats[1 - seat->index];
  DsTime due = ds_batch_timer_get_due (&self->timer, 0);

  if (ds_batch_timer_is_over (&self->timer) || self->generation_failed)
    {
      g_cond_wait (&self->changed, &self->lock);
      return;
    }
  if (ds_batch_timer_is_due (&self->timer, 0))
    {
      /* Overdue, and the other thread is at it.  If it is quick it needs no help, and
       * waking up for every batch would only disturb it. */
      DsDuration rest = ds_driver_look_at_lateness_locked (self);

      if (rest == 0)
        return;
      self->n_parked++;
      if (ds_driver_has_room_locked (self))
        g_cond_wait_until (&self->changed, &self->lock,
                           g_get_monotonic_time () + seat->patience);
      else if (rest < G_MAXINT64)
        g_cond_wait_until (&self->changed, &self->lock, g_get_monotonic_time () + rest);
      else
        g_cond_wait (&self->changed, &self->lock);
      seat->patience = MIN (2 * seat->patience, DS_DRIVER_MAX_PATIENCE);
      self->n_parked--;
      return;
    }

  if (other->rests_until == due)
    due = ds_batch_timer_get_due (&self->timer, 1);
  seat->rests_until = due;
  g_mutex_unlock (&self->lock);
  ds_clock_wait_until (self->context->clock, due, &seat->is_called);
  g_mutex_lock (&self->lock);
  seat->rests_until = DS_TIME_NONE;
  g_atomic_int_set (&seat->is_called, FALSE);
}

static gpointer
ds_driver_thread (gpointer data)
{
  DsDriverSeat *seat = data;
  DsDriver *self = seat->driver;
  DsStreamingContext *context = self->context;

  ds_current_driver = self;
  g_mutex_lock (&self->lock);
  while (!ds_driver_is_at_end_locked (self))
    {
      if (!self->is_running && !g_queue_is_empty (&self->waiting))
        {
          ds_driver_run_locked (self);
          seat->patience = DS_DRIVER_PATIENCE;
        }
      else if (!self->is_generating && !self->generation_failed &&
               ds_driver_has_room_locked (self) &&
               ds_batch_timer_is_due (&self->timer, 0))
        {
          ds_driver_generate_locked (self);
          seat->patience = DS_DRIVER_PATIENCE;
        }
      else
        ds_driver_rest_locked (self, seat);
    }
  self->n_threads--;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  ds_driver_wake (self);
  ds_current_driver = NULL;

  g_object_unref (context);
  return NULL;
}

/* ---- Start and stop ---- */

static gboolean
ds_driver_start_thread (DsDriver *self, DsDriverSeat *seat, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  /* Counted before it is there, or it might be over before. */
  g_object_ref (self->context);
  g_mutex_lock (&self->lock);
  self->n_threads++;
  g_mutex_unlock (&self->lock);
  seat->thread = g_thread_try_new (seat->index == 0 ? "ds-driver-0" : "ds-driver-1",
                                   ds_driver_thread, seat, &local_error);
  if (seat->thread != NULL)
    return TRUE;

  g_mutex_lock (&self->lock);
  self->n_threads--;
  g_mutex_unlock (&self->lock);
  g_object_unref (self->context);
  g_set_error (error, DS_ERROR, DS_ERROR_FAILED,
               "Cannot start a thread for the batches: %s; the limit of threads (ulimit "
               "-u) may be reached",
               local_error->message);
  return FALSE;
}

gboolean
ds_driver_start (DsDriver *self, GError **error)
{
  for (guint i = 0; i < DS_N_DRIVER_THREADS; i++)
    if (!ds_driver_start_thread (self, &self->seats[i], error))
      {
        ds_driver_interrupt (self);
        ds_driver_join (self, G_MAXINT64, NULL);
        return FALSE;
      }
  return TRUE;
}

void
ds_driver_wake (DsDriver *self)
{
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < DS_N_DRIVER_THREADS; i++)
    g_atomic_int_set (&self->seats[i].is_called, TRUE);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  ds_clock_wake (self->context->clock);
}

void
ds_driver_finish (DsDriver *self)
{
  g_mutex_lock (&self->lock);
  ds_batch_timer_finish (&self->timer);
  ds_batch_timer_hurry (&self->timer);
  g_mutex_unlock (&self->lock);
  ds_driver_wake (self);
}

gboolean
ds_driver_leave_missed (DsDriver *self)
{
  DsTime left_after = DS_TIME_NONE;
  gint64 n_left;

  g_mutex_lock (&self->lock);
  n_left = ds_missed_batches_leave (&self->timer, self->context, &left_after);
  g_mutex_unlock (&self->lock);
  if (n_left == 0)
    return FALSE;
  g_message ("The stop leaves %" G_GINT64_FORMAT
             " batches that were missed, those after %" G_GINT64_FORMAT
             " ms, to the next run",
             n_left, left_after / DS_MILLISECOND);
  ds_driver_wake (self);
  return TRUE;
}

void
ds_driver_interrupt (DsDriver *self)
{
  g_mutex_lock (&self->lock);
  self->is_interrupted = TRUE;
  g_mutex_unlock (&self->lock);
  g_cancellable_cancel (self->cancellable);
  ds_driver_wake (self);
}

gboolean
ds_driver_pause (DsDriver *self, gint64 duration)
{
  gint64 deadline = g_get_monotonic_time () + duration;
  gboolean is_time_up;

  g_mutex_lock (&self->lock);
  while (!self->is_interrupted &&
         g_cond_wait_until (&self->changed, &self->lock, deadline))
    ;
  is_time_up = !self->is_interrupted;
  g_mutex_unlock (&self->lock);
  return is_time_up;
}

void
ds_driver_cut_short (DsDriver *self)
{
  g_mutex_lock (&self->lock);
  /* A stop from outside that came first has cut off what fails now. */
  self->is_cut_short = self->is_cut_short || !self->is_interrupted;
  g_mutex_unlock (&self->lock);
  ds_driver_interrupt (self);
}

gboolean
ds_driver_join (DsDriver *self, gint64 deadline, gint *at_once)
{
  gboolean ended;

  g_mutex_lock (&self->lock);
  while (self->n_threads > 0 && (at_once == NULL || !g_atomic_int_get (at_once)) &&
         g_cond_wait_until (&self->changed, &self->lock, deadline))
    ;
  ended = self->n_threads == 0;
  g_mutex_unlock (&self->lock);

  for (guint i = 0; ended && i < DS_N_DRIVER_THREADS; i++)
    g_clear_pointer (&self->seats[i].thread, g_thread_join);
  return ended;
}

void
ds_driver_abandon (DsDriver *self)
{
  for (guint i = 0; i < DS_N_DRIVER_THREADS; i++)
    g_clear_pointer (&self->seats[i].thread, g_thread_unref);

  g_mutex_lock (&self->lock);
  self->is_abandoned = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

/* ---- Asking.  Any thread. ---- */

DsTime
ds_driver_get_zero_time (DsDriver *self)
{
  return self->timer.zero_time; /* fixed */
}

DsTime
ds_driver_get_now (DsDriver *self)
{
  return ds_batch_timer_get_now (&self->timer); /* of fixed fields */
}

gboolean
ds_driver_is_own_thread (DsDriver *self)
{
  return self != NULL && ds_current_driver == self;
}

GCancellable *
ds_driver_get_cancellable (DsDriver *self)
{
  return self->cancellable;
}

static gboolean
ds_driver_is_done (DsDriver *self, DsTime batch_time)
{
  return __atomic_load_n (&self->done, __ATOMIC_ACQUIRE) >= batch_time;
}

gboolean
ds_driver_await_batch (DsDriver *self, DsTime batch_time, GError **error)
{
  gint64 spin_end = g_get_monotonic_time () + DS_DRIVER_SPIN;
  gboolean done;

  while (!ds_driver_is_done (self, batch_time) && g_get_monotonic_time () < spin_end)
    ;

  g_mutex_lock (&self->lock);
  while (!(done = ds_driver_is_done (self, batch_time)) && self->error == NULL &&
         self->n_threads > 0 && !self->is_abandoned)
    {
      self->awaited = MIN (self->awaited, batch_time);
      g_cond_wait (&self->changed, &self->lock);
    }
  if (!done && self->error != NULL)
    g_propagate_error (error, g_error_copy (self->error));
  else if (!done)
    g_set_error (error, DS_ERROR, DS_ERROR_STOPPED,
                 "The streaming context was stopped before batch %" G_GINT64_FORMAT
                 " ms was completed; the last one was %" G_GINT64_FORMAT " ms",
                 batch_time / DS_MILLISECOND, self->done / DS_MILLISECOND);
  g_mutex_unlock (&self->lock);
  return done;
}

gint64
ds_driver_get_n_processed (DsDriver *self)
{
  gint64 n_processed;

  g_mutex_lock (&self->lock);
  n_processed = self->n_processed;
  g_mutex_unlock (&self->lock);
  return n_processed;
}

gint64
ds_driver_get_n_missed (DsDriver *self)
{
  gint64 n_missed;

  g_mutex_lock (&self->lock);
  n_missed = self->timer.n_missed;
  g_mutex_unlock (&self->lock);
  return n_missed;
}

gboolean
ds_driver_has_failed (DsDriver *self, GError **error)
{
  gboolean has_failed;

  g_mutex_lock (&self->lock);
  has_failed = self->has_failed;
  if (has_failed)
    g_propagate_error (error, g_error_copy (self->error));
  g_mutex_unlock (&self->lock);
  return has_failed;
}

gint64
ds_driver_get_n_failed_before (DsDriver *self)
{
  gint64 n_failed;

  g_mutex_lock (&self->lock);
  n_failed = self->n_failed_before;
  g_mutex_unlock (&self->lock);
  return n_failed;
}

GArray *
ds_driver_get_pending_times (DsDriver *self)
{
  GArray *times = g_array_new (FALSE, FALSE, sizeof (DsTime));

  g_mutex_lock (&self->lock);
  g_array_append_vals (times, self->failed_times->data, self->failed_times->len);
  if (self->running_time != DS_TIME_NONE)
    g_array_append_val (times, self->running_time);
  for (GList *l = self->waiting.head; l != NULL; l = l->next)
    g_array_append_val (times, ((DsJobSet *) l->data)->time);
  g_mutex_unlock (&self->lock);
  return times;
}
