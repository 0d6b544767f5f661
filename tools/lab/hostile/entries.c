#include "access.h"
#include "frames.h"
#include "fuzz.h"
#include "random.h"

enum { FRAMES = 64, COPY_WORDS = 512 };

/* No guest of the lab has memory there: they have less than 2 GB. */
#define MEMORY_END (4UL << 30)
#define NO_MEMORY (1UL << 31)

static uint8_t *frames;
static uint64_t *copied;

void fuzz_entries_init(void)
{
    frames = pages(FRAMES);
    copied = pages(COPY_WORDS * 8 / PAGE);
}

uint64_t own_frame(void)
{
    return gpa_of(frames + below(FRAMES) * PAGE);
}

uint64_t any_entry(void)
{
    static const uint64_t nowhere[] = { 0xa0000, 0xf0000000, 0xfec00000, 0xfed00000, 0xfee00000, 0xfffff000 };
    uint64_t flags = one_in(3) ? below(4096) : 3, entry;
    switch (below(8)) {
    case 0: return 0;
    case 1: return nowhere[below(sizeof nowhere / sizeof *nowhere)] | flags;
    /* Nor may the lower half by itself be an address of memory: halves are written one by one. */
    case 2: return (MEMORY_END + below(1UL << 35)) / PAGE * PAGE | NO_MEMORY | flags;
    case 3:
        entry = odd_value();
        return entry == 0 ? 0 : entry | NO_MEMORY;
    default: return own_frame() | flags;
    }
}

unsigned copy(volatile uint8_t *at)
{
    static const unsigned short lengths[] = { 1, 2, 7, 64, COPY_WORDS };
    unsigned words = lengths[below(sizeof lengths / sizeof *lengths)];
    int backwards = one_in(4), out = one_in(2);
    unsigned first = backwards ? words - 1 : 0;
    if (out)
        for (unsigned i = 0; i < words; i++)
            copied[i] = any_entry();
    copy_words(out ? at + first * 8 : (volatile uint8_t *)(copied + first),
               out ? (volatile uint8_t *)(copied + first) : at + first * 8, words, backwards);
    return words;
}

unsigned touch(volatile uint8_t *bar, uint64_t start, uint64_t bytes)
{
    unsigned size = one_in(2) ? 4 : any_size();
    uint64_t at = start + below(bytes);
    if (!one_in(8))
        at -= at % size;
    if (bytes > COPY_WORDS * 8 && one_in(64) && at + COPY_WORDS * 8 <= start + bytes)
        return copy(bar + at / 8 * 8);
    /* Past the end of a range is of interest, past that of the BAR is nothing that we have. */
    if (at + size > start + bytes)
        at = start + bytes - size;
    if (one_in(3))
        (void)load(bar + at, size);
    else
        store(bar + at, size, odd_value());
    return 1;
}
