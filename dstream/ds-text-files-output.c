/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Each batch as a directory of text files, named by its time, so that a batch that is run
 * again replaces what it wrote before. */

#include "dstream/ds-streaming-context-private.h"

typedef struct
{
  char *prefix;
  char *suffix; /* (nullable) */
} DsTextFilesOutput;

char *
ds_text_files_output_get_path (const char *prefix, const char *suffix, DsTime time)
{
  gboolean has_prefix = prefix != NULL && *prefix != '\0';
  gboolean has_suffix = suffix != NULL && *suffix != '\0';

  return g_strdup_printf ("%s%s%" G_GINT64_FORMAT "%s%s", has_prefix ? prefix : "",
                          has_prefix ? "-" : "", time / DS_MILLISECOND,
                          has_suffix ? "." : "", has_suffix ? suffix : "");
}

static gboolean
ds_text_files_output_run (DsOutput *self, DsRdd *rdd, DsBatch *batch, GError **error)
{
  const DsTextFilesOutput *files = self->state;
  g_autofree char *path = ds_text_files_output_get_path (files->prefix, files->suffix,
                                                         ds_batch_get_time (batch));

  return ds_rdd_save_as_text_file (rdd, path, error);
}

static void
ds_text_files_output_free (gpointer state)
{
  DsTextFilesOutput *files = state;

  g_free (files->prefix);
  g_free (files->suffix);
  g_free (files);
}

static const DsOutputOps ds_text_files_output_ops = {
  .kind = "save_as_text_files",
  .run = ds_text_files_output_run,
  .free_state = ds_text_files_output_free,
};

/**
 * ds_dstream_save_as_text_files:
 * @self: a stream
 * @prefix: (type filename): start of the path of each directory
 * @suffix: (nullable): its end, after a dot
 *
 * Saves each batch, also an empty one, as a directory
 * `<prefix>-<batch time in ms>.<suffix>` with a file `part-00000` ... for each partition
 * and an empty `_SUCCESS`: one value a line, in its printed form.  It is written aside
 * and renamed; a directory of that name is replaced.
 *
 * Returns: (transfer none): the output, owned by the context
 */
DsOutput *
ds_dstream_save_as_text_files (DsDStream *self, const char *prefix, const char *suffix)
{
  DsTextFilesOutput *files;

  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  g_return_val_if_fail (prefix != NULL, NULL);

  files = g_new (DsTextFilesOutput, 1);
  files->prefix = g_strdup (prefix);
  files->suffix = g_strdup (suffix);
  return ds_output_new (self, &ds_text_files_output_ops, files);
}
