/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The bounded scan in front of decoding.  msgpack's own unpacker believes a count and
 * allocates for it, so five bytes can ask for gigabytes; here nothing is allocated before
 * each count was held against the bytes that are left, of which every item takes at least
 * one. */

#include "base/ds-codec-head-private.h"

#include "base/ds-error.h"

typedef struct
{
  const guint8 *bytes;
  gsize max_items;
  DsCodecScan scan;
  gsize end_of_prefix; /* more may follow behind this; 0: no */
  gboolean is_cut;     /* the value in work ends behind it */
} DsCodecScanner;

static gboolean
ds_codec_fail_corrupt (gsize offset, const char *found, GError **error)
{
  g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
               "The encoded values are damaged at byte %" G_GSIZE_FORMAT
               ": %s. Read them from where they came from again",
               offset, found);
  return FALSE;
}

static gboolean
ds_codec_fail_cut (gsize offset, guint64 n_wanted, gsize n_left, GError **error)
{
  g_autofree char *found =
      g_strdup_printf ("at least %" G_GUINT64_FORMAT
                       " more bytes are announced, but only %" G_GSIZE_FORMAT " are left",
                       n_wanted, n_left);

  return ds_codec_fail_corrupt (offset, found, error);
}

/* Says what is wrong with the head at @offset. */
G_GNUC_NO_INLINE static gboolean
ds_codec_fail_head (DsCodecScanner *self,
                    gsize offset,
                    gsize n_left,
                    const DsCodecHead *head,
                    DsCodecHeadState state,
                    GError **error)
{
  g_autofree char *found = NULL;

  /* Met at each end of what a socket has brought: no message is made for it. */
  if ((state == DS_CODEC_HEAD_CUT || state == DS_CODEC_HEAD_FINE) &&
      offset + n_left == self->end_of_prefix)
    {
      self->is_cut = TRUE;
      return FALSE;
    }

  switch (state)
    {
    case DS_CODEC_HEAD_NO_VALUE:
      found = g_strdup_printf (
          "0x%02x begins no value (msgpack maps are not read: send arrays)",
          self->bytes[offset]);
      return ds_codec_fail_corrupt (offset, found, error);

    case DS_CODEC_HEAD_TOO_LARGE:
      g_set_error (error, DS_ERROR, DS_ERROR_LIMIT,
                   "The integer at byte %" G_GSIZE_FORMAT " is %" G_GUINT64_FORMAT
                   ", but at most %" G_GINT64_FORMAT
                   " fits. Encode it as a double or a string",
                   offset, ds_codec_read_big_endian (self->bytes + offset + 1, 8),
                   G_MAXINT64);
      return FALSE;

    case DS_CODEC_HEAD_CUT:
      return ds_codec_fail_cut (offset, n_left + 1, n_left, error);

    case DS_CODEC_HEAD_FINE: /* but what it announces is not there */
    default:
      return ds_codec_fail_cut (offset, MAX (head->n_bytes, head->n_items),
                                n_left - head->n_head, error);
    }
}

/* The head at @offset, read and judged.  Every item takes at least a byte. */
static inline gboolean
ds_codec_scan_head (DsCodecScanner *self,
                    gsize offset,
                    gsize end,
                    DsCodecHead *head,
                    GError **error)
{
  gsize n_left = end - offset;
  DsCodecHeadState state = ds_codec_read_head (self->bytes + offset, n_left, head);

  if (G_LIKELY (state == DS_CODEC_HEAD_FINE && head->n_bytes <= n_left - head->n_head &&
                head->n_items <= n_left - head->n_head))
    return TRUE;
  return ds_codec_fail_head (self, offset, n_left, head, state, error);
}

static gboolean ds_codec_scan_value (DsCodecScanner *self,
                                     gsize *offset,
                                     gsize end,
                                     guint depth,
                                     GError **error);

/* The items of a list or tuple at @depth. */
static gboolean
ds_codec_scan_items (DsCodecScanner *self,
                     guint32 n_items,
                     gsize *offset,
                     gsize end,
                     guint depth,
                     GError **error)
{
  if (depth > DS_CODEC_MAX_DEPTH)
    {
      g_set_error (
          error, DS_ERROR, DS_ERROR_TOO_DEEP,
          "Lists and tuples lie more than %d levels deep at byte %" G_GSIZE_FORMAT
          ". Flatten the values before they leave their partition",
          DS_CODEC_MAX_DEPTH, *offset);
      return FALSE;
    }

  for (guint32 i = 0; i < n_items; i++)
    if (!ds_codec_scan_value (self, offset, end, depth, error))
      return FALSE;
  return TRUE;
}

/* The array in the @n_bytes of an ext at *@offset. */
static gboolean
ds_codec_scan_tuple (DsCodecScanner *self,
                     const DsCodecHead *ext,
                     gsize *offset,
                     guint depth,
                     guint32 *n_items,
                     GError **error)
{
  gsize end = *offset + ext->n_bytes;
  gsize start = *offset;
  DsCodecHead head;
  g_autofree char *found = NULL;

  if (ext->ext_type != DS_CODEC_EXT_TUPLE)
    {
      found =
          g_strdup_printf ("an extension of type %d, but only type %d (tuples) is known",
                           ext->ext_type, DS_CODEC_EXT_TUPLE);
      return ds_codec_fail_corrupt (start, found, error);
    }
  if (!ds_codec_scan_head (self, start, end, &head, error))
    return FALSE;
  if (head.is_ext || head.type != DS_VALUE_TYPE_LIST)
    return ds_codec_fail_corrupt (start, "a tuple that does not hold an array", error);

  *n_items = head.n_items;
  *offset += head.n_head;
  if (!ds_codec_scan_items (self, head.n_items, offset, end, depth, error))
    return FALSE;
  if (*offset != end)
    return ds_codec_fail_corrupt (*offset, "a tuple has bytes behind its last item",
                                  error);
  return TRUE;
}

/* The value at *@offset, @depth lists and tuples deep; moves behind it. */
static gboolean
ds_codec_scan_value (DsCodecScanner *self,
                     gsize *offset,
                     gsize end,
                     guint depth,
                     GError **error)
{
  DsCodecScan *scan = &self->scan;
  DsCodecHead head;
  guint32 n_items;

  if (!ds_codec_scan_head (self, *offset, end, &head, error))
    return FALSE;

  if (self->max_items > 0 && scan->n_items == self->max_items)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_LIMIT,
                   "There are more than %" G_GSIZE_FORMAT
                   " values and items at byte %" G_GSIZE_FORMAT
                   ", and no more are allowed",
                   self->max_items, *offset);
      return FALSE;
    }
  scan->n_items++;

  *offset += head.n_head;
  n_items = head.n_items;
  if (head.is_ext)
    {
      if (!ds_codec_scan_tuple (self, &head, offset, depth + 1, &n_items, error))
        return FALSE;
    }
  else
    {
      if (head.type == DS_VALUE_TYPE_LIST &&
          !ds_codec_scan_items (self, n_items, offset, end, depth + 1, error))
        return FALSE;
      *offset += head.n_bytes;
      scan->n_string_bytes += head.n_bytes;
    }

  scan->n_nested_items += n_items;
  if (depth == 0)
    {
      scan->n_values++;
      scan->is_pairs = scan->is_pairs && head.is_ext && n_items == 2;
    }
  return TRUE;
}

/* What decoding will need. */
static DsCodecScan
ds_codec_scanner_end (DsCodecScanner *self)
{
  DsCodecScan scan = self->scan;

  scan.is_pairs = scan.is_pairs && scan.n_values > 0;
  if (scan.is_pairs) /* the tuples at the top become two columns */
    scan.n_nested_items -= 2 * scan.n_values;
  scan.n_copy_bytes =
      (scan.n_values * (scan.is_pairs ? 2 : 1) + scan.n_nested_items) * sizeof (DsValue) +
      ((scan.n_string_bytes + 15) & ~(gsize) 15);
  return scan;
}

gboolean
ds_codec_scan (const guint8 *bytes,
               gsize n_bytes,
               gsize max_items,
               DsCodecScan *scan,
               GError **error)
{
  DsCodecScanner scanner = { bytes, max_items, { .is_pairs = TRUE }, 0, FALSE };
  gsize offset = 0;

  while (offset < n_bytes)
    if (!ds_codec_scan_value (&scanner, &offset, n_bytes, 0, error))
      return FALSE;

  *scan = ds_codec_scanner_end (&scanner);
  return TRUE;
}

gboolean
ds_codec_scan_prefix (const guint8 *bytes,
                      gsize n_bytes,
                      DsCodecScan *scan,
                      gsize *n_whole,
                      GError **error)
{
  DsCodecScanner scanner = { bytes, 0, { .is_pairs = TRUE }, n_bytes, FALSE };

  *n_whole = 0;
  while (*n_whole < n_bytes)
    {
      DsCodecScan before = scanner.scan;
      gsize offset = *n_whole;

      if (!ds_codec_scan_value (&scanner, &offset, n_bytes, 0, error))
        {
          scanner.scan = before;
          *scan = ds_codec_scanner_end (&scanner);
          return scanner.is_cut;
        }
      *n_whole = offset;
    }
  *scan = ds_codec_scanner_end (&scanner);
  return TRUE;
}

void
ds_codec_scan_piece (const guint8 *bytes,
                     gsize n_bytes,
                     gsize max_copy_bytes,
                     DsCodecScan *scan,
                     gsize *n_taken)
{
  DsCodecScanner scanner = { bytes, 0, { .is_pairs = TRUE }, 0, FALSE };
  const DsCodecScan *found = &scanner.scan;
  gsize offset = 0;

  while (offset < n_bytes &&
         (found->n_values + found->n_nested_items) * sizeof (DsValue) +
                 found->n_string_bytes <
             max_copy_bytes)
    if (!ds_codec_scan_value (&scanner, &offset, n_bytes, 0, NULL))
      g_assert_not_reached ();

  *n_taken = offset;
  *scan = ds_codec_scanner_end (&scanner);
}
