/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reading a log back.  Trusts nothing: each record's length is held against the file
 * before anything is allocated, its hash is checked before anybody sees it, and a hash is
 * never a reason to trust lengths.
 *
 * What counts is the sequence numbers: each follows the one before.  Numbers that are
 * missing are records that are missing; numbers that come again (a group that was written
 * once more, after a sync had failed) are dropped; damage behind which nothing is missing
 * is none.  Only what ends the last segment may be torn, as a power cut leaves it: it is
 * cut off. */

#include "base/ds-durable-directory-private.h"

G_BEGIN_DECLS

typedef enum
{
  /* Damage is %DS_ERROR_CORRUPT. */
  DS_LOG_DAMAGE_FAIL,
  /* Everything up to the first damage.  What comes behind it is cut off, or set aside as
   * unused-wal-*: it will not come back. */
  DS_LOG_DAMAGE_POINT_IN_TIME,
  /* Every record that is whole.  Nothing is changed, so the next one to read meets the
   * same damage, until a checkpoint lets go of the segment. */
  DS_LOG_DAMAGE_SKIP
} DsLogDamagePolicy;

typedef struct
{
  guint64 sequence;
  guint16 type; /* DsLogRecordType, or one of a later version */
  guint64 segment;
  guint64 offset; /* of the payload in its segment */
  guint32 n_bytes;
} DsLogRecord;

/* @payload is valid during the call. */
typedef gboolean (*DsLogRecordFunc) (const DsLogRecord *record,
                                     const guint8 *payload,
                                     gpointer user_data,
                                     GError **error);

/* Calls @func for each record from @from on, in order.  *@next_segment and
 * *@next_sequence (nullable) are for ds_write_ahead_log_new ().
 *
 * FALSE with the error of @func; %DS_ERROR_CORRUPT: damage in the middle (file, offset,
 * how many whole records lie behind it), a gap (the numbers that are missing), a segment
 * of another application; %DS_ERROR_VERSION; %DS_ERROR_IO.  Other policies than
 * %DS_LOG_DAMAGE_FAIL take damage and gaps as described there and tell of them by
 * g_message (); a foreign segment and a newer version are errors in any case. */
gboolean ds_log_read (DsDurableDirectory *directory,
                      guint64 from,
                      DsLogDamagePolicy policy,
                      DsLogRecordFunc func,
                      gpointer user_data,
                      guint64 *next_segment,
                      guint64 *next_sequence,
                      GError **error);
/* The same, to go on behind what was read: its end is written once more, so that it lasts
 * even if a sync of it had failed.  Read only it is ds_log_read (). */
gboolean ds_log_recover (DsDurableDirectory *directory,
                         guint64 from,
                         DsLogDamagePolicy policy,
                         DsLogRecordFunc func,
                         gpointer user_data,
                         guint64 *next_segment,
                         guint64 *next_sequence,
                         GError **error);
/* A record's payload again, its hash checked, wherever it is now.  (transfer full) */
GBytes *ds_log_read_payload (DsDurableDirectory *directory,
                             const DsLogRecord *record,
                             GError **error);

G_END_DECLS
