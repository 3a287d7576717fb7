/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The parts of the conformance program: see README.md of this folder for the way of a
 * case through them. */

#include "dstream/dstream.h"
#include "tests/base/ds-test-remove.h"

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* How a case that did not pass ended. */
#define DS_CONFORMANCE_ERROR (ds_conformance_error_quark ())
GQuark ds_conformance_error_quark (void);

typedef enum
{
  DS_CONFORMANCE_ERROR_SKIP,     /* it cannot be run; the message says why */
  DS_CONFORMANCE_ERROR_DIFFERENT /* it ran and gave something else, or is malformed */
} DsConformanceError;

/* All three set @error and return FALSE or NULL for the caller to hand on. */
gboolean ds_conformance_skip (GError **error, const char *format, ...)
    G_GNUC_PRINTF (2, 3);
gboolean ds_conformance_differ (GError **error, const char *format, ...)
    G_GNUC_PRINTF (2, 3);

/* One case, lent by the file that it stands in. */
typedef struct
{
  const char *name;
  const char *op_name; /* "map" */
  JsonObject *json;    /* the whole case */
  JsonObject *op;      /* the operator with its parameters */
  DsContext *engine;   /* shared by all cases */
} DsConformanceCase;

/* TRUE: as expected. */
typedef gboolean (*DsConformanceRunFunc) (DsConformanceCase *self, GError **error);

gboolean ds_conformance_run_case (DsConformanceCase *self, GError **error);

/* One runner a kind of case. */
gboolean ds_conformance_run_batch_info (DsConformanceCase *self, GError **error);
gboolean ds_conformance_run_checkpoint_interval (DsConformanceCase *self, GError **error);
gboolean ds_conformance_run_dataflow (DsConformanceCase *self, GError **error);
gboolean ds_conformance_run_file_batches (DsConformanceCase *self, GError **error);
gboolean ds_conformance_run_files (DsConformanceCase *self, GError **error);
gboolean ds_conformance_run_format (DsConformanceCase *self, GError **error);
gboolean ds_conformance_run_one_partition (DsConformanceCase *self, GError **error);
gboolean ds_conformance_run_output (DsConformanceCase *self, GError **error);
gboolean ds_conformance_run_queue (DsConformanceCase *self, GError **error);
gboolean ds_conformance_run_rates (DsConformanceCase *self, GError **error);
gboolean ds_conformance_run_rate_recovery (DsConformanceCase *self, GError **error);
gboolean ds_conformance_run_recovery (DsConformanceCase *self, GError **error);
gboolean ds_conformance_run_remember (DsConformanceCase *self, GError **error);
gboolean ds_conformance_run_slice (DsConformanceCase *self, GError **error);
gboolean ds_conformance_run_socket (DsConformanceCase *self, GError **error);
gboolean ds_conformance_run_state_handle (DsConformanceCase *self, GError **error);
gboolean ds_conformance_run_state_checkpoint_interval (DsConformanceCase *self,
                                                       GError **error);
gboolean ds_conformance_run_time (DsConformanceCase *self, GError **error);
gboolean ds_conformance_run_timer (DsConformanceCase *self, GError **error);

/* ---- JSON (ds-conformance-json.c): a wrong type is an error, null counts as absent ----
 */

gboolean ds_conformance_has (JsonObject *object, const char *member);
gboolean ds_conformance_read_int (JsonObject *object,
                                  const char *member,
                                  gint64 *value,
                                  GError **error);
gboolean ds_conformance_read_int_or (JsonObject *object,
                                     const char *member,
                                     gint64 fallback,
                                     gint64 *value,
                                     GError **error);
/* Lent by @object; NULL with @error. */
const char *
ds_conformance_read_string (JsonObject *object, const char *member, GError **error);
JsonArray *
ds_conformance_read_array (JsonObject *object, const char *member, GError **error);
gboolean
ds_conformance_get_boolean (JsonObject *object, const char *member, gboolean fallback);
/* Compact text, cut at some hundred bytes, for messages. */
char *ds_conformance_node_to_text (JsonNode *node);
char *ds_conformance_block_to_text (DsBlock *block);

/* The lists of @batches as blocks, NULL for a batch without RDD: (transfer full)
 * (nullable). An array of two is a pair where all arrays at that place are; others are
 * lists. */
GPtrArray *ds_conformance_read_batches (JsonArray *batches, GError **error);
/* The same for one list of elements. */
DsBlock *ds_conformance_read_block (JsonArray *elements);

/* ---- Comparing (ds-conformance-compare.c) ---- */

typedef struct
{
  gboolean ordered;       /* lists of elements; else multisets */
  gboolean inner_ordered; /* lists inside the elements */
} DsConformanceOrder;

DsConformanceOrder ds_conformance_get_order (DsConformanceCase *self);
/* Arrays equal tuples, lists and bytes with the same items. */
gboolean
ds_conformance_value_matches (JsonNode *expected, DsValue value, gboolean inner_ordered);
gboolean ds_conformance_compare_block (JsonArray *expected,
                                       DsBlock *block,
                                       DsConformanceOrder order,
                                       const char *what,
                                       GError **error);
/* @blocks: of DsBlock, one for each list of @expected. */
gboolean ds_conformance_compare_blocks (JsonArray *expected,
                                        GPtrArray *blocks,
                                        DsConformanceOrder order,
                                        GError **error);

/* ---- Recording (ds-conformance-recorder.c): what a stream gave, batch by batch ---- */

typedef struct _DsConformanceRecorder DsConformanceRecorder;

DsConformanceRecorder *ds_conformance_recorder_new (void);
void ds_conformance_recorder_free (DsConformanceRecorder *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsConformanceRecorder, ds_conformance_recorder_free)

void ds_conformance_recorder_attach (DsConformanceRecorder *self, DsDStream *stream);
guint ds_conformance_recorder_get_length (DsConformanceRecorder *self);
DsTime ds_conformance_recorder_get_time (DsConformanceRecorder *self, guint index);
guint ds_conformance_recorder_get_n_partitions (DsConformanceRecorder *self, guint index);
/* The contents, in the order of time: (transfer container), of DsBlock. */
GPtrArray *ds_conformance_recorder_dup_blocks (DsConformanceRecorder *self);

/* ---- Streaming (ds-conformance-session.c): a context under a manual clock ---- */

typedef struct
{
  DsStreamingContext *streaming;
  DsManualClock *clock;
  DsDuration interval;
  DsTime zero;
  char *directory; /* (nullable): of checkpoints */
} DsConformanceSession;

void ds_conformance_session_init (DsConformanceSession *self,
                                  DsContext *engine,
                                  gint64 batch_ms,
                                  gint64 zero_ms);
/* Sets a directory for checkpoints, once: for graphs with state. */
void ds_conformance_session_allow_checkpoints (DsConformanceSession *self);
gboolean ds_conformance_session_start (DsConformanceSession *self, GError **error);
/* Goes on by one batch and waits for it. */
gboolean ds_conformance_session_tick (DsConformanceSession *self, GError **error);
/* Stops what was started, keeps the engine, drops the context. */
void ds_conformance_session_clear (DsConformanceSession *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DsConformanceSession, ds_conformance_session_clear)

/* A source that gives one listed batch after the other, then empty RDDs.  @batches: of
 * DsBlock, NULL for no RDD. */
DsDStream *ds_conformance_source_new (DsConformanceSession *session,
                                      DsContext *engine,
                                      GPtrArray *batches,
                                      guint n_partitions);

/* ---- Functions (ds-conformance-functions.c): words of the vectors ---- */

typedef enum
{
  DS_CONFORMANCE_MAP,
  DS_CONFORMANCE_FLAT_MAP,
  DS_CONFORMANCE_FILTER,
  DS_CONFORMANCE_REDUCE,
  DS_CONFORMANCE_MAP_PARTITIONS,
  DS_CONFORMANCE_TRANSFORM,
  DS_CONFORMANCE_TRANSFORM_WITH,
  DS_CONFORMANCE_TRANSFORM_MANY,
  DS_CONFORMANCE_UPDATE_STATE,
  DS_CONFORMANCE_MAP_WITH_STATE
} DsConformanceFunctionKind;

typedef struct
{
  GCallback func; /* of the type of its kind */
  gpointer user_data;
} DsConformanceFunction;

typedef struct
{
  const char *name;
  DsConformanceFunctionKind kind;
  GCallback func;
  const char *missing; /* (nullable): the operator without which it cannot be written */
} DsConformanceFunctionRow;

extern const DsConformanceFunctionRow ds_conformance_value_functions[];
extern const DsConformanceFunctionRow ds_conformance_rdd_functions[];
extern const DsConformanceFunctionRow ds_conformance_state_functions[];

/* By the text of @member in @params. */
gboolean ds_conformance_find_function (JsonObject *params,
                                       const char *member,
                                       DsConformanceFunctionKind kind,
                                       DsConformanceFunction *function,
                                       GError **error);

/* Of a function for updateStateByKey: what states show of themselves when that is not the
 * whole; (nullable). */
DsMapFunc ds_conformance_get_shown_part (const DsConformanceFunction *update);

/* ---- The graph (ds-conformance-graph.c, -operators.c and the adapters of each group)
 * ----
 */

typedef struct
{
  DsConformanceCase *test_case;
  DsConformanceSession *session;
  GPtrArray *sources; /* of DsDStream */
  GHashTable *names;  /* of DsDStream: those made by "on", "NAME = ..." and "of" */
  DsDStream *current; /* (nullable): what the last step gave */
  DsDStream *mapped;  /* (nullable): the last one made by mapWithState */
} DsConformanceGraph;

typedef struct
{
  const char *name;
  const char *parameters[4]; /* what "op(a,b)" in an expression means */
  DsDStream *(*build) (DsConformanceGraph *graph,
                       DsDStream *stream,
                       JsonObject *params,
                       GError **error);
} DsConformanceOperator;

/* One table a group, ended by a row without name. */
extern const DsConformanceOperator ds_conformance_aggregate_operators[];
extern const DsConformanceOperator ds_conformance_elementwise_operators[];
extern const DsConformanceOperator ds_conformance_join_operators[];
extern const DsConformanceOperator ds_conformance_state_operators[];
extern const DsConformanceOperator ds_conformance_transform_operators[];
extern const DsConformanceOperator ds_conformance_window_operators[];

/* "num_partitions", for operators that shuffle; without it the library's default. */
gboolean
ds_conformance_set_n_partitions (DsDStream *stream, JsonObject *params, GError **error);

/* "checkpoint_ms" or "checkpoint_batches". */
gboolean ds_conformance_set_checkpoint (DsConformanceGraph *graph,
                                        DsDStream *stream,
                                        JsonObject *params,
                                        GError **error);

/* NULL with a skip: not in the library yet, or not known at all. */
const DsConformanceOperator *ds_conformance_find_operator (const char *name,
                                                           GError **error);

void ds_conformance_graph_init (DsConformanceGraph *self,
                                DsConformanceCase *test_case,
                                DsConformanceSession *session);
void ds_conformance_graph_clear (DsConformanceGraph *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DsConformanceGraph, ds_conformance_graph_clear)

/* From "input" or "inputs". */
gboolean ds_conformance_graph_add_sources (DsConformanceGraph *self, GError **error);
/* An operator on pairs that stands right behind a source may be given other elements;
 * they are paired with 1. */
DsDStream *ds_conformance_graph_to_pairs (DsConformanceGraph *self, DsDStream *stream);
/* All steps of the case; the stream that the last one gave. */
DsDStream *ds_conformance_graph_build (DsConformanceGraph *self, GError **error);
/* "s", "s2", "s.map(plus_4)", "window(2,1)". */
DsDStream *ds_conformance_graph_evaluate (DsConformanceGraph *self,
                                          const char *expression,
                                          GError **error);
/* The streams that @params names under "of", else the sources (the first one being the
 * current stream): (transfer container), of DsDStream. */
GPtrArray *ds_conformance_graph_evaluate_of (DsConformanceGraph *self,
                                             DsDStream *stream,
                                             JsonObject *params,
                                             GError **error);

G_END_DECLS
