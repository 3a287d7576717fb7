/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* binary_records: files of records of a fixed length. */

#include "tests/rdd/ds-test-files.h"

static char *
make_bytes (gsize n_bytes)
{
  char *bytes = g_malloc (n_bytes + 1);

  for (gsize i = 0; i < n_bytes; i++)
    bytes[i] = (char) g_test_rand_int ();
  return bytes;
}

/* The values of @rdd are @bytes, cut every @length bytes. */
static void
assert_records (DsRdd *rdd, const char *bytes, gsize n_bytes, gsize length)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) block = ds_rdd_collect (rdd, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (ds_block_get_length (block), ==, n_bytes / length);
  for (gsize i = 0; i < n_bytes / length; i++)
    {
      gsize n_found;
      const guint8 *found = ds_value_get_bytes (ds_block_get (block, i), &n_found);

      g_assert_cmpuint (n_found, ==, length);
      g_assert_cmpint (memcmp (found, bytes + i * length, length), ==, 0);
    }
}

static void
test_binary_records_are_the_bytes (DsTestFiles *files, gconstpointer user_data)
{
  static const gsize lengths[] = { 1, 2, 3, 7, 16, 100, 1000, 4096, 300000 };
  static const guint n_partitions[] = { 1, 2, 5 };

  g_test_summary ("Random files of records of 1 byte to 300,000, in 1, 2 and 5 parts and "
                  "packed: each record is its bytes");

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      gsize n_bytes = MAX (lengths[i] * 3, 600000 / lengths[i] * lengths[i]);
      g_autofree char *bytes = make_bytes (n_bytes);
      g_autofree char *path = ds_test_files_write (files, "records", bytes, n_bytes);
      g_autofree char *packed =
          ds_test_files_write_packed (files, "packed.gz", bytes, n_bytes);
      g_autoptr (DsRdd) packed_rdd =
          ds_context_binary_records (files->context, packed, lengths[i]);

      for (guint j = 0; j < G_N_ELEMENTS (n_partitions); j++)
        {
          g_autoptr (DsRdd) rdd =
              ds_context_binary_records (files->context, path, lengths[i]);

          ds_rdd_set_n_partitions (rdd, n_partitions[j]);
          assert_records (rdd, bytes, n_bytes, lengths[i]);
          g_assert_cmpuint (ds_rdd_get_n_partitions (rdd), ==, n_partitions[j]);
        }
      assert_records (packed_rdd, bytes, n_bytes, lengths[i]);
    }
}

static void
check_slices (const DsValue *values, gsize n_values, DsTask *task, gpointer user_data)
{
  for (gsize i = 1; i < n_values; i++)
    if (ds_value_get_bytes (values[i], NULL) !=
        ds_value_get_bytes (values[i - 1], NULL) + 16)
      ds_task_fail_literal (task, "a record does not lie behind the one before it");
  ds_task_emit (task, ds_value_int ((gint64) n_values));
}

static void
test_binary_records_are_slices (DsTestFiles *files, gconstpointer user_data)
{
  g_autofree char *bytes = make_bytes (16 * 5000);
  g_autofree char *path = ds_test_files_write (files, "records", bytes, 16 * 5000);
  g_autoptr (DsRdd) rdd = ds_context_binary_records (files->context, path, 16);
  g_autoptr (DsRdd) checked = ds_rdd_map_chunks (rdd, check_slices, NULL, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (DsBlock) sum = ds_rdd_sum (checked, &error);

  g_test_summary ("Records are not copied: in a chunk they lie one behind the other");

  g_assert_no_error (error);
  g_assert_cmpint (ds_value_get_int (ds_block_get (sum, 0)), ==, 5000);
}

static DsValue
read_numbers (DsValue record, DsTask *task, gpointer user_data)
{
  return ds_tuple (task, ds_value_int (ds_value_get_int_at (record, 0, 2, G_BIG_ENDIAN)),
                   ds_value_int (ds_value_get_int_at (record, 2, 1, G_LITTLE_ENDIAN)),
                   ds_value_double (ds_value_get_double_at (record, 3, 4, G_BIG_ENDIAN)));
}

static void
test_binary_records_hold_numbers (DsTestFiles *files, gconstpointer user_data)
{
  /* 258, -1, 1.5; 0, 7, -2.0 */
  static const guint8 bytes[] = { 1, 2, 0xff, 0x3f, 0xc0, 0, 0, 0, 0, 7, 0xc0, 0, 0, 0 };
  g_autofree char *path = ds_test_files_write (files, "numbers", bytes, sizeof bytes);
  g_autoptr (DsRdd) rdd = ds_context_binary_records (files->context, path, 7);
  g_autoptr (DsRdd) numbers = ds_rdd_map (rdd, read_numbers, NULL, NULL);

  g_test_summary ("Numbers of any byte order at any offset of a record of 7 bytes");

  ds_test_assert_collects (numbers, "(258,-1,1.5)\n(0,7,-2.0)\n");
}

static void
test_binary_records_of_many_files_keep_their_order (DsTestFiles *files,
                                                    gconstpointer user_data)
{
  g_autofree char *a G_GNUC_UNUSED = ds_test_files_write (files, "a", "a1a2", 4);
  g_autofree char *b G_GNUC_UNUSED = ds_test_files_write (files, "b", "", 0);
  g_autofree char *c G_GNUC_UNUSED = ds_test_files_write (files, "c", "c1", 2);
  g_autofree char *d G_GNUC_UNUSED =
      ds_test_files_write_packed (files, "d.gz", "d1d2", 4);
  g_autoptr (DsRdd) rdd = ds_context_binary_records (files->context, files->directory, 2);
  g_autoptr (DsBlock) first = NULL;

  g_test_summary ("A directory: files in order of name; take stops after what it wants");

  ds_test_assert_collects (rdd, "0x6131\n0x6132\n0x6331\n0x6431\n0x6432\n");
  first = ds_rdd_take (rdd, 1, NULL);
  g_assert_cmpuint (ds_block_get_length (first), ==, 1);
}

static void
test_binary_records_are_listed_again_after_a_failure (DsTestFiles *files,
                                                      gconstpointer user_data)
{
  g_autofree char *cut = ds_test_files_write (files, "a", "abc", 3);
  g_autoptr (DsRdd) rdd = ds_context_binary_records (files->context, files->directory, 2);
  g_autofree char *b = NULL;
  g_autofree char *c = NULL;

  g_test_summary ("As long as no job could be prepared, the files are those of the next");

  ds_test_assert_fails (rdd, DS_ERROR_BAD_RECORD_LENGTH, cut, NULL);
  g_assert_cmpint (g_remove (cut), ==, 0);
  b = ds_test_files_write (files, "b", "b1b2", 4);
  c = ds_test_files_write (files, "c", "c1", 2);
  ds_test_assert_collects (rdd, "0x6231\n0x6232\n0x6331\n");
}

/* ---- What does not fit ---- */

static void
count_report (const DsPlannedFile *file, const GError *reason, gpointer user_data)
{
  g_assert_true (g_str_has_suffix (file->path, "bad") ||
                 g_str_has_suffix (file->path, "bad.gz"));
  g_assert_error (reason, DS_ERROR, DS_ERROR_BAD_RECORD_LENGTH);
  g_assert_nonnull (strstr (reason->message, "records of 16"));
  (*(guint *) user_data)++;
}

/* A good file of two records and one with three and @remainder bytes more. */
static void
check_remainder (DsTestFiles *files, gsize remainder, gboolean is_packed)
{
  g_autofree char *bytes = make_bytes (64);
  g_autofree char *good = ds_test_files_write (files, "good", bytes, 32);
  g_autofree char *bad =
      is_packed ? ds_test_files_write_packed (files, "bad.gz", bytes, 48 + remainder)
                : ds_test_files_write (files, "bad", bytes, 48 + remainder);
  g_autofree char *size = g_strdup_printf (" %" G_GSIZE_FORMAT " bytes", 48 + remainder);
  g_autofree char *rest =
      g_strdup_printf ("and %" G_GSIZE_FORMAT " bytes more", remainder);
  g_autofree char *all = g_malloc (32 + 48);
  guint n_reports = 0;
  DsFileFormat format = { .kind = DS_FILE_FORMAT_BINARY,
                          .record_length = 16,
                          .report = count_report,
                          .report_data = &n_reports };
  g_autoptr (DsRdd) failing = ds_test_files_open (files, &format, good, bad, NULL);
  gint64 n_skipped = ds_context_get_counter (files->context, DS_FILE_SKIPPED_COUNTER);
  g_autoptr (DsRdd) dropping = NULL;
  g_autoptr (DsRdd) skipping = NULL;

  ds_test_assert_fails (failing, DS_ERROR_BAD_RECORD_LENGTH, bad, size, "of 16 bytes",
                        rest, NULL);

  format.policy = DS_FILE_ON_BAD_SKIP;
  dropping = ds_test_files_open (files, &format, good, bad, NULL);
  memcpy (all, bytes, 32);
  memcpy (all + 32, bytes, 48);
  ds_rdd_set_n_partitions (dropping, 4);
  assert_records (dropping, all, 80, 16);
  g_assert_cmpint (ds_context_get_counter (files->context, DS_FILE_SKIPPED_COUNTER), ==,
                   n_skipped + 1);

  g_assert_cmpuint (n_reports, ==, 0);
  format.policy = DS_FILE_ON_BAD_SKIP_FILE;
  skipping = ds_test_files_open (files, &format, good, bad, NULL);
  assert_records (skipping, bytes, 32, 16);
  assert_records (skipping, bytes, 32, 16);
  g_assert_cmpuint (n_reports, ==, 1);
}

static void
test_binary_records_remainders (DsTestFiles *files, gconstpointer user_data)
{
  g_test_summary ("A file of 3 records and 1 to 15 bytes more fails naming path, size, "
                  "length and remainder, loses the remainder, or is passed over whole");

  for (gsize remainder = 1; remainder < 16; remainder++)
    {
      check_remainder (files, remainder, FALSE);
      check_remainder (files, remainder, TRUE);
    }
  g_test_message ("remainders 1..15 of 16, plain and packed, under three policies: 90 "
                  "outcomes as documented, 0 others");
}

static void
test_binary_records_refuse_lengths (DsTestFiles *files, gconstpointer user_data)
{
  static const struct
  {
    gsize length;
    const char *named;
  } refused[] = { { 0, "length of 0 bytes" },
                  { (gsize) -1, "18446744073709551615" },
                  { (gsize) -16, "18446744073709551600" },
                  { G_MAXSIZE / 2 + 1, "9223372036854775808" },
                  { (gsize) 1 << 32, "4294967296" },
                  { (gsize) 1 << 31, "2147483648" },
                  { ((gsize) 1 << 30) + 1, "1073741825" } };
  g_autofree char *path = ds_test_files_write (files, "records", "0123456789", 10);
  g_autofree char *missing = g_build_filename (files->directory, "missing", NULL);
  DsFileFormat larger = { .kind = DS_FILE_FORMAT_BINARY,
                          .record_length = 11,
                          .policy = DS_FILE_ON_BAD_SKIP };
  g_autoptr (DsRdd) too_long = ds_context_binary_records (files->context, path, 11);
  g_autoptr (DsRdd) longest =
      ds_context_binary_records (files->context, path, (gsize) 1 << 30);
  g_autoptr (DsRdd) none = ds_test_files_open (files, &larger, path, NULL);

  g_test_summary (
      "Lengths of 0, below 0, of 2^31 and the like are refused when the RDD is "
      "made; one longer than the file is a remainder");

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      /* There is no such file: the length was judged before anybody looked. */
      g_autoptr (DsRdd) rdd =
          ds_context_binary_records (files->context, missing, refused[i].length);
      DsFileFormat format = { .kind = DS_FILE_FORMAT_BINARY,
                              .record_length = refused[i].length };
      g_autoptr (GError) error = NULL;

      ds_test_assert_fails (rdd, DS_ERROR_BAD_RECORD_LENGTH, "binary_records",
                            refused[i].named, "1073741824", NULL);
      g_assert_false (ds_file_format_check (&format, &error));
      g_assert_error (error, DS_ERROR, DS_ERROR_BAD_RECORD_LENGTH);
    }
  ds_test_assert_fails (too_long, DS_ERROR_BAD_RECORD_LENGTH, path, "10 bytes",
                        "0 records of 11", "10 bytes more", NULL);
  ds_test_assert_fails (longest, DS_ERROR_BAD_RECORD_LENGTH, path, "0 records", NULL);
  ds_test_assert_collects (none, "");
  g_test_message ("%u lengths refused before any file was looked at",
                  (guint) G_N_ELEMENTS (refused));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) DS_TEST_ADD_FILES ("/rdd/binary-records/" path, func)
  ADD ("are-the-bytes-of-the-file", test_binary_records_are_the_bytes);
  ADD ("are-slices", test_binary_records_are_slices);
  ADD ("hold-numbers", test_binary_records_hold_numbers);
  ADD ("of-many-files-keep-their-order",
       test_binary_records_of_many_files_keep_their_order);
  ADD ("are-listed-again-after-a-failure",
       test_binary_records_are_listed_again_after_a_failure);
  ADD ("c20-remainders-fail-are-dropped-or-skip-the-file",
       test_binary_records_remainders);
  ADD ("c21-absurd-lengths-are-refused", test_binary_records_refuse_lengths);
#undef ADD
  return g_test_run ();
}
