#ifndef HOSTILE_RING_H
#define HOSTILE_RING_H

#include "device.h"

/*
 * Submits rings of its own, whose commands are privileged: one that stores to its own memory must run, and one of that
 * kind (see ring.c) that names an address of the other's must not. There may be no driver.
 * Returns how many probes failed, or a negative number if there is no such kind.
 */
int probe_ring(const char *kind, const struct window *other);

#endif
