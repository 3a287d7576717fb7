/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Numbers as text and back, in the one form of the library, whatever the locale. */

#include <glib.h>

G_BEGIN_DECLS

#define DS_NUMBER_MAX_INT 21    /* bytes, with the closing NUL */
#define DS_NUMBER_MAX_DOUBLE 32 /* the same */

/* Both return the length. */
gsize ds_number_print_int (gint64 integer, char *text);
/* The fewest digits that read back as @number; always with a point or an exponent. */
gsize ds_number_print_double (double number, char *text);

/* FALSE unless all of the bytes are one number that fits. */
gboolean ds_number_parse_int (const char *bytes, gsize n_bytes, gint64 *integer);
gboolean ds_number_parse_double (const char *bytes, gsize n_bytes, double *number);

G_END_DECLS
