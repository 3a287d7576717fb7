/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which directories a path names that may be a glob. */

#include "base/ds-file-system-private.h"

G_BEGIN_DECLS

/* Whether there is anything to match: "*", "?" or "[". */
gboolean ds_directory_pattern_is_glob (const char *pattern);

/* The directories that @pattern names now, in order of name: itself when there is one of
 * that name, else what it matches, component by component.  Links are followed where they
 * are spelt out, not where they would be matched.  Names that begin with "." are matched
 * by a "." only.  NULL with the error of a directory that could not be listed; no match
 * is %DS_ERROR_NOT_FOUND.  (transfer full) (element-type filename) */
GPtrArray *
ds_directory_pattern_match (DsFileSystem *files, const char *pattern, GError **error);

G_END_DECLS
