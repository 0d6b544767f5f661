/* The kernel's short names of integers, and bool. */
#ifndef SHIM_TYPES_H
#define SHIM_TYPES_H

#include_next <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
/* As in the kernel: printed with %llx. */
typedef unsigned long long u64;

#endif
