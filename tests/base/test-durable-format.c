/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files of every version that was released are read by each later one (RELIABILITY B8,
 * B9, B11).  data/format-1.0 was written once, by the library, and is not made again. */

#include "tests/base/ds-test-checkpoint-private.h"
#include "tests/base/ds-test-log-private.h"

#define FIRST_TIME (1600000000 * DS_SECOND)
#define SECOND_TIME (1600000001 * DS_SECOND)
#define FIRST_NAME "ckpt-00000001600000000000"
#define SECOND_NAME "ckpt-00000001600000001000"

typedef DsTestDurable Fixture;

/* Owners and modes of a checkout are whatever they are. */
static void
set_up (Fixture *fixture, gconstpointer version)
{
  const char *const names[] = { "app", FIRST_NAME, SECOND_NAME, "wal-0000000000000001",
                                "wal-0000000000000002" };

  ds_test_durable_set_up (fixture, NULL);
  g_assert_cmpint (g_mkdir (fixture->path, 0700), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path =
          g_test_build_filename (G_TEST_DIST, "base", "data", version, names[i], NULL);
      g_autofree char *bytes = NULL;
      g_autoptr (GError) error = NULL;
      gsize n_bytes;

      g_file_get_contents (path, &bytes, &n_bytes, &error);
      g_assert_no_error (error);
      ds_test_durable_write (fixture, names[i], bytes, n_bytes);
    }
}

static void
assert_section (DsCheckpointReader *reader,
                guint i,
                DsSectionType type,
                const char *name,
                guint flags,
                const char *bytes,
                gsize n_bytes)
{
  DsSectionType found_type;
  const char *found_name;
  guint found_flags;
  guint64 found_bytes;
  guint8 room[64];

  ds_checkpoint_reader_get_section (reader, i, &found_type, &found_name, &found_flags,
                                    &found_bytes);
  g_assert_cmpint (found_type, ==, type);
  g_assert_cmpstr (found_name, ==, name);
  g_assert_cmpuint (found_flags, ==, flags);
  g_assert_cmpuint (found_bytes, ==, n_bytes);
  g_assert_cmpint (ds_checkpoint_reader_read (reader, i, 0, room, sizeof room, NULL), ==,
                   n_bytes);
  ds_test_assert_bytes (room, n_bytes, bytes, n_bytes);
}

static void
test_checkpoints (Fixture *fixture, gconstpointer version)
{
  g_test_summary ("Checkpoints of that version, one that adds to another");

  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);
  g_autoptr (DsCheckpointReader) newest = NULL;
  g_autoptr (DsCheckpointReader) base = NULL;
  g_autoptr (GError) error = NULL;
  const DsCheckpointHead *head;

  g_assert_true (ds_checkpoint_find_newest (directory, &newest, NULL, &error));
  g_assert_no_error (error);
  head = ds_checkpoint_reader_get_head (newest);
  g_assert_cmpint (head->batch_time, ==, SECOND_TIME);
  g_assert_cmpint (head->base_time, ==, FIRST_TIME);
  g_assert_cmpuint (head->wal_sequence, ==, 4);
  g_assert_cmpuint (head->fingerprint, ==, 0x0123456789abcdefu);
  g_assert_cmpuint (ds_checkpoint_reader_n_sections (newest), ==, 2);
  assert_section (newest, 0, DS_SECTION_STATE, "counts", 1, "\x91\x04", 2);
  assert_section (newest, 1, DS_SECTION_SOURCE, "lines", 0,
                  "\xc4\x03"
                  "abc",
                  5);

  base = ds_checkpoint_reader_open (directory, FIRST_NAME, &error);
  g_assert_no_error (error);
  g_assert_cmpint (ds_checkpoint_reader_get_head (base)->base_time, ==, DS_TIME_NONE);
  assert_section (base, 0, DS_SECTION_META, "", 0,
                  "\x81\xa6"
                  "format\xa3"
                  "1.0",
                  12);
  assert_section (base, 1, DS_SECTION_STATE, "counts", 0, "\x93\x01\x02\x03", 4);
}

static gboolean
add_record (const DsLogRecord *record,
            const guint8 *payload,
            gpointer text,
            GError **error)
{
  g_string_append_printf (text, "%" G_GUINT64_FORMAT " %u %.*s|", record->sequence,
                          record->type, (int) record->n_bytes, (const char *) payload);
  return TRUE;
}

static void
test_log (Fixture *fixture, gconstpointer version)
{
  g_test_summary ("A log of that version in two segments, read from the checkpoint on");

  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);
  g_autoptr (GString) all = g_string_new (NULL);
  g_autoptr (GString) rest = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  guint64 next_segment, next_sequence;

  g_assert_true (ds_log_read (directory, 1, DS_LOG_DAMAGE_FAIL, add_record, all,
                              &next_segment, &next_sequence, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (all->str, ==, "1 1 plan of 1|2 4 block|3 3 done|4 1 plan of 2|5 2 |");
  g_assert_cmpuint (next_segment, ==, 3);
  g_assert_cmpuint (next_sequence, ==, 6);
  g_assert_true (ds_log_read (directory, 4, DS_LOG_DAMAGE_FAIL, add_record, rest, NULL,
                              NULL, &error));
  g_assert_cmpstr (rest->str, ==, "4 1 plan of 2|5 2 |");
}

static void
test_places (Fixture *fixture, gconstpointer version)
{
  g_test_summary ("Members of headers lie where the format says, little-endian");

  gsize n_bytes;
  g_autofree char *checkpoint = ds_test_durable_read (fixture, SECOND_NAME, &n_bytes);
  g_autofree char *segment =
      ds_test_durable_read (fixture, "wal-0000000000000002", &n_bytes);
  g_autofree char *app = ds_test_durable_read (fixture, "app", &n_bytes);

  ds_test_assert_bytes (checkpoint, 16,
                        "\x89"
                        "DSC\r\n\x1a\n\1\0\0\0\x60\0\0\0",
                        16);
  ds_test_assert_bytes (checkpoint + 16, 16, app + 16, 16);
  ds_test_assert_bytes (checkpoint + 32, 32,
                        "\xe8\x83\x6e\x87\x74\1\0\0" /* 1600000001000 */
                        "\4\0\0\0\0\0\0\0"
                        "\xef\xcd\xab\x89\x67\x45\x23\1"
                        "\x5c\0\0\0\0\0\0\0",
                        32);
  ds_test_assert_bytes (checkpoint + 72, 16, "\3\0\0\0\0\1\0\0\0\x80\x6e\x87\x74\1\0\0",
                        16);
  ds_test_assert_bytes (segment, 16,
                        "\x89"
                        "DSW\r\n\x1a\n\1\0\0\0\x40\0\0\0",
                        16);
  ds_test_assert_bytes (segment + 16, 16, app + 16, 16);
  ds_test_assert_bytes (segment + 32, 16, "\2\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0", 16);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(version, name, func)                                                    \
  g_test_add ("/base/durable-format/" version "/" name, Fixture, "format-" version, \
              set_up, func, ds_test_durable_tear_down)
  ADD ("1.0", "checkpoints", test_checkpoints);
  ADD ("1.0", "log", test_log);
  ADD ("1.0", "places", test_places);
#undef ADD
  return g_test_run ();
}
