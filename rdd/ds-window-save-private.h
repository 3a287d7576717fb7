/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What capturing, saving and loading of windows share. */

#include "rdd/ds-checkpoint-frame-private.h"
#include "rdd/ds-state-codec-private.h"

G_BEGIN_DECLS

#define DS_WINDOW_SAVE_NAME "windows"
#define DS_WINDOW_SAVE_VERSION 1
/* Besides whether there are queues: steps to be taken again, not what they came to. */
#define DS_WINDOW_SAVE_STEPS 2
/* There is one after it. */
#define DS_WINDOW_MAX_TIME (G_MAXINT64 - 1)

/* What is to be saved of one partition: nothing of it is a copy. */
typedef struct
{
  DsWindowTable *table; /* (nullable): NULL: no step has used it, or it is saved */
  DsTime time;          /* of the newest batch */
  guint32 n_entries;
  guint32 n_live;
  guint32 n_batches;
  const DsValue *keys; /* in key_column */
  DsArena *key_column;
  DsArena *key_arena;
  DsBlock *result; /* (nullable): values of live keys, with an inverse */
  GArray *order;   /* (nullable): as the table has it */
  DsWindowBatch *batches;
} DsWindowPart;

struct _DsWindowSnapshot
{
  DsWindowStepper *stepper;
  DsTime time;
  DsTime base;      /* that steps follow */
  GPtrArray *steps; /* (nullable): GArray of DsTime; NULL: it is in full */
  gboolean has_queues;
  guint n_parts;
  DsWindowPart parts[];
};

/* It is saved: the table need not keep anything for it any longer. */
void ds_window_part_release (DsWindowPart *self);

static inline void
ds_window_save_put_time (DsFrameWriter *frames, DsTime time)
{
  if (time != DS_TIME_NONE)
    ds_frame_writer_put_int (frames, time);
  else
    ds_frame_writer_put_null (frames);
}

/* Between two rows. */
static inline gboolean
ds_window_save_go_on (DsFrameWriter *frames, GError **error)
{
  return !ds_frame_writer_is_full (frames) || ds_frame_writer_end (frames, error);
}

/* What follows the head of steps: ds-window-save-steps.c. */
gboolean ds_window_save_put_steps (const DsWindowSnapshot *snapshot,
                                   DsFrameWriter *frames,
                                   GError **error);

/* How the stretches of a queue lie, counted from front. */
typedef struct
{
  guint32 left;
  guint32 right;
  guint32 turn;
  guint32 back;
  guint32 n_cells;
} DsWindowStretches;

/* ---- Loading ---- */

/* A row is about to be read. */
static inline gboolean
ds_window_load_begin_row (DsFrameReader *frames, GError **error)
{
  return !ds_frame_reader_is_at_end (frames) || ds_frame_reader_next (frames, error);
}

/* Strings lie in the frame. */
static inline gboolean
ds_window_load_take_value (DsFrameReader *frames,
                           DsArena *arena,
                           DsValue *value,
                           GError **error)
{
  const guint8 *bytes;
  gsize n_bytes;

  if (!ds_frame_reader_take_encoded (frames, &bytes, &n_bytes, error))
    return FALSE;
  *value = ds_state_decode (bytes, arena);
  return TRUE;
}

static inline gboolean
ds_window_load_take_number (DsFrameReader *frames,
                            const char *name,
                            guint32 min,
                            guint32 max,
                            guint32 *number,
                            GError **error)
{
  gint64 integer;

  if (!ds_frame_reader_take_int (frames, name, min, max, &integer, error))
    return FALSE;
  *number = (guint32) integer;
  return TRUE;
}

static inline gboolean
ds_window_load_take_time (DsFrameReader *frames, DsTime *time, GError **error)
{
  *time = DS_TIME_NONE;
  return ds_frame_reader_take_null (frames) ||
         ds_frame_reader_take_int (frames, "a time", 0, DS_WINDOW_MAX_TIME, time, error);
}

/* Takes the steps that follow the head of @frames, after @base: ds-window-load-steps.c.
 */
gboolean ds_window_load_take_steps (DsWindowStepper *stepper,
                                    DsContext *context,
                                    DsFrameReader *frames,
                                    DsTime time,
                                    GError **error);

G_END_DECLS
