/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ds-checkpoint: what lies in a checkpoint directory, and whether it is whole.  It reads,
 * with one exception (drop-state), without taking a lock, and is made for directories
 * that are damaged: what cannot be read is told, and the rest is shown all the same. */

#include "tools/ds-checkpoint-private.h"

#include "base/ds-error.h"

#include <locale.h>

static const char checkpoint_summary[] =
    "Commands; A, B and PLACE are a checkpoint directory, whose newest checkpoint that\n"
    "can be used is meant, or a checkpoint in one, as DIR/ckpt-00000001600000000000:\n"
    "  list DIR                  all checkpoints and the log\n"
    "  inspect PLACE             what is in one\n"
    "  verify DIR                reads all of it\n"
    "  diff A B                  what was added, removed and changed from A to B\n"
    "  export-state PLACE [NAME] keys and states of the stream NAME, or of all\n"
    "  drop-state DIR NAME       forgets the state of the stream NAME\n"
    "\n"
    "Ends with 0; with 1 when something is damaged, different or not there; with 2 when\n"
    "the command is not understood.\n"
    "\n"
    "Example: ds-checkpoint verify /var/lib/word-count/checkpoints";

typedef struct
{
  const char *name;
  guint min_words; /* behind the name */
  guint max_words;
  int (*run) (const CheckpointOptions *options, char **words, GError **error);
  const char *options; /* those of the following that it takes, by their first letters */
} CheckpointCommand;

static const CheckpointCommand checkpoint_commands[] = {
  { "list", 1, 1, checkpoint_list, "" },
  { "inspect", 1, 2, checkpoint_inspect, "" },
  { "verify", 1, 1, checkpoint_verify, "" },
  { "diff", 2, 2, checkpoint_diff, "k" },
  { "export-state", 1, 2, checkpoint_export, "f" },
  { "drop-state", 2, 2, checkpoint_drop, "d" },
};

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

/* @letter, of an option that was given. */
static gboolean
checkpoint_check_option (const CheckpointCommand *command,
                         const char *option,
                         gboolean is_given)
{
  if (!is_given || strchr (command->options, option[0]) != NULL)
    return TRUE;
  g_printerr ("ds-checkpoint: %s has no option --%s; see --help\n", command->name,
              option);
  return FALSE;
}

static const CheckpointCommand *
checkpoint_find_command (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (checkpoint_commands); i++)
    if (g_str_equal (checkpoint_commands[i].name, name))
      return &checkpoint_commands[i];
  return NULL;
}

int
main (int argc, char *argv[])
{
  CheckpointOptions options = { 0 };
  g_autofree char *format = NULL;
  g_auto (GStrv) words = NULL;
  const GOptionEntry entries[] = {
    { "keys", 0, 0, G_OPTION_ARG_NONE, &options.shows_keys,
      "diff: also each key, value and batch that is different", NULL },
    { "format", 0, 0, G_OPTION_ARG_STRING, &format,
      "export-state: json, which is what it is without, or msgpack", "FORMAT" },
    { "dry-run", 0, 0, G_OPTION_ARG_NONE, &options.is_dry_run,
      "drop-state: only says what it would do", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &words, NULL,
      "COMMAND PLACE..." },
    { NULL, 0, 0, 0, NULL, NULL, NULL }
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  const CheckpointCommand *command;
  guint n_words;
  int status;

  setlocale (LC_ALL, "");
  /* What is skipped is told in the output. */
  g_log_set_handler (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, checkpoint_drop_message, NULL);
  g_option_context_set_summary (context, checkpoint_summary);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    return checkpoint_complain (error->message, CHECKPOINT_MISUSED);
  command = words != NULL ? checkpoint_find_command (words[0]) : NULL;
  if (command == NULL)
    return checkpoint_complain ("the commands are list, inspect, verify, diff, "
                                "export-state and drop-state; see --help",
                                CHECKPOINT_MISUSED);
  n_words = g_strv_length (words) - 1;
  if (n_words < command->min_words || n_words > command->max_words)
    {
      g_printerr ("ds-checkpoint: %s wants %u%s argument%s, not %u; see --help\n",
                  command->name, command->min_words,
                  command->max_words > command->min_words ? " or 2" : "",
                  command->max_words > 1 ? "s" : "", n_words);
      return CHECKPOINT_MISUSED;
    }
  if (!checkpoint_check_option (command, "keys", options.shows_keys) ||
      !checkpoint_check_option (command, "format", format != NULL) ||
      !checkpoint_check_option (command, "dry-run", options.is_dry_run))
    return CHECKPOINT_MISUSED;
  options.is_msgpack = g_strcmp0 (format, "msgpack") == 0;
  if (format != NULL && !options.is_msgpack && !g_str_equal (format, "json"))
    return checkpoint_complain ("the formats are json and msgpack; see --help",
                                CHECKPOINT_MISUSED);

  status = command->run (&options, words + 1, &error);
  return error != NULL ? checkpoint_complain (error->message, CHECKPOINT_BAD) : status;
}
