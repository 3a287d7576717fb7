/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Records over a socket, with the log.  The receiver answers each record when it is
 * stored, which is after it is on the disk; then the sender, who is this program, too,
 * has it acknowledged and will not send it again.  What was sent and not acknowledged is
 * sent once more after a crash, so a record may arrive as often as it was sent. */

#include "tests/crash/workloads/ds-crash-workload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_RECORDS 12
#define RECORDS_A_BATCH 3

static int sockets[2]; /* sender, receiver */

/* ---- The receiver ---- */

#define SOCKET_TYPE_RECEIVER (socket_receiver_get_type ())
G_DECLARE_FINAL_TYPE (SocketReceiver, socket_receiver, SOCKET, RECEIVER, DsReceiver)

struct _SocketReceiver
{
  DsReceiver parent_instance;
};

G_DEFINE_FINAL_TYPE (SocketReceiver, socket_receiver, DS_TYPE_RECEIVER)

/* A datagram a record; an empty one is the end. */
static gboolean
socket_receiver_run (DsReceiver *receiver, GCancellable *cancellable, GError **error)
{
  char record[64];
  guint64 token = 0;
  gssize n;

  while ((n = recv (sockets[1], record, sizeof record, 0)) > 0)
    {
      g_autoptr (GBytes) text = g_bytes_new (record, (gsize) n);

      if (!ds_receiver_store_text (receiver, text, ++token, error))
        {
          /* The sender hears that there is nobody any more. */
          shutdown (sockets[1], SHUT_RDWR);
          return FALSE;
        }
      if (send (sockets[1], "stored", 6, MSG_NOSIGNAL) != 6)
        return TRUE;
    }
  return TRUE;
}

static void
socket_receiver_class_init (SocketReceiverClass *klass)
{
  DS_RECEIVER_CLASS (klass)->run = socket_receiver_run;
}

static void
socket_receiver_init (SocketReceiver *self)
{
}

/* ---- The sender ---- */

static void
save_records (DsCrashRun *run, DsStreamingContext *ssc)
{
  g_autofree char *prefix = g_build_filename (run->output, "socket-log", NULL);
  g_autoptr (SocketReceiver) receiver = g_object_new (SOCKET_TYPE_RECEIVER, NULL);
  DsDStream *records = ds_streaming_context_receiver_stream (ssc, DS_RECEIVER (receiver));

  ds_dstream_set_durability (records, DS_DURABILITY_EVERY_RECORD);
  ds_dstream_save_as_text_files (records, prefix, NULL);
}

/* What the sender knows. */
static gboolean
was_acknowledged (const DsCrashRun *run, guint record)
{
  g_autofree char *wanted = g_strdup_printf ("record %u\n", record);
  char text[8192];
  gssize n = pread (run->acks_fd, text, sizeof text - 1, 0);

  text[MAX (n, 0)] = '\0';
  for (const char *line = text; *line != '\0'; line = strchr (line, '\n') + 1)
    if (g_str_has_prefix (line, wanted))
      return TRUE;
  return FALSE;
}

static gboolean
send_record (DsCrashRun *run, guint record, GError **error)
{
  g_autofree char *line = g_strdup_printf ("record %u of %u", record, N_RECORDS);
  char answer[16];

  ds_crash_run_acknowledge (run, "sent %u\n", record);
  if (send (sockets[0], line, strlen (line), MSG_NOSIGNAL) != (gssize) strlen (line) ||
      recv (sockets[0], answer, sizeof answer, 0) <= 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s was not stored", line);
      return FALSE;
    }
  ds_crash_run_acknowledge (run, "record %u\n", record);
  return TRUE;
}

/* The first batch that has left nothing: every batch leaves a directory. */
static guint
first_batch (const DsCrashRun *run)
{
  g_autoptr (GArray) batches = ds_crash_list_batches (run->output);
  guint last = 0;

  for (guint i = 0; i < batches->len; i++)
    last = MAX (last, g_array_index (batches, guint, i));
  return last + 1;
}

static gboolean
drive (DsCrashRun *run, GError **error)
{
  guint batch = first_batch (run);
  guint n_sent = 0;

  for (guint record = 1; record <= N_RECORDS; record++)
    {
      if (was_acknowledged (run, record))
        continue;
      if (!send_record (run, record, error))
        return FALSE;
      if (++n_sent % RECORDS_A_BATCH != 0)
        continue;
      ds_manual_clock_set_time (run->clock, batch * DS_SECOND);
      if (!ds_crash_run_await (run, batch++, error))
        return FALSE;
    }
  /* What is left, and what was not allocated to a batch before a crash. */
  ds_manual_clock_set_time (run->clock, batch * DS_SECOND);
  if (!ds_crash_run_await (run, batch, error))
    return FALSE;
  send (sockets[0], "", 0, MSG_NOSIGNAL);
  return TRUE;
}

/* ---- The checker ---- */

static guint
count_lines (char **lines, const char *wanted)
{
  guint n = 0;

  for (guint i = 0; lines[i] != NULL; i++)
    n += g_str_equal (lines[i], wanted);
  return n;
}

/* How often a text is in the files of a directory. */
static guint
count_in_files (const char *directory, const char *prefix, const char *wanted)
{
  GDir *names = g_dir_open (directory, 0, NULL);
  const char *name;
  guint n = 0;

  while (names != NULL && (name = g_dir_read_name (names)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory, name, NULL);
      g_autofree char *text = NULL;
      gsize n_bytes;

      if (g_str_has_prefix (name, prefix) &&
          g_file_get_contents (path, &text, &n_bytes, NULL) &&
          memmem (text, n_bytes, wanted, strlen (wanted)) != NULL)
        n++;
    }
  if (names != NULL)
    g_dir_close (names);
  return n;
}

/* @wanted NULL: all lines. */
static guint
count_saved (const char *output, const char *wanted)
{
  g_autoptr (GArray) batches = ds_crash_list_batches (output);
  guint n = 0;

  for (guint i = 0; i < batches->len; i++)
    {
      g_autofree char *directory =
          g_strdup_printf ("%s/socket-log-%u", output,
                           g_array_index (batches, guint, i) * 1000);
      g_autoptr (GPtrArray) lines = ds_crash_read_parts (directory);

      for (guint k = 0; lines != NULL && k < lines->len; k++)
        n += wanted == NULL || g_str_equal (lines->pdata[k], wanted);
    }
  return n;
}

/* Right after a crash a record is whole in the log, or saved already.  In the end it is
 * saved, once for each time that it was sent at most. */
static void
check (const char *root, char **acks, gboolean is_finished)
{
  g_autofree char *output = g_build_filename (root, "out", NULL);
  g_autofree char *checkpoints = g_build_filename (root, "checkpoints", NULL);
  guint n_known = 0;

  for (guint record = 1; record <= N_RECORDS; record++)
    {
      g_autofree char *text = g_strdup_printf ("record %u of %u", record, N_RECORDS);
      g_autofree char *acknowledged = g_strdup_printf ("record %u", record);
      g_autofree char *sent = g_strdup_printf ("sent %u", record);
      guint n_saved = count_saved (output, text);

      if (count_lines (acks, acknowledged) > 0 && n_saved == 0 &&
          (is_finished || count_in_files (checkpoints, "wal-", text) == 0))
        g_print ("lost %s\n", text);
      else if (is_finished && n_saved == 0)
        g_print ("wrong %s is missing\n", text);
      if (n_saved > count_lines (acks, sent))
        g_print ("duplicated %s: %u times\n", text, n_saved);
      n_known += n_saved;
    }
  if (is_finished && count_saved (output, NULL) != n_known)
    g_print ("wrong %u lines are no records\n", count_saved (output, NULL) - n_known);
}

int
main (int argc, char *argv[])
{
  static const char *const planted[] = { "log-no-sync",      "log-no-directory-sync",
                                         "log-skips-hash",   "log-syncs-again",
                                         "plan-not-awaited", NULL };
  static const DsCrashWorkload workload = {
    .name = "socket-log",
    .planted = planted,
    .build = save_records,
    .drive = drive,
    .check = check,
  };

  if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
    return 1;
  return ds_crash_workload_main (&workload, argc, argv);
}
