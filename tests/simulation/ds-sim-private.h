/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The parts of the simulation: see README.md of this folder. */

#include "tests/property/ds-property-private.h"

G_BEGIN_DECLS

#define DS_SIM_MAX_SOURCES 3
#define DS_SIM_MAX_RECORDS 4096
#define DS_SIM_LOG_BYTES ((gsize) 64 * 1024 * 1024)
#define DS_SIM_CALLS_BYTES ((gsize) 128 * 1024 * 1024)

/* How a run, which is a process, ends. */
typedef enum
{
  DS_SIM_FINISHED = 0,
  DS_SIM_KILLED = 40, /* as by SIGKILL: the system goes on, with all that was written */
  DS_SIM_POWER_CUT = 41,  /* what was not synced is lost, as the disk will have it */
  DS_SIM_GAVE_UP = 42,    /* the library gave an error, and the program ended */
  DS_SIM_WENT_WRONG = 43, /* the simulation found something: the log says what */
  DS_SIM_TOO_LARGE = 44,  /* a graph that gives more than the log takes, as joins may */
} DsSimEnd;

/* ---- What one seed stands for (ds-sim-plan.c) ---- */

typedef struct
{
  gboolean is_received; /* over the network, into the log; else made anew at each time */
  DsDurability durability;
} DsSimSource;

typedef struct
{
  guint64 seed;
  guint n_crashes; /* runs that are disturbed */
  DsPropertyGraph *graph;
  DsSimSource sources[DS_SIM_MAX_SOURCES]; /* by id of the node */
  guint n_workers;
  guint n_file_outputs;        /* of the last outputs: to files, too */
  DsDuration checkpoint_every; /* of streams with state; 0: the default */
  /* In percent of what it could happen to, once its site is chosen. */
  guint percent_interrupted, percent_short;
  gboolean has_full_disk, has_io_errors, has_read_errors;
  guint percent_lost, percent_reset, percent_lost_acknowledgements; /* of the network */
  gboolean is_verbose;
} DsSimPlan;

DsSimPlan *ds_sim_plan_new (guint64 seed, gboolean is_verbose);
void ds_sim_plan_free (DsSimPlan *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsSimPlan, ds_sim_plan_free)
/* One line a property, and the graph. (transfer full) */
char *ds_sim_plan_describe (DsSimPlan *self);

/* ---- The world outside: memory that runs share and that no crash touches
 * (ds-sim-world.c) ---- */

typedef struct
{
  guint n_seeds, n_too_large, n_runs, n_kills, n_power_cuts, n_errors;
  guint64 n_batches, n_file_calls, n_faults, n_switches;
} DsSimCounts;

#define DS_SIM_MESSAGE_BYTES 65536

typedef struct
{
  DsTime now;                        /* what the clock shows */
  guint run;                         /* from 0 */
  guint n_acked[DS_SIM_MAX_SOURCES]; /* records that the sender may forget */
  guint8 n_stored[DS_SIM_MAX_SOURCES][DS_SIM_MAX_RECORDS]; /* how often it was sent */
  guint64 n_file_calls, n_faults, n_switches, n_batches;   /* in all runs */
  gsize n_log;
  gsize n_calls;
  char message[DS_SIM_MESSAGE_BYTES]; /* of a seed: what is wrong */
  DsSimCounts *counts;                /* of all seeds */
  char *log;                          /* what happened, as text: see ds_sim_note () */
  guint8 *calls; /* what became of files, for ds_sim_disk_replay () */
} DsSimWorld;

extern DsSimWorld *ds_sim_world;

void ds_sim_world_init (void);
void ds_sim_world_reset (void);
/* Appends to the log; never allocates. */
void ds_sim_note (const char *format, ...) G_GNUC_PRINTF (1, 2);
/* Whether ds_sim_trace () notes lines; its sum begins anew. */
void ds_sim_world_trace_lines (gboolean traces);
/* Into a sum that stands for all the small things; a line of its own with --verbose. */
void ds_sim_trace (const char *format, ...) G_GNUC_PRINTF (1, 2);
guint64 ds_sim_get_trace (void);
/* Notes what is wrong and ends the run. */
void ds_sim_fail (const char *format, ...) G_GNUC_PRINTF (1, 2) G_GNUC_NORETURN;

/* ---- Threads, time and chance of a run (ds-sim-threads.c, ds-sim-time.c) ---- */

/* From here on this process has one thread at a time, and @seed says which. */
void ds_sim_threads_begin (guint64 seed, gboolean is_verbose);
gboolean ds_sim_is_on (void);
/* The chance of the run. */
DsPropertyRandom *ds_sim_get_random (void);
/* Another thread may go on here. */
void ds_sim_yield (void);
void ds_sim_sleep (DsDuration duration);
gint64 ds_sim_get_time (void);
/* A main context was told something: who waits looks again. */
void ds_sim_poke (void);
/* One reading of the steady clock. */
gint64 ds_sim_tick (void);

/* ---- Calls on files (ds-sim-calls.c, ds-sim-calls-names.c) ---- */

typedef struct
{
  guint64 crash_at; /* number of the call, from 1; 0: never */
  DsSimEnd crash;
  gboolean has_faults;
} DsSimTrouble;

void ds_sim_calls_begin (const char *root, DsSimPlan *plan, const DsSimTrouble *trouble);

typedef enum
{
  DS_SIM_OPEN = 'O',
  DS_SIM_WRITE = 'W',
  DS_SIM_SYNC = 'S',
  DS_SIM_SYNC_DIRECTORY = 'D',
  DS_SIM_CUT = 'T',
  DS_SIM_RENAME = 'R',
  DS_SIM_UNLINK = 'U',
  DS_SIM_MAKE_DIRECTORY = 'M',
  DS_SIM_LINK = 'L',
  DS_SIM_READ = 'r'
} DsSimCallType;

#define DS_SIM_CREATED 1
#define DS_SIM_TRUNCATED 2

typedef struct
{
  guint32 type;
  gint32 error; /* errno, 0: done */
  guint64 handle;
  guint64 offset; /* of an open: DS_SIM_CREATED, _TRUNCATED */
  guint32 n_path, n_to, n_data;
  guint32 n_bytes; /* with this head, a multiple of 8 */
} DsSimCall;       /* path, to and data follow, with a 0 behind each */

/* ---- The disk (ds-sim-disk.c) ---- */

typedef struct _DsSimDisk DsSimDisk;

/* Empty, with all that is there durable. */
DsSimDisk *ds_sim_disk_new (void);
void ds_sim_disk_free (DsSimDisk *self);
/* What a run did. */
void ds_sim_disk_replay (DsSimDisk *self, const guint8 *calls, gsize n_bytes);
/* Makes the directory what a power cut leaves; all of it is durable then. */
void ds_sim_disk_cut_power (DsSimDisk *self, const char *root, DsPropertyRandom *random);
/* FALSE, with a message: the directory is not what the model says it is. */
gboolean ds_sim_disk_is_as (DsSimDisk *self, const char *root, char **message);

/* ---- A run (ds-sim-run.c, ds-sim-source.c, ds-sim-network.c) ---- */

/* In a process of its own: never returns. */
void ds_sim_run (DsSimPlan *plan,
                 const char *root,
                 const DsSimTrouble *trouble) G_GNUC_NORETURN;
DsDStream *ds_sim_source_add (DsPropertyNode *node, DsStreamingContext *streaming);
DsDStream *ds_sim_network_add (DsPropertyNode *node,
                               DsStreamingContext *streaming,
                               DsSimPlan *plan,
                               gboolean is_disturbed);
/* So many batches at the end bring nothing more from the network. */
#define DS_SIM_QUIET_BATCHES 4
/* Of a source: what there is to send at @batch; all of it before the quiet ones. */
guint ds_sim_network_count_records (DsPropertyNode *node, guint batch);

/* ---- Looking at what happened (ds-sim-check.c, ds-sim-seen.c) ---- */

/* NULL: the log says what the model says; else what is wrong. (transfer full) */
char *ds_sim_check (DsSimPlan *plan, const char *root);

/* What a reader could see so far. */
typedef struct _DsSimSeen DsSimSeen;
DsSimSeen *ds_sim_seen_new (void);
void ds_sim_seen_free (DsSimSeen *self);
/* (transfer full) (nullable): what changed or, in the end, went */
char *ds_sim_seen_look (DsSimSeen *self, const char *directory, gboolean is_end);

/* ---- A seed (ds-sim-seed.c) ---- */

/* In a process of its own, so that each begins alike, whatever was simulated before.
 * NULL: nothing is wrong. (transfer full); @log (out) (optional): what happened */
char *ds_sim_seed (guint64 seed, const char *directory, gboolean is_verbose, char **log);

G_END_DECLS
