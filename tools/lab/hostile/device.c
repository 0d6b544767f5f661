#define _GNU_SOURCE
#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access.h"
#include "frames.h"

#define FUNCTION "/sys/bus/pci/devices/0000:00:02.0/"
#define ASLS 0xfc
#define SPARE_VECTOR 0xe9 /* Linux gives vectors out from the lower end on */
#define MAGIC 0x4776544776544776u

volatile uint8_t *bar0, *bar2;
size_t bar0_size, bar2_size;

static int config;
static uint32_t found[64]; /* configuration space as it was */

/* Where Linux has put the BARs. A vGPU that took the place of another one does not know. */
static void find_bars(void)
{
    FILE *list = fopen(FUNCTION "resource", "re");
    if (!list)
        die(FUNCTION "resource");
    for (unsigned bar = 0; bar < 4; bar++) {
        uint64_t start, end, flags;
        if (fscanf(list, "%" SCNx64 " %" SCNx64 " %" SCNx64, &start, &end, &flags) != 3)
            die("reading where the BARs are");
        if (bar % 2)
            continue;
        found[PCI_BASE_ADDRESS_0 / 4 + bar] = (uint32_t)start | (flags & 0xf);
        found[PCI_BASE_ADDRESS_0 / 4 + bar + 1] = (uint32_t)(start >> 32);
    }
    fclose(list);
}

static volatile uint8_t *map_bar(const char *path, size_t *size)
{
    int bar = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
    struct stat about;
    if (bar < 0 || fstat(bar, &about))
        die(path);
    void *at = mmap(NULL, (size_t)about.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, bar, 0);
    if (at == MAP_FAILED)
        die("mapping a BAR");
    *size = (size_t)about.st_size;
    close(bar);
    return at;
}

void device_open(void)
{
    config = open(FUNCTION "config", O_RDWR | O_CLOEXEC);
    if (config < 0)
        die(FUNCTION "config");
    /* Which BARs and capabilities there are does not depend on who made the vGPU. */
    for (unsigned i = 0; i < 64; i++)
        found[i] = config_read(i * 4, 4);
    find_bars();
    device_enable();
    bar0 = map_bar(FUNCTION "resource0", &bar0_size);
    bar2 = map_bar(FUNCTION "resource2", &bar2_size);
    if (bar0_size < GGTT + GGTT_ENTRIES * 8) {
        errno = ENODEV;
        die("looking for a GGTT");
    }
}

uint32_t config_read(unsigned offset, unsigned size)
{
    uint32_t value = ~0u;
    if (pread(config, &value, size, offset) != (ssize_t)size)
        return ~0u;
    return value;
}

void config_write(unsigned offset, unsigned size, uint32_t value)
{
    /* What is refused is no matter. */
    ssize_t written = pwrite(config, &value, size, offset);
    (void)written;
}

/* Where the MSI capability is, by the list as it was. */
static unsigned msi(void)
{
    unsigned at = found[PCI_CAPABILITY_LIST / 4] & 0xfc;
    for (unsigned hops = 0; at && hops < 16; hops++) {
        uint32_t head = found[at / 4];
        if ((head & 0xff) == PCI_CAP_ID_MSI)
            return at;
        at = head >> 8 & 0xfc;
    }
    return 0;
}

unsigned config_message(void)
{
    unsigned at = msi();
    return at ? at + PCI_MSI_DATA_32 : 0;
}

void device_enable(void)
{
    config_write(PCI_COMMAND, 2, (config_read(PCI_COMMAND, 2) & 0xffff) | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

void device_restore(void)
{
    config_write(PCI_COMMAND, 2, 0);
    for (unsigned bar = 0; bar < 4; bar++)
        config_write(PCI_BASE_ADDRESS_0 + bar * 4, 4, found[PCI_BASE_ADDRESS_0 / 4 + bar]);
    config_write(ASLS, 4, found[ASLS / 4]);
    /* Messages that no one waits for, to a vector that no one uses: else no interrupt would ever be sent. */
    unsigned at = msi();
    if (at) {
        config_write(at + PCI_MSI_FLAGS, 2, 0);
        config_write(at + PCI_MSI_ADDRESS_LO, 4, 0xfee00000);
        config_write(at + PCI_MSI_DATA_32, 2, SPARE_VECTOR);
        config_write(at + PCI_MSI_FLAGS, 2, PCI_MSI_FLAGS_ENABLE);
    }
    device_enable();
}

uint32_t reg_read(uint64_t offset)
{
    return (uint32_t)load(bar0 + offset, 4);
}

void reg_write(uint64_t offset, uint32_t value)
{
    store(bar0 + offset, 4, value);
}

uint64_t ggtt_read(uint64_t index)
{
    return load(bar0 + GGTT + index * 8, 8);
}

void ggtt_write(uint64_t index, uint64_t entry)
{
    store(bar0 + GGTT + index * 8, 8, entry);
}

int device_is_there(void)
{
    return reg_read(PVINFO) == (uint32_t)MAGIC && reg_read(PVINFO + 4) == (uint32_t)(MAGIC >> 32);
}

struct window device_window(void)
{
    return (struct window){
        .aperture = { reg_read(PVINFO + 0x40), reg_read(PVINFO + 0x44) },
        .hidden = { reg_read(PVINFO + 0x48), reg_read(PVINFO + 0x4c) },
        .fences = reg_read(PVINFO + 0x50),
    };
}
