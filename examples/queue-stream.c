/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A stream of what the program itself pushes, one block a batch, under a clock that
 * stands still until it is told to move: nothing comes from outside and nothing waits, so
 * every run is the same.  Counts how often each last digit occurs.
 *
 *   $ queue-stream
 *   -------------------------------------------
 *   Time: 1000 ms
 *   -------------------------------------------
 *   (1,3)
 *
 *   -------------------------------------------
 *   Time: 2000 ms
 *   -------------------------------------------
 *   (2,2)
 *   (1,1)
 *
 *   -------------------------------------------
 *   Time: 3000 ms
 *   -------------------------------------------
 *   (3,2)
 *   (1,1)
 *
 *   -------------------------------------------
 *   Time: 4000 ms
 *   -------------------------------------------
 *
 * The last batch found nothing in the queue. */

#include <dstream/dstream.h>

static DsValue
last_digit (DsValue number, DsTask *task, gpointer user_data)
{
  return ds_value_int (ds_value_get_int (number) % 10);
}

int
main (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DsManualClock) clock = ds_manual_clock_new (0);
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new ("local[2]", "QueueStream", 1 * DS_SECOND);
  ds_streaming_context_set_clock (ssc, DS_CLOCK (clock));

  DsDStream *numbers = ds_streaming_context_queue_stream (ssc);
  DsDStream *digits = ds_dstream_map (numbers, last_digit, NULL, NULL);
  ds_dstream_print (ds_dstream_count_by_value (digits), 10);

  for (gint64 batch = 1; batch <= 3; batch++)
    {
      g_autoptr (DsBlock) block = ds_block_new_ints (batch, 10 + batch, 21);
      ds_dstream_push_block (numbers, block);
    }

  if (ds_streaming_context_start (ssc, &error))
    {
      ds_manual_clock_advance (clock, 4 * DS_SECOND);
      if (ds_streaming_context_await_batch (ssc, 4 * DS_SECOND, &error))
        ds_streaming_context_stop (ssc, DS_STOP_NOW, &error);
    }

  if (error != NULL)
    g_printerr ("queue-stream: %s\n", error->message);
  return error == NULL ? 0 : 1;
}
