/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What ds-checkpoint tells of states, and does to them, as its users see it.  The
 * directories are those of a program over the public interface, which counts words of
 * files in several ways; $DS_CHECKPOINT names the tool. */

#include "base/ds-codec-private.h"
#include "base/ds-sanitizer-private.h"
#include "tests/dstream/ds-test-recovery.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <math.h>

/* A sanitizer makes each process some ten times as dear. */
#define BYTE_STEP (DS_MAY_READ_PAST_VALUES ? 1 : 29)

typedef struct
{
  DsTestProgram program;
  char *files;
  guint n_files;
} Fixture;

/* ---- The program ---- */

static gboolean has_all;     /* of its states; else only "counts" */
static gboolean has_second;  /* "counts" is made after another stream */
static gboolean is_frequent; /* a checkpoint each batch */
static Fixture *current;     /* whose files are read */

static DsValue
count (DsValue key,
       const DsValue *values,
       gsize n_values,
       DsValue state,
       DsTask *task,
       gpointer user_data)
{
  return ds_value_int (ds_value_get_int_or (state, 0) + (gint64) n_values);
}

/* A state of each type; "gone" leaves. */
static DsValue
be_odd (DsValue key,
        const DsValue *values,
        gsize n_values,
        DsValue state,
        DsTask *task,
        gpointer user_data)
{
  const DsValue items[] = { ds_value_int (1), ds_value_double (2.5), ds_value_null () };
  g_autofree char *name = ds_value_to_string (key);
  static const char *const names[] = { "a", "b", "c", "d",    "e",
                                       "f", "g", "h", "gone", "none" };
  guint i = 0;

  while (i < G_N_ELEMENTS (names) - 1 && !g_str_equal (names[i], name))
    i++;
  switch (i)
    {
    case 0:
      return ds_value_double ((double) NAN);
    case 1:
      return ds_tuple_from_items (task, items, 2);
    case 2:
      return ds_list_from_items (task, items, 3);
    case 3:
      return ds_value_bytes ("\0\377", 2);
    case 4:
      return ds_value_bool (TRUE);
    case 5:
      return ds_value_int (G_MAXINT64);
    case 6:
      return ds_value_string ("\"\\\n\302\205\303\244");
    case 7:
      return ds_value_double (-(double) INFINITY);
    case 8:
      return ds_value_is_null (state) ? ds_value_int (1) : ds_value_null ();
    default:
      return ds_value_double (1.0);
    }
}

static gboolean
note_nothing (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  return TRUE;
}

static DsDStream *
add_counts (DsTestProgram *program, DsDStream *pairs, const char *name)
{
  DsDStream *counts = ds_dstream_update_state_by_key (pairs, count, NULL, NULL);

  ds_dstream_set_name (counts, name);
  if (is_frequent)
    ds_dstream_checkpoint (counts, DS_SECOND);
  return counts;
}

static void
build (DsTestProgram *program, DsStreamingContext *ssc)
{
  DsDStream *lines = ds_streaming_context_text_file_stream (ssc, current->files);
  DsDStream *pairs;
  DsDStream *counts;

  ds_dstream_set_file_selection (lines, DS_FILES_ALL);
  ds_dstream_set_name (lines, "lines");
  pairs = ds_dstream_map (lines, ds_pair_with_one, NULL, NULL);
  if (has_second)
    ds_dstream_foreach_rdd (add_counts (program, pairs, "second"), note_nothing, NULL,
                            NULL);
  counts = add_counts (program, pairs, "counts");
  ds_output_set_name (ds_dstream_foreach_rdd (counts, ds_test_program_note, program,
                                              NULL),
                      "noted");
  if (has_all)
    {
      DsDStream *odd = ds_dstream_update_state_by_key (pairs, be_odd, NULL, NULL);
      DsDStream *recent = ds_dstream_count_by_value_and_window (lines, 3 * DS_SECOND, 0);
      DsDStream *largest = ds_dstream_reduce_by_key_and_window (pairs, 3 * DS_SECOND, 0,
                                                                ds_max, NULL, NULL);

      ds_dstream_set_name (odd, "odd");
      ds_dstream_set_name (recent, "recent");
      ds_dstream_set_name (largest, "largest");
      ds_output_set_name (ds_dstream_foreach_rdd (odd, note_nothing, NULL, NULL), "p1");
      ds_output_set_name (ds_dstream_foreach_rdd (recent, note_nothing, NULL, NULL),
                          "p2");
      ds_output_set_name (ds_dstream_foreach_rdd (largest, note_nothing, NULL, NULL),
                          "p3");
    }
}

static void
set_up (Fixture *fixture, gconstpointer user_data)
{
  has_all = has_second = is_frequent = FALSE;
  current = fixture;
  fixture->n_files = 0;
  fixture->files = g_dir_make_tmp ("ds-checkpoint-files-XXXXXX", NULL);
  ds_test_program_set_up (&fixture->program, build);
}

static void
tear_down (Fixture *fixture, gconstpointer user_data)
{
  ds_test_program_tear_down (&fixture->program);
  ds_test_drop_directory (fixture->files);
}

/* Words with a space behind each, a line for each in a file of its own. */
static void
drop_words (Fixture *fixture, const char *words)
{
  g_autofree char *text = g_strdelimit (g_strdup (words), " ", '\n');
  g_autofree char *name = g_strdup_printf ("%u", fixture->n_files++);
  g_autofree char *path = g_build_filename (fixture->files, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
}

/* The words are those of batch @k. */
static void
run_batch (Fixture *fixture, gint64 k, const char *words)
{
  drop_words (fixture, words);
  ds_test_program_run_until (&fixture->program, k);
}

/* A batch for each of @words, from batch @first on; then a graceful stop, which runs two
 * more and leaves a checkpoint. */
static void
run_program (Fixture *fixture, gint64 first, const char *const *words)
{
  DsClock *clock = DS_CLOCK (fixture->program.clock);

  if (first > 1)
    ds_manual_clock_advance (fixture->program.clock,
                             (first - 1) * DS_SECOND - ds_clock_get_time (clock));
  ds_test_program_start (&fixture->program);
  for (guint i = 0; words[i] != NULL; i++)
    run_batch (fixture, first + i, words[i]);
  ds_test_program_stop (&fixture->program, DS_STOP_GRACEFULLY);
}

/* ---- The tool ---- */

/* Standard output.  *@complaints (nullable): the other one. */
static GBytes *
run_tool_bytes (int expected_status, char **complaints, const char *const *arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process =
      g_subprocess_newv (arguments,
                         G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE,
                         &error);
  GBytes *output = NULL;
  g_autoptr (GBytes) other = NULL;
  g_autofree char *told = NULL;

  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate (process, NULL, NULL, &output, &other, &error));
  told = g_strndup (g_bytes_get_size (other) > 0 ? g_bytes_get_data (other, NULL) : "",
                    g_bytes_get_size (other));
  if (!g_subprocess_get_if_exited (process) ||
      g_subprocess_get_exit_status (process) != expected_status)
    g_error ("status %d, not %d: %s%s", g_subprocess_get_status (process),
             expected_status, told,
             g_bytes_get_size (output) > 0
                 ? (const char *) g_bytes_get_data (output, NULL)
                 : "");
  if (complaints != NULL)
    *complaints = g_steal_pointer (&told);
  else if (*told != '\0')
    g_error ("complaint: %s", told);
  return output;
}

#define TOOL(...) ((const char *const[]){ g_getenv ("DS_CHECKPOINT"), __VA_ARGS__, NULL })

static char *
run_tool (int expected_status, char **complaints, const char *const *arguments)
{
  g_autoptr (GBytes) output = run_tool_bytes (expected_status, complaints, arguments);

  return g_strndup (g_bytes_get_size (output) > 0 ? g_bytes_get_data (output, NULL) : "",
                    g_bytes_get_size (output));
}

static void
assert_has (const char *output, const char *words)
{
  if (strstr (output, words) == NULL)
    g_error ("\"%s\" is not in: %s", words, output);
}

static char *
get_path (Fixture *fixture, const char *name)
{
  return g_build_filename (fixture->program.directory, name, NULL);
}

static GBytes *
read_file (const char *path)
{
  g_autoptr (GError) error = NULL;
  char *bytes;
  gsize n_bytes;

  g_file_get_contents (path, &bytes, &n_bytes, &error);
  g_assert_no_error (error);
  return g_bytes_new_take (bytes, n_bytes);
}

/* In place, as damage comes. */
static void
write_file (const char *path, const guint8 *bytes, gsize n_bytes)
{
  FILE *file = fopen (path, "r+");

  g_assert_nonnull (file);
  g_assert_cmpint (ftruncate (fileno (file), 0), ==, 0);
  g_assert_cmpuint (fwrite (bytes, 1, n_bytes, file), ==, n_bytes);
  g_assert_cmpint (fclose (file), ==, 0);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Names of checkpoints, the oldest first.  (transfer full) */
static GPtrArray *
list_checkpoints (Fixture *fixture)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) dir = g_dir_open (fixture->program.directory, 0, NULL);

  for (const char *name; (name = g_dir_read_name (dir)) != NULL;)
    if (g_str_has_prefix (name, "ckpt-"))
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  return names;
}

/* ---- export-state ---- */

#define MANY                                                                  \
  "a b c d e f g h i j k l m n o p q r s t u v w x y z aa bb cc dd ee ff gg " \
  "hh ii jj kk ll mm nn oo pp qq rr ss tt uu vv ww xx yy zz "

static void
test_exports_json (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *output = NULL;
  g_autofree char *one = NULL;
  static const char *const words[] = { "a b c d e f g h gone x ", "b c gone ", "a a b ",
                                       NULL };

  g_test_summary ("Every type of state has its form in JSON, in the order of the keys");
  has_all = TRUE;
  run_program (fixture, 1, words);
  output = run_tool (0, NULL, TOOL ("export-state", fixture->program.directory));
  assert_has (output, "{\n\"version\": 1,\n\"application\": \"");
  assert_has (output, "\"checkpoint\": \"ckpt-00000000000000005000\",\n"
                      "\"batch_time\": 5000000,\n"
                      "\"states\": [\n"
                      "  {\n"
                      "  \"name\": \"counts\",\n"
                      "  \"operator\": \"update_state_by_key, every 1.000 s\",\n"
                      "  \"as_of\": 5000000,\n"
                      "  \"n_keys\": 10,\n"
                      "  \"keys\": [\n"
                      "    {\"key\": \"a\", \"state\": 3, \"updated_at\": 3000000},\n"
                      "    {\"key\": \"b\", \"state\": 3, \"updated_at\": 3000000},\n"
                      "    {\"key\": \"c\", \"state\": 2, \"updated_at\": 2000000},\n"
                      "    {\"key\": \"d\", \"state\": 1, \"updated_at\": 1000000},\n");
  assert_has (output,
              "    {\"key\": \"a\", \"state\": {\"$double\": \"NaN\"}, "
              "\"updated_at\": 1000000},\n"
              "    {\"key\": \"b\", \"state\": {\"$tuple\": [1, 2.5]}, "
              "\"updated_at\": 1000000},\n"
              "    {\"key\": \"c\", \"state\": [1, 2.5, null], "
              "\"updated_at\": 1000000},\n"
              "    {\"key\": \"d\", \"state\": {\"$bytes\": \"AP8=\"}, "
              "\"updated_at\": 1000000},\n"
              "    {\"key\": \"e\", \"state\": true, \"updated_at\": 1000000},\n"
              "    {\"key\": \"f\", \"state\": 9223372036854775807, "
              "\"updated_at\": 1000000},\n"
              "    {\"key\": \"g\", \"state\": \"\\\"\\\\\\u000a\\u0085\303\244\", "
              "\"updated_at\": 1000000},\n"
              "    {\"key\": \"h\", \"state\": {\"$double\": \"-Infinity\"}, "
              "\"updated_at\": 1000000},\n"
              "    {\"key\": \"x\", \"state\": 1.0, \"updated_at\": 1000000}\n"
              "  ]}");

  one = run_tool (0, NULL,
                  TOOL ("export-state", "--format=json", fixture->program.directory,
                        "recent"));
  assert_has (one, "\"name\": \"recent\",\n"
                   "  \"operator\": \"count_by_value_and_window, every 1.000 s, window "
                   "3.000 s\",\n"
                   "  \"as_of\": 5000000,\n"
                   "  \"n_keys\": 2,\n"
                   "  \"keys\": [\n"
                   "    {\"key\": \"a\", \"state\": 2},\n"
                   "    {\"key\": \"b\", \"state\": 1}\n"
                   "  ]}\n]\n}\n");
  g_assert_null (strstr (one, "\"counts\""));
  assert_has (output, "\"name\": \"largest\",\n"
                      "  \"operator\": \"reduce_by_key_and_window, every 1.000 s, window "
                      "3.000 s\",\n"
                      "  \"as_of\": 5000000,\n"
                      "  \"n_keys\": 2,\n"
                      "  \"keys\": [\n"
                      "    {\"key\": \"a\", \"state\": 1},\n"
                      "    {\"key\": \"b\", \"state\": 1}\n"
                      "  ]}\n]\n}\n");
}

/* What a plain loop counts in @n batches of @words. */
static void
assert_counts (const char *output, const char *const *words, guint n)
{
  g_autoptr (GHashTable) counts =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *size = NULL;
  GHashTableIter iter;
  gpointer key;
  gpointer number;

  for (guint i = 0; i < n && words[i] != NULL; i++)
    {
      g_auto (GStrv) each = g_strsplit (words[i], " ", -1);

      for (guint k = 0; each[k] != NULL; k++)
        if (*each[k] != '\0')
          g_hash_table_replace (
              counts, g_strdup (each[k]),
              GINT_TO_POINTER (GPOINTER_TO_INT (g_hash_table_lookup (counts, each[k])) +
                               1));
    }
  size = g_strdup_printf ("\"n_keys\": %u,", g_hash_table_size (counts));
  assert_has (output, size);
  g_hash_table_iter_init (&iter, counts);
  while (g_hash_table_iter_next (&iter, &key, &number))
    {
      g_autofree char *row =
          g_strdup_printf ("{\"key\": \"%s\", \"state\": %d, ", (const char *) key,
                           GPOINTER_TO_INT (number));

      assert_has (output, row);
    }
}

/* "w0 w1 ... w499 ".  (transfer full) */
static char *
make_many (void)
{
  GString *words = g_string_new (NULL);

  for (guint i = 0; i < 500; i++)
    g_string_append_printf (words, "w%u ", i);
  return g_string_free (words, FALSE);
}

static gint64
find_newest (Fixture *fixture)
{
  g_autoptr (GPtrArray) names = list_checkpoints (fixture);

  return g_ascii_strtoll ((char *) names->pdata[names->len - 1] + 5, NULL, 10) / 1000;
}

/* Batches of @words, and without any, until checkpoints have been written that build on
 * others: a full one, of what came first, and two more.  The last batch. */
static gint64
run_chain (Fixture *fixture, const char *const *words)
{
  guint n_written = 0;
  gint64 newest = 0;
  gint64 k = 0;

  is_frequent = TRUE;
  ds_test_program_start (&fixture->program);
  while (n_written < 4 || *words != NULL)
    {
      gint64 now = find_newest (fixture);

      n_written += now > newest;
      newest = now;
      if (*words != NULL)
        drop_words (fixture, *words++);
      ds_test_program_run_until (&fixture->program, ++k);
    }
  return k;
}

static void
test_follows_chains (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *list = NULL;
  g_autofree char *newest = NULL;
  gint64 k;
  g_autoptr (GPtrArray) names = NULL;
  g_autofree char *many = make_many ();
  const char *const words[] = {
    many, "a ", "b new ", "w1 b ", "w2 a ", "w3 newer ", NULL
  };

  g_test_summary ("A checkpoint of what changed is shown with what it builds on");
  k = run_chain (fixture, words);
  ds_test_program_stop (&fixture->program, DS_STOP_GRACEFULLY);
  list = run_tool (0, NULL, TOOL ("list", fixture->program.directory));
  newest = g_strdup_printf ("ckpt-%020d", ((int) k + 2) * 1000);
  assert_has (list, newest);
  assert_has (strstr (list, newest), "  adds to ckpt-000000000000");
  names = list_checkpoints (fixture);
  g_assert_cmpuint (names->len, >=, 3);
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *path = get_path (fixture, names->pdata[i]);
      g_autofree char *output = run_tool (0, NULL, TOOL ("export-state", path, "counts"));

      assert_counts (output, words, (guint) atoi ((char *) names->pdata[i] + 5) / 1000);
    }
}

static void
test_exports_msgpack (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GBytes) output = NULL;
  g_autoptr (DsBlock) block = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  const DsValue *values;
  gsize n_values;
  static const char *const words[] = { "b a ", "a ", NULL };

  g_test_summary ("As msgpack: lists back to back, which any reader of it understands");
  run_program (fixture, 1, words);
  output = run_tool_bytes (0, NULL,
                           TOOL ("export-state", "--format=msgpack",
                                 fixture->program.directory, "counts"));
  block = ds_codec_decode_block (g_bytes_get_data (output, NULL),
                                 g_bytes_get_size (output), 0, &error);
  g_assert_no_error (error);
  values = ds_block_get_values (block, &n_values);
  g_assert_cmpuint (n_values, ==, 4);
  g_assert_cmpuint (values[0].size, ==, 5);
  g_assert_true (
      ds_value_equal (values[0].as.items[0], ds_value_string ("ds-checkpoint")));
  g_assert_cmpint (ds_value_get_int (values[0].as.items[4]), ==, 4 * DS_SECOND);
  text = ds_value_to_string (values[1]);
  g_assert_cmpstr (text, ==,
                   "[state, counts, update_state_by_key, every 1.000 s, 2, 4000000]");
  g_clear_pointer (&text, g_free);
  text = ds_value_to_string (values[2]);
  g_assert_cmpstr (text, ==, "[a, 2, 2000000]");
  g_clear_pointer (&text, g_free);
  text = ds_value_to_string (values[3]);
  g_assert_cmpstr (text, ==, "[b, 1, 1000000]");
}

/* ---- diff ---- */

static void
test_tells_what_changed (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *old = NULL;
  g_autofree char *newest = NULL;
  g_autofree char *none = NULL;
  g_autofree char *output = NULL;
  static const char *const words[] = { MANY, NULL };
  static const char *const more[] = { "a new ", NULL };

  g_test_summary ("Two checkpoints of one directory, key by key");
  run_program (fixture, 1, words);
  run_program (fixture, 4, more);
  old = get_path (fixture, "ckpt-00000000000000003000");
  newest = get_path (fixture, "ckpt-00000000000000006000");
  none = run_tool (0, NULL, TOOL ("diff", newest, fixture->program.directory));
  assert_has (none, "A: ckpt-00000000000000006000 in \"");
  assert_has (none, "B: ckpt-00000000000000006000 in \"");
  assert_has (none, "\nno difference\n");

  output = run_tool (1, NULL, TOOL ("diff", "--keys", old, newest));
  assert_has (output,
              "~ batch time: 1970-01-01T00:00:03.000Z, 1970-01-01T00:00:06.000Z\n");
  assert_has (output, "~ position of input \"lines\": ");
  assert_has (output, "~ state of \"counts\": 52 keys, 53 keys: 0 removed, 1 added, 1 "
                      "changed\n"
                      "  ~ \"a\": 1, 2\n"
                      "  + \"new\": 1\n");
  assert_has (output,
              "~ batches behind it: 3 planned, 0 of them not complete, 0 planned, "
              "0 of them not complete\n");
  g_assert_null (strstr (output, "operator"));
  g_assert_null (strstr (output, "graph"));
}

static void
test_tells_other_graphs (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *first = g_strdup (fixture->program.directory);
  g_autofree char *second = g_dir_make_tmp ("ds-checkpoint-other-XXXXXX", NULL);
  g_autofree char *output = NULL;
  g_autofree char *back = NULL;
  static const char *const words[] = { "a b ", NULL };

  g_test_summary ("Two programs: what only one of them has");
  run_program (fixture, 1, words);
  /* Another one, which finds the file of the first as well as its own. */
  has_all = has_second = TRUE;
  g_clear_object (&fixture->program.clock);
  fixture->program.clock = ds_manual_clock_new (0);
  g_free (fixture->program.directory);
  fixture->program.directory = second;
  run_program (fixture, 1, words);
  fixture->program.directory = first;

  output = run_tool (1, NULL, TOOL ("diff", first, second));
  assert_has (output, "\n~ application: ");
  assert_has (output, "\n~ graph: ");
  assert_has (output, "\n+ stream \"second\": update_state_by_key, every 1.000 s\n");
  assert_has (output, "\n+ stream \"recent\": count_by_value_and_window, every 1.000 s, "
                      "window 3.000 s\n");
  assert_has (output, "\n+ output \"p1\": foreach_rdd\n");
  assert_has (output, "\n~ state of \"second\": 0 keys, 2 keys: 0 removed, 2 added, 0 "
                      "changed\n");
  g_assert_null (strstr (output, "\n- "));
  back = run_tool (1, NULL, TOOL ("diff", "--keys", second, first));
  assert_has (back, "\n- stream \"second\": update_state_by_key, every 1.000 s\n");
  assert_has (back, "\n~ state of \"second\": 2 keys, 0 keys: 2 removed, 0 added, 0 "
                    "changed\n"
                    "  - \"a\": 2\n"
                    "  - \"b\": 2\n");
  fixture->program.directory = g_steal_pointer (&first);
  ds_test_drop_directory (g_steal_pointer (&second));
}

/* ---- drop-state ---- */

static void
test_drops_a_state (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *newest = get_path (fixture, "ckpt-00000000000000004000");
  g_autoptr (GBytes) before = NULL;
  g_autoptr (GBytes) untouched = NULL;
  g_autofree char *dry = NULL;
  g_autofree char *done = NULL;
  g_autofree char *again = NULL;
  g_autofree char *verified = NULL;
  g_autofree char *kept = NULL;
  g_autofree char *complaint = NULL;
  static const char *const words[] = { "a b ", "a ", NULL };
  static const char *const more[] = { "a c ", NULL };

  g_test_summary ("A state that was dropped is empty at the next start, others are not");
  has_second = TRUE;
  run_program (fixture, 1, words);
  before = read_file (newest);
  dry = run_tool (0, NULL,
                  TOOL ("drop-state", "--dry-run", fixture->program.directory, "counts"));
  assert_has (dry, "ckpt-00000000000000004000: the state of \"counts\" "
                   "(update_state_by_key, every 1.000 s) would be dropped: ");
  assert_has (dry, "nothing was changed\n");
  untouched = read_file (newest);
  g_assert_true (g_bytes_equal (before, untouched));

  done = run_tool (0, NULL, TOOL ("drop-state", fixture->program.directory, "counts"));
  assert_has (done, " was dropped: ");
  again =
      run_tool (1, &complaint, TOOL ("drop-state", fixture->program.directory, "counts"));
  assert_has (complaint, "has no state of a stream \"counts\"; it has \"second\"");
  verified = run_tool (0, NULL, TOOL ("verify", fixture->program.directory));
  assert_has (verified, "recovery starts from ckpt-00000000000000004000\n");
  kept = run_tool (0, NULL, TOOL ("export-state", fixture->program.directory));
  assert_has (kept, "\"name\": \"second\"");
  assert_has (kept, "{\"key\": \"a\", \"state\": 2, ");
  g_assert_null (strstr (kept, "\"name\": \"counts\""));

  g_string_truncate (fixture->program.log, 0);
  run_program (fixture, 5, more);
  g_assert_true (g_str_has_prefix (fixture->program.log->str, "5: (a,1) (c,1)\n"));
  g_clear_pointer (&kept, g_free);
  kept = run_tool (0, NULL, TOOL ("export-state", fixture->program.directory, "second"));
  assert_counts (kept, (const char *const[]){ "a b a a c " }, 1);
}

static void
test_drops_from_chains (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *done = NULL;
  g_autofree char *complaint = NULL;
  g_autofree char *refused = NULL;
  g_autofree char *newest = NULL;
  g_autofree char *expected = NULL;
  gint64 k;
  g_autofree char *many = make_many ();
  const char *const words[] = { many, "w1 ", "b ", NULL };
  static const char *const more[] = { "a ", NULL };

  g_test_summary ("What older checkpoints have of it does not come back, and a running "
                  "program is let be");
  k = run_chain (fixture, words);
  refused =
      run_tool (1, &complaint, TOOL ("drop-state", fixture->program.directory, "counts"));
  assert_has (complaint, "is in use");
  ds_test_program_stop (&fixture->program, DS_STOP_GRACEFULLY);
  done = run_tool (0, NULL, TOOL ("list", fixture->program.directory));
  newest = g_strdup_printf ("ckpt-%020d", ((int) k + 2) * 1000);
  assert_has (done, newest);
  assert_has (strstr (done, newest), "  adds to ckpt-00000000000");
  g_clear_pointer (&done, g_free);
  done = run_tool (0, NULL, TOOL ("drop-state", fixture->program.directory, "counts"));
  assert_has (done, " was dropped: ");

  g_string_truncate (fixture->program.log, 0);
  run_program (fixture, k + 3, more);
  expected = g_strdup_printf ("%d: (a,1)\n", (int) k + 3);
  g_assert_true (g_str_has_prefix (fixture->program.log->str, expected));
}

static void
test_drops_nothing_else (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *input = NULL;
  g_autofree char *unknown = NULL;
  g_autofree char *place = NULL;
  g_autofree char *elsewhere = NULL;
  g_autofree char *newest = get_path (fixture, "ckpt-00000000000000003000");
  g_autoptr (GDir) dir = NULL;
  static const char *const words[] = { "a b ", NULL };

  g_test_summary ("Inputs, names that are none and folders of others are refused");
  run_program (fixture, 1, words);
  g_free (run_tool (1, &input, TOOL ("drop-state", fixture->program.directory, "lines")));
  assert_has (input, "has no state of a stream \"lines\"; it has \"counts\"");
  g_free (run_tool (1, &unknown, TOOL ("drop-state", fixture->program.directory, "")));
  assert_has (unknown, "it has \"counts\"");
  g_free (run_tool (1, &place, TOOL ("drop-state", newest, "counts")));
  assert_has (place, "wants a directory");
  g_free (run_tool (1, &elsewhere, TOOL ("drop-state", fixture->files, "counts")));
  assert_has (elsewhere, "there is no checkpoint, and no log, in \"");
  dir = g_dir_open (fixture->files, 0, NULL);
  g_assert_cmpstr (g_dir_read_name (dir), ==, "0");
  g_assert_null (g_dir_read_name (dir));
}

/* ---- Damage ---- */

/* The newest checkpoint is @bytes: the one before is shown, and what is wrong told. */
static void
assert_falls_back (Fixture *fixture,
                   const char *newest,
                   const guint8 *bytes,
                   gsize n_bytes,
                   const char *expected)
{
  g_autofree char *complaint = NULL;
  g_autofree char *output = NULL;

  write_file (newest, bytes, n_bytes);
  output = run_tool (1, &complaint, TOOL ("export-state", fixture->program.directory));
  g_assert_cmpstr (output, ==, expected);
  assert_has (complaint, "damaged: ");
  assert_has (complaint, "ckpt-00000000000000006000");
}

static void
test_each_byte_is_flipped (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *old = get_path (fixture, "ckpt-00000000000000004000");
  g_autofree char *newest = get_path (fixture, "ckpt-00000000000000006000");
  g_autofree char *expected = NULL;
  g_autofree char *compared = NULL;
  g_autoptr (GBytes) whole = NULL;
  g_autofree guint8 *bytes = NULL;
  gsize n_bytes;
  static const char *const words[] = { "a b ", NULL };
  static const char *const more[] = { "a ", NULL };

  g_test_summary ("Whatever byte of the newest checkpoint is damaged, and wherever it "
                  "ends: the one before is shown");
  run_program (fixture, 1, words);
  run_program (fixture, 4, more);
  expected = run_tool (0, NULL, TOOL ("export-state", old));
  whole = read_file (newest);
  bytes = g_memdup2 (g_bytes_get_data (whole, &n_bytes), g_bytes_get_size (whole));
  n_bytes = g_bytes_get_size (whole);
  for (gsize i = 0; i < n_bytes; i += BYTE_STEP)
    {
      bytes[i] ^= 0x10;
      assert_falls_back (fixture, newest, bytes, n_bytes, expected);
      bytes[i] ^= 0x10;
    }
  for (gsize i = 0; i < n_bytes; i += 7 * BYTE_STEP)
    assert_falls_back (fixture, newest, bytes, i, expected);

  compared = run_tool (1, NULL, TOOL ("diff", fixture->program.directory, old));
  assert_has (compared, "A: damaged: ");
  assert_has (compared, "A: ckpt-00000000000000004000 in ");
  assert_has (compared, "no difference in what can be read\n");
}

static void
test_all_is_damaged (Fixture *fixture, gconstpointer user_data)
{
  g_autoptr (GPtrArray) names = NULL;
  g_autofree char *exported = NULL;
  g_autofree char *dropped = NULL;
  g_autofree char *compared = NULL;
  static const char *const words[] = { "a b ", NULL };

  g_test_summary ("Without a checkpoint that can be used each is told, and none changed");
  run_program (fixture, 1, words);
  names = list_checkpoints (fixture);
  g_assert_cmpuint (names->len, >=, 2);
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *path = get_path (fixture, names->pdata[i]);

      write_file (path, (const guint8 *) "damaged", 7);
    }
  g_free (run_tool (1, &exported, TOOL ("export-state", fixture->program.directory)));
  g_free (
      run_tool (1, &dropped, TOOL ("drop-state", fixture->program.directory, "counts")));
  compared =
      run_tool (1, NULL,
                TOOL ("diff", fixture->program.directory, fixture->program.directory));
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *path = get_path (fixture, names->pdata[i]);
      g_autoptr (GBytes) left = read_file (path);

      assert_has (exported, names->pdata[i]);
      assert_has (dropped, names->pdata[i]);
      assert_has (compared, names->pdata[i]);
      g_assert_cmpuint (g_bytes_get_size (left), ==, 7);
    }
}

static void
test_a_damaged_log_is_told (Fixture *fixture, gconstpointer user_data)
{
  g_autofree char *output = NULL;
  g_autofree char *compared = NULL;
  g_autoptr (GDir) dir = g_dir_open (fixture->program.directory, 0, NULL);
  static const char *const words[] = { "a b ", "a ", NULL };
  guint n_damaged = 0;

  g_test_summary ("States do not need the log; what compares batches tells its damage");
  run_program (fixture, 1, words);
  for (const char *name; (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *path = get_path (fixture, name);

      if (!g_str_has_prefix (name, "wal-"))
        continue;
      write_file (path, (const guint8 *) "damaged", 7);
      n_damaged++;
    }
  g_assert_cmpuint (n_damaged, >, 0);
  output = run_tool (0, NULL, TOOL ("export-state", fixture->program.directory));
  assert_counts (output, words, 2);
  compared =
      run_tool (1, NULL,
                TOOL ("diff", fixture->program.directory, fixture->program.directory));
  assert_has (compared, "A: damaged: ");
  assert_has (compared, "wal-");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) \
  g_test_add ("/tools/ds-checkpoint-state/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("export/json", test_exports_json);
  ADD ("export/chains", test_follows_chains);
  ADD ("export/msgpack", test_exports_msgpack);
  ADD ("diff/what-changed", test_tells_what_changed);
  ADD ("diff/other-graphs", test_tells_other_graphs);
  ADD ("drop/a-state", test_drops_a_state);
  ADD ("drop/from-chains", test_drops_from_chains);
  ADD ("drop/nothing-else", test_drops_nothing_else);
  ADD ("damage/each-byte", test_each_byte_is_flipped);
  ADD ("damage/everything", test_all_is_damaged);
  ADD ("damage/the-log", test_a_damaged_log_is_told);
#undef ADD
  return g_test_run ();
}
