/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cases of what listeners are told of a batch: which delays are known when. */

#include "tests/conformance/ds-conformance-private.h"

#include "dstream/ds-batch-private.h"

static gboolean
ds_conformance_read_moment (JsonObject *op,
                            const char *member,
                            DsTime *time,
                            GError **error)
{
  gint64 ms = 0;

  *time = DS_TIME_NONE;
  if (!ds_conformance_has (op, member))
    return TRUE;
  if (!ds_conformance_read_int (op, member, &ms, error))
    return FALSE;
  *time = ms * DS_MILLISECOND;
  return TRUE;
}

static gboolean
ds_conformance_compare_delay (JsonObject *expected,
                              const char *member,
                              DsDuration found,
                              GError **error)
{
  gint64 expected_ms = 0;

  if (!json_object_has_member (expected, member))
    return TRUE;
  if (!ds_conformance_has (expected, member))
    return found == DS_TIME_NONE ||
           ds_conformance_differ (error,
                                  "%s: expected not to be known, found %" G_GINT64_FORMAT
                                  " us",
                                  member, found);
  if (!ds_conformance_read_int (expected, member, &expected_ms, error))
    return FALSE;
  return expected_ms * DS_MILLISECOND == found ||
         ds_conformance_differ (error,
                                "%s: expected %" G_GINT64_FORMAT
                                " ms, found %" G_GINT64_FORMAT " us",
                                member, expected_ms, found);
}

gboolean
ds_conformance_run_batch_info (DsConformanceCase *self, GError **error)
{
  DsBatchFields fields = DS_BATCH_FIELDS_INIT (DS_SECOND, DS_SECOND);
  g_autoptr (DsBatch) batch = NULL;
  JsonNode *node = json_object_get_member (self->json, "expected");
  JsonObject *expected = NULL;

  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return ds_conformance_differ (error, "\"expected\" is not an object");
  expected = json_node_get_object (node);
  if (!ds_conformance_read_moment (self->op, "submission_ms", &fields.submission_time,
                                   error) ||
      !ds_conformance_read_moment (self->op, "start_ms", &fields.processing_start,
                                   error) ||
      !ds_conformance_read_moment (self->op, "end_ms", &fields.processing_end, error))
    return FALSE;

  batch = ds_batch_new (&fields);
  return ds_conformance_compare_delay (expected, "schedulingDelay",
                                       ds_batch_get_scheduling_delay (batch), error) &&
         ds_conformance_compare_delay (expected, "processingDelay",
                                       ds_batch_get_processing_delay (batch), error) &&
         ds_conformance_compare_delay (expected, "totalDelay",
                                       ds_batch_get_total_delay (batch), error);
}
