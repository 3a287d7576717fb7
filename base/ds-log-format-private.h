/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Segments of the log as bytes, little-endian (RELIABILITY 4.4).
 *
 *     segment:  0 magic 8 | 8 major u16, minor u16 | 12 length of this u32 = 64
 *               16 application id 16 | 32 number u64 | 40 first sequence u64
 *               48 salt u64 | 56 xxh3 of bytes 0..55 | 64 records
 *     record:   0 magic ^ lower half of the salt u32 | 4 length of the payload u32
 *               8 sequence u64 | 16 type u16, flags u16 = 0
 *               20 place in the group that was written with it u32, counted from 0
 *               24 payload | zeros up to a multiple of 8 | xxh3, seeded with the salt, of
 *               everything before it in the record
 *
 * Sequence numbers in a segment follow each other from its first one on.  The salt keeps
 * what lay on the disk before from looking like records. */

#include "base/ds-durable-bytes-private.h"
#include "base/ds-durable-directory-private.h"

G_BEGIN_DECLS

#define DS_LOG_HEAD_BYTES 64
#define DS_LOG_FRAME_BYTES 24
#define DS_LOG_HASH_BYTES 8
#define DS_LOG_RECORD_MAGIC 0x6b0d57d5u
/* Neither numbers of segments nor of records are larger, so nothing overflows. */
#define DS_LOG_MAX_NUMBER G_GUINT64_CONSTANT (9999999999999999)

typedef struct
{
  guint64 number;
  guint64 first_sequence;
  guint64 salt;
} DsLogSegmentHead;

/* A segment as it lies in the directory. */
typedef struct
{
  char name[24];
  guint64 number; /* of the name */
  guint64 n_bytes;
  gboolean is_whole; /* its head; else nothing of it is known */
  DsLogSegmentHead head;
} DsLogSegmentFile;

/* Bytes of a record with a payload of @n_bytes. */
static inline gsize
ds_log_record_size (gsize n_bytes)
{
  return DS_LOG_FRAME_BYTES + ((n_bytes + 7) & ~(gsize) 7) + DS_LOG_HASH_BYTES;
}

static inline void
ds_log_put_magic (guint8 *bytes, guint64 salt)
{
  ds_put_u32 (bytes, DS_LOG_RECORD_MAGIC ^ (guint32) salt);
}

static inline void
ds_log_encode_frame (guint8 *bytes,
                     guint64 salt,
                     guint32 n_bytes,
                     guint64 sequence,
                     guint16 type,
                     guint32 place)
{
  ds_log_put_magic (bytes, salt);
  ds_put_u32 (bytes + 4, n_bytes);
  ds_put_u64 (bytes + 8, sequence);
  ds_put_u16 (bytes + 16, type);
  ds_put_u16 (bytes + 18, 0);
  ds_put_u32 (bytes + 20, place);
}

/* "wal-0000000000000001" */
void ds_log_segment_name (guint64 number, char name[24]);
void ds_log_encode_head (const DsLogSegmentHead *head,
                         const guint8 *application_id,
                         guint8 bytes[DS_LOG_HEAD_BYTES]);
/* All segments in the order of their numbers, with their heads.  %DS_ERROR_CORRUPT: one
 * of another application, or not of the number in its name; %DS_ERROR_VERSION;
 * %DS_ERROR_IO.  (transfer full) (element-type DsLogSegmentFile) */
GArray *ds_log_list_segments (DsDurableDirectory *directory, GError **error);
/* Those that end before they could have a record, or before their head is whole. */
gboolean ds_log_segment_is_void (const DsLogSegmentFile *file);
/* -1 with error. */
int ds_log_segment_open (DsDurableDirectory *directory,
                         const char *name,
                         DsLogSegmentFile *file,
                         GError **error);

G_END_DECLS
