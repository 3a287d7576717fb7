/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Numbers of records by batch and input stream.  There are a handful of entries at any
 * time (input streams times batches not yet cleaned up), so an array, looked through, is
 * all it takes. */

#include "dstream/ds-input-info-tracker-private.h"

#include "base/ds-error.h"

typedef struct
{
  DsTime batch_time;
  DsInputInfo info;
} DsInputReport;

struct _DsInputInfoTracker
{
  GMutex lock;
  GArray *reports; /* DsInputReport */
};

DsInputInfoTracker *
ds_input_info_tracker_new (void)
{
  DsInputInfoTracker *self = g_new0 (DsInputInfoTracker, 1);

  g_mutex_init (&self->lock);
  self->reports = g_array_new (FALSE, FALSE, sizeof (DsInputReport));
  return self;
}

void
ds_input_info_tracker_free (DsInputInfoTracker *self)
{
  g_array_unref (self->reports);
  g_mutex_clear (&self->lock);
  g_free (self);
}

gboolean
ds_input_info_tracker_add (DsInputInfoTracker *self,
                           DsTime batch_time,
                           const DsInputInfo *info,
                           GError **error)
{
  DsInputReport report = { batch_time, *info };
  gboolean is_new = TRUE;

  g_mutex_lock (&self->lock);
  for (guint i = 0; is_new && i < self->reports->len; i++)
    {
      DsInputReport *known = &g_array_index (self->reports, DsInputReport, i);

      is_new =
          known->batch_time != batch_time || known->info.stream_id != info->stream_id;
    }
  if (is_new)
    g_array_append_val (self->reports, report);
  g_mutex_unlock (&self->lock);

  if (!is_new)
    g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
                 "Input stream %u reported its records for batch %" G_GINT64_FORMAT
                 " ms a second time; a stream reports once a batch",
                 info->stream_id, batch_time / DS_MILLISECOND);
  return is_new;
}

gboolean
ds_input_info_tracker_report (DsInputInfoTracker *self,
                              DsTime batch_time,
                              guint stream_id,
                              gint64 n_records,
                              GError **error)
{
  DsInputInfo info = { .stream_id = stream_id, .n_records = n_records };

  return ds_input_info_tracker_add (self, batch_time, &info, error);
}

DsInputInfo *
ds_input_info_tracker_get (DsInputInfoTracker *self, DsTime batch_time, guint *n_infos)
{
  DsInputInfo *infos = NULL;

  *n_infos = 0;
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->reports->len; i++)
    {
      DsInputReport *known = &g_array_index (self->reports, DsInputReport, i);

      if (known->batch_time != batch_time)
        continue;
      if (infos == NULL)
        infos = g_new (DsInputInfo, self->reports->len - i);
      infos[(*n_infos)++] = known->info;
    }
  g_mutex_unlock (&self->lock);
  return infos;
}

void
ds_input_info_tracker_cleanup (DsInputInfoTracker *self, DsTime threshold)
{
  guint n_kept = 0;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->reports->len; i++)
    {
      DsInputReport *known = &g_array_index (self->reports, DsInputReport, i);

      if (known->batch_time >= threshold)
        g_array_index (self->reports, DsInputReport, n_kept++) = *known;
    }
  g_array_set_size (self->reports, n_kept);
  g_mutex_unlock (&self->lock);
}
