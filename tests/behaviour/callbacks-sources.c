/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kinds of callback that sources are made of: the functions of a receiver and of an
 * input stream, and threads of the program that store. */

#include "tests/behaviour/callbacks.h"

static gboolean
is_here (CallbackSite *site, const char *name)
{
  return g_str_equal (site->kind->name, name);
}

static void
store (DsReceiver *receiver, CallbackSite *site, const char *record)
{
  if (ds_receiver_store_string (receiver, record))
    gate_add (&site->stored, 1);
}

/* ---- A receiver with a loop ---- */

#define CALLBACK_TYPE_LOOP (callback_loop_get_type ())
G_DECLARE_FINAL_TYPE (CallbackLoop, callback_loop, CALLBACK, LOOP, DsReceiver)

struct _CallbackLoop
{
  DsReceiver parent_instance;
  CallbackSite *site;
};

G_DEFINE_FINAL_TYPE (CallbackLoop, callback_loop, DS_TYPE_RECEIVER)

static gpointer
store_in_thread (gpointer data)
{
  CallbackLoop *self = data;
  CallbackVisit visit = { .receiver = DS_RECEIVER (self) };

  store (DS_RECEIVER (self), self->site, "from a thread");
  callback_site_visit (self->site, visit);
  return NULL;
}

static gboolean
callback_loop_run (DsReceiver *receiver, GCancellable *cancellable, GError **error)
{
  CallbackLoop *self = CALLBACK_LOOP (receiver);
  CallbackVisit visit = { .receiver = receiver };
  g_autoptr (GError) reported = g_error_new (DS_ERROR, DS_ERROR_NETWORK, "not so bad");
  gboolean ok = TRUE;

  store (receiver, self->site, "a record");
  ds_receiver_report_error (receiver, reported);
  if (is_here (self->site, "receiver-run"))
    ok = callback_site_visit_driver (self->site, visit, error);
  if (is_here (self->site, "receiver-own-thread"))
    self->site->thread = g_thread_new ("store", store_in_thread, receiver);
  /* A loop that ends by itself is what "receiver-stopped" tells of. */
  while (ok && !is_here (self->site, "receiver-stopped") &&
         ds_receiver_sleep (receiver, DS_HOUR))
    continue;
  return ok;
}

static void
callback_loop_class_init (CallbackLoopClass *klass)
{
  DS_RECEIVER_CLASS (klass)->run = callback_loop_run;
}

static void
callback_loop_init (CallbackLoop *self)
{
}

/* ---- A receiver that is started and stopped ---- */

#define CALLBACK_TYPE_PORT (callback_port_get_type ())
G_DECLARE_FINAL_TYPE (CallbackPort, callback_port, CALLBACK, PORT, DsReceiver)

struct _CallbackPort
{
  DsReceiver parent_instance;
  CallbackSite *site;
};

G_DEFINE_FINAL_TYPE (CallbackPort, callback_port, DS_TYPE_RECEIVER)

static gboolean
callback_port_visit (DsReceiver *receiver, const char *name, GError **error)
{
  CallbackPort *self = CALLBACK_PORT (receiver);
  CallbackVisit visit = { .receiver = receiver };

  return !is_here (self->site, name) ||
         callback_site_visit_driver (self->site, visit, error);
}

static gboolean
callback_port_start (DsReceiver *receiver, GError **error)
{
  g_autoptr (DsBlock) block = ds_block_new_strings ("one", "two", NULL);

  if (!ds_receiver_store_block (receiver, block, 1, error))
    return FALSE;
  gate_add (&CALLBACK_PORT (receiver)->site->stored, 2);
  return callback_port_visit (receiver, "receiver-start", error);
}

static void
callback_port_stop (DsReceiver *receiver)
{
  store (receiver, CALLBACK_PORT (receiver)->site, "the last one");
  callback_port_visit (receiver, "receiver-stop", NULL);
}

static void
callback_port_acknowledged (DsReceiver *receiver, guint64 token)
{
  callback_port_visit (receiver, "receiver-acknowledged", NULL);
}

static void
callback_port_class_init (CallbackPortClass *klass)
{
  DsReceiverClass *receiver_class = DS_RECEIVER_CLASS (klass);

  receiver_class->start = callback_port_start;
  receiver_class->stop = callback_port_stop;
  receiver_class->acknowledged = callback_port_acknowledged;
}

static void
callback_port_init (CallbackPort *self)
{
}

/* ---- An input stream ---- */

#define CALLBACK_TYPE_INPUT (callback_input_get_type ())
G_DECLARE_FINAL_TYPE (CallbackInput, callback_input, CALLBACK, INPUT, DsInputDStream)

struct _CallbackInput
{
  DsInputDStream parent_instance;
  CallbackSite *site;
};

G_DEFINE_FINAL_TYPE (CallbackInput, callback_input, DS_TYPE_INPUT_DSTREAM)

static gboolean
callback_input_visit (DsInputDStream *input,
                      const char *name,
                      DsTime batch_time,
                      GError **error)
{
  CallbackInput *self = CALLBACK_INPUT (input);
  CallbackVisit visit = { .batch_time = batch_time };

  return !is_here (self->site, name) ||
         callback_site_visit_driver (self->site, visit, error);
}

static gboolean
callback_input_start (DsInputDStream *input, GError **error)
{
  return callback_input_visit (input, "input-start", DS_TIME_NONE, error);
}

static void
callback_input_stop (DsInputDStream *input)
{
  callback_input_visit (input, "input-stop", DS_TIME_NONE, NULL);
}

static DsRdd *
callback_input_compute (DsInputDStream *input, DsTime batch_time, GError **error)
{
  if (!callback_input_visit (input, "input-compute", batch_time, error))
    return NULL;
  return ds_context_range (CALLBACK_INPUT (input)->site->engine, 0, 10, 1);
}

static void
callback_input_class_init (CallbackInputClass *klass)
{
  DS_INPUT_DSTREAM_CLASS (klass)->start = callback_input_start;
  DS_INPUT_DSTREAM_CLASS (klass)->stop = callback_input_stop;
  DS_INPUT_DSTREAM_CLASS (klass)->compute = callback_input_compute;
}

static void
callback_input_init (CallbackInput *self)
{
}

/* ---- Functions of directory streams ---- */

static gboolean
on_file (const char *name, gpointer site)
{
  callback_site_visit (site, (CallbackVisit){ 0 });
  return TRUE;
}

static gsize
on_parse (const guint8 *bytes,
          gsize n_bytes,
          gboolean at_end,
          DsTask *task,
          gpointer site)
{
  CallbackSite *self = site;

  if (!callback_site_visit (self, (CallbackVisit){ .task = task }))
    ds_task_fail (task, "bad luck in %s", self->kind->name);
  else if (n_bytes > 0) /* what the other kinds' streams give */
    {
      ds_task_emit_pair (task, ds_value_string ("a"), ds_value_int (1));
      ds_task_emit_pair (task, ds_value_string ("b"), ds_value_int (2));
      ds_task_emit_pair (task, ds_value_string ("a"), ds_value_int (3));
    }
  return n_bytes;
}

/* ---- Streams of them ---- */

static void
build_loop (CallbackSite *site)
{
  CallbackLoop *loop = g_object_new (CALLBACK_TYPE_LOOP, NULL);

  loop->site = site;
  site->receiver = DS_RECEIVER (loop);
  site->collected = ds_dstream_collect (
      ds_streaming_context_receiver_stream (site->ssc, site->receiver));
}

static void
build_port (CallbackSite *site)
{
  CallbackPort *port = g_object_new (CALLBACK_TYPE_PORT, NULL);

  port->site = site;
  site->receiver = DS_RECEIVER (port);
  site->collected = ds_dstream_collect (
      ds_streaming_context_receiver_stream (site->ssc, site->receiver));
}

static void
build_input (CallbackSite *site)
{
  g_autoptr (CallbackInput) input = g_object_new (CALLBACK_TYPE_INPUT, NULL);

  input->site = site;
  site->collected = ds_dstream_collect (
      ds_streaming_context_input_stream (site->ssc, DS_INPUT_DSTREAM (input)));
}

static void
build_filter (CallbackSite *site)
{
  DsDStream *lines =
      ds_streaming_context_text_file_stream (site->ssc, callback_site_need_files (site));

  ds_dstream_set_file_filter (lines, on_file, site, NULL);
  site->collected = ds_dstream_collect (lines);
}

static void
build_parse (CallbackSite *site)
{
  site->collected = ds_dstream_collect (
      ds_streaming_context_file_stream (site->ssc, callback_site_need_files (site),
                                        on_parse, site, NULL));
}

/* What was stored may have missed the batches so far; its own has to be done. */
static void
provoke_acknowledgement (CallbackSite *site)
{
  gate_await (&site->stored, 2);
  ds_manual_clock_advance (site->clock, DS_SECOND);
}

static void
provoke_stop (CallbackSite *site)
{
  if (site->receiver != NULL) /* only one that has been started is stopped */
    gate_await (&site->stored, 1);
  ds_streaming_context_stop (site->ssc, DS_STOP_GRACEFULLY, NULL);
}

const CallbackKind callback_source_kinds[] = {
  { "receiver-run", "DsReceiverClass.run", CALLBACK_SOURCE, build_loop, NULL },
  { "receiver-start", "DsReceiverClass.start", CALLBACK_SOURCE, build_port, NULL },
  { "receiver-stop", "DsReceiverClass.stop", CALLBACK_SOURCE, build_port, provoke_stop },
  { "receiver-acknowledged", "DsReceiverClass.acknowledged", CALLBACK_SOURCE, build_port,
    provoke_acknowledgement },
  { "receiver-own-thread", "GThreadFunc", CALLBACK_ELSEWHERE, build_loop, NULL },
  { "input-start", "DsInputDStreamClass.start", CALLBACK_SOURCE, build_input, NULL },
  { "input-stop", "DsInputDStreamClass.stop", CALLBACK_SOURCE, build_input,
    provoke_stop },
  { "input-compute", "DsInputDStreamClass.compute", CALLBACK_DRIVER, build_input, NULL },
  { "file-filter", "DsFileFilterFunc", CALLBACK_SOURCE, build_filter, NULL },
  { "file-parse", "DsParseFunc", CALLBACK_TASK, build_parse, NULL },
  { NULL, NULL, CALLBACK_SOURCE, NULL, NULL },
};
