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
 * @DS_ON_BAD_RECORD_SKIP_FILE: files only: pass over the file, and say so
 *
 * What a source does with a record that it cannot take, as a line over the limit.
 */
typedef enum
{
  DS_ON_BAD_RECORD_FAIL,
  DS_ON_BAD_RECORD_SKIP,
  DS_ON_BAD_RECORD_SPLIT,
  DS_ON_BAD_RECORD_SKIP_FILE
} DsBadRecordPolicy;

/**
 * DsFileSelection:
 * @DS_FILES_NEW: modified after the stream was made, and within the remember window
 *   before the batch: Spark's rule
 * @DS_FILES_RECENT: also older than the stream, but within the remember window: Spark's
 *   `newFilesOnly = false`
 * @DS_FILES_ALL: every file once, whatever its time
 *
 * Which files of a directory are new to a batch.
 */
typedef enum
{
  DS_FILES_NEW,
  DS_FILES_RECENT,
  DS_FILES_ALL
} DsFileSelection;

/**
 * DsFileFilterFunc:
 * @name: (type filename): the name of a file, without its directory
 * @user_data: (closure): what was given with the function
 *
 * Whether a directory stream takes a file.  Thread: the one that generates batches.
 *
 * Returns: %FALSE to pass the file over
 */
typedef gboolean (*DsFileFilterFunc) (const char *name, gpointer user_data);

/**
 * DsDurability:
 * @DS_DURABILITY_NONE: nothing is written.  Lost with the process: what was received and
 *   whose batch is not done
 * @DS_DURABILITY_GROUP: blocks go to the write-ahead log, and one sync serves all that
 *   wait: after 5 ms, or 1 MiB.  Lost: nothing that was acknowledged; of a source that is
 *   not told, as a socket, what came within the last block interval and those 5 ms
 * @DS_DURABILITY_EVERY_RECORD: each store is written and synced before it returns, and a
 *   socket is read no further before what it gave lies on the disk.  Lost: nothing that
 *   was stored; of a socket, what one read gave
 *
 * What receivers lose when the process is killed, or the machine.
 *
 * Nothing is lost at any level when the stream is stopped gracefully.  Where data is
 * written, the stream needs a checkpoint directory, and goes on from there when it is
 * started again.
 */
typedef enum
{
  DS_DURABILITY_NONE,
  DS_DURABILITY_GROUP,
  DS_DURABILITY_EVERY_RECORD
} DsDurability;
#define DS_TYPE_DURABILITY (ds_durability_get_type ())
DS_AVAILABLE_IN_ALL
GType ds_durability_get_type (void);

/* ---- Options of text sources ---- */

DS_AVAILABLE_IN_ALL
void ds_dstream_set_max_record_bytes (DsDStream *self, gsize max_bytes);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_bad_record_policy (DsDStream *self, DsBadRecordPolicy policy);

/* ---- Options of receiver streams ---- */

DS_AVAILABLE_IN_ALL
void ds_dstream_set_max_rate (DsDStream *self, guint records_per_second);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_durability (DsDStream *self, DsDurability durability);

/* ---- Options of sockets ---- */

DS_AVAILABLE_IN_ALL
void ds_dstream_set_tls (DsDStream *self, gboolean tls);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_tls_ca_file (DsDStream *self, const char *path);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_idle_timeout (DsDStream *self, DsDuration timeout);

/* ---- Directory streams ---- */

DS_AVAILABLE_IN_ALL
void ds_dstream_set_file_filter (DsDStream *self,
                                 DsFileFilterFunc func,
                                 gpointer user_data,
                                 GDestroyNotify destroy);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_file_pattern (DsDStream *self, const char *glob);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_file_selection (DsDStream *self, DsFileSelection selection);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_max_depth (DsDStream *self, guint max_depth);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_settle_time (DsDStream *self, DsDuration settle_time);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_max_files_per_batch (DsDStream *self, guint max_files);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_max_bytes_per_batch (DsDStream *self, guint64 max_bytes);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_archive_directory (DsDStream *self, const char *directory);
DS_AVAILABLE_IN_ALL
void ds_dstream_set_delete_files (DsDStream *self, gboolean delete_files);

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
