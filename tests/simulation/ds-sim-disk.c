/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The model of the disk, as that of the crash harness (tests/crash/disk.py): of each file
 * what its last sync covered and what was written since, of each directory the changes
 * since its last sync.  A rename is one change of two directories; the sync of a file
 * does not make its name last; what a failed sync covered is not made durable by the
 * next. */

#include "tests/simulation/ds-sim-private.h"

#include <fcntl.h>
#include <ftw.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum
{
  DS_SIM_PENDING,
  DS_SIM_DURABLE,
  DS_SIM_DOOMED
} DsSimFate;

typedef struct
{
  guint64 offset;
  GBytes *data; /* (nullable): NULL, cut at the offset */
  DsSimFate fate;
} DsSimWrite;

typedef struct
{
  gboolean is_directory;
  /* of a file */
  GByteArray *base; /* what lasts in any case */
  GByteArray *live;
  GArray *writes; /* DsSimWrite */
  /* of a directory: name -> DsSimNode */
  GHashTable *names;
  GHashTable *durable_names;
  GHashTable *set_at; /* name -> number of the change that made it durable */
  GHashTable *kept;   /* (nullable): while the power is cut */
} DsSimNode;

typedef struct
{
  DsSimNode *directory;
  char *name;
  DsSimNode *node; /* (nullable): NULL, the name goes */
} DsSimPart;

typedef struct
{
  guint number;
  DsSimPart parts[2];
  guint n_parts;
  gboolean is_durable;
} DsSimChange;

struct _DsSimDisk
{
  GPtrArray *nodes; /* owns them */
  DsSimNode *root;
  GPtrArray *changes; /* DsSimChange that are not durable, in order */
  guint n_changes;
  GHashTable *handles; /* of the run that is replayed -> DsSimNode */
};

/* ---- Nodes ---- */

static void
write_clear (gpointer data)
{
  g_clear_pointer (&((DsSimWrite *) data)->data, g_bytes_unref);
}

static void
node_free (gpointer data)
{
  DsSimNode *self = data;

  g_clear_pointer (&self->base, g_byte_array_unref);
  g_clear_pointer (&self->live, g_byte_array_unref);
  g_clear_pointer (&self->writes, g_array_unref);
  g_clear_pointer (&self->names, g_hash_table_unref);
  g_clear_pointer (&self->durable_names, g_hash_table_unref);
  g_clear_pointer (&self->set_at, g_hash_table_unref);
  g_clear_pointer (&self->kept, g_hash_table_unref);
  g_free (self);
}

static GHashTable *
new_names (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

static DsSimNode *
new_node (DsSimDisk *disk, gboolean is_directory)
{
  DsSimNode *self = g_new0 (DsSimNode, 1);

  self->is_directory = is_directory;
  if (is_directory)
    {
      self->names = new_names ();
      self->durable_names = new_names ();
      self->set_at = new_names ();
    }
  else
    {
      self->base = g_byte_array_new ();
      self->live = g_byte_array_new ();
      self->writes = g_array_new (FALSE, FALSE, sizeof (DsSimWrite));
      g_array_set_clear_func (self->writes, write_clear);
    }
  g_ptr_array_add (disk->nodes, self);
  return self;
}

static void
change_free (gpointer data)
{
  DsSimChange *self = data;

  for (guint i = 0; i < self->n_parts; i++)
    g_free (self->parts[i].name);
  g_free (self);
}

static void
disk_clear (DsSimDisk *self)
{
  g_clear_pointer (&self->nodes, g_ptr_array_unref);
  g_clear_pointer (&self->changes, g_ptr_array_unref);
  g_clear_pointer (&self->handles, g_hash_table_unref);
}

static void
disk_init (DsSimDisk *self)
{
  *self = (DsSimDisk){ 0 };
  self->nodes = g_ptr_array_new_with_free_func (node_free);
  self->changes = g_ptr_array_new_with_free_func (change_free);
  self->handles = g_hash_table_new (g_direct_hash, g_direct_equal);
  self->root = new_node (self, TRUE);
}

DsSimDisk *
ds_sim_disk_new (void)
{
  DsSimDisk *self = g_new0 (DsSimDisk, 1);

  disk_init (self);
  return self;
}

void
ds_sim_disk_free (DsSimDisk *self)
{
  disk_clear (self);
  g_free (self);
}

static void
apply_bytes (GByteArray *content, guint64 offset, const guint8 *bytes, gsize n_bytes)
{
  guint n_before = content->len;

  if (offset + n_bytes > n_before)
    {
      g_byte_array_set_size (content, (guint) (offset + n_bytes));
      memset (content->data + n_before, 0, content->len - n_before);
    }
  if (n_bytes > 0)
    memcpy (content->data + offset, bytes, n_bytes);
}

static void
apply_write (GByteArray *content, const DsSimWrite *write)
{
  guint n_before = content->len;
  gsize n_bytes;
  const guint8 *bytes;

  if (write->data != NULL)
    {
      bytes = g_bytes_get_data (write->data, &n_bytes);
      apply_bytes (content, write->offset, bytes, n_bytes);
      return;
    }
  g_byte_array_set_size (content, (guint) write->offset);
  if (content->len > n_before)
    memset (content->data + n_before, 0, content->len - n_before);
}

static void
add_write (DsSimNode *node, guint64 offset, GBytes *data)
{
  DsSimWrite added = { offset, data, DS_SIM_PENDING };

  apply_write (node->live, &added);
  g_array_append_val (node->writes, added);
}

static void
sync_node (DsSimNode *node, DsSimFate fate)
{
  guint n = 0;

  for (guint i = 0; i < node->writes->len; i++)
    {
      DsSimWrite *write = &g_array_index (node->writes, DsSimWrite, i);

      if (write->fate == DS_SIM_PENDING)
        write->fate = fate;
    }
  while (n < node->writes->len &&
         g_array_index (node->writes, DsSimWrite, n).fate == DS_SIM_DURABLE)
    apply_write (node->base, &g_array_index (node->writes, DsSimWrite, n++));
  if (n > 0)
    g_array_remove_range (node->writes, 0, n);
}

/* ---- Names ---- */

static DsSimNode *
find_node (DsSimDisk *self, const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);
  DsSimNode *node = self->root;

  for (guint i = 0; parts[i] != NULL && node != NULL; i++)
    if (*parts[i] != '\0')
      node = node->is_directory ? g_hash_table_lookup (node->names, parts[i]) : NULL;
  if (node == NULL)
    g_error ("simulation: \"%s\" was not made where it is seen", path);
  return node;
}

static void
set_name (GHashTable *names, const char *name, DsSimNode *node)
{
  if (node == NULL)
    g_hash_table_remove (names, name);
  else
    g_hash_table_insert (names, g_strdup (name), node);
}

static void
add_part (DsSimDisk *self, DsSimChange *change, const char *path, DsSimNode *node)
{
  g_autofree char *parent = g_path_get_dirname (path);
  DsSimPart *part = &change->parts[change->n_parts++];

  part->directory = find_node (self, g_str_equal (parent, ".") ? "" : parent);
  part->name = g_path_get_basename (path);
  part->node = node;
}

/* @gone (nullable): a name that goes in the same change. */
static void
change_names (DsSimDisk *self, const char *gone, const char *path, DsSimNode *node)
{
  DsSimChange *change = g_new0 (DsSimChange, 1);

  change->number = ++self->n_changes;
  if (gone != NULL)
    add_part (self, change, gone, NULL);
  add_part (self, change, path, node);
  for (guint i = 0; i < change->n_parts; i++)
    set_name (change->parts[i].directory->names, change->parts[i].name,
              change->parts[i].node);
  g_ptr_array_add (self->changes, change);
}

static void
make_durable (DsSimChange *change)
{
  for (guint i = 0; i < change->n_parts; i++)
    {
      DsSimPart *part = &change->parts[i];
      guint set_at =
          GPOINTER_TO_UINT (g_hash_table_lookup (part->directory->set_at, part->name));

      if (set_at >= change->number)
        continue;
      g_hash_table_insert (part->directory->set_at, g_strdup (part->name),
                           GUINT_TO_POINTER (change->number));
      set_name (part->directory->durable_names, part->name, part->node);
    }
}

static void
sync_names (DsSimDisk *self, DsSimNode *directory)
{
  for (guint i = 0; i < self->changes->len;)
    {
      DsSimChange *change = g_ptr_array_index (self->changes, i);
      gboolean is_of_it = FALSE;

      for (guint k = 0; k < change->n_parts; k++)
        is_of_it = is_of_it || change->parts[k].directory == directory;
      if (is_of_it)
        {
          make_durable (change);
          g_ptr_array_remove_index (self->changes, i);
        }
      else
        i++;
    }
}

/* ---- What a run did ---- */

static void
replay_open (DsSimDisk *self, const DsSimCall *call, const char *path)
{
  DsSimNode *node;

  if ((call->offset & DS_SIM_CREATED) != 0)
    {
      node = new_node (self, FALSE);
      change_names (self, NULL, path, node);
    }
  else
    node = find_node (self, path);
  if ((call->offset & DS_SIM_TRUNCATED) != 0)
    add_write (node, 0, NULL);
  g_hash_table_insert (self->handles, GSIZE_TO_POINTER (call->handle), node);
}

static void
replay_call (DsSimDisk *self, const DsSimCall *call)
{
  const char *path = (const char *) (call + 1);
  const char *to = path + call->n_path + 1;
  const char *data = to + call->n_to + 1;
  DsSimNode *node = g_hash_table_lookup (self->handles, GSIZE_TO_POINTER (call->handle));

  switch ((DsSimCallType) call->type)
    {
    case DS_SIM_OPEN:
      replay_open (self, call, path);
      break;
    case DS_SIM_WRITE:
      add_write (node, call->offset, g_bytes_new (data, call->n_data));
      break;
    case DS_SIM_SYNC:
      sync_node (node, call->error == 0 ? DS_SIM_DURABLE : DS_SIM_DOOMED);
      break;
    case DS_SIM_SYNC_DIRECTORY:
      sync_names (self, find_node (self, path));
      break;
    case DS_SIM_CUT:
      add_write (node, call->offset, NULL);
      break;
    case DS_SIM_RENAME:
      change_names (self, path, to, find_node (self, path));
      break;
    case DS_SIM_UNLINK:
      change_names (self, NULL, path, NULL);
      break;
    case DS_SIM_MAKE_DIRECTORY:
      change_names (self, NULL, path, new_node (self, TRUE));
      break;
    case DS_SIM_LINK:
      change_names (self, NULL, to, find_node (self, path));
      break;
    case DS_SIM_READ:
    default:
      g_assert_not_reached ();
    }
}

void
ds_sim_disk_replay (DsSimDisk *self, const guint8 *calls, gsize n_bytes)
{
  g_hash_table_remove_all (self->handles);
  for (gsize at = 0; at < n_bytes;)
    {
      const DsSimCall *call = (gconstpointer) (calls + at);

      replay_call (self, call);
      at += call->n_bytes;
    }
}

/* ---- A power cut ---- */

/* A write that no sync covered: all of it, nothing, half, its length with zeros, or half
 * and zeros. */
static void
apply_by_chance (GByteArray *content,
                 const DsSimWrite *write,
                 guint model,
                 gboolean before)
{
  gsize n_bytes = 0;
  const guint8 *bytes =
      write->data != NULL ? g_bytes_get_data (write->data, &n_bytes) : NULL;
  g_autofree guint8 *zeros = NULL;

  if (model == 0 || (model == 2 && !before))
    return;
  if (model == 1 || model == 2 || write->data == NULL)
    {
      apply_write (content, write);
      return;
    }
  zeros = g_malloc0 (n_bytes + 1);
  if (model == 4 && n_bytes > 0)
    memcpy (zeros, bytes, n_bytes / 2);
  apply_bytes (content, write->offset, zeros, n_bytes);
}

/* @model: 0 none, 1 all, 2 a prefix, 3 zeros, 4 torn, 5 each for itself. */
static GByteArray *
content_after_cut (DsSimNode *node, guint model, DsPropertyRandom *random)
{
  GByteArray *content = g_byte_array_new ();
  guint n_before =
      node->writes->len > 0 ? ds_property_random_below (random, node->writes->len) : 0;

  g_byte_array_append (content, node->base->data, node->base->len);
  for (guint i = 0; i < node->writes->len; i++)
    {
      const DsSimWrite *write = &g_array_index (node->writes, DsSimWrite, i);
      guint now = model == 5 ? ds_property_random_below (random, 5) : model;

      if (write->fate == DS_SIM_DURABLE)
        apply_write (content, write);
      else if (model == 2 && i == n_before && write->data != NULL)
        {
          gsize n_bytes;
          const guint8 *bytes = g_bytes_get_data (write->data, &n_bytes);

          apply_bytes (content, write->offset, bytes, n_bytes / 2);
        }
      else
        apply_by_chance (content, write, now, i < n_before);
    }
  return content;
}

static GHashTable *
copy_names (GHashTable *names)
{
  GHashTable *copy = new_names ();
  GHashTableIter iter;
  gpointer name, node;

  g_hash_table_iter_init (&iter, names);
  while (g_hash_table_iter_next (&iter, &name, &node))
    g_hash_table_insert (copy, g_strdup (name), node);
  return copy;
}

/* Which changes of names last: none, all, a prefix, any. */
static void
choose_names (DsSimDisk *self, DsPropertyRandom *random)
{
  guint model = ds_property_random_below (random, 5);
  guint n_before = ds_property_random_below (random, self->changes->len + 1);

  for (guint i = 0; i < self->nodes->len; i++)
    {
      DsSimNode *node = g_ptr_array_index (self->nodes, i);

      if (node->is_directory)
        node->kept = copy_names (node->durable_names);
    }
  for (guint i = 0; i < self->changes->len; i++)
    {
      DsSimChange *change = g_ptr_array_index (self->changes, i);

      if (model == 0 || (model == 2 && i >= n_before) ||
          (model >= 3 && ds_property_random_percent (random, 50)))
        continue;
      for (guint k = 0; k < change->n_parts; k++)
        {
          DsSimPart *part = &change->parts[k];

          if (GPOINTER_TO_UINT (g_hash_table_lookup (part->directory->set_at,
                                                     part->name)) < change->number)
            set_name (part->directory->kept, part->name, part->node);
        }
    }
}

static int
remove_entry (const char *path, const struct stat *status, int kind, struct FTW *where)
{
  return where->level > 0 ? remove (path) : 0;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* In the order of names, so that chance goes the same way each time. */
static void
write_directory (DsSimDisk *to,
                 DsSimNode *copy,
                 DsSimNode *node,
                 const char *path,
                 guint model,
                 DsPropertyRandom *random)
{
  guint n_names;
  g_autofree gpointer *names = g_hash_table_get_keys_as_array (node->kept, &n_names);

  qsort (names, n_names, sizeof *names, compare_names);
  for (guint i = 0; i < n_names; i++)
    {
      DsSimNode *child = g_hash_table_lookup (node->kept, names[i]);
      g_autofree char *child_path = g_build_filename (path, names[i], NULL);
      DsSimNode *child_copy = new_node (to, child->is_directory);

      set_name (copy->names, names[i], child_copy);
      set_name (copy->durable_names, names[i], child_copy);
      if (child->is_directory)
        {
          g_assert_cmpint (mkdir (child_path, 0700), ==, 0);
          write_directory (to, child_copy, child, child_path, model, random);
        }
      else
        {
          g_autoptr (GByteArray) content = content_after_cut (child, model, random);
          int fd = open (child_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

          g_assert_cmpint (fd, >=, 0);
          g_assert_cmpint (write (fd, content->data, content->len), ==, content->len);
          close (fd);
          g_byte_array_append (child_copy->base, content->data, content->len);
          g_byte_array_append (child_copy->live, content->data, content->len);
        }
    }
}

void
ds_sim_disk_cut_power (DsSimDisk *self, const char *root, DsPropertyRandom *random)
{
  DsSimDisk after;

  choose_names (self, random);
  nftw (root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  disk_init (&after);
  write_directory (&after, after.root, self->root, root,
                   ds_property_random_below (random, 6), random);
  disk_clear (self);
  *self = after;
}

/* ---- The model itself ---- */

static gboolean
directory_is_as (DsSimNode *node, const char *path, char **message)
{
  GHashTableIter iter;
  gpointer name, value;
  guint n_found = 0;
  GDir *names = g_dir_open (path, 0, NULL);

  while (names != NULL && g_dir_read_name (names) != NULL)
    n_found++;
  if (names != NULL)
    g_dir_close (names);
  if (n_found != g_hash_table_size (node->names))
    {
      *message = g_strdup_printf ("the model has %u names in %s, the disk %u",
                                  g_hash_table_size (node->names), path, n_found);
      return FALSE;
    }
  g_hash_table_iter_init (&iter, node->names);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      DsSimNode *child = value;
      g_autofree char *child_path = g_build_filename (path, name, NULL);
      g_autofree char *text = NULL;
      gsize n_bytes;

      if (child->is_directory)
        {
          if (!directory_is_as (child, child_path, message))
            return FALSE;
        }
      else if (!g_file_get_contents (child_path, &text, &n_bytes, NULL) ||
               n_bytes != child->live->len ||
               (n_bytes > 0 && memcmp (text, child->live->data, n_bytes) != 0))
        {
          *message = g_strdup_printf ("%s is not as the model says", child_path);
          return FALSE;
        }
    }
  return TRUE;
}

gboolean
ds_sim_disk_is_as (DsSimDisk *self, const char *root, char **message)
{
  return directory_is_as (self->root, root, message);
}
