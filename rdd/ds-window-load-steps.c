/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Taking the steps again that ds-window-save-steps.c wrote, with the batches that came in
 * them: they are steps as any others, and come to what they came to then. */

#include "rdd/ds-window-save-private.h"

#include "base/ds-block-private.h"
#include "base/ds-error.h"

/* Pairs that are decoded at a time. */
#define DS_WINDOW_LOAD_RUN 512

typedef struct
{
  DsWindowStepper *stepper;
  DsContext *context;
  DsFrameReader *frames;
  guint n_partitions;
  DsArena *arena; /* decoded values, until they are copied */
  DsTime newest;  /* batch that has come */

  /* Of the step that is read. */
  GArray *times;   /* DsTime: of the batches that came */
  GPtrArray *rdds; /* of each */
} DsWindowStepsLoad;

/* ---- Batches ---- */

/* Some pairs of a batch, @n_pairs at most: as many as the frame has. */
static gboolean
ds_window_load_take_pairs (DsWindowStepsLoad *self,
                           DsBlockBuilder *builder,
                           guint32 n_pairs,
                           guint32 *n_taken,
                           GError **error)
{
  DsValue keys[DS_WINDOW_LOAD_RUN];
  DsValue values[DS_WINDOW_LOAD_RUN];
  guint32 n = 0;

  if (!ds_window_load_begin_row (self->frames, error))
    return FALSE;
  do
    {
      if (!ds_window_load_take_value (self->frames, self->arena, &keys[n], error) ||
          !ds_window_load_take_value (self->frames, self->arena, &values[n], error))
        return FALSE;
      n++;
    }
  while (n < MIN (n_pairs, DS_WINDOW_LOAD_RUN) &&
         !ds_frame_reader_is_at_end (self->frames));
  ds_block_builder_add_columns (builder, keys, values, n);
  ds_arena_reset (self->arena);
  *n_taken = n;
  return TRUE;
}

/* NULL: it is damaged. */
static DsBlock *
ds_window_load_take_block (DsWindowStepsLoad *self, GError **error)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  guint32 n_pairs;

  if (!ds_window_load_take_number (self->frames, "the number of pairs", 1, G_MAXUINT32,
                                   &n_pairs, error))
    return NULL;
  while (n_pairs > 0)
    {
      guint32 n_taken;

      if (!ds_window_load_take_pairs (self, builder, n_pairs, &n_taken, error))
        return NULL;
      n_pairs -= n_taken;
    }
  return ds_block_builder_end (builder);
}

/* What came in each partition, into @blocks. */
static gboolean
ds_window_load_take_blocks (DsWindowStepsLoad *self, DsBlock **blocks, GError **error)
{
  gint64 next = 0;
  gint64 partition;

  for (;;)
    {
      if (!ds_window_load_begin_row (self->frames, error) ||
          !ds_frame_reader_take_int (self->frames, "a partition", next,
                                     self->n_partitions, &partition, error))
        return FALSE;
      if (partition == self->n_partitions)
        break;
      blocks[partition] = ds_window_load_take_block (self, error);
      if (blocks[partition] == NULL)
        return FALSE;
      next = partition + 1;
    }
  for (guint i = 0; i < self->n_partitions; i++)
    if (blocks[i] == NULL)
      blocks[i] = ds_block_new_take_columns (NULL, NULL, NULL, 0);
  return TRUE;
}

static gboolean
ds_window_load_take_batch (DsWindowStepsLoad *self, DsTime time, GError **error)
{
  DsPartitioner *partitioner = ds_window_stepper_get_partitioner (self->stepper);
  DsBlock **blocks = g_new0 (DsBlock *, self->n_partitions + 1);
  gboolean ok = ds_window_load_take_blocks (self, blocks, error);

  if (ok)
    {
      DsRdd *rdd =
          ds_step_rdd_new_restored (self->context,
                                    ds_window_stepper_get_plan (self->stepper)->kind,
                                    time, partitioner, blocks);

      ds_rdd_set_node_partitioner (rdd, partitioner);
      g_ptr_array_add (self->rdds, rdd);
    }
  for (guint i = 0; i < self->n_partitions; i++)
    g_clear_pointer (&blocks[i], ds_block_unref);
  g_free (blocks);
  return ok;
}

/* ---- Steps ---- */

/* The times of a step's batches. */
static gboolean
ds_window_load_take_times (DsWindowStepsLoad *self, DsTime time, GError **error)
{
  guint32 n_times;

  g_array_set_size (self->times, 0);
  g_ptr_array_set_size (self->rdds, 0);
  if (!ds_window_load_take_number (self->frames, "the number of batches", 0, G_MAXUINT32,
                                   &n_times, error))
    return FALSE;
  for (guint32 i = 0; i < n_times; i++)
    {
      if (!ds_frame_reader_take_int (self->frames, "the time of a batch",
                                     MAX (self->newest + 1, 0), time, &self->newest,
                                     error))
        return FALSE;
      g_array_append_val (self->times, self->newest);
    }
  return TRUE;
}

static gboolean
ds_window_load_take_step (DsWindowStepsLoad *self, DsTime time, GError **error)
{
  g_autoptr (DsRdd) step = NULL;
  gboolean ok;

  if (!ds_window_load_take_times (self, time, error))
    return FALSE;
  for (guint i = 0; i < self->times->len; i++)
    if (!ds_window_load_take_batch (self, g_array_index (self->times, DsTime, i), error))
      return FALSE;
  step = ds_window_stepper_make_step (self->stepper, self->context, time,
                                      (DsRdd **) self->rdds->pdata,
                                      (const DsTime *) (gconstpointer) self->times->data,
                                      self->rdds->len);
  ok = ds_step_rdd_run (step, error);
  ds_step_rdd_settle (step);
  if (!ok)
    g_prefix_error (error, "Taking the step of batch %" G_GINT64_FORMAT " ms again: ",
                    time / DS_MILLISECOND);
  return ok;
}

static gboolean
ds_window_load_take_all (DsWindowStepsLoad *self, DsTime last, GError **error)
{
  DsTime known = ds_window_stepper_get_time (self->stepper);
  DsTime time;

  for (;;)
    {
      if (!ds_window_load_begin_row (self->frames, error))
        return FALSE;
      if (ds_frame_reader_take_null (self->frames))
        break;
      if (!ds_frame_reader_take_int (self->frames, "the time of a step",
                                     MAX (known + 1, 0), last, &time, error) ||
          !ds_window_load_take_step (self, time, error))
        return FALSE;
      known = time;
    }
  if (!ds_frame_reader_is_at_end (self->frames))
    return ds_frame_reader_fail (self->frames, error, "there is more than that");
  return known == last
             ? TRUE
             : ds_frame_reader_fail (self->frames, error, "its last step is missing");
}

gboolean
ds_window_load_take_steps (DsWindowStepper *stepper,
                           DsContext *context,
                           DsFrameReader *frames,
                           DsTime time,
                           GError **error)
{
  DsWindowStepsLoad load = { .stepper = stepper,
                             .context = context,
                             .frames = frames,
                             .n_partitions = ds_window_stepper_get_n_partitions (stepper),
                             .arena = ds_arena_new (NULL),
                             .newest = DS_TIME_NONE,
                             .times = g_array_new (FALSE, FALSE, sizeof (DsTime)),
                             .rdds = g_ptr_array_new_with_free_func (g_object_unref) };
  gboolean ok;

  for (guint i = 0; i < load.n_partitions; i++)
    {
      DsWindowPartition *part = ds_window_stepper_get_partition (stepper, i);

      if (part != NULL)
        load.newest = MAX (load.newest, part->table.state.time);
    }
  ok = ds_window_load_take_all (&load, time, error);
  g_ptr_array_unref (load.rdds);
  g_array_unref (load.times);
  ds_arena_unref (load.arena);
  return ok;
}
