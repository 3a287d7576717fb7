/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sockets whose bytes a parser cuts into values: blocks after their lengths, and parsers
 * of the test's own. */

#include "tests/receivers/ds-test-server.h"

#include "base/ds-codec-private.h"
#include "base/ds-error.h"
#include "receivers/ds-parse-threads-private.h"

/* ---- A parser: words that end with ";" ---- */

typedef struct
{
  DsSocketParser parent;
  GMutex lock;
  GCond changed;
  guint n_inside; /* calls that go on */
  guint n_most;   /* at once */
  guint n_begun;
  guint n_at_end;
  gboolean is_closed; /* calls wait until it is not */
  gboolean has_been_freed;
} WordParser;

static void
word_parser_begin (DsSocketParser *parser)
{
  WordParser *self = (WordParser *) parser;

  g_mutex_lock (&self->lock);
  self->n_begun++;
  g_mutex_unlock (&self->lock);
}

static gboolean
word_parser_parse (DsSocketParser *parser,
                   const guint8 *bytes,
                   gsize n_bytes,
                   gboolean at_end,
                   DsParsed *parsed,
                   gsize *n_taken,
                   GError **error)
{
  WordParser *self = (WordParser *) parser;
  const guint8 *end = n_bytes > 0 ? memchr (bytes, ';', n_bytes) : NULL;
  gsize n_word = end != NULL ? (gsize) (end - bytes) : n_bytes;
  DsValue word = ds_value_string_sized ((const char *) bytes, (guint32) n_word);

  g_mutex_lock (&self->lock);
  self->n_inside++;
  self->n_most = MAX (self->n_most, self->n_inside);
  g_cond_broadcast (&self->changed);
  while (self->is_closed)
    g_cond_wait (&self->changed, &self->lock);
  self->n_at_end += at_end && end == NULL;
  self->n_inside--;
  g_mutex_unlock (&self->lock);

  if (n_word == 3 && memcmp (bytes, "bad", 3) == 0)
    {
      g_set_error_literal (error, DS_ERROR, DS_ERROR_USER_FUNCTION, "bad is no word");
      return FALSE;
    }
  if (n_word == 3 && memcmp (bytes, "lie", 3) == 0)
    {
      *n_taken = n_bytes + 1;
      return TRUE;
    }

  /* One word a call: the rest comes again at once. */
  if (end != NULL || (at_end && n_word > 0))
    {
      ds_parsed_add (parsed, &word, NULL, 1);
      *n_taken = n_word + (end != NULL);
    }
  return TRUE;
}

static void
word_parser_free (DsSocketParser *parser)
{
  WordParser *self = (WordParser *) parser;

  self->has_been_freed = TRUE;
}

static void
word_parser_init (WordParser *self)
{
  static const DsSocketParserOps ops = { .begin = word_parser_begin,
                                         .parse = word_parser_parse,
                                         .free = word_parser_free };

  *self = (WordParser){ .parent = { &ops, "words" } };
}

static void
open_gate (WordParser *parser)
{
  g_mutex_lock (&parser->lock);
  parser->is_closed = FALSE;
  g_cond_broadcast (&parser->changed);
  g_mutex_unlock (&parser->lock);
}

static void
wait_until_inside (WordParser *parser)
{
  g_mutex_lock (&parser->lock);
  while (parser->n_inside == 0)
    g_cond_wait (&parser->changed, &parser->lock);
  g_mutex_unlock (&parser->lock);
}

/* ---- Fixtures ---- */

static void
set_up_blocks (Fixture *fixture, gconstpointer user_data)
{
  set_up (fixture, user_data);
  g_object_unref (fixture->receiver);
  fixture->receiver = ds_socket_receiver_new_for_blocks ("127.0.0.1", fixture->port);
}

static void
use_parser (Fixture *fixture, WordParser *parser)
{
  word_parser_init (parser);
  g_object_unref (fixture->receiver);
  fixture->receiver =
      ds_socket_receiver_new_for_parser ("127.0.0.1", fixture->port, &parser->parent);
}

static void
tear_down_threads (Fixture *fixture, gconstpointer user_data)
{
  tear_down (fixture, user_data);
  g_assert_cmpuint (ds_parse_threads_get_n_threads (), ==, 0);
}

/* Appends a block of @first, @first + 1, ..., as tuples (i, "i"). */
static void
append_block (GByteArray *bytes, guint first, guint n_values)
{
  g_autoptr (GByteArray) content = g_byte_array_new ();
  guint32 head;

  for (guint i = first; i < first + n_values; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);
      DsValue items[2] = { ds_value_int (i), ds_value_string (text) };

      ds_codec_encode (ds_value_tuple (items, 2), content);
    }
  head = GUINT32_TO_BE (content->len);
  g_byte_array_append (bytes, (const guint8 *) &head, sizeof head);
  g_byte_array_append (bytes, content->data, content->len);
}

static void
append_hex (GByteArray *bytes, const char *hex)
{
  for (gsize i = 0; hex[i] != '\0'; i += 2)
    {
      guint8 byte = (guint8) (g_ascii_xdigit_value (hex[i]) * 16 +
                              g_ascii_xdigit_value (hex[i + 1]));

      g_byte_array_append (bytes, &byte, 1);
    }
}

static void
send_array (GSocketConnection *connection, GByteArray *bytes)
{
  send_bytes (connection, bytes->data, bytes->len);
}

/* ---- Blocks ---- */

static void
test_takes_blocks (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  g_test_summary ("Blocks of any size, empty ones too, give their values in order");

  append_block (bytes, 1, 2);
  append_block (bytes, 3, 0);
  append_block (bytes, 3, 1);
  append_hex (bytes, "00000005c0c391a161");
  start (fixture);
  connection = accept_one (fixture);
  send_array (connection, bytes);
  wait_for_records (fixture, 6);
  ds_test_recorder_assert_text (fixture->recorder,
                                "(1,1)\n(2,2)\n(3,3)\nnull\ntrue\n[a]\n");
  g_assert_cmpint (ds_receiver_supervisor_get_n_dropped (fixture->supervisor), ==, 0);
}

static void
test_takes_many_blocks (Fixture *fixture, gconstpointer user_data)
{
  const guint n_blocks = 20000;
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autofree char *text = NULL;
  g_autoptr (GString) expected = g_string_new (NULL);
  guint n_values = 0;

  g_test_summary ("20,000 blocks of 0 to 9 values keep their order, and are few blocks "
                  "of ours");

  for (guint i = 0; i < n_blocks; i++)
    {
      guint n = (guint) g_test_rand_int_range (0, 10);

      append_block (bytes, n_values, n);
      n_values += n;
    }
  for (guint i = 0; i < n_values; i++)
    g_string_append_printf (expected, "(%u,%u)\n", i, i);
  start (fixture);
  connection = accept_one (fixture);
  send_array (connection, bytes);
  close_cleanly (connection);
  assert_error_matches (fixture, 0, "127.0.0.1:* closed the connection after *");
  stop_receiver (fixture);
  text = ds_test_recorder_dup_text (fixture->recorder);
  g_assert_cmpstr (text, ==, expected->str);
  g_test_message ("%u blocks of %u values became %u", n_blocks, n_values,
                  fixture->recorder->blocks->len);
  g_assert_cmpuint (fixture->recorder->blocks->len, <=, 64);
}

static void
test_takes_blocks_byte_by_byte (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  g_test_summary ("Blocks that come byte by byte are the blocks they are together");

  append_block (bytes, 7, 3);
  append_block (bytes, 10, 1);
  start (fixture);
  connection = accept_one (fixture);
  for (guint i = 0; i < bytes->len; i++)
    {
      send_bytes (connection, bytes->data + i, 1);
      wait_for_bytes (fixture, i + 1);
    }
  wait_for_records (fixture, 4);
  ds_test_recorder_assert_text (fixture->recorder, "(7,7)\n(8,8)\n(9,9)\n(10,10)\n");
}

static void
test_passes_over_long_blocks (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autofree char *piece = g_strnfill (1 << 20, 'x');

  g_test_summary (
      "A block of 64 MiB, where 1 MiB may be, is passed over and counted; its "
      "neighbours arrive");

  append_block (bytes, 1, 1);
  append_hex (bytes, "04000000");
  start (fixture);
  connection = accept_one (fixture);
  send_array (connection, bytes);
  for (guint i = 0; i < 64; i++)
    send_bytes (connection, piece, 1 << 20);
  g_byte_array_set_size (bytes, 0);
  append_block (bytes, 2, 1);
  append_hex (bytes, "00100001");
  send_array (connection, bytes);
  send_bytes (connection, piece, 1 << 20);
  send_bytes (connection, piece, 1);
  g_byte_array_set_size (bytes, 0);
  append_block (bytes, 3, 1);
  send_array (connection, bytes);
  wait_for_records (fixture, 3);
  ds_test_recorder_assert_text (fixture->recorder, "(1,1)\n(2,2)\n(3,3)\n");
  g_assert_cmpint (ds_receiver_supervisor_get_n_dropped (fixture->supervisor), ==, 2);
  assert_error_matches (
      fixture, 0,
      "127.0.0.1:*: A block of 67108864 bytes is announced (0x04000000), "
      "but it may have 1048576; it is passed over*");
  stop_receiver (fixture);
  g_assert_cmpuint (fixture->recorder->errors->len, ==, 1);
}

static void
test_leaves_out_damaged_blocks (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  g_test_summary ("A block that holds no values is counted; the one behind it arrives");

  append_block (bytes, 1, 1);
  append_hex (bytes, "000000030102c1");
  append_block (bytes, 2, 1);
  start (fixture);
  connection = accept_one (fixture);
  send_array (connection, bytes);
  wait_for_records (fixture, 2);
  ds_test_recorder_assert_text (fixture->recorder, "(1,1)\n(2,2)\n");
  g_assert_cmpint (ds_receiver_supervisor_get_n_dropped (fixture->supervisor), ==, 1);
  assert_error_matches (fixture, 0,
                        "*A block of 3 bytes holds no msgpack values: *at byte 2: 0xc1 "
                        "begins no value*");
}

static void
test_fails_at_long_blocks_when_told (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  g_test_summary ("Under the policy fail a block that is too long ends the receiver");

  append_block (bytes, 1, 1);
  append_hex (bytes, "47455420");
  ds_socket_receiver_set_long_line_policy (DS_SOCKET_RECEIVER (fixture->receiver),
                                           DS_LONG_LINE_FAIL);
  start (fixture);
  connection = accept_one (fixture);
  send_array (connection, bytes);
  ds_test_assert_join (fixture->supervisor);
  g_assert_error (fixture->recorder->stop_error, DS_ERROR, DS_ERROR_LIMIT);
  g_assert_nonnull (strstr (fixture->recorder->stop_error->message, "0x47455420"));
  ds_test_recorder_assert_text (fixture->recorder, "(1,1)\n");
}

static void
test_drops_half_a_block (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  g_test_summary (
      "Half a block at the end of a connection is dropped and counted, after a "
      "clean end and after a reset; the next connection begins with a length");

  append_block (bytes, 1, 1);
  append_hex (bytes, "0000000401");
  start (fixture);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GSocketConnection) connection = accept_one (fixture);

      send_array (connection, bytes);
      wait_for_records (fixture, i + 1);
      if (i == 0)
        close_cleanly (connection);
      else
        reset (connection);
      assert_error_matches (fixture, i,
                            "127.0.0.1:* after * bytes in 1 values; the rest was no "
                            "whole record and was dropped; trying again in *");
    }
  stop_receiver (fixture);
  ds_test_recorder_assert_text (fixture->recorder, "(1,1)\n(1,1)\n");
  g_assert_cmpint (ds_receiver_supervisor_get_n_dropped (fixture->supervisor), ==, 2);
}

/* ---- Parsers ---- */

static void
test_calls_again_with_the_rest (Fixture *fixture, gconstpointer user_data)
{
  static WordParser parser; /* the receiver frees it after the test */
  g_autoptr (GSocketConnection) connection = NULL;

  g_test_summary ("What a parser leaves comes again, with more behind it or at the end");

  use_parser (fixture, &parser);
  start (fixture);
  connection = accept_one (fixture);
  send_text (connection, "one;two;thr");
  wait_for_records (fixture, 2);
  send_text (connection, "ee;;last");
  close_cleanly (connection);
  assert_error_matches (fixture, 0,
                        "127.0.0.1:* closed the connection after 19 bytes in 5 words; "
                        "trying again in *");
  stop_receiver (fixture);
  ds_test_recorder_assert_text (fixture->recorder, "one\ntwo\nthree\n\nlast\n");
  g_assert_cmpuint (parser.n_at_end, ==, 1);
  g_assert_cmpuint (parser.n_most, ==, 1);
  g_clear_pointer (&fixture->supervisor, ds_receiver_supervisor_free);
  g_assert_finalize_object (fixture->receiver);
  g_assert_true (parser.has_been_freed);
  fixture->receiver = ds_socket_receiver_new ("127.0.0.1", fixture->port);
}

static void
test_tells_the_end_once (Fixture *fixture, gconstpointer user_data)
{
  static WordParser parser; /* the receiver frees it after the test */

  g_test_summary (
      "A parser is told of a clean end even when it has taken everything, and "
      "never of a reset");

  use_parser (fixture, &parser);
  start (fixture);
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr (GSocketConnection) connection = accept_one (fixture);

      send_text (connection, "a;");
      wait_for_records (fixture, i + 1);
      if (i % 2 == 0)
        close_cleanly (connection);
      else
        reset (connection);
      ds_test_recorder_wait_until (fixture->recorder,
                                   fixture->recorder->errors->len == i + 1);
    }
  stop_receiver (fixture);
  g_assert_cmpuint (parser.n_at_end, ==, 2);
  g_assert_cmpuint (parser.n_begun, >=, 4);
  g_assert_cmpint (ds_receiver_supervisor_get_n_dropped (fixture->supervisor), ==, 0);
}

static void
test_gives_up_a_connection (Fixture *fixture, gconstpointer user_data)
{
  const char *patterns[] = {
    "What 127.0.0.1:* sent cannot be parsed: bad is no word; trying again in *",
    ("What 127.0.0.1:* sent cannot be parsed: *says that it took 5 bytes, but was given "
     "4*"),
    "127.0.0.1:* sent 11 bytes in which no record ends, but a record may have 10.*"
  };
  const char *texts[] = { "a;bad;b;", "a;lie;", "a;01234567890" };
  static WordParser parser; /* the receiver frees it after the test */

  g_test_summary ("A parser that fails, one that lies, and a record without end cost the "
                  "connection; what came before is kept, and the next one is parsed");

  use_parser (fixture, &parser);
  fixture->settings.max_record_bytes = 10;
  start (fixture);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GSocketConnection) connection = accept_one (fixture);

      send_text (connection, texts[i]);
      assert_error_matches (fixture, i, patterns[i]);
    }
  stop_receiver (fixture);
  ds_test_recorder_assert_text (fixture->recorder, "a\na\na\n");
  g_assert_cmpint (ds_receiver_supervisor_get_n_dropped (fixture->supervisor), ==, 3);
}

static void
test_stops_amid_parsing (Fixture *fixture, gconstpointer user_data)
{
  static WordParser parser; /* the receiver frees it after the test */
  g_autoptr (GSocketConnection) connection = NULL;

  g_test_summary (
      "A receiver that is stopped while its parser is at work hands over what "
      "that finds");

  use_parser (fixture, &parser);
  parser.is_closed = TRUE;
  start (fixture);
  connection = accept_one (fixture);
  send_text (connection, "a;b;c");
  wait_until_inside (&parser);
  ds_receiver_supervisor_stop_async (fixture->supervisor);
  g_assert_false (ds_receiver_supervisor_join (fixture->supervisor, 0));
  open_gate (&parser);
  ds_test_assert_join (fixture->supervisor);
  ds_test_recorder_assert_text (fixture->recorder, "a\nb\n");
  g_assert_cmpint (ds_receiver_supervisor_get_n_dropped (fixture->supervisor), ==, 1);
}

#define N_SLOW 20

static void
test_slow_parsers_hold_up_nobody (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
  static WordParser parsers[N_SLOW];
  DsReceiverSupervisor *supervisors[N_SLOW];
  GSocketConnection *connections[N_SLOW];
  g_autoptr (GSocketConnection) connection = NULL;

  g_test_summary ("20 parsers that do not return leave lines, and another parser, alone");

  for (guint i = 0; i < N_SLOW; i++)
    {
      g_autoptr (DsReceiver) receiver = NULL;

      word_parser_init (&parsers[i]);
      parsers[i].is_closed = i < N_SLOW - 1;
      receiver = ds_socket_receiver_new_for_parser ("127.0.0.1", fixture->port,
                                                    &parsers[i].parent);
      supervisors[i] = ds_test_recorder_supervise (recorder, receiver);
      ds_test_assert_start (supervisors[i]);
      connections[i] = accept_one (fixture);
      send_text (connections[i], "word;");
      if (parsers[i].is_closed)
        wait_until_inside (&parsers[i]);
    }
  start (fixture);
  connection = accept_one (fixture);
  send_text (connection, "line\n");
  wait_for_records (fixture, 1);
  while (ds_receiver_supervisor_get_n_records (supervisors[N_SLOW - 1]) < 1)
    ds_receiver_supervisor_cut (supervisors[N_SLOW - 1]);

  for (guint i = 0; i < N_SLOW; i++)
    {
      open_gate (&parsers[i]);
      while (ds_receiver_supervisor_get_n_records (supervisors[i]) < 1)
        ds_receiver_supervisor_cut (supervisors[i]);
      ds_test_stop_and_free (supervisors[i]);
      g_object_unref (connections[i]);
    }
  g_assert_cmpuint (recorder->n_records, ==, N_SLOW);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, set_up_func, func)                                             \
  g_test_add ("/receivers/parse-socket/" name, Fixture, NULL, set_up_func, func, \
              tear_down_threads)
  ADD ("takes-blocks", set_up_blocks, test_takes_blocks);
  ADD ("takes-many-blocks", set_up_blocks, test_takes_many_blocks);
  ADD ("takes-blocks-byte-by-byte", set_up_blocks, test_takes_blocks_byte_by_byte);
  ADD ("passes-over-long-blocks", set_up_blocks, test_passes_over_long_blocks);
  ADD ("leaves-out-damaged-blocks", set_up_blocks, test_leaves_out_damaged_blocks);
  ADD ("fails-at-long-blocks-when-told", set_up_blocks,
       test_fails_at_long_blocks_when_told);
  ADD ("drops-half-a-block", set_up_blocks, test_drops_half_a_block);
  ADD ("calls-again-with-the-rest", set_up, test_calls_again_with_the_rest);
  ADD ("tells-the-end-once", set_up, test_tells_the_end_once);
  ADD ("gives-up-a-connection", set_up, test_gives_up_a_connection);
  ADD ("stops-amid-parsing", set_up, test_stops_amid_parsing);
  ADD ("slow-parsers-hold-up-nobody", set_up, test_slow_parsers_hold_up_nobody);
#undef ADD
  return g_test_run ();
}
