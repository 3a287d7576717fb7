/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ds-simulation [--replay FOLDER] [--seeds A-B] [--twice N] [--verbose]
 *
 * Simulates each seed, and prints what was wrong, with the seed.  Every Nth is simulated
 * once more, and the same has to happen, to the byte.  "-m slow --seed TEXT", which GTest
 * would take, is DS_SIM_SLOW_SEEDS of them, others for each text. */

#include "tests/simulation/ds-sim-private.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* One in so many may be given up, as what it gives is too large. */
#define DS_SIM_SEEDS_FOR_A_LARGE_ONE 100
#define DS_SIM_SLOW_SEEDS 2000

static char *seeds = NULL;
static char *mode = NULL;
static char *base = NULL;
static char *seed_folder = NULL;
static int twice = 10;
static int max_found = 5;
static gboolean is_verbose = FALSE;

static const GOptionEntry options[] = {
  { "seeds", 0, 0, G_OPTION_ARG_STRING, &seeds, "From the first to the last", "A-B" },
  { "replay", 0, 0, G_OPTION_ARG_FILENAME, &seed_folder,
    "All seeds that a file in FOLDER is named after", "FOLDER" },
  { "twice", 0, 0, G_OPTION_ARG_INT, &twice,
    "Every Nth a second time, which must be the same; 0: none", "N" },
  { "mode", 'm', 0, G_OPTION_ARG_STRING, &mode, "slow: many more", "MODE" },
  { "seed", 0, 0, G_OPTION_ARG_STRING, &base, "Where the many begin", "TEXT" },
  { "max-found", 0, 0, G_OPTION_ARG_INT, &max_found, "Ends after N that are wrong", "N" },
  { "verbose", 0, 0, G_OPTION_ARG_NONE, &is_verbose, "All that happens", NULL },
  G_OPTION_ENTRY_NULL,
};

static char *directory;
static int n_found;

/* Where two logs differ first. */
static void
print_difference (const char *first, const char *second)
{
  g_auto (GStrv) a = g_strsplit (first, "\n", -1);
  g_auto (GStrv) b = g_strsplit (second, "\n", -1);
  guint i = 0;

  while (a[i] != NULL && b[i] != NULL && g_str_equal (a[i], b[i]))
    i++;
  for (guint k = i > 4 ? i - 4 : 0; k < i; k++)
    g_print ("    %s\n", a[k]);
  g_print ("  - %s\n  + %s\n", a[i] != NULL ? a[i] : "(end)",
           b[i] != NULL ? b[i] : "(end)");
}

/* In a process of its own, too. (transfer full) */
static char *
describe (guint64 seed)
{
  int status;
  pid_t pid = fork ();

  if (pid == 0)
    {
      g_autoptr (DsSimPlan) plan = ds_sim_plan_new (seed, FALSE);
      g_autofree char *text = ds_sim_plan_describe (plan);

      g_strlcpy (ds_sim_world->message, text, DS_SIM_MESSAGE_BYTES);
      _exit (0);
    }
  g_assert (pid > 0 && waitpid (pid, &status, 0) == pid);
  return g_strdup (ds_sim_world->message);
}

/* With what was drawn, which says more than the seed. */
static void
print_found (guint64 seed, const char *message)
{
  g_autofree char *description = describe (seed);

  g_print ("not ok seed %" G_GUINT64_FORMAT ": %s\n%s"
           "again: tests/simulation/run --seeds %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT
           " --verbose\n",
           seed, message, description, seed, seed);
  n_found++;
}

static void
simulate (guint64 seed, gboolean is_twice)
{
  g_autofree char *log = NULL;
  g_autofree char *second_log = NULL;
  g_autofree char *message = ds_sim_seed (seed, directory, is_verbose, &log);

  if (is_verbose)
    g_print ("%s", log);
  if (message != NULL)
    {
      print_found (seed, message);
      return;
    }
  if (!is_twice)
    return;
  message = ds_sim_seed (seed, directory, is_verbose, &second_log);
  if (message == NULL && strcmp (log, second_log) != 0)
    {
      message = g_strdup ("something else happened the second time");
      print_difference (log, second_log);
    }
  if (message != NULL)
    print_found (seed, message);
}

static void
simulate_range (const char *text)
{
  guint64 first, last;

  if (sscanf (text, "%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT, &first, &last) != 2)
    {
      first = 1;
      last = g_ascii_strtoull (text, NULL, 10);
    }
  for (guint64 seed = first; seed <= last && n_found < max_found; seed++)
    simulate (seed, twice > 0 && seed % (guint64) twice == 0);
}

static void
simulate_many (guint64 first)
{
  for (guint64 i = 1; i <= DS_SIM_SLOW_SEEDS && n_found < max_found; i++)
    simulate ((first << 32) + i, twice > 0 && i % (guint64) twice == 0);
}

static void
simulate_folder (const char *folder)
{
  GDir *names = g_dir_open (folder, 0, NULL);
  const char *name;

  while (names != NULL && (name = g_dir_read_name (names)) != NULL)
    if (g_ascii_isdigit (*name))
      simulate (g_ascii_strtoull (name, NULL, 10), FALSE);
  if (names != NULL)
    g_dir_close (names);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GOptionContext) context =
      g_option_context_new ("- the engine with a simulated disk, network and scheduler");
  g_autoptr (GError) error = NULL;
  gint64 start = g_get_monotonic_time ();
  const DsSimCounts *counts;
  double seconds;

  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }
  directory = g_strdup ("/dev/shm/ds-simulation-XXXXXX");
  if (g_mkdtemp (directory) == NULL)
    {
      g_free (directory);
      directory = g_dir_make_tmp ("ds-simulation-XXXXXX", &error);
      g_assert_no_error (error);
    }
  ds_sim_world_init ();
  if (seed_folder != NULL)
    simulate_folder (seed_folder);
  if (seeds != NULL)
    simulate_range (seeds);
  if (g_strcmp0 (mode, "slow") == 0)
    simulate_many (base != NULL ? g_str_hash (base) : 0);
  g_rmdir (directory);

  counts = ds_sim_world->counts;
  seconds = (double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC;
  if (counts->n_too_large > 1 + counts->n_seeds / DS_SIM_SEEDS_FOR_A_LARGE_ONE)
    {
      g_print ("not ok: %u seeds are too large: make the graphs smaller\n",
               counts->n_too_large);
      n_found++;
    }
  g_print ("%s: %u seeds (%u too large), %" G_GUINT64_FORMAT
           " batches, %u runs, %u kills, %u power "
           "cuts, %u errors, %" G_GUINT64_FORMAT " calls on files, %" G_GUINT64_FORMAT
           " faults, %" G_GUINT64_FORMAT " switches of threads, %d wrong, %.1f s\n",
           n_found == 0 ? "ok" : "not ok", counts->n_seeds, counts->n_too_large,
           counts->n_batches, counts->n_runs, counts->n_kills, counts->n_power_cuts,
           counts->n_errors, counts->n_file_calls, counts->n_faults, counts->n_switches,
           n_found, seconds);
  g_free (directory);
  return n_found > 0 ? 1 : 0;
}
