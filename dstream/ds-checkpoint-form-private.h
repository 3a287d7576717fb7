/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the sections of a checkpoint hold, apart from what streams and inputs write into
 * theirs.  The flags of a section carry the number of its entry in the signature of the
 * graph, and whether it is everything or what changed. */

#include "base/ds-checkpoint-file-private.h"
#include "base/ds-time.h"

G_BEGIN_DECLS

/* A chain of checkpoints that hold changes is no longer than this. */
#define DS_CHECKPOINT_MAX_CHAIN 20

#define DS_SECTION_IS_FULL 1u
#define DS_SECTION_FLAGS(entry, is_full) \
  (((guint) (entry) << 1) | ((is_full) ? DS_SECTION_IS_FULL : 0))
#define DS_SECTION_ENTRY(flags) ((guint) ((flags) >> 1))
/* More operators than that can't be told apart by flags. */
#define DS_SECTION_MAX_ENTRIES (DS_SECTION_USER_FLAGS >> 1)

typedef struct
{
  DsTime time; /* of the last batch that is in it */
  DsTime zero_time;
  DsDuration interval;
  guint parallelism;
  /* DsTime, two each: batches after the first and before the second were given up.
   * (nullable) */
  GArray *given_up;
} DsCheckpointMeta;

/* Also writes what helps whoever looks at the file: program, library, host, wall time. */
void ds_checkpoint_meta_encode (const DsCheckpointMeta *self,
                                const char *program,
                                GByteArray *bytes);
/* Whatever @self was.  FALSE: there is nothing to clear. */
gboolean ds_checkpoint_meta_decode (DsCheckpointMeta *self,
                                    const guint8 *bytes,
                                    gsize n_bytes,
                                    GError **error);
void ds_checkpoint_meta_clear (DsCheckpointMeta *self);

G_END_DECLS
