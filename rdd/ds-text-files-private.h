/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Text files as a source: which files a path names, how they are split, and reading a
 * split into a sink. */

#include "rdd/ds-sink-private.h"

G_BEGIN_DECLS

/* A line longer than this fails the task with %DS_ERROR_LIMIT. */
#define DS_TEXT_FILE_MAX_LINE_BYTES (64 * 1024 * 1024)
#define DS_TEXT_FILE_MAX_SPLIT_BYTES (128 * 1024 * 1024)
/* So much a split may be larger before there are more of them. */
#define DS_TEXT_FILE_SPLIT_SLACK_BYTES (DS_TEXT_FILE_MAX_SPLIT_BYTES / 8)
#define DS_TEXT_FILE_PIECE_BYTES (256 * 1024)

typedef struct
{
  char *path;
  guint64 n_bytes;
  gboolean is_gzip;
} DsTextFile;

/* The lines of a file that begin in [begin, end). */
typedef struct
{
  const DsTextFile *file;
  guint64 begin;
  guint64 end;
} DsTextFileSplit;

/* The files that @path names, in order of name: a file, the files of a directory, or what
 * a glob matches.  Elements: DsTextFile.  NULL with %DS_ERROR_NOT_FOUND,
 * %DS_ERROR_BAD_FILE or %DS_ERROR_IO. */
GPtrArray *ds_text_files_list (const char *path, GError **error);
/* Elements: DsTextFileSplit.  At least @min_splits unless the files cannot be split.  A
 * file that is large has a multiple of its share of them, so that none is left over for
 * one worker while the others wait. */
GArray *ds_text_files_split (GPtrArray *files, guint min_splits);
guint64 ds_text_files_estimate_bytes (GPtrArray *files);

/* Pushes all lines of @split; FALSE only when the task failed. */
gboolean ds_text_file_read (const DsTextFileSplit *split, DsTask *task, DsSink *sink);
/* Opens and looks again: a file that is not what it was fails the task.  -1 then. */
int ds_text_file_open (const DsTextFile *file, DsTask *task);
/* read () until it is done; -1 when the task failed. */
gssize ds_text_file_read_piece (const DsTextFile *file,
                                int fd,
                                char *room,
                                gsize n_room,
                                DsTask *task);
void ds_text_file_fail_changed (const DsTextFile *file, guint64 n_bytes, DsTask *task);

/* ---- Bytes in, chunks of whole lines out ---- */

typedef struct
{
  const DsTextFile *file;
  DsTask *task;
  DsSink *sink;
  DsArena *arena;
  char *buffer;
  gsize n_allocated;
  gsize n_filled;
  gsize n_scanned; /* there is no line end in these first bytes */
} DsTextPump;

void
ds_text_pump_init (DsTextPump *self, const DsTextFile *file, DsTask *task, DsSink *sink);
void ds_text_pump_clear (DsTextPump *self);
/* Where @n_room more bytes can go; NULL: a line past the limit, the task failed. */
char *ds_text_pump_make_room (DsTextPump *self, gsize n_room);
/* Pushes the lines up to @n_bytes, which end a line or the file, and keeps the rest.
 * FALSE: enough, or the task failed. */
gboolean ds_text_pump_push (DsTextPump *self, gsize n_bytes);
gboolean ds_text_pump_push_whole_lines (DsTextPump *self);

gboolean ds_text_file_read_gzip (const DsTextFile *file, DsTask *task, DsSink *sink);

G_END_DECLS
