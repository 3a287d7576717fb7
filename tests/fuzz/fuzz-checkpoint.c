/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as a checkpoint: refused with an error, or its sections are what a walk over
 * the bytes finds.  The first byte says what is done for them, as hashes that are right
 * keep chance away from everything behind: 1 the hash of the body and its length, 2 the
 * header's magic, length, name and hash, 4 the hashes of pieces
 * and their number. */

#include "base/ds-checkpoint-format-private.h"
#include "tests/fuzz/ds-fuzz-directory-private.h"
#include "tests/fuzz/ds-fuzz-private.h"

#include <xxhash.h>

#define NAME "ckpt-00000000000000001000"

static void
mend_pieces (guint8 *bytes, gsize n_bytes)
{
  gsize offset = DS_CHECKPOINT_HEAD_BYTES;
  guint32 n_pieces = 0;

  while (n_bytes >= DS_PIECE_HEAD_BYTES && offset <= n_bytes - DS_PIECE_HEAD_BYTES)
    {
      guint64 length = ds_get_u64 (bytes + offset + 8);

      if (length > n_bytes - offset - DS_PIECE_HEAD_BYTES)
        break;
      ds_put_u64 (bytes + offset + 16,
                  XXH3_64bits (bytes + offset + DS_PIECE_HEAD_BYTES, (gsize) length));
      offset += DS_PIECE_HEAD_BYTES + (gsize) length;
      n_pieces++;
    }
  ds_put_u32 (bytes + 72, n_pieces);
}

static void
mend (guint8 *bytes, gsize n_bytes, guint8 what)
{
  static const guint8 magic[8] = { 0x89, 'D', 'S', 'C', '\r', '\n', 0x1a, '\n' };

  if (n_bytes < DS_CHECKPOINT_HEAD_BYTES)
    return;
  if ((what & 4) != 0)
    mend_pieces (bytes, n_bytes);
  if ((what & 1) != 0)
    {
      ds_put_u64 (bytes + 56, n_bytes - DS_CHECKPOINT_HEAD_BYTES);
      ds_put_u64 (bytes + 64, XXH3_64bits (bytes + DS_CHECKPOINT_HEAD_BYTES,
                                           n_bytes - DS_CHECKPOINT_HEAD_BYTES));
    }
  if ((what & 2) != 0)
    {
      memcpy (bytes, magic, sizeof magic);
      ds_put_u32 (bytes + 12, DS_CHECKPOINT_HEAD_BYTES);
      memcpy (bytes + 16, ds_durable_directory_get_application_id (ds_fuzz_directory),
              DS_APPLICATION_ID_BYTES);
      ds_put_u64 (bytes + 32, 1000);
      ds_put_u64 (bytes + 88, XXH3_64bits (bytes, 88));
    }
}

/* Section @i of what was taken, read in parts of @n_part, is what the pieces from
 * *@offset on hold, which moves behind them. */
static void
check_section (DsCheckpointReader *reader,
               guint i,
               gsize n_part,
               const guint8 *bytes,
               gsize *offset)
{
  g_autoptr (GByteArray) found = g_byte_array_new ();
  g_autoptr (GByteArray) payload = g_byte_array_new ();
  g_autofree guint8 *room = g_malloc (n_part);
  g_autoptr (GError) error = NULL;
  const char *name;
  DsSectionType type;
  guint64 n_bytes;
  gsize n_head;
  gssize n_read;
  gboolean is_continued = TRUE;

  ds_checkpoint_reader_get_section (reader, i, &type, &name, NULL, &n_bytes);
  while (is_continued)
    {
      const guint8 *piece = bytes + *offset;

      g_assert_cmpuint (ds_get_u32 (piece), ==, type);
      is_continued = (ds_get_u32 (piece + 4) & DS_PIECE_CONTINUED) != 0;
      g_byte_array_append (payload, piece + DS_PIECE_HEAD_BYTES,
                           (guint) ds_get_u64 (piece + 8));
      *offset += DS_PIECE_HEAD_BYTES + (gsize) ds_get_u64 (piece + 8);
    }
  while ((n_read = ds_checkpoint_reader_read (reader, i, found->len, room, n_part,
                                              &error)) > 0)
    g_byte_array_append (found, room, (guint) n_read);
  if (error != NULL) /* a piece whose own hash is wrong */
    {
      g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
      return;
    }
  g_assert_cmpuint (found->len, ==, n_bytes);
  g_assert_cmpuint (found->len, <=, payload->len);
  n_head = payload->len - found->len;
  g_assert_true (found->len == 0 ||
                 memcmp (found->data, payload->data + n_head, found->len) == 0);
  /* A name with a NUL in it is seen up to there. */
  g_assert_cmpuint (strlen (name), <=, n_head - 1);
}

int
LLVMFuzzerTestOneInput (const guint8 *bytes, gsize n_bytes)
{
  g_autofree guint8 *copy = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (DsCheckpointReader) reader = NULL;
  gsize offset = DS_CHECKPOINT_HEAD_BYTES;

  if (n_bytes == 0)
    return 0;
  ds_fuzz_directory_begin ();
  copy = g_malloc (n_bytes);
  memcpy (copy, bytes + 1, n_bytes - 1);
  mend (copy, n_bytes - 1, bytes[0]);
  ds_test_durable_write (&ds_fuzz_durable, NAME, copy, n_bytes - 1);
  reader = ds_checkpoint_reader_open (ds_fuzz_reader, NAME, &error);
  if (reader == NULL)
    {
      g_assert_nonnull (error);
      g_assert_nonnull (strstr (error->message, NAME));
      return 0;
    }
  for (guint i = 0; i < ds_checkpoint_reader_n_sections (reader); i++)
    check_section (reader, i, 1 + i % 7 * 40, copy, &offset);
  g_assert_cmpuint (offset + DS_PIECE_HEAD_BYTES, ==, n_bytes - 1);
  return 0;
}
