/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A checkpoint as bytes, little-endian (RELIABILITY 4.2).
 *
 *     header:  0 magic 8 | 8 major u16, minor u16 | 12 length of this u32 = 96
 *              16 application id 16 | 32 batch time, ms, i64 | 40 log sequence u64
 *              48 fingerprint u64 | 56 body length u64 | 64 body xxh3 u64
 *              72 pieces u32, flags u32 | 80 base time, ms, i64, or 0 without the flag
 *              88 xxh3 of bytes 0..87 | 96 body
 *     piece:   0 type u32, flags u32 | 8 length u64 | 16 xxh3 of the payload u64
 *              24 payload */

#include "base/ds-checkpoint-file-private.h"
#include "base/ds-durable-bytes-private.h"

G_BEGIN_DECLS

#define DS_CHECKPOINT_HEAD_BYTES 96
/* Flag of the header: it adds to the checkpoint of the base time. */
#define DS_CHECKPOINT_HAS_BASE 0x100u
/* Flags that change what the body means; none is known yet. */
#define DS_CHECKPOINT_COMPRESSION 0xffu
/* A body is longer only by mistake. */
#define DS_CHECKPOINT_MAX_BYTES (G_GUINT64_CONSTANT (1) << 40)

#define DS_PIECE_HEAD_BYTES 24
#define DS_PIECE_CONTINUED 0x80000000u
#define DS_PIECE_MAX_BYTES (1024u * 1024)

/* What the header says beside the head. */
typedef struct
{
  DsCheckpointHead head;
  guint64 body_bytes;
  guint64 body_hash;
  guint32 n_pieces;
} DsCheckpointOutline;

void ds_checkpoint_encode_head (const DsCheckpointOutline *outline,
                                const guint8 *application_id,
                                guint8 bytes[DS_CHECKPOINT_HEAD_BYTES]);
/* The header of @fd, with everything that can be seen without the body. */
gboolean ds_checkpoint_decode_head (DsCheckpointOutline *outline,
                                    DsDurableDirectory *directory,
                                    const char *name,
                                    int fd,
                                    guint64 n_bytes,
                                    GError **error);
/* "checkpoint "path" is damaged: ...": %DS_ERROR_CORRUPT. */
void ds_checkpoint_set_damaged (GError **error,
                                DsDurableDirectory *directory,
                                const char *name,
                                const char *format,
                                ...) G_GNUC_PRINTF (4, 5);

G_END_DECLS
