/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The failure receivers of a thread, newest first.  The stack is linked through the
 * receivers themselves, which live in whoever pushed them: pushing costs two stores. */

#include "base/ds-failure-private.h"

static _Thread_local DsFailureReceiver *ds_failure_newest;

void
ds_failure_push (DsFailureReceiver *receiver)
{
  receiver->previous = ds_failure_newest;
  ds_failure_newest = receiver;
}

void
ds_failure_pop (DsFailureReceiver *receiver)
{
  g_assert (ds_failure_newest == receiver);

  ds_failure_newest = receiver->previous;
  receiver->previous = NULL;
}

DsFailureReceiver *
ds_failure_peek (void)
{
  return ds_failure_newest;
}

void
ds_failure_report (GError *error)
{
  DsFailureReceiver *receiver = ds_failure_newest;

  if (receiver != NULL)
    {
      receiver->report (receiver, error);
      return;
    }
  g_critical ("%s", error->message);
  g_error_free (error);
}
