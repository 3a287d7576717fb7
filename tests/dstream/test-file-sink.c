/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The file sink: what is committed stays as it is, files of others are left alone, and
 * what fails can be tried again. */

#include "base/ds-durable-file-private.h"
#include "base/ds-manifest-chain-private.h"
#include "dstream/ds-file-sink-private.h"
#include "tests/base/ds-test-tree.h"
#include "tests/rdd/ds-test-rdd.h"

#include <sys/stat.h>

/* Nothing here is about power, and a disk takes its time. */
int
fsync (int fd)
{
  return 0;
}

static const guint8 application[DS_APPLICATION_ID_BYTES] = "application-----";
static const guint8 another[DS_APPLICATION_ID_BYTES] = "another---------";
static const DsSavePlan in_directories = { .format = DS_SAVE_TEXT };
static const DsSavePlan in_files = { .format = DS_SAVE_TEXT, .single_file = TRUE };

typedef struct
{
  DsTestContext *context;
  char *directory;
  char *prefix;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  fixture->context = ds_test_context_new ("local[2]");
  fixture->directory = ds_test_tree_new ();
  fixture->prefix = g_build_filename (fixture->directory, "out", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  ds_durable_file_set_fault_func (NULL, NULL);
  ds_test_context_end (fixture->context);
  ds_test_tree_free (fixture->directory);
  g_free (fixture->prefix);
}

static DsFileSink *
open_sink (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  DsFileSink *sink = ds_file_sink_open (NULL, fixture->prefix, NULL, application,
                                        "output", FALSE, &error);

  g_assert_no_error (error);
  return sink;
}

/* The numbers 0 to k - 1 in two parts. */
static gboolean
run (Fixture *fixture, DsFileSink *sink, guint k, const DsSavePlan *plan, GError **error)
{
  g_autoptr (DsRdd) rdd = ds_test_integers (fixture->context, k, 2);

  return ds_file_sink_run (sink, rdd, plan, k * DS_SECOND, error);
}

static void
run_well (Fixture *fixture, DsFileSink *sink, guint k, const DsSavePlan *plan)
{
  g_autoptr (GError) error = NULL;
  gboolean is_committed;

  run (fixture, sink, k, plan, &error);
  g_assert_no_error (error);
  g_assert_true (ds_file_sink_is_committed (sink, k * DS_SECOND, &is_committed, &error));
  g_assert_true (is_committed);
}

#define BATCH_2 \
  "out-2000/_SUCCESS<>\nout-2000/part-00000<0\n>\nout-2000/part-00001<1\n>\n"
#define BATCH_3 \
  "out-3000/_SUCCESS<>\nout-3000/part-00000<0\n>\nout-3000/part-00001<1\n2\n>\n"

static void
test_writes_and_commits (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (DsFileSink) sink = open_sink (fixture);
  g_autofree char *manifests = g_build_filename (fixture->directory, "_ds-out", NULL);
  g_auto (GStrv) names = NULL;
  g_autoptr (GError) error = NULL;
  gboolean is_committed = TRUE;

  g_test_summary ("A directory a batch, _SUCCESS, a manifest each, and nothing else");

  g_assert_true (ds_file_sink_is_committed (sink, 2 * DS_SECOND, &is_committed, &error));
  g_assert_false (is_committed);
  run_well (fixture, sink, 2, &in_directories);
  run_well (fixture, sink, 3, &in_directories);
  ds_test_assert_tree (fixture->directory, "_ds-", BATCH_2 BATCH_3);
  names = ds_test_list_names (manifests);
  g_assert_cmpuint (g_strv_length (names), ==, 3);
  g_assert_cmpstr (names[0], ==, "lock");
  g_assert_cmpstr (names[1], ==, "manifest-00000000000000002000");
  g_assert_cmpstr (names[2], ==, "manifest-00000000000000003000");
}

static void
test_manifest_says_what_was_written (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (DsFileSink) sink = open_sink (fixture);
  g_autofree char *manifests = ds_file_sink_get_manifest_directory (fixture->prefix);
  g_autoptr (DsManifestChain) chain = NULL;
  g_autoptr (DsManifest) manifest = NULL;
  const DsManifestFile *file;

  g_test_summary ("Names from the output's directory on, sizes, and hashes of the bytes");

  run_well (fixture, sink, 3, &in_directories);
  chain = ds_manifest_chain_open_to_read (manifests, NULL);
  g_assert_nonnull (chain);
  g_assert_true (ds_manifest_chain_find (chain, 3000, &manifest, NULL));
  g_assert_cmpstr (manifest->output_name, ==, "output");
  g_assert_cmpmem (manifest->application_id, DS_APPLICATION_ID_BYTES, application,
                   DS_APPLICATION_ID_BYTES);
  g_assert_cmpuint (manifest->files->len, ==, 2);
  file = &g_array_index (manifest->files, DsManifestFile, 1);
  g_assert_cmpstr (file->name, ==, "out-3000/part-00001");
  g_assert_cmpuint (file->n_bytes, ==, 4);
  g_assert_cmpuint (file->hash, ==, ds_manifest_hash ((const guint8 *) "1\n2\n", 4));
}

static void
test_prefixes (Fixture *fixture, gconstpointer user_data)
{
  static const char *const cases[][2] = {
    { "out", "./_ds-out" }, { "a/b/out", "a/b/_ds-out" }, { "", "./_ds-" },
    { "a/", "a/_ds-" },     { "/out", "/_ds-out" },       { "./out", "./_ds-out" },
    { "a/..", "a/_ds-.." },
  };

  g_test_summary ("Manifests lie beside the files, under the last step of the prefix");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = ds_file_sink_get_manifest_directory (cases[i][0]);

      g_assert_cmpstr (path, ==, cases[i][1]);
    }
}

static guint64
get_inode (Fixture *fixture, const char *name, gint64 *changed)
{
  g_autofree char *path = g_build_filename (fixture->directory, name, NULL);
  struct stat status;

  g_assert_cmpint (stat (path, &status), ==, 0);
  *changed =
      status.st_ctim.tv_sec * G_GINT64_CONSTANT (1000000000) + status.st_ctim.tv_nsec;
  return status.st_ino;
}

static void
test_committed_is_not_written_again (Fixture *fixture, gconstpointer user_data)
{
  guint64 inode;
  gint64 changed;
  gint64 changed_after;

  g_test_summary ("A committed batch runs no job and touches no file, whatever it gives");

  {
    g_autoptr (DsFileSink) sink = open_sink (fixture);

    run_well (fixture, sink, 2, &in_directories);
  }
  inode = get_inode (fixture, "out-2000/part-00000", &changed);
  {
    g_autoptr (DsFileSink) sink = open_sink (fixture);
    g_autoptr (DsRdd) other = ds_test_integers (fixture->context, 77, 5);
    g_autoptr (GError) error = NULL;

    ds_file_sink_run (sink, other, &in_directories, 2 * DS_SECOND, &error);
    g_assert_no_error (error);
  }
  g_assert_cmpuint (get_inode (fixture, "out-2000/part-00000", &changed_after), ==,
                    inode);
  g_assert_cmpint (changed_after, ==, changed);
  ds_test_assert_tree (fixture->directory, "_ds-", BATCH_2);
}

/* What is left when the manifest of the newest batch is not there yet. */
static void
remove_manifest (Fixture *fixture, guint k)
{
  g_autofree char *path =
      g_strdup_printf ("%s/_ds-out/manifest-%020u", fixture->directory, k * 1000);

  g_assert_cmpint (g_unlink (path), ==, 0);
}

static void
test_same_bytes_are_kept (Fixture *fixture, gconstpointer user_data)
{
  guint64 inode;
  gint64 changed;
  gint64 changed_after;

  g_test_summary ("Parts that are there already, in part or all, are compared and kept");

  for (guint n_missing = 0; n_missing <= 3; n_missing++)
    {
      static const char *const names[] = { "_SUCCESS", "part-00001", "part-00000" };
      g_autoptr (DsFileSink) sink = open_sink (fixture);

      run_well (fixture, sink, 2, &in_directories);
      g_clear_pointer (&sink, ds_file_sink_close);
      remove_manifest (fixture, 2);
      for (guint i = 0; i < n_missing; i++)
        {
          g_autofree char *path =
              g_build_filename (fixture->directory, "out-2000", names[i], NULL);

          g_assert_cmpint (g_unlink (path), ==, 0);
        }
      inode = n_missing < 3 ? get_inode (fixture, "out-2000/part-00000", &changed) : 0;

      sink = open_sink (fixture);
      run_well (fixture, sink, 2, &in_directories);
      ds_test_assert_tree (fixture->directory, "_ds-", BATCH_2);
      if (n_missing < 3)
        {
          g_assert_cmpuint (get_inode (fixture, "out-2000/part-00000", &changed_after),
                            ==, inode);
          g_assert_cmpint (changed_after, ==, changed);
        }
      g_clear_pointer (&sink, ds_file_sink_close);
      remove_manifest (fixture, 2);
    }
}

/* ---- Files of others ---- */

static void
assert_left_alone (Fixture *fixture,
                   const DsSavePlan *plan,
                   const char *name,
                   const char *reason)
{
  g_autoptr (DsFileSink) sink = open_sink (fixture);
  g_autofree char *path = g_build_filename (fixture->directory, name, NULL);
  g_autofree char *before = ds_test_describe_tree (fixture->directory, "_ds-");
  g_autofree char *after = NULL;
  g_autofree char *aside = g_build_filename (fixture->directory, "theirs", NULL);
  g_autoptr (GError) error = NULL;
  gboolean is_committed;

  g_assert_false (run (fixture, sink, 2, plan, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_BAD_FILE);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, reason));
  after = ds_test_describe_tree (fixture->directory, "_ds-");
  /* Parts of ours may be beside it; theirs is as it was. */
  g_assert_nonnull (strstr (after, before));
  g_assert_true (ds_file_sink_is_committed (sink, 2 * DS_SECOND, &is_committed, NULL));
  g_assert_false (is_committed);

  g_assert_cmpint (g_rename (path, aside), ==, 0);
  run_well (fixture, sink, 2, plan);
  ds_test_remove_tree (aside);
}

static void
test_files_of_others_are_left_alone (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Another part, too many parts, a file for a directory: an error each");

  ds_test_write (fixture->directory, "out-2000/part-00000", "theirs");
  assert_left_alone (fixture, &in_directories, "out-2000/part-00000",
                     "6 bytes with hash");
  ds_test_assert_tree (fixture->directory, "_ds-", BATCH_2);
}

static void
test_parts_too_many_are_left_alone (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary (
      "A part that the batch does not have would be taken for one of its own");

  ds_test_write (fixture->directory, "out-2000/part-00002", "theirs");
  assert_left_alone (fixture, &in_directories, "out-2000/part-00002", "2 parts");
}

static void
test_files_for_directories_are_left_alone (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A file where the directory belongs, and the other way round");

  ds_test_write (fixture->directory, "out-2000", "theirs");
  assert_left_alone (fixture, &in_directories, "out-2000", "no directory");
}

static void
test_directories_for_files_are_left_alone (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A directory where the one file of a batch belongs");

  ds_test_write (fixture->directory, "out-2000/notes", "theirs");
  assert_left_alone (fixture, &in_files, "out-2000", "no file");
}

static void
test_notes_in_a_batch_are_no_parts (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (DsFileSink) sink = open_sink (fixture);

  g_test_summary ("What is not called part-... is nobody's business");

  ds_test_write (fixture->directory, "out-2000/notes", "theirs");
  run_well (fixture, sink, 2, &in_directories);
  ds_test_assert_tree (
      fixture->directory, "_ds-",
      "out-2000/_SUCCESS<>\nout-2000/notes<theirs>\nout-2000/part-00000<0\n>\n"
      "out-2000/part-00001<1\n>\n");
}

static void
test_changed_files_are_noticed (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (DsFileSink) sink = open_sink (fixture);
  g_autofree char *part =
      g_build_filename (fixture->directory, "out-2000", "part-00001", NULL);
  g_autoptr (GError) error = NULL;
  gboolean is_committed;

  g_test_summary (
      "Committed, then changed: an error. Taken away: told, and still committed");

  run_well (fixture, sink, 2, &in_directories);
  ds_test_write (fixture->directory, "out-2000/part-00001", "7\n");
  g_assert_false (run (fixture, sink, 2, &in_directories, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, part));
  g_clear_error (&error);

  g_assert_cmpint (g_unlink (part), ==, 0);
  g_test_expect_message ("DStream", G_LOG_LEVEL_MESSAGE, "*part-00001*no longer there*");
  g_assert_true (ds_file_sink_is_committed (sink, 2 * DS_SECOND, &is_committed, &error));
  g_test_assert_expected_messages ();
  g_assert_true (is_committed);
}

/* ---- Other applications ---- */

static void
test_another_application_is_refused (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_test_summary (
      "Of another application, or of another output: both ways out are named");

  {
    g_autoptr (DsFileSink) sink = open_sink (fixture);

    run_well (fixture, sink, 2, &in_directories);
  }
  g_assert_null (
      ds_file_sink_open (NULL, fixture->prefix, NULL, another, "output", FALSE, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  g_assert_nonnull (strstr (error->message, fixture->prefix));
  g_assert_nonnull (strstr (error->message, "6170706c69636174696f6e2d2d2d2d2d"));
  g_assert_nonnull (strstr (error->message, "new directory"));
  g_assert_nonnull (strstr (error->message, "ds_output_set_adopt_output"));
  g_clear_error (&error);
  g_assert_null (ds_file_sink_open (NULL, fixture->prefix, NULL, application, "other",
                                    FALSE, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
  ds_test_assert_tree (fixture->directory, "_ds-", BATCH_2);
}

static void
test_adopt_goes_on_behind (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_test_summary ("Adopted: later batches are saved, earlier ones are an error");

  {
    g_autoptr (DsFileSink) sink = open_sink (fixture);

    run_well (fixture, sink, 2, &in_directories);
  }
  {
    g_autoptr (DsFileSink) sink =
        ds_file_sink_open (NULL, fixture->prefix, NULL, another, "output", TRUE, &error);

    g_assert_no_error (error);
    g_assert_false (run (fixture, sink, 1, &in_directories, &error));
    g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
    g_clear_error (&error);
    g_assert_false (run (fixture, sink, 2, &in_directories, &error));
    g_assert_error (error, DS_ERROR, DS_ERROR_INVALID_STATE);
    g_clear_error (&error);
    run_well (fixture, sink, 3, &in_directories);
  }
  /* It is of the new one from then on, which needs to adopt no more. */
  {
    g_autoptr (DsFileSink) sink =
        ds_file_sink_open (NULL, fixture->prefix, NULL, another, "output", FALSE, &error);

    g_assert_no_error (error);
    run_well (fixture, sink, 3, &in_directories);
  }
  ds_test_assert_tree (fixture->directory, "_ds-", BATCH_2 BATCH_3);
}

static void
test_second_sink_is_refused (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (DsFileSink) sink = open_sink (fixture);
  g_autoptr (GError) error = NULL;

  g_test_summary ("Two at one place: the second is told who is there");

  g_assert_nonnull (sink);
  g_assert_null (ds_file_sink_open (NULL, fixture->prefix, NULL, application, "output",
                                    FALSE, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_LOCKED);
}

/* ---- What fails ---- */

typedef struct
{
  guint at;
  gboolean is_sticky;
  int error_number;
  guint n_calls;
} Fault;

static int
fail_call (const char *call, const char *path, gsize *n_bytes, gpointer user_data)
{
  Fault *self = user_data;
  guint n;

  n = (guint) g_atomic_int_add ((gint *) &self->n_calls, 1) + 1;
  return n == self->at || (self->is_sticky && n > self->at) ? self->error_number : 0;
}

static int
count_syncs (const char *call, const char *path, gsize *n_bytes, gpointer user_data)
{
  if (g_str_equal (call, "fsync"))
    g_atomic_int_inc ((gint *) user_data);
  return 0;
}

static void
test_syncs (Fixture *fixture, gconstpointer user_data)
{
  const DsSavePlan without_empty = { .format = DS_SAVE_TEXT, .skips_empty = TRUE };
  g_autoptr (DsFileSink) sink = open_sink (fixture);
  gint n_syncs = 0;

  g_test_summary ("P + 4 syncs a batch: two parts 6, one file 4, nothing at all 2");

  ds_durable_file_set_fault_func (count_syncs, &n_syncs);
  run_well (fixture, sink, 2, &in_directories);
  g_assert_cmpint (n_syncs, ==, 6);
  run_well (fixture, sink, 3, &in_files);
  g_assert_cmpint (n_syncs, ==, 10);
  run_well (fixture, sink, 0, &without_empty);
  g_assert_cmpint (n_syncs, ==, 12);
  ds_durable_file_set_fault_func (NULL, NULL);
}

/* Short writes and interrupted calls are no failures. */
static int
cut_short (const char *call, const char *path, gsize *n_bytes, gpointer user_data)
{
  gint *n_calls = user_data;

  *n_bytes = MIN (*n_bytes, 1);
  /* These are never interrupted. */
  if (g_str_equal (call, "rename") || g_str_equal (call, "unlink"))
    return 0;
  return g_atomic_int_add (n_calls, 1) % 2 == 0 ? EINTR : 0;
}

/* A batch, with call @at failing; then without failures.  FALSE: there is no such call.
 */
static gboolean
fail_and_go_on (Fixture *fixture, const Fault *how, const DsSavePlan *plan)
{
  DsFileSink *sink = open_sink (fixture);
  Fault fault = *how;
  g_autoptr (GError) error = NULL;
  g_autofree char *manifests = g_build_filename (fixture->directory, "_ds-out", NULL);

  run_well (fixture, sink, 2, plan);
  ds_durable_file_set_fault_func (fail_call, &fault);
  run (fixture, sink, 3, plan, &error);
  ds_durable_file_set_fault_func (NULL, NULL);
  if (error != NULL)
    {
      g_assert_cmpint (error->domain, ==, DS_ERROR);
      if (how->error_number == ENOSPC)
        g_assert_cmpint (error->code, ==, DS_ERROR_NO_SPACE);
      g_clear_error (&error);
      if (!run (fixture, sink, 3, plan, &error))
        {
          /* What may be on disk is not known: only a new start helps. */
          g_assert_error (error, DS_ERROR, DS_ERROR_FSYNC_FAILED);
          ds_file_sink_close (sink);
          sink = open_sink (fixture);
        }
    }
  run_well (fixture, sink, 3, plan);
  ds_file_sink_close (sink);
  if (plan->single_file)
    ds_test_assert_tree (fixture->directory, "_ds-",
                         "out-2000<0\n1\n>\nout-3000<0\n1\n2\n>\n");
  else
    ds_test_assert_tree (fixture->directory, "_ds-", BATCH_2 BATCH_3);

  /* For the next one. */
  {
    g_autofree char *one = g_strconcat (fixture->prefix, "-2000", NULL);
    g_autofree char *two = g_strconcat (fixture->prefix, "-3000", NULL);

    ds_test_remove_tree (one);
    ds_test_remove_tree (two);
    ds_test_remove_tree (manifests);
  }
  return fault.n_calls >= fault.at;
}

static void
test_what_fails_is_tried_again (Fixture *fixture, gconstpointer user_data)
{
  static const int error_numbers[] = { ENOSPC, EIO, EDQUOT, ESTALE };

  g_test_summary ("Each call failing, once and for long: the batch can be run again");

  for (guint i = 0; i < G_N_ELEMENTS (error_numbers); i++)
    for (guint is_sticky = 0; is_sticky < 2; is_sticky++)
      for (guint single = 0; single < 2; single++)
        {
          Fault fault = { .at = 1,
                          .is_sticky = is_sticky == 1,
                          .error_number = error_numbers[i] };

          while (
              fail_and_go_on (fixture, &fault, single == 1 ? &in_files : &in_directories))
            fault.at++;
          g_assert_cmpuint (fault.at, >, 15);
        }
}

static void
test_short_writes_are_no_failure (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (DsFileSink) sink = NULL;
  gint n_calls = 0;

  g_test_summary ("Every other call interrupted, a byte a write: the same files");

  ds_durable_file_set_fault_func (cut_short, &n_calls);
  sink = open_sink (fixture);
  run_well (fixture, sink, 2, &in_directories);
  run_well (fixture, sink, 3, &in_directories);
  ds_durable_file_set_fault_func (NULL, NULL);
  ds_test_assert_tree (fixture->directory, "_ds-", BATCH_2 BATCH_3);
}

static DsValue
fail_at_one (DsValue value, DsTask *task, gpointer user_data)
{
  return ds_value_get_int (value) == 1 ? ds_task_fail (task, "one") : value;
}

static void
test_a_job_that_fails_shows_nothing (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (DsFileSink) sink = open_sink (fixture);
  g_autoptr (DsRdd) numbers = ds_test_integers (fixture->context, 2, 2);
  g_autoptr (DsRdd) failing = ds_rdd_map (numbers, fail_at_one, NULL, NULL);
  g_autofree char *manifests = g_build_filename (fixture->directory, "_ds-out", NULL);
  g_auto (GStrv) names = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A part that succeeded is not seen when another one failed");

  g_assert_false (
      ds_file_sink_run (sink, failing, &in_directories, 2 * DS_SECOND, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  ds_test_assert_tree (fixture->directory, "_ds-", "");
  names = ds_test_list_names (manifests);
  g_assert_cmpuint (g_strv_length (names), ==, 1); /* the lock */
  run_well (fixture, sink, 2, &in_directories);
}

static void
test_directory_that_is_gone (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (DsFileSink) sink = open_sink (fixture);
  g_autofree char *manifests = g_build_filename (fixture->directory, "_ds-out", NULL);
  g_autoptr (GError) error = NULL;

  g_test_summary ("The directory of manifests removed while it is in use: an error");

  run_well (fixture, sink, 2, &in_directories);
  ds_test_remove_tree (manifests);
  g_assert_false (run (fixture, sink, 3, &in_directories, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_NOT_FOUND);
  ds_test_assert_tree (fixture->directory, NULL, BATCH_2);
}

static void
test_read_only_directory (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *inside = g_build_filename (fixture->directory, "closed", NULL);
  g_autofree char *prefix = g_build_filename (inside, "out", NULL);
  g_autoptr (GError) error = NULL;

  g_test_summary ("Where nothing may be written, opening says so");

  if (geteuid () == 0)
    {
      g_test_skip ("root may write everywhere");
      return;
    }
  g_assert_cmpint (g_mkdir (inside, 0500), ==, 0);
  g_assert_null (
      ds_file_sink_open (NULL, prefix, NULL, application, "output", FALSE, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_IO);
  g_assert_nonnull (strstr (error->message, inside));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) \
  g_test_add ("/dstream/file-sink/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("writes-and-commits", test_writes_and_commits);
  ADD ("manifest-says-what-was-written", test_manifest_says_what_was_written);
  ADD ("prefixes", test_prefixes);
  ADD ("committed-is-not-written-again", test_committed_is_not_written_again);
  ADD ("same-bytes-are-kept", test_same_bytes_are_kept);
  ADD ("files-of-others-are-left-alone", test_files_of_others_are_left_alone);
  ADD ("parts-too-many-are-left-alone", test_parts_too_many_are_left_alone);
  ADD ("files-for-directories-are-left-alone", test_files_for_directories_are_left_alone);
  ADD ("directories-for-files-are-left-alone", test_directories_for_files_are_left_alone);
  ADD ("notes-in-a-batch-are-no-parts", test_notes_in_a_batch_are_no_parts);
  ADD ("changed-files-are-noticed", test_changed_files_are_noticed);
  ADD ("another-application-is-refused", test_another_application_is_refused);
  ADD ("adopt-goes-on-behind", test_adopt_goes_on_behind);
  ADD ("second-sink-is-refused", test_second_sink_is_refused);
  ADD ("what-fails-is-tried-again", test_what_fails_is_tried_again);
  ADD ("syncs", test_syncs);
  ADD ("short-writes-are-no-failure", test_short_writes_are_no_failure);
  ADD ("a-job-that-fails-shows-nothing", test_a_job_that_fails_shows_nothing);
  ADD ("directory-that-is-gone", test_directory_that_is_gone);
  ADD ("read-only-directory", test_read_only_directory);
#undef ADD
  return g_test_run ();
}
