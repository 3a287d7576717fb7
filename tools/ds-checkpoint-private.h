/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of ds-checkpoint share.  A command returns the status of the process; it
 * prints what it finds, also of what is damaged, and fails with an error only when it can
 * say nothing more. */

#include "dstream/ds-recovery-core-private.h"
#include "rdd/ds-saved-state-private.h"

#include <stdio.h>

G_BEGIN_DECLS

enum
{
  CHECKPOINT_FINE = 0,
  CHECKPOINT_BAD = 1, /* damaged, different, not there */
  CHECKPOINT_MISUSED = 2
};

typedef struct
{
  gboolean shows_keys;
  gboolean is_dry_run;
  gboolean is_msgpack;
} CheckpointOptions;

/* What a word of the command line names: a directory, or a checkpoint in one. */
typedef struct
{
  DsDurableDirectory *directory; /* read only */
  char *name;                    /* (nullable): of the checkpoint */
  DsRecovery *recovery;          /* (nullable): what was read of it */
  gboolean is_damaged;           /* something of what was read */
  gboolean has_log;              /* whole records of it were read */
} CheckpointPlace;

/* What is damaged.  @prefix: "A: " or "". */
typedef void (*CheckpointNoteFunc) (const char *prefix, const char *message);
void checkpoint_note (const char *prefix, const char *message); /* standard output */

gboolean checkpoint_place_open (CheckpointPlace *self, const char *word, GError **error);
void checkpoint_place_clear (CheckpointPlace *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CheckpointPlace, checkpoint_place_clear)
/* The checkpoint.  Damage is told through @note, with @prefix ("A: " or "") before
 * it.  FALSE with error: there is nothing to look at. */
gboolean checkpoint_place_read (CheckpointPlace *self,
                                const char *prefix,
                                CheckpointNoteFunc note,
                                GError **error);
/* The log behind it, if it is kept. */
void checkpoint_place_read_log (CheckpointPlace *self,
                                const char *prefix,
                                CheckpointNoteFunc note);
const char *checkpoint_place_get_checkpoint (const CheckpointPlace *self);
/* The keys of entry @entry; NULL without error: nothing of it was kept.  *@as_of: batch
 * time up to which they could be put together; of windows it can be that of an earlier
 * checkpoint, as what came since is steps for functions of the program. */
DsSavedState *checkpoint_place_load_state (CheckpointPlace *self,
                                           guint entry,
                                           DsTime *as_of,
                                           GError **error);
/* Whether something of it is in the checkpoint. */
gboolean checkpoint_place_has_state (CheckpointPlace *self, guint entry);
/* Number of the stream with state that has @name; error: those that there are. */
gboolean checkpoint_place_find_state (CheckpointPlace *self,
                                      const char *name,
                                      guint *entry,
                                      GError **error);

/* Those that have names of checkpoints, the oldest first. */
GPtrArray *checkpoint_list_names (DsDurableDirectory *directory, GError **error);
void checkpoint_append_time (DsTime time, GString *text);
/* As JSON, in which what JSON lacks is an object with one member: ds-checkpoint(1). */
void checkpoint_append_json (DsValue value, GString *text);
void checkpoint_append_json_string (const char *bytes, gsize n_bytes, GString *text);

/* ---- Commands.  @words: what followed the name of the command. ---- */

int checkpoint_list (const CheckpointOptions *options, char **words, GError **error);
int checkpoint_inspect (const CheckpointOptions *options, char **words, GError **error);
int checkpoint_verify (const CheckpointOptions *options, char **words, GError **error);
int checkpoint_diff (const CheckpointOptions *options, char **words, GError **error);
int checkpoint_export (const CheckpointOptions *options, char **words, GError **error);
int checkpoint_drop (const CheckpointOptions *options, char **words, GError **error);

G_END_DECLS
