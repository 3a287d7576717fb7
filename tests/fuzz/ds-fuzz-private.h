/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a target of the fuzzer is: a function that takes any bytes, and ends the program
 * when something is wrong with what became of them.  ds-fuzz-replay.c calls it with the
 * stored bytes and with random changes of them, clang's libFuzzer with what it finds. */

#include <glib.h>

G_BEGIN_DECLS

/* The name is libFuzzer's.  Always 0. */
int LLVMFuzzerTestOneInput (const guint8 *bytes, gsize n_bytes);

G_END_DECLS
