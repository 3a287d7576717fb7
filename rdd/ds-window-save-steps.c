/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Writing the batches that came into a window since it was last saved.
 *
 *   first frame   as that of a window in full, and the step that these follow (or null)
 *   then          rows, in frames that end where a row ends:
 *   step          its time, number of batches that came in it, their times; then of each
 *   batch         where something came: number of the partition, number of pairs, and
 *                 those as keys and values in turn; in the end the number of partitions
 *   last          null */

#include "rdd/ds-window-save-private.h"

#include "base/ds-codec-private.h"

static gboolean
ds_window_save_put_pairs (const DsWindowPart *part,
                          const DsWindowBatch *batch,
                          DsFrameWriter *frames,
                          GError **error)
{
  for (gsize i = 0; i < batch->n_entries; i++)
    {
      if (!ds_window_save_go_on (frames, error))
        return FALSE;
      ds_codec_encode (part->keys[batch->entries[i]], frames->bytes);
      ds_frame_writer_put (frames, batch->values[i]);
    }
  return ds_window_save_go_on (frames, error);
}

/* @next: of each partition, its first batch that is not written yet. */
static gboolean
ds_window_save_put_came (const DsWindowSnapshot *snapshot,
                         DsTime time,
                         guint32 *next,
                         DsFrameWriter *frames,
                         GError **error)
{
  for (guint i = 0; i < snapshot->n_parts; i++)
    {
      const DsWindowPart *part = &snapshot->parts[i];

      /* A batch that brought nothing here is not in the table. */
      if (next[i] >= part->n_batches || part->batches[next[i]].time != time)
        continue;
      ds_frame_writer_put_int (frames, i);
      ds_frame_writer_put_int (frames, (gint64) part->batches[next[i]].n_entries);
      if (!ds_window_save_put_pairs (part, &part->batches[next[i]++], frames, error))
        return FALSE;
    }
  ds_frame_writer_put_int (frames, snapshot->n_parts);
  return ds_window_save_go_on (frames, error);
}

gboolean
ds_window_save_put_steps (const DsWindowSnapshot *snapshot,
                          DsFrameWriter *frames,
                          GError **error)
{
  g_autofree guint32 *next = g_new0 (guint32, snapshot->n_parts);

  for (guint i = 0; i < snapshot->steps->len; i++)
    {
      const GArray *step = g_ptr_array_index (snapshot->steps, i);

      ds_frame_writer_put_int (frames, g_array_index (step, DsTime, 0));
      ds_frame_writer_put_int (frames, step->len - 1);
      for (guint k = 1; k < step->len; k++)
        ds_frame_writer_put_int (frames, g_array_index (step, DsTime, k));
      if (!ds_window_save_go_on (frames, error))
        return FALSE;
      for (guint k = 1; k < step->len; k++)
        if (!ds_window_save_put_came (snapshot, g_array_index (step, DsTime, k), next,
                                      frames, error))
          return FALSE;
    }
  ds_frame_writer_put_null (frames);
  return ds_frame_writer_end (frames, error);
}
