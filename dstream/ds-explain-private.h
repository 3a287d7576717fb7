/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsExplanation: why a stream gave what it gave in the last batch that is over; found
 * once, told as text and as data.  Any thread, also in functions of the stream. */

#include "dstream/ds-batch-log-private.h"

G_BEGIN_DECLS

/* Why nothing came out of a stream, or that something did. */
typedef enum
{
  DS_CONDITION_WRONG,         /* it stands for a wrong call */
  DS_CONDITION_NOT_STARTED,   /* the context is not */
  DS_CONDITION_NOT_USED,      /* no output reaches it */
  DS_CONDITION_NO_BATCH,      /* none is over yet */
  DS_CONDITION_FAILED,        /* the batch */
  DS_CONDITION_INSIDE_WINDOW, /* it slides by more than a batch and is not due */
  DS_CONDITION_NO_RDD,        /* it had none for the batch */
  DS_CONDITION_NOT_COMPUTED,  /* nobody asked its RDD for values */
  DS_CONDITION_NOT_CONNECTED, /* no data, and the receiver of a source is in trouble */
  DS_CONDITION_NO_DATA,       /* the sources brought nothing */
  DS_CONDITION_ALL_FILTERED,  /* an operator let nothing through */
  DS_CONDITION_GAVE           /* values came out */
} DsCondition;

/* What an operator did in the batch. */
typedef struct
{
  DsDStream *stream; /* not owned: the graph owns it */
  gboolean has_rdd;  /* of that batch; otherwise nothing is known */
  gboolean knows_in; /* what its parents gave, together */
  guint64 n_in;
  gboolean knows_out;
  guint64 n_out;
  guint64 n_text_bytes; /* that it gave as lines that were not counted */
  gboolean is_part;     /* no more was asked for */
} DsOperatorFacts;

typedef struct
{
  DsDStream *stream;
  DsCondition condition;
  char *reason;      /* owned: a sentence without its full stop */
  DsTime time;       /* of the batch; DS_TIME_NONE: there was none */
  GArray *operators; /* owned: DsOperatorFacts, what leads to the stream, it last */
} DsExplanation;

/* @self: zeroed */
void ds_explanation_init (DsExplanation *self, DsDStream *stream);
void ds_explanation_clear (DsExplanation *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DsExplanation, ds_explanation_clear)

const char *ds_condition_get_nick (DsCondition condition);

G_END_DECLS
