/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A directory stream whose files other programs move, copy, append to, cut and remove:
 * mv, cp, sh, truncate, touch, rm.  What must come is said by a model of the directory, a
 * plain loop over what the test believes to be in it.
 *
 * Times of files are those of the system, so the manual clock stands near the system's
 * time when the stream is made, and far enough behind it when batches begin that whatever
 * is written meanwhile is not in the future. */

#include "tests/dstream/ds-test-files.h"

#include <signal.h>

/* A test that takes longer finds its new files to be in the future. */
#define AHEAD (1000 * DS_SECOND)
#define OLD (-DS_HOUR) /* before the stream was made */
#define FUTURE (24 * DS_HOUR)

typedef struct
{
  DsTestFiles base;
  DsTime creation_time;
  DsDStream *lines;
  DsOutput *output;
} Fixture;

/* ---- Other programs ---- */

static GSubprocess *
start_program (Fixture *fixture, const char *first, ...)
{
  g_autoptr (GSubprocessLauncher) launcher =
      g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) arguments = NULL;
  g_autoptr (GError) error = NULL;
  GSubprocess *process;
  va_list more;

  va_start (more, first);
  for (const char *argument = first; argument != NULL;
       argument = va_arg (more, const char *))
    g_strv_builder_add (builder, argument);
  va_end (more);
  arguments = g_strv_builder_end (builder);

  /* Names are relative to the folder of "in" and "out". */
  g_subprocess_launcher_set_cwd (launcher, fixture->base.files.root);
  process =
      g_subprocess_launcher_spawnv (launcher, (const char *const *) arguments, &error);
  g_assert_no_error (error);
  return process;
}

/* @process (transfer full) */
static void
wait_for (GSubprocess *process)
{
  g_autoptr (GError) error = NULL;

  g_subprocess_wait_check (process, NULL, &error);
  g_assert_no_error (error);
  g_object_unref (process);
}

#define RUN(fixture, ...) wait_for (start_program (fixture, __VA_ARGS__, NULL))

/* Appends, as a shell does. */
static void
append (Fixture *fixture, const char *path, const char *text)
{
  RUN (fixture, "sh", "-c", "printf '%s' \"$1\" >> \"$2\"", "sh", text, path);
}

/* Relative to when the stream was made. */
static void
touch (Fixture *fixture, const char *path, DsDuration offset)
{
  g_autofree char *time = g_strdup_printf ("@%" G_GINT64_FORMAT,
                                           (fixture->creation_time + offset) / DS_SECOND);

  RUN (fixture, "touch", "-d", time, path);
}

/* ---- The stream ---- */

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  gint64 now = g_get_real_time () / DS_SECOND * DS_SECOND;

  ds_test_files_set_up (&fixture->base, NULL);
  ds_test_directory_make (&fixture->base.files, "out");
  g_object_set (fixture->base.stream.ssc, "file-min-remember", 24 * DS_HOUR, NULL);
  ds_manual_clock_set_time (fixture->base.stream.clock, now - 10 * DS_SECOND);
  fixture->lines = ds_test_files_add_text_stream (&fixture->base);
  fixture->creation_time = now - 10 * DS_SECOND;
  ds_manual_clock_advance (fixture->base.stream.clock, AHEAD);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  ds_test_files_tear_down (&fixture->base, NULL);
}

static void
begin (Fixture *fixture, DsFileSelection selection)
{
  ds_dstream_set_file_selection (fixture->lines, selection);
  fixture->output = ds_dstream_collect (fixture->lines);
  ds_test_files_listen (&fixture->base);
  ds_test_stream_start (&fixture->base.stream);
}

static gint
compare_lines (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Frees @lines, of char *.  (transfer full): sorted, with spaces between. */
static char *
join_sorted (GPtrArray *lines)
{
  GString *text = g_string_new (NULL);

  g_ptr_array_sort (lines, compare_lines);
  for (guint i = 0; i < lines->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? " " : "",
                            (const char *) lines->pdata[i]);
  g_ptr_array_unref (lines);
  return g_string_free (text, FALSE);
}

/* One more batch; its lines. */
static GPtrArray *
run_batch (Fixture *fixture)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func (g_free);
  DsBlock *block;

  ds_test_stream_run (&fixture->base.stream, 1);
  block = ds_output_get_block (fixture->output,
                               ds_clock_get_time (DS_CLOCK (fixture->base.stream.clock)));
  g_assert_nonnull (block);
  for (gsize i = 0; i < ds_block_get_length (block); i++)
    g_ptr_array_add (lines, ds_value_to_string (ds_block_get (block, i)));
  ds_output_clear (fixture->output);
  return lines;
}

static void
assert_batch (Fixture *fixture, const char *expected)
{
  g_autofree char *found = join_sorted (run_batch (fixture));

  g_assert_cmpstr (found, ==, expected);
}

/* How often it was told that @name is passed over, for a reason with @words in it. */
static guint
count_told (Fixture *fixture, const char *name, const char *words)
{
  g_autofree char *prefix = g_strconcat (name, ": ", NULL);
  guint n = 0;

  g_mutex_lock (&fixture->base.lock);
  for (guint i = 0; i < fixture->base.told->len; i++)
    n += g_str_has_prefix (fixture->base.told->pdata[i], prefix) &&
         strstr (fixture->base.told->pdata[i], words) != NULL;
  g_mutex_unlock (&fixture->base.lock);
  return n;
}

/* ---- One thing after another ---- */

static void
test_default_selection (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary (
      "By Spark's rule: copied and moved files come once, unless they are old; "
      "what is appended to, cut or written anew under its name is told of");

  begin (fixture, DS_FILES_NEW);
  append (fixture, "out/a", "a1\na2\n");
  append (fixture, "out/old", "o1\n");
  touch (fixture, "out/old", OLD);
  RUN (fixture, "cp", "out/a", "in/copied");
  RUN (fixture, "mv", "out/a", "in/moved");
  RUN (fixture, "mv", "out/old", "in/old");
  append (fixture, "in/.part", "p1\n");
  assert_batch (fixture, "a1 a1 a2 a2");
  assert_batch (fixture, "");

  append (fixture, "in/copied", "a3\n");
  RUN (fixture, "truncate", "-s", "3", "in/moved");
  RUN (fixture, "mv", "in/.part", "in/part");
  assert_batch (fixture, "p1");

  RUN (fixture, "rm", "in/copied");
  RUN (fixture, "touch", "in/old");
  assert_batch (fixture, "o1");

  append (fixture, "in/copied", "b1\n"); /* again: the name is remembered */
  append (fixture, "in/fresh", "f1\n");
  touch (fixture, "in/fresh", FUTURE);
  RUN (fixture, "mv", "in/part", "in/renamed"); /* it has come already */
  assert_batch (fixture, "");
  RUN (fixture, "touch", "in/fresh");
  assert_batch (fixture, "f1");

  ds_test_files_stop (&fixture->base);
  g_assert_cmpuint (count_told (fixture, "old", "a file that is moved keeps its time"),
                    ==, 1);
  g_assert_cmpuint (count_told (fixture, "copied", "a file of that name was read"), ==,
                    2);
  g_assert_cmpuint (count_told (fixture, "moved", "a file of that name was read"), ==, 1);
  g_assert_cmpuint (count_told (fixture, "fresh", "in the future"), ==, 1);
  g_assert_cmpuint (count_told (fixture, ".part", "not finished"), ==, 1);
  g_assert_cmpuint (fixture->base.told->len, ==, 6);
  g_assert_cmpint (fixture->base.n_records, ==, 4 + 1 + 1 + 1);
}

static void
test_all_selection (Fixture *fixture, gconstpointer user_data)
{
  g_test_summary (
      "With all: whatever its time, each state of a file comes once, also one "
      "that was appended to or cut; a new name alone is nothing new");

  append (fixture, "in/before", "z1\n");
  touch (fixture, "in/before", OLD);
  begin (fixture, DS_FILES_ALL);
  append (fixture, "out/a", "a1\na2\n");
  append (fixture, "in/late", "l1\n");
  touch (fixture, "in/late", FUTURE);
  RUN (fixture, "cp", "-p", "out/a", "in/copied");
  RUN (fixture, "mv", "out/a", "in/moved");
  assert_batch (fixture, "a1 a1 a2 a2 l1 z1");
  assert_batch (fixture, "");

  append (fixture, "in/copied", "a3\n");
  RUN (fixture, "truncate", "-s", "4", "in/moved");
  RUN (fixture, "mv", "in/before", "in/after");
  assert_batch (fixture, "a a1 a1 a2 a3");

  RUN (fixture, "truncate", "-s", "0", "in/moved");
  RUN (fixture, "rm", "in/copied");
  append (fixture, "in/.part", "p1\n");
  assert_batch (fixture, "");
  RUN (fixture, "mv", "in/.part", "in/copied");
  assert_batch (fixture, "p1");

  ds_test_files_stop (&fixture->base);
  g_assert_cmpuint (count_told (fixture, ".part", "not finished"), ==, 1);
  g_assert_cmpuint (fixture->base.told->len, ==, 1);
  g_assert_cmpint (fixture->base.n_records, ==, 6 + 5 + 1);
}

/* ---- Whatever happens ---- */

typedef struct
{
  char *name;
  GString *bytes;
  DsDuration offset; /* OLD, FUTURE; 0: now */
  gboolean is_taken; /* as it is */
  gboolean is_told;  /* as it is */
} ModelFile;

typedef struct
{
  DsFileSelection selection;
  GPtrArray *files;  /* ModelFile */
  GHashTable *names; /* that were taken once */
  guint n_names;
  guint n_lines;
  guint n_told;
} Model;

static void
model_file_free (gpointer data)
{
  ModelFile *self = data;

  g_free (self->name);
  g_string_free (self->bytes, TRUE);
  g_free (self);
}

static void
model_change (ModelFile *file)
{
  file->offset = 0;
  file->is_taken = FALSE;
  file->is_told = FALSE;
}

/* What the next batch must have, by the rules of the file streams. */
static GPtrArray *
model_take (Model *model)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < model->files->len; i++)
    {
      ModelFile *file = model->files->pdata[i];
      gboolean is_passed_over =
          model->selection != DS_FILES_ALL &&
          (file->offset != 0 || g_hash_table_contains (model->names, file->name));

      if (file->is_taken)
        continue;
      if (is_passed_over)
        {
          model->n_told += !file->is_told;
          file->is_told = TRUE;
          continue;
        }
      file->is_taken = TRUE;
      g_hash_table_add (model->names, g_strdup (file->name));
      for (gsize start = 0; start < file->bytes->len;)
        {
          const char *line = file->bytes->str + start;
          gsize length = strcspn (line, "\n");

          g_ptr_array_add (lines, g_strndup (line, length));
          start += length + 1;
        }
    }
  return lines;
}

static char *
model_new_line (Model *model)
{
  return g_strdup_printf ("%07u\n", model->n_lines++);
}

/* A file comes, copied or moved in. */
static void
let_come (Fixture *fixture, Model *model)
{
  ModelFile *file = g_new0 (ModelFile, 1);
  g_autofree char *from = NULL;
  g_autofree char *to = NULL;
  guint n_lines = (guint) g_test_rand_int_range (0, 5);
  gboolean is_moved = g_test_rand_bit ();

  file->name = g_strdup_printf ("f%u", model->n_names++);
  file->bytes = g_string_new (NULL);
  for (guint i = 0; i < n_lines; i++)
    {
      g_autofree char *line = model_new_line (model);

      g_string_append (file->bytes, line);
    }
  from = g_build_filename ("out", file->name, NULL);
  to = g_build_filename ("in", file->name, NULL);
  append (fixture, from, file->bytes->str);
  if (g_test_rand_int_range (0, 3) == 0)
    {
      touch (fixture, from, g_test_rand_bit () ? OLD : FUTURE);
      file->offset = is_moved ? OLD : 0; /* a copy has a time of its own */
    }
  RUN (fixture, is_moved ? "mv" : "cp", from, to);
  g_ptr_array_add (model->files, file);
}

/* Something becomes of one that is there. */
static void
let_change (Fixture *fixture, Model *model, guint index)
{
  ModelFile *file = model->files->pdata[index];
  g_autofree char *path = g_build_filename ("in", file->name, NULL);
  g_autofree char *line = NULL;
  g_autofree char *to = NULL;
  g_autofree char *size = NULL;

  switch (g_test_rand_int_range (0, 5))
    {
    case 0:
      line = model_new_line (model);
      append (fixture, path, line);
      g_string_append (file->bytes, line);
      model_change (file);
      break;
    case 1:
      if (file->bytes->len < 3)
        break;
      g_string_truncate (file->bytes, file->bytes->len - 3);
      size = g_strdup_printf ("%" G_GSIZE_FORMAT, file->bytes->len);
      RUN (fixture, "truncate", "-s", size, path);
      model_change (file);
      break;
    case 2: /* within the directory; what was taken stays taken */
      g_free (file->name);
      file->name = g_strdup_printf ("f%u", model->n_names++);
      to = g_build_filename ("in", file->name, NULL);
      RUN (fixture, "mv", path, to);
      break;
    case 3:
      RUN (fixture, "touch", path);
      model_change (file);
      break;
    default:
      if (g_test_rand_bit ())
        RUN (fixture, "rm", path);
      else
        RUN (fixture, "mv", path, "out");
      g_ptr_array_remove_index (model->files, index);
    }
}

static void
test_whatever_happens (Fixture *fixture, gconstpointer user_data)
{
  Model model = { .selection = GPOINTER_TO_INT (user_data),
                  .files = g_ptr_array_new_with_free_func (model_file_free),
                  .names =
                      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL) };
  guint n_batches = g_test_slow () ? 200 : 30;
  guint n_all = 0;

  g_test_summary (
      "Files come, grow, shrink, move and go at random: each batch has exactly "
      "the lines that the rules say, and each state is passed over once");

  begin (fixture, model.selection);
  for (guint batch = 0; batch < n_batches; batch++)
    {
      g_autofree char *expected = NULL;
      g_autofree char *found = NULL;
      GPtrArray *lines;

      for (guint i = (guint) g_test_rand_int_range (0, 4); i > 0; i--)
        let_come (fixture, &model);
      /* Each at most once, so that every state is seen by a batch. */
      for (guint i = model.files->len; i > 0; i--)
        if (g_test_rand_int_range (0, 4) == 0)
          let_change (fixture, &model, i - 1);
      lines = model_take (&model);
      n_all += lines->len;
      expected = join_sorted (lines);
      found = join_sorted (run_batch (fixture));
      g_assert_cmpstr (found, ==, expected);
    }
  ds_test_files_stop (&fixture->base);
  g_assert_cmpint (fixture->base.n_records, ==, n_all);
  g_assert_cmpuint (fixture->base.told->len, ==, model.n_told);
  g_test_message ("%u lines of %u files in %u batches, %u files told of", n_all,
                  model.n_names, n_batches, model.n_told);
  g_ptr_array_unref (model.files);
  g_hash_table_unref (model.names);
}

/* ---- Between plan and reading ---- */

/* The first output: files of the batch are known now, and read by the next one. */
static gboolean
change_planned_files (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  Fixture *fixture = user_data;

  if (ds_batch_get_n_files_of (batch, 0) != 5)
    return TRUE;
  RUN (fixture, "rm", "in/removed");
  RUN (fixture, "truncate", "-s", "1", "in/cut");
  append (fixture, "in/grown", "g2\n");
  RUN (fixture, "mv", "in/renamed", "in/elsewhere");
  return TRUE;
}

static void
test_changed_before_it_is_read (Fixture *fixture, gconstpointer user_data)
{
  static const char *const names[] = { "removed", "cut", "grown", "renamed", "kept" };

  g_test_summary (
      "C12, C13: files that are removed, cut, grown or moved away when a batch "
      "has planned them: with skip-file they are told of, and the others come");

  ds_dstream_set_bad_record_policy (fixture->lines, DS_ON_BAD_RECORD_SKIP_FILE);
  ds_dstream_foreach_rdd (fixture->lines, change_planned_files, fixture, NULL);
  begin (fixture, DS_FILES_ALL);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_build_filename ("in", names[i], NULL);
      g_autofree char *line = g_strdup_printf ("%s1\n", names[i]);

      append (fixture, path, line);
    }
  assert_batch (fixture, "kept1");
  /* What is not the same any more is another file. */
  assert_batch (fixture, "c g2 grown1");
  ds_test_files_stop (&fixture->base);
  for (guint i = 0; i + 1 < G_N_ELEMENTS (names); i++)
    g_assert_cmpuint (count_told (fixture, names[i], ""), ==, 1);
  g_assert_cmpuint (fixture->base.told->len, ==, 4);
}

/* ---- At the same time ---- */

static gboolean
is_running (GSubprocess *process)
{
  const char *identifier = g_subprocess_get_identifier (process);

  return identifier != NULL &&
         kill ((pid_t) g_ascii_strtoll (identifier, NULL, 10), 0) == 0;
}

#define N_FILES 200

static void
test_at_the_same_time (Fixture *fixture, gconstpointer user_data)
{
  GSubprocess *mover;
  GSubprocess *spoiler;
  g_autofree guint8 *n_seen = g_new0 (guint8, N_FILES);
  g_autofree char *n_files = g_strdup_printf ("%d", N_FILES);
  guint n_batches = 0;
  guint n_spoilt = 0;
  gboolean is_over = FALSE;

  g_test_summary (
      "While batches run one program moves 200 files in, and another one writes, "
      "appends to, cuts, moves and removes others: each of the first comes once, "
      "and of the others nothing that was never written");

  ds_dstream_set_bad_record_policy (fixture->lines, DS_ON_BAD_RECORD_SKIP_FILE);
  begin (fixture, DS_FILES_ALL);
  mover = start_program (fixture, "sh", "-c",
                         "i=0; while [ $i -lt $1 ]; do printf '%d\\n' $i > out/$i && "
                         "mv out/$i in/$i || exit 1; i=$((i + 1)); done",
                         "sh", n_files, NULL);
  spoiler =
      start_program (fixture, "sh", "-c",
                     /* Until it is killed, or the test is gone. */
                     "trap 'exit 0' TERM; "
                     "while kill -0 $PPID; do for i in 1 2 3 4 5; do "
                     "printf 'xxxx\\n' >> in/s$i; printf 'xxxx\\nxxxx' >> in/s$i; "
                     "truncate -s 3 in/s$i; mv in/s$i in/t$i; rm in/t$i; done; done",
                     NULL);
  while (!is_over)
    {
      g_autoptr (GPtrArray) lines = NULL;

      /* One more batch after the last file. */
      is_over = !is_running (mover);
      lines = run_batch (fixture);
      n_batches++;
      for (guint i = 0; i < lines->len; i++)
        {
          const char *line = lines->pdata[i];
          guint64 number = 0;

          if (line[0] == 'x')
            {
              g_assert_true (g_str_has_prefix ("xxxxxxxx", line));
              n_spoilt++;
              continue;
            }
          g_assert_true (
              g_ascii_string_to_unsigned (line, 10, 0, N_FILES - 1, &number, NULL));
          n_seen[number]++;
        }
    }
  wait_for (mover);
  g_assert_true (is_running (spoiler));
  /* It waits for what it has started first. */
  g_subprocess_send_signal (spoiler, SIGTERM);
  wait_for (spoiler);
  for (guint i = 0; i < N_FILES; i++)
    g_assert_cmpuint (n_seen[i], ==, 1);
  ds_test_files_stop (&fixture->base);
  g_test_message ("%d files came once each, in %u batches, and %u lines of others",
                  N_FILES, n_batches, n_spoilt);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(name, data, func)                                                            \
  g_test_add ("/dstream/files-of-other-programs/" name, Fixture, GINT_TO_POINTER (data), \
              set_up, func, tear_down)
  ADD ("default-selection", 0, test_default_selection);
  ADD ("c14-all-selection", 0, test_all_selection);
  ADD ("whatever-happens-new", DS_FILES_NEW, test_whatever_happens);
  ADD ("whatever-happens-all", DS_FILES_ALL, test_whatever_happens);
  ADD ("c12-c13-changed-before-it-is-read", 0, test_changed_before_it_is_read);
  ADD ("at-the-same-time", 0, test_at_the_same_time);
#undef ADD

  return g_test_run ();
}
