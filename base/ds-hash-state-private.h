/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A hash that is added to.  xxHash says by NULL that there is no memory, and takes NULL
 * for a state later on. */

#include <glib.h>
#include <xxhash.h>

/* Empty; to be freed by XXH3_freeState ().  Without memory the program ends, as it does
 * everywhere else. */
static inline XXH3_state_t *
ds_hash_state_new (void)
{
  XXH3_state_t *state = XXH3_createState ();

  if (state == NULL)
    g_error ("Out of memory: there is none for a hash");
  XXH3_64bits_reset (state);
  return state;
}
