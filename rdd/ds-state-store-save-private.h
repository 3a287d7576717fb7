/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What saving and loading of states agree on. */

#include "rdd/ds-checkpoint-frame-private.h"

G_BEGIN_DECLS

#define DS_STATE_SAVE_NAME "states"
#define DS_STATE_SAVE_VERSION 1
/* Bytes of a row, at least: key, age, order and state. */
#define DS_STATE_SAVE_MIN_ROW 4

G_END_DECLS
