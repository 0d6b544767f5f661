/* As much of KUnit as the tests of xengt use, for a program. */
#ifndef SHIM_KUNIT_H
#define SHIM_KUNIT_H

#include <linux/types.h>
#include <stdio.h>
#include <string.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

struct kunit {
    unsigned failures;
};

struct kunit_case {
    void (*run)(struct kunit *test);
    const char *name;
};

struct kunit_suite {
    const char *name;
    struct kunit_case *test_cases;
};

#define KUNIT_CASE(function) { function, #function }

#define KUNIT_FAIL(test, ...)                           \
    do {                                                \
        (test)->failures++;                             \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__); \
        fprintf(stderr, __VA_ARGS__);                   \
        fputc('\n', stderr);                            \
    } while (0)

/* Compared as the kernel does: both have one type. */
#define KUNIT_EXPECT_EQ_MSG(test, left, right, ...)                                                          \
    do {                                                                                                     \
        __typeof__(left) shim_left = (left);                                                                 \
        __typeof__(right) shim_right = (right);                                                              \
        if (shim_left != shim_right) {                                                                       \
            KUNIT_FAIL(test, "%s is %lld, expected %lld", #left, (long long)shim_left, (long long)shim_right); \
            fprintf(stderr, __VA_ARGS__);                                                                    \
        }                                                                                                    \
    } while (0)
#define KUNIT_EXPECT_EQ(test, left, right) KUNIT_EXPECT_EQ_MSG(test, left, right, "%s", "")
#define KUNIT_EXPECT_TRUE(test, what) KUNIT_EXPECT_EQ(test, !!(what), 1)
#define KUNIT_EXPECT_FALSE(test, what) KUNIT_EXPECT_EQ(test, !!(what), 0)
#define KUNIT_EXPECT_STREQ(test, left, right)                                    \
    do {                                                                         \
        if (strcmp(left, right))                                                 \
            KUNIT_FAIL(test, "%s is \"%s\", expected \"%s\"", #left, left, right); \
    } while (0)

#define kunit_test_suites(...) static struct kunit_suite *shim_suites[] = { __VA_ARGS__ }

#endif
