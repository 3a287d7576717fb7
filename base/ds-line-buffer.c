/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The memory of a line buffer is one allocation in an arena of its own:
 *
 *   | whole lines, ready to be taken | the rest: a line that has not ended | room |
 *   0                          n_ready                                n_bytes  capacity
 *
 * Taking hands the arena over as it is and copies only the rest into the next one; few
 * ready bytes are copied out instead, so that a slow source does not pin a whole buffer
 * for each of its lines.  A rest is copied once for the line end before it and by
 * doublings, so each byte moves a few times at most, however long its line.
 *
 * What must be looked at closely is only the length of lines.  A line end among the first
 * max + 1 bytes of a line says that everything up to the last such end is short enough,
 * so lines are not looked at one by one; and a buffer that is no larger than a line may
 * be holds no long one at all. */

#include "base/ds-line-buffer-private.h"

#include "base/ds-error.h"
#include "base/ds-splitter-private.h"

#include <string.h>

struct _DsLineBuffer
{
  DsArenaPool *pool; /* (nullable) */
  gsize buffer_bytes;
  gsize max_line_bytes;
  DsLongLinePolicy policy;
  gboolean strip_cr;

  DsArena *arena; /* (nullable): holds memory */
  char *memory;
  gsize capacity;
  gsize n_bytes;
  gsize n_ready;
  gsize n_ready_lines;
  gboolean is_skipping; /* inside an overlong line, up to its end */

  guint64 n_skipped;
  guint64 n_dropped;
};

/* Less room than this is not worth a read. */
static gsize
ds_line_buffer_get_least_room (DsLineBuffer *self)
{
  return self->buffer_bytes / 8 + 1;
}

/* Moves what is from @start on into new memory of @capacity bytes. */
static void
ds_line_buffer_renew (DsLineBuffer *self,
                      const char *start,
                      gsize n_bytes,
                      gsize capacity)
{
  DsArena *arena = ds_arena_new_sized (self->pool, capacity);
  char *memory = ds_arena_alloc (arena, capacity);

  if (n_bytes > 0)
    memcpy (memory, start, n_bytes);

  g_clear_pointer (&self->arena, ds_arena_unref);
  self->arena = arena;
  self->memory = memory;
  self->capacity = capacity;
  self->n_bytes = n_bytes;
}

/* Room for at least @n_more bytes.  A rest alone never needs more than the longest line,
 * its \r, and a buffer to read into. */
static void
ds_line_buffer_reserve (DsLineBuffer *self, gsize n_more)
{
  gsize most = self->max_line_bytes + self->buffer_bytes + 2;
  gsize capacity = MAX (self->capacity, self->buffer_bytes);

  if (self->arena != NULL && self->capacity - self->n_bytes >= n_more)
    return;

  while (capacity - self->n_bytes < n_more)
    capacity = capacity < most && capacity * 2 > most ? most : capacity * 2;

  ds_line_buffer_renew (self, self->memory, self->n_bytes, capacity);
}

static void
ds_line_buffer_append (DsLineBuffer *self, const char *bytes, gsize n_bytes)
{
  ds_line_buffer_reserve (self, n_bytes);
  memmove (self->memory + self->n_bytes, bytes, n_bytes);
  self->n_bytes += n_bytes;
}

typedef enum
{
  DS_LINES_SHORT,   /* whole lines, none too long, in *n_fine bytes */
  DS_LINES_PENDING, /* the rest, too short to tell */
  DS_LINES_TOO_LONG /* one, *n_fine bytes of which are as long as a line may be */
} DsLinesFound;

/* What @n_bytes > 0 bytes from the start of a line on begin with. */
static DsLinesFound
ds_line_buffer_measure (DsLineBuffer *self,
                        const char *start,
                        gsize n_bytes,
                        gsize *n_fine)
{
  gsize max = self->max_line_bytes;
  gsize end = ds_find_last_line_end (start, MIN (n_bytes, max + 1));

  *n_fine = end;
  if (end > 0)
    return DS_LINES_SHORT;
  if (n_bytes <= max)
    return DS_LINES_PENDING;

  /* A \r that is going to be stripped does not count, but only the next byte tells. */
  if (self->strip_cr && start[max] == '\r')
    {
      if (n_bytes == max + 1)
        return DS_LINES_PENDING;
      *n_fine = max + 2;
      if (start[max + 1] == '\n')
        return DS_LINES_SHORT;
    }
  *n_fine = max;
  return DS_LINES_TOO_LONG;
}

/* Takes out overlong lines among the bytes from n_ready on.  *@n_longest: the length of
 * the first one, as far as it has come; 0 for none. */
static void
ds_line_buffer_remove_long (DsLineBuffer *self, gsize *n_longest)
{
  const char *from = self->memory + self->n_ready;
  const char *end = self->memory + self->n_bytes;
  char *to = self->memory + self->n_ready;

  while (from < end)
    {
      gsize n_left = (gsize) (end - from);
      gsize n_fine;
      DsLinesFound found = ds_line_buffer_measure (self, from, n_left, &n_fine);

      if (found == DS_LINES_TOO_LONG)
        {
          const char *line_end = memchr (from + n_fine, '\n', n_left - n_fine);

          if (*n_longest == 0)
            *n_longest = line_end != NULL ? (gsize) (line_end - from) : n_left;
          self->n_skipped++;
          self->is_skipping = line_end == NULL;
          from = line_end != NULL ? line_end + 1 : end;
          continue;
        }
      if (found == DS_LINES_PENDING)
        n_fine = n_left;
      if (to != from)
        memmove (to, from, n_fine);
      to += n_fine;
      from += n_fine;
    }

  self->n_bytes = (gsize) (to - self->memory);
}

/* Ends overlong lines among the bytes from n_ready on wherever they get too long.  The
 * line end that is put there brings a \r of its own to be stripped, lest it takes one of
 * the line's. */
static void
ds_line_buffer_split_long (DsLineBuffer *self)
{
  const char *line_end = self->strip_cr ? "\r\n" : "\n";
  g_autofree char *copy = NULL; /* what comes behind the first cut */
  const char *from = self->memory + self->n_ready;
  const char *end = self->memory + self->n_bytes;

  while (from < end)
    {
      gsize n_left = (gsize) (end - from);
      gsize n_fine;
      DsLinesFound found = ds_line_buffer_measure (self, from, n_left, &n_fine);

      if (found == DS_LINES_PENDING)
        n_fine = n_left;
      if (found == DS_LINES_TOO_LONG && copy == NULL)
        {
          self->n_bytes -= n_left;
          copy = g_memdup2 (from, n_left);
          from = copy;
          end = copy + n_left;
        }
      if (copy != NULL)
        ds_line_buffer_append (self, from, n_fine);
      if (found == DS_LINES_TOO_LONG)
        ds_line_buffer_append (self, line_end, strlen (line_end));
      from += n_fine;
    }
}

/* Lets the lines that ended become ready; none did before @from.  They are counted here,
 * while what was just read is still in the nearest cache. */
static void
ds_line_buffer_find_ready (DsLineBuffer *self, gsize from)
{
  gsize end = ds_find_last_line_end (self->memory + from, self->n_bytes - from);

  if (end == 0)
    return;
  self->n_ready = from + end;
  self->n_ready_lines += ds_count_lines (self->memory + from, end);
}

DsLineBuffer *
ds_line_buffer_new (DsArenaPool *pool,
                    gsize buffer_bytes,
                    gsize max_line_bytes,
                    DsLongLinePolicy policy,
                    gboolean strip_cr)
{
  DsLineBuffer *self = g_new0 (DsLineBuffer, 1);

  g_assert (buffer_bytes > 0 && max_line_bytes > 0);
  g_assert (buffer_bytes <= G_MAXUINT32 && max_line_bytes <= G_MAXUINT32);

  self->pool = pool != NULL ? ds_arena_pool_ref (pool) : NULL;
  self->buffer_bytes = buffer_bytes;
  self->max_line_bytes = max_line_bytes;
  self->policy = policy;
  self->strip_cr = strip_cr;
  return self;
}

void
ds_line_buffer_free (DsLineBuffer *self)
{
  g_clear_pointer (&self->arena, ds_arena_unref);
  g_clear_pointer (&self->pool, ds_arena_pool_unref);
  g_free (self);
}

char *
ds_line_buffer_prepare (DsLineBuffer *self, gsize *n_room)
{
  /* While there is something to take, memory does not grow before it is used up. */
  ds_line_buffer_reserve (self,
                          self->n_ready > 0 ? 1 : ds_line_buffer_get_least_room (self));

  *n_room = self->capacity - self->n_bytes;
  return self->memory + self->n_bytes;
}

gboolean
ds_line_buffer_commit (DsLineBuffer *self, gsize n_bytes, GError **error)
{
  gsize n_before = self->n_bytes;
  gsize n_longest = 0;

  g_assert (n_bytes <= self->capacity - self->n_bytes);

  if (self->is_skipping)
    {
      char *start = self->memory + self->n_bytes;
      char *line_end = memchr (start, '\n', n_bytes);

      if (line_end == NULL)
        return TRUE;
      self->is_skipping = FALSE;
      n_bytes -= (gsize) (line_end + 1 - start);
      memmove (start, line_end + 1, n_bytes);
    }

  self->n_bytes += n_bytes;
  if (self->n_bytes - self->n_ready > self->max_line_bytes)
    {
      if (self->policy == DS_LONG_LINE_SPLIT)
        ds_line_buffer_split_long (self);
      else
        ds_line_buffer_remove_long (self, &n_longest);
      n_before = self->n_ready;
    }
  ds_line_buffer_find_ready (self, n_before);

  if (n_longest > 0 && self->policy == DS_LONG_LINE_FAIL)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_LIMIT,
                   "A line of at least %" G_GSIZE_FORMAT
                   " bytes was met, but at most %" G_GSIZE_FORMAT
                   " are allowed; it was left out. Allow longer records, or let long "
                   "lines be skipped or split",
                   n_longest, self->max_line_bytes);
      return FALSE;
    }
  return TRUE;
}

gboolean
ds_line_buffer_is_full (DsLineBuffer *self)
{
  return self->n_ready > 0 &&
         self->capacity - self->n_bytes < ds_line_buffer_get_least_room (self);
}

gsize
ds_line_buffer_get_n_ready_lines (DsLineBuffer *self)
{
  return self->n_ready_lines;
}

gsize
ds_line_buffer_get_n_ready_bytes (DsLineBuffer *self)
{
  return self->n_ready;
}

gsize
ds_line_buffer_get_n_open_bytes (DsLineBuffer *self)
{
  return self->n_bytes - self->n_ready;
}

DsBlock *
ds_line_buffer_take (DsLineBuffer *self)
{
  gsize n_ready = self->n_ready;
  gsize n_lines = self->n_ready_lines;
  gsize n_rest = self->n_bytes - n_ready;
  DsArena *arena;
  char *text;

  if (n_ready == 0)
    return NULL;

  if (n_ready <= self->capacity / 8)
    {
      arena = ds_arena_new_sized (self->pool, n_ready);
      text = ds_arena_alloc (arena, n_ready);
      memcpy (text, self->memory, n_ready);
      memmove (self->memory, self->memory + n_ready, n_rest);
      self->n_bytes = n_rest;
    }
  else
    {
      arena = g_steal_pointer (&self->arena);
      text = g_steal_pointer (&self->memory);
      self->capacity = 0;
      self->n_bytes = 0;
      if (n_rest > 0)
        ds_line_buffer_append (self, text + n_ready, n_rest);
    }
  self->n_ready = 0;
  self->n_ready_lines = 0;

  return ds_block_new_take_text (arena, text, n_ready, n_lines, self->strip_cr);
}

DsBlock *
ds_line_buffer_end (DsLineBuffer *self, gboolean deliver_rest)
{
  gsize n_rest = self->n_bytes - self->n_ready;
  DsBlock *block;

  if (n_rest > 0 && !deliver_rest)
    self->n_dropped++;
  if (!deliver_rest)
    self->n_bytes = self->n_ready;
  else if (n_rest > self->max_line_bytes) /* by a \r that no \n follows */
    {
      if (self->policy == DS_LONG_LINE_SPLIT)
        {
          char last = self->memory[--self->n_bytes];

          ds_line_buffer_append (self, "\r\n", 2);
          ds_line_buffer_append (self, &last, 1);
        }
      else
        {
          self->n_skipped++;
          self->n_bytes = self->n_ready;
        }
    }

  if (self->n_bytes > self->n_ready) /* else there may be no memory */
    self->n_ready_lines +=
        ds_count_lines (self->memory + self->n_ready, self->n_bytes - self->n_ready);
  self->n_ready = self->n_bytes;
  self->is_skipping = FALSE;
  block = ds_line_buffer_take (self);
  g_clear_pointer (&self->arena, ds_arena_unref);
  self->memory = NULL;
  self->capacity = 0;
  self->n_bytes = 0;
  return block;
}

guint64
ds_line_buffer_get_n_skipped (DsLineBuffer *self)
{
  return self->n_skipped;
}

guint64
ds_line_buffer_get_n_dropped (DsLineBuffer *self)
{
  return self->n_dropped;
}
