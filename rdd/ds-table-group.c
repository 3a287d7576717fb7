/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Lists by key: values are written down one behind the other in the order in which they
 * come, each with the index of its key, and dealt out into the lists once, at the end,
 * when it is known how long each list is.  So a value is written twice in all and no list
 * ever grows or moves. */

#include "rdd/ds-table-core-private.h"

#define DS_TABLE_GROUP_PAGE 1024

typedef struct _DsTableGroupPage DsTableGroupPage;

struct _DsTableGroupPage
{
  DsTableGroupPage *next;
  gsize n_values;
  DsValue values[DS_TABLE_GROUP_PAGE];
  guint32 indices[DS_TABLE_GROUP_PAGE];
};

struct _DsTableGroup
{
  DsArenaPool *pool; /* (nullable) */
  DsArena *pages;
  DsArena *bytes; /* of the values; stays when the pages go */
  DsTableGroupPage *first;
  DsTableGroupPage *last;
  gsize n_values;
};

DsTableGroup *
ds_table_group_new (DsArenaPool *pool)
{
  DsTableGroup *self = g_new0 (DsTableGroup, 1);

  self->pool = pool;
  self->pages = ds_arena_new (pool);
  self->bytes = ds_arena_new (pool);
  return self;
}

void
ds_table_group_free (DsTableGroup *self)
{
  g_clear_pointer (&self->pages, ds_arena_unref);
  g_clear_pointer (&self->bytes, ds_arena_unref);
  g_free (self);
}

static __attribute__ ((noinline)) void
ds_table_group_add_page (DsTableGroup *self)
{
  DsTableGroupPage *page = ds_arena_alloc (self->pages, sizeof (DsTableGroupPage));

  page->next = NULL;
  page->n_values = 0;
  if (self->last != NULL)
    self->last->next = page;
  else
    self->first = page;
  self->last = page;
}

void
ds_table_group_add (DsTableGroup *self, guint32 index, DsValue value)
{
  if (G_UNLIKELY (self->last == NULL || self->last->n_values == DS_TABLE_GROUP_PAGE))
    ds_table_group_add_page (self);
  self->last->values[self->last->n_values] =
      value.type >= DS_VALUE_TYPE_STRING ? ds_value_copy (value, self->bytes) : value;
  self->last->indices[self->last->n_values++] = index;
  self->n_values++;
}

gsize
ds_table_group_get_n_bytes (DsTableGroup *self)
{
  return ds_arena_get_n_bytes (self->pages) + ds_arena_get_n_bytes (self->bytes);
}

gsize
ds_table_group_get_n_values (DsTableGroup *self)
{
  return self->n_values;
}

DsArena *
ds_table_group_end (DsTableGroup *self, DsValue *values, gsize n_keys)
{
  DsValue *items = ds_arena_alloc (self->bytes, self->n_values * sizeof (DsValue));
  gsize n_before = 0;

  for (gsize i = 0; i < n_keys; i++)
    values[i] = ds_value_list (NULL, 0);
  for (const DsTableGroupPage *page = self->first; page != NULL; page = page->next)
    for (gsize i = 0; i < page->n_values; i++)
      values[page->indices[i]].size++;
  for (gsize i = 0; i < n_keys; i++)
    {
      values[i].as.items = items + n_before;
      n_before += values[i].size;
      values[i].size = 0;
    }
  for (const DsTableGroupPage *page = self->first; page != NULL; page = page->next)
    for (gsize i = 0; i < page->n_values; i++)
      {
        DsValue *list = &values[page->indices[i]];

        items[list->as.items - items + list->size++] = page->values[i];
      }
  return g_steal_pointer (&self->bytes);
}
