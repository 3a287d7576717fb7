/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cases of the batch timer: the first batch time after a start, and after a restart. */

#include "tests/conformance/ds-conformance-private.h"

#include "dstream/ds-batch-timer-private.h"

static gboolean
ds_conformance_compare_moment (DsConformanceCase *self,
                               const char *member,
                               DsTime found,
                               GError **error)
{
  gint64 expected_ms = 0;

  if (!ds_conformance_read_int (self->json, member, &expected_ms, error))
    return FALSE;
  return expected_ms * DS_MILLISECOND == found ||
         ds_conformance_differ (error,
                                "%s: expected %" G_GINT64_FORMAT
                                " ms, found %" G_GINT64_FORMAT " us",
                                member, expected_ms, found);
}

gboolean
ds_conformance_run_timer (DsConformanceCase *self, GError **error)
{
  gint64 now_ms = 0;
  gint64 period_ms = 0;
  gint64 zero_ms = 0;
  DsTime found = 0;

  if (!ds_conformance_read_int (self->op, "now_ms", &now_ms, error) ||
      !ds_conformance_read_int (self->op, "period_ms", &period_ms, error))
    return FALSE;
  if (period_ms <= 0)
    return ds_conformance_differ (error, "\"period_ms\" is %" G_GINT64_FORMAT, period_ms);

  if (g_str_equal (self->op_name, "timer_restart_time"))
    {
      if (!ds_conformance_read_int (self->op, "original_zero_ms", &zero_ms, error))
        return FALSE;
      found = ds_batch_timer_restart_time (now_ms * DS_MILLISECOND,
                                           period_ms * DS_MILLISECOND,
                                           zero_ms * DS_MILLISECOND);
      return ds_conformance_compare_moment (self, "expected", found, error);
    }

  found = ds_batch_timer_start_time (now_ms * DS_MILLISECOND, period_ms * DS_MILLISECOND);
  return ds_conformance_compare_moment (self, "expected", found, error) &&
         (!ds_conformance_has (self->json, "expected_zero_time_ms") ||
          ds_conformance_compare_moment (self, "expected_zero_time_ms",
                                         found - period_ms * DS_MILLISECOND, error));
}
