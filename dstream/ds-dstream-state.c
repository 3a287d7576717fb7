/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading the state of a stream while it runs.  Tables keep what the batch in work
 * replaces, so a reader sees the last completed batch whole, from any thread, and batches
 * go on meanwhile. */

#include "dstream/ds-state-stepper-private.h"
#include "dstream/ds-streaming-context-private.h"

/* A reference to the store of @self; NULL with error. */
static DsStateStore *
ds_dstream_get_state_store (DsDStream *self, const char *verb, GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (self);
  DsStateStepper *stepper = NULL;

  if (node->is_inert)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
                   "%s: the stream stands for a call that was wrong; see "
                   "ds_streaming_context_get_build_error ()",
                   verb);
      return NULL;
    }
  if (ds_dstream_is_state_mapped (self))
    stepper = ds_state_mapped_dstream_get_stepper (self);
  else if (ds_dstream_is_state_updated (self))
    stepper = ds_state_updated_dstream_get_stepper (self);
  else
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                   "%s: stream %s has no state; map_with_state, update_state_by_key and "
                   "update_state_by_partition have",
                   verb, ds_dstream_describe (self));
      return NULL;
    }
  if (stepper == NULL)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
                   "%s: stream %s has no batch yet, so there is no state to read; start "
                   "the context, and wait with ds_streaming_context_await_batch ()",
                   verb, ds_dstream_describe (self));
      return NULL;
    }
  return stepper->store;
}

/**
 * ds_dstream_lookup_state:
 * @self: a stream made by an operator on state
 * @keys: the keys to look up
 * @error: return location for an error
 *
 * Looks up the states of keys, as of the last completed batch.  Any thread, also while
 * the stream runs, and after it has stopped; batches do not wait for it.
 *
 * Fails with %DS_ERROR_INVALID_ARGUMENT for a stream without state, and with
 * %DS_ERROR_INVALID_STATE before the first batch is completed.
 *
 * Returns: (transfer full): pairs (key, state) in the order of @keys, without those that
 *   have no state; %NULL with @error
 */
DsBlock *
ds_dstream_lookup_state (DsDStream *self, DsBlock *keys, GError **error)
{
  DsStateStore *store;

  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);
  g_return_val_if_fail (keys != NULL, NULL);

  store = ds_dstream_get_state_store (self, "lookup_state", error);
  return store != NULL ? ds_state_store_lookup (store, keys, error) : NULL;
}

/**
 * ds_dstream_scan_state:
 * @self: a stream made by an operator on state
 * @prefix: (nullable): what keys, which are strings or bytes, begin with; %NULL: all keys
 * @max_pairs: at most so many
 * @error: return location for an error
 *
 * Goes over the states of all keys, as of the last completed batch, and picks those whose
 * key begins with @prefix: partition after partition, in each in the order in which keys
 * came.  Any thread; batches do not wait for it longer than for 1,024 keys.
 *
 * Fails as ds_dstream_lookup_state () does.
 *
 * Returns: (transfer full): pairs (key, state); %NULL with @error
 */
DsBlock *
ds_dstream_scan_state (DsDStream *self,
                       const char *prefix,
                       gsize max_pairs,
                       GError **error)
{
  DsStateStore *store;

  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  store = ds_dstream_get_state_store (self, "scan_state", error);
  return store != NULL ? ds_state_store_scan (store, prefix, max_pairs, error) : NULL;
}

/**
 * ds_dstream_top_state:
 * @self: a stream made by an operator on state
 * @n: at most so many
 * @error: return location for an error
 *
 * Finds the keys with the largest states, in the order of values (for tuples: by their
 * first items), as of the last completed batch.  Goes over all keys and keeps @n.  Any
 * thread; batches do not wait for it longer than for 1,024 keys.
 *
 * Fails as ds_dstream_lookup_state () does.
 *
 * Returns: (transfer full): pairs (key, state), the largest state first; %NULL with
 *   @error
 */
DsBlock *
ds_dstream_top_state (DsDStream *self, gsize n, GError **error)
{
  DsStateStore *store;

  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  store = ds_dstream_get_state_store (self, "top_state", error);
  return store != NULL ? ds_state_store_top (store, n, error) : NULL;
}
