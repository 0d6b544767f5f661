// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Random valid submissions, and a look at what they leave in memory. A round is one submission. What is random depends
 * on the seed and on nothing else, not on time either.
 */
#include "soak.h"

#include "i915.h"
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

enum { SURFACES = 20, CONTEXTS = 5, ROUNDS_AT_ONCE = 8 };

static struct surface surfaces[SURFACES];
static struct seat seats[CONTEXTS];
static uint64_t seed;
static unsigned long long compared;

/* Says once what is wrong; the caller ends the run. */
static int differs(const struct surface *surface, uint32_t byte, uint32_t found, const char *seen)
{
	static const char *const tilings[] = { "linear", "X-tiled", "Y-tiled" };
	uint32_t last = surface->last[byte / 4];

	printf("DIVERGENCE seed %llu round %u: byte %#x of a buffer of %#x bytes (%s, pitch %u, at %#llx) is %#x through "
	       "%s, expected %#x, which %s wrote in round %u",
	       (unsigned long long)seed, work.round, byte, surface->size, tilings[surface->tiling], surface->pitch,
	       (unsigned long long)surface->at, found, seen, surface->copy[byte / 4], writers[last & 15], last >> 5);
	printf((last & 15) < CPU && (last & 15) > NOBODY ? " on the %s engine\n" : "\n", work_engines[last >> 4 & 1].name);
	return 1;
}

/* The whole buffer as it lies in memory. */
static int compare(struct surface *surface)
{
	uint32_t *memory = map(surface->handle, surface->size, I915_MMAP_OFFSET_WB), byte = 0;
	int wrong = 0;

	if (!memory) {
		printf("DIVERGENCE seed %llu round %u: no map of a buffer\n", (unsigned long long)seed, work.round);
		return 1;
	}
	domain(surface->handle, I915_GEM_DOMAIN_CPU);
	if (memcmp(memory, surface->copy, surface->size)) {
		while (memory[byte / 4] == surface->copy[byte / 4])
			byte += 4;
		wrong = differs(surface, byte, memory[byte / 4], "the processor's map");
	}
	/* Some words come from the processor, too. */
	for (uint32_t left = below(8); left; left--) {
		uint32_t at = below(surface->size / 4) * 4, value = (uint32_t)any();

		memory[at / 4] = value;
		wrote(surface, at, value, 0, CPU);
	}
	munmap(memory, surface->size);
	surface->touched = 0;
	compared += surface->size;
	return wrong;
}

/* A few words through the aperture, which is slow here: written, and read. */
static int compare_aperture(struct surface *surface)
{
	volatile uint32_t *aperture = map(surface->handle, surface->size, I915_MMAP_OFFSET_GTT);
	int wrong = 0;

	if (!aperture) {
		printf("DIVERGENCE seed %llu round %u: no map through the aperture\n", (unsigned long long)seed, work.round);
		return 1;
	}
	domain(surface->handle, I915_GEM_DOMAIN_GTT);
	for (uint32_t left = 8; left && !wrong; left--) {
		uint32_t x = below(surface->pitch / 4) * 4, y = below(surface->rows);
		uint32_t linear = y * surface->pitch + x, at = place(surface, x, y), value = (uint32_t)any(), found;

		found = aperture[linear / 4];
		if (found != surface->copy[at / 4])
			wrong = differs(surface, at, found, "the aperture");
		aperture[linear / 4] = value;
		wrote(surface, at, value, 0, APERTURE);
		/* Writes through a BAR of the model are posted: only a read ends them. */
		found = aperture[linear / 4];
		if (!wrong && found != value)
			wrong = differs(surface, at, found, "the aperture");
	}
	munmap((void *)aperture, surface->size);
	compared += 8 * 4;
	return wrong;
}

static void make(struct surface *surface)
{
	static const uint32_t tile_rows[] = { 1, 8, 32 };
	struct drm_i915_gem_set_tiling tile = { 0 };
	uint32_t tiling = below(3);

	*surface = (struct surface){ .tiling = tiling, .pitch = 512u << below(3) };
	if (!tiling)
		surface->pitch = 64 * (1 + below(40));
	surface->rows = tile_rows[tiling] * (1 + below(tiling ? 8 : 200));
	surface->size = (surface->pitch * surface->rows + PAGE - 1) / PAGE * PAGE;
	/* Each at a place of its own, far from the others, and not always the same. */
	surface->at = ((uint64_t)(surface - surfaces) + 1) << 36 | (uint64_t)below(1 << 20) * PAGE;
	surface->handle = buffer(surface->size);
	surface->copy = calloc(surface->size, 1);
	surface->last = calloc(surface->size, 1);
	if (!surface->copy || !surface->last) {
		perror("calloc");
		exit(100);
	}
	tile.handle = surface->handle;
	tile.tiling_mode = tiling;
	tile.stride = tiling ? surface->pitch : 0;
	if (ioctl(gpu, DRM_IOCTL_I915_GEM_SET_TILING, &tile) || tile.tiling_mode != tiling) {
		perror("SET_TILING");
		exit(100);
	}
}

static void unmake(struct surface *surface)
{
	drop(surface->handle);
	free(surface->copy);
	free(surface->last);
	*surface = (struct surface){ 0 };
}

static void sit(struct seat *seat)
{
	memset(seat, 0, sizeof(*seat));
	seat->id = context((int)below(1001) - 500);
	if (!seat->id) {
		perror("CONTEXT_CREATE");
		exit(100);
	}
}

static void leave(struct seat *seat)
{
	struct drm_i915_gem_context_destroy destroy = { .ctx_id = seat->id };

	ioctl(gpu, DRM_IOCTL_I915_GEM_CONTEXT_DESTROY, &destroy);
}

static void choose_surfaces(struct batch *batch)
{
	uint32_t wanted = 1 + below(OBJECTS - 1);

	for (unsigned int i = below(SURFACES), seen = 0; seen < SURFACES && batch->count < wanted; seen++) {
		struct surface *surface = &surfaces[(i + seen) % SURFACES];

		if (surface->handle && (below(2) || (!batch->count && seen + 1 == SURFACES)))
			batch->surfaces[batch->count++] = surface;
	}
	if (!batch->count) {
		if (!surfaces[0].handle)
			make(&surfaces[0]);
		batch->surfaces[batch->count++] = &surfaces[0];
	}
}

/* One round; whether i915 refused it. */
static int submit_one(void)
{
	struct batch batch = { .nested = NESTED_AT };
	struct object objects[OBJECTS];
	uint32_t handle;
	int error;

	work.round++;
	batch.engine = (int)below(ENGINES);
	batch.seat = &seats[below(CONTEXTS)];
	/* Not where one of the last rounds had its batch, so that nothing must wait for that. */
	batch.address = (uint64_t)(1 + work.round % 64) << 24;
	choose_surfaces(&batch);
	fill_batch(&batch);
	for (unsigned int i = 0; i < batch.count; i++) {
		objects[i] = (struct object){ batch.surfaces[i]->handle, batch.surfaces[i]->at };
		batch.surfaces[i]->touched = 1;
	}
	handle = buffer(sizeof(batch.words));
	put(handle, 0, batch.words, sizeof(batch.words));
	objects[batch.count] = (struct object){ handle, batch.address };
	error = submit(batch.seat->id, work_engines[batch.engine].number, objects, batch.count + 1);
	/* The GPU may still be at it. */
	drop(handle);
	if (error)
		printf("DIVERGENCE seed %llu round %u: the %s engine's batch was refused: %s\n", (unsigned long long)seed,
		       work.round, work_engines[batch.engine].name, strerror(-error));
	return error != 0;
}

/* Some buffers and contexts come, and some go, whether the GPU is done with them or not. */
static void come_and_go(void)
{
	struct surface *surface = &surfaces[below(SURFACES)];

	if (surface->handle && !below(3))
		unmake(surface);
	if (!surface->handle)
		make(surface);
	if (!below(20)) {
		struct seat *seat = &seats[below(CONTEXTS)];

		leave(seat);
		sit(seat);
	}
}

static int turn(void)
{
	come_and_go();
	for (uint32_t left = 1 + below(ROUNDS_AT_ONCE); left; left--)
		if (submit_one())
			return 1;
	/* Some stay unseen until later, and some for ever. */
	for (int i = 0; i < SURFACES; i++) {
		if (!surfaces[i].touched || !below(4))
			continue;
		if (compare(&surfaces[i]) || (!below(8) && compare_aperture(&surfaces[i])))
			return 1;
	}
	return 0;
}

static void say(const char *what, double start)
{
	printf("%s seed %llu: %u rounds, %llu commands, %llu KB compared in %.0f s\n", what, (unsigned long long)seed,
	       work.round, work.commands, compared >> 10, now() - start);
	fflush(stdout);
}

int soak(uint64_t with_seed, double seconds)
{
	double start = now(), last = start;
	int wrong = 0;

	seed = work.random = with_seed;
	for (int i = 0; i < CONTEXTS; i++)
		sit(&seats[i]);
	while (!wrong && now() - start < seconds) {
		wrong = turn();
		if (now() - last >= 10) {
			last = now();
			say("running", start);
		}
	}
	for (int i = 0; i < SURFACES; i++) {
		if (!surfaces[i].handle)
			continue;
		wrong = wrong || compare(&surfaces[i]);
		unmake(&surfaces[i]);
	}
	for (int i = 0; i < CONTEXTS; i++)
		leave(&seats[i]);
	say(wrong ? "fail" : "pass", start);
	return wrong;
}
