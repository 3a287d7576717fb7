/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A checkpoint that holds only what changed is as good as the chain that it builds on, so
 * that chains are short, and what they add is no more than half of what they began with:
 * reading a chain then costs at most one and a half times what a full one costs, and
 * writing full ones is spread over as many that are small. */

#include "dstream/ds-checkpoint-shelf-private.h"

#include "base/ds-error.h"
#include "base/ds-planted-fault-private.h"
#include "dstream/ds-checkpoint-form-private.h"

typedef struct
{
  DsTime time;
  DsTime base_time; /* DS_TIME_NONE: it holds everything */
  guint64 wal_sequence;
} DsShelvedCheckpoint;

struct _DsCheckpointShelf
{
  GArray *checkpoints; /* DsShelvedCheckpoint, oldest first */
  DsTime last_time;    /* of the last one that this process has written */
  guint n_changes;     /* how many build on the last full one */
  guint64 n_full_bytes;
  guint64 n_change_bytes;
};

DsCheckpointShelf *
ds_checkpoint_shelf_new (void)
{
  DsCheckpointShelf *self = g_new0 (DsCheckpointShelf, 1);

  self->checkpoints = g_array_new (FALSE, FALSE, sizeof (DsShelvedCheckpoint));
  self->last_time = DS_TIME_NONE;
  return self;
}

void
ds_checkpoint_shelf_free (DsCheckpointShelf *self)
{
  g_array_unref (self->checkpoints);
  g_free (self);
}

/* An older one, as the newest that is whole has been read: it counts no longer. */
static gboolean
ds_checkpoint_shelf_put_aside (DsDurableDirectory *directory,
                               const char *name,
                               GError *damage,
                               GError **error)
{
  g_autofree char *aside = NULL;

  if (!g_error_matches (damage, DS_ERROR, DS_ERROR_CORRUPT) &&
      !g_error_matches (damage, DS_ERROR, DS_ERROR_IO))
    {
      g_propagate_error (error, damage);
      return FALSE;
    }
  aside = ds_durable_directory_set_aside (directory, name, error);
  if (aside != NULL)
    g_message ("%s. It is an older one, so that nothing is lost; it is kept as \"%s\"",
               damage->message, aside);
  g_error_free (damage);
  return aside != NULL;
}

gboolean
ds_checkpoint_shelf_read (DsCheckpointShelf *self,
                          DsDurableDirectory *directory,
                          GError **error)
{
  g_autoptr (GPtrArray) names = ds_durable_directory_list (directory, "ckpt-", error);

  if (names == NULL)
    return FALSE;
  for (guint i = 0; i < names->len; i++)
    {
      const char *name = g_ptr_array_index (names, i);
      GError *damage = NULL;
      DsCheckpointHead head;
      DsShelvedCheckpoint known;
      DsTime time;

      if (!ds_checkpoint_parse_name (name, &time))
        continue; /* somebody's own file, or a copy that he made */
      if (!ds_checkpoint_read_head (directory, name, &head, &damage))
        {
          if (!ds_checkpoint_shelf_put_aside (directory, name, damage, error))
            return FALSE;
          continue;
        }
      known = (DsShelvedCheckpoint){ head.batch_time, head.base_time, head.wal_sequence };
      g_array_append_val (self->checkpoints, known);
    }
  return TRUE;
}

void
ds_checkpoint_shelf_add (DsCheckpointShelf *self,
                         DsTime time,
                         DsTime base_time,
                         guint64 wal_sequence,
                         guint64 n_bytes)
{
  DsShelvedCheckpoint added = { time, base_time, wal_sequence };

  g_array_append_val (self->checkpoints, added);
  self->last_time = time;
  if (base_time == DS_TIME_NONE)
    {
      self->n_full_bytes = n_bytes;
      self->n_change_bytes = 0;
      self->n_changes = 0;
    }
  else
    {
      self->n_change_bytes += n_bytes;
      self->n_changes++;
    }
}

DsTime
ds_checkpoint_shelf_get_base_time (DsCheckpointShelf *self)
{
  if (self->n_changes >= DS_CHECKPOINT_MAX_CHAIN - 1 ||
      self->n_change_bytes > self->n_full_bytes / 2)
    return DS_TIME_NONE;
  return self->last_time;
}

static guint
ds_checkpoint_shelf_get_first_kept (DsCheckpointShelf *self)
{
  return self->checkpoints->len > DS_CHECKPOINTS_KEPT
             ? self->checkpoints->len - DS_CHECKPOINTS_KEPT
             : 0;
}

DsTime
ds_checkpoint_shelf_get_oldest_time (DsCheckpointShelf *self)
{
  if (self->checkpoints->len == 0)
    return DS_TIME_NONE;
  return g_array_index (self->checkpoints, DsShelvedCheckpoint,
                        ds_checkpoint_shelf_get_first_kept (self))
      .time;
}

/* Which of them are needed: those that are kept, and what those build on. */
static gboolean *
ds_checkpoint_shelf_find_needed (DsCheckpointShelf *self)
{
  gboolean *needed = g_new0 (gboolean, MAX (self->checkpoints->len, 1));

  for (guint i = self->checkpoints->len; i > 0; i--)
    {
      DsShelvedCheckpoint *known =
          &g_array_index (self->checkpoints, DsShelvedCheckpoint, i - 1);

      if (i > ds_checkpoint_shelf_get_first_kept (self))
        needed[i - 1] = TRUE;
      for (guint k = 0; needed[i - 1] && k < i - 1; k++)
        if (g_array_index (self->checkpoints, DsShelvedCheckpoint, k).time ==
            known->base_time)
          needed[k] = TRUE;
    }
  return needed;
}

void
ds_checkpoint_shelf_take_unneeded (DsCheckpointShelf *self,
                                   GPtrArray *names,
                                   guint64 *sequence)
{
  g_autofree gboolean *needed = ds_checkpoint_shelf_find_needed (self);
  guint n_kept = 0;

  /* A recovery may begin with any of the newest ones, so that the log is needed from the
   * oldest of them on; older ones are only built on. */
  *sequence = G_MAXUINT64;
  for (guint i = ds_checkpoint_shelf_get_first_kept (self);
       i < self->checkpoints->len && !DS_PLANTED ("log-removed-too-far"); i++)
    *sequence =
        MIN (*sequence,
             g_array_index (self->checkpoints, DsShelvedCheckpoint, i).wal_sequence);
  /* What builds on another comes before it, so that none is ever without its base. */
  for (guint i = self->checkpoints->len; i > 0; i--)
    if (!needed[i - 1])
      g_ptr_array_add (
          names, ds_checkpoint_make_name (
                     g_array_index (self->checkpoints, DsShelvedCheckpoint, i - 1).time));
  for (guint i = 0; i < self->checkpoints->len; i++)
    if (needed[i])
      g_array_index (self->checkpoints, DsShelvedCheckpoint, n_kept++) =
          g_array_index (self->checkpoints, DsShelvedCheckpoint, i);
  g_array_set_size (self->checkpoints, n_kept);
}
