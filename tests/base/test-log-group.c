/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Groups as they are written: the bytes of records of all sizes, other salts, owners. */

#include "base/ds-log-group-private.h"

#include <string.h>
#include <sys/uio.h>

/* All bytes of the group's pieces. */
static GByteArray *
collect (DsLogGroup *group, guint64 salt)
{
  GByteArray *bytes = g_byte_array_new ();
  g_autoptr (GArray) pieces = g_array_new (FALSE, FALSE, sizeof (struct iovec));
  XXH3_state_t *hash = XXH3_createState ();

  ds_log_group_seal (group, salt, hash);
  ds_log_group_add_pieces (group, pieces);
  for (guint i = 0; i < pieces->len; i++)
    {
      const struct iovec *piece = &g_array_index (pieces, struct iovec, i);

      g_assert_cmpuint (piece->iov_len, >, 0);
      g_byte_array_append (bytes, piece->iov_base, (guint) piece->iov_len);
    }
  XXH3_freeState (hash);
  g_assert_cmpuint (bytes->len, ==, group->n_bytes);
  return bytes;
}

static void
put (GByteArray *bytes, guint64 number, guint n_bytes)
{
  for (guint i = 0; i < n_bytes; i++)
    {
      guint8 byte = (guint8) (number >> (8 * i));

      g_byte_array_append (bytes, &byte, 1);
    }
}

/* One record, byte by byte as the format says. */
static void
put_record (GByteArray *bytes,
            guint64 salt,
            guint64 sequence,
            guint place,
            const guint8 *payload,
            guint n_bytes)
{
  guint start = bytes->len;

  put (bytes, 0x6b0d57d5u ^ (salt & 0xffffffffu), 4);
  put (bytes, n_bytes, 4);
  put (bytes, sequence, 8);
  put (bytes, DS_LOG_BLOCK, 2);
  put (bytes, 0, 2);
  put (bytes, place, 4);
  g_byte_array_append (bytes, payload, n_bytes);
  while (bytes->len % 8 != 0)
    put (bytes, 0, 1);
  put (bytes,
       XXH3_64bits_withSeed (bytes->data + start, bytes->len - start,
                             (XXH64_hash_t) salt),
       8);
}

#define N_PAYLOAD 20000

static guint8 payload[N_PAYLOAD];

static void
fill_payload (void)
{
  for (guint i = 0; i < N_PAYLOAD; i++)
    payload[i] = (guint8) (i * 31 + i / 256);
}

static void
assert_same (GByteArray *bytes, GByteArray *expected)
{
  g_assert_cmpmem (bytes->data, bytes->len, expected->data, expected->len);
}

/* Around the size from which on records are not copied, and that of regions. */
static const guint sizes[] = { 0,    1,    7,    8,    9,    100,  4055, 4056,
                               4057, 4063, 4064, 4065, 4072, 4073, 9999, 19999 };

static void
append (DsLogGroup *group, guint n_bytes)
{
  /* In three parts, one of them empty. */
  DsLogPart parts[3] = { { payload, n_bytes / 3 },
                         { NULL, 0 },
                         { payload + n_bytes / 3, n_bytes - n_bytes / 3 } };

  ds_log_group_append (group, DS_LOG_BLOCK, parts, 3, n_bytes, NULL, NULL);
}

static void
test_bytes_of_records (void)
{
  g_test_summary ("Records of all sizes lie as the format says, whatever salt they had");

  const guint64 salts[] = { 5, G_GUINT64_CONSTANT (0xfedcba9876543210), 5 };
  DsLogGroup *group = ds_log_group_new ();

  fill_payload ();
  ds_log_group_begin (group, 1000, 5, 0);
  for (guint i = 0; i < 400; i++)
    append (group, sizes[i % G_N_ELEMENTS (sizes)]);
  g_assert_cmpuint (group->n_records, ==, 400);
  g_assert_cmpuint (ds_log_group_get_last_sequence (group), ==, 1399);

  for (guint k = 0; k < G_N_ELEMENTS (salts); k++)
    {
      g_autoptr (GByteArray) bytes = collect (group, salts[k]);
      g_autoptr (GByteArray) expected = g_byte_array_new ();

      for (guint i = 0; i < 400; i++)
        put_record (expected, salts[k], 1000 + i, i, payload,
                    sizes[i % G_N_ELEMENTS (sizes)]);
      assert_same (bytes, expected);
    }
  ds_log_group_free (group);
}

static void
test_used_again (void)
{
  g_test_summary ("A group that was cleared has nothing left of what it had");

  DsLogGroup *group = ds_log_group_new ();

  fill_payload ();
  for (guint k = 1; k <= 3; k++)
    {
      g_autoptr (GByteArray) bytes = NULL;
      g_autoptr (GByteArray) expected = g_byte_array_new ();

      /* Large and small first, then only small, then much at once. */
      ds_log_group_begin (group, 10 * k, k, k == 3 ? 3 * 1024 * 1024 : 0);
      for (guint i = 0; i < 30; i++)
        {
          guint n_bytes = k == 1 ? 1000 * (i % 10) : 100 * i;

          append (group, n_bytes);
          put_record (expected, k, 10 * k + i, i, payload, n_bytes);
        }
      bytes = collect (group, k);
      assert_same (bytes, expected);
      ds_log_group_clear (group);
      g_assert_cmpuint (group->n_records, ==, 0);
      g_assert_cmpuint (group->n_bytes, ==, 0);
      g_assert_cmpuint (ds_log_group_count_memory (group), ==, 0);
    }
  ds_log_group_free (group);
}

static guint n_released;

static void
release_next (gpointer owner)
{
  g_assert_cmpuint (GPOINTER_TO_UINT (owner), ==, n_released);
  n_released++;
}

static void
test_owners (void)
{
  g_test_summary ("Owners of small and of large records are released once, in order");

  DsLogGroup *group = ds_log_group_new ();

  ds_log_group_begin (group, 1, 1, 0);
  n_released = 0;
  for (guint i = 0; i < 20; i++)
    {
      DsLogPart part = { payload, 1000 * i };

      ds_log_group_append (group, DS_LOG_BLOCK, &part, 1, part.n_bytes,
                           GUINT_TO_POINTER (i), release_next);
    }
  g_assert_cmpuint (n_released, ==, 0);
  ds_log_group_clear (group);
  g_assert_cmpuint (n_released, ==, 20);
  ds_log_group_free (group);
  g_assert_cmpuint (n_released, ==, 20);
}

static void
test_memory_goes_back (void)
{
  g_test_summary (
      "Small records take about their own bytes, large ones their frames, and "
      "the pool has all of it back");

  gsize before = ds_arena_pool_get_bytes_in_use (ds_arena_pool_get_default ());
  DsLogGroup *group = ds_log_group_new ();

  ds_log_group_begin (group, 1, 1, 0);
  for (guint i = 0; i < 10000; i++)
    append (group, 100);
  g_assert_cmpuint (ds_log_group_count_memory (group), ==, 10000 * 136);
  g_assert_cmpuint (ds_arena_pool_get_bytes_in_use (ds_arena_pool_get_default ()), <,
                    before + 4 * 10000 * 136);
  for (guint i = 0; i < 10; i++)
    append (group, 10001);
  /* A frame, zeros up to a multiple of eight, and a hash. */
  g_assert_cmpuint (ds_log_group_count_memory (group), ==,
                    10000 * 136 + 10 * (24 + 7 + 8));
  ds_log_group_clear (group);
  g_assert_cmpuint (ds_arena_pool_get_bytes_in_use (ds_arena_pool_get_default ()), ==,
                    before);
  ds_log_group_free (group);
}

static void
test_queue (void)
{
  g_test_summary ("Groups leave a queue in the order in which they came");

  DsLogQueue queue = { 0 };

  g_assert_null (ds_log_queue_pop (&queue));
  for (guint k = 0; k < 3; k++)
    {
      for (guint i = 0; i < 3; i++)
        {
          DsLogGroup *group = ds_log_group_new ();

          ds_log_group_begin (group, 1 + i, 1, 0);
          append (group, 8 * i);
          ds_log_queue_push (&queue, group);
        }
      g_assert_cmpuint (queue.n_bytes, ==, 32 + 40 + 48);
      for (guint i = 0; i < 3 && k < 2; i++)
        {
          DsLogGroup *group = ds_log_queue_pop (&queue);

          g_assert_cmpuint (group->first_sequence, ==, 1 + i);
          ds_log_group_free (group);
        }
    }
  ds_log_queue_clear (&queue);
  g_assert_null (queue.first);
  g_assert_null (queue.last);
  g_assert_cmpuint (queue.n_bytes, ==, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/log-group/bytes-of-records", test_bytes_of_records);
  g_test_add_func ("/base/log-group/used-again", test_used_again);
  g_test_add_func ("/base/log-group/owners", test_owners);
  g_test_add_func ("/base/log-group/memory-goes-back", test_memory_goes_back);
  g_test_add_func ("/base/log-group/queue", test_queue);
  return g_test_run ();
}
