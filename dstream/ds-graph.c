/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The graph owns all streams and outputs of a context, in the order in which they were
 * made.  Since an operator can only be made of streams that exist, that order has parents
 * before children, and walking it backwards is enough to carry remember durations from
 * the outputs to the sources. */

#include "dstream/ds-streaming-context-private.h"

/* Batches between two that were generated. */
typedef struct
{
  DsTime after;
  DsTime before;
} DsGivenUpBatches;

struct _DsGraph
{
  DsStreamingContext *context; /* not owned */
  DsDuration interval;
  DsDuration remember;  /* 0: not set */
  GPtrArray *streams;   /* owned; parents before children */
  GPtrArray *inputs;    /* not owned: among the streams */
  GPtrArray *outputs;   /* owned */
  GPtrArray *inert;     /* owned: what wrong calls returned */
  gboolean asks_inputs; /* something slides by more than a batch */

  GMutex lock; /* guards the remembered RDDs of all streams, and what follows */
  DsTime last_time;
  GArray *given_up;       /* DsGivenUpBatches, oldest first: those that are looked at */
  gboolean is_generating; /* the batch of last_time */
  GPtrArray *steps;       /* owned: made since the last batch was generated */
  GThread *owner;         /* atomic: who holds it */
  guint depth;            /* of the owner */
};

DsGraph *
ds_graph_new (DsStreamingContext *context, DsDuration interval)
{
  DsGraph *self = g_new0 (DsGraph, 1);

  self->context = context;
  self->interval = interval;
  self->streams = g_ptr_array_new_with_free_func (g_object_unref);
  self->inputs = g_ptr_array_new ();
  self->outputs = g_ptr_array_new_with_free_func (g_object_unref);
  self->inert = g_ptr_array_new_with_free_func (g_object_unref);
  self->steps = g_ptr_array_new_with_free_func (g_object_unref);
  self->given_up = g_array_new (FALSE, FALSE, sizeof (DsGivenUpBatches));
  g_mutex_init (&self->lock);
  return self;
}

void
ds_graph_free (DsGraph *self)
{
  /* Who still holds a stream or an output must not find the context behind it. */
  for (guint i = 0; i < self->streams->len; i++)
    {
      DsDStream *dstream = g_ptr_array_index (self->streams, i);

      ds_dstream_forget_all (dstream);
      ds_dstream_get_node (dstream)->context = NULL;
    }
  for (guint i = 0; i < self->outputs->len; i++)
    ((DsOutput *) g_ptr_array_index (self->outputs, i))->context = NULL;
  for (guint i = 0; i < self->inert->len; i++)
    {
      GObject *object = g_ptr_array_index (self->inert, i);

      if (DS_IS_OUTPUT (object))
        DS_OUTPUT (object)->context = NULL;
      else
        ds_dstream_get_node (DS_DSTREAM (object))->context = NULL;
    }

  g_ptr_array_unref (self->steps);
  g_array_unref (self->given_up);
  g_ptr_array_unref (self->outputs);
  g_ptr_array_unref (self->inert);
  g_ptr_array_unref (self->inputs);
  g_ptr_array_unref (self->streams);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* ---- Building ---- */

void
ds_graph_add_stream (DsGraph *self, DsDStream *dstream)
{
  g_ptr_array_add (self->streams, dstream);
  ds_dstream_get_node (dstream)->id = self->streams->len - self->inputs->len - 1;
}

void
ds_graph_add_input (DsGraph *self, DsInputDStream *input)
{
  ds_dstream_get_node (DS_DSTREAM (input))->id = self->inputs->len;
  g_ptr_array_add (self->inputs, input);
  g_ptr_array_add (self->streams, input);
}

void
ds_graph_add_output (DsGraph *self, DsOutput *output)
{
  output->id = self->outputs->len;
  g_ptr_array_add (self->outputs, output);
}

void
ds_graph_add_inert (DsGraph *self, GObject *object)
{
  g_ptr_array_add (self->inert, object);
}

guint
ds_graph_get_n_inputs (DsGraph *self)
{
  return self->inputs->len;
}

guint
ds_graph_get_n_outputs (DsGraph *self)
{
  return self->outputs->len;
}

DsInputDStream *
ds_graph_get_input (DsGraph *self, guint index)
{
  return g_ptr_array_index (self->inputs, index);
}

guint
ds_graph_get_n_streams (DsGraph *self)
{
  return self->streams->len;
}

DsDStream *
ds_graph_get_stream (DsGraph *self, guint index)
{
  return g_ptr_array_index (self->streams, index);
}

DsOutput *
ds_graph_get_output (DsGraph *self, guint index)
{
  return g_ptr_array_index (self->outputs, index);
}

DsOutput *
ds_graph_find_output (DsGraph *self, const char *name)
{
  for (guint i = 0; i < self->outputs->len; i++)
    if (g_str_equal (ds_output_get_name (g_ptr_array_index (self->outputs, i)), name))
      return g_ptr_array_index (self->outputs, i);
  return NULL;
}

DsDStream *
ds_graph_find_stream (DsGraph *self, const char *name)
{
  for (guint i = 0; i < self->streams->len; i++)
    {
      DsDStream *dstream = g_ptr_array_index (self->streams, i);

      if (g_strcmp0 (ds_dstream_get_node (dstream)->name, name) == 0)
        return dstream;
    }
  return NULL;
}

void
ds_graph_set_remember (DsGraph *self, DsDuration remember)
{
  self->remember = remember;
}

DsDuration
ds_graph_get_remember (DsGraph *self)
{
  return self->remember;
}

/* ---- Start ---- */

gboolean
ds_graph_validate (DsGraph *self, GError **error)
{
  if (self->outputs->len == 0)
    {
      g_set_error (
          error, DS_ERROR, DS_ERROR_INVALID_STATE,
          "No output operation is registered, so there is nothing to execute; add one to "
          "a stream, as ds_dstream_print () or ds_dstream_foreach_rdd ()");
      return FALSE;
    }

  /* A name given to one output may be the default name of a later one. */
  for (guint i = 0; i < self->outputs->len; i++)
    {
      DsOutput *output = g_ptr_array_index (self->outputs, i);
      const char *name = ds_output_get_name (output);

      if (ds_graph_find_output (self, name) == output)
        continue;
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                   "Two outputs are called \"%s\"; names must be unique in a streaming "
                   "context, use ds_output_set_name ()",
                   name);
      return FALSE;
    }
  return TRUE;
}

static void
ds_graph_remember_at_least (DsDStream *dstream, DsDuration remember)
{
  DsDStreamNode *node = ds_dstream_get_node (dstream);

  node->remember = MAX (node->remember, remember);
}

/* As much as a duration can be means for ever. */
static DsDuration
ds_graph_add_durations (DsDuration a, DsDuration b)
{
  DsDuration sum;

  return __builtin_add_overflow (a, b, &sum) ? G_MAXINT64 : sum;
}

/* From the outputs up, as remembering goes. */
static void
ds_graph_mark_reached (DsDStream *dstream, GHashTable *reached)
{
  DsDStreamNode *node = ds_dstream_get_node (dstream);

  if (!g_hash_table_add (reached, dstream))
    return;
  for (guint i = 0; i < node->n_parents; i++)
    ds_graph_mark_reached (node->parents[i], reached);
}

GHashTable *
ds_graph_find_reached (DsGraph *self)
{
  GHashTable *reached = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < self->outputs->len; i++)
    ds_graph_mark_reached (((DsOutput *) g_ptr_array_index (self->outputs, i))->stream,
                           reached);
  return reached;
}

gboolean
ds_graph_check_checkpoints (DsGraph *self, const char *directory, GError **error)
{
  g_autoptr (GHashTable) reached = ds_graph_find_reached (self);

  for (guint i = 0; i < self->streams->len; i++)
    if (g_hash_table_contains (reached, g_ptr_array_index (self->streams, i)) &&
        !ds_dstream_check_checkpoints (g_ptr_array_index (self->streams, i), directory,
                                       error))
      return FALSE;
  return TRUE;
}

void
ds_graph_freeze (DsGraph *self, DsTime zero_time)
{
  self->last_time = zero_time;
  /* A stream that no output reaches is never asked: its remember duration stays 0. */
  for (guint i = 0; i < self->outputs->len; i++)
    {
      DsOutput *output = g_ptr_array_index (self->outputs, i);
      DsDuration slide = ds_dstream_get_slide_duration (output->stream);

      ds_graph_remember_at_least (output->stream, MAX (slide, self->remember));
      ds_output_freeze (output);
    }
  for (guint i = self->streams->len; i > 0; i--)
    {
      DsDStream *dstream = g_ptr_array_index (self->streams, i - 1);
      DsDStreamNode *node = ds_dstream_get_node (dstream);
      DsDuration asked = node->remember; /* by the streams behind it */

      node->asked = asked;
      if (node->remember > 0 && node->slide != self->interval)
        self->asks_inputs = TRUE;
      if (node->remember > 0)
        ds_graph_remember_at_least (dstream,
                                    ds_dstream_get_checkpoint_remember (dstream));
      /* What goes on from batch to batch needs none of them again: neither for what it
       * looks back at, nor for what it remembers for checkpoints. */
      if (!node->ops->is_stateful)
        asked = ds_graph_add_durations (node->remember, node->window);
      for (guint k = 0; node->remember > 0 && k < node->n_parents; k++)
        ds_graph_remember_at_least (node->parents[k], asked);
    }
  for (guint i = self->streams->len; i > 0; i--)
    {
      DsDStream *dstream = g_ptr_array_index (self->streams, i - 1);
      DsDStreamNode *node = ds_dstream_get_node (dstream);
      DsDStream *twin = node->remember > 0 && node->ops->find_twin != NULL
                            ? node->ops->find_twin (dstream)
                            : NULL;

      if (twin != NULL) /* of the same parents, so these know already */
        ds_graph_remember_at_least (twin, node->remember);
    }
  /* Last: who explains in another thread looks at this first. */
  for (guint i = 0; i < self->streams->len; i++)
    __atomic_store_n (
        &ds_dstream_get_node (g_ptr_array_index (self->streams, i))->zero_time, zero_time,
        __ATOMIC_RELEASE);
}

gboolean
ds_graph_start_inputs (DsGraph *self, GError **error)
{
  for (guint i = 0; i < self->inputs->len; i++)
    if (!ds_input_dstream_start (g_ptr_array_index (self->inputs, i), error))
      {
        for (; i > 0; i--)
          ds_input_dstream_stop (g_ptr_array_index (self->inputs, i - 1));
        return FALSE;
      }
  return TRUE;
}

void
ds_graph_stop_inputs (DsGraph *self)
{
  for (guint i = 0; i < self->inputs->len; i++)
    ds_input_dstream_stop (g_ptr_array_index (self->inputs, i));
}

static void
ds_graph_stop_first_outputs (DsGraph *self, guint n_outputs)
{
  for (guint i = 0; i < n_outputs; i++)
    {
      DsOutput *output = ds_graph_get_output (self, i);

      if (output->ops->stop != NULL)
        output->ops->stop (output);
    }
}

gboolean
ds_graph_start_outputs (DsGraph *self, GError **error)
{
  for (guint i = 0; i < ds_graph_get_n_outputs (self); i++)
    {
      DsOutput *output = ds_graph_get_output (self, i);

      if (output->ops->start != NULL && !output->ops->start (output, error))
        {
          ds_graph_stop_first_outputs (self, i);
          return FALSE;
        }
    }
  return TRUE;
}

void
ds_graph_stop_outputs (DsGraph *self)
{
  ds_graph_stop_first_outputs (self, ds_graph_get_n_outputs (self));
}

/* ---- Running ---- */

/* Recursive, for a transform function that looks at a slice: the program's function runs
 * under the lock. */
void
ds_graph_lock (DsGraph *self)
{
  if (g_atomic_pointer_get (&self->owner) != g_thread_self ())
    {
      g_mutex_lock (&self->lock);
      g_atomic_pointer_set (&self->owner, g_thread_self ());
    }
  self->depth++;
}

void
ds_graph_unlock (DsGraph *self)
{
  if (--self->depth > 0)
    return;
  g_atomic_pointer_set (&self->owner, NULL);
  g_mutex_unlock (&self->lock);
}

void
ds_graph_add_step (DsGraph *self, DsRdd *step)
{
  g_ptr_array_add (self->steps, g_object_ref (step));
}

/* State moves on with every batch, also when no output needs it at this time, and when
 * another stream can't: FALSE with the error of the first. */
static gboolean
ds_graph_move_on_state (DsGraph *self, DsBatch *batch, GError **error)
{
  gboolean ok = TRUE;

  for (guint i = 0; i < self->streams->len; i++)
    {
      DsDStream *dstream = g_ptr_array_index (self->streams, i);
      DsDStreamNode *node = ds_dstream_get_node (dstream);
      g_autoptr (GError) local_error = NULL;

      if (!node->ops->is_stateful || node->remember == 0)
        continue;
      if (ds_dstream_get_rdd (dstream, batch, &local_error) != NULL ||
          local_error == NULL)
        continue;
      if (ok)
        g_propagate_error (error, g_steal_pointer (&local_error));
      ok = FALSE;
    }
  return ok;
}

/* What a source has goes into the batch in which it came, also when the window over it is
 * due only later. */
static gboolean
ds_graph_ask_inputs (DsGraph *self, DsBatch *batch, GError **error)
{
  for (guint i = 0; self->asks_inputs && i < self->inputs->len; i++)
    {
      DsDStream *input = g_ptr_array_index (self->inputs, i);
      g_autoptr (GError) local_error = NULL;

      if (ds_dstream_get_node (input)->remember > 0 &&
          ds_dstream_get_rdd (input, batch, &local_error) == NULL && local_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
ds_graph_generate_outputs (DsGraph *self, DsBatch *batch, GArray *jobs, GError **error)
{
  for (guint i = 0; i < self->outputs->len; i++)
    {
      DsOutput *output = g_ptr_array_index (self->outputs, i);
      g_autoptr (GError) local_error = NULL;
      DsRdd *rdd = ds_dstream_get_rdd (output->stream, batch, &local_error);

      if (rdd != NULL)
        {
          DsOutputJob job = { output, g_object_ref (rdd), FALSE };

          g_array_append_val (jobs, job);
        }
      else if (local_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
    }
  return TRUE;
}

/* Batches before that of @time may have been given up, by the policy for missed ones.
 * Nobody generates them any more, but windows look back as far. */
static void
ds_graph_note_given_up (DsGraph *self, DsTime time)
{
  DsGivenUpBatches batches = { self->last_time, time };

  if (time - self->last_time > self->interval)
    g_array_append_val (self->given_up, batches);
}

/* Of @now, the completed batch, and not of the newest one, which may be far ahead: those
 * in between run again after a recovery. */
static void
ds_graph_forget_given_up (DsGraph *self, DsTime now)
{
  DsTime looked_at = now - ds_graph_get_max_input_remember (self);

  while (self->given_up->len > 0 &&
         g_array_index (self->given_up, DsGivenUpBatches, 0).before <= looked_at)
    g_array_remove_index (self->given_up, 0);
}

gboolean
ds_graph_was_given_up (DsGraph *self, DsTime time)
{
  for (guint i = self->given_up->len; i > 0; i--)
    {
      const DsGivenUpBatches *batches =
          &g_array_index (self->given_up, DsGivenUpBatches, i - 1);

      if (time > batches->after && time < batches->before)
        return TRUE;
    }
  return FALSE;
}

GArray *
ds_graph_list_given_up (DsGraph *self, DsTime time)
{
  GArray *times = g_array_new (FALSE, FALSE, sizeof (DsTime));

  for (guint i = 0; i < self->given_up->len; i++)
    {
      const DsGivenUpBatches *batches =
          &g_array_index (self->given_up, DsGivenUpBatches, i);

      if (batches->before > time)
        break; /* they are given up again */
      g_array_append_val (times, batches->after);
      g_array_append_val (times, batches->before);
    }
  return times;
}

void
ds_graph_set_given_up (DsGraph *self, const GArray *times)
{
  for (guint i = 0; times != NULL && i + 1 < times->len; i += 2)
    {
      DsGivenUpBatches batches = { g_array_index (times, DsTime, i),
                                   g_array_index (times, DsTime, i + 1) };

      g_array_append_val (self->given_up, batches);
    }
}

gboolean
ds_graph_generate (DsGraph *self,
                   DsBatch *batch,
                   GPtrArray *steps,
                   GArray *jobs,
                   GError **error)
{
  gboolean ok;

  ds_graph_lock (self);
  ds_graph_note_given_up (self, ds_batch_get_time (batch));
  self->last_time = ds_batch_get_time (batch);
  self->is_generating = TRUE;
  ok = ds_graph_ask_inputs (self, batch, error) &&
       ds_graph_move_on_state (self, batch, error) &&
       ds_graph_generate_outputs (self, batch, jobs, error);
  self->is_generating = FALSE;
  if (self->steps->len > 0)
    {
      g_ptr_array_extend_and_steal (steps, self->steps);
      self->steps = g_ptr_array_new_with_free_func (g_object_unref);
    }
  ds_graph_unlock (self);
  return ok;
}

DsTime
ds_graph_get_last_time (DsGraph *self)
{
  return self->last_time;
}

void
ds_graph_set_last_time (DsGraph *self, DsTime time)
{
  self->last_time = time;
}

gboolean
ds_graph_is_generating (DsGraph *self, DsTime time)
{
  return self->is_generating && time == self->last_time;
}

void
ds_graph_forget (DsGraph *self, DsTime now)
{
  ds_graph_lock (self);
  for (guint i = 0; i < self->streams->len; i++)
    ds_dstream_forget (g_ptr_array_index (self->streams, i), now);
  ds_graph_forget_given_up (self, now);
  ds_graph_unlock (self);
}

DsDuration
ds_graph_get_max_input_remember (DsGraph *self)
{
  DsDuration remember = self->interval;

  for (guint i = 0; i < self->inputs->len; i++)
    remember = MAX (remember,
                    ds_dstream_get_node (g_ptr_array_index (self->inputs, i))->remember);
  return remember;
}

void
ds_graph_clear_job (gpointer job)
{
  g_object_unref (((DsOutputJob *) job)->rdd);
}
