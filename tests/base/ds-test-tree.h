/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A directory of a test: removed with all that is in it, listed with what is in the
 * files. */

#include "tests/base/ds-test-remove.h"

#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static inline char *
ds_test_tree_new (void)
{
  g_autoptr (GError) error = NULL;
  char *path = g_dir_make_tmp ("ds-test-XXXXXX", &error);

  g_assert_no_error (error);
  return path;
}

static inline void
ds_test_tree_free (char *path)
{
  ds_test_remove_tree (path);
  g_free (path);
}

static inline gint
ds_test_compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Names in a directory, sorted; NULL-terminated. */
static inline char **
ds_test_list_names (const char *path)
{
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  const char *name;

  g_assert_nonnull (directory);
  while ((name = g_dir_read_name (directory)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, ds_test_compare_names);
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

/* All below a directory but what is in folders whose name begins with @hidden: a line
 * each, "path<content>". */
static inline void
ds_test_describe_into (GString *text,
                       const char *path,
                       const char *shown,
                       const char *hidden)
{
  g_auto (GStrv) names = ds_test_list_names (path);

  for (char **name = names; *name != NULL; name++)
    {
      g_autofree char *child = g_build_filename (path, *name, NULL);
      g_autofree char *below = g_strdup_printf ("%s%s", shown, *name);

      if (hidden != NULL && g_str_has_prefix (*name, hidden))
        continue;
      if (g_file_test (child, G_FILE_TEST_IS_DIR))
        {
          g_autofree char *slashed = g_strconcat (below, "/", NULL);

          ds_test_describe_into (text, child, slashed, hidden);
        }
      else
        {
          g_autofree char *content = NULL;

          g_assert_true (g_file_get_contents (child, &content, NULL, NULL));
          g_string_append_printf (text, "%s<%s>\n", below, content);
        }
    }
}

static inline char *
ds_test_describe_tree (const char *path, const char *hidden)
{
  GString *text = g_string_new (NULL);

  ds_test_describe_into (text, path, "", hidden);
  return g_string_free (text, FALSE);
}

static inline void
ds_test_write (const char *directory, const char *name, const char *content)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (parent, 0777), ==, 0);
  g_assert_true (g_file_set_contents (path, content, -1, NULL));
}

#define ds_test_assert_tree(path, hidden, expected)                     \
  G_STMT_START                                                          \
  {                                                                     \
    g_autofree char *described_ = ds_test_describe_tree (path, hidden); \
    g_assert_cmpstr (described_, ==, expected);                         \
  }                                                                     \
  G_STMT_END
