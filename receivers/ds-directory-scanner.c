/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The rules of discovery, applied to everything that is listed.
 *
 * An entry goes through name, kind, filter and time, and ends as taken, passed over, or
 * waiting.  What waits (for a quiet moment, or for room in a batch) has met the rule of
 * time already and is not held to it again, so a limit never makes a file too old.
 *
 * Names that writers use for unfinished files are passed over: ".*", "_*" and
 * "*._COPYING_".  A link is not followed, as it may lead out of the directory or in a
 * circle; FIFOs, sockets and devices are no files. */

#include "receivers/ds-directory-scanner-private.h"

#include "base/ds-error.h"
#include "receivers/ds-directory-pattern-private.h"
#include "receivers/ds-file-set-private.h"
#include "receivers/ds-recent-paths-private.h"
#include "receivers/ds-scan-candidates-private.h"
#include "receivers/ds-scan-reason-private.h"

#include <fnmatch.h>
#include <string.h>

struct _DsDirectoryScanner
{
  DsFileSystem *files;
  char *directory;
  DsFileSet *known;
  DsRecentPaths *recent;
};

typedef struct
{
  char *path;
  guint depth;
} DsScanDirectory;

/* One scan under way. */
typedef struct
{
  DsDirectoryScanner *scanner;
  const DsScanRules *rules;
  DsTime batch_time;
  DsTime now;
  gint64 ignore_until_ns;
  DsScanTellFunc tell;
  gpointer user_data;
  DsDirectoryScan *scan;
  GQueue directories; /* DsScanDirectory: to be listed */
  const DsScanDirectory *directory;
  DsScanCandidates candidates;
} DsScanning;

DsDirectoryScanner *
ds_directory_scanner_new (DsFileSystem *files, const char *directory)
{
  DsDirectoryScanner *self = g_new0 (DsDirectoryScanner, 1);

  self->files = files;
  self->directory = g_strdup (directory);
  self->known = ds_file_set_new ();
  self->recent = ds_recent_paths_new ();
  return self;
}

void
ds_directory_scanner_free (DsDirectoryScanner *self)
{
  ds_recent_paths_free (self->recent);
  ds_file_set_free (self->known);
  g_free (self->directory);
  g_free (self);
}

void
ds_directory_scan_clear (DsDirectoryScan *self)
{
  g_clear_pointer (&self->files, g_ptr_array_unref);
  g_clear_pointer (&self->asides, g_ptr_array_unref);
  g_clear_pointer (&self->again_path, g_free);
  g_clear_pointer (&self->example_path, g_free);
  g_clear_pointer (&self->example_reason, g_free);
  g_clear_error (&self->error);
}

/* ---- Passing over ---- */

/* (transfer full) */
static char *
ds_scanning_describe (DsScanning *self,
                      DsScanReason reason,
                      const char *path,
                      const DsFileStatus *status)
{
  DsScanReasonFacts facts = {
    .status = status,
    .name_pattern = self->rules->name_pattern,
    .depth = self->directory->depth,
    .batch_time = self->batch_time,
    .remember = self->rules->remember,
    .ignore_until = self->rules->ignore_until,
    .same_name_time = ds_recent_paths_get_batch_time (self->scanner->recent, path)
  };

  return ds_scan_reason_describe (reason, &facts);
}

static void
ds_scanning_pass_over (DsScanning *self,
                       DsKnownFile *known,
                       DsScanReason reason,
                       const char *name,
                       const DsFileStatus *status)
{
  gboolean is_surprise = ds_scan_reason_is_surprise (reason);
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;

  if (reason == DS_SCAN_FUTURE)
    self->scan->n_early++;
  else
    self->scan->n_passed_over++;
  if (known->is_told)
    return;
  known->is_told = TRUE;
  path = g_build_filename (self->directory->path, name, NULL);
  text = ds_scanning_describe (self, reason, path, status);
  if (self->tell != NULL)
    self->tell (path, text, self->user_data);
  if (!is_surprise && self->scan->example_path != NULL)
    return;
  self->scan->n_surprises += is_surprise;
  g_free (self->scan->example_path);
  g_free (self->scan->example_reason);
  self->scan->example_path = g_steal_pointer (&path);
  self->scan->example_reason = g_steal_pointer (&text);
}

/* For what no content makes a file to be taken.  It is told once under its name, however
 * it grows: its status, which would be the dear part, is not asked for. */
static void
ds_scanning_pass_over_name (DsScanning *self, DsScanReason reason, const char *name)
{
  DsKnownFile *known =
      ds_file_set_note_name (self->scanner->known, name, reason, self->now);

  ds_scanning_pass_over (self, known, reason, name, NULL);
}

/* ---- Entries ---- */

static gboolean
ds_scanning_is_hidden (const char *name)
{
  return name[0] == '.' || name[0] == '_' || g_str_has_suffix (name, "._COPYING_");
}

static gboolean
ds_scanning_is_recent (DsScanning *self, const char *name)
{
  g_autofree char *path = NULL;

  if (ds_recent_paths_is_empty (self->scanner->recent))
    return FALSE;
  path = g_build_filename (self->directory->path, name, NULL);
  return ds_recent_paths_get_batch_time (self->scanner->recent, path) != DS_TIME_NONE;
}

/* A file that nothing but its time can keep from being taken.  FALSE: it does. */
static gboolean
ds_scanning_is_timely (DsScanning *self,
                       DsKnownFile *known,
                       const char *name,
                       const DsFileStatus *status)
{
  DsTime latest = MAX (self->batch_time, self->now);

  if (self->rules->takes_all)
    return TRUE;
  if (status->modified_ns > ds_scan_to_ns (self->batch_time))
    {
      /* What is a little ahead was written while this batch was late. */
      if (status->modified_ns > ds_scan_to_ns (latest + DS_MINUTE))
        ds_scanning_pass_over (self, known, DS_SCAN_FUTURE, name, status);
      else
        self->scan->n_early++;
      return FALSE;
    }
  if (status->modified_ns <= self->ignore_until_ns)
    {
      ds_scanning_pass_over (self, known, DS_SCAN_OLD, name, status);
      return FALSE;
    }
  if (ds_scanning_is_recent (self, name))
    {
      ds_scanning_pass_over (self, known, DS_SCAN_SAME_NAME, name, status);
      return FALSE;
    }
  return TRUE;
}

static void
ds_scanning_look_at_file (DsScanning *self, const char *name, const DsFileStatus *status)
{
  DsKnownFile *known = ds_file_set_note (self->scanner->known, name, status, self->now);

  if (known->state == DS_KNOWN_FILE_TAKEN)
    {
      self->scan->n_taken++;
      return;
    }
  if (known->state != DS_KNOWN_FILE_WAITING &&
      !ds_scanning_is_timely (self, known, name, status))
    return;

  known->state = DS_KNOWN_FILE_WAITING;
  if (self->rules->settle_time > 0 && self->now - known->since < self->rules->settle_time)
    self->scan->n_settling++;
  else
    ds_scan_candidates_add (&self->candidates, self->directory->path, name, status,
                            ds_file_set_get_index (self->scanner->known, known));
}

static gboolean
ds_scanning_is_excluded (DsScanning *self, const DsFileStatus *status)
{
  const DsFileStatus *excluded = self->rules->excluded;

  return excluded != NULL && status->device == excluded->device &&
         status->inode == excluded->inode;
}

static void
ds_scanning_look_at_directory (DsScanning *self, const char *name)
{
  if (self->directory->depth >= self->rules->max_depth)
    {
      ds_scanning_pass_over_name (self, DS_SCAN_DIRECTORY, name);
      return;
    }

  DsScanDirectory *directory = g_new (DsScanDirectory, 1);

  directory->path = g_build_filename (self->directory->path, name, NULL);
  directory->depth = self->directory->depth + 1;
  g_queue_push_tail (&self->directories, directory);
}

static void
ds_scanning_note_aside (DsScanning *self, const char *name)
{
  if (self->scan->asides == NULL)
    self->scan->asides = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (self->scan->asides,
                   g_build_filename (self->directory->path, name, NULL));
}

/* Decides by name and kind, where they are enough.  TRUE: the status is needed. */
static gboolean
ds_scanning_select (const char *name, DsFileKind kind, gpointer user_data)
{
  DsScanning *self = user_data;
  const DsScanRules *rules = self->rules;

  self->scan->n_listed++;
  if (kind == DS_FILE_DIRECTORY && g_str_has_prefix (name, DS_FILE_ASIDE_PREFIX))
    ds_scanning_note_aside (self, name);
  else if (ds_scanning_is_hidden (name))
    ds_scanning_pass_over_name (self, DS_SCAN_HIDDEN, name);
  else if (kind == DS_FILE_DIRECTORY)
    {
      if (rules->excluded != NULL)
        return TRUE;
      ds_scanning_look_at_directory (self, name);
    }
  else if (rules->name_pattern != NULL && fnmatch (rules->name_pattern, name, 0) != 0)
    ds_scanning_pass_over_name (self, DS_SCAN_PATTERN, name);
  else if (kind == DS_FILE_SYMLINK)
    ds_scanning_pass_over_name (self, DS_SCAN_SYMLINK, name);
  else if (kind == DS_FILE_SPECIAL)
    ds_scanning_pass_over_name (self, DS_SCAN_SPECIAL, name);
  else if (rules->filter != NULL && !rules->filter (name, rules->filter_data))
    ds_scanning_pass_over_name (self, DS_SCAN_FILTER, name);
  else
    return TRUE;
  return FALSE;
}

static gboolean
ds_scanning_look_at (const char *name, const DsFileStatus *status, gpointer user_data)
{
  DsScanning *self = user_data;

  if (status->kind == DS_FILE_REGULAR)
    ds_scanning_look_at_file (self, name, status);
  else if (!ds_scanning_is_excluded (self, status))
    ds_scanning_look_at_directory (self, name);
  return TRUE;
}

/* ---- Scans ---- */

static void
ds_scan_directory_free (gpointer data)
{
  DsScanDirectory *self = data;

  g_free (self->path);
  g_free (self);
}

/* The first failure is told; the other directories are listed all the same. */
static void
ds_scanning_take_error (DsScanning *self, GError *error)
{
  if (self->scan->error == NULL)
    self->scan->error = error;
  else
    g_error_free (error);
}

/* What was known of @directory, and below, is not forgotten: it may be there. */
static void
ds_scanning_leave_out (const char *directory, const GError *error, gpointer user_data)
{
  DsScanning *self = user_data;

  ds_scanning_take_error (self, g_error_copy (error));
  ds_file_set_leave_out (self->scanner->known, directory);
}

/* FALSE: there is none. */
static gboolean
ds_scanning_find_roots (DsScanning *self)
{
  DsDirectoryScanner *scanner = self->scanner;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) roots =
      ds_directory_pattern_match (scanner->files, scanner->directory,
                                  ds_scanning_leave_out, self, &error);

  if (roots == NULL)
    {
      /* Without a match nothing was listed: a disk may be away, and will be back. */
      ds_scanning_leave_out (NULL, error, self);
      return FALSE;
    }
  for (guint i = 0; i < roots->len; i++)
    {
      DsScanDirectory *directory;
      DsFileStatus status;

      if (self->rules->excluded != NULL &&
          ds_file_system_get_status (scanner->files, roots->pdata[i], &status, NULL) &&
          ds_scanning_is_excluded (self, &status))
        continue;
      directory = g_new0 (DsScanDirectory, 1);
      directory->path = g_strdup (roots->pdata[i]);
      g_queue_push_tail (&self->directories, directory);
    }
  return TRUE;
}

static void
ds_scanning_list (DsScanning *self)
{
  DsDirectoryScanner *scanner = self->scanner;
  DsScanDirectory *directory;

  if (!ds_scanning_find_roots (self))
    return;
  while ((directory = g_queue_pop_head (&self->directories)) != NULL)
    {
      g_autoptr (GError) error = NULL;

      self->directory = directory;
      ds_file_set_enter (scanner->known, directory->path);
      if (ds_file_system_list (scanner->files, directory->path, ds_scanning_select,
                               ds_scanning_look_at, self, &error))
        self->scan->n_directories++;
      else
        ds_scanning_leave_out (directory->path, error, self);
      ds_scan_directory_free (directory);
    }
}

/* What the candidates that are left become. */
static void
ds_scanning_take (DsScanning *self)
{
  DsDirectoryScanner *scanner = self->scanner;
  DsScanCandidates *candidates = &self->candidates;

  ds_scan_candidates_trim (candidates);
  self->scan->n_left = candidates->n_dropped;
  for (guint i = 0; i < candidates->files->len; i++)
    {
      const DsScanCandidate *file = ds_scan_candidates_get (candidates, i);
      g_autofree char *path = NULL;
      DsKnownFile *known = ds_file_set_get (scanner->known, file->index);

      if (known->state == DS_KNOWN_FILE_TAKEN) /* another name of the same file */
        {
          self->scan->n_taken++;
          continue;
        }
      known->state = DS_KNOWN_FILE_TAKEN;
      self->scan->n_bytes += file->status.n_bytes;
      path = ds_scan_candidates_get_path (candidates, file);
      g_ptr_array_add (self->scan->files,
                       ds_planned_file_new (scanner->files, path, &file->status));
      if (known->is_again && self->scan->again_path == NULL)
        self->scan->again_path = g_strdup (path);
      if (!self->rules->takes_all)
        ds_recent_paths_add (scanner->recent, self->batch_time, g_steal_pointer (&path));
    }
}

void
ds_directory_scanner_scan (DsDirectoryScanner *self,
                           const DsScanRules *rules,
                           DsTime batch_time,
                           DsTime now,
                           DsScanTellFunc tell,
                           gpointer user_data,
                           DsDirectoryScan *scan)
{
  DsScanning scanning = {
    .scanner = self,
    .rules = rules,
    .batch_time = batch_time,
    .now = now,
    .ignore_until_ns =
        ds_scan_to_ns (MAX (rules->ignore_until, batch_time - rules->remember)),
    .tell = tell,
    .user_data = user_data,
    .scan = scan,
    .directories = G_QUEUE_INIT,
  };

  scan->files = g_ptr_array_new_with_free_func ((GDestroyNotify) ds_planned_file_free);
  ds_scan_candidates_init (&scanning.candidates, rules->max_files, rules->max_bytes,
                           rules->max_plan_bytes);
  /* Of what was taken longer ago the time keeps it out. */
  ds_recent_paths_forget (self->recent, batch_time - rules->remember);

  ds_file_set_begin_scan (self->known);
  ds_scanning_list (&scanning);
  if (rules->takes_all)
    ds_file_set_find_again (self->known);
  ds_scanning_take (&scanning);
  ds_file_set_end_scan (self->known);
  ds_scan_candidates_clear (&scanning.candidates);
}

gsize
ds_directory_scanner_get_n_known (DsDirectoryScanner *self)
{
  return ds_file_set_get_length (self->known);
}

gsize
ds_directory_scanner_get_n_bytes (DsDirectoryScanner *self)
{
  return ds_file_set_get_n_bytes (self->known) +
         ds_recent_paths_get_n_bytes (self->recent);
}

gint64
ds_directory_scanner_count_batches (DsDuration min_remember, DsDuration interval)
{
  return min_remember / interval + (min_remember % interval != 0);
}

/* ---- Checkpoints: the file set, the recent paths ---- */

/* Between scans. */
static DsKnownFile *
ds_directory_scanner_note_planned (DsDirectoryScanner *self,
                                   const DsPlannedFile *file,
                                   DsTime now)
{
  g_autofree char *directory = g_path_get_dirname (file->path);
  g_autofree char *name = g_path_get_basename (file->path);

  ds_file_set_enter (self->known, directory);
  return ds_file_set_note (self->known, name, &file->status, now);
}

static void
ds_directory_scanner_set_state (DsDirectoryScanner *self,
                                GPtrArray *files,
                                DsKnownFileState state)
{
  for (guint i = 0; i < files->len; i++)
    {
      const DsPlannedFile *file = files->pdata[i];

      ds_directory_scanner_note_planned (self, file, 0)->state = (guint8) state;
    }
}

struct _DsScannerCapture
{
  DsFileSet *known;
  GByteArray *recent;
};

DsScannerCapture *
ds_directory_scanner_capture (DsDirectoryScanner *self, DsTime until, GPtrArray *later)
{
  DsScannerCapture *capture = g_new (DsScannerCapture, 1);

  /* They have met the rule of time, so that they are not held to it again. */
  ds_directory_scanner_set_state (self, later, DS_KNOWN_FILE_WAITING);
  capture->known = ds_file_set_copy (self->known);
  ds_directory_scanner_set_state (self, later, DS_KNOWN_FILE_TAKEN);
  capture->recent = g_byte_array_new ();
  ds_recent_paths_save (self->recent, until, capture->recent);
  return capture;
}

void
ds_scanner_capture_save (DsScannerCapture *self, GByteArray *bytes)
{
  ds_file_set_save (self->known, bytes);
  g_byte_array_append (bytes, self->recent->data, self->recent->len);
}

void
ds_scanner_capture_free (DsScannerCapture *self)
{
  ds_file_set_free (self->known);
  g_byte_array_unref (self->recent);
  g_free (self);
}

gsize
ds_directory_scanner_load (DsDirectoryScanner *self,
                           const DsValue *values,
                           gsize n_values)
{
  gsize n_of_files = ds_file_set_load (self->known, values, n_values);
  gsize n_of_paths = n_of_files > 0
                         ? ds_recent_paths_load (self->recent, values + n_of_files,
                                                 n_values - n_of_files)
                         : 0;

  return n_of_paths > 0 ? n_of_files + n_of_paths : 0;
}

void
ds_directory_scanner_note_taken (DsDirectoryScanner *self,
                                 DsTime batch_time,
                                 const DsPlannedFile *file,
                                 gboolean is_remembered)
{
  ds_directory_scanner_note_planned (self, file, batch_time)->state = DS_KNOWN_FILE_TAKEN;
  if (is_remembered &&
      ds_recent_paths_get_batch_time (self->recent, file->path) == DS_TIME_NONE)
    ds_recent_paths_add (self->recent, batch_time, g_strdup (file->path));
}
