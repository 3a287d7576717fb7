/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Manifests as bytes: one encoding, and nothing damaged is believed. */

#include "base/ds-error.h"
#include "base/ds-manifest-private.h"

#include <string.h>

static const guint8 application[DS_APPLICATION_ID_BYTES] = "0123456789abcde";

static DsManifest *
make_manifest (gint64 batch_ms, guint64 previous)
{
  DsManifest *manifest = ds_manifest_new (application, "out", batch_ms);

  manifest->previous = previous;
  ds_manifest_add_file (manifest, "o-1/part-00000", 7, 0x0102030405060708);
  return manifest;
}

/* A whole file of one manifest. */
static GByteArray *
make_file (const DsManifest *manifest, DsManifestHead *head)
{
  GByteArray *file = g_byte_array_new ();
  guint8 room[DS_MANIFEST_HEAD_BYTES] = { 0 };
  gsize n_body;

  g_byte_array_append (file, room, sizeof room);
  ds_manifest_encode (manifest, file);
  n_body = file->len - sizeof room;
  *head = (DsManifestHead){
    .major = DS_MANIFEST_MAJOR,
    .lowest_ms = manifest->batch_ms,
    .highest_ms = manifest->batch_ms,
    .n_manifests = 1,
    .previous = manifest->previous,
    .last = ds_manifest_hash (file->data + sizeof room, n_body),
    .n_body_bytes = n_body,
    .body_hash = ds_manifest_hash (file->data + sizeof room, n_body),
  };
  memcpy (head->application_id, manifest->application_id, DS_APPLICATION_ID_BYTES);
  ds_manifest_head_write (head, file->data);
  return file;
}

static void
test_encoding_is_fixed (void)
{
  static const guint8 expected[] = {
    0x95,                                               /* five */
    0xc4, 16,   '0',  '1', '2', '3', '4', '5', '6',     /* application */
    '7',  '8',  '9',  'a', 'b', 'c', 'd', 'e', 0,       /**/
    0xa3, 'o',  'u',  't',                              /* output */
    0xcd, 0x03, 0xe8,                                   /* 1000 ms */
    0xc4, 8,    0,    0,   0,   0,   0,   0,   0,   42, /* before */
    0x91, 0x93,                                         /* one file of three */
    0xae, 'o',  '-',  '1', '/', 'p', 'a', 'r', 't',     /* name */
    '-',  '0',  '0',  '0', '0', '0', 7,                 /* bytes */
    0xc4, 8,    1,    2,   3,   4,   5,   6,   7,   8,  /* hash */
  };
  g_autoptr (DsManifest) manifest = make_manifest (1000, 42);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  g_test_summary ("A manifest is one msgpack array, byte by byte as documented");

  ds_manifest_encode (manifest, bytes);
  g_assert_cmpmem (bytes->data, bytes->len, expected, sizeof expected);
}

static void
test_read_back (void)
{
  g_autoptr (DsManifest) manifest = make_manifest (1000, 42);
  g_autoptr (GPtrArray) manifests = NULL;
  g_autoptr (GError) error = NULL;
  const DsManifest *read;
  const DsManifestFile *file;
  DsManifestHead written;
  DsManifestHead head;
  g_autoptr (GByteArray) bytes = NULL;

  g_test_summary ("What was written is read");

  ds_manifest_add_file (manifest, "o-1/part-00001", G_MAXINT64, G_MAXUINT64);
  bytes = make_file (manifest, &written);
  manifests = ds_manifests_decode (bytes->data, bytes->len, &head, "m", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (manifests->len, ==, 1);
  read = g_ptr_array_index (manifests, 0);
  g_assert_cmpmem (read->application_id, DS_APPLICATION_ID_BYTES, application,
                   DS_APPLICATION_ID_BYTES);
  g_assert_cmpstr (read->output_name, ==, "out");
  g_assert_cmpint (read->batch_ms, ==, 1000);
  g_assert_cmpuint (read->previous, ==, 42);
  g_assert_cmpuint (read->files->len, ==, 2);
  file = &g_array_index (read->files, DsManifestFile, 1);
  g_assert_cmpstr (file->name, ==, "o-1/part-00001");
  g_assert_true (file->n_bytes == G_MAXINT64 && file->hash == G_MAXUINT64);
  g_assert_cmpuint (head.last, ==, written.last);
}

static void
assert_refused (const guint8 *bytes, gsize n_bytes)
{
  g_autoptr (GPtrArray) manifests = NULL;
  g_autoptr (GError) error = NULL;
  DsManifestHead head;

  manifests = ds_manifests_decode (bytes, n_bytes, &head, "the-manifest", &error);
  g_assert_null (manifests);
  g_assert_nonnull (error);
  g_assert_cmpint (error->domain, ==, DS_ERROR);
  g_assert_nonnull (strstr (error->message, "the-manifest"));
}

static void
test_every_damage_is_seen (void)
{
  static const guint8 changes[] = { 0x01, 0x80, 0xff, 0x20 };
  g_autoptr (DsManifest) manifest = make_manifest (1000, 0);
  DsManifestHead head;
  g_autoptr (GByteArray) bytes = make_file (manifest, &head);

  g_test_summary ("Each byte flipped, each length cut, and what is too long are errors");

  for (guint i = 0; i < bytes->len; i++)
    for (guint k = 0; k < G_N_ELEMENTS (changes); k++)
      {
        bytes->data[i] ^= changes[k];
        assert_refused (bytes->data, bytes->len);
        bytes->data[i] ^= changes[k];
      }
  for (guint n = 0; n < bytes->len; n++)
    assert_refused (bytes->data, n);
  g_byte_array_append (bytes, (const guint8 *) "", 1);
  assert_refused (bytes->data, bytes->len);
}

/* Bytes whose hashes are right. */
static void
assert_body_is_refused (GByteArray *body, const char *reason)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GPtrArray) manifests = NULL;
  g_autoptr (GError) error = NULL;
  guint8 room[DS_MANIFEST_HEAD_BYTES];
  DsManifestHead head = {
    .major = DS_MANIFEST_MAJOR,
    .lowest_ms = 1000,
    .highest_ms = 1000,
    .n_manifests = 1,
    .last = ds_manifest_hash (body->data, body->len),
    .n_body_bytes = body->len,
    .body_hash = ds_manifest_hash (body->data, body->len),
  };

  memcpy (head.application_id, application, DS_APPLICATION_ID_BYTES);
  ds_manifest_head_write (&head, room);
  g_byte_array_append (bytes, room, sizeof room);
  g_byte_array_append (bytes, body->data, body->len);
  manifests = ds_manifests_decode (bytes->data, bytes->len, &head, "m", &error);
  g_assert_null (manifests);
  g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, reason));
}

static void
test_hashes_are_not_trusted (void)
{
  static const char *const names[] = {
    "../x", "/etc/passwd", "a/../b", "a/b/c", "a//b", ".", "..", "a/", "a/.",
  };
  static const guint8 many[] = { 0xdd, 0xff, 0xff, 0xff, 0xff };
  g_autoptr (DsManifest) fine = make_manifest (1000, 0);
  g_autoptr (GByteArray) body = g_byte_array_new ();

  g_test_summary ("Names that lead elsewhere, and counts without bytes, are refused");

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (DsManifest) manifest = ds_manifest_new (application, "out", 1000);

      ds_manifest_add_file (manifest, names[i], 1, 2);
      g_byte_array_set_size (body, 0);
      ds_manifest_encode (manifest, body);
      assert_body_is_refused (body, "leads out of the directory");
    }

  g_array_set_size (fine->files, 0);
  g_byte_array_set_size (body, 0);
  ds_manifest_encode (fine, body);
  g_byte_array_set_size (body, body->len - 1); /* no files */
  g_byte_array_append (body, many, sizeof many);
  assert_body_is_refused (body, "more files are announced");
}

static void
test_newer_version_is_refused (void)
{
  g_autoptr (DsManifest) manifest = make_manifest (1000, 0);
  DsManifestHead head;
  g_autoptr (GByteArray) bytes = make_file (manifest, &head);
  g_autoptr (GError) error = NULL;

  g_test_summary ("A newer major version is an error of its own");

  head.major = DS_MANIFEST_MAJOR + 1;
  ds_manifest_head_write (&head, bytes->data);
  g_assert_null (ds_manifests_decode (bytes->data, bytes->len, &head, "m", &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_VERSION);
  g_clear_error (&error);

  head.major = DS_MANIFEST_MAJOR;
  head.minor = 9;
  ds_manifest_head_write (&head, bytes->data);
  g_ptr_array_unref (ds_manifests_decode (bytes->data, bytes->len, &head, "m", &error));
  g_assert_no_error (error);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add_func ("/base/manifest/" name, func)
  ADD ("encoding-is-fixed", test_encoding_is_fixed);
  ADD ("read-back", test_read_back);
  ADD ("every-damage-is-seen", test_every_damage_is_seen);
  ADD ("hashes-are-not-trusted", test_hashes_are_not_trusted);
  ADD ("newer-version-is-refused", test_newer_version_is_refused);
#undef ADD
  return g_test_run ();
}
