/* What the fuzzers have in common: see fuzz.c for what runs them. */
#ifndef HOSTILE_FUZZ_H
#define HOSTILE_FUZZ_H

#include <stdint.h>

#include "device.h"
#include "submit.h"

/*
 * Does random things until the time is over; says the seed, and in the end how often it did what. With names, only those
 * kinds of things. Returns 0: it is the others that must survive.
 */
int fuzz(uint64_t seed, unsigned seconds, char **kinds);

struct fuzz {
    struct window window;
    struct work work;
    /*
     * Whether it may do what makes GVT-g give up on the guest (its failsafe mode): there only a new vGPU helps, so this
     * must be seldom.
     */
    int reckless;
};

/* Each does one thing of a kind, and returns how many accesses that took. */
unsigned fuzz_config(struct fuzz *fuzz);
unsigned fuzz_mmio(struct fuzz *fuzz);
unsigned fuzz_ggtt(struct fuzz *fuzz);
unsigned fuzz_aperture(struct fuzz *fuzz);
unsigned fuzz_pvinfo(struct fuzz *fuzz);
unsigned fuzz_tables(struct fuzz *fuzz);
unsigned fuzz_ring(struct fuzz *fuzz);
unsigned fuzz_bounds(struct fuzz *fuzz);
unsigned fuzz_chain(struct fuzz *fuzz);
unsigned fuzz_hang(struct fuzz *fuzz);

/* Once, before any of them. */
void fuzz_tables_init(void);
void fuzz_entries_init(void);

/*
 * An entry of a graphics translation table: to a page of this process, to where the guest has no memory, or to nothing
 * that makes sense. Never to memory of the guest that is not this process's: the GPU could write there.
 */
uint64_t any_entry(void);

/* A frame of this process that is there to be pointed at. */
uint64_t own_frame(void);

/*
 * One access of any size, seldom a copy, at a random place in so many bytes, of which there are 8 or more. Returns how
 * many accesses it took.
 */
unsigned touch(volatile uint8_t *bar, uint64_t start, uint64_t bytes);

/* A copy of some words from or to a place that is aligned to 8 bytes, where 4096 follow. What it writes are entries. */
unsigned copy(volatile uint8_t *at);

#endif
