/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The few declarations that isl's tile copies need of the rest of Mesa, written anew. */
#ifndef XENGT_ISL_SHIM_H
#define XENGT_ISL_SHIM_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define FLATTEN __attribute__((flatten))
#define UNUSED __attribute__((unused))
#define unreachable(why) __builtin_unreachable()
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define MIN2(a, b) ((a) < (b) ? (a) : (b))
#define MAX2(a, b) ((a) > (b) ? (a) : (b))
#define ROUND_DOWN_TO(value, power) ((value) & ~((power) - 1))
#define ALIGN(value, power) ROUND_DOWN_TO((value) + (power) - 1, power)

/* Our own numbers: caller and callee are both compiled against this file. src/ffi.rs repeats them. */
enum isl_tiling { ISL_TILING_X = 1, ISL_TILING_Y0 = 2, ISL_TILING_4 = 3, ISL_TILING_W = 4 };
typedef enum {
    ISL_MEMCPY = 0,
    ISL_MEMCPY_BGRA8 = 1,
    ISL_MEMCPY_STREAMING_LOAD = 2,
    ISL_MEMCPY_INVALID = 3,
} isl_memcpy_type;

/* A copy of n bytes with memcpy's signature. */
typedef void *(*isl_mem_copy_fn)(void *to, const void *from, size_t n);

#endif
