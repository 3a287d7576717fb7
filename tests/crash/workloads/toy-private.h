/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What toy.c and its checker share. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define N_RECORDS 15
#define RECORDS_A_BATCH 3
#define N_BATCHES (N_RECORDS / RECORDS_A_BATCH)
#define BATCHES_A_CHECKPOINT 2
#define RECORD_BYTES 20

typedef struct
{
  long sum;
  int last, batch, segment;
} State;

typedef struct
{
  State *state;
  int n_damaged;
} Load;

long value_of (int record);
long sum_until (int record);
uint32_t hash_of (const char *text, size_t n);
char *read_file (const char *path, size_t *n);
bool load_checkpoint (const char *path, State *state);
int for_each (const char *directory,
              const char *prefix,
              void (*func) (const char *path, int number, void *data),
              void *data);
void load_one (const char *path, int number, void *data);
void format_record (char *text, int record);
int parse_record (const char *text, size_t n, long *value, bool checks);
void fail (const char *what, const char *path);
int check_toy (const char *acks, bool is_finished);
