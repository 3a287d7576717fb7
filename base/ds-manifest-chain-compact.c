/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every 100 manifests become one file, which takes in the files before it as long as they
 * are no larger than itself: so there are few files, each manifest is copied only as
 * often as the chain doubles, and no file grows beyond a few MiB.  (Spark's file sink
 * writes all it ever wrote again and again, SPARK-24295.)
 *
 * The new file is durable before the first of the old ones goes; who reads in between
 * finds both, and knows by their numbers that they say the same. */

#include "base/ds-durable-file-private.h"
#include "base/ds-manifest-chain-core-private.h"

/* Of one compacted file, unless its first hundred have more. */
#define DS_MANIFEST_COMPACT_BYTES (4 * 1024 * 1024)

static guint
ds_manifest_chain_count_singles (DsManifestChain *self)
{
  guint n = 0;

  while (n < self->segments->len &&
         !((DsManifestSegment *) g_ptr_array_index (self->segments,
                                                    self->segments->len - n - 1))
              ->is_compact)
    n++;
  return n;
}

/* The index of the first segment that the next compacted file is made of. */
static guint
ds_manifest_chain_choose (DsManifestChain *self, guint n_singles)
{
  guint first = self->segments->len - n_singles;
  guint64 n_manifests = n_singles;
  guint64 n_bytes = 0;

  for (guint i = first; i < self->segments->len; i++)
    n_bytes +=
        ((DsManifestSegment *) g_ptr_array_index (self->segments, i))->head.n_body_bytes;
  while (first > 0)
    {
      const DsManifestHead *before =
          &((DsManifestSegment *) g_ptr_array_index (self->segments, first - 1))->head;

      if (before->n_manifests > n_manifests ||
          before->n_body_bytes + n_bytes > DS_MANIFEST_COMPACT_BYTES)
        break;
      n_manifests += before->n_manifests;
      n_bytes += before->n_body_bytes;
      first--;
    }
  return first;
}

/* NULL with error. */
static DsManifestSegment *
ds_manifest_chain_put_together (DsManifestChain *self,
                                guint first,
                                GByteArray *body,
                                GError **error)
{
  const DsManifestSegment *oldest = g_ptr_array_index (self->segments, first);
  const DsManifestSegment *newest = ds_manifest_chain_get_last_segment (self);
  DsManifestHead head = newest->head;
  DsManifestSegment *segment;

  head.first_number = oldest->head.first_number;
  head.previous = oldest->head.previous;
  head.n_manifests = 0;
  for (guint i = first; i < self->segments->len; i++)
    {
      const DsManifestSegment *part = g_ptr_array_index (self->segments, i);
      /* What is damaged must not get a new hash. */
      g_autoptr (GPtrArray) manifests = ds_manifest_segment_load (part, body, error);

      if (manifests == NULL)
        return NULL;
      head.n_manifests += part->head.n_manifests;
      head.lowest_ms = MIN (head.lowest_ms, part->head.lowest_ms);
      head.highest_ms = MAX (head.highest_ms, part->head.highest_ms);
    }
  head.n_body_bytes = body->len;
  head.body_hash = ds_manifest_hash (body->data, body->len);

  segment = g_new0 (DsManifestSegment, 1);
  segment->path = ds_manifest_chain_make_path (self, "compact", self->newest->batch_ms);
  segment->is_compact = TRUE;
  segment->head = head;
  return segment;
}

gboolean
ds_manifest_chain_compact (DsManifestChain *self, GError **error)
{
  guint n_singles = ds_manifest_chain_count_singles (self);
  guint first = ds_manifest_chain_choose (self, n_singles);
  g_autoptr (GByteArray) body = NULL;
  DsManifestSegment *segment;

  /* After a failure the next hundred are waited for. */
  if (n_singles == 0 || n_singles % DS_MANIFEST_CHAIN_COMPACT != 0)
    return TRUE;

  body = g_byte_array_new ();
  segment = ds_manifest_chain_put_together (self, first, body, error);
  if (segment == NULL)
    return FALSE;
  if (!ds_manifest_chain_store (self, segment->path, &segment->head, body, error))
    {
      ds_manifest_segment_free (segment);
      return FALSE;
    }
  /* What cannot be removed is, when the chain is opened the next time. */
  for (guint i = first; i < self->segments->len; i++)
    ds_durable_file_remove (
        ((DsManifestSegment *) g_ptr_array_index (self->segments, i))->path, NULL);
  g_ptr_array_set_size (self->segments, (gint) first);
  g_ptr_array_add (self->segments, segment);
  return TRUE;
}
