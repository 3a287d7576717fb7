/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading what a checkpoint directory holds.  The newest checkpoint of which all parts
 * are whole counts: it may hold only what changed since the one before, so that its chain
 * back to a full one belongs to it.  Then the log, from the record that the checkpoint
 * names: plans, attempts and ends of batches, and blocks that were received. */

#include "dstream/ds-recovery-private.h"

#include "base/ds-codec-private.h"
#include "dstream/ds-checkpoint-form-private.h"
#include "dstream/ds-received-block-log-private.h"
#include "dstream/ds-recovery-core-private.h"

#include <string.h>

static void
ds_planned_batch_free (gpointer data)
{
  DsPlannedBatch *self = data;

  g_ptr_array_unref (self->inputs);
  g_free (self);
}

static void
ds_recovered_block_clear (gpointer data)
{
  g_bytes_unref (((DsRecoveredBlock *) data)->head);
}

DsRecovery *
ds_recovery_new (DsDurableDirectory *directory)
{
  DsRecovery *self = g_new0 (DsRecovery, 1);

  self->directory = directory;
  self->chain =
      g_ptr_array_new_with_free_func ((GDestroyNotify) ds_checkpoint_reader_free);
  self->plans = g_ptr_array_new_with_free_func (ds_planned_batch_free);
  self->blocks = g_array_new (FALSE, FALSE, sizeof (DsRecoveredBlock));
  g_array_set_clear_func (self->blocks, ds_recovered_block_clear);
  return self;
}

void
ds_recovery_free (DsRecovery *self)
{
  g_ptr_array_unref (self->chain);
  g_ptr_array_unref (self->plans);
  g_array_unref (self->blocks);
  g_clear_pointer (&self->saved, ds_graph_signature_free);
  g_free (self->places);
  ds_checkpoint_meta_clear (&self->meta);
  g_free (self);
}

/* ---- The checkpoint ---- */

/* The whole of section @index of @reader. */
GByteArray *
ds_recovery_read_section (DsCheckpointReader *reader, guint index, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint64 n_bytes;
  const char *name;
  gssize n_read;

  ds_checkpoint_reader_get_section (reader, index, NULL, &name, NULL, &n_bytes);
  if (n_bytes > G_MAXINT)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_LIMIT,
                   "its section \"%s\" has %" G_GUINT64_FORMAT
                   " bytes; sections other than states are small",
                   name, n_bytes);
      return NULL;
    }
  g_byte_array_set_size (bytes, (guint) n_bytes);
  for (guint at = 0; at < bytes->len; at += (guint) n_read)
    {
      n_read = ds_checkpoint_reader_read (reader, index, at, bytes->data + at,
                                          bytes->len - at, error);
      if (n_read < 0)
        return NULL;
      if (n_read == 0)
        {
          g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT, "its section \"%s\" is cut off",
                       name);
          return NULL;
        }
    }
  return g_steal_pointer (&bytes);
}

static GByteArray *
ds_recovery_read_only_section (DsCheckpointReader *reader,
                               DsSectionType type,
                               const char *what,
                               GError **error)
{
  for (guint i = 0; i < ds_checkpoint_reader_n_sections (reader); i++)
    {
      DsSectionType found;

      ds_checkpoint_reader_get_section (reader, i, &found, NULL, NULL, NULL);
      if (found == type)
        return ds_recovery_read_section (reader, i, error);
    }
  g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT, "it has no section for the %s", what);
  return NULL;
}

static gboolean
ds_recovery_read_meta (DsRecovery *self, DsCheckpointReader *reader, GError **error)
{
  g_autoptr (GByteArray) meta =
      ds_recovery_read_only_section (reader, DS_SECTION_META, "program", error);
  g_autoptr (GByteArray) graph =
      meta != NULL
          ? ds_recovery_read_only_section (reader, DS_SECTION_GRAPH, "graph", error)
          : NULL;

  g_clear_pointer (&self->saved, ds_graph_signature_free);
  ds_checkpoint_meta_clear (&self->meta);
  if (graph == NULL ||
      !ds_checkpoint_meta_decode (&self->meta, meta->data, meta->len, error))
    return FALSE;
  self->saved = ds_graph_signature_decode (graph->data, graph->len, error);
  return self->saved != NULL;
}

/* @newest, taken over, and everything that it builds on, oldest first. */
static gboolean
ds_recovery_open_chain (DsRecovery *self, DsCheckpointReader *newest, GError **error)
{
  DsTime base_time = ds_checkpoint_reader_get_head (newest)->base_time;

  g_ptr_array_add (self->chain, newest);
  while (base_time != DS_TIME_NONE)
    {
      g_autofree char *name = ds_checkpoint_make_name (base_time);
      DsCheckpointReader *reader =
          ds_checkpoint_reader_open (self->directory, name, error);

      if (reader == NULL)
        return FALSE;
      g_ptr_array_insert (self->chain, 0, reader);
      base_time = ds_checkpoint_reader_get_head (reader)->base_time;
    }
  return ds_recovery_read_meta (self, newest, error);
}

gboolean
ds_recovery_read_checkpoint (DsRecovery *self,
                             const char *name,
                             GPtrArray *damaged,
                             GError **error)
{
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func (g_free);
  GPtrArray *notes = damaged != NULL ? damaged : messages;
  DsCheckpointReader *newest = NULL;

  if (name != NULL)
    newest = ds_checkpoint_reader_open (self->directory, name, error);
  else if (!ds_checkpoint_find_newest (self->directory, &newest, notes, error))
    return FALSE;
  if (newest == NULL)
    return FALSE;
  for (guint i = 0; i < messages->len; i++)
    g_message ("%s", (const char *) g_ptr_array_index (messages, i));
  if (ds_recovery_open_chain (self, newest, error))
    return TRUE;
  g_prefix_error (error, "Checkpoints in \"%s\": ",
                  ds_durable_directory_get_path (self->directory));
  return FALSE;
}

/* ---- The log ---- */

/* How many plans are of batches before @time: they lie in the order of time, as batches
 * are planned in it. */
static guint
ds_recovery_count_plans_before (DsRecovery *self, DsTime time)
{
  guint low = 0;
  guint high = self->plans->len;

  while (low < high)
    {
      guint middle = low + (high - low) / 2;

      if (((DsPlannedBatch *) g_ptr_array_index (self->plans, middle))->time < time)
        low = middle + 1;
      else
        high = middle;
    }
  return low;
}

DsPlannedBatch *
ds_recovery_find_plan (DsRecovery *self, DsTime time)
{
  guint i = ds_recovery_count_plans_before (self, time);
  DsPlannedBatch *plan = i < self->plans->len ? g_ptr_array_index (self->plans, i) : NULL;

  return plan != NULL && plan->time == time ? plan : NULL;
}

static void
ds_planned_input_free (gpointer data)
{
  DsPlannedInput *self = data;

  g_bytes_unref (self->bytes);
  g_free (self->name);
  g_free (self);
}

static gboolean
ds_planned_input_is_one (DsValue value)
{
  return ds_value_is (value, DS_VALUE_TYPE_TUPLE) && value.size >= 3 &&
         ds_value_is (value.as.items[0], DS_VALUE_TYPE_INT) &&
         ds_value_is (value.as.items[1], DS_VALUE_TYPE_BYTES) &&
         ds_value_is (value.as.items[2], DS_VALUE_TYPE_STRING);
}

static DsPlannedInput *
ds_planned_input_new (const DsValue *fields)
{
  DsPlannedInput *self = g_new (DsPlannedInput, 1);

  self->input = (guint) fields[0].as.integer;
  self->bytes = g_bytes_new (fields[1].as.bytes, fields[1].size);
  self->name = g_strndup (fields[2].as.bytes, fields[2].size);
  return self;
}

/* int time, int fingerprint, then (input, bytes, name) of each. */
static gboolean
ds_recovery_take_plan (DsRecovery *self,
                       const DsLogRecord *record,
                       const DsValue *values,
                       gsize n_values)
{
  DsPlannedBatch *plan;

  if (n_values < 2)
    return FALSE;
  for (gsize i = 0; i < n_values; i++)
    if (i < 2 ? !ds_value_is (values[i], DS_VALUE_TYPE_INT)
              : !ds_planned_input_is_one (values[i]))
      return FALSE;
  if (ds_recovery_find_plan (self, values[0].as.integer) != NULL)
    return TRUE; /* the first one is what a reader may have seen */

  plan = g_new0 (DsPlannedBatch, 1);
  plan->time = values[0].as.integer;
  plan->fingerprint = (guint64) values[1].as.integer;
  plan->sequence = record->sequence;
  plan->result = -1;
  plan->inputs = g_ptr_array_new_with_free_func (ds_planned_input_free);
  for (gsize i = 2; i < n_values; i++)
    g_ptr_array_add (plan->inputs, ds_planned_input_new (values[i].as.items));
  g_ptr_array_insert (self->plans,
                      (int) ds_recovery_count_plans_before (self, plan->time), plan);
  return TRUE;
}

static gboolean
ds_recovery_take_mark (DsRecovery *self,
                       const DsLogRecord *record,
                       const DsValue *values,
                       gsize n_values)
{
  DsPlannedBatch *plan;
  gboolean is_end = record->type == DS_LOG_COMMIT;

  if (n_values < (is_end ? 2 : 1) || !ds_value_is (values[0], DS_VALUE_TYPE_INT) ||
      (is_end && !ds_value_is (values[1], DS_VALUE_TYPE_INT)))
    return FALSE;
  plan = ds_recovery_find_plan (self, values[0].as.integer);
  if (plan == NULL)
    return TRUE; /* of a batch before the checkpoint */
  if (is_end)
    plan->result = (int) values[1].as.integer;
  else
    plan->n_attempts++;
  return TRUE;
}

gboolean
ds_recovery_take_record (const DsLogRecord *record,
                         const guint8 *payload,
                         gpointer user_data,
                         GError **error)
{
  DsRecovery *self = user_data;
  g_autoptr (DsBlock) block = NULL;
  const DsValue *values;
  gsize n_values;
  gboolean ok;

  if (record->type == DS_LOG_BLOCK)
    {
      DsRecoveredBlock recovered = { *record, NULL };

      recovered.head =
          g_bytes_new (payload, MIN (record->n_bytes, DS_RECEIVED_BLOCK_MAX_HEAD));
      g_array_append_val (self->blocks, recovered);
      return TRUE;
    }
  if (record->type != DS_LOG_PLAN && record->type != DS_LOG_ATTEMPT &&
      record->type != DS_LOG_COMMIT)
    return TRUE; /* a minor version that knows more */

  block = ds_codec_decode_block (payload, record->n_bytes, 0, error);
  if (block == NULL)
    return FALSE;
  values = ds_block_get_values (block, &n_values);
  ok = record->type == DS_LOG_PLAN
           ? ds_recovery_take_plan (self, record, values, n_values)
           : ds_recovery_take_mark (self, record, values, n_values);
  if (!ok)
    g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
                 "record %" G_GUINT64_FORMAT
                 " of the log in \"%s\" is whole, but does not "
                 "have the form of a batch's plan or end",
                 record->sequence, ds_durable_directory_get_path (self->directory));
  return ok;
}

gboolean
ds_recovery_read_log (DsRecovery *self, DsLogDamagePolicy policy, GError **error)
{
  const DsCheckpointHead *head = ds_checkpoint_reader_get_head (
      g_ptr_array_index (self->chain, self->chain->len - 1));

  g_ptr_array_set_size (self->plans, 0);
  g_array_set_size (self->blocks, 0);
  if (!ds_log_recover (self->directory, head->wal_sequence, policy,
                       ds_recovery_take_record, self, &self->next_segment,
                       &self->next_sequence, error))
    return FALSE;
  self->last_time = self->meta.time;
  if (self->plans->len > 0)
    self->last_time = MAX (
        self->last_time,
        ((DsPlannedBatch *) g_ptr_array_index (self->plans, self->plans->len - 1))->time);
  return TRUE;
}

DsRecovery *
ds_recovery_read (DsDurableDirectory *directory, GError **error)
{
  g_autoptr (DsRecovery) self = ds_recovery_new (directory);

  return ds_recovery_read_checkpoint (self, NULL, NULL, error) &&
                 ds_recovery_read_log (self, DS_LOG_DAMAGE_FAIL, error)
             ? g_steal_pointer (&self)
             : NULL;
}

/* ---- Asking ---- */

DsTime
ds_recovery_get_time (DsRecovery *self)
{
  return self->meta.time;
}

DsTime
ds_recovery_get_zero_time (DsRecovery *self)
{
  return self->meta.zero_time;
}

guint
ds_recovery_get_parallelism (DsRecovery *self)
{
  return self->meta.parallelism;
}

DsTime
ds_recovery_get_last_time (DsRecovery *self)
{
  return self->last_time;
}

guint64
ds_recovery_get_next_segment (DsRecovery *self)
{
  return self->next_segment;
}

guint64
ds_recovery_get_next_sequence (DsRecovery *self)
{
  return self->next_sequence;
}

guint64
ds_recovery_get_plan_sequence (DsRecovery *self, DsTime time)
{
  DsPlannedBatch *plan = ds_recovery_find_plan (self, time);

  return plan != NULL ? plan->sequence : 0;
}

guint
ds_recovery_get_max_attempts (DsRecovery *self, DsTime *time)
{
  guint max_attempts = 0;

  for (guint i = ds_recovery_count_plans_before (self, self->meta.time);
       i < self->plans->len; i++)
    {
      const DsPlannedBatch *plan = g_ptr_array_index (self->plans, i);

      if (plan->result >= 0 || plan->n_attempts + 1 <= max_attempts)
        continue;
      max_attempts = plan->n_attempts + 1;
      *time = plan->time;
    }
  return max_attempts;
}

DsReplay
ds_recovery_get_replay (DsRecovery *self, DsTime time)
{
  DsPlannedBatch *plan =
      time <= self->last_time ? ds_recovery_find_plan (self, time) : NULL;

  if (plan == NULL)
    return DS_REPLAY_NOT;
  if (plan->result == DS_BATCH_GIVEN_UP)
    return DS_REPLAY_GIVEN_UP;
  if (plan->result == DS_BATCH_OUTPUTS_FAILED ||
      (plan->result == DS_BATCH_COMPLETE && time < self->last_time))
    return DS_REPLAY_STATE;
  return DS_REPLAY_OUTPUTS;
}

DsTime
ds_recovery_get_next_time (DsRecovery *self, DsTime time)
{
  guint i = ds_recovery_count_plans_before (self, time);

  if (i == self->plans->len)
    return MAX (time, self->last_time);
  return ((DsPlannedBatch *) g_ptr_array_index (self->plans, i))->time;
}
