/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cases of times and durations: comparing, dividing, rounding down, ranges.  Vectors are
 * in milliseconds, the library in microseconds. */

#include "tests/conformance/ds-conformance-private.h"

#include "base/ds-time-private.h"

#include <math.h>

typedef struct
{
  gint64 values[3]; /* µs */
  guint n_values;
} DsConformanceArguments;

static gboolean
ds_conformance_read_arguments (DsConformanceCase *self,
                               guint min_arguments,
                               DsConformanceArguments *arguments,
                               GError **error)
{
  JsonArray *args = ds_conformance_read_array (self->json, "args", error);

  if (args == NULL)
    return FALSE;
  *arguments = (DsConformanceArguments){ .n_values = json_array_get_length (args) };
  if (arguments->n_values < min_arguments ||
      arguments->n_values > G_N_ELEMENTS (arguments->values))
    return ds_conformance_differ (error, "%s does not take %u arguments", self->op_name,
                                  arguments->n_values);
  for (guint i = 0; i < arguments->n_values; i++)
    arguments->values[i] = json_array_get_int_element (args, i) * DS_MILLISECOND;
  return TRUE;
}

static gboolean
ds_conformance_compare_node (DsConformanceCase *self, JsonNode *found, GError **error)
{
  JsonNode *expected = json_object_get_member (self->json, "expected");
  g_autofree char *expected_text = NULL;
  g_autofree char *found_text = NULL;

  if (expected == NULL)
    return ds_conformance_differ (error, "The case expects nothing");
  if (json_node_equal (expected, found))
    return TRUE;
  expected_text = ds_conformance_node_to_text (expected);
  found_text = ds_conformance_node_to_text (found);
  return ds_conformance_differ (error, "Expected %s, found %s", expected_text,
                                found_text);
}

/* Both may be times or durations: the library has them as plain numbers. */
static gboolean
ds_conformance_compare_order (DsConformanceCase *self,
                              const DsConformanceArguments *arguments,
                              GError **error)
{
  DsTime a = arguments->values[0];
  DsTime b = arguments->values[1];
  gboolean result = FALSE;
  g_autoptr (JsonNode) found = NULL;

  if (g_str_equal (self->op_name, "less"))
    result = a < b;
  else if (g_str_equal (self->op_name, "less_eq"))
    result = a <= b;
  else if (g_str_equal (self->op_name, "greater"))
    result = a > b;
  else
    result = a >= b;
  found = json_node_init_boolean (json_node_alloc (), result);
  return ds_conformance_compare_node (self, found, error);
}

static gboolean
ds_conformance_compare_quotient (DsConformanceCase *self,
                                 const DsConformanceArguments *arguments,
                                 GError **error)
{
  double quotient = ds_duration_divide (arguments->values[0], arguments->values[1]);
  JsonNode *expected = json_object_get_member (self->json, "expected");

  if (expected == NULL || !JSON_NODE_HOLDS_VALUE (expected))
    return ds_conformance_differ (error, "\"expected\" is not a number");
  if (fabs (json_node_get_double (expected) - quotient) <= 1e-12 * fabs (quotient))
    return TRUE;
  return ds_conformance_differ (error, "Expected %g, found %g",
                                json_node_get_double (expected), quotient);
}

static gboolean
ds_conformance_compare_range (DsConformanceCase *self,
                              const DsConformanceArguments *arguments,
                              GError **error)
{
  const gint64 *values = arguments->values;
  g_autoptr (GArray) times = g_str_equal (self->op_name, "until")
                                 ? ds_time_until (values[0], values[1], values[2])
                                 : ds_time_to (values[0], values[1], values[2]);
  g_autoptr (JsonArray) points = json_array_new ();
  g_autoptr (JsonNode) found = NULL;

  for (guint i = 0; i < times->len; i++)
    json_array_add_int_element (points,
                                g_array_index (times, DsTime, i) / DS_MILLISECOND);
  found = json_node_init_array (json_node_alloc (), points);
  return ds_conformance_compare_node (self, found, error);
}

gboolean
ds_conformance_run_time (DsConformanceCase *self, GError **error)
{
  gboolean is_range =
      g_str_equal (self->op_name, "until") || g_str_equal (self->op_name, "to");
  gboolean divides = is_range || g_str_equal (self->op_name, "div") ||
                     g_str_equal (self->op_name, "floor") ||
                     g_str_equal (self->op_name, "is_multiple_of");
  DsConformanceArguments arguments;
  g_autoptr (JsonNode) found = NULL;

  if (!ds_conformance_read_arguments (self, is_range ? 3 : 2, &arguments, error))
    return FALSE;
  if (divides && arguments.values[is_range ? 2 : 1] <= 0)
    return ds_conformance_skip (error, "%s by a duration that is not positive",
                                self->op_name);
  if (is_range)
    return ds_conformance_compare_range (self, &arguments, error);
  if (g_str_equal (self->op_name, "div"))
    return ds_conformance_compare_quotient (self, &arguments, error);
  if (!divides)
    return ds_conformance_compare_order (self, &arguments, error);

  found = json_node_alloc ();
  if (g_str_equal (self->op_name, "floor"))
    json_node_init_int (found, ds_time_floor (arguments.values[0], arguments.values[1],
                                              arguments.values[2]) /
                                   DS_MILLISECOND);
  else
    json_node_init_boolean (found, ds_time_is_multiple_of (arguments.values[0],
                                                           arguments.values[1],
                                                           arguments.values[2]));
  return ds_conformance_compare_node (self, found, error);
}
