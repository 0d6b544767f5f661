/* One access each, of just this size: the compiler may neither split, join nor drop an asm volatile. */
#ifndef LAB_ACCESS_H
#define LAB_ACCESS_H

#include <stdint.h>

static inline void store(volatile uint8_t *at, unsigned size, uint64_t value)
{
    switch (size) {
    case 1: __asm__ volatile("movb %b0, %1" : : "q"(value), "m"(*at) : "memory"); break;
    case 2: __asm__ volatile("movw %w0, %1" : : "r"(value), "m"(*at) : "memory"); break;
    case 4: __asm__ volatile("movl %k0, %1" : : "r"(value), "m"(*at) : "memory"); break;
    default: __asm__ volatile("movq %q0, %1" : : "r"(value), "m"(*at) : "memory"); break;
    }
}

static inline uint64_t load(const volatile uint8_t *at, unsigned size)
{
    uint64_t value = 0;
    switch (size) {
    case 1: __asm__ volatile("movb %1, %b0" : "+q"(value) : "m"(*at) : "memory"); break;
    case 2: __asm__ volatile("movw %1, %w0" : "+r"(value) : "m"(*at) : "memory"); break;
    case 4: __asm__ volatile("movl %1, %k0" : "+r"(value) : "m"(*at) : "memory"); break;
    default: __asm__ volatile("movq %1, %q0" : "+r"(value) : "m"(*at) : "memory"); break;
    }
    return value;
}

static inline void copy_words(volatile void *to, const volatile void *from, uint64_t words, int backwards)
{
    if (backwards)
        __asm__ volatile("std; rep movsq; cld" : "+D"(to), "+S"(from), "+c"(words) : : "memory", "cc");
    else
        __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
}

#endif
