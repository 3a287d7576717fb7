/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The sources of a context that are files: a path and a format each. */

#include "rdd/ds-file-rdd-private.h"

/**
 * ds_context_text_file:
 * @self: the engine
 * @path: (type filename): a file, a directory (its files, not those of directories below
 *   it), a glob (`logs/2024-*.txt`), or a `file://` URI
 *
 * The lines of text files, in order of name.
 *
 * A line ends with \n; one \r before it is not part of the line; what follows the last \n
 * is a line when it is not empty.  Names that begin with "." or "_" are passed over in
 * directories and globs, as is everything that is no regular file; symbolic links are
 * followed.  A name that ends in ".gz" is unpacked by one task; other files are split at
 * line ends, so that there are at least as many partitions as the default parallelism
 * says, of 128 MiB or a little more; more data gives a multiple of that number, so that
 * the workers end together.  Small files share partitions, in their order.
 *
 * The files are listed at the first use.  Actions fail with %DS_ERROR_NOT_FOUND when
 * there is none or one has vanished, %DS_ERROR_BAD_FILE when one is no regular file, is
 * damaged, or has been replaced or written to since, %DS_ERROR_LIMIT at a line of more
 * than 64 MiB, and %DS_ERROR_IO.
 *
 * Option: ds_rdd_set_n_partitions (): at least so many.
 *
 * Returns: (transfer full): the RDD of lines
 */
DsRdd *
ds_context_text_file (DsContext *self, const char *path)
{
  DsFileFormat format = { .kind = DS_FILE_FORMAT_TEXT };

  g_return_val_if_fail (DS_IS_CONTEXT (self) && path != NULL, NULL);

  return ds_file_rdd_new_for_path (self, "text_file", &format, path);
}
