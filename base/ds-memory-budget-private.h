/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsMemoryBudget: how many bytes of received, shuffled and kept data there may be.  Never
 * refuses what is already there: users look for room before they take in more, and are
 * told when there is room again.  Any thread; boxed, refcounted. */

#include <glib.h>

G_BEGIN_DECLS

typedef struct _DsMemoryBudget DsMemoryBudget;
/* Thread: the one that released.  Must return soon and not call back into the budget. */
typedef void (*DsMemoryBudgetFunc) (gpointer user_data);

DsMemoryBudget *ds_memory_budget_new (guint64 max_bytes);
DsMemoryBudget *ds_memory_budget_ref (DsMemoryBudget *self);
void ds_memory_budget_unref (DsMemoryBudget *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsMemoryBudget, ds_memory_budget_unref)

void ds_memory_budget_set_max_bytes (DsMemoryBudget *self, guint64 max_bytes);
guint64 ds_memory_budget_get_max_bytes (DsMemoryBudget *self);
guint64 ds_memory_budget_get_n_bytes (DsMemoryBudget *self);
guint64 ds_memory_budget_get_peak_bytes (DsMemoryBudget *self);
gboolean ds_memory_budget_has_room (DsMemoryBudget *self);
void ds_memory_budget_take (DsMemoryBudget *self, gsize n_bytes);
void ds_memory_budget_release (DsMemoryBudget *self, gsize n_bytes);
/* Waits until there is room or *@stopping is TRUE (wake with ds_memory_budget_wake ()).
 * FALSE when stopping. */
gboolean ds_memory_budget_wait (DsMemoryBudget *self, const gint *stopping);
void ds_memory_budget_wake (DsMemoryBudget *self);
/* @func is called each time use falls from the limit to below 7/8 of it. */
guint ds_memory_budget_add_watch (DsMemoryBudget *self,
                                  DsMemoryBudgetFunc func,
                                  gpointer user_data);
void ds_memory_budget_remove_watch (DsMemoryBudget *self, guint id);

G_END_DECLS
