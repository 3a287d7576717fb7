/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A window over a stream with state looks back at results that came out of steps, and
 * steps are taken once: such results are part of a checkpoint.  Each is written as its
 * time, the number of its partitions, and the values of each partition as bytes, all
 * msgpack. */

#include "base/ds-codec-private.h"
#include "dstream/ds-checkpoint-capture-private.h"
#include "dstream/ds-input-recovery-private.h"
#include "rdd/ds-action-private.h"
#include "rdd/ds-step-rdd-private.h"

gboolean
ds_kept_results_are_needed (DsDStream *stream)
{
  const DsDStreamNode *node = ds_dstream_get_node (stream);

  return node->ops->keeping != NULL && node->asked > node->slide;
}

GArray *
ds_kept_results_collect (DsDStream *stream, DsTime time)
{
  const DsDStreamNode *node = ds_dstream_get_node (stream);
  GArray *results = g_array_new (FALSE, FALSE, sizeof (DsGeneratedRdd));

  for (guint i = 0; i < node->generated->len; i++)
    {
      const DsGeneratedRdd *known = &g_array_index (node->generated, DsGeneratedRdd, i);
      DsGeneratedRdd kept = *known;

      if (known->time <= time - node->asked || known->time > time ||
          ds_rdd_was_given_up (known->rdd))
        continue;
      g_object_ref (kept.rdd);
      g_array_append_val (results, kept);
    }
  return results;
}

void
ds_kept_results_free (GArray *results)
{
  for (guint i = 0; i < results->len; i++)
    g_object_unref (g_array_index (results, DsGeneratedRdd, i).rdd);
  g_array_unref (results);
}

gboolean
ds_kept_results_encode (GArray *results, GByteArray *bytes, GError **error)
{
  g_autoptr (GByteArray) values = g_byte_array_new ();

  for (guint i = 0; i < results->len; i++)
    {
      const DsGeneratedRdd *result = &g_array_index (results, DsGeneratedRdd, i);
      guint n_partitions = ds_rdd_get_n_partitions (result->rdd);

      ds_codec_encode (ds_value_int (result->time), bytes);
      ds_codec_encode (ds_value_int (n_partitions), bytes);
      for (guint k = 0; k < n_partitions; k++)
        {
          g_autoptr (DsBlock) block =
              ds_rdd_collect_partitions (result->rdd, &k, 1, G_MAXSIZE, error);

          if (block == NULL)
            return FALSE;
          g_byte_array_set_size (values, 0);
          ds_codec_encode_block (block, values);
          ds_codec_encode (ds_value_bytes (values->data, values->len), bytes);
        }
    }
  return TRUE;
}

/* One result, of which the values begin at @values. */
static gboolean
ds_kept_results_decode_one (DsDStream *stream,
                            DsTime time,
                            const DsValue *values,
                            guint n_partitions,
                            GError **error)
{
  g_autoptr (GPtrArray) blocks =
      g_ptr_array_new_with_free_func ((GDestroyNotify) ds_block_unref);
  g_autoptr (DsRdd) rdd = NULL;

  for (guint i = 0; i < n_partitions; i++)
    {
      DsBlock *block = ds_value_is (values[i], DS_VALUE_TYPE_BYTES)
                           ? ds_codec_decode_block ((const guint8 *) values[i].as.bytes,
                                                    values[i].size, 0, error)
                           : NULL;

      if (block == NULL)
        return FALSE;
      g_ptr_array_add (blocks, block);
    }
  rdd =
      ds_dstream_get_node (stream)->ops->keeping->make_result (stream, time,
                                                               (DsBlock **) blocks->pdata,
                                                               blocks->len, error);
  if (rdd == NULL)
    return FALSE;
  ds_dstream_adopt_rdd (stream, time, rdd);
  return TRUE;
}

gboolean
ds_kept_results_decode (DsDStream *stream,
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
  for (gsize i = 0; i < n_values;)
    {
      gsize n_left = n_values - i;
      gboolean ok = n_left >= 2 && ds_value_is (values[i], DS_VALUE_TYPE_INT) &&
                    ds_value_is (values[i + 1], DS_VALUE_TYPE_INT) &&
                    values[i + 1].as.integer >= 0 &&
                    (guint64) values[i + 1].as.integer <= n_left - 2;

      if (ok && !ds_kept_results_decode_one (stream, values[i].as.integer, &values[i + 2],
                                             (guint) values[i + 1].as.integer, error))
        {
          if (error == NULL || *error != NULL)
            return FALSE;
          ok = FALSE;
        }
      if (!ok)
        {
          g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
                       "they do not have the expected form");
          return FALSE;
        }
      i += 2 + (gsize) values[i + 1].as.integer;
    }
  return TRUE;
}
