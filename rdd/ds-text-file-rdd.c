/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* text_file: the lines of files.  The files are listed once, when a job or a question
 * first needs them; from then on the RDD is about those files and sizes. */

#include "rdd/ds-rdd-private.h"
#include "rdd/ds-text-files-private.h"

typedef struct
{
  DsRdd parent_instance;
  char *path;
  guint min_partitions;
  GPtrArray *files; /* made by prepare */
  GArray *splits;
} DsTextFileRdd;

typedef struct
{
  DsRddClass parent_class;
} DsTextFileRddClass;

static GType ds_text_file_rdd_get_type (void);
G_DEFINE_FINAL_TYPE (DsTextFileRdd, ds_text_file_rdd, DS_TYPE_RDD)

static gboolean
ds_text_file_rdd_prepare (DsRdd *rdd, GError **error)
{
  DsTextFileRdd *self = (DsTextFileRdd *) rdd;

  self->files = ds_text_files_list (self->path, error);
  if (self->files == NULL)
    {
      g_prefix_error (error, "%s: ", ds_rdd_get_operator_name (rdd));
      return FALSE;
    }
  self->splits = ds_text_files_split (self->files, self->min_partitions);
  ds_rdd_set_node_n_partitions (rdd, self->splits->len);
  return TRUE;
}

static gboolean
ds_text_file_rdd_compute (DsRdd *rdd, guint partition, DsTask *task, DsSink *sink)
{
  DsTextFileRdd *self = (DsTextFileRdd *) rdd;

  return ds_text_file_read (&g_array_index (self->splits, DsTextFileSplit, partition),
                            task, sink);
}

static guint64
ds_text_file_rdd_estimate_bytes (DsRdd *rdd)
{
  DsTextFileRdd *self = (DsTextFileRdd *) rdd;

  return self->files != NULL ? ds_text_files_estimate_bytes (self->files) : G_MAXUINT64;
}

static gboolean
ds_text_file_rdd_set_n_partitions (DsRdd *rdd, guint n_partitions)
{
  DsTextFileRdd *self = (DsTextFileRdd *) rdd;

  self->min_partitions =
      n_partitions > 0 ? n_partitions
                       : ds_context_get_default_parallelism (ds_rdd_get_context (rdd));
  return TRUE;
}

static const DsRddOps ds_text_file_rdd_ops = { .compute = ds_text_file_rdd_compute,
                                               .estimate_bytes =
                                                   ds_text_file_rdd_estimate_bytes,
                                               .prepare = ds_text_file_rdd_prepare,
                                               .set_n_partitions =
                                                   ds_text_file_rdd_set_n_partitions };

static void
ds_text_file_rdd_finalize (GObject *object)
{
  DsTextFileRdd *self = (DsTextFileRdd *) object;

  g_clear_pointer (&self->splits, g_array_unref);
  g_clear_pointer (&self->files, g_ptr_array_unref);
  g_free (self->path);

  G_OBJECT_CLASS (ds_text_file_rdd_parent_class)->finalize (object);
}

static void
ds_text_file_rdd_class_init (DsTextFileRddClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_text_file_rdd_finalize;
  klass->parent_class.ops = &ds_text_file_rdd_ops;
}

static void
ds_text_file_rdd_init (DsTextFileRdd *self)
{
}

/**
 * ds_context_text_file:
 * @self: the engine
 * @path: (type filename): a file, a directory (its files, not those of directories below
 *   it), a glob (`logs/2024-*.txt`), or a `file://` URI
 *
 * The lines of text files, in order of name.
 *
 * A line ends with \n; one \r before it is not part of the line; what follows the last \n
 * is a line when it is not empty.  Names that begin with "." or "_" are passed over in
 * directories and globs, as is everything that is no regular file.  A name that ends in
 * ".gz" is unpacked, in one partition; other files are split at line ends into at least
 * as many partitions as the default parallelism says, of 128 MiB or a little more; a
 * larger one into a multiple of that number, so that the workers end together.
 *
 * The files are listed at the first use.  Actions fail with %DS_ERROR_NOT_FOUND when
 * there is none or one has vanished, %DS_ERROR_BAD_FILE when one is no regular file, is
 * damaged or has changed its size since, %DS_ERROR_LIMIT at a line of more than 64 MiB,
 * and %DS_ERROR_IO.
 *
 * Option: ds_rdd_set_n_partitions (): at least so many.
 *
 * Returns: (transfer full): the RDD of lines
 */
DsRdd *
ds_context_text_file (DsContext *self, const char *path)
{
  DsTextFileRdd *rdd;

  g_return_val_if_fail (DS_IS_CONTEXT (self) && path != NULL, NULL);

  rdd = g_object_new (ds_text_file_rdd_get_type (), NULL);
  rdd->path = g_strdup (path);
  rdd->min_partitions = ds_context_get_default_parallelism (self);
  ds_rdd_init_node (&rdd->parent_instance, self, "text_file", 0);
  return &rdd->parent_instance;
}
