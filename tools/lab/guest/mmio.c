#define _GNU_SOURCE
#include "mmio.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access.h"
#include "frames.h"

static uint64_t truncated(uint64_t value, unsigned size)
{
    return size == 8 ? value : value & ((1UL << 8 * size) - 1);
}

/* Writes and reads back every size at `base`, then copies to and from it; says each access. Returns how many differed. */
static int exercise(volatile uint8_t *base, const char *name)
{
    int wrong = 0;
    uint64_t value = 0x8877665544332211UL;
    for (unsigned size = 1, at = 0x100; size <= 8; size *= 2, at += 0x10) {
        uint64_t wanted = truncated(value, size);
        store(base + at, size, value);
        printf("%s write 0x%x %u 0x%" PRIx64 "\n", name, at, size, wanted);
        uint64_t found = load(base + at, size);
        printf("%s read 0x%x %u 0x%" PRIx64 "\n", name, at, size, found);
        wrong += found != wanted;
    }

    uint64_t *here = pages(2), *back = here + PAGE / sizeof *here;
    for (unsigned n = 0; n < 64; n++)
        here[n] = 0x0101010101010101UL * n;
    copy_words(base + 0x400, here, 64, 0);
    printf("%s copy-out 0x400 512\n", name);
    copy_words(back, base + 0x400, 64, 0);
    printf("%s copy-in 0x400 512 %s\n", name, memcmp(here, back, 512) ? "differs" : "same");
    wrong += memcmp(here, back, 512) != 0;
    memset(back, 0, 512);
    copy_words(back + 63, base + 0x400 + 63 * 8, 64, 1);
    printf("%s copy-in-backwards 0x400 512 %s\n", name, memcmp(here, back, 512) ? "differs" : "same");
    wrong += memcmp(here, back, 512) != 0;
    return wrong;
}

int mmio(const char *resource, const char *page)
{
    int bar = open(resource, O_RDWR | O_SYNC | O_CLOEXEC);
    struct stat about;
    if (bar < 0 || fstat(bar, &about))
        die(resource);
    printf("bar size 0x%jx\n", (intmax_t)about.st_size);
    volatile uint8_t *base = mmap(NULL, (size_t)about.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, bar, 0);
    if (base == MAP_FAILED)
        die("mapping the BAR");
    uint64_t offset = strtoul(page, NULL, 0) * PAGE;
    if (offset >= (uint64_t)about.st_size) {
        fprintf(stderr, "page %s is not in the BAR\n", page);
        return 2;
    }
    return exercise(base + offset, "bar") ? 1 : 0;
}

int writes(void)
{
    uint8_t *page = pages(1);
    printf("page 0x%" PRIx64 "\n", gpa_of(page));
    puts("ready");
    fflush(stdout);
    char line[64];
    while (fgets(line, sizeof line, stdin)) {
        if (!strncmp(line, "quit", 4))
            return 0;
        printf("wrong %d\n", exercise(page, "page"));
        puts("ready");
        fflush(stdout);
    }
    return 0;
}
