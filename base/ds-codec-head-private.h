/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The first bytes of an encoded value: what it is and how long. */

#include "base/ds-codec-private.h"

#include <string.h>

G_BEGIN_DECLS

typedef enum
{
  DS_CODEC_HEAD_FINE,
  DS_CODEC_HEAD_CUT,      /* the bytes end within the head */
  DS_CODEC_HEAD_NO_VALUE, /* nothing of ours begins so: a map, an unused byte */
  DS_CODEC_HEAD_TOO_LARGE /* an unsigned integer beyond gint64 */
} DsCodecHeadState;

typedef struct
{
  DsValueType type;
  gboolean is_ext; /* a tuple if @ext_type says so; the array's head is yet to be read */
  gint8 ext_type;  /* of an ext */
  gsize n_head;    /* bytes */
  guint32 n_bytes; /* that follow: of a string, of bytes, of an ext */
  guint32 n_items; /* that follow: of a list */
  gint64 integer;  /* of a bool or int */
  double number;   /* of a double */
} DsCodecHead;

static inline guint64
ds_codec_read_big_endian (const guint8 *at, gsize n_bytes)
{
  guint64 number = 0;
  guint64 eight;
  guint32 four;

  switch (n_bytes)
    {
    case 8:
      memcpy (&eight, at, sizeof eight);
      return GUINT64_FROM_BE (eight);
    case 4:
      memcpy (&four, at, sizeof four);
      return GUINT32_FROM_BE (four);
    default:
      for (gsize i = 0; i < n_bytes; i++)
        number = number << 8 | at[i];
      return number;
    }
}

/* Whether a value that begins with @first is, or may be, a list or a tuple. */
static inline gboolean
ds_codec_may_nest (guint8 first)
{
  return (first & 0xf0) == 0x90 || first == 0xdc || first == 0xdd ||           /* array */
         (first >= 0xc7 && first <= 0xc9) || (first >= 0xd4 && first <= 0xd8); /* ext */
}

static inline double
ds_codec_read_double (const guint8 *at, gsize n_bytes)
{
  guint64 bits = ds_codec_read_big_endian (at, n_bytes);
  guint32 short_bits = (guint32) bits;
  float short_number;
  double number;

  if (n_bytes == 4)
    {
      memcpy (&short_number, &short_bits, sizeof short_number);
      return (double) short_number;
    }
  memcpy (&number, &bits, sizeof number);
  return number;
}

static inline DsCodecHeadState
ds_codec_read_head (const guint8 *at, gsize n_left, DsCodecHead *head)
{
  /* Bytes behind 0xc0 + i that belong to the head; 0xff: no value of ours. */
  static const guint8 n_more[32] = {
    0,    0xff, 0, 0, 1, 2, 4,    /* nil, (unused), bools, bin */
    2,    3,    5, 4, 8,          /* ext with its type, floats */
    1,    2,    4, 8, 1, 2, 4, 8, /* uint, int */
    1,    1,    1, 1, 1,          /* fixext */
    1,    2,    4, 2, 4,          /* str, array */
    0xff, 0xff                    /* map */
  };
  guint8 first;
  gsize n_argument;
  guint64 argument;

  *head = (DsCodecHead){ .n_head = 1 };
  if (n_left == 0)
    return DS_CODEC_HEAD_CUT;
  first = at[0];

  if (first <= 0x7f || first >= 0xe0)
    {
      head->type = DS_VALUE_TYPE_INT;
      head->integer = (gint8) first;
      return DS_CODEC_HEAD_FINE;
    }
  if (first >= 0xa0 && first <= 0xbf)
    {
      head->type = DS_VALUE_TYPE_STRING;
      head->n_bytes = first & 0x1f;
      return DS_CODEC_HEAD_FINE;
    }
  if (first >= 0x90 && first <= 0x9f)
    {
      head->type = DS_VALUE_TYPE_LIST;
      head->n_items = first & 0x0f;
      return DS_CODEC_HEAD_FINE;
    }
  if (first < 0xc0) /* a short map */
    return DS_CODEC_HEAD_NO_VALUE;

  n_argument = n_more[first - 0xc0];
  if (n_argument == 0xff)
    return DS_CODEC_HEAD_NO_VALUE;
  if (n_argument > n_left - 1)
    return DS_CODEC_HEAD_CUT;
  head->n_head += n_argument;
  argument = ds_codec_read_big_endian (at + 1, n_argument);

  switch (first)
    {
    case 0xc0:
      head->type = DS_VALUE_TYPE_NULL;
      break;
    case 0xc2:
    case 0xc3:
      head->type = DS_VALUE_TYPE_BOOL;
      head->integer = first == 0xc3;
      break;
    case 0xc4:
    case 0xc5:
    case 0xc6:
      head->type = DS_VALUE_TYPE_BYTES;
      head->n_bytes = (guint32) argument;
      break;
    case 0xc7: /* the length, then the type */
    case 0xc8:
    case 0xc9:
      head->is_ext = TRUE;
      head->n_bytes = (guint32) (argument >> 8);
      head->ext_type = (gint8) (argument & 0xff);
      break;
    case 0xca:
    case 0xcb:
      head->type = DS_VALUE_TYPE_DOUBLE;
      head->number = ds_codec_read_double (at + 1, n_argument);
      break;
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
      if (argument > G_MAXINT64)
        return DS_CODEC_HEAD_TOO_LARGE;
      head->type = DS_VALUE_TYPE_INT;
      head->integer = (gint64) argument;
      break;
    case 0xd0:
      head->type = DS_VALUE_TYPE_INT;
      head->integer = (gint8) argument;
      break;
    case 0xd1:
      head->type = DS_VALUE_TYPE_INT;
      head->integer = (gint16) argument;
      break;
    case 0xd2:
      head->type = DS_VALUE_TYPE_INT;
      head->integer = (gint32) argument;
      break;
    case 0xd3:
      head->type = DS_VALUE_TYPE_INT;
      head->integer = (gint64) argument;
      break;
    case 0xd4: /* 1, 2, 4, 8, 16 bytes */
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      head->is_ext = TRUE;
      head->n_bytes = 1u << (first - 0xd4);
      head->ext_type = (gint8) argument;
      break;
    case 0xd9:
    case 0xda:
    case 0xdb:
      head->type = DS_VALUE_TYPE_STRING;
      head->n_bytes = (guint32) argument;
      break;
    default: /* 0xdc, 0xdd */
      head->type = DS_VALUE_TYPE_LIST;
      head->n_items = (guint32) argument;
      break;
    }
  return DS_CODEC_HEAD_FINE;
}

G_END_DECLS
