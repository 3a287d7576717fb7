/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a stream gave: an output operation that notes time, number of partitions and
 * contents of each RDD.  It runs in the threads of the stream, the case reads it after
 * the batch is over. */

#include "tests/conformance/ds-conformance-private.h"

typedef struct
{
  DsTime time;
  guint n_partitions;
  DsBlock *block;
} DsConformanceRecord;

struct _DsConformanceRecorder
{
  GMutex lock; /* guards records */
  GArray *records;
};

static void
ds_conformance_record_clear (gpointer record)
{
  ds_block_unref (((DsConformanceRecord *) record)->block);
}

DsConformanceRecorder *
ds_conformance_recorder_new (void)
{
  DsConformanceRecorder *self = g_new0 (DsConformanceRecorder, 1);

  g_mutex_init (&self->lock);
  self->records = g_array_new (FALSE, FALSE, sizeof (DsConformanceRecord));
  g_array_set_clear_func (self->records, ds_conformance_record_clear);
  return self;
}

void
ds_conformance_recorder_free (DsConformanceRecorder *self)
{
  g_array_unref (self->records);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static gboolean
ds_conformance_recorder_record (DsRdd *rdd,
                                DsBatch *batch,
                                gpointer user_data,
                                GError **error)
{
  DsConformanceRecorder *self = user_data;
  DsConformanceRecord record = { .time = ds_batch_get_time (batch),
                                 .n_partitions = ds_rdd_get_n_partitions (rdd),
                                 .block = ds_rdd_collect (rdd, error) };

  if (record.block == NULL)
    return FALSE;
  g_mutex_lock (&self->lock);
  g_array_append_val (self->records, record);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

void
ds_conformance_recorder_attach (DsConformanceRecorder *self, DsDStream *stream)
{
  ds_dstream_foreach_rdd (stream, ds_conformance_recorder_record, self, NULL);
}

guint
ds_conformance_recorder_get_length (DsConformanceRecorder *self)
{
  guint length = 0;

  g_mutex_lock (&self->lock);
  length = self->records->len;
  g_mutex_unlock (&self->lock);
  return length;
}

static DsConformanceRecord
ds_conformance_recorder_get (DsConformanceRecorder *self, guint index)
{
  DsConformanceRecord record;

  g_mutex_lock (&self->lock);
  g_assert (index < self->records->len);
  record = g_array_index (self->records, DsConformanceRecord, index);
  g_mutex_unlock (&self->lock);
  return record;
}

DsTime
ds_conformance_recorder_get_time (DsConformanceRecorder *self, guint index)
{
  return ds_conformance_recorder_get (self, index).time;
}

guint
ds_conformance_recorder_get_n_partitions (DsConformanceRecorder *self, guint index)
{
  return ds_conformance_recorder_get (self, index).n_partitions;
}

GPtrArray *
ds_conformance_recorder_dup_blocks (DsConformanceRecorder *self)
{
  GPtrArray *blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) ds_block_unref);
  guint length = ds_conformance_recorder_get_length (self);

  for (guint i = 0; i < length; i++)
    g_ptr_array_add (blocks, ds_block_ref (ds_conformance_recorder_get (self, i).block));
  return blocks;
}
