/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/ds-macros.h"

#include "base/ds-time.h"

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * DsReceiverInfo:
 *
 * How a receiver was at one moment: an immutable snapshot, boxed, any thread.
 */
typedef struct _DsReceiverInfo DsReceiverInfo;
#define DS_TYPE_RECEIVER_INFO (ds_receiver_info_get_type ())
DS_AVAILABLE_IN_ALL
GType ds_receiver_info_get_type (void);
DS_AVAILABLE_IN_ALL
DsReceiverInfo *ds_receiver_info_ref (DsReceiverInfo *self);
DS_AVAILABLE_IN_ALL
void ds_receiver_info_unref (DsReceiverInfo *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DsReceiverInfo, ds_receiver_info_unref)

DS_AVAILABLE_IN_ALL
guint ds_receiver_info_get_stream_id (DsReceiverInfo *self);
DS_AVAILABLE_IN_ALL
const char *ds_receiver_info_get_name (DsReceiverInfo *self);
DS_AVAILABLE_IN_ALL
gboolean ds_receiver_info_is_active (DsReceiverInfo *self);
DS_AVAILABLE_IN_ALL
const char *ds_receiver_info_get_location (DsReceiverInfo *self);
DS_AVAILABLE_IN_ALL
const GError *ds_receiver_info_get_last_error (DsReceiverInfo *self);
DS_AVAILABLE_IN_ALL
DsTime ds_receiver_info_get_last_error_time (DsReceiverInfo *self);

G_END_DECLS
