/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsDirectoryScanner: which files of a directory, or of several, belong to a batch.
 *
 * Each scan lists everything; notifications of changes may be lost and are not relied on.
 * What a scan takes it never takes again.  What it passes over it tells once, with the
 * reason.  One thread at a time. */

#include "base/ds-file-system-private.h"
#include "base/ds-value.h"

G_BEGIN_DECLS

/* On the name without directory; FALSE: pass over. */
typedef gboolean (*DsScanFilterFunc) (const char *name, gpointer user_data);
/* @path is passed over.  Not to be called back. */
typedef void (*DsScanTellFunc) (const char *path, const char *reason, gpointer user_data);

/* The rules; all may be zero. */
typedef struct
{
  /* FALSE: only what was modified after @ignore_until, and within @remember before the
   * batch time or later, and not after the batch time.  TRUE: whatever its time. */
  gboolean takes_all;
  DsTime ignore_until;
  DsDuration remember;
  DsScanFilterFunc filter; /* (nullable) */
  gpointer filter_data;
  const char *name_pattern;     /* (nullable): a glob */
  guint max_depth;              /* of directories below; 0: none of them */
  DsDuration settle_time;       /* it has been seen unchanged for so long; 0: at once */
  guint max_files;              /* 0: no limit */
  guint64 max_bytes;            /* 0: no limit; at least one file */
  guint64 max_plan_bytes;       /* for writing them down; the same */
  const DsFileStatus *excluded; /* (nullable): a directory that is not looked into */
} DsScanRules;

/* What a scan found. */
typedef struct
{
  GPtrArray *files;      /* owned: DsPlannedFile, oldest first */
  guint64 n_bytes;       /* of them */
  guint n_directories;   /* that were listed */
  guint64 n_listed;      /* entries of them */
  guint64 n_taken;       /* of which earlier scans took so many */
  guint64 n_passed_over; /* for good, unless they change */
  guint64 n_early;       /* modified after the batch time: of a later batch */
  guint64 n_settling;
  guint64 n_left;      /* past the limits: of a later batch */
  guint64 n_surprises; /* newly passed over, and not for its name */
  char *again_path;    /* (nullable) owned: one that is taken whatever its time, and was
                        * taken before it was written to */
  char *example_path;  /* (nullable) owned: one that is newly passed over */
  char *example_reason;
  GPtrArray *asides; /* (nullable) owned: paths of DS_FILE_ASIDE_PREFIX */
  GError *error;     /* (nullable) owned: the first directory that could not be listed */
} DsDirectoryScan;

void ds_directory_scan_clear (DsDirectoryScan *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DsDirectoryScan, ds_directory_scan_clear)

typedef struct _DsDirectoryScanner DsDirectoryScanner;

/* @directory: a path, or a glob over directories */
DsDirectoryScanner *ds_directory_scanner_new (DsFileSystem *files, const char *directory);
void ds_directory_scanner_free (DsDirectoryScanner *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsDirectoryScanner, ds_directory_scanner_free)

/* Takes what belongs to the batch of @batch_time, which must grow from scan to scan.
 * @now: of the clock that files are dated by.  @scan: zeroed; filled also when
 * directories could not be listed. */
void ds_directory_scanner_scan (DsDirectoryScanner *self,
                                const DsScanRules *rules,
                                DsTime batch_time,
                                DsTime now,
                                DsScanTellFunc tell,
                                gpointer user_data,
                                DsDirectoryScan *scan);

/* ---- Checkpoints ---- */

typedef struct _DsScannerCapture DsScannerCapture;

/* What was seen, and taken by batches up to @until.  @later: DsPlannedFile that later
 * batches took: they are captured as waiting.  Nothing is encoded but the names that the
 * rule of time remembers.  (transfer full) */
DsScannerCapture *
ds_directory_scanner_capture (DsDirectoryScanner *self, DsTime until, GPtrArray *later);
/* As values back to back, appended.  Any thread; scans go on. */
void ds_scanner_capture_save (DsScannerCapture *self, GByteArray *bytes);
void ds_scanner_capture_free (DsScannerCapture *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsScannerCapture, ds_scanner_capture_free)
/* Into a new one: how many of @values that took; 0: they are none of a scanner. */
gsize ds_directory_scanner_load (DsDirectoryScanner *self,
                                 const DsValue *values,
                                 gsize n_values);
/* @file was taken by the batch of @batch_time, which no scan of this process made.
 * @is_remembered: its name, too, as the rule of time wants it. */
void ds_directory_scanner_note_taken (DsDirectoryScanner *self,
                                      DsTime batch_time,
                                      const DsPlannedFile *file,
                                      gboolean is_remembered);

gsize ds_directory_scanner_get_n_known (DsDirectoryScanner *self);
gsize ds_directory_scanner_get_n_bytes (DsDirectoryScanner *self); /* of memory */

/* How many batches of @interval a file is remembered by its name: so many that they cover
 * @min_remember. */
gint64 ds_directory_scanner_count_batches (DsDuration min_remember, DsDuration interval);

G_END_DECLS
