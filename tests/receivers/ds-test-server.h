/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A socket receiver and the other end of it: a listening socket on the loopback and
 * connections that the test accepts. */

#include "tests/receivers/ds-test-recorder.h"

#include "receivers/ds-socket-receiver-private.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

G_BEGIN_DECLS

typedef struct
{
  DsTestRecorder *recorder;
  DsReceiverSettings settings;
  GSocketListener *listener;
  guint16 port;
  DsReceiver *receiver;
  DsReceiverSupervisor *supervisor;
} Fixture;

/* ---- The server ---- */

static inline guint16
listen_on (Fixture *fixture, guint16 port)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, port);
  g_autoptr (GSocketAddress) bound = NULL;
  g_autoptr (GError) error = NULL;

  fixture->listener = g_socket_listener_new ();
  g_socket_listener_set_backlog (fixture->listener, 4096);
  g_socket_listener_add_address (fixture->listener, address, G_SOCKET_TYPE_STREAM,
                                 G_SOCKET_PROTOCOL_TCP, NULL, &bound, &error);
  g_assert_no_error (error);
  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
}

static inline void
stop_listening (Fixture *fixture)
{
  g_socket_listener_close (fixture->listener);
  g_clear_object (&fixture->listener);
}

static inline GSocketConnection *
accept_one (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  GSocketConnection *connection =
      g_socket_listener_accept (fixture->listener, NULL, NULL, &error);

  g_assert_no_error (error);
  g_socket_set_timeout (g_socket_connection_get_socket (connection),
                        (guint) (DS_TEST_PATIENCE / DS_SECOND));
  g_socket_set_option (g_socket_connection_get_socket (connection), IPPROTO_TCP,
                       TCP_NODELAY, 1, NULL);
  return connection;
}

static inline void
send_bytes (GSocketConnection *connection, gconstpointer bytes, gsize n_bytes)
{
  g_autoptr (GError) error = NULL;

  g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)),
                             bytes, n_bytes, NULL, NULL, &error);
  g_assert_no_error (error);
}

static inline void
send_text (GSocketConnection *connection, const char *text)
{
  send_bytes (connection, text, strlen (text));
}

#define LINES_PER_MIB 16384 /* of 64 bytes */

typedef struct
{
  GSocketConnection *connection;
  gsize n_mib;
} Sender;

/* A thread: so many MiB of such lines. */
static inline gpointer
send_many (gpointer data)
{
  Sender *sender = data;
  g_autofree char *piece = g_malloc (1 << 20);

  memset (piece, 'x', 1 << 20);
  for (gsize i = 1; i <= LINES_PER_MIB; i++)
    piece[i * 64 - 1] = '\n';
  for (gsize i = 0; i < sender->n_mib; i++)
    send_bytes (sender->connection, piece, 1 << 20);
  return NULL;
}

static inline void
close_cleanly (GSocketConnection *connection)
{
  g_autoptr (GError) error = NULL;

  g_io_stream_close (G_IO_STREAM (connection), NULL, &error);
  g_assert_no_error (error);
}

static inline void
reset (GSocketConnection *connection)
{
  struct linger linger = { .l_onoff = 1, .l_linger = 0 };
  int fd = g_socket_get_fd (g_socket_connection_get_socket (connection));

  g_assert_cmpint (setsockopt (fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), ==, 0);
  close_cleanly (connection);
}

/* ---- The receiver ---- */

static inline void
start (Fixture *fixture)
{
  fixture->supervisor =
      ds_receiver_supervisor_new (fixture->receiver, &fixture->settings,
                                  &ds_test_recorder_events, fixture->recorder);
  ds_test_assert_start (fixture->supervisor);
}

static inline void
set_up (Fixture *fixture, gconstpointer user_data)
{
  fixture->recorder = ds_test_recorder_new (1 << 30, TRUE);
  fixture->settings = ds_test_recorder_get_settings (fixture->recorder);
  fixture->port = listen_on (fixture, 0);
  fixture->receiver = ds_socket_receiver_new ("127.0.0.1", fixture->port);
}

static inline void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  if (fixture->supervisor != NULL)
    ds_test_stop_and_free (fixture->supervisor);
  g_assert_finalize_object (fixture->receiver);
  if (fixture->listener != NULL)
    stop_listening (fixture);
  if (fixture->recorder->releases)
    g_assert_cmpuint (ds_memory_budget_get_n_bytes (fixture->recorder->budget), ==, 0);
  ds_test_recorder_free (fixture->recorder);
}

static inline void
stop_receiver (Fixture *fixture)
{
  ds_receiver_supervisor_stop_async (fixture->supervisor);
  ds_test_assert_join (fixture->supervisor);
}

/* The receiver has taken @n_bytes from the system. */
static inline void
wait_for_bytes (Fixture *fixture, guint64 n_bytes)
{
  gint64 deadline = g_get_monotonic_time () + DS_TEST_PATIENCE;

  while (ds_socket_receiver_get_n_bytes (DS_SOCKET_RECEIVER (fixture->receiver)) !=
         n_bytes)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_thread_yield ();
    }
}

/* Cuts until there are so many records. */
static inline void
wait_for_records (Fixture *fixture, gsize n_records)
{
  gint64 deadline = g_get_monotonic_time () + DS_TEST_PATIENCE;

  while ((gsize) ds_receiver_supervisor_get_n_records (fixture->supervisor) < n_records)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      ds_receiver_supervisor_cut (fixture->supervisor);
      g_thread_yield ();
    }
}

static inline void
assert_error_matches (Fixture *fixture, guint index, const char *pattern)
{
  g_autofree char *message = NULL;

  ds_test_recorder_wait_until (fixture->recorder, fixture->recorder->errors->len > index);
  g_mutex_lock (&fixture->recorder->lock);
  message = g_strdup (g_ptr_array_index (fixture->recorder->errors, index));
  g_mutex_unlock (&fixture->recorder->lock);
  if (!g_pattern_match_simple (pattern, message))
    g_error ("'%s' does not match '%s'", message, pattern);
}

/* ---- Tests ---- */

/* Waits for an error that matches; others may come before. */
static inline void
wait_for_error (Fixture *fixture, const char *pattern)
{
  DsTestRecorder *recorder = fixture->recorder;
  gboolean is_there = FALSE;

  for (guint i = 0; !is_there; i++)
    {
      g_autofree char *message = NULL;

      ds_test_recorder_wait_until (recorder, recorder->errors->len > i);
      g_mutex_lock (&recorder->lock);
      message = g_strdup (g_ptr_array_index (recorder->errors, i));
      g_mutex_unlock (&recorder->lock);
      is_there = g_pattern_match_simple (pattern, message);
      if (i > 2000)
        g_error ("'%s' does not match '%s'", pattern, message);
    }
}

G_END_DECLS
