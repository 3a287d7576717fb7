/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Arenas: what is allocated stays apart, readable past its end, and is recycled as far as
 * the last batches needed it. */

#include "base/ds-arena-region-private.h"
#include "base/ds-sanitizer-private.h"

#include <string.h>

#define KIB ((gsize) 1024)
#define MIB (1024 * KIB)

static void
test_allocations_stay_apart (void)
{
  g_test_summary ("Thousands of pieces of any size keep what was written into them");

  g_autoptr (DsArenaPool) pool = ds_arena_pool_new ();
  g_autoptr (DsArena) arena = ds_arena_new (pool);
  enum
  {
    N = 3000
  };
  g_autofree guchar **pieces = g_new (guchar *, N);
  g_autofree gsize *sizes = g_new (gsize, N);
  gsize n_bytes = 0;

  for (gsize i = 0; i < N; i++)
    {
      sizes[i] = (gsize) g_test_rand_int_range (0, i % 100 == 0 ? 300000 : 300);
      pieces[i] = ds_arena_alloc (arena, sizes[i]);
      g_assert_nonnull (pieces[i]);
      g_assert_cmpuint ((gsize) pieces[i] % 16, ==, 0);
      memset (pieces[i], (int) (i % 251), sizes[i]);
      n_bytes += (sizes[i] + 15) / 16 * 16;
    }
  for (gsize i = 0; i < N; i++)
    for (gsize j = 0; j < sizes[i]; j++)
      g_assert_cmpuint (pieces[i][j], ==, i % 251);

  g_assert_cmpuint (ds_arena_get_n_bytes (arena), ==, n_bytes);
  g_assert_cmpuint (ds_arena_get_capacity (arena), >=, n_bytes);
  g_assert_cmpuint (ds_arena_pool_get_bytes_in_use (pool), ==,
                    ds_arena_get_capacity (arena));
}

static void
test_padding_is_readable_and_initialised (void)
{
  g_test_summary ("64 bytes past every allocation can be read, also at a region's end");

  g_autoptr (DsArenaPool) pool = ds_arena_pool_new ();
  static const gsize sizes[] = { 0,       1,        15,           16,     100,
                                 4 * KIB, 64 * KIB, 2 * MIB - 64, 2 * MIB };
  guint sum = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (DsArena) sized = ds_arena_new_sized (pool, sizes[i]);
      g_autoptr (DsArena) grown = ds_arena_new (pool);
      const guchar *memory[] = { ds_arena_alloc (sized, sizes[i]),
                                 ds_arena_alloc (grown, sizes[i]) };

      for (gsize j = 0; j < sizes[i] + DS_ARENA_PADDING; j++)
        sum += (guint) (memory[0][j] + memory[1][j]);
    }
  /* Fresh memory is all zero; that it is used keeps the reads in the program. */
  g_assert_cmpuint (sum, ==, 0);
}

static void
test_sized_arena_takes_one_region (void)
{
  g_test_summary ("What an arena was sized for fits its first region");

  g_autoptr (DsArenaPool) pool = ds_arena_pool_new ();

  for (gsize n_bytes = 1; n_bytes < 5 * MIB; n_bytes = n_bytes * 3 / 2 + 1)
    {
      g_autoptr (DsArena) arena = ds_arena_new_sized (pool, n_bytes);
      gsize capacity = ds_arena_get_capacity (arena);

      ds_arena_alloc (arena, n_bytes);
      g_assert_cmpuint (ds_arena_get_capacity (arena), ==, capacity);
      g_assert_null (arena->regions->next);
    }
}

static void
test_size_classes_fit_closely (void)
{
  g_test_summary ("A class holds what it is asked for, and at most a quarter more");

  g_assert_cmpuint (ds_arena_class_size (ds_arena_class_of (1)), ==, KIB);
  g_assert_cmpuint (ds_arena_class_size (ds_arena_class_of (KIB)), ==, KIB);
  g_assert_cmpuint (ds_arena_class_size (ds_arena_class_of (KIB + 1)), ==, 1280);
  g_assert_cmpuint (ds_arena_class_size (ds_arena_class_of (64 * KIB)), ==, 64 * KIB);
  g_assert_cmpuint (ds_arena_class_size (ds_arena_class_of (2 * MIB)), ==, 2 * MIB);
  g_assert_cmpuint (ds_arena_class_size (ds_arena_class_of (2 * MIB + 1)), ==, 4 * MIB);
  g_assert_cmpuint (ds_arena_class_size (ds_arena_class_of (17 * MIB)), ==, 20 * MIB);
  g_assert_cmpuint (ds_arena_class_of (G_MAXSSIZE), <, DS_ARENA_N_CLASSES);

  for (int round = 0; round < 5000; round++)
    {
      gsize n_bytes =
          (gsize) g_test_rand_int_range (1, G_MAXINT32) >> g_test_rand_int_range (0, 22);
      gsize size = ds_arena_class_size (ds_arena_class_of (n_bytes));

      g_assert_cmpuint (size, >=, n_bytes);
      g_assert_cmpuint (size, <=, MAX (KIB, n_bytes + n_bytes / 4 + 2 * MIB));
      if (n_bytes > KIB && n_bytes <= MIB)
        g_assert_cmpuint (size, <=, n_bytes + n_bytes / 4);
      if (size >= 2 * MIB)
        g_assert_cmpuint (size % (2 * MIB), ==, 0);
    }
}

static void
test_large_regions_lie_on_huge_pages (void)
{
  g_test_summary ("From 2 MiB on regions are aligned, so that huge pages can back them");

  g_autoptr (DsArenaPool) pool = ds_arena_pool_new ();

  for (gsize n_bytes = 2 * MIB; n_bytes < 24 * MIB; n_bytes += 3 * MIB)
    {
      g_autoptr (DsArena) arena = ds_arena_new_sized (pool, n_bytes);
      char *memory = ds_arena_alloc (arena, n_bytes);

      g_assert_cmpuint ((gsize) memory % (2 * MIB), ==, 0);
      memory[0] = 1;
      memory[n_bytes - 1] = 1;
    }
}

static void
test_large_piece_keeps_the_open_region (void)
{
  g_test_summary ("A large piece between small ones does not waste what is left");

  g_autoptr (DsArenaPool) pool = ds_arena_pool_new ();
  g_autoptr (DsArena) arena = ds_arena_new (pool);
  char *first = ds_arena_alloc (arena, 16);
  char *large = ds_arena_alloc (arena, 100 * KIB);
  char *second = ds_arena_alloc (arena, 16);

  g_assert_true (second == first + 16);
  g_assert_true (large < first || large > second);
}

static void
test_reset_keeps_the_largest_region (void)
{
  g_test_summary ("After a reset the same memory is used again, the rest went back");

  g_autoptr (DsArenaPool) pool = ds_arena_pool_new ();
  g_autoptr (DsArena) arena = ds_arena_new (pool);
  char *memory;

  ds_arena_reset (arena);
  g_assert_cmpuint (ds_arena_get_capacity (arena), ==, 0);

  for (int i = 0; i < 100; i++)
    ds_arena_alloc (arena, 10 * KIB);
  ds_arena_reset (arena);
  g_assert_cmpuint (ds_arena_get_n_bytes (arena), ==, 0);
  g_assert_nonnull (arena->regions);
  g_assert_null (arena->regions->next);
  g_assert_cmpuint (ds_arena_get_capacity (arena), >=, 512 * KIB);
  g_assert_cmpuint (ds_arena_pool_get_bytes_in_use (pool), ==,
                    ds_arena_get_capacity (arena));

  memory = ds_arena_alloc (arena, 1);
  ds_arena_reset (arena);
  g_assert_true (ds_arena_alloc (arena, 1) == memory);
}

static void
test_regions_are_recycled (void)
{
  g_test_summary ("The region of an arena that is gone serves the next one");

  g_autoptr (DsArenaPool) pool = ds_arena_pool_new ();
  DsArena *arena = ds_arena_new_sized (pool, 64 * KIB);
  char *memory = ds_arena_alloc (arena, 1000);
  gsize capacity = ds_arena_get_capacity (arena);
  DsArena *second_reference = ds_arena_ref (arena);

  ds_arena_unref (arena);
  g_assert_cmpuint (ds_arena_pool_get_bytes_in_use (pool), ==, capacity);
  ds_arena_unref (second_reference);
  g_assert_cmpuint (ds_arena_pool_get_bytes_in_use (pool), ==, 0);
  g_assert_cmpuint (ds_arena_pool_get_bytes_kept (pool), ==, capacity);

  arena = ds_arena_new_sized (pool, 40 * KIB);
  g_assert_true (ds_arena_alloc (arena, 1000) == memory);
  g_assert_cmpuint (ds_arena_pool_get_bytes_kept (pool), ==, 0);
  ds_arena_unref (arena);

  /* One that is far too large is left for somebody who needs it. */
  arena = ds_arena_new_sized (pool, 10 * KIB);
  g_assert_true (ds_arena_alloc (arena, 1000) != memory);
  ds_arena_unref (arena);
}

static void
use (DsArenaPool *pool, gsize n_bytes)
{
  g_autoptr (DsArena) arena = ds_arena_new_sized (pool, n_bytes);

  ds_arena_alloc (arena, n_bytes);
}

static void
test_pool_keeps_what_sixteen_batches_needed (void)
{
  g_test_summary ("A burst is kept for 16 batches, then it goes back to the system");

  g_autoptr (DsArenaPool) pool = ds_arena_pool_new ();

  use (pool, 6 * MIB - 64);
  ds_arena_pool_end_batch (pool);
  g_assert_cmpuint (ds_arena_pool_get_bytes_kept (pool), ==, 6 * MIB);

  for (int batch = 1; batch < 16; batch++)
    {
      use (pool, 64 * KIB - 64);
      ds_arena_pool_end_batch (pool);
      g_assert_cmpuint (ds_arena_pool_get_bytes_kept (pool), >=, 6 * MIB - 64 * KIB);
    }

  use (pool, 64 * KIB - 64);
  ds_arena_pool_end_batch (pool);
  g_assert_cmpuint (ds_arena_pool_get_bytes_kept (pool), ==, 64 * KIB);

  for (int batch = 0; batch < 16; batch++)
    ds_arena_pool_end_batch (pool);
  g_assert_cmpuint (ds_arena_pool_get_bytes_kept (pool), ==, 0);
}

static void
test_pool_counts_what_is_still_in_use (void)
{
  g_test_summary ("Memory held across batches is part of what they needed");

  g_autoptr (DsArenaPool) pool = ds_arena_pool_new ();
  DsArena *held = ds_arena_new_sized (pool, 4 * MIB - 64);

  for (int batch = 0; batch < 20; batch++)
    ds_arena_pool_end_batch (pool);
  g_assert_cmpuint (ds_arena_pool_get_bytes_in_use (pool), ==, 4 * MIB);
  ds_arena_unref (held);
  g_assert_cmpuint (ds_arena_pool_get_bytes_kept (pool), ==, 4 * MIB);
  ds_arena_pool_end_batch (pool);
  g_assert_cmpuint (ds_arena_pool_get_bytes_kept (pool), ==, 4 * MIB);
}

static gpointer
fill_arenas (gpointer data)
{
  for (int round = 0; round < 300; round++)
    {
      g_autoptr (DsArena) arena = ds_arena_new (data);

      for (int i = 0; i < 20; i++)
        {
          char *memory = ds_arena_alloc (arena, 1000);

          memset (memory, round, 1000);
          g_assert_cmpint (memory[999], ==, (char) round);
        }
      if (round % 50 == 0)
        ds_arena_pool_end_batch (data);
    }
  return NULL;
}

static void
test_pool_serves_many_threads (void)
{
  g_test_summary ("Threads fill arenas from one pool; in the end nothing is in use");

  g_autoptr (DsArenaPool) pool = ds_arena_pool_new ();
  GThread *threads[4];

  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("arena", fill_arenas, pool);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (ds_arena_pool_get_bytes_in_use (pool), ==, 0);
}

static gpointer
drop_arena (gpointer data)
{
  ds_arena_unref (data);
  return NULL;
}

static void
test_any_thread_drops_the_last_reference (void)
{
  g_test_summary (
      "An arena filled here may end on another thread, after its pool's owner");

  DsArenaPool *pool = ds_arena_pool_new ();
  DsArena *arena = ds_arena_new (pool);

  memset (ds_arena_alloc (arena, 5000), 1, 5000);
  ds_arena_pool_unref (pool);
  g_thread_join (g_thread_new ("drop", drop_arena, arena));
}

static void
test_stale_memory_is_reported (void)
{
  g_test_summary ("Under AddressSanitizer, reading memory of an arena that is gone is "
                  "reported, although the pool has the memory still");

  if (!DS_HAS_ASAN)
    {
      g_test_skip ("needs AddressSanitizer");
      return;
    }
  if (g_test_subprocess ())
    {
      g_autoptr (DsArenaPool) pool = ds_arena_pool_new ();
      DsArena *arena = ds_arena_new (pool);
      volatile char *memory = ds_arena_alloc (arena, 100);

      memory[99] = 1;
      ds_arena_unref (arena);
      g_assert_cmpint (memory[99], ==, 1);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*AddressSanitizer: use-after-poison*");
}

static void
test_absurd_size_ends_the_program (void)
{
  g_test_summary ("A size that cannot be is a clear end, not a wrapped-around one");

  if (g_test_subprocess ())
    {
      g_autoptr (DsArena) arena = ds_arena_new (NULL);

      ds_arena_alloc (arena, G_MAXSIZE - 3);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*Out of memory: a value of*bytes*");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add_func ("/base/arena/" name, func)
  ADD ("allocations-stay-apart", test_allocations_stay_apart);
  ADD ("padding-is-readable-and-initialised", test_padding_is_readable_and_initialised);
  ADD ("sized-arena-takes-one-region", test_sized_arena_takes_one_region);
  ADD ("size-classes-fit-closely", test_size_classes_fit_closely);
  ADD ("large-regions-lie-on-huge-pages", test_large_regions_lie_on_huge_pages);
  ADD ("large-piece-keeps-the-open-region", test_large_piece_keeps_the_open_region);
  ADD ("reset-keeps-the-largest-region", test_reset_keeps_the_largest_region);
  ADD ("regions-are-recycled", test_regions_are_recycled);
  ADD ("pool-keeps-what-sixteen-batches-needed",
       test_pool_keeps_what_sixteen_batches_needed);
  ADD ("pool-counts-what-is-still-in-use", test_pool_counts_what_is_still_in_use);
  ADD ("pool-serves-many-threads", test_pool_serves_many_threads);
  ADD ("any-thread-drops-the-last-reference", test_any_thread_drops_the_last_reference);
  ADD ("stale-memory-is-reported", test_stale_memory_is_reported);
  ADD ("absurd-size-ends-the-program", test_absurd_size_ends_the_program);
#undef ADD
  return g_test_run ();
}
