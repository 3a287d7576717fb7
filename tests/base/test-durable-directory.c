/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Whose directory it is, who uses it, and what is refused (RELIABILITY A15, B13, B14,
 * B16). */

#include "base/ds-durable-file-private.h"
#include "tests/base/ds-test-durable-private.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

typedef DsTestDurable Fixture;

/* (transfer full) */
static GError *
fail_to_open (Fixture *fixture,
              DsDurableDirectoryFlags flags,
              int code,
              const char *const *words)
{
  GError *error = NULL;

  g_assert_null (ds_durable_directory_open (fixture->path, flags, &error));
  ds_test_assert_told (error, code, words);
  return error;
}

static void
assert_refused (Fixture *fixture,
                DsDurableDirectoryFlags flags,
                int code,
                const char *const *words)
{
  g_error_free (fail_to_open (fixture, flags, code, words));
}

static void
test_makes_it_for_the_user_alone (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A new directory is 0700, its files 0600, and it is fresh");

  g_autoptr (DsDurableDirectory) directory = NULL;
  struct stat info;
  int fd;

  g_free (fixture->path);
  fixture->path = g_build_filename (fixture->above, "a", "b", "c", NULL);
  directory = ds_test_durable_open (fixture);
  fd = ds_durable_directory_create_file (directory, "ckpt-1", NULL);
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
test_what_was_begun_goes (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Files that were begun and not finished go, unless it is only read");

  g_autoptr (GError) error = NULL;
  DsDurableDirectory *directory = ds_test_durable_open (fixture);

  ds_durable_directory_close (directory);
  ds_test_durable_write (fixture, ".tmp-ckpt-00000000000000001000-1-0", "x", 1);
  directory =
      ds_durable_directory_open (fixture->path, DS_DURABLE_DIRECTORY_READ_ONLY, &error);
  g_assert_no_error (error);
  ds_durable_directory_close (directory);
  g_assert_true (ds_test_durable_has (fixture, ".tmp-ckpt-00000000000000001000-1-0"));
  directory = ds_test_durable_open (fixture);
  g_assert_false (ds_test_durable_has (fixture, ".tmp-ckpt-00000000000000001000-1-0"));
  ds_durable_directory_close (directory);
}

static void
test_not_there (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Without leave to make it a directory has to be there");

  const char *words[] = { fixture->path, NULL };

  assert_refused (fixture, 0, DS_ERROR_NOT_FOUND, words);
  assert_refused (fixture, DS_DURABLE_DIRECTORY_READ_ONLY | DS_DURABLE_DIRECTORY_CREATE,
                  DS_ERROR_NOT_FOUND, words);
}

/* ---- Locks ---- */

static void
test_refuses_a_second_one (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("While it is in use a second open fails and says who uses it");

  DsDurableDirectory *directory = ds_test_durable_open (fixture);
  DsDurableDirectory *reader;
  g_autofree char *process = g_strdup_printf ("process %ld (", (long) getpid ());
  const char *words[] = {
    fixture->path, process, "test-durable", g_get_host_name (), "since 20",
    "stop that",   NULL
  };

  assert_refused (fixture, 0, DS_ERROR_LOCKED, words);
  reader =
      ds_durable_directory_open (fixture->path, DS_DURABLE_DIRECTORY_READ_ONLY, NULL);
  g_assert_nonnull (reader);
  ds_durable_directory_close (reader);
  ds_durable_directory_close (directory);
  directory = ds_test_durable_open (fixture);
  ds_durable_directory_close (directory);
}

typedef struct
{
  Fixture *fixture;
  gint *n_ready;
  DsDurableDirectory *directory;
  GError *error;
} Starter;

static gpointer
start (gpointer user_data)
{
  Starter *self = user_data;

  g_atomic_int_inc (self->n_ready);
  while (g_atomic_int_get (self->n_ready) < 2)
    g_thread_yield ();
  self->directory = ds_durable_directory_open (self->fixture->path,
                                               DS_DURABLE_DIRECTORY_CREATE, &self->error);
  return NULL;
}

/* Without the disk, which has nothing to do with who wins. */
static int
pretend_to_sync (const char *call, const char *path, gsize *n_bytes, gpointer user_data)
{
  return g_str_has_suffix (call, "sync") ? DS_DURABLE_PRETEND : 0;
}

typedef struct
{
  char *parent;
  guint n_synced;
} ParentSyncs;

static int
count_parent_syncs (const char *call,
                    const char *path,
                    gsize *n_bytes,
                    gpointer user_data)
{
  ParentSyncs *syncs = user_data;

  if (g_str_equal (call, "fsync") && g_str_equal (path, syncs->parent))
    syncs->n_synced++;
  return 0;
}

static void
test_its_name_lasts (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Whoever made it may have been killed before its name was synced");

  g_autofree char *parent = g_path_get_dirname (fixture->path);
  ParentSyncs syncs = { parent, 0 };

  ds_durable_directory_close (ds_test_durable_open (fixture));
  ds_durable_file_set_fault_func (count_parent_syncs, &syncs);
  ds_durable_directory_close (ds_test_durable_open (fixture));
  ds_durable_file_set_fault_func (NULL, NULL);
  g_assert_cmpuint (syncs.n_synced, ==, 1);
}

static void
test_races (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Of two that start at once exactly one wins, 1,000 times");

  guint n_wins[2] = { 0 };

  ds_durable_file_set_fault_func (pretend_to_sync, NULL);
  for (guint i = 0; i < 1000; i++)
    {
      gint n_ready = 0;
      Starter starters[2] = { { fixture, &n_ready, NULL, NULL },
                              { fixture, &n_ready, NULL, NULL } };
      GThread *threads[2];

      for (guint k = 0; k < 2; k++)
        threads[k] = g_thread_new ("starter", start, &starters[k]);
      for (guint k = 0; k < 2; k++)
        g_thread_join (threads[k]);
      g_assert_true ((starters[0].directory != NULL) != (starters[1].directory != NULL));
      for (guint k = 0; k < 2; k++)
        if (starters[k].directory != NULL)
          {
            ds_durable_directory_close (starters[k].directory);
            n_wins[k]++;
          }
        else
          {
            g_assert_error (starters[k].error, DS_ERROR, DS_ERROR_LOCKED);
            g_clear_error (&starters[k].error);
          }
    }
  ds_durable_file_set_fault_func (NULL, NULL);
  g_test_message ("1000 races: %u and %u wins, never both, never none", n_wins[0],
                  n_wins[1]);
}

static void
test_a_process_that_dies (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A process that is killed leaves no lock behind");

  int ends[2];
  char byte;
  pid_t child;
  DsDurableDirectory *directory;

  g_assert_cmpint (pipe (ends), ==, 0);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      if (ds_durable_directory_open (fixture->path, DS_DURABLE_DIRECTORY_CREATE, NULL) !=
          NULL)
        byte = 1;
      else
        byte = 0;
      if (write (ends[1], &byte, 1) != 1)
        _exit (1);
      for (;;)
        pause ();
    }
  g_assert_cmpint (read (ends[0], &byte, 1), ==, 1);
  g_assert_cmpint (byte, ==, 1);
  {
    g_autofree char *process = g_strdup_printf ("process %ld (", (long) child);
    const char *words[] = { process, NULL };

    assert_refused (fixture, 0, DS_ERROR_LOCKED, words);
  }
  kill (child, SIGKILL);
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
  directory = ds_test_durable_open (fixture);
  ds_durable_directory_close (directory);
  close (ends[0]);
  close (ends[1]);
}

/* ---- Owners, modes, links ---- */

static void
test_modes (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A directory or file that others may write is refused, unless allowed");

  const struct
  {
    int mode;
    gboolean is_good;
  } cases[] = { { 0777, FALSE }, { 0770, FALSE }, { 0722, FALSE }, { 0702, FALSE },
                { 0720, FALSE }, { 0700, TRUE },  { 0755, TRUE },  { 0711, TRUE } };

  ds_durable_directory_close (ds_test_durable_open (fixture));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (DsDurableDirectory) directory = NULL;
      g_autoptr (DsDurableDirectory) shared = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree char *mode = g_strdup_printf ("%04o", cases[i].mode);

      g_assert_cmpint (g_chmod (fixture->path, cases[i].mode), ==, 0);
      directory = ds_durable_directory_open (fixture->path, 0, &error);
      g_assert_cmpint (directory != NULL, ==, cases[i].is_good);
      if (directory == NULL)
        {
          const char *words[] = {
            fixture->path,         mode, "chmod", "\"allow-shared-directory\"",
            "nothing was changed", NULL
          };

          ds_test_assert_told (error, DS_ERROR_BAD_FILE, words);
          shared = ds_durable_directory_open (fixture->path,
                                              DS_DURABLE_DIRECTORY_ALLOW_SHARED, NULL);
          g_assert_nonnull (shared);
        }
    }
}

static void
test_files (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Links, second names, pipes, sockets and shared files are refused");

  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (fixture);
  g_autofree char *path = g_build_filename (fixture->path, "ckpt-x", NULL);
  g_autofree char *other = g_build_filename (fixture->above, "other", NULL);
  const char *const kinds[] = { "symbolic link", "second name",       "regular",
                                "regular",       "written by others", "regular" };

  g_assert_true (g_file_set_contents (other, "abc", 3, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autoptr (GError) error = NULL;
      const char *words[] = { path, kinds[i], NULL };
      struct sockaddr_un address = { .sun_family = AF_UNIX };
      int fd = -1;

      switch (i)
        {
        case 0:
          g_assert_cmpint (symlink (other, path), ==, 0);
          break;
        case 1:
          g_assert_cmpint (link (other, path), ==, 0);
          break;
        case 2:
          g_assert_cmpint (mkfifo (path, 0600), ==, 0);
          break;
        case 3:
          g_assert_cmpint (g_mkdir (path, 0700), ==, 0);
          break;
        case 4:
          g_assert_true (g_file_set_contents (path, "abc", 3, NULL));
          g_assert_cmpint (g_chmod (path, 0660), ==, 0);
          break;
        default:
          if (strlen (path) >= sizeof address.sun_path)
            continue;
          g_strlcpy (address.sun_path, path, sizeof address.sun_path);
          fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
          g_assert_cmpint (bind (fd, (struct sockaddr *) &address, sizeof address), ==,
                           0);
          break;
        }
      g_assert_cmpint (ds_durable_directory_open_file (directory, "ckpt-x", NULL, &error),
                       ==, -1);
      if (i == 5)
        g_assert_nonnull (error); /* opening a socket fails by itself */
      else
        ds_test_assert_told (error, DS_ERROR_BAD_FILE, words);
      if (fd >= 0)
        close (fd);
      ds_test_remove_tree (path);
    }
}

static void
test_links_to_it (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A link to a directory is not followed, with a slash neither");

  g_autofree char *link_path = g_build_filename (fixture->above, "link", NULL);
  g_autofree char *real = g_strdup (fixture->path);
  const char *words[] = { link_path, "symbolic link", NULL };

  ds_durable_directory_close (ds_test_durable_open (fixture));
  g_assert_cmpint (symlink (real, link_path), ==, 0);
  g_free (fixture->path);
  fixture->path = g_strdup (link_path);
  assert_refused (fixture, DS_DURABLE_DIRECTORY_CREATE, DS_ERROR_BAD_FILE, words);
  g_free (fixture->path);
  fixture->path = g_strconcat (link_path, "//", NULL);
  assert_refused (fixture, DS_DURABLE_DIRECTORY_CREATE, DS_ERROR_BAD_FILE, words);
}

static void
test_a_link_as_lock (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("A lock or an app that is a link is refused, and its end untouched");

  const char *const names[] = { "lock", "app" };

  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *path = g_build_filename (fixture->path, names[i], NULL);
      g_autofree char *other = g_build_filename (fixture->above, "other", NULL);
      g_autofree char *content = NULL;
      const char *words[] = { path, "symbolic link", NULL };

      ds_durable_directory_close (ds_test_durable_open (fixture));
      g_assert_true (g_file_set_contents (other, "precious", -1, NULL));
      g_remove (path);
      g_assert_cmpint (symlink (other, path), ==, 0);
      assert_refused (fixture, 0, DS_ERROR_BAD_FILE, words);
      g_assert_true (g_file_get_contents (other, &content, NULL, NULL));
      g_assert_cmpstr (content, ==, "precious");
      ds_test_remove_tree (fixture->path);
    }
}

/* ---- Names ---- */

static void
test_names (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Fifty names that are none, and some that are");

  const char *const bad[] = {
    "",    ".",    "..",       "../x",     "/",       "/etc",  "a/b",  "a/../b", "./a",
    "a/",  "-",    "-rf",      "--help",   ".hidden", "...",   " ",    "a b",    " a",
    "a ",  "a\tb", "a\nb",     "a\rb",     "\001",    "a\177", "a\\b", "a:b",    "a;b",
    "a|b", "a&b",  "a*",       "a?",       "a[b]",    "{a}",   "a$b",  "$HOME",  "`a`",
    "a'b", "a\"b", "a<b",      "a>b",      "a=b",     "a+b",   "a,b",  "a@b",    "a#b",
    "a%b", "a~",   "\303\244", "\xff\xfe", "a!b",     "~root", "a^b",  "(a)"
  };
  const char *const good[] = {
    "a",
    "A",
    "0",
    "a.b",
    "a-b",
    "a_b",
    "_a",
    "counts.v2",
    /* 64 of them */
    "0123456789012345678901234567890123456789012345678901234567890123",
  };
  g_autofree char *long_name = g_strnfill (65, 'a');
  g_autofree char *longer_name = g_strnfill (300, 'a');
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (G_N_ELEMENTS (bad), >=, 50);
  for (guint i = 0; i < G_N_ELEMENTS (bad) + 2; i++)
    {
      const char *name = i < G_N_ELEMENTS (bad)    ? bad[i]
                         : i == G_N_ELEMENTS (bad) ? long_name
                                                   : longer_name;
      const char *words[] = { "Stream name", "1 to 64", "give another", NULL };

      g_assert_false (ds_durable_name_check (name, "Stream name", &error));
      ds_test_assert_told (error, DS_ERROR_INVALID_ARGUMENT, words);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      g_assert_cmpuint (strlen (error->message), <, 300);
      g_clear_error (&error);
    }
  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_assert_true (ds_durable_name_check (good[i], "Stream name", &error));
      g_assert_no_error (error);
    }
  g_test_message ("%u bad names: all refused", (guint) G_N_ELEMENTS (bad) + 2);
}

/* ---- app ---- */

static void
test_app_is_damaged (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Any byte or length of app changed: refused; a tool is told");

  gsize n_bytes;
  g_autofree guint8 *bytes = NULL;
  const char *words[] = { fixture->path, "app", "nothing was changed", NULL };

  ds_durable_directory_close (ds_test_durable_open (fixture));
  bytes = (guint8 *) ds_test_durable_read (fixture, "app", &n_bytes);
  ds_durable_file_set_fault_func (pretend_to_sync, NULL);
  for (gsize i = 0; i < 2 * n_bytes; i++)
    {
      g_autoptr (DsDurableDirectory) directory = NULL;

      if (i < n_bytes)
        bytes[i] ^= 0x20;
      ds_test_durable_write (fixture, "app", bytes, i < n_bytes ? n_bytes : i - n_bytes);
      assert_refused (fixture, 0, DS_ERROR_CORRUPT, words);
      directory =
          ds_durable_directory_open (fixture->path, DS_DURABLE_DIRECTORY_READ_ONLY, NULL);
      g_assert_nonnull (directory);
      g_assert_null (ds_durable_directory_get_application_id (directory));
      g_assert_nonnull (strstr (ds_durable_directory_get_damage (directory), "app"));
      if (i < n_bytes)
        bytes[i] ^= 0x20;
    }
  ds_durable_file_set_fault_func (NULL, NULL);
}

static void
test_app_is_missing (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("Without app, checkpoints belong to nobody: refused");

  g_autofree char *path = g_build_filename (fixture->path, "app", NULL);
  const char *const files[] = { "ckpt-00000000000000001000", "wal-0000000000000001" };
  const char *words[] = { "app", "missing", "nothing was changed", NULL };

  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *file = g_build_filename (fixture->path, files[i], NULL);

      ds_durable_directory_close (ds_test_durable_open (fixture));
      g_remove (path);
      ds_test_durable_write (fixture, files[i], "x", 1);
      assert_refused (fixture, DS_DURABLE_DIRECTORY_CREATE, DS_ERROR_CORRUPT, words);
      g_remove (file);
    }
}

/* ---- What file systems cannot do ---- */

typedef struct
{
  const char *call;
  const char *path; /* part of it */
  int error_number;
} Lack;

static int
lack (const char *call, const char *path, gsize *n_bytes, gpointer user_data)
{
  const Lack *self = user_data;

  return g_str_equal (call, self->call) && strstr (path, self->path) != NULL
             ? self->error_number
             : 0;
}

static void
test_probe (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary ("What the file system cannot do is found at start, and named");

  const struct
  {
    Lack lack;
    int code;
    const char *word;
  } cases[] = {
    { { "fsync", "checkpoints", EINVAL },
      DS_ERROR_FSYNC_FAILED,
      "set \"best-effort-durability\"" },
    { { "fsync", "checkpoints", EIO }, DS_ERROR_FSYNC_FAILED, "syncing the directory" },
    { { "fsync", "probe", EIO }, DS_ERROR_FSYNC_FAILED, "syncing a file" },
    { { "rename", "probe", EXDEV }, DS_ERROR_IO, "renaming over a file" },
    { { "rename", "probe", EEXIST }, DS_ERROR_IO, "renaming over a file" },
    { { "write", "probe", ESTALE }, DS_ERROR_NETWORK, "writing" },
    { { "write", "probe", ENOSPC }, DS_ERROR_NO_SPACE, "writing" },
    { { "open", "probe", EMFILE }, DS_ERROR_LIMIT, "creating" },
    { { "pread", "probe", EIO }, DS_ERROR_IO, "reading back" },
  };

  ds_durable_directory_close (ds_test_durable_open (fixture));
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      Lack one = cases[i].lack;
      const char *words[] = { fixture->path, "does not do what checkpoints need",
                              cases[i].word, NULL };
      g_autoptr (GPtrArray) names = NULL;
      g_autoptr (DsDurableDirectory) directory = NULL;
      g_autoptr (GError) error = NULL;

      ds_durable_file_set_fault_func (lack, &one);
      error = fail_to_open (fixture, 0, cases[i].code, words);
      /* Only where it helps. */
      g_assert_cmpint (strstr (error->message, "best-effort-durability") != NULL, ==,
                       i == 0);
      if (i == 0)
        {
          directory = ds_durable_directory_open (fixture->path,
                                                 DS_DURABLE_DIRECTORY_BEST_EFFORT, NULL);
          g_assert_nonnull (directory);
          g_assert_true (ds_durable_directory_sync_names (directory, NULL));
        }
      ds_durable_file_set_fault_func (NULL, NULL);
      g_clear_pointer (&directory, ds_durable_directory_close);
      directory =
          ds_durable_directory_open (fixture->path, DS_DURABLE_DIRECTORY_READ_ONLY, NULL);
      names = ds_durable_directory_list (directory, ".tmp-", NULL);
      g_assert_cmpuint (names->len, ==, 0);
    }
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
  ADD ("its-name-lasts", test_its_name_lasts);
  ADD ("what-was-begun-goes", test_what_was_begun_goes);
  ADD ("not-there", test_not_there);
  ADD ("refuses-a-second-one", test_refuses_a_second_one);
  ADD ("races", test_races);
  ADD ("a-process-that-dies", test_a_process_that_dies);
  ADD ("modes", test_modes);
  ADD ("files", test_files);
  ADD ("links-to-it", test_links_to_it);
  ADD ("a-link-as-lock", test_a_link_as_lock);
  ADD ("names", test_names);
  ADD ("app-is-damaged", test_app_is_damaged);
  ADD ("app-is-missing", test_app_is_missing);
  ADD ("probe", test_probe);
#undef ADD
  return g_test_run ();
}
