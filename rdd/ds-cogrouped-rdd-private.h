/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The node below cogroup and the joins. */

#include "rdd/ds-rdd-private.h"

G_BEGIN_DECLS

/* Pairs of key and a tuple of @n_parents lists: the values that the key has in each of
 * @parents, which are RDDs of pairs.  @kind: of the operator that it is part of, a
 * literal. (transfer full) */
DsRdd *ds_cogrouped_rdd_new (DsRdd **parents, guint n_parents, const char *kind);

G_END_DECLS
