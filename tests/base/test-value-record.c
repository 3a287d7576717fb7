/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading records and numbers out of bytes: right values, nothing past the end. */

#include "base/ds-error.h"
#include "base/ds-failure-private.h"
#include "base/ds-value.h"

typedef struct
{
  DsFailureReceiver receiver;
  GError *error; /* the last one */
  guint n_errors;
} Fixture;

static void
fixture_report (DsFailureReceiver *receiver, GError *error)
{
  Fixture *self = (Fixture *) receiver;

  g_clear_error (&self->error);
  self->error = error;
  self->n_errors++;
}

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  fixture->receiver.report = fixture_report;
  ds_failure_push (&fixture->receiver);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  ds_failure_pop (&fixture->receiver);
  g_clear_error (&fixture->error);
}

typedef struct
{
  guint32 id;
  float reading;
} Record;

static void
test_records_are_copied (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Bytes at any address fill the struct that they were");

  Record original = { 77, 1.25f };
  Record record;
  char unaligned[sizeof original + 1];

  memcpy (unaligned + 1, &original, sizeof original);
  g_assert_true (ds_value_get_record (ds_value_bytes (unaligned + 1, sizeof original),
                                      &record, sizeof record));
  g_assert_cmpuint (record.id, ==, 77);
  g_assert_cmpfloat (record.reading, ==, 1.25f);
  g_assert_true (ds_value_get_record (ds_value_bytes (NULL, 0), NULL, 0));
  g_assert_cmpuint (fixture->n_errors, ==, 0);
}

static void
test_other_lengths_fail (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A byte too few or too many fails the task and gives zeros");

  static const char bytes[] = "\x01\x02\x03\x04\x05\x06\x07\x08\x09";

  for (guint32 n_bytes = 0; n_bytes <= 9; n_bytes++)
    {
      Record record = { 1, 1.0f };

      if (n_bytes == sizeof record)
        continue;
      g_assert_false (
          ds_value_get_record (ds_value_bytes (bytes, n_bytes), &record, sizeof record));
      g_assert_error (fixture->error, DS_ERROR, DS_ERROR_BAD_RECORD_LENGTH);
      g_assert_cmpuint (record.id, ==, 0);
      g_assert_true (record.reading == 0.0f);
    }
  g_assert_cmpuint (fixture->n_errors, ==, 9);
  g_assert_cmpstr (
      fixture->error->message, ==,
      "Expected a record of 8 bytes, found 9: 0x010203040506070809; make the "
      "struct and the record length of the source agree");
}

static void
test_other_types_fail (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A string is no record, even of the right length");

  Record record = { 1, 1.0f };

  g_assert_false (
      ds_value_get_record (ds_value_string ("12345678"), &record, sizeof record));
  g_assert_cmpuint (fixture->n_errors, ==, 1);
  g_assert_error (fixture->error, DS_ERROR, DS_ERROR_TYPE);
  g_assert_cmpuint (record.id, ==, 0);

  g_assert_cmpint (ds_value_get_int_at (ds_value_int (5), 0, 4, G_LITTLE_ENDIAN), ==, 0);
  g_assert_cmpuint (fixture->n_errors, ==, 2);
  g_assert_error (fixture->error, DS_ERROR, DS_ERROR_TYPE);
}

static void
test_integers_of_every_size (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("1 to 8 bytes, both orders, signed and unsigned");

  DsValue bytes = ds_value_bytes ("\xff\x80\x01\x02\x03\x04\x05\x06\xfe\x00", 10);

  g_assert_cmpint (ds_value_get_int_at (bytes, 0, 1, G_BIG_ENDIAN), ==, -1);
  g_assert_cmpuint (ds_value_get_uint_at (bytes, 0, 1, G_BIG_ENDIAN), ==, 255);
  g_assert_cmpint (ds_value_get_int_at (bytes, 1, 2, G_BIG_ENDIAN), ==, -32767);
  g_assert_cmpint (ds_value_get_int_at (bytes, 1, 2, G_LITTLE_ENDIAN), ==, 0x0180);
  g_assert_cmpuint (ds_value_get_uint_at (bytes, 1, 3, G_LITTLE_ENDIAN), ==, 0x020180);
  g_assert_cmpint (ds_value_get_int_at (bytes, 0, 3, G_BIG_ENDIAN), ==, -32767);
  g_assert_cmpint (ds_value_get_int_at (bytes, 2, 4, G_BIG_ENDIAN), ==, 0x01020304);
  g_assert_cmpint (ds_value_get_int_at (bytes, 2, 4, G_LITTLE_ENDIAN), ==, 0x04030201);
  g_assert_cmphex (ds_value_get_uint_at (bytes, 1, 8, G_BIG_ENDIAN), ==,
                   G_GUINT64_CONSTANT (0x80010203040506fe));
  g_assert_cmpint (ds_value_get_int_at (bytes, 1, 8, G_LITTLE_ENDIAN), ==,
                   (gint64) G_GUINT64_CONSTANT (0xfe06050403020180));
  g_assert_cmpint (ds_value_get_int_at (bytes, 9, 1, G_LITTLE_ENDIAN), ==, 0);
  g_assert_cmpuint (fixture->n_errors, ==, 0);
}

static void
test_doubles_and_floats (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("IEEE 754 numbers of 8 and 4 bytes, both orders");

  DsValue bytes = ds_value_bytes ("\x3f\xf8\x00\x00\x00\x00\x00\x00\x00\x00\xc0\xbf", 12);

  g_assert_cmpfloat (ds_value_get_double_at (bytes, 0, 8, G_BIG_ENDIAN), ==, 1.5);
  g_assert_cmpfloat (ds_value_get_double_at (bytes, 8, 4, G_LITTLE_ENDIAN), ==, -1.5);
  g_assert_cmpuint (fixture->n_errors, ==, 0);
}

static void
test_past_the_end_fails (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A number that does not lie wholly inside fails, however far it is");

  DsValue bytes = ds_value_bytes ("\x01\x02\x03\x04", 4);

  g_assert_cmpint (ds_value_get_int_at (bytes, 1, 4, G_LITTLE_ENDIAN), ==, 0);
  g_assert_cmpuint (fixture->n_errors, ==, 1);
  g_assert_error (fixture->error, DS_ERROR, DS_ERROR_BAD_RECORD_LENGTH);
  g_assert_cmpstr (fixture->error->message, ==,
                   "Expected a number of 4 bytes at offset 1, found only 4 bytes in all: "
                   "0x01020304; check the offset against the length of the record");
  g_assert_cmpuint (ds_value_get_uint_at (bytes, 4, 1, G_LITTLE_ENDIAN), ==, 0);
  g_assert_cmpuint (fixture->n_errors, ==, 2);
  g_assert_cmpfloat (ds_value_get_double_at (bytes, 0, 8, G_LITTLE_ENDIAN), ==, 0.0);
  g_assert_cmpuint (fixture->n_errors, ==, 3);
  g_assert_cmpint (ds_value_get_int_at (bytes, G_MAXSIZE, 2, G_LITTLE_ENDIAN), ==, 0);
  g_assert_cmpuint (fixture->n_errors, ==, 4);
  g_assert_cmpint (ds_value_get_int_at (ds_value_bytes (NULL, 0), 0, 1, G_BIG_ENDIAN), ==,
                   0);
  g_assert_cmpuint (fixture->n_errors, ==, 5);
}

static void
test_odd_sizes_are_criticals (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Numbers of 0, 9 or (doubles) 2 bytes, and unknown orders, are misuse");

  DsValue bytes = ds_value_bytes ("\x01\x02\x03\x04\x05\x06\x07\x08\x09", 9);

#define EXPECT(pattern) \
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, pattern)
  EXPECT ("*size >= 1 && size <= 8*");
  g_assert_cmpint (ds_value_get_int_at (bytes, 0, 0, G_LITTLE_ENDIAN), ==, 0);
  EXPECT ("*size >= 1 && size <= 8*");
  g_assert_cmpuint (ds_value_get_uint_at (bytes, 0, 9, G_LITTLE_ENDIAN), ==, 0);
  EXPECT ("*size == 4 || size == 8*");
  g_assert_cmpfloat (ds_value_get_double_at (bytes, 0, 2, G_LITTLE_ENDIAN), ==, 0.0);
  EXPECT ("*byte_order ==*");
  g_assert_cmpint (ds_value_get_int_at (bytes, 0, 4, 17), ==, 0);
#undef EXPECT
  g_test_assert_expected_messages ();
  g_assert_cmpuint (fixture->n_errors, ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) \
  g_test_add ("/base/value-record/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("records-are-copied", test_records_are_copied);
  ADD ("other-lengths-fail", test_other_lengths_fail);
  ADD ("other-types-fail", test_other_types_fail);
  ADD ("integers-of-every-size", test_integers_of_every_size);
  ADD ("doubles-and-floats", test_doubles_and_floats);
  ADD ("past-the-end-fails", test_past_the_end_fails);
  ADD ("odd-sizes-are-criticals", test_odd_sizes_are_criticals);
#undef ADD
  return g_test_run ();
}
