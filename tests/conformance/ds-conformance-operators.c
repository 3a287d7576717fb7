/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which adapter takes an operator of the vectors: one each, from parameters in JSON to a
 * call of the public API, a table a group.  To add one: write
 * ds_conformance_build_<name>, add a row to the table of its file. */

#include "tests/conformance/ds-conformance-private.h"

/* Of @params, for operators that shuffle; without it the library's default holds. */
gboolean
ds_conformance_set_n_partitions (DsDStream *stream, JsonObject *params, GError **error)
{
  gint64 n_partitions = 0;

  if (!ds_conformance_read_int_or (params, "num_partitions", 0, &n_partitions, error))
    return FALSE;
  if (n_partitions > 0)
    ds_dstream_set_n_partitions (stream, (guint) n_partitions);
  return TRUE;
}

static const DsConformanceOperator *const ds_conformance_operator_tables[] = {
  ds_conformance_aggregate_operators, ds_conformance_elementwise_operators,
  ds_conformance_join_operators,      ds_conformance_state_operators,
  ds_conformance_transform_operators, ds_conformance_window_operators,
};

/* Words of the vectors whose operators come later, and which those are. */
static const struct
{
  const char *word;
  const char *missing;
} ds_conformance_later_operators[] = {
  { "mapWithState.sequence", "mapWithState" },
  { "save_files", "save_files" },
};

const DsConformanceOperator *
ds_conformance_find_operator (const char *name, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (ds_conformance_operator_tables); i++)
    for (const DsConformanceOperator *row = ds_conformance_operator_tables[i];
         row->name != NULL; row++)
      if (g_str_equal (row->name, name))
        return row;

  for (gsize i = 0; i < G_N_ELEMENTS (ds_conformance_later_operators); i++)
    if (g_str_equal (ds_conformance_later_operators[i].word, name))
      {
        ds_conformance_skip (error, "the library does not have %s yet",
                             ds_conformance_later_operators[i].missing);
        return NULL;
      }
  ds_conformance_skip (error, "operator \"%s\" is not known", name);
  return NULL;
}
