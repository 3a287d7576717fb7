/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Chooses the form of the splitter once and calls it.  The choice is one atomic pointer:
 * two threads that come first at once choose the same. */

#include "base/ds-splitter-form-private.h"

#include <string.h>

/* Best first. */
static const DsSplitterForm *const ds_splitter_forms[] = {
#if DS_SPLITTER_HAS_X86
  &ds_splitter_form_avx512bw,
  &ds_splitter_form_avx2,
  &ds_splitter_form_sse2,
#endif
  &ds_splitter_form_portable,
};

static const DsSplitterForm
    *ds_splitter_chosen; /* atomic: points to constants, so relaxed will do */

/* The best one called @name; NULL: of any name. */
static const DsSplitterForm *
ds_splitter_find (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (ds_splitter_forms); i++)
    if ((name == NULL || strcmp (ds_splitter_forms[i]->name, name) == 0) &&
        ds_splitter_forms[i]->is_supported ())
      return ds_splitter_forms[i];

  return NULL;
}

static inline const DsSplitterForm *
ds_splitter_get (void)
{
  const DsSplitterForm *form = __atomic_load_n (&ds_splitter_chosen, __ATOMIC_RELAXED);

  if (G_UNLIKELY (form == NULL))
    {
      form = ds_splitter_find (NULL);
      __atomic_store_n (&ds_splitter_chosen, form, __ATOMIC_RELAXED);
    }
  return form;
}

gsize
ds_split_words_scan (const char *text,
                     gsize n_bytes,
                     gsize *offset,
                     DsValue *words,
                     gsize max_words)
{
  g_assert (n_bytes <= G_MAXUINT32);

  return ds_splitter_get ()->split_words (text, n_bytes, offset, words, max_words);
}

gsize
ds_split_lines_scan (const char *text,
                     gsize n_bytes,
                     gsize *offset,
                     gboolean strip_cr,
                     DsValue *lines,
                     gsize max_lines)
{
  g_assert (n_bytes <= G_MAXUINT32);

  return ds_splitter_get ()->split_lines (text, n_bytes, offset, strip_cr, lines,
                                          max_lines);
}

gsize
ds_count_lines (const char *text, gsize n_bytes)
{
  gsize n_ends;

  if (n_bytes == 0)
    return 0;

  n_ends = ds_splitter_get ()->count_line_ends (text, n_bytes);
  return text[n_bytes - 1] == '\n' ? n_ends : n_ends + 1;
}

gsize
ds_find_last_line_end (const char *text, gsize n_bytes)
{
  const char *end = n_bytes > 0 ? memrchr (text, '\n', n_bytes) : NULL;

  return end != NULL ? (gsize) (end + 1 - text) : 0;
}

gboolean
ds_splitter_use (const char *name)
{
  const DsSplitterForm *form = ds_splitter_find (name);

  if (form == NULL)
    return FALSE;

  __atomic_store_n (&ds_splitter_chosen, form, __ATOMIC_RELAXED);
  return TRUE;
}

const char *
ds_splitter_get_name (void)
{
  return ds_splitter_get ()->name;
}
