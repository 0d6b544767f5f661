#include "random.h"

static uint64_t state = 1;

void seed_random(uint64_t seed)
{
    /* xorshift stays at 0 for ever. */
    state = seed * 0x9e3779b97f4a7c15u | 1;
}

uint64_t any(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1du;
}

uint64_t below(uint64_t end)
{
    return any() % end;
}

unsigned any_size(void)
{
    return 1u << below(4);
}

uint64_t odd_value(void)
{
    switch (below(8)) {
    case 0: return 0;
    case 1: return ~0UL;
    case 2: return 1UL << below(64);
    case 3: return below(256);
    case 4: return (uint32_t)any() * 0x100000001u;
    /* A register whose upper half says which bits of the lower one are meant. */
    case 5: return (below(0x10000) << 16 | below(0x10000)) * 0x100000001u;
    default: return any();
    }
}
