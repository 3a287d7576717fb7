/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each batch as a directory of files, or as one file, named by its time, so that a batch
 * that runs again replaces what it wrote before.  With a checkpoint directory it is
 * committed instead, and not written again.  The formats differ only in what the engine's
 * writer is told. */

#include "dstream/ds-file-sink-private.h"
#include "dstream/ds-streaming-context-private.h"
#include "rdd/ds-save-private.h"

/* Between two tries on a full disk, in ms. */
#define DS_FILES_FIRST_DELAY 100
#define DS_FILES_MAX_DELAY 1000

typedef struct
{
  char *prefix;
  char *suffix;    /* (nullable) */
  char *directory; /* that was the current one when the output was made */
  DsSavePlan plan;
  gboolean adopts;
  DsFileSink *sink; /* (nullable): from start to stop, with a checkpoint directory */
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

char *
ds_files_output_place (const char *directory, const char *path)
{
  if (directory == NULL || g_path_is_absolute (path))
    return g_strdup (path);
  while (g_str_has_prefix (path, "./"))
    path += 2;
  return g_str_equal (path, ".") ? g_strdup (directory)
                                 : g_build_filename (directory, path, NULL);
}

/* After a first failure that may pass. */
static gboolean
ds_files_output_wait (DsOutput *self, DsRdd *rdd, DsTime time, GError **error)
{
  const DsFilesOutput *files = self->state;
  gboolean is_saved = FALSE;

  for (int delay = DS_FILES_FIRST_DELAY;
       !is_saved && ds_file_sink_may_pass (files->sink, *error) &&
       ds_driver_pause (self->context->driver, delay * DS_MILLISECOND);
       delay = MIN (2 * delay, DS_FILES_MAX_DELAY))
    {
      g_clear_error (error);
      is_saved = ds_file_sink_run (files->sink, rdd, &files->plan, time, error);
    }
  return is_saved;
}

/* What is to be there exactly once waits for room on a full disk: as long as it does,
 * batches queue up and receivers are held back, and no policy has to give it up. */
static gboolean
ds_files_output_run_sink (DsOutput *self, DsRdd *rdd, DsTime time, GError **error)
{
  const DsFilesOutput *files = self->state;
  gint64 batch_ms = time / DS_MILLISECOND;
  GError *local_error = NULL;
  gboolean is_saved = FALSE;

  if (ds_file_sink_run (files->sink, rdd, &files->plan, time, &local_error))
    return TRUE;
  if (ds_file_sink_may_pass (files->sink, local_error))
    {
      g_message ("Output %s of batch %" G_GINT64_FORMAT
                 " ms waits, and goes on by itself: %s",
                 ds_output_get_name (self), batch_ms, local_error->message);
      g_atomic_int_inc (&self->context->n_held_back);
      is_saved = ds_files_output_wait (self, rdd, time, &local_error);
      g_atomic_int_add (&self->context->n_held_back, -1);
    }
  if (is_saved)
    g_message ("Output %s of batch %" G_GINT64_FORMAT " ms goes on",
               ds_output_get_name (self), batch_ms);
  else
    g_propagate_error (error, local_error);
  return is_saved;
}

static gboolean
ds_files_output_run (DsOutput *self, DsRdd *rdd, DsBatch *batch, GError **error)
{
  const DsFilesOutput *files = self->state;
  DsTime time = ds_batch_get_time (batch);
  g_autofree char *name = NULL;
  g_autofree char *path = NULL;

  if (files->sink != NULL)
    return ds_files_output_run_sink (self, rdd, time, error);
  name = ds_files_output_get_path (files->prefix, files->suffix, time);
  path = ds_files_output_place (files->directory, name);
  return ds_rdd_save (rdd, path, &files->plan, error);
}

/* ---- With a checkpoint directory ---- */

static gboolean ds_files_output_is_one (DsOutput *self);

/* Not by what was written: one may be relative. */
static gboolean
ds_files_output_has_prefix_of (const DsFilesOutput *self, const DsFilesOutput *other)
{
  g_autofree char *own = ds_files_output_place (self->directory, self->prefix);
  g_autofree char *theirs = ds_files_output_place (other->directory, other->prefix);

  return g_str_equal (own, theirs);
}

/* The manifests of two such outputs would be in one place. */
static gboolean
ds_files_output_check_prefix (DsOutput *self, GError **error)
{
  const DsFilesOutput *files = self->state;
  DsGraph *graph = self->context->graph;

  for (guint i = 0; i < ds_graph_get_n_outputs (graph); i++)
    {
      DsOutput *other = ds_graph_get_output (graph, i);

      if (other == self || !ds_files_output_is_one (other) ||
          !ds_files_output_has_prefix_of (files, other->state))
        continue;
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                   "The outputs %s and %s both have the prefix \"%s\"; with a checkpoint "
                   "directory each needs one of its own, a suffix is not enough",
                   ds_output_get_name (self), ds_output_get_name (other), files->prefix);
      return FALSE;
    }
  return TRUE;
}

static gboolean
ds_files_output_start (DsOutput *self, GError **error)
{
  DsFilesOutput *files = self->state;
  const guint8 *application_id = ds_streaming_context_get_application_id (self->context);
  DsRecovery *recovery = ds_streaming_context_get_recovery (self->context);

  if (application_id == NULL)
    return TRUE;
  if (!ds_files_output_check_prefix (self, error))
    return FALSE;
  files->sink =
      ds_file_sink_open (files->directory, files->prefix, files->suffix, application_id,
                         ds_output_get_name (self), files->adopts, error);
  if (files->sink != NULL &&
      (recovery == NULL ||
       ds_file_sink_check_known (files->sink, ds_recovery_get_last_time (recovery),
                                 files->adopts, error)))
    return TRUE;
  g_clear_pointer (&files->sink, ds_file_sink_close);
  g_prefix_error (error, "Output %s: ", ds_output_get_name (self));
  return FALSE;
}

static void
ds_files_output_stop (DsOutput *self)
{
  g_clear_pointer (&((DsFilesOutput *) self->state)->sink, ds_file_sink_close);
}

static void
ds_files_output_free (gpointer state)
{
  DsFilesOutput *files = state;

  g_clear_pointer (&files->sink, ds_file_sink_close);
  g_free (files->directory);
  g_free (files->prefix);
  g_free (files->suffix);
  g_free (files);
}

static const DsOutputOps ds_files_output_ops[] = {
  [DS_SAVE_TEXT] = { .kind = "save_as_text_files",
                     .run = ds_files_output_run,
                     .start = ds_files_output_start,
                     .stop = ds_files_output_stop,
                     .free_state = ds_files_output_free },
  [DS_SAVE_BINARY] = { .kind = "save_as_binary_files",
                       .run = ds_files_output_run,
                       .start = ds_files_output_start,
                       .stop = ds_files_output_stop,
                       .free_state = ds_files_output_free },
  [DS_SAVE_MSGPACK] = { .kind = "save_as_msgpack_files",
                        .run = ds_files_output_run,
                        .start = ds_files_output_start,
                        .stop = ds_files_output_stop,
                        .free_state = ds_files_output_free },
};

static gboolean
ds_files_output_is_one (DsOutput *self)
{
  return self->ops->run == ds_files_output_run;
}

/* Of two outputs at one place each would replace what the other one writes. */
static gboolean
ds_files_output_has_place_of (DsOutput *self, DsOutput *other)
{
  const DsFilesOutput *files = self->state;
  const DsFilesOutput *others = other->state;

  return other != self && ds_files_output_is_one (other) &&
         ds_files_output_has_prefix_of (files, others) &&
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
  files->directory = g_get_current_dir ();
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
  if (ds_files_output_is_one (self))
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

/**
 * ds_output_set_adopt_output:
 * @self: an output that saves files
 * @adopt_output: %TRUE: to go on behind what another application has saved there
 *
 * Sets whether the output may take over a place where another application, or an output
 * of another name, has committed batches: after the checkpoint directory was emptied, or
 * was changed for a new one or for an older copy of its own, while what was saved is to
 * stay.  Its batches have to come behind those that are there; one that does not fails.
 * %FALSE by default: start fails with %DS_ERROR_INVALID_STATE then, since batches might
 * be saved twice, or not at all.
 *
 * Without a checkpoint directory nothing is committed, and this changes nothing.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for another output than those of
 * ds_dstream_save_as_text_files () and its like.
 */
void
ds_output_set_adopt_output (DsOutput *self, gboolean adopt_output)
{
  g_return_if_fail (DS_IS_OUTPUT (self));
  g_return_if_fail (self->context != NULL);

  if (ds_files_output_get_plan (self, "set_adopt_output") != NULL)
    ((DsFilesOutput *) self->state)->adopts = adopt_output;
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
 * A relative @prefix starts from what the current directory is when this is called.
 *
 * Each file appears whole, by rename.  A batch that runs again replaces them one by one;
 * `_SUCCESS` is missing meanwhile.  Options: ds_output_set_skip_empty (),
 * ds_output_set_single_file (), ds_output_set_adopt_output ().
 *
 * With a checkpoint directory each batch is there exactly once, also after a crash.  Its
 * files are written and synced aside and then get their names; a manifest in
 * `_ds-<basename of @prefix>/`, next to them, commits them.  A batch that has its
 * manifest is not written again.  One that has not runs again with the same input: a part
 * that is there already is compared and kept, so what a reader has seen never changes; if
 * the bytes differ, or somebody else made the file, the output fails with
 * %DS_ERROR_BAD_FILE and nothing is overwritten.  A reader that must not see a batch
 * before it is committed goes by the manifests, as the program ds-sink-list does.  A
 * batch of P partitions costs P + 4 syncs.  At start it fails with %DS_ERROR_LOCKED while
 * another process has the place, with %DS_ERROR_INVALID_STATE when another application
 * has, or when the checkpoint directory is older than what is committed, and with
 * %DS_ERROR_CORRUPT for a damaged manifest.  While the disk is full the
 * batch waits, and goes on by itself; a stop ends that.
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
