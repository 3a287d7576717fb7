/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The first values of each batch on standard output, in the form that users of the model
 * know.  One more than is shown is taken, to see whether there are more.  A terminal must
 * not be driven by what somebody sent us, so control characters are escaped; and a batch
 * is written at once, so that lines of two programs do not mix inside it. */

#include "base/ds-value-private.h"
#include "dstream/ds-streaming-context-private.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DS_PRINT_RULE "-------------------------------------------\n"

char *
ds_print_output_format (DsTime batch_time, DsBlock *values, guint n)
{
  GString *text = g_string_new (DS_PRINT_RULE);
  gsize n_values = ds_block_get_length (values);

  g_string_append_printf (text, "Time: %" G_GINT64_FORMAT " ms\n" DS_PRINT_RULE,
                          batch_time / DS_MILLISECOND);
  for (gsize i = 0; i < MIN (n_values, n); i++)
    {
      ds_value_append_to_string (ds_block_get (values, i), text, TRUE);
      g_string_append_c (text, '\n');
    }
  if (n_values > n)
    g_string_append (text, "...\n");
  g_string_append_c (text, '\n');
  return g_string_free (text, FALSE);
}

static gboolean
ds_print_output_write (const char *text, GError **error)
{
  gsize n_left = strlen (text);

  fflush (stdout); /* what the program has printed comes first */
  while (n_left > 0)
    {
      gssize n_written = write (STDOUT_FILENO, text, n_left);

      if (n_written >= 0)
        {
          text += n_written;
          n_left -= (gsize) n_written;
        }
      else if (errno == EAGAIN)
        {
          struct pollfd poll_fd = { .fd = STDOUT_FILENO, .events = POLLOUT };

          poll (&poll_fd, 1, -1);
        }
      else if (errno != EINTR)
        {
          g_set_error (error, DS_ERROR, DS_ERROR_IO,
                       "Cannot write %" G_GSIZE_FORMAT
                       " bytes to standard output: %s; the batch was not printed",
                       n_left, g_strerror (errno));
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
ds_print_output_run (DsOutput *self, DsRdd *rdd, DsBatch *batch, GError **error)
{
  guint n = GPOINTER_TO_UINT (self->state);
  g_autoptr (DsBlock) values = ds_rdd_take (rdd, (gsize) n + 1, error);
  g_autofree char *text = NULL;

  if (values == NULL)
    return FALSE;
  text = ds_print_output_format (ds_batch_get_time (batch), values, n);
  return ds_print_output_write (text, error);
}

static const DsOutputOps ds_print_output_ops = {
  .kind = "print",
  .run = ds_print_output_run,
};

/**
 * ds_dstream_print:
 * @self: a stream
 * @n: how many values of each batch at most
 *
 * Prints the batch time and the first @n values of each batch to standard output, one a
 * line, with `...` if there are more.  Control characters are escaped.  Only as much of
 * the batch is computed as that takes.
 *
 * Returns: (transfer none): the output, owned by the context
 */
DsOutput *
ds_dstream_print (DsDStream *self, guint n)
{
  g_return_val_if_fail (DS_IS_DSTREAM (self), NULL);

  return ds_output_new (self, &ds_print_output_ops, GUINT_TO_POINTER (n));
}
