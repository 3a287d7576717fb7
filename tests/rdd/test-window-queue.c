/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "rdd/ds-functions.h"
#include "rdd/ds-window-queue-private.h"

/* A queue of strings whose reduction joins them: the order shows. */
typedef struct
{
  DsTask *task;
  DsArena *arena;
  DsTaskFrame frame;
  DsUndoLog log;
  DsWindowReducer reducer;
  DsWindowQueue queue;
  GPtrArray *model; /* of strings */
} Fixture;

static DsValue
join (DsValue a, DsValue b, DsTask *task, gpointer unused)
{
  gsize n_a;
  gsize n_b;
  const char *first = ds_value_get_string (a, &n_a);
  const char *second = ds_value_get_string (b, &n_b);

  return ds_string_printf (task, "%.*s%.*s", (int) n_a, first, (int) n_b, second);
}

static void
set_up (Fixture *fixture, DsReduceFunc func)
{
  memset (fixture, 0, sizeof *fixture);
  fixture->task = ds_task_new (NULL, 0, 0);
  ds_task_begin (fixture->task);
  fixture->arena = ds_arena_new (NULL);
  fixture->frame = ds_task_enter (fixture->task, "test", fixture->arena, NULL);
  ds_undo_log_init (&fixture->log);
  fixture->reducer =
      (DsWindowReducer){ .func = func, .task = fixture->task, .log = &fixture->log };
  fixture->model = g_ptr_array_new_with_free_func (g_free);
}

static void
tear_down (Fixture *fixture)
{
  g_assert_null (fixture->task->error);
  ds_task_leave (fixture->task, &fixture->frame);
  ds_task_end (fixture->task);
  ds_task_free (fixture->task);
  ds_arena_unref (fixture->arena);
  ds_undo_log_clear (&fixture->log);
  g_ptr_array_unref (fixture->model);
}

static void
push (Fixture *fixture, const char *word)
{
  guint64 n_calls = fixture->reducer.n_calls;

  ds_undo_log_save (&fixture->log, &fixture->queue, sizeof fixture->queue);
  ds_window_queue_push (&fixture->queue, &fixture->reducer, ds_value_string (word));
  g_assert_cmpuint (fixture->reducer.n_calls - n_calls, <=,
                    DS_WINDOW_QUEUE_MAX_PUSH_CALLS);
}

static void
pop (Fixture *fixture)
{
  guint64 n_calls = fixture->reducer.n_calls;

  ds_undo_log_save (&fixture->log, &fixture->queue, sizeof fixture->queue);
  ds_window_queue_pop (&fixture->queue, &fixture->reducer);
  g_assert_cmpuint (fixture->reducer.n_calls - n_calls, <=,
                    DS_WINDOW_QUEUE_MAX_POP_CALLS);
}

static void
assert_is_like_the_model (Fixture *fixture)
{
  g_autoptr (GString) expected = g_string_new (NULL);
  guint64 n_calls = fixture->reducer.n_calls;
  DsValue found;

  g_assert_cmpuint (ds_window_queue_get_length (&fixture->queue), ==,
                    fixture->model->len);
  if (fixture->model->len == 0)
    return;
  for (guint i = 0; i < fixture->model->len; i++)
    g_string_append (expected, g_ptr_array_index (fixture->model, i));
  found = ds_window_queue_reduce (&fixture->queue, &fixture->reducer);
  g_assert_cmpuint (fixture->reducer.n_calls - n_calls, <=, 1);
  g_assert_true (ds_value_equals_string (found, expected->str));
  ds_arena_reset (fixture->arena);
}

static void
test_reduces_like_a_plain_loop (void)
{
  Fixture fixture;

  g_test_summary ("Random pushes and pops give what a loop over the values gives, with a "
                  "constant number of calls each");
  set_up (&fixture, join);
  for (guint i = 0; i < 20000; i++)
    {
      /* Stretches in which it grows, shrinks, and stays about as long. */
      gint chance = 30 + 20 * (gint) (i / 500 % 3);

      if (g_test_rand_int_range (0, 100) < chance)
        {
          char *word = g_strdup_printf ("%u,", i);

          push (&fixture, word);
          g_ptr_array_add (fixture.model, word);
        }
      else if (fixture.model->len > 0)
        {
          pop (&fixture);
          g_ptr_array_remove_index (fixture.model, 0);
        }
      if (i % 7 == 0)
        ds_undo_log_commit (&fixture.log);
      assert_is_like_the_model (&fixture);
    }
  tear_down (&fixture);
}

static void
test_long_windows_slide (void)
{
  g_test_summary ("A window of any length slides with at most 7 calls, and one to ask");
  for (guint length = 1; length <= 70; length++)
    {
      Fixture fixture;

      set_up (&fixture, join);
      for (guint i = 0; i < 4 * length; i++)
        {
          char *word = g_strdup_printf ("%u,", i);

          if (fixture.model->len == length)
            {
              pop (&fixture);
              g_ptr_array_remove_index (fixture.model, 0);
            }
          push (&fixture, word);
          g_ptr_array_add (fixture.model, word);
          ds_undo_log_commit (&fixture.log);
          assert_is_like_the_model (&fixture);
        }
      tear_down (&fixture);
    }
}

static void
test_takes_back (void)
{
  Fixture fixture;

  g_test_summary ("What was done since the last commit can be taken back");
  set_up (&fixture, join);
  for (guint i = 0; i < 2000; i++)
    {
      guint n_changes = (guint) g_test_rand_int_range (0, 12);
      gboolean keep = g_test_rand_bit ();
      g_autoptr (GPtrArray) old =
          g_ptr_array_copy (fixture.model, (GCopyFunc) (gpointer) g_strdup, NULL);

      g_ptr_array_set_free_func (old, g_free);
      for (guint k = 0; k < n_changes; k++)
        if (g_test_rand_bit () || fixture.model->len == 0)
          {
            char *word = g_strdup_printf ("%u.%u,", i, k);

            push (&fixture, word);
            g_ptr_array_add (fixture.model, word);
          }
        else
          {
            pop (&fixture);
            g_ptr_array_remove_index (fixture.model, 0);
          }
      if (keep)
        ds_undo_log_commit (&fixture.log);
      else
        {
          GPtrArray *newer = fixture.model;

          ds_undo_log_take_back (&fixture.log);
          fixture.model = g_steal_pointer (&old);
          g_ptr_array_unref (newer);
        }
      assert_is_like_the_model (&fixture);
    }
  tear_down (&fixture);
}

static void
test_memory_is_used_again (void)
{
  Fixture fixture;
  gsize n_bytes = 0;

  g_test_summary ("10,000 slides need no more memory than the first 1,000");
  set_up (&fixture, join);
  for (guint i = 0; i < 10000; i++)
    {
      char word[8];

      g_snprintf (word, sizeof word, "%04u,", i);
      if (ds_window_queue_get_length (&fixture.queue) == 100)
        pop (&fixture);
      push (&fixture, word);
      ds_undo_log_commit (&fixture.log);
      ds_arena_reset (fixture.arena);
      if (i < 1000)
        n_bytes = MAX (n_bytes, ds_undo_log_get_n_bytes (&fixture.log));
    }
  g_assert_cmpuint (ds_undo_log_get_n_bytes (&fixture.log), <=, n_bytes);
  while (ds_window_queue_get_length (&fixture.queue) > 0)
    pop (&fixture);
  ds_window_queue_clear (&fixture.queue, &fixture.log);
  ds_undo_log_commit (&fixture.log);
  g_assert_cmpuint (fixture.log.n_bytes, ==, 0);
  tear_down (&fixture);
}

static void
test_numbers_run_over (void)
{
  Fixture fixture;

  g_test_summary ("Running numbers of cells may run over");
  set_up (&fixture, ds_add);
  fixture.queue.front = fixture.queue.left = fixture.queue.right = fixture.queue.turn =
      fixture.queue.back = fixture.queue.end = G_MAXUINT32 - 20;
  for (gint64 i = 0; i < 100; i++)
    {
      gint64 expected = 0;

      if (i >= 9)
        ds_window_queue_pop (&fixture.queue, &fixture.reducer);
      ds_window_queue_push (&fixture.queue, &fixture.reducer, ds_value_int (i));
      for (gint64 k = MAX (0, i - 8); k <= i; k++)
        expected += k;
      g_assert_cmpint (ds_value_get_int (
                           ds_window_queue_reduce (&fixture.queue, &fixture.reducer)),
                       ==, expected);
    }
  tear_down (&fixture);
}

static void
test_undo_log_copies_what_nests (void)
{
  DsUndoLog log;
  const DsValue inner[] = { ds_value_string ("abc"), ds_value_int (7) };
  const DsValue outer[] = { ds_value_list (inner, 2), ds_value_string (""),
                            ds_value_bytes ("\x01\x02", 2), ds_value_null () };
  DsValue copy;
  g_autofree char *text = NULL;
  g_autofree char *large = g_strnfill (100000, 'x');

  g_test_summary ("Values of any shape are copied, and their memory is used again");
  ds_undo_log_init (&log);
  copy = ds_undo_log_copy_value (&log, ds_value_tuple (outer, 4));
  text = ds_value_to_string (copy);
  g_assert_cmpstr (text, ==, "([abc, 7],,0x0102,null)");
  g_assert_true (copy.as.items != outer);
  ds_undo_log_commit (&log);
  ds_undo_log_drop_value (&log, copy);
  g_assert_cmpuint (log.n_bytes, >, 0);
  ds_undo_log_commit (&log);
  g_assert_cmpuint (log.n_bytes, ==, 0);
  g_assert_true (ds_undo_log_copy_value (&log, ds_value_tuple (outer, 4)).as.items ==
                 copy.as.items);

  copy = ds_undo_log_copy_value (&log, ds_value_string (large));
  g_assert_true (ds_value_equal (copy, ds_value_string (large)));
  ds_undo_log_take_back (&log);
  g_assert_cmpuint (log.n_bytes, ==, 0);
  g_assert_false (ds_undo_log_is_open (&log));
  ds_undo_log_clear (&log);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rdd/window-queue/reduces-like-a-plain-loop",
                   test_reduces_like_a_plain_loop);
  g_test_add_func ("/rdd/window-queue/long-windows-slide", test_long_windows_slide);
  g_test_add_func ("/rdd/window-queue/takes-back", test_takes_back);
  g_test_add_func ("/rdd/window-queue/memory-is-used-again", test_memory_is_used_again);
  g_test_add_func ("/rdd/window-queue/numbers-run-over", test_numbers_run_over);
  g_test_add_func ("/rdd/window-queue/undo-log-copies-what-nests",
                   test_undo_log_copies_what_nests);
  return g_test_run ();
}
