/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Why a scan passes something over, in words. */

#include "base/ds-file-system-private.h"

G_BEGIN_DECLS

typedef enum
{
  DS_SCAN_HIDDEN,
  DS_SCAN_PATTERN,
  DS_SCAN_FILTER,
  DS_SCAN_DIRECTORY,
  DS_SCAN_SYMLINK,
  DS_SCAN_SPECIAL,
  DS_SCAN_OLD,
  DS_SCAN_FUTURE,
  DS_SCAN_SAME_NAME
} DsScanReason;

/* What the words depend on. */
typedef struct
{
  const DsFileStatus *status; /* of what is passed over */
  const char *name_pattern;   /* (nullable) */
  guint depth;                /* of the directory that it lies in */
  DsTime batch_time;
  DsDuration remember;
  DsTime ignore_until;
  DsTime same_name_time; /* of the batch that read a file of that name */
} DsScanReasonFacts;

/* FALSE: the program, or whoever writes the files, meant it so. */
gboolean ds_scan_reason_is_surprise (DsScanReason reason);
/* (transfer full) */
char *ds_scan_reason_describe (DsScanReason reason, const DsScanReasonFacts *facts);

/* Times before and after all that a file can have stay so. */
gint64 ds_scan_to_ns (DsTime time);

G_END_DECLS
