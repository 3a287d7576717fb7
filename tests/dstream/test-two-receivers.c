/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two durable receivers of other paces, of which a window looks back at one: blocks lie
 * in the log in another order than that of their batches, some of batches that are
 * forgotten behind some that are still needed.  The program is killed at each of its
 * points, goes on, is killed again while it does, and goes on; what the batches had, what
 * the window looked back at and what the state counted is compared with plain loops over
 * what the batches had when they were first seen.
 *
 * The work is done by children of this process, which has no other thread. */

#include "base/ds-durable-file-private.h"
#include "base/ds-sanitizer-private.h"
#include "tests/base/ds-test-tree.h"
#include "tests/dstream/ds-test-intake.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_ROUNDS 5
#define WINDOW 3
#define MAX_POINTS 2000
#define MAX_BATCHES 400
/* Of the points, one in so many is a place to be killed at. */
#define STRIDE (DS_HAS_ASAN || DS_HAS_TSAN ? 23 : g_test_slow () ? 1 : 2)

typedef enum
{
  OUTPUT_A,
  OUTPUT_B,
  OUTPUT_WINDOW,
  OUTPUT_COUNTS,
  N_OUTPUTS
} Output;

/* One run: a child. */
typedef struct
{
  char *directory;
  int seen; /* file descriptor: what was seen, line by line */
  gboolean looks_back_at_b;
  guint number;
  DsTime now;           /* of the clock, when it begins */
  gint kill_at;         /* the point; 0: none */
  gint n_points;        /* atomic */
  gint is_begun;        /* atomic: points count */
  gint64 blocked_batch; /* atomic: its generation waits for release */
  DsTestGate blocked, release;
  DsManualClock *clock;
  DsStreamingContext *ssc;
  DsTestIntake *a, *b;
  guint n_stored; /* records */
} Run;

static Run *run;

/* Nothing here is about power. */
int
fsync (int fd)
{
  return 0;
}

int
fdatasync (int fd)
{
  return 0;
}

static void
come_by (void)
{
  if (g_atomic_int_get (&run->is_begun) &&
      g_atomic_int_add (&run->n_points, 1) + 1 == run->kill_at)
    kill (getpid (), SIGKILL);
}

/* One write, so that it is there or not. */
static void G_GNUC_PRINTF (1, 2) see (const char *format, ...)
{
  g_autofree char *line = NULL;
  va_list arguments;

  va_start (arguments, format);
  line = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_assert_cmpint (write (run->seen, line, strlen (line)), ==, (gssize) strlen (line));
}

/* DsDurableFaultFunc */
static int
come_by_call (const char *call, const char *path, gsize *n_bytes, gpointer unused)
{
  come_by ();
  return 0;
}

/* ---- The program ---- */

#define TYPE_BARRIER (barrier_get_type ())
G_DECLARE_FINAL_TYPE (Barrier, barrier, TEST, BARRIER, DsInputDStream)

/* A source of nothing: a batch that gets here has its blocks, and no plan yet. */
struct _Barrier
{
  DsInputDStream parent_instance;
};

G_DEFINE_FINAL_TYPE (Barrier, barrier, DS_TYPE_INPUT_DSTREAM)

static DsRdd *
barrier_compute (DsInputDStream *stream, DsTime batch_time, GError **error)
{
  g_autoptr (DsBlock) nothing = ds_block_new (NULL, 0);

  come_by ();
  if (batch_time == __atomic_load_n (&run->blocked_batch, __ATOMIC_ACQUIRE))
    {
      ds_test_gate_add (&run->blocked, 1);
      ds_test_gate_await (&run->release, ds_test_gate_get (&run->blocked));
    }
  return ds_context_parallelize (ds_streaming_context_get_context (
                                     ds_dstream_get_context (DS_DSTREAM (stream))),
                                 nothing, 1);
}

static void
barrier_class_init (BarrierClass *klass)
{
  DS_INPUT_DSTREAM_CLASS (klass)->compute = barrier_compute;
}

static void
barrier_init (Barrier *self)
{
}

/* DsForeachRddFunc */
static gboolean
note_rdd (DsRdd *rdd, DsBatch *batch, gpointer output, GError **error)
{
  g_autoptr (DsBlock) block = ds_rdd_collect (rdd, error);
  g_autofree char *values = NULL;

  if (block == NULL)
    return FALSE;
  values = ds_block_to_string (block);
  come_by ();
  see ("= %d %" G_GINT64_FORMAT " %s\n", GPOINTER_TO_INT (output),
       ds_batch_get_time (batch) / DS_SECOND,
       g_strdelimit (g_strchomp (values), "\n", ' '));
  come_by ();
  return TRUE;
}

static void
note (DsDStream *stream, Output output)
{
  ds_dstream_foreach_rdd (stream, note_rdd, GINT_TO_POINTER (output), NULL);
}

/* "a17" to ("a", 1) */
static DsValue
get_sender (DsValue record, DsTask *task, gpointer unused)
{
  gsize n_bytes;
  const char *text = ds_value_get_string (record, &n_bytes);

  return ds_pair (task, ds_value_string_sized (text, 1), ds_value_int (1));
}

static DsValue
count (DsValue key,
       const DsValue *values,
       gsize n_values,
       DsValue state,
       DsTask *task,
       gpointer unused)
{
  return ds_value_int (ds_value_get_int_or (state, 0) + (gint64) n_values);
}

static DsDStream *
add_intake (DsTestIntake **intake, const char *name, DsDurability durability)
{
  DsDStream *stream;

  *intake = g_object_new (DS_TYPE_TEST_INTAKE, NULL);
  stream = ds_streaming_context_receiver_stream (run->ssc, DS_RECEIVER (*intake));
  ds_dstream_set_name (stream, name);
  ds_dstream_set_durability (stream, durability);
  return stream;
}

/* DsSetupFunc */
static DsStreamingContext *
set_up (gpointer unused, GError **error)
{
  g_autoptr (DsInputDStream) barrier = g_object_new (TYPE_BARRIER, NULL);
  DsDStream *a, *b, *counts;

  run->ssc = ds_streaming_context_new ("local[1]", "test", DS_SECOND);
  ds_streaming_context_set_clock (run->ssc, DS_CLOCK (run->clock));
  /* Only batches cut what is stored record by record. */
  g_object_set (run->ssc, "block-interval", (gint64) DS_HOUR, NULL);
  ds_dstream_foreach_rdd (ds_streaming_context_input_stream (run->ssc, barrier), note_rdd,
                          GINT_TO_POINTER (N_OUTPUTS), NULL);
  a = add_intake (&run->a, "a", DS_DURABILITY_GROUP);
  b = add_intake (&run->b, "b", DS_DURABILITY_EVERY_RECORD);
  note (a, OUTPUT_A);
  note (b, OUTPUT_B);
  note (ds_dstream_window (run->looks_back_at_b ? b : a, WINDOW * DS_SECOND, 0),
        OUTPUT_WINDOW);
  counts = ds_dstream_update_state_by_key (ds_dstream_map (ds_dstream_union (a, b),
                                                           get_sender, NULL, NULL),
                                           count, NULL, NULL);
  ds_dstream_checkpoint (counts, DS_SECOND);
  note (counts, OUTPUT_COUNTS);
  return run->ssc;
}

/* ---- Its course ---- */

static char *
make_record (char sender)
{
  return g_strdup_printf ("%c%u-%u", sender, run->number, ++run->n_stored);
}

/* The receiver of every record: it is safe when the function returns. */
static void
store_safely (void)
{
  g_autofree char *record = make_record ('b');
  g_autoptr (GBytes) text = g_bytes_new (record, strlen (record));
  g_autoptr (GError) error = NULL;

  ds_receiver_store_text (DS_RECEIVER (run->b), text, 0, &error);
  g_assert_no_error (error);
  see ("! %s\n", record);
  come_by ();
}

/* Waits in memory for the next tick, whose batch it is in, whatever time it is. */
static void
store_for_next_tick (void)
{
  g_autofree char *record = make_record ('a');

  g_assert_true (ds_receiver_store_string (DS_RECEIVER (run->a), record));
  come_by ();
}

static void
await_batch (gint64 k)
{
  g_autoptr (GError) error = NULL;

  ds_streaming_context_await_batch (run->ssc, k * DS_SECOND, &error);
  g_assert_no_error (error);
}

/* While batch @k has its blocks, and no plan, the clock goes on; what is stored then
 * belongs to batches that are not next to each other, and not in the order of the log. */
static gint64
play_round (gint64 k, guint round)
{
  gint64 n_ahead = g_test_rand_int_range (0, 6);
  gint64 n_blocked = ds_test_gate_get (&run->blocked);
  guint n_a = (guint) g_test_rand_int_range (0, 3);
  guint n_b = round % 2 == 0 ? (guint) g_test_rand_int_range (1, 4) : 0;

  __atomic_store_n (&run->blocked_batch, k * DS_SECOND, __ATOMIC_RELEASE);
  ds_manual_clock_set_time (run->clock, k * DS_SECOND);
  ds_test_gate_await (&run->blocked, n_blocked + 1);
  see ("@ %" G_GINT64_FORMAT "\n", k + n_ahead + 1);
  for (guint i = 0; i < n_b; i++)
    {
      ds_manual_clock_set_time (run->clock,
                                (k + n_ahead * i / n_b) * DS_SECOND + DS_SECOND / 2);
      store_safely ();
    }
  ds_manual_clock_set_time (run->clock, (k + n_ahead) * DS_SECOND + DS_SECOND / 2);
  while (n_a-- > 0)
    store_for_next_tick ();
  ds_test_gate_add (&run->release, 1);
  await_batch (k + n_ahead);
  come_by ();
  return k + n_ahead;
}

static void
play (void)
{
  g_autoptr (GError) error = NULL;
  gint64 k = run->now / DS_SECOND;

  see ("@ %" G_GINT64_FORMAT "\n", k + 1);
  run->clock = ds_manual_clock_new (run->now);
  ds_durable_file_set_fault_func (come_by_call, NULL);
  ds_streaming_context_get_or_create (run->directory, set_up, NULL, &error);
  g_assert_no_error (error);
  g_atomic_int_set (&run->is_begun, TRUE);
  ds_streaming_context_start (run->ssc, &error);
  g_assert_no_error (error);
  ds_test_gate_await (&run->a->starts, 1);
  ds_test_gate_await (&run->b->starts, 1);
  if (ds_streaming_context_is_recovered (run->ssc))
    await_batch (k);
  for (guint i = 0; i < N_ROUNDS; i++)
    k = play_round (k + 1, i);
  ds_streaming_context_stop (run->ssc, DS_STOP_GRACEFULLY, &error);
  g_assert_no_error (error);
}

/* Hundreds of runs say what each run says; only what is wrong is of interest. */
static void
handle_log (const char *domain,
            GLogLevelFlags level,
            const char *message,
            gpointer unused)
{
  if ((level & G_LOG_LEVEL_MASK) <= G_LOG_LEVEL_WARNING)
    g_log_default_handler (domain, level, message, NULL);
}

/* ---- What was seen ---- */

typedef struct
{
  char *outputs[MAX_BATCHES][N_OUTPUTS + 1]; /* (nullable): as first seen */
  gint64 n_batches;                          /* the newest */
  gint64 newest_time;                        /* of the clock, in s */
  GPtrArray *safe;                           /* records */
} Seen;

static void
seen_clear (Seen *self)
{
  for (guint i = 0; i < MAX_BATCHES; i++)
    for (guint k = 0; k <= N_OUTPUTS; k++)
      g_free (self->outputs[i][k]);
  g_ptr_array_unref (self->safe);
}

static void
seen_read (Seen *self, const char *path)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  memset (self, 0, sizeof *self);
  self->safe = g_ptr_array_new_with_free_func (g_free);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL && **line != '\0'; line++)
    {
      g_auto (GStrv) words = g_strsplit (*line, " ", 4);
      char **kept;
      gint64 batch;

      if (g_str_equal (words[0], "!"))
        {
          g_ptr_array_add (self->safe, g_strdup (words[1]));
          continue;
        }
      if (g_str_equal (words[0], "@"))
        {
          self->newest_time = g_ascii_strtoll (words[1], NULL, 10);
          continue;
        }
      batch = g_ascii_strtoll (words[2], NULL, 10);
      g_assert_cmpint (batch, <, MAX_BATCHES);
      self->n_batches = MAX (self->n_batches, batch);
      kept = &self->outputs[batch][g_ascii_strtoll (words[1], NULL, 10)];
      if (*kept == NULL)
        *kept = g_strdup (words[3]);
      else if (!g_str_equal (*kept, words[3]))
        g_error ("batch %" G_GINT64_FORMAT ", output %s was \"%s\" and is \"%s\"", batch,
                 words[1], *kept, words[3]);
    }
}

static const char *
seen_get (const Seen *self, gint64 batch, Output output)
{
  return batch > 0 && self->outputs[batch][output] != NULL ? self->outputs[batch][output]
                                                           : "";
}

/* How often @record is in batches. */
static guint
seen_count (const Seen *self, const char *record)
{
  guint n = 0;

  for (gint64 i = 1; i <= self->n_batches; i++)
    for (Output output = OUTPUT_A; output <= OUTPUT_B; output++)
      {
        g_auto (GStrv) words = g_strsplit (seen_get (self, i, output), " ", -1);

        for (char **word = words; *word != NULL; word++)
          n += g_str_equal (*word, record);
      }
  return n;
}

static guint
count_words (const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  guint n = 0;

  for (char **word = words; *word != NULL; word++)
    n += **word != '\0';
  return n;
}

/* What the window has at @batch. */
static char *
seen_look_back (const Seen *self, gint64 batch, Output at)
{
  GString *text = g_string_new (NULL);

  for (gint64 i = MAX (batch - WINDOW + 1, 1); i <= batch; i++)
    if (*seen_get (self, i, at) != '\0')
      g_string_append_printf (text, "%s%s", text->len > 0 ? " " : "",
                              seen_get (self, i, at));
  return g_string_free (text, FALSE);
}

static void
seen_check (const Seen *self, gboolean looks_back_at_b)
{
  guint n_of[2] = { 0 };

  for (gint64 i = 1; i <= self->n_batches; i++)
    {
      g_autofree char *window =
          seen_look_back (self, i, looks_back_at_b ? OUTPUT_B : OUTPUT_A);
      g_autofree char *a = NULL;
      g_autofree char *b = NULL;

      g_assert_cmpstr (seen_get (self, i, OUTPUT_WINDOW), ==, window);
      for (Output output = OUTPUT_A; output <= OUTPUT_B; output++)
        {
          g_auto (GStrv) words = g_strsplit (seen_get (self, i, output), " ", -1);

          n_of[output] += count_words (seen_get (self, i, output));
          for (char **word = words; *word != NULL; word++)
            if (**word != '\0')
              g_assert_cmpuint (seen_count (self, *word), ==, 1);
        }
      a = g_strdup_printf ("(a,%u)", n_of[0]);
      b = g_strdup_printf ("(b,%u)", n_of[1]);
      if (n_of[0] > 0)
        g_assert_nonnull (strstr (seen_get (self, i, OUTPUT_COUNTS), a));
      if (n_of[1] > 0)
        g_assert_nonnull (strstr (seen_get (self, i, OUTPUT_COUNTS), b));
      g_assert_cmpuint (count_words (seen_get (self, i, OUTPUT_COUNTS)), ==,
                        (n_of[0] > 0) + (n_of[1] > 0));
    }
  for (guint i = 0; i < self->safe->len; i++)
    g_assert_cmpuint (seen_count (self, g_ptr_array_index (self->safe, i)), ==, 1);
}

/* ---- Killed ---- */

/* The newest checkpoint, when there is one before it. */
static void
damage_newest (const char *directory)
{
  g_auto (GStrv) names = ds_test_list_names (directory);
  g_autofree char *path = NULL;
  guint n_checkpoints = 0;
  char byte;
  int fd;

  for (char **name = names; *name != NULL; name++)
    if (g_str_has_prefix (*name, "ckpt-"))
      {
        n_checkpoints++;
        g_free (path);
        path = g_build_filename (directory, *name, NULL);
      }
  if (n_checkpoints < 2)
    return;
  fd = open (path, O_RDWR | O_CLOEXEC);
  g_assert_cmpint (pread (fd, &byte, 1, 100), ==, 1);
  byte ^= 1;
  g_assert_cmpint (pwrite (fd, &byte, 1, 100), ==, 1);
  close (fd);
}

typedef struct
{
  char *directory, *path; /* of checkpoints, and of what was seen */
  gboolean looks_back_at_b;
  guint n_runs;
} Life;

/* TRUE: it came to its end, and by *@n_points. */
static gboolean
live (Life *self, gint kill_at, gint *n_points)
{
  g_autoptr (GError) error = NULL;
  int ends[2];
  Seen seen;
  pid_t child;
  int status;

  g_assert_cmpint (pipe (ends), ==, 0);
  seen_read (&seen, self->path);
  self->n_runs++;
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      run = &(Run){ .directory = self->directory,
                    .looks_back_at_b = self->looks_back_at_b,
                    .number = self->n_runs,
                    .now = (seen.newest_time + self->n_runs % 3) * DS_SECOND,
                    .kill_at = kill_at,
                    .blocked_batch = -1 };
      run->seen = open (self->path, O_WRONLY | O_APPEND | O_CLOEXEC);
      g_log_set_default_handler (handle_log, NULL);
      play ();
      g_assert_cmpint (write (ends[1], &run->n_points, sizeof run->n_points), ==,
                       sizeof run->n_points);
      _exit (0);
    }
  close (ends[1]);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  if (WIFEXITED (status) && n_points != NULL)
    g_assert_cmpint (read (ends[0], n_points, sizeof *n_points), ==, sizeof *n_points);
  close (ends[0]);
  seen_clear (&seen);
  g_assert_true (WIFSIGNALED (status) ? WTERMSIG (status) == SIGKILL
                                      : WEXITSTATUS (status) == 0);
  return WIFEXITED (status);
}

/* Killed at @kill_at, and at a point while it goes on; returns whether it got there. */
static gboolean
live_and_die (gboolean looks_back_at_b, gint kill_at, gint *n_points)
{
  g_autofree char *root = g_dir_make_tmp ("ds-two-XXXXXX", NULL);
  g_autofree char *directory = g_build_filename (root, "checkpoints", NULL);
  g_autofree char *path = g_build_filename (root, "seen", NULL);
  Life life = { directory, path, looks_back_at_b, 0 };
  gboolean has_ended;
  Seen seen;

  g_assert_true (g_file_set_contents (path, "", 0, NULL));
  has_ended = live (&life, kill_at, n_points);
  if (!has_ended)
    {
      if (g_test_rand_bit ())
        damage_newest (directory);
      live (&life, g_test_rand_int_range (1, 60), NULL);
      if (g_test_rand_bit ())
        damage_newest (directory);
      g_assert_true (live (&life, 0, NULL));
    }
  seen_read (&seen, path);
  seen_check (&seen, looks_back_at_b);
  seen_clear (&seen);
  ds_test_drop_directory (g_steal_pointer (&root));
  return has_ended;
}

static void
test_killed_at_each_point (gconstpointer looks_back_at_b)
{
  gint n_points = 0;
  guint n_killed = 0;

  g_assert_true (live_and_die (GPOINTER_TO_INT (looks_back_at_b), 0, &n_points));
  g_assert_cmpint (n_points, <, MAX_POINTS);
  for (gint i = 1; i < n_points; i += STRIDE)
    n_killed += !live_and_die (GPOINTER_TO_INT (looks_back_at_b), i, NULL);
  g_assert_cmpuint (n_killed, >, 0);
  g_test_message ("%u runs killed of %d points, each twice: 0 lost, 0 doubled, 0 changed",
                  n_killed, n_points);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_data_func ("/two-receivers/the-one-of-next-ticks-is-looked-back-at",
                        GINT_TO_POINTER (FALSE), test_killed_at_each_point);
  g_test_add_data_func ("/two-receivers/the-one-ahead-is-looked-back-at",
                        GINT_TO_POINTER (TRUE), test_killed_at_each_point);

  return g_test_run ();
}
