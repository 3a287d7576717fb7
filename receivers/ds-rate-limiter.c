/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A bucket of permits, filled at the rate and emptied by records, and a count of the
 * records of the batch.  The bucket is small (50 ms of the rate, at least one record), so
 * that a source that was silent cannot pour in a second's worth at once; it starts with
 * one permit, so the limit holds from the first record.  On a clock that is moved by hand
 * time comes in steps as large as somebody likes; there the bucket holds a batch.
 *
 * The count is exact although storing and cutting run side by side: a record is counted
 * before it is stored, and nothing passes from before a batch is cut until its blocks are
 * known to belong to it.  Then the count is that of the records that belong to a later
 * batch, and of those whose store was not over when the cut began: nobody knows on which
 * side of it they fall.
 *
 * Without a limit all this is one atomic read a record. */

#include "receivers/ds-rate-limiter-private.h"

#include <math.h>

/* Of the rate; longer than a busy machine lets a thread wait. */
#define DS_RATE_BURST (50 * DS_MILLISECOND)
/* The mean length of a record is that of about so many, the last ones counting most. */
#define DS_RATE_MEAN_RECORDS 200
/* Sums of fractions of permits are never exact. */
#define DS_RATE_EPSILON 1e-6

typedef struct
{
  guint id;
  DsRateLimiterFunc func;
  gpointer user_data;
} DsRateLimiterWatch;

struct _DsRateLimiter
{
  DsClock *clock;
  DsDuration batch_interval; /* 0: nobody begins batches */
  guint64 max_rate;          /* 0: none */

  gint is_limited;   /* atomic; never cleared again */
  gint64 n_in_store; /* atomic: reserved and not settled */

  GMutex lock; /* guards what follows; taken after the clock's */
  GCond changed;
  guint64 rate; /* 0: no limit */
  double burst;
  double n_permits; /* below 0: more came than was allowed */
  DsTime fill_time; /* steady */
  guint64 n_in_batch;
  guint64 max_in_batch;
  gboolean is_between;    /* batches: nothing passes */
  guint64 n_on_way;       /* reserved and not settled when the last batch ended */
  guint64 n_read_since;   /* by who must not wait */
  guint64 n_read_records; /* for the mean length of a record */
  guint64 n_read_bytes;
  guint64 n_open_bytes; /* of a record that has not ended */
  GArray *watches;      /* DsRateLimiterWatch */
  guint last_id;
  guint clock_watch; /* 0: none */
};

/* Somebody may go on.  Locks: lock is held. */
static void
ds_rate_limiter_tell_locked (DsRateLimiter *self)
{
  g_cond_broadcast (&self->changed);
  for (guint i = 0; i < self->watches->len; i++)
    {
      const DsRateLimiterWatch *watch =
          &g_array_index (self->watches, DsRateLimiterWatch, i);

      watch->func (watch->user_data);
    }
}

void
ds_rate_limiter_wake (DsRateLimiter *self)
{
  g_mutex_lock (&self->lock);
  ds_rate_limiter_tell_locked (self);
  g_mutex_unlock (&self->lock);
}

static void
ds_rate_limiter_clock_moved (gpointer user_data)
{
  ds_rate_limiter_wake (user_data);
}

/* ---- The limit ---- */

/* Locks: lock is held. */
static void
ds_rate_limiter_fill_locked (DsRateLimiter *self)
{
  DsTime now = ds_clock_get_steady_time (self->clock);

  /* A manual clock may go back. */
  if (now > self->fill_time)
    self->n_permits =
        MIN (self->burst, self->n_permits + (double) (now - self->fill_time) *
                                                (double) self->rate / (double) DS_SECOND);
  self->fill_time = now;
}

/* Locks: lock is held. */
static void
ds_rate_limiter_set_rate_locked (DsRateLimiter *self, guint64 rate)
{
  gboolean is_first = self->rate == 0;
  DsDuration window = self->clock_watch != 0 && self->batch_interval > 0
                          ? self->batch_interval
                          : DS_RATE_BURST;

  if (!is_first)
    ds_rate_limiter_fill_locked (self);
  self->rate = rate;
  self->burst = MAX (1.0, (double) rate * (double) window / (double) DS_SECOND);
  if (is_first)
    {
      self->n_permits = 1;
      self->fill_time = ds_clock_get_steady_time (self->clock);
    }
  self->n_permits = MIN (self->n_permits, self->burst);
  self->max_in_batch = G_MAXUINT64;
  if (self->batch_interval > 0)
    self->max_in_batch =
        (guint64) CLAMP (ceil ((double) rate * (double) self->batch_interval /
                               (double) DS_SECOND),
                         1.0, 9e18);
  g_atomic_int_set (&self->is_limited, TRUE);
  ds_rate_limiter_tell_locked (self);
}

static void
ds_rate_limiter_set_rate (DsRateLimiter *self, guint64 rate)
{
  /* Only a manual clock has to tell that it moved; it does so with its own lock held. */
  if (self->clock_watch == 0 && ds_clock_is_stepped (self->clock))
    self->clock_watch =
        ds_clock_add_watch (self->clock, ds_rate_limiter_clock_moved, self);

  g_mutex_lock (&self->lock);
  ds_rate_limiter_set_rate_locked (self, rate);
  g_mutex_unlock (&self->lock);
}

DsRateLimiter *
ds_rate_limiter_new (DsClock *clock,
                     DsDuration batch_interval,
                     guint64 max_rate,
                     guint64 initial_rate)
{
  DsRateLimiter *self = g_new0 (DsRateLimiter, 1);

  self->clock = g_object_ref (clock);
  self->batch_interval = batch_interval;
  self->max_rate = max_rate;
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->watches = g_array_new (FALSE, FALSE, sizeof (DsRateLimiterWatch));
  if (initial_rate > 0)
    ds_rate_limiter_publish (self, (double) initial_rate);
  else if (max_rate > 0)
    ds_rate_limiter_set_rate (self, max_rate);
  return self;
}

void
ds_rate_limiter_free (DsRateLimiter *self)
{
  if (self->clock_watch != 0)
    ds_clock_remove_watch (self->clock, self->clock_watch);
  g_array_unref (self->watches);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_object_unref (self->clock);
  g_free (self);
}

void
ds_rate_limiter_publish (DsRateLimiter *self, double rate)
{
  guint64 whole;

  if (!(rate > 0)) /* nor what is no number */
    return;

  /* Rounded down a slow rate would be 0, which elsewhere means no limit. */
  whole = (guint64) CLAMP (rate, 1.0, 9e18);
  ds_rate_limiter_set_rate (self,
                            self->max_rate > 0 ? MIN (whole, self->max_rate) : whole);
}

guint64
ds_rate_limiter_get_rate (DsRateLimiter *self)
{
  guint64 rate;

  g_mutex_lock (&self->lock);
  rate = self->rate;
  g_mutex_unlock (&self->lock);
  return rate;
}

gboolean
ds_rate_limiter_is_limited (DsRateLimiter *self)
{
  return g_atomic_int_get (&self->is_limited);
}

/* Locks: lock is held. */
static void
ds_rate_limiter_end_locked (DsRateLimiter *self)
{
  if (self->is_between)
    return;

  self->is_between = TRUE;
  self->n_on_way = (guint64) __atomic_load_n (&self->n_in_store, __ATOMIC_SEQ_CST);
  self->n_read_since = 0;
}

void
ds_rate_limiter_end_batch (DsRateLimiter *self)
{
  if (!ds_rate_limiter_is_limited (self))
    return;

  g_mutex_lock (&self->lock);
  ds_rate_limiter_end_locked (self);
  g_mutex_unlock (&self->lock);
}

void
ds_rate_limiter_begin_batch (DsRateLimiter *self, guint64 n_waiting)
{
  if (!ds_rate_limiter_is_limited (self))
    return;

  g_mutex_lock (&self->lock);
  ds_rate_limiter_end_locked (self);
  self->n_in_batch = n_waiting + self->n_on_way + self->n_read_since;
  self->is_between = FALSE;
  ds_rate_limiter_tell_locked (self);
  g_mutex_unlock (&self->lock);
}

/* ---- Taking ---- */

/* Permits that @n_records need, all of them or, when those would be too many at once, as
 * many as there can be. */
static double
ds_rate_limiter_get_need (DsRateLimiter *self, gsize n_records)
{
  return MIN ((double) n_records, self->burst) - DS_RATE_EPSILON;
}

static gboolean
ds_rate_limiter_fits_in_batch (DsRateLimiter *self, gsize n_records)
{
  if (self->is_between)
    return FALSE;
  return self->n_in_batch == 0 || (self->n_in_batch < self->max_in_batch &&
                                   n_records <= self->max_in_batch - self->n_in_batch);
}

/* When @n_permits are there, as g_get_monotonic_time () counts; G_MAXINT64: somebody will
 * tell.  Locks: lock is held. */
static gint64
ds_rate_limiter_get_time_of_locked (DsRateLimiter *self, double n_permits)
{
  double missing =
      (n_permits - self->n_permits) * (double) DS_SECOND / (double) self->rate;

  return ds_clock_get_deadline (self->clock,
                                self->fill_time +
                                    (DsDuration) CLAMP (ceil (missing), 1.0, 1e15));
}

gboolean
ds_rate_limiter_reserve (DsRateLimiter *self,
                         gsize n_records,
                         const gint *stopping,
                         gsize *n_reserved)
{
  gboolean is_stopping = FALSE;
  gboolean has_room = FALSE;

  *n_reserved = 0;
  if (G_LIKELY (!ds_rate_limiter_is_limited (self)) || n_records == 0)
    return TRUE;

  g_mutex_lock (&self->lock);
  while (!(is_stopping = __atomic_load_n (stopping, __ATOMIC_SEQ_CST)) && !has_room)
    {
      double need = ds_rate_limiter_get_need (self, n_records);
      gboolean fits = ds_rate_limiter_fits_in_batch (self, n_records);
      gint64 deadline = G_MAXINT64;

      ds_rate_limiter_fill_locked (self);
      has_room = fits && self->n_permits >= need;
      if (has_room)
        continue;
      if (fits)
        deadline = ds_rate_limiter_get_time_of_locked (self, need);
      if (deadline == G_MAXINT64)
        g_cond_wait (&self->changed, &self->lock);
      else
        g_cond_wait_until (&self->changed, &self->lock, deadline);
    }
  if (!is_stopping)
    {
      self->n_permits -= (double) n_records;
      self->n_in_batch += n_records;
      __atomic_add_fetch (&self->n_in_store, (gint64) n_records, __ATOMIC_SEQ_CST);
      *n_reserved = n_records;
    }
  g_mutex_unlock (&self->lock);
  return !is_stopping;
}

void
ds_rate_limiter_settle (DsRateLimiter *self, gsize n_reserved)
{
  if (n_reserved > 0)
    __atomic_sub_fetch (&self->n_in_store, (gint64) n_reserved, __ATOMIC_SEQ_CST);
}

/* How many records may be brought now.  Locks: lock is held. */
static guint64
ds_rate_limiter_get_room_locked (DsRateLimiter *self)
{
  guint64 n_free;

  ds_rate_limiter_fill_locked (self);
  if (self->is_between || self->n_permits < 1 - DS_RATE_EPSILON ||
      self->n_in_batch >= self->max_in_batch)
    return 0;
  n_free = (guint64) (self->n_permits + DS_RATE_EPSILON);
  return MIN (n_free, self->max_in_batch - self->n_in_batch);
}

gboolean
ds_rate_limiter_has_room (DsRateLimiter *self)
{
  gboolean has_room;

  if (G_LIKELY (!ds_rate_limiter_is_limited (self)))
    return TRUE;

  g_mutex_lock (&self->lock);
  has_room = ds_rate_limiter_get_room_locked (self) > 0;
  g_mutex_unlock (&self->lock);
  return has_room;
}

gint64
ds_rate_limiter_get_deadline (DsRateLimiter *self)
{
  gint64 deadline = G_MAXINT64;

  if (!ds_rate_limiter_is_limited (self))
    return 0;

  g_mutex_lock (&self->lock);
  ds_rate_limiter_fill_locked (self);
  /* Half a bucket at once rather than a wake-up for each record. */
  if (!self->is_between && self->n_in_batch < self->max_in_batch)
    deadline = ds_rate_limiter_get_time_of_locked (self, MAX (1.0, self->burst / 2));
  g_mutex_unlock (&self->lock);
  return deadline != G_MAXINT64 ? deadline : -1;
}

gsize
ds_rate_limiter_get_read_bytes (DsRateLimiter *self, gsize max_bytes)
{
  double n_bytes;

  if (G_LIKELY (!ds_rate_limiter_is_limited (self)))
    return max_bytes;

  g_mutex_lock (&self->lock);
  /* Nothing is known before the first record has ended: it may be one of 1 byte. */
  n_bytes = self->n_read_records > 0
                ? (double) self->n_read_bytes / (double) self->n_read_records
                : 1;
  n_bytes *= (double) ds_rate_limiter_get_room_locked (self);
  /* Of a record that is much longer than those before a good piece more, as a parser
   * looks at all of it each time; but not so much that many short ones behind it come
   * along. */
  n_bytes = MAX (n_bytes, (double) (self->n_open_bytes / 8));
  g_mutex_unlock (&self->lock);
  return (gsize) CLAMP (n_bytes, 1.0, (double) max_bytes);
}

void
ds_rate_limiter_note_read (DsRateLimiter *self,
                           gsize n_records,
                           gsize n_bytes,
                           gsize n_open_bytes)
{
  if (G_LIKELY (!ds_rate_limiter_is_limited (self)))
    return;

  g_mutex_lock (&self->lock);
  ds_rate_limiter_fill_locked (self);
  self->n_permits -= (double) n_records;
  self->n_in_batch += n_records;
  self->n_read_since += n_records;
  if (n_records > 0)
    {
      self->n_read_records += n_records;
      self->n_read_bytes += n_bytes;
    }
  self->n_open_bytes = n_open_bytes;
  if (self->n_read_records > DS_RATE_MEAN_RECORDS)
    {
      self->n_read_records /= 2;
      self->n_read_bytes /= 2;
    }
  g_mutex_unlock (&self->lock);
}

guint
ds_rate_limiter_add_watch (DsRateLimiter *self,
                           DsRateLimiterFunc func,
                           gpointer user_data)
{
  DsRateLimiterWatch watch = { 0, func, user_data };

  g_mutex_lock (&self->lock);
  watch.id = ++self->last_id;
  g_array_append_val (self->watches, watch);
  g_mutex_unlock (&self->lock);
  return watch.id;
}

void
ds_rate_limiter_remove_watch (DsRateLimiter *self, guint id)
{
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->watches->len; i++)
    if (g_array_index (self->watches, DsRateLimiterWatch, i).id == id)
      {
        g_array_remove_index (self->watches, i);
        break;
      }
  g_mutex_unlock (&self->lock);
}
