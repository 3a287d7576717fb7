/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What happens where values meet under a key.
 *
 * The combiner of a key belongs to the table: what a user function returns may lie in
 * scratch memory, in the chunk, or in the old combiner, so it is copied unless it is the
 * old one itself.  What it replaces is dead; once more is dead than alive the table
 * copies the living into a new arena. */

#include "rdd/ds-table-core-private.h"

#include "base/ds-error.h"

#define DS_TABLE_MAX_SCRATCH ((gsize) 256 * 1024)
#define DS_TABLE_MIN_DEAD ((gsize) 64 * 1024)

static inline gboolean
ds_table_value_has_memory (DsValue value)
{
  return value.type >= DS_VALUE_TYPE_STRING;
}

void
ds_table_fail_overflow (DsTable *self, DsValue key, gint64 sum, gint64 value)
{
  g_autofree char *described =
      self->combine.is_keyless ? NULL : ds_value_describe (key, 200);

  ds_task_fail (self->task,
                "%s%s%s%" G_GINT64_FORMAT " + %" G_GINT64_FORMAT
                " does not fit into an int of 64 bits: use doubles",
                described != NULL ? "Key " : "", described != NULL ? described : "",
                described != NULL ? ": " : "", sum, value);
}

DsValue
ds_table_own_value (DsTable *self, DsValue value)
{
  if (!ds_table_value_has_memory (value))
    return value;
  if (self->value_arena == NULL)
    self->value_arena = ds_arena_new (ds_task_get_arena_pool (self->task));
  return ds_value_copy (value, self->value_arena);
}

static DsValue
ds_table_replace_value (DsTable *self, DsValue old, DsValue value)
{
  if (ds_table_value_has_memory (old))
    {
      if (value.type == old.type && value.as.bytes == old.as.bytes)
        return value;
      self->n_dead_bytes += ds_value_get_copy_size (old);
    }
  return ds_table_own_value (self, value);
}

gboolean
ds_table_wants_compaction (DsTable *self)
{
  return self->n_dead_bytes > DS_TABLE_MIN_DEAD &&
         self->n_dead_bytes > ds_arena_get_n_bytes (self->value_arena) / 2;
}

static inline void
ds_table_recycle_scratch (DsTable *self)
{
  if (G_UNLIKELY (ds_arena_get_n_bytes (self->scratch) > DS_TABLE_MAX_SCRATCH))
    ds_arena_reset (self->scratch);
}

/* What a failure of the next call is about. */
static inline void
ds_table_show_current (DsTable *self, const DsValue *key, const DsValue *value)
{
  self->task->current = self->combine.is_keyless ? value : key;
  self->task->current_pair_value = self->combine.is_keyless ? NULL : value;
}

DsValue
ds_table_first_value (DsTable *self,
                      const DsValue *key,
                      const DsValue *value,
                      gboolean merging)
{
  DsValue combiner = value != NULL ? *value : ds_value_null ();

  if (self->combine.create != NULL && !merging)
    {
      ds_table_show_current (self, key, value);
      combiner = self->combine.create (combiner, self->task, self->combine.user_data);
      combiner = ds_table_own_value (self, combiner);
      ds_table_recycle_scratch (self);
      return combiner;
    }
  return ds_table_own_value (self, combiner);
}

static DsValue
ds_table_add (DsTable *self, DsValue a, DsValue b, const DsValue *key)
{
  gint64 sum;

  if (a.type == DS_VALUE_TYPE_DOUBLE && b.type == DS_VALUE_TYPE_DOUBLE)
    return ds_value_double (a.as.number + b.as.number);
  if (a.type != DS_VALUE_TYPE_INT || b.type != DS_VALUE_TYPE_INT)
    return ds_add (a, b, self->task, NULL);
  if (G_UNLIKELY (__builtin_add_overflow (a.as.integer, b.as.integer, &sum)))
    ds_table_fail_overflow (self, *key, a.as.integer, b.as.integer);
  return ds_value_int (sum);
}

DsValue
ds_table_next_value (DsTable *self,
                     DsValue combiner,
                     const DsValue *key,
                     const DsValue *value,
                     gboolean merging)
{
  DsValue a = combiner;
  DsValue b = value != NULL ? *value : ds_value_null ();
  DsReduceFunc func;

  ds_table_show_current (self, key, value);
  switch (self->meet)
    {
    case DS_MEET_USER:
      func = merging ? self->combine.merge_combiners : self->combine.merge_value;
      a = func (a, b, self->task, self->combine.user_data);
      break;
    case DS_MEET_FIRST:
      return a;
    case DS_MEET_LAST:
      a = b;
      break;
    case DS_MEET_COUNT:
    case DS_MEET_SUM:
    case DS_MEET_ADD:
      a = ds_table_add (self, a, b, key);
      break;
    case DS_MEET_MIN:
      a = ds_min (a, b, self->task, NULL);
      break;
    case DS_MEET_MAX:
      a = ds_max (a, b, self->task, NULL);
      break;
    case DS_MEET_GROUP:
    default:
      g_assert_not_reached ();
    }
  a = ds_table_replace_value (self, combiner, a);
  ds_table_recycle_scratch (self);
  return a;
}

gboolean
ds_table_call_run (DsTable *self,
                   const guint32 *indices,
                   gsize n_known,
                   const DsValue *keys,
                   const DsValue *values,
                   gsize n_values,
                   gboolean merging)
{
  const DsReduceFunc func =
      merging ? self->combine.merge_combiners : self->combine.merge_value;
  gpointer user_data = self->combine.user_data;
  DsTask *task = self->task;

  for (gsize i = 0; i < n_values; i++)
    {
      DsValue *combiner = &self->values[indices[i]];
      DsValue result;

      if (indices[i] == n_known)
        {
          n_known++;
          *combiner = ds_table_first_value (self, &keys[i], &values[i], merging);
        }
      else
        {
          ds_table_show_current (self, &keys[i], &values[i]);
          result = func (*combiner, values[i], task, user_data);
          *combiner = G_LIKELY (!ds_table_value_has_memory (*combiner) &&
                                !ds_table_value_has_memory (result))
                          ? result
                          : ds_table_replace_value (self, *combiner, result);
          ds_table_recycle_scratch (self);
        }
      if (G_UNLIKELY (task->error != NULL))
        {
          *combiner = ds_value_null ();
          return FALSE;
        }
    }
  return TRUE;
}
