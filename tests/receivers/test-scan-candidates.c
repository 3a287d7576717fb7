/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which of very many files a batch has room for, against a plain sorted list. */

#include "receivers/ds-scan-candidates-private.h"

#include <string.h>

typedef struct
{
  char *path;
  DsFileStatus status;
  guint index;
  guint64 n_path_bytes; /* of the directory as it was given, and of the name */
} Offered;

static void
offered_free (gpointer data)
{
  Offered *self = data;

  g_free (self->path);
  g_free (self);
}

static gint
compare_offered (gconstpointer a, gconstpointer b)
{
  const Offered *offered_a = *(Offered *const *) a;
  const Offered *offered_b = *(Offered *const *) b;

  if (offered_a->status.modified_ns != offered_b->status.modified_ns)
    return offered_a->status.modified_ns < offered_b->status.modified_ns ? -1 : 1;
  return strcmp (offered_a->path, offered_b->path);
}

/* The oldest, up to the first that has no room. */
static guint
count_room (GPtrArray *sorted, guint max_files, guint64 max_bytes, guint64 max_plan_bytes)
{
  guint64 n_bytes = 0;
  guint64 n_plan_bytes = 0;
  guint n = 0;

  while (n < sorted->len && (max_files == 0 || n < max_files))
    {
      const Offered *offered = sorted->pdata[n];

      n_bytes += offered->status.n_bytes;
      if (max_bytes > 0 && n > 0 && n_bytes > max_bytes)
        break;
      n_plan_bytes += offered->n_path_bytes + 64;
      if (max_plan_bytes > 0 && n > 0 && n_plan_bytes > max_plan_bytes)
        break;
      n++;
    }
  return n;
}

/* @n_files with @n_times different times and sizes up to @max_size, in an order that has
 * nothing to do with either. */
static void
check (guint n_files,
       guint n_times,
       guint max_size,
       guint max_files,
       guint64 max_bytes,
       guint64 max_plan_bytes,
       const char *const *directories)
{
  g_autoptr (GPtrArray) offered = g_ptr_array_new_with_free_func (offered_free);
  DsScanCandidates candidates;
  guint n_directories = 0;
  guint n_kept;

  while (directories[n_directories] != NULL)
    n_directories++;

  ds_scan_candidates_init (&candidates, max_files, max_bytes, max_plan_bytes);
  for (guint i = 0; i < n_files; i++)
    {
      const char *directory = directories[(guint) g_test_rand_int () % n_directories];
      g_autofree char *name = g_strdup_printf ("%08x-%u", (guint) g_test_rand_int (), i);
      Offered *file = g_new0 (Offered, 1);

      file->path = g_build_filename (directory, name, NULL);
      file->index = i;
      file->n_path_bytes = strlen (directory) + strlen (name);
      file->status.inode = i;
      file->status.modified_ns = (guint) g_test_rand_int () % n_times;
      file->status.n_bytes = (guint) g_test_rand_int () % (max_size + 1);
      g_ptr_array_add (offered, file);
      ds_scan_candidates_add (&candidates, directory, name, &file->status, i);
      if (max_files > 0)
        g_assert_cmpuint (candidates.files->len, <=, 2 * max_files + 1024);
    }
  ds_scan_candidates_trim (&candidates);
  g_ptr_array_sort (offered, compare_offered);
  n_kept = count_room (offered, max_files, max_bytes, max_plan_bytes);
  g_assert_cmpuint (candidates.files->len, ==, n_kept);
  g_assert_cmpuint (candidates.n_dropped, ==, n_files - n_kept);
  for (guint i = 0; i < n_kept; i++)
    {
      const Offered *expected = offered->pdata[i];
      const DsScanCandidate *file = ds_scan_candidates_get (&candidates, i);
      g_autofree char *path = ds_scan_candidates_get_path (&candidates, file);

      g_assert_cmpstr (path, ==, expected->path);
      g_assert_cmpuint (file->index, ==, expected->index);
      g_assert_true (ds_file_status_equal (&file->status, &expected->status));
    }
  ds_scan_candidates_clear (&candidates);
}

static void
test_keeps_the_oldest (void)
{
  g_test_summary ("Whatever comes in whatever order, the oldest within the limits stay");

  /* Paths are compared as a whole: what is in "/in/a-b" comes before what is in "/in/a".
   */
  static const char *const several[] = { "/in/a", "/in/a-b", "/in/", "/", NULL };
  static const char *const one[] = { "/in", NULL };

  for (guint round = 0; round < 20; round++)
    {
      check (5000, G_MAXUINT, 10, 100, 0, 0, one);
      check (5000, G_MAXUINT, 10, 1, 0, 0, one);
      check (5000, 3, 10, 700, 0, 0, several); /* time alone does not tell */
      check (5000, 1, 10, 700, 0, 0, several);
      check (5000, G_MAXUINT, 10, 0, 1000, 0, one);
      check (5000, 40, 10, 300, 1000, 0, several);
      check (5000, 40, 10, 100, 100000, 0, several);
      check (5000, 40, 5000, 0, 1000, 0, several); /* few of them fit alone */
      check (500, 40, 10, 0, 0, 0, several);
      check (5000, G_MAXUINT, 10, 0, 0, 8000, one);
      check (5000, 40, 10, 0, 0, 80000, several);
      check (5000, 40, 10, 100, 1000, 9000, several); /* whichever comes first */
      check (5000, 40, 10, 300, 1000, 9000, several);
    }
  check (0, 1, 1, 5, 5, 0, one);
  check (1, 1, 1000, 5, 5, 0, one);
  check (5, 1, 1, 0, 0, 1, one); /* the oldest always has room */
}

static void
test_adds_up_any_sizes (void)
{
  g_test_summary ("Sizes that no sum can hold have no room, and the oldest always does");

  DsScanCandidates candidates;
  DsFileStatus status = { .n_bytes = G_MAXUINT64 - 1 };

  ds_scan_candidates_init (&candidates, 0, G_MAXUINT64, 0);
  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u", i);

      ds_scan_candidates_add (&candidates, "/in", name, &status, i);
    }
  ds_scan_candidates_trim (&candidates);
  g_assert_cmpuint (candidates.files->len, ==, 1);
  g_assert_cmpuint (candidates.n_dropped, ==, 4);
  g_assert_cmpuint (ds_scan_candidates_get (&candidates, 0)->index, ==, 0);
  ds_scan_candidates_clear (&candidates);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/receivers/scan-candidates/keeps-the-oldest", test_keeps_the_oldest);
  g_test_add_func ("/receivers/scan-candidates/adds-up-any-sizes",
                   test_adds_up_any_sizes);

  return g_test_run ();
}
