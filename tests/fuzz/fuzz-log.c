/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as two segments of a log, by every policy: refused with an error, or records
 * that lie in the files just so, in ascending order.  After point-in-time the log is
 * whole.
 *
 * The first byte says what is done for them: 1 heads are made whole, 2 records are; 4 the
 * second segment goes on with the numbers of the first.  Two bytes are the length of the
 * first segment. */

#include "base/ds-log-format-private.h"
#include "base/ds-log-reader-private.h"
#include "base/ds-write-ahead-log-private.h"
#include "tests/fuzz/ds-fuzz-directory-private.h"
#include "tests/fuzz/ds-fuzz-private.h"

#include <xxhash.h>

#define FIRST "wal-0000000000000001"
#define SECOND "wal-0000000000000002"

typedef struct
{
  const guint8 *bytes[2];
  gsize n_bytes[2];
  DsLogDamagePolicy policy;
  guint64 next;
  guint n_records;
} Reading;

static gboolean
check_record (const DsLogRecord *record,
              const guint8 *payload,
              gpointer user_data,
              GError **error)
{
  Reading *self = user_data;
  gsize i = (gsize) record->segment - 1;

  g_assert_cmpuint (i, <, 2);
  g_assert_cmpuint (record->offset + record->n_bytes, <=, self->n_bytes[i]);
  g_assert_true (record->n_bytes == 0 ||
                 memcmp (payload, self->bytes[i] + record->offset, record->n_bytes) == 0);
  if (self->policy == DS_LOG_DAMAGE_SKIP)
    g_assert_cmpuint (record->sequence, >=, self->next);
  else
    g_assert_cmpuint (record->sequence, ==, self->next);
  self->next = record->sequence + 1;
  self->n_records++;
  return TRUE;
}

static gboolean
read_all (DsDurableDirectory *directory, Reading *reading, DsLogDamagePolicy policy)
{
  g_autoptr (GError) error = NULL;
  guint64 next_segment, next_sequence;
  gboolean is_read;

  reading->policy = policy;
  reading->next = 1;
  reading->n_records = 0;
  is_read = ds_log_read (directory, 1, policy, check_record, reading, &next_segment,
                         &next_sequence, &error);
  g_assert_true (is_read == (error == NULL));
  if (is_read)
    g_assert_cmpuint (next_sequence, >=, reading->next);
  return is_read;
}

/* Returns the number that comes next. */
static guint64
mend (guint8 *bytes, gsize n_bytes, guint64 number, guint64 first, guint8 what)
{
  DsLogSegmentHead head = { number, first, 0 };
  gsize offset = DS_LOG_HEAD_BYTES;

  if (n_bytes < DS_LOG_HEAD_BYTES || (what & 1) == 0)
    return first;
  head.salt = ds_get_u64 (bytes + 48);
  ds_log_encode_head (&head, ds_durable_directory_get_application_id (ds_fuzz_directory),
                      bytes);
  while ((what & 2) != 0 && n_bytes - offset >= ds_log_record_size (0))
    {
      guint32 length = ds_get_u32 (bytes + offset + 4);
      gsize size = ds_log_record_size (length);

      if (size > n_bytes - offset)
        break;
      ds_log_encode_frame (bytes + offset, head.salt, length, first++,
                           ds_get_u16 (bytes + offset + 16),
                           ds_get_u32 (bytes + offset + 20));
      ds_put_u64 (bytes + offset + size - DS_LOG_HASH_BYTES,
                  XXH3_64bits_withSeed (bytes + offset, size - DS_LOG_HASH_BYTES,
                                        head.salt));
      offset += size;
    }
  return first;
}

int
LLVMFuzzerTestOneInput (const guint8 *bytes, gsize n_bytes)
{
  g_autofree guint8 *copy = NULL;
  Reading reading;
  gsize n_first;
  guint64 next;
  guint n_whole;

  if (n_bytes < 3)
    return 0;
  ds_fuzz_directory_begin ();
  ds_fuzz_directory_remove ("unused-");
  memset (&reading, 0, sizeof reading);
  copy = g_memdup2 (bytes, n_bytes);
  n_first = MIN (ds_get_u16 (bytes + 1), n_bytes - 3);
  reading.bytes[0] = copy + 3;
  reading.n_bytes[0] = n_first;
  reading.bytes[1] = copy + 3 + n_first;
  reading.n_bytes[1] = n_bytes - 3 - n_first;
  next = mend (copy + 3, n_first, 1, 1, bytes[0]);
  mend (copy + 3 + n_first, reading.n_bytes[1], 2, (bytes[0] & 4) != 0 ? next : 1,
        bytes[0]);
  ds_test_durable_write (&ds_fuzz_durable, FIRST, reading.bytes[0], n_first);
  ds_test_durable_write (&ds_fuzz_durable, SECOND, reading.bytes[1], reading.n_bytes[1]);

  read_all (ds_fuzz_reader, &reading, DS_LOG_DAMAGE_FAIL);
  read_all (ds_fuzz_reader, &reading, DS_LOG_DAMAGE_SKIP);
  if (!read_all (ds_fuzz_reader, &reading, DS_LOG_DAMAGE_POINT_IN_TIME))
    return 0;
  n_whole = reading.n_records;
  g_assert_true (read_all (ds_fuzz_directory, &reading, DS_LOG_DAMAGE_POINT_IN_TIME));
  g_assert_cmpuint (reading.n_records, ==, n_whole);
  g_assert_true (read_all (ds_fuzz_reader, &reading, DS_LOG_DAMAGE_FAIL));
  g_assert_cmpuint (reading.n_records, ==, n_whole);
  return 0;
}
