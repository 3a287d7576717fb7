/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The manifests of one output, in a directory: `manifest-<batch ms, 20 digits>` for each
 * batch, in which every 100 become `compact-<batch ms of the newest>`; `lock`; `.tmp-*`
 * while something is written.
 *
 * Files of the chain, here called segments, follow each other by number and by hash, so
 * one that is missing, comes from elsewhere or was changed is an error.  Whether a batch
 * is committed is whether the chain has its manifest.
 *
 * For one thread at a time.  Another process may read while one writes. */

#include "base/ds-manifest-private.h"

G_BEGIN_DECLS

/* Manifests until they are put together. */
#define DS_MANIFEST_CHAIN_COMPACT 100

typedef struct _DsManifestChain DsManifestChain;

/* Makes the directory, takes its lock (%DS_ERROR_LOCKED) and removes what a killed
 * process left behind.  %DS_ERROR_CORRUPT names the file that is damaged or missing. */
DsManifestChain *ds_manifest_chain_open (const char *directory, GError **error);
/* Changes nothing and takes no lock. */
DsManifestChain *ds_manifest_chain_open_to_read (const char *directory, GError **error);
void ds_manifest_chain_close (DsManifestChain *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsManifestChain, ds_manifest_chain_close)

const char *ds_manifest_chain_get_directory (DsManifestChain *self);
/* (nullable): nothing is committed; valid until the next one is appended. */
const DsManifest *ds_manifest_chain_get_newest (DsManifestChain *self);
guint64 ds_manifest_chain_get_length (DsManifestChain *self);
/* The highest batch time committed; G_MININT64: none. */
gint64 ds_manifest_chain_get_highest (DsManifestChain *self);
/* *@found (transfer full): NULL when the batch is not committed. */
gboolean ds_manifest_chain_find (DsManifestChain *self,
                                 gint64 batch_ms,
                                 DsManifest **found,
                                 GError **error);
/* Commits.  @manifest (transfer full) gets its place in the chain.  After a failure it is
 * not there, and can be appended again. */
gboolean
ds_manifest_chain_append (DsManifestChain *self, DsManifest *manifest, GError **error);

typedef gboolean (*DsManifestFunc) (const DsManifest *manifest,
                                    gpointer user_data,
                                    GError **error);
/* In the order of commits, all of them read and checked. */
gboolean ds_manifest_chain_foreach (DsManifestChain *self,
                                    DsManifestFunc func,
                                    gpointer user_data,
                                    GError **error);

G_END_DECLS
