/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For ThreadSanitizer, see ds-tsan-private.h: whoever drops the last reference sees what
 * all others did before they dropped theirs; and classes and strings, which GLib keeps
 * for ever. */

/* ---- Classes that one thread made and every thread uses ---- */

DS_TSAN_REAL (void, rec_mutex_lock, GRecMutex *mutex);
DS_TSAN_REAL (void, rec_mutex_unlock, GRecMutex *mutex);

extern GRecMutex ds_tsan_class_lock;
DS_TSAN_WRAPPER GRecMutex ds_tsan_class_lock;

/* Told by each class's own address, and by its first user only, so that making objects
 * orders nothing else. */
static inline void
ds_tsan_share_class (GType type)
{
  static const char key[] = "ds-tsan-is-shared";
  GQuark quark = g_quark_from_static_string (key);

  for (; G_TYPE_IS_CLASSED (type); type = g_type_parent (type))
    {
      gpointer class;

      ds_tsan_look_away ();
      ds_real_rec_mutex_lock (&ds_tsan_class_lock);
      class = g_type_class_ref (type); /* for ever */
      if (g_type_get_qdata (type, quark) == NULL)
        {
          ds_tsan_release (class);
          g_type_set_qdata (type, quark, class);
        }
      ds_real_rec_mutex_unlock (&ds_tsan_class_lock);
      ds_tsan_look_again ();
      ds_tsan_acquire (class);
    }
}

DS_TSAN_WRAPPER gpointer
ds_tsan_object_new (GType type, const char *first_property, ...)
{
  gpointer object;
  va_list arguments;

  ds_tsan_share_class (type);
  va_start (arguments, first_property);
  object = g_object_new_valist (type, first_property, arguments);
  va_end (arguments);
  return object;
}

/* ---- GObject ---- */

DS_TSAN_REAL (void, object_unref, gpointer object);
DS_TSAN_REAL (gpointer, weak_ref_get, GWeakRef *weak_ref);

/* All but the last reference are dropped here, by an atomic that the sanitizer sees;
 * nobody here uses toggle references. */
DS_TSAN_WRAPPER void
ds_tsan_object_unref (gpointer object)
{
  guint *ref_count;
  guint n;

  if (!G_IS_OBJECT (object))
    {
      ds_real_object_unref (object); /* says so */
      return;
    }

  ref_count = (guint *) (gsize) & ((GObject *) object)->ref_count;
  n = __atomic_load_n (ref_count, __ATOMIC_ACQUIRE);
  ds_tsan_release (object);
  while (n > 1)
    if (__atomic_compare_exchange_n (ref_count, &n, n - 1, FALSE, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
      return;

  ds_tsan_acquire (object);
  ds_real_object_unref (object);
}

DS_TSAN_WRAPPER gpointer
ds_tsan_weak_ref_get (GWeakRef *weak_ref)
{
  gpointer object = ds_real_weak_ref_get (weak_ref);

  if (object != NULL)
    ds_tsan_acquire (object);
  return object;
}

/* ---- Atomic reference counts ---- */

static inline gboolean
ds_tsan_atomic_ref_count_dec (gatomicrefcount *ref_count)
{
  gboolean is_last;

  ds_tsan_release (ref_count);
  is_last = (g_atomic_ref_count_dec) (ref_count);
  if (is_last)
    ds_tsan_acquire (ref_count);
  return is_last;
}

#undef g_atomic_ref_count_dec
#define g_atomic_ref_count_dec(ref_count) ds_tsan_atomic_ref_count_dec (ref_count)

/* ---- Reference-counted boxes ---- */

DS_TSAN_REAL (void, atomic_rc_box_release_full, gpointer box, GDestroyNotify clear);

/* The box's own way of clearing it goes by the thread, because the box tells nothing but
 * its address: set before the call and read before anything else happens. */
extern __thread GDestroyNotify ds_tsan_box_clear;
DS_TSAN_WRAPPER __thread GDestroyNotify ds_tsan_box_clear;

static inline void
ds_tsan_clear_box (gpointer box)
{
  GDestroyNotify clear = ds_tsan_box_clear;

  ds_tsan_acquire (box);
  if (clear != NULL)
    clear (box);
}

DS_TSAN_WRAPPER void
ds_tsan_atomic_rc_box_release_full (gpointer box, GDestroyNotify clear)
{
  ds_tsan_release (box);
  ds_tsan_box_clear = clear;
  ds_real_atomic_rc_box_release_full (box, ds_tsan_clear_box);
}

DS_TSAN_WRAPPER void
ds_tsan_atomic_rc_box_release (gpointer box)
{
  ds_tsan_atomic_rc_box_release_full (box, NULL);
}

/* ---- GBytes ---- */

DS_TSAN_REAL (GBytes *,
              bytes_new_with_free_func,
              gconstpointer bytes,
              gsize n_bytes,
              GDestroyNotify free_func,
              gpointer data);
DS_TSAN_REAL (void, bytes_unref, GBytes *bytes);

typedef struct
{
  GDestroyNotify free_func;
  gpointer data;
  GBytes *bytes;
} DsTsanBytes;

static inline void
ds_tsan_bytes_free (gpointer data)
{
  DsTsanBytes *self = data;

  ds_tsan_acquire (self->bytes);
  if (self->free_func != NULL)
    self->free_func (self->data);
  g_free (self);
}

DS_TSAN_WRAPPER GBytes *
ds_tsan_bytes_new_with_free_func (gconstpointer bytes,
                                  gsize n_bytes,
                                  GDestroyNotify free_func,
                                  gpointer data)
{
  DsTsanBytes *self = g_new (DsTsanBytes, 1);

  self->free_func = free_func;
  self->data = data;
  self->bytes = NULL;
  self->bytes =
      ds_real_bytes_new_with_free_func (bytes, n_bytes, ds_tsan_bytes_free, self);
  return self->bytes;
}

DS_TSAN_WRAPPER void
ds_tsan_bytes_unref (GBytes *bytes)
{
  if (bytes != NULL)
    ds_tsan_release (bytes);
  ds_real_bytes_unref (bytes);
}

/* ---- Strings that one thread made and every thread gets ---- */

DS_TSAN_REAL (const char *, strerror, gint number);
DS_TSAN_REAL (const char *, intern_string, const char *string);
DS_TSAN_REAL (const char *, quark_to_string, GQuark quark);

static inline const char *
ds_tsan_share_string (const char *string)
{
  if (string != NULL)
    {
      ds_tsan_acquire (string);
      ds_tsan_release (string);
    }
  return string;
}

DS_TSAN_WRAPPER const char *
ds_tsan_strerror (gint number)
{
  return ds_tsan_share_string (ds_real_strerror (number));
}

DS_TSAN_WRAPPER const char *
ds_tsan_intern_string (const char *string)
{
  return ds_tsan_share_string (ds_real_intern_string (string));
}

DS_TSAN_WRAPPER const char *
ds_tsan_quark_to_string (GQuark quark)
{
  return ds_tsan_share_string (ds_real_quark_to_string (quark));
}
