/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One setting in words: read from a text, written as one, and what may stand there, for
 * messages and documentation.  Nobody should have to count the zeros of 200000 µs. */

#include "dstream/ds-setting-private.h"

#include <errno.h>
#include <math.h>
#include <string.h>

typedef struct
{
  const char *name;
  gint64 factor;
} DsUnit;

/* Of units of one size the last is written.  The second one is the micro sign and s. */
static const DsUnit ds_duration_units[] = { { "", 1 },          { "\302\265s", 1 },
                                            { "us", 1 },        { "ms", DS_MILLISECOND },
                                            { "s", DS_SECOND }, { "min", DS_MINUTE },
                                            { "h", DS_HOUR },   { NULL, 0 } };

static const DsUnit ds_byte_units[] = { { "", 1 },
                                        { "B", 1 },
                                        { "KiB", G_GINT64_CONSTANT (1) << 10 },
                                        { "MiB", G_GINT64_CONSTANT (1) << 20 },
                                        { "GiB", G_GINT64_CONSTANT (1) << 30 },
                                        { NULL, 0 } };

static const DsUnit ds_millionths[] = { { "", 1000000 }, { NULL, 0 } };

static const DsUnit ds_no_units[] = { { "", 1 }, { NULL, 0 } };

/* Without a point a number is a whole one, which a double may not be able to hold. */
static gboolean
ds_setting_scale_whole (guint64 whole, gint64 factor, gint64 *value)
{
  guint64 product;

  if (!g_uint64_checked_mul (&product, whole, (guint64) factor) || product > G_MAXINT64)
    return FALSE;
  *value = (gint64) product;
  return TRUE;
}

/* "1.5 s" */
static gboolean
ds_setting_parse_number (const char *text, const DsUnit *units, gint64 *value)
{
  char *whole_end;
  char *unit;
  guint64 whole;
  double number;
  gboolean is_whole;

  if (!g_ascii_isdigit (*text))
    return FALSE;
  errno = 0;
  whole = g_ascii_strtoull (text, &whole_end, 10);
  is_whole = errno == 0;
  errno = 0;
  number = g_ascii_strtod (text, &unit);
  is_whole = is_whole && whole_end == unit;
  /* "0x10" is a number to strtod only. */
  if (errno != 0 || strcspn (text, "xX") < (gsize) (unit - text))
    return FALSE;
  while (*unit == ' ')
    unit++;
  for (; units->name != NULL; units++)
    if (g_str_equal (unit, units->name))
      {
        if (is_whole)
          return ds_setting_scale_whole (whole, units->factor, value);
        number *= (double) units->factor;
        *value = (gint64) rint (MIN (number, 9e18));
        /* 1.1ms is 1100.0000000000002 µs here. */
        return number < 9e18 && fabs (number - rint (number)) <= 1e-9 * number;
      }
  return FALSE;
}

static gboolean
ds_setting_parse_choice (GType type, const char *text, gint64 *value)
{
  GEnumClass *klass = g_type_class_ref (type);
  const GEnumValue *found = g_enum_get_value_by_nick (klass, text);

  if (found != NULL)
    *value = found->value;
  g_type_class_unref (klass);
  return found != NULL;
}

gboolean
ds_setting_parse_text (const DsSetting *self, const char *text, gint64 *value)
{
  switch (self->kind)
    {
    case DS_SETTING_DURATION:
      return ds_setting_parse_number (text, ds_duration_units, value);
    case DS_SETTING_BYTES:
      return ds_setting_parse_number (text, ds_byte_units, value);
    case DS_SETTING_COUNT:
      return ds_setting_parse_number (text, ds_no_units, value) && *value <= G_MAXINT;
    case DS_SETTING_NUMBER:
      return ds_setting_parse_number (text, ds_millionths, value) &&
             *value <= DS_SETTING_MAX_NUMBER;
    case DS_SETTING_BOOLEAN:
      *value = g_str_equal (text, "true");
      return *value || g_str_equal (text, "false");
    case DS_SETTING_CHOICE:
      return ds_setting_parse_choice (self->get_type (), text, value);
    case DS_SETTING_PATH:
      *value = (gint64) (guintptr) (*text != '\0' ? g_intern_string (text) : NULL);
      return *text != '\0';
    default:
      g_assert_not_reached ();
    }
}

/* As it would be written, in the largest unit that divides it. */
char *
ds_setting_format (const DsSetting *self, gint64 value)
{
  const DsUnit *units =
      self->kind == DS_SETTING_DURATION ? ds_duration_units : ds_byte_units;
  const DsUnit *best = &ds_no_units[0];

  if (self->kind == DS_SETTING_BOOLEAN)
    return g_strdup (value != 0 ? "true" : "false");
  if (self->kind == DS_SETTING_PATH)
    return g_strdup (value != 0 ? (const char *) (guintptr) value : "none");
  if (self->kind == DS_SETTING_CHOICE)
    {
      GEnumClass *klass = g_type_class_ref (self->get_type ());
      char *nick = g_strdup (g_enum_get_value (klass, (int) value)->value_nick);

      g_type_class_unref (klass);
      return nick;
    }
  if (self->kind == DS_SETTING_NUMBER)
    {
      char digits[G_ASCII_DTOSTR_BUF_SIZE];

      /* Below 10^9 a double has 15 digits to give. */
      return g_strdup (g_ascii_formatd (digits, sizeof digits, "%.15g",
                                        (double) value / DS_SETTING_MILLIONTHS));
    }
  if (self->kind != DS_SETTING_COUNT && value > 0)
    for (; units->name != NULL; units++)
      if (value % units->factor == 0)
        best = units;
  return g_strdup_printf ("%" G_GINT64_FORMAT "%s", value / best->factor, best->name);
}

/* "a duration of at least 1ms, as 200ms, 2s or 1min; a bare number is us" */
char *
ds_setting_describe_values (const DsSetting *self)
{
  g_autofree char *minimum = ds_setting_format (self, self->minimum);
  g_autoptr (GString) text = NULL;
  GEnumClass *klass;

  switch (self->kind)
    {
    case DS_SETTING_DURATION:
      return g_strdup_printf ("a duration of at least %s, as 200ms, 1.5s, 2min or 1h; a "
                              "bare number is us",
                              minimum);
    case DS_SETTING_BYTES:
      return g_strdup ("a number of bytes, as 65536, 64KiB, 16MiB or 1GiB");
    case DS_SETTING_COUNT:
      return g_strdup_printf ("a whole number of at least %s", minimum);
    case DS_SETTING_NUMBER:
      return g_strdup_printf ("a number of %s to 1e9 with at most 6 decimals, as 0.25",
                              minimum);
    case DS_SETTING_BOOLEAN:
      return g_strdup ("true or false");
    case DS_SETTING_PATH:
      return g_strdup ("the path of a directory");
    case DS_SETTING_CHOICE:
      klass = g_type_class_ref (self->get_type ());
      text = g_string_new (klass->values[0].value_nick);
      for (guint i = 1; i < klass->n_values; i++)
        g_string_append_printf (text, "%s%s", i + 1 < klass->n_values ? ", " : " or ",
                                klass->values[i].value_nick);
      g_type_class_unref (klass);
      return g_string_free (g_steal_pointer (&text), FALSE);
    default:
      g_assert_not_reached ();
    }
}

/* "block-interval" to "DS_STREAMING_BLOCK_INTERVAL" */
char *
ds_setting_make_variable (const DsSetting *self)
{
  g_autofree char *upper = g_ascii_strup (self->name, -1);

  return g_strconcat (DS_SETTING_PREFIX, g_strdelimit (upper, "-", '_'), NULL);
}
