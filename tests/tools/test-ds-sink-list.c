/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ds-sink-list as its users see it.  $DS_SINK_LIST names the program. */

#include "base/ds-manifest-chain-private.h"
#include "tests/base/ds-test-tree.h"

#include <gio/gio.h>

static const guint8 application[DS_APPLICATION_ID_BYTES] = "application-----";

typedef struct
{
  char *directory;
} Fixture;

/* Batch 1000 has two parts, batch 2000 none, batch 3000 is a file. */
static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *manifests = NULL;
  g_autoptr (DsManifestChain) chain = NULL;
  DsManifest *manifest;

  fixture->directory = ds_test_tree_new ();
  manifests = g_build_filename (fixture->directory, "_ds-out", NULL);
  chain = ds_manifest_chain_open (manifests, NULL);
  g_assert_nonnull (chain);
  for (guint k = 1; k <= 3; k++)
    {
      manifest = ds_manifest_new (application, "output", k * 1000);
      if (k == 1)
        {
          ds_manifest_add_file (manifest, "out-1000/part-00000", 2,
                                ds_manifest_hash ((const guint8 *) "a\n", 2));
          ds_manifest_add_file (manifest, "out-1000/part-00001", 0,
                                ds_manifest_hash ((const guint8 *) "", 0));
        }
      if (k == 3)
        ds_manifest_add_file (manifest, "out-3000", 3,
                              ds_manifest_hash ((const guint8 *) "bc\n", 3));
      g_assert_true (ds_manifest_chain_append (chain, manifest, NULL));
    }
  ds_test_write (fixture->directory, "out-1000/part-00000", "a\n");
  ds_test_write (fixture->directory, "out-1000/part-00001", "");
  ds_test_write (fixture->directory, "out-3000", "bc\n");
  ds_test_write (fixture->directory, "out-4000", "not committed");
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  ds_test_tree_free (fixture->directory);
}

/* In the directory; returns the exit status. */
static int
list (Fixture *fixture,
      const char *first,
      const char *second,
      GBytes **output,
      char **complaints)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GBytes) told = NULL;
  g_autoptr (GError) error = NULL;

  g_subprocess_launcher_set_cwd (launcher, fixture->directory);
  process = g_subprocess_launcher_spawn (launcher, &error, g_getenv ("DS_SINK_LIST"),
                                         first, second, NULL);
  g_assert_no_error (error);
  g_subprocess_communicate (process, NULL, NULL, output, &told, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_if_exited (process));
  *complaints = g_bytes_get_size (told) > 0
                    ? g_strndup (g_bytes_get_data (told, NULL), g_bytes_get_size (told))
                    : g_strdup ("");
  return g_subprocess_get_exit_status (process);
}

static void
assert_lists (Fixture *fixture,
              const char *first,
              const char *second,
              const char *expected,
              gsize n_expected)
{
  g_autoptr (GBytes) output = NULL;
  g_autofree char *complaints = NULL;

  g_assert_cmpint (list (fixture, first, second, &output, &complaints), ==, 0);
  g_assert_cmpmem (g_bytes_get_data (output, NULL), (int) g_bytes_get_size (output),
                   expected, (int) n_expected);
  g_assert_cmpstr (complaints, ==, "");
}

static void
assert_fails (Fixture *fixture,
              const char *first,
              const char *second,
              int status,
              const char *complaint)
{
  g_autoptr (GBytes) output = NULL;
  g_autofree char *complaints = NULL;

  g_assert_cmpint (list (fixture, first, second, &output, &complaints), ==, status);
  g_assert_nonnull (strstr (complaints, complaint));
}

static void
test_lists_what_is_committed (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *expected =
      g_strdup_printf ("1000\t2\t%016" G_GINT64_MODIFIER "x\tout-1000/part-00000\n"
                       /* XXH3-64 of nothing, as its authors give it. */
                       "1000\t0\t2d06800538d394c2\tout-1000/part-00001\n"
                       "3000\t3\t%016" G_GINT64_MODIFIER "x\tout-3000\n",
                       ds_manifest_hash ((const guint8 *) "a\n", 2),
                       ds_manifest_hash ((const guint8 *) "bc\n", 3));

  g_test_summary (
      "Time, bytes, hash and path of each file, and none that is not committed");

  assert_lists (fixture, "out", NULL, expected, strlen (expected));
}

static void
test_paths_for_programs (Fixture *fixture, gconstpointer user_data)
{
  static const char expected[] = "out-1000/part-00000\0out-1000/part-00001\0out-3000";

  g_test_summary ("--null gives paths with a NUL behind each");

  assert_lists (fixture, "--null", "out", expected, sizeof expected);
}

static void
test_verify (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("--verify tells files that are changed or missing");

  assert_fails (fixture, "--verify", "out", 0,
                "3 batches, 3 files, 5 bytes; 0 files are not");
  ds_test_write (fixture->directory, "out-1000/part-00000", "b\n");
  assert_fails (fixture, "--verify", "out", 1, "\"out-1000/part-00000\" was changed");
  ds_test_write (fixture->directory, "out-1000/part-00000", "a\n");
  {
    g_autofree char *path = g_build_filename (fixture->directory, "out-3000", NULL);

    g_assert_cmpint (g_unlink (path), ==, 0);
  }
  assert_fails (fixture, "--verify", "out", 1, "\"out-3000\"");
  assert_fails (fixture, "--verify", "out", 1, "1 files are not");
}

static void
test_damage (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *path = g_build_filename (fixture->directory, "_ds-out",
                                            "manifest-00000000000000002000", NULL);

  g_test_summary ("A damaged or missing manifest fails, and is named");

  assert_fails (fixture, "other", NULL, 1, "_ds-other");
  ds_test_write (fixture->directory, "_ds-out/manifest-00000000000000002000", "x");
  assert_fails (fixture, "out", NULL, 1, "manifest-00000000000000002000");
  g_assert_cmpint (g_unlink (path), ==, 0);
  assert_fails (fixture, "out", NULL, 1, "manifest-00000000000000003000");
}

static void
test_arguments (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("One prefix and known options");

  assert_fails (fixture, "one", "two", 2, "give one PREFIX");
  assert_fails (fixture, "--no-such-option", "out", 2, "no-such-option");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) \
  g_test_add ("/tools/ds-sink-list/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("lists-what-is-committed", test_lists_what_is_committed);
  ADD ("paths-for-programs", test_paths_for_programs);
  ADD ("verify", test_verify);
  ADD ("damage", test_damage);
  ADD ("arguments", test_arguments);
#undef ADD
  return g_test_run ();
}
