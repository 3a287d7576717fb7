/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whose directory it is, who uses it, and what is refused (RELIABILITY A15, B13, B14). */

#include "tests/base/ds-test-durable-private.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef DsTestDurable Fixture;

static void
test_makes_it_for_the_user_alone (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A new directory is 0700, its files 0600, and it is fresh");

  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);
  struct stat info;
  int fd = ds_durable_directory_create_file (directory, "ckpt-1", NULL);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (fstat (fd, &info), ==, 0);
  g_assert_cmpuint (info.st_mode & 07777, ==, 0600);
  close (fd);
  g_assert_cmpint (stat (fixture->path, &info), ==, 0);
  g_assert_cmpuint (info.st_mode & 07777, ==, 0700);
  g_assert_true (ds_durable_directory_is_fresh (directory));
}

static void
test_keeps_its_application (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Opened again it is the same application, and no longer fresh");

  DsDurableDirectory *directory = ds_test_durable_open (fixture);
  g_autofree char *name =
      g_strdup (ds_durable_directory_get_application_name (directory));

  g_assert_cmpuint (strlen (name), ==, 32);
  ds_durable_directory_close (directory);
  ds_test_durable_write (fixture, "wal-0000000000000001", "x", 1);
  directory = ds_test_durable_open (fixture);
  g_assert_cmpstr (ds_durable_directory_get_application_name (directory), ==, name);
  g_assert_false (ds_durable_directory_is_fresh (directory));
  ds_durable_directory_close (directory);
}

static void
test_refuses_a_second_one (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("While it is in use a second open fails and says who uses it");

  g_autoptr (GError) error = NULL;
  DsDurableDirectory *directory = ds_test_durable_open (fixture);
  g_autofree char *process = g_strdup_printf ("process %ld (", (long) getpid ());
  const char *words[] = { fixture->path, process, g_get_host_name (), "since 20", NULL };

  g_assert_null (ds_durable_directory_open (fixture->path, 0, &error));
  ds_test_assert_told (error, DS_ERROR_LOCKED, words);
  ds_durable_directory_close (directory);
  directory = ds_test_durable_open (fixture);
  ds_durable_directory_close (directory);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                               \
  g_test_add ("/base/durable-directory/" name, Fixture, NULL, ds_test_durable_set_up, \
              func, ds_test_durable_tear_down)
  ADD ("makes-it-for-the-user-alone", test_makes_it_for_the_user_alone);
  ADD ("keeps-its-application", test_keeps_its_application);
  ADD ("refuses-a-second-one", test_refuses_a_second_one);
#undef ADD
  return g_test_run ();
}
