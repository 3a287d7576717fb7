/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsLineBuffer: bytes come in pieces of any size, blocks of whole lines go out.  What
 * sockets and files read into.  One thread.
 *
 *   while ((n = read (fd, ds_line_buffer_prepare (buffer, &room), room)) > 0)
 *     if (!ds_line_buffer_commit (buffer, n, &error)) ...
 *     else if ((block = ds_line_buffer_take (buffer)) != NULL) ...
 *   block = ds_line_buffer_end (buffer, TRUE);
 */

#include "base/ds-block-private.h"

G_BEGIN_DECLS

typedef enum
{
  DS_LONG_LINE_SKIP,  /* up to the next line end, counted; the default */
  DS_LONG_LINE_SPLIT, /* pieces of @max_line_bytes, the last one shorter */
  DS_LONG_LINE_FAIL   /* %DS_ERROR_LIMIT naming the length met and the limit */
} DsLongLinePolicy;

typedef struct _DsLineBuffer DsLineBuffer;

/* @buffer_bytes: size of a block's memory; a line may be longer, up to @max_line_bytes
 * without its line end.  Both 1 to %G_MAXUINT32.  Never more memory than a line and a
 * buffer, as long as what is full is taken. */
DsLineBuffer *ds_line_buffer_new (DsArenaPool *pool,
                                  gsize buffer_bytes,
                                  gsize max_line_bytes,
                                  DsLongLinePolicy policy,
                                  gboolean strip_cr);
void ds_line_buffer_free (DsLineBuffer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsLineBuffer, ds_line_buffer_free)

/* Room to read into, at least 1 byte; valid until the next call. */
char *ds_line_buffer_prepare (DsLineBuffer *self, gsize *n_room);
/* @n_bytes were read into that room.  FALSE only with %DS_LONG_LINE_FAIL; the line is
 * left out, everything else is kept, and reading may go on. */
gboolean ds_line_buffer_commit (DsLineBuffer *self, gsize n_bytes, GError **error);
/* TRUE when the memory of the current block is used up: time to take it. */
gboolean ds_line_buffer_is_full (DsLineBuffer *self);
/* Whole lines in the buffer, and their bytes; those of the line that has not ended. */
gsize ds_line_buffer_get_n_ready_lines (DsLineBuffer *self);
gsize ds_line_buffer_get_n_ready_bytes (DsLineBuffer *self);
gsize ds_line_buffer_get_n_open_bytes (DsLineBuffer *self);
/* (transfer full) (nullable): the whole lines so far as a text block; the rest stays. */
DsBlock *ds_line_buffer_take (DsLineBuffer *self);
/* At the end of the input.  @deliver_rest: an unterminated last line is a line (a clean
 * end); otherwise it is dropped and counted (a reset).  (transfer full) (nullable).  The
 * buffer is empty afterwards and can be used anew. */
DsBlock *ds_line_buffer_end (DsLineBuffer *self, gboolean deliver_rest);

guint64 ds_line_buffer_get_n_skipped (DsLineBuffer *self); /* overlong lines */
guint64 ds_line_buffer_get_n_dropped (DsLineBuffer *self); /* unterminated rests */

G_END_DECLS
