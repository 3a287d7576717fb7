/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Saving under names that nobody looks at: all files of a batch are written and durable
 * before the first of them gets a name that a reader could see.  Size and hash of each
 * come from what was written, not from what can be read back. */

#include "base/ds-durable-file-private.h"
#include "rdd/ds-save-private.h"

#include <xxhash.h>

/* Parts that were skipped for want of values, when others have some. */
static gboolean
ds_save_staged_fill_up (DsSave *self, guint n_parts, GError **error)
{
  for (guint i = 0; i < n_parts; i++)
    {
      g_autofree char *path = NULL;
      int fd;

      if (self->has_part[i])
        continue;
      path = g_strdup_printf ("%s/%spart-%05u", self->directory, self->part_prefix, i);
      fd = ds_durable_file_create (path, error);
      if (fd < 0 || !ds_durable_file_sync_and_close (fd, path, error))
        return FALSE;
      self->files[i] = (DsSavedFile){ 0, XXH3_64bits ("", 0) };
    }
  return TRUE;
}

/* The first part becomes the whole, and the others go. */
static gboolean
ds_save_staged_put_together (DsSave *self, guint n_parts, GError **error)
{
  g_autofree char *whole = NULL;

  if (!ds_save_append_parts (self, n_parts, &whole, error) ||
      !ds_durable_file_hash (whole, &self->files[0].n_bytes, &self->files[0].hash, error))
    return FALSE;
  for (guint i = 1; i < n_parts; i++)
    {
      g_autofree char *part =
          g_strdup_printf ("%s/%spart-%05u", self->directory, self->part_prefix, i);

      if (!ds_durable_file_remove (part, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
ds_rdd_save_staged (DsRdd *self,
                    const char *directory,
                    const char *prefix,
                    const DsSavePlan *plan,
                    GArray *files,
                    gboolean *is_of_files,
                    GError **error)
{
  g_autofree guint8 *has_part = NULL;
  g_autofree DsSavedFile *saved = NULL;
  DsSave save = { .plan = plan,
                  .operator_name = ds_save_get_operator_name (plan->format),
                  .directory = directory,
                  .part_prefix = prefix };
  guint n_parts;

  *is_of_files = FALSE;
  if (!ds_rdd_prepare (self, error))
    return FALSE;
  n_parts = ds_rdd_get_n_partitions (self);
  has_part = g_new0 (guint8, (gsize) n_parts + 1);
  saved = g_new0 (DsSavedFile, (gsize) n_parts + 1);
  save.has_part = has_part;
  save.files = saved;

  if (!ds_save_run (&save, self, error))
    {
      *is_of_files = g_atomic_int_get (&save.n_failures) > 0;
      return FALSE;
    }
  *is_of_files = TRUE;
  if (plan->skips_empty && !ds_save_has_values (&save, self))
    return TRUE;
  if (plan->single_file)
    {
      if (!ds_save_staged_put_together (&save, n_parts, error))
        return FALSE;
      g_array_append_vals (files, saved, 1);
      return TRUE;
    }
  if (!ds_save_staged_fill_up (&save, n_parts, error))
    return FALSE;
  g_array_append_vals (files, saved, n_parts);
  return TRUE;
}
