/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsSpillFile: pieces of bytes outside of memory, for any number of spill buffers.  One
 * file descriptor, however many buffers write; what a buffer has written goes with the
 * file.  Made when the first piece comes; it has no name, so nothing stays behind however
 * the process ends.  Atomically refcounted, any thread. */

#include <glib.h>

G_BEGIN_DECLS

typedef struct _DsSpillFile DsSpillFile;

DsSpillFile *ds_spill_file_new (const char *local_directory);
DsSpillFile *ds_spill_file_ref (DsSpillFile *self);
void ds_spill_file_unref (DsSpillFile *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsSpillFile, ds_spill_file_unref)

/* *@offset: where to read them.  FALSE with %DS_ERROR_NO_SPACE or %DS_ERROR_IO. */
gboolean ds_spill_file_write (DsSpillFile *self,
                              gconstpointer bytes,
                              gsize n_bytes,
                              guint64 *offset,
                              GError **error);
/* What was written there, as many bytes.  FALSE with %DS_ERROR_CORRUPT or %DS_ERROR_IO.
 */
gboolean ds_spill_file_read (DsSpillFile *self,
                             gpointer bytes,
                             gsize n_bytes,
                             guint64 offset,
                             GError **error);
/* (nullable): for messages, once something was written; valid as long as @self. */
const char *ds_spill_file_get_path (DsSpillFile *self);

G_END_DECLS
