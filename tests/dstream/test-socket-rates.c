/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rate limits and back-pressure of streams whose sockets are parsed: by a function of the
 * program, as msgpack, in raw blocks.  The server sends all at once; batches are those of
 * a manual clock. */

#include "dstream/ds-streaming-context-private.h"
#include "tests/dstream/ds-test-stream.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define RATE 10

/* ---- The server: a thread that sends some bytes to one client, and goes with it ----
 * Without GLib, whose own threads the thread sanitizer does not see well. */

typedef struct
{
  int listener;
  guint16 port;
  GByteArray *bytes;
  guint n_repeats;
  GThread *thread;
} Server;

static gboolean
server_send (Server *self, int connection)
{
  for (gsize n_sent = 0; n_sent < self->bytes->len;)
    {
      gssize n = send (connection, self->bytes->data + n_sent, self->bytes->len - n_sent,
                       MSG_NOSIGNAL);

      if (n < 0)
        return FALSE;
      n_sent += (gsize) n;
    }
  return TRUE;
}

static gpointer
server_run (gpointer user_data)
{
  Server *self = user_data;
  int connection = accept (self->listener, NULL, NULL);
  gboolean is_open = TRUE;
  char byte;

  g_assert_cmpint (connection, >=, 0);
  for (guint i = 0; is_open && i < self->n_repeats; i++)
    is_open = server_send (self, connection);
  if (is_open)
    is_open = recv (connection, &byte, 1, 0) > 0;
  close (connection);
  return NULL;
}

static void
server_set_up (Server *self)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;

  *self = (Server){ .listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
                    .bytes = g_byte_array_new (),
                    .n_repeats = 1 };
  g_assert_cmpint (bind (self->listener, (struct sockaddr *) &address, length), ==, 0);
  g_assert_cmpint (listen (self->listener, 1), ==, 0);
  g_assert_cmpint (getsockname (self->listener, (struct sockaddr *) &address, &length),
                   ==, 0);
  self->port = ntohs (address.sin_port);
}

static void
server_start (Server *self)
{
  self->thread = g_thread_new ("server", server_run, self);
}

/* When its client is gone. */
static void
server_tear_down (Server *self)
{
  g_thread_join (self->thread);
  close (self->listener);
  g_byte_array_unref (self->bytes);
}

/* ---- What it sends ---- */

static void
append_ints (GByteArray *bytes, gint64 first, guint n_values)
{
  for (guint i = 0; i < n_values; i++)
    {
      g_autoptr (DsBlock) block = ds_block_new_ints (first + i);
      g_autoptr (GBytes) encoded = ds_block_to_msgpack (block);

      g_byte_array_append (bytes, g_bytes_get_data (encoded, NULL),
                           (guint) g_bytes_get_size (encoded));
    }
}

static void
append_block (GByteArray *bytes, gint64 first, guint n_values)
{
  g_autoptr (GByteArray) content = g_byte_array_new ();
  guint32 head;

  append_ints (content, first, n_values);
  head = GUINT32_TO_BE (content->len);
  g_byte_array_append (bytes, (const guint8 *) &head, sizeof head);
  g_byte_array_append (bytes, content->data, content->len);
}

/* Numbers of two bytes, the high one first. */
static gsize
parse_numbers (const guint8 *bytes,
               gsize n_bytes,
               gboolean at_end,
               DsTask *task,
               gpointer user_data)
{
  gsize i = 0;

  for (i = 0; i + 2 <= n_bytes; i += 2)
    ds_task_emit (task, ds_value_int (bytes[i] << 8 | bytes[i + 1]));
  return i;
}

/* ---- Running ---- */

/* Runs batches of @stream, limited to RATE, until 0, 1, 2 ... @n_records have come, each
 * once: no batch may have more than @n_more above its share, nor may the first ones
 * together.  Whether there is something in a batch depends on how fast the machine is;
 * that there is too much does not. */
static void
run_limited (DsTestStream *test, DsDStream *stream, gint64 n_records, gint64 n_more)
{
  gint64 deadline = g_get_monotonic_time () + 60 * DS_SECOND;
  DsOutput *values = ds_dstream_collect (stream);
  gint64 n_batches = 0;
  gint64 n = 0;

  ds_test_stream_start (test);
  while (n < n_records)
    {
      DsBlock *block;

      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      ds_test_stream_run (test, 1);
      n_batches++;
      block = ds_output_get_block (values, n_batches * DS_SECOND);
      g_assert_cmpuint (ds_block_get_length (block), <=, RATE + n_more);
      for (gsize i = 0; i < ds_block_get_length (block); i++)
        g_assert_cmpint (ds_value_get_int (ds_block_get (block, i)), ==, n++);
      /* One permit at the start, and those of the tick's own moment. */
      g_assert_cmpint (n, <=, 1 + n_batches * RATE + n_more);
      ds_output_clear (values);
      g_thread_yield ();
    }
  g_assert_cmpint (n, ==, n_records);
  g_assert_cmpint (ds_streaming_context_get_n_received (test->ssc), ==, n_records);
}

/* ---- Tests ---- */

static void
test_parse_functions_keep_to_the_limit (void)
{
  Server server;
  DsTestStream test;
  DsDStream *stream;

  g_test_summary ("set_max_rate () of a stream with a parse function: 300 records, 10 at "
                  "most in a batch, in order, none lost");

  server_set_up (&server);
  for (guint i = 0; i < 300; i++)
    {
      const guint8 number[] = { (guint8) (i >> 8), (guint8) i };

      g_byte_array_append (server.bytes, number, sizeof number);
    }
  server_start (&server);
  ds_test_stream_set_up (&test, "local[2]");
  stream = ds_streaming_context_socket_stream (test.ssc, "127.0.0.1", server.port,
                                               parse_numbers, NULL, NULL);
  ds_dstream_set_max_rate (stream, RATE);
  run_limited (&test, stream, 300, 0);
  ds_test_stream_tear_down (&test);
  server_tear_down (&server);
}

static void
test_msgpack_keeps_to_the_limit (void)
{
  Server server;
  DsTestStream test;

  g_test_summary (
      "receiver-max-rate and msgpack: ints of 1, 2 and then 3 bytes, 10 at most "
      "in a batch");

  server_set_up (&server);
  append_ints (server.bytes, 0, 400);
  server_start (&server);
  ds_test_stream_set_up (&test, "local[2]");
  g_object_set (test.ssc, "receiver-max-rate", RATE, NULL);
  run_limited (&test,
               ds_streaming_context_socket_stream (test.ssc, "127.0.0.1", server.port,
                                                   ds_parse_msgpack, NULL, NULL),
               400, 0);
  ds_test_stream_tear_down (&test);
  server_tear_down (&server);
}

static void
test_raw_blocks_keep_to_the_limit (void)
{
  Server server;
  DsTestStream test;
  DsDStream *stream;

  g_test_summary (
      "Raw blocks of 7 values: a batch may have the rest of a block more than "
      "its share, but not two batches in a row");

  server_set_up (&server);
  for (guint i = 0; i < 30; i++)
    append_block (server.bytes, 7 * i, 7);
  server_start (&server);
  ds_test_stream_set_up (&test, "local[2]");
  stream = ds_streaming_context_raw_socket_stream (test.ssc, "127.0.0.1", server.port);
  ds_dstream_set_max_rate (stream, RATE);
  run_limited (&test, stream, 210, 6);
  ds_test_stream_tear_down (&test);
  server_tear_down (&server);
}

static void
test_a_large_block_is_paid_back (void)
{
  Server server;
  DsTestStream test;
  DsDStream *stream;

  g_test_summary ("A raw block of 65 values comes whole, and then nothing until the rate "
                  "has caught up with it");

  server_set_up (&server);
  append_block (server.bytes, 0, 65);
  append_block (server.bytes, 65, 5);
  append_block (server.bytes, 70, 65);
  append_block (server.bytes, 135, 5);
  server_start (&server);
  ds_test_stream_set_up (&test, "local[2]");
  stream = ds_streaming_context_raw_socket_stream (test.ssc, "127.0.0.1", server.port);
  ds_dstream_set_max_rate (stream, RATE);
  run_limited (&test, stream, 140, 64);
  /* 70 before the second large one begins, and all of it before the last one. */
  g_assert_cmpint (ds_clock_get_time (DS_CLOCK (test.clock)), >=, 13 * DS_SECOND);
  ds_test_stream_tear_down (&test);
  server_tear_down (&server);
}

/* 5 ms a record, by the clock of the stream: 200 records a second. */
typedef struct
{
  DsManualClock *clock;
  gint n_batches; /* with records; atomic */
} Slow;

static gboolean
take_time (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  Slow *slow = user_data;
  gint64 n_records = ds_batch_get_n_records (batch);

  if (n_records > 0)
    ds_manual_clock_advance (slow->clock, n_records * 5 * DS_MILLISECOND);
  g_atomic_int_add (&slow->n_batches, n_records > 0);
  return TRUE;
}

static void
test_back_pressure_slows_parsed_sockets (gconstpointer data)
{
  gboolean is_raw = GPOINTER_TO_INT (data);
  gint64 deadline = g_get_monotonic_time () + 100 * DS_SECOND;
  Server server;
  DsTestStream test;
  DsDStream *stream;
  Slow slow = { 0 };
  guint64 rate = 0;

  g_test_summary ("A server that sends without end, begun at ten times what batches can "
                  "take: the rate comes down to that, and the least is kept");

  server_set_up (&server);
  if (is_raw)
    append_block (server.bytes, 0, 5);
  else
    g_byte_array_append (server.bytes, (const guint8 *) "numbers!",
                         8); /* of two letters */
  server.n_repeats = G_MAXUINT;
  server_start (&server);
  ds_test_stream_set_up (&test, "local[2]");
  slow.clock = test.clock;
  g_object_set (test.ssc, "backpressure-enabled", TRUE, "backpressure-initial-rate", 2000,
                "backpressure-pid-min-rate", 20.0, NULL);
  stream =
      is_raw ? ds_streaming_context_raw_socket_stream (test.ssc, "127.0.0.1", server.port)
             : ds_streaming_context_socket_stream (test.ssc, "127.0.0.1", server.port,
                                                   parse_numbers, NULL, NULL);
  ds_dstream_foreach_rdd (stream, take_time, &slow, NULL);
  ds_test_stream_start (&test);
  g_assert_cmpuint (ds_receiver_tracker_get_rate (test.ssc->receivers, stream), ==, 2000);
  for (guint i = 0; i < 60 || g_atomic_int_get (&slow.n_batches) < 40; i++)
    {
      g_autoptr (GError) error = NULL;
      DsTime now;

      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      /* Outputs move the clock, too: the last batch that is due. */
      ds_manual_clock_advance (test.clock, DS_SECOND);
      now = ds_clock_get_time (DS_CLOCK (test.clock));
      ds_streaming_context_await_batch (test.ssc, now - now % DS_SECOND, &error);
      g_assert_no_error (error);
      rate = ds_receiver_tracker_get_rate (test.ssc->receivers, stream);
      g_assert_cmpuint (rate, >=, 20);
      g_thread_yield ();
    }
  /* Processing always shows 200 a second, and waiting only takes from that. */
  g_assert_cmpuint (rate, <=, 200);
  ds_test_stream_tear_down (&test);
  server_tear_down (&server);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) g_test_add_func ("/dstream/socket-rates/" name, func)
  ADD ("parse-functions-keep-to-the-limit", test_parse_functions_keep_to_the_limit);
  ADD ("msgpack-keeps-to-the-limit", test_msgpack_keeps_to_the_limit);
  ADD ("raw-blocks-keep-to-the-limit", test_raw_blocks_keep_to_the_limit);
  ADD ("a-large-block-is-paid-back", test_a_large_block_is_paid_back);
#undef ADD
  g_test_add_data_func ("/dstream/socket-rates/back-pressure-slows-parse-functions",
                        GINT_TO_POINTER (FALSE), test_back_pressure_slows_parsed_sockets);
  g_test_add_data_func ("/dstream/socket-rates/back-pressure-slows-raw-blocks",
                        GINT_TO_POINTER (TRUE), test_back_pressure_slows_parsed_sockets);

  return g_test_run ();
}
