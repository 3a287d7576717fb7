/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ticks that nobody was there for are due, all of them, when a run begins.  How many of
 * them become batches is the program's choice; how many there are is told, as they come
 * before anything new does.
 *
 * A stop makes up for them as long as it has time, or a program that always stops soon
 * would never get anywhere.  Those that are left then are still missing when the next run
 * begins. */

#include "dstream/ds-missed-batches-private.h"

#include "base/ds-time-private.h"
#include "dstream/ds-job-set-private.h"
#include "dstream/ds-streaming-context-private.h"

/* No more than these are made up for without a word. */
#define DS_MISSED_BATCHES_FEW 10

void
ds_missed_batches_tell (const DsBatchTimer *timer,
                        DsStreamingContext *context,
                        DsTime last_time)
{
  gint64 n_missed = (timer->started - last_time) / timer->interval;
  g_autofree char *pause = NULL;

  if (n_missed <= DS_MISSED_BATCHES_FEW || context->catch_up_policy != DS_CATCH_UP_ALL)
    return;
  pause = ds_duration_to_seconds_string (n_missed * timer->interval);
  g_message ("The stream was away for %s: %" G_GINT64_FORMAT
             " batches, from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
             " ms, are made up for before new ones come; with \"catch-up-policy\" "
             "coalesce they would be one, with skip-empty those for which nothing came "
             "would be left out",
             pause, n_missed, (last_time + timer->interval) / DS_MILLISECOND,
             (last_time + n_missed * timer->interval) / DS_MILLISECOND);
}

void
ds_missed_batches_give_up (DsBatchTimer *timer, DsStreamingContext *context)
{
  DsRecovery *recovery = ds_streaming_context_get_recovery (context);
  DsCatchUpPolicy policy = context->catch_up_policy;
  gint64 n_overdue = ds_batch_timer_get_n_overdue (timer);
  DsTime next = ds_batch_timer_get_time (timer, 0);
  DsTime idle_until;

  /* What was planned runs again, whatever the policy; times that were given up then are
   * given up again. */
  if (recovery != NULL && next <= ds_recovery_get_last_time (recovery))
    {
      next = ds_recovery_get_next_time (recovery, next) - next;
      if (next > 0)
        ds_batch_timer_skip (timer, next / timer->interval);
      return;
    }
  if (policy == DS_CATCH_UP_ALL || n_overdue == 0)
    return;
  if (policy == DS_CATCH_UP_SKIP_EMPTY)
    {
      idle_until = ds_job_generator_get_idle_until (context);
      if (idle_until <= next)
        return;
      /* The ticks before it, of which the next is the first. */
      if (idle_until < G_MAXINT64)
        n_overdue = MIN (n_overdue, (idle_until - next - 1) / timer->interval + 1);
    }
  ds_batch_timer_skip (timer, n_overdue);
}

gint64
ds_missed_batches_leave (DsBatchTimer *timer,
                         DsStreamingContext *context,
                         DsTime *left_after)
{
  DsRecovery *recovery = ds_streaming_context_get_recovery (context);
  gint64 n_to_make_up = ds_batch_timer_get_n_to_make_up (timer);

  if (recovery == NULL || n_to_make_up == 0 ||
      ds_received_block_tracker_get_n_unallocated_records (
          ds_receiver_tracker_get_blocks (context->receivers)) > 0)
    return 0;
  ds_batch_timer_end_at (timer, ds_recovery_get_last_time (recovery));
  *left_after = timer->zero_time + timer->last * timer->interval;
  return n_to_make_up - (timer->last - timer->next + 1);
}
