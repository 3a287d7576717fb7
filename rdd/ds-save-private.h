/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Saving an RDD as files: what the save actions and the outputs of streams share. */

#include "rdd/ds-rdd-private.h"

G_BEGIN_DECLS

typedef enum
{
  DS_SAVE_TEXT,   /* the printed form of each value, a line each */
  DS_SAVE_BINARY, /* the bytes of each bytes value or string, nothing between them */
  DS_SAVE_MSGPACK /* the values one behind the other */
} DsSaveFormat;

typedef struct
{
  DsSaveFormat format;
  /* What is at the path already is replaced, for an output whose batch runs again;
   * otherwise it is an error. */
  gboolean replaces;
  gboolean single_file; /* one file, all partitions in order, instead of a directory */
  gboolean skips_empty; /* without any value nothing is at the path afterwards */
} DsSavePlan;

/* Runs a job and waits.  A directory that is replaced is so part by part and then
 * _SUCCESS, each by rename; everything else is written aside and appears whole. */
gboolean
ds_rdd_save (DsRdd *self, const char *path, const DsSavePlan *plan, GError **error);

/* What was written to a file. */
typedef struct
{
  guint64 n_bytes;
  guint64 hash; /* XXH3-64 */
} DsSavedFile;

/* For those who put files into place themselves (ds-save-staged.c): runs a job and waits.
 * Afterwards there are, synced, the files "<directory>/<prefix>part-00000" ...; of a
 * single file only the first.  @files: DsSavedFile, of each; empty when empty ones are
 * skipped and there was no value.  After a failure some of the files may be there, and
 * *@is_of_files says whether it is one of writing them, not of what was to be written. */
gboolean ds_rdd_save_staged (DsRdd *self,
                             const char *directory,
                             const char *prefix,
                             const DsSavePlan *plan,
                             GArray *files,
                             gboolean *is_of_files,
                             GError **error);

/* ---- A save: ds-action-save.c ---- */

/* One save; shared by the tasks of its job. */
typedef struct
{
  const DsSavePlan *plan;
  const char *operator_name; /* "save_as_text_file" */
  const char *directory;   /* where the parts go; there, unless empty parts are skipped */
  const char *part_prefix; /* before the names of parts: "" */
  guint8 *has_part;        /* by partition; each written by its task */
  DsSavedFile *files;      /* (nullable): by partition, if somebody wants to know */
  gint n_failures;         /* atomic: of writing, in all tasks */
} DsSave;

/* @has_part and the rest are to be set up for the number of partitions, of which there is
 * one more than there are. */
gboolean ds_save_run (DsSave *self, DsRdd *rdd, GError **error);
gboolean ds_save_has_values (DsSave *self, DsRdd *rdd);
/* Makes one file of the parts, in their order: the first one, which the others follow. */
gboolean ds_save_append_parts (DsSave *self, guint n_parts, char **whole, GError **error);
const char *ds_save_get_operator_name (DsSaveFormat format);

/* ---- One part: ds-save-sink.c ---- */

/* Writes a partition under a temporary name. */
DsSink *ds_save_sink_new (DsTask *task, DsSave *save);
/* Gives it the name of the part.  The task may fail. */
void ds_save_sink_commit (DsSink *sink);
/* @may_exist: a directory at @path is fine. */
gboolean ds_save_make_directory (const char *path, gboolean may_exist, GError **error);
/* An empty file in place of @name, through a temporary one. */
gboolean
ds_save_make_empty_file (const char *directory, const char *name, GError **error);

G_END_DECLS
