/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What actions share. */

#include "rdd/ds-rdd-private.h"

G_BEGIN_DECLS

/* The first @n_wanted values of each of @partitions (NULL: all @n_partitions), together.
 * After ds_rdd_prepare (). */
DsBlock *ds_rdd_collect_partitions (DsRdd *self,
                                    const guint *partitions,
                                    guint n_partitions,
                                    gsize n_wanted,
                                    GError **error);

/* The values of the @n pairs with the smallest (@is_descending: largest) keys, in their
 * order. */
DsBlock *
ds_rdd_take_by_key (DsRdd *pairs, gsize n, gboolean is_descending, GError **error);

/* How many values each partition has.  After ds_rdd_prepare (). */
gboolean ds_rdd_count_partitions (DsRdd *self, gint64 *n_values, GError **error);

G_END_DECLS
