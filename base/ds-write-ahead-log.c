/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The log as its callers see it: a queue in front of who writes, in ds-log-flusher.c. */

#include "base/ds-write-ahead-log-private.h"

#include "base/ds-error.h"
#include "base/ds-log-writer-private.h"

/* ---- Making ---- */

static DsLogSettings
ds_log_complete_settings (const DsLogSettings *settings)
{
  DsLogSettings all = settings != NULL ? *settings : (DsLogSettings){ 0 };

  if (all.max_segment_bytes == 0)
    all.max_segment_bytes = 64 * 1024 * 1024;
  if (all.group_bytes == 0)
    all.group_bytes = 1024 * 1024;
  if (all.group_delay == 0)
    all.group_delay = 5 * 1000;
  if (all.max_waiting_bytes == 0)
    all.max_waiting_bytes = 64 * 1024 * 1024;
  if (all.retry_delay == 0)
    all.retry_delay = 100 * 1000;
  all.group_delay = MAX (all.group_delay, 0);
  all.retry_delay = MAX (all.retry_delay, 0);
  return all;
}

static void
ds_write_ahead_log_free (DsWriteAheadLog *self)
{
  ds_log_group_clear (&self->waiting);
  ds_log_segment_clear (&self->segment);
  g_clear_error (&self->failure);
  g_cond_clear (&self->changed);
  g_cond_clear (&self->wanted);
  g_mutex_clear (&self->lock);
  g_free (self);
}

DsWriteAheadLog *
ds_write_ahead_log_new (DsDurableDirectory *directory,
                        guint64 next_segment,
                        guint64 next_sequence,
                        const DsLogSettings *settings,
                        GError **error)
{
  DsWriteAheadLog *self = g_new0 (DsWriteAheadLog, 1);

  g_assert (next_segment > 0 && next_sequence > 0);
  self->directory = directory;
  self->settings = ds_log_complete_settings (settings);
  g_mutex_init (&self->lock);
  g_cond_init (&self->wanted);
  g_cond_init (&self->changed);
  self->next_sequence = next_sequence;
  self->durable_sequence = next_sequence - 1;
  self->rotated_before = next_sequence;
  self->give_up_at = G_MAXINT64;
  ds_log_segment_init (&self->segment, directory, next_segment);

  if (ds_log_segment_begin (&self->segment, next_sequence, error))
    {
      self->segment_number = self->segment.head.number;
      self->thread = g_thread_try_new ("ds-log", ds_log_flusher_run, self, error);
    }
  if (self->thread != NULL)
    return self;
  ds_write_ahead_log_free (self);
  return NULL;
}

void
ds_write_ahead_log_set_durable_func (DsWriteAheadLog *self,
                                     DsLogDurableFunc func,
                                     gpointer user_data)
{
  g_mutex_lock (&self->lock);
  self->durable_func = func;
  self->durable_data = user_data;
  g_mutex_unlock (&self->lock);
}

void
ds_write_ahead_log_set_trouble_func (DsWriteAheadLog *self,
                                     DsLogTroubleFunc func,
                                     gpointer user_data)
{
  g_mutex_lock (&self->lock);
  self->trouble_func = func;
  self->trouble_data = user_data;
  g_mutex_unlock (&self->lock);
}

/* ---- Appending ---- */

static DsLogEntry *
ds_log_entry_new (DsLogRecordType type,
                  const DsLogPart *parts,
                  guint n_parts,
                  gsize n_bytes,
                  gpointer owner,
                  GDestroyNotify release)
{
  gboolean is_copied = release == NULL;
  guint n_kept = is_copied ? 1 : n_parts;
  DsLogEntry *self = g_malloc (sizeof (DsLogEntry) + n_kept * sizeof (DsLogPart) +
                               (is_copied ? n_bytes : 0));

  self->next = NULL;
  self->size = ds_log_record_size (n_bytes);
  self->n_bytes = (guint32) n_bytes;
  self->type = (guint16) type;
  self->owner = owner;
  self->release = release;
  self->n_parts = n_kept;
  if (!is_copied)
    {
      memcpy (self->parts, parts, n_parts * sizeof (DsLogPart));
      return self;
    }

  guint8 *end = (guint8 *) &self->parts[1];

  self->parts[0] = (DsLogPart){ end, n_bytes };
  for (guint i = 0; i < n_parts; i++)
    if (parts[i].n_bytes > 0)
      {
        memcpy (end, parts[i].bytes, parts[i].n_bytes);
        end += parts[i].n_bytes;
      }
  return self;
}

static gboolean
ds_log_may_append_locked (DsWriteAheadLog *self, gsize size, GError **error)
{
  while (self->failure == NULL && !self->is_closing && self->n_unsafe_bytes > 0 &&
         self->n_unsafe_bytes + size > self->settings.max_waiting_bytes)
    g_cond_wait (&self->changed, &self->lock);

  if (self->failure != NULL)
    g_propagate_error (error, g_error_copy (self->failure));
  else if (self->is_closing)
    g_set_error (error, DS_ERROR, DS_ERROR_STOPPED,
                 "The log in \"%s\" is closed; the record was not taken",
                 ds_durable_directory_get_path (self->directory));
  return self->failure == NULL && !self->is_closing;
}

/* Whether the log's own thread has to hear of it. */
static gboolean
ds_log_push_locked (DsWriteAheadLog *self, DsLogEntry *entry)
{
  DsLogGroup *waiting = &self->waiting;
  gboolean was_empty = waiting->first == NULL;
  gboolean was_enough = waiting->n_bytes >= self->settings.group_bytes;

  entry->sequence = self->next_sequence++;
  if (was_empty)
    {
      waiting->first = entry;
      self->waiting_since = g_get_monotonic_time ();
    }
  else
    waiting->last->next = entry;
  waiting->last = entry;
  waiting->n_entries++;
  waiting->n_bytes += entry->size;
  self->n_unsafe_bytes += entry->size;
  return was_empty || (!was_enough && waiting->n_bytes >= self->settings.group_bytes);
}

static guint64
ds_log_append_entry (DsWriteAheadLog *self, DsLogEntry *entry, GError **error)
{
  guint64 sequence = 0;

  g_mutex_lock (&self->lock);
  if (ds_log_may_append_locked (self, entry->size, error))
    {
      gboolean is_news = ds_log_push_locked (self, entry);

      sequence = entry->sequence;
      if (is_news)
        g_cond_signal (&self->wanted);
    }
  g_mutex_unlock (&self->lock);
  return sequence;
}

guint64
ds_write_ahead_log_append (DsWriteAheadLog *self,
                           DsLogRecordType type,
                           const DsLogPart *parts,
                           guint n_parts,
                           gpointer owner,
                           GDestroyNotify release,
                           GError **error)
{
  gsize n_bytes = 0;
  guint64 sequence = 0;

  for (guint i = 0; i < n_parts && n_bytes <= DS_LOG_MAX_RECORD_BYTES; i++)
    n_bytes += MIN (parts[i].n_bytes, (gsize) DS_LOG_MAX_RECORD_BYTES + 1);

  if (n_bytes > DS_LOG_MAX_RECORD_BYTES)
    g_set_error (error, DS_ERROR, DS_ERROR_LIMIT,
                 "A record for the log in \"%s\" is larger than %u bytes, the most that "
                 "one may have; it was not taken: store smaller blocks",
                 ds_durable_directory_get_path (self->directory),
                 DS_LOG_MAX_RECORD_BYTES);
  else
    {
      DsLogEntry *entry =
          ds_log_entry_new (type, parts, n_parts, n_bytes, owner, release);

      sequence = ds_log_append_entry (self, entry, error);
      if (sequence == 0)
        g_free (entry);
    }
  if (sequence == 0 && release != NULL)
    release (owner);
  return sequence;
}

/* ---- What is durable ---- */

static void
ds_log_want_locked (DsWriteAheadLog *self, guint64 sequence)
{
  if (sequence <= self->wanted_sequence)
    return;
  self->wanted_sequence = sequence;
  if (sequence > self->durable_sequence)
    g_cond_signal (&self->wanted);
}

void
ds_write_ahead_log_request_sync (DsWriteAheadLog *self, guint64 sequence)
{
  g_mutex_lock (&self->lock);
  ds_log_want_locked (self, sequence);
  g_mutex_unlock (&self->lock);
}

gboolean
ds_write_ahead_log_sync (DsWriteAheadLog *self, guint64 sequence)
{
  gboolean is_durable;

  g_mutex_lock (&self->lock);
  while (self->durable_sequence < sequence && ds_log_lead_locked (self, sequence))
    ;
  is_durable = self->durable_sequence >= sequence;
  if (!is_durable)
    ds_log_want_locked (self, sequence);
  g_mutex_unlock (&self->lock);
  return is_durable;
}

gboolean
ds_write_ahead_log_await (DsWriteAheadLog *self, guint64 sequence, GError **error)
{
  gboolean is_durable;

  g_mutex_lock (&self->lock);
  g_assert (sequence < self->next_sequence);
  while (self->durable_sequence < sequence && self->failure == NULL)
    if (!ds_log_lead_locked (self, sequence))
      {
        ds_log_want_locked (self, sequence);
        g_cond_wait (&self->changed, &self->lock);
      }
  is_durable = self->durable_sequence >= sequence;
  if (!is_durable)
    g_propagate_error (error, g_error_copy (self->failure));
  g_mutex_unlock (&self->lock);
  return is_durable;
}

guint64
ds_write_ahead_log_get_durable_sequence (DsWriteAheadLog *self)
{
  guint64 sequence;

  g_mutex_lock (&self->lock);
  sequence = self->durable_sequence;
  g_mutex_unlock (&self->lock);
  return sequence;
}

guint64
ds_write_ahead_log_get_next_sequence (DsWriteAheadLog *self)
{
  guint64 sequence;

  g_mutex_lock (&self->lock);
  sequence = self->next_sequence;
  g_mutex_unlock (&self->lock);
  return sequence;
}

/* ---- Segments ---- */

guint64
ds_write_ahead_log_rotate (DsWriteAheadLog *self, GError **error)
{
  guint64 before;
  guint64 number = 0;

  g_mutex_lock (&self->lock);
  before = self->next_sequence;
  if (before > self->rotated_before)
    {
      self->rotate_before = MAX (self->rotate_before, before);
      g_cond_signal (&self->wanted);
    }
  while (self->rotated_before < before && self->failure == NULL && !self->is_closing)
    g_cond_wait (&self->changed, &self->lock);
  if (self->failure != NULL)
    g_propagate_error (error, g_error_copy (self->failure));
  else
    number = self->segment_number;
  g_mutex_unlock (&self->lock);
  return number;
}

gboolean
ds_write_ahead_log_remove_before (DsWriteAheadLog *self, guint64 sequence, GError **error)
{
  g_autoptr (GArray) segments = ds_log_list_segments (self->directory, error);
  guint n_removed = 0;

  if (segments == NULL)
    return FALSE;
  /* One that is followed by one that begins at or before @sequence is not needed.  What
   * lies between two of them is needed no more than they are. */
  for (guint i = 1; i < segments->len; i++)
    {
      const DsLogSegmentFile *file = &g_array_index (segments, DsLogSegmentFile, i);

      if (file->is_whole && file->head.first_sequence <= sequence)
        n_removed = i;
    }
  for (guint i = 0; i < n_removed; i++)
    if (!ds_durable_directory_remove_file (
            self->directory, g_array_index (segments, DsLogSegmentFile, i).name, error))
      return FALSE;
  return TRUE;
}

void
ds_write_ahead_log_give_up_at (DsWriteAheadLog *self, gint64 deadline)
{
  g_mutex_lock (&self->lock);
  self->give_up_at = MIN (self->give_up_at, deadline);
  g_cond_signal (&self->wanted);
  g_mutex_unlock (&self->lock);
}

gboolean
ds_write_ahead_log_close (DsWriteAheadLog *self, GError **error)
{
  gboolean is_well;

  g_mutex_lock (&self->lock);
  self->is_closing = TRUE;
  g_cond_broadcast (&self->wanted);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  g_thread_join (self->thread);
  is_well = self->failure == NULL;
  if (!is_well)
    g_propagate_error (error, g_error_copy (self->failure));
  ds_write_ahead_log_free (self);
  return is_well;
}
