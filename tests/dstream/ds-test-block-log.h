/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The blocks of one stream and the log that they go to, as a process has them: blocks are
 * appended, batches get theirs and have that in the log, and then the process is gone,
 * one way or another, and the next one reads the log.  Blocks are single strings; a plan
 * in the log is the time of its batch (8 bytes) and what the stream says. */

#include "base/ds-log-reader-private.h"
#include "base/ds-write-ahead-log-private.h"
#include "dstream/ds-received-block-log-private.h"
#include "dstream/ds-received-block-tracker-private.h"

#include <string.h>

#define DS_TEST_STREAM 7

typedef struct
{
  char *path;
  DsDurableDirectory *directory;
  DsWriteAheadLog *log;
  DsReceivedBlockTracker *tracker;
  guint64 last; /* appended */

  /* The newest checkpoint. */
  GByteArray *position; /* (nullable) */
  DsTime position_time;
  guint64 position_sequence; /* from which the log is needed */

  /* Of the log, as it was read. */
  GArray *records; /* DsLogRecord of blocks */
  GPtrArray *heads;
  GString *contents; /* "add b0, plan 2000 [b0], ..." */
  DsReceivedBlockRecovery *recovery;
} DsTestBlockLog;

static inline void
ds_test_block_log_append_names (GString *text, GPtrArray *names)
{
  g_string_append (text, "[");
  for (guint i = 0; i < names->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? " " : "",
                            (const char *) g_ptr_array_index (names, i));
  g_string_append (text, "]");
}

/* The string of a logged block. */
static inline char *
ds_test_block_log_name (DsDurableDirectory *directory, const DsLogRecord *record)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) payload = ds_log_read_payload (directory, record, &error);
  g_autoptr (DsBlock) block = NULL;

  g_assert_no_error (error);
  block = ds_received_block_log_read (payload, NULL, &error);
  g_assert_no_error (error);
  return ds_value_to_string (ds_block_get (block, 0));
}

static inline gboolean
ds_test_block_log_read_one (const DsLogRecord *record,
                            const guint8 *payload,
                            gpointer user_data,
                            GError **error)
{
  DsTestBlockLog *self = user_data;

  if (record->type == DS_LOG_BLOCK)
    {
      g_autofree char *name = ds_test_block_log_name (self->directory, record);

      g_string_append_printf (self->contents, "%sadd %s",
                              self->contents->len > 0 ? ", " : "", name);
      g_array_append_val (self->records, *record);
      g_ptr_array_add (self->heads,
                       g_bytes_new (payload,
                                    MIN (record->n_bytes, DS_RECEIVED_BLOCK_MAX_HEAD)));
      return TRUE;
    }
  if (record->type == DS_LOG_PLAN)
    {
      g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
      g_autoptr (GArray) sequences = NULL;
      DsTime time;

      memcpy (&time, payload, sizeof time);
      sequences = ds_block_plan_decode (payload + sizeof time,
                                        record->n_bytes - sizeof time, error);
      if (sequences == NULL)
        return FALSE;
      for (guint i = 0; i < sequences->len; i++)
        for (guint k = 0; k < self->records->len; k++)
          {
            const DsLogRecord *known = &g_array_index (self->records, DsLogRecord, k);

            if (known->sequence == g_array_index (sequences, guint64, i))
              g_ptr_array_add (names, ds_test_block_log_name (self->directory, known));
          }
      g_string_append_printf (self->contents, "%splan %" G_GINT64_FORMAT " ",
                              self->contents->len > 0 ? ", " : "", time);
      ds_test_block_log_append_names (self->contents, names);
      /* A plan of a batch that the checkpoint has behind it says nothing any more. */
      if (self->position != NULL && time <= self->position_time)
        return TRUE;
      if (!ds_received_block_recovery_add_plan (self->recovery, time,
                                                payload + sizeof time,
                                                record->n_bytes - sizeof time, error))
        return FALSE;
      ds_received_block_tracker_set_planned_until (self->tracker, time);
    }
  return TRUE;
}

/* As a process that begins: reads what is there. */
static inline gboolean
ds_test_block_log_open (DsTestBlockLog *self, GError **error)
{
  guint64 next_segment = 1;
  guint64 next_sequence = 1;

  self->directory =
      ds_durable_directory_open (self->path, DS_DURABLE_DIRECTORY_CREATE, error);
  if (self->directory == NULL)
    return FALSE;
  self->tracker = ds_received_block_tracker_new (NULL);
  self->recovery = ds_received_block_recovery_new ();
  g_array_set_size (self->records, 0);
  g_ptr_array_set_size (self->heads, 0);
  g_string_truncate (self->contents, 0);
  if (self->position != NULL)
    {
      if (!ds_received_block_recovery_add_position (self->recovery, DS_TEST_STREAM,
                                                    self->position->data,
                                                    self->position->len, error))
        return FALSE;
      ds_received_block_tracker_set_forgotten (
          self->tracker, DS_TEST_STREAM,
          ds_received_block_recovery_get_end (self->recovery, DS_TEST_STREAM));
    }
  if (!ds_log_read (self->directory, MAX (self->position_sequence, 1), DS_LOG_DAMAGE_FAIL,
                    ds_test_block_log_read_one, self, &next_segment, &next_sequence,
                    error))
    return FALSE;
  for (guint i = 0; i < self->records->len; i++)
    {
      const DsLogRecord *record = &g_array_index (self->records, DsLogRecord, i);
      GBytes *head = g_ptr_array_index (self->heads, i);
      g_autofree char *name = NULL;
      DsReceivedBlockHead parsed;
      DsTime batch_time;

      if (!ds_received_block_log_read_head (g_bytes_get_data (head, NULL),
                                            g_bytes_get_size (head), &parsed, &name,
                                            error))
        return FALSE;
      if (ds_received_block_recovery_take (self->recovery, parsed.stream_id,
                                           record->sequence, &batch_time))
        ds_received_block_tracker_recover (self->tracker, parsed.stream_id,
                                           parsed.n_records, record, batch_time);
    }
  if (!ds_received_block_recovery_check (self->recovery, error))
    return FALSE;
  self->log =
      ds_write_ahead_log_new (self->directory, next_segment, next_sequence, NULL, error);
  return self->log != NULL;
}

/* As a process that is gone: what is not durable by now may be there or not, so it is
 * waited for. */
static inline void
ds_test_block_log_close (DsTestBlockLog *self)
{
  g_clear_pointer (&self->tracker, ds_received_block_tracker_free);
  g_clear_pointer (&self->recovery, ds_received_block_recovery_free);
  if (self->log != NULL)
    ds_write_ahead_log_close (self->log, NULL);
  self->log = NULL;
  g_clear_pointer (&self->directory, ds_durable_directory_close);
}

static inline void
ds_test_block_log_restart (DsTestBlockLog *self)
{
  g_autoptr (GError) error = NULL;

  ds_test_block_log_close (self);
  ds_test_block_log_open (self, &error);
  g_assert_no_error (error);
}

static inline void
ds_test_block_log_set_up (DsTestBlockLog *self)
{
  g_autoptr (GError) error = NULL;

  memset (self, 0, sizeof *self);
  self->path = g_dir_make_tmp ("ds-blocks-XXXXXX", &error);
  g_assert_no_error (error);
  self->records = g_array_new (FALSE, FALSE, sizeof (DsLogRecord));
  self->heads = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  self->contents = g_string_new (NULL);
  ds_test_block_log_open (self, &error);
  g_assert_no_error (error);
}

static inline void
ds_test_block_log_tear_down (DsTestBlockLog *self)
{
  g_autofree char *quoted = g_shell_quote (self->path);
  g_autofree char *command = g_strdup_printf ("rm -rf %s", quoted);

  ds_test_block_log_close (self);
  g_clear_pointer (&self->position, g_byte_array_unref);
  g_array_unref (self->records);
  g_ptr_array_unref (self->heads);
  g_string_free (self->contents, TRUE);
  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  g_free (self->path);
}

static inline void
ds_test_block_log_add (DsTestBlockLog *self, const char *name, DsTime arrival_time)
{
  DsReceivedBlockHead head = { "", DS_TEST_STREAM, 1234, arrival_time, 1 };
  g_autoptr (GError) error = NULL;
  DsBlock *block = ds_block_new_strings (name, NULL);

  self->last = ds_received_block_log_append (self->log, &head, block, &error);
  g_assert_no_error (error);
  ds_received_block_tracker_add_logged (self->tracker, DS_TEST_STREAM, block, 1, 16,
                                        arrival_time, self->last);
}

static inline void
ds_test_block_log_add_five (DsTestBlockLog *self, const char *prefix)
{
  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s%u", prefix, i);

      ds_test_block_log_add (self, name, 0);
    }
}

/* A batch gets its blocks, and a plan of it goes to the log. */
static inline gboolean
ds_test_block_log_plan (DsTestBlockLog *self, DsTime time)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GArray) sequences = g_array_new (FALSE, FALSE, sizeof (guint64));
  gboolean is_new = ds_received_block_tracker_allocate (self->tracker, time);
  DsLogPart part;

  ds_received_block_tracker_get_plan (self->tracker, time, DS_TEST_STREAM, sequences);
  g_byte_array_append (bytes, (const guint8 *) &time, sizeof time);
  ds_block_plan_encode (sequences, bytes);
  part = (DsLogPart){ bytes->data, bytes->len };
  if (is_new)
    self->last =
        ds_write_ahead_log_append (self->log, DS_LOG_PLAN, &part, 1, NULL, NULL, NULL);
  return is_new && self->last > 0;
}

/* A checkpoint after the batch of @time. */
static inline void
ds_test_block_log_checkpoint (DsTestBlockLog *self, DsTime time)
{
  g_autoptr (GError) error = NULL;
  DsBlockPosition position;
  guint64 oldest = ds_received_block_tracker_get_oldest_sequence (self->tracker);

  g_clear_pointer (&self->position, g_byte_array_unref);
  self->position = g_byte_array_new ();
  self->position_time = time;
  ds_block_position_init (&position);
  ds_received_block_tracker_get_position (self->tracker, time, DS_TEST_STREAM, &position);
  ds_block_position_encode (&position, self->position);
  ds_block_position_clear (&position);
  ds_write_ahead_log_rotate (self->log, &error);
  g_assert_no_error (error);
  self->position_sequence =
      MIN (oldest, ds_write_ahead_log_get_next_sequence (self->log));
  ds_write_ahead_log_await (self->log, self->position_sequence - 1, &error);
  g_assert_no_error (error);
}

/* The log before the checkpoint goes. */
static inline void
ds_test_block_log_clean (DsTestBlockLog *self)
{
  g_autoptr (GError) error = NULL;

  ds_write_ahead_log_remove_before (self->log, self->position_sequence, &error);
  g_assert_no_error (error);
}

static inline char *
ds_test_block_log_join (GPtrArray *blocks /* (transfer full) */)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < blocks->len; i++)
    {
      g_autofree char *name =
          ds_value_to_string (ds_block_get (g_ptr_array_index (blocks, i), 0));

      g_string_append_printf (names, "%s%s", i > 0 ? " " : "", name);
    }
  g_ptr_array_unref (blocks);
  return g_string_free (names, FALSE);
}

/* What a batch has, its blocks read from the log if need be. */
static inline void
ds_test_block_log_assert_batch (DsTestBlockLog *self, DsTime time, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *names = NULL;
  gint64 n_records;

  ds_received_block_tracker_load (self->tracker, self->directory, NULL, time,
                                  DS_TEST_STREAM, &error);
  g_assert_no_error (error);
  names = ds_test_block_log_join (
      ds_received_block_tracker_get_blocks (self->tracker, time, DS_TEST_STREAM,
                                            &n_records));
  g_assert_cmpstr (names, ==, expected);
}

/* How many records wait for a batch: recovered blocks are not read before they have one.
 */
static inline void
ds_test_block_log_assert_unallocated (DsTestBlockLog *self, gint64 expected)
{
  g_assert_cmpint (ds_received_block_tracker_get_n_unallocated_records (self->tracker),
                   ==, expected);
}
