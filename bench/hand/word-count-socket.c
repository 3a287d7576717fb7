/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How fast can a program count the words that arrive on a loopback socket?
 *
 * The partner of word-count-socket.  One thread sends the file's bytes, which are in
 * memory before the clock starts; the other receives and counts.  The time is that from
 * accepting the connection to the last word.
 *
 * usage: word-count-socket FILE RECEIVE_KIB SEND_BYTES; prints how many different words,
 * and how many, then the seconds on a line of their own. */

#include "bench/hand/word-count.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum
{
  MAX_WORD_BYTES = 4 << 20 /* a longer one is cut */
};

typedef struct
{
  const char *text;
  size_t n_bytes;
  size_t n_bytes_at_once;
  struct sockaddr_in address;
} Sender;

static void
fail (const char *what)
{
  perror (what);
  exit (1);
}

static double
get_seconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static char *
load_file (const char *path, size_t *n_bytes)
{
  struct stat status;
  int fd = open (path, O_RDONLY | O_CLOEXEC);

  if (fd < 0 || fstat (fd, &status) != 0)
    fail (path);

  char *text = map_memory ((size_t) status.st_size + TEXT_PADDING);
  for (*n_bytes = 0; *n_bytes < (size_t) status.st_size;)
    {
      ssize_t n_read = read (fd, text + *n_bytes, (size_t) status.st_size - *n_bytes);

      if (n_read <= 0)
        fail (path);
      *n_bytes += (size_t) n_read;
    }
  close (fd);
  return text;
}

static void *
send_text (void *data)
{
  Sender *sender = data;
  int fd = socket (AF_INET, SOCK_STREAM, 0);

  if (fd < 0 ||
      connect (fd, (struct sockaddr *) &sender->address, sizeof sender->address) != 0)
    fail ("connect");
  for (size_t offset = 0; offset < sender->n_bytes;)
    {
      size_t n_left = sender->n_bytes - offset;
      ssize_t n_sent =
          send (fd, sender->text + offset,
                n_left < sender->n_bytes_at_once ? n_left : sender->n_bytes_at_once,
                MSG_NOSIGNAL);

      if (n_sent <= 0)
        fail ("send");
      offset += (size_t) n_sent;
    }
  close (fd);
  return NULL;
}

static void
count_received (int fd, WordTable *table, size_t n_bytes_at_once)
{
  char *buffer = map_memory (n_bytes_at_once + MAX_WORD_BYTES + TEXT_PADDING);
  size_t n_kept = 0; /* of a word that goes on in what comes next */

  for (;;)
    {
      ssize_t n_received = recv (fd, buffer + n_kept, n_bytes_at_once, 0);

      if (n_received < 0)
        fail ("recv");

      size_t n_bytes = n_kept + (size_t) n_received;
      size_t n_whole = n_bytes;

      if (n_received > 0)
        n_whole = find_last_word (buffer, n_bytes);
      if (n_whole == 0 && n_bytes > MAX_WORD_BYTES)
        n_whole = n_bytes;
      count_text (table, buffer, n_whole);
      if (n_received == 0)
        return;
      n_kept = n_bytes - n_whole;
      memmove (buffer, buffer + n_whole, n_kept);
    }
}

int
main (int argc, char **argv)
{
  long receive_kib = argc == 4 ? atol (argv[2]) : 0;
  long send_bytes = argc == 4 ? atol (argv[3]) : 0;

  if (receive_kib < 1 || send_bytes < 1)
    {
      fprintf (stderr, "usage: %s FILE RECEIVE_KIB SEND_BYTES\n", argv[0]);
      return 2;
    }

  Sender sender = { .n_bytes_at_once = (size_t) send_bytes,
                    .address = { .sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) } };
  WordTable table;
  pthread_t thread;
  socklen_t length = sizeof sender.address;
  int listener = socket (AF_INET, SOCK_STREAM, 0);

  sender.text = load_file (argv[1], &sender.n_bytes);
  word_table_init (&table, FIRST_LOG2_SLOTS);
  if (listener < 0 ||
      bind (listener, (struct sockaddr *) &sender.address, sizeof sender.address) != 0 ||
      listen (listener, 1) != 0 ||
      getsockname (listener, (struct sockaddr *) &sender.address, &length) != 0)
    fail ("listen");
  if (pthread_create (&thread, NULL, send_text, &sender) != 0)
    fail ("pthread_create");

  int fd = accept (listener, NULL, NULL);
  if (fd < 0)
    fail ("accept");

  double start = get_seconds ();
  count_received (fd, &table, (size_t) receive_kib << 10);
  double seconds = get_seconds () - start;

  pthread_join (thread, NULL);
  word_table_print (&table);
  printf ("%.6f\n", seconds);
  return 0;
}
