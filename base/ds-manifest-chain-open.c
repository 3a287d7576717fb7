/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Opening a chain of manifests: which files there are, what a killed process left over,
 * and whether all of them follow each other.  The newest are read in full; of the older
 * compacted ones, which nobody may ever ask for, the header. */

#include "base/ds-durable-file-private.h"
#include "base/ds-durable-parts-private.h"
#include "base/ds-error.h"
#include "base/ds-manifest-chain-core-private.h"
#include "base/ds-planted-fault-private.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* A writer may put files together while we read: then the list is made anew. */
#define DS_MANIFEST_CHAIN_N_LOOKS 100

static gboolean
ds_manifest_chain_fail (DsManifestChain *self,
                        const char *path,
                        char *what,
                        GError **error)
{
  g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
               "The manifests in \"%s\" are damaged: %s%s%s%s; nothing was changed. Put "
               "the file back from a copy; without one, save to a new directory from now "
               "on",
               self->directory, path != NULL ? "at \"" : "", path != NULL ? path : "",
               path != NULL ? "\" " : "", what);
  g_free (what);
  return FALSE;
}

/* "manifest-" or "compact-" and 20 digits. */
static gboolean
ds_manifest_is_segment_name (const char *name, gboolean *is_compact)
{
  const char *digits = strchr (name, '-');

  *is_compact = g_str_has_prefix (name, "compact-");
  if (digits == NULL || !(*is_compact || g_str_has_prefix (name, "manifest-")))
    return FALSE;
  return strlen (digits + 1) == 20 && strspn (digits + 1, "0123456789") == 20;
}

static gboolean
ds_manifest_chain_add_segment (DsManifestChain *self,
                               const char *name,
                               gboolean is_compact,
                               GError **error)
{
  DsManifestSegment *segment = g_new0 (DsManifestSegment, 1);
  guint8 bytes[DS_MANIFEST_HEAD_BYTES];
  guint64 n_bytes;
  gsize n_read;

  g_ptr_array_add (self->segments, segment);
  segment->path = g_build_filename (self->directory, name, NULL);
  segment->is_compact = is_compact;
  if (!ds_durable_file_read_start (segment->path, bytes, sizeof bytes, &n_read, &n_bytes,
                                   error) ||
      !ds_manifest_head_read (&segment->head, bytes, n_read, segment->path, error))
    return FALSE;
  return n_bytes - DS_MANIFEST_HEAD_BYTES == segment->head.n_body_bytes ||
         ds_manifest_chain_fail (
             self, segment->path,
             g_strdup_printf ("the file has %" G_GUINT64_FORMAT
                              " bytes, its header says %" G_GUINT64_FORMAT,
                              n_bytes,
                              segment->head.n_body_bytes + DS_MANIFEST_HEAD_BYTES),
             error);
}

static gboolean
ds_manifest_chain_list (DsManifestChain *self, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GDir) names = g_dir_open (self->directory, 0, &local_error);
  gboolean is_compact;
  const char *name;

  if (names == NULL)
    {
      g_set_error (error, DS_ERROR,
                   g_error_matches (local_error, G_FILE_ERROR, G_FILE_ERROR_NOENT)
                       ? DS_ERROR_NOT_FOUND
                       : DS_ERROR_IO,
                   "Listing the manifests in \"%s\" failed: %s; look whether the prefix "
                   "of the output is right",
                   self->directory, local_error->message);
      return FALSE;
    }
  while ((name = g_dir_read_name (names)) != NULL)
    {
      if (self->lock_fd >= 0 && g_str_has_prefix (name, ".tmp-"))
        {
          g_autofree char *path = g_build_filename (self->directory, name, NULL);

          if (!ds_durable_file_remove (path, error))
            return FALSE;
        }
      if (ds_manifest_is_segment_name (name, &is_compact) &&
          !ds_manifest_chain_add_segment (self, name, is_compact, error))
        return FALSE;
    }
  return TRUE;
}

/* By number; of those that begin alike the longer one is first. */
static gint
ds_manifest_segment_compare (gconstpointer a, gconstpointer b)
{
  const DsManifestHead *one = &(*(DsManifestSegment *const *) a)->head;
  const DsManifestHead *other = &(*(DsManifestSegment *const *) b)->head;

  if (one->first_number != other->first_number)
    return one->first_number < other->first_number ? -1 : 1;
  return one->n_manifests > other->n_manifests ? -1
                                               : one->n_manifests < other->n_manifests;
}

/* ---- What a compaction did not come to remove ---- */

/* Whether @covered is what the compacted file @whole says. */
static gboolean
ds_manifest_chain_check_covered (DsManifestChain *self,
                                 const DsManifestSegment *whole,
                                 const DsManifestSegment *covered,
                                 GError **error)
{
  g_autoptr (GPtrArray) manifests = ds_manifest_segment_load (whole, NULL, error);
  guint64 next;
  guint64 hash;

  if (manifests == NULL)
    return FALSE;
  next =
      covered->head.first_number + covered->head.n_manifests - whole->head.first_number;
  hash = next < manifests->len
             ? ((DsManifest *) g_ptr_array_index (manifests, (guint) next))->previous
             : whole->head.last;
  return hash == covered->head.last ||
         ds_manifest_chain_fail (self, covered->path,
                                 g_strdup_printf ("is another manifest than in \"%s\"",
                                                  whole->path),
                                 error);
}

/* Leaves one segment for each number. */
static gboolean
ds_manifest_chain_sort (DsManifestChain *self, GError **error)
{
  guint n_kept = 0;
  guint64 n_manifests = 0;

  g_ptr_array_sort (self->segments, ds_manifest_segment_compare);
  for (guint i = 0; i < self->segments->len; i++)
    {
      DsManifestSegment *segment = g_ptr_array_index (self->segments, i);
      DsManifestSegment *before =
          n_kept > 0 ? g_ptr_array_index (self->segments, n_kept - 1) : NULL;

      if (before != NULL && before->is_compact &&
          segment->head.first_number >= before->head.first_number &&
          segment->head.first_number + segment->head.n_manifests <= n_manifests)
        {
          if (!ds_manifest_chain_check_covered (self, before, segment, error))
            return FALSE;
          if (self->lock_fd >= 0 && !ds_durable_file_remove (segment->path, error))
            return FALSE;
          continue;
        }
      if (segment->head.first_number > n_manifests)
        return ds_manifest_chain_fail (
            self, segment->path,
            g_strdup_printf ("is number %" G_GUINT64_FORMAT
                             ", and those from number %" G_GUINT64_FORMAT
                             " up to it are missing",
                             segment->head.first_number, n_manifests),
            error);
      if (segment->head.first_number < n_manifests ||
          segment->head.previous != (before != NULL ? before->head.last : 0))
        return ds_manifest_chain_fail (
            self, segment->path,
            g_strdup ("does not follow the one before it: it is of another run, or one "
                      "of them was changed"),
            error);
      n_manifests += segment->head.n_manifests;
      self->segments->pdata[i] = self->segments->pdata[n_kept];
      self->segments->pdata[n_kept++] = segment;
    }
  g_ptr_array_set_size (self->segments, (gint) n_kept);
  return TRUE;
}

/* The singles and the newest of the compacted ones. */
static gboolean
ds_manifest_chain_read_newest (DsManifestChain *self, GError **error)
{
  gboolean is_enough = FALSE;

  for (guint i = self->segments->len; i > 0 && !is_enough; i--)
    {
      const DsManifestSegment *segment = g_ptr_array_index (self->segments, i - 1);
      g_autoptr (GPtrArray) manifests = ds_manifest_segment_load (segment, NULL, error);

      if (manifests == NULL)
        return FALSE;
      if (self->newest == NULL)
        self->newest = g_ptr_array_steal_index (manifests, manifests->len - 1);
      is_enough = segment->is_compact;
    }
  return TRUE;
}

/* What a killed process has named and not synced is there: the next manifest would build
 * on it, and what a compacted one covers would go, and after a power cut only that could
 * have come to the disk. */
static gboolean
ds_manifest_chain_settle (DsManifestChain *self, GError **error)
{
  return self->lock_fd < 0 || self->segments->len == 0 ||
         DS_PLANTED ("manifest-name-trusted") ||
         ds_durable_directory_sync (self->directory, error);
}

static gboolean
ds_manifest_chain_look (DsManifestChain *self, GError **error)
{
  g_ptr_array_set_size (self->segments, 0);
  g_clear_pointer (&self->newest, ds_manifest_free);
  return ds_manifest_chain_list (self, error) && ds_manifest_chain_settle (self, error) &&
         ds_manifest_chain_sort (self, error) &&
         ds_manifest_chain_read_newest (self, error);
}

static DsManifestChain *
ds_manifest_chain_new (const char *directory)
{
  DsManifestChain *self = g_new0 (DsManifestChain, 1);

  self->directory = g_strdup (directory);
  self->lock_fd = -1;
  self->segments =
      g_ptr_array_new_with_free_func ((GDestroyNotify) ds_manifest_segment_free);
  return self;
}

/* FALSE with %DS_ERROR_LOCKED and others. */
static gboolean
ds_manifest_chain_lock (DsManifestChain *self, GError **error)
{
  int fd = ds_durable_file_open_at (AT_FDCWD, "", self->directory, O_RDONLY | O_DIRECTORY,
                                    0, error);

  if (fd < 0)
    return FALSE;
  self->lock_fd =
      ds_durable_lock_take (fd, self->directory, "Directory of manifests", TRUE, error);
  close (fd);
  return self->lock_fd >= 0;
}

DsManifestChain *
ds_manifest_chain_open (const char *directory, GError **error)
{
  g_autoptr (DsManifestChain) self = ds_manifest_chain_new (directory);

  if (!ds_durable_make_directories (directory, error) ||
      !ds_manifest_chain_lock (self, error) || !ds_manifest_chain_look (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

DsManifestChain *
ds_manifest_chain_open_to_read (const char *directory, GError **error)
{
  g_autoptr (DsManifestChain) self = ds_manifest_chain_new (directory);

  for (guint i = 0; i < DS_MANIFEST_CHAIN_N_LOOKS; i++)
    {
      g_autoptr (GError) local_error = NULL;

      if (ds_manifest_chain_look (self, &local_error))
        return g_steal_pointer (&self);
      /* One that was listed is gone, or the list is half old and half new. */
      if (i + 1 == DS_MANIFEST_CHAIN_N_LOOKS ||
          !g_file_test (directory, G_FILE_TEST_IS_DIR) ||
          !(g_error_matches (local_error, DS_ERROR, DS_ERROR_NOT_FOUND) ||
            g_error_matches (local_error, DS_ERROR, DS_ERROR_CORRUPT)))
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return NULL;
        }
    }
  g_assert_not_reached ();
}
