/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the tests of shuffling operators share: every backend, and a plain loop that says
 * in which order keys come out. */

#include "tests/rdd/ds-test-rdd.h"

static const char *const ds_test_masters[] = { "local[1]", "local[2]", "local[4]",
                                               "loopback[2]" };

/* Pairs in the order in which their keys were first met: a plain array. */
typedef struct
{
  DsValue *keys;
  DsValue *values;
  gsize n_keys;
} DsTestModel;

static inline void
ds_test_model_init (DsTestModel *model, gsize n_max)
{
  model->keys = g_new (DsValue, n_max);
  model->values = g_new (DsValue, n_max);
  model->n_keys = 0;
}

static inline void
ds_test_model_clear (DsTestModel *model)
{
  g_free (model->keys);
  g_free (model->values);
}

/* The place of @key's value, which is null when the key is new. */
static inline DsValue *
ds_test_model_find (DsTestModel *model, DsValue key)
{
  gsize i = 0;

  while (i < model->n_keys && !ds_value_equal (model->keys[i], key))
    i++;
  if (i == model->n_keys)
    {
      model->keys[i] = key;
      model->values[i] = ds_value_null ();
      model->n_keys++;
    }
  return &model->values[i];
}

/* What a shuffle into @n_partitions by hash has to give, printed: partition by partition,
 * in each the order of the model.  @with_values FALSE: keys only. */
static inline char *
ds_test_model_print (const DsTestModel *model, guint n_partitions, gboolean with_values)
{
  GString *text = g_string_new (NULL);

  for (guint p = 0; p < n_partitions; p++)
    for (gsize i = 0; i < model->n_keys; i++)
      {
        const DsValue pair[] = { model->keys[i], model->values[i] };
        g_autofree char *printed =
            ds_value_to_string (with_values ? ds_value_tuple (pair, 2) : model->keys[i]);
        guint64 hash = ds_value_is_null (pair[0]) ? 0 : ds_value_hash (pair[0]);

        if (hash % n_partitions == p)
          g_string_append_printf (text, "%s\n", printed);
      }
  return g_string_free (text, FALSE);
}

/* @n_values values, most of them words, some long, some of other types; about a tenth of
 * them different. */
static inline DsBlock *
ds_test_make_words (guint n_values)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();

  for (guint i = 0; i < n_values; i++)
    {
      guint n = (guint) g_test_rand_int_range (0, (gint32) n_values / 10 + 1);
      char text[64];

      if (n % 7 == 0)
        ds_block_builder_add_int (builder, n);
      else if (n % 11 == 0)
        ds_block_builder_add (builder, ds_value_null ());
      else
        {
          g_snprintf (text, sizeof text, n % 5 == 0 ? "a word that is long: %u" : "w%u",
                      n);
          ds_block_builder_add_string (builder, text);
        }
    }
  return ds_block_builder_end (builder);
}
