/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Time and chance in a run come from the seed: in front of what the library asks for
 * them. */

#include "tests/simulation/ds-sim-wrap-private.h"

#include <string.h>
#include <unistd.h>

/* The wall clock at the beginning of a run: nothing of the simulation depends on it. */
#define DS_SIM_WALL_TIME G_GINT64_CONSTANT (1700000000000000)
#define DS_SIM_PID 4711

gint64
__wrap_g_get_monotonic_time (void)
{
  return ds_sim_is_on () ? ds_sim_tick () : __real_g_get_monotonic_time ();
}

gint64
__wrap_g_get_real_time (void)
{
  return ds_sim_is_on () ? DS_SIM_WALL_TIME + ds_sim_tick () : __real_g_get_real_time ();
}

int
__wrap_clock_gettime (clockid_t clock, struct timespec *time)
{
  gint64 now;

  if (!ds_sim_is_on ())
    return __real_clock_gettime (clock, time);
  now = DS_SIM_WALL_TIME + ds_sim_get_time ();
  *time = (struct timespec){ now / G_USEC_PER_SEC, now % G_USEC_PER_SEC * 1000 };
  return 0;
}

guint32
__wrap_g_random_int (void)
{
  return ds_sim_is_on () ? (guint32) ds_property_random_next (ds_sim_get_random ())
                         : __real_g_random_int ();
}

gint32
__wrap_g_random_int_range (gint32 begin, gint32 end)
{
  if (!ds_sim_is_on ())
    return __real_g_random_int_range (begin, end);
  return begin +
         (gint32) ds_property_random_below (ds_sim_get_random (), (guint) (end - begin));
}

ssize_t
__wrap_getrandom (void *room, size_t n_bytes, unsigned flags)
{
  if (!ds_sim_is_on ())
    return __real_getrandom (room, n_bytes, flags);
  for (size_t i = 0; i < n_bytes; i++)
    ((guint8 *) room)[i] = (guint8) ds_property_random_next (ds_sim_get_random ());
  return (ssize_t) n_bytes;
}

pid_t
__wrap_getpid (void)
{
  return ds_sim_is_on () ? DS_SIM_PID : __real_getpid ();
}

/* How often it is looked whether a file descriptor is ready, in us. */
#define DS_SIM_POLL_STEP 10000

/* Of descriptors that another thread makes ready, and of none: a pause. */
gint
__wrap_g_poll (GPollFD *fds, guint n_fds, gint timeout)
{
  gint64 end;
  gint n_ready;

  if (!ds_sim_is_on ())
    return __real_g_poll (fds, n_fds, timeout);
  end = timeout >= 0 ? ds_sim_get_time () + timeout * DS_MILLISECOND : G_MAXINT64;
  while ((n_ready = __real_g_poll (fds, n_fds, 0)) == 0 && ds_sim_get_time () < end)
    ds_sim_sleep (MIN (DS_SIM_POLL_STEP, end - ds_sim_get_time ()));
  return n_ready;
}

/* ---- What a main context is told ---- */

guint
__wrap_g_source_attach (GSource *source, GMainContext *context)
{
  guint id = __real_g_source_attach (source, context);

  if (ds_sim_is_on ())
    ds_sim_poke ();
  return id;
}

void
__wrap_g_source_set_ready_time (GSource *source, gint64 ready_time)
{
  __real_g_source_set_ready_time (source, ready_time);
  if (ds_sim_is_on ())
    ds_sim_poke ();
}

void
__wrap_g_main_context_wakeup (GMainContext *context)
{
  __real_g_main_context_wakeup (context);
  if (ds_sim_is_on ())
    ds_sim_poke ();
}
