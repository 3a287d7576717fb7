/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a reader could see once never changes later.  A power cut may take back a name
 * that was not synced yet, and then the same comes again: in the end it is there. */

#include "tests/simulation/ds-sim-private.h"

struct _DsSimSeen
{
  GHashTable *texts; /* path below the directory -> content */
};

DsSimSeen *
ds_sim_seen_new (void)
{
  DsSimSeen *self = g_new0 (DsSimSeen, 1);

  self->texts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
ds_sim_seen_free (DsSimSeen *self)
{
  g_hash_table_unref (self->texts);
  g_free (self);
}

/* All but names that begin with a dot or an underscore, as a glob would. */
static void
look_into (const char *directory, const char *shown, GHashTable *found)
{
  GDir *names = g_dir_open (directory, 0, NULL);
  const char *name;

  while (names != NULL && (name = g_dir_read_name (names)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory, name, NULL);
      g_autofree char *key = g_strconcat (shown, "/", name, NULL);
      char *text = NULL;

      if (*name == '.' || *name == '_')
        continue;
      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        look_into (path, key, found);
      else if (g_file_get_contents (path, &text, NULL, NULL))
        g_hash_table_insert (found, g_steal_pointer (&key), text);
    }
  if (names != NULL)
    g_dir_close (names);
}

char *
ds_sim_seen_look (DsSimSeen *self, const char *directory, gboolean is_end)
{
  g_autoptr (GHashTable) found =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GHashTableIter iter;
  gpointer path, text;

  look_into (directory, "", found);
  g_hash_table_iter_init (&iter, self->texts);
  while (g_hash_table_iter_next (&iter, &path, &text))
    {
      const char *now = g_hash_table_lookup (found, path);

      if (now != NULL ? !g_str_equal (text, now) : is_end)
        return g_strdup_printf ("a reader has seen \"%s\" in %s, and now sees \"%s\"",
                                (char *) text, (char *) path,
                                now != NULL ? now : "nothing");
    }
  g_hash_table_iter_init (&iter, found);
  while (g_hash_table_iter_next (&iter, &path, &text))
    if (!g_hash_table_contains (self->texts, path))
      g_hash_table_insert (self->texts, g_strdup (path), g_strdup (text));
  return NULL;
}
