/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A step of a sliding window in one partition: batches that are too old leave, those that
 * are new come, and the keys that either touched are brought up to date; the two ways of
 * doing so are ds-window-inverse-way.c and ds-window-queue-way.c.
 *
 * Which batches a step has to bring is known only when it runs: the one before may have
 * been given up.  So it is given all that were not committed when it was made, and each
 * partition reads those that are newer than what it has. */

#include "rdd/ds-window-stepper-private.h"

struct _DsWindowStepper
{
  DsWindowPlan plan;
  DsPartitioner *partitioner;
  DsWindowPartition *partitions;
  guint n_partitions;
  GMutex lock; /* guards what follows */
  DsTime time; /* of the newest step that was committed */
  DsWindowHistory history;
};

/* ---- A step's part in one partition ---- */

gboolean
ds_window_run_filter (DsWindowRun *run, guint32 index, DsValue value)
{
  const DsValue pair[] = { run->table->state.keys[index], value };
  gboolean stays;

  if (run->plan->filter == NULL)
    return TRUE;
  ds_window_run_set_current (run, index, &value);
  stays = run->plan->filter (ds_value_tuple (pair, 2), run->task, run->plan->filter_data);
  run->task->current = NULL;
  run->task->current_pair_value = NULL;
  return stays;
}

static const DsWindowWay *
ds_window_run_get_way (DsWindowRun *run)
{
  return run->plan->inverse != NULL ? &ds_window_inverse_way : &ds_window_queue_way;
}

static gboolean
ds_window_run_leave (DsWindowRun *run)
{
  const DsWindowBatch *batch;

  while ((batch = ds_window_table_peek_batch (run->table)) != NULL &&
         batch->time <= run->window_start)
    {
      run->part->n_touched += batch->n_entries;
      if (!ds_task_may_go_on (run->task) ||
          !ds_window_run_get_way (run)->leave (run, batch))
        return FALSE;
      ds_window_table_pop_batch (run->table);
    }
  return TRUE;
}

typedef struct
{
  DsSink sink;
  DsWindowRun *run;
  const char *operator_name;
  DsArena *arena;
} DsWindowSink;

static gboolean
ds_window_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsWindowSink *self = (DsWindowSink *) sink;
  DsWindowRun *run = self->run;
  const DsValue *values = chunk->pair_values;
  const guint32 *indices;
  DsTaskFrame frame = ds_task_enter (sink->task, self->operator_name, self->arena, NULL);
  gboolean ok;

  indices =
      ds_window_table_add_to_batch (run->table, chunk->values, &values, chunk->n_values);
  ok = ds_window_run_get_way (run)->come (run, indices, values, chunk->n_values);
  ds_task_leave (sink->task, &frame);
  return ok;
}

static gboolean
ds_window_sink_finish (DsSink *sink)
{
  return TRUE;
}

static void
ds_window_sink_free (DsSink *sink)
{
  g_free (sink);
}

/* TRUE: the input of batch @time is in the window, and not in the table yet. */
static gboolean
ds_window_run_wants (DsWindowRun *run, DsTime time)
{
  DsTime known = run->table->state.time;

  return time > run->window_start && (known == DS_TIME_NONE || time > known);
}

/* Whether there is anything that would have to be reduced before it leaves or comes. */
static void
ds_window_run_look_ahead (DsWindowRun *run, DsRdd *step, const DsTime *times)
{
  guint n_coming = 0;

  for (guint i = 0; i < ds_step_rdd_get_n_inputs (step); i++)
    n_coming += ds_window_run_wants (run, times[i]);
  run->is_direct =
      n_coming <= 1 && ds_window_table_count_batches (run->table, run->window_start) <= 1;
}

/* @times: of the step's inputs. */
static gboolean
ds_window_run_come (DsWindowRun *run, DsRdd *step, guint partition, const DsTime *times)
{
  DsWindowSink sink = { .sink = { .push = ds_window_sink_push,
                                  .finish = ds_window_sink_finish,
                                  .free = ds_window_sink_free,
                                  .accepts = DS_ACCEPTS_PAIRS,
                                  .task = run->task,
                                  .operator_name = ds_rdd_get_operator_name (step) },
                        .run = run,
                        .operator_name = ds_rdd_get_operator_name (step),
                        .arena = run->task->arena };

  for (guint i = 0; i < ds_step_rdd_get_n_inputs (step); i++)
    {
      if (!ds_window_run_wants (run, times[i]))
        continue;
      ds_window_table_begin_batch (run->table, times[i]);
      if (!ds_step_rdd_read_input (step, i, partition, run->task, &sink.sink))
        return FALSE;
      run->part->n_touched += ds_window_table_end_batch (run->table);
    }
  return TRUE;
}

/* What the partition gives; NULL: the task failed. */
static DsBlock *
ds_window_run_all (DsWindowRun *run, DsRdd *step, guint partition)
{
  const DsTime *times = ds_step_rdd_get_data (step);

  ds_window_run_look_ahead (run, step, times);
  if (!ds_window_run_leave (run) || !ds_window_run_come (run, step, partition, times) ||
      !ds_window_run_get_way (run)->finish (run))
    return NULL;
  return ds_window_table_make_block (run->table, run->plan->is_keyless, run->task);
}

static void
ds_window_partition_init (DsWindowPartition *self, const DsWindowPlan *plan)
{
  ds_window_table_init (&self->table, plan->inverse == NULL);
  self->table.can_be_captured = plan->can_be_captured;
  self->old_values = g_array_new (FALSE, FALSE, sizeof (DsValue));
  self->new_values = g_array_new (FALSE, FALSE, sizeof (DsValue));
  self->is_used = TRUE;
}

static void
ds_window_partition_clear (DsWindowPartition *self)
{
  ds_window_table_clear (&self->table);
  g_array_unref (self->old_values);
  g_array_unref (self->new_values);
}

/* What is saved need not be told again. */
static void
ds_window_stepper_forget_values (DsWindowStepper *self, DsWindowTable *table)
{
  DsTime base;

  if (!self->plan.can_be_captured || !table->has_queues)
    return;
  g_mutex_lock (&self->lock);
  base = self->history.has_base ? self->history.base : DS_TIME_NONE;
  g_mutex_unlock (&self->lock);
  ds_window_table_forget_values (table, base);
}

static DsBlock *
ds_window_stepper_run (gpointer stepper, DsRdd *step, guint partition, DsTask *task)
{
  DsWindowStepper *self = stepper;
  DsWindowPartition *part = &self->partitions[partition];
  g_autoptr (DsArena) arena = ds_arena_new (ds_task_get_arena_pool (task));
  DsWindowRun run = {
    .plan = &self->plan,
    .part = part,
    .table = &part->table,
    .task = task,
    .reducer = { .func = self->plan.func,
                 .user_data = self->plan.user_data,
                 .task = task,
                 .log = &part->table.log },
    .window_start = ds_step_rdd_get_time (step) - self->plan.window,
  };
  DsTaskFrame frame = ds_task_enter (task, ds_rdd_get_operator_name (step), arena, NULL);
  DsBlock *block;

  ds_window_stepper_use_partition (self, partition);
  ds_window_table_begin (&part->table);
  ds_window_stepper_forget_values (self, &part->table);
  block = ds_window_run_all (&run, step, partition);
  g_array_set_size (part->old_values, 0);
  g_array_set_size (part->new_values, 0);
  if (block != NULL)
    ds_window_table_end (&part->table);
  else
    ds_window_table_take_back (&part->table);
  part->n_calls += run.reducer.n_calls;

  ds_task_leave (task, &frame);
  return block;
}

static void
ds_window_stepper_roll_back (gpointer stepper, DsRdd *step, guint partition)
{
  ds_window_table_take_back (&((DsWindowStepper *) stepper)->partitions[partition].table);
}

static void
ds_window_stepper_commit (gpointer stepper, DsRdd *step)
{
  DsWindowStepper *self = stepper;
  DsTime time = ds_step_rdd_get_time (step);

  /* What can no longer be taken back goes when the next step begins, where partitions
   * work side by side. */
  g_mutex_lock (&self->lock);
  self->time = time;
  if (self->plan.can_be_captured)
    ds_window_history_add (&self->history, time, time - self->plan.window,
                           ds_step_rdd_get_data (step), ds_step_rdd_get_n_inputs (step));
  g_mutex_unlock (&self->lock);
}

static const DsStepOps ds_window_step_ops = { .run = ds_window_stepper_run,
                                              .roll_back = ds_window_stepper_roll_back,
                                              .commit = ds_window_stepper_commit };

/* ---- The stepper ---- */

DsWindowStepper *
ds_window_stepper_new (const DsWindowPlan *plan, DsPartitioner *partitioner)
{
  DsWindowStepper *self = g_atomic_rc_box_new0 (DsWindowStepper);

  self->plan = *plan;
  self->partitioner = ds_partitioner_ref (partitioner);
  self->n_partitions = ds_partitioner_get_n_partitions (partitioner);
  self->partitions = g_new0 (DsWindowPartition, self->n_partitions);
  self->time = DS_TIME_NONE;
  ds_window_history_init (&self->history);
  g_mutex_init (&self->lock);
  return self;
}

DsWindowStepper *
ds_window_stepper_ref (DsWindowStepper *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
ds_window_stepper_free (gpointer stepper)
{
  DsWindowStepper *self = stepper;

  for (guint i = 0; i < self->n_partitions; i++)
    if (self->partitions[i].is_used)
      ds_window_partition_clear (&self->partitions[i]);
  g_free (self->partitions);
  ds_window_history_clear (&self->history);
  ds_partitioner_unref (self->partitioner);
  g_mutex_clear (&self->lock);
}

void
ds_window_stepper_unref (DsWindowStepper *self)
{
  g_atomic_rc_box_release_full (self, ds_window_stepper_free);
}

DsTime
ds_window_stepper_get_time (DsWindowStepper *self)
{
  DsTime time;

  g_mutex_lock (&self->lock);
  time = self->time;
  g_mutex_unlock (&self->lock);
  return time;
}

void
ds_window_stepper_set_time (DsWindowStepper *self, DsTime time)
{
  g_mutex_lock (&self->lock);
  self->time = time;
  g_mutex_unlock (&self->lock);
}

void
ds_window_stepper_begin_history (DsWindowStepper *self, DsTime newest)
{
  g_mutex_lock (&self->lock);
  ds_window_history_clear (&self->history);
  ds_window_history_init (&self->history);
  self->history.since = self->time;
  self->history.newest = newest;
  g_mutex_unlock (&self->lock);
}

GPtrArray *
ds_window_stepper_ref_history (DsWindowStepper *self, DsTime *base)
{
  GPtrArray *steps = NULL;

  g_mutex_lock (&self->lock);
  *base = self->history.base;
  if (ds_window_history_has_base (&self->history))
    steps = ds_window_history_ref_steps (&self->history);
  g_mutex_unlock (&self->lock);
  return steps;
}

void
ds_window_stepper_set_base (DsWindowStepper *self, DsTime time)
{
  g_mutex_lock (&self->lock);
  ds_window_history_set_base (&self->history, time);
  g_mutex_unlock (&self->lock);
}

DsPartitioner *
ds_window_stepper_get_partitioner (DsWindowStepper *self)
{
  return self->partitioner;
}

const DsWindowPlan *
ds_window_stepper_get_plan (DsWindowStepper *self)
{
  return &self->plan;
}

guint
ds_window_stepper_get_n_partitions (DsWindowStepper *self)
{
  return self->n_partitions;
}

DsWindowPartition *
ds_window_stepper_get_partition (DsWindowStepper *self, guint partition)
{
  return self->partitions[partition].is_used ? &self->partitions[partition] : NULL;
}

DsWindowPartition *
ds_window_stepper_use_partition (DsWindowStepper *self, guint partition)
{
  DsWindowPartition *part = &self->partitions[partition];

  if (!part->is_used)
    ds_window_partition_init (part, &self->plan);
  return part;
}

DsRdd *
ds_window_stepper_make_step (DsWindowStepper *self,
                             DsContext *context,
                             DsTime time,
                             DsRdd *const *rdds,
                             const DsTime *times,
                             guint n_rdds)
{
  DsRdd *step =
      ds_step_rdd_new (context, self->plan.kind, time, self->partitioner, rdds, n_rdds,
                       &ds_window_step_ops, ds_window_stepper_ref (self),
                       (GDestroyNotify) ds_window_stepper_unref);

  ds_step_rdd_set_data (step, g_memdup2 (times, n_rdds * sizeof *times), g_free);
  if (!self->plan.is_keyless)
    ds_rdd_set_node_partitioner (step, self->partitioner);
  return step;
}

void
ds_window_stepper_get_counts (DsWindowStepper *self, DsWindowCounts *counts)
{
  *counts = (DsWindowCounts){ 0, 0, 0 };
  for (guint i = 0; i < self->n_partitions; i++)
    if (self->partitions[i].is_used)
      {
        counts->n_calls += self->partitions[i].n_calls;
        counts->n_touched += self->partitions[i].n_touched;
        counts->n_bytes += ds_window_table_get_n_bytes (&self->partitions[i].table);
      }
}
