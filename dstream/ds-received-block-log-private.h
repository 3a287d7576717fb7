/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A received block as a record of the write-ahead log.
 *
 * The payload: the length of the head (4 bytes, little-endian), the head (msgpack: the
 * name of the stream or "", its number in the graph and the fingerprint of that, arrival
 * time, number of records, kind), then the text as it came, or the values as msgpack. Any
 * thread. */

#include "base/ds-block-private.h"
#include "base/ds-log-reader-private.h"
#include "base/ds-time.h"
#include "base/ds-write-ahead-log-private.h"

G_BEGIN_DECLS

/* A head, its length included, is never longer. */
#define DS_RECEIVED_BLOCK_MAX_HEAD 256
/* Of the content of a block: what a record can hold besides a head. */
#define DS_RECEIVED_BLOCK_MAX_BYTES \
  (((gsize) 64 << 20) - DS_RECEIVED_BLOCK_MAX_HEAD - 1024)

typedef struct
{
  const char *stream_name; /* "": it has none */
  guint stream_id;
  guint64 fingerprint;
  DsTime arrival_time;
  gint64 n_records;
} DsReceivedBlockHead;

/* Appends @block, of which it keeps a reference until it is durable: text is written from
 * where it lies, values are encoded first, on this thread.  Its sequence number; 0 with
 * the error of the log, or %DS_ERROR_LIMIT for a block that is larger than a record. */
guint64 ds_received_block_log_append (DsWriteAheadLog *log,
                                      const DsReceivedBlockHead *head,
                                      DsBlock *block,
                                      GError **error);
/* @bytes: the payload, or its first %DS_RECEIVED_BLOCK_MAX_HEAD bytes.  @stream_name
 * (out) (transfer full); @head's stream_name is not set.  %DS_ERROR_CORRUPT */
gboolean ds_received_block_log_read_head (const guint8 *bytes,
                                          gsize n_bytes,
                                          DsReceivedBlockHead *head,
                                          char **stream_name,
                                          GError **error);
/* The block of a whole payload; nothing of it lies in @payload. */
DsBlock *ds_received_block_log_read (GBytes *payload, DsArenaPool *pool, GError **error);

G_END_DECLS
