// SPDX-License-Identifier: MIT OR Apache-2.0
#include "work.h"

#define MI_STORE_QWORD (0x20u << 23 | 1u << 21 | 3)
#define MI_STORE_REGISTER_MEM (0x24u << 23 | 2)
#define MI_LOAD_REGISTER_MEM (0x29u << 23 | 2)
#define MI_LOAD_REGISTER_REG (0x2au << 23 | 1)
#define MI_COPY_MEM_MEM (0x2eu << 23 | 3)
#define MI_ATOMIC_ADD (0x2fu << 23 | 1u << 18 | 7u << 8 | 9)
/* In the context's own space; a call, from which the batch goes on. */
#define MI_BATCH_BUFFER_START (0x31u << 23 | 1u << 8 | 1)
#define SECOND_LEVEL (1u << 22)
#define DESTINATION_TILED (1u << 11)
#define WRITE_ALPHA (1u << 21)
#define SWCTRL_SOURCE_Y 1u
#define SWCTRL_DESTINATION_Y 2u
/* Sixteen registers of 64 bits, from an engine's base. */
#define GENERAL 0x600u

/* No command is longer. */
enum { COMMAND_WORDS = 16 };

const struct engine work_engines[ENGINES] = { { "render", I915_EXEC_RENDER, 0x2000 },
					      { "blitter", I915_EXEC_BLT, 0x22000 } };

const char *const writers[] = { "nobody", "MI_STORE_DATA_IMM", "MI_STORE_DATA_IMM of 64 bits",
				       "MI_STORE_REGISTER_MEM", "MI_COPY_MEM_MEM", "MI_ATOMIC", "XY_COLOR_BLT",
				       "XY_SRC_COPY_BLT", "the processor", "the aperture" };

struct work work;

/* Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014. */
uint64_t any(void)
{
	uint64_t z = work.random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

uint32_t below(uint32_t end)
{
	return (uint32_t)((any() >> 32) * end >> 32);
}

void wrote(struct surface *surface, uint32_t byte, uint32_t value, int engine, enum writer writer)
{
	surface->copy[byte / 4] = value;
	surface->last[byte / 4] = work.round << 5 | (uint32_t)engine << 4 | writer;
}

uint32_t place(const struct surface *surface, uint32_t x, uint32_t y)
{
	return surface->tiling ? tiled_at(surface->tiling, surface->pitch, x, y) : y * surface->pitch + x;
}

static void emit(struct batch *batch, uint32_t word)
{
	batch->words[batch->at++] = word;
}

static void emit_address(struct batch *batch, uint64_t address)
{
	emit(batch, (uint32_t)address);
	emit(batch, (uint32_t)(address >> 32));
}

static struct surface *one_of(struct batch *batch)
{
	return batch->surfaces[below(batch->count)];
}

static uint32_t general(const struct batch *batch, uint32_t half)
{
	return work_engines[batch->engine].base + GENERAL + half * 4;
}

static void store_dword(struct batch *batch)
{
	struct surface *to = one_of(batch);
	uint32_t at = below(to->size / 4) * 4, value = (uint32_t)any();

	emit(batch, MI_STORE_DWORD);
	emit_address(batch, to->at + at);
	emit(batch, value);
	wrote(to, at, value, batch->engine, STORE_DWORD);
}

static void store_qword(struct batch *batch)
{
	struct surface *to = one_of(batch);
	uint32_t at = below(to->size / 8) * 8;
	uint64_t value = any();

	emit(batch, MI_STORE_QWORD);
	emit_address(batch, to->at + at);
	emit_address(batch, value);
	wrote(to, at, (uint32_t)value, batch->engine, STORE_QWORD);
	wrote(to, at + 4, (uint32_t)(value >> 32), batch->engine, STORE_QWORD);
}

static void load_register(struct batch *batch)
{
	uint32_t half = below(REGISTERS), other = below(REGISTERS), kind = below(3), at;
	struct surface *from = one_of(batch);

	if (kind == 2 && !batch->seat->registers[batch->engine][other].known)
		kind = 0;
	batch->seat->registers[batch->engine][half].known = 1;
	switch (kind) {
	case 0:
		batch->seat->registers[batch->engine][half].value = (uint32_t)any();
		emit(batch, MI_LOAD_REGISTER_IMM);
		emit(batch, general(batch, half));
		emit(batch, batch->seat->registers[batch->engine][half].value);
		break;
	case 1:
		at = below(from->size / 4) * 4;
		batch->seat->registers[batch->engine][half].value = from->copy[at / 4];
		emit(batch, MI_LOAD_REGISTER_MEM);
		emit(batch, general(batch, half));
		emit_address(batch, from->at + at);
		break;
	default:
		batch->seat->registers[batch->engine][half].value = batch->seat->registers[batch->engine][other].value;
		emit(batch, MI_LOAD_REGISTER_REG);
		emit(batch, general(batch, other));
		emit(batch, general(batch, half));
	}
}

static void store_register(struct batch *batch)
{
	struct surface *to = one_of(batch);
	uint32_t half = below(REGISTERS), at = below(to->size / 4) * 4;

	if (!batch->seat->registers[batch->engine][half].known)
		return;
	emit(batch, MI_STORE_REGISTER_MEM);
	emit(batch, general(batch, half));
	emit_address(batch, to->at + at);
	wrote(to, at, batch->seat->registers[batch->engine][half].value, batch->engine, STORE_REGISTER);
}

static void copy(struct batch *batch)
{
	struct surface *to = one_of(batch), *from = one_of(batch);
	uint32_t at = below(to->size / 4) * 4, source = below(from->size / 4) * 4;

	emit(batch, MI_COPY_MEM_MEM);
	emit_address(batch, to->at + at);
	emit_address(batch, from->at + source);
	wrote(to, at, from->copy[source / 4], batch->engine, COPY);
}

static void atomic(struct batch *batch)
{
	struct surface *to = one_of(batch);
	uint32_t at = below(to->size / 4) * 4, value = (uint32_t)any();

	emit(batch, MI_ATOMIC_ADD);
	emit_address(batch, to->at + at);
	emit(batch, value);
	for (int unused = 0; unused < 7; unused++)
		emit(batch, 0);
	wrote(to, at, to->copy[at / 4] + value, batch->engine, ATOMIC);
}

/* The parts of a surface that a rectangle may have in the middle of it. */
struct rectangle {
	uint32_t x, y, width, height;
};

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static struct rectangle rectangle(const struct surface *to, const struct surface *from)
{
	struct rectangle area;

	area.width = 1 + below(least(least(to->pitch, from->pitch) / 4, 96));
	area.height = 1 + below(least(least(to->rows, from->rows), 48));
	area.x = below(to->pitch / 4 - area.width + 1);
	area.y = below(to->rows - area.height + 1);
	return area;
}

static uint32_t pitch_of(const struct surface *surface)
{
	return surface->tiling ? surface->pitch / 4 : surface->pitch;
}

/* What "tiled" means in the next work.commands. Only the blitter's register has that, and the parser lets it pass. */
static void emit_walks(struct batch *batch, const struct surface *to, const struct surface *from)
{
	uint32_t walks = (to->tiling == I915_TILING_Y ? SWCTRL_DESTINATION_Y : 0) |
			 (from->tiling == I915_TILING_Y ? SWCTRL_SOURCE_Y : 0);

	emit(batch, MI_LOAD_REGISTER_IMM);
	emit(batch, BCS_SWCTRL);
	emit(batch, 3u << 16 | walks);
}

static void emit_target(struct batch *batch, uint32_t header, const struct surface *to, struct rectangle area,
			uint32_t raster)
{
	emit(batch, header | (to->tiling ? DESTINATION_TILED : 0));
	emit(batch, DEPTH_32 | raster << 16 | pitch_of(to));
	emit(batch, area.y << 16 | area.x);
	emit(batch, (area.y + area.height) << 16 | (area.x + area.width));
	emit_address(batch, to->at);
}

static void fill(struct batch *batch)
{
	struct surface *to = one_of(batch);
	struct rectangle area = rectangle(to, to);
	uint32_t color = (uint32_t)any(), exclusive = below(2), mask = below(4) ? UINT32_MAX : 0xffffff;

	emit_walks(batch, to, to);
	emit_target(batch, mask == UINT32_MAX ? XY_COLOR_BLT : XY_COLOR_BLT & ~WRITE_ALPHA, to, area,
		    exclusive ? 0x5a : 0xf0);
	emit(batch, color);
	for (uint32_t y = area.y; y < area.y + area.height; y++) {
		for (uint32_t x = area.x; x < area.x + area.width; x++) {
			uint32_t at = place(to, x * 4, y), old = to->copy[at / 4];

			wrote(to, at, ((exclusive ? old ^ color : color) & mask) | (old & ~mask), batch->engine, FILL);
		}
	}
}

static void blit(struct batch *batch)
{
	struct surface *to = one_of(batch), *from = one_of(batch);
	struct rectangle area = rectangle(to, from);
	uint32_t sx = below(from->pitch / 4 - area.width + 1), sy = below(from->rows - area.height + 1);
	uint32_t exclusive = below(2);

	/* In which order pixels are read and written is nobody's business. */
	if (to == from)
		return;
	emit_walks(batch, to, from);
	emit_target(batch, XY_SRC_COPY_BLT | (from->tiling ? SOURCE_TILED : 0), to, area, exclusive ? 0x66 : 0xcc);
	emit(batch, sy << 16 | sx);
	emit(batch, pitch_of(from));
	emit_address(batch, from->at);
	for (uint32_t y = 0; y < area.height; y++) {
		for (uint32_t x = 0; x < area.width; x++) {
			uint32_t at = place(to, (area.x + x) * 4, area.y + y);
			uint32_t source = from->copy[place(from, (sx + x) * 4, sy + y) / 4];

			wrote(to, at, exclusive ? to->copy[at / 4] ^ source : source, batch->engine, BLIT);
		}
	}
}

static void command(struct batch *batch)
{
	static void (*const any_engine[])(struct batch *) = { store_dword, store_qword, load_register, store_register,
							      copy };
	uint32_t kind = below(8);

	work.commands++;
	if (batch->engine == BLITTER && kind > 5)
		(kind == 6 ? fill : blit)(batch);
	else if (batch->engine == RENDER && kind == 7)
		atomic(batch);
	else
		any_engine[kind % 5](batch);
}

/* A batch that the batch calls. */
static void call(struct batch *batch)
{
	unsigned int back;

	emit(batch, MI_BATCH_BUFFER_START | SECOND_LEVEL);
	emit_address(batch, batch->address + batch->nested * 4);
	back = batch->at;
	batch->at = batch->nested;
	for (uint32_t left = below(6); left && batch->at + 2 * COMMAND_WORDS < BATCH_WORDS; left--)
		command(batch);
	emit(batch, MI_BATCH_BUFFER_END);
	batch->nested = batch->at;
	batch->at = back;
}

void fill_batch(struct batch *batch)
{
	/* i915 parses what the blitter shall do, in a copy of its own that calls cannot leave. */
	uint32_t calls = batch->engine == RENDER ? below(4) : 0;

	for (uint32_t left = 1 + below(40); left && batch->at + 2 * COMMAND_WORDS < NESTED_AT; left--) {
		if (calls && !below(8) && batch->nested + 2 * COMMAND_WORDS < BATCH_WORDS) {
			call(batch);
			calls--;
		}
		command(batch);
	}
	emit(batch, MI_BATCH_BUFFER_END);
}
