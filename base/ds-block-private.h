/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The inside of a block, for the engine. */

#include "base/ds-arena-private.h"
#include "base/ds-block.h"

G_BEGIN_DECLS

/* How a run of values lies in memory.  A chunk (rdd) has the same three forms.
 *
 * Text is bytes whose lines are the values, not cut yet: each line ends with \n (one \r
 * before it is not part of the value when strip_cr is set), the last one may lack it. */
typedef enum
{
  DS_FORM_VALUES, /* one column */
  DS_FORM_PAIRS,  /* two columns: keys, values */
  DS_FORM_TEXT
} DsForm;

/* All of these but the builder's functions: any thread. */

/* Takes over @arena (transfer full, nullable when nothing lies in it), where the columns
 * and their bytes lie.  @pair_values NULL: one column. */
DsBlock *ds_block_new_take_columns (DsArena *arena,
                                    const DsValue *values,
                                    const DsValue *pair_values,
                                    gsize n_values);
/* @n_bytes: at most %G_MAXUINT32.  @n_lines: how many values that is (ds_count_lines ()).
 */
DsBlock *ds_block_new_take_text (DsArena *arena,
                                 const char *text,
                                 gsize n_bytes,
                                 gsize n_lines,
                                 gboolean strip_cr);
/* @self also holds @other: its values point into it.  Before the block is shared. */
void ds_block_hold (DsBlock *self, DsBlock *other);

DsForm ds_block_get_form (DsBlock *self);
/* The columns of a block that is not text; @pair_values NULL for one column. */
void ds_block_get_columns (DsBlock *self,
                           const DsValue **values,
                           const DsValue **pair_values,
                           gsize *n_values);
const char *ds_block_get_text (DsBlock *self, gsize *n_bytes, gboolean *strip_cr);
/* Memory that the block keeps alive, as accounted to budgets: that of its arena and of
 * the blocks that it holds.  The same for as long as it lives, once it is shared. */
gsize ds_block_get_n_bytes (DsBlock *self);
/* For a block that is going to be kept: a deep copy in an arena of the right size when it
 * keeps alive more than twice what its values need (and that is more than a few KiB),
 * else a new reference.  Goes once over the values.  (transfer full) */
DsBlock *ds_block_compact (DsBlock *self);

/* The builder for two columns at once; deep copies.  Bulk forms of ds_block_builder_add
 * (). */
void ds_block_builder_add_columns (DsBlockBuilder *self,
                                   const DsValue *values,
                                   const DsValue *pair_values,
                                   gsize n_values);
gsize ds_block_builder_get_n_values (DsBlockBuilder *self);
gsize ds_block_builder_get_n_bytes (DsBlockBuilder *self);

G_END_DECLS
