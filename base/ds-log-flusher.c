/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The log's own thread: group commit, new segments, and what happens when the disk fails.
 *
 * At most one group is written and not synced, so after a failure exactly that group has
 * to be written again.  It is still in memory.
 *
 * Who waits for a record and finds nobody writing is the leader: it writes and syncs what
 * waits in its own thread, which saves the two changes of threads that a record takes
 * otherwise.  Everything else is left to the log's own thread: telling, new segments, and
 * whatever a leader could not write. */

#include "base/ds-durable-file-private.h"
#include "base/ds-error.h"
#include "base/ds-failpoint-private.h"
#include "base/ds-log-writer-private.h"

/* How often the wait for room doubles. */
#define DS_LOG_MAX_DOUBLINGS 6

/* ---- The lock ---- */

/* Who appends all the time gives the lock back for some ns only, and a thread that sleeps
 * until it is free came too late for that, for ms.  So appends look whether it is asked
 * for before they take it: ds_log_let_in (). */
static void
ds_log_enter (DsWriteAheadLog *self)
{
  g_atomic_int_set (&self->is_asked_in, TRUE);
  g_mutex_lock (&self->lock);
  g_atomic_int_set (&self->is_asked_in, FALSE);
}

/* ---- What to do next; lock held ---- */

static gboolean
ds_log_is_due_locked (DsWriteAheadLog *self, gint64 *deadline)
{
  gint64 due = self->waiting_since + self->settings.group_delay;

  *deadline = due;
  return self->waiting.first != NULL && !self->is_writing &&
         (self->is_closing || self->rotate_before > 0 ||
          self->waiting.n_bytes >= self->settings.group_bytes ||
          self->wanted_sequence >= self->waiting.first->first_sequence ||
          due <= g_get_monotonic_time ());
}

static gboolean
ds_log_must_rotate_locked (DsWriteAheadLog *self)
{
  return self->rotate_before > 0 && !self->is_writing &&
         self->durable_sequence + 1 >= self->rotate_before;
}

/* FALSE: the end. */
static gboolean
ds_log_wait_locked (DsWriteAheadLog *self)
{
  gint64 deadline;

  while (self->written.first == NULL && self->handed == NULL &&
         !ds_log_is_due_locked (self, &deadline) && !ds_log_must_rotate_locked (self))
    {
      if (self->is_closing && self->waiting.first == NULL && !self->is_writing)
        return FALSE;
      self->is_resting = TRUE;
      if (self->waiting.first != NULL && !self->is_writing)
        g_cond_wait_until (&self->wanted, &self->lock, deadline);
      else
        g_cond_wait (&self->wanted, &self->lock);
      self->is_resting = FALSE;
      g_atomic_int_set (&self->is_asked_in, FALSE);
    }
  return TRUE;
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

  ds_log_enter (self);
  while (!self->is_closing && delay > 0 &&
         g_cond_wait_until (&self->wanted, &self->lock, MIN (deadline, self->give_up_at)))
    ;
  goes_on = !self->is_closing && g_get_monotonic_time () < self->give_up_at;
  g_mutex_unlock (&self->lock);
  return goes_on;
}

static gboolean
ds_log_try (DsWriteAheadLog *self,
            DsLogGroup *group,
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
 * or with an error that is for good: the second one in a row that does not pass by
 * itself.
 * @first_error (nullable, taken over): of a try that was made already. */
static gboolean
ds_log_write (DsWriteAheadLog *self,
              DsLogGroup *group,
              guint64 first_sequence,
              gboolean wants_segment,
              GError *first_error,
              GError **error)
{
  guint n_failures = 0;
  guint n_held_back = 0;
  gboolean is_last_try = FALSE;

  for (;;)
    {
      g_autoptr (GError) local_error = g_steal_pointer (&first_error);

      if (local_error == NULL &&
          ds_log_try (self, group, first_sequence, wants_segment, &local_error))
        break;
      /* Either the new one is there, or none is, which is looked at anyway. */
      wants_segment = FALSE;
      if (!ds_durable_error_may_pass (local_error))
        n_failures++;
      if (n_failures >= 2 || is_last_try)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      if (!ds_durable_error_may_pass (local_error))
        continue;
      if (n_held_back == 0 && self->trouble_func != NULL)
        self->trouble_func (local_error, self->trouble_data);
      is_last_try = !ds_log_hold_back (self, n_held_back++);
    }
  if (n_held_back > 0 && self->trouble_func != NULL)
    self->trouble_func (NULL, self->trouble_data);
  return TRUE;
}

/* ---- The end of a write ---- */

/* No lock.  Keeps what can be told. */
static void
ds_log_fail (DsWriteAheadLog *self, GError *cause)
{
  g_autoptr (GError) failure = NULL;
  DsLogQueue given_up;
  DsLogGroup *failed;
  guint64 last;
  guint64 n_lost;

  ds_log_enter (self);
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
  failed = g_steal_pointer (&self->handed);
  given_up = self->waiting;
  self->waiting = (DsLogQueue){ 0 };
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  if (self->durable_func != NULL)
    self->durable_func (last, failure, self->durable_data);
  g_clear_pointer (&failed, ds_log_group_free);
  ds_log_queue_clear (&given_up);
}

/* Locks: needs self->lock. */
static void
ds_log_end_writing_locked (DsWriteAheadLog *self, gsize n_written)
{
  self->is_writing = FALSE;
  self->n_unsafe_bytes -= n_written;
  self->segment_number = self->segment.head.number;
  self->segment_salt = self->segment.head.salt;
  /* While some wait it may be too much, after a segment that began early: the next one
   * then begins early, too. */
  if (self->waiting.first == NULL)
    self->n_planned = self->segment.n_bytes;
  g_cond_broadcast (&self->changed);
}

/* No lock.  As many as are needed while one is filled and one is written are kept; their
 * memory has gone back. */
static void
ds_log_recycle (DsWriteAheadLog *self, DsLogGroup *group)
{
  gboolean is_kept;

  ds_log_group_clear (group);
  ds_log_enter (self);
  is_kept = self->n_spare < DS_LOG_MAX_SPARE;
  if (is_kept)
    {
      group->next = self->spare;
      self->spare = group;
      self->n_spare++;
    }
  g_mutex_unlock (&self->lock);
  if (!is_kept)
    ds_log_group_free (group);
}

/* No lock.  Takes over all in @groups, one at least. */
static void
ds_log_tell (DsWriteAheadLog *self, DsLogQueue groups)
{
  DsLogGroup *group;

  if (self->durable_func != NULL)
    self->durable_func (ds_log_group_get_last_sequence (groups.last), NULL,
                        self->durable_data);
  while ((group = ds_log_queue_pop (&groups)) != NULL)
    ds_log_recycle (self, group);
}

/* Takes over @group; what could not be written is handed on. */
static gboolean
ds_log_flush_group (DsWriteAheadLog *self,
                    DsLogGroup *group,
                    GError *first_error,
                    GError **error)
{
  DsLogQueue groups = { group, group, group->n_bytes };
  gboolean is_written =
      ds_log_write (self, group, group->first_sequence,
                    first_error == NULL && ds_log_is_full (self, group->n_bytes),
                    first_error, error);

  ds_log_enter (self);
  if (is_written)
    {
      self->durable_sequence = ds_log_group_get_last_sequence (group);
      ds_log_end_writing_locked (self, group->n_bytes);
    }
  else
    /* After a failure for good nobody writes: what follows would have a hole before it.
     * Nor is there room for more before everybody has heard of it. */
    self->handed = group;
  g_mutex_unlock (&self->lock);
  if (is_written)
    ds_log_tell (self, groups);
  return is_written;
}

static gboolean
ds_log_rotate_now (DsWriteAheadLog *self, guint64 first_sequence, GError **error)
{
  if (!ds_log_segment_is_empty (&self->segment) &&
      !ds_log_write (self, NULL, first_sequence, TRUE, NULL, error))
    return FALSE;

  ds_log_enter (self);
  self->rotated_before = first_sequence;
  if (self->rotate_before <= self->rotated_before)
    self->rotate_before = 0;
  ds_log_end_writing_locked (self, 0);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

/* ---- Leaders ---- */

static gboolean
ds_log_may_lead_locked (DsWriteAheadLog *self, guint64 sequence)
{
  return !self->is_writing && self->failure == NULL && !self->is_closing &&
         self->rotate_before == 0 && self->waiting.first != NULL &&
         self->waiting.first->first_sequence <= sequence &&
         ds_log_segment_is_open (&self->segment) &&
         !ds_log_is_full (self, self->waiting.first->n_bytes);
}

/* The first one that waits, which there is. */
static DsLogGroup *
ds_log_take_locked (DsWriteAheadLog *self)
{
  DsLogGroup *group = ds_log_queue_pop (&self->waiting);

  self->n_expected = ds_log_group_count_memory (group);
  return group;
}

gboolean
ds_log_lead_locked (DsWriteAheadLog *self, guint64 sequence)
{
  GError *error = NULL;
  DsLogGroup *group;
  gboolean is_written;

  if (!ds_log_may_lead_locked (self, sequence))
    return FALSE;
  self->is_writing = TRUE;
  group = ds_log_take_locked (self);
  g_mutex_unlock (&self->lock);
  is_written = ds_log_segment_write (&self->segment, group, &error);
  g_mutex_lock (&self->lock);
  if (is_written)
    {
      self->durable_sequence = ds_log_group_get_last_sequence (group);
      ds_log_end_writing_locked (self, group->n_bytes);
      ds_log_queue_push (&self->written, group);
    }
  else
    {
      self->handed = group;
      self->handed_error = error;
    }
  g_cond_signal (&self->wanted);
  return TRUE;
}

/* ---- The thread ---- */

/* Lock held, given back meanwhile.  What is told first comes first in the log. */
static gboolean
ds_log_do_next_locked (DsWriteAheadLog *self, GError **error)
{
  guint64 next = self->durable_sequence + 1;
  DsLogQueue written = self->written;
  gboolean is_well = TRUE;

  if (written.first != NULL)
    {
      self->written = (DsLogQueue){ 0 };
      g_mutex_unlock (&self->lock);
      ds_log_tell (self, written);
    }
  else if (ds_log_must_rotate_locked (self))
    {
      self->is_writing = TRUE;
      g_mutex_unlock (&self->lock);
      is_well = ds_log_rotate_now (self, next, error);
    }
  else
    {
      GError *first_error = g_steal_pointer (&self->handed_error);
      DsLogGroup *group = g_steal_pointer (&self->handed);

      if (group == NULL)
        group = ds_log_take_locked (self);
      self->is_writing = TRUE;
      g_mutex_unlock (&self->lock);
      is_well = ds_log_flush_group (self, group, first_error, error);
    }
  ds_log_enter (self);
  return is_well;
}

gpointer
ds_log_flusher_run (gpointer log)
{
  DsWriteAheadLog *self = log;
  g_autoptr (GError) error = NULL;
  gboolean is_well = TRUE;

  ds_log_enter (self);
  self->has_begun = TRUE;
  g_cond_broadcast (&self->changed);
  while (is_well && ds_log_wait_locked (self))
    is_well = ds_log_do_next_locked (self, &error);
  g_mutex_unlock (&self->lock);
  if (!is_well)
    ds_log_fail (self, error);
  return NULL;
}
