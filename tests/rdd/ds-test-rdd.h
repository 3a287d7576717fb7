/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the tests of the engine share. */

#include "base/ds-error.h"
#include "rdd/ds-rdd.h"

/* A context that ends with its scope, with everything that it holds. */
typedef DsContext DsTestContext;

static inline void
ds_test_context_end (DsTestContext *context)
{
  ds_context_stop (context);
  g_assert_finalize_object (context);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsTestContext, ds_test_context_end)

static inline DsTestContext *
ds_test_context_new (const char *master)
{
  return ds_context_new (master, "test");
}

/* The values 0 .. n - 1. */
static inline DsRdd *
ds_test_integers (DsContext *context, gint64 n_values, guint n_partitions)
{
  DsRdd *rdd = ds_context_range (context, 0, n_values, 1);

  ds_rdd_set_n_partitions (rdd, n_partitions);
  return rdd;
}

static inline DsRdd *
ds_test_parallelize (DsContext *context, DsBlock *block, guint n_partitions)
{
  DsRdd *rdd = ds_context_parallelize (context, block, n_partitions);

  ds_block_unref (block);
  return rdd;
}

/* All values, as printed, one a line, in order. */
static inline char *
ds_test_collect (DsRdd *rdd)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) block = ds_rdd_collect (rdd, &error);
  GString *text;

  g_assert_no_error (error);
  text = g_string_new (NULL);
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    {
      g_autofree char *value = ds_value_to_string (ds_block_get (block, i));

      g_string_append_printf (text, "%s\n", value);
    }
  return g_string_free (text, FALSE);
}

#define ds_test_assert_collects(rdd, expected)             \
  G_STMT_START                                             \
  {                                                        \
    g_autofree char *collected_ = ds_test_collect ((rdd)); \
    g_assert_cmpstr (collected_, ==, (expected));          \
  }                                                        \
  G_STMT_END

/* Collecting fails with this code, and the message has all of the parts (a NULL ends
 * them). */
static inline void
ds_test_assert_fails (DsRdd *rdd, DsError code, ...)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) block = ds_rdd_collect (rdd, &error);
  const char *part;
  va_list parts;

  g_assert_null (block);
  g_assert_error (error, DS_ERROR, (int) code);
  va_start (parts, code);
  while ((part = va_arg (parts, const char *)) != NULL)
    if (strstr (error->message, part) == NULL)
      g_error ("\"%s\" is missing in \"%s\"", part, error->message);
  va_end (parts);
}
