/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A batch on its way to its readers: written and synced aside, put into place, committed.
 * Whatever the process is killed at, the batch can run again: what is aside is thrown
 * away, what is in place is compared, what is committed is not written again. */

#include "dstream/ds-file-sink-private.h"

#include "base/ds-durable-file-private.h"
#include "base/ds-error.h"
#include "base/ds-failpoint-private.h"
#include "base/ds-manifest-chain-private.h"
#include "base/ds-planted-fault-private.h"
#include "dstream/ds-dstream-private.h"

#include <string.h>

struct _DsFileSink
{
  char *root; /* (nullable): what the prefix starts from */
  char *prefix;
  char *suffix;    /* (nullable) */
  char *directory; /* of the output's files: names in manifests start there */
  guint8 application_id[DS_APPLICATION_ID_BYTES];
  char *output_name;
  gint64 known_ms;   /* batches up to here are this application's, ... */
  gint64 adopted_ms; /* and later ones up to here of somebody else; G_MININT64: none */
  DsManifestChain *chain;
  gboolean is_of_files; /* what the run before failed with, not of what was to be saved */
  gboolean
      has_to_replace; /* a directory could not be synced: its names are written anew */
};

/* ---- Open ---- */

/* "a/b" is "b" in "a"; "a/" is "" in "a". */
static char *
ds_file_sink_split_prefix (const char *prefix, const char **basename)
{
  const char *slash = strrchr (prefix, '/');

  *basename = slash != NULL ? slash + 1 : prefix;
  if (slash == NULL)
    return g_strdup (".");
  return slash == prefix ? g_strdup ("/") : g_strndup (prefix, (gsize) (slash - prefix));
}

char *
ds_file_sink_get_manifest_directory (const char *prefix)
{
  const char *basename;
  g_autofree char *directory = ds_file_sink_split_prefix (prefix, &basename);
  g_autofree char *name = g_strconcat ("_ds-", basename, NULL);

  return g_build_filename (directory, name, NULL);
}

static char *
ds_file_sink_show_application (const guint8 *id)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < DS_APPLICATION_ID_BYTES; i++)
    g_string_append_printf (text, "%02x", id[i]);
  return g_string_free (text, FALSE);
}

/* FALSE when what is there is not of this application and output (RELIABILITY D14). */
static gboolean
ds_file_sink_check_owner (DsFileSink *self, gboolean adopts, GError **error)
{
  const DsManifest *newest = ds_manifest_chain_get_newest (self->chain);
  g_autofree char *ours = NULL;
  g_autofree char *theirs = NULL;

  if (newest == NULL || (memcmp (newest->application_id, self->application_id,
                                 DS_APPLICATION_ID_BYTES) == 0 &&
                         g_str_equal (newest->output_name, self->output_name)))
    return TRUE;
  if (adopts)
    {
      self->adopted_ms = ds_manifest_chain_get_highest (self->chain);
      return TRUE;
    }
  ours = ds_file_sink_show_application (self->application_id);
  theirs = ds_file_sink_show_application (newest->application_id);
  g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
               "What was saved with the prefix \"%s\" is of the output %s of application "
               "%s, up to batch %" G_GINT64_FORMAT " ms; this is the output %s of "
               "application %s: the checkpoint directory was emptied or changed, or the "
               "output renamed. Save to a new directory; or, to go on behind those "
               "batches, call ds_output_set_adopt_output (). Nothing was changed",
               self->prefix, newest->output_name, theirs, newest->batch_ms,
               self->output_name, ours);
  return FALSE;
}

DsFileSink *
ds_file_sink_open (const char *directory,
                   const char *prefix,
                   const char *suffix,
                   const guint8 *application_id,
                   const char *output_name,
                   gboolean adopts,
                   GError **error)
{
  g_autofree char *beside = ds_file_sink_get_manifest_directory (prefix);
  g_autofree char *manifests = ds_files_output_place (directory, beside);
  g_autoptr (DsFileSink) self = g_new0 (DsFileSink, 1);
  const char *basename;
  g_autofree char *parent = ds_file_sink_split_prefix (prefix, &basename);

  self->root = g_strdup (directory);
  self->prefix = g_strdup (prefix);
  self->suffix = g_strdup (suffix);
  self->directory = ds_files_output_place (directory, parent);
  memcpy (self->application_id, application_id, DS_APPLICATION_ID_BYTES);
  self->output_name = g_strdup (output_name);
  self->known_ms = G_MININT64;
  self->adopted_ms = G_MININT64;
  self->chain = ds_manifest_chain_open (manifests, error);
  if (self->chain == NULL || !ds_file_sink_check_owner (self, adopts, error))
    return NULL;
  return g_steal_pointer (&self);
}

gboolean
ds_file_sink_check_known (DsFileSink *self, DsTime known, gboolean adopts, GError **error)
{
  gint64 highest_ms = ds_manifest_chain_get_highest (self->chain);
  gint64 known_ms = known / DS_MILLISECOND;

  /* What is of another application already has been seen to. */
  if (highest_ms <= known_ms || self->adopted_ms != G_MININT64)
    return TRUE;
  if (adopts)
    {
      self->known_ms = known_ms;
      self->adopted_ms = highest_ms;
      return TRUE;
    }
  g_set_error (
      error, DS_ERROR, DS_ERROR_INVALID_STATE,
      "What was saved with the prefix \"%s\" goes up to batch %" G_GINT64_FORMAT
      " ms, and the newest batch that the checkpoint directory knows of is "
      "%" G_GINT64_FORMAT " ms: it is an older copy, and what it would give "
      "batches in between would not be saved. Put the newer checkpoint directory "
      "back, or the files of the time of this one; or save to a new directory; "
      "or, to go on behind those batches, call ds_output_set_adopt_output () and "
      "set \"catch-up-policy\" to coalesce: what came since is then saved once "
      "more, in one batch. Nothing was changed",
      self->prefix, highest_ms, known_ms);
  return FALSE;
}

void
ds_file_sink_close (DsFileSink *self)
{
  g_clear_pointer (&self->chain, ds_manifest_chain_close);
  g_free (self->root);
  g_free (self->prefix);
  g_free (self->suffix);
  g_free (self->directory);
  g_free (self->output_name);
  g_free (self);
}

/* ---- What is committed ---- */

static gboolean
ds_file_sink_verify_file (DsFileSink *self,
                          const DsManifestFile *file,
                          gint64 batch_ms,
                          GError **error)
{
  g_autofree char *path = g_build_filename (self->directory, file->name, NULL);
  g_autoptr (GError) local_error = NULL;
  guint64 n_bytes;
  guint64 hash;

  if (!ds_durable_file_hash (path, &n_bytes, &hash, &local_error))
    {
      if (!g_error_matches (local_error, DS_ERROR, DS_ERROR_NOT_FOUND))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      g_message ("\"%s\" of batch %" G_GINT64_FORMAT
                 " ms, which was committed whole, is no longer there; somebody took it "
                 "away, and it is not written again",
                 path, batch_ms);
      return TRUE;
    }
  if (n_bytes == file->n_bytes && hash == file->hash)
    return TRUE;
  g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
               "\"%s\" of batch %" G_GINT64_FORMAT " ms was changed since it was "
               "committed: it has %" G_GUINT64_FORMAT " bytes with hash "
               "%016" G_GINT64_MODIFIER "x, the manifest says %" G_GUINT64_FORMAT
               " bytes with hash %016" G_GINT64_MODIFIER "x; it was left as it is. Put "
               "the file back from a copy, or move it away",
               path, batch_ms, n_bytes, hash, file->n_bytes, file->hash);
  return FALSE;
}

gboolean
ds_file_sink_is_committed (DsFileSink *self,
                           DsTime time,
                           gboolean *is_committed,
                           GError **error)
{
  gint64 batch_ms = time / DS_MILLISECOND;
  g_autoptr (DsManifest) manifest = NULL;

  *is_committed = FALSE;
  if (batch_ms <= self->adopted_ms && batch_ms > self->known_ms)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
                   "Batch %" G_GINT64_FORMAT
                   " ms cannot be saved with the prefix \"%s\": "
                   "the output was adopted from an application that committed batches up "
                   "to %" G_GINT64_FORMAT " ms, and goes on behind them; save to a new "
                   "directory, or set \"catch-up-policy\" to coalesce, so that batches "
                   "that were missed come as one",
                   batch_ms, self->prefix, self->adopted_ms);
      return FALSE;
    }
  if (!ds_manifest_chain_find (self->chain, batch_ms, &manifest, error))
    return FALSE;
  if (manifest == NULL)
    return TRUE;
  for (guint i = 0; i < manifest->files->len; i++)
    if (!ds_file_sink_verify_file (self,
                                   &g_array_index (manifest->files, DsManifestFile, i),
                                   batch_ms, error))
      return FALSE;
  *is_committed = TRUE;
  return TRUE;
}

/* ---- Run ---- */

/* What an attempt left aside.  The lock is ours, and no task runs. */
static void
ds_file_sink_clean (DsFileSink *self)
{
  const char *directory = ds_manifest_chain_get_directory (self->chain);
  g_autoptr (GDir) names = g_dir_open (directory, 0, NULL);
  const char *name;

  while (names != NULL && (name = g_dir_read_name (names)) != NULL)
    if (g_str_has_prefix (name, ".tmp-"))
      {
        g_autofree char *path = g_build_filename (directory, name, NULL);

        ds_durable_file_remove (path, NULL);
      }
}

static gboolean
ds_file_sink_place (DsFileSink *self,
                    const DsSavePlan *plan,
                    const char *prefix,
                    const char *path,
                    const GArray *files,
                    gint64 batch_ms,
                    GError **error)
{
  const DsFilePlaces places = {
    .aside = ds_manifest_chain_get_directory (self->chain),
    .prefix = prefix,
    .path = path,
    .files = files,
    .single_file = plan->single_file,
    .replaces = self->has_to_replace,
    .batch_ms = batch_ms,
  };
  g_autoptr (GError) local_error = NULL;

  if (plan->skips_empty && files->len == 0)
    return TRUE;
  if (ds_file_places_fill (&places, &local_error))
    {
      self->has_to_replace = FALSE;
      return TRUE;
    }
  if (!g_error_matches (local_error, DS_ERROR, DS_ERROR_BAD_FILE))
    self->has_to_replace = TRUE;
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

static gboolean
ds_file_sink_commit (DsFileSink *self,
                     const DsSavePlan *plan,
                     const char *path,
                     const GArray *files,
                     gint64 batch_ms,
                     GError **error)
{
  g_autofree char *basename = g_path_get_basename (path);
  DsManifest *manifest =
      ds_manifest_new (self->application_id, self->output_name, batch_ms);

  DS_FP ("sink.placed");
  for (guint i = 0; i < files->len; i++)
    {
      const DsSavedFile *file = &g_array_index (files, DsSavedFile, i);
      g_autofree char *name = plan->single_file
                                  ? g_strdup (basename)
                                  : g_strdup_printf ("%s/part-%05u", basename, i);

      ds_manifest_add_file (manifest, name, file->n_bytes, file->hash);
    }
  return ds_manifest_chain_append (self->chain, manifest, error);
}

gboolean
ds_file_sink_run (DsFileSink *self,
                  DsRdd *rdd,
                  const DsSavePlan *plan,
                  DsTime time,
                  GError **error)
{
  gint64 batch_ms = time / DS_MILLISECOND;
  g_autofree char *name = ds_files_output_get_path (self->prefix, self->suffix, time);
  g_autofree char *path = ds_files_output_place (self->root, name);
  g_autofree char *prefix = g_strdup_printf (".tmp-%" G_GINT64_FORMAT "-", batch_ms);
  g_autoptr (GArray) files = g_array_new (FALSE, FALSE, sizeof (DsSavedFile));
  gboolean is_committed;

  self->is_of_files = TRUE;
  if (!ds_file_sink_is_committed (self, time, &is_committed, error))
    return FALSE;
  if (is_committed)
    return TRUE;

  ds_file_sink_clean (self);
  if (!ds_rdd_save_staged (rdd, ds_manifest_chain_get_directory (self->chain), prefix,
                           plan, files, &self->is_of_files, error))
    {
      ds_file_sink_clean (self);
      return FALSE;
    }
  DS_FP ("sink.staged");
  if (DS_PLANTED ("manifest-first") &&
      !ds_file_sink_commit (self, plan, path, files, batch_ms, error))
    return FALSE;
  /* What is aside stays after a failure: the error may name it. */
  return ds_file_sink_place (self, plan, prefix, path, files, batch_ms, error) &&
         (DS_PLANTED ("manifest-first") ||
          ds_file_sink_commit (self, plan, path, files, batch_ms, error));
}

gboolean
ds_file_sink_may_pass (DsFileSink *self, const GError *error)
{
  return g_error_matches (error, DS_ERROR, DS_ERROR_NO_SPACE) ||
         (self->is_of_files && ds_durable_error_may_pass (error));
}
