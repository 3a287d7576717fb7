/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One segment, read record by record; for ds-log-reader.c. */

#include "base/ds-log-format-private.h"
#include "base/ds-log-reader-private.h"

G_BEGIN_DECLS

typedef struct
{
  int fd;
  char *path;
  guint64 n_bytes;
  guint64 salt;

  guint8 *window; /* part of the file */
  gsize n_room;
  guint64 window_offset;
  gsize n_window;
  guint32 place; /* of the last record, in the group that it was written with */
} DsLogScan;

typedef enum
{
  DS_LOG_SCAN_RECORD,
  DS_LOG_SCAN_END, /* exactly */
  DS_LOG_SCAN_BAD, /* not a whole record */
  DS_LOG_SCAN_FAILED
} DsLogScanResult;

/* Whole records behind damage. */
typedef struct
{
  guint64 n_records;
  guint64 first_sequence;
  guint64 last_sequence;
  guint64 first_offset;  /* of the record, not of its payload */
  gboolean is_cut_short; /* the search took too long: there may be more */
  guint64 group;         /* number of the first record of the group of the first one */
  gboolean is_one_group; /* all are of that group */
} DsLogBehind;

gboolean ds_log_scan_open (DsLogScan *self,
                           DsDurableDirectory *directory,
                           const DsLogSegmentFile *file,
                           GError **error);
void ds_log_scan_clear (DsLogScan *self);
/* The record at @offset; *@payload until the next call. */
DsLogScanResult ds_log_scan_record (DsLogScan *self,
                                    guint64 offset,
                                    DsLogRecord *record,
                                    const guint8 **payload,
                                    GError **error);
/* Looks for whole records behind @offset with numbers from @min_sequence on. */
gboolean ds_log_scan_behind (DsLogScan *self,
                             guint64 offset,
                             guint64 min_sequence,
                             DsLogBehind *behind,
                             GError **error);
/* Whether zeros up to the end of a sector lie between @from and @to, as where a part of a
 * write never reached the disk. */
gboolean ds_log_scan_find_hole (DsLogScan *self,
                                guint64 from,
                                guint64 to,
                                gboolean *is_found,
                                GError **error);

G_END_DECLS
