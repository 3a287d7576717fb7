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

/**
 * ds_context_whole_text_files:
 * @self: the engine
 * @path: (type filename): as of ds_context_text_file ()
 *
 * Pairs of the path of a file and all of its content as a string, in order of name.
 *
 * For many small files that are a record each.  Nothing is cut and no \r taken away; a
 * name that ends in ".gz" is unpacked.  Small files share partitions; memory is that of
 * the largest file for each worker.
 *
 * Actions fail as those of ds_context_text_file () do, with %DS_ERROR_LIMIT at a file of
 * more than 1 GiB.
 *
 * Option: ds_rdd_set_n_partitions (): at least so many, when there are as many files.
 *
 * Returns: (transfer full): the RDD of (path, content)
 */
DsRdd *
ds_context_whole_text_files (DsContext *self, const char *path)
{
  DsFileFormat format = { .kind = DS_FILE_FORMAT_WHOLE_TEXT };

  g_return_val_if_fail (DS_IS_CONTEXT (self) && path != NULL, NULL);

  return ds_file_rdd_new_for_path (self, "whole_text_files", &format, path);
}

/**
 * ds_context_binary_records:
 * @self: the engine
 * @path: (type filename): as of ds_context_text_file ()
 * @record_length: bytes of a record, 1 to 1,073,741,824 (1 GiB)
 *
 * The records of files of fixed-length records, in order of name, each as a value of
 * bytes.
 *
 * Records are not copied: a value is a slice of what was read, valid as all values are
 * (ds_value_get_record (), ds_value_get_int_at () and their like take it apart, whatever
 * its alignment).  Files are split between records as text files are between lines; a
 * name that ends in ".gz" is unpacked by one task.
 *
 * Any other length latches %DS_ERROR_BAD_RECORD_LENGTH.  Actions fail as those of
 * ds_context_text_file () do, and with %DS_ERROR_BAD_RECORD_LENGTH naming path, size,
 * record length and remainder when a file does not divide into records; a stream of files
 * can also leave out the remainder or the file.
 *
 * Option: ds_rdd_set_n_partitions (): at least so many.
 *
 * Returns: (transfer full): the RDD of records
 */
DsRdd *
ds_context_binary_records (DsContext *self, const char *path, gsize record_length)
{
  DsFileFormat format = { .kind = DS_FILE_FORMAT_BINARY, .record_length = record_length };

  g_return_val_if_fail (DS_IS_CONTEXT (self) && path != NULL, NULL);

  return ds_file_rdd_new_for_path (self, "binary_records", &format, path);
}

/**
 * ds_context_binary_files:
 * @self: the engine
 * @path: (type filename): as of ds_context_text_file ()
 *
 * Pairs of the path of a file and all of its content as bytes, in order of name;
 * otherwise as ds_context_whole_text_files (), but for that nothing is unpacked.
 *
 * Returns: (transfer full): the RDD of (path, content)
 */
DsRdd *
ds_context_binary_files (DsContext *self, const char *path)
{
  DsFileFormat format = { .kind = DS_FILE_FORMAT_WHOLE_BYTES };

  g_return_val_if_fail (DS_IS_CONTEXT (self) && path != NULL, NULL);

  return ds_file_rdd_new_for_path (self, "binary_files", &format, path);
}

/**
 * ds_context_msgpack_file:
 * @self: the engine
 * @path: (type filename): as of ds_context_text_file ()
 *
 * The values of files of msgpack values back to back, in order of name: what
 * ds_rdd_save_as_msgpack_file () writes, and the values of other writers that
 * #DsValue can hold (maps and timestamps it cannot).
 *
 * Tuples are an extension of type 1 that holds an array.  A file is read by one task,
 * since the border of a value in its middle cannot be found; a name that ends in ".gz" is
 * unpacked.
 *
 * Actions fail as those of ds_context_text_file () do, with %DS_ERROR_CORRUPT or
 * %DS_ERROR_TOO_DEEP at what is no value, %DS_ERROR_BAD_FILE when a file ends within one,
 * and %DS_ERROR_LIMIT at a value of more than 64 MiB; messages name file and offset.
 *
 * Option: ds_rdd_set_n_partitions (): at least so many, when there are as many files.
 *
 * Returns: (transfer full): the RDD of values
 */
DsRdd *
ds_context_msgpack_file (DsContext *self, const char *path)
{
  DsFileFormat format = { .kind = DS_FILE_FORMAT_PARSE, .parse = ds_parse_msgpack };

  g_return_val_if_fail (DS_IS_CONTEXT (self) && path != NULL, NULL);

  return ds_file_rdd_new_for_path (self, "msgpack_file", &format, path);
}
