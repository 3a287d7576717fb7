/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a context, for the scheduler. */

#include "rdd/ds-context.h"
#include "rdd/ds-executor-private.h"
#include "rdd/ds-job-private.h"

#include <sys/types.h>

G_BEGIN_DECLS

struct _DsContext
{
  GObject parent_instance;

  pid_t pid; /* of the process that made it: a child of that has neither its threads nor
              * whoever holds its locks */
  char *master;
  char *app_name;
  GError *error; /* of the constructor's arguments; set before anyone sees the context */
  guint n_workers;
  guint default_parallelism;
  guint max_task_failures;
  const char *local_directory; /* atomic, interned */
  DsBackend *backend;
  DsExecutor *executor;
  DsMemoryBudget *memory_budget;
  DsArenaPool *arena_pool;
  gint is_stopped;     /* atomic */
  guint64 last_rdd_id; /* atomic */
  guint64 last_job_id; /* atomic */

  GMutex lock;
  DsJob *jobs;                 /* running ones; guarded by lock */
  GHashTable *counters;        /* name -> gint64 *; guarded by lock */
  GPtrArray *shuffles_in_work; /* whose map stages run now; guarded by lock */
  GCond shuffle_ended;         /* one of them is over */
};

/* FALSE with %DS_ERROR_INVALID_STATE in a child of the process that made the context. */
gboolean ds_context_check_process (DsContext *self, GError **error);
guint64 ds_context_next_rdd_id (DsContext *self);
guint ds_context_get_n_workers (DsContext *self);
/* Adds what a successful task counted. */
void ds_context_add_counters (DsContext *self, GHashTable *counters);

G_END_DECLS
