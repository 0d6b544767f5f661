/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * libxengt: vGPUs of Intel GVT-g on Xen, for device models.
 *
 * What holds for every function:
 *
 * - It returns 0, or a negative errno. xengt_last_error() then has the reason and what to do about it.
 *   Nothing is written through any pointer unless it returns 0.
 * - A pointer that is not NULL points to what its type says: a C string that ends in NUL, an open handle,
 *   a place for one number, or room for the structures that are announced. A NULL where nothing says that
 *   it is allowed gives -EINVAL. Strings are only read, and only during the call. Paths are bytes; other
 *   strings are UTF-8.
 * - `size` is sizeof the structure, as the caller was compiled. Structures only ever grow, at their ends: an
 *   older caller gets the fields that it knows, and a newer one zeros in those that the library does not.
 * - All threads may call it at the same time, also with one handle. It blocks while another process makes
 *   or unmakes a vGPU.
 * - It never unwinds and never calls back.
 * - A `domid` is a guest's: 1 to 32751.
 */


#ifndef XENGT_H
#define XENGT_H

/* Made by cbindgen from libxengt/src/capi: change it there. */

#include <stddef.h>
#include <stdint.h>

/**
 * The version of the ABI that this header describes.
 *
 * It grows by one when something is added. What is there is never changed: a change that breaks callers
 * gives the library another soname instead.
 */
#define XENGT_ABI_VERSION 1

/**
 * In `known` of a type: how many fit the empty host is known, in `fits` and `limit`.
 */
#define XENGT_TYPE_FITS 1

/**
 * In `known` of a type: how many more fit now is known, in `left`.
 */
#define XENGT_TYPE_LEFT 2

/**
 * In `limit` of a type: the kernel's limit on vGPUs runs out first.
 */
#define XENGT_LIMIT_INSTANCES 1

/**
 * In `limit` of a type: low graphics memory (the aperture) runs out first.
 */
#define XENGT_LIMIT_LOW_GM 2

/**
 * In `limit` of a type: high graphics memory runs out first.
 */
#define XENGT_LIMIT_HIGH_GM 3

/**
 * In `limit` of a type: fence registers run out first.
 */
#define XENGT_LIMIT_FENCES 4

/**
 * Bytes of a name, with the NUL that ends it.
 */
#define XENGT_NAME_SIZE 40

/**
 * The most fence registers a GPU has.
 */
#define XENGT_FENCES_MAX 32

/**
 * In `known` of a vGPU: the name of its type is.
 */
#define XENGT_VGPU_TYPE 1

/**
 * In `known` of a vGPU: its window is, in `aperture` and `hidden`.
 */
#define XENGT_VGPU_WINDOW 2

/**
 * In `known` of a vGPU: its fences are.
 */
#define XENGT_VGPU_FENCES 4

/**
 * In `known` of a vGPU: its state is.
 */
#define XENGT_VGPU_STATE 8

/**
 * In `state` of a vGPU: the kernel does not show it.
 */
#define XENGT_STATE_UNKNOWN 0

/**
 * In `state` of a vGPU: the GPU's scheduler runs its work.
 */
#define XENGT_STATE_ACTIVE 1

/**
 * In `state` of a vGPU: the GPU's scheduler does not run its work until it is resumed.
 */
#define XENGT_STATE_PAUSED 2

/**
 * In `flags` of a translation: the GPU may write there.
 */
#define XENGT_TRANSLATION_WRITABLE 1

/**
 * In `flags` of a translation: `host_gma` is known. It never is for a PPGTT, which has no such number.
 */
#define XENGT_TRANSLATION_HOST_GMA 2

/**
 * An open host.
 *
 * Every thread may use a handle at the same time as others. It holds no file descriptors and survives
 * fork(); parent and child then close their own.
 */
struct xengt_host;

/**
 * A vGPU type. Sizes are in bytes.
 */
struct xengt_type {
    /**
     * Its name, such as "GVTg_V5_4".
     */
    char name[XENGT_NAME_SIZE];
    /**
     * Low graphics memory (aperture, which the CPU can reach).
     */
    uint64_t low_gm;
    /**
     * High graphics memory (hidden from the CPU).
     */
    uint64_t high_gm;
    /**
     * Fence registers.
     */
    uint32_t fences;
    /**
     * Share of a contended GPU, relative to the other vGPUs: 1 to 16.
     */
    uint32_t weight;
    /**
     * Width of the largest mode of the virtual display, in pixels.
     */
    uint32_t max_width;
    /**
     * Height of the largest mode of the virtual display, in pixels.
     */
    uint32_t max_height;
    /**
     * What of the following is known: XENGT_TYPE_... bits. Unknown fields are 0.
     */
    uint32_t known;
    /**
     * How many fit the host when it has no other vGPU.
     */
    uint32_t fits;
    /**
     * What runs out first on the empty host: XENGT_LIMIT_...
     */
    uint32_t limit;
    /**
     * How many more fit now.
     */
    uint32_t left;
};

/**
 * A slice of graphics memory, in bytes.
 */
struct xengt_slice {
    /**
     * Where it starts in the guest's numbers.
     */
    uint64_t guest;
    /**
     * Where it starts in the host's numbers.
     */
    uint64_t host;
    /**
     * How long it is.
     */
    uint64_t size;
};

/**
 * A vGPU. Kernels before ours show its id alone: `known` says what else there is, and what is not known is
 * zero.
 */
struct xengt_vgpu {
    /**
     * The domain it belongs to.
     */
    uint32_t domid;
    /**
     * The kernel's id of it, 1 to 7.
     */
    uint32_t id;
    /**
     * What of the following is known: XENGT_VGPU_... bits.
     */
    uint32_t known;
    /**
     * Whether it runs: XENGT_STATE_...
     */
    uint32_t state;
    /**
     * 0; or, in a list, the negative errno why this vGPU cannot be read. Then `domid` is all that is known.
     */
    int32_t error;
    /**
     * How many fence registers it has.
     */
    uint32_t fence_count;
    /**
     * The name of its type, such as "GVTg_V5_4".
     */
    char type_name[XENGT_NAME_SIZE];
    /**
     * The slice that the CPU can reach through BAR 2 ("low GM").
     */
    struct xengt_slice aperture;
    /**
     * The slice that the CPU cannot reach ("high GM").
     */
    struct xengt_slice hidden;
    /**
     * The host's fence registers that it has: fences[i] is the guest's fence i.
     */
    uint8_t fences[XENGT_FENCES_MAX];
};

/**
 * Where one graphics address leads.
 */
struct xengt_translation {
    /**
     * The address in the guest's physical memory, with the offset in the page.
     */
    uint64_t gpa;
    /**
     * The number that the host has for the graphics address, or 0: see `flags`.
     */
    uint64_t host_gma;
    /**
     * Bytes of the page: 4 KiB, 64 KiB, 2 MiB or 1 GiB.
     */
    uint64_t page_size;
    /**
     * Bytes from the address to the page's end, at least 1.
     */
    uint64_t remaining;
    /**
     * XENGT_TRANSLATION_... bits.
     */
    uint32_t flags;
    /**
     * The page's index into the GPU's private page attribute table, 0 to 7.
     */
    uint32_t ppat;
};

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the ABI that the library at hand has: at least XENGT_ABI_VERSION of the header that a
 * caller was compiled with, or functions that the caller knows are missing.
 */
uint32_t xengt_abi_version(void);

/**
 * What went wrong in the calling thread's last call that failed, and what to do about it: one line of
 * UTF-8. Empty if none failed yet. Never NULL.
 *
 * A call that succeeds leaves the text alone, as it does errno. The pointer is valid until the thread's next
 * call of a function of this library, or its end.
 */
const char *xengt_last_error(void);

/**
 * Opens the host whose files hang under the directory `root`; NULL is "/", the running system.
 *
 * A directory that holds a simulated host is recognised as one. On any other, nothing is looked at yet:
 * what is missing there, later calls say.
 *
 * Returns 0; -EINVAL if `out` is NULL or `root` empty; -EIO if the simulated host there is damaged, or
 * -EACCES or -ENOSPC if it cannot be brought up to date.
 */
int xengt_host_open(const char *root,
                    struct xengt_host **out);

/**
 * Opens the simulated host in the directory `dir`, and makes it if there is none: a laptop with a Kaby Lake
 * GT2, eight HVM domains (1 to 8) and a PV one (9).
 *
 * Returns 0; -EINVAL if an argument is NULL or `dir` empty; -EEXIST if the directory holds something else;
 * -EACCES if it belongs to another user or cannot be written; -ENOSPC if the file system is full; -ENOENT
 * or -EIO if it cannot be made, or the simulated host there is damaged.
 */
int xengt_host_open_sim(const char *dir,
                        struct xengt_host **out);

/**
 * Closes a host. NULL is let pass. No other thread may be using the handle, and nobody may afterwards.
 *
 * vGPUs are not touched: they belong to their domains.
 */
void xengt_host_close(struct xengt_host *host);

/**
 * Lists the vGPU types of the host's GPU, smallest first.
 *
 * `array` has room for `capacity` structures of `size` bytes each; `size` is sizeof(struct xengt_type).
 * `*count` becomes the number of types, of which as many are written as there is room for; with a NULL
 * `array` none are.
 *
 * How many fit is not known to those who may not read the GPU's configuration (not root), nor how many
 * more where the kernel does not show what others have: see `known`.
 *
 * Returns 0; -EINVAL if `host` or `count` is NULL or `size` wrong; -EOPNOTSUPP if there is no GPU that GVT-g
 * can share; -EACCES, -ENOENT or -EIO if the GPU's files cannot be read or make no sense.
 */
int xengt_host_types(const struct xengt_host *host,
                     struct xengt_type *array,
                     size_t size,
                     size_t capacity,
                     size_t *count);

/**
 * Reads the vGPU of domain `domid`. `size` is sizeof(struct xengt_vgpu).
 *
 * Returns 0; -EINVAL if a pointer is NULL, `size` wrong or `domid` not a guest's; -ENOENT if the domain has
 * no vGPU; -EOPNOTSUPP if the kernel module is not loaded; -EACCES without permission; -EIO if the kernel
 * shows what makes no sense.
 */
int xengt_vgpu_get(const struct xengt_host *host,
                   uint32_t domid,
                   struct xengt_vgpu *out,
                   size_t size);

/**
 * Lists the host's vGPUs in order of their domains. One that cannot be read is listed with its `error`, so
 * that it does not hide the others.
 *
 * `array` has room for `capacity` structures of `size` bytes each; `size` is sizeof(struct xengt_vgpu).
 * `*count` becomes the number of vGPUs, of which as many are written as there is room for; with a NULL
 * `array` none are.
 *
 * Returns 0; -EINVAL if `host` or `count` is NULL or `size` wrong; -EOPNOTSUPP if the kernel module is not
 * loaded; -EACCES without permission; -ENOENT or -EIO if the module's directory cannot be read.
 */
int xengt_vgpu_list(const struct xengt_host *host,
                    struct xengt_vgpu *array,
                    size_t size,
                    size_t capacity,
                    size_t *count);

/**
 * Makes a vGPU of the type called `type_name` for domain `domid`, and reads back what it became. A NULL
 * `type_name` is the smallest type, which is what libxl asks for by default. `size` is
 * sizeof(struct xengt_vgpu).
 *
 * The name may be the kernel's ("GVTg_V5_4"), mdev's ("i915-GVTg_V5_4") or short ("4").
 *
 * Returns 0; -EINVAL if `host` or `out` is NULL, `size` wrong, `domid` not a guest's or the name not UTF-8;
 * -ENOENT if there is no such type or no such domain; -EEXIST if the domain has a vGPU; -ENOSPC if no more of
 * the type fits; -EOPNOTSUPP if the type is larger than the host, the domain cannot have one (it is not HVM
 * with HAP), the GPU cannot be shared or the kernel module is not loaded; -EBUSY if another device emulator
 * holds the domain; -EACCES without permission; -EIO if the kernel failed or its answer could not be
 * verified. After a failure nothing is left behind; if something had to be, the text says so.
 */
int xengt_vgpu_create(const struct xengt_host *host,
                      uint32_t domid,
                      const char *type_name,
                      struct xengt_vgpu *out,
                      size_t size);

/**
 * Makes a vGPU with `low_mb` MB of low graphics memory for domain `domid`, as libxl asks for one, and reads
 * back what it became. `size` is sizeof(struct xengt_vgpu).
 *
 * `low_mb` alone picks the type: 64, 128, 256 or 512. `high_mb` and `fences` are advice that the kernel is
 * given and need not take; `fences` must be at least 1.
 *
 * Returns what xengt_vgpu_create does, except that a size which no type has gives -EINVAL.
 */
int xengt_vgpu_create_sized(const struct xengt_host *host,
                            uint32_t domid,
                            uint32_t low_mb,
                            uint32_t high_mb,
                            uint32_t fences,
                            struct xengt_vgpu *out,
                            size_t size);

/**
 * Unmakes the vGPU of domain `domid`.
 *
 * Returns 0; -EINVAL if `host` is NULL or `domid` not a guest's; -ENOENT if the domain has no vGPU;
 * -EOPNOTSUPP if the kernel module is not loaded; -EACCES without permission; -EIO if the kernel failed or
 * the vGPU is still there.
 */
int xengt_vgpu_destroy(const struct xengt_host *host,
                       uint32_t domid);

/**
 * Takes the vGPU of domain `domid` off the GPU's scheduler. Paused twice is paused.
 *
 * Where the kernel shows no state (XENGT_VGPU_STATE), 0 says that it took the command, and no more.
 *
 * Returns what xengt_vgpu_destroy does; -EIO if the kernel still shows the other state.
 */
int xengt_vgpu_pause(const struct xengt_host *host, uint32_t domid);

/**
 * Puts the vGPU of domain `domid` back on the GPU's scheduler. Resumed twice is running.
 *
 * Returns what xengt_vgpu_pause does.
 */
int xengt_vgpu_resume(const struct xengt_host *host, uint32_t domid);

/**
 * Gives the host's number, in `*host_gma`, of the graphics address that the guest in domain `domid` calls
 * `guest_gma`.
 *
 * The window is read anew by every call. Who translates much reads it once with xengt_vgpu_get.
 *
 * Returns 0; -EINVAL if a pointer is NULL, `domid` not a guest's or the address wider than 32 bits; -ENOENT
 * if the domain has no vGPU, or the address is outside its window; -EOPNOTSUPP if the kernel does not show
 * windows, or its module is not loaded; -EACCES without permission; -EIO if the kernel shows what makes no
 * sense.
 */
int xengt_gma_g2h(const struct xengt_host *host,
                  uint32_t domid,
                  uint64_t guest_gma,
                  uint64_t *host_gma);

/**
 * Gives the number, in `*guest_gma`, by which the guest in domain `domid` knows the host's graphics address
 * `host_gma`. The inverse of xengt_gma_g2h.
 *
 * Returns what xengt_gma_g2h does: -ENOENT for addresses of the host's own and of other guests.
 */
int xengt_gma_h2g(const struct xengt_host *host,
                  uint32_t domid,
                  uint64_t host_gma,
                  uint64_t *guest_gma);

/**
 * Translates an address of the global GTT, as the guest in domain `domid` numbers and maps it. `size` is
 * sizeof(struct xengt_translation).
 *
 * Returns 0; -EINVAL if a pointer is NULL, `size` wrong, `domid` not a guest's or the address outside the
 * GGTT; -ENOENT if the domain has no vGPU, the address is outside its window or nothing is mapped there;
 * -EOPNOTSUPP if the kernel does not show guests' tables (ours does, in debugfs) or its module is not
 * loaded, or the GPU cannot be shared; -EACCES without permission; -EIO if the entry or a file makes no
 * sense.
 */
int xengt_ggtt_translate(const struct xengt_host *host,
                         uint32_t domid,
                         uint64_t guest_gma,
                         struct xengt_translation *out,
                         size_t size);

/**
 * Translates an address of the per-process graphics space whose four levels of tables start at `pml4`, a
 * page's address in the memory of the guest in domain `domid`. `size` is sizeof(struct xengt_translation).
 *
 * The tables are the guest's, in its memory, and nothing that is found in them is believed. This version
 * reads the memory of simulated guests alone.
 *
 * Returns 0; -EINVAL if a pointer is NULL, `size` wrong, `domid` not a guest's, `pml4` not a page's address
 * of at most 52 bits or `address` wider than 48; -ENOENT if the domain has no vGPU or nothing is mapped
 * there; -EOPNOTSUPP if the host is real, the kernel module is not loaded or the GPU cannot be shared;
 * -EACCES without permission; -EIO if a table cannot be read or an entry makes no sense.
 */
int xengt_ppgtt_translate(const struct xengt_host *host,
                          uint32_t domid,
                          uint64_t pml4,
                          uint64_t address,
                          struct xengt_translation *out,
                          size_t size);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* XENGT_H */
