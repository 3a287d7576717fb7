/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * DsTime:
 *
 * A point in time: microseconds since 1970-01-01 00:00 UTC.  Batch times are whole
 * milliseconds.
 */
typedef gint64 DsTime;

/**
 * DsDuration:
 *
 * A length of time in microseconds, as #GTimeSpan.  Write `5 * DS_SECOND`.
 */
typedef gint64 DsDuration;

/**
 * DS_MILLISECOND:
 *
 * One millisecond as #DsDuration.
 */
#define DS_MILLISECOND G_GINT64_CONSTANT (1000)
/**
 * DS_SECOND:
 *
 * One second as #DsDuration.
 */
#define DS_SECOND G_GINT64_CONSTANT (1000000)
/**
 * DS_MINUTE:
 *
 * One minute as #DsDuration.
 */
#define DS_MINUTE G_GINT64_CONSTANT (60000000)
/**
 * DS_HOUR:
 *
 * One hour as #DsDuration.
 */
#define DS_HOUR G_GINT64_CONSTANT (3600000000)
/**
 * DS_DAY:
 *
 * One day of 24 hours as #DsDuration.
 */
#define DS_DAY G_GINT64_CONSTANT (86400000000)

/**
 * DS_SECONDS:
 * @n: a literal number of seconds, also with a fraction
 *
 * The duration of so many seconds, rounded to the nearest microsecond:
 * `DS_SECONDS (0.25)`.
 *
 * It is a constant, also for static variables.  @n stands in it several times, so what is
 * not a literal belongs into ds_seconds ().
 */
#define DS_SECONDS(n) DS_ROUNDED_DURATION_ ((n) *DS_SECOND)

#ifndef __GI_SCANNER__ /* no part of the interface */
/* 2 * the fraction is 1 or more where the next number is nearer, and 0 of whole numbers,
 * which are never a double in between. */
#define DS_ROUNDED_DURATION_(us) \
  ((DsDuration) (us) + (DsDuration) (2 * ((us) - (__typeof__ (us)) (DsDuration) (us))))
#endif

/**
 * DS_TIME_NONE:
 *
 * "Not known", wherever a time or a duration is read.
 */
#define DS_TIME_NONE G_GINT64_CONSTANT (-1)

DS_AVAILABLE_IN_ALL
DsDuration ds_seconds (double seconds);

DS_AVAILABLE_IN_ALL
DsTime ds_time_floor (DsTime time, DsDuration duration, DsTime zero);
DS_AVAILABLE_IN_ALL
gboolean ds_time_is_multiple_of (DsTime time, DsDuration duration, DsTime zero);

DS_AVAILABLE_IN_ALL
char *ds_time_to_string (DsTime time);
DS_AVAILABLE_IN_ALL
char *ds_time_to_local_string (DsTime time);
DS_AVAILABLE_IN_ALL
char *ds_duration_to_string (DsDuration duration);

G_END_DECLS
