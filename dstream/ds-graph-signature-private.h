/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* DsGraphSignature: what a graph looks like, as far as a checkpoint of it fits another
 * one: kinds, parents, intervals, names.  No function is part of it: what functions do
 * may change from one version of a program to the next.
 *
 * Three kinds of operator are entries, since something of them lasts: inputs, streams
 * that keep something from batch to batch, and outputs.  An entry of a checkpoint belongs
 * to the operator that has the same name; names that the program did not give, which are
 * made of kind and place, count only while the fingerprint of the whole graph is the
 * same. Immutable once made; any thread. */

#include "dstream/ds-graph-private.h"

G_BEGIN_DECLS

typedef enum
{
  DS_ENTRY_INPUT,
  DS_ENTRY_KEPT, /* a stream that keeps something */
  DS_ENTRY_OUTPUT
} DsEntryRole;

typedef struct
{
  DsEntryRole role;
  guint index; /* of the stream or output in its graph */
  char *name;
  gboolean is_named;   /* by the program */
  char *form;          /* what must be the same: "reduce_by_key_and_window, window ..." */
  gboolean is_dropped; /* what was kept of it was dropped from the checkpoint */
} DsGraphEntry;

typedef struct _DsGraphSignature DsGraphSignature;

/* Of a graph that is complete. */
DsGraphSignature *ds_graph_signature_new (DsGraph *graph, DsDuration interval);
void ds_graph_signature_free (DsGraphSignature *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsGraphSignature, ds_graph_signature_free)

/* XXH3 of the canonical text, without names. */
guint64 ds_graph_signature_get_fingerprint (const DsGraphSignature *self);
guint ds_graph_signature_get_n_entries (const DsGraphSignature *self);
const DsGraphEntry *ds_graph_signature_get_entry (const DsGraphSignature *self, guint i);

/* What was kept of entry @i is to be left out, whatever it is now. */
void ds_graph_signature_drop (DsGraphSignature *self, guint i);

/* msgpack, appended. */
void ds_graph_signature_encode (const DsGraphSignature *self, GByteArray *bytes);
/* %DS_ERROR_CORRUPT */
DsGraphSignature *
ds_graph_signature_decode (const guint8 *bytes, gsize n_bytes, GError **error);

/* Which entry of @self each entry of @saved belongs to: @places [n_entries of @saved], -1
 * for those that are dropped.  @dropped: names (char *) whose saved part is left out.
 * FALSE with %DS_ERROR_GRAPH_MISMATCH, which lists what was added, removed and changed.
 */
gboolean ds_graph_signature_match (const DsGraphSignature *self,
                                   const DsGraphSignature *saved,
                                   GPtrArray *dropped,
                                   gboolean accepts_new,
                                   int *places,
                                   GError **error);

/* Names in @dropped of which neither the graph nor the checkpoint has one, and those that
 * the checkpoint has, for a message; NULL: there are none.  (transfer full) */
char *ds_graph_signature_find_needless (const DsGraphSignature *self,
                                        const DsGraphSignature *saved,
                                        GPtrArray *dropped);

G_END_DECLS
