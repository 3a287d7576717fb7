/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a checkpoint holds of many files is copied while batches wait, and encoded when
 * they go on. */

#include "receivers/ds-file-set-private.h"

#include "base/ds-block.h"
#include "base/ds-codec-private.h"

#define N_FILES 100000

static void
note (DsFileSet *set, guint first, guint n)
{
  for (guint i = first; i < first + n; i++)
    {
      const DsFileStatus status = { .kind = DS_FILE_REGULAR,
                                    .device = 1 + i % 3,
                                    .inode = i,
                                    .n_bytes = i % 7,
                                    .modified_ns = (gint64) i * 1000 };

      if (i % 1000 == 0)
        ds_file_set_enter (set, i % 2000 == 0 ? "in/a" : "in/b");
      ds_file_set_note (set, NULL, &status, (DsTime) i)->state = DS_KNOWN_FILE_TAKEN;
    }
}

static GByteArray *
save (DsFileSet *set)
{
  GByteArray *bytes = g_byte_array_new ();

  ds_file_set_save (set, bytes);
  return bytes;
}

static void
test_a_copy_is_saved_as_the_set_was (void)
{
  g_autoptr (DsFileSet) set = ds_file_set_new ();
  g_autoptr (DsFileSet) copy = NULL;
  g_autoptr (GByteArray) expected = NULL;
  g_autoptr (GByteArray) found = NULL;
  gint64 start, copied, saved;

  g_test_summary ("100,000 files, to which others come meanwhile");
  ds_file_set_begin_scan (set);
  note (set, 0, N_FILES);
  start = g_get_monotonic_time ();
  copy = ds_file_set_copy (set);
  copied = g_get_monotonic_time ();
  expected = save (set);
  saved = g_get_monotonic_time ();
  g_test_message ("copied in %" G_GINT64_FORMAT " us, encoded in %" G_GINT64_FORMAT
                  " us: %u bytes",
                  copied - start, saved - copied, expected->len);
  note (set, N_FILES, 5000);
  ds_file_set_get (set, 0)->state = DS_KNOWN_FILE_WAITING;
  g_assert_cmpuint (ds_file_set_get_length (set), ==, N_FILES + 5000);

  found = save (copy);
  g_assert_cmpmem (found->data, found->len, expected->data, expected->len);
}

static void
test_a_copy_is_loaded (void)
{
  g_autoptr (DsFileSet) set = ds_file_set_new ();
  g_autoptr (DsFileSet) copy = NULL;
  g_autoptr (DsFileSet) loaded = ds_file_set_new ();
  g_autoptr (GByteArray) bytes = NULL;
  g_autoptr (GByteArray) same = NULL;
  g_autoptr (DsBlock) block = NULL;
  g_autoptr (GError) error = NULL;
  const DsValue *values;
  gsize n_values;

  ds_file_set_begin_scan (set);
  note (set, 0, 3000);
  copy = ds_file_set_copy (set);
  bytes = save (copy);
  block = ds_codec_decode_block (bytes->data, bytes->len, 0, &error);
  g_assert_no_error (error);
  values = ds_block_get_values (block, &n_values);
  g_assert_cmpuint (ds_file_set_load (loaded, values, n_values), ==, n_values);
  g_assert_cmpuint (ds_file_set_get_length (loaded), ==, 3000);
  same = save (loaded);
  g_assert_cmpmem (same->data, same->len, bytes->data, bytes->len);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/receivers/file-set-copy/a-copy-is-saved-as-the-set-was",
                   test_a_copy_is_saved_as_the_set_was);
  g_test_add_func ("/receivers/file-set-copy/a-copy-is-loaded", test_a_copy_is_loaded);

  return g_test_run ();
}
