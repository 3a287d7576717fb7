/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Checkpoints with known sections, and what is read of them. */

#include "base/ds-checkpoint-file-private.h"
#include "tests/base/ds-test-durable-private.h"

/* Byte @i of section @section of the checkpoint of @time. */
static inline guint8
ds_test_checkpoint_byte (DsTime time, guint section, gsize i)
{
  return (guint8) ((guint64) time / DS_MILLISECOND * 31 + section * 7 + i * 13 + i / 251);
}

static inline gboolean
ds_test_checkpoint_append (DsCheckpointWriter *writer,
                           DsTime time,
                           guint section,
                           gsize n_bytes,
                           GError **error)
{
  g_autofree guint8 *bytes = g_malloc (n_bytes + 1);
  gsize n_first = n_bytes / 3;

  for (gsize i = 0; i < n_bytes; i++)
    bytes[i] = ds_test_checkpoint_byte (time, section, i);
  return ds_checkpoint_writer_append (writer, bytes, n_first, error) &&
         ds_checkpoint_writer_append (writer, bytes + n_first, n_bytes - n_first, error);
}

/* Three sections: META "" of 40 bytes, STATE "counts" of @n_bytes, SINK "out" of none. */
static inline gboolean
ds_test_checkpoint_write (DsDurableDirectory *directory,
                          DsTime time,
                          DsTime base_time,
                          gsize n_bytes,
                          GError **error)
{
  g_autoptr (DsCheckpointWriter) writer =
      ds_checkpoint_writer_new (directory, time, error);
  DsCheckpointHead head = { .base_time = base_time,
                            .wal_sequence = (guint64) time / DS_SECOND + 7,
                            .fingerprint = 0x0123456789abcdefu };

  return writer != NULL &&
         ds_checkpoint_writer_begin_section (writer, DS_SECTION_META, "", 0, error) &&
         ds_test_checkpoint_append (writer, time, 0, 40, error) &&
         ds_checkpoint_writer_end_section (writer, error) &&
         ds_checkpoint_writer_begin_section (writer, DS_SECTION_STATE, "counts", 5,
                                             error) &&
         ds_test_checkpoint_append (writer, time, 1, n_bytes, error) &&
         ds_checkpoint_writer_end_section (writer, error) &&
         ds_checkpoint_writer_begin_section (writer, DS_SECTION_SINK, "out", 0, error) &&
         ds_checkpoint_writer_end_section (writer, error) &&
         ds_checkpoint_writer_finish (writer, &head, error);
}

static inline void
ds_test_checkpoint_check_section (DsCheckpointReader *reader,
                                  guint section,
                                  guint64 n_bytes,
                                  gsize n_at_once)
{
  g_autoptr (GError) error = NULL;
  g_autofree guint8 *room = g_malloc (n_at_once);
  DsTime time = ds_checkpoint_reader_get_head (reader)->batch_time;
  gsize offset = 0;
  gssize n_read;

  while ((n_read = ds_checkpoint_reader_read (reader, section, offset, room, n_at_once,
                                              &error)) > 0)
    {
      for (gssize i = 0; i < n_read; i++)
        g_assert_cmpuint (room[i], ==,
                          ds_test_checkpoint_byte (time, section, offset + (gsize) i));
      offset += (gsize) n_read;
    }
  g_assert_no_error (error);
  g_assert_cmpuint (offset, ==, n_bytes);
}

/* What ds_test_checkpoint_write () wrote. */
static inline void
ds_test_checkpoint_check (DsCheckpointReader *reader, gsize n_bytes)
{
  const DsCheckpointHead *head = ds_checkpoint_reader_get_head (reader);
  const DsSectionType types[] = { DS_SECTION_META, DS_SECTION_STATE, DS_SECTION_SINK };
  const char *const names[] = { "", "counts", "out" };
  const guint64 lengths[] = { 40, n_bytes, 0 };
  const guint all_flags[] = { 0, 5, 0 };

  g_assert_cmpuint (head->fingerprint, ==, 0x0123456789abcdefu);
  g_assert_cmpuint (head->wal_sequence, ==, (guint64) head->batch_time / DS_SECOND + 7);
  g_assert_cmpuint (ds_checkpoint_reader_n_sections (reader), ==, 3);
  for (guint i = 0; i < 3; i++)
    {
      DsSectionType type;
      const char *name;
      guint flags;
      guint64 length;

      ds_checkpoint_reader_get_section (reader, i, &type, &name, &flags, &length);
      g_assert_cmpint (type, ==, types[i]);
      g_assert_cmpstr (name, ==, names[i]);
      g_assert_cmpuint (flags, ==, all_flags[i]);
      g_assert_cmpuint (length, ==, lengths[i]);
      ds_test_checkpoint_check_section (reader, i, length, 1000);
    }
}
