#include "window.h"

#include <inttypes.h>
#include <stdio.h>

#include "access.h"
#include "frames.h"
#include "verdict.h"

/* An entry that no driver makes: its frame is past the memory of any machine of the lab. */
#define PATTERN UINT64_C(0x0000003fabcde003)
#define FENCE_PATTERN UINT64_C(0x0123400001234001)

enum { PLACES = 16 };

/* Entries that are not ours: the neighbours of our two ranges, both ends of the GGTT, and some all over the other's. */
static unsigned foreign_entries(const struct window *own, const struct window *other, uint64_t *entries)
{
    const struct range ranges[] = { own->aperture, own->hidden, other->aperture, other->hidden };
    uint64_t tried[PLACES] = { 0, GGTT_ENTRIES - 1 };
    unsigned count = 2, kept = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t first = ranges[i].start / PAGE, after = first + ranges[i].size / PAGE;
        if (i < 2) {
            tried[count++] = first - 1;
            tried[count++] = after;
        } else {
            tried[count++] = first;
            tried[count++] = first + (after - first) / 2;
            tried[count++] = after - 1;
        }
    }
    for (unsigned i = 0; i < count; i++)
        if (tried[i] < GGTT_ENTRIES && !is_own(own, tried[i] * PAGE))
            entries[kept++] = tried[i];
    return kept;
}

/* Returns whether something of the pattern can be read back. */
static int entry_sticks(uint64_t entry, int halves)
{
    volatile uint8_t *at = bar0 + GGTT + entry * 8;
    if (halves) {
        store(at, 4, (uint32_t)PATTERN);
        store(at + 4, 4, PATTERN >> 32);
    } else {
        store(at, 8, PATTERN);
    }
    uint64_t found = load(at, 8);
    if (found == 0 || found == UINT64_MAX)
        return 0;
    printf("note entry %#" PRIx64 " reads %#" PRIx64 "\n", entry, found);
    return 1;
}

static int probe_entries(const struct window *own, const struct window *other)
{
    uint64_t entries[PLACES];
    unsigned count = foreign_entries(own, other, entries), stuck = 0;
    for (unsigned i = 0; i < count; i++)
        stuck += entry_sticks(entries[i], 0) + entry_sticks(entries[i], 1);
    return verdict(count && !stuck, "ggtt", "%u of %u writes to foreign entries stuck", stuck, count * 2);
}

/* Else the probe above would pass on a vGPU that takes no entry at all. The entry is one among others like it. */
static int probe_own_entry(const struct window *own)
{
    uint64_t first = own->hidden.start / PAGE, count = own->hidden.size / PAGE;
    for (uint64_t i = first + count / 4; i + 2 < first + count; i += 97) {
        uint64_t was = ggtt_read(i);
        if (ggtt_read(i - 1) != was || ggtt_read(i + 1) != was)
            continue;
        ggtt_write(i, PATTERN & ~1UL);
        uint64_t found = ggtt_read(i);
        ggtt_write(i, was);
        return verdict(found == (PATTERN & ~1UL), "ggtt-own", "entry %#" PRIx64 " reads %#" PRIx64, i, found);
    }
    return verdict(0, "ggtt-own", "no entry is free");
}

static int probe_fence_count(const struct window *own)
{
    unsigned stuck = 0, tried = 0;
    for (unsigned fence = own->fences; fence < 64; fence++, tried++) {
        volatile uint8_t *at = bar0 + FENCES + fence * 8;
        store(at, 4, (uint32_t)FENCE_PATTERN);
        store(at + 4, 4, FENCE_PATTERN >> 32);
        uint32_t low = (uint32_t)load(at, 4), high = (uint32_t)load(at + 4, 4);
        stuck += low == (uint32_t)FENCE_PATTERN || high == FENCE_PATTERN >> 32;
        /* If there is such a register after all, it is somebody's. */
        store(at, 8, 0);
    }
    return verdict(own->fences && tried && !stuck, "fence-count", "%u of %u fences past our %u took what was written",
                   stuck, tried, own->fences);
}

/*
 * A fence of our own that covers the other's aperture would tile what the other's processor writes there. The register
 * reads as it was written, whatever the GPU's own has, so dom0 looks: it stays until our driver uses the fence again.
 */
static void leave_foreign_fence(const struct window *own, const struct window *other)
{
    const uint32_t last = (uint32_t)(other->aperture.start + other->aperture.size - PAGE);
    volatile uint8_t *at = bar0 + FENCES + (own->fences - 1) * 8;
    /* From its first page to its last, X-tiled, rows of 512 bytes, valid. */
    store(at + 4, 4, last | 3);
    store(at, 4, (uint32_t)other->aperture.start | 1);
    printf("note fence %u now says %#" PRIx64 "\n", own->fences - 1, load(at, 8));
}

static int probe_aperture(const struct window *own, const struct window *other)
{
    const uint64_t places[] = { other->aperture.start, other->aperture.start + other->aperture.size / 2,
                                other->aperture.start + other->aperture.size - 8, own->aperture.start - 4,
                                own->aperture.start + own->aperture.size - 4 };
    unsigned tried = 0, reached = 0;
    for (unsigned i = 0; i < sizeof places / sizeof *places; i++)
        for (unsigned size = 1; size <= 8; size *= 2) {
            uint64_t at = places[i];
            /* Those at our own edges are meant to cross them. */
            if (at >= bar2_size || size > bar2_size - at || (is_own(own, at) && is_own(own, at + size - 1)))
                continue;
            uint64_t ones = size == 8 ? ~0UL : (1UL << 8 * size) - 1;
            uint64_t before = load(bar2 + at, size);
            store(bar2 + at, size, 0x5a5a5a5a5a5a5a5a);
            uint64_t after = load(bar2 + at, size);
            tried++;
            if (before != ones || after != ones) {
                printf("note aperture %#" PRIx64 " size %u reads %#" PRIx64 ", then %#" PRIx64 "\n", at, size, before,
                       after);
                reached++;
            }
        }
    return verdict(tried && !reached, "aperture", "%u of %u foreign places answered", reached, tried);
}

int probe_window(const struct window *other)
{
    if (!device_is_there())
        return verdict(0, "vgpu", "there is none");
    struct window own = device_window();
    printf("note own aperture %#" PRIx64 "+%#" PRIx64 ", hidden %#" PRIx64 "+%#" PRIx64 ", %u fences\n",
           own.aperture.start, own.aperture.size, own.hidden.start, own.hidden.size, own.fences);
    int failed = verdict(!is_own(&own, other->aperture.start) && !is_own(&own, other->hidden.start) &&
                             !is_own(other, own.aperture.start) && !is_own(other, own.hidden.start),
                         "apart", "the windows share no address");
    failed += probe_own_entry(&own);
    failed += probe_entries(&own, other);
    failed += probe_fence_count(&own);
    failed += probe_aperture(&own, other);
    leave_foreign_fence(&own, other);
    return failed;
}
