/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of a directory stream share, and what the context asks of one. */

#include "dstream/ds-dstream-private.h"
#include "dstream/ds-input-recovery-private.h"
#include "rdd/ds-file-rdd-private.h"
#include "receivers/ds-directory-scanner-private.h"

G_BEGIN_DECLS

#define DS_TYPE_FILE_INPUT_DSTREAM (ds_file_input_dstream_get_type ())
G_DECLARE_FINAL_TYPE (DsFileInputDStream,
                      ds_file_input_dstream,
                      DS,
                      FILE_INPUT_DSTREAM,
                      DsInputDStream)

/* The files of a batch that is not forgotten yet. */
typedef struct
{
  DsTime time;
  GPtrArray *files; /* DsPlannedFile */
  guint64 n_bytes;
  gboolean is_completed; /* and did not fail */
  gboolean is_reported;  /* how many files it has */
} DsFileBatch;

struct _DsFileInputDStream
{
  DsInputDStream parent_instance;
  DsFileSystem *files;
  char *directory;
  DsFileFormat format; /* its user data is the stream's */
  DsFileSelection selection;
  DsTime creation_time;
  DsClock *clock; /* that it is of */
  DsScanRules rules;
  char *name_pattern;        /* (nullable) */
  DsSharedData *filter_data; /* (nullable) */
  char *archive;             /* (nullable) */
  DsFileStatus archive_status;
  gboolean deletes;
  DsDirectoryScanner *scanner;

  /* Thread: driver.  Locks: the graph's. */
  DsTime newest_time;
  gboolean is_recovered;      /* its creation is that of the stream that began it */
  char *shown_error;          /* (nullable): of the last scan, which was logged */
  gboolean has_told_of_again; /* that a file that was written to is taken again */
  gboolean is_slow; /* the last scan took longer than a batch, which was logged */

  gint has_told_of_clean_up; /* atomic: that a file could not be archived */

  GMutex lock;     /* guards what follows; held for moments */
  GQueue batches;  /* DsFileBatch, oldest first */
  char *last_scan; /* (nullable): for explanations */
};

/* NULL, latched and inert, when @directory is none; takes over the user data of @format.
 * (transfer none): the stream, owned by the context */
DsDStream *ds_file_input_dstream_add (DsStreamingContext *context,
                                      const char *what,
                                      const char *directory,
                                      const DsFileFormat *format);

/* ---- Of the context; each does nothing for other streams ---- */

/* The batch of @time is over.  Files of batches that nobody needs any longer are archived
 * or deleted.  Thread: driver. */
void ds_file_input_dstream_end_batch (DsInputDStream *input, DsTime time, gboolean ok);
/* What the last scan found, as a sentence.  (transfer full) (nullable) */
char *ds_file_input_dstream_explain (DsDStream *stream);
/* The options that other sources have, too.  FALSE: it is no directory stream. */
gboolean ds_file_input_dstream_set_max_record_bytes (DsDStream *stream, gsize max_bytes);
gboolean ds_file_input_dstream_set_bad_record_policy (DsDStream *stream,
                                                      DsBadRecordPolicy policy);

/* ---- ds-file-input-recovery.c ---- */

extern const DsInputRecovery ds_file_input_dstream_recovery;

/* ---- Inside ---- */

/* The batch of @time, which is newer than all others, takes @files, taken over. */
void ds_file_input_dstream_add_batch (DsFileInputDStream *self,
                                      DsTime time,
                                      GPtrArray *files,
                                      guint64 n_bytes);
/* The batch of @time is over; @ok: its files may be cleaned up. */
void
ds_file_input_dstream_set_completed (DsFileInputDStream *self, DsTime time, gboolean ok);
/* (transfer full) (nullable) */
GPtrArray *ds_file_input_dstream_find_files (DsFileInputDStream *self, DsTime time);

/* ---- ds-file-input-log.c.  Thread: driver.  Locks: the graph's. ---- */

/* (transfer full) */
char *ds_file_input_dstream_describe_scan (DsFileInputDStream *self,
                                           const DsDirectoryScan *scan);
void ds_file_input_dstream_log_scan (DsFileInputDStream *self,
                                     const DsDirectoryScan *scan,
                                     DsDuration duration);

/* ---- ds-file-clean-up.c ---- */

/* At start: FALSE when the archive cannot take files. */
gboolean ds_file_input_dstream_check_archive (DsFileInputDStream *self, GError **error);
/* Archives or deletes @files; what cannot be stays, and is logged once. */
void ds_file_input_dstream_clean_up (DsFileInputDStream *self, GPtrArray *files);
/* Puts back what clean-ups of processes that ended have left in @asides, paths. */
void ds_file_input_dstream_restore (DsFileInputDStream *self, GPtrArray *asides);

G_END_DECLS
