/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Every value with the stretch of time that it stands for: the window that the stream, or
 * what it is made of, looks back over. */

#include "dstream/ds-streaming-context-private.h"
#include "dstream/ds-window-private.h"

#define DS_TYPE_WINDOW_BOUNDS_DSTREAM (ds_window_bounds_dstream_get_type ())
G_DECLARE_FINAL_TYPE (DsWindowBoundsDStream,
                      ds_window_bounds_dstream,
                      DS,
                      WINDOW_BOUNDS_DSTREAM,
                      DsDStream)

struct _DsWindowBoundsDStream
{
  DsDStream parent_instance;
  DsDuration length;
};

G_DEFINE_FINAL_TYPE (DsWindowBoundsDStream, ds_window_bounds_dstream, DS_TYPE_DSTREAM)

typedef struct
{
  DsTime start;
  DsTime end;
} DsWindowBounds;

static DsValue
ds_add_window_bounds (DsValue value, DsTask *task, gpointer user_data)
{
  const DsWindowBounds *bounds = user_data;

  return ds_tuple (task, ds_value_int (bounds->start), ds_value_int (bounds->end), value);
}

static DsRdd *
ds_window_bounds_dstream_compute (DsDStream *dstream, DsBatch *batch, GError **error)
{
  DsRdd *parent = ds_dstream_get_parent_rdd (dstream, batch, error);
  DsWindowBounds *bounds;

  if (parent == NULL)
    return NULL;
  bounds = g_new (DsWindowBounds, 1);
  bounds->end = ds_batch_get_time (batch);
  bounds->start = bounds->end - DS_WINDOW_BOUNDS_DSTREAM (dstream)->length;
  return ds_rdd_map (parent, ds_add_window_bounds, bounds, g_free);
}

static const DsDStreamOps ds_window_bounds_dstream_ops = {
  .kind = "window_bounds",
  .compute = ds_window_bounds_dstream_compute,
};

static void
ds_window_bounds_dstream_class_init (DsWindowBoundsDStreamClass *klass)
{
  DS_DSTREAM_CLASS (klass)->ops = &ds_window_bounds_dstream_ops;
}

static void
ds_window_bounds_dstream_init (DsWindowBoundsDStream *self)
{
}

/**
 * ds_dstream_window_bounds:
 * @self: a window, or a stream made of one
 *
 * Gives every value the bounds of its window: tuples (start, end, value) with start and
 * end as ints in µs.  The window is (start, end]: what came at start is not in it, what
 * came at end is.  Of streams made of a window the window's bounds hold; where there is
 * none, those of the batch.
 *
 * Latches %DS_ERROR_INVALID_INTERVAL for a stream that is made of windows of different
 * lengths.
 *
 * Returns: (transfer none): the stream of tuples, owned by the context
 */
DsDStream *
ds_dstream_window_bounds (DsDStream *self)
{
  DsDStream *bounded;
  DsDuration length;

  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  length = ds_window_find (self);
  if (length < 0)
    {
      ds_streaming_context_latch (
          ds_dstream_get_node (self)->context, DS_ERROR_INVALID_INTERVAL,
          "window_bounds: the stream %s is made of windows of different lengths; ask for "
          "the bounds before they come together",
          ds_dstream_describe (self));
      return ds_window_refuse (self, NULL, NULL);
    }
  bounded = ds_dstream_derive (self, DS_TYPE_WINDOW_BOUNDS_DSTREAM, NULL, NULL, NULL);
  if (DS_IS_WINDOW_BOUNDS_DSTREAM (bounded))
    DS_WINDOW_BOUNDS_DSTREAM (bounded)->length =
        length > 0 ? length : ds_dstream_get_node (self)->slide;
  return bounded;
}
