/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Exponential back-off with jitter.  The jitter has a seed of its own, so a test sees the
 * same pauses each time. */

#include "receivers/ds-backoff-private.h"

#include "base/ds-macros.h"

#define DS_BACKOFF_JITTER 0.2

void
ds_backoff_init (DsBackoff *self, DsDuration first, guint32 seed)
{
  self->first = CLAMP (first, 0, DS_BACKOFF_MAX);
  self->next = self->first;
  self->random = g_rand_new_with_seed (seed);
}

void
ds_backoff_clear (DsBackoff *self)
{
  g_clear_pointer (&self->random, g_rand_free);
}

DsDuration
ds_backoff_next (DsBackoff *self)
{
  DsDuration pause = self->next;

  self->next = MIN (2 * pause, DS_BACKOFF_MAX);
  return (DsDuration) ((double) pause * g_rand_double_range (self->random,
                                                             1.0 - DS_BACKOFF_JITTER,
                                                             1.0 + DS_BACKOFF_JITTER));
}

void
ds_backoff_reset (DsBackoff *self)
{
  self->next = self->first;
}
