/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as what a source says of itself in a checkpoint and in the log.  The first
 * byte says of which: 'f' and 'g' of a directory, 's' and 't' of a socket; 'f' and 's'
 * its position, 'g' and 't' what a batch takes.  Refused with an error, or loaded; and
 * then what is saved of it loads, and is saved as the same bytes again. */

#include "base/ds-error.h"
#include "dstream/ds-input-recovery-private.h"
#include "dstream/ds-streaming-context-private.h"
#include "tests/fuzz/ds-fuzz-private.h"

#define TIME (1000 * DS_SECOND)

typedef struct
{
  DsStreamingContext *ssc;
  DsInputDStream *input;
  const DsInputRecovery *recovery;
} Source;

static void
source_begin (Source *self, gboolean is_directory)
{
  DsDStream *stream;

  self->ssc = ds_streaming_context_new ("local", "fuzz", DS_SECOND);
  stream = is_directory
               ? ds_streaming_context_text_file_stream (self->ssc, "/nowhere")
               : ds_streaming_context_socket_text_stream (self->ssc, "localhost", 9);
  /* As start makes it. */
  self->ssc->receivers = ds_receiver_tracker_new (self->ssc);
  self->input = DS_INPUT_DSTREAM (stream);
  self->recovery = ds_dstream_get_node (stream)->ops->recovery;
}

static void
source_end (Source *self)
{
  g_clear_pointer (&self->ssc->receivers, ds_receiver_tracker_free);
  g_clear_object (&self->ssc);
}

static gboolean
source_load (Source *self,
             gboolean is_plan,
             const guint8 *bytes,
             gsize n_bytes,
             GError **error)
{
  return is_plan ? self->recovery->load_plan (self->input, TIME, bytes, n_bytes, error)
                 : self->recovery->load_position (self->input, bytes, n_bytes, error);
}

static void
source_save (Source *self, gboolean is_plan, GByteArray *bytes)
{
  gpointer capture;

  if (is_plan)
    self->recovery->save_plan (self->input, TIME, bytes);
  else if (self->recovery->capture_position == NULL)
    self->recovery->save_position (self->input, TIME, bytes);
  else
    {
      capture = self->recovery->capture_position (self->input, TIME);
      self->recovery->encode_position (capture, bytes);
      self->recovery->free_position (capture);
    }
}

/* TRUE: it was loaded, and @saved is what is saved of it. */
static gboolean
try_source (gboolean is_directory,
            gboolean is_plan,
            const guint8 *bytes,
            gsize n_bytes,
            GByteArray *saved)
{
  Source source;
  g_autoptr (GError) error = NULL;
  gboolean ok;

  source_begin (&source, is_directory);
  ok = source_load (&source, is_plan, bytes, n_bytes, &error);
  if (ok)
    source_save (&source, is_plan, saved);
  else
    {
      g_assert_nonnull (error);
      g_assert_true (error->domain == DS_ERROR);
      g_assert_cmpstr (error->message, !=, "");
    }
  /* Blocks that are named are not there: an error, or there were none. */
  g_clear_error (&error);
  ds_receiver_tracker_end_recovery (source.ssc->receivers, &error);
  source_end (&source);
  return ok;
}

int
LLVMFuzzerTestOneInput (const guint8 *bytes, gsize n_bytes)
{
  guint8 what = n_bytes > 0 ? bytes[0] : 0;
  gboolean is_directory = what == 'f' || what == 'g';
  gboolean is_plan = what == 'g' || what == 't';
  g_autoptr (GByteArray) saved = g_byte_array_new ();
  g_autoptr (GByteArray) same = g_byte_array_new ();

  if (what != 'f' && what != 'g' && what != 's' && what != 't')
    return 0;
  if (!try_source (is_directory, is_plan, bytes + 1, n_bytes - 1, saved))
    return 0;
  g_assert_true (try_source (is_directory, is_plan, saved->data, saved->len, same));
  g_assert_cmpmem (saved->data, saved->len, same->data, same->len);
  return 0;
}
