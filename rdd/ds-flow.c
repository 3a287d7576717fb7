/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A note a partition: 0 when it was not computed, otherwise twice the number, and 1 for
 * values or 2 for bytes of text.  Two tasks that compute the same partition (of two jobs,
 * or one that takes the first values only) leave the larger one. */

#include "rdd/ds-flow-private.h"

/* An RDD that a program uses in one thread may become a stream's in another while its
 * partitions are counted, and then has room for few of them only. */
static gboolean
ds_flow_notes_have_room (DsFlowNotes *self, const guint64 *notes, guint partition)
{
  return notes != NULL && (notes != self->few || partition < DS_FLOW_FEW);
}

void
ds_flow_notes_prepare (DsFlowNotes *self, guint n_partitions)
{
  if (g_atomic_pointer_get (&self->notes) != NULL && n_partitions > DS_FLOW_FEW)
    g_atomic_pointer_set (&self->notes, g_new0 (guint64, n_partitions));
  g_atomic_int_set (&self->n_partitions_and_one, (gint) n_partitions + 1);
}

void
ds_flow_notes_clear (DsFlowNotes *self)
{
  if (self->notes != self->few)
    g_free (self->notes);
}

void
ds_flow_notes_add (DsFlowNotes *self,
                   guint partition,
                   guint64 n_values,
                   guint64 n_text_bytes)
{
  guint64 *notes = g_atomic_pointer_get (&self->notes);
  guint64 note =
      n_values > 0 || n_text_bytes == 0 ? 2 * n_values + 1 : 2 * n_text_bytes + 2;

  if (ds_flow_notes_have_room (self, notes, partition) &&
      note > __atomic_load_n (&notes[partition], __ATOMIC_RELAXED))
    __atomic_store_n (&notes[partition], note, __ATOMIC_RELAXED);
}

void
ds_rdd_count_flow (DsRdd *rdd)
{
  DsFlowNotes *self = ds_rdd_get_flow_notes (rdd);
  gint n_partitions = g_atomic_int_get (&self->n_partitions_and_one) - 1;
  guint64 *notes;

  if (g_atomic_pointer_get (&self->notes) != NULL)
    return;
  /* An RDD that a program made may be in use already. */
  notes = n_partitions > DS_FLOW_FEW ? g_new0 (guint64, n_partitions) : self->few;
  if (!g_atomic_pointer_compare_and_exchange (&self->notes, NULL, notes) &&
      notes != self->few)
    g_free (notes);
}

void
ds_rdd_get_flow (DsRdd *rdd, DsFlow *flow)
{
  DsFlowNotes *self = ds_rdd_get_flow_notes (rdd);
  const guint64 *notes;
  gint n_partitions_and_one = g_atomic_int_get (&self->n_partitions_and_one);

  *flow = (DsFlow){ .is_prepared = n_partitions_and_one > 0,
                    .n_partitions = (guint) MAX (n_partitions_and_one - 1, 0) };
  notes = g_atomic_pointer_get (&self->notes);
  for (guint i = 0; i < flow->n_partitions && ds_flow_notes_have_room (self, notes, i);
       i++)
    {
      guint64 note = __atomic_load_n (&notes[i], __ATOMIC_RELAXED);

      flow->n_computed += note != 0;
      if (note & 1)
        flow->n_values += (note - 1) / 2;
      else if (note != 0)
        flow->n_text_bytes += (note - 2) / 2;
    }
}
