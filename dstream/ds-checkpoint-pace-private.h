/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsCheckpointPace: how soon one checkpoint may follow another.
 *
 * While the program keeps up, whenever one is due.  While batches wait for each other, be
 * it that they are too slow or that a restart has much to catch up with, a checkpoint
 * takes from them what it costs, and by the clock of the batches the next one is due at
 * once.  So it rests then, %DS_CHECKPOINT_RESTS times as long as the last one kept a
 * processor busy.  That is far from too rare: what a crash costs is running batches again
 * for as long as it has been since the last checkpoint, and the interval at which that
 * and the checkpoints together cost least is the square root of twice the cost of one
 * times the time between crashes (J. W. Young, A First Order Approximation to the Optimum
 * Checkpoint Interval, CACM 17 (9), 1974): for .1 s, and a crash an hour, 27 s; this is
 * 1.5 s.
 *
 * No locks: whoever has it guards it.  All times in µs. */

#include <glib.h>

G_BEGIN_DECLS

/* They take a sixteenth of one processor at most. */
#define DS_CHECKPOINT_RESTS 15
/* After one that cost less there is no rest: nobody would notice. */
#define DS_CHECKPOINT_CHEAP (20 * 1000)

typedef struct
{
  gint64 rests_until;
} DsCheckpointPace;

/* One has ended at @now (monotonic) and kept a processor busy for @cost. */
static inline void
ds_checkpoint_pace_note (DsCheckpointPace *self, gint64 now, gint64 cost)
{
  self->rests_until = cost > DS_CHECKPOINT_CHEAP ? now + DS_CHECKPOINT_RESTS * cost : now;
}

/* @is_behind: other batches are due already. */
static inline gboolean
ds_checkpoint_pace_allows (const DsCheckpointPace *self, gint64 now, gboolean is_behind)
{
  return !is_behind || now >= self->rests_until;
}

G_END_DECLS
