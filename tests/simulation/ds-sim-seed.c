/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A seed: runs that crash, each in a process of its own, which drops everything that does
 * not last; what the disk makes of it; and in the end one that nothing disturbs, which
 * has to come to the end. */

#include "tests/simulation/ds-sim-private.h"

#include "tests/base/ds-test-remove.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* Errors of the disk end a run, too; so many do before it is left alone. */
#define DS_SIM_MAX_ERRORS 12

/* Where a run is to crash: early ones crash while they recover. */
static DsSimTrouble
draw_trouble (DsSimPlan *plan, DsPropertyRandom *random, guint n_crashes, guint n_errors)
{
  DsSimTrouble trouble = { 0 };

  if (n_errors > DS_SIM_MAX_ERRORS || n_crashes >= plan->n_crashes)
    return trouble;
  trouble.crash_at =
      1 + ds_property_random_below (random, 20u << ds_property_random_below (random, 9));
  trouble.crash =
      ds_property_random_percent (random, 50) ? DS_SIM_POWER_CUT : DS_SIM_KILLED;
  trouble.has_faults = TRUE;
  return trouble;
}

/* The exit status, or minus the signal. */
static int
run_once (DsSimPlan *plan, const char *root, const DsSimTrouble *trouble)
{
  int status;
  pid_t pid = fork ();

  g_assert (pid >= 0);
  if (pid == 0)
    ds_sim_run (plan, root, trouble);
  while (waitpid (pid, &status, 0) < 0)
    g_assert (errno == EINTR);
  return WIFEXITED (status) ? WEXITSTATUS (status) : -WTERMSIG (status);
}

typedef struct
{
  DsSimPlan *plan;
  char *root, *output;
  DsSimDisk *disk;
  DsSimSeen *seen;
  DsPropertyRandom random;
  DsSimCounts *counts;
} DsSimSeed;

/* After a run; NULL: nothing is wrong. */
static char *
look_after (DsSimSeed *self, int end)
{
  char *message = NULL;

  if (end < 0)
    return g_strdup_printf ("run %u died of signal %d", ds_sim_world->run, -end);
  if (end != DS_SIM_FINISHED && end != DS_SIM_KILLED && end != DS_SIM_POWER_CUT &&
      end != DS_SIM_GAVE_UP)
    {
      /* The log says why, or nothing does. */
      message = ds_sim_check (self->plan, self->root);
      return message != NULL && end == DS_SIM_WENT_WRONG
                 ? message
                 : g_strdup_printf ("run %u ended with status %d", ds_sim_world->run,
                                    end);
    }
  ds_sim_disk_replay (self->disk, ds_sim_world->calls, ds_sim_world->n_calls);
  ds_sim_world->n_calls = 0;
  if (!ds_sim_disk_is_as (self->disk, self->root, &message))
    return message;
  if (end == DS_SIM_POWER_CUT)
    ds_sim_disk_cut_power (self->disk, self->root, &self->random);
  self->counts->n_runs++;
  self->counts->n_kills += end == DS_SIM_KILLED;
  self->counts->n_power_cuts += end == DS_SIM_POWER_CUT;
  self->counts->n_errors += end == DS_SIM_GAVE_UP;
  return ds_sim_seen_look (self->seen, self->output, end == DS_SIM_FINISHED);
}

/* While nobody runs, time goes on. */
static void
pass_time (DsSimSeed *self)
{
  guint n_batches = self->plan->graph->n_batches;
  guint batch = (guint) (ds_sim_world->now / DS_SECOND);
  guint n_missed = ds_property_random_percent (&self->random, 50)
                       ? ds_property_random_below (&self->random, 6)
                       : 0;

  /* Before its first batch the stream may have left nothing: then it begins whenever it
   * is started. */
  if (batch > 0 && batch + 6 < n_batches)
    ds_sim_world->now += MIN (n_missed, n_batches - 6 - batch) * DS_SECOND;
  ds_sim_world->run++;
}

static char *
run_all (DsSimSeed *self)
{
  guint n_crashes = 0;
  guint n_errors = 0;
  int end;

  do
    {
      DsSimTrouble trouble =
          draw_trouble (self->plan, &self->random, n_crashes, n_errors);
      char *message;

      end = run_once (self->plan, self->root, &trouble);
      if (end == DS_SIM_TOO_LARGE)
        {
          self->counts->n_too_large++;
          return NULL;
        }
      n_crashes += end == DS_SIM_KILLED || end == DS_SIM_POWER_CUT;
      n_errors += end == DS_SIM_GAVE_UP;
      message = look_after (self, end);
      if (message != NULL)
        return message;
      if (end != DS_SIM_FINISHED)
        pass_time (self);
    }
  while (end != DS_SIM_FINISHED);
  return ds_sim_check (self->plan, self->root);
}

/* Thread: the only one of a process for this seed. */
static char *
simulate (guint64 seed, const char *directory, gboolean is_verbose)
{
  g_autoptr (DsSimPlan) plan = ds_sim_plan_new (seed, is_verbose);
  DsSimSeed self = { .plan = plan,
                     .disk = ds_sim_disk_new (),
                     .seen = ds_sim_seen_new (),
                     .random = { ds_property_mix (~seed) },
                     .counts = ds_sim_world->counts };
  char *message;

  self.root = g_build_filename (directory, "disk", NULL);
  self.output = g_build_filename (self.root, "out", NULL);
  g_assert_cmpint (g_mkdir (self.root, 0700), ==, 0);
  message = run_all (&self);
  self.counts->n_batches += plan->graph->n_batches;
  self.counts->n_file_calls += ds_sim_world->n_file_calls;
  self.counts->n_faults += ds_sim_world->n_faults;
  self.counts->n_switches += ds_sim_world->n_switches;
  ds_sim_disk_free (self.disk);
  ds_sim_seen_free (self.seen);
  g_free (self.root);
  g_free (self.output);
  return message;
}

char *
ds_sim_seed (guint64 seed, const char *directory, gboolean is_verbose, char **log)
{
  g_autofree char *root = g_build_filename (directory, "disk", NULL);
  int status;
  pid_t pid;

  ds_sim_world_reset ();
  ds_sim_world->counts->n_seeds++;
  pid = fork ();
  g_assert (pid >= 0);
  if (pid == 0)
    {
      char *message = simulate (seed, directory, is_verbose);

      if (message != NULL)
        g_strlcpy (ds_sim_world->message, message, DS_SIM_MESSAGE_BYTES);
      _exit (0);
    }
  while (waitpid (pid, &status, 0) < 0)
    g_assert (errno == EINTR);
  if (status != 0)
    g_snprintf (ds_sim_world->message, DS_SIM_MESSAGE_BYTES,
                "the simulation itself ended with status %d", status);
  ds_test_try_remove_tree (root);
  if (log != NULL)
    *log = g_strndup (ds_sim_world->log, ds_sim_world->n_log);
  return *ds_sim_world->message != '\0' ? g_strdup (ds_sim_world->message) : NULL;
}
