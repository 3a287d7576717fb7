/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Every symbol is hidden unless its declaration says this. */
#define DS_AVAILABLE_IN_ALL __attribute__ ((visibility ("default"))) extern
