/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include "rdd/ds-task.h"

G_BEGIN_DECLS

/* Ready-made functions, to be passed with NULL, NULL unless it says otherwise.  The
 * engine knows them and runs them a chunk at a time.  All (skip); the "_op" verbs name
 * the same to bindings. */

/* DsFlatMapFunc */
DS_AVAILABLE_IN_ALL
void
ds_split_words (DsValue text, DsTask *task, gpointer unused); /* at ASCII white space */
DS_AVAILABLE_IN_ALL
void ds_split_lines (DsValue text, DsTask *task, gpointer unused); /* at \n, \r\n */
DS_AVAILABLE_IN_ALL
void ds_split_fields (DsValue text, DsTask *task, gpointer separators); /* "," or ",;" */
DS_AVAILABLE_IN_ALL
void ds_split_chars (DsValue text, DsTask *task, gpointer unused); /* UTF-8 characters */
DS_AVAILABLE_IN_ALL
void
ds_items (DsValue list, DsTask *task, gpointer unused); /* each item of a list or tuple */

/* DsMapFunc */
DS_AVAILABLE_IN_ALL
DsValue ds_identity (DsValue value, DsTask *task, gpointer unused);
DS_AVAILABLE_IN_ALL
DsValue ds_pair_with_one (DsValue value, DsTask *task, gpointer unused); /* (value, 1) */
DS_AVAILABLE_IN_ALL
DsValue ds_swap (DsValue pair, DsTask *task, gpointer unused); /* (b, a) */
DS_AVAILABLE_IN_ALL
DsValue ds_to_key (DsValue pair, DsTask *task, gpointer unused);
DS_AVAILABLE_IN_ALL
DsValue ds_to_value (DsValue pair, DsTask *task, gpointer unused);
DS_AVAILABLE_IN_ALL
DsValue ds_to_length (DsValue value,
                      DsTask *task,
                      gpointer unused); /* characters, bytes or items */
DS_AVAILABLE_IN_ALL
DsValue ds_to_lower (DsValue text, DsTask *task, gpointer unused);
DS_AVAILABLE_IN_ALL
DsValue ds_to_upper (DsValue text, DsTask *task, gpointer unused);
DS_AVAILABLE_IN_ALL
DsValue ds_to_stripped (DsValue text, DsTask *task, gpointer unused);
DS_AVAILABLE_IN_ALL
DsValue ds_to_string (DsValue value, DsTask *task, gpointer unused); /* printed form */
DS_AVAILABLE_IN_ALL
DsValue ds_parse_int (DsValue text,
                      DsTask *task,
                      gpointer unused); /* fails the task on bad text */
DS_AVAILABLE_IN_ALL
DsValue ds_parse_double (DsValue text, DsTask *task, gpointer unused);
DS_AVAILABLE_IN_ALL
DsValue
ds_mean (DsValue sum_and_count, DsTask *task, gpointer unused); /* (sum, n) -> sum / n */

/* DsReduceFunc; int with int stays int (overflow fails the task), else double; tuples
 * item by item, so that (sum, n) + (sum, n) is one ds_add. */
DS_AVAILABLE_IN_ALL
DsValue ds_add (DsValue a, DsValue b, DsTask *task, gpointer unused);
DS_AVAILABLE_IN_ALL
DsValue ds_subtract (DsValue a,
                     DsValue b,
                     DsTask *task,
                     gpointer unused); /* the inverse of ds_add */
DS_AVAILABLE_IN_ALL
DsValue ds_multiply (DsValue a, DsValue b, DsTask *task, gpointer unused);
DS_AVAILABLE_IN_ALL
DsValue ds_min (DsValue a, DsValue b, DsTask *task, gpointer unused);
DS_AVAILABLE_IN_ALL
DsValue ds_max (DsValue a, DsValue b, DsTask *task, gpointer unused);
DS_AVAILABLE_IN_ALL
DsValue ds_keep_first (DsValue a, DsValue b, DsTask *task, gpointer unused);
DS_AVAILABLE_IN_ALL
DsValue ds_keep_last (DsValue a, DsValue b, DsTask *task, gpointer unused);

/* DsFilterFunc */
DS_AVAILABLE_IN_ALL
gboolean ds_is_not_empty (DsValue text, DsTask *task, gpointer unused);
DS_AVAILABLE_IN_ALL
gboolean ds_is_not_null (DsValue value, DsTask *task, gpointer unused);
DS_AVAILABLE_IN_ALL
gboolean ds_contains (DsValue text, DsTask *task, gpointer part); /* user_data: "ERROR" */
DS_AVAILABLE_IN_ALL
gboolean ds_has_prefix (DsValue text, DsTask *task, gpointer prefix);
DS_AVAILABLE_IN_ALL
gboolean ds_is_nonzero_pair (DsValue pair,
                             DsTask *task,
                             gpointer unused); /* (key, value): value != 0 */

/* DsParseFunc */
DS_AVAILABLE_IN_ALL
gsize ds_parse_msgpack (const guint8 *bytes,
                        gsize n_bytes,
                        gboolean at_end,
                        DsTask *task,
                        gpointer unused); /* values back to back */

/**
 * DsReduction:
 * @DS_REDUCTION_ADD: as ds_add ()
 * @DS_REDUCTION_MULTIPLY: as ds_multiply ()
 * @DS_REDUCTION_MIN: as ds_min ()
 * @DS_REDUCTION_MAX: as ds_max ()
 * @DS_REDUCTION_FIRST: as ds_keep_first ()
 * @DS_REDUCTION_LAST: as ds_keep_last ()
 *
 * The reductions by name, for other languages.
 */
typedef enum
{
  DS_REDUCTION_ADD,
  DS_REDUCTION_MULTIPLY,
  DS_REDUCTION_MIN,
  DS_REDUCTION_MAX,
  DS_REDUCTION_FIRST,
  DS_REDUCTION_LAST
} DsReduction;

G_END_DECLS
