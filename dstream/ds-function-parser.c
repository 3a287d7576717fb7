/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A parse function of the program as the parser of a socket.  It is given a task of its
 * own, which belongs to no job: it may emit, take memory, count and fail, and it never
 * learns of a batch, since what it finds is not yet part of one.  What it emits goes in
 * chunks to the current block of the receiver. */

#include "dstream/ds-dstream-private.h"
#include "rdd/ds-context-private.h"
#include "rdd/ds-task-private.h"
#include "receivers/ds-socket-receiver-private.h"

typedef struct
{
  DsSocketParser parent;
  DsContext *context;
  DsParseFunc func;
  gpointer user_data;
  GDestroyNotify destroy;

  /* Thread: the one that parses. */
  DsTask task;
  DsSink *sink;
  DsEmitter *emitter;
  DsParsed *parsed; /* of the present call */
} DsFunctionParser;

typedef struct
{
  DsSink sink;
  DsFunctionParser *parser;
} DsParsedSink;

static gboolean
ds_parsed_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsParsedSink *self = (DsParsedSink *) sink;

  return ds_parsed_add (self->parser->parsed, chunk->values,
                        chunk->form == DS_FORM_PAIRS ? chunk->pair_values : NULL,
                        chunk->n_values);
}

static gboolean
ds_parsed_sink_finish (DsSink *sink)
{
  return TRUE;
}

static void
ds_parsed_sink_free (DsSink *sink)
{
  g_free (sink);
}

static void
ds_function_parser_begin (DsSocketParser *parser)
{
}

static void
ds_function_parser_flush (DsSocketParser *parser, DsParsed *parsed)
{
  DsFunctionParser *self = (DsFunctionParser *) parser;

  self->parsed = parsed;
  ds_emitter_flush_and_reset (self->emitter);
  self->parsed = NULL;
  if (self->task.counters == NULL)
    return;
  ds_context_add_counters (self->context, self->task.counters);
  g_hash_table_remove_all (self->task.counters);
}

static gboolean
ds_function_parser_parse (DsSocketParser *parser,
                          const guint8 *bytes,
                          gsize n_bytes,
                          gboolean at_end,
                          DsParsed *parsed,
                          gsize *n_taken,
                          GError **error)
{
  DsFunctionParser *self = (DsFunctionParser *) parser;
  DsTask *task = &self->task;
  DsTaskFrame frame;

  self->parsed = parsed;
  ds_task_begin (task);
  frame = ds_task_enter (task, "socket_stream", self->emitter->arena, self->emitter);
  *n_taken = self->func (bytes, n_bytes, at_end, task, self->user_data);
  ds_task_leave (task, &frame);
  ds_task_end (task);

  if (self->emitter->n_values >= DS_EMITTER_HIGH_WATER ||
      ds_arena_get_n_bytes (self->emitter->arena) >= DS_SCRATCH_HIGH_WATER)
    ds_emitter_flush_and_reset (self->emitter);
  self->parsed = NULL;
  return !ds_task_has_failed (task) || ds_task_propagate_error (task, error);
}

static void
ds_function_parser_free (DsSocketParser *parser)
{
  DsFunctionParser *self = (DsFunctionParser *) parser;

  ds_emitter_free (self->emitter);
  ds_sink_free (self->sink);
  ds_task_clear (&self->task);
  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_object_unref (self->context);
  g_free (self);
}

DsSocketParser *
ds_function_parser_new (DsContext *context,
                        DsParseFunc func,
                        gpointer user_data,
                        GDestroyNotify destroy)
{
  static const DsSocketParserOps ops = {
    .begin = ds_function_parser_begin,
    .parse = ds_function_parser_parse,
    .flush = ds_function_parser_flush,
    .free = ds_function_parser_free,
  };
  DsFunctionParser *self = g_new0 (DsFunctionParser, 1);
  DsParsedSink *sink;

  self->parent.ops = &ops;
  self->parent.unit = "values";
  self->context = g_object_ref (context);
  self->func = func;
  self->user_data = user_data;
  self->destroy = destroy;

  ds_task_init (&self->task, context, 0, 0);
  sink = ds_sink_alloc (sizeof *sink, &self->task, NULL);
  sink->sink.push = ds_parsed_sink_push;
  sink->sink.finish = ds_parsed_sink_finish;
  sink->sink.free = ds_parsed_sink_free;
  sink->sink.accepts = DS_ACCEPTS_VALUES | DS_ACCEPTS_PAIRS;
  sink->parser = self;
  self->sink = &sink->sink;
  self->emitter = ds_emitter_new (ds_context_get_arena_pool (context), self->sink);
  return &self->parent;
}
