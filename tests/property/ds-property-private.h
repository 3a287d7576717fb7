/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The parts of the property test: see README.md of this folder for the way of a graph
 * through them. */

#include "base/ds-arena-private.h"
#include "dstream/dstream.h"

G_BEGIN_DECLS

/* ---- Random numbers (ds-property-random.c): the same from one seed, everywhere ---- */

typedef struct
{
  guint64 state;
} DsPropertyRandom;

guint64 ds_property_mix (guint64 number);
guint64 ds_property_random_next (DsPropertyRandom *self);
/* 0 <= result < @end. */
guint ds_property_random_below (DsPropertyRandom *self, guint end);
gboolean ds_property_random_percent (DsPropertyRandom *self, guint percent);

/* ---- Values (ds-property-values.c) ---- */

/* What the elements of a stream are: an int, a text, or a pair of these. */
typedef enum
{
  DS_PROPERTY_INT,
  DS_PROPERTY_TEXT,
  DS_PROPERTY_INT_INT, /* 2 + 2 * key + value */
  DS_PROPERTY_INT_TEXT,
  DS_PROPERTY_TEXT_INT,
  DS_PROPERTY_TEXT_TEXT
} DsPropertyType;
#define DS_PROPERTY_N_TYPES 6
#define DS_PROPERTY_ANY 0x3f
#define DS_PROPERTY_SCALARS 0x03
#define DS_PROPERTY_PAIRS 0x3c

DsPropertyType ds_property_pair_of (DsPropertyType key, DsPropertyType value);
gboolean ds_property_is_pair (DsPropertyType type);
DsPropertyType ds_property_key_of (DsPropertyType type);
DsPropertyType ds_property_value_of (DsPropertyType type);
const char *ds_property_type_to_string (DsPropertyType type);

/* Where a function of the program finds memory and puts results: a task of the library,
 * or the model. */
typedef struct
{
  DsTask *task;
  DsArena *arena;  /* of the model */
  GArray *results; /* of the model, of DsValue */
  guint batch;     /* of the model, from 1 */
} DsPropertyCall;

gpointer ds_property_alloc (DsPropertyCall *call, gsize n_bytes);
void ds_property_emit (DsPropertyCall *call, DsValue value);
DsValue ds_property_pair (DsPropertyCall *call, DsValue a, DsValue b);
void ds_property_emit_pair (DsPropertyCall *call, DsValue a, DsValue b);
/* Copies the bytes of @text. */
DsValue ds_property_text (DsPropertyCall *call, GString *text);
guint64 ds_property_checksum (DsValue value);
int ds_property_compare (DsValue a, DsValue b);
int ds_property_compare_items (gconstpointer a, gconstpointer b); /* of DsValue */
/* Not to be mistaken: 1, "1" and (1,"1") all differ. */
void ds_property_print (GString *text, DsValue value);

/* ---- Lists and dictionaries of the model (ds-property-lists.c) ---- */

#define DS_PROPERTY_AT(list, i) g_array_index ((list), DsValue, (i))

typedef struct
{
  GHashTable *index; /* printed key -> list */
  GArray *keys;      /* in the order of their first use */
} DsPropertyDict;

GArray *ds_property_list_new (void);
void ds_property_list_clear (gpointer list); /* (nullable) */
DsPropertyDict *ds_property_dict_new (void);
void ds_property_dict_free (DsPropertyDict *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsPropertyDict, ds_property_dict_free)
/* Makes an empty list when there is none. */
GArray *ds_property_dict_get (DsPropertyDict *self, DsValue key);
GArray *ds_property_dict_find (DsPropertyDict *self, DsValue key); /* (nullable) */
/* The values of each key; else each element as its own key. */
DsPropertyDict *ds_property_group (GArray *list, gboolean by_key);

/* ---- Functions of the program (ds-property-functions.c, -state-functions.c), for the
 * library and the model ---- */

typedef struct
{
  const char *name;
  gint8 to[DS_PROPERTY_N_TYPES]; /* what comes of each type; -1: it cannot be used */
  DsValue (*apply) (DsValue value, gint64 number, DsPropertyCall *call);
  DsMapFunc known; /* (nullable): ready made, given to the library in its place */
} DsPropertyMap;

typedef struct
{
  const char *name;
  gint8 to[DS_PROPERTY_N_TYPES];
  void (*apply) (DsValue value, gint64 number, DsPropertyCall *call);
  DsFlatMapFunc known;
} DsPropertyFlatMap;

typedef struct
{
  const char *name;
  guint from; /* a bit a type */
  gboolean (*keeps) (DsValue value, gint64 number);
  DsFilterFunc known;
} DsPropertyFilter;

typedef struct
{
  const char *name;
  guint from; /* of scalars */
  gboolean needs_order;
  DsValue (*apply) (DsValue a, DsValue b, DsPropertyCall *call);
  DsReduceFunc known;
  int reduction; /* DsReduction, -1: none */
} DsPropertyReduce;

/* A list of values to one value. */
typedef struct
{
  const char *name;
  gint8 to[2]; /* of ints, of texts */
  gboolean needs_order;
  DsValue (*apply) (const DsValue *values, gsize n_values, DsPropertyCall *call);
} DsPropertyDigest;

/* The values of a key in one batch, and its state, to its new state; null: none. */
typedef struct
{
  const char *name;
  gint8 to[2];
  gboolean needs_order;
  DsValue (*apply) (const DsValue *values,
                    gsize n_values,
                    DsValue state,
                    DsPropertyCall *call);
} DsPropertyUpdate;

/* The state of a key as a function of map_with_state sees it. */
typedef struct
{
  DsValue value; /* null: none */
  gboolean is_timing_out;
  gboolean is_updated;
  gboolean is_removed;
} DsPropertyState;

typedef struct
{
  const char *name;
  gint8 to[2]; /* of the state, and of what is emitted with the key */
  gboolean needs_order;
  void (*apply) (DsValue key,
                 DsValue value,
                 DsPropertyState *state,
                 DsPropertyCall *call);
} DsPropertyTracker;

/* Each ends with a row without name. */
extern const DsPropertyMap ds_property_maps[];
extern const DsPropertyFlatMap ds_property_flat_maps[];
extern const DsPropertyFilter ds_property_filters[];
extern const DsPropertyReduce ds_property_reduces[];
extern const DsPropertyDigest ds_property_digests[];
extern const DsPropertyUpdate ds_property_updates[];
extern const DsPropertyTracker ds_property_trackers[];

/* Two sides of a join, of which one may be null, to a text. */
DsValue ds_property_render_sides (DsValue sides, DsPropertyCall *call);
/* The (sum, count) of combine_by_key to an int. */
DsValue ds_property_render_mean (DsValue sum_and_count);

/* ---- Graphs (ds-property-graph.c) ---- */

typedef enum
{
  DS_PROPERTY_SOURCE,
  /* a function for each element, or for each value of a pair */
  DS_PROPERTY_MAP,
  DS_PROPERTY_MAP_CHUNKS,
  DS_PROPERTY_MAP_PARTITIONS,
  DS_PROPERTY_FLAT_MAP,
  DS_PROPERTY_FILTER,
  DS_PROPERTY_KEY_BY,
  DS_PROPERTY_MAP_VALUES,
  DS_PROPERTY_FLAT_MAP_VALUES,
  /* the same elements */
  DS_PROPERTY_GLOM, /* and apart again */
  DS_PROPERTY_REPARTITION,
  DS_PROPERTY_PARTITION_BY,
  DS_PROPERTY_SORT, /* by transform */
  DS_PROPERTY_WINDOW,
  DS_PROPERTY_SNAPSHOTS, /* of map_with_state */
  /* one value of all; may have a window */
  DS_PROPERTY_COUNT,
  DS_PROPERTY_REDUCE,
  /* one pair a key; may have a window */
  DS_PROPERTY_COUNT_BY_VALUE, /* of scalars */
  DS_PROPERTY_REDUCE_BY_KEY,
  DS_PROPERTY_REDUCE_BY_KEY_OP,
  DS_PROPERTY_COMBINE_BY_KEY, /* to a mean */
  DS_PROPERTY_GROUP_BY_KEY,   /* to a digest */
  DS_PROPERTY_DISTINCT,       /* by transform; no pairs */
  /* the keys of two streams */
  DS_PROPERTY_COGROUP, /* to a text */
  DS_PROPERTY_JOIN,    /* all four to a text */
  DS_PROPERTY_LEFT_OUTER_JOIN,
  DS_PROPERTY_RIGHT_OUTER_JOIN,
  DS_PROPERTY_FULL_OUTER_JOIN,
  DS_PROPERTY_INTERSECTION, /* by transform_with, as the next two */
  /* two streams */
  DS_PROPERTY_SUBTRACT,
  DS_PROPERTY_CARTESIAN, /* of scalars */
  DS_PROPERTY_UNION,
  /* state by key */
  DS_PROPERTY_UPDATE_STATE,
  DS_PROPERTY_UPDATE_STATE_BY_PARTITION,
  DS_PROPERTY_MAP_WITH_STATE,
  DS_PROPERTY_N_KINDS
} DsPropertyKind;

typedef enum
{
  DS_PROPERTY_NO_FAILURES,
  DS_PROPERTY_FAILING_TASKS,  /* each may fail at its first attempt */
  DS_PROPERTY_FAILING_BATCHES /* each stream may fail once a batch, whatever the attempt
                               */
} DsPropertyFailures;

typedef struct _DsPropertyGraph DsPropertyGraph;

typedef struct
{
  DsPropertyGraph *graph;
  DsPropertyKind kind;
  guint id;
  guint parents[2];
  guint n_parents;
  DsPropertyType type;
  gboolean is_ordered; /* as lists are compared, else as multisets */
  guint slide;         /* in batches */
  guint window;        /* in batches; 0: none */
  gboolean has_inverse;
  gboolean has_filter;    /* of the window: values that are not 0 */
  guint timeout;          /* of the state, in batches; 0: none */
  GArray *initial;        /* (nullable): of the state, pairs */
  guint function;         /* of the table of its kind */
  gint64 number;          /* for the function */
  guint n_partitions;     /* 0: the default */
  DsStorageLevel storage; /* of what is persisted */
  gboolean is_output;
  gboolean is_dropped; /* not needed for what is looked for */
  GPtrArray *results;  /* of the model: a list a batch, NULL: no RDD */
  GPtrArray *states;   /* the same, of all states after the batch */
  gint *has_failed;    /* a batch */
} DsPropertyNode;

struct _DsPropertyGraph
{
  guint64 seed;
  guint n_batches;
  GPtrArray *nodes; /* of DsPropertyNode: sources, then operators, parents first */
  DsArena *arena;   /* of all values in it */
  /* In the end the RDDs of a stream are asked for again: of these batches. */
  gboolean has_slice;
  guint slice; /* id of the stream */
  guint slice_from;
  guint slice_to;
  DsPropertyFailures failures;
  gint n_failures; /* that came; atomic */
  /* (nullable): makes the stream of a source, in place of a queue with its lists */
  DsDStream *(*build_source) (DsPropertyNode *node, DsStreamingContext *streaming);
};

DsPropertyGraph *ds_property_graph_new (guint64 seed);
void ds_property_graph_free (DsPropertyGraph *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsPropertyGraph, ds_property_graph_free)

DsPropertyNode *ds_property_graph_get (DsPropertyGraph *self, guint id);
DsPropertyNode *ds_property_get_parent (DsPropertyNode *self, guint index);
/* Drops @node again. */
void ds_property_graph_remove_last (DsPropertyGraph *self);
DsPropertyNode *ds_property_graph_add (DsPropertyGraph *self, DsPropertyKind kind);
/* The parts without which @node cannot be: keeps only them, and only its output. */
void ds_property_graph_keep_only (DsPropertyGraph *self, DsPropertyNode *node);
guint ds_property_graph_count (DsPropertyGraph *self);
/* The model once more, for sources that changed. */
void ds_property_graph_run_model (DsPropertyGraph *self);
/* One line a stream. */
char *ds_property_graph_describe (DsPropertyGraph *self, gboolean with_input);
const char *ds_property_kind_to_string (DsPropertyKind kind);

/* The function of @node, as map, flat_map and filter have one: emits what comes of
 * @value; of other nodes @value. */
void ds_property_apply (DsPropertyNode *node, DsValue value, DsPropertyCall *call);
/* Of the values of a key. */
DsValue ds_property_digest (DsPropertyNode *node, GArray *values, DsPropertyCall *call);
DsValue ds_property_update (DsPropertyNode *node,
                            GArray *values,
                            DsValue state,
                            DsPropertyCall *call);
/* The two lists of a cogroup to a text; what has no order is sorted. */
DsValue
ds_property_render_lists (DsPropertyNode *node, GArray *lists[2], DsPropertyCall *call);

/* ---- Making them (ds-property-generate.c, -shape.c) ---- */

DsValue
ds_property_draw_value (DsPropertyType type, DsPropertyRandom *random, DsArena *arena);
/* Parents, function, type and all else of a node that has a kind only; FALSE: nothing in
 * the graph is fit for it. */
gboolean ds_property_shape (DsPropertyNode *node, DsPropertyRandom *random);

/* How large a graph is. */
typedef struct
{
  guint min_batches, max_batches;
  guint min_operators, max_operators;
} DsPropertySize;

/* With what the model says of every stream. */
DsPropertyGraph *ds_property_generate (guint64 seed);
DsPropertyGraph *ds_property_generate_sized (guint64 seed, const DsPropertySize *size);

/* ---- The naive model (ds-property-model.c) ---- */

/* The results of @node from those of its parents. */
void ds_property_model_run (DsPropertyNode *node);

/* ---- The library (ds-property-build.c, -callbacks.c, -run.c) ---- */

/* The streams of all nodes by id, NULL for those that are dropped.  (transfer container)
 */
GPtrArray *ds_property_build (DsPropertyGraph *graph, DsStreamingContext *streaming);
/* TRUE: it is the turn of the running task to fail, and it has been told to. */
gboolean ds_property_trip (DsPropertyNode *node, DsValue value, DsTask *task);

/* From a node to a stream of the library; @other (nullable). */
typedef DsDStream *(*DsPropertyBuilder) (DsPropertyNode *node,
                                         DsDStream *parent,
                                         DsDStream *other);

/* The ready-made function where there is one, which wants no user data. */
#define DS_PROPERTY_CHOOSE(known, call) ((known) != NULL ? (known) : (call))
#define DS_PROPERTY_DATA(known, node) ((known) != NULL ? NULL : (node))

DsDStream *ds_property_set_n_partitions (DsPropertyNode *node, DsDStream *stream);

/* ds-property-build-keys.c */
DsDStream *
ds_property_build_count (DsPropertyNode *node, DsDStream *parent, DsDStream *other);
DsDStream *
ds_property_build_reduce (DsPropertyNode *node, DsDStream *parent, DsDStream *other);
DsDStream *ds_property_build_count_by_value (DsPropertyNode *node,
                                             DsDStream *parent,
                                             DsDStream *other);
DsDStream *ds_property_build_reduce_by_key (DsPropertyNode *node,
                                            DsDStream *parent,
                                            DsDStream *other);
DsDStream *ds_property_build_combine_by_key (DsPropertyNode *node,
                                             DsDStream *parent,
                                             DsDStream *other);
DsDStream *ds_property_build_group_by_key (DsPropertyNode *node,
                                           DsDStream *parent,
                                           DsDStream *other);

/* ds-property-build-state.c */
DsDStream *
ds_property_build_update (DsPropertyNode *node, DsDStream *parent, DsDStream *other);
DsDStream *
ds_property_build_tracker (DsPropertyNode *node, DsDStream *parent, DsDStream *other);
DsDStream *
ds_property_build_snapshots (DsPropertyNode *node, DsDStream *parent, DsDStream *other);

/* What operators are given; user_data is the node. */
DsValue ds_property_call_map (DsValue value, DsTask *task, gpointer node);
void ds_property_call_flat_map (DsValue value, DsTask *task, gpointer node);
gboolean ds_property_call_filter (DsValue value, DsTask *task, gpointer node);
void ds_property_call_chunk (const DsValue *values,
                             gsize n_values,
                             DsTask *task,
                             gpointer node);
void ds_property_call_partition (DsPartition *partition, DsTask *task, gpointer node);
DsValue ds_property_call_reduce (DsValue a, DsValue b, DsTask *task, gpointer node);
DsValue ds_property_call_subtract (DsValue a, DsValue b, DsTask *task, gpointer node);
gboolean ds_property_call_is_nonzero (DsValue pair, DsTask *task, gpointer node);
DsValue ds_property_call_digest (DsValue list, DsTask *task, gpointer node);
DsValue ds_property_call_create (DsValue value, DsTask *task, gpointer node);
DsValue
ds_property_call_merge_value (DsValue a, DsValue value, DsTask *task, gpointer node);
DsValue ds_property_call_mean (DsValue sum_and_count, DsTask *task, gpointer node);
DsValue ds_property_call_lists (DsValue lists, DsTask *task, gpointer node);
DsValue ds_property_call_sides (DsValue sides, DsTask *task, gpointer node);

/* Where a graph is run. */
typedef struct
{
  const char *name; /* for messages */
  DsContext *engine;
  DsPropertyFailures failures;
  const char *directory; /* for checkpoints */
} DsPropertyEngine;

/* What each output gave: a list a node, NULL for what is no output, of a list of printed
 * elements a batch, NULL for no RDD. */
typedef struct
{
  GPtrArray *lists;
  GPtrArray *slice; /* (nullable): the same, of the RDDs of the slice */
} DsPropertyRun;

/* NULL: it failed, and @message says how. */
DsPropertyRun *
ds_property_run (DsPropertyGraph *graph, const DsPropertyEngine *engine, char **message);
void ds_property_run_free (DsPropertyRun *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsPropertyRun, ds_property_run_free)

/* ---- Comparing (ds-property-compare.c) ---- */

/* Of an output: NULL when it is as the model says.  Else what differs, and @batch, from
 * 0, says where. */
char *
ds_property_compare_with_model (DsPropertyNode *node, DsPropertyRun *run, guint *batch);
/* Of the slice, the same. */
char *ds_property_compare_slice_with_model (DsPropertyGraph *graph, DsPropertyRun *run);
/* The same for two runs, which must have given the same bytes. */
char *ds_property_compare_runs (DsPropertyNode *node,
                                DsPropertyRun *first,
                                DsPropertyRun *second,
                                guint *batch);

/* ---- Checking (ds-property-check.c) ---- */

typedef struct
{
  char *message;        /* NULL: there is none */
  DsPropertyNode *node; /* (nullable): the output that differs */
  guint batch;          /* from 0 */
} DsPropertyFault;

/* On the first engine against the model, on the others against the first. */
gboolean ds_property_check (DsPropertyGraph *graph,
                            const DsPropertyEngine *engines,
                            guint n_engines,
                            DsPropertyFault *fault);
/* Makes the graph smaller while it stays wrong; @fault is then about what is left. */
void ds_property_shrink (DsPropertyGraph *graph,
                         const DsPropertyEngine *engines,
                         guint n_engines,
                         DsPropertyFault *fault);

G_END_DECLS
