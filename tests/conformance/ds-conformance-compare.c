/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Comparing what came out with what a vector says.
 *
 * Arrays are compared by their items, whatever the engine calls them: tuple, list or
 * bytes.  Numbers keep their kind, since int 1 and double 1.0 are different keys.  For
 * multisets each expected item takes the first value that equals it and is still free:
 * matching is an equivalence, so that the greedy way finds a match when there is one. */

#include "tests/conformance/ds-conformance-private.h"

#include <math.h>

DsConformanceOrder
ds_conformance_get_order (DsConformanceCase *self)
{
  DsConformanceOrder order = {
    .ordered = ds_conformance_get_boolean (self->json, "ordered", TRUE),
    .inner_ordered = !ds_conformance_has (self->json, "unordered_inner"),
  };

  if (!order.inner_ordered)
    {
      JsonNode *node = json_object_get_member (self->json, "unordered_inner");

      /* Also a plain true or false. */
      if (JSON_NODE_HOLDS_VALUE (node) &&
          json_node_get_value_type (node) == G_TYPE_BOOLEAN)
        order.inner_ordered = !json_node_get_boolean (node);
    }
  return order;
}

static gboolean
ds_conformance_bytes_match (JsonArray *expected, DsValue value)
{
  gsize n_bytes = 0;
  const guint8 *bytes = ds_value_get_bytes (value, &n_bytes);

  if (json_array_get_length (expected) != n_bytes)
    return FALSE;
  for (guint i = 0; i < n_bytes; i++)
    {
      JsonNode *item = json_array_get_element (expected, i);

      if (!JSON_NODE_HOLDS_VALUE (item) ||
          json_node_get_value_type (item) != G_TYPE_INT64 ||
          json_node_get_int (item) != bytes[i])
        return FALSE;
    }
  return TRUE;
}

static gboolean
ds_conformance_values_match (JsonArray *expected,
                             const DsValue *values,
                             gsize n_values,
                             gboolean ordered,
                             gboolean inner_ordered)
{
  g_autofree gboolean *taken = NULL;

  if (json_array_get_length (expected) != n_values)
    return FALSE;
  taken = g_new0 (gboolean, n_values + 1);
  for (guint i = 0; i < n_values; i++)
    {
      JsonNode *item = json_array_get_element (expected, i);
      gsize found = ordered ? i : 0;

      if (!ordered)
        while (found < n_values &&
               (taken[found] ||
                !ds_conformance_value_matches (item, values[found], inner_ordered)))
          found++;
      if (found == n_values ||
          (ordered && !ds_conformance_value_matches (item, values[found], inner_ordered)))
        return FALSE;
      taken[found] = TRUE;
    }
  return TRUE;
}

static gboolean
ds_conformance_double_matches (double expected, double value)
{
  if (isnan (expected) || isnan (value))
    return isnan (expected) && isnan (value);
  return fabs (expected - value) <= 1e-12 * fmax (fabs (expected), fabs (value));
}

static gboolean
ds_conformance_array_matches (JsonArray *expected, DsValue value, gboolean inner_ordered)
{
  if (ds_value_is (value, DS_VALUE_TYPE_BYTES))
    return ds_conformance_bytes_match (expected, value);
  if (ds_value_is (value, DS_VALUE_TYPE_TUPLE))
    return ds_conformance_values_match (expected, value.as.items, value.size, TRUE,
                                        inner_ordered);
  if (ds_value_is (value, DS_VALUE_TYPE_LIST))
    return ds_conformance_values_match (expected, value.as.items, value.size,
                                        inner_ordered, inner_ordered);
  return FALSE;
}

gboolean
ds_conformance_value_matches (JsonNode *expected, DsValue value, gboolean inner_ordered)
{
  if (JSON_NODE_HOLDS_NULL (expected))
    return ds_value_is_null (value);
  if (JSON_NODE_HOLDS_ARRAY (expected))
    return ds_conformance_array_matches (json_node_get_array (expected), value,
                                         inner_ordered);
  if (!JSON_NODE_HOLDS_VALUE (expected))
    return FALSE;

  switch (json_node_get_value_type (expected))
    {
    case G_TYPE_INT64:
      return ds_value_is (value, DS_VALUE_TYPE_INT) &&
             ds_value_get_int (value) == json_node_get_int (expected);
    case G_TYPE_DOUBLE:
      return ds_value_is (value, DS_VALUE_TYPE_DOUBLE) &&
             ds_conformance_double_matches (json_node_get_double (expected),
                                            ds_value_get_double (value));
    case G_TYPE_BOOLEAN:
      return ds_value_is (value, DS_VALUE_TYPE_BOOL) &&
             ds_value_get_bool (value) == json_node_get_boolean (expected);
    case G_TYPE_STRING:
      return ds_value_is (value, DS_VALUE_TYPE_STRING) &&
             ds_value_equals_string (value, json_node_get_string (expected));
    default:
      return FALSE;
    }
}

gboolean
ds_conformance_compare_block (JsonArray *expected,
                              DsBlock *block,
                              DsConformanceOrder order,
                              const char *what,
                              GError **error)
{
  gsize n_values = 0;
  const DsValue *values = ds_block_get_values (block, &n_values);
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *expected_text = NULL;
  g_autofree char *found_text = NULL;

  if (ds_conformance_values_match (expected, values, n_values, order.ordered,
                                   order.inner_ordered))
    return TRUE;

  node = json_node_init_array (json_node_alloc (), expected);
  expected_text = ds_conformance_node_to_text (node);
  found_text = ds_conformance_block_to_text (block);
  return ds_conformance_differ (error, "%s: expected %s%s, found %s", what, expected_text,
                                order.ordered ? "" : " in any order", found_text);
}

gboolean
ds_conformance_compare_blocks (JsonArray *expected,
                               GPtrArray *blocks,
                               DsConformanceOrder order,
                               GError **error)
{
  guint n_expected = json_array_get_length (expected);

  for (guint i = 0; i < MIN (n_expected, blocks->len); i++)
    {
      JsonNode *batch = json_array_get_element (expected, i);
      g_autofree char *what = g_strdup_printf ("RDD %u", i + 1);

      if (!JSON_NODE_HOLDS_ARRAY (batch))
        return ds_conformance_differ (error, "%s of \"expected\" is not a list", what);
      if (!ds_conformance_compare_block (json_node_get_array (batch),
                                         g_ptr_array_index (blocks, i), order, what,
                                         error))
        return FALSE;
    }
  if (n_expected != blocks->len)
    return ds_conformance_differ (error, "Expected %u RDDs, found %u", n_expected,
                                  blocks->len);
  return TRUE;
}
