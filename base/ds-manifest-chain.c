/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The chain of manifests while it is open: looking one up, and appending one, which is
 * what commits a batch: temp, fsync, rename, fsync of the directory (RELIABILITY 4.6). */

#include "base/ds-durable-file-private.h"
#include "base/ds-error.h"
#include "base/ds-failpoint-private.h"
#include "base/ds-manifest-chain-core-private.h"
#include "base/ds-planted-fault-private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void
ds_manifest_segment_free (DsManifestSegment *self)
{
  g_free (self->path);
  g_free (self);
}

void
ds_manifest_chain_close (DsManifestChain *self)
{
  if (self->lock_fd >= 0)
    close (self->lock_fd);
  g_clear_pointer (&self->newest, ds_manifest_free);
  g_ptr_array_unref (self->segments);
  g_free (self->doubtful_path);
  g_free (self->directory);
  g_free (self);
}

const char *
ds_manifest_chain_get_directory (DsManifestChain *self)
{
  return self->directory;
}

const DsManifest *
ds_manifest_chain_get_newest (DsManifestChain *self)
{
  return self->newest;
}

DsManifestSegment *
ds_manifest_chain_get_last_segment (DsManifestChain *self)
{
  return self->segments->len > 0
             ? g_ptr_array_index (self->segments, self->segments->len - 1)
             : NULL;
}

guint64
ds_manifest_chain_get_length (DsManifestChain *self)
{
  const DsManifestSegment *last = ds_manifest_chain_get_last_segment (self);

  return last != NULL ? last->head.first_number + last->head.n_manifests : 0;
}

gint64
ds_manifest_chain_get_highest (DsManifestChain *self)
{
  gint64 highest = G_MININT64;

  for (guint i = 0; i < self->segments->len; i++)
    {
      const DsManifestSegment *segment = g_ptr_array_index (self->segments, i);

      highest = MAX (highest, segment->head.highest_ms);
    }
  return highest;
}

char *
ds_manifest_chain_make_path (DsManifestChain *self, const char *kind, gint64 ms)
{
  return g_strdup_printf ("%s/%s-%020" G_GINT64_FORMAT, self->directory, kind, ms);
}

/* ---- Reading ---- */

GPtrArray *
ds_manifest_segment_load (const DsManifestSegment *self, GByteArray *body, GError **error)
{
  g_autofree guint8 *bytes = NULL;
  DsManifestHead head;
  GPtrArray *manifests;
  gsize n_bytes;

  if (!ds_durable_file_read (self->path, DS_MANIFEST_MAX_BYTES, &bytes, &n_bytes, error))
    return NULL;
  manifests = ds_manifests_decode (bytes, n_bytes, &head, self->path, error);
  if (manifests != NULL && head.last != self->head.last)
    {
      g_ptr_array_unref (manifests);
      g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
                   "The manifest \"%s\" was changed by somebody else while it was in "
                   "use; stop whatever works in that directory, then start again",
                   self->path);
      return NULL;
    }
  if (manifests != NULL && body != NULL)
    g_byte_array_append (body, bytes + DS_MANIFEST_HEAD_BYTES,
                         (guint) (n_bytes - DS_MANIFEST_HEAD_BYTES));
  return manifests;
}

gboolean
ds_manifest_chain_find (DsManifestChain *self,
                        gint64 batch_ms,
                        DsManifest **found,
                        GError **error)
{
  *found = NULL;
  /* The newest are asked for most. */
  for (guint i = self->segments->len; i > 0; i--)
    {
      const DsManifestSegment *segment = g_ptr_array_index (self->segments, i - 1);
      g_autoptr (GPtrArray) manifests = NULL;

      if (batch_ms < segment->head.lowest_ms || batch_ms > segment->head.highest_ms)
        continue;
      manifests = ds_manifest_segment_load (segment, NULL, error);
      if (manifests == NULL)
        return FALSE;
      for (guint k = 0; k < manifests->len; k++)
        if (((DsManifest *) g_ptr_array_index (manifests, k))->batch_ms == batch_ms)
          {
            *found = g_ptr_array_steal_index (manifests, k);
            return TRUE;
          }
    }
  return TRUE;
}

gboolean
ds_manifest_chain_foreach (DsManifestChain *self,
                           DsManifestFunc func,
                           gpointer user_data,
                           GError **error)
{
  for (guint i = 0; i < self->segments->len; i++)
    {
      g_autoptr (GPtrArray) manifests =
          ds_manifest_segment_load (g_ptr_array_index (self->segments, i), NULL, error);

      if (manifests == NULL)
        return FALSE;
      for (guint k = 0; k < manifests->len; k++)
        if (!func (g_ptr_array_index (manifests, k), user_data, error))
          return FALSE;
    }
  return TRUE;
}

/* ---- Writing ---- */

static gboolean
ds_manifest_write (const char *path,
                   const DsManifestHead *head,
                   const GByteArray *body,
                   GError **error)
{
  guint8 bytes[DS_MANIFEST_HEAD_BYTES];
  int fd;

  ds_manifest_head_write (head, bytes);
  fd = ds_durable_file_create (path, error);
  if (fd < 0)
    return FALSE;
  if (ds_durable_file_write (fd, path, bytes, sizeof bytes, error) &&
      ds_durable_file_write (fd, path, body->data, body->len, error) &&
      !DS_PLANTED ("manifest-no-sync"))
    return ds_durable_file_sync_and_close (fd, path, error);
  return close (fd) == 0 && DS_PLANTED ("manifest-no-sync");
}

/* A file server may have done what it did not answer to any more.  What is next is to be
 * the only one of its number. */
static gboolean
ds_manifest_chain_remove_doubtful (DsManifestChain *self, GError **error)
{
  if (self->doubtful_path == NULL)
    return TRUE;
  if (!ds_durable_file_remove (self->doubtful_path, error) ||
      !ds_durable_directory_sync (self->directory, error))
    return FALSE;
  g_clear_pointer (&self->doubtful_path, g_free);
  return TRUE;
}

static gboolean
ds_manifest_chain_rename (DsManifestChain *self,
                          const char *from,
                          const char *to,
                          GError **error)
{
  if (ds_durable_file_rename (from, to, error))
    return TRUE;
  self->doubtful_path = g_strdup (to);
  return FALSE;
}

gboolean
ds_manifest_chain_store (DsManifestChain *self,
                         const char *path,
                         const DsManifestHead *head,
                         const GByteArray *body,
                         GError **error)
{
  g_autofree char *basename = g_path_get_basename (path);
  g_autofree char *temporary = g_strdup_printf ("%s/.tmp-%s", self->directory, basename);
  g_autofree char *lock = g_build_filename (self->directory, "lock", NULL);

  if (body->len > DS_MANIFEST_MAX_BYTES - DS_MANIFEST_HEAD_BYTES)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_LIMIT,
                   "The manifest \"%s\" would have %u bytes, more than the %d that are "
                   "read; save with fewer partitions",
                   path, body->len, DS_MANIFEST_MAX_BYTES);
      return FALSE;
    }
  if (access (lock, F_OK) < 0)
    {
      ds_set_error_from_errno (error, errno, "Looking for the lock of this process",
                               lock);
      return FALSE;
    }
  if (!ds_manifest_chain_remove_doubtful (self, error))
    return FALSE;
  if (g_file_test (path, G_FILE_TEST_EXISTS) ||
      g_file_test (path, G_FILE_TEST_IS_SYMLINK))
    {
      ds_set_error_from_errno (error, EEXIST, "Writing manifest", path);
      return FALSE;
    }

  if (!ds_durable_file_remove (temporary, error))
    return FALSE;
  if (!ds_manifest_write (temporary, head, body, error) ||
      !ds_manifest_chain_rename (self, temporary, path, error))
    {
      ds_durable_file_remove (temporary, NULL);
      return FALSE;
    }
  DS_FP ("manifest.renamed");
  if (ds_durable_directory_sync (self->directory, error))
    return TRUE;

  /* Nobody may take for committed what could be gone after a power cut. */
  self->is_broken = !ds_durable_file_remove (path, NULL);
  return FALSE;
}

static DsManifestSegment *
ds_manifest_chain_make_segment (DsManifestChain *self,
                                DsManifest *manifest,
                                GByteArray *body)
{
  const DsManifestSegment *last = ds_manifest_chain_get_last_segment (self);
  DsManifestSegment *segment = g_new0 (DsManifestSegment, 1);

  manifest->previous = last != NULL ? last->head.last : 0;
  ds_manifest_encode (manifest, body);
  segment->path = ds_manifest_chain_make_path (self, "manifest", manifest->batch_ms);
  segment->head = (DsManifestHead){
    .major = DS_MANIFEST_MAJOR,
    .lowest_ms = manifest->batch_ms,
    .highest_ms = manifest->batch_ms,
    .first_number = ds_manifest_chain_get_length (self),
    .n_manifests = 1,
    .previous = manifest->previous,
    .last = ds_manifest_hash (body->data, body->len),
    .n_body_bytes = body->len,
    .body_hash = ds_manifest_hash (body->data, body->len),
  };
  memcpy (segment->head.application_id, manifest->application_id,
          DS_APPLICATION_ID_BYTES);
  return segment;
}

gboolean
ds_manifest_chain_append (DsManifestChain *self, DsManifest *manifest, GError **error)
{
  g_autoptr (DsManifest) owned = manifest;
  g_autoptr (GByteArray) body = g_byte_array_new ();
  g_autoptr (GError) local_error = NULL;
  DsManifestSegment *segment;

  g_assert (self->lock_fd >= 0);
  if (self->is_broken)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_FSYNC_FAILED,
                   "Nothing more is committed in \"%s\", which could not be synced "
                   "before; look at the disk, then start again",
                   self->directory);
      return FALSE;
    }
  if (manifest->batch_ms < 0)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                   "The batch of %" G_GINT64_FORMAT
                   " ms cannot be committed in \"%s\": it is before 1970; set the clock",
                   manifest->batch_ms, self->directory);
      return FALSE;
    }

  segment = ds_manifest_chain_make_segment (self, manifest, body);
  if (!ds_manifest_chain_store (self, segment->path, &segment->head, body, error))
    {
      ds_manifest_segment_free (segment);
      return FALSE;
    }
  g_ptr_array_add (self->segments, segment);
  g_clear_pointer (&self->newest, ds_manifest_free);
  self->newest = g_steal_pointer (&owned);

  /* The batch is committed whatever becomes of this. */
  if (!ds_manifest_chain_compact (self, &local_error))
    g_message ("The manifests in \"%s\" stay as they are, as single files: %s",
               self->directory, local_error->message);
  return TRUE;
}
