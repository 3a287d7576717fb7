/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bytes in which only a parser finds records.  It must see them in order, and it may be a
 * function of the program, which takes as long as it likes.  So reading and parsing take
 * turns: the poll thread reads up to 1 MiB, hands it to a thread for parsing, and does
 * not look at the socket again before that is done.  What comes meanwhile waits in the
 * system, and a server that is faster than the parser is slowed down by TCP.  Nothing is
 * locked, as the bytes belong to one of the two at any time.
 *
 * The buffer is as large as what is in it, so that 5,000 sockets on which little comes
 * take little memory. */

#include "receivers/ds-socket-intake-private.h"

#include "base/ds-error.h"
#include "receivers/ds-parse-threads-private.h"
#include "receivers/ds-receiver-runner-private.h"

#include <string.h>

#define DS_PARSE_RECEIVE_BYTES ((gsize) 256 << 10)
#define DS_PARSE_TURN_BYTES ((gsize) 1 << 20)
/* A buffer larger than this is given back when it is empty. */
#define DS_PARSE_KEPT_BYTES ((gsize) 4096)

typedef enum
{
  DS_PARSE_READING,
  DS_PARSE_BUSY,  /* a thread has the bytes */
  DS_PARSE_ENDING /* the same, for the last time on this connection */
} DsParseIntakeState;

struct _DsParsed
{
  DsReceiverSupervisor *supervisor;
  const char *location;
  guint64 n_records;    /* in this turn */
  gsize n_bytes;        /* that they take */
  gboolean has_dropped; /* and told of it, on this connection */
};

typedef struct
{
  DsSocketIntake parent;
  DsSocketParser *parser;
  gsize max_record_bytes;

  /* Thread: receiver, or the one that parses while it does. */
  guint8 *bytes;
  gsize n_bytes;
  gsize capacity;  /* without the padding behind it */
  gboolean at_end; /* of a connection that ended cleanly */
  gboolean is_new; /* nothing of this connection was parsed */
  DsParsed parsed;
  GError *error; /* (nullable): of the turn */

  /* Thread: receiver. */
  DsParseIntakeState state;
  gsize n_unseen;       /* bytes that were not parsed yet */
  gboolean is_stopped;  /* whoever waited for the turn is gone */
  gboolean has_threads; /* between acquire and release */
  gboolean is_open;     /* between begin and the end or stop */
  const char *rest;
  guint64 n_records; /* of this connection */
  gint64 n_received; /* of this connection; atomic: written by the receiver only */
} DsParseIntake;

/* ---- Thread: one for parsing ---- */

gboolean
ds_parsed_add (DsParsed *self,
               const DsValue *values,
               const DsValue *pair_values,
               gsize n_values)
{
  if (!ds_block_generator_add_columns (ds_receiver_supervisor_get_generator (
                                           self->supervisor),
                                       values, pair_values, n_values, NULL))
    return FALSE;
  self->n_records += n_values;
  return TRUE;
}

gboolean
ds_parsed_add_block (DsParsed *self, DsBlock *block)
{
  g_autoptr (DsBlock) owned = block;

  if (!ds_block_generator_add_block (
          ds_receiver_supervisor_get_generator (self->supervisor), owned, NULL))
    return FALSE;
  self->n_records += ds_block_get_length (owned);
  return TRUE;
}

void
ds_parsed_await_room (DsParsed *self)
{
  ds_receiver_supervisor_await_room (self->supervisor);
}

void
ds_parsed_drop (DsParsed *self, const GError *error)
{
  g_autoptr (GError) told = NULL;

  ds_receiver_supervisor_add_dropped (self->supervisor, 1);
  if (self->has_dropped)
    return;

  self->has_dropped = TRUE;
  told = g_error_copy (error);
  g_prefix_error (&told, "%s: ", self->location);
  ds_receiver_supervisor_report (self->supervisor, told, FALSE);
}

static void
ds_parse_intake_parse (DsParseIntake *self)
{
  DsSocketParser *parser = self->parser;
  gsize n_done = 0;
  gsize n_taken = 0;

  if (self->is_new)
    parser->ops->begin (parser);
  self->is_new = FALSE;
  do
    {
      gsize n_left = self->n_bytes - n_done;

      n_taken = 0;
      if (!parser->ops->parse (parser, self->bytes + n_done, n_left, self->at_end,
                               &self->parsed, &n_taken, &self->error))
        break;
      if (n_taken > n_left)
        {
          g_set_error (&self->error, DS_ERROR, DS_ERROR_USER_FUNCTION,
                       "The parse function says that it took %" G_GSIZE_FORMAT
                       " bytes, but was given %" G_GSIZE_FORMAT
                       "; it must return how many of them its values took",
                       n_taken, n_left);
          break;
        }
      n_done += n_taken;
    }
  while (n_taken > 0 && n_done < self->n_bytes);

  if (parser->ops->flush != NULL)
    parser->ops->flush (parser, &self->parsed);

  self->parsed.n_bytes = n_done;
  self->n_bytes -= n_done;
  if (self->n_bytes > 0 && n_done > 0)
    memmove (self->bytes, self->bytes + n_done, self->n_bytes);
}

static gboolean ds_parse_intake_turn_is_over (gpointer data);

static void
ds_parse_intake_work (gpointer data, gpointer unused)
{
  DsParseIntake *self = data;

  ds_parse_intake_parse (self);
  ds_receiver_runner_invoke (self->parent.supervisor, ds_parse_intake_turn_is_over, self,
                             NULL);
}

/* ---- Thread: receiver ---- */

static void
ds_parse_intake_drop_buffer (DsParseIntake *self)
{
  g_clear_pointer (&self->bytes, g_free);
  self->n_bytes = 0;
  self->capacity = 0;
}

static void
ds_parse_intake_let_go_of_threads (DsParseIntake *self)
{
  if (self->has_threads)
    ds_parse_threads_release ();
  self->has_threads = FALSE;
}

/* The connection is over, and so is parsing what came from it. */
static void
ds_parse_intake_close (DsParseIntake *self)
{
  if (self->n_bytes > 0)
    {
      self->rest = "; the rest was no whole record and was dropped";
      ds_receiver_supervisor_add_dropped (self->parent.supervisor, 1);
    }
  ds_parse_intake_drop_buffer (self);
  self->is_open = FALSE;
  self->state = DS_PARSE_READING;
  ds_parse_intake_let_go_of_threads (self);
}

/* What to do about a rest that is too long; NULL: nothing. */
static GError *
ds_parse_intake_check_rest (DsParseIntake *self)
{
  if (self->n_bytes <= self->max_record_bytes)
    return NULL;

  return g_error_new (
      DS_ERROR, DS_ERROR_LIMIT,
      "%s sent %" G_GSIZE_FORMAT
      " bytes in which no record ends, but a record may have %" G_GSIZE_FORMAT
      ". Allow longer records (set_max_record_bytes), or see whether "
      "the server sends what the parse function expects",
      self->parent.location, self->n_bytes, self->max_record_bytes);
}

static void
ds_parse_intake_fail (DsParseIntake *self, GError *error /* (transfer full) */)
{
  DsSocketIntake *intake = &self->parent;

  ds_parse_intake_close (self);
  intake->funcs.failed (intake->owner, error);
}

/* After a turn. */
static void
ds_parse_intake_settle (DsParseIntake *self)
{
  DsSocketIntake *intake = &self->parent;
  DsRateLimiter *limiter = ds_receiver_supervisor_get_limiter (intake->supervisor);
  gboolean was_ending = self->state == DS_PARSE_ENDING;
  GError *error = g_steal_pointer (&self->error);

  self->state = DS_PARSE_READING;
  self->n_records += self->parsed.n_records;
  if (ds_rate_limiter_is_limited (limiter))
    ds_rate_limiter_note_read (limiter, self->parsed.n_records, self->parsed.n_bytes,
                               self->n_bytes);
  self->parsed.n_records = 0;

  if (self->is_stopped)
    {
      g_clear_error (&error);
      ds_parse_intake_close (self);
      return;
    }
  if (error != NULL)
    g_prefix_error (&error, "What %s sent cannot be parsed: ", intake->location);
  else if (!was_ending)
    error = ds_parse_intake_check_rest (self);
  if (error != NULL)
    {
      ds_parse_intake_fail (self, error);
      return;
    }
  if (was_ending)
    {
      ds_parse_intake_close (self);
      intake->funcs.ended (intake->owner);
      return;
    }
  if (self->n_bytes == 0 && self->capacity > DS_PARSE_KEPT_BYTES)
    ds_parse_intake_drop_buffer (self);
  intake->funcs.continue_reading (intake->owner);
}

static gboolean
ds_parse_intake_turn_is_over (gpointer data)
{
  DsParseIntake *self = data;
  DsReceiverSupervisor *supervisor = self->parent.supervisor;

  ds_parse_intake_settle (self);
  ds_receiver_supervisor_end_operation (supervisor); /* self may be gone afterwards */
  return G_SOURCE_REMOVE;
}

/* Hands the bytes over.  FALSE when there is no thread for it. */
static gboolean
ds_parse_intake_begin_turn (DsParseIntake *self, DsParseIntakeState state, GError **error)
{
  if (!self->has_threads)
    ds_parse_threads_acquire ();
  self->has_threads = TRUE;
  if (!ds_parse_threads_submit (ds_parse_intake_work, self, error))
    return FALSE;

  self->state = state;
  self->n_unseen = 0;
  ds_receiver_supervisor_begin_operation (self->parent.supervisor);
  return TRUE;
}

static void
ds_parse_intake_begin (DsSocketIntake *intake)
{
  DsParseIntake *self = (DsParseIntake *) intake;

  self->is_new = TRUE;
  self->is_open = TRUE;
  self->is_stopped = FALSE;
  self->at_end = FALSE;
  self->parsed =
      (DsParsed){ .supervisor = intake->supervisor, .location = intake->location };
  self->n_unseen = 0;
  self->rest = "";
  self->n_records = 0;
  __atomic_store_n (&self->n_received, 0, __ATOMIC_RELAXED);
}

static void
ds_parse_intake_append (DsParseIntake *self, const guint8 *bytes, gsize n_bytes)
{
  gsize n_needed = self->n_bytes + n_bytes;

  if (n_needed > self->capacity)
    {
      self->capacity = MAX (n_needed, MIN (self->capacity * 2, n_needed * 2));
      self->bytes = g_realloc (self->bytes, self->capacity + DS_ARENA_PADDING);
    }
  memcpy (self->bytes + self->n_bytes, bytes, n_bytes);
  self->n_bytes = n_needed;
}

static gssize
ds_parse_intake_read (DsSocketIntake *intake,
                      DsSocketConnection *connection,
                      GError **error)
{
  static GPrivate room_key = G_PRIVATE_INIT (g_free);
  DsParseIntake *self = (DsParseIntake *) intake;
  guint8 *room = g_private_get (&room_key);
  gssize n_bytes = 0;

  if (room == NULL)
    {
      room = g_malloc (DS_PARSE_RECEIVE_BYTES);
      g_private_set (&room_key, room);
    }
  n_bytes = ds_socket_connection_read (
      connection, room,
      ds_rate_limiter_get_read_bytes (ds_receiver_supervisor_get_limiter (
                                          intake->supervisor),
                                      DS_PARSE_RECEIVE_BYTES),
      error);
  if (n_bytes > 0)
    {
      ds_parse_intake_append (self, room, (gsize) n_bytes);
      self->n_unseen += (gsize) n_bytes;
      __atomic_add_fetch (&self->n_received, (gint64) n_bytes, __ATOMIC_RELAXED);
    }
  return n_bytes;
}

static gboolean
ds_parse_intake_flush (DsSocketIntake *intake)
{
  DsParseIntake *self = (DsParseIntake *) intake;
  GError *error = NULL;

  if (self->n_unseen == 0)
    return TRUE;
  if (!ds_parse_intake_begin_turn (self, DS_PARSE_BUSY, &error))
    ds_parse_intake_fail (self, error);
  return FALSE;
}

static gboolean
ds_parse_intake_end (DsSocketIntake *intake, gboolean is_clean)
{
  DsParseIntake *self = (DsParseIntake *) intake;
  g_autoptr (GError) error = NULL;

  self->at_end = is_clean;
  if (self->n_unseen == 0 && !is_clean)
    {
      ds_parse_intake_close (self);
      return TRUE;
    }
  if (ds_parse_intake_begin_turn (self, DS_PARSE_ENDING, &error))
    return FALSE;

  ds_receiver_supervisor_report (intake->supervisor, error, FALSE);
  ds_parse_intake_close (self);
  return TRUE;
}

static void
ds_parse_intake_stop (DsSocketIntake *intake)
{
  DsParseIntake *self = (DsParseIntake *) intake;

  /* The turn that goes on is the last; its end is an operation of the supervisor. */
  if (self->state != DS_PARSE_READING)
    self->is_stopped = TRUE;
  else if (self->is_open)
    ds_parse_intake_close (self);
  else
    ds_parse_intake_let_go_of_threads (self);
}

static void
ds_parse_intake_report (DsSocketIntake *intake, DsSocketIntakeReport *report)
{
  DsParseIntake *self = (DsParseIntake *) intake;

  *report = (DsSocketIntakeReport){ self->parser->unit, self->n_records, self->rest };
}

static guint64
ds_parse_intake_get_n_bytes (DsSocketIntake *intake)
{
  DsParseIntake *self = (DsParseIntake *) intake;

  return (guint64) __atomic_load_n (&self->n_received, __ATOMIC_RELAXED);
}

static void
ds_parse_intake_free (DsSocketIntake *intake)
{
  DsParseIntake *self = (DsParseIntake *) intake;

  self->parser->ops->free (self->parser);
  g_clear_pointer (&self->bytes, g_free);
  g_free (self);
}

static const DsSocketIntakeOps ds_parse_intake_ops = {
  .begin = ds_parse_intake_begin,
  .read = ds_parse_intake_read,
  .flush = ds_parse_intake_flush,
  .end = ds_parse_intake_end,
  .stop = ds_parse_intake_stop,
  .report = ds_parse_intake_report,
  .get_n_bytes = ds_parse_intake_get_n_bytes,
  .free = ds_parse_intake_free,
};

DsSocketIntake *
ds_parse_intake_new (DsReceiverSupervisor *supervisor,
                     const char *location,
                     DsSocketParser *parser,
                     gsize max_record_bytes)
{
  DsParseIntake *self = g_new0 (DsParseIntake, 1);

  self->parent.ops = &ds_parse_intake_ops;
  self->parent.supervisor = supervisor;
  self->parent.location = location;
  self->parser = parser;
  self->max_record_bytes = max_record_bytes;
  self->rest = "";
  return &self->parent;
}
