/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsRelaySink: for whoever pushes several partitions into one sink, one after the other.
 * Hands on, and notes when the target has enough: what follows need not be read then, and
 * must not be pushed.  On the stack; the target is finished and freed by somebody else.
 */

#include "rdd/ds-sink-private.h"

G_BEGIN_DECLS

typedef struct
{
  DsSink sink;
  DsSink *target;
  gboolean has_enough;
} DsRelaySink;

void ds_relay_sink_init (DsRelaySink *self, DsTask *task, DsSink *target);

G_END_DECLS
