/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which checkpoint to start from: the newest that is whole with all that it adds to.
 * Never a silent fresh start: with nothing whole it is an error that lists everything. */

#include "base/ds-checkpoint-format-private.h"

#include "base/ds-error.h"
#include "base/ds-log-format-private.h"

/* All checkpoints, the oldest first. */
static GPtrArray *
ds_checkpoint_list (DsDurableDirectory *directory, GError **error)
{
  GPtrArray *names = ds_durable_directory_list (directory, "ckpt-", error);
  DsTime time;

  for (guint i = names != NULL ? names->len : 0; i > 0; i--)
    if (!ds_checkpoint_parse_name (names->pdata[i - 1], &time))
      g_ptr_array_remove_index (names, i - 1);
  return names;
}

/* What another checkpoint can stand in for. */
static gboolean
ds_checkpoint_is_damage (const GError *error)
{
  return g_error_matches (error, DS_ERROR, DS_ERROR_CORRUPT) ||
         g_error_matches (error, DS_ERROR, DS_ERROR_IO) ||
         g_error_matches (error, DS_ERROR, DS_ERROR_NOT_FOUND);
}

/* @name with all that it adds to. */
static DsCheckpointReader *
ds_checkpoint_open_chain (DsDurableDirectory *directory, const char *name, GError **error)
{
  g_autoptr (DsCheckpointReader) newest =
      ds_checkpoint_reader_open (directory, name, error);
  DsTime base_time;

  if (newest == NULL)
    return NULL;
  base_time = ds_checkpoint_reader_get_head (newest)->base_time;
  /* Each is of an earlier time than the one that names it, so this ends. */
  while (base_time != DS_TIME_NONE)
    {
      g_autofree char *base_name = ds_checkpoint_make_name (base_time);
      g_autoptr (DsCheckpointReader) base =
          ds_checkpoint_reader_open (directory, base_name, error);

      if (base == NULL)
        {
          g_prefix_error (error,
                          "checkpoint \"%s\" cannot be used without an earlier one: ",
                          name);
          return NULL;
        }
      base_time = ds_checkpoint_reader_get_head (base)->base_time;
    }
  return g_steal_pointer (&newest);
}

/* The log goes back to the oldest of those that are kept.  Older ones are there only
 * because later ones build on them, so that what came since is lost with those.  FALSE
 * with an error like that of damage; what is wrong with the log itself is told by who
 * reads it. */
static gboolean
ds_checkpoint_check_log (DsDurableDirectory *directory,
                         const char *name,
                         const DsCheckpointHead *head,
                         GError **error)
{
  g_autoptr (GArray) segments = ds_log_list_segments (directory, error);
  g_autofree char *path = ds_durable_directory_get_file_path (directory, name);
  const DsLogSegmentFile *first;

  if (segments == NULL)
    return FALSE;
  first = segments->len > 0 ? &g_array_index (segments, DsLogSegmentFile, 0) : NULL;
  if (first == NULL || !first->is_whole ||
      first->head.first_sequence <= MAX (head->wal_sequence, 1))
    return TRUE;
  g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
               "checkpoint \"%s\" is whole, but there only for later ones that build on "
               "it: it needs the log from record %" G_GUINT64_FORMAT
               " on, which begins with %" G_GUINT64_FORMAT,
               path, head->wal_sequence, first->head.first_sequence);
  return FALSE;
}

/* What was passed over must not come between later ones. */
static gboolean
ds_checkpoint_set_aside (DsDurableDirectory *directory,
                         const char *name,
                         const char *used,
                         const char *message,
                         GPtrArray *damaged,
                         GError **error)
{
  g_autofree char *aside = NULL;

  if (!ds_durable_directory_is_read_only (directory))
    {
      aside = ds_durable_directory_set_aside (directory, name, error);
      if (aside == NULL)
        return FALSE;
    }
  if (damaged != NULL)
    g_ptr_array_add (
        damaged, g_strdup_printf ("%s. The checkpoint %s is used instead, and the log "
                                  "since then is replayed: nothing is lost. The "
                                  "damaged one is kept as %s",
                                  message, used, aside != NULL ? aside : name));
  return TRUE;
}

static gboolean
ds_checkpoint_refuse_fresh (DsDurableDirectory *directory, GError **error)
{
  g_autoptr (GPtrArray) segments = ds_durable_directory_list (directory, "wal-", error);

  if (segments == NULL)
    return FALSE;
  if (segments->len == 0)
    return TRUE;
  g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
               "Checkpoint directory \"%s\" has a log (%u files) and no checkpoint, so "
               "what the log adds to is lost; nothing was changed: put a checkpoint back "
               "from a copy, or begin anew: ds_streaming_context_allow_fresh_start () "
               "puts what is there aside",
               ds_durable_directory_get_path (directory), segments->len);
  return FALSE;
}

static void
ds_checkpoint_refuse_all (DsDurableDirectory *directory,
                          GPtrArray *messages,
                          GError **error)
{
  g_autoptr (GString) list = g_string_new (NULL);

  for (guint i = 0; i < messages->len; i++)
    g_string_append_printf (list, "\n  %s", (const char *) messages->pdata[i]);
  g_set_error (
      error, DS_ERROR, DS_ERROR_CORRUPT,
      "No checkpoint in \"%s\" can be used; nothing was changed: put one back from "
      "a copy, or begin anew: ds_streaming_context_allow_fresh_start () puts "
      "what is there aside.  What is wrong with each:%s",
      ds_durable_directory_get_path (directory), list->str);
}

static void
ds_checkpoint_free_message (gpointer message)
{
  g_free (message);
}

gboolean
ds_checkpoint_find_newest (DsDurableDirectory *directory,
                           DsCheckpointReader **reader,
                           GPtrArray *damaged,
                           GError **error)
{
  g_autoptr (GPtrArray) names = ds_checkpoint_list (directory, error);
  g_autoptr (GPtrArray) messages =
      g_ptr_array_new_with_free_func (ds_checkpoint_free_message);
  guint i;

  *reader = NULL;
  if (names == NULL)
    return FALSE;
  if (names->len == 0)
    return ds_checkpoint_refuse_fresh (directory, error);

  for (i = names->len; i > 0 && *reader == NULL; i--)
    {
      g_autoptr (GError) local_error = NULL;

      *reader = ds_checkpoint_open_chain (directory, names->pdata[i - 1], &local_error);
      if (*reader != NULL && messages->len > 0 &&
          !ds_checkpoint_check_log (directory, names->pdata[i - 1],
                                    ds_checkpoint_reader_get_head (*reader),
                                    &local_error))
        g_clear_pointer (reader, ds_checkpoint_reader_free);
      if (*reader != NULL)
        break;
      if (!ds_checkpoint_is_damage (local_error))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      g_ptr_array_add (messages, g_strdup (local_error->message));
    }
  if (*reader == NULL)
    {
      ds_checkpoint_refuse_all (directory, messages, error);
      return FALSE;
    }
  for (guint k = 0; k < messages->len; k++)
    if (!ds_checkpoint_set_aside (directory, names->pdata[names->len - 1 - k],
                                  names->pdata[i - 1], messages->pdata[k], damaged,
                                  error))
      {
        g_clear_pointer (reader, ds_checkpoint_reader_free);
        return FALSE;
      }
  return TRUE;
}
