/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A receiver that stores what the test says, from whichever thread, and knows what was
 * acknowledged to it. */

#include "tests/dstream/ds-test-stream.h"

#define DS_TYPE_TEST_INTAKE (ds_test_intake_get_type ())
G_DECLARE_FINAL_TYPE (DsTestIntake, ds_test_intake, DS, TEST_INTAKE, DsReceiver)

struct _DsTestIntake
{
  DsReceiver parent_instance;
  DsTestGate starts;
  DsTestGate token; /* the last that was acknowledged */
};

G_DEFINE_FINAL_TYPE (DsTestIntake, ds_test_intake, DS_TYPE_RECEIVER)

static inline gboolean
ds_test_intake_start (DsReceiver *receiver, GError **error)
{
  ds_test_gate_add (&DS_TEST_INTAKE (receiver)->starts, 1);
  return TRUE;
}

static inline void
ds_test_intake_acknowledged (DsReceiver *receiver, guint64 token)
{
  DsTestGate *gate = &DS_TEST_INTAKE (receiver)->token;

  ds_test_gate_add (gate, (gint64) token - ds_test_gate_get (gate));
}

static inline void
ds_test_intake_class_init (DsTestIntakeClass *klass)
{
  DS_RECEIVER_CLASS (klass)->start = ds_test_intake_start;
  DS_RECEIVER_CLASS (klass)->acknowledged = ds_test_intake_acknowledged;
}

static inline void
ds_test_intake_init (DsTestIntake *self)
{
  g_mutex_init (&self->starts.lock);
  g_cond_init (&self->starts.changed);
  g_mutex_init (&self->token.lock);
  g_cond_init (&self->token.changed);
}
