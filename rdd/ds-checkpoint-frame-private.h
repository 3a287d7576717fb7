/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Frames, of which what is saved is made: bytes (msgpack bin 32) with values back to
 * back.  One thread at a time. */

#include "rdd/ds-checkpoint-stream-private.h"

G_BEGIN_DECLS

/* A frame is written once it is at least so long. */
#define DS_FRAME_FULL (1024 * 1024 - 64 * 1024)

/* ---- Writing ---- */

typedef struct
{
  DsStateWriter *writer;
  GByteArray *bytes; /* of the frame in work, its head included */
  gboolean may_nest; /* there are lists or tuples in it */
} DsFrameWriter;

void ds_frame_writer_init (DsFrameWriter *self, DsStateWriter *writer);
void ds_frame_writer_clear (DsFrameWriter *self);
void ds_frame_writer_put_int (DsFrameWriter *self, gint64 integer);
void ds_frame_writer_put_null (DsFrameWriter *self);
void ds_frame_writer_put (DsFrameWriter *self, DsValue value);
/* Bytes of an encoded value. */
void
ds_frame_writer_put_encoded (DsFrameWriter *self, const guint8 *bytes, gsize n_bytes);
/* An encoded value, two ints and another encoded value, all at once. */
void ds_frame_writer_put_row (DsFrameWriter *self,
                              const guint8 *key,
                              gsize n_key,
                              guint64 first,
                              guint64 second,
                              const guint8 *state,
                              gsize n_state);
/* Where an int is to be known only later: its place, of fixed length. */
gsize ds_frame_writer_put_count (DsFrameWriter *self);
void ds_frame_writer_set_count (DsFrameWriter *self, gsize at, guint32 count);
gboolean ds_frame_writer_is_full (const DsFrameWriter *self);
/* Begins anew: what was put since the last end is not written. */
void ds_frame_writer_drop (DsFrameWriter *self);
/* Writes the frame, and begins another. */
gboolean ds_frame_writer_end (DsFrameWriter *self, GError **error);

/* ---- Reading ---- */

typedef struct
{
  DsStateReader *reader;
  const char *what; /* is read, for messages: "saved state" */
  GByteArray *bytes;
  gsize at;
  guint n_frames;
} DsFrameReader;

/* @what: a literal. */
void ds_frame_reader_init (DsFrameReader *self, DsStateReader *reader, const char *what);
void ds_frame_reader_clear (DsFrameReader *self);
/* Reads and scans the next one; FALSE also at the end, with %DS_ERROR_CORRUPT. */
gboolean ds_frame_reader_next (DsFrameReader *self, GError **error);
gboolean ds_frame_reader_is_at_end (const DsFrameReader *self); /* of the frame */
/* A name and a version, with which each save begins. */
gboolean ds_frame_reader_take_name (DsFrameReader *self,
                                    const char *name,
                                    int newest,
                                    GError **error);
/* An int from @min to @max; @name: of what, for messages. */
gboolean ds_frame_reader_take_int (DsFrameReader *self,
                                   const char *name,
                                   gint64 min,
                                   gint64 max,
                                   gint64 *integer,
                                   GError **error);
/* TRUE, and moves on: the next value is null. */
gboolean ds_frame_reader_take_null (DsFrameReader *self);
/* The bytes of a value of any type, valid until the next frame is read. */
gboolean ds_frame_reader_take_encoded (DsFrameReader *self,
                                       const guint8 **bytes,
                                       gsize *n_bytes,
                                       GError **error);
/* Says where and what; always FALSE. */
gboolean
ds_frame_reader_fail (DsFrameReader *self, GError **error, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

G_END_DECLS
