/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Jobs: an action on an RDD becomes a result stage and, before it, one map stage for each
 * shuffle that is not complete yet; a stage is one task a partition. */

#include "base/ds-memory-budget-private.h"
#include "rdd/ds-backend-private.h"
#include "rdd/ds-rdd-private.h"

G_BEGIN_DECLS

/* What a job does with its partitions. */
typedef struct
{
  /* Thread: executor.  The terminal sink of partition number @index of the job's list. */
  DsSink *(*make_sink) (DsTask *task, guint index, gpointer data);
  /* Thread: executor.  After finish, when the attempt succeeded: hand the result over.
   * @sink is freed after. */
  void (*commit) (DsTask *task, guint index, DsSink *sink, gpointer data);
} DsJobFuncs;

/* Runs the job for @partitions (NULL: all) and waits.  The calling thread works along;
 * other workers are woken only when there is more than about 100 µs of work.  FALSE with
 * the error of the first failed task, prefixed by operator, batch time and partition;
 * %DS_ERROR_CANCELLED, %DS_ERROR_STOPPED; %DS_ERROR_INVALID_STATE inside a task. */
gboolean ds_context_run_job (DsContext *self,
                             DsRdd *rdd,
                             const guint *partitions,
                             guint n_partitions,
                             const DsJobFuncs *funcs,
                             gpointer data,
                             GError **error);

/* What jobs started on this thread belong to: set by the streaming context around an
 * output. */
typedef struct
{
  DsTime batch_time; /* %DS_TIME_NONE outside of a stream */
  gboolean is_replay;
  const char *output_key_prefix; /* (nullable): "application/output/batch ms" */
  const char *job_group;         /* (nullable) */
  GCancellable *cancellable;     /* (nullable) */
  guint n_actions;               /* counted up by each job */
  gpointer previous;             /* set by push */
} DsJobScope;

typedef enum
{
  DS_JOB_RUNNING,
  DS_JOB_FAILED,
  DS_JOB_CANCELLED,
  DS_JOB_STOPPED
} DsJobState;

/* A running job.  It lives on the stack of the thread that waits for it. */
struct _DsJob
{
  DsContext *context;
  guint64 id;
  const DsJobScope *scope;   /* (nullable) */
  guint action;              /* n-th of the scope */
  GCancellable *cancellable; /* (nullable): current when the job began */
  gint state;                /* atomic, DsJobState; leaves RUNNING once */
  GError *error;             /* of whoever made it FAILED; read after the last task */
  GPtrArray *pins;           /* (nullable): RDDs whose kept partitions it may read */
  DsTask *tasks;             /* that run; guarded by the context's lock */
  DsJob *next;               /* guarded by the context's lock */
  DsJob *previous;
};

/* FALSE with %DS_ERROR_STOPPED, or the error of the context. */
gboolean ds_job_begin (DsJob *self, DsContext *context, GError **error);
/* FALSE with the error of a job that has not succeeded. */
gboolean ds_job_end (DsJob *self, GError **error);
/* What is kept of @rdd (ds_rdd_persist ()) stays until the job ends.  TRUE: that is all
 * of it, and nothing behind it is needed. */
gboolean ds_job_pin (DsJob *self, DsRdd *rdd);
/* Counts the values of the first @n_partitions of @rdd, whose shuffles are complete, in a
 * stage of its own.  FALSE: the job is to end. */
gboolean
ds_job_count_partitions (DsJob *self, DsRdd *rdd, guint n_partitions, gint64 *n_values);
/* A stage over the first @n_partitions of @rdd.  FALSE: the job is to end. */
gboolean ds_job_run_stage (DsJob *self,
                           DsRdd *rdd,
                           guint n_partitions,
                           const DsJobFuncs *funcs,
                           gpointer data);
/* TRUE while nobody failed, cancelled or stopped it; looks at the cancellables. */
gboolean ds_job_may_go_on (DsJob *self);
/* The first failure counts.  @error (transfer full) */
void ds_job_fail (DsJob *self, GError *error);
/* Moves a running job to @state. */
void ds_job_interrupt (DsJob *self, DsJobState state);
/* The error of an interrupted job.  (transfer full) */
GError *ds_job_new_interruption_error (DsJob *self);

/* Around the work of @task, so that others can tell what goes on. */
void ds_job_add_task (DsJob *self, DsTask *task);
void ds_job_remove_task (DsJob *self, DsTask *task);
/* What one of the tasks of the group @job_group does just now, as "parse, partition 3".
 * (transfer full) (nullable): no task runs */
char *ds_context_describe_work (DsContext *self, const char *job_group);

void ds_job_scope_push (DsJobScope *scope);
void ds_job_scope_pop (DsJobScope *scope);
DsJobScope *ds_job_scope_get_current (void); /* (nullable) */

/* For commit: what the task has made, as it arrives at the driver.  (transfer full)  NULL
 * when that failed, and the task with it. */
DsBlock *ds_task_bring_block (DsTask *self, DsBlock *block);

/* Of the context, for nodes and tests. */
DsArenaPool *ds_context_get_arena_pool (DsContext *self);
DsMemoryBudget *ds_context_get_memory_budget (DsContext *self);
DsBackend *ds_context_get_backend (DsContext *self);
const char *ds_context_get_local_directory (DsContext *self);
gboolean ds_context_is_stopped (DsContext *self);
const char *ds_context_get_app_name (DsContext *self);
const GError *
ds_context_get_error (DsContext *self); /* (nullable): wrong constructor arguments */

G_END_DECLS
