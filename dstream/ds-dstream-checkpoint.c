/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How often what a stream keeps is to be written to checkpoints, and what follows from
 * that: a directory is needed, the interval has to fit the batches, and states have to be
 * remembered until the checkpoint after the next one. */

#include "dstream/ds-streaming-context-private.h"

#define DS_MIN_CHECKPOINT_INTERVAL (10 * DS_SECOND)

DsDuration
ds_default_checkpoint_interval (DsDuration slide)
{
  return (DS_MIN_CHECKPOINT_INTERVAL + slide - 1) / slide * slide;
}

void
ds_dstream_need_checkpoints (DsDStream *self, DsDuration interval)
{
  ds_dstream_get_node (self)->checkpoint_default = interval;
}

DsDuration
ds_dstream_get_checkpoint_interval (DsDStream *self)
{
  DsDStreamNode *node = ds_dstream_get_node (self);

  return node->checkpoint_interval > 0 ? node->checkpoint_interval
                                       : node->checkpoint_default;
}

DsDuration
ds_dstream_get_checkpoint_remember (DsDStream *self)
{
  DsDuration interval = ds_dstream_get_checkpoint_interval (self);

  if (ds_dstream_get_node (self)->checkpoints_only_inside)
    return 0;
  return interval >= ds_dstream_get_node (self)->slide
             ? 2 * MIN (interval, G_MAXINT64 / 2)
             : 0;
}

gboolean
ds_dstream_check_checkpoints (DsDStream *self, const char *directory, GError **error)
{
  DsDStreamNode *node = ds_dstream_get_node (self);
  DsDuration interval = ds_dstream_get_checkpoint_interval (self);

  if (interval == 0)
    return TRUE;
  if (directory == NULL)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
                   "%s: what this stream keeps from batch to batch goes into "
                   "checkpoints, but no checkpoint directory is set; set one with "
                   "ds_streaming_context_checkpoint ()",
                   ds_dstream_describe (self));
      return FALSE;
    }
  if (interval < node->slide || interval % node->slide != 0)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_INTERVAL,
                   "%s: a checkpoint every %.3f s is not a whole number of its slides of "
                   "%.3f s; set a multiple with ds_dstream_checkpoint ()",
                   ds_dstream_describe (self), (double) interval / DS_SECOND,
                   (double) node->slide / DS_SECOND);
      return FALSE;
    }
  return TRUE;
}

/**
 * ds_dstream_checkpoint:
 * @self: a stream
 * @interval: how often, in µs: a positive multiple of the slide duration of @self
 *
 * Sets how often what the stream keeps goes into checkpoints, instead of the default: the
 * smallest multiple of its slide that is 10 s or more, for `map_with_state` 10 slides.
 * The stream remembers its RDDs for at least twice as long; those of `map_with_state`
 * hold nothing of the state, and need not.
 *
 * Needs ds_streaming_context_checkpoint ().  Latches %DS_ERROR_INVALID_ARGUMENT for an
 * interval of 0 or less; ds_streaming_context_start () fails with
 * %DS_ERROR_INVALID_INTERVAL for one that is no multiple.
 */
void
ds_dstream_checkpoint (DsDStream *self, DsDuration interval)
{
  DsDStreamNode *node;

  g_return_if_fail (DS_IS_DSTREAM (self));

  if (!ds_dstream_may_set (self, "checkpoint"))
    return;
  node = ds_dstream_get_node (self);
  if (interval > 0)
    node->checkpoint_interval = interval;
  else if (node->context == NULL)
    g_critical ("checkpoint: the interval of stream %s is %" G_GINT64_FORMAT
                " us; it must be more than 0",
                ds_dstream_describe (self), interval);
  else
    ds_streaming_context_latch (node->context, DS_ERROR_INVALID_ARGUMENT,
                                "checkpoint: the interval of stream %s is "
                                "%" G_GINT64_FORMAT " us; it must be more than 0",
                                ds_dstream_describe (self), interval);
}
