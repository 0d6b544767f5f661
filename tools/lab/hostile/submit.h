/*
 * Work for the GPU without a driver: a context, its ring, its page tables and a batch in pages of this process, mapped
 * at graphics addresses of our own, and given to an engine as i915 does it.
 */
#ifndef HOSTILE_SUBMIT_H
#define HOSTILE_SUBMIT_H

#include <stdint.h>

#include "device.h"

struct engine {
    const char *name;
    uint32_t base;
};

enum { ENGINES = 4, RENDER = 0, BLITTER = 3 };
extern const struct engine engines[ENGINES];

/* In pages: status page and image of a context, its ring, a batch, and one to store to. */
enum { CONTEXT_PAGES = 24, RING_PAGES = 4, BATCH_PAGES = 4, WORK_PAGES = CONTEXT_PAGES + RING_PAGES + BATCH_PAGES + 1 };

/* Where the words of a context's image are that GVT-g reads. */
enum {
    IMAGE_CONTROL = 3,
    IMAGE_HEAD = 5,
    IMAGE_TAIL = 7,
    IMAGE_START = 9,
    IMAGE_RING = 11,
    IMAGE_PER_CONTEXT = 25,
    IMAGE_INDIRECT = 27,
    IMAGE_ROOT_HIGH = 49,
    IMAGE_ROOT_LOW = 51,
    IMAGE_WORDS = 52,
};

struct work {
    uint32_t *image, *ring, *batch, *target;
    uint64_t *root;              /* of the PPGTT; it maps the batch at its address in the GGTT */
    uint64_t first;              /* graphics address of the context */
    uint64_t ring_at, batch_at, target_at;
};

/* Takes the pages, which stay for good; a second time, only finds other addresses for them. */
struct work work_new(const struct window *own);

/* Maps them, and has the engines take work: again after a reset, and after entries were overwritten. */
void work_map(const struct work *work);

/* A context that is as it should be, with so many words in its ring. */
void work_context(const struct work *work, unsigned words);

/* What names the context to an engine. */
uint64_t work_descriptor(const struct work *work);

/* Hands two contexts to an engine; the second may be 0. */
void work_submit(unsigned engine, uint64_t first, uint64_t second);

/* Waits until a word has that value; 0 if it never does. */
int work_wait(const volatile uint32_t *word, uint32_t value, unsigned seconds);

#endif
