/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Saving to memory, and loading from it in pieces. */

#include "base/ds-error.h"
#include "rdd/ds-checkpoint-stream-private.h"

#include <string.h>

/* Tests that damage each byte go on by so many.  They have no threads that matter, and
 * take minutes under the thread sanitizer: there a sample has to do. */
#ifdef __SANITIZE_THREAD__
#define DS_TEST_BYTE_STEP 23
#else
#define DS_TEST_BYTE_STEP 1
#endif

typedef struct
{
  DsStateWriter writer;
  GByteArray *bytes;
  gsize max_bytes; /* G_MAXSIZE: no limit; more fails */
} DsTestWriter;

typedef struct
{
  DsStateReader reader;
  const guint8 *bytes;
  gsize n_bytes;
  gsize at;
  gsize n_piece; /* given at a time, at most */
} DsTestReader;

static inline gboolean
ds_test_writer_append (DsStateWriter *writer,
                       const guint8 *bytes,
                       gsize n_bytes,
                       GError **error)
{
  DsTestWriter *self = (DsTestWriter *) writer;

  if (self->bytes->len + n_bytes > self->max_bytes)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_NO_SPACE, "the disk is full");
      return FALSE;
    }
  g_byte_array_append (self->bytes, bytes, (guint) n_bytes);
  return TRUE;
}

static inline DsTestWriter
ds_test_writer_make (void)
{
  return (DsTestWriter){ { ds_test_writer_append }, g_byte_array_new (), G_MAXSIZE };
}

static inline gssize
ds_test_reader_read (DsStateReader *reader, gpointer room, gsize n_room, GError **error)
{
  DsTestReader *self = (DsTestReader *) reader;
  gsize n = MIN (MIN (n_room, self->n_piece), self->n_bytes - self->at);

  if (n > 0)
    memcpy (room, self->bytes + self->at, n);
  self->at += n;
  return (gssize) n;
}

static inline DsTestReader
ds_test_reader_make (const guint8 *bytes, gsize n_bytes)
{
  return (DsTestReader){ { ds_test_reader_read, n_bytes }, bytes, n_bytes, 0, G_MAXSIZE };
}
