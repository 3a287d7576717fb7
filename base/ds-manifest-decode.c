/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Manifests from bytes that nobody can vouch for: hashes first, and then nothing is
 * believed all the same, since whoever can write to the directory can compute a hash.
 * Counts are held against the bytes that are left before memory is taken, and a name can
 * lead to no other place than below the output's directory. */

#include "base/ds-codec-head-private.h"
#include "base/ds-durable-bytes-private.h"
#include "base/ds-error.h"
#include "base/ds-manifest-private.h"

#include <string.h>
#include <xxhash.h>

/* The least that a file takes in a manifest: three heads, one character, the hash. */
#define DS_MANIFEST_MIN_FILE_BYTES 14

typedef struct
{
  const guint8 *bytes;
  gsize n_bytes;
  gsize at;
  const char *path;
} DsManifestReader;

static gboolean
ds_manifest_refuse (const char *path,
                    gsize offset,
                    const char *what,
                    DsError code,
                    GError **error)
{
  g_set_error (error, DS_ERROR, code,
               "The manifest \"%s\" %s at byte %" G_GSIZE_FORMAT
               ": %s; nothing was changed. Put the file back from a copy; without one, "
               "save to a new directory from now on",
               path, code == DS_ERROR_VERSION ? "cannot be read" : "is damaged", offset,
               what);
  return FALSE;
}

static gboolean
ds_manifest_reader_fail (DsManifestReader *self, const char *what, GError **error)
{
  return ds_manifest_refuse (self->path, DS_MANIFEST_HEAD_BYTES + self->at, what,
                             DS_ERROR_CORRUPT, error);
}

/* ---- The head ---- */

gboolean
ds_manifest_head_read (DsManifestHead *self,
                       const guint8 *bytes,
                       gsize n_bytes,
                       const char *path,
                       GError **error)
{
  if (n_bytes < DS_MANIFEST_HEAD_BYTES)
    return ds_manifest_refuse (path, n_bytes, "it ends within its header",
                               DS_ERROR_CORRUPT, error);
  if (memcmp (bytes,
              "\x89"
              "DSM\r\n\x1a\n",
              8) != 0)
    return ds_manifest_refuse (path, 0, "it does not begin as a manifest",
                               DS_ERROR_CORRUPT, error);
  if (ds_get_u64 (bytes + 96) != XXH3_64bits (bytes, 96))
    return ds_manifest_refuse (path, 96, "the hash of the header does not fit it",
                               DS_ERROR_CORRUPT, error);

  self->major = ds_get_u16 (bytes + 8);
  self->minor = ds_get_u16 (bytes + 10);
  if (self->major > DS_MANIFEST_MAJOR)
    return ds_manifest_refuse (path, 8,
                               "it was written by a newer version of the library, "
                               "which this one does not understand",
                               DS_ERROR_VERSION, error);
  if (ds_get_u32 (bytes + 12) != DS_MANIFEST_HEAD_BYTES)
    return ds_manifest_refuse (path, 12, "the header has not the length of this version",
                               DS_ERROR_CORRUPT, error);
  memcpy (self->application_id, bytes + 16, DS_APPLICATION_ID_BYTES);
  self->lowest_ms = (gint64) ds_get_u64 (bytes + 32);
  self->highest_ms = (gint64) ds_get_u64 (bytes + 40);
  self->first_number = ds_get_u64 (bytes + 48);
  self->n_manifests = ds_get_u32 (bytes + 56);
  self->previous = ds_get_u64 (bytes + 64);
  self->last = ds_get_u64 (bytes + 72);
  self->n_body_bytes = ds_get_u64 (bytes + 80);
  self->body_hash = ds_get_u64 (bytes + 88);
  if (self->n_manifests == 0 || self->lowest_ms > self->highest_ms ||
      self->first_number > G_MAXUINT64 - self->n_manifests)
    return ds_manifest_refuse (path, 32, "the header contradicts itself",
                               DS_ERROR_CORRUPT, error);
  return TRUE;
}

/* ---- The body ---- */

/* A value that is of @type and whole. */
static gboolean
ds_manifest_reader_take (DsManifestReader *self,
                         DsValueType type,
                         DsCodecHead *head,
                         GError **error)
{
  gsize n_left = self->n_bytes - self->at;

  if (ds_codec_read_head (self->bytes + self->at, n_left, head) != DS_CODEC_HEAD_FINE ||
      head->is_ext || head->type != type)
    return ds_manifest_reader_fail (self, "another value is expected here", error);
  if (head->n_bytes > n_left - head->n_head)
    return ds_manifest_reader_fail (self, "it ends within a value", error);
  self->at += head->n_head;
  return TRUE;
}

static gboolean
ds_manifest_reader_take_list (DsManifestReader *self, guint32 n_items, GError **error)
{
  DsCodecHead head;

  if (!ds_manifest_reader_take (self, DS_VALUE_TYPE_LIST, &head, error))
    return FALSE;
  return head.n_items == n_items ||
         ds_manifest_reader_fail (self, "a list has another length", error);
}

static gboolean
ds_manifest_reader_take_int (DsManifestReader *self, gint64 *integer, GError **error)
{
  DsCodecHead head;

  if (!ds_manifest_reader_take (self, DS_VALUE_TYPE_INT, &head, error))
    return FALSE;
  *integer = head.integer;
  return TRUE;
}

static gboolean
ds_manifest_reader_take_bytes (DsManifestReader *self,
                               guint8 *bytes,
                               gsize n_bytes,
                               GError **error)
{
  DsCodecHead head;

  if (!ds_manifest_reader_take (self, DS_VALUE_TYPE_BYTES, &head, error))
    return FALSE;
  if (head.n_bytes != n_bytes)
    return ds_manifest_reader_fail (self, "bytes have another length", error);
  memcpy (bytes, self->bytes + self->at, n_bytes);
  self->at += n_bytes;
  return TRUE;
}

static gboolean
ds_manifest_reader_take_hash (DsManifestReader *self, guint64 *hash, GError **error)
{
  guint8 bytes[8];

  if (!ds_manifest_reader_take_bytes (self, bytes, sizeof bytes, error))
    return FALSE;
  *hash = ds_codec_read_big_endian (bytes, sizeof bytes);
  return TRUE;
}

static gboolean
ds_manifest_reader_take_string (DsManifestReader *self, char **string, GError **error)
{
  const char *start;
  DsCodecHead head;

  if (!ds_manifest_reader_take (self, DS_VALUE_TYPE_STRING, &head, error))
    return FALSE;
  start = (const char *) self->bytes + self->at;
  if (head.n_bytes == 0 || memchr (start, '\0', head.n_bytes) != NULL)
    return ds_manifest_reader_fail (self, "a name is empty or has a NUL in it", error);
  *string = g_strndup (start, head.n_bytes);
  self->at += head.n_bytes;
  return TRUE;
}

/* "out-1000.txt" or "out-1000.txt/part-00000". */
static gboolean
ds_manifest_is_fine_name (const char *name)
{
  g_auto (GStrv) steps = g_strsplit (name, "/", 3);
  guint n_steps = g_strv_length (steps);

  for (guint i = 0; i < n_steps; i++)
    if (*steps[i] == '\0' || g_str_equal (steps[i], ".") || g_str_equal (steps[i], ".."))
      return FALSE;
  return n_steps <= 2;
}

static gboolean
ds_manifest_reader_take_file (DsManifestReader *self,
                              DsManifest *manifest,
                              GError **error)
{
  g_autofree char *name = NULL;
  gint64 n_bytes;
  guint64 hash;

  if (!ds_manifest_reader_take_list (self, 3, error) ||
      !ds_manifest_reader_take_string (self, &name, error) ||
      !ds_manifest_reader_take_int (self, &n_bytes, error) ||
      !ds_manifest_reader_take_hash (self, &hash, error))
    return FALSE;
  if (n_bytes < 0)
    return ds_manifest_reader_fail (self, "a size is below 0", error);
  if (!ds_manifest_is_fine_name (name))
    return ds_manifest_reader_fail (self, "a name leads out of the directory", error);
  ds_manifest_add_file (manifest, name, (guint64) n_bytes, hash);
  return TRUE;
}

/* NULL with error. */
static DsManifest *
ds_manifest_reader_take_manifest (DsManifestReader *self, GError **error)
{
  guint8 application_id[DS_APPLICATION_ID_BYTES];
  g_autoptr (DsManifest) manifest = NULL;
  g_autofree char *output_name = NULL;
  DsCodecHead head;
  gint64 batch_ms;

  if (!ds_manifest_reader_take_list (self, 5, error) ||
      !ds_manifest_reader_take_bytes (self, application_id, sizeof application_id,
                                      error) ||
      !ds_manifest_reader_take_string (self, &output_name, error) ||
      !ds_manifest_reader_take_int (self, &batch_ms, error))
    return NULL;

  manifest = ds_manifest_new (application_id, output_name, batch_ms);
  if (!ds_manifest_reader_take_hash (self, &manifest->previous, error) ||
      !ds_manifest_reader_take (self, DS_VALUE_TYPE_LIST, &head, error))
    return NULL;
  if (head.n_items > (self->n_bytes - self->at) / DS_MANIFEST_MIN_FILE_BYTES)
    {
      ds_manifest_reader_fail (self, "more files are announced than can follow", error);
      return NULL;
    }
  for (guint i = 0; i < head.n_items; i++)
    if (!ds_manifest_reader_take_file (self, manifest, error))
      return NULL;
  return g_steal_pointer (&manifest);
}

static gboolean
ds_manifest_reader_take_all (DsManifestReader *self,
                             const DsManifestHead *head,
                             GPtrArray *manifests,
                             GError **error)
{
  guint64 previous = head->previous;
  gint64 lowest = G_MAXINT64;
  gint64 highest = G_MININT64;

  for (guint i = 0; i < head->n_manifests; i++)
    {
      gsize start = self->at;
      DsManifest *manifest = ds_manifest_reader_take_manifest (self, error);

      if (manifest == NULL)
        return FALSE;
      g_ptr_array_add (manifests, manifest);
      if (manifest->previous != previous)
        return ds_manifest_reader_fail (self,
                                        "a manifest does not follow the one before it",
                                        error);
      previous = ds_manifest_hash (self->bytes + start, self->at - start);
      lowest = MIN (lowest, manifest->batch_ms);
      highest = MAX (highest, manifest->batch_ms);
    }
  if (self->at < self->n_bytes)
    return ds_manifest_reader_fail (self, "more follows than was announced", error);
  if (previous != head->last || lowest != head->lowest_ms || highest != head->highest_ms)
    return ds_manifest_reader_fail (self, "the header does not fit what it heads", error);
  return TRUE;
}

GPtrArray *
ds_manifests_decode (const guint8 *bytes,
                     gsize n_bytes,
                     DsManifestHead *head,
                     const char *path,
                     GError **error)
{
  g_autoptr (GPtrArray) manifests =
      g_ptr_array_new_with_free_func ((GDestroyNotify) ds_manifest_free);
  DsManifestReader reader = { .path = path };
  const DsManifest *newest;

  if (!ds_manifest_head_read (head, bytes, n_bytes, path, error))
    return NULL;
  reader.bytes = bytes + DS_MANIFEST_HEAD_BYTES;
  reader.n_bytes = n_bytes - DS_MANIFEST_HEAD_BYTES;
  if (head->n_body_bytes != reader.n_bytes)
    {
      ds_manifest_refuse (path, n_bytes, "it is longer or shorter than its header says",
                          DS_ERROR_CORRUPT, error);
      return NULL;
    }
  if (head->body_hash != XXH3_64bits (reader.bytes, reader.n_bytes))
    {
      ds_manifest_refuse (path, DS_MANIFEST_HEAD_BYTES,
                          "the hash of the body does not fit it", DS_ERROR_CORRUPT,
                          error);
      return NULL;
    }
  if (!ds_manifest_reader_take_all (&reader, head, manifests, error))
    return NULL;

  newest = g_ptr_array_index (manifests, manifests->len - 1);
  if (memcmp (newest->application_id, head->application_id, DS_APPLICATION_ID_BYTES) != 0)
    {
      ds_manifest_reader_fail (&reader, "the header names another application", error);
      return NULL;
    }
  return g_steal_pointer (&manifests);
}
