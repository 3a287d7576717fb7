/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The error domain.  Its name is part of the interface: programs in other languages match
 * on it, and so do logs. */

#include "base/ds-error.h"

/**
 * ds_error_quark:
 *
 * The domain of all errors of the library, as %DS_ERROR.
 *
 * Returns: the quark of "ds-error-quark"
 */
/* clang-format off */
G_DEFINE_QUARK (ds-error-quark, ds_error)
/* clang-format on */
