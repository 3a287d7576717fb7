/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DsContext: the engine of one program: how many workers there are and where, how much
 * memory they may use, which jobs run, and what they counted.  What is wrong with its
 * arguments is kept and reported by the first action, so that making one never fails. */

#include "rdd/ds-context-private.h"

#include "base/ds-error.h"

#include <unistd.h>

#define DS_CONTEXT_MAX_WORKERS 1024

enum
{
  PROP_MASTER = 1,
  PROP_APP_NAME,
  PROP_DEFAULT_PARALLELISM,
  PROP_MEMORY_BUDGET,
  PROP_LOCAL_DIRECTORY,
  PROP_MAX_TASK_FAILURES,
  N_PROPS
};

static GParamSpec *ds_context_props[N_PROPS];

G_DEFINE_FINAL_TYPE (DsContext, ds_context, G_TYPE_OBJECT)

/* ---- The master ---- */

/* "name[count]": the count; "name": 1; "name[*]": one a processor.  0: not that name, or
 * no such count. */
static guint
ds_context_parse_count (const char *master, const char *name, gboolean star)
{
  gsize n_bytes = strlen (name);
  guint64 count;
  char *end;

  if (!g_str_has_prefix (master, name))
    return 0;
  if (star && master[n_bytes] == '\0')
    return 1;
  if (star && strcmp (master + n_bytes, "[*]") == 0)
    return MIN (g_get_num_processors (), DS_CONTEXT_MAX_WORKERS);
  if (master[n_bytes] != '[' || !g_ascii_isdigit (master[n_bytes + 1]))
    return 0;
  count = g_ascii_strtoull (master + n_bytes + 1, &end, 10);
  if (strcmp (end, "]") != 0 || count > DS_CONTEXT_MAX_WORKERS)
    return 0;
  return (guint) count;
}

static void
ds_context_parse_master (DsContext *self)
{
  const char *master = self->master;
  guint n_workers;

  self->n_workers = 1;
  if (master == NULL)
    {
      g_set_error (
          &self->error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
          "The master is NULL: expected \"local\", \"local[n]\", \"local[*]\" or "
          "\"loopback[n]\"");
    }
  else if ((n_workers = ds_context_parse_count (master, "local", TRUE)) > 0)
    {
      self->n_workers = n_workers;
    }
  else if ((n_workers = ds_context_parse_count (master, "loopback", FALSE)) > 0)
    {
      self->n_workers = n_workers;
      self->backend = ds_backend_new_loopback (n_workers);
    }
  else
    {
      g_set_error (&self->error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                   "The master \"%s\" is not known: expected \"local\", \"local[n]\", "
                   "\"local[*]\" or \"loopback[n]\" with n from 1 to %d",
                   master, DS_CONTEXT_MAX_WORKERS);
    }
  if (self->backend == NULL)
    self->backend = ds_backend_new_local ();
}

/* Half of the machine's memory, 1 GiB where that is not known. */
static guint64
ds_context_measure_memory (void)
{
  glong n_pages = sysconf (_SC_PHYS_PAGES);
  glong page_size = sysconf (_SC_PAGESIZE);

  if (n_pages <= 0 || page_size <= 0)
    return G_GUINT64_CONSTANT (1) << 30;
  return (guint64) n_pages * (guint64) page_size / 2;
}

/* ---- GObject ---- */

static void
ds_context_set_property (GObject *object,
                         guint property_id,
                         const GValue *value,
                         GParamSpec *pspec)
{
  DsContext *self = DS_CONTEXT (object);
  const char *string;

  switch (property_id)
    {
    case PROP_MASTER:
      self->master = g_value_dup_string (value);
      break;
    case PROP_APP_NAME:
      self->app_name = g_value_dup_string (value);
      break;
    case PROP_DEFAULT_PARALLELISM:
      self->default_parallelism = g_value_get_uint (value);
      break;
    case PROP_MEMORY_BUDGET:
      ds_memory_budget_set_max_bytes (self->memory_budget, g_value_get_uint64 (value));
      break;
    case PROP_LOCAL_DIRECTORY:
      string = g_value_get_string (value);
      if (string == NULL)
        string = g_get_tmp_dir ();
      __atomic_store_n (&self->local_directory, g_intern_string (string),
                        __ATOMIC_RELEASE);
      break;
    case PROP_MAX_TASK_FAILURES:
      self->max_task_failures = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ds_context_get_property (GObject *object,
                         guint property_id,
                         GValue *value,
                         GParamSpec *pspec)
{
  DsContext *self = DS_CONTEXT (object);

  switch (property_id)
    {
    case PROP_MASTER:
      g_value_set_string (value, self->master);
      break;
    case PROP_APP_NAME:
      g_value_set_string (value, self->app_name);
      break;
    case PROP_DEFAULT_PARALLELISM:
      g_value_set_uint (value, ds_context_get_default_parallelism (self));
      break;
    case PROP_MEMORY_BUDGET:
      g_value_set_uint64 (value, ds_memory_budget_get_max_bytes (self->memory_budget));
      break;
    case PROP_LOCAL_DIRECTORY:
      g_value_set_string (value, ds_context_get_local_directory (self));
      break;
    case PROP_MAX_TASK_FAILURES:
      g_value_set_uint (value, self->max_task_failures);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property_id, pspec);
    }
}

static void
ds_context_constructed (GObject *object)
{
  DsContext *self = DS_CONTEXT (object);

  G_OBJECT_CLASS (ds_context_parent_class)->constructed (object);

  ds_context_parse_master (self);
  if (self->app_name == NULL && self->error == NULL)
    g_set_error (&self->error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                 "The name of the application is NULL: give it one, for messages and for "
                 "what it writes");
  self->executor = ds_executor_new (self->n_workers);
}

static void
ds_context_finalize (GObject *object)
{
  DsContext *self = DS_CONTEXT (object);

  /* In a child of the process there are no threads to end, and locks may be taken. */
  if (!ds_context_check_process (self, NULL))
    {
      G_OBJECT_CLASS (ds_context_parent_class)->finalize (object);
      return;
    }

  /* A running job holds the context through its RDD. */
  g_assert (self->jobs == NULL);

  ds_executor_free (self->executor);
  ds_backend_free (self->backend);
  ds_memory_budget_unref (self->memory_budget);
  ds_arena_pool_unref (self->arena_pool);
  g_hash_table_unref (self->counters);
  g_ptr_array_unref (self->shuffles_in_work);
  g_cond_clear (&self->shuffle_ended);
  g_mutex_clear (&self->lock);
  g_clear_error (&self->error);
  g_free (self->master);
  g_free (self->app_name);

  G_OBJECT_CLASS (ds_context_parent_class)->finalize (object);
}

static void
ds_context_class_init (DsContextClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = ds_context_set_property;
  object_class->get_property = ds_context_get_property;
  object_class->constructed = ds_context_constructed;
  object_class->finalize = ds_context_finalize;

  /**
   * DsContext:master:
   *
   * Where the work is done: `local` (one worker), `local[n]`, `local[*]` (a worker a
   * processor), or `loopback[n]` (n places in this process between which only encoded
   * bytes travel: for tests).
   */
  ds_context_props[PROP_MASTER] =
      g_param_spec_string ("master", NULL, NULL, NULL,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY |
                               G_PARAM_STATIC_STRINGS);

  /**
   * DsContext:app-name:
   *
   * The name of the application, for messages and output keys.
   */
  ds_context_props[PROP_APP_NAME] =
      g_param_spec_string ("app-name", NULL, NULL, NULL,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY |
                               G_PARAM_STATIC_STRINGS);

  /**
   * DsContext:default-parallelism:
   *
   * Partitions where nothing else says how many; 0, the default: the n of `local[n]`.
   */
  ds_context_props[PROP_DEFAULT_PARALLELISM] =
      g_param_spec_uint ("default-parallelism", NULL, NULL, 0, G_MAXINT, 0,
                         G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);

  /**
   * DsContext:memory-budget:
   *
   * Bytes for shuffles and persisted data: past it they spill.  Received blocks have a
   * limit of their own, #DsStreamingContext:max-received-bytes, so that a receiver that
   * is ahead of the tasks never makes them spill.  Half of the machine's memory unless
   * set.
   */
  ds_context_props[PROP_MEMORY_BUDGET] =
      g_param_spec_uint64 ("memory-budget", NULL, NULL, 0, G_MAXUINT64, 0,
                           G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);

  /**
   * DsContext:local-directory:
   *
   * Where spills go; g_get_tmp_dir () unless set.
   */
  ds_context_props[PROP_LOCAL_DIRECTORY] =
      g_param_spec_string ("local-directory", NULL, NULL, NULL,
                           G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);

  /**
   * DsContext:max-task-failures:
   *
   * How many attempts a task has in all before its failure is the job's; 1, the default:
   * no retry.
   */
  ds_context_props[PROP_MAX_TASK_FAILURES] =
      g_param_spec_uint ("max-task-failures", NULL, NULL, 1, G_MAXUINT, 1,
                         G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);

  g_object_class_install_properties (object_class, N_PROPS, ds_context_props);
}

static void
ds_context_init (DsContext *self)
{
  self->pid = getpid ();
  self->max_task_failures = 1;
  /* Asked for here, and not by several tasks at once for the first time. */
  self->local_directory = g_intern_string (g_get_tmp_dir ());
  self->memory_budget = ds_memory_budget_new (ds_context_measure_memory ());
  self->arena_pool = ds_arena_pool_ref (ds_arena_pool_get_default ());
  self->counters = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->shuffles_in_work = g_ptr_array_new ();
  g_cond_init (&self->shuffle_ended);
  g_mutex_init (&self->lock);
}

/* ---- Public ---- */

/**
 * ds_context_new:
 * @master: `local`, `local[4]`, `local[*]` (one worker a processor) or `loopback[2]`
 * @app_name: a name for messages and output keys
 *
 * Makes an engine.
 *
 * Costs no thread yet: workers are made when the first job is large enough to want them.
 * What is wrong with the arguments is reported by the first action, as
 * %DS_ERROR_INVALID_ARGUMENT.
 *
 * In a child that the process forks, actions fail with %DS_ERROR_INVALID_STATE, and stop
 * does nothing: threads stay behind in the parent.  A child makes a context of its own.
 *
 * Returns: (transfer full): a context, never %NULL
 */
DsContext *
ds_context_new (const char *master, const char *app_name)
{
  return g_object_new (DS_TYPE_CONTEXT, "master", master, "app-name", app_name, NULL);
}

static void
ds_context_interrupt_jobs (DsContext *self, const char *group, DsJobState state)
{
  g_mutex_lock (&self->lock);
  for (DsJob *job = self->jobs; job != NULL; job = job->next)
    if (group == NULL ||
        (job->scope != NULL && g_strcmp0 (job->scope->job_group, group) == 0))
      ds_job_interrupt (job, state);
  g_mutex_unlock (&self->lock);
}

/**
 * ds_context_stop:
 * @self: the engine
 *
 * Ends the engine: running jobs fail with %DS_ERROR_STOPPED, as does every later action,
 * and the worker threads end.
 *
 * Waits for the threads, so until no user function runs in them, unless called from
 * inside a user function: then it only asks.  A second call does nothing.
 */
void
ds_context_stop (DsContext *self)
{
  g_return_if_fail (DS_IS_CONTEXT (self));

  if (!ds_context_check_process (self, NULL))
    return;
  g_atomic_int_set (&self->is_stopped, TRUE);
  ds_context_interrupt_jobs (self, NULL, DS_JOB_STOPPED);
  ds_memory_budget_wake (self->memory_budget);
  if (ds_task_get_current () == NULL)
    ds_executor_stop (self->executor);
}

/**
 * ds_context_cancel_jobs:
 * @self: the engine
 * @group: (nullable): which jobs, %NULL: all
 *
 * Makes running jobs fail with %DS_ERROR_CANCELLED.
 *
 * Returns at once; each job ends when its tasks have looked, which they do once a chunk.
 */
void
ds_context_cancel_jobs (DsContext *self, const char *group)
{
  g_return_if_fail (DS_IS_CONTEXT (self));

  if (ds_context_check_process (self, NULL))
    ds_context_interrupt_jobs (self, group, DS_JOB_CANCELLED);
}

/**
 * ds_context_get_default_parallelism:
 * @self: the engine
 *
 * Gets the default number of partitions.
 *
 * Returns: how many partitions there are where nothing else says; at least 1
 */
guint
ds_context_get_default_parallelism (DsContext *self)
{
  g_return_val_if_fail (DS_IS_CONTEXT (self), 1);

  return self->default_parallelism > 0 ? self->default_parallelism : self->n_workers;
}

/**
 * ds_context_get_counter:
 * @self: the engine
 * @counter: a name that tasks gave to ds_task_count ()
 *
 * Reads a named counter.  A task that failed and ran again has counted once.  0 in a
 * child that the process forked.
 *
 * Returns: what successful tasks added up under @counter so far, 0 when it was never
 *   counted
 */
gint64
ds_context_get_counter (DsContext *self, const char *counter)
{
  const gint64 *sum;
  gint64 result;

  g_return_val_if_fail (DS_IS_CONTEXT (self) && counter != NULL, 0);

  if (!ds_context_check_process (self, NULL))
    return 0;
  g_mutex_lock (&self->lock);
  sum = g_hash_table_lookup (self->counters, counter);
  result = sum != NULL ? *sum : 0;
  g_mutex_unlock (&self->lock);
  return result;
}

/* ---- For the engine ---- */

gboolean
ds_context_check_process (DsContext *self, GError **error)
{
  const pid_t pid = getpid ();

  if (G_LIKELY (self->pid == pid))
    return TRUE;
  g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
               "The context \"%s\" was made by process %d, and this is process %d: its "
               "threads do not run here; make a new one after fork ()",
               ds_context_get_app_name (self), (int) self->pid, (int) pid);
  return FALSE;
}

void
ds_context_add_counters (DsContext *self, GHashTable *counters)
{
  GHashTableIter iter;
  gpointer name;
  gpointer n;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, counters);
  while (g_hash_table_iter_next (&iter, &name, &n))
    {
      gint64 *sum = g_hash_table_lookup (self->counters, name);

      if (sum == NULL)
        {
          sum = g_new0 (gint64, 1);
          g_hash_table_insert (self->counters, g_strdup (name), sum);
        }
      *sum = (gint64) ((guint64) *sum + (guint64) * (const gint64 *) n);
    }
  g_mutex_unlock (&self->lock);
}

guint64
ds_context_next_rdd_id (DsContext *self)
{
  return __atomic_fetch_add (&self->last_rdd_id, 1, __ATOMIC_RELAXED);
}

guint
ds_context_get_n_workers (DsContext *self)
{
  return self->n_workers;
}

DsArenaPool *
ds_context_get_arena_pool (DsContext *self)
{
  return self->arena_pool;
}

DsMemoryBudget *
ds_context_get_memory_budget (DsContext *self)
{
  return self->memory_budget;
}

DsBackend *
ds_context_get_backend (DsContext *self)
{
  return self->backend;
}

const char *
ds_context_get_local_directory (DsContext *self)
{
  return __atomic_load_n (&self->local_directory, __ATOMIC_ACQUIRE);
}

gboolean
ds_context_is_stopped (DsContext *self)
{
  return g_atomic_int_get (&self->is_stopped);
}

const char *
ds_context_get_app_name (DsContext *self)
{
  return self->app_name != NULL ? self->app_name : "";
}

const GError *
ds_context_get_error (DsContext *self)
{
  return self->error;
}
