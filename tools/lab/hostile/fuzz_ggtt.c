/* Entries of the GGTT, whole and in halves, ours and others'. */
#include "access.h"
#include "frames.h"
#include "fuzz.h"
#include "random.h"

static uint64_t any_index(const struct fuzz *fuzz)
{
    const struct range *own = one_in(2) ? &fuzz->window.aperture : &fuzz->window.hidden;
    switch (below(8)) {
    case 0: return below(GGTT_ENTRIES);
    case 1: return own->start / PAGE + own->size / PAGE - 1 + below(3);
    case 2: return GGTT_ENTRIES - 1 - below(2);
    /* Few, so that entries in use are overwritten, and halves meet their other half. */
    case 3:
    case 4: return own->start / PAGE + below(16);
    case 5: return fuzz->work.first / PAGE + below(WORK_PAGES);
    default: return own->start / PAGE + below(own->size / PAGE);
    }
}

unsigned fuzz_ggtt(struct fuzz *fuzz)
{
    unsigned left = 1 + (unsigned)below(8), accesses = left;
    for (; left; left--) {
        uint64_t index = any_index(fuzz), entry = any_entry();
        if (index >= GGTT_ENTRIES)
            index = GGTT_ENTRIES - 1;
        volatile uint8_t *at = bar0 + GGTT + index * 8;
        switch (below(6)) {
        case 0: (void)load(at, 8); break;
        case 1: store(at, 4, entry); break;
        case 2: store(at + 4, 4, entry >> 32); break;
        case 3:
            /* Not past the last one: there a BAR ends that is as large as that. */
            if (index + 1 < GGTT_ENTRIES)
                store(at + below(8), any_size(), 0);
            break;
        case 4:
            if (one_in(8) && index + 512 <= GGTT_ENTRIES) {
                accesses += copy(at);
                break;
            }
            /* fall through */
        default: store(at, 8, entry); break;
        }
    }
    return accesses;
}
