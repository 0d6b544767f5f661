/*
 * Graphics translation tables in the guest's own memory, as a guest's i915 lays them out, and on standard output what a
 * walk of them must find:
 *
 *   pml4 GPA             the root of a 4-level PPGTT
 *   ggtt GPA BYTES       an array of 8-byte entries
 *   map SPACE ADDR GPA SIZE ACCESS VALUE
 *                        ADDR leads to GPA by a page of SIZE; there the guest keeps VALUE (or -, which says nothing)
 *   hole SPACE ADDR      nothing is mapped
 *   gone SPACE ADDR GPA  leads to GPA, where the guest has no memory
 *   free SPACE ADDR COUNT
 *                        so many pages from ADDR on lead to memory that is free, and so is given back to Xen when the
 *                        guest must have less
 *   fault SPACE ADDR     a table on the way is where the guest has no memory
 *   end                  all was said; the guest keeps everything in place until it is killed
 *
 * Layout: Intel's Programmer's Reference Manual for Kaby Lake, volume 5, "Graphics Translation Tables".
 */
#include "tables.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frames.h"

#define PRESENT (1UL << 0)
#define WRITABLE (1UL << 1)
#define LARGE (1UL << 7)       /* in a directory: the entry is a page */
#define PAGES_OF_64K (1UL << 11) /* in a page directory: the table below has pages of 64 KB */

#define BEYOND UINT64_C(0x3f00000000) /* more memory than any guest of the lab has */
#define BETWEEN UINT64_C(0xe0000000) /* where a PC has devices and no memory */
#define POOL 512

enum { LEVEL_PT, LEVEL_PD, LEVEL_PDP, LEVEL_PML4 };

static uint8_t *pool;
static size_t used;
static uint64_t magic = 0x5eed000000000001UL;

/* Tables and buffers come from all over the pool, so that no two neighbours in a walk need be neighbours in memory. */
static void *fresh(void)
{
    if (used == POOL)
        die("the pool of pages is too small");
    return pool + used++ * 211 % POOL * PAGE;
}

/* A table we made: its memory, and what its directories' entries point to. */
struct table {
    uint64_t *entries;
    struct table *below[512];
};

static struct table *table_new(void)
{
    struct table *table = calloc(1, sizeof *table);
    if (!table)
        die("memory for a table");
    table->entries = fresh();
    return table;
}

static unsigned index_at(uint64_t va, int level)
{
    return va >> (12 + 9 * level) & 511;
}

/* The entry of va at a level, with the directories above it made on the way. */
static uint64_t *entry_at(struct table *root, uint64_t va, int level)
{
    struct table *table = root;
    for (int at = LEVEL_PML4; at > level; at--) {
        unsigned index = index_at(va, at);
        if (!table->below[index]) {
            table->below[index] = table_new();
            table->entries[index] = gpa_of(table->below[index]->entries) | PRESENT | WRITABLE;
        }
        table = table->below[index];
    }
    return &table->entries[index_at(va, level)];
}

static void say_map(const char *space, uint64_t va, uint64_t gpa, const char *size, bool writable, bool value)
{
    printf("map %s 0x%" PRIx64 " 0x%" PRIx64 " %s %s ", space, va, gpa, size, writable ? "writable" : "read-only");
    if (value)
        printf("0x%" PRIx64 "\n", magic);
    else
        puts("-");
}

/* A word of a fresh page that holds the next value. */
static uint64_t *keep(uint64_t offset)
{
    uint64_t *word = (uint64_t *)((uint8_t *)fresh() + offset);
    *word = ++magic;
    return word;
}

/* Maps the page of `size` bytes that a word of ours is in, at va, and says where the word is then. */
static void map_page(struct table *root, uint64_t va, int level, uint64_t size, const char *name, bool writable)
{
    const uint64_t *word = keep(8 * (used % 512));
    uint64_t gpa = gpa_of(word), inside = gpa & (size - 1);
    uint64_t flags = PRESENT | (writable ? WRITABLE : 0);
    if (size == 64 << 10)
        *entry_at(root, va, LEVEL_PD) |= PAGES_OF_64K;
    if (level != LEVEL_PT)
        flags |= LARGE;
    *entry_at(root, va, level) = (gpa - inside) | flags;
    say_map("ppgtt", va + inside, gpa, name, writable, true);
}

static void ppgtt(void)
{
    struct table *root = table_new();
    printf("pml4 0x%" PRIx64 "\n", gpa_of(root->entries));

    /* Pages of 4 KB in the first and last entries of each level, and in between. */
    for (uint64_t n = 0; n < 48; n++) {
        /* Root entries 256 and up, but for the first address; those below are for what comes later. */
        uint64_t va = n ? (n * n * 0x1234567UL << 12 & 0x7fff83fff000UL) | 1UL << 47 : 0;
        if (n == 47)
            va = 0xfffffffff000UL;
        if (*entry_at(root, va, LEVEL_PT) == 0)
            map_page(root, va, LEVEL_PT, PAGE, "4K", n % 5 != 0);
    }
    /* Each kind of larger page under a root entry of its own, where none of the above can be. */
    for (uint64_t n = 0; n < 8; n++) {
        (void)entry_at(root, 0x10000000000UL + (n << 21), LEVEL_PT);
        map_page(root, 0x10000000000UL + (n << 21) + (n << 16), LEVEL_PT, 64 << 10, "64K", n % 2);
        map_page(root, 0x18000000000UL + (n << 21), LEVEL_PD, 2 << 20, "2M", n % 2);
    }
    map_page(root, 0x20000000000UL, LEVEL_PDP, 1 << 30, "1G", true);

    /* Missing at each level. */
    puts("hole ppgtt 0x10000010000"); /* the second group of 16 of the first table of 64 KB pages */
    puts("hole ppgtt 0x28000005000\nhole ppgtt 0x28000a00000\nhole ppgtt 0x28140000000\nhole ppgtt 0x40000000000");

    /* No memory: behind a page, and where a table must be. */
    const uint64_t nowhere[] = { BETWEEN, BEYOND };
    for (uint64_t n = 0; n < 2; n++) {
        uint64_t va = 0x28000000000UL + n * PAGE, table = 0x28000000000UL + ((1 + n) << 30);
        *entry_at(root, va, LEVEL_PT) = nowhere[n] | PRESENT | WRITABLE;
        printf("gone ppgtt 0x%" PRIx64 " 0x%" PRIx64 "\n", va, nowhere[n]);
        *entry_at(root, table, LEVEL_PD) = nowhere[n] | PRESENT | WRITABLE;
        printf("fault ppgtt 0x%" PRIx64 "\n", table);
    }
}

static void ggtt(void)
{
    uint64_t *entries = huge_page();
    uint64_t count = HUGE_PAGE / sizeof *entries;
    printf("ggtt 0x%" PRIx64 " %lu\n", gpa_of(entries), HUGE_PAGE);
    for (uint64_t n = 0; n < 64; n++) {
        uint64_t index = n == 63 ? count - 1 : n * n * 13;
        const uint64_t *word = keep(8 * n);
        entries[index] = (gpa_of(word) & ~(PAGE - 1)) | PRESENT;
        say_map("ggtt", index * PAGE + gpa_of(word) % PAGE, gpa_of(word), "4K", true, true);
    }
    puts("hole ggtt 0x7000");
    entries[count - 2] = BETWEEN | PRESENT;
    printf("gone ggtt 0x%" PRIx64 " 0x%" PRIx64 "\n", (count - 2) * PAGE, BETWEEN);
    /* The first address behind the table. */
    printf("fault ggtt 0x%" PRIx64 "\n", count * PAGE);

    /* Behind all that was mapped above, but for the last ones. */
    uint64_t first = 13 * 63 * 63;
    size_t freed = freed_pages(entries + first, count - first - 2);
    for (size_t n = 0; n < freed; n++)
        entries[first + n] |= PRESENT;
    printf("free ggtt 0x%" PRIx64 " %zu\n", first * PAGE, freed);
}

int tables(void)
{
    pool = pages(POOL);
    ppgtt();
    ggtt();
    puts("end");
    fflush(stdout);
    for (;;)
        pause();
}
