/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Raw blocks that are small on the way and large in memory: a number of a byte is a value
 * of 16. */

#include "tests/receivers/ds-test-server.h"

#include "base/ds-codec-private.h"
#include "base/ds-sanitizer-private.h"

#include <sys/resource.h>

#define BLOCK_BYTES ((gsize) 16 << 20)
#define MAX_GROWTH_KIB (80 * 1024L)

static void
set_up_blocks (Fixture *fixture, gconstpointer user_data)
{
  set_up (fixture, user_data);
  g_object_unref (fixture->receiver);
  fixture->receiver = ds_socket_receiver_new_for_blocks ("127.0.0.1", fixture->port);
  fixture->settings.max_record_bytes = BLOCK_BYTES;
}

/* A block of 16 MiB: 7, 7, 7, ... up to @last, which is the end. */
static GByteArray *
new_block_of_sevens (const char *last)
{
  GByteArray *bytes = g_byte_array_new ();
  guint32 head = GUINT32_TO_BE ((guint32) BLOCK_BYTES);
  gsize n_last = strlen (last);

  g_byte_array_set_size (bytes, sizeof head + BLOCK_BYTES);
  memcpy (bytes->data, &head, sizeof head);
  memset (bytes->data + sizeof head, 7, BLOCK_BYTES);
  memcpy (bytes->data + bytes->len - n_last, last, n_last);
  return bytes;
}

static long
get_peak_kib (void)
{
  struct rusage usage;

  g_assert_cmpint (getrusage (RUSAGE_SELF, &usage), ==, 0);
  return usage.ru_maxrss;
}

static void
test_little_memory (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GByteArray) bytes = new_block_of_sevens ("\xa2hi");
  g_autoptr (GSocketConnection) connection = NULL;
  gsize n_values = BLOCK_BYTES - 2;
  long before;
  long after;

  g_test_summary (
      "A block of 16 MiB of numbers of a byte, 256 MiB as values, adds 80 MiB "
      "to the peak memory at most when what comes out is let go of");

  fixture->recorder->forgets = TRUE;
  start (fixture);
  connection = accept_one (fixture);
  before = get_peak_kib ();
  send_bytes (connection, bytes->data, bytes->len);
  wait_for_records (fixture, n_values);
  after = get_peak_kib ();
  g_test_message ("a block of 16 MiB, %" G_GSIZE_FORMAT " values: peak memory grew by "
                  "%ld KiB",
                  n_values, after - before);
  g_mutex_lock (&fixture->recorder->lock);
  g_assert_cmpuint (fixture->recorder->n_records, ==, n_values);
  g_mutex_unlock (&fixture->recorder->lock);
  g_assert_cmpint (ds_receiver_supervisor_get_n_dropped (fixture->supervisor), ==, 0);
#if !DS_HAS_ASAN && !defined(__SANITIZE_THREAD__)
  g_assert_cmpint (after - before, <=, MAX_GROWTH_KIB);
#endif
}

static void
test_all_or_nothing (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GByteArray) bytes = new_block_of_sevens ("\xc1");
  const char after[] = "\x00\x00\x00\x01\x05";
  g_autoptr (GSocketConnection) connection = NULL;

  g_test_summary ("Of a block of 16 MiB that is damaged at its end nothing is taken");

  start (fixture);
  connection = accept_one (fixture);
  send_bytes (connection, bytes->data, bytes->len);
  send_bytes (connection, after, sizeof after - 1);
  wait_for_records (fixture, 1);
  ds_test_recorder_assert_text (fixture->recorder, "5\n");
  g_assert_cmpint (ds_receiver_supervisor_get_n_dropped (fixture->supervisor), ==, 1);
  assert_error_matches (fixture, 0,
                        "*A block of 16777216 bytes holds no msgpack values: *at byte "
                        "16777215: 0xc1 begins no value*");
}

/* 200,000 x (i, [i, "i"]), as the values themselves or one after a number, so that they
 * are no block of pairs. */
static void
append_tuples (GByteArray *bytes, gboolean is_mixed)
{
  g_autoptr (GByteArray) content = g_byte_array_new ();
  guint32 head;

  for (guint i = 0; i < 200000; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);
      DsValue nested[2] = { ds_value_int (i), ds_value_string (text) };
      DsValue items[2] = { ds_value_int (i), ds_value_list (nested, 2) };

      ds_codec_encode (ds_value_tuple (items, 2), content);
      if (is_mixed && i % 50000 == 49999)
        ds_codec_encode (ds_value_int (i), content);
    }
  head = GUINT32_TO_BE (content->len);
  g_byte_array_append (bytes, (const guint8 *) &head, sizeof head);
  g_byte_array_append (bytes, content->data, content->len);
}

static void
test_same_values (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GString) expected = g_string_new (NULL);
  g_autoptr (GSocketConnection) connection = NULL;

  g_test_summary ("What is decoded in pieces are the same values in the same order");

  append_tuples (bytes, FALSE);
  append_tuples (bytes, TRUE);
  for (guint i = 0; i < 200000; i++)
    g_string_append_printf (expected, "(%u,[%u, %u])\n", i, i, i);
  for (guint i = 0; i < 200000; i++)
    {
      g_string_append_printf (expected, "(%u,[%u, %u])\n", i, i, i);
      if (i % 50000 == 49999)
        g_string_append_printf (expected, "%u\n", i);
    }
  start (fixture);
  connection = accept_one (fixture);
  send_bytes (connection, bytes->data, bytes->len);
  wait_for_records (fixture, 400004);
  ds_test_recorder_assert_text (fixture->recorder, expected->str);
}

static void
test_waits_for_room (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GByteArray) bytes = new_block_of_sevens ("\x08");
  g_autoptr (GSocketConnection) connection = NULL;
  DsTestRecorder *recorder = fixture->recorder;
  gsize n_bytes = 0;
  gsize n_done = 0;

  g_test_summary ("A large block waits for room in the memory budget between its pieces, "
                  "and a stop ends that");

  ds_memory_budget_set_max_bytes (recorder->budget, 4 << 20);
  recorder->releases = FALSE;
  recorder->forgets = TRUE;
  start (fixture);
  connection = accept_one (fixture);
  send_bytes (connection, bytes->data, bytes->len);
  for (guint i = 0; i < 20; i++)
    {
      ds_test_recorder_wait_until (recorder, recorder->n_bytes >= 4 << 20);
      g_mutex_lock (&recorder->lock);
      n_bytes = recorder->n_bytes;
      n_done = recorder->n_records;
      recorder->n_bytes = 0;
      g_mutex_unlock (&recorder->lock);
      /* And a piece more, with its arena. */
      g_assert_cmpuint (ds_memory_budget_get_peak_bytes (recorder->budget), <=, 6 << 20);
      ds_memory_budget_release (recorder->budget, n_bytes);
    }
  g_assert_cmpuint (n_done, <, BLOCK_BYTES);
  stop_receiver (fixture); /* which takes the rest */
  g_mutex_lock (&recorder->lock);
  g_assert_cmpuint (recorder->n_records, ==, BLOCK_BYTES);
  n_bytes = recorder->n_bytes;
  g_mutex_unlock (&recorder->lock);
  ds_memory_budget_release (recorder->budget, n_bytes);
  g_assert_cmpuint (ds_memory_budget_get_n_bytes (recorder->budget), ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                            \
  g_test_add ("/receivers/large-blocks/" name, Fixture, NULL, set_up_blocks, func, \
              tear_down)
  ADD ("take-little-memory", test_little_memory); /* first: it looks at peak memory */
  ADD ("are-taken-whole-or-not-at-all", test_all_or_nothing);
  ADD ("give-the-same-values", test_same_values);
  ADD ("wait-for-room", test_waits_for_room);
#undef ADD
  return g_test_run ();
}
