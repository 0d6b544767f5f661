/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "isl_priv.h"
