/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What narrow operators share: a node with one parent and one function, and a sink that
 * calls it. */

#include "rdd/ds-rdd-private.h"

G_BEGIN_DECLS

/* ---- The node ---- */

typedef struct
{
  DsRdd parent_instance;
  GCallback func; /* (nullable) */
  DsClosureData closure;
} DsNarrowRdd;

typedef struct
{
  DsRddClass parent_class;
} DsNarrowRddClass;

GType ds_narrow_rdd_get_type (void);
/* A node of @type, a subtype.  @keeps_keys: the parent's partitioner holds here, too. */
DsRdd *ds_narrow_rdd_new (GType type,
                          DsRdd *parent,
                          const char *kind,
                          gboolean keeps_keys,
                          GCallback func,
                          gpointer user_data,
                          GDestroyNotify destroy);
/* For ops: takes the parent's partitioner, or none. */
gboolean ds_narrow_rdd_set_preserves_partitioning (DsRdd *rdd, gboolean preserves);

/* An operator's node type: DS_DEFINE_NARROW_RDD (DsMappedRdd, ds_mapped_rdd, ops). */
#define DS_DEFINE_NARROW_RDD(TypeName, type_name, ops_)                \
  typedef DsNarrowRdd TypeName;                                        \
  typedef DsNarrowRddClass TypeName##Class;                            \
  static GType type_name##_get_type (void);                            \
  G_DEFINE_FINAL_TYPE (TypeName, type_name, ds_narrow_rdd_get_type ()) \
  static void type_name##_class_init (TypeName##Class *klass)          \
  {                                                                    \
    klass->parent_class.ops = (ops_);                                  \
  }                                                                    \
  static void type_name##_init (TypeName *self) {}

/* ---- The sink ---- */

typedef struct
{
  DsSink sink;
  GCallback func;
  gpointer user_data;
  DsArena *arena;     /* (nullable): scratch memory of a function that returns values */
  DsEmitter *emitter; /* (nullable): of a function that emits them */
  DsValue *results;   /* (nullable): scratch columns */
  DsValue *more_results;
} DsFunctionSink;

/* A sink for the node's function, with neither arena nor columns yet. */
DsFunctionSink *ds_function_sink_new (DsRdd *rdd,
                                      DsTask *task,
                                      DsSink *next,
                                      guint accepts,
                                      gboolean (*push) (DsSink *sink,
                                                        const DsChunk *chunk));
/* A sink without a function. */
DsSink *ds_function_sink_new_plain (DsTask *task,
                                    DsSink *next,
                                    guint accepts,
                                    gboolean (*push) (DsSink *sink,
                                                      const DsChunk *chunk));
/* Frees all of it, and the sink. */
void ds_function_sink_free (DsSink *sink);

/* ---- Ready-made functions, known by their address ---- */

/* A sink that does the same as flat_map with @func a chunk at a time; NULL: not known. */
DsSink *ds_known_flat_map_make_sink (GCallback func, DsTask *task, DsSink *next);
/* The same for map. */
DsSink *ds_known_map_make_sink (GCallback func, DsTask *task, DsSink *next);
/* What is wrong with @user_data for @func, when it is known and needs some; NULL:
 * nothing.  (transfer full) */
char *ds_function_check_user_data (GCallback func, gpointer user_data);
/* Sinks that pass one column of pairs on. */
DsSink *ds_keys_sink_new (DsTask *task, DsSink *next);
DsSink *ds_values_sink_new (DsTask *task, DsSink *next);

G_END_DECLS
