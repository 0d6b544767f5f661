/* The C library's own headers include this one too. */
#include_next <linux/limits.h>
#ifndef U32_MAX
#define U32_MAX 0xffffffffu
#define U64_MAX 0xffffffffffffffffull
#endif
