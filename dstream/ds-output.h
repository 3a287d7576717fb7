/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include "base/ds-block.h"
#include "base/ds-time.h"

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * DsOutput:
 *
 * Something done with every RDD of a stream.  Made by `ds_dstream_print ()` and the other
 * output operations; owned by its streaming context, and can be ignored.
 */
#define DS_TYPE_OUTPUT (ds_output_get_type ())
DS_AVAILABLE_IN_ALL
G_DECLARE_FINAL_TYPE (DsOutput, ds_output, DS, OUTPUT, GObject)

DS_AVAILABLE_IN_ALL
void ds_output_set_name (DsOutput *self, const char *name);
DS_AVAILABLE_IN_ALL
const char *ds_output_get_name (DsOutput *self);
DS_AVAILABLE_IN_ALL
guint ds_output_get_id (DsOutput *self);
DS_AVAILABLE_IN_ALL
char *ds_output_get_description (DsOutput *self);

/* ---- Of ds_dstream_save_as_text_files () and its like ---- */

DS_AVAILABLE_IN_ALL
void ds_output_set_skip_empty (DsOutput *self, gboolean skip_empty);
DS_AVAILABLE_IN_ALL
void ds_output_set_single_file (DsOutput *self, gboolean single_file);
DS_AVAILABLE_IN_ALL
void ds_output_set_adopt_output (DsOutput *self, gboolean adopt_output);

/* ---- Of ds_dstream_collect () ---- */

DS_AVAILABLE_IN_ALL
DsBlock *ds_output_get_block (DsOutput *self, DsTime batch_time);
DS_AVAILABLE_IN_ALL
void ds_output_clear (DsOutput *self);

G_END_DECLS
