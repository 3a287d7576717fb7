/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the model is written in: lists of values, and dictionaries from a value to a list,
 * which keep their keys in the order of their first use. */

#include "tests/property/ds-property-private.h"

GArray *
ds_property_list_new (void)
{
  return g_array_new (FALSE, FALSE, sizeof (DsValue));
}

void
ds_property_list_clear (gpointer list)
{
  if (list != NULL)
    g_array_unref (list);
}

DsPropertyDict *
ds_property_dict_new (void)
{
  DsPropertyDict *self = g_new (DsPropertyDict, 1);

  self->index = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                       (GDestroyNotify) g_array_unref);
  self->keys = ds_property_list_new ();
  return self;
}

void
ds_property_dict_free (DsPropertyDict *self)
{
  g_hash_table_unref (self->index);
  g_array_unref (self->keys);
  g_free (self);
}

static GArray *
ds_property_dict_look (DsPropertyDict *self, DsValue key, gboolean adds)
{
  g_autoptr (GString) printed = g_string_new (NULL);
  GArray *list = NULL;

  ds_property_print (printed, key);
  list = g_hash_table_lookup (self->index, printed->str);
  if (list == NULL && adds)
    {
      list = ds_property_list_new ();
      g_hash_table_insert (self->index, g_strdup (printed->str), list);
      g_array_append_val (self->keys, key);
    }
  return list;
}

GArray *
ds_property_dict_get (DsPropertyDict *self, DsValue key)
{
  return ds_property_dict_look (self, key, TRUE);
}

GArray *
ds_property_dict_find (DsPropertyDict *self, DsValue key)
{
  return ds_property_dict_look (self, key, FALSE);
}

DsPropertyDict *
ds_property_group (GArray *list, gboolean by_key)
{
  DsPropertyDict *groups = ds_property_dict_new ();

  for (guint i = 0; i < list->len; i++)
    {
      DsValue key = DS_PROPERTY_AT (list, i);
      DsValue value = key;

      if (by_key)
        {
          value = key.as.items[1];
          key = key.as.items[0];
        }
      g_array_append_val (ds_property_dict_get (groups, key), value);
    }
  return groups;
}
