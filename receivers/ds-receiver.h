/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include "base/ds-block.h"
#include "base/ds-time.h"

#include <gio/gio.h>

G_BEGIN_DECLS

/* DsReceiver: brings the outside world in.  Derive it and override either
 *
 *   run              a loop of its own in the receiver's thread, until @cancellable, or
 *   start and stop   for sources that live on the receiver's GMainContext, the thread
 * default there
 *
 * and call the store functions.  A receiver that fails is stopped and, after a pause (2
 * s, growing, with jitter), started again; it never takes a compute slot. */
#define DS_TYPE_RECEIVER (ds_receiver_get_type ())
DS_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (DsReceiver, ds_receiver, DS, RECEIVER, GObject)

struct _DsReceiverClass
{
  GObjectClass parent_class;

  /* Thread: receiver.  FALSE with @error: start again.  TRUE: the source is at its end
   * for good. */
  gboolean (*run) (DsReceiver *self, GCancellable *cancellable, GError **error);

  /* Thread: receiver.  start must return soon; the default one calls run.  What is stored
   * until stop has returned still counts. */
  gboolean (*start) (DsReceiver *self, GError **error);
  void (*stop) (DsReceiver *self);

  /* Thread: one that receivers share, never that of run.  Everything stored with a token
   * up to @token is safe: its batch is done.  For sources that want an acknowledgement.
   */
  void (*acknowledged) (DsReceiver *self, guint64 token);

  gpointer padding[12];
};

/* Any thread.  One record goes into the current block (cut every 200 ms).  They wait
 * while the memory budget is used up, and return FALSE, storing nothing, once the
 * receiver is stopping (one with a stop function: once that has returned). */
DS_AVAILABLE_IN_ALL
gboolean ds_receiver_store (DsReceiver *self, DsValue value); /* (skip) copied */
DS_AVAILABLE_IN_ALL
gboolean ds_receiver_store_string (DsReceiver *self, const char *string);
DS_AVAILABLE_IN_ALL
gboolean ds_receiver_store_bytes (DsReceiver *self, GBytes *record);

/* One block of its own; waits until it is stored.  With @token, see acknowledged (0:
 * none). */
DS_AVAILABLE_IN_ALL
gboolean
ds_receiver_store_block (DsReceiver *self, DsBlock *block, guint64 token, GError **error);
/* Raw text: cut into lines later, by the tasks. */
DS_AVAILABLE_IN_ALL
gboolean
ds_receiver_store_text (DsReceiver *self, GBytes *text, guint64 token, GError **error);

/* For start/stop receivers; asynchronous, any thread.  @error (transfer full) (nullable)
 */
DS_AVAILABLE_IN_ALL
void ds_receiver_restart (DsReceiver *self, GError *error);
DS_AVAILABLE_IN_ALL
void ds_receiver_finish (DsReceiver *self, GError *error);
/* Only tells the listeners. */
DS_AVAILABLE_IN_ALL
void ds_receiver_report_error (DsReceiver *self, const GError *error);

/* Waits; FALSE at once when the receiver is to stop. */
DS_AVAILABLE_IN_ALL
gboolean ds_receiver_sleep (DsReceiver *self, DsDuration duration);
DS_AVAILABLE_IN_ALL
gboolean ds_receiver_is_stopping (DsReceiver *self);
DS_AVAILABLE_IN_ALL
guint ds_receiver_get_stream_id (DsReceiver *self);

G_END_DECLS
