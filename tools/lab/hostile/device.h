/* The vGPU as the guest's PCI function 00:02.0, without a driver. */
#ifndef HOSTILE_DEVICE_H
#define HOSTILE_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#define REGISTERS (2UL << 20) /* of BAR 0 */
#define GGTT (8UL << 20)      /* where the entries start there */
#define GGTT_ENTRIES (1UL << 20)
#define PVINFO 0x78000UL
#define FENCES 0x100000UL

struct range {
    uint64_t start, size;
};

/* What the vGPU says belongs to it. */
struct window {
    struct range aperture, hidden;
    uint32_t fences;
};

extern volatile uint8_t *bar0, *bar2;
extern size_t bar0_size, bar2_size;

/* Opens the function, and maps its BARs; or ends the program. */
void device_open(void);

/* Has it decode memory and leaves the rest as it is, for a function that a driver is at work with. */
void device_enable(void);

uint32_t config_read(unsigned offset, unsigned size);
void config_write(unsigned offset, unsigned size, uint32_t value);

/* Where the configuration has a message's vector and its kind; 0 if there is no such capability. */
unsigned config_message(void);

/* Puts back what the registers need to be reached: a fuzzed configuration, or that of a vGPU which is new. */
void device_restore(void);

/* Whether there is a vGPU. To look also tells GVT-g that the guest knows of it. */
int device_is_there(void);

struct window device_window(void);

uint32_t reg_read(uint64_t offset);
void reg_write(uint64_t offset, uint32_t value);
uint64_t ggtt_read(uint64_t index);
void ggtt_write(uint64_t index, uint64_t entry);

static inline int holds(struct range range, uint64_t at)
{
    return at >= range.start && at - range.start < range.size;
}

static inline int is_own(const struct window *window, uint64_t address)
{
    return holds(window->aperture, address) || holds(window->hidden, address);
}

#endif
