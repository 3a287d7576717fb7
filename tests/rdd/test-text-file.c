/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* text_file: which files, which lines, whatever the split. */

#include "tests/base/ds-test-remove.h"
#include "tests/rdd/ds-test-rdd.h"

#include "rdd/ds-file-read-private.h"
#include "rdd/ds-task-private.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  DsTestContext *context;
  char *directory;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  fixture->context = ds_test_context_new ("local[2]");
  fixture->directory = g_dir_make_tmp ("ds-text-file-XXXXXX", NULL);
  g_assert_nonnull (fixture->directory);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  ds_test_context_end (fixture->context);
  ds_test_remove_tree (fixture->directory);
  g_free (fixture->directory);
}

static char *
write_file (Fixture *fixture, const char *name, const char *text, gssize n_bytes)
{
  char *path = g_build_filename (fixture->directory, name, NULL);

  g_assert_true (g_file_set_contents (path, text, n_bytes, NULL));
  return path;
}

static char *
make_directory (Fixture *fixture, const char *name)
{
  char *path = g_build_filename (fixture->directory, name, NULL);

  g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
  return path;
}

static DsRdd *
open_split (Fixture *fixture, const char *path, guint n_partitions)
{
  DsRdd *rdd = ds_context_text_file (fixture->context, path);

  ds_rdd_set_n_partitions (rdd, n_partitions);
  return rdd;
}

/* What the lines of @text are, by a plain loop; each ended by "|" and a line feed. */
static char *
cut_lines (const char *text, gsize n_bytes)
{
  GString *lines = g_string_new (NULL);
  gsize start = 0;

  for (gsize i = 0; i < n_bytes; i++)
    if (text[i] == '\n')
      {
        gsize end = i > start && text[i - 1] == '\r' ? i - 1 : i;

        g_string_append_len (lines, text + start, (gssize) (end - start));
        g_string_append (lines, "\n");
        start = i + 1;
      }
  if (start < n_bytes)
    {
      g_string_append_len (lines, text + start, (gssize) (n_bytes - start));
      g_string_append (lines, "\n");
    }
  return g_string_free (lines, FALSE);
}

static void
test_text_file_every_split_gives_the_lines (Fixture *fixture, gconstpointer user_data)
{
  static const char *const texts[] = { "one\ntwo\nthree\n",
                                       "one\ntwo\nthree",
                                       "",
                                       "\n",
                                       "\n\n\n",
                                       "a",
                                       "a\r\nbb\r\n\r\nccc",
                                       "\r\n\r\n",
                                       "x\ry\r\nz",
                                       "a long line that spans many splits\nb\n\nc\n",
                                       "\n\nend\n\n" };

  g_test_summary ("Cut into 1 to 50 parts, a file has the lines that a plain loop finds");

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *path = write_file (fixture, "text", texts[i], -1);
      g_autofree char *expected = cut_lines (texts[i], strlen (texts[i]));

      for (guint n_partitions = 1; n_partitions <= 50; n_partitions++)
        {
          g_autoptr (DsRdd) rdd = open_split (fixture, path, n_partitions);

          ds_test_assert_collects (rdd, expected);
          g_assert_cmpuint (ds_rdd_get_n_partitions (rdd), ==,
                            texts[i][0] != '\0' ? n_partitions : 1);
        }
    }
}

static void
read_split (const DsPlannedFile *file, guint64 begin, guint64 end, GString *lines)
{
  DsFileFormat format = { .kind = DS_FILE_FORMAT_TEXT };
  DsFileSplit split = { .file = file, .begin = begin, .end = end };
  DsTask *task = ds_task_new (NULL, 0, 0);
  g_autoptr (DsBlock) block = NULL;
  DsSink *sink = ds_block_sink_new (task, &block);
  DsFileReader reader = {
    .format = &format, .split = &split, .task = task, .sink = sink
  };

  ds_task_begin (task);
  g_assert_true (ds_file_source_open (&reader.source, file, begin > 0 ? begin - 1 : 0,
                                      TRUE, task, NULL));
  ds_file_read_text (&reader);
  ds_file_source_close (&reader.source);
  g_assert_no_error (task->error);
  g_assert_true (ds_sink_finish (sink));
  ds_task_end (task);
  ds_sink_free (sink);
  ds_task_free (task);
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    {
      g_autofree char *line = ds_value_dup_string (ds_block_get (block, i));

      g_string_append_printf (lines, "%s\n", line);
    }
}

static void
test_text_file_a_split_owns_lines_that_begin_in_it (Fixture *fixture,
                                                    gconstpointer user_data)
{
  static const char text[] = "aa\n\nb\r\ncccc\nd";
  gsize n_bytes = strlen (text);
  g_autofree char *path = write_file (fixture, "text", text, -1);
  g_autoptr (GPtrArray) files = ds_file_list_path (path, NULL);

  g_test_summary ("For each pair of borders: the lines that begin between them");

  g_assert_nonnull (files);
  for (gsize begin = 0; begin <= n_bytes; begin++)
    for (gsize end = begin; end <= n_bytes; end++)
      {
        g_autoptr (GString) found = g_string_new (NULL);
        g_autoptr (GString) expected = g_string_new (NULL);

        for (gsize i = begin; i < end; i++)
          if (i == 0 || text[i - 1] == '\n')
            {
              const char *line_end = strchr (text + i, '\n');
              gsize length =
                  line_end != NULL ? (gsize) (line_end - text) - i : n_bytes - i;

              if (length > 0 && text[i + length - 1] == '\r')
                length--;
              g_string_append_len (expected, text + i, (gssize) length);
              g_string_append_c (expected, '\n');
            }
        read_split (files->pdata[0], begin, end, found);
        g_assert_cmpstr (found->str, ==, expected->str);
      }
}

static void
test_text_file_random_text_is_whole (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *expected = NULL;
  g_autofree char *path = NULL;

  g_test_summary (
      "2 MB of random lines, some of them very long, in 1, 2, 7 and 40 parts");

  while (text->len < 2 * 1024 * 1024)
    {
      guint length = (guint) g_test_rand_int_range (0, 100);

      if (g_test_rand_int_range (0, 200) == 0)
        length = (guint) g_test_rand_int_range (0, 400 * 1024);
      for (guint i = 0; i < length; i++)
        g_string_append_c (text, (char) g_test_rand_int_range ('a', 'z'));
      g_string_append (text, g_test_rand_bit () ? "\r\n" : "\n");
    }
  expected = cut_lines (text->str, text->len);
  path = write_file (fixture, "text", text->str, (gssize) text->len);
  for (guint i = 0; i < 4; i++)
    {
      guint n_partitions[] = { 1, 2, 7, 40 };
      g_autoptr (DsRdd) rdd = open_split (fixture, path, n_partitions[i]);

      ds_test_assert_collects (rdd, expected);
    }
}

static void
test_text_file_is_split_for_all_workers (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *path = write_file (fixture, "text", "a\nb\nc\nd\n", -1);
  g_autoptr (DsRdd) rdd = ds_context_text_file (fixture->context, path);
  g_autoptr (DsRdd) glommed = ds_rdd_glom (rdd);

  g_test_summary ("One file feeds as many partitions as there are workers");

  ds_test_assert_collects (glommed, "[a, b]\n[c, d]\n");
}

static void
add_planned (GPtrArray *files, const char *name, guint64 n_bytes)
{
  DsFileStatus status = { .n_bytes = n_bytes, .kind = DS_FILE_REGULAR };

  g_ptr_array_add (files,
                   ds_planned_file_new (ds_file_system_get_local (), name, &status));
}

static void
free_planned (gpointer data)
{
  ds_planned_file_free (data);
}

static void
test_text_file_large_files_are_split_more (Fixture *fixture, gconstpointer user_data)
{
  DsFileFormat format = { .kind = DS_FILE_FORMAT_TEXT };
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (free_planned);
  g_autoptr (GArray) splits = NULL;
  guint64 end = 0;

  g_test_summary ("1 GiB gives eight parts of 128 MiB that meet; gzip is one part");

  add_planned (files, "a", G_GUINT64_CONSTANT (1) << 30);
  add_planned (files, "b", 10);
  add_planned (files, "c.gz", G_GUINT64_CONSTANT (1) << 30);
  add_planned (files, "d", 0);
  splits = ds_file_split (files, &format, 2);
  g_assert_cmpuint (splits->len, ==, 8 + 3);
  for (guint i = 0; i < 8; i++)
    {
      DsFileSplit *split = &g_array_index (splits, DsFileSplit, i);

      g_assert_true (split->file == files->pdata[0]);
      g_assert_cmpuint (split->begin, ==, end);
      end = split->end;
      g_assert_cmpuint (end - split->begin, ==, 128 * 1024 * 1024);
    }
  g_assert_cmpuint (end, ==, G_GUINT64_CONSTANT (1) << 30);
}

static void
test_text_file_shares_large_files_evenly (Fixture *fixture, gconstpointer user_data)
{
  const guint64 mib = 1024 * 1024;
  const struct
  {
    guint64 n_bytes;
    guint min_splits;
    guint n_splits;
  } cases[] = { { 256 * mib + 4, 2, 2 }, { 288 * mib, 2, 2 },  { 288 * mib + 1, 2, 4 },
                { 300 * mib, 1, 3 },     { 512 * mib, 2, 4 },  { 513 * mib, 2, 6 },
                { 10 * mib, 16, 16 },    { 2048 * mib, 3, 18 } };
  DsFileFormat format = { .kind = DS_FILE_FORMAT_TEXT };

  g_test_summary ("A large file has a multiple of the parts that are asked for");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (free_planned);
      g_autoptr (GArray) splits = NULL;

      add_planned (files, "large", cases[i].n_bytes);
      splits = ds_file_split (files, &format, cases[i].min_splits);
      g_assert_cmpuint (splits->len, ==, cases[i].n_splits);
    }
}

static void
test_text_file_small_files_share_partitions (Fixture *fixture, gconstpointer user_data)
{
  DsFileFormat format = { .kind = DS_FILE_FORMAT_TEXT };
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (free_planned);
  g_autoptr (GArray) splits = NULL;
  g_autoptr (GArray) first = NULL;

  g_test_summary (
      "A thousand files of 1 KiB for four workers: four partitions, in order, "
      "of 250 files each");

  for (guint i = 0; i < 1000; i++)
    add_planned (files, "small", 1024);
  splits = ds_file_split (files, &format, 4);
  g_assert_cmpuint (splits->len, ==, 1000);
  first = ds_file_share_splits (splits, &format, 4);
  g_assert_cmpuint (first->len, ==, 4 + 1);
  for (guint i = 0; i <= 4; i++)
    g_assert_cmpuint (g_array_index (first, guint, i), ==, 250 * i);
}

static void
test_text_file_reads_a_directory (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *b G_GNUC_UNUSED = write_file (fixture, "b", "b1\nb2", -1);
  g_autofree char *a G_GNUC_UNUSED = write_file (fixture, "a.txt", "a1\n", -1);
  g_autofree char *empty G_GNUC_UNUSED = write_file (fixture, "aa", "", -1);
  g_autofree char *hidden = write_file (fixture, ".hidden", "no\n", -1);
  g_autofree char *success G_GNUC_UNUSED = write_file (fixture, "_SUCCESS", "no\n", -1);
  g_autofree char *below G_GNUC_UNUSED = make_directory (fixture, "below");
  g_autofree char *deep G_GNUC_UNUSED = write_file (fixture, "below/deep", "no\n", -1);
  g_autofree char *pipe = g_build_filename (fixture->directory, "pipe", NULL);
  g_autoptr (DsRdd) rdd = ds_context_text_file (fixture->context, fixture->directory);
  g_autoptr (DsRdd) named = ds_context_text_file (fixture->context, hidden);
  g_autoptr (DsRdd) none = NULL;
  g_autofree char *nothing = make_directory (fixture, "nothing");

  g_test_summary ("A directory: its plain files in order of name, without . and _ names");

  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);
  ds_test_assert_collects (rdd, "a1\nb1\nb2\n");
  ds_test_assert_collects (named, "no\n");
  none = ds_context_text_file (fixture->context, nothing);
  ds_test_assert_collects (none, "");
}

static void
test_text_file_matches_a_glob (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *a = write_file (fixture, "log-2", "two\n", -1);
  g_autofree char *b G_GNUC_UNUSED = write_file (fixture, "log-10", "ten\n", -1);
  g_autofree char *c G_GNUC_UNUSED = write_file (fixture, "other", "no\n", -1);
  g_autofree char *odd = write_file (fixture, "odd[1]", "odd\n", -1);
  g_autofree char *below G_GNUC_UNUSED = make_directory (fixture, "log-dir");
  g_autofree char *deep G_GNUC_UNUSED =
      write_file (fixture, "log-dir/part", "deep\n", -1);
  g_autofree char *pipe = g_build_filename (fixture->directory, "log-pipe", NULL);
  g_autofree char *pattern = g_build_filename (fixture->directory, "log-*", NULL);
  g_autofree char *wrong = g_build_filename (fixture->directory, "x*", NULL);
  g_autofree char *uri = g_strconcat ("file://", a, NULL);
  g_autoptr (DsRdd) rdd = ds_context_text_file (fixture->context, pattern);
  g_autoptr (DsRdd) none = ds_context_text_file (fixture->context, wrong);
  g_autoptr (DsRdd) literal = ds_context_text_file (fixture->context, odd);
  g_autoptr (DsRdd) by_uri = ds_context_text_file (fixture->context, uri);

  g_test_summary ("A glob: files in order of bytes, files of directories, no pipes");

  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);
  ds_test_assert_collects (rdd, "ten\ntwo\ndeep\n");
  ds_test_assert_fails (none, DS_ERROR_NOT_FOUND, "text_file", wrong, NULL);
  ds_test_assert_collects (literal, "odd\n");
  ds_test_assert_collects (by_uri, "two\n");
}

static void
test_text_file_unpacks_gzip (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GZlibCompressor) packer =
      g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, -1);
  g_autoptr (GByteArray) packed = g_byte_array_new ();
  g_autofree char *path = NULL;
  g_autofree char *cut = NULL;
  g_autofree char *damaged = NULL;
  g_autofree char *expected = NULL;

  g_test_summary ("Two gzip members are one file; a cut or damaged one is an error");

  for (guint i = 0; i < 200000; i++)
    g_string_append_printf (text, "line %u\r\n", i);
  g_string_append (text, "last");
  /* Half of it in each member; the border lies within a line. */
  for (guint half = 0; half < 2; half++)
    {
      gsize from = half == 0 ? 0 : text->len / 2;
      gsize to = half == 0 ? text->len / 2 : text->len;
      GConverterResult result = G_CONVERTER_CONVERTED;

      g_converter_reset (G_CONVERTER (packer));
      while (result != G_CONVERTER_FINISHED)
        {
          guint8 buffer[4096];
          gsize n_taken;
          gsize n_made;

          result = g_converter_convert (G_CONVERTER (packer), text->str + from, to - from,
                                        buffer, sizeof buffer, G_CONVERTER_INPUT_AT_END,
                                        &n_taken, &n_made, NULL);
          g_assert_cmpint (result, !=, G_CONVERTER_ERROR);
          from += n_taken;
          g_byte_array_append (packed, buffer, (guint) n_made);
        }
    }

  expected = cut_lines (text->str, text->len);
  path = write_file (fixture, "text.gz", (const char *) packed->data, packed->len);
  cut = write_file (fixture, "cut.gz", (const char *) packed->data, packed->len - 9);
  packed->data[packed->len / 3] ^= 0x55;
  damaged = write_file (fixture, "damaged.gz", (const char *) packed->data, packed->len);
  {
    g_autoptr (DsRdd) rdd = ds_context_text_file (fixture->context, path);
    g_autoptr (DsRdd) cut_rdd = ds_context_text_file (fixture->context, cut);
    g_autoptr (DsRdd) damaged_rdd = ds_context_text_file (fixture->context, damaged);

    ds_test_assert_collects (rdd, expected);
    g_assert_cmpuint (ds_rdd_get_n_partitions (rdd), ==, 1);
    ds_test_assert_fails (cut_rdd, DS_ERROR_BAD_FILE, cut, "gzip", NULL);
    ds_test_assert_fails (damaged_rdd, DS_ERROR_BAD_FILE, damaged, "gzip", NULL);
  }
}

static void
test_text_file_gzip_that_grows_much (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GZlibCompressor) packer =
      g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, 9);
  g_autofree char *text = g_strnfill (8 * 1024 * 1024, '\n');
  g_autofree guint8 *packed = g_malloc (1024 * 1024);
  gsize n_taken;
  gsize n_made;
  g_autofree char *path = NULL;
  g_autoptr (DsRdd) rdd = NULL;

  g_test_summary ("8 MiB from 8 KiB: what the unpacker holds back at the end comes, too");

  g_assert_cmpint (g_converter_convert (G_CONVERTER (packer), text, 8 * 1024 * 1024,
                                        packed, 1024 * 1024, G_CONVERTER_INPUT_AT_END,
                                        &n_taken, &n_made, NULL),
                   ==, G_CONVERTER_FINISHED);
  path = write_file (fixture, "bomb.gz", (const char *) packed, (gssize) n_made);
  rdd = ds_context_text_file (fixture->context, path);
  g_assert_cmpint (ds_rdd_count (rdd, NULL), ==, 8 * 1024 * 1024);
}

static void
test_text_file_changed_files_are_errors (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *path = write_file (fixture, "text", "one\ntwo\n", -1);
  g_autofree char *gone = write_file (fixture, "gone", "one\n", -1);
  g_autoptr (DsRdd) rdd = ds_context_text_file (fixture->context, path);
  g_autoptr (DsRdd) gone_rdd = ds_context_text_file (fixture->context, gone);

  g_test_summary ("A file that shrank, grew, vanished or became a pipe fails naming it");

  ds_test_assert_collects (rdd, "one\ntwo\n");
  ds_test_assert_collects (gone_rdd, "one\n");
  g_assert_cmpint (truncate (path, 4), ==, 0);
  ds_test_assert_fails (rdd, DS_ERROR_BAD_FILE, "text_file, partition 0", path,
                        "truncated", "4", "8", NULL);
  g_assert_cmpint (truncate (path, 14), ==, 0);
  ds_test_assert_fails (rdd, DS_ERROR_BAD_FILE, path, "appended", "8", "14", NULL);
  g_assert_true (g_file_set_contents (path, "one\ntwo\n", -1, NULL));
  ds_test_assert_fails (rdd, DS_ERROR_BAD_FILE, path, "replaced", NULL);
  g_assert_cmpint (g_remove (gone), ==, 0);
  ds_test_assert_fails (gone_rdd, DS_ERROR_NOT_FOUND, "text_file, partition 0", gone,
                        NULL);
  g_assert_cmpint (mkfifo (gone, 0600), ==, 0);
  ds_test_assert_fails (gone_rdd, DS_ERROR_BAD_FILE, gone, NULL);
}

static void
test_text_file_names_what_is_missing (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *path = g_build_filename (fixture->directory, "later", NULL);
  g_autofree char *pipe = g_build_filename (fixture->directory, "pipe", NULL);
  g_autoptr (DsRdd) rdd = ds_context_text_file (fixture->context, path);
  g_autoptr (DsRdd) words = ds_rdd_flat_map (rdd, ds_split_words, NULL, NULL);
  g_autoptr (DsRdd) pipe_rdd = ds_context_text_file (fixture->context, pipe);

  g_test_summary ("A missing file is an error of the action; once there, it is read");

  ds_test_assert_fails (words, DS_ERROR_NOT_FOUND, "text_file: ", path, NULL);
  g_assert_cmpuint (ds_rdd_get_n_partitions (words), ==, 0);
  g_assert_true (g_file_set_contents (path, "here now", -1, NULL));
  ds_test_assert_collects (words, "here\nnow\n");

  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);
  ds_test_assert_fails (pipe_rdd, DS_ERROR_BAD_FILE, pipe, "pipe", NULL);
}

static void
test_text_file_limits_lines (Fixture *fixture, gconstpointer user_data)
{
  gsize n_bytes = DS_FILE_DEFAULT_MAX_LINE_BYTES;
  g_autofree char *path = g_build_filename (fixture->directory, "long", NULL);
  g_autoptr (DsRdd) rdd = NULL;
  FILE *file = g_fopen (path, "w");

  g_test_summary ("A line past 64 MiB fails naming file and limit, and takes no more");

  /* A file with a hole: zero bytes without a line end. */
  g_assert_nonnull (file);
  g_assert_cmpint (fseek (file, (long) (n_bytes + 2 * 1024 * 1024), SEEK_SET), ==, 0);
  g_assert_cmpint (fputs ("\nend\n", file), >=, 0);
  g_assert_cmpint (fclose (file), ==, 0);
  rdd = open_split (fixture, path, 1);
  ds_test_assert_fails (rdd, DS_ERROR_LIMIT, path, "67108864", NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) \
  g_test_add ("/rdd/text-file/" path, Fixture, NULL, set_up, func, tear_down)
  ADD ("every-split-gives-the-lines", test_text_file_every_split_gives_the_lines);
  ADD ("a-split-owns-lines-that-begin-in-it",
       test_text_file_a_split_owns_lines_that_begin_in_it);
  ADD ("random-text-is-whole", test_text_file_random_text_is_whole);
  ADD ("is-split-for-all-workers", test_text_file_is_split_for_all_workers);
  ADD ("large-files-are-split-more", test_text_file_large_files_are_split_more);
  ADD ("shares-large-files-evenly", test_text_file_shares_large_files_evenly);
  ADD ("small-files-share-partitions", test_text_file_small_files_share_partitions);
  ADD ("reads-a-directory", test_text_file_reads_a_directory);
  ADD ("matches-a-glob", test_text_file_matches_a_glob);
  ADD ("unpacks-gzip", test_text_file_unpacks_gzip);
  ADD ("gzip-that-grows-much", test_text_file_gzip_that_grows_much);
  ADD ("changed-files-are-errors", test_text_file_changed_files_are_errors);
  ADD ("names-what-is-missing", test_text_file_names_what_is_missing);
  ADD ("limits-lines", test_text_file_limits_lines);
#undef ADD
  return g_test_run ();
}
