/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Manifests in a directory: in order, none missing, put together now and then, and what a
 * crash at any point of that leaves. */

#include "base/ds-durable-file-private.h"
#include "base/ds-error.h"
#include "base/ds-manifest-chain-private.h"
#include "tests/base/ds-test-tree.h"

#include <errno.h>
#include <stdio.h>

/* What becomes of a power cut is not asked here, and a disk takes its time. */
int
fsync (int fd)
{
  return 0;
}

static const guint8 application[DS_APPLICATION_ID_BYTES] = "application-----";

typedef struct
{
  char *parent;
  char *directory;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  fixture->parent = ds_test_tree_new ();
  fixture->directory = g_build_filename (fixture->parent, "a", "_ds-out", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  ds_test_tree_free (fixture->parent);
  g_free (fixture->directory);
}

static DsManifestChain *
open_chain (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  DsManifestChain *chain = ds_manifest_chain_open (fixture->directory, &error);

  g_assert_no_error (error);
  return chain;
}

/* Batch k, at k seconds, has k files. */
static void
append (DsManifestChain *chain, guint k)
{
  g_autoptr (GError) error = NULL;
  DsManifest *manifest = ds_manifest_new (application, "out", k * 1000);

  for (guint i = 0; i < k % 5; i++)
    {
      g_autofree char *name = g_strdup_printf ("out-%u000/part-%05u", k, i);

      ds_manifest_add_file (manifest, name, k, k + i);
    }
  g_assert_true (ds_manifest_chain_append (chain, manifest, &error));
  g_assert_no_error (error);
}

static void
fill (Fixture *fixture, guint from, guint to)
{
  g_autoptr (DsManifestChain) chain = open_chain (fixture);

  for (guint k = from; k <= to; k++)
    append (chain, k);
}

static gboolean
check_one (const DsManifest *manifest, gpointer next, GError **error)
{
  guint *k = next;

  g_assert_cmpint (manifest->batch_ms, ==, *k * 1000);
  g_assert_cmpuint (manifest->files->len, ==, *k % 5);
  (*k)++;
  return TRUE;
}

static void
assert_has (DsManifestChain *chain, guint n_batches)
{
  g_autoptr (DsManifest) beyond = NULL;
  g_autoptr (GError) error = NULL;
  guint next = 1;

  g_assert_cmpuint (ds_manifest_chain_get_length (chain), ==, n_batches);
  ds_manifest_chain_foreach (chain, check_one, &next, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (next, ==, n_batches + 1);
  for (guint k = 1; k <= n_batches; k++)
    {
      g_autoptr (DsManifest) found = NULL;

      g_assert_true (ds_manifest_chain_find (chain, k * 1000, &found, &error));
      g_assert_nonnull (found);
      g_assert_cmpint (found->batch_ms, ==, k * 1000);
    }
  g_assert_true (ds_manifest_chain_find (chain, (n_batches + 1) * 1000, &beyond, &error));
  g_assert_null (beyond);
}

static guint
count_names (Fixture *fixture, const char *prefix)
{
  g_auto (GStrv) names = ds_test_list_names (fixture->directory);
  guint n = 0;

  for (char **name = names; *name != NULL; name++)
    n += g_str_has_prefix (*name, prefix);
  return n;
}

static void
test_append_and_find (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("What was appended is there, also after it was opened again");

  {
    g_autoptr (DsManifestChain) chain = open_chain (fixture);

    g_assert_null (ds_manifest_chain_get_newest (chain));
    g_assert_cmpint (ds_manifest_chain_get_highest (chain), ==, G_MININT64);
    assert_has (chain, 0);
    append (chain, 1);
    append (chain, 2);
    append (chain, 3);
    assert_has (chain, 3);
  }
  {
    g_autoptr (DsManifestChain) chain = open_chain (fixture);

    assert_has (chain, 3);
    g_assert_cmpint (ds_manifest_chain_get_newest (chain)->batch_ms, ==, 3000);
    append (chain, 4);
    assert_has (chain, 4);
  }
  g_assert_cmpuint (count_names (fixture, "manifest-0000000000000000"), ==, 4);
}

static void
test_batches_may_come_late (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (DsManifestChain) chain = open_chain (fixture);
  g_autoptr (DsManifest) found = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (DsManifestChain) reader = NULL;

  g_test_summary ("The order is that of the commits: a batch that failed comes later");

  append (chain, 5);
  append (chain, 3);
  reader = ds_manifest_chain_open_to_read (fixture->directory, &error);
  g_assert_no_error (error);
  g_assert_cmpint (ds_manifest_chain_get_newest (reader)->batch_ms, ==, 3000);
  g_assert_cmpint (ds_manifest_chain_get_highest (reader), ==, 5000);
  g_assert_true (ds_manifest_chain_find (reader, 5000, &found, &error));
  g_assert_nonnull (found);
}

static void
test_a_batch_is_committed_once (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (DsManifestChain) chain = open_chain (fixture);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A second manifest of a batch, and one before 1970, are errors");

  append (chain, 1);
  g_assert_false (ds_manifest_chain_append (chain,
                                            ds_manifest_new (application, "out", 1000),
                                            &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_IO);
  g_clear_error (&error);
  g_assert_false (
      ds_manifest_chain_append (chain, ds_manifest_new (application, "out", -1), &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT);
  assert_has (chain, 1);
}

static void
test_hundred_become_one (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("At 100 the single files go; at 99 and 101 they are as they should be");

  fill (fixture, 1, 99);
  g_assert_cmpuint (count_names (fixture, "manifest-"), ==, 99);
  g_assert_cmpuint (count_names (fixture, "compact-"), ==, 0);
  fill (fixture, 100, 100);
  g_assert_cmpuint (count_names (fixture, "manifest-"), ==, 0);
  g_assert_cmpuint (count_names (fixture, "compact-00000000000000100000"), ==, 1);
  fill (fixture, 101, 101);
  g_assert_cmpuint (count_names (fixture, "manifest-"), ==, 1);
  {
    g_autoptr (DsManifestChain) chain = open_chain (fixture);

    assert_has (chain, 101);
  }
}

static void
test_few_files_for_many_batches (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("350 batches are two compacted files and 50 single ones");

  fill (fixture, 1, 350);
  g_assert_cmpuint (count_names (fixture, "compact-"), ==, 2);
  g_assert_cmpuint (count_names (fixture, "manifest-"), ==, 50);
  {
    g_autoptr (DsManifestChain) chain = open_chain (fixture);

    assert_has (chain, 350);
  }
}

/* ---- What is damaged ---- */

static void
assert_open_fails (Fixture *fixture, DsError code, const char *text)
{
  guint n_names = count_names (fixture, "");
  g_autoptr (GError) error = NULL;

  g_assert_null (ds_manifest_chain_open_to_read (fixture->directory, &error));
  g_assert_error (error, DS_ERROR, (int) code);
  g_assert_nonnull (strstr (error->message, text));
  g_clear_error (&error);

  g_assert_null (ds_manifest_chain_open (fixture->directory, &error));
  g_assert_error (error, DS_ERROR, (int) code);
  g_assert_nonnull (strstr (error->message, text));
  g_assert_cmpuint (count_names (fixture, ""), >=, n_names);
}

static char *
get_path (Fixture *fixture, const char *kind, guint k)
{
  return g_strdup_printf ("%s/%s-%020u", fixture->directory, kind, k * 1000);
}

static void
test_a_missing_one_is_seen (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  g_autofree char *aside = g_build_filename (fixture->parent, "aside", NULL);

  g_test_summary ("A hole in the chain is an error that names what is behind it");

  fill (fixture, 1, 4);
  first = get_path (fixture, "manifest", 1);
  second = get_path (fixture, "manifest", 2);
  g_assert_cmpint (g_rename (second, aside), ==, 0);
  assert_open_fails (fixture, DS_ERROR_CORRUPT, "manifest-00000000000000003000");
  g_assert_cmpint (g_rename (aside, second), ==, 0);
  g_assert_cmpint (g_rename (first, aside), ==, 0);
  assert_open_fails (fixture, DS_ERROR_CORRUPT, "those from number 0");
}

static void
test_a_foreign_one_is_seen (Fixture *fixture, gconstpointer user_data)
{
  Fixture other = { 0 };
  g_autofree char *theirs = NULL;
  g_autofree char *ours = NULL;

  g_test_summary ("A manifest of another run does not fit in");

  set_up (&other, NULL);
  fill (fixture, 1, 3);
  fill (&other, 7, 9);
  theirs = get_path (&other, "manifest", 9);
  ours = get_path (fixture, "manifest", 3);
  g_assert_cmpint (g_rename (theirs, ours), ==, 0);
  assert_open_fails (fixture, DS_ERROR_CORRUPT, ours);
  tear_down (&other, NULL);
}

/* Without fsync. */
static void
overwrite (const char *path, const char *content, gsize n_bytes)
{
  FILE *file = g_fopen (path, "w");

  g_assert_nonnull (file);
  g_assert_cmpuint (fwrite (content, 1, n_bytes, file), ==, n_bytes);
  g_assert_cmpint (fclose (file), ==, 0);
}

static void
assert_damage_is_seen (Fixture *fixture, const char *path, guint step)
{
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *content = NULL;
  gsize n_bytes;

  g_assert_true (g_file_get_contents (path, &content, &n_bytes, NULL));
  for (gsize i = 0; i < n_bytes; i += step)
    {
      content[i] ^= 0x01;
      overwrite (path, content, n_bytes);
      assert_open_fails (fixture, DS_ERROR_CORRUPT, name);
      content[i] ^= 0x01;
    }
  for (gsize n = 0; n < n_bytes; n += step)
    {
      overwrite (path, content, n);
      assert_open_fails (fixture, DS_ERROR_CORRUPT, name);
    }
  overwrite (path, content, n_bytes);
}

static void
test_damage_is_seen (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *middle = NULL;
  g_autofree char *compact = NULL;

  g_test_summary ("Each byte and each length of a file, and of a compacted one");

  fill (fixture, 1, 103);
  middle = get_path (fixture, "manifest", 102);
  compact = get_path (fixture, "compact", 100);
  assert_damage_is_seen (fixture, middle, 1);
  assert_damage_is_seen (fixture, compact, 211);
  {
    g_autoptr (DsManifestChain) chain = open_chain (fixture);

    assert_has (chain, 103);
  }
}

/* ---- What a crash leaves ---- */

static void
copy (const char *from, const char *to)
{
  g_autofree char *content = NULL;
  gsize n_bytes;

  g_assert_true (g_file_get_contents (from, &content, &n_bytes, NULL));
  overwrite (to, content, n_bytes);
}

static void
test_leftovers_are_removed (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (DsManifestChain) reader = NULL;

  g_test_summary ("Temporary files go when the lock is taken, and not when one reads");

  fill (fixture, 1, 2);
  ds_test_write (fixture->directory, ".tmp-manifest-00000000000000003000", "half");
  ds_test_write (fixture->directory, ".tmp-3000-part-00000", "half");
  ds_test_write (fixture->directory, "README", "not ours");
  reader = ds_manifest_chain_open_to_read (fixture->directory, NULL);
  g_assert_cmpuint (count_names (fixture, ".tmp-"), ==, 2);
  fill (fixture, 3, 3);
  g_assert_cmpuint (count_names (fixture, ".tmp-"), ==, 0);
  g_assert_cmpuint (count_names (fixture, "README"), ==, 1);
}

/* The directory as a crash leaves it when the compacted file is there and the first
 * @n_removed single ones are gone. */
static void
crash_in_compaction (Fixture *fixture, guint n_removed)
{
  g_autofree char *kept = g_build_filename (fixture->parent, "kept", NULL);
  g_autofree char *compact = get_path (fixture, "compact", 200);

  fill (fixture, 1, 199);
  g_assert_cmpint (g_mkdir (kept, 0700), ==, 0);
  for (guint k = 100; k <= 199; k++)
    {
      g_autofree char *from = get_path (fixture, k == 100 ? "compact" : "manifest", k);
      g_autofree char *name = g_path_get_basename (from);
      g_autofree char *to = g_build_filename (kept, name, NULL);

      copy (from, to);
    }
  fill (fixture, 200, 200);
  g_assert_true (g_file_test (compact, G_FILE_TEST_EXISTS));
  for (guint k = 100 + n_removed; k <= 199; k++)
    {
      g_autofree char *to = get_path (fixture, k == 100 ? "compact" : "manifest", k);
      g_autofree char *name = g_path_get_basename (to);
      g_autofree char *from = g_build_filename (kept, name, NULL);

      copy (from, to);
    }
  ds_test_remove_tree (kept);
}

static void
test_crash_in_compaction (Fixture *fixture, gconstpointer user_data)
{
  static const guint n_removed[] = { 0, 1, 2, 57, 99, 100 };

  g_test_summary ("Between the rename of a compacted file and the end of the old ones");

  for (guint i = 0; i < G_N_ELEMENTS (n_removed); i++)
    {
      g_autoptr (DsManifestChain) reader = NULL;
      g_autoptr (GError) error = NULL;

      crash_in_compaction (fixture, n_removed[i]);
      reader = ds_manifest_chain_open_to_read (fixture->directory, &error);
      g_assert_no_error (error);
      assert_has (reader, 200);
      g_assert_cmpuint (count_names (fixture, "manifest-"), ==,
                        99 - MAX (n_removed[i], 1) + 1);
      fill (fixture, 201, 201);
      g_assert_cmpuint (count_names (fixture, "manifest-"), ==, 1);
      g_assert_cmpuint (count_names (fixture, "compact-"), ==, 1);
      ds_test_remove_tree (fixture->directory);
    }
}

typedef struct
{
  gboolean is_synced;
  guint n_removed;
  guint n_removed_too_soon;
} Removing;

/* DsDurableFaultFunc */
static int
note_removing (const char *call, const char *path, gsize *n_bytes, gpointer user_data)
{
  Removing *removing = user_data;

  if (g_str_equal (call, "fsync") && g_str_has_suffix (path, "_ds-out"))
    removing->is_synced = TRUE;
  if (g_str_equal (call, "unlink") && strstr (path, "manifest-") != NULL)
    {
      removing->n_removed++;
      removing->n_removed_too_soon += !removing->is_synced;
    }
  return 0;
}

static void
test_covered_ones_outlive_an_unsynced_name (Fixture *fixture, gconstpointer user_data)
{
  Removing removing = { 0 };

  g_test_summary ("A killed process may not have synced the name of a compacted file: "
                  "what it covers goes only when that is there for good");

  crash_in_compaction (fixture, 1);
  ds_durable_file_set_fault_func (note_removing, &removing);
  ds_manifest_chain_close (open_chain (fixture));
  ds_durable_file_set_fault_func (NULL, NULL);
  g_assert_cmpuint (removing.n_removed, ==, 99);
  g_assert_cmpuint (removing.n_removed_too_soon, ==, 0);
}

/* DsDurableFaultFunc: the server has renamed it, and its answer was lost. */
static int
lose_answer (const char *call, const char *path, gsize *n_bytes, gpointer user_data)
{
  guint *n_left = user_data;
  g_autofree char *directory = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *from = g_strdup_printf ("%s/.tmp-%s", directory, name);

  if (!g_str_equal (call, "rename") || *n_left == 0)
    return 0;
  --*n_left;
  g_assert_cmpint (rename (from, path), ==, 0);
  return ETIMEDOUT;
}

static void
test_a_rename_of_which_nothing_is_known (Fixture *fixture, gconstpointer skips)
{
  guint n_left = 1;
  g_autoptr (DsManifestChain) chain = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("It may have come to pass: the next one is the only one of its number, "
                  "be it of the same batch or of another");

  fill (fixture, 1, 3);
  chain = open_chain (fixture);
  ds_durable_file_set_fault_func (lose_answer, &n_left);
  g_assert_false (ds_manifest_chain_append (chain,
                                            ds_manifest_new (application, "out", 4000),
                                            &error));
  ds_durable_file_set_fault_func (NULL, NULL);
  g_assert_error (error, DS_ERROR, DS_ERROR_NETWORK);
  g_clear_error (&error);
  g_assert_true (ds_manifest_chain_append (
      chain, ds_manifest_new (application, "out", skips != NULL ? 5000 : 4000), &error));
  g_assert_no_error (error);
  g_clear_pointer (&chain, ds_manifest_chain_close);
  chain = open_chain (fixture);
  g_assert_cmpuint (count_names (fixture, "manifest-"), ==, 4);
}

static void
test_foreign_leftovers_are_no_leftovers (Fixture *fixture, gconstpointer user_data)
{
  Fixture other = { 0 };
  g_autofree char *theirs = NULL;
  g_autofree char *ours = NULL;

  g_test_summary ("What a compacted file covers has to be what is in it");

  set_up (&other, NULL);
  fill (fixture, 1, 100);
  fill (&other, 7, 9);
  theirs = get_path (&other, "manifest", 9);
  ours = get_path (fixture, "manifest", 9);
  g_assert_cmpint (g_rename (theirs, ours), ==, 0);
  assert_open_fails (fixture, DS_ERROR_CORRUPT, ours);
  g_assert_true (g_file_test (ours, G_FILE_TEST_EXISTS));
  tear_down (&other, NULL);
}

static void
test_one_writer (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (DsManifestChain) chain = open_chain (fixture);
  g_autoptr (DsManifestChain) reader = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *process = g_strdup_printf ("process %d ", (int) getpid ());

  g_test_summary ("A second writer is refused, a reader is not");

  append (chain, 1);
  g_assert_null (ds_manifest_chain_open (fixture->directory, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_LOCKED);
  g_assert_nonnull (strstr (error->message, fixture->directory));
  g_assert_nonnull (strstr (error->message, process));
  g_assert_nonnull (strstr (error->message, g_get_prgname ()));
  g_assert_nonnull (strstr (error->message, g_get_host_name ()));
  g_clear_error (&error);
  reader = ds_manifest_chain_open_to_read (fixture->directory, &error);
  g_assert_no_error (error);
  assert_has (reader, 1);
}

static void
test_a_directory_that_is_gone (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (DsManifestChain) chain = open_chain (fixture);
  g_autoptr (GError) error = NULL;

  g_test_summary ("Nothing is committed where the lock is no longer");

  append (chain, 1);
  ds_test_remove_tree (fixture->directory);
  g_assert_false (ds_manifest_chain_append (chain,
                                            ds_manifest_new (application, "out", 2000),
                                            &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_null (ds_manifest_chain_open_to_read (fixture->directory, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_NOT_FOUND);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) \
  g_test_add ("/base/manifest-chain/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("append-and-find", test_append_and_find);
  ADD ("batches-may-come-late", test_batches_may_come_late);
  ADD ("a-batch-is-committed-once", test_a_batch_is_committed_once);
  ADD ("hundred-become-one", test_hundred_become_one);
  ADD ("few-files-for-many-batches", test_few_files_for_many_batches);
  ADD ("a-missing-one-is-seen", test_a_missing_one_is_seen);
  ADD ("a-foreign-one-is-seen", test_a_foreign_one_is_seen);
  ADD ("damage-is-seen", test_damage_is_seen);
  ADD ("leftovers-are-removed", test_leftovers_are_removed);
  ADD ("crash-in-compaction", test_crash_in_compaction);
  ADD ("b17-a-rename-of-which-nothing-is-known", test_a_rename_of_which_nothing_is_known);
  g_test_add ("/base/manifest-chain/b17-a-rename-and-another-batch", Fixture,
              GINT_TO_POINTER (TRUE), set_up, test_a_rename_of_which_nothing_is_known,
              tear_down);
  ADD ("covered-ones-outlive-an-unsynced-name",
       test_covered_ones_outlive_an_unsynced_name);
  ADD ("foreign-leftovers-are-no-leftovers", test_foreign_leftovers_are_no_leftovers);
  ADD ("one-writer", test_one_writer);
  ADD ("a-directory-that-is-gone", test_a_directory_that_is_gone);
#undef ADD
  return g_test_run ();
}
