/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsBackoff: how long to wait before the next attempt.  One thread. */

#include "base/ds-time.h"

#include <glib.h>

G_BEGIN_DECLS

#define DS_BACKOFF_MAX (30 * DS_SECOND)

typedef struct
{
  /*< private >*/
  DsDuration first;
  DsDuration next;
  GRand *random;
} DsBackoff;

void ds_backoff_init (DsBackoff *self, DsDuration first, guint32 seed);
void ds_backoff_clear (DsBackoff *self);
/* The first pause, then each time twice the one before, up to DS_BACKOFF_MAX; each is
 * moved by up to 20 % at random, so that many clients of one server do not come together.
 */
DsDuration ds_backoff_next (DsBackoff *self);
/* It worked: the next pause is the first one again. */
void ds_backoff_reset (DsBackoff *self);

G_END_DECLS
