/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The lineage of an RDD as text, laid out as Spark's toDebugString does: one line a node,
 * a new branch "+-(n)" with the partition count wherever a shuffle or a second parent
 * begins one. */

#include "rdd/ds-rdd-private.h"

static void ds_rdd_append_parents (DsRdd *self, const char *prefix, GString *text);

static void
ds_rdd_append_self (DsRdd *self, GString *text)
{
  g_string_append_printf (text, "%s[%" G_GUINT64_FORMAT "]\n",
                          ds_rdd_get_operator_name (self), ds_rdd_get_id (self));
}

/* What stands below "(12)" until the branch ends: a bar under its middle. */
static void
ds_rdd_append_bar (GString *prefix, gsize width)
{
  g_string_append_printf (prefix, "%*s|%*s", (int) ((width - 1) / 2), "",
                          (int) (width - (width - 1) / 2), "");
}

static void
ds_rdd_append_branch (DsRdd *self, const char *prefix, gboolean is_last, GString *text)
{
  g_autofree char *count = g_strdup_printf ("(%u)", ds_rdd_get_n_partitions (self));
  g_autoptr (GString) below = g_string_new (prefix);
  gsize length = strlen (prefix);

  /* The branch starts where the bar above it ends. */
  while (length > 0 && prefix[length - 1] == ' ')
    length--;
  if (length > 0 && length < strlen (prefix) && prefix[length - 1] == '|')
    g_string_truncate (below, length - 1);

  g_string_append_printf (text, "%s+-%s ", below->str, count);
  ds_rdd_append_self (self, text);
  g_string_append (below, is_last ? "  " : "| ");
  ds_rdd_append_bar (below, strlen (count));
  ds_rdd_append_parents (self, below->str, text);
}

static void
ds_rdd_append_parents (DsRdd *self, const char *prefix, GString *text)
{
  guint n_dependencies;
  const DsDependency *dependencies = ds_rdd_get_dependencies (self, &n_dependencies);

  for (guint i = 0; i < n_dependencies; i++)
    {
      DsRdd *parent = dependencies[i].parent;

      if (dependencies[i].shuffle != NULL)
        {
          ds_rdd_append_branch (parent, prefix, i + 1 == n_dependencies, text);
          continue;
        }
      g_string_append (text, prefix);
      ds_rdd_append_self (parent, text);
      ds_rdd_append_parents (parent, prefix, text);
    }
}

/**
 * ds_rdd_to_debug_string:
 * @self: an RDD
 *
 * The lineage, in Spark's layout: `(2) reduce_by_key[3]`, below it ` +-(4) flat_map[1]`
 * for what lies behind a shuffle and `    |  text_file[0]` for what is computed in the
 * same stage.
 *
 * Returns: (transfer full): a line for each node, each ended by a line feed
 */
char *
ds_rdd_to_debug_string (DsRdd *self)
{
  g_autofree char *count = NULL;
  g_autoptr (GString) prefix = g_string_new (NULL);
  GString *text;

  g_return_val_if_fail (DS_IS_RDD (self), NULL);

  text = g_string_new (NULL);
  count = g_strdup_printf ("(%u)", ds_rdd_get_n_partitions (self));
  g_string_append_printf (text, "%s ", count);
  ds_rdd_append_self (self, text);
  ds_rdd_append_bar (prefix, strlen (count));
  ds_rdd_append_parents (self, prefix->str, text);
  return g_string_free (text, FALSE);
}
