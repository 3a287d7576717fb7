/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include <glib.h>

G_BEGIN_DECLS

/**
 * DS_ERROR:
 *
 * The one error domain of the library; its codes are #DsError.
 */
#define DS_ERROR (ds_error_quark ())
DS_AVAILABLE_IN_ALL
GQuark ds_error_quark (void);

/**
 * DsError:
 * @DS_ERROR_FAILED: none of the others
 * @DS_ERROR_INVALID_ARGUMENT: a value out of range, or an option that the operator does
 *   not have
 * @DS_ERROR_INVALID_INTERVAL: a window, slide or checkpoint interval is not a fitting
 *   multiple
 * @DS_ERROR_INVALID_STATE: not possible now: added after start, a second active context
 * @DS_ERROR_STOPPED: the context was stopped meanwhile
 * @DS_ERROR_CANCELLED: a #GCancellable was cancelled
 * @DS_ERROR_TIMEOUT: a deadline passed
 * @DS_ERROR_EMPTY: first, reduce, min or max of no value
 * @DS_ERROR_TYPE: a value of another type than the function asked for
 * @DS_ERROR_USER_FUNCTION: ds_task_fail () was called, or a driver function returned
 *   failure
 * @DS_ERROR_NOT_FOUND: no such file, host or name
 * @DS_ERROR_IO: reading or writing failed
 * @DS_ERROR_NO_SPACE: the disk or the quota is full
 * @DS_ERROR_FSYNC_FAILED: the system could not make a file durable
 * @DS_ERROR_NETWORK: a connection could not be made, or broke, or the server of a file
 *   system is away
 * @DS_ERROR_TLS: a certificate or a handshake was refused
 * @DS_ERROR_LIMIT: a configured cap was met
 * @DS_ERROR_TOO_DEEP: values nested deeper than is read
 * @DS_ERROR_BAD_FILE: a file changed while it was in use, or does not have the promised
 *   form
 * @DS_ERROR_BAD_RECORD_LENGTH: bytes do not divide into records of the given length
 * @DS_ERROR_CORRUPT: encoded data, a checkpoint or a log is damaged
 * @DS_ERROR_VERSION: written by a newer version of the library
 * @DS_ERROR_GRAPH_MISMATCH: the checkpoint was written by another graph
 * @DS_ERROR_LOCKED: another process uses the checkpoint directory
 *
 * What went wrong, as far as a program can act on it.
 *
 * The message of the #GError says the rest: the thing, the value found, what was expected
 * and what to do.  Codes are never renumbered.
 */
typedef enum
{
  DS_ERROR_FAILED,
  DS_ERROR_INVALID_ARGUMENT,
  DS_ERROR_INVALID_INTERVAL,
  DS_ERROR_INVALID_STATE,
  DS_ERROR_STOPPED,
  DS_ERROR_CANCELLED,
  DS_ERROR_TIMEOUT,
  DS_ERROR_EMPTY,
  DS_ERROR_TYPE,
  DS_ERROR_USER_FUNCTION,
  DS_ERROR_NOT_FOUND,
  DS_ERROR_IO,
  DS_ERROR_NO_SPACE,
  DS_ERROR_FSYNC_FAILED,
  DS_ERROR_NETWORK,
  DS_ERROR_TLS,
  DS_ERROR_LIMIT,
  DS_ERROR_TOO_DEEP,
  DS_ERROR_BAD_FILE,
  DS_ERROR_BAD_RECORD_LENGTH,
  DS_ERROR_CORRUPT,
  DS_ERROR_VERSION,
  DS_ERROR_GRAPH_MISMATCH,
  DS_ERROR_LOCKED
} DsError;

G_END_DECLS
