/* The guest's own frames: pages whose guest physical addresses it knows. */
#ifndef LAB_FRAMES_H
#define LAB_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#define PAGE 4096UL
#define HUGE_PAGE (2UL << 20)

/* Pages that stay where they are, full of zeros. Their frames need not follow each other. */
void *pages(size_t count);

/* Contiguous, aligned memory of 2 MB. */
void *huge_page(void);

/* The guest physical address of a byte of such memory. */
uint64_t gpa_of(const void *byte);

/* Writes the addresses of pages into `gpas` and frees the pages: most of the guest's free memory, at most `limit`. */
size_t freed_pages(uint64_t *gpas, size_t limit);

/* Says what failed, with errno, and ends the program. */
_Noreturn void die(const char *what);

#endif
