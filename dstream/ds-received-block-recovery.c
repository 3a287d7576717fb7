/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The log holds blocks in the order in which they came; a block says nothing of its
 * batch, which was not known then.  Positions and plans name blocks by their sequence
 * numbers. So recovery never guesses: a block that a plan names leaves the queue for
 * exactly that batch, what no plan names stays in the queue, however much newer the plan
 * is (SPARK-23438), and a block that is named and missing is an error. */

#include "dstream/ds-received-block-recovery-private.h"

#include "base/ds-codec-private.h"
#include "base/ds-error.h"

/* One stream. */
typedef struct
{
  guint64 end;
  GHashTable *left; /* guint64 */
} DsRecoveredStream;

struct _DsReceivedBlockRecovery
{
  GHashTable *streams; /* id to DsRecoveredStream */
  GHashTable *batches; /* guint64, of a block that is in a batch, to the DsTime of that */
  DsTime first_time;   /* of the plans with blocks; G_MAXINT64: there is none */
};

/* ---- Positions and plans as bytes ---- */

static void
ds_block_plan_clear (gpointer plan)
{
  g_array_unref (((DsBlockPlan *) plan)->sequences);
}

void
ds_block_position_init (DsBlockPosition *self)
{
  self->end = 0;
  self->left = g_array_new (FALSE, FALSE, sizeof (guint64));
  self->remembered = g_array_new (FALSE, FALSE, sizeof (DsBlockPlan));
  g_array_set_clear_func (self->remembered, ds_block_plan_clear);
}

void
ds_block_position_clear (DsBlockPosition *self)
{
  g_clear_pointer (&self->left, g_array_unref);
  g_clear_pointer (&self->remembered, g_array_unref);
}

DsBlockPlan *
ds_block_position_get_plan (DsBlockPosition *self, DsTime batch_time)
{
  DsBlockPlan plan = { batch_time, NULL };

  for (guint i = self->remembered->len; i > 0; i--)
    {
      DsBlockPlan *known = &g_array_index (self->remembered, DsBlockPlan, i - 1);

      if (known->batch_time == batch_time)
        return known;
    }
  plan.sequences = g_array_new (FALSE, FALSE, sizeof (guint64));
  g_array_append_val (self->remembered, plan);
  return &g_array_index (self->remembered, DsBlockPlan, self->remembered->len - 1);
}

/* As values, to be freed; the numbers are below 2^63. */
static DsValue *
ds_block_plan_to_values (const GArray *sequences)
{
  DsValue *values = g_new (DsValue, sequences->len + 1);
  guint64 before = 0;

  for (guint i = 0; i < sequences->len; i++)
    {
      guint64 sequence = g_array_index (sequences, guint64, i);

      values[i] = ds_value_int ((gint64) (sequence - before));
      before = sequence;
    }
  return values;
}

void
ds_block_plan_encode (const GArray *sequences, GByteArray *bytes)
{
  g_autofree DsValue *values = ds_block_plan_to_values (sequences);

  for (guint i = 0; i < sequences->len; i++)
    ds_codec_encode (values[i], bytes);
}

static gboolean
ds_block_plan_set_corrupt (GError **error, const char *what)
{
  g_set_error (
      error, DS_ERROR, DS_ERROR_CORRUPT,
      "What a receiver stream saved of its blocks does not have the form that it "
      "must have: %s",
      what);
  return FALSE;
}

static gboolean
ds_block_plan_append_values (GArray *sequences,
                             const DsValue *values,
                             gsize n_values,
                             GError **error)
{
  gint64 sequence = 0;

  for (gsize i = 0; i < n_values; i++)
    {
      if (!ds_value_is (values[i], DS_VALUE_TYPE_INT) || values[i].as.integer <= 0 ||
          values[i].as.integer > G_MAXINT64 - sequence)
        return ds_block_plan_set_corrupt (error, "a plan is a list of ascending numbers");
      sequence += values[i].as.integer;
      g_array_append_val (sequences, sequence);
    }
  return TRUE;
}

GArray *
ds_block_plan_decode (const guint8 *bytes, gsize n_bytes, GError **error)
{
  g_autoptr (DsBlock) block = ds_codec_decode_block (bytes, n_bytes, 0, error);
  g_autoptr (GArray) sequences = g_array_new (FALSE, FALSE, sizeof (guint64));
  const DsValue *values;
  gsize n_values;

  if (block == NULL)
    return NULL;
  values = ds_block_get_values (block, &n_values);
  return ds_block_plan_append_values (sequences, values, n_values, error)
             ? g_steal_pointer (&sequences)
             : NULL;
}

void
ds_block_position_encode (const DsBlockPosition *self, GByteArray *bytes)
{
  g_autofree DsValue *left = ds_block_plan_to_values (self->left);
  g_autofree DsValue *plans = g_new (DsValue, self->remembered->len + 1);
  g_autoptr (GPtrArray) owned = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < self->remembered->len; i++)
    {
      const DsBlockPlan *plan = &g_array_index (self->remembered, DsBlockPlan, i);
      DsValue *pair = g_new (DsValue, 2);
      DsValue *values = ds_block_plan_to_values (plan->sequences);

      g_ptr_array_add (owned, pair);
      g_ptr_array_add (owned, values);
      pair[0] = ds_value_int (plan->batch_time);
      pair[1] = ds_value_list (values, plan->sequences->len);
      plans[i] = ds_value_tuple (pair, 2);
    }
  ds_codec_encode (ds_value_int ((gint64) self->end), bytes);
  ds_codec_encode (ds_value_list (left, self->left->len), bytes);
  ds_codec_encode (ds_value_list (plans, self->remembered->len), bytes);
}

static gboolean
ds_block_position_append_plan (DsBlockPosition *self, DsValue value, GError **error)
{
  guint n_before = self->remembered->len;
  DsBlockPlan *plan;

  if (!ds_value_is_pair (value) || !ds_value_is (value.as.items[0], DS_VALUE_TYPE_INT) ||
      !ds_value_is (value.as.items[1], DS_VALUE_TYPE_LIST))
    return ds_block_plan_set_corrupt (error, "a remembered batch is a time and a plan");
  plan = ds_block_position_get_plan (self, value.as.items[0].as.integer);
  if (self->remembered->len == n_before)
    return ds_block_plan_set_corrupt (error, "a remembered batch comes once");
  return ds_block_plan_append_values (plan->sequences, value.as.items[1].as.items,
                                      value.as.items[1].size, error);
}

gboolean
ds_block_position_decode (DsBlockPosition *self,
                          const guint8 *bytes,
                          gsize n_bytes,
                          GError **error)
{
  g_autoptr (DsBlock) block = ds_codec_decode_block (bytes, n_bytes, 0, error);
  const DsValue *values;
  gsize n_values;

  if (block == NULL)
    return FALSE;
  values = ds_block_get_values (block, &n_values);
  if (n_values != 3 || !ds_value_is (values[0], DS_VALUE_TYPE_INT) ||
      values[0].as.integer < 0 || !ds_value_is (values[1], DS_VALUE_TYPE_LIST) ||
      !ds_value_is (values[2], DS_VALUE_TYPE_LIST))
    return ds_block_plan_set_corrupt (
        error, "a position is a number, a list of numbers and a list of batches");
  self->end = (guint64) values[0].as.integer;
  if (!ds_block_plan_append_values (self->left, values[1].as.items, values[1].size,
                                    error))
    return FALSE;
  for (guint32 i = 0; i < values[2].size; i++)
    if (!ds_block_position_append_plan (self, values[2].as.items[i], error))
      return FALSE;
  return TRUE;
}

/* ---- Recovery ---- */

static void
ds_recovered_stream_free (gpointer data)
{
  DsRecoveredStream *self = data;

  g_hash_table_unref (self->left);
  g_free (self);
}

DsReceivedBlockRecovery *
ds_received_block_recovery_new (void)
{
  DsReceivedBlockRecovery *self = g_new0 (DsReceivedBlockRecovery, 1);

  self->streams = g_hash_table_new_full (g_direct_hash, g_direct_equal, NULL,
                                         ds_recovered_stream_free);
  self->batches = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  self->first_time = G_MAXINT64;
  return self;
}

void
ds_received_block_recovery_free (DsReceivedBlockRecovery *self)
{
  g_hash_table_unref (self->streams);
  g_hash_table_unref (self->batches);
  g_free (self);
}

static void
ds_received_block_recovery_name (DsReceivedBlockRecovery *self,
                                 const GArray *sequences,
                                 DsTime batch_time)
{
  for (guint i = 0; i < sequences->len; i++)
    g_hash_table_replace (self->batches,
                          g_memdup2 (&g_array_index (sequences, guint64, i),
                                     sizeof (guint64)),
                          g_memdup2 (&batch_time, sizeof batch_time));
}

gboolean
ds_received_block_recovery_add_position (DsReceivedBlockRecovery *self,
                                         guint stream_id,
                                         const guint8 *bytes,
                                         gsize n_bytes,
                                         GError **error)
{
  DsRecoveredStream *stream = NULL;
  DsBlockPosition position;
  gboolean ok;

  ds_block_position_init (&position);
  ok = ds_block_position_decode (&position, bytes, n_bytes, error);
  if (ok)
    {
      stream = g_new0 (DsRecoveredStream, 1);
      stream->end = position.end;
      stream->left = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
      for (guint i = 0; i < position.left->len; i++)
        g_hash_table_add (stream->left,
                          g_memdup2 (&g_array_index (position.left, guint64, i),
                                     sizeof (guint64)));
      g_hash_table_replace (self->streams, GUINT_TO_POINTER (stream_id), stream);
      for (guint i = 0; i < position.remembered->len; i++)
        {
          const DsBlockPlan *plan = &g_array_index (position.remembered, DsBlockPlan, i);

          ds_received_block_recovery_name (self, plan->sequences, plan->batch_time);
        }
    }
  ds_block_position_clear (&position);
  return ok;
}

gboolean
ds_received_block_recovery_add_plan (DsReceivedBlockRecovery *self,
                                     DsTime batch_time,
                                     const guint8 *bytes,
                                     gsize n_bytes,
                                     GError **error)
{
  g_autoptr (GArray) sequences = ds_block_plan_decode (bytes, n_bytes, error);

  if (sequences == NULL)
    return FALSE;
  ds_received_block_recovery_name (self, sequences, batch_time);
  if (sequences->len > 0)
    self->first_time = MIN (self->first_time, batch_time);
  return TRUE;
}

guint64
ds_received_block_recovery_get_end (DsReceivedBlockRecovery *self, guint stream_id)
{
  const DsRecoveredStream *stream =
      g_hash_table_lookup (self->streams, GUINT_TO_POINTER (stream_id));

  return stream != NULL ? stream->end : 0;
}

gboolean
ds_received_block_recovery_is_planned (DsReceivedBlockRecovery *self, DsTime batch_time)
{
  return batch_time >= self->first_time;
}

gboolean
ds_received_block_recovery_take (DsReceivedBlockRecovery *self,
                                 guint stream_id,
                                 guint64 sequence,
                                 DsTime *batch_time)
{
  DsRecoveredStream *stream =
      g_hash_table_lookup (self->streams, GUINT_TO_POINTER (stream_id));
  const DsTime *named = g_hash_table_lookup (self->batches, &sequence);

  *batch_time = DS_TIME_NONE;
  if (named != NULL)
    {
      *batch_time = *named;
      g_hash_table_remove (self->batches, &sequence);
      return TRUE;
    }
  return stream == NULL || sequence >= stream->end ||
         g_hash_table_contains (stream->left, &sequence);
}

gboolean
ds_received_block_recovery_check (DsReceivedBlockRecovery *self, GError **error)
{
  guint64 first = G_MAXUINT64;
  DsTime batch_time = 0;
  GHashTableIter iter;
  gpointer sequence;
  gpointer time;

  g_hash_table_iter_init (&iter, self->batches);
  while (g_hash_table_iter_next (&iter, &sequence, &time))
    if (*(guint64 *) sequence < first)
      {
        first = *(guint64 *) sequence;
        batch_time = *(DsTime *) time;
      }
  if (first == G_MAXUINT64)
    return TRUE;
  g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
               "The log does not hold received block %" G_GUINT64_FORMAT
               ", which batch %" G_GINT64_FORMAT " ms needs (%u blocks are missing in "
               "all): a file of the log is missing",
               first, batch_time / DS_MILLISECOND, g_hash_table_size (self->batches));
  return FALSE;
}
