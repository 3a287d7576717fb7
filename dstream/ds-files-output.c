/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each batch as a directory of files, or as one file, named by its time, so that a batch
 * that runs again replaces what it wrote before.  The formats differ only in what the
 * engine's writer is told. */

#include "dstream/ds-streaming-context-private.h"
#include "rdd/ds-save-private.h"

typedef struct
{
  char *prefix;
  char *suffix; /* (nullable) */
  DsSavePlan plan;
} DsFilesOutput;

char *
ds_files_output_get_path (const char *prefix, const char *suffix, DsTime time)
{
  gboolean has_prefix = prefix != NULL && *prefix != '\0';
  gboolean has_suffix = suffix != NULL && *suffix != '\0';

  return g_strdup_printf ("%s%s%" G_GINT64_FORMAT "%s%s", has_prefix ? prefix : "",
                          has_prefix ? "-" : "", time / DS_MILLISECOND,
                          has_suffix ? "." : "", has_suffix ? suffix : "");
}

static gboolean
ds_files_output_run (DsOutput *self, DsRdd *rdd, DsBatch *batch, GError **error)
{
  const DsFilesOutput *files = self->state;
  g_autofree char *path =
      ds_files_output_get_path (files->prefix, files->suffix, ds_batch_get_time (batch));

  return ds_rdd_save (rdd, path, &files->plan, error);
}

static void
ds_files_output_free (gpointer state)
{
  DsFilesOutput *files = state;

  g_free (files->prefix);
  g_free (files->suffix);
  g_free (files);
}

static const DsOutputOps ds_files_output_ops[] = {
  [DS_SAVE_TEXT] = { .kind = "save_as_text_files",
                     .run = ds_files_output_run,
                     .free_state = ds_files_output_free },
  [DS_SAVE_BINARY] = { .kind = "save_as_binary_files",
                       .run = ds_files_output_run,
                       .free_state = ds_files_output_free },
  [DS_SAVE_MSGPACK] = { .kind = "save_as_msgpack_files",
                        .run = ds_files_output_run,
                        .free_state = ds_files_output_free },
};

/* Of two outputs at one place each would replace what the other one writes. */
static gboolean
ds_files_output_has_place_of (DsOutput *self, DsOutput *other)
{
  const DsFilesOutput *files = self->state;
  const DsFilesOutput *others = other->state;

  return other != self && other->ops->run == ds_files_output_run &&
         g_str_equal (files->prefix, others->prefix) &&
         g_strcmp0 (files->suffix, others->suffix) == 0;
}

static void
ds_files_output_check_place (DsOutput *self)
{
  const DsFilesOutput *files = self->state;
  DsGraph *graph = self->context->graph;

  for (guint i = 0; i < ds_graph_get_n_outputs (graph); i++)
    {
      DsOutput *other = ds_graph_get_output (graph, i);

      if (!ds_files_output_has_place_of (self, other))
        continue;
      ds_streaming_context_latch (
          self->context, DS_ERROR_INVALID_ARGUMENT,
          "%s: the output %s has the prefix \"%s\" and the suffix \"%s\", too, so that "
          "one would replace what the other one writes; give each a place of its own",
          self->ops->kind, ds_output_get_name (other), files->prefix,
          files->suffix != NULL ? files->suffix : "");
      return;
    }
}

static DsOutput *
ds_files_output_new (DsDStream *stream,
                     const char *prefix,
                     const char *suffix,
                     DsSaveFormat format)
{
  DsFilesOutput *files = g_new0 (DsFilesOutput, 1);
  DsOutput *self;

  files->prefix = g_strdup (prefix);
  files->suffix = suffix != NULL && *suffix != '\0' ? g_strdup (suffix) : NULL;
  files->plan.format = format;
  files->plan.replaces = TRUE;
  self = ds_output_new (stream, &ds_files_output_ops[format], files);
  if (self != NULL && !self->is_inert)
    ds_files_output_check_place (self);
  return self;
}

/* ---- Options ---- */

/* NULL: not to be set, which is latched or warned of. */
static DsSavePlan *
ds_files_output_get_plan (DsOutput *self, const char *option)
{
  if (!ds_streaming_context_may_build (self->context, option) || self->is_inert)
    return NULL;
  if (self->ops->run == ds_files_output_run)
    return &((DsFilesOutput *) self->state)->plan;

  ds_streaming_context_latch (self->context, DS_ERROR_INVALID_ARGUMENT,
                              "%s: the output %s has no such option; it is one of "
                              "save_as_text_files, save_as_binary_files and "
                              "save_as_msgpack_files",
                              option, ds_output_get_name (self));
  return NULL;
}

/**
 * ds_output_set_skip_empty:
 * @self: an output that saves files
 * @skip_empty: %TRUE: a batch without any value leaves no directory and no file
 *
 * Sets whether batches without values are passed over.  %FALSE by default: each batch
 * leaves its directory, so that a missing one means that the batch has not run.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for another output than those of
 * ds_dstream_save_as_text_files () and its like.
 */
void
ds_output_set_skip_empty (DsOutput *self, gboolean skip_empty)
{
  DsSavePlan *plan;

  g_return_if_fail (DS_IS_OUTPUT (self));
  g_return_if_fail (self->context != NULL);

  plan = ds_files_output_get_plan (self, "set_skip_empty");
  if (plan != NULL)
    plan->skips_empty = skip_empty;
}

/**
 * ds_output_set_single_file:
 * @self: an output that saves files
 * @single_file: %TRUE: each batch is one file instead of a directory
 *
 * Sets whether a batch becomes one file `<prefix>-<batch time in ms>.<suffix>`: all
 * partitions in their order.  It is written aside and renamed, so it is there whole or
 * not at all; there is no `_SUCCESS`.  Partitions are still written side by side, and
 * then put together: what is saved is written twice.  %FALSE by default.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for another output than those of
 * ds_dstream_save_as_text_files () and its like.
 */
void
ds_output_set_single_file (DsOutput *self, gboolean single_file)
{
  DsSavePlan *plan;

  g_return_if_fail (DS_IS_OUTPUT (self));
  g_return_if_fail (self->context != NULL);

  plan = ds_files_output_get_plan (self, "set_single_file");
  if (plan != NULL)
    plan->single_file = single_file;
}

/* ---- Public ---- */

/**
 * ds_dstream_save_as_text_files:
 * @self: a stream
 * @prefix: (type filename): start of the path of each directory; may be empty
 * @suffix: (nullable): its end, after a dot
 *
 * Saves each batch, also an empty one, as a directory
 * `<prefix>-<batch time in ms>.<suffix>` with a file `part-00000` ... for each partition
 * and, last, an empty `_SUCCESS`: one value a line, in its printed form, strings raw.
 *
 * Each file appears whole, by rename.  A batch that runs again replaces them one by one;
 * `_SUCCESS` is missing meanwhile.  Options: ds_output_set_skip_empty (),
 * ds_output_set_single_file ().
 *
 * The output fails with %DS_ERROR_IO, %DS_ERROR_NO_SPACE or %DS_ERROR_FSYNC_FAILED.
 * Latches %DS_ERROR_INVALID_ARGUMENT when another output of the context has the same
 * @prefix and @suffix: each would replace what the other one writes.
 *
 * Returns: (transfer none): the output, owned by the context
 */
DsOutput *
ds_dstream_save_as_text_files (DsDStream *self, const char *prefix, const char *suffix)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  g_return_val_if_fail (prefix != NULL, NULL);

  return ds_files_output_new (self, prefix, suffix, DS_SAVE_TEXT);
}

/**
 * ds_dstream_save_as_binary_files:
 * @self: a stream of bytes or strings
 * @prefix: (type filename): start of the path of each directory; may be empty
 * @suffix: (nullable): its end, after a dot
 *
 * Saves each batch as ds_dstream_save_as_text_files () does, with the bytes of the values
 * one behind the other and nothing between them.  A value of another type fails the
 * output with %DS_ERROR_TYPE.
 *
 * Returns: (transfer none): the output, owned by the context
 */
DsOutput *
ds_dstream_save_as_binary_files (DsDStream *self, const char *prefix, const char *suffix)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  g_return_val_if_fail (prefix != NULL, NULL);

  return ds_files_output_new (self, prefix, suffix, DS_SAVE_BINARY);
}

/**
 * ds_dstream_save_as_msgpack_files:
 * @self: a stream
 * @prefix: (type filename): start of the path of each directory; may be empty
 * @suffix: (nullable): its end, after a dot
 *
 * Saves each batch as ds_dstream_save_as_text_files () does, with the values as msgpack,
 * one behind the other: they keep their types.  See ds_rdd_save_as_msgpack_file ().
 *
 * Returns: (transfer none): the output, owned by the context
 */
DsOutput *
ds_dstream_save_as_msgpack_files (DsDStream *self, const char *prefix, const char *suffix)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  g_return_val_if_fail (prefix != NULL, NULL);

  return ds_files_output_new (self, prefix, suffix, DS_SAVE_MSGPACK);
}
