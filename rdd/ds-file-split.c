/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How files become partitions: large ones are cut into splits, and small ones share a
 * partition, since a partition has a price of its own (a task, a table a key operator)
 * that a thousand files of a kilobyte are not worth. */

#include "rdd/ds-file-read-private.h"

gboolean
ds_file_is_gzip (const DsPlannedFile *file)
{
  return g_str_has_suffix (file->path, ".gz");
}

gboolean
ds_file_is_read_ahead (const DsPlannedFile *file, const DsFileFormat *format)
{
  return format->policy == DS_FILE_ON_BAD_SKIP_FILE &&
         file->status.n_bytes <= DS_FILE_CHECKED_BYTES;
}

static gboolean
ds_file_can_be_split (const DsPlannedFile *file, const DsFileFormat *format)
{
  return (format->kind == DS_FILE_FORMAT_TEXT || format->kind == DS_FILE_FORMAT_BINARY) &&
         !ds_file_is_gzip (file) && !ds_file_is_read_ahead (file, format);
}

/* A multiple of @wanted, so that no split is too large. */
static guint64
ds_file_count_splits (guint64 n_bytes, guint64 wanted)
{
  if (n_bytes > wanted * (DS_FILE_MAX_SPLIT_BYTES + (guint64) DS_FILE_SPLIT_SLACK_BYTES))
    return wanted * ((n_bytes - 1) / (wanted * DS_FILE_MAX_SPLIT_BYTES) + 1);
  return wanted;
}

GArray *
ds_file_split (GPtrArray *files, const DsFileFormat *format, guint min_splits)
{
  GArray *splits = g_array_new (FALSE, FALSE, sizeof (DsFileSplit));
  unsigned __int128 n_total = 0;

  for (guint i = 0; i < files->len; i++)
    if (files->pdata[i] != NULL)
      n_total += ((const DsPlannedFile *) files->pdata[i])->status.n_bytes;

  for (guint i = 0; i < files->len; i++)
    {
      const DsPlannedFile *file = files->pdata[i];
      guint64 unit = format->kind == DS_FILE_FORMAT_BINARY ? format->record_length : 1;
      guint64 n_splits = 1;
      guint64 n_units;

      if (file == NULL)
        continue;
      n_units = file->status.n_bytes / unit;
      if (ds_file_can_be_split (file, format) && n_units > 0)
        {
          /* Its share of the splits that are wanted. */
          guint64 share =
              (guint64) (((unsigned __int128) file->status.n_bytes * min_splits +
                          n_total - 1) /
                         n_total);

          n_splits = ds_file_count_splits (file->status.n_bytes, share);
        }
      for (guint64 j = 0; j < n_splits; j++)
        {
          DsFileSplit split = {
            .file = file,
            .index = i,
            .begin = unit * (guint64) ((unsigned __int128) n_units * j / n_splits),
            .end = unit * (guint64) ((unsigned __int128) n_units * (j + 1) / n_splits),
            .is_only = n_splits == 1,
            .is_last = j + 1 == n_splits
          };

          g_array_append_val (splits, split);
        }
    }
  return splits;
}

guint64
ds_file_split_estimate_bytes (const DsFileSplit *split, const DsFileFormat *format)
{
  guint64 n_bytes =
      split->is_only ? split->file->status.n_bytes : split->end - split->begin;

  return ds_file_is_gzip (split->file) && format->kind != DS_FILE_FORMAT_WHOLE_BYTES
             ? 4 * n_bytes
             : n_bytes;
}

GArray *
ds_file_share_splits (GArray *splits, const DsFileFormat *format, guint min_splits)
{
  GArray *partitions = g_array_new (FALSE, FALSE, sizeof (guint));
  unsigned __int128 n_before = 0;
  guint64 n_total = 0;
  guint64 n_shares;
  guint64 last_share = G_MAXUINT64;

  for (guint i = 0; i < splits->len; i++)
    n_total +=
        ds_file_split_estimate_bytes (&g_array_index (splits, DsFileSplit, i), format);
  n_shares = ds_file_count_splits (n_total, MAX (min_splits, 1));

  for (guint i = 0; i < splits->len; i++)
    {
      guint64 n_bytes =
          ds_file_split_estimate_bytes (&g_array_index (splits, DsFileSplit, i), format);
      /* Where its middle lies. */
      guint64 share = (guint64) ((n_before + n_bytes / 2) * n_shares / MAX (n_total, 1));

      if (splits->len <= n_shares || share != last_share)
        g_array_append_val (partitions, i);
      last_share = share;
      n_before += n_bytes;
    }
  g_array_append_val (partitions, splits->len);
  return partitions;
}
