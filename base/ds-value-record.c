/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reading bytes that are a record of somebody's own: a C struct, or numbers at known
 * places.  Nothing is assumed about alignment, and nothing past the end is read. */

#include "base/ds-value.h"

#include "base/ds-error.h"
#include "base/ds-failure-private.h"
#include "base/ds-value-private.h"

#define DS_RECORD_MAX_DESCRIBED_BYTES 64

/**
 * ds_value_get_record: (skip)
 * @value: bytes
 * @record: (out caller-allocates): where the record goes
 * @size: bytes of @record
 *
 * Copies a record of fixed length into a struct of the program.
 *
 * Bytes of any other length than @size fail the running task with
 * %DS_ERROR_BAD_RECORD_LENGTH, another type with %DS_ERROR_TYPE; @record is all zero
 * then.
 *
 * Returns: whether @record was filled
 */
gboolean
ds_value_get_record (DsValue value, gpointer record, gsize size)
{
  gsize n_bytes;
  const guint8 *bytes = ds_value_get_bytes (value, &n_bytes);

  g_return_val_if_fail (record != NULL || size == 0, FALSE);

  if (ds_value_is (value, DS_VALUE_TYPE_BYTES) && n_bytes == size)
    {
      if (size > 0)
        memcpy (record, bytes, size);
      return TRUE;
    }

  if (size > 0)
    memset (record, 0, size);
  if (ds_value_is (value, DS_VALUE_TYPE_BYTES))
    {
      g_autofree char *described =
          ds_value_describe (value, DS_RECORD_MAX_DESCRIBED_BYTES);

      ds_failure_report (
          g_error_new (DS_ERROR, DS_ERROR_BAD_RECORD_LENGTH,
                       "Expected a record of %" G_GSIZE_FORMAT
                       " bytes, found %" G_GSIZE_FORMAT
                       ": %s; make the struct and the record length of the source agree",
                       size, n_bytes, described));
    }
  return FALSE;
}

/* The number of @size bytes at @offset; FALSE after reporting when it is not all there.
 */
static gboolean
ds_value_load_at (DsValue value,
                  gsize offset,
                  guint size,
                  int byte_order,
                  guint64 *number)
{
  gsize n_bytes;
  const guint8 *bytes = ds_value_get_bytes (value, &n_bytes);

  *number = 0;
  if (!ds_value_is (value, DS_VALUE_TYPE_BYTES))
    return FALSE;

  if (offset > n_bytes || size > n_bytes - offset)
    {
      g_autofree char *described =
          ds_value_describe (value, DS_RECORD_MAX_DESCRIBED_BYTES);

      ds_failure_report (g_error_new (
          DS_ERROR, DS_ERROR_BAD_RECORD_LENGTH,
          "Expected a number of %u bytes at offset %" G_GSIZE_FORMAT
          ", found only %" G_GSIZE_FORMAT
          " bytes in all: %s; check the offset against the length of the record",
          size, offset, n_bytes, described));
      return FALSE;
    }

  for (guint i = 0; i < size; i++)
    {
      guint8 byte = bytes[offset + (byte_order == G_LITTLE_ENDIAN ? size - 1 - i : i)];

      *number = *number << 8 | byte;
    }
  return TRUE;
}

/**
 * ds_value_get_int_at: (skip)
 * @bytes: bytes
 * @offset: where the number starts
 * @size: its length, 1 to 8 bytes
 * @byte_order: %G_LITTLE_ENDIAN or %G_BIG_ENDIAN
 *
 * Reads a signed number inside of bytes, at any offset.
 *
 * A number that does not lie wholly inside fails the running task with
 * %DS_ERROR_BAD_RECORD_LENGTH, another type with %DS_ERROR_TYPE.
 *
 * Returns: the number, 0 after a failure
 */
gint64
ds_value_get_int_at (DsValue bytes, gsize offset, guint size, int byte_order)
{
  guint64 number;
  guint n_spare_bits;

  g_return_val_if_fail (size >= 1 && size <= 8, 0);
  g_return_val_if_fail (byte_order == G_LITTLE_ENDIAN || byte_order == G_BIG_ENDIAN, 0);

  ds_value_load_at (bytes, offset, size, byte_order, &number);
  n_spare_bits = 64 - 8 * size;
  /* Moved to the top and back, the sign fills what is above it. */
  return (gint64) (number << n_spare_bits) >> n_spare_bits;
}

/**
 * ds_value_get_uint_at: (skip)
 * @bytes: bytes
 * @offset: where the number starts
 * @size: its length, 1 to 8 bytes
 * @byte_order: %G_LITTLE_ENDIAN or %G_BIG_ENDIAN
 *
 * Reads an unsigned number inside of bytes, as ds_value_get_int_at () does a signed one.
 *
 * Returns: the number, 0 after a failure
 */
guint64
ds_value_get_uint_at (DsValue bytes, gsize offset, guint size, int byte_order)
{
  guint64 number;

  g_return_val_if_fail (size >= 1 && size <= 8, 0);
  g_return_val_if_fail (byte_order == G_LITTLE_ENDIAN || byte_order == G_BIG_ENDIAN, 0);

  ds_value_load_at (bytes, offset, size, byte_order, &number);
  return number;
}

/**
 * ds_value_get_double_at: (skip)
 * @bytes: bytes
 * @offset: where the number starts
 * @size: 8 for double, 4 for float
 * @byte_order: %G_LITTLE_ENDIAN or %G_BIG_ENDIAN
 *
 * Reads a number in IEEE 754 form inside of bytes, with the failures of
 * ds_value_get_int_at ().
 *
 * Returns: the number, 0.0 after a failure
 */
double
ds_value_get_double_at (DsValue bytes, gsize offset, guint size, int byte_order)
{
  guint64 bits;
  guint32 float_bits;
  double number;
  float float_number;

  g_return_val_if_fail (size == 4 || size == 8, 0.0);
  g_return_val_if_fail (byte_order == G_LITTLE_ENDIAN || byte_order == G_BIG_ENDIAN, 0.0);

  ds_value_load_at (bytes, offset, size, byte_order, &bits);
  if (size == 8)
    {
      memcpy (&number, &bits, sizeof number);
      return number;
    }
  float_bits = (guint32) bits;
  memcpy (&float_number, &float_bits, sizeof float_number);
  return (double) float_number;
}
