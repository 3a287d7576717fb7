/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls each public function with all kinds of arguments from inside one kind of
 * callback, and says what it is about to do, so that whoever looks on knows which call
 * never came back: see test-calls-from-callbacks.py.
 *
 *   calls-from-callbacks --list            kinds and types of callback
 *   calls-from-callbacks KIND FIRST FD SEED
 *                                          calls FIRST and following; a line a call on
 * FD; SEED 0: all there are, else some by chance
 *
 * Errors and criticals are answers; only hanging and crashing are not, nor is a callback
 * that comes after the stop has returned. */

#include "tests/behaviour/api-calls.h"

#include "tests/base/ds-test-remove.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct
{
  const ApiFunction *function;
  guint8 choices[API_MAX_PARAMETERS];
  gboolean is_over; /* everything that can be stopped has been */
} PlannedCall;

typedef struct
{
  CallbackSite site;
  ApiObjects objects;
  gboolean has_objects;
  int has_begun;
  guint first;
  GArray *plan;
  GMutex lock;
  GCond changed;
  gboolean is_done;
  int is_over; /* atomic: the stream has stopped, so nothing may be called any more */
} Run;

static int progress_fd;

static void G_GNUC_PRINTF (1, 2) say (const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  vdprintf (progress_fd, format, arguments);
  va_end (arguments);
}

/* ---- The plan ---- */

/* The sensible arguments; each other one, among sensible ones; NULL and 0 throughout. */
static guint
get_n_variants (const ApiFunction *function)
{
  guint n = 1;

  for (guint i = 0; i < function->n_parameters; i++)
    n += function->n_choices[i] - 1u;
  return n + (function->n_parameters > 1);
}

static void
choose_variant (const ApiFunction *function, guint variant, guint8 *choices)
{
  gboolean is_last = variant > 0 && variant == get_n_variants (function) - 1;

  memset (choices, 0, API_MAX_PARAMETERS);
  for (guint i = 0; i < function->n_parameters; i++)
    {
      if (is_last && function->n_parameters > 1)
        choices[i] = MIN (1, (guint8) (function->n_choices[i] - 1));
      else if (variant > 0 && variant < function->n_choices[i])
        choices[i] = (guint8) variant;
      if (is_last && function->n_parameters > 1)
        continue;
      if (variant < function->n_choices[i])
        break;
      variant -= function->n_choices[i] - 1u;
    }
}

static void
add_calls (GArray *plan, ApiWhen when, gboolean is_over)
{
  for (const ApiFunction *function = api_functions; function->name != NULL; function++)
    for (guint i = 0; function->when == when && i < get_n_variants (function); i++)
      {
        PlannedCall call = { function, { 0 }, is_over };

        choose_variant (function, i, call.choices);
        g_array_append_val (plan, call);
      }
}

/* First while the stream runs, then while and after it stops. */
static GArray *
make_plan (const CallbackKind *kind)
{
  GArray *plan = g_array_new (FALSE, FALSE, sizeof (PlannedCall));

  add_calls (plan, API_PLAIN, FALSE);
  if (kind->place != CALLBACK_ELSEWHERE)
    add_calls (plan, API_WAITS, FALSE);
  add_calls (plan, API_ENDS, FALSE);
  add_calls (plan, API_WAITS, TRUE);
  add_calls (plan, API_SLEEPS, TRUE);
  add_calls (plan, API_PLAIN, TRUE);
  add_calls (plan, API_ENDS, TRUE);
  return plan;
}

#define N_RANDOM_CALLS 3000

/* Any order, any arguments; stops come soon, so most of it is while and after one.  What
 * waits for a stop that may not come is left out. */
static GArray *
make_random_plan (const CallbackKind *kind, guint32 seed)
{
  GArray *plan = g_array_new (FALSE, FALSE, sizeof (PlannedCall));
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed ^ g_str_hash (kind->name));
  gint32 n_functions = 0;

  while (api_functions[n_functions].name != NULL)
    n_functions++;
  while (plan->len < N_RANDOM_CALLS)
    {
      const ApiFunction *function =
          &api_functions[g_rand_int_range (rand, 0, n_functions)];
      PlannedCall call = { function, { 0 }, FALSE };

      if (function->when == API_SLEEPS ||
          (function->when == API_WAITS && kind->place == CALLBACK_ELSEWHERE))
        continue;
      for (guint i = 0; i < function->n_parameters; i++)
        if (g_rand_boolean (rand))
          call.choices[i] = (guint8) g_rand_int_range (rand, 0, function->n_choices[i]);
      g_array_append_val (plan, call);
    }
  return plan;
}

static void
do_call (Run *run, guint index)
{
  const PlannedCall *planned = &g_array_index (run->plan, PlannedCall, index);
  ApiCall call = { .objects = &run->objects };
  GString *text = g_string_new (NULL);

  memcpy (call.choices, planned->choices, sizeof call.choices);
  for (guint i = 0; i < planned->function->n_parameters; i++)
    g_string_append_printf (text, " %d", call.choices[i]);
  say ("%u %s, arguments%s%s\n", index, planned->function->name, text->str,
       planned->is_over ? ", after a stop" : "");
  g_string_free (text, TRUE);
  planned->function->call (&call);
  if (call.error != NULL)
    fprintf (stderr, "%s: %s\n", planned->function->name, call.error->message);
  g_clear_error (&call.error);
}

static gboolean
visit (CallbackVisit *visit, gpointer user_data)
{
  Run *run = user_data;
  CallbackPlace place = visit->site->kind->place;

  if (g_atomic_int_get (&run->is_over))
    {
      say ("called after the end\n");
      _exit (EXIT_FAILURE);
    }
  if (!run->has_objects) /* so early that nothing has started */
    api_objects_init (&run->objects, visit->site);
  run->has_objects = TRUE;
  /* What is called in each batch waits until there has been one; generation may be ahead
   * of that. */
  if (place == CALLBACK_TASK && g_atomic_pointer_get (&run->objects.batch) == NULL)
    return TRUE;
  if (!g_atomic_int_compare_and_exchange (&run->has_begun, 0, 1))
    return TRUE;

  run->objects.visit = visit;
  if (visit->site->ssc != NULL)
    run->objects.receiver_info =
        ds_streaming_context_get_receiver_info (visit->site->ssc,
                                                run->objects.receiver_stream);
  /* Going on where another process left off, which had stopped it. */
  if (run->first < run->plan->len && visit->site->ssc != NULL &&
      g_array_index (run->plan, PlannedCall, run->first).is_over)
    ds_streaming_context_stop (visit->site->ssc, DS_STOP_NOW, NULL);
  for (guint i = run->first; i < run->plan->len; i++)
    do_call (run, i);
  say ("called\n");
  g_mutex_lock (&run->lock);
  run->is_done = TRUE;
  g_cond_broadcast (&run->changed);
  g_mutex_unlock (&run->lock);
  return TRUE;
}

/* ---- The program ---- */

static void
list_all (void)
{
  guint n_kinds;
  const CallbackKind *kinds = callback_kinds_get (&n_kinds);

  for (guint i = 0; i < n_kinds; i++)
    printf ("kind %s %s\n", kinds[i].name, kinds[i].type);
  for (guint i = 0; api_callback_types[i] != NULL; i++)
    printf ("type %s\n", api_callback_types[i]);
  for (guint i = 0; api_problems[i] != NULL; i++)
    printf ("problem %s\n", api_problems[i]);
}

static const CallbackKind *
find_kind (const char *name)
{
  guint n_kinds;
  const CallbackKind *kinds = callback_kinds_get (&n_kinds);

  for (guint i = 0; i < n_kinds; i++)
    if (g_str_equal (kinds[i].name, name))
      return &kinds[i];
  g_error ("No kind of callback is called %s", name);
}

static void
ignore_message (const char *domain,
                GLogLevelFlags level,
                const char *message,
                gpointer unused)
{
}

static void
run_kind (const CallbackKind *kind, guint first, guint32 seed)
{
  static Run run; /* what comes too late still finds it */
  g_autoptr (GError) error = NULL;

  run.first = first;
  run.plan = seed == 0 ? make_plan (kind) : make_random_plan (kind, seed);
  callback_site_set_up (&run.site, kind, visit, &run);
  g_object_set (run.site.ssc, "graceful-stop-timeout", DS_SECOND, NULL);
  if (!run.has_objects)
    api_objects_init (&run.objects, &run.site);
  run.has_objects = TRUE;
  callback_site_run (&run.site, &error);
  /* However long: somebody looks on. */
  g_mutex_lock (&run.lock);
  while (!run.is_done)
    g_cond_wait (&run.changed, &run.lock);
  g_mutex_unlock (&run.lock);
  say ("ending\n");
  if (run.site.ssc != NULL)
    {
      ds_streaming_context_stop (run.site.ssc, DS_STOP_NOW, NULL);
      ds_streaming_context_await_termination (run.site.ssc, NULL);
    }
  g_clear_pointer (&run.site.thread, g_thread_join);
  say ("ended\n");
  g_atomic_int_set (&run.is_over, TRUE);
}

/* Calls write files where they please: into the current folder and that of temporary
 * files, which are both one that goes at the end. */
static char *
enter_directory (void)
{
  const char *parent = g_getenv ("TMPDIR");
  char *directory =
      g_build_filename (parent != NULL ? parent : "/tmp", "dstream-calls-XXXXXX", NULL);

  /* Not g_dir_make_tmp (), which would keep the other one in mind. */
  if (g_mkdtemp (directory) == NULL || g_chdir (directory) != 0)
    g_error ("Cannot make the directory \"%s\": %s", directory, g_strerror (errno));
  g_setenv ("TMPDIR", directory, TRUE);
  return directory;
}

int
main (int argc, char *argv[])
{
  g_autofree char *directory = NULL;

  if (argc == 2 && g_str_equal (argv[1], "--list"))
    {
      list_all ();
      return EXIT_SUCCESS;
    }
  if (argc != 5)
    g_error ("usage: calls-from-callbacks KIND FIRST FD SEED");

  /* GLib keeps these texts, made by whichever thread is first, under a lock that the
   * thread sanitizer does not see. */
  for (int number = 1; number < 200; number++)
    g_assert_nonnull (g_strerror (number));
  progress_fd = atoi (argv[3]);
  directory = enter_directory ();
  g_log_set_default_handler (ignore_message, NULL);
  run_kind (find_kind (argv[1]), (guint) atoi (argv[2]),
            (guint32) g_ascii_strtoull (argv[4], NULL, 10));
  ds_test_try_remove_tree (directory); /* calls that are left may still write */
  /* Nothing that the calls made is given up. */
  _exit (EXIT_SUCCESS);
}
