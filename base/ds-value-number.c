/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Numbers as text and back.
 *
 * A double has between 1 and 17 significant digits.  15 are enough for whatever a person
 * typed, so these are tried first, then 16, then 17, and the first that reads back as the
 * same number is taken.  Two kinds of number have shorter forms than this finds: those
 * below the normal range have less than 15 digits of precision, so all lengths are tried;
 * and above a power of two the doubles lie twice as far apart as below it, so that its
 * nearest 16 digits may read as its lower neighbour where the next higher ones do not. */

#include "base/ds-value-number-private.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>

#define DS_NUMBER_MAX_DIGITS 17

/* ---- Printing ---- */

gsize
ds_number_print_int (gint64 integer, char *text)
{
  guint64 rest = integer < 0 ? 0 - (guint64) integer : (guint64) integer;
  char digits[DS_NUMBER_MAX_INT];
  gsize n_digits = 0;
  gsize length = 0;

  do
    {
      digits[n_digits++] = (char) ('0' + rest % 10);
      rest /= 10;
    }
  while (rest > 0);

  if (integer < 0)
    text[length++] = '-';
  while (n_digits > 0)
    text[length++] = digits[--n_digits];
  text[length] = '\0';
  return length;
}

typedef struct
{
  char digits[DS_NUMBER_MAX_DIGITS + 1]; /* no zeros at the end */
  int n_digits;
  int exponent; /* of ten, of the first digit */
} DsDecimal;

static void
ds_decimal_trim (DsDecimal *self)
{
  while (self->n_digits > 1 && self->digits[self->n_digits - 1] == '0')
    self->n_digits--;
  self->digits[self->n_digits] = '\0';
}

/* The nearest decimal of @n_digits digits; @number > 0, finite. */
static void
ds_decimal_init (DsDecimal *self, double number, int n_digits)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];
  char format[] = "%.00e";

  format[2] = (char) ('0' + (n_digits - 1) / 10);
  format[3] = (char) ('0' + (n_digits - 1) % 10);
  g_ascii_formatd (text, sizeof text, format, number);

  /* "d.ddde-xx", or "de-xx" */
  self->digits[0] = text[0];
  if (n_digits > 1)
    memcpy (self->digits + 1, text + 2, (gsize) n_digits - 1);
  self->n_digits = n_digits;
  self->exponent = (int) g_ascii_strtoll (strchr (text, 'e') + 1, NULL, 10);
  ds_decimal_trim (self);
}

/* The next higher decimal with @n_digits digits. */
static void
ds_decimal_increment (DsDecimal *self, int n_digits)
{
  int i = n_digits - 1;

  while (self->n_digits < n_digits)
    self->digits[self->n_digits++] = '0';
  while (i > 0 && self->digits[i] == '9')
    self->digits[i--] = '0';
  self->digits[i]++; /* the first one is no 9 in any power of two that comes here */
  ds_decimal_trim (self);
}

static gboolean
ds_decimal_reads_as (const DsDecimal *self, double number)
{
  char text[DS_NUMBER_MAX_DOUBLE];

  /* Digits without a point stand for a number that is 10^(n - 1) times as large. */
  g_snprintf (text, sizeof text, "%se%d", self->digits,
              self->exponent - self->n_digits + 1);
  return g_ascii_strtod (text, NULL) == number;
}

static void
ds_decimal_find_shortest (DsDecimal *self, double number)
{
  int exponent;

  for (int n_digits = number < DBL_MIN ? 1 : 15; n_digits < DS_NUMBER_MAX_DIGITS;
       n_digits++)
    {
      ds_decimal_init (self, number, n_digits);
      if (ds_decimal_reads_as (self, number))
        return;
    }

  if (frexp (number, &exponent) == 0.5)
    {
      ds_decimal_increment (self, DS_NUMBER_MAX_DIGITS - 1);
      if (ds_decimal_reads_as (self, number))
        return;
    }
  ds_decimal_init (self, number, DS_NUMBER_MAX_DIGITS);
}

/* 1.5e300 */
static gsize
ds_decimal_print_scientific (const DsDecimal *self, char *text)
{
  gsize length = 0;

  text[length++] = self->digits[0];
  if (self->n_digits > 1)
    {
      text[length++] = '.';
      memcpy (text + length, self->digits + 1, (gsize) self->n_digits - 1);
      length += (gsize) self->n_digits - 1;
    }
  text[length++] = 'e';
  return length + ds_number_print_int (self->exponent, text + length);
}

/* 150.0, 0.0015 */
static gsize
ds_decimal_print_positional (const DsDecimal *self, char *text)
{
  gsize length = 0;
  int point = self->exponent + 1; /* so many digits stand before it */

  if (point <= 0)
    {
      text[length++] = '0';
      text[length++] = '.';
      for (int i = point; i < 0; i++)
        text[length++] = '0';
    }
  for (int i = 0; i < MAX (self->n_digits, point); i++)
    {
      if (i == point && i > 0)
        text[length++] = '.';
      text[length++] = i < self->n_digits ? self->digits[i] : '0';
    }
  if (self->n_digits <= point)
    {
      text[length++] = '.';
      text[length++] = '0';
    }
  text[length] = '\0';
  return length;
}

gsize
ds_number_print_double (double number, char *text)
{
  DsDecimal decimal;
  gsize length = 0;

  if (isnan (number))
    return g_strlcpy (text, "nan", DS_NUMBER_MAX_DOUBLE);

  if (signbit (number))
    text[length++] = '-';
  number = fabs (number);

  if (isinf (number))
    return length + g_strlcpy (text + length, "inf", DS_NUMBER_MAX_DOUBLE - length);

  if (number < 1e15 && number == floor (number))
    {
      length += ds_number_print_int ((gint64) number, text + length);
      memcpy (text + length, ".0", 3);
      return length + 2;
    }

  ds_decimal_find_shortest (&decimal, number);
  if (decimal.exponent < -4 || decimal.exponent >= 16)
    return length + ds_decimal_print_scientific (&decimal, text + length);
  return length + ds_decimal_print_positional (&decimal, text + length);
}

/* ---- Parsing ---- */

static gboolean
ds_number_is_digit (char character)
{
  return character >= '0' && character <= '9';
}

gboolean
ds_number_parse_int (const char *bytes, gsize n_bytes, gint64 *integer)
{
  gboolean is_negative = n_bytes > 0 && bytes[0] == '-';
  gsize i = n_bytes > 0 && (bytes[0] == '-' || bytes[0] == '+') ? 1 : 0;
  gint64 result = 0;

  if (i == n_bytes)
    return FALSE;

  for (; i < n_bytes; i++)
    {
      gint64 digit = bytes[i] - '0';

      if (!ds_number_is_digit (bytes[i]) ||
          __builtin_mul_overflow (result, 10, &result) ||
          __builtin_sub_overflow (result, digit, &result))
        return FALSE;
    }

  /* Counted downwards, because there is one negative number more. */
  if (!is_negative && __builtin_sub_overflow ((gint64) 0, result, &result))
    return FALSE;
  *integer = result;
  return TRUE;
}

/* What the syntax of a number gives on the way. */
typedef struct
{
  guint64 mantissa; /* of all digits, point left out, as long as it is exact */
  gint64 exponent;  /* of ten */
  gboolean is_exact;
} DsNumberScan;

static gsize
ds_number_scan_digits (DsNumberScan *self,
                       const char *bytes,
                       gsize n_bytes,
                       gsize i,
                       gint64 exponent_step)
{
  for (; i < n_bytes && ds_number_is_digit (bytes[i]); i++)
    {
      if (self->mantissa > (G_MAXUINT64 - 9) / 10)
        self->is_exact = FALSE;
      else
        self->mantissa = self->mantissa * 10 + (guint64) (bytes[i] - '0');
      self->exponent += exponent_step;
    }
  return i;
}

/* Whether the bytes are [digits][.digits][e[sign]digits], a digit before or behind the
 * point.  A sign in front was taken off. */
static gboolean
ds_number_scan_double (DsNumberScan *self, const char *bytes, gsize n_bytes)
{
  gsize i = ds_number_scan_digits (self, bytes, n_bytes, 0, 0);
  gsize n_digits = i;
  gint64 exponent;

  if (i < n_bytes && bytes[i] == '.')
    {
      gsize start = i + 1;

      i = ds_number_scan_digits (self, bytes, n_bytes, start, -1);
      n_digits += i - start;
    }
  if (n_digits == 0)
    return FALSE;
  if (i == n_bytes)
    return TRUE;
  if (bytes[i] != 'e' && bytes[i] != 'E')
    return FALSE;

  if (ds_number_parse_int (bytes + i + 1, n_bytes - i - 1, &exponent) &&
      ABS (exponent) < 10000)
    {
      self->exponent += exponent;
      return TRUE;
    }

  /* Still a number if these are digits: g_ascii_strtod () copes with any exponent. */
  self->is_exact = FALSE;
  i += 1 + (i + 1 < n_bytes && (bytes[i + 1] == '-' || bytes[i + 1] == '+'));
  if (i == n_bytes)
    return FALSE;
  while (i < n_bytes && ds_number_is_digit (bytes[i]))
    i++;
  return i == n_bytes;
}

static gboolean
ds_number_read_slowly (const char *bytes, gsize n_bytes, double *number)
{
  char on_stack[64];
  g_autofree char *on_heap = n_bytes < sizeof on_stack ? NULL : g_malloc (n_bytes + 1);
  char *text = on_heap != NULL ? on_heap : on_stack;

  memcpy (text, bytes, n_bytes);
  text[n_bytes] = '\0';
  *number = g_ascii_strtod (text, NULL);
  return isfinite (*number);
}

gboolean
ds_number_parse_double (const char *bytes, gsize n_bytes, double *number)
{
  static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
  DsNumberScan scan = { 0, 0, TRUE };
  gboolean is_negative = n_bytes > 0 && bytes[0] == '-';

  if (n_bytes > 0 && (bytes[0] == '-' || bytes[0] == '+'))
    {
      bytes++;
      n_bytes--;
    }

  if (n_bytes == 3 && memcmp (bytes, "inf", 3) == 0)
    *number = HUGE_VAL;
  else if (n_bytes == 3 && memcmp (bytes, "nan", 3) == 0)
    *number = (double) NAN;
  else if (!ds_number_scan_double (&scan, bytes, n_bytes))
    return FALSE;
  /* Both factors are exact doubles, so the one rounding is the right one. */
  else if (scan.is_exact && scan.mantissa <= (guint64) 1 << 53 && scan.exponent >= 0 &&
           scan.exponent < (gint64) G_N_ELEMENTS (powers))
    *number = (double) scan.mantissa * powers[scan.exponent];
  else if (scan.is_exact && scan.mantissa <= (guint64) 1 << 53 && scan.exponent < 0 &&
           -scan.exponent < (gint64) G_N_ELEMENTS (powers))
    *number = (double) scan.mantissa / powers[-scan.exponent];
  else if (!ds_number_read_slowly (bytes, n_bytes, number))
    return FALSE;

  if (is_negative)
    *number = -*number;
  return TRUE;
}
