/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A queue of batches, each with its paths, so that they are forgotten together; and a
 * hash table to find a path by.  In checkpoints: how many paths, then (time, path) each.
 */

#include "receivers/ds-recent-paths-private.h"

#include "base/ds-codec-private.h"

#include <string.h>

typedef struct
{
  DsTime time;
  GPtrArray *paths; /* owned */
} DsRecentBatch;

struct _DsRecentPaths
{
  GQueue batches;      /* DsRecentBatch, oldest first */
  GHashTable *by_path; /* path, owned by its batch, to DsRecentBatch */
};

static void
ds_recent_batch_free (gpointer data)
{
  DsRecentBatch *self = data;

  g_ptr_array_unref (self->paths);
  g_free (self);
}

DsRecentPaths *
ds_recent_paths_new (void)
{
  DsRecentPaths *self = g_new0 (DsRecentPaths, 1);

  g_queue_init (&self->batches);
  self->by_path = g_hash_table_new (g_str_hash, g_str_equal);
  return self;
}

void
ds_recent_paths_free (DsRecentPaths *self)
{
  g_hash_table_unref (self->by_path);
  g_queue_clear_full (&self->batches, ds_recent_batch_free);
  g_free (self);
}

void
ds_recent_paths_add (DsRecentPaths *self, DsTime batch_time, char *path)
{
  DsRecentBatch *batch = g_queue_peek_tail (&self->batches);

  if (batch == NULL || batch->time != batch_time)
    {
      batch = g_new (DsRecentBatch, 1);
      batch->time = batch_time;
      batch->paths = g_ptr_array_new_with_free_func (g_free);
      g_queue_push_tail (&self->batches, batch);
    }
  g_ptr_array_add (batch->paths, path);
  g_hash_table_insert (self->by_path, path, batch);
}

void
ds_recent_paths_forget (DsRecentPaths *self, DsTime time)
{
  DsRecentBatch *batch;

  while ((batch = g_queue_peek_head (&self->batches)) != NULL && batch->time < time)
    {
      for (guint i = 0; i < batch->paths->len; i++)
        g_hash_table_remove (self->by_path, batch->paths->pdata[i]);
      ds_recent_batch_free (g_queue_pop_head (&self->batches));
    }
}

gboolean
ds_recent_paths_is_empty (DsRecentPaths *self)
{
  return g_hash_table_size (self->by_path) == 0;
}

DsTime
ds_recent_paths_get_batch_time (DsRecentPaths *self, const char *path)
{
  const DsRecentBatch *batch = g_hash_table_lookup (self->by_path, path);

  return batch != NULL ? batch->time : DS_TIME_NONE;
}

gsize
ds_recent_paths_get_n_bytes (DsRecentPaths *self)
{
  gsize n_bytes = 0;

  for (const GList *item = self->batches.head; item != NULL; item = item->next)
    {
      const DsRecentBatch *batch = item->data;

      for (guint i = 0; i < batch->paths->len; i++)
        n_bytes += strlen (batch->paths->pdata[i]) + 1;
    }
  return n_bytes;
}

void
ds_recent_paths_save (DsRecentPaths *self, DsTime until, GByteArray *bytes)
{
  gint64 n_paths = 0;

  for (const GList *item = self->batches.head; item != NULL; item = item->next)
    if (((const DsRecentBatch *) item->data)->time <= until)
      n_paths += ((const DsRecentBatch *) item->data)->paths->len;
  ds_codec_encode (ds_value_int (n_paths), bytes);
  for (const GList *item = self->batches.head; item != NULL; item = item->next)
    {
      const DsRecentBatch *batch = item->data;

      if (batch->time > until)
        continue;
      for (guint i = 0; i < batch->paths->len; i++)
        {
          const char *path = batch->paths->pdata[i];
          const DsValue fields[2] = { ds_value_int (batch->time),
                                      ds_value_bytes (path, (guint32) strlen (path)) };

          ds_codec_encode (ds_value_tuple (fields, 2), bytes);
        }
    }
}

gsize
ds_recent_paths_load (DsRecentPaths *self, const DsValue *values, gsize n_values)
{
  gsize n_paths;

  if (n_values == 0 || !ds_value_is (values[0], DS_VALUE_TYPE_INT) ||
      values[0].as.integer < 0 || (guint64) values[0].as.integer > n_values - 1)
    return 0;
  n_paths = (gsize) values[0].as.integer;
  for (gsize i = 1; i <= n_paths; i++)
    {
      DsValue path;

      if (!ds_value_is_pair (values[i]) ||
          !ds_value_is (ds_pair_key (values[i]), DS_VALUE_TYPE_INT) ||
          !ds_value_is (ds_pair_value (values[i]), DS_VALUE_TYPE_BYTES))
        return 0;
      path = ds_pair_value (values[i]);
      ds_recent_paths_add (self, ds_pair_key (values[i]).as.integer,
                           g_strndup (path.as.bytes, path.size));
    }
  return n_paths + 1;
}
