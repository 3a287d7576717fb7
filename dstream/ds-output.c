/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An output: what makes a stream run at all.  The operations (print, foreach_rdd,
 * save_as_text_files, collect) each have a file of their own with a body; name, number
 * and place in the graph are the same for all and live here. */

#include "dstream/ds-streaming-context-private.h"

G_DEFINE_FINAL_TYPE (DsOutput, ds_output, G_TYPE_OBJECT)

static void
ds_output_finalize (GObject *object)
{
  DsOutput *self = DS_OUTPUT (object);

  if (self->state != NULL && self->ops->free_state != NULL)
    self->ops->free_state (self->state);
  g_clear_pointer (&self->name, g_ref_string_release);
  g_clear_pointer (&self->description, g_ref_string_release);

  G_OBJECT_CLASS (ds_output_parent_class)->finalize (object);
}

static void
ds_output_class_init (DsOutputClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_output_finalize;
}

static void
ds_output_init (DsOutput *self)
{
}

DsOutput *
ds_output_new (DsDStream *stream, const DsOutputOps *ops, gpointer state)
{
  DsStreamingContext *context = ds_dstream_get_node (stream)->context;
  g_autofree char *default_name = NULL;
  DsOutput *self;

  if (!ds_dstream_has_context (stream, ops->kind))
    {
      if (state != NULL && ops->free_state != NULL)
        ops->free_state (state);
      return NULL;
    }
  self = g_object_new (DS_TYPE_OUTPUT, NULL);

  self->ops = ops;
  self->state = state;
  self->stream = stream;
  self->context = context;
  self->is_inert = !ds_streaming_context_may_build (context, ops->kind) ||
                   ds_dstream_get_node (stream)->is_inert;
  if (self->is_inert)
    ds_graph_add_inert (context->graph, G_OBJECT (self));
  else
    ds_graph_add_output (context->graph, self);
  default_name = g_strdup_printf ("%s-%u", ops->kind, self->id);
  self->name = g_ref_string_new (default_name);
  self->description = g_ref_string_new (ops->kind);
  return self;
}

void
ds_output_freeze (DsOutput *self)
{
  g_autofree char *description = ds_output_get_description (self);

  g_clear_pointer (&self->description, g_ref_string_release);
  self->description = g_ref_string_new (description);
}

DsOutputInfo
ds_output_get_info (DsOutput *self)
{
  return (DsOutputInfo){ .output_id = self->id,
                         .name = self->name,
                         .description = self->description,
                         .start = DS_TIME_NONE,
                         .end = DS_TIME_NONE };
}

/**
 * ds_output_set_name:
 * @self: an output
 * @name: 1 to 64 characters of `A-Z a-z 0-9 . _ -`, unique among the outputs of the
 *   context
 *
 * Names the output, for messages, listeners, and ds_task_get_output_key (), where it must
 * not change from one version of a program to the next.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for a name that is malformed or taken.
 */
void
ds_output_set_name (DsOutput *self, const char *name)
{
  DsOutput *other;

  g_return_if_fail (DS_IS_OUTPUT (self));
  g_return_if_fail (name != NULL);
  g_return_if_fail (self->context != NULL);

  if (!ds_streaming_context_may_build (self->context, "set_name") || self->is_inert)
    return;

  if (!ds_is_valid_stream_name (name))
    {
      g_autofree char *shown = g_strescape (name, NULL);

      ds_streaming_context_latch (self->context, DS_ERROR_INVALID_ARGUMENT,
                                  "set_name: the name \"%.200s\" of output %s is not 1 "
                                  "to 64 of A-Z a-z 0-9 . _ -",
                                  shown, ds_output_get_name (self));
      return;
    }

  other = ds_graph_find_output (self->context->graph, name);
  if (other != NULL && other != self)
    {
      ds_streaming_context_latch (self->context, DS_ERROR_INVALID_ARGUMENT,
                                  "set_name: two outputs are to be called \"%s\"; names "
                                  "must be unique in a streaming context",
                                  name);
      return;
    }
  g_ref_string_release (self->name);
  self->name = g_ref_string_new (name);
  self->is_named = TRUE;
}

/**
 * ds_output_get_name:
 * @self: an output
 *
 * Gets the name under which the output is reported.
 *
 * Returns: (transfer none): the name given to it, else its operation and number, as
 *   "print-0"; valid until the name is set
 */
const char *
ds_output_get_name (DsOutput *self)
{
  g_return_val_if_fail (DS_IS_OUTPUT (self), NULL);

  return self->name;
}

/**
 * ds_output_get_id:
 * @self: an output
 *
 * Gets the number of the output.
 *
 * Returns: its number: outputs are counted 0, 1, 2 ... as they are registered, and run in
 *   that order
 */
guint
ds_output_get_id (DsOutput *self)
{
  g_return_val_if_fail (DS_IS_OUTPUT (self), 0);

  return self->id;
}

/**
 * ds_output_get_description:
 * @self: an output
 *
 * Describes how the output came about: the streams from the first source to it, by their
 * names, as "socket_text_stream -> flat_map -> count_by_value -> print".  Of a stream
 * with several parents the others are named in brackets.
 *
 * Returns: (transfer full): the description; free it with g_free ()
 */
char *
ds_output_get_description (DsOutput *self)
{
  g_autoptr (GString) text = NULL;

  g_return_val_if_fail (DS_IS_OUTPUT (self), NULL);

  text = g_string_new (self->ops->kind);
  for (DsDStream *stream = self->stream; stream != NULL;)
    {
      DsDStreamNode *node = ds_dstream_get_node (stream);
      g_autoptr (GString) step = g_string_new (ds_dstream_describe (stream));

      for (guint i = 1; i < node->n_parents; i++)
        g_string_append_printf (step, "%s%s%s", i == 1 ? " (with " : ", ",
                                ds_dstream_describe (node->parents[i]),
                                i == node->n_parents - 1 ? ")" : "");
      g_string_append (step, " -> ");
      g_string_prepend (text, step->str);
      stream = node->n_parents > 0 ? node->parents[0] : NULL;
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}
