/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the window operators share: the check of their lengths, the RDDs of a span of
 * time, and the reduction of each batch before windows put batches together. */

#include "dstream/ds-dstream-private.h"
#include "rdd/ds-window-stepper-private.h"

G_BEGIN_DECLS

/* FALSE: the call @kind on @parent can't make a window; the mistake is latched.
 * @slide 0 becomes that of @parent. */
gboolean ds_window_check (DsDStream *parent,
                          const char *kind,
                          DsDuration window,
                          DsDuration *slide);
/* For a wrong call: an inert stream; user data that nobody will use is freed. */
DsDStream *
ds_window_refuse (DsDStream *parent, gpointer user_data, GDestroyNotify destroy);

/* The RDDs of @parent with times in (@after, @to], oldest first; those that it does not
 * give are left out.  Thread: driver.  Locks: the graph's is held.  (transfer full)
 * (element-type DsRdd): NULL with error */
GPtrArray *
ds_window_collect_rdds (DsDStream *parent, DsTime after, DsTime to, GError **error);
/* The same with their times.  (element-type DsTime) */
GPtrArray *ds_window_collect_timed_rdds (DsDStream *parent,
                                         DsTime after,
                                         DsTime to,
                                         GArray *times,
                                         GError **error);

/* The window that what @self gives covers: its own, or that of the streams that it is
 * made of.  0: none; -1: several that differ. */
DsDuration ds_window_find (DsDStream *self);

/* ---- Each batch reduced by itself: ds-pre-reduced-dstream.c ---- */

typedef enum
{
  DS_PRE_REDUCE_KEYS,    /* pairs by func */
  DS_PRE_REDUCE_ALL,     /* values by func, under the key null */
  DS_PRE_REDUCE_COMBINE, /* pairs by create, merge_value and func */
  DS_PRE_REDUCE_COUNT,   /* how many values, under the key null; none of none */
  DS_PRE_REDUCE_VALUES   /* how often each value occurs */
} DsPreReduceKind;

typedef struct
{
  DsPreReduceKind kind;
  DsReduceFunc func;
  DsMapFunc create;         /* combine only */
  DsReduceFunc merge_value; /* combine only */
} DsPreReducePlan;

/* Over @parent; not to be shown to programs.  (transfer none) */
DsDStream *ds_pre_reduced_dstream_new (DsDStream *parent, const DsPreReducePlan *plan);
/* The stream whose user data and partitions it uses. */
void ds_pre_reduced_dstream_set_owner (DsDStream *self, DsDStream *owner);
/* Where the owner's keys lie.  (transfer none) */
DsPartitioner *ds_pre_reduced_dstream_get_partitioner (DsDStream *self);

static inline gboolean
ds_pre_reduce_is_keyless (DsPreReduceKind kind)
{
  return kind == DS_PRE_REDUCE_ALL || kind == DS_PRE_REDUCE_COUNT;
}

/* ---- What each batch came to, put together: ds-window-reduced-dstream.c ---- */

/* Always takes over @user_data.  (transfer none) */
DsDStream *ds_window_reduced_dstream_new (DsDStream *parent,
                                          const DsPreReducePlan *plan,
                                          DsDuration window,
                                          DsDuration slide,
                                          gpointer user_data,
                                          GDestroyNotify destroy);
/* Of counts, which have an inverse. */
DsDStream *ds_window_reduced_dstream_new_count (DsDStream *parent,
                                                const DsPreReducePlan *plan,
                                                DsDuration window,
                                                DsDuration slide);

/* ---- For tests and benchmarks ---- */

/* What the steps of a window that reduces have cost; FALSE: it has made none.  Between
 * batches. */
gboolean ds_window_reduced_dstream_get_counts (DsDStream *self, DsWindowCounts *counts);

G_END_DECLS
