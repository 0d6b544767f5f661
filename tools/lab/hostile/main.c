/*
 * What a hostile guest can do with its vGPU:
 *
 *   lab-hostile window LOW LOW_BYTES HIGH HIGH_BYTES         tries to reach another vGPU's addresses by the processor
 *   lab-hostile batches LOW                                  the same by batches of a process; needs i915
 *   lab-hostile ring KIND LOW LOW_BYTES HIGH HIGH_BYTES      the same by a ring of its own; i915 must not be there
 *   lab-hostile fuzz SEED SECONDS [KIND...]                  random accesses of all kinds, or of these
 *
 * LOW and HIGH are where the other's part of the aperture starts, and of the rest. Each probe prints "pass NAME ..." or
 * "fail NAME ..."; the exit code is how many failed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batches.h"
#include "device.h"
#include "fuzz.h"
#include "ring.h"
#include "window.h"

static uint64_t number(const char *text)
{
    return strtoull(text, NULL, 0);
}

static struct window window_of(char **arguments)
{
    return (struct window){ .aperture = { number(arguments[0]), number(arguments[1]) },
                            .hidden = { number(arguments[2]), number(arguments[3]) } };
}

static int usage(void)
{
    fputs("usage: lab-hostile window RANGES | batches LOW | ring KIND RANGES | fuzz SEED SECONDS [KIND...]\n"
          "RANGES is LOW LOW_BYTES HIGH HIGH_BYTES\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    if (argc == 3 && !strcmp(verb, "batches"))
        return probe_batches(number(argv[2]));
    if (argc == 6 && !strcmp(verb, "window")) {
        struct window other = window_of(argv + 2);
        device_open();
        return probe_window(&other);
    }
    if (argc == 7 && !strcmp(verb, "ring")) {
        struct window other = window_of(argv + 3);
        device_open();
        device_restore();
        int failed = probe_ring(argv[2], &other);
        return failed < 0 ? usage() : failed;
    }
    if (argc >= 4 && !strcmp(verb, "fuzz")) {
        device_open();
        return fuzz(number(argv[2]), (unsigned)number(argv[3]), argv + 4);
    }
    return usage();
}
