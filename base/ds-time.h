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
 * @n: a number of seconds, also with a fraction
 *
 * For literals: `DS_SECONDS (0.25)`.  The function, which rounds, is ds_seconds ().
 */
#define DS_SECONDS(n) ((DsDuration) ((n) *DS_SECOND))

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
