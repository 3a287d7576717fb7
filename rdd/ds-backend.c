/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The two backends of one process.  "local" has one place, and a block moves as a
 * reference.  "loopback[n]" deals partitions out to n places and lets nothing but encoded
 * bytes pass between two of them, the driver being one more: what could not be sent to
 * another machine cannot pass here either. */

#include "rdd/ds-backend-private.h"

#include "base/ds-codec-private.h"

struct _DsBackend
{
  guint n_places;
  gboolean is_loopback;
  guint64 n_bytes_moved; /* atomic */
};

DsBackend *
ds_backend_new_local (void)
{
  DsBackend *self = g_new0 (DsBackend, 1);

  self->n_places = 1;
  return self;
}

DsBackend *
ds_backend_new_loopback (guint n_places)
{
  DsBackend *self = g_new0 (DsBackend, 1);

  g_assert (n_places > 0);
  self->n_places = n_places;
  self->is_loopback = TRUE;
  return self;
}

void
ds_backend_free (DsBackend *self)
{
  g_free (self);
}

guint
ds_backend_get_n_places (DsBackend *self)
{
  return self->n_places;
}

guint
ds_backend_place_of (DsBackend *self, guint partition)
{
  return partition % self->n_places;
}

DsBlock *
ds_backend_move (DsBackend *self, DsBlock *block, guint from, guint to, GError **error)
{
  g_autoptr (GByteArray) bytes = NULL;
  DsBlock *moved;

  if (!self->is_loopback || from == to)
    return ds_block_ref (block);

  bytes = g_byte_array_new ();
  ds_codec_encode_block (block, bytes);
  __atomic_fetch_add (&self->n_bytes_moved, bytes->len, __ATOMIC_RELAXED);
  moved = ds_codec_decode_block (bytes->data, bytes->len, 0, error);
  if (moved == NULL)
    g_prefix_error (error, "Block of %" G_GSIZE_FORMAT " values from place %d to %d: ",
                    ds_block_get_length (block), (int) from, (int) to);
  return moved;
}

guint64
ds_backend_get_n_bytes_moved (DsBackend *self)
{
  return __atomic_load_n (&self->n_bytes_moved, __ATOMIC_RELAXED);
}
