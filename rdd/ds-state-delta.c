/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Deltas: of each batch, what its changes replaced.
 *
 * An entry knows the batch that changed it last and its place in that batch's delta; the
 * undo there knows the batch before that, and so on: a chain back in time for each key,
 * which ends where deltas have been forgotten.  Nothing has to be looked for, and
 * forgetting a batch is freeing its delta. */

#include "rdd/ds-state-table-core-private.h"

#include <string.h>

DsStateDelta *
ds_state_delta_new (DsTime time)
{
  DsStateDelta *self = g_new0 (DsStateDelta, 1);

  self->time = time;
  return self;
}

void
ds_state_delta_free (gpointer delta)
{
  DsStateDelta *self = delta;

  g_clear_pointer (&self->arena, ds_arena_unref);
  g_free (self->undos);
  g_free (self);
}

static void
ds_state_delta_keep_state (DsStateDelta *self,
                           DsStateUndo *undo,
                           const guint8 *state,
                           guint32 n_state)
{
  guint8 *copy;

  if (n_state <= sizeof undo->state.inlined)
    {
      memcpy (undo->state.inlined, state, n_state);
      return;
    }
  if (self->arena == NULL)
    self->arena = ds_arena_new (NULL);
  copy = ds_arena_alloc (self->arena, n_state);
  memcpy (copy, state, n_state);
  undo->state.bytes = copy;
}

guint32
ds_state_delta_add (DsStateDelta *self,
                    const DsStateTable *table,
                    guint32 entry,
                    gboolean is_new)
{
  const DsStateEntry *now = &table->entries[entry];
  DsStateUndo undo = { .entry = entry,
                       .n_state = DS_STATE_ABSENT,
                       .updated_at = DS_TIME_NONE,
                       .undo = DS_STATE_NO_UNDO,
                       .previous = DS_STATE_NO_ENTRY };

  if (self->n_undos == self->n_max_undos)
    {
      self->n_max_undos = MAX (16, self->n_max_undos * 2);
      self->undos = g_renew (DsStateUndo, self->undos, self->n_max_undos);
    }
  if (!is_new)
    {
      undo.n_state = now->n_state;
      undo.updated_at = now->updated_at;
      undo.undo = now->undo;
      if (now->n_state != DS_STATE_ABSENT)
        {
          guint32 n_key;
          const guint8 *key =
              ds_state_record_get_key (ds_state_log_get (table, now->at), &n_key);

          ds_state_delta_keep_state (self, &undo, key + n_key, now->n_state);
          if (table->is_timed)
            undo.previous = table->links[entry].previous;
        }
    }
  self->undos[self->n_undos] = undo;
  return self->n_undos++;
}

DsStateDelta *
ds_state_table_find_delta (const DsStateTable *self, DsTime time)
{
  /* From the newest: nobody looks back far. */
  for (guint i = self->deltas->len; i > 0; i--)
    {
      DsStateDelta *delta = g_ptr_array_index (self->deltas, i - 1);

      if (delta->time == time)
        return delta;
      if (delta->time < time)
        break;
    }
  return NULL;
}
