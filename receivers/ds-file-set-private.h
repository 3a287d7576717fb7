/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsFileSet: the files that a scanner has seen, by identity: device, inode, size, time;
 * and the names that are of no interest.
 *
 * A device has the same number only as long as it stays mounted.  So a file that comes
 * from a checkpoint is the one with the same inode, size and time in the same directory,
 * whatever its device is called now.  It is also the one that is found elsewhere, unless
 * what was in its directory is known to lie on another device than that one.
 *
 * What is known costs nothing more in the next scan, and a file is forgotten only when
 * two scans in a row have not listed it, though they could look where it was: while a
 * directory changes, one listing may miss a file that is renamed.  One thread at a
 * time. */

#include "base/ds-file-system-private.h"
#include "base/ds-value.h"
#include "receivers/ds-listed-directories-private.h"

G_BEGIN_DECLS

typedef enum
{
  DS_KNOWN_FILE_SEEN,    /* nothing is decided */
  DS_KNOWN_FILE_WAITING, /* to be taken, when it has settled or there is room */
  DS_KNOWN_FILE_TAKEN
} DsKnownFileState;

typedef struct
{
  guint64 inode;
  guint64 n_bytes;
  gint64 modified_ns;
  DsTime since;        /* when it was first seen like this */
  guint32 mark;        /* the last scan that listed it */
  guint32 device;      /* index of its number */
  guint32 directory;   /* index of that in which it was listed */
  guint16 name_hash;   /* 0: not known */
  guint8 state;        /* DsKnownFileState */
  guint8 is_told : 1;  /* that it is passed over */
  guint8 is_again : 1; /* a file of that name was taken, and is no longer like that */
} DsKnownFile;

typedef struct _DsFileSet DsFileSet;

DsFileSet *ds_file_set_new (void);
void ds_file_set_free (DsFileSet *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsFileSet, ds_file_set_free)

void ds_file_set_begin_scan (DsFileSet *self);
/* What is noted from now on is in @directory. */
void ds_file_set_enter (DsFileSet *self, const char *directory);
/* @directory, and what is below it, could not be listed by this scan; NULL: nothing. */
void ds_file_set_leave_out (DsFileSet *self, const char *directory);
/* Finds it, else adds it as seen since @now; it was listed by this scan.  Valid until the
 * next call.  @name: (nullable): without directory. */
DsKnownFile *ds_file_set_note (DsFileSet *self,
                               const char *name,
                               const DsFileStatus *status,
                               DsTime now);
/* The same for one that a run before has seen.  So has ds_file_set_note () one whose
 * device is %DS_FILE_ANY_DEVICE, in the directory that was entered. */
DsKnownFile *
ds_file_set_note_saved (DsFileSet *self, const DsFileStatus *status, DsTime now);
/* Sets @is_again of what this scan found where others had been taken, when all has been
 * listed. */
void ds_file_set_find_again (DsFileSet *self);
/* Until the end of the scan a file has a number of its own. */
guint ds_file_set_get_index (DsFileSet *self, const DsKnownFile *file);
DsKnownFile *ds_file_set_get (DsFileSet *self, guint index);
/* For an entry whose status is not known: by its name, and the reason not to ask. */
DsKnownFile *
ds_file_set_note_name (DsFileSet *self, const char *name, guint reason, DsTime now);
/* What was neither noted nor left out is not there. */
void ds_file_set_end_scan (DsFileSet *self);

/* Whether it is an entry of which only the name is known. */
gboolean ds_file_set_is_name (DsFileSet *self, const DsKnownFile *file);
guint64 ds_file_set_get_device_number (DsFileSet *self, const DsKnownFile *file);
DsListedDirectories *ds_file_set_get_directories (DsFileSet *self);

/* ---- ds-file-set-save.c ---- */

/* What is in it now, to be saved by another thread, which is all that it is for: memory
 * is copied, 48 bytes a file.  (transfer full) */
DsFileSet *ds_file_set_copy (DsFileSet *self);
/* For checkpoints: as values back to back, appended. */
void ds_file_set_save (DsFileSet *self, GByteArray *bytes);
/* Into an empty one: how many of @values that took; 0: they are none of a file set. */
gsize ds_file_set_load (DsFileSet *self, const DsValue *values, gsize n_values);

gsize ds_file_set_get_length (DsFileSet *self);
gsize ds_file_set_get_n_bytes (DsFileSet *self); /* of memory */

G_END_DECLS
