/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Files that are replaced at every moment while those that were read are taken away, and
 * processes that end in between.  The calls between which something can happen stand in
 * this program in place of the C library's. */

#include "base/ds-error.h"
#include "base/ds-file-system-private.h"
#include "tests/base/ds-test-directory.h"

#include <errno.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>

typedef enum
{
  BEFORE_ASIDE,  /* it has been looked at, and is about to be moved aside */
  BEFORE_DELETE, /* ... deleted */
  BEFORE_PLACE,  /* ... moved to the archive, or put back */
  N_MOMENTS
} Moment;

static void (*at[N_MOMENTS]) (void);
static gboolean has_no_renameat2;
static int mkdir_error;
static DsTestDirectory files;
static char *error_message; /* (nullable): what clean-up told */

static void
reach (Moment moment)
{
  void (*func) (void) = at[moment];

  at[moment] = NULL;
  if (func != NULL)
    func ();
}

int
renameat (int from_fd, const char *from, int to_fd, const char *to)
{
  reach (BEFORE_ASIDE);
  return (int) syscall (SYS_renameat, from_fd, from, to_fd, to);
}

int
renameat2 (int from_fd, const char *from, int to_fd, const char *to, unsigned int flags)
{
  reach (BEFORE_PLACE);
  if (has_no_renameat2)
    {
      errno = EINVAL;
      return -1;
    }
  return (int) syscall (SYS_renameat2, from_fd, from, to_fd, to, flags);
}

int
unlinkat (int fd, const char *name, int flags)
{
  reach (BEFORE_DELETE);
  return (int) syscall (SYS_unlinkat, fd, name, flags);
}

/* GLib calls it. */
__attribute__ ((visibility ("default"))) int
mkdir (const char *path, mode_t mode)
{
  if (mkdir_error == 0)
    return (int) syscall (SYS_mkdir, path, mode);
  errno = mkdir_error;
  return -1;
}

/* ---- What all tests do ---- */

static void
note_error (const DsPlannedFile *file, const GError *error, gpointer user_data)
{
  g_free (error_message);
  error_message = g_strdup (error->message);
}

static DsPlannedFile *
plan (const char *name)
{
  g_autofree char *path = ds_test_directory_get_path (&files, name);
  DsFileStatus status;

  g_assert_true (
      ds_file_system_get_status (ds_file_system_get_local (), path, &status, NULL));
  return ds_planned_file_new (ds_file_system_get_local (), path, &status);
}

static void
clean_up (DsPlannedFile *file, gboolean archives)
{
  g_autofree char *archive = ds_test_directory_get_path (&files, "archive");
  g_autoptr (GPtrArray) planned = g_ptr_array_new ();

  g_ptr_array_add (planned, file);
  ds_file_system_clean_up (ds_file_system_get_local (), planned,
                           archives ? archive : NULL, note_error, NULL);
}

static void
set_up (void)
{
  memset (at, 0, sizeof at);
  has_no_renameat2 = FALSE;
  mkdir_error = 0;
  g_clear_pointer (&error_message, g_free);
  ds_test_directory_set_up (&files);
  ds_test_directory_make (&files, "in");
  ds_test_directory_make (&files, "archive");
  ds_test_directory_write (&files, "in/a.gz", "read", 1);
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* The names in "in" and in "archive", and what the files hold. */
static char *
describe (void)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < 2; i++)
    {
      const char *directory = i == 0 ? "in" : "archive";
      g_autofree char *path = ds_test_directory_get_path (&files, directory);
      g_autoptr (GDir) entries = g_dir_open (path, 0, NULL);
      g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
      const char *name;

      while ((name = g_dir_read_name (entries)) != NULL)
        {
          g_autofree char *file = g_build_filename (path, name, NULL);
          g_autofree char *content = NULL;

          g_file_get_contents (file, &content, NULL, NULL);
          g_ptr_array_add (names, g_strdup_printf ("%s/%s=%s ", directory, name,
                                                   content != NULL ? content : "?"));
        }
      g_ptr_array_sort (names, compare_names);
      for (guint j = 0; j < names->len; j++)
        g_string_append (text, names->pdata[j]);
    }
  return g_string_free (text, FALSE);
}

static void
assert_is (const char *expected)
{
  g_autofree char *found = describe ();

  g_assert_cmpstr (found, ==, expected);
}

static void
replace (void)
{
  ds_test_directory_write (&files, "in/.new", "unread", 2);
  ds_test_directory_rename (&files, "in/.new", "in/a.gz");
}

static void
replace_by_another (void)
{
  ds_test_directory_write (&files, "in/.new", "newest", 3);
  ds_test_directory_rename (&files, "in/.new", "in/a.gz");
}

static void
remove_it (void)
{
  ds_test_directory_remove (&files, "in/a.gz");
}

/* ---- Clean-ups ---- */

static void
test_takes_what_was_read (void)
{
  g_test_summary ("What was read goes; nothing in the archive is replaced");

  for (guint round = 0; round < 2; round++)
    {
      g_autoptr (DsPlannedFile) file = NULL;

      set_up ();
      has_no_renameat2 = round == 1;
      file = plan ("in/a.gz");
      clean_up (file, FALSE);
      assert_is ("");
      clean_up (file, FALSE); /* gone */
      ds_test_directory_write (&files, "archive/a.gz", "old", 0);
      ds_test_directory_write (&files, "archive/a.gz.1", "older", 0);
      ds_test_directory_write (&files, "in/a.gz", "read", 1);
      ds_planned_file_free (g_steal_pointer (&file));
      file = plan ("in/a.gz");
      clean_up (file, TRUE);
      assert_is ("archive/a.gz.1=older archive/a.gz.2=read archive/a.gz=old ");
      replace ();
      clean_up (file, TRUE);
      clean_up (file, FALSE);
      assert_is ("in/a.gz=unread archive/a.gz.1=older archive/a.gz.2=read "
                 "archive/a.gz=old ");
      g_assert_null (error_message);
      ds_test_directory_tear_down (&files);
    }
}

static void
test_keeps_what_takes_its_place (void)
{
  g_test_summary ("C12: a file that is put in the place of one that was read is not "
                  "touched, at whatever moment it comes");

  static const struct
  {
    Moment moment;
    void (*change) (void);
    void (*then) (void); /* (nullable): before it is put back */
    const char *deleted;
    const char *archived;
  } cases[] = {
    { BEFORE_ASIDE, replace, NULL, "in/a.gz=unread ", "in/a.gz=unread " },
    { BEFORE_ASIDE, remove_it, NULL, "", "" },
    { BEFORE_DELETE, replace, NULL, "in/a.gz=unread ", NULL },
    { BEFORE_PLACE, replace, NULL, NULL, "in/a.gz=unread archive/a.gz=read " },
    /* Two of them: neither was read. */
    { BEFORE_ASIDE, replace, replace_by_another, "in/1-a.gz=unread in/a.gz=newest ",
      "in/1-a.gz=unread in/a.gz=newest " },
  };
  guint n = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint round = 0; round < 4; round++)
      {
        const char *expected = round % 2 == 0 ? cases[i].deleted : cases[i].archived;
        g_autoptr (DsPlannedFile) file = NULL;

        if (expected == NULL)
          continue;
        set_up ();
        has_no_renameat2 = round >= 2;
        file = plan ("in/a.gz");
        at[cases[i].moment] = cases[i].change;
        if (cases[i].then != NULL)
          at[BEFORE_PLACE] = cases[i].then;
        clean_up (file, round % 2 == 1);
        assert_is (expected);
        g_assert_null (error_message);
        ds_test_directory_tear_down (&files);
        n++;
      }
  g_test_message ("C12: %u replacements during a clean-up: 0 unread files lost", n);
}

static void
test_tells_what_stays (void)
{
  g_test_summary (
      "What cannot be archived stays where it was, and a full disk is cleaned");

  g_autoptr (DsPlannedFile) file = NULL;
  g_autofree char *archive = NULL;

  set_up ();
  archive = ds_test_directory_get_path (&files, "archive");
  file = plan ("in/a.gz");
  mkdir_error = ENOSPC;
  clean_up (file, TRUE);
  assert_is ("in/a.gz=read ");
  g_assert_nonnull (strstr (error_message, "Cannot archive"));
  mkdir_error = 0;
  g_assert_cmpint (g_rmdir (archive), ==, 0);
  g_clear_pointer (&error_message, g_free);
  clean_up (file, TRUE);
  g_assert_cmpint (g_mkdir (archive, 0755), ==, 0);
  assert_is ("in/a.gz=read ");
  g_assert_nonnull (strstr (error_message, "a.gz"));
  mkdir_error = ENOSPC;
  clean_up (file, FALSE);
  assert_is ("");
  g_clear_pointer (&error_message, g_free);
  ds_test_directory_tear_down (&files);
}

/* ---- After a process that ended ---- */

static void
end_process (void)
{
  _exit (0);
}

/* What the child left: the path of the directory that it set files aside in. */
static char *
find_aside (void)
{
  g_autofree char *path = ds_test_directory_get_path (&files, "in");
  g_autoptr (GDir) entries = g_dir_open (path, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (entries)) != NULL)
    if (g_str_has_prefix (name, DS_FILE_ASIDE_PREFIX))
      return g_build_filename (path, name, NULL);
  return NULL;
}

static void
test_is_put_back_after_a_crash (void)
{
  g_test_summary ("A file that was set aside when the process ended is put back");

  static const struct
  {
    Moment moment;
    gboolean archives;
    gboolean replaces;
    const char *restored;
  } cases[] = {
    { BEFORE_ASIDE, FALSE, FALSE, "in/a.gz=read " },
    { BEFORE_DELETE, FALSE, FALSE, "in/a.gz=read " },
    { BEFORE_PLACE, TRUE, FALSE, "in/a.gz=read " },
    { BEFORE_PLACE, FALSE, TRUE, "in/a.gz=unread " },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (DsPlannedFile) file = NULL;
      g_autofree char *aside = NULL;
      g_autoptr (GError) error = NULL;
      pid_t child;

      set_up ();
      file = plan ("in/a.gz");
      child = fork ();
      g_assert_cmpint (child, >=, 0);
      if (child == 0)
        {
          at[BEFORE_ASIDE] = cases[i].replaces ? replace : NULL;
          at[cases[i].moment] = end_process;
          clean_up (file, cases[i].archives);
          _exit (1);
        }

      int how;

      g_assert_cmpint (waitpid (child, &how, 0), ==, child);
      g_assert_cmpint (how, ==, 0);
      aside = find_aside ();
      g_assert_nonnull (aside);
      g_assert_cmpuint (ds_file_system_restore (ds_file_system_get_local (), aside,
                                                &error),
                        ==, cases[i].moment == BEFORE_ASIDE ? 0 : 1);
      g_assert_no_error (error);
      assert_is (cases[i].restored);
      ds_test_directory_tear_down (&files);
    }
}

static void
test_leaves_what_is_in_use (void)
{
  g_test_summary ("What another process has set aside, and still runs, is left alone");

  g_autofree char *aside = NULL;
  g_autoptr (GError) error = NULL;
  int fd;

  set_up ();
  ds_test_directory_make (&files, "in/" DS_FILE_ASIDE_PREFIX "123456");
  ds_test_directory_rename (&files, "in/a.gz", "in/" DS_FILE_ASIDE_PREFIX "123456/a.gz");
  aside = find_aside ();
  fd = open (aside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_assert_cmpint (flock (fd, LOCK_EX), ==, 0);
  g_assert_cmpuint (ds_file_system_restore (ds_file_system_get_local (), aside, &error),
                    ==, 0);
  g_assert_no_error (error);
  close (fd);
  g_assert_cmpuint (ds_file_system_restore (ds_file_system_get_local (), aside, &error),
                    ==, 1);
  g_assert_no_error (error);
  assert_is ("in/a.gz=read ");
  g_assert_cmpuint (ds_file_system_restore (ds_file_system_get_local (), aside, &error),
                    ==, 0);
  g_assert_no_error (error); /* others were faster */
  ds_test_directory_tear_down (&files);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, func) g_test_add_func ("/base/local-clean-up/" name, func)
  ADD ("takes-what-was-read", test_takes_what_was_read);
  ADD ("c12-keeps-what-takes-its-place", test_keeps_what_takes_its_place);
  ADD ("tells-what-stays", test_tells_what_stays);
  ADD ("is-put-back-after-a-crash", test_is_put_back_after_a_crash);
  ADD ("leaves-what-is-in-use", test_leaves_what_is_in_use);
#undef ADD

  return g_test_run ();
}
