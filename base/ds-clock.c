/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The clock as an interface, and the system's.  Wall time is what batch times are made
 * of, but it jumps when somebody sets it; waiting therefore goes by steady time, which
 * starts where wall time was and then follows the monotonic clock. */

#include "base/ds-clock-private.h"

#ifdef __linux__
#include <sys/prctl.h>
#endif

typedef struct
{
  guint id;
  DsClockFunc func;
  gpointer user_data;
} DsClockWatch;

typedef struct
{
  GMutex lock; /* only for waiting */
  GCond changed;
  GMutex watch_lock; /* guards the following; held while watches are called */
  GArray *watches;   /* DsClockWatch */
  guint last_id;
} DsClockPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (DsClock, ds_clock, G_TYPE_OBJECT)

static const DsClockOps *
ds_clock_get_ops (DsClock *self)
{
  return DS_CLOCK_GET_CLASS (self)->ops;
}

static void
ds_clock_finalize (GObject *object)
{
  DsClockPrivate *priv = ds_clock_get_instance_private (DS_CLOCK (object));

  g_array_unref (priv->watches);
  g_mutex_clear (&priv->watch_lock);
  g_mutex_clear (&priv->lock);
  g_cond_clear (&priv->changed);
  G_OBJECT_CLASS (ds_clock_parent_class)->finalize (object);
}

static void
ds_clock_class_init (DsClockClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ds_clock_finalize;
}

static void
ds_clock_init (DsClock *self)
{
  DsClockPrivate *priv = ds_clock_get_instance_private (self);

  g_mutex_init (&priv->lock);
  g_cond_init (&priv->changed);
  g_mutex_init (&priv->watch_lock);
  priv->watches = g_array_new (FALSE, FALSE, sizeof (DsClockWatch));
}

/**
 * ds_clock_get_time:
 * @self: a clock
 *
 * Reads the clock.  The system's may jump when somebody sets it.
 *
 * Any thread.
 *
 * Returns: µs since 1970-01-01 00:00 UTC
 */
DsTime
ds_clock_get_time (DsClock *self)
{
  g_return_val_if_fail (DS_IS_CLOCK (self), DS_TIME_NONE);

  return ds_clock_get_ops (self)->get_time (self);
}

DsTime
ds_clock_get_steady_time (DsClock *self)
{
  return ds_clock_get_ops (self)->get_steady_time (self);
}

/* The kernel may let a sleeper sleep 50 µs longer than it asked for, to wake several at
 * once; a thread that waits for batches asks for 1 µs, which halved its lateness. */
static void
ds_clock_wake_in_time (void)
{
#ifdef __linux__
  static __thread gboolean is_set;

  if (!is_set)
    prctl (PR_SET_TIMERSLACK, 1000L); /* ns; a kernel without it is merely later */
  is_set = TRUE;
#endif
}

gboolean
ds_clock_wait_until (DsClock *self, DsTime time, const gint *stopping)
{
  DsClockPrivate *priv = ds_clock_get_instance_private (self);
  const DsClockOps *ops = ds_clock_get_ops (self);
  gboolean has_come = FALSE;

  g_mutex_lock (&priv->lock);
  while (!(has_come = ops->get_steady_time (self) >= time) &&
         !__atomic_load_n (stopping, __ATOMIC_SEQ_CST))
    {
      gint64 deadline = ops->get_deadline (self, time);

      if (deadline == G_MAXINT64)
        g_cond_wait (&priv->changed, &priv->lock);
      else
        {
          ds_clock_wake_in_time ();
          g_cond_wait_until (&priv->changed, &priv->lock, deadline);
        }
    }
  g_mutex_unlock (&priv->lock);
  return has_come && !__atomic_load_n (stopping, __ATOMIC_SEQ_CST);
}

void
ds_clock_wake (DsClock *self)
{
  DsClockPrivate *priv = ds_clock_get_instance_private (self);

  g_mutex_lock (&priv->lock);
  g_cond_broadcast (&priv->changed);
  g_mutex_unlock (&priv->lock);

  g_mutex_lock (&priv->watch_lock);
  for (guint i = 0; i < priv->watches->len; i++)
    {
      const DsClockWatch *watch = &g_array_index (priv->watches, DsClockWatch, i);

      watch->func (watch->user_data);
    }
  g_mutex_unlock (&priv->watch_lock);
}

gboolean
ds_clock_is_stepped (DsClock *self)
{
  return ds_clock_get_deadline (self, ds_clock_get_steady_time (self)) == G_MAXINT64;
}

gint64
ds_clock_get_deadline (DsClock *self, DsTime time)
{
  return ds_clock_get_ops (self)->get_deadline (self, time);
}

guint
ds_clock_add_watch (DsClock *self, DsClockFunc func, gpointer user_data)
{
  DsClockPrivate *priv = ds_clock_get_instance_private (self);
  DsClockWatch watch = { 0, func, user_data };

  g_mutex_lock (&priv->watch_lock);
  watch.id = ++priv->last_id;
  g_array_append_val (priv->watches, watch);
  g_mutex_unlock (&priv->watch_lock);
  return watch.id;
}

void
ds_clock_remove_watch (DsClock *self, guint id)
{
  DsClockPrivate *priv = ds_clock_get_instance_private (self);

  g_mutex_lock (&priv->watch_lock);
  for (guint i = 0; i < priv->watches->len; i++)
    if (g_array_index (priv->watches, DsClockWatch, i).id == id)
      {
        g_array_remove_index (priv->watches, i);
        break;
      }
  g_mutex_unlock (&priv->watch_lock);
}

/* ---- The system's ---- */

#define DS_TYPE_SYSTEM_CLOCK (ds_system_clock_get_type ())
G_DECLARE_FINAL_TYPE (DsSystemClock, ds_system_clock, DS, SYSTEM_CLOCK, DsClock)

struct _DsSystemClock
{
  DsClock parent_instance;
  gint64 offset; /* steady time − monotonic time */
};

G_DEFINE_FINAL_TYPE (DsSystemClock, ds_system_clock, DS_TYPE_CLOCK)

static DsTime
ds_system_clock_get_time (DsClock *clock)
{
  return g_get_real_time ();
}

static DsTime
ds_system_clock_get_steady_time (DsClock *clock)
{
  return g_get_monotonic_time () + DS_SYSTEM_CLOCK (clock)->offset;
}

static gint64
ds_system_clock_get_deadline (DsClock *clock, DsTime time)
{
  return time - DS_SYSTEM_CLOCK (clock)->offset;
}

static void
ds_system_clock_class_init (DsSystemClockClass *klass)
{
  static const DsClockOps ops = {
    .get_time = ds_system_clock_get_time,
    .get_steady_time = ds_system_clock_get_steady_time,
    .get_deadline = ds_system_clock_get_deadline,
  };

  DS_CLOCK_CLASS (klass)->ops = &ops;
}

static void
ds_system_clock_init (DsSystemClock *self)
{
  self->offset = g_get_real_time () - g_get_monotonic_time ();
}

DsClock *
ds_clock_new_system (void)
{
  return g_object_new (DS_TYPE_SYSTEM_CLOCK, NULL);
}
