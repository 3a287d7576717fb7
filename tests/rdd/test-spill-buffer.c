/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* DsSpillBuffer: the same values come out, from memory or from a file. */

#include "rdd/ds-spill-buffer-private.h"

#include "base/ds-block-private.h"
#include "base/ds-error.h"
#include "rdd/ds-task-private.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sys/resource.h>

enum
{
  N_CHUNKS = 30,
  N_CHUNK = 1000
};

typedef struct
{
  DsMemoryBudget *budget;
  DsSpillBuffer *buffer;
  char *directory;
} Fixture;

/* @max_bytes: of the budget. */
static void
fixture_set_up (Fixture *fixture, gconstpointer max_bytes)
{
  fixture->budget = ds_memory_budget_new (GPOINTER_TO_UINT (max_bytes));
  ds_memory_budget_take (fixture->budget, 1); /* a budget of 0 has no room now */
  fixture->directory = g_dir_make_tmp ("test-spill-XXXXXX", NULL);
  fixture->buffer = ds_spill_buffer_new (fixture->budget, fixture->directory);
}

static void
fixture_tear_down (Fixture *fixture, gconstpointer max_bytes)
{
  g_clear_pointer (&fixture->buffer, ds_spill_buffer_free);
  g_assert_cmpuint (ds_memory_budget_get_n_bytes (fixture->budget), ==, 1);
  ds_memory_budget_unref (fixture->budget);
  /* Nothing stayed behind, or this fails. */
  g_assert_cmpint (g_rmdir (fixture->directory), ==, 0);
  g_free (fixture->directory);
}

static void
add_columns (Fixture *fixture)
{
  for (guint i = 0; i < N_CHUNKS; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (DsArena) arena = ds_arena_new (NULL);
      DsValue keys[N_CHUNK];
      DsValue values[N_CHUNK];
      /* Values and pairs in turn, three chunks of each. */
      const DsChunk chunk = { .form = i / 3 % 2 == 0 ? DS_FORM_VALUES : DS_FORM_PAIRS,
                              .n_values = N_CHUNK,
                              .values = keys,
                              .pair_values = values };

      for (guint j = 0; j < N_CHUNK; j++)
        {
          char *text = ds_arena_alloc (arena, 32);
          guint n = i * N_CHUNK + j;

          keys[j] =
              ds_value_string_sized (text, (guint32) g_snprintf (text, 32, "key %u", n));
          values[j] = ds_value_int (n);
        }
      g_assert_true (ds_spill_buffer_add (fixture->buffer, &chunk, &error));
      g_assert_no_error (error);
    }
  g_assert_true (ds_spill_buffer_seal (fixture->buffer, NULL));
}

static void
assert_columns (Fixture *fixture)
{
  g_autoptr (DsSpillReader) reader = ds_spill_reader_new (fixture->buffer);
  gboolean at_end = FALSE;
  guint n = 0;

  while (TRUE)
    {
      g_autoptr (GError) error = NULL;
      DsChunk chunk;

      g_assert_true (ds_spill_reader_next (reader, &chunk, &at_end, &error));
      g_assert_no_error (error);
      if (at_end)
        break;
      g_assert_cmpuint (chunk.n_values, >, 0);
      g_assert_cmpuint (chunk.n_values, <=, DS_CHUNK_MAX_VALUES);
      for (gsize i = 0; i < chunk.n_values; i++, n++)
        {
          g_autofree char *expected = g_strdup_printf ("key %u", n);
          gboolean is_pair = n / N_CHUNK / 3 % 2 == 1;

          g_assert_cmpint (chunk.form, ==, is_pair ? DS_FORM_PAIRS : DS_FORM_VALUES);
          g_assert_true (ds_value_equals_string (chunk.values[i], expected));
          if (is_pair)
            g_assert_cmpint (chunk.pair_values[i].as.integer, ==, n);
        }
    }
  g_assert_cmpuint (n, ==, N_CHUNKS * N_CHUNK);
}

static void
test_spill_buffer_columns (Fixture *fixture, gconstpointer max_bytes)
{
  g_test_summary (
      "Columns come back twice, in order and form, from memory and from disk");

  add_columns (fixture);
  g_assert_cmpuint (ds_spill_buffer_get_n_values (fixture->buffer), ==,
                    N_CHUNKS * N_CHUNK);
  g_assert_cmpint (ds_spill_buffer_get_n_spilled_bytes (fixture->buffer) > 0, ==,
                   GPOINTER_TO_UINT (max_bytes) < 1000 * 1000);
  assert_columns (fixture);
  assert_columns (fixture);
}

static void
test_spill_buffer_text (Fixture *fixture, gconstpointer max_bytes)
{
  const char *const texts[] = { "a\nb\n", "c\r\nlast", "" };
  g_autoptr (DsSpillReader) reader = NULL;

  g_test_summary ("Text stays text, with its line ends and without lines being cut");

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      const DsChunk chunk = { .form = DS_FORM_TEXT,
                              .text = texts[i],
                              .n_text_bytes = strlen (texts[i]),
                              .strip_cr = i == 1 };

      g_assert_true (ds_spill_buffer_add (fixture->buffer, &chunk, NULL));
    }
  g_assert_true (ds_spill_buffer_seal (fixture->buffer, NULL));
  g_assert_cmpuint (ds_spill_buffer_get_n_values (fixture->buffer), ==, 4);
  g_assert_cmpint (ds_spill_buffer_get_n_spilled_bytes (fixture->buffer) > 0, ==,
                   GPOINTER_TO_UINT (max_bytes) == 0);

  reader = ds_spill_reader_new (fixture->buffer);
  for (gsize i = 0; i < 3; i++)
    {
      gboolean at_end;
      DsChunk chunk;

      g_assert_true (ds_spill_reader_next (reader, &chunk, &at_end, NULL));
      g_assert_cmpint (at_end, ==, i == 2);
      if (at_end)
        break;
      g_assert_cmpint (chunk.form, ==, DS_FORM_TEXT);
      g_assert_cmpmem (chunk.text, (int) chunk.n_text_bytes, texts[i],
                       (int) strlen (texts[i]));
      g_assert_cmpint (chunk.strip_cr, ==, i == 1);
    }
}

static void
test_spill_buffer_tuples (Fixture *fixture, gconstpointer max_bytes)
{
  const DsValue items[] = { ds_value_string ("k"), ds_value_int (1) };
  const DsValue tuple = ds_value_tuple (items, 2);
  const DsChunk chunk = { .form = DS_FORM_VALUES, .n_values = 1, .values = &tuple };
  g_autoptr (DsSpillReader) reader = NULL;
  gboolean at_end;
  DsChunk found;

  g_test_summary ("A column of tuples of two does not come back as two columns");

  g_assert_true (ds_spill_buffer_add (fixture->buffer, &chunk, NULL));
  g_assert_true (ds_spill_buffer_seal (fixture->buffer, NULL));
  g_assert_cmpuint (ds_spill_buffer_get_n_spilled_bytes (fixture->buffer), >, 0);
  reader = ds_spill_reader_new (fixture->buffer);
  g_assert_true (ds_spill_reader_next (reader, &found, &at_end, NULL));
  g_assert_false (at_end);
  g_assert_cmpint (found.form, ==, DS_FORM_VALUES);
  g_assert_true (ds_value_equal (found.values[0], tuple));
}

static void
test_spill_buffer_is_empty (Fixture *fixture, gconstpointer max_bytes)
{
  g_autoptr (DsSpillReader) reader = NULL;
  gboolean at_end = FALSE;
  DsChunk chunk;

  g_test_summary ("An empty buffer is at its end at once");

  g_assert_true (ds_spill_buffer_seal (fixture->buffer, NULL));
  reader = ds_spill_reader_new (fixture->buffer);
  g_assert_true (ds_spill_reader_next (reader, &chunk, &at_end, NULL));
  g_assert_true (at_end);
}

static void
test_spill_buffer_sink (Fixture *fixture, gconstpointer max_bytes)
{
  DsTask *task = ds_task_new (NULL, 0, 0);
  DsSink *sink = ds_spill_sink_new (task, fixture->buffer);
  g_autoptr (DsBlock) block = ds_block_new_strings ("x", "y", NULL);

  g_test_summary ("The sink fills its buffer and leaves it open");

  g_assert_true (ds_sink_push_block (sink, block));
  g_assert_true (ds_sink_finish (sink));
  g_assert_true (ds_spill_buffer_seal (fixture->buffer, NULL));
  g_assert_cmpuint (ds_spill_buffer_get_n_values (fixture->buffer), ==, 2);
  ds_sink_free (sink);
  ds_task_free (task);
}

static void
test_spill_buffer_full_disk (Fixture *fixture, gconstpointer max_bytes)
{
  g_test_summary ("A disk that is full is an error with path and bytes, not a crash");

  if (g_test_subprocess ())
    {
      const struct rlimit limit = { 1000, 1000 };
      g_autoptr (GError) error = NULL;
      DsValue values[N_CHUNK];
      const DsChunk chunk = { .form = DS_FORM_VALUES,
                              .n_values = N_CHUNK,
                              .values = values };

      for (guint i = 0; i < N_CHUNK; i++)
        values[i] = ds_value_int (G_MAXINT32 + (gint64) i);
      /* A limit on file sizes: EFBIG is a full disk as far as a program can tell. */
      signal (SIGXFSZ, SIG_IGN);
      g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
      g_assert_true (ds_spill_buffer_add (fixture->buffer, &chunk, &error));
      g_assert_false (ds_spill_buffer_seal (fixture->buffer, &error));
      g_assert_error (error, DS_ERROR, DS_ERROR_NO_SPACE);
      g_assert_nonnull (strstr (error->message, fixture->directory));
      g_assert_nonnull (strstr (error->message, "Spilling 5000 bytes"));
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

#define ADD(path, function, max_bytes)                                          \
  g_test_add ("/rdd/spill-buffer/" path, Fixture, GUINT_TO_POINTER (max_bytes), \
              fixture_set_up, function, fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("columns-in-memory", test_spill_buffer_columns, 1u << 30);
  ADD ("columns-half-spilled", test_spill_buffer_columns, 600 * 1000);
  ADD ("columns-spilled", test_spill_buffer_columns, 0);
  ADD ("text-in-memory", test_spill_buffer_text, 1u << 30);
  ADD ("text-spilled", test_spill_buffer_text, 0);
  ADD ("tuples-spilled", test_spill_buffer_tuples, 0);
  ADD ("is-empty", test_spill_buffer_is_empty, 0);
  ADD ("sink", test_spill_buffer_sink, 0);
  ADD ("full-disk", test_spill_buffer_full_disk, 0);
  return g_test_run ();
}
