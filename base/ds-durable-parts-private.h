/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What opening a durable directory is made of; for ds-durable-directory.c. */

#include "base/ds-durable-directory-private.h"

#include <sys/stat.h>

G_BEGIN_DECLS

/* The version of everything in the directory.  A newer major is refused, of a newer minor
 * what is not known is passed over. */
#define DS_DURABLE_MAJOR 1
#define DS_DURABLE_MINOR 0

typedef struct
{
  guint8 id[DS_APPLICATION_ID_BYTES];
  char name[2 * DS_APPLICATION_ID_BYTES + 1];
  gint64 created; /* us since 1970 */
} DsDurableApplication;

/* `lock`, held until the descriptor is closed; -1 with %DS_ERROR_LOCKED and others.
 * Waits up to 2 s for a holder that is dead or dying, and for no other.
 * @what: "Checkpoint directory", for the error. */
int ds_durable_lock_take (int directory_fd,
                          const char *directory,
                          const char *what,
                          gboolean is_shared,
                          GError **error);

/* For tests: instead of a pause while the holder of a lock is dying. */
typedef void (*DsDurableLockPauseFunc) (gpointer user_data);
void ds_durable_lock_set_pause_func (DsDurableLockPauseFunc func, gpointer user_data);

/* Creates, writes, syncs, renames, reads and removes .tmp-* files. */
gboolean ds_durable_probe (int directory_fd,
                           const char *directory,
                           gboolean is_best_effort,
                           GError **error);

/* FALSE with %DS_ERROR_BAD_FILE: @path @what; @hint. */
gboolean
ds_durable_refuse (const char *path, const char *what, const char *hint, GError **error);
/* The user's, writable by nobody else; @if_shared: what to do about that. */
gboolean ds_durable_check_owner (const struct stat *info,
                                 const char *path,
                                 const char *if_shared,
                                 GError **error);
/* And regular, of one name. */
gboolean ds_durable_check_file (int fd,
                                const char *path,
                                gboolean is_shared,
                                guint64 *n_bytes,
                                GError **error);

void ds_durable_application_generate (DsDurableApplication *self);
/* %DS_ERROR_NOT_FOUND when there is no such file. */
gboolean ds_durable_application_read (DsDurableApplication *self,
                                      int directory_fd,
                                      const char *directory,
                                      gboolean is_shared,
                                      GError **error);
/* Beside its name, synced, renamed over what is there, directory synced. */
gboolean ds_durable_application_write (const DsDurableApplication *self,
                                       int directory_fd,
                                       const char *directory,
                                       GError **error);

/* Says "written by 2.x, this is 1.y; ...": %DS_ERROR_VERSION. */
void
ds_durable_refuse_version (guint major, guint minor, const char *path, GError **error);

G_END_DECLS
