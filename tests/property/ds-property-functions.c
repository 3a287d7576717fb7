/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The functions of the programs: what the operators are given.  The library and the model
 * call the same ones; where the library has one ready made, it gets that and the model
 * the plain loop here, so that the fast forms are looked at too.
 *
 * Results depend on the arguments only.  Numbers stay small, and each function that
 * combines values says whether their order matters. */

#include "tests/property/ds-property-private.h"

#include <string.h>

#define I DS_PROPERTY_INT
#define T DS_PROPERTY_TEXT
#define II DS_PROPERTY_INT_INT
#define IT DS_PROPERTY_INT_TEXT
#define TI DS_PROPERTY_TEXT_INT
#define TT DS_PROPERTY_TEXT_TEXT

#define DS_PROPERTY_TEXTS (1 << T)
#define DS_PROPERTY_INTS (1 << I)

/* The remainder that is never negative. */
static gint64
ds_property_remainder (gint64 number, gint64 divisor)
{
  return (number % divisor + divisor) % divisor;
}

static DsValue
ds_property_number_text (gint64 number, DsPropertyCall *call)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text, "%" G_GINT64_FORMAT, number);
  return ds_property_text (call, text);
}

/* ---- One value to one ---- */

static DsValue
ds_property_plus (DsValue value, gint64 number, DsPropertyCall *call)
{
  return ds_value_int (value.as.integer + number);
}

static DsValue
ds_property_scramble (DsValue value, gint64 number, DsPropertyCall *call)
{
  return ds_value_int (ds_property_remainder (value.as.integer * 7 + number, 23) - 5);
}

static DsValue
ds_property_to_text (DsValue value, gint64 number, DsPropertyCall *call)
{
  return ds_property_number_text (value.as.integer, call);
}

static DsValue
ds_property_length (DsValue value, gint64 number, DsPropertyCall *call)
{
  return ds_value_int (value.size);
}

static DsValue
ds_property_reverse (DsValue value, gint64 number, DsPropertyCall *call)
{
  char *bytes = ds_property_alloc (call, value.size + 1);

  for (guint i = 0; i < value.size; i++)
    bytes[i] = value.as.bytes[value.size - 1 - i];
  return ds_value_string_sized (bytes, value.size);
}

static DsValue
ds_property_upper (DsValue value, gint64 number, DsPropertyCall *call)
{
  char *bytes = ds_property_alloc (call, value.size + 1);

  for (guint i = 0; i < value.size; i++)
    bytes[i] = g_ascii_toupper (value.as.bytes[i]);
  return ds_value_string_sized (bytes, value.size);
}

static DsValue
ds_property_with_one (DsValue value, gint64 number, DsPropertyCall *call)
{
  return ds_property_pair (call, value, ds_value_int (1));
}

static DsValue
ds_property_by_remainder (DsValue value, gint64 number, DsPropertyCall *call)
{
  return ds_property_pair (call,
                           ds_value_int (ds_property_remainder (value.as.integer, 5)),
                           value);
}

static DsValue
ds_property_by_text (DsValue value, gint64 number, DsPropertyCall *call)
{
  gint64 remainder = ds_property_remainder (value.as.integer + number, 4);

  return ds_property_pair (call, ds_property_number_text (remainder, call), value);
}

static DsValue
ds_property_by_length (DsValue value, gint64 number, DsPropertyCall *call)
{
  return ds_property_pair (call, ds_value_int (value.size % 4), value);
}

static DsValue
ds_property_by_first (DsValue value, gint64 number, DsPropertyCall *call)
{
  return ds_property_pair (call,
                           ds_value_string_sized (value.as.bytes, MIN (value.size, 1)),
                           value);
}

static DsValue
ds_property_swap (DsValue value, gint64 number, DsPropertyCall *call)
{
  return ds_property_pair (call, value.as.items[1], value.as.items[0]);
}

static DsValue
ds_property_to_key (DsValue value, gint64 number, DsPropertyCall *call)
{
  return value.as.items[0];
}

static DsValue
ds_property_to_value (DsValue value, gint64 number, DsPropertyCall *call)
{
  return value.as.items[1];
}

const DsPropertyMap ds_property_maps[] = {
  { "plus", { I, -1, -1, -1, -1, -1 }, ds_property_plus, NULL },
  { "scramble", { I, -1, -1, -1, -1, -1 }, ds_property_scramble, NULL },
  { "to_string", { T, -1, -1, -1, -1, -1 }, ds_property_to_text, ds_to_string },
  { "to_length", { -1, I, -1, -1, -1, -1 }, ds_property_length, ds_to_length },
  { "reverse", { -1, T, -1, -1, -1, -1 }, ds_property_reverse, NULL },
  { "to_upper", { -1, T, -1, -1, -1, -1 }, ds_property_upper, ds_to_upper },
  { "pair_with_one", { II, TI, -1, -1, -1, -1 }, ds_property_with_one, ds_pair_with_one },
  { "by_remainder", { II, -1, -1, -1, -1, -1 }, ds_property_by_remainder, NULL },
  { "by_text", { TI, -1, -1, -1, -1, -1 }, ds_property_by_text, NULL },
  { "by_length", { -1, IT, -1, -1, -1, -1 }, ds_property_by_length, NULL },
  { "by_first", { -1, TT, -1, -1, -1, -1 }, ds_property_by_first, NULL },
  { "swap", { -1, -1, II, TI, IT, TT }, ds_property_swap, ds_swap },
  { "to_key", { -1, -1, I, I, T, T }, ds_property_to_key, ds_to_key },
  { "to_value", { -1, -1, I, T, I, T }, ds_property_to_value, ds_to_value },
  { NULL, { 0 }, NULL, NULL },
};

/* ---- One value to several ---- */

static void
ds_property_copies (DsValue value, gint64 number, DsPropertyCall *call)
{
  guint64 n_copies = (ds_property_checksum (value) + (guint64) number) % 3;

  for (guint64 i = 0; i < n_copies; i++)
    ds_property_emit (call, value);
}

static void
ds_property_neighbours (DsValue value, gint64 number, DsPropertyCall *call)
{
  ds_property_emit (call, ds_value_int (value.as.integer - 1));
  ds_property_emit (call, ds_value_int (value.as.integer + number));
}

static void
ds_property_chars (DsValue value, gint64 number, DsPropertyCall *call)
{
  for (guint i = 0; i < value.size; i++)
    ds_property_emit (call, ds_value_string_sized (value.as.bytes + i, 1));
}

const DsPropertyFlatMap ds_property_flat_maps[] = {
  { "copies", { I, T, II, IT, TI, TT }, ds_property_copies, NULL },
  { "neighbours", { I, -1, -1, -1, -1, -1 }, ds_property_neighbours, NULL },
  { "split_chars", { -1, T, -1, -1, -1, -1 }, ds_property_chars, ds_split_chars },
  { NULL, { 0 }, NULL, NULL },
};

/* ---- Keep or drop ---- */

static gboolean
ds_property_keeps_two_thirds (DsValue value, gint64 number)
{
  return (ds_property_checksum (value) + (guint64) number) % 3 != 0;
}

static gboolean
ds_property_is_nonzero_pair (DsValue value, gint64 number)
{
  return value.as.items[1].as.integer != 0;
}

static gboolean
ds_property_is_not_empty (DsValue value, gint64 number)
{
  return value.size > 0;
}

const DsPropertyFilter ds_property_filters[] = {
  { "two_thirds", DS_PROPERTY_ANY, ds_property_keeps_two_thirds, NULL },
  { "is_nonzero_pair", 1 << II | 1 << TI, ds_property_is_nonzero_pair,
    ds_is_nonzero_pair },
  { "is_not_empty", DS_PROPERTY_TEXTS, ds_property_is_not_empty, ds_is_not_empty },
  { NULL, 0, NULL, NULL },
};

/* ---- Two values to one ---- */

static DsValue
ds_property_add (DsValue a, DsValue b, DsPropertyCall *call)
{
  return ds_value_int (a.as.integer + b.as.integer);
}

static DsValue
ds_property_max (DsValue a, DsValue b, DsPropertyCall *call)
{
  return ds_property_compare (a, b) < 0 ? b : a;
}

static DsValue
ds_property_min (DsValue a, DsValue b, DsPropertyCall *call)
{
  return ds_property_compare (b, a) < 0 ? b : a;
}

static DsValue
ds_property_keep_first (DsValue a, DsValue b, DsPropertyCall *call)
{
  return a;
}

static DsValue
ds_property_keep_last (DsValue a, DsValue b, DsPropertyCall *call)
{
  return b;
}

/* Associative, but not commutative. */
static DsValue
ds_property_concat (DsValue a, DsValue b, DsPropertyCall *call)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_len (text, a.as.bytes, a.size);
  g_string_append_len (text, b.as.bytes, b.size);
  return ds_property_text (call, text);
}

const DsPropertyReduce ds_property_reduces[] = {
  { "add", DS_PROPERTY_INTS, FALSE, ds_property_add, ds_add, DS_REDUCTION_ADD },
  { "max", DS_PROPERTY_SCALARS, FALSE, ds_property_max, ds_max, DS_REDUCTION_MAX },
  { "own_max", DS_PROPERTY_SCALARS, FALSE, ds_property_max, NULL, -1 },
  { "min", DS_PROPERTY_SCALARS, FALSE, ds_property_min, ds_min, DS_REDUCTION_MIN },
  { "keep_first", DS_PROPERTY_SCALARS, TRUE, ds_property_keep_first, ds_keep_first,
    DS_REDUCTION_FIRST },
  { "keep_last", DS_PROPERTY_SCALARS, TRUE, ds_property_keep_last, ds_keep_last,
    DS_REDUCTION_LAST },
  { "concat", DS_PROPERTY_TEXTS, TRUE, ds_property_concat, NULL, -1 },
  { NULL, 0, FALSE, NULL, NULL, -1 },
};

/* ---- A list to a value ---- */

static void
ds_property_append_items (GString *text,
                          const DsValue *values,
                          gsize n_values,
                          gboolean sorts)
{
  g_autoptr (GArray) items = g_array_new (FALSE, FALSE, sizeof (DsValue));

  if (n_values > 0)
    g_array_append_vals (items, values, (guint) n_values);
  if (sorts)
    g_array_sort (items, ds_property_compare_items);
  for (guint i = 0; i < items->len; i++)
    {
      DsValue value = g_array_index (items, DsValue, i);

      if (value.type == DS_VALUE_TYPE_STRING)
        g_string_append_len (text, value.as.bytes, value.size);
      else
        ds_property_print (text, value);
      g_string_append_c (text, '.');
    }
}

static DsValue
ds_property_join (const DsValue *values, gsize n_values, DsPropertyCall *call)
{
  g_autoptr (GString) text = g_string_new (NULL);

  ds_property_append_items (text, values, n_values, FALSE);
  return ds_property_text (call, text);
}

static DsValue
ds_property_sort (const DsValue *values, gsize n_values, DsPropertyCall *call)
{
  g_autoptr (GString) text = g_string_new (NULL);

  ds_property_append_items (text, values, n_values, TRUE);
  return ds_property_text (call, text);
}

static DsValue
ds_property_sum (const DsValue *values, gsize n_values, DsPropertyCall *call)
{
  gint64 sum = 0;

  for (gsize i = 0; i < n_values; i++)
    sum += values[i].as.integer;
  return ds_value_int (sum);
}

static DsValue
ds_property_count (const DsValue *values, gsize n_values, DsPropertyCall *call)
{
  return ds_value_int ((gint64) n_values);
}

/* Of what combine_by_key makes: a sum and a count. */
static DsValue
ds_property_mean (const DsValue *values, gsize n_values, DsPropertyCall *call)
{
  return ds_value_int (ds_property_sum (values, n_values, call).as.integer * 10 +
                       (gint64) (n_values % 10));
}

const DsPropertyDigest ds_property_digests[] = {
  { "count", { I, I }, FALSE, ds_property_count },
  { "mean", { I, -1 }, FALSE, ds_property_mean },
  { "sum", { I, -1 }, FALSE, ds_property_sum },
  { "sorted", { T, T }, FALSE, ds_property_sort },
  { "joined", { T, T }, TRUE, ds_property_join },
  { NULL, { 0 }, FALSE, NULL },
};

DsValue
ds_property_render_sides (DsValue sides, DsPropertyCall *call)
{
  g_autoptr (GString) text = g_string_new (NULL);

  ds_property_append_items (text, sides.as.items, sides.size, FALSE);
  return ds_property_text (call, text);
}

DsValue
ds_property_render_mean (DsValue sum_and_count)
{
  return ds_value_int (sum_and_count.as.items[0].as.integer * 10 +
                       sum_and_count.as.items[1].as.integer % 10);
}

/* ---- Those of a node ---- */

DsValue
ds_property_digest (DsPropertyNode *node, GArray *values, DsPropertyCall *call)
{
  return ds_property_digests[node->function].apply (&DS_PROPERTY_AT (values, 0),
                                                    values->len, call);
}

DsValue
ds_property_update (DsPropertyNode *node,
                    GArray *values,
                    DsValue state,
                    DsPropertyCall *call)
{
  return ds_property_updates[node->function].apply (&DS_PROPERTY_AT (values, 0),
                                                    values->len, state, call);
}

DsValue
ds_property_render_lists (DsPropertyNode *node, GArray *lists[2], DsPropertyCall *call)
{
  gboolean sorts = !ds_property_get_parent (node, 0)->is_ordered ||
                   !ds_property_get_parent (node, 1)->is_ordered;
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < 2; i++)
    {
      if (lists[i] != NULL)
        ds_property_append_items (text, &DS_PROPERTY_AT (lists[i], 0), lists[i]->len,
                                  sorts);
      g_string_append_c (text, '|');
    }
  return ds_property_text (call, text);
}

void
ds_property_apply (DsPropertyNode *node, DsValue value, DsPropertyCall *call)
{
  switch ((int) node->kind)
    {
    case DS_PROPERTY_MAP:
    case DS_PROPERTY_MAP_CHUNKS:
    case DS_PROPERTY_MAP_PARTITIONS:
    case DS_PROPERTY_MAP_VALUES:
    case DS_PROPERTY_KEY_BY:
      ds_property_emit (call, ds_property_maps[node->function].apply (value, node->number,
                                                                      call));
      break;
    case DS_PROPERTY_FLAT_MAP:
    case DS_PROPERTY_FLAT_MAP_VALUES:
      ds_property_flat_maps[node->function].apply (value, node->number, call);
      break;
    case DS_PROPERTY_FILTER:
      if (ds_property_filters[node->function].keeps (value, node->number))
        ds_property_emit (call, value);
      break;
    default:
      ds_property_emit (call, value);
    }
}
