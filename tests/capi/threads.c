/* One handle in several threads: each has its own last error, and creators take turns. */
#include "check.h"

#include <pthread.h>

#define THREADS 4

static struct xengt_host *host;
static pthread_barrier_t together;

static void *work(void *argument)
{
    uint32_t number = *(uint32_t *)argument;
    char words[64];
    CHECK(strcmp(xengt_last_error(), "") == 0);

    /* All fail, and then all look: nobody's text is another's. */
    snprintf(words, sizeof(words), "domain %u has no vGPU", (unsigned)(100 + number));
    for (int i = 0; i < 20; i++) {
        FAILS(ENOENT, words, xengt_vgpu_destroy(host, 100 + number));
        pthread_barrier_wait(&together);
        CHECK(strstr(xengt_last_error(), words) != NULL);
        pthread_barrier_wait(&together);
    }

    /* All want the same vGPU: one gets it, the others hear that it exists. */
    struct xengt_vgpu vgpu;
    int result = xengt_vgpu_create(host, 5, NULL, &vgpu, sizeof(vgpu));
    CHECK(result == 0 || result == -EEXIST);
    pthread_barrier_wait(&together);
    CHECK(xengt_vgpu_get(host, 5, &vgpu, sizeof(vgpu)) == 0 && vgpu.domid == 5);
    *(uint32_t *)argument = result == 0;
    return NULL;
}

int main(int argc, char **argv)
{
    CHECK(argc == 2);
    CHECK(xengt_host_open_sim(scratch(argv, "sim"), &host) == 0);
    CHECK(pthread_barrier_init(&together, NULL, THREADS) == 0);
    pthread_t threads[THREADS];
    uint32_t numbers[THREADS];
    for (uint32_t i = 0; i < THREADS; i++) {
        numbers[i] = i;
        CHECK(pthread_create(&threads[i], NULL, work, &numbers[i]) == 0);
    }
    uint32_t creators = 0;
    for (uint32_t i = 0; i < THREADS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        creators += numbers[i];
    }
    CHECK(creators == 1);
    /* The threads' failures are not this one's. */
    CHECK(strcmp(xengt_last_error(), "") == 0);
    CHECK(pthread_barrier_destroy(&together) == 0);
    xengt_host_close(host);
    return 0;
}
