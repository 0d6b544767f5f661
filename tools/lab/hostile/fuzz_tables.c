/*
 * PPGTTs: roots that are announced and taken back, and tables in this process's memory that are written while GVT-g
 * shadows them. Tables point to each other as they like, also in circles.
 */
#include <string.h>

#include "access.h"
#include "frames.h"
#include "fuzz.h"
#include "random.h"

enum { TABLES = 32, ENTRIES = 512, LEVELS_3 = 2, LEVELS_4 = 4, NOTIFICATIONS = 10 };

#define NOTIFY (PVINFO + 0x818)
#define ROOTS (PVINFO + 0x838)
#define LARGE (1UL << 7)
#define PAGES_OF_64K (1UL << 11)

static uint8_t *tables;

void fuzz_tables_init(void)
{
    tables = pages(TABLES);
}

static uint64_t any_table(void)
{
    return gpa_of(tables + below(TABLES) * PAGE);
}

static uint64_t table_entry(void)
{
    uint64_t entry = one_in(2) ? any_table() | 3 : any_entry();
    if (one_in(16))
        entry ^= LARGE;
    if (one_in(16))
        entry ^= PAGES_OF_64K;
    return entry;
}

/* Writes that Xen hands to GVT-g if the page is tracked. */
static unsigned write_table(void)
{
    volatile uint8_t *at = tables + below(TABLES) * PAGE + below(ENTRIES) * 8;
    uint64_t entry = table_entry();
    switch (below(8)) {
    case 0:
        store(at, 4, entry);
        store(at + 4, 4, entry >> 32);
        return 2;
    case 1: store(at + 4, 4, entry >> 32); return 1;
    case 2: store(at + below(8), 1, odd_value()); return 1;
    default: store(at, 8, entry); return 1;
    }
}

/* A table that nobody need have seen before. */
static unsigned fill_table(void)
{
    uint64_t *table = (uint64_t *)(tables + below(TABLES) * PAGE);
    unsigned used = 1 + (unsigned)below(16);
    for (unsigned i = 0; i < used; i++)
        table[below(ENTRIES)] = table_entry();
    return used;
}

static unsigned announce(void)
{
    unsigned roots = one_in(4) ? 4 : 1;
    for (unsigned i = 0; i < roots; i++) {
        uint64_t root = one_in(16) ? any_entry() : any_table();
        reg_write(ROOTS + i * 8, (uint32_t)root);
        reg_write(ROOTS + i * 8 + 4, (uint32_t)(root >> 32));
    }
    /* Made, and taken back, by three or four levels. */
    static const uint32_t usual[] = { LEVELS_4, LEVELS_4, LEVELS_4, LEVELS_4 + 1, LEVELS_4 + 1, LEVELS_3, LEVELS_3 + 1 };
    uint32_t what = one_in(8) ? (uint32_t)below(NOTIFICATIONS) : usual[below(sizeof usual / sizeof *usual)];
    reg_write(NOTIFY, what);
    return roots * 2 + 1;
}

unsigned fuzz_tables(struct fuzz *fuzz)
{
    unsigned done = 0;
    (void)fuzz;
    for (unsigned left = 1 + (unsigned)below(8); left; left--)
        done += one_in(4) ? announce() : one_in(4) ? fill_table() : write_table();
    return done;
}
