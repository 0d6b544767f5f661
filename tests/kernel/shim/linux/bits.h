#ifndef SHIM_BITS_H
#define SHIM_BITS_H
#define BIT(n) (1ul << (n))
#endif
