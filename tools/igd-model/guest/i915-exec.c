// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Drives i915 through its user-space interface, and checks every result: stores on all engines, blits, tiled
 * buffers through the aperture, preemption, a hang and what comes after it.
 *
 * usage: i915-exec [-n NODE] [-w] [TEST...]      each test prints "pass NAME ..." or "fail NAME ..."
 *        i915-exec [-n NODE] soak SEED SECONDS   random submissions, see soak.c
 * With -w it keeps its buffers until its input ends. Those of `pages` are told: "object ADDRESS BYTES".
 * The exit code is the number of failed tests.
 */
#include "i915.h"
#include "soak.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Nothing of higher priority runs before this batch ends: so i915 learns that it hangs, for waiting can be preempted. */
#define MI_ARB_OFF (0x08u << 23)
#define MI_NOOP 0
#define MI_SEMAPHORE_WAIT_EQUAL (0x1cu << 23 | 2 | 1u << 15 | 4u << 12)
/* A client of the command streamer that does not exist: bits 31:29 are 7. */
#define BAD_COMMAND 0xe0000000u

/* Where a batch that should not get there by itself stores a word. */
enum { AFTER = 8 };

static char why[256];

#define CHECK(condition, ...)                                  \
	do {                                                   \
		if (!(condition)) {                            \
			snprintf(why, sizeof(why), __VA_ARGS__); \
			return 0;                              \
		}                                              \
	} while (0)

static const struct {
	int number;
	const char *name;
} engines[] = { { I915_EXEC_RENDER, "render" }, { I915_EXEC_BSD, "video" },
		{ I915_EXEC_BLT, "blitter" }, { I915_EXEC_VEBOX, "vebox" } };

/* A batch that stores `value` at `at`. */
static uint32_t store_batch(uint64_t at, uint32_t value)
{
	uint32_t batch = buffer(PAGE);
	uint32_t commands[] = { MI_STORE_DWORD, (uint32_t)at, (uint32_t)(at >> 32), value, MI_BATCH_BUFFER_END, 0 };

	put(batch, 0, commands, sizeof(commands));
	return batch;
}

static int store_on(uint32_t context_id, int engine, uint32_t value)
{
	struct object objects[2] = { { buffer(PAGE), 0x7f0000200000 }, { 0, 0x100000000 } };
	int error, waited;
	uint32_t found, mapped;

	objects[1].handle = store_batch(objects[0].at + 64, value);
	error = submit(context_id, engine, objects, 2);
	waited = wait_for(objects[0].handle, 10LL * SECOND);
	mapped = seen(objects[0].handle, PAGE, 64);
	found = get(objects[0].handle, 64);
	drop(objects[0].handle);
	drop(objects[1].handle);
	CHECK(!error && !waited && found == value && mapped == value,
	      "submit %d, wait %d, found %#x, mapped %#x, expected %#x", error, waited, found, mapped, value);
	return 1;
}

static int stores(void)
{
	for (unsigned int i = 0; i < sizeof(engines) / sizeof(*engines); i++)
		if (!store_on(0, engines[i].number, 0xdead0000 + i))
			return 0;
	return 1;
}

static int many(void)
{
	double start = now();

	for (uint32_t i = 0; i < 200; i++)
		if (!store_on(0, I915_EXEC_RENDER, i))
			return 0;
	snprintf(why, sizeof(why), "%.2f ms each", (now() - start) * 1e3 / 200);
	return 1;
}

/* Fills a rectangle, copies it elsewhere, and looks at every pixel. */
static int blits(void)
{
	enum { WIDTH = 64, HEIGHT = 32, SIZE = WIDTH * HEIGHT * 4 };
	struct object objects[3] = { { buffer(SIZE), 0x200000000 }, { buffer(SIZE), 0x300000000 },
				     { buffer(PAGE), 0x100000000 } };
	uint64_t from = objects[0].at, to = objects[1].at;
	uint32_t commands[] = {
		XY_COLOR_BLT, DEPTH_32 | 0xf0u << 16 | WIDTH * 4, 0, HEIGHT << 16 | WIDTH, (uint32_t)from,
		(uint32_t)(from >> 32), 0x11223344,
		XY_COLOR_BLT, DEPTH_32 | 0xf0u << 16 | WIDTH * 4, 2 << 16 | 3, 10 << 16 | 20, (uint32_t)from,
		(uint32_t)(from >> 32), 0xaabbccdd,
		XY_SRC_COPY_BLT, DEPTH_32 | 0xccu << 16 | WIDTH * 4, 5 << 16 | 7, 25 << 16 | 47, (uint32_t)to,
		(uint32_t)(to >> 32), 1 << 16 | 2, WIDTH * 4, (uint32_t)from, (uint32_t)(from >> 32),
		MI_BATCH_BUFFER_END, 0 };
	uint32_t *mapped = map(objects[1].handle, SIZE, I915_MMAP_OFFSET_WB);
	int error, waited;

	CHECK(mapped, "no cached map: %s", strerror(errno));
	put(objects[2].handle, 0, commands, sizeof(commands));
	error = submit(0, I915_EXEC_BLT, objects, 3);
	waited = wait_for(objects[1].handle, 10LL * SECOND);
	CHECK(!error && !waited, "submit %d, wait %d", error, waited);
	domain(objects[1].handle, I915_GEM_DOMAIN_CPU);
	for (uint32_t y = 0; y < HEIGHT; y++) {
		for (uint32_t x = 0; x < WIDTH; x++) {
			uint32_t sx = x - 7 + 2, sy = y - 5 + 1, expected = 0;

			if (x >= 7 && x < 47 && y >= 5 && y < 25)
				expected = sx >= 3 && sx < 20 && sy >= 2 && sy < 10 ? 0xaabbccdd : 0x11223344;
			uint32_t shown = mapped[y * WIDTH + x], found = get(objects[1].handle, (y * WIDTH + x) * 4);
			CHECK(found == expected && shown == expected, "pixel %u,%u is %#x, mapped %#x, expected %#x",
			      x, y, found, shown, expected);
		}
	}
	return 1;
}

/* Writes through the aperture, reads what lies in memory; then lets the blitter undo the tiling. */
static int tiled(uint32_t tiling)
{
	enum { PITCH = 1024, ROWS = 64, SIZE = PITCH * ROWS };
	struct object objects[3] = { { buffer(SIZE), 0x200000000 }, { buffer(SIZE), 0x300000000 },
				     { buffer(PAGE), 0x100000000 } };
	struct drm_i915_gem_set_tiling set = { .handle = objects[0].handle, .tiling_mode = tiling, .stride = PITCH };
	uint64_t from = objects[0].at, to = objects[1].at;
	uint32_t y_walk = tiling == I915_TILING_Y;
	uint32_t commands[] = {
		MI_LOAD_REGISTER_IMM, BCS_SWCTRL, 1u << 16 | y_walk,
		XY_SRC_COPY_BLT | SOURCE_TILED, DEPTH_32 | 0xccu << 16 | PITCH, 0, ROWS << 16 | PITCH / 4,
		(uint32_t)to, (uint32_t)(to >> 32), 0, PITCH / 4, (uint32_t)from, (uint32_t)(from >> 32),
		MI_LOAD_REGISTER_IMM, BCS_SWCTRL, 1u << 16,
		MI_BATCH_BUFFER_END, 0 };
	volatile uint32_t *aperture;
	uint32_t *memory;
	int error, waited;

	CHECK(!ioctl(gpu, DRM_IOCTL_I915_GEM_SET_TILING, &set), "SET_TILING: %s", strerror(errno));
	CHECK(set.tiling_mode == tiling && set.swizzle_mode == I915_BIT_6_SWIZZLE_NONE,
	      "tiling %u, swizzle %u", set.tiling_mode, set.swizzle_mode);
	aperture = map(objects[0].handle, SIZE, I915_MMAP_OFFSET_GTT);
	CHECK(aperture, "no map through the aperture: %s", strerror(errno));
	domain(objects[0].handle, I915_GEM_DOMAIN_GTT);
	for (uint32_t i = 0; i < SIZE / 4; i += 7)
		aperture[i] = i * 0x10001 + tiling;
	/* Writes through a BAR of the model are posted: only a read ends them. */
	CHECK(aperture[7] == 7 * 0x10001 + tiling, "the aperture reads %#x", aperture[7]);
	memory = map(objects[0].handle, SIZE, I915_MMAP_OFFSET_WB);
	CHECK(memory, "no cached map: %s", strerror(errno));
	domain(objects[0].handle, I915_GEM_DOMAIN_CPU);
	for (uint32_t i = 0; i < SIZE / 4; i += 7) {
		uint32_t at = tiled_at(tiling, PITCH, i * 4 % PITCH, i * 4 / PITCH);

		CHECK(memory[at / 4] == i * 0x10001 + tiling, "byte %#x lies not at %#x", i * 4, at);
	}
	put(objects[2].handle, 0, commands, sizeof(commands));
	error = submit(0, I915_EXEC_BLT, objects, 3);
	waited = wait_for(objects[1].handle, 10LL * SECOND);
	CHECK(!error && !waited, "submit %d, wait %d", error, waited);
	for (uint32_t i = 0; i < SIZE / 4; i += 7) {
		uint32_t found = get(objects[1].handle, i * 4);

		CHECK(found == i * 0x10001 + tiling, "the blitter put %#x at %#x", found, i * 4);
	}
	return 1;
}

static int tiled_x(void)
{
	return tiled(I915_TILING_X);
}

static int tiled_y(void)
{
	return tiled(I915_TILING_Y);
}

/* A batch that begins with a command, waits until the first word of `at` is 1, then stores there. */
static uint32_t spinner(uint64_t at, uint32_t first)
{
	uint32_t batch = buffer(PAGE);
	uint32_t commands[] = { first, MI_SEMAPHORE_WAIT_EQUAL, 1, (uint32_t)at, (uint32_t)(at >> 32),
				MI_STORE_DWORD, (uint32_t)at + AFTER, (uint32_t)(at >> 32), 0x5151,
				MI_BATCH_BUFFER_END, 0 };

	put(batch, 0, commands, sizeof(commands));
	return batch;
}

static int preemption(void)
{
	struct object objects[2] = { { buffer(PAGE), 0x300000000 }, { 0, 0x200000000 } };
	uint32_t *flag = map(objects[0].handle, PAGE, I915_MMAP_OFFSET_WB);
	int error, waited;

	CHECK(flag, "no map: %s", strerror(errno));
	objects[1].handle = spinner(objects[0].at, MI_NOOP);
	error = submit(context(-500), I915_EXEC_RENDER, objects, 2);
	CHECK(!error, "the spinner was refused: %d", error);
	usleep(20000);
	waited = wait_for(objects[0].handle, 1000);
	CHECK(waited == -ETIME, "the spinner ended by itself: %d", waited);
	if (!store_on(context(500), I915_EXEC_RENDER, 0xbeef))
		return 0;
	waited = wait_for(objects[0].handle, 1000);
	CHECK(waited == -ETIME, "the spinner did not survive: %d", waited);
	__atomic_store_n(flag, 1, __ATOMIC_SEQ_CST);
	waited = wait_for(objects[0].handle, 10LL * SECOND);
	CHECK(!waited && flag[AFTER / 4] == 0x5151, "released: wait %d, found %#x", waited, flag[AFTER / 4]);
	return 1;
}

/*
 * Submits a batch that never gets to its store; the driver resets the engine, blames the batch, and the next one runs.
 * A reset of one engine counts for its context alone, so the driver's number of all resets says nothing.
 */
static int hang_on(int engine, uint32_t batch, struct object target)
{
	struct object objects[2] = { target, { batch, 0x200000000 } };
	uint32_t own = context(0), stored;
	double start = now();
	int error, waited, blamed;

	CHECK(own, "no context: %s", strerror(errno));
	blamed = guilty(own);
	CHECK(!blamed, "a new context is blamed for %d", blamed);
	error = submit(own, engine, objects, 2);
	CHECK(!error, "the batch was refused: %d", error);
	waited = wait_for(target.handle, 60LL * SECOND);
	CHECK(!waited, "not reset: %d", waited);
	stored = get(target.handle, AFTER);
	CHECK(!stored, "the batch ran through: it stored %#x", stored);
	blamed = guilty(own);
	CHECK(blamed == 1, "%d resets are this batch's fault, expected 1", blamed);
	if (!store_on(0, engine, 0xcafe))
		return 0;
	snprintf(why, sizeof(why), "reset after %.1f s", now() - start);
	return 1;
}

static int hang(void)
{
	struct object target = { buffer(PAGE), 0x300000000 };

	return hang_on(I915_EXEC_RENDER, spinner(target.at, MI_ARB_OFF), target);
}

static int bad_command(void)
{
	struct object target = { buffer(PAGE), 0x300000000 };
	uint32_t batch = buffer(PAGE);
	/* A GPU that took these for nothing would get to the store. */
	uint32_t commands[] = { BAD_COMMAND, BAD_COMMAND, MI_STORE_DWORD, (uint32_t)target.at + AFTER,
				(uint32_t)(target.at >> 32), 0x5151, MI_BATCH_BUFFER_END, 0 };

	put(batch, 0, commands, sizeof(commands));
	return hang_on(I915_EXEC_RENDER, batch, target);
}

/*
 * The GPU writes into each page of some objects the number of the page in the context's address space, so that
 * whoever finds the page there can tell it. The objects stay. They lie in different page tables and directories.
 */
static int pages(void)
{
	static const struct {
		uint64_t at, size;
	} places[] = { { 0x5a0000000000, PAGE }, { 0x5a0000200000, 2 << 20 }, { 0x5a0040010000, 9 * PAGE },
		       { 0x7e57003f0000, 32 * PAGE } };
	enum { COUNT = sizeof(places) / sizeof(*places), ALL = 1 + 512 + 9 + 32, BATCH = 4 * PAGE };
	static uint32_t commands[ALL * 4 + 2];
	struct object objects[COUNT + 1];
	uint32_t *next = commands;
	int error, waited;

	for (unsigned int i = 0; i < COUNT; i++) {
		objects[i] = (struct object){ buffer(places[i].size), places[i].at };
		for (uint64_t at = places[i].at; at < places[i].at + places[i].size; at += PAGE) {
			*next++ = MI_STORE_DWORD;
			*next++ = (uint32_t)at;
			*next++ = (uint32_t)(at >> 32);
			*next++ = (uint32_t)(at / PAGE);
		}
	}
	*next++ = MI_BATCH_BUFFER_END;
	objects[COUNT] = (struct object){ buffer(BATCH), 0x5a0080000000 };
	put(objects[COUNT].handle, 0, commands, sizeof(commands));
	error = submit(0, I915_EXEC_RENDER, objects, COUNT + 1);
	waited = wait_for(objects[0].handle, 10LL * SECOND);
	CHECK(!error && !waited, "submit %d, wait %d", error, waited);
	for (unsigned int i = 0; i < COUNT; i++) {
		uint64_t last = places[i].size - PAGE;
		uint32_t found = get(objects[i].handle, last);

		CHECK(found == (uint32_t)((places[i].at + last) / PAGE), "object %u ends in %#x", i, found);
		printf("object %#llx %#llx\n", (unsigned long long)places[i].at,
		       (unsigned long long)places[i].size);
	}
	return 1;
}

static const struct {
	const char *name;
	int (*run)(void);
} tests[] = { { "stores", stores }, { "many", many }, { "blits", blits }, { "tiled-x", tiled_x },
	      { "tiled-y", tiled_y }, { "pages", pages }, { "preemption", preemption }, { "hang", hang },
	      { "bad-command", bad_command } };

static int wanted(int argc, char **argv, const char *name)
{
	for (int i = optind; i < argc; i++)
		if (!strcmp(argv[i], name))
			return 1;
	return optind == argc;
}

int main(int argc, char **argv)
{
	const char *node = "/dev/dri/card0";
	int option, wait = 0, failed = 0;

	while ((option = getopt(argc, argv, "n:w")) != -1) {
		if (option == 'n')
			node = optarg;
		else if (option == 'w')
			wait = 1;
		else
			return 100;
	}
	gpu = open(node, O_RDWR);
	if (gpu < 0) {
		perror(node);
		return 100;
	}
	if (argc - optind == 3 && !strcmp(argv[optind], "soak"))
		return soak(strtoull(argv[optind + 1], NULL, 0), atof(argv[optind + 2]));
	for (unsigned int i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		int passed;

		if (!wanted(argc, argv, tests[i].name))
			continue;
		why[0] = 0;
		passed = tests[i].run();
		printf("%s %s%s%s\n", passed ? "pass" : "fail", tests[i].name, *why ? " " : "", why);
		fflush(stdout);
		failed += !passed;
	}
	while (wait && getchar() != EOF)
		;
	return failed;
}
