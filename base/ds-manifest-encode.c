/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Manifests as bytes, each in one way only: a manifest that is moved into another file,
 * or written again after a crash, has the same hash. */

#include "base/ds-codec-private.h"
#include "base/ds-durable-bytes-private.h"
#include "base/ds-manifest-private.h"

#include <string.h>
#include <xxhash.h>

/* Values of a file in a manifest: the list and what is in it. */
#define DS_MANIFEST_N_VALUES 3

static void
ds_manifest_file_clear (gpointer file)
{
  g_free (((DsManifestFile *) file)->name);
}

DsManifest *
ds_manifest_new (const guint8 *application_id, const char *output_name, gint64 batch_ms)
{
  DsManifest *self = g_new0 (DsManifest, 1);

  memcpy (self->application_id, application_id, sizeof self->application_id);
  self->output_name = g_strdup (output_name);
  self->batch_ms = batch_ms;
  self->files = g_array_new (FALSE, FALSE, sizeof (DsManifestFile));
  g_array_set_clear_func (self->files, ds_manifest_file_clear);
  return self;
}

void
ds_manifest_free (DsManifest *self)
{
  g_free (self->output_name);
  g_array_unref (self->files);
  g_free (self);
}

void
ds_manifest_add_file (DsManifest *self, const char *name, guint64 n_bytes, guint64 hash)
{
  const DsManifestFile file = { g_strdup (name), n_bytes, hash };

  g_array_append_val (self->files, file);
}

void
ds_manifest_encode (const DsManifest *self, GByteArray *bytes)
{
  guint n_files = self->files->len;
  g_autofree DsValue *files = g_new (DsValue, n_files + 1);
  g_autofree DsValue *parts = g_new (DsValue, n_files * DS_MANIFEST_N_VALUES + 1);
  g_autofree guint64 *hashes = g_new (guint64, n_files + 1);
  guint64 previous = GUINT64_TO_BE (self->previous);
  DsValue items[5];

  for (guint i = 0; i < n_files; i++)
    {
      const DsManifestFile *file = &g_array_index (self->files, DsManifestFile, i);
      DsValue *part = parts + i * DS_MANIFEST_N_VALUES;

      hashes[i] = GUINT64_TO_BE (file->hash);
      part[0] = ds_value_string (file->name);
      part[1] = ds_value_int ((gint64) file->n_bytes);
      part[2] = ds_value_bytes (&hashes[i], sizeof hashes[i]);
      files[i] = ds_value_list (part, DS_MANIFEST_N_VALUES);
    }
  items[0] = ds_value_bytes (self->application_id, sizeof self->application_id);
  items[1] = ds_value_string (self->output_name);
  items[2] = ds_value_int (self->batch_ms);
  items[3] = ds_value_bytes (&previous, sizeof previous);
  items[4] = ds_value_list (files, n_files);
  ds_codec_encode (ds_value_list (items, G_N_ELEMENTS (items)), bytes);
}

guint64
ds_manifest_hash (const guint8 *bytes, gsize n_bytes)
{
  return XXH3_64bits (bytes, n_bytes);
}

void
ds_manifest_head_write (const DsManifestHead *self, guint8 bytes[DS_MANIFEST_HEAD_BYTES])
{
  memcpy (bytes,
          "\x89"
          "DSM\r\n\x1a\n",
          8);
  ds_put_u16 (bytes + 8, self->major);
  ds_put_u16 (bytes + 10, self->minor);
  ds_put_u32 (bytes + 12, DS_MANIFEST_HEAD_BYTES);
  memcpy (bytes + 16, self->application_id, DS_APPLICATION_ID_BYTES);
  ds_put_u64 (bytes + 32, (guint64) self->lowest_ms);
  ds_put_u64 (bytes + 40, (guint64) self->highest_ms);
  ds_put_u64 (bytes + 48, self->first_number);
  ds_put_u32 (bytes + 56, self->n_manifests);
  ds_put_u32 (bytes + 60, 0);
  ds_put_u64 (bytes + 64, self->previous);
  ds_put_u64 (bytes + 72, self->last);
  ds_put_u64 (bytes + 80, self->n_body_bytes);
  ds_put_u64 (bytes + 88, self->body_hash);
  ds_put_u64 (bytes + 96, XXH3_64bits (bytes, 96));
}
