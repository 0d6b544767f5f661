/* The life of vGPUs on a simulated host, and every refusal on the way. */
#include "check.h"

#include <dirent.h>

/* How many files this process has open. */
static int open_files(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    CHECK(dir != NULL);
    while (readdir(dir) != NULL) {
        count++;
    }
    CHECK(closedir(dir) == 0);
    return count;
}

static void refusals(struct xengt_host *host)
{
    struct xengt_vgpu vgpu;
    size_t count;
    PAINT(vgpu);
    PAINT(count);
    FAILS(EINVAL, "`host` is NULL", xengt_vgpu_create(NULL, 1, NULL, &vgpu, sizeof(vgpu)));
    FAILS(EINVAL, "`host` is NULL", xengt_vgpu_create_sized(NULL, 1, 64, 384, 4, &vgpu, sizeof(vgpu)));
    FAILS(EINVAL, "`host` is NULL", xengt_vgpu_destroy(NULL, 1));
    FAILS(EINVAL, "`host` is NULL", xengt_vgpu_pause(NULL, 1));
    FAILS(EINVAL, "`host` is NULL", xengt_vgpu_resume(NULL, 1));
    FAILS(EINVAL, "`host` is NULL", xengt_vgpu_get(NULL, 1, &vgpu, sizeof(vgpu)));
    FAILS(EINVAL, "`host` is NULL", xengt_vgpu_list(NULL, &vgpu, sizeof(vgpu), 1, &count));
    FAILS(EINVAL, "`out` is NULL", xengt_vgpu_create(host, 1, NULL, NULL, sizeof(vgpu)));
    FAILS(EINVAL, "`out` is NULL", xengt_vgpu_create_sized(host, 1, 64, 384, 4, NULL, sizeof(vgpu)));
    FAILS(EINVAL, "`out` is NULL", xengt_vgpu_get(host, 1, NULL, sizeof(vgpu)));
    FAILS(EINVAL, "`count` is NULL", xengt_vgpu_list(host, &vgpu, sizeof(vgpu), 1, NULL));
    FAILS(EINVAL, "sizeof(struct xengt_vgpu)", xengt_vgpu_create(host, 1, NULL, &vgpu, 1));
    FAILS(EINVAL, "sizeof(struct xengt_vgpu)", xengt_vgpu_create_sized(host, 1, 64, 384, 4, &vgpu, 0));
    FAILS(EINVAL, "sizeof(struct xengt_vgpu)", xengt_vgpu_get(host, 1, &vgpu, 5000));
    FAILS(EINVAL, "sizeof(struct xengt_vgpu)", xengt_vgpu_list(host, &vgpu, 8, 1, &count));

    const uint32_t no_guests[] = {0, 32752, 65536, 65537, UINT32_MAX};
    for (size_t i = 0; i < sizeof(no_guests) / sizeof(no_guests[0]); i++) {
        const char *words = "not a guest's domain id";
        FAILS(EINVAL, words, xengt_vgpu_create(host, no_guests[i], NULL, &vgpu, sizeof(vgpu)));
        FAILS(EINVAL, words, xengt_vgpu_create_sized(host, no_guests[i], 64, 384, 4, &vgpu, sizeof(vgpu)));
        FAILS(EINVAL, words, xengt_vgpu_destroy(host, no_guests[i]));
        FAILS(EINVAL, words, xengt_vgpu_pause(host, no_guests[i]));
        FAILS(EINVAL, words, xengt_vgpu_resume(host, no_guests[i]));
        FAILS(EINVAL, words, xengt_vgpu_get(host, no_guests[i], &vgpu, sizeof(vgpu)));
    }

    const char *no_types[] = {"", "3", "GVTg_V5_3", "gvtg_v5_8", "i915-8", "GVTg_V4_8"};
    for (size_t i = 0; i < sizeof(no_types) / sizeof(no_types[0]); i++) {
        FAILS(ENOENT, "vGPU type", xengt_vgpu_create(host, 1, no_types[i], &vgpu, sizeof(vgpu)));
    }
    FAILS(EINVAL, "`type_name` is not UTF-8", xengt_vgpu_create(host, 1, "\xff", &vgpu, sizeof(vgpu)));
    FAILS(EINVAL, "64, 128, 256, 512 MB",
          xengt_vgpu_create_sized(host, 1, 100, 384, 4, &vgpu, sizeof(vgpu)));
    FAILS(EINVAL, "64, 128, 256, 512 MB",
          xengt_vgpu_create_sized(host, 1, 0, 384, 4, &vgpu, sizeof(vgpu)));
    FAILS(EINVAL, "refused", xengt_vgpu_create_sized(host, 1, 64, 384, 0, &vgpu, sizeof(vgpu)));
    FAILS(EOPNOTSUPP, "it can give 128 MB", xengt_vgpu_create(host, 1, "1", &vgpu, sizeof(vgpu)));
    FAILS(ENOENT, "there is no domain 99", xengt_vgpu_create(host, 99, NULL, &vgpu, sizeof(vgpu)));
    FAILS(EOPNOTSUPP, "not HVM", xengt_vgpu_create(host, 9, NULL, &vgpu, sizeof(vgpu)));

    FAILS(ENOENT, "domain 1 has no vGPU", xengt_vgpu_get(host, 1, &vgpu, sizeof(vgpu)));
    FAILS(ENOENT, "domain 1 has no vGPU", xengt_vgpu_destroy(host, 1));
    FAILS(ENOENT, "domain 1 has no vGPU", xengt_vgpu_pause(host, 1));
    FAILS(ENOENT, "domain 1 has no vGPU", xengt_vgpu_resume(host, 1));
    CHECK(UNTOUCHED(vgpu) && UNTOUCHED(count));
    CHECK(xengt_vgpu_list(host, &vgpu, sizeof(vgpu), 1, &count) == 0);
    CHECK(count == 0 && UNTOUCHED(vgpu));
}

static void check_small(const struct xengt_vgpu *vgpu, uint32_t domid, uint32_t id)
{
    CHECK(vgpu->domid == domid && vgpu->id == id && vgpu->error == 0);
    CHECK(vgpu->known
          == (XENGT_VGPU_TYPE | XENGT_VGPU_WINDOW | XENGT_VGPU_FENCES | XENGT_VGPU_STATE));
    CHECK(strcmp(vgpu->type_name, "GVTg_V5_8") == 0);
    CHECK(vgpu->aperture.size == 64 * MB && vgpu->hidden.size == 384 * MB);
    CHECK(vgpu->aperture.guest == vgpu->aperture.host && vgpu->hidden.guest == vgpu->hidden.host);
    CHECK(vgpu->fence_count == 4);
}

static void life(struct xengt_host *host)
{
    struct xengt_vgpu first, second, again, list[3];
    size_t count;
    PAINT(first);
    CHECK(xengt_vgpu_create(host, 1, NULL, &first, sizeof(first)) == 0);
    check_small(&first, 1, 1);
    CHECK(first.state == XENGT_STATE_ACTIVE);
    FAILS(EEXIST, "domain 1 has a vGPU already", xengt_vgpu_create(host, 1, NULL, &again, sizeof(again)));

    PAINT(second);
    CHECK(xengt_vgpu_create_sized(host, 2, 64, 448, 4, &second, sizeof(second)) == 0);
    check_small(&second, 2, 2);
    CHECK(second.aperture.host >= first.aperture.host + first.aperture.size
          || first.aperture.host >= second.aperture.host + second.aperture.size);
    for (uint32_t i = 0; i < 4; i++) {
        CHECK(first.fences[i] < XENGT_FENCES_MAX);
        for (uint32_t k = 0; k < 4; k++) {
            CHECK(first.fences[i] != second.fences[k]);
        }
    }

    /* The host is full. */
    PAINT(again);
    FAILS(ENOSPC, "low graphics memory", xengt_vgpu_create(host, 3, "8", &again, sizeof(again)));
    FAILS(ENOSPC, "low graphics memory",
          xengt_vgpu_create_sized(host, 3, 128, 512, 4, &again, sizeof(again)));
    CHECK(UNTOUCHED(again));

    /* Lists: whole, cut, counted. */
    PAINT(list);
    CHECK(xengt_vgpu_list(host, list, sizeof(list[0]), 3, &count) == 0);
    CHECK(count == 2 && UNTOUCHED(list[2]));
    CHECK(memcmp(&list[0], &first, sizeof(first)) == 0 && memcmp(&list[1], &second, sizeof(second)) == 0);
    PAINT(list);
    CHECK(xengt_vgpu_list(host, list, sizeof(list[0]), 1, &count) == 0);
    CHECK(count == 2 && list[0].domid == 1 && UNTOUCHED(list[1]));
    CHECK(xengt_vgpu_list(host, NULL, sizeof(list[0]), 9, &count) == 0);
    CHECK(count == 2);

    /* Pausing one leaves the other alone; twice is once. */
    for (int i = 0; i < 2; i++) {
        CHECK(xengt_vgpu_pause(host, 2) == 0);
        CHECK(xengt_vgpu_get(host, 2, &again, sizeof(again)) == 0);
        CHECK(again.state == XENGT_STATE_PAUSED);
    }
    CHECK(xengt_vgpu_get(host, 1, &again, sizeof(again)) == 0);
    CHECK(memcmp(&again, &first, sizeof(first)) == 0);
    for (int i = 0; i < 2; i++) {
        CHECK(xengt_vgpu_resume(host, 2) == 0);
        CHECK(xengt_vgpu_get(host, 2, &again, sizeof(again)) == 0);
        CHECK(again.state == XENGT_STATE_ACTIVE);
    }

    /* A destroyed one is gone, and its place is free. */
    CHECK(xengt_vgpu_destroy(host, 1) == 0);
    FAILS(ENOENT, "domain 1 has no vGPU", xengt_vgpu_destroy(host, 1));
    CHECK(xengt_vgpu_create(host, 3, "i915-GVTg_V5_8", &again, sizeof(again)) == 0);
    CHECK(again.aperture.host == first.aperture.host);
    CHECK(xengt_vgpu_destroy(host, 2) == 0 && xengt_vgpu_destroy(host, 3) == 0);
    CHECK(xengt_vgpu_list(host, NULL, sizeof(list[0]), 0, &count) == 0);
    CHECK(count == 0);
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    struct xengt_host *host;
    int files = open_files();
    CHECK(xengt_host_open_sim(scratch(argv, "sim"), &host) == 0);
    refusals(host);
    life(host);
    /* No call leaves a file open, and a handle needs none: a device model may fork(). */
    CHECK(open_files() == files);
    xengt_host_close(host);
    return 0;
}
