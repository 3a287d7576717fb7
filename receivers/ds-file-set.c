/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An array of the files in the order in which they were first seen, and a hash table of
 * indices into it: 48 bytes and two to four slots of 8 bytes a file, no allocation for
 * each.  Sizes and times are chosen by whoever writes the files, so the hash is mixed
 * with a number of this set's own.
 *
 * What costs is waiting for memory, as 10^6 files are more than caches hold.  Directories
 * are listed in the same order again and again, so the file behind the one that was found
 * last is tried first; a slot says with half of the hash whether its file is worth a
 * look; and a table grows by walking through the old one, in whose order the new one is
 * filled. */

#include "receivers/ds-file-set-private.h"

#include "receivers/ds-listed-directories-private.h"

#include <string.h>
#include <xxhash.h>

#define DS_FILE_SET_MIN_SLOTS 64
/* Of entries that are only names. */
#define DS_FILE_SET_NAME_DEVICE G_MAXUINT64

typedef struct
{
  guint32 number; /* index + 1; 0: free */
  guint32 hash;   /* the lower half of the file's */
} DsFileSetSlot;

#define DS_FILE_SET_NO_DEVICE G_MAXUINT32

typedef struct
{
  guint64 number;
  gboolean is_saved; /* the number is of a run before, which makes it another device */
  guint32 is_now;    /* index of what that one is found to be, or none */
} DsFileSetDevice;

/* Whether a file is the one that is looked for. */
typedef enum
{
  DS_FILE_FITS_NOT,
  DS_FILE_FITS_MAYBE, /* unless there is one that fits better */
  DS_FILE_FITS
} DsFileFit;

struct _DsFileSet
{
  GArray *files;   /* DsKnownFile */
  GArray *devices; /* DsFileSetDevice */
  DsFileSetSlot *slots;
  gsize n_slots;  /* a power of two, at least twice the files */
  guint expected; /* the index of the file that is likely to be noted next */
  guint64 seed;
  DsListedDirectories *directories;
  char *directory_path; /* (nullable): that what is noted is in */
  guint32 directory;    /* its index, or DS_LISTED_DIRECTORY_ANY before that is needed */
  guint32 mark;         /* of this scan */
  guint n_before;       /* this scan, so many files were known */
  gsize n_listed;       /* files with that mark */
  gsize n_capacity;     /* of files */
};

static void
ds_file_set_allocate (DsFileSet *self, gsize n_slots)
{
  /* Written, and not only mapped: a page that is read before it is written to is mapped
   * twice, and all processors are told. */
  self->slots = g_new (DsFileSetSlot, n_slots);
  memset (self->slots, 0, n_slots * sizeof *self->slots);
  self->n_slots = n_slots;
}

DsFileSet *
ds_file_set_new (void)
{
  DsFileSet *self = g_new0 (DsFileSet, 1);

  self->files = g_array_new (FALSE, FALSE, sizeof (DsKnownFile));
  self->devices = g_array_new (FALSE, FALSE, sizeof (DsFileSetDevice));
  self->directories = ds_listed_directories_new ();
  self->directory = DS_LISTED_DIRECTORY_ANY;
  self->seed = ((guint64) g_random_int () << 32) | g_random_int ();
  self->mark = 1;
  ds_file_set_allocate (self, DS_FILE_SET_MIN_SLOTS);
  return self;
}

DsFileSet *
ds_file_set_copy (DsFileSet *self)
{
  DsFileSet *copy = g_new0 (DsFileSet, 1);

  copy->files = g_array_copy (self->files);
  copy->devices = g_array_copy (self->devices);
  copy->directories = ds_listed_directories_new ();
  for (guint i = 0; i < ds_listed_directories_get_length (self->directories); i++)
    ds_listed_directories_add (copy->directories,
                               ds_listed_directories_get_path (self->directories, i));
  return copy;
}

void
ds_file_set_free (DsFileSet *self)
{
  g_array_unref (self->files);
  g_array_unref (self->devices);
  ds_listed_directories_free (self->directories);
  g_free (self->directory_path);
  g_free (self->slots);
  g_free (self);
}

static guint64
ds_file_set_mix (guint64 a, guint64 b)
{
  unsigned __int128 product = (unsigned __int128) a * b;

  return (guint64) product ^ (guint64) (product >> 64);
}

/* Without the device, which may have got another number. */
static guint32
ds_file_set_hash (DsFileSet *self, guint64 inode, guint64 n_bytes, gint64 modified_ns)
{
  guint64 hash = self->seed;

  hash = ds_file_set_mix (hash ^ inode, G_GUINT64_CONSTANT (0x9e3779b97f4a7c15));
  hash = ds_file_set_mix (hash ^ n_bytes, G_GUINT64_CONSTANT (0xd6e8feb86659fd93));
  return (guint32) ds_file_set_mix (hash ^ (guint64) modified_ns,
                                    G_GUINT64_CONSTANT (0xa0761d6478bd642f));
}

static void
ds_file_set_fill_slot (DsFileSet *self, DsFileSetSlot filled)
{
  gsize slot = filled.hash & (self->n_slots - 1);

  while (self->slots[slot].number != 0)
    slot = (slot + 1) & (self->n_slots - 1);
  self->slots[slot] = filled;
}

static void
ds_file_set_grow (DsFileSet *self)
{
  DsFileSetSlot *old = self->slots;
  gsize n_old = self->n_slots;

  ds_file_set_allocate (self, n_old * 2);
  for (gsize i = 0; i < n_old; i++)
    if (old[i].number != 0)
      ds_file_set_fill_slot (self, old[i]);
  g_free (old);
}

/* Every file gets a slot anew. */
static void
ds_file_set_index (DsFileSet *self, gsize n_slots)
{
  g_free (self->slots);
  ds_file_set_allocate (self, n_slots);
  for (guint i = 0; i < self->files->len; i++)
    {
      const DsKnownFile *file = &g_array_index (self->files, DsKnownFile, i);
      guint32 hash =
          ds_file_set_hash (self, file->inode, file->n_bytes, file->modified_ns);

      ds_file_set_fill_slot (self, (DsFileSetSlot){ i + 1, hash });
    }
}

/* Nearly always the last one: a scan stays on a device. */
static guint32
ds_file_set_get_device (DsFileSet *self, guint64 number, gboolean is_saved)
{
  DsFileSetDevice device = { number, is_saved, DS_FILE_SET_NO_DEVICE };

  for (guint i = self->devices->len; i > 0; i--)
    {
      const DsFileSetDevice *known =
          &g_array_index (self->devices, DsFileSetDevice, i - 1);

      if (known->number == number && known->is_saved == is_saved)
        return i - 1;
    }
  g_array_append_val (self->devices, device);
  return self->devices->len - 1;
}

void
ds_file_set_begin_scan (DsFileSet *self)
{
  self->mark++;
  self->n_listed = 0;
  self->expected = 0;
  self->n_before = self->files->len;
  ds_listed_directories_begin_scan (self->directories);
}

void
ds_file_set_enter (DsFileSet *self, const char *directory)
{
  g_free (self->directory_path);
  self->directory_path = g_strdup (directory);
  self->directory = DS_LISTED_DIRECTORY_ANY;
}

void
ds_file_set_leave_out (DsFileSet *self, const char *directory)
{
  ds_listed_directories_leave_out (self->directories, directory);
}

/* One in which nothing is noted needs no index. */
static guint32
ds_file_set_get_directory (DsFileSet *self)
{
  if (self->directory == DS_LISTED_DIRECTORY_ANY && self->directory_path != NULL)
    self->directory = ds_listed_directories_add (self->directories, self->directory_path);
  return self->directory;
}

/* Two bytes are enough to tell a file that was written to from another one that got the
 * number of its inode. */
static guint16
ds_file_set_hash_name (const char *name)
{
  return name != NULL ? (guint16) (XXH3_64bits (name, strlen (name)) | 1) : 0;
}

static gboolean
ds_file_set_is_here (DsFileSet *self, const DsKnownFile *file)
{
  return file->directory != DS_LISTED_DIRECTORY_ANY &&
         file->directory == ds_file_set_get_directory (self);
}

/* Whether what was on the device @then may be on @now, both by index. */
static DsFileFit
ds_file_set_fit_device (DsFileSet *self, const DsKnownFile *file, guint32 now)
{
  const DsFileSetDevice *devices = &g_array_index (self->devices, DsFileSetDevice, 0);
  const DsFileSetDevice *then = &devices[file->device];
  gboolean has_no_number =
      then->number == DS_FILE_ANY_DEVICE || devices[now].number == DS_FILE_ANY_DEVICE;

  if (then->is_saved == devices[now].is_saved && !has_no_number)
    return DS_FILE_FITS_NOT;
  if (ds_file_set_is_here (self, file))
    return DS_FILE_FITS;
  return has_no_number || then->is_now == DS_FILE_SET_NO_DEVICE || then->is_now == now
             ? DS_FILE_FITS_MAYBE
             : DS_FILE_FITS_NOT;
}

static DsFileFit
ds_file_set_fit (DsFileSet *self, guint index, const DsFileStatus *status, guint32 device)
{
  const DsKnownFile *file = &g_array_index (self->files, DsKnownFile, index);

  if (file->inode != status->inode || file->modified_ns != status->modified_ns ||
      file->n_bytes != status->n_bytes)
    return DS_FILE_FITS_NOT;
  return file->device == device ? DS_FILE_FITS
                                : ds_file_set_fit_device (self, file, device);
}

/* It is seen on a device of this run. */
static void
ds_file_set_move_to (DsFileSet *self, DsKnownFile *file, guint32 device)
{
  DsFileSetDevice *devices = &g_array_index (self->devices, DsFileSetDevice, 0);

  if (file->device == device || devices[device].is_saved)
    return;
  if (ds_file_set_is_here (self, file))
    devices[file->device].is_now = device;
  file->device = device;
}

static DsKnownFile *
ds_file_set_list (DsFileSet *self, guint index, const char *name, guint32 device)
{
  DsKnownFile *file = &g_array_index (self->files, DsKnownFile, index);

  ds_file_set_move_to (self, file, device);
  self->expected = index + 1;
  if (file->mark == self->mark && file->directory != ds_file_set_get_directory (self))
    file->directory = DS_LISTED_DIRECTORY_ANY; /* another name of the same file */
  else
    file->directory = ds_file_set_get_directory (self);
  if (file->name_hash == 0) /* as after a recovery */
    file->name_hash = ds_file_set_hash_name (name);
  self->n_listed += file->mark != self->mark;
  file->mark = self->mark;
  return file;
}

static DsKnownFile *
ds_file_set_add (DsFileSet *self,
                 const char *name,
                 const DsFileStatus *status,
                 guint32 device,
                 DsFileSetSlot *slot,
                 guint32 hash,
                 DsTime now)
{
  DsKnownFile file = { .inode = status->inode,
                       .n_bytes = status->n_bytes,
                       .modified_ns = status->modified_ns,
                       .since = now,
                       .mark = self->mark,
                       .device = device,
                       .directory = ds_file_set_get_directory (self),
                       .name_hash = ds_file_set_hash_name (name),
                       .state = DS_KNOWN_FILE_SEEN };

  g_array_append_val (self->files, file);
  self->n_capacity = MAX (self->n_capacity, self->files->len);
  self->n_listed++;
  *slot = (DsFileSetSlot){ self->files->len, hash };
  if (self->files->len > self->n_slots / 2)
    ds_file_set_grow (self);
  return &g_array_index (self->files, DsKnownFile, self->files->len - 1);
}

static DsKnownFile *
ds_file_set_note_on (DsFileSet *self,
                     const char *name,
                     const DsFileStatus *status,
                     guint32 device,
                     DsTime now)
{
  guint32 likely = 0; /* its number, index + 1 */
  guint32 hash;
  gsize slot;

  if (self->expected < self->files->len &&
      ds_file_set_fit (self, self->expected, status, device) == DS_FILE_FITS)
    return ds_file_set_list (self, self->expected, name, device);

  hash = ds_file_set_hash (self, status->inode, status->n_bytes, status->modified_ns);
  for (slot = hash & (self->n_slots - 1); self->slots[slot].number != 0;
       slot = (slot + 1) & (self->n_slots - 1))
    {
      guint32 number = self->slots[slot].number;
      DsFileFit fit = self->slots[slot].hash == hash
                          ? ds_file_set_fit (self, number - 1, status, device)
                          : DS_FILE_FITS_NOT;

      if (fit == DS_FILE_FITS)
        return ds_file_set_list (self, number - 1, name, device);
      if (fit == DS_FILE_FITS_MAYBE && likely == 0)
        likely = number;
    }
  return likely != 0 ? ds_file_set_list (self, likely - 1, name, device)
                     : ds_file_set_add (self, name, status, device, &self->slots[slot],
                                        hash, now);
}

DsKnownFile *
ds_file_set_note (DsFileSet *self,
                  const char *name,
                  const DsFileStatus *status,
                  DsTime now)
{
  gboolean is_saved = status->device == DS_FILE_ANY_DEVICE;

  return ds_file_set_note_on (self, name, status,
                              ds_file_set_get_device (self, status->device, is_saved),
                              now);
}

DsKnownFile *
ds_file_set_note_saved (DsFileSet *self, const DsFileStatus *status, DsTime now)
{
  return ds_file_set_note_on (self, NULL, status,
                              ds_file_set_get_device (self, status->device, TRUE), now);
}

guint64
ds_file_set_get_device_number (DsFileSet *self, const DsKnownFile *file)
{
  return g_array_index (self->devices, DsFileSetDevice, file->device).number;
}

gboolean
ds_file_set_is_name (DsFileSet *self, const DsKnownFile *file)
{
  return ds_file_set_get_device_number (self, file) == DS_FILE_SET_NAME_DEVICE;
}

DsListedDirectories *
ds_file_set_get_directories (DsFileSet *self)
{
  return self->directories;
}

guint
ds_file_set_get_index (DsFileSet *self, const DsKnownFile *file)
{
  return (guint) (file - &g_array_index (self->files, DsKnownFile, 0));
}

DsKnownFile *
ds_file_set_get (DsFileSet *self, guint index)
{
  return &g_array_index (self->files, DsKnownFile, index);
}

DsKnownFile *
ds_file_set_note_name (DsFileSet *self, const char *name, guint reason, DsTime now)
{
  /* No device has that number, no file that time. */
  DsFileStatus identity = { .device = DS_FILE_SET_NAME_DEVICE,
                            .n_bytes = reason,
                            .modified_ns = G_MININT64 };
  guint64 seed = XXH3_64bits_withSeed (self->directory_path,
                                       strlen (self->directory_path), self->seed);

  identity.inode = XXH3_64bits_withSeed (name, strlen (name), seed);
  return ds_file_set_note (self, NULL, &identity, now);
}

static gboolean
ds_file_set_is_same_place (const DsKnownFile *a, const DsKnownFile *b)
{
  return a->inode == b->inode && a->device == b->device && a->directory == b->directory &&
         a->name_hash == b->name_hash && a->name_hash != 0;
}

/* Seldom anything has changed, so the few that have are looked for among the new ones. */
void
ds_file_set_find_again (DsFileSet *self)
{
  g_autoptr (GHashTable) new_files = NULL; /* inode to file, both in the array */

  if (self->n_before == self->files->len ||
      self->n_listed == self->files->len) /* nothing new, or nothing gone */
    return;
  new_files = g_hash_table_new (g_int64_hash, g_int64_equal);
  for (guint i = self->n_before; i < self->files->len; i++)
    {
      DsKnownFile *file = &g_array_index (self->files, DsKnownFile, i);

      g_hash_table_insert (new_files, &file->inode, file);
    }
  for (guint i = 0; i < self->n_before; i++)
    {
      const DsKnownFile *file = &g_array_index (self->files, DsKnownFile, i);
      DsKnownFile *again;

      if (file->mark == self->mark || file->state != DS_KNOWN_FILE_TAKEN)
        continue;
      again = g_hash_table_lookup (new_files, &file->inode);
      /* A shorter one was written anew. */
      if (again != NULL && ds_file_set_is_same_place (file, again) &&
          again->n_bytes >= file->n_bytes)
        again->is_again = TRUE;
    }
}

/* The array never shrinks by itself. */
static void
ds_file_set_shrink (DsFileSet *self)
{
  GArray *files =
      g_array_sized_new (FALSE, FALSE, sizeof (DsKnownFile), self->files->len);
  gsize n_slots = DS_FILE_SET_MIN_SLOTS;

  g_array_append_vals (files, self->files->data, self->files->len);
  g_array_unref (self->files);
  self->files = files;
  self->n_capacity = files->len;
  while (n_slots < 2 * (gsize) files->len)
    n_slots *= 2;
  ds_file_set_index (self, n_slots);
}

/* Directories without files are forgotten, too. */
static void
ds_file_set_forget_directories (DsFileSet *self)
{
  guint n_directories = ds_listed_directories_get_length (self->directories);
  g_autofree gboolean *is_used = g_new0 (gboolean, MAX (n_directories, 1));
  g_autofree guint32 *numbers = NULL;

  for (guint i = 0; i < self->files->len; i++)
    {
      guint32 directory = g_array_index (self->files, DsKnownFile, i).directory;

      if (directory != DS_LISTED_DIRECTORY_ANY)
        is_used[directory] = TRUE;
    }
  numbers = ds_listed_directories_keep (self->directories, is_used);
  for (guint i = 0; i < self->files->len; i++)
    {
      DsKnownFile *file = &g_array_index (self->files, DsKnownFile, i);

      if (file->directory != DS_LISTED_DIRECTORY_ANY)
        file->directory = numbers[file->directory];
    }
}

/* Whether each directory was left out. */
static gboolean *
ds_file_set_find_left_out (DsFileSet *self)
{
  guint n_directories = ds_listed_directories_get_length (self->directories);
  gboolean *is_left_out = g_new (gboolean, n_directories + 1);

  for (guint i = 0; i < n_directories; i++)
    is_left_out[i] = ds_listed_directories_is_left_out (self->directories, i);
  is_left_out[n_directories] =
      ds_listed_directories_is_left_out (self->directories, DS_LISTED_DIRECTORY_ANY);
  return is_left_out;
}

void
ds_file_set_end_scan (DsFileSet *self)
{
  guint n_directories = ds_listed_directories_get_length (self->directories);
  g_autofree gboolean *is_left_out = NULL;
  guint n_kept = 0;

  ds_file_set_enter (self, NULL);
  if (self->n_listed == self->files->len)
    return;

  is_left_out = ds_file_set_find_left_out (self);
  for (guint i = 0; i < self->files->len; i++)
    {
      DsKnownFile *file = &g_array_index (self->files, DsKnownFile, i);

      /* What it did not get to was not looked for. */
      if (is_left_out[MIN (file->directory, n_directories)])
        file->mark = self->mark;
      if (self->mark - file->mark <= 1)
        g_array_index (self->files, DsKnownFile, n_kept++) = *file;
    }
  if (n_kept == self->files->len)
    return;
  g_array_set_size (self->files, n_kept);
  if (n_kept < self->n_capacity / 4)
    ds_file_set_shrink (self);
  else
    ds_file_set_index (self, self->n_slots);
  ds_file_set_forget_directories (self);
}

gsize
ds_file_set_get_length (DsFileSet *self)
{
  return self->files->len;
}

gsize
ds_file_set_get_n_bytes (DsFileSet *self)
{
  return self->n_capacity * sizeof (DsKnownFile) + self->n_slots * sizeof *self->slots +
         ds_listed_directories_get_n_bytes (self->directories);
}
