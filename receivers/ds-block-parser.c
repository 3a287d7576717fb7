/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The raw stream: each block of values after its length.  The length says where the next
 * one begins whatever is in between, so a block that is too long is passed over as it
 * comes, without being kept, and a damaged one is left out. */

#include "receivers/ds-socket-intake-private.h"

#include "base/ds-codec-private.h"
#include "base/ds-error.h"

#include <string.h>

#define DS_BLOCK_HEAD_BYTES ((gsize) 4)
/* Memory that is decoded into at once: 65,536 numbers. */
#define DS_BLOCK_PIECE_BYTES ((gsize) 1 << 20)
/* From here on it becomes a block as it is, below it is copied to what came before. */
#define DS_BLOCK_OWN_BYTES ((gsize) 256 << 10)

typedef struct
{
  DsSocketParser parent;
  gsize max_block_bytes;
  gboolean is_fatal;
  gsize n_to_skip; /* of a block that is too long */
} DsBlockParser;

static void
ds_block_parser_begin (DsSocketParser *parser)
{
  DsBlockParser *self = (DsBlockParser *) parser;

  self->n_to_skip = 0;
}

/* @error (transfer full) (nullable).  FALSE when it is fatal. */
static gboolean
ds_block_parser_drop (DsBlockParser *self,
                      DsParsed *parsed,
                      GError *error,
                      GError **fatal_error)
{
  g_autoptr (GError) owned = error;

  if (self->is_fatal)
    {
      g_propagate_error (fatal_error, g_steal_pointer (&owned));
      return FALSE;
    }
  ds_parsed_drop (parsed, owned);
  return TRUE;
}

/* Values that were scanned. */
static gboolean
ds_block_parser_add (DsParsed *parsed, const guint8 *bytes, const DsCodecScan *scan)
{
  g_autoptr (DsBlock) block = ds_codec_decode_scanned_block (bytes, scan);
  const DsValue *values;
  const DsValue *pair_values;
  gsize n_values;

  if (scan->n_values == 0)
    return TRUE;
  if (scan->n_copy_bytes >= DS_BLOCK_OWN_BYTES)
    return ds_parsed_add_block (parsed, g_steal_pointer (&block));
  ds_block_get_columns (block, &values, &pair_values, &n_values);
  return ds_parsed_add (parsed, values, pair_values, n_values);
}

/* All of it or nothing; but it is decoded piece by piece, as small values take 16 times
 * the memory that they take on the way. */
static gboolean
ds_block_parser_take_block (DsBlockParser *self,
                            const guint8 *bytes,
                            gsize n_bytes,
                            DsParsed *parsed,
                            GError **error)
{
  GError *local_error = NULL;
  DsCodecScan scan;

  if (!ds_codec_scan (bytes, n_bytes, 0, &scan, &local_error))
    {
      g_prefix_error (&local_error,
                      "A block of %" G_GSIZE_FORMAT " bytes holds no msgpack values: ",
                      n_bytes);
      return ds_block_parser_drop (self, parsed, local_error, error);
    }
  if (scan.n_copy_bytes <= DS_BLOCK_PIECE_BYTES)
    {
      ds_block_parser_add (parsed, bytes, &scan);
      return TRUE;
    }
  while (n_bytes > 0)
    {
      gsize n_taken;

      ds_codec_scan_piece (bytes, n_bytes, DS_BLOCK_PIECE_BYTES, &scan, &n_taken);
      if (!ds_block_parser_add (parsed, bytes, &scan))
        break;
      bytes += n_taken;
      n_bytes -= n_taken;
      if (n_bytes > 0)
        ds_parsed_await_room (parsed);
    }
  return TRUE;
}

static gboolean
ds_block_parser_parse (DsSocketParser *parser,
                       const guint8 *bytes,
                       gsize n_bytes,
                       gboolean at_end,
                       DsParsed *parsed,
                       gsize *n_taken,
                       GError **error)
{
  DsBlockParser *self = (DsBlockParser *) parser;
  guint32 head;
  gsize n_block;

  *n_taken = MIN (self->n_to_skip, n_bytes);
  self->n_to_skip -= *n_taken;

  while (n_bytes - *n_taken >= DS_BLOCK_HEAD_BYTES)
    {
      gsize n_left = n_bytes - *n_taken - DS_BLOCK_HEAD_BYTES;

      memcpy (&head, bytes + *n_taken, sizeof head);
      n_block = GUINT32_FROM_BE (head);
      if (n_block > self->max_block_bytes)
        {
          if (!ds_block_parser_drop (
                  self, parsed,
                  g_error_new (DS_ERROR, DS_ERROR_LIMIT,
                               "A block of %" G_GSIZE_FORMAT
                               " bytes is announced (0x%08" G_GSIZE_MODIFIER
                               "x), but it may have %" G_GSIZE_FORMAT
                               "; it is passed over. Allow longer ones "
                               "(set_max_record_bytes), or see whether the server sends "
                               "blocks with their lengths at all",
                               n_block, n_block, self->max_block_bytes),
                  error))
            return FALSE;
          *n_taken += DS_BLOCK_HEAD_BYTES + MIN (n_block, n_left);
          self->n_to_skip = n_block - MIN (n_block, n_left);
          continue;
        }
      if (n_block > n_left)
        break;
      if (!ds_block_parser_take_block (self, bytes + *n_taken + DS_BLOCK_HEAD_BYTES,
                                       n_block, parsed, error))
        return FALSE;
      *n_taken += DS_BLOCK_HEAD_BYTES + n_block;
    }
  return TRUE;
}

static void
ds_block_parser_free (DsSocketParser *parser)
{
  g_free (parser);
}

DsSocketParser *
ds_block_parser_new (gsize max_block_bytes, gboolean is_fatal)
{
  static const DsSocketParserOps ops = {
    .begin = ds_block_parser_begin,
    .parse = ds_block_parser_parse,
    .free = ds_block_parser_free,
  };
  DsBlockParser *self = g_new0 (DsBlockParser, 1);

  self->parent.ops = &ops;
  self->parent.unit = "values";
  self->max_block_bytes = max_block_bytes;
  self->is_fatal = is_fatal;
  return &self->parent;
}
