/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DsBackend: what moves as a reference and what as bytes. */

#include "rdd/ds-backend-private.h"

static void
test_backend_local (void)
{
  DsBackend *backend = ds_backend_new_local ();
  g_autoptr (DsBlock) block = ds_block_new_strings ("a", "b", NULL);
  g_autoptr (DsBlock) moved = ds_backend_move (backend, block, 0, DS_PLACE_DRIVER, NULL);

  g_test_summary ("Within one process a block moves as a reference");

  g_assert_cmpuint (ds_backend_get_n_places (backend), ==, 1);
  g_assert_cmpuint (ds_backend_place_of (backend, 5), ==, 0);
  g_assert_true (moved == block);
  g_assert_cmpuint (ds_backend_get_n_bytes_moved (backend), ==, 0);
  ds_backend_free (backend);
}

static void
test_backend_loopback (void)
{
  DsBackend *backend = ds_backend_new_loopback (2);
  g_autoptr (DsBlock) block = ds_block_new_strings ("a", "b", NULL);
  g_autoptr (DsBlock) here = ds_backend_move (backend, block, 1, 1, NULL);
  g_autoptr (DsBlock) there = ds_backend_move (backend, block, 1, 0, NULL);
  g_autoptr (DsBlock) driver = ds_backend_move (backend, block, 0, DS_PLACE_DRIVER, NULL);

  g_test_summary ("Between two places, and to the driver, only encoded bytes move");

  g_assert_cmpuint (ds_backend_get_n_places (backend), ==, 2);
  g_assert_cmpuint (ds_backend_place_of (backend, 0), ==, 0);
  g_assert_cmpuint (ds_backend_place_of (backend, 3), ==, 1);
  g_assert_true (here == block);
  g_assert_true (there != block);
  g_assert_true (ds_block_equal (there, block));
  g_assert_true (ds_block_equal (driver, block));
  /* "a" and "b": two bytes each, twice. */
  g_assert_cmpuint (ds_backend_get_n_bytes_moved (backend), ==, 8);
  ds_backend_free (backend);
}

static void
test_backend_loopback_empty (void)
{
  DsBackend *backend = ds_backend_new_loopback (3);
  g_autoptr (DsBlock) block = ds_block_new (NULL, 0);
  g_autoptr (DsBlock) moved = ds_backend_move (backend, block, 2, 0, NULL);

  g_test_summary ("An empty block arrives as an empty block");

  g_assert_cmpuint (ds_block_get_length (moved), ==, 0);
  ds_backend_free (backend);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/backend/local", test_backend_local);
  g_test_add_func ("/rdd/backend/loopback", test_backend_loopback);
  g_test_add_func ("/rdd/backend/loopback-empty", test_backend_loopback_empty);
  return g_test_run ();
}
