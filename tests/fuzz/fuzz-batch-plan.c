/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as what the log says of batches.  'r': records of the log, each its type, a
 * byte for its length, and its payload; 'l': the blocks of a batch; 'o': how far a stream
 * is with its blocks; 'b': a received block.  Refused with an error, or understood; and
 * then what is encoded of it is understood as the same. */

#include "base/ds-error.h"
#include "dstream/ds-received-block-log-private.h"
#include "dstream/ds-received-block-recovery-private.h"
#include "dstream/ds-recovery-core-private.h"
#include "tests/fuzz/ds-fuzz-directory-private.h"
#include "tests/fuzz/ds-fuzz-private.h"

static void
check_error (const GError *error)
{
  g_assert_nonnull (error);
  g_assert_true (error->domain == DS_ERROR);
  g_assert_cmpstr (error->message, !=, "");
}

/* ---- Records ---- */

static void
check_plans (DsRecovery *recovery)
{
  for (guint i = 0; i < recovery->plans->len; i++)
    {
      const DsPlannedBatch *plan = g_ptr_array_index (recovery->plans, i);

      /* One for each time. */
      g_assert_true (ds_recovery_find_plan (recovery, plan->time) == plan);
      ds_recovery_get_replay (recovery, plan->time);
      g_assert_cmpuint (ds_recovery_get_plan_sequence (recovery, plan->time), ==,
                        plan->sequence);
    }
}

static void
fuzz_records (const guint8 *bytes, gsize n_bytes)
{
  g_autoptr (DsRecovery) recovery = NULL;
  guint64 sequence = 0;

  ds_fuzz_directory_begin ();
  recovery = ds_recovery_new (ds_fuzz_reader);
  while (n_bytes >= 2)
    {
      gsize n_payload = MIN (bytes[1], n_bytes - 2);
      g_autofree guint8 *payload = g_memdup2 (bytes + 2, n_payload);
      const DsLogRecord record = { .sequence = ++sequence,
                                   .type = bytes[0],
                                   .n_bytes = (guint32) n_payload };
      g_autoptr (GError) error = NULL;

      if (!ds_recovery_take_record (&record, payload, recovery, &error))
        {
          check_error (error);
          break;
        }
      bytes += 2 + n_payload;
      n_bytes -= 2 + n_payload;
    }
  check_plans (recovery);
}

/* ---- Blocks of a batch ---- */

static void
check_ascending (const GArray *sequences)
{
  for (guint i = 0; i < sequences->len; i++)
    g_assert_cmpuint (g_array_index (sequences, guint64, i), >,
                      i > 0 ? g_array_index (sequences, guint64, i - 1) : 0);
}

static void
fuzz_list (const guint8 *bytes, gsize n_bytes)
{
  g_autoptr (GByteArray) encoded = g_byte_array_new ();
  g_autoptr (GArray) again = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GArray) sequences = ds_block_plan_decode (bytes, n_bytes, &error);

  if (sequences == NULL)
    {
      check_error (error);
      return;
    }
  check_ascending (sequences);
  ds_block_plan_encode (sequences, encoded);
  again = ds_block_plan_decode (encoded->data, encoded->len, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (again->len, ==, sequences->len);
  for (guint i = 0; i < sequences->len; i++)
    g_assert_cmpuint (g_array_index (again, guint64, i), ==,
                      g_array_index (sequences, guint64, i));
}

static void
fuzz_position (const guint8 *bytes, gsize n_bytes)
{
  g_autoptr (GByteArray) encoded = g_byte_array_new ();
  g_autoptr (GByteArray) same = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  DsBlockPosition position;
  DsBlockPosition again;

  ds_block_position_init (&position);
  ds_block_position_init (&again);
  if (!ds_block_position_decode (&position, bytes, n_bytes, &error))
    check_error (error);
  else
    {
      check_ascending (position.left);
      for (guint i = 0; i < position.remembered->len; i++)
        check_ascending (g_array_index (position.remembered, DsBlockPlan, i).sequences);
      ds_block_position_encode (&position, encoded);
      ds_block_position_decode (&again, encoded->data, encoded->len, &error);
      g_assert_no_error (error);
      ds_block_position_encode (&again, same);
      g_assert_cmpmem (encoded->data, encoded->len, same->data, same->len);
    }
  ds_block_position_clear (&position);
  ds_block_position_clear (&again);
}

/* ---- A block ---- */

static void
fuzz_block (const guint8 *bytes, gsize n_bytes)
{
  g_autoptr (GBytes) payload = g_bytes_new (bytes, n_bytes);
  g_autoptr (GError) head_error = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *name = NULL;
  DsReceivedBlockHead head;
  gboolean has_head =
      ds_received_block_log_read_head (bytes, MIN (n_bytes, DS_RECEIVED_BLOCK_MAX_HEAD),
                                       &head, &name, &head_error);
  g_autoptr (DsBlock) block = ds_received_block_log_read (payload, NULL, &error);

  if (!has_head)
    check_error (head_error);
  if (block == NULL)
    {
      check_error (error);
      return;
    }
  /* The beginning says the same as the whole. */
  g_assert_true (has_head);
  g_assert_cmpuint (ds_block_get_length (block), ==, head.n_records);
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    g_free (ds_value_to_string (ds_block_get (block, i)));
}

int
LLVMFuzzerTestOneInput (const guint8 *bytes, gsize n_bytes)
{
  switch (n_bytes > 0 ? bytes[0] : 0)
    {
    case 'r':
      fuzz_records (bytes + 1, n_bytes - 1);
      break;
    case 'l':
      fuzz_list (bytes + 1, n_bytes - 1);
      break;
    case 'o':
      fuzz_position (bytes + 1, n_bytes - 1);
      break;
    case 'b':
      fuzz_block (bytes + 1, n_bytes - 1);
      break;
    default:
      break;
    }
  return 0;
}
