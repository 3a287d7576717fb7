/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The options of directory streams: which files are taken, how many at once, and what
 * becomes of them. */

#include "dstream/ds-file-input-dstream-private.h"

#include "dstream/ds-streaming-context-private.h"

/* NULL: it is none, or it is too late; that is latched. */
static DsFileInputDStream *
ds_file_input_dstream_cast (DsDStream *self, const char *option)
{
  if (!ds_dstream_may_set (self, option))
    return NULL;
  if (DS_IS_FILE_INPUT_DSTREAM (self))
    return DS_FILE_INPUT_DSTREAM (self);
  ds_dstream_latch_lacks (self, option,
                          "text_file_stream, binary_records_stream and file_stream");
  return NULL;
}

/**
 * ds_dstream_set_file_filter:
 * @self: a directory stream
 * @func: (scope notified) (closure user_data) (destroy destroy) (nullable): called with
 *   the name of an entry, without its directory; %FALSE passes it over.  %NULL: none
 * @user_data: passed to @func
 * @destroy: (nullable): frees @user_data
 *
 * Sets which files are wanted, by name.  @func is asked for each file in each listing, by
 * the thread that generates batches, and should answer the same each time; it sees no
 * names of unfinished files, no links and nothing that is no file.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for any other stream.
 */
void
ds_dstream_set_file_filter (DsDStream *self,
                            DsFileFilterFunc func,
                            gpointer user_data,
                            GDestroyNotify destroy)
{
  DsSharedData *data;
  DsFileInputDStream *stream;

  g_return_if_fail (DS_IS_DSTREAM (self));

  data = ds_shared_data_new (user_data, destroy);
  stream = ds_file_input_dstream_cast (self, "set_file_filter");
  if (stream == NULL)
    {
      ds_shared_data_unref (data);
      return;
    }
  g_clear_pointer (&stream->filter_data, ds_shared_data_unref);
  stream->filter_data = data;
  stream->rules.filter = func;
  stream->rules.filter_data = user_data;
}

/**
 * ds_dstream_set_file_pattern:
 * @self: a directory stream
 * @glob: (nullable) (type filename): a pattern for names without directory, as `*.log`;
 *   %NULL: any name
 *
 * Sets what the names of files have to match.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for any other stream, and for a pattern with a "/",
 * which no name has.
 */
void
ds_dstream_set_file_pattern (DsDStream *self, const char *glob)
{
  DsFileInputDStream *stream;

  g_return_if_fail (DS_IS_DSTREAM (self));

  stream = ds_file_input_dstream_cast (self, "set_file_pattern");
  if (stream == NULL)
    return;
  if (glob != NULL && (strchr (glob, '/') != NULL || *glob == '\0'))
    {
      g_autofree char *shown = ds_file_display_name (glob);

      ds_streaming_context_latch (
          ds_dstream_get_context (self), DS_ERROR_INVALID_ARGUMENT,
          "set_file_pattern: the name of a file of stream %u never matches \"%s\"; give "
          "a "
          "pattern for names without directory, as \"*.log\", and put directories into "
          "the path of the stream",
          ds_dstream_get_id (self), shown);
      return;
    }
  g_free (stream->name_pattern);
  stream->name_pattern = g_strdup (glob);
  stream->rules.name_pattern = stream->name_pattern;
}

/**
 * ds_dstream_set_file_selection:
 * @self: a directory stream
 * @selection: which files are new
 *
 * Sets by what rule a file belongs to a batch.
 *
 * %DS_FILES_NEW, the default and Spark's, and %DS_FILES_RECENT go by the time at which a
 * file was modified: it must be within the last minute before the batch time
 * (#DsStreamingContext:file-min-remember), and for %DS_FILES_NEW after the stream was
 * made.  A file that is moved into the directory keeps its time, so that one that was
 * written earlier is passed over; touch it after moving, or copy it.  A file that is
 * changed after it was read is not read again for as long.
 *
 * %DS_FILES_ALL takes every file once, whatever its time.  A file is the same as long as
 * device, inode, size and time are; from one run to the next its device may have another
 * number, as after a reboot.  It is remembered until it is no longer listed, for about 70
 * bytes of memory.  One that is written to after it was taken is another file: all of it
 * is read again, which is logged once.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for any other stream.
 */
void
ds_dstream_set_file_selection (DsDStream *self, DsFileSelection selection)
{
  DsFileInputDStream *stream;

  g_return_if_fail (DS_IS_DSTREAM (self));
  g_return_if_fail (selection <= DS_FILES_ALL);

  stream = ds_file_input_dstream_cast (self, "set_file_selection");
  if (stream != NULL)
    stream->selection = selection;
}

/**
 * ds_dstream_set_max_depth:
 * @self: a directory stream
 * @max_depth: how many levels of directories below are looked into; 0: none
 *
 * Sets how deep files may lie; 0 by default.  Directories whose names begin with "." or
 * "_" are not looked into, links to directories are not followed.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for any other stream.
 */
void
ds_dstream_set_max_depth (DsDStream *self, guint max_depth)
{
  DsFileInputDStream *stream;

  g_return_if_fail (DS_IS_DSTREAM (self));

  stream = ds_file_input_dstream_cast (self, "set_max_depth");
  if (stream != NULL)
    stream->rules.max_depth = max_depth;
}

/**
 * ds_dstream_set_settle_time:
 * @self: a directory stream
 * @settle_time: in µs; 0: at once
 *
 * Sets how long a file must have been seen with the same size and time before it is
 * taken, for writers that do not move finished files into place; 0 by default.  Batches
 * look, so it is rounded up to them.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for any other stream and for a negative time.
 */
void
ds_dstream_set_settle_time (DsDStream *self, DsDuration settle_time)
{
  DsFileInputDStream *stream;

  g_return_if_fail (DS_IS_DSTREAM (self));

  stream = ds_file_input_dstream_cast (self, "set_settle_time");
  if (stream == NULL)
    return;
  if (settle_time < 0)
    ds_streaming_context_latch (ds_dstream_get_context (self), DS_ERROR_INVALID_ARGUMENT,
                                "set_settle_time: files of stream %u are to settle for "
                                "%" G_GINT64_FORMAT
                                " us; it must be 0 or more, as 5 * DS_SECOND",
                                ds_dstream_get_id (self), settle_time);
  else
    stream->rules.settle_time = settle_time;
}

/**
 * ds_dstream_set_max_files_per_batch:
 * @self: a directory stream
 * @max_files: how many files; 0: no limit
 *
 * Sets how many files a batch takes at most.  The oldest are taken first, the others wait
 * for later batches and do not become too old meanwhile.
 *
 * With a checkpoint directory there is a limit of its own: a batch has no more files than
 * its plan in the log can name, 48 MiB of paths and 64 bytes for each, shared by the
 * sources of the context.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for any other stream.
 */
void
ds_dstream_set_max_files_per_batch (DsDStream *self, guint max_files)
{
  DsFileInputDStream *stream;

  g_return_if_fail (DS_IS_DSTREAM (self));

  stream = ds_file_input_dstream_cast (self, "set_max_files_per_batch");
  if (stream != NULL)
    stream->rules.max_files = max_files;
}

/**
 * ds_dstream_set_max_bytes_per_batch:
 * @self: a directory stream
 * @max_bytes: how many bytes, of the files as they lie there; 0: no limit
 *
 * Sets how much a batch takes at most, as ds_dstream_set_max_files_per_batch () does for
 * their number.  A file that is larger makes a batch of its own.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for any other stream.
 */
void
ds_dstream_set_max_bytes_per_batch (DsDStream *self, guint64 max_bytes)
{
  DsFileInputDStream *stream;

  g_return_if_fail (DS_IS_DSTREAM (self));

  stream = ds_file_input_dstream_cast (self, "set_max_bytes_per_batch");
  if (stream != NULL)
    stream->rules.max_bytes = max_bytes;
}

/**
 * ds_dstream_set_archive_directory:
 * @self: a directory stream
 * @directory: (nullable) (type filename): an existing directory on the file system of the
 *   files; %NULL: they stay
 *
 * Lets files be moved to @directory once they are processed: when their batch is
 * completed and no stream remembers it.  Files of batches that failed stay.  A name that
 * is taken there gets ".1", ".2" ... behind it.  The stream does not look into
 * @directory, wherever it lies.
 *
 * A file that cannot be moved stays, which is logged once; it is not read again.  An RDD
 * of the batch that the program keeps for longer can no longer be computed.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for any other stream.  A directory that is missing
 * or lies elsewhere makes start fail.
 */
void
ds_dstream_set_archive_directory (DsDStream *self, const char *directory)
{
  DsFileInputDStream *stream;
  g_autofree char *here = NULL;

  g_return_if_fail (DS_IS_DSTREAM (self));

  stream = ds_file_input_dstream_cast (self, "set_archive_directory");
  if (stream == NULL)
    return;
  g_clear_pointer (&stream->archive, g_free);
  if (directory == NULL)
    return;
  here = g_get_current_dir ();
  stream->archive = g_path_is_absolute (directory)
                        ? g_strdup (directory)
                        : g_build_filename (here, directory, NULL);
}

/**
 * ds_dstream_set_delete_files:
 * @self: a directory stream
 * @delete_files: %TRUE: files are deleted once they are processed
 *
 * Lets files be deleted when ds_dstream_set_archive_directory () would move them; %FALSE
 * by default.  A file that was changed since it was read is left alone, also one that is
 * put in its place at that moment: each file is moved into a hidden directory beside it
 * (`.ds-clean-up-...`) and looked at there before it goes.  A process that is killed in
 * between leaves that directory, and the next run puts back what is in it.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for any other stream.  Start fails when there is an
 * archive, too.
 */
void
ds_dstream_set_delete_files (DsDStream *self, gboolean delete_files)
{
  DsFileInputDStream *stream;

  g_return_if_fail (DS_IS_DSTREAM (self));

  stream = ds_file_input_dstream_cast (self, "set_delete_files");
  if (stream != NULL)
    stream->deletes = delete_files;
}

/* ---- Options that other sources have, too ---- */

gboolean
ds_file_input_dstream_set_max_record_bytes (DsDStream *stream, gsize max_bytes)
{
  DsFileInputDStream *self;
  DsFileFormat format;
  g_autoptr (GError) error = NULL;

  if (!DS_IS_FILE_INPUT_DSTREAM (stream) ||
      DS_FILE_INPUT_DSTREAM (stream)->format.kind == DS_FILE_FORMAT_BINARY)
    return FALSE;
  self = DS_FILE_INPUT_DSTREAM (stream);
  format = self->format;
  format.max_record_bytes = max_bytes;
  if (max_bytes > 0 && ds_file_format_check (&format, &error))
    self->format.max_record_bytes = max_bytes;
  else
    ds_streaming_context_latch (
        ds_dstream_get_context (stream), DS_ERROR_INVALID_ARGUMENT,
        "set_max_record_bytes: %" G_GSIZE_FORMAT
        " bytes for the records of stream %u; at least 1 is needed%s%s",
        max_bytes, ds_dstream_get_id (stream), error != NULL ? ": " : "",
        error != NULL ? error->message : "");
  return TRUE;
}

gboolean
ds_file_input_dstream_set_bad_record_policy (DsDStream *stream, DsBadRecordPolicy policy)
{
  DsFileInputDStream *self;
  DsFileFormat format;
  g_autoptr (GError) error = NULL;

  if (!DS_IS_FILE_INPUT_DSTREAM (stream))
    return FALSE;
  self = DS_FILE_INPUT_DSTREAM (stream);
  format = self->format;
  format.policy = (DsFileBadRecordPolicy) policy;
  if (ds_file_format_check (&format, &error))
    self->format.policy = format.policy;
  else
    ds_streaming_context_latch (ds_dstream_get_context (stream),
                                DS_ERROR_INVALID_ARGUMENT,
                                "set_bad_record_policy: stream %u: %s",
                                ds_dstream_get_id (stream), error->message);
  return TRUE;
}
