/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Filling a block value by value.
 *
 * Columns grow in segments, each twice as long as the one before, so that nothing that
 * was added is moved until the end, which joins them once.  A block that fits the first
 * segment is never copied: that segment lies in the block's own arena already.
 *
 * Strings are packed one behind the other into larger pieces of the arena.
 *
 * The first addition decides the form: pairs become two columns, others one.  A pair that
 * comes as a tuple among pairs is taken apart; a value that is no pair among pairs turns
 * what is there into tuples, once. */

#include "base/ds-block-private.h"
#include "base/ds-value-private.h"

#define DS_BLOCK_BUILDER_FIRST_VALUES 64
#define DS_BLOCK_BUILDER_MAX_VALUES 65536
#define DS_BLOCK_BUILDER_MIN_PIECE ((gsize) 512)
#define DS_BLOCK_BUILDER_MAX_PIECE ((gsize) 64 * 1024)

typedef struct
{
  DsValue *values;
  DsValue *pair_values; /* of pairs */
  gsize n_values;
  gsize n_max;
} DsBlockSegment;

struct _DsBlockBuilder
{
  gint ref_count;
  DsForm form;
  DsArena *arena;         /* of the block; NULL after the end */
  DsArena *segment_arena; /* (nullable): of the second and later segments */
  GArray *full;           /* (nullable) of DsBlockSegment: what comes before the last */
  DsBlockSegment last;
  gsize n_before; /* values in full segments */
  char *piece;    /* where the bytes of the next string go */
  gsize n_piece;  /* how many more fit */
};

/**
 * DsBlockBuilder:
 *
 * Makes a #DsBlock value by value.  Boxed and refcounted; one thread at a time adds.
 */
G_DEFINE_BOXED_TYPE (DsBlockBuilder,
                     ds_block_builder,
                     ds_block_builder_ref,
                     ds_block_builder_unref)

/* Where an empty string lies that comes before all others, with its padding. */
static char ds_block_builder_nothing[DS_ARENA_PADDING];

/**
 * ds_block_builder_new:
 *
 * Makes a builder without values.
 *
 * Returns: (transfer full): the builder
 */
DsBlockBuilder *
ds_block_builder_new (void)
{
  DsBlockBuilder *self = g_new0 (DsBlockBuilder, 1);

  self->ref_count = 1;
  self->form = DS_FORM_VALUES;
  self->arena = ds_arena_new (NULL);
  self->piece = ds_block_builder_nothing;
  return self;
}

/**
 * ds_block_builder_ref:
 * @self: a builder
 *
 * Takes a reference.  Any thread.
 *
 * Returns: (transfer full): @self
 */
DsBlockBuilder *
ds_block_builder_ref (DsBlockBuilder *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_int_inc (&self->ref_count);
  return self;
}

/**
 * ds_block_builder_unref:
 * @self: (transfer full): a builder
 *
 * Drops a reference; with the last one what was added and not ended is gone.
 */
void
ds_block_builder_unref (DsBlockBuilder *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  g_clear_pointer (&self->arena, ds_arena_unref);
  g_clear_pointer (&self->segment_arena, ds_arena_unref);
  g_clear_pointer (&self->full, g_array_unref);
  g_free (self);
}

gsize
ds_block_builder_get_n_values (DsBlockBuilder *self)
{
  return self->n_before + self->last.n_values;
}

gsize
ds_block_builder_get_n_bytes (DsBlockBuilder *self)
{
  return (self->arena != NULL ? ds_arena_get_n_bytes (self->arena) : 0) +
         (self->segment_arena != NULL ? ds_arena_get_n_bytes (self->segment_arena) : 0);
}

/* ---- Room ---- */

/* Opens the next segment, for at least one value. */
static void
ds_block_builder_grow (DsBlockBuilder *self)
{
  DsArena *arena = self->arena;
  gsize n_max = DS_BLOCK_BUILDER_FIRST_VALUES;

  if (self->last.n_max > 0)
    {
      if (self->full == NULL)
        self->full = g_array_new (FALSE, FALSE, sizeof (DsBlockSegment));
      if (self->segment_arena == NULL)
        self->segment_arena = ds_arena_new (NULL);
      g_array_append_val (self->full, self->last);
      self->n_before += self->last.n_values;
      n_max = MIN (2 * self->last.n_max, DS_BLOCK_BUILDER_MAX_VALUES);
      arena = self->segment_arena;
    }

  self->last.values = ds_arena_alloc (arena, n_max * sizeof (DsValue));
  self->last.pair_values = self->form == DS_FORM_PAIRS
                               ? ds_arena_alloc (arena, n_max * sizeof (DsValue))
                               : NULL;
  self->last.n_values = 0;
  self->last.n_max = n_max;
}

static char *
ds_block_builder_make_room (DsBlockBuilder *self, gsize n_bytes)
{
  gsize n_piece = CLAMP (ds_arena_get_n_bytes (self->arena) / 4,
                         DS_BLOCK_BUILDER_MIN_PIECE, DS_BLOCK_BUILDER_MAX_PIECE);

  if (n_bytes >= n_piece)
    return ds_arena_alloc (self->arena, n_bytes);

  self->piece = ds_arena_alloc (self->arena, n_piece);
  self->n_piece = n_piece - n_bytes;
  self->piece += n_bytes;
  return self->piece - n_bytes;
}

static inline DsValue
ds_block_builder_copy (DsBlockBuilder *self, DsValue value)
{
  char *bytes;

  if (value.type < DS_VALUE_TYPE_STRING)
    return value;
  if (value.type > DS_VALUE_TYPE_BYTES)
    return ds_value_copy (value, self->arena);

  if (G_LIKELY (value.size <= self->n_piece))
    {
      bytes = self->piece;
      self->piece += value.size;
      self->n_piece -= value.size;
    }
  else
    {
      bytes = ds_block_builder_make_room (self, value.size);
    }
  if (value.size > 0)
    memcpy (bytes, value.as.bytes, value.size);
  value.as.bytes = bytes;
  return value;
}

/* ---- Forms ---- */

static DsValue
ds_block_builder_make_tuple (DsBlockBuilder *self, DsValue key, DsValue value)
{
  DsValue *items = ds_arena_alloc (self->arena, 2 * sizeof *items);

  items[0] = key;
  items[1] = value;
  return ds_value_tuple (items, 2);
}

static void
ds_block_builder_join_segment (DsBlockBuilder *self, DsBlockSegment *segment)
{
  for (gsize i = 0; i < segment->n_values; i++)
    segment->values[i] =
        ds_block_builder_make_tuple (self, segment->values[i], segment->pair_values[i]);
  segment->pair_values = NULL;
}

/* From two columns to one: something that is no pair comes. */
static void
ds_block_builder_join_columns (DsBlockBuilder *self)
{
  for (guint i = 0; self->full != NULL && i < self->full->len; i++)
    ds_block_builder_join_segment (self, &g_array_index (self->full, DsBlockSegment, i));
  ds_block_builder_join_segment (self, &self->last);
  self->form = DS_FORM_VALUES;
}

static inline void
ds_block_builder_append (DsBlockBuilder *self, DsValue value)
{
  if (G_UNLIKELY (self->last.n_values == self->last.n_max))
    ds_block_builder_grow (self);
  self->last.values[self->last.n_values++] = value;
}

static inline void
ds_block_builder_append_pair (DsBlockBuilder *self, DsValue key, DsValue value)
{
  if (G_UNLIKELY (self->last.n_values == self->last.n_max))
    ds_block_builder_grow (self);
  self->last.values[self->last.n_values] = key;
  self->last.pair_values[self->last.n_values] = value;
  self->last.n_values++;
}

static inline void
ds_block_builder_take_value (DsBlockBuilder *self, DsValue value)
{
  if (self->form == DS_FORM_PAIRS && ds_value_is_pair (value))
    {
      ds_block_builder_append_pair (self, ds_block_builder_copy (self, value.as.items[0]),
                                    ds_block_builder_copy (self, value.as.items[1]));
      return;
    }
  if (self->form == DS_FORM_PAIRS)
    ds_block_builder_join_columns (self);
  ds_block_builder_append (self, ds_block_builder_copy (self, value));
}

static inline void
ds_block_builder_take_pair (DsBlockBuilder *self, DsValue key, DsValue value)
{
  key = ds_block_builder_copy (self, key);
  value = ds_block_builder_copy (self, value);

  if (self->last.n_max == 0)
    self->form = DS_FORM_PAIRS;
  if (self->form == DS_FORM_PAIRS)
    ds_block_builder_append_pair (self, key, value);
  else
    ds_block_builder_append (self, ds_block_builder_make_tuple (self, key, value));
}

/* ---- Adding ---- */

/**
 * ds_block_builder_add: (skip)
 * @self: a builder
 * @value: any value
 *
 * Adds a deep copy of @value.  Costs the copying, no allocation of its own.
 */
void
ds_block_builder_add (DsBlockBuilder *self, DsValue value)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (self->arena != NULL); /* not after ds_block_builder_end () */

  ds_block_builder_take_value (self, value);
}

/**
 * ds_block_builder_add_pair: (skip)
 * @self: a builder
 * @key: any value
 * @value: any value
 *
 * Adds the tuple of deep copies of @key and @value.  A block made of such pairs alone
 * keeps them as two columns, without tuples.
 */
void
ds_block_builder_add_pair (DsBlockBuilder *self, DsValue key, DsValue value)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (self->arena != NULL); /* not after ds_block_builder_end () */

  ds_block_builder_take_pair (self, key, value);
}

void
ds_block_builder_add_columns (DsBlockBuilder *self,
                              const DsValue *values,
                              const DsValue *pair_values,
                              gsize n_values)
{
  g_return_if_fail (self->arena != NULL); /* not after ds_block_builder_end () */

  if (pair_values != NULL)
    for (gsize i = 0; i < n_values; i++)
      ds_block_builder_take_pair (self, values[i], pair_values[i]);
  else
    for (gsize i = 0; i < n_values; i++)
      ds_block_builder_take_value (self, values[i]);
}

/**
 * ds_block_builder_add_string:
 * @self: a builder
 * @string: a string
 *
 * Adds a copy of @string.
 */
void
ds_block_builder_add_string (DsBlockBuilder *self, const char *string)
{
  g_return_if_fail (string != NULL);

  ds_block_builder_add (self, ds_value_string (string));
}

/**
 * ds_block_builder_add_int:
 * @self: a builder
 * @integer: a number
 *
 * Adds an int.
 */
void
ds_block_builder_add_int (DsBlockBuilder *self, gint64 integer)
{
  ds_block_builder_add (self, ds_value_int (integer));
}

/**
 * ds_block_builder_add_double:
 * @self: a builder
 * @number: a number
 *
 * Adds a double.
 */
void
ds_block_builder_add_double (DsBlockBuilder *self, double number)
{
  ds_block_builder_add (self, ds_value_double (number));
}

/**
 * ds_block_builder_add_bytes:
 * @self: a builder
 * @bytes: some bytes, less than 4 GiB
 *
 * Adds a copy of @bytes as one value.
 */
void
ds_block_builder_add_bytes (DsBlockBuilder *self, GBytes *bytes)
{
  gsize n_bytes;
  gconstpointer content;

  g_return_if_fail (bytes != NULL);

  content = g_bytes_get_data (bytes, &n_bytes);
  g_return_if_fail (n_bytes <= G_MAXUINT32);
  ds_block_builder_add (self, ds_value_bytes (content, (guint32) n_bytes));
}

/* ---- The end ---- */

/* One column of all segments, in the arena of the block. */
static const DsValue *
ds_block_builder_join_segments (DsBlockBuilder *self,
                                gsize n_values,
                                gboolean pair_values)
{
  DsValue *column;
  gsize n_done = 0;

  if (self->n_before == 0)
    return pair_values ? self->last.pair_values : self->last.values;

  column = ds_arena_alloc (self->arena, n_values * sizeof *column);
  for (guint i = 0; i <= self->full->len; i++)
    {
      const DsBlockSegment *segment = i < self->full->len
                                          ? &g_array_index (self->full, DsBlockSegment, i)
                                          : &self->last;

      memcpy (column + n_done, pair_values ? segment->pair_values : segment->values,
              segment->n_values * sizeof *column);
      n_done += segment->n_values;
    }
  return column;
}

/**
 * ds_block_builder_end:
 * @self: a builder
 *
 * Makes the block of what was added, in that order.
 *
 * The builder is at its end then: adding more, or another end, is a critical.
 *
 * Returns: (transfer full): the block
 */
DsBlock *
ds_block_builder_end (DsBlockBuilder *self)
{
  const DsValue *values;
  const DsValue *pair_values = NULL;
  gsize n_values;

  g_return_val_if_fail (self != NULL, ds_block_new (NULL, 0));
  g_return_val_if_fail (self->arena != NULL, ds_block_new (NULL, 0));

  n_values = ds_block_builder_get_n_values (self);
  if (n_values == 0)
    {
      g_clear_pointer (&self->arena, ds_arena_unref);
      return ds_block_new (NULL, 0);
    }

  values = ds_block_builder_join_segments (self, n_values, FALSE);
  if (self->form == DS_FORM_PAIRS)
    pair_values = ds_block_builder_join_segments (self, n_values, TRUE);
  g_clear_pointer (&self->segment_arena, ds_arena_unref);
  g_clear_pointer (&self->full, g_array_unref);
  return ds_block_new_take_columns (g_steal_pointer (&self->arena), values, pair_values,
                                    n_values);
}
