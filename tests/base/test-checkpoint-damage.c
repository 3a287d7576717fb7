/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Damaged checkpoints: whatever happened to the newest, the one before is used; nothing
 * wrong is ever read (RELIABILITY A6, B1 to B3, B8). */

#include "base/ds-durable-file-private.h"
#include "tests/base/ds-test-checkpoint-private.h"

#include <errno.h>
#include <xxhash.h>

#define OLD (1 * DS_SECOND)
#define NEW (2 * DS_SECOND)
#define OLD_NAME "ckpt-00000000000000001000"
#define NEW_NAME "ckpt-00000000000000002000"
#define N_BYTES 100

typedef struct
{
  DsTestDurable durable;
  DsDurableDirectory *directory; /* read only */
  guint8 *bytes;                 /* of the newest, as it was written */
  gsize n_bytes;
  guint n_recovered;
} Fixture;

static void
write_checkpoints (Fixture *fixture, DsTime base_time)
{
  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (&fixture->durable);
  g_autoptr (GError) error = NULL;

  ds_test_checkpoint_write (directory, OLD, DS_TIME_NONE, N_BYTES, &error);
  g_assert_no_error (error);
  ds_test_checkpoint_write (directory, NEW, base_time, N_BYTES, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *fixture, gconstpointer base_time)
{
  ds_test_durable_set_up (&fixture->durable, NULL);
  write_checkpoints (fixture, base_time != NULL ? OLD : DS_TIME_NONE);
  fixture->bytes =
      (guint8 *) ds_test_durable_read (&fixture->durable, NEW_NAME, &fixture->n_bytes);
  fixture->directory = ds_durable_directory_open (fixture->durable.path,
                                                  DS_DURABLE_DIRECTORY_READ_ONLY, NULL);
  g_assert_nonnull (fixture->directory);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  ds_durable_directory_close (fixture->directory);
  g_free (fixture->bytes);
  ds_test_durable_tear_down (&fixture->durable, NULL);
}

static void
assert_found (Fixture *fixture, DsTime time)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsCheckpointReader) reader = NULL;
  g_autoptr (GPtrArray) damaged = g_ptr_array_new_with_free_func (g_free);

  ds_checkpoint_find_newest (fixture->directory, &reader, damaged, &error);
  g_assert_no_error (error);
  g_assert_cmpint (ds_checkpoint_reader_get_head (reader)->batch_time, ==, time);
  g_assert_cmpuint (damaged->len, ==, time == OLD ? 1 : 0);
  if (time == OLD)
    g_assert_nonnull (strstr (damaged->pdata[0], NEW_NAME));
  ds_test_checkpoint_check (reader, N_BYTES);
  fixture->n_recovered++;
}

static void
test_every_byte (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Any byte of the newest changed: the one before is used");

  for (gsize i = 0; i < fixture->n_bytes; i++)
    {
      const guint8 was = fixture->bytes[i];
      const guint8 changes[] = { was ^ 1, was ^ 0x80, 0, 0xff };

      for (guint k = 0; k < G_N_ELEMENTS (changes); k++)
        {
          fixture->bytes[i] = changes[k];
          ds_test_durable_write (&fixture->durable, NEW_NAME, fixture->bytes,
                                 fixture->n_bytes);
          assert_found (fixture, changes[k] == was ? NEW : OLD);
        }
      fixture->bytes[i] = was;
    }
  g_assert_cmpuint (fixture->n_recovered, ==, fixture->n_bytes * 4);
  g_test_message ("%" G_GSIZE_FORMAT " bytes x 4: all recovered, 0 wrong",
                  fixture->n_bytes);
}

static void
test_every_length (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("The newest cut, grown, or zero from any length on: the one before");

  g_autofree guint8 *room = g_malloc (fixture->n_bytes + 100);

  for (gsize n = 0; n < fixture->n_bytes + 100; n++)
    {
      gsize n_kept = MIN (n, fixture->n_bytes);

      memset (room, 0, fixture->n_bytes + 100);
      memcpy (room, fixture->bytes, n_kept);
      ds_test_durable_write (&fixture->durable, NEW_NAME, room, n);
      assert_found (fixture, n == fixture->n_bytes ? NEW : OLD);
      /* As long as it was, but zero from there on; its end is zero in any case. */
      ds_test_durable_write (&fixture->durable, NEW_NAME, room,
                             MAX (fixture->n_bytes, n));
      assert_found (fixture, memcmp (room, fixture->bytes, fixture->n_bytes) == 0 &&
                                     n <= fixture->n_bytes
                                 ? NEW
                                 : OLD);
    }
  g_test_message ("%" G_GSIZE_FORMAT " lengths, cut or grown, and zeroed: all recovered, "
                  "0 wrong",
                  fixture->n_bytes + 100);
}

static void
test_both (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("All damaged: an error that lists each, never a fresh start");

  g_autoptr (GError) error = NULL;
  g_autoptr (DsDurableDirectory) directory = NULL;
  DsCheckpointReader *reader = NULL;
  const char *words[] = {
    fixture->durable.path, OLD_NAME, NEW_NAME, "batch time", "bytes",
    "nothing was changed", NULL
  };

  ds_test_durable_write (&fixture->durable, NEW_NAME, fixture->bytes, 50);
  fixture->bytes[fixture->n_bytes - 1] ^= 1;
  ds_test_durable_write (&fixture->durable, OLD_NAME, fixture->bytes, fixture->n_bytes);
  directory = ds_test_durable_open (&fixture->durable);
  g_assert_false (ds_checkpoint_find_newest (directory, &reader, NULL, &error));
  ds_test_assert_told (error, DS_ERROR_CORRUPT, words);
  g_assert_null (reader);
  g_assert_true (ds_test_durable_has (&fixture->durable, OLD_NAME));
  g_assert_true (ds_test_durable_has (&fixture->durable, NEW_NAME));
}

static void
test_it_is_set_aside (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A damaged one is kept beside, and its time can be written again");

  g_autoptr (GError) error = NULL;
  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (&fixture->durable);
  g_autoptr (DsCheckpointReader) reader = NULL;
  g_autoptr (GPtrArray) damaged = g_ptr_array_new_with_free_func (g_free);

  ds_test_durable_write (&fixture->durable, NEW_NAME, fixture->bytes, 50);
  g_assert_true (ds_checkpoint_find_newest (directory, &reader, damaged, &error));
  g_assert_cmpint (ds_checkpoint_reader_get_head (reader)->batch_time, ==, OLD);
  g_assert_cmpuint (damaged->len, ==, 1);
  g_assert_nonnull (strstr (damaged->pdata[0], "nothing is lost"));
  g_assert_nonnull (strstr (damaged->pdata[0], "unused-" NEW_NAME));
  g_assert_true (ds_test_durable_has (&fixture->durable, "unused-" NEW_NAME));
  ds_test_checkpoint_write (directory, NEW, DS_TIME_NONE, N_BYTES, &error);
  g_assert_no_error (error);
  assert_found (fixture, NEW);
}

static void
test_the_same_time_twice (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A whole checkpoint is never written over");

  g_autoptr (GError) error = NULL;
  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (&fixture->durable);
  const char *words[] = { fixture->durable.path, NEW_NAME, NULL };

  g_assert_false (
      ds_test_checkpoint_write (directory, NEW, DS_TIME_NONE, N_BYTES + 1, &error));
  ds_test_assert_told (error, DS_ERROR_INVALID_STATE, words);
  assert_found (fixture, NEW);
}

static void
test_foreign (Fixture *fixture, gconstpointer user_data)
{
  Fixture other;
  DsCheckpointReader *reader = NULL;
  g_autofree guint8 *other_old = NULL;
  g_autoptr (GError) error = NULL;
  const char *words[] = { OLD_NAME, NEW_NAME, "another application", NULL };
  gsize n_bytes;

  g_test_summary ("A whole checkpoint of another application is never used: the one "
                  "before is, or there is an error");

  set_up (&other, NULL);
  other_old = (guint8 *) ds_test_durable_read (&other.durable, OLD_NAME, &n_bytes);
  ds_test_durable_write (&fixture->durable, NEW_NAME, other.bytes, other.n_bytes);
  assert_found (fixture, OLD);
  ds_test_durable_write (&fixture->durable, OLD_NAME, other_old, n_bytes);
  g_assert_false (ds_checkpoint_find_newest (fixture->directory, &reader, NULL, &error));
  ds_test_assert_told (error, DS_ERROR_CORRUPT, words);
  tear_down (&other, NULL);
}

static void
test_renamed (Fixture *fixture, gconstpointer user_data)
{
  const char *later = "ckpt-00000000000000003000";
  g_autoptr (GPtrArray) damaged = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (DsCheckpointReader) reader = NULL;
  g_autoptr (GError) error = NULL;

  g_test_summary ("A whole checkpoint under the name of another time is passed over");

  ds_test_durable_write (&fixture->durable, later, fixture->bytes, fixture->n_bytes);
  ds_checkpoint_find_newest (fixture->directory, &reader, damaged, &error);
  g_assert_no_error (error);
  g_assert_cmpint (ds_checkpoint_reader_get_head (reader)->batch_time, ==, NEW);
  g_assert_cmpuint (damaged->len, ==, 1);
  g_assert_nonnull (strstr (damaged->pdata[0], "2000 ms, which is not what its name"));
}

/* ---- Chains ---- */

static void
test_a_base_is_needed (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A checkpoint whose base is damaged or gone cannot be used");

  g_autoptr (GError) error = NULL;
  DsCheckpointReader *reader = NULL;
  g_autofree char *path = g_build_filename (fixture->durable.path, OLD_NAME, NULL);
  const char *words[] = { NEW_NAME, "cannot be used without", OLD_NAME, NULL };

  assert_found (fixture, NEW);
  ds_test_durable_write (&fixture->durable, OLD_NAME, fixture->bytes, fixture->n_bytes);
  g_assert_false (ds_checkpoint_find_newest (fixture->directory, &reader, NULL, &error));
  ds_test_assert_told (error, DS_ERROR_CORRUPT, words);
  g_clear_error (&error);
  g_remove (path);
  g_assert_false (ds_checkpoint_find_newest (fixture->directory, &reader, NULL, &error));
  ds_test_assert_told (error, DS_ERROR_CORRUPT, words);
}

/* ---- What the disk says ---- */

typedef struct
{
  const char *name;
  guint at; /* the read of that file that fails; 0: each */
  guint n_reads;
} ReadFault;

static int
fail_to_read (const char *call, const char *path, gsize *n_bytes, gpointer user_data)
{
  ReadFault *fault = user_data;

  if (!g_str_equal (call, "pread") || strstr (path, fault->name) == NULL)
    return 0;
  fault->n_reads++;
  return fault->at == 0 || fault->n_reads == fault->at ? EIO : 0;
}

static void
test_unreadable (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A checkpoint that cannot be read is as a damaged one");

  for (guint at = 1; at < 8; at++)
    {
      ReadFault fault = { NEW_NAME, at, 0 };

      ds_durable_file_set_fault_func (fail_to_read, &fault);
      assert_found (fixture, OLD);
      ds_durable_file_set_fault_func (NULL, NULL);
      g_assert_cmpuint (fault.n_reads, ==, at);
    }
}

/* ---- Versions ---- */

/* As a writer of another version would. */
static void
put_version (Fixture *fixture, guint8 major, guint8 minor)
{
  guint64 hash;

  fixture->bytes[8] = major;
  fixture->bytes[10] = minor;
  hash = GUINT64_TO_LE (XXH3_64bits (fixture->bytes, 88));
  memcpy (fixture->bytes + 88, &hash, sizeof hash);
  ds_test_durable_write (&fixture->durable, NEW_NAME, fixture->bytes, fixture->n_bytes);
}

static void
test_newer (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A newer major is refused and named; a newer minor is read");

  g_autoptr (GError) error = NULL;
  DsCheckpointReader *reader = NULL;
  const char *words[] = { NEW_NAME, "2.0", "reads 1.", "nothing was changed", NULL };

  put_version (fixture, 1, 9);
  assert_found (fixture, NEW);
  put_version (fixture, 2, 0);
  g_assert_false (ds_checkpoint_find_newest (fixture->directory, &reader, NULL, &error));
  ds_test_assert_told (error, DS_ERROR_VERSION, words);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, has_base, func)                                                   \
  g_test_add ("/base/checkpoint-damage/" name, Fixture, GINT_TO_POINTER (has_base), \
              set_up, func, tear_down)
  ADD ("every-byte", FALSE, test_every_byte);
  ADD ("every-length", FALSE, test_every_length);
  ADD ("both", FALSE, test_both);
  ADD ("it-is-set-aside", FALSE, test_it_is_set_aside);
  ADD ("the-same-time-twice", FALSE, test_the_same_time_twice);
  ADD ("foreign", FALSE, test_foreign);
  ADD ("renamed", FALSE, test_renamed);
  ADD ("a-base-is-needed", TRUE, test_a_base_is_needed);
  ADD ("unreadable", FALSE, test_unreadable);
  ADD ("newer", FALSE, test_newer);
#undef ADD
  return g_test_run ();
}
