/* Configuration space: BARs, the command register, interrupts, power states, the OpRegion and its doorbell. */
#include <linux/pci_regs.h>

#include "fuzz.h"
#include "random.h"

static unsigned any_offset(void)
{
    /* The last ones: power management and MSI of a Skylake, and i915's own. */
    static const unsigned char registers[] = { PCI_COMMAND, PCI_COMMAND, PCI_STATUS, PCI_BASE_ADDRESS_0,
                                               PCI_BASE_ADDRESS_1, PCI_BASE_ADDRESS_2, PCI_BASE_ADDRESS_3,
                                               PCI_BASE_ADDRESS_4, PCI_ROM_ADDRESS, PCI_INTERRUPT_LINE, 0x50, 0x5c,
                                               0xac, 0xae, 0xb0, 0xb4, 0xd0, 0xd4, 0xe0, 0xe8, 0xe8, 0xf8, 0xfc, 0xfc };
    if (one_in(4))
        return (unsigned)below(256);
    return registers[below(sizeof registers)] + (one_in(8) ? (unsigned)below(4) : 0);
}

unsigned fuzz_config(struct fuzz *fuzz)
{
    unsigned accesses = 1 + (unsigned)below(8), message = config_message();
    (void)fuzz;
    for (unsigned i = 0; i < accesses; i++) {
        unsigned size = 1u << below(3), offset = any_offset();
        /* Linux takes nothing past the end. */
        if (offset + size > 256)
            offset = 256 - size;
        if (one_in(4))
            (void)config_read(offset, size);
        else if (message && offset + size > message && offset < message + 4)
            /* Other vectors are the guest's own, and other kinds of message would end it. */
            config_write(message, 2, 0xe0 + (uint32_t)below(12));
        else
            config_write(offset, size, (uint32_t)odd_value());
        /* With registers that lie elsewhere, or nowhere, some more. */
        if (one_in(8))
            (void)reg_read(PVINFO);
    }
    device_restore();
    return accesses;
}
