/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What ds-manifest-chain.c, -open.c and -compact.c share. */

#include "base/ds-manifest-chain-private.h"

G_BEGIN_DECLS

typedef struct
{
  char *path;
  gboolean is_compact;
  DsManifestHead head;
} DsManifestSegment;

struct _DsManifestChain
{
  char *directory;
  int lock_fd;         /* -1: only reads */
  GPtrArray *segments; /* DsManifestSegment, in the order of the chain */
  DsManifest *newest;  /* (nullable) */
  gboolean is_broken;  /* what is on disk is no longer known */
  char *doubtful_path; /* (nullable): its rename failed, and may have come to pass */
};

void ds_manifest_segment_free (DsManifestSegment *self);
/* (nullable) */
DsManifestSegment *ds_manifest_chain_get_last_segment (DsManifestChain *self);
/* All of a segment, checked.  @bytes: (nullable) (out) (transfer full): the file itself
 */
GPtrArray *ds_manifest_segment_load (const DsManifestSegment *self,
                                     GByteArray *body,
                                     GError **error);
/* One file, whole and durable under its name, or not there. */
gboolean ds_manifest_chain_store (DsManifestChain *self,
                                  const char *path,
                                  const DsManifestHead *head,
                                  const GByteArray *body,
                                  GError **error);
/* "<directory>/manifest-<ms>" */
char *ds_manifest_chain_make_path (DsManifestChain *self, const char *kind, gint64 ms);
/* ds-manifest-chain-compact.c: when it is time.  Nothing is lost when it fails. */
gboolean ds_manifest_chain_compact (DsManifestChain *self, GError **error);

G_END_DECLS
