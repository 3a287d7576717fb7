/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Logs with known records, and what is read of them. */

#include "base/ds-log-reader-private.h"
#include "base/ds-write-ahead-log-private.h"
#include "tests/base/ds-test-durable-private.h"

/* Record number @sequence: its own number as text, 1 to 40 times. */
static inline char *
ds_test_log_make_text (guint64 sequence)
{
  GString *text = g_string_new (NULL);

  for (guint64 i = 0; i < 1 + sequence * 7 % 40; i++)
    g_string_append_printf (text, "%" G_GUINT64_FORMAT ".", sequence);
  return g_string_free (text, FALSE);
}

static inline guint64
ds_test_log_append (DsWriteAheadLog *log, guint64 sequence)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = ds_test_log_make_text (sequence);
  gsize n = strlen (text);
  DsLogPart parts[2] = { { text, n / 3 }, { text + n / 3, n - n / 3 } };
  guint64 got =
      ds_write_ahead_log_append (log, DS_LOG_PLAN, parts, 2, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (got, ==, sequence);
  return got;
}

typedef struct
{
  guint64 first;
  guint64 next; /* what must come; 0: the first one decides */
  guint n_records;
  gboolean may_skip;
} DsTestLogReading;

static inline gboolean
ds_test_log_check_record (const DsLogRecord *record,
                          const guint8 *payload,
                          gpointer user_data,
                          GError **error)
{
  DsTestLogReading *reading = user_data;
  g_autofree char *text = ds_test_log_make_text (record->sequence);

  if (reading->n_records == 0)
    reading->first = record->sequence;
  else if (reading->may_skip)
    g_assert_cmpuint (record->sequence, >=, reading->next);
  else
    g_assert_cmpuint (record->sequence, ==, reading->next);
  reading->next = record->sequence + 1;
  reading->n_records++;
  g_assert_cmpuint (record->type, ==, DS_LOG_PLAN);
  g_assert_cmpuint (record->n_bytes, ==, strlen (text));
  g_assert_true (memcmp (payload, text, record->n_bytes) == 0);
  return TRUE;
}

/* Reads all, checks each, and returns how many there were. */
static inline guint
ds_test_log_count (DsDurableDirectory *directory,
                   guint64 from,
                   guint64 *next_segment,
                   guint64 *next_sequence)
{
  g_autoptr (GError) error = NULL;
  DsTestLogReading reading = { 0 };

  ds_log_read (directory, from, DS_LOG_DAMAGE_FAIL, ds_test_log_check_record, &reading,
               next_segment, next_sequence, &error);
  g_assert_no_error (error);
  if (reading.n_records > 0)
    g_assert_cmpuint (reading.first, ==, from);
  return reading.n_records;
}

/* @n_segments of @n_records each; the last record of each is durable. */
static inline void
ds_test_log_write (DsDurableDirectory *directory, guint n_segments, guint n_records)
{
  g_autoptr (GError) error = NULL;
  DsWriteAheadLog *log = ds_write_ahead_log_new (directory, 1, 1, NULL, &error);
  guint64 sequence = 1;

  g_assert_no_error (error);
  for (guint i = 0; i < n_segments; i++)
    {
      for (guint k = 0; k < n_records; k++)
        ds_test_log_append (log, sequence++);
      g_assert_true (ds_write_ahead_log_await (log, sequence - 1, &error));
      if (i + 1 < n_segments)
        g_assert_cmpuint (ds_write_ahead_log_rotate (log, &error), ==, i + 2);
      g_assert_no_error (error);
    }
  g_assert_true (ds_write_ahead_log_close (log, &error));
}
