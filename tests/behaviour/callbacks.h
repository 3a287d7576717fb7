/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Every place where the library calls the program: a kind of callback each.  A site is a
 * small stream in which one such callback exists; it visits the test, which then stops,
 * fails, or calls whatever it likes from there. */

#include "tests/behaviour/behaviour.h"

G_BEGIN_DECLS

typedef struct _CallbackKind CallbackKind;
typedef struct _CallbackSite CallbackSite;

/* What the callback was given, as far as its kind has it. */
typedef struct
{
  CallbackSite *site;
  DsTask *task;
  DsPartition *partition;
  DsState *state;
  DsRdd *rdd;
  DsBatch *batch;
  DsReceiver *receiver;
  GAsyncResult *result;
  DsTime batch_time; /* DS_TIME_NONE outside of a batch */
} CallbackVisit;

/* FALSE makes the callback fail, in the way of its kind; where it has none, nothing. */
typedef gboolean (*CallbackVisitFunc) (CallbackVisit *visit, gpointer user_data);

typedef enum
{
  CALLBACK_DRIVER,    /* once a batch, with a GError */
  CALLBACK_TASK,      /* on executors, with a DsTask */
  CALLBACK_SOURCE,    /* of a receiver or an input stream */
  CALLBACK_LISTENER,  /* handlers of signals */
  CALLBACK_ELSEWHERE, /* not always in a thread of the stream's: waiting for it may be
                         no mistake */
} CallbackPlace;

struct _CallbackKind
{
  const char *name;
  const char *type; /* of the function, as the headers call it */
  CallbackPlace place;
  void (*build) (CallbackSite *site);
  void (*provoke) (CallbackSite *site); /* (nullable) what leads to the call, after the
                                           first batches; most need nothing more */
};

struct _CallbackSite
{
  const CallbackKind *kind;
  CallbackVisitFunc visit;
  gpointer visit_data;
  DsManualClock *clock;
  DsStreamingContext *ssc;
  DsContext *engine;
  DsDStream *pairs; /* a queue stream: (a,1) (b,2) (a,3) in each of some batches */
  DsReceiver *receiver;
  DsOutput *collected; /* (nullable) what the callback makes */
  GThread *thread;     /* (nullable) of the program's own */
  char *directory;     /* (nullable) for checkpoints */
  char *files;         /* (nullable) of a directory stream */
  Gate visits;
  Gate borrowed; /* less than 0 while something may still call destroy */
  Gate stored;   /* records that the receiver's store functions took */
};

/* All kinds: those of functions, then one for each signal of the context. */
const CallbackKind *callback_kinds_get (guint *n_kinds);

/* A context with 1 s batches on a manual clock at 0 that keeps its engine when it stops;
 * not started. */
void callback_site_set_up (CallbackSite *self,
                           const CallbackKind *kind,
                           CallbackVisitFunc visit,
                           gpointer visit_data);
/* Starts, has three batches made, does what leads to the call, and waits for it. */
gboolean callback_site_run (CallbackSite *self, GError **error);
void callback_site_tear_down (CallbackSite *self);

/* ---- For the files of the kinds ---- */

/* For streams with state.  Does nothing the second time. */
void callback_site_need_checkpoints (CallbackSite *self);

/* A directory with a file for each of some batches, and one that is passed over. */
const char *callback_site_need_files (CallbackSite *self);

gboolean callback_site_visit (CallbackSite *self, CallbackVisit visit);
/* The same with why it failed, for callbacks with a GError. */
gboolean
callback_site_visit_driver (CallbackSite *self, CallbackVisit visit, GError **error);
/* For GDestroyNotify: what to give as user data, and the function. */
gpointer callback_site_lend (CallbackSite *self);
void callback_site_destroyed (gpointer site);

extern const CallbackKind callback_operator_kinds[];
extern const CallbackKind callback_state_kinds[];
extern const CallbackKind callback_task_kinds[];
extern const CallbackKind callback_driver_kinds[];
extern const CallbackKind callback_source_kinds[];
extern const CallbackKind callback_elsewhere_kinds[];

G_END_DECLS
