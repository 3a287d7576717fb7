/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The log's own thread: group commit, new segments, and what happens when the disk fails.
 *
 * At most one group is written and not synced, so after a failure exactly that group has
 * to be written again.  It is still in memory. */

#include "base/ds-error.h"
#include "base/ds-failpoint-private.h"
#include "base/ds-log-writer-private.h"

/* What one write may have, in group_bytes: what comes meanwhile is laid out while it is
 * still in the caches, and fewer syncs than one for each group are enough. */
#define DS_LOG_MAX_GROUPS ((guint64) 4)
/* How often the wait for room doubles. */
#define DS_LOG_MAX_DOUBLINGS 6

void
ds_log_group_clear (DsLogGroup *group)
{
  for (DsLogEntry *entry = group->first, *next; entry != NULL; entry = next)
    {
      next = entry->next;
      if (entry->release != NULL)
        entry->release (entry->owner);
      g_free (entry);
    }
  *group = (DsLogGroup){ 0 };
}

/* ---- What to do next; lock held ---- */

static gboolean
ds_log_is_due_locked (DsWriteAheadLog *self, gint64 *deadline)
{
  gint64 due = self->waiting_since + self->settings.group_delay;

  *deadline = due;
  return self->waiting.first != NULL &&
         (self->is_closing || self->rotate_before > 0 ||
          self->waiting.n_bytes >= self->settings.group_bytes ||
          self->wanted_sequence >= self->waiting.first->sequence ||
          due <= g_get_monotonic_time ());
}

static gboolean
ds_log_must_rotate_locked (DsWriteAheadLog *self)
{
  return self->rotate_before > 0 && self->durable_sequence + 1 >= self->rotate_before;
}

/* FALSE: the end. */
static gboolean
ds_log_wait_locked (DsWriteAheadLog *self)
{
  gint64 deadline;

  while (!ds_log_is_due_locked (self, &deadline) && !ds_log_must_rotate_locked (self))
    {
      if (self->is_closing && self->waiting.first == NULL)
        return FALSE;
      if (self->waiting.first != NULL)
        g_cond_wait_until (&self->wanted, &self->lock, deadline);
      else
        g_cond_wait (&self->wanted, &self->lock);
    }
  return TRUE;
}

/* As much of what waits as the segment has room for, and at least one record. */
static DsLogGroup
ds_log_take_locked (DsWriteAheadLog *self, guint64 n_room)
{
  DsLogEntry *last = self->waiting.first;
  DsLogGroup group = { last, last, 1, last->size };

  while (last->next != NULL && group.n_bytes + last->next->size <= n_room)
    {
      last = last->next;
      group.n_bytes += last->size;
      group.n_entries++;
    }
  group.last = last;
  self->waiting.first = last->next;
  if (last->next == NULL)
    self->waiting.last = NULL;
  last->next = NULL;
  self->waiting.n_bytes -= group.n_bytes;
  self->waiting.n_entries -= group.n_entries;
  return group;
}

/* ---- Writing; no lock ---- */

static gboolean
ds_log_is_full (DsWriteAheadLog *self, gsize n_bytes)
{
  const DsLogSegment *segment = &self->segment;

  if (ds_log_segment_is_empty (segment))
    return FALSE;
  return segment->n_bytes + n_bytes > self->settings.max_segment_bytes ||
         (self->settings.rolling_interval > 0 &&
          g_get_monotonic_time () - segment->started >= self->settings.rolling_interval);
}

/* Waits for room, or to be closed; FALSE: it is closed, or given up: the last try. */
static gboolean
ds_log_hold_back (DsWriteAheadLog *self, guint n_tries)
{
  gint64 delay = self->settings.retry_delay << MIN (n_tries, DS_LOG_MAX_DOUBLINGS);
  gint64 deadline = g_get_monotonic_time () + delay;
  gboolean goes_on;

  g_mutex_lock (&self->lock);
  while (!self->is_closing && delay > 0 &&
         g_cond_wait_until (&self->wanted, &self->lock, MIN (deadline, self->give_up_at)))
    ;
  goes_on = !self->is_closing && g_get_monotonic_time () < self->give_up_at;
  g_mutex_unlock (&self->lock);
  return goes_on;
}

static gboolean
ds_log_try (DsWriteAheadLog *self,
            const DsLogGroup *group,
            guint64 first_sequence,
            gboolean wants_segment,
            GError **error)
{
  if ((wants_segment || !ds_log_segment_is_open (&self->segment)) &&
      !ds_log_segment_begin (&self->segment, first_sequence, error))
    return FALSE;
  return group == NULL || ds_log_segment_write (&self->segment, group, error);
}

/* Writes @group (nullable), into a new segment if wanted.  Comes back when it is durable,
 * or with an error that is for good: the second one in a row that is not a full disk. */
static gboolean
ds_log_write (DsWriteAheadLog *self,
              const DsLogGroup *group,
              guint64 first_sequence,
              gboolean wants_segment,
              GError **error)
{
  guint n_failures = 0;
  guint n_held_back = 0;
  gboolean is_last_try = FALSE;

  for (;;)
    {
      g_autoptr (GError) local_error = NULL;

      if (ds_log_try (self, group, first_sequence, wants_segment, &local_error))
        break;
      /* Either the new one is there, or none is, which is looked at anyway. */
      wants_segment = FALSE;
      if (!g_error_matches (local_error, DS_ERROR, DS_ERROR_NO_SPACE))
        n_failures++;
      if (n_failures >= 2 || is_last_try)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      if (!g_error_matches (local_error, DS_ERROR, DS_ERROR_NO_SPACE))
        continue;
      if (n_held_back == 0 && self->trouble_func != NULL)
        self->trouble_func (local_error, self->trouble_data);
      is_last_try = !ds_log_hold_back (self, n_held_back++);
    }
  if (n_held_back > 0 && self->trouble_func != NULL)
    self->trouble_func (NULL, self->trouble_data);
  return TRUE;
}

/* ---- The thread ---- */

/* No lock.  Keeps what can be told. */
static void
ds_log_fail (DsWriteAheadLog *self, GError *cause)
{
  g_autoptr (GError) failure = NULL;
  DsLogGroup given_up;
  guint64 last;
  guint64 n_lost;

  g_mutex_lock (&self->lock);
  last = self->durable_sequence;
  n_lost = self->next_sequence - 1 - last;
  self->failure = g_error_new (
      DS_ERROR, cause->code,
      "The log in \"%s\" has failed: %s. Records after number %" G_GUINT64_FORMAT
      ", which are %" G_GUINT64_FORMAT
      " so far, are in memory only: not durable and not acknowledged; nothing more is "
      "taken: mend the disk and start again, which goes on from there",
      ds_durable_directory_get_path (self->directory), cause->message, last, n_lost);
  failure = g_error_copy (self->failure);
  given_up = self->waiting;
  self->waiting = (DsLogGroup){ 0 };
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  if (self->durable_func != NULL)
    self->durable_func (last, failure, self->durable_data);
  ds_log_group_clear (&given_up);
}

static gboolean
ds_log_flush_group (DsWriteAheadLog *self, DsLogGroup *group, GError **error)
{
  guint64 last = group->last->sequence;
  gboolean is_written = ds_log_write (self, group, group->first->sequence,
                                      ds_log_is_full (self, group->first->size), error);

  g_mutex_lock (&self->lock);
  self->n_unsafe_bytes -= group->n_bytes;
  self->segment_number = self->segment.head.number;
  if (is_written)
    self->durable_sequence = last;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  if (is_written && self->durable_func != NULL)
    self->durable_func (last, NULL, self->durable_data);
  ds_log_group_clear (group);
  return is_written;
}

static gboolean
ds_log_rotate_now (DsWriteAheadLog *self, guint64 first_sequence, GError **error)
{
  if (!ds_log_segment_is_empty (&self->segment) &&
      !ds_log_write (self, NULL, first_sequence, TRUE, error))
    return FALSE;

  g_mutex_lock (&self->lock);
  self->rotated_before = first_sequence;
  if (self->rotate_before <= self->rotated_before)
    self->rotate_before = 0;
  self->segment_number = self->segment.head.number;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

gpointer
ds_log_flusher_run (gpointer log)
{
  DsWriteAheadLog *self = log;
  g_autoptr (GError) error = NULL;
  gboolean is_well = TRUE;

  g_mutex_lock (&self->lock);
  while (is_well && ds_log_wait_locked (self))
    {
      guint64 next = self->durable_sequence + 1;
      guint64 n_used = self->segment.n_bytes;

      if (ds_log_must_rotate_locked (self))
        {
          g_mutex_unlock (&self->lock);
          is_well = ds_log_rotate_now (self, next, &error);
        }
      else
        {
          guint64 n_room = self->settings.max_segment_bytes -
                           MIN (n_used, self->settings.max_segment_bytes);
          DsLogGroup group =
              ds_log_take_locked (self, MIN (n_room, DS_LOG_MAX_GROUPS *
                                                         self->settings.group_bytes));

          g_mutex_unlock (&self->lock);
          is_well = ds_log_flush_group (self, &group, &error);
        }
      g_mutex_lock (&self->lock);
    }
  g_mutex_unlock (&self->lock);
  if (!is_well)
    ds_log_fail (self, error);
  return NULL;
}
