/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A store of states, or a window, that nobody will ever make a step with is filled from
 * the checkpoint as a recovery would do it; so all that is checked there is checked here.
 * Its rows are then gathered partition by partition, each of which is given back, and
 * sorted: neither the number of partitions nor the order in which keys came is seen. */

#include "rdd/ds-saved-state-private.h"

#include "base/ds-codec-private.h"
#include "base/ds-error.h"
#include "rdd/ds-checkpoint-frame-private.h"
#include "rdd/ds-functions.h"
#include "rdd/ds-state-store-save-private.h"
#include "rdd/ds-window-save-private.h"

#include <stdlib.h>

/* Where a row lies, until all bytes are there. */
typedef struct
{
  gsize key_at;
  gsize at;
  guint32 n_key_bytes;
  guint32 n_bytes;
  DsTime updated_at;
} DsSavedPlace;

struct _DsSavedState
{
  DsStateStore *store;      /* (nullable): one of the two */
  DsWindowStepper *stepper; /* (nullable) */
  guint n_partitions;
  GByteArray **bytes; /* [n_partitions] */
  DsSavedRow *rows;
  gsize n_rows;
  DsArena *arena; /* items of keys */
};

/* ---- Which kind it is ---- */

typedef struct
{
  gboolean is_window;
  gboolean has_queues;
  gboolean is_steps; /* of a window */
  gint64 n_partitions;
} DsSavedHead;

/* A value whatever it is: null or a number. */
static gboolean
ds_saved_head_skip (DsFrameReader *frames, GError **error)
{
  const guint8 *bytes;
  gsize n_bytes;

  return ds_frame_reader_take_encoded (frames, &bytes, &n_bytes, error);
}

static gboolean
ds_saved_head_take (DsSavedHead *self, DsFrameReader *frames, GError **error)
{
  static const char window_name[] = DS_WINDOW_SAVE_NAME;
  gsize n_name = sizeof window_name - 1;
  gint64 form = 0;

  if (!ds_frame_reader_next (frames, error))
    return FALSE;
  self->is_window = frames->bytes->len > n_name &&
                    frames->bytes->data[0] == (0xa0 | n_name) &&
                    memcmp (frames->bytes->data + 1, window_name, n_name) == 0;
  if (self->is_window)
    {
      if (!ds_frame_reader_take_name (frames, DS_WINDOW_SAVE_NAME, DS_WINDOW_SAVE_VERSION,
                                      error) ||
          !ds_frame_reader_take_int (frames, "whether it has queues", 0,
                                     DS_WINDOW_SAVE_STEPS + 1, &form, error) ||
          !ds_saved_head_skip (frames, error))
        return FALSE;
    }
  else if (!ds_frame_reader_take_name (frames, DS_STATE_SAVE_NAME, DS_STATE_SAVE_VERSION,
                                       error) ||
           !ds_saved_head_skip (frames, error) || !ds_saved_head_skip (frames, error) ||
           !ds_saved_head_skip (frames, error))
    return FALSE;
  self->has_queues = form % 2 != 0;
  self->is_steps = (form & DS_WINDOW_SAVE_STEPS) != 0;
  return ds_frame_reader_take_int (frames, "the number of partitions", 1, G_MAXUINT16,
                                   &self->n_partitions, error);
}

static gboolean
ds_saved_head_read (DsSavedHead *self, DsStateReader *reader, GError **error)
{
  DsFrameReader frames;
  gboolean ok;

  ds_frame_reader_init (&frames, reader, "saved state");
  ok = ds_saved_head_take (self, &frames, error);
  ds_frame_reader_clear (&frames);
  return ok;
}

gboolean
ds_saved_state_is_steps (DsStateReader *reader, gboolean *is_steps, GError **error)
{
  DsSavedHead head;
  gboolean ok = ds_saved_head_read (&head, reader, error);

  *is_steps = ok && head.is_steps;
  return ok;
}

DsSavedState *
ds_saved_state_new (DsStateReader *reader, GError **error)
{
  g_autoptr (DsPartitioner) partitioner = NULL;
  DsSavedState *self;
  DsSavedHead head;

  if (!ds_saved_head_read (&head, reader, error))
    return NULL;

  self = g_new0 (DsSavedState, 1);
  self->n_partitions = (guint) head.n_partitions;
  self->bytes = g_new0 (GByteArray *, self->n_partitions);
  self->arena = ds_arena_new (NULL);
  partitioner = ds_partitioner_new_hash (self->n_partitions);
  if (head.is_window)
    {
      /* Nobody calls the functions. */
      const DsWindowPlan plan = { .kind = "window",
                                  .window = DS_SECOND,
                                  .func = ds_add,
                                  .inverse = head.has_queues ? NULL : ds_subtract };

      self->stepper = ds_window_stepper_new (&plan, partitioner);
    }
  else
    self->store = ds_state_store_new (partitioner, FALSE);
  return self;
}

void
ds_saved_state_free (DsSavedState *self)
{
  g_clear_pointer (&self->store, ds_state_store_unref);
  g_clear_pointer (&self->stepper, ds_window_stepper_unref);
  for (guint i = 0; i < self->n_partitions; i++)
    g_clear_pointer (&self->bytes[i], g_byte_array_unref);
  g_free (self->bytes);
  g_free (self->rows);
  ds_arena_unref (self->arena);
  g_free (self);
}

gboolean
ds_saved_state_load (DsSavedState *self, DsStateReader *reader, GError **error)
{
  return self->store != NULL
             ? ds_state_store_load (self->store, reader, error)
             : ds_window_stepper_load (self->stepper, NULL, reader, error);
}

/* ---- Rows ---- */

static void
ds_saved_state_gather_states (DsStateTable *table, GByteArray *bytes, GArray *places)
{
  DsStateRow rows[DS_STATE_SLICE];
  DsTime time = ds_state_table_get_oldest_time (table);
  guint64 cursor = 0;
  gsize n_read;

  ds_state_table_hold (table);
  while ((n_read = ds_state_table_read (table, time, &cursor, bytes, rows)) > 0)
    for (gsize i = 0; i < n_read; i++)
      {
        const DsSavedPlace place = { rows[i].key_at, rows[i].state_at, rows[i].n_key,
                                     rows[i].n_state, rows[i].updated_at };

        g_array_append_val (places, place);
      }
  ds_state_table_release (table);
}

static void
ds_saved_state_gather_window (DsWindowTable *table, GByteArray *bytes, GArray *places)
{
  const DsWindowState *state = &table->state;

  for (guint32 at = state->first_live; at != 0; at = state->entries[at - 1].next)
    {
      DsSavedPlace place = { .key_at = bytes->len, .updated_at = DS_TIME_NONE };

      if (state->entries[at - 1].is_hidden)
        continue;
      ds_codec_encode (state->keys[at - 1], bytes);
      place.at = bytes->len;
      ds_codec_encode (state->values[at - 1], bytes);
      place.n_key_bytes = (guint32) (place.at - place.key_at);
      place.n_bytes = (guint32) (bytes->len - place.at);
      g_array_append_val (places, place);
    }
}

static GArray *
ds_saved_state_gather (DsSavedState *self, guint partition)
{
  GArray *places = g_array_new (FALSE, FALSE, sizeof (DsSavedPlace));
  GByteArray *bytes = g_byte_array_new ();

  self->bytes[partition] = bytes;
  if (self->store != NULL)
    ds_saved_state_gather_states (ds_state_store_get_table (self->store, partition),
                                  bytes, places);
  else if (ds_window_stepper_get_partition (self->stepper, partition) != NULL)
    ds_saved_state_gather_window (
        &ds_window_stepper_get_partition (self->stepper, partition)->table, bytes,
        places);
  return places;
}

static int
ds_saved_row_compare (const void *a, const void *b)
{
  return ds_value_compare (((const DsSavedRow *) a)->key, ((const DsSavedRow *) b)->key);
}

const DsSavedRow *
ds_saved_state_get_rows (DsSavedState *self, gsize *n_rows)
{
  g_autofree GArray **places = g_new (GArray *, self->n_partitions);
  gsize n = 0;

  for (guint i = 0; i < self->n_partitions; i++)
    {
      places[i] = ds_saved_state_gather (self, i);
      self->n_rows += places[i]->len;
    }
  g_clear_pointer (&self->store, ds_state_store_unref);
  g_clear_pointer (&self->stepper, ds_window_stepper_unref);

  self->rows = g_new (DsSavedRow, self->n_rows + 1);
  for (guint i = 0; i < self->n_partitions; i++)
    {
      const guint8 *bytes = self->bytes[i]->data;

      for (guint k = 0; k < places[i]->len; k++)
        {
          const DsSavedPlace *place = &g_array_index (places[i], DsSavedPlace, k);

          self->rows[n++] =
              (DsSavedRow){ .key = ds_state_decode (bytes + place->key_at, self->arena),
                            .key_bytes = bytes + place->key_at,
                            .bytes = bytes + place->at,
                            .n_key_bytes = place->n_key_bytes,
                            .n_bytes = place->n_bytes,
                            .updated_at = place->updated_at };
        }
      g_array_unref (places[i]);
    }
  qsort (self->rows, self->n_rows, sizeof *self->rows, ds_saved_row_compare);
  *n_rows = self->n_rows;
  return self->rows;
}

DsValue
ds_saved_row_get_value (const DsSavedRow *row, DsArena *arena)
{
  return ds_state_decode (row->bytes, arena);
}
