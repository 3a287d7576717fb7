/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ready-made functions, known by their address, in a form that works on whole chunks:
 * words are cut out of a text without cutting lines first, keys pass through while a
 * constant column of ones comes to stand beside them. */

#include "base/ds-splitter-private.h"
#include "rdd/ds-functions.h"
#include "rdd/ds-narrow-private.h"

/* ---- split_words, split_lines ---- */

typedef gsize (*DsScanFunc) (const char *text,
                             gsize n_bytes,
                             gsize *offset,
                             gboolean strip_cr,
                             DsValue *results,
                             gsize max_results);

typedef struct
{
  DsFunctionSink base;
  DsScanFunc scan;
} DsSplitSink;

static gsize
ds_split_sink_scan_words (const char *text,
                          gsize n_bytes,
                          gsize *offset,
                          gboolean strip_cr,
                          DsValue *results,
                          gsize max_results)
{
  return ds_split_words_scan (text, n_bytes, offset, results, max_results);
}

static gboolean
ds_split_sink_push_text (DsSplitSink *self, const DsChunk *chunk)
{
  DsSink *next = self->base.sink.next;
  DsChunk results = { .form = DS_FORM_VALUES,
                      .values = self->base.results,
                      .block = chunk->block };
  gsize offset = 0;

  while ((results.n_values =
              self->scan (chunk->text, chunk->n_text_bytes, &offset, chunk->strip_cr,
                          self->base.results, DS_CHUNK_MAX_VALUES)) > 0)
    if (!ds_sink_push (next, &results))
      return FALSE;

  return TRUE;
}

/* Fills the column from as many values as it takes. */
static gboolean
ds_split_sink_push_values (DsSplitSink *self, const DsChunk *chunk)
{
  DsSink *next = self->base.sink.next;
  DsTask *task = self->base.sink.task;
  DsValue *results = self->base.results;
  DsChunk split = { .form = DS_FORM_VALUES, .values = results, .block = chunk->block };

  for (gsize i = 0; i < chunk->n_values; i++)
    {
      DsValue value = chunk->values[i];
      gsize offset = 0;

      if (G_UNLIKELY (!ds_value_is (value, DS_VALUE_TYPE_STRING)))
        {
          DsTaskFrame frame =
              ds_task_enter (task, self->base.sink.operator_name, NULL, NULL);

          task->current = &value;
          ds_value_wrong_type (value, DS_VALUE_TYPE_STRING);
          ds_task_leave (task, &frame);
          return FALSE;
        }
      while (offset < value.size)
        {
          gsize n_found =
              self->scan (value.as.bytes, value.size, &offset, TRUE,
                          results + split.n_values, DS_CHUNK_MAX_VALUES - split.n_values);

          if (n_found == 0)
            break;
          split.n_values += n_found;
          if (split.n_values == DS_CHUNK_MAX_VALUES)
            {
              if (!ds_sink_push (next, &split))
                return FALSE;
              split.n_values = 0;
            }
        }
    }
  return split.n_values == 0 || ds_sink_push (next, &split);
}

static gboolean
ds_split_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsSplitSink *self = (DsSplitSink *) sink;

  return chunk->form == DS_FORM_TEXT ? ds_split_sink_push_text (self, chunk)
                                     : ds_split_sink_push_values (self, chunk);
}

static DsSink *
ds_split_sink_new (DsTask *task, DsSink *next, guint accepts, DsScanFunc scan)
{
  DsSplitSink *self = ds_sink_alloc (sizeof *self, task, next);
  DsSink *sink = &self->base.sink;

  sink->push = ds_split_sink_push;
  sink->finish = ds_sink_finish_next;
  sink->free = ds_function_sink_free;
  sink->accepts = accepts;
  self->base.results = ds_scratch_column_take ();
  self->scan = scan;
  return sink;
}

/* ---- Maps ---- */

static gboolean
ds_identity_sink_push (DsSink *sink, const DsChunk *chunk)
{
  return ds_sink_push (sink->next, chunk);
}

/* The ones that stand beside every key; read-only once made. */
static const DsValue *
ds_get_ones (void)
{
  static DsValue ones[DS_CHUNK_MAX_VALUES];
  static gsize is_made = 0;

  if (g_once_init_enter (&is_made))
    {
      for (gsize i = 0; i < DS_CHUNK_MAX_VALUES; i++)
        ones[i] = ds_value_int (1);
      g_once_init_leave (&is_made, 1);
    }
  return ones;
}

static gboolean
ds_pair_with_one_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsChunk pairs = *chunk;

  pairs.form = DS_FORM_PAIRS;
  pairs.pair_values = ds_get_ones ();
  return ds_sink_push (sink->next, &pairs);
}

static gboolean
ds_swap_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsChunk swapped = *chunk;

  swapped.values = chunk->pair_values;
  swapped.pair_values = chunk->values;
  return ds_sink_push (sink->next, &swapped);
}

static gboolean
ds_keys_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsChunk keys = *chunk;

  keys.form = DS_FORM_VALUES;
  keys.pair_values = NULL;
  return ds_sink_push (sink->next, &keys);
}

static gboolean
ds_values_sink_push (DsSink *sink, const DsChunk *chunk)
{
  DsChunk values = *chunk;

  values.form = DS_FORM_VALUES;
  values.values = chunk->pair_values;
  values.pair_values = NULL;
  return ds_sink_push (sink->next, &values);
}

DsSink *
ds_keys_sink_new (DsTask *task, DsSink *next)
{
  return ds_function_sink_new_plain (task, next, DS_ACCEPTS_PAIRS, ds_keys_sink_push);
}

DsSink *
ds_values_sink_new (DsTask *task, DsSink *next)
{
  return ds_function_sink_new_plain (task, next, DS_ACCEPTS_PAIRS, ds_values_sink_push);
}

/* ---- By address ---- */

DsSink *
ds_known_flat_map_make_sink (GCallback func, DsTask *task, DsSink *next)
{
  if (func == G_CALLBACK (ds_split_words))
    return ds_split_sink_new (task, next, DS_ACCEPTS_VALUES | DS_ACCEPTS_TEXT,
                              ds_split_sink_scan_words);
  /* Not as text: the source of a text says whether a \r belongs to its lines, and here
   * it never does. */
  if (func == G_CALLBACK (ds_split_lines))
    return ds_split_sink_new (task, next, DS_ACCEPTS_VALUES, ds_split_lines_scan);
  return NULL;
}

DsSink *
ds_known_map_make_sink (GCallback func, DsTask *task, DsSink *next)
{
  if (func == G_CALLBACK (ds_pair_with_one))
    return ds_function_sink_new_plain (task, next, DS_ACCEPTS_VALUES,
                                       ds_pair_with_one_sink_push);
  if (func == G_CALLBACK (ds_identity))
    return ds_function_sink_new_plain (task, next,
                                       DS_ACCEPTS_VALUES | DS_ACCEPTS_PAIRS |
                                           DS_ACCEPTS_TEXT,
                                       ds_identity_sink_push);
  if (func == G_CALLBACK (ds_swap))
    return ds_function_sink_new_plain (task, next, DS_ACCEPTS_PAIRS, ds_swap_sink_push);
  if (func == G_CALLBACK (ds_to_key))
    return ds_keys_sink_new (task, next);
  if (func == G_CALLBACK (ds_to_value))
    return ds_values_sink_new (task, next);
  return NULL;
}
