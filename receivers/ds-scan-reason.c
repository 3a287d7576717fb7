/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A file that is silently not read is what people look for longest, so each reason says
 * what to do about it. */

#include "receivers/ds-scan-reason-private.h"

#include "base/ds-time-private.h"

#define DS_NS_PER_US 1000

gint64
ds_scan_to_ns (DsTime time)
{
  return CLAMP (time, G_MININT64 / DS_NS_PER_US, G_MAXINT64 / DS_NS_PER_US) *
         DS_NS_PER_US;
}

gboolean
ds_scan_reason_is_surprise (DsScanReason reason)
{
  return reason != DS_SCAN_HIDDEN && reason != DS_SCAN_PATTERN &&
         reason != DS_SCAN_FILTER;
}

static char *
ds_scan_reason_describe_old (const DsScanReasonFacts *facts)
{
  gboolean is_window = facts->batch_time - facts->remember > facts->ignore_until;
  DsTime first = is_window ? facts->batch_time - facts->remember : facts->ignore_until;
  g_autofree char *modified = ds_file_time_to_string (facts->status->modified_ns);
  g_autofree char *since = ds_file_time_to_string (ds_scan_to_ns (first));
  g_autofree char *window = ds_duration_to_seconds_string (facts->remember);
  g_autofree char *limit =
      is_window ? g_strdup_printf ("the last %s, since %s,", window, since)
                : g_strdup_printf ("the time after the stream was made, %s,", since);

  return g_strdup_printf (
      "it was modified at %s and only %s counts: a file that is moved "
      "keeps its time, so touch it after moving, copy it, or take "
      "files whatever their time with set_file_selection (all)",
      modified, limit);
}

static char *
ds_scan_reason_describe_future (const DsScanReasonFacts *facts)
{
  g_autofree char *modified = ds_file_time_to_string (facts->status->modified_ns);

  return g_strdup_printf ("it was modified at %s, in the future, and waits for the batch "
                          "of that time; set the clocks, touch it, or take files "
                          "whatever their time with set_file_selection (all)",
                          modified);
}

char *
ds_scan_reason_describe (DsScanReason reason, const DsScanReasonFacts *facts)
{
  g_autofree char *pattern = NULL;

  switch (reason)
    {
    case DS_SCAN_HIDDEN:
      return g_strdup ("names that begin with \".\" or \"_\", or end in \"._COPYING_\", "
                       "are of files that are not finished; rename it when it is");
    case DS_SCAN_PATTERN:
      pattern = ds_file_display_name (facts->name_pattern);
      return g_strdup_printf ("its name does not match the pattern \"%s\"", pattern);
    case DS_SCAN_FILTER:
      return g_strdup ("the filter function does not want it");
    case DS_SCAN_DIRECTORY:
      return g_strdup_printf ("it is a directory, and those %u deep are not looked into; "
                              "see set_max_depth",
                              facts->depth + 1);
    case DS_SCAN_SYMLINK:
      return g_strdup ("it is a symbolic link, which is not followed; move or copy the "
                       "file itself");
    case DS_SCAN_SPECIAL:
      return g_strdup ("it is a FIFO, a socket or a device, not a file");
    case DS_SCAN_OLD:
      return ds_scan_reason_describe_old (facts);
    case DS_SCAN_FUTURE:
      return ds_scan_reason_describe_future (facts);
    case DS_SCAN_SAME_NAME:
      return g_strdup_printf (
          "a file of that name was read in batch %" G_GINT64_FORMAT
          " ms, and what was changed since then is not read while that is remembered; "
          "give new data a new name",
          facts->same_name_time / DS_MILLISECOND);
    default:
      g_assert_not_reached ();
    }
}
