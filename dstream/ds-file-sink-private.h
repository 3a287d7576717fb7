/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Batches as files, each exactly once: written aside, put into place by rename, and
 * committed by a manifest (RELIABILITY 4.5, 4.6).
 *
 *     out-1000.txt/part-00000 ... _SUCCESS    for everybody, or one file out-1000.txt
 *     _ds-out/manifest-...1000, lock          what is committed: ds-manifest-chain
 *     _ds-out/.tmp-...                        while a batch is written
 *
 * A reader that looks for out-* sees parts only whole, and none that it has seen ever
 * changes: a batch that runs again after a crash gives the same bytes, and where a part
 * is there already it is compared and kept.  Before the manifest is there a part may be
 * seen whose batch is not committed yet.
 *
 * A batch of P partitions costs P + 4 syncs: of the parts, their directory, the directory
 * above, the manifest and its directory.
 *
 * Thread: one at a time. */

#include "base/ds-manifest-private.h"
#include "base/ds-time.h"
#include "rdd/ds-save-private.h"

G_BEGIN_DECLS

typedef struct _DsFileSink DsFileSink;

/* @directory: (nullable): what a relative @prefix starts from, %NULL: the current one.
 * @application_id: 16 bytes.  Makes the directories, takes the lock (%DS_ERROR_LOCKED),
 * removes what a killed process left aside.  %DS_ERROR_INVALID_STATE when what is there
 * was committed by another application or output, unless @adopts: then it goes on behind
 * it.  %DS_ERROR_CORRUPT for damaged manifests. */
DsFileSink *ds_file_sink_open (const char *directory,
                               const char *prefix,
                               const char *suffix,
                               const guint8 *application_id,
                               const char *output_name,
                               gboolean adopts,
                               GError **error);
/* After a recovery: @known is the newest batch that the checkpoint directory knows of.  A
 * batch is planned there before it is saved, so when a later one is committed the
 * directory is an older copy, and batches up to that one would be taken for saved
 * whatever is in them: %DS_ERROR_INVALID_STATE, unless @adopts. */
gboolean ds_file_sink_check_known (DsFileSink *self,
                                   DsTime known,
                                   gboolean adopts,
                                   GError **error);
void ds_file_sink_close (DsFileSink *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsFileSink, ds_file_sink_close)

/* Whether the batch has its manifest; then its files are read and compared with it:
 * %DS_ERROR_CORRUPT for one that differs.  One that is gone was taken away by a reader,
 * which is logged. */
gboolean ds_file_sink_is_committed (DsFileSink *self,
                                    DsTime time,
                                    gboolean *is_committed,
                                    GError **error);
/* Runs a job, puts its files into place and commits; nothing when that has happened
 * already.  After a failure it can be tried again.  %DS_ERROR_BAD_FILE for a file that is
 * there and not what would be written: nothing is overwritten. */
gboolean ds_file_sink_run (DsFileSink *self,
                           DsRdd *rdd,
                           const DsSavePlan *plan,
                           DsTime time,
                           GError **error);
/* Whether @error, of the run before, may be over when it is tried again: that of a full
 * disk, or of a file server that is away.  What functions of the program failed with is
 * not, even if it has the same code. */
gboolean ds_file_sink_may_pass (DsFileSink *self, const GError *error);

/* "<directory>/_ds-<basename>" of a prefix: where its manifests are. */
char *ds_file_sink_get_manifest_directory (const char *prefix);

/* ---- ds-file-sink-place.c ---- */

/* Files written aside, and where they belong. */
typedef struct
{
  const char *aside;    /* directory */
  const char *prefix;   /* of the names there */
  const char *path;     /* of the batch: a directory, or one file */
  const GArray *files;  /* DsSavedFile */
  gboolean single_file; /* @path is the file */
  gboolean replaces;    /* equal ones, so that their directory can be synced anew */
  gint64 batch_ms;      /* for errors */
} DsFilePlaces;

/* Renames; durable afterwards.  Nothing is ever overwritten with other bytes. */
gboolean ds_file_places_fill (const DsFilePlaces *self, GError **error);

G_END_DECLS
