/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The GPU, the hypervisor and the vGPU, as far as gvt/gtt.c looks at them; written anew. */
#ifndef XENGT_GVT_HOST_H
#define XENGT_GVT_HOST_H

/* Shadow tables get machine frames from here on, where no guest frame of a test is. src/ffi.rs repeats it. */
#define FIRST_SHADOW_MFN 0x300000000UL

struct page { u64 words[512]; };

/* A machine: frames for shadow tables, given out in order, taken back in a chain through their first words. */
struct device {
    struct page *pages;
    u32 count, used;
    struct page *free;
};

struct i915_ggtt {
    void *gsm;
    u64 mappable_end;
    struct { u64 total; } vm;
};
struct drm_i915_private {
    struct { struct device *dev; } drm;
    int graphics_ver;
    u32 page_sizes;
};
struct intel_gt { struct drm_i915_private *i915; struct i915_ggtt *ggtt; };
struct intel_gvt_device_info { u32 gtt_entry_size, gtt_entry_size_shift; };
struct intel_gvt {
    struct intel_gt *gt;
    struct intel_gvt_device_info device_info;
    struct intel_gvt_gtt gtt;
};

struct intel_vgpu_page_track {
    int (*handler)(struct intel_vgpu_page_track *track, u64 gpa, void *data, int bytes);
    void *priv_data;
};

struct intel_vgpu {
    struct intel_gvt *gvt;
    int id;
    bool attached;
    struct { void *kvm; } vfio_device;
    struct {
        u64 aperture_sz, hidden_sz;
        struct { u64 start; } low_gm_node, high_gm_node;
    } gm;
    struct intel_vgpu_gtt gtt;
    /* The guest's memory from address 0 on, and one track per frame of it. */
    const u64 *words;
    u64 frames;
    struct intel_vgpu_page_track *tracks;
    /* Leaves may name frames below this. */
    u64 valid_gfns;
    u32 ips;
};

#define GRAPHICS_VER(i915) ((i915)->graphics_ver)
#define HAS_PAGE_SIZES(i915, sizes) (((i915)->page_sizes & (sizes)) == (sizes))
#define GAMW_ECO_ENABLE_64K_IPS_FIELD 0xf
#define vgpu_vreg_t(vgpu, reg) ((vgpu)->ips)

/* With 2 MiB pages all of the guest's memory is made of them. */
#define gfn_to_pfn(kvm, gfn) (gfn)
#define is_error_noslot_pfn(pfn) 0
#define pfn_valid(pfn) 1
#define pfn_to_page(pfn) (pfn)
#define PageTransHuge(page) 1
#define kvm_release_pfn_clean(pfn) ((void)(pfn))

#define GFP_KERNEL 0
#define __GFP_ZERO 0
#define DMA_BIDIRECTIONAL 0
static _Thread_local struct device *machine;

static struct page *alloc_page(gfp_t flags)
{
    struct page *page = machine->free;

    (void)flags;
    if (page)
        memcpy(&machine->free, page, sizeof(machine->free));
    else if (machine->used < machine->count)
        page = &machine->pages[machine->used++];
    return page ? memset(page, 0, sizeof(*page)) : NULL;
}

static void __free_page(struct page *page)
{
    memcpy(page, &machine->free, sizeof(machine->free));
    machine->free = page;
}

#define page_address(page) ((void *)(page))
#define clear_page(page) memset(page, 0, PAGE_SIZE)
#define dma_map_page(dev, page, offset, size, direction) \
    ((FIRST_SHADOW_MFN + (u64)((page) - (dev)->pages)) << PAGE_SHIFT)
#define dma_mapping_error(dev, addr) ((void)(dev), 0)
#define dma_unmap_page(dev, addr, size, direction) ((void)(dev))

/* The guest's memory lies in the machine as it lies in the guest. */
static int intel_gvt_dma_map_guest_page(struct intel_vgpu *vgpu, unsigned long gfn, unsigned long size,
                                        dma_addr_t *addr)
{
    (void)vgpu, (void)size;
    *addr = (u64)gfn << PAGE_SHIFT;
    return 0;
}
#define intel_gvt_dma_unmap_guest_page(vgpu, addr) ((void)(vgpu))

static bool intel_gvt_is_valid_gfn(struct intel_vgpu *vgpu, unsigned long gfn)
{
    return gfn < vgpu->valid_gfns;
}

static inline int intel_gvt_read_gpa(struct intel_vgpu *vgpu, u64 gpa, void *to, unsigned long len)
{
    if (gpa >> PAGE_SHIFT >= vgpu->frames)
        return -EFAULT;
    memcpy(to, (const char *)vgpu->words + gpa, len); /* aligned 8 bytes: never across a frame's end */
    return 0;
}
#define intel_gvt_write_gpa(vgpu, gpa, from, len) (-EFAULT) /* no one here writes to the guest */

/* Tells shadowed frames from others by its address; nothing here faults, so nothing calls it. */
static int ppgtt_write_protection_handler(struct intel_vgpu_page_track *track, u64 gpa, void *data, int bytes)
{
    (void)track, (void)gpa, (void)data, (void)bytes;
    return -EINVAL;
}

static struct intel_vgpu_page_track *intel_vgpu_find_page_track(struct intel_vgpu *vgpu, unsigned long gfn)
{
    return gfn < vgpu->frames && vgpu->tracks[gfn].handler ? &vgpu->tracks[gfn] : NULL;
}

static int intel_vgpu_register_page_track(struct intel_vgpu *vgpu, unsigned long gfn, void *handler, void *data)
{
    if (gfn >= vgpu->frames)
        return -EINVAL;
    vgpu->tracks[gfn].handler = handler;
    vgpu->tracks[gfn].priv_data = data;
    return 0;
}

#define intel_vgpu_enable_page_track(vgpu, gfn) ((void)(gfn), 0)
#define intel_vgpu_unregister_page_track(vgpu, gfn) ((void)((vgpu)->tracks[gfn].handler = NULL))
#define detach_oos_page(vgpu, page) ((void)(page))
#define reclaim_one_ppgtt_mm(gvt) 0

static int ppgtt_populate_spt(struct intel_vgpu_ppgtt_spt *spt);
static int ppgtt_invalidate_spt(struct intel_vgpu_ppgtt_spt *spt);
static void ppgtt_free_spt(struct intel_vgpu_ppgtt_spt *spt);

#endif
