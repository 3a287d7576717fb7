/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Files as a source: an RDD of what planned files hold, in one of several formats.
 *
 * Text and binary records are split, so that one large file feeds all workers; files of
 * the other formats, and those whose names end in ".gz" (unpacked while they are read),
 * are read from their beginning by one task.  Small files share partitions, in order.
 *
 * Tasks read what was planned: a file that is gone or not the same any more is an error,
 * never different data.  What was read is held against the plan again at its end. */

#include "base/ds-file-system-private.h"
#include "rdd/ds-rdd-private.h"

G_BEGIN_DECLS

typedef enum
{
  DS_FILE_FORMAT_TEXT,       /* lines */
  DS_FILE_FORMAT_BINARY,     /* bytes of a fixed length */
  DS_FILE_FORMAT_PARSE,      /* what a function of the program makes of the bytes */
  DS_FILE_FORMAT_WHOLE_TEXT, /* (path, content) as a string */
  DS_FILE_FORMAT_WHOLE_BYTES /* (path, content) as bytes, not unpacked */
} DsFileFormatKind;

/* What happens to what cannot be read as the format says.  In the order of the public
 * DsBadRecordPolicy. */
typedef enum
{
  DS_FILE_ON_BAD_FAIL, /* the task fails, naming path, offset and length */
  /* Drops a line past the limit, the remainder of binary records, or the rest of a file
   * from a value on that cannot be parsed; added to the counter %DS_FILE_SKIPPED_COUNTER.
   */
  DS_FILE_ON_BAD_SKIP,
  DS_FILE_ON_BAD_SPLIT, /* text only: pieces of max_record_bytes */
  /* Passes over a file with a remainder, or that is not as it was planned, and reports
   * it.  Never half of a file: what shows only once values went on is an error. */
  DS_FILE_ON_BAD_SKIP_FILE
} DsFileBadRecordPolicy;

/* ds_context_get_counter (): one for each line, remainder or rest that was dropped. */
#define DS_FILE_SKIPPED_COUNTER "file-records-skipped"

#define DS_FILE_MAX_RECORD_LENGTH (G_GUINT64_CONSTANT (1) << 30)
#define DS_FILE_DEFAULT_MAX_LINE_BYTES (64 * 1024 * 1024)

/* A file is passed over for @reason.  Any thread, once a file and RDD. */
typedef void (*DsFileReportFunc) (const DsPlannedFile *file,
                                  const GError *reason,
                                  gpointer user_data);

typedef struct
{
  DsFileFormatKind kind;
  DsFileBadRecordPolicy policy;
  gsize record_length; /* binary: 1 to %DS_FILE_MAX_RECORD_LENGTH */
  gboolean counts_lines; /* text: also where nobody asks, for ds_rdd_get_flow () */
  /* Of a line without its end, of what a parser may leave, of a msgpack value, of a whole
   * file; 0: 64 MiB, whole files 1 GiB. */
  gsize max_record_bytes;

  DsParseFunc parse;
  gpointer parse_data;
  GDestroyNotify parse_destroy; /* (nullable): run once the RDD is gone */

  DsFileReportFunc report; /* (nullable): under SKIP_FILE */
  gpointer report_data;
  GDestroyNotify report_destroy; /* (nullable) */
} DsFileFormat;

/* What can be known of a format before there are files; %DS_ERROR_INVALID_ARGUMENT, or
 * %DS_ERROR_BAD_RECORD_LENGTH. */
gboolean ds_file_format_check (const DsFileFormat *format, GError **error);

/* The files in their order.  Takes over each of @files (not the array) and the two user
 * data of @format, which is copied.  A format that is none latches its error.  Never
 * NULL. */
DsRdd *ds_file_rdd_new (DsContext *context,
                        const DsFileFormat *format,
                        DsPlannedFile **files,
                        gsize n_files);
/* The files that @path names when the RDD is first needed. */
DsRdd *ds_file_rdd_new_for_path (DsContext *context,
                                 const char *operator_name,
                                 const DsFileFormat *format,
                                 const char *path);

G_END_DECLS
