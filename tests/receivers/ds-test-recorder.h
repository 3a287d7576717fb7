/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The owner of a receiver, for tests: keeps what it is told, and lets a test wait for it.
 */

#include "receivers/ds-receiver-private.h"

#include <string.h>

G_BEGIN_DECLS

/* Long enough for a sanitizer on a busy machine; only a broken test waits so long. */
#define DS_TEST_PATIENCE (60 * DS_SECOND)

typedef struct
{
  GMutex lock;
  GCond changed;
  DsMemoryBudget *budget;
  gboolean releases; /* the bytes of each block at once */
  gboolean refuses;  /* each block */
  gboolean forgets;  /* each block, when it is counted */
  GPtrArray *blocks;
  gsize n_records;
  gsize n_bytes;     /* taken and not released */
  GPtrArray *errors; /* of char * */
  char *location;
  guint n_started;
  guint n_stopped;
  GError *stop_error;
} DsTestRecorder;

static inline DsTestRecorder *
ds_test_recorder_new (guint64 max_bytes, gboolean releases)
{
  DsTestRecorder *self = g_new0 (DsTestRecorder, 1);

  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->budget = ds_memory_budget_new (max_bytes);
  self->releases = releases;
  self->blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) ds_block_unref);
  self->errors = g_ptr_array_new_with_free_func (g_free);
  return self;
}

static inline void
ds_test_recorder_free (DsTestRecorder *self)
{
  ds_memory_budget_unref (self->budget);
  g_ptr_array_unref (self->blocks);
  g_ptr_array_unref (self->errors);
  g_free (self->location);
  g_clear_error (&self->stop_error);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsTestRecorder, ds_test_recorder_free)

/* Waits, with the recorder locked while it looks, until @condition holds. */
#define ds_test_recorder_wait_until(recorder, condition)                             \
  G_STMT_START                                                                       \
  {                                                                                  \
    gint64 ds_deadline = g_get_monotonic_time () + DS_TEST_PATIENCE;                 \
                                                                                     \
    g_mutex_lock (&(recorder)->lock);                                                \
    while (!(condition))                                                             \
      if (!g_cond_wait_until (&(recorder)->changed, &(recorder)->lock, ds_deadline)) \
        g_error ("%s:%d: waited in vain for %s", __FILE__, __LINE__, #condition);    \
    g_mutex_unlock (&(recorder)->lock);                                              \
  }                                                                                  \
  G_STMT_END

static inline gboolean
ds_test_recorder_add_block (gpointer owner,
                            DsBlock *block,
                            gsize n_records,
                            gsize n_bytes,
                            GError **error)
{
  DsTestRecorder *self = owner;
  gboolean refuses = FALSE;

  g_assert_cmpuint (n_records, ==, ds_block_get_length (block));
  g_assert_cmpuint (n_bytes, ==, ds_block_get_n_bytes (block));

  g_mutex_lock (&self->lock);
  refuses = self->refuses;
  if (refuses)
    {
      ds_block_unref (block);
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "no room in the test");
    }
  else
    {
      if (self->forgets)
        ds_block_unref (block);
      else
        g_ptr_array_add (self->blocks, block);
      self->n_records += n_records;
      self->n_bytes += self->releases ? 0 : n_bytes;
    }
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);

  if (!refuses && self->releases)
    ds_memory_budget_release (self->budget, n_bytes);
  return !refuses;
}

static inline void
ds_test_recorder_started (gpointer owner, const char *location)
{
  DsTestRecorder *self = owner;

  g_mutex_lock (&self->lock);
  self->n_started++;
  g_free (self->location);
  self->location = g_strdup (location);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

static inline void
ds_test_recorder_error (gpointer owner, const GError *error, gboolean is_down)
{
  DsTestRecorder *self = owner;

  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->errors, g_strdup (error->message));
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

static inline void
ds_test_recorder_stopped (gpointer owner, const GError *error)
{
  DsTestRecorder *self = owner;

  g_mutex_lock (&self->lock);
  self->n_stopped++;
  if (error != NULL)
    self->stop_error = g_error_copy (error);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

static const DsReceiverEvents ds_test_recorder_events = {
  .add_block = ds_test_recorder_add_block,
  .started = ds_test_recorder_started,
  .error = ds_test_recorder_error,
  .stopped = ds_test_recorder_stopped,
};

/* Blocks are cut when they are full or the test says so; pauses take no time. */
static inline DsReceiverSettings
ds_test_recorder_get_settings (DsTestRecorder *self)
{
  return (DsReceiverSettings){
    .block_interval = DS_HOUR,
    .restart_delay = 1,
    .budget = self->budget,
  };
}

static inline DsReceiverSupervisor *
ds_test_recorder_supervise (DsTestRecorder *self, DsReceiver *receiver)
{
  DsReceiverSettings settings = ds_test_recorder_get_settings (self);

  return ds_receiver_supervisor_new (receiver, &settings, &ds_test_recorder_events, self);
}

static inline void
ds_test_assert_start (DsReceiverSupervisor *supervisor)
{
  g_autoptr (GError) error = NULL;

  ds_receiver_supervisor_start (supervisor, &error);
  g_assert_no_error (error);
}

static inline void
ds_test_assert_join (DsReceiverSupervisor *supervisor)
{
  g_assert_true (ds_receiver_supervisor_join (supervisor, g_get_monotonic_time () +
                                                              DS_TEST_PATIENCE));
  g_assert_false (ds_receiver_supervisor_is_active (supervisor));
}

static inline void
ds_test_stop_and_free (DsReceiverSupervisor *supervisor)
{
  ds_receiver_supervisor_stop_async (supervisor);
  ds_test_assert_join (supervisor);
  ds_receiver_supervisor_free (supervisor);
}

/* All records so far in their printed form, each ended by a newline.  (transfer full) */
static inline char *
ds_test_recorder_dup_text (DsTestRecorder *self)
{
  GString *text = g_string_new (NULL);

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->blocks->len; i++)
    {
      DsBlock *block = g_ptr_array_index (self->blocks, i);

      for (gsize j = 0; j < ds_block_get_length (block); j++)
        {
          DsValue value = ds_block_get (block, j);

          /* Strings as they are, whatever bytes they have. */
          if (ds_value_is (value, DS_VALUE_TYPE_STRING))
            g_string_append_len (text, ds_value_get_string (value, NULL), value.size);
          else
            {
              g_autofree char *printed = ds_value_to_string (value);

              g_string_append (text, printed);
            }
          g_string_append_c (text, '\n');
        }
    }
  g_mutex_unlock (&self->lock);
  return g_string_free (text, FALSE);
}

#define ds_test_recorder_assert_text(recorder, expected)             \
  G_STMT_START                                                       \
  {                                                                  \
    g_autofree char *ds_text = ds_test_recorder_dup_text (recorder); \
                                                                     \
    g_assert_cmpstr (ds_text, ==, expected);                         \
  }                                                                  \
  G_STMT_END

G_END_DECLS
