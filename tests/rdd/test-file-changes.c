/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files that others change between the plan and the end of reading: either what was
 * planned is read, or an error says what happened. */

#include "tests/rdd/ds-test-files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Written long ago, so that whatever happens now shows in the time. */
static char *
write_old (DsTestFiles *files, const char *name, gsize n_bytes)
{
  g_autofree char *bytes = g_strnfill (n_bytes, '\n');
  char *path = ds_test_files_write (files, name, bytes, n_bytes);
  struct timespec times[] = { { .tv_sec = 1000 }, { .tv_sec = 1000, .tv_nsec = 5 } };

  g_assert_cmpint (utimensat (AT_FDCWD, path, times, 0), ==, 0);
  return path;
}

/* ---- Between plan and reading ---- */

static void
delete_file (const char *path)
{
  g_assert_cmpint (g_remove (path), ==, 0);
}

static void
replace_file (const char *path)
{
  g_assert_true (g_file_set_contents (path, "\n\n\n\n", 4, NULL));
}

static void
truncate_file (const char *path)
{
  g_assert_cmpint (truncate (path, 3), ==, 0);
}

static void
append_to_file (const char *path)
{
  g_assert_cmpint (truncate (path, 5), ==, 0);
}

static void
overwrite_file (const char *path)
{
  int fd = open (path, O_WRONLY | O_CLOEXEC);

  g_assert_cmpint (write (fd, "x", 1), ==, 1);
  close (fd);
}

static void
make_fifo (const char *path)
{
  g_assert_cmpint (g_remove (path), ==, 0);
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
}

static void
make_link (const char *path)
{
  g_autofree char *elsewhere = g_strconcat (path, "-elsewhere", NULL);

  g_assert_cmpint (g_rename (path, elsewhere), ==, 0);
  g_assert_cmpint (symlink (elsewhere, path), ==, 0);
}

static void
make_directory (const char *path)
{
  g_assert_cmpint (g_remove (path), ==, 0);
  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
}

static const struct
{
  void (*change) (const char *path);
  DsError code;
  const char *named;
} changes[] = { { delete_file, DS_ERROR_NOT_FOUND, "No such file" },
                { replace_file, DS_ERROR_BAD_FILE, "replaced" },
                { truncate_file, DS_ERROR_BAD_FILE, "truncated" },
                { append_to_file, DS_ERROR_BAD_FILE, "appended" },
                { overwrite_file, DS_ERROR_BAD_FILE, "written to" },
                { make_fifo, DS_ERROR_BAD_FILE, "FIFO" },
                { make_link, DS_ERROR_BAD_FILE, "link" },
                { make_directory, DS_ERROR_BAD_FILE, "directory" } };

typedef struct
{
  char *path;
  const char *named;
  guint n_reports;
} Report;

static void
take_report (const DsPlannedFile *file, const GError *reason, gpointer user_data)
{
  Report *report = user_data;

  g_assert_cmpstr (file->path, ==, report->path);
  g_assert_nonnull (strstr (reason->message, report->named));
  report->n_reports++;
}

static void
test_file_changes_before_reading (DsTestFiles *files, gconstpointer user_data)
{
  g_test_summary ("Eight changes between plan and reading: an error that names what is "
                  "different, or the file is passed over and reported once");

  for (guint i = 0; i < G_N_ELEMENTS (changes); i++)
    for (guint is_prepared = 0; is_prepared < 2; is_prepared++)
      {
        g_autofree char *name = g_strdup_printf ("changing-%u-%u", i, is_prepared);
        g_autofree char *path = write_old (files, name, 4);
        g_autofree char *good = write_old (files, "good", 2);
        Report report = { path, changes[i].named, 0 };
        DsFileFormat format = { .kind = DS_FILE_FORMAT_TEXT,
                                .report = take_report,
                                .report_data = &report };
        g_autoptr (DsRdd) failing = ds_test_files_open (files, &format, path, good, NULL);
        g_autoptr (DsRdd) passing = NULL;

        ds_rdd_set_n_partitions (failing, 1);
        format.policy = DS_FILE_ON_BAD_SKIP_FILE;
        passing = ds_test_files_open (files, &format, path, good, NULL);
        ds_rdd_set_n_partitions (passing, 1);
        if (is_prepared)
          {
            g_assert_cmpint (ds_rdd_count (failing, NULL), ==, 6);
            g_assert_cmpint (ds_rdd_count (passing, NULL), ==, 6);
          }
        changes[i].change (path);
        ds_test_assert_fails (failing, changes[i].code, "text_file", path,
                              changes[i].named, NULL);
        ds_test_assert_collects (passing, "\n\n");
        ds_test_assert_collects (passing, "\n\n");
        g_assert_cmpuint (report.n_reports, ==, 1);
        g_assert_cmpint (g_remove (good), ==, 0);
      }
  g_test_message ("%u kinds of change: each named, or passed over and reported once",
                  (guint) G_N_ELEMENTS (changes));
}

/* ---- Against somebody who changes it all the time ---- */

typedef struct
{
  char *path;
  char *other;
  gint is_over; /* atomic */
} Writer;

static gpointer
replace_all_the_time (gpointer data)
{
  Writer *writer = data;

  for (guint i = 0; !g_atomic_int_get (&writer->is_over); i++)
    {
      /* All "a" or all "b", of two lengths. */
      g_autofree char *text = g_strnfill (i % 3 == 0 ? 50000 : 60000, i % 2 ? 'a' : 'b');

      int fd = open (writer->other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

      g_assert_cmpint (write (fd, text, strlen (text)), ==, (gssize) strlen (text));
      close (fd);
      if (i % 4 == 3)
        unlink (writer->path);
      g_assert_cmpint (g_rename (writer->other, writer->path), ==, 0);
    }
  return NULL;
}

static DsValue
check_content (DsValue content, DsTask *task, gpointer user_data)
{
  gsize n_bytes;
  const char *text = ds_value_get_string (ds_pair_value (content), &n_bytes);

  for (gsize i = 1; i < n_bytes; i++)
    if (text[i] != text[0])
      return ds_task_fail (task, "two files were mixed");
  return ds_value_int ((gint64) n_bytes);
}

/* The file as it is now, as soon as it is there. */
static DsRdd *
plan (DsTestFiles *files, const char *path, gint64 *n_bytes)
{
  DsFileFormat format = { .kind = DS_FILE_FORMAT_WHOLE_TEXT };
  DsFileSystem *file_system = ds_file_system_get_local ();
  DsFileStatus status;
  DsPlannedFile *planned;

  while (!ds_file_system_get_status (file_system, path, &status, NULL))
    ;
  *n_bytes = (gint64) status.n_bytes;
  planned = ds_planned_file_new (file_system, path, &status);
  return ds_file_rdd_new (files->context, &format, &planned, 1);
}

static void
test_file_changes_race (DsTestFiles *files, gconstpointer user_data)
{
  Writer writer = { .path = g_build_filename (files->directory, "racing", NULL),
                    .other = g_build_filename (files->directory, ".next", NULL) };
  GThread *thread;
  guint n_read = 0;
  guint n_failed = 0;

  g_test_summary ("While another thread replaces and deletes the file, reads give what "
                  "was planned or an error, and never a mixture");

  g_assert_true (g_file_set_contents (writer.path, "aaaa", 4, NULL));
  thread = g_thread_new ("writer", replace_all_the_time, &writer);
  while (n_read < 300 || n_failed < 50)
    {
      DsRdd *planned[8];
      gint64 n_bytes[8];

      /* The later ones have waited for those before them. */
      for (guint i = 0; i < G_N_ELEMENTS (planned); i++)
        planned[i] = plan (files, writer.path, &n_bytes[i]);
      for (guint i = 0; i < G_N_ELEMENTS (planned); i++)
        {
          g_autoptr (DsRdd) rdd = planned[i];
          g_autoptr (DsRdd) sizes = ds_rdd_map (rdd, check_content, NULL, NULL);
          g_autoptr (GError) error = NULL;
          g_autoptr (DsBlock) block = ds_rdd_collect (sizes, &error);

          if (block != NULL)
            {
              g_assert_cmpint (ds_value_get_int (ds_block_get (block, 0)), ==,
                               n_bytes[i]);
              n_read++;
              continue;
            }
          g_assert_true (g_error_matches (error, DS_ERROR, DS_ERROR_BAD_FILE) ||
                         g_error_matches (error, DS_ERROR, DS_ERROR_NOT_FOUND));
          g_assert_nonnull (strstr (error->message, writer.path));
          n_failed++;
        }
    }
  g_atomic_int_set (&writer.is_over, 1);
  g_thread_join (thread);
  g_test_message ("%u reads gave the planned file, %u an error that names it, 0 anything "
                  "else",
                  n_read, n_failed);
  g_free (writer.path);
  g_free (writer.other);
}

/* ---- While it is read ---- */

typedef struct
{
  char *path;
  gsize n_bytes;
  void (*change) (const char *path);
} Change;

static gboolean
change_at_first (DsValue value, DsTask *task, gpointer user_data)
{
  Change *change = user_data;

  if (change->change != NULL)
    change->change (change->path);
  else if (change->n_bytes != G_MAXSIZE)
    g_assert_cmpint (truncate (change->path, (off_t) change->n_bytes), ==, 0);
  change->change = NULL;
  change->n_bytes = G_MAXSIZE;
  return TRUE;
}

static void
test_file_changes_truncated_while_read (DsTestFiles *files, gconstpointer user_data)
{
  static const DsFileFormat formats[] = {
    { .kind = DS_FILE_FORMAT_TEXT },
    { .kind = DS_FILE_FORMAT_BINARY, .record_length = 16 },
    { .kind = DS_FILE_FORMAT_BINARY, .record_length = 16, .policy = DS_FILE_ON_BAD_SKIP },
    { .kind = DS_FILE_FORMAT_BINARY,
      .record_length = 16,
      .policy = DS_FILE_ON_BAD_SKIP_FILE },
  };
  const gsize n_bytes = 1024 * 1024;
  guint n_rounds = 0;

  g_test_summary ("A file of 1 MiB is truncated at a random place once its first value "
                  "came out: an error, and no signal");

  for (guint i = 0; i < 200; i++)
    for (guint j = 0; j < G_N_ELEMENTS (formats); j++, n_rounds++)
      {
        /* Up to 1 MiB such a file is read before its first value comes out. */
        gsize n_more = formats[j].policy == DS_FILE_ON_BAD_SKIP_FILE ? 16 : 0;
        g_autofree char *path = write_old (files, "shrinking", n_bytes + n_more);
        Change change = { path, (gsize) g_test_rand_int_range (0, (int) n_bytes), NULL };
        g_autoptr (DsRdd) rdd = ds_test_files_open (files, &formats[j], path, NULL);
        g_autoptr (DsRdd) filtered = NULL;
        g_autoptr (GError) error = NULL;

        ds_rdd_set_n_partitions (rdd, 1);
        filtered = ds_rdd_filter (rdd, change_at_first, &change, NULL);
        g_assert_cmpint (ds_rdd_count (filtered, &error), ==, -1);
        g_assert_error (error, DS_ERROR, DS_ERROR_BAD_FILE);
        g_assert_nonnull (strstr (error->message, path));
        g_assert_nonnull (strstr (error->message, "changed while it was read"));
      }
  g_test_message ("%u truncations at random places: %u errors, 0 signals", n_rounds,
                  n_rounds);
}

static void
test_file_changes_after_reading_ahead (DsTestFiles *files, gconstpointer user_data)
{
  static void (*const later[]) (const char *path) = { NULL, append_to_file,
                                                      overwrite_file };
  const DsFileFormat format = { .kind = DS_FILE_FORMAT_BINARY,
                                .record_length = 16,
                                .policy = DS_FILE_ON_BAD_SKIP_FILE };

  g_test_summary ("With skip-file one of 1 MiB is read before its first value comes out: "
                  "all of it comes, whatever is done to it then");

  for (guint i = 0; i < G_N_ELEMENTS (later); i++)
    {
      g_autofree char *path = write_old (files, "ahead", 1024 * 1024);
      Change change = { path, 5, later[i] };
      g_autoptr (DsRdd) rdd = ds_test_files_open (files, &format, path, NULL);
      g_autoptr (DsRdd) filtered = NULL;
      g_autoptr (GError) error = NULL;

      filtered = ds_rdd_filter (rdd, change_at_first, &change, NULL);
      g_assert_cmpint (ds_rdd_get_n_partitions (filtered), ==, 1);
      g_assert_cmpint (ds_rdd_count (filtered, &error), ==, 65536);
      g_assert_no_error (error);
    }
}

static void
test_file_changes_written_while_read (DsTestFiles *files, gconstpointer user_data)
{
  static void (*const later[]) (const char *path) = { append_to_file, overwrite_file };

  g_test_summary ("Appending to a file, or writing to its middle, while it is read");

  for (guint i = 0; i < G_N_ELEMENTS (later); i++)
    {
      g_autofree char *path = write_old (files, "growing", 4);
      Change change = { path, G_MAXSIZE, later[i] };
      DsFileFormat format = { .kind = DS_FILE_FORMAT_TEXT };
      g_autoptr (DsRdd) rdd = ds_test_files_open (files, &format, path, NULL);
      g_autoptr (DsRdd) filtered = NULL;

      ds_rdd_set_n_partitions (rdd, 1);
      filtered = ds_rdd_filter (rdd, change_at_first, &change, NULL);
      ds_test_assert_fails (filtered, DS_ERROR_BAD_FILE, path,
                            "changed while it was read", NULL);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) DS_TEST_ADD_FILES ("/rdd/file-changes/" path, func)
  ADD ("c12-between-plan-and-reading", test_file_changes_before_reading);
  ADD ("c12-race-with-a-writer", test_file_changes_race);
  ADD ("c13-truncated-while-read", test_file_changes_truncated_while_read);
  ADD ("written-to-while-read", test_file_changes_written_while_read);
  ADD ("reads-ahead", test_file_changes_after_reading_ahead);
#undef ADD
  return g_test_run ();
}
