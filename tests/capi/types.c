/* The types of a host: whole, cut to the room there is, and for callers of other ages. */
#include "check.h"

/* What a caller of a later version has: the same structure with more behind. */
struct later_type {
    struct xengt_type now;
    uint64_t later;
};

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    struct xengt_host *host;
    CHECK(xengt_host_open_sim(scratch(argv, "sim"), &host) == 0);

    size_t count;
    PAINT(count);
    CHECK(xengt_host_types(host, NULL, sizeof(struct xengt_type), 0, &count) == 0);
    CHECK(count == 4);

    struct xengt_type types[6];
    PAINT(types);
    CHECK(xengt_host_types(host, types, sizeof(types[0]), 6, &count) == 0);
    CHECK(count == 4);
    CHECK(UNTOUCHED(types[4]) && UNTOUCHED(types[5]));
    const char *names[] = {"GVTg_V5_8", "GVTg_V5_4", "GVTg_V5_2", "GVTg_V5_1"};
    const uint64_t high_mb[] = {384, 512, 1024, 2048};
    for (uint32_t i = 0; i < 4; i++) {
        CHECK(strcmp(types[i].name, names[i]) == 0);
        CHECK(types[i].low_gm == (64 * MB) << i);
        CHECK(types[i].high_gm == high_mb[i] * MB);
        CHECK(types[i].fences == 4);
        CHECK(types[i].weight == 2u << i);
        CHECK(types[i].known == (XENGT_TYPE_FITS | XENGT_TYPE_LEFT));
        CHECK(types[i].limit == XENGT_LIMIT_LOW_GM);
    }
    CHECK(types[0].max_width == 1024 && types[0].max_height == 768);
    CHECK(types[3].max_width == 1920 && types[3].max_height == 1200);
    /* 256 MB of aperture less the host's 128: two of 64, one of 128, none larger. */
    const uint32_t fits[] = {2, 1, 0, 0};
    for (int i = 0; i < 4; i++) {
        CHECK(types[i].fits == fits[i] && types[i].left == fits[i]);
    }

    /* With a vGPU of the smallest type there is less left, and the host is what it was. */
    struct xengt_vgpu vgpu;
    CHECK(xengt_vgpu_create(host, 1, NULL, &vgpu, sizeof(vgpu)) == 0);
    CHECK(xengt_host_types(host, types, sizeof(types[0]), 6, &count) == 0);
    CHECK(types[0].fits == 2 && types[0].left == 1);
    CHECK(types[1].fits == 1 && types[1].left == 0);

    /* Less room than types. */
    PAINT(types);
    CHECK(xengt_host_types(host, types, sizeof(types[0]), 2, &count) == 0);
    CHECK(count == 4 && strcmp(types[1].name, "GVTg_V5_4") == 0 && UNTOUCHED(types[2]));

    /* A later caller has zeros in what this library does not know. */
    struct later_type later[2];
    PAINT(later);
    CHECK(xengt_host_types(host, &later[0].now, sizeof(later[0]), 2, &count) == 0);
    CHECK(strcmp(later[1].now.name, "GVTg_V5_4") == 0 && later[0].later == 0 && later[1].later == 0);

    /* Refusals. */
    PAINT(types);
    PAINT(count);
    FAILS(EINVAL, "`host` is NULL", xengt_host_types(NULL, types, sizeof(types[0]), 6, &count));
    FAILS(EINVAL, "`count` is NULL", xengt_host_types(host, types, sizeof(types[0]), 6, NULL));
    FAILS(EINVAL, "sizeof(struct xengt_type)", xengt_host_types(host, types, 0, 6, &count));
    FAILS(EINVAL, "sizeof(struct xengt_type)",
          xengt_host_types(host, types, sizeof(types[0]) - 1, 6, &count));
    FAILS(EINVAL, "sizeof(struct xengt_type)", xengt_host_types(host, types, (size_t)-1, 6, &count));
    xengt_host_close(host);

    /* No GPU at all. */
    make_dir(argv, "empty");
    CHECK(xengt_host_open(scratch(argv, "empty"), &host) == 0);
    FAILS(EOPNOTSUPP, "PCI devices", xengt_host_types(host, types, sizeof(types[0]), 6, &count));
    CHECK(UNTOUCHED(types) && UNTOUCHED(count));
    xengt_host_close(host);
    return 0;
}
