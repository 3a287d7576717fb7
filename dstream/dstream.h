/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The one header that programs include: #include <dstream/dstream.h> */

#include "base/ds-block.h"
#include "base/ds-clock.h"
#include "base/ds-error.h"
#include "base/ds-time.h"
#include "base/ds-value.h"
#include "rdd/ds-context.h"
#include "rdd/ds-functions.h"
#include "rdd/ds-rdd-async.h"
#include "rdd/ds-rdd.h"
#include "rdd/ds-state.h"
#include "rdd/ds-task.h"
#include "receivers/ds-receiver.h"
#include "dstream/ds-batch.h"
#include "dstream/ds-dstream.h"
#include "dstream/ds-input-dstream.h"
#include "dstream/ds-output.h"
#include "dstream/ds-receiver-info.h"
#include "dstream/ds-streaming-context.h"
