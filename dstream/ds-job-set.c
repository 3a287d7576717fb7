/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A batch between its generation and its end. */

#include "dstream/ds-job-set-private.h"

DsJobSet *
ds_job_set_new (DsTime time)
{
  DsJobSet *self = g_new0 (DsJobSet, 1);

  self->time = time;
  self->submission_time = DS_TIME_NONE;
  self->processing_start = DS_TIME_NONE;
  self->processing_end = DS_TIME_NONE;
  self->steps = g_ptr_array_new_with_free_func (g_object_unref);
  self->jobs = g_array_sized_new (FALSE, FALSE, sizeof (DsOutputJob), 4);
  g_array_set_clear_func (self->jobs, ds_graph_clear_job);
  return self;
}

void
ds_job_set_free (DsJobSet *self)
{
  g_clear_pointer (&self->batch, ds_batch_unref);
  g_array_unref (self->jobs);
  g_ptr_array_unref (self->steps);
  g_free (self->inputs);
  g_clear_error (&self->error);
  g_free (self);
}
