/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How fast can a program count the words of a file, that does nothing else?
 *
 * The partner of word-count-file-1 and word-count-file-2.  The file is cut into as many
 * pieces as there are threads; each is read in blocks that fit the second-level cache,
 * cut at white space, and counted into a table of the thread's own.
 *
 * usage: word-count-file FILE THREADS; prints how many different words, and how many. */

#include "bench/hand/word-count.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

enum
{
  BLOCK_BYTES = 256 << 10,
  MAX_WORD_BYTES = 4 << 20, /* a longer one is cut */
  MAX_THREADS = 64
};

typedef struct
{
  pthread_t thread;
  int fd;
  off_t start;
  off_t end; /* behind white space, or the end of the file */
  WordTable table;
} Piece;

static void *
count_piece (void *data)
{
  Piece *piece = data;
  char *buffer = map_memory (BLOCK_BYTES + MAX_WORD_BYTES + TEXT_PADDING);
  size_t n_kept = 0; /* of a word that goes on in the next block */
  off_t offset = piece->start;

  word_table_init (&piece->table, FIRST_LOG2_SLOTS);
  while (offset < piece->end)
    {
      size_t n_wanted = BLOCK_BYTES;

      if ((off_t) n_wanted > piece->end - offset)
        n_wanted = (size_t) (piece->end - offset);

      ssize_t n_read = pread (piece->fd, buffer + n_kept, n_wanted, offset);
      if (n_read <= 0)
        {
          perror ("pread");
          exit (1);
        }
      offset += n_read;

      size_t n_bytes = n_kept + (size_t) n_read;
      size_t n_whole = n_bytes;

      if (offset < piece->end)
        n_whole = find_last_word (buffer, n_bytes);
      if (n_whole == 0 && n_bytes > MAX_WORD_BYTES)
        n_whole = n_bytes;
      count_text (&piece->table, buffer, n_whole);
      n_kept = n_bytes - n_whole;
      memmove (buffer, buffer + n_whole, n_kept);
    }
  return NULL;
}

/* Behind the first line end at or after @offset. */
static off_t
find_line_start (int fd, off_t offset, off_t size)
{
  char bytes[4096];

  for (;;)
    {
      ssize_t n_read = pread (fd, bytes, sizeof bytes, offset);

      if (n_read <= 0)
        return size;

      const char *line_end = memchr (bytes, '\n', (size_t) n_read);
      if (line_end != NULL)
        return offset + (line_end - bytes) + 1;
      offset += n_read;
    }
}

int
main (int argc, char **argv)
{
  static Piece pieces[MAX_THREADS];
  struct stat status;
  int n_threads = argc == 3 ? atoi (argv[2]) : 0;

  if (n_threads < 1 || n_threads > MAX_THREADS)
    {
      fprintf (stderr, "usage: %s FILE THREADS (1 to %d)\n", argv[0], MAX_THREADS);
      return 2;
    }

  int fd = open (argv[1], O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat (fd, &status) != 0)
    {
      perror (argv[1]);
      return 1;
    }

  off_t start = 0;
  for (int i = 0; i < n_threads; i++)
    {
      off_t end = status.st_size;

      if (i < n_threads - 1)
        end = find_line_start (fd, status.st_size / n_threads * (i + 1), status.st_size);
      if (end < start)
        end = start;
      pieces[i].fd = fd;
      pieces[i].start = start;
      pieces[i].end = end;
      start = end;
      if (i > 0 && pthread_create (&pieces[i].thread, NULL, count_piece, &pieces[i]) != 0)
        {
          perror ("pthread_create");
          return 1;
        }
    }

  count_piece (&pieces[0]);
  for (int i = 1; i < n_threads; i++)
    {
      pthread_join (pieces[i].thread, NULL);
      word_table_merge (&pieces[0].table, &pieces[i].table);
    }
  word_table_print (&pieces[0].table);
  return 0;
}
