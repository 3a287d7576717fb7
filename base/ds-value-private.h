/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the engine needs of values beyond the public header. */

#include "base/ds-arena-private.h"
#include "base/ds-value.h"

G_BEGIN_DECLS

/* The deep copy of @value in @arena. */
DsValue ds_value_copy (DsValue value, DsArena *arena);
/* Bytes that ds_value_copy () takes from the arena; 0 for what needs none. */
gsize ds_value_get_copy_size (DsValue value);

/* The printed form, appended.  @escape: control characters as \n, \t, \x1b (for print and
 * pages); otherwise strings raw. */
void ds_value_append_to_string (DsValue value, GString *text, gboolean escape);
/* The printed and escaped form, cut at @max_bytes (at a UTF-8 boundary, with "..."
 * appended): for messages.  Costs no more than it shows.  (transfer full) */
char *ds_value_describe (DsValue value, gsize max_bytes);
const char *ds_value_type_get_name (DsValueType type); /* "int", "string", ... */

/* The copy of @variant in @arena, not consumed.  The inverse of ds_value_to_variant ();
 * besides, every integer type is an int (a uint64 too large for one a double), arrays are
 * lists, dictionary entries pairs. */
DsValue ds_value_from_variant (GVariant *variant, DsArena *arena);

/* XXH3-64 with the fixed seed of strings: ds_value_hash () of the string of these bytes.
 */
guint64 ds_hash_bytes (gconstpointer bytes, gsize n_bytes);

G_END_DECLS
