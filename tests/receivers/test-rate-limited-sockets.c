/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sockets with a rate limit whose bytes a parser cuts into values, on a manual clock:
 * nobody knows how many records come before they are parsed, and still a batch has
 * exactly its share, or what one read or one block brings more and later batches do
 * without. */

#include "tests/receivers/ds-test-server.h"

#include "base/ds-codec-private.h"

#define RATE 10

/* ---- A parser: numbers of 4 digits, dots behind it ----
 */

typedef struct
{
  DsSocketParser parent;
  gint n_calls; /* atomic */
} NumberParser;

static void
number_parser_begin (DsSocketParser *parser)
{
}

static gboolean
number_parser_parse (DsSocketParser *parser,
                     const guint8 *bytes,
                     gsize n_bytes,
                     gboolean at_end,
                     DsParsed *parsed,
                     gsize *n_taken,
                     GError **error)
{
  NumberParser *self = (NumberParser *) parser;
  const guint8 *end = n_bytes > 0 ? memchr (bytes, '\n', n_bytes) : NULL;
  DsValue number;

  g_atomic_int_inc (&self->n_calls);
  if (end == NULL)
    return TRUE;
  number = ds_value_int ((gint64) g_ascii_strtoull ((const char *) bytes, NULL, 10));
  *n_taken = (gsize) (end + 1 - bytes);
  return ds_parsed_add (parsed, &number, NULL, 1);
}

static void
number_parser_free (DsSocketParser *parser)
{
  g_free (parser);
}

/* Valid as long as the receiver. */
static NumberParser *
use_parser (Fixture *fixture)
{
  static const DsSocketParserOps ops = { .begin = number_parser_begin,
                                         .parse = number_parser_parse,
                                         .free = number_parser_free };

  NumberParser *parser = g_new0 (NumberParser, 1);

  parser->parent = (DsSocketParser){ &ops, "numbers" };
  g_object_unref (fixture->receiver);
  fixture->receiver =
      ds_socket_receiver_new_for_parser ("127.0.0.1", fixture->port, &parser->parent);
  return parser;
}

static void
append_number (GByteArray *bytes, guint number, gsize n_dots)
{
  g_autofree char *dots = g_strnfill (n_dots, '.');
  g_autofree char *text = g_strdup_printf ("%04u%s\n", number, dots);

  g_byte_array_append (bytes, (const guint8 *) text, (guint) strlen (text));
}

/* ---- Blocks of ints ---- */

static void
use_blocks (Fixture *fixture)
{
  g_object_unref (fixture->receiver);
  fixture->receiver = ds_socket_receiver_new_for_blocks ("127.0.0.1", fixture->port);
}

static void
append_block (GByteArray *bytes, guint first, guint n_values)
{
  g_autoptr (GByteArray) content = g_byte_array_new ();
  guint32 head;

  for (guint i = first; i < first + n_values; i++)
    ds_codec_encode (ds_value_int (i), content);
  head = GUINT32_TO_BE (content->len);
  g_byte_array_append (bytes, (const guint8 *) &head, sizeof head);
  g_byte_array_append (bytes, content->data, content->len);
}

/* ---- Batches ---- */

typedef struct
{
  DsManualClock *clock;
  gint64 n_seen;
} Run;

/* A rate of 10 a second, batches of 1 s. */
static GSocketConnection *
begin (Fixture *fixture, Run *run)
{
  *run = (Run){ ds_manual_clock_new (1000 * DS_SECOND), 0 };
  fixture->settings.clock = DS_CLOCK (run->clock);
  fixture->settings.max_rate = RATE;
  fixture->settings.batch_interval = DS_SECOND;
  start (fixture);
  return accept_one (fixture);
}

/* Until all that may come in this batch has come; what a turn brought is counted when its
 * values are where a cut finds them. */
static void
wait_until_limited (Fixture *fixture)
{
  DsRateLimiter *limiter = ds_receiver_supervisor_get_limiter (fixture->supervisor);
  gint64 deadline = g_get_monotonic_time () + DS_TEST_PATIENCE;

  while (ds_rate_limiter_has_room (limiter))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_thread_yield ();
    }
}

/* The batch ends, and the next one begins; how many records it has. */
static gint64
end_batch (Fixture *fixture, Run *run)
{
  gint64 n_before = run->n_seen;

  ds_receiver_supervisor_end_batch (fixture->supervisor);
  ds_receiver_supervisor_begin_batch (fixture->supervisor, 0);
  run->n_seen = ds_receiver_supervisor_get_n_records (fixture->supervisor);
  return run->n_seen - n_before;
}

/* All records that came are 0, 1, 2 ... */
static void
assert_in_order (Fixture *fixture, gint64 n_records)
{
  DsTestRecorder *recorder = fixture->recorder;
  gint64 n = 0;

  g_mutex_lock (&recorder->lock);
  for (guint i = 0; i < recorder->blocks->len; i++)
    {
      DsBlock *block = g_ptr_array_index (recorder->blocks, i);

      for (gsize j = 0; j < ds_block_get_length (block); j++)
        g_assert_cmpint (ds_value_get_int (ds_block_get (block, j)), ==, n++);
    }
  g_mutex_unlock (&recorder->lock);
  g_assert_cmpint (n, ==, n_records);
}

/* The supervisor lives as long as its receiver, and the clock with it. */
static void
end (Fixture *fixture, Run *run)
{
  g_clear_pointer (&fixture->supervisor, ds_test_stop_and_free);
  g_clear_object (&run->clock);
}

/* ---- Tests ---- */

static void
test_parsed_records_keep_to_the_limit (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  Run run;

  g_test_summary ("100 records of one length that a server sends at once come 1, 10, 10 "
                  "... in a batch, in order, and none is lost");

  for (guint i = 0; i < 100; i++)
    append_number (bytes, i, 3);
  use_parser (fixture);
  connection = begin (fixture, &run);
  send_bytes (connection, bytes->data, bytes->len);
  for (guint i = 0; i < 10; i++)
    {
      wait_until_limited (fixture);
      g_assert_cmpint (end_batch (fixture, &run), ==, i == 0 ? 1 : RATE);
      ds_manual_clock_advance (run.clock, DS_SECOND);
    }
  wait_for_records (fixture, 100);
  assert_in_order (fixture, 100);
  end (fixture, &run);
}

static void
test_a_late_tick_lets_nothing_more_in (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  Run run;

  g_test_summary (
      "A batch that ends after 5 s has no more parsed records than one of 1 s, "
      "and one of a tenth has its tenth");

  for (guint i = 0; i < 50; i++)
    append_number (bytes, i, 0);
  use_parser (fixture);
  connection = begin (fixture, &run);
  send_bytes (connection, bytes->data, bytes->len);
  wait_until_limited (fixture);
  g_assert_cmpint (end_batch (fixture, &run), ==, 1);
  ds_manual_clock_advance (run.clock, 5 * DS_SECOND);
  wait_until_limited (fixture);
  ds_manual_clock_advance (run.clock, 5 * DS_SECOND);
  g_assert_cmpint (end_batch (fixture, &run), ==, RATE);
  wait_until_limited (fixture); /* with what the bucket holds */
  g_assert_cmpint (end_batch (fixture, &run), ==, RATE);
  for (guint i = 0; i < 5; i++)
    {
      ds_manual_clock_advance (run.clock, DS_SECOND / 10);
      wait_until_limited (fixture);
      g_assert_cmpint (end_batch (fixture, &run), ==, 1);
    }
  end (fixture, &run);
}

static void
test_records_of_many_lengths (Fixture *fixture, gconstpointer user_data)
{
  enum
  {
    N_RECORDS = 300
  };
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  gint64 n_batches = 0;
  Run run;

  g_test_summary (
      "Records of 5 to 45 bytes at random: no batch has more than twice its "
      "share, no span from the start more than its own and one read more, and "
      "none is lost");

  for (guint i = 0; i < N_RECORDS; i++)
    append_number (bytes, i, (gsize) g_test_rand_int_range (10, 26));
  use_parser (fixture);
  connection = begin (fixture, &run);
  send_bytes (connection, bytes->data, bytes->len);
  while (run.n_seen < N_RECORDS - RATE)
    {
      gint64 n;

      wait_until_limited (fixture);
      n = end_batch (fixture, &run);
      /* The largest read, behind a record that has nearly come, of the shortest ones. */
      g_assert_cmpint (n, <=, (30 * RATE + 29) / 15);
      g_assert_cmpint (run.n_seen, <=, 1 + n_batches * RATE + (30 * RATE + 29) / 15);
      ds_manual_clock_advance (run.clock, DS_SECOND);
      n_batches++;
    }
  /* Not slower than it must be either. */
  g_assert_cmpint (n_batches, <=, N_RECORDS / RATE + 1);
  for (gint64 deadline = g_get_monotonic_time () + DS_TEST_PATIENCE;
       run.n_seen < N_RECORDS; end_batch (fixture, &run))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      ds_manual_clock_advance (run.clock, DS_SECOND);
      g_thread_yield ();
    }
  assert_in_order (fixture, N_RECORDS);
  end (fixture, &run);
}

static void
test_a_long_record_takes_few_turns (Fixture *fixture, gconstpointer user_data)
{
  const gsize n_long = 4 << 20;
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  NumberParser *parser;
  Run run;

  g_test_summary ("A record of 4 MiB among short ones is not parsed anew for every few "
                  "bytes of it");

  append_number (bytes, 0, 0);
  append_number (bytes, 1, n_long);
  fixture->settings.max_record_bytes = 2 * n_long;
  parser = use_parser (fixture);
  connection = begin (fixture, &run);
  send_bytes (connection, bytes->data, 5);
  wait_until_limited (fixture);
  g_assert_cmpint (end_batch (fixture, &run), ==, 1);
  ds_manual_clock_advance (run.clock, DS_SECOND);
  send_bytes (connection, bytes->data + 5, bytes->len - 5);
  wait_for_records (fixture, 2);
  g_assert_cmpint (g_atomic_int_get (&parser->n_calls), <, 300);
  g_test_message ("%d calls of the parser", parser->n_calls);
  assert_in_order (fixture, 2);
  end (fixture, &run);
}

static void
test_blocks_keep_to_the_limit (Fixture *fixture, gconstpointer user_data)
{
  enum
  {
    N_BLOCKS = 50,
    N_VALUES = 4
  };
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  gint64 n_batches = 0;
  Run run;

  g_test_summary (
      "Of blocks of 4 values a batch has its share, and at most the rest of a "
      "block more; later ones do without as many");

  for (guint i = 0; i < N_BLOCKS; i++)
    append_block (bytes, i * N_VALUES, N_VALUES);
  use_blocks (fixture);
  connection = begin (fixture, &run);
  send_bytes (connection, bytes->data, bytes->len);
  while (run.n_seen < N_BLOCKS * N_VALUES - RATE - N_VALUES)
    {
      wait_until_limited (fixture);
      g_assert_cmpint (end_batch (fixture, &run), <, RATE + N_VALUES);
      g_assert_cmpint (run.n_seen, <, 1 + n_batches * RATE + N_VALUES);
      g_assert_cmpint (run.n_seen, >=, 1 + n_batches * RATE - N_VALUES);
      g_assert_cmpint (run.n_seen % N_VALUES, ==, 0);
      ds_manual_clock_advance (run.clock, DS_SECOND);
      n_batches++;
    }
  for (gint64 deadline = g_get_monotonic_time () + DS_TEST_PATIENCE;
       run.n_seen < N_BLOCKS * N_VALUES; end_batch (fixture, &run))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      ds_manual_clock_advance (run.clock, DS_SECOND);
      g_thread_yield ();
    }
  assert_in_order (fixture, N_BLOCKS * N_VALUES);
  end (fixture, &run);
}

static void
test_a_block_larger_than_a_batch (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  Run run;

  g_test_summary (
      "A block of 35 values passes in one batch; the next begins when the rate "
      "has caught up with it, 4 batches later");

  append_block (bytes, 0, 35);
  append_block (bytes, 35, 1);
  use_blocks (fixture);
  connection = begin (fixture, &run);
  send_bytes (connection, bytes->data, bytes->len);
  wait_until_limited (fixture);
  g_assert_cmpint (end_batch (fixture, &run), ==, 35); /* of the permit at the start */
  for (guint i = 0; i < 3; i++)                        /* -34, -24, -14, -4 */
    {
      ds_manual_clock_advance (run.clock, DS_SECOND);
      wait_until_limited (fixture);
      g_assert_cmpint (end_batch (fixture, &run), ==, 0);
    }
  ds_manual_clock_advance (run.clock, DS_SECOND);
  wait_for_records (fixture, 36);
  assert_in_order (fixture, 36);
  end (fixture, &run);
}

static void
test_a_stop_waits_for_no_rate (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  Run run;

  g_test_summary (
      "A receiver that may read nothing stops at once and has handed over what "
      "it had read");

  for (guint i = 0; i < 20; i++)
    append_number (bytes, i, 0);
  use_parser (fixture);
  connection = begin (fixture, &run);
  send_bytes (connection, bytes->data, bytes->len);
  wait_until_limited (fixture);
  end (fixture, &run);
  assert_in_order (fixture, 1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func)                                                             \
  g_test_add ("/receivers/rate-limited-sockets/" name, Fixture, NULL, set_up, func, \
              tear_down)
  ADD ("parsed-records-keep-to-the-limit", test_parsed_records_keep_to_the_limit);
  ADD ("a-late-tick-lets-nothing-more-in", test_a_late_tick_lets_nothing_more_in);
  ADD ("records-of-many-lengths", test_records_of_many_lengths);
  ADD ("a-long-record-takes-few-turns", test_a_long_record_takes_few_turns);
  ADD ("blocks-keep-to-the-limit", test_blocks_keep_to_the_limit);
  ADD ("a-block-larger-than-a-batch", test_a_block_larger_than_a_batch);
  ADD ("a-stop-waits-for-no-rate", test_a_stop_waits_for_no_rate);
#undef ADD

  return g_test_run ();
}
