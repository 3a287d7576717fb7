/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One thread at a time.  The threads of the engine are real ones, but each waits for its
 * turn: at every lock, wait, wake-up and end the turn may go to another one that is
 * ready, and the seed says to which.  When none is ready, time goes on to the moment for
 * which the first of them waits; when none waits for a time either, all wait for each
 * other, which is a finding.
 *
 * This stands in front of GLib's functions (the linker's --wrap), for everything that is
 * linked into the program: the library needs no door of its own for that.  GLib itself
 * keeps its own locks, in which no thread ever loses its turn. */

#include "tests/simulation/ds-sim-wrap-private.h"

#include <semaphore.h>
#include <unistd.h>

#define DS_SIM_MAX_THREADS 64
/* So many turns without an end are none that comes. */
#define DS_SIM_MAX_TURNS 20000000
/* One of so many times that it could, a thread loses its turn without need. */
#define DS_SIM_SWITCH_ONE_OF 12
/* A wait ends without being woken, as it may. */
#define DS_SIM_SPURIOUS_ONE_OF 200
/* Where the steady clock of a run begins, in us. */
#define DS_SIM_FIRST_TIME 1000000000

typedef enum
{
  DS_SIM_READY,
  DS_SIM_AT_LOCK,
  DS_SIM_AT_COND,
  DS_SIM_AT_JOIN,
  DS_SIM_AT_POLL,
  DS_SIM_ENDED
} DsSimThreadState;

typedef struct
{
  guint index;
  char name[24];
  DsSimThreadState state;
  gconstpointer waits_for;
  gint64 deadline; /* -1: none */
  gboolean timed_out;
  guint n_pokes; /* that it has seen */
  GThread *thread;
  GThreadFunc func;
  gpointer data;
  sem_t turn;
} DsSimThread;

static gboolean is_on;
static DsPropertyRandom random_source;
static DsSimThread threads[DS_SIM_MAX_THREADS];
static guint n_threads;
static guint n_pokes;
static guint64 n_turns;
static gint64 steady_time;
static _Thread_local DsSimThread *me;

gboolean
ds_sim_is_on (void)
{
  return is_on && me != NULL;
}

DsPropertyRandom *
ds_sim_get_random (void)
{
  return &random_source;
}

static gboolean
one_of (guint n)
{
  return ds_property_random_below (&random_source, n) == 0;
}

void
ds_sim_threads_begin (guint64 seed, gboolean is_verbose)
{
  random_source.state = seed;
  ds_sim_world_trace_lines (is_verbose);
  steady_time = DS_SIM_FIRST_TIME;
  me = &threads[0];
  *me = (DsSimThread){ .name = "world", .deadline = -1 };
  n_threads = 1;
  is_on = TRUE;
}

/* ---- Whose turn it is ---- */

static G_GNUC_NORETURN void
fail_for_ever (const char *what)
{
  static const char *const states[] = { "is ready",
                                        "waits for a lock",
                                        "waits for a condition",
                                        "waits for the end of a thread",
                                        "waits for its main loop",
                                        "has ended" };

  for (guint i = 0; i < n_threads; i++)
    ds_sim_note ("# thread %s %s\n", threads[i].name, states[threads[i].state]);
  ds_sim_fail ("%s", what);
}

static DsSimThread *
pick_ready (void)
{
  guint n_ready = 0;
  guint chosen;

  for (guint i = 0; i < n_threads; i++)
    n_ready += threads[i].state == DS_SIM_READY;
  if (n_ready == 0)
    return NULL;
  chosen = n_ready == 1 ? 0 : ds_property_random_below (&random_source, n_ready);
  for (guint i = 0;; i++)
    if (threads[i].state == DS_SIM_READY && chosen-- == 0)
      return &threads[i];
}

/* Nobody is ready: on to the next moment. */
static void
let_time_pass (void)
{
  DsSimThread *first = NULL;

  for (guint i = 0; i < n_threads; i++)
    if (threads[i].state == DS_SIM_AT_COND && threads[i].deadline >= 0 &&
        (first == NULL || threads[i].deadline < first->deadline))
      first = &threads[i];
  if (first == NULL)
    fail_for_ever ("all threads wait for each other");
  steady_time = MAX (steady_time, first->deadline);
  first->timed_out = TRUE;
  first->state = DS_SIM_READY;
}

static DsSimThread *
pick (void)
{
  DsSimThread *next;

  if (++n_turns > DS_SIM_MAX_TURNS)
    fail_for_ever ("the run does not end");
  /* Who waits for a time that has come may go on, too. */
  for (guint i = 0; i < n_threads; i++)
    if (threads[i].state == DS_SIM_AT_COND && threads[i].deadline >= 0 &&
        threads[i].deadline <= steady_time)
      {
        threads[i].timed_out = TRUE;
        threads[i].state = DS_SIM_READY;
      }
  while ((next = pick_ready ()) == NULL)
    let_time_pass ();
  return next;
}

static void
wait_for_turn (DsSimThread *self)
{
  while (sem_wait (&self->turn) != 0)
    ;
}

/* The state says whether it is ready. */
static void
give_turn (void)
{
  DsSimThread *self = me;
  DsSimThread *next = pick ();

  if (next == self)
    return;
  ds_sim_world->n_switches++;
  ds_sim_trace ("%s -> %s", self->name, next->name);
  sem_post (&next->turn);
  wait_for_turn (self);
}

void
ds_sim_yield (void)
{
  if (ds_sim_is_on ())
    give_turn ();
}

static void
may_yield (void)
{
  if (one_of (DS_SIM_SWITCH_ONE_OF))
    give_turn ();
}

static void
wait_as (DsSimThreadState state, gconstpointer what, gint64 deadline)
{
  me->state = state;
  me->waits_for = what;
  me->deadline = deadline;
  me->timed_out = FALSE;
  give_turn ();
  me->deadline = -1;
}

static void
wake_all (DsSimThreadState state, gconstpointer what)
{
  for (guint i = 0; i < n_threads; i++)
    if (threads[i].state == state && threads[i].waits_for == what)
      threads[i].state = DS_SIM_READY;
}

/* ---- Locks: who has one stands in it ---- */

static void
lock (GMutex *mutex)
{
  while (mutex->p != NULL)
    wait_as (DS_SIM_AT_LOCK, mutex, -1);
  mutex->p = me;
}

static void
unlock (GMutex *mutex)
{
  g_assert (mutex->p == me);
  mutex->p = NULL;
  wake_all (DS_SIM_AT_LOCK, mutex);
}

void
__wrap_g_mutex_init (GMutex *mutex)
{
  if (ds_sim_is_on ())
    mutex->p = NULL;
  else
    __real_g_mutex_init (mutex);
}

void
__wrap_g_mutex_clear (GMutex *mutex)
{
  if (!ds_sim_is_on ())
    __real_g_mutex_clear (mutex);
  else if (mutex->p != NULL)
    ds_sim_fail ("a lock is freed that %s has", ((DsSimThread *) mutex->p)->name);
}

void
__wrap_g_mutex_lock (GMutex *mutex)
{
  if (!ds_sim_is_on ())
    {
      __real_g_mutex_lock (mutex);
      return;
    }
  may_yield ();
  if (mutex->p == me)
    ds_sim_fail ("%s locks what it has locked", me->name);
  lock (mutex);
}

gboolean
__wrap_g_mutex_trylock (GMutex *mutex)
{
  if (!ds_sim_is_on ())
    return __real_g_mutex_trylock (mutex);
  may_yield ();
  if (mutex->p != NULL)
    return FALSE;
  mutex->p = me;
  return TRUE;
}

void
__wrap_g_mutex_unlock (GMutex *mutex)
{
  if (!ds_sim_is_on ())
    {
      __real_g_mutex_unlock (mutex);
      return;
    }
  unlock (mutex);
  may_yield ();
}

/* ---- Conditions ---- */

/* FALSE: the time has come. */
static gboolean
wait_at_cond (GCond *cond, GMutex *mutex, gint64 deadline)
{
  unlock (mutex);
  if (deadline >= 0 && deadline <= steady_time)
    {
      give_turn ();
      me->timed_out = TRUE;
    }
  else if (one_of (DS_SIM_SPURIOUS_ONE_OF))
    {
      give_turn ();
      me->timed_out = FALSE;
    }
  else
    wait_as (DS_SIM_AT_COND, cond, deadline);

  gboolean in_time = !me->timed_out;

  lock (mutex);
  return in_time;
}

void
__wrap_g_cond_init (GCond *cond)
{
  if (!ds_sim_is_on ())
    __real_g_cond_init (cond);
}

void
__wrap_g_cond_clear (GCond *cond)
{
  if (!ds_sim_is_on ())
    __real_g_cond_clear (cond);
}

void
__wrap_g_cond_wait (GCond *cond, GMutex *mutex)
{
  if (ds_sim_is_on ())
    wait_at_cond (cond, mutex, -1);
  else
    __real_g_cond_wait (cond, mutex);
}

gboolean
__wrap_g_cond_wait_until (GCond *cond, GMutex *mutex, gint64 deadline)
{
  if (ds_sim_is_on ())
    return wait_at_cond (cond, mutex, deadline == G_MAXINT64 ? -1 : MAX (deadline, 0));
  return __real_g_cond_wait_until (cond, mutex, deadline);
}

void
__wrap_g_cond_signal (GCond *cond)
{
  guint n_waiting = 0;
  guint chosen;

  if (!ds_sim_is_on ())
    {
      __real_g_cond_signal (cond);
      return;
    }
  for (guint i = 0; i < n_threads; i++)
    n_waiting += threads[i].state == DS_SIM_AT_COND && threads[i].waits_for == cond;
  if (n_waiting == 0)
    return;
  chosen = ds_property_random_below (&random_source, n_waiting);
  for (guint i = 0; i < n_threads; i++)
    if (threads[i].state == DS_SIM_AT_COND && threads[i].waits_for == cond &&
        chosen-- == 0)
      {
        threads[i].state = DS_SIM_READY;
        break;
      }
  may_yield ();
}

void
__wrap_g_cond_broadcast (GCond *cond)
{
  if (!ds_sim_is_on ())
    {
      __real_g_cond_broadcast (cond);
      return;
    }
  wake_all (DS_SIM_AT_COND, cond);
  may_yield ();
}

/* ---- Threads ---- */

static gpointer
thread_main (gpointer data)
{
  DsSimThread *self = data;
  DsSimThread *next;
  gpointer result;

  me = self;
  wait_for_turn (self);
  result = self->func (self->data);
  self->state = DS_SIM_ENDED;
  wake_all (DS_SIM_AT_JOIN, self);
  next = pick ();
  ds_sim_trace ("%s ends -> %s", self->name, next->name);
  me = NULL;
  sem_post (&next->turn);
  return result;
}

GThread *
__wrap_g_thread_try_new (const char *name,
                         GThreadFunc func,
                         gpointer data,
                         GError **error)
{
  DsSimThread *self;

  if (!ds_sim_is_on ())
    return __real_g_thread_try_new (name, func, data, error);
  for (self = threads; self < threads + n_threads; self++)
    if (self->state == DS_SIM_ENDED && self->thread == NULL)
      break;
  g_assert (self < threads + DS_SIM_MAX_THREADS);
  *self = (DsSimThread){
    .index = (guint) (self - threads), .func = func, .data = data, .deadline = -1
  };
  n_threads = MAX (n_threads, self->index + 1);
  g_strlcpy (self->name, name, sizeof self->name);
  sem_init (&self->turn, 0, 0);
  self->thread = __real_g_thread_try_new (name, thread_main, self, error);
  g_assert (self->thread != NULL);
  may_yield ();
  return self->thread;
}

gpointer
__wrap_g_thread_join (GThread *thread)
{
  DsSimThread *self = NULL;
  gpointer result;

  if (!ds_sim_is_on ())
    return __real_g_thread_join (thread);
  for (guint i = 0; i < n_threads; i++)
    if (threads[i].thread == thread)
      self = &threads[i];
  g_assert (self != NULL);
  while (self->state != DS_SIM_ENDED)
    wait_as (DS_SIM_AT_JOIN, self, -1);
  result = __real_g_thread_join (thread);
  self->thread = NULL;
  return result;
}

/* ---- Main loops: only what is there already is run ---- */

void
ds_sim_poke (void)
{
  n_pokes++;
  for (guint i = 0; i < n_threads; i++)
    if (threads[i].state == DS_SIM_AT_POLL)
      threads[i].state = DS_SIM_READY;
}

gboolean
__wrap_g_main_context_iteration (GMainContext *context, gboolean may_block)
{
  if (!ds_sim_is_on ())
    return __real_g_main_context_iteration (context, may_block);
  if (may_block && me->n_pokes == n_pokes)
    wait_as (DS_SIM_AT_POLL, context, -1);
  me->n_pokes = n_pokes;
  return __real_g_main_context_iteration (context, FALSE);
}

/* ---- Time ---- */

gint64
ds_sim_get_time (void)
{
  return steady_time;
}

gint64
ds_sim_tick (void)
{
  may_yield ();
  return steady_time++;
}

void
ds_sim_sleep (DsDuration duration)
{
  gint64 end = steady_time + duration;

  while (steady_time < end)
    wait_as (DS_SIM_AT_COND, NULL, end);
}
