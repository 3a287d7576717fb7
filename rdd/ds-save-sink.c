/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One part of what is saved: the values of a partition in one of the formats, under a
 * temporary name of the attempt, which a rename makes a part's name when the task has
 * succeeded.  So what bears the name of a part is whole, however often it was tried. */

#include "base/ds-codec-private.h"
#include "base/ds-durable-file-private.h"
#include "base/ds-error.h"
#include "base/ds-hash-state-private.h"
#include "base/ds-value-private.h"
#include "base/ds-planted-fault-private.h"
#include "rdd/ds-save-private.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define DS_SAVE_BUFFER_BYTES (64 * 1024)

typedef struct
{
  DsSink sink;
  DsSave *save;
  char *temporary_path; /* (nullable): no file of that name is ours */
  int fd;               /* -1: not open */
  GString *text;
  GByteArray *msgpack;
  guint64 n_bytes;    /* written */
  XXH3_state_t *hash; /* (nullable): of what was written */
} DsSaveSink;

gboolean
ds_save_make_directory (const char *path, gboolean may_exist, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (path);
  struct stat status;
  int error_number;

  if (g_mkdir_with_parents (parent, 0777) < 0)
    {
      ds_set_error_from_errno (error, errno, "Making directory", parent);
      return FALSE;
    }
  if (mkdir (path, 0777) == 0)
    return TRUE;

  error_number = errno;
  if (error_number == EEXIST && may_exist && stat (path, &status) == 0 &&
      S_ISDIR (status.st_mode))
    return TRUE;
  ds_set_error_from_errno (error, error_number, "Making directory", path);
  return FALSE;
}

gboolean
ds_save_make_empty_file (const char *directory, const char *name, GError **error)
{
  g_autofree char *temporary = g_strdup_printf ("%s/.tmp-part-%s", directory, name);
  g_autofree char *path = g_build_filename (directory, name, NULL);
  int fd;

  g_unlink (temporary);
  fd = ds_durable_file_create (temporary, error);
  return fd >= 0 && ds_durable_file_sync_and_close (fd, temporary, error) &&
         ds_durable_file_rename (temporary, path, error);
}

/* FALSE: the task failed. */
static gboolean
ds_save_sink_take_error (DsSaveSink *self, GError *error)
{
  if (error == NULL)
    return TRUE;
  g_atomic_int_inc (&self->save->n_failures);
  ds_task_take_error (self->sink.task, error);
  return FALSE;
}

static gboolean
ds_save_sink_open (DsSaveSink *self)
{
  DsTask *task = self->sink.task;
  const char *directory = self->save->directory;
  GError *error = NULL;

  /* The first of the tasks that have something. */
  if (self->save->plan->skips_empty && !ds_save_make_directory (directory, TRUE, &error))
    return ds_save_sink_take_error (self, error);

  self->temporary_path = g_strdup_printf ("%s/.tmp-part-%05u-%u-%d", directory,
                                          task->partition, task->attempt, getpid ());
  /* One that a killed process of the same id left behind. */
  g_unlink (self->temporary_path);
  self->fd = ds_durable_file_create (self->temporary_path, &error);
  if (self->fd < 0)
    g_clear_pointer (&self->temporary_path, g_free);
  return ds_save_sink_take_error (self, error);
}

static gboolean
ds_save_sink_write (DsSaveSink *self, gconstpointer bytes, gsize n_bytes, GError **error)
{
  if (!ds_durable_file_write (self->fd, self->temporary_path, bytes, n_bytes, error))
    return FALSE;
  self->n_bytes += n_bytes;
  if (self->hash != NULL && n_bytes > 0)
    XXH3_64bits_update (self->hash, bytes, n_bytes);
  return TRUE;
}

static gboolean
ds_save_sink_flush (DsSaveSink *self)
{
  GError *error = NULL;

  if (ds_save_sink_write (self, self->text->str, self->text->len, &error))
    ds_save_sink_write (self, self->msgpack->data, self->msgpack->len, &error);
  g_string_truncate (self->text, 0);
  g_byte_array_set_size (self->msgpack, 0);
  return ds_save_sink_take_error (self, error);
}

static void
ds_save_sink_add (DsSaveSink *self, DsValue value)
{
  const char *bytes;
  gsize n_bytes;

  switch (self->save->plan->format)
    {
    case DS_SAVE_TEXT:
      ds_value_append_to_string (value, self->text, FALSE);
      g_string_append_c (self->text, '\n');
      break;
    case DS_SAVE_BINARY:
      if (ds_value_is (value, DS_VALUE_TYPE_STRING))
        bytes = ds_value_get_string (value, &n_bytes);
      else
        bytes = (const char *) ds_value_get_bytes (value, &n_bytes);
      g_string_append_len (self->text, bytes, (gssize) n_bytes);
      break;
    case DS_SAVE_MSGPACK:
      ds_codec_encode (value, self->msgpack);
      break;
    default:
      g_assert_not_reached ();
    }
}

static gboolean
ds_save_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsSaveSink *self = (DsSaveSink *) sink;
  DsTask *task = sink->task;
  DsTaskFrame frame;
  gboolean ok = TRUE;

  if (chunk->n_values == 0)
    return TRUE;
  if (self->fd < 0 && (task->error != NULL || !ds_save_sink_open (self)))
    return FALSE;

  frame = ds_task_enter (task, sink->operator_name, task->arena, NULL);
  for (gsize i = 0; ok && i < chunk->n_values; i++)
    {
      task->current = &chunk->values[i];
      if (chunk->form == DS_FORM_PAIRS)
        {
          const DsValue items[2] = { chunk->values[i], chunk->pair_values[i] };

          task->current_pair_value = &chunk->pair_values[i];
          ds_save_sink_add (self, ds_value_tuple (items, 2));
        }
      else
        {
          ds_save_sink_add (self, chunk->values[i]);
        }
      ok = task->error == NULL;
      if (self->text->len + self->msgpack->len >= DS_SAVE_BUFFER_BYTES)
        ok = ok && ds_save_sink_flush (self);
    }
  ds_task_leave (task, &frame);
  return ok;
}

static gboolean
ds_save_sink_finish (DsSink *sink)
{
  DsSaveSink *self = (DsSaveSink *) sink;
  const DsSavePlan *plan = self->save->plan;
  GError *error = NULL;
  int fd;

  if (sink->task->error != NULL)
    return FALSE;
  if (self->fd < 0 && plan->skips_empty)
    return TRUE;
  if ((self->fd < 0 && !ds_save_sink_open (self)) || !ds_save_sink_flush (self))
    return FALSE;

  fd = self->fd;
  self->fd = -1;
  /* Of a single file only the whole is to last. */
  if (!plan->single_file && !DS_PLANTED ("output-no-sync"))
    ds_durable_file_sync_and_close (fd, self->temporary_path, &error);
  else if (close (fd) < 0)
    ds_set_error_from_errno (&error, errno, "Closing", self->temporary_path);
  return ds_save_sink_take_error (self, error);
}

static void
ds_save_sink_free (DsSink *sink)
{
  DsSaveSink *self = (DsSaveSink *) sink;

  if (self->fd >= 0)
    close (self->fd);
  if (self->temporary_path != NULL)
    g_unlink (self->temporary_path);
  g_free (self->temporary_path);
  g_string_free (self->text, TRUE);
  g_byte_array_unref (self->msgpack);
  XXH3_freeState (self->hash);
  g_free (self);
}

DsSink *
ds_save_sink_new (DsTask *task, DsSave *save)
{
  DsSaveSink *self = ds_sink_alloc (sizeof *self, task, NULL);
  const gsize n_reserved = DS_SAVE_BUFFER_BYTES;

  self->sink.push = ds_save_sink_push;
  self->sink.finish = ds_save_sink_finish;
  self->sink.free = ds_save_sink_free;
  self->sink.accepts = DS_ACCEPTS_VALUES | DS_ACCEPTS_PAIRS;
  self->sink.operator_name = save->operator_name;
  self->save = save;
  self->fd = -1;
  self->text = save->plan->format == DS_SAVE_MSGPACK ? g_string_new (NULL)
                                                     : g_string_sized_new (n_reserved);
  self->msgpack = g_byte_array_new ();
  if (save->files != NULL)
    self->hash = ds_hash_state_new ();
  /* Without values to save, unless their absence is, there is a file all the same. */
  if (!save->plan->skips_empty)
    ds_save_sink_open (self);
  return &self->sink;
}

void
ds_save_sink_commit (DsSink *sink)
{
  DsSaveSink *self = (DsSaveSink *) sink;
  guint partition = sink->task->partition;
  g_autofree char *path = NULL;
  GError *error = NULL;

  if (self->temporary_path == NULL)
    return;
  path = g_strdup_printf ("%s/%spart-%05u", self->save->directory,
                          self->save->part_prefix, partition);
  if (ds_durable_file_rename (self->temporary_path, path, &error))
    g_clear_pointer (&self->temporary_path, g_free);
  self->save->has_part[partition] = error == NULL;
  if (self->save->files != NULL)
    self->save->files[partition] =
        (DsSavedFile){ self->n_bytes, XXH3_64bits_digest (self->hash) };
  ds_save_sink_take_error (self, error);
}
