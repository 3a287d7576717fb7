/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which directories a path names that may be a glob. */

#include "base/ds-file-system-private.h"

G_BEGIN_DECLS

/* Whether there is anything to match: "*", "?" or "[". */
gboolean ds_directory_pattern_is_glob (const char *pattern);

/* What is told of a directory that could not be looked into. */
typedef void (*DsDirectoryPatternFailFunc) (const char *directory,
                                            const GError *error,
                                            gpointer user_data);

/* The directories that @pattern names now, in order of name: itself when there is one of
 * that name, else what it matches, component by component.  Links are followed where they
 * are spelt out, not where they would be matched.  Names that begin with "." are matched
 * by a "." only.  Where it cannot look there is no match, and @fail (nullable) is told.
 * NULL with %DS_ERROR_NOT_FOUND, or with the first such error, when nothing matches.
 * (transfer full) (element-type filename) */
GPtrArray *ds_directory_pattern_match (DsFileSystem *files,
                                       const char *pattern,
                                       DsDirectoryPatternFailFunc fail,
                                       gpointer user_data,
                                       GError **error);

G_END_DECLS
