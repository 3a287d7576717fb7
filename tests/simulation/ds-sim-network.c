/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A sender, the network, and a receiver.  The sender, who is outside and survives, has
 * the records of a source in their order, four bytes each, and forgets one when it is
 * acknowledged.  The network splits what he sends at any byte, delays it, loses it (and
 * then the rest of that connection, as a stream has no gaps), resets connections, and
 * loses acknowledgements.  A new connection begins behind what was acknowledged. */

#include "tests/simulation/ds-sim-private.h"

#include <gio/gio.h>
#include <string.h>

#define DS_SIM_FRAME_BYTES 4
#define DS_SIM_MAX_RECORDS_AT_ONCE 8
/* The last connection of a run, if it comes to that, is a good one: otherwise what waits
 * for a full disk is sent again and again, and comes in one batch in the end. */
#define DS_SIM_MAX_CONNECTIONS 3
/* How long a connection may be silent, and how long nobody waits for an answer. */
#define DS_SIM_PATIENCE (2 * DS_SECOND)

#define DS_TYPE_SIM_RECEIVER (ds_sim_receiver_get_type ())
G_DECLARE_FINAL_TYPE (DsSimReceiver, ds_sim_receiver, DS, SIM_RECEIVER, DsReceiver)

struct _DsSimReceiver
{
  DsReceiver parent_instance;
  DsPropertyNode *node;
  DsSimPlan *plan;
  gboolean is_disturbed;
  guint n_connections; /* in this run */
};

G_DEFINE_FINAL_TYPE (DsSimReceiver, ds_sim_receiver, DS_TYPE_RECEIVER)

/* A connection: what was sent, and what of it has arrived and is no whole record yet. */
typedef struct
{
  guint next;      /* record to be sent */
  guint sent;      /* bytes of it that are under way already */
  guint max_bytes; /* that arrive at once: many small blocks, or few large ones */
  gboolean is_dead;
  GByteArray *arrived;
} DsSimConnection;

guint
ds_sim_network_count_records (DsPropertyNode *node, guint batch)
{
  guint n_batches = node->graph->n_batches;
  guint n = 0;

  if (batch + DS_SIM_QUIET_BATCHES >= n_batches)
    batch = n_batches;
  for (guint i = 0; i < batch; i++)
    n += ((GArray *) g_ptr_array_index (node->results, i))->len;
  return n;
}

static DsValue
get_record (DsPropertyNode *node, guint index)
{
  for (guint i = 0; i < node->graph->n_batches; i++)
    {
      GArray *list = g_ptr_array_index (node->results, i);

      if (index < list->len)
        return DS_PROPERTY_AT (list, index);
      index -= list->len;
    }
  ds_sim_fail ("s%u has no record %u more", node->id, index);
}

static gboolean
chance (DsSimReceiver *self, guint percent)
{
  return self->is_disturbed && self->n_connections < DS_SIM_MAX_CONNECTIONS &&
         ds_property_random_percent (ds_sim_get_random (), percent);
}

static guint
below (guint end)
{
  return ds_property_random_below (ds_sim_get_random (), end);
}

/* ---- The wire ---- */

/* Some bytes of what there is to send arrive, or do not. */
static void
deliver (DsSimReceiver *self, DsSimConnection *connection, guint n_records)
{
  guint n_left = (n_records - connection->next) * DS_SIM_FRAME_BYTES - connection->sent;
  guint n_bytes = 1 + below (connection->max_bytes);

  n_bytes = MIN (n_bytes, n_left);
  if (chance (self, self->plan->percent_lost))
    connection->is_dead = TRUE;
  if (connection->is_dead)
    return;
  for (guint i = 0; i < n_bytes; i++)
    {
      guint8 byte = (guint8) (connection->next >> (8 * connection->sent));

      g_byte_array_append (connection->arrived, &byte, 1);
      connection->sent = (connection->sent + 1) % DS_SIM_FRAME_BYTES;
      connection->next += connection->sent == 0;
    }
}

/* The records that are whole, as one block. */
static gboolean
store (DsSimReceiver *self, DsSimConnection *connection, GError **error)
{
  guint n_records = connection->arrived->len / DS_SIM_FRAME_BYTES;
  g_autoptr (DsBlockBuilder) builder = ds_block_builder_new ();
  g_autoptr (DsBlock) block = NULL;
  guint64 token = 0;

  if (n_records == 0)
    return TRUE;
  for (guint i = 0; i < n_records; i++)
    {
      const guint8 *frame = connection->arrived->data + i * DS_SIM_FRAME_BYTES;
      guint index = frame[0] | (guint) frame[1] << 8 | (guint) frame[2] << 16 |
                    (guint) frame[3] << 24;

      ds_block_builder_add (builder, get_record (self->node, index));
      ds_sim_world->n_stored[self->node->id][index]++;
      token = index + 1;
    }
  g_byte_array_remove_range (connection->arrived, 0, n_records * DS_SIM_FRAME_BYTES);
  block = ds_block_builder_end (builder);
  ds_sim_trace ("s%u stores %u up to %u", self->node->id, n_records, (guint) token);
  return ds_receiver_store_block (DS_RECEIVER (self), block, token, error);
}

static gboolean
fail (const char *what, GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, what);
  return FALSE;
}

/* One connection, until it ends. */
static gboolean
receive (DsSimReceiver *self, DsSimConnection *connection, GError **error)
{
  const guint *n_acked = &ds_sim_world->n_acked[self->node->id];
  gint64 heard = ds_sim_get_time ();

  connection->next = *n_acked;
  connection->max_bytes = below (3) == 0 ? DS_SIM_MAX_RECORDS_AT_ONCE * DS_SIM_FRAME_BYTES
                                         : 2 * DS_SIM_FRAME_BYTES;
  self->n_connections++;
  while (!ds_receiver_is_stopping (DS_RECEIVER (self)))
    {
      guint n_records =
          ds_sim_network_count_records (self->node,
                                        (guint) (ds_sim_world->now / DS_SECOND) + 1);

      ds_sim_sleep (1 + below (below (4) == 0 ? 900000 : 20000));
      if (connection->next < n_records && !connection->is_dead)
        {
          deliver (self, connection, n_records);
          heard = ds_sim_get_time ();
        }
      if (!store (self, connection, error))
        return FALSE;
      if (chance (self, self->plan->percent_reset))
        return fail ("connection reset by peer", error);
      if (self->n_connections < DS_SIM_MAX_CONNECTIONS && *n_acked < n_records &&
          ds_sim_get_time () - heard > DS_SIM_PATIENCE)
        return fail ("the sender heard nothing and connects again", error);
    }
  return TRUE;
}

/* ---- The receiver ---- */

static gboolean
ds_sim_receiver_run (DsReceiver *receiver, GCancellable *cancellable, GError **error)
{
  DsSimConnection connection = { .arrived = g_byte_array_new () };
  gboolean ok = receive (DS_SIM_RECEIVER (receiver), &connection, error);

  g_byte_array_unref (connection.arrived);
  return ok;
}

static void
ds_sim_receiver_acknowledged (DsReceiver *receiver, guint64 token)
{
  DsSimReceiver *self = DS_SIM_RECEIVER (receiver);
  guint *n_acked = &ds_sim_world->n_acked[self->node->id];

  ds_sim_trace ("s%u acknowledges %u", self->node->id, (guint) token);
  if (!chance (self, self->plan->percent_lost_acknowledgements))
    *n_acked = MAX (*n_acked, (guint) token);
}

static void
ds_sim_receiver_class_init (DsSimReceiverClass *klass)
{
  DS_RECEIVER_CLASS (klass)->run = ds_sim_receiver_run;
  DS_RECEIVER_CLASS (klass)->acknowledged = ds_sim_receiver_acknowledged;
}

static void
ds_sim_receiver_init (DsSimReceiver *self)
{
}

DsDStream *
ds_sim_network_add (DsPropertyNode *node,
                    DsStreamingContext *streaming,
                    DsSimPlan *plan,
                    gboolean is_disturbed)
{
  g_autoptr (DsSimReceiver) self = g_object_new (DS_TYPE_SIM_RECEIVER, NULL);
  DsDStream *stream;

  self->node = node;
  self->plan = plan;
  self->is_disturbed = is_disturbed;
  stream = ds_streaming_context_receiver_stream (streaming, DS_RECEIVER (self));
  ds_dstream_set_durability (stream, plan->sources[node->id].durability);
  return stream;
}
