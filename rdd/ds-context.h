/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include "base/ds-block.h"
#include "rdd/ds-functions.h"
#include "rdd/ds-task.h"

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _DsRdd DsRdd;

/**
 * DsContext:
 *
 * The engine: worker threads, memory budget, persisted data.  What Spark calls
 * SparkContext.  Any thread.
 *
 * Settings are GObject properties, to be set before the first job:
 *   default-parallelism  guint    partitions where nothing else says; n of local[n]
 *   memory-budget        guint64  bytes for shuffles and persisted data;
 *                                 half of the machine's
 *   local-directory      string   where spills go; g_get_tmp_dir ()
 *   max-task-failures    guint    attempts of a task in all; 1 = no retry
 */
#define DS_TYPE_CONTEXT (ds_context_get_type ())
DS_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (DsContext, ds_context, DS, CONTEXT, GObject)

/* @master: "local", "local[4]", "local[*]" (one worker a processor), "loopback[2]". Never
 * NULL: what is wrong with the arguments is reported by the first action. */
DS_AVAILABLE_IN_ALL
DsContext *ds_context_new (const char *master, const char *app_name);
DS_AVAILABLE_IN_ALL
void ds_context_stop (DsContext *self); /* running jobs fail with %DS_ERROR_STOPPED */
/* Fails the jobs of @group (NULL: all) with %DS_ERROR_CANCELLED. */
DS_AVAILABLE_IN_ALL
void ds_context_cancel_jobs (DsContext *self, const char *group);

DS_AVAILABLE_IN_ALL
guint ds_context_get_default_parallelism (DsContext *self);

/* ---- Sources: (transfer full), never NULL; errors wait for the action ---- */

/* Slice i holds values floor (i n / p) .. floor ((i+1) n / p) - 1.  @n_partitions 0: the
 * default. */
DS_AVAILABLE_IN_ALL
DsRdd *ds_context_parallelize (DsContext *self, DsBlock *block, guint n_partitions);
DS_AVAILABLE_IN_ALL
DsRdd *ds_context_range (DsContext *self,
                         gint64 start,
                         gint64 end,
                         gint64 step); /* without @end */
DS_AVAILABLE_IN_ALL
DsRdd *ds_context_empty (DsContext *self);
/* Lines of a file, a directory, a glob; ".gz" is unpacked; large files are split. */
DS_AVAILABLE_IN_ALL
DsRdd *ds_context_text_file (DsContext *self, const char *path);
DS_AVAILABLE_IN_ALL
DsRdd *ds_context_whole_text_files (DsContext *self, const char *path);
DS_AVAILABLE_IN_ALL
DsRdd *ds_context_binary_records (DsContext *self, const char *path, gsize record_length);
DS_AVAILABLE_IN_ALL
DsRdd *ds_context_binary_files (DsContext *self, const char *path);
DS_AVAILABLE_IN_ALL
DsRdd *ds_context_msgpack_file (DsContext *self, const char *path);
DS_AVAILABLE_IN_ALL
DsRdd *ds_context_union (DsContext *self,
                         DsRdd **rdds,
                         gsize n_rdds); /* (array length=n_rdds) */

/* ---- Shared variables ---- */

/* What ds_task_count () added up under @counter so far; 0 when never counted. */
DS_AVAILABLE_IN_ALL
gint64 ds_context_get_counter (DsContext *self, const char *counter);

G_END_DECLS
