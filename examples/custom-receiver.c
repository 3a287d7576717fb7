/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A source of a program's own: a journal that is read entry by entry and wants to know up
 * to which entry it may forget.  It fails once, and the library starts it again.
 *
 *   $ custom-receiver 2>/dev/null
 *   -------------------------------------------
 *   Time: 1000 ms
 *   -------------------------------------------
 *   to be
 *   or not
 *   to be
 *   that is
 *   the question
 *
 *   acknowledged: 5 entries
 *
 * On standard error it says: a page was torn; trying again in 10 ms.  The same in Python
 * is custom-receiver.py. */

#include <dstream/dstream.h>

static const char *const entries[] = { "to be", "or not", "to be", "that is",
                                       "the question" };

#define JOURNAL_TYPE_RECEIVER (journal_receiver_get_type ())
G_DECLARE_FINAL_TYPE (JournalReceiver, journal_receiver, JOURNAL, RECEIVER, DsReceiver)

struct _JournalReceiver
{
  DsReceiver parent_instance;
  gboolean has_failed;
  GMutex lock; /* guards the following */
  GCond changed;
  guint64 n_stored;
  guint64 n_acknowledged; /* entries that are safe: their batch is done */
};

G_DEFINE_FINAL_TYPE (JournalReceiver, journal_receiver, DS_TYPE_RECEIVER)

static void
journal_receiver_set (JournalReceiver *self, guint64 *number, guint64 value)
{
  g_mutex_lock (&self->lock);
  *number = value;
  g_cond_signal (&self->changed);
  g_mutex_unlock (&self->lock);
}

static void
journal_receiver_await (JournalReceiver *self, const guint64 *number, guint64 value)
{
  g_mutex_lock (&self->lock);
  while (*number < value)
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
}

/* In a thread of its own; after a failure once more, where the last run left off. */
static gboolean
journal_receiver_run (DsReceiver *receiver, GCancellable *cancellable, GError **error)
{
  JournalReceiver *self = JOURNAL_RECEIVER (receiver);

  for (guint64 i = self->n_stored; i < G_N_ELEMENTS (entries); i++)
    {
      g_autoptr (GBytes) text = g_bytes_new_static (entries[i], strlen (entries[i]));

      if (i == 2 && !self->has_failed)
        {
          self->has_failed = TRUE;
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "a page was torn");
          return FALSE; /* it is started again after a pause */
        }
      /* Returns when the entry is stored; FALSE when the receiver is to stop. */
      if (!ds_receiver_store_text (receiver, text, i + 1, error))
        return FALSE;
      journal_receiver_set (self, &self->n_stored, i + 1);
    }
  return TRUE; /* at its end for good */
}

/* Everything up to entry number @token is processed: the journal may forget it. */
static void
journal_receiver_acknowledged (DsReceiver *receiver, guint64 token)
{
  JournalReceiver *self = JOURNAL_RECEIVER (receiver);

  journal_receiver_set (self, &self->n_acknowledged, token);
}

static void
journal_receiver_class_init (JournalReceiverClass *klass)
{
  DS_RECEIVER_CLASS (klass)->run = journal_receiver_run;
  DS_RECEIVER_CLASS (klass)->acknowledged = journal_receiver_acknowledged;
}

static void
journal_receiver_init (JournalReceiver *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
}

int
main (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  g_autoptr (JournalReceiver) journal = g_object_new (JOURNAL_TYPE_RECEIVER, NULL);
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new ("local[2]", "CustomReceiver", 1 * DS_SECOND);
  ds_streaming_context_set_clock (ssc, DS_CLOCK (clock));
  g_object_set (ssc, "receiver-restart-delay", 10 * DS_MILLISECOND, NULL);

  DsDStream *entry_stream =
      ds_streaming_context_receiver_stream (ssc, DS_RECEIVER (journal));
  ds_dstream_print (entry_stream, 10);

  if (ds_streaming_context_start (ssc, &error))
    {
      journal_receiver_await (journal, &journal->n_stored, G_N_ELEMENTS (entries));
      ds_manual_clock_advance (clock, 1 * DS_SECOND);
      journal_receiver_await (journal, &journal->n_acknowledged, G_N_ELEMENTS (entries));
      g_print ("acknowledged: %" G_GUINT64_FORMAT " entries\n", journal->n_acknowledged);
      ds_streaming_context_stop (ssc, DS_STOP_NOW, &error);
    }

  if (error != NULL)
    g_printerr ("custom-receiver: %s\n", error->message);
  return error == NULL ? 0 : 1;
}
