/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* $DS_TEST_MASTER runs tests on another backend than their own: "loopback[2]", in
 * ./check --full.  What they say of results holds on each.  The number of places stays
 * the test's own, as partitions go by it. */

#include <glib.h>
#include <stdio.h>
#include <string.h>

/* Of "local" and "local[4]"; others stay, and those that are wrong.  Interned. */
static inline const char *
ds_test_choose_master (const char *own)
{
  const char *other = g_getenv ("DS_TEST_MASTER");
  g_autofree char *chosen = NULL;
  guint n_places = 1;
  int n_read = 0;
  gboolean has_number = sscanf (own, "local[%4u]%n", &n_places, &n_read) == 1 &&
                        own[n_read] == '\0' && n_read > 0 && n_places > 0 &&
                        n_places <= 1024;

  if (other == NULL || !(has_number || g_str_equal (own, "local")))
    return own;
  chosen = g_strdup_printf ("%.*s[%u]", (int) strcspn (other, "["), other, n_places);
  return g_intern_string (chosen);
}
