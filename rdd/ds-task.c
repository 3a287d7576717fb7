/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DsTask: one attempt at one partition of one stage, and what it lends to the user
 * functions that run in it: memory, failure, and where it is.
 *
 * A task is the failure receiver of its thread while it runs, so that an accessor deep in
 * a user function that meets a wrong type reaches it without being handed anything.  The
 * first failure counts and gets its context here, in one place: operator, partition,
 * batch time and the value in work. */

#include "rdd/ds-task-private.h"

#include "base/ds-error.h"
#include "base/ds-value-private.h"
#include "rdd/ds-job-private.h"

#include <stdarg.h>

#define DS_TASK_MAX_DESCRIBED_BYTES 200

/* A task is borrowed for the length of a call: for bindings it has an identity and
 * nothing to copy or free. */
static gpointer
ds_task_boxed_copy (gpointer task)
{
  return task;
}

static void
ds_task_boxed_free (gpointer task)
{
}

G_DEFINE_BOXED_TYPE (DsTask, ds_task, ds_task_boxed_copy, ds_task_boxed_free)

static DsTask *
ds_task_from_receiver (DsFailureReceiver *receiver)
{
  gpointer task = (char *) receiver - G_STRUCT_OFFSET (DsTask, receiver);

  return task;
}

static void
ds_task_receive_failure (DsFailureReceiver *receiver, GError *error)
{
  ds_task_take_error (ds_task_from_receiver (receiver), error);
}

void
ds_task_init (DsTask *self, DsContext *context, guint partition, guint attempt)
{
  *self = (DsTask){ .receiver = { .report = ds_task_receive_failure },
                    .context = context,
                    .partition = partition,
                    .attempt = attempt,
                    .batch_time = DS_TIME_NONE };
}

void
ds_task_clear (DsTask *self)
{
  g_clear_error (&self->error);
  g_clear_pointer (&self->counters, g_hash_table_unref);
  g_clear_pointer (&self->output_key, g_free);
  g_clear_pointer (&self->own_arena, ds_arena_unref);
}

DsTask *
ds_task_new (DsContext *context, guint partition, guint attempt)
{
  DsTask *self = g_new (DsTask, 1);

  ds_task_init (self, context, partition, attempt);
  return self;
}

void
ds_task_free (DsTask *self)
{
  ds_task_clear (self);
  g_free (self);
}

void
ds_task_begin (DsTask *self)
{
  ds_failure_push (&self->receiver);
}

void
ds_task_end (DsTask *self)
{
  ds_failure_pop (&self->receiver);
}

DsTask *
ds_task_get_current (void)
{
  DsFailureReceiver *receiver = ds_failure_peek ();

  while (receiver != NULL && receiver->report != ds_task_receive_failure)
    receiver = receiver->previous;
  return receiver != NULL ? ds_task_from_receiver (receiver) : NULL;
}

DsArenaPool *
ds_task_get_arena_pool (DsTask *self)
{
  return self->context != NULL ? ds_context_get_arena_pool (self->context) : NULL;
}

gboolean
ds_task_propagate_error (DsTask *self, GError **error)
{
  g_assert (self->error != NULL);
  g_propagate_error (error, g_steal_pointer (&self->error));
  return FALSE;
}

/* ---- Failure ---- */

/* "parse (map), partition 3, batch 5000 ms, value abc: " */
static char *
ds_task_describe_place (DsTask *self)
{
  GString *text = g_string_new (NULL);

  if (self->operator_name != NULL)
    g_string_append_printf (text, "%s, ", self->operator_name);
  g_string_append_printf (text, "partition %u", self->partition);
  if (self->batch_time != DS_TIME_NONE)
    {
      g_autofree char *batch_time = ds_time_to_string (self->batch_time);

      g_string_append_printf (text, ", batch %s", batch_time);
    }
  if (self->current != NULL)
    {
      DsValue items[2] = { *self->current };
      DsValue value = items[0];
      g_autofree char *described = NULL;

      if (self->current_pair_value != NULL)
        {
          items[1] = *self->current_pair_value;
          value = ds_value_tuple (items, 2);
        }
      described = ds_value_describe (value, DS_TASK_MAX_DESCRIBED_BYTES);
      g_string_append_printf (text, ", value %s", described);
    }
  return g_string_free (text, FALSE);
}

/**
 * ds_task_take_error:
 * @task: the running task
 * @error: (transfer full): why it failed
 *
 * Fails @task with an error that some other function gave.
 *
 * The first failure of a task counts; later ones are freed.  The message gets operator,
 * partition, batch time and the value in work as its prefix; domain and code stay.  The
 * task is given up when the function returns, and tried again like any failed task.
 */
void
ds_task_take_error (DsTask *task, GError *error)
{
  g_autofree char *place = NULL;

  g_return_if_fail (task != NULL && error != NULL);

  if (task->error != NULL)
    {
      g_error_free (error);
      return;
    }
  place = ds_task_describe_place (task);
  g_prefix_error (&error, "%s: ", place);
  task->error = error;
}

/**
 * ds_task_fail: (skip)
 * @task: the running task
 * @format: printf format: what is wrong, what was expected
 * @...: its arguments
 *
 * Fails @task with %DS_ERROR_USER_FUNCTION; see ds_task_take_error ().
 *
 * Returns: null, so that a map function can say: `return ds_task_fail (task, "...");`
 */
DsValue
ds_task_fail (DsTask *task, const char *format, ...)
{
  g_return_val_if_fail (task != NULL && format != NULL, ds_value_null ());

  if (task->error == NULL)
    {
      va_list arguments;

      va_start (arguments, format);
      ds_task_take_error (task, g_error_new_valist (DS_ERROR, DS_ERROR_USER_FUNCTION,
                                                    format, arguments));
      va_end (arguments);
    }
  return ds_value_null ();
}

/**
 * ds_task_fail_literal:
 * @task: the running task
 * @message: what is wrong, what was expected
 *
 * Fails @task with %DS_ERROR_USER_FUNCTION; see ds_task_take_error ().
 */
void
ds_task_fail_literal (DsTask *task, const char *message)
{
  g_return_if_fail (task != NULL && message != NULL);

  if (task->error == NULL)
    ds_task_take_error (task,
                        g_error_new_literal (DS_ERROR, DS_ERROR_USER_FUNCTION, message));
}

void
ds_task_fail_no_pair (DsTask *self, const char *operator_name, DsValue value)
{
  DsTaskFrame frame =
      ds_task_enter (self, operator_name != NULL ? operator_name : self->operator_name,
                     NULL, NULL);

  self->current = &value;
  ds_task_take_error (self,
                      g_error_new (DS_ERROR, DS_ERROR_TYPE,
                                   "expected a pair (a tuple of two items), found "
                                   "a value of type %s; make pairs with ds_pair () "
                                   "or ds_task_emit_pair ()",
                                   ds_value_type_get_name (ds_value_type_of (value))));
  ds_task_leave (self, &frame);
}

/**
 * ds_task_has_failed:
 * @task: the running task
 *
 * Tells whether the task is going to be given up; long loops look and return.
 *
 * Returns: whether a failure was reported, by ds_task_fail () or by reading a value as a
 *   type that it is not
 */
gboolean
ds_task_has_failed (DsTask *task)
{
  g_return_val_if_fail (task != NULL, TRUE);

  return task->error != NULL;
}

/* ---- New values ---- */

static inline gpointer
ds_task_alloc_inline (DsTask *task, gsize n_bytes)
{
  if (G_LIKELY (task->arena != NULL))
    return ds_arena_alloc (task->arena, n_bytes);
  if (task->own_arena == NULL)
    task->own_arena = ds_arena_new (ds_task_get_arena_pool (task));
  return ds_arena_alloc (task->own_arena, n_bytes);
}

/**
 * ds_task_alloc: (skip)
 * @task: the running task
 * @n_bytes: how much
 *
 * Memory for results: it lives as long as what the function emits or returns is needed,
 * and nobody frees it.
 *
 * Returns: (transfer none): memory aligned to 16 bytes, not cleared, with 64 more bytes
 *   that may be read
 */
gpointer
ds_task_alloc (DsTask *task, gsize n_bytes)
{
  g_return_val_if_fail (task != NULL, NULL);

  return ds_task_alloc_inline (task, n_bytes);
}

/* What the inlined half of ds_pair () knows. */
G_STATIC_ASSERT (G_STRUCT_OFFSET (DsTask, arena) == 0);
G_STATIC_ASSERT (G_STRUCT_OFFSET (DsArena, cursor) ==
                 G_STRUCT_OFFSET (struct _DsTaskMemory, cursor));
G_STATIC_ASSERT (G_STRUCT_OFFSET (DsArena, limit) ==
                 G_STRUCT_OFFSET (struct _DsTaskMemory, limit));

/**
 * ds_pair_slow: (skip)
 * @task: the running task
 * @key: first item
 * @value: second item
 *
 * The half of ds_pair () that is seldom needed and not inlined.
 *
 * Returns: the tuple of @key and @value, in memory of @task
 */
DsValue
ds_pair_slow (DsTask *task, DsValue key, DsValue value)
{
  DsValue *items;

  g_return_val_if_fail (task != NULL, ds_value_null ());

  items = ds_task_alloc_inline (task, 2 * sizeof *items);
  items[0] = key;
  items[1] = value;
  return ds_value_tuple (items, 2);
}

static const DsValue *
ds_task_copy_items (DsTask *task, const DsValue *items, guint n_items)
{
  DsValue *copy = ds_task_alloc (task, n_items * sizeof *copy);

  if (n_items > 0)
    memcpy (copy, items, n_items * sizeof *copy);
  return copy;
}

/**
 * ds_tuple_from_items: (skip)
 * @task: the running task
 * @items: (array length=n_items): the items; the array is copied, what they point to is
 * not
 * @n_items: how many
 *
 * What the macro ds_tuple () calls.
 *
 * Returns: a tuple of @items in memory of @task
 */
DsValue
ds_tuple_from_items (DsTask *task, const DsValue *items, guint n_items)
{
  g_return_val_if_fail (task != NULL, ds_value_null ());
  g_return_val_if_fail (items != NULL || n_items == 0, ds_value_null ());

  return ds_value_tuple (ds_task_copy_items (task, items, n_items), n_items);
}

/**
 * ds_list_from_items: (skip)
 * @task: the running task
 * @items: (array length=n_items): the items; the array is copied, what they point to is
 * not
 * @n_items: how many
 *
 * What the macro ds_list () calls.
 *
 * Returns: a list of @items in memory of @task
 */
DsValue
ds_list_from_items (DsTask *task, const DsValue *items, guint n_items)
{
  g_return_val_if_fail (task != NULL, ds_value_null ());
  g_return_val_if_fail (items != NULL || n_items == 0, ds_value_null ());

  return ds_value_list (ds_task_copy_items (task, items, n_items), n_items);
}

G_GNUC_PRINTF (3, 0)
static char *
ds_task_strdup_vprintf (DsTask *task,
                        gsize *n_bytes,
                        const char *format,
                        va_list arguments)
{
  char first_try[256];
  va_list again;
  char *text;
  int length;

  va_copy (again, arguments);
  length = g_vsnprintf (first_try, sizeof first_try, format, arguments);
  g_assert (length >= 0);
  *n_bytes = (gsize) length;
  text = ds_task_alloc (task, *n_bytes + 1);
  if (*n_bytes < sizeof first_try)
    memcpy (text, first_try, *n_bytes + 1);
  else
    g_vsnprintf (text, *n_bytes + 1, format, again);
  va_end (again);
  return text;
}

/**
 * ds_string_printf: (skip)
 * @task: the running task
 * @format: printf format
 * @...: its arguments
 *
 * Formats a string value.
 *
 * Returns: the formatted string as a value in memory of @task
 */
DsValue
ds_string_printf (DsTask *task, const char *format, ...)
{
  gsize n_bytes;
  va_list arguments;
  char *text;

  g_return_val_if_fail (task != NULL && format != NULL, ds_value_null ());

  va_start (arguments, format);
  text = ds_task_strdup_vprintf (task, &n_bytes, format, arguments);
  va_end (arguments);
  return ds_value_string_sized (text, (guint32) n_bytes);
}

/**
 * ds_string_dup: (skip)
 * @task: the running task
 * @string: what to copy
 *
 * Copies a string into the task: for text that does not live as long as the result.
 *
 * Returns: a copy of @string as a value in memory of @task
 */
DsValue
ds_string_dup (DsTask *task, const char *string)
{
  gsize n_bytes;
  char *copy;

  g_return_val_if_fail (task != NULL && string != NULL, ds_value_null ());

  n_bytes = strlen (string);
  copy = ds_task_alloc (task, n_bytes + 1);
  memcpy (copy, string, n_bytes + 1);
  return ds_value_string_sized (copy, (guint32) n_bytes);
}

/**
 * ds_task_strdup: (skip)
 * @task: the running task
 * @text: a string
 *
 * A wrong type fails the task.
 *
 * Returns: (transfer none): the bytes of @text with a closing NUL, in memory of @task
 */
char *
ds_task_strdup (DsTask *task, DsValue text)
{
  gsize n_bytes;
  const char *bytes = ds_value_get_string (text, &n_bytes);
  char *copy;

  g_return_val_if_fail (task != NULL, NULL);

  copy = ds_task_alloc (task, n_bytes + 1);
  memcpy (copy, bytes, n_bytes);
  copy[n_bytes] = '\0';
  return copy;
}

/**
 * ds_task_strdup_printf: (skip)
 * @task: the running task
 * @format: printf format
 * @...: its arguments
 *
 * Formats a string that ends with a NUL and that nobody frees.
 *
 * Returns: (transfer none): the formatted string in memory of @task
 */
char *
ds_task_strdup_printf (DsTask *task, const char *format, ...)
{
  gsize n_bytes;
  va_list arguments;
  char *text;

  g_return_val_if_fail (task != NULL && format != NULL, NULL);

  va_start (arguments, format);
  text = ds_task_strdup_vprintf (task, &n_bytes, format, arguments);
  va_end (arguments);
  return text;
}

/* ---- Where am I? ---- */

/**
 * ds_task_get_batch_time:
 * @task: the running task
 *
 * Gets the batch time.
 *
 * Returns: the time of the batch that this belongs to, %DS_TIME_NONE outside of a stream
 */
DsTime
ds_task_get_batch_time (DsTask *task)
{
  g_return_val_if_fail (task != NULL, DS_TIME_NONE);

  return task->batch_time;
}

/**
 * ds_task_get_partition:
 * @task: the running task
 *
 * Gets the partition at work.
 *
 * Returns: the index of the partition in work, from 0
 */
guint
ds_task_get_partition (DsTask *task)
{
  g_return_val_if_fail (task != NULL, 0);

  return task->partition;
}

/**
 * ds_task_get_attempt:
 * @task: the running task
 *
 * Gets which attempt this is.
 *
 * Returns: how often this partition's task has failed before; 0 for the first attempt
 */
guint
ds_task_get_attempt (DsTask *task)
{
  g_return_val_if_fail (task != NULL, 0);

  return task->attempt;
}

/**
 * ds_task_get_operator:
 * @task: the running task
 *
 * Gets the operator at work.
 *
 * Returns: (nullable): the name of the operator whose function runs: what
 *   ds_rdd_set_name () said, else its kind ("map")
 */
const char *
ds_task_get_operator (DsTask *task)
{
  g_return_val_if_fail (task != NULL, NULL);

  return task->operator_name;
}

/**
 * ds_task_is_replay:
 * @task: the running task
 *
 * Tells whether outputs should expect to have run before.
 *
 * Returns: whether outputs of this batch may have run before: after a recovery, or a
 * retry
 */
gboolean
ds_task_is_replay (DsTask *task)
{
  g_return_val_if_fail (task != NULL, FALSE);

  return task->is_replay || task->attempt > 0;
}

/**
 * ds_task_count:
 * @task: the running task
 * @counter: its name
 * @n: how much to add
 *
 * Adds to a named counter, which ds_context_get_counter () reads.  Beyond 64 bits it
 * wraps around.
 *
 * What a task counts arrives when it has succeeded, once: failed attempts leave no trace.
 * Costs a look-up in a hash table: count per chunk rather than per value.
 */
void
ds_task_count (DsTask *task, const char *counter, gint64 n)
{
  gint64 *sum;

  g_return_if_fail (task != NULL && counter != NULL);

  if (task->counters == NULL)
    task->counters = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  sum = g_hash_table_lookup (task->counters, counter);
  if (sum == NULL)
    {
      sum = g_new0 (gint64, 1);
      g_hash_table_insert (task->counters, g_strdup (counter), sum);
    }
  *sum = (gint64) ((guint64) *sum + (guint64) n);
}
