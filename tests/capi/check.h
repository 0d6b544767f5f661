/* What the C programs share: checks that stop at the first failure, and scratch files. */
#ifndef CHECK_H
#define CHECK_H

#define _XOPEN_SOURCE 700

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <xengt.h>

#define CHECK(condition)                                                                               \
    do {                                                                                               \
        if (!(condition)) {                                                                            \
            fprintf(stderr, "%s:%d: not true: %s (last error: \"%s\")\n", __FILE__, __LINE__,          \
                    #condition, xengt_last_error());                                                   \
            exit(1);                                                                                   \
        }                                                                                              \
    } while (0)

/* The call returns the negative errno `number`, and the last error has `words` in it. */
#define FAILS(number, words, call)                                                                     \
    do {                                                                                               \
        int result_ = (call);                                                                          \
        if (result_ != -(number) || strstr(xengt_last_error(), (words)) == NULL) {                     \
            fprintf(stderr, "%s:%d: %s gave %d, \"%s\"; expected %d, \"...%s...\"\n", __FILE__,        \
                    __LINE__, #call, result_, xengt_last_error(), -(number), (words));                 \
            exit(1);                                                                                   \
        }                                                                                              \
    } while (0)

#define MB ((uint64_t)1 << 20)

/* Memory that no call has written: every byte is 0xa5. */
#define PAINT(object) memset(&(object), 0xa5, sizeof(object))
#define UNTOUCHED(object) check_untouched(&(object), sizeof(object))

static inline int check_untouched(const void *memory, size_t size)
{
    const unsigned char *bytes = memory;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0xa5) {
            return 0;
        }
    }
    return 1;
}

/* The scratch directory's file `name`, in memory that the next call uses again. */
static inline const char *scratch(char *const *argv, const char *name)
{
    static char path[4096];
    int length = snprintf(path, sizeof(path), "%s/%s", argv[1], name);
    CHECK(length > 0 && (size_t)length < sizeof(path));
    return path;
}

static inline void make_dir(char *const *argv, const char *name)
{
    CHECK(mkdir(scratch(argv, name), 0700) == 0);
}

static inline void write_file(char *const *argv, const char *name, const char *text)
{
    FILE *file = fopen(scratch(argv, name), "w");
    CHECK(file != NULL);
    CHECK(fputs(text, file) >= 0);
    CHECK(fclose(file) == 0);
}

#endif
