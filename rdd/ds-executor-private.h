/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsExecutor: a fixed pool of threads for work that comes as n numbered items.  The
 * thread that brings the work does its share, so n workers are n - 1 threads, and one
 * worker is none at all.  Threads are made when they are first wanted; a machine that
 * gives none makes the work slower and nothing else. */

#include <glib.h>

G_BEGIN_DECLS

typedef struct _DsExecutor DsExecutor;
typedef void (*DsExecutorFunc) (guint item, gpointer data);

DsExecutor *ds_executor_new (guint n_workers);
/* Ends the threads, waiting for them unless called from one of them. */
void ds_executor_stop (DsExecutor *self);
/* Lets the threads go, which end by themselves and free what is left.  Any thread. */
void ds_executor_free (DsExecutor *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsExecutor, ds_executor_free)

/* Calls @func once for each of @n_items items, on up to n_workers threads at once (this
 * one included), and returns when all have returned.  Items start in order. */
void
ds_executor_run (DsExecutor *self, guint n_items, DsExecutorFunc func, gpointer data);

guint ds_executor_get_n_threads (DsExecutor *self); /* that were made so far */

G_END_DECLS
