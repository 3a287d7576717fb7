/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Streams from servers, and the options that only they have.  All of them are receiver
 * streams; what differs is what becomes of the bytes. */

#include "dstream/ds-streaming-context-private.h"
#include "receivers/ds-receiver-private.h"
#include "receivers/ds-socket-receiver-private.h"

#include <string.h>

#define DS_WHO_IS_A_SOCKET "socket_text_stream, socket_stream and raw_socket_stream"

/* FALSE with the mistake latched. */
static gboolean
ds_socket_stream_check_address (DsStreamingContext *context,
                                const char *source,
                                const char *host,
                                guint16 port)
{
  gboolean is_local = g_str_has_prefix (host, "unix:");
  const char *what = is_local ? "a Unix socket (\"unix:/path\") has a path, and port 0"
                              : "a host name or address and a port of 1 to 65535 are "
                                "needed, or \"unix:/path\" and 0";

  if (is_local ? strlen (host) > strlen ("unix:") && port == 0
               : *host != '\0' && port > 0)
    return TRUE;

  ds_streaming_context_latch (context, DS_ERROR_INVALID_ARGUMENT,
                              "%s: cannot connect to host \"%s\", port %u; %s", source,
                              host, port, what);
  return FALSE;
}

/* Messages call it "socket text stream localhost:9999": of several receiver streams one
 * wants to know which. */
static DsDStream *
ds_socket_stream_add (DsStreamingContext *context, DsReceiver *receiver, const char *kind)
{
  DsDStream *stream = ds_streaming_context_receiver_stream (context, receiver);
  DsDStreamNode *node = ds_dstream_get_node (stream);

  g_free (node->label);
  node->label = g_strdup_printf ("%s %s", kind, ds_receiver_get_location (receiver));
  return stream;
}

/**
 * ds_streaming_context_socket_text_stream:
 * @self: a context
 * @host: a host name, an IPv4 or IPv6 address, or "unix:" and the path of a Unix socket
 * @port: a TCP port, 1 to 65535; 0 for a Unix socket.  C cuts a larger number off without
 * a word, as 65537 to 1: check what comes from outside before it becomes a guint16
 *
 * Adds a stream of the lines that a text server sends.  It connects at start, and again,
 * after a growing pause, whenever the connection fails or ends.  A line ends with \n; one
 * \r before it is not part of it.  A last line without end is delivered when the server
 * closes the connection, and dropped and counted when it resets it.
 *
 * Options: ds_dstream_set_tls (), ds_dstream_set_tls_ca_file (),
 * ds_dstream_set_idle_timeout (), ds_dstream_set_max_record_bytes (),
 * ds_dstream_set_bad_record_policy ().
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for an empty host or path, or a port that does not
 * fit.
 *
 * Returns: (transfer none): the stream, owned by the context
 */
DsDStream *
ds_streaming_context_socket_text_stream (DsStreamingContext *self,
                                         const char *host,
                                         guint16 port)
{
  g_autoptr (DsReceiver) receiver = NULL;

  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), NULL);
  g_return_val_if_fail (host != NULL, NULL);

  if (!ds_socket_stream_check_address (self, "socket_text_stream", host, port))
    return ds_dstream_new_inert (self);
  receiver = ds_socket_receiver_new (host, port);
  return ds_socket_stream_add (self, receiver, "socket text stream");
}

/**
 * ds_streaming_context_socket_stream: (skip)
 * @self: a context
 * @host: a host name, an IPv4 or IPv6 address, or "unix:" and the path of a Unix socket
 * @port: a TCP port, 1 to 65535; 0 for a Unix socket.  C cuts a larger number off without
 * a word, as 65537 to 1: check what comes from outside before it becomes a guint16
 * @parse: (scope notified) (closure user_data) (destroy destroy): finds values in bytes
 * @user_data: for @parse
 * @destroy: (nullable): frees @user_data
 *
 * Adds a stream of the values that @parse finds in what a server sends.
 *
 * @parse is called with what has arrived and is not taken yet, again and again until it
 * takes nothing, then with more behind it.  Calls for one stream come one at a time and
 * in the order of the bytes, on threads that are neither workers nor shared with other
 * receivers' reading: one that takes long, or waits, slows down its own server and nobody
 * else.  The task that it is given has no batch; what it emits belongs to the batch in
 * whose interval it was found.
 *
 * When the server closes the connection @parse is called once more with `at_end`; what it
 * leaves then is dropped and counted, as is all that is left after a reset, or when
 * ds_task_fail () was called: that ends the connection, and a new one begins with a first
 * byte.  So does a record of which there is no end within
 * ds_dstream_set_max_record_bytes (), 16 MiB by default.
 *
 * ds_parse_msgpack () is such a function.  Options as for
 * ds_streaming_context_socket_text_stream ().
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for an empty host or path, or a port that does not
 * fit.
 *
 * Returns: (transfer none): the stream, owned by the context
 */
DsDStream *
ds_streaming_context_socket_stream (DsStreamingContext *self,
                                    const char *host,
                                    guint16 port,
                                    DsParseFunc parse,
                                    gpointer user_data,
                                    GDestroyNotify destroy)
{
  g_autoptr (DsReceiver) receiver = NULL;

  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), NULL);
  g_return_val_if_fail (host != NULL, NULL);
  g_return_val_if_fail (parse != NULL, NULL);

  if (!ds_socket_stream_check_address (self, "socket_stream", host, port))
    {
      if (destroy != NULL)
        destroy (user_data);
      return ds_dstream_new_inert (self);
    }
  receiver = ds_socket_receiver_new_for_parser (
      host, port, ds_function_parser_new (self->context, parse, user_data, destroy));
  return ds_socket_stream_add (self, receiver, "socket stream");
}

/**
 * ds_streaming_context_raw_socket_stream:
 * @self: a context
 * @host: a host name, an IPv4 or IPv6 address, or "unix:" and the path of a Unix socket
 * @port: a TCP port, 1 to 65535; 0 for a Unix socket.  C cuts a larger number off without
 * a word, as 65537 to 1: check what comes from outside before it becomes a guint16
 *
 * Adds a stream of values that a server sends in blocks: each is its length in 4
 * big-endian bytes, then msgpack values back to back, as ds_block_to_msgpack () writes
 * them.
 *
 * A block longer than ds_dstream_set_max_record_bytes (), 16 MiB by default, is passed
 * over, one that holds no values is left out; both are counted and reported, unless
 * ds_dstream_set_bad_record_policy () says that they fail the stream.  Half a block at
 * the end of a connection is dropped and counted.
 *
 * Options as for ds_streaming_context_socket_text_stream ().
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for an empty host or path, or a port that does not
 * fit.
 *
 * Returns: (transfer none): the stream, owned by the context
 */
DsDStream *
ds_streaming_context_raw_socket_stream (DsStreamingContext *self,
                                        const char *host,
                                        guint16 port)
{
  g_autoptr (DsReceiver) receiver = NULL;

  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), NULL);
  g_return_val_if_fail (host != NULL, NULL);

  if (!ds_socket_stream_check_address (self, "raw_socket_stream", host, port))
    return ds_dstream_new_inert (self);
  receiver = ds_socket_receiver_new_for_blocks (host, port);
  return ds_socket_stream_add (self, receiver, "raw socket stream");
}

/* ---- Explanations ---- */

char *
ds_socket_stream_explain (DsDStream *stream)
{
  DsReceiver *receiver = ds_receiver_input_dstream_get_receiver (stream);
  guint64 n_bytes;

  if (receiver == NULL || !DS_IS_SOCKET_RECEIVER (receiver))
    return NULL;
  n_bytes = ds_socket_receiver_get_n_bytes (DS_SOCKET_RECEIVER (receiver));
  if (n_bytes > 0)
    return g_strdup_printf ("the server has sent %" G_GUINT64_FORMAT
                            " bytes on this connection so far, and no record that could "
                            "be taken has ended in this batch",
                            n_bytes);
  return g_strdup_printf (
      "the server has sent nothing on this connection%s",
      ds_socket_receiver_has_tls (DS_SOCKET_RECEIVER (receiver))
          ? ""
          : "; one that speaks TLS waits for its client: see ds_dstream_set_tls ()");
}

/* ---- Options ---- */

/* The receiver whose option may be set, or NULL. */
static DsSocketReceiver *
ds_socket_stream_check_option (DsDStream *self, const char *option)
{
  DsReceiver *receiver;

  if (!ds_dstream_may_set (self, option))
    return NULL;
  receiver = ds_receiver_input_dstream_get_receiver (self);
  if (receiver != NULL && DS_IS_SOCKET_RECEIVER (receiver))
    return DS_SOCKET_RECEIVER (receiver);
  ds_dstream_latch_lacks (self, option, DS_WHO_IS_A_SOCKET);
  return NULL;
}

/**
 * ds_dstream_set_tls:
 * @self: a stream from a TCP server
 * @tls: %TRUE: encrypted
 *
 * Connects with TLS.  The certificate of the server is always verified: it must be signed
 * by an authority that the system trusts, or one of ds_dstream_set_tls_ca_file (), be
 * valid now, and be for the host that was named.  Nothing switches that off.  A server
 * that is refused is tried again like one that is not there; the message says why.
 *
 * Needs GIO's TLS module (the package glib-networking).
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for a Unix socket, which has no name to be verified,
 * and for any other stream.
 */
void
ds_dstream_set_tls (DsDStream *self, gboolean tls)
{
  DsSocketReceiver *receiver;

  g_return_if_fail (DS_IS_DSTREAM (self));

  receiver = ds_socket_stream_check_option (self, "set_tls");
  if (receiver == NULL)
    return;
  if (tls && ds_socket_receiver_is_local (receiver))
    ds_streaming_context_latch (
        ds_dstream_get_context (self), DS_ERROR_INVALID_ARGUMENT,
        "set_tls: stream %u is from a Unix socket, which has no name that a certificate "
        "could be for; only TCP can be encrypted",
        ds_dstream_get_id (self));
  else
    ds_socket_receiver_set_tls (receiver, tls);
}

/**
 * ds_dstream_set_tls_ca_file:
 * @self: a stream from a TCP server
 * @path: (type filename): a file of certificates (PEM)
 *
 * Trusts the authorities in a file instead of those of the system, and connects with TLS:
 * for servers whose certificate is signed by an authority of one's own, or by itself.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for a file that holds no certificates, a Unix
 * socket, and any other stream.
 */
void
ds_dstream_set_tls_ca_file (DsDStream *self, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autolist (GTlsCertificate) certificates = NULL;
  DsSocketReceiver *receiver;

  g_return_if_fail (DS_IS_DSTREAM (self));
  g_return_if_fail (path != NULL);

  receiver = ds_socket_stream_check_option (self, "set_tls_ca_file");
  if (receiver == NULL)
    return;
  certificates = g_tls_certificate_list_new_from_file (path, &error);
  if (certificates == NULL)
    {
      g_autofree char *shown = g_strescape (path, NULL);

      ds_streaming_context_latch (ds_dstream_get_context (self),
                                  DS_ERROR_INVALID_ARGUMENT,
                                  "set_tls_ca_file: no certificates can be read from %s "
                                  "for stream %u%s%s; a file "
                                  "of certificate authorities in PEM form is needed",
                                  shown, ds_dstream_get_id (self),
                                  error != NULL ? ": " : "",
                                  error != NULL ? error->message : "");
      return;
    }
  ds_dstream_set_tls (self, TRUE);
  ds_socket_receiver_set_tls_ca_file (receiver, path);
}

/**
 * ds_dstream_set_idle_timeout:
 * @self: a stream from a server
 * @timeout: in µs, rounded up to whole seconds; 0: never, the default
 *
 * Makes the connection anew when nothing came for so long: for servers that are known to
 * send now and then.  A server that is gone without a word is noticed after two minutes
 * in any case (TCP keepalive), one that only hangs never.
 *
 * Time in which the stream itself reads nothing, for a limit of rate or memory or because
 * a parse function takes long, does not count.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for a negative time and for any other stream.
 */
void
ds_dstream_set_idle_timeout (DsDStream *self, DsDuration timeout)
{
  DsSocketReceiver *receiver;

  g_return_if_fail (DS_IS_DSTREAM (self));

  receiver = ds_socket_stream_check_option (self, "set_idle_timeout");
  if (receiver == NULL)
    return;
  if (timeout < 0)
    ds_streaming_context_latch (
        ds_dstream_get_context (self), DS_ERROR_INVALID_ARGUMENT,
        "set_idle_timeout: the timeout of stream %u is %" G_GINT64_FORMAT
        " us; it must be 0 (never) or more, as 60 * DS_SECOND",
        ds_dstream_get_id (self), timeout);
  else
    ds_socket_receiver_set_idle_timeout (receiver, timeout);
}
