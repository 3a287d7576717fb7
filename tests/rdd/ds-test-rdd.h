/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the tests of the engine share. */

#include "base/ds-error.h"
#include "rdd/ds-rdd.h"
#include "tests/base/ds-test-master.h"

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
  return ds_context_new (ds_test_choose_master (master), "test");
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

/* "a 1" becomes ("a", 1). */
static inline DsValue
ds_test_parse_pair (DsValue line, DsTask *task, gpointer unused)
{
  gsize n_bytes;
  const char *text = ds_value_get_string (line, &n_bytes);
  const char *space = memchr (text, ' ', n_bytes);
  const gsize n_key = (gsize) (space - text);

  return ds_pair (task, ds_value_string_sized (text, (guint32) n_key),
                  ds_value_parse_int (
                      ds_value_string_sized (space + 1,
                                             (guint32) (n_bytes - n_key - 1))));
}

/* Pairs from lines as above, NULL-terminated. */
static inline DsRdd *
ds_test_pairs (DsContext *context, const char *const *lines, guint n_partitions)
{
  g_autoptr (DsRdd) rdd =
      ds_test_parallelize (context, ds_block_new_from_strv (lines), n_partitions);

  return ds_rdd_map (rdd, ds_test_parse_pair, NULL, NULL);
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

static inline int
ds_test_compare_lines (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* The lines of @text (transfer full), sorted. */
static inline char *
ds_test_sort_lines (char *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  guint n_lines = g_strv_length (lines);
  GString *sorted = g_string_new (NULL);

  g_free (text);
  if (n_lines == 0)
    return g_string_free (sorted, FALSE);
  /* What follows the last line end is no line. */
  g_assert_cmpstr (lines[n_lines - 1], ==, "");
  qsort (lines, n_lines - 1, sizeof *lines, ds_test_compare_lines);
  for (guint i = 0; i + 1 < n_lines; i++)
    g_string_append_printf (sorted, "%s\n", lines[i]);
  return g_string_free (sorted, FALSE);
}

#define ds_test_assert_collects(rdd, expected)             \
  G_STMT_START                                             \
  {                                                        \
    g_autofree char *collected_ = ds_test_collect ((rdd)); \
    g_assert_cmpstr (collected_, ==, (expected));          \
  }                                                        \
  G_STMT_END

/* The same in the order of the printed lines. */
#define ds_test_assert_collects_sorted(rdd, expected)                           \
  G_STMT_START                                                                  \
  {                                                                             \
    g_autofree char *collected_ = ds_test_sort_lines (ds_test_collect ((rdd))); \
    g_assert_cmpstr (collected_, ==, (expected));                               \
  }                                                                             \
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
