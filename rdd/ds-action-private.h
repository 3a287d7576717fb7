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

G_END_DECLS
