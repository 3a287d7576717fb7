/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Actions that return at once: the same job, in a thread of its own, with the callback in
 * the caller's main context. */

#include "base/ds-arena-private.h"
#include "rdd/ds-rdd-async.h"

G_BEGIN_DECLS

typedef struct _DsAsyncCall DsAsyncCall;

/* A call of an action; what it does not need is not set. */
struct _DsAsyncCall
{
  /* Calls it.  What it gives, anything but NULL; NULL with error. */
  gpointer (*run) (DsRdd *rdd, const DsAsyncCall *call, GError **error);
  GDestroyNotify free_result; /* (nullable) */
  gpointer source_tag;        /* the _async function */

  GCallback func;
  GCallback merge_combiners;
  gpointer user_data;
  GDestroyNotify destroy; /* (nullable): once, before the callback */

  gsize n;
  guint depth;
  gboolean with_replacement;
  guint64 seed;
  DsValue value;       /* copied */
  const double *edges; /* (nullable): @n of them, copied */
  const char *path;    /* (nullable): copied */

  /*< private >*/
  DsArena *arena; /* (nullable): what the copies lie in */
};

/* Copies @call. */
void ds_rdd_call_async (DsRdd *self,
                        const DsAsyncCall *call,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer data);
/* What run gave.  NULL with error. */
gpointer ds_rdd_call_finish (DsRdd *self,
                             GAsyncResult *result,
                             gpointer source_tag,
                             GError **error);
/* The call's @n. */
gsize ds_async_result_get_n (GAsyncResult *result);

G_END_DECLS
