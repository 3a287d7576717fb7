/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsScanCandidates: the files that a batch could consist of, of which the oldest within
 * its limits are kept.  One thread at a time. */

#include "base/ds-file-system-private.h"

G_BEGIN_DECLS

typedef struct
{
  DsFileStatus status;
  guint index;            /* of the file in the caller's set */
  gsize directory_offset; /* see ds_scan_candidates_get_path () */
  gsize name_offset;
} DsScanCandidate;

/* What writing a file down takes besides its path, at most. */
#define DS_SCAN_PLAN_BYTES 64

typedef struct
{
  guint max_files;        /* 0: no limit */
  guint64 max_bytes;      /* 0: no limit; at least one file */
  guint64 max_plan_bytes; /* the same */
  GArray *files;          /* DsScanCandidate */
  GString *texts;         /* names and directories, each with its NUL */
  gsize directory_offset; /* of the last file's */
  gsize trim_length;      /* of files, that calls for dropping some; 0: never */
  guint64 n_dropped;
  gboolean has_dropped;
  DsScanCandidate first_dropped; /* nothing after it has room */
} DsScanCandidates;

void ds_scan_candidates_init (DsScanCandidates *self,
                              guint max_files,
                              guint64 max_bytes,
                              guint64 max_plan_bytes);
void ds_scan_candidates_clear (DsScanCandidates *self);

void ds_scan_candidates_add (DsScanCandidates *self,
                             const char *directory,
                             const char *name,
                             const DsFileStatus *status,
                             guint index);
/* Drops what has no room, and sorts the others: oldest first and then by path. */
void ds_scan_candidates_trim (DsScanCandidates *self);

static inline const DsScanCandidate *
ds_scan_candidates_get (const DsScanCandidates *self, guint index)
{
  return &g_array_index (self->files, DsScanCandidate, index);
}

/* (transfer full) */
char *ds_scan_candidates_get_path (const DsScanCandidates *self,
                                   const DsScanCandidate *file);

G_END_DECLS
