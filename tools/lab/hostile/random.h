/* Numbers that follow from a seed and from nothing else, so that a run can be had again. */
#ifndef HOSTILE_RANDOM_H
#define HOSTILE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void seed_random(uint64_t seed);

uint64_t any(void);

/* One below `end`, which is not 0. */
uint64_t below(uint64_t end);

/* True once in `times`. */
static inline int one_in(unsigned times)
{
    return below(times) == 0;
}

/* 1, 2, 4 or 8. */
unsigned any_size(void);

/* What breaks things more often than a random number does: 0, ones, single bits, small numbers, both halves alike. */
uint64_t odd_value(void);

#endif
