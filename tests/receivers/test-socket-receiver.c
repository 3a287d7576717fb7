/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The socket receiver against servers that behave, and such that do not. */

#include "tests/receivers/ds-test-server.h"

#include "receivers/ds-receiver-runner-private.h"

#include "base/ds-error.h"

static void
test_connects_when_the_server_comes (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GSocketConnection) connection = NULL;

  g_test_summary ("A server that is not there yet is tried again until it is");

  stop_listening (fixture);
  start (fixture);
  for (guint i = 0; i < 3; i++)
    assert_error_matches (fixture, i,
                          "Cannot connect to 127.0.0.1:*: nothing listens there yet "
                          "(connection refused); trying again in *");
  listen_on (fixture, fixture->port);
  connection = accept_one (fixture);
  send_text (connection, "at last\n");
  wait_for_records (fixture, 1);
  ds_test_recorder_assert_text (fixture->recorder, "at last\n");
}

static void
test_names_that_do_not_resolve (void)
{
  g_autoptr (DsTestRecorder) recorder = ds_test_recorder_new (1 << 30, TRUE);
  g_autoptr (DsReceiver) receiver = ds_socket_receiver_new ("no-such-host.invalid", 9);
  DsReceiverSupervisor *supervisor = NULL;

  g_test_summary (
      "A name that nobody knows is a failure to connect, named with the port");

#ifdef __SANITIZE_THREAD__
  g_test_skip ("GIO looks names up in threads of its own, whose locks are not seen");
  return;
#endif
  supervisor = ds_test_recorder_supervise (recorder, receiver);
  ds_test_assert_start (supervisor);
  ds_test_recorder_wait_until (recorder, recorder->errors->len > 0);
  ds_test_stop_and_free (supervisor);
  g_assert_true (g_str_has_prefix (g_ptr_array_index (recorder->errors, 0),
                                   "Cannot connect to no-such-host.invalid:9: "));
  g_assert_cmpstr (recorder->location, ==, "no-such-host.invalid:9");
}

static void
test_takes_one_byte_at_a_time (Fixture *fixture, gconstpointer user_data)
{
  const char text[] = "a\nbc\r\n\n\r\nd\re\n";
  g_autoptr (GSocketConnection) connection = NULL;

  g_test_summary ("Bytes that come one by one make the lines they make together");

  start (fixture);
  connection = accept_one (fixture);
  for (gsize i = 0; i < strlen (text); i++)
    {
      send_bytes (connection, &text[i], 1);
      wait_for_bytes (fixture, i + 1);
    }
  wait_for_records (fixture, 5);
  ds_test_recorder_assert_text (fixture->recorder, "a\nbc\n\n\nd\re\n");
}

static void
test_takes_every_byte (Fixture *fixture, gconstpointer user_data)
{
  char line[257];
  gsize n_bytes = 0;
  g_autoptr (GSocketConnection) connection = NULL;
  DsBlock *block = NULL;

  g_test_summary ("NUL, invalid UTF-8 and every other byte but the line end are text");

  for (guint byte = 0; byte < 256; byte++)
    if (byte != '\n')
      line[n_bytes++] = (char) byte;
  line[n_bytes] = '\n';

  start (fixture);
  connection = accept_one (fixture);
  send_bytes (connection, line, n_bytes + 1);
  wait_for_records (fixture, 1);
  stop_receiver (fixture);
  block = g_ptr_array_index (fixture->recorder->blocks, 0);
  g_assert_cmpmem (ds_value_get_string (ds_block_get (block, 0), NULL),
                   ds_block_get (block, 0).size, line, (guint) n_bytes);
}

static void
test_delivers_the_last_line_of_a_clean_end (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GSocketConnection) first = NULL;
  g_autoptr (GSocketConnection) second = NULL;

  g_test_summary (
      "A server that closes amid a line has said all; the receiver comes back");

  start (fixture);
  first = accept_one (fixture);
  send_text (first, "a\nb");
  close_cleanly (first);
  assert_error_matches (fixture, 0,
                        "127.0.0.1:* closed the connection after 3 bytes in 2 lines; the "
                        "last line had no line end and was delivered; trying again in *");
  second = accept_one (fixture);
  g_assert_cmpuint (ds_socket_receiver_get_n_bytes (
                        DS_SOCKET_RECEIVER (fixture->receiver)),
                    ==, 0);
  send_text (second, "c\n");
  wait_for_records (fixture, 3);
  ds_test_recorder_assert_text (fixture->recorder, "a\nb\nc\n");
  g_assert_cmpint (ds_receiver_supervisor_get_n_dropped (fixture->supervisor), ==, 0);
  stop_receiver (fixture);
  g_assert_cmpuint (fixture->recorder->n_started, ==, 2);
}

static void
test_drops_the_last_line_of_a_reset (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GSocketConnection) first = NULL;
  g_autoptr (GSocketConnection) second = NULL;

  g_test_summary (
      "A line that a reset cut off is not known to be whole: dropped, counted");

  start (fixture);
  first = accept_one (fixture);
  send_text (first, "a\nb");
  wait_for_bytes (fixture, 3);
  reset (first);
  assert_error_matches (fixture, 0,
                        "127.0.0.1:* reset the connection after 3 bytes in 1 lines; the "
                        "last line had not ended and was dropped; trying again in *");
  second = accept_one (fixture);
  send_text (second, "c\n");
  wait_for_records (fixture, 2);
  ds_test_recorder_assert_text (fixture->recorder, "a\nc\n");
  g_assert_cmpint (ds_receiver_supervisor_get_n_dropped (fixture->supervisor), ==, 1);
}

static void
test_stops_reading_without_room (Fixture *fixture, gconstpointer user_data)
{
  const gsize n_mib = 32;
  const gsize max_bytes = 2 << 20;
  g_autoptr (GSocketConnection) connection = NULL;
  Sender sender = { NULL, n_mib };
  GThread *thread = NULL;
  gsize n_records = 0;

  g_test_summary ("32 MiB pass through a budget of 2 MiB that comes free bit by bit; the "
                  "sender waits meanwhile and nothing is lost");

  fixture->recorder->releases = FALSE;
  ds_memory_budget_set_max_bytes (fixture->recorder->budget, max_bytes);
  fixture->settings.max_block_bytes = 128 << 10;
  start (fixture);
  sender.connection = connection = accept_one (fixture);
  thread = g_thread_new ("sender", send_many, &sender);
  while (n_records < n_mib * LINES_PER_MIB)
    {
      gsize n_bytes = 0;

      ds_receiver_supervisor_cut (fixture->supervisor);
      ds_test_recorder_wait_until (fixture->recorder,
                                   fixture->recorder->n_bytes >= max_bytes ||
                                       fixture->recorder->n_records >=
                                           (n_mib - 3) * LINES_PER_MIB);
      g_mutex_lock (&fixture->recorder->lock);
      n_bytes = fixture->recorder->n_bytes;
      n_records = fixture->recorder->n_records;
      fixture->recorder->n_bytes = 0;
      g_ptr_array_set_size (fixture->recorder->blocks, 0);
      g_mutex_unlock (&fixture->recorder->lock);
      ds_memory_budget_release (fixture->recorder->budget, n_bytes);
    }
  g_thread_join (thread);
  g_assert_cmpuint (n_records, ==, n_mib * LINES_PER_MIB);
  /* It is looked at before each recv; one block may be on its way from there. */
  g_assert_cmpuint (ds_memory_budget_get_peak_bytes (fixture->recorder->budget), <=,
                    max_bytes + (1 << 20));
}

static gboolean
on_turn (gpointer data)
{
  g_atomic_int_set ((gint *) data, 1);
  return G_SOURCE_REMOVE;
}

/* Whatever the poll thread does just now is over. */
static void
wait_for_turn (Fixture *fixture)
{
  gint64 deadline = g_get_monotonic_time () + DS_TEST_PATIENCE;
  gint is_over = 0;

  ds_receiver_runner_invoke (fixture->supervisor, on_turn, &is_over, NULL);
  while (!g_atomic_int_get (&is_over))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_thread_yield ();
    }
}

static void
test_stops_while_it_has_no_room (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GSocketConnection) connection = NULL;

  g_test_summary (
      "A receiver that waits for memory stops at once, and what it had taken is "
      "handed over");

  fixture->recorder->releases = FALSE;
  ds_memory_budget_set_max_bytes (fixture->recorder->budget, 1);
  start (fixture);
  connection = accept_one (fixture);
  send_text (connection, "a\n");
  wait_for_records (fixture, 1);
  g_assert_false (ds_memory_budget_has_room (fixture->recorder->budget));
  wait_for_turn (fixture); /* it may have seen room, and be about to read */
  send_text (connection, "b\n");
  stop_receiver (fixture);
  ds_test_recorder_assert_text (fixture->recorder, "a\n");
  ds_memory_budget_release (fixture->recorder->budget, fixture->recorder->n_bytes);
}

static void
test_fails_at_long_lines_when_told (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GSocketConnection) connection = NULL;

  g_test_summary ("Under the policy fail a line that is too long ends the receiver");

  fixture->settings.max_record_bytes = 10;
  ds_socket_receiver_set_long_line_policy (DS_SOCKET_RECEIVER (fixture->receiver),
                                           DS_LONG_LINE_FAIL);
  start (fixture);
  connection = accept_one (fixture);
  send_text (connection, "0123456789\n0123456789a\n");
  ds_test_assert_join (fixture->supervisor);
  g_assert_error (fixture->recorder->stop_error, DS_ERROR, DS_ERROR_LIMIT);
  g_assert_true (g_str_has_prefix (fixture->recorder->stop_error->message, "127.0.0.1:"));
  ds_test_recorder_assert_text (fixture->recorder, "0123456789\n");
}

static void
test_splits_long_lines_when_told (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GSocketConnection) connection = NULL;

  g_test_summary ("Under the policy split a line that is too long becomes several");

  fixture->settings.max_record_bytes = 10;
  ds_socket_receiver_set_long_line_policy (DS_SOCKET_RECEIVER (fixture->receiver),
                                           DS_LONG_LINE_SPLIT);
  start (fixture);
  connection = accept_one (fixture);
  send_text (connection, "0123456789abc\nd\n");
  wait_for_records (fixture, 3);
  ds_test_recorder_assert_text (fixture->recorder, "0123456789\nabc\nd\n");
  g_assert_cmpint (ds_receiver_supervisor_get_n_dropped (fixture->supervisor), ==, 0);
}

static void
test_leaves_a_silent_server (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GSocketConnection) again = NULL;

  g_test_summary ("With an idle timeout a connection without bytes is made anew");

  ds_socket_receiver_set_idle_timeout (DS_SOCKET_RECEIVER (fixture->receiver), 1);
  start (fixture);
  connection = accept_one (fixture);
  send_text (connection, "a\n");
  again = accept_one (fixture);
  assert_error_matches (fixture, 0,
                        "127.0.0.1:* sent nothing for *, so the connection was closed "
                        "after 2 bytes in 1 lines; trying again in *");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) \
  g_test_add ("/receivers/socket-receiver/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("connects-when-the-server-comes", test_connects_when_the_server_comes);
  g_test_add_func ("/receivers/socket-receiver/names-that-do-not-resolve",
                   test_names_that_do_not_resolve);
  ADD ("takes-one-byte-at-a-time", test_takes_one_byte_at_a_time);
  ADD ("takes-every-byte", test_takes_every_byte);
  ADD ("delivers-the-last-line-of-a-clean-end",
       test_delivers_the_last_line_of_a_clean_end);
  ADD ("drops-the-last-line-of-a-reset", test_drops_the_last_line_of_a_reset);
  ADD ("stops-reading-without-room", test_stops_reading_without_room);
  ADD ("stops-while-it-has-no-room", test_stops_while_it_has_no_room);
  ADD ("fails-at-long-lines-when-told", test_fails_at_long_lines_when_told);
  ADD ("splits-long-lines-when-told", test_splits_long_lines_when_told);
  ADD ("leaves-a-silent-server", test_leaves_a_silent_server);
#undef ADD
  return g_test_run ();
}
