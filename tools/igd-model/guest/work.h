// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Random batches. Every command that goes into one is also done, at once, to a copy of the buffers in this process:
 * i915 keeps submissions that share a buffer in their order, and each of these marks all its buffers as written, so
 * that the copy is what the GPU must have made of them. Registers are as much the context's own as memory is, and so
 * they have a copy, too.
 */
#ifndef WORK_H
#define WORK_H

#include "i915.h"

#include <stdint.h>

enum {
	REGISTERS = 32, /* halves of the general ones */
	BATCH_WORDS = 2048,
	NESTED_AT = 1024, /* word of a batch; the calls' targets lie from here on */
};

enum { RENDER, BLITTER, ENGINES };

extern const struct engine {
	const char *name;
	int number;
	uint32_t base;
} work_engines[ENGINES];

/* Who wrote a word last. */
enum writer { NOBODY, STORE_DWORD, STORE_QWORD, STORE_REGISTER, COPY, ATOMIC, FILL, BLIT, CPU, APERTURE };

extern const char *const writers[];

/* A buffer, and what it should hold. */
struct surface {
	uint32_t handle; /* 0 if there is none */
	uint64_t at;
	uint32_t size, pitch, rows, tiling;
	uint32_t *copy; /* as it lies in memory */
	uint32_t *last; /* for each word: round, engine and writer */
	int touched;
};

/* A context, and what its registers should hold. */
struct seat {
	uint32_t id;
	struct {
		uint32_t value;
		int known;
	} registers[ENGINES][REGISTERS];
};

/* A submission that is being made. */
struct batch {
	uint32_t words[BATCH_WORDS];
	unsigned int at, nested;
	uint64_t address;
	int engine;
	struct seat *seat;
	struct surface *surfaces[OBJECTS - 1];
	unsigned int count;
};

/* What all batches so far have in common. */
extern struct work {
	uint64_t random; /* the state that the next number follows from */
	uint32_t round; /* the submission that is being made, from 1 on */
	unsigned long long commands;
} work;

/* A random number. */
uint64_t any(void);

/* One below `end`. */
uint32_t below(uint32_t end);

/* Remembers that this word was written. */
void wrote(struct surface *surface, uint32_t byte, uint32_t value, int engine, enum writer writer);

/* Where byte x of row y lies. */
uint32_t place(const struct surface *surface, uint32_t x, uint32_t y);

/* Puts random commands that use its surfaces into an empty batch. */
void fill_batch(struct batch *batch);

#endif
