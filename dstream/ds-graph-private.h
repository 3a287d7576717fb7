/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsGraph: the streams and outputs of a context.
 *
 * Built by one thread; validated and frozen at start; after that the structure never
 * changes and needs no lock.  The remembered RDDs of its streams are guarded by the
 * graph's lock, which generation holds while it asks all outputs for their RDDs, user
 * functions of transform included. */

#include "dstream/ds-dstream-private.h"

G_BEGIN_DECLS

typedef struct _DsGraph DsGraph;

/* What one output has to do in a batch. */
typedef struct
{
  DsOutput *output; /* not owned */
  DsRdd *rdd;       /* owned */
  gboolean has_failed;
} DsOutputJob;

DsGraph *ds_graph_new (DsStreamingContext *context, DsDuration interval);
void ds_graph_free (DsGraph *self);

/* ---- Building.  Thread: the one that builds. ---- */

void ds_graph_add_stream (DsGraph *self, DsDStream *dstream); /* (transfer full) */
/* Also counts input streams: gives @input its id. */
void ds_graph_add_input (DsGraph *self, DsInputDStream *input); /* (transfer full) */
/* What a wrong call returned: kept, nothing more. */
void ds_graph_add_inert (DsGraph *self, GObject *object);   /* (transfer full) */
void ds_graph_add_output (DsGraph *self, DsOutput *output); /* (transfer full) */
guint ds_graph_get_n_inputs (DsGraph *self);
guint ds_graph_get_n_outputs (DsGraph *self);
DsInputDStream *ds_graph_get_input (DsGraph *self, guint index);
guint ds_graph_get_n_streams (DsGraph *self);                /* inputs included */
DsDStream *ds_graph_get_stream (DsGraph *self, guint index); /* parents first */
DsOutput *ds_graph_get_output (DsGraph *self, guint index);
DsOutput *ds_graph_find_output (DsGraph *self, const char *name);  /* (nullable) */
DsDStream *ds_graph_find_stream (DsGraph *self, const char *name); /* (nullable) */
void ds_graph_set_remember (DsGraph *self, DsDuration remember);
DsDuration ds_graph_get_remember (DsGraph *self); /* 0: not set */

/* ---- Start.  Thread: the one that starts. ---- */

gboolean ds_graph_validate (DsGraph *self, GError **error);
/* The streams that an output reaches.  (transfer full) */
GHashTable *ds_graph_find_reached (DsGraph *self);
/* Those of all streams that an output reaches. */
gboolean
ds_graph_check_checkpoints (DsGraph *self, const char *directory, GError **error);
/* Sets zero times, then remember durations, from the outputs up. */
void ds_graph_freeze (DsGraph *self, DsTime zero_time);
gboolean ds_graph_start_inputs (DsGraph *self, GError **error);
void ds_graph_stop_inputs (DsGraph *self);
/* All, or none with error. */
gboolean ds_graph_start_outputs (DsGraph *self, GError **error);
void ds_graph_stop_outputs (DsGraph *self);

/* ---- Running ---- */

/* Locks out generation; recursive. */
void ds_graph_lock (DsGraph *self);
void ds_graph_unlock (DsGraph *self);
/* Asks every stateful stream that an output reaches, then appends a DsOutputJob to @jobs
 * for each output that has an RDD at the batch's time.  The steps that were made go to
 * @steps, also when it fails. */
gboolean ds_graph_generate (DsGraph *self,
                            DsBatch *batch,
                            GPtrArray *steps,
                            GArray *jobs,
                            GError **error);
/* For stateful streams: @step is to be run with the batch that is being generated. Locks:
 * the graph's is held. */
void ds_graph_add_step (DsGraph *self, DsRdd *step);
/* The newest batch time that RDDs were asked for; zero time before the first.  Locks: the
 * graph's is held. */
DsTime ds_graph_get_last_time (DsGraph *self);
/* Batches up to @time have been asked for, by an earlier process.  Locks: the graph's is
 * held. */
void ds_graph_set_last_time (DsGraph *self, DsTime time);
/* Whether the batch of @time is being generated.  Locks: the graph's is held. */
gboolean ds_graph_is_generating (DsGraph *self, DsTime time);
/* Whether batches before and after that of @time were generated, and it was not: what its
 * sources would have given is of the batch that came.  Locks: the graph's is held. */
gboolean ds_graph_was_given_up (DsGraph *self, DsTime time);
/* Of batches before @time: for each stretch the times of the batches before and after it,
 * which were generated.  (transfer full) of DsTime.  Locks: the graph's is held. */
GArray *ds_graph_list_given_up (DsGraph *self, DsTime time);
/* The same of an earlier process; @times: nullable.  Locks: the graph's is held. */
void ds_graph_set_given_up (DsGraph *self, const GArray *times);
/* @now is completed: drops the RDDs that no stream has to remember any longer. */
void ds_graph_forget (DsGraph *self, DsTime now);
/* The longest any input stream remembers. */
DsDuration ds_graph_get_max_input_remember (DsGraph *self);
void ds_graph_clear_job (gpointer job);

G_END_DECLS
