/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a case to a graph of streams: sources, the steps of the pipeline, and the short
 * expressions that name streams ("s2", "s.map(plus_4)", "window(2,1)").
 *
 * A step with "on" replaces the stream of that name; one without goes on from what the
 * last such step gave, at first from source 1.  Operators of several streams take those
 * of "of", else all sources with the current stream in the place of the first. */

#include "tests/conformance/ds-conformance-private.h"

#include <string.h>

void
ds_conformance_graph_init (DsConformanceGraph *self,
                           DsConformanceCase *test_case,
                           DsConformanceSession *session)
{
  *self = (DsConformanceGraph){ .test_case = test_case, .session = session };
  self->sources = g_ptr_array_new ();
  self->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

void
ds_conformance_graph_clear (DsConformanceGraph *self)
{
  g_clear_pointer (&self->sources, g_ptr_array_unref);
  g_clear_pointer (&self->names, g_hash_table_unref);
}

/* ---- Sources ---- */

static gboolean
ds_conformance_graph_add_source (DsConformanceGraph *self,
                                 JsonArray *batches,
                                 GError **error)
{
  g_autoptr (GPtrArray) blocks = ds_conformance_read_batches (batches, error);
  gint64 n_partitions = 0;

  if (blocks == NULL || !ds_conformance_read_int_or (self->test_case->json, "partitions",
                                                     1, &n_partitions, error))
    return FALSE;
  if (n_partitions < 1 || n_partitions > G_MAXUINT16)
    return ds_conformance_differ (error, "\"partitions\" is %" G_GINT64_FORMAT,
                                  n_partitions);
  g_ptr_array_add (self->sources,
                   ds_conformance_source_new (self->session, self->test_case->engine,
                                              blocks, (guint) n_partitions));
  return TRUE;
}

gboolean
ds_conformance_graph_add_sources (DsConformanceGraph *self, GError **error)
{
  JsonArray *inputs = NULL;

  if (!ds_conformance_has (self->test_case->json, "inputs"))
    {
      /* A case about building only has no input. */
      g_autoptr (JsonArray) nothing = json_array_new ();
      JsonArray *input = nothing;

      if (ds_conformance_has (self->test_case->json, "input") ||
          !ds_conformance_has (self->test_case->json, "expected_error"))
        input = ds_conformance_read_array (self->test_case->json, "input", error);
      return input != NULL && ds_conformance_graph_add_source (self, input, error);
    }

  inputs = ds_conformance_read_array (self->test_case->json, "inputs", error);
  if (inputs == NULL)
    return FALSE;
  for (guint i = 0; i < json_array_get_length (inputs); i++)
    {
      JsonNode *input = json_array_get_element (inputs, i);

      if (!JSON_NODE_HOLDS_ARRAY (input))
        return ds_conformance_differ (error, "Item %u of \"inputs\" is not a list",
                                      i + 1);
      if (!ds_conformance_graph_add_source (self, json_node_get_array (input), error))
        return FALSE;
    }
  if (self->sources->len == 0)
    return ds_conformance_differ (error, "\"inputs\" is empty");
  return TRUE;
}

/* ---- Names ---- */

/* A name that nobody gave means the source at the place where it stands in "of": @place,
 * -1 outside. */
static DsDStream *
ds_conformance_graph_lookup (DsConformanceGraph *self,
                             const char *name,
                             int place,
                             GError **error)
{
  DsDStream *named = g_hash_table_lookup (self->names, name);
  guint64 number = 0;

  if (named != NULL)
    return named;
  if (g_str_equal (name, "s") || g_str_equal (name, "input"))
    number = 1;
  else if (name[0] == 's')
    g_ascii_string_to_unsigned (name + 1, 10, 1, self->sources->len, &number, NULL);
  if (number == 0 && place >= 0 && (guint) place < self->sources->len)
    number = (guint64) place + 1;
  if (number >= 1 && number <= self->sources->len)
    return g_ptr_array_index (self->sources, number - 1);

  ds_conformance_skip (error, "stream \"%s\" is not one of the %u sources", name,
                       self->sources->len);
  return NULL;
}

/* "map(plus_4)" as { "op": "map", "func": "plus_4" }. */
static JsonObject *
ds_conformance_parse_call (const char *call, GError **error)
{
  const char *open = strchr (call, '(');
  gsize n_name = open != NULL ? (gsize) (open - call) : strlen (call);
  g_autofree char *name = g_strndup (call, n_name);
  const DsConformanceOperator *operation = ds_conformance_find_operator (name, error);
  g_autoptr (JsonObject) params = json_object_new ();
  g_auto (GStrv) arguments = NULL;
  g_autofree char *inside = NULL;

  if (operation == NULL)
    return NULL;
  json_object_set_string_member (params, "op", name);
  if (open == NULL || open[1] == ')')
    return g_steal_pointer (&params);

  inside = g_strndup (open + 1, strlen (open) - 2);
  arguments = g_strsplit (inside, ",", -1);
  for (guint i = 0; arguments[i] != NULL; i++)
    {
      const char *argument = g_strstrip (arguments[i]);
      gint64 number = 0;

      if (i >= G_N_ELEMENTS (operation->parameters) || operation->parameters[i] == NULL)
        {
          ds_conformance_skip (error, "%s takes %u arguments in an expression", name, i);
          return NULL;
        }
      if (g_ascii_string_to_signed (argument, 10, G_MININT64, G_MAXINT64, &number, NULL))
        json_object_set_int_member (params, operation->parameters[i], number);
      else
        json_object_set_string_member (params, operation->parameters[i], argument);
    }
  return g_steal_pointer (&params);
}

/* Cuts at the points outside of parentheses. */
static char **
ds_conformance_split_expression (const char *expression)
{
  g_autoptr (GStrvBuilder) parts = g_strv_builder_new ();
  const char *start = expression;
  int depth = 0;

  for (const char *c = expression; *c != '\0'; c++)
    {
      depth += *c == '(' ? 1 : *c == ')' ? -1 : 0;
      if (depth == 0 && (*c == '.' || c[1] == '\0'))
        {
          g_autofree char *part =
              g_strndup (start, (gsize) (c - start) + (*c == '.' ? 0 : 1));

          g_strv_builder_add (parts, g_strstrip (part));
          start = c + 1;
        }
    }
  return g_strv_builder_end (parts);
}

static DsDStream *
ds_conformance_graph_evaluate_at (DsConformanceGraph *self,
                                  const char *expression,
                                  int place,
                                  GError **error)
{
  g_auto (GStrv) parts = ds_conformance_split_expression (expression);
  DsDStream *stream = NULL;
  guint n_done = 0;

  if (parts[0] == NULL)
    {
      ds_conformance_differ (error, "\"%s\" names no stream", expression);
      return NULL;
    }

  /* "window(2,1)" alone means "s.window(2,1)". */
  if (strchr (parts[0], '(') == NULL)
    {
      stream = ds_conformance_graph_lookup (self, parts[0], place, error);
      n_done = 1;
    }
  else
    stream = ds_conformance_graph_lookup (self, "s", place, error);

  for (guint i = n_done; stream != NULL && parts[i] != NULL; i++)
    {
      g_autoptr (JsonObject) params = NULL;
      const DsConformanceOperator *operation = NULL;

      /* A word of the graph notation: the elements as pairs. */
      if (g_str_equal (parts[i], "pairs"))
        {
          stream = ds_dstream_map (stream, ds_pair_with_one, NULL, NULL);
          continue;
        }
      params = ds_conformance_parse_call (parts[i], error);
      if (params == NULL)
        return NULL;
      operation =
          ds_conformance_find_operator (json_object_get_string_member (params, "op"),
                                        error);
      stream = operation->build (self, stream, params, error);
    }
  return stream;
}

DsDStream *
ds_conformance_graph_evaluate (DsConformanceGraph *self,
                               const char *expression,
                               GError **error)
{
  return ds_conformance_graph_evaluate_at (self, expression, -1, error);
}

GPtrArray *
ds_conformance_graph_evaluate_of (DsConformanceGraph *self,
                                  DsDStream *stream,
                                  JsonObject *params,
                                  GError **error)
{
  g_autoptr (GPtrArray) streams = g_ptr_array_new ();
  JsonArray *of = NULL;

  if (!ds_conformance_has (params, "of"))
    {
      g_ptr_array_add (streams, stream);
      for (guint i = 2; i <= self->sources->len; i++)
        {
          g_autofree char *name = g_strdup_printf ("s%u", i);

          g_ptr_array_add (streams, ds_conformance_graph_lookup (self, name, -1, NULL));
        }
      return g_steal_pointer (&streams);
    }

  of = ds_conformance_read_array (params, "of", error);
  for (guint i = 0; of != NULL && i < json_array_get_length (of); i++)
    {
      JsonNode *node = json_array_get_element (of, i);
      DsDStream *parent = NULL;

      if (!JSON_NODE_HOLDS_VALUE (node) ||
          json_node_get_value_type (node) != G_TYPE_STRING)
        {
          ds_conformance_differ (error, "Item %u of \"of\" is not a string", i + 1);
          return NULL;
        }
      parent = ds_conformance_graph_evaluate_at (self, json_node_get_string (node),
                                                 (int) i, error);
      if (parent == NULL)
        return NULL;
      g_ptr_array_add (streams, parent);
    }
  return of != NULL ? g_steal_pointer (&streams) : NULL;
}

/* ---- Steps ---- */

static DsValue
ds_conformance_pair_up (DsValue value, DsTask *task, gpointer unused)
{
  if (ds_value_is (value, DS_VALUE_TYPE_TUPLE) && value.size == 2)
    return value;
  return ds_pair (task, value, ds_value_int (1));
}

DsDStream *
ds_conformance_graph_to_pairs (DsConformanceGraph *self, DsDStream *stream)
{
  return g_ptr_array_find (self->sources, stream, NULL)
             ? ds_dstream_map (stream, ds_conformance_pair_up, NULL, NULL)
             : stream;
}

static gboolean
ds_conformance_is_length (const char *member)
{
  return g_str_has_prefix (member, "window_") || g_str_has_prefix (member, "slide_");
}

static gboolean
ds_conformance_has_length (JsonObject *step)
{
  g_autoptr (GList) members = json_object_get_members (step);

  for (GList *link = members; link != NULL; link = link->next)
    if (ds_conformance_is_length (link->data))
      return TRUE;
  return FALSE;
}

/* A step of the pipeline may leave out what the case's "op" says of the same operator.
 * What it works on, and lengths once it has some, are its own. */
static JsonObject *
ds_conformance_complete_step (DsConformanceCase *test_case, JsonObject *step)
{
  JsonObject *whole = json_object_new ();
  g_autoptr (GList) own = json_object_get_members (step);
  g_autoptr (GList) given = json_object_get_members (test_case->op);
  gboolean has_length = ds_conformance_has_length (step);

  for (GList *link = own; link != NULL; link = link->next)
    json_object_set_member (whole, link->data, json_object_dup_member (step, link->data));
  if (g_strcmp0 (json_object_get_string_member_with_default (step, "op", ""),
                 test_case->op_name) != 0)
    return whole;
  for (GList *link = given; link != NULL; link = link->next)
    if (!json_object_has_member (whole, link->data) && !g_str_equal (link->data, "of") &&
        !g_str_equal (link->data, "on") &&
        !(has_length && ds_conformance_is_length (link->data)))
      json_object_set_member (whole, link->data,
                              json_object_dup_member (test_case->op, link->data));
  return whole;
}

static DsDStream *
ds_conformance_graph_apply (DsConformanceGraph *self, JsonObject *params, GError **error)
{
  const char *name = ds_conformance_read_string (params, "op", error);
  const DsConformanceOperator *operation =
      name != NULL ? ds_conformance_find_operator (name, error) : NULL;
  const char *on = json_object_get_string_member_with_default (params, "on", NULL);
  DsDStream *stream = self->current;
  JsonNode *of = json_object_get_member (params, "of");

  if (operation == NULL)
    return NULL;
  if (on != NULL)
    stream = ds_conformance_graph_lookup (self, on, -1, error);
  else if (of != NULL && JSON_NODE_HOLDS_VALUE (of))
    stream =
        ds_conformance_graph_evaluate (self,
                                       ds_conformance_read_string (params, "of", NULL),
                                       error);
  else if (stream == NULL)
    stream = ds_conformance_graph_lookup (self, "s1", -1, error);
  if (stream == NULL)
    return NULL;

  stream = operation->build (self, stream, params, error);
  if (stream != NULL && on != NULL)
    g_hash_table_insert (self->names, g_strdup (on), stream);
  else
    self->current = stream;
  return stream;
}

DsDStream *
ds_conformance_graph_build (DsConformanceGraph *self, GError **error)
{
  JsonArray *pipeline = NULL;
  DsDStream *stream = NULL;

  if (!ds_conformance_has (self->test_case->json, "pipeline"))
    return ds_conformance_graph_apply (self, self->test_case->op, error);

  pipeline = ds_conformance_read_array (self->test_case->json, "pipeline", error);
  if (pipeline == NULL)
    return NULL;
  for (guint i = 0; i < json_array_get_length (pipeline); i++)
    {
      JsonNode *step = json_array_get_element (pipeline, i);
      g_autoptr (JsonObject) params = NULL;

      if (!JSON_NODE_HOLDS_OBJECT (step))
        {
          ds_conformance_differ (error, "Step %u of \"pipeline\" is not an object",
                                 i + 1);
          return NULL;
        }
      params =
          ds_conformance_complete_step (self->test_case, json_node_get_object (step));
      stream = ds_conformance_graph_apply (self, params, error);
      if (stream == NULL)
        return NULL;
    }
  if (stream == NULL)
    ds_conformance_differ (error, "\"pipeline\" has no steps");
  return stream;
}
