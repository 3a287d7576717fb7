/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsPollSource: the one GSource of a poll thread that stands for all its sockets, its
 * wake-ups and its deadlines, so that a turn of the main loop costs what is ready and not
 * what there is.
 *
 * DsPollWatch: what one user has of it: a descriptor to read, a deadline, a wake-up.
 * Thread: poll, but for ds_poll_watch_wake (). */

#include <glib.h>

G_BEGIN_DECLS

typedef struct _DsPollSource DsPollSource;
typedef struct _DsPollWatch DsPollWatch;

/* They may do anything with any watch, also free their own. */
typedef struct
{
  /* (nullable) There is something to read, the end of it, or an error: called in each
   * turn in which there is. */
  void (*readable) (gpointer owner);
  /* (nullable) The deadline is over; there is none now. */
  void (*due) (gpointer owner);
  /* (nullable) Once, however often it was woken meanwhile. */
  void (*woken) (gpointer owner);
} DsPollWatchFuncs;

/* NULL with @error, %DS_ERROR_LIMIT, when no file descriptor is left. */
DsPollSource *ds_poll_source_new (GMainContext *context, GError **error);
/* Nothing is called any more.  The watches are freed by their users, also later. */
void ds_poll_source_free (DsPollSource *self);

/* @funcs must live as long as it. */
DsPollWatch *
ds_poll_watch_new (DsPollSource *source, const DsPollWatchFuncs *funcs, gpointer owner);
/* Nothing is called any more; nobody may be about to wake it. */
void ds_poll_watch_free (DsPollWatch *self);

/* @fd must stay open until it is not read any more.  FALSE with @error, from the domain
 * %G_IO_ERROR, when the system watches as many as it may. */
gboolean ds_poll_watch_start_reading (DsPollWatch *self, int fd, GError **error);
/* Nothing when it is not read. */
void ds_poll_watch_stop_reading (DsPollWatch *self);
/* @due: as g_get_monotonic_time () counts, instead of any before; negative: none. */
void ds_poll_watch_set_deadline (DsPollWatch *self, gint64 due);
/* woken () is called, soon and never at once.  Any thread. */
void ds_poll_watch_wake (DsPollWatch *self);

G_END_DECLS
