/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* META: one tuple, to which later versions may add at the end: time, zero time, batch
 * interval (µs), parallelism, program, library version, host, wall time (µs), batches
 * that were given up (a list of times, which the first versions did not have). */

#include "dstream/ds-checkpoint-form-private.h"

#include "base/ds-codec-private.h"
#include "base/ds-error.h"

#define DS_META_NUMBERS 4
#define DS_META_GIVEN_UP 8
#define DS_META_FIELDS 9

void
ds_checkpoint_meta_encode (const DsCheckpointMeta *self,
                           const char *program,
                           GByteArray *bytes)
{
  guint n_given_up = self->given_up != NULL ? self->given_up->len : 0;
  g_autofree DsValue *given_up = g_new (DsValue, n_given_up + 1);
  const DsValue fields[DS_META_FIELDS] = {
    ds_value_int (self->time),
    ds_value_int (self->zero_time),
    ds_value_int (self->interval),
    ds_value_int (self->parallelism),
    ds_value_string (program),
    ds_value_string (DS_VERSION),
    ds_value_string (g_get_host_name ()),
    ds_value_int (g_get_real_time ()),
    [DS_META_GIVEN_UP] = ds_value_list (given_up, n_given_up),
  };

  for (guint i = 0; i < n_given_up; i++)
    given_up[i] = ds_value_int (g_array_index (self->given_up, DsTime, i));
  ds_codec_encode (ds_value_tuple (fields, DS_META_FIELDS), bytes);
}

/* FALSE: they do not have the form. */
static gboolean
ds_checkpoint_meta_take_given_up (DsCheckpointMeta *self, DsValue list)
{
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (DsTime));

  if (!ds_value_is (list, DS_VALUE_TYPE_LIST) || list.size % 2 != 0)
    return FALSE;
  for (guint32 i = 0; i < list.size; i++)
    {
      DsTime time = list.as.items[i].as.integer;

      if (!ds_value_is (list.as.items[i], DS_VALUE_TYPE_INT) ||
          (i > 0 && time < g_array_index (times, DsTime, i - 1)))
        return FALSE;
      g_array_append_val (times, time);
    }
  self->given_up = g_steal_pointer (&times);
  return TRUE;
}

void
ds_checkpoint_meta_clear (DsCheckpointMeta *self)
{
  g_clear_pointer (&self->given_up, g_array_unref);
}

gboolean
ds_checkpoint_meta_decode (DsCheckpointMeta *self,
                           const guint8 *bytes,
                           gsize n_bytes,
                           GError **error)
{
  g_autoptr (DsBlock) block = ds_codec_decode_block (bytes, n_bytes, 0, error);
  DsValue fields;
  gboolean ok;

  self->given_up = NULL;
  if (block == NULL)
    return FALSE;
  fields = ds_block_get_length (block) > 0 ? ds_block_get (block, 0) : ds_value_null ();
  ok = ds_value_is (fields, DS_VALUE_TYPE_TUPLE) && fields.size >= DS_META_NUMBERS;
  for (guint i = 0; ok && i < DS_META_NUMBERS; i++)
    ok = ds_value_is (fields.as.items[i], DS_VALUE_TYPE_INT);
  if (ok)
    {
      self->time = fields.as.items[0].as.integer;
      self->zero_time = fields.as.items[1].as.integer;
      self->interval = fields.as.items[2].as.integer;
      ok = fields.as.items[3].as.integer > 0 &&
           fields.as.items[3].as.integer <= G_MAXINT && self->interval > 0 &&
           self->time >= self->zero_time;
      self->parallelism = (guint) fields.as.items[3].as.integer;
      ok = ok &&
           (fields.size <= DS_META_GIVEN_UP ||
            ds_checkpoint_meta_take_given_up (self, fields.as.items[DS_META_GIVEN_UP]));
    }
  if (!ok)
    g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
                 "its section for the program does not have the expected form");
  return ok;
}
