/*
 * Runs the KUnit tests of xengt as a program, and then throws random input at what guests and tools can reach.
 *
 * usage: xengt-kernel-tests [ROUNDS [SEED]]
 *
 * Built with the sanitizers: what the input makes undefined ends the program.
 */
#include "kunit.c"

#include <stdlib.h>

unsigned shim_fail_every;

static u64 state;

static u64 any(void)
{
    /* xorshift64: the same numbers for the same seed. */
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Numbers that find edges sooner than evenly spread ones. */
static u64 edgy(void)
{
    u64 number = any();

    switch (any() % 4) {
    case 0:
        return number;
    case 1:
        return number & 0x1fff;
    case 2:
        return 0 - (number & 0x1fff);
    default:
        return (1ull << (number & 63)) - (any() & 1);
    }
}

#define MUST(what)                                                         \
    do {                                                                   \
        if (!(what)) {                                                     \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
            exit(1);                                                       \
        }                                                                  \
    } while (0)

/* Text from the grammar's own letters, in memory that ends where it ends. */
static void try_command(void)
{
    static const char letters[] = "0123456789,,,,,--\n x\0";
    size_t len = any() % 70, i;
    char *text = malloc(len ? len : 1);
    struct xengt_command cmd;

    for (i = 0; i < len; i++)
        text[i] = letters[any() % sizeof(letters)];
    if (!xengt_parse_command(text, len, &cmd)) {
        MUST(cmd.domid > 0 && cmd.domid < XENGT_DOMID_END);
        MUST(cmd.create ? cmd.low_mb && cmd.fences : !cmd.low_mb);
        MUST(cmd.primary >= -1 && cmd.primary <= 1 && cmd.cap <= 100);
    }
    free(text);
}

static void try_request(void)
{
    struct xengt_request req = {
        .addr = edgy(),
        .data = edgy(),
        .count = any() % 3 ? any() % 5000 : edgy(),
        .size = any() % 3 ? 1u << any() % 4 : edgy(),
        .data_is_ptr = any() & 1,
        .backwards = any() & 1,
    };
    u32 offset, i;

    if (!xengt_check_memory(&req)) {
        u64 low = xengt_element(&req, req.addr, req.backwards ? req.count - 1 : 0);
        u64 high = xengt_element(&req, req.addr, req.backwards ? 0 : req.count - 1);

        MUST(req.count && req.count <= XENGT_MAX_COUNT && req.size <= 8);
        MUST(high - low == (u64)(req.count - 1) * req.size && high + (req.size - 1) >= high);
    }
    if (any() & 1)
        req.addr = (u64)XENGT_SBDF << 32 | (u32)edgy();
    if (!xengt_check_config(&req, &offset))
        MUST(req.size <= 4 && offset + req.size <= XENGT_CONFIG_SIZE && req.count <= XENGT_MAX_COUNT);
    for (i = 1; i < 12; i++)
        MUST(xengt_all_ones(i));
}

/* A guest that writes its config space at random: no two regions ever share an address. */
static void try_config(void)
{
    static u8 space[XENGT_CONFIG_SIZE];
    static u8 sizing;
    const struct xengt_config_view view = { .space = space, .msi = 0xac, .bar_size = { 16 << 20, 256 << 20 } };
    struct xengt_config_write writes[XENGT_MAX_CONFIG_WRITES];
    struct xengt_bars bars = { .size = { 16 << 20, 256 << 20 }, .end = 1ull << 39 };
    struct xengt_regions regions;
    u32 bytes = 1u << any() % 3, offset = any() % 2 ? any() % 64 : any() % (XENGT_CONFIG_SIZE - 3);
    unsigned nr, i, j;
    u64 where;

    nr = xengt_plan_config_write(&view, offset, bytes, edgy(), writes);
    MUST(nr <= XENGT_MAX_CONFIG_WRITES);
    for (i = 0; i < nr; i++) {
        u32 at = writes[i].offset;

        MUST(writes[i].bytes >= 1 && writes[i].bytes <= 4 && at >= 4);
        MUST((at & 3) + writes[i].bytes <= 4 && at + writes[i].bytes <= XENGT_CONFIG_SIZE);
        if (at == PCI_COMMAND)
            MUST(writes[i].bytes <= 2);
        if (at >= PCI_BASE_ADDRESS_0 && at < PCI_CARDBUS_CIS)
            MUST(!(at & 3) && writes[i].bytes == 4);
        sizing = xengt_note_sizing(sizing, at, writes[i].value);
        memcpy(&space[at], &writes[i].value, writes[i].bytes);
    }
    MUST(!(space[0xae] & ~1) && !space[0xaf]);

    memcpy(bars.bar, &space[PCI_BASE_ADDRESS_0], sizeof(bars.bar));
    memcpy(&bars.opregion, &space[0xfc], 4);
    bars.sizing = sizing;
    bars.memory = space[PCI_COMMAND] & PCI_COMMAND_MEMORY;
    xengt_want_regions(&bars, &regions);
    for (i = 0; i < XENGT_NR_REGIONS; i++) {
        const struct xengt_range *a = &regions.at[i];

        MUST(!a->size || (a->start && a->start + a->size <= bars.end));
        for (j = 0; j < i; j++)
            MUST(!overlaps(a, &regions.at[j]));
    }
    i = xengt_find_region(&regions, edgy(), 1u << any() % 4, &where);
    MUST(i == XENGT_NOWHERE || where < regions.at[i].size);
}

/* A window anywhere, and a Xen that does any number of steps and fails at any call: what is mapped is always known. */
static void try_direct(void)
{
    struct xengt_direct *direct = &direct_xen.direct;
    struct xengt_window window = {
        .gfn = DIRECT_GFN + any() % 1024, .mfn = DIRECT_MFN + any() % 1024, .nr = any() % (DIRECT_FRAMES - 1024),
    };
    /* Regions end below the guest's last address (try_config), and the machine's aperture below its own. */
    struct xengt_range bar = { edgy() >> 16 & ~0xfffull, any() % 3 ? 256 << 20 : edgy() >> 16 };
    struct xengt_slice slice = {
        .base = edgy() >> 16,
        .offset = any() % 3 ? (any() % 128) << 21 : edgy(),
        .size = any() % 3 ? 64 << 20 : edgy(),
    };
    unsigned round;

    new_direct();
    for (round = 0; round < 4; round++) {
        direct_xen.steps = any() % 2 ? 64 : 1 + any() % 600;
        direct_xen.fail_at = direct_xen.calls + 1 + any() % 12;
        direct_xen.fail_from = any() % 3 ? 0 : direct_xen.calls + 1 + any() % 12;
        if (any() % 2)
            MUST(xengt_direct_map(direct, &window) || direct->window.nr == window.nr);
        else
            MUST(xengt_direct_unmap(direct) || xengt_direct_is_empty(direct));
        MUST(direct_agrees(&direct_xen));
        MUST(!xengt_direct_is_empty(direct) || !direct_xen.nr);
    }

    xengt_want_window(&bar, &slice, &window);
    if (window.nr) {
        MUST(window.gfn << 12 >= bar.start && (window.nr << 12) <= bar.size);
        MUST((window.gfn << 12) - bar.start == slice.offset && window.nr << 12 == slice.size);
        MUST(slice.offset + slice.size <= bar.size && window.mfn << 12 == slice.base + slice.offset);
    }
}

static void run_tests(unsigned *passed, unsigned *failed)
{
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(shim_suites); i++) {
        struct kunit_case *test;

        for (test = shim_suites[i]->test_cases; test->run; test++) {
            struct kunit state = { 0 };

            test->run(&state);
            printf("test %s::%s ... %s\n", shim_suites[i]->name, test->name, state.failures ? "FAILED" : "ok");
            *(state.failures ? failed : passed) += 1;
        }
    }
}

int main(int argc, char **argv)
{
    unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : 200000, i;
    unsigned passed = 0, failed = 0;
    struct kunit starved = { 0 };

    state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    MUST(state);
    run_tests(&passed, &failed);
    /* The table of pages once more, with memory that runs out. */
    shim_fail_every = 3;
    pins_agree_with_a_plain_count(&starved);
    shim_fail_every = 0;
    MUST(!starved.failures);
    for (i = 0; i < rounds; i++) {
        try_command();
        try_request();
        try_config();
        if (i % 64 == 0)
            try_direct();
    }
    printf("test random input, %lu rounds ... ok\n", rounds);
    printf("test result: %s. %u passed; %u failed\n", failed ? "FAILED" : "ok", passed + 1, failed);
    return failed != 0;
}
