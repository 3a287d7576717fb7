/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the runs noted, against the model: each output of each batch, once or the same
 * again; what the network brought, against what was sent; what lies in files. */

#include "tests/simulation/ds-sim-private.h"

#include <stdio.h>
#include <string.h>

typedef struct
{
  DsSimPlan *plan;
  DsPropertyRun *run; /* lists of all outputs */
  DsTime *last;       /* of each output, in this run */
  char *message;
} DsSimCheck;

static void
free_lines (gpointer lines)
{
  if (lines != NULL)
    g_ptr_array_unref (lines);
}

static GPtrArray *
new_batches (guint n_batches)
{
  GPtrArray *batches = g_ptr_array_new_with_free_func (free_lines);

  g_ptr_array_set_size (batches, (gint) n_batches);
  return batches;
}

static DsPropertyRun *
new_run (DsPropertyGraph *graph)
{
  DsPropertyRun *run = g_new0 (DsPropertyRun, 1);

  run->lists = g_ptr_array_new_with_free_func (free_lines);
  for (guint id = 0; id < graph->nodes->len; id++)
    g_ptr_array_add (run->lists, ds_property_graph_get (graph, id)->is_output
                                     ? new_batches (graph->n_batches)
                                     : NULL);
  return run;
}

/* ---- The log ---- */

static gboolean
lines_are_equal (GPtrArray *a, GPtrArray *b)
{
  if (a->len != b->len)
    return FALSE;
  for (guint i = 0; i < a->len; i++)
    if (!g_str_equal (g_ptr_array_index (a, i), g_ptr_array_index (b, i)))
      return FALSE;
  return TRUE;
}

static char *
join_lines (GPtrArray *lines)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < lines->len; i++)
    g_string_append_printf (text, " %s", (const char *) g_ptr_array_index (lines, i));
  return g_string_free (text, FALSE);
}

/* Takes over @lines. */
static void
take_output (DsSimCheck *self,
             guint batch,
             guint id,
             gboolean is_replay,
             GPtrArray *lines)
{
  GPtrArray *batches = g_ptr_array_index (self->run->lists, id);
  GPtrArray *before;

  if (self->last[id] >= batch)
    self->message = g_strdup_printf ("s%u: batch %u comes after batch %u", id, batch,
                                     (guint) self->last[id]);
  self->last[id] = batch;
  if (batch < 1 || batch > batches->len)
    {
      g_ptr_array_unref (lines); /* of the end, which brings nothing */
      return;
    }
  before = g_ptr_array_index (batches, batch - 1);
  if (before == NULL)
    {
      g_ptr_array_index (batches, batch - 1) = lines;
      return;
    }
  if (!is_replay && self->message == NULL)
    self->message = g_strdup_printf ("s%u: batch %u came before, and is told to be no "
                                     "replay",
                                     id, batch);
  if (!lines_are_equal (before, lines) && self->message == NULL)
    {
      g_autofree char *first = join_lines (before);
      g_autofree char *second = join_lines (lines);

      self->message =
          g_strdup_printf ("s%u: batch %u gave%s, and then%s", id, batch, first, second);
    }
  g_ptr_array_unref (lines);
}

static void
read_log (DsSimCheck *self, const char *log)
{
  const char *line = log;

  while (*line != '\0' && self->message == NULL)
    {
      const char *end = strchr (line, '\n');
      guint batch, id, n_elements;
      int is_replay;

      if (*line == '!')
        self->message = g_strndup (line + 2, (gsize) (end - line) - 2);
      else if (g_str_has_prefix (line, "# run "))
        memset (self->last, 0, self->plan->graph->nodes->len * sizeof *self->last);
      else if (sscanf (line, "= %u s%u %d %u", &batch, &id, &is_replay, &n_elements) == 4)
        {
          GPtrArray *lines = g_ptr_array_new_with_free_func (g_free);

          for (guint i = 0; i < n_elements; i++)
            {
              line = end + 1;
              end = strchr (line, '\n');
              g_ptr_array_add (lines, g_strndup (line, (gsize) (end - line)));
            }
          take_output (self, batch, id, is_replay, lines);
        }
      line = end + 1;
    }
}

/* ---- What the network brought ---- */

static void
count_text (GHashTable *counts, const char *text, gint64 step)
{
  gint64 *count = g_hash_table_lookup (counts, text);

  if (count == NULL)
    {
      count = g_new0 (gint64, 1);
      g_hash_table_insert (counts, g_strdup (text), count);
    }
  *count += step;
}

/* Equal records cannot be told apart, so that they are counted together: as often as they
 * were sent at least once, and no more often than they were handed over. */
static void
check_received (DsSimCheck *self, DsPropertyNode *node)
{
  g_autoptr (GHashTable) counts =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GHashTable) limits =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GPtrArray *batches = g_ptr_array_index (self->run->lists, node->id);
  GHashTableIter iter;
  gpointer text, value;
  guint index = 0;

  for (guint i = 0; i < batches->len; i++)
    {
      GPtrArray *lines = g_ptr_array_index (batches, i);

      for (guint k = 0; k < lines->len; k++)
        count_text (counts, g_ptr_array_index (lines, k), 1);
    }
  for (guint i = 0; i < node->results->len; i++)
    {
      GArray *list = g_ptr_array_index (node->results, i);

      for (guint k = 0; k < list->len; k++, index++)
        {
          g_autoptr (GString) record = g_string_new (NULL);

          ds_property_print (record, DS_PROPERTY_AT (list, k));
          count_text (limits, record->str, ds_sim_world->n_stored[node->id][index]);
          count_text (counts, record->str, -1);
        }
    }
  if (ds_sim_world->n_acked[node->id] != index && self->message == NULL)
    self->message = g_strdup_printf ("s%u: %u of %u records are acknowledged", node->id,
                                     ds_sim_world->n_acked[node->id], index);
  g_hash_table_iter_init (&iter, counts);
  while (self->message == NULL && g_hash_table_iter_next (&iter, &text, &value))
    {
      gint64 surplus = *(gint64 *) value;
      gint64 *limit = g_hash_table_lookup (limits, text);
      gint64 n_sent = 0;

      g_clear_pointer (&self->message, g_free);
      for (guint i = 0; i < node->results->len; i++)
        {
          GArray *list = g_ptr_array_index (node->results, i);

          for (guint k = 0; k < list->len; k++)
            {
              g_autoptr (GString) record = g_string_new (NULL);

              ds_property_print (record, DS_PROPERTY_AT (list, k));
              n_sent += g_str_equal (record->str, text);
            }
        }
      if (surplus < 0)
        self->message = g_strdup_printf ("s%u: %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT
                                         " records %s were acknowledged and are lost",
                                         node->id, -surplus, n_sent, (char *) text);
      else if (limit == NULL || surplus + n_sent > *limit)
        self->message =
            g_strdup_printf ("s%u: record %s is there %" G_GINT64_FORMAT
                             " times, and was handed over %" G_GINT64_FORMAT " times",
                             node->id, (char *) text, surplus + n_sent,
                             limit != NULL ? *limit : 0);
    }
}

static DsValue
parse_scalar (const char **text, DsPropertyType type, DsArena *arena)
{
  char *end;
  char *bytes;
  gsize n_bytes;

  if (type == DS_PROPERTY_INT)
    {
      DsValue value = ds_value_int (g_ascii_strtoll (*text, &end, 10));

      *text = end;
      return value;
    }
  n_bytes = strcspn (*text + 1, "\"");
  bytes = ds_arena_alloc (arena, n_bytes + 1);
  memcpy (bytes, *text + 1, n_bytes);
  *text += n_bytes + 2;
  return ds_value_string_sized (bytes, (guint32) n_bytes);
}

/* What ds_property_print () made of a record of a source. */
static DsValue
parse_record (const char *text, DsPropertyType type, DsArena *arena)
{
  DsPropertyCall call = { .arena = arena };
  DsValue key;

  if (!ds_property_is_pair (type))
    return parse_scalar (&text, type, arena);
  text++;
  key = parse_scalar (&text, ds_property_key_of (type), arena);
  text++;
  return ds_property_pair (&call, key,
                           parse_scalar (&text, ds_property_value_of (type), arena));
}

/* The model goes on from the batches that the records came into. */
static void
take_received (DsSimCheck *self, DsPropertyNode *node)
{
  GPtrArray *batches = g_ptr_array_index (self->run->lists, node->id);

  for (guint i = 0; i < batches->len; i++)
    {
      GArray *list = g_ptr_array_index (node->results, i);
      GPtrArray *lines = g_ptr_array_index (batches, i);

      g_array_set_size (list, 0);
      for (guint k = 0; k < lines->len; k++)
        {
          DsValue value = parse_record (g_ptr_array_index (lines, k), node->type,
                                        self->plan->graph->arena);

          g_array_append_val (list, value);
        }
    }
}

static void
check_sources (DsSimCheck *self)
{
  DsPropertyGraph *graph = self->plan->graph;

  for (guint id = 0; id < DS_SIM_MAX_SOURCES && self->message == NULL; id++)
    {
      GPtrArray *batches;

      if (!self->plan->sources[id].is_received)
        continue;
      batches = g_ptr_array_index (self->run->lists, id);
      for (guint i = 0; i < batches->len && self->message == NULL; i++)
        if (g_ptr_array_index (batches, i) == NULL)
          self->message = g_strdup_printf ("s%u: batch %u never came", id, i + 1);
      if (self->message == NULL)
        check_received (self, ds_property_graph_get (graph, id));
      if (self->message == NULL)
        take_received (self, ds_property_graph_get (graph, id));
    }
  if (self->message == NULL)
    ds_property_graph_run_model (graph);
}

/* ---- Against the model ---- */

/* The lines of the parts of a batch; NULL: it is not whole. */
static GPtrArray *
read_saved (const char *directory)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *success = g_build_filename (directory, "_SUCCESS", NULL);

  if (!g_file_test (success, G_FILE_TEST_EXISTS))
    {
      g_ptr_array_unref (lines);
      return NULL;
    }
  for (guint part = 0;; part++)
    {
      g_autofree char *path = g_strdup_printf ("%s/part-%05u", directory, part);
      g_autofree char *text = NULL;
      g_auto (GStrv) found = NULL;

      if (!g_file_get_contents (path, &text, NULL, NULL))
        return lines;
      found = g_strsplit (text, "\n", -1);
      for (guint i = 0; found[i] != NULL && found[i + 1] != NULL; i++)
        g_ptr_array_add (lines, g_strdup (found[i]));
    }
}

/* The same outputs, from files. */
static void
check_saved (DsSimCheck *self, const char *root)
{
  DsPropertyGraph *graph = self->plan->graph;
  DsPropertyRun *saved = new_run (graph);
  guint n_left = self->plan->n_file_outputs;
  guint batch;

  for (guint id = graph->nodes->len; id > 0 && n_left > 0 && self->message == NULL; id--)
    {
      DsPropertyNode *node = ds_property_graph_get (graph, id - 1);
      GPtrArray *batches = g_ptr_array_index (saved->lists, id - 1);
      g_autofree char *difference = NULL;

      if (!node->is_output)
        continue;
      n_left--;
      for (guint i = 0; i < batches->len; i++)
        {
          g_autofree char *directory =
              g_strdup_printf ("%s/out/s%u-%u", root, id - 1, (i + 1) * 1000);

          g_ptr_array_index (batches, i) = read_saved (directory);
        }
      difference = ds_property_compare_with_model (node, saved, &batch);
      if (difference != NULL)
        self->message = g_strdup_printf ("in files, %s", difference);
    }
  ds_property_run_free (saved);
}

char *
ds_sim_check (DsSimPlan *plan, const char *root)
{
  DsPropertyGraph *graph = plan->graph;
  DsSimCheck self = { plan, new_run (graph), g_new0 (DsTime, graph->nodes->len), NULL };
  guint batch;

  ds_sim_world->log[ds_sim_world->n_log] = '\0';
  read_log (&self, ds_sim_world->log);
  if (self.message == NULL)
    check_sources (&self);
  for (guint id = 0; id < graph->nodes->len && self.message == NULL; id++)
    if (ds_property_graph_get (graph, id)->is_output)
      self.message = ds_property_compare_with_model (ds_property_graph_get (graph, id),
                                                     self.run, &batch);
  if (self.message == NULL)
    check_saved (&self, root);
  ds_property_run_free (self.run);
  g_free (self.last);
  return self.message;
}
