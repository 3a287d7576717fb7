/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The kinds of callback that the driver calls once a batch, and those that no thread of
 * the stream calls. */

#include "tests/behaviour/callbacks.h"

/* ---- In the driver ---- */

static DsRdd *
on_transform (DsRdd *rdd, DsBatch *batch, gpointer site, GError **error)
{
  CallbackVisit visit = { .rdd = rdd, .batch = batch };

  return callback_site_visit_driver (site, visit, error) ? g_object_ref (rdd) : NULL;
}

static DsRdd *
on_transform_with (DsRdd *rdd,
                   DsRdd *other,
                   DsBatch *batch,
                   gpointer site,
                   GError **error)
{
  return on_transform (rdd, batch, site, error);
}

static DsRdd *
on_transform_many (DsRdd **rdds,
                   gsize n_rdds,
                   DsBatch *batch,
                   gpointer site,
                   GError **error)
{
  return on_transform (rdds[n_rdds - 1], batch, site, error);
}

static gboolean
on_foreach_rdd (DsRdd *rdd, DsBatch *batch, gpointer site, GError **error)
{
  CallbackVisit visit = { .rdd = rdd, .batch = batch };

  return callback_site_visit_driver (site, visit, error);
}

static void
build_transform (CallbackSite *site)
{
  site->collected =
      ds_dstream_collect (ds_dstream_transform (site->pairs, on_transform, site, NULL));
}

static void
build_transform_with (CallbackSite *site)
{
  site->collected = ds_dstream_collect (
      ds_dstream_transform_with (site->pairs, ds_dstream_glom (site->pairs),
                                 on_transform_with, site, NULL));
}

static void
build_transform_many (CallbackSite *site)
{
  DsDStream *streams[2] = { ds_dstream_glom (site->pairs), site->pairs };

  site->collected =
      ds_dstream_collect (ds_streaming_context_transform (site->ssc, streams, 2,
                                                          on_transform_many, site, NULL));
}

static void
build_foreach_rdd (CallbackSite *site)
{
  ds_dstream_foreach_rdd (site->pairs, on_foreach_rdd, site, NULL);
}

const CallbackKind callback_driver_kinds[] = {
  { "transform", "DsTransformFunc", CALLBACK_DRIVER, build_transform, NULL },
  { "transform-with", "DsTransformWithFunc", CALLBACK_DRIVER, build_transform_with,
    NULL },
  { "transform-many", "DsTransformManyFunc", CALLBACK_DRIVER, build_transform_many,
    NULL },
  { "foreach-rdd", "DsForeachRddFunc", CALLBACK_DRIVER, build_foreach_rdd, NULL },
  { NULL, NULL, CALLBACK_DRIVER, NULL, NULL },
};

/* ---- Elsewhere ---- */

/* Goes with the RDD, when its batch is forgotten. */
static DsRdd *
map_with_destroy (DsRdd *rdd, DsBatch *batch, gpointer site, GError **error)
{
  return ds_rdd_map (rdd, ds_identity, callback_site_lend (site),
                     callback_site_destroyed);
}

static void
build_destroy_of_rdd (CallbackSite *site)
{
  site->collected = ds_dstream_collect (
      ds_dstream_transform (site->pairs, map_with_destroy, site, NULL));
}

static DsStreamingContext *
on_set_up (gpointer site, GError **error)
{
  callback_site_visit_driver (site, (CallbackVisit){ 0 }, error);
  return NULL;
}

static void
on_counted (GObject *rdd, GAsyncResult *result, gpointer site)
{
  CallbackVisit visit = { .rdd = DS_RDD (rdd), .result = result };

  callback_site_visit (site, visit);
}

static void
build_output (CallbackSite *site)
{
  site->collected = ds_dstream_collect (site->pairs);
}

static void
build_with_destroy (CallbackSite *site)
{
  site->collected = ds_dstream_collect (ds_dstream_map (site->pairs, ds_identity,
                                                        callback_site_lend (site),
                                                        callback_site_destroyed));
}

static void
build_set_up (CallbackSite *site)
{
  build_output (site);
  ds_streaming_context_get_active_or_create (NULL, on_set_up, site, NULL);
}

/* Built too late: the stream is inert, and its data goes at once. */
static void
provoke_destroy_of_late_stream (CallbackSite *site)
{
  ds_dstream_map (site->pairs, ds_identity, callback_site_lend (site),
                  callback_site_destroyed);
}

/* The last reference: the streams go with their context, and the data with them. */
static void
provoke_destroy_of_stream (CallbackSite *site)
{
  ds_streaming_context_stop (site->ssc, DS_STOP_NOW, NULL);
  site->pairs = NULL;
  site->collected = NULL;
  g_object_unref (g_steal_pointer (&site->ssc));
}

static void
provoke_count (CallbackSite *site)
{
  g_autoptr (DsRdd) rdd = ds_context_range (site->engine, 0, 10, 1);

  ds_rdd_count_async (rdd, NULL, on_counted, site);
}

const CallbackKind callback_elsewhere_kinds[] = {
  { "set-up", "DsSetupFunc", CALLBACK_ELSEWHERE, build_set_up, NULL },
  { "asynchronous-result", "GAsyncReadyCallback", CALLBACK_ELSEWHERE, build_output,
    provoke_count },
  { "destroy-of-a-late-stream", "GDestroyNotify", CALLBACK_ELSEWHERE, build_output,
    provoke_destroy_of_late_stream },
  { "destroy-of-an-rdd", "GDestroyNotify", CALLBACK_ELSEWHERE, build_destroy_of_rdd,
    NULL },
  { "destroy-of-a-stream", "GDestroyNotify", CALLBACK_ELSEWHERE, build_with_destroy,
    provoke_destroy_of_stream },
  { NULL, NULL, CALLBACK_ELSEWHERE, NULL, NULL },
};
