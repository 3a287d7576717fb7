/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Comparing runs with the model, as lists where the order is defined and as multisets
 * where it is not, and with each other, where it always is: the same plan gives the same
 * bytes on any number of threads, whatever failed on the way. */

#include "tests/property/ds-property-private.h"

#include <string.h>

static char *
ds_property_join_lines (GPtrArray *lines)
{
  GString *text = g_string_new (NULL);

  if (lines == NULL)
    return g_string_free (g_string_append (text, "no RDD"), FALSE);
  g_string_append_c (text, '[');
  for (guint i = 0; i < lines->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? " " : "",
                            (const char *) g_ptr_array_index (lines, i));
  return g_string_free (g_string_append_c (text, ']'), FALSE);
}

static int
ds_property_compare_lines (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static gpointer
ds_property_dup_line (gconstpointer line, gpointer unused)
{
  return g_strdup (line);
}

static GPtrArray *
ds_property_dup_sorted (GPtrArray *lines)
{
  GPtrArray *sorted = g_ptr_array_copy (lines, ds_property_dup_line, NULL);

  g_ptr_array_set_free_func (sorted, g_free);
  g_ptr_array_sort (sorted, ds_property_compare_lines);
  return sorted;
}

static gboolean
ds_property_lines_are_equal (GPtrArray *a, GPtrArray *b)
{
  if (a == NULL || b == NULL || a->len != b->len)
    return a == b;
  for (guint i = 0; i < a->len; i++)
    if (!g_str_equal (g_ptr_array_index (a, i), g_ptr_array_index (b, i)))
      return FALSE;
  return TRUE;
}

static GPtrArray *
ds_property_print_list (GArray *list)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < list->len; i++)
    {
      GString *text = g_string_new (NULL);

      ds_property_print (text, DS_PROPERTY_AT (list, i));
      g_ptr_array_add (lines, g_string_free (text, FALSE));
    }
  return lines;
}

/* The lines that run gave for @node in @batch, from 0. */
static GPtrArray *
ds_property_get_lines (DsPropertyRun *run, guint id, guint batch)
{
  return g_ptr_array_index ((GPtrArray *) g_ptr_array_index (run->lists, id), batch);
}

static char *
ds_property_report (DsPropertyNode *node,
                    guint batch,
                    const char *what,
                    GPtrArray *expected,
                    GPtrArray *found)
{
  g_autofree char *expected_text = ds_property_join_lines (expected);
  g_autofree char *found_text = ds_property_join_lines (found);

  return g_strdup_printf ("s%u, batch %u: %s\n  %s, found\n  %s", node->id, batch + 1,
                          what, expected_text, found_text);
}

/* @list (nullable): what the model gives; @found (nullable). */
static char *
ds_property_compare_list (DsPropertyNode *node,
                          guint batch,
                          GArray *list,
                          GPtrArray *found)
{
  g_autoptr (GPtrArray) expected = list != NULL ? ds_property_print_list (list) : NULL;
  g_autoptr (GPtrArray) sorted_expected = NULL;
  g_autoptr (GPtrArray) sorted_found = NULL;

  if (ds_property_lines_are_equal (expected, found))
    return NULL;
  if (node->is_ordered || expected == NULL || found == NULL)
    return ds_property_report (node, batch, "the model gives", expected, found);
  sorted_expected = ds_property_dup_sorted (expected);
  sorted_found = ds_property_dup_sorted (found);
  if (ds_property_lines_are_equal (sorted_expected, sorted_found))
    return NULL;
  return ds_property_report (node, batch, "the model gives, in any order,",
                             sorted_expected, sorted_found);
}

char *
ds_property_compare_with_model (DsPropertyNode *node, DsPropertyRun *run, guint *batch)
{
  for (*batch = 0; *batch < node->graph->n_batches; (*batch)++)
    {
      GArray *list = g_ptr_array_index (node->results, *batch);
      char *difference =
          ds_property_compare_list (node, *batch, list,
                                    ds_property_get_lines (run, node->id, *batch));

      if (difference != NULL)
        return difference;
    }
  return NULL;
}

/* Both ends rounded down to the slide, both included; the zero time has no RDD. */
char *
ds_property_compare_slice_with_model (DsPropertyGraph *graph, DsPropertyRun *run)
{
  DsPropertyNode *node = ds_property_graph_get (graph, graph->slice);
  guint from = graph->slice_from / node->slide * node->slide;
  guint n_found = 0;

  if (run->slice == NULL)
    return NULL;
  for (guint batch = MAX (from, 1); batch <= graph->slice_to; batch++)
    {
      GArray *list = g_ptr_array_index (node->results, batch - 1);
      g_autofree char *difference = NULL;

      if (list == NULL)
        continue;
      difference = ds_property_compare_list (node, batch - 1, list,
                                             n_found < run->slice->len
                                                 ? g_ptr_array_index (run->slice, n_found)
                                                 : NULL);
      n_found++;
      if (difference != NULL)
        return g_strdup_printf ("slice of batches %u to %u: %s", graph->slice_from,
                                graph->slice_to, difference);
    }
  return n_found == run->slice->len
             ? NULL
             : g_strdup_printf ("slice of s%u: %u RDDs, found %u", node->id, n_found,
                                run->slice->len);
}

char *
ds_property_compare_runs (DsPropertyNode *node,
                          DsPropertyRun *first,
                          DsPropertyRun *second,
                          guint *batch)
{
  for (*batch = 0; *batch < node->graph->n_batches; (*batch)++)
    {
      GPtrArray *expected = ds_property_get_lines (first, node->id, *batch);
      GPtrArray *found = ds_property_get_lines (second, node->id, *batch);

      if (!ds_property_lines_are_equal (expected, found))
        return ds_property_report (node, *batch, "the first engine gave", expected,
                                   found);
    }
  return NULL;
}
