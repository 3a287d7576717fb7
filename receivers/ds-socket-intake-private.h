/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsSocketIntake: what becomes of the bytes of a socket.  Lines are only looked for
 * (ds-line-intake.c); anything else is cut into values by a parser, which may be a
 * function of the program (ds-parse-intake.c).  All of it: Thread: receiver. */

#include "base/ds-line-buffer-private.h"
#include "receivers/ds-socket-connection-private.h"

G_BEGIN_DECLS

typedef struct _DsSocketIntake DsSocketIntake;

/* What it tells its receiver; never from within the functions below, but for failed. */
typedef struct
{
  /* It is not busy any more. */
  void (*continue_reading) (gpointer owner);
  /* The parser does not want more of this connection.  @error (transfer full) */
  void (*failed) (gpointer owner, GError *error);
  /* After an end () that was FALSE. */
  void (*ended) (gpointer owner);
} DsSocketIntakeFuncs;

typedef struct
{
  const char *unit;  /* "lines" */
  guint64 n_records; /* of this connection, as far as cut */
  const char *rest; /* what became of the last record, if it was not whole: "; the ..." */
} DsSocketIntakeReport;

typedef struct
{
  /* A connection is going to be made. */
  void (*begin) (DsSocketIntake *self);
  /* Reads once.  The number of bytes; 0 at the end; -1 with @error: of the connection, or
   * %DS_ERROR_LIMIT: a record was too long and the stream is to fail. */
  gssize (*read) (DsSocketIntake *self, DsSocketConnection *connection, GError **error);
  /* Nothing more is read for now.  FALSE: busy, read nothing until it says so. */
  gboolean (*flush) (DsSocketIntake *self);
  /* The connection has ended; a record that has not is kept when @is_clean.  FALSE: it
   * takes until ended () is called. */
  gboolean (*end) (DsSocketIntake *self, gboolean is_clean);
  /* The connection is given up: at once, and nothing is told any more. */
  void (*stop) (DsSocketIntake *self);
  void (*report) (DsSocketIntake *self, DsSocketIntakeReport *report);
  /* Of this connection, or the last one.  Any thread. */
  guint64 (*get_n_bytes) (DsSocketIntake *self);
  void (*free) (DsSocketIntake *self);
} DsSocketIntakeOps;

struct _DsSocketIntake
{
  const DsSocketIntakeOps *ops;
  DsReceiverSupervisor *supervisor; /* not owned */
  const char *location;
  DsSocketIntakeFuncs funcs;
  gpointer owner;
};

/* ---- Lines ---- */

DsSocketIntake *ds_line_intake_new (DsReceiverSupervisor *supervisor,
                                    const char *location,
                                    DsLongLinePolicy policy);

/* ---- Values ---- */

typedef struct _DsSocketParser DsSocketParser;
/* Where a parser puts its values, and what it leaves out. */
typedef struct _DsParsed DsParsed;

/* Thread: one of those for parsing; one call at a time, in the order of the bytes. */
typedef struct
{
  /* The bytes of a new connection follow. */
  void (*begin) (DsSocketParser *self);
  /* Cuts what is whole from @bytes and says how many bytes that was; called again at once
   * with the rest until that is 0, then with more behind it.  @at_end: nothing more will
   * come; called at least once so.  FALSE with @error: the connection is given up. */
  gboolean (*parse) (DsSocketParser *self,
                     const guint8 *bytes,
                     gsize n_bytes,
                     gboolean at_end,
                     DsParsed *parsed,
                     gsize *n_taken,
                     GError **error);
  /* (nullable): what was found and kept back so far goes to @parsed; the bytes that it
   * was found in are going to be gone. */
  void (*flush) (DsSocketParser *self, DsParsed *parsed);
  void (*free) (DsSocketParser *self);
} DsSocketParserOps;

struct _DsSocketParser
{
  const DsSocketParserOps *ops;
  const char *unit; /* "values" */
};

/* Copied.  FALSE once nothing is taken any more. */
gboolean ds_parsed_add (DsParsed *self,
                        const DsValue *values,
                        const DsValue *pair_values,
                        gsize n_values);
/* The same of a block that nobody else has, without a copy.  (transfer full) */
gboolean ds_parsed_add_block (DsParsed *self, DsBlock *block);
/* Waits until the memory budget has room, or the receiver stops. */
void ds_parsed_await_room (DsParsed *self);
/* Counts a record as dropped; the first @error of a connection is told. */
void ds_parsed_drop (DsParsed *self, const GError *error);

/* Takes over @parser.  A record for which the parser finds no end within
 * @max_record_bytes fails the connection. */
DsSocketIntake *ds_parse_intake_new (DsReceiverSupervisor *supervisor,
                                     const char *location,
                                     DsSocketParser *parser,
                                     gsize max_record_bytes);

/* Blocks of msgpack values, each after its length in 4 big-endian bytes.  A block longer
 * than @max_block_bytes, or damaged, is dropped and counted, or with @is_fatal an error.
 */
DsSocketParser *ds_block_parser_new (gsize max_block_bytes, gboolean is_fatal);

G_END_DECLS
