/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Statistics of a web server's log: requests by status, the most frequent paths, bytes by
 * hour.  Makes a log to try it with, which is the same every time.
 *
 *   $ log-statistics --generate access.log
 *   $ head -n 2 access.log
 *   192.0.2.37 - - [21/Nov/2026:06:00:00 +0000] "GET /logo.png HTTP/1.1" 404 6263
 *   192.0.2.137 - - [21/Nov/2026:06:00:45 +0000] "GET /news HTTP/1.1" 500 6832
 *   $ log-statistics access.log
 *   480 lines, 479 requests
 *   Status:
 *   (200,275)
 *   (304,105)
 *   (404,48)
 *   (500,51)
 *
 *   Paths:
 *   (/,214)
 *   (/news,125)
 *   (/search,70)
 *
 *   Bytes by hour:
 *   (06,424460)
 *   (07,365831)
 *   (08,413837)
 *   (09,410556)
 *   (10,411405)
 *   (11,425607)
 *
 * Lines that are no requests are counted and left out. */

#include <dstream/dstream.h>
#include <locale.h>

/* A line as servers write it:
 * 192.0.2.7 - - [21/Nov/2026:08:05:59 +0000] "GET /index.html HTTP/1.1" 200 5120
 * becomes the tuple (status, path, hour, bytes). */
static void
parse_request (DsValue line, DsTask *task, gpointer user_data)
{
  DsValue date = ds_value_get_field (line, ' ', 3);
  DsValue path = ds_value_get_field (line, ' ', 6);
  DsValue status = ds_value_parse_int (ds_value_get_field (line, ' ', 8));
  DsValue n_bytes = ds_value_parse_int (ds_value_get_field (line, ' ', 9));

  if (!ds_value_is_null (status) && !ds_value_is_null (n_bytes))
    ds_task_emit (task, ds_tuple (task, status, path, ds_value_get_field (date, ':', 1),
                                  n_bytes));
}

static DsValue
get_status (DsValue request, DsTask *task, gpointer user_data)
{
  return ds_value_get_item (request, 0);
}

static DsValue
get_path (DsValue request, DsTask *task, gpointer user_data)
{
  return ds_value_get_item (request, 1);
}

static DsValue
get_hour_and_bytes (DsValue request, DsTask *task, gpointer user_data)
{
  return ds_pair (task, ds_value_get_item (request, 2), ds_value_get_item (request, 3));
}

/* How often each result of @key occurs. */
static DsRdd *
count_by (DsRdd *requests, DsMapFunc key)
{
  g_autoptr (DsRdd) keys = ds_rdd_map (requests, key, NULL, NULL);
  g_autoptr (DsRdd) ones = ds_rdd_map (keys, ds_pair_with_one, NULL, NULL);

  return ds_rdd_reduce_by_key (ones, ds_add, NULL, NULL);
}

/* Takes @block, which is NULL after an error. */
static gboolean
print_block (const char *title, DsBlock *block)
{
  g_autoptr (DsBlock) lines = block;
  g_autofree char *text = lines != NULL ? ds_block_to_string (lines) : NULL;

  if (text != NULL)
    g_print ("%s\n%s\n", title, text);
  return text != NULL;
}

static gboolean
print_statistics (const char *path, GError **error)
{
  g_autoptr (DsContext) context = ds_context_new ("local[2]", "LogStatistics");
  g_autoptr (DsRdd) lines = ds_context_text_file (context, path);
  g_autoptr (DsRdd) requests = ds_rdd_flat_map (lines, parse_request, NULL, NULL);

  g_autoptr (DsRdd) statuses = count_by (requests, get_status);
  g_autoptr (DsRdd) sorted_statuses = ds_rdd_sort_by_key (statuses, DS_ASCENDING);
  g_autoptr (DsRdd) paths = count_by (requests, get_path);
  g_autoptr (DsRdd) sizes = ds_rdd_map (requests, get_hour_and_bytes, NULL, NULL);
  g_autoptr (DsRdd) hours = ds_rdd_reduce_by_key (sizes, ds_add, NULL, NULL);
  g_autoptr (DsRdd) sorted_hours = ds_rdd_sort_by_key (hours, DS_ASCENDING);

  gint64 n_lines;
  gint64 n_requests;

  ds_rdd_cache (requests); /* four jobs need them: parsed once and kept */
  n_lines = ds_rdd_count (lines, error);
  n_requests = n_lines < 0 ? -1 : ds_rdd_count (requests, error);
  if (n_requests < 0)
    return FALSE;
  g_print ("%" G_GINT64_FORMAT " lines, %" G_GINT64_FORMAT " requests\n", n_lines,
           n_requests);
  return print_block ("Status:", ds_rdd_collect (sorted_statuses, error)) &&
         print_block ("Paths:", ds_rdd_top (paths, 3, ds_to_value, NULL, error)) &&
         print_block ("Bytes by hour:", ds_rdd_collect (sorted_hours, error));
}

/* A request every 45 s, some paths more often than others, a broken line now and then. */
static gboolean
generate (const char *file, GError **error)
{
  static const char *const paths[] = { "/", "/news", "/search", "/login", "/logo.png" };
  static const int statuses[] = { 200, 200, 200, 200, 200, 200, 304, 304, 404, 500 };
  g_autoptr (GRand) random = g_rand_new_with_seed (1);
  g_autoptr (GString) log = g_string_new (NULL);

  for (int second = 0; second < 6 * 3600; second += 45)
    {
      int host = g_rand_int_range (random, 0, 256);
      int path = g_rand_int_range (random, 0, g_rand_int_range (random, 1, 6));
      int status = g_rand_int_range (random, 0, G_N_ELEMENTS (statuses));
      int n_bytes = g_rand_int_range (random, 100, 10000);

      if (host == 0)
        g_string_append (log, "-- restarted --\n");
      else
        g_string_append_printf (log,
                                "192.0.2.%d - - [21/Nov/2026:%02d:%02d:%02d +0000] \"GET "
                                "%s HTTP/1.1\" %d %d\n",
                                host, 6 + second / 3600, second / 60 % 60, second % 60,
                                paths[path], statuses[status], n_bytes);
    }
  return g_file_set_contents (file, log->str, (gssize) log->len, error);
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  gboolean done = FALSE;

  setlocale (LC_CTYPE, ""); /* or g_print () writes ? for letters beyond ASCII */
  if (argc == 3 && g_str_equal (argv[1], "--generate"))
    done = generate (argv[2], &error);
  else if (argc == 2)
    done = print_statistics (argv[1], &error);
  else
    {
      g_printerr ("Usage: log-statistics [--generate] FILE\n");
      return 2;
    }

  if (!done)
    g_printerr ("log-statistics: %s\n", error->message);
  return done ? 0 : 1;
}
