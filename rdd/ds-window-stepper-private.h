/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsWindowStepper: a reduction by key over a window that slides, as steps
 * (ds-step-rdd-private.h).  What a step costs is what the keys of the batches cost that
 * come into the window or leave it, and one pass over the live keys for the result; the
 * length of the window does not matter.
 *
 * With an inverse function, the value of a key is reduced and un-reduced in place.
 * Without one, each key has a queue (ds-window-queue-private.h).
 *
 * A step that is taken back leaves no trace: batches that it brought are brought again by
 * the next one, as long as they are in its window.  Refcounted, any thread. */

#include "rdd/ds-step-rdd-private.h"
#include "rdd/ds-window-table-private.h"

G_BEGIN_DECLS

typedef struct
{
  const char *kind; /* a literal: "reduce_by_key_and_window" */
  DsDuration window;
  DsReduceFunc func; /* associative */
  gpointer user_data;
  DsReduceFunc inverse; /* (nullable) */
  gpointer inverse_data;
  DsFilterFunc filter; /* (nullable): of pairs */
  gpointer filter_data;
  gboolean is_keyless;      /* results are values without their keys */
  gboolean can_be_captured; /* the last result stays, and what came since a base */
} DsWindowPlan;

/* Steps of which a capture may be told instead of what they came to. */
typedef struct
{
  GQueue steps;      /* GArray of DsTime: of a step, then of the batches that came */
  DsTime since;      /* all steps after it are there */
  DsTime newest;     /* batch that came */
  gboolean has_base; /* there is a saved window, as of base */
  DsTime base;
} DsWindowHistory;

typedef struct _DsWindowStepper DsWindowStepper;

/* Whatever the functions need has to outlive the steps' runs. */
DsWindowStepper *ds_window_stepper_new (const DsWindowPlan *plan,
                                        DsPartitioner *partitioner);
DsWindowStepper *ds_window_stepper_ref (DsWindowStepper *self);
void ds_window_stepper_unref (DsWindowStepper *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsWindowStepper, ds_window_stepper_unref)

/* Up to here all batches are in, or were and have left; DS_TIME_NONE: none yet. */
DsTime ds_window_stepper_get_time (DsWindowStepper *self);
/* The window that ends at @time.  @rdds: each batch reduced by itself, one pair a key, at
 * @times, oldest first: all in (time - window, time] from ds_window_stepper_get_time ()
 * on; older ones do no harm.  (transfer full) */
DsRdd *ds_window_stepper_make_step (DsWindowStepper *self,
                                    DsContext *context,
                                    DsTime time,
                                    DsRdd *const *rdds,
                                    const DsTime *times,
                                    guint n_rdds);

typedef struct
{
  guint64 n_calls; /* of func and inverse; not of ds_add () and ds_subtract () of ints */
  guint64 n_touched; /* keys of batches that came, and of batches that left */
  gsize n_bytes;     /* that it holds now */
} DsWindowCounts;

/* Since it was made.  No step may be running. */
void ds_window_stepper_get_counts (DsWindowStepper *self, DsWindowCounts *counts);

/* ---- Inside: one partition's part of a step ---- */

typedef struct
{
  DsWindowTable table;
  guint64 n_calls;
  guint64 n_touched;
  gboolean is_used;

  /* Of the step under way; kept for the next one. */
  GArray *old_values; /* DsValue, with an inverse: of each touched key what left, or */
  GArray *new_values; /* DsValue: what came; nothing */
} DsWindowPartition;

typedef struct
{
  const DsWindowPlan *plan;
  DsWindowPartition *part;
  DsWindowTable *table;
  DsTask *task;
  DsWindowReducer reducer;
  DsTime window_start; /* excluded */
  gboolean is_direct;  /* at most one batch leaves, and at most one comes */
} DsWindowRun;

/* The two ways.  @keys and @values of one batch; a chunk.  FALSE: the task failed. */
typedef struct
{
  gboolean (*leave) (DsWindowRun *run, const DsWindowBatch *batch);
  gboolean (*come) (DsWindowRun *run,
                    const guint32 *indices,
                    const DsValue *values,
                    gsize n_values);
  gboolean (*finish) (DsWindowRun *run);
} DsWindowWay;

extern const DsWindowWay ds_window_queue_way;
extern const DsWindowWay ds_window_inverse_way;

/* For saving and loading, between two steps. */
DsPartitioner *ds_window_stepper_get_partitioner (DsWindowStepper *self);
/* Loaded, with all batches up to @newest. */
void ds_window_stepper_begin_history (DsWindowStepper *self, DsTime newest);
/* Steps after the base, oldest first: GArray of DsTime as above.  NULL: there is no base,
 * or what came since has left again. */
GPtrArray *ds_window_stepper_ref_history (DsWindowStepper *self, DsTime *base);
/* What was captured at @time was saved.  Any thread. */
void ds_window_stepper_set_base (DsWindowStepper *self, DsTime time);
const DsWindowPlan *ds_window_stepper_get_plan (DsWindowStepper *self);
guint ds_window_stepper_get_n_partitions (DsWindowStepper *self);
/* NULL: no step has used it. */
DsWindowPartition *ds_window_stepper_get_partition (DsWindowStepper *self,
                                                    guint partition);
/* The same, made where there is none. */
DsWindowPartition *ds_window_stepper_use_partition (DsWindowStepper *self,
                                                    guint partition);
void ds_window_stepper_set_time (DsWindowStepper *self, DsTime time);

/* ---- History: ds-window-history.c ---- */

void ds_window_history_init (DsWindowHistory *self);
void ds_window_history_clear (DsWindowHistory *self);
/* A step that stays: those of @times that are newer than what is known came in it. */
void ds_window_history_add (DsWindowHistory *self,
                            DsTime time,
                            DsTime window_start,
                            const DsTime *times,
                            guint n_times);
void ds_window_history_set_base (DsWindowHistory *self, DsTime time);
gboolean ds_window_history_has_base (const DsWindowHistory *self);
GPtrArray *ds_window_history_ref_steps (const DsWindowHistory *self);

/* TRUE: the pair goes into the result, as far as the filter is concerned. */
gboolean ds_window_run_filter (DsWindowRun *run, guint32 index, DsValue value);

/* Between two calls, when everything that is to stay has been copied. */
static inline void
ds_window_run_reset_scratch (DsWindowRun *run)
{
  if (G_UNLIKELY (ds_arena_get_n_bytes (run->task->arena) > DS_SCRATCH_HIGH_WATER))
    ds_arena_reset (run->task->arena);
}

/* Says whose values are being reduced, for messages. */
static inline void
ds_window_run_set_current (DsWindowRun *run, guint32 index, const DsValue *value)
{
  run->task->current = &run->table->state.keys[index];
  run->task->current_pair_value = value;
}

static inline void
ds_window_run_clear_current (DsWindowRun *run)
{
  run->task->current = NULL;
  run->task->current_pair_value = NULL;
}

G_END_DECLS
