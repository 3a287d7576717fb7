/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include <glib-object.h>

G_BEGIN_DECLS

/* A point in time: microseconds since 1970-01-01 00:00 UTC.  Batch times are whole
 * milliseconds. */
typedef gint64 DsTime;

/* A length of time in microseconds, as GTimeSpan.  Write 5 * DS_SECOND. */
typedef gint64 DsDuration;

#define DS_MILLISECOND G_GINT64_CONSTANT (1000)
#define DS_SECOND G_GINT64_CONSTANT (1000000)
#define DS_MINUTE G_GINT64_CONSTANT (60000000)
#define DS_HOUR G_GINT64_CONSTANT (3600000000)
#define DS_DAY G_GINT64_CONSTANT (86400000000)

/* DS_SECONDS (1), DS_SECONDS (0.25): for fractions and literals; ds_seconds () is the
 * function. */
#define DS_SECONDS(n) ((DsDuration) ((n) *DS_SECOND))

/* "Not known" wherever a time or duration is read. */
#define DS_TIME_NONE G_GINT64_CONSTANT (-1)

DS_AVAILABLE_IN_ALL
DsDuration ds_seconds (double seconds);

/* The largest zero + k * duration that is <= time; duration > 0. */
DS_AVAILABLE_IN_ALL
DsTime ds_time_floor (DsTime time, DsDuration duration, DsTime zero);
DS_AVAILABLE_IN_ALL
gboolean ds_time_is_multiple_of (DsTime time, DsDuration duration, DsTime zero);

/* Milliseconds as Spark prints them: "1000 ms".  (transfer full) */
DS_AVAILABLE_IN_ALL
char *ds_time_to_string (DsTime time);
/* Local date and time, ISO 8601 with milliseconds.  (transfer full) */
DS_AVAILABLE_IN_ALL
char *ds_time_to_local_string (DsTime time);
DS_AVAILABLE_IN_ALL
char *ds_duration_to_string (DsDuration duration);

G_END_DECLS
