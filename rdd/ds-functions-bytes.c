/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ready-made functions that find values in bytes. */

#include "base/ds-codec-private.h"
#include "rdd/ds-functions.h"
#include "rdd/ds-task-private.h"

/* As many bytes are decoded at a time, unless a value has more: what comes of them stays
 * in the cache, and takes little memory of the task. */
#define DS_PARSE_SLICE_BYTES ((gsize) 64 << 10)

/**
 * ds_parse_msgpack: (skip)
 * @bytes: (array length=n_bytes): what has arrived
 * @n_bytes: how many
 * @at_end: whether nothing more will come
 * @task: the running task
 * @unused: nothing
 *
 * A #DsParseFunc: msgpack values back to back, as ds_block_to_msgpack () writes them.
 * Tuples of two become pairs.
 *
 * Nothing is trusted: depth, counts and lengths are held against the bytes that are
 * there.  Bytes that begin no value fail the task with %DS_ERROR_CORRUPT,
 * %DS_ERROR_TOO_DEEP or %DS_ERROR_LIMIT, after the values before them were emitted.
 *
 * Returns: how many bytes the whole values among the first ones of @bytes took
 */
gsize
ds_parse_msgpack (const guint8 *bytes,
                  gsize n_bytes,
                  gboolean at_end,
                  DsTask *task,
                  gpointer unused)
{
  GError *error = NULL;
  const DsValue *values;
  const DsValue *pair_values;
  DsCodecScan scan = { 0 };
  gsize n_whole = 0;
  gboolean is_fine;

  g_return_val_if_fail (bytes != NULL || n_bytes == 0, 0);
  g_return_val_if_fail (task != NULL, 0);

  is_fine = ds_codec_scan_prefix (bytes, MIN (n_bytes, DS_PARSE_SLICE_BYTES), &scan,
                                  &n_whole, &error);
  if (is_fine && n_whole == 0 && n_bytes > DS_PARSE_SLICE_BYTES)
    is_fine = ds_codec_scan_prefix (bytes, n_bytes, &scan, &n_whole, &error);

  if (n_whole > 0)
    {
      ds_codec_decode_scanned (bytes, &scan, ds_task_alloc (task, scan.n_copy_bytes),
                               &values, &pair_values);
      if (pair_values != NULL)
        ds_task_emit_pairs (task, values, pair_values, scan.n_values);
      else
        ds_task_emit_values (task, values, scan.n_values);
    }
  if (!is_fine)
    ds_task_take_error (task, error);
  return n_whole;
}
