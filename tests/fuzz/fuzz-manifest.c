/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as a file of manifests: once as they are, and once as the body of a file
 * whose hashes are right, which anybody can compute (RELIABILITY 4.6).  Refused with an
 * error that names the file, or understood: then no name leads elsewhere, and encoded
 * again it is understood as the same. */

#include "base/ds-error.h"
#include "base/ds-manifest-private.h"
#include "tests/fuzz/ds-fuzz-private.h"

#include <string.h>

static void
check_manifest (const DsManifest *manifest)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GPtrArray) again = NULL;
  DsManifestHead head = { .major = DS_MANIFEST_MAJOR, .n_manifests = 1 };
  guint8 room[DS_MANIFEST_HEAD_BYTES] = { 0 };
  const DsManifest *same;

  for (guint i = 0; i < manifest->files->len; i++)
    {
      const char *name = g_array_index (manifest->files, DsManifestFile, i).name;

      g_assert_cmpint (name[0], !=, '/');
      g_assert_cmpint (name[0], !=, '\0');
      g_assert_false (g_str_equal (name, "..") || g_str_has_prefix (name, "../") ||
                      g_str_has_suffix (name, "/.."));
    }

  g_byte_array_append (bytes, room, sizeof room);
  ds_manifest_encode (manifest, bytes);
  head.lowest_ms = head.highest_ms = manifest->batch_ms;
  head.previous = manifest->previous;
  head.n_body_bytes = bytes->len - sizeof room;
  head.body_hash = ds_manifest_hash (bytes->data + sizeof room, head.n_body_bytes);
  head.last = head.body_hash;
  memcpy (head.application_id, manifest->application_id, DS_APPLICATION_ID_BYTES);
  ds_manifest_head_write (&head, bytes->data);
  again = ds_manifests_decode (bytes->data, bytes->len, &head, "again", NULL);
  g_assert_nonnull (again);
  same = g_ptr_array_index (again, 0);
  g_assert_cmpstr (same->output_name, ==, manifest->output_name);
  g_assert_cmpuint (same->files->len, ==, manifest->files->len);
}

static void
check_file (const guint8 *bytes, gsize n_bytes)
{
  g_autoptr (GPtrArray) manifests = NULL;
  g_autoptr (GError) error = NULL;
  DsManifestHead head;

  manifests = ds_manifests_decode (bytes, n_bytes, &head, "a-manifest", &error);
  g_assert_true ((manifests == NULL) == (error != NULL));
  if (manifests == NULL)
    {
      g_assert_cmpint (error->domain, ==, DS_ERROR);
      g_assert_nonnull (strstr (error->message, "a-manifest"));
      return;
    }
  g_assert_cmpuint (manifests->len, ==, head.n_manifests);
  for (guint i = 0; i < manifests->len; i++)
    check_manifest (g_ptr_array_index (manifests, i));
}

int
LLVMFuzzerTestOneInput (const guint8 *bytes, gsize n_bytes)
{
  /* "application-----", "o", 1000 ms: what most inputs are changes of. */
  DsManifestHead head = {
    .major = DS_MANIFEST_MAJOR,
    .lowest_ms = 1000,
    .highest_ms = 1000,
    .n_manifests = 1,
    .last = ds_manifest_hash (bytes, n_bytes),
    .n_body_bytes = n_bytes,
    .body_hash = ds_manifest_hash (bytes, n_bytes),
  };
  g_autofree guint8 *file = g_malloc (DS_MANIFEST_HEAD_BYTES + n_bytes);

  check_file (bytes, n_bytes);
  memcpy (head.application_id, "application-----", DS_APPLICATION_ID_BYTES);
  ds_manifest_head_write (&head, file);
  if (n_bytes > 0)
    memcpy (file + DS_MANIFEST_HEAD_BYTES, bytes, n_bytes);
  check_file (file, DS_MANIFEST_HEAD_BYTES + n_bytes);
  return 0;
}
