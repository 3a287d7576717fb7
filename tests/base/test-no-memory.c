/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Row A9, what files ask for: memory whose size a file chooses and that is not there is
 * an error that names the file, and nothing else has happened.  What the library asks for
 * by itself ends the program: see tests/crash. */

#include "base/ds-durable-file-private.h"
#include "tests/base/ds-test-log-private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LARGE 3000000
#define SEEN_BY_LIBRARIES __attribute__ ((visibility ("default")))

/* Memory of at least so many bytes is not there; 0: all is. */
static gsize scarce;
static guint n_refused;

/* Of libc's functions these are in front, for libraries too. */
extern void *__libc_malloc (gsize n_bytes);
extern void *__libc_calloc (gsize n, gsize n_bytes);
extern void *__libc_realloc (gpointer memory, gsize n_bytes);

static gboolean
is_refused (gsize n_bytes)
{
  if (scarce == 0 || n_bytes < scarce)
    return FALSE;
  n_refused++;
  errno = ENOMEM;
  return TRUE;
}

SEEN_BY_LIBRARIES void *
malloc (gsize n_bytes)
{
  return is_refused (n_bytes) ? NULL : __libc_malloc (n_bytes);
}

SEEN_BY_LIBRARIES void *
calloc (gsize n, gsize n_bytes)
{
  return is_refused (n * n_bytes) ? NULL : __libc_calloc (n, n_bytes);
}

SEEN_BY_LIBRARIES void *
realloc (gpointer memory, gsize n_bytes)
{
  return is_refused (n_bytes) ? NULL : __libc_realloc (memory, n_bytes);
}

static void
test_a_file (DsTestDurable *test, gconstpointer unused)
{
  g_autofree char *text = g_strnfill (LARGE, 'x');
  g_autofree char *path = g_build_filename (test->above, "large", NULL);
  g_autofree guint8 *bytes = NULL;
  g_autoptr (GError) error = NULL;
  gsize n_bytes;

  g_test_summary ("A file that does not fit into memory is an error that says so, and is "
                  "read when it fits again");

  g_assert_true (g_file_set_contents (path, text, LARGE, &error));
  n_refused = 0;
  scarce = LARGE;
  g_assert_false (ds_durable_file_read (path, 2 * LARGE, &bytes, &n_bytes, &error));
  scarce = 0;
  g_assert_cmpuint (n_refused, ==, 1);
  g_assert_error (error, DS_ERROR, DS_ERROR_LIMIT);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, "needs 3000000 bytes of memory"));
  g_clear_error (&error);

  g_assert_true (ds_durable_file_read (path, 2 * LARGE, &bytes, &n_bytes, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n_bytes, ==, LARGE);
  g_assert_true (memcmp (bytes, text, LARGE) == 0);
}

static gboolean
note_size (const DsLogRecord *record,
           const guint8 *payload,
           gpointer user_data,
           GError **error)
{
  *(gsize *) user_data = record->n_bytes;
  return TRUE;
}

static void
test_a_record (DsTestDurable *test, gconstpointer unused)
{
  g_autofree char *text = g_strnfill (LARGE, 'x');
  g_autoptr (DsDurableDirectory) directory = ds_test_durable_open (test);
  g_autoptr (GError) error = NULL;
  DsWriteAheadLog *log = ds_write_ahead_log_new (directory, 1, 1, NULL, &error);
  DsLogPart part = { text, LARGE };
  guint64 next_segment, next_sequence;
  gsize n_found = 0;

  g_test_summary ("A record of the log that does not fit into memory is an error, no "
                  "damage: the log stays as it is, and is read when it fits again");

  g_assert_no_error (error);
  g_assert_cmpuint (ds_write_ahead_log_append (log, DS_LOG_PLAN, &part, 1, NULL, NULL,
                                               &error),
                    ==, 1);
  g_assert_true (ds_write_ahead_log_close (log, &error));

  n_refused = 0;
  scarce = LARGE;
  g_assert_false (ds_log_read (directory, 1, DS_LOG_DAMAGE_FAIL, note_size, &n_found,
                               &next_segment, &next_sequence, &error));
  scarce = 0;
  g_assert_cmpuint (n_refused, ==, 1);
  g_assert_error (error, DS_ERROR, DS_ERROR_LIMIT);
  g_assert_nonnull (strstr (error->message, "wal-0000000000000001"));
  g_assert_cmpuint (n_found, ==, 0);
  g_clear_error (&error);

  g_assert_true (ds_log_read (directory, 1, DS_LOG_DAMAGE_FAIL, note_size, &n_found,
                              &next_segment, &next_sequence, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n_found, ==, LARGE);
}

#define ADD(name, func)                                                             \
  g_test_add ("/base/no-memory/" name, DsTestDurable, NULL, ds_test_durable_set_up, \
              func, ds_test_durable_tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("a9-for-a-file", test_a_file);
  ADD ("a9-for-a-record", test_a_record);
  return g_test_run ();
}
