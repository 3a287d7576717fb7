/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Directory streams in checkpoints and in the log.  A plan is the files of a batch, by
 * path and identity: what is not the same any more when it is read again is an error, not
 * other data.  Of the identity the number of the device does not last: it may be another
 * one after a reboot, as after the disk was mounted anew.  A position is when the stream
 * was made, which files it has seen, and the plans of batches that windows still look
 * back at. */

#include "base/ds-codec-private.h"
#include "dstream/ds-file-input-dstream-private.h"
#include "dstream/ds-streaming-context-private.h"

#include <string.h>

enum
{
  DS_PLANNED_PATH,
  DS_PLANNED_DEVICE, /* when it was written down; it is not read */
  DS_PLANNED_INODE,
  DS_PLANNED_N_BYTES,
  DS_PLANNED_MODIFIED,
  DS_N_PLANNED
};

static gboolean
ds_file_input_dstream_fail_to_load (GError **error)
{
  g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
               "what is known of its files does not have the expected form");
  return FALSE;
}

/* ---- Files ---- */

static void
ds_planned_files_encode (GPtrArray *files, GByteArray *bytes)
{
  for (guint i = 0; i < files->len; i++)
    {
      const DsPlannedFile *file = files->pdata[i];
      const DsValue fields[DS_N_PLANNED] = {
        [DS_PLANNED_PATH] = ds_value_bytes (file->path, (guint32) strlen (file->path)),
        [DS_PLANNED_DEVICE] = ds_value_int ((gint64) file->status.device),
        [DS_PLANNED_INODE] = ds_value_int ((gint64) file->status.inode),
        [DS_PLANNED_N_BYTES] = ds_value_int ((gint64) file->status.n_bytes),
        [DS_PLANNED_MODIFIED] = ds_value_int (file->status.modified_ns),
      };

      ds_codec_encode (ds_value_tuple (fields, DS_N_PLANNED), bytes);
    }
}

/* (transfer full); NULL: it is none. */
static DsPlannedFile *
ds_planned_file_decode (DsFileSystem *files, DsValue value)
{
  DsFileStatus status = { .kind = DS_FILE_REGULAR, .device = DS_FILE_ANY_DEVICE };
  g_autofree char *path = NULL;

  if (!ds_value_is (value, DS_VALUE_TYPE_TUPLE) || value.size < DS_N_PLANNED ||
      !ds_value_is (value.as.items[DS_PLANNED_PATH], DS_VALUE_TYPE_BYTES))
    return NULL;
  for (guint i = DS_PLANNED_DEVICE; i < DS_N_PLANNED; i++)
    if (!ds_value_is (value.as.items[i], DS_VALUE_TYPE_INT))
      return NULL;
  path = g_strndup (value.as.items[DS_PLANNED_PATH].as.bytes,
                    value.as.items[DS_PLANNED_PATH].size);
  status.inode = (guint64) value.as.items[DS_PLANNED_INODE].as.integer;
  status.n_bytes = (guint64) value.as.items[DS_PLANNED_N_BYTES].as.integer;
  status.modified_ns = value.as.items[DS_PLANNED_MODIFIED].as.integer;
  return ds_planned_file_new (files, path, &status);
}

/* The batch of @time had the files of @values. */
static gboolean
ds_file_input_dstream_load_files (DsFileInputDStream *self,
                                  DsTime time,
                                  const DsValue *values,
                                  gsize n_values,
                                  GError **error)
{
  g_autoptr (GPtrArray) files =
      g_ptr_array_new_with_free_func ((GDestroyNotify) ds_planned_file_free);
  guint64 n_bytes = 0;

  for (gsize i = 0; i < n_values; i++)
    {
      DsPlannedFile *file = ds_planned_file_decode (self->files, values[i]);

      if (file == NULL)
        return ds_file_input_dstream_fail_to_load (error);
      g_ptr_array_add (files, file);
      n_bytes += file->status.n_bytes;
      ds_directory_scanner_note_taken (self->scanner, time, file,
                                       self->selection != DS_FILES_ALL);
    }
  ds_file_input_dstream_add_batch (self, time, g_steal_pointer (&files), n_bytes);
  return TRUE;
}

/* ---- Plans ---- */

static void
ds_file_input_dstream_save_plan (DsInputDStream *input, DsTime time, GByteArray *bytes)
{
  g_autoptr (GPtrArray) files =
      ds_file_input_dstream_find_files (DS_FILE_INPUT_DSTREAM (input), time);

  if (files != NULL)
    ds_planned_files_encode (files, bytes);
}

static gboolean
ds_file_input_dstream_load_plan (DsInputDStream *input,
                                 DsTime time,
                                 const guint8 *bytes,
                                 gsize n_bytes,
                                 GError **error)
{
  DsFileInputDStream *self = DS_FILE_INPUT_DSTREAM (input);
  g_autoptr (DsBlock) block = NULL;
  const DsValue *values;
  gsize n_values;

  if (self->newest_time != DS_TIME_NONE && time <= self->newest_time)
    return TRUE; /* part of the position */
  block = ds_codec_decode_block (bytes, n_bytes, 0, error);
  if (block == NULL)
    return FALSE;
  values = ds_block_get_values (block, &n_values);
  return ds_file_input_dstream_load_files (self, time, values, n_values, error);
}

/* ---- Positions: (creation, time), how many batches, each of them, the scanner ---- */

/* Besides the batches that windows look back at these are those whose files are still to
 * be cleaned up, or they would stay for ever. */
enum
{
  DS_SAVED_BATCH_TIME,
  DS_SAVED_BATCH_FILES,
  DS_SAVED_BATCH_IS_COMPLETED,
  DS_N_SAVED_OF_BATCH
};

/* What is seen may be many files, of which a copy is made now. */
typedef struct
{
  GByteArray *batches; /* encoded, with what is before them */
  DsScannerCapture *scanner;
} DsFilePosition;

static gpointer
ds_file_input_dstream_capture_position (DsInputDStream *input, DsTime time)
{
  DsFileInputDStream *self = DS_FILE_INPUT_DSTREAM (input);
  DsTime after = time - ds_dstream_get_node (DS_DSTREAM (input))->remember;
  const DsValue head[2] = { ds_value_int (self->creation_time), ds_value_int (time) };
  gboolean cleans_up = self->archive != NULL || self->deletes;
  g_autoptr (GByteArray) batches = g_byte_array_new ();
  g_autoptr (GPtrArray) later = g_ptr_array_new ();
  DsFilePosition *position = g_new (DsFilePosition, 1);
  gint64 n_batches = 0;

  g_mutex_lock (&self->lock);
  for (const GList *item = self->batches.head; item != NULL; item = item->next)
    {
      const DsFileBatch *batch = item->data;
      g_autoptr (GByteArray) files = g_byte_array_new ();
      DsValue fields[DS_N_SAVED_OF_BATCH] = {
        [DS_SAVED_BATCH_TIME] = ds_value_int (batch->time),
        [DS_SAVED_BATCH_IS_COMPLETED] = ds_value_int (batch->is_completed),
      };

      /* Their plans may be lost, if they are in the log at all. */
      for (guint i = 0; batch->time > time && i < batch->files->len; i++)
        g_ptr_array_add (later, batch->files->pdata[i]);
      if (batch->time > time ||
          (batch->time <= after && !(cleans_up && batch->is_completed)))
        continue;
      ds_planned_files_encode (batch->files, files);
      fields[DS_SAVED_BATCH_FILES] = ds_value_bytes (files->data, files->len);
      ds_codec_encode (ds_value_tuple (fields, DS_N_SAVED_OF_BATCH), batches);
      n_batches++;
    }
  position->batches = g_byte_array_new ();
  ds_codec_encode (ds_value_tuple (head, 2), position->batches);
  ds_codec_encode (ds_value_int (n_batches), position->batches);
  g_byte_array_append (position->batches, batches->data, batches->len);
  position->scanner = ds_directory_scanner_capture (self->scanner, time, later);
  g_mutex_unlock (&self->lock);
  return position;
}

static void
ds_file_position_encode (gpointer capture, GByteArray *bytes)
{
  DsFilePosition *self = capture;

  g_byte_array_append (bytes, self->batches->data, self->batches->len);
  ds_scanner_capture_save (self->scanner, bytes);
}

static void
ds_file_position_free (gpointer capture)
{
  DsFilePosition *self = capture;

  g_byte_array_unref (self->batches);
  ds_scanner_capture_free (self->scanner);
  g_free (self);
}

static gboolean
ds_file_input_dstream_load_batch (DsFileInputDStream *self, DsValue value, GError **error)
{
  g_autoptr (DsBlock) block = NULL;
  const DsValue *values;
  gsize n_values;
  DsValue bytes;
  DsTime time;

  /* The first versions did not save whether it was completed. */
  if (!ds_value_is (value, DS_VALUE_TYPE_TUPLE) ||
      value.size < DS_SAVED_BATCH_IS_COMPLETED ||
      !ds_value_is (value.as.items[DS_SAVED_BATCH_TIME], DS_VALUE_TYPE_INT) ||
      !ds_value_is (value.as.items[DS_SAVED_BATCH_FILES], DS_VALUE_TYPE_BYTES) ||
      (value.size >= DS_N_SAVED_OF_BATCH &&
       !ds_value_is (value.as.items[DS_SAVED_BATCH_IS_COMPLETED], DS_VALUE_TYPE_INT)))
    return ds_file_input_dstream_fail_to_load (error);
  time = value.as.items[DS_SAVED_BATCH_TIME].as.integer;
  bytes = value.as.items[DS_SAVED_BATCH_FILES];
  block = ds_codec_decode_block ((const guint8 *) bytes.as.bytes, bytes.size, 0, error);
  if (block == NULL)
    return FALSE;
  values = ds_block_get_values (block, &n_values);
  if (!ds_file_input_dstream_load_files (self, time, values, n_values, error))
    return FALSE;
  if (value.size >= DS_N_SAVED_OF_BATCH &&
      value.as.items[DS_SAVED_BATCH_IS_COMPLETED].as.integer != 0)
    ds_file_input_dstream_set_completed (self, time, TRUE);
  return TRUE;
}

static gboolean
ds_file_input_dstream_load_position (DsInputDStream *input,
                                     const guint8 *bytes,
                                     gsize n_bytes,
                                     GError **error)
{
  DsFileInputDStream *self = DS_FILE_INPUT_DSTREAM (input);
  g_autoptr (DsBlock) block = ds_codec_decode_block (bytes, n_bytes, 0, error);
  const DsValue *values;
  gsize n_values;
  gsize n_batches;

  if (block == NULL)
    return FALSE;
  values = ds_block_get_values (block, &n_values);
  if (n_values < 2 || !ds_value_is_pair (values[0]) ||
      !ds_value_is (ds_pair_key (values[0]), DS_VALUE_TYPE_INT) ||
      !ds_value_is (ds_pair_value (values[0]), DS_VALUE_TYPE_INT) ||
      !ds_value_is (values[1], DS_VALUE_TYPE_INT) || values[1].as.integer < 0 ||
      (guint64) values[1].as.integer > n_values - 2)
    return ds_file_input_dstream_fail_to_load (error);
  n_batches = (gsize) values[1].as.integer;
  /* The scanner first: batches are noted in it once more, which changes nothing. */
  if (ds_directory_scanner_load (self->scanner, values + 2 + n_batches,
                                 n_values - 2 - n_batches) != n_values - 2 - n_batches)
    return ds_file_input_dstream_fail_to_load (error);
  for (gsize i = 0; i < n_batches; i++)
    if (!ds_file_input_dstream_load_batch (self, values[2 + i], error))
      return FALSE;
  self->creation_time = ds_pair_key (values[0]).as.integer;
  self->newest_time = ds_pair_value (values[0]).as.integer;
  self->is_recovered = TRUE;
  return TRUE;
}

const DsInputRecovery ds_file_input_dstream_recovery = {
  .save_plan = ds_file_input_dstream_save_plan,
  .load_plan = ds_file_input_dstream_load_plan,
  .capture_position = ds_file_input_dstream_capture_position,
  .encode_position = ds_file_position_encode,
  .free_position = ds_file_position_free,
  .load_position = ds_file_input_dstream_load_position,
};
