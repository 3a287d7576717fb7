/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The places of ds-failpoint-private.h: what is armed is read once, from the environment.
 * A hit is an atomic addition and a look at the few that are armed. */

#include "base/ds-failpoint-private.h"

#ifdef DS_FAILPOINTS

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef enum
{
  DS_FAILPOINT_KILL,
  DS_FAILPOINT_ERRNO,
  DS_FAILPOINT_DELAY
} DsFailpointAction;

typedef struct
{
  char *name;
  DsFailpointAction action;
  int number; /* errno, or ms */
  int at_hit; /* 0: each time */
} DsFailpointOrder;

static GArray *ds_failpoint_orders; /* of DsFailpointOrder; NULL: nothing is armed */
static _Thread_local int ds_failpoint_errno;

static void
ds_failpoint_refuse (const char *order)
{
  g_error ("DS_FAILPOINTS: \"%s\" is no place of this program with kill, errno:N or "
           "delay:N, and perhaps @N",
           order);
}

static gboolean
ds_failpoint_exists (const char *name)
{
  for (DsFailpoint *const *place = __start_ds_fp; place < __stop_ds_fp; place++)
    if (g_str_equal ((*place)->name, name))
      return TRUE;
  return FALSE;
}

/* "name=action[:number][@hit]" */
static DsFailpointOrder
ds_failpoint_parse (const char *text)
{
  DsFailpointOrder order = { NULL, DS_FAILPOINT_KILL, 0, 0 };
  const char *action = strchr (text, '=');
  const char *hit = strchr (text, '@');

  if (action == NULL)
    ds_failpoint_refuse (text);
  order.name = g_strndup (text, (gsize) (action - text));
  action++;
  if (g_str_has_prefix (action, "errno:"))
    {
      order.action = DS_FAILPOINT_ERRNO;
      order.number = atoi (action + strlen ("errno:"));
    }
  else if (g_str_has_prefix (action, "delay:"))
    {
      order.action = DS_FAILPOINT_DELAY;
      order.number = atoi (action + strlen ("delay:"));
    }
  else if (!g_str_has_prefix (action, "kill"))
    ds_failpoint_refuse (text);
  order.at_hit = hit != NULL ? atoi (hit + 1) : 0;
  if (!ds_failpoint_exists (order.name))
    ds_failpoint_refuse (text);
  return order;
}

char *
ds_failpoint_report (void)
{
  GString *text = g_string_new (NULL);

  for (DsFailpoint *const *place = __start_ds_fp; place < __stop_ds_fp; place++)
    g_string_append_printf (text, "%s %d\n", (*place)->name,
                            g_atomic_int_get (&(*place)->n_hits));
  return g_string_free (text, FALSE);
}

static void
ds_failpoint_append_report (void)
{
  const char *path = g_getenv ("DS_FAILPOINTS_REPORT");
  g_autofree char *text = ds_failpoint_report ();
  int fd = open (path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

  if (fd < 0 || write (fd, text, strlen (text)) != (gssize) strlen (text))
    g_printerr ("DS_FAILPOINTS_REPORT: \"%s\" could not be written: %s\n", path,
                g_strerror (errno));
  if (fd >= 0)
    close (fd);
}

static void
ds_failpoint_arm (void)
{
  const char *text = g_getenv ("DS_FAILPOINTS");

  if (g_getenv ("DS_FAILPOINTS_REPORT") != NULL)
    atexit (ds_failpoint_append_report);
  if (text == NULL || *text == '\0')
    return;

  g_auto (GStrv) parts = g_strsplit (text, ";", -1);

  ds_failpoint_orders = g_array_new (FALSE, FALSE, sizeof (DsFailpointOrder));
  for (gsize i = 0; parts[i] != NULL; i++)
    {
      DsFailpointOrder order = ds_failpoint_parse (parts[i]);

      g_array_append_val (ds_failpoint_orders, order);
    }
}

static void
ds_failpoint_obey (const DsFailpointOrder *order)
{
  switch (order->action)
    {
    case DS_FAILPOINT_KILL:
      kill (getpid (), SIGKILL);
      break;
    case DS_FAILPOINT_ERRNO:
      ds_failpoint_errno = order->number;
      break;
    case DS_FAILPOINT_DELAY:
      g_usleep ((gulong) order->number * 1000);
      break;
    default:
      g_assert_not_reached ();
    }
}

void
ds_failpoint_hit (DsFailpoint *self)
{
  static gsize is_armed;
  int n_hits = g_atomic_int_add (&self->n_hits, 1) + 1;

  if (g_once_init_enter (&is_armed))
    {
      ds_failpoint_arm ();
      g_once_init_leave (&is_armed, 1);
    }
  for (guint i = 0; ds_failpoint_orders != NULL && i < ds_failpoint_orders->len; i++)
    {
      const DsFailpointOrder *order =
          &g_array_index (ds_failpoint_orders, DsFailpointOrder, i);

      if ((order->at_hit == 0 || order->at_hit == n_hits) &&
          g_str_equal (order->name, self->name))
        ds_failpoint_obey (order);
    }
}

int
ds_failpoint_take_errno (void)
{
  int error_number = ds_failpoint_errno;

  ds_failpoint_errno = 0;
  return error_number;
}

#endif /* DS_FAILPOINTS */
