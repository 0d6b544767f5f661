/* Registers, the page by which GVT-g and its guest talk, and the aperture. */
#include "access.h"
#include "frames.h"
#include "fuzz.h"
#include "random.h"

/* Where emulation does more than to remember a value, and how often it is to be tried. */
static const struct place {
    uint32_t start, bytes;
    unsigned weight;
} places[] = {
    { 0x2000, 0x400, 6 },     /* rings: render, video, vebox, blitter */
    { 0x12000, 0x400, 3 },
    { 0x1a000, 0x400, 3 },
    { 0x22000, 0x400, 3 },
    { 0x20c0, 0x40, 2 },
    { 0x2100, 0x30, 1 },
    { 0x4000, 0x300, 2 },     /* faults, TLB */
    { 0x7000, 0x100, 1 },
    { 0x941c, 4, 1 },         /* reset */
    { 0xa000, 0x300, 3 },     /* power, forcewake */
    { 0xb000, 0x200, 2 },
    { 0xc800, 0x800, 1 },     /* caching */
    { 0x44200, 0x300, 6 },    /* interrupts */
    { 0x45000, 0x500, 2 },    /* clocks, power wells */
    { 0x46000, 0x200, 2 },
    { 0x50000, 0x1000, 1 },
    { 0x60000, 0x500, 3 },    /* timings of pipes, ports */
    { 0x61000, 0x500, 2 },
    { 0x64000, 0x400, 4 },    /* AUX */
    { 0x68000, 0x400, 2 },    /* scalers */
    { 0x70000, 0x400, 4 },    /* pipes and planes */
    { 0x71000, 0x400, 2 },
    { 0x72000, 0x400, 2 },
    { PVINFO, 0x1000, 4 },
    { 0xc4000, 0x100, 2 },    /* hot plug */
    { 0xc5100, 0x30, 6 },     /* GMBUS */
    { 0xc6000, 0x100, 2 },    /* sideband */
    { 0xc7200, 0x20, 1 },     /* panel power */
    { 0xe4000, 0x400, 2 },    /* AUX, on the other chip */
    { FENCES, 0x100, 4 },
    { 0x130000, 0x100, 1 },
    { 0x138000, 0x200, 3 },   /* mailbox */
    { 0x140000, 0x8000, 1 },
    { 0, REGISTERS, 10 },
    { REGISTERS - 16, 32, 1 }, /* the end of them */
};

/* Registers with which a guest says that it does not know GVT-g, and the four by which it asks for more than it has. */
static int gives_up(uint64_t at)
{
    static const uint32_t ring_registers[] = { 0x29c, 0xd4 };
    for (unsigned i = 0; i < ENGINES; i++)
        for (unsigned n = 0; n < 2; n++)
            if (at / 8 == (engines[i].base + ring_registers[n]) / 8)
                return 1;
    return at >= PVINFO + 0x800 && at < PVINFO + 0x818;
}

static const struct place *any_place(void)
{
    static unsigned total;
    if (!total)
        for (unsigned i = 0; i < sizeof places / sizeof *places; i++)
            total += places[i].weight;
    unsigned left = (unsigned)below(total);
    for (unsigned i = 0;; i++) {
        if (left < places[i].weight)
            return places + i;
        left -= places[i].weight;
    }
}

unsigned fuzz_mmio(struct fuzz *fuzz)
{
    const struct place *place = any_place();
    unsigned accesses = 1 + (unsigned)below(8), done = 0;
    for (unsigned i = 0; i < accesses; i++) {
        uint64_t at = (place->start + below(place->bytes)) & ~7UL;
        if (fuzz->reckless)
            done += touch(bar0, place->start, place->bytes);
        else if (!gives_up(at))
            done += touch(bar0, at, 8);
    }
    return done;
}

unsigned fuzz_pvinfo(struct fuzz *fuzz)
{
    unsigned accesses = 1 + (unsigned)below(4), done = 0;
    for (unsigned i = 0; i < accesses; i++) {
        uint64_t at = below(0x1000) & ~7UL;
        if (one_in(2))
            at = 0x818 + 8 * below(10); /* notifications, cursor, roots of tables */
        if (fuzz->reckless)
            done += touch(bar0, PVINFO, 0x1000);
        else if (!gives_up(PVINFO + at))
            done += touch(bar0, PVINFO + at, 8);
    }
    return done;
}

unsigned fuzz_aperture(struct fuzz *fuzz)
{
    const struct range *own = &fuzz->window.aperture;
    switch (below(4)) {
    case 0: return touch(bar2, 0, bar2_size);
    case 1: return touch(bar2, own->start, own->size);
    case 2: return own->start + own->size + PAGE <= bar2_size ? touch(bar2, own->start + own->size - 16, 32) : 0;
    default: return own->start >= 16 ? touch(bar2, own->start - 16, 32) : 0;
    }
}
