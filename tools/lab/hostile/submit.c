#include "submit.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "frames.h"

/* From an engine's base on. */
#define SUBMIT_PORT 0x230
#define RING_MODE 0x29c
#define HARDWARE_STATUS 0x80

#define PRESENT 3u /* and writable */

/* Present, for a process, with 48-bit addresses. */
#define DESCRIPTOR (1u | 3u << 3 | 1u << 8)
#define CONTEXT_ID 0x5a5a

const struct engine engines[ENGINES] = {
    { "render", 0x2000 }, { "video", 0x12000 }, { "vebox", 0x1a000 }, { "blitter", 0x22000 }
};

static uint8_t *memory;

/* Four tables lead to the pages of the work, at the addresses that these have in the GGTT. */
static uint64_t *tables_for(uint64_t first)
{
    uint64_t *tables[4];
    for (unsigned level = 0; level < 4; level++)
        tables[level] = pages(1);
    for (unsigned level = 3; level; level--)
        tables[level][first >> (12 + 9 * level) & 511] = gpa_of(tables[level - 1]) | PRESENT;
    for (uint64_t page = 0; page < WORK_PAGES; page++)
        tables[0][(first / PAGE + page) & 511] = gpa_of(memory + page * PAGE) | PRESENT;
    return tables[3];
}

struct work work_new(const struct window *own)
{
    if (!memory)
        memory = pages(WORK_PAGES);
    /* All in one table. */
    uint64_t first = (own->hidden.start + (4UL << 20) - 1) & -(2UL << 20);
    uint64_t ring = CONTEXT_PAGES * PAGE, batch = ring + RING_PAGES * PAGE, target = batch + BATCH_PAGES * PAGE;
    return (struct work){
        .image = (uint32_t *)(memory + PAGE),
        .ring = (uint32_t *)(memory + ring),
        .batch = (uint32_t *)(memory + batch),
        .target = (uint32_t *)(memory + target),
        .root = tables_for(first),
        .first = first,
        .ring_at = first + ring,
        .batch_at = first + batch,
        .target_at = first + target,
    };
}

void work_map(const struct work *work)
{
    for (uint64_t page = 0; page < WORK_PAGES; page++)
        ggtt_write(work->first / PAGE + page, gpa_of(memory + page * PAGE) | 1);
    for (unsigned i = 0; i < ENGINES; i++) {
        reg_write(engines[i].base + HARDWARE_STATUS, (uint32_t)work->first);
        /* Execution lists, by a register whose upper half says which bits are meant. */
        reg_write(engines[i].base + RING_MODE, 0x80008000);
    }
}

void work_context(const struct work *work, unsigned words)
{
    uint64_t root = gpa_of(work->root);
    memset(work->image, 0, PAGE);
    work->image[IMAGE_CONTROL] = 0x00090009; /* its registers' values are not to be loaded */
    work->image[IMAGE_TAIL] = words * 4;
    work->image[IMAGE_START] = (uint32_t)work->ring_at;
    work->image[IMAGE_RING] = (RING_PAGES - 1) * PAGE | 1;
    work->image[IMAGE_ROOT_HIGH] = (uint32_t)(root >> 32);
    work->image[IMAGE_ROOT_LOW] = (uint32_t)root;
}

uint64_t work_descriptor(const struct work *work)
{
    return (uint64_t)CONTEXT_ID << 32 | (uint32_t)work->first | DESCRIPTOR;
}

void work_submit(unsigned engine, uint64_t first, uint64_t second)
{
    uint64_t port = engines[engine].base + SUBMIT_PORT;
    reg_write(port, (uint32_t)(second >> 32));
    reg_write(port, (uint32_t)second);
    reg_write(port, (uint32_t)(first >> 32));
    reg_write(port, (uint32_t)first);
}

int work_wait(const volatile uint32_t *word, uint32_t value, unsigned seconds)
{
    for (time_t end = time(NULL) + seconds; time(NULL) <= end;) {
        if (*word == value)
            return 1;
        usleep(1000);
    }
    return *word == value;
}
