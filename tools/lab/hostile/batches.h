#ifndef HOSTILE_BATCHES_H
#define HOSTILE_BATCHES_H

#include <stdint.h>

/*
 * Gives i915 batches with the other's address in commands that say that it is a global one. A process may not use
 * those: the GPU takes the address for one of the process, where each batch has a buffer. Returns how many failed.
 */
int probe_batches(uint64_t foreign);

#endif
