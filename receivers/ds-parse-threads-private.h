/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Threads for functions of the program that a receiver needs: those that cut the bytes of
 * a socket into values.  Such a function may take long or wait for something, so it never
 * runs on a poll thread.  Who keeps order hands in one job at a time.
 *
 * Any thread may call these. */

#include <glib.h>

G_BEGIN_DECLS

/* The threads stay for as long as there are users. */
void ds_parse_threads_acquire (void);
/* The last one waits until they have ended. */
void ds_parse_threads_release (void);
/* Runs @func once, never at once.  FALSE with @error when there is no thread and none can
 * be started; @func is not going to run then.  Only between acquire and release. */
gboolean ds_parse_threads_submit (GFunc func, gpointer data, GError **error);
/* For tests: threads that there are now. */
guint ds_parse_threads_get_n_threads (void);

G_END_DECLS
