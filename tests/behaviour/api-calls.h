/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Each public function as something that can be called with arguments by number: argument
 * 0 of each kind is a live and sensible one, 1 is NULL or 0, the others are extremes.
 * The list of functions is written by generate-calls.py. */

#include "tests/behaviour/callbacks.h"

G_BEGIN_DECLS

#define API_MAX_PARAMETERS 10
#define API_LONG 100000 /* bytes of a long string */

/* What arguments are made of.  Of everything there is a second one, that belongs to
 * another stream, which was never started. */
typedef struct
{
  CallbackVisit *visit;
  CallbackSite *site;
  DsBatch *batch;
  DsBlock *pairs;
  DsBlock *strings;
  DsBlock *empty;
  DsPartitioner *partitioner;
  DsReceiverInfo *receiver_info;
  DsRdd *rdd;
  DsManualClock *clock; /* of nobody */
  GCancellable *cancelled;
  GBytes *bytes;
  GBytes *msgpack;
  GError *error;
  char *long_string;
  DsReceiver *receiver;
  DsDStream *receiver_stream;
  DsDStream *stateful;
  DsDStream *window;
  DsStreamingContext *other_ssc;
  DsContext *other_engine;
  DsDStream *other_stream;
  DsDStream *other_operator;
  DsOutput *other_output;
  DsReceiver *other_receiver;
  DsRdd *other_rdd;
  DsRdd *wrong_rdd; /* carries an error */
} ApiObjects;

typedef struct
{
  ApiObjects *objects;
  guint8 choices[API_MAX_PARAMETERS];
  GError *error;
  gint64 out;
  DsValue value_out;
  char buffer[4096] __attribute__ ((aligned (16)));
} ApiCall;

typedef enum
{
  API_PLAIN,
  API_ENDS,   /* something: these come last */
  API_WAITS,  /* for the stream, where no callback of it would wait for itself */
  API_SLEEPS, /* until it is stopped */
} ApiWhen;

typedef struct
{
  const char *name;
  void (*call) (ApiCall *call);
  ApiWhen when;
  guint n_parameters;
  guint8 n_choices[API_MAX_PARAMETERS];
} ApiFunction;

extern const ApiFunction api_functions[];
extern const char *const api_callback_types[];
extern const char *const api_problems[]; /* functions that cannot be called */

/* Made outside of any callback, before the stream is started. */
void api_objects_init (ApiObjects *self, CallbackSite *site);
DsInputDStream *api_new_input (void);

/* ---- Arguments: how many of each kind there are, and how they are made ---- */

enum
{
  API_N_BATCH = 2,
  API_N_BLOCK = 4,
  API_N_BOOLEAN = 2,
  API_N_BOOLEAN_OUT = 2,
  API_N_BUILDER = 3,
  API_N_BYTES = 3,
  API_N_CANCELLABLE = 3,
  API_N_CHAR = 2,
  API_N_CHAR_ARRAY = 2,
  API_N_CLOCK = 2,
  API_N_CONTEXT = 3,
  API_N_DATA = 2,
  API_N_DESTROY = 2,
  API_N_DOUBLE = 5,
  API_N_DOUBLE_ARRAY = 2,
  API_N_DSTREAM = 6,
  API_N_DSTREAM_ARRAY = 4,
  API_N_ENUM = 4,
  API_N_ERROR = 2,
  API_N_ERROR_GIVEN = 2,
  API_N_ERROR_LENT = 2,
  API_N_FUNCTION = 2,
  API_N_INPUT = 3,
  API_N_INT = 5,
  API_N_INT64 = 5,
  API_N_INT64_ARRAY = 2,
  API_N_INT64_OUT = 2,
  API_N_LENGTH = 3,
  API_N_MANUAL_CLOCK = 2,
  API_N_OUTPUT = 3,
  API_N_OWN_STREAMING = 2,
  API_N_PARTITION = 2,
  API_N_PARTITIONER = 2,
  API_N_RDD = 5,
  API_N_RDD_ARRAY = 4,
  API_N_RDD_ITERATOR = 3,
  API_N_READY = 2,
  API_N_RECEIVER = 3,
  API_N_RECEIVER_INFO = 2,
  API_N_RESULT = 3,
  API_N_SIZE = 4,
  API_N_SIZE_OUT = 2,
  API_N_SMALL_SIZE = 3,
  API_N_STATE = 2,
  API_N_STATS_OUT = 2,
  API_N_STREAMING = 3,
  API_N_STRING = 5,
  API_N_STRINGS = 3,
  API_N_TASK = 2,
  API_N_TIME = 6,
  API_N_UINT = 4,
  API_N_UINT16 = 3,
  API_N_UINT64 = 3,
  API_N_VALUE = 10,
  API_N_VALUE_ARRAY = 2,
  API_N_VALUE_OUT = 2,
  API_N_VARIANT = 3,
};

DsBatch *api_batch (ApiCall *call, guint index);
DsBlock *api_block (ApiCall *call, guint index);
gboolean api_boolean (ApiCall *call, guint index);
gboolean *api_boolean_out (ApiCall *call, guint index);
DsBlockBuilder *api_builder (ApiCall *call, guint index);
GBytes *api_bytes (ApiCall *call, guint index);
GCancellable *api_cancellable (ApiCall *call, guint index);
char api_char (ApiCall *call, guint index);
const char *api_char_array (ApiCall *call, guint index);
DsClock *api_clock (ApiCall *call, guint index);
DsContext *api_context (ApiCall *call, guint index);
gpointer api_data (ApiCall *call, guint index);
GDestroyNotify api_destroy (ApiCall *call, guint index);
double api_double (ApiCall *call, guint index);
const double *api_double_array (ApiCall *call, guint index);
DsDStream *api_dstream (ApiCall *call, guint index);
DsDStream **api_dstream_array (ApiCall *call, guint index);
int api_enum (ApiCall *call, guint index);
GError **api_error (ApiCall *call, guint index);
GError *api_error_given (ApiCall *call, guint index);
const GError *api_error_lent (ApiCall *call, guint index);
gboolean api_function (ApiCall *call, guint index); /* whether to give one */
DsInputDStream *api_input (ApiCall *call, guint index);
int api_int (ApiCall *call, guint index);
gint64 api_int64 (ApiCall *call, guint index);
const gint64 *api_int64_array (ApiCall *call, guint index);
gint64 *api_int64_out (ApiCall *call, guint index);
guint api_length (ApiCall *call, guint index); /* of an array, NULL ones too */
DsManualClock *api_manual_clock (ApiCall *call, guint index);
DsOutput *api_output (ApiCall *call, guint index);
DsStreamingContext *api_own_streaming (ApiCall *call, guint index);
DsPartition *api_partition (ApiCall *call, guint index);
DsPartitioner *api_partitioner (ApiCall *call, guint index);
DsRdd *api_rdd (ApiCall *call, guint index);
DsRdd **api_rdd_array (ApiCall *call, guint index);
DsRddIterator *api_rdd_iterator (ApiCall *call, guint index);
GAsyncReadyCallback api_ready (ApiCall *call, guint index);
DsReceiver *api_receiver (ApiCall *call, guint index);
DsReceiverInfo *api_receiver_info (ApiCall *call, guint index);
GAsyncResult *api_result (ApiCall *call, guint index);
gsize api_size (ApiCall *call, guint index);
gsize *api_size_out (ApiCall *call, guint index);
gsize api_small_size (ApiCall *call, guint index);
DsState *api_state (ApiCall *call, guint index);
DsStats *api_stats_out (ApiCall *call, guint index);
DsStreamingContext *api_streaming (ApiCall *call, guint index);
const char *api_string (ApiCall *call, guint index);
const char *const *api_strings (ApiCall *call, guint index);
DsTask *api_task (ApiCall *call, guint index);
gint64 api_time (ApiCall *call, guint index);
guint api_uint (ApiCall *call, guint index);
guint16 api_uint16 (ApiCall *call, guint index);
guint64 api_uint64 (ApiCall *call, guint index);
DsValue api_value (ApiCall *call, guint index);
const DsValue *api_value_array (ApiCall *call, guint index);
DsValue *api_value_out (ApiCall *call, guint index);
GVariant *api_variant (ApiCall *call, guint index);

/* ---- Results ---- */

void api_use_block (ApiCall *call, DsBlock *block);
void api_use_rdd (ApiCall *call, DsRdd *rdd);
void api_use_text (ApiCall *call, const char *text);
void api_use_value (ApiCall *call, DsValue value);

G_END_DECLS
