/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The streaming jobs of ds-bench: FALSE with @error when one failed or miscounted. */

#include <dstream/dstream.h>

G_BEGIN_DECLS

/* The sum of the second values of pairs. */
gint64 ds_bench_sum_counts (DsBlock *counts);

/* On a port that was free. */
gboolean ds_bench_listen_on_loopback (int *listener, guint16 *port, GError **error);

gboolean ds_bench_run_word_count_socket (char **arguments, GError **error);
gboolean ds_bench_run_word_count_file_stream (char **arguments, GError **error);
gboolean ds_bench_run_receive (char **arguments, GError **error);
gboolean ds_bench_run_memory (char **arguments, GError **error);
gboolean ds_bench_run_empty_batch (char **arguments, GError **error);
gboolean ds_bench_run_tiny_batches (char **arguments, GError **error);
gboolean ds_bench_run_lateness (char **arguments, GError **error);

G_END_DECLS
