/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The file sink killed before each of its calls, in the middle of each write, and again
 * while it recovers: a reader that looks for names sees parts whole, never changed, and
 * in the end all bytes that a run without a crash writes, once.
 *
 * The work is done by children of this process, which has no other thread. */

#include "base/ds-durable-file-private.h"
#include "base/ds-manifest-chain-private.h"
#include "base/ds-sanitizer-private.h"
#include "dstream/ds-file-sink-private.h"
#include "tests/base/ds-test-tree.h"
#include "tests/rdd/ds-test-rdd.h"

#include <sys/wait.h>

#define N_BATCHES 3
#define MAX_CALLS 1000
/* A child takes its time there. */
#define IS_SLOW (DS_HAS_ASAN || DS_HAS_TSAN)

typedef enum
{
  DONE = 0,
  KILLED = 77,
  NOT_TORN = 78 /* killed, too: before a call that is no write */
} End;

static const guint8 application[DS_APPLICATION_ID_BYTES] = "application-----";

/* Nothing here is about power. */
int
fsync (int fd)
{
  return 0;
}

/* ---- What is written ---- */

typedef struct
{
  DsSavePlan plan;
  const char *name; /* of the case */
  /* All files of all batches, path and content. */
  const char *files[16][2];
} Case;

/* Batch 1 is two parts, batch 2 is empty, batch 3 has an empty part. */
static const char *const batches[N_BATCHES][2] = {
  { "one", "two" },
  { NULL, NULL },
  { "three", NULL },
};

static const Case cases[] = {
  { .name = "directories",
    .plan = { .format = DS_SAVE_TEXT },
    .files = { { "out-1000.txt/part-00000", "one\n" },
               { "out-1000.txt/part-00001", "two\n" },
               { "out-1000.txt/_SUCCESS", "" },
               { "out-2000.txt/part-00000", "" },
               { "out-2000.txt/part-00001", "" },
               { "out-2000.txt/_SUCCESS", "" },
               { "out-3000.txt/part-00000", "" },
               { "out-3000.txt/part-00001", "three\n" },
               { "out-3000.txt/_SUCCESS", "" } } },
  { .name = "single-files-without-empty-ones",
    .plan = { .format = DS_SAVE_TEXT, .single_file = TRUE, .skips_empty = TRUE },
    .files = { { "out-1000.txt", "one\ntwo\n" }, { "out-3000.txt", "three\n" } } },
  { .name = "directories-without-empty-ones",
    .plan = { .format = DS_SAVE_TEXT, .skips_empty = TRUE },
    .files = { { "out-1000.txt/part-00000", "one\n" },
               { "out-1000.txt/part-00001", "two\n" },
               { "out-1000.txt/_SUCCESS", "" },
               { "out-3000.txt/part-00000", "" },
               { "out-3000.txt/part-00001", "three\n" },
               { "out-3000.txt/_SUCCESS", "" } } },
};

static DsRdd *
make_rdd (DsContext *context, guint k)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) block = NULL;

  for (guint i = 0; i < 2; i++)
    if (batches[k - 1][i] != NULL)
      ds_block_builder_add_string (builder, batches[k - 1][i]);
  block = ds_block_builder_end (builder);
  return ds_context_parallelize (context, block, 2);
}

/* ---- Children ---- */

typedef struct
{
  guint at; /* the call that it is killed before; 0: none */
  gboolean tears;
  guint n_calls;
} Kill;

static int
kill_or_not (const char *call, const char *path, gsize *n_bytes, gpointer user_data)
{
  Kill *self = user_data;

  if (g_str_equal (call, "pread"))
    return 0;
  self->n_calls++;
  if (self->n_calls != self->at)
    return 0;
  if (!self->tears)
    _exit (KILLED);
  if (*n_bytes < 2)
    _exit (NOT_TORN);
  *n_bytes /= 2;
  self->at++; /* the other half will not be */
  self->tears = FALSE;
  return 0;
}

/* All batches, as after a start: those that are committed already are not run again. */
static void
do_all (const Case *one, const char *prefix, Kill *kill)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");
  g_autoptr (DsFileSink) sink = NULL;
  g_autoptr (GError) error = NULL;

  ds_durable_file_set_fault_func (kill_or_not, kill);
  sink = ds_file_sink_open (NULL, prefix, "txt", application, "output", FALSE, &error);
  g_assert_no_error (error);
  for (guint k = 1; k <= N_BATCHES; k++)
    {
      g_autoptr (DsRdd) rdd = make_rdd (context, k);

      ds_file_sink_run (sink, rdd, &one->plan, k * DS_SECOND, &error);
      g_assert_no_error (error);
    }
}

static End
run_child (const Case *one, const char *prefix, guint kill_at, gboolean tears)
{
  Kill kill = { .at = kill_at, .tears = tears };
  pid_t child = fork ();
  int status;

  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      do_all (one, prefix, &kill);
      _exit (DONE);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_true (WEXITSTATUS (status) == DONE || WEXITSTATUS (status) == KILLED ||
                 WEXITSTATUS (status) == NOT_TORN);
  return WEXITSTATUS (status);
}

/* ---- A reader that knows nothing of manifests ---- */

static gboolean
has_file (const char *directory, const char *path)
{
  g_autofree char *whole = g_build_filename (directory, path, NULL);

  return g_file_test (whole, G_FILE_TEST_EXISTS);
}

/* Each file that is there is one of those expected, whole.  "path inode" a line. */
static void
look_into (const Case *one, const char *directory, const char *below, GString *seen)
{
  g_autofree char *here = g_build_filename (directory, below, NULL);
  g_auto (GStrv) names = ds_test_list_names (here);

  for (char **name = names; *name != NULL; name++)
    {
      g_autofree char *path =
          *below != '\0' ? g_build_filename (below, *name, NULL) : g_strdup (*name);
      g_autofree char *whole = g_build_filename (directory, path, NULL);
      g_autofree char *content = NULL;
      GStatBuf status;
      guint i = 0;

      if (g_str_has_prefix (*name, "_ds-"))
        continue;
      g_assert_cmpint (g_stat (whole, &status), ==, 0);
      if (S_ISDIR (status.st_mode))
        {
          look_into (one, directory, path, seen);
          continue;
        }
      while (one->files[i][0] != NULL && !g_str_equal (one->files[i][0], path))
        i++;
      g_assert_cmpstr (one->files[i][0], ==, path);
      g_assert_true (g_file_get_contents (whole, &content, NULL, NULL));
      g_assert_cmpstr (content, ==, one->files[i][1]);
      g_string_append_printf (seen, "%s %" G_GUINT64_FORMAT "\n", path,
                              (guint64) status.st_ino);
    }
}

static gboolean
check_committed (const DsManifest *manifest, gpointer directory, GError **error)
{
  for (guint i = 0; i < manifest->files->len; i++)
    g_assert_true (
        has_file (directory, g_array_index (manifest->files, DsManifestFile, i).name));
  return TRUE;
}

static char *
look (const Case *one, const char *directory)
{
  g_autofree char *manifests = g_build_filename (directory, "_ds-out", NULL);
  GString *seen = g_string_new (NULL);

  if (!g_file_test (directory, G_FILE_TEST_IS_DIR))
    return g_string_free (seen, FALSE);
  look_into (one, directory, "", seen);
  for (guint i = 0; one->files[i][0] != NULL; i++)
    if (g_str_has_suffix (one->files[i][0], "_SUCCESS") &&
        has_file (directory, one->files[i][0]))
      {
        g_assert_true (has_file (directory, one->files[i - 2][0]));
        g_assert_true (has_file (directory, one->files[i - 1][0]));
      }
  if (g_file_test (manifests, G_FILE_TEST_IS_DIR))
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (DsManifestChain) chain =
          ds_manifest_chain_open_to_read (manifests, &error);

      g_assert_no_error (error);
      ds_manifest_chain_foreach (chain, check_committed, (gpointer) (guintptr) directory,
                                 &error);
    }
  return g_string_free (seen, FALSE);
}

/* What was seen is still there: the same files. */
static void
assert_kept (const char *before, const char *after)
{
  g_auto (GStrv) lines = g_strsplit (before, "\n", -1);

  for (char **line = lines; *line != NULL && **line != '\0'; line++)
    g_assert_nonnull (strstr (after, *line));
}

static void
assert_complete (const Case *one, const char *directory, const char *before)
{
  g_autofree char *after = look (one, directory);
  g_autofree char *manifests = g_build_filename (directory, "_ds-out", NULL);
  g_auto (GStrv) names = ds_test_list_names (manifests);

  assert_kept (before, after);
  for (guint i = 0; one->files[i][0] != NULL; i++)
    g_assert_true (has_file (directory, one->files[i][0]));
  g_assert_cmpuint (g_strv_length (names), ==, N_BATCHES + 1);
  for (guint k = 0; k <= N_BATCHES; k++)
    g_assert_false (g_str_has_prefix (names[k], ".tmp-"));
}

/* ---- Tests ---- */

/* One crash at call @at, a second one at call @again of the recovery, and the end.  FALSE
 * when there is no call @at; *@is_beyond: there is no call @again. */
static gboolean
crash_twice (const Case *one, guint at, guint again, gboolean tears, gboolean *is_beyond)
{
  g_autofree char *parent = ds_test_tree_new ();
  g_autofree char *directory = g_build_filename (parent, "a", "b", NULL);
  g_autofree char *prefix = g_build_filename (directory, "out", NULL);
  End end = run_child (one, prefix, at, tears);
  g_autofree char *first = look (one, directory);
  g_autofree char *second = NULL;

  *is_beyond = TRUE;
  if (end == NOT_TORN) /* seen without tearing */
    {
      ds_test_remove_tree (parent);
      return TRUE;
    }
  if (again > 0)
    *is_beyond = run_child (one, prefix, again, tears) == DONE;
  second = look (one, directory);
  assert_kept (first, second);
  g_assert_cmpint (run_child (one, prefix, 0, FALSE), ==, DONE);
  assert_complete (one, directory, second);
  ds_test_remove_tree (parent);
  return end == KILLED;
}

static void
test_killed_at_each_call (gconstpointer user_data)
{
  const Case *one = user_data;
  gboolean is_beyond;
  guint n_states = 0;

  g_test_summary ("Killed before each call, and in the middle of each write");

  for (guint tears = 0; tears < 2; tears++)
    {
      guint at = 1;

      for (; crash_twice (one, at, 0, tears == 1, &is_beyond); at += IS_SLOW ? 5 : 1)
        n_states++;
      g_assert_cmpuint (at, >, 30);
    }
  g_test_message ("%u states", n_states);
}

static void
test_killed_again_in_recovery (gconstpointer user_data)
{
  const Case *one = user_data;
  /* Every state in long runs; the steps have no common divisor, so that all kinds of call
   * meet. */
  guint step = g_test_slow () ? 1 : IS_SLOW ? 17 : 7;
  guint step_again = g_test_slow () ? 1 : IS_SLOW ? 19 : 9;
  guint n_states = 0;
  gboolean is_there = TRUE;

  g_test_summary ("Killed, and killed again at each call of what follows");

  for (guint at = 1; is_there && at < MAX_CALLS; at += step)
    {
      gboolean is_beyond = FALSE;

      for (guint again = 1 + at % step_again; is_there && !is_beyond; again += step_again)
        {
          is_there = crash_twice (one, at, again, FALSE, &is_beyond);
          n_states++;
        }
    }
  g_assert_false (is_there);
  g_test_message ("%u states", n_states);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *once =
          g_strdup_printf ("/dstream/file-sink-crash/%s/at-each-call", cases[i].name);
      g_autofree char *twice =
          g_strdup_printf ("/dstream/file-sink-crash/%s/again-in-recovery",
                           cases[i].name);

      g_test_add_data_func (once, &cases[i], test_killed_at_each_call);
      g_test_add_data_func (twice, &cases[i], test_killed_again_in_recovery);
    }
  return g_test_run ();
}
