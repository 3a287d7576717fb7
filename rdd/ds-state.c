/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DsState: the state of one key, as a function of map_with_state sees it for the length
 * of a call. */

#include "rdd/ds-state-run-core-private.h"

#include "base/ds-error.h"
#include "base/ds-value-private.h"

/**
 * ds_state_exists: (skip)
 * @self: the state of a key
 *
 * Whether the key has a state now: not before the first update, nor after
 * ds_state_remove ().
 *
 * Returns: %TRUE when there is one
 */
gboolean
ds_state_exists (DsState *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->work->exists;
}

/**
 * ds_state_get: (skip)
 * @self: the state of a key
 *
 * Reads the state.  A key without state fails the task with %DS_ERROR_INVALID_STATE; see
 * ds_state_exists () and ds_state_get_or ().
 *
 * Returns: the state, lent for the call; null when there is none
 */
DsValue
ds_state_get (DsState *self)
{
  g_return_val_if_fail (self != NULL, ds_value_null ());

  if (G_UNLIKELY (!self->work->exists))
    ds_task_take_error (
        self->run->task,
        g_error_new (DS_ERROR, DS_ERROR_INVALID_STATE,
                     "ds_state_get: the key has no state%s; ask ds_state_exists () "
                     "first, or use ds_state_get_or ()",
                     self->is_removed ? ", it was removed in this call" : ""));
  return ds_state_get_or (self, ds_value_null ());
}

/**
 * ds_state_get_or: (skip)
 * @self: the state of a key
 * @fallback: what to return when there is none
 *
 * Reads the state, or @fallback where there is none.
 *
 * Returns: the state, lent for the call, or @fallback
 */
DsValue
ds_state_get_or (DsState *self, DsValue fallback)
{
  g_return_val_if_fail (self != NULL, fallback);

  return self->work->exists ? self->work->value : fallback;
}

/* FALSE: the task has failed. */
static gboolean
ds_state_may_change (DsState *self, const char *verb)
{
  if (G_LIKELY (!self->is_removed && !self->is_timing_out))
    return TRUE;
  ds_task_take_error (
      self->run->task,
      self->is_timing_out
          ? g_error_new (DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                         "ds_state_%s: the state is timing out: it goes after this "
                         "call, whatever the call does; look at "
                         "ds_state_is_timing_out () first",
                         verb)
          : g_error_new (DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                         "ds_state_%s: the state was removed in this call already, and "
                         "cannot change again before the next one",
                         verb));
  return FALSE;
}

static void
ds_state_clear (DsState *self)
{
  DsStateWork *work = self->work;

  self->is_removed = TRUE;
  work->value = ds_value_null ();
  work->exists = FALSE;
  work->is_touched = TRUE;
  work->is_changed = TRUE;
  work->updated_at = DS_TIME_NONE;
}

/**
 * ds_state_update: (skip)
 * @self: the state of a key
 * @value: the new state, which is copied; null removes
 *
 * Sets the state, and with it the time of the last touch.
 *
 * Fails the task with %DS_ERROR_INVALID_ARGUMENT when the state was removed in this call,
 * or is timing out.
 */
void
ds_state_update (DsState *self, DsValue value)
{
  DsStateWork *work;

  g_return_if_fail (self != NULL);

  if (!ds_state_may_change (self, "update"))
    return;
  if (ds_value_is_null (value))
    {
      ds_state_clear (self);
      return;
    }
  work = self->work;
  work->value = ds_value_copy (value, self->run->values);
  work->exists = TRUE;
  work->is_touched = TRUE;
  work->is_changed = TRUE;
  work->updated_at = self->run->plan->time;
}

/**
 * ds_state_remove: (skip)
 * @self: the state of a key
 *
 * Removes the state; the next record of the key finds none.  A state that never was may
 * be removed, too.
 *
 * Fails the task with %DS_ERROR_INVALID_ARGUMENT when the state was removed in this call,
 * or is timing out.
 */
void
ds_state_remove (DsState *self)
{
  g_return_if_fail (self != NULL);

  if (ds_state_may_change (self, "remove"))
    ds_state_clear (self);
}

/**
 * ds_state_is_timing_out: (skip)
 * @self: the state of a key
 *
 * Whether this is the last call for the key: it was not touched for longer than the
 * timeout of the stream.  The call has no new value; the state can still be read, and
 * goes afterwards.
 *
 * Returns: %TRUE in that call
 */
gboolean
ds_state_is_timing_out (DsState *self)
{
  g_return_val_if_fail (self != NULL, FALSE);

  return self->is_timing_out;
}

/**
 * ds_state_get_updated_at: (skip)
 * @self: the state of a key
 *
 * The time of the batch that touched the state last: that updated it, or, in a stream
 * with a timeout, brought a record for it.  Records before this one in the same batch
 * count.
 *
 * Returns: the batch time, in µs; %DS_TIME_NONE when there is no state
 */
DsTime
ds_state_get_updated_at (DsState *self)
{
  g_return_val_if_fail (self != NULL, DS_TIME_NONE);

  return self->work->exists ? self->work->updated_at : DS_TIME_NONE;
}
