/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any text as a key file of settings, and each of its lines as the text of a value of
 * each kind.  Refused is what is refused with a message that can be shown anywhere, and
 * leaves every setting as it was; taken is what is in the range of its property, and, of
 * plain decimal numbers, what whole numbers make of them. */

#include "dstream/ds-setting-private.h"
#include "dstream/ds-streaming-context-private.h"
#include "tests/fuzz/ds-fuzz-private.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- A key file ---- */

/* All properties as one text. */
static char *
describe_settings (DsStreamingContext *context)
{
  g_autofree GParamSpec **specs = NULL;
  GString *text = g_string_new (NULL);
  guint n_specs = 0;

  specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (context), &n_specs);
  for (guint i = 0; i < n_specs; i++)
    {
      g_auto (GValue) value = G_VALUE_INIT;
      g_autofree char *contents = NULL;

      if (!(specs[i]->flags & G_PARAM_WRITABLE) || G_IS_PARAM_SPEC_OBJECT (specs[i]))
        continue;
      g_value_init (&value, specs[i]->value_type);
      g_object_get_property (G_OBJECT (context), specs[i]->name, &value);
      /* In its range: validating would have to change it. */
      g_assert_false (g_param_value_validate (specs[i], &value));
      contents = g_strdup_value_contents (&value);
      g_string_append_printf (text, "%s=%s\n", specs[i]->name, contents);
    }
  return g_string_free (text, FALSE);
}

/* In memory: nothing here needs to reach a disk. */
static const char *
write_file (const guint8 *bytes, gsize n_bytes)
{
  static char *path;
  static int fd = -1;

  if (fd < 0)
    {
      fd = memfd_create ("settings", MFD_CLOEXEC);
      g_assert_cmpint (fd, >=, 0);
      path = g_strdup_printf ("/proc/self/fd/%d", fd);
    }
  g_assert_cmpint (ftruncate (fd, 0), ==, 0);
  g_assert_cmpint (pwrite (fd, bytes, n_bytes, 0), ==, (gssize) n_bytes);
  return path;
}

static void
check_key_file (const guint8 *bytes, gsize n_bytes)
{
  static DsContext *engine;
  g_autoptr (DsStreamingContext) context = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;

  if (engine == NULL)
    engine = ds_context_new ("local", "fuzz");
  context = ds_streaming_context_new_for_context (engine, DS_SECOND);
  before = describe_settings (context);
  if (ds_streaming_context_load_settings (context, write_file (bytes, n_bytes), &error))
    g_assert_no_error (error);
  else
    {
      g_assert_nonnull (error);
      g_assert_true (error->domain == DS_ERROR);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
    }
  after = describe_settings (context);
  if (error != NULL)
    g_assert_cmpstr (after, ==, before);
  /* Latched, too. */
  g_assert_cmpstr (error != NULL ? error->message : NULL, ==,
                   ds_streaming_context_get_build_error (context) != NULL
                       ? ds_streaming_context_get_build_error (context)->message
                       : NULL);
}

/* ---- A value ---- */

/* What follows the number; 0: no unit of that kind. */
static gint64
find_factor (DsSettingKind kind, const char *unit)
{
  static const struct
  {
    DsSettingKind kind;
    const char *name;
    gint64 factor;
  } units[] = {
    { DS_SETTING_DURATION, "", 1 },
    { DS_SETTING_DURATION, "us", 1 },
    { DS_SETTING_DURATION, "\302\265s", 1 },
    { DS_SETTING_DURATION, "ms", 1000 },
    { DS_SETTING_DURATION, "s", 1000000 },
    { DS_SETTING_DURATION, "min", 60000000 },
    { DS_SETTING_DURATION, "h", G_GINT64_CONSTANT (3600000000) },
    { DS_SETTING_BYTES, "", 1 },
    { DS_SETTING_BYTES, "B", 1 },
    { DS_SETTING_BYTES, "KiB", 1024 },
    { DS_SETTING_BYTES, "MiB", 1024 * 1024 },
    { DS_SETTING_BYTES, "GiB", 1024 * 1024 * 1024 },
    { DS_SETTING_COUNT, "", 1 },
    { DS_SETTING_NUMBER, "", 1000000 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (units); i++)
    if (units[i].kind == kind && g_str_equal (units[i].name, unit))
      return units[i].factor;
  return 0;
}

/* Digits and a unit: whole numbers, by whole numbers.  FALSE: @text is something else. */
static gboolean
read_whole_number (DsSettingKind kind, const char *text, __int128 *number)
{
  gsize n_digits = strspn (text, "0123456789");
  gint64 factor = 0;

  *number = 0;
  for (gsize i = 0; i < n_digits; i++)
    *number = MIN (*number * 10 + (text[i] - '0'), (__int128) G_MAXINT64 * 16);
  factor = find_factor (kind, text + n_digits + strspn (text + n_digits, " "));
  *number *= factor;
  return n_digits > 0 && factor > 0;
}

static void
check_value (DsSettingKind kind, const char *text)
{
  const DsSetting setting = { .name = "it",
                              .kind = kind,
                              .get_type = ds_failure_policy_get_type };
  gint64 value = -1;
  gint64 again = -1;
  g_autofree char *formatted = NULL;
  __int128 number = 0;
  gboolean is_whole = read_whole_number (kind, text, &number);
  gboolean is_sure = is_whole && number <= G_MAXINT64;

  if (kind == DS_SETTING_COUNT)
    is_sure = is_whole && number <= G_MAXINT;
  if (kind == DS_SETTING_NUMBER)
    is_sure = is_whole && number <= DS_SETTING_MAX_NUMBER;
  if (!ds_setting_parse_text (&setting, text, &value))
    {
      g_assert_false (is_sure);
      return;
    }
  g_assert_cmpint (value, >=, 0);
  if (is_sure)
    g_assert_cmpint (value, ==, (gint64) number);
  formatted = ds_setting_format (&setting, value);
  g_assert_true (ds_setting_parse_text (&setting, formatted, &again));
  g_assert_cmpint (again, ==, value);
}

int
LLVMFuzzerTestOneInput (const guint8 *bytes, gsize n_bytes)
{
  g_autofree char *text = g_strndup (n_bytes > 0 ? (const char *) bytes : "", n_bytes);
  g_auto (GStrv) lines = g_strsplit (text, "\n", 64);

  check_key_file (bytes, n_bytes);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      const char *equals = strchr (lines[i], '=');
      const char *value =
          g_strstrip (equals != NULL ? lines[i] + (equals - lines[i]) + 1 : lines[i]);

      for (DsSettingKind kind = DS_SETTING_DURATION; kind <= DS_SETTING_CHOICE; kind++)
        check_value (kind, value);
    }
  return 0;
}
