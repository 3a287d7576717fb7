/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as what a checkpoint says of its program: 's' the list of operators, 'm' the
 * section META.  Refused as corrupt, or understood; and then what is encoded of a list is
 * understood as the same, and fits itself. */

#include "base/ds-error.h"
#include "dstream/ds-checkpoint-form-private.h"
#include "dstream/ds-graph-signature-private.h"
#include "tests/fuzz/ds-fuzz-private.h"

static void
check_error (const GError *error)
{
  g_assert_nonnull (error);
  g_assert_true (error->domain == DS_ERROR);
  g_assert_cmpstr (error->message, !=, "");
}

static void
check_match (const DsGraphSignature *signature)
{
  guint n = ds_graph_signature_get_n_entries (signature);
  g_autofree int *places = g_new (int, n + 1);
  g_autoptr (GPtrArray) dropped = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;

  /* Names may be there twice, in which case it need not fit. */
  if (!ds_graph_signature_match (signature, signature, dropped, FALSE, places, &error))
    {
      check_error (error);
      return;
    }
  for (guint i = 0; i < n; i++)
    {
      const DsGraphEntry *entry = ds_graph_signature_get_entry (signature, i);

      g_assert_cmpint (places[i], >=, -1);
      g_assert_cmpint (places[i], <, (int) n);
      g_assert_true (!entry->is_dropped || places[i] == -1);
    }
}

static void
fuzz_signature (const guint8 *bytes, gsize n_bytes)
{
  g_autoptr (GByteArray) encoded = g_byte_array_new ();
  g_autoptr (GByteArray) same = g_byte_array_new ();
  g_autoptr (DsGraphSignature) signature = NULL;
  g_autoptr (DsGraphSignature) again = NULL;
  g_autoptr (GError) error = NULL;

  signature = ds_graph_signature_decode (bytes, n_bytes, &error);
  if (signature == NULL)
    {
      check_error (error);
      return;
    }
  ds_graph_signature_encode (signature, encoded);
  again = ds_graph_signature_decode (encoded->data, encoded->len, &error);
  g_assert_no_error (error);
  ds_graph_signature_encode (again, same);
  g_assert_cmpmem (encoded->data, encoded->len, same->data, same->len);
  check_match (signature);
}

static void
fuzz_meta (const guint8 *bytes, gsize n_bytes)
{
  DsCheckpointMeta meta;
  g_autoptr (GError) error = NULL;

  if (!ds_checkpoint_meta_decode (&meta, bytes, n_bytes, &error))
    {
      check_error (error);
      return;
    }
  g_assert_cmpint (meta.interval, >, 0);
  g_assert_cmpuint (meta.parallelism, >, 0);
  g_assert_cmpint (meta.time, >=, meta.zero_time);
  ds_checkpoint_meta_clear (&meta);
}

int
LLVMFuzzerTestOneInput (const guint8 *bytes, gsize n_bytes)
{
  if (n_bytes > 0 && bytes[0] == 's')
    fuzz_signature (bytes + 1, n_bytes - 1);
  else if (n_bytes > 0 && bytes[0] == 'm')
    fuzz_meta (bytes + 1, n_bytes - 1);
  return 0;
}
