/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The same plan gives the same bytes on any number of workers, and on places between
 * which only encoded bytes travel. */

#include "tests/rdd/ds-test-rdd.h"

#include "rdd/ds-job-private.h"

#include <glib/gstdio.h>

static DsValue
to_last_digit (DsValue value, DsTask *task, gpointer user_data)
{
  return ds_value_int (ds_value_get_int (value) % 10);
}

static DsValue
concatenate (DsValue a, DsValue b, DsTask *task, gpointer user_data)
{
  return ds_string_printf (task, "%s%s", ds_task_strdup (task, a),
                           ds_task_strdup (task, b));
}

/* ---- Plans: each gets a context and a text file, and returns an RDD ---- */

typedef DsRdd *(*Plan) (DsContext *context, const char *path);

static DsRdd *
plan_lines (DsContext *context, const char *path)
{
  DsRdd *lines = ds_context_text_file (context, path);

  ds_rdd_set_n_partitions (lines, 5);
  return lines;
}

static DsRdd *
plan_words (DsContext *context, const char *path)
{
  g_autoptr (DsRdd) lines = plan_lines (context, path);

  return ds_rdd_flat_map (lines, ds_split_words, NULL, NULL);
}

static DsRdd *
plan_counts (DsContext *context, const char *path)
{
  g_autoptr (DsRdd) words = plan_words (context, path);
  g_autoptr (DsRdd) pairs = ds_rdd_map (words, ds_pair_with_one, NULL, NULL);
  DsRdd *counts = ds_rdd_reduce_by_key (pairs, ds_add, NULL, NULL);

  ds_rdd_set_n_partitions (counts, 3);
  return counts;
}

/* Order matters here, so it has to be that of partitions. */
static DsRdd *
plan_strings_by_digit (DsContext *context, const char *path)
{
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 20000, 7);
  g_autoptr (DsRdd) keyed = ds_rdd_key_by (numbers, to_last_digit, NULL, NULL);
  g_autoptr (DsRdd) strings = ds_rdd_map_values (keyed, ds_to_string, NULL, NULL);
  DsRdd *joined = ds_rdd_reduce_by_key (strings, concatenate, NULL, NULL);

  ds_rdd_set_n_partitions (joined, 4);
  return joined;
}

static DsRdd *
plan_groups (DsContext *context, const char *path)
{
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 20000, 7);
  g_autoptr (DsRdd) keyed = ds_rdd_key_by (numbers, to_last_digit, NULL, NULL);
  g_autoptr (DsRdd) groups = ds_rdd_group_by_key (keyed);
  DsRdd *grouped;

  grouped = ds_rdd_glom (groups);
  return grouped;
}

static DsRdd *
plan_counts_of_counts (DsContext *context, const char *path)
{
  g_autoptr (DsRdd) counts = plan_counts (context, path);
  g_autoptr (DsRdd) swapped = ds_rdd_map (counts, ds_swap, NULL, NULL);
  g_autoptr (DsRdd) numbers = ds_rdd_keys (swapped);
  g_autoptr (DsRdd) distinct = ds_rdd_distinct (numbers);
  g_autoptr (DsRdd) spread = ds_rdd_repartition (distinct, 2);

  return ds_rdd_union (spread, counts);
}

static const struct
{
  const char *name;
  Plan plan;
} plans[] = { { "lines", plan_lines },   { "words", plan_words },
              { "counts", plan_counts }, { "strings-by-digit", plan_strings_by_digit },
              { "groups", plan_groups }, { "counts-of-counts", plan_counts_of_counts } };

static char *
write_text (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  char *path = NULL;
  int fd = g_file_open_tmp ("ds-masters-XXXXXX", &path, NULL);

  g_assert_cmpint (fd, >=, 0);
  g_assert_true (g_close (fd, NULL));
  for (guint i = 0; i < 30000; i++)
    g_string_append_printf (text, "w%u the %s\n", i * 7919 % 3001,
                            i % 3 == 0 ? "a-word-that-is-longer-than-a-slot" : "x");
  g_assert_true (g_file_set_contents (path, text->str, (gssize) text->len, NULL));
  return path;
}

static GBytes *
collect_bytes (Plan plan, const char *master, const char *path)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);
  g_autoptr (GError) error = NULL;
  g_autoptr (DsRdd) rdd = NULL;
  g_autoptr (DsBlock) block = NULL;

  /* What a plan leaves open is part of the plan, too. */
  g_object_set (context, "default-parallelism", 3, NULL);
  rdd = plan (context, path);
  block = ds_rdd_collect (rdd, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ds_block_get_length (block), >, 0);
  if (g_str_has_prefix (master, "loopback"))
    g_assert_cmpuint (ds_backend_get_n_bytes_moved (ds_context_get_backend (context)), >,
                      0);
  return ds_block_to_msgpack (block);
}

static void
test_masters_agree (gconstpointer data)
{
  static const char *const masters[] = { "local[2]", "local[4]", "loopback[2]",
                                         "loopback[3]" };
  Plan plan = NULL;
  g_autofree char *path = write_text ();
  g_autoptr (GBytes) expected = NULL;

  g_test_summary ("One, two and four workers and places give the same bytes, each time");

  for (guint i = 0; i < G_N_ELEMENTS (plans); i++)
    if (strcmp (plans[i].name, data) == 0)
      plan = plans[i].plan;
  expected = collect_bytes (plan, "local[1]", path);
  for (guint i = 0; i < G_N_ELEMENTS (masters); i++)
    for (guint j = 0; j < 3; j++)
      {
        g_autoptr (GBytes) found = collect_bytes (plan, masters[i], path);

        g_assert_true (g_bytes_equal (found, expected));
      }
  g_assert_cmpint (g_remove (path), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (plans); i++)
    {
      g_autofree char *path = g_strdup_printf ("/rdd/masters/agree-on-%s", plans[i].name);

      g_test_add_data_func (path, plans[i].name, test_masters_agree);
    }
  return g_test_run ();
}
