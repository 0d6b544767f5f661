#ifndef HOSTILE_WINDOW_H
#define HOSTILE_WINDOW_H

#include "device.h"

/*
 * Tries to reach what belongs to another vGPU, by the processor: GGTT entries, fences, the aperture. Returns how many
 * of the probes failed. A driver may be at work.
 */
int probe_window(const struct window *other);

#endif
