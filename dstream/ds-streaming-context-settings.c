/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings: one table, from which come the properties, the keys of a key file, the names
 * of environment variables, their defaults, what messages list, and docs/settings.md. A
 * setting is a row and a member of the context.  What is unknown or malformed is never
 * passed over: a program would run with a default that nobody asked for. */

#include "dstream/ds-setting-private.h"
#include "dstream/ds-streaming-context-private.h"

#define DS_SETTINGS_GROUP "streaming"

#define DS_MEMBER(name) G_STRUCT_OFFSET (DsStreamingContext, name)

static const DsSetting ds_settings[] = {
  /**
   * DsStreamingContext:block-interval:
   *
   * How often what a receiver stored becomes a block, in µs.
   */
  { "block-interval", DS_SETTING_DURATION, DS_MEMBER (block_interval), DS_MILLISECOND,
    200 * DS_MILLISECOND, NULL, "blockInterval",
    "how often what a receiver stored becomes a block" },
  /**
   * DsStreamingContext:receiver-restart-delay:
   *
   * The first pause before a receiver that failed is started again, in µs.
   */
  { "receiver-restart-delay", DS_SETTING_DURATION, DS_MEMBER (receiver_restart_delay), 1,
    2 * DS_SECOND, NULL, "receiverRestartDelay",
    "first pause before a receiver that failed is started again; it grows" },
  /**
   * DsStreamingContext:receiver-max-rate:
   *
   * How many records a second a receiver may bring at most, and, times the batch
   * interval, in a batch; 0: no limit.  It holds from the first record.
   * ds_dstream_set_max_rate () sets it for one stream.
   */
  { "receiver-max-rate", DS_SETTING_COUNT, DS_MEMBER (receiver_max_rate), 0, 0, NULL,
    "receiver.maxRate", "records a second that a receiver may bring; 0: no limit" },
  /**
   * DsStreamingContext:durability:
   *
   * What receivers lose when the process is killed; beyond %DS_DURABILITY_NONE what they
   * receive is written to a log in #DsStreamingContext:checkpoint-directory, which is
   * needed then.  ds_dstream_set_durability () sets it for one stream.
   */
  { "durability", DS_SETTING_CHOICE, DS_MEMBER (durability), 0, DS_DURABILITY_NONE,
    ds_durability_get_type, "receiver.writeAheadLog.enable",
    "what receivers lose when the process is killed; beyond none there is a log in the "
    "checkpoint directory" },
  /**
   * DsStreamingContext:backpressure-enabled:
   *
   * Whether receivers are slowed down to what batches can take: after each batch the rate
   * is set anew, from how long the batch took and how long it had waited.
   */
  { "backpressure-enabled", DS_SETTING_BOOLEAN, DS_MEMBER (backpressure_enabled), 0,
    FALSE, NULL, "backpressure.enabled",
    "whether receivers are slowed down to what batches can take" },
  /**
   * DsStreamingContext:backpressure-initial-rate:
   *
   * How many records a second a receiver may bring until back-pressure knows better,
   * which is after two batches with records; 0: #DsStreamingContext:receiver-max-rate.
   */
  { "backpressure-initial-rate", DS_SETTING_COUNT, DS_MEMBER (backpressure_initial_rate),
    0, 0, NULL, "backpressure.initialRate",
    "records a second until back-pressure has set a rate; 0: receiver-max-rate" },
  /**
   * DsStreamingContext:backpressure-pid-proportional:
   *
   * How much of the difference between the rate and what the last batch was processed at
   * is taken back at once.
   */
  { "backpressure-pid-proportional", DS_SETTING_NUMBER,
    DS_MEMBER (backpressure_proportional), 0, 1000000, NULL,
    "backpressure.pid.proportional",
    "how much of the difference to the last batch's rate is taken back at once" },
  /**
   * DsStreamingContext:backpressure-pid-integral:
   *
   * How much of what waits because batches are late is taken off the rate.
   */
  { "backpressure-pid-integral", DS_SETTING_NUMBER, DS_MEMBER (backpressure_integral), 0,
    200000, NULL, "backpressure.pid.integral",
    "how much of what waits is taken off the rate" },
  /**
   * DsStreamingContext:backpressure-pid-derived:
   *
   * How much the change of that difference from batch to batch counts; it makes the rate
   * jump when batches differ.
   */
  { "backpressure-pid-derived", DS_SETTING_NUMBER, DS_MEMBER (backpressure_derivative), 0,
    0, NULL, "backpressure.pid.derived",
    "how much the change of that difference counts" },
  /**
   * DsStreamingContext:backpressure-pid-min-rate:
   *
   * The least rate that back-pressure sets, in records a second.
   */
  { "backpressure-pid-min-rate", DS_SETTING_NUMBER, DS_MEMBER (backpressure_min_rate),
    1000000, 100000000, NULL, "backpressure.pid.minRate",
    "records a second that back-pressure leaves at least" },
  /**
   * DsStreamingContext:max-received-bytes:
   *
   * How much may have been received and still be needed, by batches to come or
   * remembered ones; 0: a quarter of #DsContext:memory-budget.  While it is reached
   * receivers read no further, and their senders wait; nothing is dropped.  Receivers may
   * go past it by what they hold in their hands: one buffer each.
   *
   * The last batch that was completed is remembered, too, so a source that pours in is
   * slowed down unless there is room for what comes in two batch intervals and for what
   * comes while a batch is worked on.
   */
  { "max-received-bytes", DS_SETTING_BYTES, DS_MEMBER (max_received_bytes), 0, 0, NULL,
    NULL,
    "receivers read no further while so much waits to be processed; 0: a quarter of the "
    "engine's memory-budget" },
  /**
   * DsStreamingContext:file-min-remember:
   *
   * How far back, in µs, directory streams look for files by their time, and how long
   * they remember the names of those that they took; rounded up to whole batches.
   */
  { "file-min-remember", DS_SETTING_DURATION, DS_MEMBER (file_min_remember), 1,
    60 * DS_SECOND, NULL, "fileStream.minRememberDuration",
    "directory streams take files that were modified within this time" },
  /**
   * DsStreamingContext:failure-policy:
   *
   * What happens after a batch that failed.
   */
  { "failure-policy", DS_SETTING_CHOICE, DS_MEMBER (failure_policy), 0,
    DS_FAILURE_POLICY_STOP, ds_failure_policy_get_type, NULL,
    "what happens after a batch that failed" },
  /**
   * DsStreamingContext:max-batch-retries:
   *
   * How often a batch that failed is tried again under %DS_FAILURE_POLICY_RETRY.
   */
  { "max-batch-retries", DS_SETTING_COUNT, DS_MEMBER (max_batch_retries), 0, 3, NULL,
    NULL, "how often a batch is tried again under the policy retry" },
  /**
   * DsStreamingContext:catch-up-policy:
   *
   * What happens to ticks that were missed.
   */
  { "catch-up-policy", DS_SETTING_CHOICE, DS_MEMBER (catch_up_policy), 0, DS_CATCH_UP_ALL,
    ds_catch_up_policy_get_type, NULL,
    "ticks that were missed: each makes its batch, the newest one makes one of all that "
    "came, or those for which nothing came make none" },
  /**
   * DsStreamingContext:max-waiting-batches:
   *
   * How many batches may wait to be run.  Past it no batch is generated, what receivers
   * bring waits, and at #DsStreamingContext:max-received-bytes they stop reading.
   */
  { "max-waiting-batches", DS_SETTING_COUNT, DS_MEMBER (max_waiting_batches), 1, 2, NULL,
    NULL, "no batch is generated while so many wait to be run" },
  /**
   * DsStreamingContext:graceful-stop-timeout:
   *
   * How long a graceful stop may take, in µs of real time; 0: ten batch intervals, but
   * at least 2 s.
   */
  { "graceful-stop-timeout", DS_SETTING_DURATION, DS_MEMBER (graceful_stop_timeout), 0, 0,
    NULL, "gracefulStopTimeout",
    "deadline of a graceful stop; 0: ten batch intervals, at least 2s" },
  /**
   * DsStreamingContext:stop-context:
   *
   * Whether ds_streaming_context_stop () also stops the engine.
   */
  { "stop-context", DS_SETTING_BOOLEAN, DS_MEMBER (stop_context), 0, TRUE, NULL,
    "stopSparkContextByDefault", "whether stop also stops the engine" },
  /**
   * DsStreamingContext:unpersist:
   *
   * Whether the kept values of an RDD of a persisted stream go when the stream forgets
   * the RDD; %FALSE: they stay as long as the program holds it.
   */
  { "unpersist", DS_SETTING_BOOLEAN, DS_MEMBER (unpersist), 0, TRUE, NULL, "unpersist",
    "whether persisted values go when their stream forgets the RDD" },
  /**
   * DsStreamingContext:checkpoint-directory: (type filename)
   *
   * Where checkpoints go; %NULL: nowhere, and there can be no state.
   */
  { "checkpoint-directory", DS_SETTING_PATH, DS_MEMBER (checkpoint_directory), 0, 0, NULL,
    "checkpoint.directory", "where checkpoints go; streams with state need one" },
  /**
   * DsStreamingContext:wal-rolling-interval:
   *
   * How long a file of the log is written to before another one begins, in µs; 0: until
   * it is full or a checkpoint was written.
   */
  { "wal-rolling-interval", DS_SETTING_DURATION, DS_MEMBER (wal_rolling_interval), 0,
    DS_MINUTE, NULL, "receiver.writeAheadLog.rollingIntervalSecs",
    "how long a file of the log is written to before another one begins" },
  /**
   * DsStreamingContext:max-batch-attempts:
   *
   * How often a batch may have been begun when the process ended, before a recovery
   * refuses to begin it again; 0: no limit.  A batch that kills the program, as a
   * function of it that crashes does, would kill it for ever.
   */
  { "max-batch-attempts", DS_SETTING_COUNT, DS_MEMBER (max_batch_attempts), 0, 10, NULL,
    NULL, "how often a batch may have ended the process before it is refused; 0: ever" },
  /**
   * DsStreamingContext:allow-shared-directory:
   *
   * Takes a checkpoint directory that others can write to, or that belongs to another
   * user.  Whoever can write to it can make the program go on with states of theirs.
   */
  { "allow-shared-directory", DS_SETTING_BOOLEAN, DS_MEMBER (allow_shared_directory), 0,
    FALSE, NULL, NULL,
    "whether others than the user of the program may write to the checkpoint directory" },
  /**
   * DsStreamingContext:best-effort-durability:
   *
   * Takes a checkpoint directory on a file system that cannot sync directories, as some
   * that are mounted from user space.  Killing the program loses nothing there; a power
   * cut may lose what the file system had not written by itself.
   */
  { "best-effort-durability", DS_SETTING_BOOLEAN, DS_MEMBER (best_effort_durability), 0,
    FALSE, NULL, NULL,
    "whether the checkpoint directory may be where names of files are not safe from a "
    "power cut" },
};

/* ---- Values in a context ---- */

static gint64
ds_setting_load (const DsSetting *setting, DsStreamingContext *context)
{
  switch (setting->kind)
    {
    case DS_SETTING_DURATION:
      return G_STRUCT_MEMBER (DsDuration, context, setting->offset);
    case DS_SETTING_BYTES:
      return (gint64) G_STRUCT_MEMBER (guint64, context, setting->offset);
    case DS_SETTING_COUNT:
      return G_STRUCT_MEMBER (guint, context, setting->offset);
    case DS_SETTING_BOOLEAN:
    case DS_SETTING_CHOICE:
      return G_STRUCT_MEMBER (int, context, setting->offset);
    case DS_SETTING_PATH:
      return (gint64) (guintptr) G_STRUCT_MEMBER (const char *, context, setting->offset);
    case DS_SETTING_NUMBER: /* no whole number */
    default:
      g_assert_not_reached ();
    }
}

static void
ds_setting_store (const DsSetting *setting, DsStreamingContext *context, gint64 value)
{
  switch (setting->kind)
    {
    case DS_SETTING_DURATION:
      G_STRUCT_MEMBER (DsDuration, context, setting->offset) = value;
      break;
    case DS_SETTING_BYTES:
      G_STRUCT_MEMBER (guint64, context, setting->offset) = (guint64) value;
      break;
    case DS_SETTING_COUNT:
      G_STRUCT_MEMBER (guint, context, setting->offset) = (guint) value;
      break;
    case DS_SETTING_NUMBER:
      G_STRUCT_MEMBER (double, context, setting->offset) =
          (double) value / DS_SETTING_MILLIONTHS;
      break;
    case DS_SETTING_BOOLEAN:
    case DS_SETTING_CHOICE:
      G_STRUCT_MEMBER (int, context, setting->offset) = (int) value;
      break;
    case DS_SETTING_PATH:
      G_STRUCT_MEMBER (const char *, context, setting->offset) =
          (const char *) (guintptr) value;
      break;
    default:
      g_assert_not_reached ();
    }
}

/* ---- Properties ---- */

static GParamSpec *
ds_setting_make_param_spec (const DsSetting *self)
{
  const GParamFlags flags =
      G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  switch (self->kind)
    {
    case DS_SETTING_DURATION:
      return g_param_spec_int64 (self->name, NULL, self->meaning, self->minimum,
                                 G_MAXINT64, self->fallback, flags);
    case DS_SETTING_BYTES:
      return g_param_spec_uint64 (self->name, NULL, self->meaning,
                                  (guint64) self->minimum, G_MAXUINT64,
                                  (guint64) self->fallback, flags);
    case DS_SETTING_COUNT:
      return g_param_spec_uint (self->name, NULL, self->meaning, (guint) self->minimum,
                                G_MAXINT, (guint) self->fallback, flags);
    case DS_SETTING_NUMBER:
      return g_param_spec_double (self->name, NULL, self->meaning,
                                  (double) self->minimum / DS_SETTING_MILLIONTHS,
                                  (double) DS_SETTING_MAX_NUMBER / DS_SETTING_MILLIONTHS,
                                  (double) self->fallback / DS_SETTING_MILLIONTHS, flags);
    case DS_SETTING_BOOLEAN:
      return g_param_spec_boolean (self->name, NULL, self->meaning, self->fallback != 0,
                                   flags);
    case DS_SETTING_CHOICE:
      return g_param_spec_enum (self->name, NULL, self->meaning, self->get_type (),
                                (int) self->fallback, flags);
    case DS_SETTING_PATH:
      return g_param_spec_string (self->name, NULL, self->meaning, NULL, flags);
    default:
      g_assert_not_reached ();
    }
}

void
ds_streaming_context_install_settings (GObjectClass *object_class, guint first_id)
{
  for (guint i = 0; i < G_N_ELEMENTS (ds_settings); i++)
    g_object_class_install_property (object_class, first_id + i,
                                     ds_setting_make_param_spec (&ds_settings[i]));
}

void
ds_streaming_context_get_setting (DsStreamingContext *self, guint index, GValue *value)
{
  const DsSetting *setting = &ds_settings[index];
  gint64 number;

  /* A property has all its digits. */
  if (setting->kind == DS_SETTING_NUMBER)
    {
      g_value_set_double (value, G_STRUCT_MEMBER (double, self, setting->offset));
      return;
    }
  number = ds_setting_load (setting, self);
  if (G_VALUE_HOLDS_INT64 (value))
    g_value_set_int64 (value, number);
  else if (G_VALUE_HOLDS_UINT64 (value))
    g_value_set_uint64 (value, (guint64) number);
  else if (G_VALUE_HOLDS_UINT (value))
    g_value_set_uint (value, (guint) number);
  else if (G_VALUE_HOLDS_BOOLEAN (value))
    g_value_set_boolean (value, number != 0);
  else if (G_VALUE_HOLDS_STRING (value))
    g_value_set_static_string (value, (const char *) (guintptr) number);
  else
    g_value_set_enum (value, (int) number);
}

void
ds_streaming_context_set_setting (DsStreamingContext *self,
                                  guint index,
                                  const GValue *value)
{
  const DsSetting *setting = &ds_settings[index];
  gint64 number;

  if (setting->kind == DS_SETTING_NUMBER)
    {
      G_STRUCT_MEMBER (double, self, setting->offset) = g_value_get_double (value);
      return;
    }
  if (setting->kind == DS_SETTING_PATH && g_value_get_string (value) != NULL &&
      *g_value_get_string (value) == '\0')
    {
      ds_streaming_context_latch (self, DS_ERROR_INVALID_ARGUMENT,
                                  "%s: the directory has no name; give one, as "
                                  "\"checkpoints\", or NULL for none",
                                  setting->name);
      return;
    }

  if (G_VALUE_HOLDS_INT64 (value))
    number = g_value_get_int64 (value);
  else if (G_VALUE_HOLDS_UINT64 (value))
    number = (gint64) g_value_get_uint64 (value);
  else if (G_VALUE_HOLDS_UINT (value))
    number = g_value_get_uint (value);
  else if (G_VALUE_HOLDS_BOOLEAN (value))
    number = g_value_get_boolean (value);
  else if (G_VALUE_HOLDS_STRING (value))
    number = (gint64) (guintptr) g_intern_string (g_value_get_string (value));
  else
    number = g_value_get_enum (value);
  ds_setting_store (setting, self, number);
}

/* ---- Key files and the environment ---- */

/* What was read and is not applied yet, so that a mistake leaves all as it was. */
typedef struct
{
  gint64 values[G_N_ELEMENTS (ds_settings)];
  gboolean is_set[G_N_ELEMENTS (ds_settings)];
} DsSettingsRead;

static gboolean
ds_settings_read_one (DsSettingsRead *self,
                      guint index,
                      const char *text,
                      const char *where,
                      GError **error)
{
  const DsSetting *setting = &ds_settings[index];
  g_autofree char *stripped = g_strstrip (g_strdup (text));
  g_autofree char *expected = NULL;
  g_autofree char *shown = NULL;
  gint64 value = 0;

  if (ds_setting_parse_text (setting, stripped, &value) && value >= setting->minimum)
    {
      self->values[index] = value;
      self->is_set[index] = TRUE;
      return TRUE;
    }
  expected = ds_setting_describe_values (setting);
  shown = g_strescape (text, NULL);
  g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
               "%s: the setting %s is \"%.200s\"; it must be %s", where, setting->name,
               shown, expected);
  return FALSE;
}

static void
ds_settings_set_unknown (GError **error,
                         const char *where,
                         const char *name,
                         gboolean as_variables)
{
  g_autoptr (GString) valid = g_string_new (NULL);
  g_autofree char *shown = g_strescape (name, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (ds_settings); i++)
    {
      g_autofree char *variable = ds_setting_make_variable (&ds_settings[i]);

      g_string_append_printf (valid, "%s%s", i > 0 ? ", " : "",
                              as_variables ? variable : ds_settings[i].name);
    }
  g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
               "%s: there is no setting \"%.200s\"; the settings are %s", where, shown,
               valid->str);
}

static gboolean
ds_settings_read_file (DsSettingsRead *self, const char *path, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_auto (GStrv) keys = NULL;
  g_autoptr (GError) local_error = NULL;

  if (!g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &local_error))
    {
      /* It cites the line, which need not be UTF-8. */
      g_autofree char *reason = g_utf8_make_valid (local_error->message, -1);

      g_set_error (
          error, DS_ERROR,
          g_error_matches (local_error, G_FILE_ERROR, G_FILE_ERROR_NOENT)
              ? DS_ERROR_NOT_FOUND
              : DS_ERROR_INVALID_ARGUMENT,
          "Reading settings from \"%s\" failed: %s; it must be a key file with a "
          "group [" DS_SETTINGS_GROUP "]",
          path, reason);
      return FALSE;
    }
  keys = g_key_file_get_keys (file, DS_SETTINGS_GROUP, NULL, NULL);
  if (keys == NULL)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                   "%s: there is no group [" DS_SETTINGS_GROUP "]; settings stand there",
                   path);
      return FALSE;
    }

  for (guint i = 0; keys[i] != NULL; i++)
    {
      g_autofree char *text =
          g_key_file_get_value (file, DS_SETTINGS_GROUP, keys[i], NULL);
      guint index = 0;

      while (index < G_N_ELEMENTS (ds_settings) &&
             !g_str_equal (ds_settings[index].name, keys[i]))
        index++;
      if (index == G_N_ELEMENTS (ds_settings))
        {
          ds_settings_set_unknown (error, path, keys[i], FALSE);
          return FALSE;
        }
      if (!ds_settings_read_one (self, index, text, path, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
ds_settings_read_environment (DsSettingsRead *self, GError **error)
{
  g_auto (GStrv) names = g_listenv ();
  gboolean ok = TRUE;

  for (guint i = 0; ok && names[i] != NULL; i++)
    {
      guint index = 0;

      if (!g_str_has_prefix (names[i], DS_SETTING_PREFIX))
        continue;
      for (; index < G_N_ELEMENTS (ds_settings); index++)
        {
          g_autofree char *variable = ds_setting_make_variable (&ds_settings[index]);

          if (g_str_equal (variable, names[i]))
            break;
        }
      if (index < G_N_ELEMENTS (ds_settings))
        ok = ds_settings_read_one (self, index, g_getenv (names[i]), names[i], error);
      else
        {
          ds_settings_set_unknown (error, "Environment", names[i], TRUE);
          ok = FALSE;
        }
    }
  return ok;
}

static void
ds_settings_apply (const DsSettingsRead *self, DsStreamingContext *context)
{
  for (guint i = 0; i < G_N_ELEMENTS (ds_settings); i++)
    if (self->is_set[i])
      ds_setting_store (&ds_settings[i], context, self->values[i]);
}

void
ds_streaming_context_init_settings (DsStreamingContext *self)
{
  DsSettingsRead read = { 0 };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (ds_settings); i++)
    ds_setting_store (&ds_settings[i], self, ds_settings[i].fallback);
  if (ds_settings_read_environment (&read, &error))
    ds_settings_apply (&read, self);
  else
    ds_streaming_context_latch (self, (DsError) error->code, "%s", error->message);
}

/* A table in Markdown, for docs/settings.md. */
/* What g_object_set () must be given, which cannot check it. */
static const char *
ds_setting_get_c_type (const DsSetting *setting, GObjectClass *klass)
{
  GParamSpec *pspec = g_object_class_find_property (klass, setting->name);

  switch (setting->kind)
    {
    case DS_SETTING_DURATION:
      return "DsDuration";
    case DS_SETTING_NUMBER:
      return "double";
    case DS_SETTING_PATH:
      return "const char *";
    case DS_SETTING_BYTES:
    case DS_SETTING_COUNT:
    case DS_SETTING_BOOLEAN:
    case DS_SETTING_CHOICE:
    default:
      return g_type_name (G_PARAM_SPEC_VALUE_TYPE (pspec));
    }
}

char *
ds_streaming_context_describe_settings (void)
{
  GObjectClass *klass = g_type_class_ref (DS_TYPE_STREAMING_CONTEXT);
  GString *text = g_string_new (
      "| setting | C type | default | values | Spark's `spark.streaming.` | what it sets "
      "|\n|---|---|---|---|---|---|\n");

  for (guint i = 0; i < G_N_ELEMENTS (ds_settings); i++)
    {
      const DsSetting *setting = &ds_settings[i];
      g_autofree char *fallback = ds_setting_format (setting, setting->fallback);
      g_autofree char *values = ds_setting_describe_values (setting);

      g_string_append_printf (text, "| `%s` | `%s` | `%s` | %s | %s%s%s | %s |\n",
                              setting->name, ds_setting_get_c_type (setting, klass),
                              fallback, values, setting->spark != NULL ? "`" : "",
                              setting->spark != NULL ? setting->spark : "",
                              setting->spark != NULL ? "`" : "", setting->meaning);
    }
  g_type_class_unref (klass);
  return g_string_free (text, FALSE);
}

/**
 * ds_streaming_context_load_settings:
 * @self: a context that is not started
 * @path: (type filename): a key file
 * @error: return location for an error
 *
 * Sets settings from the group `[streaming]` of a key file, where they stand by the names
 * of the properties: `block-interval = 50ms`.  Durations carry a unit (us, ms, s, min, h;
 * a bare number is µs), sizes may (KiB, MiB, GiB), choices are the nicks of their enum.
 * Other groups are left alone.
 *
 * Environment variables of the same names, as `DS_STREAMING_BLOCK_INTERVAL`, are read
 * when the context is made and once more here, so that they have the last word over the
 * file; a property set later wins over both.
 *
 * Whatever is unknown or malformed is an error, and nothing is set.  The error is
 * latched, too, so that a program that does not look at it does not run with other
 * settings than it was given; where a file need not be there, look first whether it is.
 *
 * Returns: %FALSE with @error: %DS_ERROR_NOT_FOUND, %DS_ERROR_INVALID_ARGUMENT naming
 *   the valid settings or values, or %DS_ERROR_INVALID_STATE after start
 */
gboolean
ds_streaming_context_load_settings (DsStreamingContext *self,
                                    const char *path,
                                    GError **error)
{
  DsSettingsRead read = { 0 };
  g_autoptr (GError) local_error = NULL;

  g_return_val_if_fail (DS_IS_STREAMING_CONTEXT (self), FALSE);
  g_return_val_if_fail (path != NULL, FALSE);

  if (!ds_streaming_context_may_build (self, "load_settings"))
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_STATE,
                   "load_settings: the streaming context has been started; load settings "
                   "before ds_streaming_context_start ()");
      return FALSE;
    }
  if (!ds_settings_read_file (&read, path, &local_error) ||
      !ds_settings_read_environment (&read, &local_error))
    {
      ds_streaming_context_latch (self, (DsError) local_error->code, "%s",
                                  local_error->message);
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  ds_settings_apply (&read, self);
  return TRUE;
}
