/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A setting of a streaming context: a row of the table in
 * ds-streaming-context-settings.c. */

#include "base/ds-time.h"

#include <glib-object.h>

G_BEGIN_DECLS

/* Of environment variables. */
#define DS_SETTING_PREFIX "DS_STREAMING_"

typedef enum
{
  DS_SETTING_DURATION, /* DsDuration */
  DS_SETTING_BYTES,    /* guint64 */
  DS_SETTING_COUNT,    /* guint */
  DS_SETTING_NUMBER,   /* double; here in millionths */
  DS_SETTING_BOOLEAN,  /* gboolean */
  DS_SETTING_CHOICE,   /* an enum */
  DS_SETTING_PATH      /* const char *, interned; its number is its address; 0: none */
} DsSettingKind;

#define DS_SETTING_MILLIONTHS 1e6
/* In millionths: as many digits as a double has. */
#define DS_SETTING_MAX_NUMBER G_GINT64_CONSTANT (1000000000000000)

typedef struct
{
  const char *name;
  DsSettingKind kind;
  gsize offset; /* in the context */
  gint64 minimum;
  gint64 fallback;
  GType (*get_type) (void); /* of a choice */
  const char *spark;        /* (nullable): what Spark calls it, behind spark.streaming. */
  const char *meaning;
} DsSetting;

/* "1.5s".  FALSE: malformed; the range is not looked at. */
gboolean ds_setting_parse_text (const DsSetting *self, const char *text, gint64 *value);
/* As it would be written, in the largest unit that divides it. */
char *ds_setting_format (const DsSetting *self, gint64 value);
/* "a whole number of at least 1" */
char *ds_setting_describe_values (const DsSetting *self);
/* "block-interval" to "DS_STREAMING_BLOCK_INTERVAL" */
char *ds_setting_make_variable (const DsSetting *self);

G_END_DECLS
