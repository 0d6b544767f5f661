/* Addresses of a simulated guest, in each table and each page size, and those that lead nowhere. */
#include "check.h"

/* Where the simulated guest has things: libxengt/src/sim/guest/layout.rs. */
#define PML4 0x200000u
#define PAGE 0x1000u

static void global_table(struct xengt_host *host, const struct xengt_vgpu *vgpu)
{
    struct xengt_translation found;
    /* The ring buffer, 8 MB into the aperture; and the context image, where the hidden slice starts. */
    const uint64_t places[][2] = {{vgpu->aperture.guest + 8 * MB, 0x8000000u}, {vgpu->hidden.guest, 0x8100000u}};
    for (int i = 0; i < 2; i++) {
        PAINT(found);
        CHECK(xengt_ggtt_translate(host, 1, places[i][0] + 0x123, &found, sizeof(found)) == 0);
        CHECK(found.gpa == places[i][1] + 0x123);
        CHECK(found.page_size == PAGE && found.remaining == PAGE - 0x123);
        CHECK(found.flags == (XENGT_TRANSLATION_WRITABLE | XENGT_TRANSLATION_HOST_GMA));
        CHECK(found.host_gma == places[i][0] + 0x123);
        CHECK(found.ppat == 0);
    }

    PAINT(found);
    uint64_t last = vgpu->aperture.guest + vgpu->aperture.size - 1;
    FAILS(ENOENT, "not present", xengt_ggtt_translate(host, 1, last, &found, sizeof(found)));
    FAILS(ENOENT, "outside the vGPU's window",
          xengt_ggtt_translate(host, 1, last + 1, &found, sizeof(found)));
    FAILS(ENOENT, "outside the vGPU's window", xengt_ggtt_translate(host, 1, 0, &found, sizeof(found)));
    FAILS(EINVAL, "guest GGTT", xengt_ggtt_translate(host, 1, (uint64_t)1 << 32, &found, sizeof(found)));
    FAILS(EINVAL, "guest GGTT", xengt_ggtt_translate(host, 1, UINT64_MAX, &found, sizeof(found)));
    FAILS(ENOENT, "domain 2 has no vGPU", xengt_ggtt_translate(host, 2, last, &found, sizeof(found)));
    FAILS(EINVAL, "domain id", xengt_ggtt_translate(host, 0, last, &found, sizeof(found)));
    FAILS(EINVAL, "`host` is NULL", xengt_ggtt_translate(NULL, 1, last, &found, sizeof(found)));
    FAILS(EINVAL, "`out` is NULL", xengt_ggtt_translate(host, 1, last, NULL, sizeof(found)));
    FAILS(EINVAL, "sizeof(struct xengt_translation)", xengt_ggtt_translate(host, 1, last, &found, 39));
    CHECK(UNTOUCHED(found));
}

static void own_table(struct xengt_host *host)
{
    const struct {
        uint64_t address, size, gpa;
    } pages[] = {
        {0x100000, PAGE, 0x9000000},
        {0x400000, 16 * PAGE, 0xa000000},
        {0x800000, 2 * MB, 0x12000000},
        {0x40000000, 1024 * MB, 0x40000000},
    };
    struct xengt_translation found;
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        PAINT(found);
        CHECK(xengt_ppgtt_translate(host, 1, PML4, pages[i].address + 0x678, &found, sizeof(found)) == 0);
        CHECK(found.gpa == pages[i].gpa + 0x678);
        CHECK(found.page_size == pages[i].size && found.remaining == pages[i].size - 0x678);
        CHECK(found.flags == XENGT_TRANSLATION_WRITABLE && found.host_gma == 0);
    }
    /* The sixteenth small page is read-only, and the ninth is missing. */
    CHECK(xengt_ppgtt_translate(host, 1, PML4, 0x100000 + 15 * PAGE, &found, sizeof(found)) == 0);
    CHECK(found.flags == 0);
    PAINT(found);
    FAILS(ENOENT, "not present",
          xengt_ppgtt_translate(host, 1, PML4, 0x100000 + 8 * PAGE, &found, sizeof(found)));
    FAILS(EINVAL, "PPGTT", xengt_ppgtt_translate(host, 1, PML4, (uint64_t)1 << 48, &found, sizeof(found)));
    FAILS(EINVAL, "tables start at multiples",
          xengt_ppgtt_translate(host, 1, PML4 + 8, 0x100000, &found, sizeof(found)));
    FAILS(EINVAL, "guest physical", xengt_ppgtt_translate(host, 1, UINT64_MAX, 0x100000, &found, sizeof(found)));
    /* Roots in the VGA hole and beyond the memory, and one that is no table: framebuffer, not entries. */
    FAILS(EIO, "no page is there", xengt_ppgtt_translate(host, 1, 0xa0000, 0, &found, sizeof(found)));
    FAILS(EIO, "beyond the end",
          xengt_ppgtt_translate(host, 1, (uint64_t)1 << 40, 0, &found, sizeof(found)));
    CHECK(xengt_ppgtt_translate(host, 1, 0x10000000, 0, &found, sizeof(found)) < 0);
    FAILS(ENOENT, "domain 2 has no vGPU",
          xengt_ppgtt_translate(host, 2, PML4, 0x100000, &found, sizeof(found)));
    FAILS(EINVAL, "domain id", xengt_ppgtt_translate(host, 0, PML4, 0, &found, sizeof(found)));
    FAILS(EINVAL, "`host` is NULL", xengt_ppgtt_translate(NULL, 1, PML4, 0, &found, sizeof(found)));
    FAILS(EINVAL, "`out` is NULL", xengt_ppgtt_translate(host, 1, PML4, 0, NULL, sizeof(found)));
    FAILS(EINVAL, "sizeof", xengt_ppgtt_translate(host, 1, PML4, 0, &found, 0));
    CHECK(UNTOUCHED(found));
}

static void numbers(struct xengt_host *host, const struct xengt_vgpu *vgpu)
{
    const struct xengt_slice *slices[] = {&vgpu->aperture, &vgpu->hidden};
    uint64_t there, back;
    for (int i = 0; i < 2; i++) {
        const uint64_t offsets[] = {0, 0x123456, slices[i]->size - 1};
        for (int k = 0; k < 3; k++) {
            CHECK(xengt_gma_g2h(host, 1, slices[i]->guest + offsets[k], &there) == 0);
            CHECK(there == slices[i]->host + offsets[k]);
            CHECK(xengt_gma_h2g(host, 1, there, &back) == 0);
            CHECK(back == slices[i]->guest + offsets[k]);
        }
    }
    PAINT(there);
    uint64_t end = vgpu->aperture.host + vgpu->aperture.size;
    FAILS(ENOENT, "outside the vGPU's window", xengt_gma_g2h(host, 1, end, &there));
    FAILS(ENOENT, "outside the vGPU's window", xengt_gma_h2g(host, 1, end, &there));
    FAILS(ENOENT, "outside the vGPU's window", xengt_gma_h2g(host, 1, 0, &there));
    FAILS(EINVAL, "guest GGTT", xengt_gma_g2h(host, 1, UINT64_MAX, &there));
    FAILS(EINVAL, "host GGTT", xengt_gma_h2g(host, 1, UINT64_MAX, &there));
    FAILS(ENOENT, "domain 2 has no vGPU", xengt_gma_g2h(host, 2, end, &there));
    FAILS(EINVAL, "domain id", xengt_gma_h2g(host, 65536, end, &there));
    FAILS(EINVAL, "`host` is NULL", xengt_gma_g2h(NULL, 1, end, &there));
    FAILS(EINVAL, "`host` is NULL", xengt_gma_h2g(NULL, 1, end, &there));
    FAILS(EINVAL, "`host_gma` is NULL", xengt_gma_g2h(host, 1, end, NULL));
    FAILS(EINVAL, "`guest_gma` is NULL", xengt_gma_h2g(host, 1, end, NULL));
    CHECK(UNTOUCHED(there));
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    struct xengt_host *host;
    struct xengt_vgpu vgpu;
    CHECK(xengt_host_open_sim(scratch(argv, "sim"), &host) == 0);
    CHECK(xengt_vgpu_create(host, 1, NULL, &vgpu, sizeof(vgpu)) == 0);
    global_table(host, &vgpu);
    own_table(host);
    numbers(host, &vgpu);
    xengt_host_close(host);
    return 0;
}
