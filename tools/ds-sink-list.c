/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* ds-sink-list: what an output of a stream has committed, by its manifests: for readers
 * that must not see a batch before it is whole, and for people who want to know whether
 * everything is still as it was written.  It takes no lock and changes nothing. */

#include "base/ds-durable-file-private.h"
#include "base/ds-error.h"
#include "base/ds-manifest-chain-private.h"

#include <stdio.h>
#include <string.h>

#define LIST_OK 0
#define LIST_FAILED 1
#define LIST_USAGE 2

typedef struct
{
  const char *prefix;
  char *directory; /* of the files */
  gboolean verifies;
  gboolean is_null; /* paths only, a NUL behind each */
  guint64 n_batches;
  guint64 n_files;
  guint64 n_bytes;
  guint64 n_wrong;
} List;

static void
list_complain (const char *message)
{
  fprintf (stderr, "ds-sink-list: %s\n", message);
}

/* "a/b" is "a" and "b"; "b" is "." and "b". */
static char *
list_split (const char *prefix, const char **basename)
{
  const char *slash = strrchr (prefix, '/');

  *basename = slash != NULL ? slash + 1 : prefix;
  if (slash == NULL)
    return g_strdup (".");
  return slash == prefix ? g_strdup ("/") : g_strndup (prefix, (gsize) (slash - prefix));
}

static void
list_verify (List *self, const DsManifestFile *file, const char *path)
{
  g_autoptr (GError) error = NULL;
  guint64 n_bytes;
  guint64 hash;

  if (!ds_durable_file_hash (path, &n_bytes, &hash, &error))
    list_complain (error->message);
  else if (n_bytes != file->n_bytes || hash != file->hash)
    fprintf (stderr,
             "ds-sink-list: \"%s\" was changed: it has %" G_GUINT64_FORMAT
             " bytes with hash %016" G_GINT64_MODIFIER
             "x, the manifest says %" G_GUINT64_FORMAT
             " bytes with hash %016" G_GINT64_MODIFIER "x\n",
             path, n_bytes, hash, file->n_bytes, file->hash);
  else
    return;
  self->n_wrong++;
}

static gboolean
list_manifest (const DsManifest *manifest, gpointer user_data, GError **error)
{
  List *self = user_data;

  self->n_batches++;
  for (guint i = 0; i < manifest->files->len; i++)
    {
      const DsManifestFile *file = &g_array_index (manifest->files, DsManifestFile, i);
      g_autofree char *path = strcmp (self->directory, ".") == 0
                                  ? g_strdup (file->name)
                                  : g_build_filename (self->directory, file->name, NULL);

      self->n_files++;
      self->n_bytes += file->n_bytes;
      if (self->is_null)
        fwrite (path, 1, strlen (path) + 1, stdout);
      else
        printf ("%" G_GINT64_FORMAT "\t%" G_GUINT64_FORMAT "\t%016" G_GINT64_MODIFIER
                "x\t%s\n",
                manifest->batch_ms, file->n_bytes, file->hash, path);
      if (self->verifies)
        list_verify (self, file, path);
    }
  return TRUE;
}

static int
list_run (List *self)
{
  const char *basename;
  g_autofree char *name = NULL;
  g_autofree char *manifests = NULL;
  g_autoptr (DsManifestChain) chain = NULL;
  g_autoptr (GError) error = NULL;

  self->directory = list_split (self->prefix, &basename);
  name = g_strconcat ("_ds-", basename, NULL);
  manifests = g_build_filename (self->directory, name, NULL);
  chain = ds_manifest_chain_open_to_read (manifests, &error);
  if (chain == NULL || !ds_manifest_chain_foreach (chain, list_manifest, self, &error))
    {
      list_complain (error->message);
      return LIST_FAILED;
    }
  if (fflush (stdout) != 0 || ferror (stdout))
    {
      list_complain ("the list could not be written");
      return LIST_FAILED;
    }
  if (self->verifies)
    fprintf (stderr,
             "ds-sink-list: %" G_GUINT64_FORMAT " batches, %" G_GUINT64_FORMAT
             " files, %" G_GUINT64_FORMAT " bytes; %" G_GUINT64_FORMAT
             " files are not as they were written\n",
             self->n_batches, self->n_files, self->n_bytes, self->n_wrong);
  return self->n_wrong > 0 ? LIST_FAILED : LIST_OK;
}

static const char list_summary[] =
    "Lists the files that an output of a stream has committed, batch by batch in the\n"
    "order of the commits: batch time in ms, bytes, XXH3-64 and path, with tabs "
    "between.\n"
    "\n"
    "  ds-sink-list --verify out/counts";

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) prefixes = NULL;
  List self = { 0 };
  int result;
  const GOptionEntry entries[] = {
    { "verify", 'v', 0, G_OPTION_ARG_NONE, &self.verifies,
      "Read all files and compare them with their sizes and hashes", NULL },
    { "null", '0', 0, G_OPTION_ARG_NONE, &self.is_null,
      "Only paths, with a NUL behind each, as for xargs -0", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &prefixes, NULL, "PREFIX" },
    { NULL, 0, 0, 0, NULL, NULL, NULL }
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, list_summary);
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      list_complain (error->message);
      return LIST_USAGE;
    }
  if (prefixes == NULL || g_strv_length (prefixes) != 1)
    {
      list_complain ("give one PREFIX: that with which the files were saved");
      return LIST_USAGE;
    }
  self.prefix = prefixes[0];
  result = list_run (&self);
  g_free (self.directory);
  return result;
}
