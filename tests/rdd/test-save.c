/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* save_as_text_file: parts and _SUCCESS, whole or not at all. */

#include "tests/base/ds-test-remove.h"
#include "tests/rdd/ds-test-rdd.h"

#include "rdd/ds-save-private.h"

#include <glib/gstdio.h>
#include <unistd.h>

typedef struct
{
  DsTestContext *context;
  char *directory;
  char *path; /* in it: where to save */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer master)
{
  fixture->context = ds_test_context_new (master);
  fixture->directory = g_dir_make_tmp ("ds-save-XXXXXX", NULL);
  g_assert_nonnull (fixture->directory);
  fixture->path = g_build_filename (fixture->directory, "out", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer master)
{
  ds_test_context_end (fixture->context);
  ds_test_remove_tree (fixture->directory);
  g_free (fixture->directory);
  g_free (fixture->path);
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* The names in a directory with the contents of each: "name<content>" a line. */
static char *
list (const char *path)
{
  g_autoptr (GDir) directory = g_dir_open (path, 0, NULL);
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  if (directory == NULL)
    return g_strdup ("nothing");
  while ((name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *child = g_build_filename (path, name, NULL);
      g_autofree char *content = NULL;

      if (!g_file_test (child, G_FILE_TEST_IS_DIR))
        g_assert_true (g_file_get_contents (child, &content, NULL, NULL));
      g_ptr_array_add (lines, g_strdup_printf ("%s<%s>", name,
                                               content != NULL ? content : "directory"));
    }
  g_ptr_array_sort (lines, compare_names);
  g_ptr_array_add (lines, NULL);
  return g_strjoinv ("\n", (char **) lines->pdata);
}

#define assert_lists(path, expected)           \
  G_STMT_START                                 \
  {                                            \
    g_autofree char *listed_ = list ((path));  \
    g_assert_cmpstr (listed_, ==, (expected)); \
  }                                            \
  G_STMT_END

static DsValue
fail_at_five (DsValue value, DsTask *task, gpointer user_data)
{
  gint *n_failures = user_data;

  if (ds_value_get_int (value) == 5 && g_atomic_int_add (n_failures, -1) > 0)
    return ds_task_fail (task, "five");
  return value;
}

static void
test_save_writes_a_part_a_partition (Fixture *fixture, gconstpointer master)
{
  g_autoptr (DsRdd) numbers = ds_test_integers (fixture->context, 2, 3);
  g_autoptr (DsRdd) pairs = ds_rdd_map (numbers, ds_pair_with_one, NULL, NULL);
  g_autofree char *slashed = g_strconcat (fixture->path, "-2/", NULL);
  g_autofree char *second = g_strconcat (fixture->path, "-2", NULL);
  g_autoptr (DsRdd) words =
      ds_test_parallelize (fixture->context, ds_block_new_strings ("raw\ttab", "", NULL),
                           1);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A file a partition, a line a value, empty files, _SUCCESS, no rest");

  g_assert_true (ds_rdd_save_as_text_file (pairs, fixture->path, &error));
  g_assert_no_error (error);
  assert_lists (fixture->path,
                "_SUCCESS<>\npart-00000<>\npart-00001<(0,1)\n>\npart-00002<(1,1)\n>");
  g_assert_true (ds_rdd_save_as_text_file (words, slashed, &error));
  g_assert_no_error (error);
  assert_lists (second, "_SUCCESS<>\npart-00000<raw\ttab\n\n>");
  assert_lists (fixture->directory, "out-2<directory>\nout<directory>");
}

static void
test_save_is_read_back (Fixture *fixture, gconstpointer master)
{
  g_autoptr (DsRdd) numbers = ds_test_integers (fixture->context, 50000, 4);
  g_autoptr (DsRdd) read = ds_context_text_file (fixture->context, fixture->path);
  g_autoptr (DsRdd) parsed = ds_rdd_map (read, ds_parse_int, NULL, NULL);
  g_autoptr (DsBlock) sum = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("What was saved comes back by text_file, without _SUCCESS");

  g_assert_true (ds_rdd_save_as_text_file (numbers, fixture->path, &error));
  g_assert_no_error (error);
  g_assert_cmpint (ds_rdd_count (read, NULL), ==, 50000);
  sum = ds_rdd_reduce (parsed, ds_add, NULL, &error);
  g_assert_no_error (error);
  ds_assert_block_in_order (sum, "1249975000", NULL);
}

static void
test_save_refuses_what_exists (Fixture *fixture, gconstpointer master)
{
  g_autoptr (DsRdd) numbers = ds_test_integers (fixture->context, 2, 1);
  g_autoptr (GError) error = NULL;

  g_test_summary ("An existing directory, even an empty one, is an error that names it");

  g_assert_cmpint (g_mkdir (fixture->path, 0700), ==, 0);
  g_assert_false (ds_rdd_save_as_text_file (numbers, fixture->path, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_IO);
  g_assert_nonnull (strstr (error->message, fixture->path));
  assert_lists (fixture->path, "");
}

static void
test_save_of_a_failed_job_leaves_nothing (Fixture *fixture, gconstpointer master)
{
  g_autoptr (DsRdd) numbers = ds_test_integers (fixture->context, 10, 3);
  gint n_failures = 100;
  g_autoptr (DsRdd) failing = ds_rdd_map (numbers, fail_at_five, &n_failures, NULL);
  g_autoptr (GError) error = NULL;

  g_test_summary (
      "After a failed job neither the directory nor a temporary one is there");

  g_assert_false (ds_rdd_save_as_text_file (failing, fixture->path, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_USER_FUNCTION);
  assert_lists (fixture->directory, "");
}

static void
test_save_retried_tasks_write_once (Fixture *fixture, gconstpointer master)
{
  g_autoptr (DsRdd) numbers = ds_test_integers (fixture->context, 6, 2);
  gint n_failures = 2;
  g_autoptr (DsRdd) failing = ds_rdd_map (numbers, fail_at_five, &n_failures, NULL);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A task that succeeds at the third attempt leaves one whole part");

  g_object_set (fixture->context, "max-task-failures", 3, NULL);
  g_assert_true (ds_rdd_save_as_text_file (failing, fixture->path, &error));
  g_assert_no_error (error);
  assert_lists (fixture->path,
                "_SUCCESS<>\npart-00000<0\n1\n2\n>\npart-00001<3\n4\n5\n>");
}

static void
test_save_replaces_for_streams (Fixture *fixture, gconstpointer master)
{
  const DsSavePlan plan = { .format = DS_SAVE_TEXT, .replaces = TRUE };
  g_autoptr (DsRdd) many = ds_test_integers (fixture->context, 6, 3);
  g_autoptr (DsRdd) few = ds_test_integers (fixture->context, 2, 1);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A stream's output replaces its parts and removes those too many");

  g_assert_true (ds_rdd_save (many, fixture->path, &plan, &error));
  g_assert_true (ds_rdd_save (few, fixture->path, &plan, &error));
  g_assert_no_error (error);
  assert_lists (fixture->path, "_SUCCESS<>\npart-00000<0\n1\n>");
}

static void
test_save_as_binary_puts_bytes_together (Fixture *fixture, gconstpointer master)
{
  g_autoptr (DsRdd) words =
      ds_test_parallelize (fixture->context, ds_block_new_strings ("ab", "", "c", NULL),
                           2);
  g_autoptr (DsRdd) numbers = ds_test_integers (fixture->context, 2, 1);
  g_autofree char *other = g_strconcat (fixture->path, "-2", NULL);
  g_autoptr (GError) error = NULL;

  g_test_summary ("save_as_binary_file writes bytes only, and refuses numbers");

  g_assert_true (ds_rdd_save_as_binary_file (words, fixture->path, &error));
  g_assert_no_error (error);
  assert_lists (fixture->path, "_SUCCESS<>\npart-00000<ab>\npart-00001<c>");

  g_assert_false (ds_rdd_save_as_binary_file (numbers, other, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_TYPE);
  g_assert_nonnull (strstr (error->message, "save_as_binary_file"));
  assert_lists (fixture->directory, "out<directory>");
}

static void
test_save_as_msgpack_keeps_types (Fixture *fixture, gconstpointer master)
{
  /* (0,1): an extension of 3 bytes and type 1, around an array of two. */
  static const guint8 expected[] = { 0xc7, 0x03, 0x01, 0x92, 0x00, 0x01 };
  g_autoptr (DsRdd) numbers = ds_test_integers (fixture->context, 1, 1);
  g_autoptr (DsRdd) pairs = ds_rdd_map (numbers, ds_pair_with_one, NULL, NULL);
  g_autofree char *part = g_build_filename (fixture->path, "part-00000", NULL);
  g_autofree char *content = NULL;
  gsize n_bytes;
  g_autoptr (GError) error = NULL;

  g_test_summary ("save_as_msgpack_file writes each value in its one encoding");

  g_assert_true (ds_rdd_save_as_msgpack_file (pairs, fixture->path, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (part, &content, &n_bytes, NULL));
  g_assert_cmpmem (content, (int) n_bytes, expected, sizeof expected);
}

static void
test_save_as_one_file (Fixture *fixture, gconstpointer master)
{
  const DsSavePlan once = { .format = DS_SAVE_TEXT, .single_file = TRUE };
  const DsSavePlan again = { .format = DS_SAVE_TEXT,
                             .single_file = TRUE,
                             .replaces = TRUE };
  g_autoptr (DsRdd) many = ds_test_integers (fixture->context, 5, 3);
  g_autoptr (DsRdd) few = ds_test_integers (fixture->context, 1, 1);
  g_autoptr (DsRdd) none = ds_context_empty (ds_rdd_get_context (many));
  g_autoptr (GError) error = NULL;

  g_test_summary ("A single file has all partitions in order, and replaces a former one");

  g_assert_true (ds_rdd_save (many, fixture->path, &once, &error));
  g_assert_no_error (error);
  assert_lists (fixture->directory, "out<0\n1\n2\n3\n4\n>");
  g_assert_false (ds_rdd_save (few, fixture->path, &once, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_IO);
  g_clear_error (&error);
  g_assert_true (ds_rdd_save (few, fixture->path, &again, &error));
  g_assert_no_error (error);
  assert_lists (fixture->directory, "out<0\n>");
  g_assert_true (ds_rdd_save (none, fixture->path, &again, &error));
  g_assert_no_error (error);
  assert_lists (fixture->directory, "out<>");
}

static gboolean
is_three (DsValue value, DsTask *task, gpointer unused)
{
  return ds_value_get_int (value) == 3;
}

static void
test_save_skips_what_is_empty (Fixture *fixture, gconstpointer master)
{
  DsSavePlan plan = { .format = DS_SAVE_TEXT, .replaces = TRUE, .skips_empty = TRUE };
  g_autoptr (DsRdd) many = ds_test_integers (fixture->context, 4, 4);
  g_autoptr (DsRdd) one = ds_rdd_filter (many, is_three, NULL, NULL);
  g_autoptr (DsRdd) none = ds_context_empty (ds_rdd_get_context (many));
  g_autoptr (GError) error = NULL;

  g_test_summary (
      "With skips_empty nothing is written for nothing, all parts for a value");

  for (guint i = 0; i < 2; i++)
    {
      g_assert_true (ds_rdd_save (none, fixture->path, &plan, &error));
      g_assert_no_error (error);
      assert_lists (fixture->directory, "");

      g_assert_true (ds_rdd_save (one, fixture->path, &plan, &error));
      g_assert_no_error (error);
      if (plan.single_file)
        assert_lists (fixture->directory, "out<3\n>");
      else
        assert_lists (fixture->path, "_SUCCESS<>\npart-00000<>\npart-00001<>\n"
                                     "part-00002<>\npart-00003<3\n>");

      /* The batch runs again, and has lost its value. */
      g_assert_true (ds_rdd_save (none, fixture->path, &plan, &error));
      g_assert_no_error (error);
      assert_lists (fixture->directory, "");
      plan.single_file = TRUE;
    }
}

static void
test_save_says_why_it_cannot (Fixture *fixture, gconstpointer master)
{
  g_autoptr (DsRdd) numbers = ds_test_integers (fixture->context, 6, 3);
  g_autofree char *file = g_build_filename (fixture->directory, "file", NULL);
  g_autofree char *below = g_build_filename (file, "out", NULL);
  g_autoptr (GError) error = NULL;

  g_test_summary ("Below a file there is no place for a directory");

  g_assert_true (g_file_set_contents (file, "", 0, NULL));
  g_assert_false (ds_rdd_save_as_text_file (numbers, below, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, file));
}

int
main (int argc, char **argv)
{
  static const char *const masters[] = { "local", "local[3]", "loopback[2]" };

  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (masters); i++)
    {
      const char *master = masters[i];

#define ADD(name, func)                                                            \
  G_STMT_START                                                                     \
  {                                                                                \
    g_autofree char *path_ = g_strdup_printf ("/rdd/save/%s/on-%s", name, master); \
    g_test_add (path_, Fixture, master, set_up, func, tear_down);                  \
  }                                                                                \
  G_STMT_END
      ADD ("writes-a-part-a-partition", test_save_writes_a_part_a_partition);
      ADD ("is-read-back", test_save_is_read_back);
      ADD ("refuses-what-exists", test_save_refuses_what_exists);
      ADD ("of-a-failed-job-leaves-nothing", test_save_of_a_failed_job_leaves_nothing);
      ADD ("retried-tasks-write-once", test_save_retried_tasks_write_once);
      ADD ("replaces-for-streams", test_save_replaces_for_streams);
      ADD ("as-binary-puts-bytes-together", test_save_as_binary_puts_bytes_together);
      ADD ("as-msgpack-keeps-types", test_save_as_msgpack_keeps_types);
      ADD ("as-one-file", test_save_as_one_file);
      ADD ("skips-what-is-empty", test_save_skips_what_is_empty);
      ADD ("says-why-it-cannot", test_save_says_why_it_cannot);
#undef ADD
    }
  return g_test_run ();
}
