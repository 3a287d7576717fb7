/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What was received is written down before its source hears that it is safe.  Most of it
 * is text that already lies in one piece of memory, exactly as the log wants it: the log
 * writes it from there and gives the block's reference back when it is durable.  Values
 * point here and there and are encoded first; that is the receiver's work, not the
 * driver's. */

#include "dstream/ds-received-block-log-private.h"

#include "base/ds-codec-private.h"
#include "base/ds-error.h"
#include "base/ds-splitter-private.h"

#include <string.h>

typedef enum
{
  DS_LOGGED_VALUES = 0,
  DS_LOGGED_TEXT = 1,
  DS_LOGGED_TEXT_WITHOUT_CR = 2 /* one \r before \n is no part of the line */
} DsLoggedKind;

#define DS_N_HEAD_ITEMS 6
#define DS_N_LENGTH_BYTES 4

/* What the log holds on to. */
typedef struct
{
  DsBlock *block;
  GByteArray *head;
  GByteArray *values; /* (nullable) */
} DsLoggedBlock;

static void
ds_logged_block_free (gpointer data)
{
  DsLoggedBlock *self = data;

  ds_block_unref (self->block);
  g_byte_array_unref (self->head);
  g_clear_pointer (&self->values, g_byte_array_unref);
  g_free (self);
}

static DsLoggedKind
ds_logged_block_get_kind (DsBlock *block)
{
  gboolean strip_cr = FALSE;
  gsize n_bytes;

  if (ds_block_get_form (block) != DS_FORM_TEXT)
    return DS_LOGGED_VALUES;
  ds_block_get_text (block, &n_bytes, &strip_cr);
  return strip_cr ? DS_LOGGED_TEXT_WITHOUT_CR : DS_LOGGED_TEXT;
}

static GByteArray *
ds_received_block_log_encode_head (const DsReceivedBlockHead *head, DsLoggedKind kind)
{
  const DsValue items[DS_N_HEAD_ITEMS] = {
    ds_value_string (head->stream_name),
    ds_value_int (head->stream_id),
    ds_value_int ((gint64) head->fingerprint),
    ds_value_int (head->arrival_time),
    ds_value_int (head->n_records),
    ds_value_int (kind),
  };
  GByteArray *bytes = g_byte_array_new ();
  guint32 n_bytes = 0;

  g_byte_array_append (bytes, (const guint8 *) &n_bytes, DS_N_LENGTH_BYTES);
  ds_codec_encode (ds_value_list (items, DS_N_HEAD_ITEMS), bytes);
  g_assert (bytes->len <= DS_RECEIVED_BLOCK_MAX_HEAD);
  n_bytes = GUINT32_TO_LE (bytes->len - DS_N_LENGTH_BYTES);
  memcpy (bytes->data, &n_bytes, DS_N_LENGTH_BYTES);
  return bytes;
}

guint64
ds_received_block_log_append (DsWriteAheadLog *log,
                              const DsReceivedBlockHead *head,
                              DsBlock *block,
                              GError **error)
{
  DsLoggedKind kind = ds_logged_block_get_kind (block);
  DsLoggedBlock *logged = g_new0 (DsLoggedBlock, 1);
  DsLogPart parts[2];
  DsCodecScan scan;
  gboolean strip_cr;

  logged->block = ds_block_ref (block);
  logged->head = ds_received_block_log_encode_head (head, kind);
  parts[0] = (DsLogPart){ logged->head->data, logged->head->len };
  if (kind == DS_LOGGED_VALUES)
    {
      logged->values = g_byte_array_new ();
      ds_codec_encode_block (block, logged->values);
      /* What cannot be read back must not be acknowledged. */
      if (!ds_codec_scan (logged->values->data, logged->values->len, 0, &scan, error))
        {
          g_prefix_error (error, "A block that was stored cannot be logged: ");
          ds_logged_block_free (logged);
          return 0;
        }
      parts[1] = (DsLogPart){ logged->values->data, logged->values->len };
    }
  else
    parts[1].bytes = ds_block_get_text (block, &parts[1].n_bytes, &strip_cr);

  if (parts[1].n_bytes > DS_RECEIVED_BLOCK_MAX_BYTES)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_LIMIT,
                   "A block of %" G_GSIZE_FORMAT
                   " bytes was stored; a record of the write-ahead log holds at most "
                   "%" G_GSIZE_FORMAT ": nothing of it was kept, store it in pieces",
                   parts[1].n_bytes, DS_RECEIVED_BLOCK_MAX_BYTES);
      ds_logged_block_free (logged);
      return 0;
    }
  return ds_write_ahead_log_append (log, DS_LOG_BLOCK, parts, G_N_ELEMENTS (parts),
                                    logged, ds_logged_block_free, error);
}

/* ---- Reading ---- */

/* The items of the head, and where the content begins. */
static DsBlock *
ds_received_block_log_decode_head (const guint8 *bytes,
                                   gsize n_bytes,
                                   const DsValue **items,
                                   gsize *offset,
                                   GError **error)
{
  static const DsValueType types[DS_N_HEAD_ITEMS] = {
    DS_VALUE_TYPE_STRING, DS_VALUE_TYPE_INT, DS_VALUE_TYPE_INT,
    DS_VALUE_TYPE_INT,    DS_VALUE_TYPE_INT, DS_VALUE_TYPE_INT
  };
  g_autoptr (DsBlock) block = NULL;
  const DsValue *values = NULL;
  gsize n_values = 0;
  guint32 n_head = 0;
  gboolean is_good = n_bytes >= DS_N_LENGTH_BYTES;

  if (is_good)
    {
      memcpy (&n_head, bytes, DS_N_LENGTH_BYTES);
      n_head = GUINT32_FROM_LE (n_head);
      is_good = n_head <= n_bytes - DS_N_LENGTH_BYTES &&
                n_head <= DS_RECEIVED_BLOCK_MAX_HEAD - DS_N_LENGTH_BYTES;
    }
  if (is_good)
    {
      block = ds_codec_decode_block (bytes + DS_N_LENGTH_BYTES, n_head,
                                     DS_N_HEAD_ITEMS + 1, error);
      if (block == NULL)
        {
          g_prefix_error (error, "The head of a received block: ");
          return NULL;
        }
      values = ds_block_get_values (block, &n_values);
      is_good = n_values == 1 && ds_value_is (values[0], DS_VALUE_TYPE_LIST) &&
                values[0].size == DS_N_HEAD_ITEMS;
    }
  for (guint i = 0; is_good && i < DS_N_HEAD_ITEMS; i++)
    is_good = ds_value_is (values[0].as.items[i], types[i]);
  is_good = is_good && values[0].as.items[1].as.integer >= 0 &&
            values[0].as.items[1].as.integer <= G_MAXUINT &&
            values[0].as.items[4].as.integer >= 0 &&
            values[0].as.items[5].as.integer >= DS_LOGGED_VALUES &&
            values[0].as.items[5].as.integer <= DS_LOGGED_TEXT_WITHOUT_CR;
  if (!is_good)
    {
      g_set_error (
          error, DS_ERROR, DS_ERROR_CORRUPT,
          "A received block of %" G_GSIZE_FORMAT " bytes in the log does not "
          "begin with a head: name, number, graph, time, number of records, kind",
          n_bytes);
      return NULL;
    }
  *items = values[0].as.items;
  *offset = DS_N_LENGTH_BYTES + n_head;
  return g_steal_pointer (&block);
}

gboolean
ds_received_block_log_read_head (const guint8 *bytes,
                                 gsize n_bytes,
                                 DsReceivedBlockHead *head,
                                 char **stream_name,
                                 GError **error)
{
  const DsValue *items = NULL;
  gsize offset = 0;
  g_autoptr (DsBlock) block =
      ds_received_block_log_decode_head (bytes, n_bytes, &items, &offset, error);

  if (block == NULL)
    return FALSE;
  *stream_name = g_strndup (items[0].as.bytes, items[0].size);
  *head = (DsReceivedBlockHead){
    .stream_id = (guint) items[1].as.integer,
    .fingerprint = (guint64) items[2].as.integer,
    .arrival_time = items[3].as.integer,
    .n_records = items[4].as.integer,
  };
  return TRUE;
}

DsBlock *
ds_received_block_log_read (GBytes *payload, DsArenaPool *pool, GError **error)
{
  gsize n_bytes = 0;
  const guint8 *bytes = g_bytes_get_data (payload, &n_bytes);
  const DsValue *items = NULL;
  gsize offset = 0;
  g_autoptr (DsBlock) head =
      ds_received_block_log_decode_head (bytes, n_bytes, &items, &offset, error);
  g_autoptr (DsBlock) block = NULL;

  if (head == NULL)
    return NULL;
  bytes += offset;
  n_bytes -= offset;
  if (items[5].as.integer == DS_LOGGED_VALUES)
    block = ds_codec_decode_block (bytes, n_bytes, 0, error);
  else if (n_bytes <= G_MAXUINT32)
    {
      g_autoptr (DsArena) arena = ds_arena_new_sized (pool, MAX (n_bytes, 1));
      char *copy = ds_arena_alloc (arena, n_bytes);

      if (n_bytes > 0)
        memcpy (copy, bytes, n_bytes);
      block = ds_block_new_take_text (g_steal_pointer (&arena), copy, n_bytes,
                                      ds_count_lines (copy, n_bytes),
                                      items[5].as.integer == DS_LOGGED_TEXT_WITHOUT_CR);
    }
  if (block != NULL && (gint64) ds_block_get_length (block) == items[4].as.integer)
    return g_steal_pointer (&block);
  if (error != NULL && *error == NULL)
    g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
                 "its head names %" G_GINT64_FORMAT
                 " records, and it holds %" G_GSIZE_FORMAT,
                 items[4].as.integer, block != NULL ? ds_block_get_length (block) : 0);
  return NULL;
}
