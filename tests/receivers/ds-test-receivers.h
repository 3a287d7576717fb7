/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Receivers whose functions are given by the test: one with a run function, one with
 * start and stop. */

#include "receivers/ds-receiver.h"

G_BEGIN_DECLS

typedef gboolean (*TestRunFunc) (DsReceiver *receiver,
                                 GCancellable *cancellable,
                                 gpointer data,
                                 GError **error);
typedef gboolean (*TestStartFunc) (DsReceiver *receiver, gpointer data, GError **error);
typedef void (*TestStopFunc) (DsReceiver *receiver, gpointer data);

/* ---- With run ---- */

G_DECLARE_FINAL_TYPE (TestRunReceiver, test_run_receiver, TEST, RUN_RECEIVER, DsReceiver)

struct _TestRunReceiver
{
  DsReceiver parent_instance;
  TestRunFunc run;
  gpointer data;
  guint64 acknowledged; /* atomic */
};

G_DEFINE_FINAL_TYPE (TestRunReceiver, test_run_receiver, DS_TYPE_RECEIVER)

static gboolean
test_run_receiver_run (DsReceiver *receiver, GCancellable *cancellable, GError **error)
{
  TestRunReceiver *self = (TestRunReceiver *) receiver;

  return self->run (receiver, cancellable, self->data, error);
}

static void
test_run_receiver_acknowledged (DsReceiver *receiver, guint64 token)
{
  __atomic_store_n (&((TestRunReceiver *) receiver)->acknowledged, token,
                    __ATOMIC_SEQ_CST);
}

static void
test_run_receiver_class_init (TestRunReceiverClass *klass)
{
  DS_RECEIVER_CLASS (klass)->run = test_run_receiver_run;
  DS_RECEIVER_CLASS (klass)->acknowledged = test_run_receiver_acknowledged;
}

static void
test_run_receiver_init (TestRunReceiver *self)
{
}

static inline DsReceiver *
test_run_receiver_new (TestRunFunc run, gpointer data)
{
  TestRunReceiver *self = g_object_new (test_run_receiver_get_type (), NULL);

  self->run = run;
  self->data = data;
  return DS_RECEIVER (self);
}

/* ---- With start and stop ---- */

G_DECLARE_FINAL_TYPE (TestPollReceiver,
                      test_poll_receiver,
                      TEST,
                      POLL_RECEIVER,
                      DsReceiver)

struct _TestPollReceiver
{
  DsReceiver parent_instance;
  TestStartFunc start;
  TestStopFunc stop;
  gpointer data;
  guint64 acknowledged; /* atomic */
};

G_DEFINE_FINAL_TYPE (TestPollReceiver, test_poll_receiver, DS_TYPE_RECEIVER)

static gboolean
test_poll_receiver_start (DsReceiver *receiver, GError **error)
{
  TestPollReceiver *self = (TestPollReceiver *) receiver;

  return self->start == NULL || self->start (receiver, self->data, error);
}

static void
test_poll_receiver_stop (DsReceiver *receiver)
{
  TestPollReceiver *self = (TestPollReceiver *) receiver;

  if (self->stop != NULL)
    self->stop (receiver, self->data);
}

static void
test_poll_receiver_acknowledged (DsReceiver *receiver, guint64 token)
{
  __atomic_store_n (&((TestPollReceiver *) receiver)->acknowledged, token,
                    __ATOMIC_SEQ_CST);
}

static void
test_poll_receiver_class_init (TestPollReceiverClass *klass)
{
  DS_RECEIVER_CLASS (klass)->start = test_poll_receiver_start;
  DS_RECEIVER_CLASS (klass)->stop = test_poll_receiver_stop;
  DS_RECEIVER_CLASS (klass)->acknowledged = test_poll_receiver_acknowledged;
}

static void
test_poll_receiver_init (TestPollReceiver *self)
{
}

static inline DsReceiver *
test_poll_receiver_new (TestStartFunc start, TestStopFunc stop, gpointer data)
{
  TestPollReceiver *self = g_object_new (test_poll_receiver_get_type (), NULL);

  self->start = start;
  self->stop = stop;
  self->data = data;
  return DS_RECEIVER (self);
}

/* ---- With nothing ---- */

G_DECLARE_FINAL_TYPE (TestEmptyReceiver,
                      test_empty_receiver,
                      TEST,
                      EMPTY_RECEIVER,
                      DsReceiver)

struct _TestEmptyReceiver
{
  DsReceiver parent_instance;
};

G_DEFINE_FINAL_TYPE (TestEmptyReceiver, test_empty_receiver, DS_TYPE_RECEIVER)

static void
test_empty_receiver_class_init (TestEmptyReceiverClass *klass)
{
}

static void
test_empty_receiver_init (TestEmptyReceiver *self)
{
}

G_END_DECLS
