/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A window over a stream with state looks back at results that came out of steps, and
 * steps are taken once: such results are part of checkpoints, each of the first one that
 * is taken after it.  They do not change, so that a capture only refers to them.
 *
 *   first frame   how many
 *   then          each as ds_results_save () has it */

#include "base/ds-error.h"
#include "dstream/ds-checkpoint-capture-private.h"
#include "dstream/ds-input-recovery-private.h"
#include "rdd/ds-action-private.h"
#include "rdd/ds-checkpoint-frame-private.h"
#include "rdd/ds-step-rdd-private.h"

gboolean
ds_kept_results_are_needed (DsDStream *stream)
{
  const DsDStreamNode *node = ds_dstream_get_node (stream);

  return node->ops->keeping != NULL && node->asked > node->slide;
}

GArray *
ds_kept_results_collect (DsDStream *stream, DsTime time, DsTime since)
{
  const DsDStreamNode *node = ds_dstream_get_node (stream);
  DsTime after = MAX (time - node->asked, since);
  GArray *results = g_array_new (FALSE, FALSE, sizeof (DsGeneratedRdd));

  for (guint i = 0; i < node->generated->len; i++)
    {
      DsGeneratedRdd kept = g_array_index (node->generated, DsGeneratedRdd, i);

      if (kept.time <= after || kept.time > time || ds_rdd_was_given_up (kept.rdd))
        continue;
      g_object_ref (kept.rdd);
      g_array_append_val (results, kept);
    }
  return results;
}

void
ds_kept_results_free (GArray *results)
{
  for (guint i = 0; i < results->len; i++)
    g_object_unref (g_array_index (results, DsGeneratedRdd, i).rdd);
  g_array_unref (results);
}

/* ---- Saving ---- */

/* Ended by NULL.  (transfer full): ds_results_free () */
static DsBlock **
ds_kept_result_read (DsRdd *rdd, GError **error)
{
  guint n_partitions = ds_rdd_get_n_partitions (rdd);
  DsBlock **blocks = ds_rdd_is_step (rdd) ? ds_step_rdd_ref_blocks (rdd) : NULL;

  if (blocks != NULL)
    return blocks;
  blocks = g_new0 (DsBlock *, n_partitions + 1);
  for (guint i = 0; i < n_partitions; i++)
    {
      blocks[i] = ds_rdd_collect_partitions (rdd, &i, 1, G_MAXSIZE, error);
      if (blocks[i] != NULL)
        continue;
      ds_results_free (blocks);
      return NULL;
    }
  return blocks;
}

static gboolean
ds_kept_results_save_count (GArray *results, DsStateWriter *writer, GError **error)
{
  DsFrameWriter frames;
  gboolean ok;

  ds_frame_writer_init (&frames, writer);
  ds_frame_writer_put_int (&frames, results->len);
  ok = ds_frame_writer_end (&frames, error);
  ds_frame_writer_clear (&frames);
  return ok;
}

gboolean
ds_kept_results_save (GArray *results, DsStateWriter *writer, GError **error)
{
  gboolean ok = ds_kept_results_save_count (results, writer, error);

  for (guint i = 0; ok && i < results->len; i++)
    {
      const DsGeneratedRdd *result = &g_array_index (results, DsGeneratedRdd, i);
      DsBlock **blocks = ds_kept_result_read (result->rdd, error);

      if (blocks == NULL)
        return FALSE;
      ok = ds_results_save (result->time, blocks, ds_rdd_get_n_partitions (result->rdd),
                            writer, error);
      ds_results_free (blocks);
    }
  return ok;
}

/* ---- Loading ---- */

static gboolean
ds_kept_results_load_count (DsStateReader *reader, gint64 *n_results, GError **error)
{
  DsFrameReader frames;
  gboolean ok;

  ds_frame_reader_init (&frames, reader, "number of saved results");
  ok = ds_frame_reader_next (&frames, error) &&
       ds_frame_reader_take_int (&frames, "how many there are", 0, G_MAXINT32, n_results,
                                 error);
  if (ok && !ds_frame_reader_is_at_end (&frames))
    ok = ds_frame_reader_fail (&frames, error, "there is more than that");
  ds_frame_reader_clear (&frames);
  return ok;
}

gboolean
ds_kept_results_load (DsDStream *stream,
                      DsTime after,
                      DsStateReader *reader,
                      GError **error)
{
  const DsStateKeeping *keeping = ds_dstream_get_node (stream)->ops->keeping;
  guint n_partitions = keeping->count_partitions (stream);
  gint64 n_results;

  if (!ds_kept_results_load_count (reader, &n_results, error))
    return FALSE;
  if (n_partitions == 0 && n_results > 0)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
                   "there are snapshots of states, but no states");
      return FALSE;
    }
  for (gint64 i = 0; i < n_results; i++)
    {
      DsTime time;
      DsBlock **blocks = ds_results_load (n_partitions, &time, reader, error);

      if (blocks == NULL)
        return FALSE;
      if (time > after)
        {
          g_autoptr (DsRdd) rdd = keeping->make_result (stream, time, blocks);

          ds_dstream_adopt_rdd (stream, time, rdd);
        }
      ds_results_free (blocks);
    }
  return TRUE;
}
