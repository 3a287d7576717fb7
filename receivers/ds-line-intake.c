/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lines: recv goes straight into the memory of the next block, and line ends are looked
 * for only as far as a block must end with one; cutting lines is work of the tasks.
 *
 * The line buffer is the one thing that two threads touch: a batch tick takes what is
 * ready out of it, from the driver.  So it has a lock, held for one recv at the longest.
 */

#include "receivers/ds-socket-intake-private.h"

#include "base/ds-error.h"

/* Between the cache and the costs per block; see receivers/README.md for the measurement.
 */
#define DS_LINE_BUFFER_BYTES ((gsize) 1 << 20)
#define DS_LINE_RECEIVE_BYTES ((gsize) 128 << 10)

typedef struct
{
  DsSocketIntake parent;
  gboolean has_told_of_long_lines;
  const char *rest;

  GMutex lock; /* guards the following */
  DsLineBuffer *buffer;
  guint64 n_bytes; /* of this connection */
  guint64 n_lines; /* of this connection, as far as taken */
} DsLineIntake;

/* Thread: whoever cuts.  Locks: takes lock. */
static DsBlock *
ds_line_intake_take (gpointer user_data)
{
  DsLineIntake *self = user_data;
  DsBlock *block = NULL;

  g_mutex_lock (&self->lock);
  block = ds_line_buffer_take (self->buffer);
  if (block != NULL)
    self->n_lines += ds_block_get_length (block);
  g_mutex_unlock (&self->lock);
  return block;
}

static void
ds_line_intake_begin (DsSocketIntake *intake)
{
  DsLineIntake *self = (DsLineIntake *) intake;

  self->has_told_of_long_lines = FALSE;
  self->rest = "";
}

/* Of this connection's first overlong line only: a server that sends one sends many. */
static void
ds_line_intake_tell_of_long_lines (DsLineIntake *self)
{
  DsReceiverSupervisor *supervisor = self->parent.supervisor;
  g_autoptr (GError) error = NULL;

  if (self->has_told_of_long_lines)
    return;

  self->has_told_of_long_lines = TRUE;
  g_set_error (&error, DS_ERROR, DS_ERROR_LIMIT,
               "%s sent a line of more than %" G_GSIZE_FORMAT
               " bytes; it is skipped up to its end, and so are others like it on this "
               "connection (they are counted)",
               self->parent.location,
               ds_receiver_supervisor_get_settings (supervisor)->max_record_bytes);
  ds_receiver_supervisor_report (supervisor, error, FALSE);
}

static gssize
ds_line_intake_read (DsSocketIntake *intake,
                     DsSocketConnection *connection,
                     GError **error)
{
  DsLineIntake *self = (DsLineIntake *) intake;
  DsBlockGenerator *generator = ds_receiver_supervisor_get_generator (intake->supervisor);
  DsRateLimiter *limiter = ds_receiver_supervisor_get_limiter (intake->supervisor);
  g_autoptr (GError) line_error = NULL;
  guint64 n_skipped = 0;
  gsize n_ready = 0;
  gsize n_room = 0;
  gboolean is_full = FALSE;
  gssize n_bytes = 0;

  g_mutex_lock (&self->lock);
  n_skipped = ds_line_buffer_get_n_skipped (self->buffer);
  char *room = ds_line_buffer_prepare (self->buffer, &n_room);
  n_room = ds_rate_limiter_get_read_bytes (limiter, MIN (n_room, DS_LINE_RECEIVE_BYTES));
  n_bytes = ds_socket_connection_read (connection, room, n_room, error);
  if (n_bytes > 0)
    {
      gsize n_lines = ds_line_buffer_get_n_ready_lines (self->buffer);

      n_ready = ds_line_buffer_get_n_ready_bytes (self->buffer);
      ds_line_buffer_commit (self->buffer, (gsize) n_bytes, &line_error);
      if (ds_rate_limiter_is_limited (limiter))
        ds_rate_limiter_note_read (
            limiter, ds_line_buffer_get_n_ready_lines (self->buffer) - n_lines,
            ds_line_buffer_get_n_ready_bytes (self->buffer) - n_ready,
            ds_line_buffer_get_n_open_bytes (self->buffer));
      self->n_bytes += (gsize) n_bytes;
    }
  /* Before anybody can take the lines behind it. */
  n_skipped = ds_line_buffer_get_n_skipped (self->buffer) - n_skipped;
  ds_receiver_supervisor_add_dropped (intake->supervisor, (gint64) n_skipped);
  n_ready = ds_line_buffer_get_n_ready_bytes (self->buffer);
  is_full = ds_line_buffer_is_full (self->buffer);
  g_mutex_unlock (&self->lock);

  if (is_full)
    ds_block_generator_cut (generator);
  else if (n_ready > 0)
    ds_block_generator_note_pending (generator);

  if (line_error != NULL)
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&line_error),
                                  "%s: ", intake->location);
      return -1;
    }
  if (n_skipped > 0)
    ds_line_intake_tell_of_long_lines (self);
  return n_bytes;
}

static gboolean
ds_line_intake_flush (DsSocketIntake *intake)
{
  return TRUE;
}

/* Hands over what is in the buffer at the end of a connection: a line that has not ended
 * is delivered, or dropped and counted. */
static gboolean
ds_line_intake_end (DsSocketIntake *intake, gboolean is_clean)
{
  DsLineIntake *self = (DsLineIntake *) intake;
  DsReceiverSupervisor *supervisor = intake->supervisor;
  DsBlockGenerator *generator = ds_receiver_supervisor_get_generator (supervisor);
  g_autoptr (DsBlock) block = NULL;
  g_autoptr (GError) error = NULL;
  guint64 n_lost = 0;

  /* Whole lines first, so that what comes out of the end below is the rest alone. */
  ds_block_generator_cut (generator);

  g_mutex_lock (&self->lock);
  n_lost = ds_line_buffer_get_n_dropped (self->buffer) +
           ds_line_buffer_get_n_skipped (self->buffer);
  block = ds_line_buffer_end (self->buffer, is_clean);
  n_lost = ds_line_buffer_get_n_dropped (self->buffer) +
           ds_line_buffer_get_n_skipped (self->buffer) - n_lost;
  if (block != NULL || n_lost > 0)
    self->rest = is_clean ? "; the last line had no line end and was delivered"
                          : "; the last line had not ended and was dropped";
  if (block != NULL)
    self->n_lines += ds_block_get_length (block);
  g_mutex_unlock (&self->lock);

  ds_receiver_supervisor_add_dropped (supervisor, (gint64) n_lost);
  if (block != NULL && !ds_block_generator_add_block (generator, block, &error))
    {
      ds_receiver_supervisor_add_dropped (supervisor,
                                          (gint64) ds_block_get_length (block));
      ds_receiver_supervisor_report (supervisor, error, FALSE);
    }
  return TRUE;
}

/* A line that is cut off because we stop is as incomplete as one cut off by a reset.  At
 * the end of a connection the buffer is empty already. */
static void
ds_line_intake_stop (DsSocketIntake *intake)
{
  DsLineIntake *self = (DsLineIntake *) intake;

  ds_line_intake_end (intake, FALSE);
  /* Before the next attempt, so that a server that sees the next connection never reads
   * what came over the one before. */
  g_mutex_lock (&self->lock);
  self->n_bytes = 0;
  self->n_lines = 0;
  g_mutex_unlock (&self->lock);
}

static void
ds_line_intake_report (DsSocketIntake *intake, DsSocketIntakeReport *report)
{
  DsLineIntake *self = (DsLineIntake *) intake;

  g_mutex_lock (&self->lock);
  *report = (DsSocketIntakeReport){ "lines", self->n_lines, self->rest };
  g_mutex_unlock (&self->lock);
}

static guint64
ds_line_intake_get_n_bytes (DsSocketIntake *intake)
{
  DsLineIntake *self = (DsLineIntake *) intake;
  guint64 n_bytes;

  g_mutex_lock (&self->lock);
  n_bytes = self->n_bytes;
  g_mutex_unlock (&self->lock);
  return n_bytes;
}

static void
ds_line_intake_free (DsSocketIntake *intake)
{
  DsLineIntake *self = (DsLineIntake *) intake;

  g_clear_pointer (&self->buffer, ds_line_buffer_free);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static const DsSocketIntakeOps ds_line_intake_ops = {
  .begin = ds_line_intake_begin,
  .read = ds_line_intake_read,
  .flush = ds_line_intake_flush,
  .end = ds_line_intake_end,
  .stop = ds_line_intake_stop,
  .report = ds_line_intake_report,
  .get_n_bytes = ds_line_intake_get_n_bytes,
  .free = ds_line_intake_free,
};

DsSocketIntake *
ds_line_intake_new (DsReceiverSupervisor *supervisor,
                    const char *location,
                    DsLongLinePolicy policy)
{
  const DsReceiverSettings *settings = ds_receiver_supervisor_get_settings (supervisor);
  DsLineIntake *self = g_new0 (DsLineIntake, 1);

  self->parent.ops = &ds_line_intake_ops;
  self->parent.supervisor = supervisor;
  self->parent.location = location;
  self->rest = "";
  g_mutex_init (&self->lock);
  self->buffer =
      ds_line_buffer_new (settings->pool,
                          MIN (DS_LINE_BUFFER_BYTES, settings->max_block_bytes),
                          settings->max_record_bytes, policy, TRUE);
  ds_block_generator_set_take_func (ds_receiver_supervisor_get_generator (supervisor),
                                    ds_line_intake_take, self);
  return &self->parent;
}
