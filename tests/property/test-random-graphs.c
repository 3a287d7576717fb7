/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random graphs of streams over random input: what the library gives is what a naive
 * model gives, the same bytes on one worker and on two, and the same when tasks fail and
 * are tried again, or whole batches are.
 *
 *   --graphs=N    how many graphs (500)
 *   --graph=SEED  this one alone, and all about it */

#include "tests/property/ds-property-private.h"

#include "tests/base/ds-test-remove.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>

static int n_graphs = 500;
static char *one_seed;

static const GOptionEntry options[] = {
  { "graphs", 0, 0, G_OPTION_ARG_INT, &n_graphs, "How many graphs", "N" },
  { "graph", 0, 0, G_OPTION_ARG_STRING, &one_seed, "Only the graph of this seed",
    "SEED" },
  G_OPTION_ENTRY_NULL,
};

/* Two engines for all graphs, then two for every fourth. */
#define N_ENGINES 4
#define N_PLAIN_ENGINES 2

static char *directory;

static void
make_engines (DsPropertyEngine engines[N_ENGINES])
{
  static const char *const masters[] = { "local[1]", "local[2]", "local[2]", "local[2]" };
  static const char *const names[] = { "local[1]", "local[2]",
                                       "local[2] with failing tasks",
                                       "local[2] with failing batches" };
  static const DsPropertyFailures failures[] = {
    DS_PROPERTY_NO_FAILURES,
    DS_PROPERTY_NO_FAILURES,
    DS_PROPERTY_FAILING_TASKS,
    DS_PROPERTY_FAILING_BATCHES,
  };
  g_autoptr (GError) error = NULL;

  /* In memory, where syncs cost nothing: they are not what is looked at. */
  directory = g_strdup ("/dev/shm/ds-property-XXXXXX");
  if (g_mkdtemp (directory) == NULL)
    {
      g_free (directory);
      directory = g_dir_make_tmp ("ds-property-XXXXXX", &error);
    }
  g_assert_no_error (error);
  for (guint i = 0; i < N_ENGINES; i++)
    {
      /* Partitions are part of the plan, workers are not. */
      engines[i] = (DsPropertyEngine){
        .name = names[i],
        .engine =
            g_object_new (DS_TYPE_CONTEXT, "master", masters[i], "app-name",
                          "random-graphs", "default-parallelism", 3u, "max-task-failures",
                          failures[i] == DS_PROPERTY_FAILING_TASKS ? 3u : 1u, NULL),
        .failures = failures[i],
        .directory = directory,
      };
    }
}

static void
clear_engines (DsPropertyEngine engines[N_ENGINES])
{
  for (guint i = 0; i < N_ENGINES; i++)
    {
      ds_context_stop (engines[i].engine);
      g_object_unref (engines[i].engine);
    }
  ds_test_try_remove_tree (directory);
  g_clear_pointer (&directory, g_free);
}

/* Of tasks, that were put into them. */
static gint n_failures;

/* FALSE: it went wrong, and all about it was printed. */
static gboolean
check_graph (guint64 seed,
             const DsPropertyEngine *engines,
             guint n_engines,
             gboolean is_verbose)
{
  g_autoptr (DsPropertyGraph) graph = ds_property_generate (seed);
  g_autofree char *description = NULL;
  DsPropertyFault fault = { 0 };

  g_test_message ("seed %" G_GUINT64_FORMAT ": %u streams, %u batches", seed,
                  graph->nodes->len, graph->n_batches);
  if (is_verbose)
    {
      description = ds_property_graph_describe (graph, FALSE);
      g_test_message ("%s", description);
      g_clear_pointer (&description, g_free);
    }
  if (ds_property_check (graph, engines, n_engines, &fault))
    {
      n_failures += graph->n_failures;
      return TRUE;
    }

  ds_property_shrink (graph, engines, n_engines, &fault);
  description = ds_property_graph_describe (graph, TRUE);
  g_test_message ("%s", fault.message);
  g_test_message ("%s", description);
  g_test_fail_printf ("the graph of seed %" G_GUINT64_FORMAT
                      " (again: --graph=%" G_GUINT64_FORMAT ")",
                      seed, seed);
  g_free (fault.message);
  return FALSE;
}

/* What is told of batches that are tried again, or give nothing, is as it should be. */
static void
ignore_message (const char *domain,
                GLogLevelFlags level,
                const char *message,
                gpointer unused)
{
}

static void
test_graphs_give_what_the_model_gives (void)
{
  DsPropertyEngine engines[N_ENGINES];
  guint n_wrong = 0;

  g_test_summary (
      "Random graphs give what lists and dictionaries give, on one worker, on "
      "two, and with failures on the way");
  g_log_set_handler (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_DEBUG,
                     ignore_message, NULL);
  make_engines (engines);
  if (one_seed != NULL)
    check_graph (g_ascii_strtoull (one_seed, NULL, 10), engines, N_ENGINES, TRUE);
  for (int i = 0; one_seed == NULL && i < n_graphs && n_wrong < 3; i++)
    {
      guint64 seed = (guint64) (guint32) g_test_rand_int () << 32;

      seed |= (guint32) g_test_rand_int ();
      n_wrong +=
          !check_graph (seed, engines, i % 4 == 0 ? N_ENGINES : N_PLAIN_ENGINES, FALSE);
    }
  if (n_graphs > 10 && one_seed == NULL)
    g_assert_cmpint (n_failures, >, 0);
  clear_engines (engines);
}

/* The check itself: a result of the model is changed, and must be found. */
static void
test_a_difference_is_found_and_made_small (void)
{
  DsPropertyEngine engines[N_ENGINES];
  DsPropertyFault fault = { 0 };
  g_autoptr (DsPropertyGraph) graph = NULL;
  DsPropertyNode *output = NULL;
  GArray *list = NULL;
  DsValue surplus = ds_value_int (4711);
  guint n_nodes = 0;

  g_test_summary (
      "One value too many in one batch of one output is found, with its place");
  make_engines (engines);
  graph = ds_property_generate (1);
  n_nodes = ds_property_graph_count (graph);
  output = ds_property_graph_get (graph, graph->nodes->len - 1);
  list = g_ptr_array_index (output->results, graph->n_batches - 1);
  g_assert_true (output->is_output);
  g_assert_true (ds_property_check (graph, engines, N_ENGINES, &fault));

  g_array_append_val (list, surplus);
  g_assert_false (ds_property_check (graph, engines, 1, &fault));
  g_assert_true (fault.node == output);
  g_assert_cmpuint (fault.batch, ==, graph->n_batches - 1);
  g_assert_nonnull (strstr (fault.message, "4711"));
  g_free (fault.message);

  ds_property_graph_keep_only (graph, output);
  g_assert_cmpuint (ds_property_graph_count (graph), <=, n_nodes);
  g_assert_false (ds_property_check (graph, engines, 1, &fault));
  g_assert_nonnull (strstr (fault.message, "4711"));
  g_free (fault.message);
  clear_engines (engines);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, options, NULL);
  g_option_context_set_ignore_unknown_options (context, TRUE);
  g_option_context_set_help_enabled (context, FALSE);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/property/random-graphs/give-what-the-model-gives",
                   test_graphs_give_what_the_model_gives);
  g_test_add_func ("/property/random-graphs/a-difference-is-found",
                   test_a_difference_is_found_and_made_small);
  return g_test_run ();
}
