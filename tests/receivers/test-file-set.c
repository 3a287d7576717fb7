/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files are known again from one run to the next, though devices get other numbers. */

#include "receivers/ds-file-set-private.h"

#include "base/ds-codec-private.h"

/* Of files that differ in nothing but where they are. */
static const DsFileStatus twin = { .device = 8,
                                   .inode = 13,
                                   .n_bytes = 4,
                                   .modified_ns = 1000,
                                   .kind = DS_FILE_REGULAR };

static DsFileStatus
on_device (guint64 device)
{
  DsFileStatus status = twin;

  status.device = device;
  return status;
}

static DsKnownFile *
note (DsFileSet *set, const char *directory, DsFileStatus status)
{
  ds_file_set_enter (set, directory);
  return ds_file_set_note (set, "file", &status, 0);
}

static void
take (DsFileSet *set, const char *directory, DsFileStatus status)
{
  note (set, directory, status)->state = DS_KNOWN_FILE_TAKEN;
}

static void
assert_taken (DsFileSet *set, const char *directory, DsFileStatus status)
{
  g_assert_cmpuint (note (set, directory, status)->state, ==, DS_KNOWN_FILE_TAKEN);
}

static void
assert_new (DsFileSet *set, const char *directory, DsFileStatus status)
{
  g_assert_cmpuint (note (set, directory, status)->state, ==, DS_KNOWN_FILE_SEEN);
}

/* What the next run has of @set, which is freed.  A scan of it has begun. */
static DsFileSet *
start_again (DsFileSet *set)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (DsBlock) block = NULL;
  g_autoptr (GError) error = NULL;
  DsFileSet *loaded = ds_file_set_new ();
  const DsValue *values;
  gsize n_values;

  ds_file_set_end_scan (set);
  ds_file_set_save (set, bytes);
  ds_file_set_free (set);
  block = ds_codec_decode_block (bytes->data, bytes->len, 0, &error);
  g_assert_no_error (error);
  values = ds_block_get_values (block, &n_values);
  g_assert_cmpuint (ds_file_set_load (loaded, values, n_values), ==, n_values);
  ds_file_set_begin_scan (loaded);
  return loaded;
}

static void
test_device_has_another_number (void)
{
  g_autoptr (DsFileSet) set = ds_file_set_new ();

  g_test_summary (
      "A file in the same directory is the same one on a device of any number");

  take (set, "/in", on_device (8));
  set = start_again (g_steal_pointer (&set));
  assert_taken (set, "/in", on_device (9));
  assert_taken (set, "/in", on_device (9)); /* another name of it */
  set = start_again (g_steal_pointer (&set));
  assert_taken (set, "/in", on_device (8));
  g_assert_cmpuint (ds_file_set_get_length (set), ==, 1);
}

static void
test_devices_of_one_run_are_two (void)
{
  g_autoptr (DsFileSet) set = ds_file_set_new ();

  g_test_summary ("Within a run files on two devices are two, whatever they look like");

  take (set, "/in/a", on_device (8));
  assert_new (set, "/in/b", on_device (9));
  assert_new (set, "/in/a", on_device (10));
  g_assert_cmpuint (ds_file_set_get_length (set), ==, 3);
}

static void
test_twins_stay_apart (void)
{
  g_autoptr (DsFileSet) set = ds_file_set_new ();

  g_test_summary (
      "Of two files that are alike on two disks the one that was not read yet "
      "is read, also when the disks have changed their numbers");

  take (set, "/in/a", on_device (8));
  assert_new (set, "/in/b", on_device (9));
  set = start_again (g_steal_pointer (&set));
  g_assert_cmpuint (ds_file_set_get_length (set), ==, 2);
  assert_new (set, "/in/b", on_device (8));
  assert_taken (set, "/in/a", on_device (9));
  g_assert_cmpuint (ds_file_set_get_length (set), ==, 2);
}

static void
test_file_that_was_moved_meanwhile (void)
{
  g_autoptr (DsFileSet) set = ds_file_set_new ();
  DsFileStatus other = twin;

  g_test_summary ("A file that was moved to another directory is not read again, unless "
                  "its device is known to be another one now");

  other.inode = 14;
  take (set, "/in/a", on_device (8));
  take (set, "/in/a", other);
  set = start_again (g_steal_pointer (&set));
  assert_taken (set, "/in/b", on_device (9));

  set = start_again (g_steal_pointer (&set));
  other.device = 10; /* what was on 8 is on 10: 9 is a disk that was not there */
  assert_taken (set, "/in/a", other);
  g_assert_cmpuint (ds_file_set_get_length (set), ==, 2);
}

static void
test_another_disk_has_the_same_inode (void)
{
  g_autoptr (DsFileSet) set = ds_file_set_new ();
  DsFileStatus other = twin;

  g_test_summary (
      "A new file on a new disk is read though it looks like one that is gone "
      "from a disk that is still there");

  other.inode = 14;
  take (set, "/in/a", on_device (8));
  take (set, "/in/a", other);
  set = start_again (g_steal_pointer (&set));
  other.device = 10; /* that was 8 */
  assert_taken (set, "/in/a", other);
  assert_new (set, "/in/b", on_device (9));
}

static void
test_planned_files_have_no_device (void)
{
  g_autoptr (DsFileSet) set = ds_file_set_new ();

  g_test_summary (
      "A file of a plan of a run before is the one that the checkpoint knows, "
      "and the one that is listed then");

  take (set, "/in", on_device (8));
  set = start_again (g_steal_pointer (&set));
  assert_taken (set, "/in", on_device (DS_FILE_ANY_DEVICE));
  assert_taken (set, "/in", on_device (9));
  assert_taken (set, "/in", on_device (DS_FILE_ANY_DEVICE));
  g_assert_cmpuint (ds_file_set_get_length (set), ==, 1);

  ds_file_set_free (g_steal_pointer (&set));
  set = ds_file_set_new ();
  take (set, "/in", on_device (DS_FILE_ANY_DEVICE));
  set = start_again (g_steal_pointer (&set)); /* before it was listed once */
  assert_taken (set, "/in", on_device (9));
  g_assert_cmpuint (ds_file_set_get_length (set), ==, 1);
}

static void
test_inode_is_used_again (void)
{
  g_autoptr (DsFileSet) set = ds_file_set_new ();
  DsFileStatus written = twin;

  g_test_summary ("A new file that got the inode of an old one is read");

  written.modified_ns++;
  take (set, "/in", on_device (8));
  set = start_again (g_steal_pointer (&set));
  assert_new (set, "/in", written);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/receivers/file-set/device-has-another-number",
                   test_device_has_another_number);
  g_test_add_func ("/receivers/file-set/devices-of-one-run-are-two",
                   test_devices_of_one_run_are_two);
  g_test_add_func ("/receivers/file-set/twins-stay-apart", test_twins_stay_apart);
  g_test_add_func ("/receivers/file-set/file-that-was-moved-meanwhile",
                   test_file_that_was_moved_meanwhile);
  g_test_add_func ("/receivers/file-set/another-disk-has-the-same-inode",
                   test_another_disk_has_the_same_inode);
  g_test_add_func ("/receivers/file-set/planned-files-have-no-device",
                   test_planned_files_have_no_device);
  g_test_add_func ("/receivers/file-set/inode-is-used-again", test_inode_is_used_again);
  return g_test_run ();
}
