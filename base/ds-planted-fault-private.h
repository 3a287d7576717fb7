/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Faults that tests make on purpose, to see that the crash harness finds them: one is
 * chosen by the environment, DS_CRASH_PLANTED=name.  Only in builds with
 * -Dfailpoints=true; in all others DS_PLANTED () is FALSE and nothing of it is left.
 *
 *     if (!DS_PLANTED ("log-no-sync") && !ds_durable_file_sync_data (...))
 *
 * A name ends in the list that "tests/crash/run --planted" works through: see
 * tests/crash/workloads/ds-crash-workload.c. */

#include <glib.h>

G_BEGIN_DECLS

#ifdef DS_FAILPOINTS

/* Any thread. */
gboolean ds_planted_fault_is (const char *name);

#define DS_PLANTED(name_) G_UNLIKELY (ds_planted_fault_is (name_))

#else

#define DS_PLANTED(name_) FALSE

#endif

G_END_DECLS
