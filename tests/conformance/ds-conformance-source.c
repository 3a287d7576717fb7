/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The source of the vectors: batch k (from 1) is the k-th list, cut into p partitions; a
 * batch without RDD where the vector says null; empty RDDs of p partitions when all lists
 * are used up.  What it gives depends on the batch time only, so that a batch can be
 * asked for again. */

#include "tests/conformance/ds-conformance-private.h"

#define DS_TYPE_CONFORMANCE_SOURCE (ds_conformance_source_get_type ())
G_DECLARE_FINAL_TYPE (DsConformanceSource,
                      ds_conformance_source,
                      DS,
                      CONFORMANCE_SOURCE,
                      DsInputDStream)

struct _DsConformanceSource
{
  DsInputDStream parent_instance;
  DsContext *engine;  /* borrowed: it outlives all cases */
  GPtrArray *batches; /* of DsBlock, NULL: no RDD */
  guint n_partitions;
  DsTime zero;
  DsDuration interval;
};

G_DEFINE_TYPE (DsConformanceSource, ds_conformance_source, DS_TYPE_INPUT_DSTREAM)

static gboolean
ds_conformance_source_start (DsInputDStream *stream, GError **error)
{
  return TRUE;
}

static void
ds_conformance_source_stop (DsInputDStream *stream)
{
}

/* Thread: driver.  Locks: none. */
static DsRdd *
ds_conformance_source_compute (DsInputDStream *stream, DsTime batch_time, GError **error)
{
  DsConformanceSource *self = DS_CONFORMANCE_SOURCE (stream);
  gint64 index = (batch_time - self->zero) / self->interval - 1;
  g_autoptr (DsBlock) nothing = NULL;

  if (index >= 0 && index < self->batches->len)
    {
      DsBlock *block = g_ptr_array_index (self->batches, index);

      return block != NULL
                 ? ds_context_parallelize (self->engine, block, self->n_partitions)
                 : NULL;
    }
  nothing = ds_block_new (NULL, 0);
  return ds_context_parallelize (self->engine, nothing, self->n_partitions);
}

static void
ds_conformance_source_finalize (GObject *object)
{
  DsConformanceSource *self = DS_CONFORMANCE_SOURCE (object);

  g_clear_pointer (&self->batches, g_ptr_array_unref);
  G_OBJECT_CLASS (ds_conformance_source_parent_class)->finalize (object);
}

static void
ds_conformance_source_class_init (DsConformanceSourceClass *klass)
{
  DsInputDStreamClass *input_class = DS_INPUT_DSTREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = ds_conformance_source_finalize;
  input_class->start = ds_conformance_source_start;
  input_class->stop = ds_conformance_source_stop;
  input_class->compute = ds_conformance_source_compute;
}

static void
ds_conformance_source_init (DsConformanceSource *self)
{
}

DsDStream *
ds_conformance_source_new (DsConformanceSession *session,
                           DsContext *engine,
                           GPtrArray *batches,
                           guint n_partitions)
{
  g_autoptr (DsConformanceSource) self = g_object_new (DS_TYPE_CONFORMANCE_SOURCE, NULL);

  self->engine = engine;
  self->batches = g_ptr_array_ref (batches);
  self->n_partitions = n_partitions;
  self->zero = session->zero;
  self->interval = session->interval;
  return ds_streaming_context_input_stream (session->streaming, DS_INPUT_DSTREAM (self));
}
