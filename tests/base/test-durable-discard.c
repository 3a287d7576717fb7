/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Fresh starts that were asked for: nothing is deleted, and no interruption leaves what
 * looks like one. */

#include "base/ds-durable-file-private.h"
#include "tests/base/ds-test-durable-private.h"

#include <errno.h>

typedef DsTestDurable Fixture;

static const char *const names[] = { "ckpt-00000000000000001000",
                                     "ckpt-00000000000000002000", "wal-0000000000000001",
                                     "wal-0000000000000002" };

static int
fail_at (const char *call, const char *path, gsize *n_bytes, gpointer user_data)
{
  guint *n_left = user_data;

  if (g_str_equal (call, "pread"))
    return 0;
  return *n_left == 0 || --*n_left == 0 ? EIO : 0;
}

static void
test_discard (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A fresh start keeps the old files, and no interruption looks fresh");

  for (guint n_calls = 1;; n_calls++)
    {
      DsDurableDirectory *directory = ds_test_durable_open (fixture);
      g_autofree char *old =
          g_strdup (ds_durable_directory_get_application_name (directory));
      g_autofree char *aside = g_strdup_printf ("discarded-%s", old);
      guint n_left = n_calls;
      gboolean is_done;

      for (guint i = 0; i < G_N_ELEMENTS (names); i++)
        ds_test_durable_write (fixture, names[i], names[i], strlen (names[i]));
      ds_durable_file_set_fault_func (fail_at, &n_left);
      is_done = ds_durable_directory_discard (directory, NULL);
      ds_durable_file_set_fault_func (NULL, NULL);
      ds_durable_directory_close (directory);

      directory = ds_test_durable_open (fixture);
      if (!is_done && ds_durable_directory_is_fresh (directory))
        {
          /* Everything was moved; only the new app may have been left to do. */
          g_assert_false (ds_test_durable_has (fixture, names[0]));
          g_assert_false (ds_test_durable_has (fixture, names[3]));
        }
      /* A checkpoint without all of the log would be used. */
      for (guint i = 0; i < 2; i++)
        if (ds_test_durable_has (fixture, names[i]))
          g_assert_true (ds_test_durable_has (fixture, names[2]) &&
                         ds_test_durable_has (fixture, names[3]));
      if (!is_done)
        {
          g_assert_true (ds_durable_directory_discard (directory, NULL));
          g_assert_true (ds_durable_directory_is_fresh (directory));
        }
      g_assert_cmpstr (ds_durable_directory_get_application_name (directory), !=, old);
      for (guint i = 0; i < G_N_ELEMENTS (names); i++)
        {
          g_autofree char *moved = g_build_filename (aside, names[i], NULL);
          gsize n_bytes;
          g_autofree char *bytes = ds_test_durable_read (fixture, moved, &n_bytes);

          ds_test_assert_bytes (bytes, n_bytes, names[i], strlen (names[i]));
          g_assert_false (ds_test_durable_has (fixture, names[i]));
        }
      ds_durable_directory_close (directory);
      ds_test_remove_tree (fixture->path);
      if (is_done)
        {
          g_assert_cmpuint (n_calls, >, 10);
          break;
        }
    }
}

/* Whether @name is in one of the directories of what was put aside. */
static gboolean
has_aside (Fixture *fixture, const char *name)
{
  g_autofree char *first = g_build_filename ("discarded-unknown", name, NULL);
  gboolean has = ds_test_durable_has (fixture, first);

  for (guint i = 2; i < 5; i++)
    {
      g_autofree char *next = g_strdup_printf ("discarded-unknown.%u/%s", i, name);

      has = has || ds_test_durable_has (fixture, next);
    }
  return has;
}

static void
test_what_is_nobodys_is_put_aside (Fixture *fixture, gconstpointer user_data)
{
  const char *words[] = { "\"", "app\"", "ds_streaming_context_allow_fresh_start ()",
                          NULL };

  g_test_summary ("Where app is damaged or missing: when asked, and as whole as others");

  for (guint n_calls = 1;; n_calls++)
    {
      gboolean is_missing = n_calls % 2 == 0;
      g_autofree char *app = NULL;
      g_autoptr (GError) error = NULL;
      DsDurableDirectory *directory;
      guint n_left = n_calls;
      gboolean is_done;

      ds_durable_directory_close (ds_test_durable_open (fixture));
      for (guint i = 0; i < G_N_ELEMENTS (names); i++)
        ds_test_durable_write (fixture, names[i], names[i], strlen (names[i]));
      app = g_build_filename (fixture->path, "app", NULL);
      g_assert_cmpint (g_remove (app), ==, 0);
      if (!is_missing)
        ds_test_durable_write (fixture, "app", "no such thing", 13);
      g_assert_null (ds_durable_directory_open (fixture->path, 0, &error));
      ds_test_assert_told (error, DS_ERROR_CORRUPT, words);

      ds_durable_file_set_fault_func (fail_at, &n_left);
      directory = ds_durable_directory_open (fixture->path,
                                             DS_DURABLE_DIRECTORY_BEGIN_ANEW, NULL);
      ds_durable_file_set_fault_func (NULL, NULL);
      is_done = directory != NULL;
      if (!is_done)
        {
          g_assert_true (has_aside (fixture, names[0]) ||
                         ds_test_durable_has (fixture, names[0]));
          directory = ds_durable_directory_open (fixture->path,
                                                 DS_DURABLE_DIRECTORY_BEGIN_ANEW, NULL);
        }
      g_assert_nonnull (directory);
      g_assert_true (ds_durable_directory_is_fresh (directory));
      ds_durable_directory_close (directory);
      for (guint i = 0; i < G_N_ELEMENTS (names); i++)
        g_assert_true (has_aside (fixture, names[i]));
      g_assert_true (is_missing || has_aside (fixture, "app"));

      /* It is an application's again. */
      directory = ds_test_durable_open (fixture);
      g_assert_true (ds_durable_directory_is_fresh (directory));
      ds_durable_directory_close (directory);
      ds_test_remove_tree (fixture->path);
      if (is_done)
        {
          g_assert_cmpuint (n_calls, >, 20);
          break;
        }
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                             \
  g_test_add ("/base/durable-discard/" name, Fixture, NULL, ds_test_durable_set_up, \
              func, ds_test_durable_tear_down)
  ADD ("keeps-the-old-files", test_discard);
  ADD ("what-is-nobodys-is-put-aside", test_what_is_nobodys_is_put_aside);
#undef ADD
  return g_test_run ();
}
