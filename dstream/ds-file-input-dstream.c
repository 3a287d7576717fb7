/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Streams of the files that come into a directory.  A batch scans the directory when it
 * is generated, writes down the files that it takes, and its RDD reads those and no
 * others, as often as it is asked.
 *
 * A stream is as old as its creation, by the clock of the context.  Files are dated by
 * the system's coarse clock, which is a few milliseconds behind: a file that is written
 * right after the stream was made must not be older than it. */

#include "dstream/ds-file-input-dstream-private.h"

#include "base/ds-write-ahead-log-private.h"
#include "dstream/ds-streaming-context-private.h"

#include <time.h>

G_DEFINE_FINAL_TYPE (DsFileInputDStream, ds_file_input_dstream, DS_TYPE_INPUT_DSTREAM)

static void
ds_file_batch_free (gpointer data)
{
  DsFileBatch *self = data;

  g_ptr_array_unref (self->files);
  g_free (self);
}

static DsStreamingContext *
ds_file_input_dstream_get_streaming_context (DsFileInputDStream *self)
{
  return ds_dstream_get_node (DS_DSTREAM (self))->context;
}

/* ---- Scanning.  Thread: driver.  Locks: the graph's is held. ---- */

static void
ds_file_input_dstream_tell (const char *path, const char *reason, gpointer user_data)
{
  DsFileInputDStream *self = user_data;
  g_autofree char *name = ds_file_display_name (path);

  ds_streaming_context_post_file (ds_file_input_dstream_get_streaming_context (self),
                                  DS_DSTREAM (self), name, reason);
}

void
ds_file_input_dstream_add_batch (DsFileInputDStream *self,
                                 DsTime time,
                                 GPtrArray *files,
                                 guint64 n_bytes)
{
  DsFileBatch *batch = g_new0 (DsFileBatch, 1);

  batch->time = time;
  batch->files = files;
  batch->n_bytes = n_bytes;
  self->newest_time = time;
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->batches, batch);
  g_mutex_unlock (&self->lock);
}

static void
ds_file_input_dstream_scan (DsFileInputDStream *self, DsTime time)
{
  DsStreamingContext *context = ds_file_input_dstream_get_streaming_context (self);
  g_auto (DsDirectoryScan) scan = { 0 };
  gint64 begin = g_get_monotonic_time ();
  DsScanRules rules = self->rules;

  /* What came since the last batch is new, however many were given up since. */
  if (self->newest_time != DS_TIME_NONE && rules.remember < G_MAXINT64 / 2)
    rules.remember += MAX (time - self->newest_time - context->interval, 0);
  ds_directory_scanner_scan (self->scanner, &rules, time,
                             ds_clock_get_time (context->clock),
                             ds_file_input_dstream_tell, self, &scan);
  ds_file_input_dstream_log_scan (self, &scan, g_get_monotonic_time () - begin);
  if (scan.asides != NULL)
    ds_file_input_dstream_restore (self, scan.asides);

  g_mutex_lock (&self->lock);
  g_free (self->last_scan);
  self->last_scan = ds_file_input_dstream_describe_scan (self, &scan);
  g_mutex_unlock (&self->lock);
  ds_file_input_dstream_add_batch (self, time, g_steal_pointer (&scan.files),
                                   scan.n_bytes);
}

/* Locks: self->lock. */
static DsFileBatch *
ds_file_input_dstream_find_batch_locked (DsFileInputDStream *self, DsTime time)
{
  for (const GList *item = self->batches.tail; item != NULL; item = item->prev)
    if (((DsFileBatch *) item->data)->time == time)
      return item->data;
  return NULL;
}

GPtrArray *
ds_file_input_dstream_find_files (DsFileInputDStream *self, DsTime time)
{
  const DsFileBatch *batch;
  GPtrArray *files;

  g_mutex_lock (&self->lock);
  batch = ds_file_input_dstream_find_batch_locked (self, time);
  files = batch != NULL ? g_ptr_array_ref (batch->files) : NULL;
  g_mutex_unlock (&self->lock);
  return files;
}

/* Of a batch that is being generated, once. */
static gboolean
ds_file_input_dstream_report (DsFileInputDStream *self, DsTime time, GError **error)
{
  DsStreamingContext *context = ds_file_input_dstream_get_streaming_context (self);
  DsFileBatch *batch;
  guint n_files = 0;
  guint64 n_bytes = 0;
  gboolean is_new;

  g_mutex_lock (&self->lock);
  batch = ds_file_input_dstream_find_batch_locked (self, time);
  is_new = batch != NULL && !batch->is_reported &&
           ds_graph_is_generating (context->graph, time);
  if (is_new)
    {
      batch->is_reported = TRUE;
      n_files = batch->files->len;
      n_bytes = batch->n_bytes;
    }
  g_mutex_unlock (&self->lock);
  return !is_new ||
         ds_receiver_tracker_report_files (context->receivers, time,
                                           ds_dstream_get_id (DS_DSTREAM (self)), n_files,
                                           n_bytes, error);
}

/* The files of a batch: those of a scan if it is a new one, else those that were taken
 * then, by this process or the one before.  (transfer full) (nullable): NULL with @error,
 * or when nothing is known of an old batch any more. */
static GPtrArray *
ds_file_input_dstream_plan (DsFileInputDStream *self, DsTime time, GError **error)
{
  if (self->newest_time == DS_TIME_NONE || time > self->newest_time)
    ds_file_input_dstream_scan (self, time);
  return ds_file_input_dstream_report (self, time, error)
             ? ds_file_input_dstream_find_files (self, time)
             : NULL;
}

/* ---- A batch ---- */

/* Who hears of a file that a task passes over: the RDD may outlive the context. */
typedef struct
{
  GWeakRef context;
  DsDStream *stream;
} DsFileReporter;

static void
ds_file_reporter_free (gpointer data)
{
  DsFileReporter *self = data;

  g_weak_ref_clear (&self->context);
  g_object_unref (self->stream);
  g_free (self);
}

/* Thread: executor. */
static void
ds_file_reporter_report (const DsPlannedFile *file,
                         const GError *reason,
                         gpointer user_data)
{
  DsFileReporter *self = user_data;
  g_autoptr (DsStreamingContext) context = g_weak_ref_get (&self->context);
  g_autofree char *name = ds_file_display_name (file->path);

  g_message ("%s: \"%s\" is passed over: %s", ds_dstream_describe (self->stream), name,
             reason->message);
  if (context != NULL)
    ds_streaming_context_post_file (context, self->stream, name, reason->message);
}

static DsRdd *
ds_file_input_dstream_make_rdd (DsFileInputDStream *self, GPtrArray *planned)
{
  DsDStreamNode *node = ds_dstream_get_node (DS_DSTREAM (self));
  g_autofree DsPlannedFile **files = g_new (DsPlannedFile *, planned->len);
  DsFileFormat format = self->format;

  for (guint i = 0; i < planned->len; i++)
    {
      const DsPlannedFile *file = planned->pdata[i];

      files[i] = ds_planned_file_new (file->file_system, file->path, &file->status);
    }
  format.parse_data = node->data->user_data;
  if (format.policy == DS_FILE_ON_BAD_SKIP_FILE)
    {
      DsFileReporter *reporter = g_new0 (DsFileReporter, 1);

      g_weak_ref_init (&reporter->context, node->context);
      reporter->stream = g_object_ref (DS_DSTREAM (self));
      format.report = ds_file_reporter_report;
      format.report_data = reporter;
      format.report_destroy = ds_file_reporter_free;
    }
  return ds_dstream_lend_data (DS_DSTREAM (self),
                               ds_file_rdd_new (node->context->context, &format, files,
                                                planned->len));
}

static DsRdd *
ds_file_input_dstream_compute (DsDStream *dstream, DsBatch *batch, GError **error)
{
  DsFileInputDStream *self = DS_FILE_INPUT_DSTREAM (dstream);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GPtrArray) files =
      ds_file_input_dstream_plan (self, ds_batch_get_time (batch), &local_error);

  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  if (files == NULL || files->len == 0)
    return ds_context_empty (ds_dstream_get_node (dstream)->context->context);
  return ds_file_input_dstream_make_rdd (self, files);
}

static const DsDStreamOps ds_file_input_dstream_ops = {
  .kind = "file stream",
  .compute = ds_file_input_dstream_compute,
  .recovery = &ds_file_input_dstream_recovery,
};

/* Forgets batches; the files of those that are completed are not needed any more. */
static void
ds_file_input_dstream_drop_batches (DsFileInputDStream *self, DsTime until)
{
  g_autoptr (GPtrArray) done =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  DsFileBatch *batch;

  g_mutex_lock (&self->lock);
  while ((batch = g_queue_peek_head (&self->batches)) != NULL && batch->time <= until)
    {
      if (batch->is_completed)
        g_ptr_array_add (done, g_ptr_array_ref (batch->files));
      ds_file_batch_free (g_queue_pop_head (&self->batches));
    }
  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < done->len; i++)
    ds_file_input_dstream_clean_up (self, done->pdata[i]);
}

/* Up to here no batch is needed any longer after that of @time: neither by windows, nor
 * by a recovery from the oldest checkpoint that is kept. */
static DsTime
ds_file_input_dstream_get_unneeded_time (DsFileInputDStream *self, DsTime time)
{
  DsStreamingContext *context = ds_file_input_dstream_get_streaming_context (self);
  DsTime last = time;

  if (context->checkpointer != NULL)
    last = MIN (last, ds_checkpointer_get_oldest_time (context->checkpointer));
  if (last == DS_TIME_NONE)
    return DS_TIME_NONE;
  return last - ds_dstream_get_node (DS_DSTREAM (self))->remember;
}

void
ds_file_input_dstream_set_completed (DsFileInputDStream *self, DsTime time, gboolean ok)
{
  DsFileBatch *batch;

  g_mutex_lock (&self->lock);
  batch = ds_file_input_dstream_find_batch_locked (self, time);
  if (batch != NULL)
    batch->is_completed = ok;
  g_mutex_unlock (&self->lock);
}

void
ds_file_input_dstream_end_batch (DsInputDStream *input, DsTime time, gboolean ok)
{
  DsFileInputDStream *self;

  if (!DS_IS_FILE_INPUT_DSTREAM (input))
    return;
  self = DS_FILE_INPUT_DSTREAM (input);
  ds_file_input_dstream_set_completed (self, time, ok);
  ds_file_input_dstream_drop_batches (self,
                                      ds_file_input_dstream_get_unneeded_time (self,
                                                                               time));
}

/* ---- Start and stop ---- */

/* The plan of a batch is one record of the log, with the files of all streams and the
 * blocks of all receivers.  Three quarters of it are for files; a stream's share is
 * enough for one file even where there are thousands of streams.  0: no plan is written.
 */
static guint64
ds_file_input_dstream_get_max_plan_bytes (DsStreamingContext *context)
{
  if (context->checkpoint_directory == NULL)
    return 0;
  return DS_LOG_MAX_RECORD_BYTES / 4 * 3 / ds_graph_get_n_inputs (context->graph);
}

static gboolean
ds_file_input_dstream_start (DsInputDStream *input, GError **error)
{
  DsFileInputDStream *self = DS_FILE_INPUT_DSTREAM (input);
  DsStreamingContext *context = ds_file_input_dstream_get_streaming_context (self);
  gint64 n_batches =
      ds_directory_scanner_count_batches (context->file_min_remember, context->interval);

  if (!ds_file_input_dstream_check_archive (self, error))
    return FALSE;
  /* Times of another clock mean nothing to this one. */
  if (self->clock != context->clock && !self->is_recovered)
    self->creation_time = ds_clock_get_time (context->clock);
  self->rules.takes_all = self->selection == DS_FILES_ALL;
  self->rules.ignore_until = self->selection == DS_FILES_NEW ? self->creation_time : 0;
  self->rules.remember = n_batches <= G_MAXINT64 / context->interval
                             ? n_batches * context->interval
                             : G_MAXINT64;
  self->rules.max_plan_bytes = ds_file_input_dstream_get_max_plan_bytes (context);
  return TRUE;
}

/* After the last batch: windows need the files no longer, either; a recovery might. */
static void
ds_file_input_dstream_stop (DsInputDStream *input)
{
  DsFileInputDStream *self = DS_FILE_INPUT_DSTREAM (input);
  DsStreamingContext *context = ds_file_input_dstream_get_streaming_context (self);

  ds_file_input_dstream_drop_batches (
      self, context->checkpointer != NULL
                ? ds_file_input_dstream_get_unneeded_time (self, G_MAXINT64)
                : G_MAXINT64);
}

char *
ds_file_input_dstream_explain (DsDStream *stream)
{
  DsFileInputDStream *self;
  char *text;

  if (!DS_IS_FILE_INPUT_DSTREAM (stream))
    return NULL;
  self = DS_FILE_INPUT_DSTREAM (stream);
  g_mutex_lock (&self->lock);
  text = g_strdup (self->last_scan);
  g_mutex_unlock (&self->lock);
  return text;
}

static void
ds_file_input_dstream_finalize (GObject *object)
{
  DsFileInputDStream *self = DS_FILE_INPUT_DSTREAM (object);

  g_queue_clear_full (&self->batches, ds_file_batch_free);
  g_clear_pointer (&self->scanner, ds_directory_scanner_free);
  g_clear_pointer (&self->filter_data, ds_shared_data_unref);
  g_clear_object (&self->clock);
  g_free (self->name_pattern);
  g_free (self->archive);
  g_free (self->directory);
  g_free (self->shown_error);
  g_free (self->last_scan);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (ds_file_input_dstream_parent_class)->finalize (object);
}

static void
ds_file_input_dstream_class_init (DsFileInputDStreamClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_file_input_dstream_finalize;
  DS_DSTREAM_CLASS (klass)->ops = &ds_file_input_dstream_ops;
  DS_INPUT_DSTREAM_CLASS (klass)->start = ds_file_input_dstream_start;
  DS_INPUT_DSTREAM_CLASS (klass)->stop = ds_file_input_dstream_stop;
}

static void
ds_file_input_dstream_init (DsFileInputDStream *self)
{
  g_mutex_init (&self->lock);
  g_queue_init (&self->batches);
  self->newest_time = DS_TIME_NONE;
}

/* ---- Making one ---- */

static DsTime
ds_file_input_dstream_get_creation_time (DsClock *clock)
{
  DsTime now = ds_clock_get_time (clock);
  struct timespec coarse;
  DsTime file_now;

  clock_gettime (CLOCK_REALTIME_COARSE, &coarse);
  file_now = (DsTime) coarse.tv_sec * DS_SECOND + coarse.tv_nsec / 1000;
  /* A clock of the program's own may be anywhere. */
  if (now <= file_now - DS_SECOND || now >= file_now + DS_SECOND)
    return now;
  return MIN (now, file_now - 1);
}

/* The local path that @directory names.  (transfer full): NULL with what is wrong. */
static char *
ds_file_input_dstream_parse_directory (const char *directory, char **mistake)
{
  g_autofree char *scheme = g_uri_parse_scheme (directory);
  g_autofree char *path = NULL;
  g_autofree char *here = NULL;

  if (*directory == '\0')
    {
      *mistake = g_strdup ("the directory has no name");
      return NULL;
    }
  if (g_str_has_prefix (directory, "file://"))
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *host = NULL;

      path = g_filename_from_uri (directory, &host, &error);
      if (path == NULL)
        *mistake = g_strdup (error->message);
      else if (host != NULL && !g_str_equal (host, "localhost"))
        {
          *mistake = g_strdup_printf ("it is on another machine, %s", host);
          return NULL;
        }
    }
  else if (scheme != NULL && strstr (directory, "://") != NULL)
    *mistake = g_strdup_printf ("this version reads local directories and file:// URIs, "
                                "not %s://",
                                scheme);
  else
    path = g_strdup (directory);
  if (path == NULL || g_path_is_absolute (path))
    return g_steal_pointer (&path);
  here = g_get_current_dir ();
  return g_build_filename (here, path, NULL);
}

DsDStream *
ds_file_input_dstream_add (DsStreamingContext *context,
                           const char *what,
                           const char *directory,
                           const DsFileFormat *format)
{
  g_autofree char *mistake = NULL;
  g_autofree char *path = ds_file_input_dstream_parse_directory (directory, &mistake);
  g_autoptr (DsFileInputDStream) self = g_object_new (DS_TYPE_FILE_INPUT_DSTREAM, NULL);
  DsDStreamNode *node = ds_dstream_get_node (DS_DSTREAM (self));
  g_autoptr (GError) error = NULL;

  self->format = *format;
  self->format.parse_destroy = NULL;
  self->format.counts_lines = TRUE;
  node->data = ds_shared_data_new (format->parse_data, format->parse_destroy);
  if (path == NULL)
    {
      g_autofree char *shown = ds_file_display_name (directory);

      ds_streaming_context_latch (context, DS_ERROR_INVALID_ARGUMENT,
                                  "%s: \"%s\" is no directory that can be read: %s; "
                                  "give a path, as \"incoming\" or \"logs/*\"",
                                  what, shown, mistake);
      return ds_dstream_new_inert (context);
    }
  if (!ds_file_format_check (format, &error))
    {
      ds_streaming_context_latch (context, (DsError) error->code, "%s: %s", what,
                                  error->message);
      return ds_dstream_new_inert (context);
    }

  self->files = ds_file_system_get_local ();
  self->clock = g_object_ref (context->clock);
  self->creation_time = ds_file_input_dstream_get_creation_time (self->clock);
  self->scanner = ds_directory_scanner_new (self->files, path);
  self->directory = g_steal_pointer (&path);
  return ds_streaming_context_input_stream (context, DS_INPUT_DSTREAM (self));
}

/**
 * ds_streaming_context_text_file_stream:
 * @self: a context
 * @directory: (type filename): a directory, a glob over directories (`logs/2024-*`), or a
 *   `file://` URI of one; it may come into being later
 *
 * Adds a stream of the lines of the files that come into a directory.
 *
 * Each batch lists the directory and takes, whole and once, the files that were modified
 * after the stream was made and no later than the batch time; see
 * ds_dstream_set_file_selection () for other rules.  A listing costs about 1.2 µs a file
 * that is there.  Files have to be moved into the directory when they are finished (and
 * have to be new: moving keeps the time, as ds_dstream_set_file_selection () says), or to
 * be given time with ds_dstream_set_settle_time ().  Passed over, and told once each with
 * the reason (#DsStreamingContext::file-passed-over), are names that begin with "." or
 * "_" or end in "._COPYING_", symbolic links, FIFOs, devices, directories below
 * (ds_dstream_set_max_depth ()) and files that are too old.
 *
 * Lines are those of ds_context_text_file (): a name that ends in ".gz" is unpacked, and
 * one large file is read by all workers.  A file that is gone, or another one, when it is
 * read fails the batch; ds_dstream_set_bad_record_policy () can pass over it.
 *
 * A directory that is missing gives empty batches, and is said so once.  Latches
 * %DS_ERROR_INVALID_ARGUMENT for what is no path and no `file://` URI.
 *
 * Returns: (transfer none): the stream, owned by the context
 */
DsDStream *
ds_streaming_context_text_file_stream (DsStreamingContext *self, const char *directory)
{
  const DsFileFormat format = { .kind = DS_FILE_FORMAT_TEXT };

  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), NULL);
  g_return_val_if_fail (directory != NULL, NULL);

  return ds_file_input_dstream_add (self, "text_file_stream", directory, &format);
}

/**
 * ds_streaming_context_binary_records_stream:
 * @self: a context
 * @directory: (type filename): as for ds_streaming_context_text_file_stream ()
 * @record_length: bytes a record, 1 to 1 GiB
 *
 * Adds a stream of the records of fixed length of the files that come into a directory.
 * A value is the bytes of a record, in place: nothing is copied.
 *
 * A file whose size is no multiple of @record_length fails the batch, unless
 * ds_dstream_set_bad_record_policy () says otherwise.  Latches
 * %DS_ERROR_BAD_RECORD_LENGTH for a length out of range, and what
 * ds_streaming_context_text_file_stream () latches.
 *
 * Returns: (transfer none): the stream, owned by the context
 */
DsDStream *
ds_streaming_context_binary_records_stream (DsStreamingContext *self,
                                            const char *directory,
                                            gsize record_length)
{
  const DsFileFormat format = { .kind = DS_FILE_FORMAT_BINARY,
                                .record_length = record_length };

  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), NULL);
  g_return_val_if_fail (directory != NULL, NULL);

  return ds_file_input_dstream_add (self, "binary_records_stream", directory, &format);
}

/**
 * ds_streaming_context_file_stream: (skip)
 * @self: a context
 * @directory: (type filename): as for ds_streaming_context_text_file_stream ()
 * @parse: (scope notified) (closure user_data) (destroy destroy): cuts bytes into values
 * @user_data: passed to @parse
 * @destroy: (nullable): frees @user_data
 *
 * Adds a stream of what a function of the program makes of the files that come into a
 * directory: @parse is handed a file's bytes in pieces, emits the values that are whole,
 * and returns how many bytes those took; the rest comes again with more behind it.  A
 * file is read by one task, several files by several.
 *
 * Latches what ds_streaming_context_text_file_stream () latches.
 *
 * Returns: (transfer none): the stream, owned by the context
 */
DsDStream *
ds_streaming_context_file_stream (DsStreamingContext *self,
                                  const char *directory,
                                  DsParseFunc parse,
                                  gpointer user_data,
                                  GDestroyNotify destroy)
{
  const DsFileFormat format = { .kind = DS_FILE_FORMAT_PARSE,
                                .parse = parse,
                                .parse_data = user_data,
                                .parse_destroy = destroy };

  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), NULL);
  g_return_val_if_fail (directory != NULL, NULL);
  g_return_val_if_fail (parse != NULL, NULL);

  return ds_file_input_dstream_add (self, "file_stream", directory, &format);
}
