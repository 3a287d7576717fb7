/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of the vectors for functions over whole RDDs: what transform, transform_with
 * and the transform of several streams are given. */

#include "tests/conformance/ds-conformance-private.h"

static DsRdd *
ds_conformance_null_rdd (DsRdd *rdd, DsBatch *batch, gpointer unused, GError **error)
{
  return NULL;
}

static DsRdd *
ds_conformance_same_rdd (DsRdd *rdd, DsBatch *batch, gpointer unused, GError **error)
{
  return g_object_ref (rdd);
}

static DsRdd *
ds_conformance_union_rdds (DsRdd *rdd,
                           DsRdd *other,
                           DsBatch *batch,
                           gpointer unused,
                           GError **error)
{
  return ds_rdd_union (rdd, other);
}

static DsRdd *
ds_conformance_union3 (DsRdd **rdds,
                       gsize n_rdds,
                       DsBatch *batch,
                       gpointer unused,
                       GError **error)
{
  return ds_context_union (ds_rdd_get_context (rdds[0]), rdds, n_rdds);
}

static DsRdd *
ds_conformance_union_2_3_1 (DsRdd **rdds,
                            gsize n_rdds,
                            DsBatch *batch,
                            gpointer unused,
                            GError **error)
{
  DsRdd *turned[3] = { NULL };

  if (n_rdds != G_N_ELEMENTS (turned))
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                   "union_2_3_1 takes 3 RDDs, not %" G_GSIZE_FORMAT, n_rdds);
      return NULL;
    }
  turned[0] = rdds[1];
  turned[1] = rdds[2];
  turned[2] = rdds[0];
  return ds_context_union (ds_rdd_get_context (rdds[0]), turned, G_N_ELEMENTS (turned));
}

static DsRdd *
ds_conformance_cartesian_self (DsRdd *rdd,
                               DsBatch *batch,
                               gpointer unused,
                               GError **error)
{
  return ds_rdd_cartesian (rdd, rdd);
}

static DsRdd *
ds_conformance_sort_by_key (DsRdd *rdd, DsBatch *batch, gpointer unused, GError **error)
{
  return ds_rdd_sort_by_key (rdd, DS_ASCENDING);
}

static DsRdd *
ds_conformance_join_rdds (DsRdd *rdd,
                          DsRdd *other,
                          DsBatch *batch,
                          gpointer unused,
                          GError **error)
{
  return ds_rdd_join (rdd, other);
}

static DsValue
ds_conformance_pair_with_itself (DsValue value, DsTask *task, gpointer unused)
{
  return ds_pair (task, value, value);
}

static DsRdd *
ds_conformance_pairs_join_third (DsRdd **rdds,
                                 gsize n_rdds,
                                 DsBatch *batch,
                                 gpointer unused,
                                 GError **error)
{
  g_autoptr (DsRdd) both = NULL;
  g_autoptr (DsRdd) pairs = NULL;

  if (n_rdds != 3)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_INVALID_ARGUMENT,
                   "pairs_join_third takes 3 RDDs, not %" G_GSIZE_FORMAT, n_rdds);
      return NULL;
    }
  both = ds_rdd_union (rdds[0], rdds[1]);
  pairs = ds_rdd_map (both, ds_conformance_pair_with_itself, NULL, NULL);
  return ds_rdd_join (pairs, rdds[2]);
}

const DsConformanceFunctionRow ds_conformance_rdd_functions[] = {
  { "cartesian_self", DS_CONFORMANCE_TRANSFORM,
    G_CALLBACK (ds_conformance_cartesian_self), NULL },
  { "identity", DS_CONFORMANCE_TRANSFORM, G_CALLBACK (ds_conformance_same_rdd), NULL },
  { "join_rdds", DS_CONFORMANCE_TRANSFORM_WITH, G_CALLBACK (ds_conformance_join_rdds),
    NULL },
  { "null_rdd", DS_CONFORMANCE_TRANSFORM, G_CALLBACK (ds_conformance_null_rdd), NULL },
  { "pairs_join_third", DS_CONFORMANCE_TRANSFORM_MANY,
    G_CALLBACK (ds_conformance_pairs_join_third), NULL },
  { "sort_by_key", DS_CONFORMANCE_TRANSFORM, G_CALLBACK (ds_conformance_sort_by_key),
    NULL },
  { "union3", DS_CONFORMANCE_TRANSFORM_MANY, G_CALLBACK (ds_conformance_union3), NULL },
  { "union_2_3_1", DS_CONFORMANCE_TRANSFORM_MANY, G_CALLBACK (ds_conformance_union_2_3_1),
    NULL },
  { "union_rdds", DS_CONFORMANCE_TRANSFORM_WITH, G_CALLBACK (ds_conformance_union_rdds),
    NULL },
  { NULL, DS_CONFORMANCE_TRANSFORM, NULL, NULL },
};
