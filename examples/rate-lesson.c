/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Back-pressure made visible.  A source brings 4,000 records a second, the program can
 * take 2,000.  Without back-pressure batches are full and late, as late as the queue of
 * batches is long; then the source has to wait, too, so every other batch finds nothing.
 * With back-pressure the source is slowed down to what can be taken: after about 15
 * batches each has 200 records and begins when it is due.
 *
 *   rate-lesson [BATCHES]
 *
 * prints a line a batch of 100 ms, in real time: how many records it had, how late it
 * began, how long it took.  30 batches, the default, take 3 s, twice. */

#include <dstream/dstream.h>

#include <stdlib.h>

#define RECORDS_PER_SECOND 4000
#define RECORD_COST 500 /* us: 2,000 records a second */

/* ---- A source without end ---- */

G_DECLARE_FINAL_TYPE (Fountain, fountain, LESSON, FOUNTAIN, DsReceiver)

struct _Fountain
{
  DsReceiver parent_instance;
};

G_DEFINE_FINAL_TYPE (Fountain, fountain, DS_TYPE_RECEIVER)

/* As fast as it may: a store waits for the rate limit. */
static gboolean
fountain_run (DsReceiver *self, GCancellable *cancellable, GError **error)
{
  while (ds_receiver_store_string (self, "drop"))
    ;
  return TRUE;
}

static void
fountain_class_init (FountainClass *klass)
{
  DS_RECEIVER_CLASS (klass)->run = fountain_run;
}

static void
fountain_init (Fountain *self)
{
}

/* ---- The lesson ---- */

typedef struct
{
  DsStreamingContext *ssc; /* not owned */
  guint n_batches;
  guint n_left;
} Lesson;

/* Takes its time over each record, as if it wrote them somewhere. */
static gboolean
process (DsRdd *rdd, DsBatch *batch, gpointer user_data, GError **error)
{
  Lesson *lesson = user_data;
  gint64 n_records = ds_batch_get_n_records (batch);
  gint64 start = g_get_monotonic_time ();
  DsDuration late = g_get_real_time () - ds_batch_get_time (batch);

  if (lesson->n_left == 0)
    return TRUE;
  g_usleep ((gulong) (n_records * RECORD_COST));
  g_print ("%5u %8" G_GINT64_FORMAT " %8.0f ms %8.0f ms\n",
           lesson->n_batches - lesson->n_left + 1, n_records,
           (double) (late / DS_MILLISECOND),
           (double) (g_get_monotonic_time () - start) / DS_MILLISECOND);
  if (--lesson->n_left == 0) /* from inside it only asks */
    ds_streaming_context_stop (lesson->ssc, DS_STOP_NOW, NULL);
  return TRUE;
}

static gboolean
teach (guint n_batches, gboolean with_back_pressure, GError **error)
{
  g_autoptr (DsStreamingContext) ssc =
      ds_streaming_context_new ("local[2]", "RateLesson", 100 * DS_MILLISECOND);
  g_autoptr (DsReceiver) fountain = g_object_new (fountain_get_type (), NULL);
  Lesson lesson = { ssc, n_batches, n_batches };

  g_object_set (ssc, "backpressure-enabled", with_back_pressure, NULL);
  DsDStream *drops = ds_streaming_context_receiver_stream (ssc, fountain);
  ds_dstream_set_max_rate (drops, RECORDS_PER_SECOND);
  ds_dstream_foreach_rdd (drops, process, &lesson, NULL);

  g_print ("%s back-pressure\nbatch  records        late        took\n",
           with_back_pressure ? "With" : "Without");
  return ds_streaming_context_start (ssc, error) &&
         ds_streaming_context_await_termination (ssc, error);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  int n_batches = argc > 1 ? atoi (argv[1]) : 30;

  if (argc > 2 || n_batches < 1)
    {
      g_printerr ("usage: rate-lesson [BATCHES]\n");
      return 2;
    }
  if (!teach ((guint) n_batches, FALSE, &error) ||
      !teach ((guint) n_batches, TRUE, &error))
    g_printerr ("rate-lesson: %s\n", error->message);
  return error == NULL ? 0 : 1;
}
