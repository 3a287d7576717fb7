/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the linker puts in front of functions: a call of f () goes to __wrap_f (), and f
 * () itself is __real_f ().  The list is in meson.build, too.  Those on 64 are
 * what <fcntl.h> and <unistd.h> make of the plain names (meson defines
 * _FILE_OFFSET_BITS). */

#include "tests/simulation/ds-sim-private.h"

#include <sys/random.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

G_BEGIN_DECLS

/* Visible, as the linker says that shared libraries ask for them, too: they do not. */
#define DS_SIM_WRAP(result_, name_, arguments_) \
  result_ __real_##name_ arguments_;            \
  __attribute__ ((visibility ("default"))) result_ __wrap_##name_ arguments_

/* ds-sim-threads.c */
DS_SIM_WRAP (void, g_mutex_init, (GMutex *) );
DS_SIM_WRAP (void, g_mutex_clear, (GMutex *) );
DS_SIM_WRAP (void, g_mutex_lock, (GMutex *) );
DS_SIM_WRAP (gboolean, g_mutex_trylock, (GMutex *) );
DS_SIM_WRAP (void, g_mutex_unlock, (GMutex *) );
DS_SIM_WRAP (void, g_cond_init, (GCond *) );
DS_SIM_WRAP (void, g_cond_clear, (GCond *) );
DS_SIM_WRAP (void, g_cond_wait, (GCond *, GMutex *) );
DS_SIM_WRAP (gboolean, g_cond_wait_until, (GCond *, GMutex *, gint64));
DS_SIM_WRAP (void, g_cond_signal, (GCond *) );
DS_SIM_WRAP (void, g_cond_broadcast, (GCond *) );
DS_SIM_WRAP (GThread *,
             g_thread_try_new,
             (const char *, GThreadFunc, gpointer, GError **) );
DS_SIM_WRAP (gpointer, g_thread_join, (GThread *) );
DS_SIM_WRAP (gboolean, g_main_context_iteration, (GMainContext *, gboolean));

/* ds-sim-time.c */
DS_SIM_WRAP (gint64, g_get_monotonic_time, (void) );
DS_SIM_WRAP (gint64, g_get_real_time, (void) );
DS_SIM_WRAP (int, clock_gettime, (clockid_t, struct timespec *) );
DS_SIM_WRAP (guint32, g_random_int, (void) );
DS_SIM_WRAP (gint32, g_random_int_range, (gint32, gint32));
DS_SIM_WRAP (ssize_t, getrandom, (void *, size_t, unsigned) );
DS_SIM_WRAP (pid_t, getpid, (void) );
DS_SIM_WRAP (gint, g_poll, (GPollFD *, guint, gint));
DS_SIM_WRAP (guint, g_source_attach, (GSource *, GMainContext *) );
DS_SIM_WRAP (void, g_source_set_ready_time, (GSource *, gint64));
DS_SIM_WRAP (void, g_main_context_wakeup, (GMainContext *) );

/* ds-sim-calls.c */
DS_SIM_WRAP (int, open64, (const char *, int, ...));
DS_SIM_WRAP (int, openat64, (int, const char *, int, ...));
DS_SIM_WRAP (int, close, (int) );
DS_SIM_WRAP (ssize_t, write, (int, const void *, size_t));
DS_SIM_WRAP (ssize_t, writev, (int, const struct iovec *, int) );
DS_SIM_WRAP (ssize_t, pwrite64, (int, const void *, size_t, off_t));
DS_SIM_WRAP (ssize_t, pread64, (int, void *, size_t, off_t));
DS_SIM_WRAP (int, fsync, (int) );
DS_SIM_WRAP (int, fdatasync, (int) );
DS_SIM_WRAP (int, ftruncate64, (int, off_t));
DS_SIM_WRAP (int, fstatvfs64, (int, struct statvfs *) );

/* ds-sim-calls-names.c */
DS_SIM_WRAP (int, rename, (const char *, const char *) );
DS_SIM_WRAP (int, renameat, (int, const char *, int, const char *) );
DS_SIM_WRAP (int, renameat2, (int, const char *, int, const char *, unsigned) );
DS_SIM_WRAP (int, unlink, (const char *) );
DS_SIM_WRAP (int, unlinkat, (int, const char *, int) );
DS_SIM_WRAP (int, mkdir, (const char *, mode_t));
DS_SIM_WRAP (int, mkdirat, (int, const char *, mode_t));
DS_SIM_WRAP (int, link, (const char *, const char *) );
DS_SIM_WRAP (int, g_unlink, (const char *) );
DS_SIM_WRAP (int, g_rmdir, (const char *) );
DS_SIM_WRAP (int, g_mkdir_with_parents, (const char *, int) );

/* ---- For ds-sim-calls-names.c ---- */

/* FALSE: the call is not one of the directory that is watched, and goes its way. */
gboolean ds_sim_find_place (int directory_fd, const char *path, char *place);
#define DS_SIM_PATH_BYTES 512
/* Before a call: FALSE, with errno: it fails without happening.  May end the run. */
gboolean ds_sim_begin_call (DsSimCallType type, const char *place, gsize *n_bytes);
/* After a call, with errno where it failed. May end the run. */
void ds_sim_end_call (DsSimCallType type,
                      int result,
                      guint64 handle,
                      guint64 offset,
                      const char *place,
                      const char *to,
                      const void *data,
                      gsize n_data);

G_END_DECLS
