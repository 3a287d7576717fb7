/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsSpillBuffer: chunks go in, the same values come out chunk by chunk, as often as
 * asked.  Kept in memory while the context's memory budget has room, in a file of the
 * local directory past that.  For whatever must see a partition more than once or in
 * another rhythm than it is pushed: map_partitions, glom, zip, sort.  One thread. */

#include "base/ds-memory-budget-private.h"
#include "rdd/ds-sink-private.h"
#include "rdd/ds-spill-file-private.h"

G_BEGIN_DECLS

typedef struct _DsSpillBuffer DsSpillBuffer;
typedef struct _DsSpillReader DsSpillReader;

DsSpillBuffer *ds_spill_buffer_new (DsMemoryBudget *budget, const char *local_directory);
/* One of @n_buffers that fill at the same time and share @file: a piece in work, which no
 * budget counts, is the smaller the more of them there are. */
DsSpillBuffer *
ds_spill_buffer_new_in_file (DsMemoryBudget *budget, DsSpillFile *file, guint n_buffers);
void ds_spill_buffer_free (DsSpillBuffer *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsSpillBuffer, ds_spill_buffer_free)

/* FALSE with %DS_ERROR_NO_SPACE or %DS_ERROR_IO. */
gboolean ds_spill_buffer_add (DsSpillBuffer *self, const DsChunk *chunk, GError **error);
gboolean ds_spill_buffer_seal (DsSpillBuffer *self,
                               GError **error); /* no more will come */
/* Before the first value: the buffer stays for longer than a task.  What is kept in
 * memory is compacted; @on_disk: all of it goes to the file. */
void ds_spill_buffer_set_lasts (DsSpillBuffer *self, gboolean on_disk);
guint64 ds_spill_buffer_get_n_bytes (DsSpillBuffer *self); /* in memory and spilled */
guint64 ds_spill_buffer_get_n_values (DsSpillBuffer *self);
guint64 ds_spill_buffer_get_n_spilled_bytes (DsSpillBuffer *self);

DsSpillReader *
ds_spill_reader_new (DsSpillBuffer *self); /* from the start; @self must outlive it */
/* *@chunk is valid until the next call; *@at_end at the end.  FALSE with error. */
gboolean ds_spill_reader_next (DsSpillReader *self,
                               DsChunk *chunk,
                               gboolean *at_end,
                               GError **error);
void ds_spill_reader_free (DsSpillReader *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsSpillReader, ds_spill_reader_free)

/* A sink that fills @buffer (not sealed by finish). */
DsSink *ds_spill_sink_new (DsTask *task, DsSpillBuffer *buffer);

G_END_DECLS
