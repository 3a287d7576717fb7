/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsScanCandidates: the files that a batch could consist of, of which the oldest within
 * its limits are kept.  One thread at a time. */

#include "base/ds-file-system-private.h"

G_BEGIN_DECLS

typedef struct
{
  DsFileStatus status;
  gsize path_offset; /* see ds_scan_candidates_get_path () */
} DsScanCandidate;

typedef struct
{
  guint max_files;        /* 0: no limit */
  guint64 max_bytes;      /* 0: no limit; at least one file */
  GArray *files;          /* DsScanCandidate */
  GString *paths;         /* each with its NUL */
  gsize trim_length;      /* of files, that calls for dropping some; 0: never */
  gint64 max_modified_ns; /* nothing newer has room */
  guint64 n_dropped;
} DsScanCandidates;

void ds_scan_candidates_init (DsScanCandidates *self, guint max_files, guint64 max_bytes);
void ds_scan_candidates_clear (DsScanCandidates *self);

void ds_scan_candidates_add (DsScanCandidates *self,
                             const char *directory,
                             const char *name,
                             const DsFileStatus *status);
/* Sorts, oldest first and then by path, and drops what has no room. */
void ds_scan_candidates_trim (DsScanCandidates *self);

static inline const DsScanCandidate *
ds_scan_candidates_get (const DsScanCandidates *self, guint index)
{
  return &g_array_index (self->files, DsScanCandidate, index);
}

/* Until the next call of a function above. */
static inline const char *
ds_scan_candidates_get_path (const DsScanCandidates *self, const DsScanCandidate *file)
{
  return self->paths->str + file->path_offset;
}

G_END_DECLS
