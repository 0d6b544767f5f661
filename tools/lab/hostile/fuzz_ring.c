/*
 * Contexts, rings and batches. What GVT-g can read of it runs; what it cannot makes it give up on the guest, so that is
 * kept for when one is reckless.
 */
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "frames.h"
#include "fuzz.h"
#include "random.h"

enum { RING_WORDS = RING_PAGES * 1024, BATCH_WORDS = BATCH_PAGES * 1024 };

static unsigned words;

static void put(const struct fuzz *fuzz, uint32_t word)
{
    if (words < RING_WORDS - 8)
        fuzz->work.ring[words++] = word;
}

static void put_address(const struct fuzz *fuzz, uint64_t at)
{
    put(fuzz, (uint32_t)at);
    put(fuzz, (uint32_t)(at >> 32));
}

static uint64_t own_address(const struct fuzz *fuzz)
{
    return fuzz->work.target_at + below(PAGE / 8) * 8;
}

/* An address anywhere, or just at the edge of what is ours. */
static uint64_t any_address(const struct fuzz *fuzz)
{
    const struct range *own = one_in(2) ? &fuzz->window.aperture : &fuzz->window.hidden;
    switch (below(4)) {
    case 0: return any() & 0xfffffffffff8;
    case 1: return own->start + own->size - 4;
    case 2: return own->start - 8;
    default: return (uint32_t)any() & ~7u;
    }
}

/* Commands that GVT-g lets pass. */
static void usual_command(const struct fuzz *fuzz)
{
    uint64_t at = own_address(fuzz);
    switch (below(7)) {
    case 0:
        put(fuzz, MI_STORE_WORD | GLOBAL);
        put_address(fuzz, at);
        put(fuzz, (uint32_t)any());
        break;
    case 1:
        put(fuzz, MI_FLUSH | FLUSH_STORE);
        put_address(fuzz, at | FLUSH_GLOBAL);
        put(fuzz, (uint32_t)any());
        break;
    case 2:
        /* General registers of the engine take anything. */
        put(fuzz, MI_LOAD_REGISTER);
        put(fuzz, 0x2600 + 4 * (uint32_t)below(16));
        put(fuzz, (uint32_t)odd_value());
        break;
    case 3: put(fuzz, MI_USER_INTERRUPT); break;
    case 4:
        put(fuzz, MI_BATCH_START);
        put_address(fuzz, fuzz->work.batch_at);
        break;
    case 5:
        /* The second half has always a batch that ends: what runs unread must not hang the GPU, which others wait for. */
        put(fuzz, MI_BATCH_START | (fuzz->reckless ? 0 : IN_PROCESS_SPACE));
        put_address(fuzz, fuzz->work.batch_at + BATCH_PAGES / 2 * PAGE);
        break;
    default: put(fuzz, MI_NOOP); break;
    }
}

static void odd_command(const struct fuzz *fuzz)
{
    static const uint32_t commands[] = {
        MI_STORE_WORD | GLOBAL, MI_STORE_REGISTER | GLOBAL, MI_LOAD_MEMORY | GLOBAL, MI_COPY | GLOBAL, MI_ATOMIC_ADD | GLOBAL,
        MI_FLUSH | FLUSH_STORE, MI_FLUSH_LONG | FLUSH_STORE, MI_LOAD_REGISTER, MI_UPDATE_ENTRIES, MI_SEMAPHORE_WAIT_SAME,
        MI_SEMAPHORE_WAIT_SAME | GLOBAL, MI_BATCH_START, MI_BATCH_START | SECOND_LEVEL, PIPE_CONTROL, BLT_FILL,
        MI_BATCH_END
    };
    uint32_t command = one_in(4) ? (uint32_t)any() : commands[below(sizeof commands / sizeof *commands)];
    /* Lengths that are not the command's. */
    if (one_in(4))
        command ^= (uint32_t)below(64);
    put(fuzz, command);
    for (unsigned left = (unsigned)below(5); left; left--) {
        if (one_in(2))
            put_address(fuzz, any_address(fuzz));
        else
            put(fuzz, (uint32_t)odd_value());
    }
}

/* A batch that ends, of words that do nothing and a store. */
static void fill_batch(const struct fuzz *fuzz)
{
    uint32_t *batch = fuzz->work.batch;
    uint64_t at = own_address(fuzz);
    unsigned start = (unsigned)below(64);
    memset(batch, 0, BATCH_PAGES * PAGE);
    for (uint32_t *half = batch; half < batch + BATCH_WORDS; half += BATCH_WORDS / 2)
        memcpy(half + start,
               (uint32_t[]){ MI_STORE_WORD | GLOBAL, (uint32_t)at, (uint32_t)(at >> 32), (uint32_t)any(), MI_BATCH_END },
               20);
    if (!fuzz->reckless)
        return;
    for (unsigned left = (unsigned)below(8); left; left--)
        batch[below(BATCH_WORDS / 2)] = (uint32_t)any();
    /* Without an end, what comes behind it runs, too. */
    if (one_in(4))
        batch[start + 4] = MI_NOOP;
}

static void spoil_image(const struct fuzz *fuzz)
{
    for (unsigned left = 1 + (unsigned)below(3); left; left--)
        fuzz->work.image[below(IMAGE_WORDS)] = (uint32_t)odd_value();
}

static uint64_t any_descriptor(const struct fuzz *fuzz)
{
    uint64_t descriptor = work_descriptor(&fuzz->work);
    switch (below(6)) {
    case 0: return descriptor ^ 1UL << below(64);
    case 1: return (descriptor & ~0xffffff000u) | (any_address(fuzz) & 0xfffff000);
    case 2: return one_in(4) ? any() : descriptor;
    default: return descriptor;
    }
}

unsigned fuzz_ring(struct fuzz *fuzz)
{
    /* Entries were overwritten, and engines reset, meanwhile. What is not as it was, GVT-g may not be able to read. */
    unsigned mapped = !fuzz->reckless || one_in(4) ? WORK_PAGES + 2 * ENGINES : 0;
    if (mapped)
        work_map(&fuzz->work);
    words = 0;
    fill_batch(fuzz);
    for (unsigned left = 1 + (unsigned)below(12); left; left--) {
        if (fuzz->reckless && one_in(2))
            odd_command(fuzz);
        else
            usual_command(fuzz);
    }
    if (words % 2)
        put(fuzz, MI_NOOP);
    work_context(&fuzz->work, words);
    uint64_t first = work_descriptor(&fuzz->work), second = 0;
    if (fuzz->reckless) {
        if (one_in(2))
            spoil_image(fuzz);
        first = any_descriptor(fuzz);
        second = one_in(2) ? any_descriptor(fuzz) : 0;
    }
    unsigned engine = (unsigned)below(ENGINES);
    work_submit(engine, first, second);
    /* Some are to be overwritten while they are looked at. */
    if (!one_in(4))
        usleep((unsigned)below(4000));
    return words + mapped + 4;
}

/* A head and a tail that lie past the end of a ring that is smaller than they could be. */
unsigned fuzz_bounds(struct fuzz *fuzz)
{
    work_map(&fuzz->work);
    memset(fuzz->work.ring, 0, RING_PAGES * PAGE);
    work_context(&fuzz->work, 8);
    uint32_t *image = fuzz->work.image;
    image[IMAGE_RING] = (uint32_t)below(RING_PAGES) * PAGE | 1;
    if (one_in(2))
        image[IMAGE_HEAD] = (uint32_t)below(1u << 21) & ~3u;
    image[IMAGE_TAIL] = (uint32_t)below(1u << 21) & ~7u;
    /* Within what is mapped, so that it could be copied. */
    if (one_in(2))
        image[IMAGE_TAIL] = (uint32_t)below((RING_PAGES + BATCH_PAGES) * PAGE) & ~7u;
    work_submit((unsigned)below(ENGINES), work_descriptor(&fuzz->work), 0);
    return WORK_PAGES + 2 * ENGINES + 4;
}

/* Batches that call themselves, or each other, and so never end. */
unsigned fuzz_chain(struct fuzz *fuzz)
{
    uint32_t *batch = fuzz->work.batch, at = (uint32_t)fuzz->work.batch_at;
    work_map(&fuzz->work);
    memset(batch, 0, BATCH_PAGES * PAGE);
    uint32_t jump = MI_BATCH_START | (one_in(4) ? SECOND_LEVEL : 0);
    memcpy(batch, (uint32_t[]){ jump, at + (one_in(2) ? 0 : 2 * PAGE), 0 }, 12);
    memcpy(batch + 2048, (uint32_t[]){ MI_BATCH_START, at, 0 }, 12);
    memcpy(fuzz->work.ring, (uint32_t[]){ MI_BATCH_START, at, 0, MI_NOOP }, 16);
    work_context(&fuzz->work, 4);
    work_submit((unsigned)below(ENGINES), work_descriptor(&fuzz->work), 0);
    return WORK_PAGES + 2 * ENGINES + 4;
}

/* A batch of the process, which GVT-g does not read, that waits for ever. */
unsigned fuzz_hang(struct fuzz *fuzz)
{
    uint64_t flag = fuzz->work.target_at, batch = fuzz->work.batch_at;
    work_map(&fuzz->work);
    fuzz->work.target[0] = 0;
    memcpy(fuzz->work.batch,
           (uint32_t[]){ MI_SEMAPHORE_WAIT_SAME, 1, (uint32_t)flag, (uint32_t)(flag >> 32), MI_BATCH_END }, 20);
    memcpy(fuzz->work.ring,
           (uint32_t[]){ MI_BATCH_START | IN_PROCESS_SPACE, (uint32_t)batch, (uint32_t)(batch >> 32), MI_NOOP }, 16);
    work_context(&fuzz->work, 4);
    work_submit((unsigned)below(ENGINES), work_descriptor(&fuzz->work), 0);
    return WORK_PAGES + 2 * ENGINES + 4;
}
