/* Memory that may run out: every Nth allocation fails if a test says so. */
#ifndef SHIM_SLAB_H
#define SHIM_SLAB_H

#include <stdlib.h>

#define GFP_KERNEL 0

extern unsigned shim_fail_every;

static inline void *kzalloc(size_t size, int flags)
{
    static unsigned count;

    (void)flags;
    if (shim_fail_every && ++count % shim_fail_every == 0)
        return NULL;
    return calloc(1, size);
}

static inline void kfree(void *memory)
{
    free(memory);
}

#endif
