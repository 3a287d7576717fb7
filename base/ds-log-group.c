/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records as they will lie in the file, one behind the other in few regions of memory. */

#include "base/ds-log-group-private.h"

#include <sys/uio.h>

/* Each region of a group is twice as large as the one before, between these. */
#define DS_LOG_MIN_REGION ((gsize) 4096)
#define DS_LOG_MAX_REGION DS_ARENA_HUGE_BYTES

typedef struct
{
  DsArenaRegion *region;
  gsize n_bytes; /* of records; not known of the newest one */
} DsLogStretch;

typedef struct
{
  guint8 *frame; /* its hash follows behind that */
  guint n_parts;
} DsLogLarge;

typedef struct
{
  gpointer owner;
  GDestroyNotify release;
} DsLogOwner;

/* ---- Making ---- */

DsLogGroup *
ds_log_group_new (void)
{
  DsLogGroup *self = g_new0 (DsLogGroup, 1);

  self->stretches = g_array_new (FALSE, FALSE, sizeof (DsLogStretch));
  self->larges = g_array_new (FALSE, FALSE, sizeof (DsLogLarge));
  self->parts = g_array_new (FALSE, FALSE, sizeof (DsLogPart));
  self->owners = g_array_new (FALSE, FALSE, sizeof (DsLogOwner));
  return self;
}

void
ds_log_group_clear (DsLogGroup *self)
{
  for (guint i = 0; i < self->owners->len; i++)
    {
      const DsLogOwner *owner = &g_array_index (self->owners, DsLogOwner, i);

      owner->release (owner->owner);
    }
  for (guint i = 0; i < self->stretches->len; i++)
    ds_arena_pool_give (ds_arena_pool_get_default (),
                        g_array_index (self->stretches, DsLogStretch, i).region);
  g_array_set_size (self->stretches, 0);
  g_array_set_size (self->larges, 0);
  g_array_set_size (self->parts, 0);
  g_array_set_size (self->owners, 0);
  self->end = self->limit = NULL;
  self->n_bytes = 0;
  self->n_records = 0;
}

void
ds_log_group_free (DsLogGroup *self)
{
  ds_log_group_clear (self);
  g_array_unref (self->stretches);
  g_array_unref (self->larges);
  g_array_unref (self->parts);
  g_array_unref (self->owners);
  g_free (self);
}

void
ds_log_group_begin (DsLogGroup *self, guint64 sequence, guint64 salt, gsize n_expected)
{
  self->next = NULL;
  self->first_sequence = sequence;
  self->salt = salt;
  self->n_expected = n_expected;
}

guint64
ds_log_group_get_last_sequence (const DsLogGroup *self)
{
  return self->first_sequence + self->n_records - 1;
}

/* ---- Records ---- */

static DsLogStretch *
ds_log_group_get_stretch (const DsLogGroup *self, guint i)
{
  return &g_array_index (self->stretches, DsLogStretch, i);
}

static guint8 *
ds_log_stretch_get_bytes (const DsLogStretch *self)
{
  return (guint8 *) self->region->memory;
}

/* Bytes of records in one of them. */
static gsize
ds_log_group_count_bytes (const DsLogGroup *self, guint i)
{
  const DsLogStretch *stretch = ds_log_group_get_stretch (self, i);

  return i + 1 < self->stretches->len
             ? stretch->n_bytes
             : (gsize) (self->end - ds_log_stretch_get_bytes (stretch));
}

gsize
ds_log_group_count_memory (const DsLogGroup *self)
{
  gsize n_bytes = 0;

  for (guint i = 0; i < self->stretches->len; i++)
    n_bytes += ds_log_group_count_bytes (self, i);
  return n_bytes;
}

static void
ds_log_group_add_region (DsLogGroup *self, gsize n_bytes)
{
  guint n = self->stretches->len;
  gsize n_wanted = self->n_expected;
  DsLogStretch stretch = { 0 };

  if (n > 0)
    {
      DsLogStretch *last = ds_log_group_get_stretch (self, n - 1);

      last->n_bytes = ds_log_group_count_bytes (self, n - 1);
      n_wanted = 2 * last->region->n_bytes;
    }
  n_wanted = CLAMP (n_wanted, DS_LOG_MIN_REGION, DS_LOG_MAX_REGION) - DS_ARENA_PADDING;
  stretch.region =
      ds_arena_pool_take (ds_arena_pool_get_default (), MAX (n_wanted, n_bytes));
  self->end = ds_log_stretch_get_bytes (&stretch);
  self->limit = self->end + stretch.region->n_bytes;
  g_array_append_val (self->stretches, stretch);
}

static guint8 *
ds_log_group_reserve (DsLogGroup *self, gsize n_bytes)
{
  guint8 *room;

  if (n_bytes > (gsize) (self->limit - self->end))
    ds_log_group_add_region (self, n_bytes);
  room = self->end;
  self->end += n_bytes;
  return room;
}

static void
ds_log_put_hash (guint8 *record, gsize size, guint64 salt)
{
  gsize n_hashed = size - DS_LOG_HASH_BYTES;

  ds_put_u64 (record + n_hashed, XXH3_64bits_withSeed (record, n_hashed, salt));
}

static void
ds_log_put_payload (guint8 *payload, const DsLogPart *parts, guint n_parts, gsize n_room)
{
  guint8 *end = payload;

  for (guint i = 0; i < n_parts; i++)
    if (parts[i].n_bytes > 0)
      {
        memcpy (end, parts[i].bytes, parts[i].n_bytes);
        end += parts[i].n_bytes;
      }
  memset (end, 0, n_room - (gsize) (end - payload));
}

/* Zeros between the payload of a large record and its hash. */
static gsize
ds_log_count_padding (gsize n_bytes)
{
  return ds_log_record_size (n_bytes) - DS_LOG_FRAME_BYTES - n_bytes - DS_LOG_HASH_BYTES;
}

static guint8 *
ds_log_group_append_large (DsLogGroup *self,
                           const DsLogPart *parts,
                           guint n_parts,
                           gsize n_bytes)
{
  gsize n_padding = ds_log_count_padding (n_bytes);
  guint8 *record =
      ds_log_group_reserve (self, DS_LOG_FRAME_BYTES + n_padding + DS_LOG_HASH_BYTES);
  DsLogLarge large = { record, n_parts };

  g_array_append_val (self->larges, large);
  g_array_append_vals (self->parts, parts, n_parts);
  memset (record + DS_LOG_FRAME_BYTES, 0, n_padding + DS_LOG_HASH_BYTES);
  return record;
}

void
ds_log_group_append (DsLogGroup *self,
                     DsLogRecordType type,
                     const DsLogPart *parts,
                     guint n_parts,
                     gsize n_bytes,
                     gpointer owner,
                     GDestroyNotify release)
{
  gsize size = ds_log_record_size (n_bytes);
  gboolean is_small = size <= DS_LOG_SMALL_RECORD;
  guint8 *record = is_small ? ds_log_group_reserve (self, size)
                            : ds_log_group_append_large (self, parts, n_parts, n_bytes);

  ds_log_encode_frame (record, self->salt, (guint32) n_bytes,
                       self->first_sequence + self->n_records, (guint16) type,
                       self->n_records);
  if (is_small)
    {
      ds_log_put_payload (record + DS_LOG_FRAME_BYTES, parts, n_parts,
                          size - DS_LOG_FRAME_BYTES - DS_LOG_HASH_BYTES);
      ds_log_put_hash (record, size, self->salt);
    }
  if (release != NULL)
    {
      DsLogOwner entry = { owner, release };

      g_array_append_val (self->owners, entry);
    }
  self->n_records++;
  self->n_bytes += size;
}

/* ---- As they have to be in the segment ---- */

static void
ds_log_salt (guint8 *bytes, gsize n_bytes, guint64 salt)
{
  const guint8 *end = bytes + n_bytes;

  while (bytes < end)
    {
      gsize n_payload = ds_get_u32 (bytes + 4);
      gsize size = ds_log_record_size (n_payload);

      ds_log_put_magic (bytes, salt);
      if (size <= DS_LOG_SMALL_RECORD)
        {
          ds_log_put_hash (bytes, size, salt);
          bytes += size;
        }
      else
        bytes += size - n_payload;
    }
}

static void
ds_log_hash_large (guint8 *record,
                   const DsLogPart *parts,
                   guint n_parts,
                   guint64 salt,
                   XXH3_state_t *hash)
{
  gsize n_padding = ds_log_count_padding (ds_get_u32 (record + 4));
  guint8 *tail = record + DS_LOG_FRAME_BYTES;

  XXH3_64bits_reset_withSeed (hash, salt);
  XXH3_64bits_update (hash, record, DS_LOG_FRAME_BYTES);
  for (guint i = 0; i < n_parts; i++)
    if (parts[i].n_bytes > 0)
      XXH3_64bits_update (hash, parts[i].bytes, parts[i].n_bytes);
  XXH3_64bits_update (hash, tail, n_padding);
  ds_put_u64 (tail + n_padding, XXH3_64bits_digest (hash));
}

void
ds_log_group_seal (DsLogGroup *self, guint64 salt, XXH3_state_t *hash)
{
  const DsLogPart *parts = (const DsLogPart *) (gpointer) self->parts->data;

  if (self->salt != salt)
    for (guint i = 0; i < self->stretches->len; i++)
      ds_log_salt (ds_log_stretch_get_bytes (ds_log_group_get_stretch (self, i)),
                   ds_log_group_count_bytes (self, i), salt);
  self->salt = salt;
  for (guint i = 0; i < self->larges->len; i++)
    {
      const DsLogLarge *large = &g_array_index (self->larges, DsLogLarge, i);

      ds_log_hash_large (large->frame, parts, large->n_parts, salt, hash);
      parts += large->n_parts;
    }
}

static void
ds_log_add_piece (GArray *pieces, const void *bytes, gsize n_bytes)
{
  struct iovec piece = { .iov_len = n_bytes };

  if (n_bytes == 0)
    return;
  memcpy (&piece.iov_base, &bytes, sizeof bytes); /* writev () does not write into it */
  g_array_append_val (pieces, piece);
}

void
ds_log_group_add_pieces (const DsLogGroup *self, GArray *pieces)
{
  const DsLogPart *parts = (const DsLogPart *) (gpointer) self->parts->data;
  guint n_larges = 0;

  for (guint i = 0; i < self->stretches->len; i++)
    {
      const guint8 *done = ds_log_stretch_get_bytes (ds_log_group_get_stretch (self, i));
      const guint8 *end = done + ds_log_group_count_bytes (self, i);

      for (; n_larges < self->larges->len; n_larges++)
        {
          const DsLogLarge *large = &g_array_index (self->larges, DsLogLarge, n_larges);
          const guint8 *payload = large->frame + DS_LOG_FRAME_BYTES;

          if (payload < done || payload > end)
            break; /* it lies in another region */
          ds_log_add_piece (pieces, done, (gsize) (payload - done));
          for (guint k = 0; k < large->n_parts; k++, parts++)
            ds_log_add_piece (pieces, parts->bytes, parts->n_bytes);
          done = payload;
        }
      ds_log_add_piece (pieces, done, (gsize) (end - done));
    }
}

/* ---- Groups in their order ---- */

void
ds_log_queue_push (DsLogQueue *self, DsLogGroup *group)
{
  group->next = NULL;
  if (self->first == NULL)
    self->first = group;
  else
    self->last->next = group;
  self->last = group;
  self->n_bytes += group->n_bytes;
}

DsLogGroup *
ds_log_queue_pop (DsLogQueue *self)
{
  DsLogGroup *group = self->first;

  if (group == NULL)
    return NULL;
  self->first = group->next;
  if (self->first == NULL)
    self->last = NULL;
  self->n_bytes -= group->n_bytes;
  group->next = NULL;
  return group;
}

void
ds_log_queue_clear (DsLogQueue *self)
{
  DsLogGroup *group;

  while ((group = ds_log_queue_pop (self)) != NULL)
    ds_log_group_free (group);
}
