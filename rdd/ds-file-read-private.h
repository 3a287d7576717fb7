/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Inside of ds-file-rdd: which files, which parts of them, and reading a part.  One file
 * a format; all of them get their bytes from a DsFileSource. */

#include "rdd/ds-file-rdd-private.h"

#include <gio/gio.h>

G_BEGIN_DECLS

#define DS_FILE_MAX_SPLIT_BYTES (128 * 1024 * 1024)
/* So much a split may be larger before there are more of them. */
#define DS_FILE_SPLIT_SLACK_BYTES (DS_FILE_MAX_SPLIT_BYTES / 8)
#define DS_FILE_PIECE_BYTES (256 * 1024)
/* Where files that changed are passed over, one of up to so much is read as a whole, and
 * looked at again, before the first of its records is handed on. */
#define DS_FILE_CHECKED_BYTES (1024 * 1024)

/* ---- Which files, which parts ---- */

/* The files that @path names, in order of name: a file, the files of a directory, or what
 * a glob matches.  Symbolic links are followed.  Elements: DsPlannedFile.  NULL with
 * %DS_ERROR_NOT_FOUND, %DS_ERROR_BAD_FILE or %DS_ERROR_IO. */
GPtrArray *ds_file_list_path (const char *path, GError **error);

/* The records of a file that begin in [begin, end). */
typedef struct
{
  const DsPlannedFile *file;
  guint index; /* of the file in the RDD */
  guint64 begin;
  guint64 end;
  gboolean is_only; /* all of the file */
  gboolean is_last; /* of the file */
} DsFileSplit;

gboolean ds_file_is_gzip (const DsPlannedFile *file);
/* At least @min_splits unless the files cannot be split.  A file that is large has a
 * multiple of its share of them, so that none is left over for one worker while the
 * others wait.  @files: DsPlannedFile, NULL for one that is left out.  Elements:
 * DsFileSplit. */
GArray *ds_file_split (GPtrArray *files, const DsFileFormat *format, guint min_splits);
/* Which splits make a partition: the first one of each, then how many there are.  More
 * than the partitions that their bytes are worth share them, neighbours by bytes.
 * Elements: guint. */
GArray *
ds_file_share_splits (GArray *splits, const DsFileFormat *format, guint min_splits);
/* What reading @split comes to, packed bytes counted for four. */
guint64 ds_file_split_estimate_bytes (const DsFileSplit *split,
                                      const DsFileFormat *format);

gboolean ds_file_is_read_ahead (const DsPlannedFile *file, const DsFileFormat *format);

/* ---- Bytes of a file ---- */

typedef struct
{
  const DsPlannedFile *planned;
  DsTask *task;
  DsFile *file;
  guint64 n_read;       /* where in the file the next byte is */
  guint64 position;     /* the same after unpacking */
  GConverter *unpacker; /* (nullable) */
  char *packed;
  gsize n_packed;     /* bytes in @packed that are not unpacked yet */
  gboolean is_inside; /* a gzip member that has not ended */
  gboolean is_behind; /* a gzip member that has */
  char *whole;        /* (nullable): all of the file, found unchanged */
} DsFileSource;

/* From byte @offset on; a packed file from its beginning.  FALSE with error. */
gboolean ds_file_source_open (DsFileSource *self,
                              const DsPlannedFile *planned,
                              guint64 offset,
                              gboolean unpacks,
                              DsTask *task,
                              GError **error);
/* Reads all of it at once, so that it is known to be what was planned before a record of
 * it is handed on.  FALSE with error, and closed. */
gboolean ds_file_source_read_ahead (DsFileSource *self, GError **error);
/* How many bytes; fewer than @n_room only at the end of the file; -1: the task failed. */
gssize ds_file_source_read (DsFileSource *self, gpointer room, gsize n_room);
/* To the beginning of the file. */
void ds_file_source_rewind (DsFileSource *self);
/* Fails the task when the file is no longer what was planned, unless it has failed. */
void ds_file_source_close (DsFileSource *self);

/* Bytes that are to be whole records one day, in one piece. */
typedef struct
{
  DsArena *arena;
  char *bytes;
  gsize n_allocated;
  gsize n_filled;
} DsFileBuffer;

void ds_file_buffer_init (DsFileBuffer *self, DsTask *task, gsize n_bytes);
void ds_file_buffer_clear (DsFileBuffer *self);
/* Where @n_room more bytes can go. */
char *ds_file_buffer_make_room (DsFileBuffer *self, DsTask *task, gsize n_room);
/* Forgets the first @n_bytes. */
void ds_file_buffer_drop (DsFileBuffer *self, gsize n_bytes);
/* Reads @n_wanted more.  FALSE: the task failed.  *@at_end: there was less. */
gboolean ds_file_buffer_fill (DsFileBuffer *self,
                              DsFileSource *source,
                              gsize n_wanted,
                              gboolean *at_end);

/* ---- Formats: push all records of a split, whose source is open ---- */

typedef struct
{
  const DsFileFormat *format;
  const DsFileSplit *split;
  DsRdd *rdd;
  DsFileSource source;
  DsTask *task;
  DsSink *sink;
  gboolean has_enough; /* a push said FALSE */
} DsFileReader;

/* Around each push: FALSE stops reading, this file and those behind it. */
static inline gboolean
ds_file_reader_note (DsFileReader *self, gboolean wants_more)
{
  self->has_enough = !wants_more;
  return wants_more;
}

void ds_file_read_text (DsFileReader *self);
void ds_file_read_binary (DsFileReader *self);
void ds_file_read_parse (DsFileReader *self);
void ds_file_read_whole (DsFileReader *self);

/* What to say of @n_bytes in all that do not divide into records. */
void ds_file_set_remainder_error (GError **error,
                                  const DsPlannedFile *file,
                                  guint64 n_bytes,
                                  gsize record_length);

/* The cap that the format says, or the usual one. */
gsize ds_file_format_get_max_record_bytes (const DsFileFormat *format);
/* Takes over @error: under SKIP one more is counted, else the task fails with it.  TRUE:
 * it was only counted. */
gboolean ds_file_reader_take_bad_record (DsFileReader *self, GError *error);

/* Takes over @reason: the file is passed over, before anything of it went on. */
void ds_file_reader_pass_over (DsFileReader *self, GError *reason);

G_END_DECLS
