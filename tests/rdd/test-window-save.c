/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Windows that are interrupted: captured between two steps, saved, loaded into a stepper
 * that knows nothing, and gone on with. */

#include "base/ds-codec-private.h"
#include "rdd/ds-functions.h"
#include "rdd/ds-state-codec-private.h"
#include "tests/rdd/ds-test-rdd.h"
#include "tests/rdd/ds-test-save.h"

#include <math.h>

#define N_PARTITIONS 3

/* ---- Functions of windows, over each kind of value ---- */

typedef enum
{
  KIND_INTS,
  KIND_DOUBLES,
  KIND_STRINGS,
  KIND_TUPLES,
  N_KINDS
} Kind;

static DsValue
add_doubles (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  return ds_value_double (ds_value_get_double (a) + ds_value_get_double (b));
}

static DsValue
subtract_doubles (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  return ds_value_double (ds_value_get_double (a) - ds_value_get_double (b));
}

static DsValue
append_strings (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  gsize n_a, n_b;
  const char *text_a = ds_value_get_string (a, &n_a);
  const char *text_b = ds_value_get_string (b, &n_b);
  char *both = ds_task_alloc (task, n_a + n_b + 1);

  memcpy (both, text_a, n_a);
  memcpy (both + n_a, text_b, n_b);
  return ds_value_string_sized (both, (guint32) (n_a + n_b));
}

/* What left is the beginning, unless the filter has dropped the key meanwhile. */
static DsValue
cut_strings (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  gsize n_a, n_b;
  const char *text_a = ds_value_get_string (a, &n_a);

  ds_value_get_string (b, &n_b);
  n_b = MIN (n_a, n_b);
  return ds_value_string_sized (text_a + n_b, (guint32) (n_a - n_b));
}

/* (number, sum) */
static DsValue
add_tuples (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  DsValue items[2] = { ds_value_int (ds_value_get_int (a.as.items[0]) +
                                     ds_value_get_int (b.as.items[0])),
                       add_doubles (a.as.items[1], b.as.items[1], task, NULL) };

  return ds_tuple_from_items (task, items, 2);
}

static DsValue
subtract_tuples (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  DsValue items[2] = { ds_value_int (ds_value_get_int (a.as.items[0]) -
                                     ds_value_get_int (b.as.items[0])),
                       subtract_doubles (a.as.items[1], b.as.items[1], task, NULL) };

  return ds_tuple_from_items (task, items, 2);
}

static const struct
{
  DsReduceFunc func;
  DsReduceFunc inverse;
} functions[N_KINDS] = { { ds_add, ds_subtract },
                         { add_doubles, subtract_doubles },
                         { append_strings, cut_strings },
                         { add_tuples, subtract_tuples } };

/* Three of four stay. */
static gboolean
filter_pairs (DsValue pair, DsTask *task, gpointer unused)
{
  DsValue value = pair.as.items[1];

  if (ds_value_is (value, DS_VALUE_TYPE_INT))
    return value.as.integer % 4 != 0;
  if (ds_value_is (value, DS_VALUE_TYPE_DOUBLE))
    return fmod (floor (fabs (value.as.number)), 4) != 0;
  if (ds_value_is (value, DS_VALUE_TYPE_STRING))
    return value.size % 4 != 0;
  return value.as.items[0].as.integer % 4 != 0;
}

/* ---- Batches ---- */

typedef struct
{
  guint32 seed;
  Kind kind;
  gint32 n_keys;
  DsWindowPlan plan;
} Program;

static DsValue
make_key (gint32 n, DsArena *arena)
{
  DsValue items[2] = { ds_value_int (n), ds_value_string ("a key in two parts") };
  g_autofree char *text = g_strdup_printf ("%s%d", n % 8 < 4 ? "k" : "a longer key ", n);

  switch (n % 4)
    {
    case 0:
      return ds_value_int (n - 8);
    case 1:
      return ds_value_double (n == 1 ? -0.0 : n / 7.0);
    case 2:
      return ds_value_copy (ds_value_string (text), arena);
    default:
      return ds_value_copy (ds_value_tuple (items, 2), arena);
    }
}

static DsValue
make_value (Kind kind, GRand *random, DsArena *arena)
{
  gint32 n = g_rand_int_range (random, -20, 50);
  DsValue items[2] = { ds_value_int (1), ds_value_double (n / 3.0) };
  char text[64];

  switch (kind)
    {
    case KIND_INTS:
      return ds_value_int (n);
    case KIND_DOUBLES:
      return ds_value_double (n / 3.0);
    case KIND_STRINGS:
      memset (text, 'a' + g_rand_int_range (random, 0, 26), sizeof text);
      return ds_value_copy (ds_value_string_sized (text, (guint32) MAX (n, 0)), arena);
    case KIND_TUPLES:
    case N_KINDS:
    default:
      return ds_value_copy (ds_value_tuple (items, 2), arena);
    }
}

/* The same for the same time; now and then nothing. */
static DsRdd *
make_batch (DsContext *context, const Program *program, DsTime time)
{
  g_autoptr (GRand) random =
      g_rand_new_with_seed (program->seed + (guint32) (time / DS_SECOND));
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsArena) arena = ds_arena_new (NULL);
  gint32 first = g_rand_int_range (random, 0, program->n_keys);
  gint32 n = g_rand_int_range (random, 0, 4) == 0
                 ? 0
                 : g_rand_int_range (random, 0, program->n_keys);

  for (gint32 i = 0; i < n; i++)
    ds_block_builder_add_pair (builder,
                               make_key ((first + i * 5) % program->n_keys, arena),
                               make_value (program->kind, random, arena));
  return ds_test_parallelize (context, ds_block_builder_end (builder), 2);
}

/* The step of @time, with all batches since the last one; what it gives, encoded.  NULL:
 * it is given up. */
static GByteArray *
run_step (DsWindowStepper *stepper,
          DsContext *context,
          const Program *program,
          DsTime time,
          gboolean is_given_up)
{
  g_autoptr (GPtrArray) rdds = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (DsTime));
  g_autoptr (DsRdd) step = NULL;
  g_autoptr (DsBlock) block = NULL;
  g_autoptr (GError) error = NULL;
  GByteArray *bytes = NULL;

  for (DsTime t = MAX (ds_window_stepper_get_time (stepper), 0) + DS_SECOND; t <= time;
       t += DS_SECOND)
    {
      g_ptr_array_add (rdds, make_batch (context, program, t));
      g_array_append_val (times, t);
    }
  step = ds_window_stepper_make_step (stepper, context, time, (DsRdd **) rdds->pdata,
                                      (const DsTime *) (gconstpointer) times->data,
                                      rdds->len);
  if (!is_given_up)
    {
      g_assert_true (ds_step_rdd_run (step, &error));
      g_assert_no_error (error);
      block = ds_rdd_collect (step, &error);
      g_assert_no_error (error);
      bytes = g_byte_array_new ();
      ds_codec_encode_block (block, bytes);
    }
  ds_step_rdd_settle (step);
  return bytes;
}

static GBytes *
save_snapshot (DsWindowSnapshot *snapshot)
{
  DsTestWriter writer = ds_test_writer_make ();
  g_autoptr (GError) error = NULL;

  g_assert_true (ds_window_snapshot_save (snapshot, &writer.writer, &error));
  g_assert_no_error (error);
  return g_byte_array_free_to_bytes (writer.bytes);
}

static GBytes *
save (DsWindowStepper *stepper)
{
  g_autoptr (DsWindowSnapshot) snapshot = ds_window_stepper_capture (stepper, TRUE);

  return save_snapshot (snapshot);
}

static gboolean
try_load (DsWindowStepper *stepper,
          DsContext *context,
          GBytes *bytes,
          gsize n_piece,
          GError **error)
{
  gsize n_bytes;
  const guint8 *data = g_bytes_get_data (bytes, &n_bytes);
  DsTestReader reader = ds_test_reader_make (data, n_bytes);
  gboolean ok;

  reader.n_piece = n_piece;
  ok = ds_window_stepper_load (stepper, context, &reader.reader, error);
  g_assert_true (ok == (*error == NULL));
  if (ok)
    g_assert_cmpuint (reader.at, ==, n_bytes);
  return ok;
}

static void
load (DsWindowStepper *stepper, DsContext *context, GBytes *bytes, gsize n_piece)
{
  g_autoptr (GError) error = NULL;

  try_load (stepper, context, bytes, n_piece, &error);
  g_assert_no_error (error);
}

static DsWindowStepper *
make_stepper (const DsWindowPlan *plan, guint n_partitions)
{
  g_autoptr (DsPartitioner) partitioner = ds_partitioner_new_hash (n_partitions);

  return ds_window_stepper_new (plan, partitioner);
}

static Program
make_program (guint32 seed, guint number)
{
  Program program = { .seed = seed, .kind = number % N_KINDS, .n_keys = 24 };

  program.plan.kind = "reduce_by_key_and_window";
  program.plan.can_be_captured = TRUE;
  program.plan.window = (1 + number % 7) * DS_SECOND;
  program.plan.func = functions[program.kind].func;
  if (number / 4 % 2 == 0)
    program.plan.inverse = functions[program.kind].inverse;
  if (number / 8 % 2 == 0)
    program.plan.filter = filter_pairs;
  program.plan.is_keyless = number / 16 % 3 == 0;
  return program;
}

/* ---- Interruptions ---- */

static void
check_interruption (DsContext *context, const Program *program)
{
  g_autoptr (DsWindowStepper) whole = make_stepper (&program->plan, N_PARTITIONS);
  g_autoptr (DsWindowStepper) resumed = make_stepper (&program->plan, N_PARTITIONS);
  gint n_before = g_test_rand_int_range (0, 20);
  DsTime slide = g_test_rand_int_range (1, 4) * DS_SECOND;
  g_autoptr (GBytes) bytes = NULL;
  DsTime time = 0;

  for (gint i = 0; i < n_before; i++)
    {
      g_autoptr (GByteArray) ignored = NULL;

      time += slide;
      ignored =
          run_step (whole, context, program, time, g_test_rand_int_range (0, 6) == 0);
    }
  bytes = save (whole);
  load (resumed, context, bytes, 1 + g_test_rand_int_range (0, 100));
  g_assert_cmpint (ds_window_stepper_get_time (resumed), ==,
                   ds_window_stepper_get_time (whole));

  for (gint i = 0; i < 16; i++)
    {
      gboolean is_given_up = g_test_rand_int_range (0, 6) == 0;
      g_autoptr (GBytes) expected_bytes = save (whole);
      g_autoptr (GBytes) found_bytes = save (resumed);
      g_autoptr (GByteArray) expected = NULL;
      g_autoptr (GByteArray) found = NULL;

      /* Whatever the tables look like inside. */
      g_assert_true (g_bytes_equal (expected_bytes, found_bytes));
      time += slide;
      expected = run_step (whole, context, program, time, is_given_up);
      found = run_step (resumed, context, program, time, is_given_up);
      if (!is_given_up)
        g_assert_cmpmem (found->data, found->len, expected->data, expected->len);
    }
}

static void
test_goes_on_as_if_nothing_had_happened (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  guint32 first_seed = (guint32) g_test_rand_int ();

  g_test_summary ("With and without inverse, filter and keys, over all kinds of values: "
                  "the same bytes");
  for (guint32 i = 0; i < 240; i++)
    {
      Program program = make_program (first_seed + i, i);

      g_test_message ("seed %u, program %u", program.seed, i);
      check_interruption (context, &program);
    }
}

typedef struct
{
  DsWindowSnapshot *snapshot;
  GBytes *bytes;
} Saving;

static gpointer
save_aside (gpointer data)
{
  Saving *self = data;
  DsTestWriter writer = ds_test_writer_make ();
  g_autoptr (GError) error = NULL;

  g_assert_true (ds_window_snapshot_save (self->snapshot, &writer.writer, &error));
  g_assert_no_error (error);
  self->bytes = g_byte_array_free_to_bytes (writer.bytes);
  return NULL;
}

static GBytes *
save_as (DsWindowStepper *stepper, gboolean is_full)
{
  g_autoptr (DsWindowSnapshot) snapshot = ds_window_stepper_capture (stepper, is_full);

  return save_snapshot (snapshot);
}

static void
test_steps_go_on_while_it_is_saved (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");

  g_test_summary ("A snapshot is as of when it was taken, whenever it is written");
  for (guint number = 0; number < 32; number++)
    {
      Program program = make_program (5, number);
      g_autoptr (DsWindowStepper) stepper = make_stepper (&program.plan, N_PARTITIONS);
      DsTime time = 0;

      for (guint i = 0; i < 4; i++)
        {
          g_autoptr (GBytes) expected = NULL;
          gboolean is_full = i % 2 == 0;
          Saving saving = { NULL, NULL };
          GThread *thread;

          /* As many as are still in a longer window when the next one is taken. */
          for (guint k = 0; k < (is_full ? 6 : 0); k++)
            g_byte_array_unref (
                run_step (stepper, context, &program, time += DS_SECOND, FALSE));
          expected = save_as (stepper, is_full);
          saving.snapshot = ds_window_stepper_capture (stepper, is_full);
          g_assert_true (ds_window_snapshot_is_full (saving.snapshot) || !is_full);
          thread = g_thread_new ("save", save_aside, &saving);
          for (guint k = 0; k < 6; k++)
            {
              g_autoptr (GByteArray) ignored =
                  run_step (stepper, context, &program, time += DS_SECOND,
                            k == 2 || k == 3);
            }
          g_thread_join (thread);
          ds_window_snapshot_release (saving.snapshot, TRUE);
          g_assert_true (g_bytes_equal (saving.bytes, expected));
          g_bytes_unref (saving.bytes);
        }
    }
}

/* ---- Steps that are taken again ---- */

/* A step of @stepper. */
static void
take_step (DsWindowStepper *stepper,
           DsContext *context,
           const Program *program,
           DsTime time)
{
  g_autoptr (GByteArray) ignored =
      run_step (stepper, context, program, time, g_test_rand_int_range (0, 8) == 0);
}

/* Saves what changed @n_links times, now and then without the disk's consent, and loads
 * all of it.  Returns how many were not in full. */
static guint
check_chain (DsContext *context, const Program *program, guint n_links)
{
  g_autoptr (DsWindowStepper) whole = make_stepper (&program->plan, N_PARTITIONS);
  g_autoptr (DsWindowStepper) resumed = NULL;
  g_autoptr (GPtrArray) chain =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  DsTime slide = g_test_rand_int_range (1, 3) * DS_SECOND;
  guint n_changes = 0;
  DsTime time = 0;

  for (guint i = 0; i < n_links; i++)
    {
      gint n_steps = g_test_rand_int_range (0, 4);
      DsWindowSnapshot *snapshot;
      gboolean is_written =
          i == 0 || i == n_links - 1 || g_test_rand_int_range (0, 4) != 0;
      GBytes *bytes;

      for (gint k = 0; k < n_steps; k++)
        take_step (whole, context, program, time += slide);
      snapshot = ds_window_stepper_capture (whole, i == 0);
      bytes = save_snapshot (snapshot);
      if (is_written && ds_window_snapshot_is_full (snapshot))
        g_ptr_array_set_size (chain, 0);
      if (is_written)
        {
          n_changes += !ds_window_snapshot_is_full (snapshot);
          g_ptr_array_add (chain, g_bytes_ref (bytes));
        }
      g_bytes_unref (bytes);
      ds_window_snapshot_release (snapshot, is_written);
      if (!is_written)
        continue;

      g_clear_pointer (&resumed, ds_window_stepper_unref);
      resumed = make_stepper (&program->plan, N_PARTITIONS);
      for (guint k = 0; k < chain->len; k++)
        load (resumed, context, g_ptr_array_index (chain, k), G_MAXSIZE);
      {
        g_autoptr (GBytes) expected = save (whole);
        g_autoptr (GBytes) found = save (resumed);

        g_assert_true (g_bytes_equal (expected, found));
      }
    }
  for (gint i = 0; i < 8; i++)
    {
      g_autoptr (GByteArray) expected =
          run_step (whole, context, program, time += slide, FALSE);
      g_autoptr (GByteArray) found = run_step (resumed, context, program, time, FALSE);

      g_assert_cmpmem (found->data, found->len, expected->data, expected->len);
    }
  return n_changes;
}

static void
test_what_came_is_enough (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");
  guint32 first_seed = (guint32) g_test_rand_int ();
  guint n_changes = 0;

  g_test_summary ("Batches that came since the save before, taken again: the same bytes");
  for (guint32 i = 0; i < 160; i++)
    {
      Program program = make_program (first_seed + i, i);

      program.plan.window = (2 + i % 13) * DS_SECOND;
      g_test_message ("seed %u, program %u", program.seed, i);
      n_changes += check_chain (context, &program, 12);
    }
  g_test_message ("%u saves of what changed", n_changes);
  g_assert_cmpuint (n_changes, >, 300);
}

static GBytes *
save_as_base (DsWindowStepper *stepper, gboolean is_full)
{
  DsWindowSnapshot *snapshot = ds_window_stepper_capture (stepper, is_full);
  GBytes *bytes = save_snapshot (snapshot);

  g_assert_true (ds_window_snapshot_is_full (snapshot) == is_full);
  ds_window_snapshot_release (snapshot, TRUE);
  return bytes;
}

/* 10 keys a batch out of @n_keys. */
static void
take_small_step (DsWindowStepper *stepper, DsContext *context, DsTime time)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsRdd) input = NULL;
  g_autoptr (DsRdd) step = NULL;
  g_autoptr (GError) error = NULL;

  for (gint64 i = 0; i < 10; i++)
    ds_block_builder_add_pair (builder, ds_value_int (time / DS_SECOND * 7 + i),
                               ds_value_int (1));
  input = ds_test_parallelize (context, ds_block_builder_end (builder), 2);
  step = ds_window_stepper_make_step (stepper, context, time, &input, &time, 1);
  g_assert_true (ds_step_rdd_run (step, &error));
  g_assert_no_error (error);
  ds_step_rdd_settle (step);
}

static void
test_a_batch_is_written_once (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");

  g_test_summary ("What is saved of 5 batches does not depend on the 100 before them");
  for (guint has_inverse = 0; has_inverse < 2; has_inverse++)
    {
      const DsWindowPlan plan = { .kind = "reduce_by_key_and_window",
                                  .window = 100 * DS_SECOND,
                                  .func = ds_add,
                                  .inverse = has_inverse ? ds_subtract : NULL,
                                  .can_be_captured = TRUE };
      g_autoptr (DsWindowStepper) stepper = make_stepper (&plan, N_PARTITIONS);
      g_autoptr (GBytes) full = NULL;
      DsTime time = 0;

      for (guint i = 0; i < 100; i++)
        take_small_step (stepper, context, time += DS_SECOND);
      full = save_as_base (stepper, TRUE);
      g_assert_cmpuint (g_bytes_get_size (full), >, 100 * 10 * 3);
      for (guint i = 0; i < 4; i++)
        {
          g_autoptr (GBytes) changes = NULL;

          for (guint k = 0; k < 5; k++)
            take_small_step (stepper, context, time += DS_SECOND);
          changes = save_as_base (stepper, FALSE);
          /* A key of 3 bytes and a value of 1, and 9 of the time of a step and a batch.
           */
          g_assert_cmpuint (g_bytes_get_size (changes), <, 5 * (10 * 4 + 50) + 100);
        }
      /* What came since has left again. */
      for (guint i = 0; i < 100; i++)
        take_small_step (stepper, context, time += DS_SECOND);
      g_clear_pointer (&full, g_bytes_unref);
      full = save_as_base (stepper, TRUE);
    }
}

/* Batches that leave while they are written are kept, and given back. */
static void
test_memory_is_given_back (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local");

  g_test_summary ("Whoever writes keeps one window at most, and nothing when it is done");
  for (guint has_inverse = 0; has_inverse < 2; has_inverse++)
    {
      Program program = make_program (1, KIND_INTS);
      g_autoptr (DsWindowStepper) stepper = NULL;
      DsWindowCounts before, counts;
      DsTime time = 0;

      program.n_keys = 401;
      program.plan = (DsWindowPlan){ .kind = "reduce_by_key_and_window",
                                     .window = 20 * DS_SECOND,
                                     .func = ds_add,
                                     .inverse = has_inverse ? ds_subtract : NULL,
                                     .can_be_captured = TRUE };
      stepper = make_stepper (&program.plan, N_PARTITIONS);
      before.n_bytes = 0;
      for (guint i = 0; i < 400; i++)
        {
          DsWindowSnapshot *snapshot = ds_window_stepper_capture (stepper, i % 4 == 0);

          for (guint k = 0; k < 50; k++)
            g_byte_array_unref (
                run_step (stepper, context, &program, time += DS_SECOND, FALSE));
          g_bytes_unref (save_snapshot (snapshot));
          ds_window_snapshot_release (snapshot, i % 2 == 0);
          ds_window_stepper_get_counts (stepper, &counts);
          if (i < 40)
            before.n_bytes = MAX (before.n_bytes, counts.n_bytes);
          else
            g_assert_cmpuint (counts.n_bytes, <=, before.n_bytes * 5 / 4);
        }
    }
}

/* ---- Many keys ---- */

static DsRdd *
make_large_batch (DsContext *context, gint64 n_keys, gint64 first)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();

  for (gint64 i = 0; i < n_keys / 4; i++)
    ds_block_builder_add_pair (builder, ds_value_int ((first + i * 3) % n_keys * 1000003),
                               ds_value_int (i));
  return ds_test_parallelize (context, ds_block_builder_end (builder), 2);
}

static void
check_many_keys (DsContext *context, gboolean has_inverse)
{
  const gint64 n_keys = 200000;
  const DsWindowPlan plan = { .kind = "reduce_by_key_and_window",
                              .window = 20 * DS_SECOND,
                              .func = ds_add,
                              .inverse = has_inverse ? ds_subtract : NULL,
                              .can_be_captured = TRUE };
  g_autoptr (DsWindowStepper) stepper = make_stepper (&plan, N_PARTITIONS);
  g_autoptr (DsWindowStepper) resumed = make_stepper (&plan, N_PARTITIONS);
  g_autoptr (DsWindowSnapshot) snapshot = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GBytes) same = NULL;
  g_autoptr (GError) error = NULL;
  Saving saving = { NULL, NULL };
  gint64 start, captured, saved, loaded;

  for (DsTime time = DS_SECOND; time <= 24 * DS_SECOND; time += DS_SECOND)
    {
      g_autoptr (DsRdd) input = make_large_batch (context, n_keys, time / DS_SECOND);
      g_autoptr (DsRdd) step =
          ds_window_stepper_make_step (stepper, context, time, &input, &time, 1);

      start = g_get_monotonic_time ();
      g_assert_true (ds_step_rdd_run (step, &error));
      captured = g_get_monotonic_time ();
      ds_step_rdd_settle (step);
    }
  g_test_message ("a step with 20 batches of %" G_GINT64_FORMAT
                  " keys took %" G_GINT64_FORMAT " us",
                  n_keys / 4, captured - start);
  start = g_get_monotonic_time ();
  saving.snapshot = snapshot = ds_window_stepper_capture (stepper, TRUE);
  captured = g_get_monotonic_time ();
  save_aside (&saving);
  bytes = saving.bytes;
  saved = g_get_monotonic_time ();
  load (resumed, context, bytes, G_MAXSIZE);
  loaded = g_get_monotonic_time ();
  g_test_message ("%s: captured in %" G_GINT64_FORMAT " us, saved in %" G_GINT64_FORMAT
                  " us, %" G_GSIZE_FORMAT " bytes, loaded in %" G_GINT64_FORMAT " us",
                  has_inverse ? "inverse" : "queues", captured - start, saved - captured,
                  g_bytes_get_size (bytes), loaded - saved);
  same = save (resumed);
  g_assert_true (g_bytes_equal (same, bytes));
}

static void
test_many_keys (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[2]");

  g_test_summary ("What capturing, saving and loading of many keys takes");
  check_many_keys (context, TRUE);
  check_many_keys (context, FALSE);
}

/* ---- What can't be ---- */

static void
test_says_what_does_not_fit (void)
{
  Program program = make_program (9, 0);
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[1]");
  g_autoptr (DsWindowStepper) stepper = make_stepper (&program.plan, N_PARTITIONS);
  g_autoptr (DsWindowStepper) larger = make_stepper (&program.plan, N_PARTITIONS + 1);
  g_autoptr (DsWindowStepper) queues = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = NULL;

  for (DsTime time = DS_SECOND; time <= 3 * DS_SECOND; time += DS_SECOND)
    g_byte_array_unref (run_step (stepper, context, &program, time, FALSE));
  bytes = save (stepper);
  g_assert_false (try_load (larger, context, bytes, G_MAXSIZE, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_GRAPH_MISMATCH);
  g_assert_nonnull (strstr (error->message, "3 partitions, but the stream has 4"));
  g_clear_error (&error);
  program.plan.inverse = NULL;
  queues = make_stepper (&program.plan, N_PARTITIONS);
  g_assert_false (try_load (queues, context, bytes, G_MAXSIZE, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_GRAPH_MISMATCH);
  g_assert_nonnull (strstr (error->message, "with an inverse, but the stream has none"));
  g_clear_error (&error);
  g_assert_false (try_load (stepper, context, bytes, G_MAXSIZE, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
  g_clear_error (&error);
}

/* Whatever was loaded can be gone on with, as long as the functions know its values. */
static gboolean
load_damaged (DsContext *context, const Program *program, GBytes *bytes)
{
  g_autoptr (DsWindowStepper) stepper = make_stepper (&program->plan, N_PARTITIONS);
  g_autoptr (GError) error = NULL;
  DsTime time;

  if (!try_load (stepper, context, bytes, G_MAXSIZE, &error))
    {
      g_assert_true (error->domain == DS_ERROR);
      return FALSE;
    }
  time = ds_window_stepper_get_time (stepper);
  if (program->kind == KIND_INTS && time < 100 * DS_SECOND)
    for (guint i = 0; i < 4; i++)
      {
        g_autoptr (DsRdd) input =
            make_batch (context, program, time = (time / DS_SECOND + 1) * DS_SECOND);
        g_autoptr (DsRdd) step =
            ds_window_stepper_make_step (stepper, context, time, &input, &time, 1);

        ds_step_rdd_run (step, NULL);
        ds_step_rdd_settle (step);
      }
  g_bytes_unref (save (stepper));
  return TRUE;
}

static void
test_damage_is_an_error_and_never_a_crash (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[1]");

  g_test_summary ("Each byte flipped, each length cut, for both ways and with a filter");
  for (guint number = 0; number < 16; number++)
    {
      Program program = make_program (3, number);
      g_autoptr (DsWindowStepper) stepper = NULL;
      g_autoptr (GBytes) bytes = NULL;
      guint n_refused = 0;
      gsize n_bytes;
      const guint8 *data;

      program.n_keys = 10;
      program.plan.window = 3 * DS_SECOND;
      stepper = make_stepper (&program.plan, N_PARTITIONS);
      for (DsTime time = DS_SECOND; time <= 4 * DS_SECOND; time += DS_SECOND)
        g_byte_array_unref (run_step (stepper, context, &program, time, FALSE));
      bytes = save (stepper);
      data = g_bytes_get_data (bytes, &n_bytes);
      for (gsize i = 0; i < n_bytes; i += DS_TEST_BYTE_STEP)
        {
          g_autoptr (GBytes) cut = g_bytes_new (data, i);

          g_assert_false (load_damaged (context, &program, cut));
          for (guint bit = 0; bit < 8; bit++)
            {
              g_autofree guint8 *copy = g_memdup2 (data, n_bytes);
              g_autoptr (GBytes) flipped = NULL;

              copy[i] ^= (guint8) (1u << bit);
              flipped = g_bytes_new_take (g_steal_pointer (&copy), n_bytes);
              n_refused += !load_damaged (context, &program, flipped);
            }
        }
      g_test_message ("%" G_GSIZE_FORMAT " bytes, %u of %" G_GSIZE_FORMAT
                      " flips refused",
                      n_bytes, n_refused, 8 * n_bytes);
      g_assert_cmpuint (n_refused * DS_TEST_BYTE_STEP, >, 100);
    }
}

/* Steps that are damaged, behind a window that is whole. */
static gboolean
load_damaged_steps (DsContext *context,
                    const Program *program,
                    GBytes *base,
                    GBytes *bytes)
{
  g_autoptr (DsWindowStepper) stepper = make_stepper (&program->plan, N_PARTITIONS);
  g_autoptr (GError) error = NULL;

  load (stepper, context, base, G_MAXSIZE);
  if (!try_load (stepper, context, bytes, G_MAXSIZE, &error))
    return FALSE;
  g_bytes_unref (save (stepper));
  return TRUE;
}

static void
check_damaged_steps (DsContext *context, const Program *program)
{
  g_autoptr (DsWindowStepper) stepper = make_stepper (&program->plan, N_PARTITIONS);
  g_autoptr (GBytes) base = NULL;
  g_autoptr (GBytes) bytes = NULL;
  guint n_refused = 0;
  DsTime time = 0;
  gsize n_bytes;
  const guint8 *data;

  for (guint i = 0; i < 3; i++)
    g_byte_array_unref (run_step (stepper, context, program, time += DS_SECOND, FALSE));
  base = save_as_base (stepper, TRUE);
  for (guint i = 0; i < 5; i++)
    g_byte_array_unref (run_step (stepper, context, program, time += DS_SECOND, FALSE));
  bytes = save_as_base (stepper, FALSE);
  data = g_bytes_get_data (bytes, &n_bytes);
  g_assert_true (load_damaged_steps (context, program, base, bytes));
  /* Behind another window they are refused. */
  g_assert_false (load_damaged (context, program, bytes));
  for (gsize i = 0; i < n_bytes; i += DS_TEST_BYTE_STEP)
    {
      g_autoptr (GBytes) cut = g_bytes_new (data, i);

      g_assert_false (load_damaged_steps (context, program, base, cut));
      for (guint bit = 0; bit < 8; bit++)
        {
          g_autofree guint8 *copy = g_memdup2 (data, n_bytes);
          g_autoptr (GBytes) flipped = NULL;

          copy[i] ^= (guint8) (1u << bit);
          flipped = g_bytes_new_take (g_steal_pointer (&copy), n_bytes);
          n_refused += !load_damaged_steps (context, program, base, flipped);
        }
    }
  g_test_message ("%" G_GSIZE_FORMAT " bytes, %u flips refused", n_bytes, n_refused);
  g_assert_cmpuint (n_bytes, >, 100);
  g_assert_cmpuint (n_refused * DS_TEST_BYTE_STEP, >, n_bytes);
}

static void
test_damaged_steps_are_an_error (void)
{
  g_autoptr (DsTestContext) context = ds_test_context_new ("local[1]");

  g_test_summary ("The same of what changed, which is taken again by the functions");
  for (guint number = KIND_INTS; number < 16; number += N_KINDS)
    {
      Program program = make_program (3, number);

      program.n_keys = 10;
      program.plan.window = 8 * DS_SECOND;
      program.plan.filter = NULL; /* it knows only the values that it was made for */
      check_damaged_steps (context, &program);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/rdd/window-save/goes-on-as-if-nothing-had-happened",
                   test_goes_on_as_if_nothing_had_happened);
  g_test_add_func ("/rdd/window-save/steps-go-on-while-it-is-saved",
                   test_steps_go_on_while_it_is_saved);
  g_test_add_func ("/rdd/window-save/what-came-is-enough", test_what_came_is_enough);
  g_test_add_func ("/rdd/window-save/a-batch-is-written-once",
                   test_a_batch_is_written_once);
  g_test_add_func ("/rdd/window-save/memory-is-given-back", test_memory_is_given_back);
  g_test_add_func ("/rdd/window-save/many-keys", test_many_keys);
  g_test_add_func ("/rdd/window-save/says-what-does-not-fit",
                   test_says_what_does_not_fit);
  g_test_add_func ("/rdd/window-save/damage-is-an-error-and-never-a-crash",
                   test_damage_is_an_error_and_never_a_crash);
  g_test_add_func ("/rdd/window-save/damaged-steps-are-an-error",
                   test_damaged_steps_are_an_error);

  return g_test_run ();
}
