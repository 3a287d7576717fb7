/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A counter with a limit.  Taking is an atomic addition and never fails: the caller has
 * the bytes already.  Only the steps over the limit and back under 7/8 of it take the
 * lock, because only they have somebody to wake. */

#include "base/ds-memory-budget-private.h"

typedef struct
{
  guint id;
  DsMemoryBudgetFunc func;
  gpointer user_data;
} DsMemoryBudgetWatch;

struct _DsMemoryBudget
{
  gint ref_count;
  guint64 n_bytes;   /* atomic */
  guint64 max_bytes; /* atomic */
  guint64 peak;      /* atomic */
  gint is_full;      /* atomic; set at the limit, cleared below 7/8 of it */

  GMutex lock; /* guards all below, and every change of is_full */
  GCond changed;
  GArray *watches; /* DsMemoryBudgetWatch */
  guint last_id;
  GThread *calling; /* (nullable): runs the watches just now */
};

DsMemoryBudget *
ds_memory_budget_new (guint64 max_bytes)
{
  DsMemoryBudget *self = g_new0 (DsMemoryBudget, 1);

  self->ref_count = 1;
  self->max_bytes = max_bytes;
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->watches = g_array_new (FALSE, FALSE, sizeof (DsMemoryBudgetWatch));
  return self;
}

DsMemoryBudget *
ds_memory_budget_ref (DsMemoryBudget *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

void
ds_memory_budget_unref (DsMemoryBudget *self)
{
  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;
  g_array_unref (self->watches);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self);
}

guint64
ds_memory_budget_get_max_bytes (DsMemoryBudget *self)
{
  return __atomic_load_n (&self->max_bytes, __ATOMIC_SEQ_CST);
}

guint64
ds_memory_budget_get_n_bytes (DsMemoryBudget *self)
{
  return __atomic_load_n (&self->n_bytes, __ATOMIC_SEQ_CST);
}

/* Brings is_full up to date; the watches are called when it was cleared.
 * Locks: takes self->lock, not held across the watches. */
static void
ds_memory_budget_update (DsMemoryBudget *self)
{
  g_autoptr (GArray) watches = NULL;

  g_mutex_lock (&self->lock);
  guint64 max_bytes = ds_memory_budget_get_max_bytes (self);

  /* Set first, then look again: a release that came in between saw no limit met and left
   * it to us. */
  if (ds_memory_budget_get_n_bytes (self) >= max_bytes)
    g_atomic_int_set (&self->is_full, TRUE);
  if (g_atomic_int_get (&self->is_full) &&
      ds_memory_budget_get_n_bytes (self) < max_bytes - max_bytes / 8)
    {
      g_atomic_int_set (&self->is_full, FALSE);
      g_cond_broadcast (&self->changed);
      /* One round of calls at a time, so that a removed watch is never called again. */
      while (self->calling != NULL)
        g_cond_wait (&self->changed, &self->lock);
      self->calling = g_thread_self ();
      watches = g_array_copy (self->watches);
    }
  g_mutex_unlock (&self->lock);

  if (watches == NULL)
    return;

  for (guint i = 0; i < watches->len; i++)
    {
      const DsMemoryBudgetWatch *watch = &g_array_index (watches, DsMemoryBudgetWatch, i);

      watch->func (watch->user_data);
    }
  g_mutex_lock (&self->lock);
  self->calling = NULL;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

void
ds_memory_budget_set_max_bytes (DsMemoryBudget *self, guint64 max_bytes)
{
  __atomic_store_n (&self->max_bytes, max_bytes, __ATOMIC_SEQ_CST);
  ds_memory_budget_update (self);
}

guint64
ds_memory_budget_get_peak_bytes (DsMemoryBudget *self)
{
  return __atomic_load_n (&self->peak, __ATOMIC_SEQ_CST);
}

gboolean
ds_memory_budget_has_room (DsMemoryBudget *self)
{
  return !g_atomic_int_get (&self->is_full);
}

void
ds_memory_budget_take (DsMemoryBudget *self, gsize n_bytes)
{
  guint64 after = __atomic_add_fetch (&self->n_bytes, n_bytes, __ATOMIC_SEQ_CST);
  guint64 peak = __atomic_load_n (&self->peak, __ATOMIC_RELAXED);

  while (after > peak &&
         !__atomic_compare_exchange_n (&self->peak, &peak, after, FALSE, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED))
    ;
  if (after >= ds_memory_budget_get_max_bytes (self) &&
      !g_atomic_int_get (&self->is_full))
    ds_memory_budget_update (self);
}

void
ds_memory_budget_release (DsMemoryBudget *self, gsize n_bytes)
{
  guint64 before = __atomic_fetch_sub (&self->n_bytes, n_bytes, __ATOMIC_SEQ_CST);

  g_assert (before >= n_bytes);
  if (g_atomic_int_get (&self->is_full))
    ds_memory_budget_update (self);
}

gboolean
ds_memory_budget_wait (DsMemoryBudget *self, const gint *stopping)
{
  g_mutex_lock (&self->lock);
  while (g_atomic_int_get (&self->is_full) &&
         !__atomic_load_n (stopping, __ATOMIC_SEQ_CST))
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
  return !__atomic_load_n (stopping, __ATOMIC_SEQ_CST);
}

void
ds_memory_budget_wake (DsMemoryBudget *self)
{
  g_mutex_lock (&self->lock);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

guint
ds_memory_budget_add_watch (DsMemoryBudget *self,
                            DsMemoryBudgetFunc func,
                            gpointer user_data)
{
  DsMemoryBudgetWatch watch = { 0, func, user_data };

  g_mutex_lock (&self->lock);
  watch.id = ++self->last_id;
  g_array_append_val (self->watches, watch);
  g_mutex_unlock (&self->lock);
  return watch.id;
}

void
ds_memory_budget_remove_watch (DsMemoryBudget *self, guint id)
{
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->watches->len; i++)
    if (g_array_index (self->watches, DsMemoryBudgetWatch, i).id == id)
      {
        g_array_remove_index (self->watches, i);
        break;
      }
  /* Not called after this returns, unless it removes itself. */
  while (self->calling != NULL && self->calling != g_thread_self ())
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
}
