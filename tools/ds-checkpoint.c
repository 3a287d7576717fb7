/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ds-checkpoint: what lies in a checkpoint directory, and whether it is whole.  It only
 * reads, takes no lock, and is made for directories that are damaged: what cannot be read
 * is told, and the rest is shown all the same. */

#include "base/ds-checkpoint-file-private.h"
#include "base/ds-error.h"
#include "base/ds-log-reader-private.h"
#include "base/ds-write-ahead-log-private.h"

#include <locale.h>

static const char checkpoint_summary[] =
    "Commands:\n"
    "  list DIR                  all checkpoints and the log\n"
    "  inspect DIR [CHECKPOINT]  what is in one, the newest that can be used\n"
    "  verify DIR                reads all of it; ends with 1 when something is damaged\n"
    "\n"
    "Example: ds-checkpoint verify /var/lib/word-count/checkpoints";

static void
checkpoint_print_time (DsTime time)
{
  g_autoptr (GDateTime) seconds = g_date_time_new_from_unix_utc (time / DS_SECOND);
  g_autofree char *text = seconds != NULL
                              ? g_date_time_format (seconds, "%Y-%m-%dT%H:%M:%S")
                              : g_strdup ("?");

  g_print ("%s.%03dZ", text, (int) (time % DS_SECOND / DS_MILLISECOND));
}

/* Those that have names of checkpoints. */
static GPtrArray *
checkpoint_list_names (DsDurableDirectory *directory, GError **error)
{
  GPtrArray *names = ds_durable_directory_list (directory, "ckpt-", error);
  DsTime time;

  for (guint i = names != NULL ? names->len : 0; i > 0; i--)
    if (!ds_checkpoint_parse_name (names->pdata[i - 1], &time))
      g_ptr_array_remove_index (names, i - 1);
  return names;
}

/* ---- The log ---- */

typedef struct
{
  guint64 n_records;
  guint64 first;
  guint64 last;
  guint64 n_bytes;
  guint64 n_of_type[DS_LOG_CLEANUP + 1]; /* others: 0 */
} CheckpointLog;

static gboolean
checkpoint_count_record (const DsLogRecord *record,
                         const guint8 *payload,
                         gpointer user_data,
                         GError **error)
{
  CheckpointLog *log = user_data;

  if (log->n_records++ == 0)
    log->first = record->sequence;
  log->last = record->sequence;
  log->n_bytes += record->n_bytes;
  log->n_of_type[record->type <= DS_LOG_CLEANUP ? record->type : 0]++;
  return TRUE;
}

static void
checkpoint_print_log (const CheckpointLog *log)
{
  static const char *const names[] = { "other",  "plan",  "attempt",
                                       "commit", "block", "clean-up" };

  if (log->n_records == 0)
    {
      g_print ("log: no records\n");
      return;
    }
  g_print ("log: records %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
           ", %" G_GUINT64_FORMAT " bytes",
           log->first, log->last, log->n_bytes);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (log->n_of_type[i] > 0)
      g_print (", %" G_GUINT64_FORMAT " %s", log->n_of_type[i], names[i]);
  g_print ("\n");
}

/* From @from on; what is damaged is told.  TRUE: all of it is whole. */
static gboolean
checkpoint_show_log (DsDurableDirectory *directory, guint64 from)
{
  CheckpointLog log = { 0 };
  g_autoptr (GError) error = NULL;

  if (ds_log_read (directory, from, DS_LOG_DAMAGE_FAIL, checkpoint_count_record, &log,
                   NULL, NULL, &error))
    {
      checkpoint_print_log (&log);
      return TRUE;
    }
  g_print ("log: damaged: %s\n", error->message);
  log = (CheckpointLog){ 0 };
  if (ds_log_read (directory, from, DS_LOG_DAMAGE_SKIP, checkpoint_count_record, &log,
                   NULL, NULL, NULL))
    {
      g_print ("whole records of the ");
      checkpoint_print_log (&log);
    }
  return FALSE;
}

/* ---- Commands: the status of the process ---- */

static void
checkpoint_list_one (DsDurableDirectory *directory, const char *name)
{
  DsCheckpointHead head;
  g_autoptr (GError) error = NULL;

  g_print ("%s  ", name);
  if (!ds_checkpoint_read_head (directory, name, &head, &error))
    {
      g_print ("damaged: %s\n", error->message);
      return;
    }
  checkpoint_print_time (head.batch_time);
  g_print ("  log from %" G_GUINT64_FORMAT, head.wal_sequence);
  if (head.base_time != DS_TIME_NONE)
    {
      g_autofree char *base = ds_checkpoint_make_name (head.base_time);

      g_print ("  adds to %s", base);
    }
  g_print ("\n");
}

static int
checkpoint_list (DsDurableDirectory *directory, const char *name, GError **error)
{
  g_autoptr (GPtrArray) names = checkpoint_list_names (directory, error);
  const char *const others[] = { "wal-", "unused-", "discarded-" };

  if (names == NULL)
    return 1;
  for (guint i = 0; i < names->len; i++)
    checkpoint_list_one (directory, names->pdata[i]);
  for (guint k = 0; k < G_N_ELEMENTS (others); k++)
    {
      g_autoptr (GPtrArray) more =
          ds_durable_directory_list (directory, others[k], error);

      if (more == NULL)
        return 1;
      for (guint i = 0; i < more->len; i++)
        g_print ("%s\n", (const char *) more->pdata[i]);
    }
  return 0;
}

static void
checkpoint_print_sections (DsCheckpointReader *reader)
{
  static const char *const names[] = { "end",   "meta",    "graph",   "source",
                                       "state", "results", "pending", "output" };

  for (guint i = 0; i < ds_checkpoint_reader_n_sections (reader); i++)
    {
      DsSectionType type;
      const char *name;
      guint flags;
      guint64 n_bytes;

      ds_checkpoint_reader_get_section (reader, i, &type, &name, &flags, &n_bytes);
      g_print ("  %s", (guint) type < G_N_ELEMENTS (names) ? names[type] : "unknown");
      if (*name != '\0')
        {
          g_autofree char *shown = g_strescape (name, NULL);

          g_print (" \"%s\"", shown);
        }
      if (flags != 0)
        g_print (", flags %x", flags);
      g_print (": %" G_GUINT64_FORMAT " bytes\n", n_bytes);
    }
}

static int
checkpoint_inspect (DsDurableDirectory *directory, const char *name, GError **error)
{
  g_autoptr (DsCheckpointReader) reader = NULL;
  const DsCheckpointHead *head;

  if (name != NULL)
    reader = ds_checkpoint_reader_open (directory, name, error);
  else if (ds_checkpoint_find_newest (directory, &reader, NULL, error) && reader == NULL)
    g_print ("there is no checkpoint, and no log\n");
  if (reader == NULL)
    return *error != NULL;

  head = ds_checkpoint_reader_get_head (reader);
  g_print ("application %s\n", ds_durable_directory_get_application_name (directory));
  checkpoint_list_one (directory, ds_checkpoint_reader_get_name (reader));
  g_print ("%" G_GUINT64_FORMAT " bytes, graph %016" G_GINT64_MODIFIER "x\n",
           ds_checkpoint_reader_get_n_bytes (reader), head->fingerprint);
  checkpoint_print_sections (reader);
  return !checkpoint_show_log (directory, head->wal_sequence);
}

static int
checkpoint_verify (DsDurableDirectory *directory, const char *name, GError **error)
{
  g_autoptr (GPtrArray) names = checkpoint_list_names (directory, error);
  g_autoptr (DsCheckpointReader) newest = NULL;
  gboolean is_whole = ds_durable_directory_get_damage (directory) == NULL;

  if (names == NULL)
    return 1;
  if (!is_whole)
    g_print ("app: damaged: %s\n", ds_durable_directory_get_damage (directory));
  for (guint i = 0; i < names->len; i++)
    {
      g_autoptr (GError) local_error = NULL;
      g_autoptr (DsCheckpointReader) reader =
          ds_checkpoint_reader_open (directory, names->pdata[i], &local_error);

      g_print ("%s: %s%s\n", (const char *) names->pdata[i],
               reader != NULL ? "whole" : "damaged: ",
               reader != NULL ? "" : local_error->message);
      is_whole = is_whole && reader != NULL;
    }
  if (!ds_checkpoint_find_newest (directory, &newest, NULL, error))
    return 1;
  if (newest == NULL)
    {
      g_print ("there is no checkpoint, and no log\n");
      return !is_whole;
    }
  is_whole = checkpoint_show_log (directory,
                                  ds_checkpoint_reader_get_head (newest)->wal_sequence) &&
             is_whole;
  g_print ("recovery starts from %s\n", ds_checkpoint_reader_get_name (newest));
  return !is_whole;
}

/* ---- The program ---- */

static void
checkpoint_drop_message (const char *domain,
                         GLogLevelFlags level,
                         const char *message,
                         gpointer user_data)
{
}

static int
checkpoint_complain (const char *message, int status)
{
  g_printerr ("ds-checkpoint: %s\n", message);
  return status;
}

int
main (int argc, char *argv[])
{
  static const struct
  {
    const char *name;
    guint max_arguments; /* the command's own name counted */
    int (*run) (DsDurableDirectory *directory, const char *name, GError **error);
  } commands[] = { { "list", 2, checkpoint_list },
                   { "inspect", 3, checkpoint_inspect },
                   { "verify", 2, checkpoint_verify } };
  g_auto (GStrv) words = NULL;
  const GOptionEntry entries[] = { { G_OPTION_REMAINING, 0, 0,
                                     G_OPTION_ARG_FILENAME_ARRAY, &words, NULL,
                                     "COMMAND DIR" },
                                   { NULL, 0, 0, 0, NULL, NULL, NULL } };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (DsDurableDirectory) directory = NULL;
  g_autoptr (GError) error = NULL;
  guint n_words;

  setlocale (LC_ALL, "");
  /* What is skipped is told in the output. */
  g_log_set_handler (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, checkpoint_drop_message, NULL);
  g_option_context_set_summary (context, checkpoint_summary);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    return checkpoint_complain (error->message, 2);
  n_words = words != NULL ? g_strv_length (words) : 0;

  for (guint i = 0; n_words > 0 && i < G_N_ELEMENTS (commands); i++)
    {
      int status;

      if (!g_str_equal (words[0], commands[i].name))
        continue;
      if (n_words < 2 || n_words > commands[i].max_arguments)
        return checkpoint_complain ("a command wants a directory; see --help", 2);
      directory =
          ds_durable_directory_open (words[1], DS_DURABLE_DIRECTORY_READ_ONLY, &error);
      if (directory == NULL)
        return checkpoint_complain (error->message, 1);
      status = commands[i].run (directory, n_words > 2 ? words[2] : NULL, &error);
      return error != NULL ? checkpoint_complain (error->message, 1) : status;
    }
  return checkpoint_complain ("the commands are list, inspect and verify; see --help", 2);
}
