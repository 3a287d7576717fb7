/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The codec against literal bytes, against msgpack's own unpacker, and against damage. */

#include "tests/base/ds-check-codec-private.h"

#include "base/ds-error.h"

#include <math.h>
#include <msgpack.h>
#include <string.h>

typedef struct
{
  const char *hex;
  const char *printed; /* the values, one a line; NULL: see @error */
  gint error;
} Literal;

static GByteArray *
from_hex (const char *hex)
{
  GByteArray *bytes = g_byte_array_new ();

  for (gsize i = 0; hex[i] != '\0'; i++)
    if (hex[i] != ' ')
      {
        guint8 byte = (guint8) (g_ascii_xdigit_value (hex[i]) * 16 +
                                g_ascii_xdigit_value (hex[i + 1]));

        g_byte_array_append (bytes, &byte, 1);
        i++;
      }
  return bytes;
}

/* ---- Random values ---- */

static gint64
random_int (void)
{
  gint64 any =
      (gint64) ((guint64) g_test_rand_int () << 32 | (guint32) g_test_rand_int ());

  return any >> g_test_rand_int_range (0, 64);
}

static DsValue
random_value (DsArena *arena, guint depth)
{
  int kind = g_test_rand_int_range (0, depth > 0 ? 9 : 7);
  guint32 n =
      (guint32) g_test_rand_int_range (0, g_test_rand_int_range (0, 20) == 0 ? 300 : 20);
  DsValue *items;
  char *bytes;

  switch (kind)
    {
    case 0:
      return ds_value_null ();
    case 1:
      return ds_value_bool (g_test_rand_bit ());
    case 2:
    case 3:
      return ds_value_int (random_int ());
    case 4:
      return ds_value_double (g_test_rand_bit () ? g_test_rand_double ()
                                                 : (double) random_int ());
    case 5:
    case 6:
      bytes = ds_arena_alloc (arena, n);
      for (guint32 i = 0; i < n; i++)
        bytes[i] = (char) g_test_rand_int_range (0, 256);
      return kind == 5 ? ds_value_string_sized (bytes, n) : ds_value_bytes (bytes, n);
    default:
      n = n > 20 ? n / 20 : n / 4;
      items = ds_arena_alloc (arena, n * sizeof (DsValue));
      for (guint32 i = 0; i < n; i++)
        items[i] = random_value (arena, depth - 1);
      return kind == 7 ? ds_value_tuple (items, n) : ds_value_list (items, n);
    }
}

static DsBlock *
random_block (guint max_values)
{
  gsize n_values = (gsize) g_test_rand_int_range (0, (gint32) max_values + 1);
  DsArena *arena = ds_arena_new (NULL);
  DsValue *values = ds_arena_alloc (arena, n_values * sizeof (DsValue));
  DsValue *pair_values = NULL;

  for (gsize i = 0; i < n_values; i++)
    values[i] = random_value (arena, 4);
  if (g_test_rand_bit ())
    {
      pair_values = ds_arena_alloc (arena, n_values * sizeof (DsValue));
      for (gsize i = 0; i < n_values; i++)
        pair_values[i] = random_value (arena, 4);
    }
  return ds_block_new_take_columns (arena, values, pair_values, n_values);
}

/* ---- Tests ---- */

static void
test_encodes_literally (void)
{
  DsValue items[3] = { ds_value_string ("a"), ds_value_int (1), ds_value_null () };
  struct
  {
    DsValue value;
    const char *hex;
  } literals[] = {
    { ds_value_null (), "c0" },
    { ds_value_bool (FALSE), "c2" },
    { ds_value_bool (TRUE), "c3" },
    { ds_value_int (0), "00" },
    { ds_value_int (127), "7f" },
    { ds_value_int (128), "cc 80" },
    { ds_value_int (255), "cc ff" },
    { ds_value_int (256), "cd 0100" },
    { ds_value_int (65536), "ce 00010000" },
    { ds_value_int (G_GINT64_CONSTANT (4294967296)), "cf 0000000100000000" },
    { ds_value_int (G_MAXINT64), "cf 7fffffffffffffff" },
    { ds_value_int (-1), "ff" },
    { ds_value_int (-32), "e0" },
    { ds_value_int (-33), "d0 df" },
    { ds_value_int (-128), "d0 80" },
    { ds_value_int (-129), "d1 ff7f" },
    { ds_value_int (-32769), "d2 ffff7fff" },
    { ds_value_int (G_GINT64_CONSTANT (-2147483649)), "d3 ffffffff7fffffff" },
    { ds_value_int (G_MININT64), "d3 8000000000000000" },
    { ds_value_double (1.0), "cb 3ff0000000000000" },
    { ds_value_double (-0.5), "cb bfe0000000000000" },
    { ds_value_string (""), "a0" },
    { ds_value_string ("hi"), "a2 6869" },
    { ds_value_bytes ("\x00\xff", 2), "c4 02 00ff" },
    { ds_value_list (items, 3), "93 a161 01 c0" },
    { ds_value_list (NULL, 0), "90" },
    { ds_value_tuple (items, 2), "d6 01 92 a161 01" },
    { ds_value_tuple (items, 3), "c7 05 01 93 a161 01 c0" },
    { ds_value_tuple (NULL, 0), "d4 01 90" },
  };

  g_test_summary (
      "Each type has the bytes of the msgpack specification, the shortest ones");

  for (gsize i = 0; i < G_N_ELEMENTS (literals); i++)
    {
      g_autoptr (GByteArray) expected = from_hex (literals[i].hex);
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      g_autoptr (DsBlock) block = NULL;

      g_byte_array_append (bytes, (const guint8 *) "before", 6);
      ds_codec_encode (literals[i].value, bytes);
      g_assert_cmpmem (bytes->data + 6, bytes->len - 6, expected->data, expected->len);

      block = ds_codec_decode_block (expected->data, expected->len, 0, NULL);
      g_assert_nonnull (block);
      g_assert_cmpuint (ds_block_get_length (block), ==, 1);
      g_assert_true (ds_value_equal (ds_block_get (block, 0), literals[i].value));
    }
}

static void
test_decodes_literally (void)
{
  static const Literal literals[] = {
    { "", "", 0 },
    { "ca 3fc00000", "1.5\n", 0 },
    { "cc 05 cd 0005 ce 00000005 cf 0000000000000005", "5\n5\n5\n5\n", 0 },
    { "d0 05 d1 fffb d2 fffffffb d3 fffffffffffffffb", "5\n-5\n-5\n-5\n", 0 },
    { "d9 01 61 da 0001 62 db 00000001 63", "a\nb\nc\n", 0 },
    { "c4 01 07 c5 0001 08 c6 00000001 09", "0x07\n0x08\n0x09\n", 0 },
    { "dc 0002 01 02 dd 00000001 c3", "[1, 2]\n[true]\n", 0 },
    { "d4 01 90 d5 01 91 07 d7 01 dc 0005 01 02 03 04 05", "()\n(7)\n(1,2,3,4,5)\n", 0 },
    { "c7 03 01 92 01 02 c8 0003 01 92 03 04 c9 00000003 01 92 05 06",
      "(1,2)\n(3,4)\n(5,6)\n", 0 },
    { "93 c0 92 a1 78 c7 03 01 92 01 91 02 c2", NULL, DS_ERROR_CORRUPT },
    { "cf 8000000000000000", NULL, DS_ERROR_LIMIT },
    { "c1", NULL, DS_ERROR_CORRUPT },
    { "80", NULL, DS_ERROR_CORRUPT },
    { "81 a1 61 01", NULL, DS_ERROR_CORRUPT },
    { "de 0000", NULL, DS_ERROR_CORRUPT },
    { "df 00000000", NULL, DS_ERROR_CORRUPT },
    { "d6 ff 00000000", NULL, DS_ERROR_CORRUPT }, /* a timestamp */
    { "c7 00 01", NULL, DS_ERROR_CORRUPT },       /* a tuple without an array */
    { "d4 01 05", NULL, DS_ERROR_CORRUPT },       /* an int in its place */
    { "d5 01 d4 01", NULL, DS_ERROR_CORRUPT },    /* an ext in its place */
    { "d5 01 90 00", NULL, DS_ERROR_CORRUPT },    /* a byte too much in the ext */
    { "d5 01 92 00 00", NULL, DS_ERROR_CORRUPT }, /* an item outside of the ext */
    { "d6 01 91 a4 61 62 63 64", NULL, DS_ERROR_CORRUPT }, /* a string that leaves it */
  };

  g_test_summary ("Every form of a value is understood, everything else is refused");

  for (gsize i = 0; i < G_N_ELEMENTS (literals); i++)
    {
      g_autoptr (GByteArray) bytes = from_hex (literals[i].hex);
      g_autoptr (GError) error = NULL;
      g_autoptr (DsBlock) block =
          ds_codec_decode_block (bytes->data, bytes->len, 0, &error);
      g_autoptr (GString) printed = g_string_new (NULL);

      ds_check_codec (bytes->data, bytes->len);
      if (literals[i].printed == NULL)
        {
          g_assert_null (block);
          g_assert_error (error, DS_ERROR, literals[i].error);
          continue;
        }
      g_assert_no_error (error);
      for (gsize j = 0; j < ds_block_get_length (block); j++)
        {
          g_autofree char *line = ds_value_to_string (ds_block_get (block, j));

          g_string_append_printf (printed, "%s\n", line);
        }
      g_assert_cmpstr (printed->str, ==, literals[i].printed);
    }
}

static void
test_names_the_place (void)
{
  static const struct
  {
    const char *hex;
    const char *message;
  } places[] = {
    { "01 02 c1", "at byte 2: 0xc1" },
    { "01 a5 6162",
      "at byte 1: at least 5 more bytes are announced, but only 2 are left" },
    { "00 00 93 01",
      "at byte 2: at least 3 more bytes are announced, but only 1 are left" },
    { "c0 cf ffffffffffffffff", "at byte 1 is 18446744073709551615" },
    { "d4 05 00", "an extension of type 5" },
  };

  g_test_summary ("A message says which byte, what was found and what was expected");

  for (gsize i = 0; i < G_N_ELEMENTS (places); i++)
    {
      g_autoptr (GByteArray) bytes = from_hex (places[i].hex);
      g_autoptr (GError) error = NULL;

      g_assert_null (ds_codec_decode_block (bytes->data, bytes->len, 0, &error));
      g_assert_nonnull (strstr (error->message, places[i].message));
    }
}

static void
test_round_trip (void)
{
  g_test_summary ("Random blocks of values, pairs and text come back as they were");

  for (int i = 0; i < 2000; i++)
    {
      g_autoptr (DsBlock) block = random_block (40);
      g_autoptr (DsBlock) back = NULL;
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      g_autoptr (GByteArray) again = g_byte_array_new ();
      g_autoptr (GError) error = NULL;

      ds_codec_encode_block (block, bytes);
      back = ds_codec_decode_block (bytes->data, bytes->len, 0, &error);
      g_assert_no_error (error);
      g_assert_true (ds_block_equal (block, back));
      if (ds_block_get_length (block) > 0 && ds_block_get_form (block) == DS_FORM_PAIRS)
        g_assert_cmpint (ds_block_get_form (back), ==, DS_FORM_PAIRS);
      ds_check_like_msgpack (back, bytes->data, bytes->len);

      ds_codec_encode_block (back, again);
      g_assert_cmpmem (bytes->data, bytes->len, again->data, again->len);
    }
}

static void
test_text_blocks (void)
{
  GString *text = g_string_new (NULL);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (DsBlock) block = NULL;
  g_autoptr (DsBlock) back = NULL;
  DsArena *arena;
  char *copy;

  g_test_summary ("The lines of a text block are its values");

  for (int i = 0; i < 1000; i++)
    g_string_append_printf (text, "line %d\r\n", i);
  g_string_append (text, "last\r");
  arena = ds_arena_new (NULL);
  copy = ds_arena_alloc (arena, text->len);
  memcpy (copy, text->str, text->len);
  block = ds_block_new_take_text (arena, copy, text->len, 1001, TRUE);

  ds_codec_encode_block (block, bytes);
  back = ds_codec_decode_block (bytes->data, bytes->len, 0, NULL);
  g_assert_nonnull (back);
  g_assert_cmpuint (ds_block_get_length (back), ==, 1001);
  for (gsize i = 0; i < 1000; i++)
    {
      g_autofree char *expected = g_strdup_printf ("line %d", (int) i);

      g_assert_true (ds_value_equals_string (ds_block_get (back, i), expected));
    }
  g_assert_true (ds_value_equals_string (ds_block_get (back, 1000), "last\r"));
  g_string_free (text, TRUE);
}

static void
test_special_doubles (void)
{
  static const double numbers[] = { 0.0, -0.0, 1e300, -1e-300, INFINITY, -INFINITY };

  g_test_summary ("Doubles keep their bits: signs of zero, infinities, NaN");

  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      g_autoptr (DsBlock) block = NULL;
      double back;

      ds_codec_encode (ds_value_double (numbers[i]), bytes);
      block = ds_codec_decode_block (bytes->data, bytes->len, 0, NULL);
      back = ds_value_get_double (ds_block_get (block, 0));
      g_assert_cmpmem (&back, sizeof back, numbers + i, sizeof numbers[i]);
    }

  g_autoptr (GByteArray) nan_bytes = from_hex ("cb 7ff8000000000001 ca 7fc00000");
  g_autoptr (DsBlock) nans =
      ds_codec_decode_block (nan_bytes->data, nan_bytes->len, 0, NULL);

  g_assert_true (isnan (ds_value_get_double (ds_block_get (nans, 0))));
  g_assert_true (isnan (ds_value_get_double (ds_block_get (nans, 1))));
}

static void
test_depth (void)
{
  g_test_summary ("16 levels of lists and tuples are decoded, 17 are refused");

  for (int tuples = 0; tuples < 2; tuples++)
    for (guint depth = 14; depth <= 18; depth++)
      {
        DsValue items[20];
        DsValue value = ds_value_int (7);
        g_autoptr (GByteArray) bytes = g_byte_array_new ();
        g_autoptr (GError) error = NULL;
        g_autoptr (DsBlock) block = NULL;

        for (guint i = 0; i < depth; i++)
          {
            items[i] = value;
            value = tuples ? ds_value_tuple (items + i, 1) : ds_value_list (items + i, 1);
          }
        ds_codec_encode (value, bytes);
        block = ds_codec_decode_block (bytes->data, bytes->len, 0, &error);
        if (depth <= DS_CODEC_MAX_DEPTH)
          {
            g_assert_no_error (error);
            g_assert_true (ds_value_equal (ds_block_get (block, 0), value));
          }
        else
          g_assert_error (error, DS_ERROR, DS_ERROR_TOO_DEEP);
      }
}

static void
test_max_items (void)
{
  g_autoptr (GByteArray) bytes = from_hex ("93 01 02 03 c7 03 01 92 01 02 c0");
  DsCodecScan scan;

  g_test_summary ("The cap counts values and items in all");

  g_assert_true (ds_codec_scan (bytes->data, bytes->len, 8, &scan, NULL));
  g_assert_cmpuint (scan.n_values, ==, 3);
  g_assert_cmpuint (scan.n_items, ==, 8);
  for (gsize max = 1; max < 8; max++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (ds_codec_decode_block (bytes->data, bytes->len, max, &error));
      g_assert_error (error, DS_ERROR, DS_ERROR_LIMIT);
    }
}

static void
test_bombs (void)
{
  static const struct
  {
    const char *head;
    guint8 filling;
    gsize n_filling;
  } bombs[] = {
    { "dd 10000000", 0, 0 },           /* 268 million items in 5 bytes */
    { "dd ffffffff", 0xc0, 65000 },    /* more items than bytes */
    { "dc ffff", 0xc0, 65000 },        /* the same, shorter */
    { "db ffffffff", 'x', 65000 },     /* a string of 4 GiB */
    { "c6 ffffffff", 'x', 65000 },     /* the same of bytes */
    { "c9 ffffffff 01", 0x90, 65000 }, /* and of a tuple */
    { "c9 00010000 01 dd 0000ffff", 0xc0, 65000 },
    { "", 0x91, 65536 }, /* 65,536 lists within each other */
    { "", 0x9f, 65536 },
    { "", 0xdd, 65536 },
    { "df ffffffff", 0xc0, 65000 },
  };
  gsize n_before = ds_arena_pool_get_bytes_in_use (ds_arena_pool_get_default ());

  g_test_summary ("Counts and lengths that the bytes cannot hold are refused (row B12)");

  for (gsize i = 0; i < G_N_ELEMENTS (bombs); i++)
    {
      g_autoptr (GByteArray) bytes = from_hex (bombs[i].head);
      g_autofree guint8 *filling = g_malloc (bombs[i].n_filling + 1);
      g_autoptr (GError) error = NULL;

      memset (filling, bombs[i].filling, bombs[i].n_filling);
      g_byte_array_append (bytes, filling, (guint) bombs[i].n_filling);
      g_assert_null (ds_codec_decode_block (bytes->data, bytes->len, 0, &error));
      g_assert_true (g_error_matches (error, DS_ERROR, DS_ERROR_CORRUPT) ||
                     g_error_matches (error, DS_ERROR, DS_ERROR_TOO_DEEP));
    }
  g_assert_cmpuint (ds_arena_pool_get_bytes_in_use (ds_arena_pool_get_default ()), ==,
                    n_before);
}

static void
test_dense_bytes (void)
{
  g_autofree guint8 *bytes = g_malloc (65536);

  g_test_summary ("What may be decoded takes at most 16 times its bytes");

  for (int first = 0; first < 256; first++)
    {
      memset (bytes, first, 65536);
      ds_check_codec (bytes, 65536);
    }
  for (gsize i = 0; i + 3 <= 65536; i += 3) /* the smallest pairs */
    memcpy (bytes + i, "\xd4\x01\x90", 3);
  ds_check_codec (bytes, 65535);
}

static void
test_truncation (void)
{
  g_test_summary ("Every beginning of a block is an error or a shorter block");

  for (int i = 0; i < 60; i++)
    {
      g_autoptr (DsBlock) block = random_block (12);
      g_autoptr (GByteArray) bytes = g_byte_array_new ();

      ds_codec_encode_block (block, bytes);
      for (guint n = 0; n <= MIN (bytes->len, 1500); n++)
        ds_check_codec (bytes->data, n);
    }
}

static void
test_damage (void)
{
  g_test_summary ("Random damage is an error or another valid block, as msgpack sees it");

  for (int i = 0; i < 300; i++)
    {
      g_autoptr (DsBlock) block = random_block (8);
      g_autoptr (GByteArray) bytes = g_byte_array_new ();

      ds_codec_encode_block (block, bytes);
      if (bytes->len == 0 || bytes->len > 4096)
        continue;
      for (int j = 0; j < 150; j++)
        {
          g_autofree guint8 *damaged = g_memdup2 (bytes->data, bytes->len);
          int n_changes = g_test_rand_int_range (1, 4);

          for (int k = 0; k < n_changes; k++)
            damaged[g_test_rand_int_range (0, (gint32) bytes->len)] =
                (guint8) g_test_rand_int_range (0, 256);
          ds_check_codec (damaged, bytes->len);
        }
    }
}

static void
test_prefixes (void)
{
  /* 1, "two", (3, "4"), [nil, bin of one], a long string */
  g_autoptr (GByteArray) bytes = from_hex ("01 a374776f c704 01 92 03 a134 92c0c401ff "
                                           "d9036c6f6e");
  const gsize ends[] = { 1, 5, 12, 17, 22 };
  gsize n_values = 0;

  g_test_summary ("Of bytes cut anywhere the whole values are found, and no damage");

  g_assert_cmpuint (bytes->len, ==, 22);
  for (gsize cut = 0; cut <= bytes->len; cut++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree guint8 *exact = g_memdup2 (bytes->data, cut);
      DsCodecScan scan;
      gsize n_whole = G_MAXSIZE;

      n_values += n_values < G_N_ELEMENTS (ends) && cut == ends[n_values];
      g_assert_true (ds_codec_scan_prefix (exact, cut, &scan, &n_whole, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (scan.n_values, ==, n_values);
      g_assert_cmpuint (n_whole, ==, n_values > 0 ? ends[n_values - 1] : 0);
    }
}

static void
test_damage_behind_a_prefix (void)
{
  g_autoptr (GByteArray) bytes = from_hex ("01 02 92 03 c1 04");
  g_autoptr (GError) error = NULL;
  DsCodecScan scan;
  gsize n_whole = 0;

  g_test_summary ("What comes before the damage is whole, and the damage has its place");

  g_assert_false (
      ds_codec_scan_prefix (bytes->data, bytes->len, &scan, &n_whole, &error));
  g_assert_error (error, DS_ERROR, DS_ERROR_CORRUPT);
  g_assert_nonnull (strstr (error->message, "at byte 4: 0xc1 begins no value"));
  g_assert_cmpuint (n_whole, ==, 2);
  g_assert_cmpuint (scan.n_values, ==, 2);
}

static void
test_noise (void)
{
  g_test_summary ("Random bytes are an error or a block, as msgpack sees it");

  for (int i = 0; i < 100000; i++)
    {
      guint8 bytes[24];
      gsize n_bytes = (gsize) g_test_rand_int_range (1, sizeof bytes + 1);

      for (gsize j = 0; j < n_bytes; j++)
        bytes[j] = (guint8) (g_test_rand_bit () ? g_test_rand_int_range (0, 256)
                                                : g_test_rand_int_range (0x90, 0xe0));
      ds_check_codec (bytes, n_bytes);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/base/codec/encodes-the-shortest-bytes", test_encodes_literally);
  g_test_add_func ("/base/codec/decodes-every-form", test_decodes_literally);
  g_test_add_func ("/base/codec/names-the-place", test_names_the_place);
  g_test_add_func ("/base/codec/gives-back-what-was-encoded", test_round_trip);
  g_test_add_func ("/base/codec/encodes-lines-of-text", test_text_blocks);
  g_test_add_func ("/base/codec/keeps-the-bits-of-doubles", test_special_doubles);
  g_test_add_func ("/base/codec/refuses-more-than-16-levels", test_depth);
  g_test_add_func ("/base/codec/keeps-to-the-cap-of-items", test_max_items);
  g_test_add_func ("/base/codec/refuses-bombs", test_bombs);
  g_test_add_func ("/base/codec/bounds-memory-by-bytes", test_dense_bytes);
  g_test_add_func ("/base/codec/survives-truncation", test_truncation);
  g_test_add_func ("/base/codec/survives-damage", test_damage);
  g_test_add_func ("/base/codec/finds-whole-values-first", test_prefixes);
  g_test_add_func ("/base/codec/keeps-what-is-before-damage",
                   test_damage_behind_a_prefix);
  g_test_add_func ("/base/codec/survives-noise", test_noise);

  return g_test_run ();
}
