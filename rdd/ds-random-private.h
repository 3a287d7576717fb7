/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsRandom: numbers that look random and depend on nothing but a seed and a partition, so
 * that a partition that is computed again gives the same.  A counter and a mixer, after
 * G. Steele, D. Lea and C. Flood, "Fast Splittable Pseudorandom Number Generators"
 * (OOPSLA 2014), section 4. */

#include <glib.h>

#include <math.h>

G_BEGIN_DECLS

typedef struct
{
  guint64 counter;
} DsRandom;

static inline guint64
ds_random_mix (guint64 x)
{
  x = (x ^ (x >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return x ^ (x >> 31);
}

static inline DsRandom
ds_random_new (guint64 seed, guint partition)
{
  return (DsRandom){ ds_random_mix (seed ^ ds_random_mix ((guint64) partition + 1)) };
}

static inline guint64
ds_random_next (DsRandom *self)
{
  self->counter += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  return ds_random_mix (self->counter);
}

/* From 0, inclusive, to 1, exclusive. */
static inline double
ds_random_next_double (DsRandom *self)
{
  return (double) (ds_random_next (self) >> 11) * 0x1p-53;
}

/* From 0 to @n - 1; @n at least 1.  High bits of a product, so it favours none by more
 * than n / 2^64. */
static inline guint64
ds_random_next_below (DsRandom *self, guint64 n)
{
  return (guint64) (((unsigned __int128) ds_random_next (self) * n) >> 64);
}

/* The mean that ds_random_next_poisson () takes at most, so that exp () keeps its
 * precision. */
#define DS_RANDOM_POISSON_PART 16

/* How often something happens that happens @mean times on average; means larger than
 * %DS_RANDOM_POISSON_PART are to be added up of parts.  D. Knuth, The Art of Computer
 * Programming, volume 2, section 3.4.1. */
static inline guint64
ds_random_next_poisson (DsRandom *self, double mean)
{
  const double limit = exp (-mean);
  guint64 n = 0;

  for (double product = mean > 0 ? ds_random_next_double (self) : 0; product > limit;
       product *= ds_random_next_double (self))
    n++;
  return n;
}

G_END_DECLS
