/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Times and durations are plain integers of microseconds, so that comparing and adding
 * are the language's own.  What is here is what integers do not do: rounding to a grid
 * that starts anywhere, also for times before its start. */

#include "base/ds-time.h"

#include "base/ds-time-private.h"

#include <math.h>

/* In [0, divisor), also of negative numbers. */
static gint64
ds_time_modulo (gint64 number, gint64 divisor)
{
  gint64 remainder = number % divisor;

  return remainder < 0 ? remainder + divisor : remainder;
}

/* How far @time lies behind the last point of the grid, without overflow for any two
 * times. */
static DsDuration
ds_time_since_grid (DsTime time, DsDuration duration, DsTime zero)
{
  return ds_time_modulo (ds_time_modulo (time, duration) -
                             ds_time_modulo (zero, duration),
                         duration);
}

/**
 * ds_seconds:
 * @seconds: a number of seconds, with any fraction; may be negative
 *
 * The duration of that many seconds, rounded to the nearest microsecond.
 *
 * Lengths beyond ± 292,000 years are cut to the longest duration there is.  Not a number
 * is a programming error, and gives 0.
 *
 * Returns: the duration in µs
 */
DsDuration
ds_seconds (double seconds)
{
  double microseconds = round (seconds * (double) DS_SECOND);

  g_return_val_if_fail (!isnan (seconds), 0);

  /* 2^63 is a double, G_MAXINT64 is not. */
  if (microseconds >= 0x1p63)
    return G_MAXINT64;
  if (microseconds < -0x1p63)
    return G_MININT64;
  return (DsDuration) microseconds;
}

/**
 * ds_time_floor:
 * @time: any time
 * @duration: distance of the points of the grid in µs; > 0
 * @zero: any point of the grid; 0 for a grid aligned to 1970-01-01 00:00 UTC
 *
 * The last of the times @zero + k * @duration, k being any whole number, that is not
 * after @time.
 *
 * Returns: that time; @time itself when it lies on the grid; the first time that there is
 *   when the grid has none before
 */
DsTime
ds_time_floor (DsTime time, DsDuration duration, DsTime zero)
{
  DsDuration since_grid;

  g_return_val_if_fail (duration > 0, time);

  since_grid = ds_time_since_grid (time, duration, zero);
  return time < G_MININT64 + since_grid ? G_MININT64 : time - since_grid;
}

/**
 * ds_time_is_multiple_of:
 * @time: any time, or a duration
 * @duration: distance of the points of the grid in µs; > 0
 * @zero: any point of the grid; 0 to ask whether one duration is a multiple of another
 *
 * Whether a time lies on a grid, or one duration is a multiple of another.
 *
 * Returns: whether @time is @zero + k * @duration for a whole number k
 */
gboolean
ds_time_is_multiple_of (DsTime time, DsDuration duration, DsTime zero)
{
  g_return_val_if_fail (duration > 0, FALSE);

  return ds_time_since_grid (time, duration, zero) == 0;
}

DsTime
ds_time_next (DsTime time, DsDuration duration, DsTime zero)
{
  return ds_time_floor (time, duration, zero) + duration;
}

GArray *
ds_time_until (DsTime from, DsTime end, DsDuration step)
{
  GArray *times = g_array_new (FALSE, FALSE, sizeof (DsTime));

  g_return_val_if_fail (step > 0, times);

  for (DsTime time = from; time < end; time += step)
    {
      g_array_append_val (times, time);
      if (time > G_MAXINT64 - step)
        break;
    }
  return times;
}

GArray *
ds_time_to (DsTime from, DsTime end, DsDuration step)
{
  GArray *times = ds_time_until (from, end, step);

  if (from <= end && step > 0 && ds_time_is_multiple_of (end, step, from))
    g_array_append_val (times, end);
  return times;
}

double
ds_duration_divide (DsDuration duration, DsDuration divisor)
{
  return (double) duration / (double) divisor;
}
