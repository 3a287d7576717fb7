/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which runner takes a case: by the name of its operator, never by its own name.  What is
 * not in the table is a computation. */

#include "tests/conformance/ds-conformance-private.h"

static const struct
{
  const char *op;
  DsConformanceRunFunc run;
} ds_conformance_runners[] = {
  { "batch_info", ds_conformance_run_batch_info },
  { "binaryRecordsStream", ds_conformance_run_files },
  { "blocks_per_batch", ds_conformance_run_rates },
  { "default_checkpoint_interval", ds_conformance_run_checkpoint_interval },
  { "div", ds_conformance_run_time },
  { "fileStream", ds_conformance_run_files },
  { "file_batches_to_remember", ds_conformance_run_file_batches },
  { "floor", ds_conformance_run_time },
  { "format_batch_time", ds_conformance_run_format },
  { "greater", ds_conformance_run_time },
  { "greater_eq", ds_conformance_run_time },
  { "is_multiple_of", ds_conformance_run_time },
  { "less", ds_conformance_run_time },
  { "less_eq", ds_conformance_run_time },
  { "mapWithState.checkpoint_interval", ds_conformance_run_state_checkpoint_interval },
  { "mapWithState.one_partition", ds_conformance_run_one_partition },
  { "normalize_duration", ds_conformance_run_format },
  { "pid", ds_conformance_run_rates },
  { "pid_new", ds_conformance_run_rates },
  { "print", ds_conformance_run_output },
  { "queueStream", ds_conformance_run_queue },
  { "rate_controller_recovery", ds_conformance_run_rate_recovery },
  { "rate_limiter", ds_conformance_run_rates },
  { "remember_durations", ds_conformance_run_remember },
  { "saveAsTextFiles", ds_conformance_run_output },
  { "save_name", ds_conformance_run_format },
  { "slice", ds_conformance_run_slice },
  { "socketTextStream", ds_conformance_run_socket },
  { "state_handle", ds_conformance_run_state_handle },
  { "textFileStream", ds_conformance_run_files },
  { "timer_restart_time", ds_conformance_run_timer },
  { "timer_start_time", ds_conformance_run_timer },
  { "to", ds_conformance_run_time },
  { "until", ds_conformance_run_time },
};

gboolean
ds_conformance_run_case (DsConformanceCase *self, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (ds_conformance_runners); i++)
    if (g_str_equal (ds_conformance_runners[i].op, self->op_name))
      return ds_conformance_runners[i].run (self, error);

  if (ds_conformance_has (self->json, "expected_after_restart"))
    return ds_conformance_run_recovery (self, error);

  /* Before its fields are looked at, so that the reason names the operator. */
  if (ds_conformance_find_operator (self->op_name, error) == NULL)
    return FALSE;
  return ds_conformance_run_dataflow (self, error);
}
