/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an output has committed: for each batch a manifest, a list of its files with sizes
 * and hashes.  Here it is bytes only; where they lie is the matter of
 * ds-manifest-chain-private.h.
 *
 * A manifest names the hash of the one before it, so that none can be missing, and is
 * encoded in one way only, so that it can be moved into another file as it is.  A file
 * holds one manifest, or a run of them, little-endian:
 *
 *     0  8    magic 89 44 53 4D 0D 0A 1A 0A ("\x89DSM", CRLF, ^Z, LF)
 *     8  2+2  major (a newer one is refused), minor
 *    12  4    length of this header, 104
 *    16  16   application of the newest manifest
 *    32  8+8  lowest and highest batch time, ms, signed
 *    48  8    number of the first manifest: they are counted 0, 1, 2 ...
 *    56  4+4  how many there are, flags (0)
 *    64  8+8  hash of the manifest before the first, and of the last
 *    80  8+8  length and XXH3-64 of the body
 *    96  8    XXH3-64 of bytes 0 to 95
 *   104       body: manifests, one behind the other, each the msgpack array
 *             [application (bin 16), output (str), batch time in ms (int),
 *              hash of the manifest before (bin 8), [[name (str), size (int),
 *              XXH3-64 (bin 8)], ...]]
 *
 * Hashes within are big-endian, as XXH3 is printed.  The hash of a manifest is the
 * XXH3-64 of its array; before the first one it is 0. */

#include "base/ds-durable-directory-private.h"

G_BEGIN_DECLS

#define DS_MANIFEST_HEAD_BYTES 104
#define DS_MANIFEST_MAJOR 1
/* Of a file of them. */
#define DS_MANIFEST_MAX_BYTES (256 * 1024 * 1024)

typedef struct
{
  char *name; /* from the directory of the output: "out-1000/part-00000" */
  guint64 n_bytes;
  guint64 hash;
} DsManifestFile;

typedef struct
{
  guint8 application_id[DS_APPLICATION_ID_BYTES];
  char *output_name;
  gint64 batch_ms;
  guint64 previous; /* hash of the manifest before */
  GArray *files;    /* DsManifestFile */
} DsManifest;

typedef struct
{
  guint16 major;
  guint16 minor;
  guint8 application_id[DS_APPLICATION_ID_BYTES];
  gint64 lowest_ms;
  gint64 highest_ms;
  guint64 first_number;
  guint32 n_manifests;
  guint64 previous;
  guint64 last;
  guint64 n_body_bytes;
  guint64 body_hash;
} DsManifestHead;

DsManifest *
ds_manifest_new (const guint8 *application_id, const char *output_name, gint64 batch_ms);
void ds_manifest_free (DsManifest *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsManifest, ds_manifest_free)
void
ds_manifest_add_file (DsManifest *self, const char *name, guint64 n_bytes, guint64 hash);

/* ---- ds-manifest-encode.c ---- */

/* Appended. */
void ds_manifest_encode (const DsManifest *self, GByteArray *bytes);
guint64 ds_manifest_hash (const guint8 *bytes, gsize n_bytes);
void ds_manifest_head_write (const DsManifestHead *self,
                             guint8 bytes[DS_MANIFEST_HEAD_BYTES]);

/* ---- ds-manifest-decode.c: any bytes are fine; @path is for the error ---- */

/* %DS_ERROR_CORRUPT, %DS_ERROR_VERSION. */
gboolean ds_manifest_head_read (DsManifestHead *self,
                                const guint8 *bytes,
                                gsize n_bytes,
                                const char *path,
                                GError **error);
/* Everything is checked: both hashes, each name, the chain within.  (transfer full) array
 * of DsManifest, in the order of the chain; NULL with error. */
GPtrArray *ds_manifests_decode (const guint8 *bytes,
                                gsize n_bytes,
                                DsManifestHead *head,
                                const char *path,
                                GError **error);

G_END_DECLS
