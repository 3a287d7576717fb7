/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The RDD of what files hold.  Files that a path names are listed once, when a job or a
 * question first needs them; from then on, as for files that were planned by somebody
 * else, the RDD is about those files as they were. */

#include "rdd/ds-file-rdd-private.h"

#include "base/ds-error.h"
#include "rdd/ds-file-read-private.h"

#define DS_FILE_DEFAULT_MAX_WHOLE_BYTES (1024 * 1024 * 1024)

typedef struct
{
  DsRdd parent_instance;
  DsFileFormat format;
  char *path; /* (nullable): the files were given */
  guint min_partitions;
  GPtrArray *files;  /* (nullable): given, or made by prepare */
  gint *is_reported; /* of each file; atomic */
  GArray *splits;    /* made by prepare, as all below */
  GArray *first_splits;
  guint64 n_bytes;
} DsFileRdd;

typedef struct
{
  DsRddClass parent_class;
} DsFileRddClass;

static GType ds_file_rdd_get_type (void);
G_DEFINE_FINAL_TYPE (DsFileRdd, ds_file_rdd, DS_TYPE_RDD)

/* ---- The format ---- */

static const struct
{
  const char *operator_name;
  void (*read) (DsFileReader *reader);
} ds_file_kinds[] = {
  [DS_FILE_FORMAT_TEXT] = { "text_file", ds_file_read_text },
  [DS_FILE_FORMAT_BINARY] = { "binary_records", ds_file_read_binary },
  [DS_FILE_FORMAT_PARSE] = { "parsed_files", ds_file_read_parse },
  [DS_FILE_FORMAT_WHOLE_TEXT] = { "whole_text_files", ds_file_read_whole },
  [DS_FILE_FORMAT_WHOLE_BYTES] = { "binary_files", ds_file_read_whole },
};

gboolean
ds_file_format_check (const DsFileFormat *format, GError **error)
{
  if (format->kind == DS_FILE_FORMAT_BINARY &&
      (format->record_length == 0 || format->record_length > DS_FILE_MAX_RECORD_LENGTH))
    {
      g_set_error (error, DS_ERROR, DS_ERROR_BAD_RECORD_LENGTH,
                   "A record length of %" G_GSIZE_FORMAT
                   " bytes was given: it must be from 1 byte to %" G_GUINT64_FORMAT
                   " (1 GiB)",
                   format->record_length, DS_FILE_MAX_RECORD_LENGTH);
      return FALSE;
    }
  if (format->policy == DS_FILE_ON_BAD_SPLIT && format->kind != DS_FILE_FORMAT_TEXT)
    {
      g_set_error_literal (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                           "Bad records are to be split, which only lines can be: let "
                           "them fail, or be skipped");
      return FALSE;
    }
  if (format->max_record_bytes > G_MAXUINT32 - 2)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                   "Records of up to %" G_GSIZE_FORMAT
                   " bytes were asked for: a value has at most %u",
                   format->max_record_bytes, G_MAXUINT32 - 2);
      return FALSE;
    }
  return TRUE;
}

gsize
ds_file_format_get_max_record_bytes (const DsFileFormat *format)
{
  if (format->max_record_bytes > 0)
    return format->max_record_bytes;
  return format->kind == DS_FILE_FORMAT_WHOLE_TEXT ||
                 format->kind == DS_FILE_FORMAT_WHOLE_BYTES
             ? DS_FILE_DEFAULT_MAX_WHOLE_BYTES
             : DS_FILE_DEFAULT_MAX_LINE_BYTES;
}

/* ---- Planning ---- */

/* Takes over @reason. */
static void
ds_file_rdd_report (DsFileRdd *self, guint index, GError *reason)
{
  if (self->format.report != NULL &&
      g_atomic_int_compare_and_exchange (&self->is_reported[index], 0, 1))
    self->format.report (self->files->pdata[index], reason, self->format.report_data);
  g_error_free (reason);
}

/* What can be seen of a file without reading it: that it is still the same, and divides
 * into records. */
static gboolean
ds_file_rdd_check_file (DsFileRdd *self, const DsPlannedFile *file, GError **error)
{
  const DsFileFormat *format = &self->format;

  if (format->policy == DS_FILE_ON_BAD_SKIP_FILE)
    {
      g_autoptr (DsFile) opened = ds_planned_file_open (file, error);

      if (opened == NULL)
        return FALSE;
    }
  if (format->kind == DS_FILE_FORMAT_BINARY && format->policy != DS_FILE_ON_BAD_SKIP &&
      !ds_file_is_gzip (file) && file->status.n_bytes % format->record_length > 0)
    {
      ds_file_set_remainder_error (error, file, file->status.n_bytes,
                                   format->record_length);
      return FALSE;
    }
  return TRUE;
}

/* The files that are read, NULL in place of those that are passed over. */
static GPtrArray *
ds_file_rdd_choose_files (DsFileRdd *self, GError **error)
{
  g_autoptr (GPtrArray) chosen = g_ptr_array_new ();

  for (guint i = 0; i < self->files->len; i++)
    {
      DsPlannedFile *file = self->files->pdata[i];
      GError *reason = NULL;

      if (!ds_file_rdd_check_file (self, file, &reason))
        {
          if (self->format.policy != DS_FILE_ON_BAD_SKIP_FILE)
            {
              g_propagate_error (error, reason);
              return NULL;
            }
          ds_file_rdd_report (self, i, reason);
          file = NULL;
        }
      g_ptr_array_add (chosen, file);
    }
  return g_steal_pointer (&chosen);
}

static gboolean
ds_file_rdd_prepare (DsRdd *rdd, GError **error)
{
  DsFileRdd *self = (DsFileRdd *) rdd;
  g_autoptr (GPtrArray) chosen = NULL;

  if (self->path != NULL)
    {
      g_clear_pointer (&self->files, g_ptr_array_unref);
      g_clear_pointer (&self->is_reported, g_free);
      self->files = ds_file_list_path (self->path, error);
    }
  if (self->files != NULL && self->is_reported == NULL)
    self->is_reported = g_new0 (gint, MAX (self->files->len, 1));
  if (self->files != NULL)
    chosen = ds_file_rdd_choose_files (self, error);
  if (chosen == NULL)
    {
      g_prefix_error (error, "%s: ", ds_rdd_get_operator_name (rdd));
      return FALSE;
    }

  self->splits = ds_file_split (chosen, &self->format, self->min_partitions);
  self->first_splits =
      ds_file_share_splits (self->splits, &self->format, self->min_partitions);
  for (guint i = 0; i < self->splits->len; i++)
    self->n_bytes +=
        ds_file_split_estimate_bytes (&g_array_index (self->splits, DsFileSplit, i),
                                      &self->format);
  ds_rdd_set_node_n_partitions (rdd, self->first_splits->len - 1);
  return TRUE;
}

static guint64
ds_file_rdd_estimate_bytes (DsRdd *rdd)
{
  DsFileRdd *self = (DsFileRdd *) rdd;

  return self->splits != NULL ? self->n_bytes : G_MAXUINT64;
}

static gboolean
ds_file_rdd_set_n_partitions (DsRdd *rdd, guint n_partitions)
{
  DsFileRdd *self = (DsFileRdd *) rdd;

  self->min_partitions =
      n_partitions > 0 ? n_partitions
                       : ds_context_get_default_parallelism (ds_rdd_get_context (rdd));
  return TRUE;
}

/* ---- Reading ---- */

gboolean
ds_file_reader_take_bad_record (DsFileReader *self, GError *error)
{
  if (self->format->policy != DS_FILE_ON_BAD_SKIP)
    {
      ds_task_take_error (self->task, error);
      return FALSE;
    }
  ds_task_count (self->task, DS_FILE_SKIPPED_COUNTER, 1);
  g_error_free (error);
  return TRUE;
}

void
ds_file_reader_pass_over (DsFileReader *self, GError *reason)
{
  ds_file_rdd_report ((DsFileRdd *) self->rdd, self->split->index, reason);
}

/* FALSE: enough, or the task failed. */
static gboolean
ds_file_rdd_read_split (DsFileRdd *self,
                        const DsFileSplit *split,
                        DsTask *task,
                        DsSink *sink)
{
  DsFileReader reader = { .format = &self->format,
                          .split = split,
                          .rdd = &self->parent_instance,
                          .task = task,
                          .sink = sink };
  /* A split of text looks at the byte before it. */
  guint64 offset = split->begin > 0 && self->format.kind == DS_FILE_FORMAT_TEXT
                       ? split->begin - 1
                       : split->begin;
  GError *error = NULL;

  if (!ds_file_source_open (&reader.source, split->file, offset,
                            self->format.kind != DS_FILE_FORMAT_WHOLE_BYTES, task,
                            &error) ||
      (ds_file_is_read_ahead (split->file, &self->format) &&
       !ds_file_source_read_ahead (&reader.source, &error)))
    {
      /* A part of a file that was read elsewhere cannot be left out. */
      if (self->format.policy == DS_FILE_ON_BAD_SKIP_FILE && split->is_only)
        ds_file_rdd_report (self, split->index, error);
      else
        ds_task_take_error (task, error);
      return task->error == NULL;
    }
  ds_file_kinds[self->format.kind].read (&reader);
  ds_file_source_close (&reader.source);
  return !reader.has_enough && task->error == NULL;
}

static gboolean
ds_file_rdd_compute (DsRdd *rdd, guint partition, DsTask *task, DsSink *sink)
{
  DsFileRdd *self = (DsFileRdd *) rdd;
  guint end = g_array_index (self->first_splits, guint, partition + 1);

  for (guint i = g_array_index (self->first_splits, guint, partition); i < end; i++)
    if (!ds_task_may_go_on (task) ||
        !ds_file_rdd_read_split (self, &g_array_index (self->splits, DsFileSplit, i),
                                 task, sink))
      break;
  return task->error == NULL;
}

static const DsRddOps ds_file_rdd_ops = { .compute = ds_file_rdd_compute,
                                          .estimate_bytes = ds_file_rdd_estimate_bytes,
                                          .prepare = ds_file_rdd_prepare,
                                          .set_n_partitions =
                                              ds_file_rdd_set_n_partitions };

static void
ds_file_rdd_finalize (GObject *object)
{
  DsFileRdd *self = (DsFileRdd *) object;
  DsFileFormat *format = &self->format;

  g_clear_pointer (&self->first_splits, g_array_unref);
  g_clear_pointer (&self->splits, g_array_unref);
  g_clear_pointer (&self->files, g_ptr_array_unref);
  g_free (self->is_reported);
  g_free (self->path);
  if (format->parse_destroy != NULL)
    format->parse_destroy (format->parse_data);
  if (format->report_destroy != NULL)
    format->report_destroy (format->report_data);

  G_OBJECT_CLASS (ds_file_rdd_parent_class)->finalize (object);
}

static void
ds_file_rdd_class_init (DsFileRddClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_file_rdd_finalize;
  klass->parent_class.ops = &ds_file_rdd_ops;
}

static void
ds_file_rdd_init (DsFileRdd *self)
{
}

static DsFileRdd *
ds_file_rdd_new_of_kind (DsContext *context,
                         const char *operator_name,
                         const DsFileFormat *format)
{
  DsFileRdd *self = g_object_new (ds_file_rdd_get_type (), NULL);
  DsRdd *rdd = &self->parent_instance;
  GError *error = NULL;

  self->format = *format;
  self->min_partitions = ds_context_get_default_parallelism (context);
  ds_rdd_init_node (rdd, context, operator_name, 0);
  if (!ds_file_format_check (format, &error))
    {
      g_prefix_error (&error, "%s: ", operator_name);
      ds_rdd_latch_error (rdd, error);
    }
  return self;
}

DsRdd *
ds_file_rdd_new_for_path (DsContext *context,
                          const char *operator_name,
                          const DsFileFormat *format,
                          const char *path)
{
  DsFileRdd *self = ds_file_rdd_new_of_kind (context, operator_name, format);

  self->path = g_strdup (path);
  return &self->parent_instance;
}

static void
ds_file_rdd_free_file (gpointer data)
{
  ds_planned_file_free (data);
}

DsRdd *
ds_file_rdd_new (DsContext *context,
                 const DsFileFormat *format,
                 DsPlannedFile **files,
                 gsize n_files)
{
  DsFileRdd *self =
      ds_file_rdd_new_of_kind (context, ds_file_kinds[format->kind].operator_name,
                               format);

  self->files = g_ptr_array_new_full ((guint) n_files, ds_file_rdd_free_file);
  for (gsize i = 0; i < n_files; i++)
    g_ptr_array_add (self->files, files[i]);
  return &self->parent_instance;
}
