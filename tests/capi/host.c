/* Opening and closing hosts: every kind, and everything that is none. */
#include "check.h"

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    CHECK(xengt_abi_version() >= XENGT_ABI_VERSION);
    CHECK(strcmp(xengt_last_error(), "") == 0);

    /* NULL and nothing. */
    struct xengt_host *host;
    PAINT(host);
    FAILS(EINVAL, "`out` is NULL", xengt_host_open(NULL, NULL));
    FAILS(EINVAL, "`out` is NULL", xengt_host_open_sim(argv[1], NULL));
    FAILS(EINVAL, "`dir` is NULL", xengt_host_open_sim(NULL, &host));
    FAILS(EINVAL, "`dir` is empty", xengt_host_open_sim("", &host));
    FAILS(EINVAL, "`root` is empty", xengt_host_open("", &host));
    CHECK(UNTOUCHED(host));
    xengt_host_close(NULL);

    /* The running system can be opened by anybody. */
    CHECK(xengt_host_open(NULL, &host) == 0);
    xengt_host_close(host);

    /* A simulated host is made where there is none, and recognised where there is one. */
    CHECK(xengt_host_open_sim(scratch(argv, "sim"), &host) == 0);
    xengt_host_close(host);
    size_t count;
    for (int i = 0; i < 2; i++) {
        int result = i == 0 ? xengt_host_open(scratch(argv, "sim"), &host)
                            : xengt_host_open_sim(scratch(argv, "sim"), &host);
        CHECK(result == 0);
        PAINT(count);
        CHECK(xengt_vgpu_list(host, NULL, sizeof(struct xengt_vgpu), 0, &count) == 0);
        CHECK(count == 0);
        xengt_host_close(host);
    }

    /* Success leaves the text of the last failure alone. */
    FAILS(EINVAL, "`root` is empty", xengt_host_open("", &host));
    CHECK(xengt_host_open(scratch(argv, "sim"), &host) == 0);
    CHECK(strstr(xengt_last_error(), "`root` is empty") != NULL);
    xengt_host_close(host);

    /* A path is bytes: this one is no UTF-8. */
    CHECK(xengt_host_open_sim(scratch(argv, "sim-\xff\xfe"), &host) == 0);
    xengt_host_close(host);

    /* Somebody's directory is left alone. */
    PAINT(host);
    make_dir(argv, "thesis");
    write_file(argv, "thesis/chapter1", "ten years of work");
    FAILS(EEXIST, "no simulated host; give an empty directory",
          xengt_host_open_sim(scratch(argv, "thesis"), &host));

    /* Where nothing can be made. */
    FAILS(EIO, "thesis/chapter1", xengt_host_open_sim(scratch(argv, "thesis/chapter1/sim"), &host));

    /* A damaged one is refused, by both. */
    const char *damages[] = {"", "{", "[]", "{\"format\":9}"};
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        write_file(argv, "sim/xengt-sim/state.json", damages[i]);
        FAILS(EIO, "is damaged", xengt_host_open(scratch(argv, "sim"), &host));
        FAILS(EIO, "is damaged", xengt_host_open_sim(scratch(argv, "sim"), &host));
    }
    CHECK(UNTOUCHED(host));

    /* A host that is damaged while it is open: what is asked of it fails, and says why. */
    CHECK(xengt_host_open(scratch(argv, "sim-\xff\xfe"), &host) == 0);
    write_file(argv, "sim-\xff\xfe/xengt-sim/state.json", "{");
    struct xengt_vgpu vgpu;
    PAINT(vgpu);
    FAILS(EIO, "1,64,384,4", xengt_vgpu_create(host, 1, NULL, &vgpu, sizeof(vgpu)));
    CHECK(UNTOUCHED(vgpu));
    xengt_host_close(host);
    return 0;
}
