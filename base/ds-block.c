/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A block is a run of values that never changes, with the arena that their bytes lie in:
 * one reference for all of them.
 *
 * Values lie in one of three forms: a column of values; two columns, when they are pairs;
 * or text whose lines are the values.  The engine reads the form that it finds.  Whoever
 * asks for plain values of another form gets a view, made on the first call: tuples that
 * join the two columns, or slices of the text.  Threads that ask at the same time may
 * each make one; the first one is kept, so that nobody waits and all see the same. */

#include "base/ds-block.h"

#include "base/ds-block-private.h"
#include "base/ds-splitter-private.h"

typedef struct
{
  DsArena *arena;
  const DsValue *values;
} DsBlockView;

struct _DsBlock
{
  gint ref_count;
  DsForm form;
  gsize n_values;
  DsArena *arena; /* (nullable) */

  const DsValue *values;      /* of a form that is not text */
  const DsValue *pair_values; /* of pairs */

  const char *text;
  gsize n_text_bytes;
  gboolean strip_cr;

  GPtrArray *held; /* (nullable) of DsBlock: the values point into these, too */
  gsize n_bytes; /* of the arena and of the blocks held; the view does not count, because
                  * budgets give back what they took */
  DsBlockView *view; /* (nullable) atomic */
};

/**
 * DsBlock:
 *
 * An immutable run of values with the memory that their bytes lie in.
 *
 * Boxed and atomically refcounted; any thread may use it.  Whatever hands values out of
 * the engine hands out a block.
 */
G_DEFINE_BOXED_TYPE (DsBlock, ds_block, ds_block_ref, ds_block_unref)

static DsBlock *
ds_block_alloc (DsForm form, DsArena *arena, gsize n_values)
{
  DsBlock *self = g_new0 (DsBlock, 1);

  self->ref_count = 1;
  self->form = form;
  self->arena = arena;
  self->n_values = n_values;
  self->n_bytes = arena != NULL ? ds_arena_get_capacity (arena) : 0;
  return self;
}

DsBlock *
ds_block_new_take_columns (DsArena *arena,
                           const DsValue *values,
                           const DsValue *pair_values,
                           gsize n_values)
{
  DsBlock *self = ds_block_alloc (pair_values != NULL ? DS_FORM_PAIRS : DS_FORM_VALUES,
                                  arena, n_values);

  self->values = values;
  self->pair_values = pair_values;
  return self;
}

DsBlock *
ds_block_new_take_text (DsArena *arena,
                        const char *text,
                        gsize n_bytes,
                        gsize n_lines,
                        gboolean strip_cr)
{
  DsBlock *self = ds_block_alloc (DS_FORM_TEXT, arena, n_lines);

  g_assert (n_bytes <= G_MAXUINT32);

  self->text = text;
  self->n_text_bytes = n_bytes;
  self->strip_cr = strip_cr;
  return self;
}

static void
ds_block_unref_held (gpointer block)
{
  ds_block_unref (block);
}

void
ds_block_hold (DsBlock *self, DsBlock *other)
{
  if (self->held == NULL)
    self->held = g_ptr_array_new_with_free_func (ds_block_unref_held);
  g_ptr_array_add (self->held, ds_block_ref (other));
  self->n_bytes += other->n_bytes;
}

/**
 * ds_block_ref:
 * @self: a block
 *
 * Takes a reference.  Any thread; costs one atomic operation.
 *
 * Returns: (transfer full): @self
 */
DsBlock *
ds_block_ref (DsBlock *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_int_inc (&self->ref_count);
  return self;
}

static void
ds_block_view_free (DsBlockView *view)
{
  ds_arena_unref (view->arena);
  g_free (view);
}

/**
 * ds_block_unref:
 * @self: (transfer full): a block
 *
 * Drops a reference; with the last one the values are gone.  Any thread.
 */
void
ds_block_unref (DsBlock *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  g_clear_pointer (&self->view, ds_block_view_free);
  g_clear_pointer (&self->arena, ds_arena_unref);
  g_clear_pointer (&self->held, g_ptr_array_unref);
  g_free (self);
}

/* ---- Views ---- */

static DsBlockView *
ds_block_view_new_tuples (DsBlock *block)
{
  gsize n_values = block->n_values;
  DsBlockView *view = g_new (DsBlockView, 1);
  DsValue *tuples;
  DsValue *items;

  view->arena = ds_arena_new_sized (NULL, 3 * n_values * sizeof (DsValue));
  tuples = ds_arena_alloc (view->arena, 3 * n_values * sizeof (DsValue));
  items = tuples + n_values;
  for (gsize i = 0; i < n_values; i++)
    {
      items[2 * i] = block->values[i];
      items[2 * i + 1] = block->pair_values[i];
      tuples[i] = ds_value_tuple (items + 2 * i, 2);
    }
  view->values = tuples;
  return view;
}

static DsBlockView *
ds_block_view_new_lines (DsBlock *block)
{
  DsBlockView *view = g_new (DsBlockView, 1);
  gsize offset = 0;
  gsize n_lines = 0;
  DsValue *lines;

  view->arena = ds_arena_new_sized (NULL, block->n_values * sizeof *lines);
  lines = ds_arena_alloc (view->arena, block->n_values * sizeof *lines);
  while (n_lines < block->n_values)
    {
      gsize n =
          ds_split_lines_scan (block->text, block->n_text_bytes, &offset, block->strip_cr,
                               lines + n_lines, block->n_values - n_lines);

      g_assert (n > 0); /* there are as many lines as were counted */
      n_lines += n;
    }
  view->values = lines;
  return view;
}

static const DsValue *
ds_block_get_view (DsBlock *self)
{
  DsBlockView *view = g_atomic_pointer_get (&self->view);
  DsBlockView *made;

  if (view != NULL)
    return view->values;

  made = self->form == DS_FORM_PAIRS ? ds_block_view_new_tuples (self)
                                     : ds_block_view_new_lines (self);
  if (g_atomic_pointer_compare_and_exchange (&self->view, NULL, made))
    return made->values;

  /* Another thread was quicker. */
  ds_block_view_free (made);
  view = g_atomic_pointer_get (&self->view);
  return view->values;
}

/* ---- Reading ---- */

/**
 * ds_block_get_length:
 * @self: a block
 *
 * How many values a block has.  Costs nothing: nothing is made or cut for it.
 *
 * Returns: the number of values
 */
gsize
ds_block_get_length (DsBlock *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->n_values;
}

/**
 * ds_block_get: (skip)
 * @self: a block
 * @index: which value; less than ds_block_get_length ()
 *
 * One value.  The first call on a block of pairs or lines makes all of them, as
 * ds_block_get_values () does.
 *
 * Returns: the value, valid while the block is held
 */
DsValue
ds_block_get (DsBlock *self, gsize index)
{
  g_return_val_if_fail (self != NULL, ds_value_null ());
  g_return_val_if_fail (index < self->n_values, ds_value_null ());

  return ds_block_get_values (self, NULL)[index];
}

/**
 * ds_block_get_values: (skip)
 * @self: a block
 * @n_values: (out) (optional): how many there are
 *
 * All values at once.
 *
 * A block of pairs makes the tuples on the first call, a block of text cuts its lines;
 * both are kept.  ds_block_get_pair () reads pairs without that.
 *
 * Returns: (transfer none) (array length=n_values): the values, valid while the block is
 *   held; of an empty block not to be looked at
 */
const DsValue *
ds_block_get_values (DsBlock *self, gsize *n_values)
{
  if (n_values != NULL)
    *n_values = 0;
  g_return_val_if_fail (self != NULL, NULL);

  if (n_values != NULL)
    *n_values = self->n_values;
  if (self->form == DS_FORM_VALUES || self->n_values == 0)
    return self->values;
  return ds_block_get_view (self);
}

/**
 * ds_block_get_pair: (skip)
 * @self: a block
 * @index: which value; less than ds_block_get_length ()
 * @key: (out): its first item
 * @value: (out): its second item
 *
 * One value that is a pair.
 *
 * Any other value is a failure of the running task with %DS_ERROR_TYPE, and gives nulls.
 */
void
ds_block_get_pair (DsBlock *self, gsize index, DsValue *key, DsValue *value)
{
  DsValue pair;

  g_return_if_fail (self != NULL && key != NULL && value != NULL);
  *key = ds_value_null ();
  *value = ds_value_null ();
  g_return_if_fail (index < self->n_values);

  if (self->form == DS_FORM_PAIRS)
    {
      *key = self->values[index];
      *value = self->pair_values[index];
      return;
    }

  pair = ds_block_get (self, index);
  *key = ds_pair_key (pair);
  if (ds_value_is_pair (pair))
    *value = ds_pair_value (pair);
}

DsForm
ds_block_get_form (DsBlock *self)
{
  return self->form;
}

void
ds_block_get_columns (DsBlock *self,
                      const DsValue **values,
                      const DsValue **pair_values,
                      gsize *n_values)
{
  *values = self->form == DS_FORM_PAIRS ? self->values : ds_block_get_values (self, NULL);
  *pair_values = self->pair_values;
  *n_values = self->n_values;
}

const char *
ds_block_get_text (DsBlock *self, gsize *n_bytes, gboolean *strip_cr)
{
  g_assert (self->form == DS_FORM_TEXT);

  *n_bytes = self->n_text_bytes;
  *strip_cr = self->strip_cr;
  return self->text;
}

gsize
ds_block_get_n_bytes (DsBlock *self)
{
  return self->n_bytes;
}
