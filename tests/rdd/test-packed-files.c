/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What may stand behind the last member of a gzip file: zeros, with which it was filled
 * up to a block of a tape or a disk, and nothing else. */

#include "tests/rdd/ds-test-files.h"

#include <string.h>

/* A file "<name>.gz" of "one\ntwo\n" and @n_zeros, @tail behind them. */
static DsRdd *
open_packed (DsTestFiles *files,
             const char *name,
             gsize n_zeros,
             const char *tail,
             gsize n_tail)
{
  g_autofree char *member = ds_test_files_write_packed (files, "member", "one\ntwo\n", 8);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autofree char *packed = NULL;
  g_autofree char *zeros = g_malloc0 (n_zeros + 1);
  g_autofree char *path = NULL;
  DsFileFormat format = { .kind = DS_FILE_FORMAT_TEXT };
  gsize n_packed;

  g_assert_true (g_file_get_contents (member, &packed, &n_packed, NULL));
  g_byte_array_append (bytes, (const guint8 *) packed, (guint) n_packed);
  g_byte_array_append (bytes, (const guint8 *) zeros, (guint) n_zeros);
  if (strcmp (tail, "member") == 0)
    g_byte_array_append (bytes, (const guint8 *) packed, (guint) n_packed);
  else
    g_byte_array_append (bytes, (const guint8 *) tail, (guint) n_tail);
  path = ds_test_files_write (files, name, bytes->data, bytes->len);
  return ds_test_files_open (files, &format, path, NULL);
}

static void
test_takes_padding (DsTestFiles *files, gconstpointer user_data)
{
  /* Around the pieces in which packed bytes are read, too. */
  static const gsize n_zeros[] = { 0, 1, 2, 17, 18, 511, 65535 - 28, 65536, 300000 };

  g_test_summary ("A gzip file that is filled up with zeros is as good as without them");

  for (gsize i = 0; i < G_N_ELEMENTS (n_zeros); i++)
    {
      g_autoptr (DsRdd) rdd = open_packed (files, "padded.gz", n_zeros[i], "", 0);
      g_autoptr (DsRdd) two = open_packed (files, "again.gz", 0, "member", 0);

      ds_test_assert_collects (rdd, "one\ntwo\n");
      ds_test_assert_collects (two, "one\ntwo\none\ntwo\n");
    }
}

static void
test_refuses_other_bytes (DsTestFiles *files, gconstpointer user_data)
{
  static const gsize n_zeros[] = { 1, 511, 300000 };

  g_test_summary (
      "Other bytes behind a member, or behind zeros, are an error with a name");

  for (gsize i = 0; i < G_N_ELEMENTS (n_zeros); i++)
    {
      g_autoptr (DsRdd) garbage = open_packed (files, "a.gz", n_zeros[i], "x", 1);
      g_autoptr (DsRdd) member = open_packed (files, "b.gz", n_zeros[i], "member", 0);

      ds_test_assert_fails (garbage, DS_ERROR_BAD_FILE, "a.gz",
                            "something follows the zeros", "gzip -t", NULL);
      ds_test_assert_fails (member, DS_ERROR_BAD_FILE, "b.gz",
                            "something follows the zeros", NULL);
    }

  {
    g_autoptr (DsRdd) garbage = open_packed (files, "c.gz", 0, "more text", 9);

    ds_test_assert_fails (garbage, DS_ERROR_BAD_FILE, "c.gz", "not a whole gzip file",
                          NULL);
  }
}

static void
test_refuses_zeros_alone (DsTestFiles *files, gconstpointer user_data)
{
  static const char zeros[1000] = { 0 };
  g_autofree char *path = ds_test_files_write (files, "zeros.gz", zeros, sizeof zeros);
  g_autofree char *empty = ds_test_files_write (files, "empty.gz", "", 0);
  DsFileFormat format = { .kind = DS_FILE_FORMAT_TEXT };
  g_autoptr (DsRdd) rdd = ds_test_files_open (files, &format, path, NULL);
  g_autoptr (DsRdd) empty_rdd = ds_test_files_open (files, &format, empty, NULL);

  g_test_summary ("Zeros without a member in front are no gzip file");

  ds_test_assert_fails (rdd, DS_ERROR_BAD_FILE, path, "not a whole gzip file", NULL);
  ds_test_assert_collects (empty_rdd, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func)                                                                 \
  g_test_add ("/rdd/packed-files/" name, DsTestFiles, NULL, ds_test_files_set_up, func, \
              ds_test_files_tear_down)
  ADD ("takes-padding", test_takes_padding);
  ADD ("refuses-other-bytes", test_refuses_other_bytes);
  ADD ("refuses-zeros-alone", test_refuses_zeros_alone);
#undef ADD

  return g_test_run ();
}
