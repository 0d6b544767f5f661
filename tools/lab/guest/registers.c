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
static void keep_avx(const uint8_t *from, uint8_t *to, uint64_t turns)
{
    __asm__ volatile("vmovdqu 0(%[f]), %%ymm0; vmovdqu 32(%[f]), %%ymm1; vmovdqu 64(%[f]), %%ymm2;"
                     "vmovdqu 96(%[f]), %%ymm3; vmovdqu 128(%[f]), %%ymm12; vmovdqu 160(%[f]), %%ymm13;"
                     "vmovdqu 192(%[f]), %%ymm14; vmovdqu 224(%[f]), %%ymm15;"
                     "1: dec %[n]; jnz 1b;"
                     "vmovdqu %%ymm0, 0(%[t]); vmovdqu %%ymm1, 32(%[t]); vmovdqu %%ymm2, 64(%[t]);"
                     "vmovdqu %%ymm3, 96(%[t]); vmovdqu %%ymm12, 128(%[t]); vmovdqu %%ymm13, 160(%[t]);"
                     "vmovdqu %%ymm14, 192(%[t]); vmovdqu %%ymm15, 224(%[t]);"
                     : [n] "+r"(turns)
                     : [f] "r"(from), [t] "r"(to)
                     : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm12", "xmm13", "xmm14", "xmm15");
}

static void keep_sse(const uint8_t *from, uint8_t *to, uint64_t turns)
{
    __asm__ volatile("movdqu 0(%[f]), %%xmm0; movdqu 32(%[f]), %%xmm1; movdqu 64(%[f]), %%xmm2;"
                     "movdqu 96(%[f]), %%xmm3; movdqu 128(%[f]), %%xmm12; movdqu 160(%[f]), %%xmm13;"
                     "movdqu 192(%[f]), %%xmm14; movdqu 224(%[f]), %%xmm15;"
                     "1: dec %[n]; jnz 1b;"
                     "movdqu %%xmm0, 0(%[t]); movdqu %%xmm1, 32(%[t]); movdqu %%xmm2, 64(%[t]);"
                     "movdqu %%xmm3, 96(%[t]); movdqu %%xmm12, 128(%[t]); movdqu %%xmm13, 160(%[t]);"
                     "movdqu %%xmm14, 192(%[t]); movdqu %%xmm15, 224(%[t]);"
                     : [n] "+r"(turns)
                     : [f] "r"(from), [t] "r"(to)
                     : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm12", "xmm13", "xmm14", "xmm15");
}

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
