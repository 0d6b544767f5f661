#define _GNU_SOURCE
#include "registers.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "frames.h"

enum { VECTORS = 8, BYTES = 32 };

static int has_avx(void)
{
    return __builtin_cpu_supports("avx");
}

/* Loads the vector registers, waits without a call of the kernel, and stores them again. */
#define KEEP(name, move, r)                                                                                     \
    static void name(const uint8_t *from, uint8_t *to, uint64_t turns)                                           \
    {                                                                                                            \
        __asm__ volatile(move " 0(%[f]), %%" r "0;" move " 32(%[f]), %%" r "1;"                                  \
                         move " 64(%[f]), %%" r "2;" move " 96(%[f]), %%" r "3;"                                 \
                         move " 128(%[f]), %%" r "12;" move " 160(%[f]), %%" r "13;"                             \
                         move " 192(%[f]), %%" r "14;" move " 224(%[f]), %%" r "15;"                             \
                         "1: dec %[n]; jnz 1b;"                                                                  \
                         move " %%" r "0, 0(%[t]);" move " %%" r "1, 32(%[t]);"                                  \
                         move " %%" r "2, 64(%[t]);" move " %%" r "3, 96(%[t]);"                                 \
                         move " %%" r "12, 128(%[t]);" move " %%" r "13, 160(%[t]);"                             \
                         move " %%" r "14, 192(%[t]);" move " %%" r "15, 224(%[t]);"                             \
                         : [n] "+r"(turns)                                                                       \
                         : [f] "r"(from), [t] "r"(to)                                                            \
                         : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm12", "xmm13", "xmm14", "xmm15");  \
    }
KEEP(keep_avx, "vmovdqu", "ymm")
KEEP(keep_sse, "movdqu", "xmm")

/* The same with general registers; the least byte of each must be what it was. */
static unsigned keep_general(uint64_t seed, uint64_t turns)
{
    uint64_t a = seed, b = seed + 1, c = seed + 2, d = seed + 3, e = seed + 4, thread;
    __asm__ volatile("1: dec %[n]; jnz 1b; mov %%fs:0, %[t]"
                     : [n] "+r"(turns), "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), [t] "=r"(thread)
                     :
                     : "cc");
    static uint64_t first;
    unsigned wrong = a != seed || b != seed + 1 || c != seed + 2 || d != seed + 3 || e != seed + 4;
    if (!first)
        first = thread;
    return wrong | (thread != first) << 1;
}

int registers(const char *seconds)
{
    time_t end = time(NULL) + strtol(seconds, NULL, 10);
    uint64_t seed = (uint64_t)getpid() << 32, rounds = 0, vectors = 0, general = 0, threads = 0;
    uint8_t from[VECTORS * BYTES], to[VECTORS * BYTES];
    int avx = has_avx();
    while (time(NULL) < end) {
        for (unsigned at = 0; at < sizeof from; at += 8) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            memcpy(from + at, &seed, 8);
        }
        memcpy(to, from, sizeof to);
        (avx ? keep_avx : keep_sse)(from, to, 2000000);
        int differs = memcmp(from, to, sizeof to);
        vectors += differs != 0;
        if (differs)
            for (unsigned at = 0; at < sizeof from; at += 8) {
                uint64_t f, t;
                memcpy(&f, from + at, 8);
                memcpy(&t, to + at, 8);
                if (f != t)
                    printf("round %" PRIu64 " vector byte %u: 0x%" PRIx64 " became 0x%" PRIx64 "\n", rounds, at, f, t);
            }
        unsigned wrong = keep_general(seed, 1000000);
        general += wrong & 1;
        threads += wrong >> 1;
        rounds++;
    }
    printf("%s: %" PRIu64 " rounds, lost %" PRIu64 " vectors, %" PRIu64 " general, %" PRIu64 " threads\n",
           avx ? "avx" : "sse", rounds, vectors, general, threads);
    return vectors || general || threads;
}
