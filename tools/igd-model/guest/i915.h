// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * i915's user-space interface as the tests and the soak use it, and the GPU's commands that both give. What can only
 * fail if the machine has no memory left ends the program.
 */
#ifndef I915_H
#define I915_H

#include <drm.h>
#include <i915_drm.h>
#include <stdint.h>

enum { PAGE = 4096, SECOND = 1000000000 };

#define MI_BATCH_BUFFER_END (0x0au << 23)
#define MI_STORE_DWORD (0x20u << 23 | 2)
#define MI_LOAD_REGISTER_IMM (0x22u << 23 | 1)
#define XY_COLOR_BLT (2u << 29 | 0x50u << 22 | 3u << 20 | 5)
#define XY_SRC_COPY_BLT (2u << 29 | 0x53u << 22 | 3u << 20 | 8)
#define SOURCE_TILED (1u << 15)
#define DEPTH_32 (3u << 24)
#define BCS_SWCTRL 0x22200u

/* The open device node. */
extern int gpu;

/* Seconds of the monotonic clock. */
double now(void);

uint32_t buffer(uint64_t size);
void drop(uint32_t handle);
void put(uint32_t handle, uint64_t at, const void *data, uint64_t size);
uint32_t get(uint32_t handle, uint64_t at);

/* 0 once the GPU is done with the buffer, or a negative error. */
int wait_for(uint32_t handle, int64_t nanoseconds);

/* The processor's own view: WB is cached, GTT goes through the aperture and its fences. NULL if there is none. */
void *map(uint32_t handle, uint64_t size, uint64_t kind);

/* Waits for the GPU, then lets the processor read and write there. */
void domain(uint32_t handle, uint32_t which);

/* A word as the processor's cached view has it, which no call of the driver copies. */
uint32_t seen(uint32_t handle, uint64_t size, uint64_t at);

/* The number of a new context, or 0. */
uint32_t context(int priority);

/* How many resets found a batch of this context at work and to blame, or a negative error. */
int guilty(uint32_t context_id);

/* Objects are pinned at graphics addresses of 48 bits, far apart; the last one is the batch. */
struct object {
	uint32_t handle;
	uint64_t at;
};

/* How many objects one submission may have. */
enum { OBJECTS = 8 };

/* 0, or a negative error. */
int submit(uint32_t context_id, int engine, const struct object *objects, unsigned int count);

/* Where byte x of row y lies in a tiled buffer (Skylake PRM, volume 5, "Tiled Memory"). */
uint32_t tiled_at(uint32_t tiling, uint32_t pitch, uint32_t x, uint32_t y);

#endif
