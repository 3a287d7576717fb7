/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The parts of ds-serve: where the text comes from, and who gets it.  One thread, one
 * main loop. */

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct
{
  char **paths;            /* (nullable): NULL is standard input */
  double lines_per_second; /* 0: as fast as the client takes them */
  gsize send_bytes;        /* at most so many in one send */
  gboolean loop;
  gboolean keep_open;
} ServeOptions;

/* ---- Files, one after the other, as one text in which every line ends ---- */

typedef struct _ServeFiles ServeFiles;

ServeFiles *serve_files_new (char *const *paths);
void serve_files_free (ServeFiles *self);
/* Appends more text; 0: all files were read.  -1 with error. */
gssize serve_files_read (ServeFiles *self, GByteArray *text, GError **error);
void serve_files_rewind (ServeFiles *self);
/* FALSE with an error that names the first of @paths that cannot be read. */
gboolean serve_files_check (char *const *paths, GError **error);

/* ---- One connection ---- */

typedef struct _ServeClient ServeClient;
/* The client is gone, or has got everything; free it. */
typedef void (*ServeClientDoneFunc) (ServeClient *client, gpointer user_data);

ServeClient *serve_client_new (GSocketConnection *connection,
                               const ServeOptions *options,
                               ServeClientDoneFunc done,
                               gpointer user_data);
void serve_client_free (ServeClient *self);
/* Standard input: whole lines for this client; and no more will come. */
void serve_client_add_text (ServeClient *self, const guint8 *text, gsize n_bytes);
void serve_client_end_text (ServeClient *self);
gsize serve_client_get_n_waiting_bytes (ServeClient *self);
guint64 serve_client_get_n_bytes (ServeClient *self); /* sent */

G_END_DECLS
