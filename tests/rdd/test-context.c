/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DsContext: masters, settings, latched errors, life. */

#include "tests/rdd/ds-test-rdd.h"

#include "rdd/ds-job-private.h"

#include <sys/wait.h>
#include <unistd.h>

static void
assert_parallelism (const char *master, guint n_workers)
{
  g_autoptr (DsTestContext) context = ds_test_context_new (master);

  g_assert_no_error (ds_context_get_error (context));
  g_assert_cmpuint (ds_context_get_default_parallelism (context), ==, n_workers);
}

static void
test_context_understands_masters (void)
{
  g_test_summary ("local, local[n], local[*] and loopback[n] say how many workers");

  assert_parallelism ("local", 1);
  assert_parallelism ("local[1]", 1);
  assert_parallelism ("local[12]", 12);
  assert_parallelism ("local[1024]", 1024);
  assert_parallelism ("local[*]", g_get_num_processors ());
  assert_parallelism ("loopback[2]", 2);
}

static void
test_context_refuses_other_masters (void)
{
  static const char *const masters[] = { "",
                                         "Local",
                                         "local[0]",
                                         "local[-1]",
                                         "local[1025]",
                                         "local[2",
                                         "local[2]x",
                                         "local[ 2]",
                                         "local[+2]",
                                         "local[]",
                                         "local2",
                                         "loopback",
                                         "loopback[0]",
                                         "loopback[*]",
                                         "spark://host:7077",
                                         "local[99999999999999999999]" };

  g_test_summary ("Any other master fails the first action, naming what was found");

  for (guint i = 0; i < G_N_ELEMENTS (masters); i++)
    {
      g_autoptr (DsTestContext) context = ds_test_context_new (masters[i]);
      g_autofree char *quoted = g_strdup_printf ("\"%s\"", masters[i]);
      g_autoptr (DsRdd) numbers = ds_test_integers (context, 3, 0);

      ds_test_assert_fails (numbers, DS_ERROR_INVALID_ARGUMENT, quoted, "\"local[n]\"",
                            NULL);
    }
}

static void
test_context_refuses_null_arguments (void)
{
  g_autoptr (DsTestContext) nowhere = ds_context_new (NULL, "test");
  g_autoptr (DsTestContext) nameless = ds_context_new ("local", NULL);
  g_autoptr (DsRdd) a = ds_context_empty (nowhere);
  g_autoptr (DsRdd) b = ds_context_empty (nameless);

  g_test_summary ("A master or name of NULL fails the first action");

  ds_test_assert_fails (a, DS_ERROR_INVALID_ARGUMENT, "master", NULL);
  ds_test_assert_fails (b, DS_ERROR_INVALID_ARGUMENT, "name", NULL);
}

static void
test_context_has_settings (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autofree char *master = NULL;
  g_autofree char *name = NULL;
  g_autofree char *directory = NULL;
  guint64 budget = 0;
  guint failures = 0;
  guint parallelism = 0;

  g_test_summary ("Settings are properties with defaults of use");

  g_object_get (context, "master", &master, "app-name", &name, "local-directory",
                &directory, "memory-budget", &budget, "max-task-failures", &failures,
                "default-parallelism", &parallelism, NULL);
  g_assert_cmpstr (master, ==, "local[2]");
  g_assert_cmpstr (name, ==, "test");
  g_assert_cmpstr (directory, ==, g_get_tmp_dir ());
  g_assert_cmpuint (budget, >, 1024 * 1024);
  g_assert_cmpuint (failures, ==, 1);
  g_assert_cmpuint (parallelism, ==, 2);

  g_object_set (context, "local-directory", "/nowhere", "memory-budget",
                (guint64) 12345678, "default-parallelism", 7, NULL);
  g_assert_cmpstr (ds_context_get_local_directory (context), ==, "/nowhere");
  g_assert_cmpuint (ds_context_get_default_parallelism (context), ==, 7);
  g_object_get (context, "memory-budget", &budget, NULL);
  g_assert_cmpuint (budget, ==, 12345678);
  g_object_set (context, "default-parallelism", 0, NULL);
  g_assert_cmpuint (ds_context_get_default_parallelism (context), ==, 2);
}

static void
test_context_stops_once (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 3, 2);

  g_test_summary ("A second stop does nothing; nothing runs afterwards");

  ds_test_assert_collects (numbers, "0\n1\n2\n");
  g_assert_false (ds_context_is_stopped (context));
  ds_context_stop (context);
  ds_context_stop (context);
  g_assert_true (ds_context_is_stopped (context));
  ds_test_assert_fails (numbers, DS_ERROR_STOPPED, NULL);
}

static void
test_context_may_go_without_stop (void)
{
  DsContext *context = ds_test_context_new ("local[3]");
  DsRdd *numbers = ds_test_integers (context, 100000, 3);

  g_test_summary ("A context that is given up without stop lets its threads go");

  g_assert_cmpint (ds_rdd_count (numbers, NULL), ==, 100000);
  g_object_unref (numbers);
  g_assert_finalize_object (context);
}

/* In the child: what every call does there, as exit status; 0 for what it should. */
static int
use_in_child (DsContext *context, DsRdd *numbers)
{
  g_autoptr (GError) error = NULL;

  alarm (60); /* should it hang */
  if (ds_rdd_count (numbers, &error) != -1 ||
      !g_error_matches (error, DS_ERROR, DS_ERROR_INVALID_STATE) ||
      strstr (error->message, "after fork ()") == NULL)
    return 1;
  if (ds_context_get_counter (context, "n") != 0)
    return 2;
  ds_context_cancel_jobs (context, NULL);
  ds_context_stop (context);
  g_object_unref (numbers);
  g_object_unref (context);
  return 0;
}

static void
test_context_refuses_work_in_a_child (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[3]");
  g_autoptr (DsRdd) numbers = ds_test_integers (context, 100000, 3);
  int status;
  pid_t child;

  g_test_summary ("After fork () actions fail, and stop waits for no thread");

  g_assert_cmpint (ds_rdd_count (numbers, NULL), ==, 100000);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    _exit (use_in_child (context, numbers));
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  g_assert_cmpint (ds_rdd_count (numbers, NULL), ==, 100000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) g_test_add_func ("/rdd/context/" path, func)
  ADD ("understands-masters", test_context_understands_masters);
  ADD ("refuses-other-masters", test_context_refuses_other_masters);
  ADD ("refuses-null-arguments", test_context_refuses_null_arguments);
  ADD ("has-settings", test_context_has_settings);
  ADD ("stops-once", test_context_stops_once);
  ADD ("may-go-without-stop", test_context_may_go_without_stop);
  ADD ("refuses-work-in-a-child", test_context_refuses_work_in_a_child);
#undef ADD
  return g_test_run ();
}
