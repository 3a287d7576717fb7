/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What survives: the memory in which runs leave what they did.  A run that ends, ends at
 * once, in the middle of whatever it does; what it has noted until then is there. */

#include "tests/simulation/ds-sim-private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

DsSimWorld *ds_sim_world;

static guint64 trace_sum;
static gboolean traces_lines;

static gpointer
map_shared (gsize n_bytes)
{
  gpointer memory = mmap (NULL, n_bytes, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

  g_assert_true (memory != MAP_FAILED);
  return memory;
}

void
ds_sim_world_init (void)
{
  ds_sim_world = map_shared (sizeof (DsSimWorld));
  ds_sim_world->log = map_shared (DS_SIM_LOG_BYTES);
  ds_sim_world->calls = map_shared (DS_SIM_CALLS_BYTES);
  ds_sim_world->counts = map_shared (sizeof (DsSimCounts));
}

void
ds_sim_world_reset (void)
{
  DsSimWorld kept = { .log = ds_sim_world->log,
                      .calls = ds_sim_world->calls,
                      .counts = ds_sim_world->counts };

  memset (ds_sim_world, 0, sizeof *ds_sim_world);
  ds_sim_world->log = kept.log;
  ds_sim_world->calls = kept.calls;
  ds_sim_world->counts = kept.counts;
}

static void
note (const char *format, va_list arguments)
{
  gsize n_room = DS_SIM_LOG_BYTES - ds_sim_world->n_log;
  int n = vsnprintf (ds_sim_world->log + ds_sim_world->n_log, n_room, format, arguments);

  if (n < 0 || (gsize) n >= n_room)
    _exit (DS_SIM_TOO_LARGE);
  ds_sim_world->n_log += (gsize) n;
}

void
ds_sim_note (const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  note (format, arguments);
  va_end (arguments);
}

void
ds_sim_trace (const char *format, ...)
{
  char text[512];
  va_list arguments;

  va_start (arguments, format);
  vsnprintf (text, sizeof text, format, arguments);
  va_end (arguments);
  for (const char *c = text; *c != '\0'; c++)
    trace_sum = (trace_sum ^ (guint8) *c) * G_GUINT64_CONSTANT (1099511628211);
  if (traces_lines)
    ds_sim_note ("# %s\n", text);
}

guint64
ds_sim_get_trace (void)
{
  return trace_sum;
}

void
ds_sim_world_trace_lines (gboolean traces)
{
  trace_sum = 0;
  traces_lines = traces;
}

void
ds_sim_fail (const char *format, ...)
{
  va_list arguments;

  ds_sim_note ("! ");
  va_start (arguments, format);
  note (format, arguments);
  va_end (arguments);
  ds_sim_note ("\n");
  _exit (DS_SIM_WENT_WRONG);
}
