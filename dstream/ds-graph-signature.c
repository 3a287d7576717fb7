/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The canonical text has a line for each stream and each output, in the order in which
 * they were made; its hash is the fingerprint.  What is written to a checkpoint are the
 * fingerprint and the entries, so that a mismatch can be explained. */

#include "dstream/ds-graph-signature-private.h"

#include "base/ds-codec-private.h"
#include "base/ds-time-private.h"
#include "dstream/ds-streaming-context-private.h"
#include "rdd/ds-partitioner-private.h"

#include <string.h>
#include <xxhash.h>

/* Of an entry as it is written; a sixth one is there, and true, when it was dropped. */
#define DS_SIGNATURE_FIELDS 5

struct _DsGraphSignature
{
  guint64 fingerprint;
  GPtrArray *entries; /* DsGraphEntry */
};

static void
ds_graph_entry_free (gpointer data)
{
  DsGraphEntry *self = data;

  g_free (self->name);
  g_free (self->form);
  g_free (self);
}

static DsGraphSignature *
ds_graph_signature_alloc (void)
{
  DsGraphSignature *self = g_new0 (DsGraphSignature, 1);

  self->entries = g_ptr_array_new_with_free_func (ds_graph_entry_free);
  return self;
}

void
ds_graph_signature_free (DsGraphSignature *self)
{
  g_ptr_array_unref (self->entries);
  g_free (self);
}

/* Takes over @name and @form. */
static void
ds_graph_signature_add (DsGraphSignature *self,
                        DsEntryRole role,
                        guint index,
                        char *name,
                        gboolean is_named,
                        char *form)
{
  DsGraphEntry *entry = g_new (DsGraphEntry, 1);

  *entry = (DsGraphEntry){ role, index, name, is_named, form, FALSE };
  g_ptr_array_add (self->entries, entry);
}

/* ---- Of a graph ---- */

static guint
ds_graph_find_index (DsGraph *graph, const DsDStream *stream)
{
  guint index = 0;

  while (ds_graph_get_stream (graph, index) != stream)
    index++;
  return index;
}

static char *
ds_graph_signature_describe_stream (const DsDStreamNode *node)
{
  g_autofree char *slide = ds_duration_to_seconds_string (node->slide);
  g_autofree char *window = ds_duration_to_seconds_string (node->window);
  GString *text = g_string_new (node->ops->kind);

  g_string_append_printf (text, ", every %s", slide);
  if (node->window > 0)
    g_string_append_printf (text, ", window %s", window);
  if (node->partitioner != NULL)
    g_string_append_printf (text, ", %u partitions%s",
                            ds_partitioner_get_n_partitions (node->partitioner),
                            ds_partitioner_has_func (node->partitioner) ? " by a function"
                                                                        : "");
  else if (node->n_partitions > 0)
    g_string_append_printf (text, ", %u partitions", node->n_partitions);
  if (node->state_timeout > 0)
    g_string_append (text, ", with a timeout");
  return g_string_free (text, FALSE);
}

static void
ds_graph_signature_add_stream (DsGraphSignature *self,
                               DsGraph *graph,
                               guint index,
                               GHashTable *reached,
                               GString *canonical)
{
  DsDStream *stream = ds_graph_get_stream (graph, index);
  DsDStreamNode *node = ds_dstream_get_node (stream);
  g_autofree char *form = ds_graph_signature_describe_stream (node);
  gboolean is_input = DS_IS_INPUT_DSTREAM (stream);

  g_string_append_printf (canonical, "stream %u: %s", index, form);
  for (guint i = 0; i < node->n_parents; i++)
    g_string_append_printf (canonical, "%s%u", i == 0 ? " of " : " ",
                            ds_graph_find_index (graph, node->parents[i]));
  g_string_append_c (canonical, '\n');

  if (!(is_input || node->ops->keeping != NULL) ||
      !g_hash_table_contains (reached, stream))
    return;
  ds_graph_signature_add (self, is_input ? DS_ENTRY_INPUT : DS_ENTRY_KEPT, index,
                          node->name != NULL
                              ? g_strdup (node->name)
                              : g_strdup_printf ("%s-%u", node->ops->kind, index),
                          node->name != NULL, g_steal_pointer (&form));
}

static void
ds_graph_signature_add_output (DsGraphSignature *self,
                               DsGraph *graph,
                               guint index,
                               GString *canonical)
{
  DsOutput *output = ds_graph_get_output (graph, index);

  g_string_append_printf (canonical, "output %u: %s of %u\n", index, output->ops->kind,
                          ds_graph_find_index (graph, output->stream));
  ds_graph_signature_add (self, DS_ENTRY_OUTPUT, index,
                          g_strdup (ds_output_get_name (output)), output->is_named,
                          g_strdup (output->ops->kind));
}

DsGraphSignature *
ds_graph_signature_new (DsGraph *graph, DsDuration interval)
{
  DsGraphSignature *self = ds_graph_signature_alloc ();
  g_autoptr (GString) canonical = g_string_new (NULL);
  g_autoptr (GHashTable) reached = ds_graph_find_reached (graph);

  g_string_append_printf (canonical, "interval %" G_GINT64_FORMAT "\n", interval);
  for (guint i = 0; i < ds_graph_get_n_streams (graph); i++)
    ds_graph_signature_add_stream (self, graph, i, reached, canonical);
  for (guint i = 0; i < ds_graph_get_n_outputs (graph); i++)
    ds_graph_signature_add_output (self, graph, i, canonical);
  self->fingerprint = XXH3_64bits (canonical->str, canonical->len);
  return self;
}

guint64
ds_graph_signature_get_fingerprint (const DsGraphSignature *self)
{
  return self->fingerprint;
}

guint
ds_graph_signature_get_n_entries (const DsGraphSignature *self)
{
  return self->entries->len;
}

const DsGraphEntry *
ds_graph_signature_get_entry (const DsGraphSignature *self, guint i)
{
  return g_ptr_array_index (self->entries, i);
}

void
ds_graph_signature_drop (DsGraphSignature *self, guint i)
{
  DsGraphEntry *entry = g_ptr_array_index (self->entries, i);

  entry->is_dropped = TRUE;
}

/* ---- As bytes: the fingerprint, then a tuple for each entry ---- */

void
ds_graph_signature_encode (const DsGraphSignature *self, GByteArray *bytes)
{
  ds_codec_encode (ds_value_int ((gint64) self->fingerprint), bytes);
  for (guint i = 0; i < self->entries->len; i++)
    {
      const DsGraphEntry *entry = g_ptr_array_index (self->entries, i);
      const DsValue fields[DS_SIGNATURE_FIELDS + 1] = {
        ds_value_int (entry->role),    ds_value_int (entry->index),
        ds_value_string (entry->name), ds_value_bool (entry->is_named),
        ds_value_string (entry->form), ds_value_bool (TRUE),
      };

      ds_codec_encode (ds_value_tuple (fields,
                                       DS_SIGNATURE_FIELDS + (entry->is_dropped ? 1 : 0)),
                       bytes);
    }
}

static gboolean
ds_graph_signature_decode_entry (DsGraphSignature *self, DsValue value)
{
  static const DsValueType types[DS_SIGNATURE_FIELDS] = {
    DS_VALUE_TYPE_INT,  DS_VALUE_TYPE_INT,    DS_VALUE_TYPE_STRING,
    DS_VALUE_TYPE_BOOL, DS_VALUE_TYPE_STRING,
  };
  gint64 role;
  gint64 index;

  if (!ds_value_is (value, DS_VALUE_TYPE_TUPLE) || value.size < DS_SIGNATURE_FIELDS)
    return FALSE;
  for (guint i = 0; i < DS_SIGNATURE_FIELDS; i++)
    if (!ds_value_is (value.as.items[i], types[i]))
      return FALSE;
  role = value.as.items[0].as.integer;
  index = value.as.items[1].as.integer;
  if (role < DS_ENTRY_INPUT || role > DS_ENTRY_OUTPUT || index < 0 || index > G_MAXINT)
    return FALSE;
  ds_graph_signature_add (self, (DsEntryRole) role, (guint) index,
                          g_strndup (value.as.items[2].as.bytes, value.as.items[2].size),
                          value.as.items[3].as.integer != 0,
                          g_strndup (value.as.items[4].as.bytes, value.as.items[4].size));
  if (value.size > DS_SIGNATURE_FIELDS &&
      ds_value_is (value.as.items[DS_SIGNATURE_FIELDS], DS_VALUE_TYPE_BOOL) &&
      value.as.items[DS_SIGNATURE_FIELDS].as.integer != 0)
    ds_graph_signature_drop (self, self->entries->len - 1);
  return TRUE;
}

DsGraphSignature *
ds_graph_signature_decode (const guint8 *bytes, gsize n_bytes, GError **error)
{
  g_autoptr (DsBlock) block = ds_codec_decode_block (bytes, n_bytes, 0, error);
  g_autoptr (DsGraphSignature) self = ds_graph_signature_alloc ();
  gsize n_values;
  const DsValue *values;
  gboolean ok;

  if (block == NULL)
    return NULL;
  values = ds_block_get_values (block, &n_values);
  ok = n_values > 0 && ds_value_is (values[0], DS_VALUE_TYPE_INT);
  for (gsize i = 1; ok && i < n_values; i++)
    ok = ds_graph_signature_decode_entry (self, values[i]);
  if (!ok)
    {
      g_set_error (error, DS_ERROR, DS_ERROR_CORRUPT,
                   "its list of operators does not have the expected form");
      return NULL;
    }
  self->fingerprint = (guint64) values[0].as.integer;
  return g_steal_pointer (&self);
}

/* ---- Matching ---- */

typedef struct
{
  GString *added;
  GString *removed;
  GString *changed;
} DsGraphDifference;

static void
ds_graph_difference_note (GString *list, const DsGraphEntry *entry)
{
  static const char *const roles[] = { "input", "stream", "output" };

  g_string_append_printf (list, "%s%s \"%s\" (%s)", list->len > 0 ? ", " : "",
                          roles[entry->role], entry->name, entry->form);
}

static gboolean
ds_graph_signature_is_dropped (const DsGraphEntry *entry, GPtrArray *dropped)
{
  for (guint i = 0; i < dropped->len; i++)
    if (g_str_equal (entry->name, g_ptr_array_index (dropped, i)))
      return TRUE;
  return FALSE;
}

/* The one that bears the name of @wanted; -1: none, or @wanted has only a derived one. */
static int
ds_graph_signature_find_named (const DsGraphSignature *self, const DsGraphEntry *wanted)
{
  for (guint i = 0; wanted->is_named && i < self->entries->len; i++)
    {
      const DsGraphEntry *entry = g_ptr_array_index (self->entries, i);

      if (entry->is_named && g_str_equal (wanted->name, entry->name) &&
          (entry->role == DS_ENTRY_OUTPUT) == (wanted->role == DS_ENTRY_OUTPUT))
        return (int) i;
    }
  return -1;
}

/* -1: none.  A name that was given counts before a place, on either side. */
static int
ds_graph_signature_find (const DsGraphSignature *self,
                         const DsGraphSignature *saved,
                         const DsGraphEntry *wanted)
{
  int found = ds_graph_signature_find_named (self, wanted);

  if (found >= 0 || self->fingerprint != saved->fingerprint)
    return found;
  for (guint i = 0; i < self->entries->len; i++)
    {
      const DsGraphEntry *entry = g_ptr_array_index (self->entries, i);

      if (wanted->index == entry->index && !(wanted->is_named && entry->is_named) &&
          (entry->role == DS_ENTRY_OUTPUT) == (wanted->role == DS_ENTRY_OUTPUT))
        return ds_graph_signature_find_named (saved, entry) < 0 ? (int) i : -1;
    }
  return -1;
}

static void
ds_graph_difference_set_error (const DsGraphDifference *self, GError **error)
{
  g_set_error (
      error, DS_ERROR, DS_ERROR_GRAPH_MISMATCH,
      "the checkpoint was written by another graph; nothing was changed.%s%s%s%s%s%s\n"
      "  Ways out, in the set-up function: ds_streaming_context_drop_state () for each "
      "that was removed or has changed, ds_streaming_context_accept_new_streams () for "
      "those that were added, which then begin empty. Operators are found again by the "
      "names that ds_dstream_set_name () and ds_output_set_name () gave them; without "
      "those only while the graph is the same",
      self->added->len > 0 ? "\n  Added: " : "", self->added->str,
      self->removed->len > 0 ? "\n  Removed: " : "", self->removed->str,
      self->changed->len > 0 ? "\n  Changed: " : "", self->changed->str);
}

static gboolean
ds_graph_signature_has_name (const DsGraphSignature *self, const char *name)
{
  for (guint i = 0; i < self->entries->len; i++)
    if (g_str_equal (ds_graph_signature_get_entry (self, i)->name, name))
      return TRUE;
  return FALSE;
}

char *
ds_graph_signature_find_needless (const DsGraphSignature *self,
                                  const DsGraphSignature *saved,
                                  GPtrArray *dropped)
{
  GString *names = NULL;

  for (guint i = 0; i < dropped->len; i++)
    {
      const char *name = g_ptr_array_index (dropped, i);

      if (ds_graph_signature_has_name (self, name) ||
          ds_graph_signature_has_name (saved, name))
        continue;
      if (names == NULL)
        names = g_string_new (NULL);
      g_string_append_printf (names, "%s\"%s\"", names->len > 0 ? ", " : "", name);
    }
  if (names == NULL)
    return NULL;
  g_string_append (names, "; the checkpoint has ");
  for (guint i = 0; i < saved->entries->len; i++)
    g_string_append_printf (names, "%s\"%s\"", i > 0 ? ", " : "",
                            ds_graph_signature_get_entry (saved, i)->name);
  return g_string_free (names, FALSE);
}

gboolean
ds_graph_signature_match (const DsGraphSignature *self,
                          const DsGraphSignature *saved,
                          GPtrArray *dropped,
                          gboolean accepts_new,
                          int *places,
                          GError **error)
{
  g_autofree gboolean *is_taken = g_new0 (gboolean, self->entries->len);
  g_autoptr (GString) added = g_string_new (NULL);
  g_autoptr (GString) removed = g_string_new (NULL);
  g_autoptr (GString) changed = g_string_new (NULL);
  const DsGraphDifference difference = { added, removed, changed };

  for (guint i = 0; i < saved->entries->len; i++)
    {
      const DsGraphEntry *wanted = g_ptr_array_index (saved->entries, i);
      const DsGraphEntry *found;

      places[i] = -1;
      if (ds_graph_signature_is_dropped (wanted, dropped))
        continue;
      places[i] = ds_graph_signature_find (self, saved, wanted);
      if (wanted->is_dropped)
        {
          /* Whatever it is now, or if it is gone: nothing is given back to it. */
          if (places[i] >= 0)
            is_taken[places[i]] = TRUE;
          places[i] = -1;
          continue;
        }
      if (places[i] < 0)
        {
          ds_graph_difference_note (removed, wanted);
          continue;
        }
      is_taken[places[i]] = TRUE;
      found = g_ptr_array_index (self->entries, (guint) places[i]);
      if (wanted->role != found->role || !g_str_equal (wanted->form, found->form))
        {
          ds_graph_difference_note (changed, wanted);
          g_string_append_printf (changed, " is now %s", found->form);
        }
    }
  for (guint i = 0; i < self->entries->len; i++)
    {
      const DsGraphEntry *entry = g_ptr_array_index (self->entries, i);

      if (!is_taken[i] && !accepts_new && !ds_graph_signature_is_dropped (entry, dropped))
        ds_graph_difference_note (added, entry);
    }
  if (added->len == 0 && removed->len == 0 && changed->len == 0)
    return TRUE;
  ds_graph_difference_set_error (&difference, error);
  return FALSE;
}
