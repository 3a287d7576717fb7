/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The contract, for programs over the library.  The clock is the program's own, with one
 * worker: nearly the same calls in each run. */

#include "tests/crash/workloads/ds-crash-workload.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const words[] = {
  "ash", "birch", "cedar", "elm", "fir", "oak", "yew"
};

/* The first file brings many words that no other one has: of what is kept for each, later
 * checkpoints write a small part. */
#define N_WORDS_OF_FIRST 300

char *
ds_crash_workload_words (guint batch)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; batch == 1 && i < N_WORDS_OF_FIRST; i++)
    g_string_append_printf (text, "tree-%03u\n", i);

  for (guint i = 0; i < 5 + batch; i++)
    g_string_append_printf (text, "%s%c",
                            words[(batch * 3 + i * i) % G_N_ELEMENTS (words)],
                            i % 4 == 3 ? '\n' : ' ');
  g_string_append_c (text, '\n');
  return g_string_free (text, FALSE);
}

static int
ds_crash_fail (const char *what, const GError *error)
{
  g_printerr ("%s: %s\n", what, error != NULL ? error->message : g_strerror (errno));
  return 1;
}

/* ---- prepare ---- */

static int
ds_crash_prepare (const char *root)
{
  static const char *const folders[] = { "in", "out" };

  for (guint i = 0; i < G_N_ELEMENTS (folders); i++)
    {
      g_autofree char *path = g_build_filename (root, folders[i], NULL);

      if (g_mkdir (path, 0700) < 0)
        return ds_crash_fail (path, NULL);
    }
  for (guint batch = 1; batch <= DS_CRASH_N_BATCHES; batch++)
    {
      g_autofree char *path = g_strdup_printf ("%s/in/%02u.txt", root, batch);
      g_autofree char *text = ds_crash_workload_words (batch);
      struct timespec times[2] = { { 1000000000 + batch, 0 }, { 1000000000 + batch, 0 } };
      GError *error = NULL;

      if (!g_file_set_contents (path, text, -1, &error) ||
          utimensat (AT_FDCWD, path, times, 0) < 0)
        return ds_crash_fail (path, error);
    }
  return 0;
}

/* ---- run ---- */

void
ds_crash_run_acknowledge (DsCrashRun *run, const char *format, ...)
{
  g_autofree char *line = NULL;
  va_list arguments;

  va_start (arguments, format);
  line = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  if (write (run->acks_fd, line, strlen (line)) != (gssize) strlen (line))
    exit (ds_crash_fail ("acknowledgements", NULL));
}

gboolean
ds_crash_run_await (DsCrashRun *run, guint batch, GError **error)
{
  if (!ds_streaming_context_await_batch (run->ssc, batch * DS_SECOND, error))
    return FALSE;
  /* A batch is over when its outputs are, well or not. */
  if (ds_streaming_context_get_state (run->ssc) != DS_STREAMING_ACTIVE)
    return ds_streaming_context_await_termination (run->ssc, error);
  ds_crash_run_acknowledge (run, "batch %u\n", batch);
  return TRUE;
}

/* A step of the clock a batch.  After a recovery it stands at the end, and what is
 * missing is caught up with. */
static gboolean
ds_crash_drive (DsCrashRun *run, GError **error)
{
  gboolean is_recovered = ds_streaming_context_is_recovered (run->ssc);

  if (is_recovered)
    ds_manual_clock_set_time (run->clock, DS_CRASH_N_BATCHES * DS_SECOND);
  for (guint batch = 1; batch <= DS_CRASH_N_BATCHES; batch++)
    {
      if (!is_recovered)
        ds_manual_clock_advance (run->clock, DS_SECOND);
      if (!ds_crash_run_await (run, batch, error))
        return FALSE;
    }
  return TRUE;
}

typedef struct
{
  const DsCrashWorkload *workload;
  DsCrashRun *run;
} DsCrashSetup;

/* DsSetupFunc */
static DsStreamingContext *
ds_crash_set_up (gpointer user_data, GError **error)
{
  DsCrashSetup *setup = user_data;
  DsStreamingContext *ssc =
      ds_streaming_context_new ("local[1]", setup->workload->name, DS_SECOND);

  ds_streaming_context_set_clock (ssc, DS_CLOCK (setup->run->clock));
  setup->workload->build (setup->run, ssc);
  return ssc;
}

static int
ds_crash_run (const DsCrashWorkload *self, const char *root, const char *acks)
{
  DsCrashRun run = { .root = root };
  struct stat known;
  DsCrashSetup setup = { self, &run };
  g_autoptr (GError) error = NULL;
  int status = 0;

  /* GLib gets its log ready with the first line, and waits for itself for ever when
   * memory runs out under the lock that this needs. */
  g_message ("%s runs", self->name);
  run.acks_fd = open (acks, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (run.acks_fd < 0)
    return ds_crash_fail (acks, NULL);
  run.is_first = fstat (run.acks_fd, &known) == 0 && known.st_size == 0;
  ds_crash_run_acknowledge (&run, "start\n");
  run.input = g_build_filename (root, "in", NULL);
  run.checkpoints = g_build_filename (root, "checkpoints", NULL);
  run.output = g_build_filename (root, "out", NULL);
  run.clock = ds_manual_clock_new (0);
  run.ssc = ds_streaming_context_get_or_create (run.checkpoints, ds_crash_set_up, &setup,
                                                &error);
  if (run.ssc == NULL || !ds_streaming_context_start (run.ssc, &error) ||
      !(self->drive != NULL ? self->drive : ds_crash_drive) (&run, &error))
    status = ds_crash_fail (self->name, error);
  g_clear_error (&error);
  if (run.ssc != NULL &&
      ds_streaming_context_get_state (run.ssc) == DS_STREAMING_ACTIVE &&
      !ds_streaming_context_stop (run.ssc, status == 0 ? DS_STOP_GRACEFULLY : DS_STOP_NOW,
                                  &error))
    status = ds_crash_fail ("stop", error);
  /* A batch that nobody waited for may have failed, and stopped the stream. */
  if (status == 0 && !ds_streaming_context_await_termination (run.ssc, &error))
    status = ds_crash_fail ("a batch", error);
  g_clear_object (&run.ssc);
  g_object_unref (run.clock);
  g_free (run.input);
  g_free (run.checkpoints);
  g_free (run.output);
  return status;
}

/* ---- check ---- */

static int
ds_crash_compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Names in a directory, sorted; none when it is not there. */
static GPtrArray *
ds_crash_list (const char *directory)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  GDir *entries = g_dir_open (directory, 0, NULL);
  const char *name;

  while (entries != NULL && (name = g_dir_read_name (entries)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  if (entries != NULL)
    g_dir_close (entries);
  g_ptr_array_sort (names, ds_crash_compare_names);
  return names;
}

GPtrArray *
ds_crash_read_parts (const char *directory)
{
  g_autofree char *success = g_build_filename (directory, "_SUCCESS", NULL);
  g_autoptr (GPtrArray) names = ds_crash_list (directory);
  GPtrArray *lines;

  if (!g_file_test (success, G_FILE_TEST_EXISTS))
    return NULL;
  lines = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *path = g_build_filename (directory, names->pdata[i], NULL);
      g_autofree char *text = NULL;

      if (!g_str_has_prefix (names->pdata[i], "part-") ||
          !g_file_get_contents (path, &text, NULL, NULL))
        continue;

      g_auto (GStrv) parts = g_strsplit (text, "\n", -1);

      for (guint k = 0; parts[k] != NULL; k++)
        if (*parts[k] != '\0')
          g_ptr_array_add (lines, g_strdup (parts[k]));
    }
  return lines;
}

GArray *
ds_crash_list_batches (const char *output)
{
  g_autoptr (GPtrArray) names = ds_crash_list (output);
  GArray *batches = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i < names->len; i++)
    {
      const char *dash = strrchr (names->pdata[i], '-');

      if (dash == NULL || ((const char *) names->pdata[i])[0] == '_')
        continue;

      guint batch = (guint) (g_ascii_strtoull (dash + 1, NULL, 10) / 1000);

      g_array_append_val (batches, batch);
    }
  return batches;
}

/* All that a reader can see: no name that begins with a dot, nothing in directories that
 * begin with an underscore. */
static void
ds_crash_print_seen (const char *directory, const char *shown)
{
  g_autoptr (GPtrArray) names = ds_crash_list (directory);

  for (guint i = 0; i < names->len; i++)
    {
      const char *name = names->pdata[i];
      g_autofree char *path = g_build_filename (directory, name, NULL);
      g_autofree char *key = g_strconcat (shown, name, NULL);
      g_autofree char *text = NULL;
      gsize n_bytes;

      if (*name == '.')
        continue;
      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        {
          g_autofree char *below = g_strconcat (key, "/", NULL);

          if (*name != '_')
            ds_crash_print_seen (path, below);
        }
      else if (g_file_get_contents (path, &text, &n_bytes, NULL))
        {
          g_autofree char *digest =
              g_compute_checksum_for_string (G_CHECKSUM_MD5, text, (gssize) n_bytes);

          g_print ("see %s %" G_GSIZE_FORMAT ":%s\n", key, n_bytes, digest);
        }
    }
}

gboolean
ds_crash_are_same (GPtrArray *lines, GPtrArray *expected)
{
  gboolean are_same = lines->len == expected->len;

  g_ptr_array_sort (lines, ds_crash_compare_names);
  g_ptr_array_sort (expected, ds_crash_compare_names);
  for (guint i = 0; are_same && i < lines->len; i++)
    are_same = g_str_equal (lines->pdata[i], expected->pdata[i]);
  return are_same;
}

static gboolean
ds_crash_is_exact (const DsCrashWorkload *self, const char *output, guint batch)
{
  g_autofree char *directory =
      g_strdup_printf ("%s/%s-%u", output, self->name, batch * 1000);
  g_autoptr (GPtrArray) lines = ds_crash_read_parts (directory);
  g_autoptr (GPtrArray) expected = g_ptr_array_new_with_free_func (g_free);

  if (lines == NULL)
    return FALSE;
  self->expect (batch, expected);
  return ds_crash_are_same (lines, expected);
}

static int
ds_crash_check (const DsCrashWorkload *self,
                const char *root,
                const char *acks,
                gboolean is_finished)
{
  g_autofree char *output = g_build_filename (root, "out", NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  guint batch;

  if (!g_file_get_contents (acks, &text, NULL, NULL))
    text = g_strdup ("");
  lines = g_strsplit (text, "\n", -1);
  ds_crash_print_seen (output, "");
  if (self->check != NULL)
    {
      self->check (root, lines, is_finished);
      return 0;
    }
  for (guint i = 0; lines[i] != NULL; i++)
    if (sscanf (lines[i], "batch %u", &batch) == 1 &&
        !ds_crash_is_exact (self, output, batch))
      g_print ("lost batch %u\n", batch);
  for (batch = 1; is_finished && batch <= DS_CRASH_N_BATCHES; batch++)
    if (!ds_crash_is_exact (self, output, batch))
      g_print ("wrong batch %u\n", batch);
  return 0;
}

int
ds_crash_workload_main (const DsCrashWorkload *self, int argc, char *argv[])
{
  const char *command = argc > 1 ? argv[1] : "";

  if (g_str_equal (command, "planted") && argc == 2)
    {
      for (guint i = 0; self->planted != NULL && self->planted[i] != NULL; i++)
        g_print ("%s\n", self->planted[i]);
      return 0;
    }
  if (g_str_equal (command, "prepare") && argc == 3)
    return ds_crash_prepare (argv[2]);
  if (g_str_equal (command, "run") && argc == 4)
    return ds_crash_run (self, argv[2], argv[3]);
  if (g_str_equal (command, "check") && argc == 5)
    return ds_crash_check (self, argv[2], argv[3], g_str_equal (argv[4], "finished"));
  g_printerr ("Usage: %s prepare ROOT | run ROOT ACKS | check ROOT ACKS "
              "crashed|finished | planted\n",
              self->name);
  return 2;
}
