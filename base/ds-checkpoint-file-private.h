/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One checkpoint is one file, ckpt-<batch time in ms>: whole or unused (RELIABILITY 4.2,
 * 4.3).  It is written in one pass from beginning to end beside its name, its header last
 * (a half file never has a valid one), synced, renamed, and the directory synced.
 *
 *     header, 96 bytes
 *     pieces: type u32, flags u32, length u64, xxh3 u64, payload
 *     the piece END
 *
 * A section is what belongs together, as the state of one stream: a name and any number
 * of bytes.  Since it is written without knowing its length it lies in pieces of up to
 * 256 KiB (1 MiB at most), all but the last with the flag CONTINUED; the first piece
 * begins with the name as a msgpack str.  Pieces of one section follow each other.
 *
 * Reading: the header's own hash, then its version, then lengths, then the hash of the
 * whole body; only after that is anything looked into, each piece with its own hash
 * again, and lengths are never believed. */

#include "base/ds-durable-directory-private.h"
#include "base/ds-time.h"

G_BEGIN_DECLS

typedef enum
{
  DS_SECTION_END = 0,
  DS_SECTION_META = 1,
  DS_SECTION_GRAPH = 2,
  DS_SECTION_SOURCE = 3,
  DS_SECTION_STATE = 4,
  DS_SECTION_RESULTS = 5,
  DS_SECTION_PENDING = 6,
  DS_SECTION_SINK = 7
} DsSectionType;

/* Of the flags of a section the lower 16 are the caller's. */
#define DS_SECTION_USER_FLAGS 0xffffu
/* Longest name of a section. */
#define DS_SECTION_MAX_NAME 255

typedef struct
{
  DsTime batch_time;    /* whole ms since 1970; writing: that of the writer is taken */
  DsTime base_time;     /* what this one adds to, or %DS_TIME_NONE: it holds everything */
  guint64 wal_sequence; /* of the first record to replay */
  guint64 fingerprint;  /* of the graph */
} DsCheckpointHead;

/* ---- Writing ---- */

typedef struct _DsCheckpointWriter DsCheckpointWriter;

/* %DS_ERROR_INVALID_ARGUMENT: @batch_time is before 1970 or no whole ms.  One thread at a
 * time.  NULL with error. */
DsCheckpointWriter *ds_checkpoint_writer_new (DsDurableDirectory *directory,
                                              DsTime batch_time,
                                              GError **error);
/* @type: not %DS_SECTION_END.  @name: UTF-8, at most %DS_SECTION_MAX_NAME bytes, may be
 * "".  @flags: %DS_SECTION_USER_FLAGS.  Not within another section. */
gboolean ds_checkpoint_writer_begin_section (DsCheckpointWriter *self,
                                             DsSectionType type,
                                             const char *name,
                                             guint flags,
                                             GError **error);
/* Any number of times; gathered, and written 256 KiB at a time.  After a failure only
 * ds_checkpoint_writer_free () is left: %DS_ERROR_NO_SPACE, %DS_ERROR_IO. */
gboolean ds_checkpoint_writer_append (DsCheckpointWriter *self,
                                      const guint8 *bytes,
                                      gsize n_bytes,
                                      GError **error);
gboolean ds_checkpoint_writer_end_section (DsCheckpointWriter *self, GError **error);
/* The checkpoint is there, durably, when this returns TRUE; else it is not, or (when
 * syncing the directory failed) it may be: both are whole states.  A checkpoint of that
 * time must not be there: %DS_ERROR_INVALID_STATE.  Every record before @head's
 * wal_sequence must be durable, see ds_write_ahead_log_get_durable_sequence ().  @self is
 * to be freed in any case. */
gboolean ds_checkpoint_writer_finish (DsCheckpointWriter *self,
                                      const DsCheckpointHead *head,
                                      GError **error);
/* The same, in the place of a checkpoint of that time, which is there until this one is:
 * for tools that change what is kept, with the lock of the directory. */
gboolean ds_checkpoint_writer_replace (DsCheckpointWriter *self,
                                       const DsCheckpointHead *head,
                                       GError **error);
/* Removes the file unless it was finished. */
void ds_checkpoint_writer_free (DsCheckpointWriter *self);

/* ---- Reading ---- */

typedef struct _DsCheckpointReader DsCheckpointReader;

/* All checks, the whole body is read.  NULL with %DS_ERROR_CORRUPT (what, where, found
 * and expected), %DS_ERROR_VERSION, %DS_ERROR_BAD_FILE, %DS_ERROR_IO.  One thread at a
 * time. */
DsCheckpointReader *ds_checkpoint_reader_open (DsDurableDirectory *directory,
                                               const char *name,
                                               GError **error);
void ds_checkpoint_reader_free (DsCheckpointReader *self);
const char *ds_checkpoint_reader_get_name (DsCheckpointReader *self);
const DsCheckpointHead *ds_checkpoint_reader_get_head (DsCheckpointReader *self);
guint64 ds_checkpoint_reader_get_n_bytes (DsCheckpointReader *self);
guint ds_checkpoint_reader_n_sections (DsCheckpointReader *self);
/* Section @i, in the order in which they were written: each of the rest (nullable).
 * *@name is @self's; *@n_bytes without the name.  Types of later versions are among them:
 * to be passed over. */
void ds_checkpoint_reader_get_section (DsCheckpointReader *self,
                                       guint i,
                                       DsSectionType *type,
                                       const char **name,
                                       guint *flags,
                                       guint64 *n_bytes);
/* Up to @n_room bytes of section @i from @offset on; 0 only at its end.  From front to
 * back each piece is read once.  -1 with error. */
gssize ds_checkpoint_reader_read (DsCheckpointReader *self,
                                  guint i,
                                  guint64 offset,
                                  guint8 *room,
                                  gsize n_room,
                                  GError **error);
/* The header alone, without a look at the body: for who decides what to keep. */
gboolean ds_checkpoint_read_head (DsDurableDirectory *directory,
                                  const char *name,
                                  DsCheckpointHead *head,
                                  GError **error);

/* ---- Choosing ---- */

/* The newest that is whole, and all that it adds to as well (base_time, and so on).
 * *@reader is NULL without error when there is neither a checkpoint nor a log.
 *
 * @damaged (element-type utf8) (nullable): a message is added for each that is not used
 * and newer; those are set aside as unused-ckpt-*, unless @directory is read only.
 * %DS_ERROR_CORRUPT, listing each, when none is whole, or when there is a log and no
 * checkpoint: never a silent fresh start.  %DS_ERROR_VERSION as soon as one is of a newer
 * version. */
gboolean ds_checkpoint_find_newest (DsDurableDirectory *directory,
                                    DsCheckpointReader **reader,
                                    GPtrArray *damaged,
                                    GError **error);
/* "ckpt-00000001234567890123".  (transfer full) */
char *ds_checkpoint_make_name (DsTime batch_time);
/* FALSE: no name of a checkpoint. */
gboolean ds_checkpoint_parse_name (const char *name, DsTime *batch_time);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsCheckpointWriter, ds_checkpoint_writer_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsCheckpointReader, ds_checkpoint_reader_free)

G_END_DECLS
