/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a scan did not list is gone, unless it could not look: so it matters which
 * directory a file was in.  One that cannot be listed (a door that is closed, a disk that
 * is away) says something about what lies below it and about nothing else: beside
 * "lost+found", which is never opened, everything else is forgotten in time. */

#include "receivers/ds-listed-directories-private.h"

#include <string.h>

struct _DsListedDirectories
{
  GPtrArray *paths;    /* by number; owned */
  GHashTable *numbers; /* path, of @paths, to number + 1 */
  gsize n_bytes;       /* of the paths */

  /* Of this scan. */
  GHashTable *left_out; /* paths, without "/" at the end */
  gboolean is_all_left_out;
};

DsListedDirectories *
ds_listed_directories_new (void)
{
  DsListedDirectories *self = g_new0 (DsListedDirectories, 1);

  self->paths = g_ptr_array_new_with_free_func (g_free);
  self->numbers = g_hash_table_new (g_str_hash, g_str_equal);
  self->left_out = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

void
ds_listed_directories_free (DsListedDirectories *self)
{
  g_hash_table_unref (self->left_out);
  g_hash_table_unref (self->numbers);
  g_ptr_array_unref (self->paths);
  g_free (self);
}

guint32
ds_listed_directories_add (DsListedDirectories *self, const char *path)
{
  guint number = GPOINTER_TO_UINT (g_hash_table_lookup (self->numbers, path));
  char *copy;

  if (number != 0)
    return number - 1;
  copy = g_strdup (path);
  g_ptr_array_add (self->paths, copy);
  g_hash_table_insert (self->numbers, copy, GUINT_TO_POINTER (self->paths->len));
  self->n_bytes += strlen (path) + 1;
  return self->paths->len - 1;
}

const char *
ds_listed_directories_get_path (DsListedDirectories *self, guint32 number)
{
  return self->paths->pdata[number];
}

guint
ds_listed_directories_get_length (DsListedDirectories *self)
{
  return self->paths->len;
}

gsize
ds_listed_directories_get_n_bytes (DsListedDirectories *self)
{
  return self->n_bytes + self->paths->len * sizeof (gpointer);
}

/* ---- A scan ---- */

void
ds_listed_directories_begin_scan (DsListedDirectories *self)
{
  g_hash_table_remove_all (self->left_out);
  self->is_all_left_out = FALSE;
}

static void
ds_listed_directories_strip (char *path)
{
  gsize length = strlen (path);

  while (length > 0 && path[length - 1] == '/')
    path[--length] = '\0';
}

void
ds_listed_directories_leave_out (DsListedDirectories *self, const char *path)
{
  char *copy = g_strdup (path);

  if (copy == NULL)
    {
      self->is_all_left_out = TRUE;
      return;
    }
  ds_listed_directories_strip (copy);
  g_hash_table_add (self->left_out, copy);
}

gboolean
ds_listed_directories_is_left_out (DsListedDirectories *self, guint32 number)
{
  g_autofree char *path = NULL;
  char *end;

  if (self->is_all_left_out)
    return TRUE;
  if (g_hash_table_size (self->left_out) == 0)
    return FALSE;
  if (number == DS_LISTED_DIRECTORY_ANY)
    return TRUE;

  /* It, and all that it lies in. */
  path = g_strdup (ds_listed_directories_get_path (self, number));
  ds_listed_directories_strip (path);
  while (!g_hash_table_contains (self->left_out, path))
    {
      end = strrchr (path, '/');
      if (end == NULL)
        return FALSE;
      *end = '\0';
      ds_listed_directories_strip (path);
    }
  return TRUE;
}

guint32 *
ds_listed_directories_keep (DsListedDirectories *self, const gboolean *is_used)
{
  g_autoptr (GPtrArray) old = g_steal_pointer (&self->paths);
  guint32 *numbers = g_new (guint32, MAX (old->len, 1));

  g_hash_table_remove_all (self->numbers);
  self->paths = g_ptr_array_new_with_free_func (g_free);
  self->n_bytes = 0;
  for (guint i = 0; i < old->len; i++)
    numbers[i] = is_used[i] ? ds_listed_directories_add (self, old->pdata[i])
                            : DS_LISTED_DIRECTORY_ANY;
  return numbers;
}
