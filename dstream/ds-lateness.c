/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* RELIABILITY A14 and D3: what takes so long is named by output, operator and partition,
 * from what its tasks are at just now. */

#include "dstream/ds-lateness-private.h"

#include "base/ds-time-private.h"
#include "dstream/ds-streaming-context-private.h"
#include "rdd/ds-job-private.h"

/* So many intervals are late, when they are a while. */
#define DS_LATE_INTERVALS 10
#define DS_LATE_AT_LEAST (5 * DS_SECOND)

static DsDuration
ds_lateness_get_first_limit (const DsLateness *self)
{
  return MAX (DS_LATE_INTERVALS * self->interval, DS_LATE_AT_LEAST);
}

void
ds_lateness_init (DsLateness *self, DsDuration interval)
{
  self->interval = interval;
  self->limit = ds_lateness_get_first_limit (self);
}

gboolean
ds_lateness_look (DsLateness *self, DsDuration late)
{
  if (late < self->interval)
    self->limit = ds_lateness_get_first_limit (self);
  if (late < self->limit)
    return FALSE;
  self->limit = 2 * late;
  return TRUE;
}

/* (transfer full) */
static char *
ds_lateness_describe_work (DsStreamingContext *context, gboolean is_generated)
{
  const char *part = g_atomic_pointer_get (&context->part_in_work);
  g_autofree char *work =
      part != NULL ? ds_context_describe_work (context->context, part) : NULL;

  if (is_generated)
    return g_strdup (
        "it is being generated, by the functions of transforms among others");
  if (part == NULL)
    return g_strdup ("between its outputs, where the log and listeners are");
  if (work != NULL)
    return g_strdup_printf ("\"%s\" is at %s", part, work);
  return g_strdup_printf ("\"%s\" is at work", part);
}

/* To the microsecond it says nothing more. */
static char *
ds_lateness_describe_duration (DsDuration duration)
{
  return ds_duration_to_seconds_string (duration - duration % DS_MILLISECOND);
}

static const char *
ds_lateness_find_cause (DsStreamingContext *context, DsDuration late, DsDuration ran)
{
  if (g_atomic_int_get (&context->n_held_back) > 0)
    return "Room on a disk, or a file server, is waited for, as was told: it goes on by "
           "itself, and new input waits meanwhile";
  if (ran >= late / 2)
    return "A function hangs, or has too much to do; new input waits meanwhile. Make "
           "that faster, or the interval longer";
  return "Batches come faster than they are done, and wait for each other; new input "
         "waits meanwhile. Make them faster, or the interval longer";
}

void
ds_lateness_tell (DsStreamingContext *context,
                  DsTime batch_time,
                  DsDuration late,
                  DsDuration ran,
                  gboolean is_generated)
{
  g_autofree char *work = ds_lateness_describe_work (context, is_generated);
  g_autofree char *late_text = ds_lateness_describe_duration (late);
  g_autofree char *ran_text = ds_lateness_describe_duration (ran);

  g_message ("Batch %" G_GINT64_FORMAT " ms is not over after %s, %" G_GINT64_FORMAT
             " batch intervals, of which it was at work for %s: %s. %s",
             batch_time / DS_MILLISECOND, late_text, late / context->interval, ran_text,
             work, ds_lateness_find_cause (context, late, ran));
}
