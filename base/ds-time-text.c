/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Times and durations as text.  Milliseconds are the unit that users of the model know
 * from logs and file names; microseconds show only where there are any. */

#include "base/ds-time.h"

#include "base/ds-time-private.h"

static char *
ds_time_print_ms (gint64 microseconds)
{
  guint64 magnitude =
      microseconds < 0 ? 0 - (guint64) microseconds : (guint64) microseconds;
  const char *sign = microseconds < 0 ? "-" : "";
  guint64 rest = magnitude % DS_MILLISECOND;

  magnitude /= DS_MILLISECOND;
  if (rest == 0)
    return g_strdup_printf ("%s%" G_GUINT64_FORMAT " ms", sign, magnitude);
  return g_strdup_printf ("%s%" G_GUINT64_FORMAT ".%03" G_GUINT64_FORMAT " ms", sign,
                          magnitude, rest);
}

/**
 * ds_time_to_string:
 * @time: a time
 *
 * The time as milliseconds since 1970-01-01 00:00 UTC, as Spark prints it: "1000 ms".
 *
 * Batch times are whole milliseconds; others show three more digits: "0.500 ms".
 * %DS_TIME_NONE is "none".
 *
 * Returns: (transfer full): the text
 */
char *
ds_time_to_string (DsTime time)
{
  return time == DS_TIME_NONE ? g_strdup ("none") : ds_time_print_ms (time);
}

/**
 * ds_duration_to_string:
 * @duration: a duration
 *
 * The duration in milliseconds: "1000 ms", "0.500 ms".  %DS_TIME_NONE is "none".
 *
 * Returns: (transfer full): the text
 */
char *
ds_duration_to_string (DsDuration duration)
{
  return ds_time_to_string (duration);
}

/* @time in @zone; (nullable): outside of the years 1 to 9999. */
static GDateTime *
ds_time_to_date_time (DsTime time, GTimeZone *zone)
{
  gint64 seconds = ds_time_floor (time, DS_SECOND, 0) / DS_SECOND;
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (seconds);

  return utc != NULL ? g_date_time_to_timezone (utc, zone) : NULL;
}

static int
ds_time_get_ms_of_second (DsTime time)
{
  return (int) ((time - ds_time_floor (time, DS_SECOND, 0)) / DS_MILLISECOND);
}

/**
 * ds_time_to_local_string:
 * @time: a time
 *
 * The local date and time in the form of ISO 8601, with milliseconds and the distance
 * from UTC: "2015-05-14T14:04:40.452-07:00".
 *
 * %DS_TIME_NONE is "none"; times outside of the years 1 to 9999 are printed as by
 * ds_time_to_string ().
 *
 * Returns: (transfer full): the text
 */
char *
ds_time_to_local_string (DsTime time)
{
  g_autoptr (GTimeZone) zone = g_time_zone_new_local ();
  g_autoptr (GDateTime) date_time =
      time != DS_TIME_NONE ? ds_time_to_date_time (time, zone) : NULL;
  g_autofree char *seconds = NULL;
  g_autofree char *distance = NULL;

  if (date_time == NULL)
    return ds_time_to_string (time);

  seconds = g_date_time_format (date_time, "%Y-%m-%dT%H:%M:%S");
  distance = g_date_time_format (date_time, "%:z");
  return g_strdup_printf ("%s.%03d%s", seconds, ds_time_get_ms_of_second (time),
                          distance);
}

char *
ds_time_format_batch (DsTime batch_time,
                      DsDuration batch_duration,
                      gboolean with_date,
                      GTimeZone *zone)
{
  g_autoptr (GTimeZone) used_zone =
      zone != NULL ? g_time_zone_ref (zone) : g_time_zone_new_local ();
  g_autoptr (GDateTime) date_time = ds_time_to_date_time (batch_time, used_zone);
  g_autofree char *text = NULL;

  if (date_time == NULL)
    return ds_time_to_string (batch_time);

  text = g_date_time_format (date_time, with_date ? "%Y/%m/%d %H:%M:%S" : "%H:%M:%S");
  if (batch_duration >= DS_SECOND)
    return g_steal_pointer (&text);
  return g_strdup_printf ("%s.%03d", text, ds_time_get_ms_of_second (batch_time));
}

char *
ds_duration_to_seconds_string (DsDuration duration)
{
  char number[G_ASCII_DTOSTR_BUF_SIZE];

  if (duration % DS_MILLISECOND != 0)
    return g_strdup_printf ("%" G_GINT64_FORMAT " us", duration);
  g_ascii_formatd (number, sizeof number, "%.3f",
                   ds_duration_divide (duration, DS_SECOND));
  return g_strdup_printf ("%s s", number);
}

char *
ds_duration_suggest_unit (DsDuration duration)
{
  if (duration <= 0 || duration >= 10 * DS_MILLISECOND || duration % DS_MILLISECOND == 0)
    return g_strdup ("");
  return g_strdup_printf ("; times are in microseconds: write %" G_GINT64_FORMAT
                          " * DS_SECOND for %" G_GINT64_FORMAT " s",
                          duration, duration);
}

double
ds_duration_normalize (DsDuration duration, const char **unit)
{
  static const struct
  {
    DsDuration length;
    const char *name;
  } units[] = { { DS_DAY, "days" },
                { DS_HOUR, "hrs" },
                { DS_MINUTE, "min" },
                { DS_SECOND, "sec" },
                { DS_MILLISECOND, "ms" } };
  gsize i = 0;

  while (i < G_N_ELEMENTS (units) - 1 && duration < units[i].length)
    i++;
  *unit = units[i].name;
  return ds_duration_divide (duration, units[i].length);
}
