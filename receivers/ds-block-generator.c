/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records trickle or pour in from any thread; the stream wants blocks.  Two locks keep
 * the two sides apart: self->lock guards the builder and is held for the time of one
 * copy; self->push_lock is held from taking a buffer until its block is handed over, and
 * so keeps blocks in order and whole.  Whoever finds a full buffer cuts it himself, so
 * there is no queue and no pushing thread: the one that stores too fast is the one that
 * waits.
 *
 * The interval timer is armed by the first record after a cut, for the next multiple of
 * the block interval.  An idle receiver wakes nobody. */

#include "receivers/ds-block-generator-private.h"

#include "base/ds-error.h"

/* Tiny values: an array of values as long as this is 1 MiB. */
#define DS_BLOCK_GENERATOR_MAX_VALUES 65536

struct _DsBlockGenerator
{
  gint ref_count;
  DsDuration block_interval;
  gsize max_block_bytes;
  DsMemoryBudget *budget;
  DsBlockGeneratorPushFunc push;
  gpointer owner;
  DsBlockGeneratorTakeFunc take;
  gpointer take_data;
  DsBlockTimer *timer;
  gboolean cuts_at_once;

  gint is_armed; /* atomic: a cut at the end of the interval is on its way */

  GMutex push_lock; /* taken before lock */
  GMutex lock;
  gint state;              /* written under both locks, read under either or atomically */
  DsBlockBuilder *builder; /* (nullable), guarded by lock */
};

DsBlockGenerator *
ds_block_generator_new (DsDuration block_interval,
                        gsize max_block_bytes,
                        DsMemoryBudget *budget,
                        DsBlockGeneratorPushFunc push,
                        gpointer owner)
{
  DsBlockGenerator *self = g_new0 (DsBlockGenerator, 1);

  self->ref_count = 1;
  self->block_interval = MAX (block_interval, 1);
  self->max_block_bytes = max_block_bytes;
  self->budget = ds_memory_budget_ref (budget);
  self->push = push;
  self->owner = owner;
  self->state = DS_BLOCK_GENERATOR_INITIALIZED;
  g_mutex_init (&self->push_lock);
  g_mutex_init (&self->lock);
  return self;
}

DsBlockGenerator *
ds_block_generator_ref (DsBlockGenerator *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

void
ds_block_generator_unref (DsBlockGenerator *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  g_clear_pointer (&self->builder, ds_block_builder_unref);
  g_clear_pointer (&self->budget, ds_memory_budget_unref);
  g_mutex_clear (&self->push_lock);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
ds_block_generator_set_take_func (DsBlockGenerator *self,
                                  DsBlockGeneratorTakeFunc take,
                                  gpointer user_data)
{
  g_mutex_lock (&self->push_lock);
  self->take = take;
  self->take_data = user_data;
  g_mutex_unlock (&self->push_lock);
}

void
ds_block_generator_set_cuts_at_once (DsBlockGenerator *self)
{
  self->cuts_at_once = TRUE;
}

static void
ds_block_generator_set_state_locked (DsBlockGenerator *self, DsBlockGeneratorState state)
{
  g_mutex_lock (&self->lock);
  g_atomic_int_set (&self->state, state);
  g_mutex_unlock (&self->lock);
}

void
ds_block_generator_start (DsBlockGenerator *self, DsBlockTimer *timer)
{
  g_mutex_lock (&self->push_lock);
  self->timer = timer;
  ds_block_generator_set_state_locked (self, DS_BLOCK_GENERATOR_ACTIVE);
  g_mutex_unlock (&self->push_lock);
}

DsBlockGeneratorState
ds_block_generator_get_state (DsBlockGenerator *self)
{
  return (DsBlockGeneratorState) g_atomic_int_get (&self->state);
}

static gboolean
ds_block_generator_check_active (DsBlockGenerator *self, GError **error)
{
  int state = g_atomic_int_get (&self->state);

  if (G_LIKELY (state == DS_BLOCK_GENERATOR_ACTIVE))
    return TRUE;

  g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
               "A block generator takes records only while it is active; this one %s",
               state == DS_BLOCK_GENERATOR_INITIALIZED ? "has not been started"
                                                       : "has been stopped");
  return FALSE;
}

/* Locks: push_lock is held. */
static gboolean
ds_block_generator_push_locked (DsBlockGenerator *self,
                                DsBlock *block /* (transfer full) */,
                                GError **error)
{
  gsize n_bytes = ds_block_get_n_bytes (block);

  ds_memory_budget_take (self->budget, n_bytes);
  if (self->push (self->owner, block, ds_block_get_length (block), n_bytes, error))
    return TRUE;

  ds_memory_budget_release (self->budget, n_bytes);
  return FALSE;
}

/* Locks: push_lock is held. */
static void
ds_block_generator_cut_locked (DsBlockGenerator *self)
{
  g_autoptr (DsBlockBuilder) builder = NULL;
  DsBlock *pending = NULL;

  g_mutex_lock (&self->lock);
  builder = g_steal_pointer (&self->builder);
  if (g_atomic_int_get (&self->state) == DS_BLOCK_GENERATOR_STOPPED_ADDING)
    g_atomic_int_set (&self->state, DS_BLOCK_GENERATOR_STOPPED_GENERATING);
  g_mutex_unlock (&self->lock);

  if (self->take != NULL)
    pending = self->take (self->take_data);
  if (builder != NULL)
    ds_block_generator_push_locked (self, ds_block_builder_end (builder), NULL);
  if (pending != NULL)
    ds_block_generator_push_locked (self, pending, NULL);
}

void
ds_block_generator_cut (DsBlockGenerator *self)
{
  g_mutex_lock (&self->push_lock);
  if (g_atomic_int_get (&self->state) == DS_BLOCK_GENERATOR_ACTIVE)
    ds_block_generator_cut_locked (self);
  g_mutex_unlock (&self->push_lock);
}

/* Thread: poll. */
static void
ds_block_generator_interval_is_over (gpointer data)
{
  DsBlockGenerator *self = data;

  /* First disarm, then cut: what comes in between arms anew and is cut twice at worst. */
  g_atomic_int_set (&self->is_armed, FALSE);
  ds_block_generator_cut (self);
}

void
ds_block_generator_note_pending (DsBlockGenerator *self)
{
  gint64 now = 0;
  gint64 due = 0;

  if (self->cuts_at_once)
    {
      ds_block_generator_cut (self);
      return;
    }
  if (g_atomic_int_get (&self->is_armed) ||
      !g_atomic_int_compare_and_exchange (&self->is_armed, FALSE, TRUE))
    return;

  now = g_get_monotonic_time ();
  due = now - now % self->block_interval + self->block_interval;
  ds_block_timer_arm (self->timer, due, ds_block_generator_interval_is_over,
                      ds_block_generator_ref (self),
                      (GDestroyNotify) ds_block_generator_unref);
}

/* Before values are added.  Locks: takes lock, and keeps it when TRUE. */
static gboolean
ds_block_generator_begin_add (DsBlockGenerator *self, GError **error)
{
  g_mutex_lock (&self->lock);
  if (!ds_block_generator_check_active (self, error))
    {
      g_mutex_unlock (&self->lock);
      return FALSE;
    }
  if (self->builder == NULL)
    self->builder = ds_block_builder_new ();
  return TRUE;
}

/* Locks: lock is held, and is given back. */
static void
ds_block_generator_end_add (DsBlockGenerator *self)
{
  gboolean is_full =
      ds_block_builder_get_n_bytes (self->builder) >= self->max_block_bytes ||
      ds_block_builder_get_n_values (self->builder) >= DS_BLOCK_GENERATOR_MAX_VALUES;

  /* Under the lock: once it is stopped the timer may be gone. */
  if (!is_full)
    ds_block_generator_note_pending (self);
  g_mutex_unlock (&self->lock);

  if (is_full)
    ds_block_generator_cut (self);
}

/* A block of its own, handed over now: whoever adds learns whether it was kept.  What is
 * in the buffer of the take function goes first. */
static gboolean
ds_block_generator_add_at_once (DsBlockGenerator *self,
                                const DsValue *values,
                                const DsValue *pair_values,
                                gsize n_values,
                                GError **error)
{
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  gboolean is_added = FALSE;

  ds_block_builder_add_columns (builder, values, pair_values, n_values);
  g_mutex_lock (&self->push_lock);
  if (ds_block_generator_check_active (self, error))
    {
      ds_block_generator_cut_locked (self);
      is_added =
          ds_block_generator_push_locked (self, ds_block_builder_end (builder), error);
    }
  g_mutex_unlock (&self->push_lock);
  return is_added;
}

gboolean
ds_block_generator_add (DsBlockGenerator *self, DsValue value, GError **error)
{
  if (self->cuts_at_once)
    return ds_block_generator_add_at_once (self, &value, NULL, 1, error);
  if (!ds_block_generator_begin_add (self, error))
    return FALSE;

  ds_block_builder_add (self->builder, value);
  ds_block_generator_end_add (self);
  return TRUE;
}

gboolean
ds_block_generator_add_columns (DsBlockGenerator *self,
                                const DsValue *values,
                                const DsValue *pair_values,
                                gsize n_values,
                                GError **error)
{
  if (self->cuts_at_once)
    return ds_block_generator_add_at_once (self, values, pair_values, n_values, error);
  if (!ds_block_generator_begin_add (self, error))
    return FALSE;

  ds_block_builder_add_columns (self->builder, values, pair_values, n_values);
  ds_block_generator_end_add (self);
  return TRUE;
}

gboolean
ds_block_generator_add_block (DsBlockGenerator *self, DsBlock *block, GError **error)
{
  gboolean is_added = FALSE;

  g_mutex_lock (&self->push_lock);
  if (ds_block_generator_check_active (self, error))
    {
      ds_block_generator_cut_locked (self);
      is_added = ds_block_generator_push_locked (self, ds_block_ref (block), error);
    }
  g_mutex_unlock (&self->push_lock);
  return is_added;
}

void
ds_block_generator_stop (DsBlockGenerator *self)
{
  gboolean is_first = FALSE;

  g_mutex_lock (&self->push_lock);
  is_first = g_atomic_int_get (&self->state) <= DS_BLOCK_GENERATOR_ACTIVE;
  if (is_first)
    {
      ds_block_generator_set_state_locked (self, DS_BLOCK_GENERATOR_STOPPED_ADDING);
      ds_block_generator_cut_locked (self);
      ds_block_generator_set_state_locked (self, DS_BLOCK_GENERATOR_STOPPED);
    }
  g_mutex_unlock (&self->push_lock);

  if (!is_first)
    g_warning ("A block generator has already been stopped");
}
