/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include "base/ds-value.h"

G_BEGIN_DECLS

typedef struct _DsBlock DsBlock;
typedef struct _DsBlockBuilder DsBlockBuilder;

#define DS_TYPE_BLOCK (ds_block_get_type ())
DS_AVAILABLE_IN_ALL
GType ds_block_get_type (void);
DS_AVAILABLE_IN_ALL
DsBlock *ds_block_ref (DsBlock *self);
DS_AVAILABLE_IN_ALL
void ds_block_unref (DsBlock *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsBlock, ds_block_unref)

/* Deep copy of @values.  (skip) */
DS_AVAILABLE_IN_ALL
DsBlock *ds_block_new (const DsValue *values, gsize n_values);
/* ds_block_new_strings ("a", "b", NULL).  Bindings: new_from_strv. */
DS_AVAILABLE_IN_ALL
DsBlock *ds_block_new_strings (const char *first, ...) G_GNUC_NULL_TERMINATED;
DS_AVAILABLE_IN_ALL
DsBlock *ds_block_new_from_ints (const gint64 *integers, gsize n_integers);
/**
 * ds_block_new_ints: (skip)
 * @...: numbers, at least one
 *
 * A block of ints: `ds_block_new_ints (1, 2, 3)`.  The function is
 * ds_block_new_from_ints ().
 *
 * Returns: (transfer full): the block
 */
#define ds_block_new_ints(...)                             \
  ds_block_new_from_ints ((const gint64[]){ __VA_ARGS__ }, \
                          G_N_ELEMENTS (((const gint64[]){ __VA_ARGS__ })))

DS_AVAILABLE_IN_ALL
gsize ds_block_get_length (DsBlock *self);
/* (skip) Values are valid while the block is held. */
DS_AVAILABLE_IN_ALL
DsValue ds_block_get (DsBlock *self, gsize index);
/* (skip) All at once.  A block of pairs builds the tuples on the first call;
 * ds_block_get_pair () reads the two columns without that. */
DS_AVAILABLE_IN_ALL
const DsValue *ds_block_get_values (DsBlock *self, gsize *n_values);
DS_AVAILABLE_IN_ALL
void ds_block_get_pair (DsBlock *self, gsize index, DsValue *key, DsValue *value);

/* A new block in the order of ds_value_compare ().  (transfer full) */
DS_AVAILABLE_IN_ALL
DsBlock *ds_block_sort (DsBlock *self);
DS_AVAILABLE_IN_ALL
gboolean ds_block_equal (DsBlock *a, DsBlock *b);
/* One value a line.  (transfer full) */
DS_AVAILABLE_IN_ALL
char *ds_block_to_string (DsBlock *self);

/**
 * ds_assert_block: (skip)
 * @block: a block
 * @...: the printed forms of its values in any order, then %NULL
 *
 * For GTest: fails the running test unless @block has exactly these values.
 */
#define ds_assert_block(block, ...)                                                \
  ds_assertion_block (G_LOG_DOMAIN, __FILE__, __LINE__, G_STRFUNC, (block), FALSE, \
                      __VA_ARGS__)
/**
 * ds_assert_block_in_order: (skip)
 * @block: a block
 * @...: the printed forms of its values in this order, then %NULL
 *
 * For GTest: fails the running test unless @block has exactly these values in this order.
 */
#define ds_assert_block_in_order(block, ...)                                      \
  ds_assertion_block (G_LOG_DOMAIN, __FILE__, __LINE__, G_STRFUNC, (block), TRUE, \
                      __VA_ARGS__)
DS_AVAILABLE_IN_ALL
void ds_assertion_block (const char *domain,
                         const char *file,
                         int line,
                         const char *func,
                         DsBlock *block,
                         gboolean in_order,
                         ...) G_GNUC_NULL_TERMINATED; /* (skip) */

/* ---- Other languages ---- */

DS_AVAILABLE_IN_ALL
DsBlock *ds_block_new_from_strv (const char *const *strings);
/* (array zero-terminated) (element-type utf8) (transfer full); values that are not
 * strings in their printed form, invalid UTF-8 made valid. */
DS_AVAILABLE_IN_ALL
char **ds_block_dup_strv (DsBlock *self);

/* An array, or a single value.  Tuples are GVariant tuples, lists arrays of variants. */
DS_AVAILABLE_IN_ALL
DsBlock *ds_block_new_from_variant (GVariant *variant);
DS_AVAILABLE_IN_ALL
GVariant *ds_block_to_variant (DsBlock *self);

/* msgpack values back to back: the fast road.  NULL with %DS_ERROR_CORRUPT, _TOO_DEEP or
 * _LIMIT. */
DS_AVAILABLE_IN_ALL
DsBlock *ds_block_new_from_msgpack (GBytes *bytes, GError **error);
DS_AVAILABLE_IN_ALL
GBytes *ds_block_to_msgpack (DsBlock *self);

/* ---- Building value by value ---- */

#define DS_TYPE_BLOCK_BUILDER (ds_block_builder_get_type ())
DS_AVAILABLE_IN_ALL
GType ds_block_builder_get_type (void);
DS_AVAILABLE_IN_ALL
DsBlockBuilder *ds_block_builder_new (void);
DS_AVAILABLE_IN_ALL
DsBlockBuilder *ds_block_builder_ref (DsBlockBuilder *self);
DS_AVAILABLE_IN_ALL
void ds_block_builder_unref (DsBlockBuilder *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsBlockBuilder, ds_block_builder_unref)

DS_AVAILABLE_IN_ALL
void ds_block_builder_add (DsBlockBuilder *self, DsValue value); /* (skip) deep copy */
DS_AVAILABLE_IN_ALL
void
ds_block_builder_add_pair (DsBlockBuilder *self, DsValue key, DsValue value); /* (skip) */
DS_AVAILABLE_IN_ALL
void ds_block_builder_add_string (DsBlockBuilder *self, const char *string);
DS_AVAILABLE_IN_ALL
void ds_block_builder_add_int (DsBlockBuilder *self, gint64 integer);
DS_AVAILABLE_IN_ALL
void ds_block_builder_add_double (DsBlockBuilder *self, double number);
DS_AVAILABLE_IN_ALL
void ds_block_builder_add_bytes (DsBlockBuilder *self, GBytes *bytes);
/* (transfer full)  The builder is at its end: adding more is a critical. */
DS_AVAILABLE_IN_ALL
DsBlock *ds_block_builder_end (DsBlockBuilder *self);

G_END_DECLS
