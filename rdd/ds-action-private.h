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

/* ds_rdd_save_as_text_file (), and, with @replace, into a directory that may exist: each
 * part and then _SUCCESS replace what is there by rename.  For outputs of streams, whose
 * batches may run again. */
gboolean
ds_rdd_save_text (DsRdd *self, const char *path, gboolean replace, GError **error);

G_END_DECLS
