#define _GNU_SOURCE
#include "frames.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

void die(const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
    exit(1);
}

static void *locked(size_t bytes, int flags)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | flags, -1, 0);
    if (at == MAP_FAILED)
        die(flags & MAP_HUGETLB ? "mapping a huge page (is vm.nr_hugepages set?)" : "mapping pages");
    /* Written, so that no page is the shared zero page. */
    memset(at, 0, bytes);
    if (mlock(at, bytes))
        die("locking pages");
    return at;
}

void *pages(size_t count)
{
    return locked(count * PAGE, 0);
}

void *huge_page(void)
{
    return locked(HUGE_PAGE, MAP_HUGETLB);
}

uint64_t gpa_of(const void *byte)
{
    static int map = -1;
    if (map < 0 && (map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)) < 0)
        die("opening /proc/self/pagemap");
    uint64_t at = (uintptr_t)byte, entry;
    if (pread(map, &entry, sizeof entry, (off_t)(at / PAGE * sizeof entry)) != sizeof entry)
        die("reading /proc/self/pagemap");
    uint64_t frame = entry & ((1UL << 55) - 1);
    if (!(entry >> 63) || !frame) {
        errno = EPERM;
        die("asking for a frame number (root?)");
    }
    return frame * PAGE + at % PAGE;
}

size_t freed_pages(uint64_t *gpas, size_t limit)
{
    const size_t spare = 48UL << 20; /* for the programs of the guest */
    struct sysinfo memory;
    if (sysinfo(&memory))
        die("asking how much memory is free");
    size_t bytes = memory.freeram * memory.mem_unit, count = bytes > spare ? (bytes - spare) / PAGE : 0;
    if (count > limit)
        count = limit;
    uint8_t *memory_at = pages(count);
    for (size_t n = 0; n < count; n++)
        gpas[n] = gpa_of(memory_at + n * PAGE);
    munmap(memory_at, count * PAGE);
    return count;
}
