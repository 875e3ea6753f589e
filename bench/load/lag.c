#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t lag_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void lag_begin(struct load *l, size_t room)
{
    free(l->lag_ns);
    l->lag_ns = calloc(room, sizeof(*l->lag_ns));
    if (!l->lag_ns)
        load_die("malloc", "no memory");
    l->lag_room = room;
    l->lag_n = 0;
}

void lag_came(struct load *l, struct phone *caller)
{
    if (caller && caller->sent_ns && l->lag_n < l->lag_room) {
        l->lag_ns[l->lag_n++] = (uint32_t)(lag_now() - caller->sent_ns);
        caller->sent_ns = 0; /* one that is sent again does not count twice */
    }
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

void lag_print(struct load *l)
{
    if (l->lag_n == 0)
        return;
    qsort(l->lag_ns, l->lag_n, sizeof(*l->lag_ns), by_size);
    printf("\"lag_us\": {\"p50\": %.1f, \"p99\": %.1f, \"p99.9\": %.1f}, ",
           l->lag_ns[l->lag_n / 2] / 1000.0, l->lag_ns[l->lag_n * 99 / 100] / 1000.0,
           l->lag_ns[l->lag_n * 999 / 1000] / 1000.0);
}
