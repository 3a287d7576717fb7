/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What all sinks share: making and freeing chains, cutting long runs into chunks, and
 * bringing a chunk into a form that a sink accepts.
 *
 * Text becomes lines, two columns become a column of tuples, and a column of tuples of
 * two becomes two columns.  All of it happens on the stack of the pushing thread, so a
 * conversion costs a pass over 16 or 48 KiB in cache and no allocation. */

#include "rdd/ds-sink-private.h"

#include "base/ds-splitter-private.h"
#include "rdd/ds-task-private.h"

static gboolean
ds_sink_push_text_as_values (DsSink *self, const DsChunk *chunk)
{
  DsValue lines[DS_CHUNK_MAX_VALUES];
  DsChunk converted = { .form = DS_FORM_VALUES, .values = lines, .block = chunk->block };
  gsize offset = 0;

  while ((converted.n_values =
              ds_split_lines_scan (chunk->text, chunk->n_text_bytes, &offset,
                                   chunk->strip_cr, lines, DS_CHUNK_MAX_VALUES)) > 0)
    if (!ds_sink_push (self, &converted))
      return FALSE;

  return TRUE;
}

static gboolean
ds_sink_push_pairs_as_values (DsSink *self, const DsChunk *chunk)
{
  DsValue items[2 * DS_CHUNK_MAX_VALUES];
  DsValue tuples[DS_CHUNK_MAX_VALUES];
  /* The tuples lie here, so the block no longer holds everything. */
  DsChunk converted = { .form = DS_FORM_VALUES,
                        .n_values = chunk->n_values,
                        .values = tuples };

  for (gsize i = 0; i < chunk->n_values; i++)
    {
      items[2 * i] = chunk->values[i];
      items[2 * i + 1] = chunk->pair_values[i];
      tuples[i] = ds_value_tuple (&items[2 * i], 2);
    }
  return self->push (self, &converted);
}

static gboolean
ds_sink_push_values_as_pairs (DsSink *self, const DsChunk *chunk)
{
  DsValue keys[DS_CHUNK_MAX_VALUES];
  DsValue values[DS_CHUNK_MAX_VALUES];
  DsChunk converted = { .form = DS_FORM_PAIRS,
                        .n_values = chunk->n_values,
                        .values = keys,
                        .pair_values = values,
                        .block = chunk->block };

  for (gsize i = 0; i < chunk->n_values; i++)
    {
      if (G_UNLIKELY (!ds_value_is_pair (chunk->values[i])))
        {
          ds_task_fail_no_pair (self->task, self->operator_name, chunk->values[i]);
          return FALSE;
        }
      keys[i] = chunk->values[i].as.items[0];
      values[i] = chunk->values[i].as.items[1];
    }
  return self->push (self, &converted);
}

gboolean
ds_sink_push_converted (DsSink *self, const DsChunk *chunk)
{
  switch (chunk->form)
    {
    case DS_FORM_TEXT:
      return ds_sink_push_text_as_values (self, chunk);
    case DS_FORM_PAIRS:
      return ds_sink_push_pairs_as_values (self, chunk);
    case DS_FORM_VALUES:
      if (self->accepts & DS_ACCEPTS_PAIRS)
        return ds_sink_push_values_as_pairs (self, chunk);
      break;
    default:
      break;
    }
  g_assert_not_reached ();
}

gpointer
ds_sink_alloc (gsize size, DsTask *task, DsSink *next)
{
  DsSink *self = g_malloc0 (size);

  self->task = task;
  self->next = next;
  return self;
}

void
ds_sink_free (DsSink *self)
{
  while (self != NULL)
    {
      DsSink *next = self->next;

      self->free (self);
      self = next;
    }
}

gboolean
ds_sink_finish_next (DsSink *self)
{
  return self->next->finish (self->next);
}

gboolean
ds_sink_push_columns (DsSink *self,
                      const DsValue *values,
                      const DsValue *pair_values,
                      gsize n_values,
                      DsBlock *block)
{
  DsChunk chunk = { .form = pair_values != NULL ? DS_FORM_PAIRS : DS_FORM_VALUES,
                    .block = block };

  for (gsize i = 0; i < n_values; i += chunk.n_values)
    {
      chunk.n_values = MIN (n_values - i, DS_CHUNK_MAX_VALUES);
      chunk.values = values + i;
      chunk.pair_values = pair_values != NULL ? pair_values + i : NULL;
      if (!ds_task_may_go_on (self->task) || !ds_sink_push (self, &chunk))
        return FALSE;
    }
  return TRUE;
}

/* How much of @text makes one chunk: whole lines of at most %DS_CHUNK_MAX_TEXT bytes, or
 * one line that is longer. */
static gsize
ds_sink_measure_text_chunk (const char *text, gsize n_bytes)
{
  const char *line_end;
  gsize n_whole;

  if (n_bytes <= DS_CHUNK_MAX_TEXT)
    return n_bytes;
  n_whole = ds_find_last_line_end (text, DS_CHUNK_MAX_TEXT);
  if (n_whole > 0)
    return n_whole;
  line_end = memchr (text + DS_CHUNK_MAX_TEXT, '\n', n_bytes - DS_CHUNK_MAX_TEXT);
  return line_end != NULL ? (gsize) (line_end - text) + 1 : n_bytes;
}

gboolean
ds_sink_push_text (DsSink *self,
                   const char *text,
                   gsize n_bytes,
                   gboolean strip_cr,
                   DsBlock *block)
{
  DsChunk chunk = { .form = DS_FORM_TEXT, .strip_cr = strip_cr, .block = block };

  for (gsize offset = 0; offset < n_bytes; offset += chunk.n_text_bytes)
    {
      chunk.text = text + offset;
      chunk.n_text_bytes = ds_sink_measure_text_chunk (chunk.text, n_bytes - offset);
      if (!ds_task_may_go_on (self->task) || !ds_sink_push (self, &chunk))
        return FALSE;
    }
  return TRUE;
}

gboolean
ds_sink_push_block (DsSink *self, DsBlock *block)
{
  const DsValue *values;
  const DsValue *pair_values;
  gsize n_values;

  if (ds_block_get_form (block) == DS_FORM_TEXT)
    {
      gsize n_bytes;
      gboolean strip_cr;
      const char *text = ds_block_get_text (block, &n_bytes, &strip_cr);

      if (!ds_sink_push_text (self, text, n_bytes, strip_cr, block))
        return FALSE;
      /* Its lines have been counted when it was received; a sink that takes no text has
       * counted them one by one. */
      if (self->accepts & DS_ACCEPTS_TEXT)
        self->n_values_in += ds_block_get_length (block);
      return TRUE;
    }

  ds_block_get_columns (block, &values, &pair_values, &n_values);
  return ds_sink_push_columns (self, values, pair_values, n_values, block);
}
