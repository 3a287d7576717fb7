/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files that a function of the program parses, and files that are one value. */

#include "tests/rdd/ds-test-files.h"

/* ---- Parse functions: a length byte, then so many bytes of a string ---- */

typedef struct
{
  guint n_calls;
  guint n_destroyed;
  gboolean one_a_call;
} Parser;

static gsize
parse_strings (const guint8 *bytes,
               gsize n_bytes,
               gboolean at_end,
               DsTask *task,
               gpointer user_data)
{
  Parser *self = user_data;
  gsize n_taken = 0;

  self->n_calls++;
  while (n_taken < n_bytes && n_bytes - n_taken > bytes[n_taken])
    {
      ds_task_emit (task, ds_value_string_sized ((const char *) bytes + n_taken + 1,
                                                 bytes[n_taken]));
      n_taken += 1u + bytes[n_taken];
      if (self->one_a_call)
        break;
    }
  return n_taken;
}

static void
count_destroyed (gpointer user_data)
{
  ((Parser *) user_data)->n_destroyed++;
}

static GString *
make_strings (guint n_strings, GString *expected)
{
  GString *bytes = g_string_new (NULL);

  for (guint i = 0; i < n_strings; i++)
    {
      guint length = (guint) g_test_rand_int_range (0, 200);

      g_string_append_c (bytes, (char) length);
      for (guint j = 0; j < length; j++)
        g_string_append_c (bytes, 'a' + (char) (i % 26));
      g_string_append_len (expected, bytes->str + bytes->len - length, (gssize) length);
      g_string_append_c (expected, '\n');
    }
  return bytes;
}

static void
test_file_formats_parse (DsTestFiles *files, gconstpointer one_a_call)
{
  g_autoptr (GString) expected = g_string_new (NULL);
  g_autoptr (GString) bytes = make_strings (10000, expected);
  g_autofree char *path = ds_test_files_write (files, "strings", bytes->str, bytes->len);
  g_autofree char *packed =
      ds_test_files_write_packed (files, "strings.gz", bytes->str, bytes->len);
  Parser parser = { .one_a_call = one_a_call != NULL };
  DsFileFormat format = { .kind = DS_FILE_FORMAT_PARSE,
                          .parse = parse_strings,
                          .parse_data = &parser,
                          .parse_destroy = count_destroyed };
  DsRdd *rdd = ds_test_files_open (files, &format, path, NULL);
  DsRdd *packed_rdd = ds_test_files_open (files, &format, packed, NULL);

  g_test_summary ("1 MB of values that end anywhere in the pieces that are read");

  ds_test_assert_collects (rdd, expected->str);
  if (!parser.one_a_call)
    g_assert_cmpuint (parser.n_calls, <=, bytes->len / DS_FILE_PIECE_BYTES + 2);
  ds_test_assert_collects (packed_rdd, expected->str);
  g_object_unref (rdd);
  g_assert_cmpuint (parser.n_destroyed, ==, 1);
  g_object_unref (packed_rdd);
  g_assert_cmpuint (parser.n_destroyed, ==, 2);
}

static void
test_file_formats_parse_remainder (DsTestFiles *files, gconstpointer user_data)
{
  static const char bytes[] = "\x01"
                              "a\x02"
                              "bc\x09"
                              "def";
  g_autofree char *path = ds_test_files_write (files, "cut", bytes, sizeof bytes - 1);
  g_autofree char *good = ds_test_files_write (files, "good", "\x01z", 2);
  Parser parser = { 0 };
  DsFileFormat format = { .kind = DS_FILE_FORMAT_PARSE,
                          .parse = parse_strings,
                          .parse_data = &parser };
  g_autoptr (DsRdd) failing = ds_test_files_open (files, &format, path, good, NULL);
  g_autoptr (DsRdd) skipping = NULL;
  g_autoptr (DsRdd) whole = NULL;

  g_test_summary ("What a parser leaves at the end fails naming offset and size, or is "
                  "dropped and counted");

  ds_test_assert_fails (failing, DS_ERROR_BAD_FILE, path, "offset 5", "4 bytes", NULL);
  /* Values went on already: half a file is not passed over in silence. */
  format.policy = DS_FILE_ON_BAD_SKIP_FILE;
  whole = ds_test_files_open (files, &format, path, good, NULL);
  ds_test_assert_fails (whole, DS_ERROR_BAD_FILE, path, "offset 5", NULL);
  format.policy = DS_FILE_ON_BAD_SKIP;
  skipping = ds_test_files_open (files, &format, path, good, NULL);
  ds_test_assert_collects (skipping, "a\nbc\nz\n");
  g_assert_cmpint (ds_context_get_counter (files->context, DS_FILE_SKIPPED_COUNTER), ==,
                   1);
}

static gsize
parse_too_much (const guint8 *bytes,
                gsize n_bytes,
                gboolean at_end,
                DsTask *task,
                gpointer user_data)
{
  return n_bytes + 1;
}

static gsize
parse_and_fail (const guint8 *bytes,
                gsize n_bytes,
                gboolean at_end,
                DsTask *task,
                gpointer user_data)
{
  ds_task_fail (task, "byte %d is no good", bytes[0]);
  return n_bytes;
}

static gsize
parse_nothing (const guint8 *bytes,
               gsize n_bytes,
               gboolean at_end,
               DsTask *task,
               gpointer user_data)
{
  return 0;
}

static void
test_file_formats_parse_misbehaves (DsTestFiles *files, gconstpointer user_data)
{
  g_autofree char *bytes = g_strnfill (3 * 1024 * 1024, 'x');
  g_autofree char *path = ds_test_files_write (files, "bytes", bytes, 3 * 1024 * 1024);
  DsFileFormat format = { .kind = DS_FILE_FORMAT_PARSE,
                          .parse = parse_too_much,
                          .max_record_bytes = 1024 * 1024 };
  g_autoptr (DsRdd) taking = ds_test_files_open (files, &format, path, NULL);
  g_autoptr (DsRdd) failing = NULL;
  g_autoptr (DsRdd) waiting = NULL;

  g_test_summary ("A parser that takes more than it was given, fails, or takes nothing");

  ds_test_assert_fails (taking, DS_ERROR_USER_FUNCTION, "262145 bytes", path, "262144",
                        NULL);
  format.parse = parse_and_fail;
  failing = ds_test_files_open (files, &format, path, NULL);
  ds_test_assert_fails (failing, DS_ERROR_USER_FUNCTION, path, "offset 0",
                        "parsed_files, partition 0", "byte 120 is no good", NULL);
  format.parse = parse_nothing;
  waiting = ds_test_files_open (files, &format, path, NULL);
  ds_test_assert_fails (waiting, DS_ERROR_LIMIT, path, "offset 0", NULL);
}

/* ---- Whole files ---- */

static void
test_file_formats_whole (DsTestFiles *files, gconstpointer user_data)
{
  g_autofree char *a = ds_test_files_write (files, "a", "one\r\ntwo", 8);
  g_autofree char *b = ds_test_files_write (files, "b", "", 0);
  g_autofree char *c = ds_test_files_write_packed (files, "c.gz", "packed", 6);
  g_autoptr (DsRdd) text = ds_context_whole_text_files (files->context, files->directory);
  g_autoptr (DsRdd) bytes = ds_context_binary_files (files->context, files->directory);
  g_autoptr (DsBlock) block = ds_rdd_collect (bytes, NULL);
  g_autofree char *expected =
      g_strdup_printf ("(%s,one\r\ntwo)\n(%s,)\n(%s,packed)\n", a, b, c);
  g_autofree char *packed = NULL;
  gsize n_packed;
  gsize n_bytes;
  const guint8 *found;

  g_test_summary ("(path, content) in order of name; text is unpacked, bytes are as they "
                  "lie");

  ds_test_assert_collects (text, expected);
  g_assert_cmpuint (ds_block_get_length (block), ==, 3);
  g_assert_true (ds_value_equals_string (ds_pair_key (ds_block_get (block, 2)), c));
  found = ds_value_get_bytes (ds_pair_value (ds_block_get (block, 2)), &n_bytes);
  g_assert_true (g_file_get_contents (c, &packed, &n_packed, NULL));
  g_assert_cmpuint (n_bytes, ==, n_packed);
  g_assert_cmpint (memcmp (found, packed, n_bytes), ==, 0);
}

static void
count_report (const DsPlannedFile *file, const GError *reason, gpointer user_data)
{
  g_assert_error (reason, DS_ERROR, DS_ERROR_LIMIT);
  (*(guint *) user_data)++;
}

static void
test_file_formats_whole_limit (DsTestFiles *files, gconstpointer user_data)
{
  g_autofree char *large = ds_test_files_write (files, "large", "0123456789", 10);
  g_autofree char *small = ds_test_files_write (files, "small", "012345678", 9);
  g_autofree char *packed =
      ds_test_files_write_packed (files, "large.gz", "0123456789", 10);
  g_autofree char *expected = g_strdup_printf ("(%s,012345678)\n", small);
  guint n_reports = 0;
  DsFileFormat format = { .kind = DS_FILE_FORMAT_WHOLE_TEXT,
                          .max_record_bytes = 9,
                          .report = count_report,
                          .report_data = &n_reports };
  g_autoptr (DsRdd) failing = ds_test_files_open (files, &format, large, small, NULL);
  g_autoptr (DsRdd) skipping = NULL;
  g_autoptr (DsRdd) passing = NULL;

  g_test_summary ("A file past the limit of a value fails, is skipped, or is reported");

  ds_test_assert_fails (failing, DS_ERROR_LIMIT, large, "9 bytes", NULL);
  format.policy = DS_FILE_ON_BAD_SKIP;
  skipping = ds_test_files_open (files, &format, large, small, packed, NULL);
  ds_test_assert_collects (skipping, expected);
  g_assert_cmpint (ds_context_get_counter (files->context, DS_FILE_SKIPPED_COUNTER), ==,
                   2);
  format.policy = DS_FILE_ON_BAD_SKIP_FILE;
  passing = ds_test_files_open (files, &format, large, small, packed, NULL);
  ds_test_assert_collects (passing, expected);
  g_assert_cmpuint (n_reports, ==, 2);
}

/* ---- msgpack ---- */

static void
test_file_formats_msgpack (DsTestFiles *files, gconstpointer user_data)
{
  g_autofree char *saved = g_build_filename (files->directory, "saved", NULL);
  g_autofree char *text = g_strnfill (700000, 'x');
  g_autoptr (DsRdd) integers = ds_test_integers (files->context, 200000, 3);
  g_autoptr (DsBlock) longs = ds_block_new_strings (text, "short", text, NULL);
  g_autoptr (DsRdd) strings = ds_context_parallelize (files->context, longs, 1);
  g_autoptr (DsRdd) both = ds_rdd_union (integers, strings);
  g_autoptr (DsRdd) read = ds_context_msgpack_file (files->context, saved);
  g_autofree char *expected = ds_test_collect (both);
  g_autoptr (GError) error = NULL;

  g_test_summary ("What was saved comes back: small values across the pieces that are "
                  "read, and one larger than several of them");

  g_assert_true (ds_rdd_save_as_msgpack_file (both, saved, &error));
  g_assert_no_error (error);
  ds_test_assert_collects (read, expected);
}

static void
test_file_formats_msgpack_damage (DsTestFiles *files, gconstpointer user_data)
{
  /* 1, (2, "a"), then a map of one pair, which is no value. */
  static const guint8 damaged[] = { 0x01, 0xc7, 0x04, 0x01, 0x92, 0x02,
                                    0xa1, 'a',  0x81, 0x01, 0x02 };
  g_autofree char *path = ds_test_files_write (files, "damaged", damaged, sizeof damaged);
  g_autofree char *cut = ds_test_files_write (files, "cut", damaged, 7);
  g_autofree char *whole = ds_test_files_write (files, "whole", damaged, 8);
  g_autofree char *packed = ds_test_files_write_packed (files, "w.gz", damaged, 8);
  DsFileFormat format = { .kind = DS_FILE_FORMAT_PARSE, .parse = ds_parse_msgpack };
  g_autoptr (DsRdd) damaged_rdd = ds_test_files_open (files, &format, path, NULL);
  g_autoptr (DsRdd) cut_rdd = ds_test_files_open (files, &format, cut, NULL);
  g_autoptr (DsRdd) whole_rdd = ds_test_files_open (files, &format, whole, packed, NULL);
  g_autoptr (DsRdd) skipping = NULL;

  g_test_summary ("A value that is none, and one that is cut, fail naming file and "
                  "offset; what is cut can be dropped");

  ds_test_assert_collects (whole_rdd, "1\n(2,a)\n1\n(2,a)\n");
  ds_test_assert_fails (damaged_rdd, DS_ERROR_CORRUPT, path, "offset 0", "byte 8", "0x81",
                        NULL);
  ds_test_assert_fails (cut_rdd, DS_ERROR_BAD_FILE, cut, "offset 1", "6 bytes", NULL);
  format.policy = DS_FILE_ON_BAD_SKIP;
  skipping = ds_test_files_open (files, &format, cut, whole, NULL);
  ds_test_assert_collects (skipping, "1\n1\n(2,a)\n");
  g_assert_cmpint (ds_context_get_counter (files->context, DS_FILE_SKIPPED_COUNTER), ==,
                   1);
}

static void
test_file_formats_refuses_what_it_cannot_do (DsTestFiles *files, gconstpointer user_data)
{
  DsFileFormat split = { .kind = DS_FILE_FORMAT_BINARY,
                         .record_length = 1,
                         .policy = DS_FILE_ON_BAD_SPLIT };
  DsFileFormat large = { .kind = DS_FILE_FORMAT_TEXT, .max_record_bytes = G_MAXUINT32 };
  g_autoptr (DsRdd) split_rdd = ds_test_files_open (files, &split, NULL);
  g_autoptr (DsRdd) large_rdd = ds_test_files_open (files, &large, NULL);

  g_test_summary ("Splitting what has no lines, and values past 4 GiB, are mistakes");

  ds_test_assert_fails (split_rdd, DS_ERROR_INVALID_ARGUMENT, "binary_records", "split",
                        NULL);
  ds_test_assert_fails (large_rdd, DS_ERROR_INVALID_ARGUMENT, "4294967295", NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) DS_TEST_ADD_FILES ("/rdd/file-formats/" path, func)
  ADD ("parse", test_file_formats_parse);
  g_test_add ("/rdd/file-formats/parse-one-a-call", DsTestFiles, "one",
              ds_test_files_set_up, test_file_formats_parse, ds_test_files_tear_down);
  ADD ("parse-leaves-a-remainder", test_file_formats_parse_remainder);
  ADD ("parse-misbehaves", test_file_formats_parse_misbehaves);
  ADD ("whole", test_file_formats_whole);
  ADD ("whole-limit", test_file_formats_whole_limit);
  ADD ("msgpack", test_file_formats_msgpack);
  ADD ("msgpack-damage", test_file_formats_msgpack_damage);
  ADD ("refuses-what-it-cannot-do", test_file_formats_refuses_what_it_cannot_do);
#undef ADD
  return g_test_run ();
}
