// SPDX-License-Identifier: MIT OR Apache-2.0
#include "i915.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

int gpu;

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

uint32_t buffer(uint64_t size)
{
	struct drm_i915_gem_create create = { .size = size };

	if (ioctl(gpu, DRM_IOCTL_I915_GEM_CREATE, &create)) {
		perror("GEM_CREATE");
		exit(100);
	}
	return create.handle;
}

void drop(uint32_t handle)
{
	struct drm_gem_close close = { .handle = handle };

	ioctl(gpu, DRM_IOCTL_GEM_CLOSE, &close);
}

void put(uint32_t handle, uint64_t at, const void *data, uint64_t size)
{
	struct drm_i915_gem_pwrite write = { .handle = handle, .offset = at, .size = size, .data_ptr = (uintptr_t)data };

	if (ioctl(gpu, DRM_IOCTL_I915_GEM_PWRITE, &write)) {
		perror("GEM_PWRITE");
		exit(100);
	}
}

uint32_t get(uint32_t handle, uint64_t at)
{
	uint32_t word = 0;
	struct drm_i915_gem_pread read = { .handle = handle, .offset = at, .size = 4, .data_ptr = (uintptr_t)&word };

	if (ioctl(gpu, DRM_IOCTL_I915_GEM_PREAD, &read)) {
		perror("GEM_PREAD");
		exit(100);
	}
	return word;
}

int wait_for(uint32_t handle, int64_t nanoseconds)
{
	struct drm_i915_gem_wait wait = { .bo_handle = handle, .timeout_ns = nanoseconds };

	return ioctl(gpu, DRM_IOCTL_I915_GEM_WAIT, &wait) ? -errno : 0;
}

void *map(uint32_t handle, uint64_t size, uint64_t kind)
{
	struct drm_i915_gem_mmap_offset offset = { .handle = handle, .flags = kind };
	void *at;

	if (ioctl(gpu, DRM_IOCTL_I915_GEM_MMAP_OFFSET, &offset))
		return NULL;
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, gpu, offset.offset);
	return at == MAP_FAILED ? NULL : at;
}

void domain(uint32_t handle, uint32_t which)
{
	struct drm_i915_gem_set_domain set = { .handle = handle, .read_domains = which, .write_domain = which };

	ioctl(gpu, DRM_IOCTL_I915_GEM_SET_DOMAIN, &set);
}

uint32_t seen(uint32_t handle, uint64_t size, uint64_t at)
{
	uint32_t *words = map(handle, size, I915_MMAP_OFFSET_WB), word;

	if (!words) {
		perror("GEM_MMAP_OFFSET");
		exit(100);
	}
	domain(handle, I915_GEM_DOMAIN_CPU);
	word = words[at / 4];
	munmap(words, size);
	return word;
}

uint32_t context(int priority)
{
	struct drm_i915_gem_context_create create = { 0 };
	struct drm_i915_gem_context_param param = { .param = I915_CONTEXT_PARAM_PRIORITY, .value = (uint64_t)priority };

	if (ioctl(gpu, DRM_IOCTL_I915_GEM_CONTEXT_CREATE, &create))
		return 0;
	param.ctx_id = create.ctx_id;
	ioctl(gpu, DRM_IOCTL_I915_GEM_CONTEXT_SETPARAM, &param);
	return create.ctx_id;
}

int guilty(uint32_t context_id)
{
	struct drm_i915_reset_stats stats = { .ctx_id = context_id };

	return ioctl(gpu, DRM_IOCTL_I915_GET_RESET_STATS, &stats) ? -errno : (int)stats.batch_active;
}

int submit(uint32_t context_id, int engine, const struct object *objects, unsigned int count)
{
	struct drm_i915_gem_exec_object2 list[OBJECTS] = { 0 };
	struct drm_i915_gem_execbuffer2 execute = { .buffers_ptr = (uintptr_t)list, .buffer_count = count };

	if (count > OBJECTS)
		return -EINVAL;
	for (unsigned int i = 0; i < count; i++) {
		list[i].handle = objects[i].handle;
		list[i].offset = objects[i].at;
		list[i].flags = EXEC_OBJECT_PINNED | EXEC_OBJECT_SUPPORTS_48B_ADDRESS |
				(i + 1 < count ? EXEC_OBJECT_WRITE : 0);
	}
	execute.flags = engine | I915_EXEC_NO_RELOC;
	i915_execbuffer2_set_context_id(execute, context_id);
	return ioctl(gpu, DRM_IOCTL_I915_GEM_EXECBUFFER2, &execute) ? -errno : 0;
}

uint32_t tiled_at(uint32_t tiling, uint32_t pitch, uint32_t x, uint32_t y)
{
	if (tiling == I915_TILING_X)
		return y / 8 * 8 * pitch + x / 512 * PAGE + y % 8 * 512 + x % 512;
	return y / 32 * 32 * pitch + x / 128 * PAGE + x % 128 / 16 * 512 + y % 32 * 16 + x % 16;
}
