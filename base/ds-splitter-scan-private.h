/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The scanning loops, compiled once for each form.  A template, so without `#pragma
 * once`: the file that includes it has defined
 *
 *   DS_SPLITTER_FORM         the form's variable, ds_splitter_form_...
 *   DS_SPLITTER_NAME         its name, a string
 *   DS_SPLITTER_INLINE       how its small functions start: static, inlined, its target
 *   DS_SPLITTER_TARGET       the target attribute, or nothing
 *   ds_splitter_match_16 (), _32 (), _64 ()
 *                            which of so many bytes match, one bit a byte, the first
 *                            byte the lowest; the second argument is a byte or
 *                            DS_SPLITTER_WHITE, always a constant
 *   ds_splitter_lowest ()    number of the lowest bit; anything from 0 to 64 for none
 *   ds_splitter_count ()     how many bits are set
 *   ds_splitter_is_supported ()
 *
 * A word ends at a white byte behind a black one and starts at a black byte behind a
 * white one: two masks made of one.  How many words a block has cannot be guessed, and
 * guessing wrong costs as much as four words; therefore words are written by fives,
 * wanted or not (there is room): a full block has six to ten, what is left of a line
 * fewer.
 *
 * The last, partial block is read whole where it lies in one page; else, and always with
 * sanitizers, by loads that end where the text ends and overlap what was seen before. */

#include <string.h>

/* The most words that can end in a block, and one that the text's end ends. */
#define DS_SPLITTER_WORDS_ROOM 33
/* The same for lines. */
#define DS_SPLITTER_LINES_ROOM 65
/* Text that another core received is not in this one's caches, and what the processor
 * prefetches by itself ends with each page.  It may lie past the text: no harm. */
#define DS_SPLITTER_PREFETCH_BYTES 1024

/* Whether 64 bytes may be read where a text of fewer ends: what lies in the same page can
 * be read, but no sanitizer would let it pass. */
DS_SPLITTER_INLINE gboolean
ds_splitter_may_read_64 (const char *bytes)
{
  return DS_MAY_READ_PAST_VALUES && ((guintptr) bytes & 4095) <= 4096 - 64;
}

/* The last @n_left (1 to 63) bytes of @text; bits from @n_left on are 0. */
DS_SPLITTER_INLINE guint64
ds_splitter_match_tail (const char *text, gsize n_bytes, gsize n_left, int what)
{
  char copy[16] = { 0 };
  guint64 mask;

  if (n_bytes >= 64)
    return ds_splitter_match_64 (text + n_bytes - 64, what) >> (64 - n_left);

  if (n_bytes >= 32)
    mask = ds_splitter_match_32 (text, what) |
           ds_splitter_match_32 (text + n_bytes - 32, what) << (n_bytes - 32);
  else if (n_bytes >= 16)
    mask = ds_splitter_match_16 (text, what) |
           ds_splitter_match_16 (text + n_bytes - 16, what) << (n_bytes - 16);
  else
    {
      memcpy (copy, text, n_bytes);
      mask = ds_splitter_match_16 (copy, what);
    }
  return mask >> (n_bytes - n_left);
}

typedef struct
{
  const char *block; /* where bit 0 is */
  const char *start; /* of the word that ends next */
  guint64 starts;
  guint64 ends;
  DsValue *words; /* where it goes */
} DsWordCursor;

/* The next word of a block; past the last one it writes anything. */
DS_SPLITTER_INLINE void
ds_splitter_put_word (DsWordCursor *cursor)
{
  const char *end = cursor->block + ds_splitter_lowest (cursor->ends);

  *cursor->words++ =
      ds_value_string_sized (cursor->start, (guint32) (end - cursor->start));
  cursor->start = cursor->block + ds_splitter_lowest (cursor->starts);
  cursor->ends &= cursor->ends - 1;
  cursor->starts &= cursor->starts - 1;
}

DS_SPLITTER_INLINE void
ds_splitter_put_five_words (DsWordCursor *cursor)
{
  ds_splitter_put_word (cursor);
  ds_splitter_put_word (cursor);
  ds_splitter_put_word (cursor);
  ds_splitter_put_word (cursor);
  ds_splitter_put_word (cursor);
}

/* For few words at a time. */
static gsize
ds_splitter_split_few_words (const char *text,
                             gsize n_bytes,
                             gsize *offset,
                             DsValue *words,
                             gsize max_words)
{
  gsize position = *offset;
  gsize n_words = 0;

  while (n_words < max_words)
    {
      gsize start;

      while (position < n_bytes && ds_splitter_is_white ((guint8) text[position]))
        position++;
      start = position;
      while (position < n_bytes && !ds_splitter_is_white ((guint8) text[position]))
        position++;
      if (start == position)
        break;
      words[n_words++] =
          ds_value_string_sized (text + start, (guint32) (position - start));
    }

  *offset = position;
  return n_words;
}

DS_SPLITTER_TARGET static gsize
ds_splitter_split_words (const char *text,
                         gsize n_bytes,
                         gsize *offset,
                         DsValue *words,
                         gsize max_words)
{
  const char *start = text + *offset; /* of the word that the last block ends within */
  gsize position = *offset;
  gsize n_words = 0;
  guint64 white_before = 1; /* bit 0: the byte before the block is white */

  if (max_words < DS_SPLITTER_WORDS_ROOM)
    return ds_splitter_split_few_words (text, n_bytes, offset, words, max_words);

  for (; position < n_bytes && max_words - n_words >= DS_SPLITTER_WORDS_ROOM;
       position += 64)
    {
      DsWordCursor cursor = { text + position, start, 0, 0, words + n_words };
      gsize n_left = n_bytes - position;
      gsize n_ends;
      guint64 white, behind_white, starts;

      __builtin_prefetch (cursor.block + DS_SPLITTER_PREFETCH_BYTES);
      if (G_LIKELY (n_left >= 64 || ds_splitter_may_read_64 (cursor.block)))
        white = ds_splitter_match_64 (cursor.block, DS_SPLITTER_WHITE);
      else
        white = ds_splitter_match_tail (text, n_bytes, n_left, DS_SPLITTER_WHITE);
      if (n_left < 64) /* the end of the text ends words */
        white |= G_MAXUINT64 << n_left;

      behind_white = white << 1 | white_before;
      starts = behind_white & ~white;
      cursor.starts = starts;
      cursor.ends = white & ~behind_white;
      n_ends = ds_splitter_count (cursor.ends);

      if (white_before) /* made without a jump */
        {
          cursor.start = cursor.block + ds_splitter_lowest (starts);
          cursor.starts = starts & (starts - 1);
        }
      white_before = white >> 63;

      ds_splitter_put_five_words (&cursor);
      if (n_ends > 5) /* nearly always, but not where a line ends */
        ds_splitter_put_five_words (&cursor);
      for (gsize i = 10; G_UNLIKELY (i < n_ends); i++)
        ds_splitter_put_word (&cursor);

      if (starts != 0)
        start = text + position + 63 - __builtin_clzll (starts);
      n_words += n_ends;
    }

  if (position < n_bytes) /* no more room: a word cut by the block is read again */
    *offset = white_before ? position : (gsize) (start - text);
  else
    {
      *offset = n_bytes;
      if (!white_before) /* a whole block was the last one */
        words[n_words++] =
            ds_value_string_sized (start, (guint32) (text + n_bytes - start));
    }
  return n_words;
}

/* For few lines at a time, and for what follows the last line end. */
static gsize
ds_splitter_split_few_lines (const char *text,
                             gsize n_bytes,
                             gsize *offset,
                             gboolean strip_cr,
                             DsValue *lines,
                             gsize max_lines)
{
  gsize n_lines = 0;

  while (n_lines < max_lines && *offset < n_bytes)
    {
      const char *start = text + *offset;
      const char *end = memchr (start, '\n', n_bytes - *offset);
      gsize n_line_bytes = end != NULL ? (gsize) (end - start) : n_bytes - *offset;

      *offset += n_line_bytes + (end != NULL ? 1 : 0);
      if (strip_cr && end != NULL && n_line_bytes > 0 && end[-1] == '\r')
        n_line_bytes--;
      lines[n_lines++] = ds_value_string_sized (start, (guint32) n_line_bytes);
    }

  return n_lines;
}

typedef struct
{
  const char *block;
  const char *start; /* of the line that ends next */
  guint64 ends;
  guint64 behind_returns; /* bytes that follow a \r; 0 when it is kept */
  DsValue *lines;
} DsLineCursor;

DS_SPLITTER_INLINE void
ds_splitter_put_line (DsLineCursor *cursor)
{
  guint64 end = ds_splitter_lowest (cursor->ends);
  guint64 n_stripped = cursor->behind_returns >> (end & 63) & 1;
  const char *line_end = cursor->block + end;

  *cursor->lines++ = ds_value_string_sized (
      cursor->start, (guint32) ((guint64) (line_end - cursor->start) - n_stripped));
  cursor->start = line_end + 1;
  cursor->ends &= cursor->ends - 1;
}

DS_SPLITTER_TARGET static gsize
ds_splitter_split_lines (const char *text,
                         gsize n_bytes,
                         gsize *offset,
                         gboolean strip_cr,
                         DsValue *lines,
                         gsize max_lines)
{
  DsLineCursor cursor = { text, text + *offset, 0, 0, lines };
  gsize position = *offset;
  guint64 return_before = 0; /* bit 0: the byte before the block is \r */

  if (max_lines < DS_SPLITTER_LINES_ROOM)
    return ds_splitter_split_few_lines (text, n_bytes, offset, strip_cr, lines,
                                        max_lines);

  for (; position < n_bytes &&
         max_lines - (gsize) (cursor.lines - lines) >= DS_SPLITTER_LINES_ROOM;
       position += 64)
    {
      const char *start = cursor.start;
      DsValue *first = cursor.lines;
      gsize n_left = n_bytes - position;
      gsize n_ends;
      guint64 returns = 0;
      guint64 ends;

      cursor.block = text + position;
      __builtin_prefetch (cursor.block + DS_SPLITTER_PREFETCH_BYTES);
      if (G_LIKELY (n_left >= 64))
        {
          ends = ds_splitter_match_64 (cursor.block, '\n');
          if (strip_cr)
            returns = ds_splitter_match_64 (cursor.block, '\r');
        }
      else
        {
          ends = ds_splitter_match_tail (text, n_bytes, n_left, '\n');
          if (strip_cr)
            returns = ds_splitter_match_tail (text, n_bytes, n_left, '\r');
        }
      cursor.ends = ends;
      cursor.behind_returns = returns << 1 | return_before;
      return_before = returns >> 63;

      /* Two are always written, as with words. */
      n_ends = ds_splitter_count (ends);
      ds_splitter_put_line (&cursor);
      ds_splitter_put_line (&cursor);
      for (gsize i = 2; i < n_ends; i++)
        ds_splitter_put_line (&cursor);

      cursor.lines = first + n_ends;
      cursor.start = ends != 0 ? text + position + 64 - __builtin_clzll (ends) : start;
    }

  *offset = (gsize) (cursor.start - text);
  if (position >= n_bytes)
    cursor.lines +=
        ds_splitter_split_few_lines (text, n_bytes, offset, strip_cr, cursor.lines, 1);
  return (gsize) (cursor.lines - lines);
}

DS_SPLITTER_TARGET static gsize
ds_splitter_count_line_ends (const char *text, gsize n_bytes)
{
  gsize position = 0;
  gsize n_ends = 0;

  for (; n_bytes - position >= 64; position += 64)
    n_ends += ds_splitter_count (ds_splitter_match_64 (text + position, '\n'));
  if (position < n_bytes)
    n_ends += ds_splitter_count (
        ds_splitter_match_tail (text, n_bytes, n_bytes - position, '\n'));
  return n_ends;
}

const DsSplitterForm DS_SPLITTER_FORM = {
  DS_SPLITTER_NAME,        ds_splitter_is_supported,    ds_splitter_split_words,
  ds_splitter_split_lines, ds_splitter_count_line_ends,
};
