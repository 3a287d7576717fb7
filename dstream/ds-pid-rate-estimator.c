/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Back-pressure as a control loop.  What is controlled is the rate that receivers may
 * bring; what is measured is the rate at which the last batch was processed.  The error
 * is their difference; the records that wait because batches were late are its sum over
 * time, and come without summing up from the scheduling delay, so nothing winds up while
 * the rate is held down; its change between batches is the third part.
 *
 * The first batch only says where to begin, and a batch without records says nothing. */

#include "dstream/ds-pid-rate-estimator-private.h"

#include "base/ds-error.h"

#include <math.h>

struct _DsPidRateEstimator
{
  DsPidSettings settings;
  DsPidState state;
};

DsPidRateEstimator *
ds_pid_rate_estimator_new (const DsPidSettings *settings, GError **error)
{
  const struct
  {
    const char *what;
    double value;
    gboolean may_be_0;
  } limits[] = {
    { "batch interval, in us,", (double) settings->batch_interval, FALSE },
    { "proportional part", settings->proportional, TRUE },
    { "integral part", settings->integral, TRUE },
    { "derivative part", settings->derivative, TRUE },
    { "least rate", settings->min_rate, FALSE },
  };
  DsPidRateEstimator *self;

  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    if (!isfinite (limits[i].value) || limits[i].value < 0 ||
        (limits[i].value <= 0 && !limits[i].may_be_0))
      {
        g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                     "Back-pressure: the %s is %g; it must be a number %s",
                     limits[i].what, limits[i].value,
                     limits[i].may_be_0 ? "of at least 0" : "above 0");
        return NULL;
      }

  self = g_new0 (DsPidRateEstimator, 1);
  self->settings = *settings;
  return self;
}

void
ds_pid_rate_estimator_free (DsPidRateEstimator *self)
{
  g_free (self);
}

gboolean
ds_pid_rate_estimator_compute (DsPidRateEstimator *self,
                               DsTime time,
                               gint64 n_records,
                               DsDuration processing_delay,
                               DsDuration scheduling_delay,
                               double *rate)
{
  const DsPidSettings *settings = &self->settings;
  DsPidState *state = &self->state;
  double processing_rate;
  double backlog_rate;
  double error;
  double error_change;

  if (n_records <= 0 || processing_delay <= 0 ||
      (state->has_begun && time <= state->last_time))
    return FALSE;

  processing_rate = (double) n_records * (double) DS_SECOND / (double) processing_delay;
  if (!state->has_begun)
    {
      state->has_begun = TRUE;
      state->last_time = time;
      state->last_rate = processing_rate;
      return FALSE;
    }

  error = state->last_rate - processing_rate;
  /* What came in while batches waited, as a rate over one batch. */
  backlog_rate =
      (double) scheduling_delay * processing_rate / (double) settings->batch_interval;
  error_change = (error - state->last_error) * (double) DS_SECOND /
                 (double) (time - state->last_time);

  *rate = state->last_rate - settings->proportional * error -
          settings->integral * backlog_rate - settings->derivative * error_change;
  *rate = MAX (*rate, settings->min_rate);
  state->last_time = time;
  state->last_rate = *rate;
  state->last_error = error;
  return TRUE;
}

void
ds_pid_rate_estimator_get_state (DsPidRateEstimator *self, DsPidState *state)
{
  *state = self->state;
}

void
ds_pid_rate_estimator_set_state (DsPidRateEstimator *self, const DsPidState *state)
{
  self->state = *state;
}
