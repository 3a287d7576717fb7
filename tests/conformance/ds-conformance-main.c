/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Runs directories of conformance vectors: every "*.json" file is a list of cases.  One
 * line a case, a total a file; exit status 0: all passed or were skipped with a reason,
 * 1: some did not pass, 2: there was nothing to run. */

#include "tests/conformance/ds-conformance-private.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  guint n_ok;
  guint n_not_ok;
  guint n_skipped;
} DsConformanceTotal;

static char *ds_conformance_master;
static int ds_conformance_timeout = 60;

static const GOptionEntry ds_conformance_options[] = {
  { "master", 'm', 0, G_OPTION_ARG_STRING, &ds_conformance_master,
    "Engine to run on (local[2])", "MASTER" },
  { "timeout", 't', 0, G_OPTION_ARG_INT, &ds_conformance_timeout,
    "Give up when one case takes longer (60)", "SECONDS" },
  G_OPTION_ENTRY_NULL,
};

/* A case that hangs must not hang whoever waits for the result. */
static char ds_conformance_hang_message[512];

static void
ds_conformance_give_up (int signal_number)
{
  if (write (STDOUT_FILENO, ds_conformance_hang_message,
             strlen (ds_conformance_hang_message)) < 0)
    _exit (3);
  _exit (1);
}

static void
ds_conformance_watch (const char *name)
{
  g_snprintf (ds_conformance_hang_message, sizeof ds_conformance_hang_message,
              "not ok %.200s # not over after %d s; the run was given up\n", name,
              ds_conformance_timeout);
  alarm ((guint) MAX (ds_conformance_timeout, 0));
}

/* One line, whatever the text is. */
static char *
ds_conformance_to_line (const char *text)
{
  char *line = g_strdup (text);

  for (char *c = line; *c != '\0'; c++)
    if (g_ascii_iscntrl (*c))
      *c = ' ';
  return line;
}

static void
ds_conformance_report (DsConformanceTotal *total, const char *name, const GError *error)
{
  g_autofree char *line = ds_conformance_to_line (name);
  g_autofree char *reason =
      error != NULL ? ds_conformance_to_line (error->message) : NULL;

  if (error == NULL)
    {
      total->n_ok++;
      g_print ("ok %s\n", line);
    }
  else if (g_error_matches (error, DS_CONFORMANCE_ERROR, DS_CONFORMANCE_ERROR_SKIP))
    {
      total->n_skipped++;
      g_print ("skip %s # %s\n", line, reason);
    }
  else
    {
      total->n_not_ok++;
      g_print ("not ok %s # %s\n", line, reason);
    }
}

/* ---- A case ---- */

static gboolean
ds_conformance_run_node (JsonNode *node,
                         const char *name,
                         DsContext *engine,
                         GError **error)
{
  DsConformanceCase test_case = { .name = name, .engine = engine };
  JsonNode *op = NULL;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return ds_conformance_differ (error, "A case must be an object");
  test_case.json = json_node_get_object (node);
  op = json_object_get_member (test_case.json, "op");
  if (op == NULL || !JSON_NODE_HOLDS_OBJECT (op))
    return ds_conformance_differ (error, "The case has no object \"op\"");
  test_case.op = json_node_get_object (op);
  test_case.op_name = ds_conformance_read_string (test_case.op, "op", error);
  return test_case.op_name != NULL && ds_conformance_run_case (&test_case, error);
}

static char *
ds_conformance_dup_name (JsonNode *node, guint index)
{
  const char *name = NULL;

  if (JSON_NODE_HOLDS_OBJECT (node))
    name = json_object_get_string_member_with_default (json_node_get_object (node),
                                                       "name", NULL);
  return name != NULL ? g_strdup (name) : g_strdup_printf ("case %u", index + 1);
}

/* ---- A file ---- */

static void
ds_conformance_run_cases (JsonArray *cases, DsContext *engine, DsConformanceTotal *total)
{
  for (guint i = 0; i < json_array_get_length (cases); i++)
    {
      JsonNode *node = json_array_get_element (cases, i);
      g_autofree char *name = ds_conformance_dup_name (node, i);
      g_autoptr (GError) error = NULL;

      ds_conformance_watch (name);
      ds_conformance_run_node (node, name, engine, &error);
      alarm (0);
      ds_conformance_report (total, name, error);
    }
}

static void
ds_conformance_run_file (const char *directory,
                         const char *file_name,
                         DsContext *engine,
                         DsConformanceTotal *grand_total)
{
  g_autofree char *path = g_build_filename (directory, file_name, NULL);
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  DsConformanceTotal total = { 0 };
  g_autoptr (GError) error = NULL;
  JsonNode *root = NULL;

  g_print ("# %s\n", file_name);
  if (json_parser_load_from_file (parser, path, &error))
    root = json_parser_get_root (parser);
  if (error != NULL)
    ds_conformance_report (&total, file_name, error);
  else if (root == NULL || !JSON_NODE_HOLDS_ARRAY (root))
    {
      ds_conformance_differ (&error, "The file must be an array of cases");
      ds_conformance_report (&total, file_name, error);
    }
  else
    ds_conformance_run_cases (json_node_get_array (root), engine, &total);

  g_print ("# %s: %u ok, %u not ok, %u skipped\n", file_name, total.n_ok, total.n_not_ok,
           total.n_skipped);
  grand_total->n_ok += total.n_ok;
  grand_total->n_not_ok += total.n_not_ok;
  grand_total->n_skipped += total.n_skipped;
}

/* ---- Directories ---- */

static int
ds_conformance_compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static GPtrArray *
ds_conformance_list_files (const char *directory, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (directory, 0, error);
  const char *name = NULL;

  if (dir == NULL)
    return NULL;
  while ((name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (name, ".json"))
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, ds_conformance_compare_names);
  if (names->len == 0)
    {
      ds_conformance_differ (error, "\"%s\" holds no file named *.json", directory);
      return NULL;
    }
  return g_steal_pointer (&names);
}

static gboolean
ds_conformance_run_directory (const char *directory,
                              DsContext *engine,
                              DsConformanceTotal *total)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) names = ds_conformance_list_files (directory, &error);

  if (names == NULL)
    {
      g_printerr ("ds-conformance-dstream: %s\n", error->message);
      return FALSE;
    }
  for (guint i = 0; i < names->len; i++)
    ds_conformance_run_file (directory, g_ptr_array_index (names, i), engine, total);
  return TRUE;
}

int
main (int argc, char *argv[])
{
  g_autoptr (GOptionContext) options = g_option_context_new ("DIRECTORY...");
  g_autoptr (DsContext) engine = NULL;
  g_autoptr (GError) error = NULL;
  DsConformanceTotal total = { 0 };
  gboolean complete = TRUE;

  setlocale (LC_ALL, "");
  setvbuf (stdout, NULL, _IOLBF, 0);
  signal (SIGALRM, ds_conformance_give_up);
  g_option_context_set_summary (options, "Runs the conformance vectors in directories.");
  g_option_context_add_main_entries (options, ds_conformance_options, NULL);
  if (!g_option_context_parse (options, &argc, &argv, &error) || argc < 2)
    {
      g_printerr ("ds-conformance-dstream: %s; try --help\n",
                  error != NULL ? error->message : "which directory?");
      return 2;
    }

  engine =
      ds_context_new (ds_conformance_master != NULL ? ds_conformance_master : "local[2]",
                      "conformance");
  for (int i = 1; i < argc; i++)
    complete = ds_conformance_run_directory (argv[i], engine, &total) && complete;
  ds_context_stop (engine);
  g_free (ds_conformance_master);

  g_print ("# total: %u ok, %u not ok, %u skipped\n", total.n_ok, total.n_not_ok,
           total.n_skipped);
  if (total.n_not_ok > 0)
    return 1;
  return complete ? 0 : 2;
}
