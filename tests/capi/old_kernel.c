/* A kernel that shows less than ours, one that shows rubbish, and one without the module. */
#include "check.h"

static void old(struct xengt_host *host)
{
    struct xengt_vgpu list[4];
    size_t count;
    PAINT(list);
    CHECK(xengt_vgpu_list(host, list, sizeof(list[0]), 4, &count) == 0);
    CHECK(count == 3 && UNTOUCHED(list[3]));
    CHECK(list[0].domid == 1 && list[0].id == 3 && list[0].error == 0 && list[0].known == 0);
    CHECK(list[0].state == XENGT_STATE_UNKNOWN && list[0].type_name[0] == 0);
    CHECK(list[0].aperture.size == 0 && list[0].fence_count == 0);
    /* One that cannot be read does not hide the next. */
    CHECK(list[1].domid == 2 && list[1].id == 0 && list[1].error == -EIO);
    CHECK(list[2].domid == 7 && list[2].id == 1 && list[2].error == 0);

    struct xengt_vgpu vgpu;
    PAINT(vgpu);
    FAILS(EIO, "vm2/vgpu_id: it says \"rubbish\"", xengt_vgpu_get(host, 2, &vgpu, sizeof(vgpu)));
    CHECK(UNTOUCHED(vgpu));
    CHECK(xengt_vgpu_get(host, 1, &vgpu, sizeof(vgpu)) == 0);
    CHECK(memcmp(&vgpu, &list[0], sizeof(vgpu)) == 0);

    uint64_t gma;
    struct xengt_translation found;
    PAINT(gma);
    PAINT(found);
    FAILS(EOPNOTSUPP, "does not show the window", xengt_gma_g2h(host, 1, 0, &gma));
    FAILS(EOPNOTSUPP, "does not show the window", xengt_gma_h2g(host, 1, 0, &gma));
    FAILS(EOPNOTSUPP, "virtual GGTT", xengt_ggtt_translate(host, 1, 0, &found, sizeof(found)));
    FAILS(EOPNOTSUPP, "hypervisor", xengt_ppgtt_translate(host, 1, 0, 0, &found, sizeof(found)));
    CHECK(UNTOUCHED(gma) && UNTOUCHED(found));

    /* Without a state to see, taken is all that pause and resume can say. */
    CHECK(xengt_vgpu_pause(host, 1) == 0 && xengt_vgpu_resume(host, 1) == 0);
    FAILS(ENOENT, "schedule of domain 7", xengt_vgpu_pause(host, 7));

    /* This one takes every word and does nothing: that is no success. */
    PAINT(vgpu);
    FAILS(EIO, "the kernel accepted \"4,64,384,4,-1,0\", but",
          xengt_vgpu_create_sized(host, 4, 64, 384, 4, &vgpu, sizeof(vgpu)));
    FAILS(EIO, "is still there", xengt_vgpu_destroy(host, 1));
    CHECK(UNTOUCHED(vgpu));
}

static void absent(struct xengt_host *host)
{
    struct xengt_vgpu vgpu;
    struct xengt_translation found;
    uint64_t gma;
    size_t count;
    const char *words = "the xengt module is not loaded; load it with `modprobe xengt`";
    FAILS(EOPNOTSUPP, words, xengt_vgpu_create(host, 1, NULL, &vgpu, sizeof(vgpu)));
    FAILS(EOPNOTSUPP, words, xengt_vgpu_destroy(host, 1));
    FAILS(EOPNOTSUPP, words, xengt_vgpu_pause(host, 1));
    FAILS(EOPNOTSUPP, words, xengt_vgpu_resume(host, 1));
    FAILS(EOPNOTSUPP, words, xengt_vgpu_get(host, 1, &vgpu, sizeof(vgpu)));
    FAILS(EOPNOTSUPP, words, xengt_vgpu_list(host, NULL, sizeof(vgpu), 0, &count));
    FAILS(EOPNOTSUPP, words, xengt_gma_g2h(host, 1, 0, &gma));
    FAILS(EOPNOTSUPP, words, xengt_gma_h2g(host, 1, 0, &gma));
    FAILS(EOPNOTSUPP, words, xengt_ggtt_translate(host, 1, 0, &found, sizeof(found)));
    FAILS(EOPNOTSUPP, words, xengt_ppgtt_translate(host, 1, 0, 0, &found, sizeof(found)));
    FAILS(EOPNOTSUPP, "PCI devices",
          xengt_vgpu_create(host, 1, "8", &vgpu, sizeof(vgpu)));
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    struct xengt_host *host;
    CHECK(xengt_host_open(scratch(argv, "old"), &host) == 0);
    absent(host);
    const char *dirs[] = {"old",
                          "old/sys",
                          "old/sys/kernel",
                          "old/sys/kernel/vgt",
                          "old/sys/kernel/vgt/control",
                          "old/sys/kernel/vgt/vm1",
                          "old/sys/kernel/vgt/vm2",
                          "old/sys/kernel/vgt/vm7"};
    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
        make_dir(argv, dirs[i]);
    }
    write_file(argv, "old/sys/kernel/vgt/control/create_vgt_instance", "");
    write_file(argv, "old/sys/kernel/vgt/vm1/vgpu_id", "3\n");
    write_file(argv, "old/sys/kernel/vgt/vm1/schedule", "");
    write_file(argv, "old/sys/kernel/vgt/vm2/vgpu_id", "rubbish\n");
    write_file(argv, "old/sys/kernel/vgt/vm7/vgpu_id", "1\n");
    old(host);
    xengt_host_close(host);
    return 0;
}
