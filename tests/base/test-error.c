/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The domain and the numbers of the codes, which programs and files rely on. */

#include "base/ds-error.h"

static void
test_domain_has_its_name (void)
{
  g_test_summary ("Other languages match on the name of the domain");

  g_assert_cmpstr (g_quark_to_string (DS_ERROR), ==, "ds-error-quark");
  g_assert_cmpuint (DS_ERROR, ==, ds_error_quark ());
}

static void
test_codes_keep_their_numbers (void)
{
  g_test_summary ("Codes are never renumbered: new ones go to the end");

  g_assert_cmpint (DS_ERROR_FAILED, ==, 0);
  g_assert_cmpint (DS_ERROR_INVALID_ARGUMENT, ==, 1);
  g_assert_cmpint (DS_ERROR_INVALID_INTERVAL, ==, 2);
  g_assert_cmpint (DS_ERROR_INVALID_STATE, ==, 3);
  g_assert_cmpint (DS_ERROR_STOPPED, ==, 4);
  g_assert_cmpint (DS_ERROR_CANCELLED, ==, 5);
  g_assert_cmpint (DS_ERROR_TIMEOUT, ==, 6);
  g_assert_cmpint (DS_ERROR_EMPTY, ==, 7);
  g_assert_cmpint (DS_ERROR_TYPE, ==, 8);
  g_assert_cmpint (DS_ERROR_USER_FUNCTION, ==, 9);
  g_assert_cmpint (DS_ERROR_NOT_FOUND, ==, 10);
  g_assert_cmpint (DS_ERROR_IO, ==, 11);
  g_assert_cmpint (DS_ERROR_NO_SPACE, ==, 12);
  g_assert_cmpint (DS_ERROR_FSYNC_FAILED, ==, 13);
  g_assert_cmpint (DS_ERROR_NETWORK, ==, 14);
  g_assert_cmpint (DS_ERROR_TLS, ==, 15);
  g_assert_cmpint (DS_ERROR_LIMIT, ==, 16);
  g_assert_cmpint (DS_ERROR_TOO_DEEP, ==, 17);
  g_assert_cmpint (DS_ERROR_BAD_FILE, ==, 18);
  g_assert_cmpint (DS_ERROR_BAD_RECORD_LENGTH, ==, 19);
  g_assert_cmpint (DS_ERROR_CORRUPT, ==, 20);
  g_assert_cmpint (DS_ERROR_VERSION, ==, 21);
  g_assert_cmpint (DS_ERROR_GRAPH_MISMATCH, ==, 22);
  g_assert_cmpint (DS_ERROR_LOCKED, ==, 23);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/base/error/domain-has-its-name", test_domain_has_its_name);
  g_test_add_func ("/base/error/codes-keep-their-numbers", test_codes_keep_their_numbers);
  return g_test_run ();
}
