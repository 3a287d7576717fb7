/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What lies in a directory: its checkpoints and their parts, the log, and whether all of
 * it is whole. */

#include "tools/ds-checkpoint-private.h"

#include "base/ds-log-reader-private.h"

static void
checkpoint_print_time (DsTime time)
{
  g_autoptr (GString) text = g_string_new (NULL);

  checkpoint_append_time (time, text);
  g_print ("%s", text->str);
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

/* ---- Commands ---- */

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

/* Where nothing is, whoever looks has most likely looked at the wrong place. */
static int
checkpoint_find_nothing (DsDurableDirectory *directory)
{
  g_print ("there is no checkpoint, and no log, in \"%s\"%s\n",
           ds_durable_directory_get_path (directory),
           ds_durable_directory_get_application_id (directory) != NULL
               ? ""
               : ", which is no checkpoint directory: it has no file \"app\"");
  return CHECKPOINT_BAD;
}

int
checkpoint_list (const CheckpointOptions *options, char **words, GError **error)
{
  g_autoptr (DsDurableDirectory) directory =
      ds_durable_directory_open (words[0], DS_DURABLE_DIRECTORY_READ_ONLY, error);
  g_autoptr (GPtrArray) names =
      directory != NULL ? checkpoint_list_names (directory, error) : NULL;
  const char *const others[] = { "wal-", "unused-", "discarded-" };
  guint n_others = 0;

  if (names == NULL)
    return CHECKPOINT_BAD;
  for (guint i = 0; i < names->len; i++)
    checkpoint_list_one (directory, names->pdata[i]);
  for (guint k = 0; k < G_N_ELEMENTS (others); k++)
    {
      g_autoptr (GPtrArray) more =
          ds_durable_directory_list (directory, others[k], error);

      if (more == NULL)
        return CHECKPOINT_BAD;
      for (guint i = 0; i < more->len; i++)
        g_print ("%s\n", (const char *) more->pdata[i]);
      n_others += more->len;
    }
  return names->len + n_others > 0 ? CHECKPOINT_FINE
                                   : checkpoint_find_nothing (directory);
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

int
checkpoint_inspect (const CheckpointOptions *options, char **words, GError **error)
{
  g_auto (CheckpointPlace) place = { .name = NULL };
  DsDurableDirectory *directory;
  g_autoptr (DsCheckpointReader) reader = NULL;
  const DsCheckpointHead *head;
  const char *name;

  if (!checkpoint_place_open (&place, words[0], error))
    return CHECKPOINT_BAD;
  directory = place.directory;
  name = words[1] != NULL ? words[1] : place.name;
  if (name != NULL)
    reader = ds_checkpoint_reader_open (directory, name, error);
  else if (ds_checkpoint_find_newest (directory, &reader, NULL, error) && reader == NULL)
    return checkpoint_find_nothing (directory);
  if (reader == NULL)
    return CHECKPOINT_BAD;

  head = ds_checkpoint_reader_get_head (reader);
  g_print ("application %s\n", ds_durable_directory_get_application_name (directory));
  checkpoint_list_one (directory, ds_checkpoint_reader_get_name (reader));
  g_print ("%" G_GUINT64_FORMAT " bytes, graph %016" G_GINT64_MODIFIER "x\n",
           ds_checkpoint_reader_get_n_bytes (reader), head->fingerprint);
  checkpoint_print_sections (reader);
  return !checkpoint_show_log (directory, head->wal_sequence);
}

int
checkpoint_verify (const CheckpointOptions *options, char **words, GError **error)
{
  g_autoptr (DsDurableDirectory) directory =
      ds_durable_directory_open (words[0], DS_DURABLE_DIRECTORY_READ_ONLY, error);
  g_autoptr (GPtrArray) names =
      directory != NULL ? checkpoint_list_names (directory, error) : NULL;
  g_autoptr (DsCheckpointReader) newest = NULL;
  gboolean is_whole;

  if (names == NULL)
    return CHECKPOINT_BAD;
  is_whole = ds_durable_directory_get_damage (directory) == NULL;
  if (!is_whole && names->len > 0)
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
    return CHECKPOINT_BAD;
  if (newest == NULL)
    return checkpoint_find_nothing (directory);
  is_whole = checkpoint_show_log (directory,
                                  ds_checkpoint_reader_get_head (newest)->wal_sequence) &&
             is_whole;
  g_print ("recovery starts from %s\n", ds_checkpoint_reader_get_name (newest));
  return !is_whole;
}
