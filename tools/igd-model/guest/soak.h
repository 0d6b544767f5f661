// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef SOAK_H
#define SOAK_H

#include <stdint.h>

/*
 * Submits random work for so long, and compares what it leaves in memory with what it should. Returns 0 if all was
 * the same; prints the first difference otherwise.
 */
int soak(uint64_t seed, double seconds);

#endif
