/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Arithmetic on times that the batch clock, slices and displays share. */

#include "base/ds-time.h"

G_BEGIN_DECLS

/* The smallest zero + k * duration that is > @time: the first tick of a timer that is
 * started at @time. */
DsTime ds_time_next (DsTime time, DsDuration duration, DsTime zero);

/* @from, @from + @step, ... without @end, or up to and including it.  @step > 0.
 * (transfer full) (element-type DsTime) */
GArray *ds_time_until (DsTime from, DsTime end, DsDuration step);
GArray *ds_time_to (DsTime from, DsTime end, DsDuration step);

/* How often @divisor (not 0) goes into @duration: 0.5 for one second and two. */
double ds_duration_divide (DsDuration duration, DsDuration divisor);

/* "7.000 s"; "30 us" of what is no whole number of ms: for messages.  (transfer full) */
char *ds_duration_to_seconds_string (DsDuration duration);
/* "; times are in microseconds: write 30 * DS_SECOND for 30 s" for a number that looks as
 * if its unit was forgotten, else "": for the end of messages.  (transfer full) */
char *ds_duration_suggest_unit (DsDuration duration);

/* In the largest unit of which it has one: 60 s is 1.0 "min".  *@unit is static: "ms",
 * "sec", "min", "hrs" or "days", the largest. */
double ds_duration_normalize (DsDuration duration, const char **unit);
/* A batch time as displays show it: "2015/05/14 14:04:40", with ".452" when batches are
 * shorter than a second, without the date unless @with_date.  @zone (nullable): the local
 * one.  (transfer full) */
char *ds_time_format_batch (DsTime batch_time,
                            DsDuration batch_duration,
                            gboolean with_date,
                            GTimeZone *zone);

G_END_DECLS
