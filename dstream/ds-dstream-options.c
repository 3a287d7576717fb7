/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Options of streams: they hold until start, and are passed to the RDD of each batch. An
 * option that an operator lacks is a mistake, latched with the names of those that have
 * it; silently ignoring it would let a program believe in eight partitions. */

#include "base/ds-time-private.h"
#include "dstream/ds-streaming-context-private.h"

#include <string.h>

#define DS_MAX_NAME_LENGTH 64

gboolean
ds_is_valid_stream_name (const char *name)
{
  gsize length = strlen (name);

  if (length == 0 || length > DS_MAX_NAME_LENGTH)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    if (!g_ascii_isalnum (name[i]) && strchr ("._-", name[i]) == NULL)
      return FALSE;
  return TRUE;
}

gboolean
ds_dstream_may_set (DsDStream *self, const char *option)
{
  DsDStreamNode *node = ds_dstream_get_node (self);

  /* An input stream of the program's own has its options before it has a context. */
  if (node->context == NULL && DS_IS_INPUT_DSTREAM (self))
    return TRUE;
  return ds_dstream_has_context (self, option) &&
         ds_streaming_context_may_build (node->context, option) && !node->is_inert;
}

void
ds_dstream_latch_lacks (DsDStream *self, const char *option, const char *who_has_it)
{
  DsDStreamNode *node = ds_dstream_get_node (self);

  if (node->context == NULL)
    g_critical ("%s: %s has no such option; it is one of %s", option,
                ds_dstream_describe (self), who_has_it);
  else
    ds_streaming_context_latch (node->context, DS_ERROR_INVALID_ARGUMENT,
                                "%s: %s has no such option; it is one of %s", option,
                                ds_dstream_describe (self), who_has_it);
}

/* TRUE: set it. */
static gboolean
ds_dstream_check_option (DsDStream *self,
                         DsDStreamOptions option,
                         const char *name,
                         const char *who_has_it)
{
  if (!ds_dstream_may_set (self, name))
    return FALSE;
  if (ds_dstream_get_node (self)->ops->options & option)
    return TRUE;
  ds_dstream_latch_lacks (self, name, who_has_it);
  return FALSE;
}

/**
 * ds_dstream_set_name:
 * @self: a stream
 * @name: 1 to 64 characters of `A-Z a-z 0-9 . _ -`, unique among the streams of the
 *   context
 *
 * Names the stream, for messages, listeners and `to_debug_string`.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for a name that is malformed or taken.
 */
void
ds_dstream_set_name (DsDStream *self, const char *name)
{
  DsDStreamNode *node;
  DsDStream *other;

  g_return_if_fail (DS_IS_DSTREAM (self));
  g_return_if_fail (name != NULL);

  if (!ds_dstream_may_set (self, "set_name"))
    return;

  node = ds_dstream_get_node (self);
  if (!ds_is_valid_stream_name (name))
    {
      g_autofree char *shown = g_strescape (name, NULL);

      if (node->context == NULL)
        g_critical ("set_name: \"%.200s\" is not 1 to %d of A-Z a-z 0-9 . _ -", shown,
                    DS_MAX_NAME_LENGTH);
      else
        ds_streaming_context_latch (
            node->context, DS_ERROR_INVALID_ARGUMENT,
            "set_name: the name \"%.200s\" of stream %s is not 1 to %d of A-Z a-z 0-9 . "
            "_ -",
            shown, ds_dstream_describe (self), DS_MAX_NAME_LENGTH);
      return;
    }

  other =
      node->context != NULL ? ds_graph_find_stream (node->context->graph, name) : NULL;
  if (other != NULL && other != self)
    {
      ds_streaming_context_latch (node->context, DS_ERROR_INVALID_ARGUMENT,
                                  "set_name: two streams are to be called \"%s\"; names "
                                  "must be unique in a streaming context",
                                  name);
      return;
    }
  g_free (node->name);
  node->name = g_strdup (name);
}

/**
 * ds_dstream_get_name:
 * @self: a stream
 *
 * Gets the name under which the stream is reported.
 *
 * Returns: (transfer none): the name given to it, else the kind of its operator; valid
 *   until the name is set
 */
const char *
ds_dstream_get_name (DsDStream *self)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  return ds_dstream_describe (self);
}

/* Whoever has a partitioner has a number of partitions; count_by_value has that only. */
#define DS_WHO_HAS_A_PARTITIONER                                                  \
  "group_by_key, reduce_by_key, combine_by_key, cogroup, join, left_outer_join, " \
  "right_outer_join, full_outer_join, the windows by key and the operators on state"

/**
 * ds_dstream_set_n_partitions:
 * @self: a stream made by a shuffling operator
 * @n_partitions: how many partitions its RDDs have; 0: the default parallelism of the
 *   engine
 *
 * Sets the number of partitions of `count_by_value`, `group_by_key`, `reduce_by_key`,
 * `combine_by_key`, `cogroup`, the joins, the windows by key and the operators on state.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for any other operator.
 */
void
ds_dstream_set_n_partitions (DsDStream *self, guint n_partitions)
{
  g_return_if_fail (DS_IS_DSTREAM (self));

  if (ds_dstream_check_option (self, DS_OPTION_N_PARTITIONS, "set_n_partitions",
                               "count_by_value, " DS_WHO_HAS_A_PARTITIONER))
    ds_dstream_get_node (self)->n_partitions = n_partitions;
}

/**
 * ds_dstream_set_partitioner:
 * @self: a stream made by an operator on keys
 * @partitioner: the rule from keys to partitions; a reference is taken
 *
 * Sets which key goes to which partition, for `group_by_key`, `reduce_by_key`,
 * `combine_by_key`, `cogroup`, the joins, the windows by key and the operators on state.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for any other operator.
 */
void
ds_dstream_set_partitioner (DsDStream *self, DsPartitioner *partitioner)
{
  DsDStreamNode *node;

  g_return_if_fail (DS_IS_DSTREAM (self));
  g_return_if_fail (partitioner != NULL);

  if (!ds_dstream_check_option (self, DS_OPTION_PARTITIONER, "set_partitioner",
                                DS_WHO_HAS_A_PARTITIONER))
    return;
  node = ds_dstream_get_node (self);
  g_clear_pointer (&node->partitioner, ds_partitioner_unref);
  node->partitioner = ds_partitioner_ref (partitioner);
}

/**
 * ds_dstream_set_preserves_partitioning:
 * @self: a stream made by `map_partitions`, `map_chunks`, `update_state_by_key` or
 *   `update_state_by_partition`
 * @preserves: %TRUE: the function leaves keys as they are
 *
 * Promises that the function keeps every key in its partition, so that an operator on
 * keys behind it needs no shuffle.  %FALSE by default, %TRUE for the operators on state.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for any other operator.
 */
void
ds_dstream_set_preserves_partitioning (DsDStream *self, gboolean preserves)
{
  g_return_if_fail (DS_IS_DSTREAM (self));

  if (ds_dstream_check_option (self, DS_OPTION_PRESERVES_PARTITIONING,
                               "set_preserves_partitioning",
                               "map_partitions, map_chunks, update_state_by_key and "
                               "update_state_by_partition"))
    ds_dstream_get_node (self)->preserves_partitioning = preserves;
}

/**
 * ds_dstream_persist:
 * @self: a stream
 * @level: where the values of its RDDs are kept; %DS_STORAGE_NONE: nowhere
 *
 * Keeps the values of each RDD of the stream when they are first computed, so that
 * several outputs, or a window, do not compute them again.  They go when the RDD is
 * forgotten, unless the setting "unpersist" is %FALSE: then an RDD that the program holds
 * keeps them.  What is kept counts against the memory budget of the engine; see
 * ds_rdd_persist ().
 *
 * The RDDs of a window show those of its parent, so the parent is persisted instead; a
 * window that slides by less than its length does that by itself.
 */
void
ds_dstream_persist (DsDStream *self, DsStorageLevel level)
{
  DsDStreamNode *node;

  g_return_if_fail (DS_IS_DSTREAM (self));
  g_return_if_fail (level <= DS_STORAGE_DISK);

  if (!ds_dstream_may_set (self, "persist"))
    return;
  for (node = ds_dstream_get_node (self); node->ops->is_view;)
    node = ds_dstream_get_node (node->parents[0]);
  node->storage_level = level;
}

/**
 * ds_dstream_cache:
 * @self: a stream
 *
 * Keeps the values of each RDD of the stream in memory: ds_dstream_persist () with
 * %DS_STORAGE_MEMORY.
 */
void
ds_dstream_cache (DsDStream *self)
{
  ds_dstream_persist (self, DS_STORAGE_MEMORY);
}

/**
 * ds_dstream_set_initial_state:
 * @self: a stream made by an operator on state
 * @pairs: an RDD of pairs (key, state); a reference is taken
 *
 * States that are there before the first batch, for `map_with_state` and
 * `update_state_by_key`.  @pairs is dealt out as the stream's state is, and read with the
 * first batch, whose time counts as that of their last touch.  States that are null are
 * left out.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for any other operator.  An @pairs that cannot be
 * read fails the first batch.
 */
void
ds_dstream_set_initial_state (DsDStream *self, DsRdd *pairs)
{
  g_return_if_fail (DS_IS_DSTREAM (self));
  g_return_if_fail (DS_IS_RDD (pairs));

  if (!ds_dstream_check_option (self, DS_OPTION_INITIAL_STATE, "set_initial_state",
                                "map_with_state, update_state_by_key and "
                                "update_state_by_partition"))
    return;
  if (ds_rdd_get_context (pairs) != ds_dstream_get_node (self)->context->context)
    {
      ds_streaming_context_latch (
          ds_dstream_get_node (self)->context, DS_ERROR_INVALID_ARGUMENT,
          "set_initial_state: the RDD belongs to another engine than stream %s; make it "
          "with that of ds_streaming_context_get_context ()",
          ds_dstream_describe (self));
      return;
    }
  g_set_object (&ds_dstream_get_node (self)->initial_state, pairs);
}

/**
 * ds_dstream_set_state_timeout:
 * @self: a stream made by `map_with_state`
 * @timeout: how long a key may go untouched, in µs; whole milliseconds, more than 0
 *
 * Lets states time out: a key that was touched last before batch time less @timeout, and
 * has nothing in the batch, gets one last call without a value, in which
 * ds_state_is_timing_out () is %TRUE, and loses its state.  With a timeout any record for
 * a key with state touches it, also when the function does not update it.
 *
 * That happens in the first batch for which it is so, and costs what is due.
 *
 * Latches %DS_ERROR_INVALID_ARGUMENT for any other operator, for a timeout of 0 or less
 * and for one that is not a whole number of milliseconds.
 */
void
ds_dstream_set_state_timeout (DsDStream *self, DsDuration timeout)
{
  g_return_if_fail (DS_IS_DSTREAM (self));

  if (!ds_dstream_check_option (self, DS_OPTION_STATE_TIMEOUT, "set_state_timeout",
                                "map_with_state"))
    return;
  if (timeout <= 0 || timeout % DS_MILLISECOND != 0)
    {
      g_autofree char *suggestion = ds_duration_suggest_unit (timeout);

      ds_streaming_context_latch (
          ds_dstream_get_node (self)->context, DS_ERROR_INVALID_ARGUMENT,
          "set_state_timeout: the timeout of stream %s is %" G_GINT64_FORMAT
          " us; it must be a whole number of milliseconds, more than 0%s",
          ds_dstream_describe (self), timeout,
          *suggestion != '\0' ? suggestion : ", as 10 * DS_SECOND");
      return;
    }
  ds_dstream_get_node (self)->state_timeout = timeout;
}
