/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cases of single texts: durations in fitting units, batch times in a zone, the names of
 * saved batches. */

#include "tests/conformance/ds-conformance-private.h"

#include "base/ds-time-private.h"
#include "dstream/ds-dstream-private.h"

#include <math.h>

static gboolean
ds_conformance_normalize_duration (DsConformanceCase *self, GError **error)
{
  JsonArray *expected = ds_conformance_read_array (self->json, "expected", error);
  const char *unit = NULL;
  double number = 0.0;
  gint64 ms = 0;

  if (expected == NULL || !ds_conformance_read_int (self->op, "ms", &ms, error))
    return FALSE;
  if (json_array_get_length (expected) != 2)
    return ds_conformance_differ (error, "\"expected\" is not [number, unit]");
  number = ds_duration_normalize (ms * DS_MILLISECOND, &unit);
  if (fabs (json_array_get_double_element (expected, 0) - number) <=
          1e-9 * fabs (number) &&
      g_strcmp0 (json_array_get_string_element (expected, 1), unit) == 0)
    return TRUE;
  return ds_conformance_differ (error, "Expected %g %s, found %g %s",
                                json_array_get_double_element (expected, 0),
                                json_array_get_string_element (expected, 1), number,
                                unit);
}

static gboolean
ds_conformance_format_batch_time (DsConformanceCase *self, GError **error)
{
  const char *expected = ds_conformance_read_string (self->json, "expected", error);
  g_autoptr (GTimeZone) zone = g_time_zone_new_local ();
  g_autofree char *found = NULL;
  gint64 time_ms = 0;
  gint64 interval_ms = 0;

  if (expected == NULL ||
      !ds_conformance_read_int (self->op, "time_ms", &time_ms, error) ||
      !ds_conformance_read_int (self->op, "interval_ms", &interval_ms, error))
    return FALSE;
  if (ds_conformance_has (self->op, "zone"))
    {
      const char *name = ds_conformance_read_string (self->op, "zone", error);
      GTimeZone *named = name != NULL ? g_time_zone_new_identifier (name) : NULL;

      if (name == NULL)
        return FALSE;
      if (named == NULL)
        return ds_conformance_skip (
            error, "this machine does not know the time zone \"%s\" (package tzdata)",
            name);
      g_time_zone_unref (zone);
      zone = named;
    }

  found = ds_time_format_batch (time_ms * DS_MILLISECOND, interval_ms * DS_MILLISECOND,
                                ds_conformance_get_boolean (self->op, "with_date", TRUE),
                                zone);
  return g_str_equal (expected, found) ||
         ds_conformance_differ (error, "Expected \"%s\", found \"%s\"", expected, found);
}

/* "prefix" and "suffix" may be null or missing. */
static gboolean
ds_conformance_name_output (DsConformanceCase *self, GError **error)
{
  const char *expected = ds_conformance_read_string (self->json, "expected", error);
  const char *prefix = NULL;
  const char *suffix = NULL;
  g_autofree char *found = NULL;
  gint64 time_ms = 0;

  if (expected == NULL ||
      !ds_conformance_read_int (self->json, "batch_time_ms", &time_ms, error))
    return FALSE;
  if (ds_conformance_has (self->op, "prefix"))
    prefix = json_object_get_string_member (self->op, "prefix");
  if (ds_conformance_has (self->op, "suffix"))
    suffix = json_object_get_string_member (self->op, "suffix");
  found = ds_files_output_get_path (prefix, suffix, time_ms * DS_MILLISECOND);
  return g_str_equal (expected, found) ||
         ds_conformance_differ (error, "Expected \"%s\", found \"%s\"", expected, found);
}

gboolean
ds_conformance_run_format (DsConformanceCase *self, GError **error)
{
  if (g_str_equal (self->op_name, "normalize_duration"))
    return ds_conformance_normalize_duration (self, error);
  if (g_str_equal (self->op_name, "save_name"))
    return ds_conformance_name_output (self, error);
  return ds_conformance_format_batch_time (self, error);
}
