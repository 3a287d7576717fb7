/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What all file systems share: the calls go through their functions, and a file that was
 * planned is opened only as what it was then.  Telling in words what is different is
 * worth the trouble: whoever reads it has a writer to find. */

#include "base/ds-file-system-private.h"

#include "base/ds-error.h"

gboolean
ds_file_system_list (DsFileSystem *self,
                     const char *directory,
                     DsFileSystemSelectFunc select,
                     DsFileSystemListFunc func,
                     gpointer user_data,
                     GError **error)
{
  return self->ops->list (self, directory, select, func, user_data, error);
}

gboolean
ds_file_system_get_status (DsFileSystem *self,
                           const char *path,
                           DsFileStatus *status,
                           GError **error)
{
  return self->ops->get_status (self, path, status, error);
}

DsFile *
ds_file_system_open (DsFileSystem *self, const char *path, GError **error)
{
  return self->ops->open (self, path, error);
}

void
ds_file_system_clean_up (DsFileSystem *self,
                         GPtrArray *files,
                         const char *archive,
                         DsFileCleanUpFailFunc fail,
                         gpointer user_data)
{
  self->ops->clean_up (self, files, archive, fail, user_data);
}

guint
ds_file_system_restore (DsFileSystem *self, const char *path, GError **error)
{
  return self->ops->restore (self, path, error);
}

gboolean
ds_file_get_status (DsFile *self, DsFileStatus *status, GError **error)
{
  return self->file_system->ops->get_file_status (self, status, error);
}

gssize
ds_file_read (DsFile *self, guint64 offset, gpointer room, gsize n_room, GError **error)
{
  return self->file_system->ops->read (self, offset, room, n_room, error);
}

void
ds_file_close (DsFile *self)
{
  self->file_system->ops->close (self);
}

/* Of a character that would move the cursor, end the line or turn the text around. */
static gboolean
ds_file_is_shown_escaped (gunichar character)
{
  GUnicodeType type = g_unichar_type (character);

  return type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT ||
         type == G_UNICODE_LINE_SEPARATOR || type == G_UNICODE_PARAGRAPH_SEPARATOR;
}

char *
ds_file_display_name (const char *path)
{
  GString *shown = g_string_new (NULL);

  while (*path != '\0')
    {
      gunichar character = g_utf8_get_char_validated (path, -1);

      if (character == (gunichar) -1 || character == (gunichar) -2)
        {
          g_string_append_printf (shown, "\\x%02x", (guint) (guchar) *path);
          path++;
          continue;
        }
      if (!ds_file_is_shown_escaped (character))
        g_string_append_unichar (shown, character);
      else if (character < 0x80)
        g_string_append_printf (shown, "\\x%02x", character);
      else
        g_string_append_printf (shown, "\\u{%x}", character);
      path += g_utf8_skip[(guchar) *path];
    }
  return g_string_free (shown, FALSE);
}

static gboolean
ds_file_status_may_share_device (const DsFileStatus *a, const DsFileStatus *b)
{
  return a->device == b->device || a->device == DS_FILE_ANY_DEVICE ||
         b->device == DS_FILE_ANY_DEVICE;
}

gboolean
ds_file_status_equal (const DsFileStatus *a, const DsFileStatus *b)
{
  return ds_file_status_may_share_device (a, b) && a->inode == b->inode &&
         a->n_bytes == b->n_bytes && a->modified_ns == b->modified_ns &&
         a->kind == b->kind;
}

char *
ds_file_time_to_string (gint64 time_ns)
{
  gint64 nanoseconds = time_ns % 1000000000;
  gint64 seconds = time_ns / 1000000000;
  g_autoptr (GDateTime) time = NULL;
  g_autofree char *text = NULL;

  if (nanoseconds < 0) /* before 1970 */
    {
      nanoseconds += 1000000000;
      seconds--;
    }
  time = g_date_time_new_from_unix_utc (seconds);
  if (time == NULL) /* past the year 9999 */
    return g_strdup_printf ("%" G_GINT64_FORMAT " s after 1970", seconds);
  text = g_date_time_format (time, "%Y-%m-%d %H:%M:%S");
  return g_strdup_printf ("%s.%09d UTC", text, (int) nanoseconds);
}

/* ---- Planned files ---- */

DsPlannedFile *
ds_planned_file_new (DsFileSystem *file_system,
                     const char *path,
                     const DsFileStatus *status)
{
  DsPlannedFile *self = g_new (DsPlannedFile, 1);

  self->file_system = file_system;
  self->path = g_strdup (path);
  self->status = *status;
  return self;
}

void
ds_planned_file_free (DsPlannedFile *self)
{
  g_free (self->path);
  g_free (self);
}

static void
ds_planned_file_set_changed (const DsPlannedFile *self,
                             const DsFileStatus *now,
                             GError **error)
{
  const DsFileStatus *then = &self->status;
  g_autofree char *name = ds_file_display_name (self->path);
  g_autofree char *change = NULL;

  if (!ds_file_status_may_share_device (now, then))
    change = g_strdup_printf ("it is a file on another device (number %" G_GUINT64_FORMAT
                              ", was %" G_GUINT64_FORMAT ")",
                              now->device, then->device);
  else if (now->inode != then->inode)
    change = g_strdup_printf ("it was replaced by another file of that name (inode "
                              "%" G_GUINT64_FORMAT ", was %" G_GUINT64_FORMAT ")",
                              now->inode, then->inode);
  else if (now->n_bytes != then->n_bytes)
    change = g_strdup_printf ("it was %s: it has %" G_GUINT64_FORMAT
                              " bytes, and had %" G_GUINT64_FORMAT,
                              now->n_bytes > then->n_bytes ? "appended to" : "truncated",
                              now->n_bytes, then->n_bytes);
  else
    {
      g_autofree char *time_then = ds_file_time_to_string (then->modified_ns);
      g_autofree char *time_now = ds_file_time_to_string (now->modified_ns);

      change = g_strdup_printf ("it was written to: modified at %s, was %s", time_now,
                                time_then);
    }
  g_set_error (error, DS_ERROR, DS_ERROR_BAD_FILE,
               "File \"%s\" is not what it was when it was listed: %s; write files under "
               "another name and move them into place when they are whole",
               name, change);
}

DsFile *
ds_planned_file_open (const DsPlannedFile *self, GError **error)
{
  g_autoptr (DsFile) file = ds_file_system_open (self->file_system, self->path, error);
  DsFileStatus now;

  if (file == NULL || !ds_file_get_status (file, &now, error))
    return NULL;
  if (!ds_file_status_equal (&now, &self->status))
    {
      ds_planned_file_set_changed (self, &now, error);
      return NULL;
    }
  return g_steal_pointer (&file);
}
