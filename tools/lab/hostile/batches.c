#include "batches.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "i915.h"
#include "verdict.h"

enum { WORDS = 32, TOUCHED = 64 };

/*
 * Render and vebox, whose batches i915 does not read. It reads those of the blitter, and cancels what it finds there:
 * so its refusal is as good.
 */
static int probe_one(const char *name, int engine, uint64_t foreign, const uint32_t *commands, unsigned words)
{
    struct object objects[2] = { { buffer(PAGE), foreign }, { buffer(PAGE), 0x7f0000000000 } };
    uint32_t batch[WORDS] = { 0 };
    memcpy(batch, commands, words * 4);
    batch[words] = MI_BATCH_END;
    put(objects[1].handle, 0, batch, sizeof batch);
    int error = submit(0, engine, objects, 2);
    int waited = error ? 0 : wait_for(objects[0].handle, 30LL * SECOND);
    uint32_t landed = error ? 0 : get(objects[0].handle, TOUCHED);
    drop(objects[0].handle);
    drop(objects[1].handle);
    if (error && engine == I915_EXEC_BLT)
        return verdict(1, name, "the driver refuses it: %d", error);
    return verdict(!error && !waited && landed, name, "submit %d, wait %d, its own buffer has %#x", error, waited, landed);
}

int probe_batches(uint64_t foreign)
{
    const uint64_t at = foreign + TOUCHED;
    const uint32_t low = (uint32_t)at, high = (uint32_t)(at >> 32);
    const uint32_t store[] = { MI_STORE_WORD | GLOBAL, low, high, 0xbad0001 };
    const uint32_t reg[] = { MI_STORE_REGISTER | GLOBAL, 0x2358, low, high };
    const uint32_t pipe[] = { PIPE_CONTROL, PIPE_STORE | PIPE_GLOBAL, low, high, 0xbad0002, 0 };
    const uint32_t flush[] = { MI_FLUSH_LONG | FLUSH_STORE, low | FLUSH_GLOBAL, high, 0xbad0003, 0 };
    /* One pixel of 32 bits. */
    const uint32_t fill[] = { BLT_FILL, DEPTH_32 | 0xf0u << 16 | 64, 0, 1u << 16 | 1, low, high, 0xbad0004 };
    gpu = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
    if (gpu < 0)
        return verdict(0, "batches", "there is no i915");
    printf("note batches write to %#" PRIx64 "\n", at);
    return probe_one("batch-store", I915_EXEC_RENDER, foreign, store, 4) +
           probe_one("batch-register", I915_EXEC_RENDER, foreign, reg, 4) +
           probe_one("batch-pipe", I915_EXEC_RENDER, foreign, pipe, 6) +
           probe_one("batch-flush", I915_EXEC_VEBOX, foreign, flush, 5) +
           probe_one("batch-blit-flush", I915_EXEC_BLT, foreign, flush, 5) +
           probe_one("batch-fill", I915_EXEC_BLT, foreign, fill, 7);
}
