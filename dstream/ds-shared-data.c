/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* User data is given once, with the operator, and used by the RDD of every batch.  An RDD
 * that a program keeps may outlive the stream, so the two share the data: a reference
 * each, and the last one runs the program's destroy function. */

#include "dstream/ds-dstream-private.h"

DsSharedData *
ds_shared_data_new (gpointer user_data, GDestroyNotify destroy)
{
  DsSharedData *self = g_atomic_rc_box_new (DsSharedData);

  self->user_data = user_data;
  self->destroy = destroy;
  return self;
}

DsSharedData *
ds_shared_data_ref (DsSharedData *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
ds_shared_data_clear (gpointer data)
{
  DsSharedData *self = data;

  if (self->destroy != NULL)
    self->destroy (self->user_data);
}

void
ds_shared_data_unref (DsSharedData *self)
{
  g_atomic_rc_box_release_full (self, ds_shared_data_clear);
}
