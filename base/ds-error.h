/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include <glib.h>

G_BEGIN_DECLS

/* The one error domain.  A code is something a caller can act on; the message names the
 * thing, the value found, what was expected and what to do.  Codes are never renumbered.
 */
#define DS_ERROR (ds_error_quark ())
DS_AVAILABLE_IN_ALL
GQuark ds_error_quark (void);

typedef enum
{
  DS_ERROR_FAILED,           /* none of the others */
  DS_ERROR_INVALID_ARGUMENT, /* a value out of range; an option that the operator does not
                                have */
  DS_ERROR_INVALID_INTERVAL, /* window, slide or checkpoint interval is not a fitting
                                multiple */
  DS_ERROR_INVALID_STATE,    /* added after start, second active context, ... */
  DS_ERROR_STOPPED,          /* the context was stopped meanwhile */
  DS_ERROR_CANCELLED,
  DS_ERROR_TIMEOUT,
  DS_ERROR_EMPTY,         /* first, reduce, min, max of no value */
  DS_ERROR_TYPE,          /* a value of another type than the function asked for */
  DS_ERROR_USER_FUNCTION, /* ds_task_fail (), or a driver function returned failure */
  DS_ERROR_NOT_FOUND,
  DS_ERROR_IO,
  DS_ERROR_NO_SPACE,
  DS_ERROR_FSYNC_FAILED,
  DS_ERROR_NETWORK,
  DS_ERROR_TLS,
  DS_ERROR_LIMIT, /* a configured cap was met */
  DS_ERROR_TOO_DEEP,
  DS_ERROR_BAD_FILE,
  DS_ERROR_BAD_RECORD_LENGTH,
  DS_ERROR_CORRUPT, /* checkpoint or log damaged */
  DS_ERROR_VERSION,
  DS_ERROR_GRAPH_MISMATCH, /* the checkpoint was written by another graph */
  DS_ERROR_LOCKED          /* another process uses the checkpoint directory */
} DsError;

G_END_DECLS
