/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What gvt/gtt.h needs of the kernel, written anew: types that one thread in user space can live with. */
#ifndef XENGT_GVT_KERNEL_H
#define XENGT_GVT_KERNEL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint32_t u32;
typedef uint64_t u64;
typedef u64 dma_addr_t;
typedef u64 gen8_pte_t;
typedef u64 kvm_pfn_t;
typedef unsigned int gfp_t;

#define __iomem
#define PAGE_SHIFT 12
#define PAGE_SIZE 4096UL
#define I915_GTT_PAGE_SIZE PAGE_SIZE
#define I915_GTT_PAGE_SIZE_2M (1u << 21)
#define I915_GTT_PAGE_MASK (~(PAGE_SIZE - 1))
#define GEN8_3LVL_PDPES 4

#define BIT(n) (1UL << (n))
#define GENMASK_ULL(high, low) ((~0ULL >> (63 - (high))) & (~0ULL << (low)))
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define DECLARE_BITMAP(name, bits) unsigned long name[((bits) + 63) / 64]

/* The bits of an entry (Broadwell PRM, volume 5). */
#define GEN8_PAGE_PRESENT BIT(0)
#define GEN8_PDE_IPS_64K BIT(11)
#define _PAGE_DIRTY BIT(6)
#define _PAGE_PSE BIT(7)
#define _PAGE_PAT BIT(7)
#define _PAGE_PAT_LARGE BIT(12)

/* A kernel without i915's debugging: bugs are not looked for, warnings go nowhere. */
#define GEM_BUG_ON(what) ((void)sizeof(!(what)))
#define GEM_WARN_ON(what) __builtin_expect(!!(what), 0)
#define WARN_ON(what) __builtin_expect(!!(what), 0)
#define WARN(what, ...) __builtin_expect(!!(what), 0)
#define drm_WARN(drm, what, ...) ((void)(drm), __builtin_expect(!!(what), 0))
#define ignored(...) do { } while (0)
#define gvt_dbg_core ignored
#define gvt_dbg_mm ignored
#define gvt_vdbg_mm ignored
#define gvt_vgpu_err ignored
#define trace_gma_index ignored
#define trace_gma_translate ignored
#define trace_spt_alloc ignored
#define trace_spt_change ignored
#define trace_spt_free ignored
#define trace_spt_guest_change ignored
#define trace_spt_refcount ignored

#define ERR_PTR(error) ((void *)(intptr_t)(error))
#define PTR_ERR(pointer) ((int)(intptr_t)(pointer))
#define IS_ERR(pointer) ((uintptr_t)(pointer) >= (uintptr_t)-4095)

typedef struct { int counter; } atomic_t;
#define atomic_set(v, n) ((v)->counter = (n))
#define atomic_read(v) ((v)->counter)
#define atomic_inc(v) ((void)++(v)->counter)
#define atomic_dec_return(v) (--(v)->counter)

struct kref { int count; };
#define kref_init(kref) ((kref)->count = 1)
#define kref_get(kref) ((void)++(kref)->count)
#define kref_put(kref, release) (--(kref)->count == 0 ? (release)(kref), 1 : 0)

struct mutex { char unused; };
#define mutex_lock(lock) ((void)(lock))
#define mutex_unlock(lock) ((void)(lock))

/* Nothing that runs here looks through a list. */
struct list_head { struct list_head *next, *prev; };
#define INIT_LIST_HEAD(list) ((list)->next = (list)->prev = (list))
#define list_del_init(list) INIT_LIST_HEAD(list)
#define list_add_tail(entry, list) ((void)(entry), (void)(list))

/* A radix tree whose keys lie close together is an array, and faster. */
struct radix_tree_root { void **slots; unsigned long base, count; };

static inline void *radix_tree_lookup(const struct radix_tree_root *root, unsigned long key)
{
    return key - root->base < root->count ? root->slots[key - root->base] : NULL;
}

static inline int radix_tree_insert(struct radix_tree_root *root, unsigned long key, void *item)
{
    if (key - root->base >= root->count)
        return -ENOMEM;
    root->slots[key - root->base] = item;
    return 0;
}

static inline void radix_tree_delete(struct radix_tree_root *root, unsigned long key)
{
    radix_tree_insert(root, key, NULL);
}

#define kzalloc(size, flags) calloc(1, size)
#define kfree free
#define readq(addr) (*(volatile u64 *)(addr))
#define writeq(value, addr) ((void)(*(volatile u64 *)(addr) = (value)))

#endif
