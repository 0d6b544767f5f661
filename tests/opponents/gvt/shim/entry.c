/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What src/ffi.rs calls. Compiled below the text of gvt/gtt.c, in one file with it. */

struct xengt_gvt {
    struct device dev;
    struct drm_i915_private i915;
    struct i915_ggtt ggtt;
    struct intel_gt gt;
    struct intel_gvt gvt;
    struct intel_vgpu vgpu;
    struct intel_vgpu_mm ggtt_mm, *ppgtt_mm;
};

void xengt_gvt_free(struct xengt_gvt *all)
{
    u32 i;

    if (!all)
        return;
    for (i = 0; all->vgpu.gtt.spt_tree.slots && i < all->dev.count; i++)
        free(all->vgpu.gtt.spt_tree.slots[i]);
    free(all->vgpu.gtt.spt_tree.slots);
    free(all->vgpu.tracks);
    free(all->ppgtt_mm);
    free(all->dev.pages);
    free(all);
}

/* `words` are the guest's memory and, for a global GTT, its entries; they outlive what is returned. */
struct xengt_gvt *xengt_gvt_new(const u64 *words, u64 frames, u32 shadow_pages, int gen, bool huge, u64 valid_gfns)
{
    struct xengt_gvt *all = calloc(1, sizeof(*all));

    if (!all)
        return NULL;
    all->dev.pages = aligned_alloc(PAGE_SIZE, shadow_pages * PAGE_SIZE);
    all->dev.count = shadow_pages;
    all->i915.drm.dev = &all->dev;
    all->i915.graphics_ver = gen;
    all->i915.page_sizes = huge ? I915_GTT_PAGE_SIZE_2M : 0;
    all->ggtt.mappable_end = 256u << 20;
    all->ggtt.vm.total = 1UL << 32;
    all->gt.i915 = &all->i915;
    all->gt.ggtt = &all->ggtt;
    all->gvt.gt = &all->gt;
    all->gvt.device_info.gtt_entry_size = 8;
    all->gvt.device_info.gtt_entry_size_shift = 3;
    all->gvt.gtt.pte_ops = &gen8_gtt_pte_ops;
    all->gvt.gtt.gma_ops = &gen8_gtt_gma_ops;
    all->vgpu.gvt = &all->gvt;
    all->vgpu.attached = true;
    all->vgpu.words = words;
    all->vgpu.frames = frames;
    all->vgpu.valid_gfns = valid_gfns;
    all->vgpu.ips = GAMW_ECO_ENABLE_64K_IPS_FIELD;
    all->vgpu.tracks = calloc(frames, sizeof(*all->vgpu.tracks));
    all->vgpu.gtt.spt_tree.slots = calloc(shadow_pages, sizeof(void *));
    all->vgpu.gtt.spt_tree.base = FIRST_SHADOW_MFN;
    all->vgpu.gtt.spt_tree.count = shadow_pages;
    all->ggtt_mm.type = INTEL_GVT_MM_GGTT;
    all->ggtt_mm.vgpu = &all->vgpu;
    all->ggtt_mm.ggtt_mm.virtual_ggtt = (void *)words;
    if (!all->dev.pages || !all->vgpu.tracks || !all->vgpu.gtt.spt_tree.slots) {
        xengt_gvt_free(all);
        return NULL;
    }
    return all;
}

/* The vGPU's slices of the global GTT, and the machine's size of it; in bytes. */
void xengt_gvt_window(struct xengt_gvt *all, const u64 low[2], const u64 high[2], u64 mappable, u64 total)
{
    all->vgpu.gm.low_gm_node.start = low[0];
    all->vgpu.gm.aperture_sz = low[1];
    all->vgpu.gm.high_gm_node.start = high[0];
    all->vgpu.gm.hidden_sz = high[1];
    all->ggtt.mappable_end = mappable;
    all->ggtt.vm.total = total;
}

int xengt_gvt_g2h(struct xengt_gvt *all, u64 guest, u64 *host)
{
    return intel_gvt_ggtt_gmadr_g2h(&all->vgpu, guest, host);
}

int xengt_gvt_h2g(struct xengt_gvt *all, u64 host, u64 *guest)
{
    return intel_gvt_ggtt_gmadr_h2g(&all->vgpu, host, guest);
}

/* Builds the shadow tables; what was there before goes first. */
int xengt_gvt_shadow(struct xengt_gvt *all, bool four_levels, u64 pdps[4])
{
    struct intel_vgpu_mm *mm = all->ppgtt_mm;

    machine = &all->dev;
    if (mm) {
        invalidate_ppgtt_mm(mm);
        vgpu_free_mm(mm);
    }
    mm = intel_vgpu_create_ppgtt_mm(
        &all->vgpu, four_levels ? GTT_TYPE_PPGTT_ROOT_L4_ENTRY : GTT_TYPE_PPGTT_ROOT_L3_ENTRY, pdps);
    all->ppgtt_mm = IS_ERR(mm) ? NULL : mm;
    return IS_ERR(mm) ? PTR_ERR(mm) : 0;
}

u64 xengt_gvt_shadow_root(const struct xengt_gvt *all, u32 index)
{
    return all->ppgtt_mm ? all->ppgtt_mm->ppgtt_mm.shadow_pdps[index % 4] : 0;
}

const u64 *xengt_gvt_shadow_words(const struct xengt_gvt *all, u64 *count)
{
    *count = 512ULL * all->dev.used;
    return all->dev.pages->words;
}

u64 xengt_gvt_ppgtt(struct xengt_gvt *all, u64 gma)
{
    return all->ppgtt_mm ? intel_vgpu_gma_to_gpa(all->ppgtt_mm, gma) : INTEL_GVT_INVALID_ADDR;
}

u64 xengt_gvt_ggtt(struct xengt_gvt *all, u64 gma)
{
    return intel_vgpu_gma_to_gpa(&all->ggtt_mm, gma);
}
