/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The few threads that serve all receivers.  Each has a GMainContext, which is its thread
 * default, a DsPollSource and a DsBlockTimer.  A thread starts with its first user and
 * ends with its last. Any thread may call these. */

#include "receivers/ds-block-timer-private.h"
#include "receivers/ds-poll-source-private.h"

#include <glib.h>

G_BEGIN_DECLS

#define DS_N_POLL_THREADS 2

typedef struct _DsPollThread DsPollThread;

/* The one with the fewest users.  NULL with @error when no thread can be started. */
DsPollThread *ds_poll_thread_acquire (GError **error);
/* The last user waits for the thread to end, unless it is that thread. */
void ds_poll_thread_release (DsPollThread *self);
/* (transfer none): all valid until released. */
GMainContext *ds_poll_thread_get_context (DsPollThread *self);
DsBlockTimer *ds_poll_thread_get_timer (DsPollThread *self);
/* For that thread alone. */
DsPollSource *ds_poll_thread_get_source (DsPollThread *self);
/* Runs @func once on the thread, never at once; @destroy afterwards. */
void ds_poll_thread_invoke (DsPollThread *self,
                            GSourceFunc func,
                            gpointer data,
                            GDestroyNotify destroy);

/* Marks the calling thread as one that runs receivers, for as long as it lives. */
void ds_receiver_thread_mark (void);

/* As g_main_context_new (), which ends the program when there is no file descriptor left
 * for it; this one fails with %DS_ERROR_LIMIT. */
GMainContext *ds_main_context_try_new (GError **error);

/* For tests: threads that run now. */
guint ds_poll_threads_get_n_running (void);

G_END_DECLS
