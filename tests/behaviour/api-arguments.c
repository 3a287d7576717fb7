/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Arguments for public functions, by their type.  What is made for a call is given up
 * afterwards: the process does not live long. */

#include "tests/behaviour/api-calls.h"

#include <math.h>

/* ---- Choosing ---- */

static guint
choice_of (ApiCall *call, guint index)
{
  return call->choices[index];
}

static gpointer
choose (ApiCall *call, guint index, guint n, const gpointer *of)
{
  g_assert_cmpuint (choice_of (call, index), <, n);
  return of[choice_of (call, index)];
}
#define CHOOSE(...)                                                        \
  choose (call, index, G_N_ELEMENTS (((const gpointer[]){ __VA_ARGS__ })), \
          (const gpointer[]){ __VA_ARGS__ })

static gint64
choose_number (ApiCall *call, guint index, guint n, const gint64 *of)
{
  g_assert_cmpuint (choice_of (call, index), <, n);
  return of[choice_of (call, index)];
}
#define CHOOSE_NUMBER(...)                                                      \
  choose_number (call, index, G_N_ELEMENTS (((const gint64[]){ __VA_ARGS__ })), \
                 (const gint64[]){ __VA_ARGS__ })

/* ---- Objects of the library ---- */

DsBatch *
api_batch (ApiCall *call, guint index)
{
  DsBatch *own = call->objects->visit->batch;

  return CHOOSE (own != NULL ? own : g_atomic_pointer_get (&call->objects->batch), NULL);
}

DsBlock *
api_block (ApiCall *call, guint index)
{
  return CHOOSE (call->objects->pairs, NULL, call->objects->empty,
                 call->objects->strings);
}

DsBlockBuilder *
api_builder (ApiCall *call, guint index)
{
  DsBlockBuilder *ended;

  if (choice_of (call, index) == 0)
    return ds_block_builder_new ();
  if (choice_of (call, index) == 1)
    return NULL;
  ended = ds_block_builder_new ();
  ds_block_unref (ds_block_builder_end (ended));
  return ended;
}

DsClock *
api_clock (ApiCall *call, guint index)
{
  return CHOOSE (call->objects->clock, NULL);
}

DsManualClock *
api_manual_clock (ApiCall *call, guint index)
{
  return CHOOSE (call->objects->clock, NULL);
}

DsContext *
api_context (ApiCall *call, guint index)
{
  return CHOOSE (call->objects->site->engine, NULL, call->objects->other_engine);
}

DsStreamingContext *
api_streaming (ApiCall *call, guint index)
{
  return CHOOSE (call->objects->site->ssc, NULL, call->objects->other_ssc);
}

DsStreamingContext *
api_own_streaming (ApiCall *call, guint index)
{
  return CHOOSE (call->objects->site->ssc, NULL);
}

DsDStream *
api_dstream (ApiCall *call, guint index)
{
  const ApiObjects *objects = call->objects;
  gboolean is_there = objects->site->ssc != NULL; /* or the streams are gone, too */

  return CHOOSE (objects->site->pairs, NULL, objects->other_stream,
                 objects->other_operator, is_there ? objects->window : NULL,
                 is_there ? objects->stateful : NULL);
}

DsInputDStream *
api_input (ApiCall *call, guint index)
{
  return CHOOSE (api_new_input (), NULL, call->objects->other_stream);
}

DsOutput *
api_output (ApiCall *call, guint index)
{
  return CHOOSE (call->objects->site->collected, NULL, call->objects->other_output);
}

DsPartition *
api_partition (ApiCall *call, guint index)
{
  return CHOOSE (call->objects->visit->partition, NULL);
}

DsPartitioner *
api_partitioner (ApiCall *call, guint index)
{
  return CHOOSE (call->objects->partitioner, NULL);
}

/* New ones, since options cannot be set on those that were used, and then the own one. */
DsRdd *
api_rdd (ApiCall *call, guint index)
{
  const ApiObjects *objects = call->objects;
  DsRdd *own = objects->visit->rdd;

  switch (choice_of (call, index))
    {
    case 0:
      return own != NULL
                 ? ds_rdd_map (own, ds_identity, NULL, NULL)
                 : ds_context_parallelize (objects->site->engine, objects->pairs, 2);
    case 1:
      return NULL;
    case 2:
      return ds_context_parallelize (objects->other_engine, objects->pairs, 2);
    case 3:
      return objects->wrong_rdd;
    case 4:
    default:
      return own != NULL ? own : objects->rdd;
    }
}

/* New ones: whoever frees it had it for itself. */
DsRddIterator *
api_rdd_iterator (ApiCall *call, guint index)
{
  if (choice_of (call, index) == 1)
    return NULL;
  return ds_rdd_to_local_iterator (
      choice_of (call, index) == 0 ? call->objects->rdd : call->objects->wrong_rdd);
}

DsReceiver *
api_receiver (ApiCall *call, guint index)
{
  DsReceiver *own = call->objects->visit->receiver;

  return CHOOSE (own != NULL ? own : call->objects->receiver, NULL,
                 call->objects->other_receiver);
}

DsReceiverInfo *
api_receiver_info (ApiCall *call, guint index)
{
  return CHOOSE (call->objects->receiver_info, NULL);
}

DsState *
api_state (ApiCall *call, guint index)
{
  return CHOOSE (call->objects->visit->state, NULL);
}

DsTask *
api_task (ApiCall *call, guint index)
{
  return CHOOSE (call->objects->visit->task, NULL);
}

/* ---- Arrays, of two elements ---- */

DsDStream **
api_dstream_array (ApiCall *call, guint index)
{
  DsDStream **streams = g_new0 (DsDStream *, 3);

  streams[0] = call->objects->site->pairs;
  streams[1] = choice_of (call, index) == 2   ? NULL
               : choice_of (call, index) == 3 ? call->objects->other_stream
                                              : streams[0];
  return choice_of (call, index) == 1 ? NULL : streams;
}

DsRdd **
api_rdd_array (ApiCall *call, guint index)
{
  DsRdd **rdds = g_new0 (DsRdd *, 3);

  rdds[0] = call->objects->rdd;
  rdds[1] = choice_of (call, index) == 2   ? NULL
            : choice_of (call, index) == 3 ? call->objects->other_rdd
                                           : rdds[0];
  return choice_of (call, index) == 1 ? NULL : rdds;
}

const DsValue *
api_value_array (ApiCall *call, guint index)
{
  static const DsValue values[2] = { { DS_VALUE_TYPE_INT, 0, { 7 } }, { 0 } };

  return choice_of (call, index) == 1 ? NULL : values;
}

const gint64 *
api_int64_array (ApiCall *call, guint index)
{
  static const gint64 numbers[2] = { 7, G_MININT64 };

  return choice_of (call, index) == 1 ? NULL : numbers;
}

const double *
api_double_array (ApiCall *call, guint index)
{
  static const double numbers[2] = { 1, 7.5 };

  return choice_of (call, index) == 1 ? NULL : numbers;
}

const char *
api_char_array (ApiCall *call, guint index)
{
  return choice_of (call, index) == 1 ? NULL : "ab";
}

guint
api_length (ApiCall *call, guint index)
{
  return (guint) CHOOSE_NUMBER (2, 0, 1);
}

/* ---- Of GLib ---- */

GBytes *
api_bytes (ApiCall *call, guint index)
{
  return CHOOSE (call->objects->bytes, NULL, call->objects->msgpack);
}

GCancellable *
api_cancellable (ApiCall *call, guint index)
{
  return CHOOSE (NULL, g_cancellable_new (), call->objects->cancelled);
}

GError **
api_error (ApiCall *call, guint index)
{
  return choice_of (call, index) == 0 ? &call->error : NULL;
}

GError *
api_error_given (ApiCall *call, guint index)
{
  return choice_of (call, index) == 0 ? g_error_copy (call->objects->error) : NULL;
}

const GError *
api_error_lent (ApiCall *call, guint index)
{
  return CHOOSE (call->objects->error, NULL);
}

static void
on_ready (GObject *source, GAsyncResult *result, gpointer data)
{
}

GAsyncReadyCallback
api_ready (ApiCall *call, guint index)
{
  return choice_of (call, index) == 0 ? on_ready : NULL;
}

GAsyncResult *
api_result (ApiCall *call, guint index)
{
  GTask *task = g_task_new (call->objects->rdd, NULL, NULL, NULL);

  g_task_return_pointer (task, NULL, NULL);
  return CHOOSE (call->objects->visit->result, NULL, task);
}

static void
on_destroy (gpointer data)
{
}

GDestroyNotify
api_destroy (ApiCall *call, guint index)
{
  return choice_of (call, index) == 0 ? on_destroy : NULL;
}

GVariant *
api_variant (ApiCall *call, guint index)
{
  if (choice_of (call, index) == 1)
    return NULL;
  return g_variant_ref_sink (choice_of (call, index) == 0
                                 ? g_variant_new ("(sia{sv})", "x", 1, NULL)
                                 : g_variant_new_strv (NULL, 0));
}

/* ---- Text and data ---- */

const char *
api_string (ApiCall *call, guint index)
{
  const char *const strings[] = { "x", NULL, "", "\xff\xfe\x01/%s",
                                  call->objects->long_string };

  return strings[choice_of (call, index)];
}

const char *const *
api_strings (ApiCall *call, guint index)
{
  static const char *const two[] = { "x", "y", NULL };
  static const char *const none[] = { NULL };

  return choice_of (call, index) == 0 ? two : choice_of (call, index) == 1 ? NULL : none;
}

gpointer
api_data (ApiCall *call, guint index)
{
  static char separator[] = ",";

  return CHOOSE (separator, NULL);
}

char
api_char (ApiCall *call, guint index)
{
  return choice_of (call, index) == 0 ? ',' : 0;
}

gboolean *
api_boolean_out (ApiCall *call, guint index)
{
  return choice_of (call, index) == 0 ? (gboolean *) (gpointer) &call->out : NULL;
}

gsize *
api_size_out (ApiCall *call, guint index)
{
  return choice_of (call, index) == 0 ? (gsize *) (gpointer) &call->out : NULL;
}

gint64 *
api_int64_out (ApiCall *call, guint index)
{
  return choice_of (call, index) == 0 ? &call->out : NULL;
}

DsStats *
api_stats_out (ApiCall *call, guint index)
{
  return choice_of (call, index) == 0 ? (DsStats *) (gpointer) call->buffer : NULL;
}

DsValue *
api_value_out (ApiCall *call, guint index)
{
  return choice_of (call, index) == 0 ? &call->value_out : NULL;
}

DsValue
api_value (ApiCall *call, guint index)
{
  static const DsValue pair[2] = { { DS_VALUE_TYPE_INT, 0, { 7 } }, { 0 } };
  static const DsValue nested[2] = { { DS_VALUE_TYPE_TUPLE, 2, { .items = pair } },
                                     { DS_VALUE_TYPE_LIST, 2, { .items = pair } } };

  switch (choice_of (call, index))
    {
    case 0:
      return ds_value_string ("a b,c");
    case 1:
      return ds_value_null ();
    case 2:
      return ds_value_int (7);
    case 3:
      return ds_value_int (G_MININT64);
    case 4:
      return ds_value_double (NAN);
    case 5:
      return ds_value_tuple (pair, 2);
    case 6:
      return ds_value_list (nested, 2);
    case 7:
      return ds_value_bytes ("\xff\0\x01", 3);
    case 8:
      return ds_value_bool (TRUE);
    case 9:
    default:
      return ds_value_tuple (NULL, 0);
    }
}

/* ---- Numbers ---- */

gboolean
api_boolean (ApiCall *call, guint index)
{
  return choice_of (call, index) == 0;
}

gboolean
api_function (ApiCall *call, guint index)
{
  return choice_of (call, index) == 0;
}

int
api_enum (ApiCall *call, guint index)
{
  return (int) CHOOSE_NUMBER (1, 0, 2, 99);
}

int
api_int (ApiCall *call, guint index)
{
  return (int) CHOOSE_NUMBER (G_LITTLE_ENDIAN, 0, -1, G_MAXINT, G_MININT);
}

guint
api_uint (ApiCall *call, guint index)
{
  return (guint) CHOOSE_NUMBER (2, 0, 1, G_MAXUINT);
}

guint16
api_uint16 (ApiCall *call, guint index)
{
  return (guint16) CHOOSE_NUMBER (1, 0, G_MAXUINT16);
}

gint64
api_int64 (ApiCall *call, guint index)
{
  return CHOOSE_NUMBER (1, 0, -1, G_MAXINT64, G_MININT64);
}

guint64
api_uint64 (ApiCall *call, guint index)
{
  return (guint64) CHOOSE_NUMBER (1, 0, -1);
}

gint64
api_time (ApiCall *call, guint index)
{
  return CHOOSE_NUMBER (DS_SECOND, 0, -1, 3, G_MAXINT64, G_MININT64);
}

gsize
api_size (ApiCall *call, guint index)
{
  return (gsize) CHOOSE_NUMBER (1, 0, 7, -1);
}

gsize
api_small_size (ApiCall *call, guint index)
{
  return (gsize) CHOOSE_NUMBER (8, 0, sizeof call->buffer);
}

double
api_double (ApiCall *call, guint index)
{
  const double numbers[] = { 1.5, 0, NAN, HUGE_VAL, -1e308 };

  return numbers[choice_of (call, index)];
}
