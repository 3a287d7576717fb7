/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Ready-made reductions.  Ints stay ints, and an overflow fails the task; an int with a
 * double is a double; tuples are added item by item, so that sums and counts travel
 * together. */

#include "base/ds-error.h"
#include "base/ds-value-private.h"
#include "rdd/ds-functions.h"
#include "rdd/ds-task-private.h"

typedef enum
{
  DS_ARITHMETIC_ADD,
  DS_ARITHMETIC_SUBTRACT,
  DS_ARITHMETIC_MULTIPLY
} DsArithmetic;

static const char *const ds_arithmetic_names[] = { "ds_add ()", "ds_subtract ()",
                                                   "ds_multiply ()" };
static const char ds_arithmetic_signs[] = { '+', '-', '*' };

static inline gboolean
ds_value_is_number (DsValue value)
{
  return ds_value_is (value, DS_VALUE_TYPE_INT) ||
         ds_value_is (value, DS_VALUE_TYPE_DOUBLE);
}

static DsValue
ds_arithmetic_ints (gint64 a, gint64 b, DsArithmetic operation, DsTask *task)
{
  gint64 result = 0;
  gboolean overflows = FALSE;

  switch (operation)
    {
    case DS_ARITHMETIC_ADD:
      overflows = __builtin_add_overflow (a, b, &result);
      break;
    case DS_ARITHMETIC_SUBTRACT:
      overflows = __builtin_sub_overflow (a, b, &result);
      break;
    case DS_ARITHMETIC_MULTIPLY:
      overflows = __builtin_mul_overflow (a, b, &result);
      break;
    default:
      g_assert_not_reached ();
    }
  if (G_UNLIKELY (overflows))
    return ds_task_fail (task,
                         "%" G_GINT64_FORMAT " %c %" G_GINT64_FORMAT
                         " does not fit into an int of 64 bits: use doubles",
                         a, ds_arithmetic_signs[operation], b);
  return ds_value_int (result);
}

static double
ds_arithmetic_doubles (double a, double b, DsArithmetic operation)
{
  switch (operation)
    {
    case DS_ARITHMETIC_ADD:
      return a + b;
    case DS_ARITHMETIC_SUBTRACT:
      return a - b;
    case DS_ARITHMETIC_MULTIPLY:
      return a * b;
    default:
      g_assert_not_reached ();
    }
}

static DsValue
ds_arithmetic_values (DsValue a, DsValue b, DsArithmetic operation, DsTask *task)
{
  if (G_LIKELY (ds_value_is (a, DS_VALUE_TYPE_INT) && ds_value_is (b, DS_VALUE_TYPE_INT)))
    return ds_arithmetic_ints (a.as.integer, b.as.integer, operation, task);
  if (ds_value_is_number (a) && ds_value_is_number (b))
    return ds_value_double (ds_arithmetic_doubles (ds_value_get_double (a),
                                                   ds_value_get_double (b), operation));

  if (ds_value_is (a, DS_VALUE_TYPE_TUPLE) && ds_value_is (b, DS_VALUE_TYPE_TUPLE) &&
      a.size == b.size)
    {
      DsValue *items = NULL;

      g_return_val_if_fail (task != NULL, ds_value_null ());

      items = ds_task_alloc (task, a.size * sizeof (DsValue));
      for (guint i = 0; i < a.size; i++)
        items[i] = ds_arithmetic_values (a.as.items[i], b.as.items[i], operation, task);
      return ds_value_tuple (items, a.size);
    }

  g_autofree char *left = ds_value_describe (a, 100);
  g_autofree char *right = ds_value_describe (b, 100);

  ds_task_take_error (
      task,
      g_error_new (DS_ERROR, DS_ERROR_TYPE,
                   "%s takes two numbers or two tuples of numbers of the same length, "
                   "not %s (%s) and %s (%s)",
                   ds_arithmetic_names[operation], left,
                   ds_value_type_get_name (ds_value_type_of (a)), right,
                   ds_value_type_get_name (ds_value_type_of (b))));
  return ds_value_null ();
}

/**
 * ds_add: (skip)
 * @a: a number, or a tuple of numbers
 * @b: a number, or a tuple of as many numbers
 * @task: the running task
 * @unused: nothing
 *
 * A #DsReduceFunc: @a + @b.  Ints stay ints, and a sum past 64 bits fails the task; an
 * int with a double gives a double; tuples are added item by item, so that (sum, n) +
 * (sum, n) is one call.  Anything else fails the task (%DS_ERROR_TYPE).
 *
 * Returns: the sum
 */
DsValue
ds_add (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  return ds_arithmetic_values (a, b, DS_ARITHMETIC_ADD, task);
}

/**
 * ds_subtract: (skip)
 * @a: a number, or a tuple of numbers
 * @b: a number, or a tuple of as many numbers
 * @task: the running task
 * @unused: nothing
 *
 * A #DsReduceFunc: @a − @b, by the rules of ds_add (), whose inverse it is.
 *
 * Returns: the difference
 */
DsValue
ds_subtract (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  return ds_arithmetic_values (a, b, DS_ARITHMETIC_SUBTRACT, task);
}

/**
 * ds_multiply: (skip)
 * @a: a number, or a tuple of numbers
 * @b: a number, or a tuple of as many numbers
 * @task: the running task
 * @unused: nothing
 *
 * A #DsReduceFunc: @a × @b, by the rules of ds_add ().
 *
 * Returns: the product
 */
DsValue
ds_multiply (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  return ds_arithmetic_values (a, b, DS_ARITHMETIC_MULTIPLY, task);
}

/* By size for two numbers, also an int and a double; else the order of all values. */
static int
ds_compare_for_minimum (DsValue a, DsValue b)
{
  if (a.type != b.type && ds_value_is_number (a) && ds_value_is_number (b))
    {
      double left = ds_value_get_double (a);
      double right = ds_value_get_double (b);

      if (left < right || left > right)
        return left < right ? -1 : 1;
    }
  return ds_value_compare (a, b);
}

/**
 * ds_min: (skip)
 * @a: a value
 * @b: a value
 * @task: the running task
 * @unused: nothing
 *
 * A #DsReduceFunc: the smaller one: numbers by size, everything else (tuples item after
 * item) by ds_value_compare ().
 *
 * Returns: @a or @b
 */
DsValue
ds_min (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  return ds_compare_for_minimum (b, a) < 0 ? b : a;
}

/**
 * ds_max: (skip)
 * @a: a value
 * @b: a value
 * @task: the running task
 * @unused: nothing
 *
 * A #DsReduceFunc: the larger one, in the order of ds_min ().
 *
 * Returns: @a or @b
 */
DsValue
ds_max (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  return ds_compare_for_minimum (b, a) > 0 ? b : a;
}

/**
 * ds_keep_first: (skip)
 * @a: a value
 * @b: a value
 * @task: the running task
 * @unused: nothing
 *
 * A #DsReduceFunc: the value met first, in the order of partitions.
 *
 * Returns: @a
 */
DsValue
ds_keep_first (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  return a;
}

/**
 * ds_keep_last: (skip)
 * @a: a value
 * @b: a value
 * @task: the running task
 * @unused: nothing
 *
 * A #DsReduceFunc: the value met last, in the order of partitions.
 *
 * Returns: @b
 */
DsValue
ds_keep_last (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  return b;
}

/**
 * ds_mean: (skip)
 * @sum_and_count: a tuple (sum, n), as ds_add () makes it of (value, 1)
 * @task: the running task
 * @unused: nothing
 *
 * A #DsMapFunc: sum / n.  An n of 0 fails the task.
 *
 * Returns: a double
 */
DsValue
ds_mean (DsValue sum_and_count, DsTask *task, gpointer unused)
{
  double sum = ds_value_get_double (ds_pair_key (sum_and_count));
  double n = ds_value_get_double (ds_pair_value (sum_and_count));

  if (ds_task_has_failed (task))
    return ds_value_null ();
  if (!(n < 0 || n > 0))
    return ds_task_fail (task, "the mean of no values: n is 0");
  return ds_value_double (sum / n);
}

/**
 * ds_is_nonzero_pair: (skip)
 * @pair: a pair whose value is a number
 * @task: the running task
 * @unused: nothing
 *
 * A #DsFilterFunc: keeps pairs whose value is not 0.
 *
 * Returns: whether it is not
 */
gboolean
ds_is_nonzero_pair (DsValue pair, DsTask *task, gpointer unused)
{
  DsValue value = ds_pair_value (pair);

  if (G_LIKELY (ds_value_is (value, DS_VALUE_TYPE_INT)))
    return value.as.integer != 0;

  double number = ds_value_get_double (value);

  return !(number >= 0 && number <= 0);
}
