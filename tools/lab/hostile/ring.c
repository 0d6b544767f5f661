#include "ring.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "access.h"
#include "commands.h"
#include "frames.h"
#include "submit.h"
#include "verdict.h"

/* The one register that GVT-g lets a guest store. */
#define L3_CONTROL 0xb118u

/* What the word holds that a command must have overwritten. */
#define UNTOUCHED 0x11111111u

/* Commands that write to a global address. Each has the address in words 1 and 2, or 2 and 3. */
static const struct kind {
    const char *name;
    unsigned engine, words, address;
    uint32_t command[11];
} kinds[] = {
    { "store", RENDER, 4, 1, { MI_STORE_WORD | GLOBAL, 0, 0, 0xbad } },
    { "register", RENDER, 4, 2, { MI_STORE_REGISTER | GLOBAL, L3_CONTROL } },
    { "atomic", RENDER, 11, 1, { MI_ATOMIC_ADD | GLOBAL, 0, 0, 1 } },
    { "flush", BLITTER, 4, 1, { MI_FLUSH | FLUSH_STORE, FLUSH_GLOBAL, 0, 0xbad } },
    { "flush-long", BLITTER, 5, 1, { MI_FLUSH_LONG | FLUSH_STORE, FLUSH_GLOBAL, 0, 0xbad, 0xbad } },
    { "pipe", RENDER, 6, 2, { PIPE_CONTROL, PIPE_STORE | PIPE_GLOBAL, 0, 0, 0xbad, 0xbad } },
    { "pipe-time", RENDER, 6, 2, { PIPE_CONTROL, PIPE_STORE_TIME | PIPE_GLOBAL } },
};

static const struct kind *find_kind(const char *name)
{
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i].name, name))
            return kinds + i;
    return NULL;
}

/* Puts such a command at the ring's start. */
static void put_kind(const struct work *work, const struct kind *kind, uint64_t at)
{
    memcpy(work->ring, kind->command, kind->words * 4);
    work->ring[kind->address] |= (uint32_t)at;
    work->ring[kind->address + 1] = (uint32_t)(at >> 32);
}

/* Puts a store to our own memory behind what is in the ring, and submits it. */
static void run_ring(const struct work *work, unsigned engine, unsigned words, uint32_t value)
{
    uint64_t at = work->target_at + 64;
    memcpy(work->ring + words, (uint32_t[]){ MI_STORE_WORD | GLOBAL, (uint32_t)at, (uint32_t)(at >> 32), value }, 16);
    words += 4;
    /* The tail counts in units of 8 bytes. */
    while (words % 2)
        work->ring[words++] = MI_NOOP;
    work_context(work, words);
    work_submit(engine, work_descriptor(work), 0);
}

/* What the aperture shows of memory is that memory. */
static int probe_own_aperture(const struct window *own)
{
    uint32_t *page = pages(1);
    page[3] = 0x600d600d;
    uint64_t at = own->aperture.start + 16 * PAGE;
    ggtt_write(at / PAGE, gpa_of(page) | 1);
    uint32_t found = (uint32_t)load(bar2 + at + 12, 4);
    store(bar2 + at + 16, 4, 0x0b5e55ed);
    /* A write may be posted; a read comes behind it. */
    (void)load(bar2 + at, 4);
    uint32_t left = *(volatile uint32_t *)(page + 4);
    return verdict(found == 0x600d600d && left == 0x0b5e55ed, "aperture-own", "reads %#x, memory then has %#x", found,
                   left);
}

int probe_ring(const char *name, const struct window *other)
{
    const struct kind *kind = find_kind(name);
    if (!kind)
        return -1;
    if (!device_is_there())
        return verdict(0, "vgpu", "there is none");
    struct window own = device_window();
    struct work work = work_new(&own);
    work_map(&work);
    int failed = probe_own_aperture(&own);
    volatile uint32_t *behind = work.target + 16, *target = work.target;
    const char *engine = engines[kind->engine].name;

    run_ring(&work, kind->engine, 0, 0x0c0ffee0);
    failed += verdict(work_wait(behind, 0x0c0ffee0, 20), "ring-own", "%s engine: memory has %#x", engine, *behind);
    /* The command with an address of our own: that it is refused for the other's is then the address's fault. */
    *target = UNTOUCHED;
    put_kind(&work, kind, work.target_at);
    run_ring(&work, kind->engine, kind->words, 0x0c0ffee1);
    failed += verdict(work_wait(behind, 0x0c0ffee1, 20) && *target != UNTOUCHED, "ring-own-command",
                      "%s stored %#x, behind it is %#x", name, *target, *behind);
    /* Nothing of a ring runs that names a foreign address. */
    uint64_t foreign = other->hidden.start + other->hidden.size / 2;
    put_kind(&work, kind, foreign);
    run_ring(&work, kind->engine, kind->words, 0x0c0ffee2);
    failed += verdict(!work_wait(behind, 0x0c0ffee2, 5), "ring-foreign", "%s to %#" PRIx64 ": behind it is %#x", name,
                      foreign, *behind);
    return failed;
}
