/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random numbers from a seed: splitmix64 (Steele, Lea and Flood, 2014), so that the seed
 * of a graph that was printed makes the same graph wherever it is run again. */

#include "tests/property/ds-property-private.h"

guint64
ds_property_mix (guint64 number)
{
  number = (number ^ (number >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  number = (number ^ (number >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return number ^ (number >> 31);
}

guint64
ds_property_random_next (DsPropertyRandom *self)
{
  self->state += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  return ds_property_mix (self->state);
}

guint
ds_property_random_below (DsPropertyRandom *self, guint end)
{
  return (guint) (ds_property_random_next (self) % end);
}

gboolean
ds_property_random_percent (DsPropertyRandom *self, guint percent)
{
  return ds_property_random_below (self, 100) < percent;
}
