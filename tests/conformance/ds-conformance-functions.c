/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of the vectors for functions over values, and how words are looked up.
 *
 * Where the library has the function ready made, that one stands in the table, so that
 * its fast form is what is tested.  A word may stand there once for each kind of use.
 * "plus_<n>" and "v_and_v_plus_<n>" are read with any number. */

#include "tests/conformance/ds-conformance-private.h"

#include <string.h>

/* ---- One value to one ---- */

/* Items 0 and 1 of a pair, also when it is a list of two. */
static DsValue
ds_conformance_get_first (DsValue pair, DsTask *task, gpointer unused)
{
  return ds_value_get_item (pair, 0);
}

static DsValue
ds_conformance_get_second (DsValue pair, DsTask *task, gpointer unused)
{
  return ds_value_get_item (pair, 1);
}

static DsValue
ds_conformance_swap (DsValue pair, DsTask *task, gpointer unused)
{
  return ds_pair (task, ds_value_get_item (pair, 1), ds_value_get_item (pair, 0));
}

static DsValue
ds_conformance_plus (DsValue value, DsTask *task, gpointer addend)
{
  return ds_add (value, ds_value_int (GPOINTER_TO_INT (addend)), task, NULL);
}

/* The word means ASCII only; ds_to_upper () knows all of Unicode. */
static DsValue
ds_conformance_upper (DsValue value, DsTask *task, gpointer unused)
{
  gsize n_bytes = 0;
  const char *bytes = ds_value_get_string (value, &n_bytes);
  char *upper = ds_task_alloc (task, n_bytes);

  for (gsize i = 0; i < n_bytes; i++)
    upper[i] = g_ascii_toupper (bytes[i]);
  return ds_value_string_sized (upper, (guint32) n_bytes);
}

static DsValue
ds_conformance_pair_with_x (DsValue value, DsTask *task, gpointer unused)
{
  return ds_pair (task, value, ds_value_string ("x"));
}

static DsValue
ds_conformance_pair_with_strlen (DsValue value, DsTask *task, gpointer unused)
{
  return ds_pair (task, value, ds_to_length (value, task, NULL));
}

/* ---- One value to several ---- */

static void
ds_conformance_v_and_v_plus (DsValue value, DsTask *task, gpointer addend)
{
  ds_task_emit (task, value);
  ds_task_emit (task, ds_conformance_plus (value, task, addend));
}

static void
ds_conformance_x_and_2x (DsValue value, DsTask *task, gpointer unused)
{
  ds_task_emit (task, value);
  ds_task_emit (task, ds_add (value, value, task, NULL));
}

static void
ds_conformance_suffix_1_2 (DsValue value, DsTask *task, gpointer unused)
{
  gsize n_bytes = 0;
  const char *bytes = ds_value_get_string (value, &n_bytes);

  ds_task_emit (task, ds_string_printf (task, "%.*s1", (int) n_bytes, bytes));
  ds_task_emit (task, ds_string_printf (task, "%.*s2", (int) n_bytes, bytes));
}

static void
ds_conformance_emit_char_pairs (DsValue text, DsValue key, DsTask *task)
{
  gsize n_bytes = 0;
  const char *bytes = ds_value_get_string (text, &n_bytes);
  const char *end = bytes + n_bytes;

  while (bytes < end)
    {
      const char *next = g_utf8_find_next_char (bytes, end);

      if (next == NULL)
        next = end;
      ds_task_emit_pair (task, key,
                         ds_value_string_sized (bytes, (guint32) (next - bytes)));
      bytes = next;
    }
}

static void
ds_conformance_len_char_pairs (DsValue value, DsTask *task, gpointer unused)
{
  ds_conformance_emit_char_pairs (value, ds_to_length (value, task, NULL), task);
}

static void
ds_conformance_value_char_pairs (DsValue pair, DsTask *task, gpointer unused)
{
  ds_conformance_emit_char_pairs (ds_value_get_item (pair, 0),
                                  ds_value_get_item (pair, 1), task);
}

/* ---- Keep or drop ---- */

static gboolean
ds_conformance_is_even (DsValue value, DsTask *task, gpointer unused)
{
  return ds_value_get_int (value) % 2 == 0;
}

static gboolean
ds_conformance_contains_a (DsValue value, DsTask *task, gpointer unused)
{
  return ds_value_contains (value, "a");
}

static gboolean
ds_conformance_key_contains_a (DsValue pair, DsTask *task, gpointer unused)
{
  return ds_value_contains (ds_value_get_item (pair, 0), "a");
}

static gboolean
ds_conformance_value_positive (DsValue pair, DsTask *task, gpointer unused)
{
  return ds_value_get_double (ds_value_get_item (pair, 1)) > 0;
}

/* ---- Two values to one ---- */

static DsValue
ds_conformance_append_decimal (DsValue text, DsValue value, DsTask *task, gpointer unused)
{
  DsValue suffix = ds_to_string (value, task, NULL);
  gsize n_text = 0;
  gsize n_suffix = 0;
  const char *text_bytes = ds_value_get_string (text, &n_text);
  const char *suffix_bytes = ds_value_get_string (suffix, &n_suffix);

  return ds_string_printf (task, "%.*s%.*s", (int) n_text, text_bytes, (int) n_suffix,
                           suffix_bytes);
}

/* ---- A partition ---- */

static void
ds_conformance_concat_upper_of_partition (DsPartition *partition,
                                          DsTask *task,
                                          gpointer unused)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const DsValue *values = NULL;
  gsize n_values = 0;

  while ((values = ds_partition_next (partition, &n_values)) != NULL)
    for (gsize i = 0; i < n_values; i++)
      {
        gsize n_bytes = 0;
        const char *bytes = ds_value_get_string (values[i], &n_bytes);

        g_string_append_len (text, bytes, (gssize) n_bytes);
      }
  g_string_ascii_up (text);
  ds_task_emit (task, ds_string_dup (task, text->str));
}

static void
ds_conformance_sum_of_partition (DsPartition *partition, DsTask *task, gpointer unused)
{
  DsValue sum = ds_value_int (0);
  const DsValue *values = NULL;
  gsize n_values = 0;

  while ((values = ds_partition_next (partition, &n_values)) != NULL)
    for (gsize i = 0; i < n_values; i++)
      sum = ds_add (sum, values[i], task, NULL);
  ds_task_emit (task, sum);
}

const DsConformanceFunctionRow ds_conformance_value_functions[] = {
  { "add", DS_CONFORMANCE_REDUCE, G_CALLBACK (ds_add), NULL },
  { "append_decimal", DS_CONFORMANCE_REDUCE, G_CALLBACK (ds_conformance_append_decimal),
    NULL },
  { "chars", DS_CONFORMANCE_FLAT_MAP, G_CALLBACK (ds_split_chars), NULL },
  { "concat_upper_of_partition", DS_CONFORMANCE_MAP_PARTITIONS,
    G_CALLBACK (ds_conformance_concat_upper_of_partition), NULL },
  { "contains_a", DS_CONFORMANCE_FILTER, G_CALLBACK (ds_conformance_contains_a), NULL },
  { "first", DS_CONFORMANCE_MAP, G_CALLBACK (ds_conformance_get_first), NULL },
  { "first", DS_CONFORMANCE_REDUCE, G_CALLBACK (ds_keep_first), NULL },
  { "identity", DS_CONFORMANCE_MAP, G_CALLBACK (ds_identity), NULL },
  { "is_even", DS_CONFORMANCE_FILTER, G_CALLBACK (ds_conformance_is_even), NULL },
  { "key_contains_a", DS_CONFORMANCE_FILTER, G_CALLBACK (ds_conformance_key_contains_a),
    NULL },
  { "len_char_pairs", DS_CONFORMANCE_FLAT_MAP, G_CALLBACK (ds_conformance_len_char_pairs),
    NULL },
  { "pair_with_1", DS_CONFORMANCE_MAP, G_CALLBACK (ds_pair_with_one), NULL },
  { "pair_with_strlen", DS_CONFORMANCE_MAP, G_CALLBACK (ds_conformance_pair_with_strlen),
    NULL },
  { "pair_with_x", DS_CONFORMANCE_MAP, G_CALLBACK (ds_conformance_pair_with_x), NULL },
  { "second", DS_CONFORMANCE_MAP, G_CALLBACK (ds_conformance_get_second), NULL },
  { "second", DS_CONFORMANCE_REDUCE, G_CALLBACK (ds_keep_last), NULL },
  { "strlen", DS_CONFORMANCE_MAP, G_CALLBACK (ds_to_length), NULL },
  { "sub", DS_CONFORMANCE_REDUCE, G_CALLBACK (ds_subtract), NULL },
  { "suffix_1_2", DS_CONFORMANCE_FLAT_MAP, G_CALLBACK (ds_conformance_suffix_1_2), NULL },
  { "sum_of_partition", DS_CONFORMANCE_MAP_PARTITIONS,
    G_CALLBACK (ds_conformance_sum_of_partition), NULL },
  { "swap", DS_CONFORMANCE_MAP, G_CALLBACK (ds_conformance_swap), NULL },
  { "to_decimal_string", DS_CONFORMANCE_MAP, G_CALLBACK (ds_to_string), NULL },
  { "to_string", DS_CONFORMANCE_MAP, G_CALLBACK (ds_to_string), NULL },
  { "upper", DS_CONFORMANCE_MAP, G_CALLBACK (ds_conformance_upper), NULL },
  { "value_char_pairs", DS_CONFORMANCE_FLAT_MAP,
    G_CALLBACK (ds_conformance_value_char_pairs), NULL },
  { "value_nonzero", DS_CONFORMANCE_FILTER, G_CALLBACK (ds_is_nonzero_pair), NULL },
  { "value_positive", DS_CONFORMANCE_FILTER, G_CALLBACK (ds_conformance_value_positive),
    NULL },
  { "x_and_2x", DS_CONFORMANCE_FLAT_MAP, G_CALLBACK (ds_conformance_x_and_2x), NULL },
  { NULL, DS_CONFORMANCE_MAP, NULL, NULL },
};

/* ---- Looking up ---- */

static const char *
ds_conformance_kind_to_string (DsConformanceFunctionKind kind)
{
  static const char *const names[] = {
    "one value",          "one value to several",
    "keep or drop",       "two values to one",
    "a partition",        "an RDD",
    "two RDDs",           "several RDDs",
    "values and a state", "a record and a state",
  };

  return names[kind];
}

/* "<prefix><number>". */
static gboolean
ds_conformance_parse_suffix (const char *name, const char *prefix, int *number)
{
  gint64 parsed = 0;

  if (!g_str_has_prefix (name, prefix) ||
      !g_ascii_string_to_signed (name + strlen (prefix), 10, G_MININT, G_MAXINT, &parsed,
                                 NULL))
    return FALSE;
  *number = (int) parsed;
  return TRUE;
}

static gboolean
ds_conformance_find_numbered (const char *name,
                              DsConformanceFunctionKind kind,
                              DsConformanceFunction *function)
{
  int number = 0;

  if (kind == DS_CONFORMANCE_MAP && ds_conformance_parse_suffix (name, "plus_", &number))
    function->func = G_CALLBACK (ds_conformance_plus);
  else if (kind == DS_CONFORMANCE_FLAT_MAP &&
           ds_conformance_parse_suffix (name, "v_and_v_plus_", &number))
    function->func = G_CALLBACK (ds_conformance_v_and_v_plus);
  else
    return FALSE;
  function->user_data = GINT_TO_POINTER (number);
  return TRUE;
}

static const DsConformanceFunctionRow *
ds_conformance_find_row (const DsConformanceFunctionRow *rows,
                         const char *name,
                         DsConformanceFunctionKind kind,
                         const DsConformanceFunctionRow **other_kind)
{
  for (; rows->name != NULL; rows++)
    if (g_str_equal (rows->name, name))
      {
        if (rows->kind == kind)
          return rows;
        *other_kind = rows;
      }
  return NULL;
}

gboolean
ds_conformance_find_function (JsonObject *params,
                              const char *member,
                              DsConformanceFunctionKind kind,
                              DsConformanceFunction *function,
                              GError **error)
{
  const char *name = ds_conformance_read_string (params, member, error);
  const DsConformanceFunctionRow *other_kind = NULL;
  const DsConformanceFunctionRow *row = NULL;

  *function = (DsConformanceFunction){ NULL, NULL };
  if (name == NULL)
    return FALSE;
  if (ds_conformance_find_numbered (name, kind, function))
    return TRUE;

  row = ds_conformance_find_row (ds_conformance_value_functions, name, kind, &other_kind);
  if (row == NULL)
    row = ds_conformance_find_row (ds_conformance_rdd_functions, name, kind, &other_kind);
  if (row == NULL)
    row =
        ds_conformance_find_row (ds_conformance_state_functions, name, kind, &other_kind);
  if (row == NULL && other_kind != NULL)
    return ds_conformance_skip (error,
                                "function \"%s\" takes %s, but is used here for %s", name,
                                ds_conformance_kind_to_string (other_kind->kind),
                                ds_conformance_kind_to_string (kind));
  if (row == NULL)
    return ds_conformance_skip (error, "function \"%s\" is not known", name);
  if (row->missing != NULL)
    return ds_conformance_skip (
        error,
        "function \"%s\" needs the operator %s, which the library does not have yet",
        name, row->missing);

  function->func = row->func;
  return TRUE;
}
