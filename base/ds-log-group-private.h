/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Records that are not durable yet: what one sync takes to the disk.
 *
 * A record is framed and hashed into the group's memory when it is appended, so that who
 * writes has nothing left to do for each, and nothing is allocated for one.  Large ones
 * stay where they are and have only their frame here; they are hashed when the group is
 * sealed, in the thread that writes it.
 *
 *     bytes:   frame payload hash | frame payload hash | frame        hash | frame ...
 *     larges:                                                 (parts)
 *
 * The salt of a record is that of the segment that it goes to.  A group that goes to
 * another one than it was begun for, as segments end and disks fail, is salted anew when
 * it is sealed.  Groups are never divided.
 *
 * The memory is regions of the pool that blocks are made of, too: fresh memory is dear.
 *
 * One thread at a time: under the lock of the log until it is taken from those that
 * wait, and then of who writes it. */

#include "base/ds-arena-region-private.h"
#include "base/ds-log-format-private.h"
#include "base/ds-write-ahead-log-private.h"

#include <xxhash.h>

G_BEGIN_DECLS

/* Records up to here, with their frame, are copied; that takes less than three pieces of
 * a write do. */
#define DS_LOG_SMALL_RECORD ((gsize) 4096)

typedef struct _DsLogGroup DsLogGroup;

struct _DsLogGroup
{
  DsLogGroup *next;
  guint64 first_sequence;
  guint64 salt; /* of all of its records but large ones */
  guint32 n_records;
  gsize n_bytes; /* in the file */

  guint8 *end; /* of the records so far, in the newest region */
  guint8 *limit;
  gsize n_expected;
  GArray *stretches; /* of DsLogStretch: records in a region */
  GArray *larges;    /* of DsLogLarge, in their order */
  GArray *parts;     /* of DsLogPart: of one after the other */
  GArray *owners;    /* of DsLogOwner */
};

DsLogGroup *ds_log_group_new (void);
/* Lets go of what it has. */
void ds_log_group_free (DsLogGroup *self);
/* Lets go of all records, and gives their memory back. */
void ds_log_group_clear (DsLogGroup *self);
/* The first record of an empty one will be @sequence.  @n_expected: as much memory may be
 * needed. */
void
ds_log_group_begin (DsLogGroup *self, guint64 sequence, guint64 salt, gsize n_expected);
/* Parts have @n_bytes together, and %DS_LOG_MAX_RECORD_BYTES at most.  Those of large
 * records are to live until @release (nullable) is called with @owner. */
void ds_log_group_append (DsLogGroup *self,
                          DsLogRecordType type,
                          const DsLogPart *parts,
                          guint n_parts,
                          gsize n_bytes,
                          gpointer owner,
                          GDestroyNotify release);
/* Bytes that were copied into it. */
gsize ds_log_group_count_memory (const DsLogGroup *self);
guint64 ds_log_group_get_last_sequence (const DsLogGroup *self);
/* All of it is as it has to be in a segment with @salt.  @hash is used for that. */
void ds_log_group_seal (DsLogGroup *self, guint64 salt, XXH3_state_t *hash);
/* To @pieces, of struct iovec, valid until the group is changed.  Sealed. */
void ds_log_group_add_pieces (const DsLogGroup *self, GArray *pieces);

/* ---- Groups in their order ---- */

typedef struct
{
  DsLogGroup *first;
  DsLogGroup *last;
  gsize n_bytes; /* of the records */
} DsLogQueue;

void ds_log_queue_push (DsLogQueue *self, DsLogGroup *group);
/* (nullable) */
DsLogGroup *ds_log_queue_pop (DsLogQueue *self);
/* Frees all of them. */
void ds_log_queue_clear (DsLogQueue *self);

G_END_DECLS
