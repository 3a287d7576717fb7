/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsListedDirectories: the directories in which files were listed, by number, and which
 * of them a scan could not look into.  One thread at a time. */

#include <glib.h>

G_BEGIN_DECLS

/* Of what is in several directories, or nobody knows where. */
#define DS_LISTED_DIRECTORY_ANY G_MAXUINT32

typedef struct _DsListedDirectories DsListedDirectories;

DsListedDirectories *ds_listed_directories_new (void);
void ds_listed_directories_free (DsListedDirectories *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsListedDirectories, ds_listed_directories_free)

/* The number of @path, which is a new one if need be. */
guint32 ds_listed_directories_add (DsListedDirectories *self, const char *path);
const char *ds_listed_directories_get_path (DsListedDirectories *self, guint32 number);
guint ds_listed_directories_get_length (DsListedDirectories *self);
gsize ds_listed_directories_get_n_bytes (DsListedDirectories *self); /* of memory */

void ds_listed_directories_begin_scan (DsListedDirectories *self);
/* @path, and what is below it, could not be listed; NULL: nothing could. */
void ds_listed_directories_leave_out (DsListedDirectories *self, const char *path);
/* Whether what was in the directory of @number may be there still, unseen. */
gboolean ds_listed_directories_is_left_out (DsListedDirectories *self, guint32 number);

/* Forgets those for which @is_used is FALSE: the new numbers of the others, by the old
 * ones.  (transfer full) */
guint32 *ds_listed_directories_keep (DsListedDirectories *self, const gboolean *is_used);

G_END_DECLS
