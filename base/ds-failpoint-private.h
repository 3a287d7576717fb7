/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Places between two system calls at which a test ends the process, waits, or lets the
 * next call on a durable file fail (RELIABILITY 3.2).  Only in builds with
 * -Dfailpoints=true; in all others DS_FP () is nothing.
 *
 * What happens is said by the environment when the process starts:
 *
 *     DS_FAILPOINTS="log.synced=kill@3;checkpoint.written=errno:5;batch.run=delay:200"
 *
 * kill: SIGKILL, as when the machine is gone; errno:N: the next call of this thread
 * through ds-durable-file fails with it; delay:N: waits for N ms.  @N: only the Nth time
 * that the place is come by.  A place that does not exist ends the process when the first
 * one is come by: a test that is misspelled must not pass. */

#include <glib.h>

G_BEGIN_DECLS

#ifdef DS_FAILPOINTS

typedef struct
{
  const char *name;
  gint n_hits; /* atomic */
} DsFailpoint;

/* What the linker makes of all places of a program or library. */
extern DsFailpoint *const __start_ds_fp[] __attribute__ ((visibility ("hidden")));
extern DsFailpoint *const __stop_ds_fp[] __attribute__ ((visibility ("hidden")));

#define DS_FP(name_)                                                                  \
  G_STMT_START                                                                        \
  {                                                                                   \
    static DsFailpoint fp_ = { name_, 0 };                                            \
    static DsFailpoint *const fp_pointer_ __attribute__ ((section ("ds_fp"), used)) = \
        &fp_;                                                                         \
    ds_failpoint_hit (*(DsFailpoint *const volatile *) &fp_pointer_);                 \
  }                                                                                   \
  G_STMT_END

/* Any thread. */
void ds_failpoint_hit (DsFailpoint *self);
/* The errno with which the next call of this thread is to fail, once; 0: none. */
int ds_failpoint_take_errno (void);
/* "name hits" a line of all places: DS_FAILPOINTS_REPORT=path appends it at the end of
 * the process, when that ends by itself.  (transfer full) */
char *ds_failpoint_report (void);

#else

#define DS_FP(name_) \
  G_STMT_START {}    \
  G_STMT_END

#endif

G_END_DECLS
