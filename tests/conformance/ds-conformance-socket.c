/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cases of the socket stream, over a real loopback connection: a server of our own sends
 * the bytes to the first client and closes; whoever connects later gets nothing.  Which
 * batch holds which line is not fixed, so batches pass until all lines are there. */

#include "tests/conformance/ds-conformance-private.h"

#include <string.h>

typedef struct
{
  GSocketListener *listener;
  GThread *thread;
  gint is_over; /* atomic */
  const char *sent;
  guint16 port;
} DsConformanceServer;

/* Thread: the server's. */
static gpointer
ds_conformance_serve (gpointer user_data)
{
  DsConformanceServer *self = user_data;
  g_autoptr (GPtrArray) connections = g_ptr_array_new_with_free_func (g_object_unref);
  gboolean is_first = TRUE;

  while (TRUE)
    {
      GSocketConnection *connection =
          g_socket_listener_accept (self->listener, NULL, NULL, NULL);

      if (connection != NULL)
        g_ptr_array_add (connections, connection);
      if (connection == NULL || g_atomic_int_get (&self->is_over))
        return NULL;
      if (is_first)
        {
          g_output_stream_write_all (g_io_stream_get_output_stream (
                                         G_IO_STREAM (connection)),
                                     self->sent, strlen (self->sent), NULL, NULL, NULL);
          g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
        }
      is_first = FALSE;
    }
}

static gboolean
ds_conformance_server_start (DsConformanceServer *self, const char *sent, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) wanted = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) bound = NULL;

  self->listener = g_socket_listener_new ();
  self->sent = sent;
  if (!g_socket_listener_add_address (self->listener, wanted, G_SOCKET_TYPE_STREAM,
                                      G_SOCKET_PROTOCOL_TCP, NULL, &bound, &local_error))
    return ds_conformance_skip (error, "no server on the loopback interface: %s",
                                local_error->message);
  self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  self->thread = g_thread_new ("ds-conformance", ds_conformance_serve, self);
  return TRUE;
}

static void
ds_conformance_server_clear (DsConformanceServer *self)
{
  /* One more connection wakes the thread, which then sees that it is over. */
  if (self->thread != NULL)
    {
      g_autoptr (GSocketClient) client = g_socket_client_new ();
      g_autoptr (GSocketConnection) last = NULL;

      /* Looking for one takes a thread of GLib's own, whose queue the thread sanitizer
       * cannot see into. */
      g_socket_client_set_enable_proxy (client, FALSE);
      g_atomic_int_set (&self->is_over, TRUE);
      last =
          g_socket_client_connect_to_host (client, "127.0.0.1", self->port, NULL, NULL);
      g_clear_pointer (&self->thread, g_thread_join);
    }
  g_clear_object (&self->listener);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DsConformanceServer, ds_conformance_server_clear)

/* What all batches gave, one after the other. */
static DsBlock *
ds_conformance_join_blocks (DsConformanceRecorder *recorder)
{
  g_autoptr (GPtrArray) blocks = ds_conformance_recorder_dup_blocks (recorder);
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();

  for (guint i = 0; i < blocks->len; i++)
    for (gsize j = 0; j < ds_block_get_length (g_ptr_array_index (blocks, i)); j++)
      ds_block_builder_add (builder, ds_block_get (g_ptr_array_index (blocks, i), j));
  return ds_block_builder_end (builder);
}

/* Batches pass until @n_records are there, and one more, which would show too many. */
static gboolean
ds_conformance_run_until (DsConformanceSession *session,
                          DsConformanceRecorder *recorder,
                          gsize n_records,
                          GError **error)
{
  gint64 deadline = g_get_monotonic_time () + 20 * DS_SECOND;
  gboolean is_complete = FALSE;

  for (guint n_more = 1; n_more > 0; n_more -= is_complete)
    {
      g_autoptr (DsBlock) found = NULL;
      g_autoptr (GError) batch_error = NULL;

      if (!ds_conformance_session_tick (session, &batch_error))
        return ds_conformance_differ (error, "A batch failed: %s", batch_error->message);
      if (is_complete)
        continue;
      found = ds_conformance_join_blocks (recorder);
      is_complete = ds_block_get_length (found) >= n_records;
      n_more += is_complete;
      if (!is_complete && g_get_monotonic_time () > deadline)
        return ds_conformance_differ (error,
                                      "Expected %" G_GSIZE_FORMAT
                                      " records, found %" G_GSIZE_FORMAT " after 20 s",
                                      n_records, ds_block_get_length (found));
      /* The network is not under the manual clock. */
      if (!is_complete)
        g_usleep (1000);
    }
  return TRUE;
}

static gboolean
ds_conformance_compare_total (DsConformanceCase *self,
                              const char *member,
                              gint64 found,
                              GError **error)
{
  gint64 expected = 0;

  if (!ds_conformance_has (self->json, member))
    return TRUE;
  if (!ds_conformance_read_int (self->json, member, &expected, error))
    return FALSE;
  return expected == found || ds_conformance_differ (error,
                                                     "%s: expected %" G_GINT64_FORMAT
                                                     ", found %" G_GINT64_FORMAT,
                                                     member, expected, found);
}

/* All records: "expected_all_records", or those of the batches of "expected". */
static JsonArray *
ds_conformance_dup_expected_records (DsConformanceCase *self, GError **error)
{
  JsonArray *batches = NULL;
  g_autoptr (JsonArray) records = json_array_new ();

  if (ds_conformance_has (self->json, "expected_all_records"))
    {
      batches = ds_conformance_read_array (self->json, "expected_all_records", error);
      return batches != NULL ? json_array_ref (batches) : NULL;
    }
  batches = ds_conformance_read_array (self->json, "expected", error);
  for (guint i = 0; batches != NULL && i < json_array_get_length (batches); i++)
    {
      JsonNode *batch = json_array_get_element (batches, i);
      JsonArray *elements = NULL;

      if (!JSON_NODE_HOLDS_ARRAY (batch))
        {
          ds_conformance_differ (error, "Item %u of \"expected\" is not a list", i + 1);
          return NULL;
        }
      elements = json_node_get_array (batch);
      for (guint j = 0; j < json_array_get_length (elements); j++)
        json_array_add_element (records, json_array_dup_element (elements, j));
    }
  return batches != NULL ? g_steal_pointer (&records) : NULL;
}

gboolean
ds_conformance_run_socket (DsConformanceCase *self, GError **error)
{
  g_autoptr (DsConformanceRecorder) recorder = ds_conformance_recorder_new ();
  g_auto (DsConformanceServer) server = { 0 };
  g_auto (DsConformanceSession) session = { 0 };
  const char *sent = ds_conformance_read_string (self->json, "sent", error);
  g_autoptr (JsonArray) expected = NULL;
  g_autoptr (DsBlock) found = NULL;
  DsDStream *lines = NULL;
  gint64 batch_ms = 0;

  if (sent == NULL ||
      !ds_conformance_read_int_or (self->json, "batch_ms", 500, &batch_ms, error))
    return FALSE;
  expected = ds_conformance_dup_expected_records (self, error);
  if (expected == NULL || !ds_conformance_server_start (&server, sent, error))
    return FALSE;

  ds_conformance_session_init (&session, self->engine, batch_ms, 0);
  lines = ds_streaming_context_socket_text_stream (session.streaming, "127.0.0.1",
                                                   server.port);
  ds_conformance_recorder_attach (recorder, lines);
  if (!ds_conformance_session_start (&session, error) ||
      !ds_conformance_run_until (&session, recorder, json_array_get_length (expected),
                                 error))
    return FALSE;

  found = ds_conformance_join_blocks (recorder);
  return ds_conformance_compare_block (expected, found, ds_conformance_get_order (self),
                                       "All batches together", error) &&
         ds_conformance_compare_total (self, "expected_total_received",
                                       ds_streaming_context_get_n_received (
                                           session.streaming),
                                       error) &&
         ds_conformance_compare_total (self, "expected_total_processed",
                                       ds_streaming_context_get_n_processed (
                                           session.streaming),
                                       error);
}
