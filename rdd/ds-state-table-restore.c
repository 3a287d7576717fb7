/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Filling a table with what another one was saved as.  No deltas are made: what is there
 * then is the oldest that can be read.  Keys come in their order; their order in time is
 * by the batch of the last change, and within a batch by the order of changes, which is
 * sorted out at the end, for those keys only that came since. */

#include "rdd/ds-state-table-core-private.h"

/* Rows that are looked at ahead, so that their slots are on their way. */
#define DS_STATE_RESTORE_RUN 64
#define DS_STATE_N_DIGITS 12 /* bytes of updated_at and order */

void
ds_state_table_reserve (DsStateTable *self, guint32 n_keys)
{
  g_assert (self->n_entries == 0);
  if (n_keys <= self->n_max_entries)
    return;

  g_free (self->slots);
  ds_state_table_make_slots (self, n_keys);
  self->n_max_entries = n_keys;
  self->entries = g_renew (DsStateEntry, self->entries, n_keys);
  if (self->is_timed)
    self->links = g_renew (DsStateLink, self->links, n_keys);
}

/* Where a key has no state, there is an entry that nobody needs any more. */
static void
ds_state_table_restore_removed (DsStateTable *self, guint32 entry)
{
  guint32 n_key;

  if (self->is_timed)
    ds_state_table_unlink (self, entry);
  ds_state_table_write (self, entry, NULL, DS_STATE_ABSENT);
  self->n_present--;
  self->n_droppable++;
  ds_state_record_get_key (ds_state_log_get (self, self->entries[entry].at), &n_key);
  self->n_dead_units += ds_state_record_get_n_units (n_key, DS_STATE_ABSENT);
}

/* FALSE: it does not fit what is there. */
static gboolean
ds_state_table_restore_one (DsStateTable *self, DsTime since, const DsStateRestored *row)
{
  DsStateSlot *slot = ds_state_table_find_slot (self, &row->key);
  guint32 entry = slot != NULL ? slot->entry_plus_1 - 1 : DS_STATE_NO_ENTRY;
  gboolean is_there = slot != NULL && self->entries[entry].n_state != DS_STATE_ABSENT;

  /* What is there and was restored since then came twice. */
  if (is_there && self->entries[entry].updated_at > since)
    return FALSE;
  if (row->n_bytes == DS_STATE_ABSENT)
    {
      if (is_there)
        ds_state_table_restore_removed (self, entry);
      return is_there;
    }

  if (is_there)
    {
      if (self->is_timed)
        ds_state_table_unlink (self, entry);
      ds_state_table_write (self, entry, row->bytes, row->n_bytes);
    }
  else
    {
      entry = ds_state_table_make_entry (self, slot, &row->key, row->bytes, row->n_bytes);
      self->entries[entry].predecessor = DS_STATE_NO_ENTRY;
    }
  self->entries[entry].updated_at = row->updated_at;
  self->entries[entry].undo = row->order;
  if (self->is_timed)
    g_array_append_val (self->restored, entry);
  return TRUE;
}

gsize
ds_state_table_restore (DsStateTable *self,
                        DsTime since,
                        const DsStateRestored *rows,
                        gsize n_rows)
{
  gsize n_fit = 0;

  g_mutex_lock (&self->lock);
  g_assert (self->deltas->len == 0);
  if (self->is_timed && self->restored == NULL)
    self->restored = g_array_new (FALSE, FALSE, sizeof (guint32));
  for (gsize end = 0; n_fit == end && end < n_rows;)
    {
      end = MIN (end + DS_STATE_RESTORE_RUN, n_rows);
      for (gsize i = n_fit; i < end; i++)
        __builtin_prefetch (&self->slots[rows[i].key.hash & self->slot_mask], 1);
      while (n_fit < end && ds_state_table_restore_one (self, since, &rows[n_fit]))
        n_fit++;
    }
  g_mutex_unlock (&self->lock);
  return n_fit;
}

/* ---- The order in time ---- */

static gboolean
ds_state_table_is_sorted (const DsStateTable *self, const guint32 *entries, guint n)
{
  for (guint i = 1; i < n; i++)
    {
      const DsStateEntry *a = &self->entries[entries[i - 1]];
      const DsStateEntry *b = &self->entries[entries[i]];

      if (a->updated_at > b->updated_at ||
          (a->updated_at == b->updated_at && a->undo > b->undo))
        return FALSE;
    }
  return TRUE;
}

/* Least significant first: four of the order, then eight of the time, which is not
 * negative. */
static inline guint8
ds_state_entry_get_digit (const DsStateEntry *self, guint digit)
{
  return digit < 4 ? (guint8) (self->undo >> 8 * digit)
                   : (guint8) ((guint64) self->updated_at >> 8 * (digit - 4));
}

/* By one digit after the other, from @entries to @scratch and back; digits that are all
 * the same, which most are, cost nothing. */
static void
ds_state_table_sort (const DsStateTable *self, GArray *array)
{
  guint n = array->len;
  guint32 (*counts)[256] = g_malloc0 (DS_STATE_N_DIGITS * sizeof *counts);
  g_autofree guint32 *scratch = g_new (guint32, MAX (n, 1));
  guint32 *from = (guint32 *) (gpointer) array->data;
  guint32 *to = scratch;

  for (guint i = 0; i < n; i++)
    for (guint digit = 0; digit < DS_STATE_N_DIGITS; digit++)
      counts[digit][ds_state_entry_get_digit (&self->entries[from[i]], digit)]++;

  for (guint digit = 0; digit < DS_STATE_N_DIGITS; digit++)
    {
      guint32 *swapped = from;
      guint32 at = 0;

      if (counts[digit][ds_state_entry_get_digit (&self->entries[from[0]], digit)] == n)
        continue;
      for (guint value = 0; value < 256; value++)
        {
          guint32 count = counts[digit][value];

          counts[digit][value] = at;
          at += count;
        }
      for (guint i = 0; i < n; i++)
        to[counts[digit][ds_state_entry_get_digit (&self->entries[from[i]], digit)]++] =
            from[i];
      from = to;
      to = swapped;
    }
  if (from == scratch)
    memcpy (array->data, scratch, n * sizeof *scratch);
  g_free (counts);
}

void
ds_state_table_end_restore (DsStateTable *self, DsTime time)
{
  g_mutex_lock (&self->lock);
  if (self->restored != NULL && self->restored->len > 0)
    {
      if (!ds_state_table_is_sorted (
              self, (const guint32 *) (gconstpointer) self->restored->data,
              self->restored->len))
        ds_state_table_sort (self, self->restored);
      for (guint i = 0; i < self->restored->len; i++)
        ds_state_table_link_behind (self, g_array_index (self->restored, guint32, i),
                                    self->newest);
    }
  g_clear_pointer (&self->restored, g_array_unref);
  self->forgotten = MAX (self->forgotten, time);
  g_mutex_unlock (&self->lock);
}
