#include "fuzz.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "frames.h"
#include "random.h"

/* How long dom0 may take to put a new vGPU in the place of one that GVT-g has given up on. */
enum { NEW_ONE_SECONDS = 120, LOOK_EVERY = 32, ROUNDS_GIVEN_UP = 200 };

/* No frame of a machine of the lab; and not present. */
#define MARK UINT64_C(0x0000003f5a5a5000)

/*
 * How often each is to be had, and how often it may be reckless: once in so many times, 0 for never. Those of weight 0
 * run only by name.
 */
static struct kind {
    const char *name;
    unsigned (*run)(struct fuzz *fuzz);
    unsigned weight, reckless;
    uint64_t accesses;
    int wanted;
} kinds[] = {
    { .name = "config", .run = fuzz_config, .weight = 10 },
    { .name = "mmio", .run = fuzz_mmio, .weight = 30, .reckless = 100 },
    { .name = "ggtt", .run = fuzz_ggtt, .weight = 20 },
    { .name = "aperture", .run = fuzz_aperture, .weight = 10 },
    { .name = "ring", .run = fuzz_ring, .weight = 10, .reckless = 50 },
    { .name = "bounds", .run = fuzz_bounds, .weight = 1 },
    { .name = "chain", .run = fuzz_chain, .weight = 1 },
    { .name = "pvinfo", .run = fuzz_pvinfo, .weight = 10, .reckless = 100 },
    { .name = "tables", .run = fuzz_tables, .weight = 15 },
    { .name = "hang", .run = fuzz_hang, .weight = 0 },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static struct fuzz state;

/* What there is to try; 0 if a name is not known. */
static unsigned choose(char **names)
{
    unsigned total = 0;
    for (char **name = names; *name; name++) {
        struct kind *kind = kinds;
        while (kind < kinds + KINDS && strcmp(kind->name, *name))
            kind++;
        if (kind == kinds + KINDS)
            return 0;
        kind->wanted = 1;
    }
    for (unsigned i = 0; i < KINDS; i++) {
        if (!*names)
            kinds[i].wanted = kinds[i].weight != 0;
        else if (kinds[i].wanted && !kinds[i].weight)
            kinds[i].weight = 1;
        total += kinds[i].wanted ? kinds[i].weight : 0;
    }
    return total;
}

static void run_one(unsigned total)
{
    unsigned left = (unsigned)below(total);
    struct kind *kind = kinds;
    while (!kind->wanted || left >= kind->weight) {
        left -= kind->wanted ? kind->weight : 0;
        kind++;
    }
    state.reckless = kind->reckless && one_in(kind->reckless);
    kind->accesses += kind->run(&state);
}

/* In failsafe mode GVT-g lets a guest write what it likes into a GGTT that nothing reads any more. */
static int is_given_up(void)
{
    uint64_t index = GGTT_ENTRIES - 1;
    while (is_own(&state.window, index * PAGE))
        index -= 512;
    ggtt_write(index, MARK);
    return ggtt_read(index) == MARK;
}

static int is_new(void)
{
    device_restore();
    return device_is_there() && !is_given_up();
}

static void look_around(void)
{
    state.window = device_window();
    state.work = work_new(&state.window);
}

/* Asks dom0 for a new vGPU, and waits for it. Returns whether it came. */
static int have_new(unsigned number)
{
    printf("fuzz: given up %u\n", number);
    fflush(stdout);
    for (unsigned waited = 0; waited < NEW_ONE_SECONDS; waited++) {
        sleep(1);
        if (is_new()) {
            look_around();
            return 1;
        }
    }
    return 0;
}

static void say_counts(uint64_t rounds, unsigned given_up)
{
    const char *separator = "";
    printf("fuzz: ");
    for (unsigned i = 0; i < KINDS; i++)
        if (kinds[i].wanted) {
            printf("%s%" PRIu64 " %s", separator, kinds[i].accesses, kinds[i].name);
            separator = ", ";
        }
    printf(" accesses\nfuzz: %" PRIu64 " rounds, given up %u times\n", rounds, given_up);
    fflush(stdout);
}

int fuzz(uint64_t seed, unsigned seconds, char **names)
{
    unsigned total = choose(names), given_up = 0;
    if (!total) {
        fputs("there is no such kind\n", stderr);
        return 2;
    }
    printf("fuzz: seed %" PRIu64 ", %u seconds\n", seed, seconds);
    fflush(stdout);
    seed_random(seed);
    fuzz_entries_init();
    fuzz_tables_init();
    device_restore();
    if (!device_is_there())
        die("looking for a vGPU");
    look_around();
    work_map(&state.work);

    time_t end = time(NULL) + seconds;
    uint64_t rounds = 0;
    for (int renewable = 1; time(NULL) < end; rounds++) {
        run_one(total);
        if (!renewable || rounds % LOOK_EVERY || !is_given_up())
            continue;
        /* That mode has code of its own. */
        for (unsigned i = 0; i < ROUNDS_GIVEN_UP; i++)
            run_one(total);
        time_t asked = time(NULL);
        renewable = have_new(++given_up);
        end += time(NULL) - asked;
        if (renewable)
            work_map(&state.work);
    }
    say_counts(rounds, given_up);
    return 0;
}
