/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What streams and outputs are made of.
 *
 * A stream is a node of the graph: parents, a slide, and a function from a batch time to
 * an RDD, which is remembered.  An operator is a final type private to its file that
 * provides a DsDStreamOps and a constructor; everything else is here.  Nodes are built by
 * one thread, frozen by the start of the context, and from then on touched under the
 * graph's lock (ds-graph-private.h). */

#include "base/ds-error.h"
#include "dstream/ds-batch-private.h"
#include "dstream/ds-dstream.h"
#include "dstream/ds-input-dstream.h"
#include "rdd/ds-flow-private.h"
#include "rdd/ds-rdd-private.h"
#include "rdd/ds-shuffled-rdd-private.h"
#include "receivers/ds-receiver-supervisor-private.h"

G_BEGIN_DECLS

/* ---- User data shared by a stream and the RDDs that it makes ---- */

/* Refcounted; the last reference runs destroy.  An RDD may outlive its stream, and both
 * use the same user data, so neither owns it alone. */
typedef struct
{
  gpointer user_data;
  GDestroyNotify destroy;
} DsSharedData;

DsSharedData *ds_shared_data_new (gpointer user_data, GDestroyNotify destroy);
DsSharedData *ds_shared_data_ref (DsSharedData *self);
void ds_shared_data_unref (DsSharedData *self);

/* ---- Streams ---- */

typedef enum
{
  DS_OPTION_N_PARTITIONS = 1 << 0,
  DS_OPTION_PARTITIONER = 1 << 1,
  DS_OPTION_PRESERVES_PARTITIONING = 1 << 2,
  DS_OPTION_INITIAL_STATE = 1 << 3,
  DS_OPTION_STATE_TIMEOUT = 1 << 4
} DsDStreamOptions;

typedef struct
{
  const char *kind; /* "map", for names and messages */
  guint options;    /* DsDStreamOptions that it has */
  /* What it makes are steps (rdd/ds-step-rdd-private.h), which it gives to
   * ds_graph_add_step () too.  Asked at every time, in order, when that batch is
   * generated and at no other time, and for itself in charge of partitions. */
  gboolean is_stateful;
  /* Its RDDs only show those of its parent, which persist () is passed on to. */
  gboolean is_view;
  gboolean places_itself; /* in charge of partitions, too */
  /* Thread: driver.  Locks: the graph's is held.  The RDD of @batch's time; (transfer
   * full) (nullable): NULL without error is "no RDD". */
  DsRdd *(*compute) (DsDStream *self, DsBatch *batch, GError **error);
  /* (nullable): another stream, made before it, whose RDDs it takes, and which therefore
   * has to remember them for as long; NULL: none.  Once remember durations are known. */
  DsDStream *(*find_twin) (DsDStream *self);
  /* (nullable): of sources that can give a batch once more from what is in the log. */
  const struct _DsInputRecovery *recovery;
  /* (nullable): of streams that keep something from batch to batch. */
  const struct _DsStateKeeping *keeping;
} DsDStreamOps;

/* One remembered RDD. */
typedef struct
{
  DsTime time;
  DsRdd *rdd;
} DsGeneratedRdd;

/* How a stream fared in a batch. */
typedef struct
{
  DsTime time;       /* DS_TIME_NONE: there was none yet */
  gboolean has_rdd;  /* otherwise what follows says nothing */
  DsFlow flow;       /* of its RDD */
  gint64 n_received; /* that an input stream reported; -1: it did not */
} DsStreamNote;

typedef struct
{
  DsStreamingContext *context; /* not owned; NULL once the context is gone */
  const DsDStreamOps *ops;
  char *name;  /* (nullable) */
  char *label; /* (nullable): for messages, when there is no name */
  guint id;
  DsDStream **parents; /* not owned: the graph owns all */
  guint n_parents;
  gboolean is_inert;
  DsDuration slide;
  DsDuration window;   /* how far it looks back at its parents; 0: not at all */
  DsTime zero_time;    /* DS_TIME_NONE before start */
  DsDuration remember; /* 0: not set */
  DsDuration asked;    /* of it, what streams behind it look back at */
  GArray *generated;   /* DsGeneratedRdd, oldest first */
  DsTime newest_time;  /* that an RDD was made for; DS_TIME_NONE: none yet */
  DsTime making_time;  /* that one is being made for; DS_TIME_NONE: none */

  GCallback func;
  DsSharedData *data;

  guint n_partitions;         /* 0: not set */
  DsPartitioner *partitioner; /* (nullable) */
  gboolean preserves_partitioning;
  DsStorageLevel storage_level;
  DsShuffleHint *hint; /* (nullable): how many keys the last batch had */
  DsStreamNote note; /* of the last batch that is over; guarded by the batch log's lock */

  DsRdd *initial_state;             /* (nullable) */
  DsDuration state_timeout;         /* 0: none */
  DsDuration checkpoint_interval;   /* asked for; 0: not set */
  DsDuration checkpoint_default;    /* 0: needs no checkpoints */
  gboolean checkpoints_only_inside; /* what it keeps, not the RDDs that it gives */
} DsDStreamNode;
typedef DsDStreamNode DsDStreamPrivate; /* as G_DEFINE_TYPE_WITH_PRIVATE calls it */

DsDStreamNode *ds_dstream_get_node (DsDStream *self);

/* A type of stream without members of its own. */
#define DS_DEFINE_DSTREAM(TypeName, type_name, ops_)                                   \
  typedef struct                                                                       \
  {                                                                                    \
    DsDStream parent_instance;                                                         \
  } TypeName;                                                                          \
  typedef DsDStreamClass TypeName##Class;                                              \
  static GType type_name##_get_type (void);                                            \
  G_DEFINE_FINAL_TYPE (TypeName, type_name, DS_TYPE_DSTREAM)                           \
  static void type_name##_class_init (TypeName##Class *klass) { klass->ops = (ops_); } \
  static void type_name##_init (TypeName *self) {}

/* For the constructors of operators.  Makes a stream of @type over @parents and adds it
 * to their graph; when the call is wrong (context started, parents of two contexts or two
 * slides, a parent that is inert) an inert stream instead, with the mistake latched.
 * Always takes over @user_data.  (transfer none) */
DsDStream *ds_dstream_new_child (GType type,
                                 DsDStream *const *parents,
                                 guint n_parents,
                                 GCallback func,
                                 gpointer user_data,
                                 GDestroyNotify destroy);
/* The same for one parent. */
DsDStream *ds_dstream_derive (DsDStream *parent,
                              GType type,
                              GCallback func,
                              gpointer user_data,
                              GDestroyNotify destroy);
/* A stream that stands for a call that was wrong; it has latched its mistake already. */
DsDStream *ds_dstream_new_inert (DsStreamingContext *context);
/* The same for operators of a context.  (transfer none) */
DsDStream *ds_inert_dstream_new_for_null (DsStreamingContext *context,
                                          const char *caller,
                                          const char *argument,
                                          gpointer user_data,
                                          GDestroyNotify destroy);
/* For a call without a function or another argument that it needs: latches that, by the
 * names of both, frees @user_data, and returns what stands for the call; NULL and a
 * critical for a stream without context.  (transfer none) (nullable) */
DsDStream *ds_dstream_refuse_null (DsDStream *self,
                                   const char *caller,
                                   const char *argument,
                                   gpointer user_data,
                                   GDestroyNotify destroy);
/* At the entry of operators, as g_return_val_if_fail (). */
#define ds_dstream_return_if_null(self, argument, user_data, destroy)           \
  G_STMT_START                                                                  \
  {                                                                             \
    if (G_UNLIKELY ((argument) == NULL))                                        \
      return ds_dstream_refuse_null ((self), G_STRFUNC, #argument, (user_data), \
                                     (destroy));                                \
  }                                                                             \
  G_STMT_END

/* The option of a source or operator that it lacks, or a call after start: latched.
 * FALSE: ignore the call. */
gboolean ds_dstream_may_set (DsDStream *self, const char *option);
void ds_dstream_latch_lacks (DsDStream *self, const char *option, const char *who_has_it);
/* The name, else the label, else the kind: for messages. */
const char *ds_dstream_describe (DsDStream *self);
/* FALSE, and a critical: it outlived its context, or has none yet. */
gboolean ds_dstream_has_context (DsDStream *self, const char *what);
/* "[A-Za-z0-9._-]{1,64}" */
gboolean ds_is_valid_stream_name (const char *name);

/* ---- RDDs of a batch.  Thread: driver.  Locks: the graph's is held. ---- */

/* The remembered RDD of the batch's time, else a new one.  (transfer none) (nullable):
 * NULL without error is "no RDD". */
DsRdd *ds_dstream_get_rdd (DsDStream *self, DsBatch *batch, GError **error);
/* @rdd is what it gave at @time, before this process began. */
void ds_dstream_adopt_rdd (DsDStream *self, DsTime time, DsRdd *rdd);
/* The remembered RDD of @time.  (transfer none) (nullable) */
DsRdd *ds_dstream_find_rdd (DsDStream *self, DsTime time);
/* Of the only parent. */
DsRdd *ds_dstream_get_parent_rdd (DsDStream *self, DsBatch *batch, GError **error);
/* Of parent number @index, which must have one: "no RDD" is an error. */
DsRdd *ds_dstream_require_parent_rdd (DsDStream *self,
                                      guint index,
                                      DsBatch *batch,
                                      GError **error);
/* To be asked before a function of the program is called in the generation of @time's
 * batch: FALSE with %DS_ERROR_STOPPED when a stop has dropped that batch meanwhile. */
gboolean ds_dstream_may_call (DsDStream *self, DsTime time, GError **error);
/* @rdd uses the stream's user data: keeps it as long as @rdd lives.  Returns @rdd. */
DsRdd *ds_dstream_lend_data (DsDStream *self, DsRdd *rdd);
/* Drops what is older than the remember duration of the stream. */
void ds_dstream_forget (DsDStream *self, DsTime now);
void ds_dstream_forget_all (DsDStream *self);
gboolean ds_dstream_is_time_valid (DsDStream *self, DsTime time);
guint ds_dstream_get_n_remembered (DsDStream *self); /* for tests */

/* ---- Checkpoints: ds-dstream-checkpoint.c ---- */

/* The smallest multiple of @slide that is no less than 10 s: the default of streams whose
 * state has to be written. */
DsDuration ds_default_checkpoint_interval (DsDuration slide);
/* For operators with something that lasts: it goes into checkpoints, every @interval
 * unless the program says otherwise. */
void ds_dstream_need_checkpoints (DsDStream *self, DsDuration interval);
/* What the program asked for, else the default; 0: none. */
DsDuration ds_dstream_get_checkpoint_interval (DsDStream *self);
/* What it has to remember for the sake of checkpoints: twice the interval; 0: nothing. */
DsDuration ds_dstream_get_checkpoint_remember (DsDStream *self);
/* At start: FALSE when the stream's checkpoints are not possible as asked for. */
gboolean
ds_dstream_check_checkpoints (DsDStream *self, const char *directory, GError **error);

/* ---- Input streams ---- */

/* Makes @self an input stream of @context with the next id; FALSE with the mistake
 * latched. */
gboolean ds_input_dstream_attach (DsInputDStream *self, DsStreamingContext *context);
gboolean ds_input_dstream_start (DsInputDStream *self, GError **error);
void ds_input_dstream_stop (DsInputDStream *self);

DsInputDStream *ds_queue_input_dstream_new (void);
/* TRUE: a queue stream that would give an empty batch. */
gboolean ds_queue_input_dstream_is_idle (DsInputDStream *input);
DsInputDStream *ds_receiver_input_dstream_new (DsReceiver *receiver);
/* The receiver of a receiver stream, with the options of the stream put into @settings;
 * NULL for any other.  (transfer none) */
DsReceiver *ds_receiver_input_dstream_prepare (DsInputDStream *input,
                                               DsReceiverSettings *settings);
/* The same without settings, of any stream.  (transfer none) (nullable) */
DsReceiver *ds_receiver_input_dstream_get_receiver (DsDStream *stream);
/* What a connected socket stream without data knows of its server; NULL: it is none.
 * (transfer full) (nullable).  Any thread. */
char *ds_socket_stream_explain (DsDStream *stream);
/* What the program asked for, else what the context says; NONE without a receiver. */
DsDurability ds_receiver_input_dstream_get_durability (DsDStream *stream);
/* What a parse function of the program is to a socket receiver; takes over @user_data. */
struct _DsSocketParser *ds_function_parser_new (DsContext *context,
                                                DsParseFunc func,
                                                gpointer user_data,
                                                GDestroyNotify destroy);

/* ---- Outputs ---- */

typedef struct _DsOutputOps DsOutputOps;

struct _DsOutputOps
{
  const char *kind; /* "print" */
  /* Thread: driver.  Locks: none.  The body: runs once a batch that has an RDD. */
  gboolean (*run) (DsOutput *self, DsRdd *rdd, DsBatch *batch, GError **error);
  /* (nullable) Before the first batch; no thread of the stream runs yet. */
  gboolean (*start) (DsOutput *self, GError **error);
  /* (nullable) After the last one, when it was started. */
  void (*stop) (DsOutput *self);
  void (*free_state) (gpointer state);
};

struct _DsOutput
{
  GObject parent_instance;

  const DsOutputOps *ops;
  gpointer state;              /* of the operation */
  DsStreamingContext *context; /* not owned; NULL once the context is gone */
  DsDStream *stream;           /* not owned: the graph owns both */
  char *name;                  /* GRefString: given, or "print-0" */
  gboolean is_named;           /* it was given */
  char *description; /* GRefString: "queue stream -> map -> print"; set by start */
  guint id;
  gboolean is_inert;
};

/* For the output operations: registers an output of @stream with its graph; inert, with
 * the mistake latched, when the call is wrong.  Takes over @state.  (transfer none) */
DsOutput *ds_output_new (DsDStream *stream, const DsOutputOps *ops, gpointer state);
/* The names are final: makes the description. */
void ds_output_freeze (DsOutput *self);
/* As it enters a batch: nothing has happened yet. */
DsOutputInfo ds_output_get_info (DsOutput *self);
/* What print writes for one batch. */
char *ds_print_output_format (DsTime batch_time, DsBlock *values, guint n);
/* "<prefix>-<ms>.<suffix>" */
char *ds_files_output_get_path (const char *prefix, const char *suffix, DsTime time);
/* @path, or where it is from @directory (nullable) on, if it is relative.  (transfer
 * full)
 */
char *ds_files_output_place (const char *directory, const char *path);

G_END_DECLS
