/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How long a batch has been on its way, and when that is worth a word: a function that
 * hangs, or a stream that is slower than its batches come, is seen in the log, and where
 * the time goes. */

#include "dstream/ds-streaming-context.h"

G_BEGIN_DECLS

typedef struct
{
  DsDuration interval; /* of batches */
  DsDuration limit;    /* what is said next */
} DsLateness;

void ds_lateness_init (DsLateness *self, DsDuration interval);
/* TRUE: @late has to be told.  The next time it is twice as much, and from the beginning
 * once batches have been in time again. */
gboolean ds_lateness_look (DsLateness *self, DsDuration late);
/* Says it, and which of the two it is: @ran is how long the batch has been at work
 * itself. Thread: any.  Locks: takes that of the engine. */
void ds_lateness_tell (DsStreamingContext *context,
                       DsTime batch_time,
                       DsDuration late,
                       DsDuration ran,
                       gboolean is_generated);

G_END_DECLS
