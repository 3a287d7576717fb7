/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include "dstream/ds-dstream.h"

G_BEGIN_DECLS

/**
 * DsInputDStream:
 *
 * A source without receiver: derive it, override `compute`, and hand an instance to
 * ds_streaming_context_input_stream ().
 */
#define DS_TYPE_INPUT_DSTREAM (ds_input_dstream_get_type ())
DS_AVAILABLE_IN_ALL
G_DECLARE_DERIVABLE_TYPE (DsInputDStream, ds_input_dstream, DS, INPUT_DSTREAM, DsDStream)

/**
 * DsInputDStreamClass:
 * @start: (nullable): the context starts; %FALSE with @error makes its start fail.
 *   Thread: the one that starts
 * @stop: (nullable): the context has run its last batch.  Thread: the one that stops
 * @compute: the RDD of a batch, (transfer full) (nullable): %NULL without error is "no
 *   RDD for this batch", which is not the same as an empty one.  Thread: driver
 */
struct _DsInputDStreamClass
{
  DsDStreamClass parent_class;
  gboolean (*start) (DsInputDStream *self, GError **error);
  void (*stop) (DsInputDStream *self);
  DsRdd *(*compute) (DsInputDStream *self, DsTime batch_time, GError **error);
  /*< private >*/
  gpointer padding[12];
};

/**
 * DsBadRecordPolicy:
 * @DS_ON_BAD_RECORD_FAIL: the stream fails, naming where the record was
 * @DS_ON_BAD_RECORD_SKIP: drop it and count it
 * @DS_ON_BAD_RECORD_SPLIT: lines only: hand on the pieces
 *
 * What a source does with a record that it cannot take, as a line over the limit.
 */
typedef enum
{
  DS_ON_BAD_RECORD_FAIL,
  DS_ON_BAD_RECORD_SKIP,
  DS_ON_BAD_RECORD_SPLIT
} DsBadRecordPolicy;

/* ---- Options of text sources ---- */

DS_AVAILABLE_IN_ALL
void ds_dstream_set_max_record_bytes (DsDStream *self, gsize max_bytes);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_bad_record_policy (DsDStream *self, DsBadRecordPolicy policy);

/* ---- Options of receiver streams ---- */

DS_AVAILABLE_IN_ALL
void ds_dstream_set_max_rate (DsDStream *self, guint records_per_second);

/* ---- Options of sockets ---- */

DS_AVAILABLE_IN_ALL
void ds_dstream_set_tls (DsDStream *self, gboolean tls);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_tls_ca_file (DsDStream *self, const char *path);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_idle_timeout (DsDStream *self, DsDuration timeout);

/* ---- Queue streams ---- */

DS_AVAILABLE_IN_ALL
void ds_dstream_set_one_at_a_time (DsDStream *self, gboolean one_at_a_time);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_default_rdd (DsDStream *self, DsRdd *rdd);
DS_AVAILABLE_IN_ALL
void ds_dstream_push_block (DsDStream *self, DsBlock *block);
DS_AVAILABLE_IN_ALL
void ds_dstream_push_rdd (DsDStream *self, DsRdd *rdd);

G_END_DECLS
