/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lines of files that are not as nice as lines should be: too long, with any bytes, with
 * \r in all places. */

#include "tests/rdd/ds-test-files.h"

#include <sys/resource.h>

/* What a plain loop makes of @text: each line ended by \n. */
static GString *
cut (const char *text,
     gsize n_bytes,
     gsize max_bytes,
     DsFileBadRecordPolicy policy,
     guint *n_skipped)
{
  GString *lines = g_string_new (NULL);
  gsize begin = 0;

  while (begin < n_bytes)
    {
      const char *line_end = memchr (text + begin, '\n', n_bytes - begin);
      gsize end = line_end != NULL ? (gsize) (line_end - text) : n_bytes;
      gsize next = line_end != NULL ? end + 1 : n_bytes;

      if (line_end != NULL && end > begin && text[end - 1] == '\r')
        end--;
      if (end - begin > max_bytes && policy == DS_FILE_ON_BAD_SKIP)
        (*n_skipped)++;
      else
        {
          for (; end - begin > max_bytes; begin += max_bytes)
            {
              g_string_append_len (lines, text + begin, (gssize) max_bytes);
              g_string_append_c (lines, '\n');
            }
          g_string_append_len (lines, text + begin, (gssize) (end - begin));
          g_string_append_c (lines, '\n');
        }
      begin = next;
    }
  return lines;
}

/* The values of @rdd, each ended by \n. */
static GString *
collect (DsRdd *rdd)
{
  GString *lines = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) block = ds_rdd_collect (rdd, &error);

  g_assert_no_error (error);
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    {
      gsize n_bytes;
      const char *line = ds_value_get_string (ds_block_get (block, i), &n_bytes);

      g_string_append_len (lines, line, (gssize) n_bytes);
      g_string_append_c (lines, '\n');
    }
  return lines;
}

static void
assert_same (GString *found, GString *expected)
{
  g_assert_cmpuint (found->len, ==, expected->len);
  g_assert_cmpint (memcmp (found->str, expected->str, found->len), ==, 0);
}

static void
check_limit (DsTestFiles *files,
             GString *text,
             gsize max_bytes,
             DsFileBadRecordPolicy policy,
             guint n_partitions)
{
  g_autofree char *path = ds_test_files_write (files, "text", text->str, text->len);
  DsFileFormat format = { .kind = DS_FILE_FORMAT_TEXT,
                          .policy = policy,
                          .max_record_bytes = max_bytes };
  g_autoptr (DsRdd) rdd = ds_test_files_open (files, &format, path, NULL);
  gint64 n_before = ds_context_get_counter (files->context, DS_FILE_SKIPPED_COUNTER);
  guint n_skipped = 0;
  GString *expected = cut (text->str, text->len, max_bytes, policy, &n_skipped);
  GString *found;

  ds_rdd_set_n_partitions (rdd, n_partitions);
  found = collect (rdd);
  assert_same (found, expected);
  g_assert_cmpint (ds_context_get_counter (files->context, DS_FILE_SKIPPED_COUNTER), ==,
                   n_before + n_skipped);
  g_string_free (found, TRUE);
  g_string_free (expected, TRUE);
}

static void
test_file_lines_past_the_limit (DsTestFiles *files, gconstpointer user_data)
{
  static const guint n_partitions[] = { 1, 2, 3, 7, 20 };
  guint n_checks = 0;

  g_test_summary ("Random lines around the limit, skipped and counted, or split: as a "
                  "plain loop does it, wherever the file is cut");

  for (guint round = 0; round < 60; round++)
    {
      g_autoptr (GString) text = g_string_new (NULL);
      gsize max_bytes = (gsize) g_test_rand_int_range (1, 12);
      guint n_lines = (guint) g_test_rand_int_range (0, 40);

      for (guint i = 0; i < n_lines; i++)
        {
          guint length = (guint) g_test_rand_int_range (0, 3 * (int) max_bytes + 3);

          for (guint j = 0; j < length; j++)
            g_string_append_c (text, (char) g_test_rand_int_range ('a', 'e'));
          if (i + 1 < n_lines || g_test_rand_bit ())
            g_string_append (text, g_test_rand_bit () ? "\r\n" : "\n");
        }
      for (guint i = 0; i < G_N_ELEMENTS (n_partitions); i++)
        {
          check_limit (files, text, max_bytes, DS_FILE_ON_BAD_SKIP, n_partitions[i]);
          check_limit (files, text, max_bytes, DS_FILE_ON_BAD_SPLIT, n_partitions[i]);
          n_checks += 2;
        }
    }
  g_test_message ("%u files as a plain loop cuts them", n_checks);
}

static void
test_file_lines_larger_than_a_piece (DsTestFiles *files, gconstpointer user_data)
{
  static const gsize sizes[] = { DS_FILE_PIECE_BYTES - 1, DS_FILE_PIECE_BYTES,
                                 DS_FILE_PIECE_BYTES + 1, 3 * DS_FILE_PIECE_BYTES + 5 };
  static const gsize limits[] = { 1000, DS_FILE_PIECE_BYTES, 700000 };

  g_test_summary (
      "The same with lines about as long as what is read at once, and longer");

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GString) text = g_string_new ("before\n");
      g_autofree char *line = g_strnfill (sizes[i], 'x');

      g_string_append_printf (text, "%s\r\nbetween\n%s\nbehind", line, line);
      for (guint j = 0; j < G_N_ELEMENTS (limits); j++)
        for (guint n_partitions = 1; n_partitions <= 4; n_partitions++)
          {
            check_limit (files, text, limits[j], DS_FILE_ON_BAD_SKIP, n_partitions);
            check_limit (files, text, limits[j], DS_FILE_ON_BAD_SPLIT, n_partitions);
          }
    }
}

static void
test_file_lines_fail_past_the_limit (DsTestFiles *files, gconstpointer user_data)
{
  g_autofree char *path = ds_test_files_write (files, "text", "ab\nabcdef\n", 10);
  DsFileFormat format = { .kind = DS_FILE_FORMAT_TEXT, .max_record_bytes = 5 };
  g_autoptr (DsRdd) rdd = ds_test_files_open (files, &format, path, NULL);
  g_autoptr (DsRdd) fitting = NULL;

  g_test_summary (
      "Without another policy a line past the limit fails, naming where it is");

  ds_rdd_set_n_partitions (rdd, 1);
  ds_test_assert_fails (rdd, DS_ERROR_LIMIT, path, "5 bytes", "offset 3", NULL);
  format.max_record_bytes = 6;
  fitting = ds_test_files_open (files, &format, path, NULL);
  ds_test_assert_collects (fitting, "ab\nabcdef\n");
}

static glong
get_peak_kib (void)
{
  struct rusage usage;

  g_assert_cmpint (getrusage (RUSAGE_SELF, &usage), ==, 0);
  return usage.ru_maxrss;
}

static void
test_file_lines_of_a_gibibyte (DsTestFiles *files, gconstpointer user_data)
{
  const gsize max_bytes = 1024 * 1024;
  g_autofree char *path = g_build_filename (files->directory, "long", NULL);
  DsFileFormat format = { .kind = DS_FILE_FORMAT_TEXT,
                          .policy = DS_FILE_ON_BAD_SKIP,
                          .max_record_bytes = max_bytes };
  g_autoptr (DsRdd) rdd = NULL;
  glong before_kib = get_peak_kib ();
  glong growth_kib;
  FILE *file = g_fopen (path, "w");

  g_test_summary (
      "A line of 1 GiB is skipped in no more memory than the limit and 16 MiB");

  /* A hole: zero bytes. */
  g_assert_nonnull (file);
  g_assert_cmpint (fputs ("first\n", file), >=, 0);
  g_assert_cmpint (fseek (file, 1L << 30, SEEK_CUR), ==, 0);
  g_assert_cmpint (fputs ("\nlast\n", file), >=, 0);
  g_assert_cmpint (fclose (file), ==, 0);

  rdd = ds_test_files_open (files, &format, path, NULL);
  ds_test_assert_collects (rdd, "first\nlast\n");
  g_assert_cmpint (ds_context_get_counter (files->context, DS_FILE_SKIPPED_COUNTER), ==,
                   1);
  growth_kib = get_peak_kib () - before_kib;
  g_test_message ("peak memory grew by %ld KiB, allowed are 17408", growth_kib);
  g_assert_cmpint (growth_kib, <=, 17 * 1024);
}

static void
test_file_lines_of_any_bytes (DsTestFiles *files, gconstpointer user_data)
{
  g_autoptr (GString) text = g_string_new ("\xef\xbb\xbfwith a byte order mark\n");
  g_autofree char *path = NULL;
  g_autofree char *saved = g_build_filename (files->directory, "saved", NULL);
  g_autofree char *part = g_build_filename (saved, "part-00000", NULL);
  g_autofree char *written = NULL;
  g_autoptr (DsRdd) rdd = NULL;
  g_autoptr (GError) error = NULL;
  gsize n_written;

  g_test_summary ("All 256 bytes, alone and between others, go through lines unchanged");

  for (guint byte = 0; byte < 256; byte++)
    {
      /* \n ends a line; \r before it is no part of one. */
      if (byte != '\n' && byte != '\r')
        {
          g_string_append_c (text, (char) byte);
          g_string_append_c (text, '\n');
        }
      g_string_append_c (text, 'a');
      g_string_append_c (text, (char) byte);
      g_string_append (text, "\xc3\n");
    }
  path = ds_test_files_write (files, "bytes", text->str, text->len);
  rdd = ds_context_text_file (files->context, path);
  ds_rdd_set_n_partitions (rdd, 1);
  g_assert_true (ds_rdd_save_as_text_file (rdd, saved, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_get_contents (part, &written, &n_written, NULL));
  g_assert_cmpuint (n_written, ==, text->len);
  g_assert_cmpint (memcmp (written, text->str, n_written), ==, 0);
  g_test_message ("%" G_GSIZE_FORMAT " bytes in, the same %" G_GSIZE_FORMAT
                  " out of the files that were saved",
                  text->len, n_written);
}

static void
test_file_lines_with_carriage_returns (DsTestFiles *files, gconstpointer user_data)
{
  /* 64 bytes without a final \n. */
  static const char sample[] = "one\r\n\r\n\rtwo\r\r\nthree\n\nfo\rur\n\r\n\r\r\n"
                               "five, a much longer\r line\r\nlast\r";
  g_autofree char *path = ds_test_files_write (files, "sample", sample, 64);
  GString *expected = cut (sample, 64, 64, DS_FILE_ON_BAD_FAIL, NULL);
  guint n_positions = 0;

  g_test_summary ("A sample of 64 bytes with \\r in all places, cut in two at each of "
                  "them, and with a \\r\\n across the pieces that are read");

  g_assert_cmpuint (sizeof sample, ==, 64 + 1);
  for (guint64 position = 0; position <= 64; position++, n_positions++)
    {
      DsFileFormat format = { .kind = DS_FILE_FORMAT_TEXT };
      g_autoptr (GPtrArray) planned = ds_file_list_path (path, NULL);
      DsTask *task = ds_task_new (NULL, 0, 0);
      g_autoptr (DsBlock) block = NULL;
      DsSink *sink = ds_block_sink_new (task, &block);
      g_autoptr (GString) found = g_string_new (NULL);
      DsFileSplit splits[] = { { .begin = 0, .end = position },
                               { .begin = position, .end = 64 } };

      ds_task_begin (task);
      for (guint i = 0; i < 2; i++)
        {
          DsFileReader reader = {
            .format = &format, .split = &splits[i], .task = task, .sink = sink
          };

          splits[i].file = planned->pdata[0];
          g_assert_true (
              ds_file_source_open (&reader.source, splits[i].file,
                                   splits[i].begin > 0 ? splits[i].begin - 1 : 0, TRUE,
                                   task, NULL));
          ds_file_read_text (&reader);
          ds_file_source_close (&reader.source);
        }
      g_assert_no_error (task->error);
      g_assert_true (ds_sink_finish (sink));
      ds_task_end (task);
      ds_sink_free (sink);
      ds_task_free (task);
      for (gsize i = 0; i < ds_block_get_length (block); i++)
        {
          gsize n_bytes;
          const char *line = ds_value_get_string (ds_block_get (block, i), &n_bytes);

          g_string_append_len (found, line, (gssize) n_bytes);
          g_string_append_c (found, '\n');
        }
      assert_same (found, expected);
    }
  g_string_free (expected, TRUE);

  for (gsize before = DS_FILE_PIECE_BYTES - 3; before <= DS_FILE_PIECE_BYTES + 1;
       before++)
    {
      g_autoptr (GString) text = g_string_new (NULL);

      for (gsize i = 0; i < before; i++)
        g_string_append_c (text, 'x');
      g_string_append (text, "\r\nend");
      for (guint n_partitions = 1; n_partitions <= 3; n_partitions++)
        check_limit (files, text, 1024 * 1024, DS_FILE_ON_BAD_SKIP, n_partitions);
    }
  g_test_message ("%u split positions, the same lines at each", n_positions);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) DS_TEST_ADD_FILES ("/rdd/file-lines/" path, func)
  /* First: the peak of memory is that of the process. */
  ADD ("c4-of-a-gibibyte-are-skipped-in-little-memory", test_file_lines_of_a_gibibyte);
  ADD ("past-the-limit-are-skipped-or-split", test_file_lines_past_the_limit);
  ADD ("larger-than-a-piece", test_file_lines_larger_than_a_piece);
  ADD ("fail-past-the-limit", test_file_lines_fail_past_the_limit);
  ADD ("c5-hold-any-bytes", test_file_lines_of_any_bytes);
  ADD ("c6-carriage-returns-at-every-split", test_file_lines_with_carriage_returns);
#undef ADD
  return g_test_run ();
}
