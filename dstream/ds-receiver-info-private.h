/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How the tracker makes the snapshots of a receiver. */

#include "dstream/ds-receiver-info.h"

G_BEGIN_DECLS

typedef struct
{
  guint stream_id;
  const char *name;
  gboolean is_active;
  const char *location;     /* (nullable) */
  const GError *last_error; /* (nullable) */
  DsTime last_error_time;
  gboolean is_failing; /* that error ended the last run */
} DsReceiverInfoFields;

/* Copies all of it. */
DsReceiverInfo *ds_receiver_info_new (const DsReceiverInfoFields *fields);
gboolean ds_receiver_info_is_failing (DsReceiverInfo *self);

G_END_DECLS
