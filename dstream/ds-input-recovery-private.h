/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What goes into checkpoints and into the log, by whom it is written.
 *
 * DsInputRecovery: sources that can give the batch of a time once more, in another
 * process, from a few bytes.  A source without it, as one of the program's own, is simply
 * asked again for the same batch time and has to answer the same.
 *
 * DsStateKeeping: streams that keep something from batch to batch.  It is captured by the
 * driver thread, between two batches, in no more time than a batch may be late; and
 * written from the capture by another thread while batches go on. */

#include "dstream/ds-input-dstream.h"
#include "rdd/ds-checkpoint-stream-private.h"

G_BEGIN_DECLS

/* Thread: driver, or the one that starts.  Locks: the graph's is held. */
typedef struct _DsInputRecovery
{
  /* (nullable): cannot be recovered, for the reason that it sets; asked at recovery. */
  gboolean (*check) (DsInputDStream *self, GError **error);
  /* Appends what the batch of @time takes, as msgpack: no more than what is needed to
   * make the same RDD again.  The batch has just been generated. */
  void (*save_plan) (DsInputDStream *self, DsTime time, GByteArray *bytes);
  /* The batch of @time is to be generated again, as @bytes say.  %DS_ERROR_CORRUPT */
  gboolean (*load_plan) (DsInputDStream *self,
                         DsTime time,
                         const guint8 *bytes,
                         gsize n_bytes,
                         GError **error);
  /* Appends where it is after the batch of @time; that it has gone on meanwhile does no
   * harm, as plans of later batches are loaded after it.  Plans of batches up to @time
   * that are still remembered are part of it. */
  void (*save_position) (DsInputDStream *self, DsTime time, GByteArray *bytes);
  /* Instead of it where that is more than a batch may wait for: what is to be saved is
   * captured, and encoded by any thread while batches go on. */
  gpointer (*capture_position) (DsInputDStream *self, DsTime time);
  void (*encode_position) (gpointer capture, GByteArray *bytes);
  void (*free_position) (gpointer capture);
  gboolean (*load_position) (DsInputDStream *self,
                             const guint8 *bytes,
                             gsize n_bytes,
                             GError **error);
} DsInputRecovery;

typedef struct _DsStateKeeping
{
  /* Thread: driver; no step runs.  What is kept, as of @time.  @since: what changed since
   * then is enough; *@is_full tells whether it is that or everything.  NULL: there is
   * nothing yet. */
  gpointer (*capture) (DsDStream *self, DsTime time, DsTime since, gboolean *is_full);
  /* Any thread, while batches go on. */
  gboolean (*save) (gpointer capture, DsStateWriter *writer, GError **error);
  /* Any thread.  @is_base: a later capture may be asked for what changed since this one.
   */
  void (*release) (gpointer capture, gboolean is_base);
  /* Before the first batch: everything, or the changes since what was loaded before. */
  gboolean (*load) (DsDStream *self, DsTime time, DsStateReader *reader, GError **error);
  /* After all of load: whether keys are where the partitioner has them.  (nullable) */
  gboolean (*check_keys) (DsDStream *self, GError **error);
  /* After load: of what it gives. 0: it is not known, since what it is made of was not
   * loaded. */
  guint (*count_partitions) (DsDStream *self);
  /* After load: the RDD that the stream gave at @time, of the blocks of its partitions.
   * (transfer full) */
  DsRdd *(*make_result) (DsDStream *self, DsTime time, DsBlock **blocks);
} DsStateKeeping;

G_END_DECLS
