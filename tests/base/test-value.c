/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values as keys: equality, order and hash of every type; deep copies; reading as a wrong
 * type. */

#include "base/ds-error.h"
#include "base/ds-failure-private.h"
#include "base/ds-value-private.h"

#include "tests/base/ds-test-values-private.h"

#define N_RANDOM 150

static const DsValue a_and_one[] = {
  { DS_VALUE_TYPE_STRING, 1, { .bytes = "a" } },
  { DS_VALUE_TYPE_INT, 0, { 1 } },
};

static void
test_types_never_mix (void)
{
  g_test_summary ("Int 1, double 1.0, true, \"1\" and 0x31 are five keys");

  const DsValue ones[] = { ds_value_bool (TRUE), ds_value_int (1), ds_value_double (1.0),
                           ds_value_string ("1"), ds_value_bytes ("1", 1) };

  for (gsize i = 0; i < G_N_ELEMENTS (ones); i++)
    for (gsize j = 0; j < G_N_ELEMENTS (ones); j++)
      {
        g_assert_cmpint (ds_value_equal (ones[i], ones[j]), ==, i == j);
        g_assert_cmpint (ds_value_compare (ones[i], ones[j]), ==, (i > j) - (i < j));
        if (i != j)
          g_assert_cmphex (ds_value_hash (ones[i]), !=, ds_value_hash (ones[j]));
      }
  g_assert_false (
      ds_value_equal (ds_value_tuple (a_and_one, 2), ds_value_list (a_and_one, 2)));
}

static void
test_doubles_are_keys (void)
{
  g_test_summary ("-0.0 is 0.0 and every NaN is the NaN, for equality, order and hash");

  guint64 odd_bits = G_GUINT64_CONSTANT (0xfff8000000000123);
  double odd_nan;
  DsValue zero = ds_value_double (0.0);
  DsValue minus_zero = ds_value_double (-0.0);
  DsValue nan_1 = ds_value_double ((double) NAN);
  DsValue nan_2;

  memcpy (&odd_nan, &odd_bits, sizeof odd_nan);
  nan_2 = ds_value_double (odd_nan);

  g_assert_true (ds_value_equal (zero, minus_zero));
  g_assert_cmpint (ds_value_compare (zero, minus_zero), ==, 0);
  g_assert_cmphex (ds_value_hash (zero), ==, ds_value_hash (minus_zero));
  g_assert_true (ds_value_equal (nan_1, nan_2));
  g_assert_cmpint (ds_value_compare (nan_1, nan_2), ==, 0);
  g_assert_cmphex (ds_value_hash (nan_1), ==, ds_value_hash (nan_2));
  g_assert_cmpint (ds_value_compare (nan_1, ds_value_double (HUGE_VAL)), >, 0);
  g_assert_cmpint (ds_value_compare (ds_value_double (-HUGE_VAL), nan_1), <, 0);
}

static void
test_order_is_as_documented (void)
{
  g_test_summary ("By type, then by value: a list in that order stays in that order");

  const DsValue nested[] = { ds_value_string ("b") };
  const DsValue ordered[] = {
    ds_value_null (),
    ds_value_bool (FALSE),
    ds_value_bool (TRUE),
    ds_value_int (G_MININT64),
    ds_value_int (-1),
    ds_value_int (0),
    ds_value_int (G_MAXINT64),
    ds_value_double (-HUGE_VAL),
    ds_value_double (-1.0),
    ds_value_double (0.0),
    ds_value_double (1e300),
    ds_value_double ((double) NAN),
    ds_value_string (""),
    ds_value_string ("B"),
    ds_value_string ("a"),
    ds_value_string_sized ("a\0b", 3),
    ds_value_string ("ab"),
    ds_value_string ("b"),
    ds_value_string ("\xc3\xa4"),
    ds_value_string ("\xff"),
    ds_value_bytes (NULL, 0),
    ds_value_bytes ("a", 1),
    ds_value_tuple (NULL, 0),
    ds_value_tuple (a_and_one, 1),
    ds_value_tuple (a_and_one, 2),
    ds_value_tuple (nested, 1),
    ds_value_list (NULL, 0),
    ds_value_list (a_and_one, 2),
    ds_value_list (nested, 1),
  };

  for (gsize i = 0; i < G_N_ELEMENTS (ordered); i++)
    for (gsize j = 0; j < G_N_ELEMENTS (ordered); j++)
      {
        int order = ds_value_compare (ordered[i], ordered[j]);

        g_assert_cmpint ((order > 0) - (order < 0), ==, (i > j) - (i < j));
        g_assert_cmpint (ds_value_equal (ordered[i], ordered[j]), ==, i == j);
      }
}

static int
sign (int number)
{
  return (number > 0) - (number < 0);
}

static void
test_order_is_total (void)
{
  g_test_summary ("Random values: compare is antisymmetric and transitive, equal agrees "
                  "with it, and equal values have equal hashes");

  g_autoptr (DsArena) arena = ds_arena_new (NULL);
  DsValue values[N_RANDOM];
  guint n_equal = 0;
  guint n_same_hash = 0;

  for (gsize i = 0; i < N_RANDOM; i++)
    values[i] = ds_test_random_value (arena, 3);

  for (gsize i = 0; i < N_RANDOM; i++)
    for (gsize j = 0; j < N_RANDOM; j++)
      {
        int order = sign (ds_value_compare (values[i], values[j]));
        gboolean has_same_hash = ds_value_hash (values[i]) == ds_value_hash (values[j]);

        g_assert_cmpint (order, ==, -sign (ds_value_compare (values[j], values[i])));
        g_assert_cmpint (ds_value_equal (values[i], values[j]), ==, order == 0);
        if (order == 0)
          g_assert_true (has_same_hash);
        n_equal += order == 0;
        n_same_hash += has_same_hash;

        for (gsize k = 0; k < N_RANDOM; k++)
          if (order <= 0 && ds_value_compare (values[j], values[k]) <= 0)
            g_assert_cmpint (ds_value_compare (values[i], values[k]), <=, 0);
      }
  /* Enough of them were equal to mean something, and the hash tells the others apart. */
  g_assert_cmpuint (n_equal, >, N_RANDOM + 20);
  g_assert_cmpuint (n_same_hash, ==, n_equal);
}

static void
test_hash_never_changes (void)
{
  g_test_summary ("These numbers decide partitions: state written yesterday relies on "
                  "them");

  char x_1000[1000];
  DsValue numbers[20];

  memset (x_1000, 'x', sizeof x_1000);
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    numbers[i] = ds_value_int ((gint64) i);

  const struct
  {
    DsValue value;
    guint64 hash;
  } known[] = {
    { ds_value_null (), G_GUINT64_CONSTANT (0xcf3bf0d4e46c397d) },
    { ds_value_bool (FALSE), G_GUINT64_CONSTANT (0x25078e20f25fb745) },
    { ds_value_bool (TRUE), G_GUINT64_CONSTANT (0x892761b404556a47) },
    { ds_value_int (0), G_GUINT64_CONSTANT (0xe6a44a7421bca9f4) },
    { ds_value_int (1), G_GUINT64_CONSTANT (0x8ad7f1ae386e0450) },
    { ds_value_int (-1), G_GUINT64_CONSTANT (0xf08c7bb3eaa5f419) },
    { ds_value_int (G_MAXINT64), G_GUINT64_CONSTANT (0x49d99683e1bdae3f) },
    { ds_value_double (1.0), G_GUINT64_CONSTANT (0x2462656c97ffc03b) },
    { ds_value_double (0.0), G_GUINT64_CONSTANT (0x5e32a452f30d5cc6) },
    { ds_value_double ((double) NAN), G_GUINT64_CONSTANT (0xa7c01ee34595488f) },
    { ds_value_string (""), G_GUINT64_CONSTANT (0x046202680d7401cf) },
    { ds_value_string ("a"), G_GUINT64_CONSTANT (0x56fb89fc4afcdcfa) },
    { ds_value_string ("hello"), G_GUINT64_CONSTANT (0xdfa4dce34e027436) },
    { ds_value_string_sized (x_1000, 1000), G_GUINT64_CONSTANT (0xa2f89654d86b12e0) },
    { ds_value_bytes ("a", 1), G_GUINT64_CONSTANT (0x0eac75afc9093b97) },
    { ds_value_tuple (a_and_one, 2), G_GUINT64_CONSTANT (0x63b02c0cb9a4566a) },
    { ds_value_list (a_and_one, 2), G_GUINT64_CONSTANT (0xa4e7c7fa23e43256) },
    { ds_value_tuple (NULL, 0), G_GUINT64_CONSTANT (0x46ed5820808a7f4c) },
    { ds_value_list (NULL, 0), G_GUINT64_CONSTANT (0x5445321cad0ff563) },
    { ds_value_list (numbers, 20), G_GUINT64_CONSTANT (0x5199393743e325ab) },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (known); i++)
    g_assert_cmphex (ds_value_hash (known[i].value), ==, known[i].hash);
  g_assert_cmphex (ds_hash_bytes ("hello", 5), ==,
                   ds_value_hash (ds_value_string ("hello")));
}

static void
test_copies_are_deep_and_equal (void)
{
  g_test_summary (
      "A copy equals its original, takes what was announced, and stands alone");

  for (int round = 0; round < 500; round++)
    {
      g_autoptr (DsArena) originals = ds_arena_new (NULL);
      g_autoptr (DsArena) copies = ds_arena_new (NULL);
      DsValue value = ds_test_random_value (originals, 3);
      DsValue copy = ds_value_copy (value, copies);
      g_autofree char *before = ds_value_to_string (value);
      g_autofree char *after = NULL;

      g_assert_true (ds_value_equal (value, copy));
      g_assert_cmpuint (ds_arena_get_n_bytes (copies), ==,
                        ds_value_get_copy_size (value));

      /* The original's memory is used for something else. */
      gsize n_bytes = ds_arena_get_n_bytes (originals);
      ds_arena_reset (originals);
      memset (ds_arena_alloc (originals, n_bytes), 'z', n_bytes);
      after = ds_value_to_string (copy);
      g_assert_cmpstr (before, ==, after);
    }
}

/* ---- Wrong types ---- */

typedef struct
{
  DsFailureReceiver receiver;
  GError *error; /* the last one */
  guint n_errors;
} Recorder;

static void
recorder_report (DsFailureReceiver *receiver, GError *error)
{
  Recorder *self = (Recorder *) receiver;

  g_clear_error (&self->error);
  self->error = error;
  self->n_errors++;
}

static void
assert_type_error (Recorder *recorder, guint n_errors, const char *message)
{
  g_assert_cmpuint (recorder->n_errors, ==, n_errors);
  g_assert_error (recorder->error, DS_ERROR, DS_ERROR_TYPE);
  g_assert_cmpstr (recorder->error->message, ==, message);
}

static void
test_wrong_types_are_reported (void)
{
  g_test_summary ("Reading a wrong type gives 0, \"\" or null and names both types");

  Recorder recorder = { .receiver = { .report = recorder_report } };
  gsize n_bytes = 7;

  ds_failure_push (&recorder.receiver);

  g_assert_cmpint (ds_value_get_int (ds_value_string ("17\n")), ==, 0);
  assert_type_error (&recorder, 1,
                     "Expected a value of type int, found string: 17\\n; turn text into "
                     "a number with ds_value_parse_int () first");
  g_assert_cmpfloat (ds_value_get_double (ds_value_bool (TRUE)), ==, 0.0);
  assert_type_error (&recorder, 2,
                     "Expected a value of type double, found bool: true; look at "
                     "ds_value_type_of () first where types are mixed");
  g_assert_cmpstr (ds_value_get_string (ds_value_int (5), &n_bytes), ==, "");
  g_assert_cmpuint (n_bytes, ==, 0);
  assert_type_error (&recorder, 3,
                     "Expected a value of type string, found int: 5; turn any value into "
                     "text with ds_value_to_string () first");
  g_assert_false (ds_value_get_bool (ds_value_null ()));
  assert_type_error (&recorder, 4,
                     "Expected a value of type bool, found null: null; ask "
                     "ds_value_is_null () first, or use the _or () form with a default");
  g_assert_true (ds_value_is_null (ds_pair_key (ds_value_int (1))));
  assert_type_error (&recorder, 5,
                     "Expected a value of type tuple, found int: 1; make pairs with "
                     "ds_pair () or ds_task_emit_pair ()");
  g_assert_true (ds_value_is_null (ds_pair_value (ds_value_tuple (a_and_one, 1))));
  assert_type_error (
      &recorder, 6,
      "Expected a pair (a tuple of 2 items), found a tuple of 1: (a); read "
      "its items with ds_value_get_item ()");
  g_assert_true (ds_value_is_null (
      ds_value_get_item (ds_value_parse_int (ds_value_string ("1")), 0)));
  g_assert_cmpuint (recorder.n_errors, ==, 7);

  ds_failure_pop (&recorder.receiver);
  g_clear_error (&recorder.error);
}

static void
test_reported_values_are_cut (void)
{
  g_test_summary ("A wrong value of a megabyte makes a message of a line");

  g_autofree char *megabyte = g_strnfill (1024 * 1024, 'm');
  Recorder recorder = { .receiver = { .report = recorder_report } };

  ds_failure_push (&recorder.receiver);
  ds_value_get_int (ds_value_string (megabyte));
  ds_failure_pop (&recorder.receiver);

  g_assert_cmpuint (strlen (recorder.error->message), <, 350);
  g_assert_nonnull (strstr (recorder.error->message, "mmm...;"));
  g_clear_error (&recorder.error);
}

static void
assert_bytes (gconstpointer bytes, gsize n_bytes, const char *expected, gsize n_expected)
{
  g_assert_cmpuint (n_bytes, ==, n_expected);
  g_assert_cmpint (memcmp (bytes, expected, n_expected), ==, 0);
}

static void
test_right_types_are_read (void)
{
  g_test_summary ("What was put in comes out, and nothing is reported");

  Recorder recorder = { .receiver = { .report = recorder_report } };
  DsValue pair = ds_value_tuple (a_and_one, 2);
  gconstpointer bytes;
  gsize n_bytes;

  ds_failure_push (&recorder.receiver);
  g_assert_true (ds_value_get_bool (ds_value_bool (7)));
  g_assert_cmpint (ds_value_get_int (ds_value_int (G_MININT64)), ==, G_MININT64);
  g_assert_cmpfloat (ds_value_get_double (ds_value_double (0.5)), ==, 0.5);
  g_assert_cmpfloat (ds_value_get_double (ds_value_int (3)), ==, 3.0);
  g_assert_cmpint (ds_value_get_int_or (ds_value_null (), 9), ==, 9);
  g_assert_cmpint (ds_value_get_int_or (ds_value_int (4), 9), ==, 4);
  g_assert_cmpfloat (ds_value_get_double_or (ds_value_null (), 0.5), ==, 0.5);
  bytes = ds_value_get_string (ds_value_string ("abc"), &n_bytes);
  assert_bytes (bytes, n_bytes, "abc", 3);
  bytes = ds_value_get_bytes (ds_value_bytes ("a\0b", 3), &n_bytes);
  assert_bytes (bytes, n_bytes, "a\0b", 3);
  g_assert_true (ds_value_is_pair (pair));
  g_assert_cmpuint (ds_value_get_n_items (pair), ==, 2);
  g_assert_true (ds_value_equals_string (ds_pair_key (pair), "a"));
  g_assert_cmpint (ds_value_get_int (ds_pair_value (pair)), ==, 1);
  g_assert_cmpint (ds_value_get_int (ds_value_get_item (pair, 1)), ==, 1);
  g_assert_true (ds_value_is_null (ds_value_get_item (pair, 2)));
  g_assert_cmpuint (ds_value_get_n_items (ds_value_list (a_and_one, 2)), ==, 2);
  ds_failure_pop (&recorder.receiver);

  g_assert_cmpuint (recorder.n_errors, ==, 0);
}

static void
test_wrong_type_outside_of_a_task_is_a_critical (void)
{
  g_test_summary ("Where no task can fail, reading a wrong type is a critical");

  if (g_test_subprocess ())
    {
      ds_value_get_int (ds_value_string ("abc"));
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr (
      "*CRITICAL*Expected a value of type int, found string: abc*");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add_func ("/base/value/" name, func)
  ADD ("types-never-mix", test_types_never_mix);
  ADD ("doubles-are-keys", test_doubles_are_keys);
  ADD ("order-is-as-documented", test_order_is_as_documented);
  ADD ("order-is-total", test_order_is_total);
  ADD ("hash-never-changes", test_hash_never_changes);
  ADD ("copies-are-deep-and-equal", test_copies_are_deep_and_equal);
  ADD ("wrong-types-are-reported", test_wrong_types_are_reported);
  ADD ("reported-values-are-cut", test_reported_values_are_cut);
  ADD ("right-types-are-read", test_right_types_are_read);
  ADD ("wrong-type-outside-of-a-task-is-a-critical",
       test_wrong_type_outside_of_a_task_is_a_critical);
#undef ADD
  return g_test_run ();
}
