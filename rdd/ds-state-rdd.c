/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The RDD of all states after a batch: nothing is copied when the batch runs; who asks
 * for the values reads the tables, through the deltas of later batches.  For as long as
 * the RDD lives, these are kept. */

#include "rdd/ds-state-store-private.h"
#include "rdd/ds-step-rdd-private.h"

typedef struct
{
  DsRdd parent_instance;
  DsStateStore *store;
  DsRdd *step; /* owned by the lineage */
  DsTime time;
} DsStateRdd;

typedef struct
{
  DsRddClass parent_class;
} DsStateRddClass;

static GType ds_state_rdd_get_type (void);
G_DEFINE_FINAL_TYPE (DsStateRdd, ds_state_rdd, DS_TYPE_RDD)

static gboolean
ds_state_rdd_compute (DsRdd *rdd, guint partition, DsTask *task, DsSink *sink)
{
  DsStateRdd *self = (DsStateRdd *) rdd;

  return ds_step_rdd_check (self->step, partition, task) &&
         ds_state_store_push (self->store, partition, self->time, task, sink);
}

static guint64
ds_state_rdd_estimate_bytes (DsRdd *rdd)
{
  return ds_state_store_get_n_bytes (((DsStateRdd *) rdd)->store);
}

static const DsRddOps ds_state_rdd_ops = { .compute = ds_state_rdd_compute,
                                           .estimate_bytes =
                                               ds_state_rdd_estimate_bytes };

static void
ds_state_rdd_finalize (GObject *object)
{
  DsStateRdd *self = (DsStateRdd *) object;

  ds_state_store_unpin (self->store, self->time);
  ds_state_store_unref (self->store);

  G_OBJECT_CLASS (ds_state_rdd_parent_class)->finalize (object);
}

static void
ds_state_rdd_class_init (DsStateRddClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_state_rdd_finalize;
  klass->parent_class.ops = &ds_state_rdd_ops;
}

static void
ds_state_rdd_init (DsStateRdd *self)
{
}

typedef struct
{
  DsStateStore *store;
  DsTime time;
} DsStepPin;

static void
ds_step_pin_free (gpointer data)
{
  DsStepPin *self = data;

  ds_state_store_unpin (self->store, self->time);
  ds_state_store_unref (self->store);
  g_free (self);
}

void
ds_state_store_pin_step (DsStateStore *self, DsRdd *step)
{
  DsStepPin *pin = g_new (DsStepPin, 1);

  pin->store = ds_state_store_ref (self);
  pin->time = ds_step_rdd_get_time (step);
  ds_state_store_pin (self, pin->time);
  g_object_set_data_full (G_OBJECT (step), "ds-step-pin", pin, ds_step_pin_free);
}

DsRdd *
ds_state_rdd_new (DsRdd *step,
                  const char *kind,
                  DsStateStore *store,
                  DsPartitioner *partitioner)
{
  DsStateRdd *self = g_object_new (ds_state_rdd_get_type (), NULL);
  DsRdd *rdd = (DsRdd *) self;

  self->store = ds_state_store_ref (store);
  self->step = step;
  self->time = ds_step_rdd_get_time (step);
  ds_state_store_pin (store, self->time);
  ds_rdd_init_node (rdd, ds_rdd_get_context (step), kind, ds_rdd_get_n_partitions (step));
  ds_rdd_add_parent (rdd, step, NULL);
  ds_rdd_set_node_partitioner (rdd, partitioner);
  return rdd;
}
