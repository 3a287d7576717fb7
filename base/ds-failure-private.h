/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where a failure goes that is found deep in code without a GError: to whoever runs on
 * this thread.  A stack per thread; the rdd layer pushes its tasks here. */

#include <glib.h>

G_BEGIN_DECLS

typedef struct _DsFailureReceiver DsFailureReceiver;

struct _DsFailureReceiver
{
  void (*report) (DsFailureReceiver *self, GError *error); /* (transfer full) */
  DsFailureReceiver *previous;
};

void ds_failure_push (DsFailureReceiver *receiver);
void ds_failure_pop (DsFailureReceiver *receiver); /* must be the newest */
DsFailureReceiver *ds_failure_peek (void);         /* (nullable) */
/* To the newest receiver of this thread; without one it is a g_critical ().  @error
 * (transfer full) */
void ds_failure_report (GError *error);

G_END_DECLS
