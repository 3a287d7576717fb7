/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cases of outputs: the text that print writes, the files that saving leaves.  They are
 * looked at from outside: standard output goes into a file for the time of the
 * case, and the case runs in a fresh directory. */

#include "tests/conformance/ds-conformance-private.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- Surroundings of a case ---- */

typedef struct
{
  char *directory; /* fresh, and the current one */
  char *previous_directory;
  char *output_path;
  int previous_output;
} DsConformanceSurroundings;

static gboolean
ds_conformance_surroundings_enter (DsConformanceSurroundings *self, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autofree char *output_path = NULL;
  int output = 0;

  self->directory = g_dir_make_tmp ("ds-conformance-XXXXXX", &local_error);
  output = self->directory != NULL
               ? g_file_open_tmp ("ds-conformance-XXXXXX", &output_path, &local_error)
               : -1;
  if (output < 0)
    return ds_conformance_skip (error, "no room for output: %s", local_error->message);

  self->previous_directory = g_get_current_dir ();
  self->output_path = g_steal_pointer (&output_path);
  fflush (stdout);
  self->previous_output = dup (STDOUT_FILENO);
  dup2 (output, STDOUT_FILENO);
  close (output);
  return g_chdir (self->directory) == 0 ||
         ds_conformance_skip (error, "cannot work in %s", self->directory);
}

/* Back, with what was written to standard output. */
static char *
ds_conformance_surroundings_leave (DsConformanceSurroundings *self)
{
  char *text = NULL;

  if (self->output_path == NULL)
    return NULL;
  fflush (stdout);
  dup2 (self->previous_output, STDOUT_FILENO);
  close (self->previous_output);
  if (g_chdir (self->previous_directory) != 0)
    g_error ("Cannot go back to %s", self->previous_directory);
  g_file_get_contents (self->output_path, &text, NULL, NULL);
  g_unlink (self->output_path);
  g_clear_pointer (&self->output_path, g_free);
  return text;
}

static void
ds_conformance_surroundings_clear (DsConformanceSurroundings *self)
{
  g_free (ds_conformance_surroundings_leave (self));
  if (self->directory != NULL)
    ds_test_try_remove_tree (self->directory);
  g_clear_pointer (&self->directory, g_free);
  g_clear_pointer (&self->previous_directory, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DsConformanceSurroundings,
                                  ds_conformance_surroundings_clear)

/* Relative path -> content of all files; hidden ones are nobody's business. */
static void
ds_conformance_read_tree (const char *root, const char *path, GHashTable *files)
{
  g_autofree char *whole = g_build_filename (root, path, NULL);
  g_autoptr (GDir) dir = g_dir_open (whole, 0, NULL);
  const char *name = NULL;
  char *content = NULL;

  if (dir == NULL && g_file_get_contents (whole, &content, NULL, NULL))
    g_hash_table_insert (files, g_strdup (path), content);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (name[0] != '.')
      {
        g_autofree char *child =
            path[0] != '\0' ? g_build_filename (path, name, NULL) : g_strdup (name);

        ds_conformance_read_tree (root, child, files);
      }
}

/* ---- Running ---- */

/* A batch length for which @batch_time_ms is a batch time. */
static gint64
ds_conformance_choose_interval (gint64 batch_time_ms)
{
  gint64 interval = 1000;

  while (batch_time_ms % interval != 0)
    interval /= 10;
  return interval;
}

/* "prefix" and "suffix" of saving; both may be null or missing. */
static const char *
ds_conformance_get_text (JsonObject *op, const char *member)
{
  return ds_conformance_has (op, member) ? json_object_get_string_member (op, member)
                                         : NULL;
}

static void
ds_conformance_add_output (DsConformanceCase *self, DsDStream *stream, gint64 n)
{
  if (g_str_equal (self->op_name, "print"))
    ds_dstream_print (stream, (guint) n);
  else
    {
      const char *prefix = ds_conformance_get_text (self->op, "prefix");

      ds_dstream_save_as_text_files (stream, prefix != NULL ? prefix : "",
                                     ds_conformance_get_text (self->op, "suffix"));
    }
}

/* Runs the batches of @blocks, the first of them at the time of the case. */
static gboolean
ds_conformance_run_batches_of (DsConformanceCase *self, GPtrArray *blocks, GError **error)
{
  g_auto (DsConformanceSession) session = { 0 };
  g_autoptr (GError) batch_error = NULL;
  gint64 batch_time_ms = 0;
  gint64 batch_ms = 0;
  gint64 n_partitions = 0;
  gint64 n = 0;

  if (!ds_conformance_read_int (self->json, "batch_time_ms", &batch_time_ms, error) ||
      !ds_conformance_read_int_or (self->json, "batch_ms",
                                   ds_conformance_choose_interval (batch_time_ms),
                                   &batch_ms, error) ||
      !ds_conformance_read_int_or (self->json, "partitions", 1, &n_partitions, error) ||
      !ds_conformance_read_int_or (self->op, "partitions", n_partitions, &n_partitions,
                                   error) ||
      !ds_conformance_read_int_or (self->op, "num", 10, &n, error))
    return FALSE;
  if (batch_ms <= 0 || n_partitions <= 0 || batch_time_ms <= 0 || n < 0)
    return ds_conformance_differ (error, "A time or number of the case is not positive");

  ds_conformance_session_init (&session, self->engine, batch_ms,
                               batch_time_ms - batch_ms);
  ds_conformance_add_output (self,
                             ds_conformance_source_new (&session, self->engine, blocks,
                                                        (guint) n_partitions),
                             n);
  if (!ds_conformance_session_start (&session, error))
    return FALSE;
  for (guint i = 0; i < blocks->len; i++)
    if (!ds_conformance_session_tick (&session, &batch_error))
      return ds_conformance_differ (error, "Batch %u failed: %s", i + 1,
                                    batch_error->message);
  return TRUE;
}

/* ---- Comparing ---- */

static gboolean
ds_conformance_compare_text (const char *what,
                             const char *expected,
                             const char *found,
                             GError **error)
{
  g_autofree char *expected_line = g_strescape (expected, NULL);
  g_autofree char *found_line = g_strescape (found, NULL);

  return g_str_equal (expected, found) ||
         ds_conformance_differ (error, "%s: expected \"%s\", found \"%s\"", what,
                                expected_line, found_line);
}

static gboolean
ds_conformance_compare_files (DsConformanceCase *self, GHashTable *files, GError **error)
{
  JsonNode *node = json_object_get_member (self->json, "expected_files");
  g_autoptr (GList) names = NULL;
  GHashTableIter iter;
  gpointer name = NULL;

  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return ds_conformance_differ (error, "\"expected_files\" is not an object");
  names = json_object_get_members (json_node_get_object (node));
  for (GList *link = names; link != NULL; link = link->next)
    {
      const char *expected =
          ds_conformance_read_string (json_node_get_object (node), link->data, error);
      const char *found = g_hash_table_lookup (files, link->data);

      if (expected == NULL)
        return FALSE;
      if (found == NULL)
        return ds_conformance_differ (error, "File %s is missing",
                                      (const char *) link->data);
      if (!ds_conformance_compare_text (link->data, expected, found, error))
        return FALSE;
    }

  g_hash_table_iter_init (&iter, files);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    if (!json_object_has_member (json_node_get_object (node), name))
      return ds_conformance_differ (error, "File %s was not expected",
                                    (const char *) name);
  return TRUE;
}

static GPtrArray *
ds_conformance_read_output_input (DsConformanceCase *self, GError **error)
{
  g_autoptr (JsonArray) batches = json_array_new ();
  JsonArray *input = NULL;

  input = ds_conformance_read_array (self->json, "input", error);
  if (input == NULL)
    return NULL;
  if (!g_str_equal (self->op_name, "print"))
    return ds_conformance_read_batches (input, error);

  /* The elements of the one batch that is printed. */
  json_array_add_array_element (batches, json_array_ref (input));
  return ds_conformance_read_batches (batches, error);
}

gboolean
ds_conformance_run_output (DsConformanceCase *self, GError **error)
{
  g_auto (DsConformanceSurroundings) surroundings = { 0 };
  g_autoptr (GPtrArray) blocks = ds_conformance_read_output_input (self, error);
  g_autoptr (GHashTable) files =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  const char *prefix = ds_conformance_get_text (self->op, "prefix");
  const char *expected_text = NULL;
  g_autofree char *text = NULL;

  if (blocks == NULL)
    return FALSE;
  if (prefix != NULL && (g_path_is_absolute (prefix) || strstr (prefix, "..") != NULL))
    return ds_conformance_skip (error, "prefix \"%s\" leads out of the directory",
                                prefix);
  if (!ds_conformance_surroundings_enter (&surroundings, error) ||
      !ds_conformance_run_batches_of (self, blocks, error))
    return FALSE;

  text = ds_conformance_surroundings_leave (&surroundings);
  ds_conformance_read_tree (surroundings.directory, "", files);
  if (g_str_equal (self->op_name, "saveAsTextFiles"))
    return ds_conformance_compare_files (self, files, error);
  expected_text = ds_conformance_read_string (self->json, "expected_text", error);
  return expected_text != NULL &&
         ds_conformance_compare_text ("Standard output", expected_text, text, error);
}
