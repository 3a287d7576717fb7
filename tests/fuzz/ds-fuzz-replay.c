/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A target of the fuzzer as an ordinary test, with any compiler: every stored input, and
 * random changes of them (-m slow: more). */

#include "tests/fuzz/ds-fuzz-private.h"

#include <string.h>

#define N_ROUNDS 20000
#define N_SLOW_ROUNDS 400000
#define MAX_BYTES 2048

static GPtrArray *corpus; /* of GBytes */

static void
test_stored (gconstpointer index)
{
  gsize n_bytes;
  const guint8 *bytes =
      g_bytes_get_data (corpus->pdata[GPOINTER_TO_UINT (index)], &n_bytes);

  LLVMFuzzerTestOneInput (bytes, n_bytes);
}

/* ---- Random changes ---- */

static gsize
random_index (gsize n)
{
  return (gsize) g_test_rand_int_range (0, (gint32) n);
}

static guint8
random_byte (void)
{
  static const guint8 telling[] = { 0x00, 0x01, 0x7f, 0x80, 0xc0, 0xc1, 0xc7,
                                    0xdd, 0xff, '\n', '\r', ' ',  'a' };

  return g_test_rand_bit () ? telling[random_index (sizeof telling)]
                            : (guint8) g_test_rand_int_range (0, 256);
}

static void
insert_bytes (GByteArray *bytes, gsize at, const guint8 *more, gsize n_more)
{
  gsize n_before = bytes->len;

  g_byte_array_set_size (bytes, (guint) (n_before + n_more));
  memmove (bytes->data + at + n_more, bytes->data + at, n_before - at);
  memcpy (bytes->data + at, more, n_more);
}

static void
change_at_random (GByteArray *bytes)
{
  GBytes *other = corpus->pdata[random_index (corpus->len)];
  gsize at = random_index (bytes->len + 1);
  gsize n_other;
  const guint8 *other_bytes = g_bytes_get_data (other, &n_other);
  guint8 byte = random_byte ();

  switch (g_test_rand_int_range (0, 5))
    {
    case 0:
      if (at < bytes->len)
        bytes->data[at] ^= (guint8) (1u << random_index (8));
      break;
    case 1:
      if (at < bytes->len)
        bytes->data[at] = byte;
      break;
    case 2:
      insert_bytes (bytes, at, &byte, 1);
      break;
    case 3:
      if (at < bytes->len)
        g_byte_array_remove_range (bytes, (guint) at,
                                   (guint) (1 + random_index (bytes->len - at)));
      break;
    default:
      if (n_other > 0 && bytes->len + n_other <= MAX_BYTES)
        {
          gsize from = random_index (n_other);

          insert_bytes (bytes, at, other_bytes + from, 1 + random_index (n_other - from));
        }
      break;
    }
}

static void
test_changed (void)
{
  const guint n_rounds = g_test_slow () ? N_SLOW_ROUNDS : N_ROUNDS;

  g_test_summary ("Stored inputs with random changes break nothing");

  for (guint i = 0; i < n_rounds; i++)
    {
      GBytes *stored = corpus->pdata[random_index (corpus->len)];
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      g_autofree guint8 *exact = NULL;

      g_byte_array_append (bytes, g_bytes_get_data (stored, NULL),
                           (guint) g_bytes_get_size (stored));
      for (int n = g_test_rand_int_range (1, 8); n > 0; n--)
        change_at_random (bytes);
      /* The last byte is the last of its memory. */
      exact = g_memdup2 (bytes->data, bytes->len);
      LLVMFuzzerTestOneInput (exact, bytes->len);
    }
}

/* ---- The stored inputs ---- */

static void
unref_bytes (gpointer bytes)
{
  g_bytes_unref (bytes);
}

static void
read_corpus (const char *folder)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &error);

  g_assert_no_error (error);
  for (const char *name; (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *file = g_build_filename (folder, name, NULL);
      g_autofree char *path =
          g_strdup_printf ("/fuzz/%s/stored/%s", DS_FUZZ_TARGET, name);
      char *bytes;
      gsize n_bytes;

      g_file_get_contents (file, &bytes, &n_bytes, &error);
      g_assert_no_error (error);
      g_ptr_array_add (corpus, g_bytes_new_take (bytes, n_bytes));
      g_test_add_data_func (path, GUINT_TO_POINTER (corpus->len - 1), test_stored);
    }
  g_assert_cmpuint (corpus->len, >, 0);
}

int
main (int argc, char **argv)
{
  g_autofree char *folder = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  corpus = g_ptr_array_new_with_free_func (unref_bytes);
  folder = g_test_build_filename (G_TEST_DIST, "fuzz", "corpus", DS_FUZZ_TARGET, NULL);
  read_corpus (folder);
  g_test_add_func ("/fuzz/" DS_FUZZ_TARGET "/changed-at-random", test_changed);
  status = g_test_run ();
  g_ptr_array_unref (corpus);
  return status;
}
